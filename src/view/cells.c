/* cells.c - what a cell says, in characters: the one place where numbers get their digits. */
#include "model/json.h"
#include "view/views.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *ken_count_text(char buf[32], uint64_t n)
{
    char s[24];
    int len = snprintf(s, sizeof s, "%" PRIu64, n), to = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) buf[to++] = ',';
        buf[to++] = s[i];
    }
    buf[to] = '\0';
    return buf;
}

const char *ken_views_count_text(ken_views *v, uint64_t n)
{
    char buf[32];
    return ken_views_keep(v, "%s", ken_count_text(buf, n));
}

const char *ken_p_text(double p, char buf[32])
{
    if (isnan(p)) return "p = ?";
    if (p < 0.001) return "p < 0.001";
    snprintf(buf, 32, "p = %.*f", p < 0.1 ? 3 : 2, p);
    return buf;
}

static const char *number(char buf[64], const char *format, int digits, double x)
{
    if (isnan(x)) return "-";
    snprintf(buf, 64, format, digits, x);
    return buf;
}

const char *ken_views_share_text(ken_views *v, double share)
{
    char buf[64];
    return ken_views_keep(v, "%s", number(buf, "%.*f%%", 1, 100 * share));
}

const char *ken_exact_text(char buf[40], double x) { return ken_json_number(x, false, buf); }

const char *ken_view_cell_text(const ken_view_column *c, const ken_view_cell *x, char buf[64])
{
    if (!x->there) return "";
    switch (c->unit) {
    case KEN_UNIT_TEXT: return x->text != NULL ? x->text : "";
    case KEN_UNIT_TRUTH: return x->count != 0 ? "yes" : "no";
    case KEN_UNIT_COUNT: return ken_count_text(buf, x->count);
    case KEN_UNIT_EXACT: return ken_exact_text(buf, x->value);
    case KEN_UNIT_REAL:
        return fabs(x->value) < 1e5 ? number(buf, "%.*f", c->digits, x->value) : number(buf, "%.*g", 4, x->value);
    case KEN_UNIT_SHARE: return number(buf, "%.*f%%", c->digits, 100 * x->value);
    case KEN_UNIT_PART:
        return number(buf, "%.*f%%", c->digits, x->of > 0 ? 100 * ((double)x->count / (double)x->of) : NAN);
    case KEN_UNIT_CHANGE: /* nothing has no sign */
        if (fabs(100 * x->value) < 0.5 * pow(10, -c->digits)) return number(buf, "%.*f", c->digits, 0.0);
        return number(buf, "%+.*f", c->digits, 100 * x->value);
    case KEN_UNIT_P: return number(buf, "%.*g", 2, x->value);
    case KEN_UNIT_BAR:
    case KEN_UNIT_PARTS: return "";
    }
    return "";
}

const char *ken_view_interval_text(const ken_view_column *c, const ken_view_cell *x, char buf[64])
{
    if (!x->there || isnan(x->value) || isnan(x->lo) || isnan(x->hi)) return "";
    if (c->unit == KEN_UNIT_CHANGE) snprintf(buf, 64, "[%+.*f, %+.*f]", c->digits, 100 * x->lo, c->digits, 100 * x->hi);
    else if (c->unit == KEN_UNIT_SHARE)
        snprintf(buf, 64, "[%*.*f, %*.*f]", c->digits + 4, c->digits, 100 * x->lo, c->digits + 4, c->digits,
                 100 * x->hi);
    else snprintf(buf, 64, "[%.*f, %.*f]", c->digits, x->lo, c->digits, x->hi);
    return buf;
}

const char *ken_view_column_name(const ken_view_column *c, char buf[128])
{
    if (c->key == NULL) return c->head;
    if (c->sub == NULL) return c->key;
    snprintf(buf, 128, "%.40s.%.80s", c->key, c->sub);
    return buf;
}
