"""The frame of the bench, pure: rows with budgets, figures, the verdict, the text and the JSON.

A row (table.py has them all) says what is measured, in which unit and within which budget.  A figure is
what a module measured for it.  Nothing here starts a process or looks at a clock.
"""
import json
import re
from typing import NamedTuple


class Row(NamedTuple):
    key: str  # PART.NAME: the module bench_PART measures it and yields NAME
    what: str
    unit: str  # "x" is a ratio to `floor`, taken in one run
    budget: str = ""  # "<= 1.1", ">= 2", "< 20", "= 0"; in the unit
    floor: str = ""  # what one "x" is

    @property
    def part(self):
        return self.key.split(".", 1)[0]


class Figure(NamedTuple):
    name: str
    value: float | None  # None: there is none, and `detail` says why
    detail: str = ""


def ratio(name, ours, floor, unit="us", more=""):
    """A figure of unit "x": ours beside the floor of the same run."""
    detail = f"{ours:.4g} {unit}, floor {floor:.4g} {unit}"
    return Figure(name, ours / floor, f"{detail}; {more}" if more else detail)


TESTS = {"<=": lambda a, b: a <= b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b,
         "=": lambda a, b: a == b}


def verdict(row, value):
    """met, missed, "" without a budget, or not measured."""
    if value is None:
        return "not measured"
    if not row.budget:
        return ""
    sign, bound = re.fullmatch(r"(<=|<|>=|=) (\d+(?:\.\d+)?)", row.budget).groups()
    return "met" if TESTS[sign](value, float(bound)) else "missed"


def show_number(value, unit):
    """As many digits as a noisy machine can tell."""
    if value is None:
        return "-"
    digits = 2 if unit == "x" or abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{value:,.{digits}f}"
    return f"{text}x" if unit == "x" else f"{text} {unit}".rstrip()


def show_budget(row):
    return f"{row.budget}{'x' if row.unit == 'x' else ' ' + row.unit}".rstrip() if row.budget else ""


def missed_by(row, value):
    """How far a missed budget is away: what was to be at most so much is a multiple of it, what was to be at
    least so much a part; "" when it is met."""
    if verdict(row, value) != "missed":
        return ""
    bound = float(row.budget.split()[1])
    if not bound:
        return ""
    return f"{value / bound:.2f} {'times' if row.budget[0] == '<' else 'of'} the budget"


def record(section, row, figure):
    """One row of the JSON document."""
    value = figure.value if figure else None
    return {"key": row.key, "section": section, "what": row.what, "unit": row.unit,
            "budget": row.budget, "floor": row.floor, "value": value,
            "verdict": verdict(row, value), "missed_by": missed_by(row, value),
            "detail": figure.detail if figure else ""}


def row_of(entry):
    return Row(entry["key"], entry["what"], entry["unit"], entry["budget"], entry["floor"])


LINE = "{:44} {:>12}  {:>12}  {:12} {}"
HEAD = LINE.format("what", "figure", "budget", "verdict", "detail").rstrip()


def line(entry):
    """One row of the table on a terminal."""
    row, detail = row_of(entry), entry["detail"]
    if missed_by(row, entry["value"]):
        detail = f"{missed_by(row, entry['value'])}; {detail}"
    return LINE.format(row.what, show_number(entry["value"], row.unit), show_budget(row),
                       entry["verdict"], detail).rstrip()


def document(entries, about):
    """`about`: seconds, quick, machine, made."""
    return {**about, "rows": entries}


def merge(old, new):
    """What `new` measured takes the place of the same rows in `old`; the rest stays."""
    fresh = {entry["key"]: entry for entry in new["rows"]}
    kept = [fresh.pop(entry["key"], entry) for entry in old["rows"]]
    return {**new, "rows": kept + list(fresh.values())}


def summary(entries):
    counts = {}
    for entry in entries:
        counts[entry["verdict"]] = counts.get(entry["verdict"], 0) + 1
    return ", ".join(f"{counts[word]} {word}" for word in ("met", "missed", "not measured")
                     if word in counts)


def dump(doc):
    return json.dumps(doc, indent=1, ensure_ascii=False) + "\n"
