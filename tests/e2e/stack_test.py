"""A small stack of real servers under one daemon: each is broken, and the webhook is read."""
import json
import signal
from pathlib import Path

import pytest

import lab
import srv_mysql
import srv_postgres
import srv_redis

SECRETS = "s3cret", srv_mysql.PASSWORD, "r3dis-word"


@pytest.fixture(scope="module")
def servers():
    db = srv_postgres.Postgres().start()
    srv_postgres.furnish(db)
    shop = srv_mysql.MariaDB().start()
    srv_mysql.furnish(shop)
    cache = srv_redis.Redis(password=SECRETS[2]).start()
    yield {"db": db, "shop": shop, "cache": cache}
    for server in (db, shop, cache):
        server.destroy()


@pytest.fixture
def stack(servers, daemon, hook):
    db, shop, cache = (servers[name] for name in ("db", "shop", "cache"))
    cache_url = f"redis://:{SECRETS[2]}@127.0.0.1:{cache.port}/0"
    keys = "interval: 1s, timeout: 2s, retries: 2, reconnect_interval: 1s"
    d = daemon(f"""
checks:
  db: {{type: postgres, dsn: "{db.url()}", {keys}}}
  shop: {{type: mysql, dsn: "{shop.url()}", {keys}}}
  cache: {{type: redis, url: "{cache_url}", {keys}}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
""").start()
    for name in servers:
        d.wait_state(name, "up")
    yield d
    d.stop()
    words = "\n".join(json.dumps(e) for e in hook.requests) + Path(d.log).read_text()
    for secret in SECRETS:
        assert secret not in words


def tell(hook, name, causes):
    """The one incident of this check, read in the webhook; and the others were left in peace."""
    incident = hook.wait("incident.opened", name)["data"]["incident"]
    assert incident["cause"]["code"] in causes, incident
    assert incident["severity"] == "critical" and incident["rule"] == "check-down", incident
    assert incident["remedy"] and incident["cause"]["explanation"] and incident["title"], incident
    assert {e["data"]["incident"]["check"] for e in hook.events()} == {name}
    assert all(e["_signed"] for e in hook.events())
    return incident


@pytest.mark.parametrize("name, causes", [
    ("db", {"pg.frozen", "net.noreply"}),
    ("shop", {"net.noreply"}),
    ("cache", {"net.noreply"}),
])
def test_frozen_and_thawed(stack, servers, hook, name, causes):
    process = servers[name].process
    process.send_signal(signal.SIGSTOP)
    try:
        opened = tell(hook, name, causes)
    finally:
        process.send_signal(signal.SIGCONT)
    end = hook.wait("incident.resolved", name)
    assert end["reason"] == "recovered" and end["data"]["incident"]["id"] == opened["id"]
    assert {c["state"] for c in stack.api.get("/api/v1/checks")["checks"]} == {"up"}


def test_stopped_and_started(stack, servers, hook):
    servers["cache"].stop()
    opened = tell(hook, "cache", {"net.refused"})
    assert str(servers["cache"].port) in opened["summary"] + opened["target"], opened
    servers["cache"].start()
    hook.wait("incident.resolved", "cache")


def test_password_changed(stack, servers, hook):
    servers["db"].psql("ALTER ROLE app PASSWORD 'other'")
    try:
        opened = tell(hook, "db", {"pg.auth"})
        assert "app" in opened["summary"], opened
    finally:
        servers["db"].psql("ALTER ROLE app PASSWORD 's3cret'")
    hook.wait("incident.resolved", "db")
