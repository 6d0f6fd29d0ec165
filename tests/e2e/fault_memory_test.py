"""Memory that runs out while the daemon starts: at every place that asks for some, one start each.

Under AddressSanitizer at each tenth.
"""
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lab
from blackhole_test import is_sanitized

SHIM = lab.BUILD / "shims/starve.so"
EXIT_MEMORY, EXIT_LOADER = 71, 127
CONFIG = """
daemon: {{state_dir: "{folder}/state"}}
api: {{listen: off}}
checks:
  api: {{type: http, url: "https://127.0.0.1:9/"}}
  db: {{type: postgres, dsn: "postgresql://u:p@127.0.0.1:9/d"}}
  disk: {{type: disk, path: /}}
  busy: {{type: cpu}}
rules:
  slow: {{critical: "avg(api.total_time, 5m) > 2s"}}
receivers:
  hook: {{type: webhook, url: "http://127.0.0.1:9/"}}
"""
# What may be missing is said, or is nothing of ours: names of users and hosts that libc looks up.
WORDS_OF_LOSS = ("not usable", "cannot be watched", "Sanitizer", "runtime error:")


class Start:
    """One start up to READY, then a stop; in a folder of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        (self.folder / "triaged.yaml").write_text(CONFIG.format(folder=folder))

    def run(self, at, sites=None):
        """(it became ready, its exit status, what it said)"""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"{self.folder}/notify")
        notify.settimeout(0.01)
        env = {**os.environ, "NOTIFY_SOCKET": f"{self.folder}/notify", "LD_PRELOAD": str(SHIM),
               "STARVE_AT": str(at), "RUNTIME_DIRECTORY": str(self.folder),
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:exitcode=86",
               **({"STARVE_SITES": str(sites)} if sites else {})}
        log = self.folder / "log.txt"
        with log.open("wb") as out:
            d = subprocess.Popen([lab.BUILD / "triaged", "-c", self.folder / "triaged.yaml"], env=env,
                                 stderr=out, stdout=subprocess.DEVNULL)
        is_ready, end = False, time.monotonic() + lab.LIMIT
        while d.poll() is None:
            try:
                if b"READY=1" in notify.recv(4096):
                    is_ready = True
                    d.send_signal(signal.SIGTERM)
            except TimeoutError:
                pass
            if time.monotonic() > end:
                d.kill()
        notify.close()
        os.unlink(f"{self.folder}/notify")
        return is_ready, d.wait(), log.read_text()


def judge(start, at):
    """What was wrong with a start whose allocation `at` failed; None: nothing."""
    is_ready, status, words = start.run(at)
    is_well = (is_ready and status == 0) or \
        (status == EXIT_MEMORY and "out of memory" in words) or \
        (status == 1 and "triaged: " in words) or \
        (status == EXIT_LOADER and "cannot allocate memory" in words)
    if not is_well or any(w in words for w in WORDS_OF_LOSS):
        return f"allocation {at}: ready {is_ready}, status {status}: {words[-1500:]}"
    if list(start.folder.glob("state/*corrupt*")):
        return f"allocation {at}: a database was set aside: {words[-1500:]}"
    return None


def places_of(folder):
    """The allocations that are the first of their call path, in a start with a state folder."""
    start, sites = Start(f"{folder}/places"), Path(folder) / "sites"
    for where in (None, sites):
        assert (was := start.run(0, where))[:2] == (True, 0), was
    places = [int(n) for n in sites.read_text().split()]
    assert len(places) > 1000
    return places


def starve(folder, places):
    starts = [Start(f"{folder}/{n}") for n in range(2)]
    for start in starts:
        assert (was := start.run(0))[:2] == (True, 0), was
    with ThreadPoolExecutor(2) as pool:
        bad = [b for half in pool.map(lambda i: [judge(starts[i], at) for at in places[i::2]], (0, 1))
               for b in half if b]
    assert not bad, f"{len(bad)} of {len(places)}:\n" + "\n".join(bad[:5])
    for start in starts:  # nothing of it is left
        is_ready, status, words = start.run(0)
        assert (is_ready, status) == (True, 0) and "error" not in words, words
    print(f"{len(places)} places")


@pytest.mark.fault("no-memory")
def test_some_places_that_ask_for_memory(folder):
    starve(folder, range(1, 40000, 4001))


@pytest.mark.slow
@pytest.mark.fault("no-memory")
def test_every_place_that_asks_for_memory(folder):
    starve(folder, places_of(folder)[::10 if is_sanitized() else 1])
