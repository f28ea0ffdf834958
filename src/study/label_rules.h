/* label_rules.h - categories by thresholds on P_Correct in place of the protocol's: `--threshold` of ken score.
 *
 *     HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,WeaklyKnown:p_t>0,Unknown
 *
 * The first rule that holds gives the category. A category alone always holds; where no rule holds, the category stays. */
#ifndef KEN_STUDY_LABEL_RULES_H
#define KEN_STUDY_LABEL_RULES_H
#include "base/error.h"

typedef enum ken_quantity { KEN_ALWAYS, KEN_P_T, KEN_P_T0, KEN_P_UNKNOWN } ken_quantity;

enum { KEN_MAX_RULES = 16 };

typedef struct ken_label_rules {
    int n;
    struct {
        int category;
        ken_quantity quantity;
        bool below, equal; /* below: < or <=, else > or >=; equal: the limit itself counts */
        double limit;
    } rule[KEN_MAX_RULES];
} ken_label_rules;

/* What is known of a row: a value, or the ends of an interval. */
typedef struct ken_label_values {
    double p_t0[2], p_t[2], p_unknown[2]; /* lo, hi */
    unsigned otherwise;                   /* possible categories (bit 1 << k) when no rule holds */
} ken_label_values;

int ken_label_rules_parse(ken_label_rules *r, const char *text, ken_err *err);
/* The categories that some value in the intervals may give, taken one interval at a time: bit 1 << k. Never empty. */
unsigned ken_label_rules_apply(const ken_label_rules *r, const ken_label_values *v);
#endif
