/* options.h - structs of options across versions (ken.h, section "options"): each begins with its size as its maker was compiled. */
#ifndef KEN_BASE_OPTIONS_H
#define KEN_BASE_OPTIONS_H
#include "base/buf.h"
#include "base/error.h"

/* A _fill function: the defaults (own bytes) as far as there is room at `to` (size bytes), 0 behind them; to's size member says size. */
void ken_options_fill(void *to, size_t size, const void *defaults, size_t own);

/* What a caller gave, as this library has it: `to` holds the defaults (size bytes) and gets from's members, as many as it has. from NULL:
 * nothing changes. KEN_EUSAGE when from's size is none, or when a member that this library does not have is set. what: "ken_annotate_options" */
int ken_options_take(void *to, size_t size, const void *from, const char *what, ken_err *err);
/* The same where *to was made by its defaults function. */
#define KEN_TAKE_OPTIONS(to, from, type, err) ken_options_take((to), sizeof(type), (from), #type, (err))

/* Whether value is one of the words; KEN_EUSAGE naming the field. */
int ken_check_word(ken_words of, int value, ken_err *err);

bool ken_names_has(const ken_names *l, const char *name);
/* "a,b"; nothing for no list. */
void ken_names_join(ken_buf *out, const ken_names *l);
#endif
