"""Discord, Teams, Telegram and ntfy told of the same incidents: what a person reads there, what
becomes of it, and that none of the services has anything to refuse."""
import json
import shutil
import tempfile

import pytest

import lab
import stub_discord
import stub_ntfy
import stub_teams
import stub_telegram

NAMES = ("discord", "teams", "telegram", "ntfy")
SECRETS = (stub_discord.TOKEN, stub_teams.SIG, stub_telegram.TOKEN, stub_ntfy.TOPIC, stub_ntfy.AUTH)
ROLE = "1029384756102938400"
PUBLIC = "https://status.example.com"


class Chats:
    """The four services, and what each of them shows."""

    def __init__(self):
        self.discord = stub_discord.Discord().start()
        self.teams = stub_teams.Teams().start()
        self.telegram = stub_telegram.Telegram().start()
        self.ntfy = stub_ntfy.Ntfy().start()

    def all(self):
        return [getattr(self, name) for name in NAMES]

    def stop(self):
        for service in self.all():
            service.stop()

    def receivers(self):
        return f"""
  discord: {{type: discord, url: "{self.discord.url}", mention: "role:{ROLE}"}}
  teams: {{type: teams, url: "{self.teams.url}"}}
  telegram: {{type: telegram, url: "{self.telegram.url}", token: "{stub_telegram.TOKEN}",
             chat_id: {stub_telegram.GROUP}}}
  ntfy: {{type: ntfy, url: "{self.ntfy.url}", topic: {stub_ntfy.TOPIC}, token: {stub_ntfy.AUTH}}}
"""

    def shown(self, name):
        """What stands there now, in the order in which it came; "" where it was deleted."""
        if name == "discord":
            return [json.dumps(self.discord.messages.get(i, ""), ensure_ascii=False)
                    for i in self.discord.order]
        if name == "telegram":
            return [self.telegram.messages.get(k, {"text": ""})["text"]
                    for k in self.telegram.order]
        if name == "teams":
            return [json.dumps(card, ensure_ascii=False) for card in self.teams.cards]
        return [json.dumps(m, ensure_ascii=False) for m in self.ntfy.messages]

    def count(self):
        return {name: len(self.shown(name)) for name in NAMES}

    def wait(self, text, since=None, names=NAMES):
        """Each of them shows a message with this text (behind those of `since`)."""
        since = since or dict.fromkeys(NAMES, 0)
        for name in names:
            getattr(self, name).wait(
                f"{text!r}, has {[t[:200] for t in self.shown(name)[since[name]:]]}",
                lambda n=name: any(text in t for t in self.shown(n)[since[n]:]))


def expect_good_manners(d, chats):
    for service in chats.all():
        service.expect_no_refusal()
    told = d.log.read_text(errors="replace")
    receivers = d.api.request("GET", "/api/v1/receivers")[2].decode()
    for secret in SECRETS:
        assert secret not in told and secret not in receivers


def config(folder, webs, hook, chats, more=""):
    checks = "\n".join(f'  shop-{i}: {{type: http, url: "{web.url}", interval: 1s, retries: 2, '
                       f'retry_interval: 500ms}}' for i, web in enumerate(webs))
    return f"""
daemon: {{name: lab, state_dir: {folder}/state, log: {{level: debug}}{more}}}
api: {{listen: off, public_url: "{PUBLIC}"}}
checks:
{checks}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
{chats.receivers()}
routes:
  - {{to: [hook, {", ".join(NAMES)}], group_wait: 0s}}
"""


class Story:
    """A check of its own for each test: one that fails again within minutes reopens its incident."""

    def __init__(self, world, name, web):
        self.world, self.name, self.web = world, name, web
        self.before = world.chats.count()
        self.alarm = f"CRITICAL · {name}"

    def opened(self):
        return self.world.hook.wait("incident.opened", self.name)["data"]["incident"]

    def wait(self, text, names=NAMES):
        self.world.chats.wait(text, self.before, names)

    def recover(self):
        self.web.status, self.web.body, self.web.headers = 200, b"{}", {}
        if self.web.server is None:
            self.web.start()


class World:
    def __init__(self, more="", checks=1):
        self.folder = tempfile.mkdtemp(prefix="tri-")
        self.webs = [lab.Web().start() for _ in range(checks)]
        self.hook, self.chats = lab.Hook().start(), Chats()
        self.daemon = lab.Daemon(self.folder)
        self.daemon.write(config(self.folder, self.webs, self.hook, self.chats, more), head=False)
        self.daemon.start()
        for i in range(checks):
            self.daemon.wait_state(f"shop-{i}", "up")
        self.stories = [(f"shop-{i}", web) for i, web in enumerate(self.webs)]

    def close(self):
        try:
            self.daemon.stop()
        finally:
            self.chats.stop()
            self.hook.stop()
            for web in self.webs:
                web.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def triage(self, *words):
        return lab.triage(*words, env={"TRIAGE_URL": f"unix:{self.folder}/api.sock"})

    def settle(self):
        lab.wait_for("all to be well", lambda: not self.daemon.incidents())
        lab.wait_for("all to be told", self.is_idle)
        expect_good_manners(self.daemon, self.chats)

    def is_idle(self):
        receivers = self.daemon.api.get("/api/v1/receivers")["receivers"]
        return all(r.get("queued", 0) == 0 and r.get("in_flight", 0) == 0 for r in receivers)


@pytest.fixture(scope="module")
def world():
    w = World(checks=5)
    yield w
    w.close()


@pytest.fixture
def story(world):
    """Each test leaves its target well, and nothing refused behind it."""
    s = Story(world, *world.stories.pop(0))
    yield s
    s.recover()
    world.settle()


def test_a_test_message_is_taken_and_shown(world):
    before = world.chats.count()
    for name in NAMES:
        run = world.triage("test", name)
        assert run.returncode == 0, (name, run.stdout, run.stderr)
        assert not any(secret in run.stdout + run.stderr for secret in SECRETS), run.stdout
    world.chats.wait("TEST", before)


def test_one_incident_from_beginning_to_end(world, story):
    chats, edits = world.chats, len(world.chats.telegram.edits)
    story.web.stop()
    incident = story.opened()
    story.wait(story.alarm)
    story.wait(PUBLIC, ("discord", "teams", "ntfy"))
    post = chats.discord.messages[chats.discord.order[story.before["discord"]]]
    assert post["pinged"] == [ROLE] and post["embeds"][0]["color"] == 0xD00000
    field = {f["name"]: f["value"] for f in post["embeds"][0]["fields"]}
    assert "Why" in field and "Since" in field, field
    push = chats.ntfy.messages[-1]
    assert push["priority"] == 5 and push["click"].endswith(incident["id"])

    quiet = chats.count()
    assert world.triage("ack", incident["id"], "--comment", "on *it*").returncode == 0
    chats.discord.wait("the edit", lambda: any(
        "acknowledged" in str(m) for i, m in chats.discord.edits if i == post["id"]))
    chats.telegram.wait("the edit", lambda: len(chats.telegram.edits) > edits)
    chats.wait("acknowledged", quiet, ("teams", "ntfy"))
    assert chats.count()["discord"] == quiet["discord"]
    assert chats.count()["telegram"] == quiet["telegram"]
    assert chats.ntfy.messages[-1]["priority"] == 2
    assert chats.ntfy.messages[-1]["sequence_id"] == push["sequence_id"] == incident["id"]

    said = chats.count()
    story.recover()
    chats.wait("RESOLVED after", said)
    assert "RESOLVED after" in post["content"] and not post["content"].startswith("<@")
    note = chats.discord.messages[chats.discord.order[-1]]
    assert "embeds" not in note and note["pinged"] == []
    first = chats.telegram.messages[chats.telegram.order[story.before["telegram"]]]
    reply = chats.telegram.messages[chats.telegram.order[-1]]
    assert "RESOLVED after" in first["text"] and reply["reply_to"] == first["message_id"]
    assert not reply["silent"]


def test_what_somebody_deleted_is_posted_anew(world, story):
    chats = world.chats
    story.web.stop()
    incident = story.opened()
    story.wait(story.alarm)
    lost = chats.discord.order[-1], chats.telegram.order[-1]
    chats.discord.delete(lost[0])
    chats.telegram.delete(lost[1])
    world.triage("ack", incident["id"])
    chats.discord.wait("a new message", lambda: chats.discord.order[-1] != lost[0])
    chats.telegram.wait("a new message", lambda: chats.telegram.order[-1] != lost[1])
    story.recover()
    chats.discord.wait("the end in the new one", lambda: any(
        i != lost[0] and "RESOLVED" in str(m) for i, m in chats.discord.edits))
    chats.telegram.wait("the end in the new one", lambda: any(
        k != lost[1] and "RESOLVED" in m["text"] for k, m in chats.telegram.edits))


def test_told_to_wait_they_wait(world, story):
    chats = world.chats
    chats.discord.forced = [(429, {"Retry-After": "2"}, {
        "message": "You are being rate limited.", "retry_after": 1.2, "global": False})]
    chats.teams.forced = [(429, {"Retry-After": "1"}, {"error": {"code": "WorkflowRunLimit"}})]
    chats.telegram.forced = [(429, {"Retry-After": "1"}, {
        "ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1}})]
    chats.ntfy.forced = [(429, {}, {"code": 42901, "http": 429,
                                    "error": "limit reached: too many requests"})]
    story.web.stop()
    story.wait(story.alarm)
    assert not any(service.forced for service in chats.all())


def test_a_group_that_becomes_a_supergroup_is_followed(world, story):
    telegram = world.chats.telegram
    there = -1001234567890123
    telegram.moved, telegram.chats = {stub_telegram.GROUP: there}, {there}
    try:
        story.web.stop()
        story.wait(story.alarm)
        story.recover()
        story.wait("RESOLVED")
        assert {chat for chat, _ in telegram.order[story.before["telegram"]:]} == {there}
        assert f"set chat_id to {there}" in world.daemon.log.read_text()
        world.settle()
    finally:
        telegram.moved, telegram.chats = {}, {stub_telegram.GROUP}


HOSTILE = ("@everyone @here <@123456789012345678> <!channel> <at id=all></at> @all <script>alert(1)"
           "</script> </b></pre> *bold* _it_ `code` ```block``` [x](http://evil/) ||s|| \\ \" ' & &lt; "
           "\u202egnp.exe\u202c \u200b\ufeff 😀👩‍👩‍👧 诊断 \u0000\u0007\r\n# h\n> q\n- l\n1. n\n").encode()


def test_nothing_that_a_target_says_is_markup_or_too_long(world, story):
    discord = world.chats.discord
    story.web.body = (HOSTILE * ((1 << 20) // len(HOSTILE) + 1))[:1 << 20]
    story.web.headers = {"Server": "@everyone <b> *x*"}
    story.web.status = 500
    story.wait(story.alarm)
    for i in discord.order[story.before["discord"]:]:
        assert set(discord.messages[i]["pinged"]) <= {ROLE}


@pytest.fixture
def other_world():
    """For what the shared one would remember for too long."""
    made = []

    def make(more=""):
        made.append(World(more))
        return made[-1]

    yield make
    for w in made:
        w.close()


def test_a_dead_service_says_so_and_holds_nobody_up(other_world):
    w = other_world()
    story, log = Story(w, *w.stories[0]), w.daemon.log
    w.chats.discord.is_gone = True
    w.chats.telegram.forced = [(401, {}, {"ok": False, "error_code": 401,
                                          "description": "Unauthorized"})]
    story.web.stop()
    story.wait(story.alarm, ("teams", "ntfy"))
    lab.wait_for("their words in the log", lambda: all(
        words in log.read_text()
        for words in ("the webhook was deleted", "the token is wrong or was revoked")))
    w.chats.wait("self.delivery-failed", names=("teams", "ntfy"))


def test_what_gets_worse_is_said_and_calls_people(other_world):
    """A warning rings nobody by name; when it becomes critical its message says so, and a line."""
    w = other_world()
    chats, web = w.chats, w.webs[0]
    text = w.daemon.config.read_text().replace(
        f'shop-0: {{type: http, url: "{web.url}"',
        f'till: {{type: http, url: "{web.url}", expect: {{status: [200, 500, 503]}}')
    w.daemon.config.write_text(
        text + "rules:\n  bad: {warning: till.status >= 500, critical: till.status >= 503}\n")
    w.daemon.reload()
    w.daemon.wait_state("till", "up")
    web.status = 500
    chats.wait("WARNING · till")
    assert chats.discord.messages[chats.discord.order[0]]["pinged"] == []
    web.status = 503
    chats.wait("worse, now CRITICAL")
    chats.discord.wait("the line", lambda: len(chats.discord.order) == 2)
    post, line = (chats.discord.messages[i] for i in chats.discord.order)
    assert "worse, now CRITICAL" in post["content"] and line["pinged"] == [ROLE]
    chats.telegram.wait("the reply", lambda: len(chats.telegram.order) == 2)
    assert chats.ntfy.messages[-1]["priority"] == 5
    web.status = 200
    w.settle()
    chats.wait("RESOLVED")


def test_a_storm_in_chinese_is_a_few_messages(other_world):
    """Many checks fail at once: whoever reads a chat gets a handful of messages and a digest."""
    w = other_world(", language: zh")
    port = w.webs[0].port
    checks = "\n".join(f'  item-{i}: {{type: tcp, address: "127.0.0.1:{port}", interval: 1s, '
                       f'retries: 1}}' for i in range(15))
    text = w.daemon.config.read_text().replace("receivers:", checks + "\nreceivers:", 1)
    w.daemon.config.write_text(text)
    w.daemon.reload()
    w.daemon.wait_state("item-14", "up")
    before = w.chats.count()
    w.webs[0].stop()
    w.chats.wait("起故障", before)
    after = w.chats.count()
    assert all(after[n] - before[n] <= 14 for n in NAMES), after
    w.webs[0].start()
    w.chats.wait("已恢复", before)
    expect_good_manners(w.daemon, w.chats)
