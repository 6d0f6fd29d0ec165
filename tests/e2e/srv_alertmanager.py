"""A real Alertmanager on a free port, and what it knows."""
import contextlib
import datetime
import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import lab


class Alertmanager:
    def __init__(self):
        self.port = lab.free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="am-"))
        self.process = None
        (self.folder / "am.yml").write_text(
            "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={self.folder}/am.yml",
             f"--storage.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}",
             "--cluster.listen-address="],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"))
        lab.wait_for("Alertmanager", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready") as reply:
            return reply.status == 200

    def kill(self):
        """At once: what it knew is gone."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def destroy(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def alerts(self, **labels):
        """What is active; resolved alerts are no more shown."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts") as reply:
            alerts = json.loads(reply.read())
        return [a for a in alerts if all(a["labels"].get(k) == v for k, v in labels.items())]

    def wait(self, count=1, **labels):
        def test():
            found = self.alerts(**labels)
            return [found] if len(found) == count else None
        return lab.wait_for(f"{count} alerts with {labels} at {self.url}", test)[0]


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
