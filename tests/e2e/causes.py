#!/usr/bin/python3
"""Prints `code -> test` for every cause: the end-to-end test that breaks something real that way.

A test claims codes with @pytest.mark.cause("redis.noauth", ...), and conftest.py fails it if it never
read them.  A code without a test must be in CANNOT with the reason; exit 1 if one is in neither, if
a test claims a code that does not exist, or if a reason is out of date.  With --traps: the same for
the guides' checks that lie (scenarios, section 1).
"""
import ast
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CAUSES = HERE.parents[1] / "daemon" / "model" / "causes"

# code: why no end-to-end test can show it on a test machine; unit tests with stubs may.
CANNOT = {
    "self.cannot-tell": "ten minutes of nothing but errors: rules_test.c turns the clock",
    "self.heartbeat-unsent": "ten minutes of refusals: deliver/heartbeat_test.c turns the clock",
}


def codes():
    found = []
    for path in sorted(CAUSES.glob("*.def")):
        found += re.findall(r'CAUSE\(\s*"([^"]+)"', path.read_text())
    return sorted(found)


def is_mark(node, name):
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and node.func.attr == name and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "mark")


def claims(name):
    """{code or number: [file::test, ...]} of all marks `name` in this folder."""
    found = {}
    for path in sorted(HERE.glob("*_test.py")):
        tree = ast.parse(path.read_text())
        # Rows of a table kept outside the test that uses it count for the test's file.
        holders = [n for n in tree.body]
        for holder in holders:
            where = holder.name if isinstance(holder, (ast.FunctionDef, ast.ClassDef)) else ""
            for node in ast.walk(holder):
                if not is_mark(node, name):
                    continue
                for arg in node.args:
                    if isinstance(arg, ast.Constant):
                        found.setdefault(arg.value, []).append(
                            path.name + (f"::{where}" if where else ""))
    return found


def tell_causes():
    have, bad = claims("cause"), 0
    every = codes()
    for code in every:
        tests = have.get(code)
        if tests:
            print(f"{code:28} {tests[0]}" + (f" and {len(tests) - 1} more" if len(tests) > 1 else ""))
            if code in CANNOT:
                print(f"{code:28} has a test, and a reason why it cannot have one")
                bad += 1
        elif code in CANNOT:
            print(f"{code:28} - {CANNOT[code]}")
        else:
            print(f"{code:28} MISSING")
            bad += 1
    for code in sorted(set(have) | set(CANNOT)):
        if code not in every:
            print(f"{code:28} is no cause, but {have.get(code, ['CANNOT'])[0]} names it")
            bad += 1
    shown = sum(1 for code in every if code in have)
    print(f"{len(every)} causes: {shown} with a test, {len(every) - shown - bad} with a reason, "
          f"{bad} wrong")
    return bad == 0


def tell_traps():
    for number, tests in sorted(claims("trap").items()):
        print(f"{number:>3} {', '.join(sorted(set(tests)))}")
    return True


if __name__ == "__main__":
    sys.exit(0 if (tell_traps() if "--traps" in sys.argv else tell_causes()) else 1)
