/* diff_tables.c - the tables of a comparison; see diff.h. All numbers are ken_diff's, but for the shares known in either run. */
#include "base/alloc.h"
#include "base/stats.h"
#include "view/diff.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ken_view_by_category(const ken_diff_view *x) { return ken_diff_annotated(x->d) && !x->all->choice; }

static const char *below(const ken_diff_view *x, const char *name)
{
    return ken_views_keep(x->v, "%s%s%s", x->path, x->path[0] != '\0' ? "." : "", name);
}

/* "known" in run A, as people say it there */
static const char *in_run(const ken_diff_view *x, const char *what, const char *run)
{
    return ken_views_keep(x->v, "%s %s", what, run);
}

/* ---- from where to where --------------------------------------------------------------------------------------------- */

/* Categories, or verdicts with the colours of known and unknown. The last of either is neither. */
typedef struct kinds {
    int n;
    const uint64_t *moved; /* (n, n) */
    const char *(*name)(int kind);
} kinds;

static kinds kinds_of(const ken_diff_view *x, const ken_diff_group *g)
{
    if (ken_view_by_category(x)) return (kinds){KEN_N_CATEGORIES, g->moved[0], ken_category_name};
    return (kinds){KEN_N_VERDICTS, g->verdict[0], ken_verdict_name};
}

static ken_style colour(const kinds *k, int i)
{
    if (i == k->n - 1) return (ken_style)((int)KEN_STYLE_CATEGORY + (int)KEN_UNLABELLED);
    if (k->n == KEN_N_CATEGORIES) return (ken_style)((int)KEN_STYLE_CATEGORY + i);
    return i == KEN_RIGHT ? KEN_STYLE_BETTER : KEN_STYLE_WORSE;
}

static ken_style moved_style(const kinds *k, uint64_t n, int from, int to)
{
    if (n == 0) return KEN_STYLE_QUIET;
    if (from == to) return KEN_STYLE_STRONG;
    if (from == k->n - 1 || to == k->n - 1) return KEN_STYLE_PLAIN;
    return to > from ? KEN_STYLE_WORSE : KEN_STYLE_BETTER;
}

static void put_moved(ken_views *v, const kinds *k, int from, const uint64_t *moved, ken_style name)
{
    uint64_t sum = 0;
    ken_put_text(v, name, from < 0 ? "all" : k->name(from));
    for (int to = 0; to < k->n; to++) {
        ken_put_count(v, moved[to])->style = from < 0 ? KEN_STYLE_QUIET : moved_style(k, moved[to], from, to);
        sum += moved[to];
    }
    ken_put_count(v, sum)->style = KEN_STYLE_QUIET;
}

/* In JSON all kinds are there; elsewhere the last one only where anything is of it. */
void ken_view_transitions(const ken_diff_view *x)
{
    ken_views *v = x->v;
    const kinds k = kinds_of(x, x->all);
    ken_view_column c[KEN_N_CATEGORIES + 2] = {
        {.key = "from", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN | KEN_IN_CSV}};
    uint64_t last = 0, all[KEN_N_CATEGORIES] = {0};
    for (int i = 0; i < k.n; i++) last += k.moved[i * k.n + k.n - 1] + k.moved[(k.n - 1) * k.n + i];
    for (int i = 0; i < k.n * k.n; i++) all[i % k.n] += k.moved[i];
    const unsigned rare = last > 0 ? KEN_EVERYWHERE : KEN_IN_DATA;
    c[0].head = ken_views_keep(v, "%s \u2193  %s \u2192", x->a, x->b);
    for (int i = 0; i < k.n; i++)
        c[i + 1] = (ken_view_column){.head = k.name(i),
                                     .key = k.name(i),
                                     .unit = KEN_UNIT_COUNT,
                                     .width = last > 0 ? 12 : 13,
                                     .where = i < k.n - 1 ? KEN_EVERYWHERE : rare,
                                     .style = colour(&k, i)};
    c[k.n + 1] = (ken_view_column){.head = "all",
                                   .key = "all",
                                   .unit = KEN_UNIT_COUNT,
                                   .width = 8,
                                   .where = KEN_SHOWN | KEN_IN_CSV,
                                   .style = KEN_STYLE_QUIET};
    ken_views_columns(v, c, (size_t)k.n + 2, NULL);
    ken_views_last(v)->square = true;
    if (ken_view_by_category(x) && k.moved[k.n * k.n - 1] == x->all->n)
        ken_views_last(v)->where = KEN_IN_DATA; /* a sentence says that nothing has a category */
    for (int i = 0; i < k.n; i++) {
        ken_views_row(v, below(x, "transitions"), k.name(i))->where = i < k.n - 1 ? KEN_EVERYWHERE : rare;
        put_moved(v, &k, i, k.moved + i * k.n, colour(&k, i));
    }
    ken_view_row *sums = ken_views_row(v, NULL, NULL);
    sums->where = KEN_SHOWN;
    sums->total = true;
    put_moved(v, &k, -1, all, KEN_STYLE_QUIET);
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
    const bool categories = ken_view_by_category(x);
    char p[32];
    if (g->known_a + g->rest_a == 0) return; /* nothing has a label */
    ken_views_table(x->v, c, sizeof c / sizeof *c, NULL);
    ken_views_last(x->v)->headless = true;
    put_move(x, "lost", KEN_STYLE_WORSE, g->lost, g->lost_share, g->lost_lo, g->lost_hi, g->known_a,
             in_run(x, categories ? "HighlyKnown or MaybeKnown in" : "right in", x->a));
    put_move(x, "gained", KEN_STYLE_BETTER, g->gained, g->gained_share, g->gained_lo, g->gained_hi, g->rest_a,
             categories ? "others" : in_run(x, "wrong in", x->a));
    if (g->lost + g->gained == 0 || g->choice) return; /* of multiple choice the test is that of the questions right */
    ken_views_text(x->v);
    ken_views_last(x->v)->close = true;
    ken_views_say(x->v, KEN_STYLE_QUIET, "lost against gained, McNemar's exact test: %s", ken_p_text(g->mcnemar, p));
}

/* ---- how many are right ---------------------------------------------------------------------------------------------- */

typedef struct ends { /* a number, and its 95 % interval */
    double x, lo, hi;
} ends;

static ends known_share(uint64_t known, uint64_t rest)
{
    ends e = {.x = known + rest > 0 ? (double)known / (double)(known + rest) : NAN};
    ken_wilson(known, known + rest, &e.lo, &e.hi);
    return e;
}

static ken_view_cell *put_ends(ken_views *v, ends e) { return ken_put_between(v, e.x, e.lo, e.hi); }

typedef struct mean {
    const char *name, *what; /* in a line of the table, and in a sentence */
    ends a, b, change;
    const char *test;
    double p, guess;
} mean;

static ken_style better_or_worse(double change)
{
    return change < 0 ? KEN_STYLE_WORSE : change > 0 ? KEN_STYLE_BETTER : KEN_STYLE_PLAIN;
}

static void put_mean(ken_views *v, const mean *m)
{
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, m->name);
    put_ends(v, m->a);
    put_ends(v, m->b);
    put_ends(v, m->change)->style = better_or_worse(m->change.x);
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
                            known_share(g->known_a, g->rest_a),
                            known_share(g->known_b, g->rest_b),
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
        {.head = x->a, .key = "a", .lo_key = "a", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = side},
        {.head = x->b, .key = "b", .lo_key = "b", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = side},
        {.head = "change",
         .key = "change",
         .lo_key = "change",
         .unit = KEN_UNIT_CHANGE,
         .digits = 1,
         .width = 8,
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

/* ---- groups ---------------------------------------------------------------------------------------------------------- */

#define PAGE (KEN_ON_PAGE | KEN_IN_DATA)
#define SHARE(name, k, ends, u, shown)                                                                                 \
    {                                                                                                                  \
        .head = (name), .key = (k), .lo_key = (ends), .unit = (u), .digits = 1, .width = 7, .where = (shown)           \
    }
#define COUNT(name, k, w, shown)                                                                                       \
    {                                                                                                                  \
        .head = (name), .key = (k), .unit = KEN_UNIT_COUNT, .width = (w), .where = (shown)                             \
    }

enum {
    NAME,
    FACTS,
    KNOWN_A,
    KNOWN_B,
    LOST,
    LOST_SHARE,
    GAINED,
    GAINED_SHARE,
    MCNEMAR,
    T0_A,
    T0_B,
    T0_CHANGE,
    T_A,
    T_B,
    T_CHANGE,
    T_TEST,
    STAR,
    RIGHT_A,
    RIGHT_B,
    RIGHT_CHANGE,
    T0_TEST,
    GUESS_P_T0,
    GUESS_RIGHT,
    N_GROUP,
    MOST = N_GROUP + KEN_N_CATEGORIES * KEN_N_CATEGORIES
};

static const ken_view_column group[N_GROUP] = {
    [NAME] = {.head = "", .unit = KEN_UNIT_TEXT, .width = 20, .where = KEN_SHOWN | KEN_IN_CSV},
    [FACTS] = COUNT("facts", "examples", 6, KEN_EVERYWHERE),
    [KNOWN_A] = COUNT("", "known_a", 0, PAGE),
    [KNOWN_B] = COUNT("", "known_b", 0, PAGE),
    [LOST] = COUNT("lost", "lost", 5, KEN_EVERYWHERE),
    [LOST_SHARE] = SHARE("share lost", "lost_share", "lost_interval", KEN_UNIT_SHARE, PAGE),
    [GAINED] = COUNT("gained", "gained", 7, KEN_EVERYWHERE),
    [GAINED_SHARE] = SHARE("share gained", "gained_share", "gained_interval", KEN_UNIT_SHARE, PAGE),
    [MCNEMAR] = {.key = "mcnemar_p", .unit = KEN_UNIT_P, .where = KEN_IN_DATA},
    [T0_A] = SHARE("", "p_t0.a", NULL, KEN_UNIT_SHARE, PAGE | KEN_INTERVAL_IF_VERBOSE),
    [T0_B] = SHARE("", "p_t0.b", NULL, KEN_UNIT_SHARE, PAGE | KEN_INTERVAL_IF_VERBOSE),
    [T0_CHANGE] = SHARE("change", "p_t0.change", "p_t0.interval", KEN_UNIT_CHANGE, PAGE),
    [T_A] = SHARE("", "p_t.a", NULL, KEN_UNIT_SHARE, KEN_IN_DATA),
    [T_B] = SHARE("", "p_t.b", NULL, KEN_UNIT_SHARE, KEN_IN_DATA),
    [T_CHANGE] = SHARE("change", "p_t.change", "p_t.interval", KEN_UNIT_CHANGE, KEN_IN_DATA),
    [T_TEST] = {.key = "t_test_p", .unit = KEN_UNIT_P, .where = KEN_IN_DATA},
    [STAR] = {.head = "", .unit = KEN_UNIT_TEXT, .width = 3, .where = KEN_ON_TERMINAL},
    /* the rest for multiple choice */
    [RIGHT_A] = SHARE("", "right_a.share", "right_a.interval", KEN_UNIT_SHARE, KEN_IN_DATA),
    [RIGHT_B] = SHARE("", "right_b.share", "right_b.interval", KEN_UNIT_SHARE, KEN_IN_DATA),
    [RIGHT_CHANGE] = SHARE("", "right_change.change", "right_change.interval", KEN_UNIT_CHANGE, KEN_IN_DATA),
    [T0_TEST] = {.key = "p_t0_test_p", .unit = KEN_UNIT_P, .where = KEN_IN_DATA},
    [GUESS_P_T0] = SHARE("", "guessing.p_t0", NULL, KEN_UNIT_SHARE, KEN_IN_DATA),
    [GUESS_RIGHT] = SHARE("", "guessing.right", NULL, KEN_UNIT_SHARE, KEN_IN_DATA)};

/* Evaluations have no P_Correct, and their groups never had transitions. */
static bool has_p_t(const ken_diff_view *x) { return ken_diff_annotated(x->d) || x->all->choice; }

static size_t put_transition_columns(const ken_diff_view *x, ken_view_column *c)
{
    const kinds k = kinds_of(x, x->all);
    size_t n = 0;
    for (int i = 0; i < k.n * k.n && has_p_t(x); i++)
        c[n++] = (ken_view_column){.key = ken_views_keep(x->v, "transitions.%s.%s", k.name(i / k.n), k.name(i % k.n)),
                                   .unit = KEN_UNIT_COUNT,
                                   .where = KEN_IN_DATA};
    return n;
}

static void put_transitions(const ken_diff_view *x, const ken_diff_group *g)
{
    const kinds k = kinds_of(x, g);
    for (int i = 0; i < k.n * k.n && has_p_t(x); i++) ken_put_count(x->v, k.moved[i]);
}

/* What a terminal shows of the change: P_Correct, which is finer; of verdicts and multiple choice the share right. */
static size_t columns_of(const ken_diff_view *x, const char *grouping, const char *head, ken_view_column c[MOST])
{
    const bool categories = ken_view_by_category(x), choice = x->all->choice;
    memcpy(c, group, sizeof group);
    c[NAME].head = head;
    c[NAME].key = grouping;
    if (choice) c[FACTS].head = "asked";
    c[KNOWN_A].head = in_run(x, categories ? "known" : "right", x->a);
    c[KNOWN_B].head = in_run(x, categories ? "known" : "right", x->b);
    for (int i = 0; i < 3; i++) c[(categories ? T_A : T0_A) + i].where |= KEN_ON_TERMINAL;
    const bool letters = x->a[1] == '\0'; /* a terminal has no room for more, a page no need for it */
    c[T0_A].head = letters ? x->a : in_run(x, choice ? "prompts right" : "greedy right", x->a);
    c[T0_B].head = letters ? x->b : in_run(x, choice ? "prompts right" : "greedy right", x->b);
    c[T_A].head = ken_views_keep(x->v, "P(%s)", x->a);
    c[T_B].head = ken_views_keep(x->v, "P(%s)", x->b);
    if (choice) c[T0_A].lo_key = "p_t0_interval_a", c[T0_B].lo_key = "p_t0_interval_b";
    for (int i = T_A; i <= T_CHANGE && !has_p_t(x); i++) c[i].where = 0;
    for (int i = RIGHT_A; i < N_GROUP && !choice; i++) c[i].where = 0;
    return N_GROUP + put_transition_columns(x, c + N_GROUP);
}

static double change_of(const ken_diff_view *x, const ken_diff_group *g)
{
    return ken_view_by_category(x) ? g->p_t_change : g->p_t0_change;
}

static double test_of(const ken_diff_group *g) { return g->choice ? g->p_t0_test : g->p_t_test; }

static void put_choice(ken_views *v, const ken_diff_group *g)
{
    put_ends(v, known_share(g->known_a, g->rest_a));
    put_ends(v, known_share(g->known_b, g->rest_b));
    ken_put_between(v, g->known_change, g->known_lo, g->known_hi);
    ken_put_number(v, g->p_t0_test);
    ken_put_number(v, g->guess_p_t0);
    ken_put_number(v, g->guess_known);
}

/* name NULL: all rows of the kind, where lost and gained are lists of ids. */
static void put_group(const ken_diff_view *x, const ken_diff_group *g, const char *name)
{
    ken_views *v = x->v;
    const ken_style lost = g->lost > 0 ? KEN_STYLE_WORSE : KEN_STYLE_QUIET,
                    gained = g->gained > 0 ? KEN_STYLE_BETTER : KEN_STYLE_QUIET;
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, g->n);
    ken_put_count(v, g->known_a);
    ken_put_count(v, g->known_b);
    if (name != NULL) ken_put_count(v, g->lost)->style = lost;
    else ken_put_nothing(v);
    ken_put_between(v, g->lost_share, g->lost_lo, g->lost_hi);
    if (name != NULL) ken_put_count(v, g->gained)->style = gained;
    else ken_put_nothing(v);
    ken_put_between(v, g->gained_share, g->gained_lo, g->gained_hi);
    ken_put_number(v, g->mcnemar);
    ken_put_between(v, g->p_t0_a, g->choice ? g->p_t0_a_lo : NAN, g->p_t0_a_hi);
    ken_put_between(v, g->p_t0_b, g->choice ? g->p_t0_b_lo : NAN, g->p_t0_b_hi);
    ken_put_between(v, g->p_t0_change, g->p_t0_lo, g->p_t0_hi)->style = better_or_worse(g->p_t0_change);
    ken_put_number(v, g->p_t_a);
    ken_put_number(v, g->p_t_b);
    ken_put_between(v, g->p_t_change, g->p_t_lo, g->p_t_hi)->style = better_or_worse(g->p_t_change);
    ken_put_number(v, g->p_t_test);
    ken_put_text(v, KEN_STYLE_PLAIN, test_of(g) < 0.05 ? "*" : NULL);
    if (g->choice) put_choice(v, g);
    else
        for (int i = RIGHT_A; i < N_GROUP; i++) ken_put_nothing(v);
}

void ken_view_diff_all(const ken_diff_view *x)
{
    ken_view_column c[MOST];
    columns_of(x, NULL, "", c);
    ken_views_columns(x->v, c, N_GROUP, NULL); /* transitions have a view of their own */
    ken_views_last(x->v)->kind = KEN_VIEW_VALUES;
    ken_views_last(x->v)->where = KEN_IN_JSON;
    ken_views_row(x->v, x->path, NULL);
    put_group(x, x->all, NULL);
}

typedef struct ranked {
    const ken_diff_group *g;
    double net, change;
} ranked;

/* The worst first: by what was gained and not lost, then by the change, then as in the data. */
static int worst_first(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    if (a->net != b->net) return a->net < b->net ? -1 : 1;
    if (isnan(a->change) || isnan(b->change)) {
        if (isnan(a->change) != isnan(b->change)) return isnan(a->change) - isnan(b->change);
    } else if (a->change != b->change) return a->change < b->change ? -1 : 1;
    return a->g < b->g ? -1 : a->g > b->g;
}

/* The groups of a grouping (n); the caller frees. */
static ranked *groups_of(const ken_diff_view *x, const char *grouping, size_t *n)
{
    size_t all;
    const ken_diff_group *g = ken_diff_groups(x->d, &all);
    ranked *r = ken_alloc(all, sizeof *r);
    *n = 0;
    if (r == NULL) ken_views_fail(x->v);
    for (size_t i = 0; i < all && r != NULL; i++)
        if (g[i].choice == x->all->choice && strcmp(g[i].grouping, grouping) == 0)
            r[(*n)++] = (ranked){&g[i], (double)g[i].gained - (double)g[i].lost, change_of(x, &g[i])};
    if (*n > 1 && strcmp(grouping, "relation") == 0) qsort(r, *n, sizeof *r, worst_first);
    return r;
}

enum { MOST_ON_TERMINAL = 15, MOST_ON_PAGE = 60 };

static bool at_an_end(size_t i, size_t n, size_t most) { return i <= most / 2 || i + most / 2 >= n; }

/* Of many relations a terminal shows those that changed, from both ends of the order. */
static unsigned where_group(const ranked *r, size_t i, size_t n, bool many)
{
    const ken_diff_group *g = r[i].g;
    const bool changed = g->lost + g->gained > 0 || test_of(g) < 0.05;
    unsigned where = KEN_EVERYWHERE;
    if (many && !(changed && at_an_end(i, n, MOST_ON_TERMINAL))) where |= KEN_IF_VERBOSE;
    if (n > MOST_ON_PAGE && !at_an_end(i, n, MOST_ON_PAGE)) where &= ~(unsigned)KEN_ON_PAGE;
    return where;
}

ken_grouping_shown ken_view_diff_groups(const ken_diff_view *x, const char *grouping, const char *head)
{
    ken_grouping_shown shown = {0};
    ken_view_column c[MOST];
    ranked *r = groups_of(x, grouping, &shown.groups);
    const bool many = strcmp(grouping, "relation") == 0 && shown.groups > MOST_ON_TERMINAL;
    const char *path = ken_views_keep(x->v, "%s.%s", below(x, "groups"), grouping);
    if (shown.groups > 0) ken_views_columns(x->v, c, columns_of(x, grouping, head, c), NULL);
    for (size_t i = 0; i < shown.groups; i++) {
        const unsigned where = where_group(r, i, shown.groups, many);
        ken_views_row(x->v, path, r[i].g->key)->where = where;
        put_group(x, r[i].g, ken_view_group(grouping, r[i].g->key));
        put_transitions(x, r[i].g);
        shown.shown += (where & KEN_IF_VERBOSE) == 0;
        shown.on_page += (where & KEN_ON_PAGE) != 0;
        shown.tested |= !isnan(test_of(r[i].g));
    }
    ken_free(r);
    return shown;
}
