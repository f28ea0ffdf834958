/* low_rank.c - adapters in training: y += scale (x A^T) B^T and its gradients (learner.h). The forward part is in forward.c.
 *
 * With xd = drop(x), the adapter's own dropout of the projection's input x (n, in), and A (rank, in), B (out, rank), u (n, rank):
 *
 *     forward    u = xd A^T,  y (n, out) += scale u B^T
 *     backward   du = scale dy B,  dB += dy^T (scale u),  dA += du^T xd,  dx += drop(du A)
 *
 * dB is the only one that reads u in the backward pass, so u is scaled in place. dA and dB are ken_low_rank_products, the rest is
 * ken_low_rank_back_block; xd is drawn again, with the same mask. */
#include "base/alloc.h"
#include "nn/learner.h"
#include <string.h>

static const ken_lora_pair *pair_of(const ken_learner *t, int l, ken_module m)
{
    return &t->lora->pair[l * KEN_N_MODULES + (int)m];
}

static ken_low_rank *low_of(const ken_learner *t, int l, ken_module m)
{
    return &t->tape.low_rank[l * KEN_N_MODULES + (int)m];
}

/* Columns of the matrix that dy of a module is a part of: q, k, v are one product, and so are gate and up. */
static int joined_width(const ken_config *c, ken_module m)
{
    if (m <= KEN_MOD_V) return (c->n_head + 2 * c->n_kv) * c->d_head;
    return m == KEN_MOD_GATE || m == KEN_MOD_UP ? 2 * c->n_ff : c->n_embd;
}

int ken_low_rank_new(ken_learner *t, ken_err *err)
{
    const int rank = t->lora->rank;
    ken_gemm *g = t->net->gemm;
    t->tape.low_rank = ken_calloc((size_t)t->c->n_layer * KEN_N_MODULES, sizeof *t->tape.low_rank);
    if (t->tape.low_rank == NULL) return ken_fail_nomem(err, "adapter");
    int rc = KEN_OK;
    for (int l = 0; l < t->c->n_layer; l++)
        for (int m = 0; m < KEN_N_MODULES && rc == KEN_OK; m++) {
            const ken_lora_pair *p = pair_of(t, l, (ken_module)m);
            ken_low_rank *y = low_of(t, l, (ken_module)m);
            ken_low_rank_back *back = &t->low[m];
            if (p->a == NULL) continue;
            rc = ken_matrix_new(&y->a, g, rank, p->in, err);
            if (rc == KEN_OK) rc = ken_matrix_new(&y->b, g, p->out, rank, err);
            if (rc == KEN_OK) rc = ken_matrix_new(&y->a_t, g, p->in, rank, err);
            if (rc == KEN_OK) rc = ken_matrix_new(&y->b_t, g, rank, p->out, err);
            if (rc == KEN_OK && back->da == NULL) rc = ken_outer_new(&back->da, g, rank, p->in, rank, p->in, err);
            if (rc == KEN_OK && back->db == NULL)
                rc = ken_outer_new(&back->db, g, p->out, rank, joined_width(t->c, (ken_module)m), rank, err);
        }
    return rc;
}

void ken_low_rank_free(ken_learner *t)
{
    for (int i = 0; t->tape.low_rank != NULL && i < t->c->n_layer * KEN_N_MODULES; i++) {
        ken_low_rank *y = &t->tape.low_rank[i];
        ken_matrix_free(y->a);
        ken_matrix_free(y->b);
        ken_matrix_free(y->a_t);
        ken_matrix_free(y->b_t);
        if (t->tape.n_saved > 1 || i < KEN_N_MODULES) ken_free(y->u);
    }
    for (int m = 0; m < KEN_N_MODULES; m++) {
        ken_outer_free(t->low[m].da);
        ken_outer_free(t->low[m].db);
        ken_free(t->low[m].du);
        ken_free(t->low[m].x);
    }
    ken_free(t->tape.low_rank);
}

int ken_low_rank_reserve(ken_learner *t, size_t rows, ken_err *err)
{
    const size_t rank = (size_t)t->lora->rank;
    int bad = 0;
    for (int m = 0; m < KEN_N_MODULES && bad == 0; m++) {
        int in = 0;
        for (int l = 0; l < t->c->n_layer && bad == 0; l++) {
            const ken_lora_pair *p = pair_of(t, l, (ken_module)m);
            ken_low_rank *y = low_of(t, l, (ken_module)m);
            if (p->a != NULL) in = p->in;
            if (l == 0 || t->tape.n_saved > 1)
                bad = p->a != NULL || l == 0 ? ken_learner_new_zeros(&y->u, rows * rank) : 0;
            else y->u = low_of(t, 0, (ken_module)m)->u;
        }
        if (in == 0 || bad != 0) continue;
        bad = ken_learner_new_zeros(&t->low[m].du, rows * rank);
        if (bad == 0 && t->lora->dropout > 0) bad = ken_learner_new_zeros(&t->low[m].x, rows * (size_t)in);
    }
    return bad == 0 ? KEN_OK : ken_fail_nomem(err, "adapter");
}

int ken_low_rank_pack(ken_learner *t, ken_err *err)
{
    int rc = KEN_OK;
    for (int l = 0; l < t->c->n_layer; l++)
        for (int m = 0; m < KEN_N_MODULES && rc == KEN_OK; m++) {
            const ken_lora_pair *p = pair_of(t, l, (ken_module)m);
            const ken_low_rank *y = low_of(t, l, (ken_module)m);
            if (p->a == NULL) continue;
            rc = ken_matrix_pack(y->a, p->a, err);
            if (rc == KEN_OK) rc = ken_matrix_pack(y->b, p->b, err);
            if (rc == KEN_OK) rc = ken_matrix_pack_t(y->a_t, p->a, err);
            if (rc == KEN_OK) rc = ken_matrix_pack_t(y->b_t, p->b, err);
        }
    return rc;
}

int ken_low_rank_back_block(ken_learner *t, int l, ken_module m, const float *dy, int width, int col, float *din,
                            const int32_t *rows, int32_t first, int n, int thread)
{
    if (t->lora == NULL || pair_of(t, l, m)->a == NULL) return KEN_OK;
    const ken_lora_pair *p = pair_of(t, l, m);
    const ken_low_rank *y = low_of(t, l, m);
    ken_worker *w = &t->net->workers[thread];
    const size_t in = (size_t)p->in, out = (size_t)p->out, rank = (size_t)t->lora->rank;
    float *du = t->low[m].du + (size_t)first * rank, *u = y->u + (size_t)first * rank;
    for (int i = 0; i < n; i++)
        memcpy(w->low_out + (size_t)i * out, dy + (size_t)i * (size_t)width + col, out * sizeof(float));
    int rc = ken_gemm_run(y->b_t, w->low_out, w->low_u, n, thread);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < (size_t)n * rank; i++) {
        du[i] = w->low_u[i] *= t->lora->scale;
        u[i] *= t->lora->scale; /* for dB */
    }
    rc = ken_gemm_run(y->a_t, w->low_u, w->low_in, n, thread);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) {
        float *x = w->low_in + (size_t)i * in;
        if (t->lora->dropout > 0)
            t->kb->dropout(x, p->in, t->tape.mask[rows[i]], ken_site_module(l, m), t->lora->dropout);
        t->k->add(din + (size_t)i * in, x, p->in);
    }
    return KEN_OK;
}

void ken_low_rank_save_input(ken_learner *t, int l, ken_module m, const float *x, const int32_t *rows, int32_t first,
                             int n)
{
    if (t->lora == NULL || t->lora->dropout <= 0 || pair_of(t, l, m)->a == NULL) return;
    const int in = pair_of(t, l, m)->in;
    float *to = t->low[m].x + (size_t)first * (size_t)in;
    memcpy(to, x, (size_t)n * (size_t)in * sizeof *to);
    for (int i = 0; i < n; i++)
        t->kb->dropout(to + (size_t)i * (size_t)in, in, t->tape.mask[rows[i]], ken_site_module(l, m), t->lora->dropout);
}

int ken_low_rank_products(const ken_learner *t, int l, ken_module m, const float *dy, int col, const float *x, int rows,
                          ken_product *list)
{
    if (t->lora == NULL || pair_of(t, l, m)->a == NULL) return 0;
    const ken_lora_pair *g = &t->lora_grads->pair[l * KEN_N_MODULES + (int)m];
    const float *input = t->lora->dropout > 0 ? t->low[m].x : x;
    list[0] = (ken_product){t->low[m].da, t->low[m].du, input, g->a, rows};
    list[1] = (ken_product){t->low[m].db, dy + col, low_of(t, l, m)->u, g->b, rows};
    return 2;
}
