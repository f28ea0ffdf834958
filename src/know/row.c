/* row.c - see row.h. */
#include "know/row.h"
#include "base/alloc.h"
#include "know/method.h"
#include "store/row_fields.h"
#include <math.h>

enum { N_OTHER = 5 };

int ken_row_maker_init(ken_row_maker *m, const ken_setup *setup, const ken_example *x, ken_err *err)
{
    size_t n = (size_t)setup->rules.prompts;
    *m = (ken_row_maker){.setup = setup, .x = x};
    m->rows = ken_calloc(n, sizeof *m->rows);
    m->hit = ken_calloc(n, sizeof *m->hit);
    m->lo = ken_calloc(n, sizeof *m->lo);
    m->hi = ken_calloc(n, sizeof *m->hi);
    m->hits = ken_calloc(n, sizeof *m->hits);
    return m->rows != NULL && m->hit != NULL && m->lo != NULL && m->hi != NULL && m->hits != NULL
               ? KEN_OK
               : ken_fail_nomem(err, "row");
}

void ken_row_maker_free(ken_row_maker *m)
{
    void *all[] = {m->rows, m->hit, m->lo, m->hi, m->hits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_arena_free(&m->arena);
}

void ken_row_begin(ken_row_maker *m, const ken_example *x, ken_row *out)
{
    const ken_rules *r = &m->setup->rules;
    ken_arena_reset(&m->arena);
    *out = (ken_row){.id = x->id,
                     .relation = x->relation,
                     .split = x->split,
                     .question = x->question,
                     .subject = x->subject,
                     .answers = x->answers,
                     .n_answers = x->n_answers,
                     .aliases = x->aliases,
                     .n_aliases = m->setup->golds.matcher.kind->uses_aliases ? x->n_aliases : 0,
                     .popularity = x->popularity,
                     .prompt_rows = m->rows};
    ken_fields_clear(&ken_row_fields, out);
    out->prompts = r->prompts;
    out->samples = r->prompts * r->samples;
    out->method = m->setup->method->name;
}

/* The likeliest first tokens at the root. */
static int fill_other(ken_row_maker *m, ken_prompt_row *o, const ken_request *root, ken_err *err)
{
    const ken_rules *r = &m->setup->rules;
    double *q = ken_arena_alloc(&m->arena, (size_t)r->top_k, sizeof *q);
    if (q == NULL) return ken_fail_nomem(err, "row");
    int32_t n = ken_rules_q(r, root, q);
    for (int32_t i = 0; i < n && i < N_OTHER; i++) {
        ken_str b = ken_tokenizer_bytes(r->tokenizer, root->id[i]);
        if (ken_tokenizer_is_end(r->tokenizer, root->id[i])) b = ken_tokenizer_piece(r->tokenizer, root->id[i]);
        o->other[i].text = ken_answer_text(&m->arena, b.p, b.n);
        o->other[i].p = q[i];
        if (o->other[i].text == NULL) return ken_fail_nomem(err, "row");
        o->n_other = (int)i + 1;
    }
    return KEN_OK;
}

int ken_row_prompt(ken_row_maker *m, int i, const ken_walk_prompt *p, ken_row *out, ken_err *err)
{
    ken_prompt_row *o = &m->rows[i];
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
                          .samples = m->setup->rules.samples};
    if (p->text != NULL) {
        o->text = ken_answer_text(&m->arena, p->text, p->n_text);
        o->finish = ken_finish_name(&m->setup->rules, p->finish);
        o->text_p = p->text_p;
        if (o->text == NULL) return ken_fail_nomem(err, "row");
        out->abstain_hits += ken_abstains(&m->setup->golds, p->text, p->n_text);
    }
    m->hit[i] = p->hit;
    m->lo[i] = p->p_lo;
    m->hi[i] = p->p_hi;
    out->min_margin = i == 0 ? p->margin : fmin(out->min_margin, p->margin);
    return p->root != NULL ? fill_other(m, o, p->root, err) : KEN_OK;
}

void ken_row_label(ken_row_maker *m, const ken_knowledge *k, ken_row *out)
{
    out->n_prompt_rows = out->prompts;
    for (int i = 0; i < out->prompts; i++) m->rows[i].hits = m->hits[i];
    out->category = k->category;
    out->category_mode = k->category_mode;
    out->p_t0 = k->p_t0;
    out->p_t = k->p_t;
    out->p_t_lo = k->p_t_lo;
    out->p_t_hi = k->p_t_hi;
    out->greedy_hits = k->greedy_hits;
    out->sample_hits = k->sample_hits;
    out->p_unknown = k->p_unknown;
    out->p_unknown_lo = k->p_unknown_lo;
    out->p_unknown_hi = k->p_unknown_hi;
    out->p_flip = k->p_flip;
    if (k->unsettled) out->flags |= KEN_FLAG_UNSETTLED;
}
