/* row.c - rows as data, one object each: the keys and their order are those of docs/json.md#rows. */
#include "view/views.h"
#include <math.h>

static void put_texts(ken_views *v, const char *path, const char *const *s, int n)
{
    ken_value_list(v, path);
    for (int i = 0; i < n; i++) ken_value_text(v, path, "", s[i]);
}

static void put_flags(ken_views *v, uint32_t flags)
{
    ken_value_list(v, "flags[]");
    for (int b = 0; ken_flag_name(b) != NULL; b++)
        if (flags & (1u << b)) ken_value_text(v, "flags[]", "", ken_flag_name(b));
}

static const char *category(int k) { return k != KEN_UNLABELLED ? ken_category_name(k) : NULL; }

void ken_view_row_data(ken_views *v, const ken_row *r)
{
    ken_value_text(v, "", "id", r->id);
    ken_value_text(v, "", "relation", r->relation);
    ken_value_text(v, "", "split", r->split);
    ken_value_text(v, "", "question", r->question);
    put_texts(v, "answers[]", r->answers, r->n_answers);
    if (r->n_aliases > 0) put_texts(v, "aliases[]", r->aliases, r->n_aliases);
    ken_value_text(v, "", "category", category(r->category));
    ken_value_number(v, "", "p_t0", r->p_t0);
    ken_value_number(v, "", "p_t", r->p_t);
    ken_value_number(v, "", "p_t_lo", r->p_t_lo);
    ken_value_number(v, "", "p_t_hi", r->p_t_hi);
    ken_value_count(v, "", "greedy_hits", (uint64_t)r->greedy_hits);
    ken_value_count(v, "", "prompts", (uint64_t)r->prompts);
    ken_value_count(v, "", "sample_hits", (uint64_t)r->sample_hits);
    ken_value_count(v, "", "samples", (uint64_t)r->samples);
    ken_value_number(v, "", "p_unknown", r->p_unknown);
    ken_value_number(v, "", "p_flip", r->p_flip);
    ken_value_number(v, "", "min_margin", r->min_margin);
    ken_value_count(v, "", "abstain_hits", (uint64_t)r->abstain_hits);
    put_flags(v, r->flags);
    ken_value_text(v, "", "method", r->method);
    /* Only where there is one: the guess control and multiple choice. */
    if (!isnan(r->p_guess)) ken_value_number(v, "", "p_guess", r->p_guess);
    if (!isnan(r->lift)) ken_value_number(v, "", "lift", r->lift);
    if (!isnan(r->score)) ken_value_number(v, "", "score", r->score);
}

static void put_scored(ken_views *v, const ken_scored *how)
{
    static const char *const basis[] = {"none", "exact", "bounded"};
    ken_value_text(v, "", "was", category(how->was));
    ken_value_list(v, "possible[]");
    for (int k = 0; k < KEN_UNLABELLED; k++)
        if (how->possible & (1u << k)) ken_value_text(v, "possible[]", "", ken_category_name(k));
    ken_value_text(v, "", "basis", basis[how->how]);
    if (how->greedy_lo != how->greedy_hi) ken_value_count(v, "", "greedy_hits_most", (uint64_t)how->greedy_hi);
}

int ken_views_of_row(ken_views **out, const ken_row *r, const ken_scored *how, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_view_row_data(v, r);
    if (how != NULL) put_scored(v, how);
    return ken_views_finish(out, v, err);
}
