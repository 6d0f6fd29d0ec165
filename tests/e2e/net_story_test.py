"""What answers on a network and does not answer right: each cause gets its playbook's words, in one
daemon with many checks that fail for reasons of their own."""
import contextlib

import pytest

import lab
import srv_net
from srv_net import Stub

KEYS = "interval: 1s, timeout: 1s, retries: 1"


@pytest.fixture(scope="module")
def keys():
    made = srv_net.Keys()
    made.make("old", days=1, shift="-3d")
    yield made
    made.destroy()


# check -> what answers, the check, and the finding in the webhook
def cases(keys, names):
    page = srv_net.http("404 Not Found", b"no")
    return {
        "silent": (srv_net.mute, "type: smtp, address: 127.0.0.1:{port}", "net-noreply.silent"),
        "closing": (lambda conn: None, "type: smtp, address: 127.0.0.1:{port}", "net-reset."),
        "cut": (srv_net.reset, "type: http, url: http://127.0.0.1:{port}/", "api-down.closes-at-once"),
        "stranger": (srv_net.say(b"SSH-2.0-lab\r\n"), "type: smtp, address: 127.0.0.1:{port}",
                     "net-protocol.other-server"),
        "plain": (srv_net.mail({"EHLO": "250 mail.lab"}),
                  "type: smtp, address: 127.0.0.1:{port}, starttls: required",
                  "smtp-trouble.encryption"),
        "full": (srv_net.mail({}, greeting="421 too many connections"),
                 "type: smtp, address: 127.0.0.1:{port}", "smtp-trouble.busy"),
        "gone": (page, "type: http, url: http://127.0.0.1:{port}/api", "http-refused.no-such-path"),
        "broken": (srv_net.http(body=b"half", length=400), "type: http, url: http://127.0.0.1:{port}/",
                   "http-broken-off.broken-off"),
        "old": (srv_net.tls((keys.folder / "old.pem", keys.folder / "old.key")),
                f"type: tls, address: localhost:{{port}}, ca: {keys.ca}", "tls-refused.expired"),
        "name": (None, f"type: dns, name: nobody.lab, server: {names.address}", "dns-answer.name-gone"),
        "nobody": (None, f"type: tcp, address: 127.0.0.1:{lab.free_port()}", "net-refused.not-listening"),
    }


def test_each_cause_has_its_words(daemon, hook, keys):
    names = srv_net.Names({})
    with contextlib.ExitStack() as stack:
        all_cases, checks = cases(keys, names), []
        for name, (talk, check, _) in all_cases.items():
            port = stack.enter_context(Stub(talk)).port if talk else 0
            checks.append(f"  {name}: {{{check.format(port=port)}, {KEYS}}}")
        daemon("checks:\n" + "\n".join(checks) + f"""
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
routes:
  - {{to: [hook], match: {{severity: [info, warning, critical]}}}}
""").start()
        try:
            for name, (_, _, finding) in all_cases.items():
                wait_finding(hook, name, finding)
        finally:
            names.close()


def wait_finding(hook, name, finding):
    """As last told: later facts may have changed the words."""
    def told():
        seen = [e["data"]["incident"] for e in hook.events(check=name)]
        return seen[-1] if seen and seen[-1]["cause"].get("finding", "").startswith(finding) else None
    try:
        incident = lab.wait_for(f"{name} to be {finding}", told, 15)
    except AssertionError as e:
        raise AssertionError(f"{e}: {titles(hook)}") from None
    assert "?" not in incident["title"] and name in incident["title"], incident["title"]
    assert incident["remedy"] and "{{" not in str(incident["remedy"]), incident["remedy"]


def titles(hook):
    return [(i["check"], i["title"], i["cause"].get("finding")) for i in
            (e["data"]["incident"] for e in hook.events())]
