"""Logs that tell of trouble: errors in a burst, silence, slow answers; and what people are told."""
import subprocess
import threading
from pathlib import Path

import pytest

import lab


@pytest.fixture
def log(folder):
    """A file that a program writes; `log(lines...)` appends."""
    path = Path(folder) / "api.log"

    def write(*lines):
        with path.open("a") as f:
            f.write("".join(line + "\n" for line in lines))
    write("INFO started")
    write.path = path
    return write


@pytest.fixture
def watch(daemon, hook, log):
    def start(more=""):
        d = daemon(f"""
checks:
  log: {{type: log, path: {log.path}, interval: 1s{more}}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
        d.wait_state("log", "up")
        return d
    return start


@pytest.mark.scenario("log-error-rate")
def test_errors_in_a_burst(watch, log, hook, fault):
    watch()
    fault.begin()
    log(*[f"2026-01-02 03:04:{n:02} ERROR failed to connect to MongoDB: connection timeout"
          for n in range(30)], "2026-01-02 03:05:00 ERROR message validation failed")
    fault.read(hook, "log", playbook="log-error-rate", severity="warning", title="api.log",
               cause="log-error-rate.database-away", facts=["log-tail"], remedy="ss -ltnp",
               evidence=["failed to connect to MongoDB", "31 errors"])


@pytest.mark.scenario("log-error-rate")
def test_a_panic_is_critical(watch, log, hook, fault):
    watch()
    fault.begin()
    log("2026-01-02 03:04:05 FATAL panic: runtime error: index out of range [5] with length 3",
        "goroutine 17 [running]:")
    fault.read(hook, "log", playbook="log-error-rate", severity="critical", title="api.log",
               finding="log-error-rate.crashed", evidence=["index out of range"])


@pytest.mark.scenario("log-silent")
def test_nothing_more_is_written(watch, log, hook, fault):
    """`silent_after` is ten minutes in the guides, two seconds here."""
    watch(", silent_after: 2s")
    fault.begin()
    log("INFO the last line of all")
    fault.read(hook, "log", playbook="log-silent", severity="warning", title="api.log",
               cause="log-silent.no-output", evidence=["the last line of all"], facts=["log-tail"])


@pytest.mark.scenario("log-silent")
def test_rotated_under_its_writer(watch, log, hook, fault):
    """The program was not told of the rotation: it goes on with the old file.  As the check follows
    an old file for a minute, this rotation is older than the check."""
    writer = subprocess.Popen(["sh", "-c", f"exec >>{log.path}; while :; do echo working; "
                                           "sleep 0.2; done"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("the writer", lambda: "working" in log.path.read_text())
        log.path.rename(log.path.with_suffix(".log.1"))
        log("INFO a new file begins")
        fault.begin()
        watch(", silent_after: 2s")
        fault.read(hook, "log", playbook="log-silent", severity="warning", title="api.log",
                   cause="log-silent.rotated-away", facts=["log-tail"], remedy="postrotate")
    finally:
        writer.kill()
        writer.wait()


@pytest.mark.scenario("log-slow-response-stat")
def test_the_log_tells_of_slow_answers(watch, log, hook, fault):
    watch(", fields: {latency: response_time}, field_units: {latency: s}")
    fault.begin()
    stop = threading.Event()

    def write():
        while not stop.wait(0.1):
            log(*[f"INFO GET /get_users_info response_time={6.1 + n / 100} status=200"
                  for n in range(3)])
    thread = threading.Thread(target=write)
    thread.start()
    try:
        fault.read(hook, "log", playbook="log-slow-response", severity="critical",
                   cause={"log-slow-response.slow-requests", "log-slow-response.no-cpu",
                          "log-slow-response.slow-disk"}, title="api.log",
                   evidence=["get_users_info"], facts=["log-tail"])
    finally:
        stop.set()
        thread.join()
