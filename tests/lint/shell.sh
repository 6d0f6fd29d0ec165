#!/bin/sh
# `make lint`: shellcheck finds nothing in any script, whatever its name ends in.
set -eu
cd "$(dirname "$0")/../.."
scripts=$(git ls-files -co --exclude-standard | while read -r file; do
	[ -f "$file" ] || continue
	case "$file" in
	*.sh) echo "$file" ;;
	*.c | *.h | *.py | *.md | *.yaml | *.png | */corpus/*) ;;
	*) if head -c 64 "$file" | head -n 1 | tr -d '\000' | grep -qE '^#!.*[/ ](ba|da)?sh( |$)'; then echo "$file"; fi ;;
	esac
done)
# shellcheck disable=SC2086
shellcheck $scripts
echo "shellcheck: $(echo "$scripts" | wc -l) scripts, clean"
