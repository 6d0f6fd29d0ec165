"""contrib/compose: each example is whole, its settings load as they would in its container, and what
`triage init --sidecar` writes asks for the same of whoever runs the image."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import lab

TOP = lab.TOP / "contrib/compose"
EXAMPLES = sorted(path.parent.name for path in TOP.glob("*/compose.yaml"))
SECRETS = {"db_password": "change-me-db", "db_root_password": "change-me-root",
           "triaged_token": "0123456789abcdef0123456789abcdef"}


def read_env(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def compose(name):
    return yaml.safe_load((TOP / name / "compose.yaml").read_text())


@pytest.fixture(params=EXAMPLES)
def example(request):
    return request.param


@pytest.fixture
def project(example, folder):
    """As its reader has it after `cp`: .env and secrets/ filled in."""
    where = Path(folder) / "project"
    shutil.copytree(TOP / example, where)
    shutil.copy(where / "example.env", where / ".env")
    shutil.copy(where / "secrets/triaged.env.example", where / "secrets/triaged.env")
    for name, value in SECRETS.items():
        (where / "secrets" / name).write_text(value + "\n")
    return where


def inside(project, name):
    """The settings with the container's paths, and the container's environment."""
    service = compose(name)["services"]["triaged"]
    secrets = compose(name)["secrets"]
    text = (project / "triaged.yaml").read_text().replace(
        "/usr/share/triaged/packs", f"{lab.TOP}/etc/packs")
    for secret in service["secrets"]:
        text = text.replace(f"/run/secrets/{secret}", str(project / secrets[secret]["file"]))
    assert "/run/secrets" not in text
    file = project / "inside.yaml"
    file.write_text(text)
    return file, {**service["environment"], "PATH": os.environ["PATH"],
                  "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


def test_there_is_one_for_each_system():
    assert EXAMPLES == ["game-server", "kpi", "new-api-mysql", "new-api-postgres", "openim"]


def test_its_settings_load(example, project):
    file, env = inside(project, example)
    run = subprocess.run([lab.BUILD / "triaged", "--check", "-c", file], env=env,
                         capture_output=True, text=True, timeout=lab.LIMIT)
    assert run.returncode == 0 and run.stderr == "", run.stderr


def test_it_asks_services_of_the_project(example, project):
    """Each address that is not on the host is a service's name, on a network that triaged is on."""
    file, env = inside(project, example)
    services = compose(example)["services"]
    values = {**read_env(project / "secrets/triaged.env"), **env}
    hosts = set()
    for value in values.values():
        hosts |= set(re.findall(r"(?:@tcp\(|@|https?://|redis://)([a-z-]+)[:)/]", f"{value}/"))
    hosts |= {value for name, value in env.items() if name.endswith(("_ADDRESS", "_HOST"))}
    assert hosts and hosts <= services.keys(), hosts - services.keys()
    ours = set(services["triaged"].get("networks", ["default"]))
    for host in hosts:
        assert ours & set(services[host].get("networks", ["default"])), host


def test_what_it_refers_to_is_there(example, project):
    text = (project / "compose.yaml").read_text()
    names = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    assert names <= read_env(project / "example.env").keys()
    doc = compose(example)
    for service in doc["services"].values():
        for secret in service.get("secrets", []):
            assert (project / doc["secrets"][secret]["file"]).exists()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith(("/", ".")) or source in doc["volumes"], volume
        for need in service.get("depends_on", []):
            assert need in doc["services"]


def test_its_passwords_agree(example, project):
    """What triaged logs in with are the passwords of .env: each of them is used, none is invented."""
    ours = set(re.findall(r"change-me-\w+", (project / "secrets/triaged.env").read_text()))
    assert ours and ours <= set(read_env(project / ".env").values())


WANTED = {
    "image": "triaged:latest", "restart": "unless-stopped", "read_only": True, "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
MOUNTS = ["/:/host:ro,rslave", "triaged-state:/var/lib/triaged",
          "./triaged.yaml:/etc/triaged/triaged.yaml:ro"]


def is_the_images(service):
    assert {key: service.get(key) for key in WANTED} == WANTED
    assert [m for m in service["volumes"] if m in MOUNTS] == MOUNTS
    assert service["healthcheck"]["test"] == ["CMD", "triage", "health"]
    assert not {"privileged", "cap_add", "pid", "user", "network_mode"} & service.keys()


def test_it_is_run_as_the_image_wants(example):
    is_the_images(compose(example)["services"]["triaged"])
    assert "triaged-state" in compose(example)["volumes"]
    daemon = yaml.safe_load((TOP / example / "triaged.yaml").read_text())["daemon"]
    assert daemon["host_root"] == "/host" and daemon["state_dir"] == "/var/lib/triaged"
    assert daemon["log"] == {"format": "json"}


def test_the_image_says_the_same():
    text = (TOP / "Containerfile").read_text()
    last = text[text.rindex("FROM "):]
    assert last.startswith("FROM scratch") and "USER 10001:10001" in last
    assert "VOLUME /var/lib/triaged" in last and "STOPSIGNAL SIGTERM" in last
    assert 'CMD ["triage", "health"]' in last and 'ENTRYPOINT ["triaged"]' in last
    daemon = yaml.safe_load((TOP / "triaged.yaml").read_text())["daemon"]
    assert daemon == {"host_root": "/host", "state_dir": "/var/lib/triaged",
                      "log": {"format": "json"}}


def without_us(project):
    """The project as it was before triaged was added."""
    doc = yaml.safe_load((project / "compose.yaml").read_text())
    del doc["services"]["triaged"]
    (project / "compose.yaml").write_text(yaml.safe_dump(doc, sort_keys=False))
    (project / "triaged.yaml").unlink()


def test_init_asks_for_the_same(example, project):
    without_us(project)
    run = lab.triage("init", "--sidecar", project)
    assert run.returncode == 0, run.stderr
    text = (project / "triaged.yaml").read_text()
    lines = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    wanted = yaml.safe_load("\n".join(lines))
    is_the_images(wanted["services"]["triaged"])
    assert wanted["volumes"] == {"triaged-state": None}
    networks = compose(example)["services"]["triaged"].get("networks")
    assert wanted["services"]["triaged"].get("networks") == networks
    ours = yaml.safe_load(text)
    assert ours["daemon"] == {"name": compose(example)["name"], "host_root": "/host",
                              "state_dir": "/var/lib/triaged", "log": {"format": "json"}}


def test_init_does_not_watch_us_as_a_service(example, project):
    """In a project that has triaged already: it is no service like the others."""
    run = lab.triage("init", "--sidecar", "-o", "-", project)
    assert run.returncode == 0, run.stderr
    checks = yaml.safe_load(run.stdout)["checks"]
    assert "triaged" not in checks
    assert len(checks) > 6


def test_the_socket_is_an_addition():
    doc = yaml.safe_load((TOP / "docker-socket.yaml").read_text())
    assert list(doc["services"]) == ["triaged"]
    for name in EXAMPLES:
        assert "docker.sock" not in (TOP / name / "compose.yaml").read_text()
