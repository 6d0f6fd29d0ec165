"""Each pack of etc/packs against servers of that shape: quiet while they are well; one thing is
broken, and one incident names it as the root and what hangs on it as its impact."""
import contextlib
import os
import re
import subprocess
import sys
import time

import pytest

import lab
import srv_mysql
import srv_net
import srv_postgres
import srv_redis
from srv_api import App, Nginx

PACKS = lab.TOP / "etc/packs"
HOST = ("disks", "memory", "cpu", "network", "self")
PASSWORD = "S3cret-of-the-database"


@pytest.fixture(scope="module")
def postgres():
    server = srv_postgres.Postgres().start()
    server.psql(f"CREATE ROLE app LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    for db, tables in [("new-api", "users tokens channels"), ("realm", "users")]:
        server.psql(f'CREATE DATABASE "{db}" OWNER app')
        for table in tables.split():
            server.psql(f"CREATE TABLE {table} (id int, status int);"
                        f"ALTER TABLE {table} OWNER TO app", db=db)
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def mysql():
    server = srv_mysql.MariaDB().start()
    server.sql("CREATE DATABASE kpi", f"CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'",
               "CREATE DATABASE `new-api`", "GRANT ALL ON *.* TO app@'%'",
               "CREATE TABLE kpi.ai_tasks (status varchar(20), created_at datetime)",
               "CREATE TABLE kpi.report_tasks (status varchar(20), started_at datetime)",
               *(f"CREATE TABLE `new-api`.{name} (id int, status int)"
                 for name in ("users", "tokens", "channels")))
    yield server
    server.destroy()


@pytest.fixture
def things():
    """What is stopped at the end, whatever happened."""
    with contextlib.ExitStack() as stack:
        yield stack


def new_redis(things, *args, password=None):
    server = srv_redis.Redis(*args, password=password)
    things.callback(server.destroy)
    return server.start()


def new_app(things, folder, name, *needs):
    """One that answers 500 while a port that it needs is closed."""
    app = App(folder, name=name)
    tests = " && ".join(f": < /dev/tcp/127.0.0.1/{port}" for port in needs)
    app.set(command=["bash", "-c", tests] if tests else None)
    things.callback(app.kill)
    return app.start()


def new_stub(things, **answer):
    stub = things.enter_context(srv_net.Stub(srv_net.http(**answer)))
    return stub


@pytest.fixture
def start(daemon, hook, folder):
    """The pack beside the shipped file, as people have it; but it looks each second."""

    def make(name, quick=(), **env):
        packs = re.sub(r"\binterval: \w+", "interval: 1s", (PACKS / f"{name}.yaml").read_text())
        for rule in quick:  # these do not wait for minutes
            text = re.search(rf"(?ms)^  {rule}:\n.*?(?=^  \S|\Z)", packs)[0]
            text, whole = re.sub(r"for: \d+m", "for: 4s", text), text
            packs = packs.replace(whole, text.replace(", 5m)", ", 4s)"))
        shipped = (lab.TOP / "etc/triaged.yaml").read_text()
        shipped = shipped.replace("listen: 127.0.0.1:8421", "listen: off")
        shipped = shipped.replace("interval: 30s", "interval: 1s\n  retry_interval: 200ms")
        d = daemon(env={"STATE_DIRECTORY": f"{folder}/state", **{k: str(v) for k, v in env.items()}})
        (d.folder / "conf.d").mkdir()
        (d.folder / f"conf.d/{name}.yaml").write_text(packs)
        d.write(shipped + "receivers: { hook: { type: webhook, url: '%s', secret: '%s' } }\n"
                % (hook.url, lab.SECRET_TEXT), head=False)
        return d.start()

    return make


def own(d):
    checks = d.api.get("/api/v1/checks?limit=500")["checks"]
    return {c["name"]: c for c in checks if c["name"].split("[")[0] not in HOST}


def assert_quiet(d, hook, *names):
    """All are up within the first rounds, nothing is told, and no rule waits for its time."""
    lab.wait_for(f"{names}: {d.words()}", lambda: {
        n for n, c in own(d).items() if c["state"] == "up"} >= set(names))
    lab.wait_for("some rounds", lambda: all(d.check(n)["runs"] >= 4 for n in names))
    assert set(own(d)) == set(names)
    for name in names:
        check = d.check(name)
        assert check["state"] == "up" and not check["cause"], check
        assert not check["last"].get("notes"), check["last"]
        # A slow moment of this machine may have begun to wait in one of them.
        lab.wait_for(f"the rules of {name} to be quiet", lambda n=name: all(
            rule["state"] in ("quiet", "no_data")
            for rule in d.api.get(f"/api/v1/checks/{n}/rules")["rules"]))
    assert [i for i in d.incidents() if i["check"] in names] == []
    assert [e for e in hook.events() if e["data"]["incident"]["check"] in names] == []


def told(hook, root, cause, impact):
    """One incident of the pack's checks: this root, and all of these hang on it."""
    opened = hook.wait("incident.opened", root)["data"]["incident"]
    assert opened["cause"]["code"] in cause and opened["severity"] == "critical", opened
    assert opened["rule"] == "check-down" and opened["remedy"], opened

    def hangs():
        last = hook.events(check=root)[-1]["data"]["incident"]
        return {i["check"] for i in last["impact"]} == set(impact)

    lab.wait_for(f"the impact of {root} to be {impact}: "
                 f"{[e['data']['incident']['impact'] for e in hook.events(check=root)]}", hangs)
    others = {e["data"]["incident"]["check"] for e in hook.events("incident.opened")}
    assert {name for name in others if name.split("[")[0] not in HOST} == {root}
    assert PASSWORD not in repr(hook.requests)


def over(hook, d, root):
    hook.wait("incident.resolved", root)
    lab.wait_for("all to be up", lambda: all(c["state"] == "up" for c in own(d).values()))


NEW_API = ("new-api", "new-api-db", "new-api-redis")


def test_new_api(start, things, folder, hook, postgres):
    redis = new_redis(things, password=PASSWORD)
    app = new_app(things, folder, "new-api", postgres.port, redis.port)
    d = start("new-api", SQL_DSN=postgres.url(password=PASSWORD, db="new-api"), PORT=app.port,
              REDIS_CONN_STRING=redis.url(0))
    assert_quiet(d, hook, *NEW_API)
    postgres.stop()
    try:
        told(hook, "new-api-db", {"net.refused"}, {"new-api"})
    finally:
        postgres.start()
    over(hook, d, "new-api-db")


def test_new_api_switches_a_channel_off(start, things, folder, hook, postgres):
    """The pack's own rule."""
    redis = new_redis(things)
    app = new_app(things, folder, "new-api")
    postgres.psql("INSERT INTO channels VALUES (1, 1), (2, 3)", db="new-api")
    d = start("new-api", SQL_DSN=postgres.url(password=PASSWORD, db="new-api"), PORT=app.port,
              REDIS_CONN_STRING=redis.url(0))
    assert_quiet(d, hook, *NEW_API)
    postgres.psql("UPDATE channels SET status = 3", db="new-api")
    incident = hook.wait("incident.opened", "new-api-db")["data"]["incident"]
    assert incident["rule"] == "new-api-channels-off" and incident["severity"] == "warning"
    assert "1 channels were switched off" in incident["summary"], incident
    assert "2 are off" in incident["summary"], incident


def test_new_api_on_mysql(start, things, folder, hook, mysql):
    redis = new_redis(things)
    app = new_app(things, folder, "new-api", mysql.port, redis.port)
    dsn = f"app:{PASSWORD}@tcp(127.0.0.1:{mysql.port})/new-api?charset=utf8mb4&parseTime=True&loc=Local"
    d = start("new-api", SQL_DSN=dsn, SQL_TYPE="mysql", PORT=app.port,
              REDIS_CONN_STRING=redis.url(0))
    assert_quiet(d, hook, *NEW_API)
    redis.stop()
    told(hook, "new-api-redis", {"net.refused"}, {"new-api"})


def test_game_server(start, things, folder, hook, postgres):
    redis = new_redis(things, "--appendonly", "yes")
    app = new_app(things, folder, "server", postgres.port, redis.port)
    socket = new_stub(things, status="400 Bad Request")
    (d := lab.Path(folder) / "ngx").mkdir()
    nginx = Nginx(d, f"location / {{ return 200 realm; }}"
                     f"location /api {{ proxy_pass http://127.0.0.1:{app.port}; }}"
                     f"location /ws {{ proxy_pass http://{socket.address}; }}")
    things.callback(nginx.stop)
    nginx.start()
    d = start("game-server", DB_HOST="127.0.0.1", DB_PORT=postgres.port, DB_NAME="realm",
              DB_USER="app", DB_PASSWORD=PASSWORD, REDIS_URL=f"redis://127.0.0.1:{redis.port}",
              PORT=app.port, GAME_SITE_URL=f"http://127.0.0.1:{nginx.port}")
    assert_quiet(d, hook, "game-db", "game-redis", "game-server", "game-site", "game-site-api",
                 "game-site-ws")
    app.kill()
    told(hook, "game-server", {"net.refused"}, {"game-site-api"})
    app.start()
    over(hook, d, "game-server")


def test_kpi(start, things, folder, hook, mysql):
    redis = new_redis(things)
    app = new_app(things, folder, "backend", mysql.port, redis.port)
    page = new_stub(things, body=b"<html><div id=app></div></html>",
                    headers=["Content-Type: text/html; charset=utf-8"])
    d = start("kpi", DB_PORT=mysql.port, DB_USER="app", DB_PASSWORD=PASSWORD,
              CELERY_BROKER_URL=redis.url(0), KPI_URL=f"http://127.0.0.1:{app.port}",
              KPI_SITE_URL=f"http://{page.address}")
    assert_quiet(d, hook, "kpi-db", "kpi-broker", "kpi-backend", "kpi-dashboard", "kpi-site")
    metrics = d.check("kpi-db")["metrics"]
    assert metrics["ai_failed"] == 0 and metrics["longest_export_time"] == 0, metrics
    mysql.stop()
    try:
        told(hook, "kpi-db", {"net.refused"}, {"kpi-backend", "kpi-dashboard"})
    finally:
        mysql.start()
    over(hook, d, "kpi-db")


@pytest.mark.slow
def test_kpi_tasks(start, things, folder, hook, mysql):
    """What the tables say: tasks that failed, an export that does not end."""
    redis = new_redis(things)
    page = new_stub(things, headers=["Content-Type: text/html"])
    d = start("kpi", DB_PORT=mysql.port, DB_USER="app", DB_PASSWORD=PASSWORD,
              CELERY_BROKER_URL=redis.url(0), KPI_URL=f"http://{page.address}",
              KPI_SITE_URL=f"http://{page.address}")
    assert_quiet(d, hook, "kpi-db", "kpi-broker", "kpi-backend", "kpi-dashboard", "kpi-site")
    mysql.sql("INSERT INTO kpi.ai_tasks VALUES ('failed', NOW()), ('failed', NOW()), "
              "('failed', NOW()), ('done', NOW()), ('done', NOW()), ('done', NOW())",
              "INSERT INTO kpi.report_tasks VALUES ('running', NOW() - INTERVAL 40 MINUTE)")
    told_of = {}

    def both():
        for e in hook.events():
            told_of[e["data"]["incident"]["rule"]] = e["data"]["incident"]
        return {"kpi-ai-failing", "kpi-export-stuck"} <= set(told_of)

    lab.wait_for(f"both: {told_of}", both)
    assert told_of["kpi-ai-failing"]["severity"] == "warning", told_of
    assert "3 of 6 AI tasks" in told_of["kpi-ai-failing"]["summary"], told_of
    assert told_of["kpi-export-stuck"]["severity"] == "critical", told_of


def test_openim(start, things, folder, hook):
    redis = new_redis(things, password=PASSWORD)
    mongo, kafka = (things.enter_context(srv_net.Stub(srv_net.mute)) for _ in "mk")
    minio = new_stub(things, body=b"")
    etcd = lab.Web().start()
    etcd.body = b'{"health":"true"}'
    things.callback(etcd.stop)
    api = new_stub(things, body=b'{"errCode":1001,"errMsg":"ArgsError","errDlt":""}')
    gateway = new_stub(things, body=b'{"errCode":1602,"errMsg":"ConnArgsErr","errDlt":""}')
    d = start("openim", REDIS_PASSWORD=PASSWORD, REDIS_PORT=redis.port, MONGO_PORT=mongo.port,
              KAFKA_PORT=kafka.port, ETCD_PORT=etcd.port, MINIO_PORT=minio.port,
              API_OPENIM_PORT=api.port, OPENIM_WS_PORT=gateway.port)
    assert_quiet(d, hook, "openim-mongo", "openim-redis", "openim-kafka", "openim-minio",
                 "openim-etcd", "openim-api", "openim-gateway")
    # Without a leader nothing finds anything any more.
    bad = srv_net.http(body=b'{"errCode":90004,"errMsg":"network error","errDlt":"no instance"}')
    etcd.status, etcd.body = 503, b'{"health":"false"}'
    api.talk = gateway.talk = bad
    told(hook, "openim-etcd", {"http.503"}, {"openim-api", "openim-gateway"})


@pytest.mark.slow
def test_game_server_behind_a_wrong_route(start, things, folder, hook, postgres):
    """The server is well, nginx leads elsewhere: that alone is the incident.  And Redis would lose
    what is not saved."""
    redis = new_redis(things)
    app = new_app(things, folder, "server")
    (place := lab.Path(folder) / "ngx").mkdir()
    nginx = Nginx(place, f"location /ws {{ return 426; }} location / {{ return 200 realm; }}"
                         f"location /api {{ proxy_pass http://127.0.0.1:{lab.free_port()}; }}")
    things.callback(nginx.stop)
    nginx.start()
    d = start("game-server", ["game-redis-no-aof"], DB_PORT=postgres.port, DB_NAME="realm",
              DB_USER="app", DB_PASSWORD=PASSWORD, REDIS_URL=f"redis://127.0.0.1:{redis.port}",
              PORT=app.port, GAME_SITE_URL=f"http://127.0.0.1:{nginx.port}")
    incident = hook.wait("incident.opened", "game-site-api")["data"]["incident"]
    assert incident["cause"]["code"] == "http.502" and not incident["impact"], incident
    assert d.check("game-server")["state"] == "up"
    incident = hook.wait("incident.opened", "game-redis")["data"]["incident"]
    assert incident["rule"] == "game-redis-no-aof" and "appendonly" in incident["summary"]
    assert incident["severity"] == "warning"


@pytest.mark.slow
def test_kpi_worker_does_nothing(start, things, folder, hook, mysql):
    """Tasks wait, the process is there and uses no CPU: no process check by itself would tell."""
    redis = new_redis(things, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    page = new_stub(things, headers=["Content-Type: text/html"])
    worker = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "celery",
                               "-A", "tasks", "worker"], stdin=subprocess.PIPE)
    things.callback(worker.wait)
    things.callback(worker.kill)
    start("kpi", ["kpi-worker-idle", "kpi-broker-evicts"], DB_PORT=mysql.port, DB_USER="app",
          DB_PASSWORD=PASSWORD, CELERY_BROKER_URL=redis.url(0), KPI_URL=f"http://{page.address}",
          KPI_SITE_URL=f"http://{page.address}", WATCH_WORKER="true")
    redis.cli("LPUSH", "celery", "one", "two")
    incident = hook.wait("incident.opened", "kpi-worker")["data"]["incident"]
    assert incident["rule"] == "kpi-worker-idle", incident
    assert "2 tasks wait" in incident["summary"], incident
    incident = hook.wait("incident.opened", "kpi-broker")["data"]["incident"]
    assert incident["rule"] == "kpi-broker-evicts" and "noeviction" in incident["summary"]


def test_kpi_provider_refuses_the_key(start, things, folder, hook, mysql):
    """A warning, and none of the key."""
    redis = new_redis(things)
    page = new_stub(things, headers=["Content-Type: text/html"])
    ai = new_stub(things, status="401 Unauthorized",
                  body=b'{"error":{"code":"invalid_api_key","message":"Incorrect API key"}}')
    d = start("kpi", DB_PORT=mysql.port, DB_USER="app", DB_PASSWORD=PASSWORD,
              CELERY_BROKER_URL=redis.url(0), KPI_URL=f"http://{page.address}",
              KPI_SITE_URL=f"http://{page.address}", WATCH_AI="true",
              OPENAI_BASE_URL=f"http://{ai.address}/v1", OPENAI_API_KEY="sk-" + PASSWORD)
    incident = hook.wait("incident.opened", "kpi-ai")["data"]["incident"]
    assert incident["cause"]["code"] == "http.401" and incident["severity"] == "warning", incident
    assert PASSWORD not in repr(hook.requests) + d.log.read_text()


@pytest.mark.slow
def test_openim_log_and_backup(start, things, folder, hook):
    """Messages that fail, tokens that are refused; a backup of the day before yesterday."""
    redis = new_redis(things, password=PASSWORD)
    port = things.enter_context(srv_net.Stub(srv_net.mute)).port
    stub = new_stub(things, body=b'{"health":"true","errCode":0}')
    log, backups = lab.Path(folder) / "openim.log", lab.Path(folder) / "backup"
    log.touch()
    backups.mkdir()
    (backups / "mongo_1.tar.gz").write_bytes(b"x" * 2000)
    then = time.time() - 60 * 3600
    os.utime(backups / "mongo_1.tar.gz", (then, then))
    d = start("openim", ["openim-tokens-refused", "openim-backup-old"], REDIS_PASSWORD=PASSWORD,
              REDIS_PORT=redis.port, MONGO_PORT=port, KAFKA_PORT=port, ETCD_PORT=stub.port, MINIO_PORT=stub.port,
              API_OPENIM_PORT=stub.port, OPENIM_WS_PORT=stub.port, WATCH_LOG="true",
              OPENIM_LOG=log, WATCH_BACKUPS="true", BACKUP_DIR=backups)
    d.wait_state("openim-log", "up")
    with log.open("a") as f:
        f.write("2026-01-02 INFO failed to send message: timeout\n" * 7)
        f.write("2026-01-02 WARN invalid token\n" * 11)
    found = {e["data"]["incident"]["rule"]: e["data"]["incident"]["summary"]
             for e in (hook.wait("incident.opened", "openim-log"),
                       hook.wait("incident.opened", "openim-log", 2))}
    assert "7 messages could not be sent" in found["openim-messages-failing"], found
    assert "11 tokens were refused" in found["openim-tokens-refused"], found

    def backup():
        return [e["data"]["incident"] for e in hook.events(check="openim-backup")]

    lab.wait_for("the backup", lambda: backup() and backup()[-1]["severity"] == "critical")
    assert len({i["id"] for i in backup()}) == 1, backup()
