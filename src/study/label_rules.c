/* label_rules.c - see label_rules.h. */
#include "study/label_rules.h"

static int check_rule(const ken_score_rule *r, int place, ken_err *err)
{
    if (r->category < 0 || r->category >= KEN_UNLABELLED)
        return ken_fail(err, KEN_EUSAGE, "rule %d: %d is none of the four categories", place, r->category);
    if (r->value < KEN_RULE_ALWAYS || r->value > KEN_RULE_P_UNKNOWN)
        return ken_fail(err, KEN_EUSAGE, "rule %d: %d is none of KEN_RULE_*", place, r->value);
    if (r->relation < KEN_AT_LEAST || r->relation > KEN_BELOW)
        return ken_fail(err, KEN_EUSAGE, "rule %d: relation %d is none of KEN_AT_LEAST to KEN_BELOW", place,
                        r->relation);
    if (r->value != KEN_RULE_ALWAYS && !(r->bound >= 0 && r->bound <= 1))
        return ken_fail(err, KEN_EUSAGE, "rule %d: the bound %g is no probability", place, r->bound);
    return KEN_OK;
}

int ken_label_rules_set(ken_label_rules *to, const ken_score_rule *rule, int n, ken_err *err)
{
    *to = (ken_label_rules){0};
    if (n < 0 || n > KEN_MAX_RULES)
        return ken_fail(err, KEN_EUSAGE, "%d rules: at most %d are possible", n, KEN_MAX_RULES);
    for (int i = 0; i < n; i++) {
        int rc = check_rule(&rule[i], i + 1, err);
        if (rc != KEN_OK) return rc;
        if (i > 0 && rule[i - 1].value == KEN_RULE_ALWAYS)
            return ken_fail(err, KEN_EUSAGE, "rule %d can never be reached, for the one before it always holds", i + 1);
        to->rule[to->n++] = rule[i];
    }
    return KEN_OK;
}

void ken_label_rules_text(ken_buf *out, const ken_label_rules *r)
{
    static const char *const value[] = {"", "p_t0", "p_t", "p_unknown"}, *const relation[] = {">=", ">", "<=", "<"};
    for (int i = 0; i < r->n; i++) {
        const ken_score_rule *x = &r->rule[i];
        ken_buf_printf(out, "%s%s", i > 0 ? "," : "", ken_category_name(x->category));
        if (x->value != KEN_RULE_ALWAYS)
            ken_buf_printf(out, ":%s%s%g", value[x->value], relation[x->relation], x->bound);
    }
}

static bool holds(double x, const ken_score_rule *r)
{
    switch (r->relation) {
    case KEN_AT_LEAST: return x >= r->bound;
    case KEN_ABOVE: return x > r->bound;
    case KEN_AT_MOST: return x <= r->bound;
    default: return x < r->bound;
    }
}

unsigned ken_label_rules_apply(const ken_label_rules *r, const ken_label_values *v)
{
    unsigned possible = 0;
    for (int i = 0; i < r->n; i++) {
        const ken_score_rule *rule = &r->rule[i];
        const double *x = rule->value == KEN_RULE_P_T0 ? v->p_t0 : rule->value == KEN_RULE_P_T ? v->p_t : v->p_unknown;
        const bool always = rule->value == KEN_RULE_ALWAYS;
        bool at_lo = always || holds(x[0], rule), at_hi = always || holds(x[1], rule);
        if (at_lo || at_hi) possible |= 1u << rule->category;
        if (at_lo && at_hi) return possible;
    }
    return possible | v->otherwise;
}
