"""Playbooks of one's own, what is wrong with them, and `triage explain`."""
import json
import re
import sys
from pathlib import Path

import lab

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402

OWN = """playbook: net-refused
title: {{ en: "Ours", zh: "自有" }}
symptoms: [{{ cause: net.refused }}]
causes:
  - cause: {cause}
    title: {{ en: "{{{{target.check}}}}: call the night desk ({cause})", zh: "{{{{target.check}}}}：请联系值班" }}
    why: {{ en: "Nobody listens on port {{{{target.port}}}}.", zh: "端口 {{{{target.port}}}} 无人监听。" }}
    remedy: [{{ text: {{ en: "call", zh: "打电话" }}, command: "{command}" }}]
"""


def own(folder, cause="ours", command="ss -ltnp", name="net-refused"):
    path = Path(folder) / "playbooks"
    path.mkdir(exist_ok=True)
    (path / f"{name}.yaml").write_text(OWN.format(cause=cause, command=command))


def config(hook, port, more=""):
    return f"""
checks:
  rpc: {{type: tcp, address: "127.0.0.1:{port}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
{more}"""


def test_own_playbook_replaces_a_shipped_one(daemon, hook, folder):
    own(folder)
    d = daemon(config(hook, lab.free_port())).start()
    incident = hook.wait("incident.opened", "rpc")["data"]["incident"]
    assert incident["title"] == "rpc: call the night desk (ours)", incident
    assert incident["cause"]["playbook"] == "net-refused" and incident["cause"]["code"] == "net.refused"
    shown = d.api.get("/api/v1/playbooks/net-refused")
    assert not shown["shipped"] and shown["causes"][0]["finding"] == "net-refused.ours"
    assert len(d.api.get("/api/v1/playbooks")["playbooks"]) > 20
    assert d.api.request("GET", "/api/v1/playbooks/nothing")[0] == 404


def test_reload_takes_changed_ones_and_refuses_bad_ones(daemon, hook, folder):
    own(folder)
    d = daemon(config(hook, lab.free_port())).start()
    hook.wait("incident.opened", "rpc")
    own(folder, cause="changed")
    d.reload()
    lab.wait_for("the new playbook", lambda: d.api.get("/api/v1/playbooks/net-refused")["causes"][0]
                 ["finding"] == "net-refused.changed")
    own(folder, cause="worse", command="redis-cli FLUSHALL")
    d.reload()
    assert "destructive: true" in d.log.read_text()
    assert d.api.get("/api/v1/playbooks/net-refused")["causes"][0]["finding"] == "net-refused.changed"


def test_check_says_what_is_wrong(folder, hook):
    own(folder, command="ls {{target.paht}}", name="net-refusd")
    path = Path(folder) / "triaged.yaml"
    path.write_text(config(hook, 9))
    done = lab.triage("check", path)
    assert done.returncode == 2, done.stdout
    assert "net-refusd.yaml:1:11: error: playbook: its name is that of its file" in done.stderr, done.stderr
    assert 'unknown key "paht" of fact "target"; did you mean "path"?' in done.stderr, done.stderr
    assert "^" in done.stderr


def test_chinese(daemon, hook, folder):
    d = daemon()
    d.config.write_text(d.config.read_text().replace("name: lab,", "name: lab, language: zh,")
                        + config(hook, lab.free_port()))
    d.start()
    incident = hook.wait("incident.opened", "rpc")["data"]["incident"]
    assert "无人监听" in incident["title"] and incident["remedy"][0]["text"] == "启动服务", incident


def explain(*args, folder="/nonexistent"):
    return lab.triage("explain", *args, "-c", f"{folder}/none.yaml")


def test_explain_needs_no_daemon():
    code = explain("net.refused")
    assert code.returncode == 0 and "level: critical" in code.stdout and "api-down" in code.stdout
    whole = explain("api-down")
    for part in ("covers: api-down", "http: net.refused", "asks for: port-owner", "api-down.oom-killed (certain)",
                 "when: ", "Remedy: "):
        assert part in whole.stdout, (part, whole.stdout)
    assert "条件：" in explain("api-down", "--lang", "zh").stdout
    finding = json.loads(explain("api-down.stopped", "--json").stdout)
    assert [c["finding"] for c in finding["causes"]] == ["api-down.stopped"]
    rule = explain("http-slow")
    assert "each: http" in rule.stdout and "api-slow" in rule.stdout
    assert len(json.loads(explain("--json").stdout)) > 20


def test_explain_without_a_sample():
    """What a sample would say is left out, and the sentence is one without it."""
    said = explain("http.status").stdout
    assert "not with a status that this check accepts.\n" in said, said
    assert "that the settings look for.\n" in explain("log.matched").stdout
    assert "found damage. A crash" in explain("sqlite.corrupt").stdout
    codes = [code for path in sorted((lab.TOP / "daemon/model/causes").glob("*.def"))
             for code, row in re.findall(r'^CAUSE\("([^"]+)"(.*?)(?=^CAUSE|\Z)', path.read_text(), re.M | re.S)
             if "{text}" in row]
    assert len(codes) > 40
    for code in codes:
        for language in ("en", "zh"):
            assert "…" not in explain(code, "--lang", language).stdout, (code, language)


def test_explain_a_fact():
    fact = explain("port-owner").stdout
    for part in ("Who listens on the port", "it needs: CAP_SYS_PTRACE", "What may be asked of it:", "loopback_only",
                 "Playbooks that ask for it:", "api-down "):
        assert part in fact, (part, fact)
    doc = json.loads(explain("pg-blockers", "--json").stdout)
    assert doc["kind"] == "fact" and "postgres" in doc["types"] and doc["playbooks"] and doc["keys"][0]["help"]
    assert "pg-blockers" in explain("pg-blokers").stderr


def test_explain_warns_of_what_destroys(folder):
    own(folder, command='redis-cli FLUSHALL", destructive: true, when: "target.local')
    path = Path(folder) / "triaged.yaml"
    path.write_text("checks: {m: {type: memory}}\n")
    done = lab.triage("explain", "net-refused", "-c", path)
    assert "Remedy (destructive, ask first): call (if target.local)" in done.stdout, done.stdout


def test_explain_knows_the_nearest():
    done = explain("refusd")
    assert done.returncode == 1 and "net.refused" in done.stderr, done.stderr
    assert explain("net.refused", "--lang", "xx").returncode == 2


def test_the_one_of_the_page(daemon, hook, folder):
    """docs/playbooks.md, "One of your own": its settings, its playbook, its message."""
    text = (lab.TOP / "docs/playbooks.md").read_text()
    settings, playbook, command, told = pages.blocks("docs/playbooks.md", text[text.index("## One of your own"):])[:4]
    log = Path(folder) / "shop.log"
    log.write_text("2026-01-02 02:59:00 INFO sold\n")
    (Path(folder) / "playbooks").mkdir()
    (Path(folder) / "playbooks/shop-licence.yaml").write_text(playbook.text)
    line = re.search(r'echo "(.*)"', command.text).group(1)
    d = daemon(settings.text.replace("/var/log/shop/shop.log", str(log)) + f"""
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
    d.wait_state("shop-log", "up")
    with log.open("a") as f:
        f.write(line + "\n")
    incident = hook.wait("incident.opened", "shop-log")["data"]["incident"]
    assert incident["cause"]["playbook"] == "shop-licence" and incident["cause"]["confidence"] == "certain", incident
    step = incident["remedy"][0]
    said = f"CRITICAL · {incident['title']}\n{incident['summary']}\nWhy: {incident['cause']['explanation']}\n" \
           f"First step: {step['text']} (1 of {len(incident['remedy'])})\n{step['command']}\n"
    assert said in told.text, said
