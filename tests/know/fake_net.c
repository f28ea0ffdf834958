/* fake_net.c - see fake_net.h. Defines the symbols of src/nn/net.h that the engine uses. */
#include "fake_net.h"
#include <stdlib.h>
#include <string.h>

struct ken_net {
    ken_config c;
};
struct ken_kv {
    int32_t n, *token, *pos;
};

static ken_net the_net;
static fake_logits_fn logits_of;
long fake_rows;
int fake_stop;

void fake_net_set(int32_t n_vocab, int32_t n_ctx, fake_logits_fn f)
{
    the_net.c = (ken_config){.n_vocab = n_vocab, .n_ctx = n_ctx};
    logits_of = f;
}

ken_net *fake_net(void) { return &the_net; }
const ken_config *ken_net_config(const ken_net *net) { return &net->c; }

int ken_kv_new(ken_kv **out, const ken_net *net, int32_t n, ken_err *err)
{
    (void)net;
    (void)err;
    *out = malloc(sizeof **out);
    if (*out == NULL) abort();
    **out = (ken_kv){n, malloc((size_t)n * sizeof(int32_t)), malloc((size_t)n * sizeof(int32_t))};
    for (int32_t i = 0; i < n; i++) (*out)->token[i] = (*out)->pos[i] = -1;
    return KEN_OK;
}

void ken_kv_free(ken_kv *kv)
{
    if (kv == NULL) return;
    free(kv->token);
    free(kv->pos);
    free(kv);
}

int ken_net_forward(ken_net *net, ken_kv *kv, const ken_batch *b, ken_err *err)
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
    float *logits = malloc((size_t)net->c.n_vocab * sizeof *logits);
    int32_t *path = malloc((size_t)net->c.n_ctx * sizeof *path);
    for (int32_t i = 0; i < b->n_logits; i++) {
        int32_t r = b->logit_row[i];
        for (int32_t p = 0; p < b->pos[r]; p++) {
            int32_t s = b->path_slots[b->path[r] + p];
            if (kv->pos[s] != p) abort(); /* the engine mixed up its slots */
            path[p] = kv->token[s];
        }
        path[b->pos[r]] = b->token[r];
        logits_of(path, b->pos[r] + 1, logits);
        b->on_logits(b->ctx, i, logits);
    }
    free(path);
    free(logits);
    return KEN_OK;
}
