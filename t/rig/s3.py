"""An object store with Amazon's interface, as far as listing and reading need it: ListObjectsV2, GET with ranges, HEAD and PUT.
It checks Signature Version 4 by itself, so what signs requests is compared with another implementation. In threads of ours."""

import base64
import bisect
import calendar
import email.utils
import hashlib
import hmac
import http.server
import re
import time
import urllib.parse
from xml.sax.saxutils import escape

from .threaded import ThreadedServer

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Object:
    def __init__(self, content, modified, *, etag=None, headers=None, storage="STANDARD"):
        self.content, self.modified, self.headers, self.storage = content, modified, headers or {}, storage
        self.etag = etag or hashlib.md5(content).hexdigest()

    @property
    def size(self):
        return len(self.content)


class Bucket:
    """Objects by key, bytes. `public`: for everybody."""

    def __init__(self, *, public=False):
        self.public, self._objects, self._keys = public, {}, None

    def put(self, key, content, modified=None, **more):
        key = key.encode() if isinstance(key, str) else key
        content = content.encode() if isinstance(content, str) else content
        self._objects[key] = Object(content, int(time.time()) if modified is None else modified, **more)
        self._keys = None

    def fill(self, objects):
        """At once: pairs of a key and an Object."""
        self._objects.update(objects)
        self._keys = None

    def delete(self, key):
        del self._objects[key.encode()]
        self._keys = None

    def get(self, key):
        return self._objects.get(key)

    def keys(self):
        if self._keys is None:
            self._keys = sorted(self._objects)
        return self._keys

    def page(self, prefix, after, delimiter, most):
        """Keys, common prefixes, and behind which key the next page begins; None: there is none."""
        keys, found, common = self.keys(), [], []
        at = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, after))
        while at < len(keys) and keys[at].startswith(prefix):
            if len(found) + len(common) == most:
                last = max(found[-1:] + [c + b"\xff" for c in common[-1:]])
                return found, common, last
            end = keys[at].find(delimiter, len(prefix)) if delimiter else -1
            if end < 0:
                found.append(keys[at])
                at += 1
            else:
                common.append(keys[at][:end + 1])
                at = bisect.bisect_left(keys, keys[at][:end] + b"0")  # '0' follows '/'
        return found, common, None


class S3Server(ThreadedServer):
    """`accounts` are secrets by access key. `fault`, called with each request's handler, may answer in the server's place: then it
    returns True. `requests` are the paths with queries that were asked for, each with its method."""

    def __init__(self, *, region="us-east-1", accounts=None, token=None, address="127.0.0.1"):
        self.region, self.token = region, token
        self.accounts = {KEY: SECRET} if accounts is None else accounts
        self.buckets, self.requests, self.fault = {}, [], None
        handler = type("Handler", (_Handler,), {"s3": self})
        super().__init__(http.server.ThreadingHTTPServer((address, 0), handler))
        self.endpoint = f"http://{address}:{self.port}"

    def bucket(self, name, **options):
        return self.buckets.setdefault(name, Bucket(**options))

    def url(self, path, **parameters):
        """s3://PATH with this endpoint."""
        return f"s3://{path}?" + "&".join(f"{k}={v}" for k, v in {"endpoint": self.endpoint, **parameters}.items())

    def environment(self, key=KEY, secret=SECRET):
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


class Refusal(Exception):
    def __init__(self, status, code, message, more="", headers=None):
        super().__init__(code)
        self.status, self.code, self.message, self.more, self.headers = status, code, message, more, headers or {}


class _Handler(http.server.BaseHTTPRequestHandler):
    s3 = None
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._serve()

    do_HEAD = do_PUT = do_GET

    def _serve(self):
        raw_path, _, self.raw_query = self.path.partition("?")
        self.raw_path = raw_path
        self.query = dict(urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape"))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.s3.requests.append((self.command, self.path))
        try:
            if self.s3.fault and self.s3.fault(self):
                return
            name, _, key = urllib.parse.unquote_to_bytes(raw_path.lstrip("/")).partition(b"/")
            bucket = self.s3.buckets.get(name.decode())
            self.check_signature(bucket)
            if bucket is None:
                raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
            if self.command == "PUT":
                return self._put(bucket, key)
            self._object(bucket, key) if key else self._list(bucket)
        except Refusal as refusal:
            self.refuse(refusal)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def refuse(self, refusal):
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message>'
                f"{refusal.more}<RequestId>1</RequestId></Error>").encode()
        self.answer(refusal.status, body, {"Content-Type": "application/xml", **refusal.headers})

    def answer(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # Signature Version 4, from the request's own words.
    def check_signature(self, bucket):
        authorization = self.headers.get("Authorization")
        if authorization is None:
            if bucket is not None and bucket.public:
                return
            raise Refusal(403, "AccessDenied", "Access Denied")
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]*)/s3/aws4_request, ?"
                             r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", authorization)
        if not match:
            raise Refusal(400, "AuthorizationHeaderMalformed", "The authorization header is malformed")
        key, day, region, names, signature = match.groups()
        if region != self.s3.region:
            raise Refusal(400, "AuthorizationHeaderMalformed", f"the region '{region}' is wrong; expecting '{self.s3.region}'",
                          f"<Region>{self.s3.region}</Region>")
        if key not in self.s3.accounts:
            raise Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        if self.s3.token != self.headers.get("x-amz-security-token"):
            raise Refusal(403, "InvalidToken", "The provided token is malformed or otherwise invalid.")
        when = self.headers["x-amz-date"]
        now = calendar.timegm(time.strptime(when, "%Y%m%dT%H%M%SZ"))
        if abs(now - time.time()) > 900:
            raise Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        if signature != self._signature(self.s3.accounts[key], day, region, names, when):
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        for header in self.headers:
            if header.lower().startswith("x-amz-") and header.lower() not in names.split(";"):
                raise Refusal(403, "AccessDenied", "There were headers present in the request which were not signed")

    def _signature(self, secret, day, region, names, when):
        query = "&".join(sorted("=".join(urllib.parse.quote(urllib.parse.unquote_to_bytes(part), safe="-._~")
                                         for part in (pair + "=").split("=")[:2]) for pair in self.raw_query.split("&") if pair))
        path = urllib.parse.quote(urllib.parse.unquote_to_bytes(self.raw_path), safe="/-._~")
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in names.split(";"))
        request = "\n".join([self.command, path, query, headers, names, self.headers["x-amz-content-sha256"]])
        scope = f"{day}/{region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = ("AWS4" + secret).encode()
        for part in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _put(self, bucket, key):
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
        bucket.put(key, self.body, headers=headers)
        self.answer(200, b"", {"ETag": f'"{bucket.get(key).etag}"'})

    def _list(self, bucket):
        if self.query.get("list-type") != "2":
            raise Refusal(400, "InvalidArgument", "list-type")
        raw = {name: value.encode("utf-8", "surrogateescape") for name, value in self.query.items()}
        after = raw.get("start-after", b"")
        if "continuation-token" in raw:
            try:
                after = base64.b64decode(raw["continuation-token"], validate=True)
                if not after.startswith(b"token"):
                    raise ValueError
                after = after[5:]
            except ValueError:
                raise Refusal(400, "InvalidArgument", "The continuation token provided is incorrect") from None
        most = min(int(self.query.get("max-keys", "1000")), 1000)
        keys, common, last = bucket.page(raw.get("prefix", b""), after, raw.get("delimiter", b""), most)
        self.answer(200, self.listing(bucket, keys, common, last), {"Content-Type": "application/xml"})

    def listing(self, bucket, keys, common, last):
        encoded = self.query.get("encoding-type") == "url"

        def name(key):
            return urllib.parse.quote_plus(key, safe="/-._~*") if encoded else escape(key.decode())

        parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                 f"<Name>b</Name><KeyCount>{len(keys) + len(common)}</KeyCount><MaxKeys>1000</MaxKeys>"]
        if encoded:
            parts.append("<EncodingType>url</EncodingType>")
        parts.append(f"<IsTruncated>{'false' if last is None else 'true'}</IsTruncated>")
        if last is not None:
            parts.append(f"<NextContinuationToken>{base64.b64encode(b'token' + last).decode()}</NextContinuationToken>")
        for key in keys:
            found = bucket.get(key)
            when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(found.modified))
            parts.append(f"<Contents><Key>{name(key)}</Key><LastModified>{when}</LastModified><ETag>&quot;{found.etag}&quot;</ETag>"
                         f"<Size>{found.size}</Size><StorageClass>{found.storage}</StorageClass></Contents>")
        parts += [f"<CommonPrefixes><Prefix>{name(prefix)}</Prefix></CommonPrefixes>" for prefix in common]
        parts.append("</ListBucketResult>")
        return "".join(parts).encode()

    def _object(self, bucket, key):
        found = bucket.get(key)
        if found is None:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
        wanted = self.headers.get("If-Match")
        if wanted and wanted.strip('"') != found.etag:
            raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        headers = {"ETag": f'"{found.etag}"', "Last-Modified": email.utils.formatdate(found.modified, usegmt=True),
                   "Accept-Ranges": "bytes", **found.headers}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not match:
            return self.answer(200, found.content, headers)
        first, last = int(match[1]), min(int(match[2] or found.size - 1), found.size - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
        self.answer(206, found.content[first:last + 1], headers)
