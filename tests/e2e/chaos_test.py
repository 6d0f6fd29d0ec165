"""The short form of `make chaos`: receivers and the daemon fail in turns, and nobody is told wrong."""
import json
import os

import pytest

import chaos


@pytest.mark.fault("killed")
def test_everybody_is_told_the_truth(folder):
    seed = int(os.environ.get("CHAOS_SEED", "20260102"))
    faults = chaos.play(folder, seed, incidents=60, kills=12, limit_s=150, say=print, targets=30)
    assert faults == [], faults[:10]


class Told:
    """A place that was told these (incident, sequence, type), in this order."""

    def __init__(self, *events):
        self.taken = [({"webhook-id": f"msg_{n}"},
                       json.dumps({"type": f"incident.{kind}", "sequence": sequence,
                                   "data": {"incident": {"id": incident}}}).encode())
                      for n, (incident, sequence, kind) in enumerate(events)]


TRUTH = {"a": {"sequence": 3}}
WHOLE = (("a", 1, "opened"), ("a", 2, "updated"), ("a", 3, "resolved"))


@pytest.mark.parametrize("told, is_true", [
    (WHOLE, True),
    (WHOLE[:2], False),
    (WHOLE[1:], False),
    (WHOLE[:1] + WHOLE[2:], False),
    (WHOLE + WHOLE[2:], False),
    (WHOLE[::-1], False),
    (WHOLE + (("b", 1, "opened"),), False),
    ((), False),
])
def test_what_is_not_the_truth_is_seen(told, is_true):
    assert (list(chaos.judge_machine(Told(*told), TRUTH)) == []) == is_true
