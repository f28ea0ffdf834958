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

static void put_field(ken_views *v, const char *path, const ken_field *f, const void *at)
{
    switch (f->kind) {
    case KEN_FIELD_CATEGORY: ken_value_text(v, path, f->name, category(*(const int *)at)); break;
    case KEN_FIELD_COUNT: ken_value_count(v, path, f->name, (uint64_t) * (const int *)at); break;
    case KEN_FIELD_BITS: put_flags(v, *(const uint32_t *)at); break;
    case KEN_FIELD_TRUTH: ken_value_truth(v, path, f->name, *(const bool *)at); break;
    case KEN_FIELD_SHARE:
    case KEN_FIELD_REAL:
        if (f->json == KEN_JSON_ALWAYS || !isnan(*(const double *)at))
            ken_value_number(v, path, f->name, *(const double *)at);
        break;
    default: ken_value_text(v, path, f->name, *(const char *const *)at);
    }
}

void ken_view_fields(ken_views *v, const char *path, const ken_fields *t, const void *of)
{
    for (int json = KEN_JSON_ALWAYS; json <= KEN_JSON_IF_THERE; json++)
        for (int i = 0; i < t->n; i++)
            if ((int)t->f[i].json == json) put_field(v, path, &t->f[i], ken_field_in(&t->f[i], of));
}

void ken_view_row_data(ken_views *v, const ken_row *r)
{
    ken_value_text(v, "", "id", r->id);
    ken_value_text(v, "", "relation", r->relation);
    ken_value_text(v, "", "split", r->split);
    ken_value_text(v, "", "question", r->question);
    put_texts(v, "answers[]", r->answers, r->n_answers);
    if (r->n_aliases > 0) put_texts(v, "aliases[]", r->aliases, r->n_aliases);
    ken_view_fields(v, "", &ken_row_fields, r);
    if (!isnan(r->popularity)) ken_value_exact(v, "popularity", r->popularity); /* where the data know it */
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
