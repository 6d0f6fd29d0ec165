"""A small production for the soak: real servers, two thousand checks on them, and what befalls them.

A fault is a row of FAULTS: `begin(world)` breaks something and returns what mends it.  How long it
lasts, and which comes next, are the soak's business.
"""
import contextlib
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import chaos
import lab
import srv_net
import srv_postgres
import srv_redis

BREAKABLE = 100  # checks with a switch of their own: what is said of them is compared with the switch
# What the others need: if it is down they are its consequences, not incidents of their own.
ROOTS = {
    "web": 'http, url: "http://127.0.0.1:{web}/"',
    "cache": 'tcp, address: "127.0.0.1:{redis}"',
    "base": 'tcp, address: "127.0.0.1:{base}"',
    "names": 'dns, name: a.test, record: A, server: "{names}"',
}
# Shares of the other checks, in thousandths, each with its settings; {n} counts.
SHARES = (
    (655, 'http, needs: web, url: "http://127.0.0.1:{web}/c/{n}"'),
    (80, 'http, needs: web, url: "https://localhost:{tls}/s/{n}", ca: {ca}'),
    (90, 'tcp, needs: web, address: "127.0.0.1:{web}"'),
    (80, 'redis, needs: cache, url: "redis://127.0.0.1:{redis}/0"'),
    (5, 'postgres, needs: base, dsn: "{postgres}"'),
    (40, 'dns, needs: names, name: a.test, record: A, server: "{names}"'),
    (30, 'file, path: {folder}/app.log'),
    (10, 'process, needs: web, pidfile: {folder}/nginx.pid'),
    (5, 'exec, command: [/bin/echo, "fine | number={n}"]'),
    (3, 'log, path: {folder}/app.log, patterns: {{ error: ERROR }}'),
    (2, 'disk, path: {mount}, timeout: 1s'),
)
EXTRA = "extra"  # so begin the names of checks that a reload brings
ONCE = ("memory", "cpu", "network", "self")
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit; worker_processes 1;
worker_rlimit_nofile 65536; user nobody nogroup;
events {{ worker_connections 20000; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{web} backlog=65535; listen 127.0.0.1:{tls} ssl backlog=65535;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ default_type application/json; return 200 '{{"success":true}}'; }}
  }}
}}
"""


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "90", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)


class Nginx:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.web, self.tls = lab.free_port(), lab.free_port()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, web=self.web, tls=self.tls))

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "nginx.err", "-c",
                                         self.folder / "nginx.conf"])
        lab.wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", self.web)) == 0)

    def workers(self):
        with contextlib.suppress(OSError):
            pid = self.process.pid
            return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return []  # it is dead just now

    def stop(self):
        for pid in self.workers():  # one that is stopped would keep the port
            subprocess.run(["kill", "-CONT", pid], check=False)
        self.process.terminate()
        self.process.wait()


class Mount:
    """A file system that answers nobody, where this machine can have one; else a folder."""

    def __init__(self, folder):
        self.path, self.server = folder / "hung", None
        self.path.mkdir()
        self.can = Path("/dev/fuse").exists() and (lab.BUILD / "hangfs").exists() and \
            shutil.which("fusermount3")

    def hang(self):
        if self.can and self.server is None:
            self.server = subprocess.Popen([lab.BUILD / "hangfs", "-f", "-s", self.path],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lab.wait_for("the mount",
                         lambda: str(self.path) in Path("/proc/self/mountinfo").read_text())

    def mend(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None
            subprocess.run(["fusermount3", "-u", "-z", self.path], check=False,
                           capture_output=True)


class World:
    def __init__(self, folder, count):
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        make_certificate(self.folder)
        self.nginx = Nginx(self.folder)
        self.redis = srv_redis.Redis()
        self.postgres = srv_postgres.Postgres()
        self.rows = {("a.test", "A"): ["127.0.0.1"]}
        self.names = srv_net.Names(self.rows)
        self.mount = Mount(self.folder)
        self.targets = chaos.Targets().start()
        self.places = {name: chaos.Place() for name in ("one", "two", "chat")}
        self.syslog = lab.Syslog(f"{folder}/log.sock")
        self.app_log = self.folder / "app.log"
        self.app_log.write_text("begin\n")
        self.count = count
        self.breakable = [f"b{n:03}" for n in range(min(BREAKABLE, count // 4))]
        self.extra = 0  # checks that a reload brought
        self.feeds = []
        self.nginx.start()
        self.redis.start()
        self.postgres.start()

    def checks(self):
        """{name: settings}; those of a reload come last."""
        words = {"web": self.nginx.web, "tls": self.nginx.tls, "ca": self.folder / "cert.pem",
                 "redis": self.redis.port, "names": self.names.address, "folder": self.folder,
                 "mount": self.mount.path, "base": self.postgres.port, "postgres": self.postgres.socket_dsn(db="postgres")}
        out = {name: f'http, url: "http://127.0.0.1:{self.targets.port}/{name}"'
               for name in self.breakable}
        out |= {name: name for name in ONCE}
        out |= {name: text.format(**words) for name, text in ROOTS.items()}
        rest, taken = self.count - len(out), 0
        for share, text in SHARES:
            kind, many = text.partition(",")[0], max(1, rest * share // 1000)
            for n in range(many):
                out[f"{kind}{taken + n:05}"] = text.format(n=n, **words)
            taken += many
        for n in range(self.extra):
            out[f"{EXTRA}{n:03}"] = f'tcp, address: "127.0.0.1:{self.nginx.web}"'
        return out

    def settings(self, interval_s, timeout_s):
        checks = "".join(f"  {name}: {{type: {text}}}\n" for name, text in self.checks().items())
        return f"""
triage: {{reopen_within: 0s}}
defaults: {{interval: {interval_s}s, timeout: {timeout_s}s, retries: 1}}
checks:
{checks}{chaos.receivers(self.places, self.syslog, "20s")}"""

    def close(self):
        self.mount.mend()
        for place in self.places.values():
            place.set("refuse")
        self.targets.stop()
        self.names.close()
        self.nginx.stop()
        self.redis.destroy()
        self.postgres.destroy()
        self.syslog.close()


# ---- what befalls it: each returns what mends it ----

def web_dies(world, random, daemon):
    world.nginx.stop()
    return world.nginx.start


def web_hangs(world, random, daemon):
    for pid in world.nginx.workers():
        subprocess.run(["kill", "-STOP", pid], check=False)
    return lambda: [subprocess.run(["kill", "-CONT", pid], check=False)
                    for pid in world.nginx.workers()]


def cache_dies(world, random, daemon):
    world.redis.stop()
    return world.redis.start


def base_restarts(world, random, daemon):
    world.postgres.stop()
    return world.postgres.start


def names_fail(world, random, daemon):
    key = ("a.test", "A")
    world.rows[key] = random.choice([None, 2, 5])  # silence, SERVFAIL, REFUSED
    return lambda: world.rows.update({key: ["127.0.0.1"]})


def log_complains(world, random, daemon):
    with world.app_log.open("a") as out:
        out.writelines(f"ERROR number {n}\n" for n in range(random.randint(1, 500)))
    return lambda: None


def log_turns_over(world, random, daemon):
    world.app_log.rename(world.folder / "app.log.1")
    world.app_log.write_text("begin\n")
    return lambda: None


def disk_hangs(world, random, daemon):
    world.mount.hang()
    return world.mount.mend


def receiver_fails(world, random, daemon):
    place = random.choice(list(world.places.values()))
    place.set(random.choice(chaos.MODES[3:]))
    return lambda: place.set("ok")


def settings_change(world, random, daemon):
    world.extra = random.randint(0, 60)
    daemon.write(world.text())
    daemon.process.send_signal(signal.SIGHUP)
    return lambda: None


def settings_break(world, random, daemon):
    daemon.write("checks: {x: {type: no-such}}")
    daemon.process.send_signal(signal.SIGHUP)

    def mend():
        daemon.write(world.text())
        daemon.process.send_signal(signal.SIGHUP)
    return mend


def readers_come(world, random, daemon):
    """Of the live feed: some read, some never do, and they leave without a word."""
    for _ in range(random.randint(1, 12)):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(daemon.run_folder / "api.sock"))
        s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: l\r\n\r\n")
        world.feeds.append(s)

    def leave():
        while world.feeds:
            world.feeds.pop().close()
    return leave


def callers_babble(world, random, daemon):
    def babble():
        for _ in range(40):
            with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
                s.settimeout(5)
                s.connect(str(daemon.run_folder / "api.sock"))
                s.sendall(random.choice([b"GET /", b"\x16\x03\x01", b"POST /api/v1/reload\r\n\r\n",
                                         b"GET /metrics HTTP/1.1\r\nHost: l\r\n\r\n"]))
                s.recv(100)
    thread = threading.Thread(target=babble)
    thread.start()
    return thread.join


FAULTS = (web_dies, web_hangs, cache_dies, base_restarts, names_fail, log_complains, log_turns_over,
          disk_hangs, receiver_fails, receiver_fails, receiver_fails, settings_change,
          settings_break, readers_come, callers_babble)
