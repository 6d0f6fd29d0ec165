"""The receiver of the demo: takes triaged's webhooks and prints them as a person would want to read
them, with how long after the breaking they came."""
import http.server
import json
import queue
import shutil
import sys
import textwrap
import threading
import time

WIDTH = min(96, shutil.get_terminal_size((96, 24)).columns)
COLOURS = {"critical": "31;1", "warning": "33;1", "info": "36", "resolved": "32;1", "dim": "2",
           "bold": "1"}
NEWS = {"incident.updated": "more is known", "incident.escalated": "it is worse now",
        "incident.deescalated": "it is better now"}


def paint(text, colour):
    if not sys.stdout.isatty():
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def say(text=""):
    print(text, flush=True)


class Told(http.server.ThreadingHTTPServer):
    """`events` gets every notice in order; `began` is when something was broken or repaired."""
    daemon_threads = True
    action, began = "broken", 0.0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taker)
        self.events = queue.Queue()
        self.counts = {}
        self.told = {}  # id of an incident -> the title under which its story was printed
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/told"

    def wait(self, is_it, limit):
        """Prints what comes until is_it(event, incident); False: it did not come."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            try:
                event, at = self.events.get(timeout=left)
            except queue.Empty:
                break
            incident = event["data"].get("incident")
            if incident is None:
                continue
            self.show(event, incident, at - self.began)
            if is_it(event, incident):
                return True
        return False

    def begin(self, action):
        self.action, self.began = action, time.monotonic()


    def show(self, event, incident, age):
        kind, severity = event["type"], incident["severity"]
        when = f"{age:.1f} s after it was {self.action}"
        hits = ", ".join(i["check"] for i in incident["impact"])
        if event["reason"] == "merged":
            say(f"  --- that is now a part of what follows, {when}")
        elif kind == "incident.resolved":
            say(f"  +-- {paint('resolved', 'resolved')}   {when}")
            line("what", incident["title"], "bold")
            line("lasted", f"{incident['duration']:.0f} s")
            say("  +--")
        elif kind == "incident.opened" or self.told.get(incident["id"]) != incident["title"]:
            self.told[incident["id"]] = incident["title"]
            say(f"  +-- {paint(severity.upper(), severity)}   {when}")
            show_story(incident, hits)
            say("  +--")
        else:
            say(f"  --- {NEWS.get(kind, kind)}, {when}" + (f": it hits {hits}" if hits else ""))
        say()


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        kind = event["type"]
        self.server.counts[kind] = self.server.counts.get(kind, 0) + 1
        self.server.events.put((event, time.monotonic()))

    def log_message(self, *args):
        pass


def line(head, text, colour=None):
    """One thing, with its name before it, broken at the width of the message."""
    pieces = textwrap.wrap(text, WIDTH - 14, break_long_words=False, break_on_hyphens=False) or [""]
    for n, piece in enumerate(pieces):
        name = paint(f"{head if n == 0 else '':<9}", "dim")
        say(f"  | {name} {paint(piece, colour) if colour else piece}")


def show_story(incident, hits):
    cause = incident["cause"]
    line("what", incident["title"], "bold")
    line("why", cause.get("explanation") or incident["summary"])
    for n, text in enumerate(cause.get("for", [])[:3]):
        line("" if n else "because", text)
    if hits:
        line("hits", hits)
    for n, step in enumerate(incident["remedy"][:3], 1):
        warning = " (this loses work)" if step.get("destructive") else ""
        line("do" if n == 1 else "", f"{n}. {step['text']}{warning}")
        if step.get("command"):
            line("", f"   $ {step['command']}", "dim")
