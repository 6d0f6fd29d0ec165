"""WeCom's message push of a group: 4096 bytes of Markdown, 2048 of text, 20 messages a minute.  All
answers are HTTP 200 with an errcode."""
import json
import re
import time

from stub_service import Pace, Refused, Service

HINT = ", hint: [1647424338252370220001484], from ip: 127.0.0.1, more info at " \
       "https://open.work.weixin.qq.com/devtool/query?e="


def no(code, msg):
    return Refused(200, {"errcode": code, "errmsg": f"{msg}{HINT}{code}"})


def shown(text):
    """What a client shows of the Markdown."""
    text = re.sub(r'<font color="(info|comment|warning)">|</font>', "", text)
    text = re.sub(r"\[([^\]\n]*)\]\(([^)\n]*)\)", r"\1", text)
    text = re.sub(r"^#{1,6} |^> ?", "", text, flags=re.M)
    return re.sub(r"\*\*|`", "", text).replace("\u200b", "")


class WeCom(Service):
    def __init__(self, key="693a91f6-7aoc-4bc4"):
        super().__init__()
        self.key, self.minute = key, Pace(20, 60)

    @property
    def hook(self):
        return self.url(f"/cgi-bin/webhook/send?key={self.key}")

    def content(self, part, most):
        content = part.get("content")
        if not isinstance(content, str) or not content.strip():
            raise no(44004, "empty content")
        if len(content.encode()) > most:
            raise no(40058, f"markdown.content exceed max length {most}. invalid Request Parameter")
        return content

    def take(self, request, raw):
        if request.route != "/cgi-bin/webhook/send" or request.query.get("key") != self.key:
            raise no(93000, "invalid webhook url")
        if self.minute.is_over():
            raise no(45009, "api freq out of limit")
        try:
            body = json.loads(raw)
        except ValueError:
            raise no(40008, "invalid message type") from None
        kind = body.get("msgtype")
        if kind == "markdown" and set(body) == {"msgtype", "markdown"}:
            content = self.content(body["markdown"], 4096)
            colour = re.search(r'<font color="(\w+)">', content)
            message = {"colour": colour and colour[1], "text": shown(content)}
            names = []
        elif kind == "text" and set(body) == {"msgtype", "text"}:
            content = self.content(body["text"], 2048)
            names = body["text"].get("mentioned_list", [])
            message = {"colour": None, "text": content}
        else:
            raise no(40008, "invalid message type")
        pings = re.findall(r"<@([^>\s]+)>", content) + [n.lstrip("@") for n in names]
        self.taken.append({**message, "kind": kind, "title": content.split("\n")[0],
                           "markdown": content, "pings": pings,
                           "bytes": len(content.encode()), "at": time.monotonic()})
        return 200, {"errcode": 0, "errmsg": "ok"}
