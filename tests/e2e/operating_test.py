"""What docs/operating.md says about a daemon in trouble is complete, and its steps back work."""
import re
import sqlite3
import subprocess
import sys

import compat_state
import lab

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402

PAGE = "docs/operating.md"


def steps(first):
    """The lines of the block in which `first` stands, as root of a host without systemd runs them."""
    block, = [b for b in pages.blocks(PAGE) if b.language == "sh" and first in b.text]
    lines = [line for line in block.text.split("\n") if line.startswith("sudo sh -c")]
    assert lines
    return [line.replace("sudo ", "").replace("-o triaged -g triaged ", "") for line in lines]


def follow(d, first):
    for line in steps(first):
        run = subprocess.run(["bash", "-euc", line.replace("/var/lib/triaged", str(d.state))],
                             capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, (line, run)


def config(web, hook):
    return f"""
checks:
  open: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  hook: {{type: webhook, url: "{hook.url}", secret: "{lab.SECRET_TEXT}"}}
"""


def test_the_way_back_to_a_backup(daemon, web, hook):
    d = daemon(config(web, hook)).start()
    d.wait_state("open", "up")
    web.stop()
    opened = hook.wait("incident.opened", "open")["data"]["incident"]["id"]
    assert lab.triage("backup", env={"RUNTIME_DIRECTORY": str(d.folder)}).returncode == 0
    web.start()
    hook.wait("incident.resolved", "open")
    d.kill()  # the logs beside the databases are of a later time than the backup
    assert (d.state / "state.db-wal").exists()
    follow(d, "/var/lib/triaged/backup/*.db")
    web.stop()
    d.start()
    d.wait_state("open", "down")
    assert [i["id"] for i in d.incidents()] == [opened]
    web.start()
    again = hook.wait("incident.resolved", "open", 2)["data"]["incident"]["id"]
    assert again == opened and len(hook.events("incident.opened", "open")) == 1


def test_the_way_back_to_an_older_version(daemon, web, hook):
    state = compat_state.State("issue-6")
    d = daemon(config(web, hook))
    state.lay(d.state)
    d.start()
    d.stop()
    follow(d, "mv state.db.format-1 state.db")
    db = sqlite3.connect(d.state / "state.db")
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM docs WHERE kind='incident'").fetchone()[0] == \
        len(state.docs("incident"))
    db.close()
    left = {p.name for p in d.state.iterdir()}
    assert {"state.db", "state.db.newer", "history.db.newer"} <= left and "history.db" not in left
    d.start()  # and forward once more
    assert {i["id"] for i in d.incidents("all")} == set(state.docs("incident"))


def test_all_trouble_of_its_own_is_there():
    text = (lab.TOP / PAGE).read_text()
    for area, pattern in (("causes/self.def", r'CAUSE\("([\w.-]+)"'), ("", r'\.name = "([\w-]+)"')):
        path = f"daemon/model/{area}" if area else "daemon/rules/builtin/self.def"
        names = re.findall(pattern, (lab.TOP / path).read_text())
        assert names
        for name in names:
            assert f"`{name}`" in text, f"{PAGE} does not say what to do about {name}"
