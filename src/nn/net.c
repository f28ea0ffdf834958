/* net.c - making a network from a model, its memory and its cache; forward.c runs it. */
#include "nn/net.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/network.h"
#include <stdlib.h>
#include <string.h>

static int check_config(const ken_config *c, ken_err *err)
{
    if (c->n_layer < 1 || c->n_embd < 1 || c->n_head < 1 || c->n_kv < 1 || c->n_ff < 1 || c->n_vocab < 1 ||
        c->n_ctx < 1)
        return ken_fail(
            err, KEN_EINPUT,
            "model: a dimension is zero or negative (layers %d, width %d, heads %d/%d, ff %d, vocabulary %d)",
            c->n_layer, c->n_embd, c->n_head, c->n_kv, c->n_ff, c->n_vocab);
    if (c->n_head % c->n_kv != 0)
        return ken_fail(err, KEN_EINPUT, "model: %d query heads cannot share %d key-value heads evenly", c->n_head,
                        c->n_kv);
    if (c->d_head < 2 || c->d_head > KEN_MAX_D_HEAD)
        return ken_fail(err, KEN_EINPUT, "model: a head has %d dimensions; 2 to %d are supported", c->d_head,
                        KEN_MAX_D_HEAD);
    if (c->d_rope < 2 || c->d_rope > c->d_head || c->d_rope % 2 != 0)
        return ken_fail(err, KEN_EINPUT,
                        "model: %d rotary dimensions in a head of %d; expected an even number up to that", c->d_rope,
                        c->d_head);
    if ((int64_t)2 * c->n_ff > INT32_MAX || ((int64_t)c->n_head + 2 * (int64_t)c->n_kv) * c->d_head > INT32_MAX)
        return ken_fail(err, KEN_EINPUT, "model: a layer is too wide");
    return KEN_OK;
}

static int new_cache(ken_kv **out, ken_forwarder *f, int32_t n_slots, ken_err *err)
{
    return ken_kv_new(out, (ken_net *)f, n_slots, err);
}

static int forward(ken_forwarder *f, ken_kv *kv, const ken_batch *b, ken_err *err)
{
    return ken_net_forward((ken_net *)f, kv, b, err);
}

static const ken_forwarder_kind cpu = {"the CPU network", new_cache, ken_kv_free, forward};

int ken_net_new(ken_net **out, const ken_model *m, const ken_net_options *o, ken_err *err)
{
    *out = NULL;
    const ken_config *c = ken_model_config(m);
    int rc = check_config(c, err);
    if (rc != KEN_OK) return rc;
    ken_net *net = ken_calloc(1, sizeof *net);
    if (net == NULL) return ken_fail_nomem(err, "network");
    net->forwarder = (ken_forwarder){.kind = &cpu, .config = c, .can = ~0U};
    net->model = m;
    net->c = c;
    net->k = ken_kernels_get(o->isa);
    net->kb = ken_back_kernels_get(o->isa);
    net->threads = ken_threads(o->threads);
    net->poll = o->poll;
    net->poll_ctx = o->ctx;
    const size_t memory = o->memory != 0 ? o->memory : ken_available_memory() / 10 * 6;
    net->workers = ken_calloc((size_t)net->threads, sizeof *net->workers);
    if (net->workers == NULL) rc = ken_fail_nomem(err, "network");
    if (rc == KEN_OK) rc = ken_gemm_new(&net->gemm, o->isa, o->compute, net->threads, err);
    if (rc == KEN_OK) rc = ken_rope_init(&net->rope, c, err);
    if (rc == KEN_OK)
        rc = ken_weights_init(&net->w, &(ken_weights_source){m, o->params, o->lora}, net->gemm, net->threads, memory,
                              err);
    if (rc != KEN_OK) {
        ken_net_free(net);
        return rc;
    }
    *out = net;
    return KEN_OK;
}

void ken_net_free(ken_net *net)
{
    if (net == NULL) return;
    for (int t = 0; net->workers != NULL && t < net->threads; t++) {
        ken_worker *w = &net->workers[t];
        void *of[] = {w->in,
                      w->wide,
                      w->out,
                      w->x,
                      w->logits,
                      w->low_in,
                      w->low_u,
                      w->low_out,
                      w->attention.kt,
                      w->attention.scores,
                      w->attention.slots};
        for (size_t i = 0; i < sizeof of / sizeof *of; i++) ken_free(of[i]);
    }
    ken_free(net->workers);
    ken_weights_free(&net->w);
    ken_gemm_free(net->gemm);
    ken_rope_free(&net->rope);
    ken_free(net->x);
    ken_free(net->q);
    ken_free(net->rows);
    ken_free(net->shared);
    ken_free(net->order);
    ken_free(net->token);
    ken_free(net->pos);
    ken_free(net->slot);
    ken_free(net->path);
    ken_free(net->logit_row);
    ken_free(net->logit_index);
    ken_free(net->read_row);
    ken_free(net->first_reading);
    ken_free(net);
}

ken_forwarder *ken_net_forwarder(ken_net *net) { return &net->forwarder; }
const ken_config *ken_net_config(const ken_net *net) { return net->c; }

int32_t ken_net_full_batch(const ken_net *net)
{
    enum {
        EACH = 2 * KEN_GEMM_ROWS
    }; /* two blocks a thread: one leaves nothing to do while another thread is held up */
    return net->w.resident && net->threads < INT32_MAX / EACH ? net->threads * EACH : INT32_MAX;
}
const char *ken_net_gemm_name(const ken_net *net) { return ken_gemm_name(net->gemm); }

/* ---- memory of a batch ------------------------------------------------------------------------------------------------ */

static int max_int(int a, int b) { return a > b ? a : b; }

static int reserve_floats(float **p, size_t n) /* once: NULL to n floats */
{
    if (*p == NULL) *p = ken_alloc_aligned(n * sizeof **p);
    return *p == NULL ? -1 : 0;
}

static int reserve_worker(const ken_net *net, ken_worker *w, int n_pos, bool logits)
{
    const ken_config *c = net->c;
    const size_t B = KEN_GEMM_ROWS, attn = (size_t)c->n_head * (size_t)c->d_head;
    const int qkv = (c->n_head + 2 * c->n_kv) * c->d_head;
    if (reserve_floats(&w->in, B * (size_t)max_int(max_int(c->n_embd, (int)attn), c->n_ff)) != 0 ||
        reserve_floats(&w->wide, B * (size_t)max_int(qkv, 2 * c->n_ff)) != 0 ||
        reserve_floats(&w->out, B * (size_t)c->n_embd) != 0 || reserve_floats(&w->x, B * (size_t)c->n_embd) != 0 ||
        (logits && reserve_floats(&w->logits, B * (size_t)c->n_vocab) != 0))
        return -1;
    if (net->tape != NULL && net->tape->lora != NULL &&
        (reserve_floats(&w->low_in, B * (size_t)max_int(max_int(c->n_embd, (int)attn), c->n_ff)) != 0 ||
         reserve_floats(&w->low_u, B * (size_t)net->tape->lora->rank) != 0 ||
         reserve_floats(&w->low_out, B * (size_t)max_int(max_int(c->n_embd, (int)attn), c->n_ff)) != 0))
        return -1;
    if (n_pos <= w->n_pos) return 0;
    n_pos = max_int(n_pos, 2 * w->n_pos);
    n_pos = (n_pos + KEN_MAX_LANES - 1) / KEN_MAX_LANES * KEN_MAX_LANES;
    ken_free(w->attention.kt);
    ken_free(w->attention.scores);
    ken_free(w->attention.slots);
    w->n_pos = 0;
    w->attention.kt = ken_alloc_aligned((size_t)n_pos * (size_t)c->d_head * sizeof(float));
    w->attention.scores = ken_alloc_aligned((size_t)n_pos * KEN_HEADS_AT_ONCE * sizeof(float));
    w->attention.slots = ken_alloc((size_t)n_pos, sizeof(int32_t));
    if (w->attention.kt == NULL || w->attention.scores == NULL || w->attention.slots == NULL) return -1;
    memset(w->attention.kt, 0, (size_t)n_pos * (size_t)c->d_head * sizeof(float));
    w->n_pos = n_pos;
    return 0;
}

int ken_net_reserve(ken_net *net, int32_t n_rows, int n_pos, int32_t n_logits, ken_err *err)
{
    const size_t rows = (size_t)n_rows, attn = (size_t)net->c->n_head * (size_t)net->c->d_head;
    const size_t had = net->cap_rows;
    if (ken_grow((void **)&net->rows, &net->cap_rows, rows, sizeof(int32_t)) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    for (size_t i = had; i < net->cap_rows; i++) net->rows[i] = (int32_t)i;
    if (ken_grow((void **)&net->x, &net->cap_x, rows * (size_t)net->c->n_embd, sizeof(float)) != 0 ||
        ken_grow((void **)&net->q, &net->cap_q, rows * attn, sizeof(float)) != 0 ||
        ken_grow((void **)&net->shared, &net->cap_shared, rows, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->order, &net->cap_order, rows, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->token, &net->cap_token, rows, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->pos, &net->cap_pos, rows, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->slot, &net->cap_slot, rows, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->path, &net->cap_path, rows, sizeof(int64_t)) != 0 ||
        ken_grow((void **)&net->logit_row, &net->cap_logit_row, (size_t)n_logits, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->logit_index, &net->cap_logit_index, (size_t)n_logits, sizeof(int32_t)) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    for (int t = 0; t < net->threads; t++)
        if (reserve_worker(net, &net->workers[t], n_pos, n_logits > 0) != 0)
            return ken_fail_nomem(err, "a batch of rows");
    return ken_rope_reserve(&net->rope, n_pos, err);
}

/* ---- the cache -------------------------------------------------------------------------------------------------------- */

int ken_kv_pad(int d_head) { return (d_head + KEN_MAX_LANES - 1) / KEN_MAX_LANES * KEN_MAX_LANES; }

size_t ken_kv_slot_bytes(const ken_config *c)
{
    return 2 * (size_t)c->n_layer * (size_t)c->n_kv * (size_t)ken_kv_pad(c->d_head) * sizeof(float);
}

int ken_kv_new(ken_kv **out, const ken_net *net, int32_t n_slots, ken_err *err)
{
    *out = NULL;
    const ken_config *c = net->c;
    if (n_slots < 1) return ken_fail(err, KEN_EUSAGE, "a cache of %d slots", n_slots);
    size_t bytes;
    if (__builtin_mul_overflow((size_t)n_slots, ken_kv_slot_bytes(c) / 2, &bytes))
        return ken_fail_nomem(err, "key-value cache");
    ken_kv *kv = ken_calloc(1, sizeof *kv);
    if (kv == NULL) return ken_fail_nomem(err, "key-value cache");
    kv->n_slots = n_slots;
    kv->n_kv = c->n_kv;
    kv->d_pad = ken_kv_pad(c->d_head);
    kv->layer = (size_t)n_slots * (size_t)c->n_kv * (size_t)kv->d_pad;
    kv->k = ken_alloc_aligned(bytes);
    kv->v = ken_alloc_aligned(bytes);
    if (kv->k == NULL || kv->v == NULL) {
        ken_kv_free(kv);
        return ken_fail_nomem(err, "key-value cache");
    }
    *out = kv;
    return KEN_OK;
}

void ken_kv_free(ken_kv *kv)
{
    if (kv == NULL) return;
    ken_free(kv->k);
    ken_free(kv->v);
    ken_free(kv);
}
