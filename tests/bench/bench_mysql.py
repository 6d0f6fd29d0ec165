"""CPU of a mysql check beside a bare client's SELECT 1: a login each time, and a kept connection."""
import sys
from pathlib import Path

from yard import floor, run_cost_us

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

COUNT, TICK_MS = 200, 50


def checks(port, more):
    return "checks:\n" + "".join(
        f'  c{i}: {{type: mysql, dsn: "mysql://root@127.0.0.1:{port}", interval: 1s, {more}}}\n'
        for i in range(COUNT))


def rows(build, seconds):
    import srv_mysql
    server = srv_mysql.MariaDB(f"--max-connections={2 * COUNT}")
    try:
        server.start()
        for mode, what, more in (("new", "new connection", "reconnect_interval: 0s, metrics: false"),
                                 ("kept", "kept connection", "reconnect_interval: 1h, metrics: false")):
            base = min(floor(build, "floor_mysql", server.port, mode, COUNT, TICK_MS,
                             seconds)["cpu_us"] for _ in range(2))
            mine = min(run_cost_us(build, checks(server.port, more), seconds, settle=3)
                       for _ in range(2))
            yield f"CPU per mysql check, SELECT 1, {what}", f"{mine / base:.2f}x", "<= 2.00x", \
                f"{mine:.1f} us, floor {base:.1f} us"
        mine = run_cost_us(build, checks(server.port, "reconnect_interval: 1h"), seconds, settle=3)
        yield "CPU per mysql check, all metrics, kept connection", f"{mine / base:.2f}x", "", \
            f"{mine:.1f} us"
    finally:
        server.destroy()
