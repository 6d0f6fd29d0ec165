"""CPU of a tcp check beside a bare connect and close."""
import subprocess
import sys

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


def rows(build, seconds):
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        checks = "checks:\n" + "".join(
            f'  c{i}: {{type: tcp, address: "127.0.0.1:{port}", interval: 1s}}\n'
            for i in range(COUNT))
        base = min(floor(build, "floor_tcp", port, COUNT, TICK_MS, seconds)["cpu_us"]
                   for _ in range(2))
        mine = min(run_cost_us(build, checks, seconds, settle=3) for _ in range(2))
        yield "CPU per tcp check", f"{mine / base:.2f}x", "<= 2.00x", \
            f"{mine:.1f} us, floor {base:.1f} us"
    finally:
        server.kill()
        server.wait()
