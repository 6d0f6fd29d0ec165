/* Texts that facts read (listings of filters, routes, last lines of logs): whatever the bytes, the
 * findings stay bounded. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/facts/fact_proc.h"
#include "probes/facts/filter_rules.h"
#include "probes/facts/log_class.h"
#include "probes/facts/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
play_lines(char *text)
{
	const char *lines[20];
	size_t count = 0, which = 0;

	while (text != NULL && count < 20)
		lines[count++] = strsep(&text, "\n");
	if (log_class_find(lines, count, &which)[0] != '\0')
		assert(which < count);
}

/* Of a cgroup's path and of /etc/passwd. */
static void
name_owner(const char *text, size_t size)
{
	char unit[FACT_UNIT_MAX], container[FACT_CONTAINER_MAX], user[FACT_USER_MAX];

	fact_proc_unit(text, unit);
	fact_proc_container(text, container);
	fact_proc_user(text, size, 33, user);
	assert(strlen(unit) < sizeof(unit) && strlen(container) < sizeof(container));
	assert(user[0] != '\0' && strlen(user) < sizeof(user));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct filter_finding finding;
	struct route route;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	filter_rules_find_nft(&finding, text, 6379, false);
	assert(strlen(finding.rule) < sizeof(finding.rule));
	filter_rules_find_iptables(&finding, text, 9005, false);
	assert(strlen(finding.rule) < sizeof(finding.rule));
	routes_find_default(&route, text, text);
	assert(strlen(route.gateway) < sizeof(route.gateway));
	routes_find_neighbour(text, "192.168.1.1");
	name_owner(text, size);
	play_lines(text);
	free(text);
	return 0;
}
