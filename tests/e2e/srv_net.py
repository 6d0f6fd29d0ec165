"""Servers that answer as a test says: TCP stubs, TLS with certificates of every kind, names, mail."""
import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

import lab

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Stub:
    """Each connection is handed to `talk(conn)`; whatever goes wrong in it is the end of it."""

    def __init__(self, talk, backlog=16):
        self.talk = talk
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.socket.accept()
                threading.Thread(target=self.answer, args=(conn,), daemon=True).start()

    def answer(self, conn):
        with contextlib.suppress(OSError, ValueError), conn:
            conn.settimeout(lab.LIMIT)
            self.talk(conn)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # close() alone leaves an accept() that is under way listening.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def say(data):
    """Says this, then listens until the other side goes."""
    def talk(conn):
        conn.sendall(data)
        while conn.recv(4096):
            pass
    return talk


def say_and_close(data):
    def talk(conn):
        conn.sendall(data)
    return talk


def answer(data):
    """Hears something, says this, and ends."""
    def talk(conn):
        conn.recv(4096)
        conn.sendall(data)
    return talk


def mute(conn):
    while conn.recv(4096):
        pass


def close(conn):
    """An orderly end, once something was asked."""
    conn.recv(4096)


def reset(conn):
    """RST instead of an end, once something was asked."""
    conn.recv(4096)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def http(status="200 OK", body=b"{}", headers=(), length=None, delay=None):
    """One HTTP answer to one request."""
    def talk(conn):
        while b"\r\n\r\n" not in conn.recv(65536):
            pass
        if delay:
            threading.Event().wait(delay)
        size = len(body) if length is None else length
        head = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers]
        conn.sendall(("\r\n".join(head) + "\r\n\r\n").encode() + body)
    return talk


# --- certificates ---

class Keys:
    """An authority, and what it signs; made by openssl, in a folder that goes away."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="keys-"))
        self.ca = self.folder / "ca.pem"
        self.openssl("req", "-x509", *self.new_key("ca"), "-days", "30", "-out", self.ca,
                     "-subj", "/CN=Lab CA")

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                self.folder / f"{name}.key"]

    def openssl(self, *args, shift=None):
        env = {**os.environ, **({"LD_PRELOAD": FAKETIME, "FAKETIME": shift} if shift else {})}
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, env=env,
                       cwd=self.folder)

    def make(self, name, names="DNS:localhost,IP:127.0.0.1", days=20, shift=None, ca="ca",
             is_ca=False):
        """A certificate signed by `ca`; `shift`: made at another time. (certificate, key)"""
        (self.folder / "ext").write_text(
            f"subjectAltName={names}\n" + ("basicConstraints=critical,CA:TRUE\n" if is_ca else ""))
        self.openssl("req", *self.new_key(name), "-out", f"{name}.csr", "-subj",
                     f"/CN={name}.lab")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey",
                     f"{ca}.key", "-CAcreateserial", "-days", days, "-extfile", "ext", "-out",
                     f"{name}.pem", shift=shift)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def make_own(self, name="own"):
        """Self-signed."""
        self.openssl("req", "-x509", *self.new_key(name), "-days", "9", "-out", f"{name}.pem",
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def chain(self, name, *parts):
        """Certificates one behind the other, as a server sends them."""
        path = self.folder / f"{name}.chain"
        path.write_text("".join((self.folder / f"{p}.pem").read_text() for p in parts))
        return path

    def destroy(self):
        subprocess.run(["rm", "-rf", self.folder], check=False)


def tls(keys, before=None, after=mute, **limits):
    """A talk that goes over to TLS with (certificate, key), perhaps after plain words."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, keys))
    for name, value in limits.items():
        setattr(context, name, value)

    def talk(conn):
        if before:
            before(conn)
        with context.wrap_socket(conn, server_side=True) as secure:
            after(secure)
    return talk


# --- mail ---

def mail(answers, greeting="220 mail.lab ESMTP", upgrade=None):
    """An SMTP server: {verb: answer}; after a good STARTTLS it goes on over TLS with `upgrade`."""
    def dialogue(conn, is_greeted=False):
        if not is_greeted:
            conn.sendall(greeting.encode() + b"\r\n")
        buffer = b""
        while chunk := conn.recv(4096):
            buffer += chunk
            while b"\r\n" in buffer:
                line, _, buffer = buffer.partition(b"\r\n")
                verb = line.split(b" ")[0].decode(errors="replace").upper()
                answer = answers.get(verb, "221 bye" if verb == "QUIT" else "502 what?")
                conn.sendall(answer.replace("\n", "\r\n").encode() + b"\r\n")
                if verb == "QUIT":
                    return
                if verb == "STARTTLS" and answer.startswith("220"):
                    tls(upgrade, after=lambda c: dialogue(c, True))(conn)
                    return
    return dialogue


# --- names ---

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "SRV": 33, "CAA": 257}


def wire_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".") if p) + b"\0"


def wire_value(kind, text):
    words = text.split(" ")
    if kind == "A":
        return socket.inet_aton(text)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, text)
    if kind == "MX":
        return struct.pack(">H", int(words[0])) + wire_name(words[1])
    if kind == "SRV":
        return struct.pack(">HHH", *map(int, words[:3])) + wire_name(words[3])
    if kind == "SOA":
        return wire_name(words[0]) + wire_name(words[1]) + struct.pack(">IIIII", int(words[2]),
                                                                       1, 2, 3, 4)
    if kind == "TXT":
        parts = [text[i:i + 255].encode() for i in range(0, len(text), 255)]
        return b"".join(bytes([len(p)]) + p for p in parts)
    if kind == "CAA":
        return bytes([int(words[0]), len(words[1])]) + words[1].encode() + words[2].encode()
    return wire_name(text)


class Names:
    """A DNS server by UDP and TCP; rows {(name, type): [values] | rcode | None (silence)}."""

    def __init__(self, rows):
        self.rows = rows
        self.port = 0
        for _ in range(50):
            self.tcp = socket.create_server(("127.0.0.1", 0))
            self.port = self.tcp.getsockname()[1]
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def answer(self, question, most):
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += question[at] + 1
        kind = {v: k for k, v in TYPES.items()}[struct.unpack(">H", question[at + 1:at + 3])[0]]
        row = self.rows.get((".".join(labels).lower(), kind), 3)
        if row is None:
            return None
        rcode, values = (row, []) if isinstance(row, int) else (0, row)
        out = b""
        for value in values:
            data = wire_value(kind, value)
            out += struct.pack(">HHHIH", 0xC00C, TYPES[kind], 1, 77, len(data)) + data
        head = question[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(values), 0, 0)
        reply = head + question[12:at + 5] + out
        if len(reply) <= most:
            return reply
        return question[:2] + struct.pack(">HHHHH", 0x8380, 1, 0, 0, 0) + question[12:at + 5]

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                question, who = self.udp.recvfrom(4096)
                if not question:
                    return  # closed
                reply = self.answer(question, 512)
                if reply:
                    self.udp.sendto(reply, who)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.tcp.accept()
                with conn:
                    size = struct.unpack(">H", conn.recv(2))[0]
                    reply = self.answer(conn.recv(size), 65535)
                    conn.sendall(struct.pack(">H", len(reply)) + reply)

    def close(self):
        for s in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


# --- networks of the test's own ---

def can_unshare():
    return subprocess.run(["unshare", "-rmn", "true"], capture_output=True).returncode == 0


def probe_inside(setup, target, *args):
    """`triage probe` in a network (and mount) namespace of its own, after these shell commands."""
    script = f"ip link set lo up; {setup}\nexec \"$0\" probe \"$@\" --json"
    done = subprocess.run(["unshare", "-rmn", "sh", "-ec", script, lab.BUILD / "triage", target,
                           *map(str, args)], capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.stdout.startswith("{"), (done.returncode, done.stdout, done.stderr)
    assert "Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, done.stderr
    return {**json.loads(done.stdout), "exit": done.returncode}
