/* diff_cautions.c - in what else two runs differ that makes their comparison doubtful; see diff.h.
 *
 * A run keeps every setting that decides a label. Those that are the point of a comparison (model, adapter, weights) are not mentioned;
 * all others are, with both values, unless only one run has them (an evaluation and a training record different things). */
#include "study/diff.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "store/run.h"
#include "store/setting_keys.h"
#include "store/store.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(ken_diff *d, ken_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int add(ken_diff *d, ken_err *err, const char *fmt, ...)
{
    char text[900];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *own = ken_arena_strndup(&d->arena, text, strlen(text));
    if (own == NULL || ken_grow((void **)&d->caution, &d->cap_cautions, d->n_cautions + 1, sizeof *d->caution) != 0)
        return ken_fail_nomem(err, "cautions");
    d->caution[d->n_cautions++] = own;
    return KEN_OK;
}

/* A value for a sentence: line ends and tabs as they are typed, hashes cut to what tells them apart. */
static const char *shown(char *out, size_t size, const char *value, bool hash)
{
    char number[40];
    size_t at = 0, most = hash ? 12 : size;
    if (!hash) value = ken_setting_shown(value, number);
    if (value[0] == '\0') return "none";
    for (const char *s = value; *s != '\0' && at + 6 < size && at < most; s++) {
        const char *escape = *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : *s == '\r' ? "\\r" : NULL;
        if (escape == NULL) out[at++] = *s;
        else {
            out[at++] = escape[0];
            out[at++] = escape[1];
        }
        if (at + 6 >= size && s[1] != '\0') at = (size_t)(stpcpy(out + at, "...") - out);
    }
    out[at] = '\0';
    return out;
}

static bool same_setting(const ken_run *a, const ken_run *b, const char *key)
{
    const char *x = ken_run_setting(a, key), *y = ken_run_setting(b, key);
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

typedef struct subject {
    const char *key, *what;
    bool hash;
} subject;

static const subject subjects[] = {
    {"data_hash", "data", true},
    {"matcher", "matcher", false},
    {"aliases_hash", "table of other names", true},
    {"prompt_version", "version of the prompts", false},
    {"method_version", "version of the method", false},
    {"draw_version", "version of the draws", false},
    {"template", "template", false},
    {"chat_template", "chat template", false},
    {"prompt", "prompt", false},
    {"stop", "stop string", false},
    {"shots", "shots", false},
    {"prompts", "prompts", false},
    {"samples", "samples", false},
    {"method", "method", false},
    {"temperature", "temperature", false},
    {"top_k", "top-k", false},
    {"max_new", "longest answer in tokens", false},
    {"mass_budget", "mass budget", false},
    {"exemplar_seed", "exemplar seed", false},
    {"exemplars_hash", "source of exemplars", true},
    {"seed", "seed of the draws", false},
    {"tokenizer_hash", "tokenizer", true},
    {"compute", "arithmetic", false},
    {"isa", "instruction set", false},
    {"gemm", "matrix library", false},
};

/* "em-squad" of a training is "em-squad/1" of an evaluation; so are "no" and "none". */
static bool same_value(const char *key, const char *a, const char *b)
{
    if (strcmp(key, "matcher") == 0) {
        size_t n = strcspn(a, "/"), m = strcspn(b, "/");
        return n == m && memcmp(a, b, n) == 0 && (a[n] == '\0' || b[m] == '\0' || strcmp(a + n, b + m) == 0);
    }
    if (strcmp(key, "chat_template") == 0 && strcmp(a, "no") == 0)
        return strcmp(b, "none") == 0 || strcmp(b, "no") == 0;
    if (strcmp(key, "chat_template") == 0 && strcmp(b, "no") == 0) return strcmp(a, "none") == 0;
    if (strcmp(key, "temperature") == 0 || strcmp(key, "mass_budget") == 0) return strtod(a, NULL) == strtod(b, NULL);
    return strcmp(a, b) == 0;
}

/* Of a training: its seed and its arithmetic are not those of its answers, its empty template is the usual one, and its data are what it
 * was trained on. */
static bool means_something_else(const char *key, const char *kind, const char *value)
{
    if (strcmp(kind, "train") != 0) return false;
    return strcmp(key, "data_hash") == 0 || strcmp(key, "seed") == 0 || strcmp(key, "compute") == 0 ||
           (strcmp(key, "template") == 0 && value[0] == '\0');
}

/* The same tokenizer hashes otherwise in a GGUF file than in a folder; a fine-tuned model has the shape of its base and its tokens. */
static bool same_tokens(const ken_run *a, const ken_run *b)
{
    return same_setting(a, b, "architecture") && same_setting(a, b, "n_params");
}

static int settings_of(ken_diff *d, const ken_run *a, const ken_run *b, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects && rc == KEN_OK; i++) {
        const subject *s = &subjects[i];
        const char *x = ken_run_setting(a, s->key), *y = ken_run_setting(b, s->key);
        char one[200], other[200];
        if (x == NULL || y == NULL || same_value(s->key, x, y)) continue;
        if (strcmp(s->key, "tokenizer_hash") == 0 && same_tokens(a, b)) continue;
        if (means_something_else(s->key, ken_run_kind(a), x) || means_something_else(s->key, ken_run_kind(b), y))
            continue;
        rc = add(d, err, "%s: %s and %s", s->what, shown(one, sizeof one, x, s->hash),
                 shown(other, sizeof other, y, s->hash));
    }
    return rc;
}

/* ---- exemplars ------------------------------------------------------------------------------------------------------ */

/* *there: both have exemplars for this relation; *differ: not the same ones. */
static int compare_sets(ken_run *a, ken_run *b, const char *relation, int n_sets, bool *differ, bool *there,
                        ken_err *err)
{
    *differ = *there = false;
    for (int k = 0; k < n_sets && !*differ; k++) {
        char *x = NULL, *y = NULL;
        ken_err why = {0};
        int rc = ken_run_exemplars(a, relation, k, &x, &why);
        if (rc == KEN_OK) rc = ken_run_exemplars(b, relation, k, &y, &why);
        *differ = rc == KEN_OK && strcmp(x, y) != 0;
        *there |= rc == KEN_OK;
        ken_free(x);
        ken_free(y);
        if (rc == KEN_EINPUT) return KEN_OK; /* one of them has no more */
        if (rc != KEN_OK) return ken_fail(err, rc, "%s", why.msg);
    }
    return KEN_OK;
}

static int exemplars_of(ken_diff *d, ken_run *a, ken_run *b, ken_err *err)
{
    static const char *const frame[] = {"template", "chat_template", "shots", "prompts", "stop"};
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++) /* then all texts differ, which is reported already */
        if (!same_setting(a, b, frame[i])) return KEN_OK;
    long prompts = strtol(ken_run_setting(a, "prompts"), NULL, 10);
    int n_sets = prompts < 0 ? 0 : prompts > KEN_STORE_MAX_PROMPTS ? KEN_STORE_MAX_PROMPTS : (int)prompts;
    size_t relations = 0, others = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_relations(a) && rc == KEN_OK; i++) {
        bool differ, there;
        rc = compare_sets(a, b, ken_run_relation(a, i)->relation, n_sets, &differ, &there, err);
        relations += there;
        others += differ;
    }
    if (rc == KEN_OK && others > 0)
        rc = add(d, err, "exemplars: the prompts of %zu of %zu relations have other examples", others, relations);
    return rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int completeness_of(ken_diff *d, const ken_run *r, const char *which, ken_err *err)
{
    if (ken_run_complete(r)) return KEN_OK;
    return add(d, err, "%s is not complete: %zu of %.20s rows", which, ken_run_count(r),
               ken_run_setting(r, KEN_SETTING_ROWS) != NULL ? ken_run_setting(r, KEN_SETTING_ROWS) : "its");
}

/* What was gained from answers that were none, or lost to them: the form of answers changed. */
static int form_of(ken_diff *d, ken_err *err)
{
    size_t n[2] = {0}, formless[2] = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < d->n; i++) {
        if (d->row[i].move != KEN_MOVE_LOST && d->row[i].move != KEN_MOVE_GAINED) continue;
        const bool lost = d->row[i].move == KEN_MOVE_LOST;
        n[lost]++;
        formless[lost] += lost ? d->extra[i].b_formless : d->extra[i].a_formless;
    }
    for (int lost = 1; lost >= 0 && rc == KEN_OK; lost--)
        if (formless[lost] > 0 && 2 * formless[lost] >= n[lost])
            rc = add(
                d, err,
                "form: of %zu %s facts %zu have an empty or cut-off answer in %c: there the form of an answer changed, "
                "and knowledge perhaps not; with exemplars in the prompt both models would tell",
                n[lost], lost ? "lost" : "gained", formless[lost], lost ? 'B' : 'A');
    return rc;
}

int ken_diff_find_cautions(ken_diff *d, ken_run *a, ken_run *b, ken_err *err)
{
    int rc = settings_of(d, a, b, err);
    if (rc == KEN_OK && d->annotated) rc = exemplars_of(d, a, b, err);
    if (rc == KEN_OK && !d->annotated) rc = form_of(d, err);
    if (rc == KEN_OK && d->other_answers > 0)
        rc = add(d, err, "answers: %zu of %zu facts accept other answers", d->other_answers, d->n);
    if (rc == KEN_OK && d->annotated) rc = completeness_of(d, a, "A", err);
    if (rc == KEN_OK && d->annotated) rc = completeness_of(d, b, "B", err);
    return rc;
}
