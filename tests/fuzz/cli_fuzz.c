/*
 * What the command `triage` makes of a daemon's answer, whatever it is: it ends, and what it prints
 * cannot steer the terminal.  The first byte chooses the verb, the rest is the answer to whatever
 * it asks.
 */
#include <assert.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "io/addr.h"
#include "tests/fuzz/folder.h"

#define WORDS_MAX  6
#define ANSWER_MAX 32768
#define WORD_SIZE  128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[sizeof(fuzz_folder) + 2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t answer[ANSWER_MAX];
static size_t answer_len;
static int listener = -1;

/* Each question has the same answer; the request is read up to its empty line. */
static void
serve(int fd)
{
	char head[128], asked[16384];
	size_t have = 0;
	ssize_t len;

	while (have < sizeof(asked) - 1 &&
		(len = recv(fd, asked + have, sizeof(asked) - 1 - have, 0)) > 0) {
		have += (size_t)len;
		asked[have] = '\0';
		if (strstr(asked, "\r\n\r\n") != NULL)
			break;
	}
	pthread_mutex_lock(&lock);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", answer_len);
	if (send(fd, head, strlen(head), MSG_NOSIGNAL) > 0 && answer_len > 0)
		send(fd, answer, answer_len, MSG_NOSIGNAL);
	pthread_mutex_unlock(&lock);
	close(fd);
}

static void *
live(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(listener, NULL, NULL)) != -1)
		serve(fd);
	return NULL;
}

static void
begin(void)
{
	struct addr addr;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s/s", fuzz_folder_make());
	addr_from_path(&addr, path, NULL);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, &addr.sa, addr.len) != 0 || listen(listener, 16) != 0)
		abort();
	if (pthread_create(&thread, NULL, live, NULL) != 0)
		abort();
}

static const char *const lines[][WORDS_MAX] = {
	{ "status" },
	{ "checks" },
	{ "incidents", "--state", "all" },
	{ "show", "api" },
	{ "why", "api" },
	{ "uptime", "api" },
	{ "receivers" },
	{ "receivers", "hook" },
	{ "silence" },
	{ "ack", "3f9c2a7d" },
	{ "rule", "total_time > 1s", "api" },
	{ "run", "api" },
	{ "test", "hook" },
	{ "reload" },
	{ "backup" },
	{ "health" },
	{ "backtest", "--rule", "slow" },
};

/* What is printed: lines of text. */
static void
check_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' || c == 0x7f) && c != '\n' && c != '\t')
			fprintf(stderr, "byte %u at %zu of: %.*s\n", c, i, (int)len, text);
		assert((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t');
	}
}

static void
run(const char *const *words)
{
	char copies[WORDS_MAX + 4][WORD_SIZE], *argv[WORDS_MAX + 5], *printed[2] = { NULL, NULL };
	FILE *out = stdout, *err = stderr;
	size_t len[2] = { 0, 0 };
	int argc = 0;

	snprintf(copies[argc++], WORD_SIZE, "triage");
	snprintf(copies[argc++], WORD_SIZE, "--url=unix:%s", path);
	for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++)
		snprintf(copies[argc++], WORD_SIZE, "%s", words[i]);
	for (int i = 0; i < argc; i++)
		argv[i] = copies[i];
	argv[argc] = NULL;
	stdout = open_memstream(&printed[0], &len[0]);
	stderr = open_memstream(&printed[1], &len[1]);
	optind = 0; /* getopt begins anew */
	cli_main(argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = out;
	stderr = err;
	for (size_t i = 0; i < 2; i++) {
		check_text(printed[i], len[i]);
		free(printed[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > ANSWER_MAX)
		return 0;
	if (listener == -1)
		begin();
	pthread_mutex_lock(&lock);
	memcpy(answer, data + 1, size - 1);
	answer_len = size - 1;
	pthread_mutex_unlock(&lock);
	run(lines[data[0] % (sizeof(lines) / sizeof(lines[0]))]);
	return 0;
}
