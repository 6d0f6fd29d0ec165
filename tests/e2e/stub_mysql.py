"""What only MySQL does and no package here has: caching_sha2_password with a real check of what is
sent (over TLS, and encrypted with RSA over plain TCP), an error packet instead of the greeting, the
columns of SHOW REPLICA STATUS.  It speaks just enough of the protocol, and counts who came."""
import contextlib
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

SCRAMBLE = b"abcdefghijklmnopqrst"
TLS, PLUGIN = 1 << 11, 1 << 19
BASE = 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 13 | 1 << 15 | PLUGIN | 1 << 20


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def text(value):
    if value is None:
        return b"\xfb"
    raw = str(value).encode()
    return (bytes([len(raw)]) if len(raw) < 251 else b"\xfc" + struct.pack("<H", len(raw))) + raw


class Gone(Exception):
    pass


class Wire:
    """Packets over a socket."""

    def __init__(self, sock):
        self.sock, self.sequence = sock, 0

    def take(self, count):
        out = b""
        while len(out) < count:
            chunk = self.sock.recv(count - len(out))
            if not chunk:
                raise Gone
            out += chunk
        return out

    def read(self):
        head = self.take(4)
        self.sequence = (head[3] + 1) & 0xFF
        return self.take(int.from_bytes(head[:3], "little"))

    def write(self, payload):
        self.sock.sendall(len(payload).to_bytes(3, "little") + bytes([self.sequence]) + payload)
        self.sequence = (self.sequence + 1) & 0xFF

    def ok(self):
        self.write(b"\0\0\0\2\0\0\0")

    def error(self, number, words, state="HY000"):
        mark = b"#" + state.encode() if state else b""
        self.write(b"\xff" + struct.pack("<H", number) + mark + words.encode())

    def rows(self, columns, rows):
        self.write(bytes([len(columns)]))
        for name in columns:
            self.write(text("def") + text("") + text("") + text("") + text(name) + text("") +
                       b"\x0c\x2d\0\0\1\0\0\xfd\0\0\0\0\0")
        self.write(b"\xfe\0\0\2\0")
        for row in rows:
            self.write(b"".join(text(cell) for cell in row))
        self.write(b"\xfe\0\0\2\0")


class MySQL:
    """A thread for each connection.  `answers`: [(part of a statement, (columns, rows) or
    (number, words))], looked through in order; the rest is answered with OK or one NULL."""

    def __init__(self, version="8.4.3", plugin="caching_sha2_password", default=None,
                 password="s3cret-of-app", is_tls=False, greeting_error=None, refusal=None, answers=(),
                 unix=None, names="DNS:localhost,IP:127.0.0.1"):
        self.version, self.plugin, self.password = version, plugin, password
        self.default = default or plugin
        self.greeting_error, self.refusal, self.answers = greeting_error, refusal, list(answers)
        self.is_tls, self.is_unix = is_tls, unix is not None
        self.cache = set()  # who logged in fully before
        self.flows, self.attributes, self.statements = [], b"", []
        self.now = self.most = 0  # connections
        self.folder = Path(tempfile.mkdtemp(prefix="stub-"))
        self.key = self.folder / "rsa.pem"
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True,
                       capture_output=True)
        self.public = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True,
                                     capture_output=True).stdout
        if is_tls:
            self.cert = self.folder / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-key", self.key, "-days", "10", "-subj",
                            "/CN=stub", "-addext", f"subjectAltName={names}", "-out", self.cert],
                           check=True, capture_output=True)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(self.cert, self.key)
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(str(unix))
            self.socket.listen()
        else:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, password=None, more=""):
        return f"mysql://app:{password or self.password}@127.0.0.1:{self.port}/shop{more}"

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.socket.accept()
                threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        wire = Wire(sock)
        with contextlib.suppress(Gone, OSError):
            if self.greeting_error:
                wire.error(*self.greeting_error, state="")
                wire.take(1)
            elif self.login(wire):
                self.work(wire)
        with self.lock:
            self.now -= 1
        wire.sock.close()

    # --- login ---

    def greet(self, wire):
        caps = BASE | (TLS if self.is_tls else 0)
        wire.write(b"\x0a" + self.version.encode() + b"\0" + struct.pack("<I", 7) + SCRAMBLE[:8] +
                   b"\0" + struct.pack("<H", caps & 0xFFFF) + b"\x2d\2\0" +
                   struct.pack("<H", caps >> 16) + bytes([21]) + b"\0" * 10 + SCRAMBLE[8:] +
                   b"\0" + self.default.encode() + b"\0")

    def login(self, wire):
        self.greet(wire)
        hello, is_private = wire.read(), self.is_unix
        if struct.unpack("<I", hello[:4])[0] & TLS:
            wire.sock = self.context.wrap_socket(wire.sock, server_side=True)
            hello, is_private = wire.read(), True
        if self.refusal:
            wire.error(*self.refusal)
            return False
        caps = struct.unpack("<I", hello[:4])[0]
        user, rest = hello[32:].split(b"\0", 1)
        proof, rest = rest[1:1 + rest[0]], rest[1 + rest[0]:]
        if caps & 8:
            rest = rest.split(b"\0", 1)[1]
        name, self.attributes = rest.split(b"\0", 1)
        if name.decode() != self.plugin:
            wire.write(b"\xfe" + self.plugin.encode() + b"\0" + SCRAMBLE + b"\0")
            proof = wire.read()
            self.flows.append("switch")
        if self.is_welcome(wire, user, proof, is_private):
            wire.ok()
            return True
        wire.error(1045, f"Access denied for user '{user.decode()}'@'127.0.0.1' "
                         "(using password: YES)", "28000")
        return False

    def is_welcome(self, wire, user, proof, is_private):
        if self.plugin == "caching_sha2_password":
            return self.welcome_caching(wire, user, proof, is_private)
        if self.plugin == "sha256_password":
            return self.welcome_itself(wire, proof, is_private, b"\1")
        if self.plugin == "mysql_clear_password":
            self.flows.append("clear" if proof else "empty")
            return proof == self.password.encode() + b"\0"
        if self.plugin == "mysql_native_password":
            once = hashlib.sha1(self.password.encode()).digest()
            twice = hashlib.sha1(once).digest()
            return proof == xor(once, hashlib.sha1(SCRAMBLE + twice).digest())
        self.flows.append(f"foreign {len(proof)}")
        return False

    def welcome_caching(self, wire, user, proof, is_private):
        once = sha(self.password.encode())
        if user in self.cache:
            if proof != xor(once, sha(sha(once), SCRAMBLE)):
                return False
            self.flows.append("fast")
            wire.write(b"\1\3")
            return True
        wire.write(b"\1\4")
        if not self.welcome_itself(wire, wire.read(), is_private, b"\2"):
            return False
        self.cache.add(user)
        return True

    def welcome_itself(self, wire, said, is_private, ask):
        """The password: in clear where nobody reads along, encrypted for our key elsewhere."""
        if is_private:
            self.flows.append("clear")
            return said == self.password.encode() + b"\0"
        if said != ask:
            return False
        wire.write(b"\1" + self.public)
        self.flows.append("rsa")
        done = subprocess.run(["openssl", "pkeyutl", "-decrypt", "-inkey", self.key, "-pkeyopt",
                               "rsa_padding_mode:oaep"], input=wire.read(), capture_output=True)
        want = self.password.encode() + b"\0"
        return xor(done.stdout, SCRAMBLE * 13)[:len(done.stdout)] == want

    # --- statements ---

    def work(self, wire):
        while True:
            packet = wire.read()
            wire.sequence = 1
            if packet[0] == 1:
                return
            sql = packet[1:].decode()
            self.statements.append(sql)
            self.answer(wire, sql)

    def answer(self, wire, sql):
        for part, answer in self.answers:
            if part in sql:
                if isinstance(answer[0], int):
                    wire.error(*answer)
                else:
                    wire.rows(*answer)
                return
        if sql.startswith("SET "):
            wire.ok()
        elif sql.startswith("SELECT @@"):
            wire.rows(["a"] * 10, [["151", "0", "0", "1", "5f6e", "2592000", "stub", "/d/", "app@%",
                                     "SYSTEM"]])
        elif sql.startswith("SHOW GLOBAL STATUS"):
            wire.rows(["Variable_name", "Value"], [["Threads_connected", "3"], ["Uptime", "99"]])
        elif "REPLICA" in sql or "SLAVE" in sql or "BINARY LOGS" in sql:
            wire.rows(["Replica_IO_Running"], [])
        else:
            wire.rows(["x"], [[None]])


def replica(**cells):
    """A row of MySQL 8.4's SHOW REPLICA STATUS."""
    row = {"Replica_IO_State": "Waiting for source to send event", "Source_Host": "db-1",
           "Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Last_IO_Errno": "0",
           "Last_IO_Error": "", "Last_SQL_Errno": "0", "Last_SQL_Error": "", "SQL_Delay": "0",
           "Seconds_Behind_Source": "0", "Channel_Name": "", **cells}
    return list(row), [list(row.values())]
