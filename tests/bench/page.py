#!/usr/bin/python3
"""Writes what was measured into the documents, so that they cannot differ from it.

    page.py            from results/*.json into the documents
    page.py --check    nothing is written; exit 1 when a document is not as it would be
    page.py --take D   takes D/bench.json and D/peers.json over into results first

A document has blocks, `<!-- bench: NAME -->` to `<!-- /bench -->`, and rows of tables that are known
by their first cell (readme_rows, operating_rows).  Whatever stands there is replaced.
"""
import json
import re
import statistics
import sys
from pathlib import Path

import frame

TOP = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results"
PAGES = ("docs/performance.md", "docs/comparison.md", "docs/operating.md", "README.md", "README.zh.md")

# From an earlier run with the same harness and work, on a quiet machine of the same kind: who is not in
# Debian, and who got too little of a busy one (memory in MB, CPU in % of a core; processes or % done).
QUOTED = {"Gatus": {"rest": (12.7, 0.00, 1), "load": (63, 32, 100)},
          "Uptime Kuma": {"rest": (145, 1.5, 1), "load": (503, 109, 30)}}
STARVED = {"prometheus": (260, 158, 100), "nagios": (36.4, 186, 75), "icinga": (64.0, 188, 56)}
BLOCK = re.compile(r"(<!-- bench: ([^>]*?) -->\n).*?(<!-- /bench -->)", re.S)


def table(head, align, rows):
    return ["| " + " | ".join(head) + " |", "|" + "|".join(align) + "|",
            *("| " + " | ".join(row) + " |" for row in rows)]


def number(value, unit="", digits=None):
    if value is None:
        return "–"
    if digits is None:
        digits = 2 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}{unit}"


def marked(text):
    """A figure or a budget as it is set in a document."""
    return text.replace("x", "×").replace("<=", "≤").replace(">=", "≥").replace("us", "µs")


def section(entries):
    """One section of `make bench`, as its table on a terminal."""
    def cells(entry):
        row = frame.row_of(entry)
        word = entry["verdict"] if entry["verdict"] != "missed" else \
            ", ".join(filter(None, ["**missed**", frame.missed_by(row, entry["value"])]))
        return [row.what, marked(frame.show_number(entry["value"], row.unit)), marked(frame.show_budget(row)),
                word, re.sub(r"\bus\b", "µs", entry["detail"]) or "–"]
    return table(["", "figure", "budget", "verdict", "how"], ["---", "---:", "---:", "---", "---"],
                 [cells(entry) for entry in entries])


def missed(entries):
    rows = [entry for entry in entries if entry["verdict"] == "missed"]
    if not rows:
        return ["None."]
    return [f"- {e['section']}: {e['what']}: " + marked(", ".join(filter(None, [
        frame.show_number(e["value"], e["unit"]), frame.missed_by(frame.row_of(e), e["value"]),
        frame.show_budget(frame.row_of(e))]))) for e in rows]


def about(doc):
    what = doc["machine"]
    others = [entry["others_pct"] for entry in doc.get("loads", doc["rows"]) if "others_pct" in entry]
    raised = f" The bench ran with a priority raised by {doc['priority']}." if doc["priority"] > 0 else ""
    return [f"Measured {doc['made']}: {what['processors']}, {what['memory']} of memory, {what['kernel']}, "
            f"{what['system']}. Each figure is from {doc['seconds']} s or more. Meanwhile others had "
            f"{min(others):.0f} to {max(others):.0f} % of the machine, {statistics.median(others):.0f} % in the middle.{raised}"
            + (f" {doc['note']}" if "note" in doc else "")]


def load_table(peers, checks):
    titles = {p["key"]: f"{p['title']} {p['version']}".strip() for p in peers["peers"]}
    return table(
        ["", "CPU a check", "beside the floor", "beside triaged", "of those wanted", "memory", "error p99",
         "all checks once"], ["---"] + ["---:"] * 7,
        [[titles[s["peer"]], number(s["us"], " µs", 0), number(s["to_floor"], "×"), number(s["to_ours"], "×"),
          number(s["rate"] * s["interval"] / s["checks"] * 100, " %", 0), number(s["pss_mb"], " MB"),
          number(s["error_p99_ms"], " ms", 0), number(s["round_s"], " s")]
         for s in peers["loads"] if s["checks"] == checks])


def rest_table(peers):
    titles = {p["key"]: f"{p['title']} {p['version']}".strip() for p in peers["peers"]}
    rows = [[titles[s["peer"]], number(s["pss_mb"], " MB"), number(s["cpu_pct"], " %", 2), str(s["processes"]),
             number(s["wakeups"], "", 1)] for s in peers["rest"]]
    rows += [[f"{name} (quoted)", number(q["rest"][0], " MB"), number(q["rest"][1], " %", 2),
              str(q["rest"][2]), "–"] for name, q in QUOTED.items()]
    return table(["", "memory", "CPU of a core", "processes", "wake-ups a second"], ["---"] + ["---:"] * 4, rows)


def at_a_thousand(seen):
    """Memory, CPU and share done; from the earlier run when this one gave it too little to be fair."""
    share = seen["rate"] * seen["interval"] / seen["checks"]
    if share < 0.5 and seen["peer"] in STARVED:
        return STARVED[seen["peer"]], True
    return (seen["pss_mb"], seen["cpu_pct"], share * 100), False


def loaded(values):
    return [number(values[0], " MB"), number(values[1], " %", 0), number(values[2], " %", 0)]


def thousand_table(peers):
    """1,000 HTTP checks each second, for docs/comparison.md."""
    titles = {p["key"]: f"{p['title']} {p['version']}".strip() for p in peers["peers"]}
    rows = []
    for seen in peers["loads"]:
        if seen["checks"] == 1000 and seen["peer"] not in ("floor", "gathered"):
            values, is_quoted = at_a_thousand(seen)
            rows.append([titles[seen["peer"]] + (" (quoted)" if is_quoted else ""), *loaded(values)])
    rows += [[f"{name} (quoted)", *loaded(q["load"])] for name, q in QUOTED.items()]
    return table(["", "memory", "CPU of a core", "of the checks done"], ["---"] + ["---:"] * 3, rows)


def skipped(peers):
    return ["Left out, as not installed: " + ", ".join(peers["skipped"]) + "."] if peers["skipped"] else \
        ["Nobody was left out."]


def blocks(bench, peers):
    made = {"machine": about(bench), "peers machine": about(peers), "missed": missed(bench["rows"] + peers["rows"]),
            "others at rest": rest_table(peers), "others, budgets": section(peers["rows"]),
            "others, left out": skipped(peers), "others, a thousand": thousand_table(peers)}
    for name in dict.fromkeys(entry["section"] for entry in bench["rows"]):
        made[name] = section([entry for entry in bench["rows"] if entry["section"] == name])
    for checks in sorted({seen["checks"] for seen in peers["loads"]}):
        made[f"others, {checks:,} at 1 s"] = load_table(peers, checks)
    return made


def readme_rows(peers):
    """Cells in the order of the README's columns."""
    rest = {seen["peer"]: seen["pss_mb"] for seen in peers["rest"]}
    load = {seen["peer"]: at_a_thousand(seen)[0][0] for seen in peers["loads"] if seen["checks"] == 1000}

    def cells(measured, quoted, names):
        found = [quoted[n][0] if n in quoted else measured.get(n) for n in names]
        return ["–" if value is None else f"{value:,.0f} MB" for value in found]
    at_rest = cells(rest, {n: q["rest"] for n, q in QUOTED.items()},
                    ("triaged", "monit", "Gatus", "Uptime Kuma", "netdata", "prometheus"))
    busy = cells(load, {n: q["load"] for n, q in QUOTED.items()},
                   ("triaged", "monit", "Gatus", "Uptime Kuma", "netdata", "prometheus"))
    return {"README.md": {"memory, six checks at rest": at_rest, "memory, 1,000 HTTP checks a second": busy},
            "README.zh.md": {"内存占用，六项检查": at_rest, "内存占用，每秒 1,000 项 HTTP 检查": busy}}


def operating_rows(bench):
    show = {entry["key"]: frame.show_number(entry["value"], entry["unit"]) for entry in bench["rows"]}
    detail = next(entry["detail"] for entry in bench["rows"] if entry["key"] == "http.sparse")
    each = re.match(r"[\d.]+ us", detail)
    return {"docs/operating.md": {
        "memory (PSS)": [f"{show['memory.shipped']}; 2 to 3 MB more in a second in which a file system is asked",
                         f"{show['memory.further']} for one `http` check more: {show['memory.1000']} at "
                         f"1,000 checks, {show['memory.10000']} at 10,000"],
        "CPU": [show["idle.cpu"],
                f"{marked(each.group(0)) if each else '–'} for one `http` check, 1,000 of them each second"]}}


def fill(text, made, rows):
    """The document as it should be; a name that nobody knows is a mistake."""
    def block(match):
        if match.group(2) not in made:
            raise SystemExit(f"page.py: no such block: {match.group(2)}; there are: {', '.join(made)}")
        return match.group(1) + "\n".join(made[match.group(2)]) + "\n" + match.group(3)
    text = BLOCK.sub(block, text)
    for label, cells in rows.items():
        text = re.sub(rf"^\| {re.escape(label)} \|.*$", lambda _: f"| {label} | " + " | ".join(cells) + " |", text,
                      flags=re.M)
    return text


def load(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def main():
    if "--take" in sys.argv:
        for name in ("bench", "peers"):
            path = Path(sys.argv[sys.argv.index("--take") + 1]) / f"{name}.json"
            if path.exists():
                doc = json.loads(path.read_text())
                if doc.get("quick"):
                    raise SystemExit("page.py: a quick run measures nothing; its figures are not taken over")
                RESULTS.mkdir(exist_ok=True)
                (RESULTS / f"{name}.json").write_text(frame.dump(doc))
    bench, peers = load("bench"), load("peers")
    made, rows, stale = blocks(bench, peers), {**readme_rows(peers), **operating_rows(bench)}, []
    for page in PAGES:
        old = (TOP / page).read_text()
        new = fill(old, made, rows.get(page, {}))
        if new != old:
            stale.append(page)
            if "--check" not in sys.argv:
                (TOP / page).write_text(new)
    if "--check" in sys.argv and stale:
        print(f"not as measured: {', '.join(stale)}: make bench-docs")
        return 1
    print("documents: as measured" if not stale else f"written: {', '.join(stale)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
