"""The dashboard's files, the live feed and the link that logs in, over real sockets."""
import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from browser import start_with_page
from lab import BUILD, LIMIT, triage, wait_for

CHECKS = """
checks:
  web: {{type: http, url: "{web}", interval: 1s, retries: 1}}
  root: {{type: disk, path: /, interval: 1s}}
"""


def ask(d, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection(d.url.split("//")[1], timeout=LIMIT)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


class Feed:
    """One reader: its events as (name, id, data)."""

    def __init__(self, path, query="", headers=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(str(path))
        extra = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        self.socket.sendall(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode())
        self.file = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def next(self, *names):
        """The next event of these names; None at the end."""
        event = {}
        while line := self.file.readline():
            if line == "\n" and "data" in event:
                if not names or event["event"] in names:
                    return event["event"], event["id"], json.loads(event["data"])
                event = {}
            key, _, value = line.rstrip("\n").partition(": ")
            event[key] = value
        return None

    def until(self, name, test):
        while event := self.next(name):
            if test(event[2]):
                return event
        raise AssertionError(f"the feed ended before such a {name}")

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def board(daemon, web):
    return start_with_page(daemon, CHECKS.format(web=web.url))


def test_the_page_and_what_it_loads(board):
    status, head, page = ask(board, "/")
    assert status == 200 and head["content-type"] == "text/html; charset=utf-8"
    assert head["cache-control"] == "no-cache"
    assert "script-src 'self'" in head["content-security-policy"]
    assert "unsafe" not in head["content-security-policy"]
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.decode())
    if b"was not built" in page:
        pytest.skip("no dashboard in this build")
    assert len(assets) == 2
    first_paint = len(gzip.compress(page))
    for path in assets:
        status, head, body = ask(board, path, {"Accept-Encoding": "gzip"})
        assert status == 200 and head["content-encoding"] == "gzip" and head["vary"] == "Accept-Encoding"
        assert "immutable" in head["cache-control"]
        first_paint += len(body)
        plain = ask(board, path, {"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in plain[1] and plain[2] == gzip.decompress(body)
        again = ask(board, path, {"Accept-Encoding": "gzip", "If-None-Match": f'"x", {head["etag"]}'})
        assert again[0] == 304 and again[2] == b"" and again[1]["etag"] == head["etag"]
        status, same, body = ask(board, path, {"Accept-Encoding": "gzip"}, method="HEAD")
        assert status == 200 and body == b"" and same["content-length"] == head["content-length"]
    assert first_paint < 100_000
    assert ask(board, "/assets/app-OLD.js")[0] == 404
    assert ask(board, "/assets/..%2f..%2fetc%2fpasswd")[0] == 404
    assert ask(board, "/", {"Host": "evil.example"})[0] == 421


def test_the_feed_tells_of_a_failure_and_its_end(board, web):
    feed = Feed(board.api.path)
    name, _, hello = feed.next()
    assert name == "hello" and hello["resync"] is True and hello["checks"] == 2
    assert [c["name"] for c in feed.next("checks")[2]["checks"]]
    web.stop()
    _, first, opened = feed.until("incident", lambda e: e["event"] == "incident.opened")
    assert opened["incident"]["check"] == "web" and opened["incident"]["cause"]["code"] == "net.refused"
    listed = board.incidents()[0]
    assert set(opened["incident"]) == set(listed)
    news = feed.until("checks", lambda e: any(c["name"] == "web" and c["state"] == "down" for c in e["checks"]))
    down = next(c for c in news[2]["checks"] if c["name"] == "web")
    assert down["cause"] == "net.refused" and down["total"] is None and down["failures"] >= 1
    whole = board.api.get("/api/v1/checks/web")
    assert {k for k in down if k not in whole} == {"text", "at", "total"}
    triage("-u", board.api.path, "ack", listed["id"])
    feed.until("incident", lambda e: e["event"] == "incident.acknowledged")
    feed.close()
    web.start()
    back = Feed(board.api.path, headers={"Last-Event-ID": first})
    assert back.next()[2]["resync"] is False
    back.until("incident", lambda e: e["event"] == "incident.acknowledged")
    back.until("incident", lambda e: e["event"] == "incident.resolved")
    back.close()


def test_the_feed_says_what_to_read_anew_and_ends_with_the_daemon(board, web):
    feed = Feed(board.api.path, "?checks=root")
    feed.next("hello")
    assert triage("-u", board.api.path, "silence", "check=web", "--for", "1h").returncode == 0
    assert feed.next("silences")[2] == {}
    board.write(board.config.read_text() + "  more: {type: memory, interval: 1s}\n", head=False)
    board.reload()
    assert feed.next("config")[2] == {}
    seen = {c["name"] for _ in range(3) for c in feed.next("checks")[2]["checks"]}
    assert seen == {"root"}
    began = time.monotonic()
    board.stop()
    while feed.next():
        pass
    assert time.monotonic() - began < LIMIT / 2


def test_a_link_that_logs_in(board, folder):
    url = f"{board.url}/#token={board.token}\n"
    assert triage("-u", board.api.path, "dashboard").stdout == url
    told = json.loads(triage("-u", board.api.path, "dashboard", "--json").stdout)
    assert told == {"url": url.strip(), "can_write": True}
    tunnel = triage("-u", board.api.path, "dashboard", env={"SSH_CONNECTION": "1 2 3 4"})
    port = board.url.rsplit(":", 1)[1]
    assert f"ssh -L {port}:127.0.0.1:{port}" in tunnel.stderr
    page = folder + "/triage-dashboard.html"
    opened = triage("-u", board.api.path, "dashboard", "--open", env={"XDG_RUNTIME_DIR": folder, "PATH": folder})
    assert opened.returncode == 1 and "no xdg-open" in opened.stderr and opened.stdout == url
    assert os.stat(page).st_mode & 0o777 == 0o600 and url.strip() in open(page).read()
    os.unlink(page)
    log = board.words()
    assert board.token not in log


def test_a_link_without_the_token_says_why(board, folder):
    given = triage("-u", board.api.path, "dashboard", env={"TRIAGE_TOKEN": "given-by-hand-12345"})
    assert given.stdout == f"{board.url}/#token=given-by-hand-12345\n"
    missing = triage("-u", board.api.path, "-t", folder + "/none", "dashboard")
    assert missing.returncode == 2 and "No such file" in missing.stderr
    if os.getuid() == 0 and shutil.which("setpriv"):
        os.chmod(folder, 0o755)
        os.chmod(board.api.path, 0o666)
        tool = shutil.copy(BUILD / "triage", folder)
        other = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", tool,
                                "-u", board.api.path, "dashboard"], capture_output=True, text=True, timeout=LIMIT)
        assert other.returncode == 0 and other.stdout == f"{board.url}/\n"
        assert "only root and the daemon's user may read" in other.stderr and "sudo" in other.stderr
    text = board.config.read_text()
    board.write(text.replace("api: {", "api: {token: chosen-by-the-operator, "), head=False)
    board.reload()
    chosen = triage("-u", board.api.path, "dashboard")
    assert chosen.stdout == f"{board.url}/\n" and "api.token of the settings" in chosen.stderr
    assert "chosen-by-the-operator" not in chosen.stdout + chosen.stderr
    board.write(re.sub(r"listen: [^,}]*", "listen: off", text), head=False)
    board.reload()
    off = triage("-u", board.api.path, "dashboard")
    assert off.returncode == 1 and "api: {listen: 127.0.0.1:8421}" in off.stderr and off.stdout == ""


def test_sixteen_readers_and_no_more(board):
    feeds = [Feed(board.api.path) for _ in range(16)]
    assert all(f.status == 200 for f in feeds)
    assert Feed(board.api.path).status == 503
    assert board.is_up()
    feeds.pop().close()
    wait_for("a free place", lambda: Feed(board.api.path).status == 200)
    for f in feeds:
        f.close()
