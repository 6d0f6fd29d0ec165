#!/bin/sh
# Runs every unit test of a build, each in its own process.  Usage: run_units.sh BUILD [WRAPPER...]
set -u
build=$1
shift
export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1"
good=0
bad=0
for source in tests/*/*_test.c; do
	program="$build/${source%.c}"
	if output=$("$@" "$program" 2>&1); then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "FAILED $program"
		echo "$output" | tail -n 40
	fi
done
for source in tests/fuzz/*_fuzz.c; do
	[ -e "$source" ] || continue
	name=$(basename "${source%_fuzz.c}")
	if output=$("$@" "$build/${source%.c}" "tests/fuzz/corpus/$name" 2>&1); then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "FAILED $build/${source%.c}"
		echo "$output" | tail -n 40
	fi
done
echo "unit programs: $good passed, $bad failed"
[ "$bad" = 0 ] && [ "$good" -gt 0 ]
