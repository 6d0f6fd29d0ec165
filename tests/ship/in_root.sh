#!/bin/sh
# Runs a command in a root that root.sh made, with /proc, /sys and /dev and this machine's network,
# its / a mount as on any machine: in_root.sh ROOT COMMAND...  The mounts are in a name space that
# goes with the command; of the environment it gets what is written here, and what follows in front
# of it by env(1).
set -eu
root=$1
shift
cp /etc/resolv.conf "$root/etc/resolv.conf"
# shellcheck disable=SC2016
exec unshare -m --propagation private sh -c 'mount --bind "$0" "$0" &&
	mount -t proc proc "$0/proc" &&
	mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' \
	"$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	DEBIAN_FRONTEND=noninteractive "$@"
