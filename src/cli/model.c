/* model.c - `ken model`: what is in a model file. */
#include "cli/cli.h"
#include "cli/model_options.h"
#include "cli/term.h"
#include "cli/views.h"

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
    ken_views *v;
    rc = ken_views_of_model(&v, m, set.tensors, err);
    if (rc == KEN_OK) rc = cli_print_views(v, err);
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
