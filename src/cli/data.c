/* data.c - `ken data`: reads, validates and counts a data set; with --protocol slick, the totals of the paper's filter. */
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/json.h"
#include "cli/term.h"
#include "cli/views.h"
#include <math.h>

static struct {
    cli_tables tables;
    bool rows;
    size_t limit, sample;
    uint64_t seed;
} set;

static const cli_option options[] = {
    {"rows", 0, NULL, CLI_FLAG, &set.rows, "print the rows (with --json: JSON lines)"},
    {"limit", 0, "N", CLI_SIZE, &set.limit, "--rows: the first N rows (0: all)"},
    {"sample", 0, "N", CLI_SIZE, &set.sample,
     "--rows: N rows drawn at random by --seed, those that ken annotate --sample N asks when every row may be asked"},
    {"seed", 0, "N", CLI_U64, &set.seed, "seed of --sample"},
    CLI_TABLE_OPTIONS(set.tables),
    {0}};

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

#define ROW(member) CLI_JSON_FIELD(ken_example, #member, member)

static int print_row_json(const ken_example *e, ken_err *err)
{
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, e, ROW(id), ROW(relation), ROW(split), ROW(question));
    cli_json_put(&x, "answers", cli_json_strings(e->answers, e->n_answers));
    if (e->subject != NULL) cli_json_put(&x, "subject", cli_json_string(e->subject));
    if (!isnan(e->popularity)) cli_json_put(&x, "popularity", cli_json_real(e->popularity));
    if (e->choices != NULL) {
        cli_json_put(&x, "choices", cli_json_strings(e->choices, e->n_choices));
        cli_json_put(&x, "choice", json_integer(e->choice));
    }
    return cli_json_print(cli_json_finish(&x), err);
}

static int print_rows(const ken_data *d, ken_err *err)
{
    size_t *drawn = NULL, n = ken_data_count(d);
    int rc = set.sample > 0 ? ken_data_sample(d, set.sample, set.seed, &drawn, &n, err) : KEN_OK;
    if (set.limit > 0 && set.limit < n) n = set.limit;
    for (size_t i = 0; i < n && rc == KEN_OK && !cli_interrupted(NULL); i++) {
        const ken_example *e = ken_data_get(d, drawn != NULL ? drawn[i] : i);
        if (cli.json) {
            rc = print_row_json(e, err);
            continue;
        }
        term_text(e->id);
        putchar('\t');
        term_text(e->question);
        putchar('\t');
        for (int a = 0; a < e->n_answers; a++) {
            if (a > 0) fputs(" | ", stdout);
            term_text(e->answers[a]);
        }
        putchar('\n');
    }
    ken_buffer_free(drawn);
    return rc;
}

static int check_usage(ken_err *err)
{
    if ((set.limit > 0 || set.sample > 0) && !set.rows)
        return cli_fail(err, KEN_EUSAGE,
                        "--limit and --sample choose among the rows that --rows prints; the counts are of all");
    if (set.limit > 0 && set.sample > 0)
        return cli_fail(err, KEN_EUSAGE, "--limit takes the first rows and --sample draws them; give one of the two");
    return cli_check_tables(&set.tables, set.rows, err);
}

/* ---- the verb ------------------------------------------------------------------------------------------------------- */

static int print_counts(const ken_data *d, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_data(&v, d, err);
    return rc == KEN_OK ? cli_print_tables(v, &set.tables, err) : rc;
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    ken_data *d = NULL;
    int rc = check_usage(err);
    if (rc == KEN_OK) rc = cli_data_open(&d, arg[0], err);
    if (rc != KEN_OK) return rc;
    term_start();
    rc = set.rows ? print_rows(d, err) : print_counts(d, err);
    if (rc == KEN_OK && cli_interrupted(NULL)) rc = cli_fail(err, KEN_ESTOP, "interrupted");
    ken_data_free(d);
    return rc;
}

const cli_verb cli_verb_data = {
    .name = "data",
    .args = "DIR|FILE|-",
    .summary = "read, validate and count a data set",
    .text =
        "Reads a data set in any of the formats (EntityQuestions, PopQA, MMLU, SQuAD, TriviaQA, TruthfulQA, LAMA, chat "
        "and "
        "what else trainers read, JSON, CSV, TSV; packed by gzip or from standard input), checks every "
        "row, and counts rows by relation and split, rows with several answers, duplicates, and questions that name "
        "their answer.\n\n"
        "With --protocol slick it applies the filters of Gekhman et al. 2024 to EntityQuestions and prints what is "
        "kept: 12 relations for training and in-distribution tests, 7 for out-of-distribution tests.",
    .examples = "ken data facts.jsonl --question-field q --answer-field a\nken data entityquestions/dataset --protocol "
                "slick --json",
    .init = cli_data_init,
    .run = run,
    .tables = {options, cli_data_options},
    .min_args = 1,
    .max_args = 1,
};
