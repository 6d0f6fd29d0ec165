"""`triage import`: what it makes of other monitors' files, started against real servers of that
shape: every check is well, alerts reach the receiver that they reached there, and no secret stands
in the configuration."""
import json
import os
import stat

import pytest
import yaml

import lab
import srv_postgres
import srv_redis
from srv_net import Keys, Stub, mute, say, tls

FIXTURES = lab.TOP / "tests" / "import"


@pytest.fixture(scope="module")
def db():
    s = srv_postgres.Postgres().start()
    srv_postgres.furnish(s)
    yield s
    s.destroy()


@pytest.fixture(scope="module")
def cache():
    s = srv_redis.Redis(password="r3dis-word").start()
    yield s
    s.destroy()


def imported(folder, kind, text, *args):
    """The configuration that it wrote, and what it said."""
    source = f"{folder}/theirs.{'yaml' if kind == 'gatus' else 'json'}"
    with open(source, "w") as f:
        f.write(text)
    out = f"{folder}/triaged.yaml"
    done = lab.triage("import", kind, source, "-o", out, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stderr


def run(daemon, folder, out, seconds=None):
    """The daemon on what was imported, with the times of a test."""
    config = yaml.safe_load(open(out))
    for check in config["checks"].values():
        for key in ("interval", "retry_interval"):
            if key in check:
                check[key] = "1s"
    config["daemon"] = {"name": "lab", "state_dir": f"{folder}/state"}
    config["api"] = {"listen": "off"}
    for route in config.get("routes", []):
        route["group_wait"] = "0"
    d = daemon()
    d.write(yaml.safe_dump(config, sort_keys=False), head=False)
    d.start()
    return d, config


def test_gatus(daemon, hook, web, folder, db):
    keys = Keys()
    web.body = b'{"status": "UP", "items": [1], "version": "1.2"}'
    with Stub(tls(keys.make("good"), after=mute)) as secure, Stub(say(b"SSH-2.0-lab\r\n")) as ssh:
        out, said = imported(folder, "gatus", f"""
alerting:
  custom: {{ url: "{hook.url}?token=hook-word-1" }}
endpoints:
  - name: front end
    group: core
    url: "{web.url}"
    interval: 30s
    headers: {{ Authorization: "Bearer front-word-2" }}
    conditions:
      - "[STATUS] == 200"
      - "[BODY].status == UP"
      - "[BODY].version == any(1.2, 1.3)"
      - "len([BODY].items) > 0"
      - "[BODY] == pat(*UP*)"
      - "[RESPONSE_TIME] < 5000"
    alerts:
      - {{ type: custom, failure-threshold: 2, success-threshold: 1, send-on-resolved: true }}
  - {{ name: database, url: "tcp://127.0.0.1:{db.port}", conditions: ["[CONNECTED] == true"] }}
  - name: certificate
    url: "tls://{secure.address}"
    client: {{ insecure: true }}
    conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]
  - {{ name: jump, url: "ssh://{ssh.address}", conditions: ["[CONNECTED] == true"] }}
  - {{ name: here, url: "icmp://127.0.0.1", conditions: ["[CONNECTED] == true"] }}
external-endpoints:
  - {{ name: backup, token: backup-word-3, heartbeat: {{ interval: 24h }} }}
""")
        text = open(out).read()
        assert "-word-" not in text and "-word-" not in said
        assert stat.S_IMODE(os.stat(f"{folder}/triaged.env").st_mode) == 0o600
        d, _ = run(daemon, folder, out)
        for name in ("front-end", "database", "certificate", "jump", "here"):
            d.wait_state(name, "up")
        assert d.api.request("POST", "/ping/backup-word-3")[0] == 200
        d.wait_state("backup", "up")
        web.body = b'{"status": "DOWN", "items": [1], "version": "1.2"}'
        hook_events(hook, "front-end", "incident.opened")
        web.body = b'{"status": "UP", "items": [1], "version": "1.2"}'
        hook_events(hook, "front-end", "incident.resolved")
    keys.destroy()


def hook_events(hook, check, kind):
    hook.wait(kind, check)
    assert {e["data"]["incident"]["check"] for e in hook.events()} == {check}


def test_kuma(daemon, hook, web, folder, db, cache):
    plain = {"active": True, "interval": 60, "retryInterval": 60, "maxretries": 1, "timeout": 20,
             "accepted_statuscodes": ["200-299"], "maxredirects": 10, "resendInterval": 0}

    def monitor(number, name, kind, **more):
        return {"id": number, "name": name, "type": kind, **plain, **more}

    web.body = b'{"data": {"state": "fine", "count": 3}, "words": "welcome back"}'
    out, said = imported(folder, "kuma", json.dumps({
        "version": "1.23.13",
        "notificationList": [{"id": 1, "name": "Hook", "active": True, "config": json.dumps(
            {"type": "webhook", "webhookURL": f"{hook.url}?token=hook-word-1"})}],
        "monitorList": {str(m["id"]): m for m in [
            monitor(1, "Front", "http", url=web.url, notificationIDList={"1": True}),
            monitor(2, "Words", "keyword", url=web.url, keyword="welcome"),
            monitor(3, "Not there", "keyword", url=web.url, keyword="error", invertKeyword=True),
            monitor(4, "State", "json-query", url=web.url, jsonPath="$.data.state",
                    jsonPathOperator="==", expectedValue="fine"),
            monitor(5, "Count", "json-query", url=web.url, jsonPath="data.count",
                    jsonPathOperator="==", expectedValue="3"),
            monitor(6, "Port", "port", hostname="127.0.0.1", port=db.port),
            monitor(7, "Ping", "ping", hostname="127.0.0.1", packetSize=56),
            monitor(8, "Orders", "postgres", databaseQuery="SELECT 1", databaseConnectionString=(
                f"postgres://app:s3cret@127.0.0.1:{db.port}/shop")),
            monitor(9, "Cache", "redis",
                    databaseConnectionString=f"redis://:r3dis-word@127.0.0.1:{cache.port}"),
            monitor(10, "Job", "push", pushToken="push-word-2-0123456789")]}}))
    text = open(out).read()
    for secret in ("hook-word", "s3cret", "r3dis", "push-word"):
        assert secret not in text and secret not in said
    d, config = run(daemon, folder, out)
    names = set(config["checks"]) - {"Job"}
    assert len(names) == 9
    for name in names:
        d.wait_state(name, "up")
    assert d.api.request("POST", "/ping/push-word-2-0123456789")[0] == 200
    d.wait_state("Job", "up")
    web.status = 500
    hook_events(hook, "Front", "incident.opened")
    web.status = 200
    hook_events(hook, "Front", "incident.resolved")


@pytest.mark.parametrize("kind, name", [("gatus", "gatus.yaml"), ("kuma", "kuma.json")])
def test_fixtures_load(folder, kind, name):
    out = f"{folder}/new.yaml"
    done = lab.triage("import", kind, FIXTURES / name, "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    doc = json.loads(done.stdout)
    assert doc["file"] == out and doc["env_file"] == f"{folder}/new.env" and doc["text"] == ""
    assert len(doc["checks"]) > 10 and len(doc["not_carried_over"]) > 10
    assert all(n["where"] and n["text"] for n in doc["not_carried_over"])
    assert lab.triage("check", out).returncode == 0


def test_nothing_is_overwritten(folder):
    out = f"{folder}/triaged.yaml"
    args = ("import", "kuma", FIXTURES / "kuma.json", "-o", out)
    with open(f"{folder}/triaged.env", "w") as f:
        f.write("MINE=1\n")
    done = lab.triage(*args)
    assert done.returncode == 1 and "triaged.env is there already" in done.stderr
    assert not os.path.exists(out)
    assert open(f"{folder}/triaged.env").read() == "MINE=1\n"
    os.unlink(f"{folder}/triaged.env")
    assert lab.triage(*args, "--no-secrets").returncode in (0, 1)
    values = open(f"{folder}/triaged.env").read()
    assert "BACKUP_TOKEN=\n" in values and "pushTokenOf" not in values
    before = open(out).read()
    done = lab.triage(*args)
    assert done.returncode == 1 and "triaged.yaml is there already" in done.stderr
    assert open(out).read() == before


def test_look_only(folder):
    done = lab.triage("import", "gatus", FIXTURES / "gatus.yaml", "-o", "-")
    assert done.returncode == 0 and "checks:" in done.stdout and "env_file" not in done.stdout
    assert "To set, in the environment" in done.stderr and "SLACK_URL" in done.stderr
    assert os.listdir(folder) == []


@pytest.mark.parametrize("text, word", [
    ("endpoints: [", "error"), ("checks: {}", "no endpoints"), ("", "error"),
])
def test_what_is_no_configuration(folder, text, word):
    with open(f"{folder}/x", "w") as f:
        f.write(text)
    for kind, words in (("gatus", word), ("kuma", "triage import")):
        done = lab.triage("import", kind, f"{folder}/x", "-o", f"{folder}/out.yaml")
        assert done.returncode == 2 and words in done.stderr, done.stderr
    done = lab.triage("import", "nagios", f"{folder}/x")
    assert done.returncode == 2 and "neither gatus nor kuma" in done.stderr
    assert os.listdir(folder) == ["x"]
