#!/usr/bin/python3
"""Everything fails at once, over and over: afterwards each receiver was told the truth.

A hundred targets break and mend, receivers refuse, fail, hang, reset and are slow in turns, and the
daemon is killed (SIGKILL) at random instants.  Then all is mended, the outboxes drain, and what each
receiver heard is compared with the incidents that the daemon had.

Usage: chaos.py [--incidents 1000] [--kills 200] [--seed N] [--minutes 25]

Choices come from the seed, which is printed: the same seed breaks the same things in the same order.
"""
import argparse
import collections
import json
import os
import random
import shutil
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import time

import lab

TARGETS = 100
MODES = ("ok", "ok", "ok", "refuse", "500", "429", "hang", "reset", "late reset", "slow")
HANG_S = 3
LEDGER_MAX = 1000


class Targets(lab.Server):
    """One server, a path for each check."""

    def __init__(self):
        super().__init__()
        self.bad = set()

    def handler(self):
        targets, base = self, lab.http.server.BaseHTTPRequestHandler

        class Handler(base):
            def do_GET(self):
                self.send_response(500 if self.path[1:] in targets.bad else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        return Handler


class Place:
    """A receiver's HTTP server that behaves as its mode says; keeps what it took, in order."""

    def __init__(self):
        self.mode = "ok"
        self.taken = []  # (headers, body), each time that it was taken
        self.socket = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.lock = threading.Lock()
        self.listen()

    def listen(self):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(64)
        self.socket = s
        threading.Thread(target=self.accept, args=(s,), daemon=True).start()

    def set(self, mode):
        if mode == "refuse" and self.socket:
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            self.socket = None
        elif mode != "refuse" and not self.socket:
            self.listen()
        self.mode = mode

    def accept(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        conn.settimeout(20)
        try:
            while self.answer(conn):
                pass
        except OSError:
            pass
        conn.close()

    @staticmethod
    def read(conn):
        data = b""
        while b"\r\n\r\n" not in data:
            if not (chunk := conn.recv(65536)):
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        headers = {}
        for line in head.decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            if not (chunk := conn.recv(65536)):
                return None
            body += chunk
        return headers, body

    def answer(self, conn):
        request = self.read(conn)
        if request is None:
            return False
        mode = self.mode
        if mode == "hang":
            threading.Event().wait(HANG_S)
            return False
        if mode in ("reset", "late reset"):
            if mode == "late reset":  # it was taken, and nobody will know
                self.take(request)
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if mode == "slow":
            threading.Event().wait(0.4)
        if mode == "500":
            conn.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        elif mode == "429":
            conn.sendall(b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        else:
            self.take(request)
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True

    def take(self, request):
        with self.lock:
            self.taken.append(request)


def receivers(places, syslog, timeout):
    """Settings: everybody is told of everything at once."""
    hooks = "".join(f'  {name}: {{type: {kind}, url: "http://127.0.0.1:{places[name].port}/hook", timeout: {timeout}}}\n'
                    for name, kind in (("one", "webhook"), ("two", "webhook"), ("chat", "slack")))
    return f"""receivers:
{hooks}  syslog: {{type: syslog, socket: {syslog.path}}}
routes: [{{to: [one, two, chat, syslog], group_wait: 0s}}]
"""


def read_documents(path, kind):
    """What is stored, as another process sees it."""
    for _ in range(200):
        try:
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            try:
                rows = db.execute("SELECT key, body FROM docs WHERE kind=?", (kind,)).fetchall()
            finally:
                db.close()
            return {key: json.loads(body) for key, body in rows}
        except sqlite3.OperationalError:
            time.sleep(0.05)
    raise AssertionError("state.db cannot be read")


class Chaos:
    def __init__(self, folder, seed, targets=TARGETS):
        self.random = random.Random(seed)
        self.targets = Targets().start()
        self.names = [f"c{n:03}" for n in range(targets)]
        self.places = {"one": Place(), "two": Place(), "chat": Place()}
        self.syslog = lab.Syslog(f"{folder}/log.sock")
        self.kills = 0
        self.truth = {}  # id -> the incident as last seen in the store
        checks = "".join(f'  {n}: {{type: http, url: "http://127.0.0.1:{self.targets.port}/{n}"}}\n'
                         for n in self.names)
        self.daemon = lab.Daemon(folder, f"""
triage: {{reopen_within: 0s, triage_wait: 0s, facts_wait: 0s}}
defaults: {{interval: 1s, timeout: 2s, retries: 1}}
checks:
{checks}{receivers(self.places, self.syslog, "2s")}""")
        self.db = f"{self.daemon.state}/state.db"

    def documents(self, kind):
        return read_documents(self.db, kind)

    def look(self):
        for key, doc in self.documents("incident").items():
            self.truth[key] = doc

    def open_count(self):
        return sum(d["status"] != "resolved" for d in self.truth.values())

    def kill(self):
        self.daemon.kill()
        self.kills += 1
        self.daemon.start()

    def step(self):
        """One thing breaks, or is mended."""
        r = self.random
        for _ in range(r.randint(1, 6)):
            name = r.choice(self.names)
            if name in self.targets.bad:
                self.targets.bad.discard(name)
            elif len(self.targets.bad) < len(self.names) * 0.6:
                self.targets.bad.add(name)
        if r.random() < 0.25:
            r.choice(list(self.places.values())).set(r.choice(MODES))
        time.sleep(r.uniform(0.02, 0.4))

    def run(self, incidents, kills, limit_s, say):
        self.daemon.start()
        begin = said = time.monotonic()
        while len(self.truth) < incidents or self.kills < kills:
            self.step()
            self.look()
            progress = max(len(self.truth) / incidents, (time.monotonic() - begin) / limit_s)
            if self.kills < kills and self.kills / kills <= progress:
                self.kill()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                say(f"{said - begin:5.0f} s: {len(self.truth)} incidents, {self.open_count()} open, "
                    f"{self.kills} kills, modes {[p.mode for p in self.places.values()]}")
            if time.monotonic() > begin + limit_s:
                raise AssertionError(f"not done in {limit_s} s: {len(self.truth)} incidents, "
                                     f"{self.kills} kills")

    def mend(self, limit_s, say):
        self.targets.bad.clear()
        for place in self.places.values():
            place.set("ok")
        self.kill()  # the waits between tries begin anew
        end = time.monotonic() + limit_s
        while True:
            self.look()
            waiting = len(self.documents("outbox"))
            if self.open_count() == 0 and waiting == 0:
                break
            if time.monotonic() > end:
                raise AssertionError(f"{waiting} notices wait, {self.open_count()} incidents are open "
                                     f"{limit_s} s after all was mended")
            say(f"  mended: {self.open_count()} open, {waiting} notices wait")
            time.sleep(1)
        self.look()

    def close(self):
        for place in self.places.values():
            place.set("refuse")
        self.targets.stop()
        self.daemon.stop()
        self.syslog.close()


def read_events(place):
    """Events of a webhook in the order of their first arrival; the same id was always the same."""
    seen, out = {}, []
    for headers, body in place.taken:
        event = json.loads(body)
        assert event["type"] != "incident.digest", "a machine is told each event by itself"
        key = headers["webhook-id"]
        if key in seen:
            assert seen[key] == body, f"{key} says two things"
            continue
        seen[key] = body
        out.append({"id": key, "type": event["type"].removeprefix("incident."),
                    "incident": event["data"]["incident"]["id"], "sequence": event["sequence"]})
    return out


def judge_machine(place, truth):
    """What is wrong with what a webhook was told, in words."""
    events, stories = read_events(place), collections.defaultdict(list)
    for event in events:
        stories[event["incident"]].append(event)
    for id_, doc in truth.items():
        story = stories.pop(id_, [])
        told = [(e["sequence"], e["type"]) for e in story if e["type"] != "reminder"]  # it says the same again
        sequences = [s for s, _ in told]
        if len(set(told)) != len(told):
            yield f"{id_}: one event under two ids: {told}"
        elif sequences != sorted(sequences):
            yield f"{id_}: out of order: {told}"
        elif sorted(set(sequences)) != list(range(1, doc["sequence"] + 1)):
            yield f"{id_}: has {doc['sequence']} events, told {told}"
        elif told[0][1] != "opened" or told[-1][1] != "resolved":
            yield f"{id_}: does not begin and end: {told}"
        elif [t for _, t in told].count("resolved") != 1 + doc.get("reopened", 0):
            yield f"{id_}: ends that are none: {told}"
    for id_, story in stories.items():
        yield f"{id_}: nobody had such an incident, told {[e['type'] for e in story]}"


def judge_ledger(ledger, receiver, truth):
    """Of what is over only the last thousand stay."""
    mine = {doc["incident"]: doc for doc in ledger.values() if doc["receiver"] == receiver}
    for id_, doc in truth.items():
        told = mine.get(id_)
        if told is None and len(mine) >= LEDGER_MAX:
            continue
        if told is None:
            yield f"{receiver}: the ledger has nothing of {id_}"
        elif told["sequence"] != doc["sequence"] or told["told"]:
            yield f"{receiver}: {id_} ended with {doc['sequence']}, the ledger says {told}"


def judge_people(place, truth):
    """Each check that had an incident is named, alone or in a digest; the last word is its end."""
    words = [body.decode() for _, body in place.taken]
    whole = "\n".join(words)
    for check in sorted({doc["check"] for doc in truth.values()}):
        if check not in whole:
            yield f"chat: {check} was never named"
    if not words:
        yield "chat: heard nothing"


def judge(chaos):
    ledger = chaos.documents("ledger")
    faults = []
    for name in ("one", "two"):
        faults += [f"{name}: {text}" for text in judge_machine(chaos.places[name], chaos.truth)]
    for name in ("one", "two", "chat", "syslog"):
        faults += judge_ledger(ledger, name, chaos.truth)
    return faults + list(judge_people(chaos.places["chat"], chaos.truth))


def play(folder, seed, incidents, kills, limit_s, say, targets=TARGETS):
    chaos = Chaos(folder, seed, targets)
    try:
        chaos.run(incidents, kills, limit_s, say)
        chaos.mend(limit_s, say)
        faults = judge(chaos)
        heard = {name: len(place.taken) for name, place in chaos.places.items()}
        say(f"seed {seed}: {len(chaos.truth)} incidents, {chaos.kills} kills, messages {heard}, "
            f"{len(chaos.syslog.lines)} lines of syslog, {len(faults)} faults")
        return faults
    finally:
        chaos.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--incidents", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--minutes", type=float, default=25)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="tri-")
    faults = play(folder, args.seed, args.incidents, args.kills, args.minutes * 60,
                  lambda text: print(text, flush=True))
    for fault in faults[:40]:
        print(fault)
    if faults:
        print(f"what is left of it: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    print("each receiver was told the truth")
    return 0


if __name__ == "__main__":
    sys.exit(main())
