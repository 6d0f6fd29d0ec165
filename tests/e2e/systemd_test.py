"""Units over a real bus, spoken for by a stand-in for systemd's manager: no PID 1 is at hand."""
import os
import shutil
import subprocess
import tempfile

import pytest

import lab
import srv_systemd


def has_dbus():
    done = subprocess.run(["/usr/bin/python3", "-c", "import dbus, gi"], capture_output=True)
    return done.returncode == 0 and shutil.which("dbus-daemon")


pytestmark = pytest.mark.skipif(not has_dbus(), reason="needs dbus-daemon and python3-dbus")

RUNNING = {"ActiveState": "active", "SubState": "running", "Result": "success", "NRestarts": 0,
           "MemoryCurrent": 50 * 2 ** 20, "MemoryMax": 2 ** 64 - 1, "TasksCurrent": 7,
           "CPUUsageNSec": 1500000000, "ExecMainCode": 0, "ExecMainStatus": 0,
           "FragmentPath": "/lib/systemd/system/x.service", "Type": "simple", "StatusText": ""}
EXITED, KILLED, DUMPED = 1, 2, 3


@pytest.fixture(scope="module")
def bus():
    folder = tempfile.mkdtemp(prefix="tri-")
    b = srv_systemd.Bus(folder).start()
    yield b
    b.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def systemd(bus):
    s = srv_systemd.Systemd(bus)
    yield s
    s.stop()


def run(folder, bus, unit, more=""):
    return lab.probe_check(folder, f"{{type: systemd, unit: {unit}, bus: '{bus.address}'{more}}}")


def facts(sample):
    return {f["name"]: f["text"] for f in sample["facts"]}


def test_a_unit_that_runs(folder, bus, systemd):
    systemd.set("nginx.service", **RUNNING, ActiveEnterTimestamp=srv_systemd.now_us(100))
    good = run(folder, bus, "nginx")
    assert good["outcome"] == "ok" and good["text"] == "active (running)", good
    values = good["values"]
    assert values["active"] == 1 and values["restarts_total"] == 0 and values["tasks"] == 7
    assert values["memory_bytes"] == 50 * 2 ** 20 and values["cpu_time_total"] == 1.5
    assert "memory_percent" not in values  # there is no limit
    assert 99 < values["up_time"] < 160
    systemd.set("nginx.service", MemoryMax=100 * 2 ** 20)
    assert run(folder, bus, "nginx.service")["values"]["memory_percent"] == 50


def test_an_alias_is_the_unit_it_stands_for(folder, bus, systemd):
    systemd.set("mariadb.service", **RUNNING)
    systemd.alias("mysql.service", "mariadb.service")
    good = run(folder, bus, "mysql")
    assert good["outcome"] == "ok" and facts(good)["unit"] == "mariadb.service"


@pytest.mark.cause("unit.failed", "unit.oom-killed", "unit.start-limit", "unit.restarting")
def test_units_that_end(folder, bus, systemd):
    down = {**RUNNING, "ActiveState": "failed", "SubState": "failed"}
    systemd.set("etcd.service", **{**down, "Result": "exit-code", "ExecMainCode": EXITED,
                                   "ExecMainStatus": 1, "NRestarts": 5})
    bad = lab.read_cause(run(folder, bus, "etcd"), "unit.failed")
    assert bad["text"] == "failed (exit code): exit 1"
    assert facts(bad)["last_exit"] == "exit 1" and facts(bad)["restarts"] == "5"
    assert bad["values"]["active"] == 0 and "memory_bytes" not in bad["values"]
    systemd.set("etcd.service", ExecMainStatus=203)
    assert "ExecStart=" in run(folder, bus, "etcd")["text"]
    systemd.set("etcd.service", Result="core-dump", ExecMainCode=DUMPED, ExecMainStatus=11)
    assert "SIGSEGV, core dumped" in run(folder, bus, "etcd")["text"]
    systemd.set("etcd.service", Result="oom-kill", ExecMainCode=KILLED, ExecMainStatus=9)
    lab.read_cause(run(folder, bus, "etcd"), "unit.oom-killed")
    systemd.set("etcd.service", Result="start-limit-hit", ExecMainCode=EXITED, ExecMainStatus=1)
    lab.read_cause(run(folder, bus, "etcd"), "unit.start-limit")
    systemd.set("etcd.service", ActiveState="activating", SubState="auto-restart", NRestarts=9)
    loop = lab.read_cause(run(folder, bus, "etcd"), "unit.restarting")
    assert "exit 1" in loop["text"] and loop["values"]["restarts_total"] == 9


@pytest.mark.cause("unit.inactive", "unit.active", "unit.starting", "unit.masked",
                   "unit.bad-setting", "unit.missing")
def test_units_that_are_not_as_they_should_be(folder, bus, systemd):
    idle = {**RUNNING, "ActiveState": "inactive", "SubState": "dead"}
    systemd.set("cups.service", **idle)
    lab.read_cause(run(folder, bus, "cups"), "unit.inactive")
    assert run(folder, bus, "cups", ", state: inactive")["outcome"] == "ok"
    assert run(folder, bus, "cups", ", state: any")["outcome"] == "ok"
    systemd.set("cups.service", TriggeredBy=["cups.socket"])
    assert "cups.socket" in run(folder, bus, "cups")["text"]
    systemd.set("cups.service", **RUNNING)
    lab.read_cause(run(folder, bus, "cups", ", state: inactive"), "unit.active")
    systemd.set("job.service", **{**idle, "Type": "oneshot", "ExecMainCode": EXITED})
    assert run(folder, bus, "job")["outcome"] == "ok"
    systemd.set("slow.service", **{**RUNNING, "ActiveState": "activating", "SubState": "start",
                                   "InactiveExitTimestamp": srv_systemd.now_us(60)})
    assert run(folder, bus, "slow")["outcome"] == "ok"
    lab.read_cause(run(folder, bus, "slow", ", start_max: 30s"), "unit.starting")
    systemd.set("off.service", **{**idle, "LoadState": "masked"})
    lab.read_cause(run(folder, bus, "off"), "unit.masked")
    systemd.set("odd.service", **{**idle, "LoadState": "bad-setting",
                                  "LoadError": ["org.x", "Unit odd.service has a bad unit file setting."]})
    assert "bad unit file" in lab.read_cause(run(folder, bus, "odd"), "unit.bad-setting")["text"]
    lab.read_cause(run(folder, bus, "nobody-knows-it"), "unit.missing")


def test_other_kinds_of_units(folder, bus, systemd):
    systemd.set("backup.timer", ActiveState="active", SubState="waiting", Result="success")
    good = run(folder, bus, "backup.timer")
    assert good["outcome"] == "ok" and "restarts_total" not in good["values"]


@pytest.mark.cause("unit.cannot-ask")
def test_nobody_to_ask_is_never_down(folder, bus):
    nowhere = lab.probe_check(folder, f"{{type: systemd, unit: a, bus: 'unix:path={folder}/no'}}")
    lab.read_cause(nowhere, "unit.cannot-ask", "error")
    assert "No such file" in nowhere["text"] and "/run/dbus" in nowhere["text"]
    inner = os.path.join(folder, "inner")
    os.mkdir(inner)
    empty = srv_systemd.Bus(inner).start()  # a bus without systemd, as in most containers
    try:
        said = lab.read_cause(run(folder, empty, "a"), "unit.cannot-ask", "error")
        assert "no systemd" in said["text"]
    finally:
        empty.stop()
    strict = srv_systemd.Bus(inner, '<deny send_destination="org.freedesktop.systemd1"/>').start()
    manager = srv_systemd.Systemd(strict)
    try:
        said = lab.read_cause(run(folder, strict, "a"), "unit.cannot-ask", "error")
        assert "does not let this user" in said["text"]
    finally:
        manager.stop()
        strict.stop()


def test_the_environment_names_the_bus(folder, bus, systemd):
    systemd.set("env.service", **RUNNING)
    good = lab.probe_check(folder, "{type: systemd, unit: env}",
                           env={"DBUS_SYSTEM_BUS_ADDRESS": bus.address})
    assert good["outcome"] == "ok", good


def test_a_change_is_seen_at_once(daemon, folder, bus, systemd, hook):
    """The interval is an hour: only signals can tell."""
    systemd.set("app.service", **RUNNING)
    d = daemon(f"""
checks:
  app: {{type: systemd, unit: app, bus: "{bus.address}", interval: 1h, timeout: 5s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("app", "up")
    lab.wait_for("the daemon to listen", lambda: systemd.counts()["Subscribe"] > 0)
    systemd.set("app.service", ActiveState="failed", SubState="failed", Result="exit-code",
                ExecMainCode=EXITED, ExecMainStatus=7)
    opened = hook.wait("incident.opened", "app")["data"]["incident"]
    assert opened["cause"]["code"] == "unit.failed" and "app.service" in opened["title"], opened
    systemd.set("app.service", **RUNNING)
    hook.wait("incident.resolved", "app")
    subscribed = systemd.counts()["Subscribe"]
    systemd.reloaded()
    lab.wait_for("a new subscription", lambda: systemd.counts()["Subscribe"] > subscribed)
    d.stop()


def test_the_bus_goes_and_comes_back(daemon, folder):
    inner = os.path.join(folder, "inner")
    os.mkdir(inner)
    bus = srv_systemd.Bus(inner).start()
    manager = srv_systemd.Systemd(bus)
    manager.set("app.service", **RUNNING)
    d = daemon(f"""
checks:
  app: {{type: systemd, unit: app, bus: "{bus.address}", interval: 1s, timeout: 5s, retries: 1}}
""").start()
    try:
        d.wait_state("app", "up")
        manager.stop()
        bus.stop()
        lab.wait_for("an error", lambda: d.check("app")["cause"] == "unit.cannot-ask")
        assert d.check("app")["state"] == "up"  # could not tell is not down
        bus.start()
        runs = d.check("app")["runs"]  # the bus is there before systemd is: asked in vain
        lab.wait_for("two runs", lambda: d.check("app")["runs"] >= runs + 2)
        manager = srv_systemd.Systemd(bus)
        manager.set("app.service", **{**RUNNING, "NRestarts": 3})
        lab.wait_for("news", lambda: d.check("app")["metrics"].get("restarts_total") == 3)
        lab.wait_for("a new subscription", lambda: manager.counts()["Subscribe"] > 0)
        d.stop()
    finally:
        manager.stop()
        bus.stop()


@pytest.mark.cause("unit.failed")
def test_whatever_fails_is_found(daemon, folder, bus, systemd, hook):
    for name in ("etcd", "cups", "slow"):
        systemd.set(f"{name}.service", **RUNNING)
    d = daemon(f"""
checks:
  units: {{type: systemd, failed: true, bus: "{bus.address}", interval: 1h, timeout: 5s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("units", "up")
    assert d.check("units")["metrics"]["count"] == 0
    lab.wait_for("the daemon to listen", lambda: systemd.counts()["Subscribe"] > 0)
    systemd.set("cron.service", **{**RUNNING, "ActiveState": "failed", "SubState": "failed",
                                   "Result": "signal", "ExecMainCode": KILLED, "ExecMainStatus": 9})
    opened = hook.wait("incident.opened", "units[cron.service]")["data"]["incident"]
    assert opened["cause"]["code"] == "unit.failed"
    lab.SEEN_CAUSES.add(opened["cause"]["code"])
    systemd.set("cron.service", **RUNNING)
    hook.wait("incident.resolved", "units[cron.service]")
    d.stop()
