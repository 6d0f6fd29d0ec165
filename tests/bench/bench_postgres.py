"""CPU of a postgres check beside bare libpq's SELECT 1: a login each time, and a kept connection."""
from yard import beside_floor

COUNT, TICK_MS = 200, 50


def checks(dsn, more, count):
    return "checks:\n" + "".join(f'  c{i}: {{type: postgres, dsn: "{dsn}", interval: 1s, {more}}}\n'
                                 for i in range(count))


def measure(bench):
    import srv_postgres
    server, count = srv_postgres.Postgres(), bench.scale(COUNT)
    try:
        server.conf(f"max_connections = {2 * COUNT}\n")
        server.hba("host all super 127.0.0.1/32 trust\n")
        server.start()
        plain = f"host=127.0.0.1 port={server.port} user=super dbname=postgres sslmode=disable"
        yield from beside_floor(
            bench, {"new": "reconnect_interval: 0s", "kept": "reconnect_interval: 1d"},
            lambda mode: ("floor_postgres", plain + " gssencmode=disable", mode, count, TICK_MS),
            lambda more: checks(plain, more, count), settle=5)
    finally:
        server.destroy()
