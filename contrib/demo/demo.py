"""`make demo`: a small shop on this machine, three things that go wrong with it, and what triaged says.

Usage: demo.py BUILD_DIR [--stay]     or: demo.py --have (is everything installed that it needs?)

PostgreSQL, Redis, nginx and an API are started in a temporary folder on free loopback ports, and
triaged with a configuration for them.  Nothing else on this machine is touched; at the end, or at
Ctrl-C, all of it is gone.  --stay leaves it running after the stories, for the dashboard.
"""
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import parts
from parts import Parts, Trouble, free_port, wait_for
from told import Told, paint, say

CONFIG = """\
# What `make demo` watches: a shop behind nginx, its API, and what the API needs.
daemon: {{ name: demo, state_dir: {folder}/state }}
api: {{ listen: 127.0.0.1:{port} }}
defaults: {{ interval: 1s, timeout: 3s, retries: 2 }}

checks:
  shop:
    type: http
    url: http://127.0.0.1:{nginx}/
    needs: [api]
  api:
    type: http
    url: http://127.0.0.1:{api}/api/status
    expect: {{ json: success == true }}
    needs: [db, cache]
  db:      {{ type: postgres, dsn: "postgresql://shop@127.0.0.1:{postgres}/postgres" }}
  cache:   {{ type: redis, url: "redis://127.0.0.1:{redis}" }}
  uploads: {uploads}

# As the built-in ones of these names, which wait longer before they speak and before they say that
# it is over. A demo has two minutes.
rules:
  connections-high:
    each: postgres
    warning: this.connections_percent >= 80%
    critical: this.connections_percent >= 95%
    for: 1s
    keep_firing_for: 3s
    summary: "{{{{this.connections}}}} of {{{{this.connections_max}}}} connections are taken"
{rule}
receivers:
  told: {{ type: webhook, url: "{told}" }}
routes:
  - {{ to: told, group_wait: 500ms }}
"""
UPLOADS_DISK = "{{ type: disk, path: {folder}/uploads }}"
UPLOADS_FILE = "{{ type: file, path: {folder}/uploads/film.mp4 }}"
# Without a file system that may be filled, a file that must not grow stands in for it.
DISK_RULE = """\
  disk-full:
    each: disk
    critical: this.free_bytes < 2% * this.total_bytes
    summary: "{{this.free_bytes}} of {{this.total_bytes}} are free"
"""
FILE_RULE = """\
  upload-too-large:
    critical: uploads.size_bytes > 32MiB
    summary: "film.mp4 has grown to {{uploads.size_bytes}}, uploads may have 32 MiB"
"""
LIMIT = 40  # seconds until a message that does not come is the end of the demo


class Opened:
    """An incident about `check` that hits at least these."""
    action = "broken"

    def __init__(self, check, hits=frozenset()):
        self.check, self.hits = check, hits

    def __call__(self, event, incident):
        return incident["check"] == self.check and event["type"] != "incident.resolved" and \
            self.hits <= {i["check"] for i in incident["impact"]}

    def __str__(self):
        return f"the trouble of {self.check}"


class Resolved:
    action = "repaired"

    def __init__(self, check):
        self.check = check

    def __call__(self, event, incident):
        return incident["check"] == self.check and event["type"] == "incident.resolved" and \
            event["reason"] != "merged"

    def __str__(self):
        return f"the end of the trouble of {self.check}"


class Demo:
    def __init__(self, build, folder):
        self.build = Path(build).resolve()
        self.folder = Path(folder)
        self.ports = {name: free_port() for name in ("port", "nginx", "api", "postgres", "redis")}
        # Before any thread: a process with threads may not have a user namespace of its own.
        self.has_disk = parts.has_own_mounts() and parts.mount_tmpfs(self.make("uploads"))
        self.parts = Parts(folder)
        self.told = None

    def make(self, name):
        path = self.folder / name
        path.mkdir()
        return path

    # --- what is there ---

    def start(self):
        p = self.ports
        self.told = Told()
        say("Starting, on free loopback ports, in " + str(self.folder) + ":")
        for name, port, begin in (
                ("PostgreSQL", "postgres", lambda: parts.start_postgres(self.parts, p["postgres"])),
                ("Redis", "redis", lambda: parts.start_redis(self.parts, p["redis"])),
                ("the API", "api", self.start_api),
                ("nginx", "nginx", lambda: parts.start_nginx(self.parts, p["nginx"], p["api"]))):
            begin()
            say(f"  {name:<12} 127.0.0.1:{p[port]}")
        if not self.has_disk:
            self.tidy()
            say("  (a file system of its own may not be mounted here: a file that grows too large "
                "stands in for a disk that fills)")
        self.start_daemon()

    def start_api(self):
        p = self.ports
        self.parts.start("api", [sys.executable, Path(__file__).with_name("api.py"), p["api"],
                                 p["redis"], p["postgres"], "shop"],
                         ready=lambda: parts.answers(p["api"]))

    def start_daemon(self):
        uploads = UPLOADS_DISK if self.has_disk else UPLOADS_FILE
        config = self.folder / "triaged.yaml"
        config.write_text(CONFIG.format(
            folder=self.folder, uploads=uploads.format(folder=self.folder), told=self.told.url,
            rule=DISK_RULE if self.has_disk else FILE_RULE, **self.ports))
        self.parts.start("triaged", [self.build / "triaged", "-c", config],
                         env={"RUNTIME_DIRECTORY": str(self.folder), "STATE_DIRECTORY": ""})
        wait_for("triaged", lambda: self.parts.lives("triaged") and self.is_ready())
        token = (self.folder / "state" / "token").read_text().strip()
        say(f"  {'triaged':<12} {self.url('/')}#token={token}")
        say(f"  {'':<12} {self.build}/triage -u {self.folder}/api.sock status")

    def url(self, path):
        return f"http://127.0.0.1:{self.ports['port']}{path}"

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.url("/readyz"), timeout=3) as reply:
                return reply.status == 200
        except OSError:
            return False

    # --- the stories ---

    def tell(self, title, *acts):
        """Each act: what is done, in words; doing it; what must then be told."""
        say()
        say(paint(title, "bold"))
        for words, do, is_told in acts:
            say(f"   {words}")
            say()
            self.told.begin(is_told.action)
            do()
            if not self.told.wait(is_told, LIMIT):
                raise Trouble(f"{is_told} was not told within {LIMIT} s")

    def post(self, path):
        urllib.request.urlopen(f"http://127.0.0.1:{self.ports['api']}{path}", data=b"",
                               timeout=20).close()

    def fill(self):
        """Until nothing fits any more; the file that stands in, until its rule says so."""
        with (self.folder / "uploads" / "film.mp4").open("wb", buffering=0) as f:
            try:
                for _ in range(48):
                    f.write(b"\0" * (1 << 20))
            except OSError:
                pass

    def tidy(self):
        (self.folder / "uploads" / "film.mp4").write_bytes(b"")

    def stories(self):
        self.tell("1. Redis is killed",
                  ("The API needs it, and the shop needs the API: three checks fail, one story is told.",
                   lambda: self.parts.stop("redis", signal.SIGKILL), Opened("cache", {"api", "shop"})),
                  ("Redis is started again.",
                   lambda: parts.start_redis(self.parts, self.ports["redis"]), Resolved("cache")))
        self.tell("2. The disk for uploads fills" if self.has_disk else "2. An upload grows too large",
                  ("Somebody uploads a film.", self.fill, Opened("uploads")),
                  ("The film is removed.", self.tidy, Resolved("uploads")))
        self.tell("3. The API leaks connections to PostgreSQL",
                  ("It begins transactions and forgets them. Nothing has failed yet.",
                   lambda: self.post("/leak?24"), Opened("db")),
                  ("It goes on, until the server has no room for anybody.",
                   lambda: self.post("/leak?99"), Opened("db", {"api", "shop"})),
                  ("The API lets go of them.", lambda: self.post("/heal"), Resolved("db")))

    def sum_up(self, seconds):
        say(f"Three troubles in {seconds:.0f} s; {sum(self.told.counts.values())} messages came, each with "
            "what is known of the cause.")


def stay(demo):
    say()
    say(f"It goes on for you to look at: {demo.url('/')}   Ctrl-C ends it.")
    while demo.parts.lives("triaged"):
        time.sleep(1)


def on_signal(number, frame):
    raise KeyboardInterrupt


def play(build, may_stay):
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="triaged-demo-")
    os.chmod(folder, 0o755)
    demo = None
    try:
        demo = Demo(build, folder)
        demo.start()
        demo.stories()
        demo.sum_up(time.monotonic() - began)
        if may_stay:
            stay(demo)
        return 0
    except KeyboardInterrupt:
        say()
        say("Stopped.")
        return 130
    except Trouble as e:
        say()
        say(f"demo: {e}")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # what is begun here is finished
        if demo is not None:
            demo.parts.end()
            if demo.has_disk:
                parts.LIBC.umount2(str(demo.folder / "uploads").encode(), 2)
        shutil.rmtree(folder, ignore_errors=True)


def main(args):
    lacks = parts.missing()
    if lacks:
        print("demo: these packages are missing: apt-get install " + " ".join(lacks), file=sys.stderr)
        return 1
    if "--have" in args:
        return 0
    build = next((a for a in args if not a.startswith("-")), "build")
    if not (Path(build) / "triaged").exists():
        print(f"demo: {build}/triaged is not there: run make first", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    return play(build, "--stay" in args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
