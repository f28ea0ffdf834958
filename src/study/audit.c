/* audit.c - a sheet of rejected answers to check by hand (ken_scoring_audit): what share of them is right all the same? Gekhman et al. 2024,
 * Table 6: of 100, 90 wrong, 6 paraphrases, 2 of higher and 2 of lower granularity.
 *
 * The draw is a function of seed and row id: each row gets a number for each kind of answer, and the lowest numbers win. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/out.h"
#include "base/rng.h"
#include "study/scoring.h"
#include <stdlib.h>
#include <string.h>

enum { GREEDY, SAMPLED, KINDS };

typedef struct pick {
    double u;
    size_t row;
    int prompt, drawn, kind; /* drawn: index into the drawn texts; greedy: -1 */
} pick;

typedef struct picks {
    pick *all; /* (cap): the n lowest so far, unordered */
    size_t n, cap;
} picks;

static int by_place(const void *pa, const void *pb)
{
    const pick *a = pa, *b = pb;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return a->kind - b->kind;
}

static void keep(picks *p, pick x)
{
    size_t worst = 0;
    if (p->n < p->cap) {
        p->all[p->n++] = x;
        return;
    }
    for (size_t i = 1; i < p->n; i++)
        if (p->all[i].u > p->all[worst].u) worst = i;
    if (p->cap > 0 && x.u < p->all[worst].u) p->all[worst] = x;
}

static bool rejected(const ken_accept *a, const char *text)
{
    return text != NULL && !ken_accept_matches(a, text, strlen(text));
}

/* One rejected answer of the row, each of the prompts (of the samples) being as likely; false when there is none. */
static bool pick_one(const ken_row *row, const ken_accept *a, int kind, uint64_t seed, pick *out)
{
    uint64_t n = 0, want;
    for (int pass = 0; pass < 2; pass++) {
        want = pass == 0 ? UINT64_MAX
                         : (uint64_t)(ken_uniform(seed, row->id, strlen(row->id), 3, (uint32_t)kind, 0) * (double)n);
        n = 0;
        for (int i = 0; i < row->n_prompt_rows; i++) {
            const ken_prompt_row *q = &row->prompt_rows[i];
            for (int j = kind == GREEDY ? -1 : 0; j < (kind == GREEDY ? 0 : q->n_drawn); j++) {
                const char *text = j < 0 ? q->text : q->drawn[j].text;
                uint64_t count = j < 0 ? 1 : (uint64_t)q->drawn[j].count;
                if (!rejected(a, text)) continue;
                if (want >= n && want < n + count) {
                    out->prompt = i;
                    out->drawn = j;
                    out->kind = kind;
                    out->u = ken_uniform(seed, row->id, strlen(row->id), 2, (uint32_t)kind, 0);
                    return true;
                }
                n += count;
            }
        }
        if (n == 0) return false;
    }
    return false;
}

static void put_field(ken_out *o, const char *s)
{
    ken_out_puts(o, "\"");
    if (*s != '\0' && strchr("=+-@\t\r", *s) != NULL) ken_out_puts(o, "'"); /* no formula in anybody's spreadsheet */
    for (const char *quote; (quote = strchr(s, '"')) != NULL; s = quote + 1) {
        ken_out_add(o, s, (size_t)(quote - s));
        ken_out_puts(o, "\"\"");
    }
    ken_out_puts(o, s);
    ken_out_puts(o, "\",");
}

static void put_line(ken_out *o, const ken_row *row, const pick *p)
{
    const ken_prompt_row *q = &row->prompt_rows[p->prompt];
    put_field(o, row->id);
    put_field(o, row->relation);
    put_field(o, row->question);
    ken_out_puts(o, "\"");
    for (int i = 0; i < row->n_answers; i++) {
        if (i > 0) ken_out_puts(o, " | ");
        for (const char *c = row->answers[i]; *c != '\0'; c++)
            ken_out_add(o, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    }
    ken_out_puts(o, "\",");
    const char *text = p->drawn < 0 ? q->text : q->drawn[p->drawn].text;
    while (*text == ' ') text++;
    put_field(o, text);
    ken_out_printf(o, "%s,%d,", p->kind == GREEDY ? "greedy" : "sampled", p->prompt);
    put_field(o, ken_category_name(row->category));
    ken_out_puts(o, "\n");
}

static int collect(ken_scoring *s, picks p[KINDS], uint64_t seed, ken_err *err)
{
    for (size_t i = 0; i < ken_scoring_count(s); i++) {
        ken_accept *a;
        const ken_row *row = ken_scoring_row(s, i, NULL, err);
        if (row == NULL) return err->status;
        if (row->category == KEN_UNLABELLED) continue;
        int rc = ken_rescore_matcher(&s->r, row, &a, err);
        if (rc != KEN_OK) return rc;
        for (int kind = 0; kind < KINDS; kind++) {
            pick x = {.row = i};
            if (pick_one(row, a, kind, seed, &x)) keep(&p[kind], x);
        }
        ken_accept_free(a);
    }
    return KEN_OK;
}

int ken_scoring_audit(ken_scoring *s, size_t n, uint64_t seed, const char *path, size_t *written, ken_err *err)
{
    ken_err own = {0};
    if (err == NULL) err = &own;
    *written = 0;
    const char *method = ken_run_setting(s->run, "method");
    bool sampled = method != NULL && strcmp(method, "sample") == 0;
    picks p[KINDS] = {{.cap = sampled ? n - n / 2 : n}, {.cap = sampled ? n / 2 : 0}};
    if (n == 0 || n > 1000000) return ken_fail(err, KEN_EUSAGE, "an audit sheet has 1 to 1000000 answers");
    const char *what = ken_file_precious(path);
    if (what != NULL)
        return ken_fail(err, KEN_EUSAGE, "%s: %s stands there and is not replaced; name another file", path, what);
    pick *all = ken_alloc(n, sizeof *all);
    if (all == NULL) return ken_fail_nomem(err, "audit sheet");
    p[GREEDY].all = all;
    p[SAMPLED].all = all + p[GREEDY].cap;
    ken_out *o = NULL;
    int rc = collect(s, p, seed, err);
    if (rc == KEN_OK && p[GREEDY].n + p[SAMPLED].n == 0)
        rc = ken_fail(err, KEN_EUSAGE, "no rejected answer is stored; there is nothing to check%s",
                      ken_run_setting(s->run, "texts") != NULL && strcmp(ken_run_setting(s->run, "texts"), "no") == 0
                          ? " (--no-texts)"
                          : "");
    if (rc == KEN_OK) rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) {
        ken_free(all);
        return rc;
    }
    memmove(all + p[GREEDY].n, p[SAMPLED].all, p[SAMPLED].n * sizeof *all);
    size_t m = p[GREEDY].n + p[SAMPLED].n;
    qsort(all, m, sizeof *all, by_place);
    ken_out_puts(o, "id,relation,question,answers,prediction,decoding,prompt,category,verdict\n");
    for (size_t i = 0; i < m && rc == KEN_OK; i++) {
        const ken_row *row = ken_scoring_row(s, all[i].row, NULL, err);
        if (row == NULL) rc = err->status;
        else put_line(o, row, &all[i]);
    }
    int closed = ken_out_close(o, rc == KEN_OK, rc == KEN_OK ? err : NULL);
    ken_free(all);
    if (rc == KEN_OK) rc = closed;
    if (rc == KEN_OK) *written = m;
    return rc;
}
