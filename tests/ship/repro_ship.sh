#!/bin/sh
# The same commit gives the same bytes: repro_ship.sh BUILD makes tarball and package twice: in other
# folders, at other times, as another user, with another home, umask, zone, locale and number of jobs.
# The second package is made from the tarball, where the first one was made from git.
set -eu
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL || true
top=$PWD
command -v dpkg-buildpackage >/dev/null || { echo "this is no Debian"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "only root can be another user"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"

git clone -q "$top" "$work/one"
registry=$(cd / && npm config get registry 2>/dev/null) || registry=
export npm_config_registry="$registry" npm_config_cache="$work/npm"
make -s -C "$work/one" ui
grep -q 'asset_has_dashboard = true' "$work/one/build/ui/assets.c" || {
	echo "the dashboard cannot be bundled here"
	exit 77
}
make -s -C "$work/one" deb

# Everything that should make no difference, as far as this machine has it.
other=$work/an/other/place
home=$work/home
mkdir -p "$other" "$home" "$work/locale"
locale=C
if localedef -i tr_TR -f UTF-8 "$work/locale/tr_TR.UTF-8" 2>/dev/null; then
	locale=tr_TR.UTF-8
fi
later=
for library in /usr/lib/*/faketime/libfaketime.so.1; do
	[ ! -e "$library" ] || later=$library
done
git clone -q "$top" "$other/two"
chown -R nobody "$work/an" "$home" "$work/npm"
otherwise() { # VARIABLES COMMAND...
	setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs env \
		HOME="$home" USER=nobody LOGNAME=nobody TZ=Pacific/Kiritimati LC_ALL="$locale" \
		LANG="$locale" LOCPATH="$work/locale" OMP_NUM_THREADS=1 "$@"
}
umask 077
otherwise make -s -C "$other/two" dist
tarball=$(basename "$work"/one/build/triaged-*.tar.gz)
same() { # FILE FILE
	cmp "$1" "$2" && return 0
	! command -v diffoscope >/dev/null || diffoscope --max-report-size 20000 "$1" "$2" || true
	exit 1
}
same "$work/one/build/$tarball" "$other/two/build/$tarball"

otherwise tar -xzf "$other/two/build/$tarball" -C "$other"
otherwise LD_PRELOAD="$later" FAKETIME=+400d NO_FAKE_STAT=1 \
	make -s -C "$other/${tarball%.tar.gz}" deb

deb=$(basename "$work"/one/build/deb/triaged_*.deb)
same "$work/one/build/deb/$deb" "$other/${tarball%.tar.gz}/build/deb/$deb"
echo "$tarball and $deb, twice, are the same bytes (locale $locale, time ${later:+400 days later})"
