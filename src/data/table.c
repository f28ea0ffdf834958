/* table.c - JSON, CSV and TSV files with any field names, and the one row shape they share with EntityQuestions.
 *
 * A field that the user names must be there in every row; the usual names (id, relation, ...) may be missing. */
#include "data/table.h"
#include "data/clean.h"
#include <string.h>

static const char *pick(const char *named, const char *usual) { return named != NULL ? named : usual; }

static ken_field field(const ken_table *t, const json_t *row, int line, const char *name, const char *setting)
{
    return (ken_field){row, t->s->path, line, name, setting};
}

/* Optional text: NULL when absent, but absent is an error when the user named the field. */
static int optional(const ken_field *f, bool named, const char **s, size_t *n, ken_err *err)
{
    *s = NULL;
    *n = 0;
    if (named && ken_field_value(f) == NULL) return ken_field_missing(f, err);
    return ken_field_text_or_null(f, s, n, err);
}

const char *ken_split_name(const char *s, size_t *n)
{
    *n = ken_trim_invisible(&s, *n);
    static const char *const dev[] = {"validation", "valid", "val"};
    for (size_t i = 0; i < sizeof dev / sizeof *dev; i++)
        if (*n == strlen(dev[i]) && memcmp(s, dev[i], *n) == 0) {
            *n = 3;
            return "dev";
        }
    return s;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int read_answers(ken_table *t, const json_t *row, int line, const char *named, ken_example *e, ken_err *err)
{
    ken_field f = field(t, row, line, ken_answer_field(row, named), "`answer_field`");
    const json_t *choices = json_object_get(row, "choices");
    if (choices != NULL && !json_is_null(choices)) return ken_choices_read(&t->choices, &f, &t->b->d->arena, e, err);
    return ken_answers_read(&t->answers, &f, &t->b->d->arena, &e->answers, &e->n_answers, err);
}

static int read_names(const ken_table *t, const json_t *row, int line, ken_example *e, ken_err *err)
{
    const ken_data_options *o = t->b->o;
    const char *s = NULL;
    size_t n = 0;
    e->relation = t->relation;
    e->split = t->split;
    if (t->relation == NULL) {
        const char *usual = t->by_subject ? "subject" : "relation";
        ken_field f = field(t, row, line, pick(o->relation_field, usual), "`relation_field`");
        int rc = optional(&f, o->relation_field != NULL, &s, &n, err);
        if (rc != KEN_OK) return rc;
        e->relation =
            s == NULL && t->b->relation != NULL ? t->b->relation : ken_builder_intern(t->b, s != NULL ? s : "", n);
    }
    if (t->split == NULL) {
        ken_field f = field(t, row, line, pick(o->split_field, "split"), "`split_field`");
        int rc = optional(&f, o->split_field != NULL, &s, &n, err);
        if (rc != KEN_OK) return rc;
        if (s != NULL) s = ken_split_name(s, &n);
        e->split = s == NULL && t->b->split != NULL ? t->b->split : ken_builder_intern(t->b, s != NULL ? s : "", n);
    }
    return e->relation == NULL || e->split == NULL ? ken_fail_nomem(err, "names") : KEN_OK;
}

/* The question that the relation's template asks about the subject; of LAMA a row may bring its template. */
static int ask_template(ken_table *t, const json_t *row, int line, ken_example *e, ken_err *err)
{
    ken_buf text = {0};
    const char *own = json_string_value(json_object_get(row, "template"));
    bool asked = t->templates != NULL ? ken_templates_ask(t->templates, e->relation, e->subject, &text)
                                      : own != NULL && ken_template_ask(own, e->subject, &text);
    int rc = KEN_OK;
    if (text.failed ||
        (asked && (e->question = ken_arena_strndup(&t->b->d->arena, ken_buf_str(&text), text.len)) == NULL))
        rc = ken_fail_nomem(err, "questions");
    else if (!asked) {
        char relation[60];
        rc = ken_fail(err, KEN_EINPUT,
                      "%s:%d: the row has a subject and no question; say what is asked with `templates`, a file like "
                      "{\"%s\": \"What is the capital of [X]?\"}%s",
                      t->s->path, line, ken_printable(relation, sizeof relation, e->relation, strlen(e->relation)),
                      t->templates != NULL ? " (it has none for this relation)" : "");
    }
    ken_buf_free(&text);
    return rc;
}

/* The subject as the row says it, or as the question does by its template. */
static int read_subject(ken_table *t, const json_t *row, int line, ken_example *e, ken_err *err)
{
    const ken_data_options *o = t->b->o;
    const char *s = NULL;
    size_t n = 0;
    ken_field f = field(t, row, line, pick(o->subject_field, "subject"), "`subject_field`");
    int rc = t->by_subject ? KEN_OK : optional(&f, o->subject_field != NULL, &s, &n, err);
    if (rc != KEN_OK) return rc;
    if (s == NULL && t->templates != NULL && e->question != NULL)
        s = ken_templates_subject(t->templates, e->relation, e->question, &n);
    if (s != NULL && (e->subject = ken_arena_strndup(&t->b->d->arena, s, n)) == NULL)
        return ken_fail_nomem(err, "subjects");
    return KEN_OK;
}

/* Is the question left to the template? */
static bool is_asked_by_template(const ken_table *t, const ken_field *question)
{
    if (t->b->o->question_field != NULL || ken_field_value(question) != NULL || t->by_subject) return false;
    bool template = t->templates != NULL || json_object_get(question->row, "template") != NULL;
    bool lama = json_object_get(question->row, "sub_label") != NULL;
    const char *subject = pick(t->b->o->subject_field, "subject");
    return (template || lama) && json_is_string(json_object_get(question->row, subject));
}

int ken_table_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    ken_table *t = ctx;
    const ken_data_options *o = t->b->o;
    ken_arena *a = &t->b->d->arena;
    ken_example e = {.file = t->s->path, .line = line, .choice = -1};
    ken_field f = field(t, row, line, pick(o->question_field, "question"), "`question_field`");
    bool ask = is_asked_by_template(t, &f);
    int rc = ask ? KEN_OK : ken_field_copy(&f, true, a, &e.question, "questions", err);
    if (rc == KEN_OK) rc = read_answers(t, row, line, o->answer_field, &e, err);
    if (rc == KEN_OK) rc = read_names(t, row, line, &e, err);
    f = field(t, row, line, pick(o->id_field, "id"), "`id_field`");
    if (rc == KEN_OK && o->id_field != NULL && ken_field_value(&f) == NULL) rc = ken_field_missing(&f, err);
    if (rc == KEN_OK) rc = ken_field_id(&f, a, &e.id, err);
    f = field(t, row, line, pick(o->popularity_field, "popularity"), "`popularity_field`");
    if (rc == KEN_OK && o->popularity_field != NULL && ken_field_value(&f) == NULL) rc = ken_field_missing(&f, err);
    if (rc == KEN_OK) rc = ken_field_number(&f, &e.popularity, err);
    if (rc == KEN_OK) rc = read_subject(t, row, line, &e, err);
    if (rc == KEN_OK && ask) rc = ask_template(t, row, line, &e, err);
    return rc == KEN_OK ? ken_builder_add(t->b, &e, place, err) : rc;
}

/* What was found in the columns of answers, for whoever uses the rows. */
static int say_answers(const ken_table *t, ken_err *err)
{
    char text[400];
    int rc = KEN_OK;
    for (int i = 0; rc == KEN_OK && ken_answers_note(&t->answers, i, t->s->path, text, sizeof text); i++)
        rc = ken_builder_note(t->b, err, "%s", text);
    return rc;
}

int ken_read_table(ken_builder *b, ken_source *s, char delimiter, const ken_templates *templates, ken_err *err)
{
    ken_table t = {.b = b, .s = s, .templates = templates};
    int rc = ken_choices_scan(&t.choices, s, delimiter, b->o, err);
    if (rc == KEN_OK) rc = ken_answers_scan(&t.answers, s, delimiter, b->o->answer_field, err);
    if (rc != KEN_OK) return rc;
    t.by_subject = ken_choices_by_subject(&t.choices, b->o);
    rc = ken_text_rows(s, delimiter, ken_table_row, &t, err);
    if (rc == KEN_OK && t.choices.read != t.choices.rows) rc = ken_fail_nomem(err, "choices");
    if (rc == KEN_OK) rc = ken_builder_took(b, s, err);
    if (rc == KEN_OK) rc = say_answers(&t, err);
    const char *said = ken_choices_said(&t.choices);
    if (rc == KEN_OK && said != NULL) rc = ken_builder_note(b, err, "%s: %s", s->path, said);
    if (rc == KEN_OK && t.by_subject)
        rc = ken_builder_note(
            b, err,
            "%s: its field \"subject\" is read as the relation, as in MMLU, for few questions name it; "
            "`subject_field` says otherwise",
            s->path);
    return rc;
}
