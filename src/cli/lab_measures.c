/* lab_measures.c - `ken lab measures`: what the truth of synthetic worlds says of P_Correct, SliCK and salience. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/views.h"
#include <string.h>

static struct {
    ken_measures_options o;
    const char *output;
    cli_tables tables;
} set;

static const cli_option contest_options[] = {
    {"no-contest", 0, NULL, CLI_UNFLAG, &set.o.contest, "leave out fine-tuning on halves", .heading = "Contest",
     .setting = "contest"},
    {"contest-epochs", 0, "N", CLI_INT, &set.o.contest_epochs, "epochs of each training"},
    {"contest-batch", 0, "N", CLI_SIZE, &set.o.contest_batch, "questions an update"},
    {"contest-lr", 0, "X", CLI_REAL, &set.o.contest_lr, "learning rate"},
    {0}};

static const cli_option what_options[] = {
    {"output", 'o', "FILE.html", CLI_STRING, &set.output, "write a page too", .flags = CLI_IO | CLI_PATH,
     .heading = "Output"},
    {"threads", 't', "N", CLI_INT, &set.o.threads, "threads (0: all cores); no bit depends on it", .max = 4096},
    {"isa", 0, "NAME", CLI_STRING, &set.o.isa, "instruction set: auto, generic, avx2, avx512"},
    CLI_TABLE_OPTIONS(set.tables),
    {0}};

static void init(void)
{
    memset(&set, 0, sizeof set);
    set.o = ken_measures_defaults();
    set.o.poll = cli_interrupted;
}

static int run(int n, char **arg, ken_err *err)
{
    ken_measures *m = NULL;
    ken_views *v = NULL;
    cli_progress p;
    int rc = cli_check_tables(&set.tables, false, err);
    if (rc != KEN_OK) return rc;
    cli_progress_start(&p);
    if (!cli.quiet) set.o.progress = cli_progress_show;
    set.o.ctx = &p; /* cli_interrupted needs none */
    rc = ken_worlds_measure(&m, (const char *const *)arg, n, &set.o, err);
    cli_progress_end(&p);
    if (rc == KEN_ESTOP) return cli_fail(err, rc, "stopped on request; the same command goes on from there");
    if (rc == KEN_OK && set.output != NULL) rc = ken_measures_write(m, set.output, err);
    if (rc == KEN_OK && set.output != NULL) cli_note("wrote %s", set.output);
    if (rc == KEN_OK) rc = ken_views_of_measures(&v, m, err);
    ken_measures_free(m);
    if (rc != KEN_OK) return rc;
    term_start();
    return cli_print_tables(v, &set.tables, err);
}

const cli_verb cli_verb_lab_measures = {
    .name = "lab measures",
    .args = "DIR... [-o FILE.html]",
    .summary = "what the truth of synthetic worlds says of SliCK, P_Correct and salience",
    .text = "Each DIR is a world of ken lab world; several, with other seeds, give intervals. The model is asked for "
            "its facts in the form of the "
            "corpus, and P_Correct, category and an estimate of salience are held against the true exposures: "
            "categories by exposures, rank "
            "correlations, and how well p_unknown tells facts that were hardly ever told.\n\n"
            "Then the contest: each ranking picks the better and the lesser half of the train facts, the model is "
            "fine-tuned on either to answer questions, "
            "and asked about subjects that no half has. Which ranking, without the truth at hand, picks the best data? "
            "A random half, all "
            "facts, and all facts with the updates of a half stand beside them. All of it is ours: no paper's "
            "experiment (docs/method/salience.md).\n\n"
            "What was computed stays in each DIR, so that an interrupted call goes on.",
    .examples = "for s in 1 2 3 4 5; do ken lab world --seed $s -o world-$s; done\n"
                "ken lab measures world-1 world-2 world-3 world-4 world-5\n"
                "ken lab measures world-1 --no-contest --json",
    .init = init,
    .run = run,
    .tables = {contest_options, what_options, NULL},
    .min_args = 1,
    .max_args = -1,
    .computes = true,
};
