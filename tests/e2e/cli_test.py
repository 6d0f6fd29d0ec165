"""What people type, and what they read."""
import contextlib
import json
import os
import pty
import re
import subprocess

import pytest

import lab


@pytest.fixture
def up(daemon, web):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
  memory: {{type: memory, interval: 1s}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("memory", "up")
    return d


def env(d):
    return {"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80"}


def test_status(up, web):
    run = lab.triage("status", env=env(up))
    assert run.returncode == 0 and "api" in run.stdout and "memory" in run.stdout
    assert all(len(line) <= 80 for line in run.stdout.split("\n")), run.stdout
    assert "\x1b" not in run.stdout
    data = json.loads(lab.triage("status", "--json", env=env(up)).stdout)
    assert isinstance(data, dict)
    web.stop()
    up.wait_state("api", "down")
    lab.wait_for("the incident", up.incidents)
    text = lab.triage("status", env=env(up)).stdout
    assert "api is down" in text and "critical" in text.lower()
    for columns in range(40, 81, 5):  # the command is whole, wherever the line ends
        text = lab.triage("status", env={**env(up), "COLUMNS": str(columns)}).stdout
        assert re.search(r"(^  | · )more: triage show [0-9a-f]{12}$", text, re.M), text


def test_status_says_the_worst_first(daemon, web):
    d = daemon(f"""
checks:
  api: {{ type: http, url: "{web.url}", interval: 200ms, retries: 2 }}
  memory: {{ type: memory, interval: 200ms }}
rules:
  later: {{ check: memory, info: "down(api) and memory.used_percent > 0", summary: less }}
""").start()
    d.wait_state("api", "up")
    web.stop()
    lab.wait_for("both incidents", lambda: len(d.incidents()) == 2)
    text = lab.triage("status", env=env(d)).stdout
    assert 0 < text.find("\ncritical") < text.find("\ninfo"), text


def test_incidents_and_show(up, web):
    web.stop()
    found = lab.wait_for("the incident", up.incidents)
    run = lab.triage("incidents", env=env(up))
    assert found[0]["id"][:6] in run.stdout
    run = lab.triage("show", found[0]["id"], env=env(up))
    assert run.returncode == 0 and "net.refused" in run.stdout
    assert json.loads(lab.triage("show", found[0]["id"], "--json", env=env(up)).stdout)
    assert lab.triage("show", "ffffffffffff", env=env(up)).returncode != 0


def test_probe_without_a_daemon(web):
    run = lab.triage("probe", web.url)
    assert run.returncode == 0 and "total" in run.stdout
    assert "PHASE" in run.stdout and "timing:" not in run.stdout
    web.stop()
    run = lab.triage("probe", web.url)
    assert run.returncode == 2 and "net.refused" in run.stdout
    assert lab.triage("probe", "nonsense://x").returncode == 3


def test_health(up):
    assert lab.triage("health", env=env(up)).returncode == 0
    up.stop()
    assert lab.triage("health", env={**env(up), "TRIAGE_URL": ""}).returncode == 1


def test_not_running_says_how_to_start(folder):
    run = lab.triage("status", "--url", f"unix:{folder}/none.sock")
    assert run.returncode != 0 and "none.sock" in run.stderr
    run = lab.triage("status", env={"RUNTIME_DIRECTORY": folder, "HOME": folder})
    assert run.returncode != 0 and "not running" in run.stderr and "triaged -c" in run.stderr


def test_unknown_verb_suggests():
    run = lab.triage("statsu")
    assert run.returncode == 2 and re.search(r'did you mean "?status', run.stderr)


def test_unknown_option_suggests_what_the_verb_takes():
    run = lab.triage("status", "--watsh")
    assert run.returncode == 2 and "did you mean --watch?" in run.stderr, run.stderr
    run = lab.triage("status", "--foo")  # --for is that of other verbs
    assert run.returncode == 2 and "did you mean" not in run.stderr, run.stderr


def test_run_now(up):
    before = up.check("memory")["runs"]
    assert lab.triage("run", "memory", env=env(up)).returncode == 0
    lab.wait_for("the run", lambda: up.check("memory")["runs"] > before)


def test_nothing_is_wider_than_the_terminal(daemon, web):
    """The longest name that is allowed, in every table and text."""
    name = "a" * 64
    d = daemon(f"""
checks:
  {name}: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 1s, retries: 1, group: {name}}}
  api: {{type: http, url: "{web.url}", interval: 1s}}
""").start()
    d.wait_state(name, "down")
    incident = lab.wait_for("the incident", d.incidents)[0]
    for words in (["status"], ["checks"], ["incidents"], ["why", name], ["probe", name],
                  ["run", "api"], ["silence"], ["help"], ["help", "status"],
                  ["help", "test"], ["receivers"], ["test"]):
        run = lab.triage(*words, env=env(d))
        assert run.stdout, run
        assert all(len(line) <= 80 for line in run.stdout.split("\n")), (words, run.stdout)
    # `show` is a record for a file, unless a terminal reads it.
    shown = on_terminal(d, "show", incident["id"])
    assert "Cause" in shown and "## " not in shown, shown
    assert all(len(line) <= 80 for line in shown.split("\n")), shown


def on_terminal(d, *words):
    """What the command says to a terminal, without its colours."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen([lab.BUILD / "triage", "--no-color", *words], stdout=theirs,
                           env={**os.environ, **env(d)})
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # a terminal that is hung up ends so
        while chunk := os.read(ours, 65536):
            text += chunk
    os.close(ours)
    assert run.wait(timeout=lab.LIMIT) == 0
    return text.decode().replace("\r\n", "\n")


def test_an_answer_that_cannot_be_written_is_no_success(up):
    for words in (["status"], ["checks", "--json"], ["schema"], ["help"]):
        with open("/dev/full", "w") as full:
            run = subprocess.run([lab.BUILD / "triage", *words], stdout=full, text=True,
                                 stderr=subprocess.PIPE, timeout=lab.LIMIT,
                                 env={**os.environ, **env(up)})
        assert run.returncode == 1 and "cannot write" in run.stderr, (words, run)


def test_a_reader_that_leaves_early_hears_no_complaint(up):
    run = subprocess.run(f"{lab.BUILD}/triage schema | head -1", shell=True, text=True,
                         capture_output=True, timeout=lab.LIMIT)
    assert run.stdout == "{\n" and run.stderr == ""


def test_a_test_message(daemon, hook):
    d = daemon(f"""
checks:
  memory: {{type: memory}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
routes: [{{to: hook}}]
""").start()
    run = lab.triage("test", "hook", env=env(d))
    assert run.returncode == 0 and run.stdout.splitlines()[-1].startswith("ok  hook: "), run
    assert len(hook.events("test")) == 1
    sent, _, answered = run.stdout.partition("\nanswered\n")
    assert sent.startswith("sent\n  POST http://127.0.0.1:") and '"type":"test"' in sent, run.stdout
    assert "HTTP status 200" in answered
    assert all(len(line) <= 80 for line in run.stdout.split("\n")), run.stdout
    assert lab.SECRET_TEXT not in run.stdout and "/hook" not in run.stdout
    hook.answer = (400, {}, b"no\x1b[2J such \xe2\x80\xaechannel")
    run = lab.triage("test", "hook", env=env(d))
    assert run.returncode == 1 and "no.[2J such" in run.stdout and "\x1b" not in run.stdout
    run = lab.triage("test", "hook", "--json", env=env(d))
    answer = json.loads(run.stdout)
    assert run.returncode == 1 and answer["ok"] is False and "400" in answer["text"], run
    assert answer["transcript"].startswith("> POST ") and "\n< HTTP status 400" in answer["transcript"]
    run = lab.triage("test", "hok", env=env(d))
    assert run.returncode == 1 and 'did you mean "hook"?' in run.stderr, run
    run = lab.triage("test", "nobody", env=env(d))
    assert run.returncode == 1 and "nobody" in run.stderr and "there are: hook" in run.stderr
    assert d.api.request("POST", "/api/v1/receivers/nobody/test")[0] == 404
    assert d.api.request("GET", "/api/v1/receivers/hook/test")[0] == 405


def test_a_test_message_to_each(daemon, hook, folder):
    dead = lab.free_port()
    d = daemon(f"""
checks:
  memory: {{type: memory}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
  dead: {{type: webhook, url: "http://127.0.0.1:{dead}/x"}}
  kept: {{type: webhook, url: "http://127.0.0.1:{dead}/x", enabled: false}}
routes: [{{to: [hook, dead, kept]}}]
""").start()
    listed = lab.triage("test", env=env(d))
    assert listed.returncode == 0 and "RECEIVER" in listed.stdout and "--all" in listed.stdout
    assert all(len(line) <= 80 for line in listed.stdout.split("\n")), listed.stdout
    run = lab.triage("test", "--all", env=env(d))
    lines = run.stdout.splitlines()
    assert run.returncode == 1, run
    assert any(x.startswith("ok  hook: ") for x in lines), run.stdout
    assert "\nfailed\n  dead: http" in run.stdout, run.stdout
    assert lines[0] == "--- hook (webhook)" and lines[-1] == "1 of 2 took it: failed: dead", run.stdout
    assert "(an alert would be tried again)" in " ".join(run.stdout.split()), run.stdout
    assert len(hook.events("test")) == 1
    answer = json.loads(lab.triage("test", "--all", "--json", env=env(d)).stdout)
    assert answer["ok"] is False and [t["receiver"] for t in answer["tests"]] == ["hook", "dead"]
    assert lab.triage("test", "hook", "--all", env=env(d)).returncode == 2
    run = lab.triage("test", "kept", env=env(d))
    assert run.returncode == 1 and "switched off" in run.stderr, run
    d.stop()
    run = lab.triage("test", "hook", env=env(d))
    assert run.returncode == 1 and "triage:" in run.stderr, run


def test_show_has_what_belongs_to_it(daemon):
    d = daemon("""
checks:
  memory: {type: memory, interval: 1s, labels: {team: core}}
rules:
  there: {check: memory, warning: up(memory), runbook_url: "https://wiki.example/memory"}
""").start()
    incident = lab.wait_for("the incident", d.incidents)[0]
    text = lab.triage("show", incident["id"], env=env(d)).stdout
    assert "team=core" in text and "https://wiki.example/memory" in text, text
    assert True in incident["values"].values() and "= true\n" in text, (incident, text)


def test_a_broken_file_is_for_the_daemon_to_judge(up):
    up.config.write_text("checks: [")
    run = lab.triage("status", "-c", up.config, env=env(up))
    assert run.returncode == 0 and "memory" in run.stdout, run
    assert run.stderr.startswith("triage: warning: ") and run.stderr.count("\n") == 1, run
    for words in (["reload"], ["reload", "--json"]):
        run = lab.triage(*words, "-c", up.config, env=env(up))
        assert run.returncode == 2 and str(up.config) in run.stdout + run.stderr, run


def test_a_relative_socket(up):
    run = subprocess.run([lab.BUILD.resolve() / "triage", "-u", "./api.sock", "health"],
                         cwd=up.folder, capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 0, run


def test_writing_over_tcp_says_what_is_missing(daemon, folder):
    port = lab.free_port()
    d = daemon(f"""
checks:
  memory: {{type: memory}}
""")
    d.config.write_text(d.config.read_text().replace("listen: off", f'listen: "127.0.0.1:{port}"'))
    d.start()
    run = lab.triage("reload", "-u", f"127.0.0.1:{port}", env={"HOME": folder})
    assert run.returncode == 1 and "-t FILE" in run.stderr and "-c FILE" in run.stderr and "-u SOCKET" in run.stderr, run
    run = lab.triage("reload", "-u", f"127.0.0.1:{port}", "-t", d.state / "token")
    assert run.returncode == 0, run
    run = lab.triage("reload", "-u", f"127.0.0.1:{port}", "-t", f"{folder}/none")
    assert run.returncode == 2 and f"{folder}/none: No such file" in run.stderr, run


@pytest.mark.parametrize("words, message", [
    (["status", "--jsn"], "triage: unknown option --jsn, did you mean --json?"),
    (["status", "--xyzzy=3"], "triage: unknown option --xyzzy;"),
    (["status", "-x"], "triage: unknown option -x;"),
    (["status", "--url"], "triage: --url needs a value"),
    (["status", "-u"], "triage: -u needs a value"),
    (["status", "--json=yes"], "triage: --json takes no value"),
])
def test_bad_options(words, message):
    run = lab.triage(*words)
    assert run.returncode == 2 and run.stderr.startswith(message), run


def test_settings_that_nobody_named(folder):
    """Whoever types `triage check` beside a triaged.yaml means that one."""
    nowhere = {"TRIAGED_CONFIG": f"{folder}/none.yaml", "PATH": os.environ["PATH"]}
    for words, said in (("triage", "check"), "triage check "), (("triaged",), "triaged -c "):
        def run():
            return subprocess.run([lab.BUILD / words[0], *words[1:]], cwd=folder, env=nowhere, text=True,
                                  capture_output=True, timeout=lab.LIMIT)
        found = run()
        assert found.returncode == 2 and f"`{said}FILE`" in found.stderr, found
        with open(f"{folder}/triaged.yaml", "w") as f:
            f.write("checks: { memory: { type: memory } }\n")
        found = run()
        assert found.returncode == 2 and f"`{said}triaged.yaml`" in found.stderr, found
        os.unlink(f"{folder}/triaged.yaml")


def test_bad_values_are_wrong_usage(up):
    for words in (["--state", "bogus"], ["--since", "yesterday"]):
        run = lab.triage("incidents", *words, env=env(up))
        assert run.returncode == 2 and words[0][2:] in run.stderr, run


@pytest.mark.parametrize("name, message", [
    ("127.0.0.1:18300", "did you mean tcp://127.0.0.1:18300?"),
    ("[::1]:80", "did you mean tcp://[::1]:80?"),
    ("example.com/health", "did you mean http://example.com/health?"),
    ("ftp://example.com/", "http://, https://"),
])
def test_probe_of_what_is_no_check(up, name, message):
    nowhere = {"TRIAGE_URL": f"unix:{up.folder}/none.sock"}
    for run in (lab.triage("probe", name, env=env(up)), lab.triage("probe", name, env=nowhere),
                lab.triage("probe", name, "-c", up.config)):
        assert run.returncode == 3 and message in run.stderr, run


def test_probe_of_a_bad_url_is_told_in_one_sentence():
    run = lab.triage("probe", "http://")
    assert run.returncode == 3 and run.stderr.startswith("triage: ") and run.stderr.count("\n") == 1
    assert "command line" not in run.stderr and "error:" not in run.stderr


def test_probe_of_paths_and_names(folder):
    """What the documentation says may be typed, as a path alone and with --type."""
    log = os.path.join(folder, "app.log")
    with open(log, "w", encoding="utf-8") as out:
        out.write("a line\n")
    for words, kind in (([log], "file"), ([folder], "disk"), (["--type", "log", log], "log"),
                        (["--type", "process", "no-such-name"], "process"),
                        (["--type", "exec", "/bin/true"], "exec"), (["--type", "memory"], "memory"),
                        (["--type", "systemd", "nginx"], "systemd"),
                        (["--type", "container", "nobody"], "container")):
        run = lab.triage("probe", "--json", *map(str, words))
        assert json.loads(run.stdout)["type"] == kind, run.stderr
    run = lab.triage("probe", "--type", "memory", "x")
    assert run.returncode == 3 and "needs no target" in run.stderr
    assert lab.triage("probe").returncode == 2


def test_status_counts_what_cannot_tell(daemon):
    d = daemon("""
checks:
  e: {type: exec, command: [/bin/sh, -c, "exit 3"], interval: 1s}
""").start()
    lab.wait_for("a run", lambda: d.check("e")["last"])
    text = lab.triage("status", env=env(d)).stdout
    assert text.startswith("1 check: 1 cannot tell"), text


def test_probe_of_a_child(daemon):
    d = daemon("checks:\n  disks: {type: disk, all: true}\n  memory: {type: memory}\n")
    run = lab.triage("probe", "disks[/]", "-c", d.config)
    assert "disks[/]" in run.stdout and "used_percent" in run.stdout, run
    for name in ("memory[/]", "disk[/]", "disks[", "disks[]"):
        run = lab.triage("probe", name, "-c", d.config)
        assert run.returncode == 3 and f'no check is called "{name}"' in run.stderr, run
