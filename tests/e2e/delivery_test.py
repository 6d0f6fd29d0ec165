"""What delivery shows of itself: `triage receivers`, the API's ledger and queue, the figures."""
import json
import re
import subprocess

import pytest

import lab
from cli_test import on_terminal

PATH_SECRET = "T00-B00-s3cretpath"


@pytest.fixture
def up(daemon, web, hook):
    dead = lab.Hook()
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", description: "the hook of the lab",
          daily_test: "09:00 Europe/Berlin"}}
  dead: {{type: webhook, url: "http://127.0.0.1:{dead.port}/{PATH_SECRET}"}}
  kept: {{type: webhook, url: "http://127.0.0.1:{dead.port}/x", enabled: false}}
routes:
  - {{to: [hook, dead, kept, hook]}}
""").start()
    d.dead = dead
    d.wait_state("api", "up")
    yield d
    dead.stop()


def env(d):
    return {"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80"}


def triage(d, *words):
    run = lab.triage(*words, env=env(d))
    assert run.returncode == 0, run
    assert all(len(line) <= 80 for line in run.stdout.split("\n")), run.stdout
    assert PATH_SECRET not in run.stdout
    return run.stdout


def receiver(d, name):
    return d.api.get(f"/api/v1/receivers/{name}")


def metrics(d):
    return d.api.request("GET", "/metrics?checks=off")[2].decode()


def test_each_ones_state_queue_and_ledger(up, web, hook):
    d = up
    assert receiver(d, "hook")["state"] == "idle" and receiver(d, "hook")["latency"] is None
    web.stop()
    opened = hook.wait("incident.opened", "api")
    ident = opened["data"]["incident"]["id"]
    tried = lab.wait_for("tries of the dead one", lambda: (
        r := receiver(d, "dead"))["failures_in_a_row"] >= 2 and r)
    assert tried["state"] == "retrying" and tried["failed_by"]["network"] >= 2
    assert tried["queued"] == 1 and tried["queue_total"] == 1 and tried["ledger"] == []
    waiting = tried["queue"][0]
    assert waiting["incident"] == ident and waiting["type"] == "incident.opened"
    assert waiting["tries"] >= 2 and waiting["next_try_at"] and tried["oldest_at"]
    assert "backing off" in tried["waits_for"] and "connect" in tried["last_error"]

    taken = receiver(d, "hook")
    assert taken["state"] == "ok" and taken["sent"] == 1 and taken["queue"] == []
    assert taken["description"] == "the hook of the lab" and taken["next_daily_test_at"]
    told = taken["ledger"][0]
    assert told["incident"] == ident and told["notice"] == opened["_id"]
    assert told["told"] == "incident.opened" and told["reason"] == "first"
    assert told["sequence"] == opened["sequence"] and told["told_at"]
    assert taken["latency"]["count"] == 1 and taken["latency"]["max"] < 30

    deliveries = d.api.get(f"/api/v1/incidents/{ident}")["deliveries"]
    assert [(x["receiver"], x["notice"]) for x in deliveries] == [("hook", opened["_id"])]

    shown = on_terminal(d, "show", ident)
    assert re.search(r"Told.*hook  opened \(first\)", shown, re.S), shown

    listed = triage(d, "receivers")
    assert re.search(r"^hook +webhook +ok +(now|\d+s ago) +0 ", listed, re.M), listed
    assert re.search(r"^dead +webhook +retrying +- +1 +(in \d+s|now)", listed, re.M), listed
    assert re.search(r"^kept +webhook +off ", listed, re.M), listed
    one = triage(d, "receivers", "dead")
    assert "backing off" in one and "network: " in one and ident in one and "opened" in one
    one = triage(d, "receivers", "hook")
    assert ident in one and "first" in one and "the hook of the lab" in one and "daily test" in one
    assert len(json.loads(lab.triage("receivers", "--json", env=env(d)).stdout)["receivers"]) == 3
    run = lab.triage("receivers", "hok", env=env(d))
    assert run.returncode == 1 and 'did you mean "hook"?' in run.stderr
    assert d.api.request("GET", "/api/v1/receivers/hook?limit=0")[0] == 400
    assert receiver(d, "kept")["state"] == "off"

    # It comes back: told late, and of the end like the other.
    d.dead.start()
    d.dead.wait("incident.opened", "api")
    web.start()
    for h in (hook, d.dead):
        h.wait("incident.resolved", "api")
    assert len(hook.events("incident.opened")) == 1
    ended = lab.wait_for("the ledger", lambda: (
        r := receiver(d, "dead"))["ledger"] and r["ledger"][0]["state"] == "ended" and r)
    assert ended["state"] == "ok" and ended["ledger"][0]["told"] == "incident.resolved"
    assert ended["ledger"][0]["reason"] == "recovered"


def test_the_figures_of_delivery(up, web, hook):
    d = up
    before = metrics(d)
    for reason in ("other", "contextDeadlineExceeded", "networkError", "dnsError", "tlsError",
                   "authError", "rateLimited", "clientError", "serverError", "localError"):
        assert f'triaged_receiver_failures_total{{receiver="hook",type="webhook",reason="{reason}"}}' \
               " 0" in before, reason
    hook.answer = (401, {}, b"who are you")
    web.stop()
    lab.wait_for("the refusal", lambda: receiver(d, "hook")["given_up"] == 1)
    after = metrics(d)
    for line in ('failures_total{receiver="hook",type="webhook",reason="authError"} 1',
                 'given_up_total{receiver="hook",type="webhook"} 1',
                 'state{receiver="hook",type="webhook",state="failing"} 1',
                 'state{receiver="hook",type="webhook",state="ok"} 0',
                 'queued{receiver="dead",type="webhook"} '):
        assert f"triaged_receiver_{line}" in after, after
    hook.answer = (200, {}, b"")
    web.start()
    d.wait_state("api", "up")
    web.stop()  # it opens again, and now somebody listens
    hook.wait("incident.opened")
    lab.wait_for("a latency", lambda: re.search(
        r'triaged_receiver_latency_seconds_count\{receiver="hook",type="webhook"\} [1-9]', metrics(d)))
    if subprocess.run(["which", "promtool"], capture_output=True).returncode == 0:
        run = subprocess.run(["promtool", "check", "metrics"], input=metrics(d), text=True,
                             capture_output=True)
        assert run.returncode == 0, run.stdout + run.stderr
