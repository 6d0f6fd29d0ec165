"""HTTP checks through a real tinyproxy, and health reports that name the failing part."""
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

import lab

needs_tinyproxy = pytest.mark.skipif(not shutil.which("tinyproxy"), reason="needs tinyproxy")


@pytest.fixture
def tinyproxy(folder):
    made = []

    def make(more=""):
        port = lab.free_port()
        config = Path(folder) / f"tinyproxy-{port}.conf"
        config.write_text(f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 10\n"
                          f"LogFile \"{folder}/tinyproxy.log\"\nMaxClients 8\n{more}\n")
        made.append(subprocess.Popen(["tinyproxy", "-d", "-c", config], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL))

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        lab.wait_for("tinyproxy", answers)
        return f"127.0.0.1:{port}"

    yield make
    for server in made:
        server.terminate()
        server.wait()


def probe(folder, url, proxy, more=""):
    return lab.probe_check(folder, f'{{type: http, url: "{url}", proxy: "http://{proxy}"{more}}}')


@needs_tinyproxy
@pytest.mark.cause("http.proxy")
def test_through_a_real_proxy(folder, web, tinyproxy):
    proxy = tinyproxy()
    seen = probe(folder, web.url, proxy, ", expect: {json: success == true}")
    assert seen["outcome"] == "ok" and web.hits == 1, seen
    # the proxy is well, the target is not: its own status says which
    gone = probe(folder, "http://127.0.0.1:1/", proxy)
    assert gone["outcome"] == "fail" and gone["cause"].startswith("http.5"), gone
    assert "proxy" in gone["text"]
    # the proxy wants a login
    guarded = tinyproxy("BasicAuth me right")
    assert probe(folder, web.url, "me:right@" + guarded)["outcome"] == "ok"
    wrong = probe(folder, web.url, "me:wrong@" + guarded)  # tinyproxy says 401, as a target would
    assert wrong["cause"] == "http.401" and "through the proxy" in wrong["text"], wrong
    assert "wrong" not in wrong["text"]
    refused = lab.read_cause(probe(folder, web.url, guarded), "http.proxy")
    assert "407" in refused["text"]
    # the proxy is not there
    away = lab.read_cause(probe(folder, web.url, f"127.0.0.1:{lab.free_port()}"), "http.proxy")
    assert "proxy" in away["text"]


@needs_tinyproxy
def test_a_tunnel_through_a_real_proxy(folder, tinyproxy):
    port, cert, key = lab.free_port(), f"{folder}/cert.pem", f"{folder}/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    server = subprocess.Popen(["openssl", "s_server", "-www", "-accept", f"127.0.0.1:{port}", "-cert",
                               cert, "-key", key], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        lab.wait_for("the TLS server", answers)
        proxy = tinyproxy(f"ConnectPort {port}")
        good = probe(folder, f"https://127.0.0.1:{port}/", proxy, f", ca: {cert}")
        assert good["outcome"] == "ok" and good["values"]["tls_days_left"] > 0, good
        strange = probe(folder, f"https://127.0.0.1:{port}/", proxy)
        assert strange["cause"] == "net.tls-verify", strange
        closed = probe(folder, "https://127.0.0.1:1/", proxy, f", ca: {cert}")
        assert closed["cause"] == "http.proxy" and "403" in closed["text"], closed
    finally:
        server.terminate()
        server.wait()


REPORTS = {
    "spring": {"status": "DOWN", "components": {
        "db": {"status": "DOWN", "details": {"error": "connection refused"}}, "ping": {"status": "UP"}}},
    "microprofile": {"status": "DOWN", "checks": [
        {"name": "db", "status": "DOWN", "data": {"error": "connection refused"}}]},
    "health-json": {"status": "fail", "checks": {
        "db": [{"status": "fail", "output": "connection refused"}]}},
    "aspnet": {"status": "Unhealthy", "entries": {
        "db": {"status": "Unhealthy", "exception": "connection refused"}}},
}


@pytest.mark.cause("http.503")
@pytest.mark.parametrize("dialect", REPORTS)
def test_the_failing_part_is_named(folder, web, dialect):
    web.status, web.body = 503, json.dumps(REPORTS[dialect]).encode()
    seen = lab.read_cause(lab.probe_check(folder, f'{{type: http, url: "{web.url}"}}'), "http.503")
    assert "db is " in seen["text"] and "connection refused" in seen["text"], seen
    facts = {f["name"]: f["text"] for f in seen["facts"]}
    assert facts["component"].startswith("db is "), facts


@pytest.mark.cause("http.component")
def test_a_part_that_is_not_well_in_a_good_answer(folder, web):
    web.body = json.dumps({"status": "warn", "checks": {
        "disk": [{"status": "warn", "output": "91 % used"}]}}).encode()
    seen = lab.probe_check(folder, f'{{type: http, url: "{web.url}"}}')
    assert seen["outcome"] == "ok" and "91 %" in lab.read_note(seen, "http.component")
