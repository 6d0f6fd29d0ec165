"""What the stubs of chat services share: a JSON API over HTTP that keeps every request and what it
answered, and can be told to answer otherwise for once."""
import http.server
import json
import threading
import time
import urllib.parse

import lab


class Refusal(Exception):
    """What the real service would answer to a request that it does not take."""

    def __init__(self, status, doc, headers=None):
        super().__init__(json.dumps(doc))
        self.status, self.doc, self.headers = status, doc, headers or {}


class Request:
    def __init__(self, method, target, headers, raw):
        parts = urllib.parse.urlsplit(target)
        self.method, self.path = method, urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        self.headers = {k.lower(): v for k, v in headers.items()}
        self.raw, self.body, self.status = raw, None, None
        self.at = time.monotonic()

    def json(self):
        if "application/json" not in self.headers.get("content-type", ""):
            raise ValueError("content-type")
        self.body = json.loads(self.raw)
        if not isinstance(self.body, dict):
            raise ValueError("not an object")
        return self.body


class Service(lab.Server):
    """`take(request)` returns (status, headers, document) or raises Refusal."""

    def __init__(self, port=None):
        super().__init__(port)
        self.requests = []
        self.refusals = []  # of what should never have been sent
        self.forced = []  # (status, headers, document), each for one request
        self.not_before = 0.0  # when a client that was told to wait may come again
        self.impatient = 0
        self.lock = threading.Lock()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def take(self, request):
        raise NotImplementedError

    def wait_for_it(self, seconds):
        """Called where an answer asks the client to wait."""
        self.not_before = time.monotonic() + seconds * 0.98

    def answer(self, request):
        if request.at < self.not_before:
            self.impatient += 1
        if self.forced:
            status, headers, doc = self.forced.pop(0)
            if status == 429:
                self.wait_for_it(float(headers.get("Retry-After", 0)))
            return status, headers, doc
        try:
            return self.take(request)
        except Refusal as r:
            self.refusals.append((r.status, r.doc, request.raw.decode(errors="replace")[:2000]))
            return r.status, r.headers, r.doc

    def handler(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.command, self.path, self.headers, raw)
                with service.lock:
                    status, headers, doc = service.answer(request)
                    request.status = status
                    service.requests.append(request)
                text = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve

            def log_message(self, *args):
                pass

        return Handler

    def wait(self, what, test):
        return lab.wait_for(f"{type(self).__name__}: {what}; refused {self.refusals}", test)

    def expect_no_refusal(self):
        assert not self.refusals, self.refusals
        assert not self.impatient, f"{self.impatient} requests in a pause that was asked for"


def utf16(text):
    return len(text.encode("utf-16-le")) // 2
