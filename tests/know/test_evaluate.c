/* test_evaluate.c - counting by group, comparing with an earlier evaluation, keeping one, and perplexity on networks known by hand. */
#include "base/alloc.h"
#include "base/rng.h"
#include "fake_net.h"
#include "know/evaluation.h"
#include "know/perplexity.h"
#include "know/tally.h"
#include "store/tuning.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static ken_err err;

/* ---- groups --------------------------------------------------------------------------------------------------------- */

enum { N = 12 };

static void make_rows(ken_evaluated *row)
{
    static char id[N][16];
    for (int i = 0; i < N; i++) {
        snprintf(id[i], sizeof id[i], "r/%d", i);
        row[i] = (ken_evaluated){.set = "eval",
                                 .id = id[i],
                                 .relation = i % 3 == 0 ? "P17" : "P36",
                                 .split = i < 9 ? "test" : "train",
                                 .category = i == 11 ? KEN_N_CATEGORIES : i % 4,
                                 .popularity = i == 0 ? NAN : (double)(i / 2),
                                 .question = "?",
                                 .answer = "!",
                                 .text = i == 1 ? " A:" : " that!",
                                 .finish = i == 3 ? "length" : "newline",
                                 .hit = i % 2 == 0,
                                 .hit_raw = i % 4 == 0,
                                 .abstained = i == 5,
                                 .too_long = i == 7,
                                 .more = (uint32_t)(i % 4),
                                 .p = NAN};
    }
}

static void check(const ken_measure *m, size_t n, const char *grouping, const char *key, uint64_t rows, uint64_t hits)
{
    const ken_measure *x = ken_measure_find(m, n, "eval", grouping, key);
    if (x == NULL) fail_msg("%s %s is missing", grouping, key);
    assert_int_equal(x->n, rows);
    assert_int_equal(x->hits, hits);
}

static void forms(void **state)
{
    (void)state;
    assert_null(ken_answer_form(NULL, "", false));
    assert_string_equal(ken_answer_form("", "newline", false), "empty");
    assert_string_equal(ken_answer_form(" \t", "length", false), "empty");
    assert_string_equal(ken_answer_form(" A:", "newline", false), "empty");
    assert_string_equal(ken_answer_form("!!!", "newline", true), "whole"); /* the answer was asked for */
    assert_string_equal(ken_answer_form(" Paris is", "length", false), "cut off");
    assert_string_equal(ken_answer_form(" Paris", "newline", false), "whole");
}

static void groups(void **state)
{
    (void)state;
    static const char *const more[] = {"em-alias/1", "contains/1"};
    ken_evaluated row[N];
    ken_arena arena = {0};
    ken_measure *m;
    size_t n;
    ken_tally_options o = {.more = more, .n_more = 2, .categories = true};
    make_rows(row);
    assert_int_equal(ken_tally(row, N, &o, &arena, &m, &n, &err), KEN_OK);
    check(m, n, "all", "", 12, 6);
    check(m, n, "relation", "P17", 4, 2);
    check(m, n, "relation", "P36", 8, 4);
    check(m, n, "split", "test", 9, 5);
    check(m, n, "split", "train", 3, 1);
    check(m, n, "category", "HighlyKnown", 3, 3);
    check(m, n, "category", "Unknown", 2, 0);
    check(m, n, "category", "not annotated", 1, 0);
    /* 11 values 0 1 1 2 2 3 3 4 4 5 5: quartile 1 + floor(4 * smaller / 11); equal ones stay together. */
    check(m, n, "popularity", "1", 3, 1);
    check(m, n, "popularity", "2", 4, 2);
    check(m, n, "popularity", "3", 2, 1);
    check(m, n, "popularity", "4", 2, 1);
    check(m, n, "answer", "empty", 1, 0);
    check(m, n, "answer", "cut off", 1, 0);
    check(m, n, "answer", "whole", 10, 6);
    assert_int_equal(n, 1 + 2 + 2 + 5 + 4 + 3);
    const ken_measure *all = ken_measure_find(m, n, "eval", "all", "");
    assert_int_equal(all->hits_raw, 3);
    assert_int_equal(all->abstained, 1);
    assert_int_equal(all->answered, 10);
    assert_int_equal(all->n_more, 2);
    assert_int_equal(all->more[0].hits, 6); /* odd i */
    assert_int_equal(all->more[1].hits, 6);
    assert_true(isnan(all->p) && isnan(all->loss));
    for (size_t i = 1; i < n; i++) {
        int c = strcmp(m[i - 1].grouping, m[i].grouping);
        assert_true(c < 0 || (c == 0 && strcmp(m[i - 1].key, m[i].key) < 0));
    }
    ken_arena_free(&arena);

    /* Data that know nothing: only "all". Probabilities add up. */
    for (int i = 0; i < N; i++) {
        row[i].relation = row[i].split = "";
        row[i].text = NULL;
        row[i].popularity = NAN;
        row[i].p = 0.25;
    }
    o = (ken_tally_options){0};
    assert_int_equal(ken_tally(row, N, &o, &arena, &m, &n, &err), KEN_OK);
    assert_int_equal(n, 1);
    assert_true(m[0].p == 3.0);
    assert_int_equal(ken_tally(row, 0, &o, &arena, &m, &n, &err), KEN_OK);
    assert_int_equal(n, 0);
    ken_arena_free(&arena);

    make_rows(row);
    o.categories = true;
    int rc = KEN_ENOMEM;
    for (long k = 1; rc == KEN_ENOMEM && k < 500; k++) {
        ken_alloc_fail_after(k);
        rc = ken_tally(row, N, &o, &arena, &m, &n, NULL);
        ken_alloc_fail_after(0);
        ken_arena_free(&arena);
    }
    assert_int_equal(rc, KEN_OK);
}

/* ---- kept and compared ---------------------------------------------------------------------------------------------- */

/* An evaluation of the rows above. */
static ken_evaluation *evaluation(void)
{
    ken_evaluation *e = ken_calloc(1, sizeof *e);
    if (e == NULL || (e->row = ken_calloc(N, sizeof *e->row)) == NULL) {
        ken_free(e);
        return NULL;
    }
    make_rows(e->row);
    e->n_rows = N;
    e->labelled = true;
    const ken_tally_options o = {.categories = true};
    ken_measure *m;
    size_t n;
    e->settings.arena = &e->arena;
    ken_setting_text(&e->settings, "kind", true, "eval");
    ken_setting_put(&e->settings, "token_forwards", true, "%d", 77);
    ken_setting_put(&e->settings, "seconds", true, "%.3f", 1.5);
    int rc = e->settings.failed ? KEN_ENOMEM : KEN_OK;
    if (rc == KEN_OK) rc = ken_tally(e->row, N, &o, &e->arena, &m, &n, &err);
    for (size_t i = 0; rc == KEN_OK && i < n; i++) rc = ken_evaluation_add(e, &m[i], &err);
    const ken_measure text = {
        .set = "text:a", .grouping = "all", .key = "", .loss = 2.5, .tokens = 4, .bytes = 9, .p = NAN};
    if (rc == KEN_OK) rc = ken_evaluation_add(e, &text, &err);
    if (rc == KEN_OK) {
        ken_evaluation_sort(e);
        return e;
    }
    ken_evaluation_free(e);
    return NULL;
}

static int see_id(void *ctx, const ken_evaluated *row, ken_err *er)
{
    (void)er;
    int *n = ctx;
    ken_evaluated want[N];
    make_rows(want);
    assert_string_equal(row->id, want[*n].id);
    assert_int_equal(row->hit, want[*n].hit);
    ++*n;
    return KEN_OK;
}

static char path[200];

static void kept(void **state)
{
    (void)state;
    unlink(path);
    ken_evaluation *e = evaluation();
    assert_non_null(e);
    size_t n_measures, n_rows, n;
    assert_non_null(ken_evaluation_measures(e, &n_measures));
    assert_non_null(ken_evaluation_rows(e, &n_rows));
    assert_int_equal(n_rows, N);
    assert_int_equal(ken_evaluation_save(e, path, &err), KEN_OK);
    assert_int_equal(ken_evaluation_save(e, path, &err), KEN_OK); /* an older evaluation is replaced */
    ken_run *r;
    const ken_measure *m;
    assert_int_equal(ken_run_open(&r, path, &err), KEN_OK);
    assert_string_equal(ken_run_kind(r), "eval");
    assert_string_equal(ken_run_setting(r, "token_forwards"), "77");
    assert_int_equal(ken_run_n_points(r), 1);
    assert_int_equal(ken_run_measures(r, 0, &m, &n, &err), KEN_OK);
    assert_int_equal(n, n_measures);
    int seen = 0;
    assert_int_equal(ken_run_evaluated(r, 0, see_id, &seen, &err), KEN_OK);
    assert_int_equal(seen, N);

    /* Against itself nothing changes; then two are lost and four gained. */
    const ken_change *c;
    assert_int_equal(ken_evaluation_changes(e, r, &c, &n, &err), KEN_OK);
    for (size_t i = 0; i < n; i++) assert_true(c[i].lost == 0 && c[i].gained == 0 && c[i].p == 1.0);
    e->row[0].hit = e->row[2].hit = false;
    e->row[1].hit = e->row[3].hit = e->row[7].hit = e->row[9].hit = true;
    assert_int_equal(ken_evaluation_changes(e, r, &c, &n, &err), KEN_OK);
    assert_int_equal(n, n_measures - 4); /* all but the text and the forms of answers */
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].grouping, "all") == 0) {
            assert_true(c[i].n == 12 && c[i].before == 6 && c[i].after == 8 && c[i].lost == 2 && c[i].gained == 4);
            assert_true(c[i].formless_before == 2 && c[i].gained_form == 2);
            assert_true(fabs(c[i].p - 44.0 / 64.0) < 1e-12); /* 2 (1 + 6 + 15) / 64 */
        }
    for (int i = 0; i < N; i++) e->row[i].set = "other";
    assert_int_equal(ken_evaluation_changes(e, r, &c, &n, &err), KEN_EINPUT);
    ken_run_free(r);
    ken_evaluation_free(e);

    /* Something else is not replaced. */
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("precious\n", f);
    fclose(f);
    e = evaluation();
    assert_int_equal(ken_evaluation_save(e, path, &err), KEN_EINPUT);
    unlink(path);
    const ken_setting settings[] = {{"seed", "0", true}};
    ken_store *s;
    assert_int_equal(ken_store_open(&s, path, settings, 1, &err), KEN_OK);
    assert_int_equal(ken_store_close(s, &err), KEN_OK);
    assert_int_equal(ken_evaluation_save(e, path, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "not an evaluation"));
    ken_evaluation_free(e);
    unlink(path);
}

/* Large counts, against the normal approximation; and the whole distribution sums to what it should. */
static void chance(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    ken_evaluation *e = ken_calloc(1, sizeof *e);
    assert_non_null(e);
    e->row = ken_calloc(MANY, sizeof *e->row);
    assert_non_null(e->row);
    char(*id)[16] = calloc(MANY, sizeof *id);
    assert_non_null(id);
    e->n_rows = MANY;
    for (int i = 0; i < MANY; i++) {
        snprintf(id[i], sizeof id[i], "%d", i);
        e->row[i] = (ken_evaluated){.set = "eval",
                                    .id = id[i],
                                    .relation = "",
                                    .split = "",
                                    .category = KEN_N_CATEGORIES,
                                    .popularity = NAN,
                                    .finish = "",
                                    .p = NAN,
                                    .hit = i < 1400};
    }
    e->settings.arena = &e->arena;
    ken_setting_text(&e->settings, "kind", true, "eval");
    assert_false(e->settings.failed);
    unlink(path);
    assert_int_equal(ken_evaluation_save(e, path, &err), KEN_OK);
    for (int i = 0; i < MANY; i++) e->row[i].hit = i >= 1400; /* lost 1400, gained 1600 */
    ken_run *r;
    const ken_change *c;
    size_t n;
    assert_int_equal(ken_run_open(&r, path, &err), KEN_OK);
    assert_int_equal(ken_evaluation_changes(e, r, &c, &n, &err), KEN_OK);
    assert_int_equal(n, 1);
    assert_true(fabs(c[0].p - 0.00027856396) < 1e-10); /* scipy 1.17.1, binomtest(1400, 3000).pvalue */
    ken_run_free(r);
    ken_evaluation_free(e);
    free(id);
    unlink(path);
}

static void kept_memory(void **state)
{
    (void)state;
    int rc = KEN_ENOMEM;
    unlink(path);
    for (long k = 1; rc == KEN_ENOMEM && k < 3000; k++) {
        ken_run *r = NULL;
        const ken_change *c;
        size_t n;
        ken_alloc_fail_after(k);
        ken_evaluation *e = evaluation();
        rc = e == NULL ? KEN_ENOMEM : ken_evaluation_save(e, path, &err);
        if (rc == KEN_OK) rc = ken_run_open(&r, path, &err);
        if (rc == KEN_OK) rc = ken_evaluation_changes(e, r, &c, &n, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK && rc != KEN_ENOMEM) fail_msg("allocation %ld: %d %s", k, rc, err.msg);
        ken_run_free(r);
        ken_evaluation_free(e);
    }
    assert_int_equal(rc, KEN_OK);
    unlink(path);
}

/* ---- perplexity ----------------------------------------------------------------------------------------------------- */

enum { V = 6 };
static const char *const pieces[V] = {"a", "b", "\u010a", "\u00c3", "<s>", "\u00a9"};

static ken_tokenizer *tokenizer(bool bos)
{
    ken_str p[V];
    uint8_t types[V];
    for (int i = 0; i < V; i++) {
        p[i] = (ken_str){pieces[i], strlen(pieces[i])};
        types[i] = i == 4 ? KEN_TT_CONTROL : KEN_TT_NORMAL;
    }
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_GPT2,
                      .n_vocab = V,
                      .pieces = p,
                      .types = types,
                      .bos = bos ? 4 : -1,
                      .add_bos = bos,
                      .eos = -1,
                      .unk = -1};
    ken_tokenizer *t;
    if (ken_tokenizer_new(&t, &s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return t;
}

static void random_logits(const int32_t *at, int32_t n, float *logits)
{
    for (int v = 0; v < V; v++)
        logits[v] = (float)(5.0 * ken_uniform(1, (const char *)at, (size_t)n * sizeof *at, (uint32_t)v, 0, 0));
}

static void nan_logits(const int32_t *at, int32_t n, float *logits)
{
    random_logits(at, n, logits);
    if (n == 5) logits[1] = NAN;
}

static void spill(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* The definition of perplexity.h, token by token. */
static double definition(const int32_t *ids, size_t n, size_t window, size_t stride, bool bos, uint64_t *scored)
{
    double nll = 0;
    *scored = 0;
    size_t room = window - bos;
    for (size_t t = 0; t < n; t++) {
        size_t begin = 0;
        while (begin + room <= t) begin += stride; /* the first window that holds it */
        int32_t at[64], len = 0;
        if (bos) at[len++] = 4;
        for (size_t i = begin; i < t; i++) at[len++] = ids[i];
        if (len == 0) continue;
        float l[V];
        double sum = 0;
        random_logits(at, len, l);
        for (int v = 0; v < V; v++) sum += exp((double)l[v]);
        nll += log(sum) - (double)l[ids[t]];
        ++*scored;
    }
    return nll;
}

static void perplexity(void **state)
{
    (void)state;
    static const char text[] = "abba\nab\nbabb\xc3\xa9"
                               "a\n\nbab";
    static const int32_t ids[] = {0, 1, 1, 0, 2, 0, 1, 2, 1, 0, 1, 1, 3, 5, 0, 2, 2, 1, 0, 1};
    enum { IDS = sizeof ids / sizeof ids[0] };
    static const int windows[][2] = {{0, 0}, {2, 0}, {2, 1}, {5, 0}, {5, 2}, {7, 6}, {20, 0}, {20, 3}, {32, 1}};
    spill(text, sizeof text - 1);
    fake_net_set(V, 32, random_logits);
    for (int bos = 0; bos < 2; bos++) {
        ken_tokenizer *t = tokenizer(bos);
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
            ken_text_options o = {.window = windows[i][0], .stride = windows[i][1]};
            if (bos && o.stride == o.window - 1 && o.window == 2) o.stride = 1;
            ken_text_loss loss;
            uint64_t forwards = 0, scored;
            long before = fake_rows;
            if (ken_text_perplexity(fake_net(), t, path, &o, &loss, &forwards, &err) != KEN_OK) fail_msg("%s", err.msg);
            assert_int_equal(forwards, fake_rows - before);
            size_t w = o.window > 0 ? (size_t)o.window : 32, s = o.stride > 0 ? (size_t)o.stride : w - (size_t)bos;
            double want = definition(ids, IDS, w, s, bos, &scored);
            assert_int_equal(loss.tokens, scored);
            if (fabs(loss.nll - want) > 1e-9) fail_msg("window %zu stride %zu: %.12g, not %.12g", w, s, loss.nll, want);
            if (bos) assert_int_equal(loss.bytes, sizeof text - 1); /* every token is scored */
        }
        ken_tokenizer_free(t);
    }
}

static int stop_at_once(void *ctx)
{
    (void)ctx;
    return 1;
}

static void perplexity_refusals(void **state)
{
    (void)state;
    ken_tokenizer *t = tokenizer(false), *with_bos = tokenizer(true);
    ken_text_loss loss;
    fake_net_set(V, 32, random_logits);
    ken_watch stopped = {.poll = stop_at_once};
    const struct {
        const char *text;
        ken_text_options o;
        int status;
        const char *says;
    } c[] = {
        {"", {0}, KEN_EINPUT, "nothing to predict"},
        {"a", {0}, KEN_EINPUT, "nothing to predict"},
        {"ab\xff"
         "a",
         {0},
         KEN_EINPUT,
         "byte 2 is not UTF-8"},
        {"abab", {.window = 33}, KEN_EUSAGE, "window of 33"},
        {"abab", {.window = 1}, KEN_EUSAGE, "window of 1"},
        {"abab", {.window = -4}, KEN_EUSAGE, "window"},
        {"abab", {.window = 4, .stride = 5}, KEN_EUSAGE, "stride of 5"},
        {"abab", {.stride = -1}, KEN_EUSAGE, "stride"},
        {"abab", {.watch = &stopped}, KEN_ESTOP, "stopped"},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        spill(c[i].text, strlen(c[i].text));
        int rc = ken_text_perplexity(fake_net(), t, path, &c[i].o, &loss, NULL, &err);
        if (rc != c[i].status || strstr(err.msg, c[i].says) == NULL) fail_msg("%zu: status %d, %s", i, rc, err.msg);
    }
    spill("a", 1);
    assert_int_equal(ken_text_perplexity(fake_net(), with_bos, path, &(ken_text_options){0}, &loss, NULL, &err),
                     KEN_OK);
    assert_int_equal(loss.tokens, 1);
    spill("abababab", 8);
    fake_net_set(V, 32, nan_logits);
    assert_int_equal(ken_text_perplexity(fake_net(), t, path, &(ken_text_options){0}, &loss, NULL, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "token 5: the model's logits are not finite"));
    unlink(path);
    assert_int_equal(ken_text_perplexity(fake_net(), t, path, &(ken_text_options){0}, &loss, NULL, &err), KEN_EINPUT);

    spill("abababab", 8);
    fake_net_set(V, 32, random_logits);
    int rc = KEN_ENOMEM;
    for (long k = 1; rc == KEN_ENOMEM && k < 200; k++) {
        ken_alloc_fail_after(k);
        rc = ken_text_perplexity(fake_net(), t, path, &(ken_text_options){0}, &loss, NULL, NULL);
        ken_alloc_fail_after(0);
    }
    assert_int_equal(rc, KEN_OK);
    unlink(path);
    ken_tokenizer_free(t);
    ken_tokenizer_free(with_bos);
}

int main(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/ken-test-evaluate-%ld", folder != NULL ? folder : "/tmp", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(groups),
        cmocka_unit_test(kept),
        cmocka_unit_test(chance),
        cmocka_unit_test(kept_memory),
        cmocka_unit_test(perplexity),
        cmocka_unit_test(perplexity_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
