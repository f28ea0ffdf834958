/* figure.c - the list of figures: making one, and putting it into the page; see figure.h and figure_make.h. What is drawn is decided in
 * figure_annotation.c and its sisters, how in figure_draw.c and figure_axis.c. */
#include "report/figure.h"
#include "base/alloc.h"
#include "report/figure_make.h"
#include "report/html.h"
#include <stdio.h>
#include <string.h>

/* ---- the list -------------------------------------------------------------------------------------------------------- */

int ken_figures_new(ken_figures **out, ken_err *err)
{
    *out = ken_calloc(1, sizeof **out);
    return *out != NULL ? KEN_OK : ken_fail_nomem(err, "figures");
}

void ken_figures_set_poll(ken_figures *f, ken_poll_fn poll, void *ctx)
{
    f->poll = poll;
    f->ctx = ctx;
}

bool ken_figures_stopped(const ken_figures *f, ken_err *err)
{
    if (f->poll == NULL || f->poll(f->ctx) == 0) return false;
    ken_fail(err, KEN_ESTOP, "stopped on request");
    return true;
}

static void free_figure(ken_figure *g)
{
    for (size_t i = 0; i < g->n_cells; i++) ken_free(g->cells[i].text);
    ken_free(g->cells);
    ken_free(g->name);
    ken_buf_free(&g->caption);
    ken_buf_free(&g->description);
    ken_drawing_free(&g->drawing);
}

void ken_figures_free(ken_figures *f)
{
    if (f == NULL) return;
    for (size_t i = 0; i < f->n; i++) free_figure(&f->list[i]);
    ken_free(f->list);
    ken_free(f);
}

size_t ken_figures_count(const ken_figures *f) { return f->n; }
const char *ken_figures_name(const ken_figures *f, size_t i) { return i < f->n ? f->list[i].name : NULL; }

const ken_figure *ken_figure_find(const ken_figures *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->list[i].name, name) == 0) return &f->list[i];
    return NULL;
}

ken_figure *ken_figure_add(ken_figures *f, const char *title, int height, ken_err *err, const char *name, ...)
{
    char buf[80];
    va_list args;
    va_start(args, name);
    vsnprintf(buf, sizeof buf, name, args);
    va_end(args);
    if (ken_grow((void **)&f->list, &f->cap, f->n + 1, sizeof *f->list) != 0) {
        (void)ken_fail_nomem(err, "figures");
        return NULL;
    }
    ken_figure *g = &f->list[f->n];
    *g = (ken_figure){.title = title, .height = height};
    if ((g->name = ken_strdup(buf)) == NULL) {
        (void)ken_fail_nomem(err, "figures");
        return NULL;
    }
    f->n++;
    return g;
}

int ken_figure_done(const ken_figure *g, ken_err *err)
{
    bool failed = g->failed || g->caption.failed || g->description.failed || ken_drawing_failed(&g->drawing);
    return failed ? ken_fail_nomem(err, "figures") : KEN_OK;
}

/* ---- the picture ------------------------------------------------------------------------------------------------------ */

static void put_svg_words(ken_out *o, const ken_figure *g)
{
    ken_out_printf(o, "<title id=\"%s-t\">", g->name);
    ken_html_text(o, g->title, 0);
    ken_out_printf(o, "</title><desc id=\"%s-d\">", g->name);
    ken_html_text(o, ken_buf_str(&g->description), 0);
    ken_out_puts(o, "</desc>");
}

void ken_figure_svg(ken_out *o, const ken_figure *g, bool page)
{
    static const double CM = 9.0 / KEN_FIGURE_WIDTH;
    char height[32];
    ken_out_puts(o, "<svg ");
    if (!page)
        ken_out_printf(o, "xmlns=\"http://www.w3.org/2000/svg\" width=\"9cm\" height=\"%scm\" ",
                       ken_fixed(height, CM * g->height, 3));
    ken_out_printf(o,
                   "viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\" fill=\"none\" "
                   "font-family=\"" KEN_FONTS "\" font-size=\"12\">",
                   KEN_FIGURE_WIDTH, g->height, g->name, g->name);
    put_svg_words(o, g);
    if (!page)
        ken_out_printf(o, "<rect width=\"%d\" height=\"%d\" fill=\"%s\"/>", KEN_FIGURE_WIDTH, g->height,
                       ken_paint_colour(KEN_PAINT_CARD));
    ken_drawing_put(o, &g->drawing, page);
    ken_out_puts(o, "</svg>");
}

/* ---- into the page --------------------------------------------------------------------------------------------------- */

/* A link that holds its file: no script, nothing to load. */
static void put_csv(ken_out *o, const ken_figure *g)
{
    ken_buf b = {0};
    ken_csv_text(&b, g);
    if (!b.failed) {
        ken_out_printf(o, "<a class=\"csv\" download=\"%s.csv\" href=\"data:text/csv;charset=utf-8,", g->name);
        for (size_t i = 0; i < b.len; i++) {
            unsigned char c = (unsigned char)b.data[i];
            bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         (c != '\0' && strchr("-._,", c) != NULL);
            if (plain) ken_out_add(o, &b.data[i], 1);
            else ken_out_printf(o, "%%%02X", c);
        }
        ken_out_printf(o, "\" aria-label=\"The numbers of this figure as CSV: %s\">CSV</a>", g->title);
    }
    ken_buf_free(&b);
}

void ken_figure_put(ken_out *o, const ken_figures *f, const char *name)
{
    enum { FEW_CELLS = 400 };
    const ken_figure *g = ken_figure_find(f, name);
    if (g == NULL) return;
    ken_out_printf(o, "<figure class=\"plot\" id=\"%s\"><div class=\"picture\">", g->name);
    ken_figure_svg(o, g, true);
    ken_out_puts(o, "</div><figcaption><b>");
    ken_html_text(o, g->title, 0);
    ken_out_puts(o, strchr(g->title, '?') != NULL ? "</b> " : ".</b> ");
    ken_html_text(o, ken_buf_str(&g->caption), 0);
    ken_out_puts(o, " ");
    put_csv(o, g);
    ken_out_puts(o, "</figcaption>");
    if (g->n_cells <= FEW_CELLS) {
        ken_out_puts(o, "<details><summary>The numbers</summary>");
        ken_figure_table_put(o, g);
        ken_out_puts(o, "</details>");
    }
    ken_out_puts(o, "</figure>\n");
}
