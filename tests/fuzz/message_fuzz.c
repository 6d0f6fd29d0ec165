/* Whatever a stored notice holds, its words fit into whatever room there is, and no markup of ours
 * is cut: the form's marks are bytes that no clean text has. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/slack_blocks.h"
#include "base/str.h"

#define OPEN  "\x01"
#define CLOSE "\x02"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
double_up(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_addf(out, "%c%s", text[i], text[i] == '*' ? "*" : "");
}

static void
try_form(const struct message *m, size_t max, enum message_unit unit)
{
	const struct message_form form = {
		.escape = double_up,
		.bold = { OPEN, CLOSE },
		.code = { OPEN, CLOSE },
		.newline = "\n",
		.paragraph = "\n",
		.max = max,
		.unit = unit,
		.has_headline = true,
	};
	char *text = message_render(m, &form);
	int depth = 0, stars = 0;

	assert(message_measure(text, unit) <= max);
	assert(str_is_utf8(text, strlen(text)));
	for (const char *at = text; *at != '\0'; at++) {
		depth += (*at == OPEN[0]) - (*at == CLOSE[0]);
		assert(depth == 0 || depth == 1);
		stars += *at == '*';
	}
	assert(depth == 0 && stars % 2 == 0);
	free(text);
}

static void
try_notice(const struct notice *notice, size_t max)
{
	for (int l = 0; l < LANG_COUNT; l++) {
		struct message *m = message_new(notice, "web-1", (enum language)l);
		json_t *blocks = slack_message(m, "");

		for (int unit = UNIT_BYTES; unit <= UNIT_UTF16; unit++)
			try_form(m, max, (enum message_unit)unit);
		assert(blocks != NULL);
		json_decref(blocks);
		message_free(m);
	}
}

/* Two bytes of room, then a stored notice. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct notice notice;
	json_t *doc;

	if (size < 2)
		return 0;
	doc = json_loadb((const char *)data + 2, size - 2, 0, NULL);
	if (notice_restore(&notice, doc, &e) == 0) {
		try_notice(&notice, 20 + (size_t)(data[0] << 8 | data[1]) % 5000);
		notice_fini(&notice);
	}
	json_decref(doc);
	return 0;
}
