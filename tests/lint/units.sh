#!/bin/sh
# The units in contrib/systemd as systemd reads them: no word that it does not know, alone and with
# each of the drop-ins, and an exposure of 1.5 at most by `systemd-analyze security`.
set -eu
cd "$(dirname "$0")/../.."
units=contrib/systemd
most=15 # tenths

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The programs need not be installed here, nor Docker.
lay_out() { # FOLDER
	mkdir -p "$1/triaged.service.d"
	for unit in triaged.service triaged.socket; do
		sed -e 's|=/usr/sbin/triaged|=/bin/true|' -e 's|=/usr/bin/triage|=/bin/true|' \
			$units/$unit >"$1/$unit"
	done
}

verify() { # WORDS FOLDER
	# What is odd about the other units of this machine is not ours to say.
	systemd-analyze verify --man=no --recursive-errors=one "$2/triaged.service" \
		"$2/triaged.socket" >"$work/said" 2>&1 || true
	if grep -F triaged "$work/said"; then
		echo "units: systemd-analyze verify complains about $1" >&2
		exit 1
	fi
}

exposure() { # FOLDER
	systemd-analyze security --offline=true --no-pager "$1/triaged.service" |
		sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}

lay_out "$work/plain"
verify "the units" "$work/plain"
if ! systemd-analyze security --offline=true --no-pager --threshold=$most \
	"$work/plain/triaged.service" >"$work/said" 2>&1; then
	grep -v '✓' "$work/said"
	echo "units: triaged.service is exposed by more than 1.5" >&2
	exit 1
fi
said="exposure $(exposure "$work/plain")"
for example in "$units"/triaged.service.d/*.conf.example; do
	name=$(basename "$example" .conf.example)
	lay_out "$work/$name"
	cp "$example" "$work/$name/triaged.service.d/$name.conf"
	verify "the drop-in $name" "$work/$name"
	said="$said, $name $(exposure "$work/$name")"
done

mkdir -p "$work/root/etc"
systemd-sysusers --root="$work/root" "$PWD/$units/triaged.sysusers" 2>"$work/said" || true
for line in '^triaged:x:' '^adm:.*triaged' '^systemd-journal:.*triaged'; do
	if ! grep -q "$line" "$work/root/etc/group"; then
		cat "$work/said"
		echo "units: triaged.sysusers makes no group $line" >&2
		exit 1
	fi
done
echo "units: $said"
