"""Signals and reloads without end, while there is work to do."""
import contextlib
import ctypes
import itertools
import os
import signal
import threading
import time

import pytest

import lab
import srv_redis
from srv_shim import loaded

CONFIG = """
checks:
  web: {{type: http, url: "{web}", interval: {interval}, retries: 3}}
  tls: {{type: tcp, address: "127.0.0.1:{port}", interval: 500ms, retries: 3}}
  ran: {{type: exec, command: [/bin/sh, -c, "sleep 0.2; echo ok"], interval: 500ms, retries: 3}}
  root: {{type: disk, path: /, interval: 500ms, retries: 3}}
  cache: {{type: redis, url: "redis://127.0.0.1:{redis}", interval: 500ms, retries: 3}}
builtin_rules: [check-down]
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
"""
NAMES = ["web", "tls", "ran", "root", "cache"]
# Ignored, or of no effect.
HARMLESS = [signal.SIGCHLD, signal.SIGPIPE, signal.SIGWINCH, signal.SIGURG, signal.SIGCONT]
LIBC = ctypes.CDLL(None)


def prick(process):
    """Interrupts each of its threads in whatever it waits for: the shim `prick` has a handler there."""
    with contextlib.suppress(FileNotFoundError):
        for task in os.listdir(f"/proc/{process.pid}/task"):
            LIBC.tgkill(process.pid, int(task), signal.SIGUSR1)


@pytest.fixture(scope="module")
def redis():
    server = srv_redis.Redis().start()
    yield server
    server.destroy()


def text(web, redis, hook, interval="500ms"):
    return CONFIG.format(web=web.url, port=web.port, redis=redis.port, hook=hook.url,
                         secret=lab.SECRET_TEXT, interval=interval)


def wait_runs(d, names, more):
    for name in names:
        runs = d.check(name)["runs"]
        lab.wait_for(f"{more} runs of {name}", lambda n=name, r=runs: d.check(n)["runs"] >= r + more)


class Storm:
    """Calls `act` as often as it goes, `pause` seconds apart, in a thread of its own, until left."""

    def __init__(self, act, pause):
        self.act, self.pause, self.count, self.is_over = act, pause, 0, threading.Event()
        self.thread = threading.Thread(target=self.blow, daemon=True)

    def blow(self):
        while not self.is_over.is_set():
            self.act()
            self.count += 1
            if self.pause:
                time.sleep(self.pause)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def well(d, hook):
    assert {d.check(n)["state"] for n in NAMES} == {"up"}, d.api.get("/api/v1/checks")
    assert hook.events() == [], hook.events()


@pytest.mark.fault("signal-storm")
def test_signals_that_mean_nothing(daemon, web, redis, hook):
    """Each interrupts whatever waits (EINTR): no check fails for it, no thread ends, no message is lost."""
    d = daemon(text(web, redis, hook), env=loaded("prick")).start()
    for name in NAMES:
        d.wait_state(name, "up")
    which = itertools.cycle(HARMLESS)

    def act():
        prick(d.process)
        d.process.send_signal(next(which))

    threads = len(os.listdir(f"/proc/{d.process.pid}/task"))
    with Storm(act, 0.0005) as storm:
        wait_runs(d, NAMES, 5)
        well(d, hook)
        web.status = 500
        hook.wait("incident.opened", "web")
        web.status = 200
        hook.wait("incident.resolved", "web")
    assert storm.count > 500 and threads > 1
    assert len(os.listdir(f"/proc/{d.process.pid}/task")) >= threads
    assert len(hook.events("incident.opened")) == 1


@pytest.mark.slow
@pytest.mark.fault("signal-storm")
def test_a_thousand_reloads_at_once(daemon, web, redis, hook):
    """They become a few: one under way, and one after it."""
    d = daemon(text(web, redis, hook)).start()
    for name in NAMES:
        d.wait_state(name, "up")
    for _ in range(1000):
        d.process.send_signal(signal.SIGHUP)
    wait_runs(d, NAMES, 5)
    well(d, hook)
    done = d.log.read_text().count("reload: done")
    assert 1 <= done <= 10, done


@pytest.mark.fault("reload-storm")
@pytest.mark.slow
def test_settings_that_never_rest(daemon, web, redis, hook):
    """Checks come, go and change under load, every third file is broken; nobody is told of anything."""
    d = daemon(text(web, redis, hook)).start()
    for name in NAMES:
        d.wait_state(name, "up")
    fillers = [f'  f{n}: {{type: http, url: "{web.url}", interval: 1s}}\n' for n in range(200)]
    count = itertools.count()

    def change():
        n = next(count)
        config = text(web, redis, hook, interval=f"{400 + n % 7}ms")
        if n % 3 == 2:
            config = config.replace("retries", "retrys" if n % 2 else "retries: [", 1)
        else:
            config = config.replace("checks:\n", "checks:\n" + "".join(fillers[n % 50:n % 50 + 100]))
        d.write(config)
        d.process.send_signal(signal.SIGHUP)

    with Storm(change, 0.05) as storm:
        wait_runs(d, NAMES[1:], 10)
        other = [e for e in hook.events() if e["data"]["incident"]["check"] != "triaged"]
        assert other == []
    assert storm.count > 50
    d.write(text(web, redis, hook))
    d.reload()
    wait_runs(d, NAMES, 3)
    assert len(d.api.get("/api/v1/checks")["checks"]) == len(NAMES)
    assert {d.check(n)["state"] for n in NAMES} == {"up"}
    own, = d.incidents()  # it flapped: it stays open until it was quiet for a while, and says so
    assert own["cause"]["code"] == "self.config-bad" and own["summary"].startswith("well again"), own
    assert len(hook.events()) < 20, [e["reason"] for e in hook.events()]
    web.status = 500
    hook.wait("incident.opened", "web")
