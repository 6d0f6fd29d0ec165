"""The manual: pages that man and mandoc read without a word, and that leave nothing out."""
import os
import re
import shutil
import subprocess

import pytest

import lab

PAGES = ("triage.1", "triaged.8", "triaged.yaml.5")


def page(name, folder):
    path = f"{folder}/{name}"
    with open(path, "w") as f:
        f.write(lab.triage("__page", name).stdout)
    return path


@pytest.mark.parametrize("name", PAGES)
def test_lint(name, folder):
    path = page(name, folder)
    for command in (["mandoc", "-T", "lint", "-W", "warning", path],
                    ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path]):
        if shutil.which(command[0]) is None:
            pytest.fail(f"{command[0]} is missing: make deps-test")
        run = subprocess.run(command, capture_output=True, text=True, timeout=60,
                             env={**os.environ, "MANROFFSEQ": "", "LC_ALL": "C.UTF-8"})
        assert run.returncode == 0 and not run.stderr, run.stderr[:2000]
        if command[0] == "mandoc":
            assert not run.stdout, run.stdout[:2000]


def read(name, folder):
    run = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=90", page(name, folder)],
                         capture_output=True, text=True, timeout=60, check=True)
    return re.sub(".\b", "", run.stdout)


def test_sections(folder):
    text = read("triage.1", folder)
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "VERBS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
                  "FILES", "SEE ALSO"):
        assert f"\n{title}\n" in text, title
    assert "triage ack 3f9c --until 18:00" in text and "NO_COLOR" in text


def test_the_daemons_options_are_all_there(folder):
    text = read("triaged.8", folder)
    usage = subprocess.run([lab.BUILD / "triaged", "--help"], capture_output=True, text=True).stdout
    options = set(re.findall(r"--[a-z]+", usage))
    assert options and all(option in text for option in options), options


def test_the_reference_is_as_generated():
    made = lab.triage("__page", "cli-reference.md").stdout
    with open(lab.TOP / "docs/cli-reference.md") as f:
        assert f.read() == made, "make docs"


def test_install_puts_them_where_they_belong():
    where = {"PREFIX": "/usr", "UNITDIR": "/lib/systemd/system", "ZSHDIR": "/usr/share/zsh/site-functions"}
    places = subprocess.run(["sh", "contrib/install.sh", "list", lab.BUILD], cwd=lab.TOP, capture_output=True,
                            text=True, env={**os.environ, **where}, check=True, timeout=60).stdout.split()
    for path in ("bash-completion/completions/triage", "zsh/site-functions/_triage",
                 "fish/vendor_completions.d/triage.fish", "man/man1/triage.1", "man/man8/triaged.8",
                 "man/man5/triaged.yaml.5"):
        assert f"/usr/share/{path}" in places, (path, places)


def test_no_such_page():
    assert lab.triage("__page", "nonsense.7").returncode == 2
