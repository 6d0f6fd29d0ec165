#!/usr/bin/python3
"""`make hot`: which functions a daemon runs, so that the linker lays them beside each other.

A page of code that is touched is kept, and the kernel maps those around it too.  Some 400 of our 4,300
functions run while nothing happens; spread over the whole program they held all of it in memory.

Runs the daemon under callgrind, first with the shipped settings at rest, then with the commonest
checks, and writes which of our functions ran into daemon/hot.ld.  A function that is not there (a new
name, another compiler) lies where all the others do: that costs memory and breaks nothing.
"""
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from targets import Nginx  # noqa: E402
from yard import TOP, Daemon, free_port, shipped  # noqa: E402

START_S, ROUND_S = 60, 70  # of a daemon in callgrind: until what only the start needs is over; each round
HEAD = """/*
 * The functions of a daemon at rest, and then those of the commonest checks and of an incident,
 * beside each other: a page of code that is touched is kept, with those around it.  `make hot`.
 */
SECTIONS
{
	.text.round : {
"""
TAIL = """	}
}
INSERT BEFORE .text;
"""


def functions(path, program):
    """(object, function) of ours in a profile; what the compiler made of a function is that function."""
    named, current, found = {"ob": {}, "fl": {}, "fn": {}}, {}, set()
    for line in path.read_text().splitlines():
        m = re.match(r"(ob|fl|fi|fe|fn)=\((\d+)\)(?: (.*))?$", line)
        if not m:
            m = re.match(r"c(ob|fi|fl|fn)=\((\d+)\)(?: (.*))?$", line)  # named there, not run there
            if m and m[3]:
                named["fl" if m[1] == "fi" else m[1]][m[2]] = m[3]
            continue
        kind = "fl" if m[1] in ("fi", "fe") else m[1]
        if m[3]:
            named[kind][m[2]] = m[3]
        if m[1] in ("ob", "fl", "fn"):  # fi and fe: a line of a header within the function
            current[m[1]] = named[kind][m[2]]
        if m[1] == "fn" and current["ob"] == program and current["fl"].endswith(".c"):
            source = Path(current["fl"])
            place = "*" if source.parent.name == "daemon" else "*:"  # all but the app's are in the library
            found.add((place + source.stem + ".o", re.split(r"[.']", current["fn"])[0]))
    return found


def ran(build, folder, config, settle_s, seconds):
    """The functions that ran in so many seconds, from the outside of a daemon with these settings."""
    program, out = str(build / "triaged"), folder / "profile"
    (folder / "triaged").write_text(
        "#!/bin/sh\nexec valgrind -q --tool=callgrind --instr-atstart=no --dump-instr=no"
        f" --callgrind-out-file={out} {program} \"$@\"\n")
    (folder / "triaged").chmod(0o755)
    d = Daemon(folder, config)
    try:
        time.sleep(settle_s)
        for switch, wait in (("on", seconds), ("off", 0)):
            subprocess.run(["callgrind_control", "-i", switch, str(d.pid)], check=True, capture_output=True)
            time.sleep(wait)
        subprocess.run(["callgrind_control", "-d", str(d.pid)], check=True, capture_output=True)
    finally:
        d.stop()
    return functions(folder / "profile.1", program)


def common_checks(stack):
    """Ten of each of the commonest, each second, and an incident; their servers are stopped with the stack."""
    import srv_mysql
    import srv_postgres
    import srv_redis
    nginx = Nginx()
    stack.callback(nginx.stop)
    redis, mysql, postgres = srv_redis.Redis(), srv_mysql.MariaDB(), srv_postgres.Postgres()
    for server in (redis, mysql, postgres):
        stack.callback(server.destroy)
    postgres.hba("host all super 127.0.0.1/32 trust\n")
    for server in (redis, mysql, postgres):
        server.start()
    dsn = f"host=127.0.0.1 port={postgres.port} user=super dbname=postgres sslmode=disable"
    kinds = {
        "new": f'type: http, url: "http://127.0.0.1:{nginx.close}/"',
        "kept": f'type: http, url: "http://127.0.0.1:{nginx.keep}/", reconnect_interval: 1h',
        "tcp": f'type: tcp, address: "127.0.0.1:{nginx.close}"',
        "redis": f'type: redis, url: "redis://127.0.0.1:{redis.port}"',
        "mysql": f'type: mysql, dsn: "mysql://root@127.0.0.1:{mysql.port}"',
        "postgres": f'type: postgres, dsn: "{dsn}"',
    }
    dead = f'  dead: {{type: tcp, address: "127.0.0.1:{free_port()}", interval: 1s}}\n'
    return "checks:\n" + dead + "".join(f"  {kind}{n}: {{{text}, interval: 1s}}\n"
                                        for kind, text in kinds.items() for n in range(10))


def main():
    build = Path(sys.argv[1]).resolve()
    folder = Path(tempfile.mkdtemp(prefix="hot-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        print("hot: at rest, two minutes", file=sys.stderr)
        rest = ran(build, folder, shipped(), START_S, ROUND_S)
        print("hot: at work, half a minute", file=sys.stderr)
        work = ran(build, folder, common_checks(stack), 15, 15) - rest
    if len(rest) < 100:
        sys.exit(f"hot: {len(rest)} functions ran at rest, which cannot be; daemon/hot.ld stays as it is")
    lines = [f"\t\t{object_}(.text.{name} .text.{name}.*)\n"
             for group in (rest, work) for object_, name in sorted(group)]
    (TOP / "daemon" / "hot.ld").write_text(HEAD + "".join(lines) + TAIL)
    print(f"hot: {len(rest)} functions at rest, {len(work)} more at work: daemon/hot.ld", file=sys.stderr)


if __name__ == "__main__":
    main()
