"""Every probe type against things that never answer, all at once: the loop does not notice.

A network namespace of the test's own, where a name server hears and stays silent, SYNs to one
address are dropped, and a listener accepts and says nothing; and a file system that never answers.
"""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lab
from probes_test import HANGFS, can_fuse

DROP = "127.0.0.2"    # packets to it are lost
SILENT = "127.0.0.3"  # the name server that never answers
LAG = 0.020           # seconds that no turn of the loop may take
ROUNDS = 5            # runs of each check that are looked at

# For each probe type, checks that cannot end by themselves: N a name, D dropped SYNs, M mute
# listener, U mute unix socket, H a path on the hung file system.
TARGETS = {
    "clock": ["servers: [never.test, {D}]"],
    "container": ["socket: {U}, name: web"],
    "cpu": [""],
    "disk": ["path: {H}"],
    "dns": ["name: x.test, server: {D}", "name: x.test, server: {S}"],
    "exec": ["command: [\"{H}/hang\"]", "command: [/bin/sleep, \"1000\"]"],
    "file": ["path: {H}/hang"],
    "heartbeat": ["token: 0123456789abcdef, period: 1h"],
    "http": ["url: \"http://never.test/\"", "url: \"http://{D}/\"", "url: \"http://127.0.0.1:{M}/\"",
             "url: \"https://127.0.0.1:{M}/\"",
             "url: \"http://x.test/\", proxy: \"http://127.0.0.1:{M}\""],
    "log": ["path: {H}/hang, patterns: {{e: error}}"],
    "memory": [""],
    "mysql": ["dsn: \"mysql://u:p@never.test/d\"", "dsn: \"u:p@tcp({D}:3306)/d\"",
              "dsn: \"mysql://u:p@127.0.0.1:{M}/d\""],
    "network": [""],
    "ping": ["host: never.test", "host: {D}"],
    "port": ["listen: \"127.0.0.1:{M}\""],
    "postgres": ["dsn: \"postgresql://u:p@never.test/d\"", "dsn: \"postgresql://u:p@{D}/d\"",
                 "dsn: \"postgresql://u:p@127.0.0.1:{M}/d\"",
                 "dsn: \"postgresql://u:p@127.0.0.1:{M}/d?sslmode=require\""],
    "process": ["cmdline: \"{F}/mute.py\""],
    "redis": ["url: \"redis://never.test\"", "url: \"redis://{D}\"",
              "url: \"redis://127.0.0.1:{M}\"", "url: \"rediss://127.0.0.1:{M}\"",
              "url: \"redis-socket:{U}\""],
    "self": [""],
    "smtp": ["address: \"never.test:25\"", "address: \"{D}:25\"", "address: \"127.0.0.1:{M}\""],
    "sqlite": ["path: {H}/hang"],
    "systemd": ["unit: nginx.service, bus: \"unix:path={U}\""],
    "tcp": ["address: \"never.test:1\"", "address: \"{D}:1\"",
            "address: \"127.0.0.1:{M}\", expect: x"],
    "tls": ["address: \"never.test:443\"", "address: \"{D}:443\"", "address: \"127.0.0.1:{M}\""],
    "udp": ["address: \"never.test:1\", send: x, expect: x", "address: \"{D}:1\", send: x, expect: x"],
}

# What needs nobody else, and so has an answer even here.
ANSWERS = {"cpu", "heartbeat", "memory", "network", "port", "process", "self"}

SERVER = """
import socket, sys
kept = []
s = socket.create_server(("127.0.0.1", 0), backlog=512)
u = socket.socket(socket.AF_UNIX); u.bind(sys.argv[1]); u.listen(64)
n = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); n.bind(("127.0.0.3", 53))
open(sys.argv[2], "w").write(str(s.getsockname()[1]))
import selectors
sel = selectors.DefaultSelector()
sel.register(s, 1); sel.register(u, 1)
while True:
    for key, _ in sel.select():
        kept.append(key.fileobj.accept())
"""

# The test's own namespaces: loopback up, one address that drops, the silent name server.
SET_UP = f"""
set -e
ip link set lo up
iptables -A INPUT -d {DROP} -j DROP
echo "nameserver {SILENT}" > $1/resolv.conf
mount --bind $1/resolv.conf /etc/resolv.conf
/usr/bin/python3 $1/mute.py $1/mute.sock $1/mute.port.new &
echo $! > $1/mute.pid
while [ ! -s $1/mute.port.new ]; do kill -0 $!; sleep 0.05; done
mv $1/mute.port.new $1/mute.port
shift
exec "$@"
"""


def types():
    manual = subprocess.run([lab.BUILD / "triaged", "--manual"], capture_output=True, text=True,
                            check=True).stdout
    checks = manual[manual.index("\n## checks"):manual.index("\n## receivers")]
    return set(re.findall(r"^### type: (\w+)$", checks, re.M))


def slow_turns(d):
    """Turns of the loop that took more than 20 ms, so far (the histogram's nearest bound)."""
    text = d.api.request("GET", "/metrics?checks=off")[2].decode()
    buckets = [(float(bound), int(float(count))) for bound, count in re.findall(
        r'^triaged_loop_lag_seconds_bucket{le="([0-9.e+-]+)"} ([0-9.e+]+)', text, re.M)]
    total = int(float(re.search(r"^triaged_loop_lag_seconds_count ([0-9.e+]+)", text, re.M)[1]))
    return total - max(count for bound, count in buckets if bound <= LAG)


def hang(mount):
    """A file system at `mount` that never answers; kill the process that is returned to end it.

    Each who asks gets a thread there that keeps him: a process whose question waits behind another's
    (a test beside this one looks at all mounts) can still be killed, and so would not be stuck.
    """
    mount.mkdir()
    server = subprocess.Popen([HANGFS, "-f", mount], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    lab.wait_for("the mount", lambda: f" {mount} " in Path("/proc/self/mountinfo").read_text())
    return server


@pytest.fixture
def hung(folder):
    mount = Path(folder) / "hung"
    server = hang(mount)
    yield mount
    server.kill()
    server.wait()
    subprocess.run(["fusermount3", "-u", "-z", mount], capture_output=True)


def can_isolate():
    return shutil.which("unshare") and subprocess.run(
        ["unshare", "-n", "-m", "sh", "-c", f"ip link set lo up && iptables -A INPUT -d {DROP} -j DROP"],
        capture_output=True).returncode == 0


def hurry():
    """A command that runs its arguments before all others of this machine, where that is allowed."""
    command = ("chrt", "-r", "5")
    if shutil.which("chrt") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        return command
    return ()


def is_sanitized():
    return b"__asan_init" in (lab.BUILD / "triaged").read_bytes()


def wait_for_runs(d, runs):
    lab.wait_for(f"{runs} runs of each",
                 lambda: all(c["runs"] > runs for c in d.api.get("/api/v1/checks")["checks"]))


@pytest.mark.fault("peers-hang")
@pytest.mark.skipif(not can_fuse(), reason="needs /dev/fuse and fuse3")
@pytest.mark.skipif(not can_isolate(), reason="needs the right to make namespaces")
def test_nothing_blocks(daemon, folder, hung):
    assert set(TARGETS) == types(), "a probe type without a black hole"
    Path(folder, "mute.py").write_text(SERVER)
    Path(folder, "setup.sh").write_text(SET_UP)
    d = daemon()
    # The port is only known inside: the settings come before the daemon, by name of a variable.
    places = {"D": DROP, "S": SILENT, "U": f"{folder}/mute.sock", "H": hung, "M": "${MUTE}",
              "F": folder}
    checks = [f"  {kind}-{i}: {{type: {kind}{', ' if keys else ''}{keys.format(**places)}, "
              f"interval: 2s, timeout: 1s, retries: 1}}"
              for kind, all_keys in TARGETS.items() for i, keys in enumerate(all_keys)]
    d.write("checks:\n" + "\n".join(checks) + "\n")
    script = "MUTE=$(cat $0/mute.port); export MUTE; exec \"$@\""
    d.spawn((*hurry(), "unshare", "-n", "-m", "sh", f"{folder}/setup.sh", folder, "sh", "-c", script, folder))
    try:
        lab.wait_for("the daemon to answer", d.is_up)
        # With the first round everything breaks at once, and forty incidents are told.  What blocks
        # does so in each run; a machine that was busy elsewhere does not.
        wait_for_runs(d, 2)
        before = slow_turns(d)
        wait_for_runs(d, 2 + ROUNDS)
        slow = slow_turns(d) - before
        print(f"turns over {LAG} s: {before} while it broke, then {slow}")
        assert slow < ROUNDS, slow
        if hurry() and not is_sanitized():  # then the figures are ours alone
            assert before + slow < ROUNDS, (before, slow)
        # A host's own organs are well; whoever asks a black hole fails, or says that it cannot tell.
        for c in d.api.get("/api/v1/checks")["checks"]:
            kind = c["name"].split("-")[0]
            assert (c["cause"] is None) == (kind in ANSWERS), c
    finally:
        d.stop()
        pid = int(Path(folder, "mute.pid").read_text())
        subprocess.run(["kill", str(pid)], check=False)
