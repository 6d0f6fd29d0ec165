#!/bin/sh
# Prints the C source that holds the given playbooks as texts: see daemon/triage/playbook_inside.h.
set -eu
echo '#include "triage/playbook_inside.h"'
echo 'const struct playbook_text playbook_shipped[] = {'
for file; do
	name=$(basename "$file" .yaml)
	printf '{ "%s",\n' "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
	echo '},'
done
echo '{ .name = NULL },'
echo '};'
