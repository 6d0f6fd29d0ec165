"""Receivers that cannot be reached: a name that nobody knows, a server that never answers."""
import pytest

import chaos
import lab


@pytest.fixture
def mute():
    place = chaos.Place()
    place.set("hang")
    yield place
    place.set("refuse")


def config(web, hook, mute, lost):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, timeout: 2s, retries: 1}}
receivers:
  good: {{type: webhook, url: "{hook.url}"}}
  lost: {{type: webhook, url: "{lost}", timeout: 2s}}
  mute: {{type: webhook, url: "http://127.0.0.1:{mute.port}/secret-path", timeout: 60s}}
routes: [{{to: [mute, lost, good], group_wait: 0s}}]
"""


def view(d, name):
    return next(r for r in d.api.get("/api/v1/receivers")["receivers"] if r["name"] == name)


def test_the_others_are_told_and_these_once_they_can_be(daemon, web, hook, mute):
    d = daemon(config(web, hook, mute, "http://nobody.invalid/secret-path")).start()
    d.wait_state("api", "up")
    web.stop()
    hook.wait("incident.opened")
    web.start()
    hook.wait("incident.resolved")
    lab.wait_for("a failed try", lambda: view(d, "lost")["last_error"])
    lost = view(d, "lost")
    assert "nobody.invalid" in lost["last_error"] and lost["queued"] == 2
    assert view(d, "mute")["queued"] == 2
    assert "secret-path" not in d.api.raw(
        b"GET /api/v1/receivers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").decode()
    assert "secret-path" not in d.log.read_text()
    found = lab.Hook().start()
    try:
        d.write(config(web, hook, mute, found.url))
        d.reload()
        found.wait("incident.resolved")
        assert [e["type"] for e in found.events()] == ["incident.opened", "incident.resolved"]
    finally:
        found.stop()
    mute.set("ok")
    d.kill()  # else it would wait for its 60 s
    d.start()
    lab.wait_for("the mute one", lambda: len(chaos.read_events(mute)) == 2)
    assert [e["type"] for e in chaos.read_events(mute)] == ["opened", "resolved"]
