/* diff_groups.c - counts, means, intervals and tests of each group of rows; see diff.h.
 *
 * Shares have the Wilson interval, means Student's t over rows (the prompts of a question are no independent trials), changes of a mean
 * the same of paired rows, lost against gained McNemar's exact test. Means leave out rows that could not be labelled (as the summary of a
 * run does). Multiple choice has groups of its own. Nothing here corrects for looking at many groups: who shows many p values says so. */
#include "study/diff.h"
#include "base/alloc.h"
#include "base/stats.h"
#include "know/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BY_ALL, BY_RELATION, BY_POPULARITY, BY_CATEGORY, BY_NEAR, BY_SPLIT, N_GROUPINGS };
static const char *const grouping_name[N_GROUPINGS] = {"all", "relation", "popularity", "category", "near", "split"};

typedef struct sums { /* of one group, while it is counted */
    int rank;         /* in its grouping */
    ken_paired p_t0, p_t, known;
    ken_paired only_a, only_b; /* p_t0 of one side, against 0 */
    double p_t0_a, p_t0_b, p_t_a, p_t_b;
    double guess_p_t0, guess_known; /* sums over n_guess rows */
    uint64_t n_guess;
} sums;

typedef struct counter {
    ken_diff *d;
    sums *sums; /* (d->n_groups) */
    size_t cap_sums;
    ken_strmap *index; /* key -> group, of one grouping */
    bool choice;       /* of multiple choice rows, else of the others */
} counter;

/* The key of row i in a grouping, or NULL; *rank orders the groups, -1 = as they come. */
static const char *key_of(const ken_diff *d, size_t i, int grouping, int *rank)
{
    static const char *const quarter[] = {NULL, "1", "2", "3", "4"};
    const ken_diff_row *r = &d->row[i];
    *rank = -1;
    switch (grouping) {
    case BY_ALL: return "";
    case BY_RELATION: return r->relation[0] != '\0' ? r->relation : NULL;
    case BY_SPLIT: return r->split[0] != '\0' ? r->split : NULL;
    case BY_POPULARITY: *rank = r->quartile; return quarter[r->quartile];
    case BY_CATEGORY:
        if (d->annotated && r->choice) return NULL;
        *rank = d->extra[i].category;
        return *rank < KEN_N_CATEGORIES ? ken_category_name(*rank) : NULL;
    default: *rank = r->near; return r->near != KEN_NEAR_UNKNOWN ? ken_near_name(r->near) : NULL;
    }
}

/* The index of a group, made when it is new; -1 when out of memory. */
static int32_t group_index(counter *c, int grouping, const char *key, int rank)
{
    ken_diff *d = c->d;
    int32_t at = ken_strmap_get(c->index, key, strlen(key), -1);
    if (at >= 0) return at;
    if (d->n_groups >= INT32_MAX ||
        ken_grow((void **)&d->group, &d->cap_groups, d->n_groups + 1, sizeof *d->group) != 0 ||
        ken_grow((void **)&c->sums, &c->cap_sums, d->n_groups + 1, sizeof *c->sums) != 0 ||
        ken_strmap_add(c->index, key, strlen(key), (int32_t)d->n_groups) < 0)
        return -1;
    d->group[d->n_groups] = (ken_diff_group){.grouping = grouping_name[grouping], .key = key, .choice = c->choice};
    c->sums[d->n_groups] = (sums){.rank = rank};
    return (int32_t)d->n_groups++;
}

static int verdict_of(const ken_diff_side *s, bool asked)
{
    return !asked ? KEN_NOT_ASKED : s->known ? KEN_RIGHT : KEN_WRONG;
}

static void count_row(const ken_diff *d, size_t i, ken_diff_group *g, sums *s)
{
    const ken_diff_row *r = &d->row[i];
    const diff_extra *x = &d->extra[i];
    g->n++;
    if (d->annotated && !g->choice) g->moved[r->a.category][r->b.category]++;
    else g->verdict[verdict_of(&r->a, x->a_label)][verdict_of(&r->b, x->b_label)]++;
    g->known_a += r->a.known;
    g->known_b += r->b.known;
    g->rest_a += x->a_label && !r->a.known;
    g->rest_b += x->b_label && !r->b.known;
    g->lost += r->move == KEN_MOVE_LOST;
    g->gained += r->move == KEN_MOVE_GAINED;
    if (!(x->a_label && x->b_label)) return;
    ken_paired_add(&s->known, r->a.known, r->b.known);
    if (x->options > 0) {
        s->n_guess++;
        s->guess_p_t0 += 1.0 / x->options;
        s->guess_known += ken_choice_by_guessing(r->a.prompts, x->options);
    }
    if (!isnan(r->a.p_t0) && !isnan(r->b.p_t0)) {
        ken_paired_add(&s->p_t0, r->a.p_t0, r->b.p_t0);
        ken_paired_add(&s->only_a, 0, r->a.p_t0);
        ken_paired_add(&s->only_b, 0, r->b.p_t0);
        s->p_t0_a += r->a.p_t0;
        s->p_t0_b += r->b.p_t0;
    }
    if (!isnan(r->a.p_t) && !isnan(r->b.p_t)) {
        ken_paired_add(&s->p_t, r->a.p_t, r->b.p_t);
        s->p_t_a += r->a.p_t;
        s->p_t_b += r->b.p_t;
    }
}

static double share(uint64_t k, uint64_t n) { return n > 0 ? (double)k / (double)n : NAN; }

static double mean(double sum, uint64_t n) { return n > 0 ? sum / (double)n : NAN; }

/* The mean change, NaN without rows, with its interval and test (NULL: not asked for). A change of probabilities is between -1 and 1, a mean
 * of them between 0 and 1; with two or three rows the interval would say otherwise. NaN stays. */
static double change(const ken_paired *p, double least, double *lo, double *hi, double *test)
{
    double unused;
    ken_paired_test(p, lo, hi, test != NULL ? test : &unused);
    if (*lo < least) *lo = least;
    if (*hi > 1) *hi = 1;
    return p->n > 0 ? p->mean : NAN;
}

static void finish(const ken_diff *d, ken_diff_group *g, const sums *s)
{
    g->lost_share = share(g->lost, g->known_a);
    ken_wilson(g->lost, g->known_a, &g->lost_lo, &g->lost_hi);
    g->gained_share = share(g->gained, g->rest_a);
    ken_wilson(g->gained, g->rest_a, &g->gained_lo, &g->gained_hi);
    g->mcnemar = ken_mcnemar(g->lost, g->gained);
    g->p_t0_a = mean(s->p_t0_a, s->p_t0.n);
    g->p_t0_b = mean(s->p_t0_b, s->p_t0.n);
    g->p_t0_change = change(&s->p_t0, -1, &g->p_t0_lo, &g->p_t0_hi, &g->p_t0_test);
    (void)change(&s->only_a, 0, &g->p_t0_a_lo, &g->p_t0_a_hi, NULL);
    (void)change(&s->only_b, 0, &g->p_t0_b_lo, &g->p_t0_b_hi, NULL);
    g->p_t_a = mean(s->p_t_a, s->p_t.n);
    g->p_t_b = mean(s->p_t_b, s->p_t.n);
    g->p_t_change = change(&s->p_t, -1, &g->p_t_lo, &g->p_t_hi, &g->p_t_test);
    if (!d->annotated && !g->choice) g->p_t_test = g->p_t0_test;
    g->known_change = change(&s->known, -1, &g->known_lo, &g->known_hi, NULL);
    g->guess_p_t0 = mean(s->guess_p_t0, s->n_guess);
    g->guess_known = mean(s->guess_known, s->n_guess);
}

/* Groups from `first` on that know their rank, by it. There are at most seven. */
static void sort_ranked(counter *c, size_t first)
{
    ken_diff *d = c->d;
    for (size_t i = first + 1; i < d->n_groups; i++)
        for (size_t k = i; k > first && c->sums[k].rank < c->sums[k - 1].rank; k--) {
            sums s = c->sums[k];
            ken_diff_group g = d->group[k];
            c->sums[k] = c->sums[k - 1];
            d->group[k] = d->group[k - 1];
            c->sums[k - 1] = s;
            d->group[k - 1] = g;
        }
}

static int count_grouping(counter *c, int grouping, ken_err *err)
{
    ken_diff *d = c->d;
    size_t first = d->n_groups;
    bool ranked = false;
    c->index = ken_strmap_new(64);
    int rc = c->index == NULL ? ken_fail_nomem(err, "groups") : KEN_OK;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        int rank;
        const char *key = key_of(d, i, grouping, &rank);
        if (key == NULL || d->row[i].choice != c->choice) continue;
        ranked = rank >= 0;
        int32_t at = group_index(c, grouping, key, rank);
        if (at < 0 || c->sums == NULL) rc = ken_fail_nomem(err, "groups");
        else count_row(d, i, &d->group[at], &c->sums[at]);
    }
    ken_strmap_free(c->index);
    if (rc == KEN_OK && ranked) sort_ranked(c, first);
    return rc;
}

int ken_diff_make_groups(ken_diff *d, ken_err *err)
{
    counter c = {.d = d};
    int rc = KEN_OK;
    for (int choice = 0; choice < 2; choice++) {
        c.choice = choice != 0;
        for (int g = 0; g < N_GROUPINGS && rc == KEN_OK; g++) rc = count_grouping(&c, g, err);
    }
    for (size_t i = 0; i < d->n_groups && rc == KEN_OK; i++) finish(d, &d->group[i], &c.sums[i]);
    ken_free(c.sums);
    return rc;
}
