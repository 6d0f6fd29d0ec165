"""The API's own description, held against what a running daemon answers."""
import gzip
import json
import re
import socket
import urllib.parse
from datetime import datetime

import jsonschema

import lab

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(text):
    """Ours are always UTC with a fraction; they must be read by anybody."""
    return not isinstance(text, str) or bool(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ"))


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.version, status, *_ = first.split(" ", 2)
        self.status = int(status)
        self.pairs = [tuple(line.split(": ", 1)) for line in lines]
        self.headers = {name.lower(): value for name, value in self.pairs}
        assert len(self.headers) == len(self.pairs), f"a header twice: {self.pairs}"

    @property
    def type(self):
        return self.headers.get("content-type", "").split(";")[0]

    def plain(self):
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.decompress(self.body) if packed else self.body

    def json(self):
        return json.loads(self.plain())


def exchange(address, data, limit=lab.LIMIT, is_stream=False):
    """Sends the bytes and reads until the other side closes; of a stream, its first event."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(limit)
        s.connect(address)
        s.sendall(data)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
            if is_stream and out.count(b"\n\n") > 0:
                break
        return out


def ask(address, method, target, headers=None, body=None, host="localhost", is_stream=False):
    head = {"Host": host, "Connection": "close", **(headers or {})}
    if body is not None:
        head.setdefault("Content-Type", "application/json")
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        head["Content-Length"] = len(body)
    lines = "".join(f"{k}: {v}\r\n" for k, v in head.items() if v is not None)
    return Answer(exchange(address, f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
                           + (body or b""), is_stream=is_stream))


def strict(schema):
    """The same, with no field that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        out["additionalProperties"] = False
    return out


class Contract:
    """Asks, and holds each answer against the document."""

    def __init__(self, unix, tcp=None, token=None):
        self.unix, self.tcp, self.token = unix, tcp, token
        self.document = ask(unix, "GET", "/api/v1/openapi.json").json()
        self.components = strict(self.document["components"])
        self.seen = set()  # (method, path, status)

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def response(self, operation, status):
        found = operation["responses"].get(str(status))
        assert found is not None, f"{operation['operationId']}: {status} is not in the document"
        if "$ref" in found:
            found = self.document["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
        return found

    def hold(self, value, schema, where):
        whole = {**strict(schema), "components": self.components}
        judge = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
        wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}"
                 for e in judge.iter_errors(value)]
        assert not wrong, (where, wrong[:8])

    def check(self, method, path, operation, answer):
        where = f"{method} {path}: {answer.status}"
        self.seen.add((method, path, answer.status))
        said = self.response(operation, answer.status)
        if "content" not in said:
            assert answer.body == b"", where
            return answer
        assert answer.type in said["content"] or "*/*" in said["content"], (
            where, answer.type, list(said["content"]))
        if answer.type.endswith("json"):
            self.hold(answer.json(), said["content"][answer.type]["schema"], where)
        if answer.type == "application/problem+json":
            assert answer.json()["status"] == answer.status, where
        return answer

    def call(self, method, path, status, values=(), query="", is_tcp=False, **how):
        """Asks one documented route; the answer must have this status and hold."""
        operation = self.document["paths"][path][method.lower()]
        names = re.findall(r"{(\w+)}", path)
        target = path
        for name, value in zip(names, values, strict=True):
            target = target.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
        documented = {p["name"] for p in operation["parameters"] if p["in"] == "query"}
        assert set(urllib.parse.parse_qs(query, keep_blank_values=True)) <= documented, query
        good = operation["responses"].get("200", {}).get("content", {})
        answer = ask(self.tcp if is_tcp else self.unix, method,
                     target + (f"?{query}" if query else ""),
                     is_stream="text/event-stream" in good and status == 200, **how)
        assert answer.status == status, (method, target, query, answer.status, answer.body[:600])
        return self.check(method, path, operation, answer)
