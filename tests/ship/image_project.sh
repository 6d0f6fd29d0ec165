#!/bin/sh
# A project with triaged beside a Redis: image_project.sh WORK PROJECT, called by image_inside.sh in
# a network name space of its own, with which links and rules of the project's network go.
set -eu
work=$1
project=$2
cd "$project"
ip link set lo up

# What a machine without controllers and with fixed limits wants, and a Redis that listens to others.
cat >try.yaml <<'END'
services:
  redis:
    command: redis-server --appendonly yes --bind 0.0.0.0 --protected-mode no --dir /data
    ulimits: { nofile: { soft: 1024, hard: 1024 }, nproc: { soft: 4096, hard: 4096 } }
  triaged:
    ulimits: { nofile: { soft: 1024, hard: 1024 }, nproc: { soft: 4096, hard: 4096 } }
END
compose() {
	podman-compose -f compose.yaml -f try.yaml --podman-path "$work/podman" \
		--podman-run-args=--cgroups=disabled "$@"
}
container() { podman ps -a --format '{{.Names}}' | grep "[_-]$1[_-]1\$"; }
end() { podman stop -a -t 1 >/dev/null 2>&1 || true; }
trap end EXIT

compose up -d redis triaged >"$work/up.log" 2>&1 || { cat "$work/up.log"; exit 1; }
triaged=$(container triaged)
redis=$(container redis)

# until STATE: of the check of Redis, which it reaches as redis:6379.
until_redis() {
	end=$(($(date +%s) + 90))
	until podman exec "$triaged" triage checks --json 2>&1 | tee "$work/checks.json" |
		jq -e --arg state "$1" '.checks[] | select(.name == "game-redis") | .state == $state' \
			>/dev/null 2>&1; do
		if [ "$(date +%s)" -ge "$end" ]; then
			cat "$work/checks.json"
			podman logs "$triaged" 2>&1 | tail -n 20
			echo "FAILED: game-redis is not $1"
			exit 1
		fi
		sleep 0.5
	done
}
until_redis up
podman stop -t 5 "$redis" >/dev/null
until_redis down
podman exec "$triaged" triage incidents
podman start "$redis" >/dev/null
until_redis up
begin=$(date +%s)
podman stop -t 10 "$triaged" >/dev/null
[ "$(podman inspect --format '{{.State.ExitCode}}' "$triaged")" = 0 ] || exit 1
echo "project: Redis was up, down and up; triaged stopped in $(($(date +%s) - begin)) s"
