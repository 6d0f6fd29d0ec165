#!/usr/bin/python3
"""Every receiver of alerts/table.def is set up in docs/receivers.md: a heading with its name in "The
other side", and below it settings that have this type.  That they load is tried by docs_test.py.

Prints what is missing; exit 1 if anything is.
"""
import re
import sys

import pages

PAGE = "docs/receivers.md"
SECTION = "## The other side, receiver by receiver"


def main():
    table = (pages.TOP / "alerts/table.def").read_text()
    kinds = re.findall(r"^RECEIVER\((\w+)\)", table, re.M)
    text = (pages.TOP / PAGE).read_text()
    section = re.split(r"^## ", text[text.index(SECTION) + 3:], maxsplit=1, flags=re.M)[0]
    parts = re.split(r"^### .*`(\w+)`$", section, flags=re.M)
    found = dict(zip(parts[1::2], parts[2::2]))
    bad = [f"{PAGE}: nothing on the other side of {kind}" for kind in kinds if kind not in found]
    bad += [f"{PAGE}: there is no receiver {kind}" for kind in found if kind not in kinds]
    bad += [f"{PAGE}: {kind}: no settings with this type" for kind, part in found.items()
            if not re.search(rf"```yaml\n(?:(?!```)[\s\S])*\btype: {kind}\b", part)]
    print("\n".join(bad) if bad else f"receivers: {len(kinds)} with their other side")
    return 1 if bad or not kinds else 0


sys.exit(main())
