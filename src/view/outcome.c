/* outcome.c - what must be known of a training besides its curves: what is said of the rows it watches, whether it has converged, which rows it
 * never fitted. For a terminal, JSON and the page alike. */
#include "base/alloc.h"
#include "know/certainty.h"
#include "tune/stop_rule.h"
#include "view/views.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

enum { LISTED = 10 }; /* rows that were never fitted, for people; programs get all */

void ken_view_note_lines(ken_views *v, const char *notes)
{
    ken_value_list(v, "notes[]");
    for (const char *s = notes; s != NULL && *s != '\0';) {
        const size_t n = strcspn(s, "\n");
        const char *line = ken_views_keep(v, "%.*s", (int)n, s);
        if (line == NULL) return;
        ken_value_text(v, "notes[]", "", line);
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "%c%s.", toupper((unsigned char)line[0]), line[0] != '\0' ? line + 1 : "");
        s += n + (s[n] == '\n');
    }
}

static void put_convergence(ken_views *v, const ken_convergence *c)
{
    const double share = c->asked > 0 ? (double)c->fitted / (double)c->asked : NAN;
    ken_value_number(v, "", "train_fit", share);
    if (c->step < 0) ken_value_text(v, "", "converged", NULL);
    else ken_value_truth(v, "", "converged", c->converged);
    if (c->step <= 0) return; /* nothing was trained yet */
    ken_views_text(v);
    if (c->converged) {
        ken_views_say(v, KEN_STYLE_PLAIN, "Converged: %s of the training rows are fitted after epoch %.3g",
                      ken_views_share_text(v, share), c->epoch);
        if (c->first_epoch < c->epoch)
            ken_views_say(v, KEN_STYLE_PLAIN, ", 99%% or more first after epoch %.3g", c->first_epoch);
        ken_views_say(v, KEN_STYLE_PLAIN, ".");
        return;
    }
    ken_views_say(v, KEN_STYLE_STRONG, "Not converged");
    ken_views_say(v, KEN_STYLE_PLAIN,
                  ": %s of the training rows are fitted after epoch %.3g, the last measured; below 99%% it is not the "
                  "state that the paper calls convergence. More epochs or a higher rate would tell.",
                  ken_views_share_text(v, share), c->epoch);
}

static int put_never(ken_views *v, ken_run *r, ken_err *err)
{
    const size_t n = ken_run_n_trained(r);
    ken_never_fitted f;
    bool *never = ken_alloc(n + 1, sizeof *never);
    int rc = never == NULL ? ken_fail_nomem(err, "fitted rows") : ken_run_never_fitted(r, never, &f, err);
    if (rc == KEN_OK && f.points > 0) {
        ken_value_count(v, "never_fitted", "rows", f.rows);
        ken_value_count(v, "never_fitted", "of", f.of);
        ken_value_count(v, "never_fitted", "points", f.points);
        ken_value_list(v, "never_fitted.ids[]");
        if (f.rows > 0) {
            ken_views_text(v);
            ken_views_say(v, KEN_STYLE_PLAIN, "%s of %s training rows %s never fitted at any of %zu measurement%s: ",
                          ken_views_count_text(v, f.rows), ken_views_count_text(v, f.of), f.rows == 1 ? "was" : "were",
                          f.points, f.points == 1 ? "" : "s");
        }
        size_t shown = 0;
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            if (!never[i]) continue;
            const ken_trained *t = ken_run_trained(r, i, err);
            if (t == NULL) rc = err->status;
            else {
                if (shown < LISTED)
                    ken_views_say(v, KEN_STYLE_PLAIN, "%s%s", shown > 0 ? ", " : "", ken_views_keep(v, "%.80s", t->id));
                shown++;
            }
        }
        if (f.rows > 0)
            ken_views_say(v, KEN_STYLE_PLAIN, "%s", f.rows > LISTED ? ", ... (all: ken show --json)." : ".");
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            if (!never[i]) continue;
            const ken_trained *t = ken_run_trained(r, i, err);
            if (t == NULL) rc = err->status;
            else ken_value_text(v, "never_fitted.ids[]", "", ken_views_keep(v, "%s", t->id));
        }
    }
    ken_free(never);
    return rc;
}

/* ---- tasks ---------------------------------------------------------------------------------------------------------- */

typedef struct task_curve {
    const char *task;
    uint64_t n;
    double most, at_best, last; /* shares */
    double epoch;               /* of the first measurement with the most */
} task_curve;

static int read_tasks(ken_views *v, task_curve *t, int *n_tasks, ken_run *r, ken_err *err)
{
    *n_tasks = 0;
    for (size_t i = 0; i < ken_run_n_points(r); i++) {
        const ken_point *p = ken_run_point(r, i);
        const ken_measure *m;
        ken_task_score score[KEN_STOP_TASKS];
        size_t n;
        int rc = ken_run_measures(r, p->step, &m, &n, err);
        if (rc != KEN_OK) return rc;
        const int k = ken_stop_scores(score, m, n);
        if (p->step == 0 || k < 2) continue;
        if (*n_tasks > 0 && k != *n_tasks) continue; /* not what a training writes */
        for (int j = 0; j < k; j++) {
            const double share = (double)score[j].hits / (double)score[j].n;
            if (*n_tasks == 0)
                t[j] = (task_curve){ken_views_keep(v, "%s", score[j].task), score[j].n, -1, NAN, NAN, NAN};
            if (share > t[j].most) {
                t[j].most = share;
                t[j].epoch = p->epoch;
            }
            if (p->best) t[j].at_best = share;
            t[j].last = share;
        }
        *n_tasks = k;
    }
    return KEN_OK;
}

/* Each task's own early stop beside the one that is kept, when dev has several tasks. */
static int put_tasks(ken_views *v, ken_run *r, ken_err *err)
{
    enum { W = KEN_SHOWN | KEN_IN_DATA };
    static const ken_view_column columns[] = {
        {.head = "dev by task", .key = "task", .unit = KEN_UNIT_TEXT, .width = 20, .where = W},
        {.head = "rows", .key = "rows", .unit = KEN_UNIT_COUNT, .width = 9, .where = W},
        {.head = "its best", .key = "best_accuracy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 9, .where = W},
        {.head = "epoch", .key = "best_epoch", .unit = KEN_UNIT_REAL, .digits = 2, .width = 7, .where = W},
        {.head = "kept", .key = "accuracy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 9, .where = W},
        {.head = "last", .key = "last_accuracy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 9, .where = W}};
    task_curve t[KEN_STOP_TASKS];
    int n;
    int rc = read_tasks(v, t, &n, r, err);
    if (rc != KEN_OK || n == 0) return rc;
    const char *rule = ken_run_setting(r, "stop_rule");
    ken_value_text(v, "", "stop_rule", rule != NULL ? rule : "dev");
    ken_views_table(v, columns, sizeof columns / sizeof *columns,
                    ken_views_keep(v, "early stop by task; the best measurement is chosen by %s",
                                   rule != NULL ? rule : "all dev rows together"));
    for (int i = 0; i < n; i++) {
        ken_views_row(v, "tasks[]", NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, t[i].task);
        ken_put_count(v, t[i].n);
        ken_put_number(v, t[i].most);
        ken_put_number(v, t[i].epoch);
        ken_put_number(v, t[i].at_best);
        ken_put_number(v, t[i].last);
    }
    return KEN_OK;
}

/* ---- certainty ------------------------------------------------------------------------------------------------------ */

/* Where the training taught to say how sure an answer is: how often each statement is right, at the kept point. */
static int put_certainty(ken_views *v, ken_run *r, ken_err *err)
{
    enum { W = KEN_SHOWN | KEN_IN_CSV };
    static const ken_view_column columns[] = {
        {.head = "", .key = "set", .unit = KEN_UNIT_TEXT, .width = 9, .where = W},
        {.head = "says", .key = "certainty", .unit = KEN_UNIT_TEXT, .width = 10, .where = W},
        {.head = "answers", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 9, .where = W},
        {.head = "right", .key = "accuracy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = W}};
    static const char *const sets[] = {"train", "dev", "test", "ood"};
    if (ken_run_setting(r, "certainty") == NULL || ken_run_n_points(r) == 0) return KEN_OK;
    const ken_point *at = ken_run_point(r, ken_run_n_points(r) - 1);
    for (size_t i = 0; i < ken_run_n_points(r); i++)
        if (ken_run_point(r, i)->best) at = ken_run_point(r, i);
    const ken_measure *m;
    size_t n;
    int rc = ken_run_measures(r, at->step, &m, &n, err);
    if (rc != KEN_OK) return rc;
    ken_views_table(v, columns, sizeof columns / sizeof *columns,
                    ken_views_keep(v, "how sure answers say they are, after epoch %.3g", at->epoch));
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (int c = KEN_N_CERTAINTIES - 1; c >= 0; c--) {
            const char *name = ken_certainty_name((ken_certainty)c);
            const ken_measure *x = ken_measure_find(m, n, sets[s], "certainty", name);
            if (x == NULL || x->n == 0) continue;
            ken_views_row(v, NULL, NULL);
            ken_put_text(v, KEN_STYLE_PLAIN, sets[s]);
            ken_put_text(v, KEN_STYLE_PLAIN, name);
            ken_put_count(v, x->n);
            ken_put_share(v, x->hits, x->n);
        }
    return KEN_OK;
}

int ken_view_outcome(ken_views *v, ken_run *r, ken_err *err)
{
    ken_convergence c;
    int rc = ken_run_convergence(r, &c, err);
    if (rc != KEN_OK) return rc;
    put_convergence(v, &c);
    rc = put_never(v, r, err);
    if (rc == KEN_OK) rc = put_tasks(v, r, err);
    if (rc == KEN_OK) rc = put_certainty(v, r, err);
    ken_view_note_lines(v, ken_run_setting(r, "notes"));
    return rc;
}
