/* select.c - `ken select`: a fine-tuning set out of annotated rows, written as other programs read it. The choice is ken_select's and
 * the files are ken_export's; here are the options. */
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/term.h"
#include "cli/tune_options.h"
#include "cli/views.h"
#include <string.h>

static struct {
    const char *output, *to, *model, *valid, *test, *name, *bos, *eos;
    bool strict_keys, dry_run;
} set;

static const cli_option options[] = {
    {"output", 'o', "FILE", CLI_STRING, &set.output,
     "file for the rows (mlx: a folder), and FILE.manifest.json beside it; - prints the rows alone",
     .flags = CLI_IO | CLI_PATH},
    {"to", 0, "FORMAT", CLI_CHOICE, &set.to,
     "trl (prompt and completion), messages, alpaca, sharegpt, axolotl (segments), text, mlx (a folder), csv, jsonl "
     "(default: csv for a name that ends so, else jsonl)",
     .choices = "trl|messages|alpaca|sharegpt|axolotl|text|mlx|csv|jsonl"},
    {"strict-keys", 0, NULL, CLI_FLAG, &set.strict_keys,
     "only the keys of the format: no id, relation, category, p_t0, p_t, weight, known_tail"},
    {"dry-run", 0, NULL, CLI_FLAG, &set.dry_run, "print what would be taken and write nothing", .flags = CLI_IO},
    {"seed", 0, "N", CLI_U64, &cli_tune.o.seed, "seed of everything that is drawn"},
    {"valid", 0, "DATA", CLI_STRING, &set.valid,
     "mlx: rows for valid.jsonl, which are watched and not trained; the dev split where there is one",
     .flags = CLI_IO | CLI_PATH},
    {"test", 0, "DATA", CLI_STRING, &set.test, "mlx: rows for test.jsonl; the test split where there is one",
     .flags = CLI_IO | CLI_PATH},
    {"name", 0, "NAME", CLI_STRING, &set.name,
     "alpaca, sharegpt: the set's name in dataset_info.json (default: from the file's name)"},
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model,
     "axolotl, and sharegpt for base prompts: the model whose begin and end tokens are written into the text",
     .flags = CLI_PATH},
    {"bos", 0, "TOKEN", CLI_STRING, &set.bos, "axolotl, sharegpt: the begin token instead, as in <s>"},
    {"eos", 0, "TOKEN", CLI_STRING, &set.eos, "axolotl, sharegpt: the end token instead, as in </s>"},
    {0}};

static void init(void)
{
    cli_data_init();
    cli_tune_init();
}

/* ---- the verb ------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* *to: as asked for, else by the name of the file. */
static int find_format(const char **to, ken_err *err)
{
    const char *file = set.output;
    *to = set.to != NULL ? set.to : "jsonl";
    if (file != NULL && (ends_with(file, ".parquet") || ends_with(file, ".arrow")))
        return cli_fail(err, KEN_EUSAGE,
                        "%s: only text is written; name a .jsonl or .csv file, and convert it with "
                        "pandas.read_json(\"s.jsonl\", lines=True).to_parquet(\"s.parquet\")",
                        file);
    if (set.to != NULL || file == NULL) return KEN_OK;
    if (ends_with(file, ".csv")) *to = "csv";
    else if (ends_with(file, ".json"))
        return cli_fail(err, KEN_EUSAGE,
                        "%s: two formats are JSON lists; add --to alpaca or --to sharegpt, or name a .jsonl file, "
                        "which has one row a line",
                        file);
    return KEN_OK;
}

/* Rows to watch: all of a place, or its split of that name. */
static int select_watched(ken_selection **out, const ken_train_data *main, const char *path, const char *split,
                          ken_err *err)
{
    ken_train_data d = ken_train_data_defaults();
    if (path == NULL) return KEN_OK;
    d.path = path;
    ken_data_options read = *main->read;
    if (strcmp(path, main->path) != 0) read.format = NULL; /* found from the content */
    d.read = &read;
    d.prefer_split = split;
    d.poll = cli_interrupted;
    d.prompt_template = main->prompt_template;
    d.known_tail_mixed = true; /* the order of rows that are only watched does not matter */
    return ken_select(out, &d, err);
}

static int export_rows(const ken_selection *s, const ken_train_data *from, const char *to, ken_err *err)
{
    ken_export_options o = ken_export_defaults();
    ken_selection *valid = NULL, *test = NULL;
    ken_model *model = NULL;
    int rc = select_watched(&valid, from, set.valid, "dev", err);
    if (rc == KEN_OK) rc = select_watched(&test, from, set.test, "test", err);
    if (rc == KEN_OK && set.model != NULL && (strcmp(to, "axolotl") == 0 || strcmp(to, "sharegpt") == 0)) {
        const char *place = cli_model_path(set.model, err);
        rc = place != NULL ? ken_model_open(&model, place, err) : err->status;
    }
    if (rc == KEN_OK) {
        o.format = to;
        o.prompt_template = from->prompt_template;
        o.strict_keys = set.strict_keys;
        o.name = set.name;
        o.model = model;
        o.bos = set.bos;
        o.eos = set.eos;
        o.valid = valid;
        o.test = test;
        rc = ken_export(s, &o, set.output, err);
    }
    ken_model_free(model);
    ken_selection_free(valid);
    ken_selection_free(test);
    return rc;
}

static int run(int n, char **arg, ken_err *err)
{
    if (n < 1) return cli_fail(err, KEN_EUSAGE, "nothing to select from: name a run of ken annotate, or data");
    if (set.output == NULL && !set.dry_run)
        return cli_fail(err, KEN_EUSAGE, "no file for the rows: name one with -o FILE, or look first with --dry-run");
    bool standard = set.output != NULL && strcmp(set.output, "-") == 0 && !set.dry_run;
    if (cli_data.o.aliases != NULL)
        return cli_fail(err, KEN_EUSAGE, "--aliases: no text is matched here; give them to ken train or ken eval");
    if (standard && cli.json)
        return cli_fail(err, KEN_EUSAGE,
                        "-o - prints the rows, and --json an object; write the rows into a file, or use "
                        "--dry-run");
    ken_train_data from;
    ken_selection *s = NULL;
    const char *to;
    int rc = find_format(&to, err);
    if (rc == KEN_OK) rc = cli_tune_data(&from, arg[0], err);
    if (rc == KEN_OK) rc = ken_select(&s, &from, err);
    if (rc != KEN_OK) return rc;
    term_start();
    cli_tune_notes(ken_selection_stats(s));
    if (!set.dry_run) rc = export_rows(s, &from, to, err);
    ken_views *v = NULL;
    if (rc == KEN_OK && !standard) rc = ken_views_of_selection(&v, s, set.dry_run ? NULL : set.output, to, err);
    if (v != NULL) rc = cli_print_views(v, err);
    if (rc == KEN_OK && !set.dry_run && ken_selection_stats(s)->tail > 0 && !from.known_tail_mixed)
        cli_note(set.strict_keys ? "the known tail comes last in the file, but with --strict-keys its rows are not "
                                   "marked: a trainer that shuffles mixes them in, and so does ken train"
                                 : "the known tail comes last in the file and its rows are marked known_tail; ken "
                                   "train keeps it last, other trainers that shuffle mix it in");
    if (rc == KEN_OK && !set.dry_run && !standard)
        cli_note("%s: %zu rows (%s)", set.output, ken_selection_count(s), to);
    ken_selection_free(s);
    return rc;
}

const cli_verb cli_verb_select = {
    .name = "select",
    .args = "RUN|DATA -o FILE",
    .summary = "make a fine-tuning set by what the model knows, for ken train and other trainers",
    .text =
        "Takes rows of a run of ken annotate (or of data, whose categories --labels gives) and writes them as ken "
        "train, TRL, LLaMA-Factory, Axolotl, MLX or a spreadsheet read them. The options about rows are those of ken "
        "train, and the same options and seed take the same rows there: a set can be looked at, kept and given to "
        "others instead of being drawn while training.\n\n"
        "In this order: rows of --split, --relation and --subjects; of --category, --p-min to --popularity-max; a "
        "--half; the first or (with --sample) drawn --per-relation and --limit; then a --balance, or --match pairs and "
        "a --variant; a --known-tail; --idk and --weights. What is asked for is exact: a request that the rows cannot "
        "meet ends with exit status 2 and says what is short and what would fit.\n\n"
        "The variants are those of Gekhman et al. 2024: unknown=X has X % Unknown rows and the same size and mix of "
        "relations for every X, so that only what is unknown differs; known=X is the same without its Unknown rows. "
        "Sets of one seed are nested. The table on stdout says for each relation how many rows of each category were "
        "taken (with -v, out of how many); its rows do not count the known tail. FILE.manifest.json keeps the whole "
        "request, the run, its model and settings, the counts, and a SHA-256 of each file.\n\n"
        "ken show RUN says what there is to select from.",
    .examples =
        "ken select facts.ken --category Known -o known.jsonl\n"
        "ken select facts.ken --variant unknown=50 --size 2000 --to trl -o half.jsonl\n"
        "ken select facts.ken --variant unknown=50 --idk \"I don't know\" --idk \"I am not sure\" -o idk.jsonl\n"
        "ken select facts.ken --half popular --half-within relation --subjects 0-0.8 -o popular.jsonl\n"
        "ken select facts.ken --variant unknown=50 --match control --to alpaca -o control.json\n"
        "ken select facts.ken --p-min 0.1 --p-max 0.9 --balance relation --weights p --dry-run",
    .init = init,
    .run = run,
    .tables = {options, cli_tune_options, cli_data_options},
    .min_args = 0,
    .max_args = 1,
};
