#!/bin/sh
# Builds every fuzz target against a library made with coverage, and lets libFuzzer at each.
# Usage: run.sh BUILD SECONDS CFLAGS LIBS [NAME...]
set -eu
build=$1 seconds=$2 cflags=$3 libs=$4
shift 4
mkdir -p "$build/fuzz" "$build/finds"
for source in tests/fuzz/*_fuzz.c; do
	name=$(basename "${source%_fuzz.c}")
	[ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	# shellcheck disable=SC2086
	clang $cflags -O1 -g -Wno-missing-prototypes -fsanitize=address,undefined,fuzzer \
		-o "$build/fuzz/$name" "$source" "$build/libtriaged.a" $libs
	mkdir -p "$build/corpus/$name"
	echo "fuzz $name, $seconds s"
	"$build/fuzz/$name" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
		-verbosity=0 -print_final_stats=0 -artifact_prefix="$build/finds/$name-" \
		"$build/corpus/$name" "tests/fuzz/corpus/$name"
done
