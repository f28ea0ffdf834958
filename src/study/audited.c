/* audited.c - what a judged sheet says about the run it was drawn from (ken_scoring_audited; the arithmetic is explained in ken.h).
 *
 * One pass over the run counts what the matcher rejects and compares each line of the sheet with its row. Everything that a line says is
 * compared with the run, for a verdict counts only for the answer that was judged: a line of another run, or one that was edited, ends it. */
#include "base/alloc.h"
#include "base/stats.h"
#include "data/rows.h"
#include "study/audit_sheet.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the judged answers of one kind, by verdict: they stand for w answers each. */
typedef struct weights {
    double sum[KEN_AUDIT_VERDICTS], squares[KEN_AUDIT_VERDICTS];
} weights;

typedef struct audit {
    ken_scoring *scoring;
    ken_sheet sheet;
    ken_sheet_line **by_id; /* (sheet.n) by id, kind, line */
    ken_audited *out;
    weights w[KEN_AUDIT_KINDS];
} audit;

/* ---- the lines in order ------------------------------------------------------------------------------------------------ */

static int by_id(const void *pa, const void *pb)
{
    const ken_sheet_line *a = *(ken_sheet_line *const *)pa, *b = *(ken_sheet_line *const *)pb;
    int x = strcmp(a->cell[KEN_SHEET_ID], b->cell[KEN_SHEET_ID]);
    if (x == 0) x = a->kind - b->kind;
    return x != 0 ? x : a->line < b->line ? -1 : a->line > b->line;
}

/* Sorted by id; no fact has two answers of one kind, for no sheet is written so, and a line that occurs twice would count twice. */
static int sort_lines(audit *x, ken_err *err)
{
    ken_sheet *s = &x->sheet;
    if (s->n == 0) return ken_fail(err, KEN_EINPUT, "%s: no answers below the names of the columns", s->path);
    x->by_id = ken_alloc(s->n, sizeof *x->by_id);
    if (x->by_id == NULL) return ken_fail_nomem(err, "audit sheet");
    for (size_t i = 0; i < s->n; i++) x->by_id[i] = &s->lines[i];
    qsort(x->by_id, s->n, sizeof *x->by_id, by_id);
    for (size_t i = 1; i < s->n; i++) {
        const ken_sheet_line *a = x->by_id[i - 1], *b = x->by_id[i];
        char id[100];
        if (a->kind != b->kind || strcmp(a->cell[KEN_SHEET_ID], b->cell[KEN_SHEET_ID]) != 0) continue;
        return ken_fail(err, KEN_EINPUT,
                        "%s:%d: %s has a %s answer in line %d already; a sheet has one of each fact and kind", s->path,
                        b->line, ken_printable(id, sizeof id, b->cell[KEN_SHEET_ID], strlen(b->cell[KEN_SHEET_ID])),
                        ken_audit_kind_names[b->kind], a->line);
    }
    return KEN_OK;
}

/* The first line of the row, and how many there are. */
static size_t lines_of(const audit *x, const ken_row *row, size_t *first)
{
    const char *id = row->id;
    size_t n = strlen(id), lo = 0, hi = x->sheet.n;
    ken_sheet_trim(&id, &n);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const char *there = x->by_id[mid]->cell[KEN_SHEET_ID];
        int order = strncmp(there, id, n);
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    *first = lo;
    size_t found = 0;
    while (lo + found < x->sheet.n) {
        const char *there = x->by_id[lo + found]->cell[KEN_SHEET_ID];
        if (strncmp(there, id, n) != 0 || there[n] != '\0') break;
        found++;
    }
    return found;
}

/* ---- one line against its row ------------------------------------------------------------------------------------------ */

/* A piece of hostile text for a message, from a little before the byte `at`, where it differs from another. */
static void excerpt(char *out, size_t size, const char *s, size_t at)
{
    size_t n = strlen(s), from = at > 40 ? at - 30 : 0;
    while (from > 0 && from < n && ((unsigned char)s[from] & 0xc0) == 0x80) from++; /* to a whole character */
    if (from > n) from = n;
    size_t dots = from > 0 ? 3 : 0;
    memcpy(out, "...", dots);
    ken_printable(out + dots, size - dots, s + from, n - from);
}

static int differs(const audit *x, const ken_sheet_line *l, int column, const char *in_run, ken_err *err)
{
    char here[90], there[90], id[100];
    const char *a = l->cell[column], *b = in_run, *name = l->cell[KEN_SHEET_ID];
    size_t n = strlen(a), m = strlen(b), at = 0;
    ken_sheet_trim(&a, &n);
    ken_sheet_trim(&b, &m);
    while (at < n && at < m && a[at] == b[at]) at++;
    excerpt(here, sizeof here, a, at);
    excerpt(there, sizeof there, b, at);
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: the %s of %s is \"%s\", and \"%s\" in the run; is this the sheet of another run, or was the "
        "cell changed? (a spreadsheet should read it as UTF-8, all columns as text)",
        x->sheet.path, l->line, ken_sheet_names[column], ken_printable(id, sizeof id, name, strlen(name)), here, there);
}

static int refuse(const audit *x, const ken_sheet_line *l, const char *what, ken_err *err)
{
    char id[100], text[90];
    const char *name = l->cell[KEN_SHEET_ID], *prediction = l->cell[KEN_SHEET_PREDICTION];
    size_t n = strlen(prediction);
    ken_sheet_trim(&prediction, &n);
    return ken_fail(err, KEN_EINPUT, "%s:%d: prompt %d of %s, \"%s\" (%s): %s", x->sheet.path, l->line, l->prompt,
                    ken_printable(id, sizeof id, name, strlen(name)), ken_printable(text, sizeof text, prediction, n),
                    ken_audit_kind_names[l->kind], what);
}

static int check_context(const audit *x, const ken_sheet_line *l, const ken_row *row, ken_err *err)
{
    const struct {
        int column;
        const char *text;
    } cells[] = {{KEN_SHEET_RELATION, row->relation},
                 {KEN_SHEET_QUESTION, row->question},
                 {KEN_SHEET_MATCHER, ken_scoring_matcher(x->scoring)}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (l->cell[cells[i].column] != NULL && !ken_sheet_same(cells[i].text, l->cell[cells[i].column])) {
            if (cells[i].column != KEN_SHEET_MATCHER) return differs(x, l, cells[i].column, cells[i].text, err);
            return ken_fail(err, KEN_EINPUT,
                            "%s:%d: the sheet is of answers that %.40s rejects, and the matcher is %s; read it with "
                            "the options with which it was written (`matcher`)",
                            x->sheet.path, l->line, l->cell[KEN_SHEET_MATCHER], cells[i].text);
        }
    if (l->cell[KEN_SHEET_ANSWERS] == NULL) return KEN_OK;
    ken_buf answers = {0};
    int rc = KEN_OK;
    ken_sheet_answers(&answers, row);
    if (answers.failed) rc = ken_fail_nomem(err, "audit sheet");
    else if (!ken_sheet_same(ken_buf_str(&answers), l->cell[KEN_SHEET_ANSWERS]))
        rc = differs(x, l, KEN_SHEET_ANSWERS, ken_buf_str(&answers), err);
    ken_buf_free(&answers);
    return rc;
}

/* The line is an answer of this row that the matcher rejects, as the sheet was written. */
static int check_line(const audit *x, const ken_sheet_line *l, const ken_row *row, const ken_accept *a, ken_err *err)
{
    const char *prediction = l->cell[KEN_SHEET_PREDICTION];
    int rc = check_context(x, l, row, err);
    if (rc != KEN_OK) return rc;
    if (l->prompt >= row->n_prompt_rows) {
        char what[100];
        snprintf(what, sizeof what, "the fact has %d prompts, counted from 0", row->n_prompt_rows);
        return refuse(x, l, what, err);
    }
    const ken_prompt_row *q = &row->prompt_rows[l->prompt];
    bool greedy = l->kind == KEN_AUDIT_GREEDY, there = false;
    for (int j = greedy ? -1 : 0; j < (greedy ? 0 : q->n_drawn); j++) {
        if ((greedy ? q->text : q->drawn[j].text) == NULL || !ken_sheet_same(ken_sheet_text(q, j), prediction))
            continue;
        there = true;
        if (ken_sheet_rejected(x->scoring, a, q, j) > 0) return KEN_OK;
    }
    if (there)
        return refuse(
            x, l, "the matcher accepts this answer; read the sheet with the options with which it was written", err);
    if (!greedy)
        return refuse(x, l, "no such text was drawn; is this the sheet of another run, or was it changed?", err);
    if (q->text == NULL) return refuse(x, l, "the run holds no greedy answer there", err);
    return differs(x, l, KEN_SHEET_PREDICTION, ken_sheet_text(q, -1), err);
}

/* ---- the pass over the run ----------------------------------------------------------------------------------------------- */

/* Adds the answers of a row to what is known of a kind; *w: the rejected ones that a sheet can hold. */
static void count_answers(const audit *x, const ken_row *row, const ken_accept *a, int kind, uint64_t *w)
{
    ken_audit_missed *m = &x->out->missed[kind];
    uint64_t rejected = 0;
    for (int i = 0; i < row->n_prompt_rows; i++) {
        const ken_prompt_row *q = &row->prompt_rows[i];
        if (kind == KEN_AUDIT_GREEDY) {
            m->answers++;
            m->rejected += !q->greedy_hit;
            rejected += ken_sheet_rejected(x->scoring, a, q, -1);
        }
        for (int j = 0; j < q->n_drawn && kind == KEN_AUDIT_SAMPLED; j++) {
            uint64_t n = ken_sheet_rejected(x->scoring, a, q, j);
            m->answers += q->drawn[j].count > 0 ? (uint64_t)q->drawn[j].count : 0;
            m->rejected += n;
            rejected += n;
        }
    }
    m->stored += rejected;
    *w = rejected;
}

static void add_verdict(audit *x, const ken_sheet_line *l, uint64_t w)
{
    ken_audit_part *parts[] = {&x->out->all, &x->out->kind[l->kind]};
    for (size_t i = 0; i < 2; i++) {
        parts[i]->answers++;
        parts[i]->judged += l->verdict >= 0;
        if (l->verdict >= 0) parts[i]->verdict[l->verdict]++;
    }
    if (l->verdict < 0) return;
    x->w[l->kind].sum[l->verdict] += (double)w;
    x->w[l->kind].squares[l->verdict] += (double)w * (double)w;
}

static int read_row(audit *x, const ken_row *row, ken_err *err)
{
    ken_golds g;
    uint64_t w[KEN_AUDIT_KINDS];
    size_t first, n = lines_of(x, row, &first);
    if (row->category == KEN_UNLABELLED)
        return n > 0 ? refuse(x, x->by_id[first], "the fact has no label in the run", err) : KEN_OK;
    int rc = ken_rescore_golds(&x->scoring->r, row, &g, err);
    for (int kind = 0; kind < KEN_AUDIT_KINDS && rc == KEN_OK; kind++) count_answers(x, row, g.accept, kind, &w[kind]);
    for (size_t i = first; i < first + n && rc == KEN_OK; i++) {
        ken_sheet_line *l = x->by_id[i];
        if (l->found) continue; /* by an id that is the same but for an apostrophe */
        rc = check_line(x, l, row, g.accept, err);
        if (rc == KEN_OK) add_verdict(x, l, w[l->kind]);
        l->found = true;
    }
    ken_golds_free(&g);
    return rc;
}

/* A line that no row has claimed, the first of the file. */
static int check_found(const audit *x, ken_err *err)
{
    for (size_t i = 0; i < x->sheet.n; i++) {
        const ken_sheet_line *l = &x->sheet.lines[i];
        const char *name = l->cell[KEN_SHEET_ID];
        char id[100];
        if (!l->found)
            return ken_fail(
                err, KEN_EINPUT,
                "%s:%d: the run has no fact with the id \"%s\"; is this the sheet of another run? (a "
                "spreadsheet may have made a number or a date of the id; it should read all columns as text)",
                x->sheet.path, l->line, ken_printable(id, sizeof id, name, strlen(name)));
    }
    return KEN_OK;
}

/* ---- shares and their intervals ------------------------------------------------------------------------------------------ */

static void finish_part(ken_audit_part *p)
{
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++) ken_wilson(p->verdict[v], p->judged, &p->lo[v], &p->hi[v]);
}

/* The share of the rejected answers whose verdict is from `first` to `last`; *effective = the n of its interval. */
static ken_audit_share share_of(const weights *w, int first, int last, double *effective)
{
    double sum = 0.0, squares = 0.0, in = 0.0, in_squares = 0.0;
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++) {
        bool counts = v >= first && v <= last;
        sum += w->sum[v];
        squares += w->squares[v];
        in += counts ? w->sum[v] : 0.0;
        in_squares += counts ? w->squares[v] : 0.0;
    }
    *effective = 0.0;
    if (!(sum > 0.0)) return (ken_audit_share){NAN, NAN, NAN};
    double p = in / sum, spread = p * (1.0 - p), most = squares;
    if (spread > 0.0) most = fmax(most, ((1.0 - p) * (1.0 - p) * in_squares + p * p * (squares - in_squares)) / spread);
    *effective = sum * sum / most;
    ken_audit_share s = {.share = p};
    ken_wilson_effective(p * *effective, *effective, &s.lo, &s.hi);
    return s;
}

static ken_audit_share times(ken_audit_share s, double x) { return (ken_audit_share){s.share * x, s.lo * x, s.hi * x}; }

static void finish_missed(ken_audit_missed *m, const weights *w)
{
    double rejected = m->answers > 0 ? (double)m->rejected / (double)m->answers : NAN, unused;
    m->accuracy = m->answers > 0 ? (double)(m->answers - m->rejected) / (double)m->answers : NAN;
    m->right = share_of(w, KEN_AUDIT_PARAPHRASE, KEN_AUDIT_LOWER, &m->effective);
    m->right_paraphrase = share_of(w, KEN_AUDIT_PARAPHRASE, KEN_AUDIT_PARAPHRASE, &unused);
    m->missed = times(m->right, rejected);
    m->missed_paraphrase = times(m->right_paraphrase, rejected);
}

int ken_scoring_audited(ken_scoring *s, const char *path, ken_audited *out, ken_err *err)
{
    ken_err own = {0};
    if (err == NULL) err = &own;
    audit x = {.scoring = s, .out = out};
    *out = (ken_audited){0};
    int rc = ken_sheet_read(&x.sheet, path, err);
    if (rc == KEN_OK) rc = sort_lines(&x, err);
    for (size_t i = 0; i < ken_scoring_count(s) && rc == KEN_OK; i++) {
        const ken_row *row = ken_scoring_row(s, i, NULL, err);
        rc = row != NULL ? read_row(&x, row, err) : err->status;
    }
    if (rc == KEN_OK) rc = check_found(&x, err);
    finish_part(&out->all);
    for (int kind = 0; kind < KEN_AUDIT_KINDS; kind++) {
        finish_part(&out->kind[kind]);
        finish_missed(&out->missed[kind], &x.w[kind]);
    }
    ken_free(x.by_id);
    ken_sheet_free(&x.sheet);
    return rc;
}
