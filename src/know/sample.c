/* sample.c - a tree of texts that are still growing; at each node are the samples whose draws led there; see sample.h.
 *
 * The greedy answer is one more member, number -1, that takes the best token instead of drawing. A node is answered, its members
 * draw, those that drew the same token move on together. Members end by an end token, the stop string, or the length limit. */
#include "know/sample.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GREEDY = -1 };

typedef struct branch { /* members that share a path */
    ken_node node;
    int32_t depth;
    const char *text; /* arena */
    size_t n_text;
    int32_t *member; /* (n_member) arena */
    int32_t n_member;
    ken_request *asked;
    struct branch *next;
} branch;

typedef struct prompt {
    ken_sample_prompt out;
    branch *open; /* waiting for answers */
    ken_drawn *drawn;
    size_t n_drawn, cap_drawn;
    ken_request *root;
    double greedy_p;
} prompt;

typedef struct sampler {
    ken_question question;
    ken_engine *engine;
    const ken_rules *rules;
    const ken_golds *golds;
    char *row_id;
    size_t n_id;
    int n;
    prompt *p; /* (n) */
    ken_arena arena;
    double *q;       /* (top_k) */
    int32_t *choice; /* (samples + 1) place in the list that each member of the current branch took */
} sampler;

static int nomem(ken_err *err) { return ken_fail_nomem(err, "sampler"); }

/* Opens a branch at `node` (it takes over one reference) and asks for its logits. */
static int open_branch(sampler *s, prompt *p, branch model, ken_err *err)
{
    branch *b = ken_arena_alloc(&s->arena, 1, sizeof *b);
    if (b != NULL) model.asked = ken_request_new(s->rules, model.node, &s->question.waiting);
    if (b == NULL || model.asked == NULL) {
        ken_engine_release(s->engine, model.node);
        return nomem(err);
    }
    *b = model;
    b->next = p->open;
    p->open = b; /* from here on free_sampler releases it */
    return ken_engine_ask(s->engine, b->asked, err);
}

static int advance(ken_question *q, ken_err *err);
static void free_sampler(ken_question *q);
static const ken_question_kind kind = {"sampler", 1.7, advance, free_sampler};

int ken_sampler_new(ken_question **out, ken_engine *e, const ken_rules *r, const ken_golds *g, const ken_node *roots,
                    int n, const char *row_id, ken_err *err)
{
    *out = NULL;
    sampler *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return nomem(err);
    *s = (sampler){.question = {&kind}, .engine = e, .rules = r, .golds = g};
    s->row_id = ken_strdup(row_id);
    s->p = ken_calloc((size_t)n, sizeof *s->p);
    s->q = ken_alloc((size_t)r->top_k, sizeof *s->q);
    s->choice = ken_alloc((size_t)r->samples + 1, sizeof *s->choice);
    int rc = s->row_id == NULL || s->p == NULL || s->q == NULL || s->choice == NULL ? nomem(err) : KEN_OK;
    if (rc == KEN_OK) {
        s->n = n;
        s->n_id = strlen(row_id);
    }
    for (int i = 0; i < n && rc == KEN_OK; i++) {
        prompt *p = &s->p[i];
        p->greedy_p = 1.0;
        p->out.greedy.margin = p->out.greedy.top_gap = INFINITY;
        int32_t *member = ken_arena_alloc(&s->arena, (size_t)r->samples + 1, sizeof *member);
        ken_node node;
        if (member == NULL) rc = nomem(err);
        else rc = ken_engine_extend(e, roots[i], NULL, 0, &node, err); /* one more reference on the root */
        if (rc != KEN_OK) break;
        for (int32_t j = 0; j <= r->samples; j++) member[j] = j - 1;
        rc = open_branch(s, p, (branch){.node = node, .text = "", .member = member, .n_member = r->samples + 1}, err);
    }
    if (rc != KEN_OK) free_sampler(&s->question);
    else *out = &s->question;
    return rc;
}

static void free_sampler(ken_question *q)
{
    sampler *s = (sampler *)q;
    for (int i = 0; i < s->n; i++) {
        for (branch *b = s->p[i].open; b != NULL; b = b->next) {
            ken_engine_release(s->engine, b->node);
            ken_request_free(b->asked);
        }
        ken_request_free(s->p[i].root);
        ken_free(s->p[i].drawn);
    }
    ken_free(s->p);
    ken_free(s->row_id);
    ken_free(s->q);
    ken_free(s->choice);
    ken_arena_free(&s->arena);
    ken_free(s);
}

/* One member's answer is complete. */
static int finish_member(sampler *s, prompt *p, int32_t member, const char *text, size_t n, ken_finish f, ken_err *err)
{
    bool hit = ken_accept_matches(s->golds->accept, text, n);
    char *copy = ken_arena_strndup(&s->arena, text, n);
    if (copy == NULL) return nomem(err);
    if (member == GREEDY) {
        ken_walk_prompt *g = &p->out.greedy;
        g->hit = hit;
        g->hit_raw = ken_accept_matches(s->golds->raw, text, n);
        g->text = copy;
        g->n_text = n;
        g->finish = f;
        g->text_p = p->greedy_p;
        return KEN_OK;
    }
    p->out.hits += hit;
    for (size_t i = 0; i < p->n_drawn; i++)
        if (strlen(p->drawn[i].text) == n && memcmp(p->drawn[i].text, text, n) == 0) {
            p->drawn[i].count++;
            return KEN_OK;
        }
    if (ken_grow((void **)&p->drawn, &p->cap_drawn, p->n_drawn + 1, sizeof *p->drawn) != 0) return nomem(err);
    p->drawn[p->n_drawn++] = (ken_drawn){copy, 1, hit};
    return KEN_OK;
}

/* Members m (n) of branch b drew token v together. */
static int step(sampler *s, prompt *p, const branch *b, int32_t v, int32_t *m, int32_t n, ken_err *err)
{
    ken_str piece;
    size_t len;
    ken_finish f = ken_rules_step(s->rules, b->text, b->n_text, v, &piece, &len);
    char *text = ken_arena_alloc(&s->arena, b->n_text + piece.n + 1, 1);
    if (text == NULL) return nomem(err);
    memcpy(text, b->text, b->n_text);
    if (piece.n > 0) memcpy(text + b->n_text, piece.p, piece.n);
    if (f == KEN_RUNNING && b->depth + 1 == s->rules->max_new) f = KEN_FINISH_LENGTH;
    if (f != KEN_RUNNING) {
        int rc = KEN_OK;
        for (int32_t i = 0; i < n && rc == KEN_OK; i++) rc = finish_member(s, p, m[i], text, len, f, err);
        return rc;
    }
    branch child = {.depth = b->depth + 1, .text = text, .n_text = len, .n_member = n};
    child.member = ken_arena_alloc(&s->arena, (size_t)n, sizeof *m);
    if (child.member == NULL) return nomem(err);
    memcpy(child.member, m, (size_t)n * sizeof *m);
    int rc = ken_engine_extend(s->engine, b->node, &v, 1, &child.node, err);
    return rc == KEN_OK ? open_branch(s, p, child, err) : rc;
}

/* Where u in [0,1) falls in q (n), summed in list order; the last place takes what rounding leaves over. */
static int32_t inverse_cdf(const double *q, int32_t n, double u)
{
    double sum = 0.0;
    for (int32_t i = 0; i < n - 1; i++) {
        sum += q[i];
        if (u < sum) return i;
    }
    return n - 1;
}

static int answer_branch(sampler *s, int number, branch *b, ken_err *err)
{
    prompt *p = &s->p[number];
    const ken_request *a = b->asked;
    int rc = ken_rules_check(a, number, b->depth, err);
    if (rc != KEN_OK) return rc;
    int32_t n = ken_rules_q(s->rules, a, s->q);
    if (a->n > s->rules->top_k)
        p->out.greedy.top_gap =
            fmin(p->out.greedy.top_gap, (double)a->logit[s->rules->top_k - 1] - (double)a->logit[s->rules->top_k]);
    for (int32_t i = 0; i < b->n_member; i++) {
        int32_t j = b->member[i];
        if (j == GREEDY) {
            p->greedy_p *= s->q[0];
            if (a->n > 1) p->out.greedy.margin = fmin(p->out.greedy.margin, (double)a->logit[0] - (double)a->logit[1]);
            s->choice[i] = 0;
        } else {
            double u =
                ken_uniform(s->rules->seed, s->row_id, s->n_id, (uint32_t)number, (uint32_t)j + 1, (uint32_t)b->depth);
            s->choice[i] = inverse_cdf(s->q, n, u);
        }
    }
    int32_t *together = ken_arena_alloc(&s->arena, (size_t)b->n_member, sizeof *together);
    if (together == NULL) return nomem(err);
    for (int32_t c = 0; c < n; c++) {
        int32_t k = 0;
        for (int32_t i = 0; i < b->n_member; i++)
            if (s->choice[i] == c) together[k++] = b->member[i];
        if (k > 0) rc = step(s, p, b, a->id[c], together, k, err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

static int by_count_then_text(const void *a, const void *b)
{
    const ken_drawn *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return strcmp(x->text, y->text);
}

void ken_drawn_sort(ken_drawn *d, int n)
{
    if (n > 0) qsort(d, (size_t)n, sizeof *d, by_count_then_text);
}

static int advance(ken_question *q, ken_err *err)
{
    sampler *s = (sampler *)q;
    if (s->question.waiting > 0)
        return ken_fail(err, KEN_ESTATE, "sampler: advanced while %d requests are open", s->question.waiting);
    for (int i = 0; i < s->n; i++) {
        prompt *p = &s->p[i];
        branch *b = p->open;
        p->open = NULL;
        int rc = KEN_OK;
        for (branch *next; b != NULL; b = next) {
            next = b->next;
            if (rc == KEN_OK) rc = answer_branch(s, i, b, err);
            if (b->depth == 0 && p->root == NULL) p->root = b->asked; /* kept: the likeliest first tokens */
            else ken_request_free(b->asked);
            ken_engine_release(s->engine, b->node);
        }
        if (rc != KEN_OK) return rc;
    }
    if (s->question.waiting > 0) return KEN_OK;
    s->question.done = true;
    for (int i = 0; i < s->n; i++) {
        prompt *p = &s->p[i];
        ken_drawn_sort(p->drawn, (int)p->n_drawn);
        p->out.drawn = p->drawn;
        p->out.n_drawn = (int)p->n_drawn;
        p->out.greedy.root = p->root;
        p->out.greedy.p_lo = p->out.greedy.p_hi = s->rules->samples > 0 ? (double)p->out.hits / s->rules->samples : 0.0;
        for (int j = 0; j < p->out.n_drawn; j++)
            if (ken_accept_matches(s->golds->raw, p->drawn[j].text, strlen(p->drawn[j].text)))
                p->out.greedy.raw_lo += (double)p->drawn[j].count / s->rules->samples;
        p->out.greedy.raw_hi = p->out.greedy.raw_lo;
    }
    return KEN_OK;
}

const ken_sample_prompt *ken_sampler_get(const ken_question *q, int i) { return &((const sampler *)q)->p[i].out; }

/* ---- the method ------------------------------------------------------------------------------------------------------ */

static int start(ken_question **out, const ken_method_input *in, ken_err *err)
{
    if (in->texter != NULL) return ken_texts_start(out, in, err);
    return ken_sampler_new(out, in->engine, &in->setup->rules, in->golds, in->root, in->n_root, in->x->id, err);
}

static int fill_drawn(ken_row_maker *m, int i, const ken_sample_prompt *s, ken_err *err)
{
    ken_drawn *d = ken_arena_alloc(&m->arena, (size_t)s->n_drawn, sizeof *d);
    if (d == NULL) return ken_fail_nomem(err, "row");
    for (int j = 0; j < s->n_drawn; j++) {
        d[j] = s->drawn[j];
        d[j].text = ken_answer_text(&m->arena, s->drawn[j].text, strlen(s->drawn[j].text));
        if (d[j].text == NULL) return ken_fail_nomem(err, "row");
    }
    m->rows[i].drawn = d;
    m->rows[i].n_drawn = s->n_drawn;
    m->hits[i] = s->hits;
    return KEN_OK;
}

static int fill(const ken_question *q, ken_row_maker *m, ken_row *out, ken_err *err)
{
    const ken_rules *r = &m->setup->rules;
    ken_knowledge k;
    for (int i = 0; i < r->prompts; i++) {
        const ken_sample_prompt *p = ken_texts_get(q, i);
        if (p == NULL) p = ken_sampler_get(q, i);
        int rc = ken_row_prompt(m, i, &p->greedy, out, err);
        if (rc == KEN_OK) rc = fill_drawn(m, i, p, err);
        if (rc != KEN_OK) return rc;
    }
    ken_categorize_sampled(&k, m->hit, m->hits, r->prompts, r->samples);
    ken_row_label(m, &k, out);
    return KEN_OK;
}

const ken_method ken_method_sample = {.name = "sample",
                                      .version = "1",
                                      .about = "the paper's protocol, literally",
                                      .of_text = true,
                                      .own_draws = true,
                                      .by_texts = true,
                                      .start = start,
                                      .fill = fill};
