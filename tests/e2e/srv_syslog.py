"""A real rsyslog in a private folder: what it received, message by message, taken apart by itself."""
import contextlib
import json
import socket
import subprocess
from pathlib import Path

import lab


class Rsyslog:
    """`way`: udp, tcp, tls or unix; `keys`: (certificate, key, authority) of TLS."""

    def __init__(self, folder, way, *, keys=None, driver="gtls", auth="anon", port=None):
        self.folder = Path(folder)
        self.way, self.keys, self.driver, self.auth = way, keys, driver, auth
        self.port = port or lab.free_port()
        self.socket = self.folder / "dev-log"
        self.out = self.folder / f"{way}.out"
        self.process = None

    @property
    def url(self):
        return f"{self.way}://localhost:{self.port}"

    def input(self):
        at = f'address="127.0.0.1" port="{self.port}"'
        if self.way == "udp":
            return f'module(load="imudp")\ninput(type="imudp" {at})\n'
        if self.way == "unix":
            return (f'module(load="imuxsock" SysSock.Use="off")\n'
                    f'input(type="imuxsock" Socket="{self.socket}" CreatePath="on")\n')
        if self.way == "tcp":
            return f'module(load="imtcp")\ninput(type="imtcp" {at})\n'
        cert, key, ca = self.keys
        return (f'global(DefaultNetstreamDriver="{self.driver}" DefaultNetstreamDriverCAFile="{ca}"'
                f' DefaultNetstreamDriverCertFile="{cert}" DefaultNetstreamDriverKeyFile="{key}")\n'
                f'module(load="imtcp" StreamDriver.Name="{self.driver}" StreamDriver.Mode="1"'
                f' StreamDriver.AuthMode="{self.auth}")\ninput(type="imtcp" {at})\n')

    def start(self):
        conf = self.folder / f"{self.way}.conf"
        conf.write_text(
            f'global(workDirectory="{self.folder}")\n{self.input()}'
            'module(load="mmpstrucdata")\naction(type="mmpstrucdata")\n'
            'template(name="whole" type="list") { property(name="jsonmesg") constant(value="\\n") }\n'
            f'*.* action(type="omfile" file="{self.out}" template="whole")\n')
        self.process = subprocess.Popen(
            ["/usr/sbin/rsyslogd", "-n", "-f", conf, "-i", self.folder / f"{self.way}.pid"],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "rsyslog.err").open("ab"))
        lab.wait_for(f"rsyslog by {self.way}", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "rsyslog.err").read_text())
        if self.way == "unix":
            return self.socket.exists()
        if self.way == "udp":
            inodes = Path("/proc/net/udp").read_text()
            return f":{self.port:04X} " in inodes
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def messages(self):
        """What triaged sent, in order; rsyslog itself has things to say, too."""
        if not self.out.exists():
            return []
        lines = [json.loads(line) for line in self.out.read_text().splitlines()]
        return [m for m in lines if m["programname"] == "triaged"]

    def wait(self, count, of=lambda m: True):
        return lab.wait_for(f"{count} messages: {self.messages()}",
                            lambda: (m := [x for x in self.messages() if of(x)])
                            and len(m) >= count and m)
