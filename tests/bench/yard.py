"""What every bench stands on: the daemon under load, and what it costs as /proc tells it.

A part of the bench is a module `bench_PART.py` beside this file, found by its name; its rows are in
table.py, with their units and budgets:

    def measure(bench):                        # a Bench, below
        yield Figure("NAME", value, "detail")  # or ratio("NAME", ours, floor); cleans up behind itself

The floor, the least that any client of that server costs, is `floor_PART.c`, built to
BUILD/floor_PART; it prints `name=number` pairs (see floor()).  Everything lives in folders of
tempfile, which the bench removes; a Daemon that a part left running is stopped.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from frame import ratio

LAG, LATENESS = "triaged_loop_lag_seconds", "triaged_check_lateness_seconds"
TOP = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A part cannot measure what it should; its rows are said not to be measured."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, test, limit=120):
    end = time.monotonic() + limit
    while not (value := test()):
        if time.monotonic() > end:
            raise Failed(f"waited {limit} s for {what}")
        time.sleep(0.01)
    return value


def family(pid):
    """The process and all below it."""
    pids = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += family(int(child))
    return pids


def cpu_s(pid):
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            field = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(field[11]) + int(field[12])
            if one == pid:
                total += int(field[13]) + int(field[14])
    return total / TICKS


def schedstat_s(pid, column):
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[column])
    return total / 1e9


def busy_s(pid):
    """CPU of the threads that live, to the nanosecond; for short measures."""
    return schedstat_s(pid, 0)


def waited_s(pid):
    """How long the threads that live were ready to run, and others had the processors."""
    return schedstat_s(pid, 1)


def memory_kb(pid):
    pss = rss = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))
            rss += int(re.search(r"^Rss:\s+(\d+)", text, re.M).group(1))
    return pss, rss


def wakeups(pid):
    """How often its threads slept and were woken."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                text = (task / "status").read_text()
                total += sum(int(n) for n in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M))
    return total


class Bench:
    """What a part is given."""

    def __init__(self, build, seconds=10, quick=False, say=lambda text: None):
        self.build, self.seconds, self.quick, self.say = build, seconds, quick, say
        self.open, self.memo = {}, {}  # servers that run; what one part measured for another

    def scale(self, count):
        """A tenth of it in a quick run, which shows that the bench works and nothing else."""
        return max(1, count // 10) if self.quick else count

    def repeat(self, function):
        """The cheapest of some runs: what disturbs only adds."""
        return min(function() for _ in range(1 if self.quick else 2))

    @property
    def nginx(self):
        """The server of all parts, started when first asked for."""
        if "nginx" not in self.open:
            from targets import Nginx
            self.open["nginx"] = Nginx()
        return self.open["nginx"]

    def daemon(self, config):
        """One that has done its first round."""
        d = Daemon(self.build, config)
        d.wait_round()
        return d

    def stop_daemons(self):
        for d in Daemon.alive[:]:
            d.stop()

    def close(self):
        self.stop_daemons()
        while self.open:
            self.open.popitem()[1].stop()


class Daemon:
    alive = []

    def __init__(self, build, config):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = free_port()
        self.configure(config)
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        env["RUNTIME_DIRECTORY"] = str(self.folder)
        self.begun = time.monotonic()
        with (self.folder / "said").open("wb") as said:
            self.process = subprocess.Popen([build / "triaged", "-c", self.folder / "c.yaml"], env=env,
                                            stdout=said, stderr=said)
        Daemon.alive.append(self)
        wait_for("the daemon", self.answers, 300)
        self.up_s = time.monotonic() - self.begun

    def configure(self, config):
        """One text, or several for as many files."""
        files = [config] if isinstance(config, str) else config
        head = (f"daemon: {{name: bench, state_dir: {self.folder}/state, log: {{level: error}}}}\n"
                f"api: {{listen: 127.0.0.1:{self.port}}}\ninclude: [more-*.yaml]\n")
        for n, text in enumerate(files[1:]):
            (self.folder / f"more-{n}.yaml").write_text(text)
        (self.folder / "c.yaml").write_text(head + files[0])

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon ended: {(self.folder / 'said').read_text()[:600]}")
        return self.get("/healthz")

    @property
    def pid(self):
        return self.process.pid

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path):
        token = (self.folder / "state" / "token").read_text().strip()
        return self.ask("POST", path, f"Authorization: Bearer {token}\r\nContent-Length: 0\r\n")

    def ask(self, method, path, more=""):
        """The body of a good answer, else None."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
                s.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{more}"
                          "Connection: close\r\n\r\n".encode())
                out = b""
                while chunk := s.recv(1 << 20):
                    out += chunk
        except OSError:
            return None
        head, _, body = out.partition(b"\r\n\r\n")
        return body.decode() if b" 200 " in head.split(b"\r\n")[0] + b" " else None

    def metric(self, name):
        text = self.get("/metrics?checks=off") or ""
        match = re.search(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+-]+)$", text, re.M)
        return float(match.group(1)) if match else None

    def buckets(self, family_name):
        text = self.get("/metrics?checks=off") or ""
        return [(float(le.replace("+Inf", "inf")), int(n)) for le, n in
                re.findall(rf'^{family_name}_bucket{{le="([^"]+)"}} (\d+)', text, re.M)]

    def quantile(self, family_name, q, before):
        """Of what came since `before` (an earlier buckets())."""
        rows = [(bound, n - old) for (bound, n), (_, old) in zip(self.buckets(family_name), before)]
        return next(bound for bound, count in rows if count >= q * rows[-1][1])

    def wait_round(self):
        wait_for("the first round", lambda: self.get("/readyz"), 300)
        return time.monotonic() - self.begun

    def stop(self):
        Daemon.alive.remove(self)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def shipped():
    """The settings that are installed, but for where the daemon lives and listens."""
    text = (TOP / "etc/triaged.yaml").read_text()
    text = re.sub(r"^include:.*$", "", text, flags=re.M)
    return re.sub(r"^(daemon|api):.*(\n[ \t]+.*)*", "", text, flags=re.M)


def floor(build, program, *args):
    """Runs a floor program; what it printed as {name: number}."""
    out = subprocess.run([build / program, *map(str, args)], capture_output=True, text=True,
                         check=True).stdout
    return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", out)}


def run_cost_us(build, config, seconds, settle=2):
    """CPU microseconds of the daemon for each run, with these settings, once all are under way."""
    d = Daemon(build, config)
    d.wait_round()
    time.sleep(settle)
    runs, cpu = d.metric("triaged_runs_total"), busy_s(d.pid)
    time.sleep(seconds)
    runs, cpu = d.metric("triaged_runs_total") - runs, busy_s(d.pid) - cpu
    failing = re.findall(r"^triaged_check_up\{[^}]*\} 0$", d.get("/metrics") or "", re.M)
    d.stop()
    if failing:
        raise Failed(f"checks fail that should be well: {failing[:3]}")
    return cpu * 1e6 / runs


def beside_floor(bench, modes, floor_of, config_of, settle=3):
    """CPU of a check beside a bare client's, for each {way to be connected: (checks, settings that make it so)}."""
    for mode, (count, more) in modes.items():
        count = bench.scale(count)
        bench.say(f"floor and triaged, {count} {mode} connections")
        base = bench.repeat(lambda: floor(bench.build, *floor_of(mode, count), bench.seconds)["cpu_us"])
        mine = bench.repeat(lambda: run_cost_us(bench.build, config_of(count, more), bench.seconds, settle))
        yield ratio(mode, mine, base)
