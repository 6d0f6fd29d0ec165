#!/usr/bin/python3
"""The soak: thousands of checks on real servers, random faults, hours; then: what grew, what was missed?

Memory, file descriptors and threads must have no slope that can be told from none, each check must
have run as often as its interval says, each switch that was thrown must have been seen in time and
none that was not, and each receiver must have been told of every incident, once and in order.

Usage: soak.py [--checks 2000] [--hours 1] [--interval 10] [--hasten 1] [--seed N] [--out FOLDER]

With --hasten N the daemon's clock runs N times as fast (libfaketime), so that --hours are hours of
the daemon.  What it measured is in FOLDER: samples.json, report.md and plots, all of them made from
the daemon's own /metrics but memory by PSS, which the kernel says.  They are there as well of a soak
that was given up (Ctrl-C, SIGTERM, an error), with what can be judged of its hours until then.
"""
import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import chaos
import lab
import soak_judge
import soak_report
import soak_world

FAKETIME = "/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1"
# Of the time this much is for caches, windows and the incidents that are kept to fill; slopes are of the rest.
WARM = 0.4
RESOLVED_KEPT = 500  # incidents that are over; what ended before them is dropped (daemon/triage/life.c)
END_S = 300  # so long may be told what is owed when all is mended


class Switches:
    """The breakable checks: when each was thrown, and what the daemon said of it."""

    def __init__(self, soak):
        self.soak = soak
        self.since = dict.fromkeys(soak.world.breakable, 0.0)  # of the daemon's seconds
        self.asked = self.thrown = 0
        self.wrong = []

    def throw(self, r):
        name = r.choice(self.soak.world.breakable)
        bad, now = self.soak.world.targets.bad, self.soak.now()
        settled = now - self.since[name] > self.soak.settle_s
        if not settled:
            return
        self.ask(name, "down" if name in bad else "up")
        if name in bad:
            bad.discard(name)
        else:
            bad.add(name)
        self.since[name] = self.soak.now()
        self.thrown += 1

    def ask(self, name, want):
        state = json.loads(self.soak.read(f"/api/v1/checks/{name}"))["state"]
        self.asked += 1
        if state != want:
            self.wrong.append(f"{name} is {state}, should be {want} since "
                              f"{self.soak.now() - self.since[name]:.0f} s")

    def mend(self):
        for name in self.soak.world.breakable:
            if name in self.soak.world.targets.bad:
                self.soak.world.targets.bad.discard(name)
                self.since[name] = self.soak.now()


class Soak:
    def __init__(self, folder, args):
        self.args = args
        self.random = random.Random(args.seed)
        self.timeout_s = max(2, min(30, args.interval // 2))
        # Two samples make a state; the first of them may be an interval away, the deadline too.
        self.settle_s = 3 * args.interval + 2 * self.timeout_s
        self.world = soak_world.World(folder, args.checks)
        self.world.text = lambda: self.world.settings(args.interval, self.timeout_s)
        self.daemon = lab.Daemon(folder, self.world.text(), env=self.hastened())
        self.begin = time.monotonic()
        self.switches = Switches(self)
        self.mends = []  # (when, name, what mends it)
        self.samples, self.faults, self.truth, self.dropped = [], collections.Counter(), {}, set()
        self.runs = []  # (when, runs of each check, overdue ones of each), some twenty and the last
        self.over_s = None  # when nothing was broken any more; None: it did not come so far
        self.trouble = []  # what was not well END_S after that
        self.given_up = ""  # and why

    def hastened(self):
        if self.args.hasten == 1:
            return {}
        lib = FAKETIME.format(os.uname().machine)
        if not Path(lib).exists():
            raise SystemExit("--hasten needs libfaketime: apt-get install libfaketime")
        return {"LD_PRELOAD": lib, "FAKETIME": f"+0 x{self.args.hasten}"}

    def now(self):
        """Of the daemon's seconds since the start."""
        return (time.monotonic() - self.begin) * self.args.hasten

    # ---- looking ----

    def read(self, path):
        """What takes thirty seconds is answered with 504, or cut, and hastened ones are soon over."""
        while True:
            try:
                status, head, body = self.daemon.api.request("GET", path)
            except ConnectionResetError:
                assert self.args.hasten > 1 and self.daemon.process.poll() is None, path
                continue
            is_whole = len(body) == int(re.search(r"(?i)content-length: (\d+)", head)[1])
            if status == 200 and is_whole:
                return body.decode()
            assert (status == 504 or not is_whole) and self.args.hasten > 1, (path, status, body)

    def metrics(self):
        text = self.read("/metrics")
        values, runs, overdue = {}, {}, {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.rpartition(" ")
            if name.startswith("triaged_check_runs_total{"):
                runs[name.split('"')[1]] = int(float(value))
            elif name.startswith("triaged_check_overdue_runs_total{"):
                overdue[name.split('"')[1]] = int(float(value))
            elif "{check=" not in name:
                values[name] = float(value)
        return values, runs, overdue

    def pss_kb(self):
        """Of the daemon itself; helpers come and go with what they look at."""
        for line in Path(f"/proc/{self.daemon.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
        return None

    def look(self):
        at = self.now()
        values, runs, overdue = self.metrics()
        self.samples.append({"at_s": at, "pss_kb": self.pss_kb(), **values})
        if len(self.runs) > 1 and self.runs[-1][0] - self.runs[-2][0] < self.length_s / 20:
            self.runs.pop()
        self.runs.append((at, runs, overdue))
        known = self.documents("incident")
        self.truth |= known
        # Only what is over is ever dropped, perhaps before a look has seen its end.
        self.dropped = {k for k, d in self.truth.items() if k not in known and d["status"] != "resolved"}

    def documents(self, kind):
        return chaos.read_documents(f"{self.daemon.state}/state.db", kind)

    @property
    def length_s(self):
        return self.args.hours * 3600

    # ---- doing ----

    def step(self):
        for when, name, mend in [m for m in self.mends if m[0] <= self.now()]:
            self.mends.remove((when, name, mend))
            mend()
        busy = {name for _, name, _ in self.mends}
        fault = self.random.choice(soak_world.FAULTS)
        if self.random.random() < 0.3 and fault.__name__ not in busy:
            mend = fault(self.world, self.random, self.daemon)
            lasts = self.random.uniform(0.5, 4) * self.settle_s
            self.mends.append((self.now() + lasts, fault.__name__, mend))
            self.faults[fault.__name__] += 1
        for _ in range(3):
            self.switches.throw(self.random)

    def run(self, say):
        self.daemon.start()
        self.begin = time.monotonic()
        said = looked = 0.0
        pause = max(0.2, self.settle_s / self.args.hasten / 8)
        while self.now() < self.length_s:
            self.step()
            if time.monotonic() - looked > min(10, self.length_s / self.args.hasten / 200):
                looked = time.monotonic()
                self.look()
            if time.monotonic() - said > 30:
                said = time.monotonic()
                last = self.samples[-1]
                say(f"{self.now() / 3600:6.2f} h: {last['pss_kb']} kB, "
                    f"{last['process_open_fds']:.0f} fds, {len(self.truth)} incidents, "
                    f"{self.switches.thrown} switches, {len(self.switches.wrong)} wrong, "
                    f"{sum(self.faults.values())} faults")
            time.sleep(pause)
        self.end(say)

    def end(self, say):
        """All is mended; what is owed must be told."""
        self.look()
        self.over_s = self.now()
        while self.mends:  # each once: what is started twice is left behind
            self.mends.pop()[2]()
        self.switches.mend()
        for place in self.world.places.values():
            place.set("ok")
        end = time.monotonic() + END_S
        while True:
            self.look()
            open_now = {self.truth[id_]["check"] for id_ in self.open_ids() - self.dropped}
            owed = len(self.documents("outbox"))
            # What this host itself suffers meanwhile is true; what a log said, and that a process
            # was started too often, stays for minutes.
            lingering = {c for c in open_now if c in soak_world.ONCE
                         or c.startswith(("log", "process"))}
            if open_now == lingering and owed == 0:
                return
            if time.monotonic() > end:
                self.trouble = [f"{owed} notices wait"] * (owed > 0) + sorted(open_now - lingering)
                return
            say(f"  mended: {len(open_now - lingering)} open, {owed} notices wait")
            time.sleep(2)

    # ---- judging ----

    def until_s(self):
        """How long things were broken."""
        return self.over_s or (self.samples[-1]["at_s"] if self.samples else 0)

    def lines(self):
        """What must be flat: {name: [(daemon's hours, value)]} after the warm part."""
        late = [s for s in self.samples if WARM * self.until_s() < s["at_s"] <= self.until_s()]
        rows = {"memory (PSS, kB)": "pss_kb", "file descriptors": "process_open_fds",
                "threads": "process_threads"}
        return {name: [(s["at_s"] / 3600, s[key]) for s in late] for name, key in rows.items()}

    def verdicts(self):
        """[(what, verdict in words, is well; None where that cannot be told)]"""
        out = [soak_judge.of_line(name, points) for name, points in self.lines().items()]
        out.append(self.of_runs())
        wrong = self.switches.wrong
        out.append(("switches", f"{self.switches.thrown} thrown, {self.switches.asked} asked about, "
                    f"{len(wrong)} answers wrong {wrong[:3] or ''}", not wrong))
        return out + (self.of_end() if self.over_s is not None and not self.given_up else [])

    def of_runs(self):
        warm = [seen for seen in self.runs if seen[0] > WARM * self.until_s()]
        if len(warm) < 2:
            return "runs missed", "too short a time to tell", None
        (t0, before, late0), (t1, after, late1) = warm[0], warm[-1]
        late = {c: late1[c] - late0.get(c, 0) for c in late1}
        # Those that a reload brings and takes away were not there all the time.
        before = {c: n for c, n in before.items() if not c.startswith(soak_world.EXTRA)}
        lacking = soak_judge.missed_runs(before, after, late, t1 - t0, self.args.interval)
        ran = sum(after[c] - before[c] for c in after if c in before)
        return ("runs missed", f"{sum(lacking.values())} of {ran}, {sum(late.values())} were "
                f"overdue and said so {list(lacking)[:3] or ''}", not lacking)

    def of_end(self):
        """What only a soak that came to its end can say."""
        stuck = self.samples[-1]["triaged_helpers_stuck"]
        told = self.told_wrong()
        if told:  # perhaps not told yet, or told since the last look
            time.sleep(10)
            self.look()
            told = {key: text for key, text in self.told_wrong().items() if key in told}
        told = list(told.values())
        return [("helpers stuck at the end", f"{stuck:.0f}", stuck == 0),
                (f"in trouble {END_S} s after all was mended", ", ".join(self.trouble[:9]) or "nothing",
                 not self.trouble),
                ("told", f"{len(self.truth)} incidents, {len(self.told_only())} more of which only the receivers knew, "
                 f"{len(told)} told wrong {told[:3] or ''}", not told)]

    def told_only(self):
        """Those that came and went between two looks: both receivers must have been told the same of them."""
        stories = [chaos.read_events(self.world.places[name]) for name in ("one", "two")]
        return soak_judge.told_only(stories, self.truth, RESOLVED_KEPT)

    def told_wrong(self):
        """{(receiver, incident): in words}"""
        truth = self.truth | self.told_only()
        found = [(name, *text.split(": ", 1)) for name in ("one", "two")
                 for text in chaos.judge_machine(self.world.places[name], truth)]
        return {(name, id_): f"{name}: {id_}: {text}" for name, id_, text in found if id_ not in self.open_ids()}

    def open_ids(self):
        return {k for k, d in self.truth.items() if d["status"] != "resolved"}

    def close(self):
        while self.mends:
            with contextlib.suppress(OSError, AssertionError):
                self.mends.pop()[2]()
        try:
            self.daemon.stop()
        finally:
            self.world.close()


def report(soak):
    """Writes it; whether all is well."""
    verdicts = soak.verdicts()
    if soak.samples:
        soak_report.write(soak.args, verdicts, soak.samples,
                          {"faults": dict(soak.faults), "incidents": len(soak.truth), "given up": soak.given_up})
    for what, words, is_well in verdicts:
        print(f"{soak_report.WELL[is_well].strip('*'):8} {what}: {words}", flush=True)
    return not soak.given_up and all(is_well for _, _, is_well in verdicts)


def play(folder, args, say):
    """Whether all is well; the report is written whatever comes."""
    soak = Soak(folder, args)
    try:
        try:
            soak.run(say)
        except KeyboardInterrupt:
            soak.given_up = "it was stopped"
        except Exception as error:  # noqa: BLE001: whatever it is, what was measured is kept
            traceback.print_exc()
            soak.given_up = f"{type(error).__name__}: {error}"
        return report(soak)
    finally:
        soak.close()


def parse(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--checks", type=int, default=2000)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--hasten", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--out", type=Path, default=lab.BUILD / "soak")
    return parser.parse_args(argv)


def main():
    args = parse()
    print(f"seed {args.seed}", flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="tri-")
    if play(folder, args, lambda text: print(text, flush=True)):
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    print(f"what is left of it: {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
