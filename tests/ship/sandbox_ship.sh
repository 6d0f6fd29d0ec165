#!/bin/sh
# Whole test files a second time, with the daemon and its command within the restrictions of the unit
# that we ship: sandbox_ship.sh BUILD.  As shipped, with the drop-in that lets it see everything, and
# by a user who was given nothing at all.  What a world cannot see is skipped by name and counted.
set -eu
build=$(realpath "$1")
[ "$(id -u)" = 0 ] || { echo "only root can make the unit's world"; exit 77; }
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze, which knows the groups of system calls"; exit 77; }
unshare -m true 2>/dev/null || { echo "no mount namespaces here"; exit 77; }

files() {
	for name in "$@"; do echo "tests/e2e/${name}_test.py"; done
}

# run WORLD NAME...
run() {
	world=$1
	shift
	echo "== $world: $*"
	# shellcheck disable=SC2046 # their names have no spaces
	TRIAGED_SANDBOX=$world TRIAGED_BUILD=$build timeout 1500 /usr/bin/python3 -m pytest -q -rs \
		-p no:cacheprovider -m "not slow" $(files "$@")
}

run unit file log sqlite process host port log_story sqlite_story host_story
run all file sqlite process port sqlite_story
run bare file sqlite process host
echo "the unit's world, with all rights, and with none: nothing of it was a finding"
