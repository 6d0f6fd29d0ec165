#!/usr/bin/python3
"""Is every parser of outside bytes fuzzed?

Each target has its row in tests/fuzz/targets, seeds that are few and small, and files that are there.  A file of
ours that looks like a parser stands in some row, or among those that need none, with the reason.
"""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/fuzz"))
from table import read_table, seeds_of  # noqa: E402

PARSER = re.compile(
    r"json_load[bsf]?\(|\bstrto(l|ul|ll|ull|d|imax)\(|sscanf\(|strsep\(|strtok_r\(|memmem\(|yaml_parser_|d2i_|"
    r"_recall\(|const (unsigned char|uint8_t|void) \*(data|bytes|raw)\b|recv(msg)?\(")
SEED_FILES_MAX, SEED_BYTES_MAX = 64, 65536

findings = []


def look_at_seeds(target):
    folder = seeds_of(target)
    seeds = [f for f in folder.iterdir() if f.is_file()] if folder.is_dir() else []
    size = sum(f.stat().st_size for f in seeds)
    if not seeds:
        findings.append(f"tests/fuzz/corpus/{target}: no seeds")
    if len(seeds) > SEED_FILES_MAX or size > SEED_BYTES_MAX:
        findings.append(f"tests/fuzz/corpus/{target}: {len(seeds)} seeds of {size} bytes: at most {SEED_FILES_MAX} of "
                        f"{SEED_BYTES_MAX}")


def main():
    targets, excused = read_table()
    named = {name for files in targets.values() for name in files}
    sources = {p.name[:-len("_fuzz.c")] for p in (TOP / "tests/fuzz").glob("*_fuzz.c")}
    for target in sorted(sources ^ set(targets)):
        findings.append(f"tests/fuzz/targets: {target} has " + ("no row" if target in sources else "no tests/fuzz/"
                                                                f"{target}_fuzz.c"))
    for target in sorted(targets):
        look_at_seeds(target)
    for folder in (TOP / "tests/fuzz/corpus").iterdir():
        if folder.name not in targets:
            findings.append(f"tests/fuzz/corpus/{folder.name}: no target of that name")
    for name in sorted(named | set(excused)):
        if not (TOP / name).is_file():
            findings.append(f"tests/fuzz/targets: {name} is not there")
        if name in named and name in excused:
            findings.append(f"tests/fuzz/targets: {name} has a target and an excuse")
    for room in ("daemon", "probes", "alerts"):
        for path in sorted((TOP / room).rglob("*.c")):
            name = str(path.relative_to(TOP))
            if name not in named and name not in excused and PARSER.search(path.read_text()):
                findings.append(f"{name}: looks like a parser: which target of tests/fuzz/targets feeds it?")
    if findings:
        print("\n".join(findings))
        return 1
    print(f"fuzz: {len(targets)} targets, with seeds, for {len(named)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
