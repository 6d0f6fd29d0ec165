#!/usr/bin/python3
"""What a compiler does not know about this house: floors, sizes, tables, who may call what.

Usage: house.py BUILD_DIR   (objects of the plain build, for the globals)
Prints every finding as file:line: text; exit 1 if there are any.
"""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FLOOR = {
    "daemon/base": 1, "daemon/io": 2, "daemon/conf": 2, "daemon/model": 3,
    "probes": 4, "daemon/rules": 4, "daemon/store": 4, "alerts": 4,
    "daemon/sched": 5, "daemon/triage": 5, "daemon/deliver": 5,
    "daemon/setup": 6, "daemon/api": 7, "daemon/cli": 7, "daemon": 8,
}
# A library is known in one room only.
LIBRARIES = {
    r"event2/|event\.h": ["daemon/io"], r"ares\.h": ["daemon/io"], r"curl/": ["daemon/io"],
    r"zlib\.h": ["daemon/io"],
    r"openssl/": ["daemon/io"],
    r"sqlite3\.h": ["daemon/store", "probes/sqlite_look.c"], r"systemd/": ["daemon/io"],
    r"libpq-fe\.h|postgres_ext": ["probes"], r"hiredis|sds\.h": ["probes"], r"yaml\.h": ["daemon/conf"],
    r"pthread\.h": ["daemon/io/offload.c", "daemon/io/log_writer.c", "daemon/io/tls.c",
                    "daemon/io/sandbox.c", "daemon/io/sandbox_refused.c", "daemon/io/mailbox.c", "daemon/io/loop_thread.c",
                    "daemon/store"],
}
# Calls that block, and where they may stand.
BLOCKING = (r"\b(sleep|usleep|nanosleep|getaddrinfo|gethostbyname|getnameinfo|statvfs|fstatvfs|"
            r"fsync|fdatasync|system|popen|syslog|sd_notify|sd_journal_send|wait|getgrnam|"
            r"getpwnam|PQexec|PQconnectdb|redisConnect|poll|select|pthread_join)\s*\(")
MAY_BLOCK = {
    "daemon/io/fs_helper": "the helper process's own life",
    "daemon/io/fs.c": "the helper process's own life",
    "daemon/io/offload.c": "the threads, and their end",
    "daemon/io/log_writer.c": "the log thread",
    "daemon/store/": "the store's thread",
    "daemon/io/loop_thread.c": "a thread that has said that it ends",
    "daemon/io/sandbox.c": "the thread that answers refused calls",
    "daemon/io/gains.c": "the process that becomes the command, and the command line",
    "probes/sqlite_": "the helper process's own life",
    "daemon/cli/": "a command that people wait for",
    "daemon/api/token.c": "start-up only",
    "daemon/api/peer.c": "start-up only",
}
# What keeps its answer where the next thread's call overwrites it, or changes what all threads read.
UNSAFE = (r"\b(localtime|gmtime|asctime|ctime|strtok|s?rand|[sr]random|drand48|f?get(pw|gr|sp)(n.m|uid|gid|ent)|"
          r"inet_ntoa|ttyname|ptsname|getlogin|setlocale|(un)?setenv|putenv|clearenv|getserv\w+|getproto\w+|"
          r"gethostby\w+|mktime|tzset|getmntent|tmpnam|crypt|strsignal|hcreate|hsearch|getopt(_long)?|"
          r"readdir64|localeconv|nl_langinfo)\s*\(")
MAY_UNSAFE = {
    "daemon/cli/": "a program of one thread",
    "daemon/main.c": "before there are threads",
    "daemon/io/passed.c": "before there are threads",
    "daemon/io/dgram.c": "before there are threads",
    "daemon/api/peer.c": "start-up only, and nobody else asks for groups",
    "daemon/io/fs_helper": "the helper process has one thread",
    "probes/sqlite_": "the helper process has one thread",
}
# How long a comparison of two of these takes must not tell how much of a guess was right.  Commands that people run
# with their own settings have nobody to guess.
COMPARE = r"\b(strn?cmp|strn?casecmp|memcmp|bcmp|str_eq|str_starts)\s*\(([^,]*),([^,;]*)"
SECRET_END = r"(token|secret|password|signature|hmac|mac|digest|credential)s?(\[\w*\]|\(\))*\W*$"
MAY_COMPARE = ("daemon/setup/", "daemon/cli/")
WALL = r"\b(time|gettimeofday)\s*\(|CLOCK_REALTIME"
FILE_MAX, FUNCTION_MAX, HEADER_MAX, PARAMS_MAX = 700, 80, 200, 6

findings = []


def find(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def sources(*suffixes):
    for root in ("daemon", "probes", "alerts"):
        for path in sorted((TOP / root).rglob("*")):
            if path.suffix in suffixes:
                yield path.relative_to(TOP)


def room_of(path):
    parent = str(path.parent)
    return "probes" if parent.startswith("probes") else parent


def room_of_include(name):
    head = name.split("/")[0]
    if "/" not in name:
        return "daemon"
    return head if head in ("probes", "alerts") else f"daemon/{head}"


def strip_comments(text):
    """Comments and strings become blanks; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def look_at_includes(path, text):
    room = room_of(path)
    for number, line in enumerate(text.split("\n"), 1):
        own = re.match(r'#include "([^"]+)"', line)
        if own:
            other = room_of_include(own.group(1))
            if other not in FLOOR:
                find(path, number, f"includes \"{own.group(1)}\": no such room")
            elif other != room and FLOOR[other] >= FLOOR[room]:
                find(path, number, f"includes \"{own.group(1)}\": {other} is not below {room}")
        system = re.match(r"#include <([^>]+)>", line)
        if system:
            for library, where in LIBRARIES.items():
                if re.match(library, system.group(1)) and \
                        not any(str(path).startswith(w) for w in where):
                    find(path, number, f"<{system.group(1)}> is known in {', '.join(where)} only")


def look_at_calls(path, code):
    for number, line in enumerate(code.split("\n"), 1):
        call = re.search(BLOCKING, line)
        if call and not any(str(path).startswith(w) for w in MAY_BLOCK):
            if not re.match(r"\s*(static |extern |const |struct |int |void |bool )", line):
                find(path, number, f"{call.group(1)}() can block")
        unsafe = re.search(UNSAFE, line)
        if unsafe and not str(path).startswith(tuple(MAY_UNSAFE)):
            find(path, number, f"{unsafe.group(1)}() is not for several threads")
        compared = re.search(COMPARE, line)
        sides = [side.strip() for side in compared.groups()[1:]] if compared else []
        if all(side.strip("()") for side in sides) and any(re.search(SECRET_END, side) for side in sides) and \
                not str(path).startswith(MAY_COMPARE):
            find(path, number, f"{compared.group(1)}() takes longer the more of a secret is right: secret_equal()")
        if "waitpid" in line and "WNOHANG" not in line and str(path) not in MAY_BLOCK and \
                not str(path).startswith("daemon/cli/"):
            find(path, number, "waitpid() without WNOHANG can block")
        if re.search(WALL, line) and str(path) != "daemon/base/clock.c":
            find(path, number, "the wall clock is read in daemon/base/clock.c only")


def look_at_sizes(path, text, code):
    lines = text.count("\n")
    limit = HEADER_MAX if path.suffix == ".h" else FILE_MAX
    if lines > limit:
        find(path, lines, f"{lines} lines; at most {limit}")
    if not text.lstrip().startswith("/*"):
        find(path, 1, "the head does not say what the file is for")
    body = code.split("\n")
    begin = None
    for number, line in enumerate(body, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            if number - begin - 1 > FUNCTION_MAX:
                find(path, begin, f"function of {number - begin - 1} lines; at most {FUNCTION_MAX}")
            begin = None
    if path.suffix == ".c":
        for match in re.finditer(r"^(\w+)\(([^;{}]*?)\)\n\{", code, flags=re.M):
            params = match.group(2).count(",") + 1
            if params > PARAMS_MAX:
                line = code[:match.start()].count("\n") + 1
                find(path, line, f"{match.group(1)}() has {params} parameters; at most {PARAMS_MAX}")


def look_at_globals(build):
    for obj in sorted(Path(build).glob("daemon/**/*.o")) + sorted(Path(build).glob("probes/**/*.o")) \
            + sorted(Path(build).glob("alerts/**/*.o")):
        if not (TOP / obj.relative_to(build)).with_suffix(".c").exists():
            continue
        out = subprocess.run(["objdump", "-t", obj], capture_output=True, text=True, check=True).stdout
        for row in out.split("\n"):
            match = re.match(r"\S+ g\s+O (\.data|\.bss|\*COM\*)\s+\S+ (\S+)$", row)
            if match:
                find(obj.relative_to(build).with_suffix(".c"), 1,
                     f"exported mutable global {match.group(2)}")


def rows(path, macro):
    text = re.sub(r"/\*.*?\*/", "", (TOP / path).read_text(), flags=re.S)
    return re.findall(macro + r'\(\s*"?([\w.-]+)"?', text)


def look_at_tables():
    manual = TOP / "docs/configuration.md"
    words = manual.read_text() if manual.exists() else ""
    for table, macro, tests in (("probes/table.def", "PROBE", "tests/probes"),
                                ("alerts/table.def", "RECEIVER", "tests/alerts")):
        names = rows(table, macro)
        if names != sorted(names):
            find(table, 1, "the rows are not in alphabetical order")
        for name in names:
            if not (TOP / tests / f"{name}_test.c").exists():
                find(table, 1, f"{name} has no {tests}/{name}_test.c")
            if f"type: {name}\n" not in words:
                find(table, 1, f"{name} is not in docs/configuration.md: run `make docs`")
    facts = rows("probes/facts/table.def", "FACT")
    if facts != sorted(facts):
        find("probes/facts/table.def", 1, "the rows are not in alphabetical order")
    for name in facts:
        word = name.replace("_", "-")
        if not (TOP / "tests/facts" / f"{name}_test.c").exists():
            find("probes/facts/table.def", 1, f"{name} has no tests/facts/{name}_test.c")
        if f"### fact: {word}\n" not in words:
            find("probes/facts/table.def", 1, f"{word} is not in docs/configuration.md: run `make docs`")
    listed = re.findall(r'#include "model/(causes/\w+\.def)"',
                        (TOP / "daemon/model/causes.def").read_text())
    every = []
    for file in listed:
        codes = rows(f"daemon/model/{file}", "CAUSE")
        every += codes
        for code in codes:
            if f"`{code}`" not in words:
                find(f"daemon/model/{file}", 1,
                     f"{code} is not in docs/configuration.md: run `make docs`")
    if every != sorted(every):
        find("daemon/model/causes.def", 1, "the codes are not in order")


def look_at_tests():
    """Tests are read too: one subject a file; a parser's fuzz target has seeds."""
    for path in sorted((TOP / "tests").rglob("*")):
        if path.suffix in (".c", ".h", ".py") and path.is_file():
            lines = path.read_text().count("\n")
            if lines > FILE_MAX:
                find(path.relative_to(TOP), lines, f"{lines} lines, at most {FILE_MAX}")
    for path in sorted((TOP / "tests/fuzz").glob("*_fuzz.c")):
        seeds = TOP / "tests/fuzz/corpus" / path.name[:-len("_fuzz.c")]
        if not seeds.is_dir() or not any(seeds.iterdir()):
            find(path.relative_to(TOP), 1, f"no seeds in {seeds.relative_to(TOP)}")


def look_at_header_cycles():
    edges = {}
    for path in sources(".h"):
        names = re.findall(r'#include "([^"]+)"', (TOP / path).read_text())
        edges[str(path)] = [n if n.split("/")[0] in ("probes", "alerts") else f"daemon/{n}"
                            for n in names]
    state = {}

    def visit(node, trail):
        if state.get(node) == "done":
            return
        if node in trail:
            find(node, 1, "include cycle: " + " -> ".join(trail[trail.index(node):] + [node]))
            return
        for other in edges.get(node, []):
            visit(other, trail + [node])
        state[node] = "done"

    for node in edges:
        visit(node, [])


def main():
    for path in sources(".c", ".h"):
        text = (TOP / path).read_text()
        code = strip_comments(text)
        look_at_includes(path, text)
        look_at_calls(path, code)
        look_at_sizes(path, text, code)
    look_at_header_cycles()
    look_at_globals(sys.argv[1])
    look_at_tables()
    look_at_tests()
    for finding in findings:
        print(finding)
    files = len(list(sources(".c", ".h")))
    print(f"house: {files} files, {len(findings)} finding{'s' if len(findings) != 1 else ''}")
    return 1 if findings else 0


sys.exit(main())
