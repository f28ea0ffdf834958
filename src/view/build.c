/* build.c - see build.h. Until they are finished, views have room to grow: rows and spans stand in arrays that double, cells in the arena. */
#include "view/views.h"
#include "base/alloc.h"
#include "base/stats.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is given out after a failure, so that callers need not look. */
static ken_view no_view;
static ken_view_row no_row;
static ken_view_cell no_cell;

ken_views *ken_views_new(void) { return ken_calloc(1, sizeof(ken_views)); }

void ken_views_fail(ken_views *v)
{
    if (v != NULL) v->failed = true;
}

int ken_views_finish(ken_views **out, ken_views *v, ken_err *err)
{
    *out = NULL;
    if (v == NULL || v->failed) {
        ken_views_free(v);
        return ken_fail_nomem(err, "views");
    }
    *out = v;
    return KEN_OK;
}

static const char *keep(ken_views *v, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *s = v == NULL || v->failed || n < 0 ? NULL : ken_arena_alloc(&v->arena, (size_t)n + 1, 1);
    if (s == NULL) {
        ken_views_fail(v);
        return "";
    }
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    return s;
}

const char *ken_views_keep(ken_views *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *s = keep(v, fmt, ap);
    va_end(ap);
    return s;
}

const char *ken_views_name(ken_views *v, const char *s)
{
    ken_buf b = {0};
    for (; *s != '\0'; s++) {
        if (strchr(".[\\", *s) != NULL) ken_buf_putc(&b, '\\');
        ken_buf_putc(&b, *s);
    }
    if (b.failed) ken_views_fail(v);
    const char *name = ken_views_keep(v, "%s", ken_buf_str(&b));
    ken_buf_free(&b);
    return name;
}

static const char *copy(ken_views *v, const char *s) { return s != NULL ? ken_views_keep(v, "%s", s) : NULL; }

/* ---- views ---------------------------------------------------------------------------------------------------------- */

static ken_view_grown *last(ken_views *v) { return v == NULL || v->failed || v->n == 0 ? NULL : &v->view[v->n - 1]; }

ken_view *ken_views_last(ken_views *v)
{
    ken_view_grown *g = last(v);
    return g != NULL ? &g->view : &no_view;
}

static ken_view *add(ken_views *v, ken_view_kind kind)
{
    if (v == NULL || v->failed) return &no_view;
    if (ken_grow((void **)&v->view, &v->cap, v->n + 1, sizeof *v->view) != 0) {
        v->failed = true;
        return &no_view;
    }
    v->view[v->n] = (ken_view_grown){.view = {.kind = kind, .where = KEN_EVERYWHERE}};
    return &v->view[v->n++].view;
}

void ken_views_text(ken_views *v) { add(v, KEN_VIEW_TEXT); }

static void say(ken_views *v, ken_style style, const char *s)
{
    ken_view_grown *g = last(v);
    if (g == NULL || ken_grow((void **)&g->span, &g->cap_spans, g->view.n_spans + 1, sizeof *g->span) != 0) {
        ken_views_fail(v);
        return;
    }
    g->span[g->view.n_spans++] = (ken_span){s, style};
    g->view.span = g->span;
}

void ken_views_say(ken_views *v, ken_style style, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *s = keep(v, fmt, ap);
    va_end(ap);
    if (s[0] != '\0') say(v, style, s);
}

void ken_views_heading(ken_views *v, int level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *s = keep(v, fmt, ap);
    va_end(ap);
    add(v, KEN_VIEW_HEADING)->level = level;
    say(v, KEN_STYLE_STRONG, s);
}

void ken_views_table(ken_views *v, const ken_view_column *column, size_t n, const char *title)
{
    ken_view *t = add(v, KEN_VIEW_TABLE);
    t->column = column;
    t->n_columns = n;
    t->title = copy(v, title);
}

void ken_views_columns(ken_views *v, const ken_view_column *column, size_t n, const char *title)
{
    ken_view_column *mine = v == NULL ? NULL : ken_arena_alloc(&v->arena, n, sizeof *mine);
    if (mine == NULL) ken_views_fail(v);
    else {
        memcpy(mine, column, n * sizeof *mine);
        for (size_t i = 0; i < n; i++) {
            mine[i].head = copy(v, mine[i].head);
            mine[i].sub = copy(v, mine[i].sub);
        }
    }
    ken_views_table(v, mine, n, title);
}

void ken_views_values(ken_views *v, const ken_view_column *column, size_t n, const char *path)
{
    ken_views_table(v, column, n, NULL);
    ken_views_last(v)->kind = KEN_VIEW_VALUES;
    ken_views_row(v, path, NULL);
}

void ken_views_only(ken_views *v, size_t from, unsigned where)
{
    for (size_t i = from; v != NULL && i < v->n; i++) v->view[i].view.where &= where;
}

/* ---- rows and cells ------------------------------------------------------------------------------------------------- */

static ken_view_row *add_row(ken_views *v)
{
    ken_view_grown *g = last(v);
    if (g == NULL || ken_grow((void **)&g->row, &g->cap_rows, g->view.n_rows + 1, sizeof *g->row) != 0) {
        ken_views_fail(v);
        return &no_row;
    }
    g->view.row = g->row;
    g->at = 0;
    g->row[g->view.n_rows] = (ken_view_row){.where = KEN_EVERYWHERE};
    return &g->row[g->view.n_rows++];
}

ken_view_row *ken_views_last_row(ken_views *v)
{
    ken_view_grown *g = last(v);
    return g != NULL && g->view.n_rows > 0 ? &g->row[g->view.n_rows - 1] : &no_row;
}

ken_view_row *ken_views_row(ken_views *v, const char *path, const char *key)
{
    ken_view_row *row = add_row(v);
    ken_view_grown *g = last(v);
    if (g == NULL) return row;
    g->cell = ken_arena_calloc(&v->arena, g->view.n_columns, sizeof *g->cell);
    if (g->cell == NULL) ken_views_fail(v);
    row->cell = g->cell;
    row->path = copy(v, path);
    row->key = copy(v, key);
    return row;
}

void ken_views_between(ken_views *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_row(v)->between = keep(v, fmt, ap);
    va_end(ap);
}

ken_view_cell *ken_put_nothing(ken_views *v)
{
    ken_view_grown *g = last(v);
    if (g == NULL || g->cell == NULL || g->at == g->view.n_columns) { /* more cells than columns: a mistake of ours */
        ken_views_fail(v);
        return &no_cell;
    }
    ken_view_cell *x = &g->cell[g->at++];
    *x = (ken_view_cell){.value = NAN, .lo = NAN, .hi = NAN};
    return x;
}

static ken_view_cell *put(ken_views *v)
{
    ken_view_cell *x = ken_put_nothing(v);
    x->there = true;
    return x;
}

ken_view_cell *ken_put_text(ken_views *v, ken_style style, const char *s)
{
    ken_view_cell *x = ken_put_nothing(v);
    x->there = s != NULL;
    x->style = style;
    x->text = copy(v, s);
    return x;
}

ken_view_cell *ken_put_truth(ken_views *v, bool truth)
{
    ken_view_cell *x = put(v);
    x->count = truth;
    return x;
}

ken_view_cell *ken_put_count(ken_views *v, uint64_t n)
{
    ken_view_cell *x = put(v);
    x->count = n;
    return x;
}

ken_view_cell *ken_put_number(ken_views *v, double value)
{
    ken_view_cell *x = put(v);
    x->value = value;
    return x;
}

ken_view_cell *ken_put_between(ken_views *v, double value, double lo, double hi)
{
    ken_view_cell *x = ken_put_number(v, value);
    x->lo = lo;
    x->hi = hi;
    return x;
}

ken_view_cell *ken_put_share(ken_views *v, uint64_t k, uint64_t n)
{
    double lo = NAN, hi = NAN;
    if (n > 0) ken_wilson(k, n, &lo, &hi);
    return ken_put_between(v, n > 0 ? (double)k / (double)n : NAN, lo, hi);
}

ken_view_cell *ken_put_part(ken_views *v, uint64_t k, uint64_t of)
{
    ken_view_cell *x = ken_put_count(v, k);
    x->of = of;
    return x;
}

ken_view_cell *ken_put_parts(ken_views *v, const uint64_t *part, int n)
{
    ken_view_cell *x = put(v);
    uint64_t *mine = v == NULL ? NULL : ken_arena_alloc(&v->arena, (size_t)n, sizeof *mine);
    if (mine == NULL) ken_views_fail(v);
    else memcpy(mine, part, (size_t)n * sizeof *mine);
    x->part = mine;
    x->n_parts = mine != NULL ? n : 0;
    return x;
}

/* ---- values --------------------------------------------------------------------------------------------------------- */

static ken_view_cell *value(ken_views *v, const char *path, const char *key, ken_unit unit)
{
    const ken_view_column c = {.key = key, .unit = unit, .where = KEN_IN_JSON};
    ken_views_columns(v, &c, 1, NULL);
    ken_views_last(v)->kind = KEN_VIEW_VALUES;
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_views_row(v, path, NULL);
    return put(v);
}

void ken_value_text(ken_views *v, const char *path, const char *key, const char *s)
{
    value(v, path, key, KEN_UNIT_TEXT)->text = copy(v, s);
}

void ken_value_truth(ken_views *v, const char *path, const char *key, bool x)
{
    value(v, path, key, KEN_UNIT_TRUTH)->count = x;
}

void ken_value_count(ken_views *v, const char *path, const char *key, uint64_t n)
{
    value(v, path, key, KEN_UNIT_COUNT)->count = n;
}

void ken_value_number(ken_views *v, const char *path, const char *key, double x)
{
    value(v, path, key, KEN_UNIT_REAL)->value = x;
}

void ken_value_exact(ken_views *v, const char *key, double x) { value(v, "", key, KEN_UNIT_EXACT)->value = x; }

void ken_value_list(ken_views *v, const char *path) { ken_views_values(v, NULL, 0, path); }
