#!/bin/sh
# `make lint`: no misspelt word in texts, comments and messages.  words.ok has what codespell takes
# for a mistake and is none; tests misspell on purpose, words.tests has theirs.
set -eu
cd "$(dirname "$0")/../.."
files() {
	git ls-files -co --exclude-standard "$@" ':!*.png' ':!*.svg' ':!*.ico' ':!*package-lock.json' \
		':!tests/lint/words.*' ':!tests/fuzz/corpus' | while read -r file; do [ -f "$file" ] && echo "$file"; done
}
files ':!tests' | xargs codespell -I tests/lint/words.ok
files tests | xargs codespell -I tests/lint/words.ok -I tests/lint/words.tests
echo "codespell: $(files | wc -l) files, clean"
