"""A real SMTP server (aiosmtpd) whose mails are read back by Python's email package."""
import email
import email.policy
import re

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

import lab


class Mail:
    """One mail as it arrived."""

    def __init__(self, envelope):
        self.people = list(envelope.rcpt_tos)
        self.raw = envelope.original_content
        self.sender = envelope.mail_from
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)
        self.subject = self.message["Subject"]
        self.id = self.message["Message-ID"].strip()

    def part(self, kind):
        return self.message.get_body((kind,)).get_content()

    @property
    def text(self):
        return self.part("plain")

    @property
    def html(self):
        return self.part("html")

    def header(self, name):
        return str(self.message[name]) if self.message[name] is not None else None


class MailServer:
    """`tls`: None, "starttls" or "smtps"; `login`: (user, password), asked for if given.

    `answers`: code and words for RCPT by address, or for the mail itself under "data"."""

    def __init__(self, *, tls=None, context=None, login=None, port=None):
        self.tls, self.context, self.login = tls, context, login
        self.port = port or lab.free_port()
        self.mails, self.answers, self.logins = [], {}, []
        self.controller = None

    @property
    def url(self):
        return f"{'smtps' if self.tls == 'smtps' else 'smtp'}://localhost:{self.port}"

    def authenticate(self, server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        self.logins.append((mechanism, session.ssl is not None, given))
        return AuthResult(success=given == self.login, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "data" in self.answers:
            return self.answers["data"]
        self.mails.append(Mail(envelope))
        return "250 2.0.0 queued"

    def start(self):
        outer = self
        keys = {"enable_SMTPUTF8": True, "hostname": "mail.lab"}
        if self.login:
            keys.update(authenticator=self.authenticate, auth_required=True,
                        auth_require_tls=self.tls == "starttls")
        if self.tls == "starttls":
            keys.update(tls_context=self.context, require_starttls=True)

        class Listener(Controller):
            def factory(self):
                return SMTP(outer, **keys)

        self.controller = Listener(
            self, hostname="127.0.0.1", port=self.port,
            ssl_context=self.context if self.tls == "smtps" else None)
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    def wait(self, count=1, **headers):
        """The last of `count` mails that have these headers (X-Triaged-... without the beginning)."""
        def fitting():
            out = [m for m in self.mails
                   if all(m.header(f"X-Triaged-{k}") == v for k, v in headers.items())]
            return out if len(out) >= count else None
        return lab.wait_for(f"{count} mails with {headers}: {[m.subject for m in self.mails]}",
                            fitting)[count - 1]


def is_mail_text(raw):
    """Seven bits, lines of at most 76 characters that end with CRLF."""
    lines = raw.split(b"\r\n")
    return all(len(line) <= 76 and not re.search(rb"[\r\n\x80-\xff]", line) for line in lines)
