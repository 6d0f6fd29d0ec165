/* A user's playbook, whatever it holds: it is refused with a reason, or it can be judged. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "triage/playbook_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(struct playbooks *set)
{
	char name[] = "check";
	const struct check_spec check = { .name = name, .type = "redis" };
	const struct playbook_world world = { .check = &check, .target = "x", .text = "y" };
	const struct playbook *p = playbooks_at(set, 0);
	struct diagnosis diagnosis;
	struct incident incident;

	incident_init(&incident);
	if (playbook_judge(p, &world, &diagnosis)) {
		playbook_write(&diagnosis, &world, LANG_EN, &incident);
		assert(incident.finding != NULL);
	}
	incident_fini(&incident);
	json_decref(playbook_json(p, LANG_ZH));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints *complaints = complaints_new();
	char *text = xstrndup((const char *)data, size < 16384 ? size : 16384);
	const struct playbook_text texts[] = { { "p", text, NULL }, { .name = NULL } };
	const struct playbook_sources sources = { .shipped = texts, .facts = fact_table };
	struct playbooks *set = playbooks_load_from(&sources, complaints);

	if (playbooks_at(set, 0) != NULL) {
		playbook_check(playbooks_at(set, 0), false, complaints);
		if (complaints_errors(complaints) == 0)
			use(set);
	}
	playbooks_free(set);
	complaints_free(complaints);
	free(text);
	return 0;
}
