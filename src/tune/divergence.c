/* divergence.c - both networks over waves of the same trie; see divergence.h.
 *
 * KL = sum over v of p(v) (ln p(v) - ln q(v)), with p the base's and q the tuned one's softmax at temperature 1: exact, no part of the vocabulary
 * left out. Logits are f32, sums double. Waves are cut by the vocabulary alone, and each position is summed by one thread in the order of the
 * vocabulary, so that no number depends on threads or memory. */
#include "tune/divergence.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/batch_build.h"
#include "tune/batch.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { WAVE_LOGITS = 1 << 24, MOST_ROWS = 1024, LEAST_ROWS = 16, EXAMPLES = 4096, MEMORY_PART = 4 };

/* The logits of one network at the target positions of a wave. */
typedef struct logits {
    float *z;    /* (n, V) */
    double *sum; /* (n) ln sum exp(z) */
    size_t cap_z, cap_sum;
} logits;

typedef struct network {
    ken_forwarder *f;
    ken_kv *kv;
    int32_t n_slots; /* of kv */
} network;

struct ken_divergence {
    const ken_tune_set *set;
    size_t *row; /* (n) */
    size_t n;
    size_t memory;
    int32_t *all, V; /* (V) every token */
    const ken_tune_row **example;
    ken_batch_trie trie;
    ken_batch_build y;
    logits base, tuned; /* of the wave */
    double *kl;         /* (positions of the wave) */
    size_t cap_kl;
    float *kept; /* (n_kept, V) the base's logits of all waves, one after the other; NULL = not kept */
    double *kept_sum;
    bool complete; /* kept holds everything */
};

static size_t part_of_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages / MEMORY_PART * (size_t)size : SIZE_MAX;
}

int ken_divergence_new(ken_divergence **out, const ken_tune_set *set, const size_t *row, size_t n, size_t memory,
                       ken_err *err)
{
    *out = NULL;
    ken_divergence *d = ken_calloc(1, sizeof *d);
    if (d == NULL) return ken_fail_nomem(err, "divergence");
    *d = (ken_divergence){.set = set, .n = n, .memory = memory > 0 ? memory : part_of_memory()};
    d->row = ken_alloc(n, sizeof *d->row);
    d->example = ken_alloc(EXAMPLES, sizeof *d->example);
    if (d->row == NULL || d->example == NULL) {
        ken_divergence_free(d);
        return ken_fail_nomem(err, "divergence");
    }
    if (n > 0) memcpy(d->row, row, n * sizeof *row);
    *out = d;
    return KEN_OK;
}

void ken_divergence_free(ken_divergence *d)
{
    if (d == NULL) return;
    void *all[] = {d->row, d->all,  (void *)d->example, d->base.z, d->base.sum, d->tuned.z, d->tuned.sum,
                   d->kl,  d->kept, d->kept_sum};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_batch_trie_free(&d->trie);
    ken_batch_build_free(&d->y);
    ken_free(d);
}

bool ken_divergence_has_base(const ken_divergence *d) { return d->complete; }

/* ---- one position --------------------------------------------------------------------------------------------------- */

static double divergence_of(const float *base, double base_sum, const float *tuned, double tuned_sum, int32_t n)
{
    double kl = 0;
    for (int32_t v = 0; v < n; v++) {
        const double p = (double)base[v] - base_sum;
        kl += exp(p) * (p - ((double)tuned[v] - tuned_sum));
    }
    return kl;
}

static double log_sum(const float *z, int32_t n)
{
    double most = (double)z[0];
    for (int32_t v = 1; v < n; v++) most = fmax(most, (double)z[v]);
    double sum = exp((double)z[0] - most);
    for (int32_t v = 1; v < n; v++) sum += exp((double)z[v] - most);
    return log(sum) + most;
}

double ken_kl_of_logits(const float *base, const float *tuned, int32_t n)
{
    return divergence_of(base, log_sum(base, n), tuned, log_sum(tuned, n), n);
}

/* ---- a wave --------------------------------------------------------------------------------------------------------- */

/* The logits of one network at the positions (n) of the wave in d->trie. */
static int forward(ken_divergence *d, network *of, logits *out, size_t n, ken_err *err)
{
    const ken_learn_batch *b = &d->trie.batch;
    const size_t V = (size_t)d->V;
    if (ken_grow((void **)&out->z, &out->cap_z, n * V, sizeof *out->z) != 0 ||
        ken_grow((void **)&out->sum, &out->cap_sum, n, sizeof *out->sum) != 0)
        return ken_fail_nomem(err, "logits");
    int rc = ken_batch_rows(&d->y, b->n_rows, b->token, b->parent, err);
    size_t at = 0;
    for (int32_t i = 0; i < b->n_targets && rc == KEN_OK; i++) {
        if (i > 0 && b->row[i] == b->row[i - 1]) continue;
        rc = ken_batch_read(&d->y,
                            &(ken_reading){.row = b->row[i],
                                           .n_want = d->V,
                                           .want = d->all,
                                           .want_logit = out->z + at * V,
                                           .log_sum = &out->sum[at]},
                            err);
        at++;
    }
    if (rc == KEN_OK && b->n_rows > of->n_slots) {
        ken_cache_free(of->f, of->kv);
        of->kv = NULL;
        of->n_slots = 0;
        rc = ken_cache_new(&of->kv, of->f, b->n_rows, err);
        if (rc == KEN_OK) of->n_slots = b->n_rows;
    }
    if (rc == KEN_OK) rc = ken_forward(of->f, of->kv, &d->y.batch, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++)
        if (!isfinite(out->sum[i]))
            rc = ken_fail(err, KEN_EINPUT, "the logits are not finite; are the weights damaged?");
    return rc;
}

/* Room for what the base says, if there may be so much; without it nothing is kept. */
static void make_room(ken_divergence *d)
{
    const size_t V = (size_t)d->V;
    size_t targets = 0;
    for (size_t i = 0; i < d->n; i++) {
        const ken_tune_row *r = ken_tune_set_row(d->set, d->row[i]);
        targets += (size_t)(r->n_ids - r->n_prompt);
    }
    if (d->kept != NULL || targets > d->memory / (V * sizeof *d->kept)) return;
    d->kept = ken_alloc(targets * V, sizeof *d->kept);
    d->kept_sum = ken_alloc(targets, sizeof *d->kept_sum);
    if (d->kept != NULL && d->kept_sum != NULL) return;
    ken_free(d->kept);
    ken_free(d->kept_sum);
    d->kept = NULL;
    d->kept_sum = NULL;
}

/* Adds the wave's targets to *sum; *at: positions before it, as they are kept. */
static int add_wave(ken_divergence *d, network *base, network *tuned, int threads, size_t *at, double *sum,
                    ken_err *err)
{
    const ken_learn_batch *b = &d->trie.batch;
    const size_t V = (size_t)d->V;
    size_t n = 0;
    for (int32_t i = 0; i < b->n_targets; i++) n += i == 0 || b->row[i] != b->row[i - 1];
    int rc = d->complete ? KEN_OK : forward(d, base, &d->base, n, err);
    if (rc == KEN_OK) rc = forward(d, tuned, &d->tuned, n, err);
    if (rc == KEN_OK && ken_grow((void **)&d->kl, &d->cap_kl, n, sizeof *d->kl) != 0)
        rc = ken_fail_nomem(err, "divergence");
    if (rc != KEN_OK) return rc;
    if (!d->complete && d->kept != NULL) {
        memcpy(d->kept + *at * V, d->base.z, n * V * sizeof *d->kept);
        memcpy(d->kept_sum + *at, d->base.sum, n * sizeof *d->kept_sum);
    }
    const float *z = d->complete ? d->kept + *at * V : d->base.z;
    const double *z_sum = d->complete ? d->kept_sum + *at : d->base.sum;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t i = 0; i < n; i++)
        d->kl[i] = divergence_of(z + i * V, z_sum[i], d->tuned.z + i * V, d->tuned.sum[i], d->V);
    for (int32_t i = 0, k = -1; i < b->n_targets; i++) {
        k += i == 0 || b->row[i] != b->row[i - 1];
        *sum += d->kl[k];
    }
    *at += n;
    return KEN_OK;
}

static int name_tokens(ken_divergence *d, int32_t n, ken_err *err)
{
    if (d->all != NULL) return KEN_OK;
    d->all = ken_alloc((size_t)n, sizeof *d->all);
    if (d->all == NULL) return ken_fail_nomem(err, "divergence");
    for (int32_t v = 0; v < n; v++) d->all[v] = v;
    d->V = n;
    return KEN_OK;
}

int ken_divergence_measure(ken_divergence *d, ken_forwarder *base, ken_forwarder *tuned, int threads, ken_watch *watch,
                           double *kl, uint64_t *positions, ken_err *err)
{
    const ken_batch_options how = {.share = true, .scale = 1};
    network net[2] = {{.f = base}, {.f = tuned}};
    double sum = 0;
    size_t kept = 0, fit;
    *positions = 0;
    *kl = NAN;
    int rc = name_tokens(d, tuned->config->n_vocab, err);
    if (rc != KEN_OK) return rc;
    int32_t most = WAVE_LOGITS / d->V;
    most = most < LEAST_ROWS ? LEAST_ROWS : most > MOST_ROWS ? MOST_ROWS : most;
    if (!d->complete) make_room(d);
    for (size_t at = 0; at < d->n && rc == KEN_OK; at += fit) {
        const size_t left = d->n - at < EXAMPLES ? d->n - at : EXAMPLES;
        fit = 0;
        for (size_t i = 0; i < left; i++) d->example[i] = ken_tune_set_row(d->set, d->row[at + i]);
        rc = ken_batch_fit(&fit, d->example, left, true, most, err);
        if (rc == KEN_OK) rc = ken_batch_trie_build(&d->trie, d->example, fit, &how, err);
        if (rc == KEN_OK) rc = add_wave(d, &net[0], &net[1], ken_threads(threads), &kept, &sum, err);
        if (rc == KEN_OK) *positions += (uint64_t)d->trie.batch.n_targets;
        if (rc == KEN_OK) rc = ken_watch_check(watch, err);
    }
    for (int i = 0; i < 2; i++)
        if (net[i].f != NULL) ken_cache_free(net[i].f, net[i].kv);
    if (rc == KEN_OK) d->complete = d->kept != NULL;
    if (rc == KEN_OK && *positions > 0) *kl = sum / (double)*positions;
    return rc;
}
