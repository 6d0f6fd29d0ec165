"""A reload with 10,000 checks of which some change: how long it takes, and whom it keeps waiting.

When checks came is what the target's log says.  A shared machine delays by itself, so the worst delay in
as long a time without a reload is told beside it.
"""
import time

from frame import Figure
from targets import http_checks
from yard import Failed

COUNT, INTERVAL_S, CHANGED = 10000, 5, 100


def worst_ms(arrivals, since, until):
    """The most that one of these came later than its interval after the time before."""
    late = (at - before - INTERVAL_S for times in arrivals for before, at in zip(times, times[1:])
            if since <= at < until)
    return max(late, default=0) * 1e3


def changed(text, count):
    """The same settings, but for the timeout of the last few checks."""
    lines = text.split("\n")
    for n in range(len(lines) - 1 - count, len(lines) - 1):
        lines[n] = lines[n].replace("timeout: 4s", "timeout: 3s")
    return "\n".join(lines)


def measure(bench):
    count, nginx = bench.scale(COUNT), bench.nginx
    text = http_checks(nginx.logged, count, f"{INTERVAL_S}s", "timeout: 4s")
    bench.say(f"{count:,} checks at {INTERVAL_S} s")
    d = bench.daemon(text)
    time.sleep(2 * INTERVAL_S)
    begun = time.time()
    time.sleep(2 * INTERVAL_S)
    d.configure(changed(text, bench.scale(CHANGED)))
    asked = time.time()
    if not d.post("/api/v1/reload"):
        raise Failed("the reload was refused")
    took = time.time() - asked
    time.sleep(2 * INTERVAL_S)
    d.stop()
    arrivals, first = nginx.arrivals(), count - bench.scale(CHANGED)
    same, other = ([times for path, times in arrivals.items() if (int(path.rsplit("/", 1)[1]) < first) is is_same]
                   for is_same in (True, False))
    quiet = worst_ms(same + other, begun, asked)
    end = asked + 2 * INTERVAL_S
    yield Figure("took", took, f"{bench.scale(CHANGED)} of {count:,} checks changed")
    yield Figure("delay", worst_ms(same + other, asked, end),
                 f"{worst_ms(same, asked, end):.0f} ms of those that did not change; "
                 f"{quiet:.0f} ms in as long a time without a reload")
