#!/usr/bin/python3
"""The words that settings, rules and routes may use: keys, values, metrics, functions, causes, facts.

	tests/compat/words.py BUILD >tests/compat/words.txt

What a release has taken it takes for ever: tests/e2e/compat_words_test.py holds today's against
words.txt.  A release adds its new ones; none is ever taken out.
"""
import json
import re
import subprocess
import sys


def inside(part):
    """Of anyOf and the like: a text or a list of texts is one thing to whoever writes it."""
    yield part
    for key in ("anyOf", "oneOf", "allOf"):
        for one in part.get(key, ()):
            yield from inside(one)
    if isinstance(part.get("items"), dict):
        yield from inside(part["items"])


def chosen(part):
    """["http"] of a branch for `type: http`."""
    kind = part.get("if", {}).get("properties", {}).get("type", {})
    return [kind["const"]] if "const" in kind else kind.get("enum", [])


def keys_of(part, path):
    for one in inside(part):
        for value in one.get("enum", ()):
            yield f"value {path}: {json.dumps(value)}"
        for name, below in one.get("properties", {}).items():
            yield f"key {path}.{name}"
            yield from keys_of(below, f"{path}.{name}")
        if isinstance(one.get("additionalProperties"), dict):
            yield from keys_of(one["additionalProperties"], f"{path}[]")
        for kind in chosen(one):
            yield from keys_of(one.get("then", {}), f"{path}({kind})")


def manual_of(text):
    """Tables by their first column, under their headings: `### type: http`, `## Facts`."""
    area = kind = table = None
    for line in text.split("\n"):
        found = re.match(r"#+ (?:type: )?`?([\w-]+)", line)
        row = re.match(r"\| `([\w.-]+)", line)
        if found:
            kind, table = found.group(1), None
            area = kind if line.startswith("## ") else area
        elif not line.startswith("|"):
            table = None
        elif table is None:
            table = line.split("|")[1].strip()
        elif row and table == "metric":
            yield f"metric {kind}.{row.group(1)}"
        elif row and table == "function":
            yield f"function {row.group(1)}"
        elif row and table == "code":
            yield f"cause {row.group(1)}"
        elif row and table == "key" and area == "Facts":
            yield f"fact {kind}.{row.group(1)}"


def words_of(schema, manual):
    return sorted({*keys_of(json.loads(schema), ""), *manual_of(manual)})


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def words_of_build(build):
    return words_of(run(f"{build}/triage", "schema"), run(f"{build}/triaged", "--manual"))


if __name__ == "__main__":
    print("\n".join(words_of_build(sys.argv[1])))
