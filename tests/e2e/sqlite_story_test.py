"""SQLite files, broken as the catalogue of failures says, and what people are then told."""
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import lab

KEYS = "interval: 1s, timeout: 3s, retries: 2"
OWNER = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mounts and other users")


@pytest.fixture
def file(folder):
    """The database of an application's user."""
    os.chmod(folder, 0o755)
    home = Path(folder) / "data"
    home.mkdir()
    make(home / "one-api.db")
    return home / "one-api.db"


def make(path):
    with sqlite3.connect(path) as c:
        c.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
    c.close()
    if os.geteuid() == 0:
        os.chown(path.parent, OWNER, OWNER)
        os.chown(path, OWNER, OWNER)


@pytest.fixture
def watch(daemon, hook):
    def start(path, more="", checks="", up=("db",)):
        d = daemon(f"""
checks:
  db: {{type: sqlite, path: "{path}", {KEYS}{more}}}
{checks}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
        for name in up:
            d.wait_state(name, "up")
        return d

    return start


@needs_root
@pytest.mark.scenario("sqlite-path-not-writable")
def test_a_folder_that_cannot_be_written(watch, hook, fault, file):
    watch(file)
    fault.begin()
    os.chmod(file.parent, 0o555)
    fault.read(hook, "db", cause="sqlite.readonly", severity="critical",
               finding="sqlite-path-not-writable.not-writable", title=f"uid {OWNER}",
               evidence=[str(file)], remedy="chown")
    os.chmod(file.parent, 0o755)
    hook.wait("incident.resolved", "db")


@pytest.mark.scenario("sqlite-path-not-writable")
def test_the_folder_is_not_mounted(watch, hook, fault, file):
    fault.begin()
    watch(file.parent / "no" / "one-api.db", up=())
    fault.read(hook, "db", cause="sqlite.cantopen", finding="sqlite-path-not-writable.missing",
               severity="critical", title="one-api.db", remedy="mounted")


@pytest.mark.scenario("sqlite-path-not-writable")
def test_another_file_in_its_place(watch, hook, fault, file):
    watch(file)
    fault.begin()
    file.write_bytes(b"<!DOCTYPE html>" * 100)
    fault.read(hook, "db", cause="sqlite.notadb",
               finding="sqlite-path-not-writable.not-a-database", severity="critical",
               title=str(file), evidence=["<!DOCTYPE html>"], remedy="backup")


@needs_root
@pytest.mark.scenario("sqlite-path-not-writable")
def test_no_room(watch, hook, fault, file):
    """The disk is the root, and the file its impact."""
    home = file.parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", home], check=True)
    try:
        make(file)
        watch(file, checks=f'  disk: {{type: disk, path: "{home}", {KEYS}}}\n', up=("db", "disk"))
        fault.begin()
        subprocess.run(["dd", "if=/dev/zero", f"of={home}/x", "bs=4k"], capture_output=True)
        fault.read(hook, "disk", severity="critical", title=str(home), impact=["db"],
                   within=60)
    finally:
        subprocess.run(["umount", "-l", home], check=True)


HOLDER = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.scenario("sqlite-locked")
def test_a_write_lock_that_is_held(watch, hook, fault, file):
    """A warning at first; critical when it is held for longer than writers wait."""
    watch(file, ", busy_timeout: 5s")
    fault.begin()
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        fault.read(hook, "db", playbook="sqlite-locked", severity="critical",
                   title=f"pid {holder.pid}", facts=["sqlite-lock"], evidence=[str(file)],
                   remedy="_busy_timeout", within=60)
        assert hook.events("incident.opened", "db")[0]["data"]["incident"]["severity"] == "warning"
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
    hook.wait("incident.resolved", "db")
