#!/usr/bin/python3
"""Makes tests/compat/state/NAME.sql: what a daemon of then left in its state folder.

	tests/compat/make.py BUILD NAME

BUILD is the build folder of an old commit (git worktree add /tmp/old COMMIT; make -C /tmp/old
B=/tmp/old-build all).  The daemon is driven into the middle of things (see `story`), killed with
SIGKILL, and both databases are dumped as text.  It runs alone, so that nothing of the machine at
hand stands in the facts: from /, by `unshare -mpf --mount-proc /usr/bin/python3`.  How those that are there were made:

	issue-2  1fada67   the first: incidents, ledger, outbox, history; no silences, no acks
	issue-3  8f95d96   more checks, the same documents
	issue-4  9bfa0c9   silences, acks, facts and playbooks in incidents
	issue-5  a1fa34b   digests, fresh letters, receivers' memory, the trouble of a receiver
	issue-6  fc8e080   the dashboard; the last one of format 1
	issue-7  7081c02   format 2: who wrote it last

A release adds one: its tag, the same way.  None is ever changed or taken out.
"""
import json
import os
import pathlib
import sqlite3
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
OUT = TOP / "tests/compat/state"
CROWD = 8
PING = "nightly-3f9a1c77"

os.environ["TRIAGED_BUILD"] = sys.argv[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
import lab  # noqa: E402  (it reads TRIAGED_BUILD when it is loaded)


def post(d, path, doc):
    body = json.dumps(doc)
    reply = d.api.raw(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                      f"{body}".encode())
    assert reply.split(b" ")[1] in (b"200", b"201"), reply


def config(webs, hook, late, chat, features):
    checks = "".join(f"  {name}: {{type: http, url: \"{web.url}\", interval: 1s, retries: 1}}\n"
                     for name, web in webs.items())
    if "watches" in features:
        checks += f"  job: {{type: heartbeat, token: {PING}, period: 1h, interval: 1s}}\n"
    receivers = f"""receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
  late: {{type: webhook, url: "{late.url}", secret: "{lab.SECRET_TEXT}"}}
"""
    routes = "routes:\n"
    if "digest" in features:
        checks += "".join(f"  many-{n}: {{type: tcp, address: \"127.0.0.1:{chat.crowd}\", "
                          "interval: 1s, retries: 1}\n" for n in range(CROWD))
        receivers += f"  chat: {{type: slack, url: \"{chat.url}\"}}\n"
        routes += "  - {match: {check: \"many-*\"}, to: [chat]}\n"
    return f"checks:\n{checks}{receivers}{routes}  - {{to: [hook, late]}}\n"


def story(d, webs, hook, features):
    """open: told and going on.  ends: told, and its end waits for a hook that is gone.  gone: over
    and told.  late, the second receiver, was told nothing.  acked and muted: what they say.
    fine: up, with a history.  job: it pinged once.  many-0 to many-7: one was told, a digest
    of the others waits."""
    for name in webs:
        d.wait_state(name, "up")
    if "watches" in features:
        assert d.api.request("GET", f"/ping/{PING}")[0] == 200
    if "silences" in features:
        post(d, "/api/v1/silences", {"match": {"check": "muted"}, "for": "24h", "by": "ada",
                                     "comment": "a new disk"})
    for name in webs:
        if name not in ("fine", "muted"):
            webs[name].stop()
            hook.wait("incident.opened", name)
    if "silences" in features:
        webs["muted"].stop()
        d.wait_state("muted", "down")
        acked = next(i for i in d.incidents() if i["check"] == "acked")
        post(d, f"/api/v1/incidents/{acked['id']}/ack", {"by": "ada", "note": "on it"})
        hook.wait("incident.acknowledged", "acked")
        lab.wait_for("the muted incident", lambda: "muted" in {i["check"] for i in d.incidents()})
    webs["gone"].start()
    hook.wait("incident.resolved", "gone")
    # A minute that is over is rolled up, and what follows is raw.
    time.sleep(float(os.environ.get("COMPAT_SECONDS", "80")))
    hook.stop()
    webs["ends"].start()
    lab.wait_for("the end of one", lambda: "ends" not in {i["check"] for i in d.incidents()})
    time.sleep(6)  # history is handed over every five seconds


def dump(path):
    db = sqlite3.connect(path)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    lines = [f"PRAGMA user_version={version};", *db.iterdump()]
    db.close()
    return "\n".join(lines) + "\n"


def main():
    name = sys.argv[2]
    age = int(name.rsplit("-", 1)[1]) if name.startswith("issue-") else 99
    features = {f for f, since in (("watches", 3), ("silences", 4), ("digest", 5)) if age >= since}
    names = ["open", "ends", "gone", "fine"] + ["acked", "muted"] * ("silences" in features)
    webs = {n: lab.Web().start() for n in names}
    hook, late = lab.Hook().start(), lab.Hook()
    chat = Chat().start()
    with tempfile.TemporaryDirectory(prefix="tri-") as folder:
        d = lab.Daemon(folder, config(webs, hook, late, chat, features)).start()
        story(d, webs, hook, features)
        d.kill()
        OUT.mkdir(exist_ok=True)
        for which in ("state", "history"):
            (OUT / f"{name}.{which}.sql").write_text(
                f"-- {which}.db of {name}, made at {time.time_ns() // 1000}\n"
                + dump(d.state / f"{which}.db"))
    os._exit(0)  # the servers' threads


class Chat(lab.Web):
    """Takes one message, then says that it is out of order: what comes is gathered."""

    def __init__(self):
        super().__init__()
        self.crowd = lab.free_port()
        self.taken = 0

    def handler(self):
        chat = self

        class Handler(lab.http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chat.taken += 1
                text = b"ok" if chat.taken <= 1 else b"no"
                self.send_response(200 if chat.taken <= 1 else 503)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        return Handler


main()
