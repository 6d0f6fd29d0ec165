#!/usr/bin/python3
"""Prints `scenario -> test -> seconds from the fault to the message` for every row of scenarios.yaml.

A test claims rows with @pytest.mark.scenario("redis-unreachable", ...); the seconds are what the
fixture `fault` measured in the last run (BUILD/scenarios.jsonl).  Exit 1 if a row has neither a test nor
a reason, if a test claims a row that does not exist, or if a reason is out of date.

Usage: scenarios.py [BUILD_DIR]
"""
import json
import sys
from pathlib import Path

import yaml

from causes import claims

HERE = Path(__file__).resolve().parent


def measured(build):
    """{id: seconds}, the last of each."""
    path = Path(build) / "scenarios.jsonl"
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        note = json.loads(line)
        for row in note["rows"]:
            found[row] = note["seconds"]
    return found


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build-asan"
    listed = yaml.safe_load((HERE / "scenarios.yaml").read_text())
    rows = [row for heading in listed["core"] for row in heading]
    also = listed["also"] or []
    cannot, have, seconds, bad = listed["cannot"] or {}, claims("scenario"), measured(build), 0
    for row in rows + also:
        tests = have.get(row)
        if tests and row in cannot:
            print(f"{row:34} has a test, and a reason why it cannot have one")
            bad += 1
        elif tests:
            took = f"{seconds[row]:.1f} s" if row in seconds else "not run"
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            print(f"{row:34} {tests[0]}{more}  {took}")
        elif row in cannot:
            print(f"{row:34} - {cannot[row]}")
        else:
            print(f"{row:34} MISSING")
            bad += 1
    for row in sorted((set(have) | set(cannot)) - set(rows + also)):
        where = have.get(row, ["scenarios.yaml"])[0]
        print(f"{row:34} is no row of scenarios.yaml, but {where} names it")
        bad += 1
    shown = sum(1 for row in rows if row in have)
    print(f"{len(rows)} scenarios under {len(listed['core'])} headings: {shown} with a test, "
          f"{sum(1 for row in rows if row in cannot)} with a reason, {bad} wrong")
    return bad == 0


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
