/* train_table.c - see train_table.h. Columns are decided by the first point: what is not measured has none. */
#include "cli/train_table.h"
#include "cli/cli.h"
#include "cli/term.h"
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CURVE = 60 }; /* columns of a curve */

static double share_of(const ken_measure *x) { return x != NULL && x->n > 0 ? (double)x->hits / (double)x->n : NAN; }

static const ken_measure *all_of(const ken_measure *m, size_t n, const char *set)
{
    return ken_measure_find(m, n, set, "all", "");
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

static void put_share(const ken_measure *x)
{
    if (x != NULL && x->n > 0) fprintf(stderr, " %5.1f", 100 * share_of(x));
    else fprintf(stderr, " %5s", "-");
}

static void print_head(const cli_train_table *t)
{
    fprintf(stderr, "%6s %7s %7s", "epoch", "step", "loss");
    if (t->kl) fprintf(stderr, " %6s", "kl");
    fprintf(stderr, "   %5s", "fit");
    if (t->categories) fprintf(stderr, " %5s %5s %5s %5s", "HK", "MK", "WK", "Unk");
    fputs("  ", stderr);
    if (t->dev) fprintf(stderr, " %5s ", "dev");
    if (t->test) fprintf(stderr, " %5s", "test");
    if (t->ood) fprintf(stderr, " %5s", "ood");
    if (t->divergence) fprintf(stderr, " %7s", "KL base");
    fprintf(stderr, " %5s %9s %7s\n", "idk", "lr", "ex/s");
}

static void begin(cli_train_table *t, const ken_point *p, const ken_measure *m, size_t n)
{
    t->begun = true;
    t->divergence = p->kl_positions > 0;
    for (int c = 0; c < KEN_UNLABELLED; c++)
        t->categories |= ken_measure_find(m, n, "train", "category", ken_category_name(c)) != NULL;
    t->dev = all_of(m, n, "dev") != NULL;
    t->test = all_of(m, n, "test") != NULL;
    t->ood = all_of(m, n, "ood") != NULL;
    print_head(t);
}

void cli_train_line(cli_train_table *t, const ken_point *p, const ken_measure *m, size_t n)
{
    bool first = !t->begun;
    if (first) begin(t, p, m, n);
    char loss[16] = "-", lr[16] = "-", rate[16] = "-";
    if (!isnan(p->loss)) snprintf(loss, sizeof loss, "%.4f", p->loss);
    if (!isnan(p->lr)) snprintf(lr, sizeof lr, "%.2e", p->lr);
    if (!first && t->spent > t->at_line)
        snprintf(rate, sizeof rate, "%.1f", (double)(p->examples - t->examples) / (t->spent - t->at_line));
    fprintf(stderr, "%6.2f %7lld %7s", p->epoch, (long long)p->step, loss);
    if (t->kl && !isnan(p->kl)) fprintf(stderr, " %6.4f", p->kl);
    else if (t->kl) fprintf(stderr, " %6s", "-");
    fputs("  ", stderr);
    put_share(all_of(m, n, "train"));
    for (int c = 0; c < KEN_UNLABELLED && t->categories; c++)
        put_share(ken_measure_find(m, n, "train", "category", ken_category_name(c)));
    fputs("  ", stderr);
    if (t->dev) {
        put_share(all_of(m, n, "dev"));
        fputc(p->best ? '*' : ' ', stderr);
    }
    if (t->test) put_share(all_of(m, n, "test"));
    if (t->ood) put_share(all_of(m, n, "ood"));
    if (t->divergence && p->kl_positions > 0) fprintf(stderr, " %7.4f", p->kl_base);
    else if (t->divergence) fprintf(stderr, " %7s", "-");
    const ken_measure *asked = all_of(m, n, t->dev ? "dev" : t->test ? "test" : t->ood ? "ood" : "train");
    if (asked != NULL && asked->n > 0) fprintf(stderr, " %5.1f", 100 * (double)asked->abstained / (double)asked->n);
    else fprintf(stderr, " %5s", "-");
    fprintf(stderr, " %9s %7s\n", lr, rate);
    fflush(stderr);
    t->at_line = t->spent;
    t->examples = p->examples;
}

/* ---- curves ----------------------------------------------------------------------------------------------------------- */

typedef struct curve {
    const char *name;
    double *y; /* (n points); NaN = not measured */
} curve;
enum { C_LOSS, C_KNOWN, C_UNKNOWN, C_FIT, C_DEV, C_TEST, C_OOD, N_CURVES };

static double known_share(const ken_measure *m, size_t n)
{
    uint64_t rows = 0, hits = 0;
    for (int c = 0; c < KEN_UNKNOWN; c++) {
        const ken_measure *x = ken_measure_find(m, n, "train", "category", ken_category_name(c));
        if (x == NULL) continue;
        rows += x->n;
        hits += x->hits;
    }
    return rows > 0 ? (double)hits / (double)rows : NAN;
}

/* One row of blocks; more points than cells are thinned out evenly. */
static void draw(const curve *c, size_t n, bool loss)
{
    static const char *const block[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    double lo = INFINITY, hi = -INFINITY, first = NAN, last = NAN;
    for (size_t i = 0; i < n; i++) {
        if (isnan(c->y[i])) continue;
        if (isnan(first)) first = c->y[i];
        last = c->y[i];
        lo = fmin(lo, c->y[i]);
        hi = fmax(hi, c->y[i]);
    }
    if (isnan(first) || n < 2) return;
    fprintf(stderr, "%-12s ", c->name);
    size_t cells = n < CURVE ? n : CURVE;
    for (size_t k = 0; k < cells; k++) {
        double y = c->y[cells > 1 ? k * (n - 1) / (cells - 1) : 0];
        if (isnan(y)) fputc(' ', stderr);
        else fputs(block[hi > lo ? (int)((y - lo) / (hi - lo) * 7.0 + 0.5) : 0], stderr);
    }
    if (loss) fprintf(stderr, "  %.3f to %.3f, now %.3f\n", hi, lo, last);
    else fprintf(stderr, "  %.1f%% to %.1f%%, now %.1f%%\n", 100 * lo, 100 * hi, 100 * last);
}

static int fill(curve *c, ken_run *r, size_t n, ken_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const ken_point *p = ken_run_point(r, i);
        const ken_measure *m;
        size_t k;
        c[C_LOSS].y[i] = p->loss;
        int rc = ken_run_measures(r, p->step, &m, &k, err);
        if (rc != KEN_OK) return rc;
        c[C_KNOWN].y[i] = known_share(m, k);
        c[C_UNKNOWN].y[i] = share_of(ken_measure_find(m, k, "train", "category", ken_category_name(KEN_UNKNOWN)));
        c[C_FIT].y[i] = isnan(c[C_KNOWN].y[i]) && isnan(c[C_UNKNOWN].y[i]) ? share_of(all_of(m, k, "train")) : NAN;
        c[C_DEV].y[i] = share_of(all_of(m, k, "dev"));
        c[C_TEST].y[i] = share_of(all_of(m, k, "test"));
        c[C_OOD].y[i] = share_of(all_of(m, k, "ood"));
    }
    return KEN_OK;
}

int cli_train_curves(ken_run *r, ken_err *err)
{
    if (isatty(STDERR_FILENO) != 1 || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) return KEN_OK;
    size_t n = ken_run_n_points(r);
    double *y = calloc((n + 1) * N_CURVES, sizeof *y);
    if (y == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory for the curves");
    curve c[N_CURVES] = {{"loss", NULL}, {"fit Known", NULL}, {"fit Unknown", NULL}, {"fit", NULL},
                         {"dev", NULL},  {"test", NULL},      {"ood", NULL}};
    for (size_t i = 0; i < N_CURVES; i++) c[i].y = y + i * n;
    int rc = fill(c, r, n, err);
    for (int i = 0; i < N_CURVES && rc == KEN_OK; i++) draw(&c[i], n, i == C_LOSS);
    free(y);
    return rc;
}
