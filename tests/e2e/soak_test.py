"""What `make soak` judges with: it must see a leak, and must not see one in noise."""
import argparse
import random

import soak_judge
import soak_report


def noisy(growth, seed=1, level=100.0, noise=2.0):
    """Ten samples a block for an hour."""
    r = random.Random(seed)
    return [(n / 120, level + growth * n / 120 + r.gauss(0, noise)) for n in range(120)]


def test_noise_is_flat():
    wrong = sum(not soak_judge.is_flat(noisy(0, seed)) for seed in range(300))
    assert wrong <= 9  # a half per cent of them may look as if they grew


def test_growth_is_seen():
    assert all(not soak_judge.is_flat(noisy(10, seed)) for seed in range(300))


def test_what_falls_is_no_leak():
    assert soak_judge.is_flat(noisy(-10))


def test_a_staircase_is_seen():
    assert not soak_judge.is_flat([(n / 120, 50 + n // 30) for n in range(120)])


def test_peaks_are_no_growth():
    points = [(x, v + (60 if n % 17 == 0 else 0)) for n, (x, v) in enumerate(noisy(0))]
    assert soak_judge.is_flat(points)


def test_too_little_says_nothing():
    assert not soak_judge.is_flat([(0, 1), (1, 1)])


def test_missed_runs():
    before, late = {"a": 10, "b": 10, "gone": 3}, {"b": 2}
    assert soak_judge.missed_runs(before, {"a": 19, "b": 17, "new": 1}, late, 100, 10) == {}
    assert soak_judge.missed_runs(before, {"a": 17, "b": 17}, late, 100, 10) == {"a": 2}


def told(*events):
    return [dict(zip(("incident", "sequence", "type"), event)) for event in events]


def test_what_only_receivers_knew_is_judged_by_what_both_were_told():
    known = {"a": {"status": "resolved"}}
    whole = told(("a", 1, "opened"), ("b", 1, "opened"), ("b", 2, "resolved"))
    assert soak_judge.told_only([whole, whole], known, kept=2) == {}  # nothing was ever dropped: there is no such incident
    assert soak_judge.told_only([whole, told()], known, kept=1) == {"b": {"sequence": 2, "reopened": 0}}
    assert soak_judge.told_only([told(), told(("b", 1, "opened"))], known, kept=1)["b"]["sequence"] == 1
    again = told(*(("b", n, kind) for n, kind in enumerate(("opened", "resolved", "reopened", "resolved"), 1)))
    assert soak_judge.told_only([whole, again], known, kept=1) == {"b": {"sequence": 4, "reopened": 1}}


def test_a_plot_has_its_lines():
    text = soak_report.plot("Memory", "MB", [("PSS", [(0, 1), (1, 2)]), ("RSS", [(0, 2)])], 1)
    assert text.count("<polyline") == 2 and "Memory, MB" in text


def test_too_little_is_no_verdict():
    assert soak_judge.of_line("memory", [])[2] is None
    assert soak_judge.of_line("memory", noisy(0)[:8])[2] is None
    assert soak_judge.of_line("memory", noisy(0))[2] is True and soak_judge.of_line("memory", noisy(50))[2] is False


def sample(at_s):
    return {"at_s": at_s, **{key: 1.0 for _, _, _, rows in soak_report.PLOTS for _, key, _ in rows}}


def test_one_that_was_given_up_has_its_report(tmp_path):
    args = argparse.Namespace(out=tmp_path / "soak", checks=20, interval=10, hours=2.0, hasten=1, seed=7)
    notes = {"faults": {"web_dies": 2}, "incidents": 3, "given up": "it was stopped"}
    soak_report.write(args, [("memory", "nothing seen of it", None), ("switches", "1 thrown", False)],
                      [sample(0), sample(1800)], notes)
    text = (tmp_path / "soak/report.md").read_text()
    assert text.startswith("Given up after 0.50 hours: it was stopped. 20 checks at 10 s")
    assert "| nothing seen of it | not told |" in text and "| 1 thrown | **no** |" in text
    assert (tmp_path / "soak/memory.svg").exists()
