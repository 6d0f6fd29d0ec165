"""The outage drills: many checks over a real stack, one thing breaks, one incident is told.

nginx -> API stub -> PostgreSQL and Redis.  The stub does a real write in each for every request.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import lab
import srv_net
import srv_postgres
import srv_redis

PAGES = [f"page-{n:02}" for n in range(1, 28)]
TIMES = "interval: 1s, timeout: 2s, retries: 2"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount and to unshare")


# --- the stack ---

def pg_message(kind, body=b""):
    return kind + struct.pack(">I", len(body) + 4) + body


def pg_write(port):
    """One INSERT by the wire: trusted user, no driver."""
    with socket.create_connection(("127.0.0.1", port), 2) as s, s.makefile("rb") as f:
        s.sendall(pg_message(b"", struct.pack(">I", 196608) + b"user\0super\0database\0postgres\0\0"))

        def until_ready():
            while True:
                kind, size = f.read(1), struct.unpack(">I", f.read(4))[0]
                body = f.read(size - 4)
                assert kind != b"E", body
                if kind == b"Z":
                    return
        until_ready()
        s.sendall(pg_message(b"Q", b"INSERT INTO hits VALUES (repeat('x', 100))\0"))
        until_ready()


def redis_write(port):
    with socket.create_connection(("127.0.0.1", port), 2) as s:
        s.sendall(b"SET hit 1\r\n")
        assert s.recv(100).startswith(b"+OK")


class Api(lab.Server):
    """The application: 200 when both stores took a write, else 500; `is_broken` makes it fail by itself."""

    def __init__(self, db, cache):
        super().__init__()
        self.db, self.cache, self.is_broken = db, cache, False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def handler(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status = 500
                with contextlib.suppress(OSError, AssertionError, struct.error):
                    pg_write(api.db.port)
                    redis_write(api.cache.port)
                    status = 500 if api.is_broken else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        return Handler


class Nginx:
    def __init__(self, upstream):
        self.folder = Path(tempfile.mkdtemp(prefix="ngx-"))
        self.folder.chmod(0o755)
        self.port = lab.free_port()
        f = self.folder
        (f / "nginx.conf").write_text(f"""
daemon off; pid {f}/nginx.pid; error_log {f}/nginx.err; worker_processes 1;
events {{ worker_connections 128; }}
http {{
  access_log off; client_body_temp_path {f}/t1; proxy_temp_path {f}/t2;
  fastcgi_temp_path {f}/t3; uwsgi_temp_path {f}/t4; scgi_temp_path {f}/t5;
  server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}
}}
""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", f / "nginx.err", "-c",
                                         f / "nginx.conf"], stderr=subprocess.DEVNULL)
        lab.wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def destroy(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Stack:
    def __init__(self, home=None):
        """`home`: a folder for the data of both."""
        self.db = srv_postgres.Postgres(folder=home and home / "pg")
        self.db.conf("work_mem = 64kB\nmax_connections = 100\nmax_wal_size = 32MB\n")
        self.db.start()
        self.db.psql("CREATE TABLE hits (t text)")
        self.cache = srv_redis.Redis("--save", "3600 1", "--rdbcompression", "no",
                                     folder=home and home / "rd").start()
        self.api = Api(self.db, self.cache).start()
        self.nginx = Nginx(self.api.port)

    def config(self, hook, more="", db_more=""):
        pages = "\n".join(
            f'  {name}: {{type: http, url: "http://127.0.0.1:{self.nginx.port}/{name}", needs: api, '
            f'{TIMES}}}' for name in PAGES)
        dsn = f"postgresql://super@127.0.0.1:{self.db.port}/postgres"
        return f"""
checks:
  db:
    type: postgres
    dsn: "{dsn}"
    interval: 1s
    timeout: 2s
    retries: 2
    reconnect_interval: 1s
{db_more}
  cache:
    type: redis
    url: "redis://127.0.0.1:{self.cache.port}/0"
    write_test: "triaged:probe"
    interval: 1s
    timeout: 2s
    retries: 2
  api: {{type: http, url: "{self.api.url}", needs: [db, cache], {TIMES}}}
{pages}
{more}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
"""

    def destroy(self):
        self.nginx.destroy()
        self.api.stop()
        self.cache.destroy()
        self.db.destroy()


@pytest.fixture(scope="module")
def stack():
    s = Stack()
    yield s
    s.destroy()


def wait_all(d, state, but=()):
    lab.wait_for(f"all to be {state}: {[c['name'] for c in d.api.get('/api/v1/checks')['checks']]}",
                 lambda: all(c["state"] == state for c in d.api.get("/api/v1/checks")["checks"]
                             if c["name"] not in but))


def last(hook, incident_id):
    return [e for e in hook.events() if e["data"]["incident"]["id"] == incident_id][-1]


def told_impact(hook):
    return {i["check"] for i in hook.events()[-1]["data"]["incident"]["impact"]}


def one_story(hook, check):
    """All that was told is of one incident, which is this check's by now."""
    ids = {e["data"]["incident"]["id"] for e in hook.events()}
    assert len(ids) == 1, [(e["type"], e["reason"], e["data"]["incident"]["title"])
                           for e in hook.events()]
    assert hook.events()[-1]["data"]["incident"]["check"] == check
    assert len(hook.events("incident.opened")) == 1
    return ids.pop()


# --- one store is killed ---

@pytest.mark.scenario("alert-storm")
def test_database_is_killed(stack, daemon, hook, fault):
    d = daemon(stack.config(hook)).start()
    wait_all(d, "up")
    assert len(d.api.get("/api/v1/checks")["checks"]) == 30
    fault.begin()
    stack.db.stop(signal.SIGQUIT)
    incident = fault.read(hook, "db", cause="net.refused", severity="critical",
                          title="", impact=["api", *PAGES], within=60)
    assert incident["rule"] == "check-down"
    one_story(hook, "db")
    stack.db.start()
    hook.wait("incident.resolved", "db")
    wait_all(d, "up")
    lab.wait_for("another round", lambda r=d.check("api")["runs"]: d.check("api")["runs"] > r + 4)
    one_story(hook, "db")
    assert len(hook.events("incident.resolved")) == 1 and d.incidents() == []
    end = hook.events()[-1]
    assert end["type"] == "incident.resolved" and end["data"]["incident"]["duration"] > 0


@pytest.mark.scenario("alert-storm")
def test_cache_is_killed_under_a_slow_eye(stack, daemon, hook, fault):
    """Its check looks once in ten minutes: the chase runs it at once when the others fail."""
    config = stack.config(hook)
    head, _, tail = config.partition("  cache:")
    d = daemon(head + "  cache:" + tail.replace("interval: 1s", "interval: 10m", 1)).start()
    wait_all(d, "up")
    fault.begin()
    stack.cache.stop()
    fault.read(hook, "cache", cause="net.refused", severity="critical", impact=["api", *PAGES],
               within=60)
    one_story(hook, "cache")
    stack.cache.start()
    hook.wait("incident.resolved", "cache")
    one_story(hook, "cache")


@pytest.mark.scenario("alert-storm")
def test_parent_fails_ten_seconds_after_the_child(stack, daemon, hook, fault):
    """The API breaks by itself and is told; then the database falls too: it takes the story over."""
    d = daemon(stack.config(hook)).start()
    wait_all(d, "up")
    fault.begin()
    stack.api.is_broken = True
    try:
        first = hook.wait("incident.opened", "api")
        threading.Event().wait(10)
        stack.db.stop(signal.SIGQUIT)
        fault.read(hook, "db", cause="net.refused", severity="critical", impact=["api", *PAGES])
        story = one_story(hook, "db")
        assert story == first["data"]["incident"]["id"]
        assert "root-changed" in {e["reason"] for e in hook.events()}
    finally:
        stack.api.is_broken = False
        if stack.db.process is None:
            stack.db.start()
    hook.wait("incident.resolved", "db")
    one_story(hook, "db")


@pytest.mark.fault("killed")
@pytest.mark.scenario("alert-storm")
def test_restarted_in_the_midst(stack, daemon, hook, fault):
    """The daemon is killed while the message is held, and again while the outage goes on."""
    d = daemon(stack.config(hook)).start()
    wait_all(d, "up")
    fault.begin()
    stack.db.stop(signal.SIGQUIT)
    try:
        lab.wait_for("the first failure", lambda: d.check("api")["state"] != "up")
        d.kill()
        d.start()
        fault.read(hook, "db", cause="net.refused", impact=["api", *PAGES], within=60)
        d.kill()
        d.start()
        wait_all(d, "down", but=("cache",))
    finally:
        stack.db.start()
    hook.wait("incident.resolved", "db")
    wait_all(d, "up")
    one_story(hook, "db")


# --- their disk is full ---

@contextlib.contextmanager
def small_disk(size):
    place = Path(tempfile.mkdtemp(prefix="disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    place.chmod(0o755)
    for name in ("pg", "rd"):
        (place / name).mkdir()
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()


def fill(place):
    """Also what a sort that was going on has given back since."""
    with contextlib.suppress(OSError), (place / "hog").open("ab", buffering=0) as f:
        while True:
            f.write(b"x" * 4096)


# It sorts more than its memory holds: the rest goes to the disk.
SORT = """
    queries:
      sorted: "SELECT count(*) FROM (SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g
        ORDER BY 2, 1) x"
"""


# Without the minute that the built-in ones wait, and linger.
BRISK = """
rules:
  disk-space: {each: disk, critical: "this.used_percent >= 95%"}
  disk-full: {each: disk, critical: "this.free_bytes < 1MB"}
"""


@needs_root
@pytest.mark.scenario("alert-storm")
def test_disk_is_full_under_both(daemon, hook, fault):
    with small_disk("200m") as place:
        s = Stack(place)
        try:
            disk = f'  disk: {{type: disk, path: "{place}", {TIMES}}}'
            d = daemon(s.config(hook, disk, SORT) + BRISK).start()
            wait_all(d, "up")
            assert len(d.api.get("/api/v1/checks")["checks"]) == 31
            for _ in range(4):
                s.cache.cli("SET", os.urandom(4).hex(), "x" * 100000)
            lab.wait_for("a few rounds", lambda: d.check("db")["runs"] > 5)
            fault.begin()

            def nobody_finds_room():
                fill(place)
                s.cache.cli("BGSAVE", check=False)
                return all(d.check(name)["state"] != "up" for name in ("db", "cache"))

            lab.wait_for("both to find no room", nobody_finds_room)
            incident = fault.read(hook, "disk", severity="critical", title=str(place),
                                  impact=["db", "cache", "api", *PAGES], within=60)
            assert incident["type"] == "disk"
            lab.wait_for("one incident", lambda: len(d.incidents()) == 1)
            assert {e["data"]["incident"]["check"] for e in hook.events("incident.resolved")
                    if e["reason"] != "merged"} == set()
            (place / "hog").unlink()
            s.cache.cli("BGSAVE", check=False)
            hook.wait("incident.resolved", "disk")
            d.stop()
        finally:
            s.destroy()


# --- this host is cut off ---

CLONE_NEWNET = 0x40000000


class Net:
    """A network namespace with nobody in it but a process that keeps it."""

    def __init__(self):
        self.keeper = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        self.pid = self.keeper.pid
        lab.wait_for("the namespace", lambda: os.readlink(f"/proc/{self.pid}/ns/net") !=
                     os.readlink("/proc/self/ns/net"))
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *argv):
        subprocess.run(["nsenter", "-t", str(self.pid), "-n", *map(str, argv)], check=True)

    def inside(self, make):
        """What `make` makes in a thread that is inside: sockets stay where they were made."""
        made = []

        def work():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{self.pid}/ns/net", encoding="ascii") as ns:
                assert libc.setns(ns.fileno(), CLONE_NEWNET) == 0
            made.append(make())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return made[0]

    def destroy(self):
        self.keeper.kill()
        self.keeper.wait()


class Names(srv_net.Names):
    """On the usual port of an address, with answers that are soon forgotten."""

    def __init__(self, address, rows):
        self.rows, self.is_silent = rows, False
        self.tcp = socket.create_server((address, 53))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        threading.Thread(target=self.serve_udp, daemon=True).start()

    def answer(self, question, most):
        if self.is_silent:
            return None
        reply = super().answer(question, most)
        return reply and reply.replace(struct.pack(">HI", 1, 77), struct.pack(">HI", 1, 1))


class RemoteWeb(lab.Web):
    def __init__(self, address):
        super().__init__(8080)
        self.address = address

    def start(self):
        server = lab.http.server.ThreadingHTTPServer((self.address, self.port), self.handler())
        server.daemon_threads = True
        self.server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self


GATEWAY, OWN = "10.213.7.1", "10.213.7.2"
FAR = [f"10.214.0.{n}" for n in range(1, 6)]


class World:
    """Two namespaces joined by a cable: in one the daemon, in the other the gateway and the rest."""

    def __init__(self, folder):
        self.home, self.rest = Net(), Net()
        self.home.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0", "netns",
                      self.rest.pid)
        self.home.run("ip", "addr", "add", f"{OWN}/24", "dev", "up0")
        self.home.run("ip", "link", "set", "up0", "up")
        self.rest.run("ip", "addr", "add", f"{GATEWAY}/24", "dev", "down0")
        for address in FAR:
            self.rest.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
        self.rest.run("ip", "link", "set", "down0", "up")
        self.home.run("ip", "route", "add", "default", "via", GATEWAY)
        rows = {(f"far{n}.test", "A"): [address] for n, address in enumerate(FAR)}
        rows |= {(f"far{n}.test", "AAAA"): [] for n in range(len(FAR))}
        self.names = self.rest.inside(lambda: Names(GATEWAY, rows))
        self.webs = [self.rest.inside(lambda a=a: RemoteWeb(a).start()) for a in FAR]
        self.hook = self.home.inside(lambda: lab.Hook().start())
        self.resolv = Path(folder) / "resolv.conf"
        self.resolv.write_text(f"nameserver {GATEWAY}\noptions timeout:1 attempts:1\n")

    def start(self, d):
        d.start(["nsenter", "-t", str(self.home.pid), "-n", "unshare", "-m", "sh", "-ec",
                 f'mount --bind {self.resolv} /etc/resolv.conf\nexec "$@"', "sh"])

    def config(self):
        far = "\n".join(f'  far{n}: {{type: http, url: "http://far{n}.test:8080/", {TIMES}}}'
                        for n in range(3))
        plain = "\n".join(f'  plain{n}: {{type: http, url: "http://{FAR[n]}:8080/", {TIMES}}}'
                          for n in (3, 4))
        look = "\n".join(f"  look{n}: {{type: dns, name: far{n}.test, {TIMES}}}" for n in (0, 1))
        return f"""
checks:
{far}
{plain}
{look}
  shop: {{type: http, url: "http://127.0.0.1:{self.hook.port}/", expect: {{status: [200, 501]}},
         needs: far0, {TIMES}}}
receivers:
  hook: {{type: webhook, url: "{self.hook.url}", secret: "{lab.SECRET_TEXT}"}}
"""

    def destroy(self):
        self.hook.stop()
        for web in self.webs:
            web.stop()
        self.names.close()
        self.home.destroy()
        self.rest.destroy()


@pytest.fixture
def world(folder):
    if not srv_net.can_unshare():
        pytest.skip("needs own namespaces")
    w = World(folder)
    yield w
    w.destroy()


REMOTE = ["far0", "far1", "far2", "plain3", "plain4", "look0", "look1"]


@pytest.mark.fault("network-cut")
@needs_root
@pytest.mark.cause("host.network-lost")
@pytest.mark.scenario("alert-storm")
@pytest.mark.parametrize("how", ["interface", "gateway"])
def test_network_is_cut(world, daemon, fault, how):
    d = daemon(world.config())
    world.start(d)
    wait_all(d, "up")
    fault.begin()
    if how == "interface":
        world.home.run("ip", "link", "set", "up0", "down")
    else:
        world.rest.run("ip", "link", "set", "down0", "down")
    incident = fault.read(world.hook, "host.network", cause="host.network-lost",
                          playbook="host-network", severity="critical", title="lost its network",
                          facts=["net-ladder"], impact=REMOTE, within=60)
    lab.SEEN_CAUSES.add(incident["cause"]["code"])
    assert incident["type"] == "host" and incident["rule"] == "host-network"
    blind = {c["name"] for c in d.api.get("/api/v1/checks")["checks"] if c.get("blind")}
    assert blind == set(REMOTE)  # nobody's uptime is charged
    one_story(world.hook, "host.network")
    if how == "interface":
        world.home.run("ip", "link", "set", "up0", "up")
        world.home.run("ip", "route", "replace", "default", "via", GATEWAY)
    else:
        world.rest.run("ip", "link", "set", "down0", "up")
    world.hook.wait("incident.resolved", "host.network")
    wait_all(d, "up")
    one_story(world.hook, "host.network")
    d.stop()


@pytest.mark.fault("dns-silent")
@needs_root
@pytest.mark.cause("host.resolver-lost")
@pytest.mark.scenario("alert-storm")
def test_resolver_is_dead(world, daemon, fault):
    """Names that are remembered go on to work; after a restart nothing is remembered."""
    d = daemon(world.config())
    world.start(d)
    wait_all(d, "up")
    fault.begin()
    world.names.is_silent = True
    incident = fault.read(world.hook, "host.resolver", cause="host.resolver-lost",
                          playbook="host-resolver", severity="critical", title=GATEWAY,
                          facts=["net-ladder"], impact=["look0", "look1"], within=60)
    lab.SEEN_CAUSES.add(incident["cause"]["code"])
    d.stop()
    world.start(d)
    lab.wait_for("the others", lambda: told_impact(world.hook) >= {"far0", "far1", "far2"})
    one_story(world.hook, "host.resolver")
    world.names.is_silent = False
    world.hook.wait("incident.resolved", "host.resolver")
    wait_all(d, "up")
    one_story(world.hook, "host.resolver")
    d.stop()


@needs_root
@pytest.mark.scenario("alert-storm")
def test_one_dead_host_is_not_the_network(world, daemon, fault):
    """The gateway answers and so do the others: that host alone is told."""
    d = daemon(world.config())
    world.start(d)
    wait_all(d, "up")
    fault.begin()
    world.rest.run("ip", "addr", "del", f"{FAR[3]}/32", "dev", "lo")
    incident = fault.read(world.hook, "plain3", severity="critical", impact=[], within=60)
    assert incident["cause"]["code"].startswith("net."), incident
    one_story(world.hook, "plain3")
    d.stop()
