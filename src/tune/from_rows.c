/* from_rows.c - drafts from JSONL (or CSV, TSV) in the formats that trainers read and write (docs/exports.md, docs/data.md):
 * prompt and completion, messages, alpaca, sharegpt, axolotl's segments, plain text, question and answers.
 *
 * What a file is, its first row's keys say; every row must then be of that kind. Besides, any row may say its id, relation, split,
 * category, p_t, weight, known_tail, task, popularity, subject, question and answers: what `ken show --rows --json` and `ken select` write.
 * A category in other words than ours is another program's field and means "not annotated". */
#include "data/clean.h"
#include "data/fields.h"
#include "data/table.h"
#include "tune/draft.h"
#include <math.h>
#include <string.h>
#include <strings.h>

enum { MAX_TURNS = 1024 };

typedef struct reader {
    ken_drafts *d;
    ken_row_kind kind;
    const char *file;
    json_t *manifest; /* of rows that may spell begin and end tokens: what is beside the file, or NULL */
} reader;

/* One row while it is read. */
typedef struct job {
    reader *r;
    const json_t *row;
    int line;
    ken_draft x;
    bool cleaned;     /* padding was cut off */
    const char *lead; /* the first answer as the row has it */
    ken_err *err;
} job;

static ken_field field(const job *j, const char *name) { return (ken_field){j->row, j->r->file, j->line, name, NULL}; }

static bool has(const job *j, const char *name)
{
    const json_t *v = json_object_get(j->row, name);
    return v != NULL && !json_is_null(v);
}

/* A copy of a text that must be there and not blank, or that may be missing or empty: then NULL. */
static int text(const job *j, const char *name, bool must, const char **out)
{
    ken_field f = field(j, name);
    return ken_field_copy(&f, must, &j->r->d->arena, out, "rows", j->err);
}

/* An interned name that may be missing: then "". */
static int name(job *j, const char *key, bool split, const char **out)
{
    ken_field f = field(j, key);
    const char *s;
    size_t n;
    int rc = ken_field_text_or_null(&f, &s, &n, j->err);
    if (rc != KEN_OK) return rc;
    if (split && s != NULL) s = ken_split_name(s, &n);
    size_t padded = n;
    if (s != NULL) n = ken_trim_invisible(&s, n);
    j->cleaned |= n != padded;
    *out = ken_drafts_name(j->r->d, s, n);
    return *out != NULL ? KEN_OK : ken_fail_nomem(j->err, "names");
}

static int number(const job *j, const char *key, double max, double *out)
{
    ken_field f = field(j, key);
    int rc = ken_field_number(&f, out, j->err);
    if (rc != KEN_OK || isnan(*out)) return rc;
    if (*out >= 0 && *out <= max) return KEN_OK;
    return ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"%s\" is %g; 0 to %g is expected", f.path, f.line, key, *out,
                    max);
}

/* ---- what any row may say ------------------------------------------------------------------------------------------- */

static int category_of(const job *j)
{
    const json_t *v = json_object_get(j->row, "category");
    if (v != NULL && json_is_null(v)) return KEN_UNLABELLED;
    for (int c = 0; c < KEN_N_CATEGORIES && json_is_string(v); c++)
        if (strcmp(json_string_value(v), ken_category_name(c)) == 0) return c;
    return KEN_N_CATEGORIES;
}

/* Whether the row belongs to a known tail: a boolean, or its name in any case, as a CSV has it (pandas writes "True"). */
static int tail_of(job *j)
{
    const json_t *v = json_object_get(j->row, "known_tail");
    const char *s = json_string_value(v);
    if (v == NULL || json_is_null(v) || json_is_false(v)) return KEN_OK;
    j->x.tail = json_is_true(v) || (s != NULL && strcasecmp(s, "true") == 0);
    if (j->x.tail || (s != NULL && (s[0] == '\0' || strcasecmp(s, "false") == 0))) return KEN_OK;
    ken_field f = field(j, "known_tail");
    return ken_field_wrong(&f, "true or false", j->err);
}

static int answers_of(job *j, bool must)
{
    const char *key = json_object_get(j->row, "answers") != NULL ? "answers" : "answer";
    if (!must && !has(j, key)) return KEN_OK;
    ken_field f = field(j, key);
    ken_arena *a = &j->r->d->arena;
    int rc = ken_field_list(&f, false, a, &j->x.answers, &j->x.n_answers, j->err);
    if (rc != KEN_OK) return rc;
    j->lead = j->x.answers[0];
    if (!must || has(j, "target")) return KEN_OK; /* what `ken select` wrote comes back as it was */
    return ken_clean_list(a, &j->x.answers, j->x.n_answers, &j->cleaned) ? KEN_OK : ken_fail_nomem(j->err, "answers");
}

static int read_common_fields(job *j)
{
    enum { MAX_WEIGHT = 1000000 };
    ken_field id = field(j, "id");
    int rc = ken_field_id(&id, &j->r->d->arena, &j->x.id, j->err);
    if (rc == KEN_OK) rc = name(j, "relation", false, &j->x.relation);
    if (rc == KEN_OK) rc = name(j, "split", true, &j->x.split);
    if (rc == KEN_OK) rc = name(j, "task", false, &j->x.task);
    if (rc == KEN_OK) rc = number(j, "p_t", 1, &j->x.p);
    if (rc == KEN_OK) rc = number(j, "p_t0", 1, &j->x.p_t0);
    if (rc == KEN_OK) rc = number(j, "p_unknown", 1, &j->x.p_unknown);
    if (rc == KEN_OK) rc = number(j, "weight", MAX_WEIGHT, &j->x.weight);
    ken_field popularity = field(j, "popularity");
    if (rc == KEN_OK) rc = ken_field_number(&popularity, &j->x.popularity, j->err);
    if (rc == KEN_OK) rc = text(j, "subject", false, &j->x.subject);
    if (rc == KEN_OK && j->x.subject != NULL && !ken_clean_text(&j->r->d->arena, &j->x.subject, &j->cleaned))
        rc = ken_fail_nomem(j->err, "subjects");
    if (rc == KEN_OK) rc = tail_of(j);
    j->x.category = category_of(j);
    return rc;
}

/* ---- prompts and conversations -------------------------------------------------------------------------------------- */

/* Room for the turns of a prompt. */
static ken_turn *turns_of(job *j, size_t n)
{
    ken_turn *turns = ken_arena_calloc(&j->r->d->arena, n, sizeof *turns);
    if (turns == NULL) ken_fail_nomem(j->err, "turns");
    j->x.turns = turns;
    return turns;
}

static int one_turn(job *j, const char *prompt)
{
    ken_turn *turn = turns_of(j, 1);
    if (turn == NULL) return KEN_ENOMEM;
    turn[0] = (ken_turn){KEN_ROLE_USER, prompt};
    j->x.n_turns = 1;
    return KEN_OK;
}

static int role_of(const char *s)
{
    static const struct {
        const char *name;
        ken_role role;
    } roles[] = {{"system", KEN_ROLE_SYSTEM},       {"user", KEN_ROLE_USER},     {"human", KEN_ROLE_USER},
                 {"assistant", KEN_ROLE_ASSISTANT}, {"gpt", KEN_ROLE_ASSISTANT}, {"model", KEN_ROLE_ASSISTANT}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(s, roles[i].name) == 0) return (int)roles[i].role;
    return -1;
}

/* One entry of a list of turns: {role_key: who, text_key: what}. */
static int read_turn(job *j, const char *list, size_t i, const char *role_key, const char *text_key, ken_turn *out)
{
    const json_t *v = json_array_get(json_object_get(j->row, list), i);
    const json_t *who = json_object_get(v, role_key), *what = json_object_get(v, text_key);
    if (!json_is_string(who) || !json_is_string(what))
        return ken_fail(j->err, KEN_EINPUT,
                        "%s:%d: field \"%s\", place %zu: an object with the strings \"%s\" and \"%s\" is expected",
                        j->r->file, j->line, list, i + 1, role_key, text_key);
    char shown[60];
    int role = role_of(json_string_value(who));
    if (role < 0)
        return ken_fail(
            j->err, KEN_EINPUT,
            "%s:%d: field \"%s\", place %zu: unknown role \"%s\"; known: system, user (human), assistant (gpt, "
            "model)",
            j->r->file, j->line, list, i + 1,
            ken_printable(shown, sizeof shown, json_string_value(who), json_string_length(who)));
    *out = (ken_turn){(ken_role)role,
                      ken_arena_strndup(&j->r->d->arena, json_string_value(what), json_string_length(what))};
    return out->text != NULL ? KEN_OK : ken_fail_nomem(j->err, "turns");
}

static int list_of(const job *j, const char *list, size_t *n)
{
    ken_field f = field(j, list);
    const json_t *v = json_object_get(j->row, list);
    if (v == NULL) return ken_field_missing(&f, j->err);
    if (!json_is_array(v)) return ken_field_wrong(&f, "a list", j->err);
    *n = json_array_size(v);
    if (*n == 0 || *n > MAX_TURNS)
        return ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"%s\" has %zu entries; 1 to %d are expected", f.path, f.line,
                        list, *n, MAX_TURNS);
    return KEN_OK;
}

/* s without the token that it ends with (or begins with), where the manifest beside our own file says that such a one was spelled out; in
 * segments of others set.c takes off those of the model. NULL when out of memory. */
static const char *without_token(job *j, const char *key, const char *s, bool at_end)
{
    const json_t *token = json_object_get(j->r->manifest, key);
    size_t n = strlen(s), m = json_string_length(token);
    if (m == 0 || n <= m || memcmp(at_end ? s + n - m : s, json_string_value(token), m) != 0) return s;
    return at_end ? ken_arena_strndup(&j->r->d->arena, s, n - m) : s + m;
}

/* The last turn of the assistant is the target, what comes before it the prompt. */
static int conversation(job *j, const char *list, const char *role_key, const char *text_key)
{
    size_t n = 0, last = 0;
    int rc = list_of(j, list, &n);
    if (rc != KEN_OK) return rc;
    ken_turn *turns = turns_of(j, n);
    if (turns == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        rc = read_turn(j, list, i, role_key, text_key, &turns[i]);
        if (rc == KEN_OK && turns[i].role == KEN_ROLE_ASSISTANT) last = i;
    }
    if (rc != KEN_OK) return rc;
    if (last == 0)
        return ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"%s\" has no turn of the assistant after another one",
                        j->r->file, j->line, list);
    j->x.n_turns = (int)last;
    turns[0].text = without_token(j, "bos", turns[0].text, false);
    j->x.target = without_token(j, "eos", turns[last].text, true);
    return j->x.target != NULL ? KEN_OK : ken_fail_nomem(j->err, "rows");
}

/* {"prompt":"...","completion":"..."}, or both as lists of messages. */
static int prompt_and_completion(job *j)
{
    const char *prompt = NULL;
    if (json_is_array(json_object_get(j->row, "prompt"))) {
        size_t n = 0, one = 0;
        ken_turn answer = {KEN_ROLE_ASSISTANT, NULL};
        int rc = list_of(j, "prompt", &n);
        if (rc == KEN_OK) rc = list_of(j, "completion", &one);
        ken_turn *turns = rc == KEN_OK ? turns_of(j, n) : NULL;
        if (turns == NULL) return rc == KEN_OK ? KEN_ENOMEM : rc;
        for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = read_turn(j, "prompt", i, "role", "content", &turns[i]);
        if (rc == KEN_OK) rc = read_turn(j, "completion", 0, "role", "content", &answer);
        j->x.n_turns = (int)n;
        j->x.target = answer.text;
        return rc;
    }
    int rc = text(j, "prompt", true, &prompt);
    if (rc == KEN_OK) rc = text(j, "completion", true, &j->x.target);
    return rc == KEN_OK ? one_turn(j, prompt) : rc;
}

/* Instruction and input are lines of one prompt: the default template when the instruction is its first line. */
static int alpaca(job *j)
{
    const char *instruction = NULL, *input = NULL;
    int rc = text(j, "instruction", true, &instruction);
    if (rc == KEN_OK && has(j, "input")) {
        ken_field f = field(j, "input");
        size_t n;
        rc = ken_field_text_or_null(&f, &input, &n, j->err);
    }
    if (rc == KEN_OK) rc = text(j, "output", true, &j->x.target);
    if (rc != KEN_OK) return rc;
    const char *prompt = ken_arena_printf(&j->r->d->arena, "%s\n%s%s", instruction, input != NULL ? input : "",
                                          input != NULL ? "\n" : "");
    return prompt != NULL ? one_turn(j, prompt) : ken_fail_nomem(j->err, "rows");
}

/* Segments without loss, then segments with it. */
static int segments(job *j)
{
    size_t n = 0;
    int rc = list_of(j, "segments", &n);
    ken_buf part[2] = {{0}, {0}};
    bool learning = false;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const json_t *v = json_array_get(json_object_get(j->row, "segments"), i);
        const json_t *label = json_object_get(v, "label"), *what = json_object_get(v, "text");
        if (!json_is_boolean(label) || !json_is_string(what))
            rc = ken_fail(
                j->err, KEN_EINPUT,
                "%s:%d: field \"segments\", place %zu: an object with \"label\" (true or false) and \"text\" is "
                "expected",
                j->r->file, j->line, i + 1);
        else if (learning && json_is_false(label))
            rc = ken_fail(j->err, KEN_EINPUT,
                          "%s:%d: field \"segments\", place %zu: a segment without loss after one with loss; a prompt "
                          "and then a target are expected",
                          j->r->file, j->line, i + 1);
        else {
            learning = json_is_true(label);
            ken_buf_puts(&part[learning], json_string_value(what));
        }
    }
    if (rc == KEN_OK && (part[0].failed || part[1].failed)) rc = ken_fail_nomem(j->err, "rows");
    if (rc == KEN_OK && (part[0].len == 0 || ken_is_blank(ken_buf_str(&part[1]), part[1].len)))
        rc = ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"segments\" has no %s", j->r->file, j->line,
                      part[0].len == 0 ? "prompt (label false)" : "target (label true)");
    if (rc == KEN_OK) {
        const char *prompt = ken_arena_strndup(&j->r->d->arena, part[0].data, part[0].len);
        const char *target = ken_arena_strndup(&j->r->d->arena, part[1].data, part[1].len);
        if (target != NULL) j->x.target = without_token(j, "eos", target, true);
        rc = prompt != NULL && j->x.target != NULL ? one_turn(j, without_token(j, "bos", prompt, false))
                                                   : ken_fail_nomem(j->err, "rows");
    }
    j->x.raw = true;
    j->x.bare = json_object_get(j->r->manifest, "bos") != NULL && json_object_get(j->r->manifest, "eos") != NULL;
    ken_buf_free(&part[0]);
    ken_buf_free(&part[1]);
    return rc;
}

static int whole_text(job *j)
{
    j->x.text = j->x.raw = true;
    int rc = text(j, "text", true, &j->x.target);
    return rc == KEN_OK ? one_turn(j, "") : rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int read_kind(job *j)
{
    switch (j->r->kind) {
    case KEN_ROWS_PROMPT: return prompt_and_completion(j);
    case KEN_ROWS_MESSAGES: return conversation(j, "messages", "role", "content");
    case KEN_ROWS_ALPACA: return alpaca(j);
    case KEN_ROWS_CONVERSATIONS: return conversation(j, "conversations", "from", "value");
    case KEN_ROWS_SEGMENTS: return segments(j);
    case KEN_ROWS_TEXT: return whole_text(j);
    default: return KEN_OK;
    }
}

/* A space in front of an answer that is trained is no padding: "A:" and " Paris" are how templates without one are written. */
static int keep_lead(job *j)
{
    size_t n = strspn(j->lead, " ");
    if (n == 0) return KEN_OK;
    j->x.target = ken_arena_printf(&j->r->d->arena, "%.*s%s", (int)n, j->lead, j->x.answers[0]);
    return j->x.target != NULL ? KEN_OK : ken_fail_nomem(j->err, "rows");
}

static int read_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    reader *r = ctx;
    job j = {.r = r,
             .row = row,
             .line = line,
             .x = {.file = r->file, .line = line, .place = place, .category = KEN_N_CATEGORIES},
             .err = err};
    bool asks = r->kind == KEN_ROWS_QUESTION;
    int rc = read_common_fields(&j);
    if (rc == KEN_OK) rc = read_kind(&j);
    if (rc == KEN_OK && (asks || has(&j, "question"))) rc = text(&j, "question", true, &j.x.question);
    if (rc == KEN_OK) rc = answers_of(&j, asks);
    if (rc == KEN_OK && asks) rc = text(&j, "target", false, &j.x.target);
    if (rc == KEN_OK && asks && j.x.target == NULL) rc = keep_lead(&j);
    if (rc == KEN_OK && j.x.target != NULL && ken_is_blank(j.x.target, strlen(j.x.target)))
        rc = ken_fail(err, KEN_EINPUT, "%s:%d: the target is empty: there is nothing to learn", r->file, line);
    r->d->cleaned += rc == KEN_OK && j.cleaned;
    return rc == KEN_OK ? ken_drafts_add(r->d, &j.x, err) : rc;
}

/* PATH.manifest.json of `ken select`. A file without one, or with one that is not of that kind, is read as it is. */
static int read_manifest(reader *r, const ken_source *s, ken_err *err)
{
    ken_buf path = {0};
    if (s->map.data == NULL || (r->kind != KEN_ROWS_SEGMENTS && r->kind != KEN_ROWS_CONVERSATIONS)) return KEN_OK;
    ken_buf_printf(&path, "%s.manifest.json", s->path);
    int rc = path.failed               ? ken_fail_nomem(err, "path")
             : !ken_is_file(path.data) ? KEN_OK
                                       : ken_json_file(&r->manifest, path.data, err);
    ken_buf_free(&path);
    return rc == KEN_EINPUT ? KEN_OK : rc;
}

int ken_drafts_from_rows(ken_drafts *d, ken_source *s, char delimiter, ken_row_kind kind, ken_err *err)
{
    reader r = {.d = d, .kind = kind, .file = s->path};
    int rc = read_manifest(&r, s, err);
    if (rc == KEN_OK) rc = ken_text_rows(s, delimiter, read_row, &r, err);
    json_decref(r.manifest);
    d->bad += s->bad;
    if (rc == KEN_OK && ken_source_said(s) != NULL) rc = ken_drafts_note(d, s->path, ken_source_said(s), err);
    return rc;
}

/* ---- what a file is ------------------------------------------------------------------------------------------------- */

/* Question and answers, but in a data set's own layout, which src/data reads. */
static bool is_data_set(const json_t *row, const char *path)
{
    static const char *const theirs[] = {"choices", "choice0", "possible_answers"};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (json_object_get(row, theirs[i]) != NULL) return true;
    return ken_names_split(path) && json_object_get(row, "relation") == NULL;
}

int ken_rows_kind(ken_row_kind *kind, const ken_source *s, char delimiter, ken_err *err)
{
    static const struct {
        ken_row_kind kind;
        const char *key[2];
    } kinds[] = {
        {KEN_ROWS_MESSAGES, {"messages", "messages"}}, {KEN_ROWS_CONVERSATIONS, {"conversations", "conversations"}},
        {KEN_ROWS_SEGMENTS, {"segments", "segments"}}, {KEN_ROWS_PROMPT, {"prompt", "completion"}},
        {KEN_ROWS_ALPACA, {"instruction", "output"}},  {KEN_ROWS_QUESTION, {"question", "answers"}},
        {KEN_ROWS_QUESTION, {"question", "answer"}},   {KEN_ROWS_TEXT, {"text", "text"}}};
    json_t *row;
    *kind = KEN_ROWS_NONE;
    int rc = ken_first_row(s, delimiter, &row, err);
    if (rc != KEN_OK || row == NULL) return rc; /* no row at all: src/data says what is wrong */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && *kind == KEN_ROWS_NONE; i++)
        if (json_object_get(row, kinds[i].key[0]) != NULL && json_object_get(row, kinds[i].key[1]) != NULL)
            *kind = kinds[i].kind;
    if (*kind == KEN_ROWS_QUESTION && is_data_set(row, s->path)) *kind = KEN_ROWS_NONE;
    json_decref(row);
    return KEN_OK;
}
