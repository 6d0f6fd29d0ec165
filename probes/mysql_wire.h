/*
 * MySQL's client/server protocol as bytes: packets taken apart and put together, bounded, with no
 * socket and no memory of its own.  Everything that is read here was sent by a stranger.
 */
#ifndef PROBES_MYSQL_WIRE_H
#define PROBES_MYSQL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MYSQL_PACKET_MAX   ((size_t)128 * 1024) /* nothing that we ask for needs more */
#define MYSQL_HEADER_SIZE  4
#define MYSQL_SCRAMBLE_MAX 64 /* 20 of what is known */
#define MYSQL_NAME_MAX     64
#define MYSQL_ERROR_MAX    240

/* Capabilities, as far as we know what to do with them. */
enum mysql_capability {
	MYSQL_LONG_PASSWORD = 1 << 0,
	MYSQL_LONG_FLAG = 1 << 2,
	MYSQL_WITH_DB = 1 << 3,
	MYSQL_PROTOCOL_41 = 1 << 9,
	MYSQL_TLS = 1 << 11,
	MYSQL_TRANSACTIONS = 1 << 13,
	MYSQL_SECURE_CONNECTION = 1 << 15,
	MYSQL_PLUGIN_AUTH = 1 << 19,
	MYSQL_ATTRIBUTES = 1 << 20,
};

enum mysql_command { MYSQL_COM_QUIT = 1, MYSQL_COM_QUERY = 3, MYSQL_COM_PING = 14 };

/* First bytes of packets that are not rows. */
enum mysql_mark {
	MYSQL_MARK_OK = 0x00,
	MYSQL_MARK_MORE = 0x01, /* while logging in: data for the plugin */
	MYSQL_MARK_FILE = 0xfb, /* LOCAL INFILE: never */
	MYSQL_MARK_EOF = 0xfe,  /* while logging in: another plugin */
	MYSQL_MARK_ERROR = 0xff,
};

struct mysql_packet {
	const unsigned char *data;
	size_t len;
	unsigned sequence;
	size_t total; /* with its header: what to drain */
};

/* 1: a whole packet; 0: more bytes are needed; -1: no packet is this long. */
int mysql_packet_read(const void *data, size_t have, struct mysql_packet *packet);

struct mysql_greeting {
	char version[MYSQL_NAME_MAX]; /* as sent, made printable */
	bool is_mariadb;
	unsigned number; /* 101119 for 10.11.19, 80400 for 8.4.0 */
	uint32_t capabilities;
	uint32_t thread;
	unsigned char scramble[MYSQL_SCRAMBLE_MAX];
	size_t scramble_len;
	char plugin[MYSQL_NAME_MAX];
};

/* -1: it is none of protocol 10. */
int mysql_greeting_read(struct mysql_greeting *g, const void *data, size_t len);

struct mysql_error {
	unsigned number; /* 0: none */
	char state[6];
	char text[MYSQL_ERROR_MAX];
};
int mysql_error_read(struct mysql_error *error, const void *data, size_t len);

/* "Use that plugin instead": name and new scramble. */
struct mysql_switch {
	char plugin[MYSQL_NAME_MAX];
	unsigned char scramble[MYSQL_SCRAMBLE_MAX];
	size_t scramble_len;
};
int mysql_switch_read(struct mysql_switch *to, const void *data, size_t len);

/* A length-coded number at *at; -1: cut, or NULL's mark where none may be.  *is_null may be NULL.
 */
int mysql_number_read(
	const unsigned char **at, const unsigned char *end, uint64_t *value, bool *is_null);
/* A length-coded text, borrowed; *text is NULL where SQL's NULL stands. */
int mysql_text_read(
	const unsigned char **at, const unsigned char *end, const char **text, size_t *len);
/* The column's name in a definition packet, borrowed. */
int mysql_column_read(const void *data, size_t len, const char **name, size_t *name_len);

/* --- what we send --- */

struct mysql_login {
	uint32_t capabilities;
	const char *user, *database, *plugin;
	const unsigned char *proof; /* the plugin's answer to the scramble */
	size_t proof_len;           /* at most 255 */
};

/* Each appends one packet. */
void mysql_put_tls_request(struct buf *out, uint32_t capabilities, unsigned sequence);
void mysql_put_login(struct buf *out, const struct mysql_login *login, unsigned sequence);
void mysql_put_bytes(struct buf *out, const void *data, size_t len, unsigned sequence);
void mysql_put_command(struct buf *out, enum mysql_command command, const char *text);

#endif
