"""Slack, by webhook and by bot, and Mattermost, told by the real daemon of real faults."""
import json
import time

import pytest

import lab
import stub_slack

HOSTILE = (b'<!channel> <!here|x> <@U1> @everyone @here @all & &amp; <script>alert("1")</script>\n'
           b"back\\slash \xe2\x80\xae rtl \xe2\x80\x8b zero \xf0\x9f\x94\xa5 *bold* `code` ```block```\n")


@pytest.fixture
def web():
    w = lab.Web().start()
    yield w
    w.stop()


@pytest.fixture
def slack():
    s = stub_slack.Slack().start()
    yield s
    s.stop()


@pytest.fixture
def mattermost():
    s = stub_slack.Mattermost().start()
    yield s
    s.stop()


def config(web, receivers, more=""):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1, retry_interval: 500ms}}
receivers:
{receivers}
{more}"""


def bot(slack, more=""):
    return f'  ops: {{type: slack, url: "{slack.api_url}", token: {stub_slack.TOKEN}, ' \
           f"channel: ops{more}}}\n"


def colour(message):
    return message["attachments"][0]["color"]


def no_line_twice(text):
    lines = [line for line in text.split("\n") if line.strip()]
    assert len(lines) == len(set(lines)), text


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


def test_webhooks_are_told_in_both_languages(daemon, web, slack, mattermost):
    receivers = f'  ops: {{type: slack, url: "{slack.hook_url}", mention: [here]}}\n' \
                f'  mm: {{type: mattermost, url: "{mattermost.hook_url}"}}\n'
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}, language: zh, log: {{level: debug}}}}\n"
            "api: {listen: off}\n" + config(web, receivers), head=False)
    d.start()
    d.wait_state("api", "up")
    web.status, web.body = 502, HOSTILE
    lab.wait_for("the opening", lambda: slack.hooked and mattermost.posts)
    opened = slack.hooked[0]
    assert opened["text"].startswith("<!here> *🔴 严重 · api") and colour(opened) == "#D00000"
    read = stub_slack.shown(opened)
    assert "\n开始\n" in read and ("处理" in read or "第一步" in read)
    assert "无法获取" not in read  # of what could not be found out nobody can make anything
    no_line_twice(read)
    web.status, web.body = 200, b'{"success":true}'
    lab.wait_for("the end", lambda: len(slack.hooked) > 1 and len(mattermost.posts) > 1)
    assert "🟢 已恢复" in slack.hooked[-1]["text"] and colour(slack.hooked[-1]) == "#2EA44F"
    assert slack.pings == ["!here"] and not slack.wrong and not slack.refused
    assert "🔴 严重 · api" in mattermost.posts[0]["text"]
    assert "🟢 已恢复" in mattermost.posts[-1]["text"]
    assert not mattermost.pings and not mattermost.refused
    assert "hookhook" not in d.log.read_text() and mattermost.PATH not in d.log.read_text()


def test_a_bot_edits_one_message_and_its_thread_grows(daemon, web, slack):
    d = daemon(config(web, bot(slack))).start()
    d.wait_state("api", "up")
    web.status, web.body = 502, HOSTILE
    [(ts, opened)] = lab.wait_for("the opening", slack.top)
    assert opened["text"].startswith("*🔴 CRITICAL · api") and colour(opened) == "#D00000"
    no_line_twice(stub_slack.shown(opened))
    incident = lab.wait_for("the incident", d.incidents)[0]["id"]
    assert incident in stub_slack.shown(opened)

    d.stop()
    d.start()
    assert lab.triage("ack", incident, "--comment", "on it <!channel>", env=env(d)).returncode == 0
    lab.wait_for("the acknowledgement", lambda: len(slack.thread(ts)) == 1)
    [ack] = slack.thread(ts)
    assert "acknowledged by" in ack["text"] and "on it &lt;!channel&gt;" in ack["text"]
    assert ack["reply_broadcast"] is False
    assert "acknowledged by" in slack.messages[ts]["text"]

    web.status, web.body = 200, b'{"success":true}'
    lab.wait_for("the end", lambda: len(slack.thread(ts)) == 2)
    assert "RESOLVED after" in slack.thread(ts)[1]["text"]
    assert slack.thread(ts)[1]["reply_broadcast"] is True
    assert "🟢 RESOLVED after" in slack.messages[ts]["text"]
    assert colour(slack.messages[ts]) == "#2EA44F"
    assert len(slack.top()) == 1
    assert not slack.pings and not slack.wrong and not slack.refused
    assert stub_slack.TOKEN not in d.log.read_text()


def test_what_was_deleted_is_posted_anew(daemon, web, slack):
    d = daemon(config(web, bot(slack))).start()
    d.wait_state("api", "up")
    web.stop()
    [(first, _)] = lab.wait_for("the opening", slack.top)
    slack.delete(first)
    lab.wait_for("the incident", d.incidents)
    web.start()
    [(second, message)] = lab.wait_for("another message", slack.top)
    assert second != first and "🟢 RESOLVED after" in message["text"]
    assert [e[0] for e in slack.refused] == ["message_not_found"]


def test_a_rate_limit_is_obeyed_and_nothing_is_said_twice(daemon, web, slack):
    limited = (429, {"Retry-After": "2"}, b'{"ok":false,"error":"ratelimited"}')
    d = daemon(config(web, bot(slack))).start()
    d.wait_state("api", "up")
    slack.failures = [limited]
    web.stop()
    lab.wait_for("the refusal", lambda: slack.calls)
    began = time.monotonic()
    [(ts, _)] = lab.wait_for("the opening", slack.top)
    assert time.monotonic() - began > 1.5
    # The edit is taken, the reply is not: the next try says the reply alone.
    slack.calls.clear()
    lab.wait_for("the incident", d.incidents)
    take = slack.api

    def fail_the_reply(method, doc):
        if "thread_ts" in doc and not slack.thread(ts) and slack.api is fail_the_reply:
            slack.api = take
            return 200, {"Retry-After": "1"}, b'{"ok":false,"error":"internal_error"}'
        return take(method, doc)

    slack.api = fail_the_reply
    web.start()
    lab.wait_for("the reply", lambda: slack.thread(ts))
    assert [m for m, _ in slack.calls] == ["chat.update", "chat.postMessage", "chat.postMessage"]
    assert len(slack.thread(ts)) == 1 and len(slack.edits) == 1


def test_what_is_wrong_is_said_with_what_to_do(daemon, web, slack):
    wrong = stub_slack.TOKEN.replace("pdF", "xxx")
    receivers = bot(slack) + \
        f'  stranger: {{type: slack, url: "{slack.api_url}", token: {wrong}, channel: ops}}\n' \
        f'  nowhere: {{type: slack, url: "{slack.api_url}", token: {stub_slack.TOKEN}, ' \
        "channel: elsewhere}\n" \
        f'  gone: {{type: slack, url: "http://127.0.0.1:{slack.port}/services/T1/B1/gonegone"}}\n'
    d = daemon(config(web, receivers)).start()
    for name, words in (("stranger", "invalid_auth: the token is wrong"),
                        ("nowhere", "channel_not_found: no such channel"),
                        ("gone", "no_service: the webhook is gone")):
        run = lab.triage("test", name, env=env(d))
        said = " ".join((run.stdout + run.stderr).split())
        assert run.returncode != 0 and words in said, said
        assert wrong not in said and stub_slack.TOKEN not in said and "gonegone" not in said, said
    run = lab.triage("test", "ops", env=env(d))
    assert run.returncode == 0, run.stdout + run.stderr
    [(_, message)] = slack.top()
    assert message["text"] == "*🧪 TEST · a test by triaged on lab, nothing is wrong*"
    log = d.log.read_text()
    assert wrong not in log and "gonegone" not in log


def test_many_at_once_are_one_message(daemon, slack):
    webs = [lab.Web().start() for _ in range(12)]
    checks = "".join(f'  web-{i}: {{type: http, url: "{w.url}", interval: 1s, retries: 1}}\n'
                     for i, w in enumerate(webs))
    d = daemon(f'checks:\n{checks}receivers:\n  ops: {{type: slack, url: "{slack.hook_url}"}}\n')
    d.start()
    for i in range(12):
        d.wait_state(f"web-{i}", "up")
    away = (503, {}, b"")
    slack.failures = [away] * 1000
    for w in webs:
        w.stop()
    lab.wait_for("twelve incidents", lambda: len(d.incidents()) == 12)
    slack.failures = []
    lab.wait_for("the digest", lambda: [m for m in slack.hooked if "incidents ·" in m["text"]])
    told = "\n".join(map(stub_slack.shown, slack.hooked))
    lab.wait_for("all of them", lambda: all(
        f"web-{i}" in "\n".join(map(stub_slack.shown, slack.hooked)) for i in range(12)))
    assert len(slack.hooked) <= 6, told
    assert not slack.wrong and not slack.refused


def test_the_stub_refuses_what_slack_refuses():
    stub = stub_slack.Slack()
    good = {"text": "t", "attachments": [{"color": "#D00000", "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]}]}
    assert stub.hook(good)[0] == 200

    def block(doc):
        return {"text": "t", "attachments": [{"color": "#D00000", "blocks": [doc]}]}

    mrkdwn = {"type": "mrkdwn", "text": "x"}
    for bad, said in (
            ({**good, "text": ""}, "no_text"), ({**good, "colour": "x"}, "invalid_payload"),
            ({**good, "text": "x" * 4001}, "msg_too_long"),
            (block({"type": "section"}), "invalid_blocks"),
            (block({"type": "section", "text": {**mrkdwn, "text": "x" * 3001}}), "invalid_blocks"),
            (block({"type": "section", "text": {**mrkdwn, "text": ""}}), "invalid_blocks"),
            (block({"type": "section", "fields": [mrkdwn] * 11}), "invalid_blocks"),
            (block({"type": "header", "text": mrkdwn}), "invalid_blocks"),
            (block({"type": "marquee", "text": mrkdwn}), "invalid_blocks"),
            ({"text": "t", "attachments": good["attachments"] * 2}, "too_many_attachments")):
        status, _, body = stub.hook(json.loads(json.dumps(bad)))
        assert (status, body.decode()) == (400, said), bad
