"""CPU of an http check beside a bare epoll client, and how punctual ten thousand each second are."""
import time

from frame import Figure, ratio
from targets import http_checks
from yard import LAG, LATENESS, busy_s, floor, waited_s

INTERVAL_S, ENOUGH = 1, 0.95  # of what was wanted: a run that was starved tells nothing of costs
STARVED = 0.1  # of its time: so long it was ready to run, and others had the processors


def tick_ms(count):
    """The daemon's own: at most 80 starts on each, so that the floor gathers as much."""
    return max(1, min(50, 80 * 1000 // count))


def floor_us(bench, port, count, mode):
    bench.say(f"floor, {count} checks, {mode} connections")
    seen = floor(bench.build, "floor", port, count, INTERVAL_S * 1000, tick_ms(count), bench.seconds, mode)
    return seen["cpu_us"] if seen["done"] >= ENOUGH * count / INTERVAL_S * bench.seconds else None


def ours(bench, port, count, more="timeout: 5s"):
    """One daemon under this load: what it cost and how punctual it was."""
    bench.say(f"triaged, {count} checks")
    d = bench.daemon(http_checks(port, count, f"{INTERVAL_S}s", more))
    time.sleep(2)
    lags, lates = d.buckets(LAG), d.buckets(LATENESS)
    runs, cpu, waited, begun = d.metric("triaged_runs_total"), busy_s(d.pid), waited_s(d.pid), time.monotonic()
    time.sleep(bench.seconds)
    runs, cpu, waited = d.metric("triaged_runs_total") - runs, busy_s(d.pid) - cpu, waited_s(d.pid) - waited
    took = time.monotonic() - begun
    seen = {"us": cpu * 1e6 / runs, "rate": runs / took, "waited": waited / took, "overdue": d.metric("triaged_runs_overdue_total"),
            "lag": d.quantile(LAG, 0.99, lags),
            "late": [d.quantile(LATENESS, q, lates) * INTERVAL_S for q in (0.5, 0.99)]}
    d.stop()
    return seen


def rival(bench, port, count, mode, more="timeout: 5s"):
    """The floor and ours in turns: the cheapest of each, as what disturbs only adds, and all of ours.  None
    is the floor that never did what was wanted, or whose rival never did; that is ours if the machine was."""
    floors, mine = [], []
    for _ in range(1 if bench.quick else 2):
        floors.append(floor_us(bench, port, count, mode))
        mine.append(ours(bench, port, count, more))
    kept_up = [seen for seen in mine if seen["rate"] >= ENOUGH * count / INTERVAL_S]
    floors = [us for us in floors if us is not None]
    best = min(kept_up or mine, key=lambda seen: seen["us"])
    best["is_ours"] = bool(floors) and not kept_up and best["waited"] < STARVED
    return min(floors) if floors and kept_up else None, best, mine


def starved(name, best, count):
    did = f"{best['rate'] * INTERVAL_S / count * 100:.0f} % of what was wanted"
    return Figure(name, None, f"did {did}, with the machine to itself" if best["is_ours"] else
                  f"the machine was too busy: {did}")


def delays(runs):
    """Of the best run: what a busy machine adds is not ours."""
    note = "at most: a bucket's upper bound"
    for name, n in (("error_p50", 0), ("error_p99", 1)):
        yield Figure(name, min(seen["late"][n] for seen in runs) * 1e3, note)
    yield Figure("lag_p99", min(seen["lag"] for seen in runs) * 1e3, note)


def measure(bench):
    count = bench.scale(10000)
    base, best, runs = rival(bench, bench.nginx.close, count, "new")
    yield Figure("rate", best["rate"] * INTERVAL_S / count, f"{best['rate']:.0f}/s") \
        if base or best["is_ours"] else starved("rate", best, count)
    yield Figure("overdue", sum(seen["overdue"] for seen in runs), "in all runs")
    if base is None:
        for name in ("new", "percore", "error_p50", "error_p99", "lag_p99"):
            yield starved(name, best, count)
    else:
        yield ratio("new", best["us"], base)
        yield Figure("percore", 1e6 / best["us"], f"by the CPU that one takes; floor {1e6 / base:.0f}/s, "
                     f"{base / best['us']:.2f}x of it")
        yield from delays(runs)
    for name, port, many, mode, more in (
            ("sparse", bench.nginx.close, bench.scale(1000), "new", "timeout: 5s"),
            ("kept", bench.nginx.keep, count, "kept", "timeout: 5s, reconnect_interval: 1h")):
        base, best, _ = rival(bench, port, many, mode, more)
        yield starved(name, best, many) if base is None else ratio(name, best["us"], base)
