"""A backup is made while the daemon works, and another host goes on from it."""
import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import threading

import pytest

import lab


def config(web, hook):
    busy = "\n".join(f'  busy-{n}: {{type: http, url: "{web.url}", interval: 200ms}}' for n in range(40))
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
  gone: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 200ms, retries: 1}}
{busy}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
"""


def env(d):
    return {"RUNTIME_DIRECTORY": str(d.folder)}


def backup(d):
    run = lab.triage("backup", "--json", env=env(d))
    assert run.returncode == 0, run
    return json.loads(run.stdout)


def test_another_host_goes_on_from_a_backup(daemon, web, hook, tmp_path):
    text = config(web, hook)
    d = daemon(text).start()
    opened = hook.wait("incident.opened", "gone")["data"]["incident"]
    d.wait_state("api", "up")
    assert lab.triage("ack", opened["id"][:4], env=env(d)).returncode == 0
    assert lab.triage("silence", "api", "--for", "1h", "--comment", "work", env=env(d)).returncode == 0
    hook.wait("incident.acknowledged", "gone")
    made = lab.wait_for("a backup with the history", lambda: (b := backup(d))
                        and len(b["files"]) == 2 and b)
    assert made["folder"] == str(d.state / "backup")
    for _ in range(5):  # again and again, under load; each replaces the one before
        backup(d)
    for name in ("state.db", "history.db"):
        db = sqlite3.connect(f"{made['folder']}/{name}")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
    shutil.copytree(made["folder"], tmp_path / "kept")
    shown = lab.triage("backup", env=env(d))
    assert re.search(r"saved in .*\n  state\.db +[1-9][0-9.]* [KM]iB\n", shown.stdout), shown

    d.kill()
    shutil.rmtree(d.state)
    shutil.copytree(tmp_path / "kept", d.state)
    d.write(f"daemon: {{name: other, state_dir: {d.state}}}\napi: {{listen: off}}\n" + text, head=False)
    told = len(hook.events())
    d.start()
    now, = d.incidents()
    assert now["id"] == opened["id"] and now["status"] == "acknowledged"
    silences = d.api.get("/api/v1/silences")["silences"]
    assert [s["comment"] for s in silences] == ["work"]
    lab.wait_for("runs", lambda: d.check("gone")["runs"] > 3)
    assert len(hook.events()) == told
    with lab.socket.create_server(("127.0.0.1", int(text.split("127.0.0.1:")[2].split('"')[0]))):
        end = hook.wait("incident.resolved", "gone")["data"]["incident"]
    assert end["id"] == opened["id"]


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs the right to make a mount namespace")
def test_a_backup_never_takes_the_last_space(daemon, web, hook):
    d = daemon(config(web, hook))
    d.state.mkdir()
    script = f'mount -t tmpfs -o size=24m none {d.state} && exec "$@"'
    d.start(wrapper=["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"])
    d.wait_state("api", "up")
    run = lab.triage("backup", env=env(d))
    assert run.returncode == 1 and "a backup needs" in run.stderr and "free some" in run.stderr
    inside = subprocess.run(["nsenter", "-m", "-r", "-t", str(d.process.pid), "ls",
                             str(d.state / "backup")], capture_output=True, text=True)
    assert inside.stdout == ""


@pytest.mark.skipif(not can_mount(), reason="needs the right to make a mount namespace")
def test_what_a_killed_backup_left_takes_no_space_from_the_next(daemon, web, hook):
    d = daemon(config(web, hook))
    d.state.mkdir()
    script = f'mount -t tmpfs -o size=44m none {d.state} && mkdir {d.state}/backup && ' \
        f'head -c 20M /dev/zero >{d.state}/backup/history.db.next.new && exec "$@"'
    d.start(wrapper=["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"])
    d.wait_state("api", "up")
    run = lab.triage("backup", env=env(d))
    assert run.returncode == 0, run.stderr


def test_one_at_a_time_and_none_outlives_a_stop(daemon, web, hook):
    """A history that takes a while: a second asker is told so, a stop does not wait for it."""
    d = daemon(config(web, hook)).start()
    d.wait_state("api", "up")
    d.stop()
    db = sqlite3.connect(d.state / "history.db")
    db.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 600) "
               "INSERT INTO quarter SELECT x, randomblob(200000) FROM n")
    db.commit()
    db.close()
    d.start()
    d.wait_state("api", "up")
    answers = []

    def ask():
        with contextlib.suppress(OSError, ValueError, IndexError):
            answers.append(d.api.request("POST", "/api/v1/backup")[0])
    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    lab.wait_for("two that are turned away", lambda: answers.count(409) == 2 or 200 in answers)
    d.stop()
    for asker in askers:
        asker.join()
    assert 409 in answers and not list((d.state / "backup").glob("*.ne*"))
    assert "settings does not let itself" not in d.log.read_text()
