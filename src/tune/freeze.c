/* freeze.c - what is trained; see freeze.h. */
#include "tune/freeze.h"
#include <string.h>

/* ---- parts of the model ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    unsigned bit;
    ken_part part;
} parts[] = {{"embeddings", KEN_PARTS_EMBEDDINGS, KEN_PART_EMBEDDING},
             {"head", KEN_PARTS_HEAD, KEN_PART_HEAD},
             {"attention", KEN_PARTS_ATTENTION, KEN_PART_ATTENTION},
             {"mlp", KEN_PARTS_MLP, KEN_PART_MLP},
             {"norms", KEN_PARTS_NORMS, KEN_PART_NORM}};
enum { N_PARTS = sizeof parts / sizeof *parts };

bool ken_parts_named(const ken_parts *p) { return p->parts != 0 || p->layers; }

void ken_parts_text(ken_buf *out, const ken_parts *p)
{
    const char *comma = "";
    for (int i = 0; i < N_PARTS; i++) {
        if ((p->parts & parts[i].bit) == 0) continue;
        ken_buf_printf(out, "%s%s", comma, parts[i].word);
        comma = ",";
    }
    if (p->layers) ken_buf_printf(out, "%slayers=%d-%d", comma, p->first_layer, p->last_layer);
}

static int check(const ken_parts *p, const char *field, const ken_config *config, ken_err *err)
{
    if ((p->parts & KEN_PARTS_HEAD) != 0 && config->tied)
        return ken_fail(err, KEN_EUSAGE, "`%s`: this model's head is its token embedding; say embeddings", field);
    if (p->layers && (p->first_layer < 0 || p->first_layer > p->last_layer || p->last_layer >= config->n_layer))
        return ken_fail(err, KEN_EUSAGE, "`%s`: layers %d-%d are not within this model's layers 0-%d", field,
                        p->first_layer, p->last_layer, config->n_layer - 1);
    return KEN_OK;
}

static bool in_parts(const ken_parts *c, const ken_param *p)
{
    for (int i = 0; i < N_PARTS; i++)
        if ((c->parts & parts[i].bit) != 0 && parts[i].part == p->part) return true;
    return (c->parts & KEN_PARTS_NORMS) != 0 && strstr(p->gguf, "norm") != NULL;
}
static bool in_layers(const ken_parts *c, const ken_param *p)
{
    return p->layer >= c->first_layer && p->layer <= c->last_layer;
}

int ken_freeze_mark(bool *trains, const ken_params *p, const ken_parts *train, const ken_parts *freeze, ken_err *err)
{
    int rc = check(train, "train", p->config, err);
    if (rc == KEN_OK) rc = check(freeze, "freeze", p->config, err);
    if (rc != KEN_OK) return rc;
    bool any = false;
    for (int i = 0; i < p->n_list; i++) {
        const ken_param *t = &p->list[i];
        trains[i] = (train->parts == 0 || in_parts(train, t)) && (!train->layers || in_layers(train, t)) &&
                    !in_parts(freeze, t) && !(freeze->layers && in_layers(freeze, t));
        any |= trains[i];
    }
    if (any) return KEN_OK;
    ken_buf a = {0}, b = {0};
    ken_parts_text(&a, train);
    ken_parts_text(&b, freeze);
    rc = ken_fail(err, KEN_EUSAGE, "nothing is left to train; `train` %s `freeze` %s", a.len > 0 ? a.data : "all",
                  b.len > 0 ? b.data : "none");
    ken_buf_free(&a);
    ken_buf_free(&b);
    return rc;
}

/* ---- adapters --------------------------------------------------------------------------------------------------------- */

_Static_assert(KEN_TARGET_Q == 1 << KEN_MOD_Q && KEN_TARGET_O == 1 << KEN_MOD_O &&
                   KEN_TARGET_GATE == 1 << KEN_MOD_GATE && KEN_TARGET_DOWN == 1 << KEN_MOD_DOWN &&
                   KEN_TARGET_ALL == (1 << KEN_N_MODULES) - 1,
               "targets of ken.h are the modules of model/lora.h");

int ken_lora_resolve(ken_lora_spec *s, const ken_lora_options *o, ken_err *err)
{
    if (o->rank < 1 || o->rank > 1 << 20)
        return ken_fail(err, KEN_EUSAGE, "`lora`: %d is no rank: a whole number of at least 1", o->rank);
    if (!(o->alpha >= 0 && o->alpha <= 1e9))
        return ken_fail(err, KEN_EUSAGE, "`lora`: alpha %g is not a number above 0", o->alpha);
    if (!(o->dropout >= 0 && o->dropout < 1))
        return ken_fail(err, KEN_EUSAGE, "`lora`: dropout %g is not a number from 0 to below 1", o->dropout);
    if ((o->targets & ~(unsigned)KEN_TARGET_ALL) != 0)
        return ken_fail(err, KEN_EUSAGE, "`lora`: targets %#x are not KEN_TARGET_* alone", o->targets);
    *s = (ken_lora_spec){.rank = o->rank,
                         .alpha = o->alpha > 0 ? (float)o->alpha : 2.0f * (float)o->rank,
                         .dropout = (float)o->dropout,
                         .targets = o->targets != 0 ? o->targets : KEN_TARGET_ALL};
    return KEN_OK;
}

void ken_lora_text(ken_buf *out, const ken_lora_spec *s)
{
    ken_buf_printf(out, "r=%d,alpha=%g,dropout=%g", s->rank, (double)s->alpha, (double)s->dropout);
    const char *before = ",targets=";
    for (int m = 0; m < KEN_N_MODULES; m++) {
        if ((s->targets >> m & 1u) == 0) continue;
        ken_buf_printf(out, "%s%s", before, ken_module_name((ken_module)m));
        before = ",";
    }
}
