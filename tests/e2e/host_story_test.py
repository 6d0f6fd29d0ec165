"""The host in trouble: disks, memory, processors, clock, names.  Real file systems, files, processes
and servers where they can be had; a tree of kernel files below host_root where the kernel must not be
hurt.  Rules whose `for` is minutes are shortened in the settings of the test, and nothing else."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lab
from host_test import Ntp, is_synchronised, needs_root, put

pytestmark = needs_root


def start(daemon, hook, checks, rules="", host_root=None, wrapper=()):
    d = daemon(f"""
checks:
{checks}
{"rules:" if rules else ""}
{rules}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
routes:
  - {{match: {{min_severity: info}}, to: [hook]}}
""")
    if host_root is not None:
        d.config.write_text(d.config.read_text().replace("name: lab,", f"name: lab, host_root: {host_root},"))
    return d.start(wrapper)


@contextlib.contextmanager
def tmpfs(folder, options, name="disk"):
    path = Path(folder) / name
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as f:
        f.write(b"x" * size)


MB = 1 << 20
DISK = "  disk: {{type: disk, path: {}, interval: 1s}}"
SOON = {  # the built-in rules' own conditions, at once
    "disk-space": '  disk-space: {each: disk, warning: "this.used_percent >= 80%", '
                  'critical: "this.used_percent >= 90%", for: 2 samples}',
    "disk-inodes": '  disk-inodes: {each: disk, warning: "this.inodes_percent >= 80%", '
                   'critical: "this.inodes_percent >= 90%", for: 2 samples}',
    "disk-io": '  disk-io: {each: disk, warning: "this.io_util_percent > 90% and '
               'this.io_await_time > 50ms", for: 2 samples}',
    "memory-high": '  memory-high: {each: memory, warning: "this.used_percent > 85%", '
                   'critical: "this.used_percent > 95%", for: 2 samples}',
    "cpu-high": '  cpu-high: {each: cpu, warning: "avg(this.used_percent, 1m) > 90% or '
                'avg(this.steal_percent, 1m) > 20%", for: 2 samples}',
    "rss-growing": '  rss-growing: {each: process, warning: "delta(this.rss_bytes, 8s) > 5MB and '
                   'this.rss_bytes > 20MB", for: 3 samples}',
    "clock-unsynchronised": '  clock-unsynchronised: {each: clock, info: "not this.synchronised", '
                            'warning: "not this.synchronised and not known(this.offset_time)", '
                            'for: 2 samples}',
}


# ---- disks ----

@pytest.mark.scenario("disk-usage-high")
@pytest.mark.parametrize("name, size, finding, words", [
    ("exports/2026/orders.csv", 54, "disk-full.exports", "exports"),
    ("lib/mysql/mysql-bin.000007", 54, "disk-full.binlog-growth", "binary logs"),
    ("log/app/app.log", 54, "disk-full.log-growth", "logs in"),
    ("backup/db.sql.gz", 60, "disk-full.backups", "backups"),
])
def test_a_disk_that_fills_up(daemon, folder, hook, fault, name, size, finding, words):
    with tmpfs(folder, "size=64m") as disk:
        d = start(daemon, hook, DISK.format(disk), SOON["disk-space"])
        d.wait_state("disk", "up")
        fault.begin()
        fill(disk / name, size * MB)
        incident = fault.read(hook, "disk", cause=finding, playbook="disk-full", title=str(disk),
                              severity="critical" if size > 57 else "warning",
                              facts=["disk", "big-dirs"], evidence=[words, Path(name).name])
        assert "fills up" in incident["title"] and f"{size * 100 // 64}" in incident["title"]
        os.unlink(disk / name)
        hook.wait("incident.resolved", "disk")
        d.stop()


@pytest.mark.scenario("disk-usage-high")
def test_a_disk_without_inodes(daemon, folder, hook, fault):
    with tmpfs(folder, "size=16m,nr_inodes=100") as disk:
        d = start(daemon, hook, DISK.format(disk), SOON["disk-inodes"])
        d.wait_state("disk", "up")
        fault.begin()
        for n in range(92):
            (disk / f"session-{n}").touch()
        fault.read(hook, "disk", cause="disk-full.inodes", severity="critical", title=str(disk),
                   evidence=["inodes"], remedy="du --inodes")
        d.stop()


@pytest.mark.scenario("disk-full")
def test_a_full_disk(daemon, folder, hook, fault):
    with tmpfs(folder, "size=32m") as disk:
        d = start(daemon, hook, DISK.format(disk))
        d.wait_state("disk", "up")
        fault.begin()
        with contextlib.suppress(OSError):
            fill(disk / "lib/redis/dump.rdb", 40 * MB)
        incident = fault.read(hook, "disk", cause="disk-full.database-growth", playbook="disk-full",
                              severity="critical", title=f"Disk {disk} is full", within=10,
                              facts=["disk", "big-dirs", "deleted-files"], evidence=["dump.rdb"])
        assert incident["rule"] == "disk-full" and "0 B free" in incident["title"], incident["title"]
        d.stop()


@pytest.mark.scenario("disk-full")
@pytest.mark.needs_right("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
def test_a_disk_full_of_nothing_to_be_seen(daemon, folder, hook, fault):
    """The file is gone from every listing, and its room is not."""
    with tmpfs(folder, "size=32m") as disk:
        d = start(daemon, hook, DISK.format(disk))
        d.wait_state("disk", "up")
        fault.begin()
        with open(disk / "app.log", "wb") as held:
            with contextlib.suppress(OSError):
                held.write(b"x" * (40 * MB))
            with contextlib.suppress(OSError):
                held.flush()
            os.unlink(disk / "app.log")
            fault.read(hook, "disk", cause="disk-full.deleted-open", severity="critical",
                       title="still holds open", evidence=["app.log", str(os.getpid())],
                       facts=["deleted-files"], remedy="lsof")
            with contextlib.suppress(OSError):
                os.ftruncate(held.fileno(), 0)
        d.stop()


class Moving:
    """Kernel files that go on counting: write(seconds since the start) every 100 ms."""

    def __init__(self, root, files):
        self.root, self.files = Path(root), files
        self.over, self.began = threading.Event(), time.monotonic()
        self.write()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def write(self):
        for name, text in self.files(time.monotonic() - self.began).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / f".{path.name}").write_text(text)
            os.rename(path.parent / f".{path.name}", path)

    def run(self):
        while not self.over.wait(0.1):
            self.write()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.over.set()
        self.thread.join()


def process(pid, comm, ticks=1, pages=100, start=50):
    return {f"proc/{pid}/stat": f"{pid} ({comm}) S 1 1 1 0 -1 4194304 0 0 0 0 {ticks} 0 0 0 20 0 1 0 "
                                f"{start} 99999 {pages} 18446744073709551615 " + "0 " * 13 + "17 0 0 0 0 0 0\n",
            f"proc/{pid}/comm": f"{comm}\n"}


@pytest.mark.scenario("disk-io-saturated")
def test_a_disk_that_is_held_up(daemon, folder, hook, fault):
    root = Path(folder) / "host"
    busy = threading.Event()
    began = time.monotonic()

    with tmpfs(folder, "size=16m", "host/data") as disk:
        device = os.stat(disk).st_dev

        def files(_):
            seconds = time.monotonic() - began if busy.is_set() else 0
            writes, work = int(seconds * 50), int(seconds * 985)
            wrote = int(seconds * 8e6)
            return {**process(1, "init"), **process(310, "mariadbd"), "proc/uptime": "90000 1\n",
                    "proc/310/io": f"rchar: 1\nread_bytes: 0\nwrite_bytes: {wrote}\n",
                    "proc/1/io": "rchar: 1\nread_bytes: 4096\nwrite_bytes: 0\n",
                    "proc/diskstats": f"{os.major(device)} {os.minor(device)} vdb 10 0 80 5 {writes} 0 "
                                      f"{writes * 8} {writes * 180} 0 {work} {writes * 180}\n"}

        with Moving(root, files):
            d = start(daemon, hook, DISK.format("/data"), SOON["disk-io"], host_root=root)
            d.wait_state("disk", "up")
            fault.begin()
            began = time.monotonic()
            busy.set()
            fault.read(hook, "disk", cause="disk-io-saturated.one-writer", severity="warning",
                       playbook="disk-io-saturated", title="mariadbd writes", facts=["top-io"],
                       evidence=["/data", "180 ms", "310", "vdb"], remedy="ionice")
            d.stop()


# ---- memory ----

MEMORY = "  mem: {type: memory, interval: 1s}"


def meminfo(available):
    return {"proc/meminfo": f"MemTotal: 4000000 kB\nMemFree: 1000 kB\nMemAvailable: {available} kB\n"
                            "Cached: 90000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 1000 kB\n"}


@pytest.mark.scenario("memory-usage-high")
def test_little_memory_is_left(daemon, folder, hook, fault):
    root = put(Path(folder) / "host", {
        **meminfo(3000000), "proc/vmstat": "oom_kill 0\n", "proc/uptime": "90000 1\n",
        **process(1, "init"), **process(20, "redis-server", pages=20000),
        **process(30, "kpi_backend", pages=480000)})
    d = start(daemon, hook, MEMORY, SOON["memory-high"], host_root=root)
    d.wait_state("mem", "up")
    fault.begin()
    put(root, meminfo(400000))
    incident = fault.read(hook, "mem", cause="memory-usage-high.one-process", severity="warning",
                          playbook="memory-usage-high", title="Memory 90 % used", remedy="ps aux",
                          facts=["memory", "top-memory"], evidence=["kpi_backend", "pid 30"])
    assert "kpi_backend holds" in incident["title"]
    put(root, meminfo(100000))
    hook.wait("incident.escalated", "mem")


KILLED = """\
4,100,{0},-;python invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
6,101,{0},-;oom-kill:constraint={1},task_memcg=/docker/abc,task=kpi_backend,pid=30,uid=0
3,102,{0},-;{2}: Killed process 30 (kpi_backend) total-vm:4194304kB, anon-rss:2076180kB, file-rss:0kB
"""


@pytest.mark.scenario("oom-killed")
@pytest.mark.parametrize("constraint, words, finding, title", [
    ("CONSTRAINT_MEMCG,oom_memcg=/docker/abc", "Memory cgroup out of memory", "oom-killed.cgroup-limit",
     "kpi_backend at its memory limit (group /docker/abc"),
    ("CONSTRAINT_NONE,global_oom", "Out of memory", "oom-killed.host-exhausted",
     "the kernel killed kpi_backend"),
], ids=["group", "host"])
def test_the_kernel_kills(daemon, folder, hook, fault, constraint, words, finding, title):
    root = put(Path(folder) / "host", {
        **meminfo(3000000), "proc/vmstat": "oom_kill 0\n", "proc/uptime": "900 1\n",
        "dev/kmsg": "6,1,1,-;Linux version 6\n", **process(1, "init"), **process(31, "nginx", pages=9000)})
    d = start(daemon, hook, MEMORY, host_root=root)
    lab.wait_for("two runs", lambda: d.check("mem")["runs"] > 1)
    fault.begin()
    put(root, {"dev/kmsg": KILLED.format(899000000, constraint, words), "proc/vmstat": "oom_kill 1\n"})
    fault.read(hook, "mem", cause=finding, playbook="oom-killed", severity="critical", title=title,
               facts=["kernel-log", "top-memory"], evidence=["kpi_backend", "1.98 GiB"], remedy="journalctl -k")


KILLS = "3,102,899000000,-;Out of memory: Killed process {} ({}) total-vm:4194304kB, anon-rss:2076180kB\n"


@pytest.mark.scenario("process-absent")
@pytest.mark.parametrize("match, kmsg, finding, confidence, said", [
    # The kernel knows 15 characters of a name.
    ("name: prometheus-node-exporter", KILLS.format(30, "prometheus-node"), "oom-killed", "certain",
     "the kernel killed it"),
    ("name: prometheus-node-exporter", KILLS.format(31, "python3"), "not-running", "likely",
     "the kernel ended python3 (pid 31)"),
    ("cmdline: node-exporter", KILLS.format(31, "python3"), "maybe-oom-killed", "possible",
     "the kernel ended python3 (pid 31)"),
    ("name: 'prometheus-*'", KILLS.format(31, "python3"), "maybe-oom-killed", "possible",
     "the kernel ended python3 (pid 31)"),
    ("name: prometheus-node-exporter", "", "maybe-oom-killed", "possible", "Which one cannot be told"),
], ids=["it", "another", "no-name", "glob", "no-log"])
def test_gone_while_the_kernel_killed(daemon, folder, hook, fault, match, kmsg, finding, confidence, said):
    """The count of kills is the whole host's: only the kernel's log says whom it killed."""
    root = put(Path(folder) / "host", {
        "proc/uptime": "900 1\n", "dev/kmsg": "6,1,1,-;Linux version 6\n", **process(1, "init"),
        **process(30, "prometheus-node"), "proc/30/cmdline": "prometheus-node-exporter\0--web"})
    check = f"  exporter: {{type: process, {match}, interval: 1s}}"

    # The count rises all the time, so that it has done so whenever the next run comes.
    with Moving(root, lambda seconds: {"proc/vmstat": f"oom_kill {int(seconds * 50)}\n"}):
        d = start(daemon, hook, check, host_root=root)
        d.wait_state("exporter", "up")
        fault.begin()
        put(root, {"dev/kmsg": kmsg})
        shutil.rmtree(root / "proc/30")
        incident = fault.read(hook, "exporter", cause="proc.oom", playbook="process-absent",
                              finding=f"process-absent.{finding}", severity="critical",
                              title="run", evidence=[said])
    assert incident["cause"]["confidence"] == confidence, incident["cause"]


GROWS = "import time\nheld = []\nwhile True:\n    held.append(b'x' * 400000); time.sleep(0.1)\n"


@pytest.mark.scenario("memory-leak-growth")
def test_a_process_that_grows(daemon, folder, hook, fault):
    script = Path(folder) / "leaky-worker"
    script.write_text(GROWS)
    leak = subprocess.Popen([sys.executable, script])
    try:
        fault.begin()
        start(daemon, hook, f"  worker: {{type: process, cmdline: {script}, interval: 1s}}",
              SOON["rss-growing"])
        incident = fault.read(hook, "worker", cause="memory-leak-growth.heap", severity="warning",
                              playbook="memory-leak-growth", title="worker grows", within=40,
                              facts=["process", "top-memory"], evidence=[str(leak.pid)])
        assert any("profile" in r["text"] for r in incident["remedy"])
    finally:
        leak.kill()
        leak.wait()


# ---- processors ----

@pytest.mark.scenario("cpu-high")
@pytest.mark.parametrize("rates, finding, words", [
    ((192, 6, 2, 0), "cpu-high.one-process", "mariadbd takes"),
    ((60, 80, 0, 60), "cpu-high.stolen", "other machines"),
], ids=["one process", "stolen"])
def test_processors_are_busy(daemon, folder, hook, fault, rates, finding, words):
    root = Path(folder) / "host"
    busy = threading.Event()
    spent = {"ticks": [1000, 100000, 0, 0], "at": time.monotonic(), "work": 100}

    def files(_):
        now = time.monotonic()
        passed, spent["at"] = now - spent["at"], now
        for i, rate in enumerate(rates if busy.is_set() else (2, 198, 0, 0)):
            spent["ticks"][i] += rate * passed
        spent["work"] += passed * (170 if busy.is_set() else 0)
        user, idle, wait, steal = map(int, spent["ticks"])
        return {**process(1, "init"), **process(310, "mariadbd", ticks=int(spent["work"])),
                "proc/uptime": "90000 1\n", "proc/loadavg": "3.1 1.0 0.5 3/200 999\n",
                "proc/stat": f"cpu {user} 0 0 {idle} {wait} 0 0 {steal} 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n"
                             "procs_running 3\n"}

    with Moving(root, files):
        d = start(daemon, hook, "  cpu: {type: cpu, interval: 1s}",
                  SOON["cpu-high"].replace("1m", "3s"), host_root=root)
        lab.wait_for("a share", lambda: d.check("cpu")["metrics"].get("used_percent") is not None)
        fault.begin()
        busy.set()
        fault.read(hook, "cpu", cause=finding, playbook="cpu-high", severity="warning", title="CPU",
                   facts=["top-cpu"], evidence=[words])
        d.stop()


# ---- files ----

@pytest.mark.scenario("data-dir-not-writable")
@pytest.mark.parametrize("how, cause, finding, words", [
    ("owner", "fs.eacces", "wrong-owner", "root:root, mode 0755"),
    pytest.param("parent", "fs.eacces", "parent-closed", "is closed to it",
                 marks=pytest.mark.needs_right("CAP_DAC_READ_SEARCH")),
    ("gone", "fs.noent", "missing", "is missing"),
    ("read-only", "fs.erofs", "read-only", "read-only"),
])
def test_a_data_folder_that_cannot_be_used(daemon, folder, hook, fault, how, cause, finding, words):
    os.chmod(folder, 0o755)
    with tmpfs(folder, "size=1m,mode=755", "app") as top:
        data = top / "data"
        data.mkdir()
        os.chown(data, 65534, 65534)
        d = start(daemon, hook, f"  data: {{type: file, path: {data}, kind: folder, writable_by: nobody, "
                                "interval: 1s, retries: 1}")
        d.wait_state("data", "up")
        fault.begin()
        if how == "owner":
            os.chown(data, 0, 0)
        elif how == "parent":
            os.chmod(top, 0o700)
        elif how == "gone":
            data.rmdir()
        else:
            subprocess.run(["mount", "-o", "remount,ro", top], check=True)
        incident = fault.read(hook, "data", cause=cause, finding=f"data-dir-not-writable.{finding}",
                              playbook="data-dir-not-writable", severity="critical", title=str(data),
                              facts=["access"], evidence=[words])
        if how == "owner":
            assert any("chown" in r.get("command", "") + r["text"] for r in incident["remedy"])
        d.stop()


@pytest.mark.scenario("log-dir-unusable")
def test_a_log_folder_whose_parent_is_missing(daemon, folder, hook, fault):
    log = Path(folder) / "app/logs/app.log"
    fault.begin()
    start(daemon, hook, f"  logs: {{type: log, path: {log}, interval: 1s, retries: 1}}")
    fault.read(hook, "logs", cause="fs.noent", finding="log-dir-unusable.missing-parent",
               playbook="log-dir-unusable", severity="critical", title=str(log), facts=["access"],
               remedy="mkdir -p")


# ---- clock ----

@pytest.mark.scenario("clock-skew")
def test_a_clock_that_is_behind(daemon, hook, fault):
    servers = [Ntp(), Ntp(), Ntp()]
    names = ", ".join(f"'{s.address}'" for s in servers)
    try:
        d = start(daemon, hook, f"  time: {{type: clock, servers: [{names}], interval: 1s, retries: 2}}")
        d.wait_state("time", "up")
        fault.begin()
        for server in servers:
            server.ahead = 312
        incident = fault.read(hook, "time", cause={"clock.skewed", "clock-off.no-service", "clock-off.off"},
                              playbook="clock-off", severity="critical", title="clock of this host",
                              facts=["clock"], evidence=["behind"], remedy="chronyc")
        assert abs(incident["values"]["offset_time"] + 312) < 2
        d.stop()
    finally:
        for server in servers:
            server.close()


@pytest.mark.scenario("clock-not-synchronised")
@pytest.mark.needs_right("a look at the kernel's clock (ProtectClock=)")
@pytest.mark.skipif(is_synchronised(), reason="the clock of this machine is kept by a time service")
def test_a_clock_that_nobody_keeps(daemon, hook, fault):
    fault.begin()
    start(daemon, hook, "  time: {type: clock, interval: 1s}", SOON["clock-unsynchronised"])
    fault.read(hook, "time", cause={"clock-off.no-service", "clock-off.not-kept"}, severity="warning",
               playbook="clock-off", facts=["clock"], remedy="chrony")


# ---- names ----

class Names:
    """A name server of this machine's loopback that knows nothing, fails, or is silent."""

    def __init__(self):
        pid = os.getpid()  # servers of this port have to share: each process its own address
        self.address = f"127.77.{pid // 250 % 250}.{pid % 250 + 1}"
        self.habit, self.known = "nxdomain", {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                question, peer = self.socket.recvfrom(512)
                end = question.index(b"\0", 12) + 5
                name = ".".join(self.labels(question))
                address = self.known.get(name)
                if self.habit == "silent":
                    continue
                if address and question[end - 4:end - 2] == b"\0\1":
                    answer = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(address)
                    head = b"\x81\x80\0\1\0\1\0\0\0\0"
                else:
                    code = 0 if address else 2 if self.habit == "servfail" else 3
                    answer, head = b"", bytes([0x81, 0x80 | code]) + b"\0\1\0\0\0\0\0\0"
                self.socket.sendto(question[:2] + head + question[12:end] + answer, peer)

    @staticmethod
    def labels(question):
        at = 12
        while question[at]:
            yield question[at + 1:at + 1 + question[at]].decode()
            at += 1 + question[at]

    def close(self):
        self.socket.close()


@pytest.fixture(scope="module")
def names():
    server = Names()
    yield server
    server.close()


def start_named(daemon, folder, hook, web, names):
    """The daemon in a mount namespace of its own, where `names` is the only name server."""
    resolv = Path(folder) / "resolv.conf"
    resolv.write_text(f"nameserver {names.address}\noptions timeout:1 attempts:1\n")
    return start(daemon, hook, f"  api: {{type: http, url: \"http://api.lab:{web.port}/\", interval: 1s, "
                               "timeout: 4s, retries: 2}",
                 wrapper=["unshare", "-m", "sh", "-ec",
                          f'mount --bind {resolv} /etc/resolv.conf; exec "$@"', "sh"])


@pytest.mark.scenario("dns-resolution-failed")
def test_a_name_that_is_gone(daemon, folder, hook, fault, web, names):
    names.habit, names.known = "nxdomain", {"api.lab": "127.0.0.1"}
    d = start_named(daemon, folder, hook, web, names)
    d.wait_state("api", "up")
    fault.begin()
    names.known = {}
    fault.read(hook, "api", cause="net.dns-nxdomain", finding="dns-resolution-failed.no-such-name",
               playbook="dns-resolution-failed", severity="critical", title="'api.lab'",
               facts=["name", "net-ladder"], within=40,
               evidence=[f"NXDOMAIN, resolver {names.address}"])


@pytest.mark.scenario("dns-resolution-failed")
def test_a_name_server_that_fails(daemon, folder, hook, fault, web, names):
    """Never known before: a failing server's last good answer would be used for a while."""
    names.habit, names.known = "servfail", {}
    fault.begin()
    start_named(daemon, folder, hook, web, names)
    fault.read(hook, "api", cause="net.dns-fail", finding="dns-resolution-failed.resolver-fails",
               playbook="dns-resolution-failed", severity="critical", title="'api.lab'",
               facts=["name", "net-ladder"], evidence=["answers SERVFAIL"])


@pytest.mark.scenario("dns-resolution-failed")
def test_a_name_server_that_is_silent(daemon, folder, hook, fault, web, names):
    """Every name is gone with it: the host's own trouble, and what needs names is its impact."""
    names.habit, names.known = "silent", {}
    fault.begin()
    start_named(daemon, folder, hook, web, names)
    fault.read(hook, "host.resolver", cause="host.resolver-lost", severity="critical",
               title=f"the name server {names.address}", impact=["api"], remedy=False)
