"""Probes against real servers and real mounts."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import lab

HANGFS = lab.BUILD / "hangfs"


def can_fuse():
    return os.path.exists("/dev/fuse") and HANGFS.exists() and shutil.which("fusermount3")


@pytest.mark.fault("mount-hangs")
@pytest.mark.skipif(not can_fuse(), reason="needs /dev/fuse and fuse3")
def test_mount_that_never_answers(daemon, web, hook, folder):
    mount = Path(folder) / "hung"
    mount.mkdir()
    server = subprocess.Popen([HANGFS, "-f", "-s", mount], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("the mount", lambda: str(mount) in Path("/proc/self/mountinfo").read_text())
        d = daemon(f"""
checks:
  nfs: {{type: disk, path: {mount}, interval: 1s, timeout: 1s, retries: 2}}
  api: {{type: http, url: "{web.url}", interval: 1s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
""").start()
        opened = hook.wait("incident.opened", "nfs")["data"]["incident"]
        assert opened["cause"]["code"] == "fs.hung"
        api = d.check("api")
        assert api["state"] == "up" and api["overdue"] == 0
        runs = api["runs"]
        lab.wait_for("the other check to go on", lambda: d.check("api")["runs"] > runs + 2)
        d.stop()
    finally:
        server.kill()
        server.wait()
        subprocess.run(["fusermount3", "-u", "-z", mount], capture_output=True)


def nginx_config(folder, port, tls_port, cert, key):
    return f"""
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
  fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate {cert}; ssl_certificate_key {key};
    location = /ok {{ default_type application/json; return 200 '{{"success":true,"n":[1,2]}}'; }}
    location = /no {{ default_type application/json; return 200 '{{"success":false}}'; }}
    location = /move {{ return 302 /ok; }}
    location = /loop {{ return 302 /loop; }}
    location = /bad {{ proxy_pass http://127.0.0.1:1; }}
    location = /html {{ default_type text/html; return 200 '<html>hello</html>'; }}
  }}
}}
"""


@pytest.fixture
def nginx(folder):
    port, tls_port = lab.free_port(), lab.free_port()
    cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    os.chmod(folder, 0o755)
    Path(f"{folder}/nginx.conf").write_text(nginx_config(folder, port, tls_port, cert, key))
    server = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{folder}/nginx.err", "-c",
                               f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)

    def answers():
        import socket
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    lab.wait_for("nginx", answers)
    yield {"url": f"http://127.0.0.1:{port}", "tls": f"https://127.0.0.1:{tls_port}",
           "named": f"https://localhost:{tls_port}", "ca": cert, "port": port,
           "tls_port": tls_port}
    server.terminate()
    server.wait()


HTTP_CASES = {
    "plain": ("{url}/ok", "expect: {json: success == true}", "up", None),
    "list": ("{url}/ok", "expect: {json: [success == true, 'n[1] == 2']}", "up", None),
    "not-true": ("{url}/no", "expect: {json: success == true}", "down", "http.json-false"),
    "moved": ("{url}/move", "", "up", None),
    "looped": ("{url}/loop", "", "down", "http.redirect-loop"),
    "gateway": ("{url}/bad", "", "down", "http.502"),
    "missing": ("{url}/nothing", "", "down", "http.404"),
    "page": ("{url}/html", "expect: {json: success == true}", "down", "http.content-type"),
    "body": ("{url}/html", "expect: {body: 'good.?bye'}", "down", "http.body-mismatch"),
    "verified": ("{tls}/ok", "ca: {ca}", "up", None),
    "by-name": ("{named}/ok", "ca: {ca}", "up", None),
    "unknown-ca": ("{tls}/ok", "", "down", "net.tls-verify"),
    "unverified": ("{tls}/ok", "verify: false", "up", None),
    "http2": ("{tls}/ok", "ca: {ca}, http_version: '2'", "up", None),
    "plain-to-tls": ("http://127.0.0.1:{tls_port}/ok", "", "down", "net.tls-required"),
    "tls-to-plain": ("https://127.0.0.1:{port}/ok", "", "down", "net.tls-unsupported"),
    "nobody": ("http://127.0.0.1:1/", "", "down", "net.refused"),
    "no-name": ("http://nobody.invalid/", "", "down", "net.dns-nxdomain"),
}


def test_http_against_nginx(daemon, nginx):
    lines = ["checks:"]
    for name, (url, more, _, _) in HTTP_CASES.items():
        for word, value in nginx.items():
            url, more = url.replace("{%s}" % word, str(value)), more.replace("{%s}" % word, str(value))
        lines.append(f'  {name}: {{type: http, url: "{url}", interval: 1s, retries: 1'
                     f'{", " + more if more else ""}}}')
    d = daemon("\n".join(lines) + "\n").start()
    # A machine without any resolver cannot tell that a name does not exist.
    loose = {"no-name": {"net.dns-nxdomain", "net.dns-fail"}}
    for name, (_, _, state, cause) in HTTP_CASES.items():
        lab.wait_for(f"a sample of {name}", lambda n=name: d.check(n)["runs"] > 0 and
                     d.check(n)["state"] != "unknown")
        seen = d.check(name)
        assert seen["state"] == state, (name, seen)
        if cause:
            assert seen["cause"] in loose.get(name, {cause}), (name, seen)
    secure = d.check("verified")
    assert 8 * 86400 < secure["metrics"]["tls_days_left"] < 11 * 86400
    assert {"connect_time", "tls_time", "first_byte_time", "total_time"} <= set(secure["metrics"])


def test_rsyslog_takes_our_lines(daemon, web, hook, folder):
    out = Path(folder) / "out.log"
    conf = Path(folder) / "rsyslog.conf"
    conf.write_text(f"""
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/dev-log" CreatePath="on")
template(name="t" type="string" string="%syslogfacility-text%.%syslogseverity-text% %programname%:%msg%\\n")
*.* action(type="omfile" file="{out}" template="t")
""")
    server = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-f", conf, "-i", f"{folder}/rs.pid"],
                              stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        lab.wait_for("rsyslog's socket", lambda: os.path.exists(f"{folder}/dev-log"))
        d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  log: {{type: syslog, socket: {folder}/dev-log}}
""").start()
        d.wait_state("api", "up")
        web.stop()
        lab.wait_for("the line", lambda: out.exists() and "daemon.crit triaged:" in out.read_text())
        text = out.read_text()
        assert 'cause="net.refused"' in text and 'check="api"' in text
        web.start()
        lab.wait_for("the end", lambda: "daemon.notice triaged:" in out.read_text())
    finally:
        server.terminate()
        server.wait()


def test_disks_expand_into_children(daemon):
    d = daemon("checks:\n  disks: {type: disk, all: true, interval: 1s}\n").start()
    names = lab.wait_for("children", lambda: [
        c["name"] for c in d.api.get("/api/v1/checks")["checks"] if c["name"].startswith("disks[")])
    d.wait_state(names[0], "up")
    child = d.check(names[0])
    assert 0 <= child["metrics"]["used_percent"] <= 100
    assert child["metrics"]["total_bytes"] > 0
    assert d.check("disks")["metrics"]["count"] == len(names)
