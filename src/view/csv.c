/* csv.c - the tables of a result as CSV (RFC 4180), with all their rows and full numbers: for spreadsheets and scripts. */
#include "text/csv.h"
#include "view/views.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void real(ken_buf *b, double x)
{
    if (isfinite(x)) ken_buf_printf(b, "%.9g", x);
}

static void put_cell(ken_buf *b, const ken_view_column *c, const ken_view_cell *x)
{
    if (!x->there) return;
    switch (c->unit) {
    case KEN_UNIT_TEXT: ken_csv_field(b, x->text, true); break;
    case KEN_UNIT_TRUTH: ken_buf_puts(b, x->count != 0 ? "true" : "false"); break;
    case KEN_UNIT_COUNT:
    case KEN_UNIT_PART: ken_buf_printf(b, "%" PRIu64, x->count); break;
    case KEN_UNIT_EXACT:
        if (isfinite(x->value)) ken_buf_puts(b, ken_exact_text((char[40]){0}, x->value));
        break;
    default: real(b, x->value);
    }
}

static bool in_csv(const ken_view_column *c)
{
    return ken_view_column_is(c, KEN_IN_CSV) && ken_view_column_name(c, (char[128]){0})[0] != '\0';
}

static void put_heads(ken_buf *b, const ken_view *t, bool grouped)
{
    char name[128], end[140];
    const char *comma = grouped ? "," : "";
    if (grouped) ken_buf_puts(b, "group");
    for (size_t i = 0; i < t->n_columns; i++) {
        const ken_view_column *c = &t->column[i];
        if (!in_csv(c)) continue;
        ken_buf_puts(b, comma);
        ken_csv_field(b, ken_view_column_name(c, name), true);
        comma = ",";
        if (c->lo_key == NULL) continue;
        snprintf(end, sizeof end, "%s_lo,%s_hi", ken_view_column_name(c, name), ken_view_column_name(c, name));
        ken_buf_printf(b, ",%s", end);
    }
    ken_buf_putc(b, '\n');
}

static void put_row(ken_buf *b, const ken_view *t, const ken_view_row *row, bool grouped, const char *group)
{
    const char *comma = grouped ? "," : "";
    if (grouped) ken_csv_field(b, group, true);
    for (size_t i = 0; i < t->n_columns; i++) {
        const ken_view_column *c = &t->column[i];
        if (!in_csv(c)) continue;
        ken_buf_puts(b, comma);
        comma = ",";
        put_cell(b, c, &row->cell[i]);
        if (c->lo_key == NULL) continue;
        ken_buf_putc(b, ',');
        real(b, row->cell[i].there ? row->cell[i].lo : NAN);
        ken_buf_putc(b, ',');
        real(b, row->cell[i].there ? row->cell[i].hi : NAN);
    }
    ken_buf_putc(b, '\n');
}

static void put_table(ken_buf *b, const ken_view *t)
{
    bool grouped = false, any = false;
    const char *group = "";
    for (size_t i = 0; i < t->n_rows; i++) grouped |= t->row[i].between != NULL;
    for (size_t i = 0; i < t->n_columns; i++) any |= in_csv(&t->column[i]);
    if (!any || t->n_rows == 0) return;
    if (b->len > 0) ken_buf_putc(b, '\n');
    put_heads(b, t, grouped);
    for (size_t i = 0; i < t->n_rows; i++) {
        if (t->row[i].between != NULL) group = t->row[i].between;
        else if (t->row[i].where & KEN_IN_CSV) put_row(b, t, &t->row[i], grouped, group);
    }
}

int ken_views_csv(const ken_views *v, char **out, ken_err *err)
{
    ken_buf b = {0};
    for (size_t i = 0; i < v->n; i++)
        if (v->view[i].view.kind == KEN_VIEW_TABLE && (v->view[i].view.where & KEN_IN_CSV) != 0)
            put_table(&b, &v->view[i].view);
    *out = ken_buf_take(&b);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "the output");
}
