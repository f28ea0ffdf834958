/* order.h - which rows are in which batch: a pure function of (sizes, seed, epoch), so that a resumed training needs no state.
 *
 * Rows are shuffled again each epoch; rows of the known tail (docs/method/fine-tuning.md#known-tail) come after all others, in their own
 * fixed order; a mixture's rows are drawn by weight into each batch. The last short batch is kept. */
#ifndef KEN_TUNE_ORDER_H
#define KEN_TUNE_ORDER_H
#include "base/error.h"

typedef struct ken_order_part { /* one task of a mixture; the first is the main data */
    size_t rows;
    double weight; /* of the main data 1; a share of weight/sum of each batch comes from this part */
} ken_order_part;

typedef struct ken_order_options {
    const ken_order_part *part; /* (n_parts) */
    int n_parts;
    const bool *tail; /* (part[0].rows) rows of the known tail, or NULL */
    size_t batch;
    uint64_t seed;
} ken_order_options;

typedef struct ken_order ken_order;
int ken_order_new(ken_order **out, const ken_order_options *o, ken_err *err);
void ken_order_free(ken_order *o);
size_t ken_order_batches(const ken_order *o); /* in an epoch */
/* The rows of batch b of an epoch (0-based): *row (returned count) indices over all parts, one after the other; borrowed until the next call. */
size_t ken_order_batch(ken_order *o, int64_t epoch, size_t b, const size_t **row);
#endif
