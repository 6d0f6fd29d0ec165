"""The daemon as a service: what it says on systemd's notify socket, sockets that were opened for it,
credentials, its end.  The harness stands in for systemd; `make ship SHIP=boot` has the real one."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import lab

# Puts descriptors where the protocol wants them and becomes the program, whose pid must be told.
PASS = """
import fcntl, os, sys
given = [int(n) for n in sys.argv[1].split(",")]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in given]
for fd in given:
    os.close(fd)
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class Manager:
    """systemd's end of the notify socket."""

    def __init__(self, folder):
        self.path = f"{folder}/notify"
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while True:
                text = self.socket.recv(4096).decode()
                self.heard.append(dict(line.split("=", 1) for line in text.splitlines()))

    def wait(self, key, value="", after=0):
        """The first message from number `after` on that says so; its number and the message."""
        def find():
            for n in range(after, len(self.heard)):
                if re.search(value, self.heard[n].get(key, "\0")):
                    return n, self.heard[n]
            return None
        return lab.wait_for(f"{key}={value}: heard {self.heard[-8:]}", find)

    def count(self, key):
        return sum(key in message for message in self.heard)

    def env(self, watchdog_us=None):
        more = {"WATCHDOG_USEC": str(watchdog_us)} if watchdog_us else {}
        return {"NOTIFY_SOCKET": self.path, **more}

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(folder):
    m = Manager(folder)
    yield m
    m.close()


def config(web, hook, listen="off"):
    return f"""
daemon: {{name: lab, state_dir: STATE}}
api: {{listen: "{listen}"}}
defaults: {{interval: 1s, timeout: 1s, retries: 1}}
receivers: {{hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}}}
routes: [{{to: [hook]}}]
checks:
  shop: {{type: http, url: "{web.url}"}}
  stays: {{type: tcp, address: "127.0.0.1:{hook.port}"}}
"""


def write(d, text):
    d.write(text.replace("STATE", str(d.state)), head=False)


def make(daemon, web, hook, manager=None, listen="off", watchdog_us=None, **env):
    d = daemon(env={**(manager.env(watchdog_us) if manager else {}), **env})
    write(d, config(web, hook, listen))
    return d


def start_with(d, sockets, names=None):
    """Starts it as systemd does: these sockets from descriptor 3 on."""
    fds = [s.fileno() for s in sockets]
    names = "api" if names is None else names
    d.process = subprocess.Popen(
        [sys.executable, "-c", PASS, ",".join(map(str, fds)), ":".join([names] * len(fds)),
         lab.BUILD / "triaged", "-c", d.config], pass_fds=fds, env=d.environment(),
        stdout=subprocess.DEVNULL, stderr=d.log.open("ab"), stdin=subprocess.DEVNULL)
    return d


def listening(where):
    s = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    s.bind(where)
    s.listen(64)
    return s


def get(where, path="/healthz"):
    with socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET) as s:
        s.settimeout(lab.LIMIT)
        s.connect(where)
        return ask(s, path)


def ask(s, path="/healthz"):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    out = b""
    while chunk := s.recv(65536):
        out += chunk
    return int(out.split(b" ")[1])


# ---- the notify socket ----

def test_its_line_says_how_it_goes(daemon, web, hook, manager):
    d = make(daemon, web, hook, manager).start()
    first, _ = manager.wait("READY", "1")
    said, _ = manager.wait("STATUS", "^2 checks: 2 up, 0 down; 0 open incidents; 0 notices waiting$",
                           first)
    web.stop()
    said, _ = manager.wait("STATUS", "^2 checks: 1 up, 1 down; 1 open incident; ", said)
    web.start()
    said, _ = manager.wait("STATUS", "2 up, 0 down; 0 open incidents", said)
    lines = [m["STATUS"] for m in manager.heard if "STATUS" in m]
    assert all(a != b for a, b in zip(lines, lines[1:])), "the same line is not said twice"
    assert d.process.poll() is None


def test_a_reload_is_begun_and_ended(daemon, web, hook, manager):
    d = make(daemon, web, hook, manager).start()
    at, _ = manager.wait("READY", "1")
    before = time.monotonic_ns() // 1000
    d.process.send_signal(signal.SIGHUP)
    at, said = manager.wait("RELOADING", "1", at)
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    at, _ = manager.wait("READY", "1", at)
    manager.wait("STATUS", "2 checks", at)
    write(d, config(web, hook).replace("type: tcp", "type: nope"))
    d.process.send_signal(signal.SIGHUP)
    at, _ = manager.wait("RELOADING", "1", at)
    at, _ = manager.wait("READY", "1", at)
    manager.wait("STATUS", "the settings on disk have errors", at)


def test_what_cannot_start_says_why(daemon, web, hook, manager):
    d = make(daemon, web, hook, manager)
    write(d, config(web, hook).replace("type: tcp", "type: nope"))
    done = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                          capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.returncode == 2
    manager.wait("STATUS", "^not started: the settings have errors")
    write(d, config(web, hook, listen="192.0.2.1:1"))
    done = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                          capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.returncode != 0
    manager.wait("STATUS", "^not started: ", 1)
    assert not manager.count("READY")


def test_a_wedged_loop_feeds_no_watchdog(daemon, web, hook, manager):
    d = make(daemon, web, hook, manager, watchdog_us=200000, TRIAGED_TEST_WEDGE="1").start()
    lab.wait_for("three signs of life", lambda: manager.count("WATCHDOG") >= 3)
    d.process.send_signal(signal.SIGUSR2)
    lab.wait_for("the wedge", lambda: "the loop is wedged" in d.log.read_text())
    fed = manager.count("WATCHDOG")
    threading.Event().wait(1)  # five times its time
    assert manager.count("WATCHDOG") == fed
    d.kill()


def test_a_stopped_process_feeds_it_again_when_it_goes_on(daemon, web, hook, manager):
    d = make(daemon, web, hook, manager, watchdog_us=200000).start()
    lab.wait_for("a sign of life", lambda: manager.count("WATCHDOG") >= 1)
    d.process.send_signal(signal.SIGSTOP)
    lab.wait_for("its rest", lambda: " T " in open(f"/proc/{d.process.pid}/stat").read())
    fed = manager.count("WATCHDOG")
    d.process.send_signal(signal.SIGCONT)
    lab.wait_for("signs of life again", lambda: manager.count("WATCHDOG") >= fed + 3)


def test_the_wedge_is_for_tests_alone(daemon, web, hook):
    d = make(daemon, web, hook).start()
    d.process.send_signal(signal.SIGUSR2)
    assert d.process.wait(lab.LIMIT) == -signal.SIGUSR2, "as any program that does not know it"
    d.process = None


def fail_before(silent, d, web, hook):
    """A check fails, and the receiver that is to be told takes the connection and says nothing."""
    write(d, config(web, hook).replace(hook.url, f"http://127.0.0.1:{silent.getsockname()[1]}/"))
    d.start()
    d.wait_state("shop", "up")
    web.stop()


def test_a_silent_receiver_does_not_hold_the_stop(daemon, web, hook, manager):
    with listening(("127.0.0.1", 0)) as silent:
        d = make(daemon, web, hook, manager)
        fail_before(silent, d, web, hook)
        d.wait_state("shop", "down")
        manager.wait("STATUS", "1 notice waiting")
        began = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        _, said = manager.wait("STOPPING", "1")
        assert re.search("^stopping; 1 notice waiting", said["STATUS"])
        allowed = int(said["EXTEND_TIMEOUT_USEC"]) / 1e6
        assert d.process.wait(lab.LIMIT) == 0
        assert time.monotonic() - began < allowed, "it keeps its word"
        d.process = None


@pytest.mark.slow
def test_a_stop_that_hangs_ends_all_the_same(daemon, web, hook, manager):
    """Within what was asked for, and with nothing lost: the notice goes out after the next start."""
    with listening(("127.0.0.1", 0)) as silent:
        d = make(daemon, web, hook, manager, TRIAGED_TEST_WEDGE="1")
        fail_before(silent, d, web, hook)
        manager.wait("STATUS", "1 notice waiting")
        began = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        _, said = manager.wait("STOPPING", "1")
        d.process.send_signal(signal.SIGUSR2)
        assert d.process.wait(lab.LIMIT) == 1
        assert time.monotonic() - began < int(said["EXTEND_TIMEOUT_USEC"]) / 1e6
        assert "the loop is wedged" in d.words()
        d.process = None
    write(d, config(web, hook))
    d.start()
    hook.wait("incident.opened", "shop")


def test_a_stop_is_not_cut_short_by_a_reload(daemon, web, hook, manager):
    """The receiver that is waited for would be another one, and the service ready again."""
    with listening(("127.0.0.1", 0)) as silent:
        d = make(daemon, web, hook, manager)
        fail_before(silent, d, web, hook)
        manager.wait("STATUS", "1 notice waiting")
        d.process.send_signal(signal.SIGHUP)
        d.process.send_signal(signal.SIGTERM)
        at, _ = manager.wait("STOPPING", "1")
        while d.process.poll() is None:
            d.process.send_signal(signal.SIGHUP)
            threading.Event().wait(0.05)
        assert d.process.returncode == 0
        d.process = None
    after = manager.heard[at:]
    assert not [m for m in after if "READY" in m or "RELOADING" in m], after


def test_a_full_notify_socket_blocks_nobody(daemon, web, hook, folder):
    """Nobody reads: what is said gets lost, and checks go on."""
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    deaf.bind(f"{folder}/notify")
    d = make(daemon, web, hook, NOTIFY_SOCKET=f"{folder}/notify", WATCHDOG_USEC="20000").start()
    d.wait_state("shop", "up")
    lab.wait_for("runs", lambda: d.check("shop")["runs"] >= 3)
    d.stop()
    deaf.close()


def test_no_child_inherits_what_was_told_to_the_daemon(daemon, web, hook, manager, folder):
    with listening(("127.0.0.1", 0)) as tcp:
        d = make(daemon, web, hook, manager, watchdog_us=60000000)
        write(d, config(web, hook) + '  disk: {type: disk, path: /}\n'
              '  env: {type: exec, command: ["/bin/sh", "-c", "env; ls -l /proc/self/fd"]}\n')
        start_with(d, [tcp])
        lab.wait_for("the daemon to answer", d.is_up)
        d.wait_state("env", "up")
        d.wait_state("disk", "up")
        children = open(f"/proc/{d.process.pid}/task/{d.process.pid}/children").read().split()
        assert children, "the disk's helper is there"
        told = [open(f"/proc/{pid}/environ", "rb").read() for pid in children]
        said = str(d.check("env")).encode()
        for text in [*told, said]:
            for name in (b"NOTIFY_SOCKET", b"WATCHDOG_", b"LISTEN_"):
                assert name not in text
        port_inode = os.fstat(tcp.fileno()).st_ino
        for pid in children:
            held = [os.stat(f"/proc/{pid}/fd/{fd}").st_ino for fd in os.listdir(f"/proc/{pid}/fd")]
            assert port_inode not in held


# ---- sockets that were passed ----

def test_sockets_are_taken_and_outlive_restarts(daemon, web, hook, folder):
    path = f"{folder}/api.sock"
    with listening(("127.0.0.1", 0)) as tcp, listening(path) as unix:
        place = tcp.getsockname()
        d = make(daemon, web, hook, listen=f"127.0.0.1:{place[1]}")
        start_with(d, [tcp, unix])
        lab.wait_for("the daemon to answer", d.is_up)
        assert get(place) == 200
        # It answers before its log is written, by a thread of its own.
        words = lab.wait_for("the word of its start", lambda: "listening on" in d.words() and d.words())
        assert f"api: unix:{path} was passed to us (api)" in words
        assert f"api: 127.0.0.1:{place[1]} was passed to us (api)" in words
        assert "gives way" not in words
        assert sorted(d.api.get("/api/v1/status")["listening"]) == \
            [f"http://127.0.0.1:{place[1]}", f"unix:{path}"]
        d.reload()
        assert get(place) == 200 and get(path) == 200
        d.stop()
        assert os.path.exists(path), "it is not ours to remove"
        with socket.socket(socket.AF_UNIX) as early, socket.socket() as early_tcp:
            early.connect(path)
            early_tcp.connect(place)
            start_with(d, [tcp, unix])
            assert ask(early) == 200 and ask(early_tcp) == 200


def test_nobody_is_refused_while_it_restarts(daemon, web, hook, folder):
    path = f"{folder}/api.sock"
    answers, over = [], threading.Event()

    def keep_asking():
        while not over.is_set():
            try:
                answers.append(get(path))
            except OSError as e:
                answers.append(e)

    with listening(path) as unix:
        d = make(daemon, web, hook)
        start_with(d, [unix])
        lab.wait_for("the daemon to answer", d.is_up)
        threads = [threading.Thread(target=keep_asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            asked = len(answers)
            lab.wait_for("some answers", lambda: len(answers) >= asked + 10)
            d.stop()
            start_with(d, [unix])
        asked = len(answers)
        lab.wait_for("some answers", lambda: len(answers) >= asked + 10)
        over.set()
        for thread in threads:
            thread.join()
        assert set(answers) == {200}, [a for a in answers if a != 200]


def test_settings_give_way_to_what_was_passed(daemon, web, hook, folder):
    with listening(("127.0.0.1", 0)) as tcp:
        port = tcp.getsockname()[1]
        other = lab.free_port()
        d = make(daemon, web, hook)
        write(d, config(web, hook).replace(
            'listen: "off"', f'listen: ["0.0.0.0:{port}", "127.0.0.1:{other}"], token: not-guessed'))
        start_with(d, [tcp])
        lab.wait_for("the daemon to answer", d.is_up)  # its own unix socket is there, too
        assert f"api: 0.0.0.0:{port} of the settings gives way to 127.0.0.1:{port}" in d.words()
        assert get(("127.0.0.1", port)) == 200 and get(("127.0.0.1", other)) == 200
        write(d, config(web, hook))  # listen: off
        d.reload()
        assert get(("127.0.0.1", port)) == 200, "what was passed stays until the end"
        with pytest.raises(OSError):
            get(("127.0.0.1", other))


def test_a_socket_beyond_loopback_needs_a_token(daemon, web, hook):
    with listening(("0.0.0.0", 0)) as tcp:
        d = make(daemon, web, hook)
        start_with(d, [tcp])
        assert d.process.wait(lab.LIMIT) == 1
        d.process = None
        assert "which was passed to us: listening beyond loopback needs api.token" in d.words()


def test_what_cannot_be_listened_on_is_closed_and_said(daemon, web, hook):
    with listening(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as dgram:
        d = make(daemon, web, hook)
        start_with(d, [dgram, tcp], names="mine")
        lab.wait_for("the daemon to answer", d.is_up)
        assert "descriptor 3 (mine) was passed to listen on, and is no listening" in d.words()
        assert get(tcp.getsockname()) == 200


# ---- credentials ----

def test_credentials_are_read_and_never_shown(daemon, web, hook, folder):
    os.mkdir(f"{folder}/creds")
    with open(f"{folder}/creds/word", "w") as f:
        f.write("s3cret-word\n")
    d = make(daemon, web, hook, CREDENTIALS_DIRECTORY=f"{folder}/creds")
    check = '  knows: {type: exec, command: ["/bin/sh", "-c", "test $W = s3cret-word"], ' \
            'env: {W: "${credential:word}"}}\n'
    write(d, config(web, hook) + check)
    d.start()
    d.wait_state("knows", "up")
    assert b"s3cret-word" not in d.api.raw(
        b"GET /api/v1/config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    write(d, config(web, hook) + check.replace("credential:word", "credential:other"))
    d.reload()
    assert "LoadCredential=other:" in d.words() and "s3cret-word" not in d.words()
    d.wait_state("knows", "up")
