"""Commands as receivers: a real script of a user, told by the real daemon."""
import json
import os
import stat
from pathlib import Path

import lab

SCRIPT = """#!/bin/sh
# Fails as long as the file `broken` is there, the way a network does.
cd {folder} || exit 1
echo "$TRIAGED_EVENT $TRIAGED_CHECK $TRIAGED_ID" >> tries
if [ -e broken ]; then echo "cannot reach the pager: $PAGE_TOKEN" >&2; exit 75; fi
env | grep -v '^_=' > "env-$TRIAGED_EVENT"
cat > "body-$TRIAGED_EVENT"
"""


def script(folder, text=SCRIPT):
    path = Path(folder) / "page"
    path.write_text(text.format(folder=folder))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def settings(web, program, more=""):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  page: {{type: exec, command: [{program}, "a b"], {more}}}
"""


def test_a_script_hears_beginning_and_end(daemon, web, folder):
    here = Path(folder)
    d = daemon(settings(web, script(folder), "env: {PAGE_TOKEN: '${PAGE_TOKEN}'}"),
               env={"PAGE_TOKEN": "hunter22hunter22", "OTHER_SECRET": "not for you"}).start()
    d.wait_state("api", "up")
    web.stop()
    lab.wait_for("the beginning", lambda: (here / "body-opened").exists()
                 and (here / "body-opened").read_text().endswith("}"))
    web.start()
    lab.wait_for("the end", lambda: (here / "body-resolved").exists()
                 and (here / "body-resolved").read_text().endswith("}"))
    body = json.loads((here / "body-opened").read_text())
    assert body["type"] == "incident.opened"
    incident = body["data"]["incident"]
    env = dict(line.split("=", 1) for line in (here / "env-opened").read_text().splitlines())
    assert env["TRIAGED_INCIDENT"] == incident["id"] and env["TRIAGED_CHECK"] == "api"
    assert env["TRIAGED_CAUSE"] == "net.refused" and env["TRIAGED_SEVERITY"] == "critical"
    assert env["TRIAGED_STATUS"] == "open" and env["TRIAGED_TITLE"] == incident["title"]
    assert env["PAGE_TOKEN"] == "hunter22hunter22"
    ours = {k for k in env if not k.startswith("TRIAGED_")}
    assert ours <= {"PATH", "HOME", "LANG", "PAGE_TOKEN", "PWD", "OLDPWD", "SHLVL"}, ours
    assert "not for you" not in json.dumps(env)
    assert "hunter22" not in d.log.read_text()


def test_a_failing_script_is_run_again_under_the_same_id(daemon, web, folder):
    here = Path(folder)
    (here / "broken").touch()
    d = daemon(settings(web, script(folder), "env: {PAGE_TOKEN: '${PAGE_TOKEN}'}"),
               env={"PAGE_TOKEN": "hunter22hunter22"}).start()
    d.wait_state("api", "up")
    web.stop()
    lab.wait_for("a failed try", lambda: "next try in" in d.words())
    assert "exit 75: cannot reach the pager: ***" in d.words()
    tried = lab.triage("test", "page", env={"RUNTIME_DIRECTORY": str(d.folder)})
    assert "cannot reach the pager: ***" in tried.stdout
    assert "hunter22" not in tried.stdout + tried.stderr + d.log.read_text()
    (here / "broken").unlink()
    web.start()
    lab.wait_for("the end", lambda: (here / "body-resolved").exists())
    tries = [line.split() for line in (here / "tries").read_text().splitlines()]
    opened = [t for t in tries if t[0] == "opened"]
    assert len(opened) >= 2 and len({t[2] for t in opened}) == 1
    assert tries.index(opened[-1]) < [t[0] for t in tries].index("resolved")


def test_a_hanging_script_is_ended_with_what_it_started(daemon, folder):
    program = script(folder, "#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! > {folder}/pid\n"
                             "echo waiting\nwait\nwait\n")
    d = daemon(f"receivers:\n  page: {{type: exec, command: {program}, timeout: 1s}}\n").start()
    tried = lab.triage("test", "page", env={"RUNTIME_DIRECTORY": str(d.folder)})
    assert tried.returncode != 0
    assert "no end after 1s" in tried.stdout + tried.stderr
    pid = int((Path(folder) / "pid").read_text())

    def is_gone():
        try:
            return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
        except OSError:
            return True
    lab.wait_for("the end of its child", is_gone)


def test_a_program_that_is_not_there_is_a_warning(folder):
    config = Path(folder) / "c.yaml"
    config.write_text("receivers:\n  page: {type: exec, command: /nonexistent/page}\n")
    checked = lab.triage("check", config)
    words = checked.stdout + checked.stderr
    assert "warning: command: /nonexistent/page: No such file or directory" in words, words
    assert os.fspath(config) in words and checked.returncode == 0
