/* annotation.c - what an annotation says: the categories by relation and in all, with shares and intervals; of multiple choice, which has no
 * categories, the score. Shares are of the rows that have a category; rows without one are counted apart. */
#include "base/alloc.h"
#include "base/options.h"
#include "view/views.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t labelled(const ken_counts *c) { return c->n - c->category[KEN_UNLABELLED]; }

/* ---- which relations, in which order ---------------------------------------------------------------------------------- */

static bool chosen(const ken_names *list, const char *name) { return list->n == 0 || ken_names_has(list, name); }

static ken_counts sum_counts(const ken_run *r, const ken_names *relations)
{
    if (relations->n == 0) return *ken_run_total(r);
    ken_counts sum = {.relation = ""};
    double var = 0;
    for (size_t i = 0; i < ken_run_n_relations(r); i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (!chosen(relations, c->relation)) continue;
        const double n = (double)c->n;
        sum.n += c->n;
        for (int k = 0; k < KEN_N_CATEGORIES; k++) sum.category[k] += c->category[k];
        sum.expected_unknown += c->expected_unknown;
        var += c->sd_unknown * c->sd_unknown;
        sum.mean_p_t0 += n * c->mean_p_t0;
        sum.mean_p_t += n * c->mean_p_t;
        sum.majority_share += n * c->majority_share;
        sum.echo_share += n * c->echo_share;
        for (int k = 0; k < KEN_N_CATEGORIES; k++) sum.said[k] += c->said[k];
        sum.unknown_without_text += c->unknown_without_text;
        sum.sentences += c->sentences;
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

/* HighlyKnown and MaybeKnown together; of multiple choice, which has no categories, the prompts right. */
static double known_share(const ken_counts *c)
{
    if (labelled(c) > 0)
        return (double)(c->category[KEN_HIGHLY_KNOWN] + c->category[KEN_MAYBE_KNOWN]) / (double)labelled(c);
    return isnan(c->mean_p_t0) ? -1 : c->mean_p_t0;
}

static double sort_number(const ken_counts *c, int key, size_t i)
{
    if (key == KEN_SORT_FACTS) return (double)c->n;
    if (key == KEN_SORT_KNOWN) return known_share(c);
    if (key < KEN_SORT_CATEGORY) return (double)i;
    return labelled(c) > 0 ? (double)c->category[key - KEN_SORT_CATEGORY] / (double)labelled(c) : 0;
}

/* The relations chosen (n), in order; the caller frees. */
static ranked *choose(const ken_run *r, const ken_show_options *o, size_t *n)
{
    const size_t all = ken_run_n_relations(r);
    ranked *x = ken_alloc(all, sizeof *x);
    *n = 0;
    for (size_t i = 0; i < all && x != NULL; i++) {
        const ken_counts *c = ken_run_relation(r, i);
        if (chosen(&o->relations, c->relation))
            x[(*n)++] = (ranked){c, i, sort_number(c, o->sort, i), o->sort == KEN_SORT_NAME, o->falling ? -1 : 1};
    }
    if (x != NULL) qsort(x, *n, sizeof *x, compare);
    return x;
}

/* ---- by relation ------------------------------------------------------------------------------------------------------ */

/* On the page the bar says what the categories are; there is room for what else is known of a relation. */
enum { IN_NUMBERS = KEN_ON_TERMINAL | KEN_IN_DATA, PAGE_AND_DATA = KEN_ON_PAGE | KEN_IN_DATA };

#define COUNTED(category)                                                                                              \
    {.head = "", .key = (category), .unit = KEN_UNIT_COUNT, .width = 7, .where = IN_NUMBERS | KEN_IF_ROOM},            \
    {                                                                                                                  \
        .head = (category), .unit = KEN_UNIT_SHARE, .digits = 1, .width = 7, .where = KEN_ON_TERMINAL                  \
    }
#define ONLY_DATA(name, u)                                                                                             \
    {                                                                                                                  \
        .key = (name), .unit = (u), .where = KEN_IN_DATA                                                               \
    }

static const ken_view_column categories[] = {
    {.head = "relation", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE}, /* an example */
    {.head = "facts", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "", .unit = KEN_UNIT_PARTS, .width = 10, .where = KEN_ON_TERMINAL},
    {.head = "categories", .unit = KEN_UNIT_PARTS, .where = KEN_ON_PAGE}, /* and rows without one */
    COUNTED("HighlyKnown"),
    COUNTED("MaybeKnown"),
    COUNTED("WeaklyKnown"),
    COUNTED("Unknown"),
    {.head = "answered", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
    ONLY_DATA("unlabelled", KEN_UNIT_COUNT),
    {.head = "Unknown on a repeat",
     .key = "expected_unknown",
     .unit = KEN_UNIT_REAL,
     .digits = 1,
     .where = PAGE_AND_DATA},
    {.head = "\u00b1", .key = "sd_unknown", .unit = KEN_UNIT_REAL, .digits = 1, .where = PAGE_AND_DATA},
    ONLY_DATA("mean_p_t0", KEN_UNIT_REAL),
    {.head = "P correct", .key = "mean_p_t", .unit = KEN_UNIT_SHARE, .digits = 1, .where = PAGE_AND_DATA},
    {.head = "score", .unit = KEN_UNIT_REAL, .digits = 3, .where = KEN_ON_PAGE},
    {.head = "majority", .key = "majority_share", .unit = KEN_UNIT_SHARE, .digits = 1, .where = PAGE_AND_DATA},
    {.head = "echo", .key = "echo_share", .unit = KEN_UNIT_SHARE, .digits = 1, .where = PAGE_AND_DATA},
    ONLY_DATA("answer_in_text", KEN_UNIT_COUNT),
    ONLY_DATA("unknown_answer_in_text", KEN_UNIT_COUNT),
    ONLY_DATA("unknown_without_text", KEN_UNIT_COUNT),
    ONLY_DATA("sentences", KEN_UNIT_COUNT)};
enum { N_CATEGORIES = sizeof categories / sizeof *categories, FIRST_SHARE = 6, SCORE = N_CATEGORIES - 7 };

static const ken_view_column choices[] = {
    {.head = "subject", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "rows", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "questions right", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
    {.head = "greedy", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 11, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "P_Correct", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 11, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "score", .unit = KEN_UNIT_REAL, .digits = 3, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "majority", .unit = KEN_UNIT_SHARE, .digits = 1, .where = KEN_ON_PAGE},
    {.head = "", .unit = KEN_UNIT_BAR, .width = 26, .where = KEN_SHOWN}};

/* Where one answer is so frequent, a good score may be habit and not knowledge (docs/method/knowledge.md#marks). */
static ken_style majority_style(const ken_counts *c)
{
    return c->majority_share >= 0.2 && c->n >= 30 ? KEN_STYLE_WORSE : KEN_STYLE_PLAIN;
}

static void put_counts(ken_views *v, const ken_counts *c, const ken_view_relation *x, const char *name,
                       const char *path, const char *key, unsigned where)
{
    ken_view_row *row = ken_views_row(v, path, key);
    row->where = where;
    row->total = key == NULL;
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_text(v, KEN_STYLE_QUIET, x->example);
    ken_put_count(v, c->n);
    ken_put_parts(v, c->category, KEN_UNLABELLED);
    ken_put_parts(v, c->category, KEN_N_CATEGORIES);
    for (int k = 0; k < KEN_UNLABELLED; k++) {
        const ken_style style = c->category[k] == 0 ? KEN_STYLE_QUIET : KEN_STYLE_PLAIN;
        ken_put_count(v, c->category[k])->style = style;
        ken_put_share(v, c->category[k], labelled(c))->style = style;
    }
    ken_put_share(v, c->category[KEN_HIGHLY_KNOWN] + c->category[KEN_MAYBE_KNOWN], labelled(c));
    ken_put_count(v, c->category[KEN_UNLABELLED]);
    ken_put_number(v, c->expected_unknown);
    ken_put_number(v, c->sd_unknown);
    ken_put_number(v, c->mean_p_t0);
    ken_put_number(v, c->mean_p_t);
    if (x->n_score > 0) ken_put_number(v, x->score / (double)x->n_score);
    else ken_put_nothing(v);
    ken_put_number(v, c->majority_share)->style = majority_style(c);
    ken_put_number(v, c->echo_share);
    uint64_t said = 0;
    for (int k = 0; k < KEN_N_CATEGORIES; k++) said += c->said[k];
    ken_put_count(v, said);
    ken_put_count(v, c->said[KEN_UNKNOWN]);
    ken_put_count(v, c->unknown_without_text);
    ken_put_count(v, c->sentences);
}

/* Where the rows were not read, chance is taken to be 1/4, as in MMLU (docs/method/knowledge.md#multiple-choice). */
static void put_choice(ken_views *v, const ken_counts *c, const ken_view_relation *x, const char *name, bool total)
{
    const double score = x->n_score > 0 ? x->score / (double)x->n_score : (c->mean_p_t - 0.25) / 0.75;
    ken_views_row(v, NULL, NULL)->total = total;
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, c->n);
    ken_put_share(v, x->n_right, x->n_score);
    ken_put_number(v, c->mean_p_t0);
    ken_put_number(v, c->mean_p_t);
    ken_put_number(v, score);
    ken_put_number(v, c->majority_share);
    ken_put_number(v, score);
}

static const ken_view_relation nothing_more;

static const ken_view_relation *more_of(const ken_view_relation *more, size_t i)
{
    return more != NULL ? &more[i] : &nothing_more;
}

static void note_relations(ken_views *v, bool choice)
{
    static const ken_span of_relations[] = {
        {"Best known first. ", 0},
        {"Answered", KEN_STYLE_STRONG},
        {" is HighlyKnown and MaybeKnown together, with its 95% interval. ", 0},
        {"Unknown on a repeat", KEN_STYLE_STRONG},
        {" is how many a fresh annotation would call Unknown, with its standard deviation. ", 0},
        {"Majority", KEN_STYLE_STRONG},
        {" is the share of the commonest answer: where it is large, a good score may be a habit and not knowledge. ",
         0},
        {"Echo", KEN_STYLE_STRONG},
        {" is the share of questions that contain their answer.", 0}};
    static const ken_span of_subjects[] = {
        {"Best first, by the share of prompts right (", 0},
        {"greedy", KEN_STYLE_STRONG},
        {"). A question counts as right when more than half of its prompts choose the right option. The ", 0},
        {"score", KEN_STYLE_STRONG},
        {" is 0 for guessing and 1 when certain. ", 0},
        {"Majority", KEN_STYLE_STRONG},
        {" is the share of the commonest answer.", 0}};
    const ken_span *span = choice ? of_subjects : of_relations;
    const size_t n = choice ? sizeof of_subjects / sizeof *span : sizeof of_relations / sizeof *span;
    ken_views_text(v);
    ken_views_last(v)->where = KEN_ON_PAGE;
    for (size_t i = 0; i < n; i++) ken_views_say(v, span[i].style, "%s", span[i].text);
}

static void put_subjects(ken_views *v, const ranked *x, size_t n, const ken_counts *total,
                         const ken_view_relation *more, const ken_view_relation *all)
{
    ken_views_table(v, choices, sizeof choices / sizeof *choices, NULL);
    for (size_t i = 0; i < n; i++) {
        const char *name = x[i].c->relation;
        put_choice(v, x[i].c, more_of(more, x[i].i), name[0] != '\0' ? name : "(no subject)", false);
    }
    put_choice(v, total, all, "total", true);
}

static void put_relations(ken_views *v, const ranked *x, size_t n, const ken_counts *total, bool choice,
                          const ken_view_relation *more)
{
    ken_view_column c[N_CATEGORIES];
    const char *none = choice ? "(no subject)" : "(none)";
    ken_view_relation all = {0};
    for (size_t i = 0; i < n; i++) {
        all.score += more_of(more, x[i].i)->score;
        all.n_score += more_of(more, x[i].i)->n_score;
        all.n_right += more_of(more, x[i].i)->n_right;
    }
    memcpy(c, categories, sizeof c);
    for (int k = 0; k < KEN_UNLABELLED; k++) c[FIRST_SHARE + 2 * k].style = (ken_style)((int)KEN_STYLE_CATEGORY + k);
    for (int k = 0; k < KEN_UNLABELLED; k++) c[FIRST_SHARE + 2 * k].where |= KEN_INTERVAL_IF_VERBOSE;
    if (all.n_score == 0) c[SCORE].where = 0;
    ken_views_columns(v, c, N_CATEGORIES, NULL);
    if (choice || total->n == 0) ken_views_last(v)->where = KEN_IN_JSON;
    put_counts(v, total, &nothing_more, "total", "", NULL, KEN_IN_JSON); /* in JSON the outermost object */
    for (size_t i = 0; i < n; i++) {
        const char *name = x[i].c->relation;
        put_counts(v, x[i].c, more_of(more, x[i].i), name[0] != '\0' ? name : none, "relations", name, KEN_EVERYWHERE);
    }
    if (n > 1) put_counts(v, total, &all, "total", NULL, NULL, KEN_SHOWN | KEN_IN_CSV);
    if (choice) put_subjects(v, x, n, total, more, &all);
}

int ken_view_relations(ken_views *v, const ken_run *r, const ken_view_relation *more, bool choice, ken_err *err)
{
    static const ken_show_options best_first = {.size = sizeof best_first, .sort = KEN_SORT_KNOWN, .falling = true};
    size_t n;
    ranked *x = choose(r, &best_first, &n);
    if (x == NULL) return ken_fail_nomem(err, "relations");
    note_relations(v, choice);
    put_relations(v, x, n, ken_run_total(r), choice, more);
    ken_free(x);
    return KEN_OK;
}

/* ---- in all ----------------------------------------------------------------------------------------------------------- */

/* What a category means, in short and, with the number of prompts, at length. */
static const char *rule_of(ken_views *v, int category, int prompts)
{
    switch (category) {
    case KEN_HIGHLY_KNOWN:
        return ken_views_keep(v, "All %d greedy answers are right, whatever the prompt shows.", prompts);
    case KEN_MAYBE_KNOWN:
        return ken_views_keep(v, "Some of the %d greedy answers are right, not all: it depends on the prompt.",
                              prompts);
    case KEN_WEAKLY_KNOWN:
        return ken_views_keep(v, "None of the %d greedy answers is right, but a sampled one is.", prompts);
    default:
        return "Neither a greedy nor a sampled answer is right. Not found with this budget; that is not proof of "
               "absence.";
    }
}

void ken_view_totals(ken_views *v, const ken_counts *t, int prompts)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "category", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_BAR, .width = 12, .where = KEN_ON_TERMINAL},
        {.head = "facts", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_SHOWN},
        {.head = "share", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN},
        {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_ON_TERMINAL},
        {.head = "rule", .unit = KEN_UNIT_TEXT, .where = KEN_ON_PAGE}};
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
        if (prompts > 0) ken_put_text(v, KEN_STYLE_PLAIN, rule_of(v, k, prompts));
        else ken_put_nothing(v);
    }
}

static void put_unlabelled(ken_views *v, const ken_counts *t)
{
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

/* "It does not know" is said of facts alone whose answer it did not say, and only where a right answer would have been recognised. */
static void put_finding(ken_views *v, const ken_run *r, const ken_counts *t)
{
    const double unit = 100 / (double)labelled(t);
    const uint64_t unknown = t->category[KEN_UNKNOWN], said = t->said[KEN_UNKNOWN];
    line(v, false);
    ken_views_say(v, KEN_STYLE_PLAIN,
                  "The model can be relied on for %.0f%% of these facts and has another %.0f%% within reach; ",
                  unit * (double)t->category[KEN_HIGHLY_KNOWN],
                  unit * (double)(t->category[KEN_MAYBE_KNOWN] + t->category[KEN_WEAKLY_KNOWN]));
    if (ken_view_of_sentences(r, t)) {
        ken_views_say(v, KEN_STYLE_PLAIN, "whether it knows the other %.0f%% cannot be told from these answers.",
                      unit * (double)unknown);
        return;
    }
    if (unknown == 0) ken_views_say(v, KEN_STYLE_PLAIN, "none is Unknown.");
    else if (said == unknown)
        ken_views_say(v, KEN_STYLE_PLAIN,
                      "the other %.0f%% is called Unknown, though the accepted answer is among the words it says.",
                      unit * (double)said);
    else
        ken_views_say(v, KEN_STYLE_PLAIN,
                      "%.0f%% it does not know, and fine-tuning on those risks teaching it to make things up.",
                      unit * (double)(unknown - said));
    if (said > 0 && said < unknown)
        ken_views_say(v, KEN_STYLE_PLAIN,
                      " For the other %.0f%% called Unknown the accepted answer is among the words it says.",
                      unit * (double)said);
}

static void put_sentences(ken_views *v, const ken_run *r, const ken_counts *t)
{
    const uint64_t n = labelled(t);
    line(v, false);
    if (n > 0 && isfinite(t->mean_p_t))
        ken_views_say(v, KEN_STYLE_QUIET, "P_Correct %.3f greedy, %.3f sampled.", t->mean_p_t0, t->mean_p_t);
    else if (n > 0) ken_views_say(v, KEN_STYLE_QUIET, "P_Correct %.3f greedy.", t->mean_p_t0);
    if (t->category[KEN_UNKNOWN] + t->category[KEN_WEAKLY_KNOWN] > 0)
        ken_views_say(v, KEN_STYLE_QUIET, " Unknown over fresh annotations: %.1f \u00b1 %.1f.", t->expected_unknown,
                      t->sd_unknown);
    if (n > 0) line(v, true);
    ken_views_say(
        v, KEN_STYLE_QUIET,
        "Always giving the commonest answer would be right for %.1f%%; %.1f%% of the questions name their answer.",
        100 * t->majority_share, 100 * t->echo_share);
    if (n == 0) return;
    put_finding(v, r, t);
    ken_view_advice(v, r, t);
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
        ken_views_say(v, KEN_STYLE_PLAIN, "%c%s.", toupper((unsigned char)ken_run_note(r, i)[0]),
                      ken_run_note(r, i) + 1);
    }
    if (ken_run_complete(r)) return;
    line(v, false);
    ken_views_say(v, KEN_STYLE_PLAIN, "This run is not complete: the same ken annotate command resumes it.");
}

int ken_view_annotation(ken_views *v, ken_run *r, const ken_show_options *o, ken_err *err)
{
    const ken_row *first = ken_run_count(r) > 0 ? ken_run_row(r, 0, err) : NULL;
    if (first == NULL && ken_run_count(r) > 0) return err != NULL ? err->status : KEN_EINPUT;
    const bool choice = first != NULL && (first->flags & KEN_FLAG_CHOICE) != 0;
    const ken_counts total = sum_counts(r, &o->relations);
    size_t n;
    ranked *x = choose(r, o, &n);
    if (x == NULL) return ken_fail_nomem(err, "relations");
    put_title(v, r, &total);
    if (total.n == 0) {
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_PLAIN, "No rows yet.");
    }
    put_relations(v, x, n, &total, choice, NULL);
    if (choice) {
        ken_views_text(v);
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            "Multiple choice has no categories: one in four is right by chance. The score is 0 at chance and 1 "
            "when certain.");
    }
    if (total.n > 0 && !choice) {
        ken_view_totals(v, &total, 0);
        put_unlabelled(v, &total);
        put_sentences(v, r, &total);
    }
    put_state(v, r);
    ken_free(x);
    return KEN_OK;
}
