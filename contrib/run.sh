#!/bin/sh
# `make run`: starts the daemon that was just built on the shipped settings, with its state in a
# folder of its own below the build, and says what it watches and where to look.
set -eu
build=$1
mkdir -p "$build/run"
run=$(cd "$build/run" && pwd)
export STATE_DIRECTORY="$run/state" RUNTIME_DIRECTORY="$run"
"$build/triaged" -c etc/triaged.yaml &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon"; exit 0' INT TERM
tries=0
until "$build/triage" health >/dev/null 2>&1; do
	tries=$((tries + 1))
	if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -gt 100 ]; then
		echo "triaged did not start; its words are above" >&2
		exit 1
	fi
	sleep 0.1
done
"$build/triage" status
echo
echo "dashboard $("$build/triage" -u "$run/api.sock" dashboard)"
echo "settings  etc/triaged.yaml      state  $run/state"
echo "look      $build/triage status | checks | incidents"
echo "write     $build/triage -u $run/api.sock reload | run NAME | test RECEIVER"
echo "stop      Ctrl-C"
wait "$daemon"
