/*
 * The alternate screen.  Its state is the process's, as the terminal is: signals come whenever they
 * like and must find the way back.
 */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/* A line that is too long is cut at the edge: broken, it would push the first ones out. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

struct screen {
	struct term *term;
	int memory; /* -1: none to be had */
	char *picture;
};

static int terminal = -1; /* stdout is memory at times */
static struct termios keys_before;
static bool are_keys_ours;
static volatile sig_atomic_t is_resized;

static void
put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(terminal, text, len);

		if (wrote == -1 && errno != EINTR)
			return;
		text += wrote > 0 ? wrote : 0;
		len -= wrote > 0 ? (size_t)wrote : 0;
	}
}

/* The functions of signals call only what POSIX lets them. */
static void
leave(void)
{
	ssize_t wrote = write(terminal, LEAVE, strlen(LEAVE));

	(void)wrote;
	if (are_keys_ours)
		tcsetattr(STDIN_FILENO, TCSANOW, &keys_before);
}

static void
take_keys(void)
{
	struct termios keys = keys_before;

	keys.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	if (are_keys_ours)
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

static void
on_end(int number)
{
	leave();
	_exit(number == SIGINT ? 0 : 128 + number);
}

static void
on_stop(int number)
{
	ssize_t wrote;

	(void)number;
	leave();
	raise(SIGSTOP);
	wrote = write(terminal, ENTER, strlen(ENTER));
	(void)wrote;
	take_keys();
	is_resized = 1;
}

static void
on_resize(int number)
{
	(void)number;
	is_resized = 1;
}

static void catch (int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

struct screen *
screen_open(struct term *term)
{
	struct screen *screen = xcalloc(1, sizeof(*screen));

	screen->term = term;
	screen->memory = memfd_create("picture", MFD_CLOEXEC);
	screen->picture = xstrdup("");
	are_keys_ours = tcgetattr(STDIN_FILENO, &keys_before) == 0;
	catch (SIGINT, on_end);
	catch (SIGTERM, on_end);
	catch (SIGHUP, on_end);
	catch (SIGTSTP, on_stop);
	catch (SIGWINCH, on_resize);
	fflush(stdout);
	terminal = dup(STDOUT_FILENO);
	put(ENTER, strlen(ENTER));
	take_keys();
	return screen;
}

void
screen_close(struct screen *screen)
{
	leave();
	are_keys_ours = false;
	fd_close(&terminal);
	fd_close(&screen->memory);
	free(screen->picture);
	free(screen);
}

void
screen_begin(struct screen *screen)
{
	fflush(stdout);
	if (screen->memory == -1 || ftruncate(screen->memory, 0) == -1)
		return;
	lseek(screen->memory, 0, SEEK_SET);
	dup2(screen->memory, STDOUT_FILENO);
}

static char *
read_memory(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = xcalloc(1, len > 0 ? (size_t)len + 1 : 1);
	ssize_t got = len > 0 ? pread(fd, text, (size_t)len, 0) : 0;

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void
draw(const struct screen *screen, const char *notice)
{
	struct buf out;

	buf_init(&out, 0);
	screen_compose(notice, screen->picture, screen->term->rows, &out);
	put(buf_head(&out), buf_left(&out));
	buf_fini(&out);
}

void
screen_end(struct screen *screen)
{
	fflush(stdout);
	if (screen->memory == -1)
		return;
	dup2(terminal, STDOUT_FILENO);
	free(screen->picture);
	screen->picture = read_memory(screen->memory);
	draw(screen, NULL);
}

void
screen_say(struct screen *screen, const char *text)
{
	char *line = xstrdup(text), *shown = NULL;
	size_t len = 0;
	FILE *out;

	term_clean(line, false);
	out = open_memstream(&shown, &len);
	if (out != NULL) {
		term_print_wrapped(screen->term, out, 0, line);
		fclose(out);
		draw(screen, shown);
	}
	free(shown);
	free(line);
}

bool
screen_wait(struct screen *screen, int ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char key = 0;

	if (screen == NULL) {
		poll(NULL, 0, ms);
		return true;
	}
	if (!is_resized && poll(&in, are_keys_ours ? 1 : 0, ms) == 1) {
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 4)
			return false;
	}
	if (is_resized) {
		is_resized = 0;
		term_measure(screen->term);
	}
	return true;
}

static size_t
count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text += *text == '\n') {
		text += strcspn(text, "\n");
		lines++;
	}
	return lines;
}

/* The first `room` lines; what each one wrote over is wiped. */
static void
compose_lines(const char *text, size_t *room, struct buf *out)
{
	for (; *text != '\0' && *room > 0; (*room)--) {
		size_t len = strcspn(text, "\n");

		buf_add(out, text, len);
		buf_add_text(out, "\033[0m\033[K\r\n");
		text += len + (text[len] == '\n');
	}
}

void
screen_compose(const char *notice, const char *picture, size_t rows, struct buf *out)
{
	size_t total = count_lines(picture), room = rows > 3 ? rows - 1 : 2, fits;

	buf_add_text(out, "\033[H");
	if (notice != NULL) {
		total += count_lines(notice);
		compose_lines(notice, &room, out);
	}
	fits = rows > 3 ? rows - 1 : 2;
	compose_lines(picture, &room, out);
	if (total > fits)
		buf_addf(out, "%zu more line%s below\033[K", total - fits,
			total - fits == 1 ? "" : "s");
	buf_add_text(out, "\033[J");
}
