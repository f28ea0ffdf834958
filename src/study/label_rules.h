/* label_rules.h - categories by thresholds on P_Correct in place of the protocol's (ken_score_rule of ken_study.h).
 *
 * The first rule that holds gives the category. Where no rule holds, the category stays. */
#ifndef KEN_STUDY_LABEL_RULES_H
#define KEN_STUDY_LABEL_RULES_H
#include "base/buf.h"
#include "base/error.h"

enum { KEN_MAX_RULES = 16 };

typedef struct ken_label_rules {
    int n;
    ken_score_rule rule[KEN_MAX_RULES];
} ken_label_rules;

/* What is known of a row: a value, or the ends of an interval. */
typedef struct ken_label_values {
    double p_t0[2], p_t[2], p_unknown[2]; /* lo, hi */
    unsigned otherwise;                   /* possible categories (bit 1 << k) when no rule holds */
} ken_label_values;

/* Checked copies of rule (n). KEN_EUSAGE for one that makes no sense or can never be reached. */
int ken_label_rules_set(ken_label_rules *to, const ken_score_rule *rule, int n, ken_err *err);
/* "HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown"; nothing without rules. */
void ken_label_rules_text(ken_buf *out, const ken_label_rules *r);
/* The categories that some value in the intervals may give, taken one interval at a time: bit 1 << k. Never empty. */
unsigned ken_label_rules_apply(const ken_label_rules *r, const ken_label_values *v);
#endif
