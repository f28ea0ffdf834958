/* ken_views.h - a result as it is shown; a part of ken.h, which includes it.
 *
 * A result becomes a list of views (headings, sentences, values, tables), and every form is made of these: a program prints them on a
 * terminal, the library makes JSON (ken_views_json), CSV and LaTeX (ken_views_csv, ken_views_latex) and a page of them. The forms cannot
 * disagree, since each number is in the views once.
 *
 *     ken_views *v;
 *     char *text;
 *     if (ken_views_of_run(&v, run, NULL, &err) == KEN_OK && ken_views_json(v, &text, &err) == KEN_OK) puts(text); */
#ifndef KEN_H
#include "ken.h" /* which includes this file at its place */
#elif !defined KEN_VIEWS_H
#define KEN_VIEWS_H

/* What a text or a number says besides itself. */
typedef enum ken_style {
    KEN_STYLE_PLAIN,
    KEN_STYLE_STRONG,
    KEN_STYLE_QUIET,    /* less important than what is around it */
    KEN_STYLE_CATEGORY, /* + KEN_HIGHLY_KNOWN ... KEN_UNLABELLED */
    KEN_STYLE_BETTER = KEN_STYLE_CATEGORY + KEN_HIGHLY_KNOWN,
    KEN_STYLE_WORSE = KEN_STYLE_CATEGORY + KEN_UNKNOWN
} ken_style;

typedef enum ken_unit {
    KEN_UNIT_TEXT,
    KEN_UNIT_TRUTH,  /* true or false: count */
    KEN_UNIT_COUNT,  /* a whole number: count */
    KEN_UNIT_REAL,   /* value, with the column's digits */
    KEN_UNIT_EXACT,  /* value, a number of the data's own: with all its digits everywhere */
    KEN_UNIT_SHARE,  /* value from 0 to 1, shown in percent */
    KEN_UNIT_PART,   /* count, shown as a share of `of` in percent; the count itself in JSON and CSV */
    KEN_UNIT_CHANGE, /* value, a difference of two shares, shown in points with its sign */
    KEN_UNIT_P,      /* value: a p-value, shown with two digits */
    KEN_UNIT_BAR,    /* value from 0 to 1, drawn as a bar; neither in JSON nor in CSV */
    KEN_UNIT_PARTS   /* part (n_parts): counts that make up a whole, drawn as one bar; likewise */
} ken_unit;

/* Where a view, a row or a column stands. */
enum {
    KEN_ON_TERMINAL = 1,
    KEN_ON_PAGE = 2,
    KEN_IN_JSON = 4,
    KEN_IN_CSV = 8,
    KEN_IF_VERBOSE = 16, /* on a terminal only when more is asked for */
    KEN_IF_ROOM = 32,    /* on a terminal only when it is wide enough for all */
    KEN_INTERVAL_IF_VERBOSE = 64,
    KEN_UNLESS_VERBOSE = 128, /* on a terminal only when no more is asked for: what is said of the rest */
    KEN_SHOWN = KEN_ON_TERMINAL | KEN_ON_PAGE,
    KEN_IN_DATA = KEN_IN_JSON | KEN_IN_CSV,
    KEN_EVERYWHERE = KEN_SHOWN | KEN_IN_DATA
};

typedef struct ken_view_column {
    const char *head; /* over the column; "" = nothing */
    /* Its name in JSON and CSV, "p_t.change" for change in the object p_t; NULL: its head, in CSV alone. */
    const char *key;
    const char *sub; /* a name inside of the object called key: any text; or NULL */
    /* Those of the interval's ends. hi_key NULL: [lo, hi] under lo_key; both NULL: there is no interval. */
    const char *lo_key, *hi_key;
    ken_unit unit;
    int digits;      /* behind the decimal point: of reals, shares and changes */
    int width;       /* columns on a terminal, the space in front included; wider where a text needs it */
    unsigned where;  /* KEN_ON_TERMINAL | ... */
    ken_style style; /* of the head */
} ken_view_column;

typedef struct ken_view_cell {
    bool there; /* false: nothing is known, or nothing is to be said */
    ken_style style;
    const char *text;
    double value, lo, hi; /* lo NaN: no interval is known */
    uint64_t count, of;
    const uint64_t *part;
    int n_parts;
} ken_view_cell;

typedef struct ken_view_row {
    /* Where its cells are put in JSON: names of objects joined by dots ("groups.category"), "" the outermost one. A backslash
     * takes what follows as part of the name. name[] appends an element to a list, name[3] is the fourth, name[-1] the last.
     * NULL: not in JSON. */
    const char *path;
    const char *key;           /* and the key of an object in there: any text; or NULL */
    const char *between;       /* instead of cells: a line between rows, as in "by relation" */
    const ken_view_cell *cell; /* (n_columns of the view) */
    unsigned where;            /* KEN_ON_TERMINAL | ...: where the row stands, as for columns */
    bool total;                /* stands for all the others */
} ken_view_row;

typedef struct ken_span { /* a part of a sentence */
    const char *text;
    ken_style style;
} ken_span;

typedef enum ken_view_kind {
    KEN_VIEW_HEADING, /* text, level */
    KEN_VIEW_TEXT,    /* spans: a sentence or more */
    KEN_VIEW_VALUES,  /* a table of one row: its columns are values with names of their own */
    KEN_VIEW_TABLE
} ken_view_kind;

typedef struct ken_view {
    ken_view_kind kind;
    const char *title;    /* of a table; NULL = none */
    bool headless;        /* a table without a line of heads */
    bool close;           /* no empty line in front of it */
    bool square;          /* a table whose rows and columns are of one kind: a page does not break it up */
    int indent;           /* of a text: spaces in front of its lines on a terminal */
    unsigned where;       /* KEN_ON_TERMINAL | ... */
    int level;            /* of a heading */
    const ken_span *span; /* (n_spans) */
    size_t n_spans;
    const ken_view_column *column; /* (n_columns) */
    size_t n_columns;
    const ken_view_row *row; /* (n_rows) */
    size_t n_rows;
} ken_view;

typedef struct ken_views ken_views;

enum {                 /* orders of relations */
       KEN_SORT_ORDER, /* of the data */
       KEN_SORT_NAME,
       KEN_SORT_FACTS,
       KEN_SORT_KNOWN,   /* HighlyKnown and MaybeKnown; of multiple choice, prompts right */
       KEN_SORT_CATEGORY /* + KEN_HIGHLY_KNOWN ... KEN_UNLABELLED */
};
typedef struct ken_show_options { /* of an annotation */
    size_t size;
    ken_names relations; /* only these; none = all */
    int sort;            /* KEN_SORT_* */
    bool falling;
} ken_show_options;
KEN_DEFAULTS(ken_show_options, ken_show_defaults)

/* Of a run of any kind; o may be NULL. Free with ken_views_free; the run may be freed before. */
KEN_API int ken_views_of_run(ken_views **out, ken_run *r, const ken_show_options *o, ken_err *err);
/* What the labels of an annotation may hide and what to do about it, in sentences; none when there is nothing to say. ken_views_of_run has them too. */
KEN_API int ken_views_of_advice(ken_views **out, ken_run *r, ken_err *err);
/* Of an evaluation, with its changes when ken_evaluation_changes was asked for them. */
KEN_API int ken_views_of_evaluation(ken_views **out, const ken_evaluation *e, ken_err *err);
KEN_API int ken_views_of_data(ken_views **out, const ken_data *d, ken_err *err);
/* Where and how it was written: output NULL = nowhere. */
KEN_API int ken_views_of_selection(ken_views **out, const ken_selection *s, const char *output, const char *format,
                                   ken_err *err);
KEN_API int ken_views_of_model(ken_views **out, const ken_model *m, bool tensors, ken_err *err); /* its tensors too */
KEN_API int ken_views_of_plan(ken_views **out, const ken_training_plan *p, ken_err *err);
typedef struct ken_training_speed {      /* of one call of ken_train: in what two of the same training differ */
    double seconds, training_seconds;    /* in all; spent on updates */
    uint64_t examples, tokens, forwards; /* since its first point */
} ken_training_speed;

/* For programs, in JSON alone: a measurement, as ken_train hands it out, with the seconds spent on updates until then (NaN = not said);
 * and a training with where it is. ken_views_of_run is for people. */
KEN_API int ken_views_of_point(ken_views **out, const ken_point *p, const ken_measure *m, size_t n,
                               double training_seconds, ken_err *err);
KEN_API int ken_views_of_step(ken_views **out, const ken_train_step *s, ken_err *err); /* one flat object */
KEN_API int ken_views_of_training(ken_views **out, ken_run *r, const char *dir, const ken_training_speed *speed,
                                  ken_err *err);

typedef struct ken_diff_show_options { /* of a comparison; the defaults: without what it says of the runs */
    size_t size;
    const ken_run *run[2]; /* A and B, for their models and settings; or NULL */
    const char *path[2];   /* what they are called; or NULL */
    size_t listed;         /* lost facts that are shown one by one, and as many gained ones */
} ken_diff_show_options;
KEN_DEFAULTS(ken_diff_show_options, ken_diff_show_defaults)

/* Of a comparison; o may be NULL. */
KEN_API int ken_views_of_diff(ken_views **out, const ken_diff *d, const ken_diff_show_options *o, ken_err *err);

typedef struct ken_curve {        /* a saturation curve */
    const int *prompts, *samples; /* (n_prompts), (n_samples) */
    size_t n_prompts, n_samples;
    const double *share; /* (n_prompts, n_samples, 4): as ken_scoring_curve fills it */
} ken_curve;

typedef struct ken_compared { /* another run, and how far its labels agree */
    const char *name;         /* its file */
    const ken_run *run;
    ken_agreement agreement; /* of ken_agree, the scoring that is shown as A */
} ken_compared;

/* Of a scoring: its labels, or in their place the curve and the comparisons (n_against) when there are any; JSON has the labels too. A run
 * without a label says so. curve may be NULL. */
KEN_API int ken_views_of_scoring(ken_views **out, const ken_scoring *s, const ken_curve *curve,
                                 const ken_compared *against, size_t n_against, ken_err *err);
/* Of what the verdicts of a sheet (its file) say. */
KEN_API int ken_views_of_audit(ken_views **out, const ken_scoring *s, const char *sheet, const ken_audited *x,
                               ken_err *err);
/* Of an explanation, with at most `top` paths and answers for a prompt (JSON: all). */
KEN_API int ken_views_of_explanation(ken_views **out, const ken_explanation *x, int top, ken_err *err);
/* Of one row, for JSON alone (docs/json.md#rows); how = NULL, or what ken_scoring_row says of it. */
KEN_API int ken_views_of_row(ken_views **out, const ken_row *r, const ken_scored *how, ken_err *err);

/* What the truth says of the measures. */
KEN_API int ken_views_of_measures(ken_views **out, const ken_measures *m, ken_err *err);
/* Of a synthetic world, made in dir; o: what it was asked to be. */
KEN_API int ken_views_of_world(ken_views **out, const ken_world_made *w, const ken_world_options *o, const char *dir,
                               ken_err *err);
/* Of the one-layer theory. */
KEN_API int ken_views_of_theory(ken_views **out, const ken_theory *t, ken_err *err);

KEN_API void ken_views_free(ken_views *v);
KEN_API size_t ken_views_count(const ken_views *v);
KEN_API const ken_view *ken_views_get(const ken_views *v, size_t i); /* borrowed; NULL past the last */
/* One JSON object on one line, numbers with nine digits; every table as CSV (RFC 4180), one behind the other with an empty line between; every
 * table that is shown as a LaTeX tabular. *text is the caller's, to be freed with ken_text_free. */
KEN_API int ken_views_json(const ken_views *v, char **text, ken_err *err);
KEN_API int ken_views_csv(const ken_views *v, char **text, ken_err *err);
KEN_API int ken_views_latex(const ken_views *v, char **text, ken_err *err);
KEN_API void ken_text_free(char *text);
/* A number of the data's own, with the fewest digits that read back the same; a real one never looks like a whole one: "1234567891.0". Returns buf. */
KEN_API const char *ken_exact_text(char buf[40], double x);
KEN_API const char *ken_count_text(char buf[32], uint64_t n); /* 12345678 as "12,345,678", as everywhere; returns buf */
/* A cell as it is shown, without colour and width: "41.2%", "1,234". buf (64 bytes) or the cell's text; "" for nothing. */
KEN_API const char *ken_view_cell_text(const ken_view_column *c, const ken_view_cell *x, char buf[64]);
/* "[38.0, 44.5]"; "" without an interval. */
KEN_API const char *ken_view_interval_text(const ken_view_column *c, const ken_view_cell *x, char buf[64]);
#endif
