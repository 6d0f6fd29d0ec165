/* One table of what the kernel says when something goes wrong, and what each such line tells. */
#include "probes/facts/kernel_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MESSAGE_MAX 1024

struct line {
	const char *text; /* the whole message */
	const char *at;   /* where the row's words begin */
	usec_t age_us;
};

static void
take_word(char *out, size_t size, const char *from, const char *ends)
{
	size_t len = strcspn(from, ends);
	char word[128];

	if (len >= sizeof(word))
		len = sizeof(word) - 1;
	memcpy(word, from, len);
	word[len] = '\0';
	str_copy(out, size, word);
}

/* The value of "key=value," */
static void
take_value(char *out, size_t size, const char *text, const char *key)
{
	const char *at = strstr(text, key);

	if (at != NULL)
		take_word(out, size, at + strlen(key), ", \n");
}

/* --- memory --- */

/* oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=python,pid=12,uid=0 */
static void
on_oom_summary(struct kernel_news *news, const struct line *line)
{
	char pid[24] = "";

	news->oom = true;
	news->oom_age_us = line->age_us;
	news->oom_scope =
		strstr(line->at, "CONSTRAINT_MEMCG") != NULL ? KERNEL_OOM_CGROUP : KERNEL_OOM_HOST;
	news->oom_cgroup[0] = '\0';
	take_value(news->oom_cgroup, sizeof(news->oom_cgroup), line->at, "task_memcg=");
	take_value(news->oom_cgroup, sizeof(news->oom_cgroup), line->at, "oom_memcg=");
	take_value(news->oom_victim, sizeof(news->oom_victim), line->at, ",task=");
	take_value(pid, sizeof(pid), line->at, ",pid=");
	news->oom_pid = strtol(pid, NULL, 10);
	news->oom_rss_bytes = NAN;
}

/*
 * "Memory cgroup out of memory: Killed process 12 (python) total-vm:9kB, anon-rss:8kB, ...", or
 * "Out of memory: Killed ...".  A name may hold any byte: it ends at the last bracket before the
 * sizes.
 */
static void
on_killed(struct kernel_news *news, const struct line *line)
{
	const char *name = strchr(line->at, '('), *sizes = strstr(line->at, " total-vm:");
	const char *rss = strstr(line->at, "anon-rss:"), *end;
	long pid = strtol(line->at + strlen("Killed process "), NULL, 10);

	if (name == NULL)
		return;
	if (!news->oom || pid != news->oom_pid) {
		news->oom_cgroup[0] = '\0';
		news->oom_scope = KERNEL_OOM_UNKNOWN;
	}
	end = sizes != NULL ? sizes - 1 : strrchr(name, ')');
	if (end == NULL || end <= name)
		return;
	if (end[0] == ',') /* "(python), UID 0, total-vm:" of newer kernels */
		end = strrchr(name, ')') != NULL ? strrchr(name, ')') : end;
	news->oom = true;
	news->oom_age_us = line->age_us;
	news->oom_pid = pid;
	news->oom_rss_bytes =
		rss != NULL ? strtod(rss + strlen("anon-rss:"), NULL) * 1024 : (double)NAN;
	if (strstr(line->text, "Memory cgroup out of memory") != NULL)
		news->oom_scope = KERNEL_OOM_CGROUP;
	else if (news->oom_scope == KERNEL_OOM_UNKNOWN && strstr(line->text, "Out of memory"))
		news->oom_scope = KERNEL_OOM_HOST;
	str_printable(news->oom_victim,
		(size_t)(end - name) < sizeof(news->oom_victim) ? (size_t)(end - name)
								: sizeof(news->oom_victim),
		name + 1, (size_t)(end - name) - 1);
}

/* --- disks --- */

static void
on_io_error(struct kernel_news *news, const struct line *line)
{
	static const char *const before[] = { "dev ", "device ", "XFS (", "EXT4-fs (",
		"F2FS-fs (" };

	news->io_error = true;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const char *at = strstr(line->text, before[i]);

		if (at == NULL)
			continue;
		take_word(
			news->io_device, sizeof(news->io_device), at + strlen(before[i]), " ,:)\n");
		return;
	}
}

static void
on_read_only(struct kernel_news *news, const struct line *line)
{
	on_io_error(news, line);
	news->remounted_read_only = true;
}

/* --- links --- */

/* The word before: "igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down" */
static bool
word_before(char *out, size_t size, const struct line *line)
{
	const char *end = line->at, *from;

	while (end > line->text && strchr(" :", end[-1]) != NULL)
		end--;
	for (from = end; from > line->text && strchr(" :", from[-1]) == NULL; from--)
		;
	if (from == end)
		return false;
	str_printable(out, (size_t)(end - from) + 1 < size ? (size_t)(end - from) + 1 : size, from,
		(size_t)(end - from));
	return true;
}

static void
on_link_down(struct kernel_news *news, const struct line *line)
{
	word_before(news->link_down, sizeof(news->link_down), line);
}

static void
on_bond_down(struct kernel_news *news, const struct line *line)
{
	take_word(news->link_down, sizeof(news->link_down),
		line->at + strlen("link status definitely down for interface "), " ,\n");
}

static void
on_link_up(struct kernel_news *news, const struct line *line)
{
	char name[sizeof(news->link_down)];

	if (word_before(name, sizeof(name), line) && str_eq(name, news->link_down))
		news->link_down[0] = '\0';
}

/* --- the rest --- */

static void
on_time_jump(struct kernel_news *news, const struct line *line)
{
	(void)line;
	news->time_jump = true;
}

/* "nginx[12]: segfault at 0 ip ...", "traps: nginx[12] general protection fault ip:..." */
static void
on_crash(struct kernel_news *news, const struct line *line)
{
	const char *name = line->text;

	if (str_starts(name, "traps: "))
		name += strlen("traps: ");
	take_word(news->segfault, sizeof(news->segfault), name, "[\n");
}

/* The first row whose words are in the line is the one. */
static const struct {
	const char *words;
	void (*take)(struct kernel_news *news, const struct line *line);
} rows[] = {
	{ "oom-kill:constraint=", on_oom_summary },
	{ "Killed process ", on_killed },
	{ "Remounting filesystem read-only", on_read_only },
	{ "remounting filesystem read-only", on_read_only },
	{ "Shutting down filesystem", on_read_only },
	{ "has been shut down", on_read_only },
	{ "forced readonly", on_read_only },
	{ "I/O error", on_io_error },
	{ "EXT4-fs error", on_io_error },
	{ "BTRFS error", on_io_error },
	{ "BTRFS critical", on_io_error },
	{ "Metadata corruption", on_io_error },
	{ "critical medium error", on_io_error },
	{ "NIC Link is Down", on_link_down },
	{ "Link is Down", on_link_down },
	{ "link down", on_link_down },
	{ "link status definitely down for interface ", on_bond_down },
	{ "NIC Link is Up", on_link_up },
	{ "Link is Up", on_link_up },
	{ "link up", on_link_up },
	{ "Marking clocksource", on_time_jump },
	{ "Time jumped", on_time_jump },
	{ "segfault at ", on_crash },
	{ "general protection fault", on_crash },
	{ "trap invalid opcode", on_crash },
};

static void
show(struct kernel_news *news, const struct line *line)
{
	struct kernel_shown *to = &news->shown[news->shown_count++ % KERNEL_SHOWN_MAX];

	to->age_us = line->age_us;
	str_printable(to->text, sizeof(to->text), line->text, strlen(line->text));
}

static void
take_line(struct kernel_news *news, const char *text, usec_t age_us)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(text, rows[i].words);
		const struct line line = { text, at, age_us };

		if (at == NULL)
			continue;
		rows[i].take(news, &line);
		show(news, &line);
		return;
	}
}

/* "6,12,3456,-;words": where the words begin and when they were said; NULL: no record. */
static const char *
split(const char *line, size_t len, usec_t *at_us)
{
	const char *words = memchr(line, ';', len);
	unsigned long long at = 0;
	unsigned commas = 0;

	if (words == NULL)
		return NULL;
	for (const char *c = line; c < words && commas < 3; c++) {
		if (*c == ',')
			commas++;
		else if (commas == 2 && *c >= '0' && *c <= '9' && at < INT64_MAX / 20)
			at = at * 10 + (unsigned long long)(*c - '0');
		else if (commas == 2)
			return NULL;
	}
	if (commas < 3)
		return NULL;
	*at_us = (usec_t)at;
	return words + 1;
}

static size_t
line_length(const char *text, size_t left)
{
	const char *end = memchr(text, '\n', left);

	return end != NULL ? (size_t)(end - text) : left;
}

static usec_t
newest(const char *text, size_t len)
{
	usec_t best = 0, at;

	while (len > 0) {
		size_t line = line_length(text, len);

		if (split(text, line, &at) != NULL && at > best)
			best = at;
		line += line < len;
		text += line;
		len -= line;
	}
	return best;
}

void
kernel_lines_read(struct kernel_news *news, const char *text, size_t len, usec_t now_us)
{
	usec_t at;

	memset(news, 0, sizeof(*news));
	news->oom_rss_bytes = NAN;
	if (now_us <= 0)
		now_us = newest(text, len);
	while (len > 0) {
		size_t line = line_length(text, len), left;
		const char *words = split(text, line, &at);
		char message[MESSAGE_MAX];

		if (words != NULL && now_us - at <= KERNEL_FRESH_US) {
			left = line - (size_t)(words - text);
			if (left >= sizeof(message))
				left = sizeof(message) - 1;
			memcpy(message, words, left);
			message[left] = '\0';
			take_line(news, message, now_us > at ? now_us - at : 0);
		}
		line += line < len;
		text += line;
		len -= line;
	}
}
