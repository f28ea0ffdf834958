/* divergence.h - how far training has moved a model: KL(base || tuned) at the target positions of a set, given the prompt and the target before
 * each (teacher-forced), in nats, over the whole vocabulary (docs/method/fine-tuning.md#divergence).
 *
 *     ken_divergence *d;
 *     ken_divergence_new(&d, set, row, n, memory, &err);              rows of the set; memory 0: a quarter of the machine's
 *     ken_divergence_measure(d, base, tuned, &watch, &kl, &positions, &err);
 *     ken_divergence_free(d);
 *
 * The base's logits are kept from the first measurement on where they fit (ken_divergence_has_base: then base may be NULL), else computed again:
 * the same numbers either way. */
#ifndef KEN_TUNE_DIVERGENCE_H
#define KEN_TUNE_DIVERGENCE_H
#include "know/watch.h"
#include "nn/forwarder.h"
#include "tune/set.h"

typedef struct ken_divergence ken_divergence;

/* Borrows the set. row (n): indices, copied. */
int ken_divergence_new(ken_divergence **out, const ken_tune_set *set, const size_t *row, size_t n, size_t memory,
                       ken_err *err);
void ken_divergence_free(ken_divergence *d);
bool ken_divergence_has_base(const ken_divergence *d);
/* *kl: the mean over the *positions targets of the rows; NaN when there are none. KEN_EINPUT when a logit is not finite; KEN_ESTOP. threads: of the
 * sums, 0 = all cores; no number depends on them. */
int ken_divergence_measure(ken_divergence *d, ken_forwarder *base, ken_forwarder *tuned, int threads, ken_watch *watch,
                           double *kl, uint64_t *positions, ken_err *err);
/* One position, the plain way: the logits of both (n). What the test of the above compares with. */
double ken_kl_of_logits(const float *base, const float *tuned, int32_t n);
#endif
