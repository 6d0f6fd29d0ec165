"""As a container's first process, in a PID namespace of its own: orphans, signals, stops."""
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

import lab

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
if os.getuid() != 0:
    NAMESPACE[1:1] = ["--user", "--map-root-user"]

pytestmark = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode != 0,
    reason="no PID namespaces here")

# Each run leaves a process behind that outlives its parent, and then ends.
LEAVES_ORPHANS = """
checks:
  leaver: {type: exec, command: [sh, -c, "(sleep 0.05 &) ; exit 0"], interval: 1s}
  three: {type: exec, command: [sh, -c, "(sleep 0.01 &) ; exit 1"], interval: 1s, retries: 1}
"""


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


class First:
    """The daemon as number 1; its number outside is `pid`."""

    def __init__(self, daemon):
        self.daemon = daemon
        wrapper = daemon.process.pid
        self.pid = lab.wait_for("the daemon's process", lambda: children(wrapper))[0]

    def zombies(self):
        """Those below it that ended and were not waited for."""
        out = set()
        for pid in children(self.pid):
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text()
                if stat.rpartition(")")[2].split()[0] == "Z":
                    out.add(pid)
        return out

    def stop(self, signo=signal.SIGTERM):
        """Seconds until it ended, and how."""
        began = time.monotonic()
        os.kill(self.pid, signo)
        code = self.daemon.process.wait(lab.LIMIT)
        took = time.monotonic() - began
        words, self.daemon.process = self.daemon.words(), None
        assert "Sanitizer" not in words and "runtime error:" not in words, words
        return took, code


def start(daemon):
    daemon.start(NAMESPACE)
    return First(daemon)


def test_waits_for_orphans_and_hears_its_own(daemon):
    d = daemon(LEAVES_ORPHANS)
    first = start(d)
    assert re.search(r"^NSpid:\t\d+\t1$", Path(f"/proc/{first.pid}/status").read_text(), re.M)
    d.wait_state("leaver", "up")
    d.wait_state("three", "down")
    lab.wait_for("some runs", lambda: d.check("leaver")["runs"] >= 4)
    assert "exit 1" in json.dumps(d.check("three")["last"])
    for _ in range(3):
        seen = first.zombies()
        lab.wait_for("all of them to be waited for", lambda: not seen & first.zombies())
    took, code = first.stop()
    assert code == 0 and took < 10, (took, code)


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_ends_before_its_loop_listens(signo):
    """The kernel drops a first process's signals that have no handler; here it is stuck in a write
    of its own, long before there is a loop."""
    ours, theirs = os.pipe()
    room = fcntl.fcntl(ours, fcntl.F_GETPIPE_SZ)
    process = subprocess.Popen([*NAMESPACE, lab.BUILD / "triaged", "--manual"], stdout=theirs)
    os.close(theirs)
    lab.wait_for("a full pipe", lambda: waiting(ours) == room)
    os.kill(children(process.pid)[0], signo)
    assert process.wait(lab.LIMIT) == 128 + signo
    os.close(ours)


def waiting(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"    "))[0]


def test_stops_while_everything_hangs(daemon, folder):
    """A silent receiver, a command that ignores SIGTERM, a log that nobody reads."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(5)
    d = daemon(f"""
checks:
  gone: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 1s, retries: 1}}
  deaf: {{type: exec, command: [sh, -c, "trap '' TERM; sleep 600 & wait; wait"], interval: 1s, timeout: 500s}}
receivers:
  hook: {{type: webhook, url: "http://127.0.0.1:{silent.getsockname()[1]}/"}}
""")
    first = start(d)
    d.wait_state("gone", "down")
    took, code = first.stop()
    silent.close()
    assert code == 0 and took < 10, (took, code)


def test_reloads(daemon, web):
    d = daemon(f"checks: {{one: {{type: http, url: '{web.url}', interval: 1s}}}}\n")
    first = start(d)
    d.wait_state("one", "up")
    d.write(f"checks: {{two: {{type: http, url: '{web.url}', interval: 1s}}}}\n")
    os.kill(first.pid, signal.SIGHUP)
    d.wait_state("two", "up")
    assert first.stop()[1] == 0


# ---- the host, as much of it as is mounted ----

OF_THE_HOST = """
  root: {type: disk, path: /}
  disks: {type: disk, all: true}
  passwd: {type: file, path: /etc/passwd}
  processes: {type: process, name: no-such-process}
  port: {type: port, listen: 1}
  network: {type: network}
  memory: {type: memory}
  cpu: {type: cpu}
"""


def sidecar(daemon, folder, mount, points=()):
    """The daemon in a mount namespace of its own, with `mount` done first: $0 is its host_root."""
    host = f"{folder}/host"
    os.mkdir(host)
    for name in points:
        os.mkdir(f"{host}/{name}")
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}, host_root: {host}}}\napi: {{listen: off}}\n"
            f"defaults: {{interval: 1s}}\nchecks:{OF_THE_HOST}", head=False)
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    d.start(["unshare", *user, "--mount", "sh", "-c", f'{mount} && exec "$@"', host])
    checks = {}

    def all_ran():
        for name in re.findall(r"(?m)^  ([a-z]+):", OF_THE_HOST):
            checks[name] = d.check(name)["last"]
        return all(checks.values())
    lab.wait_for("a run of each", all_ran)
    return {name: (last["outcome"], last["text"]) for name, last in checks.items()}


def test_nothing_of_the_host(daemon, folder):
    """Not the image's own folders for the host's, nor nothing for something that is down."""
    saw = sidecar(daemon, folder, "true")
    for name in ("root", "disks", "passwd", "processes", "port", "network"):
        outcome, text = saw[name]
        assert outcome == "error" and "volume" in text, (name, text)
    assert "/host:ro,rslave" in saw["processes"][1] and "nothing of the host" in saw["network"][1]
    assert saw["cpu"][0] == "ok" and saw["memory"][0] == "ok"  # one kernel, the same numbers


def test_a_part_of_the_host(daemon, folder):
    saw = sidecar(daemon, folder, 'mount --bind /var "$0/var"', ("var", "proc"))
    for name in ("root", "passwd", "processes", "port", "network"):
        outcome, text = saw[name]
        assert outcome == "error" and "volume" in text, (name, text)
    assert "its /proc is missing" in saw["port"][1]
    assert saw["disks"][0] == "ok"


def test_a_system_of_its_own_below_which_something_is_mounted(daemon, folder):
    """A chroot has its /proc, and files that are on no mount of its own: they are seen."""
    make = 'mkdir "$0/etc" && echo >"$0/etc/passwd" && mount --bind /proc "$0/proc"'
    saw = sidecar(daemon, folder, make, ("proc",))
    assert saw["passwd"][0] == "ok" and saw["root"][0] == "ok", saw
    assert saw["processes"] == ("fail", "no process matches no-such-process")


def test_all_of_the_host(daemon, folder):
    saw = sidecar(daemon, folder, 'mount --rbind / "$0"')
    assert {name: outcome for name, (outcome, _) in saw.items()} == {
        **{name: "ok" for name in saw}, "processes": "fail", "port": "fail"}
    assert saw["processes"][1] == "no process matches no-such-process"
