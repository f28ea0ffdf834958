/* figure.h - a plot of the page: its numbers, its words and its drawing.
 *
 *     ken_figures *f;
 *     ken_figures_new(&f, &err);
 *     ken_figures_annotation(f, run, &summary, 0, &err);    made and drawn
 *     ken_figure_put(out, f, "p-correct-0");                <figure>: SVG, caption, text alternative, numbers as CSV
 *     ken_figures_write(f, "plots", "pdf", NULL, &err);     files for papers
 *
 * One drawing is inline SVG for the page, whose colours are the page's CSS variables (so that dark mode and print work), and a file for
 * papers: SVG as it is, PNG and PDF by rsvg-convert from that. */
#ifndef KEN_REPORT_FIGURE_H
#define KEN_REPORT_FIGURE_H
#include "base/out.h"
#include "report/summary.h"

typedef struct ken_figures ken_figures;

int ken_figures_new(ken_figures **out, ken_err *err);
void ken_figures_free(ken_figures *f);
/* Asked several times a second while files are written, which then ends with KEN_ESTOP; NULL = never. */
void ken_figures_set_poll(ken_figures *f, ken_poll_fn poll, void *ctx);

/* Adds the figures of one thing; those that it has no numbers for are left out. k, the number of the run (or pair) on the page, ends the names.
 * Annotation: "p-correct-K", "greedy-K", "saturation-K", "samples-K", "popularity-K", "flip-K", "relations-K".
 * Diff: "transitions-K", "change-relations-K", "change-p-K". Training: "fit-K", "accuracy-K", "categories-K", "loss-K".
 * Regression: "regression-SET". Theory: "theory-accuracy-K", K numbering the Zipf exponents; "theory-joint-K", the pairs of learning rates. */
int ken_figures_annotation(ken_figures *f, const ken_run *run, const ken_report_summary *s, size_t k, ken_err *err);
int ken_figures_diff(ken_figures *f, const ken_diff *d, size_t k, ken_err *err);
int ken_figures_training(ken_figures *f, ken_run *run, size_t k, ken_err *err);
int ken_figures_regression(ken_figures *f, const ken_regression *r, const char *set, ken_err *err);

int ken_figures_theory(ken_figures *f, const ken_theory *t, ken_err *err);

size_t ken_figures_count(const ken_figures *f);
const char *ken_figures_name(const ken_figures *f, size_t i); /* borrowed */

bool ken_figures_stopped(const ken_figures *f, ken_err *err); /* the poll said so: KEN_ESTOP */
/* A <figure> for the page; nothing when there is no figure of that name. */
void ken_figure_put(ken_out *o, const ken_figures *f, const char *name);
/* Writes dir/NAME.FORMAT for each (format "svg", "png", "pdf", "csv"), or only the one called `only`; dir is made when missing. PNG and PDF
 * without rsvg-convert: KEN_EFAIL, naming its package. */
int ken_figures_write(const ken_figures *f, const char *dir, const char *format, const char *only, ken_err *err);
#endif
