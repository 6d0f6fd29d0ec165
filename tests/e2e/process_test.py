"""The process probe, by doing to real processes what the causes name."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import lab
import srv_proc

HANGFS = lab.BUILD / "hangfs"
MEMORY = Path("/sys/fs/cgroup/memory")
other_users = pytest.mark.needs_right("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")


@pytest.fixture
def yard(folder):
    y = srv_proc.Yard(folder)
    yield y
    y.stop()


def probe(folder, keys):
    return lab.probe_check(folder, f"{{type: process, {keys}}}")


@pytest.mark.cause("proc.absent")
def test_present_then_gone(folder, yard):
    process = yard.sleep("tp-present")
    sample = probe(folder, "name: tp-present")
    assert sample["outcome"] == "ok" and f"pid {process.pid}" in sample["text"], sample
    assert sample["values"]["count"] == 1 and sample["values"]["rss_bytes"] > 0
    assert sample["values"]["threads"] == 1
    facts = {f["name"]: f["text"] for f in sample["facts"]}
    if lab.SANDBOX in ("unit", "bare"):
        assert "program" not in facts and "CAP_SYS_PTRACE" in lab.read_note(sample, "proc.no-right")
    else:
        assert facts["program"] == f"{folder}/tp-present"
    yard.end(process)
    lab.read_cause(probe(folder, "name: tp-present"), "proc.absent")


def test_command_line_and_its_secrets(folder, yard):
    yard.run("/bin/sh", "-c", "sleep 1000; :", "--password=topsecretvalue", "--db",
             "postgres://app:dsnsecret@db/x")
    sample = probe(folder, "cmdline: 'sleep 1000; :'")
    assert sample["outcome"] == "ok" and sample["values"]["count"] == 1, sample
    assert "topsecretvalue" not in str(sample) and "dsnsecret" not in str(sample), sample


def test_pid_file(folder, yard):
    process = yard.sleep("tp-pidfile")
    pidfile = Path(folder) / "p.pid"
    pidfile.write_text(f"{process.pid}\n")
    sample = probe(folder, f"pidfile: {pidfile}")
    assert sample["outcome"] == "ok" and "tp-pidfile" in sample["text"]


@pytest.mark.cause("proc.stopped")
def test_stopped(folder, yard):
    process = yard.sleep("tp-stopped")
    process.send_signal(signal.SIGSTOP)
    lab.wait_for("state T", lambda: srv_proc.state_of(process.pid) == "T")
    sample = lab.read_cause(probe(folder, "name: tp-stopped"), "proc.stopped")
    assert sample["values"]["stopped"] == 1


@pytest.mark.cause("proc.zombie")
def test_zombie(folder, yard):
    parent = yard.run("/bin/sh", "-c", f"{yard.sleeper('tp-zombie')} 0 & exec sleep 1000")

    def has_zombie():
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        return children and srv_proc.state_of(children[0]) == "Z"
    lab.wait_for("a zombie", has_zombie)
    sample = lab.read_cause(probe(folder, "name: tp-zombie"), "proc.zombie")
    assert f"pid {parent.pid}" in sample["text"] and sample["values"]["zombies"] == 1


@pytest.mark.cause("proc.too-many")
def test_too_many(folder, yard):
    yard.sleep("tp-twice")
    yard.sleep("tp-twice")
    lab.read_cause(probe(folder, "name: tp-twice, max: 1"), "proc.too-many")


@other_users
def test_descriptors_against_the_limit(folder, yard):
    path = Path(folder) / "hold.sh"
    opens = "; ".join(f"exec {n}</dev/null" for n in range(3, 9))
    path.write_text(f"ulimit -n 64; {opens}; exec {yard.sleeper('tp-fds')} 1000\n")
    process = yard.run("/bin/sh", path)
    yard.wait_comm(process.pid, "tp-fds")
    values = probe(folder, "name: tp-fds")["values"]
    assert values["fds"] == len(os.listdir(f"/proc/{process.pid}/fd"))
    assert abs(values["fds_percent"] - values["fds"] * 100 / 64) < 0.01


@pytest.mark.cause("proc.crashloop")
def test_crash_loop(daemon, yard):
    yard.run("/bin/sh", "-c", f"while :; do {yard.sleeper('tp-crash')} 0.6; done")
    d = daemon("checks: {loop: {type: process, name: tp-crash, min: 0, interval: 1s}}").start()
    sample = srv_proc.wait_cause(d, "loop", "proc.crashloop")
    assert "restarted 3 times" in sample["text"]


@pytest.mark.cause("proc.hung")
def test_no_progress(daemon, yard):
    yard.sleep("tp-idle")
    d = daemon("checks: {idle: {type: process, name: tp-idle, hung_after: 1s, interval: 1s}}").start()
    srv_proc.wait_cause(d, "idle", "proc.hung")


STUCK = """
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
print("up", flush=True)
os.stat(sys.argv[1])
"""


@pytest.mark.skipif(not (os.path.exists("/dev/fuse") and HANGFS.exists() and
                         shutil.which("fusermount3")), reason="needs /dev/fuse and fuse3")
@pytest.mark.cause("proc.dstate")
def test_stuck_in_the_kernel(daemon, folder, yard):
    """A file system that never answers; a signal makes its caller wait where only death ends it."""
    mount = Path(folder) / "hung"
    mount.mkdir()
    server = yard.run(HANGFS, "-f", "-s", mount, stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("the mount", lambda: str(mount) in Path("/proc/self/mountinfo").read_text())
        (Path(folder) / "tp-stuck").symlink_to("/usr/bin/python3")
        stuck = yard.run(f"{folder}/tp-stuck", "-c", STUCK, mount / "hang", stdout=subprocess.PIPE)
        assert stuck.stdout.readline() == b"up\n"

        def is_stuck():
            stuck.send_signal(signal.SIGUSR1)
            return srv_proc.state_of(stuck.pid) == "D"
        lab.wait_for("state D", is_stuck)
        d = daemon("checks: {stuck: {type: process, name: tp-stuck, dstate_after: 1s, "
                   "interval: 1s}}").start()
        sample = srv_proc.wait_cause(d, "stuck", "proc.dstate")
        assert f"pid {stuck.pid}" in sample["text"]
        d.stop()
    finally:
        yard.end(server)
        subprocess.run(["fusermount3", "-u", "-z", mount], capture_output=True)


HUNGRY = """
import sys, time
print("up", flush=True)
sys.stdin.readline()
data = []
while True:
    data.append(bytearray(4 << 20))
"""


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK) or not (MEMORY / "memory.limit_in_bytes").exists()
                    and not (MEMORY / "cgroup.procs").exists(), reason="needs a memory cgroup to make")
@pytest.mark.cause("proc.oom")
def test_killed_for_memory(kernel_kills, daemon, folder, yard):
    group = MEMORY / f"triaged-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(64 << 20))
    except OSError as e:
        pytest.skip(f"no memory cgroup: {e}")
    try:
        (Path(folder) / "tp-hungry").symlink_to("/usr/bin/python3")
        script = f"echo $$ > {group}/cgroup.procs; exec {folder}/tp-hungry -c '{HUNGRY}'"
        hungry = subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, start_new_session=True)
        yard.started.append(hungry)
        assert hungry.stdout.readline() == b"up\n"
        d = daemon("checks: {hungry: {type: process, name: tp-hungry, interval: 1s}}").start()
        d.wait_state("hungry", "up")
        hungry.stdin.write(b"\n")
        hungry.stdin.flush()
        assert hungry.wait(lab.LIMIT) == -signal.SIGKILL
        srv_proc.wait_cause(d, "hungry", "proc.oom")
        hungry.stdin.close()
    finally:
        yard.stop()
        lab.wait_for("the cgroup to be empty", lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


# --- environment ---

ENV = {"PATH": os.environ["PATH"]}


@other_users
@pytest.mark.cause("proc.env-missing")
def test_variable_missing(folder, yard):
    yard.sleep("tp-env", env={**ENV, "SQL_DSN": "postgres://u:p4ssw0rd@h/d"})
    assert probe(folder, "name: tp-env, env: {SQL_DSN: }")["outcome"] == "ok"
    sample = lab.read_cause(probe(folder, "name: tp-env, env: {REDIS_CONN_STRING: }"),
                            "proc.env-missing")
    assert "p4ssw0rd" not in str(sample)


@other_users
@pytest.mark.cause("proc.env-missing")
def test_variable_set_in_the_file_only(folder, yard):
    env_file = Path(folder) / ".env"
    env_file.write_text("SQL_DSN=postgres://u:p@h/d\n")
    yard.sleep("tp-file", env=ENV)
    sample = lab.read_cause(probe(folder, f"name: tp-file, env: {{SQL_DSN: {{same_as: {env_file}}}}}"),
                            "proc.env-missing")
    assert f"{env_file} sets SQL_DSN" in sample["text"]


@other_users
@pytest.mark.cause("proc.env-default")
def test_secret_is_the_default(folder, yard):
    yard.sleep("tp-default", env={**ENV, "SESSION_SECRET": "random_string"})
    lab.read_cause(probe(folder, "name: tp-default, env: {SESSION_SECRET: }"), "proc.env-default")


@other_users
@pytest.mark.cause("proc.env-quoted")
def test_quotes_became_part_of_the_value(folder, yard):
    yard.sleep("tp-quoted", env={**ENV, "SQL_DSN": '"postgres://u:p@h/d"'})
    lab.read_cause(probe(folder, "name: tp-quoted, env: {SQL_DSN: }"), "proc.env-quoted")


@other_users
@pytest.mark.cause("proc.env-differs")
def test_instances_do_not_share_a_secret(folder, yard):
    yard.sleep("tp-node", env={**ENV, "SESSION_SECRET": "0123456789abcdef0123"})
    check = "name: tp-node, env: {SESSION_SECRET: {same_as: instances}}"
    assert probe(folder, check)["outcome"] == "ok"
    yard.sleep("tp-node", env={**ENV, "SESSION_SECRET": "fedcba98765432100123"})
    sample = lab.read_cause(probe(folder, check), "proc.env-differs")
    assert "0123456789abcdef" not in str(sample) and "fedcba98" not in str(sample)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
@pytest.mark.cause("proc.no-right")
def test_without_the_right_it_says_so(folder, yard):
    yard.sleep("tp-foreign", env={**ENV, "A": "1"})
    sample = srv_proc.probe_as_nobody(folder, "{type: process, name: tp-foreign, env: {A: }}")
    assert sample["outcome"] == "ok" and "fds" not in sample["values"], sample
    assert "CAP_SYS_PTRACE" in lab.read_note(sample, "proc.no-right")


def test_each_process_a_check(daemon, yard):
    one, two = yard.sleep("tp-each"), yard.sleep("tp-each")
    d = daemon("checks: {each: {type: process, name: tp-each, per: pid, interval: 1s}}").start()
    d.wait_state(f"each[{one.pid}]", "up")
    d.wait_state(f"each[{two.pid}]", "up")
    assert d.check("each")["metrics"]["count"] == 2
