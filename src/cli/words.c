/* words.c - see words.h. */
#include "cli/words.h"
#include "cli/cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

typedef struct item { /* of a list: n bytes at s */
    const char *s;
    size_t n;
} item;

/* The next one; *at moves behind its comma, to NULL after the last. */
static bool next(const char **at, item *out)
{
    if (*at == NULL) return false;
    const char *comma = strchr(*at, ',');
    *out = (item){*at, comma != NULL ? (size_t)(comma - *at) : strlen(*at)};
    *at = comma != NULL ? comma + 1 : NULL;
    while (out->n > 0 && *out->s == ' ') out->s++, out->n--;
    while (out->n > 0 && out->s[out->n - 1] == ' ') out->n--;
    return true;
}

static bool is(item i, const char *word) { return strlen(word) == i.n && memcmp(i.s, word, i.n) == 0; }

/* key=value; *value is what follows. */
static bool has_key(item i, const char *key, item *value)
{
    size_t k = strlen(key);
    if (i.n <= k || memcmp(i.s, key, k) != 0 || i.s[k] != '=') return false;
    *value = (item){i.s + k + 1, i.n - k - 1};
    return true;
}

static bool number(item i, double *v)
{
    char *end;
    if (i.n == 0 || strchr("0123456789.", i.s[0]) == NULL) return false; /* no sign, no "inf", no space */
    errno = 0;
    *v = strtod(i.s, &end);
    return errno == 0 && end == i.s + i.n && isfinite(*v);
}

static bool whole(item i, int most, int *v)
{
    double x;
    if (!number(i, &x) || x > most || x != floor(x)) return false;
    *v = (int)x;
    return true;
}

static int category_of(item i)
{
    for (int k = 0; k < KEN_N_CATEGORIES; k++)
        if (is(i, ken_category_name(k))) return k;
    return -1;
}

/* ---- categories, variants --------------------------------------------------------------------------------------------- */

int cli_parse_categories(void *value, const char *text, const char *shown, ken_err *err)
{
    unsigned *bits = value;
    item i;
    while (next(&text, &i)) {
        int k = category_of(i);
        int near = -1;
        for (int c = 0; c < KEN_N_CATEGORIES && k < 0; c++)
            if (strlen(ken_category_name(c)) == i.n && strncasecmp(ken_category_name(c), i.s, i.n) == 0) near = c;
        if (k >= 0) *bits |= 1u << k;
        else if (is(i, "Known")) *bits |= 1u << KEN_HIGHLY_KNOWN | 1u << KEN_MAYBE_KNOWN | 1u << KEN_WEAKLY_KNOWN;
        else
            return cli_fail(err, KEN_EUSAGE,
                            "%s: unknown category \"%.*s\"%s%s%s; known: HighlyKnown, MaybeKnown, WeaklyKnown, Known "
                            "(these three), Unknown, unlabelled",
                            shown, (int)(i.n < 60 ? i.n : 60), i.s, near >= 0 ? "; did you mean " : "",
                            near >= 0 ? ken_category_name(near) : "", near >= 0 ? "?" : "");
    }
    return KEN_OK;
}

int cli_parse_variant(void *value, const char *text, const char *shown, ken_err *err)
{
    ken_variant_choice *v = value;
    item i = {text, strlen(text)}, x;
    int k = category_of(i);
    *v = (ken_variant_choice){.kind = KEN_VARIANT_NONE};
    if (has_key(i, "unknown", &x)) v->kind = KEN_VARIANT_UNKNOWN;
    else if (has_key(i, "known", &x)) v->kind = KEN_VARIANT_KNOWN;
    if (v->kind != KEN_VARIANT_NONE)
        return whole(x, 100, &v->percent)
                   ? KEN_OK
                   : cli_fail(err, KEN_EUSAGE,
                              "%s \"%.60s\": a whole number from 0 to 100 is expected after the =", shown, text);
    if (is(i, "natural")) v->kind = KEN_VARIANT_NATURAL;
    else if (k >= 0 && k != KEN_UNLABELLED) *v = (ken_variant_choice){.kind = KEN_VARIANT_ONE, .category = k};
    if (v->kind != KEN_VARIANT_NONE) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE,
                    "%s: unknown variant \"%.60s\"; known: unknown=X, known=X (X in percent), natural, HighlyKnown, "
                    "MaybeKnown, WeaklyKnown, Unknown",
                    shown, text);
}

/* ---- what is trained -------------------------------------------------------------------------------------------------- */

static int add_target(ken_lora_options *o, item i, const char *shown, ken_err *err)
{
    static const struct {
        const char *word;
        unsigned bits;
    } words[] = {{"q_proj", KEN_TARGET_Q},       {"k_proj", KEN_TARGET_K},
                 {"v_proj", KEN_TARGET_V},       {"o_proj", KEN_TARGET_O},
                 {"gate_proj", KEN_TARGET_GATE}, {"up_proj", KEN_TARGET_UP},
                 {"down_proj", KEN_TARGET_DOWN}, {"attention", KEN_TARGET_ATTENTION},
                 {"mlp", KEN_TARGET_MLP},        {"all", KEN_TARGET_ALL}};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (is(i, words[k].word)) {
            o->targets |= words[k].bits;
            return KEN_OK;
        }
    return cli_fail(err, KEN_EUSAGE,
                    "%s: unknown target \"%.*s\"; known: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, "
                    "down_proj, attention, mlp, all",
                    shown, (int)i.n, i.s);
}

static int fail_number(const char *shown, const char *key, item x, const char *expected, ken_err *err)
{
    return cli_fail(err, KEN_EUSAGE, "%s: %s=%.*s is not %s", shown, key, (int)x.n, x.s, expected);
}

int cli_parse_lora(void *value, const char *text, const char *shown, ken_err *err)
{
    ken_lora_options *o = value;
    bool targets = false;
    item i, x;
    *o = (ken_lora_options){0};
    for (int rc = KEN_OK; next(&text, &i);) {
        bool pair = memchr(i.s, '=', i.n) != NULL;
        if (has_key(i, "r", &x)) {
            if (!whole(x, 1 << 20, &o->rank) || o->rank < 1)
                return fail_number(shown, "r", x, "a rank: a whole number of at least 1", err);
        } else if (has_key(i, "alpha", &x)) {
            if (!number(x, &o->alpha) || o->alpha <= 0 || o->alpha > 1e9)
                return fail_number(shown, "alpha", x, "a number above 0", err);
        } else if (has_key(i, "dropout", &x)) {
            if (!number(x, &o->dropout) || o->dropout >= 1)
                return fail_number(shown, "dropout", x, "a number from 0 to below 1", err);
        } else if (has_key(i, "targets", &x)) rc = add_target(o, x, shown, err);
        else if (targets && !pair) rc = add_target(o, i, shown, err);
        else
            rc = cli_fail(err, KEN_EUSAGE,
                          "%s: \"%.*s\" is not understood: r=16[,alpha=32][,dropout=0][,targets=q_proj,...]", shown,
                          (int)i.n, i.s);
        if (rc != KEN_OK) return rc;
        targets = has_key(i, "targets", &x) || (targets && !pair);
    }
    return o->rank > 0 ? KEN_OK : cli_fail(err, KEN_EUSAGE, "%s: the rank is missing, as in %s r=16", shown, shown);
}

static int parse_layers(ken_parts *p, item x, const char *shown, ken_err *err)
{
    const char *dash = memchr(x.s, '-', x.n);
    const size_t n = dash != NULL ? (size_t)(dash - x.s) : x.n;
    if (p->layers) return cli_fail(err, KEN_EUSAGE, "%s: layers= occurs twice; one range is possible", shown);
    p->layers = true;
    bool good = whole((item){x.s, n}, 1 << 20, &p->first_layer);
    p->last_layer = p->first_layer;
    if (dash != NULL) good = good && whole((item){dash + 1, x.n - n - 1}, 1 << 20, &p->last_layer);
    if (good) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE, "%s: layers=%.*s is not layers=A-B", shown, (int)x.n, x.s);
}

int cli_parse_parts(void *value, const char *text, const char *shown, ken_err *err)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {{"embeddings", KEN_PARTS_EMBEDDINGS},
                 {"head", KEN_PARTS_HEAD},
                 {"norms", KEN_PARTS_NORMS},
                 {"attention", KEN_PARTS_ATTENTION},
                 {"mlp", KEN_PARTS_MLP}};
    enum { N = sizeof words / sizeof *words };
    ken_parts *p = value;
    item i, x;
    while (next(&text, &i)) { /* given again, they add up */
        if (has_key(i, "layers", &x)) {
            int rc = parse_layers(p, x, shown, err);
            if (rc != KEN_OK) return rc;
            continue;
        }
        size_t w = 0;
        while (w < N && !is(i, words[w].word)) w++;
        if (w == N)
            return cli_fail(err, KEN_EUSAGE,
                            "%s: unknown part \"%.*s\"; known: embeddings, head, norms, attention, mlp, layers=A-B",
                            shown, (int)i.n, i.s);
        p->parts |= words[w].bit;
    }
    return KEN_OK;
}

/* ---- numbers with a form of their own --------------------------------------------------------------------------------- */

int cli_parse_warmup(void *value, const char *text, const char *shown, ken_err *err)
{
    cli_warmup *w = value;
    size_t n = strlen(text);
    bool share = n > 0 && text[n - 1] == '%';
    double v;
    if (!number((item){text, n - share}, &v) || (share ? v > 100 : v > 1e15 || v != floor(v)))
        return cli_fail(err, KEN_EUSAGE, "%s \"%s\" is neither a share as in 3%% nor a number of steps", shown, text);
    w->steps = share ? -1 : (int64_t)v;
    if (share) w->share = v / 100;
    return KEN_OK;
}

void cli_show_warmup(const void *value, char *out, size_t n)
{
    const cli_warmup *w = value;
    if (w->steps < 0) snprintf(out, n, "%g%%", 100 * w->share);
    else snprintf(out, n, "%lld", (long long)w->steps);
}

int cli_parse_teacher(void *value, const char *text, const char *shown, ken_err *err)
{
    int *epoch = value;
    item i = {text, strlen(text)};
    if (is(i, "base")) {
        *epoch = 0;
        return KEN_OK;
    }
    if (strncmp(text, "epoch:", 6) == 0 && whole((item){text + 6, i.n - 6}, 1000000, epoch) && *epoch > 0)
        return KEN_OK;
    return cli_fail(err, KEN_EUSAGE, "%s: \"%s\" is not base, nor epoch:N", shown, text);
}

void cli_show_teacher(const void *value, char *out, size_t n)
{
    const int *epoch = value;
    if (*epoch == 0) snprintf(out, n, "base");
    else snprintf(out, n, "epoch:%d", *epoch);
}

/* ---- rules ------------------------------------------------------------------------------------------------------------ */

static bool parse_condition(item i, ken_score_rule *r)
{
    static const struct {
        const char *word;
        int value;
    } values[] = {{"p_unknown", KEN_RULE_P_UNKNOWN}, {"p_t0", KEN_RULE_P_T0}, {"p_t", KEN_RULE_P_T}};
    const char *sign = i.s;
    while (sign < i.s + i.n && *sign != '<' && *sign != '>') sign++;
    if (sign == i.s + i.n) return false;
    item name = {i.s, (size_t)(sign - i.s)};
    while (name.n > 0 && name.s[name.n - 1] == ' ') name.n--;
    bool equal = sign + 1 < i.s + i.n && sign[1] == '=', found = false;
    for (size_t k = 0; k < sizeof values / sizeof *values && !found; k++) {
        found = is(name, values[k].word);
        r->value = values[k].value;
    }
    r->relation = *sign == '>' ? (equal ? KEN_AT_LEAST : KEN_ABOVE) : (equal ? KEN_AT_MOST : KEN_BELOW);
    const char *at = sign + 1 + equal;
    while (*at == ' ') at++;
    return found && number((item){at, (size_t)(i.s + i.n - at)}, &r->bound) && r->bound <= 1;
}

int cli_parse_rules(void *value, const char *text, const char *shown, ken_err *err)
{
    cli_rules *to = value;
    item i;
    while (next(&text, &i)) { /* given again, they follow the ones before */
        if (to->n == CLI_MAX_RULES) return cli_fail(err, KEN_EUSAGE, "%s: more than %d rules", shown, CLI_MAX_RULES);
        const char *colon = memchr(i.s, ':', i.n);
        item name = {i.s, colon != NULL ? (size_t)(colon - i.s) : i.n};
        while (name.n > 0 && name.s[name.n - 1] == ' ') name.n--;
        ken_score_rule r = {.category = category_of(name), .value = KEN_RULE_ALWAYS};
        bool good = r.category >= 0 && r.category != KEN_UNLABELLED;
        if (good && colon != NULL) {
            item rest = {colon + 1, i.n - (size_t)(colon + 1 - i.s)};
            while (rest.n > 0 && *rest.s == ' ') rest.s++, rest.n--;
            good = parse_condition(rest, &r);
        }
        if (!good)
            return cli_fail(err, KEN_EUSAGE,
                            "%s: the rule \"%.*s\" makes no sense; expected CATEGORY:QUANTITY>=NUMBER, as in "
                            "HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown, with p_t0, p_t or p_unknown and one of "
                            ">= > <= <",
                            shown, (int)(i.n < 60 ? i.n : 60), i.s);
        if (to->n > 0 && to->rule[to->n - 1].value == KEN_RULE_ALWAYS)
            return cli_fail(err, KEN_EUSAGE,
                            "%s: the rule \"%.*s\" can never be reached, for the one before it always holds", shown,
                            (int)(i.n < 60 ? i.n : 60), i.s);
        to->rule[to->n++] = r;
    }
    return KEN_OK;
}

/* ---- lists of numbers ------------------------------------------------------------------------------------------------- */

int cli_parse_reals(void *value, const char *text, const char *shown, ken_err *err)
{
    cli_reals *list = value;
    item i;
    list->n = 0;
    while (next(&text, &i)) {
        double x;
        if (!number(i, &x))
            return cli_fail(err, KEN_EUSAGE, "%s: \"%.*s\" is not a number; give them like 0.6,1,1.4", shown,
                            (int)(i.n < 40 ? i.n : 40), i.s);
        if (list->n == CLI_MAX_NUMBERS)
            return cli_fail(err, KEN_EUSAGE, "%s: more than %d numbers", shown, CLI_MAX_NUMBERS);
        list->x[list->n++] = x;
    }
    return KEN_OK;
}

void cli_show_reals(const void *value, char *out, size_t n)
{
    const cli_reals *list = value;
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < list->n && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%g", i > 0 ? "," : "", list->x[i]);
}

/* k and M are thousands and millions, as in "300k". */
static bool count(item i, int64_t *x)
{
    double v, unit = 1;
    if (i.n > 1 && i.s[i.n - 1] == 'k') unit = 1e3;
    if (i.n > 1 && i.s[i.n - 1] == 'M') unit = 1e6;
    if (unit > 1) i.n--;
    if (!number(i, &v) || v * unit > 1e15 || v * unit != floor(v * unit)) return false;
    *x = (int64_t)(v * unit);
    return true;
}

int cli_parse_counts(void *value, const char *text, const char *shown, ken_err *err)
{
    cli_counts *list = value;
    item i;
    list->n = 0;
    while (next(&text, &i)) {
        int64_t x;
        if (!count(i, &x))
            return cli_fail(err, KEN_EUSAGE, "%s: \"%.*s\" is not a whole number; give them like 15000,30k", shown,
                            (int)(i.n < 40 ? i.n : 40), i.s);
        if (list->n == CLI_MAX_NUMBERS)
            return cli_fail(err, KEN_EUSAGE, "%s: more than %d numbers", shown, CLI_MAX_NUMBERS);
        list->x[list->n++] = x;
    }
    return KEN_OK;
}

void cli_show_counts(const void *value, char *out, size_t n)
{
    const cli_counts *list = value;
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < list->n && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%lld", i > 0 ? "," : "", (long long)list->x[i]);
}

int cli_parse_count(void *value, const char *text, const char *shown, ken_err *err)
{
    if (count((item){text, strlen(text)}, value)) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE, "%s: \"%.40s\" is not a whole number, as in 60000 or 60k", shown, text);
}

void cli_show_count(const void *value, char *out, size_t n)
{
    snprintf(out, n, "%lld", (long long)*(const int64_t *)value);
}

/* ---- arms of the laboratory -------------------------------------------------------------------------------------------- */

int cli_parse_arms(void *value, const char *text, const char *shown, ken_err *err)
{
    unsigned *bits = value;
    item i;
    while (next(&text, &i)) {
        int arm = 0;
        while (ken_arm_name(arm) != NULL && !is(i, ken_arm_name(arm))) arm++;
        if (ken_arm_name(arm) == NULL)
            return cli_fail(err, KEN_EUSAGE,
                            "%s: unknown arm \"%.*s\"; known: Bottom, Whole, Top, Random50, WholeMatched", shown,
                            (int)(i.n < 40 ? i.n : 40), i.s);
        *bits |= 1U << arm;
    }
    return KEN_OK;
}

void cli_show_arms(const void *value, char *out, size_t n)
{
    snprintf(out, n, "%s", *(const unsigned *)value == 0 ? "all" : "");
}
