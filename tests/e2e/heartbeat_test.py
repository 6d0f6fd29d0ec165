"""Jobs that ping over HTTP, as curl in a crontab does."""
import http.client
import json
import urllib.error
import urllib.request

import pytest

import lab

TOKEN = "nightly-3f9a1c77"


def config(port, rest="period: 1h", extra=""):
    return (f"api: {{listen: 127.0.0.1:{port}}}\n"
            f"checks: {{job: {{type: heartbeat, token: {TOKEN}, {rest}, interval: 1s, retries: 1}}}}\n"
            f"{extra}")


@pytest.fixture
def make(daemon):
    def start(rest="period: 1h", extra=""):
        port = lab.free_port()
        d = daemon()
        d.port = port
        d.write(f"daemon: {{name: lab, state_dir: {d.state}, log: {{level: debug}}}}\n" +
                config(port, rest, extra), head=False)
        d.start()
        lab.wait_for("the first run", lambda: d.check("job")["last"])
        return d
    return start


def ping(d, path="", method="GET", body=None, headers=None, token=TOKEN):
    conn = http.client.HTTPConnection("127.0.0.1", d.port, timeout=lab.LIMIT)
    conn.request(method, f"/ping/{token}{path}", body, headers or {})
    answer = conn.getresponse()
    text = answer.read()
    conn.close()
    return answer.status, text


def text_of(d):
    return d.check("job")["last"]["text"]


def wait_text(d, words):
    lab.wait_for(f"\"{words}\": {text_of(d)}", lambda: words in text_of(d))


def test_every_way_to_ping(make):
    d = make()
    assert "waiting for the first ping" in text_of(d)
    assert ping(d) == (200, b"OK\n")
    wait_text(d, "the last success was")
    assert ping(d, method="HEAD") == (200, b"")
    assert ping(d, method="POST", body=b"done") == (200, b"OK\n")
    assert ping(d, "/start")[0] == 200
    wait_text(d, "running")
    assert ping(d, "/0")[0] == 200
    wait_text(d, "the last success was")
    lab.wait_for("five pings", lambda: d.check("job")["metrics"]["pings_total"] == 5)
    assert "run_time" in d.check("job")["metrics"]
    # Over the unix socket, under any Host and from any page: the token alone decides.
    assert d.api.request("GET", f"/ping/{TOKEN}")[0] == 200
    assert ping(d, headers={"Host": "evil.example", "Origin": "http://evil.example"})[0] == 200


@pytest.mark.cause("heartbeat.failed")
def test_failures(make):
    d = make()
    assert ping(d, "/2", "POST", b"tar: /data: Cannot open\n")[0] == 200
    d.wait_state("job", "down")
    lab.read_cause(d.check("job")["last"], "heartbeat.failed")
    assert "exit code 2: tar: /data" in text_of(d)
    assert ping(d, "/0")[0] == 200
    d.wait_state("job", "up")
    assert ping(d, "/fail")[0] == 200
    d.wait_state("job", "down")
    assert ping(d, "/start")[0] == 200  # it tries again, which is no success yet
    lab.wait_for("the start", lambda: "runs again" in text_of(d))
    assert d.check("job")["state"] == "down"
    assert ping(d)[0] == 200
    d.wait_state("job", "up")


@pytest.mark.cause("heartbeat.missed", "heartbeat.late")
def test_late_then_missed(make):
    d = make("period: 1s, grace: 3s")
    assert ping(d)[0] == 200

    def is_late():
        notes = d.check("job")["last"]["notes"]
        return any(n["cause"] == "heartbeat.late" for n in notes)
    lab.wait_for("the note", is_late)
    lab.SEEN_CAUSES.add("heartbeat.late")
    d.wait_state("job", "down")
    lab.read_cause(d.check("job")["last"], "heartbeat.missed")
    assert ping(d)[0] == 200
    d.wait_state("job", "up")


@pytest.mark.cause("heartbeat.too-long")
def test_running_too_long(make):
    d = make("period: 1h, max_runtime: 1s")
    assert ping(d, "/start")[0] == 200
    d.wait_state("job", "down")
    lab.read_cause(d.check("job")["last"], "heartbeat.too-long")
    assert ping(d)[0] == 200
    d.wait_state("job", "up")


def test_what_is_refused(make):
    d = make()
    status, one = ping(d, token="no-such-token")
    assert status == 404 and ping(d, token="other-token-x")[1] == one
    assert ping(d, "/nonsense")[0] == 404
    assert ping(d, "/256")[0] == 404
    assert ping(d, "/0/more")[0] == 404
    assert ping(d, method="PUT", body=b"x")[0] == 405
    assert ping(d, method="POST", body=b"x" * 10241)[0] == 413
    assert ping(d, method="POST", body=b"x" * 100000)[0] == 413
    assert ping(d, method="POST", body=b"x" * 10240)[0] == 200
    # It opens nothing else: other paths still look at Host, and writing wants the API's token.
    conn = http.client.HTTPConnection("127.0.0.1", d.port, timeout=lab.LIMIT)
    conn.request("GET", "/api/v1/status", headers={"Host": "evil.example"})
    assert conn.getresponse().status == 421
    conn.close()
    conn = http.client.HTTPConnection("127.0.0.1", d.port, timeout=lab.LIMIT)
    conn.request("GET", "/nothing", headers={"Host": "evil.example"})
    assert conn.getresponse().status == 421
    conn.close()
    request = urllib.request.Request(f"http://127.0.0.1:{d.port}/api/v1/checks/job/run", b"",
                                     {"Authorization": f"Bearer {TOKEN}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=lab.LIMIT)
    assert refused.value.code == 401


def test_over_restart_and_reload(make):
    d = make()
    assert ping(d, "/7", "POST", f"the token {TOKEN} in a body".encode())[0] == 200
    d.wait_state("job", "down")
    d.kill()
    d.start()
    d.wait_state("job", "down")
    assert "exit code 7" in text_of(d)
    shown = json.dumps(d.check("job"))
    assert "in a body" in shown and TOKEN not in shown
    d.config.write_text(d.config.read_text().replace("period: 1h", "period: 2h"))
    d.reload()
    wait_text(d, "exit code 7")
    assert ping(d)[0] == 200
    d.wait_state("job", "up")
    d.config.write_text(d.config.read_text().replace("job:", "renamed:"))
    d.reload()
    assert ping(d)[0] == 200  # the token went over to the check of another name
    lab.wait_for("the ping", lambda: (d.check("renamed")["metrics"] or {}).get("pings_total") == 1)


@pytest.mark.cause("self.local")
def test_two_checks_with_one_token(make):
    d = make(extra="")
    text = d.config.read_text()
    d.config.write_text(text + f"  # another\n")
    d.config.write_text(text.replace(
        "checks: {job:", f"checks: {{twin: {{type: heartbeat, token: {TOKEN}, period: 1h, "
        f"interval: 1s}}, job:"))
    d.reload()
    lab.wait_for("the complaint", lambda: d.check("twin")["cause"] == "self.local" or
                 d.check("job")["cause"] == "self.local")
    lab.SEEN_CAUSES.add("self.local")


def test_by_cron(make):
    d = make("cron: '*/5 * * * *', timezone: Asia/Shanghai")
    assert "waiting" in text_of(d)
    assert ping(d)[0] == 200
    wait_text(d, "the last success was")
