/* The rows of a `file` check's settings, and what must hold between them. */
#include "probes/file_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define ROW struct file_conf

static const char *const kinds[] = { "any", "file", "folder", "socket", "symlink", "fifo", "device",
	NULL };
static const char *const formats[] = { "yaml", "json", NULL };

const struct conf_field file_fields[] = {
	{ .name = "path",
		PATH_AT(ROW, path),
		.flags = CONF_REQUIRED,
		.doc = "The file, folder or socket; below `daemon.host_root`.",
		.example = "/etc/app/config.yaml" },
	{ .name = "exists",
		BOOL_AT(ROW, is_wanted),
		.dflt = "true",
		.doc = "`false`: it must not be there (a crash dump, a maintenance switch)." },
	{ .name = "kind",
		ENUM_AT(ROW, kind, kinds),
		.dflt = "any",
		.doc = "What it must be. Symbolic links are followed for all but `symlink`." },
	{ .name = "owner",
		STRING_AT(ROW, owner),
		.doc = "User that must own it, a name or a number.",
		.example = "www-data" },
	{ .name = "owner_group",
		STRING_AT(ROW, group),
		.doc = "Group that must own it, a name or a number." },
	{ .name = "mode",
		STRING_AT(ROW, mode),
		.doc = "Permissions it must have, in octal.",
		.example = "\"0640\"" },
	{ .name = "writable_by",
		STRING_AT(ROW, writable_by),
		.doc = "User (a name or a number) that must be able to write it, each folder above "
		       "included. Run as root the daemon tries it with that user's rights, access "
		       "lists and security modules included; else the permission bits decide.",
		.example = "www-data" },
	{ .name = "max_age",
		DURATION_AT(ROW, max_age_us),
		.dflt = "0",
		.doc = "Longest time since it was last written; in a folder since the newest file "
		       "was. 0: no limit.",
		.example = "26h" },
	{ .name = "min_size",
		SIZE_AT(ROW, min_size),
		.dflt = "0B",
		.doc = "Least size; of the newest file when it is a folder.",
		.example = "1MB" },
	{ .name = "max_size",
		SIZE_AT(ROW, max_size),
		.dflt = "0B",
		.doc = "Largest size; 0B: no limit." },
	{ .name = "files",
		STRING_AT(ROW, files),
		.doc = "In a folder: which files count, a glob on their names. Default: all but "
		       "hidden ones, and none in folders below.",
		.example = "\"newapi-*.tar.gz\"" },
	{ .name = "min_files",
		INT_AT(ROW, min_files),
		.dflt = "0",
		.min = "0",
		.doc = "In a folder: how many of them there must be." },
	{ .name = "format",
		ENUM_AT(ROW, format, formats),
		.doc = "Must be well-formed `yaml` or `json`; what is wrong is said with its line "
		       "and "
		       "column." },
	{ .name = "content",
		REGEX_AT(ROW, content),
		.doc = "Regular expression (POSIX extended, line by line) that must appear." },
	{ .name = "not_content",
		REGEX_AT(ROW, not_content),
		.doc = "One that must not appear.",
		.example = "your_password" },
	{ .name = "max_read",
		SIZE_AT(ROW, max_read),
		.dflt = "1MB",
		.min = "1B",
		.max = "16MB",
		.flags = CONF_ADVANCED,
		.doc = "As much of it is looked at for `content`. With `format` a larger file "
		       "cannot "
		       "be judged." },
	{ .name = "checksum",
		BOOL_AT(ROW, has_checksum),
		.dflt = "false",
		.doc = "Computes its SHA-256 (up to 256 MB); `changed` tells when it differs from "
		       "the run before, also over restarts." },
	{ .name = "sha256",
		STRING_AT(ROW, sha256),
		.doc = "The SHA-256 it must have, 64 hexadecimal digits." },
	{ .type = CONF_END },
};

static bool
is_octal(const char *text, unsigned *bits)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	*bits = (unsigned)value & 07777U;
	return end != text && *end == '\0' && value <= 07777 && strlen(text) >= 3;
}

static bool
is_sha256(const char *text)
{
	return strlen(text) == 64 && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool
is_of_content(const struct file_conf *conf)
{
	return conf->format >= 0 || conf->content != NULL || conf->not_content != NULL ||
	       conf->has_checksum || conf->sha256 != NULL;
}

void
file_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct file_conf *conf = conf_;
	struct conf_pos pos;

	(void)setup;
	if (conf->mode != NULL && !is_octal(conf->mode, &conf->mode_bits)) {
		pos = conf_pos_of(map, "mode");
		complain(complaints, &pos, "mode: \"%s\" is not octal, such as \"0644\"",
			conf->mode);
	}
	if (conf->sha256 != NULL && !is_sha256(conf->sha256)) {
		pos = conf_pos_of(map, "sha256");
		complain(complaints, &pos, "sha256: 64 hexadecimal digits are wanted");
	}
	if (conf->max_size > 0 && conf->min_size > conf->max_size) {
		pos = conf_pos_of(map, "min_size");
		complain(complaints, &pos, "`min_size` is larger than `max_size`");
	}
	if (conf->files != NULL && strchr(conf->files, '/') != NULL) {
		pos = conf_pos_of(map, "files");
		complain(complaints, &pos, "files: names only; the folder belongs into `path`");
	}
	if (is_of_content(conf) && conf->kind != FILE_ANY && conf->kind != FILE_PLAIN) {
		pos = conf_pos_of(map, "kind");
		complain(complaints, &pos, "content is looked at in files only");
	}
}
