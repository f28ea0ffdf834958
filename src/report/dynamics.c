/* dynamics.c - what trainings and evaluations say: how categories were fitted over the epochs, accuracy by category at the best and
 * the last weights, the linear model of harm over all trainings, and the tables of evaluations. */
#include "base/alloc.h"
#include "report/html.h"
#include "report/view_html.h"
#include "report/sections.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- a training ------------------------------------------------------------------------------------------------------ */

int ken_section_training_finding(ken_out *o, const ken_page_training *t, ken_err *err)
{
    ken_views *v = ken_views_new();
    int rc = ken_view_finding(v, t->run, err);
    if (rc == KEN_OK) rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_sentences(o, v, "finding");
    ken_views_free(v);
    return rc;
}

static int put_lead(ken_out *o, const ken_page_training *t, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_view_trained(v, t->run, t->category);
    int rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_sentences(o, v, "lead");
    ken_views_free(v);
    return rc;
}

static int put_accuracy(ken_out *o, ken_run *run, int h, ken_err *err)
{
    ken_views *v = ken_views_new();
    int rc = ken_view_accuracy(v, run, err);
    if (rc == KEN_OK) rc = ken_view_outcome(v, run, err);
    if (rc == KEN_OK) rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_views(o, v, h);
    ken_views_free(v);
    return rc;
}

int ken_section_training(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    static const char *const figures[] = {"fit", "accuracy", "categories", "loss"};
    const ken_page_training *t = &r->training[k];
    ken_out_printf(o, "<section id=\"training-%zu\">\n<h%d>Training ", k, h);
    ken_html_text(o, t->name, 80);
    ken_out_printf(o, "</h%d>\n", h);
    int rc = put_lead(o, t, err);
    if (rc == KEN_OK && (r->n_runs > 0 || r->n_trainings > 1)) rc = ken_section_training_finding(o, t, err);
    ken_out_puts(o, "<div class=\"plots\">");
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) ken_section_figure(o, r, "%s-%zu", figures[i], k);
    ken_out_puts(o, "</div>\n");
    if (rc == KEN_OK && ken_run_n_points(t->run) > 0) rc = put_accuracy(o, t->run, h + 1, err);
    ken_out_puts(o, "</section>\n");
    return rc;
}

int ken_section_trainings(ken_out *o, const ken_report *r, int h, ken_err *err)
{
    if (r->n_trainings < 2) return KEN_OK;
    ken_view_trained_run *t = ken_calloc(r->n_trainings, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "trainings");
    for (size_t k = 0; k < r->n_trainings; k++) {
        const ken_page_training *x = &r->training[k];
        t[k] = (ken_view_trained_run){.run = x->run,
                                      .name = x->name,
                                      .unknown = x->category[KEN_UNKNOWN],
                                      .labelled = x->category[KEN_N_CATEGORIES] == 0};
        for (int c = 0; c <= KEN_N_CATEGORIES; c++) t[k].rows += x->category[c];
    }
    ken_views *v = ken_views_new();
    int rc = ken_view_trainings(v, t, r->n_trainings, err);
    if (rc == KEN_OK) rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) {
        ken_out_printf(o, "<section id=\"trainings\">\n<h%d>Trainings beside each other</h%d>\n", h, h);
        ken_html_views(o, v, h + 1);
        ken_out_puts(o, "</section>\n");
    }
    ken_views_free(v);
    ken_free(t);
    return rc;
}

/* ---- the linear model ------------------------------------------------------------------------------------------------ */

static int put_terms(ken_out *o, const ken_regression *r, int h, ken_err *err)
{
    static const ken_view_column columns[] = {
        {.head = "term", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE},
        {.head = "estimate", .unit = KEN_UNIT_REAL, .digits = 2, .where = KEN_ON_PAGE},
        {.head = "95% from", .unit = KEN_UNIT_REAL, .digits = 2, .where = KEN_ON_PAGE},
        {.head = "to", .unit = KEN_UNIT_REAL, .digits = 2, .where = KEN_ON_PAGE}};
    static const char *const names[] = {"intercept", "Known rows fitted", "Unknown rows fitted"};
    const double b[] = {r->b0, r->b_kn, r->b_unk};
    ken_views *v = ken_views_new();
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    for (int i = 0; i < 3; i++) {
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, names[i]);
        ken_put_number(v, b[i]);
        ken_put_number(v, r->lo[i]);
        ken_put_number(v, r->hi[i]);
    }
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "%zu points of %zu training%s, errors %s", r->n, r->runs, r->runs == 1 ? "" : "s",
                  r->clustered
                      ? "clustered by training"
                      : "of plain least squares: points of one training follow each other, so they are too small");
    if (isfinite(r->r2)) ken_views_say(v, KEN_STYLE_PLAIN, "; R\u00b2 = %.2f", r->r2);
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    int rc = ken_views_finish(&v, v, err);
    if (rc == KEN_OK) ken_html_views(o, v, h);
    ken_views_free(v);
    return rc;
}

static int plane(ken_out *o, const ken_report *r, const ken_page_plane *p, int h, ken_err *err)
{
    ken_out_printf(o, "<h%d>%s</h%d>\n", h,
                   strcmp(p->set, "dev") == 0    ? "Dev questions"
                   : strcmp(p->set, "test") == 0 ? "Test questions"
                                                 : "Out-of-distribution questions",
                   h);
    if (p->r == NULL) {
        ken_out_puts(o, "<p class=\"note\">The plane cannot be fitted here: ");
        ken_html_text(o, p->why, 300);
        ken_out_puts(o, ".</p>\n");
        return KEN_OK;
    }
    ken_out_puts(o, "<div class=\"plots\">");
    ken_section_figure(o, r, "regression-%s", p->set);
    ken_out_puts(o, "<div class=\"card\">");
    int rc = put_terms(o, p->r, h + 1, err);
    ken_out_puts(o, "</div></div>\n");
    return rc;
}

int ken_section_planes(ken_out *o, const ken_report *r, int h, ken_err *err)
{
    int rc = KEN_OK;
    if (r->n_planes == 0) return rc;
    ken_out_printf(o, "<section id=\"planes\">\n<h%d>What fitting Known and Unknown rows does</h%d>\n", h, h);
    ken_out_puts(
        o, "<p class=\"note\">Accuracy in percent = intercept + a \xC2\xB7 (share of training rows that are fitted and "
           "Known) "
           "+ b \xC2\xB7 (share fitted and Unknown), one point an epoch of each training (Gekhman et al. 2024, Eq. 1). "
           "In the paper a is above zero and b below: new facts, once learned, cost some of what was known.</p>\n");
    for (size_t k = 0; k < r->n_planes && rc == KEN_OK; k++) rc = plane(o, r, &r->plane[k], h + 1, err);
    ken_out_puts(o, "</section>\n");
    return rc;
}

/* ---- an evaluation --------------------------------------------------------------------------------------------------- */

int ken_section_evaluation(ken_out *o, const ken_page_run *x, size_t k, int h, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_run(&v, x->run, NULL, err);
    if (rc != KEN_OK) return rc;
    ken_out_printf(o, "<section id=\"evaluation-%zu\">\n<h%d>Evaluation of ", k, h);
    ken_html_text(o, x->name, 100);
    ken_out_printf(o, "</h%d>\n", h);
    ken_html_views(o, v, h + 1);
    ken_out_puts(o, "</section>\n");
    ken_views_free(v);
    return KEN_OK;
}
