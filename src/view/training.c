/* training.c - what a training says: one row a point with the loss, what is fitted by category and the watched sets, and every set at the
 * best point. */
#include "view/views.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct curve {
    const char *name, *set, *grouping, *key;
    int style;
    bool abstained; /* its share instead of that of the hits */
    bool there;
} curve;

static const curve curves[] = {{"fit", "train", "all", "", KEN_STYLE_STRONG, false, false},
                               {"HK", "train", "category", "HighlyKnown", KEN_STYLE_CATEGORY, false, false},
                               {"MK", "train", "category", "MaybeKnown", KEN_STYLE_CATEGORY + 1, false, false},
                               {"WK", "train", "category", "WeaklyKnown", KEN_STYLE_CATEGORY + 2, false, false},
                               {"Unk", "train", "category", "Unknown", KEN_STYLE_CATEGORY + 3, false, false},
                               {"dev", "dev", "all", "", KEN_STYLE_STRONG, false, false},
                               {"test", "test", "all", "", KEN_STYLE_PLAIN, false, false},
                               {"ood", "ood", "all", "", KEN_STYLE_PLAIN, false, false},
                               {"abstain", "dev", "all", "", KEN_STYLE_QUIET, true, false}};
enum { N_CURVES = sizeof curves / sizeof *curves };

static const ken_view_column point[] = {
    {.head = "epoch", .key = "epoch", .unit = KEN_UNIT_REAL, .digits = 2, .width = 7, .where = KEN_EVERYWHERE},
    {.head = "step", .key = "step", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "lr", .key = "lr", .unit = KEN_UNIT_REAL, .where = KEN_IN_DATA},
    {.head = "loss", .key = "loss", .unit = KEN_UNIT_REAL, .digits = 4, .width = 9, .where = KEN_EVERYWHERE},
    {.head = "kl", .key = "kl", .unit = KEN_UNIT_REAL, .where = KEN_IN_DATA},
    {.head = "gradient", .key = "grad_norm", .unit = KEN_UNIT_REAL, .where = KEN_IN_DATA},
    {.head = "seconds", .key = "seconds", .unit = KEN_UNIT_REAL, .where = KEN_IN_DATA},
    {.head = "examples", .key = "examples", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
    {.head = "tokens", .key = "tokens", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
    {.head = "forwards", .key = "token_forwards", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
    {.head = "best", .key = "best", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA},
    {.head = "last", .key = "last", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA}};
enum { N_POINT = sizeof point / sizeof *point };

static const ken_measure *value_of(const curve *c, const ken_measure *m, size_t n)
{
    const ken_measure *x = ken_measure_find(m, n, c->set, c->grouping, c->key);
    return x != NULL && x->n > 0 ? x : NULL;
}

/* Which curves have a value anywhere, and whether any point was measured at all. */
static int look(ken_run *r, curve *c, bool *measured, ken_err *err)
{
    *measured = false;
    for (size_t i = 0; i < ken_run_n_points(r); i++) {
        const ken_measure *m;
        size_t n;
        int rc = ken_run_measures(r, ken_run_point(r, i)->step, &m, &n, err);
        if (rc != KEN_OK) return rc;
        *measured |= n > 0;
        for (int k = 0; k < N_CURVES; k++) {
            const ken_measure *x = value_of(&c[k], m, n);
            c[k].there |= x != NULL && (!c[k].abstained || x->abstained > 0);
        }
    }
    return KEN_OK;
}

static void put_point(ken_views *v, const ken_point *p, const curve *c, const ken_measure *m, size_t n)
{
    ken_put_number(v, p->epoch);
    ken_put_count(v, (uint64_t)p->step);
    ken_put_number(v, p->lr);
    ken_put_number(v, p->loss);
    ken_put_number(v, p->kl);
    ken_put_number(v, p->grad_norm);
    ken_put_number(v, p->seconds);
    ken_put_count(v, p->examples);
    ken_put_count(v, p->tokens);
    ken_put_count(v, p->forwards);
    ken_put_truth(v, p->best);
    ken_put_truth(v, p->last);
    for (int k = 0; k < N_CURVES; k++) {
        if (!c[k].there) continue;
        const ken_measure *x = value_of(&c[k], m, n);
        ken_view_cell *cell =
            ken_put_number(v, x == NULL ? NAN : (double)(c[k].abstained ? x->abstained : x->hits) / (double)x->n);
        cell->style = (ken_style)c[k].style;
    }
    ken_put_text(v, KEN_STYLE_PLAIN, p->best && p->last ? "best, last" : p->best ? "best" : p->last ? "last" : NULL);
}

static int put_points(ken_views *v, ken_run *r, ken_err *err)
{
    curve c[N_CURVES];
    ken_view_column columns[N_POINT + N_CURVES + 1];
    size_t n = N_POINT;
    bool measured;
    memcpy(c, curves, sizeof c);
    int rc = look(r, c, &measured, err);
    memcpy(columns, point, sizeof point);
    for (int k = 0; k < N_CURVES; k++)
        if (c[k].there)
            columns[n++] = (ken_view_column){
                .head = c[k].name, .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV};
    columns[n++] = (ken_view_column){.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN};
    ken_views_columns(v, columns, n, NULL);
    for (size_t i = 0; i < ken_run_n_points(r) && rc == KEN_OK; i++) {
        const ken_point *p = ken_run_point(r, i);
        const ken_measure *m;
        size_t n_measures;
        rc = ken_run_measures(r, p->step, &m, &n_measures, err);
        if (rc != KEN_OK) break;
        ken_view_row *row = ken_views_row(v, "points[]", NULL);
        if (measured && n_measures == 0 && !p->best && !p->last)
            row->where |= KEN_IF_VERBOSE; /* only its loss is known */
        put_point(v, p, c, m, n_measures);
    }
    return rc;
}

/* Everything measured at every point, below it in JSON. */
static int put_measures(ken_views *v, ken_run *r, ken_err *err)
{
    static const ken_view_column names[] = {{.key = "set", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                            {.key = "grouping", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                            {.key = "key", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON}};
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_points(r) && rc == KEN_OK; i++) {
        const ken_measure *m;
        size_t n;
        rc = ken_run_measures(r, ken_run_point(r, i)->step, &m, &n, err);
        const char *path = ken_views_keep(v, "points[%zu].measures[]", i),
                   *last = ken_views_keep(v, "points[%zu].measures[-1]", i);
        if (n == 0) ken_views_values(v, NULL, 0, path);
        for (size_t k = 0; k < n && rc == KEN_OK; k++) {
            ken_view_measures(v, &m[k], NULL);
            ken_views_last(v)->where = KEN_IN_JSON;
            ken_view_measure(v, &m[k], &m[k], path, NULL);
            ken_views_values(v, names, 3, last);
            ken_views_last(v)->where = KEN_IN_JSON;
            ken_put_text(v, KEN_STYLE_PLAIN, m[k].set);
            ken_put_text(v, KEN_STYLE_PLAIN, m[k].grouping);
            ken_put_text(v, KEN_STYLE_PLAIN, m[k].key);
        }
    }
    return rc;
}

/* Every measured set at the best point (else the last), with its interval. */
static int put_end(ken_views *v, ken_run *r, ken_err *err)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "set", .unit = KEN_UNIT_TEXT, .width = 16, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "right", .key = "hits", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "of", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "share",
         .key = "accuracy",
         .lo_key = "accuracy_lo",
         .hi_key = "accuracy_hi",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "answered",
         .key = "answered",
         .unit = KEN_UNIT_PART,
         .digits = 1,
         .width = 10,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "of answered",
         .key = "accuracy_answered",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 13,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "loss/token",
         .key = "nll",
         .unit = KEN_UNIT_REAL,
         .digits = 4,
         .width = 12,
         .where = KEN_SHOWN | KEN_IN_CSV}};
    const ken_point *end = ken_run_point(r, ken_run_n_points(r) - 1);
    for (size_t i = 0; i < ken_run_n_points(r); i++)
        if (ken_run_point(r, i)->best) end = ken_run_point(r, i);
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, end->step, &m, &n, err);
    bool head = false;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        if (strcmp(m[i].grouping, "all") != 0 || (m[i].n == 0 && m[i].tokens == 0)) continue;
        if (!head)
            ken_views_table(v, columns, sizeof columns / sizeof *columns,
                            ken_views_keep(v, "%s epoch %.2f (step %" PRId64 ")",
                                           end->best ? "best:" : "at the last point,", end->epoch, end->step));
        head = true;
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, m[i].set);
        if (m[i].n > 0) {
            ken_put_count(v, m[i].hits);
            ken_put_count(v, m[i].n);
            ken_put_share(v, m[i].hits, m[i].n);
        } else
            for (int k = 0; k < 3; k++) ken_put_nothing(v);
        if (m[i].abstained > 0) {
            ken_put_part(v, m[i].answered, m[i].n);
            ken_put_number(v, m[i].answered > 0 ? (double)m[i].hits / (double)m[i].answered : NAN);
        } else
            for (int k = 0; k < 2; k++) ken_put_nothing(v);
        if (m[i].tokens > 0 && !isnan(m[i].loss)) ken_put_number(v, m[i].loss / (double)m[i].tokens);
        else ken_put_nothing(v);
    }
    return rc;
}

int ken_view_training(ken_views *v, ken_run *r, ken_err *err)
{
    static const ken_view_column settings[] = {{.key = "kind", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                               {.key = "model", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                               {.key = "data", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                               {.key = "rows", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON}};
    ken_views_values(v, settings, 4, "");
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_put_text(v, KEN_STYLE_PLAIN, "train");
    ken_put_text(v, KEN_STYLE_PLAIN, ken_run_setting(r, "model"));
    ken_put_text(v, KEN_STYLE_PLAIN, ken_run_setting(r, "data"));
    ken_put_count(v, ken_run_n_trained(r));

    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "training of ");
    ken_view_subject(v, ken_run_setting(r, "model_path"), NULL, ken_run_setting(r, "data"));
    if (ken_run_n_trained(r) > 0) ken_views_say(v, KEN_STYLE_PLAIN, ": %zu rows", ken_run_n_trained(r));
    if (ken_run_n_points(r) == 0) {
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "No points yet.");
        return KEN_OK;
    }
    int rc = put_points(v, r, err);
    if (rc == KEN_OK) rc = put_measures(v, r, err);
    return rc == KEN_OK ? put_end(v, r, err) : rc;
}
