"""What the demo is made of: private servers in one folder, on free loopback ports, and their end.

Everything lives below one temporary folder and dies with this process, however it dies: children
ask the kernel for a signal at their parent's end, and the file system that is filled exists in a
mount namespace of our own only.
"""
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import api

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
UPLOADS_BYTES = 48 << 20

# Who is needed: where it may be beside $PATH, and the package of Debian and Ubuntu that has it.
PROGRAMS = {
    "postgres": ("/usr/lib/postgresql/*/bin", "postgresql"),
    "initdb": ("/usr/lib/postgresql/*/bin", "postgresql"),
    "redis-server": ("/usr/sbin", "redis-server"),
    "nginx": ("/usr/sbin", "nginx-light"),
}


class Trouble(Exception):
    """Something that the person who started us can do something about."""


def find(name):
    """The newest one there is; None."""
    found = shutil.which(name)
    if found:
        return found
    folder = PROGRAMS[name][0].lstrip("/")
    there = sorted(Path("/").glob(f"{folder}/{name}"),
                   key=lambda p: [int(d) for d in p.parts if d.isdigit()])
    return str(there[-1]) if there else None


def missing():
    """Packages, each once."""
    return sorted({package for name, (_, package) in PROGRAMS.items() if not find(name)})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, test, limit=30):
    end = time.monotonic() + limit
    while not test():
        if time.monotonic() > end:
            raise Trouble(f"{what} did not come within {limit} s")
        time.sleep(0.05)


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# --- a file system of our own ---

def has_own_mounts():
    """A mount namespace of our own, as root or as somebody with user namespaces; before threads."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        if LIBC.unshare(CLONE_NEWNS) != 0:
            return False
    else:
        if LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
            return False
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        except OSError:
            return False
    return LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


def mount_tmpfs(path):
    options = f"size={UPLOADS_BYTES},mode=1777".encode()
    return LIBC.mount(b"tmpfs", str(path).encode(), b"tmpfs", 0, options) == 0


# --- processes ---

def server_user():
    """PostgreSQL refuses root: (uid, gid) of somebody else, or None where we are somebody else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            who = pwd.getpwnam(name)
            return who.pw_uid, who.pw_gid
        except KeyError:
            continue
    raise Trouble("there is neither a user postgres nor nobody to run PostgreSQL")


class Parts:
    """Started processes, by name, in the folder; `stop` ends one, `end` all of them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.running = {}

    def path(self, name, owner=None):
        path = self.folder / name
        path.mkdir(mode=0o755, exist_ok=True)
        if owner:
            os.chown(path, *owner)
        return path

    def start(self, name, argv, owner=None, env=None, ready=None):
        def before():
            if owner:
                os.setgroups([])
                os.setgid(owner[1])
                os.setuid(owner[0])
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, cwd="/", preexec_fn=before, start_new_session=True,
                                   env={**os.environ, "LC_ALL": "C", **(env or {})})
        log.close()
        self.running[name] = process
        if ready:
            wait_for(f"{name} ({self.folder}/{name}.log)", lambda: self.lives(name) and ready())
        return process

    def lives(self, name):
        code = self.running[name].poll()
        if code is not None:
            words = (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]
            raise Trouble(f"{name} ended with {code}:\n{words}")
        return True

    def stop(self, name, how=signal.SIGTERM):
        process = self.running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def end(self):
        """The daemon first, so that it tells of nothing that we end."""
        for name in ["triaged", *reversed([n for n in self.running if n != "triaged"])]:
            self.stop(name, signal.SIGINT if name == "postgres" else signal.SIGTERM)


def takes_sessions(port):
    """A server that still reads its log listens already, and turns sessions away."""
    try:
        api.Postgres(port, "postgres").close()
        return True
    except OSError:
        return False


def start_postgres(parts, port):
    owner = server_user()
    data = parts.path("postgres", owner)
    cluster = data / "data"
    done = parts.start("initdb", [find("initdb"), "-D", cluster, "-U", "postgres", "--no-sync", "-A",
                                  "trust", "--locale=C", "-E", "UTF8"], owner)
    if done.wait(60) != 0:
        parts.lives("initdb")
    parts.running.pop("initdb")
    parts.start("postgres", [
        find("postgres"), "-D", cluster, "-p", port, "-k", data, "-c", "listen_addresses=127.0.0.1",
        "-c", "max_connections=30", "-c", "fsync=off", "-c", "shared_buffers=8MB", "-c",
        "logging_collector=off"], owner, ready=lambda: takes_sessions(port))
    # It may read the server's own numbers, as a role for monitoring should.
    session = api.Postgres(port, "postgres")
    session.query("CREATE ROLE shop LOGIN IN ROLE pg_monitor")
    session.close()


def start_redis(parts, port):
    parts.start("redis", [find("redis-server"), "--port", port, "--bind", "127.0.0.1", "--dir",
                          parts.path("redis"), "--save", "", "--daemonize", "no"],
                ready=lambda: answers(port))


def start_nginx(parts, port, api_port):
    folder = parts.path("nginx")
    temp = "".join(f"    {kind}_temp_path {folder}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # As root its workers would be somebody else, who may not write here.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""{user}daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
{temp}    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{api_port}; }}
    }}
}}
""")
    parts.start("nginx", [find("nginx"), "-c", folder / "nginx.conf", "-e", folder / "error.log"],
                ready=lambda: answers(port))
