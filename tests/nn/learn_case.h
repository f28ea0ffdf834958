/* learn_case.h - what test_gradients.c and test_learner.c share: the examples of a fixture of tests/oracles/train_gradients.py as batches,
 * and a learner over one of the tiny models, full or low-rank. */
#ifndef KEN_TEST_LEARN_CASE_H
#define KEN_TEST_LEARN_CASE_H
#include "fixture.h"
#include "nn/learn.h"
#include "tune/batch.h"
#include <math.h>
#include <stdlib.h>

enum { MAX_EXAMPLES = 8, MAX_IDS = 32, MAX_TARGETS = 64, MAX_LISTED = 8, N_FAMILIES = 7 };
static const char *const families[N_FAMILIES] = {"llama-tied", "llama-bias", "llama3", "llama-linear",
                                                 "mistral",    "qwen2",      "qwen3"};

typedef struct learn_case {
    int n, n_targets;
    ken_tune_row example[MAX_EXAMPLES];
    int32_t ids[MAX_EXAMPLES][MAX_IDS];
    int first_target[MAX_EXAMPLES];
    ken_teacher teacher[MAX_TARGETS];
    int32_t listed[MAX_TARGETS][MAX_LISTED];
    float p[MAX_TARGETS][MAX_LISTED];
    float kl_weight, tau, alpha;
    int rank;
} learn_case;

/* f stays open, at the number of its cases. */
static inline void learn_case_open(learn_case *c, fixture *f, const char *family)
{
    static const char *const names[MAX_EXAMPLES] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    char name[64];
    snprintf(name, sizeof name, "gradients-%s.bin", family);
    fixture_open_oracle(f, name, "KENGRAD1");
    memset(c, 0, sizeof *c);
    c->n = fixture_int(f);
    assert_in_range(c->n, 1, MAX_EXAMPLES);
    for (int i = 0; i < c->n; i++) {
        ken_tune_row *e = &c->example[i];
        e->id = names[i], e->relation = e->task = "";
        e->n_ids = fixture_int(f), e->n_prompt = fixture_int(f);
        assert_in_range(e->n_ids, 2, MAX_IDS);
        fixture_read(f, c->ids[i], (size_t)e->n_ids, sizeof *c->ids[i]);
        fixture_read(f, &e->weight, 1, sizeof e->weight);
        e->ids = c->ids[i];
        c->first_target[i] = c->n_targets;
        c->n_targets += e->n_ids - e->n_prompt;
    }
    assert_in_range(c->n_targets, 1, MAX_TARGETS);
    fixture_read(f, &c->kl_weight, 1, sizeof c->kl_weight);
    fixture_read(f, &c->tau, 1, sizeof c->tau);
    for (int i = 0; i < c->n_targets; i++) {
        const int n = fixture_int(f);
        assert_in_range(n, 0, MAX_LISTED);
        fixture_read(f, c->listed[i], (size_t)n, sizeof *c->listed[i]);
        fixture_read(f, c->p[i], (size_t)n, sizeof *c->p[i]);
        c->teacher[i] = (ken_teacher){n, c->listed[i], c->p[i]};
    }
    c->rank = fixture_int(f);
    fixture_read(f, &c->alpha, 1, sizeof c->alpha);
}

/* Some of the examples as a batch. */
typedef struct learn_batch {
    ken_batch_trie trie;
    ken_learn_batch b;
    int from[MAX_TARGETS]; /* (n_targets) which of the fixture's targets each of the batch is */
    ken_teacher teacher[MAX_TARGETS];
} learn_batch;

static inline uint64_t path_mask(uint64_t above, int32_t token)
{
    uint64_t x = (above ^ (uint64_t)(uint32_t)token) * 0x9e3779b97f4a7c15U + 0x632be59bd9b4e019U;
    return x ^ (x >> 29);
}

/* Examples first..first+n-1, each shared prefix once or each example on its own. Dropout masks are drawn from the path and `key` either
 * way, so that both are the same function of the weights. */
static inline void learn_batch_new(learn_batch *t, const learn_case *c, int first, int n, bool share, bool kl,
                                   uint64_t key)
{
    const ken_batch_options how = {.share = share, .scale = 1, .mask_key = key};
    const ken_tune_row *example[MAX_EXAMPLES];
    int seen[MAX_EXAMPLES] = {0};
    ken_err err;
    memset(t, 0, sizeof *t);
    for (int i = 0; i < n; i++) example[i] = &c->example[first + i];
    if (ken_batch_trie_build(&t->trie, example, (size_t)n, &how, &err) != KEN_OK) fail_msg("%s", err.msg);
    t->b = t->trie.batch;
    for (int r = 0; r < t->b.n_rows; r++)
        t->trie.mask[r] = path_mask(t->b.parent[r] < 0 ? key : t->trie.mask[t->b.parent[r]], t->b.token[r]);
    for (int i = 0; i < t->b.n_targets; i++) {
        const int e = t->trie.example[i];
        t->from[i] = c->first_target[first + e] + seen[e]++;
        t->teacher[i] = c->teacher[t->from[i]];
    }
    if (!kl) return;
    t->b.teacher = t->teacher;
    t->b.kl_weight = c->kl_weight;
    t->b.tau = c->tau;
}

static inline void learn_batch_free(learn_batch *t) { ken_batch_trie_free(&t->trie); }

/* A tiny model with what is trained of it. */
typedef struct learn_setup {
    ken_model *m;
    ken_params *params; /* NULL: low-rank */
    ken_lora *lora;     /* NULL: full */
    ken_learner *l;
} learn_setup;

static inline float lora_value(size_t i) /* the formula of train_gradients.py */
{
    return (float)((i * 7919 + 13) % 1009) / 1024.0F - 0.4921875F;
}

/* how: everything but params and lora. file: "/model.gguf", or "" for the folder. KEN_EUSAGE: this machine cannot (bf16); else fails. */
static inline int learn_setup_new(learn_setup *s, const learn_case *c, const char *family, const char *file, bool lora,
                                  const ken_learn_options *how, ken_err *err)
{
    char path[512];
    snprintf(path, sizeof path, KEN_FIXTURES "/model/tiny-%s%s", family, file);
    ken_learn_options o = *how;
    memset(s, 0, sizeof *s);
    if (ken_model_open(&s->m, path, err) != KEN_OK) fail_msg("%s", err->msg);
    if (lora) {
        if (ken_lora_new(&s->lora, ken_model_config(s->m), c->rank, c->alpha, (1U << KEN_N_MODULES) - 1, err) != KEN_OK)
            fail_msg("%s", err->msg);
        for (size_t i = 0; i < s->lora->n; i++) s->lora->data[i] = lora_value(i);
        o.lora = s->lora;
    } else {
        if (ken_params_load(&s->params, s->m, 1, err) != KEN_OK) fail_msg("%s", err->msg);
        o.params = s->params;
    }
    const int status = ken_learner_new(&s->l, s->m, &o, err);
    if (status != KEN_OK && status != KEN_EUSAGE) fail_msg("%s", err->msg);
    return status;
}

static inline void learn_setup_free(learn_setup *s)
{
    ken_learner_free(s->l);
    ken_params_free(s->params);
    ken_lora_free(s->lora);
    ken_model_free(s->m);
}

/* One pass; gradients are added to what is there. */
static inline void learn_once(const learn_setup *s, const learn_batch *t, float *loss, float *kl)
{
    ken_err err;
    if (ken_learn(s->l, &t->b, loss, kl, &err) != KEN_OK) fail_msg("%s", err.msg);
}

/* The gradient of the value at w, which some segment holds; NULL when none does. */
static inline const float *gradient_at(const ken_learner *l, const float *w)
{
    int n;
    const ken_segment *s = ken_learner_segments(l, &n);
    for (int i = 0; i < n; i++)
        if (w >= s[i].w && w < s[i].w + s[i].n) return s[i].g + (w - s[i].w);
    return NULL;
}

static inline size_t trained_size(const ken_learner *l)
{
    int n;
    size_t all = 0;
    const ken_segment *s = ken_learner_segments(l, &n);
    for (int i = 0; i < n; i++) all += s[i].n;
    return all;
}

/* All gradients one behind the other; the caller's, free(). */
static inline float *copy_gradients(const ken_learner *l)
{
    int n;
    const ken_segment *s = ken_learner_segments(l, &n);
    float *out = malloc(trained_size(l) * sizeof *out), *at = out;
    for (int i = 0; i < n; at += s[i++].n) memcpy(at, s[i].g, s[i].n * sizeof *at);
    return out;
}

/* The largest difference of gradients relative to the largest gradient of its segment, over all segments. */
static inline double worst_difference(const ken_learner *l, const float *want)
{
    int n;
    double worst = 0;
    const ken_segment *s = ken_learner_segments(l, &n);
    for (int i = 0; i < n; want += s[i++].n) {
        double largest = 0, apart = 0;
        for (size_t k = 0; k < s[i].n; k++) {
            largest = fmax(largest, fabs((double)want[k]));
            const double d = fabs((double)s[i].g[k] - (double)want[k]);
            if (!(d <= apart)) apart = d;
        }
        const double part = apart == 0 ? 0 : apart / largest;
        if (!(part <= worst)) worst = part;
    }
    return worst;
}
#endif
