"""The host's own organs: real kernel files and mounts where they can be had, fixtures for the rest."""
import errno
import math
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lab

HANGFS = lab.BUILD / "hangfs"
NTP_1900 = 2208988800

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mounts and other users")
needs_fuse = pytest.mark.skipif(
    not (os.path.exists("/dev/fuse") and HANGFS.exists() and shutil.which("fusermount3")),
    reason="needs /dev/fuse and fuse3")


def put(root, files):
    """A make-believe host: {path: text} below root."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def config_of(folder, check, host_root=None):
    path = Path(folder) / "one.yaml"
    top = f"daemon: {{host_root: {host_root}}}\n" if host_root else ""
    path.write_text(f"{top}checks:\n  it: {check}\n")
    return path


def probe_behind(folder, wrapper, check, host_root=None):
    """One run of `triage probe`, started through other commands."""
    config = config_of(folder, check, host_root)
    done = subprocess.run([*map(str, wrapper), lab.BUILD / "triage", "probe", "it", "--json", "-c",
                           config], capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.stdout.startswith("{"), (done.returncode, done.stdout, done.stderr)
    assert "Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, done.stderr
    return lab.json.loads(done.stdout)


def mounted(folder, script, check, host_root=None):
    """In a mount namespace of its own: `script` prepares it, and all is gone afterwards."""
    wrapper = ["unshare", "-m", "sh", "-ec", script + '\nexec "$@"', "sh"]
    return probe_behind(folder, wrapper, check, host_root)


# ---- disk: what a write test and a path can say ----

@needs_root
@pytest.mark.cause("fs.noent")
def test_a_path_that_is_gone(folder):
    lab.read_cause(lab.probe_check(folder, f"{{type: disk, path: {folder}/nothing}}"), "fs.noent")


@needs_root
@pytest.mark.cause("fs.enospc", "fs.enospc-inodes", "fs.erofs")
def test_tmpfs_full_without_inodes_and_read_only(folder):
    disk = Path(folder) / "disk"
    disk.mkdir()
    check = f"{{type: disk, path: {disk}, write_test: true}}"
    good = mounted(folder, f"mount -t tmpfs -o size=1m none {disk}", check)
    assert good["outcome"] == "ok" and good["values"]["total_bytes"] == 1 << 20
    assert good["values"]["read_only"] == 0
    full = mounted(folder, f"mount -t tmpfs -o size=64k none {disk}\n"
                           f"head -c 65536 /dev/zero > {disk}/big", check)
    lab.read_cause(full, "fs.enospc")
    assert full["values"]["used_percent"] == 100 and full["values"]["free_bytes"] == 0
    crowded = mounted(folder, f"mount -t tmpfs -o size=1m,nr_inodes=3 none {disk}\n"
                              f"touch {disk}/a {disk}/b", check)
    lab.read_cause(crowded, "fs.enospc-inodes")
    assert crowded["values"]["inodes_percent"] == 100
    frozen = mounted(folder, f"mount -t tmpfs -o ro none {disk}", check)
    lab.read_cause(frozen, "fs.erofs")
    assert frozen["values"]["read_only"] == 1


@needs_root
def test_our_own_sandbox_is_not_the_hosts_state(folder):
    """A :ro bind: the file system can be written, only not from here."""
    disk = Path(folder) / "disk"
    disk.mkdir()
    seen = mounted(folder, f"mount -t tmpfs none {disk}\nmount --bind {disk} {disk}\n"
                           f"mount -o remount,bind,ro {disk}",
                   f"{{type: disk, path: {disk}, write_test: true}}")
    assert seen["outcome"] == "error" and seen["cause"] == "self.local", seen
    assert seen["values"]["read_only"] == 0


@needs_root
def test_a_folder_of_somebody_else(folder):
    os.chmod(folder, 0o755)
    closed = Path(folder) / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    nobody = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    seen = probe_behind(folder, nobody, f"{{type: disk, path: {closed}, write_test: true}}")
    lab.read_cause(seen, "self.local", "error")  # the disk is well: it is we who may not
    closed.chmod(0o755)
    inner = closed / "inner"
    inner.mkdir()
    closed.chmod(0o644)  # no x on a parent
    seen = probe_behind(folder, nobody, f"{{type: disk, path: {inner}}}")
    lab.read_cause(seen, "self.local", "error")  # our right, not the disk's trouble


@needs_root
@pytest.mark.needs_right("a folder to write in")
@pytest.mark.cause("fs.eperm")
def test_a_folder_with_the_immutable_flag(folder):
    locked = Path(folder) / "locked"
    locked.mkdir()
    if subprocess.run(["chattr", "+i", locked], capture_output=True).returncode != 0:
        pytest.skip("this file system has no immutable flag")
    try:
        lab.read_cause(lab.probe_check(folder, f"{{type: disk, path: {locked}, write_test: true}}"),
                       "fs.eperm")
    finally:
        subprocess.run(["chattr", "-i", locked], check=True)


class Fuse:
    """A mount whose server does what the environment says."""

    def __init__(self, folder, **env):
        self.mount = Path(folder) / "fuse"
        self.mount.mkdir()
        self.server = subprocess.Popen([HANGFS, "-f", "-s", "-o", "allow_other", self.mount], env={**os.environ, **env},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        lab.wait_for("the mount", lambda: str(self.mount) in Path("/proc/self/mountinfo").read_text())
        return self.mount

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        subprocess.run(["fusermount3", "-u", "-z", self.mount], capture_output=True)


@needs_fuse
@needs_root
@pytest.mark.parametrize("call, code, cause", [
    pytest.param("HANGFS_STATFS", errno.ESTALE, "fs.stale", marks=pytest.mark.cause("fs.stale")),
    pytest.param("HANGFS_STATFS", errno.EIO, "fs.io", marks=pytest.mark.cause("fs.io")),
    pytest.param("HANGFS_CREATE", errno.EDQUOT, "fs.edquot", marks=[
        pytest.mark.cause("fs.edquot"), pytest.mark.needs_right("a folder to write in")]),
])
def test_what_a_file_server_says(folder, call, code, cause):
    with Fuse(folder, **{call: str(code)}) as mount:
        lab.read_cause(lab.probe_check(folder, f"{{type: disk, path: {mount}, write_test: true}}"),
                       cause)


@needs_fuse
@needs_root
@pytest.mark.cause("fs.hung")
def test_a_mount_that_hangs(folder):
    with Fuse(folder) as mount:
        lab.read_cause(lab.probe_check(folder, f"{{type: disk, path: {mount}, timeout: 500ms}}"),
                       "fs.hung")


@pytest.mark.trap(16)
def test_df_counts_what_users_may_fill(folder):
    shown = subprocess.run(["df", "--output=pcent", folder], capture_output=True, text=True, check=True)
    wanted = int(shown.stdout.split()[-1].rstrip("%"))
    fs = os.statvfs(folder)
    used = fs.f_blocks - fs.f_bfree
    seen = lab.probe_check(folder, f"{{type: disk, path: {folder}}}")["values"]
    assert abs(seen["used_percent"] - used * 100 / (used + fs.f_bavail)) < 0.5
    assert math.ceil(seen["used_percent"] - 0.01) in (wanted - 1, wanted, wanted + 1)


def test_disks_io_is_measured(daemon, folder):
    d = daemon(f"checks:\n  disk: {{type: disk, path: {folder}, interval: 1s}}\n").start()
    lab.wait_for("two runs", lambda: d.check("disk")["runs"] > 1)
    values = d.check("disk")["metrics"]
    assert {"used_percent", "free_bytes", "total_bytes", "read_only"} <= set(values)
    if "io_util_percent" in values:  # not on a file system without a device of its own
        assert 0 <= values["io_util_percent"] <= 100


# ---- memory ----

MEMORY = {"proc/meminfo": "MemTotal: 1000000 kB\nMemFree: 20000 kB\nMemAvailable: {} kB\n"
                          "Buffers: 100000 kB\nCached: 500000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
          "proc/vmstat": "oom_kill 0\n"}


def memory_host(folder, available_kb):
    return put(Path(folder) / "host", {**MEMORY, "proc/meminfo": MEMORY["proc/meminfo"].format(available_kb)})


@pytest.mark.trap(15)
def test_memory_that_can_be_had_is_not_used(folder):
    seen = probe_behind(folder, [], "{type: memory}", memory_host(folder, 600000))
    assert seen["values"]["used_percent"] == 40  # total - free would say 98


@pytest.mark.trap(17)
def test_the_operator_is_the_users(daemon, hook, folder):
    host = memory_host(folder, 150000)  # 85 % to the dot
    d = daemon(f"""
checks:
  mem: {{type: memory, interval: 1s}}
rules:
  at-least: {{each: memory, warning: this.used_percent >= 85%}}
  more-than: {{each: memory, warning: this.used_percent > 85%}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""")
    d.config.write_text(d.config.read_text().replace("name: lab,", f"name: lab, host_root: {host},"))
    d.start()
    opened = hook.wait("incident.opened", "mem")
    text = lab.json.dumps(opened)
    assert "at-least" in text and "more-than" not in text and "memory-high" not in text


def make_memory_cgroup():
    """A group of our own that may be limited; None: this machine gives none."""
    v1, v2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    name = f"tri-test-{os.getpid()}"
    if (v1 / "memory.limit_in_bytes").exists():
        top, limit = v1, "memory.limit_in_bytes"
    elif (v2 / "cgroup.subtree_control").exists() and \
            "memory" in (v2 / "cgroup.subtree_control").read_text().split():
        top, limit = v2, "memory.max"
    else:
        return None
    try:
        (top / name).mkdir()
        (top / name / limit).write_text("16777216")
    except OSError:
        with lab.contextlib.suppress(OSError):
            (top / name).rmdir()
        return None
    return top / name


@pytest.mark.cause("proc.oom")
@needs_root
def test_an_oom_kill_is_seen_before_the_next_interval(kernel_kills, daemon, folder):
    group = make_memory_cgroup()
    if group is None:
        pytest.skip("no memory cgroup can be made here")
    d = daemon("checks:\n  mem: {type: memory, interval: 1h}\n")
    try:
        d.start()
        lab.wait_for("the first run", lambda: d.check("mem")["runs"] == 1)
        before = d.check("mem")["metrics"]["oom_kills_total"]
        victim = subprocess.run(["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh",
                                 sys.executable, "-c", "x = bytearray(256 << 20)"],
                                capture_output=True)
        assert victim.returncode == -9, victim
        lab.wait_for("a run within the hour", lambda: d.check("mem")["runs"] > 1, limit=20)
        seen = d.check("mem")
        assert seen["metrics"]["oom_kills_total"] > before, seen
        lab.read_note(seen["last"], "proc.oom")
    finally:
        d.stop()
        remove_groups([group])


# ---- cgroups, as a sidecar sees them ----

V2 = {"memory.max": "1000000\n", "memory.current": "900000\n", "memory.stat": "inactive_file 100000\n",
      "memory.events": "oom 1\noom_kill 4\n", "cpu.max": "50000 100000\n",
      "cpu.stat": "usage_usec 1000\nnr_periods 10\nnr_throttled 5\n"}
V1 = {"memory/memory.limit_in_bytes": "1000000\n", "memory/memory.usage_in_bytes": "900000\n",
      "memory/memory.stat": "total_inactive_file 100000\n",
      "memory/memory.oom_control": "under_oom 0\noom_kill 4\n",
      "cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "cpu,cpuacct/cpu.stat": "nr_periods 10\nnr_throttled 5\n"}
HYBRID = {**{k: v for k, v in V1.items() if k.startswith("memory/")},
          **{"unified/" + k: v for k, v in V2.items() if k.startswith("cpu")}}
SIDECARS = {
    "v2": ("0::/\n", V2),
    "v1": ("4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n", V1),
    "hybrid": ("4:memory:/docker/abc\n0::/\n", HYBRID),
}


@needs_root
@pytest.mark.parametrize("kind", SIDECARS)
def test_limits_of_our_own_container(folder, kind):
    own, files = SIDECARS[kind]
    tree = put(Path(folder) / "tree", files)
    (Path(folder) / "own").write_text(own)
    script = (f"mount --bind {tree} /sys/fs/cgroup\n"
              f"mount --bind {folder}/own /proc/$$/cgroup")
    memory = mounted(folder, script, "{type: memory}")["values"]
    assert memory["cgroup_used_percent"] == 80 and memory["cgroup_oom_kills_total"] == 4
    cpu = mounted(folder, script, "{type: cpu}")["values"]
    assert cpu["cgroup_cores"] == 0.5


@needs_root
def test_our_cgroup_tells_of_a_kill_by_itself(daemon, folder):
    """Version 2 announces changes of memory.events; the host's counter stays as it is."""
    tree = put(Path(folder) / "tree", V2)
    (Path(folder) / "own").write_text("0::/\n")
    host = put(Path(folder) / "host", {**MEMORY, "proc/meminfo": MEMORY["proc/meminfo"].format(500000)})
    d = daemon("checks:\n  mem: {type: memory, interval: 1h}\n")
    d.config.write_text(d.config.read_text().replace("name: lab,", f"name: lab, host_root: {host},"))
    d.start(["unshare", "-m", "sh", "-ec", f"mount --bind {tree} /sys/fs/cgroup\n"
             f"mount --bind {folder}/own /proc/$$/cgroup\n" + 'exec "$@"', "sh"])
    lab.wait_for("the first run", lambda: d.check("mem")["runs"] == 1)
    (tree / "memory.events").write_text("oom 9\nmax 7\noom_kill 4\n")  # no kill: no news
    (tree / "memory.events").write_text("oom 9\nmax 7\noom_kill 5\n")
    lab.wait_for("a run within the hour", lambda: d.check("mem")["runs"] > 1, limit=20)
    seen = d.check("mem")
    assert seen["metrics"]["cgroup_oom_kills_total"] == 5
    assert "our own cgroup" in lab.read_note(seen["last"], "proc.oom")
    assert d.check("mem")["runs"] == 2


@needs_root
def test_a_host_without_cgroups_and_pressure(folder):
    empty = Path(folder) / "empty"
    empty.mkdir()
    (empty / "own").write_text("")
    script = (f"mount --bind {empty} /sys/fs/cgroup\nmount --bind {empty}/own /proc/$$/cgroup\n"
              f"test ! -d /proc/pressure || mount --bind {empty} /proc/pressure")
    for kind in ("memory", "cpu"):
        seen = mounted(folder, script, f"{{type: {kind}}}")
        assert seen["outcome"] == "ok", seen
        assert not [k for k in seen["values"] if k.startswith(("cgroup", "pressure", "throttled"))]


def make_cpu_cgroups():
    """Groups of our own with a quota, in both hierarchies of version 1; none where it is not so."""
    made = []
    for top in {os.path.realpath(f"/sys/fs/cgroup/{name}") for name in ("cpu", "cpuacct")}:
        group = Path(top) / f"tri-test-{os.getpid()}"
        try:
            if not (group.parent / "cgroup.procs").exists():
                continue
            group.mkdir()
            made.append(group)
            if (group / "cpu.cfs_quota_us").exists():
                (group / "cpu.cfs_quota_us").write_text("20000")
        except OSError:
            pass
    if not any((g / "cpu.cfs_quota_us").exists() for g in made):
        remove_groups(made)
        return []
    return made


def remove_groups(groups):
    for group in groups:
        lab.wait_for("the group to be empty", lambda g=group: not (g / "cgroup.procs").read_text())
        group.rmdir()


@needs_root
def test_a_quota_that_is_used_up(daemon):
    groups = make_cpu_cgroups()
    if not groups:
        pytest.skip("no cpu cgroup can be made here")
    enter = ["sh", "-c", "".join(f"echo $$ > {g}/cgroup.procs\n" for g in groups) + 'exec "$@"', "sh"]
    d = daemon("checks:\n  cpu: {type: cpu, interval: 1s}\n")
    busy = None
    try:
        d.start(enter)
        busy = subprocess.Popen([*enter, sys.executable, "-c", "while True: pass"])
        lab.wait_for("throttling", lambda: d.check("cpu")["metrics"].get("throttled_percent", 0) > 10)
        seen = d.check("cpu")["metrics"]
        assert seen["cgroup_cores"] == 0.2 and seen["cgroup_used_percent"] > 10
        assert d.check("cpu")["state"] == "up"
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
        d.stop()
        remove_groups(groups)


# ---- cpu ----

@pytest.mark.trap(18)
def test_cpu_needs_two_samples(daemon, folder):
    by_hand = lab.probe_check(folder, "{type: cpu}")["values"]  # runs twice, to have a rate
    assert 0 <= by_hand["used_percent"] <= 100 and by_hand["cores"] >= 1
    host = put(Path(folder) / "host", {"proc/stat": "cpu 9000 0 0 1000 0 0 0 0 0 0\ncpu0 1 1 1 1\n",
                                       "proc/loadavg": "0.5 0.4 0.3 1/2 3\n"})
    d = daemon("checks:\n  cpu: {type: cpu, interval: 1s}\n")
    d.config.write_text(d.config.read_text().replace("name: lab,", f"name: lab, host_root: {host},"))
    d.start()
    lab.wait_for("a run", lambda: d.check("cpu")["runs"] > 0)
    first = d.check("cpu")["metrics"]
    assert first["load_per_core"] == 0.5 and "used_percent" not in first
    put(host, {"proc/stat.new": "cpu 9010 0 0 1090 0 0 0 0 0 0\ncpu0 1 1 1 1\n"})
    os.rename(host / "proc/stat.new", host / "proc/stat")
    # since boot it was 90 % busy; since the last look 10 %
    used = lab.wait_for("a share", lambda: d.check("cpu")["metrics"].get("used_percent"))
    assert abs(used - 10) < 0.01


# ---- network ----

def test_interfaces_become_children(daemon):
    d = daemon("checks:\n  net: {type: network, interfaces: [lo], interval: 1s}\n").start()
    d.wait_state("net[lo]", "up")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            peer, _ = server.accept()
            with peer:
                def talk():
                    client.sendall(b"x" * 60000)
                    while select.select([peer], [], [], 0)[0]:
                        peer.recv(65536)
                    return d.check("net[lo]")["metrics"].get("rx_bytes_per_second", 0) > 10000
                lab.wait_for("a rate", talk)
    child = d.check("net[lo]")["metrics"]
    assert {"tx_bytes_per_second", "rx_errors_total", "tx_drops_total"} <= set(child)
    parent = d.check("net")["metrics"]
    assert parent["count"] == 1 and parent["sockets_used"] > 0
    assert 0 <= parent["ephemeral_ports_used_percent"] <= 100
    assert d.check("net")["state"] == "up" and not d.incidents()


def test_a_full_accept_queue_is_counted(folder):
    def drops():
        return lab.probe_check(folder, "{type: network}")["values"]["listen_overflows_total"]

    before = drops()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        lab.wait_for("the overflow", lambda: drops() > before, limit=20)
        for client in clients:
            client.close()


def test_network_of_a_mounted_host(folder):
    host = put(Path(folder) / "host", {
        "proc/1/net/dev": "Inter-|\n face |\n  eth0: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n"
                          " veth7: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n",
        "proc/1/net/sockstat": "sockets: used 9\nTCP: inuse 20000 orphan 0 tw 9000 alloc 2 mem 1\n",
        "proc/1/net/stat/nf_conntrack": "entries searched\n0000ffff 00000000\n",
        "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
        "proc/sys/net/ipv4/ip_local_port_range": "32768 60999\n"})
    seen = probe_behind(folder, [], "{type: network}", host)
    assert seen["outcome"] == "ok" and seen["values"]["count"] == 1
    assert seen["values"]["conntrack_percent"] > 99
    # whose ports those are is not to be seen from another namespace
    assert "ephemeral_ports_used_percent" not in seen["values"]
    shutil.rmtree(host)
    host.mkdir()
    seen = probe_behind(folder, [], "{type: network}", host)
    assert seen["outcome"] == "error" and "nothing of the host is mounted" in seen["text"], seen


# ---- clock ----

class Ntp:
    """A time server whose clock is as wrong as the test wants."""

    def __init__(self, ahead=0.0, stratum=2, first=0x24, kiss=b"TEST", mute=False):
        self.ahead, self.stratum, self.first, self.kiss, self.mute = ahead, stratum, first, kiss, mute
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with lab.contextlib.suppress(OSError):
            while True:
                question, peer = self.socket.recvfrom(512)
                assert len(question) == 48 and question[0] == 0x23
                now = time.time() + self.ahead + NTP_1900
                stamp = struct.pack(">II", int(now), int(now % 1 * (1 << 32)))
                if not self.mute:
                    self.socket.sendto(bytes([self.first, self.stratum, 6, 0xec]) + bytes(8) +
                                       self.kiss + bytes(8) + question[40:48] + stamp + stamp, peer)

    def close(self):
        self.socket.close()


@pytest.fixture
def ntp():
    made = []

    def make(**kwargs):
        made.append(Ntp(**kwargs))
        return made[-1]

    yield make
    for server in made:
        server.close()


def clock(folder, *servers, more=""):
    names = ", ".join(f"'{s.address}'" for s in servers)
    return lab.probe_check(folder, f"{{type: clock, servers: [{names}]{more}}}")


@pytest.mark.cause("clock.skewed", "clock.servers-disagree")
def test_a_skewed_clock(folder, ntp):
    good = clock(folder, ntp())
    assert good["outcome"] == "ok" and abs(good["values"]["offset_time"]) < 0.5, good
    behind = clock(folder, ntp(ahead=312))
    lab.read_cause(behind, "clock.skewed")
    assert abs(behind["values"]["offset_time"] + 312) < 1 and "behind" in behind["text"]
    assert clock(folder, ntp(ahead=1))["outcome"] == "ok"
    lab.read_cause(clock(folder, ntp(ahead=1), more=", max_offset: 500ms"), "clock.skewed")
    zone = clock(folder, ntp(ahead=-8 * 3600))
    lab.read_cause(zone, "clock.skewed")
    assert "time zone" in zone["text"]
    # one liar of three is outvoted; one of two is only doubted
    assert clock(folder, ntp(), ntp(ahead=600), ntp())["outcome"] == "ok"
    two = clock(folder, ntp(), ntp(ahead=600))
    assert two["outcome"] == "ok"
    lab.read_note(two, "clock.servers-disagree")


@pytest.mark.cause("clock.no-server")
@pytest.mark.parametrize("habit, words", [
    ({"mute": True}, "no answer"),
    ({"stratum": 0, "kiss": b"DENY"}, "kiss of death DENY"),
    ({"stratum": 16}, "not synchronised"),
    ({"first": 0xe4}, "not synchronised"),
    ({"first": 0x23}, "no answer of an NTP server"),
], ids=["mute", "kiss", "stratum-16", "alarm", "client"])
def test_servers_that_are_not_believed(folder, ntp, habit, words):
    seen = clock(folder, ntp(ahead=900, **habit), more=", timeout: 2s")
    lab.read_cause(seen, "clock.no-server", "error")
    assert words in seen["text"], seen
    # and a good one beside it is enough
    assert clock(folder, ntp(ahead=900, **habit), ntp(), more=", timeout: 2s")["outcome"] == "ok"


@pytest.mark.needs_right("a look at the kernel's clock (ProtectClock=)")
def test_the_kernels_own_word(folder):
    seen = lab.probe_check(folder, "{type: clock}")
    assert seen["outcome"] == "ok" and seen["values"]["synchronised"] in (0, 1)
    notes = [n["cause"] for n in seen["notes"]]
    assert ("clock.unsynchronised" in notes) == (seen["values"]["synchronised"] == 0)


def is_synchronised():
    import ctypes
    buffer = (ctypes.c_char * 512)()
    ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    return not struct.unpack_from("i", buffer, 40)[0] & 0x40


@pytest.mark.needs_right("a look at the kernel's clock (ProtectClock=)")
@pytest.mark.cause("clock.unsynchronised")
@pytest.mark.skipif(is_synchronised(), reason="the clock of this machine is kept by a time service")
def test_a_clock_that_nobody_keeps(folder):
    lab.read_note(lab.probe_check(folder, "{type: clock}"), "clock.unsynchronised")
