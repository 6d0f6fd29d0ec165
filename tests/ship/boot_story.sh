#!/bin/sh
# What boot_ship.sh plays inside the booted system, as root: the service as an administrator meets
# it.  Each fact is a line; the first that does not hold ends the story.  Not to be run elsewhere:
# it stops and starts the host's triaged.
set -eu
LIMIT=45 # seconds until a wait gives up
settings=/etc/triaged/triaged.yaml
dropins=/etc/systemd/system/triaged.service.d

fact() {
	echo "fact: $*"
}

fail() {
	echo "DOES NOT HOLD: $*"
	systemctl status triaged.service triaged.socket --no-pager -l || true
	journalctl -u triaged.service -n 60 --no-pager -o cat || true
	exit 1
}

# Tries a command again until it succeeds.
until_true() { # WORDS COMMAND...
	words=$1
	shift
	for _ in $(seq $((LIMIT * 10))); do
		if "$@" >/dev/null 2>&1; then
			fact "$words"
			return
		fi
		sleep 0.1
	done
	fail "$words ($*)"
}

show() { # PROPERTY [UNIT]
	systemctl show --value -p "$1" "${2:-triaged.service}"
}

says() { # TEXT COMMAND...: its output has the text
	text=$1
	shift
	"$@" 2>&1 | grep -qF -e "$text"
}

has() { # PROPERTY VALUE
	[ "$(show "$1")" = "$2" ]
}

status_says() {
	show StatusText | grep -qE "$1"
}

incident_id() { # of the check that fails
	triage incidents | sed -n 's/^.*\([0-9a-f]\{12\}\).*nobody-there.*$/\1/p'
}

dropin() { # NAME, text from the standard input
	mkdir -p $dropins
	cat >"$dropins/$1.conf"
	systemctl daemon-reload
}

logged() { # TEXT SINCE: since then the service's journal has it
	journalctl -u triaged.service --since "@$2" --no-pager -o cat | grep -qF -e "$1"
}

# ---- chapters ----

it_starts_at_boot() {
	until_true "the service that was enabled is active after the boot" has ActiveState active
	[ "$(show Type)" = notify ] || fail "Type=notify"
	pid=$(show MainPID)
	[ "$(stat -c %U "/proc/$pid")" = triaged ] || fail "it runs as the user triaged"
	grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status" || fail "no capability"
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status" || fail "no new privileges"
	grep -q '^Seccomp:[[:space:]]*2' "/proc/$pid/status" || fail "system calls are filtered"
	fact "it runs as triaged: no capability, no new privileges, system calls filtered"
	[ "$(stat -c %a:%U:%G /run/triaged/api.sock)" = 660:triaged:triaged ] ||
		fail "the socket: $(stat -c %a:%U:%G /run/triaged/api.sock)"
	[ "$(stat -c %a:%U /var/lib/triaged)" = 700:triaged ] || fail "the state folder"
	fact "socket 0660 triaged:triaged, state folder 0700"
	until_true "systemctl status has our line" status_says '^[0-9]+ checks: [1-9][0-9]* up, 0 down'
	echo "      $(systemctl status triaged.service --no-pager | grep Status: | sed 's/^ *//')"
}

operators_may() {
	useradd -M olga
	useradd -M stranger
	usermod -aG triaged olga
	runuser -u olga -- triage reload >/dev/null || fail "a member of the group may steer"
	if runuser -u stranger -- triage -u unix:/run/triaged/api.sock status >/dev/null 2>&1; then
		fail "a stranger is kept out of the socket"
	fi
	if runuser -u stranger -- triage reload >/dev/null 2>&1; then
		fail "a stranger cannot steer over TCP, either"
	fi
	runuser -u stranger -- triage reload 2>&1 | grep -q 'api.sock: permission denied.*: `sudo usermod -aG triaged' ||
		fail "a stranger is told of the group that there is"
	fact "a member of the group triaged may steer, a stranger may not"
}

it_finds_something() {
	cat >$settings <<-'END'
		api: { listen: 127.0.0.1:8421 }
		defaults: { interval: 1s, timeout: 1s, retries: 1 }
		checks:
		  self: { type: self }
		  disks: { type: disk, all: true }
		  memory: { type: memory }
		  cpu: { type: cpu }
		  network: { type: network }
		  nobody-there: { type: tcp, address: "127.0.0.1:9" }
	END
	began=$(date +%s)
	systemctl reload triaged.service || fail "a reload with good settings"
	says nobody-there triage checks || fail "when the reload returns, the settings are in force"
	logged "reload: done" "$began" || fail "the reload is in the log"
	fact "a reload with good settings: in force when it returns"
	until_true "a failing check becomes an incident" says nobody-there triage incidents
	until_true "systemctl status says so" status_says '1 down; 1 open incident;'
	incident=$(incident_id)
	[ -n "$incident" ] || fail "the incident has an id"
}

bad_settings_are_kept_out() {
	pid=$(show MainPID)
	cp $settings /good.yaml
	echo "checks: { x: { type: no-such-type } }" >$settings
	if systemctl reload triaged.service 2>/dev/null; then
		fail "a reload with bad settings fails"
	fi
	has ActiveState active || fail "the service goes on after a bad reload"
	[ "$(show MainPID)" = "$pid" ] || fail "it is the same process after a bad reload"
	says nobody-there triage checks || fail "the old settings stay in force"
	logged no-such-type 0 || fail "the journal says what is wrong"
	fact "a reload with bad settings fails, says why, and leaves the old ones in force"
	until_true "systemctl status says that they have errors" status_says 'settings on disk have'
	cp /good.yaml $settings
	systemctl reload triaged.service || fail "a reload with good settings again"
}

a_wedged_loop_is_killed() {
	dropin test <<-'END'
		[Service]
		WatchdogSec=2
		Environment=TRIAGED_TEST_WEDGE=1
	END
	systemctl restart triaged.service
	sleep 5 # longer than the watchdog's time: it is fed
	has NRestarts 0 || fail "a daemon that works is left alone"
	fact "for two and a half times its time the watchdog was fed"
	pid=$(show MainPID)
	began=$(date +%s)
	kill -USR2 "$pid"
	until_true "the watchdog ends a wedged daemon, and it is started anew" has NRestarts 1
	until_true "it is ready again" status_says 'check'
	[ "$(show MainPID)" != "$pid" ] || fail "it is another process"
	logged "Watchdog timeout" "$began" || fail "systemd says why"
	until_true "the failing check is still down" status_says '1 down'
	[ "$(incident_id)" = "$incident" ] ||
		fail "the incident is the same one: $incident, now $(incident_id)"
	fact "the open incident is the same one, $incident"
	kill -KILL "$(show MainPID)"
	until_true "after a kill -9 it is started anew, too" has NRestarts 2
	until_true "it is ready again" status_says '1 down'
	[ "$(incident_id)" = "$incident" ] || fail "the incident is the same one after kill -9"
	rm $dropins/test.conf
	systemctl daemon-reload
	systemctl restart triaged.service
}

credentials_are_read() {
	install -d -m 700 /etc/triaged/secrets
	printf 's3cret\n' >/etc/triaged/secrets/test-word
	chmod 600 /etc/triaged/secrets/test-word
	cat >>$settings <<-'END'
		  word:
		    type: exec
		    command: ["/bin/sh", "-c", "test \"$WORD\" = s3cret"]
		    env: { WORD: "${credential:test-word}" }
	END
	began=$(date +%s)
	if systemctl restart triaged.service 2>/dev/null; then
		fail "without its credential it does not start"
	fi
	logged LoadCredential=test-word: "$began" || fail "it says which line is missing"
	has ActiveState failed || fail "it is not tried again and again: $(show ActiveState)"
	status_says 'not started: the settings have errors' || fail "the status says why"
	fact "without its credential it does not start, and the log names the line that is missing"
	dropin credentials <<-'END'
		[Service]
		LoadCredential=test-word:/etc/triaged/secrets/test-word
	END
	systemctl start triaged.service || fail "with its credential it starts"
	until_true "a check knows the secret, which root alone may read" \
		says 'word: exit 0' triage run word
	systemctl reload triaged.service || fail "a reload that needs the credential"
	fact "a reload reads it, too"
	triage check >/dev/null || fail "root looks the settings over by hand, with the credential"
	fact "so does triage check, by root's own hand"
}

sockets_are_passed() {
	if systemctl start triaged.socket 2>/dev/null; then
		fail "systemd refuses to open the sockets of a service that runs"
	fi
	systemctl stop triaged.service
	systemctl start triaged.socket || fail "the socket unit starts"
	has ActiveState inactive || fail "the service is not running yet"
	triage status >/dev/null || fail "whoever connects starts the service"
	has ActiveState active || fail "the service was started by that"
	fact "with triaged.socket, whoever connects starts the service"
	logged "was passed to us (api)" 0 || fail "the log says that sockets were passed"
	triage -u http://127.0.0.1:8421 status >/dev/null || fail "TCP answers"
	pid=$(show MainPID)
	for n in 1 2 3; do
		asking=""
		systemctl restart triaged.service &
		restart=$!
		for m in 1 2 3 4; do
			triage status >/dev/null 2>"/asked.$n.$m" &
			asking="$asking $!"
			triage -u http://127.0.0.1:8421 status >/dev/null 2>"/asked.tcp.$n.$m" &
			asking="$asking $!"
		done
		wait "$restart" || fail "a restart with the socket unit"
		for one in $asking; do
			wait "$one" || fail "who asks during a restart waits and is answered: $(cat /asked.*)"
		done
	done
	[ "$(show MainPID)" != "$pid" ] || fail "it was restarted"
	fact "of 24 that asked while it was restarted, each was answered"
	systemctl stop triaged.service
	[ -S /run/triaged/api.sock ] || fail "the socket stays while the service is stopped"
	systemctl stop triaged.socket
	[ ! -e /run/triaged/api.sock ] || fail "the socket goes with its unit"
	systemctl start triaged.service || fail "the service by itself again"
	[ -S /run/triaged/api.sock ] || fail "the service makes its own socket"
	fact "without the socket unit it makes its own again"
}

# Each drop-in as it is shipped: the service starts with it, and sees what it is for.
drop_ins_work() {
	cp /good.yaml $settings
	cat >>$settings <<-'END'
		  pings: { type: ping, host: 127.0.0.1 }
	END
	rm -f $dropins/*.conf
	examples=/usr/share/doc/triaged/examples/systemd/triaged.service.d
	groupadd -f docker
	systemctl daemon-reload
	systemctl restart triaged.service
	until_true "without the right a ping is no failure, but cannot be sent" \
		says CAP_NET_RAW triage run pings
	sees_everything && fail "without a drop-in, triage doctor says which rights are missing"
	for example in "$examples"/*.conf.example; do
		name=$(basename "$example" .conf.example)
		dropin "$name" <"$example"
		printf 'x\n' >/etc/triaged/secrets/sql-password
		printf 'x\n' >/etc/triaged/secrets/hook-secret
		systemctl restart triaged.service || fail "it starts with the drop-in $name"
		case $name in
		ping) until_true "with the drop-in $name it pings" says 'ok  pings' triage run pings ;;
		see-everything)
			until_true "with the drop-in $name no right is missing" sees_everything
			;;
		*) fact "it starts with the drop-in $name" ;;
		esac
		rm "$dropins/$name.conf"
	done
	systemctl daemon-reload
}

sees_everything() {
	triage doctor >/doctor.txt 2>&1 || true
	grep -q . /doctor.txt && ! grep -qE 'CAP_|kmsg' /doctor.txt
}

# A receiver that takes the connection and says nothing: what waits is given its time, although the
# unit allows a second only.
a_longer_stop_is_granted() {
	cat >/etc/systemd/system/silent.socket <<-'END'
		[Socket]
		ListenStream=127.0.0.1:9999
	END
	cat >/etc/systemd/system/silent.service <<-'END'
		[Service]
		ExecStart=/bin/sleep infinity
	END
	cp /good.yaml $settings
	cat >>$settings <<-'END'
		receivers: { mute: { type: webhook, url: "http://127.0.0.1:9999/" } }
		routes: [{ to: [mute] }]
	END
	sed -i 's/nobody-there/nobody-here/' $settings
	dropin hasty <<-'END'
		[Service]
		TimeoutStopSec=1
	END
	systemctl start silent.socket
	systemctl restart triaged.service
	until_true "a notice waits for a receiver that hangs" status_says '[1-9] notices? waiting'
	systemctl stop triaged.service
	[ "$(show Result)" = success ] || fail "it was given the time that it asked for: $(show Result)"
	fact "it was given longer to stop than the unit says, because it asked"
	systemctl stop silent.service silent.socket
	rm $dropins/hasty.conf
	cp /good.yaml $settings
	systemctl daemon-reload
	systemctl start triaged.service
}

it_stops() {
	began=$(date +%s)
	systemctl stop triaged.service
	took=$(($(date +%s) - began))
	[ "$(show Result):$(show ExecMainStatus)" = success:0 ] || fail "it ends with success"
	[ "$took" -le 10 ] || fail "a stop took $took s"
	if logged "Killing" "$began" || logged "timed out" "$began"; then
		fail "it stops by itself"
	fi
	fact "it stops by itself, in $took s, with status 0"
}

it_starts_at_boot
operators_may
it_finds_something
bad_settings_are_kept_out
a_wedged_loop_is_killed
credentials_are_read
sockets_are_passed
drop_ins_work
a_longer_stop_is_granted
it_stops
echo "all $(grep -c '^fact:' /story.log) facts hold"
