/* training.c - what a training says: one row a point with the loss, what is fitted by category and the watched sets, and every set at the
 * best point. */
#include "base/hub_name.h"
#include "view/views.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
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
    {.head = "last", .key = "last", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA},
    {.head = "kl base", .key = "kl_base", .unit = KEN_UNIT_REAL, .where = KEN_IN_DATA},
    {.head = "positions", .key = "kl_positions", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA}};
enum { N_POINT = sizeof point / sizeof *point, SECONDS = 6 };

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

/* A mean over no position is none. */
static double divergence_of(const ken_point *p) { return p->kl_positions > 0 ? p->kl_base : NAN; }

static void put_progress(ken_views *v, const ken_point *p)
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
    ken_put_number(v, divergence_of(p));
    ken_put_count(v, p->kl_positions);
}

static void put_point(ken_views *v, const ken_point *p, const curve *c, const ken_measure *m, size_t n, bool divergence)
{
    put_progress(v, p);
    for (int k = 0; k < N_CURVES; k++) {
        if (!c[k].there) continue;
        const ken_measure *x = value_of(&c[k], m, n);
        ken_view_cell *cell =
            ken_put_number(v, x == NULL ? NAN : (double)(c[k].abstained ? x->abstained : x->hits) / (double)x->n);
        cell->style = (ken_style)c[k].style;
    }
    if (divergence) ken_put_number(v, divergence_of(p));
    ken_put_text(v, KEN_STYLE_PLAIN, p->best && p->last ? "best, last" : p->best ? "best" : p->last ? "last" : NULL);
}

static bool has_divergence(const ken_run *r)
{
    for (size_t i = 0; i < ken_run_n_points(r); i++)
        if (!isnan(divergence_of(ken_run_point(r, i)))) return true;
    return false;
}

static int put_points(ken_views *v, ken_run *r, ken_err *err)
{
    curve c[N_CURVES];
    const bool divergence = has_divergence(r);
    ken_view_column columns[N_POINT + N_CURVES + 2];
    size_t n = N_POINT;
    bool measured;
    memcpy(c, curves, sizeof c);
    int rc = look(r, c, &measured, err);
    memcpy(columns, point, sizeof point);
    for (int k = 0; k < N_CURVES; k++)
        if (c[k].there)
            columns[n++] = (ken_view_column){
                .head = c[k].name, .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV};
    if (divergence)
        columns[n++] =
            (ken_view_column){.head = "KL base", .unit = KEN_UNIT_REAL, .digits = 4, .width = 9, .where = KEN_SHOWN};
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
        put_point(v, p, c, m, n_measures, divergence);
    }
    return rc;
}

/* Asked without examples, a base model may end every answer before it begins. What rises from there is not knowledge alone. */
static int put_form(ken_views *v, ken_run *r, ken_err *err)
{
    static const char *const sets[] = {"dev", "test", "ood", "train"};
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, ken_run_point(r, 0)->step, &m, &n, err);
    for (size_t i = 0; rc == KEN_OK && i < sizeof sets / sizeof *sets; i++) {
        const ken_formless f = ken_view_formless(m, n, sets[i]);
        const ken_measure *all = ken_measure_find(m, n, sets[i], "all", "");
        if (!f.most) continue;
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_STRONG, "Before training %s of %s %s answers are empty%s",
                      ken_views_count_text(v, f.empty + f.cut), ken_views_count_text(v, all->n), sets[i],
                      f.cut > 0 ? " or cut off" : "");
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            ": asked without examples, the model has yet to learn the form of an answer. So the rise from there is "
            "form as well as knowledge; what it knew before says ken eval --prompt few-shot with the model before "
            "training.");
        ken_view_known_before(v, m, n, sets[i]);
        break;
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

/* ---- by category ------------------------------------------------------------------------------------------------------ */

enum { BEFORE, BEST, LAST, N_POINTS };
enum { TRAIN, DEV, N_SETS = 4, N_GROUPS = 1 + KEN_UNLABELLED /* all of a set, then its categories */ };

typedef struct tally { /* copied: a run lends its measures until the next question */
    uint64_t hits, n;
} tally;

static int read_tallies(tally t[N_SETS][N_GROUPS], ken_run *r, const ken_point *p, ken_err *err)
{
    static const char *const sets[N_SETS] = {"train", "dev", "test", "ood"};
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, p->step, &m, &n, err);
    for (int s = 0; s < N_SETS && rc == KEN_OK; s++)
        for (int g = 0; g < N_GROUPS; g++) {
            const ken_measure *x = g == 0 ? ken_measure_find(m, n, sets[s], "all", "")
                                          : ken_measure_find(m, n, sets[s], "category", ken_category_name(g - 1));
            t[s][g] = x != NULL ? (tally){x->hits, x->n} : (tally){0, 0};
        }
    return rc;
}

/* The first point that is marked, else the last one. */
static const ken_point *marked(const ken_run *r, bool best)
{
    const size_t n = ken_run_n_points(r);
    for (size_t i = 0; i < n; i++) {
        const ken_point *p = ken_run_point(r, i);
        if (best ? p->best : p->last) return p;
    }
    return ken_run_point(r, n - 1);
}

static void say_share(ken_views *v, const tally *t)
{
    ken_views_say(v, KEN_STYLE_STRONG, "%s", ken_views_share_text(v, (double)t->hits / (double)t->n));
}

static void put_tallies(ken_views *v, tally t[N_POINTS][N_SETS][N_GROUPS], int s, int g)
{
    static const char *const names[N_SETS] = {"training rows", "dev", "test", "out of distribution"};
    ken_views_row(v, NULL, NULL)->total = g == 0;
    if (g == 0) ken_put_text(v, KEN_STYLE_PLAIN, names[s]);
    else ken_put_text(v, KEN_STYLE_PLAIN, ken_views_keep(v, "%s, %s", names[s], ken_category_name(g - 1)));
    ken_put_count(v, t[LAST][s][g].n);
    for (int p = 0; p < N_POINTS; p++) {
        if (t[p][s][g].n > 0) ken_put_share(v, t[p][s][g].hits, t[p][s][g].n);
        else ken_put_nothing(v);
    }
}

int ken_view_accuracy(ken_views *v, ken_run *r, ken_err *err)
{
    const ken_point *const at[N_POINTS] = {ken_run_point(r, 0), marked(r, true), marked(r, false)};
    tally t[N_POINTS][N_SETS][N_GROUPS];
    int rc = KEN_OK;
    for (int p = 0; p < N_POINTS && rc == KEN_OK; p++) rc = read_tallies(t[p], r, at[p], err);
    if (rc != KEN_OK) return rc;
    ken_view_column columns[] = {{.head = "rows", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
                                 {.head = "number", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
                                 {.head = "before", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
                                 {.head = ken_views_keep(v, "best (epoch %.3g)", at[BEST]->epoch),
                                  .unit = KEN_UNIT_SHARE,
                                  .digits = 1,
                                  .where = KEN_ON_PAGE},
                                 {.head = ken_views_keep(v, "last (epoch %.3g)", at[LAST]->epoch),
                                  .unit = KEN_UNIT_SHARE,
                                  .digits = 1,
                                  .where = KEN_ON_PAGE}};
    ken_views_heading(v, 0, "Accuracy by category");
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Right greedy answers, without examples in the prompt, with 95%% intervals. "
                  "Categories are those of the model before the training.");
    ken_views_columns(v, columns, sizeof columns / sizeof *columns, NULL);
    for (int s = 0; s < N_SETS; s++)
        for (int g = 0; g < N_GROUPS; g++)
            if (t[LAST][s][g].n > 0) put_tallies(v, t, s, g);
    return put_form(v, r, err);
}

/* ---- in a sentence ---------------------------------------------------------------------------------------------------- */

int ken_view_finding(ken_views *v, ken_run *r, ken_err *err)
{
    ken_views_text(v);
    if (ken_run_n_points(r) == 0) {
        ken_views_say(v, KEN_STYLE_PLAIN, "Nothing has been measured in this training yet.");
        return KEN_OK;
    }
    const ken_point *best = marked(r, true), *last = marked(r, false);
    tally at_best[N_SETS][N_GROUPS], at_last[N_SETS][N_GROUPS];
    int rc = read_tallies(at_best, r, best, err);
    if (rc == KEN_OK) rc = read_tallies(at_last, r, last, err);
    if (rc != KEN_OK) return rc;
    const tally *dev = at_best[DEV], *dev_last = at_last[DEV], *fit = at_last[TRAIN];
    if (dev->n > 0) {
        ken_views_say(v, KEN_STYLE_PLAIN, "Best after epoch %.3g: ", best->epoch);
        say_share(v, dev);
        ken_views_say(v, KEN_STYLE_PLAIN, " of the dev questions right");
    }
    if (dev->n > 0 && last != best && dev_last->n > 0) {
        ken_views_say(v, KEN_STYLE_PLAIN, "; after epoch %.3g ", last->epoch);
        say_share(v, dev_last);
    }
    if (fit->n > 0) {
        ken_views_say(v, KEN_STYLE_PLAIN, "%s", dev->n > 0 ? ", when " : "");
        say_share(v, fit);
        ken_views_say(v, KEN_STYLE_PLAIN, " of the training rows are fitted in the end");
    }
    if (dev->n == 0 && fit->n == 0) ken_views_say(v, KEN_STYLE_PLAIN, "%zu points were measured", ken_run_n_points(r));
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    return KEN_OK;
}

/* Numbers as short as they can be; settings may be anything. */
/* ---- several trainings ------------------------------------------------------------------------------------------------ */

static void put_at(ken_views *v, tally best[N_SETS][N_GROUPS], tally last[N_SETS][N_GROUPS], int set)
{
    const tally *t[2] = {&best[set][0], &last[set][0]};
    for (int i = 0; i < 2; i++) {
        if (t[i]->n > 0) ken_put_share(v, t[i]->hits, t[i]->n);
        else ken_put_nothing(v);
    }
}

int ken_view_trainings(ken_views *v, const ken_view_trained_run *t, size_t n, ken_err *err)
{
    static const ken_view_column columns[] = {
        {.head = "trained on", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
        {.head = "facts", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
        {.head = "Unknown", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
        {.head = "updates", .unit = KEN_UNIT_COUNT, .where = KEN_ON_PAGE},
        {.head = "dev, best", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
        {.head = "dev, last", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
        {.head = "test, best", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
        {.head = "test, last", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE}};
    tally best[N_SETS][N_GROUPS], last[N_SETS][N_GROUPS];
    int rc = KEN_OK;
    ken_views_columns(v, columns, sizeof columns / sizeof *columns, NULL);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        if (ken_run_n_points(t[i].run) == 0) continue;
        const ken_point *end = marked(t[i].run, false);
        rc = read_tallies(last, t[i].run, end, err);
        if (rc == KEN_OK) rc = read_tallies(best, t[i].run, marked(t[i].run, true), err);
        if (rc != KEN_OK) return rc;
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, t[i].name);
        ken_put_count(v, t[i].rows);
        if (t[i].labelled) ken_put_count(v, t[i].unknown);
        else ken_put_nothing(v);
        ken_put_count(v, (uint64_t)end->step);
        put_at(v, best, last, DEV);
        put_at(v, best, last, DEV + 1);
    }
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Right greedy answers as in training, without examples in the prompt, with 95%% intervals; best: the "
                  "weights that dev "
                  "chose.");
    ken_view_next_begin(v);
    ken_view_next_put(v, "ken annotate FACTS -o known.ken", "what the model knows");
    ken_view_next_put(v, "ken select known.ken --category Known -o set.jsonl", "without what it does not know");
    ken_view_next_put(v, "ken train -d set.jsonl --dev DEV -o B", "train on it, here or elsewhere");
    ken_view_next_put(v, "ken diff A B", "what that saved, A the other training");
    return rc;
}

static void say_setting(ken_views *v, const ken_run *r, const char *before, const char *key, const char *after)
{
    const char *value = ken_run_setting(r, key);
    char *end;
    if (value == NULL || value[0] == '\0') return;
    const double x = strtod(value, &end);
    if (*end == '\0') ken_views_say(v, KEN_STYLE_PLAIN, "%s%.4g%s", before, x, after);
    else ken_views_say(v, KEN_STYLE_PLAIN, "%s%s%s", before, value, after);
}

void ken_view_trained(ken_views *v, const ken_run *r, const size_t category[KEN_N_CATEGORIES + 1])
{
    const char *model = ken_run_setting(r, "model_path"), *slash = model != NULL ? strrchr(model, '/') : NULL;
    const char *between = " (";
    char of_hub[256];
    ken_views_text(v);
    if (model != NULL && ken_hub_name(of_hub, sizeof of_hub, model)) ken_views_say(v, KEN_STYLE_STRONG, "%s", of_hub);
    else if (model != NULL)
        ken_views_say(v, KEN_STYLE_STRONG, "%s", slash != NULL && slash[1] != '\0' ? slash + 1 : model);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s %s rows", model != NULL ? " trained on" : "Trained on",
                  ken_views_count_text(v, ken_run_n_trained(r)));
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) {
        if (category[c] == 0) continue;
        ken_views_say(v, KEN_STYLE_PLAIN, "%s%s %s", between, ken_views_count_text(v, category[c]),
                      c < KEN_N_CATEGORIES ? ken_category_name(c) : "not annotated");
        between = ", ";
    }
    if (between[0] == ',') ken_views_say(v, KEN_STYLE_PLAIN, ")");
    say_setting(v, r, ", ", "epochs", " epochs");
    say_setting(v, r, ", batches of ", "batch", "");
    say_setting(v, r, ", learning rate ", "lr", "");
    say_setting(v, r, ", LoRA ", "lora", "");
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

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
    if (rc == KEN_OK) rc = put_form(v, r, err);
    if (rc == KEN_OK) rc = put_measures(v, r, err);
    if (rc == KEN_OK) rc = put_end(v, r, err);
    return rc == KEN_OK ? ken_view_outcome(v, r, err) : rc;
}

/* ---- for programs ----------------------------------------------------------------------------------------------------- */

/* The point in the object at path, and in it set -> measure, set -> grouping -> key -> measure. How long it took is no part of it: a training
 * that was interrupted says the same. */
static void put_whole(ken_views *v, const ken_point *p, const ken_measure *m, size_t n, const char *path,
                      const char *in)
{
    ken_view_column columns[N_POINT];
    memcpy(columns, point, sizeof point);
    columns[SECONDS].where = 0;
    ken_views_columns(v, columns, N_POINT, NULL);
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_views_row(v, path, NULL);
    put_progress(v, p);
    for (size_t i = 0; i < n; i++) {
        const bool all = strcmp(m[i].grouping, "all") == 0;
        const char *set = ken_views_name(v, m[i].set), *grouping = ken_views_name(v, m[i].grouping);
        ken_view_measures(v, &m[i], NULL);
        ken_views_last(v)->where = KEN_IN_JSON;
        ken_view_measure(v, &m[i], &m[i], ken_views_keep(v, "%s%s%s%s", in, set, all ? "" : ".", all ? "" : grouping),
                         all ? NULL : m[i].key);
    }
}

int ken_views_of_point(ken_views **out, const ken_point *p, const ken_measure *m, size_t n, double training_seconds,
                       ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_value_text(v, "", "event", "measurement");
    put_whole(v, p, m, n, "", "");
    if (!isnan(training_seconds)) ken_value_number(v, "", "training_seconds", training_seconds);
    return ken_views_finish(out, v, err);
}

int ken_views_of_step(ken_views **out, const ken_train_step *s, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_value_text(v, "", "event", "step");
    ken_value_count(v, "", "step", (uint64_t)s->step);
    ken_value_number(v, "", "epoch", s->epoch);
    ken_value_number(v, "", "lr", s->lr);
    ken_value_number(v, "", "loss", s->loss);
    ken_value_number(v, "", "kl", s->kl);
    ken_value_number(v, "", "grad_norm", s->grad_norm);
    ken_value_count(v, "", "examples", s->examples);
    ken_value_count(v, "", "tokens", s->tokens);
    ken_value_count(v, "", "token_forwards", s->forwards);
    return ken_views_finish(out, v, err);
}

static void put_speed(ken_views *v, const ken_training_speed *s)
{
    const double t = s->training_seconds;
    ken_value_number(v, "session", "seconds", s->seconds);
    ken_value_number(v, "session", "training_seconds", t);
    if (!(t > 0)) return;
    ken_value_number(v, "session", "examples_per_second", (double)s->examples / t);
    ken_value_number(v, "session", "target_tokens_per_second", (double)s->tokens / t);
    ken_value_number(v, "session", "token_rows_per_second", (double)s->forwards / t);
}

int ken_views_of_training(ken_views **out, ken_run *r, const char *dir, const ken_training_speed *speed, ken_err *err)
{
    static const char *const settings[] = {"model", "data", "lora", "epochs", "lr", "batch", "seed"};
    ken_views *v = ken_views_new();
    *out = NULL;
    ken_value_text(v, "", "dir", dir);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        ken_value_text(v, "", settings[i], ken_run_setting(r, settings[i]));
    ken_value_list(v, "points[]");
    for (size_t i = 0; i < ken_run_n_points(r); i++) {
        const ken_point *p = ken_run_point(r, i);
        const ken_measure *m;
        size_t n;
        int rc = ken_run_measures(r, p->step, &m, &n, err);
        if (rc != KEN_OK) {
            ken_views_free(v);
            return rc;
        }
        put_whole(v, p, m, n, "points[]", "points[-1].");
        if (p->best) ken_value_count(v, "", "best_step", (uint64_t)p->step);
    }
    int rc = ken_view_outcome(v, r, err);
    if (rc != KEN_OK) {
        ken_views_free(v);
        return rc;
    }
    put_speed(v, speed);
    return ken_views_finish(out, v, err);
}
