"""Who listens: the port probe, and what every network probe says of a refusal by this host."""
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

import lab
import srv_proc


@pytest.fixture
def yard(folder):
    y = srv_proc.Yard(folder)
    yield y
    y.stop()


def probe(folder, listen, more=""):
    return lab.probe_check(folder, f"{{type: port, listen: '{listen}'{more}}}")


# --- the port probe ---

@pytest.mark.needs_right("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
@pytest.mark.cause("port.nobody")
def test_somebody_then_nobody(folder, yard):
    port = lab.free_port()
    server = yard.listener("tp-server", port, backlog=9)
    sample = probe(folder, f"127.0.0.1:{port}", ", owner: {name: tp-server}")
    assert sample["outcome"] == "ok" and f"pid {server.pid}" in sample["text"], sample
    assert sample["values"]["backlog"] == 9 and sample["values"]["accept_queue"] == 0
    assert lab.probe_once(f":{port}")["outcome"] == "ok"
    yard.end(server)
    lab.read_cause(probe(folder, f"127.0.0.1:{port}"), "port.nobody")


@pytest.mark.cause("port.nobody")
def test_listens_on_another_address(folder, yard):
    port = lab.free_port()
    yard.listener("tp-elsewhere", port, address="127.0.0.2")
    sample = lab.read_cause(probe(folder, f"127.0.0.1:{port}"), "port.nobody")
    assert f"only 127.0.0.2:{port}" in sample["text"]


@pytest.mark.needs_right("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
@pytest.mark.trap(12)
@pytest.mark.cause("port.conflict")
def test_taken_by_another_and_only_the_listener_is_named(folder, yard):
    """A guide kills all that `lsof -i` shows, which is the clients too."""
    port = lab.free_port()
    intruder = yard.listener("tp-intruder", port)
    with socket.create_connection(("127.0.0.1", port)):
        sample = lab.read_cause(probe(folder, f"127.0.0.1:{port}", ", owner: {name: new-api}"),
                                "port.conflict")
    assert f"is taken by tp-intruder (pid {intruder.pid})" in sample["text"]
    owner = next(f["text"] for f in sample["facts"] if f["name"] == "owner")
    assert "started" in owner and "uid " in owner and "tp-intruder" in owner
    assert f"pid {os.getpid()}" not in str(sample)


@pytest.mark.needs_right("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")
@pytest.mark.cause("port.conflict")
def test_held_by_an_old_instance(folder, yard):
    port = lab.free_port()
    old = yard.listener("tp-old", port)
    new = yard.sleep("tp-old2")
    pidfile = Path(folder) / "server.pid"
    pidfile.write_text(str(new.pid))
    sample = lab.read_cause(
        probe(folder, f"127.0.0.1:{port}", f", owner: {{name: tp-old, pidfile: {pidfile}}}"),
        "port.conflict")
    assert "another instance holds" in sample["text"] and f"pid {old.pid}" in sample["text"]


@pytest.mark.trap(11)
def test_connections_are_those_of_the_port(folder, yard):
    """`netstat | grep :PORT | wc -l` counts the listener, what is closed, and remote ports too."""
    port = lab.free_port()
    yard.listener("tp-count", port)
    with socket.create_connection(("127.0.0.1", port)), \
            socket.create_connection(("127.0.0.1", port)):
        values = probe(folder, f"127.0.0.1:{port}")["values"]
    assert values["established"] == 2 and values["listeners"] == 1
    assert values["accept_queue"] == 2


def test_udp(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        assert probe(folder, f"127.0.0.1:{port}", ", proto: udp")["outcome"] == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
@pytest.mark.cause("proc.no-right", "port.conflict")
def test_without_the_right_somebody_listens(folder, yard):
    port = lab.free_port()
    yard.listener("tp-foreign", port)
    check = f"{{type: port, listen: '127.0.0.1:{port}', owner: {{name: other}}}}"
    sample = srv_proc.probe_as_nobody(folder, check)
    assert sample["outcome"] == "ok" and "uid 0 listens" in sample["text"], sample
    assert "CAP_SYS_PTRACE" in lab.read_note(sample, "proc.no-right")
    # The user of a socket is no secret.
    check = f"{{type: port, listen: '127.0.0.1:{port}', owner: {{user: nobody}}}}"
    lab.read_cause(srv_proc.probe_as_nobody(folder, check), "port.conflict")


# --- what every network probe says ---

@pytest.mark.cause("net.refused-bind")
@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_bound_to_another_address(yard, scheme):
    port = lab.free_port()
    yard.listener("tp-bind", port, address="127.0.0.2")
    sample = lab.read_cause(lab.probe_once(f"{scheme}://127.0.0.1:{port}"), "net.refused-bind")
    assert f"127.0.0.2:{port}" in sample["text"] and "uid " in str(sample["facts"])


@pytest.mark.cause("net.backlog-full")
@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_accept_queue_full(folder, yard, scheme):
    port = lab.free_port()
    yard.listener("tp-full", port, backlog=1)
    held = []
    try:
        for _ in range(6):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            held.append(s)
        key = {"tcp": f"address: '127.0.0.1:{port}'", "http": f"url: 'http://127.0.0.1:{port}/'"}
        sample = lab.probe_check(folder, f"{{type: {scheme}, {key[scheme]}, timeout: 1s}}")
        lab.read_cause(sample, "net.backlog-full")
        assert "backlog 1" in sample["text"]
    finally:
        for s in held:
            s.close()


def can_filter():
    return subprocess.run(["unshare", "-Urn", "sh", "-c", "iptables -A INPUT -p tcp --dport 9 -j "
                           "REJECT"], capture_output=True).returncode == 0


REJECTED = """
import json, socket, subprocess, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
port = s.getsockname()[1]
subprocess.run(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT",
                *sys.argv[3:]], check=True)
done = subprocess.run([sys.argv[1], "probe", f"{sys.argv[2]}://127.0.0.1:{port}", "--json"],
                      capture_output=True, text=True)
assert "Sanitizer" not in done.stderr, done.stderr
print(done.stdout)
"""


@pytest.mark.skipif(not can_filter(), reason="needs a network namespace and iptables")
@pytest.mark.trap(29)
@pytest.mark.cause("net.refused-filtered")
@pytest.mark.parametrize("scheme,how", [("tcp", []), ("http", []), ("redis", []), ("mysql", []),
                                        ("postgresql", []),
                                        ("tcp", ["--reject-with", "tcp-reset"])])
def test_firewall_rejects(scheme, how):
    """To a client a REJECT looks like a stopped service; the listener says that it is not."""
    done = subprocess.run(
        ["unshare", "-Urn", "sh", "-c", 'ip link set lo up; exec "$0" "$@"', "/usr/bin/python3",
         "-c", REJECTED, lab.BUILD / "triage", scheme, *how],
        capture_output=True, text=True, timeout=lab.LIMIT)
    assert done.returncode == 0, done.stderr
    sample = json.loads(done.stdout)
    lab.read_cause(sample, "net.refused-filtered")
    assert "a firewall rejects it" in sample["text"]
