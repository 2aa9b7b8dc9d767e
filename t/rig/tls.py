"""A throw-away certificate authority for https on loopback."""

import pathlib

from .process import run


class Authority:
    """Makes certificates for addresses and names; clients trust `ca_file`."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.dir / "ca.pem"
        self._ca_key = self.dir / "ca.key"
        run([*_REQUEST, "-x509", "-days", "2", "-subj", "/CN=mod_mirror test authority", "-keyout", self._ca_key,
             "-out", self.ca_file])

    def certificate(self, *hosts, days=2):
        """(certificate file, key file), valid for these addresses and names, until so many days from now."""
        stem = self.dir / f"{hosts[0].replace(':', '_')}.{days}"
        names = ",".join(("IP:" if h[0].isdigit() or ":" in h else "DNS:") + h for h in hosts)
        csr, cert, key, extensions = (stem.with_name(stem.name + s) for s in (".csr", ".pem", ".key", ".ext"))
        extensions.write_text(f"subjectAltName={names}\n")
        run([*_REQUEST, "-subj", f"/CN={hosts[0]}", "-keyout", key, "-out", csr])
        run(["openssl", "x509", "-req", "-in", csr, "-CA", self.ca_file, "-CAkey", self._ca_key, "-CAcreateserial",
             "-days", str(days), "-extfile", extensions, "-out", cert])
        return cert, key


_REQUEST = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
