"""Real Redis, broken in every way that has a cause code."""
import json
import os
import subprocess
import threading

import pytest
import srv_redis as srv
import lab

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for mounts and namespaces")


@pytest.fixture(scope="module")
def server():
    s = srv.Redis("--enable-debug-command", "yes", tls=True).start()
    yield s
    s.destroy()


@pytest.fixture(scope="module")
def secured():
    s = srv.Redis(password="s/e@c?r t").start()
    s.cli("ACL", "SETUSER", "mon", "on", ">pw", "+info", "~*")
    s.cli("ACL", "SETUSER", "poor", "on", ">pw", "+ping", "~*")
    s.cli("ACL", "SETUSER", "idle", "off", ">pw", "+@all", "~*")
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


def fails(url, code):
    return lab.read_cause(lab.probe_once(url), code)


def check(folder, url, more=""):
    return lab.probe_check(folder, f'{{type: redis, url: "{url}"{", " + more if more else ""}}}')


def facts(sample):
    return {f["name"]: f["text"] for f in sample["facts"]}


# --- a healthy one ---

def test_numbers_of_a_healthy_server(server, folder):
    server.cli("RPUSH", "q:list", "a", "b", "c")
    server.cli("XADD", "q:stream", "*", "k", "v")
    server.cli("ZADD", "q:zset", 1, "a", 2, "b")
    server.cli("SADD", "q:set", "a")
    sample = check(folder, server.url(), "write_test: triaged-test, lengths: {l: q:list, "
                   "st: q:stream, z: q:zset, s: q:set, none: q:none}")
    assert sample["outcome"] == "ok" and sample["exit"] == 0 and not sample["notes"], sample
    v = sample["values"]
    assert (v["length_l"], v["length_st"], v["length_z"], v["length_s"], v["length_none"]) == \
        (3, 1, 2, 1, 0)
    for name in ("ping_time", "memory_used_bytes", "clients", "clients_percent", "evicted_total",
                 "rejected_total", "ops_per_second", "last_save_ok", "loading", "blocked_clients",
                 "write_time", "connect_time", "keys"):
        assert v[name] is not None and v[name] >= 0, (name, v)
    for name in ("memory_percent", "replica_link_up", "replica_lag_bytes", "last_aof_ok"):
        assert v.get(name) is None, (name, v)
    assert "Redis 7" in facts(sample)["server"]
    assert server.cli("EXISTS", "triaged-test") == "0"


def test_forms_of_the_url(server):
    for url in (server.url(), server.url(3), f"redis://localhost:{server.port}/0?pool_size=3",
                f"unix://{server.socket}?db=2", f"redis-socket:{server.socket}",
                f"redis+unix://{server.socket}?db=1"):
        assert lab.probe_once(url)["outcome"] == "ok", url


def test_a_wrong_url_is_named_without_its_password(server):
    for url, words in ((f"redis://:hunter2@127.0.0.1:{server.port}/abc", "not a number"),
                       ("redis://:hunter2@127.0.0.1:port/0", "port")):
        done = lab.triage("probe", url)
        assert done.returncode != 0 and words in done.stderr and "hunter2" not in done.stderr


@pytest.mark.trap(26)
@pytest.mark.trap(26)
def test_tls(server, folder):
    url = f"rediss://127.0.0.1:{server.tls_port}"
    good = check(folder, url, f"ca: {server.ca}")
    assert good["outcome"] == "ok" and good["values"]["tls_time"] > 0, good
    lab.read_cause(check(folder, url), "net.tls-verify")
    assert check(folder, url, "verify: false")["outcome"] == "ok"
    plain = check(folder, f"redis://127.0.0.1:{server.tls_port}", "timeout: 1s")
    # Redis closes without a word on what is no handshake
    assert plain["outcome"] == "fail" and plain["cause"] in ("net.reset", "net.eof"), plain
    # Redis waits for the end of a line in what is no line
    other = check(folder, f"rediss://127.0.0.1:{server.port}", f"ca: {server.ca}, timeout: 1s")
    assert other["outcome"] == "fail" and other["cause"].startswith("net."), other


# --- logins ---

@pytest.mark.trap(1)
@pytest.mark.cause("redis.noauth")
def test_ping_of_the_guides_is_green_without_the_password(secured):
    lying = subprocess.run(["redis-cli", "-p", str(secured.port), "ping"], capture_output=True,
                           text=True)
    assert lying.returncode == 0 and "NOAUTH" in lying.stdout
    fails(secured.url(auth=""), "redis.noauth")
    fails(secured.url(auth="mon"), "redis.noauth")  # a user without a password logs nobody in
    fails(secured.url(db=3, auth=""), "redis.noauth")


@pytest.mark.trap(2)
def test_requirepass_is_no_option_of_the_client(secured):
    wrong = subprocess.run(["redis-cli", "-p", str(secured.port), "--requirepass",
                            secured.password, "ping"], capture_output=True, text=True)
    assert wrong.returncode == 1
    for auth in (":s/e@c?r t", ":s%2Fe%40c%3Fr%20t", "default:s%2Fe@c%3Fr t"):
        sample = lab.probe_once(secured.url(auth=auth))
        assert sample["outcome"] == "ok" and not sample["notes"], sample


@pytest.mark.cause("redis.wrongpass")
def test_wrong_logins(secured):
    for auth in (":hunter2", "nobody:hunter2", "mon:hunter2", "idle:pw"):
        sample = fails(secured.url(auth=auth), "redis.wrongpass")
        assert "hunter2" not in str(sample)


@pytest.mark.cause("redis.auth-unneeded")
def test_password_that_nobody_wants(server):
    sample = lab.probe_once(server.url(auth=":hunter2"))
    assert sample["outcome"] == "ok"
    lab.read_note(sample, "redis.auth-unneeded")


@pytest.mark.cause("redis.noperm", "redis.no-grant")
def test_rights(secured, folder):
    sample = fails(secured.url(auth="mon:pw"), "redis.noperm")
    assert "ACL SETUSER mon +ping" in sample["text"]
    poor = check(folder, secured.url(auth="poor:pw"), "lengths: {q: q}")
    assert poor["outcome"] == "ok" and poor["values"].get("clients") is None
    assert "ACL SETUSER poor +info" in lab.read_note(poor, "redis.no-grant")
    denied = check(folder, secured.url(auth="poor:pw"), "write_test: k")
    assert "ACL SETUSER poor +set" in lab.read_cause(denied, "redis.noperm")["text"]


@pytest.mark.cause("redis.db-range")
def test_database_that_is_not_there(server):
    fails(server.url(99), "redis.db-range")


# --- states of a server ---

@pytest.mark.cause("redis.loading")
def test_loading(make):
    s = make("--enable-debug-command", "yes")
    s.cli("DEBUG", "POPULATE", 20000, "k", 100)
    s.cli("SAVE")
    s.stop()
    s.args += ["--key-load-delay", 1000, "--loading-process-events-interval-bytes", 1024]
    s.start()
    sample = fails(s.url(), "redis.loading")
    assert "s to go" in sample["text"] and sample["values"]["loading"] == 1, sample


@pytest.mark.cause("redis.maxclients")
def test_no_chair_is_left(make):
    s = make("--maxclients", 2)
    with s.idle_clients(2):
        fails(s.url(), "redis.maxclients")


def test_our_own_chair_hides_nothing(make, daemon):
    """The kept connection would go on answering while everybody else is turned away."""
    s = make("--maxclients", 3)
    d = daemon(f"""
checks:
  cache: {{type: redis, url: "{s.url()}", interval: 500ms, retries: 2}}
""").start()
    d.wait_state("cache", "up")
    with s.idle_clients(2):
        d.wait_state("cache", "down")
        assert d.check("cache")["cause"] == "redis.maxclients"
    d.wait_state("cache", "up")


@needs_root
@pytest.mark.cause("redis.protected")
def test_protected_mode(folder):
    s = srv.Redis("--bind", "0.0.0.0", "--protected-mode", "yes", folder=folder)
    script = ("ip link set lo up && ip addr add 10.9.9.9/32 dev lo || exit 7\n"
              "trap 'kill $pid' EXIT\n"
              f"{' '.join(repr(str(w)) for w in s.command())} > {folder}/log 2>&1 & pid=$!\n"
              f"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n"
              f"redis-cli -p {s.port} ping > /dev/null && break; done\n"
              f"'{lab.BUILD}/triage' probe redis://10.9.9.9:{s.port} --json > {folder}/out\n"
              "exit 0\n")
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True,
                          timeout=lab.LIMIT)
    if done.returncode:
        pytest.skip("may not make a network: " + done.stderr)
    lab.read_cause(json.loads((s.folder / "out").read_text()), "redis.protected")


@pytest.mark.cause("redis.oom")
def test_memory_is_full(make, folder):
    s = make("--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    s.cli("EVAL", "for i = 1, 100 do redis.pcall('SET', i, string.rep('x', 100000)) end", 0,
          check=False)
    sample = lab.probe_once(s.url())
    assert sample["outcome"] == "ok" and sample["values"]["memory_percent"] > 80
    assert facts(sample)["memory policy"] == "noeviction"
    full = lab.wait_for("a write to be refused", lambda: refused_write(s, folder))
    lab.read_cause(full, "redis.oom")
    assert lab.probe_once(s.url())["values"]["oom_errors_total"] >= 1


def refused_write(s, folder):
    s.cli("SET", os.urandom(4).hex(), "x" * 20000, check=False)
    sample = check(folder, s.url(), "write_test: k")
    return sample if sample["outcome"] != "ok" else None


@pytest.mark.cause("redis.misconf")
def test_saves_fail(make):
    s = make("--save", "3600 1")
    s.cli("SET", "k", "v")
    s.data.rmdir()
    s.cli("BGSAVE")
    lab.wait_for("the save to fail", lambda: "rdb_last_bgsave_status:err" in s.cli("INFO"))
    sample = fails(s.url(), "redis.misconf")
    assert sample["values"]["last_save_ok"] == 0


@pytest.mark.cause("redis.readonly", "redis.role")
def test_roles(make, server, folder):
    s = make("--replicaof", "127.0.0.1", "1")
    sample = lab.probe_once(s.url())
    assert sample["outcome"] == "ok" and sample["values"]["replica_link_up"] == 0
    lab.read_cause(check(folder, s.url(), "write_test: k"), "redis.readonly")
    lab.read_cause(check(folder, s.url(), "role: primary"), "redis.readonly")
    assert check(folder, s.url(), "role: replica")["outcome"] == "ok"
    lab.read_cause(check(folder, server.url(), "role: replica"), "redis.role")


def test_replica_and_its_lag(make, server):
    s = make("--replicaof", "127.0.0.1", server.port, "--repl-diskless-sync-delay", "0")
    server.cli("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    lab.wait_for("the link", lambda: "master_link_status:up" in s.cli("INFO"))
    assert lab.probe_once(s.url())["values"]["replica_link_up"] == 1
    primary = lab.wait_for("the primary to know", lambda: with_lag(server))
    assert primary["values"]["replicas"] == 1


def with_lag(server):
    sample = lab.probe_once(server.url())
    return sample if sample["values"].get("replica_lag_bytes") is not None else None


@pytest.mark.cause("redis.masterdown")
def test_replica_that_serves_nothing_stale(make):
    s = make("--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no")
    sample = fails(s.url(), "redis.masterdown")
    assert sample["values"]["replica_link_up"] == 0


@pytest.mark.cause("redis.busy")
def test_script_without_end(make):
    s = make("--lua-time-limit", 20)
    busy = threading.Thread(target=s.cli, args=("EVAL", "while true do end", 0),
                            kwargs={"check": False})
    busy.start()
    lab.wait_for("the script", lambda: "BUSY" in s.cli("PING", check=False))
    fails(s.url(), "redis.busy")
    s.cli("SCRIPT", "KILL")
    busy.join()
    assert lab.probe_once(s.url())["outcome"] == "ok"


@pytest.mark.cause("redis.clusterdown")
def test_cluster_without_its_slots(make):
    s = make("--cluster-enabled", "yes", "--cluster-port", lab.free_port())
    fails(s.url(), "redis.clusterdown")


@pytest.mark.cause("redis.moved")
def test_keys_of_another_node(make, folder):
    # a bus port of its own: the usual one, 10,000 higher, is none for every port the kernel gives
    buses = [lab.free_port(), lab.free_port()]
    ours, other = [make("--cluster-enabled", "yes", "--cluster-port", bus) for bus in buses]
    for s, first, last in (ours, 0, 8191), (other, 8192, 16383):
        s.cli("CLUSTER", "ADDSLOTSRANGE", first, last)
    ours.cli("CLUSTER", "MEET", "127.0.0.1", other.port, buses[1])
    lab.wait_for("the cluster", lambda: "cluster_state:ok" in ours.cli("CLUSTER", "INFO"))
    key = next(k for k in "abcdefgh" if int(ours.cli("CLUSTER", "KEYSLOT", k)) > 8191)
    sample = check(folder, ours.url(), f"write_test: {key}, lengths: {{x: {key}}}")
    assert sample["outcome"] == "ok" and "length_x" not in sample["values"], sample
    assert str(other.port) in lab.read_note(sample, "redis.moved")


@pytest.mark.cause("redis.noreplicas")
def test_too_few_replicas(make, folder):
    s = make("--min-replicas-to-write", 1)
    lab.read_cause(check(folder, s.url(), "write_test: k"), "redis.noreplicas")


@pytest.mark.cause("redis.error")
def test_ping_under_another_name(make):
    s = make("--rename-command", "PING", "POLO")
    assert "unknown command" in fails(s.url(), "redis.error")["text"]


# --- keys ---

@pytest.mark.cause("redis.key-taken", "redis.wrongtype")
def test_keys_of_others(server, folder):
    server.cli("SET", "theirs", "precious")
    sample = check(folder, server.url(), "write_test: theirs")
    lab.read_cause(sample, "redis.key-taken", "error")
    assert server.cli("GET", "theirs") == "precious"
    sample = check(folder, server.url(), "lengths: {t: theirs}")
    assert sample["outcome"] == "ok" and sample["values"].get("length_t") is None
    lab.read_note(sample, "redis.wrongtype")


def test_big_keys(make, folder):
    s = make()
    s.cli("EVAL", "redis.call('SET', 'big', string.rep('x', 6000000))", 0)
    sample = check(folder, s.url(), "big_keys: 5MB")
    assert sample["values"]["biggest_key_bytes"] > 5e6
    assert facts(sample)["big key"].startswith("big: ")


# --- sentinels ---

@pytest.mark.cause("redis.no-master")
def test_sentinels(make, server, folder):
    s = make(sentinel=f"sentinel monitor mymaster 127.0.0.1 {server.port} 1")
    dead = lab.free_port()
    good = check(folder, f"127.0.0.1:{dead},127.0.0.1:{s.port}", "master: mymaster")
    assert good["outcome"] == "ok" and f":{server.port}" in facts(good)["sentinel"], good
    bad = check(folder, f"redis://127.0.0.1:{dead},127.0.0.1:{s.port}/0", "master: other")
    text = lab.read_cause(bad, "redis.no-master")["text"]
    assert "refused" in text and "does not know it" in text
    assert check(folder, s.url(), "role: sentinel")["outcome"] == "ok"


# --- from run to run, in the daemon ---

def last(d, name):
    return d.api.get(f"/api/v1/checks/{name}")["last"]


def test_one_connection_is_kept_and_replaced(make, daemon):
    s = make()
    d = daemon(f"""
checks:
  cache: {{type: redis, url: "{s.url()}", interval: 1s, retries: 1}}
""").start()
    d.wait_state("cache", "up")
    lab.wait_for("a run on the kept connection", lambda: "kept" in last(d, "cache")["text"])
    before = int(s.cli("CLIENT", "LIST", "TYPE", "normal").count("id="))
    assert before == 2  # the cli itself and ours
    runs = d.check("cache")["runs"]
    s.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    lab.wait_for("more runs", lambda: d.check("cache")["runs"] >= runs + 2)
    assert d.check("cache")["state"] == "up" and not d.incidents()


@needs_root
@pytest.mark.cause("redis.aof-exit")
def test_it_ends_itself_when_its_disk_is_full(daemon, folder):
    s = srv.Redis("--appendonly", "yes", "--appendfsync", "always")
    try:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", s.data],
                          capture_output=True).returncode:
            pytest.skip("may not mount")
        s.start()
        d = daemon(f"""
checks:
  cache: {{type: redis, url: "{s.url()}", interval: 1s, retries: 1}}
""").start()
        d.wait_state("cache", "up")
        lab.wait_for("a second run", lambda: d.check("cache")["runs"] >= 2)
        for _ in range(30):
            s.cli("SET", os.urandom(4).hex(), "x" * 100000, check=False)
        s.process.wait(lab.LIMIT)
        lab.wait_for("the cause", lambda: last(d, "cache")["cause"] == "redis.aof-exit")
        lab.read_cause(last(d, "cache"), "redis.aof-exit")
        d.stop()
    finally:
        s.stop()
        subprocess.run(["umount", "-l", s.data], capture_output=True)
        s.destroy()
