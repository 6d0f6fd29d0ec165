/*
 * What a request takes and what an answer looks like, as data: the OpenAPI document and the manual
 * page are made from these rows, and the tests hold every answer against them.
 */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include <stdbool.h>

enum shape_kind {
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_INTEGER,
	SHAPE_FLAG,
	SHAPE_TIME,     /* RFC 3339, UTC */
	SHAPE_DURATION, /* of a request: "2h" */
	SHAPE_OBJECT,   /* `of` says which */
	SHAPE_MAP,      /* any name -> `of`, or numbers where that is NULL */
	SHAPE_LABELS,   /* any name -> text */
	SHAPE_VALUES,   /* any name -> number, text or flag */
	SHAPE_GLOBS,    /* of a request: one text or a list of them */
	SHAPE_ANY,      /* whatever JSON */
};

/* What else holds of a field; of a list with both, each of its values may be null. */
enum {
	SHAPE_LIST = 1,     /* an array of them */
	SHAPE_NULL = 2,     /* or null */
	SHAPE_OPTIONAL = 4, /* or absent: what is not known is absent, never 0 */
};

struct shape;

struct shape_field {
	const char *name; /* NULL closes the rows */
	enum shape_kind kind;
	unsigned is; /* SHAPE_LIST... */
	const char *doc;
	const struct shape *of;
	const char *const *words; /* of a text: the only ones; closed by NULL */
};

struct shape {
	const char *name; /* "Check": the component's name */
	const char *doc;
	const struct shape *extends; /* has all its fields, too; NULL: none */
	const struct shape_field *fields;
};

/* A query parameter. */
struct api_param {
	const char *name; /* NULL closes the rows */
	enum shape_kind kind;
	bool is_required;
	const char *doc;
	const char *const *words; /* the only ones; closed by NULL; NULL: any */
};

/* An answer that is not the good one, and does not follow from the row. */
struct api_status {
	int status; /* 0 closes the rows */
	const char *doc;
	bool is_answer; /* in the form of the good one; else a Problem */
};

#endif
