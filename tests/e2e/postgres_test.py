"""Real PostgreSQL, broken in every way that has a cause code."""
import contextlib
import os
import signal
import socket
import subprocess
import threading

import pytest
import srv_postgres as srv
import lab


@pytest.fixture(scope="module")
def server():
    s = srv.Postgres().start()
    srv.furnish(s)
    yield s
    s.destroy()


@pytest.fixture(scope="module")
def template(server):
    """A cluster at rest, to be copied."""
    s = srv.Postgres()
    yield s
    s.destroy()


@pytest.fixture
def spare(template):
    """A cluster that a test may break."""
    made = []

    def make(conf="", start=True):
        s = srv.Postgres(template)
        made.append(s)
        if conf:
            s.conf(conf)
        return s.start() if start else s

    yield make
    for s in made:
        s.destroy()


def fails(url, code):
    return lab.read_cause(lab.probe_once(url), code)


def value(sample, name):
    return sample["values"].get(name)


# --- a healthy one ---

def test_statistics_with_the_right(server):
    sample = lab.probe_once(server.url("mon"))
    assert sample["outcome"] == "ok" and not sample["notes"], sample
    assert "PostgreSQL 15" in sample["text"]
    for name in ("connections", "connections_percent", "database_bytes", "xid_used_percent",
                 "login_time", "query_time", "connect_time", "total_time"):
        assert value(sample, name) > 0, (name, sample)
    for name in ("idle_in_transaction", "waiting", "in_recovery", "replicas", "deadlocks_total",
                 "slots_retained_bytes"):
        assert value(sample, name) == 0, (name, sample)
    for name in ("replication_lag_time", "replica_running", "archive_failing"):
        assert value(sample, name) is None, (name, sample)


@pytest.mark.cause("pg.no-grant")
def test_without_pg_monitor_it_is_usable_and_says_the_grant(server):
    sample = lab.probe_once(server.url("app"))
    assert sample["outcome"] == "ok"
    assert 'GRANT pg_monitor TO "app"' in lab.read_note(sample, "pg.no-grant")
    assert value(sample, "usable") == 1 and value(sample, "connections") > 0
    for name in ("waiting", "longest_query_time", "idle_in_transaction", "replicas"):
        assert value(sample, name) is None


@pytest.mark.parametrize("form", ["url", "keywords", "socket", "encoded socket", "drivers"])
def test_every_form_of_address(server, form):
    dsn = {
        "url": server.url().replace("postgresql:", "postgres:"),
        "keywords": f"host=127.0.0.1 port={server.port} user=app password='s3cret' dbname=shop "
                    "sslmode=disable TimeZone=Asia/Shanghai",
        "socket": server.socket_dsn(),
        "encoded socket": f"postgresql://super@{str(server.folder).replace('/', '%2F')}:{server.port}"
                          "/shop",
        "drivers": server.url(more="?sslmode=disable&charset=utf8&TimeZone=Asia/Shanghai"
                              "&pool_max_conns=4&search_path=public"),
    }[form]
    sample = lab.probe_once(dsn)
    assert sample["outcome"] == "ok", sample


@pytest.mark.trap(25)
def test_parameters_that_libpq_refuses_are_no_error(server):
    dsn = server.url(more="?charset=utf8&TimeZone=UTC")
    psql = srv.run(srv.BIN / "psql", dsn, "-c", "select 1", check=False)
    assert psql.returncode != 0 and "invalid URI query parameter" in psql.stderr
    assert lab.probe_once(dsn)["outcome"] == "ok"


def test_the_session_is_harmless(server, folder):
    sample = lab.probe_check(folder, f"""
    type: postgres
    dsn: "{server.url('mon')}"
    queries:
      timeout: "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
      lock: "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"
      read_only: "SELECT current_setting('transaction_read_only')::bool"
      named: "SELECT application_name = 'triaged' FROM pg_stat_activity WHERE pid = pg_backend_pid()"
      check_time: "SELECT setting::int / 1000 FROM pg_settings WHERE name = 'client_connection_check_interval'"
""".replace("\n    ", "\n      "))
    assert sample["outcome"] == "ok" and not sample["notes"], sample
    assert 0 < value(sample, "timeout") < 10000 and 0 < value(sample, "lock") < 10000
    assert value(sample, "read_only") == 1 and value(sample, "named") == 1
    assert value(sample, "check_time") == 1


# --- logins ---

@pytest.mark.cause("pg.auth")
@pytest.mark.trap(3, 23)
def test_wrong_password_and_unknown_user_look_alike(server):
    for user, password in (("mon", "wrong"), ("nosuch", "s3cret")):
        ready = srv.run(srv.BIN / "pg_isready", "-h", "127.0.0.1", "-p", server.port, check=False)
        assert ready.returncode == 0
        sample = fails(server.url(user, password), "pg.auth")
        assert value(sample, "accepting") == 1 and value(sample, "usable") == 0
        assert "28P01" in sample["text"] and password not in str(sample)


@pytest.mark.cause("pg.no-password")
def test_no_password(server):
    fails(server.url("mon", None), "pg.no-password")


@pytest.mark.cause("pg.nologin")
def test_nologin(server):
    assert "28000" in fails(server.url("sleeper"), "pg.nologin")["text"]


@pytest.mark.cause("pg.no-db")
@pytest.mark.trap(3)
def test_no_database(server):
    assert "3D000" in fails(server.url(db="new-api"), "pg.no-db")["text"]


@pytest.mark.cause("pg.hba")
def test_hba(spare):
    s = spare(start=False)
    s.hba("host all app 127.0.0.1/32 reject\n")
    s.as_owner(s.data / "pg_hba.conf", "local all super trust\n")
    s.start()
    assert "no pg_hba.conf entry" in fails(s.url(db="postgres"), "pg.hba")["text"]


@pytest.mark.cause("pg.auth-method")
def test_a_login_that_is_not_spoken(spare):
    s = spare(start=False)
    s.as_owner(s.data / "pg_hba.conf", "local all super trust\nhost all all 127.0.0.1/32 gss\n")
    s.conf("krb_server_keyfile = '/nonexistent'\n")
    s.start()
    fails(s.url(db="postgres"), "pg.auth-method")


@pytest.mark.cause("pg.tls")
def test_tls_asked_of_a_server_without(server):
    fails(server.url(more="?sslmode=require"), "pg.tls")


@pytest.mark.cause("pg.too-many")
@pytest.mark.trap(3)
def test_too_many(spare, server):
    assert "53300" in fails(server.url("single"), "pg.too-many")["text"]
    s = spare("max_connections = 6\nsuperuser_reserved_connections = 2\nmax_wal_senders = 0\n")
    s.psql("CREATE ROLE app LOGIN PASSWORD 's3cret'")
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(s.session(user="super"))
        sample = fails(s.url(db="postgres"), "pg.too-many")
        assert "reserved" in sample["text"]
        ready = srv.run(srv.BIN / "pg_isready", "-h", "127.0.0.1", "-p", s.port, check=False)
        assert ready.returncode == 0 and value(sample, "accepting") == 1
        sample = lab.probe_once(s.socket_dsn(db="postgres"))
        assert value(sample, "connections_percent") >= 100 and "sessions 1" in str(sample)
        held.enter_context(s.session())
        held.enter_context(s.session())
        assert "too many clients" in fails(s.url(db="postgres"), "pg.too-many")["text"]


def test_our_own_slot_hides_nothing(spare, daemon):
    """The kept session would go on answering while everybody else is turned away."""
    s = spare("max_connections = 5\nsuperuser_reserved_connections = 2\nmax_wal_senders = 0\n")
    s.psql("CREATE ROLE app LOGIN PASSWORD 's3cret'")
    d = daemon(f"""
checks:
  db: {{type: postgres, dsn: "{s.url(db='postgres')}", interval: 500ms, retries: 2}}
""").start()
    d.wait_state("db", "up")
    with s.session(user="super"), s.session(user="super"):
        d.wait_state("db", "down")
        assert d.check("db")["cause"] == "pg.too-many"
    d.wait_state("db", "up")


# --- states of the server ---

@pytest.mark.cause("pg.starting")
@pytest.mark.trap(3)
def test_starting(spare):
    s = spare("restore_command = 'sleep 20; false'\n", start=False)
    s.as_owner(s.data / "recovery.signal", "")
    s.spawn()
    sample = lab.wait_for("57P03", lambda: (p := lab.probe_once(s.url(db="postgres")))["cause"] ==
                          "pg.starting" and p)
    lab.read_cause(sample, "pg.starting")
    assert value(sample, "accepting") == 0 and value(sample, "connect_time") > 0
    s.stop(signal.SIGQUIT)


@pytest.mark.cause("pg.shutting-down")
def test_shutting_down(spare):
    s = spare()
    with s.session():
        s.send(signal.SIGTERM)
        fails_at_last(s.url(db="postgres"), "pg.shutting-down")


def fails_at_last(url, code):
    return lab.read_cause(lab.wait_for(code, lambda: (p := lab.probe_once(url))["cause"] == code and p),
                          code)


@pytest.mark.cause("pg.not-accepting")
def test_not_accepting(spare):
    s = spare("hot_standby = off\n", start=False)
    s.as_owner(s.data / "standby.signal", "")
    s.spawn()
    fails_at_last(s.url(db="postgres"), "pg.not-accepting")
    s.stop(signal.SIGQUIT)


@pytest.mark.cause("net.refused")
def test_stopped(spare):
    s = spare(start=False)
    sample = fails(s.url(), "net.refused")
    assert value(sample, "accepting") is None
    fails(s.socket_dsn(), "net.refused")


@pytest.mark.cause("pg.frozen")
def test_frozen(spare, folder):
    s = spare()
    s.send(signal.SIGSTOP)
    sample = lab.read_cause(lab.probe_check(
        folder, f'{{type: postgres, dsn: "{s.url()}", timeout: 1s}}'), "pg.frozen")
    assert value(sample, "connect_time") > 0
    s.send(signal.SIGCONT)


@pytest.mark.cause("net.protocol")
def test_somebody_else_answers():
    with socket.socket() as ssh:
        ssh.bind(("127.0.0.1", 0))
        ssh.listen()

        def greet():
            with ssh.accept()[0] as peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                peer.recv(100)
        threading.Thread(target=greet, daemon=True).start()
        sample = fails(f"postgresql://u:p@127.0.0.1:{ssh.getsockname()[1]}/x", "net.protocol")
        assert "an SSH server" in sample["text"]


@pytest.mark.cause("net.dns-nxdomain")
def test_no_such_name():
    fails("postgresql://u:p@nosuch.invalid/x", "net.dns-nxdomain")


# --- statements ---

@pytest.mark.cause("pg.no-table", "pg.no-grant")
def test_tables(server, folder):
    check = f"{{type: postgres, dsn: \"{server.url('mon')}\", tables: [%s]}}"
    assert lab.probe_check(folder, check % "users")["outcome"] == "ok"
    sample = lab.read_cause(lab.probe_check(folder, check % "users, pets, equipment"), "pg.no-table")
    assert "pets, equipment" in sample["text"]
    sample = lab.probe_check(folder, check % "users, secrets")
    assert sample["outcome"] == "ok"
    assert "secrets" in lab.read_note(sample, "pg.no-grant")


@pytest.mark.cause("pg.query", "pg.no-table", "pg.timeout")
def test_queries(server, folder):
    def probe(*queries, more=""):
        inner = ", ".join(f'q{i}: "{q}"' for i, q in enumerate(queries))
        return lab.probe_check(
            folder, f"{{type: postgres, dsn: \"{server.url('mon')}\", queries: {{{inner}}}{more}}}")
    sample = probe("SELECT count(*) FROM users", "SELECT 1.5; -- done", "SELECT NULL", "SELECT true")
    assert sample["outcome"] == "ok" and not sample["notes"], sample
    assert (value(sample, "q0"), value(sample, "q1"), value(sample, "q3")) == (2, 1.5, 1)
    assert value(sample, "q2") is None
    sample = probe("SELEC 1", "SELECT 2")
    lab.read_note(sample, "pg.query")
    assert value(sample, "q1") == 2
    for bad in ("SELECT 'word'", "INSERT INTO users VALUES (3)", "SELECT repeat('x', 10000000)"):
        lab.read_note(probe(bad), "pg.query")
    assert server.psql("SELECT count(*) FROM users", db="shop") == "2"
    lab.read_cause(probe("SELECT 1 FROM nosuch"), "pg.no-table")
    sample = lab.read_cause(probe("SELECT pg_sleep(20)", more=", timeout: 1s"), "pg.timeout")
    assert "57014" in sample["text"]
    lab.wait_for("the query to end", lambda: server.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'triaged'") == "0")


def test_lock_wait_names_who_holds_it(server):
    with server.session("BEGIN", "UPDATE users SET id = 7 WHERE id = 1", db="shop"):
        with server.session(db="shop") as waiter:
            waiter.stdin.write("UPDATE users SET id = 8 WHERE id = 1;\n")
            waiter.stdin.flush()
            lab.wait_for("a waiting session", lambda: server.psql(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1")
            sample = lab.probe_once(server.url("mon"))
            assert value(sample, "waiting") == 1 and value(sample, "idle_in_transaction") == 1
            assert value(sample, "longest_query_time") >= 0
            facts = str(sample["facts"])
            assert "waits" in facts and "UPDATE users SET id = ? WHERE id = ?" in facts, facts


@pytest.mark.cause("pg.disk-full")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")
def test_disk_full(spare, folder):
    s = spare("work_mem = 64kB\ntemp_tablespaces = 'small'\n")
    place = s.folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
    try:
        srv.give(place)
        os.chmod(place, 0o700)
        s.psql(f"CREATE TABLESPACE small LOCATION '{place}'")
        sample = lab.probe_check(folder, f"""{{type: postgres, dsn: "{s.socket_dsn(db="postgres")}",
          queries: {{sorted: "SELECT count(*) FROM (SELECT g, repeat('x', 100) FROM
          generate_series(1, 200000) g ORDER BY 2, 1) x"}}}}""")
        assert "53100" in lab.read_cause(sample, "pg.disk-full")["text"]
    finally:
        s.stop(signal.SIGQUIT)
        subprocess.run(["umount", place], check=True)


@pytest.mark.cause("pg.no-stats")
def test_a_server_that_lacks_statistics_is_usable(spare):
    s = spare()
    change = "SET allow_system_table_mods = on; ALTER %s RENAME TO gone"
    s.psql(change % "FUNCTION pg_catalog.pg_database_size(name)")
    sample = lab.probe_once(s.socket_dsn(db="postgres"))
    assert sample["outcome"] == "ok" and value(sample, "connections") > 0
    assert "pg_database_size" in lab.read_note(sample, "pg.no-stats")
    s.psql(change % "VIEW pg_catalog.pg_stat_wal_receiver")
    sample = lab.probe_once(s.socket_dsn(db="postgres"))
    assert sample["outcome"] == "ok" and value(sample, "usable") == 1
    assert value(sample, "connections") is None
    lab.read_note(sample, "pg.no-stats")


# --- standbys ---

@pytest.fixture(scope="module")
def pair(template):
    primary = srv.Postgres(template).start()
    primary.psql("SELECT pg_create_physical_replication_slot('dead', true)")
    standby = srv.Postgres(folder=None, template=template)
    srv.run("rm", "-rf", standby.data)
    srv.run(srv.BIN / "pg_basebackup", "-h", primary.folder, "-p", primary.port, "-U", "super", "-D",
            standby.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
    standby.conf("hot_standby = on\n")
    standby.start()
    yield primary, standby
    standby.destroy()
    primary.destroy()


@pytest.mark.cause("pg.readonly", "pg.not-replica")
def test_roles(pair, folder):
    primary, standby = pair
    check = '{type: postgres, dsn: "%s", role: %s}'
    dsn = {s: s.socket_dsn(db="postgres") for s in pair}
    assert lab.probe_check(folder, check % (dsn[standby], "replica"))["outcome"] == "ok"
    assert lab.probe_check(folder, check % (dsn[primary], "primary"))["outcome"] == "ok"
    sample = lab.read_cause(lab.probe_check(folder, check % (dsn[standby], "primary")), "pg.readonly")
    assert value(sample, "in_recovery") == 1
    lab.read_cause(lab.probe_check(folder, check % (dsn[primary], "replica")), "pg.not-replica")
    primary.psql("ALTER DATABASE postgres SET default_transaction_read_only = on")
    sample = lab.probe_check(folder, check % (dsn[primary], "primary"))
    assert "read_only" in lab.read_cause(sample, "pg.readonly")["text"]
    primary.psql("ALTER DATABASE postgres RESET default_transaction_read_only", db="template1")


def test_replication_is_measured(pair):
    primary, standby = pair

    def replicas(count):
        sample = lab.probe_once(primary.socket_dsn(db="postgres"))
        return value(sample, "replicas") == count and sample
    sample = lab.wait_for("a replica", lambda: replicas(1))
    assert value(sample, "replication_lag_time") is not None
    assert value(sample, "replication_lag_bytes") is not None
    assert value(sample, "slots_retained_bytes") > 0 and value(sample, "slots_inactive") == 1
    sample = lab.probe_once(standby.socket_dsn(db="postgres"))
    assert value(sample, "replica_running") == 1 and value(sample, "in_recovery") == 1
    assert value(sample, "replication_lag_bytes") is not None
    standby.psql("SELECT pg_wal_replay_pause()")
    primary.psql("CREATE TABLE t AS SELECT generate_series(1, 10000)")
    lab.wait_for("lag on the primary",
                 lambda: value(lab.probe_once(primary.socket_dsn(db="postgres")),
                               "replication_lag_bytes") > 100000)
    lab.wait_for("lag on the standby",
                 lambda: value(lab.probe_once(standby.socket_dsn(db="postgres")),
                               "replication_lag_bytes") > 100000)
    standby.psql("SELECT pg_wal_replay_resume()")


def test_several_hosts(pair):
    primary, standby = pair
    user = "super"
    hosts = f"127.0.0.1:{standby.port},127.0.0.1:{primary.port}"
    sample = lab.probe_once(f"postgresql://{user}@{hosts}/postgres")
    assert value(sample, "in_recovery") == 1
    sample = lab.probe_once(f"postgresql://{user}@{hosts}/postgres?target_session_attrs=read-write")
    assert value(sample, "in_recovery") == 0
    sample = lab.probe_once(f"postgresql://{user}@127.0.0.1:1,{hosts}/postgres")
    assert sample["outcome"] == "ok" and value(sample, "in_recovery") == 1


# --- TLS ---

@pytest.fixture(scope="module")
def secure(template):
    s = srv.Postgres(template)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    s.data / "server.key", "-out", s.data / "server.crt"], check=True,
                   capture_output=True)
    for name in ("server.key", "server.crt"):
        srv.give(s.data / name)
        os.chmod(s.data / name, 0o600)
    subprocess.run(["cp", s.data / "server.crt", s.folder / "ca.pem"], check=True)
    os.chmod(s.folder / "ca.pem", 0o644)
    s.conf("ssl = on\n")
    s.hba("hostssl all app 127.0.0.1/32 scram-sha-256\nhost all app 127.0.0.1/32 reject\n")
    s.start()
    s.psql("CREATE ROLE app LOGIN PASSWORD 's3cret'")
    yield s
    s.destroy()


@pytest.mark.cause("net.tls-verify", "pg.hba")
def test_tls(secure):
    ca = f"&sslrootcert={secure.folder}/ca.pem"
    for mode in ("prefer", "require", "allow"):
        sample = lab.probe_once(secure.url(db="postgres", more=f"?sslmode={mode}"))
        assert sample["outcome"] == "ok" and "not verified" in str(sample["facts"]), sample
        assert value(sample, "tls_time") > 0
    url = secure.url(db="postgres", host="localhost", more="?sslmode=verify-full" + ca)
    sample = lab.probe_once(url)
    assert sample["outcome"] == "ok" and "not verified" not in str(sample["facts"]), sample
    fails(secure.url(db="postgres", more="?sslmode=verify-full" + ca), "net.tls-verify")
    assert lab.probe_once(secure.url(db="postgres", more="?sslmode=verify-ca" + ca))["outcome"] == "ok"
    fails(secure.url(db="postgres", host="localhost", more="?sslmode=verify-full"), "net.tls-verify")
    assert "pg_hba.conf" in fails(secure.url(db="postgres", more="?sslmode=disable"), "pg.hba")["text"]
    sample = lab.probe_once(secure.url(db="postgres", more="?sslmode=verify-ca&sslrootcert=/nosuch"))
    assert sample["outcome"] == "error", sample


# --- a pooler between ---

@pytest.fixture
def bouncer(server):
    b = srv.Bouncer(server)
    yield b
    b.destroy()


def test_behind_a_pooler_nothing_is_left_behind(bouncer, daemon, folder):
    sample = lab.probe_check(folder, f"""{{type: postgres, dsn: "{bouncer.url()}", tables: [users],
      queries: {{here: "SELECT current_setting('transaction_read_only')::bool"}}}}""")
    assert sample["outcome"] == "ok" and not sample["notes"], sample
    assert value(sample, "connections") > 0 and value(sample, "here") == 1
    d = daemon(f"""
checks:
  pooled: {{type: postgres, dsn: "{bouncer.url()}", interval: 1s}}
""").start()
    d.wait_state("pooled", "up")
    asked = d.check("pooled")["last"]["at"]
    lab.wait_for("another run", lambda: d.check("pooled")["last"]["at"] != asked)
    left = srv.run(srv.BIN / "psql", "-X", "-qAt", bouncer.url(), "-c",
                   "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
                   " current_setting('default_transaction_read_only'),"
                   " (SELECT count(*) FROM pg_prepared_statements)").stdout.strip()
    assert left == "0|0|off|0"
    srv.run(srv.BIN / "psql", "-X", "-q", bouncer.url(), "-c", "INSERT INTO users VALUES (9)")


@pytest.mark.cause("pg.no-db", "pg.error")
def test_a_pooler_has_words_of_its_own(bouncer, server):
    assert "08P01" in fails(bouncer.url("nosuch"), "pg.no-db")["text"]
    server.psql("ALTER DATABASE shop ALLOW_CONNECTIONS false")
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'")
    try:
        lab.read_cause(lab.probe_once(bouncer.url()), "pg.error")
        fails(server.url("mon"), "pg.not-accepting")
    finally:
        server.psql("ALTER DATABASE shop ALLOW_CONNECTIONS true")


# --- the daemon ---

def sessions(server):
    return int(server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'triaged'"))


def logins(server):
    return server.log.read_text().count("connection authorized: user=mon")


@pytest.mark.cause("pg.admin-kill")
def test_one_connection_is_kept_and_proven_anew(daemon, server, folder):
    server.psql("ALTER SYSTEM SET log_connections = on")
    server.psql("SELECT pg_reload_conf()")
    d = daemon(f"""
checks:
  kept: {{type: postgres, dsn: "{server.url('mon')}", interval: 1s}}
""").start()
    d.wait_state("kept", "up")
    runs = d.check("kept")["last"]["at"]
    lab.wait_for("two more runs", lambda: d.check("kept")["last"]["at"] > runs)
    before = logins(server)
    assert sessions(server) == 1
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'triaged'")

    def noted():
        last = d.check("kept")["last"]
        return last["outcome"] == "ok" and any(n["cause"] == "pg.admin-kill" for n in last["notes"]) \
            and last
    lab.read_note(lab.wait_for("the note", noted), "pg.admin-kill")
    assert sessions(server) == 1 and logins(server) == before + 1
    assert d.check("kept")["state"] == "up"
    d.stop()
    lab.wait_for("no session left", lambda: sessions(server) == 0)


def test_login_at_each_run_when_asked(daemon, server):
    before = logins(server)
    d = daemon(f"""
checks:
  fresh: {{type: postgres, dsn: "{server.url('mon')}", interval: 1s, reconnect_interval: 0s}}
""").start()
    d.wait_state("fresh", "up")
    lab.wait_for("three logins", lambda: logins(server) >= before + 3)
    assert sessions(server) <= 1


@pytest.mark.cause("pg.crashed")
def test_a_crash_is_noted(daemon, spare):
    s = spare()
    d = daemon(f"""
checks:
  db: {{type: postgres, dsn: "{s.socket_dsn(db='postgres')}", interval: 1s}}
""").start()
    d.wait_state("db", "up")
    with s.session("SELECT 1") as other:
        pid = s.psql("SELECT pid FROM pg_stat_activity WHERE application_name = 'psql' "
                     "AND pid <> pg_backend_pid()")
        os.kill(int(pid), signal.SIGKILL)

        def noted():
            last = d.check("db")["last"]
            return last and any(n["cause"] == "pg.crashed" for n in last["notes"]) and last
        lab.read_note(lab.wait_for("the note", noted), "pg.crashed")
        other.kill()


def test_a_stuck_server_stalls_nobody(daemon, web, spare):
    """Eight logins that never end hold no thread and no loop: another login works beside them."""
    s = spare()
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        port = mute.getsockname()[1]
        stuck = "".join(f'  s{i}: {{type: postgres, interval: 1s, timeout: 900ms, '
                        f'dsn: "postgresql://u:p@127.0.0.1:{port}/x"}}\n' for i in range(8))
        d = daemon(f'checks:\n{stuck}  good: {{type: postgres, interval: 1s, '
                   f'dsn: "{s.socket_dsn(db="postgres")}"}}\n').start()
        d.wait_state("good", "up")
        lab.wait_for("pg.frozen", lambda: d.check("s7")["cause"] == "pg.frozen")
