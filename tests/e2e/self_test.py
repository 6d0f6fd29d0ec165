"""The daemon's own trouble, said as what it is and never as the target's."""
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import lab
from blackhole_test import can_fuse, hang


@pytest.mark.fault("mount-hangs")
@pytest.mark.skipif(not can_fuse(), reason="needs /dev/fuse and fuse3")
@pytest.mark.cause("self.helpers-exhausted")
def test_more_hung_mounts_than_helpers(daemon, folder):
    """Eight may be stuck before no other mount is asked, and seven more may be asked just then."""
    mounts = [Path(folder) / f"m{i}" for i in range(17)]
    servers = [hang(m) for m in mounts]
    try:
        d = daemon("checks:\n" + "".join(
            f"  d{i}: {{type: disk, path: {m}, interval: 1s, timeout: 1s, retries: 1}}\n"
            for i, m in enumerate(mounts))).start()

        def last():
            return [d.api.get(f"/api/v1/checks/d{i}")["last"] or {} for i in range(len(mounts))]

        def is_told():
            causes = [s.get("cause") for s in last()]
            return set(causes) == {"fs.hung", "self.helpers-exhausted"} and 8 <= causes.count("fs.hung") <= 15
        try:
            lab.wait_for("each to be told why", is_told)
        finally:
            samples = last()
            print(json.dumps(samples, indent=1))
        for sample in samples:
            if sample["cause"] == "self.helpers-exhausted":
                lab.read_cause(sample, "self.helpers-exhausted", "error")
        d.stop()
    finally:
        for mount, server in zip(mounts, servers):
            server.kill()
            server.wait()
            subprocess.run(["fusermount3", "-u", "-z", mount], capture_output=True)


@pytest.mark.fault("held-up")
@pytest.mark.cause("self.stalled")
def test_a_daemon_that_is_held_up_says_so(daemon, hook):
    """Stopped for most of the time: every start is late, and that is nobody's fault but ours."""
    d = daemon(f"""
checks:
  own: {{type: self, interval: 1s}}
  memory: {{type: memory, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("own", "up")
    held = time.monotonic() + lab.LIMIT
    while not hook.events("incident.opened", "own") and time.monotonic() < held:
        d.process.send_signal(signal.SIGSTOP)
        time.sleep(1.3)  # not a wait for something: this is the trouble itself
        d.process.send_signal(signal.SIGCONT)
        lab.wait_for("a turn of the loop", d.is_up)
    lab.read_incident(hook.wait("incident.opened", "own"), "self.stalled")
    assert d.check("memory")["state"] == "up"
