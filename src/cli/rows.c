/* rows.c - see rows.h. Rows are read one at a time; only sorting keeps something of each (its place and its key). */
#include "cli/rows.h"
#include "cli/cli.h"
#include "cli/term.h"
#include "cli/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct keyed {
    size_t at;
    double number;
    char *text; /* sorting by id; ours */
} keyed;

static double key_number(const ken_row *r, const char *key)
{
    if (strcmp(key, "p_t") == 0) return r->p_t;
    if (strcmp(key, "p_t0") == 0) return r->p_t0;
    if (strcmp(key, "p_unknown") == 0) return r->p_unknown;
    if (strcmp(key, "p_flip") == 0) return r->p_flip;
    if (strcmp(key, "margin") == 0) return r->min_margin;
    if (strcmp(key, "popularity") == 0) return r->popularity;
    return 0;
}

/* Missing numbers come last, whichever way; ties keep data order. */
static int compare(const void *pa, const void *pb, int sign)
{
    const keyed *a = pa, *b = pb;
    int c = 0;
    if (a->text != NULL && b->text != NULL)
        c = strcmp(a->text, b->text) < 0 ? -sign : strcmp(a->text, b->text) > 0 ? sign : 0;
    else if (isnan(a->number) || isnan(b->number)) c = (isnan(a->number) != 0) - (isnan(b->number) != 0);
    else c = sign * ((a->number > b->number) - (a->number < b->number));
    return c != 0 ? c : (a->at > b->at) - (a->at < b->at);
}

static int rising(const void *a, const void *b) { return compare(a, b, 1); }
static int falling(const void *a, const void *b) { return compare(a, b, -1); }

static bool passes(const ken_row *r, const cli_row_filter *f)
{
    bool relation = f->relations.n == 0;
    for (int i = 0; i < f->relations.n && !relation; i++) relation = strcmp(f->relations.name[i], r->relation) == 0;
    return relation && (f->categories == 0 || (f->categories >> r->category & 1u) != 0);
}

/* What the model says instead: the wrong greedy answer that most prompts agree on; NULL when none is kept. */
static const char *belief(const ken_row *r, int *votes)
{
    const char *best = NULL;
    *votes = 0;
    for (int i = 0; i < r->n_prompt_rows; i++) {
        const ken_prompt_row *p = &r->prompt_rows[i];
        if (p->greedy_hit || p->text == NULL) continue;
        int n = 0;
        for (int j = 0; j < r->n_prompt_rows; j++) {
            const ken_prompt_row *q = &r->prompt_rows[j];
            n += !q->greedy_hit && q->text != NULL && strcmp(p->text, q->text) == 0;
        }
        if (n > *votes) {
            *votes = n;
            best = p->text;
        }
    }
    return best;
}

static const char *skip_spaces(const char *s)
{
    while (*s == ' ') s++;
    return s;
}

static void print_row(const ken_row *r)
{
    char s[64];
    int votes;
    int w = term_columns(r->id);
    term_cell(r->id, w > 20 ? w : 20); /* never cut: `ken explain RUN ID` wants it whole */
    printf(" %s", term_on(TERM_CATEGORY + r->category));
    term_cell(ken_category_name(r->category), 11);
    fputs(term_off(), stdout);
    snprintf(s, sizeof s, "%d/%d", r->greedy_hits, r->prompts);
    term_cell(s, -7);
    if (isnan(r->p_t)) snprintf(s, sizeof s, "-");
    else snprintf(s, sizeof s, "%.4f", r->p_t);
    term_cell(s, -8);
    fputs("  ", stdout);
    term_text(r->question);
    printf(" %s", term_on(TERM_BOLD));
    term_text(r->n_answers > 0 ? r->answers[0] : "");
    fputs(term_off(), stdout);
    if (r->n_answers > 1) printf(" (or %d more)", r->n_answers - 1);
    const char *says = belief(r, &votes);
    if (says != NULL) {
        printf("%s  says %d/%d: ", term_on(TERM_DIM), votes, r->prompts);
        term_text(skip_spaces(says));
        fputs(term_off(), stdout);
    }
    const uint32_t why = r->category == KEN_UNLABELLED ? r->flags & ~(uint32_t)KEN_FLAG_EXEMPLARS_SHARED : 0;
    for (int b = 0; ken_flag_name(b) != NULL; b++)
        if (why & (1u << b)) printf("  [%s]", ken_flag_name(b));
    putchar('\n');
}

static int print(const ken_row *r, ken_err *err)
{
    ken_views *v;
    if (!cli.json) {
        print_row(r);
        return KEN_OK;
    }
    int rc = ken_views_of_row(&v, r, NULL, err);
    return rc == KEN_OK ? cli_print_views(v, err) : rc;
}

static int print_at(ken_run *run, size_t at, ken_err *err)
{
    const ken_row *r = ken_run_row(run, at, err);
    if (r == NULL) return err->status;
    return print(r, err);
}

static int stopped(ken_err *err) { return cli_fail(err, KEN_ESTOP, "interrupted"); }

static int print_in_order(ken_run *run, const cli_row_filter *f, ken_err *err)
{
    size_t shown = 0;
    for (size_t i = 0; i < ken_run_count(run) && (f->limit == 0 || shown < f->limit); i++) {
        if (cli_interrupted(NULL)) return stopped(err);
        const ken_row *r = ken_run_row(run, i, err);
        if (r == NULL) return err->status;
        if (!passes(r, f)) continue;
        shown++;
        int rc = print(r, err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

static int print_sorted(ken_run *run, const cli_row_filter *f, ken_err *err)
{
    bool down = f->sort[0] == '-', by_id = strcmp(f->sort + down, "id") == 0;
    size_t n = 0, count = ken_run_count(run);
    int rc = KEN_OK;
    keyed *k = calloc(count > 0 ? count : 1, sizeof *k);
    if (k == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory sorting %zu rows", count);
    for (size_t i = 0; i < count; i++) {
        const ken_row *r = ken_run_row(run, i, err);
        if (r == NULL || cli_interrupted(NULL)) {
            rc = r == NULL ? err->status : stopped(err);
            goto done;
        }
        if (!passes(r, f)) continue;
        k[n] = (keyed){i, key_number(r, f->sort + down), by_id ? strdup(r->id) : NULL};
        if (by_id && k[n].text == NULL) {
            rc = cli_fail(err, KEN_ENOMEM, "out of memory sorting %zu rows", count);
            goto done;
        }
        if (strcmp(f->sort + down, "order") == 0) k[n].number = (double)i;
        n++;
    }
    qsort(k, n, sizeof *k, down ? falling : rising);
    for (size_t i = 0; i < n && (f->limit == 0 || i < f->limit) && rc == KEN_OK; i++) rc = print_at(run, k[i].at, err);
done:
    for (size_t i = 0; i < count; i++) free(k[i].text);
    free(k);
    return rc;
}

int cli_print_rows(ken_run *run, const cli_row_filter *f, ken_err *err)
{
    if (!cli.json) {
        fputs(term_on(TERM_BOLD), stdout);
        term_cell("id", 20);
        printf(" %-11s%7s%8s  question, answer%s\n", "category", "greedy", "P", term_off());
    }
    return f->sort == NULL ? print_in_order(run, f, err) : print_sorted(run, f, err);
}
