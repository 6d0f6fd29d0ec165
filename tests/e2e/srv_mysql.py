"""Real MariaDB servers in private folders, as another user than root, and keys for TLS."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import lab

USER = "nobody"
PASSWORD = "s3cret-of-app"


def as_user(*argv):
    """Servers refuse root; whoever else we are is good enough."""
    if os.geteuid() != 0:
        return [str(a) for a in argv]
    return ["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", *map(str, argv)]


def make_keys(folder, names="DNS:localhost,IP:127.0.0.1"):
    """A certificate that is its own authority; (certificate, key)."""
    cert, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10",
                    "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    for path in (cert, key):
        os.chmod(path, 0o644)
    return cert, key


class MariaDB:
    """One server; `root` without a password on the unix socket only, the rest by the tests."""

    def __init__(self, *options):
        self.folder = Path(tempfile.mkdtemp(prefix="my-"))
        self.data = self.folder / "d"
        self.port = lab.free_port()
        self.options = options
        self.process = None
        self.wrapper = []  # a command that begins the server
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, "nogroup")
        subprocess.run(as_user("mariadb-install-db", "--no-defaults", "--skip-test-db",
                               "--auth-root-authentication-method=normal",
                               f"--datadir={self.data}", f"--tmpdir={self.folder}",
                               "--innodb-log-file-size=4M"),
                       check=True, capture_output=True, cwd="/", timeout=lab.LIMIT)

    @property
    def socket(self):
        return self.folder / "s"

    @property
    def log(self):
        return self.folder / "log.txt"

    def start(self, *more):
        out = self.log.open("ab")
        self.process = subprocess.Popen(
            self.wrapper +
            as_user("mariadbd", "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                    "--bind-address=127.0.0.1", f"--socket={self.socket}", "--skip-name-resolve",
                    f"--pid-file={self.folder}/pid", "--innodb-buffer-pool-size=8M",
                    "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=4M",
                    "--aria-pagecache-buffer-size=1M", "--key-buffer-size=64K",
                    *self.options, *more),
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True)
        lab.wait_for("MariaDB", self.is_ready)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text(errors="replace")[-3000:])
        return self.client("-e", "SELECT 1", check=False).returncode == 0

    def client(self, *args, check=True, user="root"):
        done = subprocess.run(["mariadb", "--no-defaults", f"-u{user}", "-S", self.socket, "-N",
                               "-B", *args], capture_output=True, text=True, timeout=lab.LIMIT)
        assert not check or done.returncode == 0, (args, done.stderr)
        return done

    def sql(self, *statements):
        return self.client("-e", ";".join(statements)).stdout.strip()

    @contextlib.contextmanager
    def session(self, sql="SELECT 'here'", db=None):
        """A client that has done these and stays connected."""
        argv = ["mariadb", "--no-defaults", "-uroot", "-S", self.socket, "-N", "-B", "-n"]
        with subprocess.Popen(argv + ([db] if db else []), stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
            try:
                p.stdin.write(f"{sql};\nSELECT 'here';\n")
                p.stdin.flush()
                while p.stdout.readline().strip() != "here":
                    assert p.poll() is None
                yield p
            finally:
                p.kill()

    def say(self, session, sql):
        """Begins a statement in a session, without waiting for its end."""
        session.stdin.write(sql + ";\n")
        session.stdin.flush()

    def send(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def destroy(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user="app", password=PASSWORD, db="shop", more=""):
        who = f"{user}:{password}" if password else user
        return f"mysql://{who}@127.0.0.1:{self.port}/{db}{more}"


def furnish(server):
    """Accounts and tables that the tests want."""
    given = f"IDENTIFIED BY '{PASSWORD}'"
    server.sql(
        f"CREATE USER app@'%' {given}", f"CREATE USER mon@'%' {given}",
        f"CREATE USER single@'%' {given} WITH MAX_USER_CONNECTIONS 1",
        "CREATE DATABASE shop", "CREATE TABLE shop.users (id int primary key)",
        "CREATE TABLE shop.secrets (id int)", "INSERT INTO shop.users VALUES (1),(2)",
        "GRANT SELECT, INSERT ON shop.users TO app@'%', single@'%'",
        "GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR ON *.* TO mon@'%'",
        "GRANT SELECT ON shop.* TO mon@'%'")
