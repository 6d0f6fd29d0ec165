"""Told "firing" => told "resolved": through reloads, kills, and whatever settings change between."""
import pytest

import lab


def config(web, receivers, rest="", keys="retries: 1"):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, timeout: 2s, {keys}}}
{rest}
receivers:
{receivers}
"""


def receiver(name, hook):
    return f'  {name}: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}\n'


def story(hook, check=None):
    """What was told; evidence that comes after the message may be one more word of it."""
    return [(e["type"].split(".")[1], e["reason"]) for e in hook.events(check=check)
            if e["reason"] != "facts"]


@pytest.fixture
def other():
    h = lab.Hook().start()
    yield h
    h.stop()


def ids(hook):
    return {e["data"]["incident"]["id"] for e in hook.events()}


def test_receiver_that_was_away_hears_the_end(daemon, web, hook, other):
    both = receiver("a", hook) + receiver("b", other)
    d = daemon(config(web, both)).start()
    d.wait_state("api", "up")
    web.stop()
    hook.wait("incident.opened")
    other.wait("incident.opened")
    d.write(config(web, receiver("b", other)))
    d.reload()
    web.start()
    other.wait("incident.resolved")
    d.kill()
    d.start()
    d.write(config(web, both))
    d.reload()
    hook.wait("incident.resolved")
    assert story(hook) == story(other) == [("opened", "first"), ("resolved", "recovered")]
    assert ids(hook) == ids(other) and len(ids(hook)) == 1


def test_route_that_leads_elsewhere_by_now(daemon, web, hook, other):
    both = receiver("a", hook) + receiver("b", other)
    d = daemon(config(web, both, "routes:\n  - {to: [a, b]}\n")).start()
    d.wait_state("api", "up")
    web.stop()
    hook.wait("incident.opened")
    d.write(config(web, both, "routes:\n  - {to: [b]}\n"))
    d.reload()
    d.kill()
    d.start()
    web.start()
    hook.wait("incident.resolved")
    other.wait("incident.resolved")
    assert story(hook) == story(other) == [("opened", "first"), ("resolved", "recovered")]


@pytest.mark.parametrize("how", ["removed", "disabled", "removed while stopped"])
def test_check_that_goes_while_its_receiver_is_down(daemon, web, hook, how):
    d = daemon(config(web, receiver("a", hook))).start()
    d.wait_state("api", "up")
    web.stop()
    hook.wait("incident.opened")
    hook.stop()
    if how == "disabled":
        d.write(config(web, receiver("a", hook), keys="enabled: false"))
    else:
        d.write("checks: {memory: {type: memory}}\nreceivers:\n" + receiver("a", hook))
    if how != "removed while stopped":
        d.reload()
        assert d.incidents() == []
    d.kill()
    d.start()
    hook.start()
    hook.wait("incident.resolved")
    assert story(hook) == [("opened", "first"), ("resolved", "removed")] and len(ids(hook)) == 1


RULE = "rules:\n  seen: {each: http, warning: this.status == 200}\n"


def test_what_is_down_takes_in_a_rule_that_then_goes(daemon, web, hook):
    d = daemon(config(web, receiver("a", hook), RULE)).start()
    seen = hook.wait("incident.opened")["data"]["incident"]
    web.stop()
    down = hook.wait("incident.opened", count=2)["data"]["incident"]
    merged = hook.wait("incident.resolved")
    assert seen["rule"] == "seen" and down["rule"] == "check-down"
    assert merged["reason"] == "merged" and merged["data"]["incident"]["id"] == seen["id"]
    d.write(config(web, receiver("a", hook)))
    d.reload()
    web.start()
    end = hook.wait("incident.resolved", count=2)
    assert end["reason"] == "recovered" and end["data"]["incident"]["id"] == down["id"]


@pytest.mark.cause("self.delivery-failed")
def test_receiver_that_is_gone_is_nobodys_trouble(daemon, web, hook, other):
    d = daemon(config(web, receiver("a", hook) + receiver("b", other))).start()
    d.wait_state("api", "up")
    hook.answer = (410, {}, b"gone")
    web.stop()
    trouble = lab.read_incident(other.wait("incident.opened", "triaged"), "self.delivery-failed")
    assert "410" in trouble["summary"]
    d.write(config(web, receiver("b", other)))
    d.reload()
    other.wait("incident.resolved", "triaged")


def test_redirect_is_refused_and_said_to_the_others(daemon, web, hook, other):
    d = daemon(config(web, receiver("a", hook) + receiver("b", other))).start()
    d.wait_state("api", "up")
    hook.answer = (307, {"Location": other.url}, b"")
    web.stop()
    other.wait("incident.opened", "triaged")
    hook.answer = (200, {}, b"")
    web.start()
    other.wait("incident.resolved", "api")
    assert story(hook) == []  # who never heard of it hears no end
    assert len(other.events("incident.opened", "api")) == 1


def test_reload_storm_tells_nothing(daemon, web, hook):
    d = daemon(config(web, receiver("a", hook))).start()
    d.wait_state("api", "up")
    web.stop()
    hook.wait("incident.opened")
    for _ in range(20):
        d.reload()
    web.start()
    hook.wait("incident.resolved")
    assert len(hook.events()) == 2


def test_reload_to_another_snapshot_leaves_nothing_behind(daemon, web, hook):
    """Everything that borrowed from the old settings has let go of it (the sanitizer watches)."""
    d = daemon(config(web, receiver("a", hook))).start()
    d.wait_state("api", "up")
    d.write("checks:\n  memory: {type: memory, interval: 1s}\n"
            "  disks: {type: disk, all: true, interval: 1s}\n"
            "receivers:\n" + receiver("a", hook))
    d.reload()
    d.wait_state("memory", "up")
    d.wait_state("disks", "up")


def test_a_parent_does_not_alert_beside_its_child(daemon, hook):
    rule = "rules:\n  full: {each: disk, warning: this.used_percent >= 0%}\n"
    d = daemon("checks:\n  disks: {type: disk, all: true, interval: 1s}\n" + rule +
               "receivers:\n" + receiver("a", hook)).start()
    hook.wait("incident.opened")
    d.kill()
    d.start()
    lab.wait_for("three rounds", lambda: d.check("disks")["runs"] >= 3)
    checks = [e["data"]["incident"]["check"] for e in hook.events()]
    assert "disks" not in checks and len(checks) == len(set(checks))
    assert all(e["type"] == "incident.opened" for e in hook.events())
