/* audit.c - a sheet of rejected answers to check by hand (ken_scoring_audit): what share of them is right after all? Gekhman et al. 2024,
 * Table 6: of 100, 90 wrong, 6 paraphrases, 2 of higher and 2 of lower granularity.
 *
 * The draw is a function of seed and row id: each row gets a number for each kind of answer, and the lowest numbers win. So it is facts that
 * are as likely as each other, and then the rejected answers of a fact; audited.c weights them accordingly. What is done to the sheet is a person's
 * work: a file that holds any is never replaced. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/out.h"
#include "base/rng.h"
#include "study/audit_sheet.h"
#include <stdlib.h>
#include <string.h>

const char *const ken_sheet_names[KEN_SHEET_COLUMNS] = {
    [KEN_SHEET_ID] = "id",           [KEN_SHEET_RELATION] = "relation",     [KEN_SHEET_QUESTION] = "question",
    [KEN_SHEET_ANSWERS] = "answers", [KEN_SHEET_PREDICTION] = "prediction", [KEN_SHEET_DECODING] = "decoding",
    [KEN_SHEET_PROMPT] = "prompt",   [KEN_SHEET_CATEGORY] = "category",     [KEN_SHEET_MATCHER] = "matcher",
    [KEN_SHEET_VERDICT] = "verdict",
};
const char *const ken_audit_kind_names[KEN_AUDIT_KINDS] = {
    [KEN_AUDIT_GREEDY] = "greedy", [KEN_AUDIT_SAMPLED] = "sampled"};

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

static void add_if_lowest(picks *p, pick x)
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

uint64_t ken_sheet_rejected(const ken_scoring *s, const ken_accept *a, const ken_prompt_row *q, int drawn)
{
    if (drawn < 0)
        return q->text != NULL && !q->greedy_hit; /* of an answer whose text is there the verdict is certain */
    const ken_drawn *d = &q->drawn[drawn];
    if (d->text == NULL || d->count <= 0) return 0;
    /* Without a table of other names, what the run says: with em-alias it may have known some. */
    bool as_in_run = s->r.aliases == NULL && strcmp(s->r.run.name, s->r.to.matcher.name) == 0;
    bool hit = as_in_run ? d->hit : ken_accept_matches(a, d->text, strlen(d->text));
    return hit ? 0 : (uint64_t)d->count;
}

const char *ken_sheet_text(const ken_prompt_row *q, int drawn)
{
    const char *text = drawn < 0 ? q->text : q->drawn[drawn].text;
    while (*text == ' ') text++;
    return text;
}

void ken_sheet_answers(ken_buf *b, const ken_row *row)
{
    for (int i = 0; i < row->n_answers; i++) {
        if (i > 0) ken_buf_puts(b, " | ");
        ken_buf_puts(b, row->answers[i]);
    }
}

/* One rejected answer of the row, each of the prompts (of the samples) being as likely; false when there is none. */
static bool pick_one(const ken_scoring *s, const ken_row *row, const ken_accept *a, int kind, uint64_t seed, pick *out)
{
    uint64_t n = 0, want;
    bool greedy = kind == KEN_AUDIT_GREEDY;
    for (int pass = 0; pass < 2; pass++) {
        want = pass == 0 ? UINT64_MAX
                         : (uint64_t)(ken_uniform(seed, row->id, strlen(row->id), 3, (uint32_t)kind, 0) * (double)n);
        n = 0;
        for (int i = 0; i < row->n_prompt_rows; i++) {
            const ken_prompt_row *q = &row->prompt_rows[i];
            for (int j = greedy ? -1 : 0; j < (greedy ? 0 : q->n_drawn); j++) {
                uint64_t count = ken_sheet_rejected(s, a, q, j);
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

/* ---- the file -------------------------------------------------------------------------------------------------------- */

static void put_field(ken_out *o, const char *s)
{
    ken_out_puts(o, "\"");
    if (*s != '\0' && strchr("=+-@\t\r", *s) != NULL)
        ken_out_puts(o, "'"); /* so that no spreadsheet takes it for a formula */
    for (const char *quote; (quote = strchr(s, '"')) != NULL; s = quote + 1) {
        ken_out_add(o, s, (size_t)(quote - s));
        ken_out_puts(o, "\"\"");
    }
    ken_out_puts(o, s);
    ken_out_puts(o, "\",");
}

static int put_line(ken_out *o, const ken_scoring *s, const ken_row *row, const pick *p, ken_err *err)
{
    ken_buf answers = {0};
    ken_sheet_answers(&answers, row);
    put_field(o, row->id);
    put_field(o, row->relation);
    put_field(o, row->question);
    put_field(o, ken_buf_str(&answers));
    put_field(o, ken_sheet_text(&row->prompt_rows[p->prompt], p->drawn));
    ken_out_printf(o, "%s,%d,", ken_audit_kind_names[p->kind], p->prompt);
    put_field(o, ken_category_name(row->category));
    put_field(o, ken_scoring_matcher(s));
    ken_out_puts(o, "\n"); /* the verdict */
    bool failed = answers.failed;
    ken_buf_free(&answers);
    return failed ? ken_fail_nomem(err, "audit sheet") : KEN_OK;
}

/* KEN_OK when there is nothing at path, or a sheet in which no verdict has been entered yet. */
static int check_replaceable(const char *path, ken_err *err)
{
    const char *what = ken_file_protected(path);
    ken_sheet old = {0};
    ken_err why = {0};
    ken_map map;
    if (what != NULL)
        return ken_fail(err, KEN_EUSAGE, "%s: it holds %s, which is not replaced; name another file", path, what);
    if (!ken_is_file(path)) return KEN_OK;
    int rc = ken_map_file(&map, path, err);
    if (rc != KEN_OK) return rc;
    if (map.size > 0) rc = ken_sheet_parse(&old, path, (const char *)map.data, map.size, &why);
    ken_unmap(&map);
    if (rc == KEN_EINPUT)
        rc = ken_fail(err, KEN_EUSAGE, "%s exists and is not a sheet that can be replaced (%s); name another file",
                      path, why.msg);
    else if (rc != KEN_OK) rc = ken_fail(err, rc, "%s", why.msg);
    else if (old.judged > 0)
        rc = ken_fail(err, KEN_EUSAGE,
                      "%s holds %llu verdict%s, which a new sheet would replace; name another file, or remove it", path,
                      (unsigned long long)old.judged, old.judged == 1 ? "" : "s");
    ken_sheet_free(&old);
    return rc;
}

static int collect(ken_scoring *s, picks p[KEN_AUDIT_KINDS], uint64_t seed, ken_err *err)
{
    for (size_t i = 0; i < ken_scoring_count(s); i++) {
        ken_golds g;
        const ken_row *row = ken_scoring_row(s, i, NULL, err);
        if (row == NULL) return err->status;
        if (row->category == KEN_UNLABELLED) continue;
        int rc = ken_rescore_golds(&s->r, row, &g, err);
        for (int kind = 0; kind < KEN_AUDIT_KINDS && rc == KEN_OK; kind++) {
            pick x = {.row = i};
            if (pick_one(s, row, g.accept, kind, seed, &x)) add_if_lowest(&p[kind], x);
        }
        ken_golds_free(&g);
        if (rc != KEN_OK) return rc;
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
    picks p[KEN_AUDIT_KINDS] = {{.cap = sampled ? n - n / 2 : n}, {.cap = sampled ? n / 2 : 0}};
    if (n == 0 || n > KEN_SHEET_MOST)
        return ken_fail(err, KEN_EUSAGE, "an audit sheet has 1 to %d answers", KEN_SHEET_MOST);
    int rc = check_replaceable(path, err);
    if (rc != KEN_OK) return rc;
    pick *all = ken_alloc(n, sizeof *all);
    if (all == NULL) return ken_fail_nomem(err, "audit sheet");
    picks *greedy = &p[KEN_AUDIT_GREEDY], *drawn = &p[KEN_AUDIT_SAMPLED];
    greedy->all = all;
    drawn->all = all + greedy->cap;
    ken_out *o = NULL;
    rc = collect(s, p, seed, err);
    if (rc == KEN_OK && greedy->n + drawn->n == 0)
        rc = ken_fail(err, KEN_EUSAGE, "no rejected answer is stored; there is nothing to check%s",
                      ken_run_setting(s->run, "texts") != NULL && strcmp(ken_run_setting(s->run, "texts"), "no") == 0
                          ? ": the run was made without texts"
                          : "");
    if (rc == KEN_OK) rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) {
        ken_free(all);
        return rc;
    }
    memmove(all + greedy->n, drawn->all, drawn->n * sizeof *all);
    size_t m = greedy->n + drawn->n;
    qsort(all, m, sizeof *all, by_place);
    for (int i = 0; i < KEN_SHEET_COLUMNS; i++) ken_out_printf(o, "%s%s", i > 0 ? "," : "", ken_sheet_names[i]);
    ken_out_puts(o, "\n");
    for (size_t i = 0; i < m && rc == KEN_OK; i++) {
        const ken_row *row = ken_scoring_row(s, all[i].row, NULL, err);
        rc = row == NULL ? err->status : put_line(o, s, row, &all[i], err);
    }
    int closed = ken_out_close(o, rc == KEN_OK, rc == KEN_OK ? err : NULL);
    ken_free(all);
    if (rc == KEN_OK) rc = closed;
    if (rc == KEN_OK) *written = m;
    return rc;
}
