"""What the daemon does with the shipped settings when nothing happens."""
import time

from frame import Figure
from yard import cpu_s, shipped, wakeups


def measure(bench):
    d = bench.daemon(shipped())
    time.sleep(0 if bench.quick else 4)
    seconds = bench.seconds * (1 if bench.quick else 6)  # two rounds at 30 s
    bench.say(f"watching it for {seconds} s")
    cpu, wakes = cpu_s(d.pid), wakeups(d.pid)
    time.sleep(seconds)
    cpu, wakes = cpu_s(d.pid) - cpu, wakeups(d.pid) - wakes
    d.stop()
    yield Figure("cpu", cpu / seconds * 100)
    yield Figure("wakeups", wakes / seconds, "threads that slept and were woken")
