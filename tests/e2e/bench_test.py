"""The frame of `make bench`: verdicts, JSON, documents; and that the command works, on one quick part."""
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import lab

BENCH = lab.TOP / "tests" / "bench"
sys.path.insert(0, str(BENCH))

import bench_http  # noqa: E402
import frame  # noqa: E402
import page  # noqa: E402
import table  # noqa: E402


def row(budget, unit="x"):
    return frame.Row("part.name", "what", unit, budget)


@pytest.mark.parametrize("budget, value, verdict, missed_by", [
    ("<= 1.1", 1.1, "met", ""), ("<= 1.1", 1.65, "missed", "1.50 times the budget"),
    (">= 2", 2, "met", ""), (">= 2", 0, "missed", "0.00 of the budget"), (">= 2", 0.5, "missed", "0.25 of the budget"),
    ("< 20", 20, "missed", "1.00 times the budget"), ("= 0", 0, "met", ""), ("= 0", 3, "missed", ""), ("", 7, "", ""), ("<= 1", None, "not measured", "")])
def test_a_figure_is_held_against_its_budget(budget, value, verdict, missed_by):
    assert frame.verdict(row(budget), value) == verdict
    assert frame.missed_by(row(budget), value) == missed_by


def test_a_ratio_tells_both_sides():
    figure = frame.ratio("new", 30, 20)
    assert figure.value == 1.5 and "30 us" in figure.detail and "floor 20 us" in figure.detail


def test_each_row_has_one_key_a_readable_budget_and_a_module():
    rows = [r for sections in (table.SECTIONS, table.ASKED) for rows in sections.values() for r in rows]
    assert len({r.key for r in rows}) == len(rows)
    for r in rows:
        assert (BENCH / f"bench_{r.part}.py").exists(), r.key
        assert r.unit != "x" or r.floor, f"{r.key}: a ratio to what?"
        frame.verdict(r, 1.0)


def test_a_row_is_never_left_out():
    entry = frame.record("S", row("<= 1"), None)
    assert "not measured" in frame.line(entry)
    assert frame.summary([entry]) == "1 not measured"


def test_a_document_says_of_what_a_figure_is_a_multiple_and_of_what_a_part():
    entries = [frame.record("S", row(budget), frame.Figure("name", value)) for budget, value in
               (("<= 1.3", 2.6), (">= 30", 15), ("= 0", 3), (">= 2", 4), ("<= 1", None))]
    assert page.missed(entries) == ["- S: what: 2.60×, 2.00 times the budget, ≤ 1.3×",
                                    "- S: what: 15.00×, 0.50 of the budget, ≥ 30×", "- S: what: 3.00×, = 0×"]
    assert [re.split(r" *\| *", line)[4] for line in page.section(entries)[2:]] == \
        ["**missed**, 2.00 times the budget", "**missed**, 0.50 of the budget", "**missed**", "met", "not measured"]


@pytest.mark.parametrize("floor_did, ours_did, waited_s, said", [
    (True, True, 0, None), (False, False, 0, "the machine was too busy: 40 % of what was wanted"),
    (True, False, 2.5, "the machine was too busy: 40 % of what was wanted"),
    (True, False, 0.1, "did 40 % of what was wanted, with the machine to itself")])
def test_a_run_that_got_too_little_of_the_machine_judges_nothing(monkeypatch, floor_did, ours_did, waited_s, said):
    seen = {"us": 60.0, "rate": 10000.0 if ours_did else 4000.0, "overdue": 0, "lag": 0.001, "late": [0.001, 0.002],
            "waited": waited_s / 10}
    monkeypatch.setattr(bench_http, "floor_us", lambda *_: 50.0 if floor_did else None)
    monkeypatch.setattr(bench_http, "ours", lambda *_: dict(seen))
    figures = {f.name: f for f in bench_http.measure(SimpleNamespace(
        scale=lambda count: count, quick=True, nginx=SimpleNamespace(close=1, keep=2)))}
    assert len(figures) == 9
    for name in ("new", "percore", "error_p50", "error_p99", "lag_p99", "kept"):
        assert (figures[name].value is None, figures[name].detail) == (True, said) or said is None
    # That it did not do what was wanted is its own fault, or no figure at all.
    is_ours = said is not None and "to itself" in said
    assert figures["rate"].value == (1.0 if said is None else 0.4 if is_ours else None)


def test_rows_that_are_measured_again_take_their_old_place():
    def doc(*values):
        return {"rows": [{"key": key, "value": value} for key, value in values]}
    assert frame.merge(doc(("a.x", 1), ("b.x", 2)), doc(("b.x", 3), ("c.x", 4)))["rows"] == \
        doc(("a.x", 1), ("b.x", 3), ("c.x", 4))["rows"]


def test_a_document_takes_what_was_measured_and_nothing_else_changes():
    text = "before\n<!-- bench: a -->\nold\n<!-- /bench -->\n| label | 1 | 2 |\n| other | 1 | 2 |\n"
    new = page.fill(text, {"a": ["one", "two"]}, {"label": ["3", "4"]})
    assert new == "before\n<!-- bench: a -->\none\ntwo\n<!-- /bench -->\n| label | 3 | 4 |\n| other | 1 | 2 |\n"
    assert page.fill(new, {"a": ["one", "two"]}, {"label": ["3", "4"]}) == new
    with pytest.raises(SystemExit, match="no such block: a"):
        page.fill(text, {}, {})


def test_the_command_measures_says_and_leaves_nothing_behind(folder):
    folder = Path(folder)  # a short one: a socket is in it
    out = folder / "b.json"
    subprocess.run(["make", "-s", "-C", lab.TOP, f"B={lab.BUILD}", f"{lab.BUILD}/floor_tcp"], check=True)
    done = subprocess.run([sys.executable, "-B", BENCH / "bench.py", lab.BUILD, "--quick", "--only", "tcp",
                           "--json", out], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin",
                                                                                "TMPDIR": str(folder)})
    assert done.returncode == 0, done.stderr
    doc = json.loads(out.read_text())
    assert doc["quick"] and [entry["key"] for entry in doc["rows"]] == ["tcp.new"]
    assert doc["rows"][0]["value"] > 0
    assert re.search(r"^TCP, connect and close +[\d.]+x", done.stdout, re.M), done.stdout
    assert [path.name for path in folder.iterdir()] == ["b.json"]
