"""The incident that README tells of, with README's own settings: a mistyped line in Redis' settings."""
import http.server
import socket
import subprocess
import sys

import pytest

import lab
import stub_slack

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402


class Api(lab.Server):
    """An API that is as well as its Redis."""

    def __init__(self, redis_port):
        super().__init__()
        self.redis_port = redis_port

    def handler(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with socket.socket() as s:
                    is_well = s.connect_ex(("127.0.0.1", api.redis_port)) == 0
                body = b'{"success":%s}' % (b"true" if is_well else b"false")
                self.send_response(200 if is_well else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler


class Redis:
    """As a unit has it: a settings file, and its words in a file that outlives it."""

    def __init__(self, folder):
        self.port = lab.free_port()
        self.conf, self.log = f"{folder}/redis.conf", f"{folder}/redis.log"
        self.good = f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nsave \"\"\n"
        self.process = None

    def start(self, more=""):
        with open(self.conf, "w") as f:
            f.write(self.good + more)
        self.process = subprocess.Popen(["redis-server", self.conf], stdin=subprocess.DEVNULL,
                                        stdout=open(self.log, "ab"), stderr=subprocess.STDOUT)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def shop(folder):
    redis, slack = Redis(folder), stub_slack.Slack().start()
    api = Api(redis.port).start()
    redis.start()
    yield redis, api, slack
    redis.stop()
    api.stop()
    slack.stop()


def settings(folder, syslog, shop, hook):
    """README's block, with the lab's places and a second for its five."""
    text = next(b.text for b in pages.blocks("README.md") if b.text.startswith("# my.yaml"))
    for example, instead in (
            ("/tmp/triaged", f"{folder}/state"), ("127.0.0.1:3000", f"127.0.0.1:{shop[1].port}"),
            ("127.0.0.1:6379", f"127.0.0.1:{shop[0].port}"), ("https://example.com/in", hook.url),
            ("type: syslog", f"type: syslog, socket: {syslog.path}"), ("interval: 5s", "interval: 1s")):
        assert example in text, example
        text = text.replace(example, instead)
    return text + "api: { listen: off }\n"


@pytest.mark.scenario("redis-unreachable")
def test_one_incident_about_redis(daemon, folder, syslog, shop, hook, fault):
    redis, _, slack = shop
    d = daemon(env={"SLACK_WEBHOOK_URL": slack.hook_url, "HOOK_SECRET": lab.SECRET_TEXT})
    d.write(settings(folder, syslog, shop, hook), head=False)
    d.start()
    for name in ("cache", "api", "disks[/]", "memory"):
        d.wait_state(name, "up")
    lab.wait_for("its log to be known", lambda: redis.log.encode() in b"".join(
        path.read_bytes() for path in d.state.glob("state.db*")))
    fault.begin()
    redis.stop()
    redis.start("maxmemory 2G B\n")
    incident = fault.read(hook, "cache", cause="net.refused", finding="redis-stopped.bad-settings",
                          severity="critical", title="Redis does not start, its settings are wrong",
                          facts=["port-owner", "log-tail", "changes"], impact=["api"],
                          evidence=["FATAL CONFIG FILE ERROR", ">>> 'maxmemory 2G B'"],
                          remedy="correct the line that it names")
    assert all(event["_signed"] for event in hook.events())
    assert [i["check"] for i in d.incidents() if i["check"] in ("api", "cache")] == ["cache"]
    said = lab.wait_for("Slack", lambda: [str(m) for m in slack.hooked if "its settings are wrong" in str(m)])[0]
    for part in ("CRITICAL", "FATAL CONFIG FILE ERROR", "What to do", "redis.conf was changed"):
        assert part in said, (part, said)
    syslog.wait("OPENED critical cache: Redis does not start, its settings are wrong")
    shown = lab.triage("show", incident["id"][:4], "--md", env=d.environment()).stdout
    for part in ("- **api** (check-down", "redis.conf was changed", ">>> 'maxmemory 2G B'", "- [ ] correct the line"):
        assert part in shown, (part, shown)
    redis.stop()
    redis.start()
    hook.wait("incident.resolved", "cache")
    assert not hook.events("incident.opened", "api")
