/* forward.c - one forward pass over a batch of rows.
 *
 * A layer, for a row x (C) of the residual stream (backward.c has the same with its gradients):
 *
 *     project          [q | k | v] = rms_norm(x, attn_norm) Wqkv^T + b_qkv;  q, k = rope(rms_norm(q, q_norm)), rope(rms_norm(k, k_norm))
 *     attend_and_mlp   x += softmax(q k^T / sqrt(d)) v Wo^T + b_o;  [gate | up] = rms_norm(x, ffn_norm) Wgate_up^T + b_gate_up;
 *                      x += (silu(gate) up) Wdown^T + b_down
 *
 * Rows are cut into blocks of KEN_GEMM_ROWS, a block is computed by one thread. A stage, between two barriers, takes each block through the
 * second half of one layer (attend_and_mlp) and the first half of the next (project): so all keys and values of a layer are written
 * before any row attends to them. After the last layer's keys and values only rows whose logits are read are computed. What is not
 * a matrix product is done on a block while it is in cache. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/network.h"
#include "nn/reading.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { B = KEN_GEMM_ROWS };

/* ---- the batch -------------------------------------------------------------------------------------------------------- */

static int check_batch(const ken_net *net, const ken_kv *kv, const ken_batch *b, int *n_pos, ken_err *err)
{
    const ken_config *c = net->c;
    *n_pos = 0;
    if (b->n_rows < 0) return ken_fail(err, KEN_EUSAGE, "forward: a batch of %d rows", b->n_rows);
    for (int32_t r = 0; r < b->n_rows; r++) {
        if (b->token[r] < 0 || b->token[r] >= c->n_vocab)
            return ken_fail(err, KEN_EUSAGE, "forward: row %d: token %d is not in the vocabulary of %d", r, b->token[r],
                            c->n_vocab);
        if (b->pos[r] < 0 || b->pos[r] >= c->n_ctx)
            return ken_fail(err, KEN_EUSAGE, "forward: row %d: position %d is outside the model's context of %d tokens",
                            r, b->pos[r], c->n_ctx);
        if (b->slot[r] < 0 || b->slot[r] >= kv->n_slots)
            return ken_fail(err, KEN_ESTATE, "forward: row %d: slot %d of %d", r, b->slot[r], kv->n_slots);
        for (int32_t i = 0; i < b->pos[r]; i++) {
            const int32_t slot = b->path_slots[b->path[r] + i];
            if (slot < 0 || slot >= kv->n_slots)
                return ken_fail(err, KEN_ESTATE, "forward: row %d: slot %d of %d at position %d of its path", r, slot,
                                kv->n_slots, i);
        }
        if (b->pos[r] + 1 > *n_pos) *n_pos = b->pos[r] + 1;
    }
    return KEN_OK;
}

/* Checks the readings of b and collects the rows that they read in net->read_row, *n of them. */
static int collect_rows(ken_net *net, const ken_batch *b, int32_t *n, ken_err *err)
{
    const size_t most = b->n_readings > 0 ? (size_t)b->n_readings : 0;
    if (ken_grow((void **)&net->read_row, &net->cap_read_row, most, sizeof(int32_t)) != 0 ||
        ken_grow((void **)&net->first_reading, &net->cap_first_reading, most + 1, sizeof(int32_t)) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    *n = 0;
    for (int32_t i = 0; i < b->n_readings; i++) {
        const ken_reading *r = &b->reading[i];
        const int32_t before = i > 0 ? r[-1].row : -1;
        if (r->row < 0 || r->row >= b->n_rows || r->row < before)
            return ken_fail(err, KEN_ESTATE, "forward: reading %d is of row %d; expected ascending rows below %d", i,
                            r->row, b->n_rows);
        for (int32_t j = 0; j < r->n_want; j++)
            if (r->want[j] < 0 || r->want[j] >= net->c->n_vocab)
                return ken_fail(err, KEN_EUSAGE, "forward: reading %d wants token %d of a vocabulary of %d", i,
                                r->want[j], net->c->n_vocab);
        if (r->row == before) continue;
        net->read_row[*n] = r->row;
        net->first_reading[(*n)++] = i;
    }
    net->first_reading[*n] = (int32_t)most;
    return KEN_OK;
}

/* Leading positions of row r whose slots are the same as row r-1's; each row's own slot is its last. */
static int32_t shared_with_previous(const ken_batch *b, int32_t r)
{
    const int32_t *p = b->path_slots + b->path[r - 1], *q = b->path_slots + b->path[r];
    const int32_t np = b->pos[r - 1], nq = b->pos[r];
    int32_t i = 0;
    while (i < np && i < nq && p[i] == q[i]) i++;
    if (i == np && i < nq && q[i] == b->slot[r - 1]) i++; /* r-1 is an ancestor: a prompt's rows in order */
    return i;
}

/* By path, slot for slot, an ancestor before its descendants. */
static int by_path(const void *x, const void *y, void *ctx)
{
    const ken_batch *b = ctx;
    const int32_t r = *(const int32_t *)x, s = *(const int32_t *)y;
    const int32_t *p = b->path_slots + b->path[r], *q = b->path_slots + b->path[s];
    for (int32_t i = 0;; i++) {
        const int32_t u = i < b->pos[r] ? p[i] : i == b->pos[r] ? b->slot[r] : -1;
        const int32_t v = i < b->pos[s] ? q[i] : i == b->pos[s] ? b->slot[s] : -1;
        if (u != v) return u < v ? -1 : 1;
        if (u < 0) return 0;
    }
}

/* Rows that share a path become neighbours, whatever order the caller has: attention then copies a key once for all of
 * them (measured: rows of all prompts mixed took 18% longer). Results do not depend on it. row (n): as for ken_net_prepare. Returns the
 * batch in this order, its arrays the net's. */
static ken_batch sort_batch(ken_net *net, const ken_batch *b, const int32_t *row, int32_t n)
{
    for (int32_t r = 0; r < b->n_rows; r++) net->order[r] = r;
    qsort_r(net->order, (size_t)b->n_rows, sizeof *net->order, by_path, (void *)(uintptr_t)b);
    for (int32_t i = 0; i < b->n_rows; i++) {
        const int32_t r = net->order[i];
        net->token[i] = b->token[r];
        net->pos[i] = b->pos[r];
        net->slot[i] = b->slot[r];
        net->path[i] = b->path[r];
    }
    net->n_logits = 0;
    for (int32_t i = 0; i < b->n_rows && net->n_logits < n; i++) {
        int32_t lo = 0, hi = n; /* the first of the caller's rows that is not before order[i] */
        while (lo < hi) {
            const int32_t mid = lo + (hi - lo) / 2;
            if (row[mid] < net->order[i]) lo = mid + 1;
            else hi = mid;
        }
        if (lo == n || row[lo] != net->order[i]) continue;
        net->logit_row[net->n_logits] = i;
        net->logit_index[net->n_logits++] = lo;
    }
    ken_batch s = *b;
    s.token = net->token;
    s.pos = net->pos;
    s.slot = net->slot;
    s.path = net->path;
    net->shared[0] = 0;
    for (int32_t r = 1; r < s.n_rows; r++) net->shared[r] = shared_with_previous(&s, r);
    return s;
}

/* ---- halves of a layer ------------------------------------------------------------------------------------------------- */

/* Where layer l is saved for the backward pass; NULL in inference. */
static ken_tape_layer *saved_layer(const ken_net *net, int l)
{
    return net->tape == NULL ? NULL : &net->tape->layer[net->tape->n_saved > 1 ? l : 0];
}

/* y (n, width) from column col on += scale (x A^T) B^T of an adapter in training; x (n, in). rows, first: as for attend_and_mlp. */
static int add_low_rank(ken_net *net, int l, ken_module m, const float *x, const int32_t *rows, int32_t first, int n,
                        float *y, int width, int col, int thread)
{
    const ken_tape *tape = net->tape;
    if (tape == NULL || tape->lora == NULL) return KEN_OK;
    const ken_low_rank *low = &tape->low_rank[l * KEN_N_MODULES + (int)m];
    if (low->a == NULL) return KEN_OK;
    const ken_lora_pair *pair = &tape->lora->pair[l * KEN_N_MODULES + (int)m];
    const size_t in = (size_t)pair->in, out = (size_t)pair->out, rank = (size_t)tape->lora->rank;
    ken_worker *w = &net->workers[thread];
    memcpy(w->low_in, x, (size_t)n * in * sizeof *x);
    if (tape->lora->dropout > 0)
        for (int i = 0; i < n; i++)
            net->kb->dropout(w->low_in + (size_t)i * in, pair->in, tape->mask[rows[i]], ken_site_module(l, m),
                             tape->lora->dropout);
    int rc = ken_gemm_run(low->a, w->low_in, w->low_u, n, thread);
    if (rc != KEN_OK) return rc;
    memcpy(low->u + (size_t)first * rank, w->low_u, (size_t)n * rank * sizeof *x);
    rc = ken_gemm_run(low->b, w->low_u, w->low_out, n, thread);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) {
        float *to = y + (size_t)i * (size_t)width + col;
        const float *from = w->low_out + (size_t)i * out;
        for (size_t j = 0; j < out; j++) to[j] += tape->lora->scale * from[j];
    }
    return KEN_OK;
}

/* First half of layer l for rows [row, row + n): net->x (n, C) -> rotated queries in net->q (n, n_head d), or on the tape; rotated keys and
 * values in the rows' slots. The joined product's output is w->wide (n, n_qkv). */
static int project(ken_net *net, ken_kv *kv, const ken_batch *b, int l, int32_t row, int n, int thread)
{
    const ken_config *c = net->c;
    const ken_kernels *k = net->k;
    const ken_net_layer *y = &net->w.layers[l];
    ken_worker *w = &net->workers[thread];
    const int d = c->d_head, nq = c->n_head * d, nkv = c->n_kv * d, width = nq + 2 * nkv;
    const size_t C = (size_t)c->n_embd;
    ken_tape_layer *saved = saved_layer(net, l);
    float *queries = saved != NULL ? saved->q : net->q;
    for (int i = 0; i < n; i++)
        k->rms_norm(w->in + (size_t)i * C, net->x + (size_t)(row + i) * C, y->attn_norm, c->n_embd, c->norm_eps);
    int rc = ken_gemm_run(y->qkv, w->in, w->wide, n, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_Q, w->in, net->rows + row, row, n, w->wide, width, 0, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_K, w->in, net->rows + row, row, n, w->wide, width, nq, thread);
    if (rc == KEN_OK)
        rc = add_low_rank(net, l, KEN_MOD_V, w->in, net->rows + row, row, n, w->wide, width, nq + nkv, thread);
    if (rc != KEN_OK) return rc;
    if (saved != NULL)
        memcpy(net->tape->x[l] + (size_t)row * C, net->x + (size_t)row * C, (size_t)n * C * sizeof(float));
    for (int i = 0; i < n; i++) {
        const int32_t r = row + i;
        float *q = w->wide + (size_t)i * (size_t)width, *key = q + nq, *value = key + nkv;
        if (y->b_qkv != NULL) k->add(q, y->b_qkv, width);
        if (saved != NULL && saved->qk != NULL)
            memcpy(saved->qk + (size_t)r * (size_t)(nq + nkv), q, (size_t)(nq + nkv) * sizeof *q);
        if (y->q_norm != NULL)
            for (int h = 0; h < c->n_head; h++) k->rms_norm(q + h * d, q + h * d, y->q_norm, d, c->norm_eps);
        if (y->k_norm != NULL)
            for (int h = 0; h < c->n_kv; h++) k->rms_norm(key + h * d, key + h * d, y->k_norm, d, c->norm_eps);
        const size_t angle = (size_t)b->pos[r] * (size_t)net->rope.half;
        k->rope(q, net->rope.cos + angle, net->rope.sin + angle, c->n_head + c->n_kv, d, c->d_rope); /* k follows q */
        memcpy(queries + (size_t)r * (size_t)nq, q, (size_t)nq * sizeof *q);
        for (int h = 0; h < c->n_kv; h++) {
            const size_t at =
                (size_t)l * kv->layer + ((size_t)h * (size_t)kv->n_slots + (size_t)b->slot[r]) * (size_t)kv->d_pad;
            memcpy(kv->k + at, key + h * d, (size_t)d * sizeof *key);
            memcpy(kv->v + at, value + h * d, (size_t)d * sizeof *value);
            if (kv->d_pad > d) {
                memset(kv->k + at + d, 0, (size_t)(kv->d_pad - d) * sizeof *key);
                memset(kv->v + at + d, 0, (size_t)(kv->d_pad - d) * sizeof *value);
            }
        }
    }
    return KEN_OK;
}

/* x (n, C) of the rows named += drop(y (n, C) + bias (C)); y may be overwritten. */
static void add_block(const ken_net *net, float *x, float *y, const float *bias, const int32_t *rows, int n,
                      uint32_t site)
{
    const ken_config *c = net->c;
    const ken_kernels *k = net->k;
    const size_t C = (size_t)c->n_embd;
    const bool drop = net->tape != NULL && net->tape->dropout > 0;
    for (int i = 0; i < n; i++, x += C, y += C) {
        if (drop) {
            if (bias != NULL) k->add(y, bias, c->n_embd);
            net->kb->dropout(y, c->n_embd, net->tape->mask[rows[i]], site, net->tape->dropout);
        }
        k->add(x, y, c->n_embd);
        if (!drop && bias != NULL) k->add(x, bias, c->n_embd);
    }
}

/* Second half of layer l: x (n, C) of the rows named += attention, += MLP. first: the place of the first of them among the rows of this layer's
 * second half, by which the tape has them. w->in holds the norm's output (n, C), then silu(gate) up (n, ff). */
static int attend_and_mlp(ken_net *net, const ken_attention *a, int l, const int32_t *rows, int32_t first, int n,
                          float *x, int thread)
{
    const ken_config *c = net->c;
    const ken_kernels *k = net->k;
    const ken_net_layer *y = &net->w.layers[l];
    ken_worker *w = &net->workers[thread];
    const size_t C = (size_t)c->n_embd, ff = (size_t)c->n_ff, nq = (size_t)c->n_head * (size_t)c->d_head;
    ken_tape_layer *saved = saved_layer(net, l);
    float *attn = saved != NULL ? saved->attn + (size_t)first * nq : w->in;
    float *wide = saved != NULL ? saved->gate_up + (size_t)first * 2 * ff : w->wide;
    k->attend(a, rows, n, attn, &w->attention);
    int rc = ken_gemm_run(y->o, attn, w->out, n, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_O, attn, rows, first, n, w->out, c->n_embd, 0, thread);
    if (rc != KEN_OK) return rc;
    add_block(net, x, w->out, y->b_o, rows, n, ken_site_attention(l));
    if (saved != NULL) memcpy(saved->mid + (size_t)first * C, x, (size_t)n * C * sizeof *x);
    for (int i = 0; i < n; i++)
        k->rms_norm(w->in + (size_t)i * C, x + (size_t)i * C, y->ffn_norm, c->n_embd, c->norm_eps);
    rc = ken_gemm_run(y->gate_up, w->in, wide, n, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_GATE, w->in, rows, first, n, wide, 2 * c->n_ff, 0, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_UP, w->in, rows, first, n, wide, 2 * c->n_ff, c->n_ff, thread);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) {
        float *gate = wide + (size_t)i * 2 * ff;
        if (y->b_gate_up != NULL) k->add(gate, y->b_gate_up, 2 * c->n_ff);
        k->silu_mul(w->in + (size_t)i * ff, gate, gate + ff, c->n_ff);
    }
    rc = ken_gemm_run(y->down, w->in, w->out, n, thread);
    if (rc == KEN_OK) rc = add_low_rank(net, l, KEN_MOD_DOWN, w->in, rows, first, n, w->out, c->n_embd, 0, thread);
    if (rc != KEN_OK) return rc;
    add_block(net, x, w->out, y->b_down, rows, n, ken_site_mlp(l));
    return KEN_OK;
}

/* The last layer's second half for rows [first, first + n) of those that are read, then norm, head and what the caller reads. */
static int finish(ken_net *net, const ken_attention *a, const ken_batch *b, int32_t first, int n, int thread)
{
    const ken_config *c = net->c;
    ken_worker *w = &net->workers[thread];
    const size_t C = (size_t)c->n_embd, V = (size_t)c->n_vocab;
    for (int i = 0; i < n; i++)
        memcpy(w->x + (size_t)i * C, net->x + (size_t)net->logit_row[first + i] * C, C * sizeof *w->x);
    int rc = attend_and_mlp(net, a, c->n_layer - 1, net->logit_row + first, first, n, w->x, thread);
    if (rc != KEN_OK) return rc;
    if (net->tape != NULL) { /* the learner computes the head */
        memcpy(net->tape->x[c->n_layer] + (size_t)first * C, w->x, (size_t)n * C * sizeof(float));
        return KEN_OK;
    }
    for (int i = 0; i < n; i++)
        net->k->rms_norm(w->in + (size_t)i * C, w->x + (size_t)i * C, net->w.output_norm, c->n_embd, c->norm_eps);
    rc = ken_gemm_run(net->w.head, w->in, w->logits, n, thread);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) {
        const int32_t *of = net->first_reading + net->logit_index[first + i];
        for (ken_reading *r = b->reading + of[0]; r < b->reading + of[1]; r++) {
            ken_read_logits(r, w->logits + (size_t)i * V, c->n_vocab, net->k);
            if (r->hidden != NULL) memcpy(r->hidden, w->in + (size_t)i * C, C * sizeof *w->in);
        }
    }
    return KEN_OK;
}

/* ---- the pass ----------------------------------------------------------------------------------------------------------- */

ken_attention ken_net_attention(const ken_net *net, const ken_kv *kv, const ken_batch *b, int l)
{
    const ken_config *c = net->c;
    const ken_tape_layer *saved = saved_layer(net, l);
    return (ken_attention){.n_head = c->n_head,
                           .n_kv = c->n_kv,
                           .d = c->d_head,
                           .d_pad = kv->d_pad,
                           .window = c->window,
                           .n_slots = kv->n_slots,
                           .q = saved != NULL ? saved->q : net->q,
                           .k = kv->k + (size_t)l * kv->layer,
                           .v = kv->v + (size_t)l * kv->layer,
                           .pos = b->pos,
                           .slot = b->slot,
                           .path = b->path,
                           .path_slots = b->path_slots,
                           .shared = net->shared};
}

static void embed(ken_net *net, const ken_batch *b, int32_t row, int n, float *x)
{
    const size_t C = (size_t)net->c->n_embd;
    for (int i = 0; i < n; i++) {
        ken_weights_embed(&net->w, b->token[row + i], x + (size_t)i * C);
        if (net->tape != NULL && net->tape->dropout > 0)
            net->kb->dropout(x + (size_t)i * C, net->c->n_embd, net->tape->mask[row + i], ken_site_embedding(),
                             net->tape->dropout);
    }
}

/* One stage, all blocks in parallel: the second half of attend_layer (-1: none; embeds the tokens when project_layer is 0) and the first half
 * of project_layer (-1: none). */
static int stage(ken_net *net, ken_kv *kv, const ken_batch *b, int attend_layer, int project_layer)
{
    const ken_config *c = net->c;
    const bool last = attend_layer == c->n_layer - 1;
    const int32_t n = last ? net->n_logits : b->n_rows;
    const ken_attention a = ken_net_attention(net, kv, b, attend_layer > 0 ? attend_layer : 0);
    atomic_int failed = KEN_OK;
#pragma omp parallel num_threads(net->threads)
    {
        const int thread = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
        for (int32_t row = 0; row < n; row += B) {
            const int m = n - row < B ? n - row : B;
            float *x = net->x + (size_t)row * (size_t)c->n_embd;
            int rc = KEN_OK;
            if (last) rc = finish(net, &a, b, row, m, thread);
            else if (attend_layer >= 0) rc = attend_and_mlp(net, &a, attend_layer, net->rows + row, row, m, x, thread);
            else if (project_layer == 0) embed(net, b, row, m, x);
            if (rc == KEN_OK && !last && project_layer >= 0) rc = project(net, kv, b, project_layer, row, m, thread);
            if (rc != KEN_OK) atomic_store(&failed, rc);
        }
        ken_gemm_leave(&entered);
    }
    return failed;
}

static int run_stage(ken_net *net, ken_kv *kv, const ken_batch *b, int attend_layer, int project_layer, ken_err *err)
{
    if (net->poll != NULL && net->poll(net->poll_ctx) != 0) return ken_fail(err, KEN_ESTOP, "stopped on request");
    int rc = ken_weights_stage(&net->w, attend_layer, project_layer, err);
    if (rc != KEN_OK) return rc;
    rc = stage(net, kv, b, attend_layer, project_layer);
    return rc == KEN_OK ? KEN_OK : ken_fail(err, rc, "the matrix library failed (%s)", ken_gemm_name(net->gemm));
}

int ken_net_prepare(ken_net *net, const ken_kv *kv, const ken_batch *b, const int32_t *row, int32_t n,
                    ken_batch *sorted, ken_err *err)
{
    int n_pos;
    int rc = check_batch(net, kv, b, &n_pos, err);
    if (rc != KEN_OK || b->n_rows == 0) return rc;
    rc = ken_net_reserve(net, b->n_rows, n_pos, n, err);
    if (rc == KEN_OK) *sorted = sort_batch(net, b, row, n);
    return rc;
}

/* Layer l's part of what is read, while its queries are there. */
static void read_attention(const ken_net *net, const ken_kv *kv, const ken_batch *sorted, int l)
{
    const ken_attention a = ken_net_attention(net, kv, sorted, l);
    for (int32_t i = 0; sorted->reading != NULL && i < net->n_logits; i++) {
        const int32_t row = net->logit_row[i], *of = net->first_reading + net->logit_index[i];
        const size_t layer = (size_t)l * (size_t)a.n_head * (size_t)(a.pos[row] + 1);
        for (ken_reading *r = sorted->reading + of[0]; r < sorted->reading + of[1]; r++)
            if (r->attention != NULL) ken_read_attention(&a, row, r->attention + layer);
    }
}

int ken_net_run(ken_net *net, ken_kv *kv, const ken_batch *sorted, ken_err *err)
{
    const int layers = net->c->n_layer;
    int rc = KEN_OK;
    for (int s = 0; s < layers + (net->n_logits > 0) && rc == KEN_OK; s++) {
        rc = run_stage(net, kv, sorted, s - 1, s < layers ? s : -1, err);
        if (rc == KEN_OK && s < layers) read_attention(net, kv, sorted, s);
    }
    return rc;
}

int ken_net_run_layer(ken_net *net, ken_kv *kv, const ken_batch *sorted, int l, ken_err *err)
{
    memcpy(net->x, net->tape->x[l], (size_t)sorted->n_rows * (size_t)net->c->n_embd * sizeof *net->x);
    int rc = run_stage(net, kv, sorted, -1, l, err);
    return rc == KEN_OK ? run_stage(net, kv, sorted, l, -1, err) : rc;
}

int ken_net_forward(ken_net *net, ken_kv *kv, const ken_batch *b, ken_err *err)
{
    ken_batch sorted;
    int32_t n;
    int rc = collect_rows(net, b, &n, err);
    if (rc == KEN_OK) rc = ken_net_prepare(net, kv, b, net->read_row, n, &sorted, err);
    return rc != KEN_OK || b->n_rows == 0 ? rc : ken_net_run(net, kv, &sorted, err);
}
