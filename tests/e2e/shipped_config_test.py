"""What is shipped to be read and copied: etc/triaged.yaml, each example of etc/conf.d alone and all
of them together, each pack of etc/packs with its variables and without."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import lab

ETC = lab.TOP / "etc"
EXAMPLES = sorted((ETC / "conf.d").glob("*.example"))
PACKS = sorted((ETC / "packs").glob("*.yaml"))

# Values of the form that each name wants; every other one is a password or a token.
VALUES = {
    "SQL_DSN": "postgresql://app:pass@db:5432/shop",
    "CHECKOUT_DSN": "postgresql://app:pass@db:5432/shop",
    "SHOP_DSN": "app:pass@tcp(db:3306)/shop?parseTime=true",
    "REDIS_CONN_STRING": "redis://:pass@cache:6379/0",
    "HC_URL": "https://hc.example.com/x",
    "SLACK_WEBHOOK_URL": "https://hooks.example.com/x",
    "DATA_WEBHOOK_URL": "https://chat.example.com/hooks/x",
    "HOOK_SECRET": lab.SECRET_TEXT,
    "BACKUP_TOKEN": "backup-token-1",
    "FETCH_TOKEN": "fetch-token-1",
}
PASSWORD = "0123456789abcdef0123456789abcdef"


def names_used(text):
    text = re.sub(r"(?m)^ *#.*$", "", text)
    return set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", text))


def environment(names):
    return {name: VALUES.get(name, PASSWORD) for name in names}


def check(path, env=None, unset=()):
    """`triage check`, where nothing of `unset` is set by whoever runs the tests."""
    left = {k: v for k, v in os.environ.items() if k not in unset}
    run = subprocess.run([lab.BUILD / "triage", "check", path], capture_output=True, text=True,
                         env={**left, **(env or {})}, timeout=lab.LIMIT)
    assert "Sanitizer" not in run.stderr and "runtime error:" not in run.stderr, run.stderr
    return run


def assert_clean(run):
    assert run.returncode == 0 and "OK" in run.stdout, run
    assert "warning" not in run.stdout + run.stderr, run


@pytest.fixture
def etc(folder):
    """/etc/triaged as it is installed: the file, an empty conf.d."""
    where = Path(folder) / "etc"
    (where / "conf.d").mkdir(parents=True)
    (where / "triaged.yaml").write_text((ETC / "triaged.yaml").read_text())
    return where


# --- the file that the service starts with ---


def test_default_wants_nothing(etc):
    """No variable, no conf.d, no file of another package."""
    assert not names_used((etc / "triaged.yaml").read_text())
    assert_clean(check(etc / "triaged.yaml"))
    (etc / "conf.d").rmdir()
    assert_clean(check(etc / "triaged.yaml"))
    assert_clean(check(ETC / "triaged.yaml"))


def test_default_takes_what_is_put_beside_it(etc):
    (etc / "conf.d/one.yaml").write_text("checks: { one: { type: tcp, address: 'h:1' } }\n")
    (etc / "conf.d/two.yaml").write_text("checks: { one: { type: tcp, address: 'h:1' } }\n")
    run = check(etc / "triaged.yaml")
    assert run.returncode == 2 and '"one" is already' in run.stderr, run
    (etc / "conf.d/two.yaml").write_text("# nothing yet\n")
    run = check(etc / "triaged.yaml")
    assert_clean(run)
    assert "6 checks" in run.stdout


def test_default_finds_nothing_wrong(daemon, etc, folder):
    """Started as it is: every check is measured and up, and nobody is told of anything that this
    host did not bring along (a disk that is full is one, and no fault of the file)."""
    d = daemon(env={"STATE_DIRECTORY": f"{folder}/state"})
    d.config = etc / "triaged.yaml"
    d.write((etc / "triaged.yaml").read_text().replace("listen: 127.0.0.1:8421", "listen: off")
            .replace("interval: 30s", "interval: 500ms"), head=False)
    d.start()
    own = ("disks", "memory", "cpu", "network", "self")
    for name in own:
        d.wait_state(name, "up")
    lab.wait_for("some rounds", lambda: all(d.check(name)["runs"] >= 5 for name in own))
    for name in own:
        assert d.check(name)["state"] == "up" and not d.check(name)["cause"], d.check(name)
    assert [i for i in d.incidents() if i["rule"] in ("check-down", "cannot-tell")] == []


# --- examples ---


def install(etc, paths):
    """As docs/install.md says: copied without the last part of the name."""
    names = set()
    for path in paths:
        (etc / "conf.d" / path.name.removesuffix(".example")).write_text(path.read_text())
        names |= names_used(path.read_text())
    return names


def test_examples_are_not_active():
    """The glob of the default file takes none of them, wherever they are put."""
    assert len(EXAMPLES) >= 10
    assert all(path.name.endswith(".yaml.example") for path in (ETC / "conf.d").iterdir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name.split(".")[0])
def test_example_alone(etc, path):
    names = install(etc, [path])
    assert_clean(check(etc / "triaged.yaml", env=environment(names)))
    if names:
        run = check(etc / "triaged.yaml", unset=names)
        assert run.returncode == 2, run
        assert all(f"${{{name}}}" in run.stderr for name in names), run.stderr
        said = re.findall(r"error: .*", run.stderr)
        assert all("not set" in line for line in said), said


def test_examples_together(etc):
    names = install(etc, EXAMPLES)
    run = check(etc / "triaged.yaml", env=environment(names))
    assert_clean(run)


# --- packs ---


def head_of(path):
    """Its variables: name -> what the second column says."""
    head = path.read_text().partition("\nchecks:\n")[0]
    assert "# Variables" in head, path
    return dict(re.findall(r"(?m)^#   ([A-Z][A-Z0-9_]*) +(\S+)", head.partition("# Variables")[2]))


def required(path):
    return {name for name, what in head_of(path).items() if what == "required"}


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.stem)
def test_pack_documents_its_variables(path):
    head, text = head_of(path), path.read_text()
    assert set(head) == names_used(text)
    body = re.sub(r"(?m)^ *#.*$", "", text)
    for name, what in head.items():
        defaults = set(re.findall(rf"\${{{name}:-([^}}$]*)}}", body))
        if what == "required":
            assert f"${{{name}}}" in body and not defaults, name
        else:
            assert f"${{{name}}}" not in body, f"{name} has no default somewhere"
            assert defaults <= {what}, f"{name}: the head says {what}, the file {defaults}"
        assert what != "false" or f'enabled: "${{{name}:-false}}"' in body, name


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.stem)
def test_pack_loads(path):
    head = head_of(path)
    assert_clean(check(path, env=environment(required(path)), unset=set(head)))
    run = check(path, unset=set(head))
    assert run.returncode == 2
    said = re.findall(r"error: (.*)", run.stderr)
    assert said and all("not set" in line for line in said), said
    assert set(re.findall(r"\${(\w+)}", " ".join(said))) == required(path)


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.stem)
def test_pack_loads_with_all_switched_on(path):
    head = head_of(path)
    on = {name: "true" for name, what in head.items() if what == "false"}
    run = check(path, env={**environment(required(path)), **on}, unset=set(head))
    assert_clean(run)
    count = int(re.search(r"(\d+) checks", run.stdout)[1])
    assert count == len(re.findall(r"(?m)^    type: ", path.read_text())), run.stdout


def test_new_api_pack_on_mysql():
    path = ETC / "packs/new-api.yaml"
    env = {"SQL_DSN": "root:pass@tcp(mysql:3306)/new-api", "SQL_TYPE": "mysql",
           "REDIS_CONN_STRING": "redis://redis"}
    assert_clean(check(path, env=env, unset=set(head_of(path))))
    run = check(path, env={**env, "SQL_TYPE": "postgres"}, unset=set(head_of(path)))
    assert run.returncode == 2 and "written as a MySQL address" in run.stderr


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.stem)
def test_pack_beside_the_default_file(etc, path):
    """No name of a pack is one of triaged.yaml, or of another pack."""
    for other in PACKS:
        (etc / "conf.d" / other.name).write_text(other.read_text())
    names = {name for other in PACKS for name in required(other)}
    assert_clean(check(etc / "triaged.yaml", env=environment(names),
                       unset={name for other in PACKS for name in head_of(other)}))
    names_of = re.findall(r"(?m)^  ([a-z0-9-]+):$", path.read_text())
    assert names_of and all(name.startswith(path.stem.split("-server")[0]) for name in names_of)


@pytest.mark.parametrize("project, pack", [
    ("new-api", "new-api"), ("new-api-mysql", "new-api"), ("kpi", "kpi"), ("openim", "openim"),
    ("first-form", None)])
def test_init_names_the_pack(project, pack):
    run = lab.triage("init", lab.TOP / "tests/init" / project, "-o", "-", env={"DOCKER_HOST": ""})
    assert run.returncode == 0, run.stderr
    named = re.findall(r"packs/([a-z-]+)\.yaml", run.stderr)
    assert named == ([pack] if pack else []), run.stderr
    assert pack is None or (ETC / f"packs/{pack}.yaml").exists()


@pytest.mark.parametrize("path", PACKS, ids=lambda p: p.stem)
def test_the_page_says_what_the_head_says(path):
    """docs/packs.md has a part for each pack: its variables, its checks, its rules, and no other."""
    page = (lab.TOP / "docs/packs.md").read_text()
    part = page.partition(f"\n## {path.stem}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\|(.*?)\|", part.partition("| variable |")[2])
    assert set(re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(rows))) == set(head_of(path))
    checks = re.findall(r"(?m)^  ([a-z0-9-]+):$", path.read_text().partition("\nrules:\n")[0])
    assert checks and [name for name in checks if f"`{name}`" not in part] == []
    assert all(name in path.read_text() for name in re.findall(rf"`({path.stem}-[a-z-]+)`", part))
    assert "Not seen: " in part


def test_the_page_has_every_example():
    page = (lab.TOP / "docs/packs.md").read_text().partition("\n## The examples\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\|(.*?)\|", page)
    assert set(re.findall(r"`([a-z]+)`", " ".join(rows))) == {p.name.split(".")[0] for p in EXAMPLES}
