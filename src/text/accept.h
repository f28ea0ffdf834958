/* accept.h - which texts are accepted as an answer, and which can still become one.
 *
 * A matcher (spec/slick.md 6) compiled with the golds of one row. Two questions are asked of it, millions of times:
 *   ken_accept_matches(a, y)   m(y): is y an accepted answer?
 *   ken_accept_viable(a, x)    V(x): can x, continued without a newline, still become one? May say yes too often, never no wrongly.
 * Both are pure functions of the bytes. ASCII texts take a fast path that allocates nothing. */
#ifndef KEN_TEXT_ACCEPT_H
#define KEN_TEXT_ACCEPT_H
#include "base/error.h"

typedef enum ken_matcher_kind { KEN_EM_RAW, KEN_EM_SQUAD, KEN_EM_ALIAS, KEN_CONTAINS, KEN_F1 } ken_matcher_kind;

typedef struct ken_matcher {
    ken_matcher_kind kind;
    double threshold; /* f1@t */
    char name[32];    /* "em-squad/1", as stored in a run */
} ken_matcher;

/* "em-squad" (newest version), "em-squad/1", "f1@0.5", ... KEN_EUSAGE with the list of known names otherwise. */
int ken_matcher_parse(ken_matcher *m, const char *name, ken_err *err);
bool ken_matcher_is_exact(const ken_matcher *m); /* has a viability test: em-raw, em-squad, em-alias */

typedef struct ken_accept ken_accept;
/* Golds are copied. KEN_EINPUT for an empty gold. em-alias: the caller passes golds and aliases together. */
int ken_accept_new(ken_accept **out, const ken_matcher *m, const char *const *golds, int n_golds, ken_err *err);
void ken_accept_free(ken_accept *a);
bool ken_accept_matches(const ken_accept *a, const char *y, size_t n);
bool ken_accept_viable(const ken_accept *a, const char *x, size_t n);

/* N(s) of spec/slick.md 6: NFKC, lower-case, punctuation deleted, articles dropped, words joined by one space. Caller frees
 * with ken_free; NULL when out of memory. Invalid UTF-8 is replaced by U+FFFD. */
char *ken_normalize(const char *s, size_t n);
/* SQuAD word F1 over N-words, the best over the golds. */
double ken_f1(const char *y, size_t n, const char *const *golds, int n_golds);
/* The words of N(gold) occur contiguously among the words of N(text). */
bool ken_contains_words(const char *text, size_t n, const char *gold);
#endif
