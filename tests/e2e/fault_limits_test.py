"""The kernel refuses: no descriptor, no process, no thread.  What we could not do is never the target's fault."""
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import lab
from srv_shim import NO_LEAK_CHECK

NOBODY = 61234  # a user of whom there is no other process: what it may start is counted by user
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]


def limit(d, what, most, wrapper=()):
    """The soft limit (`nofile`, `nproc`) from now on.  `wrapper` makes it somebody
    who may: the user that the daemon runs as."""
    subprocess.run([*wrapper, "prlimit", "--pid", str(d.process.pid), f"--{what}={most}:"], check=True)


def outcome(d, name):
    last = d.check(name)["last"]
    return last and last["outcome"]


def cpu_seconds(d):
    fields = Path(f"/proc/{d.process.pid}/stat").read_text().rsplit(") ", 1)[1].split(" ")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_outcome(d, names, wanted):
    lab.wait_for(f"{names} to say {wanted}", lambda: all(outcome(d, n) == wanted for n in names))


def wait_runs(d, names, more=3):
    for name in names:
        runs = d.check(name)["runs"]
        lab.wait_for(f"{more} runs of {name}", lambda n=name, r=runs: d.check(n)["runs"] >= r + more)


@pytest.mark.fault("no-descriptor")
def test_every_descriptor_is_taken(daemon, web, hook):
    d = daemon(f"""
checks:
  web: {{type: http, url: "{web.url}", interval: 500ms, retries: 2}}
  port: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 500ms, retries: 2}}
  ran: {{type: exec, command: [/bin/true], interval: 500ms, retries: 2}}
  cpu: {{type: cpu, interval: 500ms, retries: 2}}
  root: {{type: disk, path: /, interval: 500ms, retries: 2}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
    names = ["web", "port", "ran", "cpu", "root"]
    for name in names:
        d.wait_state(name, "up")
    # One connection of ours is there already: by it we look on while nobody else gets one.
    with lab.socket.socket(lab.socket.AF_UNIX) as s, s.makefile("rb") as answers:
        s.connect(d.api.path)

        def ask(path):
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b" 200 " in answers.readline()
            length = 0
            while (line := answers.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return lab.json.loads(answers.read(length)) if length else None

        def last(name):
            check = ask(f"/api/v1/checks/{name}")
            return check["state"], check["last"]["outcome"], check["last"].get("cause"), check["runs"]

        ask("/api/v1/status")
        limit(d, "nofile", 3)
        before = {name: last(name)[3] for name in names}
        lab.wait_for("it to be noticed", lambda: all(last(n)[1] == "error" for n in ("web", "port", "ran")))
        late = lab.socket.socket(lab.socket.AF_UNIX)  # one that nobody can accept: it must not spin for it
        late.connect(d.api.path)
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        used, began = cpu_seconds(d), time.monotonic()
        lab.wait_for("rounds", lambda: all(last(n)[3] >= before[n] + 8 for n in names))
        share = (cpu_seconds(d) - used) / (time.monotonic() - began)
        assert share < 0.5, share
        for name in names:
            state, said, cause, _ = last(name)
            assert state == "up", (name, state, said, cause)
            assert said in ("ok", "error"), (name, said, cause)
        lines = d.log.read_text().count("\n")
        assert lines < 2000, "it floods its log"
        assert hook.events() == []
        limit(d, "nofile", 1000)
        late.settimeout(lab.LIMIT)
        assert b" 200 " in late.recv(4096)
        late.close()
    wait_outcome(d, names, "ok")
    assert d.incidents() == []
    web.stop()
    hook.wait("incident.opened", "web")


@pytest.mark.slow
@pytest.mark.fault("no-descriptor")
def test_alerts_that_meet_no_descriptor_leave_later(daemon, web, hook):
    d = daemon(f"""
checks:
  web: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
    d.wait_state("web", "up")
    web.status = 500
    hook.answer = (503, {}, b"")
    lab.wait_for("the first try", lambda: "next try in" in d.log.read_text())
    limit(d, "nofile", 3)
    hook.answer = (200, {}, b"")
    tries = d.log.read_text().count("next try in")
    lab.wait_for("a try without", lambda: d.log.read_text().count("next try in") > tries)
    limit(d, "nofile", 1000)
    hook.wait("incident.opened", "web")
    assert len(hook.events("incident.opened", "web")) == 1


def start_as_nobody(d, nproc=None):
    os.chmod(d.folder, 0o777)
    d.log.touch()
    d.log.chmod(0o666)
    d.program = d.folder / "triaged"  # the build may lie where only its owner may go
    if not d.program.exists():
        shutil.copy(lab.BUILD / "triaged", d.program)
    limits = ["prlimit", f"--nproc={nproc}:100"] if nproc is not None else []
    return [*AS_NOBODY, *limits]


@needs_root
@pytest.mark.slow
@pytest.mark.fault("no-process")
def test_no_process_can_be_started(daemon, web, hook):
    d = daemon(f"""
checks:
  ran: {{type: exec, command: [/bin/true], interval: 500ms, retries: 2}}
  root: {{type: disk, path: /, interval: 500ms, retries: 2}}
  web: {{type: http, url: "{web.url}", interval: 500ms, retries: 2}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
  told: {{type: exec, command: [/bin/true]}}
""")
    d.start(start_as_nobody(d))
    names = ["ran", "root", "web"]
    for name in names:
        d.wait_state(name, "up")
    limit(d, "nproc", 0, AS_NOBODY)
    wait_outcome(d, ["ran"], "error")
    assert d.check("ran")["cause"].startswith("self."), d.check("ran")
    wait_runs(d, names, 5)
    assert all(d.check(n)["state"] == "up" for n in names)
    assert hook.events() == []
    web.stop()
    hook.wait("incident.opened", "web")  # others go on to be told
    limit(d, "nproc", 100, AS_NOBODY)
    wait_outcome(d, ["ran"], "ok")


@needs_root
@pytest.mark.fault("no-process")
def test_no_helper_can_be_started_anew(daemon, hook, folder):
    """The disk's helper dies while none can be made: that cannot be told, and is again when it can."""
    d = daemon(f"""
checks:
  root: {{type: disk, path: /, interval: 500ms, timeout: 2s, retries: 2}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""")
    d.start(start_as_nobody(d))
    d.wait_state("root", "up")
    limit(d, "nproc", 0, AS_NOBODY)
    children = subprocess.run(["pgrep", "-P", str(d.process.pid)], capture_output=True, text=True).stdout
    for pid in children.split():
        os.kill(int(pid), 9)
    wait_outcome(d, ["root"], "error")
    wait_runs(d, ["root"], 5)
    assert d.check("root")["state"] == "up" and hook.events() == []
    limit(d, "nproc", 100, AS_NOBODY)
    wait_outcome(d, ["root"], "ok")


@needs_root
@pytest.mark.fault("no-thread")
def test_no_thread_at_the_start(daemon):
    """The first, the second: each is a clear error, and nothing is half started."""
    d = daemon("checks: {m: {type: cpu}}\n", env=NO_LEAK_CHECK)
    for nproc in (1, 2):
        d.spawn(start_as_nobody(d, nproc))
        assert d.process.wait(lab.LIMIT) == 1, d.words()
        assert "cannot start the" in d.words() and "thread" in d.words(), d.words()
        d.log.write_text("")
    d.start(start_as_nobody(d))
    d.wait_state("m", "up")


@needs_root
@pytest.mark.fault("no-thread")
def test_no_thread_for_what_is_slow(daemon, web, hook):
    """A reload reads files in a thread of its own: without one it waits, and is done when there is one."""
    d = daemon("checks: {m: {type: cpu, interval: 500ms}}\n")
    d.start(start_as_nobody(d))
    d.wait_state("m", "up")
    limit(d, "nproc", 0, AS_NOBODY)
    d.write("checks: {m: {type: cpu, interval: 500ms}, n: {type: cpu, interval: 500ms}}\n")
    d.process.send_signal(1)
    lab.wait_for("it to be said", lambda: "cannot start a thread" in d.log.read_text())
    wait_runs(d, ["m"], 4)
    limit(d, "nproc", 100, AS_NOBODY)
    d.wait_state("n", "up")


@needs_root
@pytest.mark.fault("no-thread")
def test_no_thread_for_further_loops(daemon, web):
    """Checks run on the loops that there are; a reload asks for the others again."""
    def loops():
        return sorted(name for task in Path(f"/proc/{d.process.pid}/task").iterdir()
                      if (name := (task / "comm").read_text().strip()).startswith("loop-"))

    d = daemon()
    d.config.write_text(f"daemon: {{name: lab, state_dir: {d.state}, loops: 6}}\napi: {{listen: off}}\nchecks:\n"
                        + "".join(f"  c{n}: {{type: http, url: \"{web.url}\", interval: 500ms}}\n" for n in range(20)))
    d.start(start_as_nobody(d, 5))
    lab.wait_for("it to be said", lambda: "instead of 6: cannot start a thread for a further loop" in d.words())
    assert len(loops()) < 5
    limit(d, "nproc", 6, AS_NOBODY)  # one that reads the settings, or one loop more
    for _ in range(3):
        before = d.log.read_text().count("reload: done")
        d.process.send_signal(1)
        lab.wait_for("a reload", lambda was=before: d.log.read_text().count("reload: done") > was)
        wait_runs(d, ["c0", "c19"], 1)
    limit(d, "nproc", 100, AS_NOBODY)
    d.process.send_signal(1)
    lab.wait_for("all loops", lambda: loops() == [f"loop-{n}" for n in range(2, 7)])
    was = {f"c{n}": d.check(f"c{n}")["runs"] for n in range(20)}
    lab.wait_for("each to run on", lambda: all(d.check(n)["runs"] >= runs + 2 for n, runs in was.items()))
