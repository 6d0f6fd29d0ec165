#!/bin/sh
# The image, as those run it who build it: image_ship.sh BUILD builds contrib/compose/Containerfile
# with podman on a Debian from root.sh, and runs it read-only and without rights; then a Redis
# beside it, in one of the example projects.  What is asked of it is in image_inside.sh.
#
# Everything is in a mount name space of its own, with podman's folders in a temporary one; the
# project's networks, with their links and rules, are in a network of their own.  Where podman
# cannot run, the image's files are made without it and tried in name spaces made by hand.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
[ "$(id -u)" = 0 ] || { echo "only root can try an image"; exit 77; }
unshare -mpf true 2>/dev/null || { echo "no name spaces of one's own here"; exit 77; }

if [ "${IMAGE_SHIP:-}" != inside ]; then
	work=$(mktemp -d "${TMPDIR:-/tmp}/image.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	code=0
	IMAGE_SHIP=inside IMAGE_WORK=$work unshare -m --propagation private \
		sh "$here/image_ship.sh" "$build" || code=$?
	exit "$code"
fi

work=$IMAGE_WORK
# What podman keeps outside of the folders that it is given.
for folder in /var/lib/cni /etc/cni /run/containers /run/libpod /run/netns /dev/shm; do
	mkdir -p "$folder"
	mount -t tmpfs none "$folder"
done
# This machine's control groups may be of the old kind, which podman takes for none.
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || true
cat >"$work/podman" <<END
#!/bin/sh
exec /usr/bin/podman --cgroup-manager cgroupfs --storage-driver overlay --root "$work/store" \\
	--runroot "$work/run" --tmpdir "$work/tmp" --network-config-dir "$work/networks" "\$@"
END
chmod 755 "$work/podman"
PATH=$work:$PATH

# The tree as it is, and the dashboard that was bundled for it: no npm in the image's build.
make_context() {
	mkdir "$work/context"
	(cd "$top" && git ls-files -z | tar --null -T - -c) | tar -C "$work/context" -x
	cp -r "$build/ui/bundle" "$work/context/daemon/api/ui/bundle"
}

make_image() {
	code=0
	"$here/root.sh" "$work/root" || code=$?
	[ "$code" = 0 ] || exit "$code"
	tar -C "$work/root" -c . | podman import - docker.io/library/debian:12-slim
	rm -rf "$work/root"
	make_context
	# --format docker: the other one has no HEALTHCHECK.
	podman build --format docker --pull=never --isolation chroot --network host \
		-f contrib/compose/Containerfile -t triaged:latest "$work/context"
}

can_run() {
	[ -x /usr/bin/podman ] && podman info >"$work/info" 2>&1
}

if can_run; then
	make_image
	sh "$here/image_inside.sh" "$work" podman "$top"
else
	echo "podman cannot be used here: $(tail -n 1 "$work/info" 2>/dev/null)"
	sh "$top/contrib/compose/image_root.sh" "$build" "$work/image"
	sh "$here/image_inside.sh" "$work" chroot "$top"
fi
