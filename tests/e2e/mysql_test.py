"""mysql against a real MariaDB, broken in each way that it can be, and against a stub of MySQL."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

import lab
import stub_mysql
from srv_mysql import PASSWORD, MariaDB, furnish, make_keys

PLAIN = "--log-bin=bin", "--server-id=1", "--max-connections=40"


@pytest.fixture(scope="module")
def db():
    server = MariaDB(*PLAIN).start()
    furnish(server)
    yield server
    server.destroy()


@pytest.fixture
def stub():
    made = []

    def make(**kwargs):
        made.append(stub_mysql.MySQL(**kwargs))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        shutil.rmtree(one.folder, ignore_errors=True)


def values(sample):
    return sample["values"]


def check(folder, url, more=""):
    return lab.probe_check(folder, f"{{type: mysql, dsn: \"{url}\"{more}}}")


# --- it answers ---

def test_all_metrics(db):
    sample = lab.probe_once(db.url("mon"))
    assert sample["outcome"] == "ok" and sample["exit"] == 0, sample
    assert {"threads_connected", "connections_percent", "threads_running", "longest_query_time",
            "slow_queries_total", "aborted_connects_total", "row_lock_waits", "read_only",
            "binlog_bytes", "lock_waits", "login_time", "connect_time",
            "up_time"} <= set(values(sample)), sample
    assert "replica_running" not in values(sample) and values(sample)["read_only"] == 0
    assert not sample["notes"], sample


@pytest.mark.parametrize("form", ["go", "unix", "mariadb"])
def test_forms_of_the_dsn(db, form):
    text = {"go": f"mon:{PASSWORD}@tcp(127.0.0.1:{db.port})/shop?parseTime=true",
            "unix": f"root@unix({db.socket})/shop",
            "mariadb": db.url("mon").replace("mysql://", "mariadb://")}[form]
    sample = lab.probe_once(text)
    assert sample["outcome"] == "ok", sample
    assert PASSWORD not in str(sample)


def test_parameters_that_go_programs_need(db):
    sample = lab.probe_once(f"mon:{PASSWORD}@tcp(127.0.0.1:{db.port})/shop")
    assert any("parseTime" in f["text"] for f in sample["facts"] if f["name"] == "dsn"), sample
    sample = lab.probe_once(db.url("mon", more="?charset=latin1"))
    assert any("utf8mb4" in f["text"] for f in sample["facts"] if f["name"] == "dsn"), sample


def test_harmless(db):
    """The session is read-only, limited and has a name; nothing is left behind."""
    lab.probe_once(db.url("mon"))
    seen = check(tempfile.gettempdir(), db.url("mon"),
                 ", queries: {a: 'SELECT @@tx_read_only', b: 'SELECT @@max_statement_time',"
                 " c: 'SELECT @@lock_wait_timeout', d: 'SELECT @@autocommit'}")
    assert values(seen)["a"] == 1 and 0 < values(seen)["b"] <= 11, seen
    assert 0 < values(seen)["c"] <= 11 and values(seen)["d"] == 1
    lab.wait_for("the end of ours", lambda: db.sql(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user='mon'") == "0")


def test_queries(db, folder):
    sample = check(folder, db.url("mon"),
                   ", queries: {rows: 'SELECT COUNT(*) FROM users', oldest_age: 'SELECT 90.5',"
                   " none: 'SELECT NULL'}, tables: [users, shop.secrets]")
    assert sample["outcome"] == "ok" and values(sample)["rows"] == 2, sample
    assert values(sample)["oldest_age"] == 90.5 and "none" not in values(sample)


@pytest.mark.cause("my.query")
def test_query_fails(db, folder):
    sample = check(folder, db.url("mon"), ", queries: {bad: 'SELEKT 1'}")
    assert "1064" in lab.read_cause(sample, "my.query")["text"]
    assert values(sample)["threads_connected"] >= 1
    sample = check(folder, db.url("mon"), ", queries: {word: \"SELECT 'many'\"}")
    lab.read_cause(sample, "my.query")
    sample = check(folder, db.url("mon"), ", timeout: 1s, queries: {long: 'SELECT SLEEP(30)'}")
    assert sample["outcome"] == "fail"


def test_writes_are_refused_by_our_own_session(db, folder):
    sample = check(folder, db.url("app"), ", queries: {w: 'INSERT INTO users VALUES (9)'}")
    assert sample["outcome"] == "fail" and "1792" in sample["text"], sample
    assert db.sql("SELECT COUNT(*) FROM shop.users") == "2"


@pytest.mark.cause("my.no-table")
def test_table_missing(db, folder):
    sample = check(folder, db.url("mon"), ", tables: [users, pets]")
    assert "pets" in lab.read_cause(sample, "my.no-table")["text"]


# --- logins ---

@pytest.mark.cause("my.auth")
def test_wrong_password(db):
    sample = lab.read_cause(lab.probe_once(db.url("app", "wrong-one")), "my.auth")
    assert "'app'@" in sample["text"] and "using password: YES" in sample["text"]
    assert "wrong-one" not in str(sample)
    lab.read_cause(lab.probe_once(db.url("app", "")), "my.auth")
    lab.read_cause(lab.probe_once(db.url("nobody")), "my.auth")


@pytest.mark.cause("my.auth")
def test_locked_account(db):
    db.sql("ALTER USER app@'%' ACCOUNT LOCK")
    try:
        lab.read_cause(lab.probe_once(db.url("app")), "my.auth")
    finally:
        db.sql("ALTER USER app@'%' ACCOUNT UNLOCK")


@pytest.mark.trap(28)
@pytest.mark.cause("my.no-db")
def test_database_missing(db):
    """1044 for who may not know, 1049 for who may: the same thing to fix."""
    assert "1044" in lab.read_cause(lab.probe_once(db.url("app", db="nix")), "my.no-db")["text"]
    root = lab.probe_once(f"root@unix({db.socket})/nix")
    assert "1049" in lab.read_cause(root, "my.no-db")["text"]


@pytest.mark.cause("my.host")
def test_host_not_allowed():
    """MariaDB sends 1130 instead of its greeting when no account fits the host."""
    server = MariaDB().start()
    try:
        server.sql("DELETE FROM mysql.global_priv WHERE Host NOT IN ('localhost')",
                   "FLUSH PRIVILEGES")
        lab.read_cause(lab.probe_once(server.url("app")), "my.host")
    finally:
        server.destroy()


@pytest.mark.cause("my.user-limit")
def test_user_limit(db):
    with hold(db, "single", 1):
        sample = lab.read_cause(lab.probe_once(db.url("single")), "my.user-limit")
        assert "1226" in sample["text"]


@pytest.mark.cause("my.auth-plugin")
def test_plugin_that_is_not_ours(db):
    db.sql("INSTALL SONAME 'auth_ed25519'",
           f"CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')")
    before = len(db.log.read_text())
    sample = lab.read_cause(lab.probe_once(db.url("ed", db="")), "my.auth-plugin")
    assert "client_ed25519" in sample["text"]
    # a wrong password to the server, not a broken handshake: those add up to "blocked"
    said = db.log.read_text()[before:]
    assert "Access denied for user 'ed'" in said and "Aborted" not in said, said


@contextlib.contextmanager
def hold(db, user, count):
    """Clients that are connected and do nothing."""
    with contextlib.ExitStack() as stack:
        argv = ["mariadb", "--no-defaults", f"-u{user}", f"-p{PASSWORD}", "-h127.0.0.1",
                f"-P{db.port}", "-N", "-B", "-n"]
        for _ in range(count):
            p = stack.enter_context(subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True))
            stack.callback(p.kill)
            p.stdin.write("SELECT 'here';\n")
            p.stdin.flush()
            assert p.stdout.readline().strip() == "here"
        yield


# --- full, stopped, silent ---

@pytest.fixture(scope="module")
def small():
    """Few connections, TLS for who wants it."""
    keys = tempfile.mkdtemp(prefix="my-keys-")
    cert, key = make_keys(keys)
    server = MariaDB("--max-connections=10", f"--ssl-cert={cert}", f"--ssl-key={key}")
    os.chmod(keys, 0o755)
    server.cert = cert
    server.start()
    furnish(server)
    yield server
    server.destroy()
    shutil.rmtree(keys, ignore_errors=True)


@pytest.mark.trap(27)
@pytest.mark.cause("my.too-many")
def test_full(small):
    """1040 after the login packet; the server's own counter of it stays 0, ours says it."""
    with hold(small, "app", 10):
        sample = lab.read_cause(lab.probe_once(small.url("mon")), "my.too-many")
        assert "1040" in sample["text"]


@pytest.mark.trap(27)
@pytest.mark.cause("my.too-many")
def test_never_blind(small, daemon):
    """The kept connection goes on measuring while new logins are refused, and is the only one."""
    d = daemon(f"""
checks:
  db: {{type: mysql, dsn: "{small.url('mon')}", interval: 1s, retries: 1}}
""").start()
    d.wait_state("db", "up")
    with hold(small, "app", 9):
        lab.wait_for("the refusal", lambda: d.check("db")["cause"] == "my.too-many")
        lab.read_cause(d.check("db")["last"], "my.too-many")
        for _ in range(2):
            last = d.check("db")["last"]
            assert last["values"]["connections_percent"] == 100, last
            assert last["values"]["threads_connected"] == 10
            lab.wait_for("another run", lambda: d.check("db")["last"] != last)
    d.wait_state("db", "up")


def test_one_connection_is_kept_and_proven_anew(db, daemon):
    d = daemon(f"""
checks:
  db: {{type: mysql, dsn: "{db.url('mon')}", interval: 1s, reconnect_interval: 2s}}
""").start()
    ids = set()

    def look():
        rows = db.sql("SELECT id FROM information_schema.processlist WHERE user='mon'").split()
        assert len(rows) <= 1, rows
        ids.update(rows)
        return len(ids) > 1
    d.wait_state("db", "up")
    lab.wait_for("another login", look, 20)


def test_kept_connection_survives_a_restart_of_the_server(daemon):
    server = MariaDB().start()
    try:
        furnish(server)
        d = daemon(f"""
checks:
  db: {{type: mysql, dsn: "{server.url('mon')}", interval: 1s, retries: 100}}
""").start()
        d.wait_state("db", "up")
        server.sql("KILL USER mon")
        lab.wait_for("a new connection", lambda: server.sql(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE user='mon'") == "1")
        assert d.check("db")["last"]["outcome"] == "ok"
    finally:
        server.destroy()


@pytest.mark.trap(24)
@pytest.mark.cause("net.refused", "net.noreply")
def test_refused_and_frozen(folder):
    server = MariaDB().start()
    try:
        furnish(server)
        server.send(signal.SIGSTOP)
        sample = check(folder, server.url("mon"), ", timeout: 1s")
        assert "greeting" in lab.read_cause(sample, "net.noreply")["text"]
    finally:
        server.destroy()
    lab.read_cause(check(folder, server.url("mon")), "net.refused")


@pytest.mark.cause("net.protocol")
def test_somebody_else(web, folder):
    with socket.create_server(("127.0.0.1", 0)) as s:
        def greet():
            with contextlib.suppress(OSError):
                c, _ = s.accept()
                c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                c.recv(100)
        threading.Thread(target=greet, daemon=True).start()
        sample = check(folder, f"mysql://a:b@127.0.0.1:{s.getsockname()[1]}/x")
    assert "SSH" in lab.read_cause(sample, "net.protocol")["text"]


# --- TLS ---

@pytest.mark.cause("my.tls", "net.tls-verify")
def test_tls(small, db, folder):
    sample = check(folder, small.url("mon", more="?ssl-mode=required"))
    assert sample["outcome"] == "ok" and values(sample)["tls_time"] > 0, sample
    assert any("not verified" in f["text"] for f in sample["facts"]), sample
    sample = check(folder, small.url("mon", more="?tls=true"), f", ca: {small.cert}")
    assert sample["outcome"] == "ok", sample
    assert not any("not verified" in f["text"] for f in sample["facts"]), sample
    lab.read_cause(check(folder, small.url("mon", more="?tls=true")), "net.tls-verify")
    lab.read_cause(check(folder, db.url("mon", more="?tls=skip-verify")), "my.tls")
    assert check(folder, db.url("mon", more="?tls=preferred"))["outcome"] == "ok"


@pytest.mark.cause("net.tls-verify")
def test_verify_ca_takes_any_host(stub, folder):
    server = stub(is_tls=True, names="DNS:db.example")
    ca = f", ca: {server.cert}"
    lab.read_cause(check(folder, server.url(more="?ssl-mode=verify-identity"), ca), "net.tls-verify")
    assert check(folder, server.url(more="?ssl-mode=verify-ca"), ca)["outcome"] == "ok"
    lab.read_cause(check(folder, server.url(more="?ssl-mode=verify-ca")), "net.tls-verify")


@pytest.mark.cause("my.auth", "my.tls")
def test_server_requires_tls(small, stub, folder):
    """MariaDB denies the login as if the password were wrong, MySQL says why."""
    small.sql("SET GLOBAL require_secure_transport = ON")
    try:
        sample = lab.read_cause(check(folder, small.url("mon")), "my.auth")
        assert "came without" in sample["text"]
        assert check(folder, small.url("mon", more="?tls=skip-verify"))["outcome"] == "ok"
    finally:
        small.sql("SET GLOBAL require_secure_transport = OFF")
    server = stub(refusal=(3159, "Connections using insecure transport are prohibited while "
                                 "--require_secure_transport=ON."))
    lab.read_cause(check(folder, server.url()), "my.tls")


def test_account_requires_tls(small, folder):
    small.sql("ALTER USER app@'%' REQUIRE SSL")
    try:
        assert "came without" in check(folder, small.url("app"))["text"]
    finally:
        small.sql("ALTER USER app@'%' REQUIRE NONE")


# --- rights ---

@pytest.mark.cause("my.no-grant")
def test_missing_rights_are_named(db):
    sample = lab.probe_once(db.url("app"))
    assert sample["outcome"] == "ok", sample
    note = lab.read_note(sample, "my.no-grant")
    assert "GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR ON *.* TO `app`@`%`" in note
    assert "longest_query_time" not in values(sample) and "replica_running" not in values(sample)
    assert "threads_connected" in values(sample)


@pytest.mark.cause("my.no-grant")
def test_table_not_ours_is_no_failure(db, folder):
    sample = check(folder, db.url("app"), ", tables: [secrets]")
    assert sample["outcome"] == "ok" and lab.read_note(sample, "my.no-grant")


# --- what hurts inside ---

def test_slow_and_waiting(db):
    with db.session("BEGIN; SELECT * FROM shop.users WHERE id=1 FOR UPDATE") as holder, \
            db.session() as waiter, db.session() as ddl, db.session() as slow:
        del holder
        db.say(slow, "SELECT SLEEP(40), 'private text', 4711")
        db.say(waiter, "SET innodb_lock_wait_timeout=60; UPDATE shop.users SET id=1 WHERE id=1")
        # Behind the table change it would wait for that instead of the row.
        lab.wait_for("the row's lock",
                     lambda: values(lab.probe_once(db.url("mon"))).get("row_lock_waits") == 1)
        db.say(ddl, "SET lock_wait_timeout=60; ALTER TABLE shop.users ADD COLUMN x int")
        sample = lab.wait_for("an old statement", lambda: (
            s := lab.probe_once(db.url("mon"))) and values(s)["longest_query_time"] >= 5 and
            values(s).get("lock_wait_time", 0) >= 1 and s)
        assert values(sample)["row_lock_waits"] == 1 and values(sample)["lock_waits"] == 1
        assert values(sample)["longest_transaction_time"] >= 5
        told = next(f["text"] for f in sample["facts"] if f["name"] == "statements")
        assert "SLEEP(?)" in told and "private" not in told and "4711" not in told, told


def test_ages_in_whatever_zone():
    """InnoDB tells times of the host's zone, NOW() is of the session's."""
    for zone in "+08:00", "-03:00":
        server = MariaDB(f"--default-time-zone={zone}").start()
        try:
            furnish(server)
            with server.session("BEGIN; SELECT * FROM shop.users FOR UPDATE"):
                sample = lab.wait_for("an old transaction", lambda server=server: (
                    s := lab.probe_once(server.url("mon"))) and
                    values(s)["longest_transaction_time"] >= 1 and s)
                assert values(sample)["longest_transaction_time"] < 300, sample
        finally:
            server.destroy()


@pytest.mark.cause("my.readonly")
def test_read_only(db, folder):
    db.sql("SET GLOBAL read_only = 1")
    try:
        sample = check(folder, db.url("mon"))
        assert sample["outcome"] == "ok" and values(sample)["read_only"] == 1
        lab.read_cause(check(folder, db.url("mon"), ", role: primary"), "my.readonly")
    finally:
        db.sql("SET GLOBAL read_only = 0")
    assert check(folder, db.url("mon"), ", role: primary")["outcome"] == "ok"


@pytest.mark.cause("my.not-replica")
def test_not_a_replica(db, folder):
    lab.read_cause(check(folder, db.url("mon"), ", role: replica"), "my.not-replica")


def can_mount():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs root and a mount namespace")
@pytest.mark.cause("my.disk-full")
def test_disk_full(folder):
    """A query whose temporary table finds no space: tmpdir is a full tmpfs."""
    server = MariaDB()
    small = server.folder / "t"
    small.mkdir()
    server.wrapper = ["unshare", "-m", "sh", "-c",
                      f"mount -t tmpfs -o size=256k,mode=1777 tmpfs {small} && exec \"$@\"", "sh"]
    server.start(f"--tmpdir={small}", "--tmp-memory-table-size=16K", "--max-heap-table-size=16K")
    try:
        furnish(server)
        sample = check(folder, server.url("mon"),
                       ", timeout: 20s, queries: {big: 'SELECT COUNT(*) FROM (SELECT DISTINCT seq, "
                       "REPEAT(seq, 40) r FROM seq_1_to_60000) d'}")
        lab.read_cause(sample, "my.disk-full")
    finally:
        server.destroy()


@pytest.mark.cause("my.disk-full")
def test_disk_full_in_words(stub, folder):
    server = stub(answers=[("SELECT COUNT", (1114, "The table 'orders' is full"))])
    sample = check(folder, server.url(), ", queries: {orders: 'SELECT COUNT(*) FROM orders'}")
    lab.read_cause(sample, "my.disk-full")
    server = stub(answers=[("SELECT COUNT", (3, "Error writing file '/tmp/MLd' (Errcode: 28 "
                                                "\"No space left on device\")"))])
    sample = check(folder, server.url(), ", queries: {orders: 'SELECT COUNT(*) FROM orders'}")
    lab.read_cause(sample, "my.disk-full")


@pytest.mark.trap(19)
def test_replication(db, folder):
    """MariaDB has the old column names under any statement; a wanted delay is no lag."""
    db.sql("CREATE USER IF NOT EXISTS repl@'%' IDENTIFIED BY 'repl-secret'",
           "GRANT REPLICATION SLAVE ON *.* TO repl@'%'")
    replica = MariaDB("--server-id=2").start()
    try:
        furnish(replica)
        file, position = db.sql("SHOW MASTER STATUS").split("\t")[:2]
        replica.sql(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={db.port}, "
                    f"MASTER_USER='repl', MASTER_PASSWORD='repl-secret', MASTER_LOG_FILE='{file}', "
                    f"MASTER_LOG_POS={position}", "START SLAVE")

        def until(test):
            return lab.wait_for("the replica", lambda: (
                s := check(folder, replica.url("mon"), ", role: replica")) and test(values(s)) and s)
        sample = until(lambda v: v.get("replica_running") == 1 and "replica_lag_time" in v)
        assert values(sample)["replica_lag_time"] == 0
        replica.sql("STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY=300", "START SLAVE")
        db.sql("INSERT INTO shop.secrets VALUES (7)")
        sample = until(lambda v: v.get("replica_running") == 1 and "replica_lag_time" in v)
        assert values(sample)["replica_lag_time"] == 0
        replica.sql("STOP SLAVE", "CHANGE MASTER TO MASTER_PASSWORD='nonsense'", "START SLAVE")
        sample = until(lambda v: v.get("replica_running") == 0)
        assert "replica_lag_time" not in values(sample)
        told = lab.wait_for("the reason", lambda: next(
            (f["text"] for f in check(folder, replica.url("mon"))["facts"]
             if f["name"] == "replica" and "denied" in f["text"]), None))
        assert "repl-secret" not in told
    finally:
        replica.destroy()


@pytest.mark.cause("net.eof")
def test_killed_while_asked(db, folder):
    """MariaDB closes a killed connection without a word: which statement it was is said."""
    done = {}

    def run():
        done["sample"] = check(folder, db.url("mon"), ", queries: {s: 'SELECT SLEEP(20)'}")
    thread = threading.Thread(target=run)
    thread.start()
    found = lab.wait_for("our statement", lambda: db.sql(
        "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(20)%'"))
    db.sql(f"KILL {found}")
    thread.join()
    assert "SELECT SLEEP(20)" in lab.read_cause(done["sample"], "net.eof")["text"]


# --- MySQL, by a stub ---

def test_caching_sha2(stub, folder):
    server = stub()
    for flow in ("rsa", "fast"):
        assert check(folder, server.url())["outcome"] == "ok"
        assert server.flows[-1] == flow
    assert b"program_name\x07triaged" in server.attributes
    setup = next(s for s in server.statements if s.startswith("SET "))
    assert "transaction_read_only=1" in setup and "max_execution_time=" in setup


def test_caching_sha2_over_tls_and_unix(stub, folder):
    server = stub(is_tls=True)
    for flow in ("clear", "fast"):
        assert check(folder, server.url(more="?tls=skip-verify"))["outcome"] == "ok"
        assert server.flows[-1] == flow
    path = Path(folder) / "s.sock"
    server = stub(unix=path)
    sample = check(folder, f"app:{PASSWORD}@unix({path})/shop")
    assert sample["outcome"] == "ok" and server.flows == ["clear"], sample


@pytest.mark.cause("my.auth")
def test_caching_sha2_wrong(stub, folder):
    server = stub()
    lab.read_cause(check(folder, server.url("another")), "my.auth")
    assert check(folder, server.url())["outcome"] == "ok"
    lab.read_cause(check(folder, server.url("another")), "my.auth")


@pytest.mark.parametrize("plugin", ["mysql_native_password", "sha256_password"])
def test_switch_of_plugin(stub, folder, plugin):
    server = stub(plugin=plugin, default="caching_sha2_password")
    assert check(folder, server.url())["outcome"] == "ok"
    assert server.flows[0] == "switch"


@pytest.mark.cause("my.auth-plugin")
def test_clear_password_needs_tls(stub, folder):
    server = stub(plugin="mysql_clear_password", default="mysql_native_password", is_tls=True)
    sample = lab.read_cause(check(folder, server.url()), "my.auth-plugin")
    assert "TLS" in sample["text"] and server.flows == ["switch", "empty"]
    assert check(folder, server.url(more="?tls=skip-verify"))["outcome"] == "ok"


@pytest.mark.cause("my.auth-plugin")
def test_foreign_plugin(stub, folder):
    server = stub(plugin="authentication_ldap_sasl_client", default="caching_sha2_password")
    lab.read_cause(check(folder, server.url()), "my.auth-plugin")
    assert server.flows == ["switch", "foreign 0"]


@pytest.mark.trap(27)
@pytest.mark.parametrize("number,words,code", [
    pytest.param(1040, "Too many connections", "my.too-many",
                 marks=pytest.mark.cause("my.too-many")),
    pytest.param(1129, "Host '10.0.0.4' is blocked because of many connection errors; unblock "
                 "with 'mysqladmin flush-hosts'", "my.blocked",
                 marks=pytest.mark.cause("my.blocked")),
    pytest.param(1130, "Host '10.0.0.4' is not allowed to connect to this MySQL server", "my.host",
                 marks=pytest.mark.cause("my.host")),
    pytest.param(1158, "Got an error reading communication packets", "my.error",
                 marks=pytest.mark.cause("my.error")),
])
def test_error_instead_of_the_greeting(stub, folder, number, words, code):
    server = stub(greeting_error=(number, words))
    assert words in lab.read_cause(check(folder, server.url()), code)["text"]


@pytest.mark.trap(19)
def test_columns_of_mysql_84(stub, folder):
    server = stub(answers=[
        ("SHOW SLAVE", (1064, "You have an error in your SQL syntax", "42000")),
        ("SHOW REPLICA STATUS", stub_mysql.replica(Seconds_Behind_Source="120", SQL_Delay="30"))])
    sample = check(folder, server.url())
    assert values(sample)["replica_running"] == 1, sample
    assert values(sample)["replica_lag_time"] == 90


@pytest.mark.trap(19)
@pytest.mark.cause("my.no-grant")
def test_replication_client_is_missing(stub, folder):
    server = stub(answers=[("SHOW REPLICA STATUS", (
        1227, "Access denied; you need (at least one of) the SUPER, REPLICATION CLIENT "
              "privilege(s) for this operation", "42000"))])
    sample = check(folder, server.url())
    assert "REPLICATION CLIENT ON *.* TO `app`@`%`" in lab.read_note(sample, "my.no-grant")
    assert "replica_running" not in values(sample)


@pytest.mark.cause("my.shutting-down")
def test_shutdown_in_progress(stub, folder):
    server = stub(answers=[("SHOW GLOBAL STATUS", (1053, "Server shutdown in progress", "08S01"))])
    lab.read_cause(check(folder, server.url()), "my.shutting-down")


def test_old_mysql_without_our_variables(stub, folder):
    server = stub(version="5.5.62", plugin="mysql_native_password", answers=[
        ("autocommit", (1193, "Unknown system variable 'tx_read_only'"))])
    assert check(folder, server.url())["outcome"] == "ok"
    assert "SET SESSION TRANSACTION READ ONLY" in server.statements
    assert any("SHOW SLAVE STATUS" in s for s in server.statements)
