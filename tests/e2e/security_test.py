"""What the daemon gives up, and what never leaves it: as nobody, under a tracer, with a secret of every kind."""
import ctypes
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import uuid
from pathlib import Path

import pytest

import lab

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
BUILD = lab.BUILD
IS_ASAN = "asan" in str(lab.BUILD)
PTRACE_ATTACH = 16

needs_root = pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs to become nobody")
needs_plain = pytest.mark.skipif(IS_ASAN, reason="the leak checker stops the process to look at it")
needs_no_unit = pytest.mark.skipif(bool(lab.SANDBOX), reason="the unit's own restrictions are in the way")


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return [int(child) for child in found]


@pytest.fixture
def as_nobody(daemon, folder, monkeypatch):
    """A daemon that nobody runs, from a copy that nobody may read; its pid is the daemon's own."""
    program = Path(folder) / "triaged"
    shutil.copy(lab.BUILD / "triaged", program)
    monkeypatch.setattr(lab, "BUILD", Path(folder))

    def start(config, before=()):
        d = daemon(config, sandboxed="")
        d.state.mkdir()
        d.log.touch()
        for path in (Path(folder), d.state, d.log):
            os.chown(path, 65534, 65534)
        return d.start(wrapper=[*before, *NOBODY])

    return start


EXEC = '{type: exec, command: [/bin/sh, -c, "grep -hE \'^(Seccomp|NoNewPrivs|Uid):\' /proc/self/status | tr \'\\n\\t\' \', \'"], interval: 1s}'


@needs_root
@needs_no_unit
def test_nobody_is_enough_and_gets_no_more(as_nobody, web):
    d = as_nobody(f"""
checks:
  root: {{type: disk, path: /, interval: 1s}}
  api: {{type: http, url: "{web.url}", interval: 1s}}
  mem: {{type: memory, interval: 1s}}
  rights: {EXEC}
""")
    for check in ("root", "api", "mem", "rights"):
        d.wait_state(check, "up")
    own = status_of(d.process.pid)
    assert own["NoNewPrivs"] == "1" and own["Seccomp"] == "2" and own["CapEff"].strip("0") == "", own
    helpers = children_of(d.process.pid)
    assert helpers
    for pid in helpers:
        helper = status_of(pid)
        assert helper["NoNewPrivs"] == "1" and helper["Seccomp"] == "2", helper
        # Theirs is one more: no program is started from there.
        assert int(helper["Seccomp_filters"]) == int(own["Seccomp_filters"]) + 1, helper
    told = json.dumps(d.check("rights"))
    assert "NoNewPrivs: 1" in told and "Seccomp: 2" in told and "65534" in told, told
    assert "sandbox: no new privileges, no cores, system calls filtered" in d.log.read_text()


REFUSED = "{type: exec, command: [unshare, --user, 'true'], interval: 1s}"


@needs_no_unit
def test_what_is_refused_is_said_and_kills_nobody(daemon):
    d = daemon(f"checks:\n  odd: {REFUSED}\n  mem: {{type: memory, interval: 1s}}\n").start()
    lab.wait_for("the word about it", lambda: "may not use unshare" in d.log.read_text())
    lab.wait_for("more runs", lambda: d.check("odd")["runs"] >= 3)
    assert d.log.read_text().count("may not use unshare") == 1
    assert d.check("mem")["state"] == "up" and d.check("odd")["last"]["outcome"] != "ok"


def give_rights(path, kind):
    """A program of root's that reads what root may, for whoever starts it."""
    if kind == "uid":
        os.chown(path, 0, 0)
        os.chmod(path, 0o4755)
    else:
        os.chmod(path, 0o755)
        effective, dac_read_search = 0x02000001, 1 << 2
        os.setxattr(path, "security.capability", struct.pack("<5I", effective, dac_read_search, 0, 0, 0))


@pytest.fixture
def shelf(folder):
    """A folder that nobody may search, with programs whose files give rights; a secret of root's beside them."""
    where = Path(folder) / "programs"
    where.mkdir()
    if os.statvfs(where).f_flag & os.ST_NOSUID:
        pytest.skip("this folder's mount withholds such rights from everybody")
    secret = where / "secret"
    secret.write_text("mine\n")
    secret.chmod(0o600)
    for kind in ("uid", "caps"):
        shutil.copy("/bin/cat", where / kind)
        try:
            give_rights(where / kind, kind)
        except OSError as e:
            pytest.skip(f"no file here can be given rights: {e}")
        held = subprocess.run([*NOBODY, where / kind, secret], capture_output=True, text=True)
        if held.stdout != "mine\n":
            pytest.skip(f"whoever runs the tests withholds them already: {held.stderr}")
    return where


@needs_root
@needs_no_unit
def test_rights_that_we_withhold_are_not_the_target_s_fault(as_nobody, shelf):
    def cat(kind, what):
        return f"{{type: exec, command: [{shelf}/{kind}, {what}], interval: 1s}}"

    d = as_nobody(f"""
checks:
  uid: {cat("uid", f"{shelf}/secret")}
  caps: {cat("caps", f"{shelf}/secret")}
  gone: {cat("uid", f"{shelf}/nothing")}
  fine: {cat("uid", "/etc/hostname")}
""")
    d.wait_state("fine", "up")
    for check, words in (("uid", "set-uid"), ("caps", "capabilities of its file")):
        lab.wait_for("a run", lambda: d.check(check).get("last"))
        last = d.check(check)["last"]
        assert last["outcome"] == "error" and last["cause"] == "self.local", last
        assert words in last["text"] and "our own sandbox or unit withholds" in last["text"], last
    # What it says itself is believed where it does not speak of rights.
    lab.wait_for("a run", lambda: d.check("gone").get("last"))
    last = d.check("gone")["last"]
    assert last["outcome"] == "fail" and last["cause"] == "exec.warning", last
    assert "are withheld by our own sandbox" in json.dumps(last["notes"]), last


@needs_root
@needs_no_unit
def test_check_and_doctor_warn_of_such_commands(as_nobody, shelf):
    shelf.chmod(0o711)
    script = shelf / "script"  # of one the kernel looks at the interpreter's rights alone
    script.write_text("#!/bin/cat\n")
    give_rights(script, "uid")
    d = as_nobody(f"""
checks:
  uid: {{type: exec, command: [{shelf}/uid, /etc/hostname], interval: 1s}}
  caps: {{type: exec, command: [{shelf}/caps, /etc/hostname], interval: 1s}}
  plain: {{type: exec, command: [cat, /etc/hostname], interval: 1s}}
  script: {{type: exec, command: [{script}, /etc/hostname], interval: 1s}}
receivers:
  mail: {{type: exec, command: [{shelf}/uid, -t]}}
  page: {{type: exec, command: [cat, -t]}}
""")
    d.wait_state("plain", "up")

    def triage(*words):
        return subprocess.run([BUILD / "triage", *words, "-c", d.config], capture_output=True, text=True,
                              env={**os.environ, "RUNTIME_DIRECTORY": str(d.folder)})

    warned = triage("check")
    assert warned.returncode == 0 and "3 warnings" in warned.stdout, warned
    for name, kind, words in (("uid", "uid", "set-uid"), ("caps", "caps", "capabilities of its file"),
                              ("mail", "uid", "set-uid")):
        line = f"{name}: {shelf}/{kind} needs the rights of its file ({words}), and the daemon's sandbox withholds"
        assert line in warned.stderr, warned
    found = [f for f in json.loads(triage("doctor", "--json").stdout)["findings"] if f["name"] == "commands"]
    assert [f["finding"] for f in found] == ["warning"] * 3, found
    assert {f["text"].split(":")[0] for f in found} == {"uid", "caps", "mail"}, found
    d.write(d.config.read_text().replace("state_dir:", "sandbox: off, state_dir:"), head=False)
    assert "warning" not in triage("check").stdout


@needs_root
@needs_no_unit
@pytest.mark.parametrize("group, warns", (("1 0", True), ("0 2147483647", False), ("0 65533", True)))
def test_a_ping_needs_no_right_where_everybody_may(folder, daemon, shelf, group, warns):
    """The kernel's word on who may ping is of the network that one is in: here it is an own one."""
    if subprocess.run(["unshare", "--net", "true"], check=False).returncode != 0:
        pytest.skip("no network of our own here")
    shelf.chmod(0o711)
    (shelf / "caps").rename(shelf / "ping")
    shutil.copy("/bin/cat", shelf / "other")
    give_rights(shelf / "other", "caps")
    d = daemon(f"""
checks:
  ping: {{type: exec, command: [{shelf}/ping, 127.0.0.1]}}
  other: {{type: exec, command: [{shelf}/other, /etc/hostname]}}
""")
    script = f"echo '{group}' > /proc/sys/net/ipv4/ping_group_range && exec {BUILD}/triage check -c {d.config}"
    said = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert said.returncode == 0 and "other: " in said.stderr, said
    assert ("ping: " in said.stderr) == warns, said


@needs_no_unit
def test_what_the_sandbox_breaks_is_not_the_target_s_fault(daemon):
    def refused(then):
        return f"{{type: exec, command: [/bin/sh, -c, 'unshare --user true 2>/dev/null; {then}'], interval: 1s}}"

    d = daemon(f"""
checks:
  crash: {refused("kill -SEGV $$")}
  code: {refused("exit 7")}
  words: {refused("echo not permitted; exit 2")}
  looked: {refused("echo too full; exit 2")}
  fine: {refused("echo fine")}
  own: {{type: exec, command: [/bin/sh, -c, 'kill -SEGV $$'], interval: 1s}}
""").start()
    d.wait_state("fine", "up")
    for check, outcome, cause in (("crash", "error", "self.local"), ("code", "fail", "exec.crashed"),
                                  ("words", "error", "self.local"), ("looked", "fail", "exec.critical"),
                                  ("own", "fail", "exec.crashed")):
        lab.wait_for("a run", lambda: d.check(check).get("last"))
        last = d.check(check)["last"]
        assert (last["outcome"], last["cause"]) == (outcome, cause), (check, last)
        said = "our own sandbox refused: unshare" in json.dumps(last)
        assert said == (check != "own"), last


@needs_no_unit
def test_it_can_be_switched_off(daemon):
    d = daemon(f"checks:\n  rights: {EXEC}\n")
    d.write(d.config.read_text().replace("state_dir:", "sandbox: off, state_dir:"), head=False)
    d.start()
    d.wait_state("rights", "up")
    own = status_of(d.process.pid)
    assert (own["NoNewPrivs"], own["Seccomp"]) == (status_of(os.getpid())["NoNewPrivs"], status_of(os.getpid())["Seccomp"])
    assert "sandbox: off" in d.log.read_text()
    d.write(d.config.read_text().replace("sandbox: off", "sandbox: on"), head=False)
    d.reload()
    assert "takes effect at the next start only: daemon.sandbox" in d.log.read_text()


@needs_root
@needs_no_unit
@needs_plain
def test_its_memory_is_not_for_others(as_nobody):
    """Another process of the same user, as every command of a check is."""
    d = as_nobody("checks:\n  mem: {type: memory, interval: 1s}\n", before=["prlimit", "--core=unlimited"])
    spy = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace({PTRACE_ATTACH}, {d.process.pid}, 0, 0), ctypes.get_errno())
for name in ("mem", "environ", "maps"):
    try:
        open("/proc/{d.process.pid}/" + name, "rb").read(1)
        print(name, "can be read")
    except OSError as e:
        print(name, e.errno)
"""
    told = subprocess.run([*NOBODY, "/usr/bin/python3", "-c", spy], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:4] == ["-1 1", "mem 13", "environ 13", "maps 13"], told
    os.kill(d.process.pid, signal.SIGABRT)
    _, status = os.waitpid(d.process.pid, 0)
    d.process = None
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)


# ---- where it writes ----

WRITERS = ("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rmdir",
           "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate", "chmod", "fchmodat",
           "chown", "lchown", "fchownat", "utimensat", "setxattr", "bind")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")


def written(trace):
    """{path} of what was opened for writing, made, moved, taken away or changed; also where it did not succeed."""
    found = set()
    for line in Path(trace).read_text().splitlines():
        call = re.match(r"(?:\d+ +)?(\w+)\((.*)", line)
        if not call or call.group(1) not in WRITERS:
            continue
        name, rest = call.groups()
        if name.startswith("open") and not WRITES.search(rest):
            continue
        if name == "bind" and "AF_UNIX" not in rest:
            continue
        base = re.match(r"\d+<([^>]*)>|AT_FDCWD<([^>]*)>", rest)
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', rest):
            root = next((g for g in base.groups() if g), "/") if base else "/"
            found.add(os.path.normpath(os.path.join(root, text)))
    return found


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@needs_no_unit
def test_it_writes_in_its_state_folder_alone(daemon, folder, web, hook):
    import sqlite3
    trace = Path(folder) / "trace"
    log = Path(folder) / "app.log"
    log.write_text("begun\n")
    base = Path(folder) / "app.db"
    with sqlite3.connect(base) as db:
        db.execute("create table t (x)")
    d = daemon(f"""
checks:
  root: {{type: disk, path: /, interval: 1s}}
  mem: {{type: memory, interval: 1s}}
  cpu: {{type: cpu, interval: 1s}}
  net: {{type: network, interval: 1s}}
  proc: {{type: process, name: triaged, interval: 1s}}
  port: {{type: port, listen: "127.0.0.1:{web.port}", interval: 1s}}
  file: {{type: file, path: {log}, checksum: true, interval: 1s}}
  log: {{type: log, path: {log}, patterns: {{bad: ERROR}}, interval: 1s}}
  base: {{type: sqlite, path: {base}, interval: 1s}}
  cmd: {{type: exec, command: ['true'], interval: 1s}}
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
  name: {{type: dns, name: localhost, interval: 1s}}
  gone: {{type: tcp, address: "127.0.0.1:1", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
  cmd: {{type: exec, command: ['true']}}
""", env={"ASAN_OPTIONS": "detect_leaks=0:exitcode=86"})
    d.start(wrapper=["strace", "-f", "-qq", "-y", "-s", "300", "-e", f"trace={','.join(WRITERS)}", "-o", trace])
    hook.wait("incident.opened", "gone")
    log.write_text("begun\nERROR one\n")
    web.status = 500
    hook.wait("incident.opened", "api")
    web.status = 200
    hook.wait("incident.resolved", "api")
    for path in ("checks/api/run", "reload", "backup", "receivers/hook/test"):
        assert d.api.request("POST", f"/api/v1/{path}")[0] in (200, 202, 204), path
    tracer, d.process = d.process, None
    os.kill(int(children_of(tracer.pid)[0]), signal.SIGTERM)
    assert tracer.wait(lab.LIMIT) == 0, d.words()
    # A threshold is written there: the kernel then says when memory gets short.
    allowed = (f"{d.state}/", f"{d.run_folder}/api.sock", "/dev/null/", "/proc/pressure/")
    seen = written(trace)
    # The state folder is made with those above it, which are there.
    outside = {path for path in seen if not f"{path}/".startswith(allowed) and not f"{d.state}/".startswith(f"{path}/")}
    assert not outside, outside
    assert any(path.startswith(str(d.state)) for path in seen), "the tracer saw nothing"


# ---- where its secrets are not ----

def words_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""  # a command that is over


class Secrets(dict):
    """Each name asked for becomes a text that stands nowhere else."""

    def __missing__(self, name):
        self[name] = f"planted{name.replace('_', '')}{uuid.uuid4().hex[:12]}"
        return self[name]


def every_word(d):
    """All that the API says."""
    said = []
    for path in ("status", "checks", "incidents", "receivers", "config", "silences", "doctor", "heartbeat", "playbooks"):
        said.append(d.api.request("GET", f"/api/v1/{path}")[2].decode(errors="replace"))
    for check in d.api.get("/api/v1/checks")["checks"]:
        for more in ("", "/why"):
            said.append(d.api.request("GET", f"/api/v1/checks/{check['name']}{more}")[2].decode(errors="replace"))
    for incident in d.api.get("/api/v1/incidents")["incidents"]:
        for more in ("", ".md"):
            said.append(d.api.request("GET", f"/api/v1/incidents/{incident['id']}{more}")[2].decode(errors="replace"))
    said.append(d.api.request("GET", "/metrics")[2].decode(errors="replace"))
    return "\n".join(said)


def test_secrets_of_every_kind_stay_inside(daemon, folder, hook):
    s = Secrets(pagerduty=uuid.uuid4().hex)
    (Path(folder) / "token").write_text(s["api_token"] + "\n")
    spy = Path(folder) / "spy"
    spy.write_text(f"#!/bin/sh\ncp /proc/self/environ {folder}/env.$$ && mv {folder}/env.$$ {folder}/env.$1\n"
                   f"for f in /proc/[0-9]*/cmdline; do cat $f 2>/dev/null; done >> {folder}/argv\n"
                   "echo the word is $WORD >&2; exit 2\n")
    spy.chmod(0o755)
    dead = "127.0.0.1:1"
    url = f"http://{dead}"
    env_name = "PLANTED_IN_THE_ENVIRONMENT"
    d = daemon(f"""
checks:
  web: {{type: http, url: "http://u:{s['url_password']}@{dead}/?token={s['url_query']}", headers: {{X-Key: "{s['header']}"}}}}
  bearer: {{type: http, url: "{url}/", auth: {{token: "{s['bearer']}"}}}}
  digest: {{type: http, url: "{url}/", auth: {{type: digest, user: u, password: "{s['digest']}"}}}}
  given: {{type: http, url: "{url}/", headers: {{Authorization: "Bearer ${{{env_name}}}"}}}}
  pg: {{type: postgres, dsn: "postgresql://u:{s['postgres']}@{dead}/x"}}
  my: {{type: mysql, dsn: "u:{s['mysql']}@tcp({dead})/x"}}
  cache: {{type: redis, url: "redis://:{s['redis']}@{dead}/0"}}
  mail: {{type: smtp, address: "{dead}", user: u, password: "{s['smtp']}", starttls: required}}
  root: {{type: disk, path: /}}
  job: {{type: heartbeat, token: "{s['heartbeat_token']}", period: 1h}}
  cmd: {{type: exec, command: [{spy}, check], env: {{WORD: "{s['exec_env']}"}}}}
defaults: {{interval: 1s, retries: 1, timeout: 5s}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "raw:{s['webhook_secret']}", headers: {{X-Key: "{s['hook_header']}"}}}}
  slack: {{type: slack, url: "{url}/services/{s['slack_path']}"}}
  bot: {{type: slack, proxy: "{url}", token: "xoxb-{s['slack_token']}", channel: C0123456789}}
  discord: {{type: discord, url: "{url}/api/webhooks/1/{s['discord']}"}}
  teams: {{type: teams, url: "{url}/{s['teams']}"}}
  telegram: {{type: telegram, url: "{url}", token: "123456:{s['telegram']}", chat_id: 42}}
  pager: {{type: pagerduty, url: "{url}", routing_key: "{s['pagerduty']}"}}
  mail: {{type: email, server: "smtps://{dead}", from: a@b.test, to: c@b.test, user: u, password: "{s['email']}"}}
  am: {{type: alertmanager, url: "{url}", user: u, password: "{s['alertmanager']}"}}
  feishu: {{type: feishu, url: "{url}/open-apis/bot/v2/hook/{s['feishu']}", secret: "{s['feishu_secret']}"}}
  ding: {{type: dingtalk, url: "{url}/robot/send?access_token={s['dingtalk']}", secret: "SEC{s['dingtalk_secret']}"}}
  wecom: {{type: wecom, url: "{url}/cgi-bin/webhook/send?key={s['wecom']}"}}
  mm: {{type: mattermost, url: "{url}/hooks/{s['mattermost']}"}}
  ntfy: {{type: ntfy, url: "{url}", topic: "{s['ntfy_topic']}", token: "{s['ntfy_token']}"}}
  cmd: {{type: exec, command: [{spy}, receiver], env: {{WORD: "{s['receiver_env']}"}}}}
heartbeat: {{url: "{url}/ping/{s['heartbeat_out']}", interval: 10s}}
""", env={env_name: s["environment"]})
    text = d.config.read_text().replace("listen: off", f"listen: off, token: \"${{file:{folder}/token}}\"")
    d.write(text, head=False)
    d.start()
    for name in ("web", "bearer", "digest", "given", "pg", "my", "cache", "mail", "cmd"):
        d.wait_state(name, "down")
    hook.wait("incident.opened", "cmd")
    lab.wait_for("the commands", lambda: all((Path(folder) / f"env.{who}").exists() for who in ("check", "receiver")))
    lab.wait_for("each receiver to have tried", lambda: all(
        r["last_error"] or r["last_success_at"] for r in d.api.get("/api/v1/receivers")["receivers"]))
    out = {"the API": every_word(d)}
    tool_env = {"RUNTIME_DIRECTORY": folder}
    for words in (["status"], ["checks", "--json"], ["receivers"], ["incidents", "--json"], ["doctor"], ["why", "web"],
                  ["test", "slack"], ["check", str(d.config)]):
        done = lab.triage(*words, env=tool_env)
        out[f"triage {words[0]}"] = done.stdout + done.stderr
    out["the words of the daemon"] = Path(f"/proc/{d.process.pid}/cmdline").read_bytes().decode(errors="replace")
    helpers = [pid for pid in children_of(d.process.pid) if "--fs-helper" in words_of(pid)]
    assert helpers
    for pid in helpers:
        out[f"the environment of helper {pid}"] = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    d.stop()
    out["the log"] = d.log.read_text()
    out["the messages"] = json.dumps(hook.requests)
    out["the words of all processes"] = (Path(folder) / "argv").read_bytes().decode(errors="replace")
    for path in d.state.rglob("*"):
        if path.is_file():
            out[f"the file {path.name}"] = path.read_bytes().decode(errors="replace")
    for who, own in (("check", "exec_env"), ("receiver", "receiver_env")):
        words = (Path(folder) / f"env.{who}").read_bytes().decode()
        assert s[own] in words
        out[f"the environment of the {who}'s command"] = words.replace(s[own], "")
    told = [f"{name} in {where}" for where, words in out.items() for name, secret in s.items() if secret in words]
    assert not told, told
    assert len(s) >= 28 and len(out["the log"]) > 1000 and len(out["the API"]) > 10000
