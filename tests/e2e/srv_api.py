"""An application as people run them: a process with a port, a log and a report, broken by its settings."""
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import lab

APP = r"""
import http.server, json, os, subprocess, sys, time
port, settings, log = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "a", buffering=1)
born = time.time_ns()

class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        want = json.load(open(settings))
        status, body = want.get("status", 200), want.get("body")
        if want.get("log"):
            print(want["log"], file=log)
        if want.get("fatal"):
            print(want["fatal"], file=log)
            os._exit(1)
        if want.get("command"):  # it asks its database before it answers
            done = subprocess.run(want["command"], capture_output=True, text=True)
            if done.returncode:
                print("[ERR] " + done.stderr.strip(), file=log)
                status, body = 500, {"success": False, "message": "internal error"}
        time.sleep(want.get("delay", 0))
        if body is None:
            body = {"success": True, "message": "", "data": {"start_time": want.get("born", born)}}
        data = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", want.get("type", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        half = len(data) // 2
        self.wfile.write(data[:half])
        time.sleep(want.get("stall", 0))
        self.wfile.write(data[half:])

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), App)
print("[SYS] listening on %d" % port, file=log)
server.serve_forever()
"""


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class App:
    """Named new-api, so that facts can tell whose process it is."""

    def __init__(self, folder, name="new-api", port=None):
        self.folder, self.name = Path(folder), name
        self.port = port or lab.free_port()
        self.settings, self.log = self.folder / f"{name}.json", self.folder / f"{name}.log"
        self.program = self.folder / name
        self.process = None
        if not self.program.exists():
            self.program.symlink_to(os.path.realpath(sys.executable))
        self.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api/status"

    def set(self, **want):
        new = self.settings.with_suffix(".new")
        new.write_text(json.dumps(want))
        new.rename(self.settings)

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-c", APP, str(self.port), self.settings, self.log],
            stdin=subprocess.DEVNULL, start_new_session=True)
        lab.wait_for("the application", lambda: is_open(self.port))
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        return self.start()


class Nginx:
    """A real one, in front of something; `location` is what its server block holds."""

    def __init__(self, folder, location):
        self.folder = Path(folder)
        self.port = lab.free_port()
        self.process = None
        self.write(location)

    def write(self, location):
        (self.folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2;
  fastcgi_temp_path {self.folder}/t3; uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  server {{ listen 127.0.0.1:{self.port}; {location} }}
}}
""")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api/status"

    def start(self):
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lab.wait_for("nginx", lambda: is_open(self.port))
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.process = None
