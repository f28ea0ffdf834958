/* explain.c - `ken explain`: why a fact has its category. For each prompt, what the model would say and with what probability,
 * and the token paths that carry the answer's mass. */
#include "cli/annotate_options.h"
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/views.h"
#include <string.h>
#include <unistd.h>

static struct {
    const char *model, *question, *data, *relation;
    cli_list answers;
    int top;
} set;

static const cli_option options[] = {
    {"question", 0, "Q", CLI_STRING, &set.question, "a question of your own, instead of a row of a run",
     .flags = CLI_IO},
    {"answer", 0, "A", CLI_LIST, &set.answers, "its answer; give it several times for several accepted answers",
     .flags = CLI_IO},
    {"data", 'd', "DATA", CLI_STRING, &set.data,
     "where the question's exemplars come from (default: the world facts that come with ken)",
     .flags = CLI_IO | CLI_PATH},
    {"relation", 0, "R", CLI_STRING, &set.relation,
     "the relation of DATA whose exemplars are used (default: its first)", .flags = CLI_IO},
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model,
     "the model (default: $KEN_MODEL, else the run's own, else the default model)", .flags = CLI_PATH},
    {"top", 0, "N", CLI_INT, &set.top, "paths and answers shown for a prompt", .min = 1, .max = 100},
    {0}};

static void init(void)
{
    cli_data_init();
    cli_annotate_init();
    set.top = 3;
}

/* The run records where its model was; when it is no longer there, the usual places are tried. */
static const char *model_of(const ken_run *r, ken_err *err)
{
    const char *own = r != NULL ? ken_run_setting(r, "model_path") : NULL;
    if (set.model == NULL && own != NULL && access(own, R_OK) == 0) return own;
    return cli_model_path(set.model, err);
}

/* The run's adapter goes with the run's model, when neither was named. */
static const char *adapter_of(const ken_run *r)
{
    return r != NULL && set.model == NULL ? ken_run_setting(r, "adapter_path") : NULL;
}

static int check_usage(int n, ken_err *err)
{
    if (set.question == NULL && n != 2)
        return cli_fail(err, KEN_EUSAGE,
                        "name a run and a row (ken explain RUN ID), or ask with --question Q --answer A");
    if (set.question != NULL && n > 0) return cli_fail(err, KEN_EUSAGE, "--question and RUN ID exclude each other");
    if (set.question == NULL && cli_data.o.aliases != NULL)
        return cli_fail(
            err, KEN_EUSAGE,
            "--aliases goes with --question: a row of a run is explained with the names that it was annotated with");
    if (set.question != NULL && set.answers.n == 0) return cli_fail(err, KEN_EUSAGE, "--question needs --answer");
    for (int i = 0; i < set.answers.n; i++)
        if (set.answers.item[i][0] == '\0') return cli_fail(err, KEN_EUSAGE, "--answer is empty");
    return KEN_OK;
}

static int open_exemplars(ken_data **d, ken_err *err)
{
    const char *path = set.data != NULL ? set.data : cli_world_path();
    if (path == NULL)
        return cli_fail(err, KEN_EUSAGE,
                        "ken's own facts were not found beside the program; name exemplars with -d DATA");
    return cli_data_open_exemplars(d, path, err);
}

static int note_other_model(const ken_run *r, ken_model *m, ken_err *err)
{
    const char *hex, *own = ken_run_setting(r, "model_hash");
    int rc = ken_model_hash(m, &hex, err);
    if (rc == KEN_OK && own != NULL && strcmp(own, hex) != 0)
        cli_note("warning: this is not the model of the run (SHA-256 %.12s..., the run's %.12s...)", hex, own);
    return rc;
}

static int run(int n, char **arg, ken_err *err)
{
    ken_run *r = NULL;
    ken_data *d = NULL;
    ken_model *m = NULL;
    ken_explanation *x = NULL;
    ken_views *v;
    cli_progress progress;
    int rc = check_usage(n, err);
    if (rc == KEN_OK && set.question == NULL) {
        rc = ken_run_open(&r, arg[0], err);
        if (rc == KEN_OK && strcmp(ken_run_kind(r), "annotate") != 0)
            rc = cli_fail(err, KEN_EINPUT, "%s: a run of kind \"%s\", not an annotation; `ken show` prints it", arg[0],
                          ken_run_kind(r));
        if (rc == KEN_OK && ken_run_find(r, arg[1], err) == NULL) rc = err->status; /* before a model is loaded */
    } else if (rc == KEN_OK) rc = open_exemplars(&d, err);
    if (rc != KEN_OK) goto done;
    const char *path = model_of(r, err);
    rc = path != NULL ? cli_model_open(&m, path, adapter_of(r), err) : err->status;
    if (rc == KEN_OK && r != NULL) rc = note_other_model(r, m, err);
    if (rc != KEN_OK) goto done;

    term_start();
    cli_progress_start(&progress);
    ken_annotate_options o = cli_annotate_options(&progress);
    ken_explain_request q = {.run = r,
                             .id = r != NULL ? arg[1] : NULL,
                             .question = set.question,
                             .answers = set.answers.item,
                             .n_answers = set.answers.n,
                             .data = d,
                             .relation = set.relation};
    rc = ken_explain(m, &q, &o, &x, err);
    cli_progress_end(&progress);
    if (rc == KEN_OK) rc = ken_views_of_explanation(&v, x, set.top, err);
    if (rc == KEN_OK) rc = cli_print_views(v, err);
done:
    ken_explanation_free(x);
    ken_model_free(m);
    ken_data_free(d);
    ken_run_free(r);
    return rc;
}

const cli_verb cli_verb_explain = {
    .name = "explain",
    .args = "RUN ID | --question Q --answer A",
    .summary = "say why: what the model would say instead, and which token paths lead to the answer",
    .text = "For each prompt of a row it shows what the model would say, with probabilities, and the token paths that "
            "carry the answer's mass. The model runs again, with the settings of the run.\n\n"
            "With --question and --answer any question can be asked; exemplars then come from a relation of DATA, else "
            "from the world facts. -v prints the whole prompts.",
    .examples = "ken explain world.ken capital/test/3\n"
                "ken explain --question 'What is the capital of Australia?' --answer Canberra --relation capital",
    .init = init,
    .run = run,
    .tables = {options, cli_adapter_options, cli_data_options, cli_label_options, cli_compute_options},
    .computes = true,
    .min_args = 0,
    .max_args = 2,
};
