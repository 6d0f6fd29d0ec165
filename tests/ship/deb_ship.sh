#!/bin/sh
# The package's whole life on a machine of its own: deb_ship.sh BUILD makes it, lets apt install it in
# a fresh Debian, and then, with a real systemd where one can be booted, goes through start, upgrade,
# going back, removal, purge and coming again.  What is asked in there is in deb_inside.sh.
set -eu
build=$1
here=$(dirname "$0")
[ "$(id -u)" = 0 ] || { echo "only root can install a package"; exit 77; }
command -v dpkg-deb >/dev/null || { echo "this is no Debian"; exit 77; }

make --no-print-directory B="$build" deb
deb=$(ls "$build"/deb/triaged_*_*.deb)
# Warnings, too: another release's lintian may have its own, this one has none.
lintian --allow-root --fail-on error,warning "$deb"
version=$(dpkg-deb -f "$deb" Version)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
code=0
"$here/root.sh" "$root" || code=$?
[ "$code" = 0 ] || exit "$code"

# The same package by other numbers; the last one has other settings, too.
bump() { # VERSION [LINE OF SETTINGS]
	dpkg-deb -R "$deb" "$work/other"
	sed -i "s/^Version: .*/Version: $1/" "$work/other/DEBIAN/control"
	[ $# = 1 ] || echo "$2" >>"$work/other/etc/triaged/triaged.yaml"
	dpkg-deb --root-owner-group -b "$work/other" "$root/opt/triaged_$1.deb" >/dev/null
	rm -rf "$work/other"
}
cp "$deb" "$root/opt/triaged.deb"
bump "$version+1"
bump "$version+2" "# new in this version"
cp "$here/deb_inside.sh" "$root/opt/"
"$here/in_root.sh" "$root" sh /opt/deb_inside.sh unpacked "$version"

# What is asked is a unit in there, and the machine ends with it.
boot() {
	cat >"$root/etc/systemd/system/try.service" <<-'END'
		[Unit]
		Wants=triaged.service
		After=triaged.service
		SuccessAction=poweroff-force
		FailureAction=poweroff-force
		[Service]
		Type=oneshot
		Environment=DEBIAN_FRONTEND=noninteractive
		ExecStart=/bin/sh /opt/deb_inside.sh booted VERSION
		StandardOutput=file:/opt/said
		StandardError=inherit
		TimeoutStartSec=120
		[Install]
		WantedBy=multi-user.target
	END
	sed -i "s/VERSION/$version/" "$root/etc/systemd/system/try.service"
	"$here/in_root.sh" "$root" systemctl enable -q try.service
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout -k 10 180 systemd-nspawn -q -D "$root" -b \
		--register=no --keep-unit --private-network --link-journal=no --timezone=off \
		--resolv-conf=off </dev/null >"$work/console" 2>&1 || true
}
if ! command -v systemd-nspawn >/dev/null; then
	echo "installed well, not booted: systemd-nspawn is missing"
	exit 77
fi
boot
if [ ! -e "$root/opt/said" ]; then
	tail -n 20 "$work/console"
	echo "installed well, not booted: nspawn cannot here"
	exit 77
fi
cat "$root/opt/said"
tail -n 1 "$root/opt/said" | grep -q '^all well' || exit 1
echo "installed by apt, started, upgraded, taken back, removed, purged, installed again"
