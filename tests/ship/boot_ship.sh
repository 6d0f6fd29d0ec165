#!/bin/sh
# The service under a real systemd: a small Debian with what `make install` puts there is booted in
# systemd-nspawn, without a network, and boot_story.sh is played in it.  boot_ship.sh BUILD; exit 77
# where no such system can be booted.
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

cannot() {
	echo "nothing was booted: $1"
	exit 77
}

[ "$(id -u)" = 0 ] || cannot "only root can"
command -v systemd-nspawn >/dev/null || cannot "systemd-nspawn is missing (systemd-container)"

work=$(mktemp -d "${TMPDIR:-/tmp}/boot.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
# What the programs need to run; one word each.
# shellcheck disable=SC2046
SHIP_CACHE=$build/ship tests/ship/root.sh "$root" $(cat contrib/packages/run) || exit $?

make --no-print-directory -s B="$build" install PREFIX=/usr UNITDIR=/usr/lib/systemd/system \
	DESTDIR="$root" >/dev/null
# What `make install` says is to be done next.
systemd-sysusers --root="$root" 2>/dev/null
chroot "$root" chgrp -R triaged /etc/triaged
systemctl --root="$root" enable triaged.service 2>/dev/null
cp tests/ship/boot_story.sh "$root/story.sh"
# Its end is the machine's end.
cat >"$root/etc/systemd/system/story.service" <<'END'
[Unit]
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=300
StandardOutput=file:/story.log
StandardError=file:/story.log
ExecStart=/bin/sh /story.sh
[Install]
WantedBy=default.target
END
systemctl --root="$root" enable story.service 2>/dev/null
systemctl --root="$root" set-default multi-user.target 2>/dev/null

sh tests/ship/nspawn.sh "$root" 360 >"$work/console.log" 2>&1

if [ ! -s "$root/story.log" ]; then
	tail -n 20 "$work/console.log"
	if grep -q "Reached target" "$work/console.log"; then
		echo "it booted and told no story"
		exit 1
	fi
	cannot "systemd-nspawn does not boot here; its last words are above"
fi
cat "$root/story.log"
tail -n 1 "$root/story.log" | grep -q '^all [0-9]* facts hold$'
