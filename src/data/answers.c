/* answers.c - see answers.h. */
#include "data/answers.h"
#include "text/accept.h"
#include <string.h>

const char *ken_answer_field(const json_t *row, const char *named)
{
    if (named != NULL) return named;
    if (json_object_get(row, "answers") != NULL) return "answers";
    bool arc = json_object_get(row, "answer") == NULL && json_object_get(row, "choices") != NULL &&
               json_object_get(row, "answerKey") != NULL;
    return arc ? "answerKey" : "answer";
}

/* ---- lists as text ---------------------------------------------------------------------------------------------------- */

static size_t count_words(const char *s, size_t n)
{
    size_t words = 0;
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        bool space = s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r';
        words += !space && !inside;
        inside = !space;
    }
    return words;
}

typedef enum parting { NOT_PARTED, SHORT_PARTS, ODD_PARTS, LONG_TEXT } parting;

/* What the mark makes of the text: nothing between two marks, or brackets that it tears apart, are odd (|x|, P(A|B)); a sentence with a mark is no list. */
static parting parts(const char *s, size_t n, char mark)
{
    bool odd = false, many = false;
    for (const char *p = s, *end = s + n; p <= end;) {
        const char *to = memchr(p, mark, (size_t)(end - p));
        int open = 0;
        many |= to != NULL;
        if (to == NULL) to = end;
        for (const char *c = p; c < to; c++) {
            open += strchr("([{", *c) != NULL && *c != '\0';
            open -= strchr(")]}", *c) != NULL && *c != '\0';
        }
        size_t words = count_words(p, (size_t)(to - p));
        if (words > KEN_SHORT_ANSWER || memchr(p, '\n', (size_t)(to - p)) != NULL) return LONG_TEXT;
        bool last = to == end && mark == ';' && many; /* "a; b;" */
        odd |= open != 0 || (words == 0 && !last);
        p = to + 1;
    }
    return !many ? NOT_PARTED : odd ? ODD_PARTS : SHORT_PARTS;
}

typedef struct scan {
    ken_answer_column *c;
    const char *answer_field;
} scan;

static int scan_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    scan *t = ctx;
    (void)place, (void)err;
    const json_t *choices = json_object_get(row, "choices");
    const ken_field f = {row, "", line, ken_answer_field(row, t->answer_field), NULL, 0};
    const json_t *v = ken_field_value(&f);
    if (!json_is_string(v) || (choices != NULL && !json_is_null(choices))) return KEN_OK;
    const char *s = json_string_value(v);
    const size_t n = json_string_length(v);
    t->c->rows++;
    if (s[0] == '[' || s[0] == '(' || s[0] == '{') return KEN_OK; /* a list of another kind */
    parting bar = parts(s, n, '|');
    t->c->bars += bar == SHORT_PARTS;
    t->c->odd_bars += bar == ODD_PARTS;
    t->c->semicolons += parts(s, n, ';') == SHORT_PARTS;
    return KEN_OK;
}

int ken_answers_scan(ken_answer_column *c, const ken_source *s, char delimiter, const char *answer_field, ken_err *err)
{
    *c = (ken_answer_column){0};
    if (memchr(s->text, '|', s->n) == NULL && memchr(s->text, ';', s->n) == NULL) return KEN_OK;
    scan t = {c, answer_field};
    ken_source copy = *s;
    copy.skip_bad = true;
    int rc = ken_text_rows(&copy, delimiter, scan_row, &t, NULL);
    return rc == KEN_ENOMEM ? ken_fail_nomem(err, "answers") : KEN_OK;
}

static bool by_semicolon(const ken_answer_column *c) { return c->semicolons > c->rows - c->semicolons; }

/* The mark that parts this text, or 0. */
static int mark_of(const ken_answer_column *c, const ken_field *f, char *mark, ken_err *err)
{
    const json_t *v = ken_field_value(f);
    const char *s = json_string_value(v);
    const size_t n = json_string_length(v);
    char shown[60];
    *mark = 0;
    if (s == NULL || c->rows == 0 || s[0] == '[' || s[0] == '(' || s[0] == '{') return KEN_OK;
    parting bar = parts(s, n, '|');
    if (bar == SHORT_PARTS || bar == ODD_PARTS) {
        *mark = '|';
        if (c->odd_bars == 0) return KEN_OK;
        return ken_fail(err, KEN_EINPUT,
                        "%s:%d: field \"%s\" is \"%s\": it is not clear whether | parts several answers; write a list, "
                        "[\"...\"] for one answer, [\"...\", \"...\"] for several",
                        f->path, f->line, f->name, ken_printable(shown, sizeof shown, s, n));
    }
    if (by_semicolon(c) && parts(s, n, ';') == SHORT_PARTS) *mark = ';';
    return KEN_OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static bool has_other_names(const ken_field *answer)
{
    const json_t *v = json_object_get(answer->row, "aliases");
    const char *dot = strrchr(answer->name, '.');
    if (strcmp(dot != NULL ? dot + 1 : answer->name, "aliases") == 0) return false;
    if (json_is_string(v)) return !ken_is_blank(json_string_value(v), json_string_length(v));
    return v != NULL && !json_is_null(v) && (!json_is_array(v) || json_array_size(v) > 0);
}

/* Adds the names that are not among the answers yet. */
static int add_names(const ken_field *f, ken_arena *a, const char *const **list, int *n, ken_err *err)
{
    const char *const *names;
    int m = 0, all = *n;
    int rc = ken_field_list(f, false, a, &names, &m, err);
    if (rc != KEN_OK) return rc;
    if (m > KEN_MAX_ANSWERS - *n)
        return ken_fail(err, KEN_EINPUT, "%s:%d: more than %d answers and aliases", f->path, f->line, KEN_MAX_ANSWERS);
    const char **both = ken_arena_calloc(a, (size_t)all + (size_t)m, sizeof *both);
    if (both == NULL) return ken_fail_nomem(err, "answers");
    memcpy(both, *list, (size_t)all * sizeof *both);
    for (int i = 0; i < m; i++) {
        bool there = false;
        for (int k = 0; k < *n && !there; k++) there = strcmp((*list)[k], names[i]) == 0;
        if (!there) both[all++] = names[i];
    }
    *list = both;
    *n = all;
    return KEN_OK;
}

int ken_answers_read(ken_answer_column *c, const ken_field *answer, ken_arena *a, const char *const **list, int *n,
                     ken_err *err)
{
    ken_field f = *answer;
    int rc = mark_of(c, &f, &f.part, err);
    if (rc == KEN_OK) rc = ken_field_list(&f, false, a, list, n, err);
    if (rc != KEN_OK || !has_other_names(answer)) return rc;
    int before = *n;
    ken_field names = {answer->row, answer->path, answer->line, "aliases", NULL, 0};
    rc = mark_of(c, &names, &names.part, err);
    if (rc == KEN_OK) rc = add_names(&names, a, list, n, err);
    c->aliased += rc == KEN_OK && *n > before;
    return rc;
}

bool ken_answers_note(const ken_answer_column *c, int i, const char *path, char *out, size_t size)
{
    const bool semicolons = c->semicolons > 0;
    const bool say[] = {c->bars > 0 && c->odd_bars == 0, semicolons && by_semicolon(c), semicolons && !by_semicolon(c),
                        c->aliased > 0};
    for (int k = 0; k < 4; k++) {
        if (!say[k] || i-- > 0) continue;
        if (k == 0)
            snprintf(out, size, "%s: | parts the accepted answers of a row, as in %zu of %zu", path, c->bars, c->rows);
        else if (k == 1)
            snprintf(out, size, "%s: ; parts the accepted answers of a row, as in %zu of %zu", path, c->semicolons,
                     c->rows);
        else if (k == 2)
            snprintf(
                out, size,
                "%s: a ; in an answer is part of it, for only %zu of %zu have one; write a list where it parts several",
                path, c->semicolons, c->rows);
        else
            snprintf(out, size, "%s: names in the field \"aliases\" are accepted like answers, in %zu row%s", path,
                     c->aliased, c->aliased == 1 ? "" : "s");
        return true;
    }
    return false;
}

bool ken_rows_have_sentences(const ken_example *rows, size_t n, size_t *with_sentences)
{
    *with_sentences = 0;
    size_t asked = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_choices > 0) continue;
        asked++;
        *with_sentences += ken_answers_are_sentences(rows[i].answers, rows[i].n_answers);
    }
    return *with_sentences > asked - *with_sentences;
}
