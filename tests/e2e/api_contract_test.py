"""Every route that the API describes answers as described: no field more, none of another type."""
import json
import shutil
import subprocess
import tempfile

import pytest

import lab
from api_contract import Contract, ask

TOKEN = "0123456789abcdef0123456789abcdef"
JOB = "feedfacefeedfacefeedface"

CONFIG = """
daemon: {{name: lab, state_dir: {state}}}
api: {{listen: 127.0.0.1:{port}, token: "{token}", public_url: "http://lab.example:8421"}}
checks:
  api: {{type: http, url: "{web}", interval: 1s, labels: {{team: core}}, group: shop,
        description: the shop}}
  disks: {{type: disk, all: true, interval: 1s}}
  memory: {{type: memory, interval: 1s}}
  self: {{type: self, interval: 1s}}
  shut: {{type: tcp, address: "127.0.0.1:1", interval: 1s, retries: 1, labels: {{team: core}}}}
  behind: {{type: tcp, address: "127.0.0.1:1", interval: 1s, retries: 1, needs: [shut]}}
  job: {{type: heartbeat, token: {job}, period: 1h}}
rules:
  full: {{warning: "memory.used_percent > 0"}}
receivers:
  hook: {{type: webhook, url: "{hook}"}}
  lost: {{type: webhook, url: "http://127.0.0.1:1/"}}
  rest: {{type: webhook, url: "{hook}", enabled: false}}
routes:
  - {{match: {{severity: [critical], check: "s*", labels: {{team: core}}}}, to: [hook, lost],
     escalate: [{{after: 1h, to: [hook]}}]}}
  - {{to: [hook]}}
maintenance:
  - {{checks: "nothing*", schedule: "Sun 02:00-04:00", timezone: Asia/Shanghai, reason: backups}}
  - {{checks: "nothing*", from: 2020-01-02T22:00:00+08:00, until: 2099-01-03T02:00:00+08:00}}
"""


class Lab:
    """A daemon with something of everything."""

    def __init__(self, folder, web, hook):
        self.port = lab.free_port()
        self.daemon = lab.Daemon(folder)
        self.text = CONFIG.format(state=self.daemon.state, port=self.port, token=TOKEN, job=JOB,
                                  web=web.url, hook=hook.url)
        self.daemon.write(self.text, head=False)
        self.daemon.start()
        for name, state in (("api", "up"), ("shut", "down"), ("memory", "up"), ("behind", "down")):
            self.daemon.wait_state(name, state)
        hook.wait("incident.opened", "shut")
        self.incident = next(i["id"] for i in self.daemon.incidents() if i["check"] == "shut")
        lab.wait_for("the lost receiver to fail", lambda: self.daemon.api.get(
            "/api/v1/receivers/lost")["state"] in ("retrying", "failing"))
        self.contract = Contract(str(self.daemon.api.path), ("127.0.0.1", self.port), TOKEN)


@pytest.fixture(scope="module")
def up():
    folder = tempfile.mkdtemp(prefix="tri-")
    web, hook = lab.Web().start(), lab.Hook().start()
    one = None
    try:
        one = Lab(folder, web, hook)
        yield one
    finally:
        if one is not None:
            one.daemon.stop()
        web.stop()
        hook.stop()
        shutil.rmtree(folder, ignore_errors=True)


# What each route is asked: status, values of its path, and the rest.  A route that is described and
# not here fails the test.
def calls(up):
    i = up.incident
    return {
        "GET /healthz": [dict(status=200)],
        "GET /readyz": [dict(status=200), dict(status=200, query="verbose"),
                        dict(status=200, headers={"Accept": "application/json"})],
        "GET /metrics": [dict(status=200), dict(status=200, query="checks=off")],
        "GET /": [dict(status=200)],
        "GET /api/v1/status": [dict(status=200)],
        "GET /api/v1/openapi.json": [dict(status=200)],
        "GET /api/v1/config": [dict(status=200)],
        "GET /api/v1/checks": [
            dict(status=200), dict(status=200, query="state=down&type=t*&limit=1"),
            dict(status=200, query="label=team%3Dcore&name=a*&group=shop"),
            dict(status=400, query="state=nice"), dict(status=400, query="limit=0"),
            dict(status=400, query="label=core"), dict(status=400, query="after=nobody")],
        "GET /api/v1/doctor": [dict(status=200)],
        "GET /api/v1/checks/{check}": [dict(status=200, values=[n]) for n in
                                       ("api", "shut", "memory", "job", "disks[/]")],
        "GET /api/v1/checks/{check}/why": [dict(status=200, values=[n])
                                           for n in ("api", "shut", "behind", "memory")],
        "GET /api/v1/checks/{check}/series": [
            dict(status=200, values=["api"]),
            dict(status=200, values=["memory"], query="metric=used_percent&since=10m&step=1m"),
            dict(status=400, values=["api"], query="step=wide")],
        "GET /api/v1/checks/{check}/uptime": [dict(status=200, values=[n])
                                              for n in ("api", "shut", "job")],
        "GET /api/v1/checks/{check}/rules": [dict(status=200, values=[n])
                                             for n in ("api", "shut", "memory", "disks[/]")],
        "GET /api/v1/events": [dict(status=200), dict(status=200, query="checks=api")],
        "POST /api/v1/checks/{check}/run": [dict(status=202, values=["job"])],
        "GET /api/v1/incidents": [dict(status=200), dict(status=200, query="state=open&limit=1"),
                                  dict(status=200, query="since=1h"),
                                  dict(status=200, query="severity=critical&check=s*&offset=0"),
                                  dict(status=400, query="limit=none"),
                                  dict(status=400, query="after=ffffffffffff"),
                                  dict(status=400, query="state=nice"),
                                  dict(status=400, query="since=tomorrow")],
        "GET /api/v1/incidents/{incident}": [dict(status=200, values=[i]),
                                             dict(status=200, values=[i[:6]]),
                                             dict(status=200, values=[i + ".md"])],
        "DELETE /api/v1/incidents/{incident}/ack": [dict(status=200, values=[i]),
                                                    dict(status=409, values=[i])],
        "POST /api/v1/incidents/{incident}/ack": [
            dict(status=200, values=[i], body={"by": "me", "note": "on it", "for": "2h"}),
            dict(status=200, values=[i]),
            dict(status=400, values=[i], body={"by": 7}),
            dict(status=400, values=[i], body={"for": "soon"}),
            dict(status=400, values=[i], body=b"{"),
            dict(status=400, values=[i], body=[1])],
        "GET /api/v1/silences": [dict(status=200)],
        "POST /api/v1/silences": [
            dict(status=201, body={"match": {"check": "shut"}, "for": "1h", "by": "me",
                                   "comment": "work"}),
            dict(status=201, body={"match": {"check": ["nothing"], "labels": {"team": "x"}},
                                   "starts_at": "2098-01-02T03:04:05Z", "for": "1h"}),
            dict(status=400, body={"match": {"check": "shut"}}),
            dict(status=400, body={"match": {"czech": "shut"}, "for": "1h"}),
            dict(status=400)],
        "GET /api/v1/playbooks": [dict(status=200), dict(status=200, query="lang=zh")],
        "GET /api/v1/playbooks/{word}": [
            dict(status=200, values=[w]) for w in
            ("disk-full", "net.refused", "redis-stopped.oom-killed", "disk-filling", "port-owner")],
        "GET /api/v1/receivers": [dict(status=200)],
        "GET /api/v1/receivers/{receiver}": [
            dict(status=200, values=["hook"]), dict(status=200, values=["lost"], query="limit=1"),
            dict(status=200, values=["rest"]), dict(status=400, values=["hook"], query="limit=0")],
        "POST /api/v1/receivers/{receiver}/test": [dict(status=200, values=["hook"]),
                                                   dict(status=200, values=["lost"]),
                                                   dict(status=409, values=["rest"])],
        "GET /api/v1/rule": [
            dict(status=200, query="expr=memory.used_percent%20%3E%205"),
            dict(status=200, query="expr=avg(this.used_percent,%205m)&check=memory"),
            dict(status=400), dict(status=422, query="expr=((("),
            dict(status=404, query="expr=1%20%3E%200&check=nobody")],
        "GET /api/v1/backtest": [
            dict(status=200, query="rule=check-down&since=1h"),
            dict(status=200, query="expr=memory.used_percent%20%3E%200&since=5m&for=1s"),
            dict(status=200, query="expr=cannot_tell(api)"), dict(status=400),
            dict(status=404, query="rule=nothing"), dict(status=422, query="expr=(((")],
        "POST /api/v1/backtest": [
            dict(status=200, query="since=1h", body=b"it: {each: http, warning: down(this)}",
                 headers={"Content-Type": "application/yaml"}),
            dict(status=404, query="check=nobody", body=b"it: {}",
                 headers={"Content-Type": "application/yaml"}),
            dict(status=422, body=b"it: {}", headers={"Content-Type": "application/yaml"})],
        "GET /ping/{token}": [dict(status=200, values=[JOB])],
        "POST /ping/{token}": [dict(status=200, values=[JOB], body=b"all well",
                                    headers={"Content-Type": "text/plain"})],
        "GET /ping/{token}/{event}": [dict(status=200, values=[JOB, "start"]),
                                      dict(status=404, values=[JOB, "dance"])],
        "POST /ping/{token}/{event}": [dict(status=200, values=[JOB, 0])],
        "GET /api/v1/backtest": [
            dict(status=200, query="rule=full&since=1h"),
            dict(status=200, query="expr=api.total_time%20%3E%200&since=10m"),
            dict(status=404, query="rule=nothing"), dict(status=422, query="expr=((("),
            dict(status=400, query="since=tomorrow&rule=full")],
        "POST /api/v1/backtest": [
            dict(status=200, query="since=1h", body=b"slow: {warning: api.total_time > 5s}",
                 headers={"Content-Type": "application/yaml"}),
            dict(status=404, query="check=nobody", body=b"slow: {warning: this.total_time > 5s}",
                 headers={"Content-Type": "application/yaml"}),
            dict(status=422, body=b"slow: {warning: nothing.at_all > 5s}",
                 headers={"Content-Type": "application/yaml"})],
        "POST /api/v1/reload": [dict(status=200)],
        "POST /api/v1/backup": [dict(status=200)],
    }


# Answers that are described and are shown by tests of their own, or by units.
ELSEWHERE = {
    ("POST", "/api/v1/backup", 409), ("POST", "/api/v1/backup", 503),
    ("POST", "/api/v1/backup", 504), ("GET", "/readyz", 503), ("GET", "/api/v1/rule", 504), ("POST", "/api/v1/reload", 504),
    ("POST", "/api/v1/receivers/{receiver}/test", 503),
    ("POST", "/api/v1/receivers/{receiver}/test", 504), ("POST", "/api/v1/silences", 409),
    ("GET", "/api/v1/checks/{check}/series", 503), ("GET", "/api/v1/checks/{check}/uptime", 503),
    ("GET", "/api/v1/backtest", 503), ("POST", "/api/v1/backtest", 503),
}


def ask_every_route(up):
    contract, table = up.contract, calls(up)
    for method, path, operation in contract.operations():
        key = f"{method} {path}"
        if path == "/assets/{file}":
            page = ask(contract.unix, "GET", "/").plain().decode()
            names = [part.split('"')[0] for part in page.split('"/assets/')[1:]]
            table[key] = [dict(status=200, values=[name]) for name in names]
            if not names:  # built without the dashboard
                contract.seen.add((method, path, 200))
        elif path == "/api/v1/silences/{silence}":
            ids = [s["id"] for s in up.daemon.api.get("/api/v1/silences")["silences"]]
            table[key] = [dict(status=200, values=[one]) for one in ids]
        assert key in table, f"{key} is described and not asked: give it a row in calls()"
        for one in table[key]:
            contract.call(method, path, **one)
    described = {f"{m} {p}" for m, p, _ in contract.operations()}
    assert set(table) <= described, set(table) - described


def ask_what_else_is_described(up):
    """Conflicts, complaints, an end: what the rows name beside the good answer."""
    contract, api = up.contract, up.daemon.api
    up.daemon.write(up.text.replace("type: memory", "type: memories"), head=False)
    contract.call("POST", "/api/v1/reload", 422)
    up.daemon.write(up.text, head=False)
    contract.call("POST", "/api/v1/reload", 200)
    with lab.socket.create_server(("127.0.0.1", 0)) as silent:
        up.daemon.write(up.text.replace(
            "  job:", "  silent: {type: http, url: \"http://127.0.0.1:%d/\", interval: 10s, "
            "timeout: 9s}\n  job:" % silent.getsockname()[1], 1), head=False)
        contract.call("POST", "/api/v1/reload", 200)
        lab.wait_for("a run that hangs", lambda: api.get("/api/v1/checks/silent")["running"])
        contract.call("POST", "/api/v1/checks/{check}/run", 409, ["silent"])
    up.daemon.write(up.text, head=False)
    contract.call("POST", "/api/v1/reload", 200)
    with lab.socket.create_server(("127.0.0.1", 0)) as well:
        port = well.getsockname()[1]
        healed = up.text.replace("127.0.0.1:1\", interval: 1s, retries: 1, labels",
                                 f"127.0.0.1:{port}\", interval: 1s, retries: 1, labels")
        up.daemon.write(healed, head=False)
        contract.call("POST", "/api/v1/reload", 200)
        lab.wait_for("the end", lambda: not any(i["id"] == up.incident
                                                for i in up.daemon.incidents()))
    contract.call("GET", "/api/v1/incidents", 200, query="state=resolved")
    contract.call("GET", "/api/v1/incidents/{incident}", 200, [up.incident])
    contract.call("POST", "/api/v1/incidents/{incident}/ack", 409, [up.incident])


def test_every_route_answers_as_described(up):
    ask_every_route(up)
    ask_what_else_is_described(up)
    unseen = []
    for method, path, operation in up.contract.operations():
        for status, said in operation["responses"].items():
            row = (method, path, int(status))
            if "$ref" not in said and status != "304" and row not in up.contract.seen | ELSEWHERE:
                unseen.append(row)
    assert not unseen, unseen


def value_of(name):
    return {"token": "nobody", "event": "start"}.get(name, "nobody")


def test_refusals_are_as_described(up):
    """Names that are not there, a stranger's Host, no token, a wrong one, another type of body."""
    contract = up.contract
    for method, path, operation in contract.operations():
        names = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        values = [value_of(name) for name in names]
        said = operation["responses"]
        types = list(operation.get("requestBody", {}).get("content", {}))
        body = {"body": b"{}", "headers": {"Content-Type": types[0]}} if types else {}
        if "404" in said and names:
            contract.call(method, path, 404, values, **body)
        if "421" in said:
            contract.call(method, path, 421, values, is_tcp=True, host="evil.example", **body)
        if "401" in said:
            answer = contract.call(method, path, 401, values, is_tcp=True, **body)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            good = {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}
            contract.call(method, path, 403, values, is_tcp=True,
                          **{**body, "headers": {**body.get("headers", {}), **good}})
        if "415" in said:
            contract.call(method, path, 415, values, body=b"{}",
                          headers={"Content-Type": "text/plain"})
        if "413" in said:
            contract.call(method, path, 413, values, body=b"x" * 70000)


def test_other_methods_are_told_which_there_are(up):
    for path, methods in up.contract.document["paths"].items():
        names = {m.upper() for m in methods} | ({"HEAD"} if "get" in methods else set())
        target = path.replace("{", "").replace("}", "")
        for method in {"PUT", "PATCH", "OPTIONS", "TRACE", "GET", "POST", "DELETE"} - names:
            answer = ask(up.contract.unix, method, target)
            assert answer.status == 405, (method, path, answer.status)
            assert set(answer.headers["allow"].split(", ")) == names, (path, answer.headers)


def pages(up, path, key):
    """All pages, by following `next`; each but the last is full."""
    out = []
    while path:
        doc = ask(up.contract.unix, "GET", path).json()
        out += doc[key]
        assert len(doc[key]) == 1 or "next" not in doc, doc
        path = doc.get("next")
    return out


def test_pages_make_the_whole(up):
    api = up.daemon.api
    whole = [c["name"] for c in api.get("/api/v1/checks")["checks"]]
    assert [c["name"] for c in pages(up, "/api/v1/checks?limit=1", "checks")] == whole
    core = [c["name"] for c in pages(up, "/api/v1/checks?label=team=core&limit=1", "checks")]
    assert core == ["api", "shut"]
    one = api.get("/api/v1/checks?label=team=core&limit=1&after=api")
    assert one["total"] == 2 and "next" not in one and one["checks"][0]["name"] == "shut"
    whole = api.get("/api/v1/incidents")
    ids = [i["id"] for i in pages(up, "/api/v1/incidents?limit=1", "incidents")]
    assert ids == [i["id"] for i in whole["incidents"]] and len(ids) == whole["total"] > 1


def test_what_has_not_changed_is_not_sent_again(up):
    unix = up.contract.unix
    tagged = [p for m, p, o in up.contract.operations() if "304" in o["responses"] and "{" not in p
              and m == "GET"]
    assert "/api/v1/config" in tagged and "/api/v1/playbooks" in tagged
    for path in ("/api/v1/config", "/api/v1/playbooks", "/api/v1/openapi.json"):
        first = ask(unix, "GET", path)
        tag = first.headers["etag"]
        assert tag.startswith('W/"') and first.headers["cache-control"] == "private, no-cache"
        again = ask(unix, "GET", path, {"If-None-Match": f'"other", {tag}'})
        assert again.status == 304 and again.body == b"" and again.headers["etag"] == tag
        assert ask(unix, "GET", path, {"If-None-Match": '"other"'}).status == 200
        packed = ask(unix, "GET", path, {"Accept-Encoding": "br;q=1.0, gzip;q=0.8"})
        assert packed.headers["content-encoding"] == "gzip" and packed.headers["etag"] == tag
        assert packed.plain() == first.body and len(packed.body) < len(first.body) / 2
        assert "accept-encoding" in packed.headers["vary"].lower()
        assert "accept-encoding" in first.headers["vary"].lower()
        refused = ask(unix, "GET", path, {"Accept-Encoding": "gzip;q=0, identity"})
        assert "content-encoding" not in refused.headers and refused.body == first.body
    assert "etag" not in ask(unix, "GET", "/api/v1/status").headers


def test_head_is_get_without_the_body(up):
    for method, path, operation in up.contract.operations():
        if method != "GET" or "{" in path:
            continue
        for extra in ({}, {"Accept-Encoding": "gzip"}):
            head = ask(up.contract.unix, "HEAD", path, extra)
            assert head.body == b"" and head.status in (200, 400), (path, head.status)
            if "etag" in head.headers and "immutable" not in head.headers["cache-control"]:
                assert int(head.headers["content-length"]) > 0, path


STRICT = {"x-content-type-options": "nosniff", "x-frame-options": "DENY",
          "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin",
          "cross-origin-opener-policy": "same-origin"}


def test_every_answer_has_the_strict_head(up):
    unix, tcp = up.contract.unix, up.contract.tcp
    answers = [ask(unix, "GET", path) for path in ("/", "/healthz", "/metrics", "/nothing",
                                                   "/api/v1/checks", "/api/v1/config")]
    answers += [ask(unix, "PUT", "/"), ask(tcp, "GET", "/healthz", host="evil.example"),
                ask(tcp, "POST", "/api/v1/reload"), ask(tcp, "BAD LINE", "x")]
    for answer in answers:
        for name, value in STRICT.items():
            assert answer.headers[name] == value, (answer.status, name)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy, policy
        assert answer.headers["date"].endswith("GMT") and answer.headers["cache-control"]
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert answer.status < 400 or answer.type == "application/problem+json", answer.status


@pytest.mark.skipif(not (lab.TOP / "tests/ui/node_modules/@seriousme").is_dir(),
                    reason="`make ui-tools` fetches the validator")
def test_the_document_is_valid(up, tmp_path):
    page = tmp_path / "openapi.json"
    page.write_text(json.dumps(up.contract.document))
    script = ("import {Validator} from '@seriousme/openapi-schema-validator';"
              "const r = await new Validator().validate(process.argv[1]);"
              "console.log(JSON.stringify(r)); process.exit(r.valid ? 0 : 1)")
    done = subprocess.run(["node", "--input-type=module", "-e", script, str(page)],
                          cwd=lab.TOP / "tests/ui", capture_output=True, text=True,
                          timeout=lab.LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_document_is_whole(up):
    """Ids are unique, every word of a path is explained, every shape is used and has a name."""
    document = up.contract.document
    text = json.dumps(document)
    ids = [operation["operationId"] for _, _, operation in up.contract.operations()]
    assert len(set(ids)) == len(ids)
    for method, path, operation in up.contract.operations():
        assert "{}" not in path, f"{method} {path}: say what the {{}} stands for"
        assert all(p["description"] for p in operation["parameters"]), path
        assert operation["summary"] and operation["tags"], path
    for name, schema in document["components"]["schemas"].items():
        assert f"schemas/{name}\"" in text and schema["description"], name
        assert all("description" in p for p in schema["properties"].values()), name
