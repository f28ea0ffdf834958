/* batch_build.h - a ken_batch from rows that name their parents; positions, slots and paths are worked out here.
 *
 *     ken_batch_build y = {0};
 *     ken_batch_rows(&y, n, token, parent, &err);                   slot r for row r: the cache needs n of them
 *     ken_batch_read(&y, &(ken_reading){.row = n - 1, .k = 1, .id = &id, .logit = &logit}, &err);
 *     ken_forward(f, kv, &y.batch, &err);                           y.batch.reading[0].n
 *     ken_batch_build_free(&y); */
#ifndef KEN_NN_BATCH_BUILD_H
#define KEN_NN_BATCH_BUILD_H
#include "nn/forwarder.h"

typedef struct ken_batch_build {
    ken_batch batch;
    int32_t *pos, *slot,
        *path_slots; /* rows that follow one another share a path, so a chain of n rows needs n slots of it */
    int64_t *path;
    ken_reading *reading;
    size_t cap_pos, cap_slot, cap_path_slots, cap_path, cap_reading;
} ken_batch_build;

/* Empties y->batch and gives it the rows token (n), which is borrowed, and no readings. parent (n): an earlier row, or -1 for a first token;
 * NULL: each row follows the one before. Grows what y has; KEN_ENOMEM. */
int ken_batch_rows(ken_batch_build *y, int32_t n, const int32_t *token, const int32_t *parent, ken_err *err);
/* Adds a copy of r, whose row must not be below that of the reading added before; it stays at its index, not at its address. */
int ken_batch_read(ken_batch_build *y, const ken_reading *r, ken_err *err);
void ken_batch_build_free(ken_batch_build *y);
#endif
