/* score.c - what a scoring says: the labels in the run beside those now, how many of them are certain, and how much they agree. Shares are of the
 * facts that have a label; those without are counted apart. */
#include "study/scoring.h"
#include "view/views.h"
#include <math.h>
#include <string.h>

static uint64_t labelled_now(const ken_score_counts *c) { return c->exact + c->bounded + c->open; }

static void sentence(ken_views *v, bool close)
{
    ken_views_text(v);
    ken_views_last(v)->close = close;
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }
static double share_of(uint64_t k, uint64_t n) { return n > 0 ? (double)k / (double)n : NAN; }

/* ---- which labels ------------------------------------------------------------------------------------------------------ */

static const char *setting(const ken_scoring *s, const char *key)
{
    const char *x = ken_run_setting(s->run, key);
    return x != NULL ? x : "?";
}

static void put_rules(ken_views *v, const ken_scoring *s)
{
    static const ken_view_column columns[] = {{.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN},
                                              {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    const bool mode = s->o.label == KEN_LABEL_MODE;
    ken_views_table(v, columns, 2, NULL);
    ken_views_last(v)->headless = true;
    ken_views_last(v)->close = true;
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, "in the run");
    ken_put_text(v, KEN_STYLE_PLAIN,
                 ken_views_keep(v, "%s, %s prompts, %s samples each (%s)", setting(s, "matcher"), setting(s, "prompts"),
                                setting(s, "samples"), setting(s, "method")));
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, "now");
    ken_put_text(
        v, KEN_STYLE_PLAIN,
        ken_views_keep(v, "%s, %d prompts, %d samples each%s%s", ken_scoring_matcher(s), s->prompts, s->samples,
                       mode ? "; the more probable label" : "",
                       s->o.other_seed ? ken_views_keep(v, "; seed %llu", (unsigned long long)s->o.seed) : ""));
    if (!s->r.by_rules) return;
    ken_buf rules = {0};
    ken_label_rules_text(&rules, &s->r.rules);
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_PLAIN, "");
    ken_put_text(v, KEN_STYLE_PLAIN, ken_views_keep(v, "%s", ken_buf_str(&rules)));
    ken_buf_free(&rules);
}

static void put_title(ken_views *v, const ken_scoring *s)
{
    ken_views_text(v);
    ken_view_subject(v, ken_run_setting(s->run, "model_path"), ken_run_setting(s->run, "adapter_path"),
                     ken_run_setting(s->run, "data"));
    ken_views_say(v, KEN_STYLE_PLAIN, ": %s facts", ken_views_count_text(v, s->counts.n));
    put_rules(v, s);
}

/* ---- how many ---------------------------------------------------------------------------------------------------------- */

/* Where labels are open, what is certain and what is possible at most. */
static void put_columns(ken_views *v, bool open)
{
    const unsigned most = open ? KEN_SHOWN | KEN_IN_CSV : KEN_IN_CSV;
    const ken_view_column columns[] = {
        {.head = "category", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "", .key = "was", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "in the run", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN},
        {.head = "", .key = "certain", .unit = KEN_UNIT_COUNT, .width = 12, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = open ? "at least" : "now",
         .key = "share",
         .lo_key = "share_lo",
         .hi_key = "share_hi",
         .unit = KEN_UNIT_SHARE,
         .digits = 1,
         .width = 8,
         .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "", .key = "at_most", .unit = KEN_UNIT_COUNT, .width = 8, .where = most},
        {.head = "at most", .key = "share_at_most", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = most}};
    ken_views_columns(v, columns, sizeof columns / sizeof *columns, NULL);
}

static void put_category(ken_views *v, const ken_score_counts *c, int k, uint64_t labelled_was)
{
    const uint64_t now = labelled_now(c), most = c->sure[k] + c->may[k];
    uint64_t was = 0;
    for (int j = 0; j < KEN_N_CATEGORIES; j++) was += c->moved[k][j];
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, (ken_style)((int)KEN_STYLE_CATEGORY + k), ken_category_name(k));
    ken_put_count(v, was);
    if (k == KEN_UNLABELLED) {
        ken_put_nothing(v);
        ken_put_count(v, c->sure[k]);
        return;
    }
    ken_put_number(v, share_of(was, labelled_was));
    ken_put_count(v, c->sure[k]);
    if (c->may[k] > 0) ken_put_number(v, share_of(c->sure[k], now)); /* not a share that was observed: no interval */
    else ken_put_share(v, c->sure[k], now);
    ken_put_count(v, most);
    ken_put_number(v, share_of(most, now));
}

static void put_shares(ken_views *v, const ken_score_counts *c)
{
    uint64_t was = 0;
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int j = 0; j < KEN_N_CATEGORIES; j++) was += c->moved[i][j];
    put_columns(v, c->open > 0);
    for (int k = 0; k < KEN_N_CATEGORIES; k++)
        if (k < KEN_UNLABELLED || c->sure[k] > 0 || was < c->n) put_category(v, c, k, was);
}

/* ---- how sure ---------------------------------------------------------------------------------------------------------- */

static void put_changes(ken_views *v, const ken_score_counts *c)
{
    sentence(v, false);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s label%s changed (%s)", ken_views_count_text(v, c->changed),
                  plural(c->changed), ken_views_share_text(v, share_of(c->changed, c->n)));
    if (c->may_change > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, ", %s more may have", ken_views_count_text(v, c->may_change));
    ken_views_say(v, KEN_STYLE_PLAIN, "; %s row%s with other greedy hits.", ken_views_count_text(v, c->greedy_changed),
                  plural(c->greedy_changed));
    if (c->open > 0) return;
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_PLAIN, "Agreement with the run: ");
    if (isnan(c->kappa)) ken_views_say(v, KEN_STYLE_PLAIN, "kappa is not defined.");
    else ken_views_say(v, KEN_STYLE_PLAIN, "kappa %.3f [%.3f, %.3f].", c->kappa, c->kappa_lo, c->kappa_hi);
}

/* What an annotation would tell that these labels do not. */
static void put_open(ken_views *v, const ken_scoring *s)
{
    const char *texts = ken_run_setting(s->run, "texts"), *name = ken_scoring_matcher(s);
    const bool sampled = strncmp(name, "em-", 3) != 0;
    const uint64_t open = s->counts.open;
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_STRONG, "%s %s not", ken_views_count_text(v, open), open == 1 ? "is" : "are");
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        ": %s accepts texts whose probability was never computed. They count as the category of least knowledge that "
        "is possible (ken score --changed marks them with +). ken annotate --matcher %.*s%s would tell.",
        name, (int)strcspn(name, "/"), name, sampled ? " --method sample" : "");
    if (texts == NULL || strcmp(texts, "no") != 0) return;
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "The run keeps no greedy answers (--no-texts), so that greedy verdicts are open too.");
}

static void put_certainty(ken_views *v, const ken_scoring *s)
{
    const ken_score_counts *c = &s->counts;
    const uint64_t sure = c->exact + c->bounded;
    sentence(v, true);
    if (c->open == 0 && c->bounded == 0) {
        ken_views_say(v, KEN_STYLE_PLAIN, "All %s are exact: what an annotation with these prompts and settings gives.",
                      s->r.by_rules ? "probabilities" : "labels");
        return;
    }
    ken_views_say(v, KEN_STYLE_PLAIN, "%s of %s labels are certain", ken_views_count_text(v, sure),
                  ken_views_count_text(v, sure + c->open));
    if (c->exact == 0) ken_views_say(v, KEN_STYLE_PLAIN, ": the stored answers decide them");
    else if (c->bounded > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, ": the stored answers decide %s of them",
                      ken_views_count_text(v, c->bounded));
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    if (c->open > 0) put_open(v, s);
}

static void put_expected(ken_views *v, const ken_scoring *s)
{
    const ken_score_counts *c = &s->counts;
    const char *method = ken_run_setting(s->run, "method");
    if (s->r.by_rules) return;
    if (s->prompts < s->all_prompts && !isnan(c->expected[0])) {
        sentence(v, true);
        ken_views_say(v, KEN_STYLE_QUIET, "Over all choices of %d of the %d prompts:", s->prompts, s->all_prompts);
        for (int k = 0; k < KEN_UNLABELLED; k++)
            ken_views_say(v, KEN_STYLE_QUIET, "%s %s %s", k == 0 ? "" : ",", ken_category_name(k),
                          ken_views_share_text(v, c->expected[k] / (double)labelled_now(c)));
        ken_views_say(v, KEN_STYLE_QUIET, ".");
    }
    if (method == NULL || strcmp(method, "exact") != 0) return;
    sentence(v, true);
    ken_views_say(v, KEN_STYLE_QUIET, "Unknown over fresh draws with these prompts: %.1f \u00b1 %.1f%s.",
                  c->expected_unknown, c->sd_unknown, c->open > 0 ? " at most" : "");
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void put_counts(ken_views *v, const ken_score_counts *c)
{
    uint64_t now[KEN_N_CATEGORIES] = {0}, was[KEN_N_CATEGORIES] = {0};
    for (int i = 0; i < KEN_N_CATEGORIES; i++)
        for (int j = 0; j < KEN_N_CATEGORIES; j++) {
            was[i] += c->moved[i][j];
            now[j] += c->moved[i][j];
        }
    ken_value_count(v, "", "examples", c->n);
    ken_view_by_category(v, "", now, KEN_N_CATEGORIES);
    ken_view_by_category(v, "was", was, KEN_N_CATEGORIES);
    ken_view_by_category(v, "certain", c->sure, KEN_N_CATEGORIES);
    ken_view_by_category(v, "possible", c->may, KEN_N_CATEGORIES);
    ken_value_count(v, "", "changed", c->changed);
    ken_value_count(v, "", "may_change", c->may_change);
    ken_value_count(v, "", "greedy_changed", c->greedy_changed);
    ken_value_count(v, "", "exact", c->exact);
    ken_value_count(v, "", "bounded", c->bounded);
    ken_value_count(v, "", "open", c->open);
    ken_value_number(v, "", "kappa", c->kappa);
    ken_value_number(v, "", "kappa_lo", c->kappa_lo);
    ken_value_number(v, "", "kappa_hi", c->kappa_hi);
    for (int k = 0; k < KEN_UNLABELLED; k++) ken_value_number(v, "expected", ken_category_name(k), c->expected[k]);
    ken_value_number(v, "", "expected_unknown", c->expected_unknown);
    ken_value_number(v, "", "sd_unknown", c->sd_unknown);
}

static void put_settings(ken_views *v, const ken_scoring *s)
{
    ken_value_text(v, "", "matcher", ken_scoring_matcher(s));
    ken_value_text(v, "", "matcher_was", ken_run_setting(s->run, "matcher"));
    ken_value_count(v, "", "prompts", (uint64_t)s->prompts);
    ken_value_count(v, "", "samples", (uint64_t)s->samples);
    ken_value_text(v, "", "model", ken_run_setting(s->run, "model"));
}

static void put_labels(ken_views *v, const ken_scoring *s)
{
    const ken_score_counts *c = &s->counts;
    bool unlabelled = c->sure[KEN_UNLABELLED] > 0;
    for (int j = 0; j < KEN_N_CATEGORIES; j++) unlabelled |= c->moved[KEN_UNLABELLED][j] > 0;
    put_title(v, s);
    put_counts(v, c);
    ken_view_moved(v, &(ken_view_matrix){.moved = c->moved[0],
                                         .n = KEN_N_CATEGORIES,
                                         .shown = unlabelled ? KEN_N_CATEGORIES : KEN_UNLABELLED,
                                         .name = ken_category_name,
                                         .head = "run \\ now",
                                         .path = "transitions"});
    put_shares(v, c);
    put_changes(v, c);
    put_certainty(v, s);
    put_expected(v, s);
    put_settings(v, s);
}

static void put_unlabelled(ken_views *v, const ken_run *r)
{
    const ken_counts *all = ken_run_total(r);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "No fact of the run has a label");
    if (all->n > 0 && !isnan(all->mean_p_t))
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            ": it is multiple choice, which has right and wrong answers and a knowledge score, but no "
            "categories. They need no matcher and no samples; ken show prints them, and ken diff compares two "
            "such runs");
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
}

int ken_views_of_scoring(ken_views **out, const ken_scoring *s, const ken_curve *curve, const ken_compared *against,
                         size_t n_against, ken_err *err)
{
    ken_views *v = ken_views_new();
    put_labels(v, s);
    if (curve != NULL || n_against > 0) ken_views_only(v, 0, KEN_IN_JSON);
    if (curve != NULL) ken_view_curve(v, s, curve);
    for (size_t i = 0; i < n_against; i++) ken_view_agreement(v, s, &against[i]);
    if (labelled_now(&s->counts) == 0) {
        ken_views_only(v, 0, KEN_IN_DATA);
        put_unlabelled(v, s->run);
    }
    return ken_views_finish(out, v, err);
}
