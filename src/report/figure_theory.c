/* figure_theory.c - the figures of the one-layer theory: held-out accuracy over the length of pretraining, one picture for each Zipf exponent; and over the epochs of
 * joint training, one for each pair of learning rates. */
#include "report/figure_axis.h"
#include <math.h>
#include <stdio.h>

enum { LINES = 4 /* before, Bottom, Whole, Top */, MOST = 128 };
static const int arm_of[LINES] = {-1, KEN_ARM_BOTTOM, KEN_ARM_WHOLE, KEN_ARM_TOP};
static const char *const heads[LINES] = {"before", "Bottom", "Whole", "Top"};

static ken_pen pen_of(int line)
{
    switch (line) {
    case 0: return (ken_pen){KEN_PAINT_MUTED, 1.6, "4 3"};
    case 1: return (ken_pen){ken_paint_of(KEN_UNKNOWN), 2.0, NULL};
    case 2: return (ken_pen){KEN_PAINT_INK, 1.6, NULL};
    default: return (ken_pen){ken_paint_of(KEN_HIGHLY_KNOWN), 2.0, NULL};
    }
}

static void add_key(ken_key *key, int line)
{
    ken_key_add(key, line == 0 ? 'd' : 'l', pen_of(line).paint, line == 0 ? "before fine-tuning" : heads[line]);
}

/* One line with a dot at each of its places; those without a value are left out. */
static void draw_line(const ken_plot *p, int line, const double *x, const double *y, int n)
{
    ken_spot spot[MOST];
    size_t m = 0;
    for (int i = 0; i < n && m < MOST; i++)
        if (!isnan(y[i])) spot[m++] = (ken_spot){ken_plot_x(p, x[i]), ken_plot_y(p, y[i])};
    ken_draw_curve(&p->g->drawing, pen_of(line), spot, m);
    for (size_t i = 0; i < m && line > 0; i++)
        ken_draw_dot(&p->g->drawing, pen_of(line).paint, 5.0, spot[i].x, spot[i].y);
}

typedef struct lines { /* of one figure */
    double x[MOST], y[LINES][MOST];
    int n;
    bool there[LINES];
} lines;

static void add_place(lines *l, double x, const ken_theory_mean *const y[LINES])
{
    l->x[l->n] = x;
    for (int i = 0; i < LINES; i++) {
        l->y[i][l->n] = y[i]->n > 0 ? y[i]->mean : NAN;
        l->there[i] |= y[i]->n > 0;
    }
    l->n++;
}

static void draw_lines(ken_figure *g, ken_plot *p, const lines *l, const char *x_title)
{
    ken_plot_grid(p, KEN_LEVELS);
    ken_plot_title_y(p, "held-out facts answered right");
    for (int i = 0; i < LINES; i++)
        if (l->there[i]) draw_line(p, i, l->x, l->y[i], l->n);
    ken_plot_edges(p, KEN_BASE | KEN_TICKS);
    ken_plot_title_x(p, x_title);
    for (int i = 0; i < LINES; i++) {
        if (!l->there[i]) continue;
        ken_buf_printf(&g->description, " %s:", heads[i]);
        for (int k = 0; k < l->n; k++)
            ken_buf_printf(&g->description, "%s %.1f%%", k > 0 ? "," : "", 100.0 * l->y[i][k]);
        ken_buf_puts(&g->description, ".");
    }
}

static ken_plot plot_in(ken_figure *g, const lines *l, double lo, double hi)
{
    ken_key key = {0};
    for (int i = 0; i < LINES; i++)
        if (l->there[i]) add_key(&key, i);
    ken_plot p = ken_plot_in(g, 44, 14, ken_key_draw(g, &key) + 28, 40);
    ken_axis_percents(&p.y, lo, hi);
    return p;
}

/* x, and what each line is there, as the table of the figure. */
static void put_table(ken_figure *g, const lines *l, const char *x_head, ken_cell_kind kind)
{
    ken_figure_column(g, x_head, kind);
    for (int i = 0; i < LINES; i++)
        if (l->there[i]) ken_figure_column(g, heads[i], KEN_CELL_SHARE);
    for (int k = 0; k < l->n; k++) {
        ken_figure_number(g, l->x[k]);
        for (int i = 0; i < LINES; i++)
            if (l->there[i]) ken_figure_number(g, l->y[i][k]);
    }
}

/* ---- over pretraining ------------------------------------------------------------------------------------------------------ */

/* A few lengths are named themselves: 15k; of more, powers of ten. */
static void name_steps(ken_axis *x, const lines *l)
{
    ken_axis_decades(x, l->x[0], l->x[l->n - 1]);
    if (l->n > 8) return;
    x->n = 0;
    x->lo = l->x[0] / (l->n > 1 ? 1 : 2);
    x->hi = l->x[l->n - 1] * (l->n > 1 ? 1 : 2);
    for (int i = 0; i < l->n; i++) {
        char label[24];
        const bool thousands = l->x[i] >= 1000 && fmod(l->x[i], 1000) == 0;
        snprintf(label, sizeof label, thousands ? "%.0fk" : "%.0f", l->x[i] / (thousands ? 1000 : 1));
        ken_axis_tick(x, l->x[i], label);
    }
}

/* c: the first of n cells of one Zipf exponent. */
static int over_steps(ken_figures *f, const ken_theory_cell *c, int n, size_t k, ken_err *err)
{
    lines l = {.n = 0};
    ken_figure *g = ken_figure_add(f, "Accuracy over pretraining", 250, err, "theory-accuracy-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    for (int i = 0; i < n && i < MOST; i++) {
        const ken_theory_mean *y[LINES] = {&c[i].before};
        for (int j = 1; j < LINES; j++) y[j] = &c[i].arm[arm_of[j]].accuracy;
        add_place(&l, (double)c[i].steps, y);
    }
    ken_plot p = plot_in(g, &l, 0, 1);
    name_steps(&p.x, &l);
    ken_buf_printf(&g->caption,
                   "Zipf exponent %g: fine-tuning attention on the popular half (Top), all (Whole) and the unpopular "
                   "half (Bottom).",
                   c->alpha);
    ken_buf_printf(&g->description, "Lines over the steps of pretraining, Zipf exponent %g.", c->alpha);
    draw_lines(g, &p, &l, "steps of pretraining");
    put_table(g, &l, "steps", KEN_CELL_COUNT);
    return ken_figure_done(g, err);
}

/* ---- over joint training ---------------------------------------------------------------------------------------------------- */

/* Epochs that are drawn: all, or of very many evenly spaced ones and the last. */
static int over_epochs(ken_figures *f, const ken_theory_joint *j, int epochs, size_t k, ken_err *err)
{
    const int stride = (epochs + MOST - 3) / (MOST - 2);
    const ken_theory_mean none = {.n = 0};
    lines l = {.n = 0};
    ken_figure *g = ken_figure_add(f, "Both weights trained", 220, err, "theory-joint-%zu", k);
    if (g == NULL) return KEN_ENOMEM;
    add_place(&l, 0, (const ken_theory_mean *const[LINES]){&none, &j->before, &j->before, &j->before});
    for (int e = 0; e < epochs; e++) {
        if ((e + 1) % stride != 0 && e + 1 < epochs) continue;
        const ken_theory_mean *y[LINES] = {&none};
        for (int i = 1; i < LINES; i++) y[i] = &j[e].accuracy[arm_of[i]];
        add_place(&l, j[e].epoch, y);
    }
    double lo = 1, hi = 0; /* in tens of percent around what there is */
    for (int i = 1; i < LINES; i++)
        for (int e = 0; e < l.n; e++) lo = fmin(lo, l.y[i][e]), hi = fmax(hi, l.y[i][e]);
    ken_plot p = plot_in(g, &l, floor(lo * 10) / 10, fmin(1, ceil(hi * 10) / 10));
    ken_axis_steps(&p.x, epochs, 8);
    ken_buf_printf(&g->caption, "Learning rates %g of W_V and %g of W_KQ; as many updates an epoch in each arm.",
                   j->lr_value, j->lr_attention);
    ken_buf_printf(&g->description,
                   "Lines over the epochs, from before fine-tuning on; learning rates %g of W_V and %g of W_KQ.",
                   j->lr_value, j->lr_attention);
    draw_lines(g, &p, &l, "epoch");
    put_table(g, &l, "epoch", KEN_CELL_COUNT);
    return ken_figure_done(g, err);
}

int ken_figures_theory(ken_figures *f, const ken_theory *t, ken_err *err)
{
    const ken_theory_options *o = ken_theory_settings(t);
    size_t n_cells, n_joints;
    const ken_theory_cell *c = ken_theory_cells(t, &n_cells);
    const ken_theory_joint *j = ken_theory_joints(t, &n_joints);
    int rc = KEN_OK;
    for (size_t i = 0; i < n_cells && rc == KEN_OK; i += (size_t)o->n_steps)
        rc = over_steps(f, &c[i], o->n_steps, i / (size_t)o->n_steps, err);
    for (size_t i = 0; i < n_joints && rc == KEN_OK; i += (size_t)o->joint_epochs)
        rc = over_epochs(f, &j[i], o->joint_epochs, i / (size_t)o->joint_epochs, err);
    return rc;
}
