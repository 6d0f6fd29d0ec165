"""What the daemon makes of what it inherits, and of signals while it starts."""
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

import lab

CHECKS = """
checks:
  disk: {type: disk, path: /, interval: 1s}
"""


def target_of(process, fd):
    return os.readlink(f"/proc/{process.pid}/fd/{fd}")


def test_descriptors_that_were_closed_are_not_reused(daemon):
    d = daemon(CHECKS)
    d.process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", lab.BUILD / "triaged",
                                  "-c", d.config], env=d.environment())
    d.log.touch()
    lab.wait_for("the daemon to answer", d.is_up)
    assert [target_of(d.process, fd) for fd in range(3)] == ["/dev/null"] * 3
    d.wait_state("disk", "up")


def test_stops_although_its_parent_blocked_the_signals(daemon):
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    d = daemon(CHECKS)
    d.process = subprocess.Popen([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                                 stderr=d.log.open("ab"), preexec_fn=block)
    lab.wait_for("the daemon to answer", d.is_up)
    d.wait_state("disk", "up")
    d.reload()
    d.stop()


def test_reload_asked_for_while_it_starts_is_done(daemon):
    def ask():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        os.kill(os.getpid(), signal.SIGHUP)

    d = daemon(CHECKS)
    d.process = subprocess.Popen([lab.BUILD / "triaged", "-c", d.config], env=d.environment(),
                                 stderr=d.log.open("ab"), preexec_fn=ask)
    lab.wait_for("the daemon to answer", d.is_up)
    lab.wait_for("the reload", lambda: "reload: done" in d.log.read_text())


@pytest.mark.skipif(bool(lab.SANDBOX), reason="`make run` is for a clone, without a unit")
def test_make_run_takes_another_port(folder):
    build = Path(folder) / "build"
    build.mkdir()
    for name in ("triaged", "triage"):
        (build / name).symlink_to(lab.BUILD / name)
    port = lab.free_port()
    run = ["contrib/run.sh", str(build)]
    output = Path(folder) / "output"
    with output.open("wb") as out:
        first = subprocess.Popen(run, cwd=lab.TOP, env={**os.environ, "PORT": str(port)}, stdout=out, stderr=out)
    try:
        lab.wait_for("its last line", lambda: "\nstop " in output.read_text())
        assert f"dashboard http://127.0.0.1:{port}/#token=" in output.read_text()
        # neither beside one that runs already, nor where somebody else has the port
        again = subprocess.run(run, cwd=lab.TOP, env={**os.environ, "PORT": str(port)}, capture_output=True, text=True,
                               timeout=lab.LIMIT)
        assert again.returncode == 1 and "it runs already" in again.stderr and again.stdout == "", again
        (build / "run").rename(Path(folder) / "moved")
        again = subprocess.run(run, cwd=lab.TOP, env={**os.environ, "PORT": str(port)}, capture_output=True, text=True,
                               timeout=lab.LIMIT)
        assert again.returncode == 1 and "make run PORT=" in again.stderr and again.stdout == "", again
    finally:
        first.send_signal(signal.SIGHUP)  # its terminal was closed
        first.wait(lab.LIMIT)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=lab.LIMIT)
