/* categories.c - counts by category: as objects of JSON, and as the table of what moved from which category to which. */
#include "view/views.h"

void ken_view_by_category(ken_views *v, const char *path, const uint64_t *count, int n)
{
    for (int k = 0; k < n; k++) ken_value_count(v, path, ken_category_name(k), count[k]);
}

static void put_columns(ken_views *v, int n, int shown, const char *head, bool against)
{
    ken_view_column c[KEN_N_CATEGORIES + 3] = {
        {.head = head, .key = "from", .unit = KEN_UNIT_TEXT, .width = 12, .where = KEN_SHOWN | KEN_IN_CSV}};
    for (int k = 0; k < n; k++)
        c[k + 1] = (ken_view_column){.head = ken_category_name(k),
                                     .key = ken_category_name(k),
                                     .unit = KEN_UNIT_COUNT,
                                     .width = 12,
                                     .where = k < shown ? KEN_EVERYWHERE : KEN_IN_DATA,
                                     .style = (ken_style)((int)KEN_STYLE_CATEGORY + k)};
    c[n + 1] = (ken_view_column){
        .head = "all", .key = "all", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV};
    c[n + 2] = (ken_view_column){.head = "against", .key = "against", .unit = KEN_UNIT_TEXT, .where = KEN_IN_CSV};
    ken_views_columns(v, c, (size_t)n + (against ? 3 : 2), NULL);
}

void ken_view_moved(ken_views *v, const uint64_t *moved, int n, int shown, const char *head, const char *path,
                    const char *against)
{
    put_columns(v, n, shown, head, against != NULL);
    for (int i = 0; i < n; i++) {
        uint64_t all = 0;
        ken_view_row *row = ken_views_row(v, path, ken_category_name(i));
        if (i >= shown) row->where = KEN_IN_DATA;
        ken_put_text(v, (ken_style)((int)KEN_STYLE_CATEGORY + i), ken_category_name(i));
        for (int k = 0; k < n; k++) {
            const uint64_t m = moved[i * n + k];
            ken_put_count(v, m)->style = m == 0 ? KEN_STYLE_QUIET : i == k ? KEN_STYLE_STRONG : KEN_STYLE_PLAIN;
            all += m;
        }
        ken_put_count(v, all);
        if (against != NULL) ken_put_text(v, KEN_STYLE_PLAIN, against);
    }
}
