/* lab_model.c - `ken lab model`: a model folder with random weights. */
#include "cli/cli.h"
#include <string.h>

static struct {
    ken_new_model_options o;
    const char *output;
} set;

static const cli_option options[] = {
    {"output", 'o', "DIR", CLI_STRING, &set.output, "the folder to make", .flags = CLI_IO | CLI_PATH},
    {"family", 0, "NAME", CLI_STRING, &set.o.family, "llama, qwen2 or qwen3"},
    {"layers", 0, "N", CLI_INT, &set.o.layers, "layers"},
    {"width", 0, "N", CLI_INT, &set.o.width, "width"},
    {"heads", 0, "N", CLI_INT, &set.o.heads, "attention heads"},
    {"kv-heads", 0, "N", CLI_INT, &set.o.kv_heads, "heads of keys and values (0: as many as heads)"},
    {"head-size", 0, "N", CLI_INT, &set.o.head_size, "size of a head (0: width / heads)"},
    {"inner", 0, "N", CLI_INT, &set.o.inner, "width of the feed-forward layers (0: three times the width)"},
    {"context", 0, "N", CLI_INT, &set.o.context, "tokens of context"},
    {"untied", 0, NULL, CLI_UNFLAG, &set.o.tied, "a head of its own in place of the token embedding",
     .setting = "tied"},
    {"rope-theta", 0, "X", CLI_REAL, &set.o.rope_theta, "base of the rotary frequencies"},
    {"norm-eps", 0, "X", CLI_REAL, &set.o.norm_eps, "what norms add to the mean square"},
    {"words", 0, "FILE", CLI_STRING, &set.o.words, "a text whose words are tokens (default: bytes alone)",
     .flags = CLI_PATH},
    {"seed", 0, "N", CLI_U64, &set.o.seed, "of the weights"},
    {0}};

static void init(void)
{
    memset(&set, 0, sizeof set);
    set.o = ken_new_model_defaults();
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n, (void)arg;
    if (set.output == NULL) return cli_fail(err, KEN_EUSAGE, "no folder for the model: name one with -o DIR");
    int rc = ken_new_model(&set.o, set.output, err);
    if (rc == KEN_OK) cli_note("%s: look at it with: ken model %s", set.output, set.output);
    return rc;
}

const cli_verb cli_verb_lab_model = {
    .name = "lab model",
    .args = "-o DIR",
    .summary = "make a model with random weights, of any family and shape",
    .text = "Writes a model folder (config.json, tokenizer.json, model.safetensors) that ken and transformers load: "
            "something to pretrain, to test "
            "and to measure with. The tokenizer is byte-level; the words of a text may be tokens of their own. The "
            "same options give the same bytes.",
    .examples = "ken lab model -o tiny\n"
                "ken lab model --family qwen3 --layers 4 --width 256 --heads 8 --kv-heads 2 -o q",
    .init = init,
    .run = run,
    .tables = {options, NULL},
    .min_args = 0,
    .max_args = 0,
};
