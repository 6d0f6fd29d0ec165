/*
 * What the facts about Redis share: one short dialogue with the server of the check, under the
 * check's own login, on a connection of its own; where the server turns clients away, on the one
 * that the check keeps.  Replies are hostile until looked at: their types are the asker's to check.
 */
#ifndef PROBES_FACTS_REDIS_VISIT_H
#define PROBES_FACTS_REDIS_VISIT_H

#include <hiredis/hiredis.h>

#include "probes/facts/fact.h"
#include "probes/redis_run.h"

#define REDIS_VISIT_ASKS_MAX 512 /* under way at a time */

struct redis_script {
	void (*ask)(struct fact_run *run); /* logged in: redis_visit_ask what is wanted */
	/* A reply, in the order of the questions; errors too. */
	void (*take)(struct fact_run *run, unsigned which, const struct redisReply *reply);
	/* No reply is outstanding: ask more, or end with redis_visit_had. */
	void (*end)(struct fact_run *run);
	bool needs_db;    /* without the database of the URL there is nothing to see */
	size_t reply_max; /* bytes of one reply; 0: REDIS_REPLY_BYTES_MAX */
};

/* Begins the state of each of these facts. */
struct redis_visit {
	const struct redis_script *script;
	struct fact_run *run;
	struct redis_link *link;
	struct redis_loan loan;
	struct place place;
	bool is_lent, is_over, is_in; /* is_in: logged in, the script has asked */
	unsigned logins;              /* replies of the login that are outstanding */
	unsigned short asks[REDIS_VISIT_ASKS_MAX];
	unsigned asks_at, asks_end;
};

void redis_visit_start(struct fact_run *run, const struct redis_script *script);
void redis_visit_stop(struct fact_run *run);
void redis_visit_ask(struct fact_run *run, unsigned which, const char *const *words, size_t count);
#define REDIS_VISIT_ASK(run, which, ...)                                                           \
	redis_visit_ask(run, which, (const char *const[]){ __VA_ARGS__ },                          \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

void redis_visit_had(struct fact_run *run);
/* The error of a command without which there is no fact: ends it, naming the right that is
 * missing. */
void redis_visit_refused(struct fact_run *run, const char *command, const struct redisReply *reply);
/* The same of a command that only some keys need: a line. */
void redis_visit_note(struct fact_run *run, const char *command, const struct redisReply *reply);

const struct redis_conf *redis_visit_conf(const struct fact_run *run);
const char *redis_visit_user(const struct fact_run *run); /* as an ACL calls it */
/* The value of CONFIG GET with one name; NULL: none. */
const char *redis_visit_value(const struct redisReply *reply);

#endif
