/* show.c - `ken show`: what a run says, as a table of categories or row by row. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/show_train.h"
#include "cli/table.h"
#include "cli/term.h"
#include <stdlib.h>
#include <string.h>

static struct {
    const char *relations, *categories, *sort;
    bool rows;
    size_t limit;
} set;

#define TABLE_SORT_KEYS "name|facts|HighlyKnown|MaybeKnown|WeaklyKnown|Unknown"

static const cli_option options[] = {
    {"rows", 0, NULL, CLI_FLAG, &set.rows, "list the facts, one a line"},
    {"relation", 0, "R,..", CLI_STRING, &set.relations, "only these relations"},
    {"category", 0, "C,..", CLI_STRING, &set.categories,
     "list the facts of these categories: HighlyKnown, MaybeKnown, WeaklyKnown, Unknown, unlabelled (implies --rows)"},
    {"sort", 0, "KEY", CLI_STRING, &set.sort,
     "rows by order, id, p_t, p_t0, p_unknown, p_flip, margin or popularity; the table by order, name, facts or a "
     "category's share; -KEY for falling order (default: data order)"},
    {"limit", 0, "N", CLI_SIZE, &set.limit, "at most N rows (0: all)"},
    {0}};

/* Each name of a comma list must be one that the run has; a misspelt one would silently show nothing. */
static int check_names(const char *list, const char *what, const char *const *names, size_t n, ken_err *err)
{
    for (const char *p = list; p != NULL;) {
        const char *comma = strchr(p, ',');
        size_t len = comma != NULL ? (size_t)(comma - p) : strlen(p);
        char word[256];
        snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : (int)sizeof word - 1, p);
        bool found = false;
        for (size_t i = 0; i < n && !found; i++) found = strcmp(names[i], word) == 0;
        if (!found) {
            const char *near = cli_nearest(word, names, n);
            return cli_fail(err, KEN_EUSAGE, "%s: the run has no \"%s\"%s%s%s", what, word,
                            near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
        }
        p = comma != NULL ? comma + 1 : NULL;
    }
    return KEN_OK;
}

static int check_filters(const ken_run *r, bool rows, ken_err *err)
{
    int rc = KEN_OK;
    const char *categories[KEN_N_CATEGORIES];
    for (int i = 0; i < KEN_N_CATEGORIES; i++) categories[i] = ken_category_name(i);
    if (set.categories != NULL) rc = check_names(set.categories, "--category", categories, KEN_N_CATEGORIES, err);
    if (rc == KEN_OK && set.relations != NULL) {
        size_t n = ken_run_n_relations(r);
        const char **names = calloc(n > 0 ? n : 1, sizeof *names);
        if (names == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++) names[i] = ken_run_relation(r, i)->relation;
        rc = check_names(set.relations, "--relation", names, n, err);
        free(names);
    }
    const char *keys = rows ? CLI_ROW_SORT_KEYS : "order|" TABLE_SORT_KEYS;
    if (rc == KEN_OK && set.sort != NULL) {
        const char *key = set.sort + (set.sort[0] == '-');
        if (*key == '\0' || !cli_in_list(keys, '|', key))
            rc = cli_fail(err, KEN_EUSAGE, "--sort: \"%s\" is not one of %s (with - in front for falling order)",
                          set.sort, keys);
    }
    return rc;
}

/* ---- order of the table's relations --------------------------------------------------------------------------------- */

static const ken_run *sorting; /* qsort has no context */
static const char *sort_key;
static int sort_sign;

static double share_of(const ken_counts *c, int category)
{
    uint64_t n = c->n - c->category[KEN_UNLABELLED];
    return n > 0 ? (double)c->category[category] / (double)n : 0;
}

static int compare_relations(const void *pa, const void *pb)
{
    size_t ia = *(const size_t *)pa, ib = *(const size_t *)pb;
    const ken_counts *a = ken_run_relation(sorting, ia), *b = ken_run_relation(sorting, ib);
    double x = (double)a->n, y = (double)b->n;
    int c = 0;
    for (int k = 0; k < KEN_UNLABELLED; k++)
        if (strcmp(sort_key, ken_category_name(k)) == 0) {
            x = share_of(a, k);
            y = share_of(b, k);
        }
    if (strcmp(sort_key, "name") == 0) c = strcmp(a->relation, b->relation);
    else if (strcmp(sort_key, "order") == 0) c = (ia > ib) - (ia < ib);
    else c = (x > y) - (x < y);
    return c != 0 ? sort_sign * c : (ia > ib) - (ia < ib);
}

static int print_table(ken_run *r, ken_err *err)
{
    const ken_row *first = ken_run_count(r) > 0 ? ken_run_row(r, 0, err) : NULL;
    if (first == NULL && ken_run_count(r) > 0) return err->status;
    bool choice = first != NULL && (first->flags & KEN_FLAG_CHOICE);
    size_t n = 0, all = ken_run_n_relations(r);
    size_t *index = calloc(all > 0 ? all : 1, sizeof *index);
    if (index == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    for (size_t i = 0; i < all; i++)
        if (set.relations == NULL || cli_in_list(set.relations, ',', ken_run_relation(r, i)->relation)) index[n++] = i;
    if (set.sort != NULL) {
        sorting = r;
        sort_sign = set.sort[0] == '-' ? -1 : 1;
        sort_key = set.sort + (set.sort[0] == '-');
        qsort(index, n, sizeof *index, compare_relations);
    }
    ken_counts total = cli_sum_counts(r, set.relations);
    cli_print_table(r, index, n, &total, choice, cli.verbose);
    free(index);
    return KEN_OK;
}

/* A training or an evaluation. */
static int show_other(ken_run *r, ken_err *err)
{
    const char *kind = ken_run_kind(r);
    if (set.relations != NULL || set.categories != NULL || set.sort != NULL || set.limit > 0)
        return cli_fail(err, KEN_EUSAGE,
                        "--relation, --category, --sort and --limit are for annotations; this run is of "
                        "kind \"%s\"",
                        kind);
    term_start();
    if (strcmp(kind, "train") == 0) return cli_show_train(r, set.rows, err);
    if (strcmp(kind, "eval") == 0) return cli_show_evaluation(r, set.rows, err);
    return cli_fail(err, KEN_EINPUT, "a run of a kind that this version does not know (\"%s\")", kind);
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    ken_run *r = NULL;
    bool rows = set.rows || set.categories != NULL;
    int rc = ken_run_open(&r, arg[0], err);
    if (rc != KEN_OK) goto done;
    if (strcmp(ken_run_kind(r), "annotate") != 0) {
        rc = show_other(r, err);
        goto done;
    }
    rc = check_filters(r, rows, err);
    if (rc != KEN_OK) goto done;
    term_start();
    if (rows) {
        cli_row_filter f = {set.relations, set.categories, set.sort, set.limit};
        rc = cli_print_rows(r, &f, err);
    } else if (cli.json) rc = cli_json_print(cli_json_summary(r, set.relations), err);
    else rc = print_table(r, err);
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
            "Of a training (DIR/train.ken) it prints what was measured after each epoch: the loss, what is fitted by "
            "category, dev, test and out-of-distribution accuracy, and the best point; with --rows the training rows "
            "and when each was first fitted. Of an evaluation (ken eval -o) it prints its table, or its answers.",
    .examples = "ken show world.ken\nken show world.ken --category Unknown --sort p_unknown\nken show world.ken --rows "
                "--json > rows.jsonl",
    .run = run,
    .tables = {options},
    .min_args = 1,
    .max_args = 1,
};
