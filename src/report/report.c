/* report.c - ken_report_*: sorts the runs by kind, adds them up, compares what can be compared, and keeps the figures (ken.h).
 * What cannot be compared or fitted becomes a note and a sentence on the page, never a failure: a report takes any mix
 * of runs. Writing the page is page.c's. */
#include "report/report.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/error.h"
#include "base/file.h"
#include "store/run.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 2000000, ROOM_FACTS = 10000, ROOM_FACT = 200 };

void ken_report_defaults_fill(ken_report_options *o, size_t size)
{
    static const ken_report_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

int ken_report_add_note(ken_report *r, ken_err *err, const char *fmt, ...)
{
    char text[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (ken_grow((void **)&r->note, &r->cap_notes, r->n_notes + 1, sizeof *r->note) != 0 ||
        (r->note[r->n_notes] = ken_strdup(text)) == NULL)
        return ken_fail_nomem(err, "report");
    r->n_notes++;
    return KEN_OK;
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

/* The last part of a path, without an ending; `buf` may be cut. */
static void base_name(char *buf, size_t size, const char *path, const char *ending)
{
    size_t n;
    const char *last = ken_last_part(path, false, &n);
    snprintf(buf, size, "%.*s", (int)(n < 1000 ? n : 1000), last);
    size_t len = strlen(buf), cut = strlen(ending);
    if (len > cut && strcmp(buf + len - cut, ending) == 0) buf[len - cut] = '\0';
}

/* The name of the file or folder is clearer than the name inside many files; "a model" when there is neither. */
static void model_name(char buf[KEN_RUN_NAME], const ken_run *run)
{
    const char *path = ken_run_setting(run, "model_path"), *name = ken_run_setting(run, "model"),
               *adapter = ken_run_setting(run, "adapter_path");
    char part[KEN_RUN_NAME];
    if (path != NULL && path[0] != '\0') ken_model_label(buf, KEN_RUN_NAME, path);
    else snprintf(buf, KEN_RUN_NAME, "%s", name != NULL && name[0] != '\0' ? name : "a model");
    if (adapter == NULL || adapter[0] == '\0') return;
    for (const char *s = adapter, *end; s != NULL; s = *end != '\0' ? end + 1 : NULL) { /* several, one a line */
        char one[1024];
        end = s + strcspn(s, "\n");
        snprintf(one, sizeof one, "%.*s", (int)(end - s), s);
        ken_model_label(part, sizeof part, one);
        size_t n = strlen(buf);
        snprintf(buf + n, KEN_RUN_NAME - n, " + %s", part);
    }
}

/* Where models are called alike, the file of the run tells them apart. */
static void tell_apart(ken_report *r)
{
    for (size_t i = 0; i < r->n_runs; i++) {
        bool alike = false;
        for (size_t k = 0; k < r->n_runs; k++) {
            char other[KEN_RUN_NAME];
            model_name(other, r->run[k].run);
            alike |= k != i && strcmp(other, r->run[i].name) == 0;
        }
        if (!alike) continue;
        char file[KEN_RUN_NAME];
        base_name(file, sizeof file, r->run[i].run->path, ".ken");
        size_t n = strlen(r->run[i].name);
        snprintf(r->run[i].name + n, KEN_RUN_NAME - n, " (%s)", file);
    }
}

/* A training is called by its folder, where that has a name. */
static void training_name(char buf[KEN_RUN_NAME], const ken_run *run)
{
    const char *path = run->path, *slash = strrchr(path, '/');
    char folder[1000];
    if (slash != NULL && slash > path && strcmp(slash + 1, "train.ken") == 0) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path < 900 ? slash - path : 900), path);
        base_name(buf, KEN_RUN_NAME, folder, "");
    } else base_name(buf, KEN_RUN_NAME, path, ".ken");
    if (buf[0] == '\0' || strcmp(buf, ".") == 0) model_name(buf, run);
}

/* ---- putting it together --------------------------------------------------------------------------------------------- */

static int add_training(ken_page_training *t, ken_run *run, ken_err *err)
{
    t->run = run;
    training_name(t->name, run);
    for (size_t i = 0, n = ken_run_n_trained(run); i < n; i++) {
        const ken_trained *x = ken_run_trained(run, i, err);
        if (x == NULL) return err->status != KEN_OK ? err->status : KEN_EINPUT;
        t->category[x->category >= 0 && x->category <= KEN_N_CATEGORIES ? x->category : KEN_N_CATEGORIES]++;
    }
    return KEN_OK;
}

static int sort_runs(ken_report *r, ken_run *const *runs, size_t n, ken_err *err)
{
    int rc = KEN_OK;
    r->run = ken_calloc(n, sizeof *r->run);
    r->training = ken_calloc(n, sizeof *r->training);
    r->diff = ken_calloc(n, sizeof *r->diff);
    if (r->run == NULL || r->training == NULL || r->diff == NULL) return ken_fail_nomem(err, "report");
    for (int annotated = 1; annotated >= 0; annotated--)
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            const char *kind = ken_run_kind(runs[i]);
            if (strcmp(kind, "train") == 0) {
                if (annotated) rc = add_training(&r->training[r->n_trainings++], runs[i], err);
                continue;
            }
            if ((strcmp(kind, "annotate") == 0) != (annotated != 0)) continue;
            ken_page_run *x = &r->run[r->n_runs++];
            x->run = runs[i];
            x->annotated = annotated != 0;
            model_name(x->name, runs[i]);
            if (annotated) rc = ken_report_summarize(&x->s, runs[i], err);
            for (size_t k = 0; rc == KEN_OK && ken_run_note(runs[i], k) != NULL; k++)
                rc = ken_report_add_note(r, err, "%s: %s", x->name, ken_run_note(runs[i], k));
            r->n_annotated += annotated != 0;
        }
    if (rc == KEN_OK) tell_apart(r);
    return rc;
}

static int compare(ken_report *r, size_t a, size_t b, const ken_diff_options *o, ken_err *err)
{
    ken_page_diff *d = &r->diff[r->n_diffs];
    int rc = ken_diff_runs(&d->diff, r->run[a].run, r->run[b].run, o, err);
    if (rc == KEN_EINPUT || rc == KEN_EUSAGE)
        return ken_report_add_note(r, err, "%s and %s cannot be compared, each is described on its own: %s",
                                   r->run[a].name, r->run[b].name, err->msg);
    if (rc != KEN_OK) return rc;
    d->a = &r->run[a];
    d->b = &r->run[b];
    d->at_a = a;
    d->at_b = b;
    r->n_diffs++;
    size_t only_a, only_b, other;
    ken_diff_unmatched(d->diff, &only_a, &only_b, &other);
    if (only_a + only_b + other > 0)
        rc = ken_report_add_note(
            r, err,
            "%s and %s were not asked the same facts: the %zu that both have are compared; only in the first: %zu, "
            "only in the second: %zu, another question under the same id: %zu",
            d->a->name, d->b->name, ken_diff_count(d->diff), only_a, only_b, other);
    for (size_t i = 0; rc == KEN_OK && ken_diff_caution(d->diff, i) != NULL; i++)
        rc = ken_report_add_note(r, err, "%s and %s differ in more than what they know: %s", d->a->name, d->b->name,
                                 ken_diff_caution(d->diff, i));
    return rc;
}

static int compare_all(ken_report *r, const ken_report_options *o, ken_err *err)
{
    size_t n = r->n_trainings + (o->n_trained > 0 ? (size_t)o->n_trained : 0), k = 0;
    const char **trained = ken_alloc(n, sizeof *trained);
    if (trained == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < r->n_trainings; i++) trained[k++] = r->training[i].run->path;
    int rc = KEN_OK;
    for (int i = 0; i < o->n_trained; i++) {
        trained[k++] = o->trained[i];
        /* A mistyped name is an error; the comparison is not just left out with a note. */
        if (rc == KEN_OK && access(o->trained[i], F_OK) != 0)
            rc = ken_fail(err, KEN_EINPUT, "%s: %s", o->trained[i], strerror(errno));
    }
    ken_diff_options d = ken_diff_defaults();
    d.label = o->label;
    d.trained = trained;
    d.n_trained = (int)n;
    d.allow_different = true; /* the common part; a note says what differs */
    for (size_t i = 1; i < r->n_runs && rc == KEN_OK; i++)
        if (i != r->n_annotated) rc = compare(r, i < r->n_annotated ? 0 : r->n_annotated, i, &d, err);
    ken_free(trained);
    return rc;
}

static int has_set(ken_run *run, const char *set, bool *has, ken_err *err)
{
    size_t n_points = ken_run_n_points(run), n;
    const ken_measure *m;
    *has = false;
    if (n_points == 0) return KEN_OK;
    int rc = ken_run_measures(run, ken_run_point(run, n_points - 1)->step, &m, &n, err);
    if (rc == KEN_OK) *has = ken_measure_find(m, n, set, "all", "") != NULL;
    return rc;
}

/* The linear model for each set that all trainings have watched. */
static int fit_planes(ken_report *r, ken_err *err)
{
    static const char *const sets[KEN_PLANE_SETS] = {"dev", "test", "ood"};
    int rc = KEN_OK;
    ken_run **runs = ken_alloc(r->n_trainings, sizeof(ken_run *));
    if (runs == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < r->n_trainings; i++) runs[i] = r->training[i].run;
    for (int k = 0; k < KEN_PLANE_SETS && rc == KEN_OK && r->n_trainings > 0; k++) {
        bool all = true, has;
        for (size_t i = 0; i < r->n_trainings && rc == KEN_OK; i++) {
            rc = has_set(runs[i], sets[k], &has, err);
            all &= has;
        }
        if (rc != KEN_OK || !all) continue;
        ken_page_plane *p = &r->plane[r->n_planes++];
        p->set = sets[k];
        rc = ken_regress(&p->r, runs, r->n_trainings, sets[k], -1, err);
        if (rc == KEN_EUSAGE || rc == KEN_EINPUT) {
            snprintf(p->why, sizeof p->why, "%.399s", err->msg);
            rc = KEN_OK;
        }
    }
    ken_free(runs);
    return rc;
}

static int make_figures(ken_report *r, const ken_report_options *o, ken_err *err)
{
    int rc = ken_figures_new(&r->figures, err);
    if (rc == KEN_OK) ken_figures_set_poll(r->figures, o->poll, o->ctx);
    for (size_t k = 0; k < r->n_annotated && rc == KEN_OK; k++)
        rc = ken_figures_annotation(r->figures, r->run[k].run, &r->run[k].s, k, err);
    for (size_t k = 0; k < r->n_diffs && rc == KEN_OK; k++) rc = ken_figures_diff(r->figures, r->diff[k].diff, k, err);
    for (size_t k = 0; k < r->n_trainings && rc == KEN_OK; k++)
        rc = ken_figures_training(r->figures, r->training[k].run, k, err);
    for (size_t k = 0; k < r->n_planes && rc == KEN_OK; k++)
        if (r->plane[k].r != NULL) rc = ken_figures_regression(r->figures, r->plane[k].r, r->plane[k].set, err);
    return rc;
}

int ken_report_new(ken_report **out, ken_run *const *runs, size_t n, const ken_report_options *given, ken_err *err)
{
    ken_err own = {0};
    ken_report_options options = ken_report_defaults();
    const ken_report_options *o = &options;
    *out = NULL;
    if (err == NULL) err = &own;
    int rc = KEN_TAKE_OPTIONS(&options, given, ken_report_options, err);
    if (rc != KEN_OK) return rc;
    if (n == 0) return ken_fail(err, KEN_EUSAGE, "a report needs at least one run");
    err->status = KEN_OK;
    ken_report *r = ken_calloc(1, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, "report");
    if (o->title != NULL && (r->title = ken_strdup(o->title)) == NULL) rc = ken_fail_nomem(err, "report");
    r->room = o->room;
    if (rc == KEN_OK) rc = sort_runs(r, runs, n, err);
    if (rc == KEN_OK) rc = compare_all(r, o, err);
    if (rc == KEN_OK) rc = fit_planes(r, err);
    if (rc == KEN_OK) rc = make_figures(r, o, err);
    if (rc != KEN_OK) {
        ken_report_free(r);
        return rc;
    }
    if (r->room == 0) {
        size_t facts = r->n_runs > 0 && r->run[0].annotated ? ken_run_count(r->run[0].run) : 0;
        r->room = ROOM + (facts > ROOM_FACTS ? (facts - ROOM_FACTS) * ROOM_FACT : 0);
    }
    *out = r;
    return KEN_OK;
}

void ken_report_free(ken_report *r)
{
    if (r == NULL) return;
    for (size_t k = 0; r->run != NULL && k < r->n_runs; k++) ken_report_summary_free(&r->run[k].s);
    for (size_t k = 0; r->diff != NULL && k < r->n_diffs; k++) ken_diff_free(r->diff[k].diff);
    for (size_t k = 0; k < r->n_planes; k++) ken_regression_free(r->plane[k].r);
    for (size_t k = 0; k < r->n_notes; k++) ken_free(r->note[k]);
    ken_figures_free(r->figures);
    ken_free(r->run);
    ken_free(r->training);
    ken_free(r->diff);
    ken_free(r->note);
    ken_free(r->title);
    ken_free(r);
}

/* ---- what comes out -------------------------------------------------------------------------------------------------- */

int ken_report_write(ken_report *r, const char *path, ken_err *err)
{
    ken_err own = {0};
    ken_out *o = NULL;
    if (err == NULL) err = &own;
    err->status = KEN_OK;
    const char *what = ken_file_protected(path);
    if (what != NULL) /* `ken report *.ken -o` takes the last run for the page's name */
        return ken_fail(err, KEN_EUSAGE, "%s: it holds %s, which is not replaced; name another file", path, what);
    if (ken_figures_stopped(r->figures, err)) return KEN_ESTOP;
    int rc = ken_out_open(&o, path, err);
    if (rc == KEN_OK) rc = ken_page_put(o, r, err);
    int closed = ken_out_close(o, rc == KEN_OK, err);
    return rc != KEN_OK ? rc : closed;
}

int ken_report_plots(ken_report *r, const char *dir, const char *format, const char *only, ken_err *err)
{
    return ken_figures_write(r->figures, dir, format, only, err);
}

size_t ken_report_n_plots(const ken_report *r) { return ken_figures_count(r->figures); }
const char *ken_report_plot_name(const ken_report *r, size_t i) { return ken_figures_name(r->figures, i); }
const char *ken_report_note(const ken_report *r, size_t i) { return i < r->n_notes ? r->note[i] : NULL; }
