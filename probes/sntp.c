/*
 * SNTP packets.  Times are 32 bits of seconds since 1900 and 32 bits of fraction; which era of 136
 * years is meant follows from our own clock.
 */
#include "probes/sntp.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define EPOCH_1900    INT64_C(2208988800) /* seconds from 1900 to 1970 */
#define ERA_S         (INT64_C(1) << 32)
#define FIRST_BYTE    0x23 /* leap 0, version 4, mode 3: client */
#define MODE_SERVER   4
#define LEAP_UNKNOWN  3
#define STRATUM_MAX   15
#define ROOT_MAX_US   (16 * USEC_PER_SEC)
#define AT_STRATUM    1
#define AT_ROOT_DELAY 4
#define AT_ROOT_DISP  8
#define AT_REFID      12
#define AT_ORIGIN     24
#define AT_RECEIVED   32
#define AT_SENT       40

static uint64_t
get(const unsigned char *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

void
sntp_question(unsigned char out[SNTP_SIZE], uint64_t nonce)
{
	memset(out, 0, SNTP_SIZE);
	out[0] = FIRST_BYTE;
	for (int i = 0; i < 8; i++)
		out[AT_SENT + i] = (unsigned char)(nonce >> (56 - 8 * i));
}

/* In the era that puts it nearest to `near_us`. */
static usec_t
time_at(const unsigned char *at, usec_t near_us)
{
	int64_t seconds = (int64_t)get(at, 4) - EPOCH_1900;
	usec_t fraction = (usec_t)((get(at + 4, 4) * (uint64_t)USEC_PER_SEC) >> 32);
	int64_t near_s = near_us / USEC_PER_SEC;

	while (seconds < near_s - ERA_S / 2)
		seconds += ERA_S;
	return seconds * USEC_PER_SEC + fraction;
}

/* 16 bits of seconds, 16 of fraction. */
static usec_t
short_at(const unsigned char *at)
{
	return (usec_t)((get(at, 4) * (uint64_t)USEC_PER_SEC) >> 16);
}

static enum sntp_verdict
read_kiss(struct sntp_answer *answer, const unsigned char *data)
{
	for (int i = 0; i < 4; i++)
		answer->kiss[i] = isgraph(data[AT_REFID + i]) ? (char)data[AT_REFID + i] : '?';
	answer->kiss[4] = '\0';
	return SNTP_KISS;
}

enum sntp_verdict
sntp_parse(struct sntp_answer *answer, const void *data_, size_t len, uint64_t nonce,
	usec_t sent_us, usec_t took_us)
{
	const unsigned char *data = data_;
	unsigned leap, version, mode;
	usec_t received, replied, inside;

	memset(answer, 0, sizeof(*answer));
	if (len < SNTP_SIZE)
		return SNTP_NOT_OURS;
	leap = data[0] >> 6;
	version = data[0] >> 3 & 7;
	mode = data[0] & 7;
	if (mode != MODE_SERVER || version < 1 || version > 4 || get(data + AT_ORIGIN, 8) != nonce)
		return SNTP_NOT_OURS;
	answer->stratum = data[AT_STRATUM];
	if (answer->stratum == 0)
		return read_kiss(answer, data);
	answer->root_distance_us =
		short_at(data + AT_ROOT_DELAY) / 2 + short_at(data + AT_ROOT_DISP);
	if (leap == LEAP_UNKNOWN || answer->stratum > STRATUM_MAX || get(data + AT_SENT, 8) == 0 ||
		answer->root_distance_us >= ROOT_MAX_US)
		return SNTP_UNSYNCHRONISED;
	received = time_at(data + AT_RECEIVED, sent_us);
	replied = time_at(data + AT_SENT, sent_us);
	inside = replied - received;
	/* one tick of slack: servers read their clock twice */
	if (get(data + AT_RECEIVED, 8) == 0 || inside < -USEC_PER_MSEC ||
		inside > took_us + USEC_PER_MSEC)
		return SNTP_NONSENSE;
	answer->delay_us = took_us > inside ? took_us - inside : 0;
	answer->offset_us = (received - sent_us + (replied - (sent_us + took_us))) / 2;
	return SNTP_GOOD;
}
