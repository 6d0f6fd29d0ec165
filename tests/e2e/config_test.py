"""`triage check`: every bad file says what is wrong where; nothing is started on one."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lab

BAD = sorted((lab.TOP / "tests/conf/bad").glob("*.yaml"))
GOOD = sorted((lab.TOP / "tests/conf/good").glob("*.yaml"))
SHIPPED = [lab.TOP / "etc/triaged.yaml"]


def expectations(path):
    return re.findall(r"^# expect: (.*)$", path.read_text(errors="replace"), re.M)


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad_file_prints_its_message(path):
    run = lab.triage("check", path)
    assert run.returncode == 2, run
    wanted = expectations(path)
    assert wanted, f"{path} does not say what to expect"
    for text in wanted:
        assert text in run.stdout + run.stderr, (text, run.stdout + run.stderr)
    assert "s3cret" not in run.stdout + run.stderr


def test_there_are_bad_files():
    assert len(BAD) >= 15


@pytest.mark.parametrize("path", GOOD + SHIPPED, ids=lambda p: p.stem)
def test_good_file_is_ok(path):
    run = lab.triage("check", path)
    assert run.returncode == 0 and "OK" in run.stdout, run


def generated(folder):
    deep = "checks: " + "[" * 200 + "]" * 200
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
    cases = {
        "tabs": b"checks:\n\tapi: {type: tcp}\n",
        "binary": bytes(range(256)) * 10,
        "empty": b"",
        "big": b"# " + b"x" * (10 << 20) + b"\n",
        "deep": deep.encode(),
        "bomb": bomb.encode(),
        "endless-line": b"checks: {a: " + b"y" * 3000000,
    }
    for name, data in cases.items():
        path = Path(folder) / f"{name}.yaml"
        path.write_bytes(data)
        yield name, path


def test_hostile_files(folder):
    for name, path in generated(folder):
        run = lab.triage("check", path)
        assert run.returncode == 2, (name, run)
        assert re.search(rf"{name}\.yaml(:\d+:\d+)?: error: |^error: .*{name}\.yaml", run.stdout + run.stderr), (name, run)


def test_nothing_starts_on_a_bad_file(daemon):
    d = daemon("checks:\n  api: {type: http, url: nonsense}\n")
    run = subprocess.run([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                         capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 2 and "nothing was started" in run.stderr
    assert not d.state.exists()


def test_missing_file_says_what_to_do(folder):
    run = lab.triage("check", f"{folder}/absent.yaml")
    assert run.returncode == 2 and "absent.yaml" in run.stdout + run.stderr


def test_all_errors_at_once(folder):
    path = Path(folder) / "many.yaml"
    path.write_text("checks:\n  a: {type: http, url: 'http://x/', intervall: 5s}\n"
                    "  b: {type: tcp, address: 'x:1', timeout: 5}\n"
                    "  c: {type: nope}\n")
    out = lab.triage("check", path)
    text = out.stdout + out.stderr
    assert 'did you mean "interval"' in text and "nope" in text
    assert [int(n) for n in re.findall(r"many\.yaml:(\d+):", text)][:3] == [2, 3, 4]


def test_secrets_never_show(daemon, web, folder):
    secret = "hunter2-hunter2-hunter2"
    (Path(folder) / "token").write_text(secret + "\n")
    d = daemon(f"""
checks:
  api: {{type: http, url: "http://me:{secret}@127.0.0.1:{web.port}/", interval: 1s,
         headers: {{X-Key: "${{file:{folder}/token}}"}}}}
receivers:
  hook: {{type: webhook, url: "http://127.0.0.1:1/{secret}", secret: "raw:{secret}"}}
""").start()
    d.wait_state("api", "up")
    seen = d.words()
    for path in ("/api/v1/config", "/api/v1/checks", "/api/v1/checks/api", "/api/v1/receivers",
                 "/metrics", "/api/v1/status"):
        seen += d.api.request("GET", path)[2].decode()
    env = {"RUNTIME_DIRECTORY": folder}
    for verb in (["status"], ["checks"], ["show", "x"], ["checks", "--json"]):
        seen += lab.triage(*verb, env=env).stdout
    assert secret not in seen


def test_schema_is_a_schema():
    run = lab.triage("schema")
    assert run.returncode == 0
    schema = json.loads(run.stdout)
    assert "checks" in schema["properties"]


def test_includes_and_env_file(folder):
    top = Path(folder)
    (top / "conf.d").mkdir()
    (top / "conf.d/a.yaml").write_text("checks:\n  a: {type: tcp, address: '${HOST}:1'}\n")
    (top / "conf.d/b.yaml").write_text("checks:\n  b: {type: tcp, address: '${NOPE:-x}:1'}\n")
    (top / ".env").write_text("HOST=127.0.0.1\n")
    main = top / "main.yaml"
    main.write_text("env_file: .env\ninclude: [conf.d/*.yaml]\n")
    assert lab.triage("check", main).returncode == 0
    (top / "conf.d/b.yaml").write_text("checks:\n  a: {type: tcp, address: '${NOPE}:1'}\n")
    run = lab.triage("check", main)
    assert run.returncode == 2
    assert "NOPE" in run.stdout + run.stderr and "b.yaml:2" in run.stdout + run.stderr


def test_the_example_of_the_documentation_is_valid(folder):
    text = (lab.TOP / "docs/checks.md").read_text()
    example = text[text.index("```yaml") + len("```yaml"):]
    path = Path(folder) / "doc.yaml"
    path.write_text(example[:example.index("```")])
    words = {"SQL_DSN": "host=db user=app dbname=shop", "DB_PASSWORD": "x", "BACKUP_TOKEN": "0123456789",
             "REDIS_CONN_STRING": "redis://cache"}
    run = lab.triage("check", path, env=words)
    assert run.returncode == 0, run
    assert set(re.findall(r"type: (\w+)", path.read_text())) >= set(re.findall(
        r"PROBE\((\w+)\)", (lab.TOP / "probes/table.def").read_text())) - {"self", "udp"}


WRONG_NAMES = [
    ("postgres", "dsn", "postgresql://app:geheim@db:99999/shop", "port"),
    ("postgres", "dsn", "postgresql://app:geheim@db/shop?sslmode=maybe", "sslmode"),
    ("mysql", "dsn", "app:geheim@tcp(db:33x6)/shop", "port"),
    ("mysql", "dsn", "mysql://app:geheim%zz@db/shop", "password"),
    ("redis", "url", "redis://:geheim@cache:6379/zero", "database"),
    ("redis", "url", "redis://:geheim@[::1/0", "address"),
]


@pytest.mark.parametrize("kind, key, name, part", WRONG_NAMES)
def test_wrong_data_source_name(folder, kind, key, name, part):
    """Named with its place and the part that is wrong, and never with its password."""
    path = Path(folder) / "bad.yaml"
    path.write_text(f"checks:\n  it:\n    type: {kind}\n    {key}: \"{name}\"\n")
    run = lab.triage("check", path)
    assert run.returncode == 2 and f"{path}:4:" in run.stdout + run.stderr, run
    assert part in run.stdout + run.stderr and "geheim" not in run.stdout + run.stderr, run
    run = lab.triage("probe", "--type", kind, name)
    assert run.returncode == 3 and part in run.stderr and "geheim" not in run.stderr, run


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
def test_a_file_that_is_not_ours_to_read(folder):
    """Made by root under a strict umask: who must be able to read it, and how."""
    os.chmod(folder, 0o755)
    config, part = Path(folder, "c.yaml"), Path(folder, "part.yaml")
    config.write_text("include: [part.yaml]\n")
    part.write_text("checks: {m: {type: memory}}\n")
    part.chmod(0o600)
    program = shutil.copy(lab.BUILD / "triaged", f"{folder}/triaged")
    run = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program,
                          "--check", "-c", config], capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 2 and "part.yaml: Permission denied: uid 65534 must be able" in run.stderr, run
