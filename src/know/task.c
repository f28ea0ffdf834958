/* task.c - see task.h. A task owns what its row needs (automata, prompts as trie nodes, the walk) and turns the outcome into a ken_row.
 *
 * Rows that cannot have a label (spec/slick.md 7.6) are finished at once, without a forward. */
#include "know/task.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "know/category.h"
#include "know/choice.h"
#include "know/sample.h"
#include "know/walk.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CONTROL_SUBJECTS = 4, CONTROL_BLOCK = 64, N_OTHER = 5 };
#define CONTROL_DELTA 1e-4 /* d of spec/slick.md 7.8 */

struct ken_task {
    const ken_task_context *c;
    const ken_example *x;
    size_t index;
    uint32_t flags;
    ken_golds golds;
    ken_node *root; /* (n_root) held */
    int n_root;
    ken_node *guess_root; /* (n_guess_root) held */
    int n_guess_root;
    ken_walk *walk, *guess;
    ken_sampler *sampler;
    ken_choice *choice;
    double p_guess;
    bool done;
    int32_t *ids; /* scratch for encoding */
    size_t cap_ids;
    ken_arena arena; /* of the row handed out */
    ken_prompt_row *rows;
    bool *hit;       /* (prompts) */
    double *lo, *hi; /* (prompts) */
    int *hits, *taken;
};

/* ---- prompts -------------------------------------------------------------------------------------------------------- */

/* Encodes prompt number `set` for x and holds its last node. *too_long instead of a node when it does not fit the model's context. */
static int open_prompt(ken_task *t, const ken_exemplars *ex, int set, const ken_example *x, ken_node *out,
                       bool *too_long, ken_err *err)
{
    const ken_example *shots[KEN_MAX_SHOTS];
    int n_shots = ken_exemplars_get(ex, set, shots);
    const ken_plan_of_run *plan = t->c->plan;
    size_t n = 0;
    int rc;
    if (t->c->prompts != NULL)
        rc = ken_prompt_encode_text(&plan->style, plan->rules.tokenizer, t->c->prompts[set], &t->ids, &n, &t->cap_ids,
                                    err);
    else rc = ken_prompt_encode(&plan->style, plan->rules.tokenizer, shots, n_shots, x, &t->ids, &n, &t->cap_ids, err);
    if (rc != KEN_OK) return rc;
    if (n == 0) return ken_fail(err, KEN_EINPUT, "an empty prompt (a template of nothing?)");
    *too_long = n + (size_t)plan->rules.max_new > (size_t)ken_engine_longest(t->c->engine);
    if (*too_long) return KEN_OK;
    return ken_engine_extend(t->c->engine, KEN_TRIE_ROOT, t->ids, n, out, err);
}

/* Opens all prompts for x; roots (n) out, *n counts those that are held even when this fails. */
static int open_prompts(ken_task *t, const ken_example *x, ken_node *root, int *n, bool *too_long, ken_err *err)
{
    const ken_exemplars *ex = NULL;
    *too_long = false;
    if (t->c->plan->shots > 0 && t->c->prompts == NULL) {
        ex = ken_exemplar_plan_for(t->c->exemplars, x->relation);
        if (ex == NULL) return ken_fail(err, KEN_ESTATE, "relation %s has no exemplars", x->relation);
        t->flags |= ex->flags;
    }
    for (int i = 0; i < t->c->plan->rules.prompts && !*too_long; i++) {
        int rc = open_prompt(t, ex, i, x, &root[*n], too_long, err);
        if (rc != KEN_OK) return rc;
        if (!*too_long) ++*n;
    }
    return KEN_OK;
}

/* ---- rows that cannot match ----------------------------------------------------------------------------------------- */

/* Tokens of the shortest gold as an answer: with the space that follows "A:". */
static int shortest_gold(ken_task *t, size_t *shortest, ken_err *err)
{
    ken_buf b = {0};
    *shortest = SIZE_MAX;
    int rc = KEN_OK;
    for (int i = 0; i < t->x->n_answers && rc == KEN_OK; i++) {
        size_t n = 0;
        ken_buf_clear(&b);
        ken_buf_printf(&b, " %s", t->x->answers[i]);
        if (b.failed) rc = ken_fail_nomem(err, "answer");
        else
            rc = ken_tokenizer_encode(t->c->plan->rules.tokenizer, ken_buf_str(&b), b.len, 0, &t->ids, &n, &t->cap_ids,
                                      err);
        if (rc == KEN_OK && n < *shortest) *shortest = n;
    }
    ken_buf_free(&b);
    return rc;
}

static int check_golds(ken_task *t, ken_err *err)
{
    size_t n;
    int rc = shortest_gold(t, &n, err);
    if (rc != KEN_OK) return rc;
    if (n > (size_t)t->c->plan->rules.max_new) t->flags |= KEN_FLAG_GOLD_TOO_LONG;
    if (ken_golds_hold_stop(&t->c->plan->golds, t->x->answers, t->x->n_answers)) t->flags |= KEN_FLAG_GOLD_HAS_STOP;
    return KEN_OK;
}

static bool no_label(const ken_task *t)
{
    return (t->flags & (KEN_FLAG_GOLD_HAS_STOP | KEN_FLAG_GOLD_TOO_LONG | KEN_FLAG_TOO_LONG)) != 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static int start_text(ken_task *t, ken_err *err)
{
    const ken_plan_of_run *plan = t->c->plan;
    int rc =
        ken_golds_new(&t->golds, &plan->golds, t->x->answers, t->x->n_answers, t->x->aliases, t->x->n_aliases, err);
    if (rc == KEN_OK) rc = check_golds(t, err);
    if (rc != KEN_OK) return rc;
    t->root = ken_alloc((size_t)plan->rules.prompts, sizeof *t->root);
    if (t->root == NULL) return ken_fail_nomem(err, "row");
    bool too_long = false;
    if (!no_label(t)) rc = open_prompts(t, t->x, t->root, &t->n_root, &too_long, err);
    if (too_long) t->flags |= KEN_FLAG_TOO_LONG;
    t->done = no_label(t);
    if (rc != KEN_OK || t->done) return rc;
    if (plan->sample)
        return ken_sampler_new(&t->sampler, t->c->engine, &plan->rules, &t->golds, t->root, t->n_root, t->x->id, err);
    return ken_walk_new(&t->walk, t->c->engine, &plan->rules, &t->golds, t->root, t->n_root, 0, err);
}

static int start_choice(ken_task *t, ken_err *err)
{
    t->flags |= KEN_FLAG_CHOICE;
    const ken_data *other = t->c->other;
    return ken_choice_new(&t->choice, t->c->engine, t->c->plan, other != NULL ? other : t->c->data, other != NULL, t->x,
                          err);
}

int ken_task_new(ken_task **out, const ken_task_context *c, const ken_example *x, size_t index, ken_err *err)
{
    *out = NULL;
    ken_task *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "row");
    *t = (ken_task){.c = c, .x = x, .index = index, .p_guess = NAN};
    t->flags = t->x->flags;
    size_t n = (size_t)c->plan->rules.prompts;
    t->rows = ken_calloc(n, sizeof *t->rows);
    t->hit = ken_calloc(n, sizeof *t->hit);
    t->lo = ken_calloc(n, sizeof *t->lo);
    t->hi = ken_calloc(n, sizeof *t->hi);
    t->hits = ken_calloc(n, sizeof *t->hits);
    t->taken = ken_calloc(n, sizeof *t->taken);
    int rc = KEN_OK;
    if (t->rows == NULL || t->hit == NULL || t->lo == NULL || t->hi == NULL || t->hits == NULL || t->taken == NULL)
        rc = ken_fail_nomem(err, "row");
    if (rc == KEN_OK) rc = t->x->n_choices > 0 ? start_choice(t, err) : start_text(t, err);
    if (rc != KEN_OK) {
        ken_fail_prefix(err, "row %s", t->x->id);
        ken_task_free(t);
    } else *out = t;
    return rc;
}

void ken_task_free(ken_task *t)
{
    if (t == NULL) return;
    ken_walk_free(t->walk);
    ken_walk_free(t->guess);
    ken_sampler_free(t->sampler);
    ken_choice_free(t->choice);
    for (int i = 0; i < t->n_root; i++) ken_engine_release(t->c->engine, t->root[i]);
    for (int i = 0; i < t->n_guess_root; i++) ken_engine_release(t->c->engine, t->guess_root[i]);
    ken_golds_free(&t->golds);
    void *all[] = {t->root, t->guess_root, t->ids, t->rows, t->hit, t->lo, t->hi, t->hits, t->taken};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_arena_free(&t->arena);
    ken_free(t);
}

bool ken_task_done(const ken_task *t) { return t->done; }

int32_t ken_task_waiting(const ken_task *t)
{
    if (t->guess != NULL) return ken_walk_waiting(t->guess);
    if (t->walk != NULL) return ken_walk_waiting(t->walk);
    if (t->sampler != NULL) return ken_sampler_waiting(t->sampler);
    return t->choice != NULL ? ken_choice_waiting(t->choice) : 0;
}

/* ---- guess control (spec/slick.md 7.8) ------------------------------------------------------------------------------ */

void ken_control_block(const ken_data *d, size_t index, size_t *first, size_t *n)
{
    size_t all = ken_data_count(d);
    *first = index - index % CONTROL_BLOCK;
    if (all - *first < CONTROL_BLOCK)
        *first = all > CONTROL_BLOCK ? all - CONTROL_BLOCK : 0; /* the last one reaches back */
    *n = all - *first < CONTROL_BLOCK ? all - *first : CONTROL_BLOCK;
}

static int start_guess(ken_task *t, ken_err *err)
{
    const ken_data *d = t->c->data;
    size_t first, n;
    ken_control_block(d, t->index, &first, &n);
    int32_t order[CONTROL_BLOCK];
    char key[300];
    snprintf(key, sizeof key, "control/%.250s", t->x->id);
    ken_shuffle(t->c->plan->rules.seed, key, order, (int32_t)n);
    int prompts = t->c->plan->rules.prompts, subjects = 0;
    t->guess_root = ken_alloc(CONTROL_SUBJECTS * (size_t)prompts, sizeof *t->guess_root);
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
        int rc = open_prompts(t, y, t->guess_root, &t->n_guess_root, &too_long, err);
        if (rc != KEN_OK) return rc;
        if (!too_long) subjects++;
        while (t->n_guess_root > subjects * prompts) ken_engine_release(t->c->engine, t->guess_root[--t->n_guess_root]);
    }
    if (subjects == 0) return KEN_OK; /* p_guess stays NaN */
    return ken_walk_new(&t->guess, t->c->engine, &t->c->plan->rules, &t->golds, t->guess_root, t->n_guess_root,
                        KEN_WALK_MASS_ONLY, err);
}

static void finish_guess(ken_task *t)
{
    double sum = 0.0;
    for (int i = 0; i < t->n_guess_root; i++) {
        const ken_walk_prompt *p = ken_walk_get(t->guess, i);
        sum += 0.5 * (p->p_lo + p->p_hi);
    }
    t->p_guess = sum / t->n_guess_root;
}

int ken_task_advance(ken_task *t, ken_err *err)
{
    int rc = KEN_OK;
    if (t->guess != NULL) {
        rc = ken_walk_advance(t->guess, err);
        if (rc == KEN_OK && ken_walk_done(t->guess)) {
            finish_guess(t);
            t->done = true;
        }
    } else if (t->walk != NULL) {
        rc = ken_walk_advance(t->walk, err);
        if (rc == KEN_OK && ken_walk_done(t->walk)) {
            if (t->c->plan->control) rc = start_guess(t, err);
            t->done = t->guess == NULL;
        }
    } else if (t->sampler != NULL) {
        rc = ken_sampler_advance(t->sampler, err);
        t->done = rc == KEN_OK && ken_sampler_done(t->sampler);
    } else t->done = true;
    if (rc != KEN_OK) ken_fail_prefix(err, "row %s", t->x->id);
    return rc;
}

/* ---- the finished row ----------------------------------------------------------------------------------------------- */

static const char *clean(ken_task *t, const char *s, size_t n) { return ken_answer_text(&t->arena, s, n); }

static int fill_prompt(ken_task *t, ken_prompt_row *o, const ken_walk_prompt *p, int *abstain, ken_err *err)
{
    const ken_rules *r = &t->c->plan->rules;
    *o = (ken_prompt_row){.greedy_hit = p->hit,
                          .greedy_hit_raw = p->hit_raw,
                          .finish = "",
                          .text_p = NAN,
                          .margin = p->margin,
                          .top_gap = p->top_gap,
                          .p_lo = p->p_lo,
                          .p_hi = p->p_hi,
                          .raw_lo = p->raw_lo,
                          .raw_hi = p->raw_hi,
                          .samples = r->samples};
    if (p->text != NULL) {
        o->text = clean(t, p->text, p->n_text);
        o->finish = ken_finish_name(r, p->finish);
        o->text_p = p->text_p;
        if (o->text == NULL) return ken_fail_nomem(err, "row");
        *abstain += ken_abstains(&t->c->plan->golds, p->text, p->n_text);
    }
    double *q = ken_arena_alloc(&t->arena, (size_t)r->top_k, sizeof *q);
    if (q == NULL) return ken_fail_nomem(err, "row");
    int32_t n = ken_rules_q(r, p->root, q);
    for (int32_t i = 0; i < n && i < N_OTHER; i++) {
        ken_str b = ken_tokenizer_bytes(r->tokenizer, p->root->id[i]);
        if (ken_tokenizer_is_end(r->tokenizer, p->root->id[i])) b = ken_tokenizer_piece(r->tokenizer, p->root->id[i]);
        o->other[i].text = clean(t, b.p, b.n);
        o->other[i].p = q[i];
        if (o->other[i].text == NULL) return ken_fail_nomem(err, "row");
        o->n_other = (int)i + 1;
    }
    return KEN_OK;
}

static int fill_drawn(ken_task *t, ken_prompt_row *o, const ken_sample_prompt *s, ken_err *err)
{
    ken_drawn *d = ken_arena_alloc(&t->arena, (size_t)s->n_drawn, sizeof *d);
    if (d == NULL) return ken_fail_nomem(err, "row");
    for (int i = 0; i < s->n_drawn; i++) {
        d[i] = s->drawn[i];
        d[i].text = clean(t, s->drawn[i].text, strlen(s->drawn[i].text));
        if (d[i].text == NULL) return ken_fail_nomem(err, "row");
    }
    o->drawn = d;
    o->n_drawn = s->n_drawn;
    o->hits = s->hits;
    return KEN_OK;
}

static int fill_choice(ken_task *t, ken_row *out, ken_err *err)
{
    int n = t->c->plan->rules.prompts;
    double *margin = ken_arena_alloc(&t->arena, (size_t)n, sizeof *margin);
    if (margin == NULL) return ken_fail_nomem(err, "row");
    int rc = ken_choice_result(t->choice, t->hit, t->lo, margin, t->taken, err);
    if (rc != KEN_OK) return ken_fail_prefix(err, "row %s", t->x->id);
    out->min_margin = INFINITY;
    out->p_t = 0.0;
    for (int i = 0; i < n; i++) {
        t->rows[i] = (ken_prompt_row){.greedy_hit = t->hit[i],
                                      .greedy_hit_raw = t->hit[i],
                                      .text = t->x->choices[t->taken[i]],
                                      .finish = "",
                                      .text_p = NAN,
                                      .margin = margin[i],
                                      .top_gap = NAN,
                                      .p_lo = t->lo[i],
                                      .p_hi = t->lo[i],
                                      .raw_lo = t->lo[i],
                                      .raw_hi = t->lo[i]};
        out->greedy_hits += t->hit[i];
        out->p_t += t->lo[i] / n;
        out->min_margin = fmin(out->min_margin, margin[i]);
    }
    out->method = "choice";
    out->p_t0 = (double)out->greedy_hits / n;
    out->p_t_lo = out->p_t_hi = out->p_t;
    double chance = 1.0 / t->x->n_choices;
    out->score = (out->p_t - chance) / (1.0 - chance); /* spec/slick.md 9.2 */
    return KEN_OK;
}

int ken_task_row(ken_task *t, const ken_example *x, ken_row *out, ken_err *err)
{
    const ken_rules *r = &t->c->plan->rules;
    ken_arena_reset(&t->arena);
    *out = (ken_row){.id = x->id,
                     .relation = x->relation,
                     .split = x->split,
                     .question = x->question,
                     .subject = x->subject,
                     .answers = x->answers,
                     .n_answers = x->n_answers,
                     .aliases = x->aliases,
                     .n_aliases = t->c->plan->golds.matcher.kind->uses_aliases ? x->n_aliases : 0,
                     .popularity = x->popularity,
                     .category = KEN_UNLABELLED,
                     .category_mode = KEN_UNLABELLED,
                     .p_t0 = NAN,
                     .p_t = NAN,
                     .p_t_lo = NAN,
                     .p_t_hi = NAN,
                     .prompts = r->prompts,
                     .samples = r->prompts * r->samples,
                     .p_unknown = NAN,
                     .p_unknown_lo = NAN,
                     .p_unknown_hi = NAN,
                     .p_flip = NAN,
                     .min_margin = NAN,
                     .p_guess = NAN,
                     .lift = NAN,
                     .score = NAN,
                     .method = t->c->plan->sample ? "sample" : "exact",
                     .prompt_rows = t->rows};
    /* What the data say of this row, and what the task found out; a duplicate shares the latter. */
    out->flags = x->flags | (t->flags & ~t->x->flags);
    if (t->choice != NULL) {
        out->samples = 0;
        out->n_prompt_rows = r->prompts;
        return fill_choice(t, out, err);
    }
    if (t->walk == NULL && t->sampler == NULL) return KEN_OK; /* no label: the flags say why */

    out->min_margin = INFINITY;
    for (int i = 0; i < r->prompts; i++) {
        const ken_sample_prompt *s = t->sampler != NULL ? ken_sampler_get(t->sampler, i) : NULL;
        const ken_walk_prompt *p = s != NULL ? &s->greedy : ken_walk_get(t->walk, i);
        int rc = fill_prompt(t, &t->rows[i], p, &out->abstain_hits, err);
        if (rc == KEN_OK && s != NULL) rc = fill_drawn(t, &t->rows[i], s, err);
        if (rc != KEN_OK) return rc;
        t->hit[i] = p->hit;
        t->lo[i] = p->p_lo;
        t->hi[i] = p->p_hi;
        t->hits[i] = t->rows[i].hits;
        out->min_margin = fmin(out->min_margin, p->margin);
    }
    out->n_prompt_rows = r->prompts;
    ken_knowledge k;
    if (t->sampler != NULL) ken_categorize_sampled(&k, t->hit, t->hits, r->prompts, r->samples);
    else ken_categorize_exact(&k, t->hit, t->lo, t->hi, r->prompts, r->samples, r->seed, x->id, t->hits);
    for (int i = 0; i < r->prompts; i++) t->rows[i].hits = t->hits[i];
    out->category = k.category;
    out->category_mode = k.category_mode;
    out->p_t0 = k.p_t0;
    out->p_t = k.p_t;
    out->p_t_lo = k.p_t_lo;
    out->p_t_hi = k.p_t_hi;
    out->greedy_hits = k.greedy_hits;
    out->sample_hits = k.sample_hits;
    out->p_unknown = k.p_unknown;
    out->p_unknown_lo = k.p_unknown_lo;
    out->p_unknown_hi = k.p_unknown_hi;
    out->p_flip = k.p_flip;
    if (k.unsettled) out->flags |= KEN_FLAG_UNSETTLED;
    if (t->walk != NULL && ken_walk_open_mass(t->walk)) out->flags |= KEN_FLAG_OPEN_MASS;
    if (!isnan(t->p_guess)) {
        out->p_guess = t->p_guess;
        out->lift = log((out->p_t + CONTROL_DELTA) / (t->p_guess + CONTROL_DELTA));
        if (out->greedy_hits > 0 && out->lift < log(2.0)) out->flags |= KEN_FLAG_GUESS;
    }
    return KEN_OK;
}
