#!/bin/sh
# Every header compiles alone.  Usage: headers.sh CC FLAGS...
set -eu
bad=0
count=0
for header in $(find daemon probes alerts -name '*.h' | sort); do
	count=$((count + 1))
	printf '#include "%s"\n' "$header" |
		"$@" -fsyntax-only -x c - 2>/tmp/headers.$$ || {
		echo "$header does not compile alone:"
		head -n 3 /tmp/headers.$$
		bad=1
	}
done
rm -f /tmp/headers.$$
echo "headers: $count, each alone"
exit $bad
