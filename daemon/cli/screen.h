/*
 * A terminal that shows one picture after another in place.  What is printed between begin and end
 * goes to memory and then to the terminal at once, so that nothing flickers; the terminal's own
 * screen, cursor and echo come back on close, Ctrl-C, Ctrl-Z and kill.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/buf.h"
#include "cli/term.h"

struct screen;

/* `term` is borrowed and follows the window's size. */
struct screen *screen_open(struct term *term);
void screen_close(struct screen *screen);

void screen_begin(struct screen *screen); /* stdout goes to memory */
void screen_end(struct screen *screen);   /* and from there to the terminal */
/* A line above the last picture, which stays. */
void screen_say(struct screen *screen, const char *text);
/* False: enough seen (q or Ctrl-D).  Comes back early when the window has changed.  NULL: waits. */
bool screen_wait(struct screen *screen, int ms);

/* What makes `picture` stand on a screen of `rows` lines, whatever was there: pure. */
void screen_compose(const char *notice, const char *picture, size_t rows, struct buf *out);

#endif
