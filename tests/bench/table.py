"""Every row of `make bench`: what is measured, in which unit, within which budget, beside what floor.

A row's key is PART.NAME: the module bench_PART.py has measure(bench), which yields a Figure of that
NAME (see yard.py).  A new row is one entry here and a yield in its module; a new module is found by
its name.  A row that its module does not yield is shown as not measured, and never left out.
"""
from frame import Row

NEW, KEPT = "new connection", "kept connection"

SECTIONS = {
    "CPU per check": [
        Row("http.new", f"HTTP, {NEW}, 10,000 at 1 s", "x", "<= 1.1", "floor"),
        Row("http.kept", f"HTTP, {KEPT}, 10,000 at 1 s", "x", "<= 1.5", "floor, kept"),
        Row("http.sparse", f"HTTP, {NEW}, 1,000 at 1 s", "x", "", "floor"),
        Row("https.new", f"HTTPS, {NEW}, one full handshake in 20", "ms", "<= 0.7"),
        Row("https.full", f"HTTPS, {NEW}, full handshake each", "ms"),
        Row("tcp.new", "TCP, connect and close", "x", "", "floor_tcp"),
        Row("redis.new", f"Redis PING, {NEW}", "x", "<= 1.3", "floor_redis"),
        Row("redis.kept", f"Redis PING, {KEPT}", "x", "<= 1.3", "floor_redis, kept"),
        Row("redis.all", f"Redis, all metrics, {KEPT}", "us"),
        Row("mysql.new", f"MySQL SELECT 1, {NEW}", "x", "<= 1.3", "floor_mysql"),
        Row("mysql.kept", f"MySQL SELECT 1, {KEPT}", "x", "<= 1.3", "floor_mysql, kept"),
        Row("mysql.all", f"MySQL, all metrics, {KEPT}", "us"),
        Row("postgres.new", f"PostgreSQL SELECT 1, {NEW}", "x", "<= 1.3", "bare libpq"),
        Row("postgres.kept", f"PostgreSQL SELECT 1, {KEPT}", "x", "<= 1.3", "bare libpq, kept"),
    ],
    "10,000 HTTP checks at 1 s": [
        Row("http.rate", "checks done, of those wanted", "x", ">= 0.99", "wanted"),
        Row("http.percore", "checks a second and core", "/s"),
        Row("http.error_p50", "schedule error p50", "ms"),
        Row("http.error_p99", "schedule error p99", "ms", "<= 10"),
        Row("http.lag_p99", "loop lag p99", "ms", "<= 2"),
        Row("http.overdue", "runs overdue", "", "= 0"),
    ],
    "Memory (PSS)": [
        Row("memory.none", "no checks", "MB"),
        Row("memory.shipped", "the shipped settings", "MB", "<= 6"),
        Row("memory.1000", "1,000 HTTP checks at 30 s", "MB"),
        Row("memory.10000", "10,000 HTTP checks at 30 s", "MB"),
        Row("memory.100000", "100,000 HTTP checks at 60 s", "MB", "<= 300"),
        Row("memory.further", "one further HTTP check at 30 s", "kB", "<= 2.5"),
        Row("rules.bytes", "one rule of one check", "B", "<= 500"),
    ],
    "Start and reload": [
        Row("start.ready_1", "1 check: up", "s"),
        Row("start.round_1", "1 check: first full round", "s"),
        Row("start.ready_10000", "10,000 checks: up", "s"),
        Row("start.round_10000", "10,000 checks at 30 s: first full round", "s", "<= 30"),
        Row("start.ready_100000", "100,000 checks: up", "s"),
        Row("start.round_100000", "100,000 checks at 60 s: first full round", "s", "<= 60"),
        Row("reload.took", "reload with 10,000 checks", "s"),
        Row("reload.delay", "a check's worst delay by it", "ms", "<= 50"),
    ],
    "Alerts and rules": [
        Row("alert.p50", "confirming answer to bytes at receiver, p50", "ms"),
        Row("alert.p99", "confirming answer to bytes at receiver, p99", "ms", "<= 20"),
        Row("rules.rate", "rule evaluations on one core", "M/s", ">= 2"),
    ],
    "At rest, shipped settings": [
        Row("idle.cpu", "CPU", "% of a core", "<= 0.2"),
        Row("idle.wakeups", "wake-ups", "/s", "<= 2"),
        Row("store.day", "database growth, shipped settings", "MB/day"),
        Row("store.day_1000", "database growth, 1,000 HTTP checks at 30 s", "MB/day"),
    ],
}

# Only by name: `make bench-storm`.  5,000 checks that fail in one second, and recover.
ASKED = {
    "Storm": [
        Row(f"storm.{kind}_{half}_{name}", f"{kind}, {half}: {what}", unit, budget)
        for kind in ("alone", "chained") for half in ("failing", "recovering")
        for name, what, unit, budget in (
            ("known", "all known after", "s", "<= 8"), ("turn", "loop turn p99", "ms", "< 20"),
            ("webhook", "messages to webhook", "", ""), ("slack", "messages to slack", "", ""),
            ("syslog", "messages to syslog", "", ""))
    ] + [Row(f"storm.{kind}_memory", f"{kind}: memory, peak", "x", "<= 6", "at rest")
         for kind in ("alone", "chained")],
}


def parts(sections):
    """The parts in the order of their first rows."""
    return list(dict.fromkeys(row.part for rows in sections.values() for row in rows))
