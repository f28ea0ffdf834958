/* train.c - `ken train`: fine-tuning with the knowledge in view. The work is ken_train's; here are its options, the table that
 * grows while it runs, and what is said at the end. */
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/train_table.h"
#include "cli/tune_options.h"
#include "cli/views.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *model, *data, *output;
    int max_steps, eval_every, checkpoint_every;
    cli_list gguf;
    bool dry_run, json_lines;
    ken_train_options o;
    cli_warmup warmup;
} set;

#define O set.o

static const cli_option io_options[] = {
    {"data", 'd', "SET|RUN|DATA", CLI_STRING, &set.data,
     "what to train on: a set of ken select, a run of ken annotate, or data", .flags = CLI_IO | CLI_PATH,
     .heading = "What goes in and comes out"},
    {"output", 'o', "DIR", CLI_STRING, &set.output,
     "folder for the model, made when missing; a training that was interrupted there is resumed",
     .flags = CLI_IO | CLI_PATH},
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model, CLI_MODEL_HELP, .flags = CLI_PATH},
    {"dev", 0, "DATA", CLI_STRING, &O.dev,
     "rows that decide which weights are the best; its dev split where it has one (with --protocol slick: of its 12 "
     "relations)",
     .flags = CLI_IO | CLI_PATH},
    {"test", 0, "DATA", CLI_STRING, &O.test,
     "rows to watch, which decide nothing; its test split where it has one (with --protocol slick: of the same "
     "relations)",
     .flags = CLI_IO | CLI_PATH},
    {"ood", 0, "DATA", CLI_STRING, &O.ood,
     "the same for rows of another distribution (with --protocol slick: of the 7 "
     "relations held out)",
     .flags = CLI_IO | CLI_PATH},
    {"dry-run", 0, NULL, CLI_FLAG, &set.dry_run, "count rows, tokens, steps, memory and disk; train nothing",
     .flags = CLI_IO},
    {"json-lines", 0, NULL, CLI_FLAG, &set.json_lines,
     "print each update (\"event\": \"step\", with its loss and learning rate) and each measurement as a JSON object, "
     "as "
     "soon as it is done"},
    {0}};

static const cli_option what_options[] = {
    {"lora", 0, "r=R,..", CLI_PARSED, &O.lora,
     "train a low-rank adapter: r=16[,alpha=32][,dropout=0][,targets=q_proj,..]; alpha is 2r and targets are all seven "
     "projections unless given; attention and mlp name four and three of them",
     .parse = cli_parse_lora, .heading = "What is trained"},
    {"train", 0, "PART,..", CLI_PARSED, &O.train,
     "train only these: embeddings, head, norms, attention, mlp, layers=A-B (default: all)", .parse = cli_parse_parts,
     .flags = CLI_ADDS},
    {"freeze", 0, "PART,..", CLI_PARSED, &O.freeze, "leave these as they are; the same words", .parse = cli_parse_parts,
     .flags = CLI_ADDS},
    {"epochs", 0, "N", CLI_INT, &O.epochs, "passes over the rows", .min = 1, .max = 1e6,
     .heading = "How it is trained"},
    {"batch", 0, "N", CLI_SIZE, &O.batch, "examples of one update", .min = 1, .max = 1e7},
    {"max-steps", 0, "N", CLI_INT, &set.max_steps, "stop after N updates (0: as the epochs say)", .min = 0,
     .max = INT_MAX},
    {"lr", 0, "X", CLI_REAL, &O.lr, "learning rate at its peak", .min = 1e-30, .max = 1e38},
    {"schedule", 0, "NAME", CLI_WORD, &O.schedule, "what the learning rate does after the warm-up",
     .words = KEN_WORDS_SCHEDULE},
    {"warmup", 0, "N|P%", CLI_PARSED, &set.warmup, "linear warm-up: so many steps, or a share of them",
     .parse = cli_parse_warmup, .show = cli_show_warmup, .setting = "warmup_steps"},
    {"optimizer", 0, "NAME", CLI_WORD, &O.optimizer, "AdamW, or stochastic gradient descent with momentum",
     .words = KEN_WORDS_OPTIMIZER},
    {"beta1", 0, "X", CLI_REAL, &O.beta1, "AdamW: decay of the gradient's mean", .min = 0, .max = 1},
    {"beta2", 0, "X", CLI_REAL, &O.beta2, "AdamW: decay of its square's mean", .min = 0, .max = 1},
    {"epsilon", 0, "X", CLI_REAL, &O.epsilon, "AdamW: added to the root", .min = 0, .max = 1},
    {"momentum", 0, "X", CLI_REAL, &O.momentum, "sgd: momentum", .min = 0, .max = 1},
    {"weight-decay", 0, "X", CLI_REAL, &O.weight_decay, "of matrices (decoupled for AdamW)", .min = 0, .max = 1000},
    {"clip", 0, "X", CLI_REAL, &O.clip, "scale gradients down to this norm (0: never)", .min = 0, .max = 1e30},
    {"dropout", 0, "P", CLI_REAL, &O.dropout, "on the embeddings and on each block's output", .min = 0, .max = 0.999},
    {"seed", 0, "N", CLI_U64, &O.seed, "seed of order, dropout, adapters and all that is drawn from the data"},
    {"kl", 0, "X", CLI_REAL, &O.kl, "add X times the divergence from a teacher's answers (0: none)", .min = 0,
     .max = 1e6, .heading = "Distance to a teacher"},
    {"kl-tau", 0, "T", CLI_REAL, &O.kl_tau, "its temperature", .min = 1e-3, .max = 1000},
    {"kl-teacher", 0, "WHO", CLI_PARSED, &O.kl_teacher, "the model before training (base) or after N epochs (epoch:N)",
     .parse = cli_parse_teacher, .show = cli_show_teacher},
    {0}};

static const cli_option how_options[] = {
    {"eval-every", 0, "N", CLI_INT, &set.eval_every, "measure every N steps (0: after each epoch)", .min = 0,
     .max = INT_MAX, .heading = "What is measured"},
    {"fit-limit", 0, "N", CLI_SIZE, &O.fit_limit,
     "ask only N of the training rows, drawn in proportion to the relations (0: all)"},
    {"eval-limit", 0, "N", CLI_SIZE, &O.eval_limit,
     "ask only N rows of each other set, drawn in proportion to the relations (0: all)"},
    {"eval-seed", 0, "N", CLI_U64, &O.eval_seed,
     "seed of these draws, apart from --seed: trainings of several seeds ask the same rows"},
    {"patience", 0, "N", CLI_INT, &O.patience, "stop after N measurements without a better dev (0: never)", .min = 0,
     .max = 1e9},
    {"stop-rule", 0, "RULE", CLI_STRING, &O.stop_rule,
     "what the best measurement is: dev, most dev rows right; where dev rows name tasks (field \"task\"; main: those "
     "without) "
     "task:NAME, mean (of the tasks' shares) or min-regret (the task that lost most against its own best lost least)"},
    {"matcher", 0, "NAME", CLI_STRING, &O.matcher, "when an answer counts as right"},
    {"idk-answer", 0, "TEXT", CLI_STRING, &O.idk,
     "an answer that declines to answer, besides the usual ones and the target of --idk"},
    {"checkpoint-every", 0, "N", CLI_INT, &set.checkpoint_every,
     "keep the state every N steps (0: after an epoch, at most every two minutes)", .min = 0, .max = INT_MAX,
     .heading = "What is kept"},
    {"save-type", 0, "TYPE", CLI_CHOICE, &O.save_type, "type of the weights in model.safetensors",
     .choices = "F32|BF16|F16"},
    {"gguf", 0, "TYPE,..", CLI_NAMES, &set.gguf,
     "also write GGUF, for llama.cpp: F32, BF16, F16 or Q8_0 (an adapter has one form)"},
    {"share-prefixes", 0, "WHEN", CLI_WORD, &O.share_prefixes,
     "compute a prefix that examples of a batch share once for all of them: exact without dropout; with dropout they "
     "share its mask there, which is faster and noisier (auto: on without dropout)",
     .words = KEN_WORDS_SHARE_PREFIXES, .heading = "Speed and memory"},
    {"recompute", 0, NULL, CLI_FLAG, &O.recompute,
     "compute each layer again in the backward pass: less memory, more time"},
    {"rows", 0, "N", CLI_INT, &O.rows, "token rows forwarded at once; an update of more is split", .min = 1,
     .max = 1 << 24},
    {"threads", 't', "N", CLI_INT, &O.threads, "threads (0: all cores); never changes a result", .min = 0, .max = 4096},
    {"compute", 0, "TYPE", CLI_CHOICE, &O.compute, "arithmetic of matrix products", .choices = "f32|bf16"},
    {"isa", 0, "NAME", CLI_CHOICE, &O.isa, "pin the instruction set (default: the best of this CPU)",
     .choices = "generic|avx2|avx512"},
    {0}};

static void init(void)
{
    cli_data_init();
    cli_tune_init();
    O = ken_train_defaults();
    set.warmup = (cli_warmup){O.warmup_steps, O.warmup_share};
}

/* ---- --dry-run -------------------------------------------------------------------------------------------------------- */

static int print_plan(const ken_training_plan *p, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_plan(&v, p, err);
    return rc == KEN_OK ? cli_print_views(v, err) : rc;
}

/* ---- while it runs ---------------------------------------------------------------------------------------------------- */

typedef struct watch {
    cli_progress progress;
    cli_train_table table;
    bool training; /* since `then` seconds */
    double then;
    ken_point first, last; /* of this call */
    bool measured;
} watch;

static void show_progress(void *ctx, const ken_progress *now)
{
    watch *w = ctx;
    if (w->training) w->table.spent += now->seconds - w->then;
    w->training = strcmp(now->stage, "training") == 0;
    w->then = now->seconds;
    cli_progress_show(&w->progress, now);
}

static void note_lines(const char *s)
{
    for (const char *end; s != NULL && s[0] != '\0'; s = end + (end[0] == '\n')) {
        end = s + strcspn(s, "\n");
        cli_note("%.*s", (int)(end - s), s);
    }
}

/* One line for each update; a full disk is found when the program ends. */
static void show_step(void *ctx, const ken_train_step *s)
{
    (void)ctx;
    ken_err err;
    ken_views *v;
    if (ken_views_of_step(&v, s, &err) == KEN_OK) (void)cli_print_form(v, ken_views_json, &err);
    (void)fflush(stdout);
}

/* Counts that the user may not expect. */
static void show_start(void *ctx, const ken_train_start *s)
{
    watch *w = ctx;
    const ken_train_data_stats *d = s->data;
    char a[32], b[32];
    cli_progress_end(&w->progress);
    if (d->mixed > 0)
        cli_note("%s row%s and %s of other tasks, %lld step%s, %lld an epoch", ken_count_text(a, d->rows),
                 d->rows == 1 ? "" : "s", ken_count_text(b, d->mixed), (long long)s->steps, s->steps == 1 ? "" : "s",
                 (long long)s->steps_per_epoch);
    else
        cli_note("%s row%s, %lld step%s, %lld an epoch", ken_count_text(a, d->rows), d->rows == 1 ? "" : "s",
                 (long long)s->steps, s->steps == 1 ? "" : "s", (long long)s->steps_per_epoch);
    cli_tune_notes(d);
    note_lines(s->notes);
    if (set.o.fit_limit > 0)
        cli_note("the fit is measured on at most %s rows, drawn by --eval-seed %llu",
                 ken_count_text(a, set.o.fit_limit), (unsigned long long)set.o.eval_seed);
    if (set.o.eval_limit > 0)
        cli_note("at most %s rows of each other set are asked, drawn by --eval-seed %llu",
                 ken_count_text(a, set.o.eval_limit), (unsigned long long)set.o.eval_seed);
    if (s->from > 0) cli_note("resuming after step %lld", (long long)s->from);
}

static void show_point(void *ctx, const ken_point *p, const ken_measure *m, size_t n)
{
    watch *w = ctx;
    cli_progress_end(&w->progress);
    if (!w->measured) w->first = *p;
    w->last = *p;
    w->measured = true;
    if (!cli.quiet) cli_train_line(&w->table, p, m, n);
    ken_err err;
    ken_views *v;
    if (set.json_lines && ken_views_of_point(&v, p, m, n, w->table.spent, &err) == KEN_OK) {
        (void)cli_print_form(v, ken_views_json, &err); /* a full disk is found when the program ends */
        (void)fflush(stdout);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static int print_whole(ken_run *r, const char *dir, const watch *w, ken_err *err)
{
    const ken_training_speed speed = {.seconds = w->progress.now.seconds,
                                      .training_seconds = w->table.spent,
                                      .examples = w->last.examples - w->first.examples,
                                      .tokens = w->last.tokens - w->first.tokens,
                                      .forwards = w->last.forwards - w->first.forwards};
    ken_views *v;
    int rc = ken_views_of_training(&v, r, dir, &speed, err);
    return rc == KEN_OK ? cli_print_views(v, err) : rc;
}

static void note_convergence(ken_run *r)
{
    ken_err err;
    ken_convergence c;
    if (ken_run_convergence(r, &c, &err) != KEN_OK || c.step <= 0 || c.converged) return;
    cli_note("not converged: %.1f%% of the training rows are fitted after epoch %.2f, and convergence is 99%% or more",
             100 * (double)c.fitted / (double)c.asked, c.epoch);
}

static void note_end(ken_run *r, const char *dir)
{
    const ken_point *best = NULL, *last = NULL;
    for (size_t i = 0; i < ken_run_n_points(r); i++) {
        last = ken_run_point(r, i);
        if (last->best) best = last;
    }
    if (last == NULL) return;
    char time[16];
    cli_duration(last->seconds, time);
    cli_note("%s: %.2f epochs, %lld steps in %s", dir, last->epoch, (long long)last->step, time);
    if (best != NULL)
        cli_note("the best weights by dev, after epoch %.2f, are in %s; the last in %s/last", best->epoch, dir, dir);
    note_convergence(r);
    cli_note("look at it with: ken show %s", dir);
}

static int finish(const char *dir, bool was_done, const watch *w, ken_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/train.ken", dir) >= (int)sizeof path)
        return cli_fail(err, KEN_EUSAGE, "%s: the name is too long", dir);
    ken_run *r = NULL;
    int rc = ken_run_open(&r, path, err);
    if (rc == KEN_OK && was_done) cli_note("%s: this training is finished; nothing was left to do", dir);
    else if (rc == KEN_OK && !cli.quiet) {
        rc = cli_train_curves(r, err);
        if (rc == KEN_OK) note_end(r, dir);
    }
    if (rc == KEN_OK && cli.json) rc = print_whole(r, dir, w, err);
    ken_run_free(r);
    return rc;
}

/* What becomes of adapters that are on the model already. */
static void note_adapters(const ken_model *m)
{
    const char *on = ken_model_get_info(m)->adapter;
    if (on == NULL) return;
    const int several = cli_adapters.n > 1;
    if (O.lora.rank > 0)
        cli_note("the adapter%s of --adapter stay%s as %s: what is trained is another one on top, which is written "
                 "alone; use "
                 "it with %s (--adapter several times), or without",
                 several ? "s" : "", several ? "" : "s", several ? "they are" : "it is",
                 several ? "them" : "the first");
    else
        cli_note("the adapter%s of --adapter %s merged into the weights, which are trained from there",
                 several ? "s" : "", several ? "are" : "is");
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    (void)arg;
    if (set.data == NULL) return cli_fail(err, KEN_EUSAGE, "nothing to train on: name a set, a run or data with -d");
    if (set.output == NULL && !set.dry_run)
        return cli_fail(err, KEN_EUSAGE, "no folder for the results: name one with -o DIR");
    const char *model = cli_model_path(set.model, err);
    if (model == NULL) return err->status;
    ken_model *m = NULL;
    watch w = {.table.kl = O.kl > 0};
    ken_train_options o = set.o;
    o.max_steps = set.max_steps;
    o.eval_every = set.eval_every;
    o.checkpoint_every = set.checkpoint_every;
    o.gguf = set.gguf.item;
    o.n_gguf = set.gguf.n;
    o.poll = cli_interrupted;
    o.progress = show_progress;
    o.start = show_start;
    o.point = show_point;
    o.step = set.json_lines ? show_step : NULL;
    o.ctx = &w;
    o.warmup_steps = set.warmup.steps;
    o.warmup_share = set.warmup.share;
    ken_train_data data;
    o.data = &data;
    int rc = cli_tune_data(&data, set.data, err);
    if (rc == KEN_OK) rc = cli_model_open(&m, model, NULL, err);
    if (rc != KEN_OK) return rc;
    note_adapters(m);
    term_start();
    cli_progress_start(&w.progress);
    if (set.dry_run) {
        ken_training_plan plan = {0};
        rc = ken_train_plan(m, &o, &plan, err);
        cli_progress_end(&w.progress);
        if (rc == KEN_OK) rc = print_plan(&plan, err);
        if (rc == KEN_OK) cli_tune_notes(&plan.data);
        ken_training_plan_free(&plan);
    } else {
        bool was_done = ken_train_done(set.output);
        rc = ken_train(m, &o, set.output, err);
        cli_progress_end(&w.progress);
        if (rc == KEN_ESTOP)
            cli_fail(err, rc, "stopped on request; the same command goes on from the last checkpoint in %s",
                     set.output);
        if (rc == KEN_OK) rc = finish(set.output, was_done, &w, err);
    }
    ken_model_free(m);
    return rc;
}

const cli_verb cli_verb_train = {
    .name = "train",
    .args = "-d SET|RUN|DATA -o DIR",
    .summary = "fine-tune a model and watch what it learns and what it forgets, by knowledge category",
    .text =
        "Trains all weights, or with --lora a low-rank adapter, to answer questions. Each row is asked without "
        "exemplars, \"Answer the following question.\\n"
        "{question}\\n"
        "\", and the loss is taken on the answer and the end token alone. Before training and after each epoch every "
        "row is asked, greedily: the training rows (the fit, by category when the data come from a run of ken "
        "annotate), and those of --dev, --test and --ood. A line for each measurement goes to stderr: shares of right "
        "answers in percent; * marks the best dev so far, idk is the share of answers that decline.\n\n"
        "With --dev, DIR holds the weights with the best dev share (the earliest of equals) and DIR/last the last "
        "ones; without, DIR holds the last. They are model.safetensors, config.json and the tokenizer, which "
        "transformers loads as they are, or with --lora adapter_model.safetensors and adapter_config.json for peft, "
        "and what --gguf asks for. DIR/train.ken is the run with all that was measured (ken show, ken report), and a "
        "file DONE is written last.\n\n"
        "With --protocol slick and EntityQuestions as what is trained on, dev, test and out-of-distribution rows are "
        "the "
        "protocol's without more options: 10,461, 10,481 and 5,848; naming one of --dev, --test and --ood watches "
        "those "
        "that are named alone. --relation holds for dev and test rows too. Rows that two of the sets share are refused "
        "where they would say nothing, and named otherwise. With dev the divergence from the model before training is "
        "measured as well (KL base: the mean over dev's target tokens, each given the right ones before it, in nats). "
        "The answers of the best and of the last measurement are kept: ken diff DIR compares the two, and ken diff "
        "DIR_A "
        "DIR_B two trainings. When fewer than 99% of the training rows are fitted in the end, it says so.\n\n"
        "With --adapter training begins on top of an adapter: with --lora it is frozen and a second one is trained on "
        "it, "
        "which is what is written (facts in the first, the task in the second); without, it is merged into the weights "
        "first.\n\n"
        "The state is kept in DIR/state while the training runs. The same command resumes an interrupted training and "
        "ends in the same bytes as one that was not interrupted; other settings are refused. Results do not depend on "
        "threads. The first Ctrl-C stops cleanly and keeps the state.\n\n"
        "The defaults are those of Gekhman et al. 2024: 50 epochs, batches of 128, learning rate 1e-5, dropout 0.05; "
        "and ours where they say nothing: AdamW without weight decay, 3% warm-up, gradients clipped at norm 1.",
    .examples =
        "ken train -d facts.jsonl -o tuned\n"
        "ken train -d facts.ken --dev facts/ --test facts/ -o tuned\n"
        "ken train -d facts.ken --variant unknown=50 --dev facts/ --lora r=16 --lr 2e-4 --epochs 10 -o adapter\n"
        "ken train -d facts.jsonl --train attention --patience 3 --dev dev.jsonl --gguf Q8_0 -o tuned\n"
        "ken train -d entityquestions/ --protocol slick -o tuned\n"
        "ken train -d facts.jsonl --dry-run",
    .init = init,
    .run = run,
    .tables = {io_options, cli_adapter_options, what_options, how_options, cli_tune_options, cli_tune_model_options,
               cli_data_options},
    .computes = true,
    .min_args = 0,
    .max_args = 0,
};
