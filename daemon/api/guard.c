/*
 * Wrong tokens by address.  The first few are a slip of the pen and cost nothing; after them each
 * doubles the wait, up to a minute: a thousand guesses a day, of which a token of 16 bytes has
 * nothing to fear.  Who waits is not even asked for the token, so that a right guess among many
 * does not help.  The unix socket is never concerned.
 */
#include "api/guard.h"

#include <netinet/in.h>
#include <string.h>

#define FREE_TRIES 5
#define WAIT_MAX_S 60
#define FORGET_US  (10 * USEC_PER_MIN) /* after the last wrong one */

static void
net_of(const struct addr *from, unsigned char net[8])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&from->any;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&from->any;

	memset(net, 0, 8);
	if (from->len == 0)
		return;
	if (from->sa.sa_family == AF_INET)
		memcpy(net, &four->sin_addr, sizeof(four->sin_addr));
	else if (from->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		memcpy(net, six->sin6_addr.s6_addr + 12, 4);
	else if (from->sa.sa_family == AF_INET6)
		memcpy(net, &six->sin6_addr, 8);
}

static bool
is_current(const struct guard_place *place, usec_t now_us)
{
	return place->wrong > 0 && now_us - place->last_us < FORGET_US;
}

static const struct guard_place *
find(const struct guard *guard, const struct addr *from)
{
	unsigned char net[8];

	net_of(from, net);
	for (size_t i = 0; i < GUARD_PLACES; i++)
		if (guard->places[i].wrong > 0 && memcmp(guard->places[i].net, net, 8) == 0)
			return &guard->places[i];
	return NULL;
}

unsigned
guard_wait_s(const struct guard *guard, const struct addr *from, usec_t now_us)
{
	const struct guard_place *place = find(guard, from);

	if (place == NULL || !is_current(place, now_us) || place->until_us <= now_us)
		return 0;
	return (unsigned)((place->until_us - now_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

/* The one that was there, or the one that was heard of least lately. */
static struct guard_place *
place_for(struct guard *guard, const struct addr *from, usec_t now_us)
{
	const struct guard_place *known = find(guard, from);
	struct guard_place *place = &guard->places[0];

	if (known != NULL)
		return &guard->places[known - guard->places];
	for (size_t i = 0; i < GUARD_PLACES; i++) {
		struct guard_place *it = &guard->places[i];

		if (!is_current(it, now_us)) {
			place = it;
			break;
		}
		if (it->last_us < place->last_us)
			place = it;
	}
	*place = (struct guard_place){ .wrong = 0 };
	net_of(from, place->net);
	return place;
}

void
guard_note_wrong(struct guard *guard, const struct addr *from, usec_t now_us)
{
	struct guard_place *place = place_for(guard, from, now_us);
	usec_t wait_s = 1;

	if (!is_current(place, now_us))
		place->wrong = 0;
	place->wrong++;
	place->last_us = now_us;
	for (unsigned n = FREE_TRIES; n < place->wrong && wait_s < WAIT_MAX_S; n++)
		wait_s *= 2;
	if (wait_s > WAIT_MAX_S)
		wait_s = WAIT_MAX_S;
	place->until_us = place->wrong >= FREE_TRIES ? now_us + wait_s * USEC_PER_SEC : 0;
}

void
guard_note_right(struct guard *guard, const struct addr *from)
{
	const struct guard_place *known = find(guard, from);

	if (known != NULL)
		guard->places[known - guard->places].wrong = 0;
}
