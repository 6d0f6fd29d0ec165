"""What tests and lint read of the Markdown pages: fenced blocks, links, headings.

A block that a test runs or loads stands as it is; one that cannot be has a mark in the line before
its fence, `<!-- illustration: why it is not run -->`.
"""
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(\S*)\s*$")
MARK = re.compile(r"<!-- illustration: (\S.*?) -->\s*$")


class Block(NamedTuple):
    page: str
    line: int       # of the fence
    language: str   # "" without one
    mark: str       # why it is not run; "" without a mark
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def names():
    """The pages of this repository, new ones included; of an unpacked tarball all that are no build's."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=TOP, text=True,
                          capture_output=True)
    found = done.stdout.split() if done.returncode == 0 else \
        [str(path.relative_to(TOP)) for path in TOP.rglob("*.md")]
    return sorted(name for name in set(found) if (TOP / name).exists() and
                  not re.search(r"^build|node_modules|/\.", name))


def parts(name, text=None):
    """The page as (number, line, None) outside of fences and (number, None, Block) for each block."""
    lines = (text or (TOP / name).read_text()).split("\n")
    number = 0
    while number < len(lines):
        begin = FENCE.match(lines[number])
        if not begin:
            yield number + 1, lines[number], None
            number += 1
            continue
        indent, fence, language = begin.groups()
        end = number + 1
        while end < len(lines) and lines[end].strip() != fence:
            end += 1
        inside = [line[len(indent):] if line.startswith(indent) else line for line in lines[number + 1:end]]
        mark = MARK.search(lines[number - 1]) if number else None
        yield number + 1, None, Block(name, number + 1, language, mark.group(1) if mark else "",
                                      "\n".join(inside) + "\n")
        number = end + 1


def blocks(name, text=None):
    return [block for _, _, block in parts(name, text) if block]


def prose(name):
    """(number, line) of what is no block."""
    return [(number, line) for number, line, block in parts(name) if not block]


def slug(heading):
    """The anchor that forges make of a heading."""
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text.replace("`", "")).replace(" ", "-")


def anchors(name):
    found, seen = set(), {}
    for _, line in prose(name):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            base = slug(heading.group(1))
            count = seen.get(base, 0)
            seen[base] = count + 1
            found.add(f"{base}-{count}" if count else base)
        found.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
    return found


def links(name):
    """(line, target) of each link and image in a page."""
    for number, line in prose(name):
        line = re.sub(r"`[^`]*`", "", line)
        for target in re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", line):
            yield number, target
        for target in re.findall(r'(?:src|href)="([^"]+)"', line):
            yield number, target
