/* counts.c - one pass over a run in data order: the places of its rows, and the sums that its summary shows.
 *
 * The sums are f64 and added in data order, so they do not depend on the order in which the rows were written. The commonest
 * answer of a relation is found without keeping the answers: 64-bit hashes of their normalised forms (docs/method/knowledge.md#normalisation),
 * sorted at the end. */
#include "store/run.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "store/said.h"
#include "text/accept.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One row's first answer, for the majority share. */
typedef struct answer {
    uint64_t hash; /* of its normalised form */
    size_t relation;
} answer;

/* Sums that become ken_counts' means and deviation. */
typedef struct sums {
    double p_t0, p_t, var_unknown;
    uint64_t n_p_t0, n_p_t, n_echo;
} sums;

typedef struct scan {
    ken_run *r;
    sqlite3_stmt *q;
    answer *answers; /* (r->n) */
    size_t cap_answers;
    sums total, *by_relation; /* (r->n_relations) */
    size_t cap_sums;
    ken_said said;
    ken_strmap *index; /* relation -> place in r->relations; keys are those of r->relations */
} scan;

/* The index of a relation, made when it is new; -1 when out of memory. */
static int64_t relation_index(scan *s, const char *name, size_t n)
{
    ken_run *r = s->r;
    int32_t i = ken_strmap_get(s->index, name, n, -1);
    if (i >= 0) return i;
    if (ken_grow((void **)&r->relations, &r->cap_relations, r->n_relations + 1, sizeof *r->relations) != 0 ||
        ken_grow((void **)&s->by_relation, &s->cap_sums, r->n_relations + 1, sizeof *s->by_relation) != 0)
        return -1;
    char *own = ken_strndup(name, n);
    if (own == NULL) return -1;
    i = (int32_t)r->n_relations++;
    memset(&r->relations[i], 0, sizeof r->relations[i]);
    memset(&s->by_relation[i], 0, sizeof s->by_relation[i]);
    r->relations[i].relation = own;
    return ken_strmap_add(s->index, own, n, i) < 0 ? -1 : i;
}

enum { C_PLACE, C_RELATION, C_CATEGORY, C_P_T0, C_P_T, C_GREEDY_HITS, C_P_UNKNOWN, C_FLAGS, C_ANSWER };

static double real(sqlite3_stmt *q, int i)
{
    return sqlite3_column_type(q, i) == SQLITE_NULL ? NAN : sqlite3_column_double(q, i);
}

/* docs/method/knowledge.md#flip: E[#Unknown] = sum of P_U, its variance sum of P_U (1 - P_U), over rows with g = 0. The means leave out rows
 * that could not be labelled (their p is an artefact of the limit that stopped them), but not multiple choice. */
static void count_row(ken_counts *c, sums *s, sqlite3_stmt *q, int category)
{
    int64_t flags = sqlite3_column_int64(q, C_FLAGS);
    double p_t0 = real(q, C_P_T0), p_t = real(q, C_P_T), p_u = real(q, C_P_UNKNOWN);
    c->n++;
    c->category[category]++;
    if ((flags & KEN_FLAG_ECHO) != 0) s->n_echo++;
    if (category == KEN_UNLABELLED && (flags & KEN_FLAG_CHOICE) == 0) return;
    if (!isnan(p_t0)) {
        s->p_t0 += p_t0;
        s->n_p_t0++;
    }
    if (!isnan(p_t)) {
        s->p_t += p_t;
        s->n_p_t++;
    }
    if (category != KEN_UNLABELLED && sqlite3_column_int64(q, C_GREEDY_HITS) == 0 && p_u >= 0 && p_u <= 1) {
        c->expected_unknown += p_u;
        s->var_unknown += p_u * (1 - p_u);
    }
}

static int scan_row(scan *s, ken_err *err)
{
    ken_run *r = s->r;
    int64_t place = sqlite3_column_int64(s->q, C_PLACE);
    /* Ascending places also end a walk in a tree that a manipulated file has tied into a loop. */
    if (place < 0 || (r->n > 0 && place <= r->places[r->n - 1])) return ken_run_damaged(r, place, "the order", err);
    if (sqlite3_column_type(s->q, C_RELATION) != SQLITE_TEXT) return ken_run_damaged(r, place, "relation", err);
    if (r->n_relations == KEN_STORE_MAX_RELATIONS) return ken_run_damaged(r, place, "number of relations", err);
    int type = sqlite3_column_type(s->q, C_CATEGORY);
    const char *word = (const char *)sqlite3_column_text(s->q, C_CATEGORY);
    int category = type == SQLITE_NULL || word != NULL ? ken_schema_category_of(word) : -1;
    if (category < 0) return ken_run_damaged(r, place, "category", err);

    const char *name = (const char *)sqlite3_column_text(s->q, C_RELATION);
    const char *gold = (const char *)sqlite3_column_text(s->q, C_ANSWER);
    int64_t relation = name != NULL ? relation_index(s, name, strlen(name)) : -1;
    char *norm = gold != NULL ? ken_normalize(gold, strlen(gold)) : ken_strdup("");
    if (norm != NULL && norm[0] == '\0' && gold != NULL) { /* "The The", "!!!": as they are */
        ken_free(norm);
        norm = ken_strdup(gold);
    }
    if (relation < 0 || norm == NULL ||
        ken_grow((void **)&r->places, &r->cap_places, r->n + 1, sizeof *r->places) != 0 ||
        ken_grow((void **)&s->answers, &s->cap_answers, r->n + 1, sizeof *s->answers) != 0) {
        ken_free(norm);
        return ken_fail_nomem(err, r->path);
    }
    s->answers[r->n] = (answer){ken_hash64(norm, strlen(norm)), (size_t)relation};
    r->places[r->n++] = place;
    ken_free(norm);
    count_row(&r->relations[relation], &s->by_relation[relation], s->q, category);
    count_row(&r->total, &s->total, s->q, category);
    return ken_said_row(&s->said, place, category, (uint32_t)sqlite3_column_int64(s->q, C_FLAGS),
                        &r->relations[relation], err);
}

/* ---- majority ------------------------------------------------------------------------------------------------------ */

static int by_hash(const void *a, const void *b)
{
    const answer *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_relation_and_hash(const void *a, const void *b)
{
    const answer *x = a, *y = b;
    if (x->relation != y->relation) return x->relation < y->relation ? -1 : 1;
    return by_hash(a, b);
}

/* The longest run of equal hashes among n sorted answers, as a share. */
static double longest(const answer *a, size_t n)
{
    size_t best = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && a[j].hash == a[i].hash; j++) {
        }
        if (j - i > best) best = j - i;
    }
    return n == 0 ? 0 : (double)best / (double)n;
}

static void majorities(scan *s)
{
    ken_run *r = s->r;
    if (r->n == 0) return;
    qsort(s->answers, r->n, sizeof *s->answers, by_hash);
    r->total.majority_share = longest(s->answers, r->n);
    qsort(s->answers, r->n, sizeof *s->answers, by_relation_and_hash);
    for (size_t i = 0, j; i < r->n; i = j) {
        for (j = i + 1; j < r->n && s->answers[j].relation == s->answers[i].relation; j++) {
        }
        r->relations[s->answers[i].relation].majority_share = longest(s->answers + i, j - i);
    }
}

static void finish(ken_counts *c, const sums *s)
{
    c->sd_unknown = sqrt(s->var_unknown);
    c->mean_p_t0 = s->n_p_t0 == 0 ? NAN : s->p_t0 / (double)s->n_p_t0;
    c->mean_p_t = s->n_p_t == 0 ? NAN : s->p_t / (double)s->n_p_t;
    c->echo_share = c->n == 0 ? 0 : (double)s->n_echo / (double)c->n;
}

int ken_run_scan(ken_run *r, ken_err *err)
{
    scan s = {.r = r};
    r->total.relation = "";
    int rc = ken_schema_prepare(r->db, r->path,
                                "SELECT knowledge.place, relation, category, p_t0, p_t, greedy_hits, p_unknown, flags,"
                                " answers.text FROM knowledge JOIN examples ON examples.place = knowledge.place"
                                " LEFT JOIN answers ON answers.place = knowledge.place AND answers.n = 0"
                                " ORDER BY knowledge.place",
                                &s.q, err);
    if (rc == KEN_OK) rc = ken_said_open(&s.said, r, err);
    if (rc == KEN_OK && (s.index = ken_strmap_new(64)) == NULL) rc = ken_fail_nomem(err, r->path);
    while (rc == KEN_OK) {
        int code = sqlite3_step(s.q);
        if (code == SQLITE_DONE) break;
        rc = code == SQLITE_ROW ? scan_row(&s, err) : ken_schema_fail(r->db, code, r->path, err);
    }
    if (rc == KEN_OK) {
        majorities(&s);
        finish(&r->total, &s.total);
        for (size_t i = 0; i < r->n_relations; i++) finish(&r->relations[i], &s.by_relation[i]);
    }
    sqlite3_finalize(s.q);
    ken_said_close(&s.said);
    ken_strmap_free(s.index);
    ken_free(s.answers);
    ken_free(s.by_relation);
    return rc;
}
