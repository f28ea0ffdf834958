/* theory.c - what the one-layer theory says: accuracy by cell and arm, where the gap is, joint training, and the checks. What is read from the numbers is said in
 * sentences that are only there where it is so. */
#include "base/alloc.h"
#include "view/views.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LEARNED = 3 /* arms of joint training: Bottom, Whole, Top */ };

static double mean_of(const ken_theory_mean *m) { return m->n > 0 ? m->mean : NAN; }

static void sentence(ken_views *v, bool close)
{
    ken_views_text(v);
    ken_views_last(v)->close = close;
}

/* ---- what was run ------------------------------------------------------------------------------------------------------ */

static void put_origin(ken_views *v, const ken_theory_options *o)
{
    sentence(v, false);
    ken_views_say(v, KEN_STYLE_STRONG, "One-layer theory");
    ken_views_say(v, KEN_STYLE_PLAIN, ": %s subjects, %d relation%s of %d answers; %d seed%s from %llu.",
                  ken_views_count_text(v, (uint64_t)o->subjects), o->relations, o->relations == 1 ? "" : "s",
                  o->answers, o->seeds, o->seeds == 1 ? "" : "s", (unsigned long long)o->seed);
    if (o->shared > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, " All subjects share a direction of squared weight %g.", o->shared);
    if (o->full_batch > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, " Fine-tuning by full batches, %d an epoch.", o->full_batch);
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "The question is that of Ghosal et al. (ICML 2024); the form of the model is second-hand, and the "
                  "protocol and all numbers here are ours, not the paper's (docs/method/salience.md).");
}

static void put_settings(ken_views *v, const ken_theory *t)
{
    const ken_theory_options *o = ken_theory_settings(t);
    ken_value_count(v, "", "subjects", (uint64_t)o->subjects);
    ken_value_count(v, "", "relations", (uint64_t)o->relations);
    ken_value_count(v, "", "answers", (uint64_t)o->answers);
    ken_value_count(v, "", "seeds", (uint64_t)o->seeds);
    ken_value_count(v, "", "seed", o->seed);
    ken_value_number(v, "", "lr_pretrain", o->lr_pretrain);
    ken_value_number(v, "", "lr", o->lr);
    ken_value_count(v, "", "epochs", (uint64_t)o->epochs);
    ken_value_count(v, "", "full_batch", (uint64_t)o->full_batch);
    ken_value_number(v, "", "shared", o->shared);
    ken_value_number(v, "", "seconds", ken_theory_seconds(t));
}

/* ---- cells --------------------------------------------------------------------------------------------------------------- */

/* A number of an arm in JSON: "arms.Top.accuracy". */
static const char *of_arm(ken_views *v, int arm, const char *what)
{
    return ken_views_keep(v, "arms.%s.%s", ken_arm_name(arm), what);
}

typedef struct columns { /* in the making */
    ken_view_column list[96];
    size_t n;
} columns;

static void add(columns *c, ken_view_column x) { c->list[c->n++] = x; }

/* A mean over seeds with its interval: key, key_sd, key_lo, key_hi. */
static void add_mean(ken_views *v, columns *c, const char *head, const char *key, ken_unit unit, unsigned where)
{
    add(c, (ken_view_column){.head = head,
                             .key = key,
                             .lo_key = ken_views_keep(v, "%s_lo", key),
                             .hi_key = ken_views_keep(v, "%s_hi", key),
                             .unit = unit,
                             .digits = unit == KEN_UNIT_REAL ? 2 : 1,
                             .width = 8,
                             .where = where | KEN_IN_DATA | KEN_INTERVAL_IF_VERBOSE});
    add(c, (ken_view_column){.head = "",
                             .key = ken_views_keep(v, "%s_sd", key),
                             .unit = KEN_UNIT_REAL,
                             .digits = 4,
                             .where = KEN_IN_DATA});
}

static void put_mean(ken_views *v, const ken_theory_mean *m)
{
    if (m->n == 0) {
        ken_put_nothing(v);
        ken_put_nothing(v);
        return;
    }
    ken_put_between(v, m->mean, m->lo, m->hi);
    ken_put_number(v, m->sd);
}

/* Names of rows are texts on screen, numbers in data. */
static void add_name(columns *c, const char *head, const char *key, int width)
{
    add(c, (ken_view_column){.head = head, .unit = KEN_UNIT_TEXT, .width = width, .where = KEN_SHOWN});
    add(c, (ken_view_column){.head = "", .key = key, .unit = KEN_UNIT_REAL, .digits = 4, .where = KEN_IN_DATA});
}

static void put_name(ken_views *v, double x)
{
    ken_put_text(v, KEN_STYLE_PLAIN, ken_views_keep(v, "%g", x));
    ken_put_number(v, x);
}

static void add_cell_name(columns *c)
{
    add_name(c, "alpha", "alpha", 6);
    add(c, (ken_view_column){
               .head = "steps", .key = "steps", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_EVERYWHERE});
}

static void put_cell_name(ken_views *v, const ken_theory_cell *c)
{
    put_name(v, c->alpha);
    ken_put_count(v, (uint64_t)c->steps);
}

static bool trained(const ken_theory_options *o, int arm) { return (o->arms >> arm & 1) != 0; }

static void cell_columns(ken_views *v, columns *c, const ken_theory_options *o)
{
    add_cell_name(c);
    add(c, (ken_view_column){.head = "", .key = "seeds", .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA});
    add_mean(v, c, "before", "before", KEN_UNIT_SHARE, KEN_SHOWN);
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        if (!trained(o, arm)) continue;
        const bool main = arm < LEARNED;
        add(c,
            (ken_view_column){.head = ken_arm_name(arm),
                              .key = of_arm(v, arm, "accuracy"),
                              .lo_key = of_arm(v, arm, "lo"),
                              .hi_key = of_arm(v, arm, "hi"),
                              .unit = KEN_UNIT_SHARE,
                              .digits = 1,
                              .width = main ? 8 : 13,
                              .where = KEN_SHOWN | KEN_IN_DATA | KEN_INTERVAL_IF_VERBOSE | (main ? 0U : KEN_IF_ROOM)});
        add(c, (ken_view_column){
                   .head = "", .key = of_arm(v, arm, "sd"), .unit = KEN_UNIT_REAL, .digits = 4, .where = KEN_IN_DATA});
        add_mean(v, c, "", of_arm(v, arm, "attention"), KEN_UNIT_REAL, 0);
    }
    add_mean(v, c, "Top-Bottom", "top_bottom", KEN_UNIT_CHANGE, KEN_SHOWN);
    add_mean(v, c, "Top-Whole", "top_whole", KEN_UNIT_CHANGE, KEN_SHOWN);
    add_mean(v, c, "", "bottom_before", KEN_UNIT_CHANGE, 0);
    add_mean(v, c, "best", "best_accuracy", KEN_UNIT_SHARE, KEN_SHOWN | KEN_IF_ROOM);
    add_mean(v, c, "", "best_attention", KEN_UNIT_REAL, 0);
    add_mean(v, c, "", "salience_rho", KEN_UNIT_REAL, 0);
    add(c, (ken_view_column){.head = "", .key = "zone", .unit = KEN_UNIT_TEXT, .width = 11, .where = KEN_EVERYWHERE});
}

static void put_cell(ken_views *v, const ken_theory_cell *c, const ken_theory_options *o)
{
    ken_views_row(v, "cells[]", NULL);
    put_cell_name(v, c);
    ken_put_count(v, (uint64_t)c->seeds);
    put_mean(v, &c->before);
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        if (!trained(o, arm)) continue;
        put_mean(v, &c->arm[arm].accuracy);
        put_mean(v, &c->arm[arm].attention);
    }
    put_mean(v, &c->top_bottom);
    put_mean(v, &c->top_whole);
    put_mean(v, &c->bottom_before);
    put_mean(v, &c->best_accuracy);
    put_mean(v, &c->best_attention);
    put_mean(v, &c->salience);
    ken_put_text(v, c->zone == KEN_CELL_LEARNING ? KEN_STYLE_PLAIN : KEN_STYLE_QUIET, ken_cell_zone_name(c->zone));
}

/* Lists inside of a cell: accuracy after each epoch, and by quartile of popularity. */
static void put_lists(ken_views *v, const ken_theory_cell *c, size_t at)
{
    for (int arm = 0; arm < KEN_N_ARMS; arm++) {
        const ken_theory_arm *a = &c->arm[arm];
        if (!a->there) continue;
        const char *quartiles = ken_views_keep(v, "cells[%zu].arms.%s.quartiles[]", at, ken_arm_name(arm));
        const char *curve = ken_views_keep(v, "cells[%zu].arms.%s.curve[]", at, ken_arm_name(arm));
        for (int q = 0; q < 4; q++) ken_value_number(v, quartiles, "", a->quartile[q].mean);
        for (int e = 0; e < a->n_curve; e++) ken_value_number(v, curve, "", a->curve[e]);
    }
    for (int q = 0; q < 4; q++)
        ken_value_number(v, ken_views_keep(v, "cells[%zu].before_quartiles[]", at), "",
                         mean_of(&c->before_quartile[q]));
    for (int q = 0; q < 4 && c->gap_quartile[0].n > 0; q++)
        ken_value_number(v, ken_views_keep(v, "cells[%zu].gap_quartiles[]", at), "", mean_of(&c->gap_quartile[q]));
}

static void put_cells(ken_views *v, const ken_theory *t)
{
    size_t n;
    const ken_theory_options *o = ken_theory_settings(t);
    const ken_theory_cell *c = ken_theory_cells(t, &n);
    columns all = {.n = 0};
    cell_columns(v, &all, o);
    ken_views_columns(v, all.list, all.n, "Held-out accuracy, before and after fine-tuning of attention");
    for (size_t i = 0; i < n; i++) put_cell(v, &c[i], o);
    for (size_t i = 0; i < n; i++) put_lists(v, &c[i], i);
}

/* ---- attention, and where the gap is ------------------------------------------------------------------------------------ */

/* Its numbers are in JSON's cells already. */
static void put_gaps(ken_views *v, const ken_theory *t)
{
    size_t n;
    const ken_theory_cell *c = ken_theory_cells(t, &n);
    if (c[0].gap_quartile[0].n == 0) return;
    static const char *const heads[4] = {"most popular", "2nd quarter", "3rd quarter", "least popular"};
    columns all = {.n = 0};
    add_cell_name(&all);
    for (int arm = 0; arm < LEARNED; arm++)
        add(&all, (ken_view_column){
                      .head = ken_arm_name(arm), .unit = KEN_UNIT_REAL, .digits = 2, .width = 8, .where = KEN_SHOWN});
    for (int q = 0; q < 4; q++)
        add(&all,
            (ken_view_column){.head = heads[q], .unit = KEN_UNIT_CHANGE, .digits = 1, .width = 15, .where = KEN_SHOWN});
    ken_views_columns(v, all.list, all.n, "Attention to a held-out subject, and Top - Bottom by quarter of subjects");
    ken_views_last(v)->where = KEN_SHOWN;
    for (size_t i = 0; i < n; i++) {
        ken_views_row(v, NULL, NULL);
        put_cell_name(v, &c[i]);
        for (int arm = 0; arm < LEARNED; arm++) ken_put_number(v, mean_of(&c[i].arm[arm].attention));
        for (int q = 0; q < 4; q++) ken_put_number(v, mean_of(&c[i].gap_quartile[q]));
    }
}

static const char *cell_text(ken_views *v, const ken_theory_cell *c)
{
    return ken_views_keep(v, "alpha %g, %s steps", c->alpha, ken_views_count_text(v, (uint64_t)c->steps));
}

/* Whether Bottom helps or hurts, counted. */
static void put_reading(ken_views *v, const ken_theory *t)
{
    size_t n, learning = 0, above = 0, border = 0;
    const ken_theory_cell *c = ken_theory_cells(t, &n);
    for (size_t i = 0; i < n; i++) {
        border += c[i].zone == KEN_CELL_BORDER;
        if (c[i].zone != KEN_CELL_LEARNING) continue;
        learning++;
        above += c[i].bottom_before.n > 0 && c[i].bottom_before.mean > 0;
    }
    ken_value_count(v, "", "learning_cells", learning);
    ken_value_count(v, "", "learning_cells_bottom_above_before", above);
    if (learning == 0) return;
    sentence(v, false);
    ken_views_say(v, KEN_STYLE_STRONG, "In %zu of %zu learning cells even Bottom beats the accuracy before fine-tuning",
                  above, learning);
    if (2 * above > learning)
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            ": this laboratory shows \"helps less\", not \"hurts\", of training attention on little-known facts");
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    for (size_t i = 0; i < n; i++)
        if (c[i].zone == KEN_CELL_LEARNING && !(c[i].bottom_before.mean > 0))
            ken_views_say(v, KEN_STYLE_PLAIN, " At %s it does not: %s, before %s.", cell_text(v, &c[i]),
                          ken_views_share_text(v, c[i].arm[KEN_ARM_BOTTOM].accuracy.mean),
                          ken_views_share_text(v, c[i].before.mean));
    sentence(v, true);
    ken_views_say(
        v, KEN_STYLE_QUIET,
        "Learning: Whole answers 15 to 95 %% right. Best: the best attention that all relations have in common.");
    for (size_t i = 0; i < n && border > 0; i++)
        if (c[i].zone == KEN_CELL_BORDER)
            ken_views_say(v, KEN_STYLE_QUIET, " On the border, and left out of what is said of learning cells: %s.",
                          cell_text(v, &c[i]));
}

/* ---- joint training -------------------------------------------------------------------------------------------------------- */

static void put_joint_data(ken_views *v, const ken_theory_joint *j, size_t n)
{
    columns all = {.n = 0};
    static const char *const counts[] = {"steps", "epoch", "seeds"}, *const reals[] = {"alpha", "lr_value",
                                                                                       "lr_attention"};
    for (int i = 0; i < 3; i++) {
        add(&all,
            (ken_view_column){.head = "", .key = reals[i], .unit = KEN_UNIT_REAL, .digits = 4, .where = KEN_IN_DATA});
        add(&all, (ken_view_column){.head = "", .key = counts[i], .unit = KEN_UNIT_COUNT, .where = KEN_IN_DATA});
    }
    add_mean(v, &all, "", "before", KEN_UNIT_SHARE, 0);
    for (int arm = 0; arm < LEARNED; arm++) {
        add(&all, (ken_view_column){.head = "",
                                    .key = of_arm(v, arm, "accuracy"),
                                    .lo_key = of_arm(v, arm, "lo"),
                                    .hi_key = of_arm(v, arm, "hi"),
                                    .unit = KEN_UNIT_SHARE,
                                    .digits = 1,
                                    .where = KEN_IN_DATA});
        add(&all,
            (ken_view_column){
                .head = "", .key = of_arm(v, arm, "sd"), .unit = KEN_UNIT_REAL, .digits = 4, .where = KEN_IN_DATA});
        add_mean(v, &all, "", of_arm(v, arm, "attention"), KEN_UNIT_REAL, 0);
        add(&all,
            (ken_view_column){.head = "", .key = of_arm(v, arm, "best"), .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA});
    }
    add(&all, (ken_view_column){.head = "", .key = "last", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA});
    add_mean(v, &all, "", "bottom_patched_before", KEN_UNIT_SHARE, 0);
    add_mean(v, &all, "", "bottom_patched_top", KEN_UNIT_SHARE, 0);
    ken_views_columns(v, all.list, all.n, NULL);
    ken_views_last(v)->where = KEN_IN_DATA;
    for (size_t i = 0; i < n; i++) {
        ken_views_row(v, "joint[]", NULL);
        ken_put_number(v, j[i].alpha);
        ken_put_count(v, (uint64_t)j[i].steps);
        ken_put_number(v, j[i].lr_value);
        ken_put_count(v, (uint64_t)j[i].epoch);
        ken_put_number(v, j[i].lr_attention);
        ken_put_count(v, (uint64_t)j[i].seeds);
        put_mean(v, &j[i].before);
        for (int arm = 0; arm < LEARNED; arm++) {
            put_mean(v, &j[i].accuracy[arm]);
            put_mean(v, &j[i].attention[arm]);
            ken_put_truth(v, j[i].best[arm]);
        }
        ken_put_truth(v, j[i].last);
        put_mean(v, &j[i].bottom_patched_before);
        put_mean(v, &j[i].bottom_patched_top);
    }
}

/* A row for each pair of learning rates: best and last epoch of each arm. j: its first epoch of `epochs`. */
static void put_pair(ken_views *v, const ken_theory_joint *j, int epochs)
{
    const ken_theory_joint *last = &j[epochs - 1];
    ken_views_row(v, NULL, NULL);
    put_name(v, j->lr_value);
    ken_put_number(v, j->lr_attention);
    for (int arm = 0; arm < LEARNED; arm++) {
        int best = 0;
        for (int e = 0; e < epochs; e++)
            if (j[e].best[arm]) best = e;
        ken_put_text(v, KEN_STYLE_PLAIN,
                     ken_views_keep(v, "%s (%d)", ken_views_share_text(v, j[best].accuracy[arm].mean), best + 1));
        ken_put_number(v, last->accuracy[arm].mean);
    }
    ken_put_number(v, last->bottom_patched_before.mean);
    ken_put_number(v, last->bottom_patched_top.mean);
}

static bool ordered(const ken_theory_joint *j, int a, int b, int c)
{
    return j->accuracy[a].mean > j->accuracy[b].mean && j->accuracy[b].mean > j->accuracy[c].mean;
}

static void say_order(ken_views *v, const ken_theory_joint *j, size_t n, int epochs)
{
    size_t turns = 0, pairs = n / (size_t)epochs, lowest = 0;
    for (size_t i = 0; i < n; i += (size_t)epochs) {
        bool first = false;
        for (int e = 0; e < epochs; e++) {
            const ken_theory_joint *x = &j[i + (size_t)e];
            const double b = x->accuracy[KEN_ARM_BOTTOM].mean;
            first |= ordered(x, KEN_ARM_TOP, KEN_ARM_WHOLE, KEN_ARM_BOTTOM);
            lowest += b < x->accuracy[KEN_ARM_WHOLE].mean && b < x->accuracy[KEN_ARM_TOP].mean;
        }
        turns += first && ordered(&j[i + (size_t)epochs - 1], KEN_ARM_WHOLE, KEN_ARM_TOP, KEN_ARM_BOTTOM);
    }
    sentence(v, false);
    if (turns > 0)
        ken_views_say(v, KEN_STYLE_STRONG, "With %zu of %zu pairs of learning rates the order turns", turns, pairs);
    if (turns > 0)
        ken_views_say(v, KEN_STYLE_PLAIN,
                      " from Top > Whole > Bottom in an early epoch to Whole > Top > Bottom in the last: answers are "
                      "extracted first, and "
                      "what is not trained on is forgotten later.");
    else
        ken_views_say(v, KEN_STYLE_PLAIN,
                      "With none of the %zu pairs of learning rates the order turns to Whole > Top > Bottom.", pairs);
    ken_views_say(v, KEN_STYLE_PLAIN, " Bottom is lowest in %zu of %zu epochs.", lowest, n);
}

/* How much of the last Bottom's accuracy is attention: what others' does to it, over the pairs. */
static void say_patches(ken_views *v, const ken_theory_joint *j, size_t n, int epochs)
{
    double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    for (size_t i = (size_t)epochs - 1; i < n; i += (size_t)epochs) {
        const double own = j[i].accuracy[KEN_ARM_BOTTOM].mean;
        const double by[2] = {j[i].bottom_patched_top.mean - own, j[i].bottom_patched_before.mean - own};
        for (int k = 0; k < 2; k++) {
            least[k] = fmin(least[k], by[k]);
            most[k] = fmax(most[k], by[k]);
        }
    }
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "Top's attention put into the last Bottom moves its accuracy by %+.1f to %+.1f points over the "
                  "pairs, the attention of before by "
                  "%+.1f to %+.1f.",
                  100 * least[0], 100 * most[0], 100 * least[1], 100 * most[1]);
}

static void put_joint(ken_views *v, const ken_theory *t)
{
    static const char *const last[LEARNED] = {"last", "last", "last"};
    size_t n;
    const ken_theory_options *o = ken_theory_settings(t);
    const ken_theory_joint *j = ken_theory_joints(t, &n);
    ken_value_list(v, "joint[]");
    if (n == 0) return;
    put_joint_data(v, j, n);
    columns all = {.n = 0};
    add_name(&all, "lr W_V", NULL, 7);
    add(&all, (ken_view_column){.head = "lr W_KQ", .unit = KEN_UNIT_REAL, .digits = 3, .width = 9, .where = KEN_SHOWN});
    for (int arm = 0; arm < LEARNED; arm++) {
        add(&all, (ken_view_column){.head = ken_views_keep(v, "  %s: best", ken_arm_name(arm)),
                                    .unit = KEN_UNIT_TEXT,
                                    .width = 15,
                                    .where = KEN_SHOWN});
        add(&all,
            (ken_view_column){.head = last[arm], .unit = KEN_UNIT_SHARE, .digits = 1, .width = 7, .where = KEN_SHOWN});
    }
    add(&all, (ken_view_column){
                  .head = "1/2 in", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN | KEN_IF_ROOM});
    add(&all,
        (ken_view_column){
            .head = "Top's in", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 10, .where = KEN_SHOWN | KEN_IF_ROOM});
    ken_views_columns(
        v, all.list, all.n,
        ken_views_keep(
            v, "W_V and W_KQ trained together, alpha %g, %s steps: best accuracy (its epoch), and that of epoch %d",
            o->joint_alpha, ken_views_count_text(v, (uint64_t)o->joint_steps), o->joint_epochs));
    ken_views_last(v)->where = KEN_SHOWN;
    for (size_t i = 0; i < n; i += (size_t)o->joint_epochs) put_pair(v, &j[i], o->joint_epochs);
    say_order(v, j, n, o->joint_epochs);
    say_patches(v, j, n, o->joint_epochs);
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "Every arm has %s updates an epoch; before it %s are right. Training in a second format is not in "
                  "this laboratory.",
                  ken_views_count_text(v, (uint64_t)o->subjects / 4 * (uint64_t)o->relations),
                  ken_views_share_text(v, j[0].before.mean));
}

/* ---- checks ---------------------------------------------------------------------------------------------------------------- */

static const char *number_text(ken_views *v, double x)
{
    if (isnan(x)) return "-";
    return ken_views_keep(v, x != 0 && fabs(x) < 1e-3 ? "%.1e" : "%.4g", x);
}

static const char *verdict(int holds) { return holds < 0 ? "not told" : holds ? "yes" : "no"; }
static ken_style style_of(int holds)
{
    return holds < 0 ? KEN_STYLE_QUIET : holds ? KEN_STYLE_BETTER : KEN_STYLE_WORSE;
}

static void put_holds(ken_views *v, const char *path, int holds)
{
    if (holds < 0) ken_value_text(v, path, "holds", NULL);
    else ken_value_truth(v, path, "holds", holds != 0);
}

static void put_check_data(ken_views *v, const ken_theory_check *c, size_t at)
{
    const char *path = ken_views_keep(v, "checks[%zu]", at);
    ken_value_text(v, "checks[]", "id", c->id);
    put_holds(v, path, c->holds);
    ken_value_number(v, path, "value", c->value);
    ken_value_text(v, path, "want", c->want);
    ken_value_text(v, path, "claim", c->claim);
    ken_value_text(v, path, "origin", c->origin);
    ken_value_text(v, path, "where", c->where);
    for (int i = 0; i < c->n_parts; i++) {
        const ken_theory_part *p = &c->part[i];
        const char *of = ken_views_keep(v, "checks[%zu].parts[%d]", at, i);
        ken_value_text(v, ken_views_keep(v, "checks[%zu].parts[]", at), "what", p->what);
        put_holds(v, of, p->holds);
        ken_value_number(v, of, "value", p->value);
        ken_value_text(v, of, "want", p->want);
        ken_value_text(v, of, "where", p->where);
    }
}

static void put_check_table(ken_views *v, const ken_theory_check *c, size_t n)
{
    static const ken_view_column all[] = {
        {.head = "", .key = "id", .unit = KEN_UNIT_TEXT, .width = 3, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "holds", .key = "holds", .unit = KEN_UNIT_TEXT, .width = 10, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "value", .unit = KEN_UNIT_TEXT, .width = 11, .where = KEN_SHOWN},
        {.head = "", .key = "value", .unit = KEN_UNIT_REAL, .digits = 4, .where = KEN_IN_CSV},
        {.head = "wanted", .key = "want", .unit = KEN_UNIT_TEXT, .width = 17, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "what", .key = "what", .unit = KEN_UNIT_TEXT, .width = 40, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "where not", .key = "where", .unit = KEN_UNIT_TEXT, .where = KEN_IN_CSV}};
    ken_views_table(v, all, sizeof all / sizeof *all, "Checks");
    ken_views_last(v)->where = KEN_SHOWN | KEN_IN_CSV;
    for (size_t i = 0; i < n; i++) {
        ken_views_between(v, "%s [%s]: %s", c[i].id, c[i].origin, c[i].claim);
        for (int k = 0; k < c[i].n_parts; k++) {
            const ken_theory_part *p = &c[i].part[k];
            ken_views_row(v, NULL, NULL);
            ken_put_text(v, KEN_STYLE_PLAIN, c[i].id);
            ken_put_text(v, style_of(p->holds), verdict(p->holds));
            ken_put_text(v, KEN_STYLE_PLAIN, number_text(v, p->value));
            ken_put_number(v, p->value);
            ken_put_text(v, KEN_STYLE_PLAIN, p->want);
            ken_put_text(v, KEN_STYLE_PLAIN, p->what);
            ken_put_text(v, KEN_STYLE_PLAIN, p->where);
        }
    }
}

/* Has the check a part that cannot be told for this reason? */
static bool untold_for(const ken_theory_check *c, const char *reason)
{
    for (int k = 0; k < c->n_parts; k++)
        if (c->part[k].holds < 0 && strcmp(c->part[k].where, reason) == 0) return true;
    return false;
}

/* Each reason once, with the checks that it holds for. */
static void say_untold(ken_views *v, const ken_theory_check *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < c[i].n_parts; k++) {
            const char *reason = c[i].part[k].where;
            bool told = c[i].part[k].holds >= 0;
            for (size_t j = 0; j < i; j++) told |= untold_for(&c[j], reason);
            for (int j = 0; j < k; j++) told |= c[i].part[j].holds < 0 && strcmp(c[i].part[j].where, reason) == 0;
            if (told) continue;
            sentence(v, true);
            ken_views_say(v, KEN_STYLE_QUIET, "Parts of");
            for (size_t j = i, first = 1; j < n; j++)
                if (untold_for(&c[j], reason)) {
                    ken_views_say(v, KEN_STYLE_QUIET, "%s %s", first ? "" : ",", c[j].id);
                    first = 0;
                }
            ken_views_say(v, KEN_STYLE_QUIET, " cannot be told: %s.", reason);
        }
}

static void put_checks(ken_views *v, const ken_theory *t)
{
    size_t n, held = 0, told = 0;
    const ken_theory_check *c = ken_theory_checks(t, &n);
    for (size_t i = 0; i < n; i++) {
        put_check_data(v, &c[i], i);
        told += c[i].holds >= 0;
        held += c[i].holds > 0;
    }
    put_check_table(v, c, n);
    sentence(v, false);
    ken_views_say(v, held == told ? KEN_STYLE_PLAIN : KEN_STYLE_STRONG, "%zu of %zu checks hold", held, told);
    if (told < n) ken_views_say(v, KEN_STYLE_PLAIN, "; %zu cannot be told in this sweep", n - told);
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < c[i].n_parts; k++) {
            const ken_theory_part *p = &c[i].part[k];
            if (p->holds != 0) continue;
            sentence(v, true);
            ken_views_say(v, KEN_STYLE_WORSE, "%s does not hold", c[i].id);
            ken_views_say(v, KEN_STYLE_PLAIN, ": %s%s%s.", p->what, p->where[0] != '\0' ? ": " : "", p->where);
        }
    say_untold(v, c, n);
}

int ken_views_of_theory(ken_views **out, const ken_theory *t, ken_err *err)
{
    ken_views *v = ken_views_new();
    put_origin(v, ken_theory_settings(t));
    put_cells(v, t);
    put_gaps(v, t);
    put_reading(v, t);
    put_joint(v, t);
    put_checks(v, t);
    put_settings(v, t);
    return ken_views_finish(out, v, err);
}
