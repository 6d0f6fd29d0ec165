"""`triage init` on each project of tests/init, checked, and started against real servers of that
shape on the ports that the compose file publishes (templated to free ones)."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lab
import srv_mysql
import srv_postgres
import srv_redis
from srv_api import Nginx
from srv_docker import Docker

PROJECTS = lab.TOP / "tests/init"
NAMES = ["new-api", "new-api-mysql", "game-server", "kpi", "openim", "first-form", "merge"]


# --- servers of the shapes that the projects have ---


@pytest.fixture(scope="module")
def postgres():
    server = srv_postgres.Postgres().start()
    for user, password, db in [("root", "123456", "new-api"),
                               ("realm", "dragons-and-gold", "realm"),
                               ("shop", "shop-pass", "shop")]:
        server.psql(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        server.psql(f'CREATE DATABASE "{db}" OWNER {user}')
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def mysql():
    server = srv_mysql.MariaDB().start()
    server.sql("CREATE DATABASE kpi", "CREATE DATABASE `new-api`",
               "DROP USER IF EXISTS root@'127.0.0.1'",
               "CREATE USER root@'%' IDENTIFIED BY 'gateway-root-1'",
               "GRANT ALL ON *.* TO root@'%'",
               "CREATE USER kpi@'%' IDENTIFIED BY 'figures-42'", "GRANT ALL ON kpi.* TO kpi@'%'")
    yield server
    server.destroy()


@pytest.fixture
def redis():
    made = []

    def make(password=None):
        made.append(srv_redis.Redis(password=password).start())
        return made[-1].port

    yield make
    for server in made:
        server.destroy()


@pytest.fixture
def api(web):
    web.body = b'{"success":true,"message":"","data":{"start_time":1700000000}}'
    return web


@pytest.fixture
def nginx(folder, api):
    (Path(folder) / "ngx").mkdir()
    server = Nginx(f"{folder}/ngx", f"location / {{ proxy_pass http://127.0.0.1:{api.port}; }}")
    yield server.start()
    server.stop()


@pytest.fixture
def listener():
    """Stands in for servers whose kind of check is not built yet."""
    made = []

    def make():
        s = socket.create_server(("127.0.0.1", 0), backlog=64)
        made.append(s)
        return s.getsockname()[1]

    yield make
    for s in made:
        s.close()


# --- the project, and what is made of it ---


@pytest.fixture
def project(folder):
    """A copy of a project with these ports: old -> new, as published."""

    def make(name, ports=None):
        to = Path(folder) / name
        shutil.copytree(PROJECTS / name, to)
        for path in to.glob("*compose*"):
            text = path.read_text()
            for old, new in (ports or {}).items():
                text = re.sub(rf'(["\':]){old}:(\d+["\'])', rf"\g<1>{new}:\2", text)
            path.write_text(text)
        return to

    return make


def init(where, *args, env=None):
    run = lab.triage("init", where, *args, env={"COLUMNS": "80", "DOCKER_HOST": "", **(env or {})})
    assert "Sanitizer" not in run.stderr and "runtime error:" not in run.stderr, run.stderr
    return run


def fill_in(where, values):
    """As a person would who was told which value stands where."""
    path = where / "triaged.env"
    text = path.read_text()
    for name, value in values.items():
        assert f"\n{name}=\n" in text, text
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    path.write_text(text)


def start(daemon, where):
    """The configuration as it was written, but for the API's port, which others may have here."""
    text = (where / "triaged.yaml").read_text()
    assert "listen: 127.0.0.1:8421" in text
    d = daemon(env={"STATE_DIRECTORY": f"{where}/state"})
    d.config = where / "triaged.yaml"
    d.write(text.replace("listen: 127.0.0.1:8421", "listen: off"), head=False)
    return d.start()


def states(d):
    return {c["name"]: c["state"] for c in d.api.get("/api/v1/checks?limit=500")["checks"]}


def wait_all_up(d, *wanted):
    def test():
        now = states(d)
        return set(wanted) <= set(now) and all(s == "up" for s in now.values())

    try:
        lab.wait_for("every check to be up", test, 60)
    except AssertionError as e:
        down = [d.check(n) for n, s in states(d).items() if s != "up"]
        raise AssertionError(f"{e}: {states(d)}\n{down}\n{d.words()}") from None


@pytest.mark.parametrize("name", [*NAMES, "everything"])
def test_made_and_checked(project, name):
    where = project(name)
    run = init(where)
    assert run.returncode == 0, run.stderr
    assert all(len(line) <= 80 for line in run.stderr[run.stderr.index("Found:"):].split("\n"))
    assert "\x1b" not in run.stderr and run.stdout == ""
    assert run.stderr.endswith(f"  triage check {where}/triaged.yaml\n"
                               f"  triaged -c {where}/triaged.yaml\n")
    check = lab.triage("check", where / "triaged.yaml")
    assert check.returncode == 0 and "OK" in check.stdout, check.stderr
    assert "warning" not in check.stdout + check.stderr


def test_new_api(project, daemon, postgres, redis, api):
    where = project("new-api", {3000: api.port, 5432: postgres.port, 6379: redis()})
    assert "POSTGRES_PASSWORD" in init(where).stderr
    fill_in(where, {"POSTGRES_PASSWORD": "123456"})
    d = start(daemon, where)
    wait_all_up(d, "new-api", "redis", "postgres", "disks", "memory", "cpu", "self")
    assert d.check("postgres")["metrics"]["connections"] > 0
    assert api.hits > 0


def test_new_api_without_a_word(project, daemon, postgres, redis, api):
    """Who asks for it has the passwords copied, and nothing is left to fill in."""
    where = project("new-api", {3000: api.port, 5432: postgres.port, 6379: redis()})
    assert init(where, "--copy-secrets").returncode == 0
    assert stat.S_IMODE((where / "triaged.env").stat().st_mode) == 0o600
    assert "123456" not in (where / "triaged.yaml").read_text()
    wait_all_up(start(daemon, where), "new-api", "redis", "postgres")


def test_new_api_on_mysql(project, daemon, mysql, redis, api):
    ports = {3000: api.port, 3306: mysql.port, 6379: redis("cache@side/7")}
    where = project("new-api-mysql", ports)
    assert "To fill in" not in init(where).stderr
    d = start(daemon, where)
    wait_all_up(d, "new-api", "redis", "mysql")
    for secret in ("gateway-root-1", "cache@side/7", "T000/B000"):
        assert secret not in d.log.read_text()


def test_game_server(project, daemon, postgres, redis, api, nginx):
    ports = {5432: postgres.port, 6379: redis(), 3001: api.port, 8080: nginx.port}
    where = project("game-server", ports)
    assert "To fill in" not in init(where).stderr
    wait_all_up(start(daemon, where), "postgres", "redis", "server", "nginx")


def test_kpi(project, daemon, mysql, redis, api, nginx):
    """The worker has no port: a process with its command line stands in."""
    ports = {3307: mysql.port, 6380: redis(), 8000: api.port, 8081: nginx.port}
    where = project("kpi", ports)
    assert "To fill in" not in init(where).stderr
    worker = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "celery", "-A",
                               "app.tasks", "worker"], stdin=subprocess.PIPE)
    try:
        d = start(daemon, where)
        wait_all_up(d, "mysql", "redis", "backend", "worker", "frontend")
        assert d.check("redis")["metrics"]["length_celery"] == 0
    finally:
        worker.kill()
        worker.wait()


def test_openim(project, daemon, redis, api, listener):
    """Kinds that are not built yet: a listener stands in; MinIO's health is an HTTP answer."""
    ports = {port: listener() for port in (37017, 12379, 12380, 19094, 10004, 10001, 10002)}
    where = project("openim", {**ports, 16379: redis("openIM123"), 10005: api.port})
    init(where)
    fill_in(where, {"REDIS_PASSWORD": "openIM123"})
    wait_all_up(start(daemon, where), "mongo", "redis", "etcd", "kafka", "minio", "openim-server",
                "openim-server-10002")


def test_first_form(project, daemon, postgres, listener):
    where = project("first-form", {5000: listener(), 15432: postgres.port})
    init(where)
    fill_in(where, {"POSTGRES_PASSWORD": "shop-pass"})
    wait_all_up(start(daemon, where), "web", "db")


def test_bare_host(folder, daemon):
    where = Path(folder) / "empty"
    where.mkdir()
    run = init(where)
    assert run.returncode == 0 and "no compose file" in run.stderr
    assert not (where / "triaged.env").exists()
    check = lab.triage("check", where / "triaged.yaml")
    assert check.returncode == 0 and "warning" not in check.stdout + check.stderr
    # Servers of other tests on this host come and go: only the host's own checks are waited for.
    d = start(daemon, where)
    for name in ("disks", "memory", "cpu", "network", "clock", "self"):
        d.wait_state(name, "up")


def test_containers_where_there_is_a_socket(project, folder, daemon, redis):
    docker = Docker(f"{folder}/docker.sock").start()
    try:
        where = project("merge", {8443: 1})
        run = init(where, env={"DOCKER_HOST": f"unix://{folder}/docker.sock"})
        text = (where / "triaged.yaml").read_text()
        assert f"socket: {folder}/docker.sock" in text and "project: merge" in text
        assert "process" not in text and run.returncode == 0
    finally:
        docker.stop()


def test_examples_in_the_file_are_right(folder):
    """What stands there as a comment works when its marks are taken away."""
    where = Path(folder)
    assert init(where).returncode == 0
    text = (where / "triaged.yaml").read_text()
    head, _, tail = text.partition("# receivers:\n")
    block = "receivers:\n" + re.sub(r"(?m)^# ?", "", tail.split("\n\n")[0])
    (where / "second.yaml").write_text(head + block + "\nheartbeat: { url: \"${HC_URL}\" }\n")
    env = {"SLACK_WEBHOOK_URL": "https://hooks.example.com/x", "HC_URL": "https://hc.example.com/x",
           "HOOK_SECRET": lab.SECRET_TEXT}
    check = lab.triage("check", where / "second.yaml", env=env)
    assert check.returncode == 0 and "3 receivers" in check.stdout, check.stderr


# --- what it says ---


def test_never_overwrites(project):
    where = project("new-api")
    (where / "triaged.yaml").write_text("mine\n")
    run = init(where)
    assert run.returncode == 1 and (where / "triaged.yaml").read_text() == "mine\n"
    assert "is there already" in run.stderr and "-o -" in run.stderr
    assert not (where / "triaged.env").exists()
    (where / "triaged.env").write_text("POSTGRES_PASSWORD=mine\n")
    run = init(where, "-o", where / "other.yaml")
    assert run.returncode == 0 and "was there already" in run.stderr
    assert (where / "triaged.env").read_text() == "POSTGRES_PASSWORD=mine\n"
    link = where / "link.yaml"
    link.symlink_to(where / "nowhere")
    assert init(where, "-o", link).returncode == 1 and not (where / "nowhere").exists()


def test_to_the_standard_output(project):
    where = project("new-api")
    before = sorted(os.listdir(where))
    run = init(where, "-o", "-")
    assert run.returncode == 0 and run.stdout.startswith("# Made by `triage init`")
    assert "${POSTGRES_PASSWORD:-}" in run.stdout and sorted(os.listdir(where)) == before
    assert init(where, "-o", "-", "--json").returncode == 2


def test_elsewhere(project, folder):
    """Files that are referred to are found from where the configuration lies."""
    where = project("new-api-mysql")
    out = Path(folder) / "etc"
    out.mkdir()
    assert init(where, "-o", out / "t.yaml").returncode == 0
    assert f"env_file: {where}/.env" in (out / "t.yaml").read_text()
    assert lab.triage("check", out / "t.yaml").returncode == 0
    assert init(where, "-o", out / "no/such/t.yaml").returncode == 1


def test_json(project):
    where = project("openim")
    run = init(where, "--json")
    doc = json.loads(run.stdout)
    assert run.stderr == "" and doc["file"] == f"{where}/triaged.yaml"
    assert doc["compose"] == ["docker-compose.yml"]
    assert {"name": "redis", "type": "redis", "enabled": True, "target": "127.0.0.1:16379",
            "from": "redis:7.0.0"} in doc["checks"]
    assert doc["fill_in"] == [{"name": "REDIS_PASSWORD", "where": "docker-compose.yml:20"}]
    assert any("prometheus" in guess for guess in doc["guessed"])
    assert "openIM123" not in run.stdout


@pytest.mark.parametrize("text, words", [
    ("services: [x]\n", "docker-compose.yml:1:11: error: services: is a list"),
    ("services:\n\ta: {}\n", "docker-compose.yml:2:"),
    ("a: &a [" + "x," * 9 + "x]\n" + "".join(
        f"{c}: &{c} [" + ",".join([f"*{p}"] * 10) + "]\n" for p, c in zip("abcdefgh", "bcdefghi")),
     "too large"),
])
def test_a_bad_file_is_named(folder, text, words):
    (Path(folder) / "docker-compose.yml").write_text(text)
    run = init(folder)
    assert run.returncode == 2 and words in run.stderr and "nothing was written" in run.stderr
    assert not (Path(folder) / "triaged.yaml").exists()


def test_beside_the_services(project):
    where = project("new-api-mysql")
    run = init(where, "--sidecar")
    text = (where / "triaged.yaml").read_text()
    assert run.returncode == 0 and "docker compose up -d triaged" in run.stderr
    assert "tcp(mysql:3306)" in text and "http://new-api:3000/api/status" in text
    assert "host_root: /host" in text and "./.env:/etc/triaged/.env:ro" in text


def test_no_such_folder():
    run = init("/no/such/folder")
    assert run.returncode == 2 and "no such folder" in run.stderr
