/* views.c - a list of views from outside, and which result has which. */
#include "view/views.h"
#include "base/alloc.h"
#include "base/options.h"
#include "know/evaluation.h"
#include "store/run.h"
#include "store/tuning.h"
#include <string.h>

void ken_views_free(ken_views *v)
{
    if (v == NULL) return;
    for (size_t i = 0; i < v->n; i++) {
        ken_free(v->view[i].span);
        ken_free(v->view[i].row);
    }
    ken_free(v->view);
    ken_arena_free(&v->arena);
    ken_free(v);
}

size_t ken_views_count(const ken_views *v) { return v->n; }
const ken_view *ken_views_get(const ken_views *v, size_t i) { return i < v->n ? &v->view[i].view : NULL; }
void ken_text_free(char *text) { ken_free(text); }

/* ---- of results ----------------------------------------------------------------------------------------------------- */

static const char *of_evaluation(const void *of, const char *key) { return ken_evaluation_setting(of, key); }
static const char *of_run(const void *of, const char *key) { return ken_run_setting(of, key); }

int ken_views_of_evaluation(ken_views **out, const ken_evaluation *e, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_view_evaluation(v, e->measure, e->n_measures, e->change, e->n_changes, of_evaluation, e);
    return ken_views_finish(out, v, err);
}

static int kept_evaluation(ken_views *v, ken_run *r, ken_err *err)
{
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, ken_run_n_points(r) > 0 ? ken_run_point(r, 0)->step : 0, &m, &n, err);
    if (rc == KEN_OK) ken_view_evaluation(v, m, n, NULL, 0, of_run, r);
    return rc;
}

void ken_show_defaults_fill(ken_show_options *o, size_t size)
{
    static const ken_show_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

int ken_views_of_run(ken_views **out, ken_run *r, const ken_show_options *given, ken_err *err)
{
    ken_show_options own = ken_show_defaults();
    const char *kind = ken_run_kind(r);
    *out = NULL;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_show_options, err);
    if (rc != KEN_OK) return rc;
    if (own.sort < KEN_SORT_ORDER || own.sort >= KEN_SORT_CATEGORY + KEN_N_CATEGORIES)
        return ken_fail(err, KEN_EUSAGE, "`sort` %d is none of KEN_SORT_*", own.sort);
    ken_views *v = ken_views_new();
    if (strcmp(kind, KEN_KIND_EVAL) == 0) rc = kept_evaluation(v, r, err);
    else if (strcmp(kind, KEN_KIND_TRAIN) == 0) rc = ken_view_training(v, r, err);
    else if (strcmp(kind, "annotate") == 0) rc = ken_view_annotation(v, r, &own, err);
    else rc = ken_fail(err, KEN_EUSAGE, "a run of kind \"%.40s\" is not known to this version", kind);
    if (rc == KEN_OK) {
        ken_view_next(v, r, r->path);
        return ken_views_finish(out, v, err);
    }
    ken_views_free(v);
    return rc;
}
