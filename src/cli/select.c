/* select.c - `ken select`: a fine-tuning set out of annotated rows, written as other programs read it. The choice is ken_select's and
 * the files are ken_export's; here are the options, and the table that says what was taken. */
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/tune_options.h"
#include <stdlib.h>
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
    {"seed", 0, "N", CLI_U64, &cli_tune.o.seed, "of everything that is drawn"},
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

/* ---- the table ------------------------------------------------------------------------------------------------------ */

/* Columns beside the four categories, where something is in them. */
typedef struct columns {
    int name;
    bool annotated, other, tail, idk;
} columns;

static size_t rows_of(const ken_selection_group *g)
{
    size_t n = 0;
    for (int c = 0; c <= KEN_N_CATEGORIES; c++) n += g->take[c];
    return n;
}

/* Rows without one of the four categories. */
static size_t others(const size_t n[KEN_N_CATEGORIES + 1]) { return n[KEN_UNLABELLED] + n[KEN_N_CATEGORIES]; }

static columns find_columns(const ken_selection_group *g, size_t n, const ken_selection_group *all)
{
    columns c = {.name = 8, .tail = all->tail > 0, .idk = all->relabelled > 0, .other = others(all->take) > 0};
    for (size_t i = 0; i < n; i++) {
        int w = term_columns(g[i].relation);
        if (w > c.name) c.name = w;
    }
    if (c.name > 26) c.name = 26;
    c.annotated = others(all->have) < all->have[KEN_HIGHLY_KNOWN] + all->have[KEN_MAYBE_KNOWN] +
                                          all->have[KEN_WEAKLY_KNOWN] + all->have[KEN_UNKNOWN] + others(all->have);
    return c;
}

static void print_count(size_t take, size_t have, int width)
{
    char s[80], a[32], b[32];
    if (cli.verbose) snprintf(s, sizeof s, "%s of %s", cli_thousands(take, a), cli_thousands(have, b));
    else snprintf(s, sizeof s, "%s", cli_thousands(take, a));
    if (take == 0) term_styled(TERM_DIM, s, -width);
    else term_cell(s, -width);
}

static int width_of(int c) { return (cli.verbose ? 18 : 3) + (cli.verbose ? 0 : (int)strlen(ken_category_name(c))); }

static void print_group(const columns *c, const ken_selection_group *g, size_t total, const char *name)
{
    char s[32];
    size_t n = rows_of(g), unknown = g->take[KEN_UNKNOWN];
    term_cell(name[0] != '\0' ? name : "(none)", c->name);
    term_cell(cli_thousands(n, s), -9);
    printf("%7.1f%%", total > 0 ? 100.0 * (double)n / (double)total : 0.0);
    for (int k = 0; k < KEN_UNLABELLED && c->annotated; k++) print_count(g->take[k], g->have[k], width_of(k));
    if (c->annotated && c->other) print_count(others(g->take), others(g->have), cli.verbose ? 18 : 10);
    if (c->annotated && n > 0) printf("%9.1f%%", 100.0 * (double)unknown / (double)n);
    else if (c->annotated) printf("%10s", "-");
    if (c->idk) term_cell(cli_thousands(g->relabelled, s), -8);
    if (c->tail) term_cell(cli_thousands(g->tail, s), -8);
    putchar('\n');
}

static void print_table(const ken_selection *s)
{
    size_t n;
    const ken_selection_group *g = ken_selection_groups(s, &n);
    ken_selection_group all = {.relation = "all"};
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k <= KEN_N_CATEGORIES; k++) {
            all.have[k] += g[i].have[k];
            all.take[k] += g[i].take[k];
        }
        all.tail += g[i].tail;
        all.relabelled += g[i].relabelled;
    }
    columns c = find_columns(g, n, &all);
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("relation", c.name);
    printf("%9s%8s%s", "rows", "share", term_off());
    for (int k = 0; k < KEN_UNLABELLED && c.annotated; k++)
        term_styled(TERM_CATEGORY + k, ken_category_name(k), -width_of(k));
    fputs(term_on(TERM_BOLD), stdout);
    if (c.annotated && c.other) printf("%*s", cli.verbose ? 18 : 10, "other");
    if (c.annotated) printf("%10s", "% Unknown");
    if (c.idk) printf("%8s", "idk");
    if (c.tail) printf("%8s", "tail");
    printf("%s\n", term_off());
    for (size_t i = 0; i < n; i++) print_group(&c, &g[i], rows_of(&all), g[i].relation);
    if (n > 1) print_group(&c, &all, rows_of(&all), "all");
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static json_t *categories(const size_t n[KEN_N_CATEGORIES + 1])
{
    cli_json_object x = {.o = json_object()};
    for (int c = 0; c <= KEN_N_CATEGORIES; c++)
        if (c < KEN_UNLABELLED || n[c] > 0)
            cli_json_put(&x, c < KEN_N_CATEGORIES ? ken_category_name(c) : "not_annotated", cli_json_count(n[c]));
    return cli_json_finish(&x);
}

static json_t *groups(const ken_selection *s)
{
    cli_json_object x = {.o = json_object()};
    size_t n;
    const ken_selection_group *g = ken_selection_groups(s, &n);
    for (size_t i = 0; i < n; i++) {
        cli_json_object r = {.o = json_object()};
        size_t rows = rows_of(&g[i]);
        cli_json_put(&r, "rows", cli_json_count(rows));
        cli_json_put(&r, "unknown_share",
                     rows > 0 ? cli_json_real((double)g[i].take[KEN_UNKNOWN] / (double)rows) : json_null());
        cli_json_put(&r, "have", categories(g[i].have));
        cli_json_put(&r, "take", categories(g[i].take));
        cli_json_put(&r, "relabelled", cli_json_count(g[i].relabelled));
        cli_json_put(&r, "tail", cli_json_count(g[i].tail));
        cli_json_put(&x, g[i].relation, cli_json_finish(&r));
    }
    return cli_json_finish(&x);
}

#define STATS(member) CLI_JSON_FIELD(ken_train_data_stats, #member, member)

static int print_json(const ken_selection *s, const char *path, const char *to, ken_err *err)
{
    const ken_train_data_stats *t = ken_selection_stats(s);
    cli_json_object x = {.o = json_object()};
    cli_json_put(&x, "data", cli_json_string(path));
    cli_json_put(&x, "output", cli_json_string(set.dry_run ? NULL : set.output));
    cli_json_put(&x, "format", cli_json_string(to));
    cli_json_put(&x, "seed", cli_json_count(cli_tune.o.seed));
    cli_json_put(&x, "rows", cli_json_count(t->rows));
    cli_json_put(&x, "categories", categories(t->category));
    CLI_JSON_PUT(&x, t, STATS(tail), STATS(tail_repeated), STATS(relabelled), STATS(bad), STATS(unmatched),
                 STATS(newline), STATS(duplicates), STATS(conflicts), STATS(relations_left_out), STATS(spread),
                 STATS(unranked), STATS(middle), STATS(matched), STATS(partnerless), STATS(ranked_by),
                 STATS(matched_by));
    cli_json_put(&x, "relations", groups(s));
    return cli_json_print(cli_json_finish(&x), err);
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
    if (set.to != NULL || file == NULL) return KEN_OK;
    if (ends_with(file, ".csv")) *to = "csv";
    else if (ends_with(file, ".json"))
        return cli_fail(err, KEN_EUSAGE,
                        "%s: a JSON list of what? --to alpaca or --to sharegpt says, .jsonl has a row a line", file);
    return KEN_OK;
}

/* Rows to watch: all of a place, or its split of that name. */
static int select_watched(ken_selection **out, const ken_train_data *main, const char *path, const char *split,
                          ken_err *err)
{
    ken_train_data d = ken_train_data_defaults();
    if (path == NULL) return KEN_OK;
    d.path = path;
    d.read = main->read;
    if (strcmp(path, main->path) != 0) d.read.format = NULL; /* found from the content */
    d.prefer_split = split;
    d.poll = cli_interrupted;
    d.prompt_template = main->prompt_template;
    d.known_tail_mixed = true; /* rows that are not trained have no last place */
    return ken_select(out, &d, err);
}

static int export_rows(const ken_selection *s, const ken_train_data *from, const char *to, ken_err *err)
{
    ken_export_options o = ken_export_defaults();
    ken_selection *valid = NULL, *test = NULL;
    ken_model *model = NULL;
    int rc = select_watched(&valid, from, set.valid, "dev", err);
    if (rc == KEN_OK) rc = select_watched(&test, from, set.test, "test", err);
    if (rc == KEN_OK && set.model != NULL && (strcmp(to, "axolotl") == 0 || strcmp(to, "sharegpt") == 0))
        rc = ken_model_open(&model, set.model, err);
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
    if (rc == KEN_OK && cli.json) rc = print_json(s, arg[0], to, err);
    else if (rc == KEN_OK && !standard) print_table(s);
    if (rc == KEN_OK && !set.dry_run && ken_selection_stats(s)->tail > 0 && !from.known_tail_mixed)
        cli_note(set.strict_keys
                     ? "the known tail stands last in the file, but with --strict-keys no row says so: what "
                       "shuffles mixes it in, ken train too"
                     : "the known tail stands last in the file, its rows say known_tail, and ken train "
                       "keeps it last; other trainers that shuffle mix it in");
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
