/* freeze.c - the words of --train, --freeze and --lora; see freeze.h. */
#include "tune/freeze.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- comma lists ------------------------------------------------------------------------------------------------------ */

/* The next item of a list: n bytes at the returned place, *at moves past its comma. NULL at the end. Empty items are returned. */
static const char *next_item(const char **at, size_t *n)
{
    if (*at == NULL) return NULL;
    const char *item = *at, *comma = strchr(item, ',');
    *n = comma != NULL ? (size_t)(comma - item) : strlen(item);
    *at = comma != NULL ? comma + 1 : NULL;
    return item;
}

static bool is(const char *item, size_t n, const char *word) { return strlen(word) == n && memcmp(item, word, n) == 0; }

/* item begins with key and '='; *value is what follows. */
static bool has_key(const char *item, size_t n, const char *key, const char **value)
{
    size_t k = strlen(key);
    if (n <= k || memcmp(item, key, k) != 0 || item[k] != '=') return false;
    *value = item + k + 1;
    return true;
}

/* A number that ends where the item does. */
static bool number(const char *text, const char *end, double *v)
{
    char *stop;
    *v = strtod(text, &stop);
    return stop == end && stop != text && isfinite(*v);
}

/* ---- --train and --freeze --------------------------------------------------------------------------------------------- */

typedef struct choice {
    unsigned parts; /* bits 1 << KEN_PART_* */
    bool norms, any_part, any_layer;
    int first, last; /* layers, both included */
} choice;

static int parse_layers(choice *c, const char *option, const char *text, size_t n, int n_layer, ken_err *err)
{
    char *end;
    long a = strtol(text, &end, 10), b = a;
    bool good = end != text && text[0] >= '0' && text[0] <= '9';
    if (good && *end == '-') {
        const char *second = end + 1;
        b = strtol(second, &end, 10);
        good = end != second && second[0] >= '0' && second[0] <= '9';
    }
    if (!good || end != text + n)
        return ken_fail(err, KEN_EUSAGE, "--%s: layers=%.*s is not layers=A-B", option, (int)n, text);
    if (c->any_layer) return ken_fail(err, KEN_EUSAGE, "--%s: layers= occurs twice; one range is possible", option);
    if (a > b || b >= n_layer)
        return ken_fail(err, KEN_EUSAGE, "--%s: layers=%.*s is not within this model's layers 0-%d", option, (int)n,
                        text, n_layer - 1);
    c->any_layer = true;
    c->first = (int)a;
    c->last = (int)b;
    return KEN_OK;
}

static int parse_choice(choice *c, const char *option, const char *list, const ken_config *config, ken_err *err)
{
    static const struct {
        const char *word;
        ken_part part;
    } words[] = {{"embeddings", KEN_PART_EMBEDDING},
                 {"head", KEN_PART_HEAD},
                 {"attention", KEN_PART_ATTENTION},
                 {"mlp", KEN_PART_MLP}};
    size_t n;
    const char *item, *value;
    *c = (choice){.last = -1};
    while ((item = next_item(&list, &n)) != NULL) {
        if (has_key(item, n, "layers", &value)) {
            int rc = parse_layers(c, option, value, n - (size_t)(value - item), config->n_layer, err);
            if (rc != KEN_OK) return rc;
            continue;
        }
        c->any_part = true;
        if (is(item, n, "norms")) {
            c->norms = true;
            continue;
        }
        size_t w = 0;
        while (w < 4 && !is(item, n, words[w].word)) w++;
        if (w == 4)
            return ken_fail(err, KEN_EUSAGE,
                            "--%s: unknown part \"%.*s\"; known: embeddings, head, norms, attention, mlp, layers=A-B",
                            option, (int)n, item);
        if (words[w].part == KEN_PART_HEAD && config->tied)
            return ken_fail(err, KEN_EUSAGE, "--%s: this model's head is its token embedding; say embeddings", option);
        c->parts |= 1u << words[w].part;
    }
    return KEN_OK;
}

static bool is_norm(const ken_param *p) { return strstr(p->gguf, "norm") != NULL; }
static bool in_parts(const choice *c, const ken_param *p)
{
    return (c->parts >> p->part & 1u) != 0 || (c->norms && is_norm(p));
}
static bool in_layers(const choice *c, const ken_param *p) { return p->layer >= c->first && p->layer <= c->last; }

int ken_freeze_parse(bool *trains, const ken_params *p, const char *train, const char *freeze, ken_err *err)
{
    choice yes, no;
    int rc = parse_choice(&yes, "train", train, p->config, err);
    if (rc == KEN_OK) rc = parse_choice(&no, "freeze", freeze, p->config, err);
    if (rc != KEN_OK) return rc;
    bool any = false;
    for (int i = 0; i < p->n_list; i++) {
        const ken_param *t = &p->list[i];
        trains[i] = (!yes.any_part || in_parts(&yes, t)) && (!yes.any_layer || in_layers(&yes, t)) &&
                    !(no.any_part && in_parts(&no, t)) && !(no.any_layer && in_layers(&no, t));
        any |= trains[i];
    }
    if (!any)
        return ken_fail(err, KEN_EUSAGE, "nothing is left to train; `train` %s `freeze` %s", train ? train : "all",
                        freeze ? freeze : "none");
    return KEN_OK;
}

/* ---- --lora ----------------------------------------------------------------------------------------------------------- */

static const unsigned ATTENTION = 1u << KEN_MOD_Q | 1u << KEN_MOD_K | 1u << KEN_MOD_V | 1u << KEN_MOD_O;
static const unsigned MLP = 1u << KEN_MOD_GATE | 1u << KEN_MOD_UP | 1u << KEN_MOD_DOWN;

static int add_target(ken_lora_spec *s, const char *item, size_t n, ken_err *err)
{
    unsigned bits = is(item, n, "attention") ? ATTENTION
                    : is(item, n, "mlp")     ? MLP
                    : is(item, n, "all")     ? ATTENTION | MLP
                                             : 0;
    for (int m = 0; m < KEN_N_MODULES && bits == 0; m++)
        if (is(item, n, ken_module_name((ken_module)m))) bits = 1u << m;
    if (bits == 0)
        return ken_fail(err, KEN_EUSAGE,
                        "`lora`: unknown target \"%.*s\"; known: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, "
                        "down_proj, attention, mlp, all",
                        (int)n, item);
    s->targets |= bits;
    return KEN_OK;
}

int ken_lora_parse(ken_lora_spec *s, const char *text, ken_err *err)
{
    const char *at = text, *item, *value;
    size_t n;
    double v, alpha = -1;
    bool in_targets = false;
    *s = (ken_lora_spec){0};
    while ((item = next_item(&at, &n)) != NULL) {
        const char *end = item + n;
        int rc = KEN_OK;
        if (has_key(item, n, "targets", &value)) {
            in_targets = true;
            rc = add_target(s, value, (size_t)(end - value), err);
        } else if (in_targets && memchr(item, '=', n) == NULL) rc = add_target(s, item, n, err);
        else if (has_key(item, n, "r", &value)) {
            if (!number(value, end, &v) || v < 1 || v > 1 << 20 || v != floor(v))
                rc = ken_fail(err, KEN_EUSAGE, "`lora`: r=%.*s is no rank: a whole number of at least 1",
                              (int)(end - value), value);
            else s->rank = (int)v;
        } else if (has_key(item, n, "alpha", &value)) {
            if (!number(value, end, &alpha) || alpha <= 0 || alpha > 1e9)
                rc = ken_fail(err, KEN_EUSAGE, "`lora`: alpha=%.*s is not a number above 0", (int)(end - value), value);
        } else if (has_key(item, n, "dropout", &value)) {
            if (!number(value, end, &v) || v < 0 || v >= 1)
                rc = ken_fail(err, KEN_EUSAGE, "`lora`: dropout=%.*s is not a number from 0 to below 1",
                              (int)(end - value), value);
            else s->dropout = (float)v;
        } else
            rc = ken_fail(err, KEN_EUSAGE,
                          "`lora`: \"%.*s\" is not understood: r=16[,alpha=32][,dropout=0][,targets=q_proj,...]",
                          (int)n, item);
        if (rc != KEN_OK) return rc;
        if (memchr(item, '=', n) != NULL && !has_key(item, n, "targets", &value)) in_targets = false;
    }
    if (s->rank == 0) return ken_fail(err, KEN_EUSAGE, "`lora`: the rank is missing, as in `lora` r=16");
    s->alpha = alpha > 0 ? (float)alpha : 2.0f * (float)s->rank;
    if (s->targets == 0) s->targets = ATTENTION | MLP;
    return KEN_OK;
}
