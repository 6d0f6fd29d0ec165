#!/bin/sh
# Run by deb_ship.sh inside the fresh Debian: deb_inside.sh unpacked|booted VERSION.  "unpacked" lets
# apt install the package without a running systemd and looks at what lies there; "booted" is its
# life under one.  Ends at the first thing that is not as it should be, with its words.
set -u
part=$1
version=$2
settings=/etc/triaged/triaged.yaml
state=/var/lib/triaged

wrong() {
	[ "$part" = unpacked ] || journalctl -q --no-pager -n 20 -u triaged.service
	echo "WRONG: $*"
	exit 1
}
# is WHAT WANTED GOT
is() { [ "$2" = "$3" ] || wrong "$1 is \"$3\" and not \"$2\""; }
there() { for place; do [ -e "$place" ] || wrong "$place is missing"; done; }
gone() { for place; do [ ! -e "$place" ] || wrong "$place is still there"; done; }
rights() { is "$2" "$1" "$(stat -c '%a %U:%G' "$2")"; }
on() { runuser -u "$1" -- sh -c "cd / && $2"; }
# Ten seconds are enough for a daemon that looks at nothing yet.
eventually() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || wrong "never happened: $*"
		sleep 0.1
	done
}
quietly() { "$@" >/opt/log 2>&1 || { cat /opt/log; wrong "failed: $*"; }; }
says() { grep -q "$1" /opt/log || { cat /opt/log; wrong "nothing was said of: $1"; }; }

look_at_files() {
	there /usr/sbin/triaged /usr/bin/triage /lib/systemd/system/triaged.service \
		/lib/systemd/system/triaged.socket /usr/lib/sysusers.d/triaged.conf \
		/usr/lib/tmpfiles.d/triaged.conf /usr/share/triaged/playbooks/disk-full.yaml \
		/usr/share/triaged/packs/new-api.yaml /usr/share/man/man1/triage.1.gz \
		/usr/share/man/man5/triaged.yaml.5.gz /usr/share/man/man8/triaged.8.gz \
		/usr/share/bash-completion/completions/triage \
		/usr/share/zsh/vendor-completions/_triage \
		/usr/share/fish/vendor_completions.d/triage.fish /usr/share/doc/triaged/README.md \
		/usr/share/doc/triaged/copyright /usr/share/doc/triaged/examples/conf.d \
		/usr/share/doc/triaged/docs/configuration.md
	rights "640 root:triaged" $settings
	rights "750 root:triaged" /etc/triaged/conf.d
	rights "755 root:root" /usr/sbin/triaged
	rights "644 root:root" /lib/systemd/system/triaged.service
	is "what dpkg misses" "" "$(dpkg -V triaged)"
	is "the conffile" $settings "$(dpkg-query -W -f '${Conffiles}' triaged |
		sed -n 's/^ \([^ ]*\) .*/\1/p')"
}

unpacked() {
	quietly apt-get update -qq
	quietly apt-get install -y -qq --no-install-recommends /opt/triaged.deb
	look_at_files
	is "its folder" $state "$(getent passwd triaged | cut -d: -f6)"
	is "its shell" /usr/sbin/nologin "$(getent passwd triaged | cut -d: -f7)"
	is "the service" enabled "$(systemctl is-enabled triaged.service)"
	is "the socket" disabled "$(systemctl is-enabled triaged.socket)"
	is "the program" "triaged ${version%-*}" "$(triaged --version)"
	quietly on triaged "triaged --check -c $settings"
	! on nobody "cat $settings" 2>/dev/null || wrong "everybody may read the settings"
	ldd /usr/sbin/triaged /usr/bin/triage | grep "not found" && wrong "libraries are missing"
	echo "apt installed it"
}

# Root and the group's members steer; everybody else looks, over TCP, and no more.
who_may_what() {
	useradd -m member
	useradd -m stranger
	usermod -aG triaged member
	quietly triage status
	for who in root member; do
		quietly on $who "triage status"
		quietly on $who "triage run self"
	done
	on stranger "triage run self" >/opt/log 2>&1 && wrong "a stranger may steer"
	quietly on stranger "triage -u http://127.0.0.1:8421 status"
	rights "700 triaged:triaged" $state
}

main_pid() { systemctl show -p MainPID --value triaged.service; }
is_running() { systemctl -q is-active triaged.service && triage health; }
# What the daemon keeps; it is the same file as long as nobody purges.
kept() { stat -c %i $state/*.db | head -n 1; }

upgraded() {
	before=$(main_pid)
	file=$(kept)
	echo "# by hand" >>$settings
	quietly dpkg -i "/opt/triaged_$version+1.deb"
	grep -q "by hand" $settings || wrong "an edited file was overwritten"
	eventually is_running
	[ "$(main_pid)" != "$before" ] || wrong "what was upgraded was not started anew"
	is "the state" "$file" "$(kept)"

	quietly dpkg -i --force-confold "/opt/triaged_$version+2.deb"
	grep -q "by hand" $settings || wrong "an edited file was overwritten by new settings"
	there $settings.dpkg-dist
	rm $settings.dpkg-dist
	rights "640 root:triaged" $settings

	sed -i '/by hand/d' $settings
	systemctl stop triaged.service
	quietly dpkg -i --force-downgrade /opt/triaged.deb
	says "going back from $version+2 to $version"
	systemctl start triaged.service
	# Not edited, and new in the package: taken over, with the rights that the old one had.
	quietly dpkg -i --force-confnew "/opt/triaged_$version+2.deb"
	grep -q "new in this version" $settings || wrong "new settings were not taken over"
	rights "640 root:triaged" $settings
	eventually is_running
	echo "upgraded and taken back"
}

# An administrator's word outlives upgrades: what was disabled stays so.
disabled() {
	systemctl -q disable --now triaged.service
	quietly dpkg -i "/opt/triaged_$version+2.deb"
	is "a service that was disabled" disabled "$(systemctl is-enabled triaged.service)"
	is "a service that was stopped" inactive "$(systemctl is-active triaged.service)"
	systemctl -q enable --now triaged.service
	eventually is_running
}

removed() {
	file=$(kept)
	quietly dpkg -r triaged
	gone /usr/sbin/triaged /lib/systemd/system/triaged.service /run/triaged/api.sock
	there $settings $state
	quietly dpkg -i "/opt/triaged_$version+2.deb"
	eventually is_running
	is "the state" "$file" "$(kept)"
	echo "removed, and here again with its settings and state"
}

# What people put there themselves is theirs; all else goes.
purged() {
	echo "# mine" >/etc/triaged/conf.d/mine.yaml
	quietly dpkg -P triaged
	there /etc/triaged/conf.d/mine.yaml
	gone $settings
	rm -r /etc/triaged
	says "removing incidents, silences and history: $state"
	gone $state /run/triaged /usr/share/triaged /usr/share/doc/triaged \
		/etc/systemd/system/multi-user.target.wants/triaged.service \
		/var/lib/systemd/deb-systemd-helper-enabled/triaged.service.dsh-also
	is "processes that are left" "" "$(find /proc -maxdepth 1 -user triaged)"
	quietly dpkg -i /opt/triaged.deb
	eventually is_running
	look_at_files
	echo "purged without a trace, and installed anew"
}

booted() {
	is "the service" active "$(systemctl is-active triaged.service)"
	quietly triage health
	who_may_what
	echo "started by itself on its safe settings"
	upgraded
	disabled
	removed
	purged
	! journalctl -q -u triaged.service -p err --no-pager | grep . || wrong "errors were logged"
}

$part
echo "all well: $part"
