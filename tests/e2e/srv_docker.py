"""A container API on a unix socket: the answers and events of Docker, as recorded from 20.10, for
containers whose state the test decides."""
import contextlib
import copy
import http.server
import json
import socketserver
import threading
import time
import urllib.parse
from pathlib import Path

INSPECT = {
    "Id": "", "Created": "2026-01-02T03:04:05.678901234Z", "Path": "/entry", "Args": [],
    "State": {"Status": "running", "Running": True, "Paused": False, "Restarting": False,
              "OOMKilled": False, "Dead": False, "Pid": 4242, "ExitCode": 0, "Error": "",
              "StartedAt": "2026-01-02T03:04:06.123456789Z", "FinishedAt": "0001-01-01T00:00:00Z"},
    "Image": "sha256:0000", "Name": "", "RestartCount": 0, "Driver": "overlay2",
    "HostConfig": {"Memory": 0, "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
    "Config": {"Hostname": "abc", "Image": "shop/api:1.2", "Labels": {},
               "Healthcheck": {"Test": ["CMD-SHELL", "wget -q -O - http://localhost:3000/ || exit 1"]}},
}
STATS = {"read": "2026-01-02T03:05:00Z", "pids_stats": {"current": 5},
         "cpu_stats": {"cpu_usage": {"total_usage": 2500000000}, "online_cpus": 2},
         "memory_stats": {"usage": 60 * 2 ** 20, "limit": 100 * 2 ** 20,
                          "stats": {"inactive_file": 10 * 2 ** 20}}, "name": "/x"}


def merge(into, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


class Docker:
    def __init__(self, path):
        self.path = str(path)
        self.containers, self.listeners = {}, []
        self.logs = {}  # name -> lines that the container said
        self.odd = None  # (status, body) instead of every answer
        self.silent = threading.Event()
        self.lock = threading.Lock()
        self.server = None
        self.requests = []

    def start(self):
        docker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                docker.requests.append(self.path)
                docker.answer(self)

            def log_message(self, *args):
                pass

            def address_string(self):
                return "unix"

        class Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        Path(self.path).unlink(missing_ok=True)
        self.server = Listener(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for handler in self.listeners:
                handler.close_connection = True
                with contextlib.suppress(OSError):
                    handler.connection.shutdown(2)
            self.listeners.clear()
        Path(self.path).unlink(missing_ok=True)
        self.server = None

    # --- what the test says ---

    def add(self, name, labels=None, **changes):
        one = copy.deepcopy(INSPECT)
        one["Id"] = name.encode().hex().ljust(64, "0")[:64]
        one["Name"] = "/" + name
        one["Config"]["Labels"] = labels or {}
        merge(one, changes)
        self.containers[name] = one
        return one

    def set(self, name, event=None, **changes):
        merge(self.containers[name], changes)
        if event:
            self.tell(name, event)

    def remove(self, name):
        gone = self.containers.pop(name)
        self.tell(name, "destroy", gone)

    def tell(self, name, event, container=None):
        container = container or self.containers[name]
        line = json.dumps({"status": event, "id": container["Id"], "from": "shop/api:1.2",
                           "Type": "container", "Action": event,
                           "Actor": {"ID": container["Id"], "Attributes": {"name": name}},
                           "scope": "local", "time": int(time.time()),
                           "timeNano": time.time_ns()}) + "\n"
        with self.lock:
            for handler in list(self.listeners):
                try:
                    self.chunk(handler, line)
                except OSError:
                    self.listeners.remove(handler)

    # --- what it answers ---

    @staticmethod
    def chunk(handler, text):
        data = text.encode()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        handler.wfile.flush()

    def answer(self, handler):
        if self.silent.is_set():
            while self.silent.is_set():
                time.sleep(0.05)
            handler.close_connection = True
            return
        if self.odd:
            self.send(handler, *self.odd)
            return
        url = urllib.parse.urlsplit(handler.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        if parts == ["events"]:
            self.stream(handler)
        elif parts == ["containers", "json"]:
            self.send(handler, 200, self.listing(json.loads(query.get("filters", "{}"))))
        elif len(parts) == 3 and parts[0] == "containers":
            self.about(handler, urllib.parse.unquote(parts[1]), parts[2])
        else:
            self.send(handler, 404, {"message": "page not found"})

    def stream(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        with self.lock:
            self.listeners.append(handler)
        try:
            while handler.connection.recv(1000):
                pass
        except OSError:
            pass
        with self.lock, contextlib.suppress(ValueError):
            self.listeners.remove(handler)
        handler.close_connection = True

    def listing(self, filters):
        wanted = filters.get("label", [])

        def has(labels, text):
            name, _, value = text.partition("=")
            return name in labels and (not value or labels[name] == value)
        return [{"Id": c["Id"], "Names": [c["Name"]], "State": c["State"]["Status"],
                 "Ports": c.get("Ports", [])}
                for c in self.containers.values()
                if all(has(c["Config"]["Labels"], w) for w in wanted)]

    def about(self, handler, name, what):
        found = next((c for n, c in self.containers.items() if n == name or c["Id"].startswith(name)),
                     None)
        if found is None:
            self.send(handler, 404, {"message": f"No such container: {name}"})
        elif what == "logs":
            self.send(handler, 200, self.frames(self.logs.get(found["Name"].lstrip("/"), [])))
        else:
            self.send(handler, 200, found if what == "json" else STATS)

    @staticmethod
    def frames(lines):
        """As the engine packs what both streams said: a head of eight bytes before each piece."""
        pieces = [(line + "\n").encode() for line in lines]
        return b"".join(bytes([2, 0, 0, 0]) + len(p).to_bytes(4, "big") + p for p in pieces)

    @staticmethod
    def send(handler, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
