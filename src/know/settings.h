/* settings.h - options checked and turned into the rules of a run, and everything that decides a label as the run's settings. */
#ifndef KEN_KNOW_SETTINGS_H
#define KEN_KNOW_SETTINGS_H
#include "base/arena.h"
#include "data/data.h"
#include "know/prompt.h"
#include "know/rules.h"
#include "nn/net.h"
#include "store/store.h"
#include "text/accept.h"

typedef struct ken_plan_of_run { /* options, checked */
    ken_rules rules;
    ken_prompt_style style;
    ken_matcher matcher;
    int shots;
    uint64_t exemplar_seed;
    bool sample, control;
    ken_isa isa;
    size_t n_rows; /* asked for: the caller fills it in before ken_settings_list */
} ken_plan_of_run;

/* KEN_EUSAGE naming the option. Strings are borrowed from o. A matcher without an automaton needs o->sample: refused otherwise. */
int ken_settings_check(ken_plan_of_run *p, const ken_annotate_options *o, const ken_model *m, ken_err *err);

/* What the options say of exemplars and of the rows to annotate. */
ken_exemplar_options ken_settings_exemplars(const ken_annotate_options *o);

/* The settings of the run (design.md invariant 5), allocated in arena. data_hash, exemplars_hash: ken_settings_data_hash
 * of the data and of --exemplars ("" without). */
int ken_settings_list(const ken_plan_of_run *p, const ken_annotate_options *o, ken_model *m, const char *gemm,
                      const ken_data *d, const char *data_hash, const char *exemplars_hash, ken_arena *arena,
                      ken_setting **out, size_t *n, ken_err *err);

/* SHA-256 over ids, questions, answers and choices of d in order: the data that a run belongs to. */
int ken_settings_data_hash(const ken_data *d, char hex[65], ken_err *err);
#endif
