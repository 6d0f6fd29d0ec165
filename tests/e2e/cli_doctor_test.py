"""`triage doctor`: what it finds is there, what it could not look at is said, and unknown is not fine."""
import json
import os
import socket

import pytest

import lab

CONFIG = """
checks:
  api: {{type: tcp, address: "127.0.0.1:{port}", interval: 500ms, timeout: 400ms}}
receivers:
  hook: {{type: webhook, url: "{url}", secret: "{secret}"}}
"""


def env(d):
    return {"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80"}


def look(d, *words, config=True):
    args = ["doctor", "--json", *words] + (["-c", d.config] if config else [])
    run = lab.triage(*args, env=env(d))
    doc = json.loads(run.stdout)
    found = {}
    for one in doc["findings"]:
        assert one["finding"] in ("ok", "unknown", "hint", "warning", "problem"), one
        assert one["finding"] not in ("warning", "problem") or one["text"], one
        found.setdefault(one["name"], []).append(one)
    bad = [f for f in doc["findings"] if f["finding"] in ("warning", "problem")]
    assert doc["ok"] == (not bad) == (run.returncode == 0), (doc, run)
    return found


def worst(found, name):
    order = ("ok", "unknown", "hint", "warning", "problem")
    return max((f["finding"] for f in found[name]), key=order.index)


@pytest.fixture
def up(daemon, hook, web):
    d = daemon(CONFIG.format(port=web.port, secret=lab.SECRET_TEXT, url=hook.url)).start()
    d.wait_state("api", "up")
    return d


def test_each_row_has_its_say(up):
    os.chmod(up.config, 0o600)
    found = look(up)
    rows = [line.split('"')[1] for line in open(lab.TOP / "daemon/cli/doctor.def")
            if line.startswith("DOCTOR(")]
    assert list(dict.fromkeys(found)) == rows
    for name in ("config", "config-in-force", "config-secrets", "routes", "timing", "daemon",
                 "store", "checks", "outbox"):
        assert worst(found, name) == "ok", found[name]
    assert worst(found, "heartbeat") == "hint"
    assert "never told" in found["receivers"][0]["text"]
    text = lab.triage("doctor", "-c", up.config, env=env(up)).stdout
    assert all(len(line) <= 80 for line in text.split("\n")), text


def test_sends_when_asked(up, hook):
    found = look(up, "--send")
    assert worst(found, "receivers") == "ok", found["receivers"]
    assert hook.events("test")


def test_a_dead_receiver(daemon, web):
    d = daemon(CONFIG.format(port=web.port, secret=lab.SECRET_TEXT, url=f"http://127.0.0.1:{lab.free_port()}/x")).start()
    d.wait_state("api", "up")
    found = look(d)
    assert worst(found, "receivers") == "problem"
    assert "cannot be reached" in found["receivers"][0]["text"], found["receivers"]


def test_nobody_is_told(daemon, web):
    """No receiver is written: this host's syslog is none that somebody carries in a pocket."""
    d = daemon(f'checks: {{api: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 500ms}}}}').start()
    d.wait_state("api", "up")
    found = look(d)
    assert worst(found, "routes") == "hint" and "nobody is told" in found["routes"][0]["text"], found["routes"]
    assert found["config"][0]["text"].endswith(": 1 check, no receiver"), found["config"]
    assert "1 check, no receiver: only this host's syslog is told" in lab.triage("check", d.config).stdout


def test_receivers_of_other_kinds(daemon, web, hook, folder):
    closed = lab.free_port()
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(f"{folder}/log")
    d = daemon(f"""
checks:
  api: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 500ms, timeout: 400ms}}
receivers:
  mail: {{type: email, server: "smtp://127.0.0.1:{closed}", starttls: off, from: a@example.com, to: b@example.com}}
  logs: {{type: syslog, server: "tcp://127.0.0.1:{web.port}"}}
  near: {{type: syslog, socket: "{folder}/log"}}
  gone: {{type: syslog, socket: "{folder}/none"}}
  two: {{type: alertmanager, url: ["{hook.url}", "http://127.0.0.1:{closed}/"]}}
  run: {{type: exec, command: [/bin/true]}}
""").start()
    d.wait_state("api", "up")
    found = {f["text"].split(":")[0]: f for f in look(d)["receivers"]}
    assert found["mail"]["finding"] == "problem" and "cannot be reached" in found["mail"]["text"], found
    assert found["two"]["finding"] == "problem", found
    assert found["near"]["finding"] == "hint" and "takes connections" in found["near"]["text"], found
    assert found["gone"]["finding"] == "problem" and "there is no such file" in found["gone"]["text"], found
    heard.close()
    assert found["logs"]["finding"] == "hint" and "takes connections" in found["logs"]["text"], found
    assert found["run"]["finding"] == "hint" and "only a message" in found["run"]["text"], found


def test_secrets_that_everybody_can_read(up):
    os.chmod(up.config, 0o644)
    found = look(up)
    assert worst(found, "config-secrets") == "warning", found["config-secrets"]
    assert lab.SECRET_TEXT not in json.dumps(found)
    up.config.write_text(up.config.read_text().replace(f', secret: "{lab.SECRET_TEXT}"', ""))
    assert worst(look(up), "config-secrets") == "ok"


def test_the_file_is_not_what_is_in_force(up):
    good = up.config.read_text()
    up.config.write_text(good + "  log: {type: syslog}\n")
    assert worst(look(up), "config-in-force") == "warning"
    up.config.write_text(good.replace("interval: 500ms", "interval: 200ms"))
    assert worst(look(up), "timing") == "ok"
    up.config.write_text(good.replace("interval: 500ms", "interval: 199ms"))
    found = look(up)
    assert worst(found, "timing") == "hint" and "api" in found["timing"][0]["text"]
    up.config.write_text(good + "nonsense: 3\n")
    found = look(up)
    assert worst(found, "config") == "problem" and worst(found, "config-in-force") == "problem"


def test_a_state_folder_that_the_unit_gives(daemon, folder):
    """It is the daemon's default that counts, and not the one of whoever asks."""
    os.mkdir(f"{folder}/state", 0o700)
    d = daemon(env={"STATE_DIRECTORY": f"{folder}/state"})
    d.write("daemon: {name: lab}\napi: {listen: off}\nchecks: {m: {type: memory}}\n", head=False)
    d.start()
    assert worst(look(d), "config-in-force") == "ok", look(d)["config-in-force"]


def test_a_variable_that_the_daemon_alone_has(daemon):
    d = daemon("checks: {m: {type: memory, description: \"${TRI_ONLY}\"}}\n", env={"TRI_ONLY": "x"}).start()
    found = look(d)
    assert worst(found, "config") == "problem"
    assert "${VARIABLES} that the daemon has" in found["config-in-force"][0]["text"], found
    assert "broken" not in found["config-in-force"][0]["text"]


def test_without_a_daemon(up):
    up.stop()
    found = look(up)
    assert worst(found, "daemon") == "problem" and "not running" in found["daemon"][0]["text"]
    assert worst(found, "config") == "ok"
    for name in ("clock", "user", "store", "receivers"):
        assert found[name][0]["finding"] == "unknown", found[name]
        assert "does not answer" in found[name][0]["text"]


def test_a_token_that_others_can_read(daemon, web, hook):
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}}}\napi: {{listen: 127.0.0.1:{lab.free_port()}}}\n"
            + CONFIG.format(port=web.port, secret=lab.SECRET_TEXT, url=hook.url), head=False)
    d.start()
    d.wait_state("api", "up")
    assert worst(look(d), "token") == "ok"
    os.chmod(d.state / "token", 0o644)
    assert worst(look(d), "token") == "problem"
