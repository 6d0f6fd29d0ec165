"""What strangers may try at the API's doors: refused with the right words, within bounds, and the
checks go on in time."""
import contextlib
import errno
import json
import re
import resource
import shutil
import socket
import tempfile
import threading
import time

import pytest

import lab
from api_contract import ask, exchange

TOKEN = "0123456789abcdef0123456789abcdef"
IDLE = 10000
GROWN_MAX = 64 << 20  # bytes that any of this may add to the daemon
HOST = "Host: localhost\r\n"

CONFIG = """
daemon: {{name: lab, state_dir: {state}}}
api: {{listen: 127.0.0.1:{port}, token: "{token}"}}
checks:
{checks}
receivers:
  rest: {{type: webhook, url: "http://127.0.0.1:1/", enabled: false}}
"""


class Lab:
    def __init__(self, folder, web):
        self.port = lab.free_port()
        self.tcp = ("127.0.0.1", self.port)
        self.daemon = lab.Daemon(folder)
        checks = "".join(f"  c{i}: {{type: http, url: \"{web.url}\", interval: 1s}}\n"
                         for i in range(20))
        self.daemon.write(CONFIG.format(state=self.daemon.state, port=self.port, token=TOKEN,
                                        checks=checks), head=False)
        self.daemon.start()
        self.unix = str(self.daemon.api.path)
        for i in range(20):
            self.daemon.wait_state(f"c{i}", "up")

    def descriptors(self):
        return len(list(lab.Path(f"/proc/{self.daemon.process.pid}/fd").iterdir()))

    def memory(self):
        text = lab.Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) << 10

    def lateness(self):
        """Starts of checks, and of them those that were in time to the second."""
        text = ask(self.unix, "GET", "/metrics?checks=off").plain().decode()
        rows = re.findall(r'triaged_check_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', text)
        bounds = [(float(le.replace("+Inf", "inf")), int(n)) for le, n in rows]
        in_time = max((n for le, n in bounds if le <= 1), default=0)
        return bounds[-1][1], in_time

    def runs(self):
        return sum(c["runs"] for c in self.daemon.api.get("/api/v1/checks")["checks"])


@pytest.fixture(scope="module")
def lab_up():
    folder = tempfile.mkdtemp(prefix="tri-")
    web = lab.Web().start()
    one = None
    try:
        one = Lab(folder, web)
        yield one
    finally:
        if one is not None:
            one.daemon.stop()
        web.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def up(lab_up):
    """Whatever the test does: both doors answer after it, the checks ran on and in time, and what
    it took is given back."""
    up = lab_up
    memory, descriptors = up.memory(), up.descriptors()
    (starts, in_time), runs = up.lateness(), up.runs()
    yield up
    assert ask(up.unix, "GET", "/healthz").status == 200
    assert ask(up.tcp, "GET", "/healthz").status == 200
    lab.wait_for("checks to go on", lambda: up.runs() > runs + 20)
    starts, in_time = (now - then for now, then in zip(up.lateness(), (starts, in_time)))
    assert starts > 0 and in_time >= starts * 0.9, (starts, in_time)
    assert up.memory() - memory < GROWN_MAX, (memory, up.memory())
    lab.wait_for("descriptors to be back", lambda: up.descriptors() <= descriptors + 10)


def statuses(raw):
    return [int(s) for s in re.findall(rb"(?:^|\n)HTTP/1\.1 (\d\d\d) (?!Continue)", raw)]


def say(address, data):
    """What comes back until the end; a peer that is cut off may lose it."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        return exchange(address, data)
    return b""


class Crowd:
    """Many connections at once, opened a hundred at a time."""

    def __init__(self, address, count):
        self.address, self.count, self.sockets = address, count, []

    def __enter__(self):
        for n in range(self.count):
            s = socket.socket()
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.connect(self.address)
            self.sockets.append(s)
            if n % 100 == 99:
                lab.wait_for("a connection", lambda: s.connect_ex(self.address) in (
                    0, errno.EISCONN, errno.ECONNRESET, errno.EPIPE))
        return self

    def all_say(self, data):
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.send(data)

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()


def test_ten_thousand_idle_connections(up):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 500:
        pytest.skip(f"at most {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 500, hard))
    try:
        before, runs = up.descriptors(), up.runs()
        with Crowd(up.tcp, IDLE):
            for _ in range(20):
                assert ask(up.unix, "GET", "/api/v1/status").status == 200
            assert up.descriptors() < before + 100
            assert ask(up.tcp, "GET", "/healthz").status == 200
            lab.wait_for("checks to go on", lambda: up.runs() > runs + 20)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_slowloris(up):
    """Hundreds that send a byte now and then, for ever, and come back when they are cut off."""
    stop = threading.Event()

    def trickle():
        with Crowd(up.tcp, 300) as crowd:
            crowd.all_say(b"GET /healthz HTTP/1.1\r\nX: ")
            while not stop.wait(0.1):
                for n, s in enumerate(crowd.sockets):
                    try:
                        s.send(b"y")
                        s.recv(1)
                        raise ConnectionResetError
                    except BlockingIOError:
                        continue
                    except OSError:
                        s.close()
                        crowd.sockets[n] = s = socket.socket()
                        s.setblocking(False)
                        with contextlib.suppress(OSError):
                            s.connect(up.tcp)

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    try:
        runs = up.runs()
        for _ in range(50):
            assert ask(up.unix, "GET", "/api/v1/status").status == 200
        # Those at the other door are served when their turn comes: the slow ones make room.
        lab.wait_for("a newcomer to be served", lambda: statuses(
            say(up.tcp, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            == [200])
        lab.wait_for("checks to go on", lambda: up.runs() > runs + 40)
    finally:
        stop.set()
        thread.join(lab.LIMIT)


def test_slow_readers(up):
    """They ask for much and read nothing."""
    with Crowd(up.tcp, 60) as crowd:
        time_out = time.monotonic() + lab.LIMIT
        pending = list(crowd.sockets)
        request = (f"GET /api/v1/openapi.json HTTP/1.1\r\n{HOST}\r\n" * 40).encode()
        while pending and time.monotonic() < time_out:
            for s in list(pending):
                with contextlib.suppress(BlockingIOError):
                    with contextlib.suppress(OSError):
                        s.send(request)
                    pending.remove(s)
        for _ in range(20):
            assert ask(up.unix, "GET", "/api/v1/status").status == 200


HUGE = [
    f"POST /api/v1/silences HTTP/1.1\r\n{HOST}Content-Length: {100 << 20}\r\n\r\n",
    f"POST /api/v1/silences HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{100 << 20:x}\r\n",
    f"GET /api/v1/checks HTTP/1.1\r\n{HOST}Content-Length: {100 << 20}\r\n\r\n",
    f"POST /ping/nobody HTTP/1.1\r\n{HOST}Content-Length: {100 << 20}\r\n\r\n",
]


@pytest.mark.parametrize("door", ["unix", "tcp"])
def test_a_body_of_100_megabytes_is_refused_at_its_head(up, door):
    piece = b"x" * 65536
    for head in HUGE:
        sent = 0
        with socket.socket(socket.AF_UNIX if door == "unix" else socket.AF_INET) as s:
            s.settimeout(lab.LIMIT)
            s.connect(getattr(up, door))
            s.sendall(head.encode())
            answer = s.recv(65536)
            with contextlib.suppress(OSError):
                while sent < 100 << 20:
                    sent += s.send(piece)
        assert statuses(answer) == [413], answer
        assert sent < 32 << 20, f"{sent} bytes were taken"


TRICKS = [
    "/../../etc/passwd", "/api/v1/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
    "/api/v1/checks/..%2f..%2fetc%2fpasswd", "/assets/../index.html", "/assets/%2e%2e%2findex.html",
    "/assets/..%5cindex.html", "/assets/index.html%00.js", "/api/v1/checks/%00", "/api//v1/status",
    "/api/v1/status/", "/API/v1/status", "/api/v1/checks/%", "/api/v1/checks/%zz",
    "/api/v1/checks/%ff%fe", "/api/v1/checks/c0%0d%0aX-Evil:%201", "/api/v1/checks/;ls",
    "/api/v1/incidents/%2e%2e", "/api/v1/incidents/" + "a" * 4000, "/api/v1/playbooks/..%2fdisk",
    "/.git/config", "http://localhost/etc/passwd", "http://evil.example/api/v1/nothing",
    "https://localhost/", "*", "localhost:80", "/api/v1/checks?x=" + "%f0%9f" * 700 + "&limit=x",
]


def test_path_tricks_find_nothing(up):
    for target in TRICKS:
        answer = ask(up.tcp, "GET", target)
        assert answer.status in (400, 404, 414), (target, answer.status)
        assert answer.json()["status"] == answer.status, target
        assert b"root:" not in answer.body and "x-evil" not in answer.headers, target


NO_TEXT = [
    "/api/v1/checks/\xff\xfe", "/api/v1/incidents?state=\xff", "/api/v1/incidents?check=\xc3\x28",
    "/api/v1/checks?name=\xff&limit=1", "/api/v1/rule?expr=\xff\xff", "/\xff",
    "/api/v1/checks?after=%ff", "/api/v1/incidents?since=%80",
]


def test_bad_utf8_in_a_target(up):
    """Bytes that are no text are refused or find nothing; the answer is text in any case."""
    for target in NO_TEXT:
        answer = ask(up.tcp, "GET", target)
        assert answer.status in (200, 400, 404, 422), (target, answer.status)
        said = json.loads(answer.body.decode("utf-8"))
        assert answer.status != 200 or said.get("checks", said.get("incidents")) == [], target


BODIES = [
    b'{"match": {"check": "\xff\xfe"}, "for": "1h"}', b'{"match": {"check": "c\xc0\xaf"}}',
    b"\xef\xbb\xbf{}", b"\x00", b"{}" + b"\x00" * 10, b"[" * 60000, b'{"a":' * 12000,
    b'{"by": "' + b"x" * 60000 + b'"}', b'{"for": 1e999}', b'{"match": {"check": "c0"}, "for": "1h", '
    b'"for": "2h"}', b'{"match": {"check": "c0", "severity": [' + b'"info",' * 9000 + b'"info"]}}',
    b'{"match": {"check": "' + b"*a" * 20000 + b'"}, "for": "1h"}', b"null", b"7", b'"x"',
    b'{"match": {"labels": {"t": "~' + b"(a+)+" * 40 + b'$"}}, "for": "1h"}',
    b'{"match": {"check": "${HOME}"}, "for": "1h"}',
]


def test_bodies_that_are_no_silence(up):
    for body in BODIES:
        answer = ask(up.unix, "POST", "/api/v1/silences", body=body)
        assert answer.status in (400, 201), (body[:80], answer.status, answer.body[:300])
        if answer.status == 201:  # a strange match is still one
            made = answer.json()["id"]
            assert ask(up.unix, "DELETE", f"/api/v1/silences/{made}").status == 200
        left = ask(up.unix, "GET", "/api/v1/silences").json()["silences"]
        assert all(s["state"] == "expired" for s in left), (body[:80], left)


HEADS = [
    (f"GET /healthz HTTP/1.1\r\n{HOST}" + "".join(f"X{i}: y\r\n" for i in range(150)) + "\r\n", 431),
    (f"GET /healthz HTTP/1.1\r\n{HOST}X: {'y' * 9000}\r\n\r\n", 431),
    (f"GET /{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n", 414),
    (f"GET /healthz HTTP/1.1\r\n{HOST}X:{'y' * 3000}\r\nY:{'z' * 6000}\r\n\r\n", 431),
    (f"{'G' * 5000} / HTTP/1.1\r\n{HOST}\r\n", 400),
    ("GET / HTTP/2.0\r\n\r\n", 505), ("GET /\r\n\r\n", 400), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (f"GET /healthz HTTP/1.1\r\n{HOST}: empty\r\n\r\n", 400),
    (f"GET /healthz HTTP/1.1\r\n{HOST}na me: x\r\n\r\n", 400),
    (f"GET /healthz HTTP/1.1\r\n{HOST}X: a\x00b\r\n\r\n", 400),
    (f"GET /healthz HTTP/1.1\r\n{HOST}X: a\rb\r\n\r\n", 400),
    (f"GET /healthz HTTP/1.1\r\n{HOST}Host: evil\r\n\r\n", 400), ("GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("\r\n\r\n\r\n\x16\x03\x01", 400),
]


def test_strange_heads(up):
    for data, status in HEADS:
        for address in (up.tcp, up.unix):
            assert statuses(say(address, data.encode("latin-1"))) == [status], data[:120]


SMUGGLED = f"GET /metrics HTTP/1.1\r\n{HOST}\r\n"


TWO_READINGS = [
    ("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\n"),
    ("Content-Length: 0\r\nContent-Length: 44\r\n", ""), ("Content-Length: 0, 44\r\n", ""),
    ("Content-Length: +0\r\n", ""), ("Content-Length: 0x0\r\n", ""), ("Content-Length: -1\r\n", ""),
    ("Content-Length: 1 0\r\n", ""), ("Content-Length : 0\r\n", ""), (" Content-Length: 0\r\n", ""),
    ("Content-Length:\r\n 0\r\n", ""), ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"), ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    ("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), ("X: y\rContent-Length: 44\r\n", ""),
    ("Transfer-Encoding: chunked\r\n", "0\n\n"), ("Transfer-Encoding: chunked\r\n", "0x0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n"), ("Transfer-Encoding: chunked\r\n", " 0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "ffffffffffffffff0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n"),
]


def test_nothing_is_smuggled(up):
    """Two readings of where a request ends: refused, and what comes behind it is not read."""
    for head, body in TWO_READINGS:
        raw = say(up.tcp, f"POST /ping/nobody HTTP/1.1\r\n{HOST}{head}\r\n{body}{SMUGGLED}"
                  .encode("latin-1"))
        assert len(statuses(raw)) == 1 and statuses(raw)[0] in (400, 413, 501), (head, body, raw[:300])
        assert b"triaged_loop_lag" not in raw


def test_pipelines_are_answered_in_order(up):
    paths = ["/healthz", "/api/v1/status", "/nothing", "/api/v1/checks/c7", "/readyz"] * 40
    asked = "".join(f"GET {p} HTTP/1.1\r\n{HOST}\r\n" for p in paths)
    raw = say(up.tcp, (asked + f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").encode())
    assert statuses(raw) == [200, 200, 404, 200, 200] * 40 + [200]


def test_half_requests_and_resets(up):
    """They go in the middle of whatever they do, with a reset."""
    for data in (b"GET /met", f"GET /metrics HTTP/1.1\r\n{HOST}\r\n".encode(),
                 f"GET /api/v1/events HTTP/1.1\r\n{HOST}\r\n".encode(),
                 f"POST /api/v1/silences HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\n{{".encode()):
        for _ in range(60):
            with socket.create_connection(up.tcp) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                s.sendall(data)


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


FOREIGN = [
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ({"Content-Type": "text/plain; application/json"}, 415),
    ({"Content-Type": None}, 415),
    ({"Content-Encoding": "gzip"}, 415),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
    ({"Origin": "http://localhost.evil.example"}, 403), ({"Origin": "file://"}, 403),
    ({"Origin": "chrome-extension://abc"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Host": "evil.example"}, 421), ({"Host": "localhost:1/x"}, 421),
    ({"Authorization": "Basic dXNlcjpwYXNz"}, 401), ({"Authorization": "Bearer"}, 401),
    ({"Authorization": f"Bearer {TOKEN}x"}, 401), ({"Authorization": None}, 401),
]


def test_a_page_of_another_site_changes_nothing(up):
    ask_for = {"match": {"check": "c*"}, "for": "1h"}
    own = {**bearer(), "Origin": f"http://127.0.0.1:{up.port}", "Sec-Fetch-Site": "same-origin"}
    for extra, status in FOREIGN:
        made = ask(up.tcp, "POST", "/api/v1/silences", own, ask_for)  # right: forgives what was wrong
        assert made.status == 201, made.body
        done = ask(up.tcp, "DELETE", f"/api/v1/silences/{made.json()['id']}", own)
        assert done.status == 200, done.body
        answer = ask(up.tcp, "POST", "/api/v1/silences", {**bearer(), **extra}, ask_for)
        assert answer.status == status, (extra, answer.status, answer.body)
        left = ask(up.unix, "GET", "/api/v1/silences").json()["silences"]
        assert not any(s["state"] == "active" for s in left), extra


def test_a_forwarded_socket_is_not_open_to_any_page(up):
    """`ssh -L 8421:.../api.sock` gives the socket a port, which pages of any site reach."""
    page = {"Host": "localhost:8421", "Origin": "http://localhost:8421", "Sec-Fetch-Site": "same-origin"}
    rebound = {"Host": "evil.example:8421", "Sec-Fetch-Site": "same-origin"}
    assert ask(up.unix, "POST", "/api/v1/reload").status == 200
    assert ask(up.unix, "POST", "/api/v1/reload", page).status == 200
    assert ask(up.unix, "POST", "/api/v1/reload", rebound).status == 421
    assert ask(up.unix, "GET", "/api/v1/config", rebound).status == 421
    for extra in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                  {"Origin": "http://localhost:9", "Sec-Fetch-Site": "same-site"}):
        answer = ask(up.unix, "POST", "/api/v1/reload", {**page, **extra})
        assert answer.status == 403, (extra, answer.status, answer.body)


def test_reading_from_another_site_gives_it_nothing(up):
    """No CORS: the page may ask, and may not read."""
    answer = ask(up.tcp, "GET", "/api/v1/config", {"Origin": "http://evil.example"})
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    preflight = ask(up.tcp, "OPTIONS", "/api/v1/silences", {
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization"})
    assert preflight.status == 405
    assert not any(name.startswith("access-control") for name in preflight.headers)


def test_guessing_the_token(up):
    """A few slips are forgiven; then this address waits, with the right one, too."""
    statuses_of = [ask(up.tcp, "POST", "/api/v1/reload", bearer(f"wrong{i}")).status
                   for i in range(12)]
    assert statuses_of[:5] == [401] * 5 and statuses_of[-1] == 429, statuses_of
    held = ask(up.tcp, "POST", "/api/v1/reload", bearer())
    assert held.status == 429 and int(held.headers["retry-after"]) >= 1
    assert ask(up.tcp, "GET", "/api/v1/status").status == 200
    assert ask(up.unix, "POST", "/api/v1/reload").status == 200
    lab.wait_for("the wait to be over",
                 lambda: ask(up.tcp, "POST", "/api/v1/reload", bearer()).status == 200)
