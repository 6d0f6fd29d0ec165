"""Discord's webhook API: its limits in code points, its structure, its rate limit and its errors.

Nothing beyond the documented keys is taken (the real one ignores some): a stub is there to find
mistakes.  `pinged` of a message is who would have been called by it.
"""
import datetime
import re
import time

from stub_chat import Refusal, Service

ID, TOKEN = "1029384756102938475", "hidden-" + "x" * 60 + "-Token"
RATE, PERIOD = 5, 2.0

POST_KEYS = {"content", "username", "avatar_url", "tts", "embeds", "allowed_mentions", "flags",
             "thread_name", "applied_tags"}
EDIT_KEYS = {"content", "embeds", "flags", "allowed_mentions"}
EMBED_KEYS = {"title", "description", "url", "timestamp", "color", "footer", "image", "thumbnail",
              "author", "fields"}


def form_error(path, code, words):
    errors = {"_errors": [{"code": code, "message": words}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return Refusal(400, {"message": "Invalid Form Body", "code": 50035, "errors": errors})


def text(value, path, limit, required=True):
    if not isinstance(value, str):
        raise form_error(path, "BASE_TYPE_BAD_STRING", "Must be a string.")
    value = value.strip()
    if required and not value:
        raise form_error(path, "BASE_TYPE_REQUIRED", "This field is required")
    if len(value) > limit:
        raise form_error(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
    return len(value)


def keys(value, allowed, path):
    for key in set(value) - allowed:
        raise form_error(f"{path}.{key}".strip("."), "UNKNOWN_KEY", "There is no such field.")


def check_embed(embed, path):
    keys(embed, EMBED_KEYS, path)
    size = 0
    if "title" in embed:
        size += text(embed["title"], f"{path}.title", 256)
    if "description" in embed:
        size += text(embed["description"], f"{path}.description", 4096)
    if "footer" in embed:
        size += text(embed["footer"].get("text"), f"{path}.footer.text", 2048)
    if "url" in embed and not re.match(r"https?://[^/ ]+\.[^/ ]+", embed["url"]):
        raise form_error(f"{path}.url", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    if "timestamp" in embed:
        datetime.datetime.strptime(embed["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    if not 0 <= embed.get("color", 0) <= 0xFFFFFF:
        raise form_error(f"{path}.color", "NUMBER_TYPE_MAX", "int value should be <= 16777215.")
    if len(embed.get("fields", [])) > 25:
        raise form_error(f"{path}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for i, field in enumerate(embed.get("fields", [])):
        keys(field, {"name", "value", "inline"}, f"{path}.fields.{i}")
        size += text(field.get("name"), f"{path}.fields.{i}.name", 256)
        size += text(field.get("value"), f"{path}.fields.{i}.value", 1024)
    if size == 0:
        raise form_error(path, "LIST_ITEM_VALUE_REQUIRED", "An embed says something.")
    return size


class Discord(Service):
    def __init__(self, port=None):
        super().__init__(port)
        self.messages = {}  # id -> message, as it is now
        self.order = []  # ids in the order of posting
        self.edits = []  # (id, message)
        self.threads = set()
        self.times = []
        self.limited = 0
        self.next_id = 1100000000000000000
        self.is_gone = False

    @property
    def url(self):
        return f"{self.origin}/api/webhooks/{ID}/{TOKEN}"

    def delete(self, message_id):
        del self.messages[message_id]

    def limit(self):
        now = time.monotonic()
        self.times = [t for t in self.times if now - t < PERIOD] + [now]
        if len(self.times) <= RATE:
            return None
        self.times.pop()
        self.limited += 1
        wait = round(PERIOD - (now - self.times[0]), 3)
        self.wait_for_it(wait)
        return (429, {"Retry-After": str(int(wait) + 1), "X-RateLimit-Limit": str(RATE),
                      "X-RateLimit-Remaining": "0", "X-RateLimit-Scope": "user"},
                {"message": "You are being rate limited.", "retry_after": wait, "global": False})

    def take(self, request):
        m = re.fullmatch(r"/api(?:/v\d+)?/webhooks/(\d+)/([\w-]+)(?:/messages/(\d+))?", request.path)
        if not m:
            raise Refusal(404, {"message": "404: Not Found", "code": 0})
        if self.is_gone or m.group(1) != ID:
            raise Refusal(404, {"message": "Unknown Webhook", "code": 10015})
        if m.group(2) != TOKEN:
            raise Refusal(401, {"message": "Invalid Webhook Token", "code": 50027})
        limited = self.limit()
        if limited:
            return limited
        if not request.headers.get("user-agent"):
            raise Refusal(403, {"message": "no user agent", "code": 40333})
        try:
            body = request.json()
        except ValueError:
            raise Refusal(400, {"message": "The request body contains invalid JSON.",
                                "code": 50109}) from None
        thread = request.query.get("thread_id")
        if thread is not None and thread not in self.threads:
            raise Refusal(404, {"message": "Unknown Channel", "code": 10003})
        if request.method == "PATCH" and m.group(3):
            return self.edit(m.group(3), body, thread)
        if request.method == "POST" and not m.group(3):
            return self.post(body, thread, request.query)
        raise Refusal(405, {"message": "405: Method Not Allowed", "code": 0})

    def check(self, body, allowed):
        keys(body, allowed, "")
        if not body.get("content") and not body.get("embeds"):
            raise Refusal(400, {"message": "Cannot send an empty message", "code": 50006})
        if body.get("content"):
            text(body["content"], "content", 2000)
        if "username" in body:
            text(body["username"], "username", 80)
        embeds = body.get("embeds", [])
        if len(embeds) > 10:
            raise form_error("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
        if sum(check_embed(e, f"embeds.{i}") for i, e in enumerate(embeds)) > 6000:
            raise form_error("embeds", "MAX_EMBED_SIZE_EXCEEDED",
                             "Embed size exceeds maximum size of 6000")
        allowed = body.get("allowed_mentions", {})
        keys(allowed, {"parse", "roles", "users", "replied_user"}, "allowed_mentions")
        for kind in ("roles", "users"):
            if kind in allowed and kind in allowed.get("parse", []):
                raise form_error("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                                 f"parse:[\"{kind}\"] and {kind} are mutually exclusive.")

    @staticmethod
    def pinged(body):
        """Who is called, at a post; without allowed_mentions it is whoever stands there."""
        content, out = body.get("content", ""), set()
        allowed = body.get("allowed_mentions")
        for kind, pattern in (("roles", r"<@&(\d+)>"), ("users", r"<@!?(\d+)>")):
            for who in re.findall(pattern, content):
                if allowed is None or kind in allowed.get("parse", []) or \
                        who in allowed.get(kind, []):
                    out.add(who)
        for who in re.findall(r"@(everyone|here)", content):
            if allowed is None or "everyone" in allowed.get("parse", []):
                out.add(who)
        return sorted(out)

    def post(self, body, thread, query):
        self.check(body, POST_KEYS)
        self.next_id += 1
        message = {**body, "id": str(self.next_id), "type": 0, "webhook_id": ID,
                   "channel_id": thread or "1", "pinged": self.pinged(body)}
        self.messages[message["id"]] = message
        self.order.append(message["id"])
        if query.get("wait") != "true":
            return 204, {}, b""
        return 200, {}, {**message, "pinged": None}

    def edit(self, message_id, body, thread):
        message = self.messages.get(message_id)
        if message is None or message["channel_id"] != (thread or "1"):
            return 404, {}, {"message": "Unknown Message", "code": 10008}
        self.check(body, EDIT_KEYS)
        message.update(body)
        self.edits.append((message_id, dict(message)))
        return 200, {}, {**message, "pinged": None}

    def all_text(self):
        return [str(self.messages[i]) for i in self.order if i in self.messages]
