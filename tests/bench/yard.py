"""What every bench stands on: the daemon under load, and what it costs as /proc tells it.

A server of its own is benched by a module `bench_<server>.py` beside this file, found by its name:

    def rows(build, seconds):
        yield "what", "figure", "budget", "detail"  # texts; cleans up behind itself

Its floor, the least that any client of that server costs, is `floor_<server>.c`, built to
BUILD/floor_<server>; it prints `name=number` pairs (see floor()).
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

LAG, LATENESS = "triaged_loop_lag_seconds", "triaged_check_lateness_seconds"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, test, limit=120):
    end = time.monotonic() + limit
    while not (value := test()):
        if time.monotonic() > end:
            raise SystemExit(f"bench: waited {limit} s for {what}")
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


def busy_s(pid):
    """CPU of the threads that live, to the nanosecond; for short measures."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_kb(pid):
    pss = rss = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))
            rss += int(re.search(r"^Rss:\s+(\d+)", text, re.M).group(1))
    return pss, rss


def switches(pid):
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                text = (task / "status").read_text()
                total += sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", text))
    return total


class Daemon:
    alive = []

    def __init__(self, build, config):
        Daemon.alive.append(self)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = free_port()
        head = (f"daemon: {{name: bench, state_dir: {self.folder}/state, log: {{level: error}}}}\n"
                f"api: {{listen: 127.0.0.1:{self.port}}}\n")
        (self.folder / "c.yaml").write_text(head + config)
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        env["RUNTIME_DIRECTORY"] = str(self.folder)
        self.begun = time.monotonic()
        self.process = subprocess.Popen([build / "triaged", "-c", self.folder / "c.yaml"], env=env)
        wait_for("the daemon", lambda: self.get("/healthz"))
        self.up_s = time.monotonic() - self.begun

    @property
    def pid(self):
        return self.process.pid

    def get(self, path):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
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
        wait_for("the first round", lambda: self.get("/readyz"))
        return time.monotonic() - self.begun

    def stop(self):
        Daemon.alive.remove(self)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


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
        raise SystemExit(f"bench: checks fail that should be well: {failing[:3]}")
    return cpu * 1e6 / runs
