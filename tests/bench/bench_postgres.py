"""CPU of a postgres check beside bare libpq's SELECT 1: a login each time, and a kept connection."""
from yard import beside_floor

TICK_MS = 50
MODES = {"new": (200, "reconnect_interval: 0s"), "kept": (500, "reconnect_interval: 1d")}


def checks(dsn, count, more):
    return "checks:\n" + "".join(f'  c{i}: {{type: postgres, dsn: "{dsn}", interval: 1s, {more}}}\n'
                                 for i in range(count))


def measure(bench):
    import srv_postgres
    server = srv_postgres.Postgres()
    try:
        server.conf("max_connections = 1000\n")
        server.hba("host all super 127.0.0.1/32 trust\n")
        server.start()
        plain = f"host=127.0.0.1 port={server.port} user=super dbname=postgres sslmode=disable"
        yield from beside_floor(
            bench, MODES, lambda mode, n: ("floor_postgres", plain + " gssencmode=disable", mode, n, TICK_MS),
            lambda n, more: checks(plain, n, more), settle=5)
    finally:
        server.destroy()
