/* tally.h - evaluated rows, counted by group: everything at once, and by category, relation, split, quartile of popularity. */
#ifndef KEN_KNOW_TALLY_H
#define KEN_KNOW_TALLY_H
#include "base/arena.h"
#include "base/error.h"

typedef struct ken_tally_options {
    const char *const
        *more; /* (n_more) names of the further matchers, as the rows' bits count them; borrowed by the measures */
    int n_more;
    bool categories; /* rows have them: those without one are counted under "not annotated" */
    bool certainty;  /* answers may say how sure they are (certainty.h) */
} ken_tally_options;

/* What became of an answer, whatever it says: "empty" (it ended before it began: no word is left by N of docs/method/knowledge.md#normalisation, as of "A:"), "cut off" (it ran into the limit of its length), "whole", as whatever was accepted (hit); NULL:
 * not known: it was stopped early or never asked, or memory ran out. */
const char *ken_answer_form(const char *text, const char *finish, bool hit);
bool ken_answer_is_formless(const char *text, const char *finish, bool hit); /* empty or cut off */

/* Which group of each grouping a row is in: 7 of them; key NULL = none of that grouping. "popularity" is by rank among those rows given
 * that have one: "1" the least popular quarter; equal values stay together. */
enum {
    KEN_TALLY_ALL,
    KEN_TALLY_CATEGORY,
    KEN_TALLY_RELATION,
    KEN_TALLY_SPLIT,
    KEN_TALLY_POPULARITY,
    KEN_TALLY_ANSWER,
    KEN_TALLY_CERTAINTY,
    KEN_TALLY_N
};
extern const char *const ken_tally_grouping[KEN_TALLY_N]; /* "all", "category", ... */

/* Quartiles (n) of the rows' popularity, 1 to 4; 0 where there is none. KEN_ENOMEM. */
int ken_tally_quartiles(const ken_evaluated *row, size_t n, uint8_t *quartile, ken_err *err);
/* The key of a row in a grouping, or NULL; static, or borrowed from the row. */
const char *ken_tally_key(const ken_evaluated *row, int grouping, uint8_t quartile, bool categories);

/* Rows (n) of one set -> measures, sorted by grouping and key, in the arena; their texts are borrowed from the rows. */
int ken_tally(const ken_evaluated *row, size_t n, const ken_tally_options *o, ken_arena *arena, ken_measure **out,
              size_t *n_out, ken_err *err);
#endif
