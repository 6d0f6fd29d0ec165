#!/bin/sh
# `make install` and `make uninstall`: install.sh install|uninstall|list BUILD puts what was built and
# what belongs to it below DESTDIR, takes it away again, or says what goes where.  Where things go is
# said by PREFIX, UNITDIR and ZSHDIR.  A configuration that is there is never touched: what it would
# have been lies beside it as triaged.yaml.new.  Uninstalling leaves settings and state.
set -eu
LC_ALL=C
export LC_ALL
umask 022
verb=$1
build=$2
settings=/etc/triaged/triaged.yaml
fragments=/etc/triaged/conf.d
doc=$PREFIX/share/doc/triaged

# They are written into the unit: nothing that systemd, or sed, would read as something else.
for folder in "$PREFIX/" "$UNITDIR" "$ZSHDIR"; do
	case $folder in
	*[[:space:]\&\|\\%\$\"\'\;]* | [!/]* | "")
		echo "install.sh: \"$folder\": an absolute path that a unit can name is needed, without blanks or quotes" >&2
		exit 2
		;;
	esac
done

# Lines of "mode source place" for each file below a folder; names have no spaces.
below() { # FOLDER PLACE [FIND'S CONDITIONS]
	folder=$1
	place=$2
	shift 2
	[ -d "$folder" ] || return 0
	find "$folder" -type f ! -name '.*' "$@" | sort | while read -r file; do
		echo "644 $file $place/${file#"$folder"/}"
	done
}

programs() {
	echo "755 $build/triaged $PREFIX/sbin/triaged"
	echo "755 $build/triage $PREFIX/bin/triage"
	for page in triage.1 triaged.8 triaged.yaml.5; do
		echo "644 $build/man/$page $PREFIX/share/man/man${page##*.}/$page"
	done
	echo "644 $build/completion/bash $PREFIX/share/bash-completion/completions/triage"
	echo "644 $build/completion/zsh $ZSHDIR/_triage"
	echo "644 $build/completion/fish $PREFIX/share/fish/vendor_completions.d/triage.fish"
}

service() {
	for unit in triaged.service triaged.socket; do
		echo "644 contrib/systemd/$unit $UNITDIR/$unit"
	done
	echo "644 contrib/systemd/triaged.sysusers $PREFIX/lib/sysusers.d/triaged.conf"
	echo "644 contrib/systemd/triaged.tmpfiles $PREFIX/lib/tmpfiles.d/triaged.conf"
}

# Of what lies beside the pages (pictures) that which a page names.
documents() {
	for page in README*.md SECURITY.md CONTRIBUTING.md; do
		echo "644 $page $doc/$page"
	done
	echo "644 LICENSE $doc/LICENSE"
	below docs "$doc/docs" -name '*.md'
	pages=$(find README*.md docs -name '*.md')
	# shellcheck disable=SC2086
	below docs "$doc/docs" ! -name '*.md' | while read -r mode file place; do
		! grep -qF "${file#docs/}" $pages || echo "$mode $file $place"
	done
	below etc/conf.d "$doc/examples/conf.d"
	for folder in compose grafana prometheus; do
		below contrib/$folder "$doc/examples/$folder" ! -name '*.sh'
	done
	below contrib/systemd "$doc/examples/systemd" -path '*.service.d/*'
}

places() {
	programs
	service
	below etc/playbooks "$PREFIX/share/triaged/playbooks"
	below etc/packs "$PREFIX/share/triaged/packs"
	documents
}

# Units name the programs where they are put, pages the examples.
put() { # MODE SOURCE PLACE
	install -D -m "$1" "$2" "$DESTDIR$3"
	case $3 in
	*.service | *.socket)
		sed -e "s|/usr/sbin/triaged|$PREFIX/sbin/triaged|g" \
			-e "s|/usr/bin/triage|$PREFIX/bin/triage|g" "$2" >"$DESTDIR$3"
		;;
	*.md) sed 's|(\.\./contrib/|(../examples/|g' "$2" >"$DESTDIR$3" ;;
	esac
}

# It may hold secrets: readable for root and the daemon's group alone.
put_settings() {
	install -d -m 755 "$DESTDIR/etc/triaged"
	[ -d "$DESTDIR$fragments" ] || install -d -m 750 "$DESTDIR$fragments"
	if [ ! -e "$DESTDIR$settings" ]; then
		install -m 640 etc/triaged.yaml "$DESTDIR$settings"
	elif ! cmp -s etc/triaged.yaml "$DESTDIR$settings"; then
		install -m 640 etc/triaged.yaml "$DESTDIR$settings.new"
		echo "$DESTDIR$settings is kept as it is; the new one is $DESTDIR$settings.new"
	fi
}

say_next() {
	[ -z "$DESTDIR" ] || return 0
	echo "installed below $PREFIX; to run it as a service:"
	echo "  systemd-sysusers && chgrp -R triaged /etc/triaged"
	echo "  systemctl daemon-reload && systemctl enable --now triaged"
}

case $verb in
list)
	places | while read -r mode source place; do echo "$place"; done
	echo "$settings"
	;;
install)
	places | while read -r mode source place; do put "$mode" "$source" "$place"; done
	put_settings
	say_next
	;;
uninstall)
	places | while read -r mode source place; do rm -f "$DESTDIR$place"; done
	for folder in "$DESTDIR$doc" "$DESTDIR$PREFIX/share/triaged"; do
		[ ! -d "$folder" ] || find "$folder" -depth -type d -empty -delete
	done
	echo "left in place: $DESTDIR/etc/triaged and /var/lib/triaged"
	;;
*)
	echo "install.sh install|uninstall|list BUILD" >&2
	exit 2
	;;
esac
