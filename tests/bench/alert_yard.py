"""The other side of bench_alert.py: a target whose checks fail one after the other, and the receiver.

Prints the two ports; after a line on stdin lets check after check fail, and prints as JSON how long
each took from the first failing answer's last byte to the first byte of its message.

    alert_yard.py CHECKS SPACING_S
"""
import json
import re
import selectors
import socket
import sys
import time

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD = b"HTTP/1.1 429 Enough\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Yard:
    def __init__(self):
        self.sel = selectors.DefaultSelector()
        self.flip, self.hook = (socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2))
        self.sel.register(self.flip, selectors.EVENT_READ, self.on_check)
        self.sel.register(self.hook, selectors.EVENT_READ, self.on_sender)
        self.failing, self.told, self.times = -1, {}, {}

    def on_check(self):
        """The request is on its way: it is read at once, and the answer is one segment."""
        conn = self.flip.accept()[0]
        asked = re.match(rb"GET /(\d+) ", conn.recv(4096))
        check = int(asked.group(1)) if asked else -1
        is_bad = 0 <= check <= self.failing
        conn.sendall(BAD if is_bad else GOOD)
        if is_bad:
            self.told.setdefault(check, time.monotonic())
        conn.close()

    def on_sender(self):
        conn = self.hook.accept()[0]
        self.sel.register(conn, selectors.EVENT_READ, Message(self, conn).on_bytes)

    def step(self, until):
        for key, _ in self.sel.select(max(0, until - time.monotonic())):
            key.data()

    def play(self, checks, spacing_s):
        """One more fails each spacing; a few seconds more for the last."""
        begun = time.monotonic()
        for self.failing in range(checks):
            while time.monotonic() < begun + self.failing * spacing_s:
                self.step(begun + self.failing * spacing_s)
        end = time.monotonic() + 5
        while time.monotonic() < end and len(self.times) < checks:
            self.step(end)


class Message:
    def __init__(self, yard, conn):
        self.yard, self.conn, self.data, self.begun = yard, conn, b"", 0

    def on_bytes(self):
        more = self.conn.recv(1 << 16)
        if not more:
            self.yard.sel.unregister(self.conn)
            self.conn.close()
            return
        if not self.data:
            self.begun = time.monotonic()
        self.data += more
        head, _, body = self.data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.I)
        if b"\r\n\r\n" not in self.data or len(body) < int(length.group(1)):
            return
        self.conn.sendall(TAKEN)
        self.data = b""
        check = re.search(rb'"check": ?"f(\d+)"', body)
        if check and int(check.group(1)) in self.yard.told and b"incident.opened" in body:
            number = int(check.group(1))
            self.yard.times.setdefault(number, self.begun - self.yard.told[number])


def main():
    yard = Yard()
    print(yard.flip.getsockname()[1], yard.hook.getsockname()[1], flush=True)
    ready = []
    yard.sel.register(sys.stdin, selectors.EVENT_READ, lambda: ready.append(sys.stdin.readline()))
    while not ready:
        yard.step(time.monotonic() + 60)
    yard.sel.unregister(sys.stdin)
    if ready[0]:
        yard.play(int(sys.argv[1]), float(sys.argv[2]))
        print(json.dumps(list(yard.times.values())))


main()
