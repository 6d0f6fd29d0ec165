#!/usr/bin/python3
"""Gives every fuzz target its turn, sums up what came of it, and goes on after a find.

Usage: run.py BUILD run SECONDS [TARGET...]        libFuzzer, from the seeds and what was learnt before
       run.py BUILD fill SECONDS [TARGET...]       what each lacks of so many seconds of CPU, on all cores
       run.py BUILD afl SECONDS [TARGET...]        the same targets with AFL++
       run.py BUILD merge [TARGET...]              what was learnt becomes seeds, as few and small as do
       run.py BUILD coverage [TARGET...]           of the parsers' own files, by what was learnt so far
       run.py BUILD table                          docs/fuzzing.md gets the figures of build-fuzz/results.json,
                                                   to which what it told before was the beginning

The library lies in BUILD (for coverage: in BUILD/cov), made by the Makefile, which hands over FUZZ_CFLAGS
and FUZZ_LIBS.  What is learnt stays in BUILD/corpus, finds in BUILD/finds: one of them makes the end
an error.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path

from table import TOP, read_targets, seeds_of

MAX_LEN = 65536
FINDS_MAX = 5  # of one target, then it is the next one's turn
SEED_FILES_MAX, SEED_BYTES_MAX, SEED_MAX = 60, 60000, 8192
SANITIZE = "address,undefined"
ENDED_WELL = (0, 72, -signal.SIGINT, -signal.SIGTERM)  # 72: libFuzzer's own, when it was interrupted
# Who runs through half the daemon: weighing each of their features takes libFuzzer longer than a run.
BROAD = {"api", "cli", "compose", "container_talk", "fact_talk", "http_talk", "import", "mysql_talk", "outbox",
         "playbook", "postgres_talk", "receiver_talk", "redis_talk", "restore", "settings", "smtp_talk", "tcp_talk"}


def tidy_env():
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "detect_leaks=1:allocator_may_return_null=1:" + env.get("ASAN_OPTIONS", "")
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1:" + env.get("UBSAN_OPTIONS", "")
    return env


class Yard:
    """Where targets are built and what they have learnt lies."""

    def __init__(self, build):
        self.build = Path(build)
        self.cflags = os.environ.get("FUZZ_CFLAGS", "").split()
        self.libs = os.environ.get("FUZZ_LIBS", "").split()

    def path(self, *parts):
        path = self.build.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def corpus(self, target):
        folder = self.path("corpus", target)
        folder.mkdir(exist_ok=True)
        return folder

    def link(self, out, compiler, target, library, flags, more=(), env=None):
        source = TOP / f"tests/fuzz/{target}_fuzz.c"
        newest = max(p.stat().st_mtime for p in (source, library))
        if out.exists() and out.stat().st_mtime > newest:
            return out
        subprocess.run([compiler, *self.cflags, "-O1", "-g", "-Wno-missing-prototypes", *flags, "-o", out, source,
                        *more, library, *self.libs], check=True, env=env)
        return out

    def fuzzer(self, target):
        return self.link(self.path("fuzz", target), "clang", target, self.build / "libtriaged.a",
                         ["-fsanitize=" + SANITIZE + ",fuzzer", "-fno-sanitize-recover=all"])


# --- libFuzzer ---

def run_timed(command, log):
    """(exit code, seconds, CPU seconds of it alone)"""
    begun = time.monotonic()
    with open(log, "w") as out:
        run = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=tidy_env())
        _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    return run.returncode, time.monotonic() - begun, used.ru_utime + used.ru_stime


def last_of(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def one_turn(yard, target, seconds, log):
    """One process of libFuzzer, which ends with the time or with a find."""
    program = yard.fuzzer(target)
    command = [program, f"-max_total_time={seconds}", f"-max_len={MAX_LEN}", "-timeout=30", "-report_slow_units=30",
               "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0",
               f"-artifact_prefix={yard.path('finds', target)}-"]
    if target in BROAD:
        command.append("-entropic=0")
    words = TOP / f"tests/fuzz/words/{target}.dict"
    if words.exists():
        command.append(f"-dict={words}")
    code, seconds, cpu = run_timed([*command, yard.corpus(target), seeds_of(target)], log)
    text = log.read_text(errors="replace")
    return {"seconds": seconds, "cpu": cpu, "is_find": code not in ENDED_WELL,
            "executions": last_of(r"stat::number_of_executed_units: (\d+)", text),
            "edges": last_of(r" cov: (\d+)", text), "features": last_of(r" ft: (\d+)", text)}


def run_libfuzzer(yard, target, seconds):
    total = {"engine": "libFuzzer", "seconds": 0, "cpu": 0, "executions": 0, "edges": 0, "features": 0, "finds": 0}
    while True:
        left = seconds - total["seconds"]
        turn = one_turn(yard, target, max(1, round(left)), yard.path("logs", f"{target}.{total['finds']}"))
        for key in ("seconds", "cpu", "executions"):
            total[key] += turn[key]
        for key in ("edges", "features"):
            total[key] = max(total[key], turn[key])
        total["finds"] += turn["is_find"]
        if not turn["is_find"] or total["finds"] == FINDS_MAX or total["seconds"] >= seconds - 1:
            return total


# --- AFL++ ---

def run_afl(yard, target, seconds):
    env = tidy_env()
    env.update({"AFL_USE_ASAN": "1", "AFL_USE_UBSAN": "1", "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1",
                "AFL_NO_AFFINITY": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_FAST_CAL": "1",
                "AFL_QUIET": "1", "AFL_CMPLOG_ONLY_NEW": "1",
                # AFL wants these itself
                "ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1:"
                "abort_on_error=1:symbolize=0"})
    program = yard.link(yard.path("fuzz", target), "afl-clang-fast", target, yard.build / "libtriaged.a",
                        ["-fsanitize=fuzzer", "-fno-sanitize-recover=all"], env=env)
    out = yard.path("afl", target)
    words = TOP / f"tests/fuzz/words/{target}.dict"
    command = ["afl-fuzz", "-i", "-" if (out / "default/queue").exists() else seeds_of(target), "-o", out,
               "-V", str(seconds), "-t", "5000", "-m", "none"]
    if words.exists():
        command += ["-x", words]
    with open(yard.path("logs", target), "w") as log:
        subprocess.run([*command, "--", program], stdout=log, stderr=subprocess.STDOUT, env=env)
    return afl_figures(out)


def afl_figures(out):
    stats = out / "default/fuzzer_stats"
    if not stats.exists():
        return {"engine": "AFL++", "seconds": 0, "executions": 0, "edges": 0, "features": 0, "finds": 1}
    found = dict(re.findall(r"^(\w+)\s*: (.*)$", stats.read_text(), re.M))
    return {"engine": "AFL++", "seconds": float(found["run_time"]), "executions": int(found["execs_done"]),
            "edges": int(found["edges_found"]), "features": 0,
            "finds": int(found["saved_crashes"]) + int(found["saved_hangs"])}


# --- coverage of the parser's own files ---

def measure_coverage(yard, target, files):
    """(lines covered, lines) of the files by all that was learnt; each input once, unchanged."""
    library = yard.build / "cov/libtriaged.a"
    if not library.exists():
        return None
    program = yard.link(yard.path("cov", "fuzz", target), "clang", target, library,
                        ["-fprofile-instr-generate", "-fcoverage-mapping"], [TOP / "tests/fuzz/replay.c"])
    raw, data = yard.path("cov", "raw", target), yard.path("cov", "data", target)
    env = dict(os.environ, LLVM_PROFILE_FILE=str(raw))
    subprocess.run([program, "--once", yard.corpus(target), seeds_of(target)], env=env, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", data, raw], check=True)
    told = subprocess.run(["llvm-cov", "export", "-summary-only", f"-instr-profile={data}", program],
                          check=True, capture_output=True, text=True)
    own = [f["summary"]["lines"] for f in json.loads(told.stdout)["data"][0]["files"]
           if os.path.normpath(f["filename"]) in files]
    return [sum(lines["covered"] for lines in own), sum(lines["count"] for lines in own)]


# --- what was learnt becomes seeds ---

def merge(yard, target):
    """Seeds that are there stay; of what was learnt the smallest that add something, within bounds."""
    folder = seeds_of(target)
    kept = sorted(folder.iterdir())
    room_files = SEED_FILES_MAX - len(kept)
    room_bytes = SEED_BYTES_MAX - sum(f.stat().st_size for f in kept)
    new = yard.path("merge", target)
    subprocess.run(["rm", "-rf", new], check=True)
    new.mkdir()
    for seed in kept:
        (new / seed.name).write_bytes(seed.read_bytes())
    subprocess.run([yard.fuzzer(target), "-merge=1", f"-max_len={SEED_MAX}", new, yard.corpus(target)],
                   check=False, env=tidy_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = {f.name for f in kept}
    learnt = sorted((f for f in new.iterdir() if f.name not in names), key=lambda f: (f.stat().st_size, f.name))
    took = 0
    for file in spread(learnt, room_files):
        size = file.stat().st_size
        if size <= SEED_MAX and size <= room_bytes:
            (folder / file.name[:12]).write_bytes(file.read_bytes())
            room_bytes -= size
            took += 1
    print(f"{target}: {len(learnt)} would add something, {took} taken")


def spread(files, count):
    """So many of them, small ones and large ones."""
    if count <= 0 or len(files) <= count:
        return files[:max(count, 0)]
    return [files[i * len(files) // count] for i in range(count)]


# --- results ---

RESULTS = TOP / "build-fuzz/results.json"
PAGE = TOP / "docs/fuzzing.md"
RESULTS_LOCK = threading.Lock()


def read_results():
    """What this build folder knows, or where there is none yet, what the page told last."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else results_of_page(PAGE.read_text())


def keep_result(target, result):
    """Runs of an engine add up: each begins with what those before have learnt."""
    with RESULTS_LOCK:
        known = read_results()
        old = known.get(f"{target} {result['engine']}", {})
        whole = {**old, **result}
        for key in ("seconds", "cpu", "executions", "finds"):
            if key in whole:
                whole[key] = old.get(key, 0) + result.get(key, 0)
        for key in ("edges", "features"):
            whole[key] = max(old.get(key, 0), result[key])
        known[f"{target} {result['engine']}"] = whole
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def row_of(target, r):
    seconds = max(1, round(r["seconds"]))
    line = f"{target:20} {seconds:5} s {r['executions']:12,} runs {r['executions'] // seconds:7,}/s"
    line += f" {r['edges']:6,} edges"
    if r.get("coverage"):
        covered, lines = r["coverage"]
        line += f" {covered:5,} of {lines:5,} own lines"
    return line + (f"  {r['finds']} FINDS" if r["finds"] else "")


def run_all(yard, engine, seconds, targets, table):
    bad, broken = [], []
    for target in targets:
        try:
            result = engine(yard, target, seconds)
        except subprocess.CalledProcessError:
            broken.append(target)
            print(f"{target}: does not build")
            continue
        if engine is run_libfuzzer:
            result["coverage"] = measure_coverage(yard, target, table[target])
        keep_result(target, result)
        print(row_of(target, result), flush=True)
        if result["finds"]:
            bad.append(target)
    print(f"fuzz: {len(targets)} targets, {seconds} s each; "
          + (f"finds in {yard.build / ('afl' if engine is run_afl else 'finds')}: {' '.join(bad)}" if bad else "no finds"))
    if broken:
        print("fuzz: not built: " + " ".join(broken))
    return 1 if bad or broken else 0


TURN_S = 120


def fill_one(yard, target, seconds, files):
    """Turns of its own until it had its CPU, whatever else the machine does meanwhile."""
    finds = 0
    while not finds:
        left = seconds - read_results().get(f"{target} libFuzzer", {}).get("cpu", 0)
        if left < 1:
            break
        result = run_libfuzzer(yard, target, min(TURN_S, max(5, round(left))))
        keep_result(target, result)
        finds = result["finds"]
    measure_again(yard, [target], {target: files})
    print(row_of(target, read_results()[f"{target} libFuzzer"]), flush=True)
    return finds


def fill_all(yard, seconds, targets, table):
    known = read_results()
    targets = sorted(targets, key=lambda t: known.get(f"{t} libFuzzer", {}).get("cpu", 0))
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {t: pool.submit(fill_one, yard, t, seconds, table[t]) for t in targets}
        bad = [t for t, job in jobs.items() if job.result()]
    print(f"fuzz: {len(targets)} targets, {seconds} s of CPU each; "
          + (f"finds in {yard.build / 'finds'}: {' '.join(bad)}" if bad else "no finds"))
    return 1 if bad else 0


# --- the page ---

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


HEAD = ["target", "engine", "seconds", "CPU seconds", "executions", "own lines reached", "edges", "finds"]


def row_cells(target, r):
    covered = r.get("coverage")
    share = "" if not covered else f"{covered[0]:,} of {covered[1]:,} ({100 * covered[0] // max(1, covered[1])} %)"
    return [target, r["engine"], f"{round(r['seconds']):,}", f"{round(r['cpu']):,}" if r.get("cpu") else "",
            f"{r['executions']:,}", share, f"{r['edges']:,}", str(r["finds"])]


def number(cell):
    return int(cell.replace(",", "") or 0)


def results_of_page(text):
    """Its rows read back, so that what was run elsewhere goes on counting."""
    known = {}
    for line in text.split(BEGIN)[1].split(END)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) != len(HEAD) or cells[1] not in ("libFuzzer", "AFL++"):
            continue
        result = {"engine": cells[1], "seconds": number(cells[2]), "cpu": number(cells[3]),
                  "executions": number(cells[4]), "edges": number(cells[6]), "features": 0, "finds": number(cells[7])}
        reached = re.match(r"([\d,]+) of ([\d,]+)", cells[5])
        if reached:
            result["coverage"] = [number(reached[1]), number(reached[2])]
        known[f"{cells[0]} {cells[1]}"] = result
    return known


def write_table(table):
    known = read_results()
    rows, seconds, executions = [], 0, 0
    for target in sorted(table):
        runs = [known[key] for key in sorted(known, reverse=True) if key.split()[0] == target]
        rows += [row_cells(target, r) for r in runs] or [[target, "not run yet"] + [""] * (len(HEAD) - 2)]
        seconds += sum(r["seconds"] for r in runs)
        executions += sum(r["executions"] for r in runs)
    rows.append([f"all {len(table)}", "", f"{round(seconds):,}", "", f"{executions:,}", "", "", ""])
    lines = ["| " + " | ".join(cells) + " |" for cells in [HEAD, ["---", "---"] + ["--:"] * (len(HEAD) - 2), *rows]]
    head, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])


def measure_again(yard, targets, table):
    """Coverage anew, by what was learnt so far."""
    for target in targets:
        coverage = measure_coverage(yard, target, table[target])
        with RESULTS_LOCK:
            known = read_results()
            if f"{target} libFuzzer" in known:
                known[f"{target} libFuzzer"]["coverage"] = coverage
                RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(target, coverage, flush=True)


def main():
    build, verb, *rest = sys.argv[1:]
    yard, table = Yard(build), read_targets()
    if verb == "table":
        write_table(table)
        return 0
    seconds = int(rest.pop(0)) if verb in ("run", "fill", "afl") else 0
    for name in rest:
        if name not in table:
            sys.exit(f"fuzz: there is no target {name}; there are: {' '.join(sorted(table))}")
    targets = rest or sorted(table)
    if verb == "coverage":
        measure_again(yard, targets, table)
        return 0
    if verb == "merge":
        for target in targets:
            merge(yard, target)
        return 0
    # What targets put into files; some of them are killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        os.environ["TMPDIR"] = folder
        if verb == "fill":
            return fill_all(yard, seconds, targets, table)
        return run_all(yard, run_afl if verb == "afl" else run_libfuzzer, seconds, targets, table)


if __name__ == "__main__":
    sys.exit(main())
