"""Every cause of the http layer, by a real nginx where it can make one; and the guides' checks that
lie about an API, which must not fool us."""
import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

import lab
import srv_net
from srv_net import Stub

OPENIM = '{"errCode":%d,"errMsg":"%s","errDlt":""}'


class Mute:
    """Listens, and never says a word: what waits for it runs into its own timeout."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


def config(folder, port, tls_port, mute, keys):
    cert, key = keys
    returns = "\n".join(
        f"    location = /{code} {{ default_type text/plain; return {code} 'as told'; }}"
        for code in (200, 204, 400, 401, 403, 404, 418, 500, 503))
    im = "\n".join(
        f"    location = /im/{code} {{ default_type application/json; "
        f"return 200 '{OPENIM % (code, text)}'; }}"
        for code, text in ((0, ""), (1601, "too many connections"), (1602, "args err"),
                           (14, "server internal error")))
    return f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ text/html html; text/javascript js; application/json json; }}
  limit_req_zone $binary_remote_addr zone=few:64k rate=1r/m;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key};
{returns}
{im}
    location = /few {{ limit_req zone=few; limit_req_status 429; try_files /index.html =500; }}
    location = /gone-upstream {{ proxy_pass http://127.0.0.1:1; }}
    location = /slow-upstream {{ proxy_pass http://127.0.0.1:{mute}; proxy_read_timeout 1s; }}
    location = /loop {{ return 302 /loop; }}
    location = /inside {{ return 302 http://169.254.169.254/latest/meta-data/; }}
    location = /file {{ return 302 file:///etc/passwd; }}
    location = /far {{ return 302 /far/1; }}
    location ~ ^/far/(?<n>1*)$ {{ return 302 /far/1$n; }}
    location = /status {{ alias {folder}/www/status.json; }}
    location = /alive {{ default_type application/json; return 200 '{{"success":true,"message":""}}'; }}
    location = /half {{ default_type application/json; return 200 '{{"success":tr'; }}
    location = /nothing {{ default_type application/json; return 200 ''; }}
    location / {{ root {folder}/www; try_files $uri /index.html; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx():
    folder = Path(tempfile.mkdtemp(prefix="ngx-"))
    folder.chmod(0o755)
    keys, mute = srv_net.Keys(), Mute()
    port, tls_port = lab.free_port(), lab.free_port()
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("<!DOCTYPE html><title>app</title>")
    (folder / "www" / "status.json").write_text(json.dumps(
        {"success": False, "data": {"text": '"success": true', "inner": {"success": True}}}))
    (folder / "www" / "app.js").write_text("run();")
    conf = folder / "nginx.conf"
    conf.write_text(config(folder, port, tls_port, mute.port, keys.make("web")))
    server = subprocess.Popen(["/usr/sbin/nginx", "-e", folder / "nginx.err", "-c", conf],
                              stderr=subprocess.DEVNULL)

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    lab.wait_for("nginx", answers)
    yield {"url": f"http://127.0.0.1:{port}", "tls_port": tls_port}
    server.terminate()
    server.wait()
    mute.socket.close()
    keys.destroy()
    shutil.rmtree(folder, ignore_errors=True)


def probe(folder, url, more="", expect=None):
    expect = f", expect: {{{expect}}}" if expect else ""
    return lab.probe_check(folder, f"{{type: http, url: '{url}'{more}{expect}}}")


@pytest.mark.cause("http.401", "http.403", "http.404", "http.4xx", "http.5xx", "http.503",
                   "http.502", "http.504", "http.status")
def test_statuses(nginx, folder):
    for path, code in (("401", "http.401"), ("403", "http.403"), ("404", "http.404"),
                       ("418", "http.4xx"), ("500", "http.5xx"), ("503", "http.503"),
                       ("gone-upstream", "http.502"), ("slow-upstream", "http.504")):
        sample = probe(folder, f"{nginx['url']}/{path}")
        lab.read_cause(sample, code)
        assert sample["values"]["status"] >= 400 and "wanted 200-299" in sample["text"], sample
    lab.read_cause(probe(folder, f"{nginx['url']}/200", expect="status: 204"), "http.status")
    for path, status in (("404", "404"), ("204", "[200, 204]"), ("503", "500-599")):
        sample = probe(folder, f"{nginx['url']}/{path}", expect=f"status: {status}")
        assert sample["outcome"] == "ok", sample


@pytest.mark.cause("http.429")
def test_rate_limit(nginx, folder):
    """nginx's own limiter; a limit is no outage, so its level is info."""
    assert probe(folder, f"{nginx['url']}/few")["outcome"] == "ok"
    lab.read_cause(probe(folder, f"{nginx['url']}/few"), "http.429")


@pytest.mark.cause("http.redirect-loop")
def test_redirects_without_end(nginx, folder):
    for path in ("loop", "far"):
        lab.read_cause(probe(folder, f"{nginx['url']}/{path}"), "http.redirect-loop")


@pytest.mark.cause("http.redirect-refused")
def test_redirects_that_are_not_followed(nginx, folder):
    for path in ("inside", "file"):
        lab.read_cause(probe(folder, f"{nginx['url']}/{path}"), "http.redirect-refused")


@pytest.mark.cause("http.body-mismatch", "http.header-mismatch", "http.version-mismatch")
def test_expectations(nginx, folder):
    url = nginx["url"] + "/200"
    assert probe(folder, url, expect="body: '^as told$', not_body: error")["outcome"] == "ok"
    for expect, code in (("body: '^something else$'", "http.body-mismatch"),
                         ("not_body: told", "http.body-mismatch"),
                         ("header: {Content-Type: '^application/json'}", "http.header-mismatch"),
                         ("header: {X-Not-There: '.'}", "http.header-mismatch"),
                         ("http_version: '1.0'", "http.version-mismatch")):
        lab.read_cause(probe(folder, url, expect=expect), code)


@pytest.mark.cause("http.json-false", "http.json-invalid", "http.content-type")
def test_json(nginx, folder):
    url = nginx["url"]
    wanted = "json: success == true"
    assert probe(folder, f"{url}/alive", expect=wanted)["outcome"] == "ok"
    for path, code in (("status", "http.json-false"), ("half", "http.json-invalid"),
                       ("nothing", "http.json-invalid"), ("200", "http.json-invalid"),
                       ("some/page", "http.content-type")):
        lab.read_cause(probe(folder, f"{url}/{path}", expect=wanted), code)


@pytest.mark.cause("http.truncated", "http.slow")
def test_broken_off_and_late(folder):
    with Stub(srv_net.http(body=b'{"success"', length=500)) as stub:
        lab.read_cause(probe(folder, f"http://{stub.address}/"), "http.truncated")
    with Stub(srv_net.http(delay=0.3)) as stub:
        sample = probe(folder, f"http://{stub.address}/", expect="max_time: 100ms")
        lab.read_cause(sample, "http.slow")
        assert "first" in sample["text"], sample  # the phase is named


@pytest.mark.cause("net.tls-required", "net.tls-unsupported", "net.protocol", "net.eof")
def test_below_http(nginx, folder):
    lab.read_cause(probe(folder, f"http://127.0.0.1:{nginx['tls_port']}/200"), "net.tls-required")
    plain = nginx["url"].replace("http:", "https:")
    lab.read_cause(probe(folder, f"{plain}/200"), "net.tls-unsupported")
    with Stub(srv_net.say_and_close(b"-ERR unknown command\r\n")) as stub:
        sample = probe(folder, f"http://{stub.address}/")
        lab.read_cause(sample, "net.protocol")
        assert "a Redis or POP3 server" in sample["text"], sample
    with Stub(srv_net.close) as stub:
        lab.read_cause(probe(folder, f"http://{stub.address}/"), "net.eof")


# --- checks of the guides that lie ---

@pytest.mark.trap(4)
def test_liveness_is_not_readiness(daemon, nginx, hook):
    """/api/status answers from memory while the database is gone: the database's own check says it,
    and the API is neither called down nor the root."""
    d = daemon(f"""
checks:
  api: {{type: http, url: "{nginx['url']}/alive", interval: 1s, expect: {{json: success == true}}, needs: [db]}}
  db: {{type: tcp, address: "127.0.0.1:{lab.free_port()}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
    incident = hook.wait("incident.opened", "db")["data"]["incident"]
    assert incident["cause"]["code"] == "net.refused"
    d.wait_state("api", "up")
    assert not hook.events("incident.opened", "api")


@pytest.mark.trap(5)
@pytest.mark.cause("http.json-false")
def test_success_somewhere_in_the_text(nginx, folder):
    """`grep '"success":\\s*true'` is content with a nested or quoted one."""
    sample = probe(folder, f"{nginx['url']}/status", expect="json: success == true")
    lab.read_cause(sample, "http.json-false")
    assert "success is false" in sample["text"], sample
    fooled = probe(folder, f"{nginx['url']}/status", expect="body: '\"success\":[[:space:]]*true'")
    assert fooled["outcome"] == "ok"  # the guide's own check


@pytest.mark.trap(6)
@pytest.mark.cause("http.json-false")
def test_errors_with_status_200(nginx, folder):
    sample = probe(folder, f"{nginx['url']}/im/14", expect="json: errCode == 0")
    lab.read_cause(sample, "http.json-false")
    assert sample["values"]["status"] == 200 and "errCode is 14" in sample["text"], sample
    assert probe(folder, f"{nginx['url']}/im/0", expect="json: errCode == 0")["outcome"] == "ok"


@pytest.mark.trap(7)
@pytest.mark.cause("http.json-false")
def test_alive_by_its_complaint(nginx, folder):
    """The message gateway has no health route: 1602 (arguments missing) is alive, 1601 (connection
    limit) is not; a missing path may be alive too, if the check says so."""
    wanted = "json: 'errCode in [0, 1602]'"
    assert probe(folder, f"{nginx['url']}/im/1602", expect=wanted)["outcome"] == "ok"
    sample = probe(folder, f"{nginx['url']}/im/1601", expect=wanted)
    lab.read_cause(sample, "http.json-false")
    assert "1601" in sample["text"], sample
    assert probe(folder, f"{nginx['url']}/404", expect="status: [200, 404]")["outcome"] == "ok"


@pytest.mark.trap(22)
@pytest.mark.cause("http.header-mismatch")
def test_missing_script_of_a_single_page_app(nginx, folder):
    """try_files answers a missing script with 200 and index.html."""
    script = "header: {Content-Type: javascript}"
    assert probe(folder, f"{nginx['url']}/app.js", expect=script)["outcome"] == "ok"
    sample = probe(folder, f"{nginx['url']}/gone.js", expect=script)
    lab.read_cause(sample, "http.header-mismatch")
    assert sample["values"]["status"] == 200 and "text/html" in sample["text"], sample
