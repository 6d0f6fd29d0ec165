#!/usr/bin/python3
"""`make bench`: what triaged costs, beside the least that anybody could, in one run and one table.

The rows are in table.py, what measures them in bench_*.py; yard.py says how to write one.  Machines
differ and are shared: look at the ratios and the verdicts, not at microseconds.  Nothing is left
behind: every file is below one folder, which goes, and whatever was started is stopped.

Exits 1 when a row could not be measured and nobody says why.  A missed budget is a finding, not a failure.
"""
import argparse
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import frame  # noqa: E402
import machine  # noqa: E402
import table  # noqa: E402
from yard import Bench, Failed  # noqa: E402


def measured(part, bench):
    """name -> Figure of one part; what went wrong is said, and the others go on."""
    found = {}
    if not (HERE / f"bench_{part}.py").exists():
        return found
    try:
        for figure in importlib.import_module(f"bench_{part}").measure(bench):
            found[figure.name] = figure
    except Failed as e:
        print(f"bench: {part}: {e}", file=sys.stderr)
    except Exception:  # whatever it is: the other rows must not be lost by it
        print(f"bench: {part}: cannot be measured", file=sys.stderr)
        traceback.print_exc()
    finally:
        bench.stop_daemons()
    return found


def run(sections, wanted, bench):
    """Every row of the wanted parts, in the order of the table; told as they come."""
    figures, others = {}, {}
    for n, part in enumerate(wanted, 1):
        begun, beside = time.monotonic(), machine.Others()
        bench.say = lambda text, n=n, part=part: print(f"[{n}/{len(wanted)}] {part}: {text}",
                                                       file=sys.stderr, flush=True)
        for name, figure in measured(part, bench).items():
            figures[f"{part}.{name}"] = figure
        others[part] = round(beside.percent())
        bench.say(f"done in {time.monotonic() - begun:.0f} s; others had {others[part]} % of the machine")
    known = {row.key for rows in sections.values() for row in rows}
    if figures.keys() - known:
        raise SystemExit(f"bench: not in table.py: {', '.join(sorted(figures.keys() - known))}")
    return [{**frame.record(section, row, figures.get(row.key)), "others_pct": others[row.part]}
            for section, rows in sections.items() for row in rows if row.part in wanted]


def show(entries):
    section = None
    for entry in entries:
        if entry["section"] != section:
            section = entry["section"]
            print(f"\n{section}\n{frame.HEAD}")
        print(frame.line(entry), flush=True)
    print(f"\n{frame.summary(entries)}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", default="", help="parts, by comma: " + ", ".join(
        table.parts(table.SECTIONS) + table.parts(table.ASKED)))
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the checks for 2 s: shows that the bench works, nothing else")
    parser.add_argument("--json", type=Path, help="default: BUILD/bench/bench.json")
    parser.add_argument("--merge", action="store_true", help="other rows of that file stay")
    return parser.parse_args()


def main():
    args = arguments()
    sections = {**table.SECTIONS, **(table.ASKED if args.only else {})}
    wanted = args.only.split(",") if args.only else table.parts(sections)
    unknown = set(wanted) - set(table.parts(sections))
    if unknown:
        raise SystemExit(f"bench: no such part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="bench-")
    os.chmod(folder, 0o755)
    tempfile.tempdir = folder
    bench = Bench(args.build.resolve(), 2 if args.quick else args.seconds, args.quick)
    try:
        entries = run(sections, wanted, bench)
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    show(entries)
    doc = frame.document(entries, {"made": time.strftime("%Y-%m-%d", time.gmtime()), "quick": args.quick,
                                   "seconds": bench.seconds, "priority": -os.nice(0),
                                   "machine": machine.describe()})
    path = args.json or args.build / "bench" / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if args.merge and path.exists():
        order = [row.key for rows in sections.values() for row in rows]
        doc = frame.merge(json.loads(path.read_text()), doc)
        doc["rows"].sort(key=lambda entry: order.index(entry["key"]))
    path.write_text(frame.dump(doc))
    return 1 if any(e["verdict"] == "not measured" and not e["detail"] for e in entries) else 0


sys.exit(main())
