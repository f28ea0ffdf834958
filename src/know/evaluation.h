/* evaluation.h - inside of an evaluation: what evaluate.c (asking), evaluation.c (the result, stored) and change.c (compared) share.
 * The public interface is ken.h. */
#ifndef KEN_KNOW_EVALUATION_H
#define KEN_KNOW_EVALUATION_H
#include "base/arena.h"
#include "store/setting_list.h"

struct ken_evaluation {
    ken_arena arena;    /* all texts */
    ken_evaluated *row; /* (n_rows) data order */
    size_t n_rows;
    bool labelled; /* rows have categories */
    const char *more[KEN_MORE_MATCHERS];
    int n_more;
    ken_measure *measure; /* (n_measures) by set, grouping, key */
    size_t n_measures, cap_measures;
    ken_setting_list settings;
    ken_change *change; /* (n_changes) */
    size_t n_changes, cap_changes;
};

int ken_evaluation_add(ken_evaluation *e, const ken_measure *m, ken_err *err); /* texts are borrowed */
void ken_evaluation_sort(ken_evaluation *e);                                   /* the measures, in their order */
#endif
