#!/bin/sh
# Runs every unit test of a build, each in its own process.  Usage: run_units.sh BUILD [WRAPPER...]
set -u
build=$1
shift
export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1"
good=0
bad=0
# What failed, and how it ended: leaks that follow of it would push it out of sight.
show_failure() {
	echo "FAILED $1"
	echo "$2" | grep -a -A 2 '^\[  ERROR' | head -n 12
	echo "$2" | tail -n 40
}
for source in tests/*/*_test.c; do
	program="$build/${source%.c}"
	if output=$("$@" "$program" 2>&1); then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		show_failure "$program" "$output"
	fi
done
for source in tests/fuzz/*_fuzz.c; do
	[ -e "$source" ] || continue
	name=$(basename "${source%_fuzz.c}")
	if output=$("$@" "$build/${source%.c}" "tests/fuzz/corpus/$name" 2>&1); then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		show_failure "$build/${source%.c}" "$output"
	fi
done
echo "unit programs: $good passed, $bad failed"
[ "$bad" = 0 ] && [ "$good" -gt 0 ]
