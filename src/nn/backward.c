/* backward.c - the backward pass through the layers, from the gradient of the last layer's output to every trained value.
 *
 * The forward pass of one layer (forward.c). A row is a token at a position, n of them; C = n_embd, ff = n_ff, nq = n_head d, nkv = n_kv d; a
 * weight is (out, in); drop() is dropout, which is nothing without it:
 *
 *     x (n, C)                                                                    the residual stream; saved
 *     nx = rms_norm(x, attn_norm),  [q | k | v] = nx Wqkv^T + b_qkv               (n, nq + 2 nkv)
 *     q = rope(rms_norm(q, q_norm)),  k = rope(rms_norm(k, k_norm))               a head at a time; q is saved, k and v are in the cache;
 *                                                                                 where there are norms, q and k before them are saved too
 *     attn = softmax(q k^T / sqrt(d)) v                                           (n, nq); saved
 *     mid = x + drop(attn Wo^T + b_o)                                             (n, C); saved
 *     nx = rms_norm(mid, ffn_norm),  [gate | up] = nx Wgate_up^T + b_gate_up      [gate | up] (n, 2 ff); saved
 *     h = silu(gate) up,  x' = mid + drop(h Wdown^T + b_down)                     (n, ff), (n, C)
 *
 * The backward pass computes from dx' = dL/dx' (L: the loss; da has the shape of a) in five phases, each over all rows before the next:
 *
 *     MLP      dy = drop(dx')          db_down += sum of dy     dWdown += dy^T h              dh = dy Wdown
 *              [dgate | dup] = SwiGLU's gradient from dh        dWgate_up += [dgate | dup]^T nx,  db_gate_up as above
 *              dnx = [dgate | dup] Wgate_up                     dmid = dx' + rms_norm's gradient from dnx
 *     OUTPUT   dy = drop(dmid)         db_o += sum of dy        dWo += dy^T attn              dattn = dy Wo
 *     QUERIES  p = softmax(q k^T / sqrt(d)) again, ds = gradient of q k^T, dq = ds k          kernels_back.h has the equations
 *     KEYS     dk = ds^T q,  dv = p^T dattn
 *     INPUT    dq, dk through rope and their norms              dWqkv += [dq | dk | dv]^T nx, db_qkv as above
 *              dnx = [dq | dk | dv] Wqkv                        dx = dmid + rms_norm's gradient from dnx
 *
 * dx', dmid and dx are one array, to which each norm adds its part: the residual connection passes the gradient on as it is. nx and h are
 * computed again from what is saved; with `recompute` a layer's other saved values are too, by one more forward pass of that layer, whose
 * dropout masks are the same since they are a function of row, place and element (kernels_back.h). Low-rank adapters: low_rank.c.
 *
 * In the last layer only the m rows that have targets are used after the keys and values (tape.h): the first two phases run over these.
 *
 * Why the bits do not depend on threads: a phase cuts the rows into blocks of KEN_GEMM_ROWS and a block is computed by one thread, into
 * places that no other block writes. Sums over rows have a fixed order: a weight gradient dW = dY^T X is cut into tiles whose size depends on its
 * shape alone, and one thread sums a tile over all rows; gradients of vectors (norms, biases) are summed over the rows of a
 * block into the block's row of `partial`, and these over the blocks in order; dk and dv of a key are summed by one thread over the rows that see
 * it, ascending. Gradients of weights and vectors are added to what is there already, so that several batches before an optimizer step
 * accumulate in the order of the calls. */
#include "base/parallel.h"
#include "nn/learner.h"
#include <stdatomic.h>
#include <string.h>

enum { B = KEN_GEMM_ROWS };

ken_partial_at ken_partial_columns(const ken_config *c)
{
    const size_t C = (size_t)c->n_embd, d = (size_t)c->d_head;
    ken_partial_at p = {0};
    p.ffn_norm = C;
    p.q_norm = 2 * C;
    p.k_norm = p.q_norm + d;
    p.b_qkv = p.k_norm + d;
    p.b_o = p.b_qkv + (size_t)(c->n_head + 2 * c->n_kv) * d;
    p.b_gate_up = p.b_o + C;
    p.b_down = p.b_gate_up + 2 * (size_t)c->n_ff;
    p.width = p.b_down + C;
    return p;
}

void ken_learner_sum_partials(const ken_learner *t, float *to, size_t at, size_t n, int blocks)
{
    if (to == NULL) return;
    for (int b = 0; b < blocks; b++) {
        const float *from = t->partial + (size_t)b * t->partial_width + at;
        for (size_t i = 0; i < n; i++) to[i] += from[i];
    }
}

int ken_learner_products(const ken_learner *t, const ken_product *p, int n)
{
    int tiles = 0;
    for (int i = 0; i < n; i++) tiles += ken_outer_tiles(p[i].o);
    atomic_int failed = KEN_OK;
#pragma omp parallel num_threads(t->threads)
    {
        const int thread = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
        for (int j = 0; j < tiles; j++) {
            int i = 0, tile = j;
            while (tile >= ken_outer_tiles(p[i].o)) tile -= ken_outer_tiles(p[i++].o);
            int rc = ken_outer_tile(p[i].o, tile, p[i].a, p[i].b, p[i].c, p[i].rows, thread);
            if (rc != KEN_OK) atomic_store(&failed, rc);
        }
        ken_gemm_leave(&entered);
    }
    return failed;
}

/* The backward pass of one layer. n and dx are those of its second half (attention's output projection, MLP). */
typedef struct back_layer {
    ken_learner *t;
    int l;
    bool last;
    int32_t n;           /* all rows; in the last layer the m rows with targets */
    const int32_t *rows; /* (n) their places in the batch */
    float *dx;           /* (n, C) dx' at first, dmid after the phase MLP */
    const ken_tape_layer *saved;
    const ken_params_layer *grads; /* of this layer; NULL under LoRA */
    ken_partial_at at;
} back_layer;

static float *partial_of(const back_layer *y, int32_t row)
{
    return y->t->partial + (size_t)(row / B) * y->t->partial_width;
}

static void add_columns(float *sum, const float *x, int n, size_t width)
{
    for (int i = 0; i < n; i++, x += width)
        for (size_t j = 0; j < width; j++) sum[j] += x[j];
}

/* dy (n, C) of rows [row, row + n): the gradient of y, the output of Wo or Wdown with its bias. The forward pass added drop(y) to the residual
 * stream, so that dy = drop(dx) with the same mask, which is 0 or 1 / (1 - p) in each element. */
static float *output_gradient(const back_layer *y, int32_t row, int n, uint32_t site)
{
    const size_t C = (size_t)y->t->c->n_embd;
    float *d = y->t->dy + (size_t)row * C;
    memcpy(d, y->dx + (size_t)row * C, (size_t)n * C * sizeof *d);
    if (y->t->tape.dropout > 0)
        for (int i = 0; i < n; i++)
            y->t->kb->dropout(d + (size_t)i * C, y->t->c->n_embd, y->t->tape.mask[y->rows[row + i]], site,
                              y->t->tape.dropout);
    return d;
}

/* Phase MLP of rows [row, row + n) of the second half: dx holds dx' and then dmid. */
static int mlp_block(const back_layer *y, int32_t row, int n, int thread)
{
    ken_learner *t = y->t;
    const ken_config *c = t->c;
    ken_worker *w = &t->net->workers[thread];
    const size_t C = (size_t)c->n_embd, ff = (size_t)c->n_ff;
    float *partial = partial_of(y, row), *dy = output_gradient(y, row, n, ken_site_mlp(y->l));
    if (y->grads != NULL && y->grads->b_down != NULL) add_columns(partial + y->at.b_down, dy, n, C);

    int rc = ken_gemm_run(t->products.down_t, dy, w->wide, n, thread); /* dh (n, ff) = dy Wdown */
    if (rc == KEN_OK)
        rc = ken_low_rank_back_block(t, y->l, KEN_MOD_DOWN, dy, c->n_embd, 0, w->wide, y->rows + row, row, n, thread);
    if (rc != KEN_OK) return rc;
    float *dgate_up = t->dgate_up + (size_t)row * 2 * ff, *h = t->h + (size_t)row * ff, *nx = t->nx + (size_t)row * C;
    for (int i = 0; i < n; i++) {
        const float *gate = y->saved->gate_up + (size_t)(row + i) * 2 * ff;
        float *dgate = dgate_up + (size_t)i * 2 * ff;
        t->kb->silu_mul_back(dgate, dgate + ff, h + (size_t)i * ff, w->wide + (size_t)i * ff, gate, gate + ff, c->n_ff);
    }
    ken_low_rank_save_input(t, y->l, KEN_MOD_DOWN, h, y->rows + row, row, n);
    if (y->grads != NULL && y->grads->b_gate_up != NULL) add_columns(partial + y->at.b_gate_up, dgate_up, n, 2 * ff);

    rc = ken_gemm_run(t->products.gate_up_t, dgate_up, w->out, n, thread); /* dnx (n, C) = dgate_up Wgate_up */
    if (rc == KEN_OK)
        rc = ken_low_rank_back_block(t, y->l, KEN_MOD_GATE, dgate_up, 2 * c->n_ff, 0, w->out, y->rows + row, row, n,
                                     thread);
    if (rc == KEN_OK)
        rc = ken_low_rank_back_block(t, y->l, KEN_MOD_UP, dgate_up, 2 * c->n_ff, c->n_ff, w->out, y->rows + row, row, n,
                                     thread);
    if (rc != KEN_OK) return rc;
    const float *norm = t->net->w.layers[y->l].ffn_norm;
    for (int i = 0; i < n; i++) {
        const float *mid = y->saved->mid + (size_t)(row + i) * C;
        t->k->rms_norm(nx + (size_t)i * C, mid, norm, c->n_embd, c->norm_eps);
        t->kb->rms_norm_back(y->dx + (size_t)(row + i) * C, partial + y->at.ffn_norm, w->out + (size_t)i * C, mid, norm,
                             c->n_embd, c->norm_eps);
    }
    ken_low_rank_save_input(t, y->l, KEN_MOD_GATE, nx, y->rows + row, row, n);
    ken_low_rank_save_input(t, y->l, KEN_MOD_UP, nx, y->rows + row, row, n);
    return KEN_OK;
}

/* Phase OUTPUT: dattn = dy Wo. From here on arrays have all rows of the batch: in the last layer those of the second half are put into their
 * places, and so is dmid, the gradient of the residual stream; layer_back has made the other rows zero. */
static int output_block(const back_layer *y, int32_t row, int n, int thread)
{
    ken_learner *t = y->t;
    const ken_config *c = t->c;
    ken_worker *w = &t->net->workers[thread];
    const size_t C = (size_t)c->n_embd, nq = (size_t)c->n_head * (size_t)c->d_head;
    float *dy = output_gradient(y, row, n, ken_site_attention(y->l));
    if (y->grads != NULL && y->grads->b_o != NULL) add_columns(partial_of(y, row) + y->at.b_o, dy, n, C);
    int rc = ken_gemm_run(t->products.o_t, dy, w->wide, n, thread); /* dattn (n, nq) */
    if (rc == KEN_OK)
        rc = ken_low_rank_back_block(t, y->l, KEN_MOD_O, dy, c->n_embd, 0, w->wide, y->rows + row, row, n, thread);
    if (rc != KEN_OK) return rc;
    ken_low_rank_save_input(t, y->l, KEN_MOD_O, y->saved->attn + (size_t)row * nq, y->rows + row, row, n);
    for (int i = 0; i < n; i++) {
        const size_t r = (size_t)y->rows[row + i];
        memcpy(t->dattn + r * nq, w->wide + (size_t)i * nq, nq * sizeof(float));
        if (y->last) memcpy(t->dx + r * C, y->dx + (size_t)(row + i) * C, C * sizeof(float));
    }
    return KEN_OK;
}

/* Phase KEYS: dk and dv of rows [row, row + n), into their columns of dqkv. A key is seen by its row and that row's descendants, which in
 * depth-first order are the rows right after it. dk is of the rotated key, as the cache has it. */
static void key_block(const back_layer *y, const ken_attention_back *a, int32_t row, int n)
{
    const ken_learner *t = y->t;
    const size_t d = (size_t)t->c->d_head, nq = (size_t)t->c->n_head * d, nkv = (size_t)t->c->n_kv * d;
    for (int32_t s = row; s < row + n; s++)
        for (int h = 0; h < t->c->n_kv; h++) {
            float *dk = t->dqkv + (size_t)s * (nq + 2 * nkv) + nq + (size_t)h * d;
            t->kb->attend_back_key(a, s, h, dk, dk + nkv);
        }
}

/* Phase INPUT: from dq, dk (of the rotated ones) and dv to dx, through the rotation, the norms of queries and keys, the projection and the norm.
 * Values are neither rotated nor normed: their dv is in dqkv already. */
static int input_block(const back_layer *y, int32_t row, int n, int thread)
{
    ken_learner *t = y->t;
    const ken_config *c = t->c;
    const ken_net_layer *v = &t->net->w.layers[y->l];
    ken_worker *w = &t->net->workers[thread];
    const int d = c->d_head, nq = c->n_head * d, nkv = c->n_kv * d, width = nq + 2 * nkv;
    const size_t C = (size_t)c->n_embd;
    float *partial = partial_of(y, row), *dqkv = t->dqkv + (size_t)row * (size_t)width, *nx = t->nx + (size_t)row * C;
    for (int i = 0; i < n; i++) {
        float *dq = dqkv + (size_t)i * (size_t)width;
        memcpy(dq, t->dq + (size_t)(row + i) * (size_t)nq, (size_t)nq * sizeof *dq);
        const size_t angle = (size_t)t->pos[row + i] * (size_t)t->net->rope.half;
        t->kb->rope_back(dq, t->net->rope.cos + angle, t->net->rope.sin + angle, c->n_head + c->n_kv, d, c->d_rope);
        if (y->saved->qk != NULL) {
            const float *qk = y->saved->qk + (size_t)(row + i) * (size_t)(nq + nkv);
            for (int h = 0; h < c->n_head + c->n_kv; h++) {
                const bool key = h >= c->n_head;
                float dnormed[KEN_MAX_D_HEAD];
                memcpy(dnormed, dq + h * d, (size_t)d * sizeof *dnormed);
                memset(dq + h * d, 0, (size_t)d * sizeof *dq); /* rms_norm_back adds */
                t->kb->rms_norm_back(dq + h * d, partial + (key ? y->at.k_norm : y->at.q_norm), dnormed, qk + h * d,
                                     key ? v->k_norm : v->q_norm, d, c->norm_eps);
            }
        }
    }
    if (y->grads != NULL && y->grads->b_qkv != NULL) add_columns(partial + y->at.b_qkv, dqkv, n, (size_t)width);
    int rc = ken_gemm_run(t->products.qkv_t, dqkv, w->out, n, thread); /* dnx (n, C) = dqkv Wqkv */
    static const ken_module modules[3] = {KEN_MOD_Q, KEN_MOD_K, KEN_MOD_V};
    const int col[3] = {0, nq, nq + nkv};
    for (int m = 0; m < 3 && rc == KEN_OK; m++)
        rc = ken_low_rank_back_block(t, y->l, modules[m], dqkv, width, col[m], w->out, t->net->rows + row, row, n,
                                     thread);
    if (rc != KEN_OK) return rc;
    const float *x = t->tape.x[y->l] + (size_t)row * C;
    for (int i = 0; i < n; i++) {
        t->k->rms_norm(nx + (size_t)i * C, x + (size_t)i * C, v->attn_norm, c->n_embd, c->norm_eps);
        t->kb->rms_norm_back(t->dx + (size_t)(row + i) * C, partial + y->at.attn_norm, w->out + (size_t)i * C,
                             x + (size_t)i * C, v->attn_norm, c->n_embd, c->norm_eps);
    }
    for (int m = 0; m < 3; m++) ken_low_rank_save_input(t, y->l, modules[m], nx, t->net->rows + row, row, n);
    return KEN_OK;
}

typedef enum phase { MLP, OUTPUT, QUERIES, KEYS, INPUT } phase;

static int run_phase(const back_layer *y, phase p)
{
    ken_learner *t = y->t;
    const int32_t n = p == MLP || p == OUTPUT ? y->n : t->sorted.n_rows;
    const ken_attention forward = ken_net_attention(t->net, t->kv, &t->sorted, y->l);
    const ken_attention_back a = {&forward, t->dattn, t->end, t->probs_at, t->probs};
    atomic_int failed = KEN_OK;
#pragma omp parallel num_threads(t->threads)
    {
        const int thread = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
        for (int32_t row = 0; row < n; row += B) {
            const int m = n - row < B ? n - row : B;
            int rc = KEN_OK;
            if (p == MLP) rc = mlp_block(y, row, m, thread);
            else if (p == OUTPUT) rc = output_block(y, row, m, thread);
            else if (p == QUERIES) t->kb->attend_back_query(&a, t->net->rows + row, m, t->dq, &t->scratch[thread]);
            else if (p == KEYS) key_block(y, &a, row, m);
            else rc = input_block(y, row, m, thread);
            if (rc != KEN_OK) atomic_store(&failed, rc);
        }
        ken_gemm_leave(&entered);
    }
    return failed;
}

/* The weight gradients of each part: dW (out, in) += dY^T X over the rows, and those of adapters. Only of what is trained. */
static int mlp_products(const back_layer *y)
{
    const ken_learner *t = y->t;
    const ken_config *c = t->c;
    ken_product p[2 + 2 * 3];
    int n = 0;
    if (y->grads != NULL && y->grads->down != NULL)
        p[n++] = (ken_product){t->products.down, t->dy, t->h, y->grads->down, y->n};
    if (y->grads != NULL && y->grads->gate_up != NULL)
        p[n++] = (ken_product){t->products.gate_up, t->dgate_up, t->nx, y->grads->gate_up, y->n};
    n += ken_low_rank_products(t, y->l, KEN_MOD_DOWN, t->dy, 0, t->h, y->n, p + n);
    n += ken_low_rank_products(t, y->l, KEN_MOD_GATE, t->dgate_up, 0, t->nx, y->n, p + n);
    n += ken_low_rank_products(t, y->l, KEN_MOD_UP, t->dgate_up, c->n_ff, t->nx, y->n, p + n);
    return ken_learner_products(t, p, n);
}

static int output_products(const back_layer *y)
{
    const ken_learner *t = y->t;
    ken_product p[1 + 2];
    int n = 0;
    if (y->grads != NULL && y->grads->o != NULL)
        p[n++] = (ken_product){t->products.o, t->dy, y->saved->attn, y->grads->o, y->n};
    n += ken_low_rank_products(t, y->l, KEN_MOD_O, t->dy, 0, y->saved->attn, y->n, p + n);
    return ken_learner_products(t, p, n);
}

static int input_products(const back_layer *y)
{
    const ken_learner *t = y->t;
    const int nq = t->c->n_head * t->c->d_head, nkv = t->c->n_kv * t->c->d_head, rows = t->sorted.n_rows;
    ken_product p[1 + 2 * 3];
    int n = 0;
    if (y->grads != NULL && y->grads->qkv != NULL)
        p[n++] = (ken_product){t->products.qkv, t->dqkv, t->nx, y->grads->qkv, rows};
    n += ken_low_rank_products(t, y->l, KEN_MOD_Q, t->dqkv, 0, t->nx, rows, p + n);
    n += ken_low_rank_products(t, y->l, KEN_MOD_K, t->dqkv, nq, t->nx, rows, p + n);
    n += ken_low_rank_products(t, y->l, KEN_MOD_V, t->dqkv, nq + nkv, t->nx, rows, p + n);
    return ken_learner_products(t, p, n);
}

/* The gradients of norms and biases: sums over blocks of what each block has put into `partial`. */
static void sum_vectors(const back_layer *y)
{
    const ken_learner *t = y->t;
    const ken_config *c = t->c;
    if (y->grads == NULL) return;
    const size_t C = (size_t)c->n_embd, d = (size_t)c->d_head;
    const int second = (y->n + B - 1) / B, all = (t->sorted.n_rows + B - 1) / B;
    ken_learner_sum_partials(t, y->grads->ffn_norm, y->at.ffn_norm, C, second);
    ken_learner_sum_partials(t, y->grads->b_gate_up, y->at.b_gate_up, 2 * (size_t)c->n_ff, second);
    ken_learner_sum_partials(t, y->grads->b_down, y->at.b_down, C, second);
    ken_learner_sum_partials(t, y->grads->b_o, y->at.b_o, C, second);
    ken_learner_sum_partials(t, y->grads->attn_norm, y->at.attn_norm, C, all);
    ken_learner_sum_partials(t, y->grads->q_norm, y->at.q_norm, d, all);
    ken_learner_sum_partials(t, y->grads->k_norm, y->at.k_norm, d, all);
    ken_learner_sum_partials(t, y->grads->b_qkv, y->at.b_qkv, (size_t)(c->n_head + 2 * c->n_kv) * d, all);
}

/* Packs the layer's weights for the products dX = dY W. */
static int pack_layer(ken_learner *t, int l, ken_err *err)
{
    ken_matrix *const to[] = {t->products.qkv_t, t->products.o_t, t->products.gate_up_t, t->products.down_t};
    int rc = KEN_OK;
    for (int which = 0; which < 4 && rc == KEN_OK; which++) {
        const float *values;
        rc = ken_weights_values(&t->net->w, l, (ken_which_matrix)which, &values, err);
        if (rc == KEN_OK) rc = ken_matrix_pack_t(to[which], values, err);
    }
    return rc;
}

static int layer_back(ken_learner *t, int l, ken_err *err)
{
    const ken_config *c = t->c;
    const bool last = l == c->n_layer - 1;
    const size_t rows = (size_t)t->sorted.n_rows, C = (size_t)c->n_embd, nq = (size_t)c->n_head * (size_t)c->d_head;
    if (t->poll != NULL && t->poll(t->poll_ctx) != 0) return ken_fail(err, KEN_ESTOP, "stopped on request");
    int rc = t->recompute ? ken_net_run_layer(t->net, t->kv, &t->sorted, l, err) : KEN_OK;
    if (rc == KEN_OK) rc = pack_layer(t, l, err);
    if (rc != KEN_OK) return rc;
    const back_layer y = {.t = t,
                          .l = l,
                          .last = last,
                          .n = last ? t->m : t->sorted.n_rows,
                          .rows = last ? t->rows : t->net->rows,
                          .dx = last ? t->dlast : t->dx,
                          .saved = &t->tape.layer[t->tape.n_saved > 1 ? l : 0],
                          .grads = t->grads == NULL ? NULL : &t->grads->layers[l],
                          .at = ken_partial_columns(c)};
    memset(t->partial, 0, (rows + B - 1) / B * t->partial_width * sizeof *t->partial);
    if (last) { /* rows without targets: their attention's output and their mid are not used, so that dattn = dmid = 0 */
        memset(t->dx, 0, rows * C * sizeof *t->dx);
        memset(t->dattn, 0, rows * nq * sizeof *t->dattn);
    }
    rc = run_phase(&y, MLP);
    if (rc == KEN_OK) rc = mlp_products(&y);
    if (rc == KEN_OK) rc = run_phase(&y, OUTPUT);
    if (rc == KEN_OK) rc = output_products(&y);
    if (rc == KEN_OK) rc = run_phase(&y, QUERIES);
    if (rc == KEN_OK) rc = run_phase(&y, KEYS);
    if (rc == KEN_OK) rc = run_phase(&y, INPUT);
    if (rc == KEN_OK) rc = input_products(&y);
    if (rc != KEN_OK) return ken_fail(err, rc, "the matrix library failed (%s)", ken_gemm_name(t->net->gemm));
    sum_vectors(&y);
    return KEN_OK;
}

/* x = drop(embedding[token]): the token's row of dembedding += drop(dx), row after row of the batch. A tied head has added its dW to the same
 * array before (learn.c). */
static void embedding_back(ken_learner *t)
{
    const size_t C = (size_t)t->c->n_embd;
    for (int32_t r = 0; r < t->sorted.n_rows; r++) {
        float *d = t->dx + (size_t)r * C;
        if (t->tape.dropout > 0)
            t->kb->dropout(d, t->c->n_embd, t->tape.mask[r], ken_site_embedding(), t->tape.dropout);
        t->k->add(t->grads->tok_embd + (size_t)t->sorted.token[r] * C, d, t->c->n_embd);
    }
}

int ken_learner_back(ken_learner *t, ken_err *err)
{
    int rc = KEN_OK;
    for (int l = t->c->n_layer - 1; l >= t->lowest && rc == KEN_OK; l--) rc = layer_back(t, l, err);
    if (rc == KEN_OK && t->embedding) embedding_back(t);
    return rc;
}
