#!/bin/sh
# `make deb`: deb.sh VERSION BUILD leaves BUILD/deb/triaged_VERSION-1_ARCH.deb and lets lintian look at
# it.  It is built in a tree of its own: from the tarball that `make dist` has just made, or, where
# there is no git, from this tree, which is an unpacked one.  Nothing is fetched.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
umask 022
version=$1
mkdir -p "$2"
build=$(cd "$2" && pwd)
name=triaged-$version
out=$build/deb
# What was said to the make above is not meant for the one below.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL B SAN || true

if [ -e .git ] && ! git diff --quiet HEAD; then
	echo "deb.sh: the package is made of the last commit, without what is not committed" >&2
fi
rm -rf "$out"
mkdir -p "$out/work"
if [ -e .git ]; then
	tar -xzf "$build/$name.tar.gz" -C "$out/work"
else
	mkdir "$out/work/$name"
	tar -c --exclude='./build*' --exclude=node_modules . | tar -x -C "$out/work/$name"
fi
cd "$out/work/$name"
cp -r contrib/debian debian

when=$(cat contrib/commit-time)
maintainer=$(sed -n 's/^Maintainer: //p' debian/control)
cat >debian/changelog <<-END
	triaged ($version-1) unstable; urgency=medium

	  * What is new is said in docs/CHANGELOG.md, here changelog.gz.

	 -- $maintainer  $(date -u -R -d "@$when")
END
if ! dpkg-buildpackage -b -uc -us -j"$(nproc)" >"$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "deb.sh: the package could not be built: $out/build.log" >&2
	exit 1
fi
cd "$out"
mv work/triaged_*.deb .
lintian --allow-root --tag-display-limit 0 --fail-on error triaged_*.deb
rm -rf work
for package in triaged_*.deb; do
	echo "$out/$package: $(wc -c <"$package") bytes"
done
