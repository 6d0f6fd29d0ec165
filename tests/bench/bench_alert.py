"""From the answer that confirms a failure to the message at the receiver: the receiver quiet, nothing
needed, no facts, each check told at its first failure and only once.

The target and the receiver are one process with two sockets and one clock, apart from this one.  Of two
runs the one with the shorter delays counts: a shared disk syncs in one millisecond or in forty.
"""
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from frame import Figure

CHECKS, SPACING_S = 100, 0.2
HISTORY_MADE_S = 8  # a new folder's history.db is made with the first values, once and for all


def delays(bench, count):
    """Of all failures that were told, in order."""
    yard = subprocess.Popen([sys.executable, Path(__file__).with_name("alert_yard.py"), str(count),
                             str(SPACING_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        flip, hook = map(int, yard.stdout.readline().split())
        checks = "".join(f'  f{i}: {{type: http, url: "http://127.0.0.1:{flip}/{i}", interval: 1s, '
                         f'retries: 1}}\n' for i in range(count))
        bench.say(f"{count} failures, one every {SPACING_S:g} s")
        d = bench.daemon(f"triage: {{facts_wait: 0s}}\nchecks:\n{checks}\nreceivers: {{hook: {{type: webhook, "
                         f'url: "http://127.0.0.1:{hook}/"}}}}\nroutes: [{{to: [hook], group_wait: 0s}}]\n')
        time.sleep(0 if bench.quick else HISTORY_MADE_S)
        out, _ = yard.communicate("begin\n", timeout=60 + 2 * count * SPACING_S)
        d.stop()
        return sorted(json.loads(out))
    finally:
        yard.kill()
        yard.wait()


def quantile(times, q):
    """The nearest rank: of a hundred the 99th is the one that is longer than 98."""
    return times[math.ceil(len(times) * q) - 1]


def measure(bench):
    count = bench.scale(CHECKS)
    runs = [delays(bench, count) for _ in range(1 if bench.quick else 2)]
    times = min(runs, key=lambda one: (-len(one), quantile(one, 0.99)))  # none that was lost counts as short
    note = f"{len(times)} of {count} failures, {times[0] * 1e3:.1f} .. {times[-1] * 1e3:.1f} ms"
    for name, q in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(name, quantile(times, q) * 1e3, note)
