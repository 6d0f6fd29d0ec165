#!/bin/sh
# What is asked of the image: image_inside.sh WORK podman|chroot TOP, called by image_ship.sh in its
# name spaces.  With chroot its files lie in WORK/image, and a first process is made by hand.
set -eu
work=$1
engine=$2
top=$3
most=60000000 # bytes, unpacked
shell=/host/usr/bin/dash # the host's: the image has none, and has its libraries

fail() {
	echo "FAILED: $1"
	exit 1
}

# until SECONDS WHAT COMMAND...: tries again until it succeeds.
until_true() {
	end=$(($(date +%s) + $1))
	what=$2
	shift 2
	until "$@" >"$work/tried" 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || { cat "$work/tried"; fail "waited for $what"; }
		sleep 0.2
	done
}

# --- the two ways to run it: start, ask, first_pid, stop_it, end, ... ---

# A machine may forbid to raise limits, and have no controllers.
limits="--ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --cgroups=disabled"
tight="--no-healthcheck --read-only --cap-drop ALL --security-opt no-new-privileges --network none"

podman_start() {
	# shellcheck disable=SC2086
	podman run -d --name one $limits $tight -v /:/host:ro,rslave -v state:/var/lib/triaged triaged \
		>/dev/null
}
podman_ask() { podman exec one "$@"; }
podman_first_pid() { podman inspect --format '{{.State.Pid}}' one; }
podman_stop_it() {
	podman stop -t 10 one >/dev/null
	podman inspect --format '{{.State.ExitCode}}' one >"$work/exit"
	podman rm one >/dev/null
}
podman_its_log() { podman logs one 2>&1; }
podman_its_bytes() { podman image inspect --format '{{.Size}}' triaged:latest; }

# A name space whose first process is the daemon, with the host below /host.
chroot_start() {
	mkdir -p "$work/host"
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --net sh -c 'mount --rbind / "$0/host" &&
		mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec setpriv --no-new-privs \
			chroot --userspec=10001:10001 "$0" /usr/sbin/triaged' \
		"$work/image" >"$work/log" 2>&1 &
	runner=$!
}
chroot_ask() {
	env -i PATH=/usr/sbin:/usr/bin nsenter -t "$(chroot_first_pid)" -m -p \
		chroot --userspec=10001:10001 "$work/image" "$@"
}
chroot_first_pid() { tr -d " " 2>/dev/null <"/proc/$runner/task/$runner/children" || true; }
chroot_stop_it() {
	kill "$(chroot_first_pid)"
	code=0
	wait "$runner" || code=$?
	echo "$code" >"$work/exit"
}
podman_end() { podman rm -f -a -t 1 >/dev/null 2>&1 || true; }
chroot_end() { kill -KILL "$(chroot_first_pid 2>/dev/null)" 2>/dev/null || true; }
chroot_its_log() { cat "$work/log"; }
chroot_its_bytes() { du -sb "$work/image" | cut -f1; }

start() { "${engine}_start"; }
ask() { "${engine}_ask" "$@"; }
first_pid() { "${engine}_first_pid"; }

runner=0
trap '"${engine}_end"' EXIT
trap 'exit 1' HUP INT TERM

# --- what it is made of ---

bytes=$("${engine}_its_bytes")
[ "$bytes" -lt $most ] || fail "the image has $bytes bytes"
if [ "$engine" = podman ]; then
	podman image inspect triaged:latest >"$work/inspect"
	jq -e '.[0] | .Healthcheck.Test == ["CMD", "triage", "health"] and (.Config |
		.User == "10001:10001" and .StopSignal == "SIGTERM" and .Entrypoint == ["triaged"] and
		(.Volumes | has("/var/lib/triaged")))' "$work/inspect" >/dev/null ||
		fail "the image's settings are others"
fi

# --- alone, with the settings that it brings ---

start
until_true 30 "triage health" ask triage health
pid=$(first_pid)
status=/proc/$pid/status
grep -q '^Uid:.10001.10001.10001.10001$' "$status" || fail "it runs as another user"
grep -q '^CapEff:.0000000000000000$' "$status" || fail "it has capabilities"
grep -q '^NoNewPrivs:.1$' "$status" || fail "it could get rights"
grep -q '^NSpid:.[0-9]*.1$' "$status" || fail "it is no first process"

is_up() { ask triage checks --json | jq -e --arg name "$1" \
	'.checks[] | select(.name == $name) | .state == "up"'; }
for check in disks 'disks[/]' memory self; do until_true 60 "$check to be up" is_up "$check"; done
# The disk that it sees is the host's, not its own layer.
ask triage rule 'disks[/].total_bytes' --json >"$work/disk.json"
seen=$(jq '[.. | numbers | select(. > 1000000)] | first | floor' "$work/disk.json")
size=$(($(stat -f -c %b /) * $(stat -f -c %S /)))
[ "$seen" = "$size" ] || fail "its disk has $seen bytes, the host's has $size"

# Orphans: their parent is gone, and somebody must wait for them.
children() { tr ' ' '\n' <"/proc/$pid/task/$pid/children" | sed '/^$/d'; }
count_named() { # NAME STATE
	for child in $(children); do
		sed -n '1s/^[0-9]* (\(.*\)) \(.\).*/\1 \2/p' "/proc/$child/stat" 2>/dev/null || true
	done | grep -c "^$1 $2\$" || true
}
ask $shell -c '(/host/usr/bin/sleep 2 &) ; (/host/usr/bin/sleep 2 &) ; exit 0'
[ "$(count_named sleep S)" = 2 ] || fail "the orphans did not come to it: $(children)"
is_without() { [ -z "$(count_named sleep . | sed 's/^0$//')" ]; }
until_true 20 "the orphans to be waited for" is_without

# Its log is JSON, line by line.
"${engine}_its_log" >"$work/its.log"
[ -s "$work/its.log" ] || fail "it says nothing"
jq -e -s 'all(has("time") and has("level") and has("message"))' "$work/its.log" >/dev/null ||
	fail "its log is not JSON: $(head -n 3 "$work/its.log")"

begin=$(date +%s)
"${engine}_stop_it"
took=$(($(date +%s) - begin))
[ "$(cat "$work/exit")" = 0 ] || fail "it ended with $(cat "$work/exit")"
[ "$took" -lt 10 ] || fail "it stopped after $took s"
echo "alone: $bytes bytes, stopped in $took s"

if [ "$engine" = chroot ]; then
	echo "the image's files: $((bytes / 1000000)) MB; tried in name spaces by hand, there is no podman"
	exit 0
fi

# --- each example's settings, as its container has them ---

for folder in "$top"/contrib/compose/*/; do
	name=$(basename "$folder")
	cp -r "$folder" "$work/$name"
	cp "$work/$name/example.env" "$work/$name/.env"
	cp "$work/$name/secrets/triaged.env.example" "$work/$name/secrets/triaged.env"
	echo 0123456789abcdef0123456789abcdef >"$work/$name/secrets/triaged_token"
	echo change-me-db >"$work/$name/secrets/db_password"
	chmod -R go+rX "$work/$name"
	/usr/bin/python3 -c 'import sys, yaml
for item in yaml.safe_load(open(sys.argv[1]))["services"]["triaged"]["environment"].items():
    print("%s=%s" % item)' "$work/$name/compose.yaml" >"$work/$name/environment"
	# shellcheck disable=SC2086
	podman run --rm $limits $tight --env-file "$work/$name/environment" \
		-v "$work/$name/triaged.yaml:/etc/triaged/triaged.yaml:ro" \
		-v "$work/$name/secrets/triaged.env:/run/secrets/triaged_env:ro" \
		-v "$work/$name/secrets/triaged_token:/run/secrets/triaged_token:ro" \
		triaged --check || fail "the settings of $name"
done

# --- the game server's project with its real Redis, found by the service's name ---

if ! command -v podman-compose >/dev/null || [ ! -x /usr/lib/cni/dnsname ]; then
	echo "the image: $((bytes / 1000000)) MB; no podman-compose with names here: no project was tried"
	exit 0
fi
mkdir "$work/redis"
cat >"$work/redis/Containerfile" <<'END'
FROM docker.io/library/debian:12-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null
END
podman build --pull=never --isolation chroot --network host -t docker.io/library/redis:7-alpine \
	"$work/redis"
unshare -n sh "$top/tests/ship/image_project.sh" "$work" "$work/game-server"
echo "the image: $((bytes / 1000000)) MB; alone and beside a Redis with podman-compose"
