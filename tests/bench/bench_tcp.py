"""CPU of a tcp check beside a bare connect and close."""
import subprocess
import sys

from frame import ratio
from yard import floor, run_cost_us

COUNT, TICK_MS = 400, 50

# A process of its own: its accepting must not wait for our interpreter.
SERVER = """
import socket
s = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(s.getsockname()[1], flush=True)
while True:
    s.accept()[0].close()
"""


def measure(bench):
    count = bench.scale(COUNT)
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        checks = "checks:\n" + "".join(
            f'  c{i}: {{type: tcp, address: "127.0.0.1:{port}", interval: 1s}}\n' for i in range(count))
        bench.say("floor and triaged")
        base = bench.repeat(
            lambda: floor(bench.build, "floor_tcp", port, count, TICK_MS, bench.seconds)["cpu_us"])
        mine = bench.repeat(lambda: run_cost_us(bench.build, checks, bench.seconds, settle=3))
        yield ratio("new", mine, base)
    finally:
        server.kill()
        server.wait()
