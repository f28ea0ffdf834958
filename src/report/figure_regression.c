/* figure_regression.c - the linear model of harm as a map: known rows fitted along x, unknown rows fitted along y, the plane's accuracy as
 * shades with contour lines, and each measured point in the shade of its own accuracy, so that a point that differs from its
 * surroundings is one that the plane misses. A map and not a plane in space: heights can be read off it. */
#include "base/alloc.h"
#include "report/figure_make.h"
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
static const char *shade_of(const map *m, int band)
{
    return ken_figure_shade(1 + (m->bands > 1 ? band * (KEN_SHADES - 2) / (m->bands - 1) : KEN_SHADES / 2));
}

static int put_bands(ken_figure *g, const ken_regression *r, const map *m)
{
    int block = 0;
    const corner all[4] = {{m->x0, m->y0, plane(r, m->x0, m->y0)},
                           {m->x1, m->y0, plane(r, m->x1, m->y0)},
                           {m->x1, m->y1, plane(r, m->x1, m->y1)},
                           {m->x0, m->y1, plane(r, m->x0, m->y1)}};
    for (int i = 0; i < m->bands; i++) {
        corner a[8], b[8];
        int n = cut(all, 4, a, m->z0 + i * m->step, 1.0);
        n = cut(a, n, b, m->z0 + (i + 1) * m->step, -1.0);
        if (n < 3) continue;
        for (int j = 0; j <= n; j++) ken_figure_lines(g, 2, b[j % n].x, b[j % n].y);
        ken_figure_block(g);
        ken_figure_plot(g, "D index %d using 1:2 with filledcurves closed lc rgb '%s'", block++, shade_of(m, i));
    }
    return block;
}

/* The legend is a scale of the bands, with the accuracy at their ends. */
static void put_scale(ken_figure *g, const map *m)
{
    char buf[40];
    double left = 330, width = 14, top = 42, height = g->height - 42.0 - 44.0, cell = height / m->bands;
    double w = KEN_FIGURE_WIDTH, h = g->height;
    for (int i = 0; i < m->bands; i++) {
        double y = top + height - cell * (i + 1);
        ken_buf_printf(
            ken_figure_settings(g),
            "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f fs solid 1 noborder fc rgb '%s'\n",
            left / w, 1.0 - (y + cell) / h, (left + width) / w, 1.0 - y / h, shade_of(m, i));
    }
    for (int i = 0; i <= m->bands; i += m->bands > 6 ? 2 : 1) {
        snprintf(buf, sizeof buf, "%.3g%%", m->z0 + i * m->step);
        ken_figure_label(g, left + width + 4, top + height - cell * i, "left", buf);
    }
}

static const char *sign_of(double x) { return x < 0.0 ? "\xE2\x88\x92" : "+"; }

int ken_figures_regression(ken_figures *f, const ken_regression *r, const char *set, ken_err *err)
{
    map m;
    static const char *const sets[] = {"dev", "test", "ood"};
    const char *name = NULL; /* one of ours: it goes into a name and a script */
    for (int i = 0; i < 3; i++)
        if (strcmp(set, sets[i]) == 0) name = sets[i];
    if (name == NULL)
        return ken_fail(err, KEN_EUSAGE, "there is no regression on \"%.40s\"; there are dev, test, ood", set);
    if (r->n == 0 || !isfinite(r->b0) || !isfinite(r->b_kn) || !isfinite(r->b_unk)) return KEN_OK;
    choose_map(&m, r);
    ken_figure *g = ken_figure_add(f, "The linear model of harm", 310, err, "regression-%s", name);
    if (g == NULL) return KEN_ENOMEM;
    ken_figure_frame(g, 46, 66, 42, 44);
    ken_buf_puts(ken_figure_settings(g), "set border 3 lc rgb '" KEN_MUTED "' lw 1\nunset grid\n");
    ken_figure_percent_tics(g, "x", m.x0, m.x1);
    ken_figure_percent_tics(g, "y", m.y0, m.y1);
    char buf[80];
    snprintf(buf, sizeof buf, "%s accuracy", name);
    ken_figure_label(g, 4, 9, "left", "Unknown rows fitted, of all training rows");
    ken_figure_label(g, KEN_FIGURE_WIDTH - 4, 27, "right", buf);
    ken_figure_label(g, 46 + (KEN_FIGURE_WIDTH - 112) / 2.0, 297, "center", "Known rows fitted, of all training rows");
    put_scale(g, &m);
    int block = put_bands(g, r, &m);
    ken_figure_columns(g, KEN_CELL_COUNT, "run", "step");
    ken_figure_columns(g, KEN_CELL_NUMBER, "epoch", "Known fitted / all", "Unknown fitted / all", "accuracy, %",
                       "predicted, %");
    size_t stride = (r->n + MOST_POINTS - 1) / MOST_POINTS;
    if (block > 0) { /* a dot's edge, then the dots of a band in its shade */
        for (int band = -1; band < m.bands; band++) {
            bool any = false;
            for (size_t i = 0; i < r->n; i += stride) {
                const ken_regression_point *p = &r->points[i];
                if (!isfinite(p->accuracy) || (band >= 0 && band_of(&m, p->accuracy) != band)) continue;
                ken_figure_lines(g, 2, p->known, p->unknown);
                any = true;
            }
            if (!any) continue;
            ken_figure_block(g);
            ken_figure_plot(g, "D index %d using 1:2 with points pt 7 ps %s lc rgb '%s'", block++,
                            band < 0 ? "1.1" : "0.8", band < 0 ? KEN_INK : shade_of(&m, band));
        }
    }
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
