/* label_rules.c - see label_rules.h. */
#include "study/label_rules.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char form[] =
    "expected CATEGORY:QUANTITY>=NUMBER, as in HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown, with p_t0, p_t "
    "or p_unknown and one of >= > <= <";

static const char *skip(const char *p)
{
    while (*p == ' ') p++;
    return p;
}

/* Is the word `name` at *p? Moves past it. */
static bool take(const char **p, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(*p, name, n) != 0) return false;
    *p = skip(*p + n);
    return true;
}

static bool take_quantity(const char **p, ken_quantity *q)
{
    if (take(p, "p_unknown")) *q = KEN_P_UNKNOWN;
    else if (take(p, "p_t0")) *q = KEN_P_T0; /* before p_t, with which it begins */
    else if (take(p, "p_t")) *q = KEN_P_T;
    else return false;
    return true;
}

static bool take_comparison(const char **p, bool *below, bool *equal)
{
    *below = **p == '<';
    if (**p != '<' && **p != '>') return false;
    ++*p;
    *equal = **p == '=';
    *p = skip(*p + *equal);
    return true;
}

static bool take_number(const char **p, double *x)
{
    char *end;
    if ((**p < '0' || **p > '9') && **p != '.') return false; /* no "inf", no hexadecimal, no sign */
    errno = 0;
    *x = strtod(*p, &end);
    if (errno != 0 || end == *p || *x > 1.0) return false;
    *p = skip(end);
    return true;
}

int ken_label_rules_parse(ken_label_rules *r, const char *text, ken_err *err)
{
    const char *p = skip(text);
    *r = (ken_label_rules){0};
    for (;;) {
        const char *start = p;
        if (r->n == KEN_MAX_RULES) return ken_fail(err, KEN_EUSAGE, "more than %d rules", KEN_MAX_RULES);
        int k = 0;
        while (k < KEN_UNLABELLED && !take(&p, ken_category_name(k))) k++;
        bool good = k < KEN_UNLABELLED;
        r->rule[r->n].category = k;
        r->rule[r->n].quantity = KEN_ALWAYS;
        if (good && *p == ':') {
            p = skip(p + 1);
            good = take_quantity(&p, &r->rule[r->n].quantity) &&
                   take_comparison(&p, &r->rule[r->n].below, &r->rule[r->n].equal) &&
                   take_number(&p, &r->rule[r->n].limit);
        }
        if (!good || (*p != ',' && *p != '\0'))
            return ken_fail(err, KEN_EUSAGE, "the rule \"%.60s\" makes no sense; %s", start, form);
        r->n++;
        if (*p == '\0') return KEN_OK;
        if (r->rule[r->n - 1].quantity == KEN_ALWAYS)
            return ken_fail(err, KEN_EUSAGE,
                            "the rule \"%.60s\" can never be reached, for the one before it always holds", skip(p + 1));
        p = skip(p + 1);
    }
}

static bool holds(double x, bool below, bool equal, double limit)
{
    return (equal && x == limit) || (below ? x < limit : x > limit);
}

unsigned ken_label_rules_apply(const ken_label_rules *r, const ken_label_values *v)
{
    unsigned possible = 0;
    for (int i = 0; i < r->n; i++) {
        const double *x = r->rule[i].quantity == KEN_P_T0  ? v->p_t0
                          : r->rule[i].quantity == KEN_P_T ? v->p_t
                                                           : v->p_unknown;
        bool at_lo =
            r->rule[i].quantity == KEN_ALWAYS || holds(x[0], r->rule[i].below, r->rule[i].equal, r->rule[i].limit);
        bool at_hi =
            r->rule[i].quantity == KEN_ALWAYS || holds(x[1], r->rule[i].below, r->rule[i].equal, r->rule[i].limit);
        if (at_lo || at_hi) possible |= 1u << r->rule[i].category;
        if (at_lo && at_hi) return possible;
    }
    return possible | v->otherwise;
}
