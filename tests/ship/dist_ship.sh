#!/bin/sh
# The tarball stands on its own: dist_ship.sh BUILD makes it in a clean clone, unpacks it, and builds,
# tries, installs and runs what is in it where there is no network, no esbuild and no npm.
set -eu
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL || true
top=$PWD
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
build() { make --no-print-directory -s -j"$(nproc)" "$@"; }

git clone -q "$top" "$work/clone"
if ! command -v esbuild >/dev/null || ! build -C "$work/clone" ui; then
	echo "the dashboard cannot be bundled here"
	exit 77
fi
grep -q 'asset_has_dashboard = true' "$work/clone/build/ui/assets.c" || {
	echo "the dashboard cannot be bundled here: no npm registry"
	exit 77
}
build -C "$work/clone" dist
tarball=$(ls "$work"/clone/build/triaged-*.tar.gz)
name=$(basename "$tarball" .tar.gz)
version=${name#triaged-}
tar -xzf "$tarball" -C "$work"
tree=$work/$name

# As the pages say it, nothing of the clone is missing.
git -C "$work/clone" ls-files | sort >"$work/wanted"
(cd "$tree" && find . -type f -not -path './daemon/api/ui/bundle/*' | sed 's|^\./||' | sort) >"$work/got"
diff "$work/wanted" "$work/got"

mkdir "$work/none"
for tool in esbuild npm node git; do
	printf '#!/bin/sh\nexit 1\n' >"$work/none/$tool"
	chmod 755 "$work/none/$tool"
done
PATH=$work/none:$PATH
# Without a network, where that can be had.
alone() {
	if unshare -n true 2>/dev/null; then
		unshare -n make --no-print-directory -s -j"$(nproc)" "$@"
	else
		build "$@"
	fi
}
alone -C "$tree" all man build/tests/base/str_test build/tests/rules/expr_test
for test in "$tree"/build/tests/*/*_test; do "$test" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }; done
alone -C "$tree" install DESTDIR="$work/dest" PREFIX=/usr

[ "$("$work/dest/usr/sbin/triaged" --version)" = "triaged $version" ]
[ "$("$work/dest/usr/bin/triage" --version)" = "triage $version" ]
cat >"$work/triaged.yaml" <<END
daemon: { state_dir: $work/state }
api: { listen: 'off' }
checks: { self: { type: self } }
END
mkdir "$work/run"
RUNTIME_DIRECTORY=$work/run "$work/dest/usr/sbin/triaged" -c "$work/triaged.yaml" >"$work/log" 2>&1 &
daemon=$!
socket=$work/run/api.sock
tries=0
until "$work/dest/usr/bin/triage" -u "$socket" health >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || { cat "$work/log"; exit 1; }
	sleep 0.1
done
script=$(curl -s --unix-socket "$socket" http://localhost/ | sed -n 's|.*\(/assets/app-[0-9a-f]*\.js\).*|\1|p')
curl -s --unix-socket "$socket" "http://localhost$script" | cmp - "$tree/daemon/api/ui/bundle/${script##*/}"
curl -s --unix-socket "$socket" http://localhost/assets/uplot-licence.txt | grep -q 'Permission is hereby granted'
echo "$name: built, installed and run from its tarball, with its dashboard"
