/* choices.c - see choices.h. */
#include "data/choices.h"
#include "data/answers.h"
#include "data/clean.h"
#include <stdio.h>
#include <string.h>

enum { BY_TEXT, BY_LETTER, FROM_0, FROM_1, N_WAYS };
enum { ALL_WAYS = (1 << N_WAYS) - 1, MIN_CHOICES = 2, MAX_CHOICES = 26 };

static const char *const way_names[N_WAYS] = {"the text of", "the letter of", "the index from 0 of",
                                              "the index from 1 of"};

/* The options of a row, and what its answer says, as text. */
typedef struct question {
    const char *const *option; /* (n) */
    int n;
    const char *const *label; /* (n) of ARC, {"text": [...], "label": [...]}; else NULL */
    char digits[32];
    const char *s; /* (len) the answer */
    size_t len;
    bool number, numbers; /* the answer is a JSON number; so are all options */
} question;

/* ---- one row -------------------------------------------------------------------------------------------------------- */

static int read_options(question *q, const ken_field *choices, ken_arena *a, ken_err *err)
{
    const json_t *v = json_object_get(choices->row, choices->name);
    ken_field part = *choices;
    if (!json_is_object(v) || json_object_get(v, "text") == NULL || json_object_get(v, "label") == NULL) {
        q->numbers = json_array_size(v) > 0;
        for (size_t i = 0; i < json_array_size(v); i++) q->numbers &= json_is_number(json_array_get(v, i));
        return ken_field_list(choices, true, a, &q->option, &q->n, err);
    }
    int labels = 0;
    part.row = v;
    part.name = "text";
    int rc = ken_field_list(&part, true, a, &q->option, &q->n, err);
    part.name = "label";
    if (rc == KEN_OK) rc = ken_field_list(&part, true, a, &q->label, &labels, err);
    if (rc == KEN_OK && labels != q->n)
        rc = ken_fail(err, KEN_EINPUT, "%s:%d: field \"choices\" has %d texts and %d labels", choices->path,
                      choices->line, q->n, labels);
    return rc;
}

static int read_question(question *q, const ken_field *answer, ken_arena *a, ken_err *err)
{
    const ken_field choices = {answer->row, answer->path, answer->line, "choices", NULL};
    const json_t *v = json_object_get(answer->row, answer->name);
    *q = (question){0};
    int rc = read_options(q, &choices, a, err);
    if (rc != KEN_OK) return rc;
    if (q->n < MIN_CHOICES || q->n > MAX_CHOICES)
        return ken_fail(err, KEN_EINPUT, "%s:%d: field \"choices\" has %d entries; %d to %d are expected", choices.path,
                        choices.line, q->n, MIN_CHOICES, MAX_CHOICES);
    if (v == NULL) return ken_field_missing(answer, err);
    q->number = json_is_number(v);
    if (q->number) {
        q->len = (size_t)snprintf(q->digits, sizeof q->digits, "%.17g", json_number_value(v));
        q->s = q->digits;
    } else if (json_is_string(v)) {
        q->s = json_string_value(v);
        q->len = ken_trim_invisible(&q->s, json_string_length(v));
    } else q->s = "";
    return KEN_OK;
}

static int option_called(const question *q, const char *const *names)
{
    for (int i = 0; i < q->n; i++) {
        const char *s = names[i];
        size_t len = ken_trim_invisible(&s, strlen(s));
        if (len == q->len && memcmp(s, q->s, len) == 0) return i;
    }
    return -1;
}

/* A whole number, also as pandas writes those of a column with gaps (2.0); -1 for other text. */
static int whole_number(const char *s, size_t n)
{
    if (n > 2 && s[n - 2] == '.' && s[n - 1] == '0') n -= 2;
    int x = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || n > 2) return -1;
        x = 10 * x + (s[i] - '0');
    }
    return n > 0 ? x : -1;
}

/* Which option the answer names in this way; -1 = none. */
static int place_by(const question *q, int way)
{
    int x = -1;
    if (way == BY_TEXT) return q->number && !q->numbers ? -1 : option_called(q, q->option);
    if (way == FROM_0 || way == FROM_1) x = whole_number(q->s, q->len) - (way == FROM_1);
    else if (q->len == 1 && q->s[0] >= 'A' && q->s[0] <= 'Z') x = q->s[0] - 'A';
    else if (q->len == 1 && q->s[0] >= 'a' && q->s[0] <= 'z') x = q->s[0] - 'a';
    return x >= 0 && x < q->n ? x : -1;
}

/* ---- the column ----------------------------------------------------------------------------------------------------- */

typedef struct scan {
    ken_choice_column *c;
    const ken_data_options *o;
    ken_arena arena; /* of one row */
} scan;

static int scan_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    scan *t = ctx;
    (void)place, (void)err;
    const json_t *choices = json_object_get(row, "choices"), *relation = json_object_get(row, "relation");
    if (choices == NULL || json_is_null(choices)) return KEN_OK;
    const ken_field answer = {row, "", line, ken_answer_field(row, t->o->answer_field), NULL};
    const ken_field asks = {row, "", line, t->o->question_field != NULL ? t->o->question_field : "question", NULL};
    const char *asked;
    size_t n;
    question q;
    unsigned fits = 0;
    int rc = ken_field_text(&asks, &asked, &n, NULL);
    if (rc == KEN_OK) rc = read_question(&q, &answer, &t->arena, NULL);
    if (rc == KEN_OK) {
        const char *subject = json_string_value(json_object_get(row, "subject"));
        t->c->rows++;
        t->c->named += subject == NULL || strstr(asked, subject) != NULL;
        t->c->relation |= relation != NULL && !json_is_null(relation);
        for (int way = 0; way < N_WAYS && q.label == NULL; way++)
            if (place_by(&q, way) >= 0) fits |= 1u << way;
    }
    /* An answer that fits in no way is a fault of its row, not of the column. */
    if (fits != 0) *(q.number ? &t->c->numbers : &t->c->strings) &= fits;
    ken_arena_reset(&t->arena);
    return rc == KEN_ENOMEM ? rc : KEN_OK;
}

int ken_choices_scan(ken_choice_column *c, const ken_source *s, char delimiter, const ken_data_options *o, ken_err *err)
{
    static const char word[] = "choices";
    *c = (ken_choice_column){.strings = ALL_WAYS, .numbers = ALL_WAYS};
    if (memmem(s->text, s->n, word, sizeof word - 1) == NULL) return KEN_OK;
    scan t = {.c = c, .o = o};
    ken_source copy = *s;
    copy.skip_bad = true;
    int rc = ken_text_rows(&copy, delimiter, scan_row, &t, NULL);
    ken_arena_free(&t.arena);
    return rc == KEN_ENOMEM ? ken_fail_nomem(err, "choices") : KEN_OK;
}

static int refuse(const ken_field *answer, const question *q, int way, int other, ken_err *err)
{
    char said[60], one[60], two[60];
    const char *first = q->option[place_by(q, way)], *second = q->option[place_by(q, other)];
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: field \"%s\" is \"%s\", which may be %s choice \"%s\" or %s choice \"%s\", and the other rows do "
        "not say which; write letters (A, B, ...) in all rows",
        answer->path, answer->line, answer->name, ken_printable(said, sizeof said, q->s, q->len), way_names[way],
        ken_printable(one, sizeof one, first, strlen(first)), way_names[other],
        ken_printable(two, sizeof two, second, strlen(second)));
}

static const char *expected(unsigned ways)
{
    switch (ways) {
    case 1u << BY_TEXT: return "the text of one of the choices, as in other rows,";
    case 1u << BY_LETTER: return "the letter of one of the choices, as in other rows,";
    case 1u << FROM_0: return "the index from 0 of one of the choices, as in other rows,";
    case 1u << FROM_1: return "the index from 1 of one of the choices, as in other rows,";
    default: return "one of the choices, its letter or its index";
    }
}

int ken_choices_read(ken_choice_column *c, const ken_field *answer, ken_arena *a, ken_example *e, ken_err *err)
{
    question q;
    int rc = read_question(&q, answer, a, err);
    if (rc != KEN_OK) return rc;
    c->read++;
    unsigned ways = q.number ? c->numbers : c->strings;
    if (ways == 0) ways = ALL_WAYS;
    e->choices = q.option;
    e->n_choices = q.n;
    e->choice = q.label != NULL ? option_called(&q, q.label) : -1;
    if (q.label != NULL && e->choice < 0) return ken_field_wrong(answer, "one of the labels of the choices", err);
    for (int way = 0, found = -1; way < N_WAYS && q.label == NULL; way++) {
        int place = (ways & 1u << way) != 0 ? place_by(&q, way) : -1;
        if (place < 0) continue;
        if (found >= 0 && place != e->choice) return refuse(answer, &q, found, way, err);
        found = way;
        e->choice = place;
    }
    if (e->choice < 0) return ken_field_wrong(answer, expected(ways), err);
    e->answers = &e->choices[e->choice];
    e->n_answers = 1;
    e->flags |= KEN_FLAG_CHOICE;
    return KEN_OK;
}

bool ken_choices_by_subject(const ken_choice_column *c, const ken_data_options *o)
{
    return o->relation_field == NULL && o->subject_field == NULL && !c->relation && c->named < c->rows - c->named;
}

const char *ken_choices_said(const ken_choice_column *c)
{
    if (c->rows == 0) return NULL;
    if (c->strings == 0 || c->numbers == 0) return "its answers name the right choice now in one way, now in another";
    if (c->strings == 1u << FROM_1 || c->numbers == 1u << FROM_1) return "its answers count the choices from 1";
    return NULL;
}
