/* An import as a configuration for people, and the file with the values that it refers to. */
#include <string.h>

#include "base/str.h"
#include "conf/interpolate.h"
#include "setup/import_inside.h"
#include "setup/init.h"

static void
write_head(const struct import *import, const char *env_file, struct buf *out)
{
	char shown[256];

	str_printable(shown, sizeof(shown), import->file, strlen(import->file));
	buf_addf(out,
		"# Made by `triage import` from %s of %s.\n"
		"# It is yours now: edit it, then `triage check` says whether it is right, and\n"
		"# `triage reload` puts it in force.\n\n",
		shown, import->from);
	if (env_file != NULL && import->fill_count > 0) {
		buf_add_text(out, "# Where passwords, tokens and webhooks are.\nenv_file: ");
		init_scalar(out, env_file);
		buf_add_text(out, "\n\n");
	}
	buf_add_text(out, "# The API, for `triage` and the dashboard: this host only.\n"
			  "api:\n  listen: 127.0.0.1:8421\n\n");
}

static void
write_item(const struct import_item *item, struct buf *out)
{
	init_add_lines(out, "  # ", buf_text(&item->about));
	buf_addf(out, "  %s:\n    type: %s\n", item->name, item->type);
	init_add_lines(out, "    ", buf_text(&item->keys));
	if (buf_left(&item->expect) > 0) {
		buf_add_text(out, "    expect:\n");
		init_add_lines(out, "      ", buf_text(&item->expect));
	}
	if (item->is_off)
		buf_add_text(out, "    enabled: false\n");
}

static void
write_items(const char *key, struct import_item *const *items, size_t count, struct buf *out)
{
	if (count > 0)
		buf_addf(out, "%s:\n", key);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_text(out, "\n");
		write_item(items[i], out);
	}
}

static void
write_route(const struct import_route *route, struct buf *out)
{
	buf_add_text(out, "  - match:\n");
	buf_add_text(out, "      ");
	import_list(out, "check", &route->checks);
	buf_addf(out, "    to: %s\n", route->receiver->name);
	if (route->repeat_us == 0)
		buf_add_text(out, "    repeat_interval: 0\n");
	else {
		buf_add_text(out, "    ");
		import_duration(out, "repeat_interval", route->repeat_us);
	}
	if (!route->sends_resolved)
		buf_add_text(out, "    send_resolved: false\n");
	buf_add_text(out, "    continue: true\n");
}

/* What no route of the other program names goes to the syslog: nothing is told to nobody. */
static void
write_receivers(const struct import *import, struct buf *out)
{
	buf_add_text(out, "\n# Who is told.  `triage test NAME` shows that one works.\n");
	write_items("receivers", import->receivers, import->receiver_count, out);
	buf_addf(out, "%s  log: { type: syslog }\n",
		import->receiver_count > 0 ? "\n" : "receivers:\n");
	if (import->route_count == 0)
		return;
	buf_add_text(out, "\nroutes:\n");
	for (size_t i = 0; i < import->route_count; i++)
		write_route(&import->routes[i], out);
	buf_add_text(out, "  - { to: log }\n");
}

static void
write_notes(const struct import *import, struct buf *out)
{
	if (import->note_count > 0)
		buf_add_text(out, "\n# Not carried over:\n");
	for (size_t i = 0; i < import->note_count; i++)
		buf_addf(out, "# - %s: %s\n", import->notes[i].where, import->notes[i].text);
	if (import->note_total > import->note_count)
		buf_addf(out, "# and %zu more\n", import->note_total - import->note_count);
}

void
import_write(const struct import *import, const char *env_file, struct buf *out)
{
	write_head(import, env_file, out);
	write_items("checks", import->checks, import->check_count, out);
	if (import->check_count == 0)
		buf_add_text(out, "checks: {}\n");
	if (buf_left(&import->rules) > 0) {
		buf_add_text(out, "\n# Conditions that are no part of a check here.\nrules:\n");
		init_add_lines(out, "  ", buf_text(&import->rules));
	}
	if (buf_left(&import->maintenance) > 0) {
		buf_add_text(out, "\nmaintenance:\n");
		init_add_lines(out, "  ", buf_text(&import->maintenance));
	}
	write_receivers(import, out);
	write_notes(import, out);
}

void
import_write_env(const struct import *import, bool is_filled, struct buf *out)
{
	buf_add_text(
		out, "# Values that the configuration refers to.  Keep this file to yourself.\n");
	for (size_t i = 0; i < import->fill_count; i++) {
		const struct import_fill *fill = &import->fills[i];

		buf_addf(out, "# as in %s\n%s=", fill->where, fill->name);
		if (is_filled && fill->value != NULL)
			env_file_quote(fill->value, out);
		buf_add_text(out, "\n");
	}
}
