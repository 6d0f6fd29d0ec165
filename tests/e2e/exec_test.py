"""Commands as checks: the real monitoring plugins, and scripts that behave badly."""
import os
import signal
import uuid
from pathlib import Path

import pytest

import lab

PLUGINS = Path("/usr/lib/nagios/plugins")

needs_plugins = pytest.mark.skipif(not (PLUGINS / "check_dummy").exists(),
                                   reason="needs monitoring-plugins-basic")


def run(folder, *command, more="", **kwargs):
    words = ", ".join("'" + str(w).replace("'", "''") + "'" for w in command)
    return lab.probe_check(folder, f"{{type: exec, command: [{words}]{more}}}", **kwargs)


def sh(folder, script, more="", **kwargs):
    return run(folder, "/bin/sh", "-c", script, more=more, **kwargs)


@needs_plugins
@pytest.mark.cause("exec.warning", "exec.critical", "exec.unknown")
def test_the_four_codes_of_a_plugin(folder):
    good = run(folder, PLUGINS / "check_dummy", 0, "all is well")
    assert good["outcome"] == "ok" and good["text"] == "OK: all is well"
    assert good["values"]["exit_code"] == 0 and good["exit"] == 0
    lab.read_cause(run(folder, PLUGINS / "check_dummy", 1, "look"), "exec.warning")
    bad = lab.read_cause(run(folder, PLUGINS / "check_dummy", 2, "broken"), "exec.critical")
    assert bad["text"] == "CRITICAL: broken"
    lab.read_cause(run(folder, PLUGINS / "check_dummy", 3, "hm"), "exec.unknown", "error")


@needs_plugins
def test_numbers_of_real_plugins(folder):
    load = run(folder, PLUGINS / "check_load", "-w", "1000,1000,1000", "-c", "2000,2000,2000")
    assert load["outcome"] == "ok", load
    assert {"load1", "load5", "load15"} <= set(load["values"]), load
    facts = {f["name"]: f["text"] for f in load["facts"]}
    assert "load1" in facts["limits"] and "outside 0..1000" in facts["limits"]
    disk = run(folder, PLUGINS / "check_disk", "-w", "1", "-c", "1", "-p", "/")
    assert disk["outcome"] == "ok", disk
    assert disk["values"]["root"] > 2 ** 20  # megabytes as bytes


@needs_plugins
def test_a_plugin_that_looks_at_a_server(folder, web):
    tcp = run(folder, PLUGINS / "check_tcp", "-H", "127.0.0.1", "-p", web.port,
              more=", perfdata: {time: seconds}")
    assert tcp["outcome"] == "ok" and 0 <= tcp["values"]["time"] < 10, tcp
    web.stop()
    tcp = run(folder, PLUGINS / "check_tcp", "-H", "127.0.0.1", "-p", web.port)
    assert tcp["cause"] == "exec.critical" and "refused" in tcp["text"], tcp


@pytest.mark.cause("exec.crashed")
def test_it_dies(folder):
    died = lab.read_cause(sh(folder, "echo on my way; kill -ABRT $$"), "exec.crashed")
    assert died["text"] == "killed by SIGABRT: on my way"
    assert lab.read_cause(sh(folder, "exit 42"), "exec.crashed")["text"] == "exit 42"


@pytest.mark.cause("exec.no-command")
def test_there_is_no_such_command(folder):
    none = lab.read_cause(run(folder, "/no/such/plugin"), "exec.no-command", "error")
    assert "No such file" in none["text"]
    script = Path(folder) / "plugin"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    lab.read_cause(run(folder, script), "exec.no-command", "error")
    script.chmod(0o644)
    denied = lab.read_cause(run(folder, script), "exec.no-command", "error")
    assert "Permission denied" in denied["text"]


def long_nap():
    """An argument for `sleep` that no other process has."""
    return f"{9000 + uuid.uuid4().int % 10 ** 9 / 10 ** 9:.9f}"


def living(marker):
    """Processes with these words in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


@pytest.mark.cause("exec.timeout")
def test_it_does_not_end_and_is_ended_with_its_children(folder):
    nap = long_nap()
    late = lab.read_cause(sh(folder, f"echo begun; sleep {nap} & sleep {nap}",
                             more=", timeout: 500ms"), "exec.timeout")
    assert "it said: begun" in late["text"], late
    lab.wait_for("its processes to go", lambda: not living(nap))


def test_deaf_and_endless_commands_in_the_daemon(daemon, folder, web):
    nap = long_nap()
    d = daemon(f"""
checks:
  deaf: {{type: exec, command: [/bin/sh, -c, "trap '' TERM; sleep {nap}; sleep {nap}"],
          timeout: 300ms, interval: 1s, retries: 1}}
  loud: {{type: exec, command: [/bin/sh, -c, "yes | head -c 20000000"], interval: 1s}}
  api: {{type: http, url: "{web.url}", interval: 1s}}
""").start()
    d.wait_state("deaf", "down")
    assert d.check("deaf")["cause"] == "exec.timeout"
    d.wait_state("loud", "up")
    lab.wait_for("the others to go on", lambda: d.check("api")["runs"] >= 4)
    assert d.check("api")["state"] == "up"
    lab.wait_for("processes that did not listen to be few", lambda: len(living(nap)) <= 8)
    d.stop()
    lab.wait_for("none to be left behind", lambda: not living(nap))


def test_a_killed_daemon_takes_its_commands_along(daemon, folder):
    nap = long_nap()
    d = daemon(f"checks:\n  c: {{type: exec, command: [sleep, '{nap}'], interval: 1s}}\n").start()
    lab.wait_for("the command", lambda: living(nap))
    d.process.send_signal(signal.SIGKILL)
    d.process.wait()
    lab.wait_for("it to go", lambda: not living(nap))


def test_rules_over_declared_numbers(daemon, folder, hook):
    script = Path(folder) / "plugin"
    script.write_text("#!/bin/sh\necho \"x | queue=7 age=90000ms\"\n")
    script.chmod(0o755)
    d = daemon(f"""
checks:
  jobs: {{type: exec, command: ["{script}"], interval: 1s, perfdata: {{queue: number, age: seconds}}}}
rules:
  old: {{warning: jobs.age > 1m}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    opened = hook.wait("incident.opened", "jobs")["data"]["incident"]
    assert "age" in str(opened)
    d.stop()


def test_a_rule_over_a_number_nobody_declared(folder):
    config = Path(folder) / "t.yaml"
    config.write_text("checks:\n  jobs: {type: exec, command: [true]}\n"
                      "rules:\n  old: {warning: jobs.age > 1m}\n")
    done = lab.triage("check", "-c", config)
    assert done.returncode != 0 and "age" in done.stdout + done.stderr


def test_a_command_line_is_not_read_by_a_shell(folder):
    config = Path(folder) / "t.yaml"
    config.write_text("checks:\n  c: {type: exec, command: \"check_load -w 5\"}\n")
    done = lab.triage("check", "-c", config)
    assert '["check_load", "-w", "5"]' in done.stdout + done.stderr


def test_secrets_of_the_environment_are_masked(folder):
    shown = sh(folder, "echo the password is $DB_PASSWORD", more=", env: {DB_PASSWORD: hunter2hunter2}")
    assert shown["outcome"] == "ok" and "hunter2" not in str(shown), shown
