/* diff_tables.c - what moved, and how many are right, of all rows of a kind; see diff.h. All numbers are ken_diff's, but for the shares known in
 * either run. */
#include "base/stats.h"
#include "view/diff.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ken_view_has_categories(const ken_diff_view *x) { return ken_diff_annotated(x->d) && !x->all->choice; }

const char *ken_view_below(const ken_diff_view *x, const char *name)
{
    return ken_views_keep(x->v, "%s%s%s", x->path, x->path[0] != '\0' ? "." : "", name);
}

const char *ken_view_in_run(const ken_diff_view *x, const char *what, const char *run)
{
    return ken_views_keep(x->v, "%s %s", what, run);
}

/* ---- from where to where --------------------------------------------------------------------------------------------- */

ken_diff_kinds ken_view_kinds(const ken_diff_view *x, const ken_diff_group *g)
{
    if (ken_view_has_categories(x)) return (ken_diff_kinds){KEN_N_CATEGORIES, g->moved[0], ken_category_name};
    return (ken_diff_kinds){KEN_N_VERDICTS, g->verdict[0], ken_verdict_name};
}

/* In JSON all kinds are there; elsewhere the last one only where anything is of it. */
void ken_view_transitions(const ken_diff_view *x)
{
    static const int colour[] = {
        [KEN_RIGHT] = KEN_HIGHLY_KNOWN, [KEN_WRONG] = KEN_UNKNOWN, [KEN_NOT_ASKED] = KEN_UNLABELLED};
    const bool categories = ken_view_has_categories(x);
    const ken_diff_kinds k = ken_view_kinds(x, x->all);
    uint64_t last = 0;
    for (int i = 0; i < k.n; i++) last += k.moved[i * k.n + k.n - 1] + k.moved[(k.n - 1) * k.n + i];
    ken_view_moved(x->v, &(ken_view_matrix){.moved = k.moved,
                                            .n = k.n,
                                            .shown = last > 0 ? k.n : k.n - 1,
                                            .name = k.name,
                                            .colour = categories ? NULL : colour,
                                            .head = ken_views_keep(x->v, "%s \u2193  %s \u2192", x->a, x->b),
                                            .path = ken_view_below(x, "transitions"),
                                            .judged = true});
    if (categories && k.moved[k.n * k.n - 1] == x->all->n)
        ken_views_last(x->v)->where = KEN_IN_DATA; /* a sentence says that nothing has a category */
}

/* ---- lost and gained ------------------------------------------------------------------------------------------------- */

static void put_move(const ken_diff_view *x, const char *name, ken_style style, uint64_t k, double share, double lo,
                     double hi, uint64_t of, const char *what)
{
    ken_views *v = x->v;
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, k > 0 ? style : KEN_STYLE_QUIET, name);
    ken_put_count(v, k);
    ken_put_between(v, share, lo, hi);
    ken_put_count(v, of);
    ken_put_text(v, KEN_STYLE_PLAIN,
                 ken_views_keep(v, "of %s %s", of > 0 ? ken_views_count_text(v, of) : "none", what));
}

void ken_view_lost_gained(const ken_diff_view *x)
{
    static const ken_view_column c[] = {
        {.head = "", .key = "move", .unit = KEN_UNIT_TEXT, .width = 6, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "", .key = "count", .unit = KEN_UNIT_COUNT, .width = 7, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "",
         .key = "share",
         .lo_key = "interval",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.key = "of", .unit = KEN_UNIT_COUNT, .where = KEN_IN_CSV},
        {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    const ken_diff_group *g = x->all;
    const bool categories = ken_view_has_categories(x);
    char p[32];
    if (g->known_a + g->rest_a == 0) return; /* nothing has a label */
    ken_views_table(x->v, c, sizeof c / sizeof *c, NULL);
    ken_views_last(x->v)->headless = true;
    put_move(x, "lost", KEN_STYLE_WORSE, g->lost, g->lost_share, g->lost_lo, g->lost_hi, g->known_a,
             ken_view_in_run(x, categories ? "HighlyKnown or MaybeKnown in" : "right in", x->a));
    put_move(x, "gained", KEN_STYLE_BETTER, g->gained, g->gained_share, g->gained_lo, g->gained_hi, g->rest_a,
             categories ? "others" : ken_view_in_run(x, "wrong in", x->a));
    if (g->lost + g->gained == 0 || g->choice) return; /* of multiple choice the test is that of the questions right */
    ken_views_text(x->v);
    ken_views_last(x->v)->close = true;
    ken_views_say(x->v, KEN_STYLE_QUIET, "lost against gained, McNemar's exact test: %s", ken_p_text(g->mcnemar, p));
}

/* ---- how many are right ---------------------------------------------------------------------------------------------- */

ken_diff_ends ken_view_known(uint64_t known, uint64_t rest)
{
    ken_diff_ends e = {.x = known + rest > 0 ? (double)known / (double)(known + rest) : NAN};
    ken_wilson(known, known + rest, &e.lo, &e.hi);
    return e;
}

typedef struct mean {
    const char *name, *what; /* in a line of the table, and in a sentence */
    ken_diff_ends a, b, change;
    const char *test;
    double p, guess;
} mean;

ken_style ken_view_change_style(double change)
{
    return change < 0 ? KEN_STYLE_WORSE : change > 0 ? KEN_STYLE_BETTER : KEN_STYLE_PLAIN;
}

static void put_mean(ken_views *v, const mean *m)
{
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, m->name);
    ken_put_between(v, m->a.x, m->a.lo, m->a.hi);
    ken_put_between(v, m->b.x, m->b.lo, m->b.hi);
    ken_put_between(v, m->change.x, m->change.lo, m->change.hi)->style = ken_view_change_style(m->change.x);
    ken_put_text(v, KEN_STYLE_PLAIN, isnan(m->p) ? NULL : m->test);
    if (isnan(m->p)) ken_put_nothing(v);
    else ken_put_number(v, m->p);
    if (isnan(m->guess)) ken_put_nothing(v);
    else ken_put_number(v, m->guess);
}

/* At most three; returns how many. Multiple choice is right by questions, by prompts (of which an evaluation has one each) and by the
 * probability of the right option. */
static int means_of(const ken_diff_view *x, mean m[3])
{
    const ken_diff_group *g = x->all;
    const bool annotated = ken_diff_annotated(x->d);
    const mean questions = {"questions",
                            "questions right",
                            ken_view_known(g->known_a, g->rest_a),
                            ken_view_known(g->known_b, g->rest_b),
                            {g->known_change, g->known_lo, g->known_hi},
                            "McNemar's exact test",
                            g->mcnemar,
                            g->guess_known};
    mean t0 = {"prompts",
               "prompts right",
               {g->p_t0_a, g->p_t0_a_lo, g->p_t0_a_hi},
               {g->p_t0_b, g->p_t0_b_lo, g->p_t0_b_hi},
               {g->p_t0_change, g->p_t0_lo, g->p_t0_hi},
               "paired t test",
               g->p_t0_test,
               g->guess_p_t0};
    const mean t = {g->choice ? "P(right)" : "P_Correct",
                    g->choice ? "the probability of the right option" : "P_Correct",
                    {g->p_t_a, NAN, NAN},
                    {g->p_t_b, NAN, NAN},
                    {g->p_t_change, g->p_t_lo, g->p_t_hi},
                    "paired t test",
                    g->p_t_test,
                    g->guess_p_t0};
    int n = 0;
    if (!g->choice) {
        t0.name = annotated ? "greedy right" : "right";
        t0.what = annotated ? "right greedy answers" : "right answers";
    }
    if (g->choice && !isnan(questions.a.x) && !isnan(questions.b.x)) m[n++] = questions;
    if ((annotated || !g->choice) && !isnan(t0.a.x)) m[n++] = t0;
    if (!isnan(t.a.x)) m[n++] = t;
    return n;
}

static void say_tests(ken_views *v, const mean *m, int n)
{
    char p[32];
    bool any = false;
    for (int i = 0; i < n; i++) {
        if (isnan(m[i].p)) continue;
        if (!any) {
            ken_views_text(v);
            ken_views_last(v)->close = true;
            ken_views_last(v)->where = KEN_ON_TERMINAL; /* elsewhere columns have room for them */
        }
        ken_views_say(v, KEN_STYLE_QUIET, "%s %s, %s: %s", any ? "; of" : "change of", m[i].what, m[i].test,
                      ken_p_text(m[i].p, p));
        any = true;
    }
}

static void say_guessing(ken_views *v, const ken_diff_group *g)
{
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "A question is right when more than half of its prompts choose the right option; a tie is wrong.");
    if (isnan(g->guess_p_t0)) return;
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_last(v)->where = KEN_ON_TERMINAL;
    ken_views_say(v, KEN_STYLE_QUIET, "By chance: %.0f%% of the prompts, %.1f%% of the questions.", 100 * g->guess_p_t0,
                  100 * g->guess_known);
}

void ken_view_means(const ken_diff_view *x)
{
    const unsigned page = KEN_ON_PAGE | KEN_IN_CSV, shown = KEN_SHOWN | KEN_IN_CSV;
    const bool choice = x->all->choice;
    const unsigned side = choice ? shown : shown | KEN_INTERVAL_IF_VERBOSE; /* of other rows the change tells more */
    const ken_view_column c[] = {
        {.head = choice ? "right" : "", .key = "measure", .unit = KEN_UNIT_TEXT, .width = 10, .where = shown},
        {.head = x->a, .key = "a", .lo_key = "a", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 7, .where = side},
        {.head = x->b, .key = "b", .lo_key = "b", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 7, .where = side},
        {.head = "change",
         .key = "change",
         .lo_key = "change",
         .unit = KEN_UNIT_CHANGE,
         .digits = 1,
         .width = 7,
         .where = shown},
        {.head = "test", .unit = KEN_UNIT_TEXT, .where = page},
        {.head = "p", .unit = KEN_UNIT_P, .where = page},
        {.head = "by chance", .unit = KEN_UNIT_SHARE, .digits = 1, .where = choice ? page : 0}};
    mean m[3];
    const int n = means_of(x, m);
    if (n == 0) return;
    ken_views_columns(x->v, c, sizeof c / sizeof *c, NULL);
    for (int i = 0; i < n; i++) put_mean(x->v, &m[i]);
    say_tests(x->v, m, n);
    if (choice && ken_diff_annotated(x->d)) say_guessing(x->v, x->all);
}
