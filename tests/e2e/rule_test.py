"""An expression asked of the running daemon, and windows that go on over a restart."""
import json

import pytest

import lab


@pytest.fixture
def up(daemon, web):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
  memory: {{type: memory, interval: 1s}}
rules:
  odd: {{warning: "avg(memory.used_percent, 6h) > 200"}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("memory", "up")
    return d


def ask(d, expr, *more):
    return lab.triage("rule", expr, *more, env={"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80"})


def test_answers(up):
    run = ask(up, "up(api) and memory.used_percent > 0")
    assert run.returncode == 0 and run.stdout.startswith("true\n")
    assert "up(api) = yes" in run.stdout and "memory.used_percent = " in run.stdout
    doc = json.loads(ask(up, "not up(api) or api.tls_days_left < 3d", "--json").stdout)
    assert doc["known"] is False and doc["value"] is None and doc["condition"] is True
    assert [row["name"] for row in doc["looked_at"] if not row["known"]] == ["api.tls_days_left"]
    doc = json.loads(ask(up, "memory.available_bytes / 2", "--json").stdout)
    assert doc["unit"] == "B" and doc["value"] > 0


def test_windows_from_the_history(up):
    def answer():
        doc = json.loads(ask(up, "count(memory.used_percent, 10m)", "--json").stdout)
        return doc if doc["known"] else None
    doc = lab.wait_for("values in the history", answer)
    assert doc["windows"][0]["source"] == "history" and doc["windows"][0]["filled"] is False
    run = ask(up, "quantile(memory.used_percent, 0.95, 10m) > 1000")
    assert run.stdout.startswith("false\n") and "taken from the history" in run.stdout
    run = ask(up, "avg(memory.used_percent, 6h)")
    assert "not filled yet" in run.stdout


@pytest.mark.parametrize("expr, column, words", [
    ("api.latncy > 2s", 5, 'did you mean "total_time"?'),
    ("up(apo)", 4, 'did you mean "api"?'),
    ("api.total_time > 5", 18, "needs a unit"),
    ("api.total_time / 0 > 1s", 18, "divides by zero"),
    ("median(api.total_time, 3h) > 1s", 24, "2h at most"),
    ("this.total_time > 1s", 1, "`each:`"),
])
def test_mistakes(up, expr, column, words):
    run = ask(up, expr)
    assert run.returncode == 2 and words in run.stderr
    lines = run.stderr.split("\n")
    assert lines[0] == expr and lines[1] == " " * (column - 1) + "^"


def test_long_windows_go_on_after_a_restart(up):
    """What was measured before is in the window again, besides what came since."""
    def count():
        return json.loads(ask(up, "count(memory.used_percent, 6h)", "--json").stdout)["value"] or 0
    lab.wait_for("a few values", lambda: count() >= 5)
    up.stop()
    up.start()
    up.wait_state("memory", "up")
    # The history has one value for each ten seconds.
    lab.wait_for("the values of before", lambda: count() > up.check("memory")["runs"])
