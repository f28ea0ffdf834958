/* files_tool.c - ken's side of tests/oracles/files_oracle.py: writes every format from perturbed weights, and says what ken itself
 * computes from a file. Training is not needed for that: any weights and any adapter will do, as long as they matter.
 *
 *     files_tool write MODEL DIR         DIR/base (f32 folder), full, full-bf16, full.gguf, full-f16.gguf, full-q8_0.gguf,
 *                                        adapter (PEFT), adapter.gguf, merged, base.gguf
 *     files_tool logits MODEL [ADAPTER]  stdin: token ids, a sequence a line; stdout: f32 logits of every position (V)
 *     files_tool greedy MODEL N [ADAPTER]       the same input; stdout: N greedy tokens a line
 *     files_tool tokens MODEL            stdin: texts, NUL behind each; stdout: ids a line, with special tokens added and parsed
 *     files_tool ends MODEL              stdout: the tokens that end a generation */
#include "sequence.h"
#include "base/rng.h"
#include "model/write.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "files_tool: %s\n", what);
    exit(1);
}

static ken_model *open_model(const char *path, const char *adapter)
{
    ken_model *m;
    ken_err err;
    if (ken_model_open(&m, path, &err) != KEN_OK) stop(err.msg);
    if (adapter != NULL && ken_model_attach(m, adapter, &err) != KEN_OK) stop(err.msg);
    return m;
}

/* ---- write ---------------------------------------------------------------------------------------------------------------- */

static double uniform(const char *stream, size_t i)
{
    return 2 * ken_uniform(7, stream, strlen(stream), (uint32_t)i, (uint32_t)(i >> 32), 0) - 1;
}

static void check(int status, const ken_err *err)
{
    if (status != KEN_OK) stop(err->msg);
}

static void write_all(const char *model, const char *dir)
{
    enum { PATHS = 10 };
    static const char *const names[PATHS] = {"base",           "full",    "full-bf16",    "full.gguf", "full-f16.gguf",
                                             "full-q8_0.gguf", "adapter", "adapter.gguf", "merged",    "base.gguf"};
    char path[PATHS][600];
    ken_err err;
    ken_model *m = open_model(model, NULL);
    ken_params *p;
    ken_lora *l;
    for (int i = 0; i < PATHS; i++) snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
    mkdir(dir, 0777);
    check(ken_lora_new(&l, ken_model_config(m), 4, 6, (1U << KEN_N_MODULES) - 1, &err), &err);
    ken_lora_init(l, 11);
    for (size_t i = 0; i < l->n; i++) l->data[i] += (float)(0.03 * uniform("adapter", i));
    check(ken_params_load(&p, m, 0, &err), &err);
    check(ken_write_model_folder(m, p, KEN_F32, path[0], &err), &err);
    check(ken_write_gguf(m, p, KEN_F32, path[9], &err), &err);
    check(ken_write_adapter(m, l, path[6], &err), &err);
    check(ken_write_gguf_lora(m, l, path[7], &err), &err);
    for (size_t i = 0; i < p->n; i++) p->data[i] *= (float)(1 + 0.1 * uniform("weights", i));
    check(ken_write_model_folder(m, p, KEN_F32, path[1], &err), &err);
    check(ken_write_model_folder(m, p, KEN_BF16, path[2], &err), &err);
    check(ken_write_gguf(m, p, KEN_F32, path[3], &err), &err);
    check(ken_write_gguf(m, p, KEN_F16, path[4], &err), &err);
    check(ken_write_gguf(m, p, KEN_Q8_0, path[5], &err), &err);
    ken_params_free(p);
    check(ken_params_load(&p, m, 0, &err), &err);
    ken_params_merge(p, l, 0);
    check(ken_write_model_folder(m, p, KEN_F32, path[8], &err), &err);
    ken_params_free(p);
    ken_lora_free(l);
    ken_model_free(m);
}

/* ---- compute ---------------------------------------------------------------------------------------------------------------- */

static int read_ids(int32_t *id, int V)
{
    static char line[1 << 16];
    if (fgets(line, sizeof line, stdin) == NULL) return 0;
    int n = 0;
    for (char *at = line, *end; n < SEQUENCE_MAX; at = end) {
        const long v = strtol(at, &end, 10);
        if (end == at) break;
        if (v < 0 || v >= V) stop("a token id is out of range");
        id[n++] = (int32_t)v;
    }
    return n;
}

static void compute(const char *model, const char *adapter, int n_greedy)
{
    int32_t id[SEQUENCE_MAX];
    ken_err err;
    ken_model *m = open_model(model, adapter);
    ken_net *net;
    ken_kv *kv;
    const ken_net_options o = {.isa = ken_isa_best()};
    check(ken_net_new(&net, m, &o, &err), &err);
    check(ken_kv_new(&kv, net, SEQUENCE_MAX, &err), &err);
    const int V = ken_net_config(net)->n_vocab;
    float *logits = malloc((size_t)SEQUENCE_MAX * (size_t)V * sizeof *logits);
    if (logits == NULL) stop("out of memory");
    for (int n; (n = read_ids(id, V)) > 0;) {
        if (n + n_greedy > SEQUENCE_MAX) stop("the sequence is too long");
        sequence_forward(net, kv, id, 0, n, logits);
        if (n_greedy == 0 && fwrite(logits, sizeof *logits, (size_t)n * (size_t)V, stdout) != (size_t)n * (size_t)V)
            stop("cannot write");
        const float *row = logits + (size_t)(n - 1) * (size_t)V;
        for (int i = 0; i < n_greedy; i++) {
            int best = 0;
            for (int v = 1; v < V; v++)
                if (row[v] > row[best]) best = v;
            printf("%d%c", best, i + 1 < n_greedy ? ' ' : '\n');
            id[n + i] = best;
            sequence_forward(net, kv, id, n + i, 1, logits);
            row = logits;
        }
    }
    free(logits);
    ken_kv_free(kv);
    ken_net_free(net);
    ken_model_free(m);
}

static void tokens(const char *model)
{
    ken_err err;
    ken_model *m = open_model(model, NULL);
    char *text = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getdelim(&text, &cap, '\0', stdin)) > 0;) {
        int32_t *ids;
        size_t n_ids;
        check(ken_tokenize(m, text, (size_t)n - 1, true, true, &ids, &n_ids, &err), &err);
        for (size_t i = 0; i < n_ids; i++) printf("%s%d", i > 0 ? " " : "", ids[i]);
        putchar('\n');
        ken_buffer_free(ids);
    }
    free(text);
    ken_model_free(m);
}

static void ends(const char *model)
{
    ken_model *m = open_model(model, NULL);
    const ken_tokenizer *t = ken_model_tokenizer(m);
    for (int32_t id = 0; id < ken_tokenizer_n_vocab(t); id++)
        if (ken_tokenizer_is_end(t, id)) printf("%d\n", id);
    ken_model_free(m);
}

int main(int n, char **arg)
{
    const char *verb = n > 2 ? arg[1] : "";
    if (strcmp(verb, "write") == 0 && n == 4) write_all(arg[2], arg[3]);
    else if (strcmp(verb, "logits") == 0) compute(arg[2], n > 3 ? arg[3] : NULL, 0);
    else if (strcmp(verb, "greedy") == 0 && n > 3) compute(arg[2], n > 4 ? arg[4] : NULL, atoi(arg[3]));
    else if (strcmp(verb, "tokens") == 0) tokens(arg[2]);
    else if (strcmp(verb, "ends") == 0) ends(arg[2]);
    else stop("usage: see the top of files_tool.c");
    return 0;
}
