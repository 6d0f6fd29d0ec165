"""What the daemon makes of what it inherits, and of signals while it starts."""
import os
import signal
import subprocess

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
