"""What the end-to-end tests stand on: the real daemon, a webhook receiver, targets, a syslog socket.

Everything lives in a temporary folder and on free loopback ports.  Waiting is always for an event
with a generous limit; nothing sleeps for a fixed time and hopes.
"""
import base64
import contextlib
import datetime
import hashlib
import hmac
import http.server
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import sandbox

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TRIAGED_BUILD", TOP / "build"))
LIMIT = 60  # seconds until a wait gives up: only ever reached when something is broken
SECRET = b"0123456789abcdef0123456789abcdef"
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()
# "unit": triaged and triage run within the restrictions of the unit that we ship (sandbox.py); "bare": with none
# of its groups and capabilities, either; "all": with the drop-in that lets it see everything; "": as who runs the
# tests.
SANDBOX = os.environ.get("TRIAGED_SANDBOX", "")
UNIT = TOP / "contrib/systemd/triaged.service"
SHOWN = []  # folders of the running test: bound into its sandbox, as BindReadOnlyPaths= would


def wait_for(what, test, limit=LIMIT):
    """Polls until test() is truthy and returns it."""
    end = time.monotonic() + limit
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s for {what}")
        threading.Event().wait(0.02)


def wait_learned(daemon, folder):
    """What belongs to a server of this host is learned while it is well, and lies in the state folder."""
    words = str(folder).encode()
    wait_for(f"{folder} to be learned",
             lambda: any(words in f.read_bytes() for f in daemon.state.rglob("*") if f.is_file()))


def another_day():
    """A weekday that is not today in any timezone: what is planned for it never begins in a test."""
    return f"{datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3):%a}"


def inside(folder, *argv, kind=None, dropins=()):
    """The command, as the shipped unit would start it when TRIAGED_SANDBOX says so (or `kind`)."""
    kind = SANDBOX if kind is None else kind
    if not kind:
        return [*argv]
    folder = Path(folder)
    folder.chmod(0o755)
    private, writable = folder / "private", [folder / "run", folder / "state"]
    private.mkdir(exist_ok=True)
    for path in writable:
        path.mkdir(exist_ok=True)
        os.chown(path, *sandbox.user_of(kind, UNIT))
        path.chmod(0o755)
    shown = dict.fromkeys(map(str, [TOP, BUILD, *SHOWN, folder]))
    options = [f"--unit={UNIT}", f"--tmp={private}", *(f"--bind={path}" for path in shown)]
    if not all(path.stat().st_mode & 1 for path in BUILD.parents):
        # Below somebody's home, which the unit's user may not enter: seen at another place.
        (private / "build").mkdir(exist_ok=True)
        options.append(f"--bind={BUILD}={private / 'build'}")
        argv = [str(arg).replace(str(BUILD), str(private / "build")) for arg in argv]
    if kind == "all":
        dropins = [*dropins, UNIT.with_suffix(".service.d") / "see-everything.conf.example"]
    options += [f"--dropin={path}" for path in dropins] + [f"--write={path}" for path in writable]
    return [sys.executable, sandbox.__file__, *options, *(["--bare"] if kind == "bare" else []), "--",
            *map(str, argv)]


def with_machine_id(folder):
    """In front of systemd's own tools, which need one: a system that was just made has none, or an empty one."""
    have, own = Path("/etc/machine-id"), Path(folder) / "machine-id"
    if have.exists() and len(have.read_text().strip()) == 32:
        return []
    own.write_text("0123456789abcdef0123456789abcdef\n")
    script = """
[ -e /etc/machine-id ] || { cp -a /etc "$0.etc" && : >"$0.etc/machine-id" && mount --bind "$0.etc" /etc; }
mount --bind "$0" /etc/machine-id
exec "$@"
"""
    return ["unshare", "-m", *(["-r"] if os.geteuid() else []), "sh", "-ec", script, str(own)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """An HTTP server of the test's own, in a thread; stop() makes its port refuse."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.server = None

    def handler(self):
        raise NotImplementedError

    def start(self):
        class Listener(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Listener(("127.0.0.1", self.port), self.handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class Hook(Server):
    """A webhook receiver that keeps what it is told and checks each signature."""

    def __init__(self, port=None):
        super().__init__(port)
        self.requests = []
        self.answer = (200, {}, b"")
        self.new = queue.Queue()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def handler(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, text = hook.answer
                if 200 <= status < 300:
                    hook.take(dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        return Handler

    def take(self, headers, body):
        lower = {k.lower(): v for k, v in headers.items()}
        event = json.loads(body)
        event["_id"] = lower["webhook-id"]
        event["_signed"] = self.is_signed(lower, body)
        event["_at"] = time.monotonic()
        event["_bytes"] = len(body)
        self.requests.append(event)
        self.new.put(event)

    @staticmethod
    def is_signed(headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        want = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        return f"v1,{want}" in headers.get("webhook-signature", "").split(" ")

    def events(self, kind=None, check=None):
        """What arrived, a repeated id counted once, as the receiver's contract says."""
        seen, out = set(), []
        for event in self.requests:
            if event["_id"] in seen:
                continue
            seen.add(event["_id"])
            if kind and event["type"] != kind:
                continue
            if check and event["data"]["incident"]["check"] != check:
                continue
            out.append(event)
        return out

    def wait(self, kind, check=None, count=1):
        return wait_for(f"{count} {kind} of {check}: has {[e['type'] for e in self.requests]}",
                        lambda: (e := self.events(kind, check)) and len(e) >= count and e)[count - 1]


class Fault:
    """Between breaking something and the message about it: what the message must say, and how long
    it took.  `begin` at the moment of breaking, `read` for what a person is told."""

    def __init__(self, rows, test):
        self.rows, self.test = rows, test
        self.began = time.monotonic()
        self.was_read = False

    def begin(self):
        self.began = time.monotonic()

    def read(self, hook, check, *, cause=None, playbook=None, finding=None, severity=None, title="",
             facts=(), evidence=(), remedy=True, impact=None, within=30):
        """The incident of `check` as last told, once it says all of this.

        cause, playbook, finding: a text, or a set of possible ones; title: must be in the title;
        facts: names that must be there; evidence: texts that must stand somewhere in it; remedy: a
        step must be there (a text: such a step or command); impact: exactly these checks.
        """
        want = {"cause": cause, "playbook": playbook, "finding": finding, "severity": severity,
                "title": title, "facts": facts, "evidence": evidence, "remedy": remedy,
                "impact": impact}
        state = {"missing": "no incident.opened"}

        def told():
            opened = [e for e in hook.events("incident.opened", check) if e["_at"] >= self.began]
            if not opened:
                root = [e for e in hook.events() if e["_at"] >= self.began
                        and e["data"]["incident"]["check"] == check]
                if not root:  # a child's incident may have become the root's
                    return None
                opened = root
            ids = {e["data"]["incident"]["id"] for e in opened}
            last = [e for e in hook.events() if e["data"].get("incident", {}).get("id") in ids
                    and e["type"] != "incident.resolved"][-1]["data"]["incident"]
            state["missing"] = self.lacks(last, want)
            state["last"] = last
            return None if state["missing"] else (opened[0], last)

        try:
            first, incident = wait_for(f"the message about {check}", told, within)
        except AssertionError as e:
            raise AssertionError(
                f"{e}: {state['missing']}\n{json.dumps(state.get('last'), indent=1)}") from None
        self.note(first["_at"] - self.began)
        return incident

    @staticmethod
    def lacks(incident, want):
        """What it does not say yet, in words; None: nothing."""
        told = dict(incident["cause"], severity=incident["severity"], cause=incident["cause"]["code"])
        for key in ("cause", "playbook", "finding", "severity"):
            allowed = {want[key]} if isinstance(want[key], str) else want[key]
            if allowed and told.get(key) not in allowed:
                return f"{key} is {told.get(key)!r}, wanted {want[key]!r}"
        if want["title"] not in incident["title"]:
            return f"{want['title']!r} is not in the title {incident['title']!r}"
        names = {f["name"] for f in incident["facts"]}
        if not set(want["facts"]) <= names:
            return f"facts are {sorted(names)}, wanted {want['facts']}"
        whole = json.dumps(incident, ensure_ascii=False)
        for text in want["evidence"]:
            if text not in whole:
                return f"{text!r} stands nowhere in it"
        steps = [f"{r['text']} {r.get('command', '')}" for r in incident["remedy"]]
        if want["remedy"] and not any(
                want["remedy"] is True or want["remedy"] in step for step in steps):
            return f"no such remedy in {steps}"
        hit = {i["check"] for i in incident["impact"]}
        if want["impact"] is not None and hit != set(want["impact"]):
            return f"impact is {sorted(hit)}, wanted {sorted(want['impact'])}"
        return None

    def note(self, seconds):
        self.was_read = True
        if self.rows:
            with open(f"{BUILD}/scenarios.jsonl", "a") as f:
                f.write(json.dumps({"rows": self.rows, "test": self.test,
                                    "seconds": round(seconds, 2)}) + "\n")


class Web(Server):
    """An HTTP target whose answer the test decides."""

    def __init__(self, port=None):
        super().__init__(port)
        self.status, self.body, self.headers = 200, b'{"success":true}', {}
        self.hits = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def handler(self):
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.hits += 1
                self.send_response(web.status)
                for name, value in web.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(web.body)))
                self.end_headers()
                self.wfile.write(web.body)

            def log_message(self, *args):
                pass

        return Handler


class Syslog:
    """A /dev/log of our own."""

    def __init__(self, path):
        self.path = str(path)
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while True:
                self.lines.append(self.socket.recv(65536).decode())

    def wait(self, text, count=1):
        return wait_for(f"{count} syslog lines with {text!r}: {self.lines}",
                        lambda: (h := [x for x in self.lines if text in x]) and len(h) >= count and h)

    def close(self):
        self.socket.close()


class UnixHttp:
    """Requests to the daemon's unix socket."""

    def __init__(self, path):
        self.path = str(path)

    def raw(self, data, limit=LIMIT):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(limit)
            s.connect(self.path)
            s.sendall(data)
            out = b""
            while chunk := s.recv(65536):
                out += chunk
            return out

    def request(self, method, path, headers=None):
        extra = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        reply = self.raw(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         f"{extra}\r\n".encode())
        head, _, body = reply.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode(), body

    def get(self, path):
        status, _, body = self.request("GET", path)
        assert status == 200, (path, status, body)
        return json.loads(body)


class Daemon:
    def __init__(self, folder, config="", env=None, sandboxed=None, dropins=()):
        self.folder = Path(folder)
        self.config = self.folder / "triaged.yaml"
        self.state = self.folder / "state"
        self.env = env or {}
        self.process = None
        self.program = BUILD / "triaged"
        self.sandbox = SANDBOX if sandboxed is None else sandboxed
        self.dropins = dropins
        self.run_folder = self.folder / "run" if self.sandbox else self.folder
        self.api = UnixHttp(self.run_folder / "api.sock")
        self.log = self.folder / "log.txt"
        self.write(config)

    def write(self, text, head=True):
        top = f"daemon: {{name: lab, state_dir: {self.state}, log: {{level: debug}}}}\n" \
              f"api: {{listen: off}}\n"
        self.config.write_text((top if head else "") + text)

    def environment(self):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("TRIAGE", "XDG_"))}
        asan = "detect_leaks=1:abort_on_error=0:exitcode=86"
        return {**keep, "RUNTIME_DIRECTORY": str(self.run_folder), "ASAN_OPTIONS": asan,
                "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **self.env}

    def spawn(self, wrapper=()):
        argv = inside(self.folder, self.program, "-c", self.config, kind=self.sandbox,
                      dropins=self.dropins)
        self.process = subprocess.Popen(
            [*wrapper, *argv], env=self.environment(),
            stdout=subprocess.DEVNULL, stderr=self.log.open("ab"), stdin=subprocess.DEVNULL)
        return self

    def start(self, wrapper=()):
        self.spawn(wrapper)
        wait_for("the daemon to answer", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"triaged exited {self.process.returncode}:\n{self.words()}")
        with contextlib.suppress(OSError, IndexError, ValueError):
            return self.api.request("GET", "/healthz")[0] == 200
        return False

    def words(self):
        return self.log.read_text(errors="replace")[-6000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit must be clean and no sanitizer may have spoken."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("triaged did not stop:\n" + self.words()) from None
        code, self.process = self.process.returncode, None
        words = self.words()
        assert "ERROR: AddressSanitizer" not in words and "runtime error:" not in words, words
        assert "LeakSanitizer" not in words, words
        assert code in (0, -signal.SIGKILL), (code, words)

    def reload(self):
        before = self.log.read_text().count("reload: ")
        self.process.send_signal(signal.SIGHUP)
        wait_for("the reload", lambda: self.log.read_text().count("reload: ") > before)

    def check(self, name):
        check = self.api.get(f"/api/v1/checks/{urllib.parse.quote(name, safe='')}")
        last = check["last"] or {}
        return {**check, "cause": last.get("cause"), "metrics": last.get("values", {})}

    def wait_state(self, name, state):
        path = f"/api/v1/checks/{urllib.parse.quote(name, safe='')}"

        def test():
            status, _, body = self.api.request("GET", path)
            return status == 200 and json.loads(body)["state"] == state
        wait_for(f"{name} to be {state}", test)

    def incidents(self, state="open"):
        return self.api.get(f"/api/v1/incidents?state={state}")["incidents"]


def triage(*args, env=None, stdin=None, folder=None):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("TRIAGE", "XDG_", "RUNTIME_D"))}
    with contextlib.ExitStack() as stack:
        argv = [BUILD / "triage", *map(str, args)]
        if SANDBOX:
            folder = folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="tri-"))
            argv = inside(folder, *argv)
        return subprocess.run(argv, capture_output=True, text=True, env={**keep, **(env or {})},
                              timeout=LIMIT, input=stdin)


SEEN_CAUSES = set()  # what the running test has read: compared with its @cause marks


def probe_once(target, *args, env=None, folder=None):
    """`triage probe TARGET --json`: one run, no daemon; the answer with its exit code."""
    done = triage("probe", target, "--json", *args, env=env, folder=folder)
    assert done.stdout.startswith("{"), (done.returncode, done.stdout, done.stderr)
    assert "Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, done.stderr
    return {**json.loads(done.stdout), "exit": done.returncode}


def probe_check(folder, check, name="it", env=None, extra=""):
    """One run of a check written as in the settings: `{type: redis, url: ...}`."""
    config = Path(folder) / "probe.yaml"
    config.write_text(f"checks:\n  {name}: {check}\n{extra}")
    return probe_once(name, "-c", config, env=env, folder=folder)


def read_cause(sample, code, outcome="fail"):
    """The sample says exactly this; remembered, so that a @cause mark cannot lie."""
    assert sample["outcome"] == outcome and sample["cause"] == code, sample
    SEEN_CAUSES.add(code)
    return sample


def read_incident(event, code):
    """An event's incident has exactly this cause."""
    incident = event["data"]["incident"]
    assert incident["cause"]["code"] == code, incident
    SEEN_CAUSES.add(code)
    return incident


def read_note(sample, code):
    """An `ok` sample that has this to say."""
    notes = {n["cause"]: n["text"] for n in sample["notes"]}
    assert code in notes, sample
    SEEN_CAUSES.add(code)
    return notes[code]
