"""Memory over the daemon and its helpers: at rest, at 1,000 to 100,000 checks, and of one check more.

At rest is behind the second round, in the middle of ten looks: what was only needed to start has been
given back, what each round needs has been taken again, and a helper that lives for a moment counts
where it is seen.
"""
import statistics
import time

from bench_start import SETTLE_S, loaded
from frame import Figure
from yard import memory_kb, shipped

SECOND_ROUND_S = 35


def rest(bench, name, config):
    bench.say(name)
    d = bench.daemon(config)
    peak, _ = memory_kb(d.pid)
    time.sleep(SETTLE_S if bench.quick else SECOND_ROUND_S)
    looks = []
    for _ in range(10):
        looks.append(memory_kb(d.pid))
        time.sleep(0.1 if bench.quick else 1)
    d.stop()
    pss, rss = (statistics.median(column) / 1024 for column in zip(*looks))
    return Figure(name, pss, f"RSS {rss:.1f} MB; {peak / 1024:.2f} MB PSS after the first round")


def measure(bench):
    yield rest(bench, "none", "checks: {}\n")
    yield rest(bench, "shipped", shipped())
    few, many = (loaded(bench, bench.scale(n), "30s")["pss_kb"] for n in (1000, 10000))
    yield Figure("1000", few / 1024)
    yield Figure("10000", many / 1024)
    yield Figure("further", (many - few) / (bench.scale(10000) - bench.scale(1000)))
    yield Figure("100000", loaded(bench, bench.scale(100000), "60s")["pss_kb"] / 1024)
