/*
 * Completion for bash.  Live names are compared line by line and quoted by printf %q: a name is
 * whatever a configuration and a host make it, and must never be expanded.
 */
#include "cli/completion.h"
#include "cli/option.h"

static const char head[] =
	"# Completion of triage for bash, made by `triage completion bash`.\n"
	"\n"
	"# Lines of stdin that begin with what is typed, quoted or not.\n"
	"_triage_offer()\n"
	"{\n"
	"\tlocal word quoted\n"
	"\twhile IFS= read -r word; do\n"
	"\t\tprintf -v quoted %q \"$word\"\n"
	"\t\t[[ $word == \"$cur\"* || $quoted == \"$cur\"* ]] && COMPREPLY+=(\"$quoted\")\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_triage_files()\n"
	"{\n"
	"\tlocal file\n"
	"\tcompopt -o filenames\n"
	"\twhile IFS= read -r file; do\n"
	"\t\tCOMPREPLY+=(\"$file\")\n"
	"\tdone < <(compgen \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_triage_kind()\n"
	"{\n"
	"\tlocal words\n"
	"\tcase $1 in\n"
	"\t'') ;;\n"
	"\twords:*)\n"
	"\t\tread -r -a words <<< \"${1#words:}\"\n"
	"\t\t_triage_offer < <(printf '%s\\n' \"${words[@]}\") ;;\n"
	"\tfile) _triage_files -f ;;\n"
	"\tfolder) _triage_files -d ;;\n"
	"\ttarget)\n"
	"\t\t_triage_kind check\n"
	"\t\t_triage_files -f ;;\n"
	"\t*) _triage_offer < <(\"$program\" \"${where[@]}\" __complete \"$1\" 2> /dev/null |\n"
	"\t\tcut -f 1) ;;\n"
	"\tesac\n"
	"}\n";

static const char tail[] =
	"\n"
	"_triage()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal program=${COMP_WORDS[0]} verb= kind= i next\n"
	"\tlocal -a where=()\n"
	"\tCOMPREPLY=()\n"
	"\t# --state=op comes as three words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tnext=$((i + 1))\n"
	"\t\t[[ ${COMP_WORDS[next]} == = ]] && ((next++))\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--url|-u|--config|-c|--token-file|-t)\n"
	"\t\t\twhere+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[next]}\")\n"
	"\t\t\ti=$next ;;\n"
	"\t\t-*) _triage_valued \"${COMP_WORDS[i]}\" && i=$next ;;\n"
	"\t\t*) verb=${verb:-${COMP_WORDS[i]}} ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [[ $prev == -* ]] && _triage_valued \"$prev\"; then\n"
	"\t\t_triage_kind \"$(_triage_value \"$verb\" \"$prev\")\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_triage_kind \"words:$(_triage_options \"$verb\")\"\n"
	"\telif [[ -z $verb ]]; then\n"
	"\t\t_triage_kind verb\n"
	"\telse\n"
	"\t\t_triage_kind \"$(_triage_argument \"$verb\")\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _triage triage\n";

/* "ack:--for|ack:-f"; `verb` "": "--for|-f" */
static void
add_pattern(struct buf *out, const char *verb, const struct cli_option *row)
{
	const char *colon = *verb == '\0' ? "" : ":";

	buf_addf(out, "%s%s--%s", verb, colon, row->name);
	if (row->letter != 0)
		buf_addf(out, "|%s%s-%c", verb, colon, row->letter);
}

/* Which options are followed by a value: of any verb, because the verb may come later. */
static void
add_valued(struct buf *out, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (rows->takes == TAKES_NOTHING)
			continue;
		buf_add_text(out, "\t");
		add_pattern(out, "", rows);
		buf_add_text(out, ") return 0 ;;\n");
	}
}

static void
add_values(struct buf *out, const char *verb, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (rows->takes == TAKES_NOTHING)
			continue;
		buf_add_text(out, "\t");
		add_pattern(out, verb, rows);
		buf_add_text(out, ") echo '");
		completion_add_kind(out, rows->takes, rows->words);
		buf_add_text(out, "' ;;\n");
	}
}

static void
add_names(struct buf *out, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		buf_addf(out, " --%s", rows->name);
}

static void
add_function(struct buf *out, const char *name, const char *subject)
{
	buf_addf(out, "\n%s()\n{\n\tcase %s in\n", name, subject);
}

static void
end_function(struct buf *out, const char *rest)
{
	buf_addf(out, "\tesac\n%s}\n", rest);
}

void
completion_bash(struct buf *out)
{
	buf_add_text(out, head);
	add_function(out, "_triage_valued", "$1");
	add_valued(out, option_common);
	for (size_t i = 0; verb_table[i] != NULL; i++)
		add_valued(out, verb_table[i]->options);
	end_function(out, "\treturn 1\n");
	add_function(out, "_triage_value", "$1:$2");
	add_values(out, "*", option_common);
	for (size_t i = 0; verb_table[i] != NULL; i++)
		add_values(out, verb_table[i]->name, verb_table[i]->options);
	end_function(out, "");
	add_function(out, "_triage_options", "$1");
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		if (verb_table[i]->options == NULL)
			continue;
		buf_addf(out, "\t%s) printf '%%s ' '", verb_table[i]->name);
		add_names(out, verb_table[i]->options);
		buf_add_text(out, "' ;;\n");
	}
	buf_add_text(out, "\tesac\n\techo '");
	add_names(out, option_common);
	buf_add_text(out, "'\n}\n");
	add_function(out, "_triage_argument", "$1");
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		buf_addf(out, "\t%s) echo '", verb_table[i]->name);
		completion_add_kind(out, verb_table[i]->takes, "");
		buf_add_text(out, "' ;;\n");
	}
	buf_add_text(out, "\thelp) echo verb ;;\n");
	end_function(out, "");
	buf_add_text(out, tail);
}
