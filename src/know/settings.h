/* settings.h - options checked and turned into the rules of a run, and everything that decides a label as the run's settings. */
#ifndef KEN_KNOW_SETTINGS_H
#define KEN_KNOW_SETTINGS_H
#include "base/arena.h"
#include "data/data.h"
#include "know/golds.h"
#include "know/prompt.h"
#include "know/rules.h"
#include "nn/net.h"
#include "store/setting_list.h"

typedef struct ken_method ken_method; /* method.h */

typedef struct ken_setup { /* options, checked */
    ken_rules rules;
    ken_prompt_style style;
    ken_gold_rules golds;
    int shots;
    uint64_t exemplar_seed;
    const ken_method *method; /* of rows whose answers are texts; multiple choice has its own */
    bool control;
    ken_isa isa;
    /* The caller fills these in before ken_settings_list: rows asked for, and where exemplars come from. */
    size_t n_rows;
    ken_exemplar_source exemplars;
} ken_setup;

/* KEN_EUSAGE naming the option. Strings are borrowed from o. A matcher that cannot rule texts out needs a method that does without; other names in
 * the data (d, or NULL) need a matcher that uses them. Free with ken_settings_free, also after a failure. */
int ken_settings_check(ken_setup *p, const ken_annotate_options *o, const ken_model *m, const ken_data *d,
                       ken_err *err);
void ken_settings_free(ken_setup *p);

/* The options' exemplars and rows to annotate. */
ken_exemplar_options ken_settings_exemplars(const ken_annotate_options *o);

/* Versions of the parts of the method: raised when the same input gives another result, which freezes the runs made before. Those of matchers
 * are in their names. A version of the package freezes nothing. */
#define KEN_PROMPT_VERSION    "1" /* text and tokens of a prompt (prompt.c, choice.c) */
#define KEN_DRAW_VERSION      "1" /* exemplar sets, samples and the seeded draw (data/exemplars.c, base/rng.c, category.c) */
#define KEN_CROSS_FIT_VERSION "1" /* raised when rows get other rows as exemplars */

/* What identifies a model and how it computes. m has been hashed. */
void ken_settings_model(ken_setting_list *l, ken_model *m, const char *compute, ken_isa isa, const char *gemm);

/* Everything that binds an annotation as a whole, and what informs only: another value of a binding one gives other results. What may
 * differ from row to row is in identity.h. m has been hashed. */
int ken_settings_list(const ken_setup *p, const ken_annotate_options *o, ken_model *m, const char *gemm,
                      const ken_data *d, ken_setting_list *l, ken_err *err);
#endif
