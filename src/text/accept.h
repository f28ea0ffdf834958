/* accept.h - which texts are accepted as an answer, and which can still become one.
 *
 * A matcher (docs/method/knowledge.md#matchers) compiled with the golds of one row. Two questions are asked of it, millions of times:
 *   ken_accept_matches(a, y)   m(y): is y an accepted answer?
 *   ken_accept_viable(a, x)    V(x): can x, continued without a newline, still become one? May say yes too often, never no wrongly.
 * Both are pure functions of the bytes. ASCII texts take a fast path that allocates nothing.
 *
 * A kind of matcher is a ken_matcher_kind, with its functions in one file (em.c, match.c); a new one also needs its line in
 * match.h and its place in the list of accept.c. */
#ifndef KEN_TEXT_ACCEPT_H
#define KEN_TEXT_ACCEPT_H
#include "base/error.h"

typedef struct ken_matcher_kind ken_matcher_kind;
typedef struct ken_accept ken_accept; /* a matcher compiled with the golds of a row */

typedef struct ken_matcher {
    const ken_matcher_kind *kind;
    double threshold; /* f1@t; 0 where none is taken */
    char name[32];    /* "em-squad/1", as stored in a run */
} ken_matcher;

/* Whatever the kind, it accepts every text that em-raw accepts: a gold as it is, between white space. */
struct ken_matcher_kind {
    const char *name, *version; /* "em-squad", "1": a run stores both, so another behaviour needs another version */
    const char *form;           /* how it is written, for messages: "em-squad", "f1@T with ..." */
    bool takes_threshold;       /* written name@T with 0 < T <= 1 */
    bool by_words;     /* accepts every text whose N-words equal a gold's; so a newline in a gold counts as a space */
    bool uses_aliases; /* accepts other names of a gold too: the caller passes them among the golds */
    size_t size; /* of its ken_accept (match.h), which is zeroed, but for the matcher, before the golds are added */
    int (*add)(ken_accept *a, const char *gold, ken_err *err); /* on failure clear follows */
    void (*clear)(ken_accept *a);                              /* frees all but a itself */
    bool (*matches)(const ken_accept *a, const char *y, size_t n);
    bool (*viable)(const ken_accept *a, const char *x, size_t n); /* NULL: no text can be ruled out early */
    bool (*within)(const ken_matcher *a, const ken_matcher *b); /* a: of this kind. NULL: itself and lower thresholds */
};

extern const ken_matcher_kind *const ken_matcher_kinds[]; /* ends with NULL */
extern const ken_matcher ken_em_raw, ken_em_squad, ken_em_alias;

/* "em-squad" (newest version), "em-squad/1", "f1@0.5", ... KEN_EUSAGE with the list of known names otherwise. */
int ken_matcher_parse(ken_matcher *m, const char *name, ken_err *err);
bool ken_matcher_is_exact(const ken_matcher *m); /* has a viability test: em-raw, em-squad, em-alias */
/* Is every text that a accepts accepted by b, compiled with the same golds? False when it cannot be told. */
bool ken_matcher_within(const ken_matcher *a, const ken_matcher *b);

/* Golds are copied. KEN_EINPUT for an empty gold. em-alias: the caller passes golds and aliases together. */
int ken_accept_new(ken_accept **out, const ken_matcher *m, const char *const *golds, int n_golds, ken_err *err);
void ken_accept_free(ken_accept *a);
bool ken_accept_matches(const ken_accept *a, const char *y, size_t n);
bool ken_accept_viable(const ken_accept *a, const char *x, size_t n);

/* N(s) of docs/method/knowledge.md#normalisation: NFKC, lower-case, punctuation deleted, articles dropped, words joined by one space. Caller frees
 * with ken_free; NULL when out of memory. Invalid UTF-8 is replaced by U+FFFD. */
char *ken_normalize(const char *s, size_t n);
/* SQuAD word F1 over N-words, the best over the golds. */
double ken_f1(const char *y, size_t n, const char *const *golds, int n_golds);
/* The words of N(gold) occur contiguously among the words of N(text). */
bool ken_contains_words(const char *text, size_t n, const char *gold);
extern const ken_matcher ken_contains; /* the same as a matcher */
/* Are these answers sentences, which exact match can hardly accept? Five words or more on the average: names and titles have fewer, and a list of
 * correct statements has a short one among them now and then. The one rule for it, before a model is asked and after. */
enum { KEN_SENTENCE_WORDS = 5 };
bool ken_answers_are_sentences(const char *const *answers, int n);
#endif
