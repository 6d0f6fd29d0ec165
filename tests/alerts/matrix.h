/*
 * For the tests of the whole receiver table: a row of rows.h in force as in the daemon, tried
 * against a server that answers as the test says, its words searched for secrets.
 */
#ifndef TESTS_ALERTS_MATRIX_H
#define TESTS_ALERTS_MATRIX_H

#include "tests/alerts/net_desk.h"
#include "tests/alerts/rows.h"

#define SECRET_PATH "/services/T000/B000/hidden"
#define TURNS       2000000

static inline const struct conf_field *
field_of(const struct receiver_type *type, const char *name)
{
	for (const struct conf_field *f = type->fields; f->type != CONF_END; f++) {
		if (str_eq(f->name, name))
			return f;
	}
	return NULL;
}

/* As the daemon does: whatever settings hold that is secret is masked in all that is said. */
static inline void
put_in_force(struct desk *desk, const struct row *row, const char *yaml)
{
	const struct receiver_type *type = receiver_find(row->name);
	struct secret_set *secrets = secret_set_new();

	if (desk_configure(desk, type, yaml) != 0)
		fail_msg("%s: cannot be configured: %s", row->name, yaml);
	conf_secrets(type->fields, desk->conf, secrets);
	desk->env.secrets = secrets;
}

static inline void
forget(struct desk *desk)
{
	secret_set_free((struct secret_set *)(uintptr_t)desk->env.secrets);
	desk->env.secrets = NULL;
	desk_forget(desk);
}

static inline void
configure(struct desk *desk, const struct row *row, const char *origin, const char *more)
{
	char *yaml = xasprintf("url: \"%s" SECRET_PATH "\"\n%s%s", origin, row->settings, more);

	put_in_force(desk, row, yaml);
	free(yaml);
}

/* Where it must give up: soon, and sooner than the settings allow, for these are many rows. */
static inline void
configure_quick(struct desk *desk, const struct row *row, const char *origin)
{
	const struct conf_field *timeout = field_of(receiver_find(row->name), "timeout");

	configure(desk, row, origin, timeout == NULL ? "" : "timeout: 1s\n");
	if (timeout != NULL)
		*(usec_t *)(void *)((char *)desk->conf + timeout->offset) = USEC_PER_SEC / 8;
}

static inline void
send_it(struct desk *desk)
{
	json_decref(desk->memory);
	desk->memory = NULL;
	desk_start(desk);
	if (!loop_turn_until(desk->loop, desk_has_verdict, desk, TURNS))
		fail_msg("%s: no verdict", desk->type->name);
	assert_int_equal(desk->verdicts, 1);
}

/* Neither the words nor the transcript have a secret in them.  (Not every path is one.) */
static inline void
keeps_secrets(const struct desk *desk, const struct row *row, const char *what)
{
	const char *const said[] = { desk->text, desk->transcript };
	const struct conf_field *url = field_of(desk->type, "url");
	bool is_path_secret = url != NULL && (url->flags & CONF_MASKED) != 0;

	for (size_t i = 0; i < 2; i++) {
		if ((is_path_secret && strstr(said[i], "B000/hidden") != NULL) ||
			strstr(said[i], "hidden-word") != NULL ||
			(row->secret != NULL && strstr(said[i], row->secret) != NULL))
			fail_msg("%s: %s: a secret is told: %s", row->name, what, said[i]);
	}
}

static inline void
expect(const struct desk *desk, const struct row *row, const char *what, enum send_result result)
{
	if (desk->result != result || desk->text[0] == '\0')
		fail_msg("%s: %s: result %d, wanted %d: \"%s\"", row->name, what, desk->result,
			result, desk->text);
	keeps_secrets(desk, row, what);
}

/* One try against a server that answers so; what was sent is kept in `heard` when wanted. */
static inline void
try_against(struct desk *desk, const struct row *row, int status, const char *headers,
	const char *body, char **heard)
{
	char *reply = xasprintf("HTTP/1.1 %d Words\r\n%sContent-Length: %zu\r\n\r\n%s", status,
		headers, strlen(body), body);
	const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND_BYTES(reply, strlen(reply)), PEER_END };
	const struct peer_step bare[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 204 No Content\r\n\r\n"), PEER_END };
	struct peer *peer = peer_open(desk->loop, status == 204 ? bare : script);
	char *origin = xasprintf("http://%s", peer_address(peer));

	configure(desk, row, origin, "");
	send_it(desk);
	if (heard != NULL)
		*heard = xstrdup(peer_heard(peer, 0));
	forget(desk);
	peer_free(peer);
	free(origin);
	free(reply);
}

#endif
