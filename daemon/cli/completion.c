/* What the three shells share. */
#include "cli/completion.h"

#include <stddef.h>

#include "base/str.h"

const char *
completion_kind(enum cli_takes takes)
{
	static const char *const kinds[] = {
		[TAKES_TYPE] = "type",
		[TAKES_VERB] = "verb",
		[TAKES_SHELL] = "shell",
		[TAKES_CHECK] = "check",
		[TAKES_TARGET] = "check",
		[TAKES_RECEIVER] = "receiver",
		[TAKES_INCIDENT] = "incident",
		[TAKES_SILENCE] = "silence",
		[TAKES_RULE] = "rule",
		[TAKES_CODE] = "code",
	};

	return takes < sizeof(kinds) / sizeof(kinds[0]) ? kinds[takes] : NULL;
}

void
completion_add_kind(struct buf *out, enum cli_takes takes, const char *words)
{
	const char *kind = completion_kind(takes);

	if (takes == TAKES_WORDS) {
		buf_add_text(out, "words:");
		for (; *words != '\0'; words++)
			buf_add(out, *words == '|' ? " " : words, 1);
	} else if (takes == TAKES_TARGET) {
		buf_add_text(out, "target");
	} else if (takes == TAKES_FILE || takes == TAKES_FOLDER) {
		buf_add_text(out, takes == TAKES_FILE ? "file" : "folder");
	} else if (kind != NULL) {
		buf_add_text(out, kind);
	}
}

void
completion_quote(struct buf *out, const char *text, const char *apostrophe)
{
	buf_add_text(out, "'");
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_add_text(out, apostrophe);
		else
			buf_add(out, text, 1);
	}
	buf_add_text(out, "'");
}

int
completion_write(const char *shell, struct buf *out)
{
	static const struct {
		const char *name;
		void (*write)(struct buf *out);
	} shells[] = {
		{ "bash", completion_bash },
		{ "zsh", completion_zsh },
		{ "fish", completion_fish },
	};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (!str_eq(shells[i].name, shell))
			continue;
		shells[i].write(out);
		return 0;
	}
	return -1;
}
