/* audit.c - what a judged sheet says: the verdicts, and what they mean for the run. */
#include "view/views.h"
#include <math.h>

static const struct {
    const char *path, *run, *verdicts; /* in JSON */
    const char *title, *answers, *accuracy;
} kinds[KEN_AUDIT_KINDS] = {[KEN_AUDIT_GREEDY] = {"greedy", "greedy.run", "greedy.verdicts", "greedy answers",
                                                  "greedy answers of the run", "P_T0"},
                            [KEN_AUDIT_SAMPLED] = {"sampled", "sampled.run", "sampled.verdicts", "sampled answers",
                                                   "sampled answers of the run", "P_T"}};

/* Of answers: what they are, how many, which share. In JSON verdicts alone have a place. */
static const ken_view_column columns[] = {
    {.head = "",
     .unit = KEN_UNIT_TEXT,
     .width = 32,
     .where = KEN_SHOWN}, /* the name, set in below what it is a part of */
    {.head = "", .key = "name", .unit = KEN_UNIT_TEXT, .where = KEN_IN_CSV},
    {.head = "", .key = "n", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_EVERYWHERE},
    {.head = "",
     .key = "share",
     .lo_key = "share_lo",
     .hi_key = "share_hi",
     .unit = KEN_UNIT_SHARE,
     .digits = 1,
     .width = 9,
     .where = KEN_EVERYWHERE}};

static void put_name(ken_views *v, ken_style style, int depth, const char *name)
{
    ken_put_text(v, style, ken_views_keep(v, "%*s%s", 2 * depth, "", name));
    ken_put_text(v, style, name);
}

static void put_table(ken_views *v, const char *title, uint64_t n)
{
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    ken_views_last(v)->headless = true;
    ken_views_row(v, NULL, NULL)->total = true;
    put_name(v, KEN_STYLE_STRONG, 0, title);
    ken_put_count(v, n)->style = KEN_STYLE_STRONG;
}

static void put_share(ken_views *v, int depth, const char *name, double plus, const ken_audit_share *s)
{
    ken_views_row(v, NULL, NULL);
    put_name(v, KEN_STYLE_PLAIN, depth, name);
    ken_put_nothing(v);
    ken_put_between(v, plus + s->share, plus + s->lo, plus + s->hi);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------------- */

/* The verdict's name as a key: without a space. */
static const char *key_of(int verdict)
{
    static const char *const keys[KEN_AUDIT_VERDICTS] = {[KEN_AUDIT_WRONG] = "wrong",
                                                         [KEN_AUDIT_PARAPHRASE] = "paraphrase",
                                                         [KEN_AUDIT_HIGHER] = "higher_granularity",
                                                         [KEN_AUDIT_LOWER] = "lower_granularity"};
    return keys[verdict];
}

static void put_verdicts(ken_views *v, const char *title, const ken_audit_part *p, const char *path,
                         const char *verdicts, bool shown)
{
    ken_value_count(v, path, "answers", p->answers);
    ken_value_count(v, path, "judged", p->judged);
    put_table(v, title, p->judged);
    if (!shown) ken_views_last(v)->where = KEN_IN_JSON;
    for (int k = 0; k < KEN_AUDIT_VERDICTS; k++) {
        ken_views_row(v, verdicts, key_of(k));
        put_name(v, KEN_STYLE_PLAIN, 1, ken_audit_verdict_name(k));
        ken_put_count(v, p->verdict[k]);
        if (p->judged > 0) ken_put_between(v, (double)p->verdict[k] / (double)p->judged, p->lo[k], p->hi[k]);
        else ken_put_number(v, NAN);
    }
}

/* ---- what the matcher misses ------------------------------------------------------------------------------------------- */

static void value_share(ken_views *v, const char *path, const char *key, const ken_audit_share *s)
{
    ken_value_number(v, path, key, s->share);
    ken_value_number(v, path, ken_views_keep(v, "%s_lo", key), s->lo);
    ken_value_number(v, path, ken_views_keep(v, "%s_hi", key), s->hi);
}

static void put_data(ken_views *v, const ken_audit_missed *m, int kind)
{
    const char *path = kinds[kind].path, *run = kinds[kind].run;
    ken_value_count(v, run, "answers", m->answers);
    ken_value_count(v, run, "rejected", m->rejected);
    ken_value_count(v, run, "stored", m->stored);
    ken_value_number(v, run, "accuracy", m->accuracy);
    ken_value_number(v, path, "effective", m->effective);
    value_share(v, path, "right", &m->right);
    value_share(v, path, "missed", &m->missed);
    value_share(v, path, "right_paraphrase", &m->right_paraphrase);
    value_share(v, path, "missed_paraphrase", &m->missed_paraphrase);
}

static void put_missed(ken_views *v, const ken_audit_missed *m, int kind)
{
    const char *accuracy = kinds[kind].accuracy;
    put_table(v, kinds[kind].answers, m->answers);
    ken_views_row(v, NULL, NULL);
    put_name(v, KEN_STYLE_PLAIN, 1, "the matcher rejects");
    ken_put_count(v, m->rejected);
    ken_put_number(v, 1.0 - m->accuracy);
    put_share(v, 1, "of these right after all", 0.0, &m->right);
    put_share(v, 0, ken_views_keep(v, "%s by the matcher", accuracy), 0.0,
              &(ken_audit_share){.share = m->accuracy, .lo = NAN, .hi = NAN});
    put_share(v, 1, "that it misses", 0.0, &m->missed);
    put_share(v, 1, "of that, paraphrases", 0.0, &m->missed_paraphrase);
    put_share(v, 0, ken_views_keep(v, "%s by these verdicts", accuracy), m->accuracy, &m->missed);
    if (m->stored == m->rejected) return;
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "The texts of %s rejected answers are not stored; they are taken to be like the others.",
                  ken_views_count_text(v, m->rejected - m->stored));
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void put_title(ken_views *v, const ken_scoring *s, const char *sheet, const ken_audit_part *all)
{
    ken_value_text(v, "", "sheet", sheet);
    ken_value_text(v, "", "matcher", ken_scoring_matcher(s));
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s: %s answers that %s rejects, %s judged, %s not yet", sheet,
                  ken_views_count_text(v, all->answers), ken_scoring_matcher(s), ken_views_count_text(v, all->judged),
                  ken_views_count_text(v, all->answers - all->judged));
}

static void put_cautions(ken_views *v, bool all_judged)
{
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_QUIET,
                  "The verdicts are shares of the answers of the sheet. For the run each counts as often as answers of "
                  "its fact are rejected.");
    if (!all_judged)
        ken_views_say(
            v, KEN_STYLE_QUIET,
            " A sheet is in the order of the data: judged in part, it may speak of its first relations only.");
}

int ken_views_of_audit(ken_views **out, const ken_scoring *s, const char *sheet, const ken_audited *x, ken_err *err)
{
    ken_views *v = ken_views_new();
    bool both = true;
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) both = both && x->kind[k].judged > 0;
    put_title(v, s, sheet, &x->all);
    put_verdicts(v, "judged", &x->all, "", "verdicts", both);
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) {
        const ken_audit_part *p = &x->kind[k];
        if (p->answers == 0) continue;
        put_verdicts(v, both ? kinds[k].title : "judged", p, kinds[k].path, kinds[k].verdicts, p->judged > 0);
        put_data(v, &x->missed[k], k);
        if (p->judged > 0) put_missed(v, &x->missed[k], k);
    }
    if (x->all.judged > 0) put_cautions(v, x->all.judged == x->all.answers);
    return ken_views_finish(out, v, err);
}
