/*
 * Names to addresses: who is asked, what is remembered, who waits.
 *
 * An entry is a name that was asked for: what is known of it (until it expires, and stale for an
 * hour more), the flight that asks anew (both families at once), and the calls that wait for it.
 * A flight ends when both families have answered, 50 ms after the first good answer, or when
 * patience ends; c-ares' own idea of time plays no part in it.
 */
#include "io/resolve.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/dns_channel.h"
#include "io/hosts.h"
#include "io/timer.h"

#define HOSTS_PATH      "/etc/hosts"
#define NAME_SIZE       256
#define ENTRIES_MAX     16384
#define EVICT_MAX       64
#define TTL_MIN_S       5
#define TTL_MAX_S       300
#define TTL_FAILED_S    5
#define STALE_US        USEC_PER_HOUR
#define OTHER_FAMILY_US (50 * USEC_PER_MSEC)
#define STALE_AFTER_US  (400 * USEC_PER_MSEC) /* of silence, when something stale is at hand */

enum family_index { V6, V4, FAMILIES };

struct resolver {
	struct loop *loop;
	struct resolve_options options;
	char *servers;
	struct hosts *hosts;
	struct dns_channel *channel; /* NULL until the first question */
	struct map *entries;
	struct list ready; /* calls whose answer was at hand */
};

struct entry;

/* A question outlives its entry's interest in it: c-ares cannot take one back. */
struct asked {
	struct entry *entry; /* NULL: nobody wants to know */
	enum family_index family;
};

struct flight {
	struct asked *asked[FAMILIES]; /* NULL: answered */
	bool is_done[FAMILIES];
	struct dns_reply reply[FAMILIES];
};

struct entry {
	struct resolver *resolver;
	struct flight *flight; /* stays for late replies until the next one */
	bool is_waiting;       /* the flight has not been judged yet */
	bool is_known, is_stale;
	struct dns_reply known[FAMILIES];
	usec_t expires_us, good_until_us;
	struct timer timer;
	struct list calls;
	char name[];
};

struct resolve_call {
	struct list node; /* in its entry, or among the ready ones */
	resolve_fn fn;
	void *arg;
	struct timer timer;
	struct resolve_answer *ready; /* NULL: waits for its entry */
};

/* --- answers --- */

static void
add_addrs(struct resolve_answer *answer, const struct dns_reply *reply, int family)
{
	for (unsigned i = 0; i < reply->count && answer->count < RESOLVE_MAX; i++) {
		struct addr *addr = &answer->addrs[answer->count++];

		memset(addr, 0, sizeof(struct sockaddr_in6) + offsetof(struct addr, any));
		addr->sa.sa_family = (sa_family_t)family;
		if (family == AF_INET6) {
			struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&addr->any;

			addr->len = sizeof(*v6);
			memcpy(&v6->sin6_addr, reply->raw[i], 16);
		} else {
			struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&addr->any;

			addr->len = sizeof(*v4);
			memcpy(&v4->sin_addr, reply->raw[i], 4);
		}
	}
}

static bool
has_fault(const struct dns_reply reply[FAMILIES], enum fault fault)
{
	return reply[V6].fault == fault || reply[V4].fault == fault;
}

static enum fault
verdict(const struct dns_reply reply[FAMILIES])
{
	if (has_fault(reply, FAULT_DNS_NXDOMAIN))
		return FAULT_DNS_NXDOMAIN;
	if (has_fault(reply, FAULT_FD_LIMIT)) /* ours: nothing is known of the name */
		return FAULT_FD_LIMIT;
	if (reply[V6].fault != FAULT_NONE || reply[V4].fault != FAULT_NONE)
		return FAULT_DNS_FAIL;
	return FAULT_DNS_NXDOMAIN; /* the name is there, an address is not */
}

static unsigned
ttl_of(const struct dns_reply reply[FAMILIES])
{
	unsigned ttl = TTL_MAX_S;

	for (int f = 0; f < FAMILIES; f++) {
		if (reply[f].count > 0 && reply[f].ttl_s < ttl)
			ttl = reply[f].ttl_s;
	}
	return ttl < TTL_MIN_S ? TTL_MIN_S : ttl;
}

static void
compose(struct resolve_answer *answer, const struct dns_reply reply[FAMILIES])
{
	answer->count = 0;
	answer->v6 = reply[V6].fault;
	answer->v4 = reply[V4].fault;
	answer->is_stale = false;
	add_addrs(answer, &reply[V6], AF_INET6);
	add_addrs(answer, &reply[V4], AF_INET);
	answer->fault = answer->count > 0 ? FAULT_NONE : verdict(reply);
	answer->ttl_s = answer->count > 0 ? ttl_of(reply) : TTL_FAILED_S;
}

static void
compose_known(struct resolve_answer *answer, const struct entry *entry)
{
	usec_t left_us = entry->expires_us - loop_now(entry->resolver->loop);

	compose(answer, entry->known);
	answer->is_stale = entry->is_stale;
	answer->ttl_s = left_us > 0 ? (unsigned)(left_us / USEC_PER_SEC) : 0;
}

/* --- entries --- */

static void
call_free(struct resolve_call *call)
{
	list_remove(&call->node);
	timer_stop(&call->timer);
	free(call->ready);
	free(call);
}

static void
forget_flight(struct entry *entry)
{
	if (entry->flight == NULL)
		return;
	for (int f = 0; f < FAMILIES; f++) {
		if (entry->flight->asked[f] != NULL)
			entry->flight->asked[f]->entry = NULL;
	}
	free(entry->flight);
	entry->flight = NULL;
}

static void
entry_free(void *arg)
{
	struct entry *entry = arg;

	forget_flight(entry);
	timer_stop(&entry->timer);
	LIST_EACH_SAFE(it, &entry->calls)
	call_free(LIST_ENTRY(it, struct resolve_call, node));
	free(entry);
}

/* Makes room: what has expired goes first; what is waited for stays. */
static void
evict(struct resolver *r, bool also_good)
{
	struct entry *victims[EVICT_MAX];
	usec_t now = loop_now(r->loop);
	unsigned count = 0;
	const char *key;
	void *value;
	size_t at = 0;

	while (count < EVICT_MAX && map_next(r->entries, &at, &key, &value)) {
		struct entry *entry = value;

		if (!entry->is_waiting && (also_good || entry->expires_us <= now))
			victims[count++] = entry;
	}
	for (unsigned i = 0; i < count; i++) {
		map_remove(r->entries, victims[i]->name);
		entry_free(victims[i]);
	}
	if (count == 0 && !also_good)
		evict(r, true);
}

static void on_timer(void *arg);

static struct entry *
entry_get(struct resolver *r, const char *name)
{
	struct entry *entry = map_get(r->entries, name);
	size_t size = strlen(name) + 1;

	if (entry != NULL)
		return entry;
	if (map_count(r->entries) >= ENTRIES_MAX)
		evict(r, false);
	entry = xcalloc(1, sizeof(*entry) + size);
	entry->resolver = r;
	memcpy(entry->name, name, size);
	list_init(&entry->calls);
	timer_init(&entry->timer, r->loop, on_timer, entry);
	map_put(r->entries, name, entry);
	return entry;
}

/* --- a flight --- */

/* What the flight has brought becomes what is known, if it is worth it. */
static void
learn(struct entry *entry, const struct dns_reply reply[FAMILIES])
{
	struct resolve_answer answer;
	usec_t now = loop_now(entry->resolver->loop);
	bool is_silent;

	compose(&answer, reply);
	is_silent = answer.count == 0 &&
		    (has_fault(reply, FAULT_DNS_FAIL) || has_fault(reply, FAULT_FD_LIMIT));
	if (is_silent && entry->is_known && now < entry->good_until_us) {
		entry->is_stale = true;
		entry->expires_us = now + TTL_FAILED_S * USEC_PER_SEC;
		return;
	}
	memcpy(entry->known, reply, sizeof(entry->known));
	entry->is_known = true;
	entry->is_stale = false;
	entry->expires_us = now + (usec_t)answer.ttl_s * USEC_PER_SEC;
	entry->good_until_us = answer.count > 0 ? entry->expires_us + STALE_US : 0;
}

static void
deliver(struct entry *entry)
{
	struct resolve_answer answer;
	struct list calls;

	compose_known(&answer, entry);
	list_init(&calls);
	while (!list_is_empty(&entry->calls)) {
		struct list *node = entry->calls.next;

		list_remove(node);
		list_append(&calls, node);
	}
	/* From here on the entry may go; calls may be cancelled by those before them. */
	while (!list_is_empty(&calls)) {
		struct resolve_call *call = LIST_ENTRY(calls.next, struct resolve_call, node);

		list_remove(&call->node);
		call->fn(call->arg, &answer);
		call_free(call);
	}
}

static bool
is_complete(const struct flight *flight)
{
	return flight->is_done[V6] && flight->is_done[V4];
}

/* Time to judge: both have answered, or one has and the other is slow, or patience is over. */
static void
on_timer(void *arg)
{
	struct entry *entry = arg;
	struct flight *flight = entry->flight;
	unsigned count;

	entry->is_waiting = false;
	if (flight != NULL) {
		count = flight->reply[V6].count + flight->reply[V4].count;
		for (int f = 0; f < FAMILIES; f++) {
			if (!flight->is_done[f] && count == 0)
				flight->reply[f].fault = FAULT_DNS_FAIL;
		}
		learn(entry, flight->reply);
		if (is_complete(flight))
			forget_flight(entry);
	}
	deliver(entry);
}

static void
on_reply(void *arg, const struct dns_reply *reply)
{
	struct asked *asked = arg;
	struct entry *entry = asked->entry;
	enum family_index f = asked->family;
	struct flight *flight;

	free(asked);
	if (entry == NULL)
		return;
	flight = entry->flight;
	flight->asked[f] = NULL;
	flight->is_done[f] = true;
	flight->reply[f] = *reply;
	if (!entry->is_waiting) { /* late: better known next time */
		if (reply->count > 0)
			learn(entry, flight->reply);
		if (is_complete(flight))
			forget_flight(entry);
	} else if (is_complete(flight)) {
		timer_after(&entry->timer, 0);
	} else if (reply->count > 0) {
		timer_after(&entry->timer, OTHER_FAMILY_US);
	}
}

static void
take_off(struct entry *entry)
{
	struct resolver *r = entry->resolver;
	struct flight *flight;
	bool has_stale;

	if (r->channel == NULL)
		r->channel = dns_channel_new(r->loop, &r->options);
	has_stale = entry->is_known && loop_now(r->loop) < entry->good_until_us;
	forget_flight(entry);
	flight = entry->flight = xcalloc(1, sizeof(*flight));
	entry->is_waiting = true;
	timer_after(&entry->timer, has_stale ? STALE_AFTER_US : dns_patience(r->channel));
	for (int f = 0; f < FAMILIES; f++) {
		struct asked *asked = xcalloc(1, sizeof(*asked));

		asked->entry = entry;
		asked->family = (enum family_index)f;
		flight->asked[f] = asked;
	}
	dns_ask(r->channel, entry->name, AF_INET6, on_reply, flight->asked[V6]);
	dns_ask(r->channel, entry->name, AF_INET, on_reply, flight->asked[V4]);
}

/* --- asking --- */

/* The name in lower case; false: it is too long to be one. */
static bool
normalise(const char *host, char name[NAME_SIZE])
{
	size_t len = strlen(host);

	if (len == 0 || len >= NAME_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++)
		name[i] = (char)tolower((unsigned char)host[i]);
	return true;
}

static bool
find_in_hosts(struct resolver *r, const char *name, struct resolve_answer *answer)
{
	struct dns_reply reply[FAMILIES];
	char bare[NAME_SIZE];
	size_t len = strlen(name);

	memcpy(bare, name, len + 1);
	if (bare[len - 1] == '.')
		bare[len - 1] = '\0';
	if (!hosts_find(r->hosts, loop_now(r->loop), bare, &reply[V6], &reply[V4]))
		return false;
	compose(answer, reply);
	answer->ttl_s = TTL_MIN_S;
	return true;
}

static bool
find_numeric(const char *host, struct resolve_answer *answer)
{
	if (addr_from_numeric(&answer->addrs[0], host, 0) == -1)
		return false;
	answer->count = 1;
	answer->v4 = answer->v6 = answer->fault = FAULT_NONE;
	answer->is_stale = false;
	answer->ttl_s = TTL_MAX_S;
	return true;
}

bool
resolve_now(struct resolver *r, const char *host, struct resolve_answer *answer)
{
	const struct entry *entry;
	char name[NAME_SIZE];

	if (find_numeric(host, answer))
		return true;
	if (!normalise(host, name)) {
		static const struct dns_reply none[FAMILIES] = { { .fault = FAULT_DNS_NXDOMAIN },
			{ .fault = FAULT_DNS_NXDOMAIN } };

		compose(answer, none);
		return true;
	}
	if (find_in_hosts(r, name, answer))
		return true;
	entry = map_get(r->entries, name);
	if (entry == NULL || !entry->is_known || loop_now(r->loop) >= entry->expires_us)
		return false;
	compose_known(answer, entry);
	return true;
}

static void
on_ready(void *arg)
{
	struct resolve_call *call = arg;

	list_remove(&call->node);
	call->fn(call->arg, call->ready);
	call_free(call);
}

struct resolve_call *
resolve_start(struct resolver *r, const char *host, resolve_fn fn, void *arg)
{
	struct resolve_call *call = xcalloc(1, sizeof(*call));
	struct resolve_answer answer;
	char name[NAME_SIZE];
	struct entry *entry;

	call->fn = fn;
	call->arg = arg;
	timer_init(&call->timer, r->loop, on_ready, call);
	if (resolve_now(r, host, &answer) || !normalise(host, name)) {
		call->ready = xmalloc(sizeof(answer));
		*call->ready = answer;
		list_append(&r->ready, &call->node);
		timer_after(&call->timer, 0);
		return call;
	}
	entry = entry_get(r, name);
	list_append(&entry->calls, &call->node);
	if (!entry->is_waiting)
		take_off(entry);
	return call;
}

void
resolve_cancel(struct resolve_call *call)
{
	if (call != NULL)
		call_free(call);
}

unsigned
resolver_servers(struct resolver *r, struct addr *out, unsigned max)
{
	if (r->channel == NULL)
		r->channel = dns_channel_new(r->loop, &r->options);
	return dns_channel_servers(r->channel, out, max);
}

struct resolver *
resolver_new(struct loop *loop, const struct resolve_options *options)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	if (options != NULL)
		r->options = *options;
	r->servers = xstrdup(r->options.servers);
	r->options.servers = r->servers;
	r->hosts = hosts_new(r->options.hosts_path != NULL ? r->options.hosts_path : HOSTS_PATH);
	r->options.hosts_path = NULL; /* borrowed only until here */
	r->entries = map_new();
	list_init(&r->ready);
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	map_free(r->entries, entry_free);
	LIST_EACH_SAFE(it, &r->ready)
	call_free(LIST_ENTRY(it, struct resolve_call, node));
	dns_channel_free(r->channel);
	hosts_free(r->hosts);
	free(r->servers);
	free(r);
}
