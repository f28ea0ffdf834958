/* categories.c - counts by category: as objects of JSON, and as the table of what moved from which category to which. */
#include "view/views.h"

void ken_view_by_category(ken_views *v, const char *path, const uint64_t *count, int n)
{
    for (int k = 0; k < n; k++) ken_value_count(v, path, ken_category_name(k), count[k]);
}

static ken_style colour(const ken_view_matrix *m, int kind)
{
    return (ken_style)((int)KEN_STYLE_CATEGORY + (m->colour != NULL ? m->colour[kind] : kind));
}

static void put_columns(ken_views *v, const ken_view_matrix *m)
{
    ken_view_column c[KEN_N_CATEGORIES + 3] = {
        {.head = m->head, .key = "from", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN | KEN_IN_CSV}};
    for (int k = 0; k < m->n; k++)
        c[k + 1] = (ken_view_column){.head = m->name(k),
                                     .key = m->name(k),
                                     .unit = KEN_UNIT_COUNT,
                                     .width = 12,
                                     .where = k < m->shown ? KEN_EVERYWHERE : KEN_IN_DATA,
                                     .style = colour(m, k)};
    c[m->n + 1] = (ken_view_column){
        .head = "all", .key = "all", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV};
    c[m->n + 2] = (ken_view_column){.head = "against", .key = "against", .unit = KEN_UNIT_TEXT, .where = KEN_IN_CSV};
    ken_views_columns(v, c, (size_t)m->n + (m->against != NULL ? 3 : 2), NULL);
    ken_views_last(v)->square = true;
}

static ken_style moved_style(const ken_view_matrix *m, uint64_t n, int from, int to)
{
    const ken_style neither = (ken_style)((int)KEN_STYLE_CATEGORY + (int)KEN_UNLABELLED);
    if (n == 0) return KEN_STYLE_QUIET;
    if (from == to) return KEN_STYLE_STRONG;
    if (!m->judged || colour(m, from) == neither || colour(m, to) == neither) return KEN_STYLE_PLAIN;
    return to > from ? KEN_STYLE_WORSE : KEN_STYLE_BETTER;
}

static void put_sums(ken_views *v, const ken_view_matrix *m)
{
    uint64_t all = 0;
    ken_view_row *row = ken_views_row(v, NULL, NULL);
    row->where = KEN_SHOWN;
    row->total = true;
    ken_put_text(v, KEN_STYLE_QUIET, "all");
    for (int to = 0; to < m->n; to++) {
        uint64_t sum = 0;
        for (int from = 0; from < m->n; from++) sum += m->moved[from * m->n + to];
        ken_put_count(v, sum)->style = KEN_STYLE_QUIET;
        all += sum;
    }
    ken_put_count(v, all)->style = KEN_STYLE_QUIET;
}

void ken_view_moved(ken_views *v, const ken_view_matrix *m)
{
    put_columns(v, m);
    for (int from = 0; from < m->n; from++) {
        uint64_t sum = 0;
        ken_view_row *row = ken_views_row(v, m->path, m->name(from));
        if (from >= m->shown) row->where = KEN_IN_DATA;
        ken_put_text(v, colour(m, from), m->name(from));
        for (int to = 0; to < m->n; to++) {
            const uint64_t n = m->moved[from * m->n + to];
            ken_put_count(v, n)->style = moved_style(m, n, from, to);
            sum += n;
        }
        ken_put_count(v, sum)->style = m->judged ? KEN_STYLE_QUIET : KEN_STYLE_PLAIN;
        if (m->against != NULL) ken_put_text(v, KEN_STYLE_PLAIN, m->against);
    }
    if (m->judged) put_sums(v, m);
}
