"""The API from outside: what it answers, and what it survives."""
import json
import shutil
import socket
import subprocess
import threading

import pytest

import lab


@pytest.fixture
def up(daemon, web):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, labels: {{team: "co\\"re"}}}}
  disks: {{type: disk, all: true, interval: 1s}}
  memory: {{type: memory, interval: 1s}}
  self: {{type: self, interval: 1s}}
  shut: {{type: tcp, address: "127.0.0.1:1", interval: 1s, retries: 1}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("shut", "down")
    d.wait_state("memory", "up")
    return d


def test_status_and_checks(up):
    status = up.api.get("/api/v1/status")
    assert status["name"] == "lab" and status["checks"]["down"] == 1
    names = {c["name"] for c in up.api.get("/api/v1/checks")["checks"]}
    assert {"api", "disks", "memory", "self", "shut"} <= names
    shut = up.check("shut")
    assert shut["cause"] == "net.refused" and shut["state"] == "down"
    assert up.api.request("GET", "/api/v1/checks/nobody")[0] == 404
    assert up.api.request("GET", "/nothing")[0] == 404
    status, head, body = up.api.request("POST", "/api/v1/checks")
    assert status == 405 and "allow:" in head.lower()
    assert "application/problem+json" in up.api.request("GET", "/nothing")[1].lower()
    assert json.loads(up.api.request("GET", "/nothing")[2])["status"] == 404


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_metrics_are_valid(up):
    lab.wait_for("an incident", lambda: up.incidents())
    plain = up.api.request("GET", "/metrics")[2]
    run = subprocess.run(["promtool", "check", "metrics"], input=plain, capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert b'triaged_check_up{check="shut"' in plain and b"triaged_alert_state" in plain
    brief = up.api.request("GET", "/metrics?checks=off")[2]
    assert b"triaged_check_up" not in brief and b"triaged_loop_lag_seconds_bucket" in brief
    _, head, open_metrics = up.api.request(
        "GET", "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
    assert "application/openmetrics-text" in head and open_metrics.endswith(b"# EOF\n")


def test_slow_client_is_cut_and_others_are_served(up):
    slow = [socket.socket(socket.AF_UNIX) for _ in range(80)]
    for s in slow:
        s.connect(up.api.path)
        s.sendall(b"GET /healthz HT")
    assert up.api.request("GET", "/healthz")[0] == 200
    slow[0].settimeout(lab.LIMIT)
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.2):
            try:
                slow[-1].sendall(b"x")
            except OSError:
                return

    threading.Thread(target=trickle, daemon=True).start()
    slow[-1].settimeout(lab.LIMIT)
    lab.wait_for("the trickling client to be cut", lambda: slow[-1].recv(4096) is not None)
    stop.set()
    for s in slow:
        s.close()


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 1000000,
    b"x" * 200000,
], ids=["big-header", "tls-hello", "version", "huge-length", "two-framings", "big-body", "endless"])
def test_hostile_requests(up, request_bytes):
    try:
        reply = up.api.raw(request_bytes)
    except (BrokenPipeError, ConnectionResetError):
        reply = b""
    assert reply == b"" or int(reply.split(b" ")[1]) >= 400
    assert up.api.request("GET", "/healthz")[0] == 200


def test_tcp_listener_needs_the_token_to_write(daemon, web):
    port = lab.free_port()
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}}}\napi: {{listen: 127.0.0.1:{port}}}\n"
            f"checks: {{api: {{type: http, url: \"{web.url}\", interval: 1s}}}}\n", head=False)
    d.start()

    def ask(method, path, host=None, extra=""):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(lab.LIMIT)
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\n"
                      f"Connection: close\r\n{extra}\r\n".encode())
            out = b""
            while chunk := s.recv(65536):
                out += chunk
        return int(out.split(b" ")[1])

    token = (d.state / "token").read_text().strip()
    assert (d.state / "token").stat().st_mode & 0o777 == 0o600
    assert ask("GET", "/api/v1/status") == 200
    assert ask("GET", "/api/v1/status", host="evil.example") in (400, 403, 421)
    assert ask("POST", "/api/v1/reload") in (401, 403)
    assert ask("POST", "/api/v1/reload", extra="Authorization: Bearer nonsense\r\n") in (401, 403)
    good = f"Authorization: Bearer {token}\r\n"
    assert ask("POST", "/api/v1/reload", extra=good) in (200, 202, 204)
    assert ask("POST", "/api/v1/reload", extra=good + "Origin: http://evil.example\r\n") == 403


def test_every_connection_back(up):
    """Many short connections leave no descriptor behind."""
    def count():
        return len(list((lab.Path(f"/proc/{up.process.pid}/fd")).iterdir()))

    before = count()
    for _ in range(100):
        up.api.request("GET", "/healthz")
    lab.wait_for("descriptors to be back", lambda: count() <= before + 2)


def test_who_asked_for_a_test_message_may_go_before_its_end(daemon):
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(lab.LIMIT)
        d = daemon(f"""
checks:
  memory: {{type: memory}}
receivers:
  hook: {{type: webhook, url: "http://127.0.0.1:{receiver.getsockname()[1]}/"}}
""").start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(d.api.path)
            client.sendall(b"POST /api/v1/receivers/hook/test HTTP/1.1\r\nHost: localhost\r\n\r\n")
            taken, _ = receiver.accept()
        taken.close()
        answers = []
        other = threading.Thread(target=lambda: answers.append(
            d.api.request("POST", "/api/v1/receivers/hook/test")))
        other.start()
        receiver.accept()[0].close()
        other.join(lab.LIMIT)
    status, _, body = answers[0]
    assert status == 200 and json.loads(body)["ok"] is False, body

def test_pages_go_on_when_their_last_one_ends(daemon):
    """What was the last of a page is resolved before the next is asked for: the others that are
    open are still told, none twice."""
    ports = [lab.free_port() for _ in range(5)]
    d = daemon("checks:\n" + "".join(
        f"  c{n}: {{type: tcp, address: \"127.0.0.1:{port}\", interval: 1s, retries: 1}}\n"
        for n, port in enumerate(ports))).start()
    lab.wait_for("five incidents", lambda: len(d.incidents()) == 5)
    page = d.api.get("/api/v1/incidents?limit=2")
    last = page["incidents"][-1]
    with socket.create_server(("127.0.0.1", ports[int(last["check"][1:])])):
        lab.wait_for("its end", lambda: last["id"] not in {i["id"] for i in d.incidents()})
        shown = [i["id"] for i in page["incidents"]]
        while "next" in page:
            page = d.api.get(page["next"])
            shown += [i["id"] for i in page["incidents"]]
    assert sorted(shown) == sorted(i["id"] for i in d.incidents("all")) and len(shown) == 5
    for odd in ("0123.1", "0123456789ab.1.2", "0123456789ab.0.1.2x", "0123456789ab.9.x.1"):
        assert d.api.request("GET", f"/api/v1/incidents?after={odd}")[0] == 400
    for odd in (f"{last['id']}.0.{'9' * 30}.-{'9' * 30}", "0123456789ab.1.-5.0"):
        assert d.api.request("GET", f"/api/v1/incidents?after={odd}")[0] == 200
