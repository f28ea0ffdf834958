/* agree.c - how far two annotations agree (ken.h, ken_agree): two draws, two exemplar seeds, two matchers. Of the second only what the
 * comparison needs is kept, a few bytes and the id of each row. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/stats.h"
#include "data/identity.h"
#include "know/category.h"
#include "base/error.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct other {          /* a row of B */
    uint64_t question, subject; /* hashes */
    int8_t category;
    bool open, seen;
} other;

typedef struct joined {
    ken_arena ids;
    ken_strmap *at; /* id -> index into row */
    other *row;     /* (n) */
    size_t n;
} joined;

static uint64_t hash_of(const char *s) { return ken_hash64(s, strlen(s)); }
static uint64_t subject_of(const ken_row *r) /* 0 where the question names it, or nothing is known: see ken_asks_same */
{
    return ken_names_subject(r->question, r->subject) ? 0 : hash_of(r->subject);
}

static bool is_open(const ken_scored *how) { return (how->possible & (how->possible - 1)) != 0; }

static int read_other(joined *j, ken_scoring *b, ken_err *err)
{
    size_t n = ken_scoring_count(b);
    if (n > INT32_MAX) return ken_fail(err, KEN_EINPUT, "a run of %zu rows is too large to be compared", n);
    j->at = ken_strmap_new(n);
    j->row = ken_calloc(n, sizeof *j->row);
    if (j->at == NULL || j->row == NULL) return ken_fail_nomem(err, "agreement");
    for (j->n = 0; j->n < n; j->n++) {
        const ken_scored *how;
        const ken_row *row = ken_scoring_row(b, j->n, &how, err);
        if (row == NULL) return err->status;
        const char *id = ken_arena_strndup(&j->ids, row->id, strlen(row->id));
        if (id == NULL || ken_strmap_add(j->at, id, strlen(id), (int32_t)j->n) < 0)
            return ken_fail_nomem(err, "agreement");
        j->row[j->n] = (other){.question = hash_of(row->question),
                               .subject = subject_of(row),
                               .category = (int8_t)how->category,
                               .open = is_open(how)};
    }
    return KEN_OK;
}

static void finish_part(ken_agreement_part *p, const uint64_t *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            p->n += table[i * n + j];
            if (i == j) p->same += table[i * n + j];
        }
    ken_wilson(p->same, p->n, &p->share_lo, &p->share_hi);
    p->kappa = ken_kappa(table, n, &p->kappa_lo, &p->kappa_hi);
}

static void finish(ken_agreement *x)
{
    uint64_t all[KEN_UNLABELLED * KEN_UNLABELLED], known[4] = {0}, greedy[4] = {0};
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int j = 0; j < KEN_UNLABELLED; j++) {
            all[i * KEN_UNLABELLED + j] = x->moved[i][j];
            known[2 * (i == KEN_UNKNOWN) + (j == KEN_UNKNOWN)] += x->moved[i][j];
            if (i <= KEN_MAYBE_KNOWN && j <= KEN_MAYBE_KNOWN) greedy[2 * i + j] += x->moved[i][j];
        }
    finish_part(&x->all, all, KEN_UNLABELLED);
    finish_part(&x->known, known, 2);
    finish_part(&x->greedy, greedy, 2);
    x->predicted /= (double)x->all.n; /* NaN without rows */
    x->hk_again_predicted /= (double)x->hk;
}

int ken_agree(ken_agreement *out, ken_scoring *a, ken_scoring *b, ken_err *err)
{
    joined j = {0};
    ken_err own = {0};
    uint64_t common = 0;
    if (err == NULL) err = &own;
    *out = (ken_agreement){0};
    int rc = read_other(&j, b, err);
    for (size_t i = 0; i < ken_scoring_count(a) && rc == KEN_OK; i++) {
        const ken_scored *how;
        const ken_row *row = ken_scoring_row(a, i, &how, err);
        if (row == NULL) {
            rc = err->status;
            break;
        }
        int32_t at = ken_strmap_get(j.at, row->id, strlen(row->id), -1);
        if (at < 0) {
            out->only_a++;
            continue;
        }
        other *o = &j.row[at];
        o->seen = true;
        uint64_t subject = subject_of(row);
        if (o->question != hash_of(row->question) || (subject != 0 && o->subject != 0 && subject != o->subject)) {
            out->other_question++;
            continue;
        }
        common++;
        if (how->category == KEN_UNLABELLED || o->category == KEN_UNLABELLED) {
            out->unlabelled++;
            continue;
        }
        out->moved[how->category][o->category]++;
        out->open += is_open(how) || o->open;
        /* Of sampled rows p_flip is no estimate (know/category.h). */
        out->predicted += strcmp(row->method, "exact") == 0 ? 1.0 - row->p_flip : NAN;
        if (how->category != KEN_HIGHLY_KNOWN) continue;
        out->hk++;
        out->hk_again += o->category == KEN_HIGHLY_KNOWN;
        out->hk_again_predicted += ken_prob_hk_again(row->greedy_hits, row->prompts);
    }
    for (size_t i = 0; i < j.n; i++) out->only_b += !j.row[i].seen;
    if (rc == KEN_OK && common == 0)
        rc = ken_fail(err, KEN_EINPUT,
                      "the two runs have no fact in common: %llu ids are only in the first, %llu only in the second, "
                      "%llu have another question; compare annotations of the same data",
                      (unsigned long long)out->only_a, (unsigned long long)out->only_b,
                      (unsigned long long)out->other_question);
    if (rc == KEN_OK) finish(out);
    ken_strmap_free(j.at);
    ken_free(j.row);
    ken_arena_free(&j.ids);
    return rc;
}
