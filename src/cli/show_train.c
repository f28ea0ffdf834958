/* show_train.c - see show_train.h. One line a point of a training: loss, what is fitted by category, the other sets. */
#include "cli/show_train.h"
#include "cli/cli.h"
#include "cli/evaluation.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/term.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int nomem(ken_err *err) { return cli_fail(err, KEN_ENOMEM, "out of memory"); }

/* ---- the curve of a training ---------------------------------------------------------------------------------------- */

typedef struct column {
    const char *name, *set, *grouping, *key;
    int style;
    bool abstained; /* its share instead of that of the hits */
    bool there;
} column;

static column columns[] = {{"fit", "train", "all", "", TERM_BOLD, false, false},
                           {"HK", "train", "category", "HighlyKnown", TERM_CATEGORY, false, false},
                           {"MK", "train", "category", "MaybeKnown", TERM_CATEGORY + 1, false, false},
                           {"WK", "train", "category", "WeaklyKnown", TERM_CATEGORY + 2, false, false},
                           {"Unk", "train", "category", "Unknown", TERM_CATEGORY + 3, false, false},
                           {"dev", "dev", "all", "", TERM_BOLD, false, false},
                           {"test", "test", "all", "", TERM_PLAIN, false, false},
                           {"ood", "ood", "all", "", TERM_PLAIN, false, false},
                           {"abstain", "dev", "all", "", TERM_DIM, true, false}};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static const ken_measure *cell(const column *c, const ken_measure *m, size_t n)
{
    const ken_measure *x = ken_measure_find(m, n, c->set, c->grouping, c->key);
    return x != NULL && x->n > 0 ? x : NULL;
}

/* Which columns have anything in them, and whether a point has measurements at all. */
static int look(ken_run *r, bool *measured, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_points(r) && rc == KEN_OK; i++) {
        const ken_measure *m;
        size_t n;
        rc = ken_run_measures(r, ken_run_point(r, i)->step, &m, &n, err);
        if (rc == KEN_OK) measured[i] = n > 0;
        for (int k = 0; k < N_COLUMNS && rc == KEN_OK; k++) {
            const ken_measure *x = cell(&columns[k], m, n);
            columns[k].there |= x != NULL && (!columns[k].abstained || x->abstained > 0);
        }
    }
    return rc;
}

static void print_number(double x, const char *format, int width)
{
    if (isnan(x)) printf("%*s", width, "-");
    else printf(format, width, x);
}

static void print_point(const ken_point *p, const ken_measure *m, size_t n)
{
    printf("%7.2f%8" PRId64, p->epoch, p->step);
    print_number(p->loss, "%*.4f", 9);
    for (int k = 0; k < N_COLUMNS; k++) {
        if (!columns[k].there) continue;
        const ken_measure *x = cell(&columns[k], m, n);
        fputs(term_on(columns[k].style), stdout);
        if (x == NULL) printf("%8s", "-");
        else printf("%7.1f%%", 100.0 * (double)(columns[k].abstained ? x->abstained : x->hits) / (double)x->n);
        fputs(term_off(), stdout);
    }
    puts(p->best && p->last ? "  best, last" : p->best ? "  best" : p->last ? "  last" : "");
}

static void print_head(void)
{
    fputs(term_on(TERM_BOLD), stdout);
    printf("%7s%8s%9s", "epoch", "step", "loss");
    for (int k = 0; k < N_COLUMNS; k++)
        if (columns[k].there) printf("%8s", columns[k].name);
    puts(term_off());
}

static void print_title(const ken_run *r)
{
    char s[32];
    fputs("training of ", stdout);
    cli_print_subject(ken_run_setting(r, "model_path"), NULL, ken_run_setting(r, "data"));
    if (ken_run_n_trained(r) > 0) printf(": %s rows", cli_thousands(ken_run_n_trained(r), s));
    fputs("\n\n", stdout);
}

/* Every measured set at the best point (else the last), with its interval. */
static int print_end(ken_run *r, ken_err *err)
{
    const ken_point *end = ken_run_point(r, ken_run_n_points(r) - 1);
    for (size_t i = 0; i < ken_run_n_points(r); i++)
        if (ken_run_point(r, i)->best) end = ken_run_point(r, i);
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, end->step, &m, &n, err);
    bool head = false;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        char s[32], k[32];
        double lo, hi;
        if (strcmp(m[i].grouping, "all") != 0 || (m[i].n == 0 && m[i].tokens == 0)) continue;
        if (!head)
            printf("\n%s epoch %.2f (step %" PRId64 "):\n", end->best ? "best:" : "at the last point,", end->epoch,
                   end->step);
        head = true;
        fputs("  ", stdout);
        term_cell(m[i].set, 16);
        if (m[i].n > 0) {
            cli_wilson(m[i].hits, m[i].n, &lo, &hi);
            printf("%8s of %-8s %s%5.1f%%%s  [%4.1f, %4.1f]", cli_thousands(m[i].hits, s), cli_thousands(m[i].n, k),
                   term_on(TERM_BOLD), 100.0 * (double)m[i].hits / (double)m[i].n, term_off(), 100 * lo, 100 * hi);
            if (m[i].abstained > 0)
                printf("  answered %.1f%%, right of these %.1f%%", 100.0 * (double)m[i].answered / (double)m[i].n,
                       m[i].answered > 0 ? 100.0 * (double)m[i].hits / (double)m[i].answered : 0.0);
        }
        if (m[i].tokens > 0 && !isnan(m[i].loss)) printf("  loss %.4f a token", cli_loss_per_token(&m[i]));
        putchar('\n');
    }
    return rc;
}

static int print_table(ken_run *r, ken_err *err)
{
    size_t n_points = ken_run_n_points(r), any = 0;
    print_title(r);
    if (n_points == 0) {
        puts("No points yet.");
        return KEN_OK;
    }
    bool *measured = calloc(n_points, sizeof *measured);
    if (measured == NULL) return nomem(err);
    int rc = look(r, measured, err);
    for (size_t i = 0; i < n_points; i++) any += measured[i];
    if (rc == KEN_OK) print_head();
    for (size_t i = 0; i < n_points && rc == KEN_OK; i++) {
        const ken_point *p = ken_run_point(r, i);
        if (any > 0 && !measured[i] && !p->best && !p->last && !cli.verbose) continue; /* only its loss is known */
        const ken_measure *m;
        size_t n;
        rc = ken_run_measures(r, p->step, &m, &n, err);
        if (rc == KEN_OK) print_point(p, m, n);
    }
    free(measured);
    return rc == KEN_OK ? print_end(r, err) : rc;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static json_t *measures_json(const ken_measure *m, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *x = cli_json_measure(&m[i]);
        if (x == NULL || json_object_set_new(x, "set", cli_json_string(m[i].set)) != 0 ||
            json_object_set_new(x, "grouping", cli_json_string(m[i].grouping)) != 0 ||
            json_object_set_new(x, "key", cli_json_string(m[i].key)) != 0 || json_array_append(a, x) != 0) {
            json_decref(x);
            json_decref(a);
            return NULL;
        }
        json_decref(x);
    }
    return a;
}

static json_t *point_json(const ken_point *p, const ken_measure *m, size_t n)
{
    return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:b,s:b,s:o}", "step", (json_int_t)p->step, "epoch",
                     cli_json_real(p->epoch), "lr", cli_json_real(p->lr), "loss", cli_json_real(p->loss), "kl",
                     cli_json_real(p->kl), "grad_norm", cli_json_real(p->grad_norm), "seconds",
                     cli_json_real(p->seconds), "examples", (json_int_t)p->examples, "tokens", (json_int_t)p->tokens,
                     "token_forwards", (json_int_t)p->forwards, "best", p->best, "last", p->last, "measures",
                     measures_json(m, n));
}

static int print_json(ken_run *r, ken_err *err)
{
    json_t *points = json_array();
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_run_n_points(r) && rc == KEN_OK; i++) {
        const ken_measure *m;
        size_t n;
        const ken_point *p = ken_run_point(r, i);
        rc = ken_run_measures(r, p->step, &m, &n, err);
        if (rc == KEN_OK && json_array_append_new(points, point_json(p, m, n)) != 0) rc = nomem(err);
    }
    if (rc != KEN_OK) {
        json_decref(points);
        return rc;
    }
    return cli_json_print(json_pack("{s:s,s:o,s:o,s:I,s:o}", "kind", "train", "model",
                                    cli_json_string(ken_run_setting(r, "model")), "data",
                                    cli_json_string(ken_run_setting(r, "data")), "rows",
                                    (json_int_t)ken_run_n_trained(r), "points", points),
                          err);
}

/* ---- trained rows: what was fitted when ----------------------------------------------------------------------------- */

typedef struct fitting {
    double first; /* epoch at which the row was first fitted; NaN = never */
    uint32_t points;
    bool last; /* at the last point that knows */
} fitting;

static int read_fits(ken_run *r, fitting *f, uint32_t *asked, ken_err *err)
{
    size_t n = ken_run_n_trained(r);
    bool *now = calloc(n > 0 ? n : 1, sizeof *now), there;
    if (now == NULL) return nomem(err);
    int rc = KEN_OK;
    for (size_t i = 0; i < n; i++) f[i] = (fitting){.first = NAN};
    for (size_t p = 0; p < ken_run_n_points(r) && rc == KEN_OK; p++) {
        rc = ken_run_fit(r, ken_run_point(r, p)->step, now, &there, err);
        if (rc != KEN_OK || !there) continue;
        ++*asked;
        for (size_t i = 0; i < n; i++) {
            if (now[i] && isnan(f[i].first)) f[i].first = ken_run_point(r, p)->epoch;
            f[i].points += now[i];
            f[i].last = now[i];
        }
    }
    free(now);
    return rc;
}

static json_t *trained_json(const ken_trained *t, const fitting *f)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:b}", "id", cli_json_string(t->id), "relation",
                     cli_json_string(t->relation), "task", cli_json_string(t->task), "category",
                     t->category < KEN_UNLABELLED ? json_string(ken_category_name(t->category)) : json_null(),
                     "question", cli_json_string(t->question), "target", cli_json_string(t->target), "weight",
                     cli_json_real(t->weight), "first_fit", cli_json_real(f->first), "points_fit",
                     (json_int_t)f->points, "fit", f->last);
}

static int print_trained(ken_run *r, ken_err *err)
{
    size_t n = ken_run_n_trained(r);
    uint32_t asked = 0;
    fitting *f = calloc(n > 0 ? n : 1, sizeof *f);
    if (f == NULL) return nomem(err);
    int rc = read_fits(r, f, &asked, err);
    if (rc == KEN_OK && !cli.json) {
        fputs(term_on(TERM_BOLD), stdout);
        term_cell("id", 28);
        term_cell("category", 13);
        printf("%10s%10s  %s%s\n", "first fit", "points", "question", term_off());
    }
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_trained *t = ken_run_trained(r, i, err);
        if (t == NULL) rc = err->status;
        else if (cli.json) rc = cli_json_print(trained_json(t, &f[i]), err);
        else {
            bool known = t->category < KEN_N_CATEGORIES;
            term_cell(t->id, 28);
            if (known) term_styled(TERM_CATEGORY + t->category, ken_category_name(t->category), 13);
            else term_cell("-", 13);
            print_number(f[i].first, "%*.2f", 10);
            printf("%6u/%-3u  ", f[i].points, asked);
            term_text(t->question != NULL ? t->question : "-");
            putchar('\n');
        }
    }
    free(f);
    return rc;
}

int cli_show_train(ken_run *r, bool rows, ken_err *err)
{
    if (rows) return print_trained(r, err);
    return cli.json ? print_json(r, err) : print_table(r, err);
}

/* ---- a kept evaluation ---------------------------------------------------------------------------------------------- */

static int print_asked(void *ctx, const ken_evaluated *row, ken_err *err)
{
    if (cli.json) return cli_json_print(cli_json_evaluated(row, ctx), err);
    cli_print_evaluated(row);
    return KEN_OK;
}

int cli_show_evaluation(ken_run *r, bool rows, ken_err *err)
{
    cli_evaluation v = {.r = r};
    int64_t step = ken_run_n_points(r) > 0 ? ken_run_point(r, 0)->step : 0;
    int rc = ken_run_measures(r, step, &v.m, &v.n, err);
    if (rc != KEN_OK) return rc;
    if (rows) { /* the names of the matchers are gone with the next call */
        const ken_measure *all = cli_evaluation_all(&v);
        ken_measure kept = all != NULL ? *all : (ken_measure){0};
        int n = kept.n_more;
        for (kept.n_more = 0; kept.n_more < n && rc == KEN_OK;) {
            char *name = strdup(kept.more[kept.n_more].matcher);
            if (name == NULL) rc = nomem(err);
            else kept.more[kept.n_more++].matcher = name;
        }
        if (rc == KEN_OK) rc = ken_run_evaluated(r, step, print_asked, &kept, err);
        for (int i = 0; i < kept.n_more; i++) free((char *)(uintptr_t)kept.more[i].matcher);
        return rc;
    }
    if (cli.json) return cli_json_print(cli_json_evaluation(&v), err);
    cli_print_evaluation(&v);
    return KEN_OK;
}
