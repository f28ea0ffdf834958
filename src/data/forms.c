/* forms.c - see forms.h. A row is copied, what it means is put under the usual names, and table.c reads it as any other. */
#include "data/forms.h"
#include "base/buf.h"
#include "data/clean.h"
#include "data/prompts.h"
#include "data/python_text.h"
#include "data/turns.h"
#include <string.h>

typedef struct reader {
    ken_table t;
    ken_source *s;
    ken_format format;
    ken_row_kind kind;
    json_t *manifest; /* of chat forms, or NULL */
    size_t place;     /* of the next row that is given on */
    size_t no_answer; /* rows left out: SQuAD's impossible questions, TriviaQA's test rows */
    size_t context;   /* rows whose question has earlier turns in front */
    size_t ends;      /* rows whose reply spelled an end token */
    bool paragraphs;
} reader;

/* ---- which form -------------------------------------------------------------------------------------------------------- */

static bool has(const json_t *row, const char *key) { return json_object_get(row, key) != NULL; }

static bool has_text(const json_t *answers) { return has(answers, "text") || has(json_array_get(answers, 0), "text"); }

static ken_format published_form(const json_t *row)
{
    const json_t *answer = json_object_get(row, "answer"), *answers = json_object_get(row, "answers");
    if (json_is_array(json_object_get(row, "paragraphs"))) return KEN_FMT_SQUAD;
    if (has(row, "question") && has_text(answers)) return KEN_FMT_SQUAD;
    const char *text = json_string_value(answers);
    if (has(row, "question") && text != NULL && strstr(text, "answer_start") != NULL) return KEN_FMT_SQUAD;
    if (has(row, "Question") && has(json_object_get(row, "Answer"), "Value")) return KEN_FMT_TRIVIAQA;
    if (has(row, "question") && has(answer, "value") && has(answer, "aliases")) return KEN_FMT_TRIVIAQA;
    if (has(row, "Question") && has(row, "Best Answer") && has(row, "Correct Answers")) return KEN_FMT_TRUTHFULQA;
    if (has(row, "question") && has(row, "best_answer") && has(row, "correct_answers")) return KEN_FMT_TRUTHFULQA;
    bool object = has(row, "obj_label") || has(row, "obj_labels") || has(row, "chosen_label");
    return object && has(row, "sub_label") && !has(row, "question") ? KEN_FMT_LAMA : KEN_FMT_JSONL;
}

static const struct {
    ken_row_kind kind;
    ken_format format;
    const char *name;
} trained[] = {{KEN_ROWS_MESSAGES, KEN_FMT_CHAT, "chat"},       {KEN_ROWS_CONVERSATIONS, KEN_FMT_SHAREGPT, "sharegpt"},
               {KEN_ROWS_ALPACA, KEN_FMT_ALPACA, "alpaca"},     {KEN_ROWS_PROMPT, KEN_FMT_PROMPT, "prompt"},
               {KEN_ROWS_SEGMENTS, KEN_FMT_AXOLOTL, "axolotl"}, {KEN_ROWS_TEXT, KEN_FMT_TEXT, "text"}};
enum { N_TRAINED = sizeof trained / sizeof *trained };

static ken_row_kind kind_of_format(ken_format format)
{
    for (int i = 0; i < N_TRAINED; i++)
        if (trained[i].format == format) return trained[i].kind;
    return KEN_ROWS_NONE;
}

ken_row_kind ken_kind_of_form(const char *name)
{
    for (int i = 0; i < N_TRAINED && name != NULL; i++)
        if (strcmp(name, trained[i].name) == 0) return trained[i].kind;
    return KEN_ROWS_NONE;
}

ken_format ken_form_of_row(const json_t *row, const char *path)
{
    ken_format published = published_form(row);
    if (published != KEN_FMT_JSONL) return published;
    ken_row_kind kind = ken_kind_of_row(row, path);
    for (int i = 0; i < N_TRAINED; i++)
        if (trained[i].kind == kind) return trained[i].format;
    return KEN_FMT_JSONL;
}

bool ken_is_form(ken_format format)
{
    return kind_of_format(format) != KEN_ROWS_NONE || format == KEN_FMT_SQUAD || format == KEN_FMT_TRIVIAQA ||
           format == KEN_FMT_TRUTHFULQA || format == KEN_FMT_LAMA;
}

/* ---- rows given on ----------------------------------------------------------------------------------------------------- */

/* Gives `plain` on, which is freed; NULL = out of memory. */
static int give(reader *r, json_t *plain, size_t place, int line, ken_err *err)
{
    if (plain == NULL) return ken_fail_nomem(err, "a row");
    int rc = ken_table_row(&r->t, plain, place, line, err);
    json_decref(plain);
    return rc;
}

/* plain with one more field; value is a new reference. NULL when anything fails, and then plain is freed. */
static json_t *with(json_t *plain, const char *key, json_t *value)
{
    if (plain == NULL) {
        json_decref(value);
        return NULL;
    }
    if (value != NULL && json_object_set_new(plain, key, value) == 0) return plain;
    json_decref(plain);
    return NULL;
}

static json_t *with_borrowed(json_t *plain, const char *key, const json_t *value)
{
    return value == NULL ? plain : with(plain, key, json_incref((json_t *)value));
}

/* A list of strings, each once, from values that are strings or lists (of lists) of them. */
static bool add_texts(json_t *all, const json_t *v, int depth)
{
    bool good = true;
    if (json_is_object(v)) v = json_object_get(v, "text");
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v) && good; i++)
            good = depth > 0 && add_texts(all, json_array_get(v, i), depth - 1);
        return good;
    }
    if (json_is_number(v)) return json_array_append(all, (json_t *)v) == 0;
    if (!json_is_string(v) || ken_is_blank(json_string_value(v), json_string_length(v))) return true;
    for (size_t i = 0; i < json_array_size(all); i++)
        if (json_equal(json_array_get(all, i), v)) return true;
    return json_array_size(all) >= KEN_MAX_ANSWERS || json_array_append(all, (json_t *)v) == 0;
}

static json_t *texts_of(const json_t *const *v, size_t n)
{
    json_t *all = json_array();
    bool good = all != NULL;
    for (size_t i = 0; i < n && good; i++) good = add_texts(all, v[i], KEN_MAX_DEPTH);
    if (good) return all;
    json_decref(all);
    return NULL;
}

/* ---- SQuAD ------------------------------------------------------------------------------------------------------------- */

static bool is_true(const json_t *v)
{
    const char *s = json_string_value(v);
    return json_is_true(v) || (s != NULL && (strcmp(s, "true") == 0 || strcmp(s, "True") == 0));
}

/* The texts of a question's answers; in CSV the cell is what Python or JSON made of the object. *bad: it is something else. */
static json_t *squad_texts(const json_t *answers, bool *bad)
{
    bool no_memory = false;
    json_t *read = NULL, *all;
    *bad = false;
    if (json_is_string(answers)) {
        read = ken_python_value(json_string_value(answers), json_string_length(answers), &no_memory);
        *bad = read == NULL && !no_memory;
        if (read == NULL) return NULL;
        answers = read;
    }
    all = texts_of((const json_t *const[]){answers}, 1);
    json_decref(read);
    return all;
}

static int squad_question(reader *r, const json_t *qa, size_t place, int line, ken_err *err)
{
    bool bad;
    if (!has(qa, "answers") || is_true(json_object_get(qa, "is_impossible"))) {
        r->no_answer++;
        return KEN_OK;
    }
    json_t *texts = squad_texts(json_object_get(qa, "answers"), &bad);
    if (bad) {
        ken_field f = {qa, r->s->path, line, "answers", NULL, 0};
        return ken_field_wrong(&f, "an object with the list \"text\"", err);
    }
    if (texts == NULL) return ken_fail_nomem(err, "answers");
    if (json_array_size(texts) == 0) {
        json_decref(texts);
        r->no_answer++;
        return KEN_OK;
    }
    return give(r, with(json_copy((json_t *)qa), "answers", texts), place, line, err);
}

static int squad_entry(reader *r, const json_t *qa, int line, ken_err *err)
{
    int rc = json_is_object(qa)
                 ? squad_question(r, qa, r->place, line, err)
                 : ken_fail(err, KEN_EINPUT, "%s:%d: an entry of \"qas\" is not an object", r->s->path, line);
    r->place++;
    return ken_row_verdict(r->s, rc);
}

static int squad_row(reader *r, const json_t *row, size_t place, int line, ken_err *err)
{
    const json_t *paragraphs = json_object_get(row, "paragraphs");
    int rc = KEN_OK;
    r->paragraphs |= paragraphs != NULL || has(row, "context");
    if (paragraphs == NULL) return squad_question(r, row, place, line, err);
    for (size_t i = 0; i < json_array_size(paragraphs) && rc == KEN_OK; i++) {
        const json_t *qas = json_object_get(json_array_get(paragraphs, i), "qas");
        for (size_t k = 0; k < json_array_size(qas) && rc == KEN_OK; k++)
            rc = squad_entry(r, json_array_get(qas, k), line, err);
    }
    return rc;
}

/* ---- TriviaQA, TruthfulQA ------------------------------------------------------------------------------------------------ */

static int triviaqa_row(reader *r, const json_t *row, size_t place, int line, ken_err *err)
{
    bool official = has(row, "Question");
    const json_t *answer = json_object_get(row, official ? "Answer" : "answer");
    const json_t *v = json_object_get(answer, official ? "Value" : "value");
    const char *value = json_string_value(v);
    if (answer == NULL || (value != NULL && strcmp(value, "<unk>") == 0)) {
        r->no_answer++;
        return KEN_OK;
    }
    json_t *texts = texts_of((const json_t *const[]){v, json_object_get(answer, official ? "Aliases" : "aliases")}, 2);
    json_t *plain = with(json_copy((json_t *)row), "answers", texts);
    plain = with_borrowed(plain, "question", json_object_get(row, official ? "Question" : "question"));
    plain = with_borrowed(plain, "id", json_object_get(row, official ? "QuestionId" : "question_id"));
    return give(r, plain, place, line, err);
}

/* Both columns of answers, of which TruthfulQA parts the second by semicolons. */
static json_t *truthful_texts(const json_t *best, const json_t *correct)
{
    json_t *all = texts_of((const json_t *const[]){best}, 1);
    bool good = all != NULL, no_memory = false;
    const char *s = json_string_value(correct);
    json_t *read = s != NULL && s[0] == '[' ? ken_python_value(s, json_string_length(correct), &no_memory) : NULL;
    if (read != NULL || s == NULL) good = good && add_texts(all, read != NULL ? read : correct, KEN_MAX_DEPTH);
    else
        for (const char *p = s, *end = s + json_string_length(correct); p <= end && good;) {
            const char *to = memchr(p, ';', (size_t)(end - p));
            if (to == NULL) to = end;
            while (p < to && *p == ' ') p++;
            json_t *one = json_stringn(p, (size_t)(to - p));
            good = one != NULL && add_texts(all, one, 0);
            json_decref(one);
            p = to + 1;
        }
    json_decref(read);
    if (good && !no_memory) return all;
    json_decref(all);
    return NULL;
}

static int truthfulqa_row(reader *r, const json_t *row, size_t place, int line, ken_err *err)
{
    bool official = has(row, "Question");
    json_t *texts = truthful_texts(json_object_get(row, official ? "Best Answer" : "best_answer"),
                                   json_object_get(row, official ? "Correct Answers" : "correct_answers"));
    json_t *plain = with(json_copy((json_t *)row), "answers", texts);
    plain = with_borrowed(plain, "question", json_object_get(row, official ? "Question" : "question"));
    if (!has(row, "relation"))
        plain = with_borrowed(plain, "relation", json_object_get(row, official ? "Category" : "category"));
    return give(r, plain, place, line, err);
}

/* ---- LAMA, ParaRel, KAMEL ------------------------------------------------------------------------------------------------- */

static int lama_row(reader *r, const json_t *row, size_t place, int line, ken_err *err)
{
    static const char *const relations[] = {"relation", "predicate_id", "rel_id", "rel", "predicate"};
    const json_t *const objects[] = {json_object_get(row, "chosen_label"), json_object_get(row, "obj_label"),
                                     json_object_get(row, "obj_labels")};
    json_t *plain = with(json_copy((json_t *)row), "answers", texts_of(objects, 3));
    plain = with_borrowed(plain, "subject", json_object_get(row, "sub_label"));
    if (!has(row, "id") && json_is_string(json_object_get(row, "index"))) /* of KAMEL */
        plain = with_borrowed(plain, "id", json_object_get(row, "index"));
    for (size_t i = 1; i < sizeof relations / sizeof *relations && plain != NULL && !has(plain, "relation"); i++)
        if (json_is_string(json_object_get(row, relations[i])))
            plain = with_borrowed(plain, "relation", json_object_get(row, relations[i]));
    return give(r, plain, place, line, err);
}

/* ---- what trainers read --------------------------------------------------------------------------------------------------- */

/* Begin tokens that people spell out for their trainer are no part of a question: where texts are taken as they are, as in segments. */
static const char *without_begin_token(const char *s)
{
    static const char *const begins[] = {"<s>", "<|begin_of_text|>", "<bos>", "<|startoftext|>"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(s, begins[i], strlen(begins[i])) == 0) return s + strlen(begins[i]);
    return s;
}

/* The prompt's turns as one text, each on lines of its own. */
static json_t *question_of(const ken_said *said, const char *template_text, bool *no_memory)
{
    ken_buf all = {0};
    for (int i = 0; i < said->n_turns; i++) {
        const char *s = said->raw ? without_begin_token(said->turns[i].text) : said->turns[i].text;
        size_t n = strlen(s);
        bool last = i == said->n_turns - 1;
        const char *q = last ? ken_template_question(template_text, s, &n) : NULL;
        if (q == NULL) {
            q = s;
            n = ken_trim_invisible(&q, strlen(s));
        }
        if (all.len > 0 && n > 0) ken_buf_putc(&all, '\n');
        ken_buf_add(&all, q, n);
    }
    json_t *out = all.failed ? NULL : json_stringn(ken_buf_str(&all), all.len);
    *no_memory = out == NULL;
    ken_buf_free(&all);
    return out;
}

/* End tokens that people spell out for their trainer are no part of an answer. */
static size_t without_end_token(const char *s, size_t n)
{
    static const char *const ends[] = {"</s>",  "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>",
                                       "<eos>", "<|end|>",    "<end_of_turn>"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t m = strlen(ends[i]);
        if (n > m && memcmp(s + n - m, ends[i], m) == 0) return n - m;
    }
    return n;
}

/* A text without a prompt is a question where the template says where the answer begins. */
static int part_text(const reader *r, const ken_said *said, const char *template_text, int line, const char **q,
                     size_t *n, const char **answer, ken_err *err)
{
    if (ken_template_part(template_text, said->target, q, n, answer)) return KEN_OK;
    return ken_fail(
        err, KEN_EINPUT,
        "%s:%d: nothing says where in field \"text\" the question ends and the answer begins; write them in two "
        "fields: {\"question\": ..., \"answer\": ...}",
        r->s->path, line);
}

static int said_row(reader *r, const json_t *row, size_t place, int line, ken_err *err)
{
    ken_arena *a = &r->t.b->d->arena;
    ken_said said;
    const char *template_text = json_string_value(json_object_get(r->manifest, "template")), *answer, *q = NULL;
    size_t n = 0;
    bool no_memory = false;
    if (template_text == NULL) template_text = KEN_ZERO_SHOT_TEMPLATE;
    int rc = ken_turns_read(&said, r->kind, row, r->s->path, line, r->manifest, a, err);
    answer = said.target;
    if (rc == KEN_OK && said.text) rc = part_text(r, &said, template_text, line, &q, &n, &answer, err);
    if (rc != KEN_OK) return rc;
    json_t *plain = json_copy((json_t *)row);
    if (!has(row, "question"))
        plain = with(plain, "question", said.text ? json_stringn(q, n) : question_of(&said, template_text, &no_memory));
    r->context += said.n_turns > 1;
    if (!has(row, "answers") && !has(row, "answer")) {
        size_t len = strlen(answer), all = len = ken_trim_invisible(&answer, len);
        len = without_end_token(answer, len);
        r->ends += len < all;
        plain = with(plain, "answers", json_pack("[s%]", answer, len));
    }
    return give(r, plain, place, line, err);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------- */

static int read_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    reader *r = ctx;
    switch (r->format) {
    case KEN_FMT_SQUAD: return squad_row(r, row, place, line, err);
    case KEN_FMT_TRIVIAQA: return triviaqa_row(r, row, place, line, err);
    case KEN_FMT_TRUTHFULQA: return truthfulqa_row(r, row, place, line, err);
    case KEN_FMT_LAMA: return lama_row(r, row, place, line, err);
    default: return said_row(r, row, place, line, err);
    }
}

static int say(const reader *r, ken_err *err)
{
    ken_builder *b = r->t.b;
    const char *path = r->s->path;
    int rc = KEN_OK;
    if (r->no_answer > 0)
        rc = ken_builder_note(b, err, "%s: %zu question%s without an answer left out", path, r->no_answer,
                              r->no_answer == 1 ? "" : "s");
    if (rc == KEN_OK && r->paragraphs)
        rc = ken_builder_note(b, err, "%s: questions are asked without the paragraphs that answer them", path);
    if (rc == KEN_OK && r->context > 0)
        rc = ken_builder_note(b, err, "%s: %zu row%s a system turn or earlier turns, kept in front of the question",
                              path, r->context, r->context == 1 ? " has" : "s have");
    if (rc == KEN_OK && r->ends > 0)
        rc = ken_builder_note(b, err, "%s: the end token (</s>, <|im_end|>, ...) at the end of %zu answer%s taken off",
                              path, r->ends, r->ends == 1 ? " is" : "s is");
    return rc;
}

int ken_read_form(ken_builder *b, ken_source *s, char delimiter, ken_format format, const ken_templates *templates,
                  ken_err *err)
{
    reader r = {.t = {.b = b, .s = s, .templates = templates}, .s = s, .format = format};
    r.kind = kind_of_format(format);
    int rc = r.kind != KEN_ROWS_NONE ? ken_turns_manifest(&r.manifest, s, err) : KEN_OK;
    if (rc == KEN_OK) rc = ken_text_rows(s, delimiter, read_row, &r, err);
    if (rc == KEN_OK) rc = ken_builder_took(b, s, err);
    if (rc == KEN_OK) rc = say(&r, err);
    json_decref(r.manifest);
    return rc;
}
