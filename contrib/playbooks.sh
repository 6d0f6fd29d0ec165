#!/bin/sh
# Prints the C source that holds the given playbooks as texts: see daemon/triage/playbook_inside.h.
# The heads, which every start reads, lie together, so that nothing else is paged in for them.
set -eu
LC_ALL=C
export LC_ALL

# Lines of standard input as a C string.
quote() {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/'
}

echo '#include "triage/playbook_inside.h"'
number=0
for file; do
	number=$((number + 1))
	echo "static const char head_${number}[] ="
	sed '/^causes:/,$d' "$file" | quote
	echo ';'
done
number=0
for file; do
	number=$((number + 1))
	echo "static const char text_${number}[] ="
	quote < "$file"
	echo ';'
done
echo 'const struct playbook_text playbook_shipped[] = {'
number=0
for file; do
	number=$((number + 1))
	echo "{ \"$(basename "$file" .yaml)\", text_$number, head_$number },"
done
echo '{ .name = NULL },'
echo '};'
