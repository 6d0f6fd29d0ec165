"""`make screenshots`: docs/screenshots/, every view at three widths, light and dark.

Usage: screenshots.py BUILD OUT.  A real daemon watches a small shop of real servers; after a while
its Redis is stopped, and what the dashboard says then is what the pictures show.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
os.environ["TRIAGED_BUILD"] = str(Path(sys.argv[1]).resolve())
sys.path.insert(0, str(TOP / "tests/e2e"))

import browser as browsers  # noqa: E402
import lab  # noqa: E402
from srv_postgres import Postgres, furnish  # noqa: E402
from srv_redis import Redis  # noqa: E402

SIZES = {360: 780, 768: 1024, 1440: 1000}
WELL_SECONDS = int(os.environ.get("WELL_SECONDS", "150"))  # plots need a past
BROKEN_SECONDS = 25

CONFIG = """
defaults: {{interval: 1s, timeout: 3s, retries: 2}}
checks:
  shop: {{type: http, url: "{shop}", group: edge, needs: [api], labels: {{team: web}}}}
  api:
    type: http
    url: "{api}"
    group: edge
    needs: [db, cache]
    labels: {{team: core}}
    description: What the shop asks for everything.
    expect: {{status: 200}}
  db: {{type: postgres, dsn: "{postgres}", group: data, labels: {{team: core}}}}
  cache: {{type: redis, url: "redis://127.0.0.1:{redis}", group: data, labels: {{team: core}}, description: Sessions and rate limits.}}
  search: {{type: tcp, address: "127.0.0.1:{shut}", group: data, severity: warning}}
  worker: {{type: tcp, address: "127.0.0.1:{redis_again}", group: jobs, needs: [cache, db]}}
  memory: {{type: memory, group: host}}
  root: {{type: disk, path: /, group: host}}
  load: {{type: cpu, group: host}}
rules:
  api-slow: {{warning: api.total_time > 250ms, critical: api.total_time > 1s, for: 10s, summary: "the API takes {{{{api.total_time}}}}"}}
receivers:
  ops-chat: {{type: webhook, url: "{hook}"}}
  pager: {{type: webhook, url: "http://127.0.0.1:{shut}/page"}}
  syslog: {{type: syslog, socket: {folder}/log.sock}}
routes:
  - {{match: {{severity: critical}}, to: [ops-chat, pager], continue: true}}
  - {{to: [ops-chat, syslog]}}
maintenance:
  - {{checks: [db], schedule: "{day} 02:00-04:00", reason: backups}}
"""


class Shop:
    """The servers, and the daemon that watches them."""

    def __init__(self, folder):
        self.folder = folder
        self.redis = Redis().start()
        self.postgres = Postgres().start()
        furnish(self.postgres)
        self.api, self.shop = lab.Web().start(), lab.Web().start()
        self.hook = lab.Hook().start()
        self.syslog = lab.Syslog(f"{folder}/log.sock")
        self.daemon = lab.Daemon(folder)

    def start(self):
        port, shut = lab.free_port(), lab.free_port()
        config = CONFIG.format(shop=self.shop.url, api=self.api.url, postgres=self.postgres.url(),
                               day=lab.another_day(), redis=self.redis.port,
                               redis_again=self.redis.port, shut=shut,
                               hook=self.hook.url, folder=self.folder)
        self.daemon.write(f"daemon: {{name: shop-1, state_dir: {self.daemon.state}}}\n"
                          f"api: {{listen: 127.0.0.1:{port}}}\n{config}", head=False)
        self.daemon.start()
        self.daemon.url = f"http://127.0.0.1:{port}"
        self.daemon.token = (self.daemon.state / "token").read_text().strip()

    def tell(self, *args):
        done = lab.triage("-u", self.daemon.api.path, *args, env={"SUDO_USER": "ada"})
        assert done.returncode == 0, (args, done.stderr)

    def break_redis(self):
        """The API needs it, and says so."""
        self.redis.stop()
        self.api.status, self.api.body = 503, b'{"success":false,"error":"redis: connection refused"}'

    def live(self):
        wait(WELL_SECONDS)
        search = self.hook.wait("incident.opened", "search")["data"]["incident"]["id"]
        self.tell("ack", search, "--comment", "being moved to the new host")
        self.tell("silence", "root", "--for", "8h", "--comment", "the disk is being enlarged")
        self.break_redis()
        incident = self.hook.wait("incident.opened", "cache")["data"]["incident"]["id"]
        wait(BROKEN_SECONDS)
        return incident

    def stop(self):
        self.daemon.stop()
        for one in (self.shop, self.api, self.hook, self.redis):
            one.stop()
        self.postgres.destroy()
        self.syslog.close()


def wait(seconds):
    """Plots need a past."""
    threading.Event().wait(seconds)


def take(browser, daemon, views, out):
    for width, height in SIZES.items():
        for scheme in ("light", "dark"):
            browser.open(daemon, width=width, height=height, scheme=scheme)
            browser("click", ".notice button")
            for name, path in views.items():
                browser.go("#" + path)
                wait(1.2)
                browser("screenshot", {"path": f"{out}/{name}-{width}-{scheme}.png",
                                       "animations": "disabled", "caret": "hide"})
    browser.expect_clean()


def main():
    out = Path(sys.argv[2]).resolve()
    folder = tempfile.mkdtemp(prefix="tri-")
    shop = Shop(folder)
    browser = browsers.Browser()
    try:
        shop.start()
        incident = shop.live()
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        take(browser, shop.daemon, {
            "now": "/", "check": "/checks/api", "incident": f"/incidents/{incident}",
            "incidents": "/incidents", "map": "/map", "receivers": "/receivers",
            "silences": "/silences"}, out)
    finally:
        browser.quit()
        shop.stop()
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "--speed", "1", "128",
                    *sorted(out.glob("*.png"))], check=True)
    total = sum(f.stat().st_size for f in out.glob("*.png"))
    print(f"{out}: {len(list(out.glob('*.png')))} pictures, {total // 1024} kB")


main()
