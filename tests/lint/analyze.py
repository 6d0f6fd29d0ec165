"""Gives every file of the program to the analyzers, each by itself; any word of theirs is a failure.

    analyze.py FOLDER [--only gcc,clang,tidy,cppcheck] [--jobs N] [--files PART] -- COMPILER-FLAGS

A file that was found clean leaves a stamp in FOLDER: its text with all it includes, the flags, the tool's version and
configuration.  Only what has changed since is looked at again.  What is switched off, and why, stands in TOOLS below
(gcc, clang, cppcheck) and in .clang-tidy; a suppression in the code has its reason beside it (`unexplained` below).
What an analyzer is wrong about, where the code is not worth bending for it, stands in analyze.known, each with the
reason; a row that no longer fits anything is a finding itself.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

ROOMS = ["daemon", "probes", "alerts"]

# Flags that say what the compiler's warnings are for are the build's business, not the analyzers'.
NOT_OURS = re.compile(r"-W(?!a,|l,|p,)\S*|-fno-plt|-ffile-prefix-map=\S*|-O\d|-g|-D_FORTIFY_SOURCE=\d")

# What functions of other files do, as headers in front of ours; those files themselves do without.
MODELS = "tests/lint/models"
MODELLED = sorted(str(path) for path in Path(MODELS).rglob("*.h"))


def gcc(file, flags):
    # -O2: it sees through calls of static functions; without, it reports what cannot be.
    return ["gcc", *flags, "-O2", "-fanalyzer", "-fdiagnostics-plain-output", "-c", "-o", "/dev/null", file]


def clang(file, flags):
    # The engine of scan-build, without its pages of HTML.
    is_modelled = file.replace("daemon", MODELS, 1).replace(".c", ".h") in MODELLED
    return ["clang", *([] if is_modelled else [f"-I{MODELS}"]), *flags, "--analyze", "--analyzer-output", "text", "-o", "/dev/null", file]


def tidy(file, flags):
    return ["clang-tidy", "--quiet", file, "--", *flags]


def cppcheck(file, flags):
    keep = [flag for flag in flags if flag.startswith(("-D", "-I.", "-Idaemon"))]
    return ["cppcheck", "-q", "--std=c11", "--language=c", "--inline-suppr", "--error-exitcode=1",
            "--enable=warning,performance,portability",
            # It is not given the headers of the system, so that it needs no minutes a file.
            "--suppress=missingInclude", "--suppress=missingIncludeSystem",
            # Macros of those headers (SD_BUS_..., LIST_...) and of ours with a type as argument.
            "--suppress=unknownMacro",
            # Its own parser gives up on _Generic and on some initialisers; the other three read them.
            "--suppress=internalAstError",
            *keep, file]


TOOLS = {
    "gcc": (gcc, ["gcc", "--version"], []),
    "clang": (clang, ["clang", "--version"], MODELLED),
    "tidy": (tidy, ["clang-tidy", "--version"], [".clang-tidy"]),
    "cppcheck": (cppcheck, ["cppcheck", "--version"], []),
}

SILENCED = re.compile(r"NOLINT|cppcheck-suppress|diagnostic ignored|__clang_analyzer__")


def unexplained(files):
    """A suppression names what it suppresses, and says why in the same comment or in the one above."""
    found = []
    for file in files:
        lines = Path(file).read_text().splitlines()
        for at, line in enumerate(lines):
            if not SILENCED.search(line):
                continue
            near = line if re.search(r"NOLINT\w*\([\w,.-]+\):? \w+ \w+", line) else ""
            above = [text for text in lines[max(0, at - 2):at] if re.search(r"\*/|^\s*(//|/?\*)", text)]
            if re.search(r"NOLINT(?!\w*\()", line) or not (near or above):
                found.append(f"{file}:{at + 1}: a suppression without its name or its reason: {line.strip()}")
    return found


WARNING = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error|style|performance|portability): .*\[(\S+)\]$", re.M)


class Known:
    """Rows of analyze.known: `TOOL FILE CHECK | text of the line | reason`."""

    def __init__(self, path):
        self.rows, self.bad = {}, []
        for number, line in enumerate(Path(path).read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = [part.strip() for part in line.split(" | ")]
            if len(parts) != 3 or len(parts[0].split()) != 3 or len(parts[2].split()) < 2:
                self.bad.append(f"{path}:{number}: not \"TOOL FILE CHECK | text of the line | reason\"")
                continue
            self.rows.setdefault(tuple(parts[0].split()[:2]), []).append((parts[0].split()[2], parts[1], number))

    def salt(self, tool, file):
        return repr([row[:2] for row in self.rows.get((tool, file), ())] or "")

    def judge(self, tool, file, words):
        """What remains of a tool's words: nothing, where each warning is known and each row still fits one."""
        rows, used, warned = self.rows.get((tool, file), []), set(), WARNING.findall(words)
        is_known = bool(warned) or not words
        for where, line, check in warned:
            text = Path(where).read_text().splitlines()[int(line) - 1] if Path(where).exists() else ""
            fits = {row for row in rows if row[0] in check and row[1] in text}
            is_known = is_known and bool(fits)
            used |= fits
        unused = [f"analyze.known:{row[2]}: {tool} no longer says so of {file}: {row[1]}" for row in rows if row not in used]
        return "\n".join(([] if is_known else [words]) + unused)

    def gone(self):
        """Rows about what is no longer there."""
        return [f"analyze.known:{row[2]}: there is no {key[1]}, or no analyzer called {key[0]}"
                for key, rows in self.rows.items() if key[0] not in TOOLS or not Path(key[1]).exists() for row in rows]


@functools.cache
def fingerprint(file, flags):
    run = subprocess.run(["gcc", *flags, "-E", "-C", "-P", file], capture_output=True, check=False)
    return hashlib.sha256(run.stdout + Path(file).read_bytes() + "\0".join(flags).encode()).hexdigest()


def words_of(run):
    """What a tool said, without its counts of what it has not said."""
    text = (run.stdout + run.stderr).replace(f"{Path.cwd()}/", "")
    return "\n".join(line for line in text.splitlines()
                     if not re.match(r"\d+ warnings? (generated|and \d+ errors? generated)|Suppressed |Use -header", line)).strip()


def stamp_of(folder, tool, file):
    return folder / tool / (file.replace("/", "+") + ".ok")


def look(tool, file, flags, folder, salt, known):
    make = TOOLS[tool][0]
    stamp = stamp_of(folder, tool, file)
    key = hashlib.sha256((fingerprint(file, tuple(flags)) + salt[tool] + known.salt(tool, file) + " ".join(make(file, []))).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == key:
        return tool, file, "", True
    try:
        run = subprocess.run(make(file, flags), capture_output=True, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return tool, file, f"{file}: {tool} does not come to an end within 15 minutes", False
    words = words_of(run) or (f"{file}: {tool} failed with {run.returncode}" if run.returncode else "")
    words = known.judge(tool, file, words)
    if not words:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
    return tool, file, words, False


def main():
    cut = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(TOOLS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--files", default="")
    args = parser.parse_args(sys.argv[1:cut])
    flags = [flag for flag in sys.argv[cut + 1:] if not NOT_OURS.fullmatch(flag)]
    tools = args.only.split(",")

    files = sorted(str(path) for room in ROOMS for path in Path(room).rglob("*.c") if "node_modules" not in str(path))
    everything = files + sorted(str(path) for room in ROOMS for path in Path(room).rglob("*.h"))
    files = [file for file in files if args.files in file]
    salt = {tool: subprocess.run(TOOLS[tool][1], capture_output=True, text=True, check=True).stdout +
            "".join(Path(config).read_text() for config in TOOLS[tool][2]) for tool in tools}

    known = Known(Path(__file__).with_suffix(".known"))
    begin, said, again = time.time(), {}, set()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        # What was never clean comes first, so that a run that is given up has told most of what there is to tell.
        work = [pool.submit(look, tool, file, flags, args.folder, salt, known) for tool in tools
                for file in sorted(files, key=lambda file, tool=tool: stamp_of(args.folder, tool, file).exists())]
        for done in concurrent.futures.as_completed(work):
            tool, file, words, was_known = done.result()
            again |= set() if was_known else {(tool, file)}
            if words and words not in said:
                said[words] = (tool, file)
                print(f"-- {tool}: {file}\n{words}", flush=True)

    bare = unexplained(everything) + known.bad + known.gone()
    print("\n".join(bare), end="\n" if bare else "")
    took = time.time() - begin
    print(f"analyze: {len(files)} files, {' '.join(tools)}: {len(again)} looked at, {len(said) + len(bare)} with findings, "
          f"{took:.0f} s")
    return 1 if said or bare else 0


if __name__ == "__main__":
    sys.exit(main())
