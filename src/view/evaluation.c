/* evaluation.c - what an evaluation says: questions or multiple choice by group, texts by their perplexity, and what changed since another
 * one. Shares are of all rows asked; "of answered" leaves out answers that decline to answer and prompts that did not fit. */
#include "base/hub_name.h"
#include "base/stats.h"
#include "view/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- measures ------------------------------------------------------------------------------------------------------- */

enum { NAME = 24, SHOWN_AS_TEXT = KEN_SHOWN | KEN_IN_CSV };

/* In the order in which ken_view_measure fills them; further matchers stand in front of the tokens. */
static const ken_view_column measure[] = {
    {.head = "", .key = "name", .unit = KEN_UNIT_TEXT, .width = NAME, .where = SHOWN_AS_TEXT},
    {.head = "facts", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "", .unit = KEN_UNIT_BAR, .width = 14, .where = KEN_ON_TERMINAL},
    {.head = "right", .key = "hits", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "match",
     .key = "accuracy",
     .lo_key = "accuracy_lo",
     .hi_key = "accuracy_hi",
     .unit = KEN_UNIT_SHARE,
     .digits = 1,
     .width = 8,
     .where = KEN_EVERYWHERE},
    {.head = "em-raw", .key = "hits_raw", .unit = KEN_UNIT_PART, .digits = 1, .width = 9, .where = KEN_EVERYWHERE},
    {.head = "declined", .key = "abstained", .unit = KEN_UNIT_PART, .digits = 1, .where = KEN_ON_PAGE | KEN_IN_DATA},
    {.head = "answered", .key = "answered", .unit = KEN_UNIT_PART, .digits = 1, .width = 11, .where = KEN_EVERYWHERE},
    {.head = "of answered",
     .key = "accuracy_answered",
     .unit = KEN_UNIT_SHARE,
     .digits = 1,
     .width = 13,
     .where = KEN_EVERYWHERE},
    {.head = "P(right)", .key = "p_right", .unit = KEN_UNIT_REAL, .digits = 3, .width = 9, .where = KEN_IN_DATA},
};
enum { N_MEASURE = sizeof measure / sizeof *measure, EM_RAW = 5, ABSTAINED, ANSWERED, OF_ANSWERED, P_RIGHT };

static const ken_view_column tokens[] = {
    {.head = "tokens", .key = "tokens", .unit = KEN_UNIT_COUNT, .width = 12, .where = KEN_IN_DATA},
    {.head = "nll/token", .key = "nll", .unit = KEN_UNIT_REAL, .digits = 4, .width = 12, .where = KEN_IN_DATA},
    {.head = "perplexity", .key = "perplexity", .unit = KEN_UNIT_REAL, .digits = 3, .width = 12, .where = KEN_IN_DATA},
    {.head = "bytes", .key = "bytes", .unit = KEN_UNIT_COUNT, .width = 12, .where = KEN_IN_DATA},
    {.head = "bits/byte",
     .key = "bits_per_byte",
     .unit = KEN_UNIT_REAL,
     .digits = 4,
     .width = 12,
     .where = KEN_IN_DATA}};
enum { N_TOKENS = sizeof tokens / sizeof *tokens, BYTES = 3, MOST = N_MEASURE + KEN_MORE_MATCHERS + N_TOKENS };

/* What stands where depends on what was asked: of questions the answers, of multiple choice the letters, of texts their tokens. */
static size_t columns_for(const ken_measure *m, ken_view_column out[MOST])
{
    const bool choice = strcmp(m->set, "mmlu") == 0, text = m->n == 0;
    size_t n = N_MEASURE;
    memcpy(out, measure, sizeof measure);
    for (int i = 0; i < m->n_more; i++)
        out[n++] = (ken_view_column){.head = m->more[i].matcher,
                                     .key = "matchers",
                                     .sub = m->more[i].matcher,
                                     .unit = KEN_UNIT_PART,
                                     .digits = 1,
                                     .width = 14,
                                     .where = KEN_EVERYWHERE};
    memcpy(out + n, tokens, sizeof tokens);
    if (choice) {
        out[1].head = "rows";
        out[4].head = "share";
        for (int i = EM_RAW; i <= OF_ANSWERED; i++) out[i].where = KEN_IN_DATA;
        out[P_RIGHT].where = KEN_EVERYWHERE;
    }
    for (size_t i = 1; text && i < n; i++) out[i].where = KEN_IN_JSON;
    for (size_t i = n; text && i < n + N_TOKENS; i++)
        if (i != n + BYTES) out[i].where = KEN_EVERYWHERE;
    if (text) out[0].head = "text";
    return n + N_TOKENS;
}

void ken_view_measures(ken_views *v, const ken_measure *m, const char *title)
{
    ken_view_column c[MOST];
    ken_views_columns(v, c, columns_for(m, c), title);
}

static void put_tokens(ken_views *v, const ken_measure *m)
{
    const double nll = m->tokens > 0 ? m->loss / (double)m->tokens : NAN;
    if (m->tokens == 0) {
        for (int i = 0; i < N_TOKENS; i++) ken_put_nothing(v);
        return;
    }
    ken_put_count(v, m->tokens);
    ken_put_number(v, nll);
    ken_put_number(v, exp(nll));
    if (m->bytes > 0) ken_put_count(v, m->bytes);
    else ken_put_nothing(v);
    if (m->bytes > 0) ken_put_number(v, m->loss / (double)m->bytes / log(2.0));
    else ken_put_nothing(v);
}

static ken_style style_of(const char *grouping, const char *key)
{
    for (int c = 0; strcmp(grouping, "category") == 0 && c < KEN_N_CATEGORIES; c++)
        if (strcmp(key, ken_category_name(c)) == 0) return (ken_style)((int)KEN_STYLE_CATEGORY + c);
    return KEN_STYLE_PLAIN;
}

static void put_name(ken_views *v, const char *grouping, const char *key)
{
    const char *name = strcmp(grouping, "all") == 0 ? "all" : ken_view_group(grouping, key);
    ken_put_text(v, style_of(grouping, key), name);
}

void ken_view_measure(ken_views *v, const ken_measure *m, const ken_measure *like, const char *path, const char *key)
{
    ken_views_row(v, path, key)->total = strcmp(m->grouping, "all") == 0 && like->n > 0;
    if (strncmp(m->set, "text:", 5) == 0) ken_put_text(v, KEN_STYLE_PLAIN, m->set + 5);
    else put_name(v, m->grouping, m->key);
    if (m->n == 0) {
        for (int i = 1; i < N_MEASURE + like->n_more; i++) ken_put_nothing(v);
        put_tokens(v, m);
        return;
    }
    ken_put_count(v, m->n);
    ken_put_number(v, (double)m->hits / (double)m->n);
    ken_put_count(v, m->hits);
    ken_put_share(v, m->hits, m->n);
    ken_put_part(v, m->hits_raw, m->n);
    ken_put_part(v, m->abstained, m->n);
    ken_put_part(v, m->answered, m->n);
    ken_put_number(v, m->answered > 0 ? (double)m->hits / (double)m->answered : NAN);
    if (isnan(m->p)) ken_put_nothing(v);
    else ken_put_number(v, m->p / (double)m->n);
    for (int i = 0; i < like->n_more; i++) ken_put_part(v, i < m->n_more ? m->more[i].hits : 0, m->n);
    put_tokens(v, m);
}

/* ---- groups --------------------------------------------------------------------------------------------------------- */

/* Categories from known to unknown, "not annotated" behind them; other groups as they come. */
static int category_place(const char *key)
{
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (strcmp(key, ken_category_name(c)) == 0) return c;
    return KEN_N_CATEGORIES;
}

static void put_groups(ken_views *v, const ken_measure *m, size_t n, const ken_measure *all, const char *grouping)
{
    const bool categories = strcmp(grouping, "category") == 0, subject = strcmp(all->set, "mmlu") == 0;
    size_t there = 0;
    const char *path = ken_views_keep(v, "groups.%s", grouping);
    for (size_t i = 0; i < n; i++) there += strcmp(m[i].set, all->set) == 0 && strcmp(m[i].grouping, grouping) == 0;
    if (there == 0) return;
    const bool alone = there == 1 && strcmp(grouping, "split") == 0; /* one split says nothing */
    if (!alone) ken_views_between(v, "by %s", subject && strcmp(grouping, "relation") == 0 ? "subject" : grouping);
    for (int place = 0; place <= (categories ? KEN_N_CATEGORIES : 0); place++)
        for (size_t i = 0; i < n; i++) {
            if (strcmp(m[i].set, all->set) != 0 || strcmp(m[i].grouping, grouping) != 0) continue;
            if (categories && category_place(m[i].key) != place) continue;
            ken_view_measure(v, &m[i], all, path, m[i].key);
            if (alone) ken_views_last_row(v)->where = KEN_IN_DATA;
        }
}

/* What became of the answers, for programs; people are told where it matters (put_form). */
static void put_answers(ken_views *v, const ken_measure *m, size_t n, const ken_measure *all)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(m[i].set, all->set) != 0 || strcmp(m[i].grouping, "answer") != 0) continue;
        ken_view_measure(v, &m[i], all, "groups.answer", m[i].key);
        ken_views_last_row(v)->where = KEN_IN_JSON;
    }
}

const char *ken_view_group(const char *grouping, const char *key)
{
    static const char *const quarter[] = {"least popular quarter", "second quarter", "third quarter",
                                          "most popular quarter"};
    if (strcmp(grouping, "popularity") == 0 && key[0] >= '1' && key[0] <= '4' && key[1] == '\0')
        return quarter[key[0] - '1'];
    return key[0] != '\0' ? key : "(none)";
}

/* ---- the form of answers -------------------------------------------------------------------------------------------- */

ken_formless ken_view_formless(const ken_measure *m, size_t n, const char *set)
{
    const ken_measure *all = ken_measure_find(m, n, set, "all", ""),
                      *empty = ken_measure_find(m, n, set, "answer", "empty"),
                      *cut = ken_measure_find(m, n, set, "answer", "cut off");
    ken_formless f = {.empty = empty != NULL ? empty->n : 0, .cut = cut != NULL ? cut->n : 0};
    f.most = all != NULL && 2 * (f.empty + f.cut) > all->n;
    return f;
}

void ken_view_known_before(ken_views *v, const ken_measure *m, size_t n, const char *set)
{
    uint64_t known = 0, labelled = 0;
    for (int c = 0; c < KEN_UNLABELLED; c++) {
        const ken_measure *x = ken_measure_find(m, n, set, "category", ken_category_name(c));
        labelled += x != NULL ? x->n : 0;
        known += x != NULL && c <= KEN_MAYBE_KNOWN ? x->n : 0;
    }
    if (labelled > 0)
        ken_views_say(
            v, KEN_STYLE_PLAIN,
            " With examples in the prompt the annotated model was right with some or all prompts for %s of these "
            "(HighlyKnown and MaybeKnown of %s).",
            ken_views_share_text(v, (double)known / (double)labelled), ken_views_count_text(v, labelled));
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

typedef const char *(*setting_fn)(const void *of, const char *key);

void ken_view_subject(ken_views *v, const char *model, const char *adapter, const char *data)
{
    char name[256], of_hub[256];
    if (adapter != NULL && ken_hub_name(of_hub, sizeof of_hub, adapter)) adapter = of_hub;
    ken_model_label(name, sizeof name, model != NULL ? model : "a model");
    ken_views_say(v, KEN_STYLE_STRONG, "%s", name);
    for (const char *s = adapter, *end; s != NULL; s = *end != '\0' ? end + 1 : NULL) { /* several, one a line */
        end = s + strcspn(s, "\n");
        ken_views_say(v, KEN_STYLE_STRONG, "%s%.*s", s == adapter ? " with " : " and ", (int)(end - s), s);
    }
    if (data != NULL) ken_views_say(v, KEN_STYLE_PLAIN, " on %s", data);
}

static void put_title(ken_views *v, const ken_measure *all, setting_fn setting, const void *of)
{
    const char *data = all != NULL ? setting(of, "data") : NULL, *prompt = setting(of, "prompt"),
               *matcher = setting(of, "matcher"), *chat = setting(of, "chat_template");
    ken_views_text(v);
    ken_view_subject(v, setting(of, "model_path"), setting(of, "adapter_path"), data);
    if (data == NULL) return;
    ken_views_say(v, KEN_STYLE_PLAIN, ", %s%s%s%s", prompt != NULL ? prompt : "",
                  chat != NULL && strcmp(chat, "none") != 0 ? " in the chat format" : "",
                  matcher != NULL ? ", greedy, matcher " : "", matcher != NULL ? matcher : "");
    ken_views_text(v);
    ken_views_last(v)->where = KEN_ON_PAGE;
    ken_views_say(v, KEN_STYLE_PLAIN, "Small figures are 95%% intervals of shares (Wilson).");
}

static void put_commonest(ken_views *v, const ken_measure *all, setting_fn setting, const void *of)
{
    static const ken_view_column columns[] = {{.key = "answer", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "count", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON},
                                              {.key = "share", .unit = KEN_UNIT_SHARE, .where = KEN_IN_JSON}};
    const char *answer = setting(of, "commonest_answer"), *count = setting(of, "commonest_count");
    if (answer == NULL || count == NULL) return;
    const uint64_t k = strtoull(count, NULL, 10);
    const double share = all->n > 0 ? (double)k / (double)all->n : NAN;
    ken_views_values(v, columns, 3, "commonest");
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_put_text(v, KEN_STYLE_PLAIN, answer);
    ken_put_count(v, k);
    ken_put_number(v, share);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_QUIET, "The commonest answer is %s%s%s: %llu of %llu (%.1f%%).",
                  answer[0] != '\0' ? "\"" : "", answer[0] != '\0' ? answer : "nothing", answer[0] != '\0' ? "\"" : "",
                  (unsigned long long)k, (unsigned long long)all->n, 100 * share);
}

/* Most answers have not the form of one: what is the matter, and what helps. */
static void put_form(ken_views *v, const ken_measure *m, size_t n, const ken_measure *all, setting_fn setting,
                     const void *of)
{
    const char *prompt = setting(of, "prompt"), *limit = setting(of, "max_new"), *chat = setting(of, "chat_template");
    const ken_formless f = ken_view_formless(m, n, all->set);
    const bool few = prompt != NULL && strcmp(prompt, "few-shot") == 0;
    if (!f.most) return;
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_WORSE, "Most answers are %s",
                  f.cut == 0     ? "empty"
                  : f.empty == 0 ? "cut off"
                                 : "empty or cut off");
    ken_views_say(v, KEN_STYLE_PLAIN, ": of %s", ken_views_count_text(v, all->n));
    if (f.empty > 0) ken_views_say(v, KEN_STYLE_PLAIN, ", %s empty", ken_views_count_text(v, f.empty));
    if (f.cut > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, ", %s cut off at the limit of %s tokens", ken_views_count_text(v, f.cut),
                      limit != NULL ? limit : "their");
    ken_views_say(v, KEN_STYLE_PLAIN,
                  ". This share says how well the form of an answer is met, not what the model knows.");
    if (!few)
        ken_views_say(v, KEN_STYLE_PLAIN, " --prompt few-shot shows the form in examples and asks what it knows%s.",
                      chat == NULL || strcmp(chat, "none") == 0 ? "; for an instruct model, --chat-template" : "");
    if (f.cut > 0)
        ken_views_say(v, KEN_STYLE_PLAIN,
                      " --stop STRING ends an answer where it should, --max-new N lets it be longer.");
    if (few && f.empty > 0)
        ken_views_say(v, KEN_STYLE_PLAIN, " Look at --template and --stop: what ends an answer is what comes first.");
    ken_view_known_before(v, m, n, all->set);
}

static void put_changes(ken_views *v, const ken_change *c, size_t n)
{
    static const ken_view_column columns[] = {
        {.head = "", .key = "name", .unit = KEN_UNIT_TEXT, .width = NAME, .where = SHOWN_AS_TEXT},
        {.head = "facts", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "before", .key = "before", .unit = KEN_UNIT_PART, .digits = 1, .width = 9, .where = KEN_EVERYWHERE},
        {.head = "after", .key = "after", .unit = KEN_UNIT_PART, .digits = 1, .width = 9, .where = KEN_EVERYWHERE},
        {.head = "change", .unit = KEN_UNIT_CHANGE, .digits = 1, .width = 9, .where = KEN_SHOWN},
        {.head = "lost", .key = "lost", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "gained", .key = "gained", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
        {.head = "p", .key = "p", .unit = KEN_UNIT_P, .width = 10, .where = KEN_EVERYWHERE},
        {.key = "formless_before", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON},
        {.key = "gained_form", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON}};
    ken_views_table(v, columns, sizeof columns / sizeof *columns, "against the earlier evaluation");
    for (size_t i = 0; i < n; i++) {
        const bool all = strcmp(c[i].grouping, "all") == 0;
        ken_views_row(v, ken_views_keep(v, "changes.%s", c[i].grouping), all ? NULL : c[i].key)->total = all;
        put_name(v, c[i].grouping, c[i].key);
        ken_put_count(v, c[i].n);
        ken_put_part(v, c[i].before, c[i].n);
        ken_put_part(v, c[i].after, c[i].n);
        ken_put_number(v, c[i].n > 0 ? ((double)c[i].after - (double)c[i].before) / (double)c[i].n : NAN);
        ken_put_count(v, c[i].lost);
        ken_put_count(v, c[i].gained);
        ken_put_number(v, c[i].p);
        ken_put_count(v, c[i].formless_before);
        ken_put_count(v, c[i].gained_form);
    }
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(v, KEN_STYLE_PLAIN, "p: exact McNemar test, two-sided");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(c[i].grouping, "all") != 0 || c[i].gained_form == 0 || 2 * c[i].gained_form < c[i].gained) continue;
        ken_views_text(v);
        ken_views_say(v, KEN_STYLE_STRONG, "Of %s gained, %s had an empty or cut-off answer before",
                      ken_views_count_text(v, c[i].gained), ken_views_count_text(v, c[i].gained_form));
        ken_views_say(v, KEN_STYLE_PLAIN,
                      ": there the form of an answer was learned, and the model may have known the fact. Knowledge is "
                      "compared with examples in the prompt: ken eval --prompt few-shot of both models.");
    }
}

static void put_settings(ken_views *v, setting_fn setting, const void *of)
{
    static const ken_view_column columns[] = {{.key = "model", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "adapter_path", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "data", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "prompt", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "template", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "chat_template", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "matcher", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON},
                                              {.key = "token_forwards", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON},
                                              {.key = "seconds", .unit = KEN_UNIT_REAL, .where = KEN_IN_JSON}};
    ken_views_values(v, columns, sizeof columns / sizeof *columns, "");
    ken_views_last(v)->where = KEN_IN_JSON;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const char *s = setting(of, columns[i].key);
        if (s == NULL) ken_put_nothing(v);
        else if (columns[i].unit == KEN_UNIT_TEXT) ken_put_text(v, KEN_STYLE_PLAIN, s);
        else if (columns[i].unit == KEN_UNIT_COUNT) ken_put_count(v, strtoull(s, NULL, 10));
        else ken_put_number(v, strtod(s, NULL));
    }
}

void ken_view_evaluation(ken_views *v, const ken_measure *m, size_t n, const ken_change *c, size_t n_changes,
                         setting_fn setting, const void *of)
{
    static const char *const groupings[] = {"category", "relation", "split", "popularity", "certainty"};
    const ken_measure *all = ken_measure_find(m, n, "eval", "all", "");
    if (all == NULL) all = ken_measure_find(m, n, "mmlu", "all", "");
    put_title(v, all, setting, of);
    if (all != NULL) {
        ken_view_measures(v, all, NULL);
        ken_view_measure(v, all, all, "", NULL);
        for (size_t g = 0; g < sizeof groupings / sizeof *groupings; g++) put_groups(v, m, n, all, groupings[g]);
        put_answers(v, m, n, all);
        if (all->answered + all->abstained < all->n) {
            ken_views_text(v);
            ken_views_say(v, KEN_STYLE_PLAIN, "Prompts that did not fit the model's context, counted as wrong: %llu.",
                          (unsigned long long)(all->n - all->answered - all->abstained));
        }
        if (strcmp(all->set, "mmlu") != 0) put_commonest(v, all, setting, of);
        put_form(v, m, n, all, setting, of);
    }
    bool texts = false;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(m[i].set, "text:", 5) != 0) continue;
        if (!texts) ken_view_measures(v, &m[i], NULL);
        texts = true;
        ken_view_measure(v, &m[i], &m[i], "texts", m[i].set + 5);
    }
    if (n_changes > 0) put_changes(v, c, n_changes);
    put_settings(v, setting, of);
}
