"""CPU of a redis check beside a bare client's PING: a new connection each time, and a kept one."""
from frame import Figure
from yard import beside_floor, run_cost_us

COUNT, TICK_MS = 400, 50
MODES = {"new": (COUNT, "reconnect_interval: 0s, metrics: false"),
         "kept": (1000, "reconnect_interval: 1h, metrics: false")}


def checks(port, count, more):
    return "checks:\n" + "".join(
        f'  c{i}: {{type: redis, url: "redis://127.0.0.1:{port}", interval: 1s, {more}}}\n'
        for i in range(count))


def measure(bench):
    import srv_redis
    server, count = srv_redis.Redis("--maxclients", 4000), bench.scale(COUNT)
    try:
        server.start()
        yield from beside_floor(bench, MODES, lambda mode, n: ("floor_redis", server.port, mode, n, TICK_MS),
                                lambda n, more: checks(server.port, n, more))
        bench.say("triaged, all metrics")
        yield Figure("all", run_cost_us(bench.build, checks(server.port, count, "reconnect_interval: 1h"),
                                        bench.seconds, settle=3), "INFO included")
    finally:
        server.destroy()
