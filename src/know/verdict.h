/* verdict.h - a row read back: what the model says to it most often; of multiple choice right or wrong, how many options there were, what guessing would have. */
#ifndef KEN_KNOW_VERDICT_H
#define KEN_KNOW_VERDICT_H
#include "base/arena.h"
#include "base/error.h"

typedef struct ken_says { /* what the model says to a row's few-shot prompts */
    const char *text;     /* borrowed from the row; NULL = no text is stored */
    int prompts;          /* how many say it */
    bool right;           /* it is accepted */
} ken_says;
/* The commonest greedy answer: texts that are equal when normalised are one; of equally common ones that of the earliest prompt. Options of a
 * multiple choice may differ in a sign alone ("-5", "5"): there equal texts are one. KEN_ENOMEM. */
int ken_row_says(ken_says *out, const ken_row *row, ken_arena *scratch, ken_err *err);

/* Right with so many of the prompts: more than half (ours; ken.h, section "diff"). A tie is wrong. */
bool ken_choice_right(int hits, int prompts);
/* Options of a row; 0 = it is no multiple choice, or it cannot be told. */
int ken_choice_options(const ken_row *row);
/* The probability that guesses, one a prompt, are right in more than half of the prompts. options > 1 */
double ken_choice_by_guessing(int prompts, int options);
#endif
