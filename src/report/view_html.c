/* view_html.c - see view_html.h. Numbers are those of a terminal (ken_view_cell_text); bars are left to the figures, but for the categories' own. */
#include "report/view_html.h"
#include "report/bars.h"
#include "report/html.h"
#include "report/summary.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_there(const ken_view_column *c) { return (c->where & KEN_ON_PAGE) != 0 && c->unit != KEN_UNIT_BAR; }
static bool is_text(const ken_view_column *c) { return c->unit == KEN_UNIT_TEXT; }

static void put_span(ken_out *o, const ken_span *s)
{
    static const char *const before[] = {"", "<b>", "<span class=\"quiet\">"}, *const after[] = {"", "</b>", "</span>"};
    const bool category = s->style >= KEN_STYLE_CATEGORY;
    if (category) ken_out_printf(o, "<span class=\"tag c%d\">", (int)s->style - (int)KEN_STYLE_CATEGORY);
    else ken_out_puts(o, before[s->style]);
    ken_html_text(o, s->text, 2000);
    ken_out_puts(o, category ? "</span>" : after[s->style]);
}

static void put_spans(ken_out *o, const ken_view *t, const char *open, const char *close)
{
    ken_out_puts(o, open);
    for (size_t i = 0; i < t->n_spans; i++) put_span(o, &t->span[i]);
    ken_out_puts(o, close);
}

/* A colour beside a name. */
static void put_mark(ken_out *o, ken_style style)
{
    if (style >= KEN_STYLE_CATEGORY) ken_out_printf(o, "<i class=\"c%d\"></i>", (int)style - (int)KEN_STYLE_CATEGORY);
}

/* What a number says besides itself; a category has a mark instead. */
static const char *class_of(ken_style style)
{
    switch ((int)style) {
    case KEN_STYLE_STRONG: return " same";
    case KEN_STYLE_QUIET: return " quiet";
    case KEN_STYLE_BETTER: return " gained";
    case KEN_STYLE_WORSE: return " lost";
    default: return "";
    }
}

static void put_interval(ken_out *o, const ken_view_column *c, const ken_view_cell *x)
{
    if (!x->there || isnan(x->value) || isnan(x->lo) || isnan(x->hi)) return;
    const double unit = c->unit == KEN_UNIT_REAL ? 1 : 100;
    char lo[32], hi[32];
    if (c->unit == KEN_UNIT_CHANGE) /* with signs, which a dash would hide */
        ken_out_printf(o, " <small class=\"ci\">%s to %s</small>", ken_html_points(lo, x->lo),
                       ken_html_points(hi, x->hi));
    else
        ken_out_printf(o, " <small class=\"ci\">%.*f\xE2\x80\x93%.*f</small>", c->digits, unit * x->lo, c->digits,
                       unit * x->hi);
}

/* In a matrix, whose columns are narrow, a name may be broken where its parts meet: HighlyKnown. */
static void put_name(ken_out *o, const ken_view *t, const char *name)
{
    char part[400];
    size_t n = 0;
    for (const char *s = name; *s != '\0' && n + 1 < sizeof part; s++) {
        if (t->square && n > 0 && *s >= 'A' && *s <= 'Z' && s[-1] >= 'a' && s[-1] <= 'z') {
            part[n] = '\0';
            ken_html_text(o, part, 0);
            ken_out_puts(o, "&shy;");
            n = 0;
        }
        part[n++] = *s;
    }
    part[n] = '\0';
    ken_html_text(o, part, 80);
}

static void put_cell(ken_out *o, const ken_view *t, const ken_view_column *c, const ken_view_cell *x, bool head)
{
    char buf[64];
    if (c->unit == KEN_UNIT_PARTS) {
        ken_tally tally = {0};
        for (int i = 0; x->there && i < x->n_parts && i < KEN_N_CATEGORIES; i++)
            tally.n += tally.category[i] = x->part[i];
        ken_bar_put(o, &tally, "", 0.125);
        return;
    }
    if (is_text(c)) put_mark(o, x->style);
    if (c->unit == KEN_UNIT_CHANGE && x->there) ken_out_puts(o, ken_html_points(buf, x->value));
    else if (head) put_name(o, t, ken_view_cell_text(c, x, buf));
    else ken_html_text(o, ken_view_cell_text(c, x, buf), 400);
    put_interval(o, c, x);
}

/* Text without a head of its own stands under the head of its row. */
static bool is_under(const ken_view *t, size_t i)
{
    return i == 1 && is_there(&t->column[0]) && is_text(&t->column[i]) && t->column[i].head[0] == '\0';
}

static void put_heads(ken_out *o, const ken_view *t)
{
    ken_out_puts(o, "<thead><tr>");
    for (size_t i = 0; i < t->n_columns; i++) {
        const ken_view_column *c = &t->column[i];
        if (!is_there(c) || is_under(t, i)) continue;
        ken_out_printf(o, "<th%s scope=\"col\">", is_text(c) || c->unit == KEN_UNIT_PARTS ? "" : " class=\"n\"");
        put_mark(o, c->style);
        put_name(o, t, c->head);
        ken_out_puts(o, "</th>");
    }
    ken_out_puts(o, "</tr></thead>");
}

static void put_row(ken_out *o, const ken_view *t, const ken_view_row *row)
{
    bool first = true;
    const bool last = row == &t->row[t->n_rows - 1] && t->n_rows > 1;
    ken_out_puts(o, row->total ? last ? "<tr class=\"total\">" : "<tr class=\"all\">" : "<tr>");
    for (size_t i = 0; i < t->n_columns; i++) {
        const ken_view_column *c = &t->column[i];
        if (!is_there(c) || is_under(t, i)) continue;
        if (first) ken_out_puts(o, "<th scope=\"row\">");
        else if (is_text(c) || c->unit == KEN_UNIT_PARTS) ken_out_puts(o, is_text(c) ? "<td" : "<td class=\"wide\"");
        else ken_out_printf(o, "<td class=\"n%s\"", class_of(row->cell[i].style));
        if (!first && !t->square) {
            ken_out_puts(o, " data-label=\"");
            ken_html_text(o, c->head, 80);
            ken_out_puts(o, "\"");
        }
        if (!first) ken_out_puts(o, ">");
        put_cell(o, t, c, &row->cell[i], first);
        if (first && i + 1 < t->n_columns && is_under(t, i + 1) && row->cell[i + 1].there) {
            ken_out_puts(o, " <small>");
            put_cell(o, t, &t->column[i + 1], &row->cell[i + 1], false);
            ken_out_puts(o, "</small>");
        }
        ken_out_puts(o, first ? "</th>" : "</td>");
        first = false;
    }
    ken_out_puts(o, "</tr>\n");
}

static void put_table(ken_out *o, const ken_view *t, int h)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_columns; i++) n += is_there(&t->column[i]) && !is_under(t, i);
    if (n == 0) return;
    if (t->title != NULL) {
        ken_out_printf(o, "<h%d class=\"table\">", h);
        ken_html_text(o, t->title, 200);
        ken_out_printf(o, "</h%d>\n", h);
    }
    ken_out_puts(o, t->square ? "<div class=\"card\"><table class=\"matrix groups\">"
                              : "<div class=\"card wide\"><table class=\"rel groups\">");
    if (!t->headless) put_heads(o, t);
    ken_out_puts(o, "<tbody>\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        const ken_view_row *row = &t->row[r];
        if ((row->where & KEN_ON_PAGE) == 0) continue;
        if (row->between == NULL) put_row(o, t, row);
        else {
            ken_out_printf(o, "<tr class=\"between\"><th colspan=\"%zu\" scope=\"colgroup\">", n);
            ken_html_text(o, row->between, 80);
            ken_out_puts(o, "</th></tr>\n");
        }
    }
    ken_out_puts(o, "</tbody></table></div>\n");
}

/* Those that are known, by their names. */
static void put_values(ken_out *o, const ken_view *t)
{
    char buf[64];
    bool any = false;
    for (size_t i = 0; i < t->n_columns && t->n_rows > 0; i++) {
        const ken_view_column *c = &t->column[i];
        if (!is_there(c) || !t->row[0].cell[i].there) continue;
        ken_out_puts(o, any ? "<div><dt>" : "<dl class=\"settings card\"><div><dt>");
        ken_html_text(o, c->head, 80);
        ken_out_puts(o, "</dt><dd>");
        ken_html_text(o, ken_view_cell_text(c, &t->row[0].cell[i], buf), 400);
        ken_out_puts(o, "</dd></div>\n");
        any = true;
    }
    if (any) ken_out_puts(o, "</dl>\n");
}

void ken_html_views(ken_out *o, const ken_views *v, int h)
{
    const ken_view *t;
    char open[16], close[16];
    for (size_t i = 0; (t = ken_views_get(v, i)) != NULL; i++) {
        if ((t->where & KEN_ON_PAGE) == 0) continue;
        if (t->kind == KEN_VIEW_VALUES) put_values(o, t);
        else if (t->kind == KEN_VIEW_TABLE) put_table(o, t, h);
        else if (t->kind == KEN_VIEW_TEXT) put_spans(o, t, "<p class=\"note\">", "</p>\n");
        else {
            snprintf(open, sizeof open, "<h%d>", h + t->level);
            snprintf(close, sizeof close, "</h%d>\n", h + t->level);
            put_spans(o, t, open, close);
        }
    }
}

static const ken_view_cell *cell_of(const ken_view *t, const ken_view_row *row, ken_unit unit, size_t from, size_t *at)
{
    static const ken_view_cell none;
    for (*at = from; *at < t->n_columns; ++*at)
        if (is_there(&t->column[*at]) && t->column[*at].unit == unit) return &row->cell[*at];
    *at = 0;
    return &none;
}

static void put_card(ken_out *o, const ken_view *t, const ken_view_row *row)
{
    char buf[64];
    size_t at;
    ken_out_printf(o, "<li class=\"card cat k%d\"><b>", (int)row->cell[0].style - (int)KEN_STYLE_CATEGORY);
    ken_html_text(o, ken_view_cell_text(&t->column[0], &row->cell[0], buf), 80);
    const ken_view_cell *share = cell_of(t, row, KEN_UNIT_SHARE, 1, &at);
    const int digits = t->column[at].digits;
    ken_out_puts(o, "</b><div class=\"big\">");
    ken_html_text(o, ken_view_cell_text(&t->column[at], share, buf), 80);
    const ken_view_cell *x = cell_of(t, row, KEN_UNIT_COUNT, 1, &at);
    ken_out_puts(o, "</div><div class=\"of\">");
    ken_html_text(o, ken_view_cell_text(&t->column[at], x, buf), 80);
    ken_out_puts(o, " ");
    ken_html_text(o, t->column[at].head, 80);
    if (share->there && !isnan(share->lo))
        ken_out_printf(o, ", 95%% interval %.*f\xE2\x80\x93%.*f%%", digits, 100 * share->lo, digits, 100 * share->hi);
    x = cell_of(t, row, KEN_UNIT_TEXT, 1, &at);
    ken_out_puts(o, "</div><p>");
    ken_html_text(o, ken_view_cell_text(&t->column[at], x, buf), 400);
    ken_out_puts(o, "</p></li>");
}

void ken_html_sentences(ken_out *o, const ken_views *v, const char *paragraph)
{
    const ken_view *t;
    for (size_t i = 0; (t = ken_views_get(v, i)) != NULL; i++) {
        ken_out_printf(o, "<p class=\"%s\">", paragraph);
        put_spans(o, t, "", "</p>\n");
    }
}

void ken_html_cards(ken_out *o, const ken_views *v)
{
    const ken_view *t;
    ken_out_puts(o, "<ul class=\"cats\">");
    for (size_t i = 0; (t = ken_views_get(v, i)) != NULL; i++)
        for (size_t r = 0; r < t->n_rows; r++) put_card(o, t, &t->row[r]);
    ken_out_puts(o, "</ul>\n");
}

void ken_html_numbers(ken_out *o, const ken_views *v)
{
    const ken_view *t;
    ken_out_puts(o, "<dl class=\"kpis\">");
    for (size_t k = 0; (t = ken_views_get(v, k)) != NULL; k++)
        for (size_t r = 0; r < t->n_rows; r++)
            for (size_t i = 0; i < t->n_columns; i++) {
                const bool last = i + 1 == t->n_columns;
                ken_out_puts(o, i == 0 ? "<div><dt>" : last ? " <small>" : "");
                put_cell(o, t, &t->column[i], &t->row[r].cell[i], false);
                ken_out_puts(o, i == 0 ? "</dt><dd>" : last ? "</small></dd></div>" : "");
            }
    ken_out_puts(o, "</dl>\n");
}
