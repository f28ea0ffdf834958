/* curve.c - a saturation curve: as data a row for each number of prompts and of samples; as it is shown, a block for each of the two categories that
 * depend on the samples. */
#include "view/views.h"
#include <math.h>
#include <stdio.h>

enum { MOST_SAMPLES = 32 };

static double at(const ken_curve *c, size_t i, size_t j, int k)
{
    return c->share[(i * c->n_samples + j) * KEN_UNLABELLED + (size_t)k];
}

static ken_view_column share_column(const char *head, int category, unsigned where)
{
    return (ken_view_column){.head = head,
                             .key = ken_category_name(category),
                             .unit = KEN_UNIT_SHARE,
                             .digits = 1,
                             .width = 7,
                             .where = where,
                             .style = (ken_style)((int)KEN_STYLE_CATEGORY + category)};
}

static void put_data(ken_views *v, const ken_curve *c)
{
    ken_view_column columns[2 + KEN_UNLABELLED] = {
        {.head = "prompts", .key = "prompts", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
        {.head = "samples", .key = "samples", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA}};
    for (int k = 0; k < KEN_UNLABELLED; k++) columns[2 + k] = share_column(ken_category_name(k), k, KEN_IN_DATA);
    ken_value_list(v, "curve[]");
    ken_views_columns(v, columns, 2 + KEN_UNLABELLED, NULL);
    ken_views_last(v)->where = KEN_IN_DATA;
    for (size_t i = 0; i < c->n_prompts; i++)
        for (size_t j = 0; j < c->n_samples; j++) {
            ken_views_row(v, "curve[]", NULL);
            ken_put_count(v, (uint64_t)c->prompts[i]);
            ken_put_count(v, (uint64_t)c->samples[j]);
            for (int k = 0; k < KEN_UNLABELLED; k++) ken_put_number(v, at(c, i, j, k));
        }
}

/* Greedy verdicts do not depend on the samples: one column each, in front of Unknown. */
static void put_block(ken_views *v, const ken_curve *c, int category, const char *title)
{
    const bool greedy = category == KEN_UNKNOWN;
    const size_t n_samples = c->n_samples < MOST_SAMPLES ? c->n_samples : MOST_SAMPLES;
    char head[MOST_SAMPLES][16];
    size_t n = 1;
    ken_view_column columns[3 + MOST_SAMPLES] = {
        {.head = "prompts", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN}};
    for (int k = 0; k <= KEN_MAYBE_KNOWN && greedy; k++)
        columns[n++] = share_column(ken_category_name(k), k, KEN_SHOWN);
    for (size_t j = 0; j < n_samples; j++) {
        snprintf(head[j], sizeof head[j], "%d", c->samples[j]);
        columns[n++] = share_column(head[j], category, KEN_SHOWN);
    }
    ken_views_columns(v, columns, n, title);
    ken_views_last(v)->where = KEN_SHOWN;
    for (size_t i = 0; i < c->n_prompts; i++) {
        ken_views_row(v, NULL, NULL);
        ken_put_count(v, (uint64_t)c->prompts[i]);
        for (int k = 0; k <= KEN_MAYBE_KNOWN && greedy; k++) ken_put_number(v, at(c, i, 0, k));
        for (size_t j = 0; j < n_samples; j++) ken_put_number(v, at(c, i, j, category));
    }
}

static bool is_missing(const ken_curve *c)
{
    for (size_t i = 0; i < c->n_prompts * c->n_samples * KEN_UNLABELLED; i++)
        if (isnan(c->share[i])) return true;
    return false;
}

void ken_view_curve(ken_views *v, const ken_scoring *s, const ken_curve *c)
{
    const ken_score_counts *n = ken_scoring_counts(s);
    const uint64_t bounded = n->bounded + n->open;
    put_data(v, c);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "Expected shares, averaged over all choices of the prompts: %s facts, %s.",
                  ken_views_count_text(v, n->exact + bounded), ken_scoring_matcher(s));
    put_block(v, c, KEN_UNKNOWN, "HighlyKnown, MaybeKnown, and Unknown with so many samples of each prompt");
    put_block(v, c, KEN_WEAKLY_KNOWN, "WeaklyKnown with so many samples of each prompt");
    if (is_missing(c)) {
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "-: more samples than were drawn, so not known.");
    }
    if (bounded == 0) return;
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Of %s facts only a lower bound of P_Correct is known under this matcher: WeaklyKnown is at least, "
                  "Unknown at most what is printed.",
                  ken_views_count_text(v, bounded));
}
