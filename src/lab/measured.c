/* measured.c - what several worlds say together: ken_worlds_measure of ken.h. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/stats.h"
#include "lab/measures.h"
#include <math.h>
#include <string.h>

enum { N_BELOW = 4, ROUNDS = 1000, MOST_WORLDS = 1000, BINS = 32 };
static const uint32_t below[N_BELOW] = {2, 4, 8, 16};

static const ken_measures_options defaults = {
    .size = sizeof defaults, .contest = true, .contest_epochs = 6, .contest_batch = 64, .contest_lr = 1e-3};

void ken_measures_defaults_fill(ken_measures_options *o, size_t size)
{
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

const char *ken_rank_name(int rank)
{
    static const char *const names[KEN_N_RANKS] = {"exposures", "popularity", "p", "salience"};
    return rank >= 0 && rank < KEN_N_RANKS ? names[rank] : NULL;
}

/* One number of one world. */
enum {
    CORRELATION, /* (KEN_N_RANKS, KEN_N_RANKS) */
    AUROC = CORRELATION + KEN_N_RANKS * KEN_N_RANKS,
    BEFORE = AUROC + N_BELOW,
    GAP,                        /* (KEN_N_RANKS) */
    RESULT = GAP + KEN_N_RANKS, /* (KEN_CONTEST_TRAININGS, 4) */
    N_NUMBERS = RESULT + 4 * KEN_CONTEST_TRAININGS
};

struct ken_measures {
    int worlds;
    size_t facts;
    ken_measures_bin bin[BINS];
    size_t n_bins;
    double *number; /* (worlds, N_NUMBERS) */
    ken_theory_mean mean[N_NUMBERS];
    ken_contest contest[KEN_CONTEST_TRAININGS];
    size_t n_contest;
};

/* ---- one world ---------------------------------------------------------------------------------------------------------- */

typedef struct resample { /* what a bootstrap draws rows for */
    const double *x, *y;  /* y NULL: `positive` */
    const bool *positive;
    double *a, *b; /* (n + ...) room, grown as drawn */
    bool *c;
    size_t cap;
} resample;

static double of_rows(void *ctx, const size_t *row, size_t n)
{
    resample *r = ctx;
    double out = NAN;
    if (n > r->cap) {
        ken_free(r->a), ken_free(r->b), ken_free(r->c);
        r->cap = n + n / 2;
        r->a = ken_alloc(r->cap, sizeof *r->a);
        r->b = ken_alloc(r->cap, sizeof *r->b);
        r->c = ken_alloc(r->cap, sizeof *r->c);
    }
    if (r->a == NULL || r->b == NULL || r->c == NULL) return r->cap = 0, NAN;
    for (size_t i = 0; i < n; i++) {
        r->a[i] = r->x[row[i]];
        if (r->y != NULL) r->b[i] = r->y[row[i]];
        else r->c[i] = r->positive[row[i]];
    }
    const int rc = r->y != NULL ? ken_spearman(r->a, r->b, n, &out) : ken_auroc(r->a, r->c, n, &out);
    return rc == 0 ? out : NAN;
}

typedef struct columns { /* of the facts that were asked */
    double *rank[KEN_N_RANKS], *unknown;
    bool *few;
    int32_t *group;
    size_t n;
    int32_t subjects;
} columns;

static int make_columns(columns *c, const ken_world_facts *w, ken_err *err)
{
    *c = (columns){.n = w->asked, .subjects = (int32_t)w->subjects};
    c->unknown = ken_alloc(c->n, sizeof *c->unknown);
    c->few = ken_alloc(c->n, sizeof *c->few);
    c->group = ken_alloc(c->n, sizeof *c->group);
    bool there = c->unknown != NULL && c->few != NULL && c->group != NULL;
    for (int k = 0; k < KEN_N_RANKS; k++) there = (c->rank[k] = ken_alloc(c->n, sizeof *c->rank[k])) != NULL && there;
    if (!there) return ken_fail_nomem(err, "facts");
    for (size_t i = 0; i < c->n; i++) {
        for (int k = 0; k < KEN_N_RANKS; k++) c->rank[k][i] = ken_measured_rank(&w->fact[i], k);
        c->unknown[i] = w->fact[i].p_unknown;
        c->group[i] = (int32_t)w->fact[i].group;
    }
    return KEN_OK;
}

static void free_columns(columns *c)
{
    for (int k = 0; k < KEN_N_RANKS; k++) ken_free(c->rank[k]);
    ken_free(c->unknown);
    ken_free(c->few);
    ken_free(c->group);
}

/* ends: the interval of the one world that there is, else NULL. */
static int statistic(const columns *c, resample *r, double *value, ken_theory_mean *ends, ken_err *err)
{
    const int rc = r->y != NULL ? ken_spearman(r->x, r->y, c->n, value) : ken_auroc(r->x, r->positive, c->n, value);
    if (rc != 0 ||
        (ends != NULL && ken_bootstrap(c->group, c->n, c->subjects, ROUNDS, 1, of_rows, r, &ends->lo, &ends->hi) != 0))
        return ken_fail_nomem(err, "a statistic");
    return KEN_OK;
}

static int correlate(ken_measures *m, const ken_world_facts *w, double *number, bool alone, ken_err *err)
{
    columns c;
    resample r = {0};
    int rc = make_columns(&c, w, err);
    for (int a = 0; a < KEN_N_RANKS && rc == KEN_OK; a++)
        for (int b = 0; b < KEN_N_RANKS && rc == KEN_OK; b++) {
            const int at = CORRELATION + a * KEN_N_RANKS + b, mirror = CORRELATION + b * KEN_N_RANKS + a;
            if (b < a) number[at] = number[mirror], m->mean[at] = m->mean[mirror];
            if (b < a) continue;
            r.x = c.rank[a], r.y = c.rank[b];
            rc = statistic(&c, &r, &number[at], alone ? &m->mean[at] : NULL, err);
        }
    for (int i = 0; i < N_BELOW && rc == KEN_OK; i++) {
        for (size_t k = 0; k < c.n; k++) c.few[k] = w->fact[k].exposures < below[i];
        r.x = c.unknown, r.y = NULL, r.positive = c.few;
        rc = statistic(&c, &r, &number[AUROC + i], alone ? &m->mean[AUROC + i] : NULL, err);
    }
    free_columns(&c);
    ken_free(r.a), ken_free(r.b), ken_free(r.c);
    return rc;
}

static void add_bins(ken_measures *m, const ken_world_facts *w)
{
    for (size_t i = 0; i < w->asked; i++) {
        const ken_measured *f = &w->fact[i];
        int k = 0;
        while (f->exposures >> k > 0) k++; /* 0: none, 1: one, 2: 2 or 3, 3: 4 to 7, ... */
        ken_measures_bin *b = &m->bin[k < BINS ? k : BINS - 1];
        b->facts++;
        if (f->category < KEN_UNLABELLED) b->category[f->category]++;
        b->p += f->p;
        b->salience += f->salience;
    }
    m->facts += w->asked;
}

static int compete(const ken_world_facts *w, const ken_measures_options *o, ken_watch *watch, double *number,
                   ken_err *err)
{
    ken_contest_result result[KEN_CONTEST_TRAININGS];
    int rc = ken_contest_run(w, o, watch, result, &number[BEFORE], err);
    for (int i = 0; i < KEN_CONTEST_TRAININGS && rc == KEN_OK; i++) {
        const double x[4] = {result[i].best, result[i].last, result[i].epoch, result[i].fit};
        memcpy(&number[RESULT + 4 * i], x, sizeof x);
    }
    for (int k = 0; k < KEN_N_RANKS && rc == KEN_OK; k++) number[GAP + k] = result[2 * k + 1].best - result[2 * k].best;
    return rc;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------- */

static int summarize(ken_measures *m, ken_err *err)
{
    double *x = ken_alloc((size_t)m->worlds, sizeof *x);
    if (x == NULL) return ken_fail_nomem(err, "means");
    for (int k = 0; k < N_NUMBERS; k++) {
        ken_theory_mean *mean = &m->mean[k];
        const double lo = mean->lo, hi = mean->hi;
        for (int i = 0; i < m->worlds; i++) x[i] = m->number[(size_t)i * N_NUMBERS + (size_t)k];
        mean->n = isnan(x[0]) ? 0 : m->worlds;
        ken_mean_interval(x, (size_t)m->worlds, &mean->mean, &mean->sd, &mean->lo, &mean->hi);
        if (m->worlds == 1 && k < BEFORE) mean->lo = lo, mean->hi = hi; /* over subjects */
    }
    ken_free(x);
    for (size_t k = 0; k < BINS; k++) {
        ken_measures_bin *b = &m->bin[k];
        if (b->facts == 0) continue;
        ken_measures_bin *to = &m->bin[m->n_bins++];
        b->p /= (double)b->facts;
        b->salience /= (double)b->facts;
        b->least = k == 0 ? 0 : 1U << (k - 1);
        b->most = k == 0 ? 0 : (uint32_t)((1ULL << k) - 1);
        if (to != b) *to = *b;
    }
    return KEN_OK;
}

static ken_contest entry(const ken_measures *m, int training, int arm, int rank)
{
    const ken_theory_mean *mean = &m->mean[RESULT + 4 * training];
    return (ken_contest){.arm = arm, .rank = rank, .best = mean[0], .last = mean[1], .epoch = mean[2], .fit = mean[3]};
}

static void list_contest(ken_measures *m)
{
    static const int others[] = {KEN_CONTEST_RANDOM, KEN_CONTEST_WHOLE, KEN_CONTEST_MATCHED};
    for (int i = 0; i < KEN_CONTEST_HALVES; i++)
        m->contest[m->n_contest++] = entry(m, i, i % 2 == 1 ? KEN_CONTEST_TOP : KEN_CONTEST_BOTTOM, i / 2);
    for (int i = 0; i < KEN_CONTEST_TRAININGS - KEN_CONTEST_HALVES; i++)
        m->contest[m->n_contest++] = entry(m, KEN_CONTEST_HALVES + i, others[i], -1);
}

static int check(const ken_measures_options *o, int n, ken_err *err)
{
    if (n < 1 || n > MOST_WORLDS) return ken_fail(err, KEN_EUSAGE, "%d worlds; 1 to %d are possible", n, MOST_WORLDS);
    if (o->contest_epochs < 1 || o->contest_epochs > 1000)
        return ken_fail(err, KEN_EUSAGE, "`contest_epochs` %d is not from 1 to 1000", o->contest_epochs);
    if (o->contest_batch < 1 || o->contest_batch > 65536)
        return ken_fail(err, KEN_EUSAGE, "`contest_batch` %zu is not from 1 to 65536", o->contest_batch);
    if (!(o->contest_lr > 0 && o->contest_lr <= 1))
        return ken_fail(err, KEN_EUSAGE, "`contest_lr` %g is not above 0 and at most 1", o->contest_lr);
    return KEN_OK;
}

static int measure_one(ken_measures *m, const char *dir, int i, const ken_measures_options *o, ken_watch *watch,
                       ken_err *err)
{
    ken_world_facts w;
    double *number = m->number + (size_t)i * N_NUMBERS;
    for (int k = 0; k < N_NUMBERS; k++) number[k] = NAN;
    int rc = ken_world_facts_measure(&w, dir, o, watch, err);
    if (rc == KEN_OK) add_bins(m, &w);
    if (rc == KEN_OK) rc = correlate(m, &w, number, m->worlds == 1, err);
    if (rc == KEN_OK && o->contest) rc = compete(&w, o, watch, number, err);
    ken_world_facts_free(&w);
    return rc;
}

int ken_worlds_measure(ken_measures **out, const char *const *dirs, int n, const ken_measures_options *given,
                       ken_err *err)
{
    ken_measures_options o = ken_measures_defaults();
    *out = NULL;
    int rc = KEN_TAKE_OPTIONS(&o, given, ken_measures_options, err);
    if (rc == KEN_OK) rc = check(&o, n, err);
    if (rc != KEN_OK) return rc;
    ken_watch watch = {o.poll, o.progress, o.ctx, ken_clock(), {0}};
    ken_measures *m = ken_calloc(1, sizeof *m);
    if (m == NULL) return ken_fail_nomem(err, "measures");
    m->worlds = n;
    m->number = ken_alloc((size_t)n * N_NUMBERS, sizeof *m->number);
    if (m->number == NULL) rc = ken_fail_nomem(err, "measures");
    for (int i = 0; i < n && rc == KEN_OK; i++) rc = measure_one(m, dirs[i], i, &o, &watch, err);
    if (rc == KEN_OK) rc = summarize(m, err);
    if (rc == KEN_OK && o.contest) list_contest(m);
    if (rc == KEN_OK) *out = m;
    else ken_measures_free(m);
    return rc;
}

void ken_measures_free(ken_measures *m)
{
    if (m == NULL) return;
    ken_free(m->number);
    ken_free(m);
}

/* ---- asked for ---------------------------------------------------------------------------------------------------------- */

int ken_measures_worlds(const ken_measures *m, size_t *facts)
{
    *facts = m->facts;
    return m->worlds;
}

const ken_measures_bin *ken_measures_bins(const ken_measures *m, size_t *n)
{
    *n = m->n_bins;
    return m->bin;
}

const ken_theory_mean *ken_measures_correlation(const ken_measures *m, int a, int b)
{
    return &m->mean[CORRELATION + a * KEN_N_RANKS + b];
}

const ken_theory_mean *ken_measures_auroc(const ken_measures *m, size_t i, uint32_t *threshold)
{
    if (i >= N_BELOW) return NULL;
    *threshold = below[i];
    return &m->mean[AUROC + i];
}

const ken_contest *ken_measures_contest(const ken_measures *m, size_t *n)
{
    *n = m->n_contest;
    return m->contest;
}

const ken_theory_mean *ken_measures_gap(const ken_measures *m, int rank) { return &m->mean[GAP + rank]; }
const ken_theory_mean *ken_measures_before(const ken_measures *m) { return &m->mean[BEFORE]; }
