/* test_walk.c - the walk, the sampler and the engine under them, on networks small enough to enumerate. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "fake_net.h"
#include "know/sample.h"
#include "know/walk.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define T 0.5

static ken_tokenizer *tokenizer(const char *const *pieces, int n, int eos)
{
    ken_str p[64];
    uint8_t types[64];
    for (int i = 0; i < n; i++) {
        p[i] = (ken_str){pieces[i], strlen(pieces[i])};
        types[i] = i == eos ? KEN_TT_CONTROL : KEN_TT_NORMAL;
    }
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_GPT2,
                      .n_vocab = n,
                      .pieces = p,
                      .types = types,
                      .bos = -1,
                      .eos = eos,
                      .unk = -1};
    ken_tokenizer *t;
    ken_err err;
    if (ken_tokenizer_new(&t, &s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return t;
}

/* ---- the toy tree of docs/method/knowledge.md#examples ----------------------------------------------------------------- */

/* ids 0 "\n", 1 " Paris", 2 " Par", 3 "is", 4 " Rome", 5 ".\n", 6 the prompt; byte-level spelling: space is U+0120, newline U+010A. */
static const char *const toy_pieces[] = {"\u010a", "\u0120Paris", "\u0120Par", "is", "\u0120Rome", ".\u010a", "?"};

static void toy_logits(const int32_t *path, int32_t n, float *logits)
{
    double q[7] = {0};
    int32_t last = path[n - 1];
    if (last == 6) q[1] = .5, q[2] = .2, q[4] = .3;
    else if (last == 2) q[3] = .9, q[0] = .1;
    else q[0] = .7, q[5] = .2, q[4] = .1;
    for (int v = 0; v < 7; v++) logits[v] = q[v] > 0 ? (float)(T * log(q[v])) : -1e4f;
}

static void run_walk(ken_engine *e, ken_question *w)
{
    ken_err err;
    while (!w->done) {
        if (ken_engine_wave(e, &err) != KEN_OK) fail_msg("%s", err.msg);
        if (w->waiting == 0 && w->kind->advance(w, &err) != KEN_OK) fail_msg("%s", err.msg);
    }
}

/* The golds under a matcher; the rules live as long as they do. */
typedef struct made_golds {
    ken_gold_rules rules;
    ken_golds g;
} made_golds;

static made_golds *golds_for(const ken_matcher *m, const char *const *golds, int n)
{
    made_golds *x = malloc(sizeof *x);
    ken_err err;
    assert_non_null(x);
    if (ken_gold_rules_new(&x->rules, m->name, "\n", NULL, 0, &err) != KEN_OK ||
        ken_golds_new(&x->g, &x->rules, golds, n, NULL, 0, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return x;
}

static void free_golds(made_golds *x)
{
    ken_golds_free(&x->g);
    ken_gold_rules_free(&x->rules);
    free(x);
}

static void toy_case(const ken_matcher *m, double eps, double lo, double hi)
{
    fake_net_set(7, 64, toy_logits);
    ken_tokenizer *t = tokenizer(toy_pieces, 7, -1);
    ken_rules r = {.tokenizer = t,
                   .top_k = 40,
                   .temperature = T,
                   .max_new = 32,
                   .stop = "\n",
                   .n_stop = 1,
                   .prompts = 1,
                   .samples = 16,
                   .texts = true,
                   .eps = eps};
    ken_engine *e;
    ken_err err;
    assert_int_equal(ken_engine_new(&e, fake_net(), NULL, &err), KEN_OK);
    const char *gold[] = {"Paris"};
    made_golds *a = golds_for(m, gold, 1);
    ken_node root;
    int32_t prompt[] = {6};
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 1, &root, &err), KEN_OK);
    ken_question *w;
    assert_int_equal(ken_walk_new(&w, e, &r, &a->g, &root, 1, KEN_WALK_SAVE_PATHS, &err), KEN_OK);
    run_walk(e, w);
    const ken_walk_prompt *p = ken_walk_get(w, 0);
    assert_true(fabs(p->p_lo - lo) < 1e-6);
    assert_true(fabs(p->p_hi - hi) < 1e-6);
    assert_true(p->hit);
    assert_true(p->hit_raw);
    assert_string_equal(p->text, " Paris");
    assert_true(fabs(p->text_p - .35) < 1e-6);
    assert_true(fabs(p->margin - T * log(.5 / .3)) < 1e-5);
    double sum = 0;
    for (int i = 0; i < p->n_paths; i++) sum += p->paths[i].p;
    assert_true(fabs(sum - p->p_lo) < 1e-12);
    if (eps < 1e-3) assert_true(fabs(p->raw_lo - .476) < 1e-6);
    ken_question_free(w);
    ken_engine_release(e, root);
    ken_engine_free(e);
    free_golds(a);
    ken_tokenizer_free(t);
}

static void test_toy_tree(void **state)
{
    (void)state;
    toy_case(&ken_em_raw, 0, .476, .476);
    toy_case(&ken_em_squad, 0, .612, .612);
    toy_case(&ken_em_squad, .25, .45, .65);
    toy_case(&ken_em_raw, .25, .35, .55);
}

/* ---- random networks, enumerated ------------------------------------------------------------------------------------ */

static const char *const pieces[] = {"\u010a", "a",        "b",         "\u0120a",   "\u0120b", "ab",
                                     ".",      "x\u010ay", "\u0120the", "\u0120The", "A",       "</s>"};
enum { V = 12, EOS = 11, L_MAX = 4 };
static uint64_t net_seed;

static void random_logits(const int32_t *path, int32_t n, float *logits)
{
    for (int v = 0; v < V; v++)
        logits[v] =
            (float)(2.0 * ken_uniform(net_seed, (const char *)path, (size_t)n * sizeof *path, (uint32_t)v, 0, 0));
}

static const char *const bytes_of[] = {"\n", "a", "b", " a", " b", "ab", ".", "x\ny", " the", " The", "A", ""};

/* p of docs/method/knowledge.md#random-process, straight from the definition: every path, no pruning. */
static double enumerate(const ken_accept *a, int32_t *path, int32_t n, int depth, const char *x, double rho, int top_k)
{
    if (depth == L_MAX) return ken_accept_matches(a, x, strlen(x)) ? rho : 0;
    float l[V];
    random_logits(path, n, l);
    int order[V];
    for (int i = 0; i < V; i++) order[i] = i;
    for (int i = 0; i < V; i++)
        for (int j = i + 1; j < V; j++)
            if (l[order[j]] > l[order[i]]) {
                int s = order[i];
                order[i] = order[j];
                order[j] = s;
            }
    double sum = 0, p = 0;
    for (int i = 0; i < top_k; i++) sum += exp(((double)l[order[i]] - (double)l[order[0]]) / T);
    for (int i = 0; i < top_k; i++) {
        int v = order[i];
        double q = exp(((double)l[v] - (double)l[order[0]]) / T) / sum;
        char y[128];
        strcpy(y, x);
        strcat(y, bytes_of[v]);
        char *nl = strchr(y, '\n');
        if (nl != NULL) *nl = '\0';
        if (v == EOS || nl != NULL) p += ken_accept_matches(a, y, strlen(y)) ? rho * q : 0;
        else {
            path[n] = v;
            p += enumerate(a, path, n + 1, depth + 1, y, rho * q, top_k);
        }
    }
    return p;
}

typedef struct outcome {
    double lo[3], hi[3], margin[3];
    bool hit[3];
    char text[3][64];
    int hits[3];
} outcome;

static void solve(outcome *o, const made_golds *a, const ken_tokenizer *t, int top_k, double eps, int32_t wave,
                  int32_t slots, bool sample, int samples)
{
    ken_rules r = {.tokenizer = t,
                   .top_k = top_k,
                   .temperature = T,
                   .max_new = L_MAX,
                   .stop = "\n",
                   .n_stop = 1,
                   .prompts = 3,
                   .samples = samples,
                   .texts = true,
                   .eps = eps,
                   .seed = 7};
    ken_engine *e;
    ken_err err;
    ken_engine_options eo = {.wave_positions = wave, .slots = slots};
    assert_int_equal(ken_engine_new(&e, fake_net(), &eo, &err), KEN_OK);
    ken_node root[3];
    for (int i = 0; i < 3; i++) {
        int32_t prompt[] = {1, 2, i, 4};
        assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 4, &root[i], &err), KEN_OK);
    }
    if (sample) {
        ken_question *s;
        assert_int_equal(ken_sampler_new(&s, e, &r, &a->g, root, 3, "row/1", &err), KEN_OK);
        while (!s->done) {
            assert_int_equal(ken_engine_wave(e, &err), KEN_OK);
            if (s->waiting == 0) assert_int_equal(s->kind->advance(s, &err), KEN_OK);
        }
        for (int i = 0; i < 3; i++) {
            const ken_sample_prompt *p = ken_sampler_get(s, i);
            int total = 0, hits = 0;
            for (int j = 0; j < p->n_drawn; j++) {
                total += p->drawn[j].count;
                if (p->drawn[j].hit) hits += p->drawn[j].count;
            }
            assert_int_equal(total, samples);
            assert_int_equal(hits, p->hits);
            o->hits[i] = p->hits;
            o->hit[i] = p->greedy.hit;
            strcpy(o->text[i], p->greedy.text);
        }
        ken_question_free(s);
    } else {
        ken_question *w;
        assert_int_equal(ken_walk_new(&w, e, &r, &a->g, root, 3, 0, &err), KEN_OK);
        run_walk(e, w);
        for (int i = 0; i < 3; i++) {
            const ken_walk_prompt *p = ken_walk_get(w, i);
            o->lo[i] = p->p_lo;
            o->hi[i] = p->p_hi;
            o->margin[i] = p->margin;
            o->hit[i] = p->hit;
            strcpy(o->text[i], p->text);
        }
        ken_question_free(w);
    }
    for (int i = 0; i < 3; i++) ken_engine_release(e, root[i]);
    ken_engine_free(e);
}

static void test_against_enumeration(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(pieces, V, EOS);
    fake_net_set(V, 64, random_logits);
    static const char *const golds[] = {"a", "ab", "a b", "the a", "b.", "AA"};
    for (net_seed = 1; net_seed <= 12; net_seed++)
        for (int squad = 0; squad < 2; squad++) {
            int g = (int)(net_seed % 6), top_k = net_seed % 2 ? V : 6;
            made_golds *a = golds_for(squad ? &ken_em_squad : &ken_em_raw, &golds[g], g == 1 ? 2 : 1);
            outcome o, tight, other, sampled;
            solve(&o, a, t, top_k, 0, 0, 0, false, 16);
            solve(&tight, a, t, top_k, 1e-12, 0, 0, false, 16);
            solve(&other, a, t, top_k, 0, 3, 256, false, 16);
            assert_memory_equal(o.lo, other.lo, sizeof o.lo); /* same bits whatever the wave */
            assert_memory_equal(o.hi, other.hi, sizeof o.hi);
            solve(&sampled, a, t, top_k, 0, 5, 256, true, 4000);
            double open = 0;
            for (int i = 0; i < 3; i++) {
                int32_t path[16] = {1, 2, i, 4};
                double p = enumerate(a->g.accept, path, 4, 0, "", 1.0, top_k);
                assert_true(o.lo[i] <= p + 1e-9 && p <= o.hi[i] + 1e-9);
                assert_true(fabs(tight.lo[i] - p) < 1e-9 && fabs(tight.hi[i] - p) < 1e-9);
                open += o.hi[i] - o.lo[i];
                double sd = sqrt(p * (1 - p) * 4000) + 1e-9;
                assert_true(fabs(sampled.hits[i] - 4000 * p) < 4.5 * sd + 1);
                assert_int_equal(o.hit[i], sampled.hit[i]);
                assert_string_equal(o.text[i], sampled.text[i]);
                assert_int_equal(o.hit[i], ken_accept_matches(a->g.accept, o.text[i], strlen(o.text[i])));
            }
            assert_true(open <= 1e-2);
            free_golds(a);
        }
    ken_tokenizer_free(t);
}

/* ---- the engine's promises ------------------------------------------------------------------------------------------ */

static void test_waves_share_and_evict(void **state)
{
    (void)state;
    fake_net_set(V, 400, random_logits);
    net_seed = 5;
    ken_err err;
    /* 40 paths of 100 tokens that share 90: far more than 256 slots hold if sharing or eviction failed. */
    for (int32_t wave = 1; wave <= 200; wave += 66) {
        ken_engine *e;
        ken_engine_options eo = {.wave_positions = wave, .slots = 256};
        assert_int_equal(ken_engine_new(&e, fake_net(), &eo, &err), KEN_OK);
        long before = fake_rows;
        enum { N = 40 };
        ken_request q[N];
        int32_t id[N][3], waiting = 0;
        float l[N][3];
        ken_node node[N];
        for (int i = 0; i < N; i++) {
            int32_t path[100];
            for (int j = 0; j < 100; j++) path[j] = j < 90 ? j % 7 : (i * 31 + j) % V;
            assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, path, 100, &node[i], &err), KEN_OK);
            q[i] = (ken_request){.node = node[i], .k = 3, .id = id[i], .logit = l[i], .outstanding = &waiting};
            assert_int_equal(ken_engine_ask(e, &q[i], &err), KEN_OK);
        }
        assert_int_equal(waiting, N);
        int round = 0;
        while (waiting > 0) {
            assert_true(round < 100);
            if (round++ == 1) fake_stop = 1; /* a wave given up half-way is simply done again */
            int rc = ken_engine_wave(e, &err);
            assert_true(rc == KEN_OK || rc == KEN_ESTOP);
        }
        for (int i = 0; i < N; i++) {
            int32_t path[100];
            float want[V];
            for (int j = 0; j < 100; j++) path[j] = j < 90 ? j % 7 : (i * 31 + j) % V;
            random_logits(path, 100, want);
            assert_int_equal(q[i].n, 3);
            assert_true(l[i][0] == want[id[i][0]] && l[i][0] >= l[i][1] && l[i][1] >= l[i][2]);
            ken_engine_release(e, node[i]);
        }
        assert_true(fake_rows - before <= 90 + 10 * N + 200);
        assert_int_equal(ken_engine_backlog(e), 0);
        ken_engine_free(e);
    }
}

static void test_limits(void **state)
{
    (void)state;
    fake_net_set(V, 10, random_logits);
    ken_err err;
    ken_engine *e;
    assert_int_equal(ken_engine_new(&e, fake_net(), NULL, &err), KEN_OK);
    int32_t path[11] = {0}, waiting = 0, id;
    float l;
    ken_node node;
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, path, 11, &node, &err), KEN_OK);
    ken_request q = {.node = node, .k = 1, .id = &id, .logit = &l, .outstanding = &waiting};
    assert_int_equal(ken_engine_ask(e, &q, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "context"));
    ken_engine_release(e, node);
    q.node = KEN_TRIE_ROOT;
    assert_int_equal(ken_engine_ask(e, &q, &err), KEN_EUSAGE);
    assert_int_equal(ken_engine_wave(e, &err), KEN_OK); /* nothing to do */
    ken_engine_free(e);
}

static void nan_logits(const int32_t *path, int32_t n, float *logits)
{
    random_logits(path, n, logits);
    if (n > 1) logits[3] = NAN;
}

static void test_nan_is_an_error(void **state)
{
    (void)state;
    fake_net_set(V, 64, nan_logits);
    ken_tokenizer *t = tokenizer(pieces, V, EOS);
    ken_rules r = {.tokenizer = t,
                   .top_k = 40,
                   .temperature = T,
                   .max_new = 32,
                   .stop = "\n",
                   .n_stop = 1,
                   .prompts = 1,
                   .samples = 16};
    ken_engine *e;
    ken_err err;
    assert_int_equal(ken_engine_new(&e, fake_net(), NULL, &err), KEN_OK);
    const char *gold[] = {"Paris"};
    made_golds *a = golds_for(&ken_em_squad, gold, 1);
    int32_t prompt[] = {6, 6};
    ken_node root;
    assert_int_equal(ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 2, &root, &err), KEN_OK);
    ken_question *w;
    assert_int_equal(ken_walk_new(&w, e, &r, &a->g, &root, 1, 0, &err), KEN_OK);
    assert_int_equal(ken_engine_wave(e, &err), KEN_OK);
    assert_int_equal(w->kind->advance(w, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not finite"));
    ken_question_free(w);
    ken_engine_free(e);
    free_golds(a);
    ken_tokenizer_free(t);
}

/* Every allocation fails in turn: a clean error each time, nothing leaked (the sanitizer build watches), then success. */
static void test_out_of_memory(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(pieces, V, EOS);
    fake_net_set(V, 64, random_logits);
    net_seed = 3;
    static const char *const golds[] = {"a", "ab"};
    made_golds *a = golds_for(&ken_em_squad, golds, 2);
    ken_rules r = {.tokenizer = t,
                   .top_k = V,
                   .temperature = T,
                   .max_new = L_MAX,
                   .stop = "\n",
                   .n_stop = 1,
                   .prompts = 2,
                   .samples = 8,
                   .texts = true};
    for (int sample = 0; sample < 2; sample++) {
        int rc = KEN_ENOMEM;
        for (long n = 1; rc == KEN_ENOMEM && n < 3000; n++) {
            ken_engine *e = NULL;
            ken_question *w = NULL;
            ken_question *s = NULL;
            ken_node root[2];
            int held = 0;
            ken_engine_options eo = {.wave_positions = 16, .slots = 256};
            ken_alloc_fail_after(n);
            rc = ken_engine_new(&e, fake_net(), &eo, NULL);
            for (int i = 0; i < 2 && rc == KEN_OK; i++) {
                int32_t prompt[] = {1, i};
                rc = ken_engine_extend(e, KEN_TRIE_ROOT, prompt, 2, &root[i], NULL);
                held += rc == KEN_OK;
            }
            if (rc == KEN_OK && sample) rc = ken_sampler_new(&s, e, &r, &a->g, root, 2, "row", NULL);
            else if (rc == KEN_OK) rc = ken_walk_new(&w, e, &r, &a->g, root, 2, KEN_WALK_SAVE_PATHS, NULL);
            while (rc == KEN_OK && !(sample ? s->done : w->done)) {
                rc = ken_engine_wave(e, NULL);
                if (rc == KEN_OK && sample && s->waiting == 0) rc = s->kind->advance(s, NULL);
                if (rc == KEN_OK && !sample && w->waiting == 0) rc = w->kind->advance(w, NULL);
            }
            ken_alloc_fail_after(0);
            ken_question_free(s);
            ken_question_free(w);
            for (int i = 0; i < held; i++) ken_engine_release(e, root[i]);
            ken_engine_free(e);
        }
        assert_int_equal(rc, KEN_OK);
    }
    free_golds(a);
    ken_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toy_tree),
        cmocka_unit_test(test_against_enumeration),
        cmocka_unit_test(test_waves_share_and_evict),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nan_is_an_error),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
