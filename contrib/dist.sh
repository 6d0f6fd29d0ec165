#!/bin/sh
# `make dist`: dist.sh VERSION UI_FOLDER OUT makes the tarball OUT from the last commit and the
# dashboard that was just bundled; whoever builds from it needs neither npm nor a network.  Then it
# is unpacked and looked at with esbuild and npm out of reach.
set -eu
LC_ALL=C
export LC_ALL
umask 022
name=triaged-$1
ui=$2
out=$3
if [ ! -e .git ]; then
	echo "dist.sh: a tarball is made in a clone, and this is an unpacked one" >&2
	exit 1
fi
if ! git diff --quiet HEAD -- daemon/api/ui contrib/ui.sh; then
	echo "dist.sh: the dashboard's sources are not committed" >&2
	exit 1
fi
if ! grep -q 'asset_has_dashboard = true' "$ui/assets.c"; then
	echo "dist.sh: the dashboard could not be bundled: see make ui" >&2
	exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -c tar.umask=0022 archive --prefix="$name/" -o "$work/all.tar" HEAD
mkdir -p "$work/$name/daemon/api/ui"
cp -r "$ui/bundle" "$work/$name/daemon/api/ui/bundle"
# The same commit gives the same bytes.
tar --append -f "$work/all.tar" -C "$work" --owner=root --group=root --numeric-owner --sort=name \
	--mode=u=rwX,go=rX \
	--mtime="@$(git log -1 --format=%ct)" "$name/daemon/api/ui/bundle"
gzip -9 -n -c "$work/all.tar" >"$out"

mkdir "$work/none" "$work/look"
for tool in esbuild npm node; do
	printf '#!/bin/sh\nexit 1\n' >"$work/none/$tool"
	chmod 755 "$work/none/$tool"
done
tar -xzf "$out" -C "$work/look"
(cd "$work/look/$name" && PATH="$work/none:$PATH" sh contrib/ui.sh "$work/ui" >/dev/null)
cmp -s "$work/ui/assets.c" "$ui/assets.c" || {
	echo "dist.sh: the dashboard in the tarball is another one" >&2
	exit 1
}
echo "$out: $(wc -c <"$out") bytes, with the dashboard"
