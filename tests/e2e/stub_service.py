"""What stands in for a chat or pager service: HTTP and JSON, and the refusals of the real one.

A service says what becomes of a request in `take`; `fail` makes it answer something else for a
while.  What it accepted is in `taken`, what it refused in `refused`: a receiver that keeps the
documented limits leaves that empty."""
import http.server
import json
import threading
import time
import urllib.parse

import lab


class Refused(Exception):
    """status, body and headers of an answer that is no success."""

    def __init__(self, status, body, headers=None):
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, headers or {}


class Service(lab.Server):
    def __init__(self):
        super().__init__()
        self.taken, self.refused = [], []
        self.failures = []
        self.lock = threading.Lock()
        self.hits = 0

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def fail(self, status, body, times=1, headers=None):
        self.failures += [Refused(status, body, headers)] * times

    def take(self, request, raw):
        """The answer (status, body) for a request that is fine; raises Refused."""
        raise NotImplementedError

    def answer(self, request, raw):
        with self.lock:
            self.hits += 1
            if self.failures:
                failure = self.failures.pop(0)
                return failure.status, failure.body, failure.headers
            try:
                return (*self.take(request, raw), {})
            except Refused as no:
                self.refused.append(str(no))
                return no.status, no.body, no.headers

    def handler(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                self.route = urllib.parse.urlsplit(self.path).path
                status, body, headers = service.answer(self, raw)
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        return Handler

    def said(self):
        return "\n".join(f"{m['title']}\n{m['text']}" for m in list(self.taken))

    def wait(self, what, test, limit=lab.LIMIT):
        """The first thing taken for which test() holds."""
        def found():
            return next((t for t in list(self.taken) if test(t)), None)
        try:
            return lab.wait_for(what, found, limit)
        except AssertionError as e:
            raise AssertionError(f"{e}: took {self.taken}, refused {self.refused}") from None


class Pace:
    """At most `most` within `seconds`."""

    def __init__(self, most, seconds):
        self.most, self.seconds, self.times = most, seconds, []

    def is_over(self):
        now = time.monotonic()
        self.times = [t for t in self.times if now - t < self.seconds] + [now]
        return len(self.times) > self.most
