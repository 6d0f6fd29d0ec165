"""SQLite files, broken in every way that has a cause code; the writer is a process of its own."""
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import lab

HANGFS = lab.BUILD / "hangfs"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mounts and other users")
needs_fuse = pytest.mark.skipif(
    not (os.path.exists("/dev/fuse") and HANGFS.exists() and shutil.which("fusermount3")),
    reason="needs /dev/fuse and fuse3")
OWNER = 12345


@pytest.fixture
def db(folder):
    """A file that belongs to an application's user."""
    os.chmod(folder, 0o755)
    home = Path(folder) / "data"
    home.mkdir()
    path = home / "app.db"
    with sqlite3.connect(path) as c:
        c.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        c.executemany("INSERT INTO users (name) VALUES (?)", [(f"user {i}",) for i in range(3000)])
    c.close()
    if os.geteuid() == 0:
        os.chown(home, OWNER, OWNER)
        os.chown(path, OWNER, OWNER)
    return path


def check(folder, path, more=""):
    return lab.probe_check(folder, f'{{type: sqlite, path: "{path}"{", " + more if more else ""}}}')


def facts(sample):
    return {f["name"]: f["text"] for f in sample["facts"]}


def beside(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_healthy_file(db, folder):
    before = os.stat(db)
    for sample in (check(folder, f"{db}?_busy_timeout=30000"), check(folder, f"file:{db}"),
                   lab.probe_once(db), lab.probe_once(f"sqlite://{db}"),
                   check(folder, "app.db", f"folder: {db.parent}, integrity: full")):
        v = sample["values"]
        assert sample["outcome"] == "ok" and not sample["notes"], sample
        assert (v["opens"], v["integrity"], v["writable"], v["busy"]) == (1, 1, 1, 0), v
        assert v.get("wal_bytes") is None and v["size_bytes"] > 8192
    after = os.stat(db)
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert beside(db) == ["app.db"]


def test_a_wal(db, folder):
    c = sqlite3.connect(db)
    c.execute("PRAGMA journal_mode = WAL")
    c.execute("INSERT INTO users (name) VALUES ('new')")
    c.commit()
    if os.geteuid() == 0:
        for name in beside(db):
            os.chown(db.parent / name, OWNER, OWNER)
    sample = check(folder, db, "lock_test: true")
    assert sample["outcome"] == "ok" and sample["values"]["wal_bytes"] > 0, sample
    if lab.SANDBOX:  # nothing is written from there
        assert "writing" in lab.read_note(sample, "sqlite.no-grant")
    else:
        assert sample["values"]["lock_time"] is not None
    assert beside(db) == ["app.db", "app.db-shm", "app.db-wal"]
    c.close()
    sample = check(folder, db)  # nobody has it open: nothing may come into being beside it
    assert sample["outcome"] == "ok" and sample["values"]["integrity"] == 1
    assert beside(db) == ["app.db"]


HOLDER = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA journal_mode = " + sys.argv[2])
c.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.cause("sqlite.locked")
def test_who_holds_the_write_lock(db, folder, mode):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(db), mode],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    if os.geteuid() == 0:
        for name in beside(db):
            os.chown(db.parent / name, OWNER, OWNER)
    sample = lab.read_cause(check(folder, f"{db}?_busy_timeout=50", "lock_test: true"),
                            "sqlite.locked")
    assert f"pid {holder.pid}" in sample["text"], sample
    sample = lab.read_cause(check(folder, f"{db}?_busy_timeout=50"), "sqlite.locked")
    assert f"pid {holder.pid}" in sample["text"] and sample["values"]["busy"] == 1
    assert f"pid {holder.pid}" in facts(sample)["write lock"]
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()
    assert check(folder, db)["outcome"] == "ok"


@pytest.mark.cause("sqlite.cantopen")
def test_a_file_that_is_not_there(db, folder):
    missing = db.parent / "other.db"
    assert "its folder does" in lab.read_cause(check(folder, missing), "sqlite.cantopen")["text"]
    lab.read_cause(check(folder, db.parent / "no" / "app.db"), "sqlite.cantopen")
    lab.read_cause(check(folder, db.parent), "sqlite.cantopen")
    assert beside(db) == ["app.db"]


@pytest.mark.cause("sqlite.notadb")
def test_another_file_in_its_place(db, folder):
    db.write_bytes(b"<!DOCTYPE html>" * 100)
    lab.read_cause(check(folder, db), "sqlite.notadb")


@pytest.mark.cause("sqlite.corrupt")
def test_damaged_pages(db, folder):
    whole = db.read_bytes()
    with db.open("r+b") as f:
        f.seek(3 * 4096)
        f.write(b"\xa5" * 8192)
    sample = lab.read_cause(check(folder, db), "sqlite.corrupt")
    assert sample["values"]["integrity"] == 0
    db.write_bytes(whole[:3 * 4096])
    lab.read_cause(check(folder, db, "integrity: off"), "sqlite.corrupt")


@needs_root
@pytest.mark.cause("sqlite.readonly")
def test_a_folder_that_its_owner_cannot_write(db, folder):
    os.chmod(db.parent, 0o555)
    sample = lab.read_cause(check(folder, db), "sqlite.readonly")
    assert f"uid {OWNER}" in sample["text"] and sample["values"]["writable"] == 0
    os.chmod(db.parent, 0o755)
    os.chmod(db, 0o444)
    lab.read_cause(check(folder, db), "sqlite.readonly")
    os.chmod(db, 0o644)
    assert check(folder, db)["outcome"] == "ok"
    lab.read_cause(check(folder, db, "writable_by: \"54321\""), "sqlite.readonly")


@needs_root
@pytest.mark.cause("sqlite.no-grant")
def test_a_file_that_we_may_not_read(db, folder):
    os.chmod(db, 0o600)
    config = Path(folder) / "c.yaml"
    config.write_text(f"checks:\n  it: {{type: sqlite, path: {db}}}\n")
    done = subprocess.run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                           lab.BUILD / "triage", "probe", "it", "-c", config, "--json"],
                          capture_output=True, text=True, timeout=lab.LIMIT)
    if not done.stdout:
        pytest.skip("another user may not run the build: " + done.stderr)
    sample = lab.read_cause(lab.json.loads(done.stdout), "sqlite.no-grant", "error")
    assert "setfacl -m u:" in sample["text"]


def mounted(folder, db, script, path=None):
    """In a mount namespace of its own, where `data` is the mount."""
    config = Path(folder) / "c.yaml"
    config.write_text(f"checks:\n  it: {{type: sqlite, path: {path or db}}}\n")
    data = db.parent
    shutil.copy(db, f"{folder}/copy")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-e", "-c", f"mount -t tmpfs -o size=200k none {data}\n"
         f"cp {folder}/copy {db}\n{script}\n"
         f"set +e; '{lab.BUILD}/triage' probe it -c {config} --json"],
        capture_output=True, text=True, timeout=lab.LIMIT)
    if not done.stdout:
        pytest.skip("may not mount: " + done.stderr)
    return lab.json.loads(done.stdout)


@needs_root
@pytest.mark.cause("sqlite.full", "sqlite.readonly")
def test_a_full_and_a_read_only_disk(db, folder):
    data = db.parent
    assert mounted(folder, db, ":")["outcome"] == "ok"
    full = mounted(folder, db, f"dd if=/dev/zero of={data}/x bs=4k 2>/dev/null || true")
    lab.read_cause(full, "sqlite.full")
    assert full["values"]["opens"] == 1 and full["values"]["writable"] == 0
    lab.read_cause(mounted(folder, db, f"mount -o remount,ro {data}"), "sqlite.readonly")
    link = Path(folder) / "link"
    link.symlink_to(data)
    linked = mounted(folder, db, f"mount -o remount,ro {data}", link / db.name)
    lab.read_cause(linked, "sqlite.readonly")
    inodes = mounted(folder, db, f"mount -o remount,nr_inodes=2 {data}")
    assert inodes["cause"] == "fs.enospc-inodes", inodes


@needs_root
def test_our_own_read_only_mount_is_no_finding(db, folder):
    data = db.parent
    sample = mounted(folder, db, f"mount --bind {data} {data} && mount -o remount,bind,ro {data}")
    assert sample["outcome"] == "ok", sample
    assert sample["notes"][0]["cause"] == "sqlite.no-grant"


@needs_fuse
@pytest.mark.cause("fs.hung")
def test_a_mount_that_hangs(daemon, folder):
    mount = Path(folder) / "hung"
    mount.mkdir()
    server = subprocess.Popen([HANGFS, "-f", "-s", "-o", "allow_other", mount], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("the mount", lambda: str(mount) in Path("/proc/self/mountinfo").read_text())
        sample = check(folder, f"{mount}/hang", "timeout: 1s")
        lab.read_cause(sample, "fs.hung")
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
        subprocess.run(["fusermount3", "-u", "-z", mount], capture_output=True)


@pytest.mark.cause("sqlite.error")
def test_an_encoding_of_the_future(db, folder):
    """A schema format that this SQLite does not know is refused with words of its own."""
    with db.open("r+b") as f:
        f.seek(44)
        f.write(b"\x00\x00\x00\x09")
    lab.read_cause(check(folder, db), "sqlite.error")
