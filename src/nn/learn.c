/* learn.c - making a learner, its memory, one batch forward and backward, and the loss at the head; see learn.h. The backward pass through
 * the layers is backward.c. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/learner.h"
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { B = KEN_GEMM_ROWS };

/* ---- what is trained ---------------------------------------------------------------------------------------------------- */

/* The gradient of a matrix in which nothing is trained is NULL. */
static void freeze(float **matrix, const ken_params *g, const bool *trains)
{
    if (*matrix == NULL || trains == NULL) return;
    for (int i = 0; i < g->n_list; i++)
        if (g->list[i].matrix == (size_t)(*matrix - g->data) && trains[i]) return;
    *matrix = NULL;
}

enum { LAYER_POINTERS = sizeof(ken_params_layer) / sizeof(float *) };

static int new_grads(ken_learner *t, const bool *trains, ken_err *err)
{
    int rc = ken_params_new(&t->grads, t->model, err);
    if (rc != KEN_OK) return rc;
    ken_params *g = t->grads;
    const bool tied = g->head == g->tok_embd;
    freeze(&g->tok_embd, g, trains);
    if (tied) g->head = g->tok_embd;
    else freeze(&g->head, g, trains);
    freeze(&g->output_norm, g, trains);
    t->embedding = g->tok_embd != NULL;
    t->lowest = t->c->n_layer;
    for (int l = t->c->n_layer - 1; l >= 0; l--) {
        float **of = (float **)(void *)&g->layers[l];
        for (int i = 0; i < LAYER_POINTERS; i++) {
            freeze(&of[i], g, trains);
            if (of[i] != NULL) t->lowest = l;
        }
    }
    if (t->embedding) t->lowest = 0;
    return KEN_OK;
}

static int new_lora_grads(ken_learner *t, ken_err *err)
{
    t->lowest = t->c->n_layer;
    for (int i = t->c->n_layer * KEN_N_MODULES - 1; i >= 0; i--)
        if (t->lora->pair[i].a != NULL) t->lowest = i / KEN_N_MODULES;
    return ken_lora_new(&t->lora_grads, t->c, t->lora->rank, t->lora->alpha, t->lora->targets, err);
}

static bool is_trained(const ken_learner *t, const ken_param *x)
{
    const ken_params *g = t->grads;
    const float *at = g->data + x->matrix;
    if (x->layer < 0) return at == g->tok_embd || at == g->head || at == g->output_norm;
    float *const *of = (float *const *)(const void *)&g->layers[x->layer];
    for (int i = 0; i < LAYER_POINTERS; i++)
        if (of[i] == at) return true;
    return false;
}

enum { NAME = 64 };

static int list_segments(ken_learner *t, ken_err *err)
{
    const int most = t->lora != NULL ? 2 * t->c->n_layer * KEN_N_MODULES : t->params->n_list;
    t->segments = ken_calloc((size_t)most, sizeof *t->segments);
    t->names = ken_alloc((size_t)most, NAME);
    if (t->segments == NULL || t->names == NULL) return ken_fail_nomem(err, "optimizer");
    for (int i = 0; t->lora != NULL && i < t->c->n_layer * KEN_N_MODULES; i++) {
        const ken_lora_pair *p = &t->lora->pair[i], *g = &t->lora_grads->pair[i];
        const size_t rank = (size_t)t->lora->rank;
        for (int b = 0; b < 2 && p->a != NULL; b++) {
            char *name = t->names + (size_t)t->n_segments * NAME;
            snprintf(name, NAME, "layer %d %s %c", i / KEN_N_MODULES, ken_module_name((ken_module)(i % KEN_N_MODULES)),
                     b == 0 ? 'A' : 'B');
            t->segments[t->n_segments++] = (ken_segment){name, b == 0 ? p->a : p->b, b == 0 ? g->a : g->b,
                                                         rank * (size_t)(b == 0 ? p->in : p->out), true};
        }
    }
    for (int i = 0; t->lora == NULL && i < t->params->n_list; i++) {
        const ken_param *x = &t->params->list[i];
        if (!is_trained(t, x)) continue;
        char *name = t->names + (size_t)t->n_segments * NAME;
        if (x->layer < 0) snprintf(name, NAME, "%s", x->gguf);
        else snprintf(name, NAME, "blk.%d.%s", x->layer, x->gguf);
        t->segments[t->n_segments++] =
            (ken_segment){name, t->params->data + x->at, t->grads->data + x->at,
                          (size_t)x->rows * (size_t)(x->cols == 0 ? 1 : x->cols), x->cols > 0};
    }
    return t->n_segments > 0 ? KEN_OK : ken_fail(err, KEN_EUSAGE, "everything is frozen: nothing is left to train");
}

/* ---- making one --------------------------------------------------------------------------------------------------------- */

static int new_products(ken_learner *t, ken_err *err)
{
    const ken_config *c = t->c;
    const int C = c->n_embd, ff = c->n_ff, nq = c->n_head * c->d_head, qkv = (c->n_head + 2 * c->n_kv) * c->d_head;
    ken_gemm *g = t->net->gemm;
    ken_layer_products *p = &t->products;
    int rc = ken_matrix_new(&p->qkv_t, g, C, qkv, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&p->o_t, g, nq, C, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&p->gate_up_t, g, C, 2 * ff, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&p->down_t, g, ff, C, err);
    if (rc == KEN_OK) rc = ken_matrix_new(&p->head_t, g, C, c->n_vocab, err);
    if (rc != KEN_OK || t->params == NULL) return rc;
    rc = ken_outer_new(&p->qkv, g, qkv, C, qkv, C, err);
    if (rc == KEN_OK) rc = ken_outer_new(&p->o, g, C, nq, C, nq, err);
    if (rc == KEN_OK) rc = ken_outer_new(&p->gate_up, g, 2 * ff, C, 2 * ff, C, err);
    if (rc == KEN_OK) rc = ken_outer_new(&p->down, g, C, ff, C, ff, err);
    return rc == KEN_OK ? ken_outer_new(&p->head, g, c->n_vocab, C, c->n_vocab, C, err) : rc;
}

int ken_learner_new(ken_learner **out, const ken_model *m, const ken_learn_options *o, ken_err *err)
{
    *out = NULL;
    if ((o->params == NULL) == (o->lora == NULL))
        return ken_fail(err, KEN_ESTATE, "a learner trains either weights or an adapter");
    if (!(o->dropout >= 0 && o->dropout < 1) || (o->lora != NULL && !(o->lora->dropout >= 0 && o->lora->dropout < 1)))
        return ken_fail(err, KEN_EUSAGE, "dropout is %g; at least 0 and below 1",
                        (double)(o->lora != NULL && o->lora->dropout > 0 ? o->lora->dropout : o->dropout));
    ken_learner *t = ken_calloc(1, sizeof *t);
    if (t == NULL) return ken_fail_nomem(err, "training");
    t->model = m;
    t->c = ken_model_config(m);
    t->params = o->params;
    t->lora = o->lora;
    t->recompute = o->recompute;
    t->threads = ken_threads(o->threads);
    t->poll = o->poll;
    t->poll_ctx = o->ctx;
    t->k = ken_kernels_get(o->isa);
    t->kb = ken_back_kernels_get(o->isa);
    const ken_net_options n = {.threads = t->threads,
                               .isa = o->isa,
                               .compute = o->compute,
                               .memory = 1, /* layer by layer: values change with every step */
                               .params = o->params,
                               .poll = o->poll,
                               .ctx = o->ctx};
    int rc = ken_net_new(&t->net, m, &n, err);
    if (rc == KEN_OK) rc = new_products(t, err);
    if (rc == KEN_OK) rc = t->lora != NULL ? new_lora_grads(t, err) : new_grads(t, o->trains, err);
    if (rc == KEN_OK) rc = list_segments(t, err);
    if (rc == KEN_OK) {
        const int layers = t->c->n_layer;
        t->tape.n_saved = t->recompute && layers > 1 ? 1 : layers;
        t->tape.dropout = o->dropout;
        t->tape.lora = t->lora;
        t->tape.layer = ken_calloc((size_t)t->tape.n_saved, sizeof *t->tape.layer);
        t->tape.x = ken_calloc((size_t)layers + 1, sizeof *t->tape.x);
        t->scratch = ken_calloc((size_t)t->threads, sizeof *t->scratch);
        if (t->tape.layer == NULL || t->tape.x == NULL || t->scratch == NULL) rc = ken_fail_nomem(err, "training");
    }
    if (rc == KEN_OK && t->lora != NULL) rc = ken_low_rank_new(t, err);
    if (rc != KEN_OK) {
        ken_learner_free(t);
        return rc;
    }
    t->net->tape = &t->tape;
    t->stale = true;
    ken_learner_zero(t);
    *out = t;
    return KEN_OK;
}

static void free_scratch(ken_learner *t)
{
    for (int i = 0; t->scratch != NULL && i < t->threads; i++) {
        ken_free(t->scratch[i].kt);
        ken_free(t->scratch[i].vt);
        ken_free(t->scratch[i].scores);
        ken_free(t->scratch[i].slots);
        t->scratch[i] = (ken_attention_back_scratch){0};
    }
}

void ken_learner_free(ken_learner *t)
{
    if (t == NULL) return;
    if (t->net != NULL && t->lora != NULL) ken_low_rank_free(t);
    ken_matrix *matrix[] = {t->products.qkv_t, t->products.o_t, t->products.gate_up_t, t->products.down_t,
                            t->products.head_t};
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) ken_matrix_free(matrix[i]);
    ken_outer *outer[] = {t->products.qkv, t->products.o, t->products.gate_up, t->products.down, t->products.head};
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++) ken_outer_free(outer[i]);
    ken_kv_free(t->kv);
    for (int i = 0; t->tape.layer != NULL && i < t->tape.n_saved; i++) {
        const ken_tape_layer *y = &t->tape.layer[i];
        void *of[] = {y->q, y->qk, y->attn, y->mid, y->gate_up};
        for (size_t k = 0; k < sizeof of / sizeof *of; k++) ken_free(of[k]);
    }
    for (int l = 0; t->tape.x != NULL && l <= t->c->n_layer; l++) ken_free(t->tape.x[l]);
    free_scratch(t);
    void *of[] = {t->tape.layer, t->tape.x, t->scratch,      t->segments, t->names,    t->pos,        t->slot,
                  t->end,        t->rows,   t->first_target, t->path,     t->probs_at, t->path_slots, t->dx,
                  t->dlast,      t->dy,     t->dgate_up,     t->h,        t->nx,       t->dattn,      t->dq,
                  t->dqkv,       t->probs,  t->logits,       t->normed,   t->partial};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) ken_free(of[i]);
    ken_params_free(t->grads);
    ken_lora_free(t->lora_grads);
    ken_net_free(t->net);
    ken_free(t);
}

const ken_segment *ken_learner_segments(const ken_learner *t, int *n)
{
    *n = t->n_segments;
    return t->segments;
}

void ken_learner_zero(ken_learner *t)
{
#pragma omp parallel for num_threads(t->threads) schedule(dynamic, 1)
    for (int i = 0; i < t->n_segments; i++) memset(t->segments[i].g, 0, t->segments[i].n * sizeof(float));
}

void ken_learner_changed(ken_learner *t) { t->stale = true; }
const char *ken_learner_gemm_name(const ken_learner *t) { return ken_net_gemm_name(t->net); }

/* ---- memory of a batch -------------------------------------------------------------------------------------------------- */

int ken_learner_new_zeros(float **p, size_t n)
{
    ken_free(*p);
    *p = ken_alloc_aligned(n * sizeof **p);
    if (*p == NULL) return -1;
    memset(*p, 0, n * sizeof **p);
    return 0;
}

static int new_ints(int32_t **p, size_t n)
{
    ken_free(*p);
    *p = ken_alloc(n, sizeof **p);
    return *p == NULL ? -1 : 0;
}

static int reserve_rows(ken_learner *t, size_t n, ken_err *err)
{
    if (n <= t->cap_rows) return KEN_OK;
    const ken_config *c = t->c;
    const size_t R = (n + n / 8 + B - 1) / B * B, C = (size_t)c->n_embd, ff = (size_t)c->n_ff, V = (size_t)c->n_vocab,
                 nq = (size_t)c->n_head * (size_t)c->d_head, qkv = nq + 2 * (size_t)c->n_kv * (size_t)c->d_head;
    t->cap_rows = 0;
    ken_kv_free(t->kv);
    t->kv = NULL;
    int rc = R > INT32_MAX ? ken_fail_nomem(err, "a batch of rows") : ken_kv_new(&t->kv, t->net, (int32_t)R, err);
    if (rc != KEN_OK) return rc;
    int bad = 0;
    for (int i = 0; i < t->tape.n_saved && bad == 0; i++) {
        ken_tape_layer *y = &t->tape.layer[i];
        bad = ken_learner_new_zeros(&y->q, R * nq) != 0 ||
              (c->qk_norm && ken_learner_new_zeros(&y->qk, R * qkv) != 0) ||
              ken_learner_new_zeros(&y->attn, R * nq) != 0 || ken_learner_new_zeros(&y->mid, R * C) != 0 ||
              ken_learner_new_zeros(&y->gate_up, R * 2 * ff) != 0;
    }
    for (int l = 0; l <= c->n_layer && bad == 0; l++) bad = ken_learner_new_zeros(&t->tape.x[l], R * C);
    t->partial_width = ken_partial_columns(c).width;
    if (bad == 0)
        bad = ken_learner_new_zeros(&t->dx, R * C) != 0 || ken_learner_new_zeros(&t->dlast, R * C) != 0 ||
              ken_learner_new_zeros(&t->dy, R * C) != 0 || ken_learner_new_zeros(&t->dgate_up, R * 2 * ff) != 0 ||
              ken_learner_new_zeros(&t->h, R * ff) != 0 || ken_learner_new_zeros(&t->nx, R * C) != 0 ||
              ken_learner_new_zeros(&t->dattn, R * nq) != 0 || ken_learner_new_zeros(&t->dq, R * nq) != 0 ||
              ken_learner_new_zeros(&t->dqkv, R * qkv) != 0 ||
              ken_learner_new_zeros(&t->partial, R / B * t->partial_width) != 0 ||
              (t->logits == NULL && ken_learner_new_zeros(&t->logits, KEN_HEAD_ROWS * V) != 0) ||
              (t->normed == NULL && ken_learner_new_zeros(&t->normed, KEN_HEAD_ROWS * C) != 0) ||
              new_ints(&t->pos, R) != 0 || new_ints(&t->slot, R) != 0 || new_ints(&t->end, R) != 0 ||
              new_ints(&t->rows, R) != 0 || new_ints(&t->first_target, R + 1) != 0;
    ken_free(t->path);
    ken_free(t->probs_at);
    t->path = ken_alloc(R, sizeof *t->path);
    t->probs_at = ken_alloc(R + 1, sizeof *t->probs_at);
    if (bad != 0 || t->path == NULL || t->probs_at == NULL) return ken_fail_nomem(err, "a batch of rows");
    rc = t->lora != NULL ? ken_low_rank_reserve(t, R, err) : KEN_OK;
    if (rc == KEN_OK) t->cap_rows = R;
    return rc;
}

static int reserve_positions(ken_learner *t, int n_pos, ken_err *err)
{
    if (n_pos <= t->scratch_pos) return KEN_OK;
    const size_t n = ((size_t)n_pos + KEN_MAX_LANES - 1) / KEN_MAX_LANES * KEN_MAX_LANES, d = (size_t)t->c->d_head;
    free_scratch(t);
    t->scratch_pos = 0;
    for (int i = 0; i < t->threads; i++) {
        ken_attention_back_scratch *s = &t->scratch[i];
        if (ken_learner_new_zeros(&s->kt, n * d) != 0 || ken_learner_new_zeros(&s->vt, n * d) != 0 ||
            ken_learner_new_zeros(&s->scores, 2 * KEN_HEADS_AT_ONCE * n) != 0 || new_ints(&s->slots, n) != 0)
            return ken_fail_nomem(err, "a batch of rows");
    }
    t->scratch_pos = (int)n;
    return KEN_OK;
}

/* ---- the batch ---------------------------------------------------------------------------------------------------------- */

static int check_batch(const ken_learner *t, const ken_learn_batch *b, ken_err *err)
{
    if (b->n_rows < 1 || b->n_targets < 1)
        return ken_fail(err, KEN_ESTATE, "a batch of %d rows and %d targets", b->n_rows, b->n_targets);
    for (int32_t r = 0; r < b->n_rows; r++) /* depth first: the parent is the row before, or one of its ancestors */
        if (b->parent[r] < -1 || b->parent[r] >= r || (b->token[r] < 0 || b->token[r] >= t->c->n_vocab))
            return ken_fail(err, KEN_ESTATE, "row %d of a batch: token %d, parent %d", r, b->token[r], b->parent[r]);
    for (int32_t i = 0; i < b->n_targets; i++)
        if (b->row[i] < (i > 0 ? b->row[i - 1] : 0) || b->row[i] >= b->n_rows || b->target[i] < 0 ||
            b->target[i] >= t->c->n_vocab)
            return ken_fail(err, KEN_ESTATE, "target %d of a batch: row %d, token %d", i, b->row[i], b->target[i]);
    if (b->mask == NULL && (t->tape.dropout > 0 || (t->lora != NULL && t->lora->dropout > 0)))
        return ken_fail(err, KEN_ESTATE, "a batch without masks for dropout");
    return KEN_OK;
}

/* Positions, paths and subtrees from the parents; where each row's attention probabilities go; the rows that have targets. */
static int lay_out(ken_learner *t, const ken_learn_batch *b, ken_err *err)
{
    size_t paths = 0, probs = 0;
    int n_pos = 0;
    for (int32_t r = 0; r < b->n_rows; r++) {
        const int32_t up = b->parent[r];
        t->pos[r] = up < 0 ? 0 : t->pos[up] + 1;
        t->slot[r] = r;
        t->end[r] = r + 1;
        t->path[r] = (int64_t)paths;
        t->probs_at[r] = (int64_t)probs;
        paths += (size_t)t->pos[r];
        probs += (size_t)t->c->n_head * 2 * ((size_t)t->pos[r] + 1);
        if (t->pos[r] + 1 > n_pos) n_pos = t->pos[r] + 1;
        int32_t before = r - 1;
        while (before >= 0 && before != up) before = b->parent[before];
        if (before != up) return ken_fail(err, KEN_ESTATE, "row %d of a batch is not in depth-first order", r);
    }
    for (int32_t r = b->n_rows - 1; r >= 0; r--)
        if (b->parent[r] >= 0 && t->end[b->parent[r]] < t->end[r]) t->end[b->parent[r]] = t->end[r];
    if (ken_grow((void **)&t->path_slots, &t->cap_paths, paths, sizeof *t->path_slots) != 0 ||
        ken_grow((void **)&t->probs, &t->cap_probs, probs, sizeof *t->probs) != 0)
        return ken_fail_nomem(err, "a batch of rows");
    for (int32_t r = 0; r < b->n_rows; r++) {
        const int32_t up = b->parent[r];
        if (up < 0) continue;
        memcpy(t->path_slots + t->path[r], t->path_slots + t->path[up], (size_t)t->pos[up] * sizeof *t->path_slots);
        t->path_slots[t->path[r] + t->pos[up]] = up;
    }
    t->m = 0;
    for (int32_t i = 0; i < b->n_targets; i++)
        if (i == 0 || b->row[i] != b->row[i - 1]) {
            t->first_target[t->m] = i;
            t->rows[t->m++] = b->row[i];
        }
    t->first_target[t->m] = b->n_targets;
    return reserve_positions(t, n_pos, err);
}

static int pack(ken_learner *t, ken_err *err)
{
    if (!t->stale) return KEN_OK;
    const float *head;
    int rc = t->params != NULL ? ken_weights_changed(&t->net->w, err) : KEN_OK;
    if (rc == KEN_OK) rc = ken_weights_head_values(&t->net->w, &head, err);
    if (rc == KEN_OK) rc = ken_matrix_pack_t(t->products.head_t, head, err);
    if (rc == KEN_OK && t->lora != NULL) rc = ken_low_rank_pack(t, err);
    if (rc == KEN_OK) t->stale = false;
    return rc;
}

/* ---- the head ----------------------------------------------------------------------------------------------------------- */

/* For a row with logits z (V) and targets t_1, t_2, ... of weights w_1, w_2, ...:
 *
 *     L = sum over k of w_k (lse - z[t_k]) + kl_weight w_k KL_k,   lse = log sum over i of exp(z_i), so that lse - z[t] = -log p(t)
 *     dL/dz = (sum over k of w_k) softmax(z) - w_k at t_k, and the gradient of KL_k (teacher_kl)
 *
 * and for a block of rows dWhead += dz^T normed, dnormed = dz Whead, d(last layer's output) = rms_norm's gradient from dnormed. */
typedef struct head {
    ken_learner *t;
    const ken_learn_batch *b;
    float *loss, *kl;
    bool backward;
    atomic_int failed, bad_row; /* bad_row: a row whose loss is not finite, or -1 */
} head;

/* KL(p || q) of one target, and d (V) += w times its gradient; d may be NULL. q = softmax(z / tau), lse = log sum exp(z / tau); p: the teacher's
 * listed tokens, and all others as one more with p_R = 1 - sum of p, q_R = 1 - sum of q:
 *
 *     KL = sum over the listed k of p_k log(p_k / q_k) + p_R log(p_R / q_R)
 *     dKL/dz_k = (q_k - p_k) / tau for a listed k;   dKL/dz_i = q_i (1 - p_R / q_R) / tau for every other i
 *
 * since dq_i/dz_j = q_i ([i = j] - q_j) / tau. A listed token never gets the second term, even to be taken off again: p_R / q_R may be
 * huge and would not cancel. Leaves z (V) as it was; saved has room for V values.
 * Source: Kaplan et al. 2026, arXiv 2604.15574 (self-distillation); direction and remainder are ours
 * (docs/method/fine-tuning.md#distillation). */
static double teacher_kl(const head *h, float *z, float *saved, double lse, const ken_teacher *teacher, float w,
                         float *d)
{
    const double tau = (double)h->b->tau;
    const size_t V = (size_t)h->t->c->n_vocab;
    const float scale = w / h->b->tau;
    double rest_p = 1, rest_q = 1, kl = 0;
    for (int32_t k = 0; k < teacher->n; k++) {
        const int32_t id = teacher->id[k];
        const double p = (double)teacher->p[k], log_q = (double)z[id] / tau - lse, q = exp(log_q);
        rest_p -= p;
        rest_q -= q;
        if (p > 0) kl += p * (log(p) - log_q);
        if (d != NULL) d[id] += scale * (float)(q - p);
    }
    if (rest_p < 0) rest_p = 0;
    if (rest_q < 1e-12) rest_q = 1e-12;
    if (rest_p > 0) kl += rest_p * (log(rest_p) - log(rest_q));
    if (d == NULL) return kl;
    const double outside = 1 - rest_p / rest_q;
    for (int32_t k = 0; k < teacher->n; k++) { /* exp(-inf) = 0: listed tokens get nothing below */
        saved[k] = z[teacher->id[k]];
        z[teacher->id[k]] = -INFINITY;
    }
    for (size_t i = 0; i < V; i++) d[i] += scale * (float)(outside * exp((double)z[i] / tau - lse));
    for (int32_t k = 0; k < teacher->n; k++) z[teacher->id[k]] = saved[k];
    return kl;
}

/* The targets of row i of those with targets: their losses; the logits z (V) become dL/dz. copy (2, V): for the teacher. */
static void row_loss(head *h, int32_t i, float *z, float *copy)
{
    const ken_learner *t = h->t;
    const ken_learn_batch *b = h->b;
    const int V = t->c->n_vocab;
    const int32_t from = t->first_target[i], to = t->first_target[i + 1];
    float weight = 0;
    bool has_teacher = false;
    for (int32_t k = from; k < to; k++) {
        weight += b->weight[k];
        has_teacher |= b->teacher != NULL && b->teacher[k].n > 0;
        h->loss[k] = z[b->target[k]]; /* until the sum is known */
    }
    if (has_teacher) memcpy(copy, z, (size_t)V * sizeof *z);
    const double lse = t->kb->softmax(h->backward ? z : NULL, z, V, 1.0F, weight);
    for (int32_t k = from; k < to; k++) {
        h->loss[k] = (float)(lse - (double)h->loss[k]);
        if (h->backward) z[b->target[k]] -= b->weight[k];
        if (h->kl != NULL) h->kl[k] = 0;
        if (!isfinite(h->loss[k])) atomic_store(&h->bad_row, t->rows[i]);
    }
    if (!has_teacher) return;
    const double lse_tau = t->kb->softmax(NULL, copy, V, 1.0F / b->tau, 0);
    for (int32_t k = from; k < to; k++) {
        if (b->teacher[k].n <= 0) continue;
        const double kl =
            teacher_kl(h, copy, copy + V, lse_tau, &b->teacher[k], b->kl_weight * b->weight[k], h->backward ? z : NULL);
        if (h->kl != NULL) h->kl[k] = (float)kl;
    }
}

/* Rows [row, row + n) of those with targets: logits, losses, and dlast (m, C), the gradient of the last layer's output. t->logits and t->normed
 * hold the rows from `first` on. */
static int head_block(head *h, int32_t first, int32_t row, int n, float *copy, int thread)
{
    ken_learner *t = h->t;
    const ken_config *c = t->c;
    ken_worker *w = &t->net->workers[thread];
    const size_t C = (size_t)c->n_embd, V = (size_t)c->n_vocab;
    const float *x = t->tape.x[c->n_layer] + (size_t)row * C;
    float *normed = t->normed + (size_t)(row - first) * C, *z = t->logits + (size_t)(row - first) * V;
    for (int i = 0; i < n; i++)
        t->k->rms_norm(normed + (size_t)i * C, x + (size_t)i * C, t->net->w.output_norm, c->n_embd, c->norm_eps);
    int rc = ken_gemm_run(t->net->w.head, normed, z, n, thread);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < n; i++) row_loss(h, row + i, z + (size_t)i * V, copy);
    if (!h->backward) return KEN_OK;
    rc = ken_gemm_run(t->products.head_t, z, w->out, n, thread);
    if (rc != KEN_OK) return rc;
    float *d = t->dlast + (size_t)row * C, *partial = t->partial + (size_t)(row / B) * t->partial_width;
    memset(d, 0, (size_t)n * C * sizeof *d);
    for (int i = 0; i < n; i++)
        t->kb->rms_norm_back(d + (size_t)i * C, partial, w->out + (size_t)i * C, x + (size_t)i * C,
                             t->net->w.output_norm, c->n_embd, c->norm_eps);
    return KEN_OK;
}

static int run_head(head *h, ken_err *err)
{
    ken_learner *t = h->t;
    const size_t V = (size_t)t->c->n_vocab;
    const int blocks = (t->m + B - 1) / B;
    float *copies = NULL;
    if (h->b->teacher != NULL) {
        copies = ken_alloc_aligned((size_t)t->threads * 2 * V * sizeof *copies);
        if (copies == NULL) return ken_fail_nomem(err, "logits");
    }
    memset(t->partial, 0, (size_t)blocks * t->partial_width * sizeof *t->partial);
    int rc = KEN_OK;
    for (int32_t first = 0; first < t->m && rc == KEN_OK; first += KEN_HEAD_ROWS) {
        const int32_t end = t->m - first < KEN_HEAD_ROWS ? t->m : first + KEN_HEAD_ROWS;
        if (t->poll != NULL && t->poll(t->poll_ctx) != 0) rc = ken_fail(err, KEN_ESTOP, "stopped on request");
        if (rc != KEN_OK) break;
#pragma omp parallel num_threads(t->threads)
        {
            const int thread = omp_get_thread_num();
            const ken_gemm_entered entered = ken_gemm_enter(1);
#pragma omp for schedule(dynamic, 1)
            for (int32_t row = first; row < end; row += B) {
                int s = head_block(h, first, row, end - row < B ? end - row : B,
                                   copies == NULL ? NULL : copies + (size_t)thread * 2 * V, thread);
                if (s != KEN_OK) atomic_store(&h->failed, s);
            }
            ken_gemm_leave(&entered);
        }
        if (h->failed == KEN_OK && h->backward && t->grads != NULL && t->grads->head != NULL) {
            const ken_product p = {t->products.head, t->logits, t->normed, t->grads->head, end - first};
            atomic_store(&h->failed, ken_learner_products(t, &p, 1));
        }
        if (h->failed != KEN_OK)
            rc = ken_fail(err, h->failed, "the matrix library failed (%s)", ken_learner_gemm_name(t));
    }
    ken_free(copies);
    if (rc == KEN_OK && h->bad_row >= 0)
        rc =
            ken_fail(err, KEN_EINPUT, "the loss is not finite (NaN or infinite) after token %d of a batch", h->bad_row);
    if (rc == KEN_OK && h->backward && t->grads != NULL)
        ken_learner_sum_partials(t, t->grads->output_norm, 0, (size_t)t->c->n_embd, blocks);
    return rc;
}

/* ---- forward and backward ----------------------------------------------------------------------------------------------- */

static int run(ken_learner *t, const ken_learn_batch *b, float *loss, float *kl, bool backward, ken_err *err)
{
    int rc = check_batch(t, b, err);
    if (rc == KEN_OK) rc = reserve_rows(t, (size_t)b->n_rows, err);
    if (rc == KEN_OK) rc = lay_out(t, b, err);
    if (rc == KEN_OK) rc = pack(t, err);
    if (rc != KEN_OK) return rc;
    t->tape.mask = b->mask;
    const ken_batch rows = {.n_rows = b->n_rows,
                            .token = b->token,
                            .pos = t->pos,
                            .slot = t->slot,
                            .path = t->path,
                            .path_slots = t->path_slots};
    rc = ken_net_prepare(t->net, t->kv, &rows, t->rows, t->m, &t->sorted, err);
    if (rc == KEN_OK) rc = ken_net_run(t->net, t->kv, &t->sorted, err);
    head h = {.t = t, .b = b, .loss = loss, .kl = kl, .backward = backward, .bad_row = -1};
    if (rc == KEN_OK) rc = run_head(&h, err);
    return rc == KEN_OK && backward ? ken_learner_back(t, err) : rc;
}

int ken_learn(ken_learner *t, const ken_learn_batch *b, float *loss, float *kl, ken_err *err)
{
    return run(t, b, loss, kl, true, err);
}

int ken_learn_measure(ken_learner *t, const ken_learn_batch *b, float *loss, ken_err *err)
{
    const float dropout = t->tape.dropout;
    ken_lora plain;
    const ken_lora *lora = t->tape.lora;
    t->tape.dropout = 0;
    if (lora != NULL) {
        plain = *lora;
        plain.dropout = 0;
        t->tape.lora = &plain;
    }
    int rc = run(t, b, loss, NULL, false, err);
    t->tape.dropout = dropout;
    t->tape.lora = lora;
    return rc;
}
