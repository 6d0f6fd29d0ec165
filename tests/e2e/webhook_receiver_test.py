"""The webhook, as others read it: the npm package `standardwebhooks` verifies real deliveries,
bridges find Alertmanager's body, and a user finds the one they wrote."""
import base64
import fcntl
import http.server
import json
import re
import shutil
import subprocess
import urllib.request

import pytest

import lab
import srv_alertmanager

OTHER = b"fedcba9876543210fedcba9876543210"
OTHER_TEXT = "whsec_" + base64.b64encode(OTHER).decode()


class Recorder(lab.Server):
    """Keeps requests as they came: (method, headers in lower case, body)."""

    def __init__(self):
        super().__init__()
        self.requests, self.answers = [], []

    def handler(self):
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {k.lower(): v for k, v in self.headers.items()}
                recorder.requests.append((self.command, headers, body))
                status = recorder.answers.pop(0) if recorder.answers else 204
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *args):
                pass

        return Handler

    def wait(self, count):
        return lab.wait_for(f"{count} requests", lambda: len(self.requests) >= count
                            and list(self.requests))


@pytest.fixture
def recorder():
    r = Recorder().start()
    yield r
    r.stop()


@pytest.fixture(scope="module")
def verify():
    """The package is installed once into the build folder, as the lock file says."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("needs npm")
    source, folder = lab.TOP / "tests/e2e/standardwebhooks", lab.BUILD / "standardwebhooks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (source / "package-lock.json").read_text()
        done = folder / ".installed"
        if not done.exists() or done.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder / name)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                           check=True, capture_output=True, timeout=lab.LIMIT)
            done.write_text(wanted)
        shutil.copy(source / "verify.cjs", folder / "verify.cjs")

    def judge(*cases):
        lines = [{"secret": secret, "format": "raw" if secret and not secret.startswith("whsec_")
                  else "", "headers": headers, "body": base64.b64encode(body).decode()}
                 for secret, headers, body in cases]
        out = subprocess.run(["node", folder / "verify.cjs"], input=json.dumps(lines), text=True,
                             check=True, capture_output=True, timeout=lab.LIMIT).stdout
        return json.loads(out)

    return judge


def settings(web, recorder, more):
    return f"""
checks:
  api:
    type: http
    url: "{web.url}"
    interval: 1s
    retries: 1
    labels: {{team: core, "a b": x}}
receivers:
  hook:
    type: webhook
    url: http://127.0.0.1:{recorder.port}/in
    {more}
"""


def incident_of(daemon, web, recorder, more, count=2):
    d = daemon(settings(web, recorder, more)).start()
    d.wait_state("api", "up")
    web.stop()
    recorder.wait(count - 1)
    web.start()
    return recorder.wait(count)


def test_somebody_elses_library_verifies_what_we_sign(daemon, web, recorder, verify):
    recorder.answers = [503]  # the first try fails, the second has another timestamp
    requests = incident_of(daemon, web, recorder,
                           f'secret: "{lab.SECRET_TEXT}, {OTHER_TEXT}"', count=3)
    ids = [headers["webhook-id"] for _, headers, _ in requests]
    assert ids[0] == ids[1] != ids[2] and requests[0][2] == requests[1][2]
    for _, headers, body in requests:
        assert len(headers["webhook-signature"].split(" ")) == 2
        stranger = "whsec_" + base64.b64encode(b"0" * 32).decode()
        later = str(int(headers["webhook-timestamp"]) + 1)
        verdicts = verify(
            (lab.SECRET_TEXT, headers, body),
            (OTHER_TEXT, headers, body),  # either side of a rotation
            (stranger, headers, body),
            (lab.SECRET_TEXT, headers, body[:-1] + b" "),
            (lab.SECRET_TEXT, headers, body.replace(b"incident", b"Incident", 1)),
            (lab.SECRET_TEXT, {**headers, "webhook-id": "msg_" + "0" * 26}, body),
            (lab.SECRET_TEXT, {**headers, "webhook-timestamp": later}, body),
            (lab.SECRET_TEXT, {**headers, "webhook-timestamp": "1700000000"}, body),
            (lab.SECRET_TEXT, {**headers, "webhook-signature": "v1,AAAA"}, body))
        assert verdicts[:2] == ["ok", "ok"], verdicts
        assert all("WebhookVerificationError" in v for v in verdicts[2:]), verdicts


def test_a_raw_secret_signs_too(daemon, web, recorder, verify):
    requests = incident_of(daemon, web, recorder, 'secret: "raw:just a phrase of words"', count=1)
    _, headers, body = requests[0]
    assert verify(("just a phrase of words", headers, body)) == ["ok"]
    assert verify(("another phrase of words", headers, body)) != ["ok"]


def test_other_bodies_are_signed_the_same(daemon, web, recorder, verify):
    requests = incident_of(daemon, web, recorder,
                           f"secret: {lab.SECRET_TEXT}\n    template: {{a: '{{{{text}}}}'}}", count=1)
    _, headers, body = requests[0]
    assert verify((lab.SECRET_TEXT, headers, body)) == ["ok"]


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def read_v4(body):
    """As strictly as what reads it elsewhere: every key, every type."""
    data = json.loads(body)
    assert set(data) == {"version", "groupKey", "truncatedAlerts", "status", "receiver",
                         "groupLabels", "commonLabels", "commonAnnotations", "externalURL",
                         "notification_reason", "alerts"}
    assert data["version"] == "4" and data["truncatedAlerts"] == 0
    assert data["alerts"] and data["status"] in ("firing", "resolved")
    for alert in data["alerts"]:
        assert set(alert) == {"status", "labels", "annotations", "startsAt", "endsAt",
                              "generatorURL", "fingerprint"}
        assert TIME.fullmatch(alert["startsAt"]) and TIME.fullmatch(alert["endsAt"])
        assert (alert["endsAt"] == "0001-01-01T00:00:00Z") == (alert["status"] == "firing")
        assert re.fullmatch(r"[0-9a-f]{16}", alert["fingerprint"])
        for part in ("labels", "annotations"):
            assert all(LABEL.fullmatch(k) and v and isinstance(v, str)
                       for k, v in alert[part].items()), alert
        assert data["commonLabels"].items() <= alert["labels"].items()
        assert data["groupLabels"].items() <= alert["labels"].items()
    firing = any(a["status"] == "firing" for a in data["alerts"])
    assert data["status"] == ("firing" if firing else "resolved")
    return data


def test_bridges_find_alertmanagers_body(daemon, web, recorder):
    requests = incident_of(daemon, web, recorder, "format: alertmanager")
    first, last = read_v4(requests[0][2]), read_v4(requests[-1][2])
    assert first["status"] == "firing" and last["status"] == "resolved"
    assert first["groupKey"] == last["groupKey"]
    alert = first["alerts"][0]
    assert last["alerts"][0]["fingerprint"] == alert["fingerprint"]
    labels = alert["labels"]
    assert labels["alertname"] == "check-down" and labels["severity"] == "critical"
    assert labels["check"] == "api" and labels["type"] == "http" and labels["team"] == "core"
    assert labels["a_b"] == "x" and labels["incident"] in first["groupKey"]
    assert alert["annotations"]["summary"] and alert["annotations"]["remedy"]


def test_the_fingerprint_is_alertmanagers_own(daemon, web, recorder):
    requests = incident_of(daemon, web, recorder, "format: alertmanager", count=1)
    alert = read_v4(requests[0][2])["alerts"][0]
    server = srv_alertmanager.Alertmanager()
    try:
        server.start()
        post = [{"labels": alert["labels"], "annotations": alert["annotations"]}]
        urllib.request.urlopen(urllib.request.Request(
            f"{server.url}/api/v2/alerts", json.dumps(post).encode(),
            {"Content-Type": "application/json"}), timeout=lab.LIMIT).close()
        found = server.wait(1, incident=alert["labels"]["incident"])[0]
        assert found["fingerprint"] == alert["fingerprint"]
    finally:
        server.destroy()


TEMPLATE = """template:
      msg: "{{icon}} {{headline}} on {{incident.host | upper}}"
      level: "{{severity}}"
      firing: "{{firing}}"
      seconds: "{{incident.duration}}"
      tags: [triaged, "{{check}}", "{{incident.labels.team | default('none')}}"]
      runbook: "{{incident.runbook_url | default('none')}}"
      facts: "{{incident.facts}}"
      nested: {deep: [{event: "{{event}}"}]}
      words: "{{text}}"
    method: PUT
    headers: {X-Team: core}"""


def test_a_template_is_filled(daemon, web, recorder):
    web_text = 'say "hi" \\ {{title}}\n</script> 🔥'
    web.status, web.body = 502, web_text.encode()
    d = daemon(settings(web, recorder, TEMPLATE)).start()
    method, headers, body = recorder.wait(1)[0]
    data = json.loads(body)
    d.stop()
    assert method == "PUT" and headers["x-team"] == "core"
    assert headers["content-type"].startswith("application/json")
    assert data["level"] in ("warning", "critical") and data["firing"] is True
    assert isinstance(data["seconds"], float) and isinstance(data["facts"], list)
    assert data["tags"] == ["triaged", "api", "core"] and data["runbook"] == "none"
    assert data["nested"] == {"deep": [{"event": "opened"}]}
    assert data["msg"].endswith(" on LAB") and "api" in data["words"]
    assert "{{title}}" in json.dumps(data["facts"])  # what a target says is not a placeholder


def test_a_wrong_name_is_an_error_with_its_place(recorder, web, folder):
    config = f"{folder}/c.yaml"
    with open(config, "w") as f:
        f.write(settings(web, recorder, 'template:\n      msg: "{{incident.tilte}}"'))
    checked = lab.triage("check", config)
    words = checked.stdout + checked.stderr
    assert checked.returncode != 0
    assert re.search(r"c\.yaml:14:12: error: template: there is no \"incident\.tilte\"; did you "
                     r"mean \"incident\.title\"\?", words), words


def test_a_reload_brings_the_new_template(daemon, web, recorder):
    d = daemon(settings(web, recorder, "template: {v: one}")).start()
    env = {"RUNTIME_DIRECTORY": str(d.folder)}
    assert lab.triage("test", "hook", env=env).returncode == 0
    d.write(settings(web, recorder, "template: {v: two, s: '{{status}}'}"))
    d.reload()
    assert lab.triage("test", "hook", env=env).returncode == 0
    bodies = [json.loads(body) for _, _, body in recorder.wait(2)]
    assert bodies[0] == {"v": "one"} and bodies[1]["v"] == "two"
