"""The alertmanager receiver against real Alertmanagers: an alert is there while the incident is open,
at every member, also after one of them forgot everything."""
import shutil
import time

import pytest

import lab
from srv_alertmanager import Alertmanager, at

pytestmark = pytest.mark.skipif(not shutil.which("prometheus-alertmanager"),
                                reason="needs prometheus-alertmanager")


@pytest.fixture
def members():
    made = [Alertmanager().start() for _ in range(2)]
    yield made
    for am in made:
        am.destroy()


def config(web, urls, refresh="1s"):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1, labels: {{team: core}}}}
receivers:
  am: {{type: alertmanager, url: {urls}, refresh: {refresh}}}
"""


@pytest.fixture
def up(daemon, web, members):
    d = daemon(config(web, [am.url for am in members])).start()
    d.wait_state("api", "up")
    return d


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def test_an_alert_begins_and_ends_at_every_member(up, web, members):
    web.stop()
    for am in members:
        alert = am.wait(check="api")[0]
        assert alert["labels"] == {
            "alertname": "check-down", "severity": "critical", "check": "api", "type": "http",
            "host": "lab", "team": "core", "incident": up.incidents()[0]["id"]}, alert
        assert "refused" in alert["annotations"]["summary"], alert
        assert alert["annotations"]["cause_code"].startswith("net."), alert
        assert alert["annotations"]["remedy"] and alert["annotations"]["cause"], alert
        assert alert["status"]["state"] in ("active", "unprocessed"), alert
        assert at(alert["startsAt"]) <= time.time() < at(alert["endsAt"]), alert
    web.start()
    for am in members:
        am.wait(0)


def test_a_new_severity_takes_the_place_of_the_old_one(daemon, web, members):
    am = members[0]
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, expect: {{status: [200, 404, 500]}}}}
builtin_rules: off
rules:
  bad: {{warning: api.status > 400, critical: api.status >= 500, summary: "status {{{{api.status}}}}"}}
receivers:
  am: {{type: alertmanager, url: "{am.url}", refresh: 10m}}
""").start()
    d.wait_state("api", "up")
    web.status = 404
    assert am.wait(check="api")[0]["labels"]["severity"] == "warning"
    web.status = 500
    am.wait(check="api", severity="critical")
    assert [a["labels"]["severity"] for a in am.wait(check="api")] == ["critical"]
    web.status = 200
    am.wait(0)


def test_the_refresh_keeps_it_and_brings_it_back(up, web, members):
    web.stop()
    first = members[0].wait(check="api")[0]
    # Told once it would be over by itself after four refreshes.
    lab.wait_for("a later end", lambda: at(members[0].wait(check="api")[0]["endsAt"])
                 > at(first["endsAt"]) + 5)
    members[0].kill()
    members[0].start()
    again = members[0].wait(check="api")[0]
    assert again["labels"] == first["labels"] and again["startsAt"] == first["startsAt"]
    # It ends also where nobody listened when it ended.
    members[1].kill()
    web.start()
    members[0].wait(0)
    members[1].start()
    lab.wait_for("the incident's end", lambda: not up.incidents())
    members[1].wait(0)


def test_a_killed_daemon_goes_on_refreshing(up, web, members):
    web.stop()
    first = members[0].wait(check="api")[0]
    up.kill()
    up.start()
    lab.wait_for("a later end", lambda: at(members[0].wait(check="api")[0]["endsAt"])
                 > at(first["endsAt"]) + 5)
    assert members[0].wait(check="api")[0]["labels"] == first["labels"]
    web.start()
    for am in members:
        am.wait(0)


def test_one_member_is_enough_and_the_other_is_named(up, members):
    dead = members[1]
    dead.kill()
    run = lab.triage("test", "am", env=env(up))
    assert run.returncode == 0, run
    assert f"taken by 1 of 2 members; {dead.url}" in run.stdout.replace("\n", " "), run
    members[0].wait(alertname="triaged-test")


def test_evidence_of_strangers_is_bounded(daemon, web, members):
    web.status = 500
    web.body = ('<!channel> @everyone "x" \\ \u202e\u200b\U0001f525 <script>\r\n' * 30000).encode()
    d = daemon(config(web, f'"{members[0].url}/"'))
    d.start()
    alert = members[0].wait(check="api")[0]
    assert all(len(v.encode()) <= 4096 for v in alert["annotations"].values())
    assert "<script>" in alert["annotations"]["facts"]
