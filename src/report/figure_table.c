/* figure_table.c - the numbers of a figure: as a table of the page and as CSV; see figure_make.h. */
#include "base/alloc.h"
#include "base/stats.h"
#include "report/figure_make.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- filling it ------------------------------------------------------------------------------------------------------ */

void ken_figure_column(ken_figure *g, const char *head, ken_cell_kind kind)
{
    if (g->n_columns == KEN_FIGURE_COLUMNS) return;
    g->columns[g->n_columns].head = head;
    g->columns[g->n_columns++].kind = kind;
}

void ken_figure_heads(ken_figure *g, ken_cell_kind kind, const char *const *head)
{
    for (; *head != NULL; head++) ken_figure_column(g, *head, kind);
}

static ken_cell *new_cell(ken_figure *g)
{
    if (ken_grow((void **)&g->cells, &g->cap_cells, g->n_cells + 1, sizeof *g->cells) != 0) {
        g->failed = true;
        return NULL;
    }
    g->cells[g->n_cells] = (ken_cell){.x = NAN};
    return &g->cells[g->n_cells++];
}

void ken_figure_text(ken_figure *g, const char *s)
{
    ken_cell *c = new_cell(g);
    if (c != NULL && (c->text = ken_strdup(s)) == NULL) g->failed = true;
}

void ken_figure_number(ken_figure *g, double x)
{
    ken_cell *c = new_cell(g);
    if (c != NULL) c->x = x;
}

void ken_figure_numbers(ken_figure *g, int n, ...)
{
    va_list args;
    va_start(args, n);
    for (int i = 0; i < n; i++) ken_figure_number(g, va_arg(args, double));
    va_end(args);
}

/* ---- tallies ---------------------------------------------------------------------------------------------------------- */

uint64_t ken_tally_known(const ken_tally *t) { return t->category[KEN_HIGHLY_KNOWN] + t->category[KEN_MAYBE_KNOWN]; }

void ken_figure_tally_heads(ken_figure *g)
{
    ken_figure_column(g, "facts", KEN_CELL_COUNT);
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_figure_column(g, ken_category_name(c), KEN_CELL_COUNT);
}

void ken_figure_tally(ken_figure *g, const ken_tally *t)
{
    ken_figure_number(g, (double)t->n);
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_figure_number(g, (double)t->category[c]);
}

void ken_figure_known_heads(ken_figure *g)
{
    ken_figure_columns(g, KEN_CELL_SHARE, "known (Highly or Maybe)", "95% from", "95% to");
}

void ken_figure_known(ken_figure *g, uint64_t known, uint64_t labelled)
{
    double lo, hi, share = labelled > 0 ? (double)known / (double)labelled : NAN;
    ken_wilson(known, labelled, &lo, &hi);
    ken_figure_numbers(g, 3, share, labelled > 0 ? lo : NAN, labelled > 0 ? hi : NAN);
}

/* ---- as CSV ----------------------------------------------------------------------------------------------------------- */

/* RFC 4180, with lines that end as those of a text file do: a field with a comma, quote or line break is quoted, a quote in it doubled.
 * A spreadsheet would run a field that begins with = + - or @ as a formula; names of relations that do get a quote mark in front, as
 * its own export would. */
static void csv_field(ken_buf *b, const char *s)
{
    bool formula = s[0] != '\0' && strchr("=+-@\t\r", s[0]) != NULL;
    bool quoted = formula || strpbrk(s, ",\"\r\n") != NULL;
    if (quoted) ken_buf_putc(b, '"');
    if (formula) ken_buf_putc(b, '\'');
    for (; *s != '\0'; s++) {
        if (*s == '"') ken_buf_putc(b, '"');
        ken_buf_putc(b, *s);
    }
    if (quoted) ken_buf_putc(b, '"');
}

/* With a point, whatever the locale: the next comma would be another field. */
static void csv_number(ken_buf *b, double x)
{
    char buf[40];
    snprintf(buf, sizeof buf, "%.8g", x == 0.0 ? 0.0 : x);
    char *comma = strchr(buf, ',');
    if (comma != NULL) *comma = '.';
    ken_buf_puts(b, buf);
}

void ken_csv_text(ken_buf *b, const ken_figure *g)
{
    for (int c = 0; c < g->n_columns; c++) {
        if (c > 0) ken_buf_putc(b, ',');
        csv_field(b, g->columns[c].head);
    }
    ken_buf_puts(b, "\n");
    for (size_t i = 0; i < g->n_cells; i++) {
        const ken_cell *cell = &g->cells[i];
        size_t c = i % (size_t)g->n_columns;
        if (cell->text != NULL) csv_field(b, cell->text);
        else if (!isfinite(cell->x)) ken_buf_puts(b, "");
        else if (g->columns[c].kind == KEN_CELL_COUNT) ken_buf_printf(b, "%.0f", cell->x);
        else csv_number(b, cell->x);
        ken_buf_puts(b, c + 1 == (size_t)g->n_columns ? "\n" : ",");
    }
}

/* ---- in the page ------------------------------------------------------------------------------------------------------ */

void ken_figure_table_put(ken_out *o, const ken_figure *g)
{
    char a[32];
    ken_out_puts(o, "<div class=\"numbers\"><table><thead><tr>");
    for (int c = 0; c < g->n_columns; c++) {
        ken_out_printf(o, "<th scope=\"col\"%s>", g->columns[c].kind != KEN_CELL_TEXT ? " class=\"n\"" : "");
        ken_html_text(o, g->columns[c].head, 0);
        ken_out_puts(o, "</th>");
    }
    ken_out_puts(o, "</tr></thead><tbody>");
    for (size_t i = 0; i < g->n_cells; i++) {
        const ken_cell *cell = &g->cells[i];
        size_t c = i % (size_t)g->n_columns;
        ken_cell_kind kind = g->columns[c].kind;
        ken_out_puts(o, c == 0 ? "<tr><th scope=\"row\">" : kind != KEN_CELL_TEXT ? "<td class=\"n\">" : "<td>");
        if (cell->text != NULL) ken_html_text(o, cell->text, 80);
        else if (!isfinite(cell->x)) ken_out_puts(o, "");
        else if (kind == KEN_CELL_SHARE) ken_out_puts(o, ken_html_percent(a, cell->x));
        else if (kind == KEN_CELL_COUNT) ken_out_puts(o, ken_count_text(a, (uint64_t)fmax(0.0, cell->x)));
        else ken_out_printf(o, "%.4g", cell->x == 0.0 ? 0.0 : cell->x);
        ken_out_puts(o, c == 0 ? "</th>" : "</td>");
        if (c + 1 == (size_t)g->n_columns) ken_out_puts(o, "</tr>");
    }
    ken_out_puts(o, "</tbody></table></div>");
}
