/* annotate.c - `ken annotate`, the main job: a knowledge category for every fact, kept in a run that can be resumed. */
#include "cli/annotate_options.h"
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/views.h"
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static struct {
    const char *model, *data, *output;
    bool dry_run;
} set;

static const cli_option options[] = {
    {"data", 'd', "DATA", CLI_STRING, &set.data, "the data set: a file (also .gz), a folder, or - for standard input",
     .flags = CLI_IO | CLI_PATH},
    {"output", 'o', "RUN", CLI_STRING, &set.output,
     "the run; resumed when it exists (default: DATA's name and .ken, in this folder)", .flags = CLI_IO | CLI_PATH},
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model, CLI_MODEL_HELP, .flags = CLI_PATH},
    {"limit", 0, "N", CLI_SIZE, &cli_annotate.o.limit, "the first N rows; a larger N extends a run"},
    {"dry-run", 0, NULL, CLI_FLAG, &set.dry_run, "show the first prompts and what the job would cost; run nothing",
     .flags = CLI_IO},
    {0}};

static void init(void)
{
    cli_data_init();
    cli_annotate_init();
}

/* DATA's name without folder and extension, then ".ken". */
static int default_output(const char *data, char *out, size_t size, ken_err *err)
{
    size_t n = strlen(data);
    if (strcmp(data, "-") == 0)
        return cli_fail(err, KEN_EUSAGE, "standard input has no name to call the run after; name it with -o RUN");
    while (n > 1 && data[n - 1] == '/') n--;
    if (n > 3 && memcmp(data + n - 3, ".gz", 3) == 0) n -= 3;
    size_t start = n;
    while (start > 0 && data[start - 1] != '/') start--;
    size_t end = n;
    for (size_t i = n; i > start + 1; i--)
        if (data[i - 1] == '.') {
            end = i - 1;
            break;
        }
    bool odd = end == start || (end - start == 1 && data[start] == '.') ||
               (end - start == 2 && memcmp(data + start, "..", 2) == 0);
    if (odd || end - start + sizeof ".ken" > size)
        return cli_fail(err, KEN_EUSAGE, "cannot name a run after \"%s\"; name it with -o RUN", data);
    snprintf(out, size, "%.*s.ken", (int)(end - start), data + start);
    return KEN_OK;
}

/* ---- --dry-run ------------------------------------------------------------------------------------------------------ */

static int print_plan(const ken_plan *p, ken_err *err)
{
    if (cli.json) {
        json_t *o = json_pack(
            "{s:I,s:I,s:b,s:I,s:I,s:[I,I],s:o,s:I,s:o}", "examples", (json_int_t)p->examples, "held_out",
            (json_int_t)p->held_out, "cross_fitted", p->cross_fitted, "measured", (json_int_t)p->measured,
            "token_forwards", (json_int_t)p->token_forwards, "token_forwards_range", (json_int_t)p->token_forwards_lo,
            (json_int_t)p->token_forwards_hi, "seconds", cli_json_real(p->seconds), "memory", (json_int_t)p->memory,
            "prompts", cli_json_strings((const char *const *)p->prompts, (int)p->n_prompts));
        return cli_json_print(o, err);
    }
    char a[32], b[32], c[32], time[16];
    for (size_t i = 0; i < p->n_prompts; i++) {
        printf("%s--- prompt %zu%s\n", term_on(TERM_DIM), i + 1, term_off());
        term_lines("", p->prompts[i], "");
    }
    cli_duration(p->seconds, time);
    printf("%s---%s\n%s fact%s to annotate", term_on(TERM_DIM), term_off(), ken_count_text(a, p->examples),
           p->examples == 1 ? "" : "s");
    if (p->held_out > 0)
        printf("; %s more serve%s as exemplar%s and %s not asked", ken_count_text(b, p->held_out),
               p->held_out == 1 ? "s" : "", p->held_out == 1 ? "" : "s", p->held_out == 1 ? "is" : "are");
    else if (p->cross_fitted) fputs("; each one's exemplars are others of them, and all are asked", stdout);
    if (p->measured > 0)
        printf("\nmeasured on %s of them, which %s not kept; the range is where the truth mostly lies",
               ken_count_text(a, p->measured), p->measured == 1 ? "is" : "are");
    printf("\nabout %s token-forwards (%s to %s), %s, %.1f GB of memory\n", ken_count_text(a, p->token_forwards),
           ken_count_text(b, p->token_forwards_lo), ken_count_text(c, p->token_forwards_hi), time,
           (double)p->memory / 1e9);
    return KEN_OK;
}

/* ---- the end of a run ----------------------------------------------------------------------------------------------- */

void cli_annotate_note_done(const char *path, const cli_progress *p)
{
    char a[32], b[32], time[16];
    cli_duration(p->now.seconds, time);
    uint64_t fresh = p->now.done - p->first_done;
    const char *s = fresh == 1 ? "" : "s";
    if (fresh == 0) cli_note("%s: complete; nothing was left to do", path);
    else if (p->first_done > 0)
        cli_note("%s: %s fact%s in %s, %s token-forwards (%s were there)", path, ken_count_text(a, fresh), s, time,
                 ken_count_text(b, p->now.token_forwards), ken_count_text((char[32]){0}, p->first_done));
    else
        cli_note("%s: %s fact%s in %s, %s token-forwards", path, ken_count_text(a, fresh), s, time,
                 ken_count_text(b, p->now.token_forwards));
}

void cli_annotate_stopped(const char *path, const cli_progress *p, ken_err *err)
{
    char a[32], b[32];
    if (p->now.total > 0)
        cli_fail(err, KEN_ESTOP, "stopped on request; %s keeps %s of %s facts, and the same command goes on from there",
                 path, ken_count_text(a, p->now.done), ken_count_text(b, p->now.total));
    else cli_fail(err, KEN_ESTOP, "stopped on request before the first fact was asked; the same command goes on");
}

/* Its sentences, each a note. */
static int note_advice(const char *path, ken_run *r, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_advice(&v, r, err);
    for (size_t i = 0; rc == KEN_OK && ken_views_get(v, i) != NULL; i++) {
        const ken_view *t = ken_views_get(v, i);
        char text[2000];
        size_t n = 0;
        for (size_t k = 0; k < t->n_spans && n < sizeof text; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", t->span[k].text);
        cli_note("%s: %s", path, text);
    }
    if (rc == KEN_OK) ken_views_free(v);
    return rc;
}

/* The notes of the run; with --json its summary. */
static int end_run(const char *path, ken_err *err)
{
    ken_run *r = NULL;
    int rc = ken_run_open(&r, path, err);
    for (size_t i = 0; rc == KEN_OK && ken_run_note(r, i) != NULL; i++) cli_note("%s: %s", path, ken_run_note(r, i));
    ken_views *v;
    if (rc == KEN_OK && cli.json) {
        rc = ken_views_of_run(&v, r, NULL, err);
        if (rc == KEN_OK) rc = cli_print_views(v, err);
    } else if (rc == KEN_OK) cli_note("look at it with: ken show %s", path);
    if (rc == KEN_OK) rc = note_advice(path, r, err);
    ken_run_free(r);
    return rc;
}

static void note_data(const ken_data *d)
{
    const ken_data_stats *s = ken_data_get_stats(d);
    if (s->bad > 0) cli_note("%zu bad rows were dropped", s->bad);
    if (!cli.verbose) return;
    cli_note("%zu rows in %s format: %zu with several answers, %zu duplicates, %zu ambiguous, %zu that name an answer "
             "in the question",
             s->rows, ken_data_format(d), s->multi_answer, s->duplicates, s->ambiguous, s->echo);
}

static int run(int n, char **arg, ken_err *err)
{
    if (n > 0 && set.data != NULL)
        return cli_fail(err, KEN_EUSAGE, "two data sets, \"%s\" and -d \"%s\"; one run is of one", arg[0], set.data);
    if (n > 0) set.data = arg[0];
    if (cli_check_run_name(set.output, err) != KEN_OK) return err->status;
    ken_model *m = NULL;
    ken_data *d = NULL, *exemplars = NULL, *fallback = NULL;
    cli_progress progress;
    char named[NAME_MAX];
    if (set.data == NULL)
        return cli_fail(err, KEN_EUSAGE, "no data: name a file or folder, as in ken annotate facts.jsonl");
    const char *path = set.output, *model = cli_model_path(set.model, err);
    if (model == NULL) return err->status;
    int rc = KEN_OK;
    if (path == NULL) {
        rc = default_output(set.data, named, sizeof named, err);
        path = named;
    }
    /* Data first: a mistake in them is found before the model is loaded. */
    if (rc == KEN_OK) rc = cli_data_open(&d, set.data, err);
    if (rc == KEN_OK) rc = cli_data_open_exemplars(&exemplars, cli_annotate.exemplars, err);
    if (rc == KEN_OK) rc = cli_data_open_fallback(&fallback, cli_annotate.exemplars, err);
    if (rc == KEN_OK) note_data(d);
    if (rc == KEN_OK) rc = cli_model_open(&m, model, NULL, err);
    if (rc != KEN_OK) goto done;

    term_start();
    cli_progress_start(&progress);
    ken_annotate_options o = cli_annotate_options(&progress);
    o.exemplars = exemplars;
    o.fallback = fallback;
    if (set.dry_run) {
        ken_plan plan = {0};
        rc = ken_annotate_plan(m, d, &o, &plan, err);
        cli_progress_end(&progress);
        if (rc == KEN_OK) rc = print_plan(&plan, err);
        ken_plan_free(&plan);
        goto done;
    }
    rc = ken_annotate(m, d, &o, path, err);
    cli_progress_end(&progress);
    if (rc == KEN_ESTOP) cli_annotate_stopped(path, &progress, err);
    if (rc == KEN_OK) {
        cli_annotate_note_done(path, &progress);
        rc = end_run(path, err);
    }
done:
    ken_model_free(m);
    ken_data_free(exemplars);
    ken_data_free(fallback);
    ken_data_free(d);
    return rc;
}

const cli_verb cli_verb_annotate = {
    .name = "annotate",
    .args = "DATA [-o RUN]",
    .summary = "find out how well a model knows each fact of a data set",
    .text =
        "For each question the probability of a right answer is computed over ten prompts with four exemplars "
        "each, and from it the category of Gekhman et al. 2024: HighlyKnown (greedy decoding is right with every "
        "prompt), MaybeKnown (with some), WeaklyKnown (only when sampling) or Unknown.\n\n"
        "Results go to a run, one SQLite file, committed as the work goes. When the run exists, the same command "
        "resumes it; with a larger --limit or --per-relation it is extended; other settings are refused. When the data "
        "changed since, unchanged rows are kept, changed rows are computed again, new rows are asked with the run's "
        "own exemplars, and rows that the data no longer has are kept and named; ken show says so. The first "
        "Ctrl-C stops cleanly and keeps all that was finished.\n\n"
        "A label depends on the model file, the data, the settings and the seeds alone: not on threads, order, or "
        "interruptions.",
    .examples =
        "ken annotate -d facts.jsonl\n"
        "ken annotate -m model.gguf -d entityquestions/dataset --protocol slick --relation P36 --limit 200 -o p36.ken\n"
        "ken annotate -d facts.jsonl --dry-run",
    .init = init,
    .run = run,
    .tables = {options, cli_which_options, cli_adapter_options, cli_data_options, cli_label_options,
               cli_compute_options},
    .computes = true,
    .min_args = 0,
    .max_args = 1,
};
