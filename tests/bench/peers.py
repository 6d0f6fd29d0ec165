#!/usr/bin/python3
"""`make bench-peers`: others in the field beside triaged and the floor, the same work in one run.

The harness is a folder of its own beside the repository (LAB=../shared/lab): it runs each program with
the same HTTP checks against one nginx, counts what arrives there, and reads CPU and memory over all of a
program's processes.  What is not installed is said and left out; contrib/packages/peers lists it all.
Everything lives in one folder, one network namespace and cgroups of its own, which go.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import frame
import machine

TOP = Path(__file__).resolve().parents[2]


class Peer(NamedTuple):
    key: str
    title: str
    harness: str  # its name in the harness
    options: tuple = ()
    binary: str = ""  # "" is always there
    package: str = ""  # whose version is told
    loads: str = "all"  # or "few": does not come up to 10,000 a second; "rest": makes no HTTP checks
    needs: tuple = ()  # programs that it is measured with


PEERS = (
    Peer("floor", "floor: bare epoll, a timer each", "floor"),
    Peer("gathered", "floor, starts gathered each 10 ms", "floor", ("q=10",)),
    Peer("triaged", "triaged", "triaged"),
    Peer("haproxy", "HAProxy's server checks", "haproxy", (), "haproxy", "haproxy"),
    Peer("monit", "Monit", "monit", (), "monit", "monit"),
    Peer("collectd", "collectd, curl plugin", "collectd", (), "collectd", "collectd-core"),
    Peer("prometheus", "Prometheus and blackbox exporter", "prom", (), "prometheus", "prometheus", "few",
         ("prometheus-blackbox-exporter", "prometheus-alertmanager", "prometheus-node-exporter")),
    Peer("nagios", "Nagios 4", "nagios", (), "nagios4", "nagios4-core", "few"),
    Peer("icinga", "Icinga 2", "icinga2", (), "icinga2", "icinga2-bin", "few"),
    Peer("netdata", "Netdata", "netdata", (), "netdata", "netdata-core", "rest"),
)
LOADS = ((300, 1, "all few"), (1000, 1, "all few"), (10000, 1, "all"))  # checks, each so many seconds
RESTING = {"triaged", "monit", "collectd", "prometheus", "nagios", "icinga", "netdata"}

ENOUGH, OURS_ENOUGH = 0.5, 0.95  # of the checks that were wanted, to be compared; forking ones never do all
# Not in Debian, so measured in another run: beside the same floor, 1,000 checks each second.
GATUS_TO_FLOOR = 3.4

# Whom, what, the budget, one of what; then the loads at which it is looked at.
PROMISES = (("haproxy", "triaged beside HAProxy", "<= 1", "HAProxy", (1000, 10000)),
            ("prometheus", "Prometheus beside triaged", ">= 30", "triaged", (300, 1000)),
            ("nagios", "Nagios beside triaged", ">= 40", "triaged", (300, 1000)),
            ("icinga", "Icinga beside triaged", ">= 40", "triaged", (300, 1000)))
BUDGETS = tuple((frame.Row(f"peers.{key}_{checks}", f"{what}, {checks:,} at 1 s", "x", budget, floor), key, checks)
                for key, what, budget, floor, loads in PROMISES for checks in loads)
GATUS = frame.Row("peers.gatus", "Gatus beside triaged, 1,000 at 1 s", "x", ">= 4", "triaged")


def say(text):
    print(text, file=sys.stderr, flush=True)


def which(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def version(peer):
    if not peer.package:
        return ""
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", peer.package], capture_output=True,
                         text=True).stdout
    return out.split(":")[-1].split("-")[0].split("+")[0]


class Lab:
    """The harness, run below one folder; close() takes down all that it made."""

    def __init__(self, path, build, folder):
        self.path, self.folder, self.used = path, folder, set()
        self.space = f"bench-{os.getpid()}" if os.geteuid() == 0 else ""
        # Two addresses: what triaged learns of each place after its start is done before it is measured.
        self.env = {**os.environ, "LAB": str(folder), "LABDIR": str(path), "LAB_NETNS": self.space,
                    "LAB_NADDR": "2", "TRIAGED_BIN": str(build / "triaged"), "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        for key in ("LAB_ENV", "LAB_INSIDE"):
            self.env.pop(key, None)
        made = subprocess.run(["make", "-s", "-C", path, f"LAB={folder}", f"{folder}/bin/floor"],
                              env=self.env, capture_output=True, text=True)
        if made.returncode != 0:
            raise SystemExit(f"bench-peers: the harness does not build: {made.stderr[-400:]}")

    def run(self, limit, name, *args):
        """One command of the harness; the last line that it printed, as JSON, or None."""
        process = subprocess.Popen([self.path / name, *map(str, args)], env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if name in ("peer", "idle"):
            self.used.add(args[0])
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it stops what it started
            out, _ = process.communicate(timeout=60)
        last = out.strip().split("\n")[-1]
        try:
            return json.loads(last)
        except ValueError:
            if process.returncode != 0:
                say(f"bench-peers: {name} {' '.join(map(str, args))}: {last[-300:]}")
            return None

    def groups(self):
        for line in Path("/proc/mounts").read_text().splitlines():
            kind = line.split()
            if kind[2] in ("cgroup2", "cgroup"):
                for name in {*self.used, "target"}:
                    yield Path(kind[1]) / f"hmlab_{name}"

    def close(self):
        self.run(60, "target", "down")
        for group in self.groups():
            with contextlib.suppress(OSError):
                for pid in (group / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            for _ in range(50):
                with contextlib.suppress(OSError):
                    group.rmdir()
                if not group.exists():
                    break
                time.sleep(0.05)
        if self.space:
            subprocess.run(["ip", "netns", "del", self.space], capture_output=True)


def measure_load(lab, peer, checks, interval, seconds):
    seen = lab.run(90 + seconds, "peer", peer.harness, checks, interval, f"dur={seconds}", "warm=20",
                   f"out={lab.folder}/out", *peer.options)
    if not seen or not seen.get("cpu_us_per_check"):
        return None
    return {"peer": peer.key, "checks": checks, "interval": interval, "us": seen["cpu_us_per_check"],
            "rate": seen["rate"], "cpu_pct": seen["cpu_pct"], "pss_mb": seen["pss_kb"] / 1024,
            "processes": seen["procs"], "error_p99_ms": seen["dev_p99_ms"], "missed": seen["missed"],
            "round_s": seen["sweep_s"], "others_pct": seen["other"] * 100}


def measure_rest(lab, peer, seconds):
    seen = lab.run(90 + seconds, "idle", peer.harness, f"secs={seconds}", "boot=10", f"out={lab.folder}/out",
                   *peer.options)
    return seen and {"peer": peer.key, "cpu_pct": seen["cpu_pct"], "pss_mb": seen["pss_kb"] / 1024,
                     "processes": seen["procs"], "wakeups": seen["ctxsw_per_s"]}


def share(seen):
    """Of the checks that were wanted."""
    return seen["rate"] * seen["interval"] / seen["checks"]


def compare(loads):
    """Adds each one's ratio to the floor and to triaged, at its load."""
    at = {(seen["peer"], seen["checks"]): seen for seen in loads}
    for seen in loads:
        for name, key in (("to_floor", "floor"), ("to_ours", "triaged")):
            base = at.get((key, seen["checks"]))
            seen[name] = seen["us"] / base["us"] if base else None
    return at


def weigh(row, ours, other):
    """One budget; None for a figure where somebody did too little for it to mean something."""
    if not ours or not other:
        return None
    least = ENOUGH if row.floor == "triaged" else OURS_ENOUGH
    if share(ours) < OURS_ENOUGH or share(other) < least:
        return frame.Figure(row.key, None, f"the machine was too busy: {share(other) * 100:.0f} % done, by triaged "
                            f"{share(ours) * 100:.0f} %")
    value = other["us"] / ours["us"] if row.floor == "triaged" else ours["us"] / other["us"]
    return frame.Figure(row.key, value, f"{other['us']:.4g} us, triaged {ours['us']:.4g} us")


def judge(at):
    """The budgets that speak of others."""
    entries = [frame.record("Budgets", row, weigh(row, at.get(("triaged", checks)), at.get((key, checks))))
               for row, key, checks in BUDGETS]
    entry = frame.record("Budgets", GATUS, None)
    floor, ours = at.get(("floor", 1000)), at.get(("triaged", 1000))
    if floor and ours and min(share(floor), share(ours)) >= OURS_ENOUGH:
        entry["value"] = GATUS_TO_FLOOR * floor["us"] / ours["us"]
        entry["verdict"], entry["detail"] = "quoted", "not in Debian: its ratio to the floor in an earlier run"
    return entries + [entry]


def measure(lab, args, chosen):
    best, rest = {}, []
    jobs = [(peer, checks, interval) for _ in range(args.rounds) for checks, interval, who in LOADS
            for peer in chosen if peer.loads in who.split()]
    for n, (peer, checks, interval) in enumerate(jobs, 1):
        say(f"[{n}/{len(jobs)}] {peer.title}: {checks:,} checks at {interval} s")
        seen = measure_load(lab, peer, checks, interval, args.seconds)
        old = best.get((peer.key, checks))
        if seen and (old is None or seen["us"] < old["us"]):
            best[peer.key, checks] = seen
    for peer in (peer for peer in chosen if peer.key in RESTING):
        say(f"at rest: {peer.title}")
        seen = measure_rest(lab, peer, args.rest)
        if seen:
            rest.append(seen)
    order = [peer.key for peer in PEERS]
    return sorted(best.values(), key=lambda seen: (seen["checks"], order.index(seen["peer"]))), rest


def show(doc):
    titles = {peer["key"]: peer["title"] for peer in doc["peers"]}
    for checks, interval, _ in LOADS:
        print(f"\n{checks:,} HTTP checks at {interval} s, a connection each\n"
              f"{'':36} {'CPU a check':>12} {'to floor':>9} {'to ours':>9} {'done':>8} {'memory':>10} "
              f"{'error p99':>10} {'first round':>12}")
        for seen in (s for s in doc["loads"] if s["checks"] == checks):
            print(f"{titles[seen['peer']]:36} {seen['us']:9,.0f} us {number(seen['to_floor'], 'x'):>9} "
                  f"{number(seen['to_ours'], 'x'):>9} {seen['rate'] * interval / checks * 100:6.0f} % "
                  f"{seen['pss_mb']:7,.1f} MB {number(seen['error_p99_ms'], ' ms'):>10} "
                  f"{number(seen['round_s'], ' s'):>12}")
    print(f"\nSix checks at rest\n{'':36} {'CPU':>8} {'memory':>10} {'processes':>10} {'wake-ups':>10}")
    for seen in doc["rest"]:
        print(f"{titles[seen['peer']]:36} {seen['cpu_pct']:6.2f} % {seen['pss_mb']:7.1f} MB "
              f"{seen['processes']:10} {seen['wakeups']:8.1f}/s")
    print(f"\n{frame.HEAD}")
    for entry in doc["rows"]:
        print(frame.line(entry))


def number(value, unit):
    return "-" if value is None else f"{value:,.1f}{unit}"


def choose(only):
    """Whom to measure; who is not there is told."""
    chosen, skipped = [], []
    for peer in PEERS:
        if only and peer.key not in only:
            continue
        missing = [name for name in (peer.binary, *peer.needs) if name and not which(name)]
        if missing:
            skipped.append(peer)
            say(f"bench-peers: {peer.title} is left out: {', '.join(missing)} not installed "
                "(contrib/packages/peers lists all)")
        else:
            chosen.append(peer)
    return chosen, skipped


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--lab", type=Path, default=TOP.parent / "shared/lab")
    parser.add_argument("--only", default="", help=", ".join(peer.key for peer in PEERS))
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--rest", type=int, default=30, help="seconds of looking at them at rest")
    parser.add_argument("--rounds", type=int, default=2, help="the cheapest run of each counts")
    parser.add_argument("--json", type=Path, help="default: BUILD/bench/peers.json")
    return parser.parse_args()


def main():
    args = arguments()
    path = args.lab.resolve()
    if not (path / "peer").exists():
        raise SystemExit(f"bench-peers: no harness at {args.lab}: it is a folder of its own beside this "
                         "repository; say where with LAB=FOLDER")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen, skipped = choose(set(args.only.split(",")) - {""})
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o755)
    lab = Lab(path, args.build.resolve(), folder)
    try:
        lab.run(60, "target", "up", "nginx", "redis", "pg")
        loads, rest = measure(lab, args, chosen)
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)
    at = compare(loads)
    doc = {"made": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine.describe(),
           "priority": -os.nice(0), "seconds": args.seconds, "rounds": args.rounds, "skipped": [peer.title for peer in skipped],
           "peers": [{"key": p.key, "title": p.title, "version": version(p)} for p in chosen],
           "loads": loads, "rest": rest, "rows": judge(at)}
    show(doc)
    out = args.json or args.build / "bench" / "peers.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(frame.dump(doc))


if __name__ == "__main__":
    main()
