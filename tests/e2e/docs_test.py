"""What stands in the pages is true: settings load, commands run, in a lab where a daemon is up.

Every yaml block is given to `triaged --check`, alone or as a part of a larger file; every line of a sh
block, and what stands behind a `$` in a console block, is run by bash and must end with 0, or with what
its comment says (`# exits 2`, `# exits 0 or 1`).  A mark in the line before the fence keeps a block from being run and
says why: `<!-- illustration: why -->`.  tests/lint/docs.py sees to it that each block has a language.
The examples of docs/cli-reference.md are run by cli_examples_test.py.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import lab
import srv_redis

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402

# What a part of a file may speak of without saying it.  What the block says itself goes first.
WORLD = {
    "checks": {
        "api": '{ type: http, url: "http://127.0.0.1:3000/api/status" }',
        "cache": '{ type: redis, url: "redis://127.0.0.1:6379/0" }',
        "db": '{ type: postgres, dsn: "postgresql://triaged@127.0.0.1/app" }',
        "disks": "{ type: disk, all: true }",
        "memory": "{ type: memory }",
        "web": '{ type: http, url: "http://127.0.0.1/" }',
    },
    "receivers": {name: "{ type: syslog }" for name in ("boss", "dba", "hook", "lead", "log", "ops", "pager")},
}
# What ${NAME} is worth in settings, by the end of the name; anything else is a word.
WORTH = {
    "DSN": "postgresql://app:secret@127.0.0.1:5432/app",
    "REDIS_CONN_STRING": "redis://:secret@127.0.0.1:6379/0",
    "URL": "https://hooks.example.com/services/T0/B0/abcdefghijklmnop",
    "TOKEN": "xoxb-0123456789-abcdefghijklmnop", "TELEGRAM_TOKEN": "123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGH",
    "BACKUP_TOKEN": "0123456789abcdef", "HOOK_SECRET": lab.SECRET_TEXT,
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef", "NTFY_TOPIC": "triaged-lab",
}
# Settings that are read from the disk while they are checked: what stands in their place.
PLACES = {r"/etc/ssl/our-ca\.pem": "{ca}", r"/usr/local/bin/page\b": "/bin/true",
          r"\$\{(?:file|credential):[^}]*\}": "0123456789abcdef0123456789abcdef"}

# Examples name places of an installed daemon; in the lab these are elsewhere.  All that is replaced:
SUBSTITUTES = [
    (r"/etc/triaged/triaged\.yaml", "{config}"),
    (r"/run/triaged/api\.sock", "{socket}"),
    (r"/var/lib/triaged\b", "{state}"),
    (r"/srv/shop\b", "{here}/shop"),
    (r"127\.0\.0\.1:8421", "{api}"),
    (r"\b127\.0\.0\.1:6379|\bcache:6379", "{redis}"),
    (r"\b127\.0\.0\.1:3000", "{web}"),
    (r"\b(8926|3f9c|4478)[0-9a-f]*\b", "{incident}"),
    (r"\btriage test feishu\b", "triage test ops"),
    (r"\b12a82fa8\b", "{silence}"),
    (r"\bbuild/(triaged?)\b", r"\1"),
    (r"\bsudo (-u \w+ )?", ""),
]
# These run until they are stopped: they must still run after a while, or have ended well.
SHELL = """
set -o pipefail
own_net() {
	if unshare $UNSHARE true 2>/dev/null; then
		unshare $UNSHARE sh -c 'ip link set lo up; exec "$@"' sh "$@"
	else
		"$@"
	fi
}
stopped() { timeout -k 20 "$@"; status=$?; [ $status = 124 ] && status=0; return $status; }
triaged() {
	case " $* " in
	*" --check"*|*" --manual"*|*" --version"*|*" --help"*) command triaged "$@" ;;
	*) STATE_DIRECTORY=$OWN RUNTIME_DIRECTORY=$OWN own_net timeout --preserve-status -k 20 3 triaged "$@" ;;
	esac
}
triage() { case " $* " in *" --watch "*|*" -w "*) stopped 2 triage "$@" ;; *) command triage "$@" ;; esac; }
curl() { case "$1" in -*N*) stopped 2 curl "$@" ;; *) command curl "$@" ;; esac; }
"""
RUN_ELSEWHERE = {"docs/cli-reference.md"}
MADE = re.compile(r"#\s*(?:\./)?([\w-]+\.ya?ml)\b")


def worth(name):
    fitting = [end for end in WORTH if name.endswith(end)]
    return WORTH[max(fitting, key=len)] if fitting else "word"


def of_pages(language):
    """The pages that have a block of it to try."""
    return [name for name in pages.names() if name not in RUN_ELSEWHERE and
            any(b.language in language and not b.mark for b in pages.blocks(name))]


# ---- settings ----

def check(path, environment):
    done = subprocess.run([lab.BUILD / "triaged", "--check", "-c", path], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], **environment}, timeout=lab.LIMIT)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def check_playbook(folder, block):
    """It may speak of rules in the settings that stand before it."""
    name = re.match(r"playbook: ([\w-]+)", block.text).group(1)
    (folder / "playbooks").mkdir()
    (folder / f"playbooks/{name}.yaml").write_text(block.text)
    rules = [b for b in settings(block.page) if b.line < block.line and not b.text.startswith("playbook:")]
    (folder / "whole.yaml").write_text(rules[-1].text if rules else "checks: { memory: { type: memory } }\n")
    return check(folder / "whole.yaml", {})


def settings(page):
    """The blocks of settings in a page; the reference is asked of the program that prints it."""
    text = None
    if page == "docs/configuration.md":
        text = subprocess.run([lab.BUILD / "triaged", "--manual"], capture_output=True, text=True, check=True).stdout
    return [b for b in pages.blocks(page, text) if b.language == "yaml" and not b.mark]


def check_rules(folder, block):
    """The built-in rules as the reference prints them: names, of which some stand there several times."""
    seen, files = {}, {}
    for name, rule in re.findall(r"^([\w-]+):\n((?:[ #].*\n)+)", block.text, re.M):
        seen[name] = seen.get(name, 0) + 1
        files.setdefault(seen[name], "rules:\n")
        files[seen[name]] += f"  {name}:\n" + re.sub("^", "  ", rule, flags=re.M).rstrip() + "\n"
    assert sum(seen.values()) == len(re.findall(r"^\S", block.text, re.M)), "not only rules"
    for text in files.values():
        (folder / "rules.yaml").write_text("checks: { memory: { type: memory } }\n" + text)
        done = check(folder / "rules.yaml", {})
        if done.returncode != 0:
            break
    return done


def check_settings(folder, block):
    text = block.text
    for place, instead in PLACES.items():
        text = re.sub(place, instead.format(ca=folder / "ca.pem"), text)
    (folder / "part.yaml").write_text(text)
    environment = {name: worth(name) for name in re.findall(r"\$\{([A-Za-z_]\w*)\}", text)}  # without a default
    alone = check(folder / "part.yaml", environment)
    if alone.returncode == 0:
        return alone
    said = yaml.safe_load(text)
    head = "include: part.yaml\n"
    for part, rows in WORLD.items():
        mine = (said.get(part) if isinstance(said, dict) else None) or {}
        head += f"{part}:\n" + "".join(f"  {k}: {v}\n" for k, v in rows.items() if k not in mine)
    (folder / "whole.yaml").write_text(head)
    return check(folder / "whole.yaml", environment)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-keyout", path.with_suffix(".key"), "-out", path, "-subj", "/CN=lab"],
                   check=True, capture_output=True)
    return path


@pytest.mark.parametrize("page", of_pages({"yaml"}))
def test_settings_load(page, tmp_path, authority):
    wrong = []
    for number, block in enumerate(settings(page)):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(authority, folder / "ca.pem")
        look = check_playbook if block.text.startswith("playbook:") else \
            check_rules if page == "docs/configuration.md" and block.text.startswith("check-down:") else check_settings
        done = look(folder, block)
        if done.returncode != 0:
            wrong.append(f"{block.place}: {done.stderr}")
    assert not wrong, "\n".join(wrong)


# ---- commands ----

class Lab:
    """A daemon with something to show: `cache` is gone, so `api` fails because of it."""

    def __init__(self, folder):
        self.web, self.hook = lab.Web().start(), lab.Hook().start()
        self.redis = srv_redis.Redis().start()
        self.syslog = lab.Syslog(f"{folder}/log.sock")
        self.folder = Path(folder)
        self.api = f"127.0.0.1:{lab.free_port()}"
        self.daemon = lab.Daemon(folder)
        self.daemon.write(f"""
daemon: {{ name: web-1, state_dir: {self.daemon.state} }}
api: {{ listen: "{self.api}" }}
defaults: {{ interval: 300ms, retries: 1 }}
checks:
  api: {{ type: http, url: "{self.web.url}", expect: {{ json: ready == true }}, needs: [cache] }}
  cache: {{ type: tcp, address: "127.0.0.1:{lab.free_port()}" }}
  db: {{ type: http, url: "{self.web.url}" }}
  web: {{ type: http, url: "{self.web.url}" }}
  disks: {{ type: disk, all: true, interval: 1s }}
  memory: {{ type: memory, interval: 1s }}
rules:
  slow-api: {{ warning: "avg(api.total_time, 5m) > 20s" }}
receivers:
  ops: {{ type: webhook, url: "{self.hook.url}" }}
  log: {{ type: syslog, socket: "{self.syslog.path}" }}
""", head=False)
        self.daemon.start()
        self.daemon.wait_state("cache", "down")
        self.daemon.wait_state("memory", "up")
        self.incident = lab.wait_for("the incident", self.daemon.incidents)[0]["id"]
        made = lab.triage("silence", "nobody", "--for", "1h", "--json", env=self.daemon.environment())
        self.silence = re.search(r'"id": "(\w+)"', made.stdout).group(1)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name in ("triage", "triaged"):
            (self.bin / name).symlink_to(lab.BUILD / name)

    def stop(self):
        self.daemon.stop()
        self.redis.destroy()
        self.syslog.close()
        self.web.stop()
        self.hook.stop()

    def home(self, page):
        """Where a page's commands run: a project, and the files that the page itself shows."""
        here = self.folder / re.sub(r"\W", "-", page)
        (here / "own").mkdir(parents=True)
        shutil.copytree(lab.TOP / "tests/init/new-api", here / "shop")
        (here / "new-rules.yaml").write_text("rules:\n  slow: { check: api, warning: api.total_time > 2s }\n")
        shutil.copy(lab.TOP / "tests/import/gatus.yaml", here / "config.yaml")
        shutil.copy(lab.TOP / "tests/import/kuma.json", here / "backup.json")
        (here / "body.json").write_text("{}")
        for block in pages.blocks(page):
            name = MADE.match(block.text) if block.language == "yaml" else None
            if name:
                (here / name.group(1)).write_text(block.text)
        return here

    def environment(self, here):
        return {**self.daemon.environment(), "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(here),
                "TERM": "dumb", "TRIAGED_CONFIG": str(self.daemon.config), "SQL_DSN": "/", "OWN": f"{here}/own",
                "UNSHARE": "-n" if os.geteuid() == 0 else "-rn", "LANG": "C.UTF-8",
                **{name: WORTH[name] for name in ("HOOK_SECRET",)}, "SLACK_WEBHOOK_URL": WORTH["URL"]}

    def here(self, line, folder):
        words = {"config": self.daemon.config, "socket": self.daemon.api.path, "state": self.daemon.state,
                 "here": folder, "api": self.api, "redis": f"127.0.0.1:{self.redis.port}",
                 "web": f"127.0.0.1:{self.web.port}", "incident": self.incident[:8], "silence": self.silence}
        for example, instead in SUBSTITUTES:
            line = re.sub(example, re.sub(r"\{(\w+)\}", lambda m: str(words[m.group(1)]), instead), line)
        return line


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = Lab(tmp_path_factory.mktemp("d", numbered=True))
    yield made
    made.stop()


def is_whole(text):
    """Whether it is a command by itself, or goes on in the next line."""
    if text.rstrip().endswith(("\\", "|", "&&")):
        return False
    return subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).returncode == 0


def commands(block):
    """(line, command, statuses it may end with): each with the lines that belong to it."""
    prompt = block.language == "console"
    number, text = block.line, ""
    for line in block.text.split("\n"):
        number += 1
        if prompt and not text:
            if not line.startswith("$ "):
                continue
            line = line[2:]
        text += line + "\n"
        if is_whole(text):
            if text.strip() and not text.strip().startswith("#") or "\n" in text.strip():
                says = re.search(r"#.*\bexits (\d+(?: or \d+)*)", text)
                yield number, text, says.group(1).split(" or ") if says else ["0"]
            text = ""
    assert not text.strip(), f"{block.place}: not a whole command: {text}"


def run_block(world, here, block):
    """Line by line in one shell, so that `cd` and variables hold; None, or what went wrong."""
    script, wanted = SHELL, []
    for number, text, statuses in commands(block):
        wanted.append((number, text, statuses))
        script += f"bad=0; trap 'bad=$?' ERR\n{{ :\n{world.here(text, here)}}} </dev/null 2>&1\n" \
                  "trap - ERR; printf '\\n@@%d\\n' $bad\n"
    done = subprocess.run(["timeout", "-k", "5", "90", "bash", "-c", script], cwd=here, text=True, errors="replace",
                          env=world.environment(here), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = re.split(r"\n@@(\d+)\n", done.stdout)
    for position, (number, text, statuses) in enumerate(wanted):
        if 2 * position + 1 >= len(said):
            return f"{block.page}:{number}: {text.strip()}: did not end\n{said[-1][-2000:]}"
        output, got = said[2 * position], said[2 * position + 1]
        if got not in statuses or "Sanitizer" in output or "runtime error:" in output:
            return f"{block.page}:{number}: {text.strip()}: exits {got}, not {' or '.join(statuses)}\n{output[-2000:]}"
    return None


@pytest.mark.parametrize("page", of_pages({"sh", "console"}))
def test_commands_run(page, world):
    wrong, here = [], world.home(page)
    for block in pages.blocks(page):
        if block.language not in ("sh", "console") or block.mark:
            continue
        if block.text.startswith("#!"):
            done = subprocess.run(["sh", "-n"], input=block.text, text=True, capture_output=True)
            error = done.stderr if done.returncode else None
        else:
            error = run_block(world, here, block)
        if error:
            wrong.append(error)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", of_pages({"python"}))
def test_python_compiles(page):
    for block in pages.blocks(page):
        if block.language == "python" and not block.mark:
            compile(block.text, block.place, "exec")


# ---- what is named in the text ----

def verb_options():
    """The verbs, each with its options as `triage help VERB` lists them."""
    table = (lab.TOP / "daemon/cli/verbs.def").read_text()
    found = {}
    for verb in re.findall(r"^VERB\((\w+)\)", table, re.M):
        said = lab.triage("help", verb).stdout
        found[verb] = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", said))
    return found


def test_commands_in_the_text_exist():
    """`triage VERB --option`, `triaged --option` and `make TARGET` between backticks."""
    verbs = verb_options()
    shown = re.findall(r"^  (\w+)  ", lab.triage("help").stdout.split("Options of")[0], re.M)
    page = (lab.TOP / "docs/cli.md").read_text()
    assert len(verbs) > 20 and len(shown) > 20, (verbs, shown)
    assert not [verb for verb in shown if f"triage {verb}" not in page], "docs/cli.md has each verb"
    verbs |= {"help": set(), "version": set(),
              "triaged": {"-c", "--config", "--check", "--manual", "--version", "--help"}}
    targets = set()
    for row in re.findall(r"^([\w -]+):(?!=)", (lab.TOP / "Makefile").read_text(), re.M):
        targets |= set(row.split())
    wrong = []
    for page in pages.names():
        for number, line in pages.prose(page):
            for command in re.findall(r"`((?:triaged?|make) [^`]+)`", line):
                words = command.replace("|", " ").split()
                if words[0] == "make":
                    named = [w for w in words[1:] if re.fullmatch(r"[a-z][\w-]*", w)]
                    wrong += [f"{page}:{number}: make {w}: no such target" for w in named if w not in targets]
                    continue
                verb = "triaged" if words[0] == "triaged" else words[1]
                if verb not in verbs:
                    if re.fullmatch(r"[a-z]\w*", verb):
                        wrong.append(f"{page}:{number}: {command}: no such verb")
                    continue
                wrong += [f"{page}:{number}: {command}: no option {w}" for w in words[1:]
                          if re.fullmatch(r"--?[a-z][\w-]*", w) and w not in verbs[verb]]
    assert not wrong, "\n".join(wrong)


def test_settings_and_causes_in_the_text_exist():
    """`daemon.KEY` and its like in the schema, `layer.cause` in the catalogue."""
    parts = json.loads(lab.triage("schema").stdout)["properties"]
    keys = {f"{part}.{key}" for part in ("daemon", "history", "triage") for key in parts[part]["properties"]}
    causes = set()
    for path in (lab.TOP / "daemon/model/causes").glob("*.def"):
        causes |= set(re.findall(r'CAUSE\(\s*"?([\w.-]+)', path.read_text()))
    assert len(keys) > 8 and len(causes) > 150, (keys, len(causes))
    layers = {code.split(".")[0] for code in causes}
    # Checks of our own, keys below `daemon`, a sysctl.
    others = {"host.network", "host.resolver", "log.level", "log.format", "net.ipv4"}
    wrong = []
    for page in pages.names():
        for number, line in pages.prose(page):
            for name in set(re.findall(r"`([a-z]+\.[a-z0-9_-]+)(?:\.[a-z_]+)?`", line)) - keys - causes - others:
                head, tail = name.split(".")
                if tail in ("c", "h", "db", "md", "yaml"):
                    continue
                if head in ("daemon", "history", "triage") or head in layers and "_" not in tail:
                    wrong.append(f"{page}:{number}: {name}: no such setting, no such cause")
    assert not wrong, "\n".join(wrong)


def test_a_wrong_command_is_seen(world):
    """What this file promises: an option that is gone, a setting that is gone, a file that is not there."""
    here = world.folder
    for text, word in (("triage status --colour\n", "exits 2"), ("cat missing.yaml\n", "exits 1"),
                       ("triage nothing; true\n", "exits 2"), ("triage status # exits 1\n", "not 1")):
        error = run_block(world, here, pages.Block("page", 1, "sh", "", text))
        assert error and word in error, (text, error)
    assert run_block(world, here, pages.Block("page", 1, "sh", "", "triage chekc # exits 2\n")) is None


def test_a_wrong_setting_is_seen(tmp_path):
    text = "checks:\n  api: { type: http, url: 'http://127.0.0.1/', intervall: 5s }\n"
    assert check_settings(tmp_path, pages.Block("page", 1, "yaml", "", text)).returncode == 2
