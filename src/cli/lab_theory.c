/* lab_theory.c - `ken lab theory`: the one-layer model of factual salience, swept over Zipf exponent and length of pretraining. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/views.h"
#include <string.h>

static struct {
    ken_theory_options o;
    cli_reals alphas, joint_lr_values, joint_lr_attentions;
    cli_counts steps;
    const char *output;
    cli_tables tables;
} set;

static const cli_option sweep_options[] = {
    {"alphas", 0, "A,..", CLI_PARSED, &set.alphas, "Zipf exponents of the subjects in pretraining, rising",
     .parse = cli_parse_reals, .show = cli_show_reals, .heading = "Sweep"},
    {"steps", 0, "N,..", CLI_PARSED, &set.steps,
     "steps of pretraining, rising; 30k is 30000. One run gives all of them", .parse = cli_parse_counts,
     .show = cli_show_counts},
    {"seeds", 0, "N", CLI_INT, &set.o.seeds, "how many seeds; means, deviations and 95 % t intervals are over these",
     .min = 1, .max = 10000},
    {"seed", 0, "N", CLI_U64, &set.o.seed, "the first of them"},
    {"arms", 0, "A,..", CLI_PARSED, &set.o.arms,
     "what is fine-tuned on: Bottom, Whole, Top, Random50, WholeMatched (Whole with the updates of a half)",
     .parse = cli_parse_arms, .show = cli_show_arms, .flags = CLI_ADDS},
    {0}};

static const cli_option world_options[] = {
    {"subjects", 0, "N", CLI_INT, &set.o.subjects, "subjects, a multiple of 8; every other one is held out",
     .heading = "World and training"},
    {"relations", 0, "N", CLI_INT, &set.o.relations, "relations"},
    {"answers", 0, "N", CLI_INT, &set.o.answers, "answers of each relation"},
    {"shared", 0, "C2", CLI_REAL, &set.o.shared,
     "squared weight of a direction that all subjects share, from 0 (none) to 0.999"},
    {"lr-pretrain", 0, "X", CLI_REAL, &set.o.lr_pretrain, "learning rate of W_V in pretraining"},
    {"lr", 0, "X", CLI_REAL, &set.o.lr, "learning rate of W_KQ in fine-tuning, W_V frozen"},
    {"epochs", 0, "N", CLI_INT, &set.o.epochs, "epochs of fine-tuning, each with as many updates as the arm has facts"},
    {"full-batch", 0, "N", CLI_INT, &set.o.full_batch,
     "N steps an epoch, each the mean over all facts of the arm, in place of single facts (0: single facts)"},
    {0}};

static const cli_option joint_options[] = {
    {"no-joint", 0, NULL, CLI_UNFLAG, &set.o.joint, "leave out training W_V and W_KQ together",
     .heading = "Joint training", .setting = "joint"},
    {"joint-alpha", 0, "A", CLI_REAL, &set.o.joint_alpha, "its Zipf exponent"},
    {"joint-steps", 0, "N", CLI_PARSED, &set.o.joint_steps, "its steps of pretraining", .parse = cli_parse_count,
     .show = cli_show_count},
    {"joint-seeds", 0, "N", CLI_INT, &set.o.joint_seeds, "its seeds, at most as many as --seeds"},
    {"joint-epochs", 0, "N", CLI_INT, &set.o.joint_epochs,
     "its epochs; each has the updates of one of a half, whatever the arm"},
    {"joint-lr-values", 0, "X,..", CLI_PARSED, &set.joint_lr_values, "learning rates of W_V, rising",
     .parse = cli_parse_reals, .show = cli_show_reals},
    {"joint-lr-attentions", 0, "X,..", CLI_PARSED, &set.joint_lr_attentions, "learning rates of W_KQ, rising",
     .parse = cli_parse_reals, .show = cli_show_reals},
    {0}};

static const cli_option what_options[] = {
    {"output", 'o', "DIR|FILE.html", CLI_STRING, &set.output,
     "write a page with plots too; into a folder: theory.html, and each plot as SVG and its numbers as CSV",
     .flags = CLI_IO | CLI_PATH, .heading = "Output"},
    CLI_TABLE_OPTIONS(set.tables),
    {"threads", 't', "N", CLI_INT, &set.o.threads, "threads (0: all cores); no number depends on it", .max = 4096},
    {0}};

static void take_reals(cli_reals *to, const double *x, int n)
{
    to->n = n < CLI_MAX_NUMBERS ? n : CLI_MAX_NUMBERS;
    memcpy(to->x, x, (size_t)to->n * sizeof *x);
}

static void init(void)
{
    memset(&set, 0, sizeof set);
    set.o = ken_theory_defaults();
    set.o.poll = cli_interrupted;
    take_reals(&set.alphas, set.o.alphas, set.o.n_alphas);
    take_reals(&set.joint_lr_values, set.o.joint_lr_values, set.o.n_joint_lr_values);
    take_reals(&set.joint_lr_attentions, set.o.joint_lr_attentions, set.o.n_joint_lr_attentions);
    set.steps.n = set.o.n_steps;
    memcpy(set.steps.x, set.o.steps, (size_t)set.steps.n * sizeof *set.steps.x);
}

static void give_lists(void)
{
    ken_theory_options *o = &set.o;
    o->alphas = set.alphas.x, o->n_alphas = set.alphas.n;
    o->steps = set.steps.x, o->n_steps = set.steps.n;
    o->joint_lr_values = set.joint_lr_values.x, o->n_joint_lr_values = set.joint_lr_values.n;
    o->joint_lr_attentions = set.joint_lr_attentions.x, o->n_joint_lr_attentions = set.joint_lr_attentions.n;
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n, (void)arg;
    ken_theory *t = NULL;
    ken_views *v = NULL;
    cli_progress p;
    int rc = cli_check_tables(&set.tables, false, err);
    if (rc == KEN_OK && set.output != NULL) rc = ken_theory_probe(set.output, err);
    if (rc != KEN_OK) return rc;
    give_lists();
    cli_progress_start(&p);
    if (!cli.quiet) set.o.progress = cli_progress_show;
    set.o.ctx = &p; /* cli_interrupted needs none */
    rc = ken_theory_run(&t, &set.o, err);
    cli_progress_end(&p);
    if (rc == KEN_OK && set.output != NULL) rc = ken_theory_write(t, set.output, err);
    if (rc == KEN_OK && set.output != NULL) cli_note("wrote %s", set.output);
    if (rc == KEN_OK) rc = ken_views_of_theory(&v, t, err);
    ken_theory_free(t);
    if (rc != KEN_OK) return rc;
    term_start();
    return cli_print_tables(v, &set.tables, err);
}

const cli_verb cli_verb_lab_theory = {
    .name = "lab theory",
    .args = "[-o DIR|FILE.html]",
    .summary = "the one-layer theory of factual salience: what training attention on little-known facts does",
    .text = "A network of one layer and one attention head learns facts (subject, relation, answer), subjects as often "
            "as Zipf's law "
            "says; then its attention alone is fine-tuned on the more popular half of the facts (Top), the less "
            "popular half (Bottom) or all "
            "of them (Whole), and asked about subjects that were held out of fine-tuning. The question is that of "
            "Ghosal, Hashimoto and "
            "Raghunathan (ICML 2024, arXiv 2406.14785): why does fine-tuning on little-known facts do worse, although "
            "all were seen in "
            "pretraining? The form of the model is second-hand; the protocol and the numbers are ours, not the paper's "
            "(docs/method/salience.md).\n\n"
            "Printed are the held-out accuracy of each arm for every Zipf exponent and length of pretraining, the "
            "attention to held-out "
            "subjects, and the gap between Top and Bottom by quarter of popularity. Then both weights are trained "
            "together at several learning "
            "rates: answers are extracted first and what is not trained on is forgotten later. Last come the checks C1 "
            "to C8, with where they do "
            "not hold; where a check needs the default parameters and others are asked for, it cannot be told.\n\n"
            "The same seed gives the same bits on every CPU and with any number of threads, and a cell is the same in "
            "every sweep.",
    .examples = "ken lab theory                              # the whole grid, 5 seeds\n"
                "ken lab theory --seeds 40 --no-joint\n"
                "ken lab theory -o lab                       # and a page with plots\n"
                "ken lab theory --alphas 1 --steps 30k,60k --shared 0.5 --json",
    .init = init,
    .run = run,
    .tables = {sweep_options, world_options, joint_options, what_options, NULL},
    .min_args = 0,
    .max_args = 0,
    .computes = true,
};
