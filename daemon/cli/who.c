/* The person's name: sudo's user before root's. */
#include "cli/who.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

void
who_put(json_t *doc, const char *key)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *user;

	if (name == NULL || *name == '\0') {
		user = getpwuid(getuid());
		name = user == NULL ? NULL : user->pw_name;
	}
	if (name != NULL)
		json_object_set_new(doc, key, json_string(name));
}
