/* diff.c - what a comparison of two runs says. They are called A and B, since they need not be a before and an after. What got worse has the colour
 * of Unknown, what got better that of HighlyKnown; the numbers say the same without colour. */
#include "view/diff.h"
#include "base/options.h"
#include "store/tuning.h"
#include <math.h>
#include <string.h>

static ken_view *line(ken_views *v, bool close, unsigned where)
{
    ken_views_text(v);
    ken_view *t = ken_views_last(v);
    t->close = close;
    t->where = where;
    return t;
}

/* ---- which runs ------------------------------------------------------------------------------------------------------ */

static void put_run(ken_views *v, const ken_run *r, const char *path, int i)
{
    static const char *const object[] = {"a", "b"};
    static const char *const keys[] = {"model", "model_path", "model_hash", "adapter_path", "data"};
    ken_value_text(v, object[i], "run", path);
    ken_value_text(v, object[i], "kind", ken_run_kind(r));
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (ken_run_setting(r, keys[k]) != NULL) ken_value_text(v, object[i], keys[k], ken_run_setting(r, keys[k]));
    line(v, i > 0, KEN_SHOWN);
    ken_views_say(v, KEN_STYLE_QUIET, "%c", 'A' + i);
    ken_views_say(v, KEN_STYLE_PLAIN, "  ");
    ken_view_subject(v, ken_run_setting(r, "model_path"), ken_run_setting(r, "adapter_path"), NULL);
    if (path != NULL) ken_views_say(v, KEN_STYLE_QUIET, "  (%s)", path);
}

static void put_unmatched(ken_views *v, const ken_diff *d)
{
    static const char *const what[] = {"only in A", "only in B", "with another question"};
    static const char *const key[] = {"only_a", "only_b", "other_question"};
    size_t n[3], told = 0;
    ken_diff_unmatched(d, &n[0], &n[1], &n[2]);
    for (int i = 0; i < 3; i++)
        if (n[i] > 0)
            ken_views_say(v, KEN_STYLE_PLAIN, "%s %s %s", told++ == 0 ? " that both have; not compared:" : ",",
                          ken_views_count_text(v, n[i]), what[i]);
    for (int i = 0; i < 3; i++) ken_value_count(v, "", key[i], n[i]);
}

static void put_cautions(ken_views *v, const ken_diff *d)
{
    ken_value_list(v, "cautions[]");
    for (size_t i = 0; ken_diff_caution(d, i) != NULL; i++) {
        ken_value_text(v, "cautions[]", "", ken_diff_caution(d, i));
        line(v, true, KEN_SHOWN);
        ken_views_say(v, KEN_STYLE_WORSE, "caution");
        ken_views_say(v, KEN_STYLE_PLAIN, "  %s", ken_diff_caution(d, i));
    }
}

static void put_title(ken_views *v, const ken_diff *d, const ken_diff_show_options *o)
{
    const bool choice = ken_diff_part(d, true) != NULL && ken_diff_part(d, false) == NULL;
    const ken_run *r = o->run[0];
    const char *data = r != NULL ? ken_run_setting(r, "data") : NULL;
    for (int i = 0; i < 2; i++)
        if (o->run[i] != NULL) put_run(v, o->run[i], o->path[i], i);
    line(v, true, KEN_SHOWN);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s %s", ken_views_count_text(v, ken_diff_count(d)),
                  choice ? "multiple choice questions" : "facts");
    if (data != NULL && strcmp(ken_run_kind(r), KEN_KIND_TRAIN) != 0) ken_views_say(v, KEN_STYLE_PLAIN, " of %s", data);
    put_unmatched(v, d);
    put_cautions(v, d);
}

/* ---- one kind of rows ------------------------------------------------------------------------------------------------ */

/* The categories of both, one bar above the other. */
static void put_bars(const ken_diff_view *x)
{
    static const ken_view_column c[] = {{.head = "", .unit = KEN_UNIT_TEXT, .width = 10, .where = KEN_SHOWN},
                                        {.head = "", .unit = KEN_UNIT_PARTS, .width = 62, .where = KEN_SHOWN}};
    ken_views_table(x->v, c, 2, NULL);
    ken_views_last(x->v)->headless = true;
    for (int side = 0; side < 2; side++) {
        uint64_t part[KEN_UNLABELLED] = {0};
        for (int i = 0; i < KEN_N_CATEGORIES; i++)
            for (int k = 0; k < KEN_UNLABELLED; k++) part[k] += side == 0 ? x->all->moved[k][i] : x->all->moved[i][k];
        ken_views_row(x->v, NULL, NULL);
        ken_put_text(x->v, KEN_STYLE_QUIET, side == 0 ? x->a : x->b);
        ken_put_parts(x->v, part, KEN_UNLABELLED);
    }
}

static void say_rest(ken_views *v, const char *head, ken_grouping_shown n)
{
    if (n.shown == n.groups) return;
    line(v, n.shown > 0, KEN_ON_TERMINAL | KEN_UNLESS_VERBOSE);
    if (n.shown > 0) ken_views_say(v, KEN_STYLE_QUIET, "and %zu more (-v shows all)", n.groups - n.shown);
    else {
        ken_views_say(v, KEN_STYLE_STRONG, "%s", head);
        ken_views_say(v, KEN_STYLE_PLAIN, ": none of %zu changed (-v shows them)", n.groups);
    }
}

/* Whether a line of it has a p-value. A grouping with one group is left out, except nearness: that all facts are equally near is worth showing. */
static bool put_grouping(const ken_diff_view *x, const char *grouping, const char *head)
{
    const size_t least = strcmp(grouping, "near") == 0 ? 1 : 2;
    const ken_grouping_shown n = ken_view_diff_groups(x, grouping, head);
    ken_view *t = ken_views_last(x->v);
    if (n.groups == 0) return false;
    if (n.groups < least) t->where = KEN_IN_DATA;
    else if (n.shown == 0 || strcmp(grouping, "category") == 0) t->where |= KEN_IF_VERBOSE;
    if (n.groups < least) return false;
    say_rest(x->v, head, n);
    return n.tested;
}

static void put_groups(const ken_diff_view *x)
{
    ken_views *v = x->v;
    const bool choice = x->all->choice;
    ken_value_list(v, ken_view_below(x, "groups"));
    bool tested = put_grouping(x, "relation", choice ? "by subject" : "by relation");
    tested |= put_grouping(x, "popularity", "by popularity");
    tested |= put_grouping(x, "near", "trained on");
    tested |= put_grouping(x, "split", "by split");
    (void)put_grouping(x, "category", "by category in A");
    if (!tested) return;
    line(v, false, KEN_ON_TERMINAL);
    ken_views_say(v, KEN_STYLE_QUIET, "%s a 95%% interval.",
                  ken_view_has_categories(x)           ? "P: mean P_Correct, and its change in points with"
                  : choice && ken_diff_annotated(x->d) ? "A, B: prompts answered right, and the change in points with"
                                                       : "A, B: right answers, and the change in points with");
    line(v, true, KEN_ON_TERMINAL);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "* p < 0.05 in a paired t test of this line alone: one in twenty has it by chance.");
}

/* ---- facts ----------------------------------------------------------------------------------------------------------- */

static const char *skip_spaces(const char *s) { return s + strspn(s, " "); }

static void say_answer(ken_views *v, const ken_diff_side *s, const char *word)
{
    if (s->says == NULL) {
        ken_views_say(v, KEN_STYLE_PLAIN, "%s nothing that was stored", word);
        return;
    }
    const char *text = skip_spaces(s->says);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s ", word);
    ken_views_say(v, s->says_right ? KEN_STYLE_BETTER : KEN_STYLE_WORSE, "%s", text[0] != '\0' ? text : "nothing");
    if (s->prompts > 1) ken_views_say(v, KEN_STYLE_PLAIN, " (%d of %d)", s->says_prompts, s->prompts);
}

const char *ken_view_hits_moved(ken_views *v, const ken_diff_row *r, const char *before)
{
    if (r->choice || r->b.prompts < 2 || r->a.prompts != r->b.prompts) return "";
    return ken_views_keep(v, "%sright in %d, now in %d of %d prompts", before, r->a.greedy_hits, r->b.greedy_hits,
                          r->b.prompts);
}

/* Not of rows whose probability is not known. */
static const char *p_moved(ken_views *v, const ken_diff_row *r)
{
    return isnan(r->a.p_t) || isnan(r->b.p_t) ? "" : ken_views_keep(v, ", P %.2f \u2192 %.2f", r->a.p_t, r->b.p_t);
}

/* Which it is, and by how much it moved. */
static void say_move(ken_views *v, const ken_diff *d, const ken_diff_row *r)
{
    ken_views_say(v, KEN_STYLE_QUIET, "%s", r->id);
    if (r->choice && r->a.prompts > 1)
        ken_views_say(v, KEN_STYLE_QUIET, "  right with %d \u2192 %d of %d, P %.2f \u2192 %.2f", r->a.greedy_hits,
                      r->b.greedy_hits, r->b.prompts, r->a.p_t, r->b.p_t);
    else if (r->choice) ken_views_say(v, KEN_STYLE_QUIET, "  P %.2f \u2192 %.2f", r->a.p_t, r->b.p_t);
    else if (ken_diff_annotated(d))
        ken_views_say(v, KEN_STYLE_QUIET, "  %s \u2192 %s%s%s", ken_category_name(r->a.category),
                      ken_category_name(r->b.category), ken_view_hits_moved(v, r, ", "), p_moved(v, r));
    if (r->near != KEN_NEAR_UNKNOWN)
        ken_views_say(v, KEN_STYLE_QUIET, "  (trained: %s)",
                      r->near == KEN_NEAR_TRAINED ? "itself" : ken_near_name(r->near));
}

static void put_fact(ken_views *v, const ken_diff *d, const ken_diff_row *r)
{
    const char *asked = r->choice ? ken_question_end(r->question) : r->question;
    line(v, true, KEN_ON_TERMINAL)->indent = 2;
    ken_views_say(v, KEN_STYLE_PLAIN, "%s%s ", asked != r->question ? "... " : "", asked);
    ken_views_say(v, KEN_STYLE_STRONG, "%s", r->answer);
    line(v, true, KEN_ON_TERMINAL)->indent = 4;
    say_answer(v, &r->a, r->choice ? "A chooses" : "A says");
    say_answer(v, &r->b, r->choice ? ", B chooses" : ", B says");
    line(v, true, KEN_ON_TERMINAL)->indent = 4;
    say_move(v, d, r);
}

/* Their ids, and the first of them as they are. */
static void put_facts(const ken_diff_view *x, int move, uint64_t n, size_t listed)
{
    static const ken_view_column c[] = {{.key = "", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON}};
    const char *which = move == KEN_MOVE_LOST ? "lost" : "gained",
               *path = ken_view_below(x, move == KEN_MOVE_LOST ? "lost[]" : "gained[]");
    size_t shown = 0;
    ken_views_table(x->v, c, 1, NULL);
    ken_views_last(x->v)->where = KEN_IN_JSON;
    for (size_t i = 0; i < ken_diff_count(x->d); i++) {
        const ken_diff_row *r = ken_diff_get(x->d, i);
        if (r->choice != x->all->choice || r->move != move) continue;
        ken_views_row(x->v, path, NULL);
        ken_put_text(x->v, KEN_STYLE_PLAIN, r->id);
    }
    ken_value_list(x->v, path);
    if (n == 0) return;
    line(x->v, false, KEN_ON_TERMINAL);
    ken_views_say(x->v, move == KEN_MOVE_LOST ? KEN_STYLE_WORSE : KEN_STYLE_BETTER, "%s", which);
    ken_views_say(x->v, KEN_STYLE_PLAIN, " (%s)", ken_views_count_text(x->v, n));
    for (size_t i = 0; i < ken_diff_count(x->d) && shown < listed; i++) {
        const ken_diff_row *r = ken_diff_get(x->d, i);
        if (r->choice != x->all->choice || r->move != move) continue;
        put_fact(x->v, x->d, r);
        shown++;
    }
    if (shown == n) return;
    line(x->v, true, KEN_ON_TERMINAL)->indent = 2;
    ken_views_say(x->v, KEN_STYLE_QUIET, "and %s more (--rows %s lists all)", ken_views_count_text(x->v, n - shown),
                  which);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

/* What it means, in one sentence. */
static void put_conclusion(ken_views *v, const ken_diff_group *g)
{
    const char *what = g->choice ? "question" : "fact";
    line(v, false, KEN_ON_TERMINAL);
    if (g->lost + g->gained == 0) ken_views_say(v, KEN_STYLE_PLAIN, "No %s was lost or gained.", what);
    else
        ken_views_say(v, KEN_STYLE_PLAIN, "B lost %s and gained %s of %s %ss%s", ken_views_count_text(v, g->lost),
                      ken_views_count_text(v, g->gained), ken_views_count_text(v, g->n), what,
                      g->mcnemar < 0.05 ? "; more than chance explains." : ", which chance alone may have done.");
}

static void put_part(const ken_diff_view *x, size_t listed)
{
    const ken_diff_group *g = x->all;
    ken_view_diff_all(x);
    const bool none = g->moved[KEN_UNLABELLED][KEN_UNLABELLED] == g->n;
    if (none) {
        line(x->v, false, KEN_SHOWN);
        ken_views_say(x->v, KEN_STYLE_PLAIN, "No fact has a category in either.");
    } else if (ken_view_has_categories(x)) put_bars(x);
    ken_view_transitions(x);
    ken_view_lost_gained(x);
    ken_view_means(x);
    put_groups(x);
    put_facts(x, KEN_MOVE_LOST, g->lost, listed);
    put_facts(x, KEN_MOVE_GAINED, g->gained, listed);
    put_conclusion(x->v, g);
}

void ken_diff_show_defaults_fill(ken_diff_show_options *o, size_t size)
{
    static const ken_diff_show_options defaults = {0};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

int ken_views_of_diff(ken_views **out, const ken_diff *d, const ken_diff_show_options *given, ken_err *err)
{
    ken_diff_show_options own = ken_diff_show_defaults();
    const ken_diff_show_options *o = &own;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_diff_show_options, err);
    if (rc != KEN_OK) return rc;
    const ken_diff_group *choice = ken_diff_part(d, true), *others = ken_diff_part(d, false);
    ken_diff_view x = {.v = ken_views_new(), .d = d, .all = others, .path = "", .a = "A", .b = "B"};
    put_title(x.v, d, o);
    if (others != NULL) put_part(&x, o->listed);
    if (others != NULL && choice != NULL)
        ken_views_heading(x.v, 0, "Multiple choice: %s questions", ken_views_count_text(x.v, choice->n));
    else if (choice != NULL) ken_value_truth(x.v, "", "choice", true);
    x.all = choice;
    if (others != NULL) x.path = "multiple_choice";
    if (choice != NULL) put_part(&x, o->listed);
    return ken_views_finish(out, x.v, err);
}
