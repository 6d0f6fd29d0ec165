#!/bin/sh
# A clone on a machine that has git and make and nothing else: clean_ship.sh BUILD.  To an ordinary
# user each target says which packages are missing, and ends; for root `make run` does everything by
# itself until there is a daemon that answers.  With CLEAN_TEST=1 the whole `make test` is run, too,
# which takes as long as it takes.
set -eu
top=$PWD
here=$(dirname "$0")
[ "$(id -u)" = 0 ] || { echo "only root can make a machine of its own"; exit 77; }
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "-$running" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL || true
root=$work/root
code=0
"$here/root.sh" "$root" git make || code=$?
[ "$code" = 0 ] || exit "$code"
git clone -q --bare "$top" "$root/opt/triaged.git"
printf '[safe]\n\tdirectory = *\n' >"$root/etc/gitconfig"
inside() { "$here/in_root.sh" "$root" "$@"; }

# ---- an ordinary user, and no sudo ----

chmod 755 "$root/opt/triaged.git"
as_nobody() { inside setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$@"; }
as_nobody git clone -q /opt/triaged.git /tmp/clone
for target in run test lint demo deb nightly ship all install; do
	if as_nobody timeout 60 make -C /tmp/clone $target >"$work/log" 2>&1; then
		echo "make $target as nobody succeeded, with nothing installed"
		exit 1
	fi
	for word in root gcc libevent-dev libpq-dev pkg-config; do
		grep -q "$word" "$work/log" || {
			cat "$work/log"
			echo "make $target as nobody does not say: $word"
			exit 1
		}
	done
	# What there is to say is short, and no command has failed on the way to it.
	if [ "$(wc -l <"$work/log")" -gt 6 ] || grep -i 'not found\|denied' "$work/log"; then
		cat "$work/log"
		echo "make $target as nobody says more than what is missing"
		exit 1
	fi
done
echo "nobody: each target says what is missing"

# ---- root: everything by itself ----

# How this machine gets to npm's registry, the root does.
registry=$(cd / && npm config get registry 2>/dev/null) || registry=
ca=
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
	cp "$NODE_EXTRA_CA_CERTS" "$root/opt/ca.pem"
	ca=/opt/ca.pem
fi
inside git clone -q /opt/triaged.git /root/clone
# Somebody here may have the port of the shipped settings; another one is no other way to run it.
sed -i 's/127\.0\.0\.1:8421/127.0.0.1:0/' "$root/root/clone/etc/triaged.yaml"
# A session of its own, so that it can be stopped as Ctrl-C would: all of it.
setsid "$here/in_root.sh" "$root" env npm_config_registry="$registry" \
	NODE_EXTRA_CA_CERTS="$ca" make -C /root/clone run >"$work/log" 2>&1 &
running=$!
tries=0
until grep -q '^stop ' "$work/log"; do
	tries=$((tries + 1))
	if ! kill -0 "$running" 2>/dev/null || [ "$tries" -gt 900 ]; then
		tail -n 40 "$work/log"
		echo "make run did not get there"
		exit 1
	fi
	sleep 1
done
cat "$work/log"
inside env RUNTIME_DIRECTORY=/root/clone/build/run /root/clone/build/triage health
inside /root/clone/build/triage -u /root/clone/build/run/api.sock status
ask() { curl -s --unix-socket "$root/root/clone/build/run/api.sock" http://localhost/; }
ask | grep -q '/assets/app-' || echo "without a dashboard: see above"
kill -TERM "-$running"
wait "$running" || true
running=
! ask || {
	echo "make run has left a daemon behind"
	exit 1
}
echo "root: make run did everything by itself, answered, and left nothing"

if [ "${CLEAN_TEST:-}" = 1 ]; then
	inside env npm_config_registry="$registry" NODE_EXTRA_CA_CERTS="$ca" make -C /root/clone test || exit 1
	echo "a clone, git, make and root: make run and make test work"
else
	echo "a clone, git and make: make run works, and says to nobody what is missing"
fi
