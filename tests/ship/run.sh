#!/bin/sh
# `make ship`: what is shipped is tried as those who get it would: run.sh BUILD [NAME...] runs the
# scripts tests/ship/NAME_ship.sh, one line each, with all they say in BUILD/ship/NAME.log.  A script
# ends with 77 where this machine cannot do what it needs; that is said, and is no success.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1
shift
logs=$build/ship
mkdir -p "$logs"
failed=0
skipped=0
# Their names have no spaces.
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(basename -as _ship.sh tests/ship/*_ship.sh)
for name in "$@"; do
	printf '  %-12s ' "$name"
	begin=$(date +%s)
	sh "tests/ship/${name}_ship.sh" "$build" >"$logs/$name.log" 2>&1
	code=$?
	took="$(($(date +%s) - begin)) s"
	case $code in
	0) echo "ok, $took: $(tail -n 1 "$logs/$name.log")" ;;
	77)
		echo "SKIPPED: $(tail -n 1 "$logs/$name.log")"
		skipped=$((skipped + 1))
		;;
	*)
		echo "FAILED ($code), $took: $logs/$name.log ends:"
		tail -n 25 "$logs/$name.log"
		failed=$((failed + 1))
		;;
	esac
done
echo "ship: $# tried, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
