"""HTTP services broken as the catalogue says, and what people are told: a real process with a log,
a real nginx before it, a real MariaDB behind it; firewalls in a network of their own."""
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lab
import srv_mysql
import srv_proc
from srv_api import App, Nginx

BUSY = "processors-busy"  # what a test machine that is also building something is told
KEYS = "interval: 1s, timeout: 2s, retries: 2"

# Where the built-in rule waits for long, the test has one of the same name and less patience.
QUICK = """
rules:
  http-slow: {each: http, critical: {when: "not failing(this) and this.total_time > 2s", for: 2 samples}}
  long-query: {each: mysql, warning: "this.longest_query_time > 1s", keep_firing_for: 30s}
"""


@pytest.fixture
def app(folder):
    made = App(folder).start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def shop():
    server = srv_mysql.MariaDB("--max-connections=10").start()
    srv_mysql.furnish(server)
    yield server
    server.destroy()


def watch(daemon, hook, checks, more="", up=("api",)):
    d = daemon(f"""
checks:
{checks}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
routes:
  - {{to: [hook], match: {{severity: [info, warning, critical]}}}}
{more}
""").start()
    for name in up:
        d.wait_state(name, "up")
    return d


def api(app, **more):
    extra = "".join(f", {k}: {v}" for k, v in more.items())
    return f'  api: {{type: http, url: "{app.url}", {KEYS}, expect: {{json: "success == true"}}{extra}}}'


# --- down ---

@pytest.mark.scenario("api-down")
def test_stopped(daemon, hook, app, fault):
    d = watch(daemon, hook, api(app))
    lab.wait_learned(d, app.log)
    fault.begin()
    app.kill()
    fault.read(hook, "api", cause="net.refused", playbook="api-down",
               finding="api-down.not-listening", severity="critical",
               title=f"127.0.0.1:{app.port}", facts=["port-owner"], evidence=["new-api"])


@pytest.mark.scenario("api-down")
def test_ended_because_redis_is_gone(daemon, hook, app, fault):
    """Its own last words name the reason; they are read from the log that it had open."""
    d = watch(daemon, hook, api(app))
    lab.wait_learned(d, app.log)
    fault.begin()
    app.set(fatal="[FATAL] Redis ping test failed: dial tcp 127.0.0.1:6379: connect: connection refused")
    app.process.wait()
    fault.read(hook, "api", cause="net.refused", playbook="api-down",
               finding="api-down.dependency-lost", severity="critical",
               title="Redis ping test failed", facts=["port-owner", "log-tail"])


def client(server, sql):
    return ["mariadb", "--no-defaults", "-uroot", "-S", str(server.socket), "-e", sql]


def is_full(server, holders):
    """Takes one more connection, and says whether there is none left."""
    holders.append(subprocess.Popen(client(server, "SELECT SLEEP(60)"), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL))
    return subprocess.run(client(server, "SELECT 1"), capture_output=True).returncode != 0


# --- no answer ---

@pytest.mark.scenario("api-timeout")
def test_frozen(daemon, hook, app, fault):
    watch(daemon, hook, api(app))
    fault.begin()
    app.freeze()
    try:
        fault.read(hook, "api", cause="net.noreply", playbook="api-timeout",
                   finding="api-timeout.stopped-process", severity="critical",
                   title=f"pid {app.process.pid}", facts=["process"], remedy="kill -CONT")
    finally:
        app.thaw()


@pytest.mark.scenario("api-timeout")
def test_stalls_in_the_middle(daemon, hook, app, fault):
    watch(daemon, hook, api(app))
    fault.begin()
    app.set(stall=10)
    fault.read(hook, "api", cause="net.noreply", playbook="api-timeout", severity="critical",
               title="api", facts=["port-owner"])


# --- wrong answers ---

@pytest.mark.scenario("api-status-not-success")
def test_says_no(daemon, hook, app, fault):
    watch(daemon, hook, api(app))
    fault.begin()
    app.set(body={"success": False, "message": "数据库连接失败"})
    fault.read(hook, "api", cause="http.json-false", playbook="api-status-not-success",
               finding="api-status-not-success.says-no", severity="critical",
               title="数据库连接失败", facts=["body"], remedy="log")


@pytest.mark.scenario("api-status-not-success")
def test_a_page_instead_of_json(daemon, hook, folder, app, fault):
    """The route of the proxy is wrong: the front end answers every path with its page."""
    (Path(folder) / "index.html").write_text("<!doctype html><title>front end</title>")
    nginx = Nginx(folder, f"location / {{ proxy_pass http://127.0.0.1:{app.port}; }}").start()
    try:
        watch(daemon, hook, api(nginx))
        fault.begin()
        nginx.stop()
        nginx.write(f"root {folder}; location / {{ try_files $uri /index.html; }}")
        nginx.start()
        fault.read(hook, "api", cause="http.content-type", playbook="api-status-not-success",
                   finding="api-status-not-success.wrong-page", severity="critical",
                   title=f"127.0.0.1:{nginx.port}", facts=["port-owner", "body"],
                   evidence=["nginx"], remedy="nginx -T")
    finally:
        nginx.stop()


@pytest.mark.scenario("api-5xx")
def test_nothing_behind_nginx(daemon, hook, folder, app, fault):
    nginx = Nginx(folder, f"location / {{ proxy_pass http://127.0.0.1:{app.port}; }}").start()
    try:
        watch(daemon, hook, api(nginx))
        fault.begin()
        app.kill()
        fault.read(hook, "api", cause="http.502", playbook="api-5xx",
                   finding="api-5xx.backend-gone", severity="critical",
                   title=f"127.0.0.1:{nginx.port}", facts=["port-owner"], remedy="ss -ltnp")
    finally:
        nginx.stop()


@pytest.mark.scenario("api-5xx")
def test_error_because_the_database_is_full(daemon, hook, app, shop, fault):
    """It asks a real MariaDB for each answer; its log says what that one said."""
    ask = client(shop, "SELECT 1")
    app.set(command=ask)
    d = watch(daemon, hook, api(app))
    lab.wait_learned(d, app.log)
    holders = []
    fault.begin()
    try:
        lab.wait_for("MariaDB to be full", lambda: is_full(shop, holders))
        fault.read(hook, "api", cause="http.5xx", playbook="api-5xx",
                   finding="api-5xx.database-full", severity="critical",
                   title="Too many connections", facts=["log-tail"], within=40)
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


@pytest.mark.scenario("api-slow")
def test_slow_because_of_a_statement(daemon, hook, app, shop, fault):
    """Each answer waits for a statement; the database is watched, too, and says which."""
    dsn = shop.url("mon")
    check = f'  shop: {{type: mysql, dsn: "{dsn}", {KEYS}}}\n' \
        + api(app, needs="[shop]").replace("timeout: 2s", "timeout: 10s")
    watch(daemon, hook, check, QUICK, up=("api", "shop"))
    fault.begin()
    app.set(command=client(shop, "SELECT SLEEP(4)"))
    fault.read(hook, "api", cause="api-slow.dependency", playbook="api-slow", severity="critical",
               title="api takes 4", facts=["top-cpu"], evidence=["shop"], within=60)


@pytest.mark.scenario("api-slow")
def test_slow_by_itself(daemon, hook, app, fault):
    watch(daemon, hook, api(app).replace("timeout: 2s", "timeout: 10s"), QUICK)
    fault.begin()
    app.set(delay=2.5)
    fault.read(hook, "api", cause={f"api-slow.{w}" for w in ("back-end", BUSY, "disk-busy")},
               playbook="api-slow", severity="critical", title="api takes 2.", facts=["top-cpu", "top-memory", "port-owner"], within=40)


# --- events ---

@pytest.mark.scenario("api-restarted")
def test_restarted(daemon, hook, app, fault):
    watch(daemon, hook, api(app, track="data.start_time", retries=3).replace("retries: 2, ", ""))
    fault.begin()
    app.set(born=12345)  # too short to be seen as down: only the report tells
    incident = fault.read(hook, "api", playbook="api-restarted", severity="info",
                          title="restarted", facts=["port-owner", "restart"])
    assert incident["cause"]["code"].startswith("api-restarted."), incident
    app.set(born=12346)
    fault.read(hook, "api", finding="api-restarted.again-and-again", severity="warning",
               title="2 times within an hour")


@pytest.mark.scenario("api-rate-limited")
def test_rate_limited(daemon, hook, app, fault):
    watch(daemon, hook, api(app))
    fault.begin()
    app.set(status=429, body={"success": False, "message": "too many requests"})
    fault.read(hook, "api", cause="http.429", playbook="api-rate-limited", severity="info",
               title="429", remedy="interval")


# --- ports ---

@pytest.mark.scenario("listen-backlog-overflow")
def test_accept_queue_full(daemon, hook, folder, fault):
    yard, port, held = srv_proc.Yard(folder), lab.free_port(), []
    listener = yard.listener("rpc-user", port, backlog=1)
    try:
        d = watch(daemon, hook, f'  rpc: {{type: tcp, address: "127.0.0.1:{port}", {KEYS}}}', up=())
        fault.begin()
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            held.append(s)
        fault.read(hook, "rpc", cause="net.backlog-full", playbook="listen-backlog-overflow",
                   finding="listen-backlog-overflow.not-accepting", severity="critical",
                   title=f"Port {port} accept queue full (2/1)", facts=["port-owner", "process"],
                   evidence=["rpc-user"], remedy="wchan")
        assert d.check("rpc")["state"] == "down"
    finally:
        for s in held:
            s.close()
        yard.end(listener)


# --- firewalls, in a network of the test's own ---

RELAY = r"""
import socket, sys, threading
path, port = sys.argv[1], int(sys.argv[2])
server = socket.create_server(("127.0.0.1", port))
print("up", flush=True)

def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)

while True:
    inner, _ = server.accept()
    outer = socket.socket(socket.AF_UNIX)
    outer.connect(path)
    for pair in ((inner, outer), (outer, inner)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


class Room:
    """A network namespace; what is sent to `port` in it comes out at the hook."""

    def __init__(self, folder, hook):
        self.folder, self.hook = Path(folder), hook
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up; echo; exec sleep 1000"],
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.path = str(self.folder / "hook.sock")
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()
        self.port = 8099
        self.relay = self.spawn(sys.executable, "-c", RELAY, self.path, str(self.port),
                                stdout=subprocess.PIPE)
        self.relay.stdout.readline()

    def inside(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *map(str, argv)]

    def spawn(self, *argv, **kwargs):
        return subprocess.Popen(self.inside(*argv), **kwargs)

    def run(self, *argv):
        subprocess.run(self.inside(*argv), check=True, capture_output=True)

    def serve(self):
        while True:
            try:
                inner, _ = self.server.accept()
            except OSError:
                return
            outer = socket.create_connection(("127.0.0.1", self.hook.port))
            for a, b in ((inner, outer), (outer, inner)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.server.close()
        for process in (self.relay, self.holder):
            process.kill()
            process.wait()
            process.stdout.close()


def can_filter():
    return os.geteuid() == 0 and shutil.which("iptables") and subprocess.run(
        ["unshare", "-n", "sh", "-c", "ip link set lo up && iptables -A INPUT -p tcp --dport 9 -j DROP"],
        capture_output=True).returncode == 0


@pytest.fixture
def room(folder, hook):
    made = Room(folder, hook)
    yield made
    made.close()


@pytest.mark.skipif(not can_filter(), reason="needs root, namespaces and iptables")
@pytest.mark.parametrize("verdict, cause, finding", [
    ("REJECT", "net.refused-filtered", {"firewall-blocking.rule-found", "firewall-blocking.rejected"}),
    ("DROP", "net.timeout", {"net-timeout.rule-drops", "net-timeout.packets-dropped"}),
])
@pytest.mark.scenario("firewall-blocking")
def test_firewall(daemon, folder, hook, room, fault, verdict, cause, finding):
    yard, port = srv_proc.Yard(folder), 10110
    link = Path(folder) / "rpc-user"
    link.symlink_to(os.path.realpath(sys.executable))
    listener = room.spawn(link, "-c", srv_proc.LISTENER, "127.0.0.1", str(port), "16",
                          stdout=subprocess.PIPE)
    assert listener.stdout.readline() == b"up\n"
    d = daemon(f"""
checks:
  rpc: {{type: tcp, address: "127.0.0.1:{port}", {KEYS}}}
receivers:
  hook: {{type: webhook, url: "http://127.0.0.1:{room.port}/hook", secret: "{lab.SECRET_TEXT}"}}
""")
    try:
        d.start(room.inside())
        d.wait_state("rpc", "up")
        fault.begin()
        room.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", verdict)
        fault.read(hook, "rpc", cause=cause, finding=finding, severity="critical", title=str(port),
                   facts=["port-owner", "firewall"], evidence=["rpc-user"])
    finally:
        d.stop()
        listener.kill()
        listener.wait()
        listener.stdout.close()
        yard.stop()
