/* The terminal: its width, whether it has colours, and text made fit for it. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_DIM, PAINT_BOLD };

struct term {
	bool has_color;
	bool is_tty;
	bool has_cursor; /* a terminal that can be written over */
	size_t columns, rows;
};

/* Of stdout.  Colours: on a terminal only, never with NO_COLOR, TERM=dumb or `no_color`. */
void term_look(struct term *term, bool no_color);
/* The size alone, again. */
void term_measure(struct term *term);
void term_paint(const struct term *term, FILE *out, enum paint paint, const char *text);
enum paint term_paint_of(const char *severity_or_state);

/* What a peer or a target said may hold escapes: they never reach the terminal.  Line breaks stay
 * where `has_lines`, and become spaces else. */
void term_clean(char *text, bool has_lines);
/* Cuts to `columns`, the last one becomes an ellipsis; wide characters count two. */
void term_cut(char *text, size_t columns);
/* Prints with every line indented, broken at words to the terminal's width. */
void term_print_wrapped(const struct term *term, FILE *out, size_t indent, const char *text);
/* A command to copy: in one line however long, which the terminal breaks without a line break. */
void term_print_command(FILE *out, size_t indent, const char *text);
/* "mark  text", wrapped; the mark is painted. */
void term_print_marked(
	const struct term *term, FILE *out, enum paint paint, const char *mark, const char *text);

#endif
