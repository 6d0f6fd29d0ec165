"""A real Prometheus reads /metrics, in both forms, and what contrib/ ships for it and for Grafana
speaks of what is there."""
import http.client
import http.server
import json
import re
import shutil
import subprocess

import pytest
import yaml

import lab
from srv_net import Keys, Stub, mute, tls
from srv_prometheus import CONTRIB, Prometheus

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="needs prometheus")
GRAFANA = lab.TOP / "contrib" / "grafana" / "triaged.json"
# Words of PromQL, and labels, that look like names of metrics.
NO_METRICS = {"triaged"}


class Plain(lab.Server):
    """Asks the daemon for what it is asked for, in the older form."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def handler(self):
        target = self.target

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                ask = http.client.HTTPConnection("127.0.0.1", target, timeout=lab.LIMIT)
                ask.request("GET", self.path, headers={"Accept": "text/plain"})
                reply = ask.getresponse()
                body = reply.read()
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.getheader("Content-Type"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                ask.close()

            def log_message(self, *args):
                pass

        return Handler


@pytest.fixture
def up(daemon, web, hook):
    keys = Keys()
    with Stub(tls(keys.make("good"), after=mute)) as secure:
        port = lab.free_port()
        d = daemon()
        d.write(f"""
daemon: {{name: lab, state_dir: {d.state}}}
api: {{listen: "127.0.0.1:{port}"}}
defaults: {{interval: 1s, retries: 1}}
checks:
  api: {{type: http, url: "{web.url}", labels: {{team: 'co"re\\back'}}}}
  cert: {{type: tls, address: "{secure.address}", ca: "{keys.folder}/ca.pem", server_name: localhost}}
  disks: {{type: disk, all: true}}
  memory: {{type: memory}}
  cpu: {{type: cpu}}
  shut: {{type: tcp, address: "127.0.0.1:1"}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""", head=False)
        d.start()
        d.port = port
        for name, state in (("api", "up"), ("cert", "up"), ("disks", "up"), ("shut", "down")):
            d.wait_state(name, state)
        yield d
    keys.destroy()


def metrics(d, accept):
    reply = d.api.request("GET", "/metrics", {"Accept": accept})
    assert reply[0] == 200
    return reply[2].decode()


def names_of(text):
    return set(re.findall(r"^([a-z][a-z0-9_]*)", text, re.M))


def names_in(expr):
    """Names of metrics that an expression speaks of; patterns over __name__ apart."""
    patterns = re.findall(r'__name__=~"([^"]*)"', expr)
    bare = re.sub(r'"[^"]*"', '""', expr)
    return set(re.findall(r"\b(?:triaged|process)_[a-z0-9_]+", bare)) - NO_METRICS, patterns


def test_prometheus_reads_both_forms(up, hook):
    lab.wait_for("an incident", up.incidents)
    hook.wait("incident.opened", "shut")
    plain = Plain(up.port).start()
    prom = Prometheus({"triaged": f"127.0.0.1:{up.port}", "plain": f"127.0.0.1:{plain.port}"}).start()
    try:
        for job in ("triaged", "plain"):
            prom.wait(f'up{{job="{job}"}} == 1')
            prom.wait(f'triaged_check_up{{job="{job}",check="shut"}} == 0')
            prom.wait(f'rate(triaged_check_runs_total{{job="{job}",check="api"}}[10s]) > 0')
            prom.wait(f'triaged_alert_state{{job="{job}",check="shut",state="firing"}} == 1')
            prom.wait(f'triaged_check_cause{{job="{job}",check="shut",cause="net.refused"}} == 1')
            prom.wait(f'triaged_receiver_sent_total{{job="{job}",receiver="hook"}} >= 1')
            prom.wait(f'histogram_quantile(0.5, rate(triaged_loop_lag_seconds_bucket{{job="{job}"}}[10s]))')
            ((labels, _),) = prom.wait(f'triaged_check_up{{job="{job}",check="api"}}')
            assert labels["team"] == 'co"re\\back' and labels["type"] == "http", labels
            (child, _), *_ = prom.wait(f'triaged_disk_used_ratio{{job="{job}"}} < 1')
            assert child["exported_instance"] in child["check"], child
        ((_, ends),) = prom.wait('triaged_tls_expiry_timestamp_seconds{job="triaged"} - time()')
        assert 18 * 86400 < ends < 21 * 86400
        same_series_in_both_forms(prom)
        counters_are_counters(prom)
        an_alert_of_ours_fires(prom)
    finally:
        prom.destroy()
        plain.stop()


def same_series_in_both_forms(prom):
    """Some come and go, such as the time of a disk that had nothing to do: all that were ever there count."""
    def kinds(job):
        seen = prom.query(f'count by (__name__) (last_over_time({{job="{job}"}}[1h]))')
        return {row[0]["__name__"] for row in seen}
    lab.wait_for("the same series in both forms", lambda: kinds("triaged") == kinds("plain"))
    assert len(kinds("plain")) > 60


def counters_are_counters(prom):
    told = {row["metric"]: row["type"] for row in prom.ask("targets/metadata")}
    for name in names_of("\n".join(told)):
        if name.endswith("_total"):
            assert told[name] == "counter", name
    # In OpenMetrics a counter's family has no _total, in the older form it has.
    assert told["triaged_check_runs"] == told["triaged_check_runs_total"] == "counter"
    assert told["triaged_loop_lag_seconds"] == "histogram"
    assert told["triaged_check_up"] == "gauge" and told["triaged_incident"] == "info"


def an_alert_of_ours_fires(prom):
    def firing():
        alerts = (prom.ask("alerts") or {"alerts": []})["alerts"]
        return [a for a in alerts if a["state"] == "firing"
                and a["labels"]["alertname"] == "TriagedIncident"
                and a["labels"]["check"] == "shut"]
    first = lab.wait_for("TriagedIncident", firing)[0]
    assert first["labels"]["severity"] == "critical"
    assert first["annotations"]["summary"] == "shut: net.refused"


def test_what_is_shipped_is_valid(up):
    for what in (["check", "rules", CONTRIB / "alerts.yaml"],
                 ["check", "config", CONTRIB / "scrape.yaml"]):
        done = subprocess.run(["promtool", *map(str, what)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        # promtool reads the older form; what is different is left away.
        text = metrics(up, accept)
        if accept != "text/plain":
            assert text.endswith("# EOF\n") and text.count("# EOF") == 1
            text = re.sub(r"^# (UNIT .*|EOF)\n", "", text, flags=re.M)
            counters = re.findall(r"^# TYPE (\S+) counter$", text, re.M)
            for name in counters:
                text = re.sub(rf"^# (TYPE|HELP) {name} ", rf"# \1 {name}_total ", text, flags=re.M)
            infos = re.findall(r"^# TYPE (\S+) info$", text, re.M)
            for name in infos:
                text = re.sub(rf"^# HELP {name} ", f"# HELP {name}_info ", text, flags=re.M)
                text = text.replace(f"# TYPE {name} info\n", f"# TYPE {name}_info gauge\n")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                              text=True)
        assert done.returncode == 0 and not done.stderr, (accept, done.stdout + done.stderr)


def test_shipped_expressions_speak_of_what_is_there(up, hook):
    """Every metric of the dashboard and of the alerts is in a real scrape."""
    hook.wait("incident.opened", "shut")
    # What is the difference of two samples comes with the second.
    lab.wait_for("a second sample", lambda: "triaged_cpu_used_ratio" in metrics(up, "text/plain"))
    there = names_of(metrics(up, "text/plain"))
    dashboard = json.loads(GRAFANA.read_text())
    exprs = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
    exprs += [a["expr"] for a in dashboard["annotations"]["list"]]
    exprs += [v["definition"].removeprefix("label_values(").split(",")[0]
              for v in dashboard["templating"]["list"] if "definition" in v]
    alerts = yaml.safe_load((CONTRIB / "alerts.yaml").read_text())
    exprs += [r["expr"] for g in alerts["groups"] for r in g["rules"]]
    assert len(exprs) > 30
    # Only with a heartbeat to send.
    absent = {"triaged_heartbeat_out_silent"}
    for expr in exprs:
        names, patterns = names_in(expr)
        assert names - there <= absent, (names - there, expr)
        assert names or patterns or 'up{' in expr, expr
        for pattern in patterns:
            assert any(re.fullmatch(pattern, name) for name in there), pattern
    ids = [p["id"] for p in dashboard["panels"]]
    assert len(ids) == len(set(ids))
