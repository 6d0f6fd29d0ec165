"""The disk of the state folder refuses: the daemon goes on from memory, says so, and catches up."""
import errno

import pytest

import lab
from srv_shim import Rot

CHECKS = """
checks:
  one: {{type: http, url: "{one}", interval: 1s, retries: 1}}
  two: {{type: http, url: "{two}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
"""


@pytest.fixture
def other():
    w = lab.Web().start()
    yield w
    w.stop()


def was_told_once(hook, check):
    kinds = [e["type"] for e in hook.events(check=check)]
    return kinds[0] == "incident.opened" and kinds[-1] == "incident.resolved" and \
        kinds.count("incident.opened") == kinds.count("incident.resolved") == 1


@pytest.mark.fault("disk-eio")
@pytest.mark.fault("disk-full")
@pytest.mark.parametrize("error", [errno.EIO] + [pytest.param(e, marks=pytest.mark.slow)
                                                 for e in (errno.ENOSPC, errno.EROFS)],
                         ids=errno.errorcode.get)
def test_writes_fail_while_things_break(daemon, web, other, hook, error):
    d = daemon(CHECKS.format(one=web.url, two=other.url, hook=hook.url, secret=lab.SECRET_TEXT))
    rot = Rot(d)
    d.start()
    for name in ("one", "two"):
        d.wait_state(name, "up")
    rot.fail(writes=error)
    web.stop()
    hook.wait("incident.opened", "one")  # what is told does not wait for the disk
    lab.read_incident(hook.wait("incident.opened", "triaged"), "self.store")
    assert d.api.get("/api/v1/status")["store_trouble"]
    other.stop()
    hook.wait("incident.opened", "two")
    web.start()
    hook.wait("incident.resolved", "one")
    rot.heal()
    hook.wait("incident.resolved", "triaged")
    lab.wait_for("all saved", lambda: d.api.get("/api/v1/status")["store_trouble"] is None)
    # What happened meanwhile is on the disk: after a kill nobody is told anything twice.
    d.kill()
    d.start()
    d.wait_state("two", "down")
    d.wait_state("one", "up")
    other.start()
    hook.wait("incident.resolved", "two")
    assert all(was_told_once(hook, check) for check in ("one", "two", "triaged"))
    assert not list(d.state.glob("*corrupt*"))


@pytest.mark.slow
@pytest.mark.fault("disk-eio")
def test_reads_fail_too(daemon, web, hook):
    """A file that cannot be read is not a damaged one: it is left where it is."""
    d = daemon(CHECKS.format(one=web.url, two=web.url, hook=hook.url, secret=lab.SECRET_TEXT))
    rot = Rot(d)
    d.start()
    d.wait_state("one", "up")
    rot.fail(errno.EIO, errno.EIO)
    web.stop()
    hook.wait("incident.opened", "one")
    lab.read_incident(hook.wait("incident.opened", "triaged"), "self.store")
    status, _, _ = d.api.request("GET", "/api/v1/checks/one/series?metric=total_time")
    assert status in (200, 503), status
    rot.heal()
    hook.wait("incident.resolved", "triaged")
    web.start()
    hook.wait("incident.resolved", "one")
    assert not list(d.state.glob("*corrupt*"))
    assert len(hook.events("incident.opened", "one")) == 1


@pytest.mark.fault("disk-eio")
def test_a_disk_that_is_bad_at_the_start(daemon, web, hook):
    d = daemon(CHECKS.format(one=web.url, two=web.url, hook=hook.url, secret=lab.SECRET_TEXT))
    rot = Rot(d)
    d.start()
    d.wait_state("one", "up")
    d.stop()
    rot.fail(errno.EIO, errno.EIO)
    d.spawn()
    assert d.process.wait(lab.LIMIT) == 1
    words = d.words()
    assert "cannot use state folder" in words or "cannot read the state folder" in words, words
    rot.heal()
    d.start()
    d.wait_state("one", "up")
    assert not list(d.state.glob("*corrupt*"))
