#!/bin/sh
# Boots the system below ROOT in systemd-nspawn, without a network of its own, until it powers off
# or SECONDS are over; says what its console says: nspawn.sh ROOT SECONDS.  Two at a time do not
# meet, and nothing of it stays on this host.
set -eu
root=$1
limit=$2
name=ship-$$
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY
keep=""
groups=""

# Where no systemd hands out control groups, the system gets some that are its own, in each tree
# that systemd would use.
if [ ! -d /run/systemd/system ]; then
	keep=--keep-unit
	for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
		if [ -e "$tree/cgroup.procs" ] && mkdir "$tree/$name" 2>/dev/null; then
			groups="$groups $tree/$name"
		fi
	done
fi

# The deepest first; what has just ended may take a moment to leave.
leave() {
	for group in $groups; do
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
			[ -d "$group" ] || break
			sleep 0.2
		done
	done
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

# In the inner shell, so that this one stays where it is and can clean up.
# shellcheck disable=SC2016,SC2086
timeout -k 10 "$limit" unshare -m sh -c '
	root=$1
	shift
	keep=$1
	shift
	for group in "$@"; do
		echo $$ >"$group/cgroup.procs"
	done
	exec systemd-nspawn -q -D "$root" -b --register=no $keep --private-network \
		--link-journal=no --timezone=off --resolv-conf=off --console=pipe
' sh "$root" "$keep" $groups </dev/null || true
