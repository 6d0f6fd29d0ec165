"""Files that are not as they should be, for real: other owners, other contents, other ages."""
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

import lab

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")


@pytest.fixture
def target(folder):
    os.chmod(folder, 0o755)
    path = Path(folder) / "config.yaml"
    path.write_text("database:\n  host: db\n  password: hunter2hunter2\n")
    path.chmod(0o644)
    return path


def look(folder, path, rest="kind: any"):
    return lab.probe_check(folder, f"{{type: file, path: {path}, {rest}}}")


def test_as_it_should_be(folder, target):
    sample = look(folder, target, "kind: file, format: yaml, mode: '0644', max_age: 1h, content: host")
    assert sample["outcome"] == "ok" and sample["exit"] == 0, sample


@pytest.mark.cause("fs.noent")
def test_not_there(folder, target):
    target.unlink()
    lab.read_cause(look(folder, target), "fs.noent")
    target.symlink_to("/nowhere/at/all")
    assert "/nowhere/at/all" in lab.read_cause(look(folder, target), "fs.noent")["text"]


@pytest.mark.cause("file.unwanted")
def test_there_but_not_wanted(folder, target):
    lab.read_cause(look(folder, target, "exists: false"), "file.unwanted")


@pytest.mark.cause("file.kind")
def test_a_volume_that_became_a_folder(folder, target):
    target.unlink()
    target.mkdir()
    lab.read_cause(look(folder, target, "kind: file"), "file.kind")
    path = f"{folder}/s.sock"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        assert look(folder, path, "kind: socket")["outcome"] == "ok"


@needs_root
@pytest.mark.cause("file.owner", "file.mode")
def test_owner_and_mode(folder, target):
    os.chown(target, 65534, 65534)
    assert "nobody" in lab.read_cause(look(folder, target, "owner: root"), "file.owner")["text"]
    target.chmod(0o600)
    lab.read_cause(look(folder, target, "mode: '0644'"), "file.mode")


@needs_root
@pytest.mark.needs_right("CAP_DAC_READ_SEARCH")
@pytest.mark.cause("fs.eacces", "fs.erofs")
def test_writable_by_the_user_of_the_service(folder, target):
    data = Path(folder) / "data"
    data.mkdir(mode=0o755)
    sample = lab.read_cause(look(folder, data, "writable_by: nobody"), "fs.eacces")
    assert "owner root:root, mode 0755" in sample["text"] and sample["values"]["writable"] == 0
    os.chown(data, 65534, 65534)
    assert look(folder, data, "writable_by: nobody")["outcome"] == "ok"
    inner = data / "inner"
    inner.mkdir(mode=0o777)
    inner.chmod(0o777)
    os.chown(data, 0, 0)
    data.chmod(0o700)
    assert str(data) in lab.read_cause(look(folder, inner, "writable_by: nobody"), "fs.eacces")["text"]
    data.chmod(0o755)
    config = Path(folder) / "ro.yaml"
    link = Path(folder) / "link"  # as /var/lib/app may lead to a disk of its own
    link.symlink_to(inner)
    config.write_text("checks:\n" + "".join(
        f"  {name}: {{type: file, path: {path}, writable_by: nobody}}\n"
        for name, path in (("it", inner), ("link", link))))
    # In a mount namespace of its own: a tmpfs whose superblock is read-only.
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none {inner} && chmod 777 {inner} && "
         f"mount -o remount,ro {inner}; for name in it link; do "
         f"{lab.BUILD}/triage probe $name -c {config} --json; done"],
        capture_output=True, text=True, timeout=lab.LIMIT)
    if "permission denied" in done.stderr.lower():
        pytest.skip("may not mount")
    sample, end = json.JSONDecoder().raw_decode(done.stdout)
    lab.read_cause(sample, "fs.erofs")
    lab.read_cause(json.loads(done.stdout[end:]), "fs.erofs")


@pytest.mark.cause("fs.eperm")
@needs_root
def test_immutable(folder, target):
    if subprocess.run(["chattr", "+i", target], capture_output=True).returncode != 0:
        pytest.skip("no chattr here")
    try:
        sample = look(folder, target, "writable_by: root")
        if sample["outcome"] == "ok":
            pytest.skip("this file system knows no immutable files")
        lab.read_cause(sample, "fs.eperm")
    finally:
        subprocess.run(["chattr", "-i", target], check=True)


@pytest.mark.cause("file.size", "file.stale", "file.missing")
def test_a_folder_of_backups(folder):
    backups = Path(folder) / "backups"
    backups.mkdir()
    rest = "files: '*.tar.gz', max_age: 26h, min_size: 100B"
    lab.read_cause(look(folder, backups, rest), "file.missing")
    old = backups / "newapi-20241118.tar.gz"
    old.write_bytes(b"x" * 1000)
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    assert "newapi-20241118" in lab.read_cause(look(folder, backups, rest), "file.stale")["text"]
    new = backups / "newapi-20241120.tar.gz"
    new.write_bytes(b"")
    lab.read_cause(look(folder, backups, rest), "file.size")
    new.write_bytes(b"x" * 1000)
    sample = look(folder, backups, rest)
    assert sample["outcome"] == "ok" and sample["values"]["count"] == 2, sample


@pytest.mark.cause("file.syntax", "file.content", "file.checksum")
def test_content(folder, target):
    target.write_text("server:\n  port: 80\n\thost: x\n")
    assert "line 3" in lab.read_cause(look(folder, target, "format: yaml"), "file.syntax")["text"]
    target.write_text('{"a": 1,}\n')
    assert "line 1" in lab.read_cause(look(folder, target, "format: json"), "file.syntax")["text"]
    target.write_text("SESSION_SECRET=random_string\n")
    lab.read_cause(look(folder, target, "not_content: '=random_string$'"), "file.content")
    lab.read_cause(look(folder, target, f"sha256: {'0' * 64}"), "file.checksum")


def test_what_we_may_not_read_is_our_trouble(folder, target):
    if os.geteuid() != 0:
        pytest.skip("drops root's rights")
    target.chmod(0o600)
    config = Path(folder) / "p.yaml"
    config.write_text(f"checks:\n  it: {{type: file, path: {target}, format: yaml}}\n")
    config.chmod(0o644)
    done = subprocess.run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                           lab.BUILD / "triage", "probe", "it", "-c", config, "--json"],
                          capture_output=True, text=True, timeout=lab.LIMIT)
    assert '"error"' in done.stdout and "self.local" in done.stdout, (done.stdout, done.stderr)


def test_below_host_root(folder, target):
    sample = lab.probe_check(folder, f"{{type: file, path: /{target.name}, owner: someone}}",
                             extra=f"daemon: {{host_root: {folder}}}\n")
    assert sample["cause"] == "file.owner", sample  # numbers: this host's passwd is not there
    (Path(folder) / "etc").mkdir()
    (Path(folder) / "etc/passwd").write_text(f"someone:x:{os.stat(target).st_uid}:0::/:/bin/sh\n")
    sample = lab.probe_check(folder, f"{{type: file, path: /{target.name}, owner: someone}}",
                             extra=f"daemon: {{host_root: {folder}}}\n")
    assert sample["outcome"] == "ok", sample


def test_growth_and_change_over_runs(daemon, folder, target):
    d = daemon(f"checks: {{f: {{type: file, path: {target}, checksum: true, interval: 1s}}}}\n").start()
    lab.wait_for("a checksum", lambda: "changed" in d.check("f")["metrics"])
    d.stop()
    target.write_text("something else and longer than it was before, by far\n")
    d.start()
    lab.wait_for("the change", lambda: any(
        f["name"] == "changed" for f in (d.check("f")["last"] or {}).get("facts", [])) or
        d.check("f")["metrics"].get("changed") == 1)
