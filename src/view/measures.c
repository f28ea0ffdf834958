/* measures.c - what the truth of synthetic worlds says of the measures: categories by exposures, how the rankings agree, and the contest. */
#include "view/views.h"
#include <math.h>
#include <stdio.h>

static const char *const arms[KEN_N_CONTEST] = {"Bottom", "Top", "Random half", "Whole", "Whole, updates of a half"};

/* ---- exposures ---------------------------------------------------------------------------------------------------------- */

static const char *range(ken_views *v, const ken_measures_bin *b)
{
    return b->least == b->most ? ken_views_keep(v, "%u", b->least) : ken_views_keep(v, "%u-%u", b->least, b->most);
}

static void put_bins(ken_views *v, const ken_measures *m)
{
    static const ken_view_column columns[] = {
        {.head = "told", .unit = KEN_UNIT_TEXT, .width = 11, .where = KEN_SHOWN},
        {.head = "", .key = "least", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
        {.head = "", .key = "most", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA},
        {.head = "facts", .key = "facts", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "", .unit = KEN_UNIT_PARTS, .width = 22, .where = KEN_SHOWN},
        {.head = "HighlyKnown", .key = "HighlyKnown", .unit = KEN_UNIT_COUNT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "MaybeKnown", .key = "MaybeKnown", .unit = KEN_UNIT_COUNT, .width = 11, .where = KEN_EVERYWHERE},
        {.head = "WeaklyKnown", .key = "WeaklyKnown", .unit = KEN_UNIT_COUNT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "Unknown", .key = "Unknown", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "P_Correct", .key = "p", .unit = KEN_UNIT_REAL, .digits = 3, .width = 10, .where = KEN_EVERYWHERE},
        {.head = "salience",
         .key = "salience",
         .unit = KEN_UNIT_REAL,
         .digits = 2,
         .width = 9,
         .where = KEN_EVERYWHERE}};
    size_t n;
    const ken_measures_bin *b = ken_measures_bins(m, &n);
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "Category by how often a fact was told");
    for (size_t i = 0; i < n; i++) {
        ken_views_row(v, "exposures[]", NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, range(v, &b[i]));
        ken_put_count(v, b[i].least);
        ken_put_count(v, b[i].most);
        ken_put_count(v, b[i].facts);
        ken_put_parts(v, b[i].category, 4);
        for (int k = 0; k < 4; k++) ken_put_count(v, b[i].category[k]);
        ken_put_number(v, b[i].p);
        ken_put_number(v, b[i].salience);
    }
}

/* ---- how they agree ----------------------------------------------------------------------------------------------------- */

static void put_mean(ken_views *v, const ken_theory_mean *x)
{
    if (x->n == 0) ken_put_nothing(v);
    else ken_put_between(v, x->mean, x->lo, x->hi);
}

static void put_correlations(ken_views *v, const ken_measures *m)
{
    static const ken_view_column columns[] = {
        {.head = "of", .key = "a", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "and", .key = "b", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "Spearman's rho",
         .key = "rho",
         .lo_key = "lo",
         .hi_key = "hi",
         .unit = KEN_UNIT_REAL,
         .digits = 3,
         .width = 16,
         .where = KEN_EVERYWHERE}};
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "How the rankings agree");
    for (int a = 0; a < KEN_N_RANKS; a++)
        for (int b = a + 1; b < KEN_N_RANKS; b++) {
            ken_views_row(v, "correlations[]", NULL);
            ken_put_text(v, KEN_STYLE_PLAIN, ken_rank_name(a));
            ken_put_text(v, KEN_STYLE_PLAIN, ken_rank_name(b));
            put_mean(v, ken_measures_correlation(m, a, b));
        }
}

static void put_auroc(ken_views *v, const ken_measures *m)
{
    static const ken_view_column columns[] = {
        {.head = "told fewer times than", .key = "below", .unit = KEN_UNIT_COUNT, .width = 22, .where = KEN_EVERYWHERE},
        {.head = "AUROC",
         .key = "auroc",
         .lo_key = "lo",
         .hi_key = "hi",
         .unit = KEN_UNIT_REAL,
         .digits = 3,
         .width = 10,
         .where = KEN_EVERYWHERE}};
    const ken_theory_mean *x;
    uint32_t below;
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "How well p_unknown tells such facts from others");
    for (size_t i = 0; (x = ken_measures_auroc(m, i, &below)) != NULL; i++) {
        if (isnan(x->mean)) continue; /* there are none, or no others */
        ken_views_row(v, "unknown[]", NULL);
        ken_put_count(v, below);
        put_mean(v, x);
    }
}

/* ---- the contest -------------------------------------------------------------------------------------------------------- */

static void put_contest(ken_views *v, const ken_measures *m)
{
    static const ken_view_column columns[] = {
        {.head = "trained on", .key = "arm", .unit = KEN_UNIT_TEXT, .width = 26, .where = KEN_EVERYWHERE},
        {.head = "ranked by", .key = "rank", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "best",
         .key = "best",
         .lo_key = "best_lo",
         .hi_key = "best_hi",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_EVERYWHERE},
        {.head = "epoch", .key = "epoch", .unit = KEN_UNIT_REAL, .digits = 1, .width = 7, .where = KEN_EVERYWHERE},
        {.head = "last",
         .key = "last",
         .lo_key = "last_lo",
         .hi_key = "last_hi",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_EVERYWHERE},
        {.head = "fit", .key = "fit", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_EVERYWHERE}};
    size_t n;
    const ken_contest *c = ken_measures_contest(m, &n);
    if (n == 0) return;
    ken_views_table(v, columns, sizeof columns / sizeof *columns,
                    "Which half to train on: right answers about held-out subjects");
    for (size_t i = 0; i < n; i++) {
        ken_views_row(v, "contest[]", NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, arms[c[i].arm]);
        if (c[i].rank >= 0) ken_put_text(v, KEN_STYLE_PLAIN, ken_rank_name(c[i].rank));
        else ken_put_nothing(v);
        put_mean(v, &c[i].best);
        ken_put_number(v, c[i].epoch.mean);
        put_mean(v, &c[i].last);
        ken_put_number(v, c[i].fit.mean);
    }
    const ken_theory_mean *before = ken_measures_before(m);
    ken_value_number(v, "", "before", before->mean);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "Best: at the epoch that dev questions chose. Before any fine-tuning %s were right: the question "
                  "format is not in the corpus unless it was asked for.",
                  ken_views_share_text(v, before->mean));
}

static void put_gaps(ken_views *v, const ken_measures *m)
{
    static const ken_view_column columns[] = {
        {.head = "ranked by", .key = "rank", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_EVERYWHERE},
        {.head = "Top - Bottom",
         .key = "gap",
         .lo_key = "lo",
         .hi_key = "hi",
         .unit = KEN_UNIT_CHANGE,
         .digits = 1,
         .width = 14,
         .where = KEN_EVERYWHERE}};
    size_t n;
    (void)ken_measures_contest(m, &n);
    if (n == 0) return;
    ken_views_table(v, columns, sizeof columns / sizeof *columns,
                    "What the better half gains, at the best epochs, paired by world");
    for (int k = 0; k < KEN_N_RANKS; k++) {
        ken_views_row(v, "gaps[]", NULL);
        ken_put_text(v, KEN_STYLE_PLAIN, ken_rank_name(k));
        put_mean(v, ken_measures_gap(m, k));
    }
}

int ken_views_of_measures(ken_views **out, const ken_measures *m, ken_err *err)
{
    ken_views *v = ken_views_new();
    size_t facts;
    const int worlds = ken_measures_worlds(m, &facts);
    ken_value_count(v, "", "worlds", (uint64_t)worlds);
    ken_value_count(v, "", "facts", facts);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_STRONG, "%d synthetic world%s, %s facts asked", worlds, worlds == 1 ? "" : "s",
                  ken_views_count_text(v, facts));
    ken_views_say(v, KEN_STYLE_PLAIN,
                  worlds > 1 ? "; intervals are t over worlds."
                             : "; intervals are over subjects, and there are none over worlds.");
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "All of it is ours, no paper's experiment (docs/method/salience.md). exposures: sentences that told "
                  "the fact, the truth; popularity: about its "
                  "subject; p: P_Correct in the form of the corpus; salience: logit of the answer less the mean logit "
                  "of its relation's answers.");
    put_bins(v, m);
    put_correlations(v, m);
    put_auroc(v, m);
    put_contest(v, m);
    put_gaps(v, m);
    return ken_views_finish(out, v, err);
}
