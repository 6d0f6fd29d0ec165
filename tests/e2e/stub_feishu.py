"""Feishu's custom robot: signature, keyword, the card's structure, 20 KB, 5/s and 100/min.  Its
answers are those of the service; all but success is HTTP 200 with a code."""
import base64
import hashlib
import hmac
import html
import json
import re
import time

from stub_service import Pace, Refused, Service

TEMPLATES = {"blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet",
             "purple", "indigo", "grey", "default"}
OK = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
BAD_CARD = "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err"


def no(code, msg):
    return Refused(200, {"code": code, "msg": msg, "data": {}})


def bad_card(why):
    return no(11246, f"{BAD_CARD}; {why}")


def shown(text):
    """What a client shows of lark_md: marks and tags taken away, entities read."""
    text = re.sub(r"</?(at|font|text_tag)\b[^>]*>", "", text)
    text = re.sub(r"\[([^\]]*)\]\(([^)]*)\)", r"\1", text)
    return html.unescape(re.sub(r"\*\*|~~", "", text))


class Feishu(Service):
    def __init__(self, token="0f5c2d1e-7a3b", secret=None, keyword=None, allows_all=True):
        super().__init__()
        self.token, self.secret, self.keyword = token, secret, keyword
        self.allows_all = allows_all
        self.second, self.minute = Pace(5, 1), Pace(100, 60)

    @property
    def hook(self):
        return self.url(f"/open-apis/bot/v2/hook/{self.token}")

    def check_sign(self, body):
        if self.secret is None:
            return
        stamp = body.get("timestamp")
        key = f"{stamp}\n{self.secret}".encode()
        want = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
        fresh = isinstance(stamp, str) and stamp.isdigit() and abs(time.time() - int(stamp)) < 3600
        if not fresh or not hmac.compare_digest(want, str(body.get("sign"))):
            raise no(19021, "sign match fail or timestamp is not within one hour from current time")

    @staticmethod
    def text(node, tags):
        if not isinstance(node, dict) or set(node) != {"tag", "content"} or node["tag"] not in tags:
            raise bad_card(f"no text: {node}")
        if not isinstance(node["content"], str) or not node["content"].strip():
            raise bad_card("empty text")
        return node["content"]

    def element(self, e):
        """The texts of an element as (tag, content)."""
        tag = e.get("tag") if isinstance(e, dict) else None
        if tag == "div" and set(e) == {"tag", "text"}:
            return [(e["text"].get("tag"), self.text(e["text"], ("lark_md", "plain_text")))]
        if tag == "note" and set(e) == {"tag", "elements"} and e["elements"]:
            return [(n.get("tag"), self.text(n, ("lark_md", "plain_text"))) for n in e["elements"]]
        if tag == "hr" and set(e) == {"tag"}:
            return []
        if tag == "action" and set(e) == {"tag", "actions"} and e["actions"]:
            for b in e["actions"]:
                if b.get("tag") != "button" or set(b) - {"tag", "text", "url", "type"} or \
                        b.get("type") not in ("default", "primary", "danger") or \
                        not re.match(r"https?://[^\s]+$", b.get("url", "")):
                    raise bad_card(f"no button: {b}")
            return [("plain_text", self.text(b["text"], ("plain_text",))) for b in e["actions"]]
        raise bad_card(f"no element: {e}")

    def check_card(self, card):
        if not isinstance(card, dict) or set(card) - {"config", "header", "elements"}:
            raise bad_card("keys")
        header = card.get("header", {})
        title = self.text(header.get("title"), ("plain_text", "lark_md"))
        if header.get("template") not in TEMPLATES or not card.get("elements"):
            raise bad_card("template or elements")
        texts = [pair for e in card["elements"] for pair in self.element(e)]
        md = "\n".join(text for tag, text in texts if tag == "lark_md")
        pings = re.findall(r"<at id=\"?'?([^\s>\"']+)", md)
        if "all" in pings and not self.allows_all:
            raise no(11246, "Failed to create card content, ext=ErrCode: 11247; "
                            "ErrMsg: at all is not permitted")
        plain = "\n".join(shown(text) if tag == "lark_md" else text for tag, text in texts)
        return {"title": title, "colour": header["template"], "markdown": md, "text": plain,
                "pings": pings, "buttons": [b["url"] for e in card["elements"]
                                            for b in e.get("actions", [])]}

    def take(self, request, raw):
        if request.route != f"/open-apis/bot/v2/hook/{self.token}":
            raise no(19001, "param invalid: incoming webhook access token invalid")
        if self.second.is_over() or self.minute.is_over():
            raise no(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")
        try:
            body = json.loads(raw)
            assert isinstance(body, dict) and len(raw) <= 20000
        except (ValueError, AssertionError):
            raise no(9499, "Bad Request") from None
        self.check_sign(body)
        if body.get("msg_type") != "interactive" or set(body) - {"timestamp", "sign", "msg_type",
                                                                 "card"}:
            raise no(19002, "params error, msg_type need")
        message = self.check_card(body["card"])
        if self.keyword and self.keyword not in message["title"] + message["text"]:
            raise no(19024, "Key Words Not Found")
        self.taken.append({**message, "bytes": len(raw), "at": time.monotonic()})
        return 200, OK
