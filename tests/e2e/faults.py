#!/usr/bin/python3
"""Prints the fault matrix: what the machine under the daemon does to it, the test of each, and how it went.

The rows are the table of docs/faults.md: fault, how it is made, what is expected, test, result.  A test
claims a row with @pytest.mark.fault("name"); how it went is what conftest.py wrote down in the last run
(BUILD/faults.jsonl).  Exit 1 if a row has no test, names another than those that claim it, or if a test
claims a row that is not there; or if a test of the last run failed.

Usage: faults.py [--lint | --note] [BUILD_DIR...]
  --lint  look at rows and claims only
  --note  put the results into the page, with commit and date; what was not played keeps what stands there
"""
import json
import re
import sys
from pathlib import Path

from causes import claims

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "faults.md"
BUILDS = {"build": "plain", "build-asan": "ASan"}
RESULT = re.compile(r"(\w+) (pass|FAIL|skipped|not run)(?: \(([^)]*)\))?")
ROW = re.compile(r"^\| `([a-z0-9-]+)` \|(.*)\|$")


class Row:
    def __init__(self, name, cells):
        self.name = name
        self.made, self.expected, tests, self.result = [c.strip() for c in cells.split(" | ")]
        self.tests = re.findall(r"`([^`]+)`", tests)


def rows():
    found = [Row(m[1], m[2]) for line in PAGE.read_text().splitlines() if (m := ROW.match(line))]
    assert found, "no table in docs/faults.md"
    return found


def went(build):
    """{test: (outcome, (commit, date)...)} of the last run on this build; with parameters, the worst of them."""
    path, found = Path(build) / "faults.jsonl", {}
    for line in path.read_text().splitlines() if path.exists() else []:
        note = json.loads(line)
        outcome, *when = found.get(note["test"], ("passed",))
        if note["outcome"] != "passed" and outcome != "failed":
            outcome = note["outcome"]
        found[note["test"]] = (outcome, *when, (note.get("commit", ""), note.get("date", "")))
    return found


def look(table, claimed):
    """What is wrong between the table and the marks, a sentence each."""
    for row in table:
        have = sorted(claimed.get(row.name, []))
        if not have:
            yield f"{row.name}: no test claims it"
        elif sorted(row.tests) != have:
            yield f"{row.name}: docs/faults.md names {sorted(row.tests)}, but it is claimed by {have}"
    names = [row.name for row in table]
    for name in sorted(set(claimed) - set(names)):
        yield f"{name}: claimed by {claimed[name][0]}, but no row of docs/faults.md"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: stands twice in docs/faults.md"


def results_of(row, runs):
    """{build: (the worst of its tests, of which commit on which day)}"""
    found = {}
    for build, results in runs.items():
        seen = [results.get(test, ("not run",)) for test in row.tests]
        worst = next(w for w in ("failed", "not run", "skipped", "passed") if w in {s[0] for s in seen})
        when = sorted({pair for s in seen for pair in s[1:]}, key=lambda pair: pair[::-1])
        found[BUILDS.get(Path(build).name, Path(build).name)] = (
            {"passed": "pass", "failed": "FAIL"}.get(worst, worst),
            " to ".join(" ".join(filter(None, pair)) for pair in when if any(pair)))
    return found


def known_results(cell):
    """What the page says already."""
    return {build: (word, when) for build, word, when in RESULT.findall(cell)}


def words_of(results):
    """`plain pass (1a2b3c4d5 2026-01-31), ASan pass (...)`"""
    return ", ".join(f"{build} {word}" + (f" ({when})" if when else "") for build, (word, when) in results.items())


def result_of(row, runs):
    return words_of(results_of(row, runs))


def noted(row, runs):
    """The cell as it should be: a row that was not played wholly keeps what is known of it."""
    fresh, old = results_of(row, runs), known_results(row.result)
    kept = {build: fresh[build] if build in fresh and (fresh[build][0] != "not run" or build not in old)
            else old[build] for build in {**old, **fresh}}
    return words_of(kept)


def note(table, runs):
    text = PAGE.read_text()
    for row in table:
        head, _, _ = next(line for line in text.splitlines()
                          if line.startswith(f"| `{row.name}` |")).rpartition(f" | {row.result} |")
        assert head, row.name
        text = text.replace(f"{head} | {row.result} |", f"{head} | {noted(row, runs)} |")
    PAGE.write_text(text)


def main(argv):
    table, claimed = rows(), claims("fault")
    bad = list(look(table, claimed))
    builds = [a for a in argv if not a.startswith("--")] or list(BUILDS)
    runs = {} if "--lint" in argv else {b: went(b) for b in builds if (Path(b) / "faults.jsonl").exists()}
    if "--note" in argv and not bad:
        note(table, runs)
    for row in table if "--lint" not in argv else ():
        print(f"{row.name:20} {row.expected}")
        for test in row.tests:
            print(" " * 21 + test)
        print(" " * 21 + (result_of(row, runs) or "not run"))
    failed = sum("FAIL" in result_of(row, runs) for row in table)
    print("\n".join(bad + [f"{len(table)} faults: {sum(len(r.tests) for r in table)} tests, "
                           f"{len(bad)} wrong, {failed} failed in the last run"]))
    return not bad and not failed


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
