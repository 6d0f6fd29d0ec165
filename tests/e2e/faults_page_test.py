"""What `make faults NOTE=1` writes into the page: results with what they are of, and nothing that was not played."""
import json

import faults

ROW = "| `no-fun` | made so | expected | `a_test.py::test_one`, `a_test.py::test_two` | {} |"


def runs_of(folder, *notes):
    (folder / "build").mkdir(exist_ok=True)
    (folder / "build/faults.jsonl").write_text("".join(json.dumps(
        {"test": f"a_test.py::{test}", "outcome": outcome, "seconds": 1, "commit": commit, "date": date}) + "\n"
        for test, outcome, commit, date in notes))
    return {str(folder / "build"): faults.went(folder / "build")}


def cell(folder, old, *notes):
    match = faults.ROW.match(ROW.format(old))
    return faults.noted(faults.Row(match[1], match[2]), runs_of(folder, *notes))


def test_a_result_says_of_which_commit_and_day_it_is(tmp_path):
    both = [("test_one", "passed", "abc", "2026-01-01"), ("test_two", "passed", "abc", "2026-01-01")]
    assert cell(tmp_path, "plain not run", *both) == "plain pass (abc 2026-01-01)"
    both[1] = ("test_two", "failed", "def+", "2026-01-02")
    assert cell(tmp_path, "plain pass (abc 2026-01-01)", *both) == "plain FAIL (abc 2026-01-01 to def+ 2026-01-02)"


def test_the_worst_of_a_tests_parameters_counts(tmp_path):
    notes = [("test_one", outcome, "abc", "2026-01-01") for outcome in ("passed", "skipped", "passed")]
    assert cell(tmp_path, "", *notes, ("test_two", "passed", "abc", "2026-01-01")) == "plain skipped (abc 2026-01-01)"


def test_what_was_not_played_wholly_keeps_what_is_known(tmp_path):
    old = "plain pass (abc 2026-01-01), ASan pass (abc 2026-01-01)"
    assert cell(tmp_path, old) == old
    assert cell(tmp_path, old, ("test_one", "passed", "def", "2026-01-02")) == old
    assert cell(tmp_path, "ASan pass (abc 2026-01-01)") == "ASan pass (abc 2026-01-01), plain not run"
    fresh = [(test, "passed", "def", "2026-01-02") for test in ("test_one", "test_two")]
    assert cell(tmp_path, old, *fresh) == "plain pass (def 2026-01-02), ASan pass (abc 2026-01-01)"


def test_the_page_can_be_read_again():
    for row in faults.rows():
        assert faults.words_of(faults.known_results(row.result)) == row.result, row.name
