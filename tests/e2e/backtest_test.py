"""What a rule would have said of the past: over the API and by `triage backtest`."""
import json
import socket
import urllib.parse

import pytest

import lab
from srv_history import DAY, HOUR, History

CONFIG = """
checks:
  api: {{type: http, url: "{url}", interval: 30s}}
  gone: {{type: tcp, address: "127.0.0.1:1", interval: 30s, retries: 1}}
rules:
  slow: {{check: api, warning: api.total_time > 2s, for: 2m, summary: "{{{{api.total_time}}}} is slow"}}
"""
OUTAGE, SLOW, PEAK = 3 * DAY, DAY, 6 * HOUR


@pytest.fixture
def past(daemon, web):
    """Down for an hour three days ago, slow for ten minutes yesterday, one slow answer this
    morning, slow for four minutes within the last hour."""
    d = daemon(CONFIG.format(url=web.url))
    history = History(d.folder)
    up = lambda age: float(not OUTAGE < age <= OUTAGE + HOUR)

    def total(age):
        if not up(age):
            return None
        is_slow = SLOW < age <= SLOW + 600 or PEAK < age <= PEAK + 30 or 1800 < age <= 2040
        return 3.0 if is_slow else 0.25
    history.fill("api", "total_time", 8 * DAY, total, until=90)
    history.fill("api", ".up", 8 * DAY, up, until=90)
    history.write()
    d.start()
    d.wait_state("api", "up")
    return d


def ask(d, **query):
    query = {k.rstrip("_"): v for k, v in query.items()}
    return d.api.get("/api/v1/backtest?" + urllib.parse.urlencode(query))


def test_rule_in_force(past):
    doc = ask(past, rule="slow", since="47h")
    result, = doc["results"]
    assert (result["rule"], result["check"]) == ("slow", "api") and doc["alerts"] == 1 and "next" not in doc
    old, young = result["firings"]
    assert 420 <= old["seconds"] <= 600 and old["severity"] == "warning" and old["text"] == "3 s is slow"
    assert 90 <= young["seconds"] <= 150 and "incident" not in young
    fine, coarse = sorted(result["resolution"], key=lambda g: g["grain_seconds"])
    assert (fine["grain_seconds"], coarse["grain_seconds"]) == (0, 60) and coarse["until"] < fine["since"]
    assert 230 <= fine["samples"] <= 245 and 45 * HOUR - 120 < coarse["samples"] * 30 < 45 * HOUR + 120
    assert result["known_seconds"] > 47 * HOUR - 300
    assert "only averages of 1m are left: a shorter peak cannot be seen" in result["notes"][0]
    total, = doc["totals"]
    assert total["firings"] == 2 and total["noise"] == 2 and total["summary"].startswith(
        "would have fired 2 times in 1d 23h, ")
    assert "there were no incidents to compare with" in total["summary"]


def test_proposed(past):
    # A peak of one sample is lost in averages of a minute; their bounds have it.
    short = {"expr": "api.total_time > 2s", "since": "8h", "until": "2h"}
    assert ask(past, **short)["results"][0]["firings"] == []
    result, = ask(past, **short, peaks=1, severity="critical")["results"]
    assert result["firings"][0]["severity"] == "critical" and "only bounds" in result["notes"][0]

    result, = ask(past, expr="down(api)", since="7d")["results"]
    firing, = result["firings"]
    assert HOUR - 60 <= firing["seconds"] <= HOUR + 60  # over quarters of an hour, one outage
    assert [g["grain_seconds"] for g in result["resolution"]] == [900, 60, 0]
    doc = ask(past, expr="up(api)", since="60d")
    assert doc["results"][0]["firings"][0].get("forgotten") is None and "are forgotten" in str(doc["results"][0]["notes"])
    result, = ask(past, expr="down(api)", since="7d", for_="5m", check="api")["results"]
    assert HOUR - 960 <= result["firings"][0]["seconds"] <= HOUR - 240
    assert "`for: 5m` cannot be told" in result["notes"][0] and "15m" in result["notes"][0]

    doc = ask(past, expr="this.total_time > 2s", each="http", for_="3 samples", since="2h")
    assert [r["check"] for r in doc["results"]] == ["api"] and len(doc["results"][0]["firings"]) == 1
    doc = ask(past, expr="this.total_time > 2s and up(this)", check="api", since="2h")
    assert len(doc["results"][0]["firings"]) == 1
    doc = ask(past, expr="api.status == 500 or cause(api) == \"http.5xx\"", since="7d")
    assert doc["results"][0]["firings"] == [] and doc["results"][0]["known_seconds"] == 0
    assert "the history does not keep api.status" in str(doc["results"][0]["notes"])
    assert "error" in ask(past, expr="cannot_tell(api)")["results"][0]


def test_what_really_happened(past):
    past.wait_state("gone", "down")
    incident = lab.wait_for("its incident", lambda: next(iter(past.incidents()), None))

    def caught():
        doc = ask(past, expr="down(this)", check="gone", since="1h")
        return doc if doc["results"][0]["firings"] else None
    doc = lab.wait_for("a row of it", caught)
    firing, = doc["results"][0]["firings"]
    real, = doc["results"][0]["incidents"]
    assert firing["incident"] == real["id"] == incident["id"] and real["caught"] and firing["to"] is None
    assert abs(real["earlier_seconds"]) < 60
    assert doc["totals"][0]["caught"] == 1 and doc["totals"][0]["noise"] == 0
    assert "caught 1 of 1 incident" in doc["totals"][0]["summary"]
    doc = ask(past, expr="gone.total_time > 9s", since="1h")
    assert doc["totals"][0]["missed"] == 1 and doc["results"][0]["incidents"][0]["caught"] is False


def post(d, body, query=""):
    sock = lab.UnixHttp(d.folder / "api.sock")
    body = body.encode()
    raw = sock.raw(f"POST /api/v1/backtest{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   f"Content-Type: application/yaml\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    head, _, text = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(text)


def test_rules_of_a_file(past):
    rules = """
rules:
  slow: {each: http, warning: this.total_time > 2s, for: 1m}
  outage: {critical: down(api)}
"""
    status, doc = post(past, rules, "?since=4d")
    assert status == 200
    assert [(r["rule"], len(r["firings"])) for r in doc["results"]] == [("slow", 2), ("outage", 1)]
    assert [t["rule"] for t in doc["totals"]] == ["slow", "outage"]
    status, doc = post(past, rules, "?since=4d&rule=outage")
    assert [r["rule"] for r in doc["results"]] == ["outage"]
    # A stranger's text: nothing is looked up for it.
    status, doc = post(past, "it: {warning: 'api.total_time > 1s', summary: '${file:/etc/hostname}'}")
    assert status == 200 and all("${file:" in f["text"] for f in doc["results"][0]["firings"])
    status, doc = post(past, "rules: {it: {warning: api.totl_time > 2s}, this: {}}")
    assert status == 422 and 'did you mean "total_time"' in doc["detail"] and "rules:1:" in doc["detail"]
    assert post(past, "[1, 2")[0] == 422 and post(past, "- 1")[0] == 422
    assert post(past, "it: {warning: up(api)}\0")[0] == 422
    assert post(past, "it: {info: , warning: api.total_time > 1s}", "?since=1d")[0] == 200
    many = "".join(f"it{n}: {{warning: up(api)}}\n" for n in range(51))
    assert "at most 50 rules" in post(past, many)[1]["detail"]


MISTAKES = [
    ("", 400, "rule="),
    ("rule=slo", 404, 'did you mean "slow"?'),
    ("rule=slow&check=gone", 422, "gone"),
    ("rule=slow&check=gne", 404, 'did you mean "gone"?'),
    ("rule=slow&since=1h&until=2h", 400, "since"),
    ("rule=slow&next=x", 400, "next"),
    ("expr=api.totl_time+%3E+2s", 422, 'did you mean "total_time"?'),
    ("expr=api.total_time+%3E+2", 422, "unit"),
    ("expr=up(api)&severity=bad", 400, "severity"),
    ("expr=this.total_time+%3E+2s", 422, "each"),
    ("expr=up(api)&for=soon", 422, "for"),
]


def test_mistakes(past):
    for query, status, words in MISTAKES:
        got, _, body = past.api.request("GET", "/api/v1/backtest?" + query)
        assert got == status and words in json.loads(body)["detail"], (query, body)


def triage(d, *args, stdin=None):
    env = {"RUNTIME_DIRECTORY": str(d.folder), "COLUMNS": "80"}
    return lab.triage("backtest", *args, env=env, stdin=stdin)


def test_command(past):
    run = triage(past, "slow", "--since", "47h")
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and lines[0].startswith("slow: would have fired 2 times in 1d 23h, ")
    assert [line.split()[0] for line in lines if line.startswith(("FROM", "20"))][0] == "FROM"
    assert "3 s is slow" in run.stdout and "note: until" in run.stdout and " warning " in run.stdout
    assert all(len(line) <= 80 for line in lines), run.stdout

    run = triage(past, "this.total_time > 2s", "--check", "api", "--severity", "critical", "--for", "3 samples",
                 "--since", "2h", "--json")
    doc = json.loads(run.stdout)
    assert doc["totals"][0]["firings"] == 1 and doc["results"][0]["firings"][0]["severity"] == "critical"

    rules = past.folder / "new.yaml"
    rules.write_text("slow: {each: http, warning: this.total_time > 2s}\nout: {critical: down(api)}\n")
    run = triage(past, "--file", rules, "--since", "4d")
    assert run.returncode == 0 and run.stdout.count("would have fired") == 2, run.stdout + run.stderr
    assert triage(past, "--file", "-", stdin=rules.read_text()).returncode == 0
    past.wait_state("gone", "down")
    lab.wait_for("its incident", past.incidents)
    run = triage(past, "gone.total_time > 9s", "--since", "1h")
    assert "caught 0 of 1 incident" in run.stdout and "  missed: " in run.stdout

    for args, words, code in (
            (["slo"], 'did you mean "slow"?', 1), (["api.total_time > 2"], "unit", 2), ([], "say which", 2),
            (["slow", "--file", "x"], "say which", 2), (["--file", "/none"], "cannot be read", 1),
            (["slow", "--since", "soon"], "since", 2)):
        run = triage(past, *args)
        assert run.returncode == code and words in run.stderr, (args, run)


def test_askers_who_leave(past):
    """One at a time, and one who has gone is forgotten."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(past.folder / "api.sock"))
        s.sendall(b"GET /api/v1/backtest?rule=check-down&since=90d HTTP/1.1\r\nHost: x\r\n\r\n")
    for n in range(20):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(past.folder / "api.sock"))
            path = "backtest?expr=up(api)" if n % 2 else "checks/api/uptime"
            s.sendall(f"GET /api/v1/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def answer():
        status, _, body = past.api.request("GET", "/api/v1/backtest?rule=slow&since=1h")
        assert status in (200, 503), body
        return status == 200
    lab.wait_for("the way to be free", answer)


def test_many_firings_are_several_answers(daemon, web):
    """What is written in one turn of the loop is bounded; the command puts the parts together."""
    names = [f"c{n}" for n in range(5)]
    d = daemon("checks:\n" + "".join(f"  {n}: {{type: http, url: \"{web.url}\", interval: 30s}}\n" for n in names))
    history = History(d.folder)
    for name in names:
        history.fill(name, "total_time", 2 * HOUR, lambda age: age // 10 % 2, step=10, until=60)
        history.fill(name, ".up", 2 * HOUR, lambda age: 1, step=10, until=60)
    history.write()
    d.start()
    rule = {"expr": "this.total_time > 500ms", "each": "http", "since": "119m"}
    doc = ask(d, **rule)
    counts = [len(r["firings"]) for r in doc["results"]]
    assert all(count > 300 for count in counts) and sum(counts) < 1500 and doc["next"] == len(counts) < 5
    rest = ask(d, **rule, next=doc["next"])
    assert len(rest["results"]) == 5 - len(counts) and "next" not in rest
    run = triage(d, rule["expr"], "--each", "http", "--since", "119m", "--json")
    whole = json.loads(run.stdout)
    assert [r["check"] for r in whole["results"]] == names and whole["totals"][0]["firings"] > 1500


def test_children_and_several_checks(daemon, web):
    d = daemon(f"""
checks:
  disks: {{type: disk, all: true, interval: 1s}}
  api: {{type: http, url: "{web.url}", interval: 1s}}
""").start()
    d.wait_state("api", "up")

    def known():
        doc = ask(d, rule="disk-space", since="1h")
        return doc if any(r.get("known_seconds", 0) > 0 for r in doc["results"]) else None
    doc = lab.wait_for("values of the children", known)
    assert any(r["check"].startswith("disks[") for r in doc["results"])
    doc = ask(d, expr="api.total_time > 0s and disks.count > 0 and up(api)", since="1h", severity="info")
    result, = doc["results"]
    assert result["check"] == "api" and result["firings"][0]["to"] is None and result["known_seconds"] > 0
