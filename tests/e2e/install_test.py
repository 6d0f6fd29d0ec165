"""`make install` and `make uninstall`: everything in its place, settings that are there are left alone."""
import os
import re
import stat
import subprocess

import pytest

import lab

PREFIX = "/opt/watch"
PROGRAMS = {
    "sbin/triaged": 0o755,
    "bin/triage": 0o755,
}
FILES = [
    "lib/systemd/system/triaged.service", "lib/systemd/system/triaged.socket",
    "lib/sysusers.d/triaged.conf", "lib/tmpfiles.d/triaged.conf",
    "share/man/man1/triage.1", "share/man/man8/triaged.8", "share/man/man5/triaged.yaml.5",
    "share/bash-completion/completions/triage", "share/zsh/site-functions/_triage",
    "share/fish/vendor_completions.d/triage.fish",
    "share/doc/triaged/LICENSE",
]
# What is put where as it is, whatever files there will be.
FOLDERS = {
    "etc/playbooks": "share/triaged/playbooks",
    "etc/packs": "share/triaged/packs",
    "etc/conf.d": "share/doc/triaged/examples/conf.d",
    "contrib/grafana": "share/doc/triaged/examples/grafana",
    "contrib/prometheus": "share/doc/triaged/examples/prometheus",
    "contrib/compose": "share/doc/triaged/examples/compose",
}


def make(target, dest):
    """Without building: another test may be running what is there."""
    argv = ["make", "-s", "--no-print-directory", f"B={lab.BUILD}", f"DESTDIR={dest}", f"PREFIX={PREFIX}",
            "-o", lab.BUILD / "triaged", "-o", lab.BUILD / "triage", target]
    done = subprocess.run(list(map(str, argv)), cwd=lab.TOP, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def files_below(folder):
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if not path.is_dir()}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def expected():
    """Place -> the file of this tree that it is, or None."""
    places = {place: None for place in [*PROGRAMS, *FILES]}
    for source, place in FOLDERS.items():
        for name, path in files_below(lab.TOP / source).items():
            if not name.endswith(".sh") and not path.name.startswith("."):
                places[f"{place}/{name}"] = path
    for path in (lab.TOP / "contrib/systemd/triaged.service.d").iterdir():
        places[f"share/doc/triaged/examples/systemd/triaged.service.d/{path.name}"] = path
    pages = list(lab.TOP.glob("*.md"))
    places |= {f"share/doc/triaged/{path.name}": path for path in pages}
    for path in (lab.TOP / "docs").rglob("*.md"):
        places[f"share/doc/triaged/docs/{path.relative_to(lab.TOP / 'docs')}"] = path
        pages.append(path)
    shown = "".join(page.read_text() for page in pages)
    for name, path in files_below(lab.TOP / "docs").items():
        if not name.endswith(".md") and name in shown:
            places[f"share/doc/triaged/docs/{name}"] = path
    return places


@pytest.mark.parametrize("prefix", ["opt/watch", "/opt/a b", "/opt/a&b", "/opt/a|b"])
def test_a_prefix_that_no_unit_takes_is_refused(tmp_path, prefix):
    done = subprocess.run(
        ["contrib/install.sh", "install", lab.BUILD], cwd=lab.TOP, text=True, capture_output=True, timeout=30,
        env={**os.environ, "DESTDIR": f"{tmp_path}/", "PREFIX": prefix, "UNITDIR": "/units", "ZSHDIR": "/zsh"})
    assert done.returncode == 2 and "an absolute path" in done.stderr
    assert not list(tmp_path.iterdir()), "nothing was put anywhere"


def run(*argv):
    return subprocess.run(list(map(str, argv)), text=True, capture_output=True, timeout=30)


def test_everything_is_in_its_place_and_goes_away_again(tmp_path):
    make("install", tmp_path)
    prefix = tmp_path / PREFIX.lstrip("/")
    places = expected()
    assert set(files_below(prefix)) == set(places)
    for place, source in places.items():
        assert mode(prefix / place) == PROGRAMS.get(place, 0o644), place
        if place.endswith(".md"):
            assert (prefix / place).read_text() == source.read_text().replace("(../contrib/", "(../examples/"), place
            for link in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", (prefix / place).read_text()):
                assert (prefix / place).parent.joinpath(link).exists(), (place, link)
        else:
            assert source is None or (prefix / place).read_bytes() == source.read_bytes(), place
    settings = tmp_path / "etc/triaged"
    assert mode(settings / "triaged.yaml") == 0o640
    assert mode(settings / "conf.d") == 0o750

    unit = (prefix / "lib/systemd/system/triaged.service").read_text()
    assert f"ExecStart={PREFIX}/sbin/triaged -c /etc/triaged/triaged.yaml\n" in unit
    assert not re.search(r"=/usr/s?bin/triage", unit)
    for program in PROGRAMS:
        assert run(prefix / program, "--version").stdout.startswith(program.rpartition("/")[2])
    checked = run(prefix / "sbin/triaged", "--check", "-c", settings / "triaged.yaml")
    assert checked.returncode == 0, checked.stderr

    assert "left in place" in make("uninstall", tmp_path)
    assert set(files_below(tmp_path)) == {"etc/triaged/triaged.yaml"}
    assert not (prefix / "share/doc/triaged").exists() and not (prefix / "share/triaged").exists()


def test_settings_that_are_there_are_left_alone(tmp_path):
    assert "kept" not in make("install", tmp_path)
    settings = tmp_path / "etc/triaged/triaged.yaml"
    shipped = settings.read_text()
    assert "kept" not in make("install", tmp_path), "nothing has changed, nothing is to be said"

    settings.write_text("checks: { mine: { type: self } }\n")
    settings.chmod(0o600)
    settings.with_name("conf.d").chmod(0o700)
    said = make("install", tmp_path)
    assert f"{settings} is kept" in said and f"{settings}.new" in said
    assert "mine" in settings.read_text() and mode(settings) == 0o600
    assert mode(settings.with_name("conf.d")) == 0o700
    new = settings.with_name("triaged.yaml.new")
    assert new.read_text() == shipped and mode(new) == 0o640


def can_mount():
    return os.getuid() == 0 and run("unshare", "-m", "true").returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs the right to make a mount namespace")
def test_a_purge_empties_a_state_folder_that_is_a_disk(tmp_path):
    """What debhelper adds to the script is the package's test (tests/ship)."""
    (tmp_path / "postrm").write_text((lab.TOP / "contrib/debian/triaged.postrm").read_text())
    done = run("unshare", "-m", "sh", "-ec", """
        mount -t tmpfs none /run && mkdir /run/triaged
        mount -t tmpfs none /var/lib && mkdir /var/lib/triaged
        mount -t tmpfs none /var/lib/triaged && touch /var/lib/triaged/state.db
        sh "$0" purge
        ls -A /var/lib/triaged /run""", tmp_path / "postrm")
    assert done.returncode == 0 and "removing incidents" in done.stdout, done.stderr
    assert "state.db" not in done.stdout and done.stderr == ""
