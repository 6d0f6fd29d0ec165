"""A ntfy server: publishing as JSON, with its limits and errors.  A message that it would turn into
a file counts as refused: a phone would not show it."""
import base64
import re

from stub_chat import Refusal, Service

TOPIC, AUTH = "hidden-topic-a7f3", "tk_hidden0123456789abcdef"
MESSAGE_MAX = 4096
KEYS = {"topic", "message", "title", "tags", "priority", "actions", "click", "attach", "markdown",
        "icon", "filename", "delay", "email", "call", "cache", "firebase", "sequence_id"}


def error(code, words, link=""):
    return Refusal(code // 100, {"code": code, "http": code // 100, "error": words, "link": link})


class Ntfy(Service):
    def __init__(self, port=None):
        super().__init__(port)
        self.messages = []

    @property
    def url(self):
        return self.origin

    def take(self, request):
        if request.path != "/" or request.method not in ("POST", "PUT"):
            raise error(40401, "page not found")
        if len(request.raw) >= 2 * MESSAGE_MAX:
            raise error(41303, "JSON body too large")
        try:
            body = request.json()
        except ValueError:
            raise error(40024, "invalid request: request body must be valid JSON") from None
        self.check(body)
        self.check_login(body["topic"], request.headers.get("authorization", ""))
        message = {**body, "id": f"id{len(self.messages)}", "time": 1700000000, "event": "message"}
        self.messages.append(message)
        return 200, {}, message

    @staticmethod
    def check_login(topic, given):
        good = {f"Bearer {AUTH}", "Basic " + base64.b64encode(f":{AUTH}".encode()).decode()}
        if given and given not in good:
            raise error(40101, "unauthorized", "https://ntfy.sh/docs/publish/#authentication")
        if topic == TOPIC and not given:
            raise error(40301, "forbidden", "https://ntfy.sh/docs/publish/#authentication")

    @staticmethod
    def check(body):
        if set(body) - KEYS:
            raise error(40017, f"unknown keys {set(body) - KEYS}")
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", body.get("topic", "")):
            raise error(40009, "invalid request: topic invalid")
        if not body.get("message", "").strip():
            raise error(40000, "an empty message is shown as \"triggered\"")
        if len(body["message"].encode()) >= MESSAGE_MAX:
            raise error(41301, "the message would become an attachment")
        if "\n" in body.get("title", ""):
            raise error(40000, "a title is one line")
        if body.get("priority", 3) not in (1, 2, 3, 4, 5):
            raise error(40007, "invalid priority parameter")
        if any("," in tag or not tag for tag in body.get("tags", [])):
            raise error(40000, "tags are joined by commas")
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", body.get("sequence_id", "x")):
            raise error(40049, "invalid request: sequence ID invalid")
        if len(body.get("actions", [])) > 3:
            raise error(40018, "invalid request: actions invalid; only 3 actions allowed")
        for action in body.get("actions", []):
            if action.get("action") not in ("view", "http", "broadcast") or not action.get("label") \
                    or (action["action"] != "broadcast" and not action.get("url")):
                raise error(40018, "invalid request: actions invalid")
