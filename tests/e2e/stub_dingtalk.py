"""DingTalk's custom robot: signature in the address, keyword, 20,000 bytes, and silence for ten
minutes after the twenty-first message of a minute.  All answers are HTTP 200 with an errcode."""
import base64
import hashlib
import hmac
import json
import re
import time

from stub_service import Pace, Refused, Service

MORE = ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"


def no(code, msg):
    return Refused(200, {"errcode": code, "errmsg": msg})


def shown(text):
    """What a client shows of the Markdown: marks taken away, backslashes read."""
    text = re.sub(r"^#{1,6} ", "", text, flags=re.M)
    text = re.sub(r"(?<!\\)\[([^\]]*)\]\(([^)]*)\)", r"\1", text)
    text = re.sub(r"(?<!\\)\*\*|(?<!\\)`", "", text)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


class DingTalk(Service):
    def __init__(self, token="566cc69da782ec", secret=None, keyword=None):
        super().__init__()
        self.token, self.secret, self.keyword = token, secret, keyword
        self.minute, self.silent_until = Pace(20, 60), 0

    @property
    def hook(self):
        return self.url(f"/robot/send?access_token={self.token}")

    def check_sign(self, query):
        if self.secret is None:
            return
        stamp = query.get("timestamp", "")
        if not re.fullmatch(r"\d{13}", stamp) or abs(time.time() - int(stamp) / 1000) > 3600:
            raise no(310000, "invalid timestamp" + MORE)
        signed = f"{stamp}\n{self.secret}".encode()
        want = base64.b64encode(hmac.new(self.secret.encode(), signed, hashlib.sha256).digest())
        if not hmac.compare_digest(want, query.get("sign", "").encode()):
            raise no(310000, "sign not match" + MORE)

    def check_pace(self):
        now = time.monotonic()
        if self.minute.is_over():
            self.silent_until = now + 600
        if now < self.silent_until:
            raise no(130101, "send too fast, exceed 20 times per minute")

    @staticmethod
    def names(at, key):
        names = at.get(key, [])
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise no(40035, f"缺少参数 at.{key}")
        return names

    def pings(self, body, text):
        """Only who is in the list and in the text is called."""
        at = body.get("at", {})
        if set(at) - {"atMobiles", "atUserIds", "isAtAll"}:
            raise no(40035, "缺少参数 at")
        named = self.names(at, "atMobiles") + self.names(at, "atUserIds")
        return [n for n in named if f"@{n}" in text] + (["all"] if at.get("isAtAll") is True else [])

    def take(self, request, raw):
        if request.route != "/robot/send":
            raise Refused(404, {"errcode": 404, "errmsg": "请求的URI地址不存在"})
        if "access_token" not in request.query:
            raise no(40035, "缺少参数 access_token")
        if request.query["access_token"] != self.token:
            raise no(300005, "token is not exist")
        if not request.headers.get("Content-Type", "").startswith("application/json"):
            raise no(43004, "无效的HTTP HEADER Content-Type")
        self.check_pace()
        self.check_sign(request.query)
        if len(raw) > 20000:
            raise no(460101, "message too long, exceed 20000 bytes")
        try:
            body = json.loads(raw)
        except ValueError:
            raise no(40035, "缺少参数 json") from None
        if body.get("msgtype") != "markdown" or set(body) - {"msgtype", "markdown", "at"}:
            raise no(400105, "不支持的消息类型")
        title, text = (body["markdown"].get(k) for k in ("title", "text"))
        if not title or not text or set(body["markdown"]) != {"title", "text"}:
            raise no(40035, "缺少参数 markdown")
        if self.keyword and self.keyword not in title + text:
            raise no(310000, "keywords not in content" + MORE)
        self.taken.append({"title": title, "markdown": text, "text": shown(text),
                           "pings": self.pings(body, text), "bytes": len(raw),
                           "at": time.monotonic()})
        return 200, {"errcode": 0, "errmsg": "ok"}
