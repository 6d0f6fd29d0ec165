"""Slack and Mattermost, stricter than the real ones: both refuse what the services refuse, with the
same words, and keep what they took.

A mention or a link that is not of our own making, and an entity that is cut, is kept in `wrong`.
"""
import http.server
import json
import re
import threading

import lab

HOOK_PATH = "/services/T00000000/B00000000/hookhookhookhook"
TOKEN = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy"
CHANNELS = {"ops": "C024BE91L", "C024BE91L": "C024BE91L"}

MESSAGE_KEYS = {"text", "attachments", "blocks", "unfurl_links", "unfurl_media", "mrkdwn", "channel",
                "thread_ts", "reply_broadcast", "parse", "link_names", "metadata"}
HOOK_KEYS = MESSAGE_KEYS - {"channel", "reply_broadcast"}
UPDATE_KEYS = {"channel", "ts", "text", "attachments", "blocks", "parse", "link_names",
               "reply_broadcast", "metadata"}


class Refused(Exception):
    pass


def size(text):
    """As JavaScript counts."""
    return len(text.encode("utf-16-le")) // 2


def only(thing, keys, error):
    if not isinstance(thing, dict) or set(thing) - set(keys):
        raise Refused(error, f"unknown: {thing}")


def check_text(thing, most, kinds=("mrkdwn", "plain_text")):
    kind = thing.get("type") if isinstance(thing, dict) else None
    if kind not in kinds:
        raise Refused("invalid_blocks", f"no text object of {kinds}: {thing}")
    only(thing, ("type", "text", "verbatim" if kind == "mrkdwn" else "emoji"), "invalid_blocks")
    if not isinstance(thing.get("text"), str) or not 1 <= size(thing["text"]) <= most:
        raise Refused("invalid_blocks", f"a text of {size(thing['text'])}, {most} allowed")
    if not isinstance(thing.get("verbatim", True), bool):
        raise Refused("invalid_blocks", "verbatim is no boolean")


def check_header(block):
    only(block, ("type", "text", "block_id"), "invalid_blocks")
    check_text(block.get("text"), 150, ("plain_text",))


def check_section(block):
    only(block, ("type", "text", "fields", "block_id"), "invalid_blocks")
    if "text" not in block and "fields" not in block:
        raise Refused("invalid_blocks", "an empty section")
    if "text" in block:
        check_text(block["text"], 3000)
    if "fields" in block and not 1 <= len(block["fields"]) <= 10:
        raise Refused("invalid_blocks", "1 to 10 fields")
    for field in block.get("fields", ()):
        check_text(field, 2000)


def check_context(block):
    only(block, ("type", "elements", "block_id"), "invalid_blocks")
    if not 1 <= len(block.get("elements", ())) <= 10:
        raise Refused("invalid_blocks", "1 to 10 elements")
    for element in block["elements"]:
        check_text(element, 3000)


def check_actions(block):
    only(block, ("type", "elements", "block_id"), "invalid_blocks")
    if not 1 <= len(block.get("elements", ())) <= 25:
        raise Refused("invalid_blocks", "1 to 25 elements")
    for element in block["elements"]:
        only(element, ("type", "text", "url", "action_id", "value", "style"), "invalid_blocks")
        check_text(element.get("text"), 75, ("plain_text",))
        if element.get("type") != "button" or len(element.get("url", "")) > 3000:
            raise Refused("invalid_blocks", "no button")


def check_divider(block):
    only(block, ("type", "block_id"), "invalid_blocks")


BLOCKS = {"header": check_header, "section": check_section, "context": check_context,
          "actions": check_actions, "divider": check_divider}


def check_blocks(blocks):
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 50:
        raise Refused("invalid_blocks", "1 to 50 blocks")
    for block in blocks:
        if not isinstance(block, dict) or block.get("type") not in BLOCKS:
            raise Refused("invalid_blocks", f"no such block: {block}")
        BLOCKS[block["type"]](block)


def check_message(doc, keys):
    only(doc, keys, "invalid_arguments")
    if not isinstance(doc.get("text"), str) or not doc["text"]:
        raise Refused("no_text", "")
    if size(doc["text"]) > 4000:
        raise Refused("msg_too_long", "")
    attachments = doc.get("attachments", [])
    if len(attachments) > 1:
        raise Refused("too_many_attachments", "")
    for one in attachments:
        only(one, ("color", "blocks", "fallback"), "invalid_attachments")
        if not re.fullmatch(r"#[0-9A-F]{6}", one.get("color", "")):
            raise Refused("invalid_attachments", "color")
        check_blocks(one.get("blocks"))


def texts_of(thing):
    if isinstance(thing, dict):
        for key, value in thing.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts_of(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from texts_of(value)


def shown(message):
    """As a person reads it: links and entities resolved, marks of bold taken away."""
    out = "\n".join(texts_of(message))
    out = re.sub(r"<(https?://[^|>]*)>", r"\1", out)
    out = re.sub(r"<([^|>]*)\|([^>]*)>", r"\2", out)
    out = re.sub(r"```([^`]*)```", r"\1", out)
    out = re.sub(r"(?m)^\*(.*)\*$", r"\1", out)
    return out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Slack(lab.Server):
    """An incoming webhook and the Web API of one workspace with one channel."""

    def __init__(self, port=None):
        super().__init__(port)
        self.calls = []  # (method or "hook", body)
        self.messages = {}  # ts: the newest body; those of threads have thread_ts
        self.edits = []  # (ts, body)
        self.hooked = []
        self.pings, self.wrong, self.refused = [], [], []
        self.failures = []  # (status, headers, body): answers to the next requests instead
        self.lock = threading.Lock()
        self.count = 0

    @property
    def hook_url(self):
        return f"http://127.0.0.1:{self.port}{HOOK_PATH}"

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self.port}/api"

    def top(self):
        """Messages of the channel that are no replies, oldest first: [(ts, body)]."""
        return [(ts, m) for ts, m in self.messages.items() if "thread_ts" not in m]

    def thread(self, ts):
        return [m for m in self.messages.values() if m.get("thread_ts") == ts]

    def delete(self, ts):
        with self.lock:
            del self.messages[ts]

    def look(self, doc):
        for text in texts_of(doc):
            for tag in re.findall(r"<([^>]*)>", text):
                if re.match(r"[!@#]", tag):
                    self.pings.append(tag)
                elif not re.match(r"https?://[^|]+(\|[^|]+)?$", tag):
                    self.wrong.append(text)
            if re.search(r"&(?!amp;|lt;|gt;)", text) or "<" in re.sub(r"<[^>]*>", "", text):
                self.wrong.append(text)

    # -- the incoming webhook: texts --

    def hook(self, doc):
        try:
            check_message(doc, HOOK_KEYS)
        except Refused as e:
            self.refused.append(e.args)
            error = e.args[0]
            return 400, {}, ("invalid_payload" if error == "invalid_arguments" else error).encode()
        self.look(doc)
        self.hooked.append(doc)
        return 200, {}, b"ok"

    # -- the Web API: 200 and JSON --

    def api(self, method, doc):
        try:
            reply = {"ok": True, **getattr(self, method.replace(".", "_"))(doc)}
        except Refused as e:
            self.refused.append(e.args)
            reply = {"ok": False, "error": e.args[0]}
        return 200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(reply).encode()

    def channel(self, doc):
        if doc.get("channel") not in CHANNELS:
            raise Refused("channel_not_found", "")
        return CHANNELS[doc["channel"]]

    def chat_postMessage(self, doc):  # noqa: N802
        check_message(doc, MESSAGE_KEYS)
        channel = self.channel(doc)
        if "thread_ts" in doc and doc["thread_ts"] not in self.messages:
            raise Refused("thread_not_found", "")
        self.look(doc)
        self.count += 1
        ts = f"1503435956.{self.count:06d}"
        self.messages[ts] = doc
        return {"channel": channel, "ts": ts, "message": {"text": doc["text"]}}

    def chat_update(self, doc):
        check_message(doc, UPDATE_KEYS)
        if doc["channel"] not in CHANNELS.values():  # an id, no name
            raise Refused("channel_not_found", "")
        if doc.get("ts") not in self.messages:
            raise Refused("message_not_found", "")
        self.look(doc)
        self.messages[doc["ts"]] = doc
        self.edits.append((doc["ts"], doc))
        return {"channel": doc["channel"], "ts": doc["ts"], "text": doc["text"]}

    # -- HTTP --

    def answer(self, path, headers, body):
        try:
            doc = json.loads(body)
        except ValueError:
            return 400, {}, b"invalid_payload"
        is_json = headers.get("Content-Type") == "application/json; charset=utf-8"
        method = path.rpartition("/")[2] if path.startswith("/api/") else "hook"
        self.calls.append((method, doc))
        if self.failures:
            return self.failures.pop(0)
        if path == HOOK_PATH:
            return self.hook(doc) if is_json else (400, {}, b"invalid_payload")
        if path.startswith("/services/"):
            return 404, {}, b"no_service"
        if method not in ("chat.postMessage", "chat.update"):
            return 200, {}, b'{"ok":false,"error":"unknown_method"}'
        if not is_json:
            return 200, {}, b'{"ok":false,"error":"invalid_post_type"}'
        if "Authorization" not in headers:
            return 200, {}, b'{"ok":false,"error":"not_authed"}'
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 200, {}, b'{"ok":false,"error":"invalid_auth"}'
        return self.api(method, doc)

    def handler(self):
        return handler_of(self)


class Mattermost(lab.Server):
    """One incoming webhook."""

    PATH = "/hooks/3f5w1gkz8ibmzxtrmnmm4aj7cw"
    KEYS = {"text", "channel", "username", "icon_url", "icon_emoji", "attachments", "type", "props"}

    def __init__(self, port=None):
        super().__init__(port)
        self.posts = []
        self.pings, self.refused = [], []

    @property
    def hook_url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}"

    def problem(self, status, name, words):
        self.refused.append((name, words))
        return status, {"Content-Type": "application/json"}, json.dumps(
            {"id": f"web.incoming_webhook.{name}.app_error", "message": words,
             "detailed_error": "", "request_id": "abc", "status_code": status}).encode()

    def check(self, doc):
        if set(doc) - self.KEYS:
            return "unknown keys"
        for one in doc.get("attachments", ()):
            if set(one) - {"fallback", "color", "text", "title", "title_link", "footer"}:
                return "unknown keys in the attachment"
            if not re.fullmatch(r"#[0-9A-F]{6}", one.get("color", "")):
                return "color"
        if sum(len(t) for t in texts_of(doc)) > 16383:
            return "too long"
        return None

    def answer(self, path, headers, body):
        if path != self.PATH:
            return self.problem(400, "invalid", "Invalid webhook.")
        doc = json.loads(body)
        wrong = self.check(doc)
        if wrong:
            return self.problem(400, "parse", wrong)
        if not doc.get("text") and not doc.get("attachments"):
            return self.problem(400, "text", "No text specified.")
        for text in texts_of(doc):
            spoken = re.sub(r"(?s)```.*?```", "", text)
            self.pings += re.findall(r"\B@(?:here|channel|all|everyone)\b", spoken)
        self.posts.append(doc)
        return 200, {"Content-Type": "text/plain"}, b"ok"

    def handler(self):
        return handler_of(self)


def handler_of(service):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, text = service.answer(self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    return Handler
