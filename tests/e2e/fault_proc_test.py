"""/proc goes away under the daemon: what is read there cannot be told, the rest goes on."""
import os
import subprocess
from pathlib import Path

import pytest

import lab
from srv_shim import NO_LEAK_CHECK
from life_test import can_mount


NEED_PROC = {"cpu", "memory", "net", "me", "ran", "listens"}


@pytest.mark.skipif(not can_mount(), reason="needs the right to make a mount namespace")
@pytest.mark.fault("no-proc")
@pytest.mark.parametrize("how", [
    pytest.param("umount -l /proc", id="unmounted"),
    pytest.param("mount -t tmpfs none /proc", id="empty", marks=pytest.mark.slow)])
def test_proc_is_gone(daemon, web, hook, folder, how):
    d = daemon(f"""
checks:
  web: {{type: http, url: "{web.url}", interval: 500ms, retries: 2}}
  cpu: {{type: cpu, interval: 500ms, retries: 2}}
  memory: {{type: memory, interval: 500ms, retries: 2}}
  net: {{type: network, interval: 500ms, retries: 2}}
  me: {{type: process, pidfile: "{folder}/pid", interval: 500ms, retries: 2}}
  ran: {{type: exec, command: [/bin/true], interval: 500ms, retries: 2}}
  root: {{type: disk, path: /, interval: 500ms, retries: 2}}
  own: {{type: self, interval: 500ms, retries: 2}}
  listens: {{type: port, listen: "127.0.0.1:{web.port}", interval: 500ms, retries: 2}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""", env=NO_LEAK_CHECK)
    Path(folder, "pid").write_text(str(os.getpid()))
    d.start(["unshare", "-m", "--propagation", "private"])
    names = ["web", "cpu", "memory", "net", "me", "ran", "root", "own", "listens"]
    for name in names:
        d.wait_state(name, "up")
    inside = ["nsenter", "-m", "-t", str(d.process.pid), "sh", "-c"]
    subprocess.run([*inside, how], check=True)
    for name in names:
        runs = d.check(name)["runs"]
        lab.wait_for(f"more runs of {name}", lambda n=name, r=runs: d.check(n)["runs"] >= r + 5)
    said = {n: (c["state"], c["last"]["outcome"], c["cause"]) for n in names if (c := d.check(n))}
    assert {state for state, _, _ in said.values()} == {"up"}, said
    assert {name for name, (_, outcome, _) in said.items() if outcome == "error"} == NEED_PROC, said
    assert {outcome for _, outcome, _ in said.values()} == {"ok", "error"}, said
    assert hook.events() == []
    web.stop()
    hook.wait("incident.opened", "web")
    web.start()
    undo = "mount -t proc proc /proc" if how.startswith("umount") else "umount /proc"
    subprocess.run([*inside, undo], check=True)
    for name in names:
        lab.wait_for(f"{name} to be well: {d.check(name)}", lambda n=name: d.check(n)["last"]["outcome"] == "ok", 15)
    hook.wait("incident.resolved", "web")
    assert len(hook.events("incident.opened")) == 1
