/* fake_net.c - see fake_net.h. */
#include "fake_net.h"
#include "nn/reading.h"
#include <stdlib.h>
#include <string.h>

struct ken_kv {
    int32_t n, *token, *pos;
};

static ken_config config;
static fake_logits_fn logits_of, hidden_of;
long fake_rows;
int fake_stop;

static int cache_new(ken_kv **out, ken_forwarder *f, int32_t n, ken_err *err)
{
    (void)f;
    (void)err;
    *out = malloc(sizeof **out);
    if (*out == NULL) abort();
    **out = (ken_kv){n, malloc((size_t)n * sizeof(int32_t)), malloc((size_t)n * sizeof(int32_t))};
    for (int32_t i = 0; i < n; i++) (*out)->token[i] = (*out)->pos[i] = -1;
    return KEN_OK;
}

static void cache_free(ken_kv *kv)
{
    if (kv == NULL) return;
    free(kv->token);
    free(kv->pos);
    free(kv);
}

static int forward(ken_forwarder *f, ken_kv *kv, const ken_batch *b, ken_err *err)
{
    if (fake_stop) {
        fake_stop = 0;
        if (err != NULL) err->status = KEN_ESTOP;
        for (int32_t r = 0; r < b->n_rows; r++) kv->token[b->slot[r]] = -1; /* undefined, as promised */
        return KEN_ESTOP;
    }
    for (int32_t r = 0; r < b->n_rows; r++) {
        if (b->slot[r] < 0 || b->slot[r] >= kv->n) abort();
        kv->token[b->slot[r]] = b->token[r];
        kv->pos[b->slot[r]] = b->pos[r];
    }
    fake_rows += b->n_rows;
    float *logits = malloc((size_t)f->config->n_vocab * sizeof *logits);
    int32_t *path = malloc((size_t)f->config->n_ctx * sizeof *path);
    for (int32_t i = 0; i < b->n_readings; i++) {
        int32_t r = b->reading[i].row;
        for (int32_t p = 0; p < b->pos[r]; p++) {
            int32_t s = b->path_slots[b->path[r] + p];
            if (kv->pos[s] != p) abort(); /* the engine mixed up its slots */
            path[p] = kv->token[s];
        }
        path[b->pos[r]] = b->token[r];
        logits_of(path, b->pos[r] + 1, logits);
        ken_read_logits(&b->reading[i], logits, f->config->n_vocab, ken_kernels_get(KEN_ISA_GENERIC));
        if (b->reading[i].hidden != NULL) hidden_of(path, b->pos[r] + 1, b->reading[i].hidden);
    }
    free(path);
    free(logits);
    return KEN_OK;
}

static const ken_forwarder_kind kind = {"the enumerated network", cache_new, cache_free, forward};
static ken_forwarder the_net = {&kind, &config, 0};

ken_forwarder *fake_net(void) { return &the_net; }

void fake_net_set(int32_t n_vocab, int32_t n_ctx, fake_logits_fn f)
{
    config = (ken_config){.n_vocab = n_vocab, .n_ctx = n_ctx};
    logits_of = f;
    the_net.can = KEN_CAN_WANT | KEN_CAN_LOG_SUM | KEN_CAN_SUM;
}

void fake_net_set_hidden(int32_t n_embd, fake_logits_fn f)
{
    config.n_embd = n_embd;
    hidden_of = f;
    the_net.can |= KEN_CAN_HIDDEN;
}
