#!/bin/sh
# A small Debian 12 with systemd and dbus to try things in: root.sh FOLDER [PACKAGE...] puts it into
# FOLDER, which is made.  It is made once, with debootstrap and this machine's own package sources,
# and kept as a tar in $SHIP_CACHE (default: build/ship), one for each list of packages; apt works
# in it.  Exit 77, with a word: this machine cannot make one.
set -eu
[ $# -ge 1 ] || { echo "usage: root.sh FOLDER [PACKAGE...]" >&2; exit 2; }
folder=$1
shift
top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${SHIP_CACHE:-$top/build/ship}
suite=bookworm
packages=$(printf '%s\n' systemd systemd-sysv dbus "$@" | sort -u | paste -sd, -)
tar=$cache/root-$suite-$(printf %s "$packages" | cksum | cut -d' ' -f1).tar

cannot() {
	echo "no root to try it in: $1"
	exit 77
}

# Where this machine gets Debian from.
mirror() {
	# apt's own words, no shell's
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null |
		sed -n "s/^Debian $suite main //p" | head -n 1
}

# Whatever this machine's apt knows of Debian (sources, keys, a proxy), the root's knows, too.
take_sources() {
	rm -f "$1/etc/apt/sources.list"
	if [ -f /etc/apt/sources.list.d/debian.sources ]; then
		cp /etc/apt/sources.list.d/debian.sources "$1/etc/apt/sources.list.d/"
	elif [ -s /etc/apt/sources.list ]; then
		cp /etc/apt/sources.list "$1/etc/apt/"
	fi
	for file in $(grep -lis proxy /etc/apt/apt.conf.d/* /etc/apt/apt.conf || true); do
		cp "$file" "$1/etc/apt/apt.conf.d/"
	done
}

make_tar() {
	[ "$(id -u)" = 0 ] || cannot "only root can make one"
	command -v debootstrap >/dev/null || cannot "debootstrap is missing"
	from=$(mirror)
	[ -n "$from" ] || cannot "apt knows no mirror of Debian $suite; apt-get update may help"
	mkdir -p "$cache"
	work=$(mktemp -d "${TMPDIR:-/tmp}/root.XXXXXX")
	trap 'rm -rf "$work"; rm -f "$tar.new"' EXIT
	trap 'exit 1' HUP INT TERM
	if ! debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" "$from" \
		>"$work/log" 2>&1; then
		tail -n 5 "$work/log"
		cannot "debootstrap failed"
	fi
	take_sources "$work/root"
	rm -rf "$work/root/var/cache/apt/archives/"*.deb "$work/root/etc/machine-id"
	: >"$work/root/etc/machine-id"
	tar -C "$work/root" -cf "$tar.new" --numeric-owner .
	mv "$tar.new" "$tar"
	rm -rf "$work"
	trap - EXIT
}

[ -s "$tar" ] || make_tar
[ "$(id -u)" = 0 ] || cannot "only root can unpack it"
mkdir -p "$folder"
tar -C "$folder" -xf "$tar" --numeric-owner
