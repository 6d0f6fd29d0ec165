"""What a release has taken, later ones take: words and whole configurations; and a command and a
daemon of different versions get along."""
import json
import socketserver
import sys
import threading

import pytest

import lab

sys.path.insert(0, str(lab.TOP / "tests/compat"))
import words  # noqa: E402

CONFIGS = sorted((lab.TOP / "tests/compat/config").glob("*.yaml"))


def test_no_word_is_ever_taken_away():
    promised = set((lab.TOP / "tests/compat/words.txt").read_text().split("\n")) - {""}
    assert len(promised) > 1900
    gone = sorted(promised - set(words.words_of_build(lab.BUILD)))
    assert not gone, f"configurations that use these would not load any more: {gone}"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_an_old_configuration_loads(path):
    run = lab.triage("check", path)
    assert run.returncode == 0 and "error" not in run.stderr, run


def aged(doc, version):
    """As another version would say it: with words that this one does not know."""
    if isinstance(doc, list):
        return [aged(one, version) for one in doc]
    if not isinstance(doc, dict):
        return doc
    new = {key: aged(value, version) for key, value in doc.items()}
    if isinstance(new.get("version"), str):
        new["version"] = version
    # Maps by name stay maps by name: what is in them is data, not words.
    return new if not doc or any(" " in k or "." in k for k in doc) else {
        **new, "of_a_later_version": {"a": [1, {"b": None}]}}


class Other(socketserver.ThreadingUnixStreamServer):
    """The daemon of `d`, speaking as if it were of version 9.1.0."""
    daemon_threads = True

    def __init__(self, path, d):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                method, target, _ = self.rfile.readline().decode().split(" ")
                length = 0
                while (line := self.rfile.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = self.rfile.read(length)
                reply = d.api.raw(
                    f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode() + body)
                head, _, text = reply.partition(b"\r\n\r\n")
                if b"json" in head:
                    text = json.dumps(aged(json.loads(text), "9.1.0")).encode()
                first = head.split(b"\r\n")[0]
                kind = next(x for x in head.split(b"\r\n") if x.lower().startswith(b"content-type"))
                self.wfile.write(first + b"\r\n" + kind + b"\r\nConnection: close\r\nContent-Length: "
                                 + str(len(text)).encode() + b"\r\n\r\n" + text)
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def pair(daemon, web, hook, folder):
    d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1h, retries: 1}}
  gone: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 1h, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    d.wait_state("api", "up")
    hook.wait("incident.opened", "gone")
    d.other = f"{folder}/other"
    (d.folder / "other").mkdir()
    server = Other(f"{d.other}/api.sock", d)
    yield d
    server.shutdown()
    server.server_close()


VERBS = (["checks"], ["incidents"], ["show"], ["why", "gone"], ["receivers"], ["silence"], ["uptime"],
         ["run", "api"], ["rule", "api.total_time > 1s"], ["health"], ["reload"],
         ["backtest", "check-down", "--since", "1h"], ["ack"], ["backup"])


def test_a_command_and_a_later_daemon_get_along(pair):
    ident = pair.incidents()[0]["id"]
    for verb in VERBS:
        line = [*verb, ident] if verb[0] in ("show", "ack") else verb
        run = lab.triage(*line, env={"RUNTIME_DIRECTORY": pair.other, "COLUMNS": "100"})
        assert run.returncode == 0 and "of_a_later" not in run.stdout, (line, run)
    env = {"RUNTIME_DIRECTORY": pair.other, "COLUMNS": "100"}
    status = lab.triage("status", env=env).stdout
    assert "2 checks: 1 down, 1 ok" in status and "the daemon runs 9.1.0, this command is of" in status
    doctor = lab.triage("doctor", env=env)
    assert "it runs 9.1.0, this command is of" in doctor.stdout and "restart the daemon" in doctor.stdout
    same = lab.triage("status", env={"RUNTIME_DIRECTORY": str(pair.folder)}).stdout
    assert "the daemon runs" not in same
