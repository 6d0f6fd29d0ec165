"""Real PostgreSQL servers in private folders: made from one template, as another user than root."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import lab

BIN = Path("/usr/lib/postgresql/15/bin")
USER = "nobody"
SMALL = """
listen_addresses = '127.0.0.1'
shared_buffers = 1MB
max_connections = 20
fsync = off
autovacuum = off
max_wal_senders = 4
max_replication_slots = 4
wal_level = replica
max_wal_size = 64MB
log_destination = stderr
"""


def as_user(*argv):
    """Servers refuse root; whoever else we are is good enough."""
    if os.geteuid() != 0:
        return [str(a) for a in argv]
    return ["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", *map(str, argv)]


def run(*argv, check=True, **kwargs):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent"}
    done = subprocess.run(as_user(*argv), capture_output=True, text=True, env=env, timeout=lab.LIMIT,
                          cwd="/", **kwargs)
    assert not check or done.returncode == 0, (argv, done.stdout, done.stderr)
    return done


def give(path):
    if os.geteuid() == 0:
        shutil.chown(path, USER, "nogroup")


class Postgres:
    """One cluster; superuser `super` (trust on the unix socket), `app` with a password over TCP."""

    def __init__(self, template=None, folder=None):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="pg-"))
        self.data = self.folder / "d"
        self.port = lab.free_port()
        self.process = None
        os.chmod(self.folder, 0o755)
        give(self.folder)
        if template:
            run("cp", "-a", template.data, self.data)
        else:
            run(BIN / "initdb", "-D", self.data, "-U", "super", "--no-sync", "-A", "trust",
                "--locale=C", "-E", "UTF8")
            self.conf(SMALL)
            self.hba()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def conf(self, text):
        self.as_owner(self.data / "postgresql.conf", text, append=True)

    def hba(self, first=""):
        self.as_owner(self.data / "pg_hba.conf", first + """
local all super trust
local replication super trust
host replication super 127.0.0.1/32 trust
host all super 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
""")

    def as_owner(self, path, text, append=False):
        old = path.read_text() if append else ""
        path.write_text(old + text)
        give(path)
        os.chmod(path, 0o600)

    @property
    def log(self):
        return self.folder / "log.txt"

    def spawn(self, *more):
        out = self.log.open("ab")
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        self.process = subprocess.Popen(
            as_user(BIN / "postgres", "-D", self.data, "-p", self.port, "-k", self.folder, *more),
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, cwd="/",
            start_new_session=True)
        return self

    def start(self, *more):
        self.spawn(*more)
        lab.wait_for("PostgreSQL", self.is_ready)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(self.words())
        return run(BIN / "pg_isready", "-h", self.folder, "-p", self.port, "-U", "super",
                   check=False).returncode == 0

    def words(self):
        return self.log.read_text(errors="replace")[-3000:]

    def psql(self, sql, db="postgres", user="super", check=True):
        return run(BIN / "psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p",
                   self.port, "-U", user, "-d", db, "-c", sql, check=check).stdout.strip()

    @contextlib.contextmanager
    def session(self, *statements, user="super", db="postgres"):
        """psql that has done these and stays."""
        with subprocess.Popen(
                as_user(BIN / "psql", "-X", "-qAt", "-h", self.folder, "-p", self.port, "-U", user,
                        "-d", db), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, cwd="/") as p:
            try:
                p.stdin.write("".join(s + ";\n" for s in statements) + "\\echo here\n")
                p.stdin.flush()
                while p.stdout.readline().strip() != "here":
                    assert p.poll() is None
                yield p
            finally:
                p.kill()

    def send(self, number):
        os.kill(self.process.pid, number)

    def stop(self, how=signal.SIGINT):
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
            self.send(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGQUIT)
            self.process.wait()
        self.process = None

    def destroy(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user="app", password="s3cret", db="shop", host="127.0.0.1", more=""):
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@{host}:{self.port}/{db}{more}"

    def socket_dsn(self, user="super", db="shop"):
        return f"host={self.folder} port={self.port} user={user} dbname={db}"


def furnish(server):
    """Roles and tables that the tests want."""
    for sql in ("CREATE ROLE app LOGIN PASSWORD 's3cret'",
                "CREATE ROLE mon LOGIN PASSWORD 's3cret' IN ROLE pg_monitor",
                "CREATE ROLE sleeper NOLOGIN PASSWORD 's3cret'",
                "CREATE ROLE single LOGIN PASSWORD 's3cret' CONNECTION LIMIT 0",
                "CREATE DATABASE shop OWNER app"):
        server.psql(sql)
    server.psql("CREATE TABLE users (id int); CREATE TABLE secrets (id int);"
                "GRANT SELECT ON users TO app, mon; INSERT INTO users VALUES (1), (2)", db="shop")


class Bouncer:
    """PgBouncer before a server, sharing sessions by transaction; it has no `options`."""

    PROGRAM = Path("/usr/sbin/pgbouncer")

    def __init__(self, server):
        self.port = lab.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="pb-"))
        (self.folder / "users.txt").write_text('"super" ""\n')
        (self.folder / "c.ini").write_text(f"""
[databases]
shop = host={server.folder} port={server.port} user=super dbname=shop pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self.folder}/users.txt
pool_mode = transaction
logfile = {self.folder}/log.txt
""")
        for path in (self.folder, *self.folder.iterdir()):
            give(path)
        self.process = subprocess.Popen(as_user(self.PROGRAM, "-q", self.folder / "c.ini"), cwd="/",
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lab.wait_for("PgBouncer", lambda: run(BIN / "pg_isready", "-h", "127.0.0.1", "-p", self.port,
                                              check=False).returncode == 0)

    def url(self, db="shop"):
        return f"postgresql://super@127.0.0.1:{self.port}/{db}"

    def destroy(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
