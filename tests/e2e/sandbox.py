"""Starts a program in the world that a systemd unit asks for, where there is no systemd.

    sandbox.py --unit FILE [--dropin FILE] [--bind PATH] [--write PATH] --tmp FOLDER [--bare] -- PROGRAM [ARG...]

The unit is read, so that it and the tests cannot drift apart: user, capabilities, mount namespace, private
folders, /proc, and the filters of system calls are made as systemd 252 makes them.  What cannot be made by hand
(cgroups, packet filters) stands in CANNOT with its reason; a setting that is in neither list is an error.
--bind is seen through private folders as BindReadOnlyPaths= would do it (PATH=PLACE: at another place), --write as
ReadWritePaths=.
--bare takes every capability and group away, as if an operator had trusted it with nothing.
"""
import argparse
import ctypes
import errno
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_MOVE, MS_REC = 1, 2, 4, 8, 4096, 8192, 16384
MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 18, 1 << 19, 1 << 20
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP = 0x20000, 0x4000000, 0x8000000, 0x2000000
NEW_NAMESPACES = {"cgroup": 0x2000000, "ipc": 0x8000000, "net": 0x40000000, "mnt": 0x20000, "pid": 0x20000000,
                  "user": 0x10000000, "uts": 0x4000000, "time": 0x80}
AT_RECURSIVE, MOUNT_ATTR_RDONLY = 0x8000, 1
MNT_DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, -1)
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442
STAND_IN_UID = 64099  # where the host has no such user

CAPABILITIES = """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace
sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control
setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf
checkpoint_restore""".split()

# What is systemd's own business or needs more than a process can give itself.
CANNOT = {
    "Type": "sd_notify is tested elsewhere", "NotifyAccess": "as Type",
    "ExecStart": "the test says what runs", "ExecStartPre": "as ExecStart", "ExecReload": "as ExecStart",
    "ExecStop": "as ExecStart", "ExecStartPost": "as ExecStart",
    "Restart": "systemd's", "RestartSec": "systemd's", "WatchdogSec": "systemd's", "WatchdogSignal": "systemd's",
    "TimeoutStartSec": "systemd's", "TimeoutStopSec": "systemd's", "TimeoutSec": "systemd's",
    "TimeoutAbortSec": "systemd's", "RestartPreventExitStatus": "systemd's", "SuccessExitStatus": "systemd's",
    "KillMode": "systemd's", "KillSignal": "systemd's", "FinalKillSignal": "systemd's", "SendSIGKILL": "systemd's",
    "StateDirectory": "--write", "StateDirectoryMode": "--write", "RuntimeDirectory": "--write",
    "RuntimeDirectoryMode": "--write", "RuntimeDirectoryPreserve": "--write", "LogsDirectory": "--write",
    "CacheDirectory": "--write", "ConfigurationDirectory": "--bind", "ConfigurationDirectoryMode": "--bind",
    "FileDescriptorStoreMax": "systemd's", "Sockets": "systemd's", "Slice": "needs a cgroup",
    "LoadCredential": "needs systemd", "LoadCredentialEncrypted": "needs systemd", "SetCredential": "needs systemd",
    "ImportCredential": "needs systemd",
    "DynamicUser": "a stand-in number is used", "SyslogIdentifier": "the test reads stderr",
    "StandardOutput": "the test reads stderr", "StandardError": "the test reads stderr",
    "StandardInput": "the test gives none", "LogRateLimitIntervalSec": "journald's", "LogRateLimitBurst": "journald's",
    "DevicePolicy": "needs a cgroup", "DeviceAllow": "needs a cgroup", "IPAddressDeny": "needs a cgroup's BPF",
    "IPAddressAllow": "needs a cgroup's BPF", "SocketBindDeny": "needs a cgroup's BPF",
    "SocketBindAllow": "needs a cgroup's BPF", "MemoryMax": "needs a cgroup", "MemoryHigh": "needs a cgroup",
    "MemoryAccounting": "needs a cgroup", "CPUAccounting": "needs a cgroup", "TasksAccounting": "needs a cgroup",
    "IOAccounting": "needs a cgroup", "TasksMax": "needs a cgroup", "CPUQuota": "needs a cgroup",
    "CPUWeight": "needs a cgroup", "IOWeight": "needs a cgroup", "MemorySwapMax": "needs a cgroup",
    "Delegate": "needs a cgroup", "OOMPolicy": "systemd's", "ManagedOOMPreference": "systemd-oomd's",
    "KeyringMode": "no keys are used", "RemoveIPC": "no shared memory is used", "Nice": "of no matter here",
    "IOSchedulingClass": "of no matter here", "IOSchedulingPriority": "of no matter here",
    "RestrictFileSystems": "needs BPF LSM", "PrivateUsers": "the test's files would lose their owners",
    "Environment": "the test's", "EnvironmentFile": "the test's", "PassEnvironment": "the test's",
    "UnsetEnvironment": "the test's", "WorkingDirectory": "the test's", "LimitCORE": "of no matter here",
    "CoredumpFilter": "of no matter here", "OOMScoreAdjust": "of no matter here",
}


def read_unit(path, settings=None):
    """{setting: [values]} of [Service], on top of those of a unit where this is its drop-in; an empty assignment
    forgets those before it, as in systemd."""
    settings, section, held = settings or {}, "", ""
    for line in Path(path).read_text().splitlines():
        text = held + line.strip()
        held = ""
        if not text or text[0] in "#;":
            continue
        if text.endswith("\\"):
            held = text[:-1] + " "
        elif text[0] == "[":
            section = text.strip("[]")
        elif section == "Service":
            name, _, value = text.partition("=")
            name, value = name.strip(), value.strip()
            settings.setdefault(name, [])
            if value:
                settings[name].append(value)
            else:
                settings[name] = []
    return settings


def is_true(text):
    return text.lower() in ("yes", "true", "on", "1")


def fail(what):
    code = ctypes.get_errno()
    raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source, target, kind=None, flags=0, data=None):
    as_bytes = [None if x is None else str(x).encode() for x in (source, target, kind)]
    if libc.mount(*as_bytes, ctypes.c_ulong(flags), None if data is None else data.encode()) != 0:
        fail(f"mount {source} on {target}")


def copy_tree(path):
    """A descriptor of the mounts at `path` as they are now, to be put somewhere later."""
    tree = libc.syscall(SYS_OPEN_TREE, -100, str(path).encode(), 1 | os.O_CLOEXEC | AT_RECURSIVE)
    return tree if tree >= 0 else fail(f"open_tree {path}")


def set_read_only(path, on=True, recursive=True):
    bits = (MOUNT_ATTR_RDONLY, 0) if on else (0, MOUNT_ATTR_RDONLY)
    attr = struct.pack("QQQQ", *bits, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    if libc.syscall(SYS_MOUNT_SETATTR, -100, str(path).encode(), flags, attr, len(attr)) != 0:
        fail(f"mount_setattr {path}")


def is_mount(path):
    return any(line.split()[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def mount_of_root():
    """Its line of the mount table, in words; none: / is a folder of a mount, as chroot(8) leaves it."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return next((words for words in reversed(lines) if words[4] == "/"), [])


def is_root_whole():
    """/ is a whole file system of a host, not a folder of one or a container's layers."""
    words = mount_of_root()
    return bool(words) and words[3] == "/" and words[words.index("-") + 1] not in ("overlay", "fuse")


def is_in_chroot():
    """No mount of our own is /, or the kernel refuses what it refuses in a chroot."""
    return not mount_of_root() or subprocess.run(["unshare", "-U", "true"], capture_output=True).returncode != 0


def enter_own_root():
    """Makes the / of a chroot a mount, that of a mount namespace of our own: else nothing could be said of the mounts
    below it, and neither `unshare -m`, `unshare -U` nor the unit's world be had.  What is mounted later stays here."""
    if libc.unshare(CLONE_NEWNS) != 0:
        fail("unshare")
    here, home = os.open("/", os.O_PATH), os.getcwd()
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    if libc.setns(own, CLONE_NEWNS) != 0:  # out of the chroot: only the real / can be cut from the host's
        fail("setns")
    try:
        mount(None, "/", None, MS_SLAVE | MS_REC)
    finally:
        os.fchdir(here)
        os.chroot(".")
        os.chdir(home)
    tree = copy_tree("/")
    if libc.syscall(SYS_MOVE_MOUNT, tree, b"", -100, b"/", 4) != 0:
        fail("move_mount /")
    # A user namespace is refused in a chroot: the mount becomes the namespace's own root.
    if libc.setns(own, CLONE_NEWNS) != 0:
        fail("setns")
    os.fchdir(tree)
    if libc.syscall(SYS_PIVOT_ROOT, b".", b".") == 0:
        libc.umount2(b".", MNT_DETACH)
    else:
        os.chroot(".")
    os.chdir(home)
    mount(None, "/", None, MS_PRIVATE | MS_REC)
    for fd in (here, own, tree):
        os.close(fd)


class World:
    """The mount namespace, built in systemd's order: private things, then what is read-only."""

    def __init__(self, unit, options):
        self.unit, self.options = unit, options
        self.made = set(CANNOT)  # settings that were dealt with
        self.read_only, self.read_write = [], []

    def words(self, *names):
        out = []
        for name in names:
            self.made.add(name)
            for value in self.unit.get(name, []):
                out += value.split()
        return out

    def last(self, name, otherwise=""):
        self.made.add(name)
        values = self.unit.get(name, [])
        return values[-1] if values else otherwise

    def flag(self, name):
        return is_true(self.last(name))

    # --- mounts ---

    def begin(self):
        """A host whose mounts are shared, as systemd leaves them, and a slave of it."""
        if libc.unshare(CLONE_NEWNS) != 0:
            fail("unshare")
        mount(None, "/", None, MS_SHARED | MS_REC)
        # It must go on: mounts say in mountinfo that they follow those of a living namespace.
        host = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        os.set_inheritable(host, True)
        if libc.unshare(CLONE_NEWNS) != 0:
            fail("unshare")
        mount(None, "/", None, MS_SLAVE | MS_REC)
        binds = [path.partition("=") for path in self.options.bind]
        self.held = [(copy_tree(path), Path(place or path)) for path, _, place in binds]
        self.stage = Path(self.options.tmp) / "stage"
        self.stage.mkdir(exist_ok=True)
        mount("tmpfs", self.stage, "tmpfs", MS_NOSUID, "mode=0755")
        # By descriptor: its own path will be covered.
        self.stage = Path(f"/proc/self/fd/{os.open(self.stage, os.O_PATH | os.O_DIRECTORY)}")
        nodes = self.stage / "systemd/inaccessible"
        nodes.mkdir(parents=True)
        (nodes / "dir").mkdir(mode=0)
        (nodes / "reg").touch(mode=0)
        self.nodes = nodes
    def hide(self, path):
        optional = path.startswith("-")
        path = Path(path.lstrip("-+"))
        if not path.exists():
            if optional or str(path).startswith(("/proc", "/sys", "/dev", "/home", "/root", "/run", "/lib")):
                return
            raise FileNotFoundError(path)
        mount(self.nodes / ("dir" if path.is_dir() else "reg"), path, None, MS_BIND)

    def cover(self, path, data="mode=0755", flags=MS_NOSUID | MS_NODEV):
        if Path(path).is_dir():
            mount("tmpfs", path, "tmpfs", flags, data)
            return True
        return False

    def private_tmp(self):
        if not self.flag("PrivateTmp"):
            return
        for place in ("tmp", "var/tmp"):
            own = Path(self.options.tmp) / f"systemd-private-0123-triaged.service-{place.replace('/', '-')}" / "tmp"
            own.mkdir(parents=True, exist_ok=True)
            own.chmod(0o1777)
            mount(own, f"/{place}", None, MS_BIND)

    def private_devices(self):
        if not self.flag("PrivateDevices"):
            return
        dev = self.stage / "dev"
        dev.mkdir()
        mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=0755")
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            (dev / name).touch()
            mount(f"/dev/{name}", dev / name, None, MS_BIND)
        for name in ("pts", "shm", "mqueue", "hugepages"):
            if Path(f"/dev/{name}").is_dir():
                (dev / name).mkdir()
                mount(f"/dev/{name}", dev / name, None, MS_BIND | MS_REC)
        for name, to in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"),
                         ("ptmx", "pts/ptmx"), ("log", "/run/systemd/journal/dev-log")):
            (dev / name).symlink_to(to)
        mount(dev, "/dev", None, MS_MOVE)
        self.read_only.append("/dev")

    def protect_home(self):
        how = self.last("ProtectHome").lower()
        for path in ("/home", "/root", "/run/user"):
            if is_true(how):
                self.hide(f"-{path}")
            elif how == "tmpfs" and self.cover(path):
                self.read_only.append(path)
            elif how == "read-only" and Path(path).is_dir():
                self.read_only.append(path)

    def temporary(self):
        for word in self.words("TemporaryFileSystem"):
            path, _, options = word.partition(":")
            self.cover(path, "mode=0755")
            if "ro" in options.split(","):
                self.read_only.append(path)

    def proc(self):
        how, subset = self.last("ProtectProc", "default"), self.last("ProcSubset", "all")
        data = {"noaccess": "hidepid=1", "invisible": "hidepid=2", "ptraceable": "hidepid=4"}.get(how, "")
        data += ",subset=pid" if subset == "pid" else ""
        if data:
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, data.strip(","))

    def protect_kernel(self):
        if self.flag("ProtectKernelTunables"):
            self.read_only += [f"/proc/{n}" for n in ("acpi", "apm", "asound", "bus", "fs", "irq", "latency_stats",
                                                      "mtrr", "scsi", "sys", "sysrq-trigger", "timer_stats")]
            self.read_only.append("/sys")
            self.hide("-/proc/kallsyms")
            self.hide("-/proc/kcore")
        if self.flag("ProtectKernelModules"):
            self.hide("-/lib/modules")
        if self.flag("ProtectKernelLogs"):
            self.hide("-/proc/kmsg")
            self.hide("-/dev/kmsg")
        if self.flag("ProtectControlGroups"):
            self.read_only.append("/sys/fs/cgroup")

    def binds(self):
        for name in ("BindPaths", "BindReadOnlyPaths"):
            for word in self.words(name):
                source, _, target = word.lstrip("-").partition(":")
                target = target.partition(":")[0] or source
                if not Path(source).exists() and word.startswith("-"):
                    continue
                mount(source, target, None, MS_BIND | MS_REC)
                (self.read_write if name == "BindPaths" else self.read_only).append(target)

    def bring_back(self, when):
        """What a user would bind in: the test's own folders, before what the unit hides within them."""
        for tree, path in self.held:
            if str(path).startswith(("/tmp/", "/var/tmp/")) != (when == "early"):
                continue
            path.mkdir(parents=True, exist_ok=True)
            if libc.syscall(SYS_MOVE_MOUNT, tree, b"", -100, str(path).encode(), 4) != 0:
                fail(f"move_mount {path}")
            os.close(tree)

    def lock(self):
        how = self.last("ProtectSystem").lower()
        for path in self.words("ReadWritePaths", "ReadWriteDirectories"):
            path = path.lstrip("-+")
            if Path(path).exists():
                self.read_write.append(path)
        self.read_only += [p.lstrip("-+") for p in self.words("ReadOnlyPaths", "ReadOnlyDirectories")]
        api = [p for p in ("/dev", "/proc", "/sys") if p not in self.read_only]
        if how == "strict":
            for path in [*self.options.write, *self.read_write]:
                if not is_mount(path):
                    mount(path, path, None, MS_BIND | MS_REC)
            set_read_only("/")
            private = ["/tmp", "/var/tmp"] if self.flag("PrivateTmp") else []
            for path in [*api, *private]:
                set_read_only(path, False, recursive=path in api)
        elif how:
            self.read_only += ["/usr", "/boot"] + (["/etc"] if how == "full" else [])
        for path in self.read_only:
            if not Path(path).exists():
                continue
            if not is_mount(path):
                mount(path, path, None, MS_BIND | MS_REC)
            set_read_only(path)
        for path in [*self.options.write, *self.read_write]:
            set_read_only(path, False)

    def build(self):
        self.begin()
        self.proc()
        self.private_tmp()
        self.bring_back("early")
        self.private_devices()
        self.protect_home()
        self.temporary()
        for path in self.words("InaccessiblePaths", "InaccessibleDirectories"):
            self.hide(path)
        self.protect_kernel()
        self.binds()
        self.bring_back("late")
        self.lock()
        for name, bit in (("PrivateIPC", CLONE_NEWIPC), ("ProtectHostname", CLONE_NEWUTS)):
            if self.flag(name) and libc.unshare(bit) != 0:
                fail(name)
        mount(None, "/", None, MS_SHARED | MS_REC)
        self.words("PrivateMounts", "MountFlags", "MountAPIVFS", "PrivateNetwork")


# --- who it is ---

def find_user(name):
    import pwd
    try:
        return pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid
    except KeyError:
        return STAND_IN_UID, STAND_IN_UID


def user_of(kind, unit):
    """Number of user and group that a program is started as."""
    return (65534, 65534) if kind == "bare" else find_user(read_unit(unit).get("User", ["triaged"])[-1])


def sysusers_groups(unit, user):
    """The groups that sysusers.d makes the user a member of, beside the unit."""
    path = Path(unit).with_suffix(".sysusers")
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [words[2] for words in lines if len(words) > 2 and words[:2] == ["m", user]]


def find_groups(names):
    import grp
    found = []
    for name in names:
        try:
            found.append(grp.getgrnam(name).gr_gid)
        except KeyError:
            pass  # systemd would refuse to start; a test host may lack it
    return found


def capability_bits(words):
    bits, is_inverted, everything = 0, False, (1 << len(CAPABILITIES)) - 1
    for i, word in enumerate(words):
        if i == 0 and word.startswith("~"):
            is_inverted, word = True, word[1:]
        if word:
            bits |= 1 << CAPABILITIES.index(word.lower().removeprefix("cap_"))
    return everything & ~bits if is_inverted else bits


def become(world):
    """User, groups, capabilities: none but the ambient ones are left behind the change of user."""
    bare = world.options.bare
    uid, gid = find_user(world.last("User", "triaged"))
    world.last("Group")
    names = world.words("SupplementaryGroups") + sysusers_groups(world.options.unit, world.last("User", "triaged"))
    groups = [] if bare else find_groups(names)
    bounding, ambient = world.words("CapabilityBoundingSet"), world.words("AmbientCapabilities")
    kept = capability_bits(ambient)
    allowed = capability_bits(bounding) if "CapabilityBoundingSet" in world.unit else (1 << len(CAPABILITIES)) - 1
    if bare:
        uid, gid, kept, allowed = 65534, 65534, 0, 0
    world.last("SecureBits")
    for number in range(len(CAPABILITIES)):
        if not allowed >> number & 1:
            libc.prctl(24, number, 0, 0, 0)  # PR_CAPBSET_DROP
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setresuid(uid, uid, uid)
    head = struct.pack("Ii", 0x20080522, 0)
    kept &= allowed
    low, high = kept & 0xffffffff, kept >> 32
    data = struct.pack("IIIIII", low, low, low, high, high, high)
    if libc.capset(head, data) != 0:
        fail("capset")
    for number in range(len(CAPABILITIES)):
        if kept >> number & 1 and libc.prctl(47, 2, number, 0, 0) != 0:  # PR_CAP_AMBIENT_RAISE
            fail(f"ambient {CAPABILITIES[number]}")


# --- filters of system calls ---

ALLOW = 0x7fff0000


def errno_action(code):
    return 0x00050000 | code


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


NE, EQ, GT, MASKED = 1, 4, 6, 7


class Filter:
    def __init__(self, action=ALLOW):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.ctx = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(action)))

    def rule(self, action, name, *compares):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number == -1:  # not on this machine
            return
        array = (Compare * max(1, len(compares)))(*compares)
        self.lib.seccomp_rule_add_array(self.ctx, ctypes.c_uint32(action), number, len(compares), array)

    def load(self):
        if (code := self.lib.seccomp_load(self.ctx)) < 0:
            raise OSError(-code, f"seccomp_load: {os.strerror(-code)}")


def expand(words):
    """Names of calls; groups as this machine's systemd knows them."""
    shown = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    groups, name = {}, None
    for line in shown.splitlines():
        if line.startswith("@"):
            name = line.split()[0]
            groups[name] = []
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            groups[name].append(line.split()[0])

    def flat(word):
        word = word.partition(":")[0]
        if not word.startswith("@"):
            return {word}
        return set().union(*(flat(w) for w in groups[word])) if groups[word] else set()
    return set().union(*(flat(w) for w in words)) if words else set()


def filter_calls(world):
    lines = world.unit.get("SystemCallFilter", [])
    world.words("SystemCallFilter", "SystemCallArchitectures", "SystemCallLog")
    code = world.last("SystemCallErrorNumber")
    action = errno_action(getattr(errno, code)) if code else 0x80000000  # kill the process
    if not lines:
        return
    is_list_of_good = not lines[0].startswith("~")
    good = set()
    for line in lines:
        names = expand(line.lstrip("~").split())
        good = good - names if line.startswith("~") and is_list_of_good else good | names
    f = Filter(action if is_list_of_good else ALLOW)
    if is_list_of_good:
        # Sanitizers look for leaks by ptrace; of others' processes it shows nothing without the capability.
        good |= expand(["@default"]) | {"execve", "exit", "exit_group", "ptrace"}
    for name in good:
        f.rule(ALLOW if is_list_of_good else action, name)
    f.load()


def filter_families(world):
    words = world.words("RestrictAddressFamilies")
    if not words:
        return
    names = words if words[0] != "none" else []
    families = {int(getattr(socket, name.lstrip("~"))) for name in names}
    f, refused = Filter(), errno_action(errno.EAFNOSUPPORT)
    if words[0].startswith("~"):
        bad = families
    else:
        bad = set(range(64)) - families
        f.rule(refused, "socket", Compare(0, GT, 63, 0))
    for family in bad:
        f.rule(refused, "socket", Compare(0, EQ, family, 0))
    f.load()


def filter_rest(world):
    f, refused = Filter(), errno_action(errno.EPERM)
    if world.last("RestrictNamespaces"):
        how = world.last("RestrictNamespaces")
        kept = set() if is_true(how) else set(NEW_NAMESPACES) if how in ("no", "false") else set(how.split())
        if kept != set(NEW_NAMESPACES):
            f.rule(errno_action(errno.ENOSYS), "clone3")
            f.rule(refused, "setns", Compare(1, EQ, 0, 0))
        for name, bit in NEW_NAMESPACES.items():
            if name not in kept:
                for call, arg in (("unshare", 0), ("clone", 0), ("setns", 1)):
                    f.rule(refused, call, Compare(arg, MASKED, bit, bit))
    if world.flag("MemoryDenyWriteExecute"):
        f.rule(refused, "mmap", Compare(2, MASKED, 6, 6))
        f.rule(refused, "mprotect", Compare(2, MASKED, 4, 4))
        f.rule(refused, "pkey_mprotect", Compare(2, MASKED, 4, 4))
        f.rule(refused, "shmat", Compare(2, MASKED, 0o100000, 0o100000))
    if world.flag("RestrictRealtime"):
        f.rule(refused, "sched_setattr")
        f.rule(refused, "sched_setscheduler", Compare(1, GT, 5, 0))
        for policy in (1, 2):
            f.rule(refused, "sched_setscheduler", Compare(1, EQ, policy, 0))
    if world.flag("RestrictSUIDSGID"):
        for bit in (0o4000, 0o2000):
            for call, arg in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2)):
                f.rule(refused, call, Compare(arg, MASKED, bit, bit))
    if world.flag("LockPersonality"):
        f.rule(refused, "personality", Compare(0, NE, 0, 0))
    for setting, group in (("ProtectClock", "@clock"), ("ProtectKernelModules", "@module")):
        if world.flag(setting):
            for name in expand([group]):
                f.rule(refused, name)
    if world.flag("ProtectHostname"):
        f.rule(refused, "sethostname")
        f.rule(refused, "setdomainname")
    if world.flag("ProtectKernelLogs"):
        f.rule(refused, "syslog")
    f.load()


def limits(world):
    mask = world.last("UMask")
    if mask:
        os.umask(int(mask, 8))
    count = world.last("LimitNOFILE")
    if count:
        soft, _, hard = count.partition(":")
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), int(hard or soft)))
    if world.last("LimitMEMLOCK"):
        pass  # nothing is locked
    world.flag("NoNewPrivileges")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unit", required=True)
    parser.add_argument("--dropin", action="append", default=[])
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("--write", action="append", default=[])
    parser.add_argument("--tmp", required=True, help="a folder of the test: what is private lies there")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args()
    settings = read_unit(options.unit)
    for path in options.dropin:
        settings = read_unit(path, settings)
    world = World(settings, options)
    world.build()
    limits(world)
    become(world)
    if libc.prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
        fail("no_new_privs")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # The widest last: each must still allow the next to be loaded.
    filter_families(world)
    filter_rest(world)
    filter_calls(world)
    unknown = sorted(set(world.unit) - world.made)
    if unknown:
        sys.exit(f"sandbox.py knows nothing of {', '.join(unknown)}: make it, or say in CANNOT why not")
    os.execvp(options.argv[0], options.argv)


if __name__ == "__main__":
    main()
