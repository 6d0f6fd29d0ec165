#!/bin/sh
# The dashboard's pure parts under node's own test runner: `run.sh FOLDER` bundles each test with
# what it looks at into FOLDER and runs them.  Needs esbuild and node 18, nothing from npm; without
# them it says so and is content.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
for tool in esbuild node; do
	if ! command -v "$tool" >/dev/null; then
		echo "dashboard: not tested, $tool is missing"
		exit 0
	fi
done
mkdir -p "$out"
rm -f "$out"/*.test.mjs
esbuild "$here"/*.test.ts --bundle --platform=node --format=esm --target=node18 --log-level=warning \
	--outdir="$out" --out-extension:.js=.mjs
if TZ=Asia/Shanghai node --test "$out" >"$out/log" 2>&1; then
	echo "dashboard: $(sed -n 's/^# pass //p' "$out/log") tests passed"
else
	grep -v '^ *duration_ms' "$out/log"
	exit 1
fi
