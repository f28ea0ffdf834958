/* forwarder.c - see forwarder.h. */
#include "nn/forwarder.h"

int ken_cache_new(ken_kv **out, ken_forwarder *f, int32_t n_slots, ken_err *err)
{
    return f->kind->cache_new(out, f, n_slots, err);
}

void ken_cache_free(const ken_forwarder *f, ken_kv *kv) { f->kind->cache_free(kv); }

int ken_forwarder_check(const ken_forwarder *f, const ken_reading *r, ken_err *err)
{
    const struct {
        bool asked;
        ken_can can;
        const char *name;
    } part[] = {
        {r->n_want > 0, KEN_CAN_WANT, "the logits of named tokens"},
        {r->log_sum != NULL, KEN_CAN_LOG_SUM, "the sum over the vocabulary"},
        {r->sum != NULL, KEN_CAN_SUM, "the sum over the vocabulary at a temperature"},
        {r->hidden != NULL, KEN_CAN_HIDDEN, "hidden states"},
        {r->attention != NULL, KEN_CAN_ATTENTION, "attention weights"},
    };
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (part[i].asked && (f->can & part[i].can) == 0)
            return ken_fail(err, KEN_EUSAGE, "%s cannot give %s", f->kind->name, part[i].name);
    return KEN_OK;
}

int ken_forward(ken_forwarder *f, ken_kv *kv, const ken_batch *b, ken_err *err)
{
    for (int32_t i = 0; i < b->n_readings; i++) {
        const int rc = ken_forwarder_check(f, &b->reading[i], err);
        if (rc != KEN_OK) return rc;
    }
    return f->kind->forward(f, kv, b, err);
}
