"""What older daemons left (tests/compat/state), laid into a state folder as if they had stopped just
now: the dumps are of one afternoon, and what they say expires."""
import calendar
import json
import re
import sqlite3
import time

import lab

FOLDER = lab.TOP / "tests/compat/state"
NAMES = sorted(p.name.removesuffix(".state.sql") for p in FOLDER.glob("*.state.sql"))
QUARTER_US = 900 * 10**6  # roll-ups begin on the quarter of an hour, so time moves by those
KEY_TIME = (1 << 42) - 1
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MICROS = re.compile(r"\b1[5-9]\d{14}\b")


def text_of(micros):
    seconds, rest = divmod(micros, 10**6)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:03d}Z"


def micros_of(text):
    at = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(at) * 10**6 + int(text[20:23]) * 1000


class State:
    def __init__(self, name):
        self.name = name
        self.dumps = {which: (FOLDER / f"{name}.{which}.sql").read_text()
                      for which in ("state", "history")}
        made = int(re.match(r"-- .* made at (\d+)\n", self.dumps["state"]).group(1))
        self.shift = (time.time_ns() // 1000 - made) // QUARTER_US * QUARTER_US
        self.made = made + self.shift
        self.format = int(re.search(r"^PRAGMA user_version=(\d+);", self.dumps["state"], re.M).group(1))

    def docs(self, kind):
        db = sqlite3.connect(":memory:")
        db.executescript(self.dumps["state"])
        return {key: json.loads(body) for key, body in
                db.execute("SELECT key, body FROM docs WHERE kind=?", (kind,))}

    def move(self, body):
        body = MICROS.sub(lambda m: str(int(m.group()) + self.shift), body)
        return RFC3339.sub(lambda m: text_of(micros_of(m.group()) + self.shift), body)

    def lay(self, folder):
        folder.mkdir(exist_ok=True)
        for which, dump in self.dumps.items():
            db = sqlite3.connect(folder / f"{which}.db")
            db.executescript("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;" + dump)
            if which == "state":
                for row, body in db.execute("SELECT rowid, body FROM docs").fetchall():
                    db.execute("UPDATE docs SET body=? WHERE rowid=?", (self.move(body), row))
            else:
                self.move_history(db)
            db.commit()
            db.close()

    def move_history(self, db):
        days = self.shift // (86400 * 10**6)
        db.execute("UPDATE series SET day = day + ?", (days,))
        for table in ("raw", "minute", "quarter"):
            rows = db.execute(f"SELECT key, block FROM {table}").fetchall()
            db.execute(f"DELETE FROM {table}")
            for key, block in rows:
                moved = (key & ~KEY_TIME) | ((key & KEY_TIME) + self.shift // 1000)
                db.execute(f"INSERT INTO {table} VALUES(?, ?)", (moved, block))
