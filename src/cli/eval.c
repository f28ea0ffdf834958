/* eval.c - `ken eval`: what a model answers, greedily, and how often that is right: by category, relation, popularity, split. */
#include "cli/annotate_options.h"
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/evaluation.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/threshold.h"
#include "cli/views.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
    ken_evaluate_options o;
    const char *model, *data, *output, *labels, *prompt, *against;
    cli_list idk, text, fail_if;
    cli_list matchers;
    bool rows;
} set;

static const cli_option options[] = {
    {"data", 'd', "DATA", CLI_STRING, &set.data, "the data set: a file (also .gz), a folder, or - for standard input",
     .flags = CLI_IO | CLI_PATH},
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model, CLI_MODEL_HELP, .flags = CLI_PATH},
    {"output", 'o', "RUN", CLI_STRING, &set.output, "keep the evaluation, with every answer, in this file",
     .flags = CLI_IO | CLI_PATH},
    {"labels", 0, "RUN", CLI_STRING, &set.labels, "an annotation, for the categories of the rows (joined by id)",
     .flags = CLI_IO | CLI_PATH},
    {"against", 0, "RUN", CLI_STRING, &set.against, "compare with this earlier evaluation of the same rows",
     .flags = CLI_IO | CLI_PATH},
    {"text", 0, "FILE", CLI_LIST, &set.text,
     "take the perplexity of this text (UTF-8); may be given several times, with or without -d",
     .flags = CLI_IO | CLI_PATH},
    {"window", 0, "N", CLI_INT, &set.o.window, "--text: tokens of context (0: 1024, or the model's context)", .min = 0,
     .max = 1 << 20},
    {"stride", 0, "N", CLI_INT, &set.o.stride, "--text: tokens from one window to the next (0: no overlap)", .min = 0,
     .max = 1 << 20},
    {"fail-if", 0, "COND", CLI_LIST, &set.fail_if,
     "end with status 4 when it holds, as in 'accuracy<30%': accuracy, accuracy-answered, answered, abstained, "
     "commonest, perplexity; with --against also lost, gained (shares)",
     .flags = CLI_IO},
    {"rows", 0, NULL, CLI_FLAG, &set.rows, "list the answers, one a line, instead of the table", .flags = CLI_IO},
    {"limit", 0, "N", CLI_SIZE, &set.o.limit, "the first N rows"},
    {0}};

static char matcher_help[CLI_HELP_SIZE]; /* what the library has */

static const cli_option asking[] = {
    {"prompt", 0, "NAME", CLI_CHOICE, &set.prompt,
     "zero-shot: the prompt of ken train; few-shot: that of ken annotate, with its first set of exemplars (default: "
     "zero-shot, few-shot for multiple choice)",
     .choices = "zero-shot|few-shot", .heading = "How the model is asked"},
    {"shots", 0, "N", CLI_INT, &set.o.shots, "exemplars in a few-shot prompt (-1: 4, multiple choice 5)", .min = -1,
     .max = 64},
    {"template", 0, "TEXT", CLI_TEXT, &set.o.prompt_template,
     "the question's form (default: \"Answer the following question.\\n{question}\\n\"; few-shot \"Q: "
     "{question}\\nA:\")",
     .setting = "prompt_template"},
    {"chat-template", 0, NULL, CLI_FLAG, &set.o.chat_template, "ask as a conversation, in the model's chat format"},
    {"stop", 0, "TEXT", CLI_TEXT, &set.o.stop, "what ends an answer (default: a newline)"},
    {"max-new", 0, "N", CLI_INT, &set.o.max_new, "longest answer, in tokens", .min = 1, .max = 1024},
    {"matcher", 0, "NAME,..", CLI_NAMES, &set.matchers, matcher_help, .setting = "matchers"},
    {"idk", 0, "PHRASE", CLI_LIST, &set.idk,
     "an answer that declines to answer, besides the usual ones (\"I don't know\", \"unknown\", ...)"},
    {"certainty", 0, NULL, CLI_FLAG, &set.o.certainty,
     "answers may end in \". Are you sure? I am sure.\" or \"... unsure.\", as ken train --certainty teaches: what is "
     "before that is "
     "judged, and rows are grouped by it (it takes tokens of --max-new)"},
    {"no-texts", 0, NULL, CLI_UNFLAG, &set.o.texts, "do not complete answers that cannot be right any more (faster)"},
    {"exemplar-seed", 0, "N", CLI_U64, &set.o.exemplar_seed, "seed of the exemplar sets"},
    {"seed", 0, "N", CLI_U64, &cli_annotate.o.seed, "seed of --sample"},
    {0}};

static void init(void)
{
    char exact[150], others[150];
    cli_list_matchers(exact, sizeof exact, true);
    cli_list_matchers(others, sizeof others, false);
    snprintf(matcher_help, sizeof matcher_help,
             "when a text counts as an answer: %s, %s; the first decides, the others are counted beside it", exact,
             others);
    cli_data_init();
    cli_annotate_init();
    set.o = ken_evaluate_defaults();
}

/* ---- conditions ----------------------------------------------------------------------------------------------------- */

enum { ACCURACY, ACCURACY_ANSWERED, ANSWERED, ABSTAINED, COMMONEST, PERPLEXITY, LOST, GAINED, N_METRICS };
static const char *const metrics[N_METRICS] = {"accuracy",  "accuracy-answered", "answered", "abstained",
                                               "commonest", "perplexity",        "lost",     "gained"};

static cli_threshold threshold[CLI_LIST_MAX];

static int parse_conditions(ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < set.fail_if.n && rc == KEN_OK; i++) {
        int m;
        rc = cli_threshold_parse(&threshold[i], set.fail_if.item[i], metrics, N_METRICS, err);
        if (rc != KEN_OK) break;
        m = threshold[i].metric;
        if ((m == LOST || m == GAINED) && set.against == NULL)
            rc = cli_fail(err, KEN_EUSAGE, "--fail-if \"%s\" needs --against RUN", set.fail_if.item[i]);
        else if (m == PERPLEXITY ? set.text.n == 0 : set.data == NULL)
            rc = cli_fail(err, KEN_EUSAGE, "--fail-if \"%s\" needs %s", set.fail_if.item[i],
                          m == PERPLEXITY ? "--text FILE" : "-d DATA");
    }
    return rc;
}

static double ratio(uint64_t k, uint64_t n) { return n > 0 ? (double)k / (double)n : NAN; }

typedef struct result {
    ken_evaluation *e;
    const ken_measure *m; /* (n) */
    size_t n;
    const ken_change *c; /* (n_changes) */
    size_t n_changes;
} result;

static const ken_measure *all_of(const result *v)
{
    const ken_measure *m = ken_measure_find(v->m, v->n, "eval", "all", "");
    return m != NULL ? m : ken_measure_find(v->m, v->n, "mmlu", "all", "");
}

static double metric(const result *v, int which)
{
    const ken_measure *all = all_of(v);
    double worst = NAN;
    switch (which) {
    case ACCURACY: return ratio(all->hits, all->n);
    case ACCURACY_ANSWERED: return ratio(all->hits, all->answered);
    case ANSWERED: return ratio(all->answered, all->n);
    case ABSTAINED: return ratio(all->abstained, all->n);
    case COMMONEST: {
        const char *k = ken_evaluation_setting(v->e, "commonest_count");
        return k != NULL ? strtod(k, NULL) / (double)all->n : NAN;
    }
    case PERPLEXITY: /* the largest */
        for (size_t i = 0; i < v->n; i++)
            if (strncmp(v->m[i].set, "text:", 5) == 0) worst = fmax(worst, exp(v->m[i].loss / (double)v->m[i].tokens));
        return worst;
    default:
        for (size_t i = 0; i < v->n_changes; i++)
            if (strcmp(v->c[i].grouping, "all") == 0)
                return which == LOST ? ratio(v->c[i].lost, v->c[i].before) : ratio(v->c[i].gained, v->c[i].n);
        return NAN;
    }
}

static int check_conditions(const result *v, ken_err *err)
{
    for (int i = 0; i < set.fail_if.n; i++) {
        int m = threshold[i].metric;
        double x = metric(v, m);
        if (cli_threshold_holds(&threshold[i], x))
            return cli_fail(err, KEN_ETHRESHOLD,
                            m == PERPLEXITY ? "--fail-if \"%s\": %s is %.4g" : "--fail-if \"%s\": %s is %.2f%%",
                            set.fail_if.item[i], metrics[m], m == PERPLEXITY ? x : 100 * x);
    }
    return KEN_OK;
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

static int check_usage(ken_err *err)
{
    if (set.data == NULL && set.text.n == 0)
        return cli_fail(err, KEN_EUSAGE, "nothing to evaluate: name data with -d DATA, or a text with --text FILE");
    if (set.data == NULL && (set.rows || set.labels != NULL || set.against != NULL))
        return cli_fail(err, KEN_EUSAGE, "%s needs -d DATA",
                        set.rows             ? "--rows"
                        : set.labels != NULL ? "--labels"
                                             : "--against");
    bool few = set.prompt != NULL && strcmp(set.prompt, "few-shot") == 0;
    if (set.o.shots > 0 && !few && set.prompt != NULL)
        return cli_fail(err, KEN_EUSAGE, "--shots %d needs --prompt few-shot", set.o.shots);
    return parse_conditions(err);
}

static int open_run(ken_run **r, const char *path, const char *kind, const char *option, ken_err *err)
{
    int rc = ken_run_open(r, path, err);
    if (rc == KEN_OK && strcmp(ken_run_kind(*r), kind) != 0)
        rc = cli_fail(err, KEN_EINPUT, "%s %s: a run of kind \"%s\"; one from %s is expected", option, path,
                      ken_run_kind(*r), strcmp(kind, "eval") == 0 ? "ken eval -o" : "ken annotate");
    return rc;
}

/* How many exemplars: the option, else what the kind of prompt and of data asks for. */
static int shots_for(const ken_data *d)
{
    bool choice = d != NULL && ken_data_count(d) > 0 && ken_data_get(d, 0)->n_choices > 0;
    if (set.prompt == NULL) return set.o.shots;
    if (strcmp(set.prompt, "zero-shot") == 0) return 0;
    return set.o.shots >= 0 ? set.o.shots : choice ? 5 : 4;
}

/* A comparison under other conditions is allowed, with a warning. */
static void note_differences(const ken_evaluation *e, const ken_run *before)
{
    static const char *const keys[] = {"template", "prompt", "chat_template", "matcher", "data_hash"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *a = ken_evaluation_setting(e, keys[i]), *b = ken_run_setting(before, keys[i]);
        if (a != NULL && b != NULL && strcmp(a, b) != 0)
            cli_note("warning: the earlier evaluation has another %s",
                     strcmp(keys[i], "data_hash") == 0 ? "data set" : keys[i]);
    }
}

static int print_rows(const result *v, ken_err *err)
{
    size_t n;
    const ken_evaluated *row = ken_evaluation_rows(v->e, &n);
    int rc = KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        if (cli.json) rc = cli_json_print(cli_json_evaluated(&row[i], all_of(v)), err);
        else cli_print_evaluated(&row[i]);
    }
    return rc;
}

static int show(ken_evaluation *e, ken_run *against, ken_err *err)
{
    result v = {.e = e};
    ken_views *views;
    v.m = ken_evaluation_measures(e, &v.n);
    int rc = KEN_OK;
    if (against != NULL) {
        note_differences(e, against);
        rc = ken_evaluation_changes(e, against, &v.c, &v.n_changes, err);
    }
    if (rc != KEN_OK) return rc;
    if (set.rows) rc = print_rows(&v, err);
    else if ((rc = ken_views_of_evaluation(&views, e, err)) == KEN_OK) rc = cli_print_views(views, err);
    return rc == KEN_OK ? check_conditions(&v, err) : rc;
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    (void)arg;
    ken_model *m = NULL;
    ken_data *d = NULL, *exemplars = NULL, *fallback = NULL;
    ken_run *labels = NULL, *against = NULL;
    ken_evaluation *e = NULL;
    cli_progress progress;
    const char *model = NULL;
    int rc = check_usage(err);
    if (rc == KEN_OK) rc = cli_check_run_name(set.output, err);
    if (rc == KEN_OK && (model = cli_model_path(set.model, err)) == NULL) rc = err->status;
    /* Everything small first: a mistake there is found before the model is loaded. */
    if (rc == KEN_OK && set.data != NULL) rc = cli_data_open(&d, set.data, err);
    if (rc == KEN_OK) rc = cli_data_open_exemplars(&exemplars, cli_annotate.exemplars, err);
    if (rc == KEN_OK) rc = cli_data_open_fallback(&fallback, cli_annotate.exemplars, err);
    if (rc == KEN_OK && set.labels != NULL) rc = open_run(&labels, set.labels, "annotate", "--labels", err);
    if (rc == KEN_OK && set.against != NULL) rc = open_run(&against, set.against, "eval", "--against", err);
    if (rc == KEN_OK && set.output != NULL) rc = ken_evaluation_probe(set.output, err);
    if (rc == KEN_OK) rc = cli_model_open(&m, model, NULL, err);
    if (rc != KEN_OK) goto done;

    term_start();
    cli_progress_start(&progress);
    ken_evaluate_options o = set.o;
    o.shots = shots_for(d);
    o.idk = set.idk.item;
    o.n_idk = set.idk.n;
    o.exemplars = exemplars;
    o.fallback = fallback;
    o.labels = labels;
    o.text_files = set.text.item;
    o.n_text_files = set.text.n;
    o.matchers = cli_names(&set.matchers);
    o.splits = cli_names(&cli_annotate.splits);
    o.relations = cli_names(&cli_annotate.relations);
    o.per_relation = cli_annotate.o.per_relation;
    o.sample = cli_annotate.o.sample;
    o.seed = cli_annotate.o.seed;
    o.threads = cli_annotate.o.threads;
    o.isa = cli_annotate.o.isa;
    o.compute = cli_annotate.o.compute;
    o.memory = cli_annotate.o.memory;
    o.poll = cli_interrupted;
    o.progress = cli_progress_show;
    o.ctx = &progress;
    rc = ken_evaluate(&e, m, d, &o, err);
    cli_progress_end(&progress);
    if (rc == KEN_ESTOP)
        cli_fail(err, rc, "stopped on request; an evaluation is kept when it is whole: the same command begins again");
    if (rc == KEN_OK && set.output != NULL) rc = ken_evaluation_save(e, set.output, err);
    if (rc == KEN_OK) rc = show(e, against, err);
done:
    ken_evaluation_free(e);
    ken_model_free(m);
    ken_run_free(labels);
    ken_run_free(against);
    ken_data_free(exemplars);
    ken_data_free(fallback);
    ken_data_free(d);
    return rc;
}

const cli_verb cli_verb_eval = {
    .name = "eval",
    .args = "-d DATA | --text FILE",
    .summary = "how often a model's answers are right, and what fine-tuning did to it",
    .text =
        "Asks each question once, greedily, without exemplars, in the form in which ken train trains, and compares the "
        "answer with the accepted ones: in all, by knowledge category (with --labels), relation, split and quartile "
        "of popularity, with 95% intervals (Wilson). Answers that decline to answer are counted apart.\n\n"
        "A question asked in only one form can mislead: --prompt few-shot asks as ken annotate does, --template and "
        "--chat-template in forms of your own.\n\n"
        "Multiple choice data (MMLU) is scored by the letters: the share of questions whose right letter is the "
        "likeliest, and its mean probability among them. --text takes the perplexity of a text. Both say what "
        "fine-tuning did beyond the facts.\n\n"
        "With -o the evaluation is kept in a run of its own (ken show reads it); --against compares with one kept "
        "earlier, row by row.",
    .examples = "ken eval -d facts.jsonl --labels facts.ken\n"
                "ken eval -d facts.jsonl -o before.ken\n"
                "ken eval -d facts.jsonl --adapter tuned --against before.ken\n"
                "ken eval --text book.txt --fail-if 'perplexity>20'",
    .init = init,
    .run = run,
    .tables = {options, cli_which_options, asking, cli_adapter_options, cli_data_options, cli_compute_options},
    .computes = true,
    .min_args = 0,
    .max_args = 0,
};
