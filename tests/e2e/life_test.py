"""Life of the process: start, reload, stop, refuse to start twice, disks that fill, files that rot."""
import json
import os
import signal
import socket
import subprocess

import pytest

import lab

TWO_CHECKS = """
checks:
  one: {{type: http, url: "{one}", interval: {interval}, retries: 1}}
  two: {{type: http, url: "{two}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
"""


def two_checks(web, other, hook, interval="60s"):
    return TWO_CHECKS.format(one=web.url, two=other.url, hook=hook.url, interval=interval,
                             secret=lab.SECRET_TEXT)


@pytest.fixture
def other():
    w = lab.Web().start()
    yield w
    w.stop()


def test_reload_touches_only_what_changed(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook)).start()
    d.wait_state("one", "up")
    other.stop()
    opened = hook.wait("incident.opened", "two")
    before = d.check("one")
    incident = d.incidents()[0]
    d.write(two_checks(web, other, hook).replace("interval: 1s", "interval: 2s"))
    d.reload()
    after = d.check("one")
    assert after["next"] == before["next"] and after["runs"] == before["runs"]
    assert d.check("two")["interval"] != before["interval"]
    again = d.incidents()[0]
    assert again["id"] == incident["id"] and again["started_at"] == incident["started_at"]
    other.start()
    assert hook.wait("incident.resolved", "two")["data"]["incident"]["id"] == \
        opened["data"]["incident"]["id"]
    assert len(hook.events()) == 2


def test_removed_check_resolves_with_its_reason(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook)).start()
    other.stop()
    hook.wait("incident.opened", "two")
    text = two_checks(web, other, hook)
    d.write("\n".join(line for line in text.split("\n") if not line.startswith("  two:")))
    d.reload()
    resolved = hook.wait("incident.resolved", "two")
    assert resolved["reason"] == "removed"
    assert d.incidents() == []


@pytest.mark.cause("self.config-bad")
def test_bad_reload_keeps_the_old_settings(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook, "1s")).start()
    d.wait_state("one", "up")
    d.write(two_checks(web, other, hook).replace("retries: 1", "retrys: 1"))
    d.reload()
    assert 'unknown key "retrys"' in d.words() and 'did you mean "retries"' in d.words()
    status, _, body = d.api.request("GET", "/readyz?verbose")
    assert status == 200 and b"retrys" in body
    opened = hook.wait("incident.opened", "triaged")
    lab.read_incident(opened, "self.config-bad")
    runs = d.check("one")["runs"]
    lab.wait_for("the old checks to go on", lambda: d.check("one")["runs"] > runs)
    d.write(two_checks(web, other, hook, "1s"))
    d.reload()
    hook.wait("incident.resolved", "triaged")


def test_nothing_of_the_first_settings_is_used_after_reloads(daemon, web, other, hook):
    checks = two_checks(web, other, hook).replace(
        "checks:", "checks:\n  disk: {type: disk, path: /, interval: 1s}")
    d = daemon(checks).start()
    d.wait_state("disk", "up")
    d.reload()
    d.reload()
    runs = d.check("disk")["runs"]
    lab.wait_for("more runs", lambda: d.check("disk")["runs"] >= runs + 2)


def test_reload_by_the_command(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook)).start()
    env = {"RUNTIME_DIRECTORY": d.folder.as_posix()}
    assert lab.triage("reload", env=env).returncode == 0
    d.write("checks: {one: {type: nope}}\n")
    answer = lab.triage("reload", env=env)
    assert answer.returncode != 0 and "nope" in answer.stdout + answer.stderr


def test_refuses_to_start_twice_on_one_state_folder(daemon, web, other, hook, folder):
    d = daemon(two_checks(web, other, hook)).start()
    second = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                            capture_output=True, text=True, timeout=lab.LIMIT)
    assert second.returncode == 1
    assert "in use" in second.stderr and str(d.process.pid) in second.stderr


def test_says_what_to_do_where_the_port_is_taken(daemon, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        d = daemon()
        d.write(f"daemon: {{state_dir: {d.state}}}\napi: {{listen: \"127.0.0.1:{port}\"}}\n"
                "checks: {m: {type: memory}}\n", head=False)
        run = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                             capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 1
    assert f"127.0.0.1:{port}" in run.stderr and "name another port" in run.stderr, run.stderr


def test_stops_while_a_receiver_is_silent(daemon, web, other, folder):
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(5)
    text = two_checks(web, other, lab.Hook(silent.getsockname()[1]))
    d = daemon(text).start()
    d.wait_state("two", "up")
    other.stop()
    d.wait_state("two", "down")
    d.stop()
    silent.close()


def test_tells_systemd(daemon, web, other, hook, folder):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.settimeout(lab.LIMIT)
    notify.bind(f"{folder}/notify")
    d = daemon(two_checks(web, other, hook),
               env={"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "200000"}).start()
    words = ""

    def hear(text):
        nonlocal words
        while text not in words:
            words += notify.recv(4096).decode() + "\n"

    hear("READY=1")
    hear("STATUS=")
    hear("WATCHDOG=1")
    d.process.send_signal(signal.SIGHUP)
    hear("RELOADING=1")
    words = words.split("RELOADING=1")[1]
    hear("READY=1")
    d.process.send_signal(signal.SIGTERM)
    hear("STOPPING=1")
    notify.close()


def test_who_says_stop_again_and_again_gets_an_orderly_end(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook)).start()
    d.wait_state("one", "up")

    def over():
        if d.process.poll() is None:
            d.process.send_signal(signal.SIGTERM)
            d.process.send_signal(signal.SIGINT)
        return d.process.poll() is not None

    lab.wait_for("the end", over)
    assert d.process.returncode == 0


@pytest.mark.fault("database-damaged")
@pytest.mark.cause("self.store-corrupt")
def test_corrupt_database_is_set_aside(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook)).start()
    d.wait_state("one", "up")
    d.kill()
    for name in os.listdir(d.state):
        if name.startswith("state.db-"):
            (d.state / name).unlink()
    (d.state / "state.db").write_bytes(b"this is no database" * 1000)
    d.start()
    assert any(".corrupt-" in name for name in os.listdir(d.state))
    opened = hook.wait("incident.opened", "triaged")
    lab.read_incident(opened, "self.store-corrupt")
    assert ".corrupt-" in opened["data"]["incident"]["summary"]


def test_unwritable_state_folder_is_a_clear_error(daemon, web, other, hook):
    d = daemon(two_checks(web, other, hook))
    d.state = d.folder / "file"
    d.state.write_text("not a folder")
    d.write(two_checks(web, other, hook))
    run = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                         capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 1 and str(d.state) in run.stderr and "state_dir" in run.stderr


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.fault("disk-full")
@pytest.mark.skipif(not can_mount(), reason="needs the right to make a mount namespace")
@pytest.mark.cause("self.store")
def test_full_disk_goes_on_from_memory(daemon, web, other, hook):
    """The state folder's disk fills while we run; alerts still go out; space returns, it catches up."""
    d = daemon(two_checks(web, other, hook))
    d.state.mkdir()
    script = f'mount -t tmpfs -o size=6m none {d.state} && exec "$@"'
    d.start(wrapper=["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"])
    d.wait_state("two", "up")
    inside = ["nsenter", "-m", "-r", "-t", str(d.process.pid), "sh", "-c"]
    subprocess.run([*inside, f"cat /dev/zero > {d.state}/filler 2>/dev/null; true"], check=True)
    other.stop()
    down = hook.wait("incident.opened", "two")
    assert down["data"]["incident"]["cause"]["code"] == "net.refused"
    lab.read_incident(hook.wait("incident.opened", "triaged"), "self.store")
    subprocess.run([*inside, f"rm {d.state}/filler"], check=True)
    hook.wait("incident.resolved", "triaged")
    other.start()
    hook.wait("incident.resolved", "two")


def test_runs_as_an_ordinary_user(daemon, web, other, hook):
    if os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    d = daemon(two_checks(web, other, hook))
    os.chmod(d.folder, 0o777)
    os.chmod(d.config, 0o644)
    d.log.touch()
    d.start(wrapper=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                     "--no-new-privs"])
    d.wait_state("one", "up")
    assert json.loads(d.api.request("GET", "/api/v1/status")[2])
