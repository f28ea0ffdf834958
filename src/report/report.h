/* report.h - what a page is about, put together by report.c and written by page.c, sections.c, changes.c and dynamics.c. */
#ifndef KEN_REPORT_REPORT_H
#define KEN_REPORT_REPORT_H
#include "base/buf.h"
#include "base/out.h"
#include "report/figure.h"
#include "report/summary.h"

enum { KEN_RUN_NAME = 256, KEN_PLANE_SETS = 3 };

typedef struct ken_page_run { /* an annotation or an evaluation */
    ken_run *run;
    char name[KEN_RUN_NAME]; /* of its model; with the run's file where two are alike */
    bool annotated;
    ken_report_summary s; /* of an annotation */
} ken_page_run;

typedef struct ken_page_training {
    ken_run *run;
    char name[KEN_RUN_NAME];
    size_t category[KEN_N_CATEGORIES + 1]; /* of the rows trained; the last: not annotated */
} ken_page_training;

typedef struct ken_page_diff {
    ken_diff *diff;
    const ken_page_run *a, *b;
    size_t at_a, at_b; /* their places among the runs of the page */
} ken_page_diff;

typedef struct ken_page_plane { /* the linear model for one set */
    const char *set;
    ken_regression *r; /* NULL: why not */
    char why[400];
} ken_page_plane;

struct ken_report {
    char *title; /* NULL = what the runs say */
    size_t room;
    ken_page_run *run; /* (n_runs) annotations, then evaluations, each in the order given */
    size_t n_runs, n_annotated;
    ken_page_training *training; /* (n_trainings) */
    size_t n_trainings;
    ken_page_diff *diff; /* (n_diffs) */
    size_t n_diffs;
    ken_page_plane plane[KEN_PLANE_SETS];
    size_t n_planes;
    ken_figures *figures;
    char **note; /* (n_notes) */
    size_t n_notes, cap_notes;
};

int ken_report_add_note(ken_report *r, ken_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int ken_page_put(ken_out *o, ken_report *r, ken_err *err); /* page.c: all of it */
#endif
