"""Logs that tell of trouble: bursts of errors, silence, slow answers.  Real files, rotated as logs
are; the waits of the built-in rules are their own."""
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lab
from host_test import MEMORY, put
from log_test import REMOTE, entry


def start(daemon, hook, keys, path, rules=""):
    return daemon(f"""
checks:
  log: {{type: log, path: {path}, interval: 1s{keys}}}
{"rules:" if rules else ""}
{rules}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()


@pytest.fixture
def log(folder):
    path = Path(folder) / "app.log"
    path.write_text("2026-01-02 INFO started\n")
    return path


def append(path, *lines):
    with open(path, "a") as f:
        f.write("".join(f"{line}\n" for line in lines))


@pytest.mark.scenario("log-error-rate")
@pytest.mark.parametrize("line, severity, finding", [
    ("2026-01-02 ERROR [{}] failed to connect to database: connection refused", "warning",
     "log-error-rate.database-away"),
    ("2026-01-02 ERROR user {} not found", "warning", "log-error-rate.unclassified"),
    ("2026-01-02 FATAL [{}] listen tcp :3000: bind: address already in use", "critical",
     "log-error-rate.port-taken"),
], ids=["database", "unclassified", "fatal"])
def test_a_burst_of_errors(daemon, hook, fault, log, line, severity, finding):
    d = start(daemon, hook, "", log)
    d.wait_state("log", "up")
    append(log, *["2026-01-02 INFO fine"] * 50, *[line.format(n) for n in range(3)][:3 if "ERROR" in line else 0])
    lab.wait_for("the lines", lambda: d.check("log")["metrics"].get("lines_total", 0) >= 50)
    assert not hook.events()  # three errors are no burst
    fault.begin()
    append(log, *[line.format(n) for n in range(15)])
    incident = fault.read(hook, "log", cause=finding, playbook="log-error-rate", severity=severity,
                          title=str(log), facts=["log-tail"], evidence=["x ", "#"], remedy="grep")
    assert incident["rule"] == "log-errors"


@pytest.mark.scenario("log-error-rate")
def test_errors_over_a_rotation(daemon, hook, fault, log):
    """Renamed and made anew in the middle of the burst: nothing is lost or counted twice."""
    d = start(daemon, hook, "", log)
    d.wait_state("log", "up")
    fault.begin()
    append(log, *[f"2026-01-02 ERROR {n}: Too many connections" for n in range(6)])
    os.rename(log, f"{log}.1")
    append(log, *[f"2026-01-02 ERROR {n}: Too many connections" for n in range(6)])
    fault.read(hook, "log", cause="log-error-rate.too-many-connections", severity="warning",
               playbook="log-error-rate", evidence=["12 x ERROR #: Too many connections"])
    assert d.check("log")["metrics"]["errors_total"] == 12


WRITER = """
import sys, time
with open(sys.argv[1], "a") as f:
    while True:
        f.write("2026-01-02 INFO at work\\n"); f.flush(); time.sleep(0.1)
"""


@pytest.mark.scenario("log-silent")
@pytest.mark.parametrize("is_renamed, words", [
    (False, "which was deleted"),
    # what a rotation left behind is read for a minute before it is let go
    pytest.param(True, "app.log.1, not to this file", marks=pytest.mark.slow),
], ids=["deleted", "renamed"])
def test_a_writer_that_missed_the_rotation(daemon, folder, hook, fault, log, is_renamed, words):
    script = Path(folder) / "worker.py"
    script.write_text(WRITER)
    writer = subprocess.Popen([sys.executable, script, log])
    try:
        d = start(daemon, hook, ", silent_after: 3s", log)
        lab.wait_for("lines", lambda: d.check("log")["metrics"].get("lines_total", 0) > 5)
        fault.begin()
        if is_renamed:
            os.rename(log, f"{log}.1")
        else:
            os.unlink(log)
        log.touch()
        if lab.SANDBOX in ("unit", "bare"):  # whose file it is cannot be seen from there, and that is said
            fault.read(hook, "log", cause="log-silent.no-output", playbook="log-silent", within=90,
                       severity="warning", title=str(log), facts=["log-tail"],
                       evidence=["CAP_SYS_PTRACE", "is not shown to this daemon: it may write to another one"])
            return
        fault.read(hook, "log", cause="log-silent.rotated-away", playbook="log-silent", within=90,
                   severity="warning", title=str(log), facts=["log-tail"],
                   evidence=[str(writer.pid), words], remedy="reopen")
    finally:
        writer.kill()
        writer.wait()


@pytest.mark.scenario("log-silent")
def test_a_writer_that_says_nothing_more(daemon, hook, fault, log):
    d = start(daemon, hook, ", silent_after: 3s", log)
    d.wait_state("log", "up")
    append(log, "2026-01-02 INFO the last words")
    fault.begin()
    fault.read(hook, "log", cause="log-silent.no-output", severity="warning", playbook="log-silent",
               title="silent for", facts=["log-tail", "disk"], evidence=["the last words"])
    append(log, "2026-01-02 INFO awake again")
    hook.wait("incident.resolved", "log")


def test_silence_that_nobody_asked_about(daemon, hook, log):
    d = start(daemon, hook, "", log)
    d.wait_state("log", "up")
    seen = d.check("log")["metrics"]
    assert "silent_after_time" not in seen and "slow_time" not in seen


@pytest.mark.scenario("log-slow-response-stat")
@pytest.mark.parametrize("unit, slow, severity", [("s", 6.1, "critical"), ("ms", 2500, "warning")])
def test_slow_by_its_own_words(daemon, hook, fault, log, unit, slow, severity):
    d = start(daemon, hook, f", fields: {{response_time: response_time}}, field_units: {{response_time: {unit}}}",
              log)
    d.wait_state("log", "up")
    fast = slow / 50
    append(log, *[f"path=/ping response_time={fast:.3f}"] * 100)
    lab.wait_for("the lines", lambda: d.check("log")["metrics"].get("slow_time") is not None)
    assert not hook.events()
    fault.begin()
    stop = threading.Event()

    def write():
        while not stop.wait(0.05):
            append(log, f"path=/ping response_time={fast:.3f}", f"path=/get_users_info response_time={slow}")
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        fault.read(hook, "log", cause={"log-slow-response.slow-requests", "log-slow-response.no-cpu",
                                       "log-slow-response.slow-disk"},
                   playbook="log-slow-response", severity=severity, title="95 % of the answers",
                   facts=["log-tail", "top-cpu"], evidence=["get_users_info", "6.1 s" if unit == "s" else "2.5 s"])
    finally:
        stop.set()
        writer.join()
    assert abs(d.check("log")["metrics"]["value_response_time_p95"] - (slow if unit == "s" else slow / 1000)) < 0.01
    assert time.monotonic() - fault.began < 30


class Journal:
    """A journal of the test's own, written as systemd's own tool writes one."""

    def __init__(self, folder):
        self.folder, self.number = Path(folder), 0
        self.folder.mkdir(parents=True)

    def write(self, unit, *messages, **fields):
        text = ""
        for message in messages:
            self.number += 1
            more = "".join(f"{k}={v}\n" for k, v in fields.items())
            text += entry(f"c{self.number}", unit, message, int(time.time() * 1e6) + self.number, more)
        subprocess.run([*lab.with_machine_id(self.folder.parent), REMOTE, "-o", self.folder / "system.journal", "-"],
                       input=text, text=True, check=True, capture_output=True, timeout=lab.LIMIT)
        (self.folder / "system.journal").chmod(0o644)


@pytest.mark.scenario("log-error-rate")
@pytest.mark.skipif(not os.path.exists(REMOTE), reason="needs systemd-journal-remote")
def test_a_burst_in_a_journal(daemon, folder, hook, fault):
    journal = Journal(Path(folder) / "journal")
    journal.write("app.service", "started")
    d = daemon(f"""
checks:
  log: {{type: log, journal: app, journal_folder: {journal.folder}, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    lab.wait_for("the first look", lambda: "lines_total" in d.check("log")["metrics"])
    fault.begin()
    journal.write("app.service", *[f"ERROR {n}: write /data/x: No space left on device" for n in range(15)])
    journal.write("other.service", "ERROR not ours")
    fault.read(hook, "log", cause="log-error-rate.disk-full", playbook="log-error-rate", severity="warning",
               facts=["log-tail", "disks"], evidence=["journal of app.service", "ERROR 14"], remedy="df -h")
    assert d.check("log")["metrics"]["errors_total"] == 15


@pytest.mark.scenario("oom-killed")
@pytest.mark.skipif(not os.path.exists(REMOTE), reason="needs systemd-journal-remote")
def test_a_kill_that_only_the_journal_tells(daemon, folder, hook, fault):
    """/dev/kmsg is closed to the daemon: what the kernel said stands in the journal, too."""
    root = put(Path(folder) / "host", {**MEMORY, "proc/meminfo": MEMORY["proc/meminfo"].format(900000)})
    (root / "proc/vmstat").write_text("oom_kill 0\n")
    (root / "dev/kmsg").mkdir(parents=True)
    journal = Journal(root / "var/log/journal")
    journal.write("init.scope", "Linux version 6", _TRANSPORT="kernel")
    d = daemon(f"""
checks:
  mem: {{type: memory, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""")
    d.config.write_text(d.config.read_text().replace("name: lab,", f"name: lab, host_root: {root},"))
    d.start()
    lab.wait_for("two runs", lambda: d.check("mem")["runs"] > 1)
    fault.begin()
    journal.write("init.scope", "Out of memory: Killed process 30 (kpi_backend) total-vm:9kB, anon-rss:2076180kB",
                  _TRANSPORT="kernel")
    (root / "proc/vmstat").write_text("oom_kill 1\n")
    fault.read(hook, "mem", cause="oom-killed.host-exhausted", severity="critical", title="kpi_backend",
               facts=["kernel-log"], evidence=["1.98 GiB"])
