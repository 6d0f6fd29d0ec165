/*
 * Mails and syslog lines of a stored notice, whatever it holds: no header and no frame that is not
 * ours, lines within the bounds of the protocols, dots stuffed.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/mime.h"
#include "alerts/syslog_line.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/notice.h"

#define LINE_MAX_BYTES 998 /* RFC 5322 2.1.1 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One header, however long: each line but the first begins with a blank. */
static void
check_header(const struct buf *out)
{
	const char *at = buf_text(out), *end = at + buf_left(out);
	bool is_first = true;

	while (at < end) {
		const char *line_end = strstr(at, "\r\n");

		assert(line_end != NULL && (size_t)(line_end - at) <= LINE_MAX_BYTES);
		assert(is_first || *at == ' ' || *at == '\t');
		for (; at < line_end; at++)
			assert(*at != '\r' && *at != '\n' && (unsigned char)*at < 0x80);
		at += 2;
		is_first = false;
	}
}

static void
write_headers(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	mime_add_header(&out, "Subject", text);
	check_header(&out);
	buf_reset(&out);
	mime_add_token(&out, "X-Id", text);
	buf_reset(&out);
	mime_add_mailbox(&out, text, "a@shop.test");
	assert(memchr(buf_text(&out), '\n', buf_left(&out)) == NULL ||
		strstr(buf_text(&out), "\n ") != NULL);
	buf_fini(&out);
}

/* Between two lines no dot stands alone. */
static void
write_part(const char *text)
{
	struct buf part, out;

	buf_init(&part, 0);
	buf_init(&out, 0);
	mime_add_part(&part, "text/plain; charset=utf-8", text);
	mime_add_stuffed(&out, buf_text(&part), buf_left(&part));
	assert(strstr(buf_text(&out), "\r\n.\r\n") == NULL);
	buf_fini(&part);
	buf_fini(&out);
}

static void
write_line(const struct notice *notice, bool is_network)
{
	const struct syslog_form form = {
		.is_network = is_network, .facility = 3, .host = "web-1", .max = 2048
	};
	struct buf out;
	char *text = syslog_text(notice);

	assert(str_is_utf8(text, strlen(text)));
	for (const char *p = text; *p != '\0'; p++)
		assert((unsigned char)*p >= ' ');
	free(text);
	buf_init(&out, 0);
	syslog_line(&out, &form, notice);
	assert(buf_left(&out) <= form.max);
	for (size_t i = 0; i < buf_left(&out); i++)
		assert((unsigned char)buf_text(&out)[i] >= ' ' || i < 3);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct notice notice;
	json_t *doc;
	char *text;

	if (size > 8192)
		return 0;
	text = xstrndup((const char *)data, size);
	write_headers(text);
	write_part(text);
	free(text);
	doc = json_loadb((const char *)data, size, 0, NULL);
	if (notice_restore(&notice, doc, &e) == 0) {
		write_line(&notice, false);
		write_line(&notice, true);
		notice_fini(&notice);
	}
	json_decref(doc);
	return 0;
}
