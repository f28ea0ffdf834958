/* show_train.c - see show_train.h. */
#include "cli/show_train.h"
#include "cli/cli.h"
#include "cli/evaluation.h"
#include "cli/json.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int nomem(ken_err *err) { return cli_fail(err, KEN_ENOMEM, "out of memory"); }

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

int cli_show_trained(ken_run *r, ken_err *err)
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
            if (isnan(f[i].first)) printf("%10s", "-");
            else printf("%10.2f", f[i].first);
            printf("%6u/%-3u  ", f[i].points, asked);
            term_text(t->question != NULL ? t->question : "-");
            putchar('\n');
        }
    }
    free(f);
    return rc;
}

/* ---- rows that were asked ------------------------------------------------------------------------------------------- */

static int print_asked(void *ctx, const ken_evaluated *row, ken_err *err)
{
    if (cli.json) return cli_json_print(cli_json_evaluated(row, ctx), err);
    cli_print_evaluated(row);
    return KEN_OK;
}

int cli_show_evaluated(ken_run *r, ken_err *err)
{
    const int64_t step = ken_run_n_points(r) > 0 ? ken_run_point(r, 0)->step : 0;
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, step, &m, &n, err);
    if (rc != KEN_OK) return rc;
    /* The names of the matchers are gone with the next call. */
    const ken_measure *all = ken_measure_find(m, n, "eval", "all", "");
    ken_measure kept = all != NULL ? *all : (ken_measure){0};
    const int n_more = kept.n_more;
    for (kept.n_more = 0; kept.n_more < n_more && rc == KEN_OK;) {
        char *name = strdup(kept.more[kept.n_more].matcher);
        if (name == NULL) rc = nomem(err);
        else kept.more[kept.n_more++].matcher = name;
    }
    if (rc == KEN_OK) rc = ken_run_evaluated(r, step, print_asked, &kept, err);
    for (int i = 0; i < kept.n_more; i++) free((char *)(uintptr_t)kept.more[i].matcher);
    return rc;
}
