"""CPU of a redis check beside a bare client's PING, and a thousand checks each second on one core."""
import sys
import time
from pathlib import Path

from yard import LAG, LATENESS, Daemon, busy_s, floor, run_cost_us

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

COUNT, MANY, TICK_MS = 400, 1000, 50


def checks(port, more, count=COUNT):
    return "checks:\n" + "".join(
        f'  c{i}: {{type: redis, url: "redis://127.0.0.1:{port}", interval: 1s, {more}}}\n'
        for i in range(count))


def many(build, port, seconds):
    """A thousand checks with all their metrics, each second."""
    d = Daemon(build, checks(port, "reconnect_interval: 5m", MANY))
    d.wait_round()
    time.sleep(3)
    late, lag = d.buckets(LATENESS), d.buckets(LAG)
    runs, cpu, begun = d.metric("triaged_runs_total"), busy_s(d.pid), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    runs, cpu = d.metric("triaged_runs_total") - runs, busy_s(d.pid) - cpu
    late, lag = d.quantile(LATENESS, 0.99, late), d.quantile(LAG, 0.99, lag)
    d.stop()
    if runs < 0.9 * MANY * took:
        raise SystemExit(f"bench: only {runs / took:.0f} redis checks a second")
    yield "1,000 redis checks at 1 s, share of one core", f"{100 * cpu / took:.0f} %", "<= 100 %", \
        f"{cpu * 1e6 / runs:.1f} us a check, INFO included"
    yield "1,000 redis checks at 1 s, lateness p99", f"<= {late * 1000:.0f} ms", "", \
        f"turn p99 <= {lag * 1000:.0f} ms"


def rows(build, seconds):
    import srv_redis
    server = srv_redis.Redis("--maxclients", 4 * MANY)
    try:
        server.start()
        for mode, keys, budget in (("new", "reconnect_interval: 0s, metrics: false", "<= 2.00x"),
                                   ("kept", "reconnect_interval: 1h, metrics: false", "")):
            base = min(floor(build, "floor_redis", server.port, mode, COUNT, TICK_MS,
                             seconds)["cpu_us"] for _ in range(2))
            mine = min(run_cost_us(build, checks(server.port, keys), seconds, settle=3)
                       for _ in range(2))
            yield f"CPU per redis check, PING, {mode} connection", f"{mine / base:.2f}x", budget, \
                f"{mine:.1f} us, floor {base:.1f} us"
        mine = run_cost_us(build, checks(server.port, "reconnect_interval: 1h"), seconds, settle=3)
        yield "CPU per redis check, all metrics, kept connection", f"{mine:.1f} us", "", ""
        yield from many(build, server.port, seconds)
    finally:
        server.destroy()
