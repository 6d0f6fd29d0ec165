"""A bad line between two network namespaces: each packet is late, and some are lost.

What netem does in the kernels that have it; two TUN devices and a relay between them do it in all.
"""
import contextlib
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Relay:
    """Packets from one TUN device to the other, both ways, `delay` seconds later, less a share `loss`."""

    def __init__(self, near, far, seed):
        self.fds, self.chance = (near, far), random.Random(seed)
        self.loss, self.delay, self.seen, self.lost = 0.0, 0.0, 0, 0
        self.is_over = False
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        waiting, count = [], 0
        while not self.is_over:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, to, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(to, packet)
            most = min(0.2, waiting[0][0] - now) if waiting else 0.2
            for fd in select.select(self.fds, [], [], max(0, most))[0]:
                with contextlib.suppress(BlockingIOError):
                    packet = os.read(fd, 65536)
                    self.seen += 1
                    if self.chance.random() < self.loss:
                        self.lost += 1
                        continue
                    count += 1
                    to = self.fds[1] if fd == self.fds[0] else self.fds[0]
                    heapq.heappush(waiting, (time.monotonic() + self.delay, count, to, packet))

    def close(self):
        self.is_over = True
        self.thread.join()
        for fd in self.fds:
            os.close(fd)


class Line:
    """From `home` (10.215.0.2) to `rest` (10.215.0.1): namespaces of drill_test.Net."""

    NEAR, FAR = "10.215.0.2", "10.215.0.1"

    def __init__(self, home, rest, seed=20260102):
        fds = [net.inside(lambda: open_tun("line0")) for net in (home, rest)]
        for net, own, other in ((home, self.NEAR, self.FAR), (rest, self.FAR, self.NEAR)):
            net.run("ip", "addr", "add", own, "peer", other, "dev", "line0")
            net.run("ip", "link", "set", "line0", "up")
        self.home, self.relay = home, Relay(*fds, seed)

    def spoil(self, loss, delay):
        """Of what goes either way; `delay` is for there and back."""
        self.relay.loss, self.relay.delay = loss, delay / 2

    def close(self):
        self.relay.close()


def can_line():
    return os.path.exists("/dev/net/tun") and subprocess.run(
        ["unshare", "-n", "ip", "tuntap", "add", "dev", "line0", "mode", "tun"],
        capture_output=True).returncode == 0
