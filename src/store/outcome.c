/* outcome.c - what a training came to: did it fit its rows, and which ones never (docs/method/fine-tuning.md#early-stop). */
#include "base/alloc.h"
#include "store/run.h"
#include <math.h>
#include <string.h>

/* As exact as counts are: 99 of 100 rows have converged. */
static bool fits_enough(uint64_t hits, uint64_t n) { return n > 0 && hits >= n - n / 100; }

int ken_run_convergence(ken_run *r, ken_convergence *out, ken_err *err)
{
    *out = (ken_convergence){.step = -1, .epoch = NAN, .first_epoch = NAN};
    for (size_t i = 0; i < r->n_points; i++) {
        const ken_measure *m;
        size_t n;
        int rc = ken_run_measures(r, r->points[i].step, &m, &n, err);
        if (rc != KEN_OK) return rc;
        const ken_measure *all = ken_measure_find(m, n, "train", "all", "");
        if (all == NULL || all->n == 0) continue;
        *out = (ken_convergence){.step = r->points[i].step,
                                 .epoch = r->points[i].epoch,
                                 .first_epoch = out->first_epoch,
                                 .fitted = all->hits,
                                 .asked = all->n,
                                 .converged = fits_enough(all->hits, all->n)};
        if (out->converged && isnan(out->first_epoch)) out->first_epoch = r->points[i].epoch;
    }
    return KEN_OK;
}

/* Rows that a training asks: those with a question, and where these are more than it asked, those of one line, since a target that is no
 * answer cannot be judged. */
static int find_asked(ken_run *r, bool *asked, uint64_t expected, ken_err *err)
{
    uint64_t with_question = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->n_trained; i++) {
            const ken_trained *t = ken_run_trained(r, i, err);
            if (t == NULL) return err->status;
            asked[i] = t->question != NULL && (pass == 0 || t->target == NULL || strchr(t->target, '\n') == NULL);
            with_question += pass == 0 && asked[i];
        }
        if (with_question <= expected) return KEN_OK;
    }
    return KEN_OK;
}

int ken_run_never_fitted(ken_run *r, bool *never, ken_never_fitted *out, ken_err *err)
{
    const size_t n = r->n_trained;
    *out = (ken_never_fitted){0};
    ken_convergence c;
    bool *now = ken_alloc(n + 1, sizeof *now), there;
    int rc = now == NULL ? ken_fail_nomem(err, "fitted rows") : ken_run_convergence(r, &c, err);
    if (rc == KEN_OK) rc = find_asked(r, never, c.asked, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) out->of += never[i];
    for (size_t p = 0; p < r->n_points && rc == KEN_OK; p++) {
        if (r->points[p].step == 0) continue; /* before training */
        rc = ken_run_fit(r, r->points[p].step, now, &there, err);
        if (rc != KEN_OK || !there) continue;
        out->points++;
        for (size_t i = 0; i < n; i++) never[i] &= !now[i];
    }
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        never[i] &= out->points > 0;
        out->rows += never[i];
    }
    ken_free(now);
    return rc;
}
