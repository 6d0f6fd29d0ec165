/*
 * One mail handed over: the dialogue with the server, from its greeting to QUIT.
 *
 *	greeting -> EHLO -> (STARTTLS -> TLS -> EHLO) -> (AUTH) -> MAIL -> RCPT... -> DATA -> QUIT
 *
 * Nothing but QUIT follows a verdict.  A server that takes only so many people at once is told of
 * the others in a further transaction; who has the mail is remembered, and is not mailed again.
 */
#ifndef ALERTS_EMAIL_TALK_H
#define ALERTS_EMAIL_TALK_H

#include "alerts/email_conf.h"
#include "io/smtp_reply.h"
#include "io/stream.h"
#include "io/timer.h"

enum email_step {
	EMAIL_GREETING,
	EMAIL_EHLO,
	EMAIL_STARTTLS,
	EMAIL_HANDSHAKE,
	EMAIL_AUTH,          /* PLAIN, or LOGIN without a word yet */
	EMAIL_AUTH_USER,     /* LOGIN: the user was said */
	EMAIL_AUTH_PASSWORD, /* LOGIN: the password was said */
	EMAIL_MAIL,
	EMAIL_RCPT,
	EMAIL_DATA,
	EMAIL_DOT, /* the whole mail is out: who has it now? */
	EMAIL_QUIT,
	EMAIL_STEPS
};

enum email_fate {
	EMAIL_WAITS,
	EMAIL_TAKEN_BY_SERVER, /* RCPT was fine in this transaction */
	EMAIL_CROWDED_OUT,     /* too many people: once more in the next transaction */
	EMAIL_HAS_IT,
	EMAIL_LATER,
	EMAIL_NEVER,
};

struct email_person {
	enum email_fate fate;
	char said[160]; /* why not */
};

struct email_verdict {
	enum send_result result; /* SEND_NONE: none yet */
	enum send_class why;
	char text[256];
};

struct email_run {
	struct stream *stream;
	struct timer timer;
	enum email_step step;
	bool is_secure;
	bool is_over; /* send_done was called */
	bool has_pipelining, has_utf8;
	long long size_max; /* 0: not said */
	char auth[128];
	struct email_person people[EMAIL_TO_MAX];
	size_t asked;   /* whose RCPT is answered next */
	json_t *memory; /* of the thread and of who has this mail */
	struct email_verdict verdict;
};

void email_talk_start(struct send_run *run);
void email_talk_stop(struct send_run *run);

/* ---- email_login.c ---- */

#define EMAIL_LOGIN_MAX (2 * 512 + 3) /* NUL user NUL password NUL */

size_t email_login_plain(const struct email_conf *conf, char out[EMAIL_LOGIN_MAX]);
/* A server that did not understand may show what we said, and there is the password. */
bool email_login_is_repeated(const struct email_conf *conf, const char *text);
bool email_login_is_offered(const char *offered, const char *wanted); /* "PLAIN LOGIN", "LOGIN" */

/* ---- email_judge.c: what a refusal at this step means ---- */

struct email_meaning {
	enum send_result result;
	enum send_class why;
};
struct email_meaning email_judge(enum email_step step, const struct smtp_reply *reply);

/* ---- email_people.c: who has it, who will get it, who never ---- */

/* From what was remembered: who has this mail already.  Before the dialogue. */
void email_people_recall(struct send_run *run);
/* The next one who waits, from `at` on; people_count when there is none. */
size_t email_people_next(const struct send_run *run, size_t at);
/* The answer to the RCPT of state->asked. */
void email_people_judge(struct send_run *run, const struct smtp_reply *reply);
size_t email_people_count(const struct send_run *run, enum email_fate fate);
/* The server has the mail: so have those whom it took in this transaction.  Whom it had no room
 * for waits again. */
void email_people_served(struct send_run *run);
/* What all this comes to. */
void email_people_conclude(struct send_run *run, struct email_verdict *verdict);

/* ---- email.c ---- */

/* The bytes of the mail, bounded by what the server takes; false: it takes none of that size. */
bool email_write(struct send_run *run, struct buf *out);

#endif
