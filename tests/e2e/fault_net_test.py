"""The network is bad, not gone: names that come and go, a lossy slow line, peers that vanish, a dead IPv6."""
import threading
import time
from pathlib import Path

import pytest

import lab
import srv_line
import srv_net
from drill_test import Names, Net, RemoteWeb

own_network = pytest.mark.skipif(not srv_net.can_unshare(), reason="needs own namespaces")
NAME = "shop.test"


@pytest.fixture
def net():
    made = []

    def make():
        made.append(Net())
        return made[-1]
    yield make
    for n in made:
        n.destroy()


def start_in(home, d, resolv=None):
    """The daemon in that namespace, with its own /etc/resolv.conf."""
    wrapper = ["nsenter", "-t", str(home.pid), "-n"]
    if resolv:
        path = Path(d.folder) / "resolv.conf"
        path.write_text(resolv)
        wrapper += ["unshare", "-m", "sh", "-ec", f'mount --bind {path} /etc/resolv.conf\nexec "$@"', "sh"]
    return d.start(wrapper)


def runs(d, name):
    return d.check(name)["runs"]


def wait_runs(d, name, more):
    have = runs(d, name)
    lab.wait_for(f"{more} runs of {name}", lambda: runs(d, name) >= have + more)


def opened(hook):
    return [(e["data"]["incident"]["check"], e["data"]["incident"]["cause"]["code"])
            for e in hook.events("incident.opened")]


def by_name(hook, timeout, retries):
    """Settings: one web server, known by its name only, in two checks."""
    often = f"interval: 500ms, timeout: {timeout}, retries: {retries}"
    return f"""
checks:
  shop: {{type: http, url: "http://{NAME}:8080/", {often}}}
  port: {{type: tcp, address: "{NAME}:8080", {often}}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{lab.SECRET_TEXT}"}}
"""


# --- names ---

class FlappingNames(Names):
    """Its `mode`: an rcode for everybody, None for silence, "" for the rows."""
    mode = ""

    def answer(self, question, most):
        if self.mode is None or self.mode == "":
            self.is_silent = self.mode is None
            return super().answer(question, most)
        self.is_silent, rows = False, self.rows
        self.rows = {key: self.mode for key in rows}
        reply = super().answer(question, most)
        self.rows = rows
        return reply


@own_network
@pytest.mark.slow
@pytest.mark.fault("dns-flaps")
def test_names_that_come_and_go(daemon, net):
    """For half of the time nobody answers, or wrongly; the addresses change: no target is down for it."""
    home = net()
    home.run("ip", "addr", "add", "127.0.0.9/8", "dev", "lo")
    rows = {(NAME, "A"): ["127.0.0.1"], (NAME, "AAAA"): []}
    names = home.inside(lambda: FlappingNames("127.0.0.9", rows))
    webs = [home.inside(lambda a=a: RemoteWeb(a).start()) for a in ("127.0.0.1", "127.0.0.2")]
    hook = home.inside(lambda: lab.Hook().start())
    d = daemon(by_name(hook.url, timeout="5s", retries=3))
    try:
        start_in(home, d, "nameserver 127.0.0.9\noptions timeout:1 attempts:1\n")
        for name in ("shop", "port"):
            d.wait_state(name, "up")
        for turn, mode in enumerate([2, 5, None] * 4):  # SERVFAIL, REFUSED, silence
            names.mode = mode
            wait_runs(d, "shop", 2)
            names.mode = ""
            rows[NAME, "A"] = ["127.0.0.2"] if turn % 2 == 0 else ["127.0.0.1"]
            hits = webs[turn % 2 == 0].hits
            wait_runs(d, "shop", 2)
            lab.wait_for("the new address", lambda n=turn % 2 == 0, h=hits: webs[n].hits > h)
        assert opened(hook) == []
        # What stays broken is told, once, as what it is: the name, not the target.
        names.mode = 3
        wait = lab.wait_for("the name to be told", lambda: opened(hook))
        assert wait[0][1] in ("net.dns-nxdomain", "host.resolver-lost"), wait
        names.mode = ""
        lab.wait_for("the end", lambda: len(hook.events("incident.resolved")) == len(opened(hook)))
        assert len(opened(hook)) <= 2, opened(hook)
        d.stop()
    finally:
        names.close()
        hook.stop()
        for web in webs:
            web.stop()


# --- a bad line ---

@own_network
@pytest.mark.skipif(not srv_line.can_line(), reason="needs /dev/net/tun")
@pytest.mark.slow
@pytest.mark.fault("bad-line")
def test_a_line_that_loses_and_delays(daemon, net, folder):
    """A tenth of all packets is lost, the rest take half a second there and back: nothing is down."""
    home, rest = net(), net()
    line = srv_line.Line(home, rest)
    web = rest.inside(lambda: RemoteWeb(line.FAR).start())
    hook = rest.inside(lambda: lab.Hook().start())
    d = daemon(f"""
defaults: {{interval: 2s, timeout: 8s, retries: 3}}
checks:
  w0: {{type: http, url: "http://{line.FAR}:8080/"}}
  w1: {{type: http, url: "http://{line.FAR}:8080/1"}}
  w2: {{type: http, url: "http://{line.FAR}:8080/2"}}
  p0: {{type: tcp, address: "{line.FAR}:8080"}}
  p1: {{type: tcp, address: "{line.FAR}:8080"}}
  here: {{type: cpu, interval: 500ms}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "http://{line.FAR}:{hook.port}/hook", secret: "{lab.SECRET_TEXT}"}}
""")
    checks = ["w0", "w1", "w2", "p0", "p1"]
    hook.stop()
    hook = rest.inside(lambda: FarHook(line.FAR, hook.port).start())
    try:
        start_in(home, d)
        for name in checks:
            d.wait_state(name, "up")
        line.spoil(0.10, 0.5)
        before = {name: runs(d, name) for name in checks}
        failed, total = set(), {}

        def rounds():
            for name in checks:
                c = d.check(name)
                total[name] = c["runs"] - before[name]
                if (c["last"] or {}).get("outcome") == "fail":
                    failed.add((name, c["runs"]))
            return all(n >= 15 for n in total.values())
        lab.wait_for("fifteen runs of each", rounds, 120)
        print(f"{sum(total.values())} runs, {len(failed)} failed; "
              f"{line.relay.lost} of {line.relay.seen} packets lost")
        assert line.relay.lost > 0
        assert opened(hook) == []
        assert len(failed) <= sum(total.values()) / 10, failed
        web.status = 500  # and what is really wrong is told, over that line
        hook.wait("incident.opened")
        web.status = 200
        lab.wait_for("the end", lambda: len(hook.events("incident.resolved")) == len(opened(hook)), 120)
        line.spoil(0, 0)
        d.stop()
    finally:
        web.stop()
        hook.stop()
        line.close()


class FarHook(lab.Hook):
    """A hook on another address."""

    def __init__(self, address, port):
        super().__init__(port)
        self.address = address

    def start(self):
        class Listener(lab.http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Listener((self.address, self.port), self.handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self


# --- a peer that vanishes ---

def pong(conn):
    """Enough of Redis for a probe, on a connection that is kept."""
    with conn.makefile("rb") as words:
        while line := words.readline():
            args = []
            for _ in range(int(line[1:])):
                size = int(words.readline()[1:])
                args.append(words.read(size + 2)[:-2].upper())
            info = b"redis_version:7.0.0\r\nuptime_in_seconds:100\r\n"
            conn.sendall({b"PING": b"+PONG\r\n", b"INFO": b"$%d\r\n%s\r\n" % (len(info), info)}.get(
                args[0], b"+OK\r\n"))


@own_network
@pytest.mark.fault("half-open")
def test_a_peer_that_vanishes_without_a_word(daemon, net):
    """No FIN, no RST: a kept connection goes silent, of a check and of a receiver; deadlines notice."""
    home = net()
    stub = home.inside(lambda: srv_net.Stub(pong))
    hook = home.inside(lambda: lab.Hook().start())
    other = home.inside(lambda: lab.Hook().start())
    d = daemon(f"""
checks:
  cache: {{type: redis, url: "redis://127.0.0.1:{stub.port}", interval: 500ms, timeout: 1s, retries: 2}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
  other: {{type: webhook, url: "{other.url}", secret: "{lab.SECRET_TEXT}", timeout: 2s}}
""")
    cut = ["-p", "tcp", "-m", "multiport", "--ports", f"{stub.port},{other.port}", "-j", "DROP"]
    with stub:
        try:
            start_in(home, d)
            d.wait_state("cache", "up")
            wait_runs(d, "cache", 3)
            began = time.monotonic()
            home.run("iptables", "-A", "INPUT", *cut)
            event = hook.wait("incident.opened", "cache")
            # Two runs of a second each, half a second apart, and what a busy machine adds to that.
            assert event["_at"] - began < 10
            assert event["data"]["incident"]["cause"]["code"] == "net.timeout", event
            assert other.events() == []
            home.run("iptables", "-D", "INPUT", *cut)
            hook.wait("incident.resolved", "cache")
            other.wait("incident.resolved", "cache")
            assert len(opened(hook)) == 1 and len(opened(other)) <= 1
            d.stop()
        finally:
            hook.stop()
            other.stop()


# --- IPv6 ---

@own_network
@pytest.mark.fault("ipv6-black-hole")
def test_ipv6_that_leads_nowhere(daemon, net):
    """The name has both families, packets to the one are lost: the other is used, within the deadline."""
    home = net()
    home.run("ip", "-6", "addr", "add", "2001:db8::1/128", "dev", "lo")
    home.run("ip6tables", "-A", "INPUT", "-d", "2001:db8::1", "-j", "DROP")
    home.run("ip", "addr", "add", "127.0.0.9/8", "dev", "lo")
    rows = {(NAME, "A"): ["127.0.0.1"], (NAME, "AAAA"): ["2001:db8::1"]}
    names = home.inside(lambda: Names("127.0.0.9", rows))
    web = home.inside(lambda: RemoteWeb("127.0.0.1").start())
    hook = home.inside(lambda: FarHook("127.0.0.1", lab.free_port()).start())
    d = daemon(by_name(f"http://{NAME}:{hook.port}/hook", timeout="3s", retries=1))
    try:
        start_in(home, d, "nameserver 127.0.0.9\n")
        for name in ("shop", "port"):
            d.wait_state(name, "up")
            wait_runs(d, name, 4)
            check = d.check(name)
            assert check["state"] == "up" and check["last"]["outcome"] == "ok", check
            assert check["metrics"]["total_time"] < 3, check
        web.stop()
        hook.wait("incident.opened", "shop")  # the receiver's name has both, too
        d.stop()
    finally:
        names.close()
        web.stop()
        hook.stop()
