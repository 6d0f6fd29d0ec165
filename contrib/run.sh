#!/bin/sh
# `make run`: starts the daemon that was just built on the shipped settings, with its state in a
# folder of its own below the build, and says what it watches and where to look.  PORT is another
# one than 8421.
set -eu
build=$1
mkdir -p "$build/run"
run=$(cd "$build/run" && pwd)
triage="$build/triage"
config=etc/triaged.yaml
export STATE_DIRECTORY="$run/state" RUNTIME_DIRECTORY="$run"
export TRIAGE_URL="$run/api.sock" # this one, not whoever else runs on this host
if "$triage" health >/dev/null 2>&1; then
	echo "it runs already: $("$triage" dashboard)" >&2
	exit 1
fi
if [ -n "${PORT-}" ]; then
	config="$run/triaged.yaml"
	sed "s|^  listen: 127\.0\.0\.1:8421|  listen: \"127.0.0.1:$PORT\"|" etc/triaged.yaml >"$config"
fi
"$build/triaged" -c "$config" &
daemon=$!
# HUP and PIPE: a terminal or a pager that goes away takes it along, too
trap 'trap "" PIPE; kill "$daemon" 2>/dev/null; wait "$daemon"; exit 0' INT TERM HUP PIPE
tries=0
until "$triage" health >/dev/null 2>&1; do
	tries=$((tries + 1))
	if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -gt 100 ]; then
		echo "triaged did not start; its words are above. Is its port somebody's? make run PORT=8422" >&2
		kill "$daemon" 2>/dev/null || true
		exit 1
	fi
	sleep 0.1
done
"$triage" status
echo
echo "dashboard $("$triage" dashboard)"
echo "settings  $config      state  $run/state"
echo "commands  $triage -u $run/api.sock status | checks | show ID | reload | test RECEIVER"
echo "stop      Ctrl-C"
wait "$daemon"
