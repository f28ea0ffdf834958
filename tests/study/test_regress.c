/* test_regress.c - the linear model of harm against statsmodels (tests/oracles/regress_fixtures.py), on trainings that go through the
 * store; what it refuses, and memory that fails. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "store/tuning.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ken_err err;

/* ---- trainings --------------------------------------------------------------------------------------------------------- */

typedef struct made_point {
    int64_t step;
    double epoch;
    uint64_t rows, group_rows[4], group_hits[4], asked, right;
} made_point;

static ken_measure measure(const char *set, const char *grouping, const char *key, uint64_t n, uint64_t hits)
{
    return (ken_measure){
        .set = set, .grouping = grouping, .key = key, .n = n, .hits = hits, .answered = n, .loss = NAN, .p = NAN};
}

static int put(ken_store *s, const made_point *p, const char *set)
{
    ken_point point = {.step = p->step, .epoch = p->epoch, .lr = NAN, .loss = NAN, .kl = NAN, .grad_norm = NAN};
    ken_measure m[8];
    size_t n = 0;
    uint64_t hits = 0;
    for (int k = 0; k < 4; k++) hits += p->group_hits[k];
    m[n++] = measure("train", "all", "", p->rows, hits);
    for (int k = 0; k < 4; k++)
        if (p->group_rows[k] > 0)
            m[n++] = measure("train", "category", ken_category_name(k), p->group_rows[k], p->group_hits[k]);
    m[n++] = measure(set, "all", "", p->asked, p->right);
    m[n++] = measure(set, "category", "Unknown", p->asked, p->right / 2);
    int rc = ken_tuning_put_point(s, &point, &err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = ken_tuning_put_measure(s, p->step, &m[i], &err);
    return rc;
}

static ken_run *training(const char *name, const made_point *p, size_t n, const char *set)
{
    static const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true}};
    const char *path = in_folder(name);
    ken_store *s;
    ken_run *r;
    remove(path);
    assert_ok(ken_store_open(&s, path, settings, 1, &err));
    /* Epoch 0 is measured in every training, and far off the plane here: it must not count. */
    made_point before = {.step = 0, .rows = 10, .group_rows = {5, 0, 0, 5}, .asked = 10, .right = 10};
    assert_ok(put(s, &before, set));
    for (size_t i = 0; i < n; i++) assert_ok(put(s, &p[i], set));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, path, &err));
    return r;
}

/* ---- the fixture ------------------------------------------------------------------------------------------------------- */

enum { MAX_RUNS = 8, MAX_POINTS = 64, MAX_FIELDS = 16 };

typedef struct fixture {
    char name[16];
    size_t runs, n[MAX_RUNS];
    made_point point[MAX_RUNS][MAX_POINTS];
    double fit[5], se[3], lo[3], hi[3], residual[MAX_RUNS][3]; /* n, mean, sd */
} fixture;

static int fields(char *line, char *f[MAX_FIELDS])
{
    static char none[] = "";
    for (int i = 0; i < MAX_FIELDS; i++) f[i] = none;
    int n = 0;
    for (char *save = NULL, *t = strtok_r(line, "\t\n", &save); t != NULL && n < MAX_FIELDS;
         t = strtok_r(NULL, "\t\n", &save))
        f[n++] = t;
    return n;
}

static void numbers(char **f, int n, double *out)
{
    for (int i = 0; i < n; i++) out[i] = strtod(f[i], NULL);
}

static void add_line(fixture *x, char **f, int n)
{
    if (strcmp(f[0], "point") == 0) {
        assert_int_equal(n, 15);
        double v[14];
        numbers(f + 1, 14, v);
        size_t run = (size_t)v[0];
        assert_true(run < MAX_RUNS && x->n[run] < MAX_POINTS);
        made_point *p = &x->point[run][x->n[run]++];
        *p = (made_point){.step = (int64_t)v[1],
                          .epoch = v[2],
                          .rows = (uint64_t)v[3],
                          .asked = (uint64_t)v[12],
                          .right = (uint64_t)v[13]};
        for (int k = 0; k < 4; k++) {
            p->group_rows[k] = (uint64_t)v[4 + 2 * k];
            p->group_hits[k] = (uint64_t)v[5 + 2 * k];
        }
        return;
    }
    if (strcmp(f[0], "run") == 0) {
        assert_int_equal(n, 5);
        numbers(f + 2, 3, x->residual[strtoul(f[1], NULL, 10) % MAX_RUNS]);
        return;
    }
    double *to = strcmp(f[0], "fit") == 0  ? x->fit
                 : strcmp(f[0], "se") == 0 ? x->se
                 : strcmp(f[0], "lo") == 0 ? x->lo
                                           : x->hi;
    assert_int_equal(n, to == x->fit ? 6 : 4);
    numbers(f + 1, n - 1, to);
}

static void near(const char *what, const fixture *x, double expected, double found)
{
    if (fabs(expected - found) > 1e-8 * fmax(1.0, fabs(expected)))
        fail_msg("%s: %s: statsmodels has %.12g, ken %.12g", x->name, what, expected, found);
}

static void check(const fixture *x)
{
    ken_run *run[MAX_RUNS];
    ken_regression *r;
    char name[32];
    for (size_t i = 0; i < x->runs; i++) {
        snprintf(name, sizeof name, "%.15s-%zu.ken", x->name, i);
        run[i] = training(name, x->point[i], x->n[i], "dev");
    }
    assert_ok(ken_regress(&r, run, x->runs, "dev", -1, &err));
    near("b0", x, x->fit[0], r->b0);
    near("b_kn", x, x->fit[1], r->b_kn);
    near("b_unk", x, x->fit[2], r->b_unk);
    near("R2", x, x->fit[3], r->r2);
    assert_int_equal(r->clustered, (int)x->fit[4]);
    assert_int_equal(r->runs, x->runs);
    for (int k = 0; k < 3; k++) {
        near("se", x, x->se[k], r->se[k]);
        near("lo", x, x->lo[k], r->lo[k]);
        near("hi", x, x->hi[k], r->hi[k]);
    }
    size_t n = 0, banded = 0;
    for (size_t i = 0; i < x->runs; i++) {
        assert_int_equal(r->by_run[i].n, x->n[i]);
        near("mean residual", x, x->residual[i][1], r->by_run[i].mean);
        near("residuals' deviation", x, x->residual[i][2], r->by_run[i].sd);
        near("share of Unknown rows", x, (double)x->point[i][0].group_rows[3] / (double)x->point[i][0].rows,
             r->unknown_share[i]);
        n += x->n[i];
    }
    for (int k = 0; k < KEN_EPOCH_BANDS; k++) banded += r->by_epoch[k].n;
    assert_int_equal(r->n, n);
    assert_int_equal(banded, n);
    for (size_t i = 0; i < n; i++) {
        const ken_regression_point *p = &r->points[i];
        assert_true(p->step > 0);
        near("predicted", x, r->b0 + r->b_kn * p->known + r->b_unk * p->unknown, p->predicted);
    }
    if (strcmp(x->name, "paper") == 0) { /* as docs/method/fine-tuning.md#linear-model prints it */
        assert_int_equal(lround(10 * r->b0), 401);
        assert_int_equal(lround(10 * r->b_kn), 48);
        assert_int_equal(lround(10 * r->b_unk), -105);
        assert_int_equal(lround(100 * r->r2), 86);
        assert_int_equal(r->by_epoch[0].n, 7); /* epochs 10 and 50 of 50 */
        assert_int_equal(r->by_epoch[1].n, 0);
        assert_true(isnan(r->by_epoch[1].mean));
        assert_int_equal(r->by_epoch[3].n, 7);
    }
    ken_regression_free(r);
    for (size_t i = 0; i < x->runs; i++) ken_run_free(run[i]);
}

static void against_statsmodels(void **state)
{
    (void)state;
    FILE *in = fopen(KEN_FIXTURES "/study/regress.tsv", "r");
    assert_non_null(in);
    static fixture x;
    char line[1000], *f[MAX_FIELDS] = {NULL};
    int cases = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        if (line[0] == '#') continue;
        int n = fields(line, f);
        assert_true(n >= 3);
        if (strcmp(f[0], "case") != 0) {
            add_line(&x, f, n);
            continue;
        }
        if (cases++ > 0) check(&x);
        x = (fixture){.runs = strtoul(f[2], NULL, 10)};
        snprintf(x.name, sizeof x.name, "%s", f[1]);
    }
    fclose(in);
    check(&x);
    assert_int_equal(cases, 5);
}

/* ---- what it refuses, and other sets ----------------------------------------------------------------------------------- */

static const made_point four[] = {
    {1, 1, 100, {20, 20, 10, 50}, {10, 5, 0, 1}, 50, 20},
    {2, 2, 100, {20, 20, 10, 50}, {20, 5, 0, 9}, 50, 22},
    {3, 3, 100, {20, 20, 10, 50}, {20, 20, 0, 20}, 50, 21},
    {4, 4, 100, {20, 20, 10, 50}, {20, 20, 10, 49}, 50, 19},
};

static void refuse(const made_point *p, size_t n, const char *set, const char *says)
{
    ken_run *run = training("refused.ken", p, n, "test");
    ken_regression *r;
    assert_int_equal(ken_regress(&r, &run, 1, set, -1, &err), KEN_EUSAGE);
    assert_null(r);
    if (strstr(err.msg, says) == NULL) fail_msg("expected \"%s\" in: %s", says, err.msg);
    ken_run_free(run);
}

static void what_cannot_be_fitted(void **state)
{
    (void)state;
    made_point p[4];
    refuse(four, 3, "test", "3 points; the linear model has 3 coefficients and needs at least 4");
    refuse(four, 0, "test", "was not measured after any epoch");
    refuse(four, 4, "dev", "\"dev\" was not measured after any epoch");
    refuse(four, 4, "", "no set of rows is named");
    memcpy(p, four, sizeof p);
    for (int i = 0; i < 4; i++) p[i].group_rows[3] = p[i].group_hits[3] = 0;
    refuse(p, 4, "test", "the share of fitted Unknown rows is 0 at all 4 points");
    memcpy(p, four, sizeof p);
    for (int i = 0; i < 4; i++)
        memcpy(p[i].group_hits, (uint64_t[4]){20, 1, 2, p[i].group_hits[3]}, sizeof p[i].group_hits);
    refuse(p, 4, "test", "the share of fitted Known rows is the same at all 4 points");
    for (int i = 0; i < 4; i++) p[i].group_hits[3] = 0;
    refuse(p, 4, "test", "Known and of fitted Unknown rows");
    for (int i = 0; i < 4; i++) p[i].group_hits[0] = p[i].group_hits[3] = (uint64_t)i;
    refuse(p, 4, "test", "lie on a line");
    for (int i = 0; i < 4; i++) memset(p[i].group_rows, 0, sizeof p[i].group_rows);
    refuse(p, 4, "test", "has a category");

    ken_regression *r;
    assert_int_equal(ken_regress(&r, NULL, 0, "test", -1, &err), KEN_EUSAGE);
    made_row m;
    ken_store *s;
    ken_run *run;
    assert_ok(ken_store_open(&s, in_folder("annotation.ken"), test_settings, n_test_settings, &err));
    assert_ok(ken_store_put_row(s, 0, make_row(&m, 0), &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&run, in_folder("annotation.ken"), &err));
    assert_int_equal(ken_regress(&r, &run, 1, "test", -1, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "is of kind \"annotate\""));
    ken_run_free(run);
}

static void one_category_and_a_flat_accuracy(void **state)
{
    (void)state;
    ken_regression *all, *unknown;
    ken_run *run = training("category.ken", four, 4, "test");
    assert_ok(ken_regress(&all, &run, 1, "test", -1, &err));
    assert_ok(ken_regress(&unknown, &run, 1, "test", KEN_UNKNOWN, &err));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(lround(all->points[i].accuracy), 2 * four[i].right);
        assert_int_equal(lround(unknown->points[i].accuracy), 2 * (four[i].right / 2));
    }
    assert_true(fabs(all->points[3].known - 0.5) < 1e-9);
    assert_true(fabs(all->points[3].unknown - 0.49) < 1e-9);
    ken_regression_free(all);
    ken_regression_free(unknown);
    ken_run_free(run);

    made_point p[4];
    memcpy(p, four, sizeof p);
    for (int i = 0; i < 4; i++) p[i].right = 7;
    run = training("flat.ken", p, 4, "test");
    assert_ok(ken_regress(&all, &run, 1, "test", -1, &err));
    assert_true(fabs(all->b0 - 14.0) < 1e-9);
    assert_true(fabs(all->b_kn - 0.0) < 1e-9);
    assert_true(isnan(all->r2));
    ken_regression_free(all);
    ken_run_free(run);
}

static void allocations_that_fail(void **state)
{
    (void)state;
    ken_run *run = training("memory.ken", four, 4, "test");
    ken_regression *r = NULL;
    int rc = KEN_ENOMEM;
    for (long at = 1; rc != KEN_OK; at++) {
        assert_true(at < 1000);
        ken_alloc_fail_after(at);
        rc = ken_regress(&r, &run, 1, "test", -1, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) {
            assert_int_equal(rc, KEN_ENOMEM);
            assert_null(r);
        }
    }
    assert_int_equal(r->n, 4);
    ken_regression_free(r);
    ken_regression_free(NULL);
    ken_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_statsmodels),
        cmocka_unit_test(what_cannot_be_fitted),
        cmocka_unit_test(one_category_and_a_flat_accuracy),
        cmocka_unit_test(allocations_that_fail),
    };
    return cmocka_run_group_tests_name("study-regress", tests, NULL, remove_folder);
}
