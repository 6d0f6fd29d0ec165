/* Completion for zsh: _arguments for options, _describe for what the daemon knows. */
#include "cli/completion.h"
#include "cli/option.h"

static const char head[] =
	"#compdef triage\n"
	"# Completion of triage for zsh, made by `triage completion zsh`.\n"
	"\n"
	"_triage_live()\n"
	"{\n"
	"\tlocal -a where names\n"
	"\tlocal i line\n"
	"\tfor ((i = 2; i < $#_triage_words; i++)); do\n"
	"\t\tcase $_triage_words[i] in\n"
	"\t\t--url|-u|--config|-c|--token-file|-t)\n"
	"\t\t\twhere+=($_triage_words[i] ${(Q)~_triage_words[i+1]}) ;;\n"
	"\t\t--url=*|--config=*|--token-file=*) where+=(${(Q)_triage_words[i]}) ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tfor line in ${(f)\"$($_triage_words[1] $where __complete $1 2> /dev/null)\"}; do\n"
	"\t\tnames+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\tdone\n"
	"\t_describe -t ${1}s $1 names\n"
	"}\n"
	"\n"
	"_triage_target()\n"
	"{\n"
	"\t_triage_live check\n"
	"\t_files\n"
	"}\n"
	"\n"
	"_triage()\n"
	"{\n"
	"\tlocal context state state_descr line\n"
	"\tlocal -a common _triage_words=(\"${(@)words}\")\n"
	"\ttypeset -A opt_args\n"
	"\tcommon=(\n";

/* A leading space keeps _arguments from putting options of its own before the words of an action.
 * What it reads as its own signs is escaped, then quoted for the shell. */
static void
add_spec_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buf_add_text(out, "'\\''");
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else
			buf_add(out, text, 1);
	}
}

static void
add_action(struct buf *out, enum cli_takes takes, const char *words)
{
	const char *kind = completion_kind(takes);

	if (takes == TAKES_WORDS) {
		buf_add_text(out, "(");
		for (; *words != '\0'; words++)
			buf_add(out, *words == '|' ? " " : words, 1);
		buf_add_text(out, ")");
	} else if (takes == TAKES_FILE || takes == TAKES_FOLDER) {
		buf_add_text(out, takes == TAKES_FILE ? "_files" : "_files -/");
	} else if (takes == TAKES_TARGET) {
		buf_add_text(out, " _triage_target");
	} else if (kind != NULL) {
		buf_addf(out, " _triage_live %s", kind);
	} else {
		buf_add_text(out, " ");
	}
}

/* '(-f --for)'{-f+,--for=}'[how long]:TIME: ' */
static void
add_options(struct buf *out, const struct cli_option *rows, const char *indent)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		bool takes = rows->takes != TAKES_NOTHING;
		char value[64];

		buf_add_text(out, indent);
		if (rows->letter != 0)
			buf_addf(out, "'(-%c --%s)'{-%c%s,--%s%s}", rows->letter, rows->name,
				rows->letter, takes ? "+" : "", rows->name, takes ? "=" : "");
		else
			buf_addf(out, "--%s%s", rows->name, takes ? "=" : "");
		buf_add_text(out, "'[");
		add_spec_text(out, rows->doc);
		buf_add_text(out, "]");
		if (takes) {
			buf_addf(out, ":%s:", option_value_name(rows, value, sizeof(value)));
			add_action(out, rows->takes, rows->words);
		}
		buf_add_text(out, "'\n");
	}
}

static void
add_verb(struct buf *out, const struct cli_verb *verb)
{
	buf_addf(out, "\t\t%s)\n\t\t\tspecs=(\n", verb->name);
	add_options(out, verb->options, "\t\t\t\t");
	if (verb->args_max > 0) {
		buf_addf(out, "\t\t\t\t'%s:argument:", verb->args_max == 1 ? "1" : "*");
		add_action(out, verb->takes, "");
		buf_add_text(out, "'\n");
	}
	buf_add_text(out, "\t\t\t) ;;\n");
}

void
completion_zsh(struct buf *out)
{
	buf_add_text(out, head);
	add_options(out, option_common, "\t\t");
	buf_add_text(out,
		"\t)\n"
		"\t_arguments -C -s $common '1:verb: _triage_live verb' '*::argument:->rest'\n"
		"\t[[ $state == rest ]] || return\n"
		"\tlocal -a specs=()\n"
		"\tcase $line[1] in\n");
	for (size_t i = 0; verb_table[i] != NULL; i++)
		if (!verb_table[i]->is_hidden)
			add_verb(out, verb_table[i]);
	buf_add_text(out, "\t\thelp) specs=('1:verb: _triage_live verb') ;;\n"
			  "\tesac\n"
			  "\t_arguments -s $common $specs\n"
			  "}\n"
			  "\n"
			  "if [[ $funcstack[1] == _triage ]]; then\n"
			  "\t_triage \"$@\"\n"
			  "else\n"
			  "\tcompdef _triage triage\n"
			  "fi\n");
}
