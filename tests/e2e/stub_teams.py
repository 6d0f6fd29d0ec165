"""A Teams workflow: Power Automate takes what it is sent (202) and runs; what the run would refuse
is kept in `failed_runs`.  Elements, properties and values are those of Adaptive Cards 1.4."""
import json
import re

from stub_chat import Refusal, Service

PATH = "/powerautomate/automations/direct/workflows/0a1b2c3d/triggers/manual/paths/invoke"
SIG = "hidden-signature-of-the-flow-0123456789"
LIMIT = 28672  # bytes, as Teams counts the message that the workflow makes
WRAPPED = 1.2  # what the workflow adds, as seen
RUNS = 60

TEXT = {"type", "text", "wrap", "size", "weight", "color", "isSubtle", "maxLines", "fontType",
        "horizontalAlignment", "style", "spacing", "separator", "id", "isVisible", "height"}
ELEMENTS = {
    "TextBlock": TEXT,
    "Container": {"type", "items", "style", "bleed", "spacing", "separator", "id", "isVisible",
                  "minHeight", "verticalContentAlignment"},
    "FactSet": {"type", "facts", "spacing", "separator", "id", "isVisible", "height"},
    "RichTextBlock": {"type", "inlines", "horizontalAlignment", "spacing", "separator", "id"},
}
VALUES = {
    "size": {"default", "small", "medium", "large", "extralarge"},
    "weight": {"default", "lighter", "bolder"},
    "style": {"default", "emphasis", "good", "attention", "warning", "accent", "heading"},
    "fontType": {"default", "monospace"},
}


class Bad(Exception):
    pass


def expect(what, words):
    if not what:
        raise Bad(words)


def check_values(element):
    for key, allowed in VALUES.items():
        if key in element:
            expect(element[key].lower() in allowed, f"{key}: {element[key]}")


def check_element(element):
    kind = element.get("type")
    expect(kind in ELEMENTS, f"element {kind}")
    expect(set(element) <= ELEMENTS[kind], f"{kind} has {set(element) - ELEMENTS[kind]}")
    check_values(element)
    if kind == "TextBlock":
        expect(isinstance(element["text"], str) and element["text"].strip(), "an empty TextBlock")
    for item in element.get("items", []):
        check_element(item)
    for fact in element.get("facts", []):
        expect(set(fact) == {"title", "value"} and fact["title"] and fact["value"], f"fact {fact}")
    for run in element.get("inlines", []):
        expect(run.get("type") == "TextRun" and run.get("text"), f"run {run}")
        expect(set(run) <= {"type", "text", "size", "weight", "color", "isSubtle", "italic",
                            "strikethrough", "highlight", "fontType"}, f"run {run}")
        check_values(run)


def check_card(card):
    expect(card.get("type") == "AdaptiveCard" and card.get("version") in ("1.0", "1.1", "1.2", "1.3",
                                                                          "1.4"), "type or version")
    expect(set(card) <= {"$schema", "type", "version", "body", "actions", "fallbackText", "msteams",
                         "speak", "lang"}, f"card has {set(card)}")
    expect(card["body"], "an empty card")
    for element in card["body"]:
        check_element(element)
    expect(len(card.get("actions", [])) <= 6, "more than 6 actions")
    for action in card.get("actions", []):
        expect(action.get("type") == "Action.OpenUrl" and action.get("title") and
               re.match(r"https?://[^ ]+$", action.get("url", "")), f"action {action}")


def check_message(body):
    expect(body.get("type") == "message" and len(body.get("attachments", [])) == 1, "the message")
    attachment = body["attachments"][0]
    expect(attachment.get("contentType") == "application/vnd.microsoft.card.adaptive", "contentType")
    expect(attachment.get("contentUrl", None) is None, "contentUrl")
    size = len(json.dumps(body)) * WRAPPED
    expect(size <= LIMIT, f"MessageSizeExceeded: {size:.0f} of {LIMIT}")
    check_card(attachment["content"])
    return attachment["content"]


class Teams(Service):
    def __init__(self, port=None):
        super().__init__(port)
        self.cards = []
        self.failed_runs = []

    @property
    def url(self):
        return f"{self.origin}{PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIG}"

    def take(self, request):
        if request.path != PATH:
            raise Refusal(404, {"error": {"code": "WorkflowNotFound",
                                          "message": "The workflow '0a1b' could not be found."}})
        if request.query.get("sig") != SIG:
            raise Refusal(401, {"error": {"code": "DirectApiAuthorizationRequired", "message":
                                          "The request must be authenticated only by Shared Access "
                                          "scheme."}})
        if request.method != "POST":
            raise Refusal(405, {"error": {"code": "MethodNotAllowed", "message": ""}})
        try:
            body = request.json()
        except ValueError:
            raise Refusal(400, {"error": {"code": "InvalidRequestContent", "message":
                                          "The request content is not valid JSON."}}) from None
        try:
            self.cards.append(check_message(body))
        except (Bad, KeyError, TypeError, AttributeError) as e:
            self.failed_runs.append((repr(e), request.raw.decode()[:3000]))
        return 202, {"x-ms-workflow-run-id": f"0858{len(self.requests)}"}, b""

    def expect_no_refusal(self):
        super().expect_no_refusal()
        assert not self.failed_runs, self.failed_runs
