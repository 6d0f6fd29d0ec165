/*
 * Facts asked about a check while it is in trouble, and those had.  Owns the copies; they go with
 * the trouble.  A fact that does not come is waited for no longer than LATE_US.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

#define LATE_US   (30 * USEC_PER_SEC)
#define ASKED_MAX 32
#define RETRY_US  (10 * USEC_PER_SEC)
#define TRIES_MAX 3
#define AGAIN_MAX                                                                                  \
	4 /* a check whose cause changes with every run is not measured with every run             \
	   */

static struct asked *
find(const struct node *node, const char *name)
{
	for (size_t n = 0; n < node->asked_count; n++)
		if (str_eq(node->asked[n].name, name))
			return &node->asked[n];
	return NULL;
}

static void
add(struct triage *t, struct node *node, const char *name, usec_t since_us)
{
	const struct triage_asks *asks = &t->options.asks;
	if (!asks->fact || !node->spec || node->asked_count >= ASKED_MAX || find(node, name))
		return;
	if (asks->fact(t->options.arg, node->name, name, since_us) < 0)
		return;
	node->asked = xreallocarray(node->asked, node->asked_count + 1, sizeof(*node->asked));
	node->asked[node->asked_count++] =
		(struct asked){ .name = xstrdup(name), .asked_us = t->at.now_us };
}

void
asked_add(struct triage *t, struct node *node, const char *name)
{
	add(t, node, name, 0);
}

void
asked_want(struct triage *t, struct node *node, const struct symptom *symptom)
{
	const struct playbook *playbook =
		t->playbooks ? playbooks_find(t->playbooks, symptom) : NULL;
	const char *name;
	for (size_t n = 0; playbook && (name = playbook_fact(playbook, n)); n++)
		asked_add(t, node, name);
}

/* Other trouble of the check is told with the old answer until the new one is there. */
static void
ask_anew(struct triage *t, struct node *node, struct asked *asked, usec_t since_us)
{
	const struct triage_asks *asks = &t->options.asks;
	if (asked->asked_us >= since_us || !asks->fact ||
		asks->fact(t->options.arg, node->name, asked->name, since_us) < 0)
		return;
	asked->asked_us = t->at.now_us;
	asked->is_old = true;
}

void
asked_want_new(struct triage *t, struct node *node, const struct symptom *symptom, usec_t since_us)
{
	const struct playbook *playbook =
		t->playbooks ? playbooks_find(t->playbooks, symptom) : NULL;
	const char *name;
	for (size_t n = 0; playbook && (name = playbook_fact(playbook, n)); n++) {
		struct asked *asked = find(node, name);
		if (asked)
			ask_anew(t, node, asked, since_us);
		else
			add(t, node, name, since_us);
	}
}

/* The trouble has another cause than when it was asked: what was seen then may not be so now.  Of
 * one that nobody was told of yet the old answer is no evidence; else it stands until the new one.
 */
static void
ask_again(struct triage *t, struct node *node, struct asked *asked)
{
	const struct triage_asks *asks = &t->options.asks;
	if (!asks->fact || asked->asked_us == t->at.now_us || asked->again >= AGAIN_MAX ||
		asks->fact(t->options.arg, node->name, asked->name, 0) < 0)
		return;
	asked->again++;
	asked->asked_us = t->at.now_us;
	if (root_is_confirmed(node) || !asked->is_had)
		return;
	fact_fini(&asked->fact);
	asked->is_had = false;
	node->facts_version++;
}

void
asked_renew(struct triage *t, struct node *node)
{
	for (size_t n = 0; n < node->asked_count; n++)
		ask_again(t, node, &node->asked[n]);
}

/* A host in trouble is slow, and what it did not say in time it may say a little later: as an
 * update, for nobody waits for it. */
void
asked_retry(struct triage *t, struct node *node)
{
	const struct triage_asks *asks = &t->options.asks;
	for (size_t n = 0; asks->fact && n < node->asked_count; n++) {
		struct asked *asked = &node->asked[n];
		if (!asked->is_had || asked->fact.end != FACT_MISSED || asked->tries >= TRIES_MAX ||
			t->at.now_us - asked->asked_us < RETRY_US)
			continue;
		asked->asked_us = t->at.now_us;
		/* Refused, where many ask at once: that was no try. */
		if (asks->fact(t->options.arg, node->name, asked->name, 0) >= 0)
			asked->tries++;
	}
}

static bool
is_pending(const struct asked *asked, usec_t now_us)
{
	return (!asked->is_had || asked->is_old) && now_us - asked->asked_us < LATE_US;
}

bool
asked_is_pending(const struct node *node, usec_t now_us)
{
	for (size_t n = 0; n < node->asked_count; n++)
		if (is_pending(&node->asked[n], now_us))
			return true;
	return false;
}

void
asked_list_pending(const struct node *node, usec_t now_us, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (size_t n = 0; n < node->asked_count; n++) {
		if (!is_pending(&node->asked[n], now_us) || len + 2 >= size)
			continue;
		int more = snprintf(
			out + len, size - len, "%s%s", len ? ", " : "", node->asked[n].name);
		len += more > 0 ? (size_t)more : 0;
	}
}

bool
asked_take(struct node *node, const struct fact *fact)
{
	struct asked *asked = find(node, fact->name);
	if (!asked)
		return false;
	if (asked->is_had)
		fact_fini(&asked->fact);
	fact_copy(&asked->fact, fact);
	asked->is_had = true;
	asked->is_old = false;
	node->facts_version++;
	return true;
}

void
asked_drop(struct node *node)
{
	for (size_t n = 0; n < node->asked_count; n++) {
		if (node->asked[n].is_had)
			fact_fini(&node->asked[n].fact);
		free(node->asked[n].name);
	}
	if (node->asked_count)
		node->facts_version++;
	node->asked_count = 0;
}
