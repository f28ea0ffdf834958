/* variant.c - how many rows a variant takes of each relation and category, and which; see variant.h.
 *
 * The hard thing is to be exact in the total and still spread over the relations by what each can give. Rows are apportioned to
 * relations by min(Known, Unknown), so that the mix of relations is the same for every X as long as the size does not exceed the sum
 * of those; beyond it, what a relation cannot give is taken from those that have room. */
#include "tune/variant.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/rng.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HK, MK, WK, UNKNOWN };

/* ---- names ---------------------------------------------------------------------------------------------------------- */

int ken_variant_check(const ken_variant_choice *v, ken_err *err)
{
    if (v->kind < KEN_VARIANT_NONE || v->kind > KEN_VARIANT_ONE)
        return ken_fail(err, KEN_EUSAGE, "`variant`: kind %d is not one of KEN_VARIANT_*", (int)v->kind);
    if ((v->kind == KEN_VARIANT_UNKNOWN || v->kind == KEN_VARIANT_KNOWN) && (v->percent < 0 || v->percent > 100))
        return ken_fail(err, KEN_EUSAGE, "`variant`: %d percent; 0 to 100 are possible", v->percent);
    if (v->kind == KEN_VARIANT_ONE && (v->category < 0 || v->category >= KEN_N_LABELS))
        return ken_fail(err, KEN_EUSAGE, "`variant`: %d is none of the four categories", v->category);
    return KEN_OK;
}

void ken_variant_text(ken_buf *out, const ken_variant_choice *v)
{
    switch (v->kind) {
    case KEN_VARIANT_NONE: return;
    case KEN_VARIANT_UNKNOWN: ken_buf_printf(out, "unknown=%d", v->percent); return;
    case KEN_VARIANT_KNOWN: ken_buf_printf(out, "known=%d", v->percent); return;
    case KEN_VARIANT_NATURAL: ken_buf_puts(out, "natural"); return;
    case KEN_VARIANT_ONE: ken_buf_puts(out, ken_category_name(v->category)); return;
    }
}

/* ---- shares --------------------------------------------------------------------------------------------------------- */

size_t ken_percent_of(size_t n, int percent)
{
    unsigned __int128 x = (unsigned __int128)n * (unsigned)percent;
    size_t q = (size_t)(x / 100), r = (size_t)(x % 100);
    return q + (r > 50 || (r == 50 && q % 2 == 1));
}

typedef struct share {
    unsigned __int128 remainder;
    size_t place;
} share;

static int by_remainder(const void *x, const void *y)
{
    const share *a = x, *b = y;
    if (a->remainder != b->remainder) return a->remainder > b->remainder ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

int ken_apportion(size_t total, const size_t *weight, size_t n, size_t *out, ken_err *err)
{
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < n; i++) sum += weight[i];
    for (size_t i = 0; i < n; i++) out[i] = 0;
    if (sum == 0) return KEN_OK;
    share *rest = ken_alloc(n, sizeof *rest);
    if (rest == NULL) return ken_fail_nomem(err, "variant");
    size_t given = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 quota = (unsigned __int128)total * weight[i];
        out[i] = (size_t)(quota / sum);
        rest[i] = (share){quota % sum, i};
        given += out[i];
    }
    qsort(rest, n, sizeof *rest, by_remainder);
    for (size_t i = 0; given < total; i++, given++) out[rest[i].place]++; /* fewer than n are missing */
    ken_free(rest);
    return KEN_OK;
}

typedef struct turn {
    size_t relation, number, rows; /* the number-th (from 1) of the relation's rows */
} turn;

/* Places of a divisor sequence (Webster): (2 number - 1) / rows, ascending. */
static int by_turn(const void *x, const void *y)
{
    const turn *a = x, *b = y;
    unsigned __int128 l = (unsigned __int128)(2 * a->number - 1) * b->rows,
                      r = (unsigned __int128)(2 * b->number - 1) * a->rows;
    if (l != r) return l < r ? -1 : 1;
    return a->relation < b->relation ? -1 : a->relation > b->relation;
}

/* `part` of the rows, in proportion to rows (n). By a divisor sequence, because there a larger part takes at least as much from each
 * relation as a smaller one: with largest remainders it might take less (the Alabama paradox), and variants would not nest. */
static int part_of_rows(size_t part, const size_t *rows, size_t n, size_t *out, ken_err *err)
{
    size_t total = 0, k = 0;
    for (size_t i = 0; i < n; i++) {
        total += rows[i];
        out[i] = 0;
    }
    turn *turns = ken_alloc(total, sizeof *turns);
    if (turns == NULL) return ken_fail_nomem(err, "variant");
    for (size_t i = 0; i < n; i++)
        for (size_t j = 1; j <= rows[i]; j++) turns[k++] = (turn){i, j, rows[i]};
    qsort(turns, total, sizeof *turns, by_turn);
    for (size_t i = 0; i < part && i < total; i++) out[turns[i].relation]++;
    ken_free(turns);
    return KEN_OK;
}

/* Reduces want to cap without changing its sum: the excess goes where there is room, first to relations of `first` (which are
 * the ones with weight), in proportion to the room. The caps suffice in total. */
static int redistribute_excess(size_t *want, const size_t *cap, const size_t *first, size_t n, ken_err *err)
{
    size_t excess = 0;
    for (size_t i = 0; i < n; i++)
        if (want[i] > cap[i]) {
            excess += want[i] - cap[i];
            want[i] = cap[i];
        }
    if (excess == 0) return KEN_OK;
    size_t *room = ken_alloc(2 * n, sizeof *room), *more = room + n;
    int rc = room == NULL ? ken_fail_nomem(err, "variant") : KEN_OK;
    for (int tier = 0; tier < 2 && rc == KEN_OK && excess > 0; tier++) {
        size_t total = 0;
        for (size_t i = 0; i < n; i++) total += room[i] = (first[i] > 0) == (tier == 0) ? cap[i] - want[i] : 0;
        rc = ken_apportion(excess < total ? excess : total, room, n, more, err);
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            want[i] += more[i];
            excess -= more[i];
        }
    }
    ken_free(room);
    return rc;
}

/* ---- what stands for Known ------------------------------------------------------------------------------------------ */

/* Rows of the relation that may be its Known ones. */
static size_t known_of(const ken_variant *v, const ken_variant_relation *r)
{
    switch (v->mix) {
    case KEN_MIX_HK: return r->have[HK];
    case KEN_MIX_MK: return r->have[MK];
    case KEN_MIX_WK: return r->have[WK];
    default: return r->have[HK] + r->have[MK] + r->have[WK];
    }
}

/* k Known rows of the relation, k at most known_of: natural by largest remainders (ties HK, MK, WK), equal as far as they reach. */
static int take_known(const ken_variant *v, ken_variant_relation *r, size_t k, ken_err *err)
{
    static const size_t even[3] = {1, 1, 1};
    int rc = KEN_OK;
    switch (v->mix) {
    case KEN_MIX_NATURAL: return ken_apportion(k, r->have, 3, r->take, err);
    case KEN_MIX_EQUAL:
        rc = ken_apportion(k, even, 3, r->take, err);
        return rc == KEN_OK ? redistribute_excess(r->take, r->have, even, 3, err) : rc;
    default: r->take[v->mix - KEN_MIX_HK + HK] = k; return KEN_OK;
    }
}

/* ---- plans ---------------------------------------------------------------------------------------------------------- */

/* Without a size: of each relation as many rows as its rarest category has. */
static int plan_rarest(const ken_variant *v, ken_variant_relation *r, size_t n, ken_err *err)
{
    size_t total = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        size_t min = SIZE_MAX, unknown;
        for (int c = 0; c < KEN_N_LABELS; c++)
            if (r[i].have[c] < min) min = r[i].have[c];
        total += min;
        switch (v->what.kind) {
        case KEN_VARIANT_NATURAL: rc = ken_apportion(min, r[i].have, KEN_N_LABELS, r[i].take, err); break;
        case KEN_VARIANT_ONE: r[i].take[v->what.category] = min; break;
        default:
            unknown = ken_percent_of(min, v->what.percent);
            rc = take_known(v, &r[i], min - unknown, err);
            r[i].take[UNKNOWN] = unknown;
        }
    }
    if (rc == KEN_OK && total == 0)
        return ken_fail(err, KEN_EUSAGE,
                        "no relation has rows of all four categories, which a variant without a size takes in equal "
                        "numbers; ask for a number of rows with `set_rows`");
    return rc;
}

/* The most rows that can be had with X % Unknown of them. */
static size_t largest(size_t known, size_t unknown, int percent)
{
    size_t n = percent == 0 ? known : percent == 100 ? unknown : known + unknown;
    while (n > 0 && (ken_percent_of(n, percent) > unknown || n - ken_percent_of(n, percent) > known)) {
        size_t u = ken_percent_of(n, percent);
        /* As far down as is surely too much, then row by row. */
        size_t over = u > unknown ? u - unknown : n - u - known;
        n -= over > 2 ? over - 1 : 1;
    }
    return n;
}

/* With a size: exactly that many rows, exactly X % of them Unknown. want and cap (n) are scratch. */
static int plan_unknown(const ken_variant *v, ken_variant_relation *r, size_t n, size_t *weight, size_t *rows,
                        size_t *unknown, size_t *cap, ken_err *err)
{
    size_t have_known = 0, have_unknown = 0, reach = 0, n_unknown = ken_percent_of(v->size, v->what.percent);
    for (size_t i = 0; i < n; i++) {
        have_known += known_of(v, &r[i]);
        have_unknown += r[i].have[UNKNOWN];
        reach += weight[i];
    }
    size_t n_known = v->size - n_unknown;
    if (n_unknown > have_unknown || n_known > have_known)
        return ken_fail(err, KEN_EUSAGE,
                        "%zu rows with %d %% Unknown need %zu Known and %zu Unknown ones; there are %zu Known and %zu "
                        "Unknown: `set_rows` %zu is the most",
                        v->size, v->what.percent, n_known, n_unknown, have_known, have_unknown,
                        largest(have_known, have_unknown, v->what.percent));
    int rc = ken_apportion(v->size, weight, n, rows, err);
    if (rc == KEN_OK) rc = part_of_rows(n_unknown, rows, n, unknown, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < n; i++) {
        rows[i] -= unknown[i]; /* the Known ones from here on */
        cap[i] = r[i].have[UNKNOWN];
    }
    if (reach == 0) { /* no relation has both: everything has to be spilled somewhere */
        rows[0] = n_known;
        unknown[0] = n_unknown;
    }
    rc = redistribute_excess(unknown, cap, weight, n, err);
    for (size_t i = 0; i < n; i++) cap[i] = known_of(v, &r[i]);
    if (rc == KEN_OK) rc = redistribute_excess(rows, cap, weight, n, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        rc = take_known(v, &r[i], rows[i], err);
        r[i].take[UNKNOWN] = unknown[i];
    }
    return rc;
}

size_t ken_variant_most(const ken_variant *v, const ken_variant_row *row, size_t n)
{
    ken_variant_relation all = {0};
    for (size_t i = 0; i < n; i++)
        if (row[i].category >= 0 && row[i].category < KEN_N_LABELS) all.have[row[i].category]++;
    if (v->concentrated || v->what.kind == KEN_VARIANT_ONE) return 0;
    if (v->what.kind == KEN_VARIANT_NATURAL) return all.have[HK] + all.have[MK] + all.have[WK] + all.have[UNKNOWN];
    return largest(known_of(v, &all), all.have[UNKNOWN], v->what.percent);
}

static int plan_natural(const ken_variant *v, ken_variant_relation *r, size_t n, const size_t *weight, size_t *rows,
                        size_t *cap, ken_err *err)
{
    size_t have = 0;
    for (size_t i = 0; i < n; i++) {
        cap[i] = 0;
        for (int c = 0; c < KEN_N_LABELS; c++) cap[i] += r[i].have[c];
        have += cap[i];
    }
    if (v->size > have)
        return ken_fail(err, KEN_EUSAGE, "%zu rows are asked for, %zu have a category: `set_rows` %zu is the most",
                        v->size, have, have);
    int rc = ken_apportion(v->size, weight, n, rows, err);
    size_t given = 0;
    for (size_t i = 0; i < n; i++) given += rows[i];
    if (given == 0) rows[0] = v->size;
    if (rc == KEN_OK) rc = redistribute_excess(rows, cap, weight, n, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = ken_apportion(rows[i], r[i].have, KEN_N_LABELS, r[i].take, err);
    return rc;
}

/* A size whose quotas no relation's rows of the category fall short of. Larger ones may fit by luck of their remainders. */
static size_t fitting(const ken_variant *v, const ken_variant_relation *r, size_t n, const size_t *weight)
{
    unsigned __int128 sum = 0, least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) sum += weight[i];
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 most = weight[i] > 0 ? sum * r[i].have[v->what.category] / weight[i] : SIZE_MAX;
        if (most < least) least = most;
    }
    return (size_t)least;
}

/* Relation i has too few rows of the category; or one that has none at all is named, because no size fits then. */
static int too_few(const ken_variant *v, const ken_variant_relation *r, size_t n, const size_t *weight,
                   const size_t *rows, size_t i, ken_err *err)
{
    char fits[64] = "leave that relation out";
    size_t size = fitting(v, r, n, weight);
    if (size > 0) snprintf(fits, sizeof fits, "`set_rows` %zu fits", size);
    else
        for (size_t k = 0; k < n; k++)
            if (rows[k] > 0 && r[k].have[v->what.category] == 0) i = k;
    return ken_fail(err, KEN_EUSAGE,
                    "%zu rows in the relations' mix take %zu %s rows of relation \"%.80s\", which has %zu; %s", v->size,
                    rows[i], ken_category_name(v->what.category), r[i].name, r[i].have[v->what.category], fits);
}

/* One category, in the same mix of relations as the others: refused where a relation lacks it (docs/method/fine-tuning.md#variants). */
static int plan_one(const ken_variant *v, ken_variant_relation *r, size_t n, const size_t *weight, size_t *rows,
                    ken_err *err)
{
    int rc = ken_apportion(v->size, weight, n, rows, err);
    size_t given = 0;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        given += rows[i];
        if (rows[i] > r[i].have[v->what.category]) return too_few(v, r, n, weight, rows, i, err);
        r[i].take[v->what.category] = rows[i];
    }
    if (rc == KEN_OK && given == 0)
        return ken_fail(err, KEN_EUSAGE, "no relation has both Known and Unknown rows, by which a variant is spread");
    return rc;
}

static int plan_size(const ken_variant *v, ken_variant_relation *r, size_t n, ken_err *err)
{
    size_t *room = ken_calloc(4 * n, sizeof *room);
    if (room == NULL) return ken_fail_nomem(err, "variant");
    size_t *weight = room, *rows = room + n, *unknown = room + 2 * n, *cap = room + 3 * n;
    for (size_t i = 0; i < n; i++) {
        size_t known = known_of(v, &r[i]);
        weight[i] = known < r[i].have[UNKNOWN] ? known : r[i].have[UNKNOWN];
    }
    int rc = v->what.kind == KEN_VARIANT_NATURAL ? plan_natural(v, r, n, weight, rows, cap, err)
             : v->what.kind == KEN_VARIANT_ONE   ? plan_one(v, r, n, weight, rows, err)
                                                 : plan_unknown(v, r, n, weight, rows, unknown, cap, err);
    ken_free(room);
    return rc;
}

typedef struct place {
    double drawn;
    size_t relation;
} place;

static int by_drawn(const void *x, const void *y)
{
    const place *a = x, *b = y;
    if (a->drawn != b->drawn) return a->drawn < b->drawn ? -1 : 1;
    return a->relation < b->relation ? -1 : a->relation > b->relation;
}

static size_t total_taken(const ken_variant_relation *r)
{
    return r->take[HK] + r->take[MK] + r->take[WK] + r->take[UNKNOWN];
}

/* Every relation must have either kind for all of its rows, so that it can be filled with it. */
static int check_concentrated(const ken_variant *v, const ken_variant_relation *r, size_t n, ken_err *err)
{
    size_t reach = 0;
    bool good = v->what.kind == KEN_VARIANT_UNKNOWN || v->what.kind == KEN_VARIANT_KNOWN;
    if (!good)
        return ken_fail(err, KEN_EUSAGE, "only a variant unknown=X or known=X has Unknown rows to be concentrated");
    for (size_t i = 0; i < n; i++) {
        size_t known = known_of(v, &r[i]), least = known < r[i].have[UNKNOWN] ? known : r[i].have[UNKNOWN];
        reach += least;
        good &= total_taken(&r[i]) <= least;
    }
    if (good) return KEN_OK;
    return ken_fail(
        err, KEN_EUSAGE,
        "%zu rows cannot be concentrated: whole relations of Known and of Unknown rows have %zu rows: `set_rows` "
        "%zu is the most",
        v->size, reach, reach);
}

/* Moves the Unknown rows of a plan together: relation after relation is filled with them, with as many in all as before and as many rows
 * in each. The order is the same for every X, so that variants nest (Dang et al. 2025: a type that is wholly unknown). */
static int concentrate(const ken_variant *v, ken_variant_relation *r, size_t n, ken_err *err)
{
    int rc = check_concentrated(v, r, n, err);
    if (rc != KEN_OK) return rc;
    place *order = ken_alloc(n, sizeof *order);
    if (order == NULL) return ken_fail_nomem(err, "variant");
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        left += r[i].take[UNKNOWN];
        order[i] = (place){ken_uniform(v->seed, r[i].name, strlen(r[i].name), 0, 0, 0), i};
    }
    qsort(order, n, sizeof *order, by_drawn);
    for (size_t k = 0; k < n && rc == KEN_OK; k++) {
        ken_variant_relation *x = &r[order[k].relation];
        size_t rows = total_taken(x), unknown = left < rows ? left : rows;
        memset(x->take, 0, sizeof x->take);
        rc = take_known(v, x, rows - unknown, err);
        x->take[UNKNOWN] = unknown;
        left -= unknown;
    }
    ken_free(order);
    return rc;
}

int ken_variant_plan(const ken_variant *v, ken_variant_relation *r, size_t n, size_t *left_out, size_t *spread,
                     ken_err *err)
{
    for (size_t i = 0; i < n; i++) memset(r[i].take, 0, sizeof r[i].take);
    if (n == 0) return ken_fail(err, KEN_EUSAGE, "no row has a category, which a variant is made of");
    int rc = v->size > 0 ? plan_size(v, r, n, err) : plan_rarest(v, r, n, err);
    if (rc == KEN_OK && v->concentrated) rc = concentrate(v, r, n, err);
    size_t out = 0, far = 0;
    for (size_t i = 0; i < n; i++) {
        size_t taken = total_taken(&r[i]);
        out += taken == 0;
        far += known_of(v, &r[i]) == 0 || r[i].have[UNKNOWN] == 0 ? taken : 0;
        if (v->what.kind == KEN_VARIANT_KNOWN) r[i].take[UNKNOWN] = 0;
    }
    if (left_out != NULL) *left_out = out;
    if (spread != NULL) *spread = far;
    return rc;
}

/* ---- drawing -------------------------------------------------------------------------------------------------------- */

typedef struct pools {
    ken_strmap *at; /* relation -> index */
    ken_variant_relation *relation;
    size_t n, cap;
    int32_t *relation_of; /* (rows) relation of each row, -1 = no category */
    size_t *start;        /* (4 n + 1) */
    int32_t *member;      /* (rows) */
} pools;

static int count_rows(pools *p, const ken_variant_row *row, size_t n, ken_err *err)
{
    p->at = ken_strmap_new(64);
    p->relation_of = ken_alloc(n, sizeof *p->relation_of);
    if (p->at == NULL || p->relation_of == NULL) return ken_fail_nomem(err, "variant");
    for (size_t i = 0; i < n; i++) {
        p->relation_of[i] = -1;
        if (row[i].category < 0 || row[i].category >= KEN_N_LABELS) continue;
        const int32_t k = p->relation_of[i] = ken_strmap_number(p->at, row[i].relation, strlen(row[i].relation));
        if (k < 0 || ken_grow((void **)&p->relation, &p->cap, (size_t)k + 1, sizeof *p->relation) != 0)
            return ken_fail_nomem(err, "variant");
        if ((size_t)k == p->n) p->relation[p->n++] = (ken_variant_relation){.name = row[i].relation};
        p->relation[k].have[row[i].category]++;
    }
    return KEN_OK;
}

/* Rows by pool, in their order: member[start[4 k + c]] and on are those of relation k, category c. */
static int fill_pools(pools *p, const ken_variant_row *row, size_t n, ken_err *err)
{
    size_t n_pools = p->n * KEN_N_LABELS, at = 0;
    p->start = ken_calloc(n_pools + 1, sizeof *p->start);
    p->member = ken_alloc(n, sizeof *p->member);
    size_t *fill = ken_alloc(n_pools + 1, sizeof *fill);
    int rc = p->start == NULL || p->member == NULL || fill == NULL ? ken_fail_nomem(err, "variant") : KEN_OK;
    if (rc == KEN_OK) {
        for (size_t i = 0; i < n_pools; i++) {
            p->start[i] = fill[i] = at;
            at += p->relation[i / KEN_N_LABELS].have[i % KEN_N_LABELS];
        }
        for (size_t i = 0; i < n; i++)
            if (p->relation_of[i] >= 0)
                p->member[fill[(size_t)p->relation_of[i] * KEN_N_LABELS + (size_t)row[i].category]++] = (int32_t)i;
    }
    ken_free(fill);
    return rc;
}

/* The first rows of a pool in its shuffled order. */
static int draw_pool(const ken_variant *v, const pools *p, size_t k, size_t category, bool *chosen, ken_err *err)
{
    const ken_variant_relation *r = &p->relation[k];
    const int32_t *pool = p->member + p->start[k * KEN_N_LABELS + category];
    ken_buf name = {0};
    if (r->take[category] == 0) return KEN_OK;
    ken_buf_printf(&name, "variant/%s/%s", r->name, ken_category_name((int)category));
    int32_t *order = ken_alloc(r->have[category], sizeof *order);
    int rc = name.failed || order == NULL ? ken_fail_nomem(err, "variant") : KEN_OK;
    if (rc == KEN_OK) {
        ken_shuffle(v->seed, name.data, order, (int32_t)r->have[category]);
        for (size_t i = 0; i < r->take[category]; i++) chosen[pool[order[i]]] = true;
    }
    ken_buf_free(&name);
    ken_free(order);
    return rc;
}

int ken_variant_draw(const ken_variant *v, const ken_variant_row *row, size_t n, bool *chosen, size_t *left_out,
                     size_t *spread, ken_err *err)
{
    pools p = {0};
    for (size_t i = 0; i < n; i++) chosen[i] = false;
    int rc = n > INT32_MAX ? ken_fail(err, KEN_EUSAGE, "more than 2^31 rows") : count_rows(&p, row, n, err);
    if (rc == KEN_OK) rc = ken_variant_plan(v, p.relation, p.n, left_out, spread, err);
    if (rc == KEN_OK) rc = fill_pools(&p, row, n, err);
    for (size_t i = 0; i < p.n * KEN_N_LABELS && rc == KEN_OK; i++)
        rc = draw_pool(v, &p, i / KEN_N_LABELS, i % KEN_N_LABELS, chosen, err);
    ken_strmap_free(p.at);
    ken_free(p.relation);
    ken_free(p.relation_of);
    ken_free(p.start);
    ken_free(p.member);
    return rc;
}
