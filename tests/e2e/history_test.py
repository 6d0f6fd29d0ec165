"""What was measured: series and uptime over values, minutes and quarters, and while they are made."""
import json
import time

import pytest

import lab
from srv_history import DAY, HOUR, History

CONFIG = """
checks:
  api: {{type: http, url: "{url}", interval: 30s}}
  gone: {{type: tcp, address: "127.0.0.1:1", interval: 30s, retries: 1}}
"""


@pytest.fixture
def past(daemon, web):
    """Ten days of a check that was down for an hour three days ago, unknown for two, and slow for
    ten minutes yesterday."""
    d = daemon(CONFIG.format(url=web.url))
    history = History(d.folder)
    slow = lambda age: 3.0 if DAY < age <= DAY + 600 else 0.25
    history.fill("api", "total_time", 10 * DAY, slow, until=300)
    up = lambda age: None if 4 * DAY < age <= 4 * DAY + 2 * HOUR else float(not 3 * DAY < age <= 3 * DAY + HOUR)
    history.fill("api", ".up", 10 * DAY, up, until=300)
    history.write()
    d.start()
    d.wait_state("api", "up")
    return d


def series(d, query="", check="api"):
    return d.api.get(f"/api/v1/checks/{check}/series{query}")


def test_series(past):
    doc = series(past)
    assert doc["check"] == "api" and doc["step"] == 30
    one, = doc["series"]
    assert one["metric"] == "total_time" and one["unit"] == "s" and one["kept"]
    assert 200 < len(one["points"]) <= 242
    assert all(p[1] == p[2] == p[3] == 0.25 and p[4] == 1 for p in one["points"][:200])

    for query, most in (("?since=9d", 400), ("?since=36h", 400), ("?since=9d&step=1s", 2000)):
        doc = series(past, query)
        points = doc["series"][0]["points"]
        step, span = doc["step"], past_seconds(doc)
        assert len(points) <= most and span / step * 0.95 - 2 < len(points) <= span / step + 2
        gaps = {b[0] - a[0] for a, b in zip(points, points[1:])}
        assert gaps == {step}, gaps                      # no holes, no doubles, whatever the level
        held = sum(p[4] for p in points)
        assert abs(held - span / 30) < step / 30 + 40, held  # each value once
        assert max(p[3] for p in points) == 3 and min(p[2] for p in points) < 0.26

    doc = series(past, "?since=9d&step=1s&metric=" + ",".join(["total_time"] * 16))
    assert len(doc["series"]) == 16 and all(len(s["points"]) <= 1000 for s in doc["series"])

    doc = series(past, "?metric=up,total_time,status&since=7d&until=1d&step=1h")
    up, total, status = doc["series"]
    assert doc["step"] == 3600 and status == {"metric": "status", "unit": "", "kept": False, "points": []}
    assert min(p[1] for p in up["points"]) < 0.6 and min(p[2] for p in up["points"]) == 0
    assert len(total["points"]) - len(up["points"]) in (1, 2)


def past_seconds(doc):
    begin, end = (time.strptime(doc[key][:19], "%Y-%m-%dT%H:%M:%S") for key in ("since", "until"))
    return time.mktime(end) - time.mktime(begin)


def test_uptime(past):
    doc = past.api.get("/api/v1/checks/api/uptime")
    day, week, month, quarter = doc["windows"]
    assert [w["span"] for w in doc["windows"]] == ["24h", "7d", "30d", "90d"]
    assert day["up_ratio"] == 1 and day["down_seconds"] == 0 and DAY - 700 < day["known_seconds"] < DAY
    assert abs(week["down_seconds"] - HOUR) <= 1800
    assert abs(week["known_seconds"] - (7 * DAY - 2 * HOUR)) < 2700
    assert week["up_ratio"] == pytest.approx(1 - HOUR / (7 * DAY - 2 * HOUR), abs=0.003)
    assert month == {**quarter, "span": "30d"} and month["known_seconds"] < 10 * DAY - 2 * HOUR
    assert [w["incidents"] for w in doc["windows"]] == [0, 0, 0, 0]

    def gone():
        window = past.api.get("/api/v1/checks/gone/uptime")["windows"][0]
        return window if window["known_seconds"] and window["incidents"] else None
    window = lab.wait_for("a row of the one that is down, and its incident", gone)
    assert window["up_ratio"] == 0 and window["incidents"] == 1


MISTAKES = [
    ("apo/series", 404, 'did you mean "api"?'),
    ("apo/uptime", 404, 'did you mean "api"?'),
    ("api/series?metric=totl_time", 404, 'did you mean "total_time"?'),
    ("api/series?metric=", 400, "metric"),
    ("api/series?metric=" + ",".join(["up"] * 17), 400, "at most 16"),
    ("api/series?since=1h&until=2h", 400, "since"),
    ("api/series?since=soon", 400, "since"),
    ("api/series?step=-5s", 400, "step"),
    ("api/series?step=often", 400, "step"),
]


def test_mistakes(past):
    for path, status, words in MISTAKES:
        got, _, body = past.api.request("GET", "/api/v1/checks/" + path)
        assert got == status and words in json.loads(body)["detail"], (path, body)


def test_rules_of_a_check(daemon, web):
    d = daemon(CONFIG.format(url=web.url) + """
rules:
  slow: {check: api, info: api.total_time > 0s, critical: "avg(api.total_time, 5m) > 2s", for: 2 samples}
""").start()
    d.wait_state("api", "up")
    rules = {r["name"]: r for r in d.api.get("/api/v1/checks/api/rules")["rules"]}
    assert rules["check-down"]["state"] == "quiet" and rules["check-down"]["thresholds"] == []
    slow = rules["slow"]
    assert slow["state"] == "pending" and slow["severity"] == "critical" and slow["since"]
    assert slow["levels"][0] == {"severity": "info", "expr": "api.total_time > 0s", "for": 0, "for_samples": 2}
    assert slow["thresholds"] == [
        {"severity": "info", "metric": "total_time", "op": ">", "value": 0, "unit": "s"},
        {"severity": "critical", "metric": "total_time", "op": ">", "value": 2, "unit": "s"}]
    assert rules["tls-expiring"]["state"] == "no_data"
    d.wait_state("gone", "down")
    down = d.api.get("/api/v1/checks/gone/rules")["rules"][0]
    assert down["name"] == "check-down" and down["state"] == "firing" and down["summary"]
    assert d.api.request("GET", "/api/v1/checks/apo/rules")[0] == 404


def test_uptime_command(past):
    env = {"RUNTIME_DIRECTORY": str(past.folder), "COLUMNS": "80"}
    run = lab.triage("uptime", env=env)
    head, *rows, known = run.stdout.splitlines()
    assert known.startswith("at most 9d") and "neither up nor down" in known, run
    assert head.split() == ["CHECK", "24", "H", "7", "D", "30", "D", "90", "D", "DOWN", "INCIDENTS"], run
    api = next(row for row in rows if row.startswith("api"))
    assert "100 %" in api and "99." in api and len(rows) == 2 and max(map(len, rows)) <= 80
    doc = json.loads(lab.triage("uptime", "api", "--json", env=env).stdout)
    assert doc["check"] == "api" and len(doc["windows"]) == 4
    assert 'did you mean "api"' in lab.triage("uptime", "apo", env=env).stderr


def test_nobody_knows_of_planned_work(daemon, web):
    d = daemon(CONFIG.format(url=web.url) + """
maintenance: [{checks: [gone], from: "2020-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z", reason: move}]
""").start()
    d.wait_state("gone", "down")

    def known(name):
        return d.api.get(f"/api/v1/checks/{name}/uptime")["windows"][0]
    lab.wait_for("a row of the other one", lambda: known("api")["known_seconds"] > 0)
    assert known("gone")["known_seconds"] == known("gone")["down_seconds"] == 0 and "up_ratio" not in known("gone")
