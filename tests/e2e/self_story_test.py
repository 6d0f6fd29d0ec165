"""The path of an alert itself is broken, and that is said through whatever is left."""
import os
import signal
import socket
import time

import pytest

import lab


@pytest.mark.scenario("alert-delivery-failed")
def test_a_webhook_that_is_gone(daemon, web, hook, fault):
    other = lab.Hook().start()
    try:
        d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  gone: {{type: webhook, url: "{hook.url}"}}
  other: {{type: webhook, url: "{other.url}"}}
""").start()
        d.wait_state("api", "up")
        hook.answer = (404, {}, b"no_service")
        fault.begin()
        web.stop()
        incident = fault.read(other, "triaged", cause="self.delivery-failed", severity="critical",
                              playbook="alert-delivery-failed",
                              finding="alert-delivery-failed.address-gone",
                              evidence=["404", "gone"], remedy="triage test")
        assert incident["impact"] == []
        # The alert itself came through the other one.
        other.wait("incident.opened", "api")
    finally:
        other.stop()


@pytest.mark.scenario("self-stalled")
def test_a_monitor_that_is_held_up(daemon, hook, fault):
    d = daemon(f"""
checks:
  own: {{type: self, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("own", "up")
    fault.begin()
    held = time.monotonic() + lab.LIMIT
    while not hook.events("incident.opened", "own") and time.monotonic() < held:
        d.process.send_signal(signal.SIGSTOP)
        time.sleep(1.3)  # not a wait for something: this is the trouble itself
        d.process.send_signal(signal.SIGCONT)
        lab.wait_for("a turn of the loop", d.is_up)
    fault.read(hook, "own", cause="self.stalled", playbook="self-stalled",
               severity={"warning", "critical"}, facts=["top-cpu"])


@pytest.mark.scenario("permission-limited")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_a_monitor_without_rights(daemon, hook, folder, fault):
    """It runs as nobody: whose a port is, cannot be seen, and that is said at the start."""
    os.chmod(folder, 0o777)
    d = daemon(f"""
checks:
  own: {{type: self, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
routes:
  - {{match: {{min_severity: info}}, to: [hook]}}
""")
    fault.begin()
    d.start(wrapper=["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"])
    fault.read(hook, "own", cause="self-rights.no-capabilities", playbook="self-rights",
               severity="info", title="capabilities", evidence=["CAP_SYS_PTRACE", "uid only"],
               remedy="AmbientCapabilities")


def test_rights_that_were_taken_away_on_purpose_are_no_news(daemon, hook, folder):
    """As the shipped unit does it: shown with the check, told to nobody."""
    os.chmod(folder, 0o777)
    d = daemon(f"""
checks:
  own: {{type: self, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""")
    d.start(wrapper=["setpriv", "--bounding-set=-all", "--reuid", "nobody", "--regid", "nogroup",
                     "--clear-groups", "--"])
    d.wait_state("own", "up")
    assert d.check("own")["metrics"]["rights_missing"] == 0
    assert "CAP_SYS_PTRACE" in str(d.check("own"))
    runs = d.check("own")["runs"]
    lab.wait_for("more runs than the rule asks for", lambda: d.check("own")["runs"] >= runs + 3)
    assert d.incidents() == []


@pytest.mark.scenario("probe-overrun")
def test_probes_that_take_longer_than_their_interval(daemon, hook, fault):
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, never answers
        d = daemon(f"""
checks:
  own: {{type: self, interval: 1s}}
  slow: {{type: http, url: "http://127.0.0.1:{mute.getsockname()[1]}/", interval: 500ms, timeout: 8s,
          retries: 100, retry_interval: 500ms}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
routes:
  - {{match: {{min_severity: info}}, to: [hook]}}
""")
        fault.begin()
        d.start()
        fault.read(hook, "own", cause={"self-overrun.slow-targets", "self-overrun.host-busy"},
                   playbook="self-overrun", severity="info", evidence=["skipped"])
