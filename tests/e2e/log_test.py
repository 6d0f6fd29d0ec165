"""Logs through all that happens to logs, with the daemon restarted in between: each line once."""
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

import lab

REMOTE = "/lib/systemd/systemd-journal-remote"


def counts(d, name="log"):
    return d.check(name)["metrics"]


def wait_lines(d, lines, name="log"):
    lab.wait_for(f"{lines} lines: {d.check(name)['last']}",
                 lambda: counts(d, name).get("lines_total") == lines)


def start(daemon, path, rest="patterns: {error: ERROR}", interval="1s"):
    d = daemon(f"checks: {{log: {{type: log, path: {path}, {rest}, interval: {interval}, "
               f"retries: 1}}}}\n").start()
    lab.wait_for("the first look", lambda: "lines_total" in counts(d))
    return d


def append(path, *lines):
    with open(path, "a") as f:
        f.writelines(line + "\n" for line in lines)


@pytest.fixture
def log(folder):
    path = Path(folder) / "app.log"
    path.write_text("the past, with an ERROR, long enough to be known again\n")
    return path


def test_rotation_truncation_removal_and_restarts(daemon, log):
    d = start(daemon, log, interval="30s")  # changes are heard, not waited for
    append(log, "one", "ERROR two")
    wait_lines(d, 2)
    assert counts(d)["matches_error_total"] == 1
    # As logrotate does it: rename, create; the writer reopens later.
    writer = open(log, "a")
    log.rename(f"{log}.1")
    log.touch()
    writer.write("ERROR three, by a writer that holds the old one\n")
    writer.close()
    append(log, "four")
    wait_lines(d, 4)
    # A rotation while the daemon is away.
    append(log, "five")
    d.stop()
    append(log, "ERROR six")
    os.rename(f"{log}.1", f"{log}.2")
    log.rename(f"{log}.1")
    append(log, "seven begins the new file, as long as it takes")
    d.start()
    wait_lines(d, 7)
    # copytruncate
    append(log, "ERROR eight")
    shutil.copy(log, f"{log}.copy")
    os.truncate(log, 0)
    append(log, "nine")
    wait_lines(d, 9)
    # Removed and made again; often the inode is the same.
    log.unlink()
    append(log, "ERROR ten")
    wait_lines(d, 10)
    d.kill()  # no farewell
    append(log, "eleven")
    d.start()
    wait_lines(d, 11)
    assert counts(d)["matches_error_total"] == 5
    last = d.check("log")["last"]
    assert "ERROR ten" in json.dumps(last), last


def rotations(d):
    """-1 while the daemon is away."""
    with contextlib.suppress(OSError, AssertionError, ValueError, IndexError):
        return counts(d).get("rotations_total", -1)
    return -1


def test_a_busy_log_that_is_rotated_all_the_time(daemon, log):
    d = start(daemon, log)
    total, stop = [0], threading.Event()

    def write():
        for n in range(3000):
            append(log, f"line {n} ERROR")
            total[0] += 1
            if n % 1000 == 999:
                # Not faster than anybody looks: what goes through two rotations unseen is lost.
                seen = lab.wait_for("the daemon", lambda: rotations(d) + 1)
                log.rename(f"{log}.{n}")
                append(log, "a new one")
                total[0] += 1
                lab.wait_for("the rotation to be seen",
                             lambda: rotations(d) >= seen)
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(2):
        if not stop.is_set():
            read = counts(d).get("lines_total", 0)
            lab.wait_for("some more to be read", lambda: stop.is_set() or
                         counts(d).get("lines_total", 0) > read)
            d.kill()
            d.start()
    thread.join()
    wait_lines(d, total[0])
    assert counts(d)["matches_error_total"] == 3000


@pytest.mark.cause("log.matched", "fs.noent")
def test_what_fails_the_check(daemon, log, hook):
    # without log-errors, which would speak of the panic for five minutes more
    d = daemon(f"""
builtin_rules: [check-down]
checks:
  log: {{type: log, path: {log}, patterns: {{panic: "panic:"}}, fail_on: [panic], interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    lab.wait_for("the first look", lambda: "lines_total" in counts(d))
    append(log, "panic: password is hidden, the rest is not")
    opened = hook.wait("incident.opened", "log")["data"]["incident"]
    assert opened["cause"]["code"] == "log.matched"
    assert "panic: password is hidden" in json.dumps(opened)
    lab.SEEN_CAUSES.add("log.matched")
    hook.wait("incident.resolved", "log")
    log.unlink()
    lab.wait_for("the cause", lambda: d.check("log")["cause"] == "fs.noent")
    lab.SEEN_CAUSES.add("fs.noent")
    append(log, "fine again")
    d.wait_state("log", "up")


def test_rules_find_errors_and_silence(daemon, log, hook):
    d = daemon(f"""
checks:
  log: {{type: log, path: {log}, patterns: {{error: ERROR}}, interval: 1s}}
rules:
  log-errors: {{warning: "increase(log.matches_error_total, 5m) > 10"}}
  log-silent: {{warning: log.last_line_age > 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    lab.wait_for("the first look", lambda: "lines_total" in counts(d))
    append(log, *[f"ERROR {n}" for n in range(20)])
    codes = set()

    def has_both():
        codes.update(e["data"]["incident"]["rule"] for e in hook.events("incident.opened"))
        return {"log-errors", "log-silent"} <= codes
    lab.wait_for(f"both rules, has {codes}", has_both)
    assert d.check("log")["state"] == "up"


def test_secrets_in_lines_are_masked(daemon, log):
    d = daemon(f"checks: {{log: {{type: log, path: {log}, patterns: {{e: ERROR}}, interval: 1s}},\n"
               f" beat: {{type: heartbeat, token: my-secret-token-77, period: 1h}}}}\n").start()
    lab.wait_for("the first look", lambda: "lines_total" in counts(d))
    append(log, "ERROR while calling /ping/my-secret-token-77")
    wait_lines(d, 1)
    text = json.dumps(d.check("log"))
    assert "ERROR while calling" in text and "my-secret-token-77" not in text


def entry(cursor, unit, message, at, more=""):
    return (f"__CURSOR={cursor}\n__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={at}\n"
            f"_BOOT_ID=0123456789abcdef0123456789abcdef\n"
            f"_MACHINE_ID=00000000000000000000000000000001\n_PID=7\nPRIORITY=3\n"
            f"_SYSTEMD_UNIT={unit}\n{more}MESSAGE={message}\n\n")


@pytest.mark.skipif(not os.path.exists(REMOTE), reason="needs systemd-journal-remote")
def test_journal_of_a_unit(daemon, folder):
    journal = Path(folder) / "journal"
    journal.mkdir()
    now, number = int(time.time() * 1e6), [0]

    def write(*entries):
        text = ""
        for unit, message in entries:
            number[0] += 1
            text += entry(f"c{number[0]}", unit, message, now + number[0])
        subprocess.run([*lab.with_machine_id(folder), REMOTE, "-o", journal / "system.journal", "-"], input=text,
                       text=True, check=True, capture_output=True, timeout=lab.LIMIT)
        (journal / "system.journal").chmod(0o644)

    write(("app.service", "ERROR of the past"))
    d = daemon(f"checks: {{log: {{type: log, journal: app, journal_folder: {journal}, interval: 1s, "
               f"patterns: {{error: ERROR}}}}}}\n").start()
    lab.wait_for("the first look", lambda: "lines_total" in counts(d))
    assert counts(d)["lines_total"] == 0
    write(("app.service", "ERROR one"), ("other.service", "ERROR not ours"), ("app.service", "two"))
    wait_lines(d, 2)
    assert counts(d)["matches_error_total"] == 1
    d.stop()
    write(("app.service", "ERROR three"))
    d.start()
    wait_lines(d, 3)
    assert counts(d)["matches_error_total"] == 2
