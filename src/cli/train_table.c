/* train_table.c - see train_table.h. Columns are decided by the first point: what is not measured has none. */
#include "cli/train_table.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/table.h"
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
    fprintf(stderr, " %5s %9s %7s\n", "idk", "lr", "ex/s");
}

static void begin(cli_train_table *t, const ken_measure *m, size_t n)
{
    t->begun = true;
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
    if (first) begin(t, m, n);
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

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static json_t *ratio(uint64_t k, uint64_t n) { return n > 0 ? json_real((double)k / (double)n) : json_null(); }

static json_t *measure_json(const ken_measure *m)
{
    cli_json_object x = {json_object(), false};
    if (m->n > 0) {
        double lo, hi;
        cli_wilson(m->hits, m->n, &lo, &hi);
        cli_json_put(&x, "examples", cli_json_count(m->n));
        cli_json_put(&x, "hits", cli_json_count(m->hits));
        cli_json_put(&x, "accuracy", ratio(m->hits, m->n));
        cli_json_put(&x, "accuracy_lo", cli_json_real(lo));
        cli_json_put(&x, "accuracy_hi", cli_json_real(hi));
        cli_json_put(&x, "hits_raw", cli_json_count(m->hits_raw));
        cli_json_put(&x, "abstained", cli_json_count(m->abstained));
        cli_json_put(&x, "answered", cli_json_count(m->answered));
        cli_json_put(&x, "accuracy_answered", ratio(m->hits, m->answered));
        if (!isnan(m->p)) cli_json_put(&x, "p_right", cli_json_real(m->p / (double)m->n));
        for (int i = 0; i < m->n_more; i++) {
            json_t *more = json_object_get(x.o, "matchers");
            if (more == NULL) cli_json_put(&x, "matchers", more = json_object());
            if (json_object_set_new(more, m->more[i].matcher, cli_json_count(m->more[i].hits)) != 0) x.failed = true;
        }
    }
    if (m->tokens > 0) {
        cli_json_put(&x, "tokens", cli_json_count(m->tokens));
        cli_json_put(&x, "nll", cli_json_real(m->loss / (double)m->tokens));
        cli_json_put(&x, "perplexity", cli_json_real(exp(m->loss / (double)m->tokens)));
        if (m->bytes > 0) {
            cli_json_put(&x, "bytes", cli_json_count(m->bytes));
            cli_json_put(&x, "bits_per_byte", cli_json_real(m->loss / (double)m->bytes / log(2.0)));
        }
    }
    return cli_json_finish(&x);
}

json_t *cli_json_point(const ken_point *p, const ken_measure *m, size_t n)
{
    json_t *o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:b,s:b}", "step", (json_int_t)p->step, "epoch",
                          cli_json_real(p->epoch), "lr", cli_json_real(p->lr), "loss", cli_json_real(p->loss), "kl",
                          cli_json_real(p->kl), "grad_norm", cli_json_real(p->grad_norm), "examples",
                          (json_int_t)p->examples, "tokens", (json_int_t)p->tokens, "token_forwards",
                          (json_int_t)p->forwards, "best", p->best, "last", p->last);
    for (size_t i = 0; i < n && o != NULL; i++) {
        const ken_measure *x = &m[i];
        json_t *set = json_object_get(o, x->set);
        if (set == NULL) {
            const ken_measure *all = all_of(m, n, x->set);
            set = all != NULL ? measure_json(all) : json_object();
            json_object_set_new(o, x->set, set);
        }
        if (strcmp(x->grouping, "all") == 0) continue;
        json_t *groups = json_object_get(set, x->grouping);
        if (groups == NULL) {
            groups = json_object();
            json_object_set_new(set, x->grouping, groups);
        }
        json_object_set_new(groups, x->key, measure_json(x));
    }
    return o;
}
