"""Syslog over the network, received and taken apart by a real rsyslog."""
import re
import threading
import time

import pytest

import lab
import srv_net
import srv_syslog

RULE = re.compile(r'\[triaged@32473 incident="([0-9a-f]{12})" severity="(\w+)" check="api" '
                  r'cause="net\.refused"\]')


@pytest.fixture(scope="module")
def keys():
    k = srv_net.Keys()
    yield k
    k.destroy()


@pytest.fixture
def rsyslog(folder):
    made = []

    def make(way, **kwargs):
        made.append(srv_syslog.Rsyslog(folder, way, **kwargs))
        return made[-1]

    yield make
    for r in made:
        r.stop()


def settings(web, receiver):
    return f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
receivers:
  log: {{type: syslog, {receiver}}}
"""


def event(kind):
    return lambda m: m["msgid"] == kind


def judge(server):
    """One incident from its beginning to its end, in order, as rsyslog's own parser saw it."""
    opened = server.wait(1, event("OPENED"))[0]
    ended = server.wait(1, event("RESOLVED"))[0]
    assert [m["msgid"] for m in server.messages()][:2] == ["OPENED", "RESOLVED"]
    assert (opened["syslogfacility"], opened["syslogseverity"]) == ("3", "2")
    assert ended["syslogseverity"] == "5"
    for m in (opened, ended):
        assert m["protocol-version"] == "1" and m["app-name"] == "triaged"
        assert m["hostname"] == "lab" and m["procid"].isdigit()
        assert m["timereported"].endswith("Z") and RULE.fullmatch(m["structured-data"]), m
        element = m["$!"]["rfc5424-sd"]["triaged@32473"]
        assert set(element) == {"incident", "severity", "check", "cause"}
        assert element["check"] == "api" and element["cause"] == "net.refused"
        assert m["msg"].startswith("\ufeff" + m["msgid"])
    one, other = (m["$!"]["rfc5424-sd"]["triaged@32473"]["incident"] for m in (opened, ended))
    assert one == other
    assert "(net.refused)" in opened["msg"] and ", after " in ended["msg"]


WAYS = [("udp", "gtls"), ("tcp", "gtls"), ("tls", "gtls"), ("tls", "ossl")]


@pytest.mark.parametrize("way,driver", WAYS)
def test_structured_data_comes_back(way, driver, daemon, web, rsyslog, keys):
    cert, key = keys.make("server")
    server = rsyslog(way, keys=(cert, key, keys.ca), driver=driver).start()
    more = f", ca: {keys.ca}" if way == "tls" else ""
    d = daemon(settings(web, f"server: {server.url}{more}")).start()
    d.wait_state("api", "up")
    web.stop()
    server.wait(1, event("OPENED"))
    web.start()
    judge(server)


def test_the_local_line_carries_the_element_at_its_end(daemon, web, rsyslog):
    server = rsyslog("unix").start()
    d = daemon(settings(web, f"socket: {server.socket}")).start()
    d.wait_state("api", "up")
    web.stop()
    line = server.wait(1)[0]
    text, _, element = line["msg"].partition(" [triaged@32473 ")
    assert line["programname"] == "triaged" and line["pri"] == "26"
    assert text.strip().startswith("OPENED critical")
    # As RFC 5424 writes it, so that what reads structured data reads this.
    found = re.fullmatch(r'((?: ?\w+="(?:\\.|[^"\\\]])*")+)\]', element)
    assert found, element
    params = dict(re.findall(r'(\w+)="((?:\\.|[^"\\\]])*)"', element))
    assert len(params.pop("incident")) == 12
    assert params == {"severity": "critical", "check": "api", "cause": "net.refused"}


def test_nothing_is_lost_while_the_server_is_away(daemon, web, rsyslog):
    server = rsyslog("tcp").start()
    d = daemon(settings(web, f"server: {server.url}")).start()
    d.wait_state("api", "up")
    server.stop()
    web.stop()
    lab.wait_for("a failed try", lambda: "next try in" in d.words())
    assert f"tcp://localhost:{server.port}: connection refused" in d.words()
    d.kill()  # what waits is on disk
    web.start()
    d.start()
    d.wait_state("api", "up")
    server.start()
    judge(server)
    ids = [m["rawmsg"] for m in server.messages()]
    assert len(ids) == len(set(ids))


def test_a_server_that_nobody_vouches_for_gets_nothing(daemon, web, rsyslog, keys):
    cert, key = keys.make("server")
    other = srv_net.Keys()
    try:
        server = rsyslog("tls", keys=(cert, key, keys.ca)).start()
        d = daemon(settings(web, f"server: {server.url}, ca: {other.ca}")).start()
        tried = lab.triage("test", "log", env={"RUNTIME_DIRECTORY": str(d.folder)})
        assert tried.returncode != 0
        assert f"tls://localhost:{server.port}" in tried.stdout + tried.stderr
        assert "certificate" in tried.stdout + tried.stderr
        # The right authority, and what was refused is there at once.
        d.write(settings(web, f"server: {server.url}, ca: {keys.ca}"))
        d.reload()
        tried = lab.triage("test", "log", env={"RUNTIME_DIRECTORY": str(d.folder)})
        assert tried.returncode == 0, tried.stdout + tried.stderr
        assert [m["msgid"] for m in server.wait(1)] == ["TEST"]
    finally:
        other.destroy()


def test_who_wants_a_client_certificate_gets_one(daemon, web, rsyslog, keys):
    cert, key = keys.make("server")
    mine, my_key = keys.make("triaged")
    server = rsyslog("tls", keys=(cert, key, keys.ca), auth="x509/certvalid").start()
    d = daemon(settings(web, f"server: {server.url}, ca: {keys.ca}")).start()
    env = {"RUNTIME_DIRECTORY": str(d.folder)}
    assert lab.triage("test", "log", env=env).returncode != 0
    d.write(settings(web, f"server: {server.url}, ca: {keys.ca}, cert: {mine}, key: {my_key}"))
    d.reload()
    assert lab.triage("test", "log", env=env).returncode == 0
    assert [m["msgid"] for m in server.wait(1)] == ["TEST"]


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_what_counts_as_taken_was_read(way, daemon, rsyslog, keys):
    """A server that goes and comes all the time: every `ok` of ours is a line of its own."""
    cert, key = keys.make("server")
    server = rsyslog(way, keys=(cert, key, keys.ca), driver="ossl")
    more = f", ca: {keys.ca}" if way == "tls" else ""
    d = daemon(f"receivers:\n  log: {{type: syslog, server: {server.url}{more}}}\n").start()
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            server.start()
            stop.wait(0.15)
            server.stop()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    taken = failed = 0
    end = time.monotonic() + lab.LIMIT
    try:
        while taken < 8 or failed < 1:
            assert time.monotonic() < end, (taken, failed)
            tried = lab.triage("test", "log", env={"RUNTIME_DIRECTORY": str(d.folder)})
            taken += tried.returncode == 0
            failed += tried.returncode != 0
    finally:
        stop.set()
        thread.join()
    server.start()
    assert len(server.messages()) >= taken, (taken, failed)
