/* The playbooks in force. */
#include "api/handlers.h"
#include "setup/settings.h"
#include "triage/explain.h"

static enum language
language_of(const struct api_call *call)
{
	char wanted[8];

	if (!call_query(call, "lang", wanted, sizeof(wanted)))
		return (enum language)call->world->settings->daemon.language;
	return wanted[0] == 'z' ? LANG_ZH : LANG_EN;
}

void
handle_playbooks(struct api_call *call)
{
	const struct settings *settings = call->world->settings;
	json_t *doc = json_object();

	json_object_set_new(
		doc, "playbooks", explain_playbooks(settings->playbooks, language_of(call)));
	reply_json(call, 200, doc);
}

void
handle_playbook(struct api_call *call)
{
	const struct settings *settings = call->world->settings;
	json_t *doc = explain_word(settings->playbooks, call->name, language_of(call), NULL);

	if (doc)
		reply_json(call, 200, doc);
	else
		reply_problem(call, 404, "no playbook, finding, cause or rule has this name");
}
