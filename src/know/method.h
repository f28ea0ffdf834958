/* method.h - the ways in which the prompts of a row are answered, by name: `--method`, and what a row's method says.
 *
 * A method starts a question (asking.h) for a row whose prompts are in the trie, and turns what came out of it into the row's numbers. To add
 * one: a file with its question and its ken_method, its place in the list of method.c, and what a row of it holds in the store (store.h) and
 * prints. */
#ifndef KEN_KNOW_METHOD_H
#define KEN_KNOW_METHOD_H
#include "know/asking.h"
#include "know/row.h"

typedef struct ken_method_input { /* everything is borrowed and outlives the question */
    ken_engine *engine;
    ken_texter *texter;        /* used instead of the engine, for one that gives texts alone; else NULL */
    const char *const *prompt; /* (setup->rules.prompts) whole prompts as text, with a texter */
    const ken_setup *setup;
    const ken_example *x;
    const ken_golds *golds; /* the next three: of answers that are texts */
    const ken_node *root;   /* (n_root) the prompts' last nodes */
    int n_root;
    bool save_paths;                    /* explain: the accepted token paths are wanted too */
    const struct ken_choice_from *pool; /* where a method that makes its own prompts finds exemplars */
} ken_method_input;

struct ken_method {
    const char *name, *version; /* the version binds a run: another one gives other numbers */
    const char *about;          /* in a few words, for help; NULL: no choice of the user's */
    bool of_text;               /* answers are texts: they need golds and few-shot prompts */
    bool rules_out;             /* asks of unfinished texts whether they can become an answer: the matcher must say */
    bool own_draws;             /* draws with the row's id: rows that repeat are not alike */
    bool control;               /* the guess control can be used with it */
    bool by_texts;              /* can do with texts alone (engine/texter.h) */
    int (*start)(ken_question **out, const ken_method_input *in, ken_err *err);
    /* The numbers of a done question into out, whose id keys the draw. */
    int (*fill)(const ken_question *q, ken_row_maker *m, ken_row *out, ken_err *err);
};

extern const ken_method ken_method_exact, ken_method_sample, ken_method_choice;

/* NULL = "exact". KEN_EUSAGE with what there is for another name; multiple choice is no choice of the user's. */
int ken_method_find(const ken_method **out, const char *name, ken_err *err);
#endif
