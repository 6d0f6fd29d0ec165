"""Services that stop, crash, hang or cannot start: real processes and listeners are broken, units speak
over a real bus, containers over a stub of the engine's API; the webhook says why."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

import lab
import srv_docker
import srv_proc
import srv_systemd
from systemd_test import has_dbus

HEAD = """
receivers:
  hook: {{type: webhook, url: "{hook}", secret: "{secret}"}}
routes:
  - {{to: [hook]}}
"""
EVERY = "interval: 1s, timeout: 5s, retry_interval: 1s, retries: 2"


@pytest.fixture
def yard(folder):
    y = srv_proc.Yard(folder)
    yield y
    y.stop()


@pytest.fixture
def docker(folder):
    d = srv_docker.Docker(f"{folder}/docker.sock").start()
    yield d
    d.stop()


@pytest.fixture
def systemd(folder):
    if not has_dbus():
        pytest.skip("needs dbus-daemon and python3-dbus")
    bus = srv_systemd.Bus(folder).start()
    s = srv_systemd.Systemd(bus)
    s.bus = bus
    yield s
    s.stop()
    bus.stop()


@pytest.fixture
def watch(daemon, hook):
    """A daemon with these checks, all of them up."""
    def make(checks, more="", up=True, env=None):
        text = "checks:\n" + "".join(f"  {name}: {{{keys}, {EVERY}}}\n"
                                     for name, keys in checks.items())
        d = daemon(text + HEAD.format(hook=hook.url, secret=lab.SECRET_TEXT) + more,
                   env={"DOCKER_HOST": "unix:///nonexistent", **(env or {})}).start()
        for name in checks if up else ():
            d.wait_state(name, "up")
        return d
    return make


# --- ports ---

@pytest.mark.scenario("port-conflict")
def test_a_port_is_taken_by_another(watch, hook, yard, fault):
    port = lab.free_port()
    right = yard.listener("new-api", port)
    watch({"api-port": f"type: port, listen: '127.0.0.1:{port}', owner: {{name: new-api}}"})
    yard.end(right)
    fault.begin()
    intruder = yard.listener("tp-nginx", port)
    incident = fault.read(
        hook, "api-port", cause="port.conflict", playbook="port-conflict",
        finding="port-conflict.foreign-owner", severity="critical",
        title=f"Port {port} is taken by tp-nginx (pid {intruder.pid}), new-api cannot start",
        facts=["port-owner"], remedy=f"kill {intruder.pid}")
    owner = next(f["text"] for f in incident["facts"] if f["name"] == "port-owner")
    assert f"listening: 127.0.0.1:{port}" in owner and "tp-nginx -c" in owner, owner
    assert any("is free" in step["text"] for step in incident["remedy"])


@pytest.mark.scenario("port-conflict")
def test_the_same_service_runs_twice(watch, hook, yard, folder, fault):
    """The pid file names one of them, the other has the port."""
    port = lab.free_port()
    pidfile = Path(folder) / "api.pid"
    first = yard.listener("new-api", port)
    pidfile.write_text(f"{first.pid}\n")
    watch({"api-port": f"type: port, listen: '127.0.0.1:{port}', "
                       f"owner: {{name: new-api, pidfile: {pidfile}}}"})
    fault.begin()
    pidfile.write_text(f"{yard.listener('new-api', lab.free_port()).pid}\n")
    fault.read(hook, "api-port", cause="port.conflict",
               finding={"port-conflict.same-service-twice", "port-conflict.old-instance"},
               severity="critical", title=f"pid {first.pid}", facts=["port-owner"])


@pytest.mark.scenario("port-conflict")
def test_docker_publishes_the_port(watch, hook, yard, docker, fault):
    port = lab.free_port()
    right = yard.listener("new-api", port)
    docker.add("kpi_frontend", Ports=[{"PrivatePort": 80, "PublicPort": port, "Type": "tcp"}])
    watch({"api-port": f"type: port, listen: ':{port}', owner: {{name: new-api}}"},
          env={"DOCKER_HOST": f"unix://{docker.path}"})
    yard.end(right)
    fault.begin()
    yard.listener("docker-proxy", port, address="0.0.0.0")
    fault.read(hook, "api-port", cause="port.conflict", finding="port-conflict.docker-proxy",
               severity="critical", title="is taken by container kpi_frontend",
               facts=["port-owner"], remedy="docker stop kpi_frontend")


@pytest.mark.scenario("port-not-listening")
def test_nobody_listens(watch, hook, yard, fault):
    port = lab.free_port()
    server = yard.listener("tp-openim-api", port)
    watch({"openim-api": f"type: port, listen: '127.0.0.1:{port}'"})
    fault.begin()
    yard.end(server)
    fault.read(hook, "openim-api", cause="port.nobody", playbook="port-not-listening",
               severity="critical", title=f"nobody listens on port {port}", facts=["port-owner"],
               evidence=["nobody listens on port"])


@pytest.mark.scenario("port-not-listening")
def test_the_unit_behind_a_port_has_failed(watch, hook, yard, systemd, fault):
    """Redis' port by its number: the unit that usually serves it is asked."""
    systemd.set("redis-server.service", ActiveState="active", SubState="running", Type="notify")
    busy = subprocess.run(["ss", "-Hltn", "sport = :6379"], capture_output=True, text=True,
                          check=True).stdout
    if busy:
        pytest.skip("port 6379 of this host is in use")
    server = yard.listener("tp-redis", 6379)
    watch({"cache-port": "type: port, listen: '127.0.0.1:6379'"},
          env={"DBUS_SYSTEM_BUS_ADDRESS": systemd.bus.address})
    fault.begin()
    systemd.set("redis-server.service", ActiveState="failed", SubState="failed", Result="exit-code",
                ExecMainCode=1, ExecMainStatus=1, NRestarts=3)
    yard.end(server)
    fault.read(hook, "cache-port", cause="port.nobody", finding="port-not-listening.unit-failed",
               severity="critical", title="port 6379 has no listener: redis-server.service failed",
               facts=["unit"], evidence=["redis-server.service: failed, exit 1, 3 restarts"],
               remedy="systemctl restart redis-server.service")


# --- processes ---

@pytest.mark.scenario("process-absent")
def test_a_process_is_gone(kernel_kills, watch, hook, yard, fault):
    process = yard.sleep("tp-msgtransfer")
    watch({"transfer": "type: process, name: tp-msgtransfer"})
    fault.begin()
    yard.end(process)
    fault.read(hook, "transfer", cause="proc.absent", playbook="process-absent",
               finding="process-absent.not-running", severity="critical",
               title="no process tp-msgtransfer runs", facts=["process"])


@pytest.mark.scenario("process-stuck")
def test_a_process_is_stopped(watch, hook, yard, fault):
    process = yard.sleep("tp-worker")
    watch({"worker": "type: process, name: tp-worker"})
    fault.begin()
    process.send_signal(signal.SIGSTOP)
    fault.read(hook, "worker", cause="proc.stopped", playbook="process-stuck",
               finding="process-stuck.stopped", severity="critical",
               title=f"tp-worker (pid {process.pid}) is stopped (state T)", facts=["process"],
               remedy=f"kill -CONT {process.pid}")


@pytest.mark.scenario("process-stuck")
def test_a_zombie_and_its_parent(watch, hook, yard, fault):
    process = yard.run("/bin/sh", "-c",
                       f"{yard.sleeper('tp-zombie')} 1000 & echo $!; exec sleep 1000",
                       stdout=subprocess.PIPE)
    child = int(process.stdout.readline())
    yard.wait_comm(child, "tp-zombie")
    watch({"worker": "type: process, name: tp-zombie"})
    fault.begin()
    os.kill(child, signal.SIGKILL)
    fault.read(hook, "worker", cause="proc.zombie", finding="process-stuck.zombie",
               severity="critical", title=f"its parent sleep (pid {process.pid})",
               facts=["process"])


@pytest.mark.scenario("service-crash-loop")
def test_a_process_ends_again_and_again(watch, hook, yard, fault):
    fault.begin()
    yard.run("/bin/sh", "-c", f"while :; do {yard.sleeper('tp-crash')} 0.7; done")
    watch({"loop": "type: process, name: tp-crash, min: 0"}, up=False)
    fault.read(hook, "loop", cause="proc.crashloop", playbook="service-crash-loop",
               severity="critical", title="ends again and again", facts=["process"])


@pytest.mark.scenario("fd-exhaustion")
def test_descriptors_run_out(watch, hook, yard, folder, fault):
    path = Path(folder) / "hold.sh"
    steps = Path(folder) / "go"
    opens = "; ".join(f"exec {n}</dev/null" for n in range(3, 10))
    python = ("import time,pathlib\n"
              f"while not pathlib.Path('{steps}').exists(): time.sleep(0.05)\n"
              "held=[open('/dev/null') for _ in range(54)]\ntime.sleep(1000)\n")
    script = Path(folder) / "hold.py"
    script.write_text(python)
    link = Path(folder) / "tp-gateway"
    link.symlink_to("/usr/bin/python3")
    path.write_text(f"ulimit -n 64; {opens}; exec {link} {script}\n")
    process = yard.run("/bin/bash", path)
    yard.wait_comm(process.pid, "tp-gateway")
    watch({"gateway": "type: process, name: tp-gateway"})
    fault.begin()
    steps.write_text("go")
    fault.read(hook, "gateway", playbook="fd-exhaustion", cause="fd-exhaustion.limit-low",
               severity={"critical"}, title="of 64 descriptors", facts=["fds"],
               remedy=f"prlimit --pid {process.pid}")


# --- variables ---

def start_with(yard, name, **env):
    process = yard.run(yard.sleeper(name), "1000", env=env)
    yard.wait_comm(process.pid, name)
    return process


@pytest.mark.scenario("env-var-missing")
def test_a_variable_was_set_after_the_start(watch, hook, yard, folder, fault):
    dotenv = Path(folder) / ".env"
    dotenv.write_text("PORT=3000\n")
    process = start_with(yard, "tp-newapi", PORT="3000")
    watch({"api": f"type: process, name: tp-newapi, "
                  f"env: {{SQL_DSN: {{present: false, same_as: {dotenv}}}}}"})
    fault.begin()
    dotenv.write_text("PORT=3000\nSQL_DSN=root:secret-of-mine@tcp(db:3306)/newapi\n")
    incident = fault.read(
        hook, "api", cause="proc.env-missing", playbook="env-var-missing",
        finding="env-var-missing.changed-after-start",
        title=f"{dotenv} sets SQL_DSN, but the running tp-newapi (pid {process.pid}) does not have it",
        facts=["environment"])
    assert "secret-of-mine" not in str(incident)


@pytest.mark.scenario("session-secret-missing-or-default")
def test_the_secret_is_the_default(watch, hook, yard, fault):
    good = start_with(yard, "tp-newapi", SESSION_SECRET="u6t4cF0rREAL0ne")
    watch({"api": "type: process, name: tp-newapi, env: {SESSION_SECRET: {not: [random_string]}}"})
    yard.end(good)
    fault.begin()
    process = start_with(yard, "tp-newapi", SESSION_SECRET="random_string")
    fault.read(hook, "api", cause="proc.env-default", playbook="env-var-missing",
               finding="env-var-missing.secret-default", severity="critical",
               title=f"SESSION_SECRET of tp-newapi (pid {process.pid}) is a default value",
               facts=["environment"], evidence=["sessions can be forged"],
               remedy="openssl rand -base64 32")


@pytest.mark.scenario("session-secret-missing-or-default")
def test_the_secret_is_not_set(watch, hook, yard, fault):
    good = start_with(yard, "tp-newapi", SESSION_SECRET="u6t4cF0rREAL0ne")
    watch({"api": "type: process, name: tp-newapi, env: {SESSION_SECRET: {present: true}}"})
    yard.end(good)
    fault.begin()
    start_with(yard, "tp-newapi", PORT="3000")
    fault.read(hook, "api", cause="proc.env-missing", finding="env-var-missing.secret-missing",
               severity="critical", title="SESSION_SECRET is not set for tp-newapi",
               facts=["environment"])


@pytest.mark.scenario("session-secret-mismatch")
def test_instances_do_not_share_their_secret(watch, hook, yard, fault):
    secrets = ["node-one-has-this-value", "node-two-has-another-one"]
    start_with(yard, "tp-newapi", SESSION_SECRET=secrets[0])
    start_with(yard, "tp-newapi", SESSION_SECRET=secrets[0])
    watch({"api": "type: process, name: tp-newapi, env: {SESSION_SECRET: {same_as: instances}}"})
    fault.begin()
    other = start_with(yard, "tp-newapi", SESSION_SECRET=secrets[1])
    incident = fault.read(
        hook, "api", cause="proc.env-differs", playbook="session-secret-mismatch",
        finding="session-secret-mismatch.mismatch", severity="critical",
        title="different values of SESSION_SECRET", facts=["environment"],
        evidence=[f"pid {other.pid} has "])
    assert not any(secret in str(incident) for secret in secrets)


# --- units ---

@pytest.mark.scenario("unit-failed")
def test_a_unit_has_failed(watch, hook, systemd, fault):
    systemd.set("etcd.service", ActiveState="active", SubState="running", Type="notify")
    watch({"etcd": f"type: systemd, unit: etcd, bus: '{systemd.bus.address}'"})
    fault.begin()
    systemd.set("etcd.service", ActiveState="failed", SubState="failed", Result="exit-code",
                ExecMainCode=1, ExecMainStatus=1)
    fault.read(hook, "etcd", cause="unit.failed", playbook="unit-failed",
               finding="unit-failed.failed", severity="critical",
               title="etcd.service failed (exit-code, exit 1)", facts=["unit"],
               remedy="systemctl restart etcd.service")


@pytest.mark.scenario("unit-failed")
def test_systemd_has_given_up(watch, hook, systemd, fault):
    systemd.set("etcd.service", ActiveState="active", SubState="running", Type="notify")
    watch({"etcd": f"type: systemd, unit: etcd, bus: '{systemd.bus.address}'"})
    fault.begin()
    systemd.set("etcd.service", ActiveState="failed", SubState="failed", Result="start-limit-hit",
                ExecMainCode=1, ExecMainStatus=1, NRestarts=5)
    fault.read(hook, "etcd", cause="unit.start-limit", finding="unit-failed.start-limit",
               severity="critical", title="systemd has given up", facts=["unit"],
               remedy="systemctl reset-failed etcd.service")


@pytest.mark.scenario("unit-inactive")
def test_somebody_stopped_a_unit(watch, hook, systemd, fault):
    systemd.set("mongod.service", ActiveState="active", SubState="running", Type="forking")
    watch({"mongod": f"type: systemd, unit: mongod, bus: '{systemd.bus.address}'"})
    fault.begin()
    systemd.set("mongod.service", ActiveState="inactive", SubState="dead", Result="success",
                ExecMainCode=1, ExecMainStatus=0)
    fault.read(hook, "mongod", cause="unit.inactive", finding="unit-failed.stopped",
               severity="warning", title="mongod.service does not run: it was stopped",
               facts=["unit"], remedy="systemctl start mongod.service")


@pytest.mark.scenario("service-crash-loop")
def test_a_unit_is_started_again_and_again(watch, hook, systemd, fault):
    """It is up whenever it is looked at; the counter tells."""
    systemd.set("worker.service", ActiveState="active", SubState="running", Type="simple",
                NRestarts=0)
    watch({"worker": f"type: systemd, unit: worker, bus: '{systemd.bus.address}'"})
    fault.begin()
    systemd.set("worker.service", ActiveState="active", SubState="running", NRestarts=4,
                ExecMainCode=1, ExecMainStatus=203)
    fault.read(hook, "worker", playbook="service-crash-loop",
               cause="service-crash-loop.cannot-execute", severity="critical", title="worker",
               facts=["unit"])


# --- containers ---

UNHEALTHY = {"Status": "unhealthy", "FailingStreak": 3, "Log": [
    {"Start": "2026-01-02T03:05:06Z", "End": "2026-01-02T03:05:07Z", "ExitCode": 4,
     "Output": "wget: can't connect to remote host\n"}]}
HEALTHY = {"Status": "healthy", "FailingStreak": 0, "Log": []}


@pytest.mark.scenario("service-crash-loop")
def test_a_container_lacks_a_package(watch, hook, docker, fault):
    docker.add("kpi_backend")
    docker.logs["kpi_backend"] = ["Traceback (most recent call last):",
                                  "ModuleNotFoundError: No module named 'pymysql'"]
    watch({"backend": f"type: container, name: kpi_backend, socket: '{docker.path}'"})
    fault.begin()
    docker.set("kpi_backend", event="die", RestartCount=5,
               State={"Status": "restarting", "Running": True, "Restarting": True, "ExitCode": 1})
    fault.read(hook, "backend", cause="container.restarting", playbook="service-crash-loop",
               finding="service-crash-loop.package-missing", severity="critical",
               title="No module named 'pymysql'", facts=["container", "log-tail"],
               remedy="docker compose build --no-cache")


@pytest.mark.scenario("container-unhealthy")
def test_a_container_is_unhealthy(watch, hook, docker, fault):
    docker.add("new-api", State={"Health": HEALTHY})
    watch({"api": f"type: container, name: new-api, socket: '{docker.path}'"})
    fault.begin()
    docker.set("new-api", event="health_status: unhealthy", State={"Health": UNHEALTHY})
    fault.read(hook, "api", cause="container.unhealthy", playbook="container-unhealthy",
               finding="container-unhealthy.refused", severity="critical",
               title="new-api is unhealthy (3 failing checks: wget: can't connect to remote host",
               facts=["container"], remedy="docker logs --tail 50 new-api")


@pytest.mark.scenario("container-not-running")
def test_a_container_was_killed_for_want_of_memory(watch, hook, docker, fault):
    docker.add("db", HostConfig={"Memory": 256 * 2 ** 20, "RestartPolicy": {"Name": "no"}})
    watch({"db": f"type: container, name: db, socket: '{docker.path}'"})
    fault.begin()
    docker.set("db", event="oom", State={"Status": "exited", "Running": False, "ExitCode": 137,
                                         "OOMKilled": True})
    fault.read(hook, "db", cause="container.oom-killed",
               finding="container-not-running.oom-killed", severity="critical",
               title="Container db was killed because memory ran out", facts=["container"],
               evidence=["256 MiB"], remedy="docker start db")
