/* Answers of group robots: whatever they say, the verdict is one, its words are short and readable,
 * what a status postpones stays postponed, and only a zero is a success. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "alerts/robot.h"
#include "base/str.h"

#define WAIT_MAX (3600 * USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct robot_code codes[] = {
	{ -1, NULL, SEND_LATER, SEND_CLASS_SERVER, 0, "busy" },
	{ 310000, "sign", SEND_NEVER, SEND_CLASS_AUTH, 0, "signature" },
	{ 310000, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0, "refused" },
	{ 130101, NULL, SEND_LATER, SEND_CLASS_RATE, 60, "too fast" },
};

static const struct robot_dialect dialect = {
	.service = "Fuzz",
	.codes = { "errcode", "code" },
	.texts = { "errmsg", "msg" },
	.rows = codes,
	.count = sizeof(codes) / sizeof(codes[0]),
};

/* What the number says, by a way of its own. */
static bool
is_zero(const struct http_reply *reply)
{
	json_t *answer = post_json(reply);
	const json_t *number = json_object_get(answer, "errcode");
	bool is_so;

	if (number == NULL)
		number = json_object_get(answer, "code");
	is_so = json_is_integer(number) && json_integer_value(number) == 0;
	json_decref(answer);
	return is_so;
}

static void
try_from(const struct http_reply *reply, enum send_result before)
{
	struct post_verdict verdict = { .result = before };

	robot_judge(&dialect, reply, &verdict);
	assert(verdict.result > SEND_NONE && verdict.result <= SEND_DISABLE);
	assert(str_is_utf8(verdict.words, strnlen(verdict.words, sizeof(verdict.words))));
	assert(verdict.retry_after_us >= 0 && verdict.retry_after_us <= WAIT_MAX);
	assert(before != SEND_LATER || verdict.result == SEND_LATER);
	assert(verdict.result != SEND_OK || is_zero(reply));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum send_result befores[] = { SEND_OK, SEND_LATER, SEND_NEVER };
	struct http_reply reply = { .status = 200 };

	buf_init(&reply.body, 0);
	buf_add(&reply.body, data, size);
	for (size_t i = 0; i < sizeof(befores) / sizeof(befores[0]); i++)
		try_from(&reply, befores[i]);
	buf_fini(&reply.body);
	return 0;
}
