"""`make demo`: the stories it tells, who it leaves behind, and how it ends when it is told to."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import lab

DEMO = lab.TOP / "contrib" / "demo" / "demo.py"
sys.path.insert(0, str(DEMO.parent))
import parts  # noqa: E402

pytestmark = pytest.mark.skipif(bool(parts.missing()), reason=f"needs {parts.missing()}")


def command(build=lab.BUILD):
    return ["/usr/bin/python3", "-B", str(DEMO), str(build)]


def environment(temp):
    return {**os.environ, "TMPDIR": str(temp), "PYTHONUNBUFFERED": "1"}


def left_behind(temp):
    """Processes that speak of that folder, and what is in it."""
    here = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(temp).encode() + b"/triaged-demo" in words:
            here.append(words)
    return here + list(Path(temp).glob("triaged-demo*"))


@pytest.fixture
def temp():
    path = tempfile.mkdtemp(prefix="dm-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def stories(words):
    """The text of each, without the folder and ports of this run."""
    parts_of = re.split(r"^(\d)\. ", words, flags=re.M)
    return {parts_of[i]: parts_of[i + 1] for i in range(1, len(parts_of), 2)}


def look_at(words):
    told = stories(words)
    assert set(told) == {"1", "2", "3"}, words
    # In the first message, or in a later one: whichever check failed first.
    assert "Redis server is not running" in told["1"] and re.search(r"hits +api, shop", told["1"]), words
    assert "full" in told["2"] or "film.mp4 has grown" in told["2"]
    assert "idle in their transaction" in told["3"] and "WARNING" in told["3"]
    assert "shop-api from 127.0.0.1" in told["3"] and "pg_terminate_backend" in told["3"]
    for story in told.values():
        assert "resolved" in story and "| do " in story and "| why " in story, story


def test_three_stories_and_nothing_left(temp):
    done = subprocess.run(command(), capture_output=True, text=True, timeout=170,
                          env=environment(temp))
    assert done.returncode == 0, done.stdout + done.stderr
    look_at(done.stdout)
    seconds = int(re.search(r"troubles in (\d+) s", done.stdout).group(1))
    assert seconds < 120, done.stdout
    assert left_behind(temp) == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="is somebody already")
def test_as_an_ordinary_user(temp):
    build = Path(temp) / "build"
    build.mkdir()
    for name in ("triaged", "triage"):
        shutil.copy(lab.BUILD / name, build)
    who = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    demo = shutil.copytree(DEMO.parent, Path(temp) / "demo")
    done = subprocess.run([*who, "/usr/bin/python3", "-B", demo / "demo.py", build], text=True,
                          capture_output=True, timeout=170, env=environment(temp))
    assert done.returncode == 0, done.stdout + done.stderr
    look_at(done.stdout)
    assert left_behind(temp) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_cleans_up_when_it_is_stopped(temp, number):
    with subprocess.Popen(command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment(temp)) as process:
        for words in process.stdout:
            if "CRITICAL" in words:
                break
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(lab.LIMIT) == 130 and "Stopped." in rest, rest
    assert left_behind(temp) == []


def test_its_end_is_that_of_its_servers(temp):
    """Killed, it cannot clean up; but what it started does not outlive it."""
    with subprocess.Popen(command(), stdout=subprocess.PIPE, text=True,
                          env=environment(temp)) as process:
        for words in process.stdout:
            if "CRITICAL" in words:
                break
        process.kill()
    lab.wait_for("its servers to end", lambda: all(isinstance(x, Path) for x in left_behind(temp)))


def test_it_says_what_is_missing(temp):
    done = subprocess.run(command(Path(temp) / "nowhere"), capture_output=True, text=True,
                          env=environment(temp), timeout=lab.LIMIT)
    assert done.returncode == 1 and "run make first" in done.stderr
    python = shutil.which("python3")
    done = subprocess.run([python, "-B", "-c", "import sys; sys.argv = ['demo', '--have'];"
                           f"sys.path.insert(0, {str(DEMO.parent)!r}); import parts, demo;"
                           "parts.find = lambda name: None; sys.exit(demo.main(['--have']))"],
                          capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.returncode == 1 and "apt-get install" in done.stderr and "redis-server" in done.stderr
