"""Checks on several loops: everything that a user sees is as it is with one.

The same stories are run under ThreadSanitizer at night (`make tsan`), which ends the daemon at the first race.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from lab import LIMIT, free_port, wait_for

FARM = 4  # targets; the checks are spread over them
TLS = 3  # this one speaks it


class Farm:
    """Targets that answer GET with 200: threads of one process would be slower than what asks them."""

    CODE = """
import asyncio, ssl, sys
ANSWER = b'HTTP/1.1 200 OK\\r\\nContent-Length: 16\\r\\nConnection: close\\r\\n\\r\\n{"success":true}'
async def answer(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        pass
async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if len(sys.argv) > 2 else None
    if tls:
        tls.load_cert_chain(*sys.argv[2:])
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=4096, ssl=tls)
    print("up", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="farm-")
        self.cert, self.key = f"{self.folder}/cert.pem", f"{self.folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "90", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-out", self.cert, "-keyout", self.key], check=True, capture_output=True)
        self.ports = [free_port() for _ in range(FARM)]
        self.all = [None] * FARM

    def __enter__(self):
        for n in range(FARM):
            self.begin(n)
        return self

    def begin(self, n):
        tls = [self.cert, self.key] if n == TLS else []
        self.all[n] = subprocess.Popen(["/usr/bin/python3", "-c", self.CODE, str(self.ports[n]), *tls],
                                       stdout=subprocess.PIPE, text=True)
        assert self.all[n].stdout.readline() == "up\n"

    def end(self, n):
        self.all[n].kill()
        self.all[n].wait()

    def __exit__(self, *args):
        for one in self.all:
            with contextlib.suppress(OSError):
                one.kill()
            one.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def settings(farm, count, loops, hook=None, interval="1s", first=0, more=""):
    lines = ["checks:", f"  own: {{type: self, interval: {interval}}}",
             f"  wire: {{type: tcp, address: \"127.0.0.1:{farm.ports[0]}\", interval: {interval}}}"]
    for i in range(first, count):
        n, host, more_keys = i % FARM, "127.0.0.1", ""
        if n == TLS:
            more_keys = f", ca: {farm.cert}"
        elif i % 10 == 0:
            host = "localhost"  # a name
        elif i % 10 == 1:
            more_keys = ", auth: {type: digest, user: me, password: mine}"  # libcurl's
        lines.append(f"  c{i}: {{type: http, url: \"http{'s' if n == TLS else ''}://{host}:{farm.ports[n]}/{i}\", "
                     f"interval: {interval}, timeout: 30s, retries: 2, retry_interval: 1s, "
                     f"expect: {{json: [\"success == true\"]}}{more_keys}}}")
    if hook:
        lines.append(f"receivers:\n  h: {{type: webhook, url: \"{hook.url}\"}}\nroutes:\n  - {{to: h}}")
    return "\n".join(lines) + "\n" + more, loops


def write(d, config):
    text, loops = config
    d.config.write_text(f"daemon: {{name: lab, state_dir: {d.state}, loops: {loops}}}\napi: {{listen: off}}\n{text}")


def states(d):
    return {c["name"]: c["state"] for c in d.api.get("/api/v1/checks?limit=1000")["checks"]}


def all_are(d, count, state="up"):
    seen = states(d)
    return len(seen) == count and all(s == state for s in seen.values())


def threads(d):
    return sorted(name for task in Path(f"/proc/{d.process.pid}/task").iterdir()
                  if (name := (task / "comm").read_text().strip()).startswith("loop-"))


def runs(d):
    body = d.api.request("GET", "/metrics?checks=off")[2]
    body = body.decode() if isinstance(body, bytes) else body
    return next(float(line.split()[-1]) for line in body.splitlines() if line.startswith("triaged_runs_total "))


COUNT = int(os.environ.get("LOOPS_CHECKS", "240"))


def test_targets_fail_and_come_back(daemon):
    with Farm() as farm:
        d = daemon()
        write(d, settings(farm, COUNT, 3))
        d.start()
        wait_for("all to be up", lambda: all_are(d, COUNT + 2))
        assert threads(d) == ["loop-2", "loop-3"]
        farm.end(1)
        down = {f"c{i}" for i in range(COUNT) if i % FARM == 1}
        wait_for("its checks to be down", lambda: {n for n, s in states(d).items() if s == "down"} == down)
        farm.begin(1)
        wait_for("all to be up again", lambda: all_are(d, COUNT + 2))
        last = d.check("c5")
        assert last["metrics"]["total_time"] > 0
        before = runs(d)
        wait_for("runs of all loops to be counted", lambda: runs(d) - before > COUNT)


def test_reload_storm_and_runs_on_demand(daemon):
    with Farm() as farm:
        d = daemon()
        write(d, settings(farm, COUNT, 3))
        d.start()
        wait_for("all to be up", lambda: all_are(d, COUNT + 2))
        for n in range(12):
            loops = (1, 3, 2, 4)[n % 4]
            first, interval = (0, "1s") if n % 3 else (COUNT // 2, "2s")
            write(d, settings(farm, COUNT, loops, first=first, interval=interval))
            d.process.send_signal(signal.SIGHUP)
            for i in range(COUNT - 8, COUNT):
                assert d.api.request("POST", f"/api/v1/checks/c{i}/run", {"Content-Length": "0"})[0] in (202, 404, 409)
        write(d, settings(farm, COUNT, 3))
        d.reload()
        wait_for("all to be up", lambda: all_are(d, COUNT + 2))
        before = {name: d.check(name)["runs"] for name in ("c1", f"c{COUNT - 1}", "own", "wire")}
        wait_for("each to run on", lambda: all(d.check(n)["runs"] > was for n, was in before.items()))


def test_killed_and_started_again_nobody_is_told_twice(daemon, hook):
    with Farm() as farm:
        d = daemon()
        write(d, settings(farm, 40, 3, hook))
        d.start()
        wait_for("all to be up", lambda: all_are(d, 42))
        farm.end(2)
        hook.wait("incident.opened")
        opened = {i["id"] for i in wait_for("an incident", d.incidents)}
        d.kill()
        d.start()
        wait_for("the round", lambda: d.api.request("GET", "/readyz")[0] == 200)
        assert opened <= {i["id"] for i in d.incidents()}
        farm.begin(2)
        wait_for("the end of all", lambda: not d.incidents())
        told = [e["data"]["incident"]["id"] for e in hook.events("incident.opened")]
        assert len(told) == len(set(told))


def test_auto_is_one_loop_for_a_small_configuration(daemon):
    with Farm() as farm:
        d = daemon()
        write(d, settings(farm, 20, "auto"))
        d.start()
        wait_for("all to be up", lambda: all_are(d, 22))
        assert threads(d) == []


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


@contextlib.contextmanager
def held(task):
    """One thread of a process stands still; only whoever began it may let it go on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(PTRACE_SEIZE, task, None, None) != 0:
        pytest.skip(f"a thread cannot be held here: {os.strerror(ctypes.get_errno())}")
    libc.ptrace(PTRACE_INTERRUPT, task, None, None)
    os.waitpid(task, 0x40000000)  # __WALL
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, task, None, None)


def test_a_loop_that_stands_still_is_noticed(daemon, folder):
    folder = Path(folder)
    with Farm() as farm, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        notify.settimeout(LIMIT)
        d = daemon(env={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "4000000"})
        write(d, settings(farm, 40, 2))
        d.start()
        wait_for("all to be up", lambda: all_are(d, 42))
        task = next(int(t.name) for t in Path(f"/proc/{d.process.pid}/task").iterdir()
                    if (t / "comm").read_text().strip() == "loop-2")

        def fed():
            while notify.recv(4096) != b"WATCHDOG=1":
                continue
            return True
        assert fed()
        with held(task):
            wait_for("it to be said", lambda: "the watchdog is not fed: a loop says nothing" in d.log.read_text())
            assert d.api.request("GET", "/healthz")[0] == 200
        notify.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while notify.recv(4096):
                continue
        notify.settimeout(LIMIT)
        assert fed()
        wait_for("all to be up", lambda: all_are(d, 42))
