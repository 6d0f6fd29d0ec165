"""The journal receiver, read back from a real systemd-journald in a mount namespace of its own."""
import contextlib
import json
import os
import subprocess
from pathlib import Path

import pytest

import lab

JOURNALD = "/lib/systemd/systemd-journald"


class Journald:
    """Its /run is a file system of its own; from outside it is below /proc/PID/root."""

    def __init__(self, folder):
        self.folder, self.process = folder, None

    @property
    def root(self):
        return Path(f"/proc/{self.process.pid}/root/run")

    @property
    def socket(self):
        return self.root / "systemd/journal/socket"

    def start(self):
        script = f"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log && exec {JOURNALD}"
        self.process = subprocess.Popen(
            [*lab.with_machine_id(self.folder), "unshare", "-m", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        lab.wait_for("journald", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            pytest.skip("systemd-journald does not start here")
        with contextlib.suppress(OSError):
            # The host's own journal must not be taken for it.
            return os.stat(self.root).st_dev != os.stat("/run").st_dev and self.socket.exists() \
                and any((self.root / "log/journal").glob("*/system.journal"))
        return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()

    def read(self, *matches):
        done = subprocess.run(
            ["journalctl", "-D", self.root / "log/journal", "--no-pager", "-q", "-o", "json", *matches],
            capture_output=True, text=True, timeout=lab.LIMIT)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait(self, count, *matches):
        return lab.wait_for(f"{count} entries with {matches}",
                            lambda: (e := self.read(*matches)) and len(e) >= count and e)


@pytest.fixture
def journald(folder):
    if os.geteuid() != 0 or not os.path.exists(JOURNALD):
        pytest.skip("needs root and systemd-journald")
    j = Journald(folder)
    try:
        yield j.start()
    finally:
        j.stop()


def settings(web, journald):
    return f"""
checks:
  api:
    type: http
    url: "{web.url}"
    interval: 1s
    retries: 1
    labels: {{team: core}}
receivers:
  log: {{type: journal, socket: {journald.socket}}}
"""


def test_events_are_found_by_their_fields(daemon, web, journald):
    d = daemon(settings(web, journald)).start()
    d.wait_state("api", "up")
    web.stop()
    opened = journald.wait(1, "CHECK=api", "EVENT=opened")[0]
    web.start()
    ended = journald.wait(1, "CHECK=api", "EVENT=resolved")[0]
    incident = opened["INCIDENT_ID"]
    assert [e["EVENT"] for e in journald.read(f"INCIDENT_ID={incident}")][0] == "opened"
    assert ended["INCIDENT_ID"] == incident and ended["NOTICE_ID"] != opened["NOTICE_ID"]
    assert opened["_TRANSPORT"] == "journal" and opened["SYSLOG_IDENTIFIER"] == "triaged"
    assert opened["PRIORITY"] == "2" and ended["PRIORITY"] == "5"
    assert opened["CAUSE"] == "net.refused" and opened["SEVERITY"] == "critical"
    assert opened["CHECK_TYPE"] == "http" and opened["TARGET"] == web.url
    assert opened["LABEL_TEAM"] == "core" and opened["STATUS"] == "open"
    assert opened["MESSAGE"].startswith("OPENED critical api: ")
    assert opened["MESSAGE_ID"] != ended["MESSAGE_ID"]
    assert opened["REMEDY"] and opened["EVENT_TIME"].endswith("Z")
    # The id that the manual gives: it must never change.
    assert opened["MESSAGE_ID"] == "bdf139a963a64db78bf66ea2dfa63107"
    assert [e["EVENT"] for e in journald.read(f"MESSAGE_ID={opened['MESSAGE_ID']}")] == ["opened"]


def test_values_of_several_lines_arrive_whole(daemon, web, journald):
    web.status, web.body = 502, b"<h1>Bad Gateway</h1>\nPRIORITY=7\nMESSAGE=all is well\n"
    daemon(settings(web, journald)).start()
    opened = journald.wait(1, "EVENT=opened")[0]
    assert opened["PRIORITY"] != "7" and opened["MESSAGE"].startswith("OPENED ")
    assert "\n" in opened["EVIDENCE"], opened
    assert not journald.read("MESSAGE=all is well")


def test_what_journald_misses_waits_for_it(daemon, web, journald, folder):
    socket = Path(folder) / "there" / "socket"
    d = daemon(settings(web, journald).replace(str(journald.socket), str(socket))).start()
    d.wait_state("api", "up")
    web.stop()
    lab.wait_for("a failed try", lambda: "no journal listens there" in d.words())
    socket.parent.mkdir()
    socket.symlink_to(journald.socket)
    assert journald.wait(1, "EVENT=opened")[0]["CHECK"] == "api"
