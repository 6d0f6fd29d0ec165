#!/bin/sh
# `make nightly`: every part is run, whatever became of the one before, and all are summed up at the
# end; what each says is in build/nightly/PART.log.  nightly.sh [PART...] runs those only.
set -u
cd "$(dirname "$0")/.." || exit 1
logs=build/nightly
mkdir -p "$logs"
make="make --no-print-directory"
cores=$(nproc)

part_units() { $make -j"$cores" all units && tests/run_units.sh build; }
part_e2e() { $make e2e SLOW=1; }
part_chaos() { $make chaos; }
part_valgrind() { $make valgrind; }
part_asan() { $make SAN=1 -j"$cores" all && $make SAN=1 e2e SLOW=1 PYTEST_ARGS="-m slow"; }
part_tsan() { $make tsan; }
part_fuzz() { $make fuzz; }
part_analyze() { $make analyze; }
# A day of the daemon's clock, in an hour.
part_soak() { $make soak SOAK_ARGS="--hours 24 --hasten 24 --interval 60"; }
part_ship() { $make ship; }

[ $# -gt 0 ] || set -- units e2e chaos valgrind asan tsan fuzz analyze soak ship
failed=""
for part in "$@"; do
	echo "== $part: $logs/$part.log"
	begin=$(date +%s)
	if "part_$part" >"$logs/$part.log" 2>&1; then
		word=ok
	else
		word=FAILED
		failed="$failed $part"
	fi
	tail -n 3 "$logs/$part.log"
	echo "== $part: $word, $((($(date +%s) - begin) / 60)) min"
done
if [ -n "$failed" ]; then
	echo "nightly: failed:$failed"
	exit 1
fi
echo "nightly: all well"
