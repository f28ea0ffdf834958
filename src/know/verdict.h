/* verdict.h - a row of multiple choice read back: right or wrong, how many options there were, what guessing would have. */
#ifndef KEN_KNOW_VERDICT_H
#define KEN_KNOW_VERDICT_H
#include "base/error.h"

/* Right with so many of the prompts: more than half (ours; ken.h, section "diff"). A tie is wrong. */
bool ken_choice_right(int hits, int prompts);
/* Options of a row; 0 = it is no multiple choice, or it cannot be told. */
int ken_choice_options(const ken_row *row);
/* The probability that guesses, one a prompt, are right in more than half of the prompts. options > 1 */
double ken_choice_by_guessing(int prompts, int options);
#endif
