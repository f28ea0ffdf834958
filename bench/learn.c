/* learn.c - how long one training step takes, and where the time goes.
 *
 *     build/bench/learn MODEL DATA [batch] [share] [compute] [threads] [steps] [rank]
 *
 * Examples are evenly spaced rows of DATA in the format of fine-tuning (docs/method/fine-tuning.md#format). Prints, for each step, seconds
 * forward and back, of the optimizer, and the arithmetic rate: 2 operations forward and 4 back for each weight of a layer and row, and the
 * head's for each row with targets. Default: 128, 1, f32, all cores, 3, 0 (full fine-tuning). */
#include "base/alloc.h"
#include "base/parallel.h"
#include "data/data.h"
#include "nn/learn.h"
#include "nn/optim.h"
#include "tune/batch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int status, const ken_err *err)
{
    if (status == KEN_OK) return;
    fprintf(stderr, "learn: %s\n", err->msg);
    exit(1);
}

static ken_tune_row example(const ken_model *m, const ken_example *x, ken_err *err)
{
    char text[2048];
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    const ken_tokenizer *t = ken_model_tokenizer(m);
    snprintf(text, sizeof text, "Answer the following question.\n%s\n", x->question);
    must(ken_tokenizer_encode(t, text, strlen(text), KEN_ENC_SPECIAL, &ids, &n, &cap, err), err);
    const size_t n_prompt = n;
    must(ken_tokenizer_encode(t, x->answers[0], strlen(x->answers[0]), 0, &ids, &n, &cap, err), err);
    ids = ken_realloc(ids, n + 1, sizeof *ids);
    ids[n++] = ken_tokenizer_eos(t);
    return (ken_tune_row){.id = x->id, .ids = ids, .n_ids = (int32_t)n, .n_prompt = (int32_t)n_prompt, .weight = 1};
}

int main(int argc, char **argv)
{
    ken_err err;
    ken_model *m;
    ken_data *d;
    if (argc < 3)
        return fprintf(stderr, "usage: learn MODEL DATA [batch] [share] [compute] [threads] [steps] [rank]\n"), 2;
    const size_t batch = argc > 3 ? (size_t)atoi(argv[3]) : 128;
    const bool share = argc > 4 ? atoi(argv[4]) != 0 : true;
    ken_compute compute;
    must(ken_compute_parse(&compute, argc > 5 ? argv[5] : "f32", &err), &err);
    const int threads = ken_threads(argc > 6 ? atoi(argv[6]) : 0), steps = argc > 7 ? atoi(argv[7]) : 3,
              rank = argc > 8 ? atoi(argv[8]) : 0;
    must(ken_model_open(&m, argv[1], &err), &err);
    must(ken_data_open(&d, argv[2], NULL, &err), &err);
    const ken_config *c = ken_model_config(m);
    ken_params *params = NULL;
    ken_lora *lora = NULL;
    if (rank > 0) {
        must(ken_lora_new(&lora, c, rank, 2 * (float)rank, (1 << KEN_N_MODULES) - 1, &err), &err);
        ken_lora_init(lora, 0);
    } else must(ken_params_load(&params, m, threads, &err), &err);
    ken_learner *l;
    const ken_learn_options o = {
        .threads = threads, .isa = ken_isa_best(), .compute = compute, .params = params, .lora = lora};
    must(ken_learner_new(&l, m, &o, &err), &err);
    int n_segments;
    const ken_segment *segments = ken_learner_segments(l, &n_segments);
    ken_optim *optim;
    const ken_optim_options how = {KEN_ADAMW, 0.9, 0.999, 1e-8, 0, 0, threads};
    must(ken_optim_new(&optim, segments, n_segments, &how, &err), &err);
    ken_tune_row *rows = calloc(batch, sizeof *rows);
    const ken_tune_row **pointers = calloc(batch, sizeof *pointers);
    ken_batch_trie trie = {0};
    size_t next = 0;
    const size_t stride = ken_data_count(d) / (batch * (size_t)steps) + 1;
    const double layer = (double)(c->n_head + 2 * c->n_kv) * c->d_head * c->n_embd +
                         (double)c->n_head * c->d_head * c->n_embd + 3.0 * c->n_embd * c->n_ff;
    printf("%s\n", ken_learner_gemm_name(l));
    for (int s = 0; s < steps; s++) {
        size_t tokens = 0, targets = 0;
        for (size_t i = 0; i < batch; i++, next = (next + stride) % ken_data_count(d)) {
            rows[i] = example(m, ken_data_get(d, next), &err);
            pointers[i] = &rows[i];
            tokens += (size_t)rows[i].n_ids - 1;
            targets += (size_t)(rows[i].n_ids - rows[i].n_prompt);
        }
        must(ken_batch_trie_build(&trie, pointers, batch, &(ken_batch_options){share, 1.0F / (float)targets, 1}, &err),
             &err);
        float *loss = calloc(targets, sizeof *loss);
        const double t0 = omp_get_wtime();
        must(ken_learn(l, &trie.batch, loss, NULL, &err), &err);
        const double t1 = omp_get_wtime();
        double norm, sum = 0;
        must(ken_optim_step(optim, 1e-5, 1, &norm, &err), &err);
        ken_learner_changed(l);
        ken_learner_zero(l);
        const double t2 = omp_get_wtime();
        int heads = 0;
        for (size_t i = 0; i < targets; i++) {
            sum += (double)loss[i];
            heads += i == 0 || trie.row[i] != trie.row[i - 1];
        }
        const double work =
            (rank > 0 ? 4.0 : 6.0) * (layer * c->n_layer * trie.batch.n_rows + (double)c->n_vocab * c->n_embd * heads);
        printf("step %d: %zu examples, %zu tokens in %d rows, %zu targets: %.2f s + optimizer %.2f s, %.1f examples/s, "
               "%.0f GFLOPS, loss %.4f, norm %.3f\n",
               s, batch, tokens, trie.batch.n_rows, targets, t1 - t0, t2 - t1, (double)batch / (t2 - t0),
               work / (t1 - t0) * 1e-9, sum / (double)targets, norm);
        fflush(stdout);
        for (size_t i = 0; i < batch; i++) ken_free((void *)(uintptr_t)rows[i].ids);
        free(loss);
    }
    ken_batch_trie_free(&trie);
    ken_optim_free(optim);
    ken_learner_free(l);
    ken_params_free(params);
    ken_lora_free(lora);
    ken_data_free(d);
    ken_model_free(m);
    free(pointers);
    free(rows);
    return 0;
}
