"""The probes of the network itself (dns, tls, udp, ping, smtp), and every code below a protocol."""
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

import lab
import srv_net
from srv_net import Stub

own_network = pytest.mark.skipif(not srv_net.can_unshare(), reason="needs own namespaces")


@pytest.fixture(scope="module")
def keys():
    k = srv_net.Keys()
    k.make("good")
    k.make("old", days=27, shift="-30d")
    k.make("early", shift="+30d")
    k.make("other", names="DNS:other.lab")
    k.make("short", days=2, is_ca=True)
    k.make("leaf", ca="short")
    k.make_own()
    yield k
    k.destroy()


def pair(keys, name):
    return keys.folder / f"{name}.pem", keys.folder / f"{name}.key"


# --- dns ---

LONG = "x" * 700
ROWS = {
    ("www.lab", "A"): ["10.0.0.1", "10.0.0.2"],
    ("www.lab", "AAAA"): ["2001:db8::1"],
    ("alias.lab", "CNAME"): ["www.lab"],
    ("lab", "MX"): ["10 mail.lab", "20 backup.lab"],
    ("lab", "NS"): ["ns.lab"],
    ("lab", "SOA"): ["ns.lab admin.lab 42"],
    ("lab", "TXT"): ["v=spf1 -all"],
    ("lab", "CAA"): ["0 issue ca.lab"],
    ("_sip._tcp.lab", "SRV"): ["1 2 5060 sip.lab"],
    ("1.0.0.10.in-addr.arpa", "PTR"): ["www.lab"],
    ("long.lab", "TXT"): [LONG],
    ("empty.lab", "A"): [],
    ("broken.lab", "A"): 2,
    ("odd.lab", "A"): 4,
    ("private.lab", "A"): 5,
    ("lost.lab", "A"): None,
}


@pytest.fixture(scope="module")
def names():
    n = srv_net.Names(ROWS)
    yield n
    n.close()


@pytest.mark.parametrize("record,name,text", [
    ("A", "www.lab", "10.0.0.1, 10.0.0.2"), ("AAAA", "www.lab", "2001:db8::1"),
    ("CNAME", "alias.lab", "www.lab"), ("MX", "lab", "10 mail.lab, 20 backup.lab"),
    ("NS", "lab", "ns.lab"), ("SOA", "lab", "ns.lab admin.lab 42"), ("TXT", "lab", "v=spf1 -all"),
    ("CAA", "lab", "0 issue ca.lab"), ("SRV", "_sip._tcp.lab", "1 2 5060 sip.lab"),
    ("PTR", "1.0.0.10.in-addr.arpa", "www.lab"),
])
def test_dns_records(names, record, name, text):
    sample = lab.probe_once(f"dns://{names.address}/{name}?type={record}")
    assert sample["outcome"] == "ok" and sample["text"].endswith(f": {text}"), sample
    assert sample["values"]["ttl"] == 77 and sample["values"]["answers"] == text.count(",") + 1


def test_dns_long_answer_by_tcp(names):
    sample = lab.probe_once(f"dns://{names.address}/long.lab?type=TXT")
    assert sample["outcome"] == "ok" and sample["values"]["connect_time"] >= 0, sample


@pytest.mark.cause("dns.nxdomain", "dns.servfail", "dns.refused", "dns.no-record", "dns.rcode")
def test_dns_verdicts(names):
    for name, code in (("nobody.lab", "dns.nxdomain"), ("broken.lab", "dns.servfail"),
                       ("private.lab", "dns.refused"), ("empty.lab", "dns.no-record"),
                       ("odd.lab", "dns.rcode")):
        lab.read_cause(lab.probe_once(f"dns://{names.address}/{name}"), code)


@pytest.mark.cause("dns.mismatch")
def test_dns_expectation(names, folder):
    check = "{type: dns, name: www.lab, server: '%s', expect: %s}"
    assert lab.probe_check(folder, check % (names.address, "10.0.0.2"))["outcome"] == "ok"
    assert lab.probe_check(folder, check % (names.address, "'/^10[.]/'"))["outcome"] == "ok"
    sample = lab.probe_check(folder, check % (names.address, "10.0.0.3"))
    lab.read_cause(sample, "dns.mismatch")
    assert "is 10.0.0.1, 10.0.0.2, wanted 10.0.0.3" in sample["text"]


@pytest.mark.cause("dns.timeout")
def test_dns_silence(names, folder):
    sample = lab.probe_check(
        folder, f"{{type: dns, name: lost.lab, server: '{names.address}', timeout: 300ms}}")
    lab.read_cause(sample, "dns.timeout")


# --- names of other probes ---

def resolv(folder, text):
    path = Path(folder) / "resolv.conf"
    path.write_text(text)
    return f"mount --bind {path} /etc/resolv.conf"


@own_network
@pytest.mark.cause("net.dns-fail")
def test_resolver_is_dead(folder):
    """Nobody listens at the name server's port: a lookup fails, and it is not the name's fault."""
    setup = resolv(folder, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    sample = srv_net.probe_inside(setup, "tcp://db.lab:5432")
    lab.read_cause(sample, "net.dns-fail")


@own_network
@pytest.mark.cause("net.dns-nxdomain")
def test_name_does_not_exist(folder):
    """A name server of the namespace's own that knows nobody."""
    server = Path(folder) / "names.py"
    server.write_text(
        "import socket, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 53))\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    q, who = s.recvfrom(512)\n"
        "    s.sendto(q[:2] + b'\\x81\\x83' + q[4:6] + bytes(6) + q[12:], who)\n")
    setup = resolv(folder, "nameserver 127.0.0.1\n") + (
        f"\npython3 {server} > {folder}/up & server=$!; trap 'kill $server' EXIT"
        f"\nuntil grep -q up {folder}/up; do :; done"
        "\n\"$0\" probe \"$@\" --json || true; exit 0")
    sample = srv_net.probe_inside(setup, "tcp://db.lab:5432")
    lab.read_cause(sample, "net.dns-nxdomain")


# --- connecting ---

@pytest.mark.cause("net.refused")
def test_nobody_listens(folder):
    port = lab.free_port()
    for target in (f"tcp://127.0.0.1:{port}", f"tls://127.0.0.1:{port}", f"smtp://127.0.0.1:{port}",
                   f"udp://127.0.0.1:{port}", f"http://127.0.0.1:{port}/",
                   f"dns://127.0.0.1:{port}/x.lab"):
        lab.read_cause(lab.probe_once(target), "net.refused")


@own_network
@pytest.mark.cause("net.timeout")
def test_packets_are_dropped(folder):
    config = Path(folder) / "t.yaml"
    config.write_text("checks:\n  it: {type: tcp, address: '127.0.0.1:80', timeout: 300ms}\n")
    sample = srv_net.probe_inside("iptables -A INPUT -p tcp --dport 80 -j DROP", "it", "-c", config)
    lab.read_cause(sample, "net.timeout")
    assert "no answer to the connect" in sample["text"]


ROUTES = "ip route add unreachable 10.9.0.0/16; ip route add prohibit 10.8.0.0/16; " \
         "ip route add blackhole 10.7.0.0/16"


@own_network
@pytest.mark.cause("net.unreachable", "net.denied")
def test_routes_that_lead_nowhere():
    for kind in ("tcp://{}:80", "udp://{}:80", "ping://{}", "http://{}/", "tls://{}", "smtp://{}"):
        for host, code in (("10.9.0.1", "net.unreachable"), ("10.8.0.1", "net.denied"),
                           ("10.7.0.1", "net.denied")):
            lab.read_cause(srv_net.probe_inside(ROUTES, kind.format(host)), code)
    # No route at all.
    lab.read_cause(srv_net.probe_inside("", "tcp://10.1.1.1:80"), "net.unreachable")


@own_network
@pytest.mark.cause("net.port-exhausted")
def test_no_local_port_is_left(folder):
    """Two ephemeral ports, both connected to the target already."""
    holder = Path(folder) / "hold.py"
    holder.write_text(
        "import socket, time\n"
        "l = socket.create_server(('127.0.0.1', 80)); held = []\n"
        "try:\n"
        "    while True: held.append(socket.create_connection(('127.0.0.1', 80)))\n"
        "except OSError: print('up', flush=True)\n"
        "time.sleep(60)\n")
    setup = ("echo 50000 50001 > /proc/sys/net/ipv4/ip_local_port_range"
             f"\npython3 {holder} > {folder}/up & holder=$!"
             f"\nuntil grep -q up {folder}/up; do :; done"
             "\n\"$0\" probe \"$@\" --json || true; kill $holder; exit 0")
    sample = srv_net.probe_inside(setup, "tcp://127.0.0.1:80")
    lab.read_cause(sample, "net.port-exhausted")


@own_network
@pytest.mark.cause("net.unreachable")
def test_ipv6_is_off():
    """EADDRNOTAVAIL, too, but no port is missing: there is no address to come from."""
    off = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1"
    for target in ("tcp://[::1]:80", "http://[::1]/", "udp://[::1]:80", "ping://::1",
                   "dns://[::1]/x.lab"):
        sample = srv_net.probe_inside(off, target)
        lab.read_cause(sample, "net.unreachable")
        assert "this host has no" in sample["text"]


@pytest.mark.cause("self.fd-limit")
def test_no_descriptor_is_left(folder):
    """Our own trouble: an error, never a target that is down."""
    for target in ("tcp://127.0.0.1:80", "udp://127.0.0.1:80", "ping://127.0.0.1"):
        for fds in range(5, 40):
            with_limit = subprocess.run(
                ["sh", "-c", f"ulimit -n {fds}; exec \"$0\" probe \"$@\" --json",
                 lab.BUILD / "triage", target], capture_output=True, text=True)
            if '"self.fd-limit"' in with_limit.stdout:
                break
        else:
            raise AssertionError(f"{target}: {with_limit.stdout} {with_limit.stderr}")
        sample = json.loads(with_limit.stdout)
        lab.read_cause(sample, "self.fd-limit", "error")
        assert with_limit.returncode == 3


# --- after the connect ---

@pytest.mark.cause("net.reset", "net.eof", "net.noreply", "net.protocol")
def test_connections_that_come_to_nothing(folder):
    tcp = "{type: tcp, address: '%s', send: \"hello\\r\\n\", expect: '^welcome', timeout: 500ms}"
    for talk, code in ((srv_net.reset, "net.reset"), (srv_net.close, "net.eof"),
                       (srv_net.mute, "net.noreply"),
                       (srv_net.say(b"SSH-2.0-OpenSSH_9.2\r\n"), "net.protocol")):
        with Stub(talk) as stub:
            lab.read_cause(lab.probe_check(folder, tcp % stub.address), code)
    with Stub(srv_net.mute) as stub:
        sample = lab.probe_check(folder, "{type: smtp, address: '%s', timeout: 300ms}" % stub.address)
        lab.read_cause(sample, "net.noreply")
    with Stub(srv_net.reset) as stub:
        sample = lab.probe_once(f"http://{stub.address}/")
        lab.read_cause(sample, "net.reset")


@pytest.mark.cause("net.noreply")
def test_frozen_process(folder):
    """SIGSTOP: the kernel still accepts its connections."""
    with Stub(srv_net.mute) as spare:
        port = spare.port
    server = subprocess.Popen(["/usr/bin/python3", "-m", "http.server", str(port), "--bind",
                               "127.0.0.1"], cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        lab.wait_for("the server", lambda: lab.probe_once(f"tcp://127.0.0.1:{port}")["exit"] == 0)
        server.send_signal(signal.SIGSTOP)
        sample = lab.probe_check(
            folder, f"{{type: http, url: 'http://127.0.0.1:{port}/', timeout: 500ms}}")
        lab.read_cause(sample, "net.noreply")
    finally:
        server.kill()
        server.wait()


def udp_echo(answer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))

    def serve():
        try:
            while True:
                data, who = s.recvfrom(2048)
                if answer is not None:
                    s.sendto(answer + data, who)
        except OSError:
            pass
    threading.Thread(target=serve, daemon=True).start()
    return s


@pytest.mark.cause("net.noreply", "net.protocol")
def test_udp(folder):
    check = "{type: udp, address: '127.0.0.1:%d', send: hi, expect: '^pong', timeout: 400ms}"
    for answer, code in ((b"pong ", None), (None, "net.noreply"), (b"ping ", "net.protocol")):
        with udp_echo(answer) as s:
            sample = lab.probe_check(folder, check % s.getsockname()[1])
            if code:
                lab.read_cause(sample, code)
            else:
                assert sample["outcome"] == "ok", sample
            without = lab.probe_once(f"udp://127.0.0.1:{s.getsockname()[1]}")
            assert without["outcome"] == "ok", without


# --- ping ---

def test_ping_this_host():
    sample = lab.probe_once("ping://127.0.0.1")
    assert sample["outcome"] == "ok" and sample["values"]["loss_percent"] == 0, sample
    assert 0 < sample["values"]["rtt_min_time"] <= sample["values"]["rtt_time"]


@own_network
@pytest.mark.cause("ping.loss")
def test_ping_is_dropped(folder):
    config = Path(folder) / "t.yaml"
    config.write_text("checks:\n  it: {type: ping, host: 127.0.0.1, spacing: 10ms, wait: 100ms}\n")
    drop = "iptables -A INPUT -p icmp --icmp-type echo-request -j DROP"
    sample = srv_net.probe_inside(drop, "it", "-c", config)
    lab.read_cause(sample, "ping.loss")
    assert sample["values"]["loss_percent"] == 100 and "rtt_time" not in sample["values"]
    # Every other one, and a limit below that.
    some = "iptables -A INPUT -p icmp --icmp-type echo-request -m statistic --mode nth --every 2 " \
           "--packet 0 -j DROP"
    config.write_text("checks:\n  it: {type: ping, host: 127.0.0.1, count: 10, spacing: 10ms, "
                      "wait: 100ms, max_loss: 20%}\n")
    sample = srv_net.probe_inside(some, "it", "-c", config)
    lab.read_cause(sample, "ping.loss")
    assert sample["values"]["loss_percent"] == 50 and sample["values"]["rtt_time"] > 0
    # A firewall that says no is heard.
    refuse = "iptables -A INPUT -p icmp --icmp-type echo-request -j REJECT " \
             "--reject-with icmp-host-unreachable"
    sample = srv_net.probe_inside(refuse, "it", "-c", config)
    assert sample["cause"] == "net.unreachable" and "says 127.0.0.1" in sample["text"], sample


@own_network
@pytest.mark.cause("self.local")
def test_ping_without_the_right():
    """Neither the sysctl nor the capability: an error that names both, not a host that is down."""
    script = "ip link set lo up; exec setpriv --bounding-set -net_raw --inh-caps -net_raw " \
             "\"$0\" probe ping://127.0.0.1 --json"
    done = subprocess.run(["unshare", "-rn", "sh", "-ec", script, lab.BUILD / "triage"],
                          capture_output=True, text=True, timeout=lab.LIMIT)
    sample = json.loads(done.stdout)
    lab.read_cause(sample, "self.local", "error")
    assert "net.ipv4.ping_group_range" in sample["text"] and "CAP_NET_RAW" in sample["text"]


# --- tls ---

def tls_check(keys, stub, more=""):
    return f"{{type: tls, address: '{stub.address}', server_name: localhost, ca: {keys.ca}{more}}}"


def test_tls_of_a_good_server(keys, folder):
    with Stub(srv_net.tls(pair(keys, "good"))) as stub:
        sample = lab.probe_check(folder, tls_check(keys, stub))
    assert sample["outcome"] == "ok", sample
    assert 18 * 86400 < sample["values"]["days_left"] < 21 * 86400
    facts = {f["name"]: f["text"] for f in sample["facts"]}
    assert facts["certificate"] == "good.lab, signed by Lab CA", facts
    assert facts["protocol"].startswith("TLSv1.3") and "localhost" in facts["names"], facts


@pytest.mark.cause("net.tls-verify")
def test_tls_of_bad_certificates(keys, folder):
    for name, words in (("old", "expired on"), ("early", "is not valid before"),
                        ("other", "is for other.lab, not for localhost"),
                        ("own", "is self-signed and not trusted")):
        with Stub(srv_net.tls(pair(keys, name))) as stub:
            sample = lab.probe_check(folder, tls_check(keys, stub))
            lab.read_cause(sample, "net.tls-verify")
            assert words in sample["text"], sample["text"]
            assert "days_left" in sample["values"] and sample["facts"], sample
            if name == "early":
                assert "this host's clock is wrong: it says" in sample["text"]
            for kind in ("http", "tcp"):
                key = f"url: 'https://localhost:{stub.port}/'" if kind == "http" else \
                    f"address: 'localhost:{stub.port}', tls: true"
                sample = lab.probe_check(folder, f"{{type: {kind}, {key}, ca: {keys.ca}}}")
                lab.read_cause(sample, "net.tls-verify")
    # Nobody told us of the authority.
    with Stub(srv_net.tls(pair(keys, "good"))) as stub:
        sample = lab.probe_once(f"tls://localhost:{stub.port}")
        lab.read_cause(sample, "net.tls-verify")
        assert "signed by Lab CA, which is not trusted" in sample["text"]


def test_tls_weakest_of_the_chain(keys, folder):
    chain = keys.chain("leaf", "leaf", "short")
    with Stub(srv_net.tls((chain, keys.folder / "leaf.key"))) as stub:
        sample = lab.probe_check(folder, tls_check(keys, stub))
    assert sample["outcome"] == "ok", sample
    assert 86400 < sample["values"]["days_left"] < 3 * 86400  # the intermediate's, not the leaf's
    assert any(f["name"] == "ends first" and "short.lab" in f["text"] for f in sample["facts"])


def test_tls_certificates_that_nobody_needs(keys, folder):
    """An expired cross-signature sent along for old clients: neither the trust nor the end."""
    chain = keys.chain("cross", "good", "old")
    with Stub(srv_net.tls((chain, keys.folder / "good.key"))) as stub:
        sample = lab.probe_check(folder, tls_check(keys, stub))
    assert sample["outcome"] == "ok" and sample["values"]["days_left"] > 86400, sample
    assert "expired" not in sample["text"], sample


@pytest.mark.cause("net.tls-handshake")
def test_tls_without_agreement(keys, folder):
    """A server that knows old versions only."""
    old = srv_net.tls(pair(keys, "good"), maximum_version=ssl.TLSVersion.TLSv1_1,
                      minimum_version=ssl.TLSVersion.TLSv1)
    with Stub(old) as stub:
        lab.read_cause(lab.probe_check(folder, tls_check(keys, stub)), "net.tls-handshake")
    with Stub(srv_net.close) as stub:
        lab.read_cause(lab.probe_check(folder, tls_check(keys, stub)), "net.tls-handshake")


@pytest.mark.cause("net.tls-required", "net.tls-unsupported")
def test_tls_and_plain_meet(folder):
    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    for check, talk in (
            ("{type: tcp, address: '%s', send: hello, expect: hi}", srv_net.answer(alert)),
            ("{type: smtp, address: '%s'}", srv_net.say(alert)),
            ("{type: tls, address: '%s', starttls: imap}", srv_net.say(alert))):
        with Stub(talk) as stub:
            lab.read_cause(lab.probe_check(folder, check % stub.address), "net.tls-required")
    with Stub(srv_net.say(b"220 mail.lab ESMTP\r\n")) as stub:
        lab.read_cause(lab.probe_once(f"tls://{stub.address}"), "net.tls-unsupported")


STARTTLS = {"EHLO": "250-mail.lab\n250 STARTTLS", "STARTTLS": "220 go"}


@pytest.mark.cause("net.tls-unsupported")
def test_starttls_mail(keys, folder):
    with Stub(srv_net.mail(STARTTLS, upgrade=pair(keys, "good"))) as stub:
        sample = lab.probe_check(folder, tls_check(keys, stub, ", starttls: smtp"))
        assert sample["outcome"] == "ok" and sample["values"]["days_left"] > 0, sample
    with Stub(srv_net.mail({"EHLO": "250 mail.lab"})) as stub:
        sample = lab.probe_check(folder, tls_check(keys, stub, ", starttls: smtp"))
        lab.read_cause(sample, "net.tls-unsupported")


@pytest.mark.cause("net.turned-away")
def test_starttls_is_refused_a_talk(keys, folder):
    for kind, words in (("smtp", b"421 too busy\r\n"), ("imap", b"* BYE too busy\r\n")):
        with Stub(srv_net.say(words)) as stub:
            sample = lab.probe_check(folder, tls_check(keys, stub, f", starttls: {kind}"))
            lab.read_cause(sample, "net.turned-away")
            assert "too busy" in sample["text"]


@pytest.mark.skipif(not Path("/usr/lib/postgresql/15/bin/postgres").exists(), reason="no PostgreSQL")
@pytest.mark.cause("net.tls-unsupported")
def test_starttls_postgres(keys, folder):
    import srv_postgres
    server = srv_postgres.Postgres()
    try:
        cert, key = pair(keys, "good")
        for source, name in ((cert, "server.crt"), (key, "server.key")):
            shutil.copy(source, server.data / name)
            srv_postgres.give(server.data / name)
            (server.data / name).chmod(0o600)
        for ssl_on, outcome in (("off", "fail"), ("on", "ok")):
            server.conf(f"ssl = {ssl_on}\n")
            server.start()
            sample = lab.probe_check(folder, f"{{type: tls, address: '127.0.0.1:{server.port}', "
                                             f"starttls: postgres, ca: {keys.ca}}}")
            assert sample["outcome"] == outcome, sample
            if outcome == "fail":
                lab.read_cause(sample, "net.tls-unsupported")
            server.stop()
    finally:
        server.destroy()


@pytest.mark.skipif(not shutil.which("mariadbd"), reason="no MariaDB")
@pytest.mark.cause("net.tls-unsupported")
def test_starttls_mariadb(keys, folder):
    import srv_mysql
    cert, key = pair(keys, "good")
    for path in (keys.folder, cert, key):
        path.chmod(0o755)
    server = srv_mysql.MariaDB()
    try:
        for options, outcome in ((["--skip-ssl"], "fail"),
                                 ([f"--ssl-cert={cert}", f"--ssl-key={key}"], "ok")):
            server.start(*options)
            sample = lab.probe_check(folder, f"{{type: tls, address: '127.0.0.1:{server.port}', "
                                             f"starttls: mysql, ca: {keys.ca}}}")
            assert sample["outcome"] == outcome, sample
            if outcome == "fail":
                lab.read_cause(sample, "net.tls-unsupported")
            server.stop()
    finally:
        server.destroy()


# --- smtp ---

def test_smtp_of_a_good_server(keys, folder):
    with Stub(srv_net.mail(STARTTLS, upgrade=pair(keys, "good"))) as stub:
        sample = lab.probe_check(folder, f"{{type: smtp, address: 'localhost:{stub.port}', "
                                         f"starttls: required, ca: {keys.ca}}}")
        assert sample["outcome"] == "ok" and "over TLS" in sample["text"], sample
        assert sample["values"]["tls_days_left"] > 0
    with Stub(srv_net.mail({"EHLO": "250-mail.lab\n250 SIZE 1000"})) as stub:
        sample = lab.probe_once(f"smtp://{stub.address}")
        assert sample["outcome"] == "ok" and "without TLS" in sample["text"], sample
    with Stub(srv_net.tls(pair(keys, "good"), after=srv_net.mail({"EHLO": "250 hi"}))) as stub:
        sample = lab.probe_check(folder, f"{{type: smtp, address: 'smtps://localhost:{stub.port}', "
                                         f"ca: {keys.ca}}}")
        assert sample["outcome"] == "ok" and "over TLS" in sample["text"], sample


@pytest.mark.cause("smtp.rejected", "smtp.busy", "smtp.no-starttls")
def test_smtp_refusals(folder):
    cases = (
        (srv_net.mail({}, greeting="554 no mail here"), "smtp.rejected"),
        (srv_net.mail({}, greeting="421 too many connections"), "smtp.busy"),
        (srv_net.mail({"EHLO": "550 who?"}), "smtp.rejected"),
        (srv_net.mail({"EHLO": "250 mail.lab"}), "smtp.no-starttls"),
        (srv_net.mail({**STARTTLS, "STARTTLS": "454 no key"}), "smtp.no-starttls"),
    )
    for talk, code in cases:
        with Stub(talk) as stub:
            sample = lab.probe_check(
                folder, f"{{type: smtp, address: '{stub.address}', starttls: required}}")
            lab.read_cause(sample, code)


@pytest.mark.cause("smtp.auth", "smtp.no-auth", "smtp.cert-doubtful", "net.tls-verify")
def test_smtp_login_and_trust(keys, folder):
    check = f"{{type: smtp, address: 'localhost:%d', starttls: required, ca: {keys.ca}, user: me, " \
            "password: not-this-one}}"
    offered = {"EHLO": "250-mail.lab\n250-STARTTLS\n250 AUTH PLAIN LOGIN", "STARTTLS": "220 go",
               "AUTH": "535 5.7.8 wrong"}
    for answers, code in ((offered, "smtp.auth"), (STARTTLS, "smtp.no-auth"),
                          ({**offered, "AUTH": "235 hello"}, None)):
        with Stub(srv_net.mail(answers, upgrade=pair(keys, "good"))) as stub:
            sample = lab.probe_check(folder, check.replace("}}", "}") % stub.port)
            assert "not-this-one" not in str(sample)
            if code:
                lab.read_cause(sample, code)
            else:
                assert sample["outcome"] == "ok", sample
    with Stub(srv_net.mail(STARTTLS, upgrade=pair(keys, "own"))) as stub:
        sample = lab.probe_once(f"smtp://localhost:{stub.port}")
        assert sample["outcome"] == "ok", sample
        assert "self-signed" in lab.read_note(sample, "smtp.cert-doubtful")
        sample = lab.probe_check(
            folder, f"{{type: smtp, address: 'localhost:{stub.port}', starttls: required}}")
        lab.read_cause(sample, "net.tls-verify")


# --- families ---

@own_network
@pytest.mark.cause("net.family")
def test_one_family_fails(folder):
    """The name has both, the server listens on IPv4 only."""
    hosts = Path(folder) / "hosts"
    hosts.write_text("127.0.0.1 both.lab\n::1 both.lab\n")
    server = Path(folder) / "server.py"
    server.write_text("import socket\ns = socket.create_server(('127.0.0.1', 80))\n"
                      "print('up', flush=True)\nwhile True: s.accept()\n")
    setup = (f"mount --bind {hosts} /etc/hosts"
             f"\npython3 {server} > {folder}/up & server=$!"
             f"\nuntil grep -q up {folder}/up; do :; done"
             "\n\"$0\" probe \"$@\" --json || true; kill $server; exit 0")
    sample = srv_net.probe_inside(setup, "tcp://both.lab:80")
    assert sample["outcome"] == "ok", sample
    assert "IPv6" in lab.read_note(sample, "net.family")
