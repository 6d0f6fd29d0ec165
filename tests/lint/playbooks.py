#!/usr/bin/python3
"""Every row of the catalogue of failures has a playbook, playbooks name rows and their own file right,
and each cause has a remedy also where little is known.

Prints what is not so; exit 1 if there is any.  What is inside them is checked by the program itself
(tests/triage/playbook_shipped_test.c).
"""
import re
import sys
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
# Rows about telling, which no fact explains.
TELLING = {"alert-storm", "escalation", "incident-record"}
# Rows of the catalogue that are not among those that must be shown.
SEEDS = {"tls-certificate-expiring"}


def always_says_what_to_do(cause):
    """A step without a condition, one for what is not known, or two that need different things."""
    steps = [str(step.get("when", "")) for step in cause.get("remedy") or []]
    needed = {what for when in steps for what in re.findall(r"known\((?:coalesce\()?([\w.-]+)", when)}
    return "" in steps or any("not known(" in when for when in steps) or len(needed) > 1


def main():
    rows = yaml.safe_load((TOP / "tests/e2e/scenarios.yaml").read_text())
    core = {row for heading in rows["core"] for row in heading}
    known = core | set(rows["also"] or []) | SEEDS
    covered, bad = set(), []
    for path in sorted((TOP / "etc/playbooks").glob("*.yaml")):
        playbook = yaml.safe_load(path.read_text())
        bad += [f"{path.name}: {cause['cause']}: no remedy where little is known"
                for cause in playbook["causes"] if not always_says_what_to_do(cause)]
        for row in playbook.get("scenarios") or []:
            covered.add(row)
            if row not in known:
                bad.append(f"{path.name}: scenarios: no row is called {row}")
    bad += [f"{row}: no playbook covers it" for row in sorted(core - covered - TELLING)]
    print("\n".join(bad) if bad else f"playbooks: {len(core - TELLING)} rows covered")
    sys.exit(bool(bad))


main()
