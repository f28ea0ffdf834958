/* flags.c - the flags of a row: name, meaning and who decides, a line each. To add one: its bit in ken.h and its line here; the man page, JSON and
 * the page list it from here, and docs/run-format.md is held against it (tests/docs). */
#include "base/flags.h"
#include "ken.h"
#include <stddef.h>

/* In the place of its bit. */
#define FLAG(name, who, word, means) [__builtin_ctz(KEN_FLAG_##name)] = {word, means, KEN_FLAG_BY_##who}

static const struct {
    const char *name, *meaning;
    ken_flag_by by;
} flags[] = {
    FLAG(AMBIGUOUS, DATA, "ambiguous", "the same question occurs with other answers; all of them are accepted"),
    FLAG(DUPLICATE, DATA, "duplicate", "the same question and answers occur earlier in the data"),
    FLAG(MULTI_ANSWER, DATA, "multi_answer", "several answers are accepted"),
    FLAG(ECHO, DATA, "echo", "an accepted answer occurs in the question"),
    FLAG(EXEMPLARS_SHARED, EXEMPLARS, "exemplars_shared", "the relation is so small that its exemplar sets share rows"),
    FLAG(EXEMPLARS_FOREIGN, EXEMPLARS, "exemplars_foreign",
         "the relation is so small that its exemplars come from all relations"),
    FLAG(GOLD_HAS_STOP, LIMITS, "gold_has_stop",
         "no category: no answer can match, because every accepted one holds the stop string"),
    FLAG(GOLD_TOO_LONG, LIMITS, "gold_too_long",
         "no category: every accepted answer needs more tokens than the setting max_new allows"),
    FLAG(UNSETTLED, NUMBERS, "unsettled",
         "the seeded draw gives one category with p_lo and another with p_hi; the middle was used"),
    FLAG(OPEN_MASS, NUMBERS, "open_mass", "the interval is wider than the mass budget allows"),
    FLAG(CHOICE, DATA, "choice", "no category: multiple choice, which has a knowledge score instead"),
    FLAG(TOO_LONG, LIMITS, "too_long", "no category: the prompt does not fit the model's context"),
    FLAG(GUESS, NUMBERS, "guess",
         "guess control: the answer is nearly as likely for other subjects (lift below log 2)"),
};
enum { N_FLAGS = sizeof flags / sizeof *flags };

const char *ken_flag_name(int bit) { return bit >= 0 && bit < N_FLAGS ? flags[bit].name : NULL; }
const char *ken_flag_meaning(int bit) { return bit >= 0 && bit < N_FLAGS ? flags[bit].meaning : NULL; }

uint32_t ken_flags_by(ken_flag_by who)
{
    uint32_t bits = 0;
    for (int bit = 0; bit < N_FLAGS; bit++)
        if (flags[bit].by == who) bits |= 1u << bit;
    return bits;
}
