"""Processes to be looked at: programs under names of their own, listeners, and what ends them."""
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import lab

LISTENER = """
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(int(sys.argv[3]))
print("up", flush=True)
time.sleep(1000)
"""


class Yard:
    """Starts programs and ends what it started, by pid."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.started = []

    def sleeper(self, name):
        """A copy of sleep whose name nobody else has."""
        path = self.folder / name
        if not path.exists():
            shutil.copy(shutil.which("sleep"), path)
        return str(path)

    def run(self, *argv, **kwargs):
        process = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL,
                                   start_new_session=True, **kwargs)
        self.started.append(process)
        return process

    def sleep(self, name, **kwargs):
        process = self.run(self.sleeper(name), "1000", **kwargs)
        self.wait_comm(process.pid, name)
        return process

    @staticmethod
    def wait_comm(pid, name):
        lab.wait_for(f"pid {pid} to be {name}",
                     lambda: Path(f"/proc/{pid}/comm").read_text().strip() == name[:15])

    def listener(self, name, port, address="127.0.0.1", backlog=16):
        link = self.folder / name
        if not link.exists():
            link.symlink_to("/usr/bin/python3")
        process = self.run(link, "-c", LISTENER, address, port, backlog, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"up\n"
        return process

    def end(self, process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
        if process in self.started:
            self.started.remove(process)

    def stop(self):
        for process in list(self.started):
            self.end(process)


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def probe_as_nobody(folder, check):
    """One run of a check as a user who may see little; None: cannot become one."""
    import json
    if os.geteuid() != 0:
        return None
    config = Path(folder) / "nobody.yaml"
    config.write_text(f"checks:\n  it: {check}\n")
    Path(folder).chmod(0o755)
    config.chmod(0o644)
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
         lab.BUILD / "triage", "probe", "it", "-c", config, "--json"],
        capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.stdout.startswith("{"), (done.stdout, done.stderr)
    return json.loads(done.stdout)


def wait_cause(d, name, code):
    """The last sample of a check, once it says this."""
    def last():
        sample = d.check(name)["last"]
        return sample if sample and sample.get("cause") == code else None
    return lab.read_cause(lab.wait_for(f"{name} to say {code}", last), code)
