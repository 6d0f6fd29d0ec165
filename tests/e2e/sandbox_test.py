"""Within the restrictions of the unit that we ship, nothing of the sandbox is a finding.

The unit's world is made by sandbox.py from the unit file.  `make ship` runs whole test files in it a second time.
"""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import lab
import sandbox
import srv_proc

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("systemd-analyze") or subprocess.run(
        ["unshare", "-m", "true"], capture_output=True).returncode != 0,
    reason="needs root, mount namespaces and systemd-analyze")


@pytest.fixture
def home(folder):
    """Things of the host, all well, in folders that the unit may hide."""
    os.chmod(folder, 0o755)
    place = Path(folder) / "home"
    (place / "data").mkdir(parents=True)
    (place / "app.yaml").write_text("a: 1\n")
    (place / "app.log").write_text("a line\n")
    (place / "app.pid").write_text("1\n")
    with sqlite3.connect(place / "app.db") as c:
        c.execute("CREATE TABLE t (x)")
    c.close()
    return place


def checks_of(place):
    return {
        "disk": f"{{type: disk, path: {place}}}",
        "disk-inside": f"{{type: disk, path: {place}/data}}",
        "file": f"{{type: file, path: {place}/app.yaml}}",
        "folder": f"{{type: file, path: {place}, mode: '0755', owner: root}}",
        "unwanted": f"{{type: file, path: {place}/nothing, exists: false}}",
        "log": f"{{type: log, path: {place}/app.log}}",
        "sqlite": f"{{type: sqlite, path: {place}/app.db}}",
        "by-pid": f"{{type: process, pidfile: {place}/app.pid}}",
    }


def settings(checks, hook=None):
    lines = "".join(f"  {name}: {text[:-1]}, interval: 1s, retries: 1}}\n" for name, text in checks.items())
    told = f'receivers:\n  hook: {{type: webhook, url: "{hook.url}"}}\n' if hook else ""
    return f"checks:\n{lines}{told}"


def dropin(folder, *lines):
    path = Path(folder) / f"dropin{len(list(Path(folder).glob('dropin*')))}.conf"
    path.write_text("[Service]\n" + "\n".join(lines) + "\n")
    return path


def wait_runs(d, names, count=3):
    def has_run(name):
        check = d.check(name)
        return check["runs"] >= count and check["last"]
    lab.wait_for("the runs", lambda: all(has_run(name) for name in names))
    return {name: d.check(name)["last"] for name in names}


def test_the_unit_holds_nothing_that_is_not_made(folder):
    """A new line in the unit is made here, too, or it is said why not."""
    done = subprocess.run(lab.inside(folder, "cat", "/proc/self/status", kind="unit"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    status = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    assert int(status["CapEff"], 16) == 0 and status["Uid"].split()[0] != "0"
    strange = dropin(folder, "ProtectMoon=yes")
    done = subprocess.run(lab.inside(folder, "true", kind="unit", dropins=[strange]), capture_output=True, text=True)
    assert done.returncode != 0 and "ProtectMoon" in done.stderr


@pytest.mark.parametrize("how, line", [
    ("InaccessiblePaths={}", "InaccessiblePaths="),
    pytest.param("TemporaryFileSystem={}:ro", "TemporaryFileSystem=", marks=pytest.mark.skipif(
        not sandbox.is_root_whole(), reason="/ is a folder of a file system, as in a container, whose empty file "
                                            "systems are its own: needs a / that is a whole one")),
], ids=["inaccessible", "empty"])
@pytest.mark.parametrize("sees", [False, True], ids=["plain", "see-everything"])
def test_what_is_hidden_is_not_missing(daemon, folder, home, hook, how, line, sees):
    checks = checks_of(home)
    kind = "all" if sees else "unit"
    d = daemon(settings(checks, hook), sandboxed=kind, dropins=[dropin(folder, how.format(home))]).start()
    for name, last in wait_runs(d, checks).items():
        assert last["outcome"] == "error" and line in last["text"], (name, last)
        assert not set(last["values"]) - {"total_time", "busy_timeout"}, (name, last)
    assert not d.incidents() and not hook.events(), hook.events()
    # a look of triage's own is the same
    told = json.dumps(d.api.get("/api/v1/checks"))
    assert "fs.noent" not in told and "fs.eacces" not in told
    d.stop()
    # and without it all is well: what was hidden was there
    d = daemon(settings(checks), sandboxed="all").start()
    for name, last in wait_runs(d, checks, 2).items():
        assert last["outcome"] == "ok", (name, last)


def test_a_private_tmp_is_not_the_hosts(daemon, hook):
    with lab.tempfile.TemporaryDirectory(prefix="tri-host-", dir="/tmp") as there, \
            lab.tempfile.TemporaryDirectory(prefix="tri-") as own:
        os.chmod(there, 0o755)
        (Path(there) / "f").write_text("x")
        path = f"{there}/s.sock"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            os.chmod(path, 0o666)
            checks = {"file": f"{{type: file, path: {there}/f}}", "log": f"{{type: log, path: {there}/f}}",
                      "disk": "{type: disk, path: /tmp}", "var-tmp": "{type: disk, path: /var/tmp}",
                      "socket": f"{{type: redis, url: 'redis-socket:{path}'}}",
                      "missing": f"{{type: redis, url: 'redis-socket:{own}/none.sock'}}"}
            d = lab.Daemon(own, settings(checks, hook), sandboxed="unit")
            lab.SHOWN.append(own)
            try:
                d.start()
                last = wait_runs(d, checks)
                for name in ("file", "log", "socket"):
                    assert last[name]["outcome"] == "error" and "PrivateTmp=" in last[name]["text"], last[name]
                # they lie on the same disk, and that is what is measured
                host = os.statvfs("/tmp")
                for name in ("disk", "var-tmp"):
                    assert last[name]["outcome"] == "ok", last[name]
                assert last["disk"]["values"]["total_bytes"] == host.f_blocks * host.f_frsize
                # where the folder is the host's, a socket that is not there is a finding
                assert last["missing"]["cause"] == "net.refused" and last["missing"]["outcome"] == "fail"
                assert {i["check"] for i in d.incidents()} == {"missing"}
            finally:
                d.stop()
                lab.SHOWN.remove(own)


def test_hidden_processes_are_not_gone(daemon, folder, hook):
    yard = srv_proc.Yard(folder)
    try:
        yard.sleep("tp-hidden")
        port = lab.free_port()
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
            s.listen()
            checks = {"process": "{type: process, name: tp-hidden}", "unit": "{type: process, unit: nginx.service}",
                      "port": f"{{type: port, listen: '127.0.0.1:{port}', owner: {{name: nginx}}}}"}
            hidden = dropin(folder, "ProtectProc=invisible")
            d = daemon(settings(checks, hook), sandboxed="unit", dropins=[hidden]).start()
            last = wait_runs(d, checks)
            for name in ("process", "unit"):
                assert last[name]["outcome"] == "error" and "ProtectProc=" in last[name]["text"], last[name]
            assert last["port"]["outcome"] == "ok", last["port"]
            lab.read_note(last["port"], "proc.no-right")
            assert not d.incidents() and not hook.events()
            d.stop()
            # as shipped: it is seen
            d = daemon(settings(checks), sandboxed="unit").start()
            assert wait_runs(d, ["process"], 1)["process"]["outcome"] == "ok"
    finally:
        yard.stop()


LEAVER = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("PRAGMA journal_mode = WAL")
c.execute("INSERT INTO t VALUES (1)")
c.commit()
os._exit(0)
"""


@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_a_wal_that_was_left(daemon, folder, home, is_closed):
    """Its writer died: who may write goes through the log at the next start.  We may not, and say so."""
    subprocess.run([sys.executable, "-c", LEAVER, home / "app.db"], check=True)
    assert (home / "app.db-wal").stat().st_size > 0 and (home / "app.db-shm").exists()
    (home / "app.db-shm").chmod(0o600 if is_closed else 0o644)
    d = daemon(settings({"db": f"{{type: sqlite, path: {home}/app.db}}"}), sandboxed="unit").start()
    last = wait_runs(d, ["db"], 2)["db"]
    assert last["outcome"] == "ok", last
    if is_closed:
        assert "only who may write" in lab.read_note(last, "sqlite.no-grant")


def test_all_disks_are_the_hosts(folder):
    def seen(kind):
        path = Path(folder) / "disks.yaml"
        path.write_text("checks:\n  it: {type: disk, all: true}\n")
        argv = lab.inside(folder, lab.BUILD / "triage", "probe", "it", "-c", path, "--json", kind=kind)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=lab.LIMIT)
        assert done.stdout.startswith("{"), done.stderr
        return json.loads(done.stdout)["values"]["count"]

    assert seen("unit") == seen("")


@pytest.mark.parametrize("kind", ["unit", "bare"])
def test_a_healthy_host_stays_so(daemon, folder, home, hook, kind):
    """Everything of this host that a first configuration watches, by a daemon without any right."""
    (home / "secret").mkdir(mode=0o700)
    (home / "secret/file").write_text("x")
    (home / "secret.db").write_bytes((home / "app.db").read_bytes())
    (home / "secret.db").chmod(0o600)
    (home / "secret.log").write_text("x\n")
    (home / "secret.log").chmod(0o600)
    (home / "journal").mkdir()
    (home / "journal/system.journal").touch(mode=0o640)
    closed = f"{folder}/closed.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(closed)
        s.listen()
        os.chmod(closed, 0o600)
        checks = {
            **checks_of(home), "disks": "{type: disk, all: true}", "memory": "{type: memory}", "cpu": "{type: cpu}",
            "network": "{type: network}", "root": "{type: disk, path: /}",
            "write-test": f"{{type: disk, path: {home}, write_test: true}}",
            "closed-folder": f"{{type: file, path: {home}/secret/file}}",
            "closed-disk": f"{{type: disk, path: {home}/secret/in}}",
            "closed-db": f"{{type: sqlite, path: {home}/secret.db, lock_test: true}}",
            "closed-log": f"{{type: log, path: {home}/secret.log, silent_after: 1s}}",
            "closed-journal": f"{{type: log, journal: nginx, journal_folder: {home}/journal, silent_after: 1s}}",
            "closed-content": f"{{type: file, path: {home}/secret.log, content: y}}",
            "closed-socket": f"{{type: redis, url: 'redis-socket:{closed}'}}",
            "python": f"{{type: process, name: '{Path('/proc/self/comm').read_text().strip()}*', "
                      f"env: {{PATH: {{present: true}}}}}}",
        }
        d = daemon(settings(checks, hook), sandboxed=kind).start()
        last = wait_runs(d, [n for n in checks if n != "disks"], 3)
        failed = {name: sample["text"] for name, sample in last.items() if sample["outcome"] == "fail"}
        assert not failed, failed
        blind = {name for name, sample in last.items() if sample["outcome"] == "error"}
        assert blind == {n for n in checks if n.startswith("closed-")} | {"write-test"}, \
            {n: last[n]["text"] for n in blind}
        for name in blind:  # each says what is missing
            assert any(word in last[name]["text"] for word in (
                "setfacl", "search rights", "ReadWritePaths", "group")), last[name]
        # What is true of a machine that others work on, too, is no finding of the sandbox.
        assert not [i for i in d.incidents() if i["check"] not in ("memory", "cpu", "disks", "root")
                    and not i["cause"]["code"].startswith("listen-overflows")], d.incidents()
        notes = {n["cause"] for n in last["python"]["notes"]}
        assert "proc.no-right" in notes
        doctor = lab.triage("doctor", "--json", "-c", d.config, env={"TRIAGE_URL": f"unix:{d.api.path}"})
        words = json.dumps(json.loads(doctor.stdout), ensure_ascii=False)
        assert "CAP_SYS_PTRACE" in words and "PrivateTmp=" in words, words


def test_the_runner_itself(folder):
    """Its pieces, as systemd has them."""
    def run(*argv, kind="unit"):
        return subprocess.run(lab.inside(folder, *argv, kind=kind), capture_output=True, text=True)

    name = f"/tmp/tri-private-{os.getpid()}"
    for what in (["touch", "/etc/x"], ["touch", f"{folder}/x"], ["unshare", "-U", "true"], ["cat", "/proc/kmsg"],
                 ["python3", "-c", "import socket; socket.socket(17, 3, 0)"]):
        assert run(*what).returncode != 0, what
    assert run("touch", f"{folder}/state/x", f"{folder}/run/x", name).returncode == 0
    assert not Path(name).exists()
    assert run("sh", "-c", "ls /dev/vda /dev/sda /dev/kmsg").returncode != 0
    mounts = run("cat", "/proc/self/mountinfo").stdout
    assert "systemd-private-" in mounts and " master:" in mounts
    assert run("cat", "/proc/self/status", kind="all").stdout.count("CapEff:\t0000000000000000") == 0
    assert sandbox.read_unit(lab.UNIT)["User"] == ["triaged"] and sys.executable


IN_A_CHROOT = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
import sandbox
assert not sandbox.mount_of_root() and subprocess.run(["unshare", "-m", "true"]).returncode != 0
before = os.listdir("/"), os.getcwd()
sandbox.enter_own_root()
assert sandbox.mount_of_root() and not sandbox.is_root_whole()
assert subprocess.run(["unshare", "-m", "true"]).returncode == 0
assert subprocess.run(["unshare", "-rmn", "true"]).returncode == 0
assert (os.listdir("/"), os.getcwd()) == before
"""


def test_the_root_of_a_chroot_becomes_a_mount(folder):
    """A folder that is no mount, on a host whose mounts are shared: that host's table stays as it was."""
    (Path(folder) / "root").mkdir()
    done = subprocess.run(["unshare", "-m", "sh", "-ec", """
cd "$0"
for entry in /*; do
	if [ -L "$entry" ]; then cp -d "$entry" .
	elif [ -d "$entry" ]; then mkdir ".$entry" && mount --rbind "$entry" ".$entry"
	fi
done
mount --make-rshared /
sort /proc/self/mountinfo >"$0.before"
chroot . "$@"
sort /proc/self/mountinfo >"$0.after"
cmp "$0.before" "$0.after"
""", f"{folder}/root", sys.executable, "-c", IN_A_CHROOT, Path(sandbox.__file__).parent],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
