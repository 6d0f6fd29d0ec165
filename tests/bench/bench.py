#!/usr/bin/python3
"""Costs of the daemon as ratios to floor clients in the same run.

Usage: bench.py BUILD_DIR [--seconds N] [--only NAME,...]

Here is what concerns no server but one nginx on loopback that answers a GET with a short JSON body;
each other server has its module bench_<server>.py (see yard.py).  CPU is read from /proc (helpers
and children count), memory as PSS over the daemon and its helpers.  Machines differ and are shared:
look at the ratios, not at the microseconds.
"""
import argparse
import http.server
import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from yard import (LAG, LATENESS, Daemon, cpu_s, floor, free_port, memory_kb, switches, wait_for)

HERE = Path(__file__).resolve().parent


class Target:
    def __init__(self, folder):
        self.port = free_port()
        conf = Path(folder) / "nginx.conf"
        conf.write_text(f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit; worker_processes 1;
worker_rlimit_nofile 65536;
events {{ worker_connections 20000; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{self.port} backlog=65535;
    location / {{ default_type application/json; return 200 '{{"success":true}}'; }}
  }}
}}
""")
        os.chmod(folder, 0o755)
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{folder}/nginx.err", "-c", conf])
        wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def http_checks(port, count, interval, more="timeout: 5s"):
    return "checks:\n" + "".join(
        f'  c{i}: {{type: http, url: "http://127.0.0.1:{port}/c/{i}", interval: {interval}, {more}}}\n'
        for i in range(count))


def bench_cpu(build, target, seconds, count, tick_ms):
    """CPU per HTTP check, a new connection each, at the floor's pace."""
    floors, ours, lag, late, overdue = [], [], None, None, None
    d = None
    for _ in range(2):
        floors.append(floor(build, "floor", target.port, count, 1000, tick_ms, seconds)["cpu_us"])
        d = Daemon(build, http_checks(target.port, count, "1s"))
        d.wait_round()
        time.sleep(2)
        lags, lates = d.buckets(LAG), d.buckets(LATENESS)
        begin_runs, begin_cpu = d.metric("triaged_runs_total"), cpu_s(d.pid)
        time.sleep(seconds)
        end_runs, end_cpu = d.metric("triaged_runs_total"), cpu_s(d.pid)
        ours.append((end_cpu - begin_cpu) * 1e6 / (end_runs - begin_runs))
        rate = (end_runs - begin_runs) / seconds
        lag, late = d.quantile(LAG, 0.99, lags), d.quantile(LATENESS, 0.99, lates)
        overdue = d.metric("triaged_runs_overdue_total")
        d.stop()
    base, mine = min(floors), min(ours)
    yield f"CPU per check, {count} at 1 s", f"{mine / base:.2f}x", "<= 1.80x", \
        f"{mine:.1f} us, floor {base:.1f} us"
    yield f"checks a second, {count} at 1 s", f"{rate / count:.3f}x", "1.0x of wanted", f"{rate:.0f}/s"
    yield f"start lateness p99, {count} at 1 s", f"{late * 100:.2f} %", "<= 10 % of interval", \
        f"{late * 1000:.1f} ms"
    yield f"loop turn p99, {count} at 1 s", f"{lag * 1000:.1f} ms", "<= 5 ms", ""
    yield f"runs overdue, {count} at 1 s", f"{overdue:.0f}", "0", ""


def bench_memory(build, target, seconds):
    """Resident memory with the shipped settings, and what one more check adds."""
    text = Path("etc/triaged.yaml").read_text()
    shipped = "\n".join(line for line in text.split("\n"))
    shipped = re.sub(r"^(daemon|api):.*(\n[ \t]+.*)*", "", shipped, flags=re.M)
    d = Daemon(build, shipped)
    d.wait_round()
    peak, _ = memory_kb(d.pid)
    time.sleep(4)
    pss, rss = memory_kb(d.pid)
    yield "memory, shipped settings (PSS)", f"{pss / 1024:.2f} MB", "<= 8 MB", \
        f"RSS {rss / 1024:.1f} MB; {peak / 1024:.2f} MB PSS while its file-system helper lives"
    before, wake = cpu_s(d.pid), switches(d.pid)
    time.sleep(seconds * 3)
    used = (cpu_s(d.pid) - before) / (seconds * 3) * 100
    yield "idle CPU, shipped settings", f"{used:.2f} %", "<= 0.2 %", \
        f"{(switches(d.pid) - wake) / (seconds * 3):.1f} switches/s"
    d.stop()
    sizes = {}
    for count in (1000, 11000):
        d = Daemon(build, http_checks(target.port, count, "30s", "timeout: 10s"))
        took = d.wait_round()
        time.sleep(3)
        sizes[count] = memory_kb(d.pid)[0]
        if count == 1000:
            yield "first full round of 1,000 checks at 30 s", f"{took / 30:.2f}x", \
                "<= 1x of interval", f"{took:.1f} s, up after {d.up_s * 1000:.0f} ms"
        d.stop()
    each = (sizes[11000] - sizes[1000]) / 10000
    yield "memory for one more HTTP check", f"{each:.2f} kB", "<= 4 kB", \
        f"{sizes[1000] / 1024:.1f} MB at 1,000, {sizes[11000] / 1024:.1f} MB at 11,000"


class Flip(http.server.BaseHTTPRequestHandler):
    bad = set()

    def do_GET(self):
        self.send_response(500 if self.path in Flip.bad else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def bench_latency(build, target, seconds):
    """From the fault to the webhook, interval 1 s, told at the first failure.  A check for each
    trial: the same one over and over would rightly be one flapping incident."""
    heard = threading.Event()
    trials = 8

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.set()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    flip, hook = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), h) for h in (Flip, Hook))
    for server in (flip, hook):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    checks = "".join(f'  f{i}: {{type: http, url: "http://127.0.0.1:{flip.server_port}/{i}", '
                     f'interval: 1s, retries: 1}}\n' for i in range(trials))
    d = Daemon(build, f"""
checks:
{checks}
receivers: {{hook: {{type: webhook, url: "http://127.0.0.1:{hook.server_port}/"}}}}
routes: [{{to: [hook], group_wait: 0s}}]
""")
    d.wait_round()
    down, up = [], []
    for n in range(trials):
        time.sleep(0.37 * (n + 1) % 1 + 1)
        for act, times in ((Flip.bad.add, down), (Flip.bad.discard, up)):
            heard.clear()
            begin = time.monotonic()
            act(f"/{n}")
            if not heard.wait(30):
                raise SystemExit("bench: no webhook came")
            times.append(time.monotonic() - begin)
    d.stop()
    for server in (flip, hook):
        server.shutdown()
    for word, times in (("down", down), ("up", up)):
        times.sort()
        yield f"alert latency, {word}, interval 1 s (p50)", f"{times[len(times) // 2]:.2f}x", \
            "of interval", f"{times[0]:.2f} .. {times[-1]:.2f} s"


def servers(build, seconds):
    """name -> rows, of every bench_<server>.py."""
    for path in sorted(HERE.glob("bench_*.py")):
        module = importlib.import_module(path.stem)
        yield path.stem.removeprefix("bench_"), lambda t, m=module: m.rows(build, seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    build = args.build.resolve()
    parts = {
        "cpu1000": lambda t: bench_cpu(build, t, args.seconds, 1000, 50),
        "cpu10000": lambda t: bench_cpu(build, t, args.seconds, 10000, 5),
        "memory": lambda t: bench_memory(build, t, args.seconds),
        "latency": lambda t: bench_latency(build, t, args.seconds),
        **dict(servers(build, args.seconds)),
    }
    wanted = args.only.split(",") if args.only else list(parts)
    folder = tempfile.mkdtemp(prefix="bench-")
    target = Target(folder)
    print(f"{'what':46} {'figure':>10}  {'budget':22} detail", flush=True)
    try:
        for name in (n for n in parts if n in wanted):
            for what, figure, budget, detail in parts[name](target):
                print(f"{what:46} {figure:>10}  {budget:22} {detail}", flush=True)
    finally:
        for d in Daemon.alive[:]:
            d.stop()
        target.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
