"""Real PostgreSQL, broken as the catalogue of failures says, and what people are then told."""
import contextlib
import os
import signal
import subprocess

import pytest

import lab
import srv_postgres as srv
import srv_proc

KEYS = "interval: 1s, timeout: 2s, retries: 2"
AGAIN = f"{KEYS}, reconnect_interval: 1s"  # so that a change of logins is seen at once
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")


@pytest.fixture(scope="module")
def server():
    s = srv.Postgres().start()
    srv.furnish(s)
    yield s
    s.destroy()


@pytest.fixture(scope="module")
def template(server):
    s = srv.Postgres()
    yield s
    s.destroy()


@pytest.fixture
def spare(template):
    """A cluster that a test may break."""
    made = []

    def make(conf="", start=True, folder=None):
        s = srv.Postgres(template, folder)
        made.append(s)
        if conf:
            s.conf(conf)
        return s.start() if start else s

    yield make
    for s in made:
        s.destroy()


@pytest.fixture
def watch(daemon, hook):
    """A daemon with these checks that tells a webhook, of info as well; well before it begins."""

    def start(checks, rules="", up=("db",)):
        d = daemon(f"""
checks:
{checks}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
routes:
  - {{to: hook, match: {{min_severity: info}}}}
{rules}
""").start()
        for name in up:
            d.wait_state(name, "up")
        return d

    yield start
    opened = hook.events("incident.opened")
    assert len({e["data"]["incident"]["id"] for e in opened}) <= 1, \
        [(e["data"]["incident"]["check"], e["data"]["incident"]["title"]) for e in opened]


def db(server_or_dsn, more=KEYS, name="db", **kwargs):
    dsn = server_or_dsn if isinstance(server_or_dsn, str) else server_or_dsn.url(**kwargs)
    return f'  {name}: {{type: postgres, dsn: "{dsn}", {more}}}\n'


def background(session, sql):
    session.stdin.write(sql + ";\n")
    session.stdin.flush()


# --- the way there ---

@pytest.mark.scenario("pg-unreachable")
def test_stopped(watch, hook, fault, spare):
    s = spare()
    srv.furnish(s)
    watch(db(s) + f"  app: {{type: tcp, address: 127.0.0.1:{s.port}, needs: [db], {KEYS}}}\n",
          up=("db", "app"))
    fault.begin()
    s.stop()
    fault.read(hook, "db", cause="net.refused", playbook="postgres-stopped", severity="critical",
               finding="postgres-stopped.not-listening", title=f"127.0.0.1:{s.port}",
               facts=["port-owner"], remedy="start", impact=["app"])
    s.start()
    hook.wait("incident.resolved", "db")


@pytest.mark.scenario("pg-unreachable")
def test_frozen(watch, hook, fault, spare):
    s = spare()
    srv.furnish(s)
    watch(db(s, AGAIN))
    fault.begin()
    s.send(signal.SIGSTOP)
    try:
        fault.read(hook, "db", cause="pg.frozen", finding="pg-frozen.suspended", severity="critical",
                   title=f"127.0.0.1:{s.port}")
    finally:
        s.send(signal.SIGCONT)


@pytest.mark.scenario("pg-unreachable")
def test_a_host_that_does_not_exist(watch, hook, fault):
    fault.begin()
    watch(db("postgresql://root:word@nosuch.invalid/new-api"), up=())
    incident = fault.read(hook, "db", cause="net.dns-nxdomain", severity="critical")
    assert "nosuch.invalid" in incident["title"] + incident["summary"]


@pytest.mark.scenario("pg-starting")
def test_starting(watch, hook, fault, spare):
    """Told as info: it becomes a warning after a minute and critical after five."""
    s = spare("restore_command = 'sleep 20; false'\n", start=False)
    s.as_owner(s.data / "recovery.signal", "")
    s.spawn()
    lab.wait_for("57P03", lambda: lab.probe_once(s.url())["cause"] == "pg.starting")
    fault.begin()
    watch(db(s), up=())
    fault.read(hook, "db", cause="pg.starting", playbook="pg-starting", severity="info",
               title=f"127.0.0.1:{s.port}", evidence=["57P03"], remedy="wait")
    s.stop(signal.SIGQUIT)


@pytest.mark.slow
@pytest.mark.scenario("pg-starting")
def test_starting_for_over_a_minute(watch, hook, fault, spare):
    s = spare("restore_command = 'sleep 200; false'\n", start=False)
    s.as_owner(s.data / "recovery.signal", "")
    s.spawn()
    lab.wait_for("57P03", lambda: lab.probe_once(s.url())["cause"] == "pg.starting")
    fault.begin()
    watch(db(s), up=())
    fault.read(hook, "db", cause="pg.starting", severity="warning", within=90)
    s.stop(signal.SIGQUIT)


@pytest.mark.scenario("pg-starting")
def test_a_standby_that_takes_no_sessions(watch, hook, fault, spare):
    s = spare("hot_standby = off\n", start=False)
    s.as_owner(s.data / "standby.signal", "")
    s.spawn()
    lab.wait_for("57P03", lambda: lab.probe_once(s.url())["cause"] == "pg.not-accepting")
    fault.begin()
    watch(db(s), up=())
    fault.read(hook, "db", cause="pg.not-accepting", finding="pg-starting.hot-standby-off",
               severity="critical", title=f"127.0.0.1:{s.port}", remedy="hot_standby")
    s.stop(signal.SIGQUIT)


# --- logins ---

@pytest.mark.scenario("pg-auth-failed")
def test_password_changed(watch, hook, fault, server):
    watch(db(server, AGAIN))
    fault.begin()
    server.psql("ALTER ROLE app PASSWORD 'other'")
    try:
        fault.read(hook, "db", cause="pg.auth", playbook="pg-auth-failed", severity="critical",
                   title="rejects user app", evidence=["28P01"], remedy="ALTER ROLE app PASSWORD")
        assert "s3cret" not in str(hook.requests)
    finally:
        server.psql("ALTER ROLE app PASSWORD 's3cret'")
    hook.wait("incident.resolved", "db")


@pytest.mark.scenario("pg-auth-failed")
def test_no_password(watch, hook, fault, server):
    fault.begin()
    watch(db(server.url(password=None)), up=())
    fault.read(hook, "db", cause="pg.no-password", finding="pg-auth-failed.no-password",
               severity="critical", title="app", remedy="password")


@pytest.mark.scenario("pg-hba-rejected")
def test_pg_hba(watch, hook, fault, spare):
    s = spare()
    srv.furnish(s)
    watch(db(s, AGAIN))
    fault.begin()
    s.as_owner(s.data / "pg_hba.conf", "local all super trust\n")
    s.psql("SELECT pg_reload_conf()")
    fault.read(hook, "db", cause="pg.hba", playbook="pg-hba-rejected", severity="critical",
               title="app on shop", evidence=["no pg_hba.conf entry"], remedy="pg_reload_conf")


@pytest.mark.scenario("pg-role-nologin")
def test_nologin(watch, hook, fault, server):
    watch(db(server, AGAIN))
    fault.begin()
    server.psql("ALTER ROLE app NOLOGIN")
    try:
        fault.read(hook, "db", cause="pg.nologin", playbook="pg-role-nologin", severity="critical",
                   title="Role app", remedy="LOGIN")
    finally:
        server.psql("ALTER ROLE app LOGIN")


@pytest.mark.scenario("pg-database-missing")
def test_no_database(watch, hook, fault, server):
    fault.begin()
    watch(db(server, user="mon", db="new-api"), up=())
    fault.read(hook, "db", cause="pg.no-db", finding="pg-database-missing.missing",
               severity="critical", title="Database new-api does not exist on 127.0.0.1",
               facts=["pg-server"], evidence=["postgres, shop"],
               remedy='CREATE DATABASE "new-api"')


# --- addresses that are none ---

@pytest.mark.scenario("dsn-invalid")
@pytest.mark.cause("proc.env-dsn")
def test_a_process_with_an_unreadable_address(watch, hook, fault, folder):
    yard = srv_proc.Yard(folder)
    check = "{type: process, name: tp-newapi, env: {SQL_DSN: {dsn: sql}}, interval: 1s, retries: 2}"
    try:
        for good in ("", "local", "postgresql://root:s3cret@db/new-api",
                     "root:s3cret@tcp(db:3306)/new-api?parseTime=true"):
            process = yard.sleep("tp-newapi", env={"PATH": os.environ["PATH"], "SQL_DSN": good})
            last = lab.probe_check(folder, check.replace("dsn: sql", "dsn: sql, present: false"))
            assert last["outcome"] == "ok", (good, last)
            yard.end(process)
            process.wait()
        fault.begin()
        yard.sleep("tp-newapi", env={"PATH": os.environ["PATH"],
                                     "SQL_DSN": "postgres//root:s3cret@db/new-api"})
        lab.read_cause(lab.probe_check(folder, check), "proc.env-dsn")
        watch(f"  app: {check}\n", up=())
        fault.read(hook, "app", cause="proc.env-dsn", playbook="dsn-invalid", severity="critical",
                   title="SQL_DSN of tp-newapi", evidence=["tcp(host:3306)"],
                   remedy="postgresql://user:password@host:5432/database")
        assert "s3cret" not in str(hook.requests)
    finally:
        yard.stop()


@pytest.mark.parametrize("kind, dsn, says", [
    ("postgres", "postgres//root:s3cret@db/new-api", "neither a URL"),
    ("postgres", "root:s3cret@tcp(db:3306)/new-api", "written as a MySQL address"),
    ("postgres", "mysql://root:s3cret@db/new-api", 'wanted "postgresql://"'),
    ("postgres", "postgresql://root:s3cret@db:99999/new-api", "the port"),
    ("postgres", "postgresql://root:s3#cret@db/new-api", "%23"),
    ("postgres", "postgresql://root:s3%zzcret@db/new-api", "%25"),
    ("postgres", '"postgresql://root:s3cret@db/new-api"', "quotes"),
    ("mysql", "postgresql://root:s3cret@db/new-api", "the scheme is not mysql"),
    ("mysql", "root:s3cret@db:3306/new-api", "tcp(host:3306)"),
    ("mysql", "root:s3cret@tcp(db:3306)", "before the database"),
])
def test_settings_with_an_unreadable_address_are_refused(folder, kind, dsn, says):
    config = srv.Path(folder) / "c.yaml"
    config.write_text(f"checks:\n  db: {{type: {kind}, dsn: '{dsn}'}}\n")
    done = lab.triage("check", "-c", config)
    words = done.stdout + done.stderr
    assert done.returncode == 2 and says in words and ":2:" in words and "^" in words, words
    assert "s3cret" not in words.replace(dsn, "")


# --- connections ---

FULL = "max_connections = 8\nsuperuser_reserved_connections = 2\nmax_wal_senders = 0\n"


@pytest.mark.scenario("pg-connections-exhausted")
def test_an_application_holds_all_connections(watch, hook, fault, spare):
    """The kept session says who they are when nobody else can log in."""
    s = spare(FULL)
    srv.furnish(s)
    d = watch(db(s, user="mon"))
    with contextlib.ExitStack() as held:
        fault.begin()
        for _ in range(5):
            held.enter_context(s.session("SET application_name = 'new-api'"))
        fault.read(hook, "db", cause="pg.too-many", severity="critical", facts=["pg-activity"],
                   finding="pg-connections-exhausted.idle-pool", title="5 idle of new-api",
                   evidence=["53300"], remedy="SQL_MAX_OPEN_CONNS")
    hook.wait("incident.resolved", "db")
    assert d.check("db")["state"] == "up"


@pytest.mark.scenario("pg-connections-exhausted")
def test_most_connections_are_taken(watch, hook, fault, spare):
    s = spare(FULL)
    srv.furnish(s)
    watch(db(s, user="mon"), rules="""
rules:  # as built in, but for the 15 s
  connections-high:
    each: postgres
    warning: this.connections_percent >= 80%
    critical: this.connections_percent >= 95%
""")
    with contextlib.ExitStack() as held:
        fault.begin()
        for _ in range(4):
            held.enter_context(s.session("SET application_name = 'new-api'"))
        fault.read(hook, "db", cause="pg-connections-exhausted.idle-pool", severity="warning",
                   title="connections 5/6", evidence=["new-api"], remedy=True)


@pytest.mark.scenario("pg-connections-exhausted")
def test_the_role_has_a_limit_of_its_own(watch, hook, fault, server):
    fault.begin()
    watch(db(server, user="single"), up=())
    fault.read(hook, "db", cause="pg.too-many", finding="pg-connections-exhausted.role-limit",
               severity="critical", title="role single", remedy="CONNECTION LIMIT")


@pytest.mark.scenario("pg-pool-exceeds-server-limit")
def test_a_pool_larger_than_the_server(watch, hook, fault, server):
    fault.begin()
    watch(db(server, KEYS + ", pool: {size: 1000}", user="mon"))
    fault.read(hook, "db", cause="pg-pool-exceeds-server-limit.too-large", severity="warning",
               title="may open 1000 connections", evidence=["allows 17"],
               remedy="SQL_MAX_OPEN_CONNS")


@pytest.mark.scenario("pg-schema-missing")
def test_an_init_script_that_failed(watch, hook, fault, server):
    script = ("CREATE DATABASE game OWNER app", "CREATE TABLE users (id int)",
              "CREATE TABEL pets (id int)", "CREATE TABLE equipment (id int)")
    server.psql(script[0])
    fault.begin()
    for sql in script[1:]:
        if not server.psql(sql, db="game", check=False) and "TABEL" in sql:
            break  # as an init script with ON_ERROR_STOP does
    watch(db(server, KEYS + ", tables: [users, pets, equipment]", db="game"), up=())
    fault.read(hook, "db", cause="pg.no-table", finding="pg-schema-missing.incomplete",
               severity="critical", title="pets, equipment", facts=["pg-server"], remedy="init")


# --- statements ---

@pytest.mark.scenario("pg-slow-query")
def test_a_statement_without_end(watch, hook, fault, server):
    """Its values are nobody's business.  The minute of the built-in rule is made seconds."""
    watch(db(server, user="mon"), rules="""
rules:
  long-query: {each: postgres, warning: this.longest_query_time > 2s}
""")
    with server.session("SET application_name = 'report'", db="shop") as session:
        fault.begin()
        background(session, "SELECT pg_sleep(60), 'token-of-a-user'")
        incident = fault.read(hook, "db", playbook="pg-slow-query", severity="warning",
                              title="of report", facts=["pg-activity"],
                              evidence=["SELECT pg_sleep(?), ?"], remedy="pg_cancel_backend")
        assert incident["cause"]["code"] == "pg-slow-query.long-running"
        assert "token-of-a-user" not in str(hook.requests)
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'report'")


@pytest.mark.scenario("pg-slow-query")
def test_a_statement_in_the_way_of_others(watch, hook, fault, server):
    watch(db(server, user="mon"), rules="""
rules:
  lock-wait: {each: postgres, enabled: false, warning: this.waiting_time > 5s}
  long-query: {each: postgres, critical: this.blocking_query_time > 2s}
""")
    with server.session("BEGIN", "LOCK TABLE users", db="shop") as holder, \
            server.session(db="shop") as waiter:
        fault.begin()
        background(holder, "SELECT pg_sleep(60)")
        background(waiter, "SELECT count(*) FROM users")
        fault.read(hook, "db", cause="pg-slow-query.in-the-way", severity="critical",
                   title="wait for its locks", evidence=["SELECT pg_sleep(?)"],
                   remedy="pg_cancel_backend")
        server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")


@pytest.mark.scenario("pg-lock-wait")
def test_a_queue_for_a_lock(watch, hook, fault, server):
    watch(db(server, user="mon"), rules="""
rules:
  lock-wait: {each: postgres, warning: this.waiting_time > 1s}
""")
    with server.session("SET application_name = 'new-api'", "BEGIN",
                        "UPDATE users SET id = 41 WHERE id = 1", db="shop") as holder, \
            server.session(db="shop") as waiter:
        pids = [server.psql(f"SELECT pid FROM pg_stat_activity WHERE {where}", db="shop") for where in
                ("application_name = 'new-api'",
                 "application_name = 'psql' AND datname = 'shop' AND pid <> pg_backend_pid()")]
        fault.begin()
        background(waiter, "UPDATE users SET id = 42 WHERE id = 1")
        incident = fault.read(
            hook, "db", cause="pg-lock-wait.idle-holder", severity="warning",
            title=f"pid {pids[1]} blocked by {pids[0]}", facts=["pg-blockers"],
            evidence=["UPDATE users SET id = ? WHERE id = ?", f"{pids[1]} waits for {pids[0]}"],
            remedy=f"pg_terminate_backend({pids[0]})")
        assert any(step.get("destructive") for step in incident["remedy"]), incident["remedy"]
        background(holder, "ROLLBACK")
        hook.wait("incident.resolved", "db")


@pytest.mark.scenario("pg-idle-in-transaction")
def test_idle_in_transaction(watch, hook, fault, server):
    """The five minutes of the built-in rule are made one second."""
    watch(db(server, user="mon"), rules="""
rules:
  idle-in-transaction: {each: postgres, warning: this.idle_in_transaction_time > 1s}
""")
    fault.begin()
    with server.session("SET application_name = 'worker'", "BEGIN",
                        "INSERT INTO users VALUES (99)", db="shop"):
        fault.read(hook, "db", cause="pg-idle-in-transaction.left-open", severity="warning",
                   title="of worker", evidence=["INSERT INTO users VALUES (?)"],
                   remedy="idle_in_transaction_session_timeout")


# --- standbys ---

@pytest.fixture
def pair(spare):
    primary = spare()
    primary.psql("SELECT pg_create_physical_replication_slot('standby1', true)")
    standby = spare(start=False)
    srv.run("rm", "-rf", standby.data)
    srv.run(srv.BIN / "pg_basebackup", "-h", primary.folder, "-p", primary.port, "-U", "super", "-D",
            standby.data, "-R", "-X", "stream", "-S", "standby1", "-c", "fast", "--no-sync")
    standby.conf("hot_standby = on\nwal_receiver_status_interval = 1s\n")
    return primary, standby


def is_streaming(server):
    return server.psql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' "
                       "AND replay_lsn IS NOT NULL") == "1"


@pytest.mark.scenario("pg-replica-down")
def test_a_standby_is_stopped(watch, hook, fault, pair):
    primary, standby = pair
    standby.start()
    lab.wait_for("streaming", lambda: is_streaming(primary))
    watch(db(primary.socket_dsn(db="postgres"), KEYS + ", replicas: 1"), rules="""
rules:
  replication-stopped: {each: postgres, critical: this.replicas < this.replicas_wanted}
""")
    fault.begin()
    standby.stop()
    fault.read(hook, "db", cause="pg-replication.standby-gone", severity="critical",
               title="not streaming", facts=["pg-replication"], evidence=["standby1"],
               remedy="pg_stat_replication")


@pytest.mark.scenario("pg-replica-down")
def test_a_standby_is_cut_off(watch, hook, fault, pair):
    primary, standby = pair
    standby.start()
    lab.wait_for("streaming", lambda: is_streaming(primary))
    watch(db(standby.socket_dsn(db="postgres")), rules="""
rules:
  replication-stopped: {each: postgres, critical: "not coalesce(this.replica_running, true)"}
""")
    fault.begin()
    primary.stop()
    fault.read(hook, "db", cause="pg-replication.cut-off", severity="critical",
               title="receives nothing", facts=["pg-replication"], remedy="primary", within=60)


@pytest.mark.scenario("pg-replication-lag")
def test_a_standby_is_delayed(watch, hook, fault, pair):
    """The 30 s of the built-in rule are made two."""
    primary, standby = pair
    standby.conf("recovery_min_apply_delay = '5min'\n")
    standby.start()
    lab.wait_for("streaming", lambda: is_streaming(primary))
    watch(db(standby.socket_dsn(db="postgres")), rules="""
rules:
  replication-lag: {each: postgres, warning: this.replication_lag_time >= 2s}
""")
    fault.begin()
    primary.psql("CREATE TABLE t AS SELECT generate_series(1, 1000)")
    fault.read(hook, "db", cause="pg-replication.delayed-by-setting", severity="warning",
               title="behind", facts=["pg-replication"], evidence=["recovery_min_apply_delay"],
               remedy=True, within=60)


@pytest.mark.scenario("pg-read-only")
def test_the_dsn_leads_to_a_standby(watch, hook, fault, pair):
    standby = pair[1].start()
    fault.begin()
    watch(db(standby.socket_dsn(db="postgres"), KEYS + ", role: primary"), up=())
    fault.read(hook, "db", cause="pg.readonly", finding="pg-read-only.standby", severity="critical",
               title="read-only standby", evidence=["in_hot_standby"],
               remedy="target_session_attrs=read-write")


# --- a full disk ---

@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        srv.give(path)
        os.chmod(path, 0o700)
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@needs_root
@pytest.mark.scenario("pg-disk-full")
def test_no_room_for_files(watch, hook, fault, spare, folder):
    """The disk is the root; what PostgreSQL says of it is its impact."""
    s = spare("work_mem = 64kB\ntemp_tablespaces = 'small'\n")
    with small_disk(s.folder / "small", "1m") as place:
        s.psql(f"CREATE TABLESPACE small LOCATION '{place}'")
        d = watch(f"""  disk: {{type: disk, path: "{place}", {KEYS}}}
  db:
    type: postgres
    dsn: "{s.socket_dsn(db='postgres')}"
    interval: 1s
    timeout: 4s
    retries: 2
    queries:
      sorted: "SELECT count(*) FROM (SELECT g, repeat('x', 100) FROM
        generate_series(1, 20000) g ORDER BY 2, 1) x"
""", up=())
        fault.begin()
        fault.read(hook, "db", cause="pg.disk-full", playbook="pg-disk-full",
                   severity="critical", title=f"PostgreSQL {s.folder}", evidence=["53100"],
                   remedy="df")
        d.stop()
        s.stop(signal.SIGQUIT)


@needs_root
@pytest.mark.scenario("pg-disk-full")
def test_no_room_for_the_log(watch, hook, fault, spare, folder, tmp_path):
    """The whole cluster on a small disk: it crashes over and over, and the disk is the root."""
    os.chmod(folder, 0o755)
    home = srv.Path(folder) / "pg"
    with small_disk(home, "90m"):
        s = spare("max_wal_size = 2GB\nfsync = off\n", folder=home)
        srv.furnish(s)
        s.psql("CREATE TABLE fill (t text)", db="shop")
        d = watch(f'  disk: {{type: disk, path: "{home}", {KEYS}}}\n' + db(s, AGAIN),
                  up=("db", "disk"))
        lab.wait_learned(d, s.data)
        fault.begin()
        s.psql("INSERT INTO fill SELECT repeat(md5(g::text), 30) FROM generate_series(1, 200000) g",
               db="shop", check=False)
        fault.read(hook, "disk", severity="critical", title=str(home), impact=["db"],
                   within=60)
        d.stop()
        s.stop(signal.SIGQUIT)
