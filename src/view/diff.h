/* diff.h - the views of a comparison: diff.c has the whole, diff_tables.c and diff_groups.c its tables, which a page arranges in sections of its
 * own. */
#ifndef KEN_VIEW_DIFF_H
#define KEN_VIEW_DIFF_H
#include "view/views.h"

typedef struct ken_diff_view { /* of rows of one kind: multiple choice, or the others */
    ken_views *v;
    const ken_diff *d;
    const ken_diff_group *all; /* of that kind */
    const char *path;          /* of the kind in JSON: "", or the name of an object */
    const char *a, *b;         /* what the runs are called: "A" and "B", "before" and "after" */
} ken_diff_view;

/* Categories rather than right and wrong: annotated rows that are no multiple choice. */
bool ken_view_has_categories(const ken_diff_view *x);
void ken_view_transitions(const ken_diff_view *x); /* from where to where: a matrix */
void ken_view_lost_gained(const ken_diff_view *x); /* with shares and McNemar's test */
void ken_view_means(const ken_diff_view *x);       /* how many are right in both, and the change with its test */
void ken_view_diff_all(const ken_diff_view *x);    /* all numbers of the kind, for JSON */
typedef struct ken_grouping_shown {                /* what became of a table of groups */
    size_t groups, shown, on_page;                 /* lines: all, on a terminal without -v, on a page */
    bool tested;                                   /* there is a line with a p-value */
} ken_grouping_shown;
/* head: over the names. Relations the worst first. */
ken_grouping_shown ken_view_diff_groups(const ken_diff_view *x, const char *grouping, const char *head);

/* What the tables share. */
typedef struct ken_diff_kinds { /* categories, or verdicts; the last of either is neither known nor unknown */
    int n;
    const uint64_t *moved; /* (n, n) */
    const char *(*name)(int kind);
} ken_diff_kinds;
ken_diff_kinds ken_view_kinds(const ken_diff_view *x, const ken_diff_group *g);
typedef struct ken_diff_ends { /* a number, and its 95 % interval */
    double x, lo, hi;
} ken_diff_ends;
ken_diff_ends ken_view_known(uint64_t known, uint64_t rest);                            /* the share known in one run */
ken_style ken_view_change_style(double change);                                         /* better or worse */
const char *ken_view_below(const ken_diff_view *x, const char *name);                   /* path of the kind, and name */
const char *ken_view_in_run(const ken_diff_view *x, const char *what, const char *run); /* "known before" */
#endif
