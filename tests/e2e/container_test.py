"""Containers: against a stub of Docker's API, and against the real Podman where it can run."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import lab
import srv_docker

UNHEALTHY = {"Status": "unhealthy", "FailingStreak": 3, "Log": [
    {"Start": "2026-01-02T03:04:36Z", "End": "2026-01-02T03:04:37Z", "ExitCode": 1, "Output": "old"},
    {"Start": "2026-01-02T03:05:06Z", "End": "2026-01-02T03:05:07Z", "ExitCode": 4,
     "Output": "Connecting to localhost:3000\nwget: can't connect to remote host\n"}]}


@pytest.fixture
def docker(folder):
    d = srv_docker.Docker(f"{folder}/docker.sock").start()
    yield d
    d.silent.clear()
    d.stop()


def run(folder, docker, name, more=""):
    return lab.probe_check(folder, f"{{type: container, name: {name}, socket: '{docker.path}'{more}}}")


def facts(sample):
    return {f["name"]: f["text"] for f in sample["facts"]}


def test_a_container_that_runs(folder, docker):
    docker.add("api", State={"Health": {"Status": "healthy", "FailingStreak": 0, "Log": []}},
               HostConfig={"Memory": 100 * 2 ** 20}, RestartCount=2)
    good = run(folder, docker, "api")
    assert good["outcome"] == "ok" and good["text"] == "running, healthy", good
    values = good["values"]
    assert values["running"] == 1 and values["healthy"] == 1 and values["restarts_total"] == 2
    assert values["memory_bytes"] == 50 * 2 ** 20 and values["memory_percent"] == 50
    assert values["cpu_time_total"] == 2.5 and values["up_time"] > 0 and "exit_code" not in values
    assert facts(good)["image"] == "shop/api:1.2" and facts(good)["restarts"] == "2"
    by_id = run(folder, docker, docker.containers["api"]["Id"][:12])
    assert by_id["outcome"] == "ok", by_id
    docker.add("plain")
    values = run(folder, docker, "plain")["values"]
    assert "healthy" not in values and "memory_percent" not in values


@pytest.mark.cause("container.exited", "container.oom-killed", "container.restarting",
                   "container.paused", "container.missing")
def test_containers_that_do_not(folder, docker):
    docker.add("api", State={"Status": "exited", "Running": False, "ExitCode": 127})
    gone = lab.read_cause(run(folder, docker, "api"), "container.exited")
    assert "not found" in gone["text"] and gone["values"]["exit_code"] == 127
    docker.set("api", State={"ExitCode": 139})
    assert "SIGSEGV" in run(folder, docker, "api")["text"]
    docker.set("api", State={"ExitCode": 0})
    lab.read_cause(run(folder, docker, "api"), "container.exited")
    assert run(folder, docker, "api", ", state: finished")["outcome"] == "ok"
    docker.set("api", State={"ExitCode": 137, "OOMKilled": True})
    lab.read_cause(run(folder, docker, "api"), "container.oom-killed")
    docker.set("api", RestartCount=8, State={"Status": "restarting", "Restarting": True,
                                             "ExitCode": 1, "OOMKilled": False})
    loop = lab.read_cause(run(folder, docker, "api"), "container.restarting")
    assert "exit 1" in loop["text"] and loop["values"]["restarts_total"] == 8
    docker.set("api", State={"Status": "paused", "Paused": True})
    lab.read_cause(run(folder, docker, "api"), "container.paused")
    docker.set("api", State={"Status": "created", "Error": "port is already allocated"})
    assert "port is already" in lab.read_cause(run(folder, docker, "api"), "container.exited")["text"]
    lab.read_cause(run(folder, docker, "nobody"), "container.missing")


@pytest.mark.trap(2)
@pytest.mark.cause("container.unhealthy")
def test_unhealthy_although_the_service_answers(folder, docker, web):
    """The healthcheck's own command is wrong: it is shown, beside a direct check that is up."""
    docker.add("redis", State={"Health": {**UNHEALTHY, "Log": [
        {"ExitCode": 1, "Output": "Unrecognized option or bad number of args for: '--requirepass'\n"}]}})
    docker.containers["redis"]["Config"]["Healthcheck"]["Test"] = \
        ["CMD", "redis-cli", "--requirepass", "x", "ping"]
    bad = lab.read_cause(run(folder, docker, "redis"), "container.unhealthy")
    told = facts(bad)
    assert told["healthcheck"] == "redis-cli --requirepass *** ping" and told["healthcheck_exit"] == "exit 1"
    assert "Unrecognized option" in told["healthcheck_says"] and "Unrecognized option" in bad["text"]
    assert bad["values"]["running"] == 1 and bad["values"]["healthy"] == 0
    assert lab.probe_once(web.url)["outcome"] == "ok"


@pytest.mark.cause("container.cannot-ask")
def test_nobody_to_ask_is_never_down(folder, docker):
    def cannot(word, socket=docker.path, env=None):
        said = lab.probe_check(
            folder, f"{{type: container, name: api, socket: '{socket}', timeout: 1s}}", env=env)
        lab.read_cause(said, "container.cannot-ask", "error")
        assert word in said["text"], said
    cannot("nobody answers", f"{folder}/no.sock")
    docker.odd = (500, {"message": "cannot connect to containerd"})
    cannot("containerd")
    docker.odd = (200, b"<html>hello</html>")
    cannot("not Docker")
    docker.odd = (200, {"hello": 1})
    cannot("not Docker")
    docker.odd = (403, b"Forbidden")
    cannot("CONTAINERS")
    docker.silent.set()
    cannot("does not answer")


@pytest.mark.cause("container.cannot-ask")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_no_right_to_the_socket(folder, docker):
    os.chmod(folder, 0o755)
    os.chmod(docker.path, 0o600)
    config = Path(folder) / "t.yaml"
    config.write_text(f"checks:\n  it: {{type: container, name: api, socket: '{docker.path}'}}\n")
    done = subprocess.run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                           lab.BUILD / "triage", "probe", "it", "--json", "-c", config],
                          capture_output=True, text=True, timeout=lab.LIMIT)
    if "Permission denied" in done.stderr:
        pytest.skip("the build is in a folder that nobody else may enter")
    said = lab.read_cause(lab.json.loads(done.stdout), "container.cannot-ask", "error")
    assert "`docker`" in said["text"], said


@pytest.mark.cause("container.unhealthy")
def test_a_change_is_seen_at_once(daemon, folder, docker, hook):
    """The interval is an hour: only events can tell."""
    docker.add("api", State={"Health": {"Status": "healthy", "Log": []}})
    d = daemon(f"""
checks:
  api: {{type: container, name: api, socket: "{docker.path}", interval: 1h, timeout: 5s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("api", "up")
    lab.wait_for("the daemon to listen", lambda: docker.listeners)
    runs = d.check("api")["runs"]
    docker.set("api", "exec_start: /bin/sh -c wget")
    docker.set("api", "exec_die")
    docker.set("api", "health_status: unhealthy", State={"Health": UNHEALTHY})
    opened = hook.wait("incident.opened", "api")["data"]["incident"]
    assert opened["cause"]["code"] == "container.unhealthy", opened
    lab.SEEN_CAUSES.add(opened["cause"]["code"])
    assert "can't connect" in str(opened), opened
    docker.set("api", "health_status: healthy", State={"Health": {"Status": "healthy", "Log": []}})
    hook.wait("incident.resolved", "api")
    assert d.check("api")["runs"] <= runs + 3
    d.stop()


def test_the_api_goes_and_comes_back(daemon, folder, docker):
    docker.add("api")
    d = daemon(f"""
checks:
  api: {{type: container, name: api, socket: "{docker.path}", interval: 1s, timeout: 5s, retries: 1}}
""").start()
    d.wait_state("api", "up")
    docker.stop()
    lab.wait_for("an error", lambda: d.check("api")["cause"] == "container.cannot-ask")
    assert d.check("api")["state"] == "up"  # could not tell is not down
    docker.start()
    lab.wait_for("an answer", lambda: d.check("api")["cause"] is None)
    lab.wait_for("the daemon to listen again", lambda: docker.listeners)
    d.stop()


def test_a_service_of_a_compose_project(daemon, folder, docker, hook):
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "api"}
    docker.add("shop-api-1", labels)
    docker.add("shop-api-2", labels)
    docker.add("other", {"com.docker.compose.project": "else", "com.docker.compose.service": "api"})
    d = daemon(f"""
checks:
  api: {{type: container, service: api, project: shop, socket: "{docker.path}", interval: 1h,
         timeout: 5s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("api[shop-api-1]", "up")
    d.wait_state("api[shop-api-2]", "up")
    assert d.check("api")["metrics"]["count"] == 2
    lab.wait_for("the daemon to listen", lambda: len(docker.listeners) >= 3)
    docker.set("shop-api-2", "die", State={"Status": "exited", "ExitCode": 1})
    opened = hook.wait("incident.opened", "api[shop-api-2]")["data"]["incident"]
    assert opened["cause"]["code"] == "container.exited", opened
    docker.add("shop-api-3", labels)
    docker.tell("shop-api-3", "start")
    d.wait_state("api[shop-api-3]", "up")
    d.stop()


@pytest.mark.cause("container.missing")
def test_labels_that_nobody_has(folder, docker):
    none = lab.probe_check(folder, f"{{type: container, label: a=b, socket: '{docker.path}'}}")
    lab.read_cause(none, "container.missing")


@pytest.fixture(scope="module")
def podman():
    """`podman system service` with storage of its own; no container needs to be started in it."""
    if not shutil.which("podman"):
        pytest.skip("needs podman")
    root = Path(tempfile.mkdtemp(prefix="tri-"))  # podman wants it short
    sock = root / "podman.sock"
    common = ["podman", "--root", root / "root", "--runroot", root / "run", "--storage-driver", "vfs",
              "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
    server = subprocess.Popen([*common, "system", "service", "--time=0", f"unix://{sock}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("podman's socket", lambda: sock.exists() or server.poll() is not None, 20)
        if server.poll() is not None:
            pytest.skip("podman does not run here")
        rootfs = root / "rootfs"
        rootfs.mkdir()
        (rootfs / "hello").write_text("hello")
        tar = subprocess.run(["tar", "-C", rootfs, "-c", "."], capture_output=True, check=True)
        done = subprocess.run([*common, "import", "-", "tri/test:1"], input=tar.stdout,
                              capture_output=True)
        if done.returncode != 0:
            pytest.skip("podman cannot keep images here")
        yield common, sock
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.cause("container.exited", "container.missing")
def test_the_real_podman(folder, podman):
    common, sock = podman
    name = f"tri-{os.getpid()}"

    def probe(text):
        return lab.probe_check(folder, f"{{type: container, {text}, socket: '{sock}'}}")

    lab.read_cause(probe(f"name: {name}"), "container.missing")
    made = subprocess.run([*common, "create", "--network", "none", "--name", name, "--label", "tri=1",
                           "tri/test:1", "/hello"], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"podman cannot make containers here: {made.stderr[-200:]}")
    created = lab.read_cause(probe(f"name: {name}"), "container.exited")
    assert "never started" in created["text"] and "tri/test" in facts(created)["image"], created
    listed = probe("label: tri=1")
    assert listed["outcome"] == "ok" and listed["values"]["count"] == 1, listed
    subprocess.run([*common, "rm", "-f", name], capture_output=True)
    lab.read_cause(probe(f"name: {name}"), "container.missing")
