import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import lab
import sandbox


def pytest_configure(config):
    # A shell starts what it leaves in the background deaf to Ctrl-C; what we start should hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(OSError):  # who may not does without, and tests that need it say so
        if os.geteuid() == 0 and sandbox.is_in_chroot():
            sandbox.enter_own_root()
    config.addinivalue_line("markers", "scenario(*rows): breaks something as these rows say")
    config.addinivalue_line("markers", "fault(*rows): what the machine does to the daemon, docs/faults.md")
    config.addinivalue_line("markers", "slow: only in `make nightly`")
    config.addinivalue_line("markers", "cause(*codes): breaks something and reads these codes")
    config.addinivalue_line("markers", "needs_right(words): the unit as shipped lacks it; said, and skipped there")
    config.addinivalue_line("markers", "trap(*numbers): a guide's check that lies, and ours does not")


def pytest_collection_modifyitems(items):
    for item in items if lab.SANDBOX in ("unit", "bare") else ():
        for mark in item.iter_markers("needs_right"):
            item.add_marker(pytest.mark.skip(reason=f"the unit does not give {mark.args[0]}"))


@pytest.fixture(autouse=True)
def causes_are_read(request):
    """A test that claims a cause code must have read it (lab.read_cause, lab.read_note)."""
    lab.SEEN_CAUSES.clear()
    yield
    claimed = {code for mark in request.node.iter_markers("cause") for code in mark.args}
    call = getattr(request.node, "call_report", None)
    if claimed and call is not None and call.passed:
        assert claimed <= lab.SEEN_CAUSES, f"never read: {sorted(claimed - lab.SEEN_CAUSES)}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.call_report = report
    if next(item.iter_markers("fault"), None) and (report.when == "call" or not report.passed):
        note_fault(item, report)


@functools.cache
def commit():
    """Of what is played; with a + where the tree was not as committed; "" where there is no git."""
    told = subprocess.run(["git", "-C", lab.TOP, "describe", "--always", "--exclude", "*", "--abbrev=9", "--dirty=+"],
                          capture_output=True, text=True, check=False)
    return told.stdout.strip()


def note_fault(item, report):
    """How a row of the fault matrix went: tests/e2e/faults.py shows it."""
    name = f"{item.path.name}::{item.originalname}"
    with open(f"{lab.BUILD}/faults.jsonl", "a", encoding="utf-8") as f:
        f.write(json.dumps({"test": name, "outcome": report.outcome, "seconds": round(report.duration, 1),
                            "commit": commit(), "date": time.strftime("%Y-%m-%d", time.gmtime())}) + "\n")


@pytest.fixture
def folder():
    """Short, because unix socket paths are."""
    path = tempfile.mkdtemp(prefix="tri-")
    lab.SHOWN.append(path)
    yield path
    lab.SHOWN.remove(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def daemon(folder):
    made = []

    def make(config="", **kwargs):
        d = lab.Daemon(folder, config, **kwargs)
        made.append(d)
        return d

    yield make
    for d in made:
        d.stop()


@pytest.fixture
def kernel_kills():
    """For who makes the kernel kill for lack of memory, and for who says that it did not: one at a time, as
    its count is the whole host's."""
    with (lab.BUILD / "kernel-kills.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def hook():
    h = lab.Hook().start()
    yield h
    h.stop()


@pytest.fixture
def web():
    w = lab.Web().start()
    yield w
    w.stop()


@pytest.fixture
def syslog(folder):
    s = lab.Syslog(f"{folder}/log.sock")
    yield s
    s.close()


@pytest.fixture
def fault(request):
    """The moment of breaking, and the message that comes of it: see lab.Fault."""
    rows = [row for mark in request.node.iter_markers("scenario") for row in mark.args]
    f = lab.Fault(rows, request.node.nodeid)
    yield f
    call = getattr(request.node, "call_report", None)
    if rows and call is not None and call.passed:
        assert f.was_read, "no message was read with fault.read"
