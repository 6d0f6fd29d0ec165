#!/usr/bin/python3
"""The pages hold together: each block has a language, each link leads somewhere, README leads to all.

What is inside of the blocks is run and loaded by tests/e2e/docs_test.py.  Looks at nothing outside
of the repository.  Prints every finding as file:line: text; exit 1 if there are any.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pages

# Languages of blocks, and which of them are commands or settings that a test tries.
RUN = {"sh", "console", "yaml", "python"}
SHOWN = {"text", "json", "ini", "nginx", "sql", "toml", "diff", "c", "conf"}
findings = []


def find(page, line, text):
    findings.append(f"{page}:{line}: {text}")


def look_at_blocks(page):
    for block in pages.blocks(page):
        if not block.language:
            find(page, block.line, "a block without a language: sh, yaml, text…")
        elif block.language not in RUN | SHOWN:
            find(page, block.line, f"a block in {block.language}: take one of {', '.join(sorted(RUN | SHOWN))}")
        elif block.language == "json" and "…" not in block.text:
            try:
                json.loads(block.text)
            except ValueError as e:
                find(page, block.line, f"not JSON: {e}")
        elif block.mark and block.language not in RUN:
            find(page, block.line, f"{block.language} is never run; the mark is not needed")
    fences = {block.line for block in pages.blocks(page)}
    for number, line in pages.prose(page):
        if line.lstrip().startswith("<!-- illustration") and \
                not (pages.MARK.search(line) and number + 1 in fences):
            find(page, number, "a mark is `<!-- illustration: why -->` in the line before the fence")


def cells(row):
    return len(re.findall(r"(?<!\\)\|", row.strip().strip("|"))) + 1


def look_at_tables(page):
    """A bar inside of a cell ends it, also between backticks: it is written as `\\|`."""
    columns, before = 0, ""
    for number, line in pages.prose(page):
        if re.fullmatch(r"\|[\s:|-]*-{3}[\s:|-]*", line) and before.startswith("|"):
            columns = cells(line)
            if cells(before) != columns:
                find(page, number, f"the head has {cells(before)} columns, the line below it {columns}")
        elif not line.startswith("|"):
            columns = 0
        elif columns and cells(line) != columns:
            find(page, number, f"a row of {cells(line)} columns in a table of {columns}")
        before = line


def look_at_links(page, known):
    reached = set()
    here = (pages.TOP / page).parent
    for number, target in pages.links(page):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (here / path).resolve() if path else pages.TOP / page
        if not file.exists():
            find(page, number, f"{target} leads nowhere")
            continue
        if not file.is_relative_to(pages.TOP):
            find(page, number, f"{target} leads out of the repository")
            continue
        name = str(file.relative_to(pages.TOP))
        if file.is_dir() and (file / "README.md").exists():
            name = f"{name}/README.md"
        reached.add(name)
        if anchor and name in known and anchor not in known[name]:
            find(page, number, f"{target}: no such heading")
    return reached


def look_at_reach(graph):
    todo, seen = ["README.md"], set()
    while todo:
        page = todo.pop()
        if page not in seen and page in graph:
            seen.add(page)
            todo += graph[page]
    for page in sorted(set(graph) - seen):
        find(page, 1, "no way of links leads here from README.md")


def look_at_installed(names):
    """Where a page is installed, its links lead somewhere, too."""
    out = subprocess.run(["contrib/install.sh", "list", "build"], cwd=pages.TOP, capture_output=True, text=True, check=True,
                         env={**os.environ, "PREFIX": "/p", "UNITDIR": "/u", "ZSHDIR": "/z"}).stdout
    top, placed = "/p/share/doc/triaged", set()
    for place in map(Path, out.split()):
        placed.update(map(str, [place, *place.parents]))
    for page in names:
        for number, target in pages.links(page) if f"{top}/{page}" in placed else ():
            path = target.partition("#")[0].replace("../contrib/", "../examples/")
            if path and not re.match(r"[a-z][a-z0-9+.-]*:", path) and \
                    os.path.normpath(f"{top}/{Path(page).parent}/{path}") not in placed:
                find(page, number, f"{target} is not installed with this page: contrib/install.sh")


def look_at_mentions():
    """Pages that settings, units, scripts and sources name are there."""
    out = subprocess.run(["git", "grep", "-noE", r"docs/[a-z/-]+\.md", "--", ":!*.md", ":!tests/lint"],
                         cwd=pages.TOP, capture_output=True, text=True).stdout
    for file, number, name in (row.split(":", 2) for row in out.splitlines()):
        if not (pages.TOP / name).exists():
            find(file, number, f"{name} is not there")


def look_at_tests(page):
    """`tests/room/file_test.c: name` is a promise: file and name are there."""
    for number, line in pages.prose(page):
        for file, name in re.findall(r"`(tests/[\w./]+)(?:: (\w+))?`", line):
            path = pages.TOP / file
            if re.search(r"[A-Z]{4}", file):  # whatever somebody adds
                continue
            if not path.exists():
                find(page, number, f"{file} is not there")
            elif name and not re.search(rf"\b{name}\b", path.read_text()):
                find(page, number, f"{file} has no test {name}")


def look_at_head(page):
    lines = [line for _, line in pages.prose(page) if line.strip()]
    if not lines or not lines[0].startswith("# "):
        find(page, 1, "it does not begin with its title")


def main():
    names = pages.names()
    known = {page: pages.anchors(page) for page in names}
    graph = {}
    for page in names:
        look_at_head(page)
        look_at_blocks(page)
        look_at_tables(page)
        look_at_tests(page)
        graph[page] = look_at_links(page, known)
    look_at_reach(graph)
    look_at_installed(names)
    look_at_mentions()
    for finding in findings:
        print(finding)
    print(f"pages: {len(names)}, {sum(len(list(pages.links(p))) for p in names)} links, "
          f"{len(findings)} finding{'s' if len(findings) != 1 else ''}")
    return 1 if findings else 0


sys.exit(main())
