"""What older daemons left is taken up by today's: nobody is told twice, nothing that was promised is
forgotten.  And what a later one left is refused, whole."""
import sqlite3
import subprocess
import threading

import pytest

import compat_state
import lab

PING = "nightly-3f9a1c77"
FORMAT = 2  # of both databases, as today's daemon writes them
CROWD = 8


class Chat(lab.Web):
    """What Slack's incoming webhook takes."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def handler(self):
        chat = self

        class Handler(lab.http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chat.texts.append(body.decode())
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        return Handler

    def named(self, number, word):
        return [t for t in self.texts if f"many-{number}" in t and word in t]


class World:
    """The checks and receivers of tests/compat/make.py, on ports of today."""

    def __init__(self, state, hook):
        self.state = state
        self.checks = {doc["check"] for doc in state.docs("incident").values()}
        self.webs = {n: lab.Web() for n in sorted(self.checks | {"fine"}) if "many" not in n}
        for name in ("ends", "gone", "fine"):
            self.webs[name].start()
        self.crowd = lab.Web()
        self.hook, self.late, self.chat = hook, lab.Hook().start(), Chat().start()

    def config(self):
        lines = ["checks:", f"  job: {{type: heartbeat, token: {PING}, period: 1h, interval: 1s}}"]
        for name, web in self.webs.items():
            lines.append(f'  {name}: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}')
        for n in range(CROWD if "many-0" in self.checks else 0):
            lines.append(f'  many-{n}: {{type: tcp, address: "127.0.0.1:{self.crowd.port}", '
                         "interval: 1s, retries: 1}")
        return "\n".join(lines) + f"""
receivers:
  hook: {{type: webhook, url: "{self.hook.url}", secret: "{lab.SECRET_TEXT}"}}
  late: {{type: webhook, url: "{self.late.url}", secret: "{lab.SECRET_TEXT}"}}
  chat: {{type: slack, url: "{self.chat.url}"}}
routes:
  - {{match: {{check: "many-*"}}, to: [chat]}}
  - {{to: [hook, late]}}
"""

    def stop(self):
        for server in (*self.webs.values(), self.crowd, self.late, self.chat):
            server.stop()


@pytest.fixture(params=compat_state.NAMES)
def world(request, hook):
    w = World(compat_state.State(request.param), hook)
    yield w
    w.stop()


def told(hook):
    """Events of the checks, without what the daemon says of itself, and without what today's finds
    out about a cause that the older one had not looked for."""
    return [(e["_id"], e["type"], e["data"]["incident"]["check"], e["data"]["incident"]["id"])
            for e in hook.events() if e["data"]["incident"]["check"] != "triaged"
            and (e["type"], e["reason"]) != ("incident.updated", "facts")]


def waiting(state, receiver):
    return sorted((doc["notice"]["id"], doc["notice"]["type"],
                   doc["notice"]["incident"]["check"], doc["notice"]["incident"]["id"])
                  for doc in state.docs("outbox").values() if doc["receiver"] == receiver)


def test_what_an_older_daemon_left_goes_on(world, daemon, hook):
    d = daemon(world.config())
    world.state.lay(d.state)
    d.start()
    before = {doc["id"]: doc for doc in world.state.docs("incident").values()}
    ids = {doc["check"]: i for i, doc in before.items()}

    # Every incident is there, as it was; what waited arrives, under the id it had.
    now = {i["id"]: i for i in d.api.get("/api/v1/incidents?state=all")["incidents"]}
    for i, doc in before.items():
        assert now[i]["check"] == doc["check"] and now[i]["status"] == doc["status"], doc
        assert now[i]["title"] == doc["title"] and now[i]["started_at"] == \
            compat_state.text_of(doc["started"] + world.state.shift)
    for receiver, heard in (("hook", hook), ("late", world.late)):
        want = waiting(world.state, receiver)
        assert want
        lab.wait_for(f"what waits for {receiver}", lambda: len(told(heard)) >= len(want))

    steered(d, world, now, ids)
    pinged(d, world)
    crowd(world)

    # What goes on is not told again to who knows it, and its end is, under the same incident.
    world.webs["open"].start()
    for heard in (hook, world.late):
        end = heard.wait("incident.resolved", "open")
        assert end["data"]["incident"]["id"] == ids["open"]
    ends = [x for x in told(hook) if x[1:] in (("incident.resolved", "open", ids["open"]),
                                               ("incident.resolved", "acked", ids.get("acked")))]
    assert sorted(set(told(hook)) - set(ends)) == waiting(world.state, "hook")
    assert sorted(x for x in told(world.late) if x in waiting(world.state, "late")) == \
        waiting(world.state, "late")
    measured(d, world)
    for words in ("cannot be used", "not restored", "is skipped", "damaged"):
        assert words not in d.log.read_text()
    d.stop()
    upgraded(d, world.state.format)


def steered(d, world, now, ids):
    """Whoever acknowledged or silenced something has still done so."""
    if "acked" not in ids:
        return
    assert now[ids["acked"]]["acknowledged_by"] == "ada"
    silences = d.api.get("/api/v1/silences")["silences"]
    assert [(s["id"], s["by"], s["state"]) for s in silences] == \
        [(key, "ada", "active") for key in world.state.docs("silence")]
    world.webs["acked"].start()
    assert world.hook.wait("incident.resolved", "acked")["data"]["incident"]["id"] == ids["acked"]
    world.webs["muted"].start()
    lab.wait_for("the end of what is silenced",
                 lambda: "muted" not in {i["check"] for i in d.incidents()})


def pinged(d, world):
    if "job" not in world.state.docs("check"):
        return
    lab.wait_for("the job that pinged", lambda: "the last success was" in
                 ((d.check("job")["last"] or {}).get("text") or ""))


def crowd(world):
    """One was told, a digest of the others waits: each is told once that it began, and that it is over."""
    if "many-0" not in world.checks:
        return
    digest = [doc["notice"] for doc in world.state.docs("outbox").values() if doc["receiver"] == "chat"]
    assert [n["type"] for n in digest] == ["incident.digest"]
    lab.wait_for("the digest", lambda: world.chat.texts)
    world.crowd.start()
    lab.wait_for("every end", lambda: all(world.chat.named(n, "RESOLVED") or
                                          world.chat.named(n, "resolved") for n in range(CROWD)))


def measured(d, world):
    """What was measured before the start and since are one series; the minutes that were rolled up
    and the values between them count once each."""
    stopped = world.state.made // 10**6

    def parts():
        one, = d.api.get("/api/v1/checks/fine/series?metric=total_time&since=2h&step=10s")["series"]
        old = [p for p in one["points"] if p[0] < stopped]
        return old and len(old) < len(one["points"]) and old
    old = lab.wait_for("values from before and since", parts)
    assert sum(p[4] for p in old) >= 7 and all(0 < p[2] <= p[1] <= p[3] < 5 for p in old)


def upgraded(d, was, names=("state.db", "history.db")):
    for name in names:
        db = sqlite3.connect(d.state / name)
        assert db.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert len(db.execute("SELECT value FROM about WHERE name='program'").fetchall()) == 1
        db.close()
    kept = d.state / f"state.db.format-{was}"
    assert kept.exists() == (was < FORMAT)
    if was < FORMAT:
        old = sqlite3.connect(kept)
        assert old.execute("PRAGMA user_version").fetchone() == (was,)
        assert old.execute("SELECT count(*) FROM docs").fetchone()[0] > 0
        old.close()


def test_a_kill_at_any_moment_of_an_upgrade_does_no_harm(daemon, web, hook):
    state = compat_state.State("issue-6")
    d = daemon(f"checks: {{open: {{type: http, url: \"{web.url}\"}}}}\n"
               f"receivers: {{hook: {{type: webhook, url: \"{hook.url}\"}}}}\n")
    state.lay(d.state)
    for after_ms in (*range(0, 120, 12), 200, 400):
        d.spawn()
        threading.Event().wait(after_ms / 1000)
        d.kill()
        for name, formats in (("state.db", {1, FORMAT}), ("state.db.format-1", {1})):
            if not (d.state / name).exists():
                continue
            db = sqlite3.connect(d.state / name)
            found = db.execute("PRAGMA user_version").fetchone()[0]
            assert found in formats and db.execute("PRAGMA quick_check").fetchone() == ("ok",)
            kept = {key for key, in db.execute("SELECT key FROM docs WHERE kind='incident'")}
            assert kept == set(state.docs("incident"))
            db.close()
    assert not list(d.state.glob("*.corrupt-*"))
    d.start()
    assert {i["id"] for i in d.incidents("all")} == set(state.docs("incident"))
    d.stop()
    upgraded(d, 1, ["state.db"])  # the history comes with the first row that is written


LATER = "UPDATE about SET value='9.1.0'; PRAGMA user_version=9"


def spoil(d, name, sql):
    db = sqlite3.connect(d.state / name)
    db.executescript(sql)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def contents(d):
    """SQLite's working files come and go with whoever looks; the lock is a hint for people."""
    return {p.name: p.read_bytes() for p in d.state.iterdir()
            if not p.name.endswith(("-wal", "-shm")) and p.name != "lock"}


@pytest.mark.parametrize("name", ["state.db", "history.db"])
def test_what_a_later_daemon_left_is_refused_whole(name, daemon, web, hook):
    text = f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
"""
    d = daemon(text).start()
    web.stop()
    opened = hook.wait("incident.opened", "api")["data"]["incident"]
    d.stop()
    spoil(d, name, LATER)
    before, told_before = contents(d), len(hook.requests)
    run = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                         capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 3, run
    for words in (str(d.state), name, "written by triaged 9.1.0", "install triaged 9.1.0", "a backup"):
        assert words in run.stderr, (words, run.stderr)
    assert contents(d) == before and len(hook.requests) == told_before
    assert "clean" in before and not (d.folder / "api.sock").exists()

    spoil(d, name, f"PRAGMA user_version={FORMAT}")
    d.start()
    assert [i["id"] for i in d.incidents()] == [opened["id"]]
    web.start()
    assert hook.wait("incident.resolved", "api")["data"]["incident"]["id"] == opened["id"]
