"""One path through every floor: a server stops, people are told why, it starts, they are told."""
import random
import re
import threading

import pytest

import lab

CONFIG = """
checks:
  api: {{type: http, url: "{url}", interval: 1s, retries: 2, timeout: 2s}}
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
  log: {{type: syslog, socket: "{syslog}"}}
routes:
  - {{to: [hook, log]}}
"""


def config(web, hook, syslog):
    return CONFIG.format(url=web.url, hook=hook.url, secret=lab.SECRET_TEXT, syslog=syslog.path)


def check_story(opened, resolved):
    first, last = opened["data"]["incident"], resolved["data"]["incident"]
    assert opened["type"] == "incident.opened" and resolved["type"] == "incident.resolved"
    assert opened["reason"] == "first" and resolved["reason"] == "recovered"
    assert first["id"] == last["id"]
    assert first["cause"]["code"] == "net.refused"
    assert first["status"] == "open" and last["status"] == "resolved"
    assert first["severity"] == "critical" and first["check"] == "api" and first["rule"] == "check-down"
    assert opened["sequence"] < resolved["sequence"]
    assert last["duration"] > 0 and last["resolved_at"] is not None


def test_refused_and_back(daemon, web, hook, syslog):
    d = daemon(config(web, hook, syslog)).start()
    d.wait_state("api", "up")
    web.stop()
    opened = hook.wait("incident.opened")
    assert opened["_signed"]
    assert len(d.incidents()) == 1
    web.start()
    resolved = hook.wait("incident.resolved")
    assert resolved["_signed"]
    check_story(opened, resolved)
    assert opened["_id"] != resolved["_id"]
    assert re.fullmatch(r"msg_[A-Za-z0-9]{26}", opened["_id"])
    lines = syslog.wait("triaged[", 2)
    assert lines[0].startswith("<26>") and 'cause="net.refused"' in lines[0]
    assert lines[1].startswith("<29>") and opened["data"]["incident"]["id"] in lines[1]
    assert len(hook.events()) == 2 and len(syslog.lines) == 2
    assert d.incidents() == []


def test_detection_takes_two_intervals(daemon, web, hook, syslog):
    """The check itself: second failure in a row, one retry_interval after the first."""
    d = daemon(config(web, hook, syslog)).start()
    d.wait_state("api", "up")
    web.stop()
    incident = hook.wait("incident.opened")["data"]["incident"]
    runs = d.check("api")["runs"]
    assert incident["detected_at"] > incident["started_at"]
    assert runs >= 3


def test_receiver_down_for_a_while(daemon, web, hook, syslog):
    d = daemon(config(web, hook, syslog)).start()
    d.wait_state("api", "up")
    hook.stop()
    web.stop()
    syslog.wait("net.refused")
    web.start()
    syslog.wait("RESOLVED")
    waiting = lab.wait_for("two notices in the outbox", lambda: [
        r for r in d.api.get("/api/v1/receivers")["receivers"]
        if r["name"] == "hook" and r["queued"] == 2])
    assert waiting[0]["state"] != "ok"
    hook.start()
    resolved = hook.wait("incident.resolved")
    opened = hook.wait("incident.opened")
    check_story(opened, resolved)
    assert [e["type"] for e in hook.events()] == ["incident.opened", "incident.resolved"]


def test_restart_says_nothing_twice(daemon, web, hook, syslog):
    d = daemon(config(web, hook, syslog)).start()
    d.wait_state("api", "up")
    web.stop()
    opened = hook.wait("incident.opened")
    d.stop()
    d.start()
    d.wait_state("api", "down")
    assert [i["id"] for i in d.incidents()] == [opened["data"]["incident"]["id"]]
    web.start()
    check_story(opened, hook.wait("incident.resolved"))
    assert len(hook.events()) == 2


def story_under_kills(d, web, hook, rng, kills):
    """Stops and starts the target while the daemon is killed at random instants."""
    d.start()
    d.wait_state("api", "up")
    acts = [web.stop, web.start]
    seen = {"incident.opened": 0, "incident.resolved": 0}
    for act, kind in zip(acts, seen):
        act()
        for _ in range(kills // 2):
            threading.Event().wait(rng.random() * 0.4)
            d.kill()
            d.start()
        hook.wait(kind)


@pytest.mark.parametrize("seed", range(5))
def test_kill_9_at_random_instants(daemon, web, hook, syslog, seed):
    """Ten instants for each of five seeds: nothing lost, nothing twice under a new id."""
    run_kills(daemon, web, hook, syslog, seed, 10)


def run_kills(daemon, web, hook, syslog, seed, kills):
    d = daemon(config(web, hook, syslog))
    story_under_kills(d, web, hook, random.Random(seed), kills)
    lab.wait_for("an empty outbox", lambda: all(
        r["queued"] == 0 for r in d.api.get("/api/v1/receivers")["receivers"]))
    events = hook.events()
    assert [e["type"] for e in events] == ["incident.opened", "incident.resolved"], \
        [(e["_id"], e["type"]) for e in hook.requests]
    check_story(*events)
