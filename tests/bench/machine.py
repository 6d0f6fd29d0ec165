"""What kind of machine this is, without its name."""
import os
import platform
import re
import time
from pathlib import Path

from yard import cpu_s


def processor():
    match = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return re.sub(r"\s+", " ", match.group(1)) if match else platform.machine()


class Others:
    """Which part of the machine was taken by whom we did not start."""

    def __init__(self):
        self.at, self.all, self.ours = time.monotonic(), busy_s(), cpu_s(os.getpid())

    def percent(self):
        took = (time.monotonic() - self.at) * os.cpu_count()
        rest = busy_s() - self.all - (cpu_s(os.getpid()) - self.ours)
        return max(0.0, min(100.0, 100 * rest / took)) if took else 0.0


def busy_s():
    """Seconds of all processors so far, idle and waiting for disks apart."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def describe():
    """Processors, memory, kernel and system, as one text each."""
    memory = int(re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M).group(1))
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.M)) \
        if Path("/etc/os-release").exists() else {}
    virtual = " (virtual)" if re.search(r"^flags.*\bhypervisor\b", Path("/proc/cpuinfo").read_text(), re.M) \
        else ""
    return {"processors": f"{os.cpu_count()} of {processor()}{virtual}", "memory": f"{memory >> 20} GB",
            "kernel": f"Linux {platform.release().split('-')[0]}", "system": release.get("PRETTY_NAME", "?")}
