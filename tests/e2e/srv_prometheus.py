"""A real Prometheus in a private folder on a free port, and what it is asked through its HTTP API."""
import json
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

import lab

CONTRIB = lab.TOP / "contrib" / "prometheus"


class Prometheus:
    """Scrapes every second, as contrib/prometheus says; `jobs`: name -> address."""

    def __init__(self, jobs):
        self.folder = Path(tempfile.mkdtemp(prefix="prom-"))
        self.port = lab.free_port()
        self.process = None
        config = yaml.safe_load((CONTRIB / "scrape.yaml").read_text())
        (job,) = config["scrape_configs"]
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"] = [
            {**job, "job_name": name, "static_configs": [{"targets": [address]}]}
            for name, address in jobs.items()]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(CONTRIB / "alerts.yaml", self.folder)

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml",
             f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log.txt").open("wb"))
        return self

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=lab.LIMIT) as reply:
                return json.load(reply)["data"]
        except OSError:
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()[-3000:]
            return None

    def query(self, expr):
        """[(labels, value)]; empty while it is not up."""
        data = self.ask("query", query=expr)
        return [(r["metric"], float(r["value"][1])) for r in data["result"]] if data else []

    def wait(self, expr):
        return lab.wait_for(expr, lambda: self.query(expr))

    def destroy(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
