/* task.c - see task.h. A task owns what its row needs (golds, prompts as trie nodes, the method's question) and turns the outcome into a
 * ken_row.
 *
 * Rows that cannot have a label (docs/method/knowledge.md#edge-cases) are finished at once, without a forward. */
#include "know/task.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "know/choice.h"
#include "know/walk.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CONTROL_SUBJECTS = 4, CONTROL_BLOCK = 64 };
#define CONTROL_DELTA 1e-4 /* d of docs/method/knowledge.md#guess-control */
#define GROWTH        1.7  /* measured on EntityQuestions: answers and texts after the prompts */

typedef struct task {
    ken_question question;
    const ken_task_context *c;
    const ken_example *x;
    size_t index;
    uint32_t flags;
    const ken_method *method;
    ken_golds golds;
    ken_node *root; /* (n_root) held */
    int n_root;
    const char *const *prompt; /* (prompts) as text, for a texter; in texts */
    ken_arena texts;
    ken_node *guess_root; /* (n_guess_root) held */
    int n_guess_root;
    ken_question *asked; /* of the method; NULL = nothing is asked */
    ken_question *guess; /* the same answers asked for at other subjects; NULL = not yet */
    double p_guess;
    int32_t *ids; /* scratch for encoding */
    size_t cap_ids;
    ken_row_maker maker;
} task;

/* ---- prompts -------------------------------------------------------------------------------------------------------- */

/* Encodes prompt number `set` for x and holds its last node. *too_long instead of a node when it does not fit the model's context. */
static int open_prompt(task *t, const ken_exemplars *ex, int set, const ken_example *x, ken_node *out, bool *too_long,
                       ken_err *err)
{
    const ken_example *shots[KEN_MAX_SHOTS];
    int n_shots = ken_exemplars_get(ex, set, shots);
    const ken_setup *setup = t->c->setup;
    size_t n = 0;
    int rc;
    if (t->c->prompts != NULL)
        rc = ken_prompt_encode_text(&setup->style, setup->rules.tokenizer, t->c->prompts[set], &t->ids, &n, &t->cap_ids,
                                    err);
    else
        rc = ken_prompt_encode(&setup->style, setup->rules.tokenizer, shots, n_shots, x, &t->ids, &n, &t->cap_ids, err);
    if (rc != KEN_OK) return rc;
    if (n == 0) return ken_fail(err, KEN_EINPUT, "an empty prompt (is the template empty?)");
    *too_long = n + (size_t)setup->rules.max_new > (size_t)ken_engine_longest(t->c->engine);
    if (*too_long) return KEN_OK;
    return ken_engine_extend(t->c->engine, KEN_TRIE_ROOT, t->ids, n, out, err);
}

/* Would the prompt tell x's answer? Where rows are each other's exemplars, another subject than the row's own may stand in it. */
static bool gives_away(const ken_exemplars *ex, int set, const ken_example *x)
{
    for (int i = 0; ex != NULL && i < ex->shots; i++)
        if (ken_is_related(x, ex->shot[(size_t)set * (size_t)ex->shots + (size_t)i])) return true;
    return false;
}

/* Opens all prompts for x, which may be another row than the task's: then without those that tell its answer; roots (n) out, *n counts those that are held even when this fails. */
static int open_prompts(task *t, const ken_example *x, ken_node *root, int *n, bool *too_long, ken_err *err)
{
    const ken_exemplars *ex = NULL;
    const bool fitted = t->c->exemplars != NULL && ken_exemplar_sets_source(t->c->exemplars) == KEN_CROSS_FITTED;
    *too_long = false;
    if (t->c->setup->shots > 0 && t->c->prompts == NULL) {
        ex = ken_exemplar_sets_row(t->c->exemplars, t->index); /* also where another subject is asked about */
        if (ex == NULL) return ken_fail(err, KEN_ESTATE, "relation %s has no exemplars", x->relation);
        t->flags |= ex->flags;
    }
    for (int i = 0; i < t->c->setup->rules.prompts && !*too_long; i++) {
        if (x != t->x && fitted && gives_away(ex, i, x)) continue;
        int rc = open_prompt(t, ex, i, x, &root[*n], too_long, err);
        if (rc != KEN_OK) return rc;
        if (!*too_long) ++*n;
    }
    return KEN_OK;
}

/* ---- rows that cannot match ----------------------------------------------------------------------------------------- */

/* Tokens of the shortest of these texts (n) as an answer, with the space that follows "A:", when it is shorter than *shortest. */
static int shortest_of(task *t, const char *const *text, int n_text, size_t *shortest, ken_err *err)
{
    ken_buf b = {0};
    int rc = KEN_OK;
    for (int i = 0; i < n_text && rc == KEN_OK; i++) {
        size_t n = 0;
        ken_buf_clear(&b);
        ken_buf_printf(&b, " %s", text[i]);
        if (b.failed) rc = ken_fail_nomem(err, "answer");
        else
            rc = ken_tokenizer_encode(t->c->setup->rules.tokenizer, ken_buf_str(&b), b.len, 0, &t->ids, &n, &t->cap_ids,
                                      err);
        if (rc == KEN_OK && n < *shortest) *shortest = n;
    }
    ken_buf_free(&b);
    return rc;
}

/* Other names are golds too where the matcher uses them (docs/method/knowledge.md#matchers). */
static int check_golds(task *t, ken_err *err)
{
    const ken_gold_rules *golds = &t->c->setup->golds;
    const ken_example *x = t->x;
    size_t n = SIZE_MAX;
    int rc = shortest_of(t, x->answers, x->n_answers, &n, err);
    if (rc == KEN_OK && golds->matcher.kind->uses_aliases) rc = shortest_of(t, x->aliases, x->n_aliases, &n, err);
    if (rc != KEN_OK) return rc;
    if (n > (size_t)t->c->setup->rules.max_new) t->flags |= KEN_FLAG_GOLD_TOO_LONG;
    if (ken_golds_hold_stop(golds, x->answers, x->n_answers, x->aliases, x->n_aliases))
        t->flags |= KEN_FLAG_GOLD_HAS_STOP;
    return KEN_OK;
}

static bool no_label(const task *t)
{
    return (t->flags & (KEN_FLAG_GOLD_HAS_STOP | KEN_FLAG_GOLD_TOO_LONG | KEN_FLAG_TOO_LONG)) != 0;
}

/* ---- prompts as text, for an engine that takes no others --------------------------------------------------------------- */

static int write_prompts(task *t, ken_err *err)
{
    const ken_setup *setup = t->c->setup;
    const ken_exemplars *ex = setup->shots > 0 ? ken_exemplar_sets_row(t->c->exemplars, t->index) : NULL;
    if (ex != NULL) t->flags |= ex->flags;
    else if (setup->shots > 0) return ken_fail(err, KEN_ESTATE, "relation %s has no exemplars", t->x->relation);
    if (!t->method->by_texts)
        return ken_fail(err, KEN_EUSAGE, "%s gives texts and no probabilities; add `method` sample",
                        t->c->texter->kind->name);
    const char **all = ken_arena_calloc(&t->texts, (size_t)setup->rules.prompts, sizeof *all);
    ken_buf b = {0};
    bool failed = all == NULL;
    for (int i = 0; i < setup->rules.prompts && !failed; i++) {
        const ken_example *shots[KEN_MAX_SHOTS];
        int n = ken_exemplars_get(ex, i, shots);
        ken_buf_clear(&b);
        ken_prompt_text(&setup->style, shots, n, t->x, &b);
        all[i] = b.failed ? NULL : ken_arena_strndup(&t->texts, ken_buf_str(&b), b.len);
        failed = all[i] == NULL;
    }
    t->prompt = all;
    ken_buf_free(&b);
    return failed ? ken_fail_nomem(err, "prompts") : KEN_OK;
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static int start_text(task *t, ken_err *err)
{
    const ken_setup *setup = t->c->setup;
    int rc =
        ken_golds_new(&t->golds, &setup->golds, t->x->answers, t->x->n_answers, t->x->aliases, t->x->n_aliases, err);
    if (rc == KEN_OK) rc = check_golds(t, err);
    if (rc != KEN_OK) return rc;
    if (t->c->texter != NULL) return no_label(t) ? KEN_OK : write_prompts(t, err);
    t->root = ken_alloc((size_t)setup->rules.prompts, sizeof *t->root);
    if (t->root == NULL) return ken_fail_nomem(err, "row");
    bool too_long = false;
    if (!no_label(t)) rc = open_prompts(t, t->x, t->root, &t->n_root, &too_long, err);
    if (too_long) t->flags |= KEN_FLAG_TOO_LONG;
    return rc;
}

static int start_method(task *t, ken_err *err)
{
    const ken_task_context *c = t->c;
    const ken_choice_from pool = ken_choice_exemplars(c->exemplars, c->data, c->other, t->index);
    const ken_method_input in = {.engine = c->engine,
                                 .texter = c->texter,
                                 .prompt = t->prompt,
                                 .setup = c->setup,
                                 .x = t->x,
                                 .golds = &t->golds,
                                 .root = t->root,
                                 .n_root = t->n_root,
                                 .save_paths = c->save_paths,
                                 .pool = &pool};
    return t->method->start(&t->asked, &in, err);
}

static int advance(ken_question *q, ken_err *err);

static void free_task(ken_question *q)
{
    task *t = (task *)q;
    ken_question_free(t->asked);
    ken_question_free(t->guess);
    for (int i = 0; i < t->n_root; i++) ken_engine_release(t->c->engine, t->root[i]);
    for (int i = 0; i < t->n_guess_root; i++) ken_engine_release(t->c->engine, t->guess_root[i]);
    ken_golds_free(&t->golds);
    ken_row_maker_free(&t->maker);
    ken_arena_free(&t->texts);
    ken_free(t->root);
    ken_free(t->guess_root);
    ken_free(t->ids);
    ken_free(t);
}

static const ken_question_kind kind = {"row", GROWTH, advance, free_task};

int ken_task_new(ken_question **out, const ken_task_context *c, const ken_example *x, size_t index, ken_err *err)
{
    *out = NULL;
    task *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "row");
    *t = (task){.question = {&kind}, .c = c, .x = x, .index = index, .flags = x->flags, .p_guess = NAN};
    t->method = x->n_choices > 0 ? &ken_method_choice : c->setup->method;
    int rc = ken_row_maker_init(&t->maker, c->setup, x, err);
    if (x->n_choices > 0) t->flags |= KEN_FLAG_CHOICE;
    if (rc == KEN_OK && t->method->of_text) rc = start_text(t, err);
    t->question.done = no_label(t);
    if (rc == KEN_OK && !t->question.done) rc = start_method(t, err);
    t->question.waits_for = t->asked;
    if (rc != KEN_OK) {
        ken_fail_prefix(err, "row %s", x->id);
        free_task(&t->question);
    } else *out = &t->question;
    return rc;
}

const ken_golds *ken_task_golds(const ken_question *q) { return &((const task *)q)->golds; }

const ken_question *ken_task_asked(const ken_question *q, const ken_node **root, int *n)
{
    const task *t = (const task *)q;
    *root = t->root;
    *n = t->n_root;
    return t->asked;
}

/* ---- guess control (docs/method/knowledge.md#guess-control) ------------------------------------------------------------ */

void ken_control_block(const ken_data *d, size_t index, size_t *first, size_t *n)
{
    size_t all = ken_data_count(d);
    *first = index - index % CONTROL_BLOCK;
    if (all - *first < CONTROL_BLOCK)
        *first = all > CONTROL_BLOCK ? all - CONTROL_BLOCK : 0; /* the last one reaches back */
    *n = all - *first < CONTROL_BLOCK ? all - *first : CONTROL_BLOCK;
}

static int start_guess(task *t, ken_err *err)
{
    const ken_data *d = t->c->data;
    size_t first, n;
    ken_control_block(d, t->index, &first, &n);
    int32_t order[CONTROL_BLOCK];
    char key[300];
    snprintf(key, sizeof key, "control/%.250s", t->x->id);
    ken_shuffle(t->c->setup->rules.seed, key, order, (int32_t)n);
    int subjects = 0;
    t->guess_root = ken_alloc(CONTROL_SUBJECTS * (size_t)t->c->setup->rules.prompts, sizeof *t->guess_root);
    if (t->guess_root == NULL) return ken_fail_nomem(err, "guess control");
    for (size_t i = 0; i < n && subjects < CONTROL_SUBJECTS; i++) {
        const ken_example *y = ken_data_get(d, first + (size_t)order[i]);
        if (strcmp(y->relation, t->x->relation) != 0 || strcmp(y->question, t->x->question) == 0 || y->n_choices > 0)
            continue;
        bool same_gold = false;
        for (int j = 0; j < y->n_answers; j++)
            same_gold |= ken_accept_matches(t->golds.accept, y->answers[j], strlen(y->answers[j]));
        if (same_gold) continue;
        bool too_long;
        const int before = t->n_guess_root;
        int rc = open_prompts(t, y, t->guess_root, &t->n_guess_root, &too_long, err);
        if (rc != KEN_OK) return rc;
        while (too_long && t->n_guess_root > before) ken_engine_release(t->c->engine, t->guess_root[--t->n_guess_root]);
        subjects += t->n_guess_root > before;
    }
    if (subjects == 0) return KEN_OK; /* p_guess stays NaN */
    return ken_walk_new(&t->guess, t->c->engine, &t->c->setup->rules, &t->golds, t->guess_root, t->n_guess_root,
                        KEN_WALK_MASS_ONLY, err);
}

static void finish_guess(task *t)
{
    double sum = 0.0;
    for (int i = 0; i < t->n_guess_root; i++) {
        const ken_walk_prompt *p = ken_walk_get(t->guess, i);
        sum += 0.5 * (p->p_lo + p->p_hi);
    }
    t->p_guess = sum / t->n_guess_root;
}

static int advance(ken_question *q, ken_err *err)
{
    task *t = (task *)q;
    const bool guessing = t->guess != NULL;
    int rc = q->waits_for->kind->advance(q->waits_for, err);
    if (rc == KEN_OK && q->waits_for->done) {
        if (guessing) finish_guess(t);
        else if (t->c->setup->control && t->method->control) rc = start_guess(t, err);
        q->done = guessing || t->guess == NULL;
        if (t->guess != NULL) q->waits_for = t->guess;
    }
    if (rc != KEN_OK) ken_fail_prefix(err, "row %s", t->x->id);
    return rc;
}

/* ---- the finished row ----------------------------------------------------------------------------------------------- */

int ken_task_row(ken_question *q, const ken_example *x, ken_row *out, ken_err *err)
{
    task *t = (task *)q;
    ken_row_begin(&t->maker, x, out);
    /* What the data say of this row, and what the task found out; a duplicate shares the latter. */
    out->flags = x->flags | (t->flags & ~t->x->flags);
    if (t->asked == NULL) return KEN_OK; /* no label: the flags say why */
    int rc = t->method->fill(t->asked, &t->maker, out, err);
    if (rc != KEN_OK) ken_fail_prefix(err, "row %s", t->x->id);
    if (rc == KEN_OK && !isnan(t->p_guess)) {
        out->p_guess = t->p_guess;
        out->lift = log((out->p_t + CONTROL_DELTA) / (t->p_guess + CONTROL_DELTA));
        if (out->greedy_hits > 0 && out->lift < log(2.0)) out->flags |= KEN_FLAG_GUESS;
    }
    return rc;
}
