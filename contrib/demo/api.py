"""The small API of the demo: it counts visits in Redis and reads from PostgreSQL.

Usage: api.py PORT REDIS_PORT POSTGRES_PORT USER

GET /api/status says whether both answer, POST /leak?N has N transactions open and forgotten, or as
many as the server has room for, POST /heal lets go of them.  It speaks both protocols itself, just enough of them,
so that the demo needs nothing but Python's own library.
"""
import http.server
import json
import socket
import struct
import sys

LIMIT = 2  # seconds for either server
leaked = []


class Postgres:
    """One session without a password: the demo's server trusts this machine."""

    def __init__(self, port, user):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        words = ["user", user, "database", "postgres", "application_name", "shop-api"]
        body = struct.pack("!I", 196608) + b"".join(w.encode() + b"\0" for w in words) + b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self.until_ready()

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise OSError("PostgreSQL closed the connection")
            data += piece
        return data

    def until_ready(self):
        while True:
            kind, length = struct.unpack("!cI", self.read(5))
            body = self.read(length - 4)
            if kind == b"E":
                fields = {f[:1]: f[1:] for f in body.split(b"\0") if f}
                raise OSError("PostgreSQL: " + fields.get(b"M", b"error").decode())
            if kind == b"Z":
                return

    def query(self, sql):
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        self.until_ready()

    def close(self):
        self.socket.close()


def ask_redis(port):
    with socket.create_connection(("127.0.0.1", port), LIMIT) as s:
        s.sendall(b"INCR visits\r\n")
        answer = s.recv(100)
    if not answer.startswith(b":"):
        raise OSError("Redis: " + answer.decode(errors="replace").strip())


def ask_postgres(port, user):
    session = Postgres(port, user)
    session.query("SELECT 1")
    session.close()


def leak(port, user, count):
    """As an application does that begins transactions and forgets them when something goes wrong."""
    while len(leaked) < count:
        try:
            session = Postgres(port, user)
        except OSError:
            return
        session.query("BEGIN; SELECT 1 AS order_of_customer_4711")
        leaked.append(session)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, doc = 200, {"success": True}
        try:
            ask_redis(REDIS)
            ask_postgres(POSTGRES, USER)
        except OSError as e:
            status, doc = 503, {"success": False, "message": str(e)}
        self.answer(status, doc)

    def do_POST(self):
        if self.path.startswith("/leak?"):
            leak(POSTGRES, USER, int(self.path.partition("?")[2]))
        while self.path == "/heal" and leaked:
            leaked.pop().close()
        self.answer(200, {"leaked": len(leaked)})

    def answer(self, status, doc):
        body = json.dumps(doc).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    PORT, REDIS, POSTGRES = map(int, sys.argv[1:4])
    USER = sys.argv[4]
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
