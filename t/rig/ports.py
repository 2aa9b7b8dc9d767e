"""Free ports on loopback addresses. A port can be taken between asking and using: servers try again with another one."""

import errno
import random
import socket

from .process import RigError


# Below the ports that the kernel hands to outgoing connections, which come and go all the time.
_PORTS = range(12_000, 32_000)

# Where nobody listens (tcpmux). A free port can be another test's a moment later.
CLOSED_PORT = 1


def free_port(address="127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(200):
        with socket.socket(family) as probe:
            try:
                probe.bind((address, random.choice(_PORTS)))
                return probe.getsockname()[1]
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise RigError(f"cannot listen on {address}: {error.strerror}") from error
    raise RigError(f"no free port on {address}")


def port_is_free(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def accepts(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def has_ipv6():
    try:
        free_port("::1")
    except (RigError, OSError):
        return False
    return True


def host_port(address, port):
    """As in a URL."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
