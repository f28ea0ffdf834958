/* data.c - `ken data`: reads, validates and counts a data set; with --protocol slick, the totals of the paper's filter. */
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
    bool rows;
} set;

static const cli_option options[] = {{"rows", 0, NULL, CLI_FLAG, &set.rows, "print the rows (with --json: JSON lines)"},
                                     {0}};

/* ---- counting ------------------------------------------------------------------------------------------------------- */

enum { TRAIN, DEV, TEST, OTHER, N_SPLITS };
static const char *const split_names[] = {"train", "dev", "test", "other"};

typedef struct relation_count {
    const char *relation; /* borrowed from the data */
    uint64_t split[N_SPLITS], total, multi, echo;
    const char *majority_answer; /* of its largest group; NULL when no answer stands twice */
    uint64_t majority, majority_of;
} relation_count;

typedef struct counts {
    relation_count *r; /* (n) */
    size_t n;
    relation_count all;
} counts;

static int split_of(const char *split)
{
    for (int s = 0; s < OTHER; s++)
        if (strcmp(split, split_names[s]) == 0) return s;
    return OTHER;
}

static void add_group(relation_count *c, const ken_data_group *g)
{
    c->split[split_of(g->split)] += g->rows;
    c->total += g->rows;
    c->multi += g->multi_answer;
    c->echo += g->echo;
    if (g->majority > 1 && g->rows > c->majority_of) {
        c->majority_answer = g->majority_answer;
        c->majority = g->majority;
        c->majority_of = g->rows;
    }
}

/* Groups stand in data order, so that those of a relation follow one another. */
static int count_all(counts *c, const ken_data *d, ken_err *err)
{
    size_t groups = ken_data_n_groups(d);
    c->r = calloc(groups > 0 ? groups : 1, sizeof *c->r);
    if (c->r == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory counting relations");
    for (size_t i = 0; i < groups; i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        if (c->n == 0 || strcmp(c->r[c->n - 1].relation, g->relation) != 0)
            c->r[c->n++] = (relation_count){.relation = g->relation};
        add_group(&c->r[c->n - 1], g);
        add_group(&c->all, g);
    }
    return KEN_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

/* The splits that occur. */
static void put_splits(cli_json_object *x, const relation_count *c)
{
    for (int k = 0; k < N_SPLITS; k++)
        if (c->split[k] > 0) cli_json_put(x, split_names[k], cli_json_count(c->split[k]));
}

#define STATS(name, member) CLI_JSON_FIELD(ken_data_stats, name, member)

static int print_json(const ken_data *d, const counts *c, ken_err *err)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    cli_json_object x = {json_object(), false};
    json_t *relations = json_object();
    cli_json_put(&x, "format", cli_json_string(ken_data_format(d)));
    cli_json_put(&x, "examples", cli_json_count(c->all.total));
    if (cli_data.protocol != NULL) {
        CLI_JSON_PUT(&x, s, STATS("train", slick_train), STATS("dev", slick_dev), STATS("id_test", slick_id_test),
                     STATS("ood_test", slick_ood_test));
    } else put_splits(&x, &c->all);
    for (size_t i = 0; i < c->n; i++) {
        cli_json_object r = {json_object(), false};
        put_splits(&r, &c->r[i]);
        json_object_set_new(relations, c->r[i].relation, cli_json_finish(&r));
    }
    cli_json_put(&x, "relations", relations);
    CLI_JSON_PUT(&x, s, STATS("rows", rows), STATS("bad", bad), STATS("multi_answer", multi_answer),
                 STATS("duplicates", duplicates), STATS("ambiguous", ambiguous), STATS("echo", echo));
    return cli_json_print(cli_json_finish(&x), err);
}

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
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_data_count(d) && rc == KEN_OK && !cli_interrupted(NULL); i++) {
        const ken_example *e = ken_data_get(d, i);
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
    return rc;
}

/* ---- text ----------------------------------------------------------------------------------------------------------- */

static void number(uint64_t n, int width)
{
    char s[32];
    term_cell(n > 0 ? cli_thousands(n, s) : "-", -width);
}

static void print_line(const relation_count *c, const char *name, int width)
{
    term_cell(name, width);
    for (int k = 0; k < N_SPLITS; k++) number(c->split[k], 10);
    number(c->total, 10);
    number(c->multi, 9);
    number(c->echo, 8);
    if (c->majority_answer != NULL && c->majority_of > 0) {
        char share[32];
        snprintf(share, sizeof share, "%.1f%%", 100.0 * (double)c->majority / (double)c->majority_of);
        term_cell(share, -9);
        fputs("  ", stdout);
        term_text(c->majority_answer);
    }
    putchar('\n');
}

static void print_text(const ken_data *d, const counts *c)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    char a[32], b[32];
    int width = 8;
    for (size_t i = 0; i < c->n; i++)
        if (term_columns(c->r[i].relation) > width) width = term_columns(c->r[i].relation);
    if (width > 32) width = 32;
    printf("%s", term_on(TERM_BOLD));
    term_cell("relation", width);
    printf("%10s%10s%10s%10s%10s%9s%8s%9s  %s%s\n", "train", "dev", "test", "other", "total", "several", "echo",
           "majority", "(always answering)", term_off());
    for (size_t i = 0; i < c->n; i++)
        print_line(&c->r[i], c->r[i].relation[0] != '\0' ? c->r[i].relation : "(none)", width);
    printf("%s", term_on(TERM_BOLD));
    relation_count all = c->all;
    all.majority_answer = NULL; /* means something within a relation only */
    print_line(&all, "total", width);
    printf("%s\n", term_off());
    printf("%s rows in %s format, %zu relations", cli_thousands(s->rows, a), ken_data_format(d), c->n);
    if (s->bad > 0) printf("; %s bad rows dropped", cli_thousands(s->bad, b));
    printf(".\n%s with several answers,", cli_thousands(s->multi_answer, a));
    printf(" %s duplicates, %s ambiguous (the same question with other answers),", cli_thousands(s->duplicates, a),
           cli_thousands(s->ambiguous, b));
    printf(" %s that name an answer in the question.\n", cli_thousands(s->echo, a));
    if (cli_data.protocol == NULL) return;
    char t[32], i[32], o[32], v[32];
    printf("SliCK protocol: %s%s train, %s test (in distribution), %s test (out of distribution)%s; %s dev rows for "
           "exemplars.\n",
           term_on(TERM_BOLD), cli_thousands(s->slick_train, t), cli_thousands(s->slick_id_test, i),
           cli_thousands(s->slick_ood_test, o), term_off(), cli_thousands(s->slick_dev, v));
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    ken_data *d = NULL;
    counts c = {.n = 0};
    int rc = cli_data_open(&d, arg[0], err);
    if (rc != KEN_OK) goto done;
    term_start();
    if (set.rows) rc = print_rows(d, err);
    else {
        rc = count_all(&c, d, err);
        if (rc != KEN_OK) goto done;
        if (cli.json) rc = print_json(d, &c, err);
        else print_text(d, &c);
    }
    if (rc == KEN_OK && cli_interrupted(NULL)) rc = cli_fail(err, KEN_ESTOP, "interrupted");
done:
    free(c.r);
    ken_data_free(d);
    return rc;
}

const cli_verb cli_verb_data = {
    .name = "data",
    .args = "DIR|FILE",
    .summary = "read, validate and count a data set",
    .text =
        "Reads a data set in any of the formats (EntityQuestions, PopQA, MMLU, JSON lines, CSV, TSV), checks every "
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
