#!/bin/sh
# Bundles the dashboard and prints nothing but one line: `ui.sh FOLDER [skip]` leaves in FOLDER the
# bundle and assets.c, the table that daemon/api/assets.h declares.  A bundle that came with a
# tarball (daemon/api/ui/bundle) is taken as it is.  Where esbuild or uPlot are not to be had, the
# page says so and the build goes on.
set -eu
LC_ALL=C
export LC_ALL
out=$1
mode=${2:-}
source=$PWD/daemon/api/ui
bundle=$out/bundle
first_paint_max=100000 # bytes, gzipped

why=""

# uPlot as the lock file says, in a folder that is not the source's.
fetch_modules() {
	npm=$out/npm
	mkdir -p "$npm"
	if [ -e "$npm/done" ] && cmp -s "$source/package-lock.json" "$npm/package-lock.json"; then
		return 0
	fi
	rm -f "$npm/done"
	cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$npm"
	(cd "$npm" && npm ci --prefer-offline --fetch-retries=1 --fetch-timeout=20000 \
		>npm.log 2>&1 </dev/null) || return 1
	touch "$npm/done"
}

# Prints the new name of app.KIND.  esbuild's own [hash] knows in which folder it worked.
name_by_bytes() {
	name=app-$(sha256sum "$bundle/app.$1" | cut -c1-10).$1
	mv "$bundle/app.$1" "$bundle/$name"
	echo "$name"
}

# uPlot's licence wants its notice to go with every copy.
make_bundle() {
	mkdir -p "$bundle"
	modules=$out/npm/node_modules
	notice="/* with uPlot, $(grep '^Copyright' "$modules/uplot/LICENSE"), MIT: uplot-licence.txt */"
	NODE_PATH=$(cd "$modules" && pwd) esbuild "$source/src/main.ts" --bundle --minify \
		--target=es2020 --format=esm --charset=utf8 --log-level=warning \
		--banner:js="$notice" --banner:css="$notice" \
		--entry-names=app --outdir="$bundle"
	script=$(name_by_bytes js)
	style=$(name_by_bytes css)
	sed -e "s|/assets/app\.js|/assets/$script|" -e "s|/assets/app\.css|/assets/$style|" \
		"$source/index.html" >"$bundle/index.html"
	cp "$modules/uplot/LICENSE" "$bundle/uplot-licence.txt"
}

# Sets `why` when there is nothing to show but the page that says so.
choose() {
	if [ "$mode" = skip ]; then
		why="SKIP_UI was set"
	elif [ -e "$source/bundle/index.html" ]; then
		cp -r "$source/bundle" "$bundle"
	elif [ ! -e "$source/src/main.ts" ]; then
		why="its sources are missing"
	elif ! command -v esbuild >/dev/null; then
		why="esbuild is missing: install the package esbuild"
	elif ! command -v npm >/dev/null; then
		why="npm is missing: install the package npm"
	elif ! fetch_modules; then
		why="npm could not fetch uPlot: see $out/npm/npm.log"
	else
		make_bundle
	fi
}

type_of() {
	case "$1" in
	*.html) echo "text/html; charset=utf-8" ;;
	*.js) echo "text/javascript; charset=utf-8" ;;
	*.css) echo "text/css; charset=utf-8" ;;
	*.svg) echo "image/svg+xml" ;;
	*) echo "text/plain; charset=utf-8" ;;
	esac
}

bytes() {
	echo "static const unsigned char $1[] = {"
	od -An -v -tx1 "$2" | sed -e 's/ \(..\)/0x\1,/g'
	echo '};'
}

# A name with a hash in it never changes its bytes.
is_immutable() {
	case "$1" in
	app-*) echo true ;;
	*) echo false ;;
	esac
}

make_table() {
	echo '#include "api/assets.h"'
	number=0
	for file in "$bundle"/*; do
		number=$((number + 1))
		gzip -9 -n -c "$file" >"$out/packed"
		bytes "plain_$number" "$file"
		bytes "packed_$number" "$out/packed"
	done
	echo "const bool asset_has_dashboard = $([ -z "$why" ] && echo true || echo false);"
	echo 'const struct asset asset_table[] = {'
	number=0
	for file in "$bundle"/*; do
		number=$((number + 1))
		name=$(basename "$file")
		echo "{ \"$name\", \"$(type_of "$name")\"," \
			"\"$(sha256sum "$file" | cut -c1-16)\", $(is_immutable "$name")," \
			"plain_$number, sizeof(plain_$number)," \
			"packed_$number, sizeof(packed_$number) },"
	done
	echo '{ .name = NULL },'
	echo '};'
}

mkdir -p "$out"
rm -rf "$bundle"
choose
if [ -n "$why" ]; then
	mkdir -p "$bundle"
	sed -e "s|WHY|$(echo "$why" | sed -e 's/[&|\\]/\\&/g')|" "$source/unbuilt.html" \
		>"$bundle/index.html"
	echo "  ui    no dashboard: $why (then: make ui)"
else
	size=$(for file in "$bundle/index.html" "$bundle"/app-*; do gzip -9 -n -c "$file"; done | wc -c)
	echo "  ui    the dashboard, $size bytes gzipped"
	if [ "$size" -gt "$first_paint_max" ]; then
		echo "ui.sh: more than $first_paint_max bytes gzipped before the first paint" >&2
		exit 1
	fi
fi
make_table >"$out/assets.c.new"
rm -f "$out/packed"
mv "$out/assets.c.new" "$out/assets.c"
