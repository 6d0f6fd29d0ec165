"""The local HTTP server that the bench asks: one nginx on loopback that answers a GET at once.

Port `close` ends each connection, `keep` keeps them; `tls` ends each and lets sessions be resumed, as
nginx does by itself, `tls_full` does not: each handshake is a full one; `logged` says when each check
came (arrivals()).  The certificate is made by us, for 127.0.0.1: `ca` is to be trusted.
"""
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from yard import free_port, wait_for

CONF = """
daemon off; pid {folder}/pid; error_log {folder}/err crit; worker_processes 1;
worker_rlimit_nofile 200000;
events {{ worker_connections 60000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; {temps}
  ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
  default_type application/json;
  server {{ listen 127.0.0.1:{close} backlog=65535; keepalive_timeout 0;
            location / {{ return 200 '{{"success":true}}'; }} }}
  log_format when '$msec $uri';
  server {{ listen 127.0.0.1:{logged} backlog=65535; keepalive_timeout 0; access_log {folder}/log when;
            location / {{ return 200 '{{"success":true}}'; }} }}
  server {{ listen 127.0.0.1:{keep} backlog=65535; location / {{ return 200 '{{"success":true}}'; }} }}
  server {{ listen 127.0.0.1:{tls} ssl backlog=65535; keepalive_timeout 0;
            location / {{ return 200 '{{"success":true}}'; }} }}
  server {{ listen 127.0.0.1:{tls_full} ssl backlog=65535; keepalive_timeout 0;
            ssl_session_cache off; ssl_session_tickets off;
            location / {{ return 200 '{{"success":true}}'; }} }}
}}
"""


A_FILE = 20000  # checks in one file of settings; the daemon reads 4 MB of each
PORTS = ("close", "keep", "tls", "tls_full", "logged")


class Nginx:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="nginx-"))
        self.folder.chmod(0o755)
        ports = {name: free_port() for name in PORTS}
        self.close, self.keep, self.tls, self.tls_full, self.logged = ports.values()
        self.ca = self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-keyout",
                        self.folder / "key.pem", "-out", self.ca, "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        temps = "".join(f"{name}_temp_path {self.folder}/{name}; " for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "conf").write_text(CONF.format(folder=self.folder, temps=temps, **ports))
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([nginx, "-e", self.folder / "err", "-c", self.folder / "conf"])
        wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", self.close)) == 0)

    def arrivals(self):
        """When each check of `logged` came: path -> wall times; the log begins anew."""
        seen = {}
        for line in (self.folder / "log").read_text().splitlines():
            at, path = line.split()
            seen.setdefault(path, []).append(float(at))
        os.truncate(self.folder / "log", 0)
        return seen

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def http_checks(port, count, interval, more="timeout: 5s", scheme="http"):
    """Settings with so many checks; a list of files when there are too many for one."""
    lines = [f'  c{i}: {{type: http, url: "{scheme}://127.0.0.1:{port}/c/{i}", interval: {interval}, {more}}}\n'
             for i in range(count)]
    files = ["checks:\n" + "".join(lines[n:n + A_FILE]) for n in range(0, count, A_FILE)]
    return files[0] if len(files) == 1 else files
