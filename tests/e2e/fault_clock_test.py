"""The wall clock jumps, the host sleeps: what waits, waits by the clock that does not jump."""
import datetime
import time

import pytest

import lab
from srv_shim import Skew

FOR = 3  # seconds that the rule waits
CONFIG = """
checks:
  one: {{type: http, url: "{one}", interval: 500ms, retries: 1}}
  two: {{type: http, url: "{two}", interval: 500ms, retries: 1}}
rules:
  out: {{each: http, critical: "down(this)", for: {wait}s}}
builtin_rules: off
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
"""


def until(*date):
    """Seconds from now until then."""
    then = datetime.datetime(*date, tzinfo=datetime.timezone.utc)
    return (then - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


STEPS = {"5-minutes-on": 300, "5-minutes-back": -300, "6-hours-on": 6 * 3600, "6-hours-back": -6 * 3600,
         "to-1970": until(1970, 1, 1, 0, 5), "to-2040": until(2040, 3, 1)}


@pytest.fixture
def other():
    w = lab.Web().start()
    yield w
    w.stop()


@pytest.fixture
def skewed(daemon, web, other, hook):
    d = daemon(CONFIG.format(one=web.url, two=other.url, hook=hook.url, secret=lab.SECRET_TEXT, wait=FOR))
    d.skew = Skew(d)
    d.start()
    for name in ("one", "two"):
        d.wait_state(name, "up")
    return d


def wait_runs(d, more=3):
    for name in ("one", "two"):
        runs = d.check(name)["runs"]
        lab.wait_for(f"{more} runs of {name}", lambda n=name, r=runs: d.check(n)["runs"] >= r + more)


def off_by(d):
    """How far the daemon's clock is off, by the time of its last line about an incident."""
    line = [x for x in d.log.read_text().splitlines() if "event=incident.opened" in x][-1]
    return (datetime.datetime.fromisoformat(line.split(" ")[0].replace("Z", "+00:00"))
            - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def told(hook):
    return [(e["type"], e["data"]["incident"]["check"]) for e in hook.events()
            if e["type"] != "incident.updated"]


@pytest.mark.fault("clock-step")
@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_wall_clock_is_set(skewed, web, other, hook, step):
    d = skewed
    began = time.monotonic()
    web.stop()
    d.wait_state("one", "down")
    d.skew.step(step)  # while the rule waits
    opened = hook.wait("incident.opened", "one")
    assert opened["_at"] - began > FOR - 0.1, "the wait was cut short"
    assert abs(off_by(d) - step) < 60, "the clock was not set at all"
    wait_runs(d)
    d.skew.step(-step)  # somebody sees it and sets it right
    wait_runs(d)
    d.skew.step(step)
    began = time.monotonic()
    other.stop()
    assert hook.wait("incident.opened", "two")["_at"] - began > FOR - 0.1
    d.kill()
    d.skew.step(-step)  # what is in the database lies in the future, or long ago
    d.start()
    wait_runs(d)
    web.start()
    end = hook.wait("incident.resolved", "one")["data"]["incident"]
    assert end["id"] == opened["data"]["incident"]["id"]
    assert 0 <= end["duration"] < 120, end
    other.start()
    hook.wait("incident.resolved", "two")
    wait_runs(d)
    assert sorted(told(hook)) == sorted((f"incident.{kind}", check) for kind in ("opened", "resolved")
                                        for check in ("one", "two"))
    assert d.incidents() == []


@pytest.mark.fault("suspend")
def test_host_sleeps(skewed, web, hook):
    """What failed while it woke up is nobody's fault; what still fails then is told, once."""
    d = skewed
    d.skew.sleep(8 * 3600)
    lab.wait_for("it to be said", lambda: "slept for 8h" in d.log.read_text())
    wait_runs(d)
    assert told(hook) == [] and d.check("one")["state"] == "up"
    web.stop()
    d.wait_state("one", "down")
    began = time.monotonic()
    d.skew.sleep(600)  # held: it waits anew
    opened = hook.wait("incident.opened", "one")
    assert opened["_at"] - began > FOR - 0.6
    d.skew.sleep(600)
    wait_runs(d)
    web.start()
    hook.wait("incident.resolved", "one")
    assert told(hook) == [("incident.opened", "one"), ("incident.resolved", "one")]
