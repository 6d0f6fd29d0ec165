"""5,000 checks that fail within a second, and recover within one: what it costs, who hears what.

Alone (every failure is an incident of its own), and in chains by `needs` (ten checks, one root).
All targets are listeners of one nginx, which is killed; one check is critical and named last, all
others are warnings, so that it can be seen how long the worst waits among them.
"""
import contextlib
import http.server
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from frame import Figure
from yard import LAG, Daemon, free_port, memory_kb, wait_for

CHECKS, CHAIN, HOSTS = 5000, 10, 50
WORST = "zz-worst"
WATCH_S = 30  # of the messages that are counted; the rest of the storm is long over by then


class Field:
    """One nginx that listens at HOSTS loopback addresses; stop() drops every target at once."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        listens = "".join(f"listen 127.0.0.{n + 1}:{self.port} backlog=4096;" for n in range(HOSTS))
        temp = "".join(f"{n}_temp_path {self.folder}/{n};" for n in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "c").write_text(
            f"daemon off; pid {self.folder}/pid; error_log {self.folder}/err crit; worker_processes 1;"
            f"worker_rlimit_nofile 65536; events {{ worker_connections 20000; }}"
            f"http {{ access_log off; {temp} server {{ {listens} return 200; }} }}")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-e", self.folder / "err", "-c", self.folder / "c"])
        wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Ear:
    """What one receiver took: (seconds, bytes of the message)."""

    def __init__(self):
        self.heard = []

    def take(self, body):
        self.heard.append((time.monotonic(), body))

    def since(self, begin):
        return [(at - begin, body) for at, body in self.heard if at >= begin]


class Hook(Ear):
    """Takes POSTs, as a webhook and as Slack's do."""

    def __init__(self):
        super().__init__()
        ear = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                ear.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/x"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Syslog(Ear):
    def __init__(self, path):
        super().__init__()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while True:
                self.take(self.socket.recv(65536))

    def close(self):
        self.socket.close()


def checks(field, is_chained):
    for n in range(CHECKS - 1):
        needs = f", needs: [c{n - 1}]" if is_chained and n % CHAIN else ""
        yield f"  c{n}: {{type: tcp, address: \"127.0.0.{n % HOSTS + 1}:{field.port}\", " \
              f"severity: warning{needs}}}"
    yield f"  {WORST}: {{type: tcp, address: \"127.0.0.1:{field.port}\"}}"


class Storm:
    """One daemon through the storm and back."""

    def __init__(self, build, field, is_chained):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.ears = {"webhook": Hook(), "slack": Hook(), "syslog": Syslog(self.folder / "log")}
        places = {"webhook": f'url: "{self.ears["webhook"].url}"',
                  "slack": f'url: "{self.ears["slack"].url}"',
                  "syslog": f"socket: {self.folder}/log"}
        known = subprocess.run([build / "triaged", "--manual"], capture_output=True, text=True,
                               check=True).stdout
        known = re.findall(r"^### type: (\w+)$", known[known.index("\n## receivers"):], re.M)
        self.ears = {name: ear for name, ear in self.ears.items() if name in known}
        receivers = "".join(f"  {n}: {{type: {n}, {places[n]}}}\n" for n in self.ears)
        self.incidents = (CHECKS - 2) // CHAIN + 2 if is_chained else CHECKS
        self.field = field
        field.start()
        self.d = Daemon(build, "defaults: {interval: 1s, timeout: 1s, retries: 1}\nchecks:\n" +
                        "\n".join(checks(field, is_chained)) + f"\nreceivers:\n{receivers}"
                        f"routes: [{{to: [{', '.join(self.ears)}]}}]\n")
        self.d.wait_round()
        time.sleep(5)  # what is learned of the targets while they are well
        self.rest = memory_kb(self.d.pid)
        self.peak = self.rest

    def play(self, act, wanted):
        """After `act`: seconds until `wanted` incidents are open, and what is seen in WATCH_S."""
        before, begin = self.d.buckets(LAG), time.monotonic()
        reached, worst = None, 0
        act()
        while time.monotonic() < begin + WATCH_S:
            time.sleep(0.5)  # each look makes the daemon write thousands of lines itself
            self.peak = max(self.peak, memory_kb(self.d.pid))
            text = self.d.get("/metrics?checks=off")
            worst = max(worst, number(text, "triaged_loop_lag_max_seconds"))
            if reached is None and number(text, "triaged_incidents_open") == wanted:
                reached = time.monotonic() - begin
        after = self.d.buckets(LAG)
        turns = [(bound, n - old) for (bound, n), (_, old) in zip(after, before)]
        return {"reached": reached, "begin": begin, "turns": turns,
                "worst_turn": worst}

    def close(self):
        self.d.stop()
        for ear in self.ears.values():
            ear.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def number(text, name):
    """The sum over its labels."""
    return sum(float(n) for n in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+-]+)$", text, re.M))


def quantile(turns, q):
    return next(bound for bound, count in turns if count >= q * turns[-1][1])


def tell(storm, name, what, seen):
    """Figures of one half, the failing or the recovering."""
    reached, turns = seen["reached"], seen["turns"]
    if reached:
        yield Figure(f"{name}_{what}_known", reached)
    yield Figure(f"{name}_{what}_turn", quantile(turns, .99) * 1e3,
                 f"p50 {quantile(turns, .5) * 1e3:.1f} ms, worst {seen['worst_turn'] * 1e3:.0f} ms, "
                 f"{turns[-1][1]} turns")
    for ear_name, ear in storm.ears.items():
        heard = ear.since(seen["begin"])
        worst = next((at for at, body in heard if WORST.encode() in body), None)
        rate = len(heard) / WATCH_S
        queued = storm.d.get("/api/v1/receivers") or "{}"
        left = next((r["queued"] for r in json.loads(queued).get("receivers", [])
                     if r["name"] == ear_name), 0)
        yield Figure(f"{name}_{what}_{ear_name}", len(heard),
                     f"in {WATCH_S} s; the worst after {f'{worst:.1f} s' if worst else '-'}; {left} wait"
                     + (f", {left / rate:.0f} s more at this pace" if left and rate else ""))


def measure(bench):
    field = Field()
    try:
        for name, is_chained in (("alone", False), ("chained", True)):
            bench.say(name)
            storm = Storm(bench.build, field, is_chained)
            yield from tell(storm, name, "failing", storm.play(field.stop, storm.incidents))
            yield from tell(storm, name, "recovering", storm.play(field.start, 0))
            pss, rest = storm.peak[0] / 1024, storm.rest[0] / 1024
            yield Figure(f"{name}_memory", pss / rest, f"PSS {rest:.1f} -> {pss:.1f} MB")
            storm.close()
            field.stop()
    finally:
        if field.process and field.process.poll() is None:
            field.stop()
        shutil.rmtree(field.folder, ignore_errors=True)
