/* What a probe type may report.  The rows are the catalogue that rules, /metrics and docs share. */
#ifndef MODEL_METRIC_H
#define MODEL_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_FLAG,
	METRIC_MOMENT, /* a gauge that the history on disk does not keep: a status code, a phase */
};

/* Units are the rule language's: it checks that like meets like. */
enum metric_unit {
	UNIT_NONE,    /* a plain count */
	UNIT_SECONDS, /* duration */
	UNIT_BYTES,
	UNIT_PERCENT, /* 0..100 */
	UNIT_BYTES_PER_SECOND,
	UNIT_PER_SECOND,
	UNIT_TEXT, /* rules only */
	UNIT_BOOL, /* rules only */
};

struct metric_desc {
	const char *name; /* "total_time"; NULL closes a table */
	enum metric_kind kind;
	enum metric_unit unit;
	const char *help;
};

uint32_t metric_count(const struct metric_desc *metrics);
int metric_index(const struct metric_desc *metrics, const char *name); /* -1: no such metric */
/*
 * A table that lives as long as the process, equal to `rows`, texts and all; the same pointer for
 * the same content.  For rows that settings or a plugin name.  May be called from any thread.
 */
const struct metric_desc *metric_intern(const struct metric_desc *rows);
bool metric_is_interned(const struct metric_desc *rows);
const char *unit_symbol(enum metric_unit unit); /* "s", "B", "%", "B/s", "/s", "" */
/* For people, with the unit: "1.2 GiB", "87 %", "250 ms". */
void metric_format(double value, enum metric_unit unit, char *out, size_t size);

/*
 * Rows that every probe speaking to a network has, in this order, at the start of its table, so
 * that their index is the same everywhere.
 */
enum metric_phase {
	PHASE_DNS,
	PHASE_CONNECT,
	PHASE_TLS,
	PHASE_SEND,
	PHASE_FIRST_BYTE,
	PHASE_TRANSFER,
	PHASE_TOTAL,
	PHASE_COUNT
};

#define METRIC_PHASE_ROWS                                                                          \
	{ "dns_time", METRIC_MOMENT, UNIT_SECONDS, "Time to look the name up." },                  \
		{ "connect_time", METRIC_MOMENT, UNIT_SECONDS, "Time to connect." },               \
		{ "tls_time", METRIC_MOMENT, UNIT_SECONDS, "Time of the TLS handshake." },         \
		{ "send_time", METRIC_MOMENT, UNIT_SECONDS, "Time to send the request." },         \
		{ "first_byte_time", METRIC_MOMENT, UNIT_SECONDS,                                  \
			"Time from the request sent to the first byte of the answer." },           \
		{ "transfer_time", METRIC_MOMENT, UNIT_SECONDS,                                    \
			"Time from the first to the last byte of the answer." },                   \
	{                                                                                          \
		"total_time", METRIC_GAUGE, UNIT_SECONDS, "Time of the whole run."                 \
	}

/* Tables that are not a network probe's still begin with total_time as their first row. */
#define METRIC_TOTAL_ROW                                                                           \
	{                                                                                          \
		"total_time", METRIC_GAUGE, UNIT_SECONDS, "Time of the whole run."                 \
	}

#endif
