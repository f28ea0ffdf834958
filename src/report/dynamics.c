/* dynamics.c - what trainings and evaluations say: how categories were fitted over the epochs, accuracy by category at the best and
 * the last weights, the linear model of harm over all trainings, and the tables of evaluations. */
#include "base/stats.h"
#include "report/html.h"
#include "report/view_html.h"
#include "report/sections.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first point that is marked, else the last one; NULL without points. */
static const ken_point *marked(const ken_run *run, bool best)
{
    size_t n = ken_run_n_points(run);
    for (size_t i = 0; i < n; i++) {
        const ken_point *p = ken_run_point(run, i);
        if (best ? p->best : p->last) return p;
    }
    return n > 0 ? ken_run_point(run, n - 1) : NULL;
}

/* ---- a training ------------------------------------------------------------------------------------------------------ */

typedef struct headline { /* of one point */
    bool dev, fit;
    uint64_t dev_hits, dev_n, fit_hits, fit_n;
} headline;

static int read_headline(headline *x, ken_run *run, const ken_point *p, ken_err *err)
{
    const ken_measure *m;
    size_t n;
    *x = (headline){0};
    int rc = ken_run_measures(run, p->step, &m, &n, err);
    if (rc != KEN_OK) return rc;
    const ken_measure *dev = ken_measure_find(m, n, "dev", "all", ""),
                      *fit = ken_measure_find(m, n, "train", "all", "");
    if ((x->dev = dev != NULL && dev->n > 0)) x->dev_hits = dev->hits, x->dev_n = dev->n;
    if ((x->fit = fit != NULL && fit->n > 0)) x->fit_hits = fit->hits, x->fit_n = fit->n;
    return KEN_OK;
}

int ken_section_training_finding(ken_out *o, const ken_page_training *t, ken_err *err)
{
    char a[32];
    headline best, last;
    const ken_point *pb = marked(t->run, true), *pl = marked(t->run, false);
    if (pb == NULL) {
        ken_out_puts(o, "<p class=\"finding\">Nothing has been measured in this training yet.</p>\n");
        return KEN_OK;
    }
    int rc = read_headline(&best, t->run, pb, err);
    if (rc == KEN_OK) rc = read_headline(&last, t->run, pl, err);
    if (rc != KEN_OK) return rc;
    ken_out_puts(o, "<p class=\"finding\">");
    if (best.dev) {
        ken_out_printf(o, "Best after epoch %.3g: <b>%s</b> of the dev questions right", pb->epoch,
                       ken_html_percent(a, ken_share(best.dev_hits, best.dev_n)));
        if (pl != pb && last.dev)
            ken_out_printf(o, "; after epoch %.3g <b>%s</b>", pl->epoch,
                           ken_html_percent(a, ken_share(last.dev_hits, last.dev_n)));
    }
    if (last.fit)
        ken_out_printf(o, "%s<b>%s</b> of the training rows are fitted in the end", best.dev ? ", when " : "",
                       ken_html_percent(a, ken_share(last.fit_hits, last.fit_n)));
    if (!best.dev && !last.fit) ken_out_printf(o, "%zu points were measured", ken_run_n_points(t->run));
    ken_out_puts(o, ".</p>\n");
    return KEN_OK;
}

static void rows_trained(ken_out *o, const ken_page_training *t)
{
    char a[32];
    const char *lr = ken_run_setting(t->run, "lr"), *batch = ken_run_setting(t->run, "batch"),
               *epochs = ken_run_setting(t->run, "epochs"), *lora = ken_run_setting(t->run, "lora"),
               *model = ken_run_setting(t->run, "model_path");
    const char *slash = model != NULL ? strrchr(model, '/') : NULL;
    bool first = true;
    ken_out_puts(o, "<p class=\"lead\">");
    if (model != NULL) {
        ken_out_puts(o, "<b>");
        ken_html_text(o, slash != NULL && slash[1] != '\0' ? slash + 1 : model, 80);
        ken_out_puts(o, "</b> trained on ");
    } else ken_out_puts(o, "Trained on ");
    ken_out_printf(o, "%s rows", ken_html_count(a, ken_run_n_trained(t->run)));
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) {
        if (t->category[c] == 0) continue;
        ken_out_printf(o, "%s%s %s", first ? " (" : ", ", ken_html_count(a, t->category[c]),
                       c < KEN_N_CATEGORIES ? ken_category_name(c) : "not annotated");
        first = false;
    }
    if (!first) ken_out_puts(o, ")");
    const struct {
        const char *before, *value, *after;
    } parts[] = {
        {", ", epochs, " epochs"}, {", batches of ", batch, ""}, {", learning rate ", lr, ""}, {", LoRA ", lora, ""}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].value == NULL || parts[i].value[0] == '\0') continue;
        char *end, number[48];
        double x = strtod(parts[i].value, &end);
        snprintf(number, sizeof number, "%.4g", x);
        ken_out_puts(o, parts[i].before);
        ken_html_text(o, *end == '\0' ? number : parts[i].value, 60);
        ken_out_puts(o, parts[i].after);
    }
    ken_out_puts(o, ".</p>\n");
}

typedef struct kept { /* the measures of one point, copied: the run lends them until the next question only */
    enum { MOST_KEPT = 64 } most;
    size_t n;
    struct {
        char set[64], key[32];
        uint64_t hits, n;
    } m[MOST_KEPT];
} kept;

static int keep(kept *k, ken_run *run, const ken_point *p, ken_err *err)
{
    const ken_measure *m;
    size_t n;
    k->n = 0;
    int rc = ken_run_measures(run, p->step, &m, &n, err);
    for (size_t i = 0; i < n && rc == KEN_OK && k->n < MOST_KEPT; i++) {
        bool all = strcmp(m[i].grouping, "all") == 0;
        if ((!all && strcmp(m[i].grouping, "category") != 0) || m[i].n == 0) continue;
        snprintf(k->m[k->n].set, sizeof k->m[0].set, "%s", m[i].set);
        snprintf(k->m[k->n].key, sizeof k->m[0].key, "%s", all ? "all" : m[i].key);
        k->m[k->n].hits = m[i].hits;
        k->m[k->n++].n = m[i].n;
    }
    return rc;
}

static void put_kept(ken_out *o, const kept *k, const char *set, const char *key, const char *label)
{
    ken_out_printf(o, "<td class=\"n\" data-label=\"%s\">", label);
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->m[i].set, set) == 0 && strcmp(k->m[i].key, key) == 0) ken_share_put(o, k->m[i].hits, k->m[i].n);
    ken_out_puts(o, "</td>");
}

static int accuracy_table(ken_out *o, ken_run *run, int h, ken_err *err)
{
    static const char *const sets[] = {"train", "dev", "test", "ood"};
    static const char *const names[] = {"Training rows", "Dev", "Test", "Out of distribution"};
    kept first, best, last;
    char a[32];
    const ken_point *p0 = ken_run_point(run, 0), *pb = marked(run, true), *pl = marked(run, false);
    int rc = keep(&first, run, p0, err);
    if (rc == KEN_OK) rc = keep(&best, run, pb, err);
    if (rc == KEN_OK) rc = keep(&last, run, pl, err);
    if (rc != KEN_OK) return rc;
    ken_out_printf(
        o,
        "<h%d>Accuracy by category</h%d>\n<p class=\"note\">Right greedy answers, without examples in the prompt, "
        "with 95%% intervals. Categories are those of the model before the training.</p>\n<div class=\"card wide\">"
        "<table class=\"rel groups\"><thead><tr><th scope=\"col\">Rows</th><th class=\"n\" scope=\"col\">Number</th>"
        "<th class=\"n\" scope=\"col\">Before</th><th class=\"n\" scope=\"col\">Best (epoch %.3g)</th>"
        "<th class=\"n\" scope=\"col\">Last (epoch %.3g)</th></tr></thead><tbody>\n",
        h, h, pb->epoch, pl->epoch);
    for (size_t s = 0; s < 4; s++)
        for (int c = -1; c < KEN_UNLABELLED; c++) {
            const char *key = c < 0 ? "all" : ken_category_name(c);
            size_t i = 0;
            while (i < last.n && (strcmp(last.m[i].set, sets[s]) != 0 || strcmp(last.m[i].key, key) != 0)) i++;
            if (i == last.n) continue;
            ken_out_printf(o, "<tr%s><th scope=\"row\">%s%s%s</th><td class=\"n\" data-label=\"Number\">%s</td>",
                           c < 0 ? " class=\"all\"" : "", names[s], c < 0 ? "" : ", ", c < 0 ? "" : key,
                           ken_html_count(a, last.m[i].n));
            put_kept(o, &first, sets[s], key, "Before");
            put_kept(o, &best, sets[s], key, "Best");
            put_kept(o, &last, sets[s], key, "Last");
            ken_out_puts(o, "</tr>\n");
        }
    ken_out_puts(o, "</tbody></table></div>\n");
    return KEN_OK;
}

int ken_section_training(ken_out *o, const ken_report *r, size_t k, int h, ken_err *err)
{
    static const char *const figures[] = {"fit", "accuracy", "categories", "loss"};
    const ken_page_training *t = &r->training[k];
    ken_out_printf(o, "<section id=\"training-%zu\">\n<h%d>Training ", k, h);
    ken_html_text(o, t->name, 80);
    ken_out_printf(o, "</h%d>\n", h);
    rows_trained(o, t);
    int rc = KEN_OK;
    if (r->n_runs > 0 || r->n_trainings > 1) rc = ken_section_training_finding(o, t, err);
    ken_out_puts(o, "<div class=\"plots\">");
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) ken_section_figure(o, r, "%s-%zu", figures[i], k);
    ken_out_puts(o, "</div>\n");
    if (rc == KEN_OK && ken_run_n_points(t->run) > 0) rc = accuracy_table(o, t->run, h + 1, err);
    ken_out_puts(o, "</section>\n");
    return rc;
}

/* ---- the linear model ------------------------------------------------------------------------------------------------ */

static void plane(ken_out *o, const ken_report *r, const ken_page_plane *p, int h)
{
    static const char *const names[] = {"Intercept", "Known rows fitted", "Unknown rows fitted"};
    ken_out_printf(o, "<h%d>%s</h%d>\n", h,
                   strcmp(p->set, "dev") == 0    ? "Dev questions"
                   : strcmp(p->set, "test") == 0 ? "Test questions"
                                                 : "Out-of-distribution questions",
                   h);
    if (p->r == NULL) {
        ken_out_puts(o, "<p class=\"note\">The plane cannot be fitted here: ");
        ken_html_text(o, p->why, 300);
        ken_out_puts(o, ".</p>\n");
        return;
    }
    const double b[] = {p->r->b0, p->r->b_kn, p->r->b_unk};
    ken_out_puts(o, "<div class=\"plots\">");
    ken_section_figure(o, r, "regression-%s", p->set);
    ken_out_puts(
        o,
        "<div class=\"card\"><table><thead><tr><th scope=\"col\">Term</th><th class=\"n\" scope=\"col\">Estimate</th>"
        "<th class=\"n\" scope=\"col\">95% interval</th></tr></thead><tbody>\n");
    for (int i = 0; i < 3; i++)
        ken_out_printf(o,
                       "<tr><th scope=\"row\">%s</th><td class=\"n\">%.2f</td><td class=\"n\">%.2f to %.2f</td></tr>\n",
                       names[i], b[i], p->r->lo[i], p->r->hi[i]);
    ken_out_printf(o, "</tbody></table><p class=\"note\">%zu points of %zu training%s, errors %s", p->r->n, p->r->runs,
                   p->r->runs == 1 ? "" : "s",
                   p->r->clustered
                       ? "clustered by training"
                       : "of plain least squares: points of one training follow each other, so they are too small");
    if (isfinite(p->r->r2)) ken_out_printf(o, "; R\xC2\xB2 = %.2f", p->r->r2);
    ken_out_puts(o, ".</p></div></div>\n");
}

void ken_section_planes(ken_out *o, const ken_report *r, int h)
{
    if (r->n_planes == 0) return;
    ken_out_printf(o, "<section id=\"planes\">\n<h%d>What fitting Known and Unknown rows does</h%d>\n", h, h);
    ken_out_puts(
        o, "<p class=\"note\">Accuracy in percent = intercept + a \xC2\xB7 (share of training rows that are fitted and "
           "Known) "
           "+ b \xC2\xB7 (share fitted and Unknown), one point an epoch of each training (Gekhman et al. 2024, Eq. 1). "
           "In the paper a is above zero and b below: new facts, once learned, cost some of the old.</p>\n");
    for (size_t k = 0; k < r->n_planes; k++) plane(o, r, &r->plane[k], h + 1);
    ken_out_puts(o, "</section>\n");
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
