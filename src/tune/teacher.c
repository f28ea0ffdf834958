/* teacher.c - forwards a set through the teacher once and keeps its likeliest tokens; see teacher.h.
 *
 * The rows go through the network in waves of tries, as batches are built for learning (batch.c), so that prompts which begin alike cost
 * once. Memory: top_k times 8 bytes for each target, in one piece, known before the first wave: 512 bytes a target at 64, about
 * 16 MB for 6,142 answers of five tokens. */
#include "tune/teacher.h"
#include "base/alloc.h"
#include "nn/topk.h"
#include "nn/kernels.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { TOP_K = 64, WAVE_ROWS = 1024, EXAMPLES = 4096 };
#define TAU         0.5F
#define ALL_BUT     1e-7 /* less than this is rounding of floats, not the rest of a distribution */
#define MEMORY_PART 2

struct ken_teacher_cache {
    int32_t k;        /* kept for each: min(top_k, vocabulary) */
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

typedef struct wave {
    ken_teacher_cache *c;
    void (*exp)(float *out, const float *x, int n);
    int n_vocab;
    float tau;
    size_t first_entry; /* of the wave's logits */
    atomic_bool bad;
} wave;

/* The kept probabilities, as floats, sum to at most 1 but for rounding. When they are all there is to it, rounding must not look like a
 * rest: the learner divides by what the student gives to the rest. */
static void close_rest(float *p, int32_t n)
{
    double others = 0;
    for (int32_t i = 1; i < n; i++) others += (double)p[i];
    if (1 - others - (double)p[0] > ALL_BUT) return;
    p[0] = (float)(1 - others);
    while ((double)p[0] + others < 1) p[0] = nextafterf(p[0], 2);
}

/* sum of exp((z - most) / tau) over the vocabulary. The difference comes first: at a low temperature z / tau would round too much. */
static double total(const wave *w, const float *z, float most)
{
    enum { BLOCK = 256 };
    const float scale = 1.0F / w->tau;
    float x[BLOCK];
    double sum = 0;
    for (int at = 0; at < w->n_vocab; at += BLOCK) {
        const int n = w->n_vocab - at < BLOCK ? w->n_vocab - at : BLOCK;
        for (int j = 0; j < n; j++) x[j] = (z[at + j] - most) * scale;
        w->exp(x, x, n);
        for (int j = 0; j < n; j++) sum += (double)x[j];
    }
    return sum;
}

/* On any thread; i counts the wave's rows with logits. */
static void keep(void *ctx, int32_t i, const float *logits)
{
    wave *w = ctx;
    const size_t k = (size_t)w->c->k, at = (w->first_entry + (size_t)i) * k;
    int32_t *id = w->c->id + at;
    float *p = w->c->p + at;
    if (ken_topk(logits, w->n_vocab, w->c->k, id, p) != w->c->k) {
        atomic_store(&w->bad, true);
        return;
    }
    const float most = p[0];
    const double sum = total(w, logits, most);
    for (size_t j = 0; j < k; j++) p[j] = (float)(exp(((double)p[j] - (double)most) / (double)w->tau) / sum);
    close_rest(p, w->c->k);
}

/* ---- waves ---------------------------------------------------------------------------------------------------------- */

/* A trie as the network wants it: slots are rows, a path is shared by a chain of rows that follow one another. */
typedef struct layout {
    int32_t *pos, *slot, *path_slots, *logit_row;
    int64_t *path;
    size_t cap_pos, cap_slot, cap_path_slots, cap_logit_row, cap_path;
    int32_t n_logits;
} layout;

static void free_layout(layout *y)
{
    ken_free(y->pos);
    ken_free(y->slot);
    ken_free(y->path_slots);
    ken_free(y->logit_row);
    ken_free(y->path);
}

static int lay_out(layout *y, const ken_learn_batch *b, ken_err *err)
{
    const size_t n = (size_t)b->n_rows;
    size_t end = 0;
    if (ken_grow((void **)&y->pos, &y->cap_pos, n, sizeof *y->pos) != 0 ||
        ken_grow((void **)&y->slot, &y->cap_slot, n, sizeof *y->slot) != 0 ||
        ken_grow((void **)&y->path, &y->cap_path, n, sizeof *y->path) != 0 ||
        ken_grow((void **)&y->logit_row, &y->cap_logit_row, n, sizeof *y->logit_row) != 0)
        return ken_fail_nomem(err, "teacher");
    for (size_t r = 0; r < n; r++) {
        const int32_t parent = b->parent[r];
        const bool follows = r > 0 && parent == (int32_t)r - 1;
        y->pos[r] = parent < 0 ? 0 : y->pos[parent] + 1;
        y->slot[r] = (int32_t)r;
        const size_t known = parent < 0 ? 0 : (size_t)y->pos[parent], more = follows ? 1 : (size_t)y->pos[r];
        if (ken_grow((void **)&y->path_slots, &y->cap_path_slots, end + more, sizeof *y->path_slots) != 0)
            return ken_fail_nomem(err, "teacher");
        y->path[r] = follows ? y->path[parent] : (int64_t)end;
        if (!follows && known > 0)
            memcpy(y->path_slots + end, y->path_slots + y->path[parent], known * sizeof *y->path_slots);
        if (parent >= 0) y->path_slots[end + more - 1] = parent;
        end += parent < 0 ? 0 : more;
    }
    y->n_logits = 0;
    for (int32_t i = 0; i < b->n_targets; i++)
        if (i == 0 || b->row[i] != b->row[i - 1]) y->logit_row[y->n_logits++] = b->row[i];
    return KEN_OK;
}

typedef struct maker {
    ken_teacher_cache *c;
    ken_net *net;
    const ken_tune_set *set;
    const ken_tune_row **example; /* (EXAMPLES) the next rows of the set */
    ken_batch_trie trie;
    layout y;
    ken_kv *kv;
    int32_t n_slots; /* of kv */
    wave w;
} maker;

static int forward(maker *m, ken_err *err)
{
    const ken_learn_batch *b = &m->trie.batch;
    int rc = lay_out(&m->y, b, err);
    if (rc == KEN_OK && b->n_rows > m->n_slots) {
        ken_kv_free(m->kv);
        m->kv = NULL;
        m->n_slots = 0;
        rc = ken_kv_new(&m->kv, m->net, b->n_rows, err);
        if (rc == KEN_OK) m->n_slots = b->n_rows;
    }
    if (rc != KEN_OK) return rc;
    const ken_batch f = {.n_rows = b->n_rows,
                         .token = b->token,
                         .pos = m->y.pos,
                         .slot = m->y.slot,
                         .path = m->y.path,
                         .path_slots = m->y.path_slots,
                         .n_logits = m->y.n_logits,
                         .logit_row = m->y.logit_row,
                         .on_logits = keep,
                         .ctx = &m->w};
    m->w.first_entry = m->c->n_entries;
    rc = ken_net_forward(m->net, m->kv, &f, err);
    if (rc == KEN_OK && atomic_load(&m->w.bad))
        rc = ken_fail(err, KEN_EINPUT, "the teacher's logits are not finite; are its weights damaged?");
    return rc;
}

/* The next rows of the set, from `at` on; *n of them. */
static int next_wave(maker *m, size_t at, int32_t wave_rows, size_t *n, ken_err *err)
{
    ken_teacher_cache *c = m->c;
    const ken_batch_how how = {.share = true, .scale = 1};
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

int ken_teacher_cache_new(ken_teacher_cache **out, ken_net *net, const ken_tune_set *set, const ken_teacher_options *o,
                          ken_err *err)
{
    const ken_config *config = ken_net_config(net);
    const int32_t top_k = o->top_k > 0 ? o->top_k : TOP_K, wave_rows = o->wave_rows > 0 ? o->wave_rows : WAVE_ROWS;
    *out = NULL;
    if (!isfinite(o->tau) || o->tau < 0)
        return ken_fail(err, KEN_EUSAGE, "the teacher's temperature is %g; more than 0 is expected", (double)o->tau);
    ken_teacher_cache *c = ken_calloc(1, sizeof *c);
    if (c == NULL) return ken_fail_nomem(err, "teacher");
    c->k = top_k < config->n_vocab ? top_k : config->n_vocab;
    maker m = {
        .c = c,
        .net = net,
        .set = set,
        .w = {
            .c = c, .exp = ken_kernels_get(o->isa)->exp, .n_vocab = config->n_vocab, .tau = o->tau > 0 ? o->tau : TAU}};
    int rc = make_room(c, set, o, err);
    m.example = ken_alloc(EXAMPLES, sizeof *m.example);
    if (rc == KEN_OK && m.example == NULL) rc = ken_fail_nomem(err, "teacher");
    for (size_t at = 0, n; at < c->n_rows && rc == KEN_OK; at += n) {
        rc = next_wave(&m, at, wave_rows, &n, err);
        if (rc == KEN_OK && o->done != NULL) o->done(o->ctx, at + n, c->n_rows);
    }
    ken_free(m.example);
    ken_kv_free(m.kv);
    free_layout(&m.y);
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
