/* train_plan.c - what a training would cost, without running it: ken_train_plan of ken.h (ken train --dry-run).
 *
 * Batches are built for real, so that what examples share is counted and not guessed: all of the first epoch, or evenly spaced ones of
 * it when they are many. Memory and disk follow from the sizes of what is held. */
#include "base/alloc.h"
#include "base/buf.h"
#include "tune/batch.h"
#include "tune/training.h"

enum { COUNTED = 200 }; /* batches */

typedef struct counter {
    ken_batch_trie trie;
    const ken_tune_row **example;
    size_t cap;
    uint64_t examples, tokens, rows, targets;
    int32_t most_rows;
} counter;

static int count_batch(counter *c, const ken_training *t, size_t b, ken_err *err)
{
    const size_t *row;
    size_t n = ken_order_batch(t->order, 0, b, &row), k = 0;
    if (ken_grow((void **)&c->example, &c->cap, n, sizeof *c->example) != 0) return ken_fail_nomem(err, "examples");
    for (size_t i = 0; i < n; i++) {
        c->example[i] = ken_tune_set_row(t->set[KEN_SET_TRAIN], row[i]);
        c->tokens += (uint64_t)c->example[i]->n_ids - 1;
        c->targets += (uint64_t)(c->example[i]->n_ids - c->example[i]->n_prompt);
    }
    c->examples += n;
    ken_batch_options how = {.share = t->share, .scale = 1};
    int rc = KEN_OK;
    for (size_t at = 0; at < n && rc == KEN_OK; at += k) {
        rc = ken_batch_fit(&k, c->example + at, n - at, how.share, t->o->rows, err);
        if (rc == KEN_OK) rc = ken_batch_trie_build(&c->trie, c->example + at, k, &how, err);
        if (rc != KEN_OK) break;
        c->rows += (uint64_t)c->trie.batch.n_rows;
        if (c->trie.batch.n_rows > c->most_rows) c->most_rows = c->trie.batch.n_rows;
    }
    return rc;
}

static int count_epoch(counter *c, const ken_training *t, ken_training_plan *out, ken_err *err)
{
    size_t all = (size_t)t->per_epoch, step = (all + COUNTED - 1) / COUNTED, counted = 0;
    int rc = KEN_OK;
    for (size_t b = 0; b < all && rc == KEN_OK; b += step, counted++) rc = count_batch(c, t, b, err);
    double times = counted > 0 ? (double)all / (double)counted : 0;
    out->tokens = (uint64_t)((double)c->tokens * times + 0.5);
    out->rows = (uint64_t)((double)c->rows * times + 0.5);
    out->targets = (uint64_t)((double)c->targets * times + 0.5);
    return rc;
}

/* Values that are trained. */
static int count_trained(const ken_training *t, uint64_t *trained, uint64_t *held, ken_err *err)
{
    *trained = 0;
    if (t->low_rank) {
        ken_lora *l = NULL;
        int rc = ken_lora_new(&l, ken_model_config(t->model), t->lora.rank, t->lora.alpha, t->lora.targets, err);
        if (rc == KEN_OK) *trained = l->n;
        ken_lora_free(l);
        *held = *trained;
        return rc;
    }
    ken_params *p = NULL;
    int rc = ken_params_new(&p, t->model, err);
    if (rc != KEN_OK) return rc;
    bool *trains = ken_calloc((size_t)p->n_list, sizeof *trains);
    rc = trains == NULL ? ken_fail_nomem(err, "what is trained")
                        : ken_freeze_mark(trains, p, &t->o->train, &t->o->freeze, err);
    for (int i = 0; i < p->n_list && rc == KEN_OK; i++)
        if (trains[i]) *trained += (uint64_t)p->list[i].rows * (uint64_t)(p->list[i].cols == 0 ? 1 : p->list[i].cols);
    *held = p->n;
    ken_free(trains);
    ken_params_free(p);
    return rc;
}

/* Bytes: what is trained with gradients and moments, a packed copy of the network for learning and one for measuring, the tape of the
 * largest batch. */
static void estimate(const ken_training *t, int32_t most_rows, uint64_t held, ken_training_plan *out)
{
    const ken_config *c = ken_model_config(t->model);
    const uint64_t f = sizeof(float), network = ken_model_get_info(t->model)->n_params * f;
    const int moments = t->optim.kind == KEN_ADAMW ? 2 : 1;
    const uint64_t qkv = (uint64_t)(c->n_head + 2 * c->n_kv) * (uint64_t)c->d_head;
    const uint64_t layer =
        4 * (uint64_t)c->n_embd + qkv + (uint64_t)c->n_head * (uint64_t)c->d_head + 3 * (uint64_t)c->n_ff;
    const uint64_t tape =
        t->o->recompute ? (uint64_t)c->n_embd * (uint64_t)c->n_layer + layer : layer * (uint64_t)c->n_layer;
    out->memory = 2 * network + (held + out->trained * (uint64_t)(1 + moments)) * f + tape * (uint64_t)most_rows * f;
    const uint64_t state = (held + out->trained * (uint64_t)moments) * f, saved = held * f;
    const uint64_t best = t->set[KEN_SET_DEV] != NULL ? held * f : 0;
    uint64_t written = saved * (best > 0 ? 2 : 1);
    for (int i = 0; i < t->n_gguf && !t->low_rank; i++) {
        const ken_dtype_info *d = ken_dtype_get((int)t->gguf[i]);
        written += held * (uint64_t)d->block_bytes / (uint64_t)d->block;
    }
    /* The old and the new state exist side by side for a moment; the outputs come when the state has shrunk to the weights. */
    out->disk = 2 * state + best > written + saved + best ? 2 * state + best : written + saved + best;
}

/* The texts of the first row. */
static int describe_first_row(const ken_training *t, ken_training_plan *out, ken_err *err)
{
    const ken_tune_row *r = ken_tune_set_row(t->set[KEN_SET_TRAIN], 0);
    const ken_tokenizer *k = ken_model_tokenizer(t->model);
    ken_buf text[2] = {{0}, {0}};
    for (int32_t i = 0; i < r->n_ids; i++) {
        ken_str s = ken_tokenizer_bytes(k, r->ids[i]);
        if (s.p == NULL) s = ken_tokenizer_piece(k, r->ids[i]); /* a control token, as it is spelled */
        if (s.p != NULL) ken_buf_add(&text[i >= r->n_prompt], s.p, s.n);
    }
    out->example_prompt = ken_buf_take(&text[0]);
    out->example_target = ken_buf_take(&text[1]);
    return out->example_prompt == NULL || out->example_target == NULL ? ken_fail_nomem(err, "plan") : KEN_OK;
}

int ken_train_plan(ken_model *m, const ken_train_options *o, ken_training_plan *out, ken_err *err)
{
    ken_training t;
    counter c = {0};
    uint64_t held = 0;
    *out = (ken_training_plan){0};
    int rc = ken_training_open(&t, m, o, err);
    if (rc == KEN_OK) rc = count_epoch(&c, &t, out, err);
    if (rc == KEN_OK) rc = count_trained(&t, &out->trained, &held, err);
    if (rc == KEN_OK) rc = describe_first_row(&t, out, err);
    if (rc == KEN_OK) {
        out->data = *ken_tune_set_stats(t.set[KEN_SET_TRAIN]);
        if (out->data.notes != NULL && (out->data.notes = ken_strdup(out->data.notes)) == NULL) /* the set's goes */
            rc = ken_fail_nomem(err, "plan");
        size_t *const rows[KEN_N_SETS] = {NULL, &out->dev, &out->test, &out->ood};
        for (int i = 1; i < KEN_N_SETS; i++)
            if (t.set[i] != NULL) *rows[i] = ken_tune_set_count(t.set[i]);
        if (rc == KEN_OK && (out->notes = ken_strdup(ken_buf_str(&t.notes))) == NULL) rc = ken_fail_nomem(err, "plan");
        out->steps = t.steps;
        out->steps_per_epoch = t.per_epoch;
        estimate(&t, c.most_rows, held, out);
    }
    ken_batch_trie_free(&c.trie);
    ken_free(c.example);
    ken_training_close(&t);
    if (rc != KEN_OK) ken_training_plan_free(out);
    return rc;
}

void ken_training_plan_free(ken_training_plan *p)
{
    if (p == NULL) return;
    ken_free((char *)(uintptr_t)p->data.notes); /* its own: ken_train_plan */
    ken_free(p->example_prompt);
    ken_free(p->example_target);
    ken_free(p->notes);
    *p = (ken_training_plan){0};
}
