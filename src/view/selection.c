/* selection.c - what a selection took: for each relation how many rows of each category, out of how many. */
#include "tune/selection.h"
#include "view/views.h"
#include <math.h>
#include <string.h>

static size_t rows_of(const ken_selection_group *g)
{
    size_t n = 0;
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) n += g->take[c];
    return n;
}

/* Rows without one of the four categories. */
static size_t others(const size_t n[KEN_N_CATEGORIES + 1]) { return n[KEN_UNLABELLED] + n[KEN_N_CATEGORIES]; }

static ken_selection_group sum(const ken_selection *s)
{
    ken_selection_group all = {.relation = "all"};
    for (size_t i = 0; i < s->n_groups; i++) {
        for (int k = 0; k <= KEN_N_CATEGORIES; k++) {
            all.have[k] += s->groups[i].have[k];
            all.take[k] += s->groups[i].take[k];
        }
        all.tail += s->groups[i].tail;
        all.relabelled += s->groups[i].relabelled;
    }
    return all;
}

/* ---- by relation ------------------------------------------------------------------------------------------------------ */

enum { MOST = 24, OF = KEN_ON_TERMINAL | KEN_IF_VERBOSE };

static const char *name_of(int category)
{
    return category < KEN_N_CATEGORIES ? ken_category_name(category) : "not_annotated";
}

/* Columns beside the four categories stand where something is in them. */
static size_t find_columns(const ken_selection_group *all, ken_view_column c[MOST])
{
    size_t n = 0, have = others(all->have);
    for (int k = 0; k < KEN_UNLABELLED; k++) have += all->have[k];
    const unsigned annotated = others(all->have) < have ? KEN_SHOWN : 0, other = others(all->take) > 0 ? annotated : 0;
    c[n++] = (ken_view_column){
        .head = "relation", .key = "relation", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV};
    c[n++] =
        (ken_view_column){.head = "rows", .key = "rows", .unit = KEN_UNIT_COUNT, .width = 6, .where = KEN_EVERYWHERE};
    c[n++] = (ken_view_column){
        .head = "share", .unit = KEN_UNIT_SHARE, .digits = 1, .width = 8, .where = KEN_SHOWN | KEN_IF_ROOM};
    for (int k = 0; k <= KEN_N_CATEGORIES; k++) {
        const bool four = k < KEN_UNLABELLED, there = four || all->have[k] > 0;
        const unsigned data = there ? KEN_IN_DATA : 0;
        c[n++] = (ken_view_column){.head = name_of(k),
                                   .key = "take",
                                   .sub = name_of(k),
                                   .unit = KEN_UNIT_COUNT,
                                   .width = (int)strlen(name_of(k)) + 1,
                                   .where = (four ? annotated : 0) | data,
                                   .style = (ken_style)((int)KEN_STYLE_CATEGORY + (four ? k : 0))};
        c[n++] = (ken_view_column){.head = "of",
                                   .key = "have",
                                   .sub = name_of(k),
                                   .unit = KEN_UNIT_COUNT,
                                   .width = 7,
                                   .where = (four && annotated ? OF : 0) | data};
    }
    c[n++] = (ken_view_column){.head = "other", .unit = KEN_UNIT_COUNT, .width = 6, .where = other};
    c[n++] = (ken_view_column){.head = "of", .unit = KEN_UNIT_COUNT, .width = 7, .where = other ? OF : 0};
    c[n++] = (ken_view_column){.head = "% Unknown",
                               .key = "unknown_share",
                               .unit = KEN_UNIT_SHARE,
                               .digits = 1,
                               .width = 10,
                               .where = annotated | KEN_IN_DATA};
    c[n++] = (ken_view_column){.head = "idk",
                               .key = "relabelled",
                               .unit = KEN_UNIT_COUNT,
                               .width = 5,
                               .where = (all->relabelled > 0 ? KEN_SHOWN : 0) | KEN_IN_DATA};
    c[n++] = (ken_view_column){.head = "tail",
                               .key = "tail",
                               .unit = KEN_UNIT_COUNT,
                               .width = 6,
                               .where = (all->tail > 0 ? KEN_SHOWN : 0) | KEN_IN_DATA};
    return n;
}

static void put_count(ken_views *v, size_t n)
{
    ken_put_count(v, n)->style = n > 0 ? KEN_STYLE_PLAIN : KEN_STYLE_QUIET;
}

static void put_group(ken_views *v, const ken_selection_group *g, size_t total, const char *name)
{
    const size_t n = rows_of(g);
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, n);
    ken_put_number(v, total > 0 ? (double)n / (double)total : 0);
    for (int k = 0; k <= KEN_N_CATEGORIES; k++) {
        if (k < KEN_UNLABELLED || g->take[k] > 0) put_count(v, g->take[k]);
        else ken_put_nothing(v);
        if (k < KEN_UNLABELLED || g->have[k] > 0) put_count(v, g->have[k]);
        else ken_put_nothing(v);
    }
    put_count(v, others(g->take));
    put_count(v, others(g->have));
    ken_put_number(v, n > 0 ? (double)g->take[KEN_UNKNOWN] / (double)n : NAN);
    put_count(v, g->relabelled);
    put_count(v, g->tail);
}

static void put_groups(ken_views *v, const ken_selection *s)
{
    const ken_selection_group all = sum(s);
    ken_view_column columns[MOST];
    ken_views_values(v, NULL, 0, "relations"); /* when there is none, an object without any */
    ken_views_columns(v, columns, find_columns(&all, columns), NULL);
    for (size_t i = 0; i < s->n_groups; i++) {
        const char *name = s->groups[i].relation;
        ken_views_row(v, "relations", name);
        put_group(v, &s->groups[i], rows_of(&all), name[0] != '\0' ? name : "(none)");
    }
    if (s->n_groups < 2) return;
    ken_views_row(v, NULL, NULL)->total = true;
    put_group(v, &all, rows_of(&all), "all");
}

/* ---- in all ----------------------------------------------------------------------------------------------------------- */

static void put_counts(ken_views *v, const ken_train_data_stats *t)
{
    ken_value_count(v, "", "rows", t->rows);
    for (int k = 0; k <= KEN_N_CATEGORIES; k++)
        if (k < KEN_UNLABELLED || t->category[k] > 0) ken_value_count(v, "categories", name_of(k), t->category[k]);
    ken_value_count(v, "", "tail", t->tail);
    ken_value_count(v, "", "tail_repeated", t->tail_repeated);
    ken_value_count(v, "", "relabelled", t->relabelled);
    ken_value_count(v, "", "bad", t->bad);
    ken_value_count(v, "", "cleaned", t->cleaned);
    ken_value_count(v, "", "unmatched", t->unmatched);
    ken_value_count(v, "", "newline", t->newline);
    ken_value_count(v, "", "duplicates", t->duplicates);
    ken_value_count(v, "", "conflicts", t->conflicts);
    ken_value_count(v, "", "relations_left_out", t->relations_left_out);
    ken_value_count(v, "", "spread", t->spread);
    ken_value_count(v, "", "unranked", t->unranked);
    ken_value_count(v, "", "middle", t->middle);
    ken_value_count(v, "", "matched", t->matched);
    ken_value_count(v, "", "partnerless", t->partnerless);
    ken_value_text(v, "", "ranked_by", t->ranked_by);
    ken_value_text(v, "", "matched_by", t->matched_by);
}

int ken_views_of_selection(ken_views **out, const ken_selection *s, const char *output, const char *format,
                           ken_err *err)
{
    ken_views *v = ken_views_new();
    ken_value_text(v, "", "data", s->from.path);
    ken_value_text(v, "", "output", output);
    ken_value_text(v, "", "format", format);
    ken_value_count(v, "", "seed", s->from.seed);
    put_counts(v, &s->stats);
    put_groups(v, s);
    return ken_views_finish(out, v, err);
}
