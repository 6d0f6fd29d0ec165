"""Completion in real shells: verbs, options, and names that the daemon knows."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

import lab

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def up(daemon, web, hook):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 200ms, retries: 1}}
  api-two: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 1s}}
  disks: {{type: disk, all: true, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("disks[/]", "up")
    return d


def environment(d, folder):
    return {"PATH": f"{lab.BUILD}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb",
            "RUNTIME_DIRECTORY": str(d.folder), "LC_ALL": "C.UTF-8", "COLUMNS": "200",
            "XDG_CONFIG_HOME": f"{folder}/c", "XDG_DATA_HOME": f"{folder}/d"}


def script(shell, folder):
    path = f"{folder}/c.{shell}"
    run = lab.triage("completion", shell)
    assert run.returncode == 0, run
    with open(path, "w") as f:
        f.write(run.stdout)
    return path


def ask_bash(d, folder, line):
    """As readline calls it: words and the one that is being typed."""
    words = re.findall(r"=|[^\s=]+", line) + ([""] if line.endswith((" ", "=")) else [])
    quoted = " ".join("'" + w + "'" for w in words)
    code = (f"source {script('bash', folder)}; COMP_WORDS=({quoted}); "
            f"COMP_CWORD={len(words) - 1}; _triage; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    run = subprocess.run(["bash", "--norc", "-c", code], env=environment(d, folder), cwd=folder,
                         capture_output=True, text=True, timeout=30)
    return set(filter(None, run.stdout.split("\n")))


def ask_fish(d, folder, line):
    run = subprocess.run(
        ["fish", "--no-config", "-c", f'source {script("fish", folder)}; complete -C "{line}"'],
        env=environment(d, folder), cwd=folder, capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run
    return {row.split("\t")[0] for row in filter(None, run.stdout.split("\n"))}


def see_in_zsh(d, folder, line, *wanted):
    """A real line editor on a terminal: what it types or lists after two tabs has all of these."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder,
                             env=environment(d, folder), start_new_session=True)
    os.close(theirs)
    text = ""

    def read_until(*marks):
        nonlocal text
        end = time.monotonic() + 30
        while not all(mark in text for mark in marks) and time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                text += os.read(ours, 65536).decode(errors="replace")
        assert all(mark in text for mark in marks), (marks, text)

    try:
        setup = f"autoload -U compinit; compinit -u -D; LISTMAX=500; setopt no_beep; " \
                f"source {script('zsh', folder)}; PS1='go'ahead\n"
        os.write(ours, setup.encode())
        read_until("goahead")
        text = ""
        os.write(ours, line.encode() + b"\t")
        read_until(line[-1])
        os.write(ours, b"\t")
        read_until(*wanted)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


ASK = {"bash": ask_bash, "fish": ask_fish}


@pytest.mark.parametrize("shell", SHELLS)
def test_is_a_script(shell, folder):
    subprocess.run([shell, "-n", script(shell, folder)], check=True, timeout=30)


@pytest.mark.parametrize("shell", ASK)
def test_verbs_options_and_names(up, folder, shell):
    def ask(line):
        return ASK[shell](up, folder, line)

    assert {"status", "silence", "schema"} <= ask("triage s")
    assert "__complete" not in ask("triage ")
    assert ask("triage incidents --state re") == {"resolved"}
    assert {"--state", "--since", "--json"} <= ask("triage incidents --")
    assert "--sticky" not in ask("triage incidents --")
    assert ask("triage why api") == {"api", "api-two"}
    assert ask("triage -u api.sock why api-") in ({"api-two"}, set())
    assert ask("triage test ") == {"hook"}
    assert ask("triage explain net.refused-b") == {"net.refused-bind"}
    assert "memory" in ask("triage probe --type mem")
    assert ask("triage completion f") == {"fish"}
    assert {"ack", "why"} <= ask("triage help ")
    open(f"{folder}/mine.yaml", "w").close()
    assert "mine.yaml" in ask("triage check mi")
    assert "mine.yaml" in ask("triage -c mi")


@pytest.mark.parametrize("shell", ASK)
def test_incidents_and_silences(up, web, folder, shell):
    web.stop()
    incident = lab.wait_for("the incident", up.incidents)[0]
    assert ASK[shell](up, folder, f"triage ack {incident['id'][:3]}") >= {incident["id"]}
    made = lab.triage("silence", "api", "--for", "1h", "--json", env={"RUNTIME_DIRECTORY": str(up.folder)})
    sid = re.search(r'"id": "(\w+)"', made.stdout).group(1)
    assert sid in ASK[shell](up, folder, "triage silence --undo ")


def test_names_are_quoted_and_never_run(up, folder):
    assert ask_bash(up, folder, "triage why disks[") >= {"disks\\[/\\]"}


@pytest.mark.parametrize("line, wanted", [
    ("triage why api", ["api-two"]),
    ("triage incidents --st", ["--state="]),
    ("triage incidents --state re", ["resolved"]),
    ("triage s", ["silence", "schema", "who is not told"]),
    ("triage explain net.refused-b", ["net.refused-bind"]),
])
def test_zsh(up, folder, line, wanted):
    see_in_zsh(up, folder, line, *wanted)


@pytest.mark.parametrize("shell", ASK)
def test_without_a_daemon_it_is_quick_and_quiet(up, folder, shell):
    up.stop()
    assert ASK[shell](up, folder, "triage why ") == set()
    run = lab.triage("__complete", "check", env={"RUNTIME_DIRECTORY": str(folder), "HOME": str(folder)})
    assert run.stdout == "" and run.returncode == 0, run


def test_the_shells_are_here():
    for shell in SHELLS:
        assert shutil.which(shell), f"{shell} is missing: make deps-test"
