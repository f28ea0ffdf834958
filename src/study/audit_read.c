/* audit_read.c - a sheet of rejected answers, read back from whatever a spreadsheet has made of it; see audit_sheet.h. What the lines mean for a run
 * is audited.c.
 *
 * The data layer reads the records. Here are the columns, which may have been moved, and the verdicts, which a person has typed. */
#include "base/alloc.h"
#include "data/rows.h"
#include "study/audit_sheet.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = -1, LONGEST_VERDICT = 64 };

static const char *const verdict_names[KEN_AUDIT_VERDICTS] = {
    [KEN_AUDIT_WRONG] = "wrong",
    [KEN_AUDIT_PARAPHRASE] = "paraphrase",
    [KEN_AUDIT_HIGHER] = "higher granularity",
    [KEN_AUDIT_LOWER] = "lower granularity",
};

static const char separators[] = {',', ';', '\t'};

const char *ken_audit_verdict_name(int verdict)
{
    return verdict >= 0 && verdict < KEN_AUDIT_VERDICTS ? verdict_names[verdict] : NULL;
}

/* ---- cells ------------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c != '\0' && strchr(" \t\r\n", c) != NULL; }

static void trim_space(const char **s, size_t *n)
{
    while (*n > 0 && is_blank(**s)) ++*s, --*n;
    while (*n > 0 && is_blank((*s)[*n - 1])) --*n;
}

/* The apostrophe is the writer's guard against formulas, or the text's own, which some programs take for such a guard. */
void ken_sheet_trim(const char **s, size_t *n)
{
    trim_space(s, n);
    if (*n == 0 || **s != '\'') return;
    ++*s, --*n;
    trim_space(s, n);
}

bool ken_sheet_same(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), i = 0, j = 0;
    ken_sheet_trim(&a, &n);
    ken_sheet_trim(&b, &m);
    while (i < n && j < m) {
        char x = a[i++], y = b[j++];
        if (x == '\r') { /* a line end, whoever wrote it */
            x = '\n';
            i += i < n && a[i] == '\n';
        }
        if (y == '\r') {
            y = '\n';
            j += j < m && b[j] == '\n';
        }
        if (x != y) return false;
    }
    return i == n && j == m;
}

/* Lower case, hyphens and the like as one space, a full stop at the end cut off. False when it is longer than any verdict. */
static bool plain_word(const char *s, size_t n, char out[LONGEST_VERDICT])
{
    size_t len = 0;
    ken_sheet_trim(&s, &n);
    if (n > 0 && s[n - 1] == '.') n--;
    for (size_t i = 0; i < n; i++) {
        bool gap = is_blank(s[i]) || s[i] == '-' || s[i] == '_';
        if (gap && len > 0 && out[len - 1] == ' ') continue;
        if (len + 1 == LONGEST_VERDICT) return false;
        out[len++] = gap ? ' ' : (char)tolower((unsigned char)s[i]);
    }
    out[len] = '\0';
    return true;
}

/* The names begin with four letters, so that every beginning of one is clear. NONE when it is none of them. */
static int verdict_of(const char *s)
{
    char word[LONGEST_VERDICT];
    if (!plain_word(s, strlen(s), word) || word[0] == '\0') return NONE;
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++)
        if (strncmp(verdict_names[v], word, strlen(word)) == 0) return v;
    return NONE;
}

/* ---- columns ----------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    ken_sheet *s;
    bool header;                   /* was read */
    int column[KEN_SHEET_COLUMNS]; /* where in a record; NONE */
    size_t known;                  /* columns of ours, when only the header is looked at */
} reader;

static int column_of(const ken_cell *f)
{
    char word[LONGEST_VERDICT];
    if (!plain_word(f->s, f->n, word)) return NONE;
    for (int k = 0; k < KEN_SHEET_COLUMNS; k++)
        if (strcmp(word, ken_sheet_names[k]) == 0) return k;
    return NONE;
}

static bool all_empty(const ken_cell *field, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *s = field[i].s;
        size_t len = field[i].n;
        trim_space(&s, &len);
        if (len > 0) return false;
    }
    return true;
}

/* Ends with the first record that is not empty: how many of its columns are ours? */
static int count_known(void *ctx, const ken_cell *field, size_t n, int line, ken_err *err)
{
    reader *r = ctx;
    (void)line, (void)err;
    if (all_empty(field, n)) return KEN_OK;
    for (size_t i = 0; i < n; i++) r->known += column_of(&field[i]) != NONE;
    return KEN_ESTOP;
}

/* Nothing in our columns: what is left of deleted rows, and what people write beside or below a table. */
static bool not_ours(const reader *r, const ken_cell *field, size_t n)
{
    for (int k = 0; k < KEN_SHEET_COLUMNS; k++)
        if (r->column[k] != NONE && (size_t)r->column[k] < n && !all_empty(&field[r->column[k]], 1)) return false;
    return true;
}

static bool must_be_there(int column)
{
    return column == KEN_SHEET_ID || column == KEN_SHEET_PREDICTION || column == KEN_SHEET_DECODING ||
           column == KEN_SHEET_PROMPT || column == KEN_SHEET_VERDICT;
}

static int read_header(reader *r, const ken_cell *field, size_t n, int line, ken_err *err)
{
    r->header = true;
    for (int k = 0; k < KEN_SHEET_COLUMNS; k++) r->column[k] = NONE;
    for (size_t i = 0; i < n; i++) {
        int k = column_of(&field[i]);
        if (k == NONE) continue;
        if (r->column[k] != NONE)
            return ken_fail(err, KEN_EINPUT, "%s:%d: two columns are named %s (%d and %zu); which one counts?",
                            r->s->path, line, ken_sheet_names[k], r->column[k] + 1, i + 1);
        r->column[k] = (int)i;
    }
    for (int k = 0; k < KEN_SHEET_COLUMNS; k++) {
        char first[60] = "";
        if (r->column[k] != NONE || !must_be_there(k)) continue;
        if (n > 0) ken_printable(first, sizeof first, field[0].s, field[0].n);
        return ken_fail(err, KEN_EINPUT,
                        "%s:%d: column \"%s\" is missing (%zu columns, the first is \"%s\"); the first line of a sheet "
                        "of `ken_scoring_audit` names id, prediction, decoding, prompt, verdict and others, "
                        "separated by commas, semicolons or tabs",
                        r->s->path, line, ken_sheet_names[k], n, first);
    }
    return KEN_OK;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

static int wrong_cell(const reader *r, const ken_sheet_line *l, int column, const char *expected, ken_err *err)
{
    char shown[80];
    const char *s = l->cell[column];
    return ken_fail(err, KEN_EINPUT, "%s:%d: %s is \"%s\"; expected %s", r->s->path, l->line, ken_sheet_names[column],
                    ken_printable(shown, sizeof shown, s, strlen(s)), expected);
}

static int interpret(const reader *r, ken_sheet_line *l, ken_err *err)
{
    char word[LONGEST_VERDICT];
    const char *decoding = l->cell[KEN_SHEET_DECODING], *prompt = l->cell[KEN_SHEET_PROMPT];
    l->kind = NONE;
    for (int k = 0; k < KEN_AUDIT_KINDS && plain_word(decoding, strlen(decoding), word); k++)
        if (strcmp(word, ken_audit_kind_names[k]) == 0) l->kind = k;
    if (l->kind == NONE) return wrong_cell(r, l, KEN_SHEET_DECODING, "greedy or sampled, as the sheet had it", err);
    char *end;
    errno = 0;
    long n = strtol(prompt, &end, 10);
    if (*end == '.') end += 1 + strspn(end + 1, "0"); /* 3.0: a table of numbers with holes */
    if (*prompt < '0' || *prompt > '9' || *end != '\0' || errno != 0 || n > INT32_MAX)
        return wrong_cell(r, l, KEN_SHEET_PROMPT, "the number of a prompt, as the sheet had it", err);
    l->prompt = (int)n;
    l->verdict = NONE;
    if (l->cell[KEN_SHEET_VERDICT][0] == '\0') return KEN_OK;
    l->verdict = verdict_of(l->cell[KEN_SHEET_VERDICT]);
    if (l->verdict == NONE)
        return wrong_cell(r, l, KEN_SHEET_VERDICT,
                          "wrong, paraphrase, higher granularity or lower granularity (w, p, h, l), or nothing where "
                          "there is no verdict yet",
                          err);
    r->s->judged++;
    return KEN_OK;
}

static int read_record(void *ctx, const ken_cell *field, size_t n, int line, ken_err *err)
{
    reader *r = ctx;
    ken_sheet *s = r->s;
    if (!r->header) return all_empty(field, n) ? KEN_OK : read_header(r, field, n, line, err);
    if (not_ours(r, field, n)) return KEN_OK;
    if (s->n == KEN_SHEET_MOST)
        return ken_fail(err, KEN_EINPUT, "%s:%d: more than %d answers; that is no sheet of `ken_scoring_audit`",
                        s->path, line, KEN_SHEET_MOST);
    if (ken_grow((void **)&s->lines, &s->cap, s->n + 1, sizeof *s->lines) != 0)
        return ken_fail_nomem(err, "audit sheet");
    ken_sheet_line *l = &s->lines[s->n++];
    *l = (ken_sheet_line){.line = line};
    for (int k = 0; k < KEN_SHEET_COLUMNS; k++) {
        if (r->column[k] == NONE) continue;
        bool there = (size_t)r->column[k] < n; /* empty cells at the end may have been left out */
        const char *text = there ? field[r->column[k]].s : "";
        size_t len = there ? field[r->column[k]].n : 0;
        trim_space(&text, &len);
        if (k == KEN_SHEET_ID) ken_sheet_trim(&text, &len);
        if ((l->cell[k] = ken_arena_strndup(&s->arena, text, len)) == NULL) return ken_fail_nomem(err, "audit sheet");
    }
    return interpret(r, l, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

static int read_source(ken_sheet *s, ken_source *from, ken_err *err)
{
    char best = separators[0];
    size_t most = 0;
    for (size_t i = 0; i < sizeof separators; i++) {
        reader look = {.s = s};
        int rc = ken_csv_records(from, separators[i], count_known, &look, NULL);
        if (rc == KEN_ENOMEM) return ken_fail_nomem(err, "audit sheet");
        if (look.known <= most) continue; /* errors in the file are reported by the real reading */
        most = look.known;
        best = separators[i];
    }
    reader r = {.s = s};
    int rc = ken_csv_records(from, best, read_record, &r, err);
    if (rc == KEN_OK && !r.header)
        rc =
            ken_fail(err, KEN_EINPUT, "%s: nothing but separators; a sheet has a line that names its columns", s->path);
    return rc;
}

int ken_sheet_parse(ken_sheet *s, const char *path, const char *text, size_t n, ken_err *err)
{
    ken_source from;
    *s = (ken_sheet){.path = path};
    int rc = ken_source_memory(&from, path, text, n, err);
    if (rc == KEN_OK) rc = read_source(s, &from, err);
    return rc;
}

int ken_sheet_read(ken_sheet *s, const char *path, ken_err *err)
{
    ken_source from;
    *s = (ken_sheet){.path = path};
    int rc = ken_source_open(&from, path, err);
    if (rc == KEN_OK) rc = read_source(s, &from, err);
    ken_source_close(&from);
    return rc;
}

void ken_sheet_free(ken_sheet *s)
{
    ken_arena_free(&s->arena);
    ken_free(s->lines);
    *s = (ken_sheet){0};
}
