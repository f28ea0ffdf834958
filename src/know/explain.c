/* explain.c - why a row has its label: ken_explain of ken.h.
 *
 * The row is computed by the very task that annotates, with the walk's paths saved: they carry the answer's mass. What the model would say instead
 * are the likeliest first tokens, each completed greedily (path.h). */
#include "base/alloc.h"
#include "base/options.h"
#include "base/arena.h"
#include "base/flags.h"
#include "know/path.h"
#include "know/task.h"
#include "know/walk.h"
#include "text/unicode.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_INSTEAD = 5 };

typedef struct explainer explainer;

typedef struct answer { /* one first token, completed greedily */
    const explainer *e;
    ken_buf text, tokens;
    double p;
} answer;

struct explainer {
    ken_explanation out; /* what the caller gets, first: ken_explanation_free finds the rest */
    ken_arena arena;
    ken_annotate_options o;
    ken_setup setup;
    ken_example x;
    char **prompts; /* (setup.rules.prompts) */
    ken_net *net;
    ken_engine *engine;
    ken_exemplar_sets *exemplars;
    ken_task_context context;
    ken_question *task;
    const ken_question *walk; /* of the task; NULL = it has no label, and the flags say why */
    const ken_node *root;     /* (n_root) */
    int n_root;
    double *q;       /* (top_k) scratch */
    answer *instead; /* (n_root, N_INSTEAD) */
};

/* ---- text for people ------------------------------------------------------------------------------------------------ */

/* Control bytes as escapes, bytes that are no UTF-8 as <0xNN>. */
static void add_printable(ken_buf *b, const char *s, size_t n)
{
    while (n > 0) {
        int32_t cp;
        int len = ken_utf8_decode(s, n, &cp);
        if (len <= 0) {
            ken_buf_printf(b, "<0x%02X>", (unsigned char)*s);
            len = 1;
        } else if (cp == '\n') ken_buf_puts(b, "\\n");
        else if (cp == '\t') ken_buf_puts(b, "\\t");
        else if (cp == '|') ken_buf_puts(b, "\\|");
        else if (cp < 0x20 || cp == 0x7F) ken_buf_printf(b, "\\x%02X", (unsigned)cp);
        else ken_buf_add(b, s, (size_t)len);
        s += len;
        n -= (size_t)len;
    }
}

static void add_token(const explainer *e, ken_buf *b, int32_t v)
{
    ken_str s = ken_tokenizer_bytes(e->setup.rules.tokenizer, v);
    if (s.n == 0) s = ken_tokenizer_piece(e->setup.rules.tokenizer, v); /* control tokens by name */
    if (b->len > 0) ken_buf_putc(b, '|');
    add_printable(b, s.p, s.n);
}

static const char *save_text(explainer *e, const ken_buf *b)
{
    return b->failed ? NULL : ken_arena_strndup(&e->arena, ken_buf_str(b), b->len);
}

/* ---- the question --------------------------------------------------------------------------------------------------- */

static double setting_number(const ken_run *r, const char *key, double otherwise)
{
    const char *s = ken_run_setting(r, key);
    return s != NULL ? strtod(s, NULL) : otherwise;
}

/* The settings of a run as options. Numbers are checked by ken_settings_check like all others. */
static void options_of_run(ken_annotate_options *o, const ken_run *r)
{
    o->shots = (int)setting_number(r, "shots", o->shots);
    o->prompts = (int)setting_number(r, "prompts", o->prompts);
    o->samples = (int)setting_number(r, "samples", o->samples);
    o->top_k = (int)setting_number(r, "top_k", o->top_k);
    o->max_new = (int)setting_number(r, "max_new", o->max_new);
    o->temperature = setting_number(r, "temperature", o->temperature);
    o->mass_budget = setting_number(r, "mass_budget", o->mass_budget);
    const char *seed = ken_run_setting(r, "seed");
    if (seed != NULL) o->seed = strtoull(seed, NULL, 10);
    if (ken_run_setting(r, "matcher") != NULL) o->matcher = ken_run_setting(r, "matcher");
    if (ken_run_setting(r, "template") != NULL) o->prompt_template = ken_run_setting(r, "template");
    if (ken_run_setting(r, "stop") != NULL) o->stop = ken_run_setting(r, "stop");
    const char *chat = ken_run_setting(r, "chat_template");
    o->chat_template = chat != NULL && strcmp(chat, "none") != 0;
}

static int copy_texts(explainer *e, const char *const *text, int n, const char *const **out, int *n_out, ken_err *err)
{
    const char **list = ken_arena_calloc(&e->arena, (size_t)n + 1, sizeof *list);
    bool failed = list == NULL;
    for (int i = 0; i < n && !failed; i++)
        failed = (list[i] = ken_arena_strndup(&e->arena, text[i], strlen(text[i]))) == NULL;
    *out = list;
    *n_out = n;
    return failed ? ken_fail_nomem(err, "answers") : KEN_OK;
}

static const char *copy(explainer *e, const char *s, bool *failed)
{
    if (s == NULL) return NULL;
    char *d = ken_arena_strndup(&e->arena, s, strlen(s));
    *failed |= d == NULL;
    return d;
}

/* Question, answers and whole prompts from a run. */
static int from_run(explainer *e, const ken_explain_request *q, ken_err *err)
{
    const ken_row *row = ken_run_find(q->run, q->id, err);
    if (row == NULL) return err != NULL ? err->status : KEN_EINPUT;
    if (row->flags & KEN_FLAG_CHOICE)
        return ken_fail(err, KEN_EUSAGE,
                        "%s is a multiple choice row: it has no token paths to explain; see `ken_run_row`", q->id);
    bool failed = false;
    e->x = (ken_example){.id = copy(e, row->id, &failed),
                         .relation = copy(e, row->relation, &failed),
                         .split = copy(e, row->split, &failed),
                         .question = copy(e, row->question, &failed),
                         .subject = copy(e, row->subject, &failed),
                         .popularity = row->popularity,
                         .choice = -1};
    /* the others are found again */
    e->x.flags = row->flags & (ken_flags_by(KEN_FLAG_BY_DATA) | ken_flags_by(KEN_FLAG_BY_EXEMPLARS));
    int rc = failed ? ken_fail_nomem(err, "row")
                    : copy_texts(e, row->answers, row->n_answers, &e->x.answers, &e->x.n_answers, err);
    if (rc == KEN_OK) rc = copy_texts(e, row->aliases, row->n_aliases, &e->x.aliases, &e->x.n_aliases, err);
    for (int i = 0; i < e->setup.rules.prompts && rc == KEN_OK; i++) {
        ken_buf b = {0};
        char *shots = NULL;
        if (e->setup.shots > 0) {
            rc = ken_run_own_set(q->run, e->x.id, i, &shots, err);
            if (rc == KEN_OK && shots == NULL) rc = ken_run_exemplars(q->run, e->x.relation, i, &shots, err);
            if (rc != KEN_OK) return rc;
            ken_buf_puts(&b, shots);
            ken_free(shots);
        }
        ken_prompt_text(&e->setup.style, NULL, 0, &e->x, &b);
        e->prompts[i] = (char *)save_text(e, &b);
        ken_buf_free(&b);
        if (e->prompts[i] == NULL) rc = ken_fail_nomem(err, "prompt");
    }
    return rc;
}

/* Whole prompts for a question of one's own: exemplars of a relation of the data. */
static int from_question(explainer *e, const ken_explain_request *q, ken_err *err)
{
    if (q->data == NULL || ken_data_count(q->data) == 0)
        return ken_fail(err, KEN_EUSAGE, "explain: exemplars are needed; name them with -d DATA");
    if (q->n_answers < 1) return ken_fail(err, KEN_EUSAGE, "explain: `answer` is missing");
    const char *relation = q->relation != NULL ? q->relation : ken_data_get(q->data, 0)->relation;
    ken_exemplar_options x = {.n_sets = e->setup.rules.prompts,
                              .shots = e->setup.shots,
                              .seed = e->setup.exemplar_seed,
                              .exemplars = e->o.exemplars,
                              .fallback = e->o.fallback};
    int rc = ken_exemplar_sets_new(&e->exemplars, q->data, &x, err);
    if (rc != KEN_OK) return rc;
    const ken_example asked = {.relation = relation, .question = q->question};
    const ken_exemplars *ex;
    if (ken_exemplar_sets_question(e->exemplars, &asked, &ex) != KEN_OK) return ken_fail_nomem(err, "exemplars");
    if (ex == NULL && e->setup.shots > 0)
        return ken_fail(err, KEN_EUSAGE, "the data have no relation \"%s\"; see `ken_data_open` for those it has",
                        relation);
    bool failed = false;
    e->x = (ken_example){.id = "question",
                         .relation = copy(e, relation, &failed),
                         .split = "",
                         .question = copy(e, q->question, &failed),
                         .popularity = NAN,
                         .choice = -1,
                         .flags = ex != NULL ? ex->flags : 0};
    rc = failed ? ken_fail_nomem(err, "question")
                : copy_texts(e, q->answers, q->n_answers, &e->x.answers, &e->x.n_answers, err);
    if (rc == KEN_OK &&
        ken_alias_list(q->data, &e->arena, e->x.answers, e->x.n_answers, &e->x.aliases, &e->x.n_aliases) != KEN_OK)
        rc = ken_fail_nomem(err, "aliases");
    for (int i = 0; i < e->setup.rules.prompts && rc == KEN_OK; i++) {
        const ken_example *shots[KEN_MAX_SHOTS];
        int n_shots = ken_exemplars_get(ex, i, shots);
        ken_buf b = {0};
        ken_prompt_text(&e->setup.style, shots, n_shots, &e->x, &b);
        e->prompts[i] = (char *)save_text(e, &b);
        ken_buf_free(&b);
        if (e->prompts[i] == NULL) rc = ken_fail_nomem(err, "prompt");
    }
    return rc;
}

/* ---- what the model would say instead ------------------------------------------------------------------------------- */

static void append_token(void *ctx, int32_t v)
{
    answer *a = ctx;
    add_token(a->e, &a->tokens, v);
}

static int start_instead(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    explainer *e = ctx;
    size_t prompt = i / N_INSTEAD, place = i % N_INSTEAD;
    const ken_request *root = ken_walk_get(e->walk, (int)prompt)->root;
    *q = NULL;
    if ((int32_t)place >= ken_rules_q(&e->setup.rules, root, e->q)) return KEN_OK;
    e->instead[i].e = e;
    const ken_path_options o = {.rules = &e->setup.rules,
                                .first = root->id[place],
                                .first_q = e->q[place],
                                .token = append_token,
                                .ctx = &e->instead[i],
                                .prompt = (int)prompt};
    return ken_path_new(q, e->engine, &o, e->root[prompt], NULL, 0, err);
}

static int take_instead(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    answer *a = &((explainer *)ctx)->instead[i];
    ken_path_end end = ken_path_get(q);
    ken_buf_add(&a->text, end.text, end.n);
    a->p = end.p;
    ken_question_free(q);
    return a->text.failed || a->tokens.failed ? ken_fail_nomem(err, "explanation") : KEN_OK;
}

static int start_row(void *ctx, size_t i, ken_question **q, ken_err *err)
{
    explainer *e = ctx;
    return ken_task_new(q, &e->context, &e->x, i, err);
}

static int take_row(void *ctx, size_t i, ken_question *q, ken_err *err)
{
    (void)i;
    (void)err;
    explainer *e = ctx;
    e->task = q; /* kept: what is explained belongs to it */
    e->walk = ken_task_asked(e->task, &e->root, &e->n_root);
    return KEN_OK;
}

static int ask(explainer *e, ken_err *err)
{
    ken_asking a = {.engine = e->engine, .n = 1, .start = start_row, .result = take_row, .ctx = e};
    int rc = ken_ask_all(&a, err);
    if (rc != KEN_OK || e->walk == NULL) return rc;
    a.n = (size_t)e->n_root * N_INSTEAD;
    a.start = start_instead;
    a.result = take_instead;
    e->q = ken_arena_alloc(&e->arena, (size_t)e->setup.rules.top_k, sizeof *e->q);
    e->instead = ken_arena_calloc(&e->arena, a.n, sizeof *e->instead);
    if (e->q == NULL || e->instead == NULL) return ken_fail_nomem(err, "explanation");
    return ken_ask_all(&a, err);
}

/* ---- the result ----------------------------------------------------------------------------------------------------- */

static int larger_p(const void *a, const void *b)
{
    const ken_path *x = a, *y = b;
    if (x->p != y->p) return x->p > y->p ? -1 : 1;
    return strcmp(x->tokens, y->tokens);
}

static int collect(explainer *e, ken_err *err)
{
    ken_explained_prompt *out = ken_arena_calloc(&e->arena, (size_t)e->n_root, sizeof *out);
    if (out == NULL) return ken_fail_nomem(err, "explanation");
    ken_buf b = {0};
    bool failed = false;
    for (int i = 0; i < e->n_root && !failed; i++) {
        const ken_walk_prompt *w = ken_walk_get(e->walk, i);
        ken_path *accepted = ken_arena_calloc(&e->arena, (size_t)w->n_paths + 1, sizeof *accepted);
        ken_path *instead = ken_arena_calloc(&e->arena, N_INSTEAD, sizeof *instead);
        if (accepted == NULL || instead == NULL) failed = true;
        for (int j = 0; !failed && j < w->n_paths; j++) {
            ken_buf_clear(&b);
            for (int k = 0; k < w->paths[j].n; k++) add_token(e, &b, w->paths[j].token[k]);
            accepted[j] = (ken_path){.tokens = save_text(e, &b), .p = w->paths[j].p, .accepted = true};
            ken_buf_clear(&b);
            add_printable(&b, w->paths[j].text, strlen(w->paths[j].text));
            accepted[j].text = save_text(e, &b);
            failed = accepted[j].tokens == NULL || accepted[j].text == NULL;
        }
        int n = 0;
        for (int j = 0; !failed && j < N_INSTEAD; j++) {
            const answer *a = &e->instead[i * N_INSTEAD + j];
            if (a->tokens.len == 0) continue;
            instead[n] = (ken_path){
                .tokens = save_text(e, &a->tokens),
                .p = a->p,
                .accepted = ken_accept_matches(ken_task_golds(e->task)->accept, ken_buf_str(&a->text), a->text.len)};
            ken_buf_clear(&b);
            add_printable(&b, ken_buf_str(&a->text), a->text.len);
            instead[n].text = save_text(e, &b);
            failed = instead[n].tokens == NULL || instead[n].text == NULL;
            n++;
        }
        if (failed) break;
        qsort(accepted, (size_t)w->n_paths, sizeof *accepted, larger_p);
        qsort(instead, (size_t)n, sizeof *instead, larger_p);
        out[i] = (ken_explained_prompt){.prompt = e->prompts[i],
                                        .accepted = accepted,
                                        .n_accepted = w->n_paths,
                                        .instead = instead,
                                        .n_instead = n};
    }
    ken_buf_free(&b);
    e->out.prompts = out;
    e->out.n_prompts = e->n_root;
    return failed ? ken_fail_nomem(err, "explanation") : KEN_OK;
}

int ken_explain(ken_model *m, const ken_explain_request *q, const ken_annotate_options *o, ken_explanation **out,
                ken_err *err)
{
    *out = NULL;
    ken_err own;
    if (err == NULL) err = &own; /* statuses of pointer-returning calls are read from it */
    if (q->run != NULL && ken_run_need_annotation(q->run, err) != KEN_OK) return err->status;
    explainer *e = ken_calloc(1, sizeof *e);
    if (e == NULL) return ken_fail_nomem(err, "explanation");
    e->o = ken_annotate_defaults();
    int rc = KEN_TAKE_OPTIONS(&e->o, o, ken_annotate_options, err);
    if (rc != KEN_OK) {
        ken_free(e);
        return rc;
    }
    if (q->run != NULL) options_of_run(&e->o, q->run);
    e->o.method = ken_method_exact.name;
    e->o.control = false;
    rc = ken_settings_check(&e->setup, &e->o, m, q->run != NULL ? NULL : q->data, err);
    if (rc == KEN_OK) {
        e->prompts = ken_arena_calloc(&e->arena, (size_t)e->setup.rules.prompts, sizeof *e->prompts);
        rc = e->prompts == NULL ? ken_fail_nomem(err, "prompts")
             : q->run != NULL   ? from_run(e, q, err)
                                : from_question(e, q, err);
    }
    ken_net_options n = {.threads = e->o.threads, .isa = e->setup.isa, .poll = e->o.poll, .ctx = e->o.ctx};
    if (rc == KEN_OK) rc = ken_net_new(&e->net, m, &n, err);
    ken_engine_options eo = {.wave_positions = 512, .slots = 8192};
    if (rc == KEN_OK) rc = ken_engine_new(&e->engine, ken_net_forwarder(e->net), &eo, err);
    e->context = (ken_task_context){.engine = e->engine,
                                    .setup = &e->setup,
                                    .data = q->data,
                                    .prompts = (const char *const *)e->prompts,
                                    .save_paths = true};
    if (rc == KEN_OK) rc = ask(e, err);
    if (rc == KEN_OK && e->walk != NULL) rc = collect(e, err);
    if (rc == KEN_OK) rc = ken_task_row(e->task, &e->x, &e->out.row, err);
    if (rc != KEN_OK) ken_explanation_free(&e->out);
    else *out = &e->out;
    return rc;
}

void ken_explanation_free(ken_explanation *x)
{
    if (x == NULL) return;
    explainer *e = (explainer *)x; /* out is its first member */
    for (int i = 0; e->instead != NULL && i < e->n_root * N_INSTEAD; i++) {
        ken_buf_free(&e->instead[i].text);
        ken_buf_free(&e->instead[i].tokens);
    }
    ken_question_free(e->task);
    ken_settings_free(&e->setup);
    ken_engine_free(e->engine);
    ken_net_free(e->net);
    ken_exemplar_sets_free(e->exemplars);
    ken_arena_free(&e->arena);
    ken_free(e);
}
