/* figure_regression.c - the linear model of harm as a map: known rows fitted along x, unknown rows fitted along y, the plane's accuracy as
 * shades with contour lines, and each measured point in the shade of its own accuracy, so that a point that differs from its
 * surroundings is one that the plane misses. A map and not a plane in space: heights can be read off it. */
#include "base/alloc.h"
#include "report/figure_axis.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELLS = 24, MOST_POINTS = 400, BANDS = KEN_SHADES - 1 };

/* A step of 1, 2 or 5 times a power of ten, at most ten of which cover the span. */
static double step_for(double span)
{
    double ten = pow(10.0, floor(log10(span / BANDS)));
    static const double m[] = {1, 2, 5, 10};
    for (int i = 0; i < 3; i++)
        if (span / (m[i] * ten) <= BANDS - 1) return m[i] * ten;
    return 10.0 * ten;
}

static double plane(const ken_regression *r, double known, double unknown)
{
    return r->b0 + r->b_kn * known + r->b_unk * unknown;
}

/* A polygon's part where lo <= plane <= hi: the plane is linear, so its bands are cut exactly, not on a grid. */
typedef struct corner {
    double x, y, z;
} corner;

static int cut(const corner *in, int n, corner *out, double at, double sign)
{
    int m = 0;
    for (int i = 0; i < n; i++) {
        corner a = in[i], b = in[(i + 1) % n];
        double da = sign * (a.z - at), db = sign * (b.z - at);
        if (da >= 0.0) out[m++] = a;
        if ((da > 0.0 && db < 0.0) || (da < 0.0 && db > 0.0)) {
            double t = da / (da - db);
            out[m++] = (corner){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y), at};
        }
    }
    return m;
}

typedef struct map {
    double x0, x1, y0, y1, z0, step; /* ranges; the lowest band's lower end, and the height of a band */
    int bands;
} map;

static void choose_map(map *m, const ken_regression *r)
{
    double lo = INFINITY, hi = -INFINITY;
    *m = (map){0, 0, 0, 0, 0, 1, 1};
    for (size_t i = 0; i < r->n; i++) {
        const ken_regression_point *p = &r->points[i];
        if (!isfinite(p->known) || !isfinite(p->unknown) || !isfinite(p->accuracy)) continue;
        m->x1 = fmax(m->x1, p->known);
        m->y1 = fmax(m->y1, p->unknown);
        lo = fmin(lo, p->accuracy);
        hi = fmax(hi, p->accuracy);
    }
    m->x1 = fmax(0.01, fmin(1.0, m->x1 * 1.06));
    m->y1 = fmax(0.01, fmin(1.0, m->y1 * 1.06));
    const double corners[4] = {plane(r, 0, 0), plane(r, m->x1, 0), plane(r, 0, m->y1), plane(r, m->x1, m->y1)};
    for (int i = 0; i < 4; i++) lo = fmin(lo, corners[i]), hi = fmax(hi, corners[i]);
    if (!(hi - lo > 1e-9)) hi = lo + 1.0;
    m->step = step_for(hi - lo);
    m->z0 = floor(lo / m->step + 1e-9) * m->step;
    m->bands = (int)ceil((hi - m->z0) / m->step - 1e-9);
    if (m->bands < 1) m->bands = 1;
    if (m->bands > BANDS) m->bands = BANDS;
}

static int band_of(const map *m, double z)
{
    int i = (int)floor((z - m->z0) / m->step);
    return i < 0 ? 0 : i < m->bands ? i : m->bands - 1;
}

/* Pale for low accuracy, dark for high; the palest is not the card's own colour. */
static ken_paint shade_of(const map *m, int band)
{
    return ken_paint_shade(1 + (m->bands > 1 ? band * (KEN_SHADES - 2) / (m->bands - 1) : KEN_SHADES / 2));
}

static void put_bands(const ken_plot *p, const ken_regression *r, const map *m)
{
    const corner all[4] = {{m->x0, m->y0, plane(r, m->x0, m->y0)},
                           {m->x1, m->y0, plane(r, m->x1, m->y0)},
                           {m->x1, m->y1, plane(r, m->x1, m->y1)},
                           {m->x0, m->y1, plane(r, m->x0, m->y1)}};
    for (int i = 0; i < m->bands; i++) {
        corner a[8], b[8];
        ken_spot spot[8];
        int n = cut(all, 4, a, m->z0 + i * m->step, 1.0);
        n = cut(a, n, b, m->z0 + (i + 1) * m->step, -1.0);
        for (int j = 0; j < n; j++) spot[j] = (ken_spot){ken_plot_x(p, b[j].x), ken_plot_y(p, b[j].y)};
        if (n > 2) ken_draw_area(&p->g->drawing, shade_of(m, i), 1.0, spot, (size_t)n);
    }
}

/* The legend is a scale of the bands, with the accuracy at their ends. */
static void put_scale(const ken_plot *p, const map *m)
{
    char buf[40], number[32];
    double left = p->right + 12, right = left + 14, cell = (p->bottom - p->top) / m->bands;
    int decimals = ken_decimals_of(m->step);
    for (int i = 0; i < m->bands; i++)
        ken_draw_box(&p->g->drawing, shade_of(m, i), 1.0, left, p->bottom - cell * i, right,
                     p->bottom - cell * (i + 1));
    for (int i = 0; i <= m->bands; i += m->bands > 6 ? 2 : 1) {
        double z = m->z0 + i * m->step;
        if (fabs(z) < 1e6) snprintf(buf, sizeof buf, "%s%%", ken_fixed(number, z, decimals));
        else snprintf(buf, sizeof buf, "%.2g%%", z);
        ken_draw_text(&p->g->drawing, right + 4, p->bottom - cell * i, KEN_START, buf);
    }
}

/* A dot's edge, then the dots of a band in its shade. */
static void put_points(const ken_plot *p, const ken_regression *r, const map *m)
{
    size_t stride = (r->n + MOST_POINTS - 1) / MOST_POINTS;
    for (int band = -1; band < m->bands; band++)
        for (size_t i = 0; i < r->n; i += stride) {
            const ken_regression_point *q = &r->points[i];
            if (!isfinite(q->accuracy) || (band >= 0 && band_of(m, q->accuracy) != band)) continue;
            if (band < 0)
                ken_draw_dot(&p->g->drawing, KEN_PAINT_INK, 9.9, ken_plot_x(p, q->known), ken_plot_y(p, q->unknown));
            else
                ken_draw_dot(&p->g->drawing, shade_of(m, band), 7.2, ken_plot_x(p, q->known),
                             ken_plot_y(p, q->unknown));
        }
}

static void draw_plane(ken_figure *g, const ken_regression *r, const char *set)
{
    map m;
    char buf[80];
    choose_map(&m, r);
    ken_plot p = ken_plot_in(g, 46, 66, 42, 44);
    ken_axis_percents(&p.x, m.x0, m.x1);
    ken_axis_percents(&p.y, m.y0, m.y1);
    ken_plot_grid(&p, 0);
    put_bands(&p, r, &m);
    ken_plot_edges(&p, KEN_BASE | KEN_SIDE | KEN_TICKS);
    put_points(&p, r, &m);
    ken_draw_text(&g->drawing, 4, 9, KEN_START, "Unknown rows fitted, of all training rows");
    ken_plot_title_x(&p, "Known rows fitted, of all training rows");
    snprintf(buf, sizeof buf, "%s accuracy", set);
    ken_draw_text(&g->drawing, KEN_FIGURE_WIDTH - 4, 27, KEN_END, buf);
    put_scale(&p, &m);
}

static const char *sign_of(double x) { return x < 0.0 ? "\xE2\x88\x92" : "+"; }

int ken_figures_regression(ken_figures *f, const ken_regression *r, const char *set, ken_err *err)
{
    static const char *const sets[] = {"dev", "test", "ood"};
    const char *name = NULL; /* one of ours: it goes into a file's name */
    for (int i = 0; i < 3; i++)
        if (strcmp(set, sets[i]) == 0) name = sets[i];
    if (name == NULL)
        return ken_fail(err, KEN_EUSAGE, "there is no regression on \"%.40s\"; there are dev, test, ood", set);
    if (r->n == 0 || !isfinite(r->b0) || !isfinite(r->b_kn) || !isfinite(r->b_unk)) return KEN_OK;
    ken_figure *g = ken_figure_add(f, "The linear model of harm", 310, err, "regression-%s", name);
    if (g == NULL) return KEN_ENOMEM;
    draw_plane(g, r, name);
    ken_figure_columns(g, KEN_CELL_COUNT, "run", "step");
    ken_figure_columns(g, KEN_CELL_NUMBER, "epoch", "Known fitted / all", "Unknown fitted / all", "accuracy, %",
                       "predicted, %");
    double worst = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const ken_regression_point *p = &r->points[i];
        ken_figure_numbers(g, 7, (double)p->run + 1, (double)p->step, p->epoch, p->known, p->unknown, p->accuracy,
                           p->predicted);
        worst = fmax(worst, fabs(p->accuracy - p->predicted));
    }
    ken_buf_printf(
        &g->caption,
        "Accuracy on %s = %.2f %s %.2f × Known fitted %s %.2f × Unknown fitted, in percentage points, with the "
        "fitted rows as shares of the training rows (R² %.3f). Bands: the fitted plane; dots: measured points in "
        "the shade of their own accuracy.",
        name, r->b0, sign_of(r->b_kn), fabs(r->b_kn), sign_of(r->b_unk), fabs(r->b_unk), r->r2);
    ken_buf_printf(
        &g->description,
        "A map of the fitted plane with %zu points of %zu training%s. All Known rows fitted change the accuracy by "
        "%+.2f points (95%% from %.2f to %.2f), all Unknown rows by %+.2f (from %.2f to %.2f). The plane "
        "explains %.1f%% of the variance; the largest residual is %.2f points.",
        r->n, r->runs, r->runs == 1 ? "" : "s", r->b_kn, r->lo[1], r->hi[1], r->b_unk, r->lo[2], r->hi[2],
        100.0 * r->r2, worst);
    return ken_figure_done(g, err);
}
