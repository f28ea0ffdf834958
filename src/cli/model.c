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

#define INFO(name, member) CLI_JSON_FIELD(ken_model_info, name, member)

static int print_json(const ken_model *m, ken_err *err)
{
    const ken_model_info *f = ken_model_get_info(m);
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(
        &x, f, INFO("path", path), INFO("name", name), INFO("format", format), INFO("architecture", architecture),
        INFO("weight_type", weight_type), INFO("hash", hash), INFO("source", source), INFO("adapter", adapter),
        INFO("adapter_hash", adapter_hash), INFO("rope_scaling", rope_scaling), INFO("tokenizer", tokenizer),
        INFO("tokenizer_hash", tokenizer_hash), INFO("params", n_params), INFO("bytes", bytes), INFO("layers", n_layer),
        INFO("embd", n_embd), INFO("heads", n_head), INFO("kv_heads", n_kv_head), INFO("d_head", d_head),
        INFO("ff", n_ff), INFO("vocab", n_vocab), INFO("context", n_ctx), INFO("window", sliding_window),
        INFO("bos", bos), INFO("eos", eos), INFO("rope_theta", rope_theta), INFO("norm_eps", norm_eps),
        INFO("tied_head", tied_head), INFO("qkv_bias", qkv_bias), INFO("qk_norm", qk_norm), INFO("add_bos", add_bos),
        INFO("add_eos", add_eos), INFO("chat_template", has_chat_template));
    json_t *warnings = json_array();
    for (int i = 0; i < f->n_warnings; i++) json_array_append_new(warnings, cli_json_string(ken_model_warning(m, i)));
    cli_json_put(&x, "warnings", warnings);
    if (set.tensors) cli_json_put(&x, "tensors", tensors_json(m));
    return cli_json_print(cli_json_finish(&x), err);
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
