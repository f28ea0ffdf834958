/* clean.h - what pads a text that people or spreadsheets wrote: white space and characters that nobody sees.
 *
 * "Paris " and a "Paris" with a left-to-right mark are the same answer to whoever reads the table, but the second one is never given by a model:
 * exact match keeps such marks. */
#ifndef KEN_DATA_CLEAN_H
#define KEN_DATA_CLEAN_H
#include "base/arena.h"
#include <stdbool.h>

/* Strips white space and invisible characters at both ends: moves *s, returns the new length. */
size_t ken_trim_invisible(const char **s, size_t n);

/* *s without these at its ends, and inside it without the invisible ones that join or part nothing (soft hyphen, zero-width space, marks of
 * direction, byte-order mark). A copy in the arena when that changes it, and then *changed is set; a text that has nothing else stays as it is.
 * false when out of memory. */
bool ken_clean_text(ken_arena *a, const char **s, bool *changed);
/* The same for a list (n): a new one when something changes. */
bool ken_clean_list(ken_arena *a, const char *const **list, int n, bool *changed);
#endif
