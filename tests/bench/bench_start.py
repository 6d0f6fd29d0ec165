"""How soon it is up (its API answers) and how soon each check has run once: 1, 10,000, 100,000 checks."""
import time

from frame import Figure
from targets import http_checks
from yard import Daemon, memory_kb

SIZES, SETTLE_S = ((1, "30s"), (10000, "30s"), (100000, "60s")), 3
GIVEN_BACK_S = 15  # behind the start it has given back what only that needed, however few checks it has


def loaded(bench, count, interval):
    """One daemon with so many HTTP checks: what it took to start and what it holds, measured once."""
    if (count, interval) not in bench.memo:
        bench.say(f"{count:,} checks at {interval}")
        d = Daemon(bench.build, http_checks(bench.nginx.close, count, interval, "timeout: 10s"))
        took = d.wait_round()
        time.sleep(max(SETTLE_S, d.begun + GIVEN_BACK_S - time.monotonic()))
        bench.memo[count, interval] = {"up_s": d.up_s, "round_s": took, "pss_kb": memory_kb(d.pid)[0]}
        d.stop()
    return bench.memo[count, interval]


def measure(bench):
    for count, interval in SIZES:
        seen = loaded(bench, count if count == 1 else bench.scale(count), interval)
        yield Figure(f"ready_{count}", seen["up_s"])
        yield Figure(f"round_{count}", seen["round_s"])
