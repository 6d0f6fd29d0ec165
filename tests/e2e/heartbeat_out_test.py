"""The heartbeat that we send: heard outside while the daemon lives, and not when it is wedged."""
import http.server
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import lab

SECRET = "0b5c7a52-4d8e-4b7c-9d5e-s3cret"


class Place(lab.Server):
    """A monitor that waits for heartbeats, as healthchecks.io or Uptime Kuma."""

    def __init__(self):
        super().__init__()
        self.heard = []  # (monotonic time, path)
        self.answer = (200, b"OK")

    def handler(self):
        place = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                place.heard.append((time.monotonic(), self.path))
                status, body = place.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler

    def wait(self, count):
        lab.wait_for(f"{count} heartbeats", lambda: len(self.heard) >= count)


@pytest.fixture
def place():
    p = Place().start()
    yield p
    p.stop()


def config(web, place, path, more=""):
    return f"""
heartbeat: {{url: "http://127.0.0.1:{place.port}{path}", interval: 5s, timeout: 2s{more}}}
checks:
  api: {{type: http, url: "{web.url}", interval: 1s}}
receivers:
  log: {{type: syslog, socket: /nonexistent}}
"""


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def test_heard_while_it_lives_and_silent_when_it_is_stopped(daemon, web, place):
    d = daemon(config(web, place, f"/ping/{SECRET}")).start()
    place.wait(1)
    assert place.heard[0][1] == f"/ping/{SECRET}"
    status = lab.wait_for("its success", lambda: (
        s := d.api.get("/api/v1/status")["heartbeat"])["places"][0]["sent"] and s)
    assert status["silent_because"] is None and status["places"][0]["form"] == "plain"
    words = lab.triage("status", env=env(d)).stdout
    assert re.search(rf"heartbeat: heard by http://127.0.0.1:{place.port} \d+s ago", words), words
    # Wedged: no code of it runs, and so nobody may hear that it lives.
    d.process.send_signal(signal.SIGSTOP)
    try:
        before = len(place.heard)
        threading.Event().wait(6)  # longer than the interval: nothing may come
        assert len(place.heard) <= before + 1  # one may have been on its way
        before = len(place.heard)
    finally:
        d.process.send_signal(signal.SIGCONT)
    place.wait(before + 1)
    assert SECRET not in d.words() and SECRET not in str(d.api.get("/api/v1/status"))
    metrics = d.api.request("GET", "/metrics?checks=off")[2].decode()
    assert re.search(r'triaged_heartbeat_out_sent_total\{number="1",target="http://127[^"]+"\} \d',
                     metrics), metrics
    assert "triaged_heartbeat_out_silent 0" in metrics
    if subprocess.run(["which", "promtool"], capture_output=True).returncode == 0:
        run = subprocess.run(["promtool", "check", "metrics"], input=metrics, text=True,
                             capture_output=True)
        assert run.returncode == 0, run.stdout + run.stderr


def test_silent_before_the_first_round(daemon, web, place):
    with socket.create_server(("127.0.0.1", 0)) as slow:  # takes connections, never answers
        hang = slow.getsockname()[1]
        d = daemon(config(web, place, "/x").replace(
            "receivers:", f'  slow: {{type: http, url: "http://127.0.0.1:{hang}/", timeout: 4s}}\n'
            "receivers:")).start()
        d.wait_state("api", "up")
        assert not place.heard
        why = lab.wait_for("the reason", lambda: d.api.get(
            "/api/v1/status")["heartbeat"]["silent_because"])
        assert why == "not every check has run once yet"
        assert "silent: not every check" in lab.triage("status", env=env(d)).stdout
        place.wait(1)  # the slow one has failed: that, too, is a round


def test_a_push_monitor_that_refuses(daemon, web, place):
    place.answer = (404, b'{"ok":false,"msg":"Monitor not found or not active: %s"}'
                    % SECRET.encode())
    d = daemon(config(web, place, f"/api/push/{SECRET}?status=up&msg=OK&ping=")).start()
    place.wait(1)
    assert re.fullmatch(rf"/api/push/{SECRET}\?status=up&msg=OK&ping=\d+", place.heard[0][1])
    status = lab.wait_for("its failure", lambda: (
        s := d.api.get("/api/v1/status")["heartbeat"]["places"][0])["failed"] and s)
    assert "ok: false" in status["last_error"] and SECRET not in status["last_error"]
    assert status["form"] == "uptime-kuma"
    assert "does not get through" in lab.triage("status", env=env(d)).stdout
    assert SECRET not in d.words()
    assert SECRET not in d.api.request("GET", "/api/v1/config")[2].decode()
    place.answer = (200, b'{"ok":true}')
    lab.wait_for("its success", lambda: d.api.get("/api/v1/status")["heartbeat"]["places"][0]["sent"])
    lab.wait_for("the log", lambda: "gets through again" in d.words())


def test_stopped_in_order_it_says_nothing_more(daemon, web, place):
    d = daemon(config(web, place, "/x")).start()
    place.wait(1)
    d.stop()
    count = len(place.heard)
    threading.Event().wait(0.3)
    assert len(place.heard) == count and all(path == "/x" for _, path in place.heard)


@pytest.mark.parametrize("block, words", [
    ("{interval: 60s}", "url is missing"),
    ('{url: "ftp://127.0.0.1/x"}', "must begin with"),
    ('{url: "http://127.0.0.1/x", intervall: 60s}', "did you mean"),
])
def test_bad_blocks_are_told_where(folder, block, words):
    path = f"{folder}/t.yaml"
    with open(path, "w") as f:
        f.write(f"checks:\n  a: {{type: memory}}\nheartbeat: {block}\n")
    run = lab.triage("check", path)
    assert run.returncode == 2 and words in run.stdout + run.stderr, run
    assert re.search(r"t\.yaml:3:\d+: error", run.stdout + run.stderr), run
