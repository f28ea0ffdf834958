/* diff.c - `ken diff`: which facts moved between two runs; or between two models, which are then annotated first. */
#include "cli/annotate_options.h"
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/diff_rows.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/threshold.h"
#include "cli/views.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LISTED = 10 }; /* lost facts in the summary, and as many gained ones */

static struct {
    const char *rows, *data, *output, *adapter;
    int label;   /* KEN_LABEL_* */
    int answers; /* KEN_ANSWERS_* */
    cli_list trained, fail_if;
    bool common;
    cli_tables tables;
    size_t limit;
} set;

static const cli_option options[] = {
    {"trained", 0, "WHAT", CLI_LIST, &set.trained,
     "what was trained on between A and B: a train.ken, the folder of a training, or the rows that ken train was "
     "given; says how near each fact is to it; may be given several times",
     .flags = CLI_IO | CLI_PATH},
    {"label", 0, "WHICH", CLI_WORD, &set.label,
     "the category that counts: draw (the seeded draw, as published) or mode (the likeliest one)",
     .words = KEN_WORDS_LABEL},
    {"answers", 0, "WHICH", CLI_WORD, &set.answers,
     "of trainings: the answers of their last measurement, or of the one with the best dev", .words = KEN_WORDS_ANSWERS,
     .setting = "answers_a"},
    {"common", 0, NULL, CLI_FLAG, &set.common,
     "compare the facts that both runs have, however few they are; without it runs of different data are refused",
     .setting = "allow_different"},
    {"fail-if", 0, "COND", CLI_LIST, &set.fail_if,
     "end with status 4 when it holds, as in 'lost>2%' or 'lost>5': lost, gained, net (gained less lost), as a share "
     "of what A knows or a number of facts; changed (of all facts); greedy, greedy-change, p-correct, p-correct-change",
     .flags = CLI_IO},
    {"rows", 0, "WHICH", CLI_CHOICE, &set.rows,
     "list facts, one a line, instead of the summary: lost, gained, moved (to another category) or all",
     .choices = "lost|gained|moved|all", .flags = CLI_IO},
    {"limit", 0, "N", CLI_SIZE, &set.limit, "list at most N facts of a kind, 0: all (default: 10, with --rows all)"},
    CLI_TABLE_OPTIONS(set.tables),
    {0}};

static const cli_option models[] = {
    {"data", 'd', "DATA", CLI_STRING, &set.data, "A and B are models: annotate this data set with both first",
     .flags = CLI_IO | CLI_PATH, .heading = "Two models instead of two runs"},
    {"adapter", 0, "DIR", CLI_STRING, &set.adapter,
     "a low-rank adapter for B; without MODEL_B, B is A with this adapter", .flags = CLI_IO | CLI_PATH},
    {"output", 'o', "DIR", CLI_STRING, &set.output,
     "the folder for the two runs, named DATA-MODEL.ken; resumed when they exist (default: this folder)",
     .flags = CLI_IO | CLI_PATH},
    {0}};

static void init(void)
{
    cli_data_init();
    cli_annotate_init();
    set.limit = SIZE_MAX; /* not given */
}

/* ---- conditions ----------------------------------------------------------------------------------------------------- */

enum { LOST, GAINED, NET, CHANGED, GREEDY, GREEDY_CHANGE, P_CORRECT, P_CORRECT_CHANGE, N_METRICS };
static const char *const metrics[N_METRICS] = {"lost",   "gained",        "net",       "changed",
                                               "greedy", "greedy-change", "p-correct", "p-correct-change"};

static cli_threshold threshold[CLI_LIST_MAX];

static int parse_conditions(ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < set.fail_if.n && rc == KEN_OK; i++)
        rc = cli_threshold_parse(&threshold[i], set.fail_if.item[i], metrics, N_METRICS, err);
    return rc;
}

/* What a metric counts, and of how many; false for those that are no counts. */
static bool counted(const ken_diff *d, int which, double *count, double *of)
{
    double lost = 0, gained = 0;
    *of = 0;
    for (int choice = 0; choice < 2; choice++) {
        const ken_diff_group *all = ken_diff_part(d, choice != 0);
        if (all == NULL) continue;
        *of += (double)all->known_a;
        lost += (double)all->lost;
        gained += (double)all->gained;
    }
    if (which == LOST) *count = lost;
    else if (which == GAINED) *count = gained;
    else if (which == NET) *count = gained - lost;
    else if (which == CHANGED) {
        *count = 0;
        *of = (double)ken_diff_count(d);
        for (size_t i = 0; i < ken_diff_count(d); i++) *count += cli_diff_has(d, ken_diff_get(d, i), "moved");
    } else return false;
    return true;
}

static double measured(const ken_diff *d, int which)
{
    const ken_diff_group *all =
        ken_diff_find(d, "all", ""); /* not of multiple choice, where there are other rows too */
    if (all == NULL) return NAN;
    switch (which) {
    case GREEDY: return all->p_t0_b;
    case GREEDY_CHANGE: return all->p_t0_change;
    case P_CORRECT: return all->p_t_b;
    default: return all->p_t_change;
    }
}

/* "2%" and "0.02" are shares; whole numbers count facts. */
static bool is_share(const cli_threshold *t) { return t->percent || floor(t->value) != t->value; }

static int check_condition(const ken_diff *d, const cli_threshold *t, const char *text, ken_err *err)
{
    double count, of;
    if (!counted(d, t->metric, &count, &of)) {
        double x = measured(d, t->metric);
        if (!cli_threshold_holds(t, x)) return KEN_OK;
        return cli_fail(err, KEN_ETHRESHOLD, "--fail-if \"%s\": %s is %.2f%%", text, metrics[t->metric], 100 * x);
    }
    double share = of > 0 ? count / of : 0;
    if (!cli_threshold_holds(t, is_share(t) ? share : count)) return KEN_OK;
    return cli_fail(err, KEN_ETHRESHOLD, "--fail-if \"%s\": %s is %.0f of %.0f (%.2f%%)", text, metrics[t->metric],
                    count, of, 100 * share);
}

static int check_conditions(const ken_diff *d, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < set.fail_if.n && rc == KEN_OK; i++)
        rc = check_condition(d, &threshold[i], set.fail_if.item[i], err);
    return rc;
}

/* ---- models --------------------------------------------------------------------------------------------------------- */

/* By its content: a GGUF file, or a folder with a configuration. */
static bool is_model(const char *path)
{
    char inside[PATH_MAX], magic[4] = "";
    struct stat st;
    if (stat(path, &st) != 0) return false;
    if (S_ISDIR(st.st_mode))
        return snprintf(inside, sizeof inside, "%s/config.json", path) < (int)sizeof inside && stat(inside, &st) == 0;
    FILE *f = S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    bool yes = f != NULL && fread(magic, 1, sizeof magic, f) == sizeof magic && memcmp(magic, "GGUF", 4) == 0;
    if (f != NULL) fclose(f);
    return yes;
}

/* The last part of a path, of a model file without its extension; "." and the like are looked up first. out (size) */
static int base_name(const char *path, bool extension, char *out, size_t size, ken_err *err)
{
    char real[PATH_MAX];
    if (cli_is_hub_id(path)) snprintf(real, sizeof real, "%s", path); /* ORG/NAME of the cache */
    else if (realpath(path, real) == NULL) return cli_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    const char *slash = strrchr(real, '/'), *name = slash != NULL ? slash + 1 : real;
    size_t n = strlen(name);
    const char *dot = extension ? NULL : strrchr(name, '.');
    struct stat st;
    if (dot != NULL && dot > name && stat(real, &st) == 0 && S_ISREG(st.st_mode)) n = (size_t)(dot - name);
    if (n == 0 || n >= size) return cli_fail(err, KEN_EUSAGE, "%s: cannot name a run after it", path);
    memcpy(out, name, n);
    out[n] = '\0';
    return KEN_OK;
}

/* DIR/DATA-MODEL[-ADAPTER].ken; out (PATH_MAX) */
static int name_run(const char *model, const char *adapter, char *out, ken_err *err)
{
    char data[NAME_MAX], of[NAME_MAX], with[NAME_MAX] = "";
    int rc = base_name(set.data, false, data, sizeof data, err);
    if (rc == KEN_OK) rc = base_name(model, false, of, sizeof of, err);
    if (rc == KEN_OK && adapter != NULL) rc = base_name(adapter, true, with, sizeof with, err);
    if (rc != KEN_OK) return rc;
    int n = snprintf(out, PATH_MAX, "%s%s%s-%s%s%s.ken", set.output != NULL ? set.output : "",
                     set.output != NULL ? "/" : "", data, of, with[0] != '\0' ? "-" : "", with);
    return n < PATH_MAX ? KEN_OK : cli_fail(err, KEN_EUSAGE, "%s: the name of its run would be too long", model);
}

static int annotate(const char *model, const char *adapter, const char *path, const ken_data *d,
                    const ken_data *exemplars, const ken_data *fallback, ken_err *err)
{
    ken_model *m = NULL;
    cli_progress progress;
    int rc = cli_model_open(&m, model, adapter, err);
    if (rc != KEN_OK) return rc;
    cli_progress_start(&progress);
    ken_annotate_options o = cli_annotate_options(&progress);
    o.exemplars = exemplars;
    o.fallback = fallback;
    rc = ken_annotate(m, d, &o, path, err);
    cli_progress_end(&progress);
    if (rc == KEN_ESTOP) cli_annotate_stopped(path, &progress, err);
    if (rc == KEN_OK) cli_annotate_note_done(path, &progress);
    ken_model_free(m);
    return rc;
}

/* Annotates what is a model among arg (2) and puts the run's name (name[i], PATH_MAX) in its place; a run stays. */
static int annotate_models(const char *arg[2], char name[2][PATH_MAX], ken_err *err)
{
    ken_data *d = NULL, *exemplars = NULL, *fallback = NULL;
    const char *adapter[2] = {NULL, set.adapter}, *place[2];
    int rc = KEN_OK;
    for (int i = 0; i < 2; i++)
        if ((place[i] = cli_hub_path(arg[i], false, err)) == NULL) return err->status;
    bool model[2] = {is_model(place[0]), is_model(place[1])};
    if (!model[0] && !model[1])
        return cli_fail(err, KEN_EUSAGE, "-d DATA is for models, and neither %s nor %s is one", arg[0], arg[1]);
    if (set.adapter != NULL && !model[1])
        return cli_fail(err, KEN_EUSAGE, "--adapter is for a model, and %s is none", arg[1]);
    for (int i = 0; i < 2 && rc == KEN_OK; i++)
        if (model[i]) rc = name_run(arg[i], adapter[i], name[i], err);
    if (rc == KEN_OK && model[0] && model[1] && strcmp(name[0], name[1]) == 0)
        rc = cli_fail(err, KEN_EUSAGE,
                      "both runs would be called %s; annotate them apart (ken annotate -o) and compare the runs",
                      name[0]);
    if (rc == KEN_OK && set.output != NULL && mkdir(set.output, 0777) != 0 && errno != EEXIST)
        rc = cli_fail(err, KEN_EFAIL, "cannot make the folder %s: %s", set.output, strerror(errno));
    if (rc == KEN_OK) rc = cli_data_open(&d, set.data, err);
    if (rc == KEN_OK) rc = cli_data_open_exemplars(&exemplars, cli_annotate.exemplars, err);
    if (rc == KEN_OK) rc = cli_data_open_fallback(&fallback, cli_annotate.exemplars, err);
    for (int i = 0; i < 2 && rc == KEN_OK; i++) {
        if (!model[i]) continue;
        cli_note("%c: %s into %s", 'A' + i, arg[i], name[i]);
        rc = annotate(place[i], adapter[i], name[i], d, exemplars, fallback, err);
        arg[i] = name[i];
    }
    ken_data_free(exemplars);
    ken_data_free(fallback);
    ken_data_free(d);
    return rc;
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

static int check_usage(int n, char **arg, ken_err *err)
{
    int rc = cli_check_tables(&set.tables, set.rows != NULL, err);
    if (rc != KEN_OK) return rc;
    if (n == 1 && (set.adapter == NULL) != (set.data == NULL))
        return cli_fail(
            err, KEN_EUSAGE,
            "two runs are compared, or two models with -d DATA, or a model and the same with --adapter DIR");
    for (int i = 0; i < n && set.data == NULL; i++) /* the folder of a training stands for its run */
        if (cli_run_path(arg[i]) == arg[i] && is_model(arg[i]))
            return cli_fail(err, KEN_EUSAGE, "%s is a model; name data to annotate with -d DATA, or give runs", arg[i]);
    if (set.data == NULL && set.adapter != NULL)
        return cli_fail(err, KEN_EUSAGE, "--adapter is for models; it needs -d DATA");
    return parse_conditions(err);
}

static int print_rows(const ken_diff *d, ken_err *err)
{
    size_t shown = 0, most = set.limit > 0 ? set.limit : SIZE_MAX;
    int rc = KEN_OK;
    if (!cli.json) cli_print_compared_head(d);
    for (size_t i = 0; i < ken_diff_count(d) && rc == KEN_OK && shown < most; i++) {
        const ken_diff_row *r = ken_diff_get(d, i);
        if (!cli_diff_has(d, r, set.rows)) continue;
        shown++;
        if (cli.json) rc = cli_json_print(cli_json_compared(d, r), err);
        else cli_print_compared(d, r);
    }
    return rc;
}

/* The summary, in the form that is asked for. */
static int print_summary(const ken_diff *d, const ken_diff_show_options *o, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_diff(&v, d, o, err);
    return rc == KEN_OK ? cli_print_tables(v, &set.tables, err) : rc;
}

static int show(const ken_diff *d, const ken_diff_show_options *o, ken_err *err)
{
    term_start();
    int rc = set.rows != NULL ? print_rows(d, err) : print_summary(d, o, err);
    if (set.rows != NULL || cli.json || set.tables.csv ||
        set.tables.latex) /* there the output itself does not show the cautions */
        for (size_t i = 0; ken_diff_caution(d, i) != NULL; i++) cli_note("caution: %s", ken_diff_caution(d, i));
    return rc == KEN_OK ? check_conditions(d, err) : rc;
}

static int run(int n, char **arg, ken_err *err)
{
    static char name[2][PATH_MAX];
    const char *path[2] = {arg[0], n > 1 ? arg[1] : arg[0]};
    ken_run *r[2] = {NULL, NULL};
    ken_diff *d = NULL;
    int rc = check_usage(n, arg, err);
    if (rc == KEN_OK && set.data != NULL) rc = annotate_models(path, name, err);
    const bool alone = n == 1 && set.data == NULL; /* the best answers of a training against its last ones */
    for (int i = 0; i < 2 && rc == KEN_OK; i++)
        rc = cli_open_run(&r[i], set.data == NULL ? cli_run_path(path[i]) : path[i], err);
    if (rc == KEN_OK && alone && strcmp(ken_run_kind(r[0]), "train") != 0)
        rc = cli_fail(err, KEN_EUSAGE,
                      "%s is no training, of which the best answers are compared with the last ones; name a second run",
                      arg[0]);
    ken_diff_options o = ken_diff_defaults();
    o.label = set.label;
    o.trained = set.trained.item;
    o.n_trained = set.trained.n;
    o.allow_different = set.common;
    o.answers_a = alone ? KEN_ANSWERS_BEST : set.answers;
    o.answers_b = alone ? KEN_ANSWERS_LAST : set.answers;
    if (rc == KEN_OK) rc = ken_diff_runs(&d, r[0], r[1], &o, err);
    if (rc == KEN_OK) {
        char which[2][PATH_MAX + 16];
        for (int i = 0; i < 2; i++) snprintf(which[i], sizeof which[i], "%s, %s", path[i], i == 0 ? "best" : "last");
        const size_t listed = set.limit == SIZE_MAX ? LISTED : set.limit > 0 ? set.limit : SIZE_MAX;
        ken_diff_show_options how = ken_diff_show_defaults();
        for (int i = 0; i < 2; i++) {
            how.run[i] = r[i];
            how.path[i] = alone ? which[i] : path[i];
        }
        how.listed = listed;
        rc = show(d, &how, err);
    }
    ken_diff_free(d);
    ken_run_free(r[0]);
    ken_run_free(r[1]);
    return rc;
}

const cli_verb cli_verb_diff = {
    .name = "diff",
    .args = "RUN_A RUN_B | TRAINING | MODEL_A MODEL_B -d DATA",
    .summary = "which facts moved between two runs: before and after, two models, two quantisations",
    .text =
        "Joins the facts of two runs by id and says what became of them: how many went from each category to each "
        "other, which were lost (HighlyKnown or MaybeKnown in A, WeaklyKnown or Unknown in B) and gained (the "
        "reverse), accuracy and P_Correct in both; with 95% intervals (Wilson's of shares, Student's t of paired "
        "changes), exact McNemar and paired t tests; by relation, quartile of popularity, split, and, with --trained, "
        "by the distance to what was trained on: the question itself, another fact about its subject, the same answer, "
        "its relation, the same answer in another relation, nothing.\n\n"
        "Both runs are annotations, or both hold evaluated answers (ken eval -o, or the train.ken of ken train with "
        "its last ones, or with --answers best those of early stop); then right and wrong take the place of "
        "categories. A "
        "training alone is compared with itself: its best answers, A, with its last ones, B. Runs that differ in other "
        "settings than "
        "the model are compared with a caution. Runs of different data are refused when more than one fact in twenty "
        "is not in both; --common compares the others.\n\n"
        "Given models, ken diff annotates DATA with both first, as ken annotate does and with its options, into runs "
        "that are resumed when they exist. What is a model and what is a run is found from the content.\n\n"
        "A subject is taken from the data where they name it, else from what the question does not share with the "
        "others of its relation. A trained row that does not name its subject counts for each subject that its "
        "question contains.\n\n"
        "Multiple choice has no categories, and the order of the options differs between prompts, so options are "
        "listed by their text, not by their letter. A question counts as right when more than half of its prompts "
        "choose the right option "
        "(our rule; a tie is wrong), lost when it was right in A and is wrong in B, gained the other way round. With "
        "four options and ten prompts, guessing is right in 25% of the prompts and for 2% of the questions. Multiple "
        "choice beside "
        "other rows, as in trainings that watch both, is shown in a part of its own (--json: the object "
        "multiple_choice).\n\n"
        "--fail-if is for scripts: 'lost>2%' and 'lost>0.02' mean a share of the facts that are HighlyKnown or "
        "MaybeKnown in A, 'lost>5' a number of facts; right ones where right and wrong take the place of categories. "
        "Counts are of all rows; greedy and p-correct leave multiple choice out where there are other rows.",

    .examples = "ken diff before.ken after.ken\n"
                "ken diff before.ken after.ken --trained tuned --rows lost\n"
                "ken diff tuned/train.ken\n"
                "ken diff a/train.ken b/train.ken --answers best\n"
                "ken diff before.ken after.ken --fail-if 'lost>2%' -q\n"
                "ken diff model.gguf tuned -d facts.jsonl -o runs\n"
                "ken diff model.gguf --adapter tuned-lora -d facts.jsonl",
    .init = init,
    .run = run,
    .tables = {options, models, cli_which_options, cli_data_options, cli_label_options, cli_compute_options},
    .computes = true,
    .min_args = 1,
    .max_args = 2,
};
