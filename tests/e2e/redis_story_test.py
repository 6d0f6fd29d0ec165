"""What people read when Redis is in trouble: real servers, broken as the catalogue of failures says."""
import contextlib
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
import srv_proc
import srv_redis as srv
import srv_systemd
import lab

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mounts")


@pytest.fixture(scope="module")
def server():
    """Well, and left so."""
    s = srv.Redis("--enable-debug-command", "yes").start()
    s.cli("SET", "k", "v")
    yield s
    s.destroy()


@pytest.fixture(scope="module")
def secured():
    s = srv.Redis(password="s3cr3t-word").start()
    s.cli("ACL", "SETUSER", "mon", "on", ">pw-of-mon", "+info", "+select", "~*")
    yield s
    s.destroy()


@pytest.fixture
def make():
    made = []

    def start(*args, **kwargs):
        s = srv.Redis(*args, **kwargs)
        made.append(s)
        return s.start()

    yield start
    for s in made:
        s.destroy()


@pytest.fixture
def watch(daemon, hook):
    """The daemon with these checks, and what else there is to say."""
    def start(checks, more=""):
        return daemon("defaults: {interval: 1s, retries: 2, timeout: 2s}\n"
                      f"checks:\n{checks}\n"
                      f'receivers: {{hook: {{type: webhook, url: "{hook.url}"}}}}\n{more}').start()
    return start


def cache(url, more=""):
    return f'  cache: {{type: redis, url: "{url}"{", " + more if more else ""}}}\n'


def rule(name, levels):
    """A built-in rule, shorter than it waits in life."""
    return f"rules: {{{name}: {{each: redis, {levels}}}}}\n"


def is_marked(incident, word):
    """The step that loses data is there, and says so."""
    steps = [r for r in incident["remedy"] if word in (r.get("command") or "")]
    return bool(steps) and all(r.get("destructive") for r in steps)


# --- not there ---

@pytest.mark.scenario("redis-unreachable")
def test_it_was_killed(make, watch, hook, fault):
    s = make()
    d = watch(cache(s.url()) + f"""\
  api: {{type: tcp, address: "127.0.0.1:{s.port}", needs: [cache]}}
""")
    d.wait_state("cache", "up")
    d.wait_state("api", "up")
    lab.wait_learned(d, s.data)
    fault.begin()
    s.stop()
    fault.read(hook, "cache", cause="net.refused", playbook="redis-stopped",
               finding="redis-stopped.not-listening", severity="critical",
               title=f"127.0.0.1:{s.port}", facts=["port-owner"], impact=["api"])
    assert len(d.incidents()) == 1


@pytest.mark.scenario("redis-unreachable")
def test_it_is_frozen(make, watch, hook, fault):
    s = make()
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    fault.begin()
    s.process.send_signal(signal.SIGSTOP)
    try:
        fault.read(hook, "cache", cause="net.noreply", finding="redis-unreachable.frozen",
                   severity="critical", facts=["process"], evidence=[str(s.process.pid)],
                   remedy=f"kill -CONT {s.process.pid}")
    finally:
        s.process.send_signal(signal.SIGCONT)


@pytest.mark.scenario("redis-unreachable")
def test_it_is_bound_to_another_address(server, watch, hook, fault):
    fault.begin()
    watch(cache(f"redis://127.0.0.2:{server.port}/0"))
    fault.read(hook, "cache", cause="net.refused-bind", finding="redis-unreachable.bound-elsewhere",
               severity="critical", title=f"127.0.0.1:{server.port}", facts=["port-owner"])


@pytest.mark.scenario("redis-unreachable")
def test_its_port_is_somebody_elses(web, watch, hook, fault):
    fault.begin()
    watch(cache(f"redis://127.0.0.1:{web.port}/0"))
    fault.read(hook, "cache", cause="net.protocol", finding="redis-unreachable.wrong-service",
               severity="critical", title=f"127.0.0.1:{web.port}", remedy="ss -ltnp")


@pytest.mark.scenario("redis-unreachable")
def test_its_name_is_unknown(watch, hook, fault):
    fault.begin()
    watch(cache("redis://redis.invalid:6379/0"))
    fault.read(hook, "cache", cause={"net.dns-nxdomain", "net.dns-fail"}, severity="critical",
               title="redis.invalid")


RUNNING = {"ActiveState": "active", "SubState": "running", "Result": "success", "NRestarts": 0,
           "ExecMainCode": 0, "ExecMainStatus": 0, "Type": "simple", "StatusText": ""}
FAILED = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "NRestarts": 3,
          "ExecMainCode": 1, "ExecMainStatus": 1}


def test_the_example_of_the_manual(make, daemon, hook, folder, fault):
    """Its unit failed: word for word what the manual shows."""
    bus = srv_systemd.Bus(folder).start()
    manager = srv_systemd.Systemd(bus)
    try:
        s = make()
        manager.set("redis-server.service", **RUNNING)
        d = daemon(f"""
defaults: {{interval: 1s, retries: 2, timeout: 2s}}
checks:
  cache: {{type: redis, url: "{s.url(0)}", labels: {{team: core}}}}
  api: {{type: tcp, address: "127.0.0.1:{s.port}", needs: [cache]}}
receivers: {{hook: {{type: webhook, url: "{hook.url}"}}}}
""", env={"DBUS_SYSTEM_BUS_ADDRESS": bus.address}).start()
        d.wait_state("cache", "up")
        d.wait_state("api", "up")
        lab.wait_learned(d, s.data)
        fault.begin()
        manager.set("redis-server.service", **FAILED)  # before anybody asks why
        s.stop()
        incident = fault.read(hook, "cache", cause="net.refused", playbook="redis-stopped",
                              finding="redis-stopped.unit-failed", severity="critical", impact=["api"])
        d.stop()
    finally:
        manager.stop()
        bus.stop()
    assert incident["title"] == "Redis refuses connections"
    assert incident["summary"] == (f"nothing listens on 127.0.0.1:{s.port}; "
                                   "redis-server.service is failed")
    assert incident["cause"]["title"] == "the Redis server is not running"
    assert incident["cause"]["confidence"] == "certain"
    facts = {f["name"]: f["text"].splitlines() for f in incident["facts"]}
    assert facts["unit"][0] == "redis-server.service: failed, exit 1, 3 restarts"
    assert incident["remedy"][0] == {"text": "read why it stopped",
                                     "command": "journalctl -u redis-server -n 50"}
    assert incident["target"] == f"redis://127.0.0.1:{s.port}/0"
    assert incident["rule"] == "check-down" and incident["labels"] == {"team": "core"}


MEMORY = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def small_memory(kernel_kills, make):
    """A server in a memory group of 24 MB."""
    group = MEMORY / f"rd-story-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("24000000")
    except OSError as e:
        pytest.skip(f"no memory group: {e}")
    s = srv.Redis("--enable-debug-command", "yes")
    yield s.start(["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"])
    s.destroy()
    lab.wait_for("the group to be empty", lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


@needs_root
@pytest.mark.scenario("redis-unreachable")
@pytest.mark.parametrize("is_watched", [False, True], ids=["alone", "beside the memory"])
def test_the_kernel_killed_it(small_memory, watch, hook, fault, is_watched):
    """What the kernel says ties it to the memory: where that is watched, it is the root."""
    s = small_memory
    d = watch(cache(s.url()) + ("  mem: {type: memory}\n" if is_watched else ""))
    d.wait_state("cache", "up")
    lab.wait_learned(d, s.data)
    fault.begin()
    s.cli("DEBUG", "POPULATE", 1000000, "k", 100, check=False)
    s.process.wait(lab.LIMIT)
    if is_watched:
        fault.read(hook, "mem", severity="critical", evidence=["redis-server"], impact=["cache"])
        lab.wait_for("one incident", lambda: len(d.incidents()) == 1)
    else:
        fault.read(hook, "cache", cause="net.refused", finding="redis-stopped.oom-killed",
                   severity="critical", title="memory ran out", facts=["kernel-log"],
                   evidence=["redis-server"], remedy="maxmemory")


# --- the login ---

@pytest.mark.scenario("redis-auth-required")
def test_a_password_is_wanted(secured, watch, hook, fault):
    fault.begin()
    watch(cache(secured.url(auth="")))
    fault.read(hook, "cache", cause="redis.noauth", finding="redis-auth.no-password",
               severity="critical", title="NOAUTH", remedy="redis://:PASSWORD@")


@pytest.mark.scenario("redis-auth-wrong")
def test_the_password_is_wrong(secured, watch, hook, fault):
    fault.begin()
    watch(cache(secured.url(auth="mon:hunter22")))
    incident = fault.read(hook, "cache", cause="redis.wrongpass", severity="critical", title="mon",
                          finding="redis-auth.wrong-password")
    assert "hunter22" not in str(incident)


@pytest.mark.scenario("redis-acl-denied")
def test_the_user_may_not(secured, watch, hook, fault):
    fault.begin()
    watch(cache(secured.url(auth="mon:pw-of-mon")))
    fault.read(hook, "cache", cause="redis.noperm", finding="redis-auth.acl-denied",
               severity="critical", title="mon", evidence=["ACL SETUSER mon +ping"])


@pytest.mark.scenario("redis-db-index-invalid")
def test_the_database_does_not_exist(server, watch, hook, fault):
    fault.begin()
    watch(cache(server.url(99)))
    fault.read(hook, "cache", cause="redis.db-range", finding="redis-database.out-of-range",
               severity="critical", title="database 99 does not exist (the server has 16)",
               facts=["redis-info"])


@pytest.mark.scenario("redis-wrong-db")
@pytest.mark.cause("redis.wrong-db")
def test_the_database_is_another_one(server, watch, hook, fault):
    fault.begin()
    d = watch(cache(server.url(7), "expect_keys: true"))
    fault.read(hook, "cache", cause="redis.wrong-db", finding="redis-database.other-number",
               severity="warning", title="database 7 is empty, database 0 is not",
               facts=["redis-info"], remedy="INFO keyspace")
    lab.read_cause(d.api.get("/api/v1/checks/cache")["last"], "redis.wrong-db")


def test_an_empty_database_beside_a_full_one_is_info(server, watch, hook, fault):
    watch(cache(server.url(7)), rule(
        "redis-wrong-db", "info: 'max(this.keys, 10s) == 0 and this.other_keys > 0'"))
    fault.read(hook, "cache", cause="redis-database.other-number", severity="info")


# --- states of the server ---

@pytest.mark.scenario("redis-loading")
def test_it_loads_its_data(make, watch, hook, fault):
    s = make("--enable-debug-command", "yes")
    s.cli("DEBUG", "POPULATE", 20000, "k", 100)
    s.cli("SAVE")
    s.stop()
    s.args += ["--key-load-delay", 1000, "--loading-process-events-interval-bytes", 1024]
    fault.begin()
    s.start()
    watch(cache(s.url()))
    fault.read(hook, "cache", cause="redis.loading", finding="redis-loading.restarted",
               severity="info", title="loading its data set", facts=["redis-info"],
               evidence=["s to go"])


@pytest.mark.scenario("redis-maxclients")
def test_no_chair_is_left(make, watch, hook, fault):
    """The facts come by the one connection that is left: the check's own."""
    s = make("--maxclients", 4)
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    fault.begin()
    with s.idle_clients(3):
        fault.read(hook, "cache", cause="redis.maxclients", severity="critical",
                   finding="redis-maxclients.low-limit", title="takes only 4 clients",
                   facts=["redis-clients", "redis-info"], evidence=["127.0.0.1: 3"],
                   remedy="CONFIG SET maxclients")


@pytest.mark.scenario("redis-memory-full")
def test_its_memory_is_full(make, watch, hook, fault):
    s = make("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    fault.begin()
    fill(s)
    incident = fault.read(hook, "cache", playbook="redis-memory-full", severity="critical",
                          cause={"redis-memory-full.nothing-expires"}, title="noeviction",
                          facts=["redis-info", "redis-keys"], evidence=["refused"])
    assert is_marked(incident, "FLUSHDB") and is_marked(incident, "allkeys-lru"), incident


def fill(s):
    """In steps: within one script a limit is not looked at."""
    step = "for i = 1, 10 do redis.call('SET', ARGV[1] .. i, string.rep('x', 10000)) end"
    lab.wait_for("no room", lambda: "OOM" in s.cli("EVAL", step, 0, os.urandom(4).hex(), check=False))


@pytest.mark.scenario("redis-memory-full")
def test_a_write_is_refused(make, watch, hook, fault):
    s = make("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    d = watch(cache(s.url(), "write_test: triaged-test"))
    d.wait_state("cache", "up")
    fault.begin()
    put(s, "the-one", 1500000)
    fill(s)
    fault.read(hook, "cache", cause="redis.oom", finding="redis-memory-full.one-big-key",
               severity="critical", title="the-one", facts=["redis-keys"])


def put(s, key, size):
    """Too long for a command line."""
    s.cli("EVAL", f"redis.call('SET', '{key}', string.rep('x', {size}))", 0)


@pytest.mark.scenario("redis-hit-rate-drop")
def test_lookups_miss(server, watch, hook, fault):
    d = watch(cache(server.url()), rule(
        "redis-hit-rate", "info: 'avg(this.hit_percent, 1m) < 80%', for: 2 samples"))
    d.wait_state("cache", "up")
    fault.begin()
    with calls(server, lambda: server.cli(
            "EVAL", "for i = 1, 200 do redis.call('GET', 'missing' .. i) end", 0)):
        fault.read(hook, "cache", playbook="redis-hit-rate", severity="info", title="0 %",
                   facts=["redis-info"], evidence=["lookups"])


@contextlib.contextmanager
def calls(server, act):
    """`act` over and over, from somebody else."""
    stop = threading.Event()

    def run():
        while not stop.wait(0.05):
            act()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.scenario("redis-big-keys")
def test_one_key_is_big(make, watch, hook, fault):
    s = make()
    d = watch(cache(s.url(), "big_keys: 5MB"))
    d.wait_state("cache", "up")
    fault.begin()
    s.cli("EVAL", "for i = 1, 100 do redis.call('RPUSH', 'backlog', string.rep('x', 100000)) end", 0)
    incident = fault.read(hook, "cache", cause="redis-big-keys.queue-or-log", severity="warning",
                          title="backlog", facts=["redis-keys"], evidence=["100 elements"])
    assert is_marked(incident, "UNLINK"), incident


# --- its disk ---

@pytest.mark.scenario("redis-persistence-failing")
def test_its_folder_is_gone(make, watch, hook, fault):
    s = make("--save", "3600 1")
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    lab.wait_learned(d, s.data)
    s.cli("SET", "k", "v")
    fault.begin()
    s.data.rmdir()
    s.cli("BGSAVE")
    fault.read(hook, "cache", cause="redis.misconf", playbook="redis-persistence-failing",
               finding="redis-persistence-failing.no-folder", title=f"{s.data} is gone",
               severity="critical", facts=["redis-info"], evidence=["RDB save FAILED"])


@pytest.fixture
def small_disk():
    """A server whose folder is a file system of two megabytes."""
    made = []

    def start(*args):
        s = srv.Redis(*args)
        made.append(s)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", s.data],
                          capture_output=True).returncode:
            pytest.skip("may not mount")
        return s.start()
    yield start
    for s in made:
        s.stop()
        subprocess.run(["umount", "-l", s.data], capture_output=True)
        s.destroy()


DISK = """\
  data: {{type: disk, path: "{}", severity: critical}}
"""
FULL = "rules: {disk-space: {each: disk, critical: 'this.used_percent >= 95%'}}\n"


@needs_root
@pytest.mark.scenario("redis-persistence-failing")
def test_its_disk_is_full(small_disk, watch, hook, fault):
    """One incident, the disk's: it is the root, and Redis is what it drags down."""
    s = small_disk("--save", "3600 1", "--rdbcompression", "no")
    d = watch(cache(s.url()) + DISK.format(s.data), FULL)
    d.wait_state("cache", "up")
    lab.wait_learned(d, s.data)
    put(s, "k", 500000)
    fault.begin()
    (s.data / "hog").write_bytes(b"x" * 2050000)
    s.cli("BGSAVE")
    incident = fault.read(hook, "data", severity="critical", title=str(s.data),
                          facts=["disk"], impact=["cache"])
    assert incident["type"] == "disk"
    lab.wait_for("one incident", lambda: len(d.incidents()) == 1)


@needs_root
@pytest.mark.scenario("redis-persistence-failing")
def test_its_disk_is_full_and_nobody_watches_the_disk(small_disk, watch, hook, fault):
    s = small_disk("--save", "3600 1", "--rdbcompression", "no")
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    lab.wait_learned(d, s.data)
    put(s, "k", 500000)
    fault.begin()
    (s.data / "hog").write_bytes(b"x" * 2050000)
    s.cli("BGSAVE")
    fault.read(hook, "cache", cause="redis.misconf", severity="critical",
               finding={"redis-persistence-failing.disk-full",
                        "redis-persistence-failing.no-room"}, title=str(s.data), facts=["disk"],
               remedy="du -xh")


@needs_root
@pytest.mark.scenario("redis-unreachable", "redis-persistence-failing")
def test_it_ended_itself(small_disk, watch, hook, fault):
    s = small_disk("--appendonly", "yes", "--appendfsync", "always")
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    lab.wait_for("a second run", lambda: d.check("cache")["runs"] >= 2)
    lab.wait_learned(d, s.data)
    fault.begin()
    for _ in range(30):
        s.cli("SET", os.urandom(4).hex(), "x" * 100000, check=False)
    s.process.wait(lab.LIMIT)
    fault.read(hook, "cache", cause="redis.aof-exit", finding="redis-stopped.aof-exit",
               severity="critical", title=str(s.data), facts=["disk"], remedy="redis-check-aof")


# --- slow ---

@pytest.mark.scenario("redis-latency")
def test_slow_commands(make, watch, hook, fault):
    s = make("--enable-debug-command", "yes")
    d = watch(cache(s.url(), "timeout: 8s"))
    d.wait_state("cache", "up")
    fault.begin()
    # one after the other on one connection: a PING between two of them would break the row
    slow = subprocess.Popen(["redis-cli", "-p", str(s.port)], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL)
    try:
        slow.stdin.write(b"DEBUG SLEEP 0.6\n" * 90)
        slow.stdin.flush()
        fault.read(hook, "cache", cause="redis-latency.slow-command", severity="warning",
                   title="DEBUG SLEEP", facts=["redis-slowlog"], remedy="SLOWLOG GET", within=40)
    finally:
        slow.kill()
        slow.wait()
        slow.stdin.close()


@pytest.mark.scenario("redis-blocked")
def test_a_script_without_end(make, watch, hook, fault):
    s = make("--lua-time-limit", 20)
    d = watch(cache(s.url()))
    d.wait_state("cache", "up")
    fault.begin()
    busy = threading.Thread(target=s.cli, args=("EVAL", "while true do end", 0),
                            kwargs={"check": False})
    busy.start()
    try:
        fault.read(hook, "cache", cause="redis.busy", finding="redis-blocked.script",
                   severity="warning", title="script", remedy="SCRIPT KILL")
    finally:
        s.cli("SCRIPT", "KILL")
        busy.join()


# --- several servers ---

@pytest.mark.scenario("redis-replica-link-down")
def test_the_master_is_gone(make, watch, hook, fault):
    primary = make()
    s = make("--replicaof", "127.0.0.1", primary.port)
    lab.wait_for("the link", lambda: "master_link_status:up" in s.cli("INFO"))
    d = watch(cache(s.url()), rule("redis-replica-link",
                                   "warning: {when: not this.replica_link_up, for: 2s}, "
                                   "critical: {when: not this.replica_link_up, for: 4s}"))
    d.wait_state("cache", "up")
    fault.begin()
    primary.stop()
    fault.read(hook, "cache", cause="redis-replica.link-down", severity="critical",
               title=f"127.0.0.1:{primary.port}", facts=["redis-info"],
               evidence=["link down for"])


@pytest.mark.scenario("redis-replica-link-down")
def test_a_replica_that_serves_nothing_stale(make, watch, hook, fault):
    s = make("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no")
    fault.begin()
    watch(cache(s.url()))
    fault.read(hook, "cache", cause="redis.masterdown", finding="redis-replica.link-down",
               severity="critical", title="127.0.0.1:1", facts=["redis-info"])


def test_the_url_of_a_replica(make, watch, hook, fault):
    s = make("--replicaof", "127.0.0.1", "1")
    watch(cache(s.url(), "role: primary"))
    fault.read(hook, "cache", cause="redis.readonly", finding="redis-replica.url-of-a-replica",
               severity="critical", title="127.0.0.1:1")


@pytest.mark.scenario("redis-sentinel-no-master")
def test_no_sentinel_knows_a_master(make, server, watch, hook, fault):
    s = make(sentinel=f"sentinel monitor mymaster 127.0.0.1 {server.port} 1")
    d = watch(cache(s.url(), "master: mymaster"))
    d.wait_state("cache", "up")
    fault.begin()
    s.cli("SENTINEL", "REMOVE", "mymaster")
    server.cli("CLIENT", "KILL", "TYPE", "normal")
    fault.read(hook, "cache", cause="redis.no-master", finding="redis-sentinel.unknown-name",
               severity="critical", title="sentinels do not know", remedy="SENTINEL masters")


@pytest.mark.scenario("redis-sentinel-no-master")
def test_the_sentinels_name_a_master_that_is_gone(make, watch, hook, fault):
    """One that has no replica: there is nobody to take over."""
    primary = make()
    s = make(sentinel=f"sentinel monitor mymaster 127.0.0.1 {primary.port} 1")
    d = watch(cache(s.url(), "master: mymaster"))
    d.wait_state("cache", "up")
    fault.begin()
    primary.stop()
    fault.read(hook, "cache", cause="net.refused", finding="redis-stopped.master-of-sentinels",
               severity="critical", title=f"127.0.0.1:{primary.port}", remedy="CKQUORUM")


@pytest.mark.scenario("redis-sentinel-no-master")
def test_no_sentinel_answers(watch, hook, fault):
    fault.begin()
    watch(cache(f"redis://127.0.0.1:{lab.free_port()},127.0.0.1:{lab.free_port()}/0",
                "master: mymaster"))
    fault.read(hook, "cache", cause="redis.no-master", finding="redis-sentinel.sentinels-down",
               severity="critical", remedy="redis-sentinel")


def test_a_cluster_without_its_slots(make, watch, hook, fault):
    s = make("--cluster-enabled", "yes", "--cluster-port", lab.free_port())
    watch(cache(s.url()))
    fault.read(hook, "cache", cause="redis.clusterdown", finding="redis-cluster.slots-without-node",
               severity="critical", remedy="--cluster check")


# --- settings ---

@pytest.mark.scenario("redis-url-invalid")
def test_a_url_that_cannot_be_read(server, daemon, hook, fault, folder):
    """At the start it is refused with its place; a running daemon goes on as before, and says so."""
    env = Path(folder) / ".env"
    env.write_text(f"REDIS_CONN_STRING={server.url(0)}\n")
    d = daemon(f"""
env_file: {env}
checks:
  cache: {{type: redis, url: "${{REDIS_CONN_STRING}}", interval: 1s}}
receivers: {{hook: {{type: webhook, url: "{hook.url}"}}}}
""").start()
    d.wait_state("cache", "up")
    fault.begin()
    env.write_text(f"REDIS_CONN_STRING=redis://:s3cr3t-word@127.0.0.1:{server.port}/abc\n")
    d.process.send_signal(signal.SIGHUP)
    incident = fault.read(hook, "triaged", cause="self.config-bad", evidence=["not a number", "url"])
    assert "s3cr3t-word" not in str(incident)
    assert d.check("cache")["state"] == "up"


@pytest.mark.parametrize("url, words", [
    ("redis://127.0.0.1:6379/abc", "number"),
    ("redis://127.0.0.1:port/0", "port"),
    ("http://127.0.0.1:6379/0", "redis://"),
    ("redis://:s3cr3t-word@127.0.0.1:99999/0", "port"),
    ("'redis://127.0.0.1:6379/0'", "quote"),
    ("", "url"),
])
def test_what_is_wrong_with_it_is_said_at_load(url, words, folder):
    config = Path(folder) / "bad.yaml"
    config.write_text(f'checks:\n  cache: {{type: redis, url: "{url}"}}\n')
    done = subprocess.run([lab.BUILD / "triaged", "-c", config, "--check"], capture_output=True,
                          text=True, timeout=lab.LIMIT)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "bad.yaml:2:" in said and words in said, said
    assert "s3cr3t-word" not in said


@pytest.mark.scenario("redis-url-invalid")
def test_an_application_has_a_url_that_cannot_be_read(watch, hook, fault, folder):
    """new-api ends itself over it, and says less."""
    yard = srv_proc.Yard(folder)
    try:
        yard.sleep("rd-app", env={"PATH": os.environ["PATH"],
                                  "REDIS_CONN_STRING": "redis://:s3cr3t-word@redis:6379/abc"})
        fault.begin()
        watch("  app: {type: process, name: rd-app, env: {REDIS_CONN_STRING: {dsn: redis}}}\n")
        incident = fault.read(hook, "app", cause="proc.env-dsn", playbook="dsn-invalid",
                              severity="critical", title="REDIS_CONN_STRING", evidence=["number"],
                              remedy="redis://:password@host:6379/0")
        assert "s3cr3t-word" not in str(incident)
    finally:
        yard.stop()


@pytest.mark.scenario("redis-not-enabled")
def test_an_application_runs_without_redis(watch, hook, fault, folder):
    """new-api goes on without a cache when the variable is missing."""
    yard = srv_proc.Yard(folder)
    try:
        yard.sleep("rd-app", env={"PATH": os.environ["PATH"], "SQL_DSN": "local"})
        fault.begin()
        watch("  app: {type: process, name: rd-app, severity: warning, "
              "env: {REDIS_CONN_STRING: {present: true}}}\n")
        fault.read(hook, "app", cause="proc.env-missing", severity="warning",
                   title="REDIS_CONN_STRING", remedy="redis://")
    finally:
        yard.stop()


# --- queues ---

def test_a_queue_grows_and_nobody_takes(make, watch, hook, fault):
    s = make()
    watch(cache(s.url(), "lengths: {jobs: celery}"), rule(
        "queue-growing",
        "warning: 'this.longest_queue > 100 and delta(this.longest_queue, 1m) > 10', for: 2 samples"))
    with calls(s, lambda: s.cli("RPUSH", "celery", *["x"] * 50)):
        incident = fault.read(hook, "cache", cause="queue-growing.nobody-takes", severity="warning",
                              facts=["redis-clients"], title="no client takes any")
    assert incident["values"]["longest_queue"] > 100


# --- well ---

def test_a_busy_server_is_left_alone(make, watch, hook):
    """A cache that is full by design, clients that come and go, work that waits a little."""
    s = make("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
    d = watch(cache(s.url(), "lengths: {jobs: jobs}, write_test: triaged-test, big_keys: 1MB"))
    d.wait_state("cache", "up")
    work = ("for i = 1, 300 do redis.call('SET', 'c' .. math.random(400), string.rep('x', 10000)); "
            "redis.call('GET', 'c1') end; redis.call('SET', 'c1', 'x')")
    with calls(s, lambda: (s.cli("EVAL", work, 0), s.cli("RPUSH", "jobs", "x"))):
        runs = d.check("cache")["runs"]
        lab.wait_for("eight runs", lambda: d.check("cache")["runs"] >= runs + 8)
    assert [i for i in d.incidents() if i["severity"] != "info"] == []
