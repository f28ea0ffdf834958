/* teacher.c - forwards a set through the teacher once and stores its likeliest tokens; see teacher.h.
 *
 * The rows go through the network in waves of tries, as batches are built for learning (batch.c), so that prompts which begin alike cost
 * once. Memory: top_k times 8 bytes for each target, in one piece, known before the first wave: 512 bytes a target at 64, about
 * 16 MB for 6,142 answers of five tokens. */
#include "tune/teacher.h"
#include "base/alloc.h"
#include "nn/batch_build.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { TOP_K = 64, WAVE_ROWS = 1024, EXAMPLES = 4096 };
#define TAU         0.5F
#define ALL_BUT     1e-7 /* less than this is rounding of floats, not the rest of a distribution */
#define MEMORY_PART 2

struct ken_teacher_cache {
    int32_t k;        /* tokens of each target: min(top_k, vocabulary) */
    size_t n_entries; /* so far */
    int32_t *id;      /* (n_targets, k) */
    float *p;         /* (n_targets, k) */
    size_t n_rows, n_targets;
    size_t *first;   /* (n_rows + 1) the first target of each row */
    uint32_t *entry; /* (n_targets) targets at the same place of the trie share one */
    size_t bytes;
    int32_t *next; /* scratch of a batch: targets seen of each example */
    size_t cap_next;
};

/* ---- one position --------------------------------------------------------------------------------------------------- */

/* The kept probabilities, as floats, sum to at most 1 but for rounding. When they are the whole distribution, rounding must not leave a
 * rest: the learner divides by what the student gives to the rest. */
static void close_rest(float *p, int32_t n)
{
    double others = 0;
    for (int32_t i = 1; i < n; i++) others += (double)p[i];
    if (1 - others - (double)p[0] > ALL_BUT) return;
    p[0] = (float)(1 - others);
    while ((double)p[0] + others < 1) p[0] = nextafterf(p[0], 2);
}

/* p (n) of one target, largest first: logits in, probabilities at temperature tau out. sum: of ken_reading. */
static void to_probabilities(float *p, int32_t n, float tau, double sum)
{
    const float most = p[0];
    for (int32_t j = 0; j < n; j++) p[j] = (float)(exp(((double)p[j] - (double)most) / (double)tau) / sum);
    close_rest(p, n);
}

/* ---- waves ---------------------------------------------------------------------------------------------------------- */

typedef struct maker {
    ken_teacher_cache *c;
    ken_forwarder *f;
    float tau;
    const ken_tune_set *set;
    const ken_tune_row **example; /* (EXAMPLES) the next rows of the set */
    ken_batch_trie trie;
    ken_batch_build y;
    double *sum; /* (rows with targets) of each one's softmax */
    size_t cap_sum;
    ken_kv *kv;
    int32_t n_slots; /* of kv */
} maker;

static int forward(maker *m, ken_err *err)
{
    const ken_learn_batch *b = &m->trie.batch;
    const ken_teacher_cache *c = m->c;
    const size_t k = (size_t)c->k;
    if (ken_grow((void **)&m->sum, &m->cap_sum, (size_t)b->n_targets, sizeof *m->sum) != 0)
        return ken_fail_nomem(err, "teacher");
    int rc = ken_batch_rows(&m->y, b->n_rows, b->token, b->parent, err);
    for (int32_t i = 0; i < b->n_targets && rc == KEN_OK; i++) {
        if (i > 0 && b->row[i] == b->row[i - 1]) continue;
        const size_t n = (size_t)m->y.batch.n_readings, at = (c->n_entries + n) * k;
        rc = ken_batch_read(
            &m->y,
            &(ken_reading){
                .row = b->row[i], .k = c->k, .id = c->id + at, .logit = c->p + at, .tau = m->tau, .sum = m->sum + n},
            err);
    }
    if (rc == KEN_OK && b->n_rows > m->n_slots) {
        ken_cache_free(m->f, m->kv);
        m->kv = NULL;
        m->n_slots = 0;
        rc = ken_cache_new(&m->kv, m->f, b->n_rows, err);
        if (rc == KEN_OK) m->n_slots = b->n_rows;
    }
    if (rc == KEN_OK) rc = ken_forward(m->f, m->kv, &m->y.batch, err);
    for (int32_t i = 0; i < m->y.batch.n_readings && rc == KEN_OK; i++) {
        const ken_reading *r = &m->y.reading[i];
        if (r->n != c->k)
            return ken_fail(err, KEN_EINPUT, "the teacher's logits are not finite; are its weights damaged?");
        to_probabilities(r->logit, c->k, m->tau, *r->sum);
    }
    return rc;
}

/* The next rows of the set, from `at` on; *n of them. */
static int next_wave(maker *m, size_t at, int32_t wave_rows, size_t *n, ken_err *err)
{
    ken_teacher_cache *c = m->c;
    const ken_batch_options how = {.share = true, .scale = 1};
    const size_t left = c->n_rows - at, most = left < EXAMPLES ? left : EXAMPLES;
    for (size_t i = 0; i < most; i++) m->example[i] = ken_tune_set_row(m->set, at + i);
    int rc = ken_batch_fit(n, m->example, most, true, wave_rows, err);
    if (rc == KEN_OK) rc = ken_batch_trie_build(&m->trie, m->example, *n, &how, err);
    if (rc == KEN_OK) rc = forward(m, err);
    if (rc != KEN_OK) return rc;
    const ken_learn_batch *b = &m->trie.batch;
    if (ken_grow((void **)&c->next, &c->cap_next, *n, sizeof *c->next) != 0) return ken_fail_nomem(err, "teacher");
    memset(c->next, 0, *n * sizeof *c->next);
    size_t e = c->n_entries;
    for (int32_t i = 0; i < b->n_targets; i++) {
        if (i > 0 && b->row[i] != b->row[i - 1]) e++;
        const int32_t x = m->trie.example[i];
        c->entry[c->first[at + (size_t)x] + (size_t)c->next[x]++] = (uint32_t)e;
    }
    c->n_entries = e + 1;
    return KEN_OK;
}

/* ---- the cache ------------------------------------------------------------------------------------------------------ */

static size_t default_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages / MEMORY_PART * (size_t)size : SIZE_MAX;
}

static int make_room(ken_teacher_cache *c, const ken_tune_set *set, const ken_teacher_options *o, ken_err *err)
{
    const size_t memory = o->memory > 0 ? o->memory : default_memory(), each = sizeof *c->id + sizeof *c->p;
    c->n_rows = ken_tune_set_count(set);
    c->first = ken_alloc(c->n_rows + 1, sizeof *c->first);
    if (c->first == NULL) return ken_fail_nomem(err, "teacher");
    for (size_t i = 0; i < c->n_rows; i++) {
        const ken_tune_row *r = ken_tune_set_row(set, i);
        c->first[i] = c->n_targets;
        c->n_targets += (size_t)(r->n_ids - r->n_prompt);
    }
    c->first[c->n_rows] = c->n_targets;
    if (c->n_targets >= UINT32_MAX)
        return ken_fail(err, KEN_EUSAGE, "the teacher would answer at %zu targets; at most 2^32 are possible",
                        c->n_targets);
    c->bytes = (c->n_rows + 1) * sizeof *c->first + c->n_targets * (sizeof *c->entry + each * (size_t)c->k);
    if (c->bytes > memory)
        return ken_fail(err, KEN_EUSAGE,
                        "the teacher's %d likeliest tokens at %zu targets take %.1f GiB, %.1f are allowed; keep fewer "
                        "tokens, or train on fewer rows",
                        c->k, c->n_targets, (double)c->bytes / 0x1p30, (double)memory / 0x1p30);
    c->entry = ken_alloc(c->n_targets, sizeof *c->entry);
    c->id = ken_alloc(c->n_targets * (size_t)c->k, sizeof *c->id);
    c->p = ken_alloc(c->n_targets * (size_t)c->k, sizeof *c->p);
    return c->entry == NULL || c->id == NULL || c->p == NULL ? ken_fail_nomem(err, "teacher") : KEN_OK;
}

int ken_teacher_cache_new(ken_teacher_cache **out, ken_forwarder *f, const ken_tune_set *set,
                          const ken_teacher_options *o, ken_err *err)
{
    const int32_t n_vocab = f->config->n_vocab;
    const int32_t top_k = o->top_k > 0 ? o->top_k : TOP_K, wave_rows = o->wave_rows > 0 ? o->wave_rows : WAVE_ROWS;
    *out = NULL;
    if (!isfinite(o->tau) || o->tau < 0)
        return ken_fail(err, KEN_EUSAGE, "the teacher's temperature is %g; more than 0 is expected", (double)o->tau);
    ken_teacher_cache *c = ken_calloc(1, sizeof *c);
    if (c == NULL) return ken_fail_nomem(err, "teacher");
    c->k = top_k < n_vocab ? top_k : n_vocab;
    maker m = {.c = c, .f = f, .tau = o->tau > 0 ? o->tau : TAU, .set = set};
    int rc = make_room(c, set, o, err);
    m.example = ken_alloc(EXAMPLES, sizeof *m.example);
    if (rc == KEN_OK && m.example == NULL) rc = ken_fail_nomem(err, "teacher");
    for (size_t at = 0, n; at < c->n_rows && rc == KEN_OK; at += n) {
        rc = next_wave(&m, at, wave_rows, &n, err);
        if (rc == KEN_OK) ken_watch_done(o->watch, at + n, c->n_rows);
    }
    ken_free(m.example);
    ken_free(m.sum);
    ken_cache_free(f, m.kv);
    ken_batch_build_free(&m.y);
    ken_batch_trie_free(&m.trie);
    if (rc == KEN_OK) *out = c;
    else ken_teacher_cache_free(c);
    return rc;
}

void ken_teacher_cache_free(ken_teacher_cache *c)
{
    if (c == NULL) return;
    ken_free(c->id);
    ken_free(c->p);
    ken_free(c->first);
    ken_free(c->entry);
    ken_free(c->next);
    ken_free(c);
}

size_t ken_teacher_cache_bytes(const ken_teacher_cache *c) { return c->bytes; }

ken_teacher ken_teacher_cache_get(const ken_teacher_cache *c, size_t row, int32_t target)
{
    if (row >= c->n_rows || target < 0 || (size_t)target >= c->first[row + 1] - c->first[row]) return (ken_teacher){0};
    const size_t at = (size_t)c->entry[c->first[row] + (size_t)target] * (size_t)c->k;
    return (ken_teacher){.n = c->k, .id = c->id + at, .p = c->p + at};
}

int ken_teacher_cache_batch(ken_teacher_cache *c, const ken_batch_trie *t, const size_t *row, size_t n,
                            ken_teacher *out, ken_err *err)
{
    if (ken_grow((void **)&c->next, &c->cap_next, n, sizeof *c->next) != 0) return ken_fail_nomem(err, "teacher");
    memset(c->next, 0, n * sizeof *c->next);
    for (int32_t i = 0; i < t->batch.n_targets; i++) {
        const int32_t x = t->example[i];
        out[i] = ken_teacher_cache_get(c, row[x], c->next[x]++);
    }
    return KEN_OK;
}
