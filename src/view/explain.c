/* explain.c - what an explanation says: first the category, then the model's answers over all prompts, then each prompt. */
#include "base/alloc.h"
#include "view/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What would print as 0.0000 is left out, unless it is the best. */
#define VISIBLE 0.00005
/* Of the list "explained" in JSON, the prompt that was begun last. */
#define HERE "explained[-1]"

static ken_style right_or_not(bool right, int not_right)
{
    return (ken_style)((int)KEN_STYLE_CATEGORY + (right ? KEN_HIGHLY_KNOWN : not_right));
}

/* Under the one before it, unless it is the first of something, which has an empty line in front. */
static void sentence(ken_views *v, int indent)
{
    ken_views_text(v);
    ken_views_last(v)->close = indent > 0;
    ken_views_last(v)->indent = indent;
}

static const char *trimmed(const char *s)
{
    while (*s == ' ') s++;
    return *s != '\0' ? s : "(nothing)";
}

/* ---- the verdict ------------------------------------------------------------------------------------------------------- */

static void put_texts(ken_views *v, const char *before, const char *const *s, int n)
{
    if (n == 0) return;
    sentence(v, 2);
    for (int i = 0; i < n; i++) ken_views_say(v, KEN_STYLE_PLAIN, "%s%s", i == 0 ? before : " | ", s[i]);
}

static void put_category(ken_views *v, const ken_row *r)
{
    sentence(v, 2);
    ken_views_say(v, (ken_style)((int)KEN_STYLE_CATEGORY + r->category), "%s", ken_category_name(r->category));
    ken_views_say(v, KEN_STYLE_PLAIN, ": right with %d of %d prompts, %d of %d samples", r->greedy_hits, r->prompts,
                  r->sample_hits, r->samples);
    if (isnan(r->p_t)) return;
    sentence(v, 2);
    ken_views_say(v, KEN_STYLE_PLAIN, "P_Correct %.4f", r->p_t);
    if (r->p_t_hi - r->p_t_lo > 1e-4) ken_views_say(v, KEN_STYLE_PLAIN, " [%.4f, %.4f]", r->p_t_lo, r->p_t_hi);
    if (r->greedy_hits == 0 && !isnan(r->p_unknown))
        ken_views_say(v, KEN_STYLE_PLAIN, "; %s that %d fresh samples would all miss",
                      ken_views_share_text(v, r->p_unknown), r->samples);
}

static void put_verdict(ken_views *v, const ken_row *r)
{
    sentence(v, 0);
    ken_views_say(v, KEN_STYLE_STRONG, "%s", r->question);
    if (r->id != NULL && r->id[0] != '\0') ken_views_say(v, KEN_STYLE_QUIET, "  %s", r->id);
    put_texts(v, "", r->answers, r->n_answers);
    put_texts(v, "or ", r->aliases, r->n_aliases);
    put_category(v, r);
    for (int b = 0; ken_flag_name(b) != NULL; b++) {
        if (!(r->flags & (1u << b))) continue;
        sentence(v, 2);
        ken_views_say(v, KEN_STYLE_PLAIN, "flag: %s", ken_flag_name(b));
    }
}

/* ---- over all prompts -------------------------------------------------------------------------------------------------- */

typedef struct belief {
    const char *text;
    double p; /* mean over the prompts */
    bool accepted;
} belief;

static int by_mass(const void *pa, const void *pb)
{
    const belief *a = pa, *b = pb;
    return a->p < b->p ? 1 : a->p > b->p ? -1 : strcmp(a->text, b->text);
}

/* Merges what begins each prompt's answers; list has room for all of them. */
static size_t merge_beliefs(const ken_explanation *x, belief *list)
{
    size_t n = 0;
    for (int i = 0; i < x->n_prompts; i++)
        for (int j = 0; j < x->prompts[i].n_instead; j++) {
            const ken_path *p = &x->prompts[i].instead[j];
            size_t k = 0;
            while (k < n && strcmp(list[k].text, trimmed(p->text)) != 0) k++;
            if (k == n) list[n++] = (belief){.text = trimmed(p->text), .accepted = p->accepted};
            list[k].p += p->p / x->n_prompts;
        }
    if (n > 0) qsort(list, n, sizeof *list, by_mass);
    return n;
}

static void put_belief(ken_views *v, const belief *b)
{
    const ken_style style = right_or_not(b->accepted, KEN_UNLABELLED);
    ken_views_row(v, NULL, NULL);
    ken_put_number(v, b->p);
    ken_put_number(v, b->p)->style = style;
    ken_put_text(v, style, b->accepted ? "+" : "");
    ken_put_text(v, style, b->text);
}

static void put_beliefs(ken_views *v, const ken_explanation *x, int top)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "p", .unit = KEN_UNIT_SHARE, .digits = 2, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "", .unit = KEN_UNIT_BAR, .width = 26, .where = KEN_SHOWN},
        {.head = "", .key = "accepted", .unit = KEN_UNIT_TEXT, .width = 3, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "", .key = "text", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN | KEN_IN_CSV}};
    size_t all = 0;
    for (int i = 0; i < x->n_prompts; i++) all += (size_t)x->prompts[i].n_instead;
    belief *list = ken_calloc(all + 1, sizeof *list);
    if (list == NULL) {
        ken_views_fail(v);
        return;
    }
    const size_t n = merge_beliefs(x, list);
    sentence(v, 0);
    ken_views_say(v, KEN_STYLE_STRONG, "What it would say");
    ken_views_say(v, KEN_STYLE_PLAIN, " (probability of that very text, mean over %d prompts)", x->n_prompts);
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    ken_views_last(v)->headless = true;
    ken_views_last(v)->close = true;
    for (size_t i = 0; i < n; i++) {
        put_belief(v, &list[i]);
        if (i >= 2 * (size_t)top || (i > 0 && list[i].p < VISIBLE)) ken_views_last_row(v)->where = KEN_IN_DATA;
    }
    ken_free(list);
}

/* ---- prompt by prompt -------------------------------------------------------------------------------------------------- */

/* Those of a list that are shown; all are in the data. Returns how many are shown. */
static int put_paths(ken_views *v, const ken_path *p, int n, int top, bool tokens, const char *path)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "p", .unit = KEN_UNIT_REAL, .digits = 4, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "", .unit = KEN_UNIT_TEXT, .width = 3, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN},
        {.head = "", .key = "text", .unit = KEN_UNIT_TEXT, .where = KEN_IN_DATA},
        {.head = "", .key = "tokens", .unit = KEN_UNIT_TEXT, .where = KEN_IN_DATA},
        {.head = "", .key = "accepted", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA}};
    int shown = 0;
    ken_value_list(v, path);
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    ken_views_last(v)->headless = true;
    ken_views_last(v)->close = true;
    for (int i = 0; i < n; i++) {
        const ken_style style = right_or_not(p[i].accepted, KEN_UNLABELLED);
        const bool there = i < top && (i == 0 || p[i].p >= VISIBLE);
        ken_view_row *row = ken_views_row(v, path, NULL);
        if (!there) row->where = KEN_IN_DATA;
        shown += there;
        ken_put_number(v, p[i].p);
        ken_put_text(v, style, p[i].accepted ? "+" : "");
        ken_put_text(v, style, tokens ? p[i].tokens : trimmed(p[i].text));
        ken_put_text(v, KEN_STYLE_PLAIN, p[i].text)->there = true;
        ken_put_text(v, KEN_STYLE_PLAIN, p[i].tokens)->there = true;
        ken_put_truth(v, p[i].accepted);
    }
    return shown;
}

/* Line by line, when more is asked for. */
static void put_whole_prompt(ken_views *v, const char *s)
{
    static const ken_view_column columns[] = {{.head = "", .unit = KEN_UNIT_TEXT, .width = 5, .where = KEN_SHOWN},
                                              {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    ken_views_table(v, columns, 2, NULL);
    ken_views_last(v)->headless = true;
    ken_views_last(v)->close = true;
    ken_views_last(v)->where = KEN_ON_TERMINAL | KEN_IF_VERBOSE;
    for (;; s++) {
        const int n = (int)strcspn(s, "\n");
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, KEN_STYLE_QUIET, "    |");
        ken_put_text(v, KEN_STYLE_QUIET, ken_views_keep(v, "%.*s", n, s));
        s += n;
        if (*s == '\0') return;
    }
}

static void put_prompt_title(ken_views *v, const ken_prompt_row *g, int i)
{
    sentence(v, 0);
    ken_views_say(v, KEN_STYLE_STRONG, "Prompt %d", i + 1);
    if (g == NULL) return;
    ken_views_say(v, KEN_STYLE_PLAIN, "  ");
    ken_views_say(v, right_or_not(g->greedy_hit, KEN_UNKNOWN), "%s", g->greedy_hit ? "right" : "wrong");
    ken_views_say(v, KEN_STYLE_PLAIN, "  P %.4f", (g->p_lo + g->p_hi) / 2);
    if (g->p_hi - g->p_lo > 1e-4) ken_views_say(v, KEN_STYLE_PLAIN, " \u00b1 %.4f", (g->p_hi - g->p_lo) / 2);
    if (isfinite(g->margin)) ken_views_say(v, KEN_STYLE_QUIET, "  closest greedy call: %.3f logits", g->margin);
}

static void put_prompt(ken_views *v, const ken_explanation *x, int i, int top)
{
    const ken_explained_prompt *p = &x->prompts[i];
    const ken_prompt_row *g = i < x->row.n_prompt_rows ? &x->row.prompt_rows[i] : NULL;
    ken_value_text(v, "explained[]", "prompt", p->prompt);
    if (g != NULL) ken_view_fields(v, HERE, &ken_prompt_fields, g);
    put_prompt_title(v, g, i);
    put_whole_prompt(v, p->prompt);
    sentence(v, 2);
    ken_views_say(v, KEN_STYLE_PLAIN, "says");
    put_paths(v, p->instead, p->n_instead, top, false, HERE ".instead[]");
    sentence(v, 2);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  p->n_accepted == 0 ? "no path among the likeliest tokens leads to the answer"
                                     : "paths to the answer");
    const int shown = put_paths(v, p->accepted, p->n_accepted, top, true, HERE ".accepted[]");
    if (shown == p->n_accepted) return;
    sentence(v, 4);
    ken_views_say(v, KEN_STYLE_QUIET, "... and %d more", p->n_accepted - shown);
}

int ken_views_of_explanation(ken_views **out, const ken_explanation *x, int top, ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_view_row_data(v, &x->row);
    ken_value_list(v, "explained[]");
    put_verdict(v, &x->row);
    put_beliefs(v, x, top);
    for (int i = 0; i < x->n_prompts; i++) put_prompt(v, x, i, top);
    sentence(v, 0);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "+ accepted as an answer; | joins tokens; probabilities at the run's temperature and top-k");
    return ken_views_finish(out, v, err);
}
