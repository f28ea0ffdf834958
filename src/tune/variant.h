/* variant.h - sets of known make-up, drawn from annotated rows (docs/method/fine-tuning.md#training-sets): D_X with X % Unknown rows, the same
 * relations for every X, and their relatives. For `ken train --variant` and `ken select --variant`.
 *
 * Each pool (relation, category) is shuffled once by seed and every variant takes a prefix of it: the Unknown rows of X = 10 are among
 * those of X = 25, and D_Known(X) is D_X without its Unknown rows. */
#ifndef KEN_TUNE_VARIANT_H
#define KEN_TUNE_VARIANT_H
#include "base/buf.h"
#include "base/error.h"

enum { KEN_N_LABELS = 4 }; /* HighlyKnown, MaybeKnown, WeaklyKnown, Unknown */

typedef struct ken_variant {
    ken_variant_choice what;
    int mix;           /* what counts as Known in a relation: KEN_MIX_* */
    bool concentrated; /* Unknown rows fill whole relations, one after the other, in an order drawn by seed */
    size_t size;       /* rows; 0 = in each relation as many as its rarest category has (the paper's) */
    uint64_t seed;
} ken_variant;

/* KEN_EUSAGE for a kind, percentage or category that is none. */
int ken_variant_check(const ken_variant_choice *v, ken_err *err);
/* "unknown=50", "known=50", "natural", "HighlyKnown"; nothing for KEN_VARIANT_NONE. */
void ken_variant_text(ken_buf *out, const ken_variant_choice *v);

typedef struct ken_variant_relation {
    const char *name;
    size_t have[KEN_N_LABELS];
    size_t take[KEN_N_LABELS]; /* out */
} ken_variant_relation;

/* How many rows of each relation and category. KEN_EUSAGE, saying what is short and what would do. *left_out: relations that give
 * nothing; *spread: rows from relations that lack either Known or Unknown rows (a size beyond what the others have). Both may be
 * NULL. */
int ken_variant_plan(const ken_variant *v, ken_variant_relation *relation, size_t n, size_t *left_out, size_t *spread,
                     ken_err *err);

typedef struct ken_variant_row {
    const char *relation;
    int category; /* rows of other categories than the four are never drawn */
} ken_variant_row;

/* Draws: chosen (n) says which rows. */
int ken_variant_draw(const ken_variant *v, const ken_variant_row *row, size_t n, bool *chosen, size_t *left_out,
                     size_t *spread, ken_err *err);

/* The largest size that can be asked for of these rows (n); 0 where that depends on the relations (one category, concentrated). */
size_t ken_variant_most(const ken_variant *v, const ken_variant_row *row, size_t n);

/* total shared out by weight with largest remainders (ties: the earlier); no share exceeds its weight when total does not exceed
 * their sum. All zero when the weights are. out (n). KEN_OK or KEN_ENOMEM. */
int ken_apportion(size_t total, const size_t *weight, size_t n, size_t *out, ken_err *err);
/* n * percent / 100, rounded half to even. */
size_t ken_percent_of(size_t n, int percent);
#endif
