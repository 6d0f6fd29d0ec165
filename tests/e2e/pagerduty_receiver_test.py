"""PagerDuty: what becomes of an incident over there, when the stub is as strict as the real one."""
import shutil
import tempfile

import pytest

import lab
from stub_pagerduty import PagerDuty

KEY = "R0123456789ABCDEFabcdef012345678"
WRONG = "R9876543210ABCDEFabcdef012345678"
HOSTILE = 'quotes " \' \\ \n newline \U0001f600 \u202e rtl \u200b <script>alert(1)</script> @everyone '


@pytest.fixture(scope="module")
def pager():
    pager = PagerDuty(KEY).start()
    yield pager
    pager.stop()


@pytest.fixture(scope="module")
def page():
    page = lab.Web().start()
    yield page
    page.stop()


@pytest.fixture(scope="module")
def told(pager, page):
    folder = tempfile.mkdtemp(prefix="tri-")
    d = lab.Daemon(folder)
    d.write(f"""
checks:
  page: {{type: http, url: "{page.url}", interval: 1s, retries: 2, retry_interval: 500ms,
          labels: {{group: shop}}}}
rules:
  big: {{check: page, warning: page.body_bytes > 1kB, critical: page.body_bytes > 10kB,
         runbook_url: "https://wiki.example.com/big"}}
receivers:
  pager: {{type: pagerduty, routing_key: "{KEY}", url: "{pager.enqueue}"}}
  wrong: {{type: pagerduty, routing_key: "{WRONG}", url: "{pager.enqueue}"}}
routes:
  - {{to: [pager], group_wait: 0s, repeat_interval: 3s}}
""")
    d.start()
    d.wait_state("page", "up")
    yield d
    d.stop()
    words = d.log.read_text()
    assert KEY not in words and WRONG not in words
    shutil.rmtree(folder, ignore_errors=True)


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def event(pager, action, test=lambda e: True):
    return pager.wait(action, lambda e: e["event_action"] == action and test(e))


def test_one_alert_from_the_first_word_to_the_last(told, pager, page):
    page.body = b"x" * 2000
    first = event(pager, "trigger")
    payload = first["payload"]
    assert payload["severity"] == "warning" and payload["source"] == "lab"
    assert payload["component"] == "page" and payload["group"] == "shop"
    assert payload["class"] == "rule.big" and "page" in payload["summary"]
    assert {"href": "https://wiki.example.com/big", "text": "runbook"} in first["links"]
    assert payload["custom_details"]["values"] and payload["custom_details"]["rule"] == "big"

    page.body = b"x" * 20000
    event(pager, "trigger", lambda e: e["payload"]["severity"] == "critical")
    event(pager, "trigger",
          lambda e: e["payload"]["custom_details"]["event"] == "incident.reminder")
    incident = told.incidents()[0]["id"]
    assert first["dedup_key"] == f"triaged/{incident}"
    assert lab.triage("ack", incident, env=env(told)).returncode == 0
    event(pager, "acknowledge")
    assert pager.alerts[0]["state"] == "acknowledged"

    told.kill()  # the key outlives the daemon
    told.start()
    page.body = b"x"
    event(pager, "resolve")
    assert [a["state"] for a in pager.alerts] == ["resolved"]
    assert pager.alerts[0]["events"][0] == "trigger" and not pager.refused


def test_reopened_is_the_same_key(told, pager, page):
    before = len(pager.taken)
    page.body = b"x" * 20000
    again = lab.wait_for("the trigger", lambda: pager.taken[before:])[0]
    assert again["event_action"] == "trigger" and again["dedup_key"] == pager.alerts[0]["key"]
    assert len(pager.alerts) == 2, "resolved over there, so that this is news"
    page.body = b"x"
    lab.wait_for("the end", lambda: pager.alerts[1]["state"] == "resolved")
    assert not pager.refused


def test_a_test_leaves_nothing_behind(told, pager):
    done = lab.triage("test", "pager", env=env(told))
    assert done.returncode == 0, (done.stdout, done.stderr)
    alert = pager.alerts[-1]
    assert alert["events"] == ["trigger", "resolve"] and alert["severity"] == "info"
    assert KEY not in done.stdout + done.stderr and not pager.refused


def test_a_wrong_key_is_said_in_words(told, pager):
    done = lab.triage("test", "wrong", env=env(told))
    said = " ".join(done.stdout.split())  # its lines are wrapped
    assert done.returncode == 1 and "into routing_key" in said, done.stdout
    assert "Invalid routing key" in said and WRONG not in done.stdout + done.stderr
    pager.refused.clear()


def test_busy_over_there_is_tried_again_in_order(told, pager, page):
    before = len(pager.taken)
    pager.fail(429, {"status": "throttle exceeded", "message": "too many"}, times=2,
               headers={"Retry-After": "1"})
    page.stop()
    lab.wait_for("the trigger", lambda: pager.taken[before:])
    pager.fail(500, b"", times=1)
    page.start()
    lab.wait_for("the end", lambda: pager.alerts[-1]["state"] == "resolved")
    actions = [e["event_action"] for e in pager.taken[before:]]
    assert actions[0] == "trigger" and actions[-1] == "resolve" and actions.count("resolve") == 1
    assert not pager.refused


def test_a_megabyte_of_anything_fits(pager, tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(f"import sys\ntext = {HOSTILE!r}\n"
                      "sys.stdout.buffer.write((text * ((1 << 20) // len(text))).encode())\n"
                      "sys.exit(2)\n")
    folder = tempfile.mkdtemp(prefix="tri-")
    d = lab.Daemon(folder)
    d.write(f"""daemon: {{name: lab, state_dir: {folder}/state, language: zh}}
api: {{listen: off}}
checks:
  nasty: {{type: exec, command: [/usr/bin/python3, {script}], interval: 2s, retries: 1}}
receivers:
  pager: {{type: pagerduty, routing_key: "{KEY}", url: "{pager.enqueue}"}}
""", head=False)
    d.start()
    try:
        told = event(pager, "trigger", lambda e: e["payload"]["component"] == "nasty")
        assert told["payload"]["severity"] == "critical" and "\n" not in told["payload"]["summary"]
        assert 500 < told["bytes"] < 512000 and not pager.refused
    finally:
        d.stop()
        shutil.rmtree(folder, ignore_errors=True)
