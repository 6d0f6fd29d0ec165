"""The cascade of docs/triage.md, made to happen: a disk is full, Redis refuses writes, the API fails.

The settings are those of the page; every block below them must say what is really said.  Numbers and
the places that this test has elsewhere are not compared, nor is what the page leaves out (a line `…`).
"""
import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading

import pytest

import lab
import srv_redis

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402

PAGE = "docs/triage.md"
SECTION = "## One cascade, from end to end"
ROOM = 4 << 20


def blocks_of_section():
    text = (lab.TOP / PAGE).read_text()
    after = text[text.index(SECTION):]
    end = re.search(r"^## ", after[len(SECTION):], re.M)
    section = after[:len(SECTION) + end.start()] if end else after
    return pages.blocks(PAGE, section)


class Api:
    """It stores a session in Redis for each request, and says so when it cannot."""

    def __init__(self, redis):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                said = redis.cli("SET", "session:1", "x", check=False)
                is_well = "OK" in str(said)
                body = json.dumps({"success": is_well}).encode()
                self.send_response(200 if is_well else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Phone:
    """What people read: the whole text of each message."""

    def __init__(self):
        self.texts = texts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        lab.wait_for(f"{count} messages: {self.texts}", lambda: len(self.texts) >= count)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def redis():
    s = srv_redis.Redis("--save", "3600 1", "--rdbcompression", "no")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "redis", s.data],
                      capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        yield s.start()
    finally:
        s.stop()
        subprocess.run(["umount", "-l", s.data], capture_output=True)
        s.destroy()


def settings(block, redis, api, phone):
    text = block.text.replace("127.0.0.1:6379", f"127.0.0.1:{redis.port}")
    text = text.replace("127.0.0.1:3000", f"127.0.0.1:{api.port}").replace("/srv/redis", str(redis.data))
    text = text.replace("interval: 5s", "interval: 1s")
    text, found = re.subn(r"\{ type: slack.*\}", f'{{ type: webhook, url: "{phone.url}", '
                          'template: { text: "{{text}}" } }', text)
    assert found == 1
    head = "api: { listen: off }\ntriage: { facts_wait: 20s }\n"  # a slow machine says the same, later
    return head + text.replace("name: web-1", "name: web-1, state_dir: STATE")


def plain(text, redis):
    """Without numbers, units, ids and line breaks, which are the other ones here; which of two checks
    that run every second recovers first is chance."""
    text = re.sub(r"came back first: \w+", "came back first", text.replace(str(redis.data), "/srv/redis"))
    text = re.sub(r"CRITICAL, [a-z ]+ ·", "CRITICAL ·", text)
    text = re.sub(r"\b[0-9a-f]{12}\b|\b\d\S*(?: (?:[KMG]i?B|B|%|min|ms|s)\b)?", "#", text)
    return re.sub(r"(# ?)+", "# ", re.sub(r"\s+", " ", text)).strip()


def compare(block, said, redis):
    have = plain("\n".join(said), redis)
    text = re.sub(r"^\$ .*$", "…", block.text, flags=re.M)
    for piece in text.split("…"):
        want = plain(piece, redis)
        assert want in have, f"{block.place}: not said:\n{want}\n\nsaid:\n{have}"


def asked(d, *words):
    """As on a terminal of 80 columns."""
    line = " ".join(str(word) for word in (lab.BUILD / "triage", *words, "--no-color"))
    done = subprocess.run(["script", "-qec", f"stty cols 80; {line}", "/dev/null"], text=True,
                          capture_output=True, env=d.environment(), timeout=lab.LIMIT, stdin=subprocess.DEVNULL)
    return done.stdout.replace("\r", "")


@contextlib.contextmanager
def running(*servers):
    try:
        yield
    finally:
        for server in servers:
            server.stop()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root")
def test_the_page_tells_what_happens(daemon, redis):
    blocks = blocks_of_section()
    config, shown = blocks[0], [b for b in blocks[1:] if b.language in ("text", "console")]
    assert config.language == "yaml" and len(shown) >= 5
    api, phone = Api(redis), Phone()
    with running(api, phone):
        d = daemon()
        d.config.write_text(settings(config, redis, api, phone).replace("STATE", str(d.state)))
        d.start()
        for name in ("api", "cache", "data"):
            d.wait_state(name, "up")
        lab.wait_learned(d, redis.data)
        for i in range(2):
            redis.cli("EVAL", "return redis.call('SET', KEYS[1], string.rep('x', 400000))", 1, f"k{i}")
        (redis.data / "exports").mkdir()
        with contextlib.suppress(OSError), (redis.data / "exports/orders.csv").open("wb") as f:
            while True:
                f.write(b"x" * 4096)
                f.flush()
        redis.cli("BGSAVE", check=False)
        phone.wait(2)
        d.wait_state("api", "down")
        incident = lab.wait_for("the incident", d.incidents)[0]["id"]
        lab.wait_for("all of its impact", lambda: {("api", "check-down"), ("cache", "redis-save-failed")} <= {
            (row["check"], row["rule"]) for row in d.api.get(f"/api/v1/incidents/{incident}")["impact"]})
        lab.wait_for("both told", lambda: any("cache" in t and "api" in t for t in phone.texts))
        said = [asked(d, "status"), asked(d, "show", incident), asked(d, "why", "api")]
        (redis.data / "exports/orders.csv").unlink()
        lab.wait_for("a save that works", lambda: "OK" in str(redis.cli("SAVE", check=False)))
        lab.wait_for("the end", lambda: "RESOLVED" in phone.texts[-1])
        said += [*phone.texts, asked(d, "show", incident)]
    for block in shown:
        compare(block, said, redis)
