/* Words of the container API, and which of them are bad news. */
#include "probes/container_state.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static double
number_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static int
code_of(const json_t *object, const char *name, int otherwise)
{
	double code = number_of(object, name);

	return code >= -1 && code <= 65535 ? (int)code : otherwise;
}

static void
read_health(struct container *c, const json_t *state, const json_t *config)
{
	const json_t *health = json_object_get(state, "Health"), *log, *last;

	if (health == NULL) /* Podman's own */
		health = json_object_get(state, "Healthcheck");
	log = json_object_get(health, "Log");
	last = json_array_get(log, json_array_size(log) - 1);
	c->health = text_of(health, "Status");
	if (str_eq(c->health, "none"))
		c->health = "";
	c->health_failures = number_of(health, "FailingStreak");
	c->health_output = text_of(last, "Output");
	c->health_exit = code_of(last, "ExitCode", -1);
	c->health_command = json_object_get(json_object_get(config, "Healthcheck"), "Test");
}

void
container_read(struct container *c, const json_t *inspected)
{
	const json_t *state = json_object_get(inspected, "State");
	const json_t *config = json_object_get(inspected, "Config");
	const json_t *host = json_object_get(inspected, "HostConfig");
	const char *name = text_of(inspected, "Name");

	*c = (struct container){
		.id = text_of(inspected, "Id"),
		.name = name[0] == '/' ? name + 1 : name,
		.image = text_of(config, "Image"),
		.status = text_of(state, "Status"),
		.error = text_of(state, "Error"),
		.started = text_of(state, "StartedAt"),
		.finished = text_of(state, "FinishedAt"),
		.restart_policy = text_of(json_object_get(host, "RestartPolicy"), "Name"),
		.is_oom_killed = json_is_true(json_object_get(state, "OOMKilled")),
		.exit_code = code_of(state, "ExitCode", -1),
		.restarts = number_of(inspected, "RestartCount"),
		.memory_limit_bytes = number_of(host, "Memory"),
	};
	read_health(c, state, config);
}

void
container_exit_words(int code, char *out, size_t size)
{
	static const struct {
		int code;
		const char *meaning;
	} rows[] = {
		{ 125, "the container could not be set up" },
		{ 126, "its command cannot be executed" },
		{ 127, "its command was not found" },
		{ 137, "SIGKILL, often for want of memory" },
	};
	const char *name;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code) {
			snprintf(out, size, "exit %d: %s", code, rows[i].meaning);
			return;
		}
	name = code > 128 && code < 160 ? sigabbrev_np(code - 128) : NULL;
	snprintf(out, size, "exit %d%s%s", code, name != NULL ? ": SIG" : "",
		name != NULL ? name : "");
}

void
container_health_command(const struct container *c, char *out, size_t size)
{
	size_t len = 0, from = 0;
	const char *kind = json_string_value(json_array_get(c->health_command, 0));

	out[0] = '\0';
	if (str_eq(kind, "NONE"))
		return;
	if (str_eq(kind, "CMD") || str_eq(kind, "CMD-SHELL"))
		from = 1;
	for (size_t i = from; i < json_array_size(c->health_command) && len < size - 1; i++) {
		const char *word = json_string_value(json_array_get(c->health_command, i));

		snprintf(out + len, size - len, "%s%s", i > from ? " " : "",
			word != NULL ? word : "?");
		len += strlen(out + len);
	}
}

/* The last line says most: "wget: can't connect to remote host". */
static void
last_line(const char *text, char *out, size_t size)
{
	size_t len = strlen(text), from;

	while (len > 0 && strchr(" \r\n\t", text[len - 1]) != NULL)
		len--;
	for (from = len; from > 0 && text[from - 1] != '\n';)
		from--;
	str_printable(out, size, text + from, len - from);
}

static void
judge_health(struct container_verdict *v, const struct container *c)
{
	char said[160];

	if (str_eq(c->health, "unhealthy")) {
		last_line(c->health_output, said, sizeof(said));
		v->cause = "container.unhealthy";
		snprintf(v->text, sizeof(v->text), "unhealthy%s%s%s", said[0] != '\0' ? ": \"" : "",
			said, said[0] != '\0' ? "\"" : "");
		if (c->health_failures > 0)
			snprintf(v->text, sizeof(v->text), "unhealthy, %g failed checks%s%s%s",
				c->health_failures, said[0] != '\0' ? ": \"" : "", said,
				said[0] != '\0' ? "\"" : "");
		return;
	}
	snprintf(v->text, sizeof(v->text), "running%s%.40s", c->health[0] != '\0' ? ", " : "",
		c->health);
}

static void
judge_ended(struct container_verdict *v, const struct container *c, enum container_want want)
{
	char code[80];

	container_exit_words(c->exit_code, code, sizeof(code));
	if (c->is_oom_killed) {
		v->cause = "container.oom-killed";
		snprintf(v->text, sizeof(v->text), "killed for want of memory (%s)", code);
		return;
	}
	if (want != CONTAINER_FINISHED || c->exit_code != 0)
		v->cause = "container.exited";
	snprintf(v->text, sizeof(v->text), "%.40s, %s%s%.120s", c->status, code,
		c->error[0] != '\0' ? ": " : "", c->error);
}

void
container_judge(struct container_verdict *v, const struct container *c, enum container_want want)
{
	char code[80];

	*v = (struct container_verdict){ .cause = NULL };
	if (str_eq(c->status, "running")) {
		judge_health(v, c);
	} else if (str_eq(c->status, "paused")) {
		v->cause = "container.paused";
		snprintf(v->text, sizeof(v->text), "paused: its processes are frozen");
	} else if (str_eq(c->status, "restarting")) {
		container_exit_words(c->exit_code, code, sizeof(code));
		v->cause = c->is_oom_killed ? "container.oom-killed" : "container.restarting";
		snprintf(v->text, sizeof(v->text), "ends again and again, last %s%s", code,
			c->is_oom_killed ? ", for want of memory" : "");
	} else if (str_eq(c->status, "created") || str_eq(c->status, "initialized") ||
		   str_eq(c->status, "configured")) {
		v->cause = "container.exited";
		snprintf(v->text, sizeof(v->text), "created, but never started%s%.200s",
			c->error[0] != '\0' ? ": " : "", c->error);
	} else {
		judge_ended(v, c, want);
	}
}

double
container_memory(const json_t *stats)
{
	const json_t *memory = json_object_get(stats, "memory_stats");
	const json_t *detail = json_object_get(memory, "stats");
	double usage = number_of(memory, "usage");
	double cache = number_of(detail, "total_inactive_file"); /* cgroup v1 */

	if (isnan(cache))
		cache = number_of(detail, "inactive_file");
	return cache > 0 && cache < usage ? usage - cache : usage;
}

double
container_cpu(const json_t *stats)
{
	const json_t *cpu = json_object_get(json_object_get(stats, "cpu_stats"), "cpu_usage");

	return number_of(cpu, "total_usage") / 1e9;
}
