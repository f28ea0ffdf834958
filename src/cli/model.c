/* model.c - `ken model`: what is in a model file. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include <inttypes.h>
#include <string.h>

static struct {
    const char *model;
    bool tensors, hash;
} set;

static const cli_option options[] = {
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model, "the model, when it is not the argument", .flags = CLI_PATH},
    {"tensors", 0, NULL, CLI_FLAG, &set.tensors, "list every tensor with its type and shape", .flags = 0},
    {"hash", 0, NULL, CLI_FLAG, &set.hash, "compute the SHA-256 that a run would record (reads the whole file)",
     .flags = 0},
    {0}};

static const char *yes(bool b) { return b ? "yes" : "no"; }

static void shape_text(const ken_tensor_info *t, char *out, size_t n)
{
    size_t w = (size_t)snprintf(out, n, "(");
    for (int d = 0; d < t->n_dims && w + 24 < n; d++)
        w += (size_t)snprintf(out + w, n - w, "%s%" PRId64, d > 0 ? ", " : "", t->shape[d]);
    snprintf(out + w, n - w, ")");
}

static json_t *tensors_json(const ken_model *m)
{
    json_t *list = json_array();
    for (int i = 0; i < ken_model_get_info(m)->n_tensors; i++) {
        ken_tensor_info t;
        if (ken_model_tensor(m, i, &t) != KEN_OK) continue;
        json_t *shape = json_array();
        for (int d = 0; d < t.n_dims; d++) json_array_append_new(shape, json_integer(t.shape[d]));
        json_array_append_new(list, json_pack("{s:o,s:s,s:o,s:I}", "name", cli_json_string(t.name), "type", t.type,
                                              "shape", shape, "bytes", (json_int_t)t.bytes));
    }
    return list;
}

static int print_json(const ken_model *m, ken_err *err)
{
    const ken_model_info *f = ken_model_get_info(m);
    json_t *o = json_object();
    const struct {
        const char *key, *value;
    } texts[] = {{"path", f->path},
                 {"name", f->name},
                 {"format", f->format},
                 {"architecture", f->architecture},
                 {"weight_type", f->weight_type},
                 {"hash", f->hash},
                 {"source", f->source},
                 {"adapter", f->adapter},
                 {"adapter_hash", f->adapter_hash},
                 {"rope_scaling", f->rope_scaling},
                 {"tokenizer", f->tokenizer},
                 {"tokenizer_hash", f->tokenizer_hash}};
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {{"params", f->n_params}, {"bytes", f->bytes}};
    const struct {
        const char *key;
        int value;
    } sizes[] = {{"layers", f->n_layer},        {"embd", f->n_embd}, {"heads", f->n_head},  {"kv_heads", f->n_kv_head},
                 {"d_head", f->d_head},         {"ff", f->n_ff},     {"vocab", f->n_vocab}, {"context", f->n_ctx},
                 {"window", f->sliding_window}, {"bos", f->bos},     {"eos", f->eos}};
    const struct {
        const char *key;
        bool value;
    } bits[] = {{"tied_head", f->tied_head}, {"qkv_bias", f->qkv_bias}, {"qk_norm", f->qk_norm},
                {"add_bos", f->add_bos},     {"add_eos", f->add_eos},   {"chat_template", f->has_chat_template}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(o, texts[i].key, cli_json_string(texts[i].value));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].key, json_integer((json_int_t)numbers[i].value));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        json_object_set_new(o, sizes[i].key, json_integer(sizes[i].value));
    json_object_set_new(o, "rope_theta", json_real(f->rope_theta));
    json_object_set_new(o, "norm_eps", json_real(f->norm_eps));
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        json_object_set_new(o, bits[i].key, json_boolean(bits[i].value));
    json_t *warnings = json_array();
    for (int i = 0; i < f->n_warnings; i++) json_array_append_new(warnings, cli_json_string(ken_model_warning(m, i)));
    json_object_set_new(o, "warnings", warnings);
    if (set.tensors) json_object_set_new(o, "tensors", tensors_json(m));
    return cli_json_print(o, err);
}

static void line(const char *label, const char *value)
{
    printf("  %s%-13s%s ", term_on(TERM_DIM), label, term_off());
    term_text(value);
    putchar('\n');
}

static void print_text(const ken_model *m)
{
    const ken_model_info *f = ken_model_get_info(m);
    char s[400], params[32], n[32];
    printf("%s", term_on(TERM_BOLD));
    term_text(f->name);
    printf("%s\n", term_off());
    line("file", f->path);
    snprintf(s, sizeof s, "%s, %.1f MB, mostly %s", f->format, (double)f->bytes / 1e6, f->weight_type);
    line("format", s);
    if (f->source != NULL) line("source", f->source);
    if (f->hash != NULL) line("sha256", f->hash);
    if (f->adapter != NULL) {
        snprintf(s, sizeof s, "rank %d, %s", f->adapter_rank, f->adapter);
        line("adapter", s);
    }
    snprintf(s, sizeof s, "%s, %s parameters in %d tensors", f->architecture, cli_thousands(f->n_params, params),
             f->n_tensors);
    line("network", s);
    snprintf(s, sizeof s, "%d layers, width %d, feed-forward %d, %s head", f->n_layer, f->n_embd, f->n_ff,
             f->tied_head ? "tied" : "untied");
    line("shape", s);
    snprintf(s, sizeof s, "%d heads of %d, %d key-value heads%s%s", f->n_head, f->d_head, f->n_kv_head,
             f->qkv_bias ? ", with biases" : "", f->qk_norm ? ", query and key norms" : "");
    line("attention", s);
    int w = snprintf(s, sizeof s, "%d tokens; rope base %.15g, scaling %s", f->n_ctx, f->rope_theta, f->rope_scaling);
    if (f->sliding_window > 0) snprintf(s + w, sizeof s - (size_t)w, "; sliding window %d", f->sliding_window);
    line("context", s);
    snprintf(s, sizeof s, "%s, %s tokens, hash %.16s", f->tokenizer, cli_thousands((uint64_t)f->n_vocab, n),
             f->tokenizer_hash);
    line("tokenizer", s);
    const char *bos = ken_token_name(m, f->bos), *eos = ken_token_name(m, f->eos);
    snprintf(s, sizeof s, "BOS %s%s, EOS %s%s; chat template: %s", bos != NULL ? bos : "none",
             f->add_bos ? " (added)" : "", eos != NULL ? eos : "none", f->add_eos ? " (added)" : "",
             yes(f->has_chat_template));
    line("special", s);
    if (!set.tensors) return;
    printf("\n%s%5s  %-8s %-20s %12s  %s%s\n", term_on(TERM_BOLD), "", "type", "shape", "bytes", "name", term_off());
    for (int i = 0; i < f->n_tensors; i++) {
        ken_tensor_info t;
        if (ken_model_tensor(m, i, &t) != KEN_OK) continue;
        shape_text(&t, s, sizeof s);
        printf("%5d  %-8s %-20s %12" PRIu64 "  ", i, t.type, s, t.bytes);
        term_text(t.name);
        putchar('\n');
    }
}

static int run(int n, char **arg, ken_err *err)
{
    ken_model *m = NULL;
    const char *path = cli_model_path(n > 0 ? arg[0] : set.model, err);
    if (path == NULL) return err->status;
    int rc = cli_model_open(&m, path, NULL, err);
    const char *hex;
    if (rc == KEN_OK && set.hash) rc = ken_model_hash(m, &hex, err);
    if (rc != KEN_OK) goto done;
    term_start();
    if (cli.json) rc = print_json(m, err);
    else print_text(m);
done:
    ken_model_free(m);
    return rc;
}

const cli_verb cli_verb_model = {
    .name = "model",
    .args = "[FILE|DIR]",
    .summary = "show what is in a model: shape, weight types, tokenizer, warnings",
    .text = "Opens a GGUF file, or a folder with safetensors, config.json and tokenizer.json, checks it, and prints "
            "its shape, its weight types and its tokenizer. Without an argument it shows the default model.",
    .examples = "ken model\nken model --tensors model.gguf\nken model --json --hash model.gguf",
    .run = run,
    .tables = {options, cli_adapter_options},
    .min_args = 0,
    .max_args = 1,
};
