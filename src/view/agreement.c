/* agreement.c - how far the labels of a scoring agree with those of another run: what was set otherwise, the labels of one by those of the other,
 * Cohen's kappa. */
#include "study/scoring.h"
#include "view/views.h"
#include <math.h>
#include <string.h>

/* Of the list "against" in JSON, the element that was begun last. */
#define HERE "against[-1]"
/* The last column of each table: one file of CSV may hold the tables of several runs. */
#define AGAINST                                                                                                        \
    {                                                                                                                  \
        .head = "against", .key = "against", .unit = KEN_UNIT_TEXT, .where = KEN_IN_CSV                                \
    }

/* ---- what was set otherwise -------------------------------------------------------------------------------------------- */

static const char *setting(const ken_run *r, const char *key)
{
    const char *s = ken_run_setting(r, key);
    return s != NULL && s[0] != '\0' ? s : "-";
}

static void put_difference(ken_views *v, const char *key, const char *a, const char *b, const char *against)
{
    const bool hashes = strlen(a) == 64 && strlen(b) == 64; /* say nothing to a reader */
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, key);
    ken_put_text(v, KEN_STYLE_PLAIN, hashes ? NULL : a);
    ken_put_text(v, KEN_STYLE_PLAIN, hashes ? NULL : b);
    ken_put_text(v, KEN_STYLE_PLAIN, against);
}

/* So that the reader knows what the disagreement is about. */
static void put_differences(ken_views *v, const ken_run *a, const ken_run *b, const char *against)
{
    static const char *const keys[] = {"model",
                                       "model_hash",
                                       "adapter",
                                       "weight_type",
                                       "data",
                                       "method",
                                       "matcher",
                                       "template",
                                       "chat_template",
                                       "stop",
                                       "shots",
                                       "prompts",
                                       "samples",
                                       "temperature",
                                       "top_k",
                                       "exemplar_seed",
                                       "scored_from",
                                       "scored_label",
                                       "scored_threshold",
                                       "seed",
                                       "isa"};
    static const ken_view_column columns[] = {
        {.head = "they differ in", .key = "setting", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "this", .key = "this", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "that", .key = "that", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN | KEN_IN_CSV},
        AGAINST};
    bool any = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *x = setting(a, keys[i]), *y = setting(b, keys[i]);
        if (strcmp(x, y) == 0) continue;
        if (!any) ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
        any = true;
        put_difference(v, keys[i], x, y, against);
    }
    if (any) return;
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(v, KEN_STYLE_PLAIN, "They have the same settings.");
}

/* ---- how many agree ---------------------------------------------------------------------------------------------------- */

static void put_part(ken_views *v, const char *name, const ken_agreement_part *p, const char *path, const char *against)
{
    ken_views_row(v, path, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, p->same);
    ken_put_count(v, p->n);
    ken_put_between(v, p->n > 0 ? (double)p->same / (double)p->n : NAN, p->share_lo, p->share_hi);
    ken_put_between(v, p->kappa, p->kappa_lo, p->kappa_hi);
    ken_put_text(v, KEN_STYLE_PLAIN, against);
}

static void put_parts(ken_views *v, const ken_agreement *x, const char *against)
{
    static const ken_view_column columns[] = {
        {.head = "the same label",
         .key = "labels",
         .unit = KEN_UNIT_TEXT,
         .width = 20,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "same", .key = "same", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "of", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "share",
         .key = "share",
         .lo_key = "share_lo",
         .hi_key = "share_hi",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_EVERYWHERE},
        {.head = "kappa",
         .key = "kappa",
         .lo_key = "kappa_lo",
         .hi_key = "kappa_hi",
         .unit = KEN_UNIT_REAL,
         .digits = 3,
         .width = 7,
         .where = KEN_EVERYWHERE},
        AGAINST};
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    put_part(v, "four categories", &x->all, HERE ".all", against);
    put_part(v, "Known | Unknown", &x->known, HERE ".known_unknown", against);
    put_part(v, "Highly | MaybeKnown", &x->greedy, HERE ".highly_maybe", against);
}

/* ---- what was to be expected, and what is left out --------------------------------------------------------------------- */

/* One below the other, an empty line in front of the first. */
static void sentence(ken_views *v, bool *any)
{
    ken_views_text(v);
    ken_views_last(v)->close = *any;
    *any = true;
}

static void put_again(ken_views *v, const ken_run *a, const ken_run *b, const ken_agreement *x, bool *any)
{
    const char *seed_a = ken_run_setting(a, "exemplar_seed"), *seed_b = ken_run_setting(b, "exemplar_seed");
    if (x->hk == 0 || seed_a == NULL || seed_b == NULL || strcmp(seed_a, seed_b) == 0) return;
    sentence(v, any);
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        "Of %s HighlyKnown facts %s are HighlyKnown again (%s); the greedy hits alone predict %s for fresh exemplars.",
        ken_views_count_text(v, x->hk), ken_views_count_text(v, x->hk_again),
        ken_views_share_text(v, (double)x->hk_again / (double)x->hk), ken_views_share_text(v, x->hk_again_predicted));
}

static void put_left_out(ken_views *v, const ken_agreement *x, bool *any)
{
    if (x->open > 0) {
        sentence(v, any);
        ken_views_say(v, KEN_STYLE_PLAIN,
                      "%s labels are not certain under this matcher and count as the least knowledge that is possible.",
                      ken_views_count_text(v, x->open));
    }
    if (x->only_a + x->only_b + x->other_question + x->unlabelled == 0) return;
    sentence(v, any);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Left out: %s only in this run, %s only in that one, %s with another question under the same id, %s "
                  "without a label.",
                  ken_views_count_text(v, x->only_a), ken_views_count_text(v, x->only_b),
                  ken_views_count_text(v, x->other_question), ken_views_count_text(v, x->unlabelled));
}

static void put_counts(ken_views *v, const ken_agreement *x)
{
    ken_value_number(v, HERE, "predicted", x->predicted);
    ken_value_count(v, HERE, "highly_known", x->hk);
    ken_value_count(v, HERE, "highly_known_again", x->hk_again);
    ken_value_number(v, HERE, "highly_known_again_predicted", x->hk_again_predicted);
    ken_value_count(v, HERE, "open", x->open);
    ken_value_count(v, HERE, "only_here", x->only_a);
    ken_value_count(v, HERE, "only_there", x->only_b);
    ken_value_count(v, HERE, "other_question", x->other_question);
    ken_value_count(v, HERE, "unlabelled", x->unlabelled);
}

void ken_view_agreement(ken_views *v, const ken_scoring *s, const ken_compared *that)
{
    const ken_agreement *x = &that->agreement;
    bool any = false;
    ken_value_text(v, "against[]", "run", that->name);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "Against %s: %s facts with a label in both.", that->name,
                  ken_views_count_text(v, x->all.n));
    put_differences(v, s->run, that->run, that->name);
    ken_view_moved(v, &(ken_view_matrix){.moved = x->moved[0],
                                         .n = KEN_UNLABELLED,
                                         .shown = KEN_UNLABELLED,
                                         .name = ken_category_name,
                                         .head = "this \\ that",
                                         .path = HERE ".transitions",
                                         .against = that->name});
    put_parts(v, x, that->name);
    put_counts(v, x);
    if (!isnan(x->predicted)) {
        sentence(v, &any);
        ken_views_say(v, KEN_STYLE_PLAIN, "A fresh draw with the same prompts would label %s alike (p_flip).",
                      ken_views_share_text(v, x->predicted));
    }
    put_again(v, s->run, that->run, x, &any);
    put_left_out(v, x, &any);
}
