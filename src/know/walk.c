/* walk.c - the walk of docs/method/knowledge.md#exact-bound, all prompts of a row in step; see walk.h.
 *
 * A hypothesis is a token path below a root whose text is viable: it can still become an accepted answer. Its reach rho is the probability
 * that a sampled answer begins with it. It is open (not forwarded), asked for, or scored.
 *
 * Invariant, for each prompt between steps, when nothing is asked for:
 *
 *     mass accepted + mass ruled out + mass open = 1,   mass open = sum of the reaches of the open hypotheses
 *
 * At first only the root is there, with reach 1. Scoring a node divides its reach among its top_k children, whose q sum to 1: a child that
 * ends an answer goes to accepted or to ruled out, a running child that is viable becomes open with reach rho q, one that is not is ruled out,
 * for no continuation of it is accepted. At max_new tokens an open node is an answer. So nothing is lost and nothing counted twice: no path of
 * tokens has two places in the tree.
 *
 * What is open will be accepted in part, none of it at least and all of it at most. Hence the bounds of P_Correct of the prompt,
 *
 *     p_lo = mass accepted,   p_hi = p_lo + mass open = 1 - mass ruled out;
 *
 * p_lo only grows and p_hi only falls. raw_lo and raw_hi are the same for answers that em-raw accepts too. The walk ends when p_hi - p_lo,
 * summed over the prompts, fits the budget: the mean over prompts is then known to budget / prompts, and any function of the prompts' P that
 * changes by at most c per unit of one of them, to c budget.
 *
 * A step forwards all open nodes but the smallest, whose reaches together fit half the budget; the other half is for what the children of
 * those that are forwarded leave open. This replaces rounds of a falling cut: the same bound with fewer
 * forwards and fewer steps, because no round overshoots and no step waits for a depth. What is scored when depends on reaches
 * alone, and within a step nodes are scored by prompt, depth and token ids: never in the order of arrival.
 *
 * The greedy answer is followed on the same paths while it is viable, whatever its reach; after that its text is completed separately. */
#include "know/walk.h"
#include "base/alloc.h"
#include "base/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAST_REACH 1e-7 /* smaller nodes are never forwarded for their mass */
#define SPARED     0.5 /* share of the budget that the nodes left open by a step may have; 0.25 and 0.75 cost as much */
#define BUDGET_MISS                                                                                                    \
    1.25e-3 /* g = 0 (no greedy hit): p_unknown = product of (1 - P)^16 moves by at most 16 * budget = 0.02 */
#define BUDGET_HIT    1e-2 /* g > 0: the category is certain without samples, the mean P of ten prompts is known to 1e-3 */
#define MAX_FORWARDED 4096

typedef struct hyp { /* a hypothesis */
    int32_t parent;  /* index in prompt.hyp; -1 for the root */
    int32_t token;
    int32_t depth;
    bool greedy; /* on the greedy path */
    ken_node node;
    double rho; /* reach: product of q along the path, which is P(an answer begins with it) */
    const char *text;
    size_t n_text;
    double gap; /* smallest gap at top_k on the path, this node included once it is scored */
    ken_request *asked;
} hyp;

typedef struct list {
    int32_t *at;
    size_t n, cap;
} list;

typedef struct prompt {
    ken_walk_prompt out;
    hyp *h;
    size_t n_h, cap_h;
    list asked;   /* nodes being forwarded, by depth and path */
    list open;    /* nodes not forwarded */
    bool verdict; /* the greedy answer is known to be right or wrong */
    double greedy_p;
    /* completion of a greedy answer that is not viable any more */
    ken_node tail; /* its last node so far, held; -1 = none */
    int32_t tail_depth;
    char *tail_text; /* arena */
    size_t tail_n;
    ken_request *tail_asked;
    bool text_done;
    ken_walk_path *paths;
    size_t n_paths, cap_paths;
} prompt;

typedef struct pick { /* an open node among those of all prompts */
    double rho;
    int32_t prompt, at;
} pick;

typedef struct walk {
    ken_question question;
    ken_engine *engine;
    const ken_rules *rules;
    const ken_golds *golds;
    unsigned flags;
    int n;
    prompt *p; /* (n) */
    ken_arena arena;
    bool open_mass, walking;
    double *q;  /* (top_k) scratch */
    pick *pick; /* (n_pick) scratch: the open nodes of all prompts */
    size_t n_pick, cap_pick;
} walk;

static int nomem(ken_err *err) { return ken_fail_nomem(err, "walk"); }

static int push(list *l, int32_t v)
{
    if (ken_grow((void **)&l->at, &l->cap, l->n + 1, sizeof *l->at) != 0) return -1;
    l->at[l->n++] = v;
    return 0;
}

/* ---- making and unmaking -------------------------------------------------------------------------------------------- */

static int ask(walk *w, ken_node node, ken_request **slot, ken_err *err)
{
    ken_request *q = ken_request_new(w->rules, node, &w->question.waiting);
    if (q == NULL) return nomem(err);
    int rc = ken_engine_ask(w->engine, q, err);
    if (rc != KEN_OK) {
        ken_request_free(q);
        return rc;
    }
    *slot = q;
    return KEN_OK;
}

static int advance(ken_question *q, ken_err *err);
static void free_walk(ken_question *q);
static const ken_question_kind kind = {"walk", 1.7, advance, free_walk};

int ken_walk_new(ken_question **out, ken_engine *e, const ken_rules *r, const ken_golds *g, const ken_node *roots,
                 int n, unsigned flags, ken_err *err)
{
    *out = NULL;
    walk *w = ken_calloc(1, sizeof *w);
    if (w == NULL) return nomem(err);
    *w = (walk){.question = {&kind}, .engine = e, .rules = r, .golds = g, .flags = flags, .walking = true};
    w->p = ken_calloc((size_t)n, sizeof *w->p);
    w->q = ken_alloc((size_t)r->top_k, sizeof *w->q);
    int rc = w->p == NULL || w->q == NULL ? nomem(err) : KEN_OK;
    if (w->p != NULL) w->n = n;
    for (int i = 0; i < w->n; i++) w->p[i].tail = -1;
    for (int i = 0; i < n && rc == KEN_OK; i++) {
        prompt *p = &w->p[i];
        p->greedy_p = 1.0;
        p->out.margin = p->out.top_gap = INFINITY;
        bool mass_only = (flags & KEN_WALK_MASS_ONLY) != 0;
        p->verdict = p->text_done = mass_only;
        if (ken_grow((void **)&p->h, &p->cap_h, 1, sizeof *p->h) != 0 || push(&p->asked, 0) != 0) {
            rc = nomem(err);
            break;
        }
        p->n_h = 1;
        p->h[0] = (hyp){
            .parent = -1, .token = -1, .greedy = !mass_only, .node = roots[i], .rho = 1.0, .text = "", .gap = INFINITY};
        p->out.forwarded = 1;
        rc = ask(w, roots[i], &p->h[0].asked, err);
        if (rc != KEN_OK) ken_fail_prefix(err, "prompt %d", i + 1);
    }
    if (rc != KEN_OK) free_walk(&w->question);
    else *out = &w->question;
    return rc;
}

static void free_walk(ken_question *question)
{
    walk *w = (walk *)question;
    for (int i = 0; i < w->n; i++) {
        prompt *p = &w->p[i];
        for (size_t j = 0; j < p->n_h; j++) {
            if (j > 0 && p->h[j].node >= 0) ken_engine_release(w->engine, p->h[j].node);
            ken_request_free(p->h[j].asked);
        }
        if (p->tail >= 0) ken_engine_release(w->engine, p->tail);
        ken_request_free(p->tail_asked);
        ken_free(p->h);
        ken_free(p->asked.at);
        ken_free(p->open.at);
        ken_free(p->paths);
    }
    ken_free(w->p);
    ken_free(w->q);
    ken_free(w->pick);
    ken_arena_free(&w->arena);
    ken_free(w);
}

/* ---- order ---------------------------------------------------------------------------------------------------------- */

/* Lexicographic by token ids, for two paths of one depth. */
static int compare_paths(const hyp *h, int32_t a, int32_t b)
{
    if (a == b) return 0;
    int up = compare_paths(h, h[a].parent, h[b].parent);
    if (up != 0) return up;
    return h[a].token < h[b].token ? -1 : 1;
}

static int by_depth_then_path(const void *a, const void *b, void *ctx)
{
    const hyp *h = ctx;
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    if (h[x].depth != h[y].depth) return h[x].depth < h[y].depth ? -1 : 1;
    return compare_paths(h, x, y);
}

static void sort_list(list *l, hyp *h)
{
    if (l->n > 1) qsort_r(l->at, l->n, sizeof *l->at, by_depth_then_path, h);
}

/* Smallest reach first; ties by prompt, depth and path, which no two nodes share. */
static int by_reach(const void *a, const void *b, void *ctx)
{
    const walk *w = ctx;
    const pick *x = a, *y = b;
    if (x->rho != y->rho) return x->rho < y->rho ? -1 : 1;
    if (x->prompt != y->prompt) return x->prompt < y->prompt ? -1 : 1;
    return by_depth_then_path(&x->at, &y->at, w->p[x->prompt].h);
}

/* ---- scoring -------------------------------------------------------------------------------------------------------- */

static int save_path(walk *w, prompt *p, const hyp *h, int32_t last, const char *text, size_t n, double mass,
                     ken_err *err)
{
    if ((w->flags & KEN_WALK_SAVE_PATHS) == 0) return KEN_OK;
    if (ken_grow((void **)&p->paths, &p->cap_paths, p->n_paths + 1, sizeof *p->paths) != 0) return nomem(err);
    int32_t len = h->depth + (last >= 0);
    int32_t *tok = ken_arena_alloc(&w->arena, (size_t)len + 1, sizeof *tok);
    char *copy = ken_arena_strndup(&w->arena, text, n);
    if (tok == NULL || copy == NULL) return nomem(err);
    if (last >= 0) tok[len - 1] = last;
    for (int32_t d = h->depth; d > 0; d--) {
        tok[d - 1] = h->token;
        h = &p->h[h->parent];
    }
    p->paths[p->n_paths++] = (ken_walk_path){tok, len, copy, mass};
    return KEN_OK;
}

/* An answer ended below h with probability `mass`: adds it where it is accepted. */
static int score_answer(walk *w, prompt *p, const hyp *h, int32_t last, const char *text, size_t n, double mass,
                        ken_err *err)
{
    if (!ken_accept_matches(w->golds->accept, text, n)) return KEN_OK;
    p->out.p_lo += mass;
    if (h->gap < p->out.top_gap) p->out.top_gap = h->gap;
    if ((w->flags & KEN_WALK_MASS_ONLY) == 0 && ken_accept_matches(w->golds->raw, text, n)) p->out.raw_lo += mass;
    return save_path(w, p, h, last, text, n, mass, err);
}

static int finish_greedy(walk *w, prompt *p, const char *text, size_t n, ken_finish f, ken_err *err)
{
    if (!p->verdict) { /* viable to its end: this text decides */
        p->out.hit = ken_accept_matches(w->golds->accept, text, n);
        p->out.hit_raw = ken_accept_matches(w->golds->raw, text, n);
        p->verdict = true;
    }
    if (w->rules->texts) {
        p->out.text = ken_arena_strndup(&w->arena, text, n);
        if (p->out.text == NULL) return nomem(err);
        p->out.n_text = n;
        p->out.text_p = p->greedy_p;
        p->out.finish = f;
    }
    p->text_done = true;
    return KEN_OK;
}

/* One more token of a greedy text that is not viable any more: v after text x of n bytes at `node`. */
static int continue_tail(walk *w, prompt *p, ken_node node, int32_t depth, const char *x, size_t n, int32_t v,
                         ken_err *err)
{
    ken_str b;
    size_t len;
    ken_finish f = ken_rules_step(w->rules, x, n, v, &b, &len);
    char *text = ken_arena_alloc(&w->arena, n + b.n + 1, 1);
    if (text == NULL) return nomem(err);
    memcpy(text, x, n);
    if (b.n > 0) memcpy(text + n, b.p, b.n);
    if (f != KEN_RUNNING) return finish_greedy(w, p, text, len, f, err);
    if (depth + 1 == w->rules->max_new) return finish_greedy(w, p, text, len, KEN_FINISH_LENGTH, err);
    ken_node child;
    int rc = ken_engine_extend(w->engine, node, &v, 1, &child, err);
    if (rc != KEN_OK) return rc;
    if (p->tail >= 0) ken_engine_release(w->engine, p->tail);
    p->tail = child;
    p->tail_depth = depth + 1;
    p->tail_text = text;
    p->tail_n = len;
    return ask(w, child, &p->tail_asked, err);
}

/* The best token after a node on the greedy path: margin, probability, verdict. */
static int follow_greedy(walk *w, prompt *p, const hyp *h, const ken_request *a, ken_err *err)
{
    int32_t v = a->id[0];
    double margin = a->n > 1 ? (double)a->logit[0] - (double)a->logit[1] : INFINITY;
    if (margin < p->out.margin) p->out.margin = margin;
    p->greedy_p *= w->q[0];
    ken_str b;
    size_t len;
    ken_finish f = ken_rules_step(w->rules, h->text, h->n_text, v, &b, &len);
    if (f == KEN_FINISH_EOS) return finish_greedy(w, p, h->text, h->n_text, f, err);
    char *text = ken_arena_alloc(&w->arena, h->n_text + b.n + 1, 1);
    if (text == NULL) return nomem(err);
    memcpy(text, h->text, h->n_text);
    if (b.n > 0) memcpy(text + h->n_text, b.p, b.n);
    if (f == KEN_FINISH_STOP) return finish_greedy(w, p, text, len, f, err);
    return KEN_OK; /* the child is pushed with the viable ones, or by leave_greedy */
}

/* The greedy child is not viable: the verdict is "wrong"; its text is completed separately when texts are asked for. */
static int leave_greedy(walk *w, prompt *p, const hyp *h, int32_t v, ken_err *err)
{
    p->out.hit = p->out.hit_raw = false;
    p->verdict = true;
    if (!w->rules->texts) {
        p->text_done = true;
        return KEN_OK;
    }
    return continue_tail(w, p, h->node, h->depth, h->text, h->n_text, v, err);
}

static int add_child(walk *w, prompt *p, int32_t up, int32_t v, double rho, bool greedy, const char *text, size_t n,
                     ken_err *err)
{
    if (ken_grow((void **)&p->h, &p->cap_h, p->n_h + 1, sizeof *p->h) != 0) return nomem(err);
    char *copy = ken_arena_strndup(&w->arena, text, n);
    if (copy == NULL || push(&p->open, (int32_t)p->n_h) != 0) return nomem(err);
    const hyp *h = &p->h[up];
    p->h[p->n_h++] = (hyp){.parent = up,
                           .token = v,
                           .depth = h->depth + 1,
                           .greedy = greedy,
                           .node = -1,
                           .rho = rho,
                           .text = copy,
                           .n_text = n,
                           .gap = h->gap};
    return KEN_OK;
}

/* Scores the answered node `at`: divides its reach among its children, as the invariant says. Ended and accepted: p_lo; viable: open; all others are
 * ruled out, which is not summed. */
static int score_node(walk *w, int number, int32_t at, ken_err *err)
{
    prompt *p = &w->p[number];
    const ken_request *a = p->h[at].asked;
    int rc = ken_rules_check(a, number, p->h[at].depth, err);
    if (rc != KEN_OK) return rc;
    int32_t n = ken_rules_q(w->rules, a, w->q);
    if (a->n > w->rules->top_k) {
        double gap = (double)a->logit[w->rules->top_k - 1] - (double)a->logit[w->rules->top_k];
        if (gap < p->h[at].gap) p->h[at].gap = gap;
    }
    if (at == 0) p->out.root = a;
    bool greedy = p->h[at].greedy, greedy_ended = false;
    if (greedy) {
        rc = follow_greedy(w, p, &p->h[at], a, err);
        if (rc != KEN_OK) return rc;
        greedy_ended = p->verdict;
    }
    ken_arena *arena = &w->arena;
    const char *x = p->h[at].text;
    size_t n_x = p->h[at].n_text;
    double rho = p->h[at].rho;
    char local[512];
    for (int32_t i = 0; i < n; i++) {
        int32_t v = a->id[i];
        ken_str b;
        size_t len;
        ken_finish f = ken_rules_step(w->rules, x, n_x, v, &b, &len);
        char *text = local;
        if (n_x + b.n + 1 > sizeof local) text = ken_arena_alloc(arena, n_x + b.n + 1, 1);
        if (text == NULL) return nomem(err);
        memcpy(text, x, n_x);
        if (b.n > 0) memcpy(text + n_x, b.p, b.n);
        bool best = greedy && i == 0 && !greedy_ended;
        if (f != KEN_RUNNING) rc = score_answer(w, p, &p->h[at], v, text, len, rho * w->q[i], err);
        else if (ken_golds_viable(w->golds, text, len, false))
            rc = add_child(w, p, at, v, rho * w->q[i], best, text, len, err);
        else if (best) rc = leave_greedy(w, p, &p->h[at], v, err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static int forward_node(walk *w, prompt *p, int32_t at, ken_err *err)
{
    hyp *h = &p->h[at];
    int rc = ken_engine_extend(w->engine, p->h[h->parent].node, &h->token, 1, &h->node, err);
    if (rc == KEN_OK) rc = ask(w, h->node, &h->asked, err);
    p->out.forwarded++;
    if (rc == KEN_OK && push(&p->asked, at) != 0) rc = nomem(err);
    return rc;
}

/* p_hi from p_lo and the open mass of each prompt, summed by depth and path, so that rounding does not depend on the order of arrival;
 * rounding may not take p_hi above 1. Returns p_hi - p_lo summed over the prompts. */
static double set_upper_bounds(walk *w)
{
    double open = 0.0;
    for (int i = 0; i < w->n; i++) {
        prompt *p = &w->p[i];
        sort_list(&p->open, p->h);
        double u = 0.0;
        for (size_t j = 0; j < p->open.n; j++) u += p->h[p->open.at[j]].rho;
        p->out.p_hi = fmin(1.0, p->out.p_lo + u);
        p->out.raw_hi = fmin(1.0, p->out.raw_lo + u);
        open += fmax(0.0, p->out.p_hi - p->out.p_lo);
    }
    return open;
}

/* The most that p_hi - p_lo, summed over the prompts, may be at the end. */
static double budget(const walk *w)
{
    bool mass_only = (w->flags & KEN_WALK_MASS_ONLY) != 0, decided = true;
    int hits = 0;
    if (w->rules->mass_budget > 0.0) return w->rules->mass_budget * w->n / w->rules->prompts;
    if (mass_only) return BUDGET_HIT * w->n / w->rules->prompts; /* as wide a prompt as in the row itself */
    for (int i = 0; i < w->n; i++) {
        decided &= w->p[i].verdict;
        hits += w->p[i].out.hit;
    }
    /* While a greedy verdict is not known, g may still turn out positive: the larger budget, so that nothing is forwarded in vain. */
    return hits > 0 || !decided ? BUDGET_HIT : BUDGET_MISS;
}

/* Puts into w->pick (its first *n entries) the open nodes to forward now: those on a greedy path, and by reach all but the smallest. Once the open
 * mass fits the budget only greedy ones; none then ends the walk. Nodes below LAST_REACH, and all nodes once some prompt has forwarded
 * MAX_FORWARDED, stay open: the interval may then end wider than the budget (open_mass). */
static int choose(walk *w, double open, size_t *n, ken_err *err)
{
    w->n_pick = *n = 0;
    bool fixed = w->rules->eps > 0.0, exhausted = false;
    double spare = 0.0, allowed = open <= budget(w) ? INFINITY : SPARED * budget(w);
    for (int i = 0; i < w->n; i++) {
        prompt *p = &w->p[i];
        exhausted |= p->out.forwarded > MAX_FORWARDED;
        if (ken_grow((void **)&w->pick, &w->cap_pick, w->n_pick + p->open.n, sizeof *w->pick) != 0) return nomem(err);
        for (size_t j = 0; j < p->open.n; j++) w->pick[w->n_pick++] = (pick){p->h[p->open.at[j]].rho, i, p->open.at[j]};
    }
    if (w->n_pick > 1) qsort_r(w->pick, w->n_pick, sizeof *w->pick, by_reach, w);
    for (size_t i = 0; i < w->n_pick; i++) {
        pick x = w->pick[i];
        bool must;
        if (fixed) must = x.rho >= w->rules->eps;
        else {
            spare += x.rho;
            must = spare > allowed && x.rho >= LAST_REACH && !exhausted;
        }
        if (must || w->p[x.prompt].h[x.at].greedy) w->pick[(*n)++] = x;
    }
    return KEN_OK;
}

static int by_place(const void *a, const void *b, void *ctx)
{
    const walk *w = ctx;
    const pick *x = a, *y = b;
    if (x->prompt != y->prompt) return x->prompt < y->prompt ? -1 : 1;
    return by_depth_then_path(&x->at, &y->at, w->p[x->prompt].h);
}

/* Forwards what must be forwarded; *walking is false when nothing must. */
static int next_step(walk *w, ken_err *err)
{
    double open = set_upper_bounds(w);
    size_t n;
    int rc = choose(w, open, &n, err);
    if (rc != KEN_OK) return rc;
    w->walking = n > 0;
    if (n == 0) {
        w->open_mass = w->rules->eps <= 0.0 && open > budget(w);
        return KEN_OK;
    }
    if (n > 1) qsort_r(w->pick, n, sizeof *w->pick, by_place, w);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = forward_node(w, &w->p[w->pick[i].prompt], w->pick[i].at, err);
    for (int i = 0; i < w->n; i++) { /* those asked for are not open any more */
        prompt *p = &w->p[i];
        size_t left = 0;
        for (size_t j = 0; j < p->open.n; j++)
            if (p->h[p->open.at[j]].asked == NULL) p->open.at[left++] = p->open.at[j];
        p->open.n = left;
    }
    return rc;
}

/* Nodes at the length limit are answers: cut, and compared as they are (docs/method/knowledge.md#random-process). */
static int score_cut(walk *w, prompt *p, ken_err *err)
{
    size_t left = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < p->open.n; i++) {
        const hyp *h = &p->h[p->open.at[i]];
        if (h->depth < w->rules->max_new || rc != KEN_OK) {
            p->open.at[left++] = p->open.at[i];
            continue;
        }
        rc = score_answer(w, p, h, -1, h->text, h->n_text, h->rho, err);
        if (rc == KEN_OK && h->greedy) rc = finish_greedy(w, p, h->text, h->n_text, KEN_FINISH_LENGTH, err);
    }
    p->open.n = left;
    return rc;
}

static int advance(ken_question *question, ken_err *err)
{
    walk *w = (walk *)question;
    int rc = KEN_OK;
    if (w->question.waiting > 0)
        return ken_fail(err, KEN_ESTATE, "walk: advanced while %d requests are open", w->question.waiting);
    /* Greedy texts that are not viable any more: one token further each step, whatever the walk itself is doing. */
    for (int i = 0; i < w->n && rc == KEN_OK; i++) {
        prompt *p = &w->p[i];
        if (p->tail_asked == NULL) continue;
        ken_request *a = p->tail_asked;
        p->tail_asked = NULL;
        rc = ken_rules_check(a, i, p->tail_depth, err);
        if (rc == KEN_OK) {
            ken_rules_q(w->rules, a, w->q);
            p->greedy_p *= w->q[0];
            rc = continue_tail(w, p, p->tail, p->tail_depth, p->tail_text, p->tail_n, a->id[0], err);
        }
        ken_request_free(a);
    }
    for (int i = 0; i < w->n && rc == KEN_OK; i++) {
        prompt *p = &w->p[i];
        for (size_t j = 0; j < p->asked.n && rc == KEN_OK; j++) rc = score_node(w, i, p->asked.at[j], err);
        p->asked.n = 0;
        sort_list(&p->open, p->h);
        if (rc == KEN_OK) rc = score_cut(w, p, err);
    }
    if (rc == KEN_OK && w->walking) rc = next_step(w, err);
    if (rc == KEN_OK && !w->walking && w->question.waiting == 0) {
        w->question.done = true;
        for (int i = 0; i < w->n; i++) {
            prompt *p = &w->p[i];
            p->out.paths = p->paths;
            p->out.n_paths = (int32_t)p->n_paths;
            if (isinf(p->out.top_gap)) p->out.top_gap = p->h[0].gap;
        }
    }
    return rc;
}

const ken_walk_prompt *ken_walk_get(const ken_question *q, int i) { return &((const walk *)q)->p[i].out; }
bool ken_walk_open_mass(const ken_question *q) { return ((const walk *)q)->open_mass; }
