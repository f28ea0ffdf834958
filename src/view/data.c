/* data.c - what a data set says: its rows by relation and split, and what is odd about them. */
#include "base/alloc.h"
#include "view/views.h"
#include <string.h>

/* ---- counting ------------------------------------------------------------------------------------------------------- */

enum { OTHER = 3, N_SPLITS };
static const char *const split_names[] = {"train", "dev", "test", "other"};

typedef struct relation_count {
    const char *relation; /* borrowed from the data */
    uint64_t split[N_SPLITS], total, several, echo;
    const char *majority_answer; /* of its largest group; NULL when no answer stands twice */
    uint64_t majority, majority_of;
} relation_count;

static int split_of(const char *split)
{
    for (int s = 0; s < OTHER; s++)
        if (strcmp(split, split_names[s]) == 0) return s;
    return OTHER;
}

static void add_group(relation_count *c, const ken_data_group *g)
{
    c->split[split_of(g->split)] += g->rows;
    c->total += g->rows;
    c->several += g->multi_answer;
    c->echo += g->echo;
    if (g->majority > 1 && g->rows > c->majority_of) {
        c->majority_answer = g->majority_answer;
        c->majority = g->majority;
        c->majority_of = g->rows;
    }
}

/* The relations (*n), which the caller frees. Groups stand in data order, so that those of a relation follow one another. */
static relation_count *count(const ken_data *d, size_t *n, relation_count *all)
{
    const size_t groups = ken_data_n_groups(d);
    relation_count *r = ken_calloc(groups > 0 ? groups : 1, sizeof *r);
    *n = 0;
    for (size_t i = 0; i < groups && r != NULL; i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        if (*n == 0 || strcmp(r[*n - 1].relation, g->relation) != 0)
            r[(*n)++] = (relation_count){.relation = g->relation};
        add_group(&r[*n - 1], g);
        add_group(all, g);
    }
    return r;
}

/* ---- by relation ---------------------------------------------------------------------------------------------------- */

#define SPLIT(name)                                                                                                    \
    {                                                                                                                  \
        .head = (name), .key = (name), .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE                     \
    }

static const ken_view_column columns[] = {
    {.head = "relation", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    SPLIT("train"),
    SPLIT("dev"),
    SPLIT("test"),
    SPLIT("other"),
    {.head = "total", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "several", .key = "multi_answer", .unit = KEN_UNIT_COUNT, .width = 9, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "echo", .key = "echo", .unit = KEN_UNIT_COUNT, .width = 7, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "majority", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 10, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "(always answering)",
     .key = "majority_answer",
     .unit = KEN_UNIT_TEXT,
     .where = KEN_SHOWN | KEN_IN_CSV | KEN_IF_ROOM}};
enum { N_COLUMNS = sizeof columns / sizeof *columns, SPLITS = 1, MAJORITY = 8 };

static void put_count(ken_views *v, uint64_t n)
{
    ken_put_count(v, n)->style = n > 0 ? KEN_STYLE_PLAIN : KEN_STYLE_QUIET;
}

/* Splits of which there are no rows are left out. */
static void put_relation(ken_views *v, const relation_count *c, const char *name)
{
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    for (int k = 0; k < N_SPLITS; k++) {
        if (c->split[k] > 0) ken_put_count(v, c->split[k]);
        else ken_put_nothing(v);
    }
    put_count(v, c->total);
    put_count(v, c->several);
    put_count(v, c->echo);
    if (c->majority_answer == NULL || c->majority_of == 0) return;
    ken_put_number(v, (double)c->majority / (double)c->majority_of);
    ken_put_text(v, KEN_STYLE_PLAIN, c->majority_answer);
}

static void put_relations(ken_views *v, const relation_count *r, size_t n, const relation_count *all, bool slick)
{
    ken_view_column mine[N_COLUMNS];
    relation_count total = *all;
    bool majority = false;
    memcpy(mine, columns, sizeof mine);
    for (size_t i = 0; i < n; i++) majority |= r[i].majority_answer != NULL;
    for (int k = 0; k < N_SPLITS; k++)
        if (all->split[k] == 0) mine[SPLITS + k].where = KEN_IN_CSV; /* which has the same columns for any data */
    for (int k = MAJORITY; k < N_COLUMNS && !majority; k++) mine[k].where = KEN_IN_CSV;
    ken_views_columns(v, mine, N_COLUMNS, NULL);
    for (size_t i = 0; i < n; i++) {
        const char *name = r[i].relation;
        ken_views_row(v, "relations", name);
        put_relation(v, &r[i], name[0] != '\0' ? name : "(none)");
    }
    total.majority_answer = NULL; /* means something within a relation only */
    ken_views_row(v, slick ? NULL : "", NULL)->total = true;
    put_relation(v, &total, "total");
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void put_counts(ken_views *v, const ken_data *d, uint64_t examples)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    ken_value_text(v, "", "format", ken_data_format(d));
    ken_value_count(v, "", "examples", examples);
    ken_value_count(v, "", "rows", s->rows);
    ken_value_count(v, "", "bad", s->bad);
    ken_value_count(v, "", "cleaned", s->cleaned);
    ken_value_count(v, "", "multi_answer", s->multi_answer);
    ken_value_count(v, "", "duplicates", s->duplicates);
    ken_value_count(v, "", "ambiguous", s->ambiguous);
    ken_value_count(v, "", "echo", s->echo);
}

static void put_sentences(ken_views *v, const ken_data *d, size_t relations)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_PLAIN, "%s rows in %s format, %zu relations", ken_views_count_text(v, s->rows),
                  ken_data_format(d), relations);
    if (s->bad > 0) ken_views_say(v, KEN_STYLE_PLAIN, "; %s bad rows dropped", ken_views_count_text(v, s->bad));
    ken_views_say(v, KEN_STYLE_PLAIN, ".");
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(
        v, KEN_STYLE_PLAIN,
        "%s with several answers, %s duplicates, %s ambiguous (the same question with other answers), %s that "
        "name an answer in the question.",
        ken_views_count_text(v, s->multi_answer), ken_views_count_text(v, s->duplicates),
        ken_views_count_text(v, s->ambiguous), ken_views_count_text(v, s->echo));
}

/* What the protocol keeps. */
static void put_slick(ken_views *v, const ken_data_stats *s)
{
    ken_value_count(v, "", "train", s->slick_train);
    ken_value_count(v, "", "dev", s->slick_dev);
    ken_value_count(v, "", "id_test", s->slick_id_test);
    ken_value_count(v, "", "ood_test", s->slick_ood_test);
    ken_views_text(v);
    ken_views_last(v)->close = true;
    ken_views_say(v, KEN_STYLE_PLAIN, "SliCK protocol: ");
    ken_views_say(v, KEN_STYLE_STRONG, "%s train, %s test (in distribution), %s test (out of distribution)",
                  ken_views_count_text(v, s->slick_train), ken_views_count_text(v, s->slick_id_test),
                  ken_views_count_text(v, s->slick_ood_test));
    ken_views_say(v, KEN_STYLE_PLAIN, "; %s dev rows for exemplars.", ken_views_count_text(v, s->slick_dev));
}

int ken_views_of_data(ken_views **out, const ken_data *d, ken_err *err)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    const bool slick = s->slick_train + s->slick_dev + s->slick_id_test + s->slick_ood_test > 0;
    relation_count all = {.relation = ""};
    size_t n;
    relation_count *r = count(d, &n, &all);
    ken_views *v = ken_views_new();
    if (r == NULL) ken_views_fail(v);
    put_counts(v, d, all.total);
    if (r != NULL) put_relations(v, r, n, &all, slick);
    put_sentences(v, d, n);
    if (slick) put_slick(v, s);
    ken_free(r);
    return ken_views_finish(out, v, err);
}
