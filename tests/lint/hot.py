#!/usr/bin/python3
"""Do the functions of daemon/hot.ld lie together in the program?  Usage: hot.py BUILD

Nothing else would say so: without it all works, and at rest more memory is held.
"""
import re
import subprocess
import sys
from pathlib import Path

SECTION, ENOUGH = ".text.round", 0.9  # a few may have another name by now


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def together(program):
    """Names of the functions in that section."""
    place = re.search(rf"{re.escape(SECTION)}\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)", said("readelf", "-SW", program))
    if not place:
        return set()
    begin, size = (int(number, 16) for number in place.groups())
    symbols = re.findall(r"^(\w+) [tT] (\w+)", said("nm", program), re.M)
    return {name for at, name in symbols if begin <= int(at, 16) < begin + size}


def main():
    wanted = set(re.findall(r"\(\.text\.(\w+) ", Path("daemon/hot.ld").read_text()))
    found = wanted & together(Path(sys.argv[1]) / "triaged")
    print(f"hot: {len(found)} of {len(wanted)} functions lie together")
    if len(found) < ENOUGH * len(wanted):
        sys.exit(f"not there: {', '.join(sorted(wanted - found)[:9])}...\n"
                 "an old build folder (make clean), or much has changed (make hot)")


if __name__ == "__main__":
    main()
