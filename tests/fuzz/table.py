"""The list of fuzz targets: tests/fuzz/targets, one `NAME: file file` each."""
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def read_table():
    """({target: its parser's files}, {file: why it needs none})."""
    targets, excused = {}, {}
    for line in (TOP / "tests/fuzz/targets").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, rest = line.split(":", 1)
        if "/" in name:
            excused[name] = rest.strip()
        else:
            targets[name] = targets.get(name, []) + rest.split()
    return targets, excused


def read_targets():
    return read_table()[0]


def seeds_of(target):
    return TOP / "tests/fuzz/corpus" / target
