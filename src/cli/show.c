/* show.c - `ken show`: what a run says, as a table of categories or row by row. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/show_train.h"
#include "cli/term.h"
#include "cli/views.h"
#include <stdlib.h>
#include <string.h>

static struct {
    const char *sort;
    cli_list relations;
    unsigned categories; /* bits 1 << KEN_HIGHLY_KNOWN ...; 0 = all */
    cli_tables tables;
    bool rows;
    size_t limit;
} set;

#define TABLE_SORT_KEYS "order|name|facts|known|HighlyKnown|MaybeKnown|WeaklyKnown|Unknown"

static const cli_option options[] = {
    {"rows", 0, NULL, CLI_FLAG, &set.rows, "list the facts, one a line"},
    {"relation", 0, "R,..", CLI_NAMES, &set.relations, "only these relations", .setting = "relations"},
    {"category", 0, "C,..", CLI_PARSED, &set.categories,
     "list the facts of these categories: HighlyKnown, MaybeKnown, WeaklyKnown, Unknown, unlabelled (implies --rows)",
     .parse = cli_parse_categories, .flags = CLI_ADDS, .setting = "categories"},
    {"sort", 0, "KEY", CLI_STRING, &set.sort,
     "rows by order, id, p_t, p_t0, p_unknown, p_flip, margin or popularity; the table by order, name, facts, known "
     "(HighlyKnown and MaybeKnown) or a category's share; -KEY for falling order (default: data order)"},
    {"limit", 0, "N", CLI_SIZE, &set.limit, "at most N rows (0: all)"},
    CLI_TABLE_OPTIONS(set.tables),
    {0}};

/* Each relation must be one that the run has; a misspelt one would silently show nothing. */
static int check_relations(const ken_run *r, ken_err *err)
{
    size_t n = ken_run_n_relations(r);
    const char **names = calloc(n > 0 ? n : 1, sizeof *names);
    if (names == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) names[i] = ken_run_relation(r, i)->relation;
    int rc = KEN_OK;
    for (int k = 0; k < set.relations.n && rc == KEN_OK; k++) {
        const char *word = set.relations.item[k], *near = cli_nearest(word, names, n);
        bool found = false;
        for (size_t i = 0; i < n && !found; i++) found = strcmp(names[i], word) == 0;
        if (!found)
            rc = cli_fail(err, KEN_EUSAGE, "--relation: the run has no \"%s\"%s%s%s", word,
                          near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
    }
    free(names);
    return rc;
}

static int check_filters(const ken_run *r, bool rows, ken_err *err)
{
    int rc = check_relations(r, err);
    const char *keys = rows ? CLI_ROW_SORT_KEYS : TABLE_SORT_KEYS;
    if (rc != KEN_OK || set.sort == NULL) return rc;
    const char *key = set.sort + (set.sort[0] == '-');
    if (*key != '\0' && cli_in_list(keys, '|', key)) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE, "--sort: \"%s\" is not one of %s (with - in front for falling order)", set.sort,
                    keys);
}

/* The order of the table: the place of its key among TABLE_SORT_KEYS, which are in the order of KEN_SORT_*. */
static int table_order(const char *key)
{
    int n = 0;
    for (const char *at = TABLE_SORT_KEYS; at != NULL; at = strchr(at, '|'), n++) {
        at += *at == '|';
        if (strncmp(at, key, strlen(key)) == 0 && strchr("|", at[strlen(key)]) != NULL) return n;
    }
    return KEN_SORT_ORDER;
}

/* The table, in the form that is asked for. */
static int show_views(ken_run *r, ken_err *err)
{
    ken_views *v;
    ken_show_options o = ken_show_defaults();
    o.relations = cli_names(&set.relations);
    o.falling = set.sort != NULL && set.sort[0] == '-';
    o.sort = set.sort != NULL ? table_order(set.sort + o.falling) : KEN_SORT_ORDER;
    int rc = ken_views_of_run(&v, r, &o, err);
    return rc == KEN_OK ? cli_print_tables(v, &set.tables, err) : rc;
}

/* A training or an evaluation. */
static int show_other(ken_run *r, ken_err *err)
{
    const char *kind = ken_run_kind(r);
    if (set.relations.n > 0 || set.categories != 0 || set.sort != NULL || set.limit > 0)
        return cli_fail(err, KEN_EUSAGE,
                        "--relation, --category, --sort and --limit are for annotations; this run is of "
                        "kind \"%s\"",
                        kind);
    term_start();
    if (!set.rows) return show_views(r, err);
    return strcmp(kind, "train") == 0 ? cli_show_trained(r, err) : cli_show_evaluated(r, err);
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    ken_run *r = NULL;
    bool rows = set.rows || set.categories != 0;
    int rc = cli_check_tables(&set.tables, rows, err);
    if (rc == KEN_OK) rc = ken_run_open(&r, cli_run_path(arg[0]), err);
    if (rc != KEN_OK) goto done;
    if (strcmp(ken_run_kind(r), "annotate") != 0) {
        rc = show_other(r, err);
        goto done;
    }
    rc = check_filters(r, rows, err);
    if (rc != KEN_OK) goto done;
    term_start();
    if (rows) {
        cli_row_filter f = {cli_names(&set.relations), set.categories, set.sort, set.limit};
        rc = cli_print_rows(r, &f, err);
    } else rc = show_views(r, err);
done:
    ken_run_free(r);
    return rc;
}

const cli_verb cli_verb_show = {
    .name = "show",
    .args = "RUN",
    .summary = "show a run: the category table by relation, the facts one by one, or the curve of a training",
    .text = "Prints how many facts of each relation are HighlyKnown, MaybeKnown, WeaklyKnown and Unknown, with shares "
            "and, in the totals, 95% intervals (Wilson). -v adds an interval to every share.\n\n"
            "With --rows it lists the facts: category, in how many of the prompts greedy decoding was right, the "
            "probability of a right answer, and what the model says instead. With --rows --json each row is one JSON "
            "object, always the same for the same model, data and settings.\n\n"
            "Of a training (DIR/train.ken, or DIR) it prints what was measured after each epoch: the loss, what is "
            "fitted by "
            "category, dev, test and out-of-distribution accuracy, and the best point; with --rows the training rows "
            "and when each was first fitted. Of an evaluation (ken eval -o) it prints its table, or its answers.",
    .examples = "ken show world.ken\nken show world.ken --category Unknown --sort p_unknown\nken show world.ken --rows "
                "--json > rows.jsonl",
    .run = run,
    .tables = {options},
    .min_args = 1,
    .max_args = 1,
};
