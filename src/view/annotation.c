/* annotation.c - what an annotation says: the categories by relation and in all, with shares and intervals; of multiple choice, which has no
 * categories, the score. Shares are of the rows that have a category; rows without one are counted apart. */
#include "base/alloc.h"
#include "view/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t labelled(const ken_counts *c) { return c->n - c->category[KEN_UNLABELLED]; }

/* ---- which relations, in which order ---------------------------------------------------------------------------------- */

static bool in_list(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = list; list != NULL;) {
        const size_t len = strcspn(p, ",");
        if (len == n && memcmp(p, name, n) == 0) return true;
        if (p[len] == '\0') return false;
        p += len + 1;
    }
    return true; /* no list: all */
}

static ken_counts sum_counts(const ken_run *r, const char *relations)
{
    if (relations == NULL) return *ken_run_total(r);
    ken_counts sum = {.relation = ""};
    double var = 0;
    for (size_t i = 0; i < ken_run_n_relations(r); i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (!in_list(relations, c->relation)) continue;
        const double n = (double)c->n;
        sum.n += c->n;
        for (int k = 0; k < KEN_N_CATEGORIES; k++) sum.category[k] += c->category[k];
        sum.expected_unknown += c->expected_unknown;
        var += c->sd_unknown * c->sd_unknown;
        sum.mean_p_t0 += n * c->mean_p_t0;
        sum.mean_p_t += n * c->mean_p_t;
        sum.majority_share += n * c->majority_share;
        sum.echo_share += n * c->echo_share;
    }
    const double n = sum.n > 0 ? (double)sum.n : 1;
    sum.sd_unknown = sqrt(var);
    sum.mean_p_t0 /= n;
    sum.mean_p_t /= n;
    sum.majority_share /= n;
    sum.echo_share /= n;
    return sum;
}

typedef struct ranked {
    const ken_counts *c;
    size_t i;
    double by; /* the number that is sorted by */
    bool by_name;
    int sign;
} ranked;

static int compare(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    int c = a->by_name ? strcmp(a->c->relation, b->c->relation) : (a->by > b->by) - (a->by < b->by);
    return c != 0 ? a->sign * c : (a->i > b->i) - (a->i < b->i);
}

static double sort_number(const ken_counts *c, const char *key, size_t i)
{
    if (strcmp(key, "order") == 0) return (double)i;
    for (int k = 0; k < KEN_UNLABELLED; k++)
        if (strcmp(key, ken_category_name(k)) == 0)
            return labelled(c) > 0 ? (double)c->category[k] / (double)labelled(c) : 0;
    return (double)c->n;
}

/* The relations chosen (n), in order; the caller frees. */
static ranked *choose(const ken_run *r, const ken_show_options *o, size_t *n)
{
    const size_t all = ken_run_n_relations(r);
    ranked *x = ken_alloc(all, sizeof *x);
    const char *key = o->sort != NULL ? o->sort + (o->sort[0] == '-') : "order";
    *n = 0;
    for (size_t i = 0; i < all && x != NULL; i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (in_list(o->relations, c->relation))
            x[(*n)++] = (ranked){c, i, sort_number(c, key, i), strcmp(key, "name") == 0,
                                 o->sort != NULL && o->sort[0] == '-' ? -1 : 1};
    }
    if (x != NULL) qsort(x, *n, sizeof *x, compare);
    return x;
}

/* ---- by relation ------------------------------------------------------------------------------------------------------ */

#define COUNTED(category)                                                                                              \
    {.head = "", .key = category, .unit = KEN_UNIT_COUNT, .width = 7, .where = KEN_EVERYWHERE | KEN_IF_ROOM},          \
    {                                                                                                                  \
        .head = category, .unit = KEN_UNIT_SHARE, .digits = 1, .width = 7, .where = KEN_SHOWN                          \
    }
#define ONLY_DATA(name, u)                                                                                             \
    {                                                                                                                  \
        .key = (name), .unit = (u), .where = KEN_IN_DATA                                                               \
    }

static const ken_view_column categories[] = {
    {.head = "relation", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "facts", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "", .unit = KEN_UNIT_PARTS, .width = 10, .where = KEN_SHOWN},
    COUNTED("HighlyKnown"),
    COUNTED("MaybeKnown"),
    COUNTED("WeaklyKnown"),
    COUNTED("Unknown"),
    ONLY_DATA("unlabelled", KEN_UNIT_COUNT),
    ONLY_DATA("expected_unknown", KEN_UNIT_REAL),
    ONLY_DATA("sd_unknown", KEN_UNIT_REAL),
    ONLY_DATA("mean_p_t0", KEN_UNIT_REAL),
    ONLY_DATA("mean_p_t", KEN_UNIT_REAL),
    ONLY_DATA("majority_share", KEN_UNIT_REAL),
    ONLY_DATA("echo_share", KEN_UNIT_REAL)};
enum { N_CATEGORIES = sizeof categories / sizeof *categories, FIRST_SHARE = 4 };

static const ken_view_column choices[] = {
    {.head = "subject", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "rows", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "greedy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 11, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "P_Correct", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 11, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "score", .unit = KEN_UNIT_REAL, .digits = 3, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "", .unit = KEN_UNIT_BAR, .width = 26, .where = KEN_SHOWN}};

static void put_counts(ken_views *v, const ken_counts *c, const char *name, const char *path, const char *key,
                       unsigned where)
{
    ken_view_row *row = ken_views_row(v, path, key);
    row->where = where;
    row->total = key == NULL;
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, c->n);
    ken_put_parts(v, c->category, KEN_UNLABELLED);
    for (int k = 0; k < KEN_UNLABELLED; k++) {
        const ken_style style = c->category[k] == 0 ? KEN_STYLE_QUIET : KEN_STYLE_PLAIN;
        ken_put_count(v, c->category[k])->style = style;
        ken_put_share(v, c->category[k], labelled(c))->style = style;
    }
    ken_put_count(v, c->category[KEN_UNLABELLED]);
    ken_put_number(v, c->expected_unknown);
    ken_put_number(v, c->sd_unknown);
    ken_put_number(v, c->mean_p_t0);
    ken_put_number(v, c->mean_p_t);
    ken_put_number(v, c->majority_share);
    ken_put_number(v, c->echo_share);
}

/* Chance is 1/4 (docs/method/knowledge.md#multiple-choice), so the score is (P - 1/4) / (3/4). */
static void put_choice(ken_views *v, const ken_counts *c, const char *name, bool total)
{
    const double score = (c->mean_p_t - 0.25) / 0.75;
    ken_views_row(v, NULL, NULL)->total = total;
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, c->n);
    ken_put_number(v, c->mean_p_t0);
    ken_put_number(v, c->mean_p_t);
    ken_put_number(v, score);
    ken_put_number(v, score);
}

static void put_relations(ken_views *v, const ranked *x, size_t n, const ken_counts *total, bool choice)
{
    ken_view_column c[N_CATEGORIES];
    const char *none = choice ? "(no subject)" : "(none)";
    memcpy(c, categories, sizeof c);
    for (int k = 0; k < KEN_UNLABELLED; k++) c[FIRST_SHARE + 2 * k].style = (ken_style)((int)KEN_STYLE_CATEGORY + k);
    for (int k = 0; k < KEN_UNLABELLED; k++) c[FIRST_SHARE + 2 * k].where |= KEN_INTERVAL_IF_VERBOSE;
    ken_views_columns(v, c, N_CATEGORIES, NULL);
    if (choice || total->n == 0) ken_views_last(v)->where = KEN_IN_JSON;
    put_counts(v, total, "total", "", NULL, KEN_IN_JSON); /* in JSON the outermost object */
    for (size_t i = 0; i < n; i++) {
        const char *name = x[i].c->relation;
        put_counts(v, x[i].c, name[0] != '\0' ? name : none, "relations", name, KEN_EVERYWHERE);
    }
    if (n > 1) put_counts(v, total, "total", NULL, NULL, KEN_SHOWN | KEN_IN_CSV);
    if (!choice) return;
    ken_views_table(v, choices, sizeof choices / sizeof *choices, NULL);
    for (size_t i = 0; i < n; i++) put_choice(v, x[i].c, x[i].c->relation[0] != '\0' ? x[i].c->relation : none, false);
    put_choice(v, total, "total", true);
    ken_views_text(v);
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        "Multiple choice has no categories: one in four is right by chance. The score is 0 at chance and 1 when "
        "certain.");
}

/* ---- in all ----------------------------------------------------------------------------------------------------------- */

static void put_totals(ken_views *v, const ken_counts *t)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "category", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_BAR, .width = 12, .where = KEN_ON_TERMINAL},
        {.head = "", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    static const char *const meaning[] = {"every prompt, greedily", "some prompts, greedily", "only when sampling",
                                          "never right"};
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    ken_views_last(v)->headless = true;
    for (int k = 0; k < KEN_UNLABELLED; k++) {
        const ken_style style = (ken_style)((int)KEN_STYLE_CATEGORY + k);
        ken_views_row(v, NULL, NULL);
        ken_put_text(v, style, ken_category_name(k));
        ken_put_number(v, labelled(t) > 0 ? (double)t->category[k] / (double)labelled(t) : NAN)->style = style;
        ken_put_count(v, t->category[k]);
        ken_put_share(v, t->category[k], labelled(t));
        ken_put_text(v, KEN_STYLE_QUIET, meaning[k]);
    }
    if (t->category[KEN_UNLABELLED] == 0) return;
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(v, KEN_STYLE_PLAIN, "%s without a category: ken show --category unlabelled says why.",
                  ken_views_count_text(v, t->category[KEN_UNLABELLED]));
}

static void line(ken_views *v, bool close)
{
    ken_views_text(v);
    ken_views_last(v)->close = close;
}

static void put_sentences(ken_views *v, const ken_counts *t)
{
    const uint64_t n = labelled(t);
    line(v, false);
    if (n > 0) ken_views_say(v, KEN_STYLE_QUIET, "P_Correct %.3f greedy, %.3f sampled.", t->mean_p_t0, t->mean_p_t);
    if (t->category[KEN_UNKNOWN] + t->category[KEN_WEAKLY_KNOWN] > 0)
        ken_views_say(v, KEN_STYLE_QUIET, " Unknown over fresh annotations: %.1f \u00b1 %.1f.", t->expected_unknown,
                      t->sd_unknown);
    if (n > 0) line(v, true);
    ken_views_say(
        v, KEN_STYLE_QUIET,
        "Always giving the commonest answer would be right for %.1f%%; %.1f%% of the questions name their answer.",
        100 * t->majority_share, 100 * t->echo_share);
    if (n == 0) return;
    const double unit = 100 / (double)n;
    line(v, false);
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        "The model can be relied on for %.0f%% of these facts and has another %.0f%% within reach; %.0f%% it does not "
        "know, and fine-tuning on those risks teaching it to make things up.",
        unit * (double)t->category[KEN_HIGHLY_KNOWN],
        unit * (double)(t->category[KEN_MAYBE_KNOWN] + t->category[KEN_WEAKLY_KNOWN]),
        unit * (double)t->category[KEN_UNKNOWN]);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void put_title(ken_views *v, const ken_run *r, const ken_counts *total)
{
    const char *prompts = ken_run_setting(r, "prompts"), *samples = ken_run_setting(r, "samples"),
               *method = ken_run_setting(r, "method"), *matcher = ken_run_setting(r, "matcher");
    ken_views_text(v);
    ken_view_subject(v, ken_run_setting(r, "model_path"), ken_run_setting(r, "adapter_path"),
                     ken_run_setting(r, "data"));
    ken_views_say(v, KEN_STYLE_PLAIN, ": %s facts", ken_views_count_text(v, total->n));
    if (prompts == NULL || samples == NULL || method == NULL || matcher == NULL) return;
    ken_views_say(v, KEN_STYLE_PLAIN, "; %s prompts, %s samples each (%s), matcher %s", prompts, samples, method,
                  matcher);
}

static void put_state(ken_views *v, const ken_run *r)
{
    static const ken_view_column columns[] = {ONLY_DATA("complete", KEN_UNIT_TRUTH), ONLY_DATA("model", KEN_UNIT_TEXT),
                                              ONLY_DATA("token_forwards", KEN_UNIT_COUNT),
                                              ONLY_DATA("seconds", KEN_UNIT_REAL)};
    static const ken_view_column note[] = {{.key = "", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON}};
    const char *forwards = ken_run_setting(r, "token_forwards"), *seconds = ken_run_setting(r, "seconds");
    ken_views_values(v, columns, sizeof columns / sizeof *columns, "");
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_put_truth(v, ken_run_complete(r));
    ken_put_text(v, KEN_STYLE_PLAIN, ken_run_setting(r, "model"));
    if (forwards != NULL) ken_put_count(v, strtoull(forwards, NULL, 10));
    else ken_put_nothing(v);
    ken_put_number(v, seconds != NULL ? strtod(seconds, NULL) : NAN);
    for (size_t i = 0; ken_run_note(r, i) != NULL; i++) {
        ken_views_values(v, note, 1, "notes[]");
        ken_views_last(v)->where = KEN_IN_JSON;
        ken_put_text(v, KEN_STYLE_PLAIN, ken_run_note(r, i));
        line(v, i > 0);
        ken_views_say(v, KEN_STYLE_PLAIN, "%s.", ken_run_note(r, i));
    }
    if (ken_run_complete(r)) return;
    line(v, false);
    ken_views_say(v, KEN_STYLE_PLAIN, "This run is not complete: the same ken annotate command goes on with it.");
}

int ken_view_annotation(ken_views *v, ken_run *r, const ken_show_options *o, ken_err *err)
{
    const ken_row *first = ken_run_count(r) > 0 ? ken_run_row(r, 0, err) : NULL;
    if (first == NULL && ken_run_count(r) > 0) return err != NULL ? err->status : KEN_EINPUT;
    const bool choice = first != NULL && (first->flags & KEN_FLAG_CHOICE) != 0;
    const ken_counts total = sum_counts(r, o->relations);
    size_t n;
    ranked *x = choose(r, o, &n);
    if (x == NULL) return ken_fail_nomem(err, "relations");
    put_title(v, r, &total);
    if (total.n == 0) {
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "No rows yet.");
    }
    put_relations(v, x, n, &total, choice);
    if (total.n > 0 && !choice) {
        put_totals(v, &total);
        put_sentences(v, &total);
    }
    put_state(v, r);
    ken_free(x);
    return KEN_OK;
}
