#!/usr/bin/python3
"""What is bundled and linked is named where people look for it: licences.py BUILD compares docs/licences.md,
the package's copyright and its Build-Depends with the lock file, the Makefile and what was built."""

import json
import os
import re
import subprocess
import sys

# Libraries that belong to a name of pkg-config, where the two differ, and the C library's own.
SONAMES = {
    "libevent_core": "libevent_core-2.1", "libevent_pthreads": "libevent_pthreads-2.1",
    "libevent": "libevent-2.1", "jansson": "libjansson", "sqlite3": "libsqlite3",
    "yaml-0.1": "libyaml-0", "hiredis": "libhiredis", "zlib": "libz",
}
OF_THE_SYSTEM = {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}
# What every Debian builds packages with, and what only the bundling of the dashboard needs.
NOT_DEPENDED_ON = {"gcc", "make", "libc6-dev", "ca-certificates", "esbuild", "npm"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def words(text):
    """A licence's words: each place breaks its lines in its own way, DEP-5 has dots for empty ones."""
    return re.sub(r"^ \.$", "", text, flags=re.M).split()


def holds(text, part):
    return " ".join(words(part)) in " ".join(words(text))


def bundled(page, copyright_file):
    for path, package in json.loads(read("daemon/api/ui/package-lock.json"))["packages"].items():
        name = path.rpartition("node_modules/")[2]
        if not name or package.get("dev"):
            continue
        version, licence = package["version"], package["license"]
        if not re.search(rf"^\| \[{name}\]\S* \| {re.escape(version)} \| {licence} \|", page, re.M | re.I):
            yield f"docs/licences.md: {name} {version} ({licence}) is bundled and not in the table"
        if not re.search(rf"\b{name} {re.escape(version)}", copyright_file, re.I):
            yield f"contrib/debian/copyright: {name} {version} is bundled and not named"


def notices(page, copyright_file, build):
    bundle = os.path.join(build, "ui", "bundle")
    licence = os.path.join(bundle, "uplot-licence.txt")
    if not os.path.exists(licence):
        print("licences: no dashboard was built; its notices are not looked at")
        return
    text = read(licence)
    if not holds(page, text):
        yield "docs/licences.md: the text is not that of uPlot's LICENSE"
    if not holds(copyright_file, text[text.index("Permission"):]):
        yield "contrib/debian/copyright: the text is not that of uPlot's LICENSE"
    holder = re.search(r"Copyright \(c\) (.*)", text)[1]
    if not holds(copyright_file, holder):
        yield f"contrib/debian/copyright: {holder} is not named"
    for name in os.listdir(bundle):
        if name.startswith("app-") and holder not in read(os.path.join(bundle, name))[:200]:
            yield f"{name}: the notice of uPlot is not in it"


def linked(page, build):
    libs = re.search(r"^LIBS := ((?:.*\\\n)*.*)", read("Makefile"), re.M)[1].replace("\\\n", " ").split()
    for lib in libs:
        if f"`{lib}`" not in page:
            yield f"docs/licences.md: {lib} is linked and not in the table"
    known = {SONAMES.get(lib, lib) for lib in libs} | OF_THE_SYSTEM
    for program in ("triaged", "triage"):
        dump = subprocess.run(["objdump", "-p", os.path.join(build, program)], capture_output=True,
                              text=True, check=True).stdout
        for needed in re.findall(r"NEEDED\s+(\S+?)\.so", dump):
            if needed not in known and not needed.startswith(("libasan", "libubsan")):
                yield f"{program} is linked with {needed}, which docs/licences.md does not name"


def build_depends():
    control = read("contrib/debian/control")
    field = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.M)[1]
    said = set(re.findall(r"^ ([a-z0-9.+-]+)", field, re.M)) - {"debhelper-compat"}
    wanted = set(read("contrib/packages/build").split()) - NOT_DEPENDED_ON
    for name in sorted(said ^ wanted):
        yield f"{name} is in only one of contrib/debian/control and contrib/packages/build"


def main(build):
    page, copyright_file = read("docs/licences.md"), read("contrib/debian/copyright")
    wrong = [*bundled(page, copyright_file), *notices(page, copyright_file, build),
             *linked(page, build), *build_depends()]
    for line in wrong:
        print(line)
    if not wrong:
        print("licences: what is bundled and linked is named")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
