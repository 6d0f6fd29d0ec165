"""The email receiver against a real SMTP server: what arrives is parsed by Python's email package."""
import base64
import html.parser
import ssl

import pytest

import lab
import srv_net
from srv_mail import MailServer, is_mail_text

LOGIN = ("triaged@example.com", "s3cret-Pa55word")


@pytest.fixture(scope="module")
def keys():
    k = srv_net.Keys()
    yield k
    k.destroy()


@pytest.fixture(scope="module")
def context(keys):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(*keys.make("mail"))
    return c


@pytest.fixture
def post(request):
    made = []

    def make(**how):
        made.append(MailServer(**how).start())
        return made[-1]
    yield make
    for m in made:
        m.stop()


def config(web, mail, more="", to='["ann@example.com"]', top=""):
    return f"""
{top}
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1, labels: {{team: core}}}}
receivers:
  mail: {{type: email, server: "{mail.url}", from: "triaged <triaged@example.com>", to: {to}{more}}}
routes:
  - {{to: mail, group_wait: 0s}}
"""


def secure(keys):
    return f', ca: "{keys.ca}"'


def env(d):
    return {"TRIAGE_URL": f"unix:{d.folder}/api.sock"}


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


def is_harmless(text):
    """Nothing is loaded, nothing runs."""
    for tag, attrs in Tags(text).tags:
        assert tag in {"html", "head", "meta", "body", "div", "pre", "p", "a", "b", "code", "br"}, tag
        assert not {"src", "srcset", "background"} & set(attrs), attrs
        assert not any(name.startswith("on") for name in attrs), attrs
        assert "url(" not in attrs.get("style", "")
        assert attrs.get("href", "http").startswith("http")
    return True


def test_one_thread_from_beginning_to_end(daemon, web, post):
    mail = post()
    d = daemon(config(web, mail)).start()
    d.wait_state("api", "up")
    web.stop()
    first = mail.wait(Event="incident.opened", Check="api")
    incident = d.incidents()[0]["id"]
    assert first.id == f"<incident.{incident}@example.com>" and first.header("In-Reply-To") is None
    assert first.header("X-Triaged-Incident") == incident
    assert first.header("X-Triaged-Severity") == "critical"
    assert first.header("Importance") == "high" and first.header("X-Priority").startswith("1")
    assert first.header("Auto-Submitted") == "auto-generated"
    assert first.header("From") == "triaged <triaged@example.com>"
    assert first.header("To") == "ann@example.com"
    assert first.message["Date"].datetime is not None
    assert "CRITICAL" in first.subject and "api" in first.subject
    assert "api" in first.text and "refused" in first.text
    assert "refused" in Tags(first.html).words and is_harmless(first.html)
    assert is_mail_text(first.raw) and not first.message.defects
    web.start()
    last = mail.wait(Event="incident.resolved", Check="api")
    assert last.header("In-Reply-To") == first.id and last.header("References") == first.id
    assert last.id != first.id and last.header("X-Priority") is None
    assert "RESOLVED" in last.subject.upper()


def test_in_chinese(daemon, web, post):
    mail = post()
    d = daemon(config(web, mail).replace("receivers:", "receivers:", 1))
    d.config.write_text(d.config.read_text().replace("daemon: {", "daemon: {language: zh, ", 1))
    d.start()
    d.wait_state("api", "up")
    web.stop()
    first = mail.wait(Event="incident.opened")
    assert any("\u4e00" <= c <= "\u9fff" for c in first.subject), first.subject
    assert any("\u4e00" <= c <= "\u9fff" for c in first.text)
    assert is_mail_text(first.raw) and not first.message.defects and is_harmless(first.html)


@pytest.mark.parametrize("way", ["starttls", "smtps"])
def test_over_tls_with_a_login(daemon, web, post, keys, context, way):
    mail = post(tls=way, context=context, login=LOGIN)
    d = daemon(config(web, mail, f', user: "{LOGIN[0]}", password: "{LOGIN[1]}", starttls: required'
                      + secure(keys))).start()
    d.wait_state("api", "up")
    run = lab.triage("test", "mail", env=env(d))
    assert run.returncode == 0 and "AUTH" in run.stdout and "***" in run.stdout, run
    assert "MAIL FROM:<triaged@example.com>" in run.stdout, run
    assert mail.wait().header("X-Triaged-Event") == "test"
    assert mail.logins[0][0] in ("PLAIN", "LOGIN") and mail.logins[0][2] == LOGIN
    web.stop()
    mail.wait(Event="incident.opened")
    mail.stop()
    said = run.stdout + run.stderr + d.words()
    assert LOGIN[1] not in said and base64.b64encode(LOGIN[1].encode()).decode()[:-2] not in said


def test_a_wrong_password_loses_nothing(daemon, web, post, keys, context):
    mail = post(tls="starttls", context=context, login=LOGIN)
    text = config(web, mail, f', user: "{LOGIN[0]}", password: "PASS", starttls: required'
                  + secure(keys))
    d = daemon(text.replace("PASS", "wr0ng-Pa55word")).start()
    d.wait_state("api", "up")
    web.stop()
    lab.wait_for("a login", lambda: mail.logins)
    run = lab.triage("test", "mail", env=env(d))
    assert run.returncode != 0 and "535" in run.stdout + run.stderr, run
    assert "wr0ng" not in run.stdout + run.stderr + d.words()
    assert not mail.mails
    d.write(text.replace("PASS", LOGIN[1]))
    d.reload()
    assert mail.wait(Event="incident.opened").header("X-Triaged-Check") == "api"


def test_no_tls_no_mail(daemon, web, post):
    mail = post()
    d = daemon(config(web, mail, ", starttls: required")).start()
    d.wait_state("api", "up")
    run = lab.triage("test", "mail", env=env(d))
    assert run.returncode != 0 and "STARTTLS" in run.stdout + run.stderr, run
    assert not mail.mails


def test_who_has_it_is_not_mailed_again(daemon, web, post):
    mail = post()
    mail.answers = {"bob@example.com": "450 4.2.0 greylisted, come back",
                    "eve@example.com": "550 5.1.1 no such user"}
    d = daemon(config(web, mail, to="[ann@example.com, bob@example.com, eve@example.com]")).start()
    d.wait_state("api", "up")
    web.stop()
    first = mail.wait(Event="incident.opened")
    assert first.people == ["ann@example.com"]
    mail.answers.pop("bob@example.com")
    second = mail.wait(2, Event="incident.opened")
    assert second.people == ["bob@example.com"] and second.raw == first.raw


def test_killed_before_the_server_is_back(daemon, web, post):
    mail = post()
    d = daemon(config(web, mail)).start()
    d.wait_state("api", "up")
    mail.stop()
    web.stop()
    lab.wait_for("the incident", d.incidents)
    d.kill()
    mail.start()
    d.start()
    mail.wait(Event="incident.opened")
    assert len({m.id for m in mail.mails}) == 1


EVIL = ('<script>alert(1)</script> "quoted" \\\\ @everyone \u202eevil\u200b \U0001f525 '
        '<img src=x onerror=alert(1)>')


def test_evidence_of_strangers_is_harmless_and_bounded(daemon, folder, web, post):
    mail = post()
    web.status, web.body = 500, (EVIL.encode() + b"\r\nBcc: all@example.com\r\n.\r\n") * 20000
    d = daemon(config(web, mail)).start()
    told = mail.wait(Event="incident.opened")
    assert len(web.body) > 1 << 20 and len(told.raw) < 140 * 1024
    assert is_mail_text(told.raw) and not told.message.defects and is_harmless(told.html)
    assert told.header("Bcc") is None and told.people == ["ann@example.com"]
    assert "script" not in {tag for tag, _ in Tags(told.html).tags}
    assert len(mail.mails) == 1
    assert d.process.poll() is None
