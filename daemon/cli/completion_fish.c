/* Completion for fish: one `complete` line for each option and each kind of argument. */
#include "cli/completion.h"
#include "cli/option.h"

static const char head[] = "# Completion of triage for fish, made by `triage completion fish`.\n"
			   "\n"
			   "function __triage_live\n"
			   "\tset -l words (commandline -opc)\n"
			   "\tset -l where\n"
			   "\tset -l i 2\n"
			   "\twhile test $i -lt (count $words)\n"
			   "\t\tif contains -- $words[$i] --url -u --config -c --token-file -t\n"
			   "\t\t\tset -a where $words[$i] $words[(math $i + 1)]\n"
			   "\t\tend\n"
			   "\t\tset i (math $i + 1)\n"
			   "\tend\n"
			   "\t$words[1] $where __complete $argv[1] 2> /dev/null\n"
			   "end\n"
			   "\n"
			   "# The first word that is no option and no option's value; it succeeds "
			   "if that is $argv[1].\n"
			   "function __triage_verb\n"
			   "\tset -l words (commandline -opc)\n"
			   "\tset -e words[1]\n"
			   "\tset -l skip 0\n"
			   "\tfor word in $words\n"
			   "\t\tif test $skip = 1\n"
			   "\t\t\tset skip 0\n"
			   "\t\telse if contains -- $word";

static const char tail[] = "\n"
			   "\t\t\tset skip 1\n"
			   "\t\telse if not string match -q -- '-*' $word\n"
			   "\t\t\ttest \"$word\" = \"$argv[1]\"\n"
			   "\t\t\treturn\n"
			   "\t\tend\n"
			   "\tend\n"
			   "\ttest -z \"$argv[1]\"\n"
			   "end\n"
			   "\n"
			   "complete -c triage -f\n"
			   "complete -c triage -n '__triage_verb' -a '(__triage_live verb)'\n"
			   "complete -c triage -n '__triage_verb help' -a '(__triage_live verb)'\n";

static void
add_valued(struct buf *out, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (rows->takes == TAKES_NOTHING)
			continue;
		buf_addf(out, " --%s", rows->name);
		if (rows->letter != 0)
			buf_addf(out, " -%c", rows->letter);
	}
}

static void
add_value(struct buf *out, enum cli_takes takes, const char *words)
{
	const char *kind = completion_kind(takes);

	if (takes == TAKES_WORDS) {
		buf_add_text(out, " -x -a '");
		for (; *words != '\0'; words++)
			buf_add(out, *words == '|' ? " " : words, 1);
		buf_add_text(out, "'");
	} else if (takes == TAKES_FILE || takes == TAKES_TARGET) {
		buf_add_text(out, " -r -F");
	} else if (takes == TAKES_FOLDER) {
		buf_add_text(out, " -x -a '(__fish_complete_directories)'");
	} else {
		buf_add_text(out, " -x");
	}
	if (kind != NULL)
		buf_addf(out, " -a '(__triage_live %s)'", kind);
}

static void
add_options(struct buf *out, const char *verb, const struct cli_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		buf_add_text(out, "complete -c triage");
		if (verb != NULL)
			buf_addf(out, " -n '__triage_verb %s'", verb);
		buf_addf(out, " -l %s", rows->name);
		if (rows->letter != 0)
			buf_addf(out, " -s %c", rows->letter);
		buf_add_text(out, " -d ");
		completion_quote(out, rows->doc, "\\'");
		if (rows->takes != TAKES_NOTHING)
			add_value(out, rows->takes, rows->words);
		buf_add_text(out, "\n");
	}
}

static void
add_arguments(struct buf *out, const struct cli_verb *verb)
{
	const char *kind = completion_kind(verb->takes);
	bool has_files = verb->takes == TAKES_FILE || verb->takes == TAKES_TARGET;

	if (has_files)
		buf_addf(out, "complete -c triage -n '__triage_verb %s' -F\n", verb->name);
	if (verb->takes == TAKES_FOLDER)
		buf_addf(out,
			"complete -c triage -n '__triage_verb %s' -a "
			"'(__fish_complete_directories)'\n",
			verb->name);
	if (kind != NULL)
		buf_addf(out, "complete -c triage -n '__triage_verb %s' -a '(__triage_live %s)'\n",
			verb->name, kind);
}

void
completion_fish(struct buf *out)
{
	buf_add_text(out, head);
	add_valued(out, option_common);
	for (size_t i = 0; verb_table[i] != NULL; i++)
		add_valued(out, verb_table[i]->options);
	buf_add_text(out, tail);
	add_options(out, NULL, option_common);
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		if (verb_table[i]->is_hidden)
			continue;
		add_options(out, verb_table[i]->name, verb_table[i]->options);
		add_arguments(out, verb_table[i]);
	}
}
