/* diff_groups.c - the tables of a comparison by relation, popularity and so on; see diff.h. */
#include "base/alloc.h"
#include "view/diff.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    SHOWN_A, /* on a terminal, which has room for one pair: P_Correct, which is finer; else the share right */
    SHOWN_B,
    SHOWN_CHANGE,
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
    [T0_A] = SHARE("", "p_t0.a", NULL, KEN_UNIT_SHARE, PAGE),
    [T0_B] = SHARE("", "p_t0.b", NULL, KEN_UNIT_SHARE, PAGE),
    [T0_CHANGE] = SHARE("change", "p_t0.change", "p_t0.interval", KEN_UNIT_CHANGE, PAGE),
    [T_A] = SHARE("", "p_t.a", NULL, KEN_UNIT_SHARE, KEN_IN_DATA),
    [T_B] = SHARE("", "p_t.b", NULL, KEN_UNIT_SHARE, KEN_IN_DATA),
    [T_CHANGE] = SHARE("change", "p_t.change", "p_t.interval", KEN_UNIT_CHANGE, KEN_IN_DATA),
    [T_TEST] = {.key = "t_test_p", .unit = KEN_UNIT_P, .where = KEN_IN_DATA},
    [SHOWN_A] = SHARE("", NULL, NULL, KEN_UNIT_SHARE, KEN_ON_TERMINAL),
    [SHOWN_B] = SHARE("", NULL, NULL, KEN_UNIT_SHARE, KEN_ON_TERMINAL),
    [SHOWN_CHANGE] = SHARE("change", NULL, NULL, KEN_UNIT_CHANGE, KEN_ON_TERMINAL),
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
    const ken_diff_kinds k = ken_view_kinds(x, x->all);
    size_t n = 0;
    for (int i = 0; i < k.n * k.n && has_p_t(x); i++)
        c[n++] = (ken_view_column){.key = ken_views_keep(x->v, "transitions.%s.%s", k.name(i / k.n), k.name(i % k.n)),
                                   .unit = KEN_UNIT_COUNT,
                                   .where = KEN_IN_DATA};
    return n;
}

static void put_transitions(const ken_diff_view *x, const ken_diff_group *g)
{
    const ken_diff_kinds k = ken_view_kinds(x, g);
    for (int i = 0; i < k.n * k.n && has_p_t(x); i++) ken_put_count(x->v, k.moved[i]);
}

static size_t columns_of(const ken_diff_view *x, const char *grouping, const char *head, ken_view_column c[MOST])
{
    const bool categories = ken_view_has_categories(x), choice = x->all->choice;
    memcpy(c, group, sizeof group);
    c[NAME].head = head;
    c[NAME].key = grouping;
    if (choice) c[FACTS].head = "asked";
    c[KNOWN_A].head = ken_view_in_run(x, categories ? "known" : "right", x->a);
    c[KNOWN_B].head = ken_view_in_run(x, categories ? "known" : "right", x->b);
    c[T0_A].head = ken_view_in_run(x, choice ? "prompts right" : "greedy right", x->a);
    c[T0_B].head = ken_view_in_run(x, choice ? "prompts right" : "greedy right", x->b);
    c[SHOWN_A].head = ken_views_keep(x->v, categories ? "P(%s)" : "%s", x->a);
    c[SHOWN_B].head = ken_views_keep(x->v, categories ? "P(%s)" : "%s", x->b);
    if (choice) c[T0_A].lo_key = "p_t0_interval_a", c[T0_B].lo_key = "p_t0_interval_b";
    for (int i = T_A; i <= T_CHANGE && !has_p_t(x); i++) c[i].where = 0;
    for (int i = RIGHT_A; i < N_GROUP && !choice; i++) c[i].where = 0;
    return N_GROUP + put_transition_columns(x, c + N_GROUP);
}

static double change_of(const ken_diff_view *x, const ken_diff_group *g)
{
    return ken_view_has_categories(x) ? g->p_t_change : g->p_t0_change;
}

static double test_of(const ken_diff_group *g) { return g->choice ? g->p_t0_test : g->p_t_test; }

static void put_choice(ken_views *v, const ken_diff_group *g)
{
    const ken_diff_ends a = ken_view_known(g->known_a, g->rest_a), b = ken_view_known(g->known_b, g->rest_b);
    ken_put_between(v, a.x, a.lo, a.hi);
    ken_put_between(v, b.x, b.lo, b.hi);
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
    ken_put_between(v, g->p_t0_change, g->p_t0_lo, g->p_t0_hi)->style = ken_view_change_style(g->p_t0_change);
    ken_put_number(v, g->p_t_a);
    ken_put_number(v, g->p_t_b);
    ken_put_between(v, g->p_t_change, g->p_t_lo, g->p_t_hi)->style = ken_view_change_style(g->p_t_change);
    ken_put_number(v, g->p_t_test);
    const bool p_t = ken_view_has_categories(x);
    ken_put_number(v, p_t ? g->p_t_a : g->p_t0_a);
    ken_put_number(v, p_t ? g->p_t_b : g->p_t0_b);
    ken_put_between(v, change_of(x, g), p_t ? g->p_t_lo : g->p_t0_lo, p_t ? g->p_t_hi : g->p_t0_hi)->style =
        ken_view_change_style(change_of(x, g));
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
    const char *path = ken_views_keep(x->v, "%s.%s", ken_view_below(x, "groups"), grouping);
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
