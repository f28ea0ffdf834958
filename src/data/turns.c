/* turns.c - see turns.h. */
#include "data/turns.h"
#include "base/buf.h"
#include "data/fields.h"
#include <string.h>

enum { MAX_TURNS = 1024 };

/* One row while it is read. */
typedef struct job {
    ken_said *out;
    const json_t *row, *manifest;
    const char *path;
    int line;
    ken_arena *a;
    ken_err *err;
} job;

static ken_field field(const job *j, const char *name) { return (ken_field){j->row, j->path, j->line, name, NULL}; }

/* A copy of a text that must be there and not blank. */
static int text(const job *j, const char *name, const char **out)
{
    ken_field f = field(j, name);
    return ken_field_copy(&f, true, j->a, out, "rows", j->err);
}

/* ---- prompts and conversations -------------------------------------------------------------------------------------- */

/* Room for the turns of a prompt. */
static ken_turn *turns_of(job *j, size_t n)
{
    ken_turn *turns = ken_arena_calloc(j->a, n, sizeof *turns);
    if (turns == NULL) ken_fail_nomem(j->err, "turns");
    j->out->turns = turns;
    return turns;
}

static int one_turn(job *j, const char *prompt)
{
    ken_turn *turn = turns_of(j, 1);
    if (turn == NULL) return KEN_ENOMEM;
    turn[0] = (ken_turn){KEN_ROLE_USER, prompt};
    j->out->n_turns = 1;
    return KEN_OK;
}

static int role_of(const char *s)
{
    static const struct {
        const char *name;
        ken_role role;
    } roles[] = {{"system", KEN_ROLE_SYSTEM},       {"user", KEN_ROLE_USER},     {"human", KEN_ROLE_USER},
                 {"assistant", KEN_ROLE_ASSISTANT}, {"gpt", KEN_ROLE_ASSISTANT}, {"model", KEN_ROLE_ASSISTANT},
                 {"chatgpt", KEN_ROLE_ASSISTANT},   {"bot", KEN_ROLE_ASSISTANT}, {"developer", KEN_ROLE_SYSTEM}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(s, roles[i].name) == 0) return (int)roles[i].role;
    return -1;
}

/* What a turn says: a text, or a list of parts that are all texts ({"type": "text", "text": "..."}). NULL: neither; or no memory, *rc set. */
static const char *content_of(const job *j, const json_t *what, int *rc)
{
    const char *out = NULL;
    ken_buf all = {0};
    size_t i, texts = 0;
    const json_t *part;
    json_array_foreach((json_t *)what, i, part)
    {
        const json_t *type = json_object_get(part, "type"), *s = json_object_get(part, "text");
        if (!json_is_string(s) ||
            (type != NULL && (!json_is_string(type) || strcmp(json_string_value(type), "text") != 0)))
            break;
        ken_buf_puts(&all, json_string_value(s));
        texts++;
    }
    if (json_is_string(what)) ken_buf_add(&all, json_string_value(what), json_string_length(what));
    bool good = json_is_string(what) || (texts > 0 && texts == json_array_size(what));
    if (good && !all.failed) out = ken_arena_strndup(j->a, ken_buf_str(&all), all.len);
    if (good && out == NULL) *rc = ken_fail_nomem(j->err, "turns");
    ken_buf_free(&all);
    return out;
}

/* One entry of a list of turns: {"role": who, "content": what}, or "from" and "value". */
static int read_turn(const job *j, const char *list, size_t i, ken_turn *out)
{
    const json_t *v = json_array_get(json_object_get(j->row, list), i);
    bool from = json_object_get(v, "from") != NULL;
    const char *role_key = from ? "from" : "role", *text_key = from ? "value" : "content";
    const json_t *who = json_object_get(v, role_key);
    int rc = KEN_OK;
    out->text = content_of(j, json_object_get(v, text_key), &rc);
    if (rc != KEN_OK) return rc;
    if (!json_is_string(who) || out->text == NULL) {
        if (strcmp(list, "conversations") == 0 && json_object_get(v, "role") == NULL)
            role_key = "from", text_key = "value";
        return ken_fail(j->err, KEN_EINPUT,
                        "%s:%d: field \"%s\", place %zu: an object with the strings \"%s\" and \"%s\" is expected",
                        j->path, j->line, list, i + 1, role_key, text_key);
    }
    char shown[60];
    int role = role_of(json_string_value(who));
    if (role < 0)
        return ken_fail(
            j->err, KEN_EINPUT,
            "%s:%d: field \"%s\", place %zu: unknown role \"%s\"; known: system, user (human), assistant (gpt, "
            "model)",
            j->path, j->line, list, i + 1,
            ken_printable(shown, sizeof shown, json_string_value(who), json_string_length(who)));
    out->role = (ken_role)role;
    return KEN_OK;
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
    const json_t *token = json_object_get(j->manifest, key);
    size_t n = strlen(s), m = json_string_length(token);
    if (m == 0 || n <= m || memcmp(at_end ? s + n - m : s, json_string_value(token), m) != 0) return s;
    return at_end ? ken_arena_strndup(j->a, s, n - m) : s + m;
}

/* The last turn of the assistant is the target, what comes before it the prompt. */
static int conversation(job *j, const char *list)
{
    size_t n = 0, last = 0;
    int rc = list_of(j, list, &n);
    if (rc != KEN_OK) return rc;
    ken_turn *turns = turns_of(j, n);
    if (turns == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        rc = read_turn(j, list, i, &turns[i]);
        if (rc == KEN_OK && turns[i].role == KEN_ROLE_ASSISTANT) last = i;
    }
    if (rc != KEN_OK) return rc;
    if (last == 0)
        return ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"%s\" has no turn of the assistant after another one",
                        j->path, j->line, list);
    j->out->n_turns = (int)last;
    turns[0].text = without_token(j, "bos", turns[0].text, false);
    j->out->target = without_token(j, "eos", turns[last].text, true);
    return j->out->target != NULL ? KEN_OK : ken_fail_nomem(j->err, "rows");
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
        for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = read_turn(j, "prompt", i, &turns[i]);
        if (rc == KEN_OK) rc = read_turn(j, "completion", 0, &answer);
        j->out->n_turns = (int)n;
        j->out->target = answer.text;
        return rc;
    }
    int rc = text(j, "prompt", &prompt);
    if (rc == KEN_OK) rc = text(j, "completion", &j->out->target);
    return rc == KEN_OK ? one_turn(j, prompt) : rc;
}

/* Instruction and input are lines of one prompt: the default template when the instruction is its first line. */
static int alpaca(job *j)
{
    const char *instruction = NULL, *input = NULL;
    int rc = text(j, "instruction", &instruction);
    ken_field f = field(j, "input");
    size_t n;
    if (rc == KEN_OK) rc = ken_field_text_or_null(&f, &input, &n, j->err);
    if (rc == KEN_OK) rc = text(j, "output", &j->out->target);
    if (rc != KEN_OK) return rc;
    const char *prompt =
        ken_arena_printf(j->a, "%s\n%s%s", instruction, input != NULL ? input : "", input != NULL ? "\n" : "");
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
                j->path, j->line, i + 1);
        else if (learning && json_is_false(label))
            rc = ken_fail(j->err, KEN_EINPUT,
                          "%s:%d: field \"segments\", place %zu: a segment without loss after one with loss; a prompt "
                          "and then a target are expected",
                          j->path, j->line, i + 1);
        else {
            learning = json_is_true(label);
            ken_buf_puts(&part[learning], json_string_value(what));
        }
    }
    if (rc == KEN_OK && (part[0].failed || part[1].failed)) rc = ken_fail_nomem(j->err, "rows");
    if (rc == KEN_OK && (part[0].len == 0 || ken_is_blank(ken_buf_str(&part[1]), part[1].len)))
        rc = ken_fail(j->err, KEN_EINPUT, "%s:%d: field \"segments\" has no %s", j->path, j->line,
                      part[0].len == 0 ? "prompt (label false)" : "target (label true)");
    if (rc == KEN_OK) {
        const char *prompt = ken_arena_strndup(j->a, part[0].data, part[0].len);
        const char *target = ken_arena_strndup(j->a, part[1].data, part[1].len);
        if (target != NULL) j->out->target = without_token(j, "eos", target, true);
        rc = prompt != NULL && j->out->target != NULL ? one_turn(j, without_token(j, "bos", prompt, false))
                                                      : ken_fail_nomem(j->err, "rows");
    }
    j->out->raw = true;
    j->out->bare = json_object_get(j->manifest, "bos") != NULL && json_object_get(j->manifest, "eos") != NULL;
    ken_buf_free(&part[0]);
    ken_buf_free(&part[1]);
    return rc;
}

static int whole_text(job *j)
{
    j->out->text = j->out->raw = true;
    int rc = text(j, "text", &j->out->target);
    return rc == KEN_OK ? one_turn(j, "") : rc;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

int ken_turns_read(ken_said *out, ken_row_kind kind, const json_t *row, const char *path, int line,
                   const json_t *manifest, ken_arena *a, ken_err *err)
{
    job j = {out, row, manifest, path, line, a, err};
    *out = (ken_said){0};
    switch (kind) {
    case KEN_ROWS_PROMPT: return prompt_and_completion(&j);
    case KEN_ROWS_MESSAGES: return conversation(&j, "messages");
    case KEN_ROWS_ALPACA: return alpaca(&j);
    case KEN_ROWS_CONVERSATIONS: return conversation(&j, "conversations");
    case KEN_ROWS_SEGMENTS: return segments(&j);
    case KEN_ROWS_TEXT: return whole_text(&j);
    default: return KEN_OK;
    }
}

int ken_turns_manifest(json_t **out, const ken_source *s, ken_err *err)
{
    ken_buf path = {0};
    *out = NULL;
    if (s->map.data == NULL) return KEN_OK;
    ken_buf_printf(&path, "%s.manifest.json", s->path);
    int rc = path.failed               ? ken_fail_nomem(err, "path")
             : !ken_is_file(path.data) ? KEN_OK
                                       : ken_json_file(out, path.data, err);
    ken_buf_free(&path);
    return rc == KEN_EINPUT ? KEN_OK : rc;
}

/* ---- what a file is ------------------------------------------------------------------------------------------------- */

/* Question and answers, but in a data set's own layout. */
static bool is_data_set(const json_t *row, const char *path)
{
    static const char *const theirs[] = {"choices", "choice0", "possible_answers"};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (json_object_get(row, theirs[i]) != NULL) return true;
    const json_t *answers = json_object_get(row, "answers"), *answer = json_object_get(row, "answer");
    if (json_is_object(answers) || json_is_object(answer)) return true; /* SQuAD, TriviaQA */
    return ken_names_split(path) && json_object_get(row, "relation") == NULL;
}

ken_row_kind ken_kind_of_row(const json_t *row, const char *path)
{
    static const struct {
        ken_row_kind kind;
        const char *key[2];
    } kinds[] = {
        {KEN_ROWS_MESSAGES, {"messages", "messages"}}, {KEN_ROWS_CONVERSATIONS, {"conversations", "conversations"}},
        {KEN_ROWS_SEGMENTS, {"segments", "segments"}}, {KEN_ROWS_PROMPT, {"prompt", "completion"}},
        {KEN_ROWS_ALPACA, {"instruction", "output"}},  {KEN_ROWS_QUESTION, {"question", "answers"}},
        {KEN_ROWS_QUESTION, {"question", "answer"}},   {KEN_ROWS_TEXT, {"text", "text"}}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (json_object_get(row, kinds[i].key[0]) == NULL || json_object_get(row, kinds[i].key[1]) == NULL) continue;
        bool theirs = kinds[i].kind == KEN_ROWS_QUESTION && is_data_set(row, path);
        return theirs ? KEN_ROWS_NONE : kinds[i].kind;
    }
    return KEN_ROWS_NONE;
}
