#!/usr/bin/python3
"""A translated page says what the page says: the same commands and settings, headings of the same
levels, the same pictures, comparing tables with the same figures, links to the same pages and to each
other.

Comments in blocks may be translated, text and outputs too.  Prints what differs; exit 1 if anything
does.  That the blocks run is tried by tests/e2e/docs_test.py.
"""
import re
import sys

import pages

PAIRS = [("README.md", "README.zh.md")]
SAME = {"sh", "console", "yaml", "python"}


def without_comments(text):
    lines = [re.sub(r"(^|\s)# .*", "", line).rstrip() for line in text.split("\n")]
    return [line for line in lines if line]


def blocks(page):
    return [(b.language, without_comments(b.text) if b.language in SAME else None, b.line)
            for b in pages.blocks(page)]


def headings(page):
    return [len(m.group(1)) for _, line in pages.prose(page) if (m := re.match(r"(#+)\s", line))]


def pictures(page):
    return [target for _, line in pages.prose(page) for target in re.findall(r"!\[[^]]*\]\(([^)]*)\)", line)]


def figures(page):
    """Of each row of a table that compares: how many cells, and the numbers in them."""
    rows = [line.split("|") for _, line in pages.prose(page) if line.startswith("|")]
    return [(len(cells), re.findall(r"\d[\d,.]*", "|".join(cells[2:]))) for cells in rows if len(cells) > 5]


def first_difference(name, ours, theirs, page):
    for n, (a, b) in enumerate(zip(ours, theirs)):
        if a != b:
            yield f"{page}: {name} {n + 1}: {b}, not {a}"
            return
    if len(ours) != len(theirs):
        yield f"{page}: {len(theirs)} of {name}, not {len(ours)}"


def compare(page, other):
    ours, theirs = blocks(page), blocks(other)
    yield from first_difference("block", [b[:2] for b in ours], [b[:2] for b in theirs], other)
    for name, read in ("heading", headings), ("picture", pictures), ("row of figures", figures):
        yield from first_difference(name, read(page), read(other), other)
    missing = {target.split("#")[0] for _, target in pages.links(page)} - \
        {target.split("#")[0] for _, target in pages.links(other)} - {other}
    yield from (f"{other}: no link to {target}" for target in sorted(missing))
    for here, there in (page, other), (other, page):
        if there not in [target for _, target in pages.links(here)]:
            yield f"{here}: no link to {there}"


def main():
    bad = [finding for pair in PAIRS for finding in compare(*pair)]
    print("\n".join(bad) if bad else f"translations: {len(PAIRS)} page, the same commands as the original")
    return 1 if bad else 0


sys.exit(main())
