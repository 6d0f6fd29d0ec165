/*
 * Gates: what must hold of the latest sample of `this` before a condition can be true.  While all
 * gates of a condition are closed it is false or unknown, and need not be evaluated.
 */
#ifndef RULES_EXPR_GATE_H
#define RULES_EXPR_GATE_H

#include <stdint.h>

#include "rules/expr.h"

#define EXPR_GATES_MAX 4
#define EXPR_GATE_BITS 64

enum expr_gate_kind {
	GATE_OPEN,    /* always: it has to be evaluated */
	GATE_VALUE,   /* the value compares so */
	GATE_KNOWN,   /* there is a value */
	GATE_WINDOW,  /* a window of the metric may hold something */
	GATE_DOWN,    /* the check is down */
	GATE_ERROR,   /* the latest run could not tell */
	GATE_FAILING, /* so many failures in a row */
};

struct expr_gate {
	unsigned char kind, op;
	uint16_t place; /* the caller's: whose gate it is */
	int index;      /* of the metric */
	double number;
};

struct expr_gates {
	struct expr_gate all[EXPR_GATES_MAX];
	unsigned count; /* at least 1 */
};

void expr_gates(const struct expr *expr, struct expr_gates *out);

/* A metric's bit in `seen`, the metrics of which windows may hold something; some share one. */
static inline uint64_t
expr_gate_bit(int metric)
{
	return UINT64_C(1) << ((unsigned)metric % EXPR_GATE_BITS);
}

/* The first open one from `from` on; `count`: all are closed. */
size_t expr_gate_next(const struct expr_gate *gates, size_t count, size_t from,
	const struct sample *sample, uint64_t seen);

#endif
