/* row.h - a finished row: what the methods share to make a ken_row of their results. */
#ifndef KEN_KNOW_ROW_H
#define KEN_KNOW_ROW_H
#include "base/arena.h"
#include "know/category.h"
#include "know/settings.h"

typedef struct ken_walk_prompt { /* what is known of one prompt when its answers are texts */
    bool hit, hit_raw;           /* greedy verdicts */
    const char *text;            /* greedy answer (n_text bytes, NUL-terminated), NULL when not completed */
    size_t n_text;
    ken_finish finish;
    double text_p;
    double
        margin; /* smallest gap between the two largest logits on the greedy path as far as the verdict depends on it */
    double
        top_gap; /* between logits at places top_k and top_k + 1: smallest on the paths that carry mass, else at the root */
    double p_lo, p_hi;       /* bounds of P_Correct of this prompt (walk.c) */
    double raw_lo, raw_hi;   /* the same for answers that em-raw accepts too */
    int32_t forwarded;       /* nodes */
    const ken_request *root; /* the root's logits: the likeliest first tokens */
    const struct ken_walk_path *paths;
    int32_t n_paths;
} ken_walk_prompt;

/* Memory of the row last made, which the next one reuses: arrays of one element a prompt. */
typedef struct ken_row_maker {
    const ken_setup *setup;
    const ken_example *x; /* the row that was asked */
    ken_arena arena;
    ken_prompt_row *rows;
    bool *hit;
    double *lo, *hi;
    int *hits;
} ken_row_maker;

/* KEN_ENOMEM. Free with ken_row_maker_free, also after a failure. */
int ken_row_maker_init(ken_row_maker *m, const ken_setup *setup, const ken_example *x, ken_err *err);
void ken_row_maker_free(ken_row_maker *m);
/* A row of x, m->x or one that repeats it, without a label yet. Drops the row made before. */
void ken_row_begin(ken_row_maker *m, const ken_example *x, ken_row *out);
/* Prompt number i: verdicts, texts and first tokens, also for the label; counts what the row sums over prompts. */
int ken_row_prompt(ken_row_maker *m, int i, const ken_walk_prompt *p, ken_row *out, ken_err *err);
/* The label, from the results of all prompts. */
void ken_row_label(ken_row_maker *m, const ken_knowledge *k, ken_row *out);
#endif
