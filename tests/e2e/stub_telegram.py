"""Telegram's Bot API: sendMessage and editMessageText, with its HTML parser, its limits (counted as
UTF-16 units, the strictest reading), its rate limit for groups and its errors."""
import html.parser
import re
import time

from stub_chat import Refusal, Service, utf16

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"
GROUP = -100123456789
RATE, PERIOD = 20, 60.0

TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "blockquote",
        "tg-spoiler"}
SEND_KEYS = {"chat_id", "message_thread_id", "text", "parse_mode", "entities",
             "link_preview_options", "disable_notification", "protect_content", "reply_parameters",
             "reply_markup"}
EDIT_KEYS = {"chat_id", "message_id", "text", "parse_mode", "entities", "link_preview_options",
             "reply_markup"}


def bad(words, **parameters):
    doc = {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}
    if parameters:
        doc["parameters"] = parameters
    return Refusal(400, doc)


class Html(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__(convert_charrefs=False)
        self.open, self.out, self.entities = [], "", 0
        for m in re.finditer(r"<(?!/?[a-z])", source):
            raise bad(f"can't parse entities: Unsupported start tag \"\" at byte offset {m.start()}")
        self.feed(source)
        self.close()
        if self.open:
            raise bad(f"can't parse entities: Can't find end tag corresponding to start tag "
                      f"\"{self.open[-1]}\"")

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            raise bad(f"can't parse entities: Unsupported start tag \"{tag}\" at byte offset 0")
        if {name for name, _ in attrs} - ({"href"} if tag == "a" else {"class"}):
            raise bad("can't parse entities: unexpected attribute")
        self.open.append(tag)
        self.entities += 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise bad(f"can't parse entities: Unmatched end tag at byte offset 0, found \"</{tag}>\"")

    def handle_data(self, data):
        self.out += data

    def handle_entityref(self, name):
        known = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
        if name not in known:
            raise bad(f"can't parse entities: &{name}; is not supported")
        self.out += known[name]

    def handle_charref(self, name):
        self.out += chr(int(name[1:], 16) if name.lower().startswith("x") else int(name))


class Telegram(Service):
    def __init__(self, port=None):
        super().__init__(port)
        self.chats = {GROUP}
        self.moved = {}  # chat -> supergroup
        self.messages = {}  # (chat, id) -> message, as it is now
        self.order = []
        self.edits = []
        self.times = []
        self.next_id = 100

    @property
    def url(self):
        return self.origin

    def delete(self, key):
        del self.messages[key]

    def limit(self):
        now = time.monotonic()
        self.times = [t for t in self.times if now - t < PERIOD] + [now]
        if len(self.times) <= RATE:
            return None
        self.times.pop()
        return self.too_many(int(PERIOD - (now - self.times[0])) + 1)

    def too_many(self, seconds):
        self.wait_for_it(seconds)
        return (429, {"Retry-After": str(seconds)},
                {"ok": False, "error_code": 429,
                 "description": f"Too Many Requests: retry after {seconds}",
                 "parameters": {"retry_after": seconds}})

    def take(self, request):
        m = re.fullmatch(r"/bot([^/]+)/(\w+)", request.path)
        if not m:
            raise Refusal(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        if m.group(1) != TOKEN:
            raise Refusal(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        method = {"sendMessage": self.send, "editMessageText": self.edit}.get(m.group(2))
        if method is None or request.method != "POST":
            raise Refusal(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        # What is documented speaks of messages; edits are not counted.
        limited = self.limit() if m.group(2) == "sendMessage" else None
        if limited:
            return limited
        try:
            body = request.json()
        except ValueError:
            raise bad("can't parse JSON object") from None
        chat = body.get("chat_id")
        if chat in self.moved:
            return 400, {}, bad("group chat was upgraded to a supergroup chat",
                                migrate_to_chat_id=self.moved[chat]).doc
        if chat not in self.chats:
            raise bad("chat not found")
        return 200, {}, {"ok": True, "result": method(chat, body)}

    def read_text(self, body, allowed):
        if set(body) - allowed:
            raise bad(f"unknown parameters {sorted(set(body) - allowed)}")
        if body.get("parse_mode") != "HTML":
            raise bad("unsupported parse_mode")
        parsed = Html(body.get("text", ""))
        if not parsed.out.strip():
            raise bad("message text is empty")
        if utf16(parsed.out) > 4096:
            raise bad("message is too long")
        if parsed.entities > 100:
            raise bad("more than 100 entities: the rest would be lost")
        return parsed.out

    def send(self, chat, body):
        plain = self.read_text(body, SEND_KEYS)
        reply = body.get("reply_parameters")
        if reply and (chat, reply["message_id"]) not in self.messages and \
                not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        self.next_id += 1
        message = {"message_id": self.next_id, "chat": {"id": chat}, "text": plain,
                   "html": body["text"], "silent": body.get("disable_notification", False),
                   "reply_to": reply and reply["message_id"]}
        self.messages[chat, self.next_id] = message
        self.order.append((chat, self.next_id))
        return message

    def edit(self, chat, body):
        key = chat, body.get("message_id")
        plain = self.read_text(body, EDIT_KEYS)
        if key not in self.messages:
            doc = bad("message to edit not found").doc
            raise Gone(400, doc)
        if self.messages[key]["text"] == plain:
            raise Gone(400, bad("message is not modified: specified new message content and reply "
                                "markup are exactly the same as a current content and reply markup "
                                "of the message").doc)
        self.messages[key].update(text=plain, html=body["text"])
        self.edits.append((key, dict(self.messages[key])))
        return self.messages[key]

    def answer(self, request):
        try:
            return super().answer(request)
        except Gone as g:
            return g.status, {}, g.doc


class Gone(Exception):
    """An answer that a client must expect, so no mistake of it."""

    def __init__(self, status, doc):
        super().__init__(str(doc))
        self.status, self.doc = status, doc
