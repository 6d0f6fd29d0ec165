"""Feishu, DingTalk and WeCom: one daemon tells all three of the same incidents, and each is as
strict as the real one.  A stub that refused anything fails the test, but where refusal is its point."""
import re
import shutil
import tempfile

import pytest

import lab
from stub_dingtalk import DingTalk
from stub_feishu import Feishu
from stub_wecom import WeCom

SECRETS = "feishu-s3cret-Vq7n", "SECd1ngtalk0c3Xs3cret", "0f5c2d1e-7a3b", "566cc69da782ec", \
          "693a91f6-7aoc-4bc4"
HOSTILE = """<at id=all></at> <@all> @all <font color="warning">x</font> [click](http://evil.example/) \
**bold** `code` &lt;at id=all&gt; <script> \\ " ' \U0001f600 \u202e rtl \u200b :OK: __u__ ~~s~~"""


class Robots:
    def __init__(self):
        self.feishu = Feishu(token=SECRETS[2], secret=SECRETS[0]).start()
        self.dingtalk = DingTalk(token=SECRETS[3], secret=SECRETS[1], keyword="告警").start()
        self.wecom = WeCom(key=SECRETS[4]).start()
        self.all = {"feishu": self.feishu, "dingtalk": self.dingtalk, "wecom": self.wecom}

    def receivers(self):
        return f"""
receivers:
  feishu: {{type: feishu, url: "{self.feishu.hook}", secret: "{SECRETS[0]}", mention: ou_oncall}}
  dingtalk: {{type: dingtalk, url: "{self.dingtalk.hook}", secret: "{SECRETS[1]}", keyword: 告警,
              mention: ["13800000000", all], mention_users: manager4321}}
  wecom: {{type: wecom, url: "{self.wecom.hook}", mention: wangqing}}
  feishu-wrong: {{type: feishu, url: "{self.feishu.hook}", secret: another}}
  feishu-gone: {{type: feishu, url: "{self.feishu.url("/open-apis/bot/v2/hook/deleted")}"}}
  dingtalk-wrong: {{type: dingtalk, url: "{self.dingtalk.hook}", secret: SECanother, keyword: 告警}}
  dingtalk-silent: {{type: dingtalk, url: "{self.dingtalk.hook}", secret: "{SECRETS[1]}"}}
  dingtalk-gone: {{type: dingtalk, url: "{self.dingtalk.url("/robot/send?access_token=deleted")}"}}
  wecom-gone: {{type: wecom, url: "{self.wecom.url("/cgi-bin/webhook/send?key=deleted")}"}}
routes:
  - {{to: [feishu, dingtalk, wecom], group_wait: 0s}}
"""

    def each(self, what, test, limit=lab.LIMIT):
        """By name, the first message for which test() holds."""
        return {name: robot.wait(f"{what} at {name}", test, limit)
                for name, robot in self.all.items()}

    def forget(self):
        for robot in self.all.values():
            robot.taken.clear()
            robot.refused.clear()

    def expect_peace(self):
        for name, robot in self.all.items():
            assert not robot.refused, (name, robot.refused)

    def stop(self):
        for robot in self.all.values():
            robot.stop()


def head(folder, language):
    return f"""daemon: {{name: lab, state_dir: {folder}/state, language: {language},
          log: {{level: debug}}}}
api: {{listen: off, public_url: "https://status.example.com"}}
"""


@pytest.fixture(scope="module")
def robots():
    robots = Robots()
    yield robots
    robots.stop()


@pytest.fixture(scope="module")
def page():
    page = lab.Web().start()
    yield page
    page.stop()


@pytest.fixture(scope="module")
def told(robots, page):
    folder = tempfile.mkdtemp(prefix="tri-")
    d = lab.Daemon(folder)
    d.write(head(folder, "en") + f"""
checks:
  page: {{type: http, url: "{page.url}", interval: 1s, retries: 2, retry_interval: 500ms}}
rules:
  big: {{check: page, warning: page.body_bytes > 1kB, critical: page.body_bytes > 10kB,
         summary: "a page of {{{{page.body_bytes}}}}"}}
""" + robots.receivers(), head=False)
    d.start()
    yield d
    d.stop()
    words = d.log.read_text()
    for secret in SECRETS:
        assert secret not in words
    shutil.rmtree(folder, ignore_errors=True)


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def has(*words):
    return lambda m: all(w in m["title"] + m["text"] for w in words)


def test_one_story_told_to_all(told, robots, page):
    robots.forget()
    page.body = b"x" * 2000
    first = robots.each("the opening", has("WARNING", "page"))
    assert first["feishu"]["colour"] == "orange" and first["wecom"]["colour"] == "warning"
    assert not any(m["pings"] for m in first.values())
    incident = told.incidents()[0]["id"]
    link = told.api.get(f"/api/v1/incidents/{incident}")["url"]
    assert link.startswith("https://status.example.com/")
    assert first["feishu"]["buttons"] == [link]
    assert all(link in first[n]["markdown"] for n in ("dingtalk", "wecom"))
    assert "告警" in first["dingtalk"]["text"]

    page.body = b"x" * 20000
    worse = robots.each("the escalation", has("CRITICAL", "page"))
    assert worse["feishu"]["colour"] == "red"
    assert worse["feishu"]["pings"] == ["ou_oncall"] and worse["wecom"]["pings"] == ["wangqing"]
    assert worse["dingtalk"]["pings"] == ["13800000000", "manager4321", "all"]

    done = lab.triage("ack", incident, "--comment", "<at id=all></at> on it", env=env(told))
    assert done.returncode == 0, done.stderr
    acked = robots.each("the acknowledgement", lambda m: "on it" in m["text"])
    assert not any(m["pings"] for m in acked.values())

    page.body = b"x"
    ended = robots.each("the end", has("RESOLVED", "page"))
    assert ended["feishu"]["colour"] == "green" and ended["wecom"]["colour"] == "info"
    assert not any(m["pings"] for m in ended.values())
    robots.expect_peace()


@pytest.mark.parametrize("name, words", [
    ("feishu-wrong", "secret is not the robot's"),
    ("feishu-gone", "copy its webhook address"),
    ("dingtalk-wrong", "begins with SEC"),
    ("dingtalk-silent", "set keyword"),
    ("dingtalk-gone", "no such access_token"),
    ("wecom-gone", "copy its webhook address"),
])
def test_what_is_wrong_is_said_in_words(told, robots, name, words):
    done = lab.triage("test", name, env=env(told))
    said = " ".join(done.stdout.split())  # its lines are wrapped
    assert done.returncode == 1 and words in said, (done.stdout, done.stderr)
    assert "sign=" not in said and not re.search(r'"sign":"[^*]', said)
    assert not any(s in done.stdout + done.stderr for s in SECRETS)


@pytest.mark.parametrize("name", ["feishu", "dingtalk", "wecom"])
def test_a_test_message_arrives(told, robots, name):
    robots.forget()
    done = lab.triage("test", name, env=env(told))
    assert done.returncode == 0, (done.stdout, done.stderr)
    message = robots.all[name].taken[0]
    assert "lab" in message["title"] and not message["pings"]
    assert not any(s in done.stdout + done.stderr for s in SECRETS)
    robots.expect_peace()


def test_too_fast_is_tried_again(told, robots, page):
    robots.forget()
    robots.feishu.fail(429, {"code": 11232, "data": {}, "msg": "frequency limited"},
                       headers={"Retry-After": "2"})
    robots.dingtalk.fail(200, b'{"status":1111,"wait":1,"source":"x5","punish":"deny"}')
    page.stop()
    opened = robots.each("the opening", has("CRITICAL", "page"))
    assert opened["feishu"]["at"] - opened["wecom"]["at"] > 1, "they wait for nobody"
    page.start()
    robots.each("the end", has("RESOLVED", "page"))
    robots.expect_peace()


def test_in_chinese_and_harmless(robots, tmp_path):
    """A megabyte of what a target says to break out of a message, and language: zh."""
    robots.forget()
    script = tmp_path / "plugin.py"
    script.write_text(f"import sys\ntext = {HOSTILE!r}\n"
                      "sys.stdout.buffer.write((text + chr(10) + text * (1 + (1 << 20) // "
                      "len(text.encode()))).encode())\nsys.exit(2)\n")
    folder = tempfile.mkdtemp(prefix="tri-")
    d = lab.Daemon(folder)
    d.write(head(folder, "zh") + f"""
checks:
  nasty: {{type: exec, command: [/usr/bin/python3, {script}], interval: 2s, retries: 1}}
""" + robots.receivers(), head=False)
    d.start()
    try:
        told = robots.each("the opening", has("nasty"))
        for name, message in told.items():
            assert "严重" in message["title"], (name, message["title"])
            assert "click" in message["text"], (name, message["text"])
        assert told["feishu"]["pings"] == ["ou_oncall"]
        assert told["wecom"]["pings"] == ["wangqing"]
        assert "http://evil.example/" not in told["feishu"]["buttons"]
        assert "<at id=all></at>" in told["feishu"]["text"], "shown as it was written"
        assert "<at id=all></at>" in told["dingtalk"]["text"]
        robots.expect_peace()
    finally:
        d.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_many_at_once_are_few_messages(web):
    """With robots of its own: two daemons behind one robot share its pace and do not know."""
    robots = Robots()
    names = [f"shop-{i:02d}" for i in range(40)]
    folder = tempfile.mkdtemp(prefix="tri-")
    d = lab.Daemon(folder)
    checks = "".join(f'  {n}: {{type: tcp, address: "127.0.0.1:{web.port}", interval: 1s, '
                     f"retries: 1}}\n" for n in names)
    d.write(head(folder, "en") + "checks:\n" + checks + robots.receivers(), head=False)
    d.start()
    try:
        for name in names:
            d.wait_state(name, "up")
        web.stop()
        for where, robot in robots.all.items():
            lab.wait_for(f"{where} to hear of all",
                         lambda r=robot: all(n in r.said() for n in names))
            assert len(robot.taken) <= 10, [m["title"] for m in robot.taken]
        robots.expect_peace()
    finally:
        d.stop()
        robots.stop()
        shutil.rmtree(folder, ignore_errors=True)
