"""Rule evaluations on one core, and the memory of one rule of one check: no daemon, no server."""
import json
import subprocess

from frame import Figure

CHECKS, RULES, ROUNDS = 10000, 5, 100


def measure(bench):
    argv = [bench.build / "rules_rate", str(bench.scale(CHECKS)), str(bench.scale(ROUNDS))]
    bench.say(f"{CHECKS:,} checks with {RULES} rules")
    runs = [json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
            for _ in range(1 if bench.quick else 3)]
    best = max(runs, key=lambda run: run["evaluations_per_second"])
    yield Figure("rate", best["evaluations_per_second"] / 1e6,
                 f"{CHECKS:,} checks x {RULES} rules, samples included")
    yield Figure("bytes", best["full_bytes"],
                 f"{best['idle_bytes']:.0f} B before its windows are full; its share of the check's included")
