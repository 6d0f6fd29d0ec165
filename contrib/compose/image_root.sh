#!/bin/sh
# What the image is made of: image_root.sh BUILD OUT fills the folder OUT with the two programs of
# BUILD, stripped, and with nothing else but what they load or read at run time: libraries, the
# bundle of certificate authorities, time zones, names of the user.  No shell, no package manager.
# Run in a Debian that has the packages of contrib/packages/run; the Containerfile's first stage
# does, and tests/ship/image_ship.sh where no container engine can be had.
set -eu
build=$1
out=$2
top=$(cd "$(dirname "$0")/../.." && pwd)
user=10001

# A Debian root: /lib is a link into /usr.
mkdir -p "$out/usr/sbin" "$out/usr/bin" "$out/usr/lib" "$out/usr/lib64" "$out/etc/triaged/conf.d" \
	"$out/usr/share/triaged" "$out/var/lib/triaged" "$out/run" "$out/tmp" "$out/proc" "$out/sys" \
	"$out/dev" "$out/host" "$out/etc/ssl" "$out/usr/lib/ssl" "$out/var/lib/dpkg/status.d"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$out/$name"; done
chmod 1777 "$out/tmp"

strip -o "$out/usr/sbin/triaged" "$build/triaged"
strip -o "$out/usr/bin/triage" "$build/triage"

# Every library that they load, under the name by which it is asked for; and its package, so that
# its licence goes with it and scanners know its version.
packages=""
for library in $(ldd "$build/triaged" "$build/triage" | grep -o '/[^ :]*\.so[^ :]*' | sort -u); do
	file=$(realpath "$library")
	case $library in
	*/ld-linux*) to=/usr$(dirname "$library") ;; # where the programs say that it is
	*) to=$(dirname "$file") ;;
	esac
	mkdir -p "$out$to"
	cp "$file" "$out$to/$(basename "$library")"
	# Debian 12 lists what lies in /usr/lib as it was packed: mostly below /lib.
	packages="$packages $(dpkg -S "$file" "${file#/usr}" 2>/dev/null | sed -n '1s/:.*//p')"
done
for package in $(echo "$packages ca-certificates tzdata" | tr ' ' '\n' | sort -u); do
	[ -n "$package" ] || continue
	mkdir -p "$out/usr/share/doc/$package"
	cp "/usr/share/doc/$package/copyright" "$out/usr/share/doc/$package/"
	dpkg-query -s "$package" >"$out/var/lib/dpkg/status.d/$package"
done
mkdir -p "$out/usr/share/doc/triaged"
cp "$top/LICENSE" "$out/usr/share/doc/triaged/copyright"

# Whom TLS trusts, where OpenSSL looks for it; hours of people in other zones.
cp -r /etc/ssl/certs "$out/etc/ssl/"
cp -r /usr/share/ca-certificates "$out/usr/share/"
cp /etc/ssl/openssl.cnf "$out/etc/ssl/"
ln -s /etc/ssl/certs "$out/usr/lib/ssl/certs"
ln -s /etc/ssl/openssl.cnf "$out/usr/lib/ssl/openssl.cnf"
cp -r /usr/share/zoneinfo "$out/usr/share/"
rm -rf "$out/usr/share/zoneinfo/right" "$out/usr/share/zoneinfo/posix"

# Who we are.  The group's name is what lets its members use the API's socket.
printf 'root:x:0:0:root:/:/none\ntriaged:x:%s:%s:triaged:/var/lib/triaged:/none\n' $user $user \
	>"$out/etc/passwd"
printf 'root:x:0:\ntriaged:x:%s:\n' $user >"$out/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$out/etc/nsswitch.conf"
cp /etc/os-release "$out/etc/os-release"

cp "$top/contrib/compose/triaged.yaml" "$out/etc/triaged/triaged.yaml"
cp -r "$top/etc/playbooks" "$out/usr/share/triaged/"
if [ -d "$top/etc/packs" ]; then cp -r "$top/etc/packs" "$out/usr/share/triaged/"; fi
chown -R 0:0 "$out"
chmod -R u=rwX,go=rX "$out/etc" "$out/usr"
chown $user:$user "$out/var/lib/triaged"
chmod 750 "$out/var/lib/triaged"
