"""Real Redis servers in private folders on free ports."""
import contextlib
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import lab


class Redis:
    """`args` are redis-server's own options; `tls` brings a certificate for localhost."""

    def __init__(self, *args, password=None, tls=False, sentinel=None, folder=None):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="rd-"))
        self.data = self.folder / "d"
        self.data.mkdir(exist_ok=True)
        self.port = lab.free_port()
        self.tls_port = lab.free_port() if tls else 0
        self.password = password
        self.args = list(args)
        self.sentinel = sentinel
        self.process = None
        if tls:
            self.make_certificate()

    @property
    def socket(self):
        return self.folder / "r.sock"

    @property
    def ca(self):
        return self.folder / "cert.pem"

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10",
                        "-keyout", self.folder / "key.pem", "-out", self.ca, "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        self.args += ["--tls-port", self.tls_port, "--tls-cert-file", self.ca, "--tls-key-file",
                      self.folder / "key.pem", "--tls-ca-cert-file", self.ca,
                      "--tls-auth-clients", "no"]

    def command(self):
        if self.sentinel:
            conf = self.folder / "sentinel.conf"
            conf.write_text(f"port {self.port}\ndir {self.data}\nbind 127.0.0.1\n{self.sentinel}\n")
            return ["redis-server", conf, "--sentinel"]
        args = ["redis-server", "--port", self.port, "--dir", self.data, "--unixsocket", self.socket,
                "--daemonize", "no"]
        if "--bind" not in self.args:
            args += ["--bind", "127.0.0.1"]
        if "--save" not in self.args:
            args += ["--save", ""]
        if self.password:
            args += ["--requirepass", self.password]
        return args + self.args

    def start(self, wrapper=()):
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([*map(str, [*wrapper, *self.command()])], stdout=log,
                                        stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        lab.wait_for(f"redis: {(self.folder / 'log').read_text()[-500:]}", self.listens)
        return self

    def listens(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def destroy(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cli(self, *words, check=True, password=None):
        env = {"REDISCLI_AUTH": password or self.password} if password or self.password else {}
        done = subprocess.run(["redis-cli", "--no-auth-warning", "-h", "127.0.0.1", "-p",
                               str(self.port), *map(str, words)], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", **env}, timeout=lab.LIMIT)
        if check:
            assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def url(self, db=None, auth=None):
        auth = f":{self.password}" if auth is None and self.password else auth
        return f"redis://{auth + '@' if auth else ''}127.0.0.1:{self.port}" + \
            (f"/{db}" if db is not None else "")

    @contextlib.contextmanager
    def idle_clients(self, count):
        held = []
        lab.wait_for("idle clients", lambda: self.hold_one(held) and len(held) == count)
        yield
        for s in held:
            s.close()

    def hold_one(self, held):
        """One that was turned away tries again: somebody else may be on the way out."""
        one = socket.create_connection(("127.0.0.1", self.port))
        with contextlib.suppress(OSError):
            one.sendall(b"PING\r\n")
            if one.recv(64).startswith(b"+PONG"):
                held.append(one)
                return True
        one.close()
        return False
