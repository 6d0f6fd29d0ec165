"""CPU of a postgres check beside bare libpq's SELECT 1: a login each time, and a kept connection."""
import sys
from pathlib import Path

from yard import floor, run_cost_us

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

COUNT, TICK_MS = 200, 50


def checks(dsn, more):
    return "checks:\n" + "".join(f'  c{i}: {{type: postgres, dsn: "{dsn}", interval: 1s, {more}}}\n'
                                 for i in range(COUNT))


def rows(build, seconds):
    import srv_postgres
    server = srv_postgres.Postgres()
    try:
        server.conf(f"max_connections = {2 * COUNT}\n")
        server.hba("host all super 127.0.0.1/32 trust\n")
        server.start()
        plain = f"host=127.0.0.1 port={server.port} user=super dbname=postgres sslmode=disable"
        for mode, what, more in (
                ("new", "new connection", "reconnect_interval: 0s"),
                ("kept", "kept connection", "reconnect_interval: 1d")):
            base = min(floor(build, "floor_postgres", plain + " gssencmode=disable", mode, COUNT,
                             TICK_MS, seconds)["cpu_us"] for _ in range(2))
            mine = min(run_cost_us(build, checks(plain, more), seconds, settle=5) for _ in range(2))
            yield f"CPU per postgres check, {what}", f"{mine / base:.2f}x", "<= 1.50x", \
                f"{mine:.1f} us, floor {base:.1f} us"
    finally:
        server.destroy()
