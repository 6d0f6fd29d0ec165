"""A past for a daemon that has none yet: history.db, written before it starts."""
import sqlite3
import struct
import time

SCHEMA = """
PRAGMA auto_vacuum=INCREMENTAL;
CREATE TABLE series(id INTEGER PRIMARY KEY, check_name TEXT NOT NULL,
 metric TEXT NOT NULL, day INTEGER NOT NULL, UNIQUE(check_name, metric));
CREATE TABLE raw(key INTEGER PRIMARY KEY, block BLOB NOT NULL);
CREATE TABLE minute(key INTEGER PRIMARY KEY, block BLOB NOT NULL);
CREATE TABLE quarter(key INTEGER PRIMARY KEY, block BLOB NOT NULL);
PRAGMA user_version=1;
"""
MINUTE, QUARTER = 60, 900
HOUR, DAY = 3600, 86400


class History:
    """Values by series; `write` makes what the daemon would have made of them by now."""

    def __init__(self, folder):
        self.path = folder / "state" / "history.db"
        self.now = int(time.time())
        self.series = {}

    def fill(self, check, metric, since, value, step=30, until=0):
        """value(age in seconds) each `step` seconds, None leaves one out; `since`, `until`: ages."""
        first = self.now - since
        rows = self.series.setdefault((check, metric), [])
        for t in range(first - first % step, self.now - until, step):
            v = value(self.now - t)
            if v is not None:
                rows.append((t, float(v)))

    def levels(self):
        blocks = {"raw": {}, "minute": {}, "quarter": {}}
        for slot, rows in enumerate(self.series.values()):
            gathered = {}
            for t, v in rows:
                age = self.now - t
                if age <= 2 * HOUR:
                    blocks["raw"].setdefault(t, []).append(struct.pack("=iHHd", 0, slot, 0, v))
                for name, span, keep in (("minute", MINUTE, 48 * HOUR), ("quarter", QUARTER, 90 * DAY)):
                    begin = t - t % span
                    if age <= keep and begin + span <= self.now:
                        gathered.setdefault((name, begin), []).append(v)
            for (name, begin), all_ in gathered.items():
                blocks[name].setdefault(begin, []).append(struct.pack(
                    "=HHffd", slot, len(all_), min(all_), max(all_), sum(all_) / len(all_)))
        return blocks

    def write(self):
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.path.touch(mode=0o600)
        db = sqlite3.connect(self.path)
        db.executescript(SCHEMA)
        for n, (check, metric) in enumerate(self.series):
            db.execute("INSERT INTO series VALUES(?, ?, ?, ?)", (n + 1, check, metric, self.now // DAY))
        for name, blocks in self.levels().items():
            db.executemany(f"INSERT INTO {name} VALUES(?, ?)",
                           ((t * 1000, b"".join(parts)) for t, parts in blocks.items()))
        db.commit()
        db.close()
