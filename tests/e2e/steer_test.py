"""Who is told, and who is not: acknowledgements, silences, maintenance, escalation; and the record
that is left when it is over."""
import datetime
import json
import re

import pytest

import lab


def config(web, hook, more="", to="hook"):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 2, retry_interval: 500ms,
         labels: {{team: core}}}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
routes:
  - {{to: [{to}], repeat_interval: 3s{more}}}
"""


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def triage(d, *words, code=0):
    run = lab.triage(*words, env=env(d))
    assert run.returncode == code, (words, run.stdout, run.stderr)
    return run.stdout


@pytest.fixture
def up(daemon, web, hook):
    d = daemon(config(web, hook)).start()
    d.wait_state("api", "up")
    return d


def test_acknowledged_nobody_is_reminded(up, web, hook):
    web.stop()
    incident = hook.wait("incident.opened", "api")["data"]["incident"]
    hook.wait("incident.reminder", "api")
    assert "acknowledged" in triage(up, "ack", incident["id"][:6], "--comment", "looking at it")
    told = hook.wait("incident.acknowledged", "api")["data"]["incident"]
    assert told["acknowledged_note"] == "looking at it" and told["acknowledged_by"]
    before = len(hook.events("incident.reminder"))
    triage(up, "ack", incident["id"], "--undo")
    again = hook.wait("incident.updated", "api")
    assert again["reason"] == "ack" and again["data"]["incident"]["status"] == "open"
    lab.wait_for("a reminder", lambda: len(hook.events("incident.reminder")) > before)
    assert "not acknowledged" in lab.triage("ack", incident["id"], "--undo", env=env(up)).stderr


def test_incidents_are_found_by_what_they_are_about(up, web, hook):
    web.stop()
    incident = hook.wait("incident.opened", "api")["data"]["incident"]

    def found(query):
        doc = up.api.get(f"/api/v1/incidents?{query}")
        return doc["total"], [one["id"] for one in doc["incidents"]]

    one, none = (1, [incident["id"]]), (0, [])
    assert found("check=api") == found("check=a*&severity=critical") == one
    assert found("check=apis") == found("severity=info") == found("state=resolved") == none
    assert found("offset=0&limit=1") == one and found("offset=1") == (1, [])
    for bad in ("severity=bad", "offset=-1", "offset=x", "check=", "check=" + "a" * 200):
        assert up.api.request("GET", f"/api/v1/incidents?{bad}")[0] == 400, bad


def post(d, path, doc):
    body = json.dumps(doc).encode()
    reply = d.api.raw(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                      .encode() + body)
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


def test_what_is_said_with_an_acknowledgement_stays_small_and_plain(up, web, hook):
    web.stop()
    incident = hook.wait("incident.opened", "api")["data"]["incident"]
    path = f"/api/v1/incidents/{incident['id']}/ack"
    for doc, said in (({"by": "B" * 101}, "by: at most 100"), ({"note": "N" * 40000}, "note: at"),
                      ({"sticky": "yes"}, "sticky: must be")):
        status, problem = post(up, path, doc)
        assert status == 400 and said in problem["detail"], problem
    assert up.incidents()[0]["status"] == "open"
    assert post(up, path, {"by": "ann\u202e\x1b[2J", "note": "line\nline"})[0] == 200
    told = hook.wait("incident.acknowledged", "api")["data"]["incident"]
    assert told["acknowledged_by"] == "ann..[2J" and told["acknowledged_note"] == "line.line"


def test_an_acknowledgement_ends_by_itself(up, web, hook):
    web.stop()
    incident = hook.wait("incident.opened", "api")["data"]["incident"]
    assert "after that it is open again: on it" in triage(up, "ack", incident["id"], "--for", "2s", "--comment", "on it")
    hook.wait("incident.acknowledged", "api")
    reminder = hook.wait("incident.reminder", "api", len(hook.events("incident.reminder")) + 1)
    assert reminder["data"]["incident"]["status"] == "open"


def test_an_acknowledgement_takes_the_place_of_another(up, web, hook):
    web.stop()
    incident = hook.wait("incident.opened", "api")["data"]["incident"]
    triage(up, "ack", incident["id"], "--for", "2h", "--comment", "on it")
    assert re.search(r"is acknowledged by \S+ until .{0,8}\d\d:\d\d(:\d\d)?: no reminders",
                     " ".join(triage(up, "why", "api").split()))
    said = triage(up, "ack", incident["id"])
    assert "until it is over or gets worse" in said and "on it" not in said
    whole = up.api.get(f"/api/v1/incidents/{incident['id']}")
    first, second = [e["text"] for e in whole["timeline"] if e["kind"] == "acknowledged"]
    assert first.endswith(": on it") and " (in place of " not in first
    assert re.search(r" \(in place of \S+ until 20\S+\)$", second), second


def test_silenced_and_told_afterwards(up, web, hook):
    assert "nothing is silenced" in triage(up, "silence")
    made = triage(up, "silence", "ap*", "--for", "1h", "--comment", "deploy")
    sid = re.search(r"silence (\w+):", made).group(1)
    listed = triage(up, "silence")
    assert sid in listed and "active" in listed and "check=ap*" in listed and "deploy" in listed
    assert f"deploy (silence {sid})" in " ".join(triage(up, "why", "api").split())
    web.stop()
    incident = lab.wait_for("the incident", up.incidents)[0]
    assert "silenced" in triage(up, "why", "api")
    status = triage(up, "status")
    assert re.search(r"for \S+ · silenced until .{0,8}\d\d:\d\d(:\d\d)? · check api", status), status
    [muted] = up.api.get("/api/v1/status")["muted"]
    assert muted["id"] == up.incidents()[0]["id"] and f"silence {sid}" in muted["why"], muted
    assert not hook.events()
    assert f"silence {sid} is over" in triage(up, "silence", "--undo", sid[:4])
    told = hook.wait("incident.opened", "api")
    assert told["reason"] == "first" and told["data"]["incident"]["id"] == incident["id"]
    web.start()
    hook.wait("incident.resolved", "api")
    assert lab.triage("silence", "api", env=env(up)).returncode == 2
    assert "is no level" in lab.triage("silence", "severity=high", "--for", "1h",
                                       env=env(up)).stderr


def test_told_before_the_silence_means_told_of_the_end(up, web, hook):
    web.stop()
    hook.wait("incident.opened", "api")
    triage(up, "silence", "api", "--for", "1h")
    web.start()
    end = hook.wait("incident.resolved", "api")
    assert end["reason"] == "recovered"


def test_a_silence_outlives_a_kill(up, web, hook):
    triage(up, "silence", "api", "--for", "1h")
    up.kill()
    up.start()
    assert "active" in triage(up, "silence")
    web.stop()
    lab.wait_for("the incident", up.incidents)
    assert not hook.events()


def test_maintenance_keeps_quiet(daemon, web, hook):
    now = datetime.datetime.now(datetime.timezone.utc)
    start = (now - datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    end = (now + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    d = daemon(config(web, hook) + f"""
maintenance:
  - {{checks: ["a*"], from: "{start}", until: "{end}", reason: backups}}
  - {{checks: other, schedule: "{lab.another_day()} 02:00-04:00", timezone: Asia/Shanghai}}
""").start()
    d.wait_state("api", "up")
    web.stop()
    incident = lab.wait_for("the incident", d.incidents)[0]
    why = triage(d, "why", "api")
    assert "maintenance until" in why and "backups" in why, why
    listed = triage(d, "silence")
    assert "maintenance" in listed and "planned" in listed, listed
    assert not hook.events()
    # The work is done early: the settings say so, and whoever should know is told.
    d.write(config(web, hook))
    triage(d, "reload")
    assert hook.wait("incident.opened", "api")["data"]["incident"]["id"] == incident["id"]


@pytest.mark.parametrize("entry, words", [
    ('{checks: a, schedule: "Blursday 02:00-03:00"}', "Blursday"),
    ('{checks: a, schedule: "02:00-03:00", timezone: Mars/Base}', "timezone"),
    ('{schedule: "02:00-03:00"}', "say what it is about"),
    ('{checks: a}', "say when"),
    ('{checks: a, from: "2026-01-02T00:00:00Z"}', "say when"),
    ('{checks: a, from: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z"}', "before it begins"),
    ('{checks: a, schedul: "02:00-03:00"}', "did you mean"),
])
def test_bad_maintenance_is_told_where(folder, entry, words):
    path = f"{folder}/t.yaml"
    with open(path, "w") as f:
        f.write(f"checks:\n  a: {{type: memory}}\nmaintenance:\n  - {entry}\n")
    run = lab.triage("check", path)
    assert run.returncode == 2 and words in run.stdout + run.stderr, run
    assert re.search(r"t\.yaml:[34]:\d+: error", run.stdout + run.stderr), run


def test_a_silence_that_fits_nothing_says_so(up):
    assert "no check fits it now" not in triage(up, "silence", "ap*", "--for", "1h")
    made = triage(up, "silence", "type=tcp", "team=core", "--for", "1h")
    assert "nobody is told of type=tcp team=core until" in made, made
    assert "no check fits" not in triage(up, "silence", "triaged", "--for", "1h")
    assert "no check fits" not in triage(up, "silence", "cause=net.*", "--for", "1h")
    made = triage(up, "silence", "apo", "--for", "1h")
    assert 'no check fits it now; did you mean "api"?' in made and "--undo" in made, made
    for words, said in ((["--for", "1h"], "say of which checks"),
                        (["api", "--for", "2"], 'triage: for: "2" needs a unit')):
        run = lab.triage("silence", *words, env=env(up))
        assert run.returncode != 0 and said in run.stderr and "error:" not in run.stderr, run
    assert "no check fits it now" in triage(up, "silence", "type=redis", "--for", "1h")
    status, doc = post(up, "/api/v1/silences", {"match": {"check": "db-*"}, "for": "1h"})
    assert status == 201 and doc["warning"] == "no check fits it now" and doc["id"]
    assert len(json.loads(triage(up, "silence", "--json"))["silences"]) == 7


@pytest.mark.scenario("escalation")
def test_left_alone_it_goes_to_the_next(daemon, web, hook, fault):
    boss = lab.Hook().start()
    try:
        d = daemon(config(web, hook, ", escalate: [{after: 3s, to: boss}]").replace(
            "routes:", f'  boss: {{type: webhook, url: "{boss.url}"}}\nroutes:')).start()
        d.wait_state("api", "up")
        fault.begin()
        web.stop()
        hook.wait("incident.opened", "api")
        assert not boss.events()
        assert "boss: told if nobody acknowledges it" in triage(d, "why", "api").replace("\n  ", " ")
        incident = fault.read(boss, "api", cause="net.refused", severity="critical")
        assert incident["duration"] >= 3
        web.start()
        boss.wait("incident.resolved", "api")
    finally:
        boss.stop()


def test_outside_its_hours_a_route_tells_nobody(daemon, web, hook):
    """Its hours begin by a reload here; tests/deliver/hours_test.c turns the clock."""
    now = datetime.datetime.now(datetime.timezone.utc)
    later = f"{now + datetime.timedelta(hours=2):%H:00}-{now + datetime.timedelta(hours=3):%H:00}"
    d = daemon(config(web, hook, f', active: {{schedule: "{later}", timezone: UTC}}')).start()
    d.wait_state("api", "up")
    web.stop()
    incident = lab.wait_for("the incident", d.incidents)[0]
    decisions = d.api.get(f"/api/v1/incidents/{incident['id']}")["decisions"]
    assert [(one["receiver"], one["what"]) for one in decisions] == [("hook", "resting")]
    routes = d.api.get("/api/v1/receivers")["routes"]
    assert routes[0]["to"] == ["hook"] and routes[0]["resting"] and routes[0]["begins_at"]
    why = triage(d, "why", "api")
    assert "outside the hours of its route; it is told when they begin" in " ".join(why.split()), why
    assert not hook.events()
    d.kill()
    d.start()
    assert not hook.events()
    d.write(config(web, hook, ', active: ["00:00-24:00"]'))
    triage(d, "reload")
    told = hook.wait("incident.opened", "api")
    assert told["reason"] == "first" and told["data"]["incident"]["id"] == incident["id"]
    web.start()
    hook.wait("incident.resolved", "api")


def test_two_steps_and_an_acknowledgement_between(daemon, web, hook):
    lead, boss = lab.Hook().start(), lab.Hook().start()
    try:
        d = daemon(config(web, hook, ", escalate: [{after: 2s, to: lead}, {after: 9s, to: boss}]")
                   .replace("routes:", f'  lead: {{type: webhook, url: "{lead.url}"}}\n'
                            f'  boss: {{type: webhook, url: "{boss.url}"}}\nroutes:')).start()
        d.wait_state("api", "up")
        web.stop()
        incident = hook.wait("incident.opened", "api")["data"]["incident"]
        # The clock of the steps is the incident's own: a restart does not begin it anew.
        d.kill()
        d.start()
        assert lead.wait("incident.opened", "api")["reason"] == "first"
        triage(d, "ack", incident["id"])
        for h in (hook, lead):
            assert h.wait("incident.acknowledged", "api")["reason"] == "ack"
        lab.wait_for("the second step's time", lambda: d.incidents() and
                     d.api.get(f"/api/v1/incidents/{incident['id']}")["duration"] > 16)
        assert not boss.events()
        web.start()
        for h in (hook, lead):
            assert h.wait("incident.resolved", "api")["reason"] == "recovered"
        assert not boss.events()
    finally:
        lead.stop()
        boss.stop()


@pytest.mark.scenario("incident-record")
def test_the_record_of_an_incident(up, web, hook, fault):
    fault.begin()
    web.stop()
    incident = fault.read(hook, "api", cause="net.refused", severity="critical")
    triage(up, "ack", incident["id"], "--comment", "on it")
    web.start()
    hook.wait("incident.resolved", "api")
    record = triage(up, "show", incident["id"])
    for words in ("# Incident " + incident["id"], "| Time |", "## Impact", "**api**", "## Cause",
                  "net.refused", "## What to do", "## Timeline", "acknowledged", "recovered",
                  "## Follow-up", "| Owner |", "What recovered first", "team=core"):
        assert words in record, (words, record)
    assert "nobody yet" not in record
    same = up.api.request("GET", f"/api/v1/incidents/{incident['id']}.md")
    assert same[0] == 200 and "## Timeline" in same[2].decode()
