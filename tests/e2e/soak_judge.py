"""What a soak has to say at its end, from numbers alone: is a line flat, was a run missed."""
import math

BLOCKS = 12
# Two-sided 1 % of Student's t with BLOCKS - 2 degrees of freedom.
T_BOUND = 3.169


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def blocks(points, count=BLOCKS):
    """Medians of `count` stretches of [(time, value)]: neighbours depend on each other, blocks hardly."""
    begin, end = points[0][0], points[-1][0]
    width = (end - begin) / count
    out = []
    for n in range(count):
        part = [p for p in points if begin + n * width <= p[0] <= begin + (n + 1) * width]
        if part:
            out.append((median([p[0] for p in part]), median([p[1] for p in part])))
    return out


def slope(points):
    """(slope a unit of time, half its 99 % interval) of the blocks; half is inf with too few."""
    if len(points) < BLOCKS:
        return 0.0, math.inf
    dots = blocks(points)
    if len(dots) < BLOCKS:
        return 0.0, math.inf
    n = len(dots)
    x0, y0 = sum(x for x, _ in dots) / n, sum(y for _, y in dots) / n
    sxx = sum((x - x0) ** 2 for x, _ in dots)
    b = sum((x - x0) * (y - y0) for x, y in dots) / sxx
    rest = sum((y - y0 - b * (x - x0)) ** 2 for x, y in dots)
    return b, T_BOUND * math.sqrt(rest / (n - 2) / sxx)


def is_flat(points):
    """No growth that could be told from none; what falls is no leak."""
    b, half = slope(points)
    return half < math.inf and b - half <= 0


def of_line(name, points):
    """(what, verdict in words, is well; None where too little was seen of it)"""
    b, half = slope(points)
    if half == math.inf:
        return name, f"median {median([v for _, v in points]):.0f}" if points else "nothing seen of it", None
    return (name, f"median {median([v for _, v in points]):.0f}, slope {b:+.2f} ± {half:.2f} an hour (99 %)",
            is_flat(points))


def missed_runs(before, after, overdue, seconds, interval_s):
    """{check: runs that lack}; one at either end may lie outside, one that was overdue was said."""
    lacking = {}
    for check, runs in after.items():
        if check not in before:
            continue
        want = math.floor(seconds / interval_s) - 1 - overdue.get(check, 0)
        if runs - before[check] < want:
            lacking[check] = want - (runs - before[check])
    return lacking


def told_only(stories, truth, kept):
    """id -> what an incident must have been that ended, and was dropped, between two looks: as all receivers
    together were told of it.  `kept`: the most that are over and kept; until one has had to go there is none."""
    if sum(doc["status"] == "resolved" for doc in truth.values()) < kept:
        return {}
    types = {}  # id -> {sequence: what was told}
    for event in (event for events in stories for event in events if event["incident"] not in truth):
        types.setdefault(event["incident"], {})[event["sequence"]] = event["type"]
    return {id_: {"sequence": max(story), "reopened": list(story.values()).count("resolved") - 1}
            for id_, story in types.items()}
