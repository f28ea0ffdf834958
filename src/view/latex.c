/* latex.c - the tables of a result as LaTeX tabulars, as they are shown: for papers. They need no package. */
#include "text/unicode.h"
#include "view/views.h"
#include <string.h>

static void put_text(ken_buf *b, const char *s)
{
    static const char *const spelled[] = {
        "\\\\textbackslash{}", "{\\{", "}\\}", "$\\$", "&\\&", "#\\#", "%\\%", "_\\_", "^\\textasciicircum{}",
        "~\\textasciitilde{}", "\n ",  "\t "};
    static const char *const sign[][2] = {{"\u2192", "$\\rightarrow$"}, {"\u2193", "$\\downarrow$"}}; /* ours */
    ken_buf clean = {0};
    ken_utf8_clean(&clean, s, strlen(s));
    for (const char *p = ken_buf_str(&clean); *p != '\0'; p++) {
        size_t i = 0, k = 0;
        while (k < sizeof sign / sizeof *sign && strncmp(p, sign[k][0], strlen(sign[k][0])) != 0) k++;
        if (k < sizeof sign / sizeof *sign) {
            ken_buf_puts(b, sign[k][1]);
            p += strlen(sign[k][0]) - 1;
            continue;
        }
        while (i < sizeof spelled / sizeof *spelled && spelled[i][0] != *p) i++;
        if (i < sizeof spelled / sizeof *spelled) ken_buf_puts(b, spelled[i] + 1);
        else ken_buf_putc(b, *p);
    }
    b->failed |= clean.failed;
    ken_buf_free(&clean);
}

static bool in_table(const ken_view_column *c)
{
    return ken_view_column_is(c, KEN_ON_TERMINAL) && c->unit != KEN_UNIT_BAR && c->unit != KEN_UNIT_PARTS;
}

static void put_heads(ken_buf *b, const ken_view *t)
{
    const char *between = "";
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!in_table(&t->column[i])) continue;
        ken_buf_puts(b, between);
        put_text(b, t->column[i].head);
        between = " & ";
    }
    ken_buf_puts(b, " \\\\\n\\hline\n");
}

static void put_table(ken_buf *b, const ken_view *t)
{
    size_t n = 0;
    char buf[64];
    for (size_t i = 0; i < t->n_columns; i++) n += in_table(&t->column[i]);
    if (n < 2 && n < t->n_columns) return; /* the names of what is drawn elsewhere */
    if (b->len > 0) ken_buf_putc(b, '\n');
    if (t->title != NULL) {
        ken_buf_puts(b, "% ");
        put_text(b, t->title);
        ken_buf_putc(b, '\n');
    }
    ken_buf_puts(b, "\\begin{tabular}{");
    for (size_t i = 0; i < t->n_columns; i++)
        if (in_table(&t->column[i])) ken_buf_putc(b, t->column[i].unit == KEN_UNIT_TEXT ? 'l' : 'r');
    ken_buf_puts(b, "}\n\\hline\n");
    if (!t->headless) put_heads(b, t);
    for (size_t r = 0; r < t->n_rows; r++) {
        const ken_view_row *row = &t->row[r];
        if (!(row->where & KEN_ON_TERMINAL)) continue;
        if (row->between != NULL) {
            ken_buf_printf(b, "\\multicolumn{%zu}{l}{\\emph{", n);
            put_text(b, row->between);
            ken_buf_puts(b, "}} \\\\\n");
            continue;
        }
        const char *between = "";
        for (size_t i = 0; i < t->n_columns; i++) {
            if (!in_table(&t->column[i])) continue;
            ken_buf_puts(b, between);
            between = " & ";
            put_text(b, ken_view_cell_text(&t->column[i], &row->cell[i], buf));
            const char *interval = ken_view_interval_text(&t->column[i], &row->cell[i], buf);
            if (interval[0] != '\0' && (t->column[i].where & KEN_INTERVAL_IF_VERBOSE) == 0)
                ken_buf_printf(b, " %s", interval);
        }
        ken_buf_puts(b, " \\\\\n");
    }
    ken_buf_puts(b, "\\hline\n\\end{tabular}\n");
}

int ken_views_latex(const ken_views *v, char **out, ken_err *err)
{
    ken_buf b = {0};
    for (size_t i = 0; i < v->n; i++) {
        const ken_view *t = &v->view[i].view;
        if (t->kind == KEN_VIEW_TABLE && (t->where & KEN_ON_TERMINAL) != 0) put_table(&b, t);
    }
    *out = ken_buf_take(&b);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "the output");
}
