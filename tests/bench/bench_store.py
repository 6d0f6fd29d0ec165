"""How history.db grows in a day: four days in virtual time, and how many series the daemon really keeps."""
import contextlib
import json
import sqlite3
import subprocess
import tempfile
import time

from frame import Figure
from targets import http_checks
from yard import shipped, wait_for

KEPT = "SELECT count(*) FROM series"


def series(bench, config):
    """How many series a daemon with these settings keeps."""
    d = bench.daemon(config)
    path = d.folder / "state" / "history.db"

    def count():
        """0 as long as it is not there, or not yet made."""
        with contextlib.suppress(sqlite3.OperationalError), \
                contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute(KEPT).fetchone()[0]
        return 0
    wait_for("history", count)
    time.sleep(6)  # the next batch, which has what the second run brings
    found = count()
    d.stop()
    return found


def measure(bench):
    bench.say("four days in virtual time")
    folder = tempfile.mkdtemp(prefix="growth-")
    each = json.loads(subprocess.run([bench.build / "growth_rate", folder, "60" if bench.quick else "400"],
                                     check=True, capture_output=True, text=True).stdout)
    for name, config, scale in (("day", shipped(), 1),
                                ("day_1000", http_checks(bench.nginx.close, 100, "1s", "timeout: 1s"), 10)):
        bench.say(f"series that are kept: {name}")
        count = series(bench, config) * scale
        yield Figure(name, count * each["later_day"] / 1e6,
                     f"{count:,} series of {each['later_day']:.0f} B a day for 90 days; "
                     f"{count * each['first_day'] / 1e6:.1f} MB on the first day")
