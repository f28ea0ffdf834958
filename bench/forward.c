/* forward.c - how near the forward pass comes to the speed of its matrix products, on a batch like those of annotate.
 *
 *     build/bench/forward MODEL.gguf [threads] [isa] [prefixes] [prefix tokens] [prompts] [new tokens] [one row in .. has logits] [1 = rows of all prompts mixed]
 *
 * Default: 64 prompts of 16 new tokens over 10 shared prefixes of 75 tokens, logits of every third row. In one run and in turns, since the
 * machine may be shared: the best rate of one large packed product (the peak), the products of the batch alone, the whole pass. */
#include "base/alloc.h"
#include "base/parallel.h"
#include "nn/gemm.h"
#include "nn/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct batch {
    int n, n_logits;
    int32_t *token, *pos, *slot, *path_slots;
    int64_t *path;
    ken_reading *reading;
} batch;

static batch batch_new(int n)
{
    const size_t N = (size_t)n;
    return (batch){n, 0, calloc(N, 4), calloc(N, 4), calloc(N, 4), NULL, calloc(N, 8), calloc(N, sizeof(ken_reading))};
}

/* Two clocks, since the machine may be shared: the wall's, and the processor time of all threads divided by their number (start with
 * OMP_WAIT_POLICY=passive, so that a thread that waits uses none). The best of several turns of each. */
typedef struct lap {
    double wall, cpu;
} lap;

static lap now(int threads)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (lap){omp_get_wtime(), ((double)t.tv_sec + (double)t.tv_nsec * 1e-9) / threads};
}

static void keep_best(lap *best, lap from, lap to)
{
    const lap t = {to.wall - from.wall, to.cpu - from.cpu};
    if (best->wall == 0 || t.wall < best->wall) best->wall = t.wall;
    if (best->cpu == 0 || t.cpu < best->cpu) best->cpu = t.cpu;
}

static void run(ken_net *net, ken_kv *kv, const batch *y)
{
    ken_err err = {.msg = "NaN"};
    const ken_batch b = {y->n, y->token, y->pos, y->slot, y->path, y->path_slots, y->n_logits, y->reading};
    bool bad = ken_net_forward(net, kv, &b, &err) != KEN_OK;
    for (int i = 0; i < y->n_logits; i++) bad |= y->reading[i].n < 0;
    if (bad) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

/* ---- the products alone ------------------------------------------------------------------------------------------------- */

typedef struct products {
    ken_gemm *gemm;
    ken_matrix *w[6]; /* qkv, o, gate_up, down, head, and a large one for the peak */
    float **a, **c;   /* (threads) */
    int threads;
} products;

static const int PEAK_N = 768, PEAK_K = 1536;

static void products_new(products *p, const ken_config *c, ken_isa isa, int threads)
{
    ken_err err;
    const int attn = c->n_head * c->d_head, qkv = attn + 2 * c->n_kv * c->d_head;
    const int shape[6][2] = {{qkv, c->n_embd},     {c->n_embd, attn},       {2 * c->n_ff, c->n_embd},
                             {c->n_embd, c->n_ff}, {c->n_vocab, c->n_embd}, {PEAK_N, PEAK_K}};
    p->threads = threads;
    if (ken_gemm_new(&p->gemm, isa, KEN_F32_COMPUTE, threads, &err) != KEN_OK) exit(1);
    size_t widest_a = 0, widest_c = 0;
    for (int i = 0; i < 6; i++) {
        const size_t n = (size_t)shape[i][0], k = (size_t)shape[i][1];
        float *values = malloc(n * k * sizeof *values);
        for (size_t j = 0; j < n * k; j++) values[j] = (float)((j * 2654435761U >> 8) & 0xffff) / 65536.0F - 0.5F;
        if (ken_matrix_new(&p->w[i], p->gemm, (int)n, (int)k, &err) != KEN_OK ||
            ken_matrix_pack(p->w[i], values, &err) != KEN_OK)
            exit(1);
        free(values);
        widest_a = k > widest_a ? k : widest_a;
        widest_c = n > widest_c ? n : widest_c;
    }
    p->a = calloc((size_t)threads, sizeof *p->a);
    p->c = calloc((size_t)threads, sizeof *p->c);
    for (int t = 0; t < threads; t++) {
        p->a[t] = ken_alloc_aligned(KEN_GEMM_ROWS * widest_a * sizeof(float));
        p->c[t] = ken_alloc_aligned(KEN_GEMM_ROWS * widest_c * sizeof(float));
        for (size_t j = 0; j < KEN_GEMM_ROWS * widest_a; j++) p->a[t][j] = (float)(j % 97) / 97.0F - 0.5F;
    }
}

/* Runs products first..last-1 one after the other on `rows` rows in blocks, as the forward pass does. */
static void blocks(products *p, int first, int last, int rows, int times)
{
#pragma omp parallel num_threads(p->threads)
    {
        const int t = omp_get_thread_num();
        const ken_gemm_entered entered = ken_gemm_enter(1);
        for (int l = 0; l < times; l++) {
#pragma omp for schedule(dynamic, 1)
            for (int r = 0; r < rows; r += KEN_GEMM_ROWS)
                for (int i = first; i < last; i++)
                    ken_gemm_run(p->w[i], p->a[t], p->c[t], rows - r < KEN_GEMM_ROWS ? rows - r : KEN_GEMM_ROWS, t);
        }
        ken_gemm_leave(&entered);
    }
}

static void peak(products *p) { blocks(p, 5, 6, 64 * KEN_GEMM_ROWS, 1); }

static void products_alone(products *p, const ken_config *c, const batch *b) /* from cache-warm weights of one layer */
{
    blocks(p, 0, 4, b->n, c->n_layer - 1);
    blocks(p, 0, 1, b->n, 1);
    if (b->n_logits > 0) {
        blocks(p, 1, 4, b->n_logits, 1);
        blocks(p, 4, 5, b->n_logits, 1);
    }
}

static int argument(int argc, char **argv, int i, int otherwise) { return argc > i ? atoi(argv[i]) : otherwise; }

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr,
                "usage: %s MODEL.gguf [threads] [isa] [prefixes] [prefix tokens] [prompts] [new tokens] [one row in .. "
                "has logits]\n",
                argv[0]);
        return 2;
    }
    const int threads = ken_threads(argument(argc, argv, 2, 0));
    const int prefixes = argument(argc, argv, 4, 10), shared = argument(argc, argv, 5, 75),
              prompts = argument(argc, argv, 6, 64);
    const int fresh = argument(argc, argv, 7, 16), every = argument(argc, argv, 8, 3),
              mixed = argument(argc, argv, 9, 0);
    ken_isa isa;
    ken_err err;
    ken_model *m;
    ken_net *net;
    ken_kv *kv;
    if (ken_isa_parse(&isa, argc > 3 && *argv[3] != '\0' ? argv[3] : NULL, &err) != KEN_OK ||
        ken_model_open(&m, argv[1], &err) != KEN_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    const double opened = omp_get_wtime();
    const ken_net_options o = {.threads = threads, .isa = isa};
    if (ken_net_new(&net, m, &o, &err) != KEN_OK ||
        ken_kv_new(&kv, net, prefixes * shared + prompts * fresh, &err) != KEN_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    const ken_config *c = ken_net_config(net);
    printf("%s, %d threads, %s, weights unpacked in %.2f s\n", ken_isa_name(isa), threads, ken_net_gemm_name(net),
           omp_get_wtime() - opened);

    batch first = batch_new(prefixes * shared), y = batch_new(prompts * fresh);
    const int depth = shared + fresh;
    first.path_slots = calloc((size_t)first.n, 4);
    y.path_slots = calloc((size_t)prompts * (size_t)depth, 4);
    for (int i = 0; i < first.n; i++) {
        first.token[i] = (i * 7919 + 13) % c->n_vocab;
        first.pos[i] = i % shared;
        first.slot[i] = first.path_slots[i] = i;
        first.path[i] = i / shared * shared;
    }
    for (int p = 0; p < prompts; p++)
        for (int i = 0; i < depth; i++) {
            int32_t *slot = y.path_slots + p * depth + i;
            *slot = i < shared ? (mixed ? p % prefixes : p * prefixes / prompts) * shared + i
                               : first.n + p * fresh + i - shared;
            if (i < shared) continue;
            const int r = mixed ? (i - shared) * prompts + p : p * fresh + i - shared;
            y.token[r] = (r * 104729 + 1) % c->n_vocab;
            y.pos[r] = i;
            y.slot[r] = *slot;
            y.path[r] = (int64_t)p * depth;
        }

    for (int r = every - 1; r < y.n; r += every) y.reading[y.n_logits++].row = r;

    products p;
    products_new(&p, c, isa, threads);
    const double attn = (double)c->n_head * c->d_head, kvw = (double)c->n_kv * c->d_head, C = c->n_embd;
    const double before = 2 * C * (attn + 2 * kvw), after = 2 * (C * attn + 3 * C * c->n_ff), head = 2 * C * c->n_vocab;
    const double flops = y.n * (before * c->n_layer + after * (c->n_layer - 1)) + y.n_logits * (after + head);
    lap best[4] = {{0}};
    for (int i = 0; i < 6; i++) {
        lap t[5] = {now(threads)};
        peak(&p);
        t[1] = now(threads);
        products_alone(&p, c, &y);
        t[2] = now(threads);
        run(net, kv, &first);
        t[3] = now(threads);
        run(net, kv, &y);
        t[4] = now(threads);
        for (int j = 0; j < 4; j++) keep_best(&best[j], t[j], t[j + 1]);
    }
    const double work[4] = {2.0 * 64 * KEN_GEMM_ROWS * PEAK_N * PEAK_K, flops,
                            first.n * (before * c->n_layer + after * (c->n_layer - 1)), flops};
    const char *names[4] = {"peak: one large product", "products of the batch", "prefixes (no logits)", "whole pass"};
    printf("%d rows on paths of %d, %d logits; prefixes of %d rows\n", y.n, depth, y.n_logits, first.n);
    printf("GFLOPS                    wall  of peak     processor time  of peak\n");
    for (int j = 0; j < 4; j++)
        printf("%-23s %6.1f  %5.1f%%  %16.1f   %5.1f%%\n", names[j], work[j] / best[j].wall * 1e-9,
               100 * work[j] / work[0] * best[0].wall / best[j].wall, work[j] / best[j].cpu * 1e-9,
               100 * work[j] / work[0] * best[0].cpu / best[j].cpu);
    printf("whole pass: %.0f rows/s by the wall's clock, %.0f by processor time\n", y.n / best[3].wall,
           y.n / best[3].cpu);
    for (int i = 0; i < 6; i++) ken_matrix_free(p.w[i]);
    for (int t = 0; t < threads; t++) ken_free(p.a[t]), ken_free(p.c[t]);
    free(p.a), free(p.c);
    ken_gemm_free(p.gemm);
    ken_kv_free(kv);
    ken_net_free(net);
    ken_model_free(m);
    batch *of[] = {&first, &y};
    for (int i = 0; i < 2; i++)
        free(of[i]->token), free(of[i]->pos), free(of[i]->slot), free(of[i]->reading), free(of[i]->path_slots),
            free(of[i]->path);
    return 0;
}
