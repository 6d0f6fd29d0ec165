"""Every example of the reference is run as it is written: the command line understands it."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import lab

# They would write here, wait for a person, or need what is not here.
SKIP = ("triage init", "triage import", "triage dashboard", "sudo ", "source ", "triage completion zsh",
        "triage completion fish", "triage probe https://example.com", "triage demo")
WRONG = re.compile(r"unknown option|unknown verb|does not belong|usage:|needs a value|takes no value|"
                   r"takes one of|did you mean|column \d+:|command not found")


def examples():
    with open(lab.TOP / "docs/cli-reference.md") as f:
        blocks = re.findall(r"```sh\n(.*?)```", f.read(), re.S)
    lines = [line for block in blocks for line in block.strip().split("\n")]
    return [line for line in lines if not line.startswith(SKIP)]


@pytest.fixture
def up(daemon, web, hook):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 200ms, retries: 1}}
  gone: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 200ms, retries: 1}}
  disks: {{type: disk, all: true, interval: 500ms}}
receivers:
  ops: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("gone", "down")
    d.wait_state("disks[/]", "up")
    return d


def look_at_watch(line, environment, folder):
    """It shows something and goes on, until it is told to stop."""
    shown = Path(folder, "shown")
    with shown.open("w") as out:
        run = subprocess.Popen(["bash", "-c", f"exec {line}"], env=environment, cwd=folder, text=True,
                               stdout=out, stderr=subprocess.PIPE)
    lab.wait_for("its first picture", lambda: shown.read_text() or run.poll() is not None)
    goes_on = run.poll() is None
    run.terminate()
    _, said = run.communicate(timeout=60)
    assert shown.read_text() and goes_on and not WRONG.search(said), (line, said)


def test_examples(up, folder):
    incident = lab.wait_for("the incident", up.incidents)[0]["id"]
    made = lab.triage("silence", "x", "--for", "1h", "--json", env={"RUNTIME_DIRECTORY": str(folder)})
    silence = re.search(r'"id": "(\w+)"', made.stdout).group(1)
    with open(f"{folder}/new-rules.yaml", "w") as f:
        f.write("rules:\n  slow: { check: api, warning: api.total_time > 2s }\n")
    environment = {**os.environ, "PATH": f"{lab.BUILD}:{os.environ['PATH']}", "HOME": folder, "TERM": "dumb",
                   "RUNTIME_DIRECTORY": folder, "TRIAGED_CONFIG": str(up.config),
                   "SQL_DSN": "postgresql://u:p@127.0.0.1:1/db"}
    lines = examples()
    assert len(lines) > 30, lines
    for line in lines:
        line = line.replace("3f9c", incident[:8]).replace("12a82fa8", silence)
        line = line.replace("/etc/triaged/triaged.yaml", str(up.config))
        if "--watch" in line:
            look_at_watch(line, environment, folder)
            continue
        run = subprocess.run(["timeout", "20", "bash", "-o", "pipefail", "-c", line],
                             env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
        assert not WRONG.search(run.stderr), (line, run.stderr)
        assert run.stdout or ">" in line or "--undo" in line, (line, run)
        assert run.returncode in (0, 1, 2, 3), (line, run)
