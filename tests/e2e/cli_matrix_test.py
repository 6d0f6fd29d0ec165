"""Every verb in every surrounding: for programs, in narrow and wide terminals, with and without colours,
without a daemon, without the right to ask, watched."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

import lab

# Verbs that answer without a daemon.
ALONE = {"check", "schema", "explain", "init", "import", "completion", "doctor", "probe", "help", "version"}
NOT_JSON = {"completion", "help", "version"}


def verbs():
    run = lab.triage("__complete", "verb")
    return [line.split("\t")[0] for line in run.stdout.splitlines()]


VERBS = [v for v in verbs() if v not in ("help", "version")]


@pytest.fixture
def up(daemon, web, hook):
    long = "a" * 40
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 200ms, retries: 1, needs: [{long}]}}
  {long}: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 1s, retries: 1}}
  gone: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 200ms, retries: 1}}
  memory: {{type: memory, interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
    d.wait_state("api", "up")
    d.wait_state("gone", "down")
    d.id = lab.wait_for("the incident", d.incidents)[0]["id"]
    return d


def words_of(d, verb):
    """A use of the verb that works; None: not known here, so only its help is looked at."""
    rows = {
        "status": [], "checks": [], "incidents": ["--state", "all"], "show": [d.id], "silence": [],
        "ack": [d.id, "--for", "1h"], "why": ["gone"], "explain": ["net.refused"], "probe": ["api"],
        "run": ["api"], "rule": ["api.total_time"], "receivers": [], "test": ["hook"],
        "check": [d.config], "schema": [], "reload": [], "backup": [], "health": [], "doctor": [],
        "completion": ["bash"],
    }
    return rows.get(verb)


def env(d, **more):
    return {"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80", "TZ": "UTC", **more}


def width(line):
    return sum(2 if ord(c) >= 0x2e80 else 1 for c in line)


def test_for_programs(up):
    for verb in VERBS:
        words = words_of(up, verb)
        if words is None or verb in NOT_JSON:
            continue
        run = lab.triage(verb, *words, "--json", env=env(up))
        assert run.returncode == (1 if verb == "doctor" and '"ok": false' in run.stdout else 0), (verb, run)
        assert isinstance(json.loads(run.stdout), (dict, list)), verb
        assert "\x1b" not in run.stdout


@pytest.mark.parametrize("columns", [40, 80, pytest.param(200, marks=pytest.mark.slow)])
def test_fits(up, columns):
    # What programs read (a record, a schema, a script) is as long as it is, and so is a command to copy.
    remedies = [step for row in up.incidents() for step in up.api.get(f"/api/v1/incidents/{row['id']}")["remedy"]]
    commands = {step.get("command") for step in remedies}
    for verb in VERBS:
        words = words_of(up, verb)
        if words is None or verb in ("schema", "completion", "show"):
            continue
        for line in (verb, *words), (verb, "--help"):
            run = lab.triage(*line, env=env(up, COLUMNS=str(columns)))
            assert run.stdout, run
            if verb == "check" and line[1] != "--help":
                continue  # a path is what it is
            wide = [row for row in run.stdout.split("\n") if width(row) > columns and row.strip() not in commands]
            assert not wide or columns == 40 and "--help" in line, (line, wide)


def on_terminal(d, *words, steps=(), seconds=30, **more):
    """What a terminal is sent, and how the command ended.  Each step is (text, action): once the text is
    seen behind what the step before saw, action(fd) is called."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(theirs)
    environment = {**os.environ, "TERM": "xterm", **env(d, **more)}
    del environment["COLUMNS"]
    run = subprocess.Popen([lab.BUILD / "triage", *map(str, words)], stdin=theirs, stdout=theirs,
                           stderr=theirs, env=environment, start_new_session=True,
                           preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    text, seen, steps, end = "", 0, list(steps), time.monotonic() + seconds
    try:
        while True:
            if select.select([ours], [], [], 0.1)[0]:
                text += os.read(ours, 65536).decode(errors="replace")
            elif run.poll() is not None:
                break
            if steps and steps[0][0] in text[seen:]:
                seen = len(text)
                steps.pop(0)[1](ours)
            assert time.monotonic() < end, f"it does not end, or says not {steps[:1]}: {text}"
        assert not steps, (steps, text)
        assert termios.tcgetattr(theirs)[3] == before[3], "the terminal's echo is not as it was"
    finally:
        if run.poll() is None:
            run.kill()
        run.wait()
        os.close(ours)
        os.close(theirs)
    return text, run.returncode


def leave(fd):
    os.write(fd, b"q")


def test_colours_only_where_they_belong(up):
    for verb in ("status", "checks", "incidents", "show", "why", "receivers", "doctor", "help"):
        words = words_of(up, verb) or []
        assert "\x1b[" in on_terminal(up, verb, *words)[0], verb
        assert "\x1b" not in on_terminal(up, verb, *words, NO_COLOR="1")[0], verb
        assert "\x1b" not in on_terminal(up, verb, *words, "--no-color")[0], verb
        if verb != "help":
            assert "\x1b" not in on_terminal(up, verb, *words, "--json")[0], verb
    assert "\x1b" not in lab.triage("status", env=env(up)).stdout


def test_without_a_daemon(up, folder):
    up.stop()
    for verb in VERBS:
        words = words_of(up, verb)
        if words is None or verb in ALONE:
            continue
        start = time.monotonic()
        run = lab.triage(verb, *words, "-u", f"unix:{folder}/none.sock", env=env(up))
        assert run.returncode == 1, (verb, run)
        assert "nobody answers at" in run.stderr and "triaged" in run.stderr, (verb, run)
        assert not run.stdout or "false" in run.stdout, (verb, run)
        assert time.monotonic() - start < 10, verb
    run = lab.triage("status", env={"RUNTIME_DIRECTORY": folder, "HOME": folder, "TRIAGE_URL": ""})
    assert "looked at" in run.stderr or "nobody answers" in run.stderr, run


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
def test_without_the_right_to_ask(up, folder):
    os.chmod(folder, 0o755)
    program = shutil.copy(lab.BUILD / "triage", f"{folder}/triage")
    for verb in VERBS:
        words = words_of(up, verb)
        if words is None or verb in ALONE:
            continue
        run = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, verb, *words,
             "-u", f"unix:{folder}/api.sock"], env={**os.environ, **env(up), "USER": "ann"}, cwd="/",
            capture_output=True, text=True, timeout=60)
        assert run.returncode == 1, (verb, run)
        assert "permission denied" in run.stderr and "usermod -aG triaged ann" in run.stderr, (verb, run)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
def test_a_write_without_the_right_where_tcp_answers(daemon, folder):
    """The socket is what they lack, not a token; a token that is wrong is called so."""
    port = lab.free_port()
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}}}\napi: {{listen: \"127.0.0.1:{port}\"}}\n"
            "checks: {m: {type: memory}}\n", head=False)
    d.start()
    os.chmod(folder, 0o755)
    program = shutil.copy(lab.BUILD / "triage", f"{folder}/triage")
    Path(folder, "wrong").write_text("wrong\n")
    asks = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "-c", d.config]
    own = {**os.environ, **env(d), "USER": "ann"}
    for words in (["silence", "m", "--for", "1m"], ["reload"], ["run", "m"], ["backup"]):
        run = subprocess.run([*asks, *words], env=own, cwd="/", capture_output=True, text=True, timeout=60)
        assert run.returncode == 1, (words, run)
        assert "permission denied" in run.stderr and "usermod -aG triaged ann" in run.stderr, (words, run)
    os.mkdir(f"{folder}/closed", 0o700)
    run = subprocess.run([*asks[:-2], "run", "m"], env={**own, "STATE_DIRECTORY": f"{folder}/closed"},
                         cwd="/", capture_output=True, text=True, timeout=60)
    assert f"triage: {folder}/api.sock: permission denied" in run.stderr, run  # not the folder's, which comes later
    run = subprocess.run([*asks, "run", "m", "-t", f"{folder}/wrong"], env=own, cwd="/",
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and "this is not the token" in run.stderr, run


def test_usage_errors_say_what_is_right(up):
    for words, wanted in (
            (["statsu"], 'did you mean "status"?'),
            (["status", "--wach"], "did you mean --watch?"),
            (["checks", "--sticky"], "does not belong to it, but to: ack"),
            (["incidents", "--state", "resolvd"], 'did you mean "resolved"?'),
            (["incidents", "--state", "new"], "takes one of open|acknowledged|resolved|all"),
            (["why"], "usage: triage why CHECK"),
            (["help", "statsu"], 'did you mean "status"?'),
            (["silence", "api"], "say how long"),
            (["silence", "api", "--until", "soon"], "a time such as 18:30"),
            (["silence", "--undo"], "takes the id"),
            (["ack", up.id, "--until", "never"], "a time such as 18:30"),
            (["completion", "tcsh"], "bash, zsh or fish")):
        run = lab.triage(*words, env=env(up))
        assert run.returncode == 2 and wanted in run.stderr, (words, run)
    for words, wanted in (
            (["why", "apii"], 'did you mean "api"?'),
            (["run", "apii"], 'did you mean "api"?'),
            (["probe", "apii"], 'did you mean "api"?'),
            (["test", "hok"], 'did you mean "hook"?'),
            (["show", "ffffffff"], "no incident has an id that begins"),
            (["show", up.id[:2], "--json"], up.id),
            (["ack", up.id[:2]], up.id)):
        run = lab.triage(*words, env=env(up))
        assert run.returncode in (1, 3) and wanted in run.stderr, (words, run)


def test_who_answers_is_not_triaged(up, web):
    web.status = 404
    run = lab.triage("status", "-u", web.url, env=env(up))
    assert run.returncode == 1 and "not triaged" in run.stderr, run


def test_a_story_says_when_what_was_seen_and_what_ails_each(up, web):
    """What a daemon says an hour later: ages in facts are old, one impact is over, and it came back."""
    story = up.api.get(f"/api/v1/incidents/{up.id}")
    fact = {"name": "changes", "text": "app.conf was changed 1.12s ago", "at": "2026-01-02T03:04:05.000Z"}
    fresh = {"name": "unit", "text": "failed", "at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())}
    alert = {"rule": "check-down", "severity": "critical", "since": story["started_at"]}
    story |= {"facts": [fresh, fact, {**fact, "name": "port", "at": "2026-01-02T03:04:07.000Z"}], "reopened": 2,
              "alerts": story["alerts"] + [{**alert, "check": "api", "firing": True, "text": "status 500"},
                                           {**alert, "check": "web", "firing": False, "text": "refused"}]}
    told = {"receiver": "hook", "told": "incident.updated", "reason": "facts", "told_at": "2026-01-02T03:09:05.000Z"}
    story["deliveries"] = [{**told, "first_told_at": "2026-01-02T03:04:06.000Z"}]
    web.headers, web.body = {"Content-Type": "application/json"}, json.dumps(story).encode()
    text, code = on_terminal(up, "show", up.id, "-u", web.url, "--no-color")
    assert code == 0 and "api (check-down): status 500\r" in text, text
    assert "web (check-down): refused (no longer)" in text and "gone (check-down)" not in text
    assert re.search(r"Facts\s+unit: failed\s+Facts, as of .*03:04\s+changes: .*\s+port: ", text), text
    assert re.search(r"03:09  hook  updated \(facts\), first told\s.*03:04\r", text), text
    web.body = json.dumps({"total": 1, "checks": [], "incidents": [story]}).encode()
    assert ", came back 2 times · check gone" in lab.triage("status", "-u", web.url, env=env(up)).stdout


def test_a_daemon_of_another_version(up, web):
    web.status, web.headers = 404, {"Content-Type": "application/problem+json"}
    web.body = b'{"status": 404, "detail": "there is nothing at this path"}'
    run = lab.triage("uptime", "-u", web.url, env=env(up))
    assert run.returncode == 1 and "of another version" in run.stderr and "restart" in run.stderr, run


def test_a_pipe_that_closes(up):
    run = subprocess.run(f"{lab.BUILD}/triage schema | head -c 10", shell=True, capture_output=True,
                         text=True, env={**os.environ, **env(up)}, timeout=60)
    assert run.returncode == 0 and not run.stderr, run
    with open("/dev/full", "w") as full:
        run = subprocess.run([lab.BUILD / "triage", "status"], stdout=full, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, **env(up)}, timeout=60)
    assert run.returncode == 1 and "cannot write the answer" in run.stderr, run


# ---- watching ----

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@pytest.mark.parametrize("verb", ["status", "checks", "incidents", "show", "receivers", "why"])
def test_watch_ends_with_a_key(up, verb):
    text, status = on_terminal(up, verb, *words_of(up, verb), "--watch", steps=[("\x1b[J", leave)])
    assert status == 0 and text.startswith(ENTER) and text.endswith(LEAVE), (status, text)
    assert "\x1b[2J" not in text, "clearing the screen flickers"


def test_watch_ends_with_ctrl_c(up):
    text, status = on_terminal(up, "status", "-w", steps=[("\x1b[J", lambda fd: os.write(fd, b"\x03"))])
    assert status == 0 and text.endswith(LEAVE), (status, text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_watch_gives_the_terminal_back_when_it_is_ended(up, number):
    def end(fd):
        os.killpg(os.tcgetpgrp(fd), number)

    text, status = on_terminal(up, "status", "-w", steps=[("\x1b[J", end)])
    assert status == 128 + number and text.endswith(LEAVE), (status, text)


def test_watch_steps_aside(up):
    """Ctrl-Z: the screen is the shell's until it goes on."""
    groups = []

    def stop(fd):
        groups.append(os.tcgetpgrp(fd))
        os.write(fd, b"\x1a")

    def go_on(fd):
        def is_stopped():
            with open(f"/proc/{groups[0]}/stat") as f:
                return f.read().rsplit(")")[1].split()[0] == "T"

        lab.wait_for("it to stop", is_stopped)
        os.killpg(groups[0], signal.SIGCONT)

    text, status = on_terminal(up, "status", "-w", steps=[
        ("\x1b[J", stop), (LEAVE, go_on), (ENTER, lambda fd: None), ("\x1b[J", leave)])
    assert status == 0 and text.endswith(LEAVE) and text.count(ENTER) == 2, (status, text)


def test_watch_on_a_terminal_that_only_prints(up):
    text, status = on_terminal(up, "checks", "-w", TERM="dumb",
                               steps=[("gone", lambda fd: None), ("gone", lambda fd: os.write(fd, b"\x03"))])
    assert status in (-signal.SIGINT, 130) and "\x1b" not in text, (status, text)


def test_watch_follows_the_window(up):
    def shrink(fd):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 50, 0, 0))

    text, status = on_terminal(up, "status", "-w", steps=[("\x1b[J", shrink), ("more line", leave)])
    assert status == 0
    last = text.split("\x1b[H")[-1].removesuffix(LEAVE)
    rows = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", row) for row in last.split("\n")]
    assert len(rows) <= 6 and all(width(row) <= 50 for row in rows), rows


def test_watch_waits_for_a_daemon_that_is_gone(up):
    text, status = on_terminal(up, "status", "-w", seconds=90, steps=[
        ("gone", lambda fd: up.stop()), ("this is how it was", lambda fd: up.start()),
        ("1 incident", lambda fd: None), ("\x1b[J", leave)])
    assert status == 0 and "no answer for" in text, text


def test_watch_into_a_pipe(up):
    run = subprocess.Popen([lab.BUILD / "triage", "checks", "--watch", "--json"], stdout=subprocess.PIPE,
                           text=True, env={**os.environ, **env(up)})
    try:
        text, decoder, count = "", json.JSONDecoder(), 0
        while count < 2:
            text += os.read(run.stdout.fileno(), 65536).decode()
            while text.strip():
                try:
                    doc, at = decoder.raw_decode(text.lstrip())
                except ValueError:
                    break
                assert doc["checks"]
                text, count = text.lstrip()[at:], count + 1
        run.send_signal(signal.SIGINT)
        run.wait(timeout=30)
    finally:
        run.kill()
        run.stdout.close()
        run.wait()
