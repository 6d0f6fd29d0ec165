"""A bus of the test's own, and on it something that speaks like systemd's manager: real D-Bus, real
signals, units whose state the test decides.

Run as a program it is that manager: commands come as JSON lines on stdin, one "ok" goes out for each.
"""
import json
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen>
<policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/>{more}</policy></busconfig>
"""


class Bus:
    """dbus-daemon on a socket in `folder`."""

    def __init__(self, folder, more=""):
        self.path = Path(folder) / "bus"
        self.address = f"unix:path={self.path}"
        self.config = Path(folder) / "bus.conf"
        self.config.write_text(CONFIG.format(path=self.path, more=more))
        self.process = None

    def start(self):
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.config}", "--nofork", "--nopidfile",
             "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline().startswith("unix:")
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


class Systemd:
    """The manager in a process of its own."""

    def __init__(self, bus):
        self.process = subprocess.Popen(["/usr/bin/python3", __file__, bus.address],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def say(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def set(self, name, **properties):
        """Creates or changes a unit; what changed is told by signals, several times as the real one."""
        self.say(do="set", name=name, properties=properties)

    def alias(self, name, of):
        self.say(do="alias", name=name, of=of)

    def reloaded(self):
        self.say(do="reloaded")

    def counts(self):
        return self.say(do="counts")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def now_us(ago_s=0):
    return int((time.time() - ago_s) * 1e6)


def serve(address):
    import dbus
    import dbus.mainloop.glib
    import dbus.service
    from gi.repository import GLib

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(address)
    top = "/org/freedesktop/systemd1"
    of_unit = {"Id", "LoadState", "LoadError", "ActiveState", "SubState", "FragmentPath", "TriggeredBy",
               "InactiveExitTimestamp", "ActiveEnterTimestamp", "StateChangeTimestamp"}
    units, counts = {}, {"Subscribe": 0, "LoadUnit": 0}

    def typed(name, value):
        if name == "LoadError":
            return dbus.Struct(value, signature="ss")
        if name.endswith(("Timestamp", "Current", "Max", "NSec")):
            return dbus.UInt64(value)
        if name in ("ExecMainCode", "ExecMainStatus"):
            return dbus.Int32(value)
        if name == "NRestarts":
            return dbus.UInt32(value)
        if isinstance(value, list):
            return dbus.Array(value, signature="s")
        return value

    class Unit(dbus.service.Object):
        def __init__(self, name):
            safe = "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):02x}" for c in name)
            self.path = f"{top}/unit/{safe}"
            super().__init__(bus, self.path)
            kind = name.rsplit(".", 1)[1].capitalize()
            self.own = f"org.freedesktop.systemd1.{kind}"
            self.common = {"Id": name, "LoadState": "not-found", "ActiveState": "inactive",
                           "SubState": "dead", "LoadError": ["org.freedesktop.systemd1.NoSuchUnit",
                                                             f"Unit {name} not found."]}
            self.special = {}

        def change(self, properties):
            self.common.setdefault("StateChangeTimestamp", 0)
            properties = {"StateChangeTimestamp": now_us(), **properties}
            common = {k: v for k, v in properties.items() if k in of_unit}
            special = {k: v for k, v in properties.items() if k not in of_unit}
            self.common.update(common)
            self.special.update(special)
            for _ in range(2):
                self.tell(self.own, special)
                self.tell("org.freedesktop.systemd1.Unit", common)

        def tell(self, interface, properties):
            self.PropertiesChanged(interface, {k: typed(k, v) for k, v in properties.items()}, [])

        @dbus.service.signal("org.freedesktop.DBus.Properties", signature="sa{sv}as")
        def PropertiesChanged(self, interface, changed, invalidated):
            pass

        @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="s",
                             out_signature="a{sv}")
        def GetAll(self, interface):
            found = self.common if interface == "org.freedesktop.systemd1.Unit" else self.special
            return {k: typed(k, v) for k, v in found.items()}

    class Manager(dbus.service.Object):
        manager = "org.freedesktop.systemd1.Manager"

        @dbus.service.method(manager)
        def Subscribe(self):
            counts["Subscribe"] += 1

        @dbus.service.method(manager, in_signature="s", out_signature="o")
        def LoadUnit(self, name):
            counts["LoadUnit"] += 1
            if name not in units:
                units[name] = Unit(name)
            return units[name].path

        @dbus.service.method(manager, in_signature="as", out_signature="a(ssssssouso)")
        def ListUnitsFiltered(self, states):
            return dbus.Array([(n, n, u.common["LoadState"], u.common["ActiveState"],
                                u.common["SubState"], "", u.path, dbus.UInt32(0), "", "/")
                               for n, u in units.items() if u.common["ActiveState"] in states],
                              signature="(ssssssouso)")

        @dbus.service.signal(manager, signature="b")
        def Reloading(self, begins):
            pass

    manager = Manager(bus, top)
    name = dbus.service.BusName("org.freedesktop.systemd1", bus)

    def obey(channel, condition):
        line = channel.readline()
        if not line:
            loop.quit()
            return False
        command = json.loads(line)
        answer = {}
        if command["do"] == "set":
            if command["name"] not in units:
                units[command["name"]] = Unit(command["name"])
            units[command["name"]].change({"LoadState": "loaded", **command["properties"]})
        elif command["do"] == "alias":
            units[command["name"]] = units[command["of"]]
        elif command["do"] == "reloaded":
            manager.Reloading(True)
            manager.Reloading(False)
        else:
            answer = counts
        print(json.dumps(answer), flush=True)
        return True

    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, obey)
    print("ready", flush=True)
    loop.run()
    return name


if __name__ == "__main__":
    serve(sys.argv[1])
