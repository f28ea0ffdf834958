/* score.c - `ken score`: the labels of an annotation again, under another matcher, budget or threshold, and how far two annotations agree. */
#include "cli/cli.h"
#include "cli/score_rows.h"
#include "cli/term.h"
#include "cli/views.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CURVE = 32 };

static struct {
    ken_score_options o;
    cli_rules rules;
    unsigned categories; /* bits 1 << KEN_HIGHLY_KNOWN ...; 0 = all */
    const char *seed, *output, *audited, *temperature, *top_k, *shots;
    cli_list against;
    cli_tables tables;
    bool rows, changed, curve;
    size_t limit, audit;
} set;

static char matcher_help[CLI_HELP_SIZE]; /* what the library has */

static const cli_option how_options[] = {
    {"matcher", 0, "NAME", CLI_STRING, &set.o.matcher, matcher_help},
    {"aliases", 0, "FILE", CLI_STRING, &set.o.aliases,
     "JSON object from an answer to a list of other spellings, for em-alias", .flags = CLI_IO | CLI_PATH},
    {"prompts", 0, "N", CLI_INT, &set.o.prompts, "only the first N prompts (0: all)", .min = 0, .max = 1000},
    {"samples", 0, "N", CLI_INT, &set.o.samples,
     "samples of a prompt: any number for exact runs, at most as many as were drawn for --method sample (0: as in the "
     "run)",
     .min = 0, .max = 10000},
    {"seed", 0, "N", CLI_STRING, &set.seed,
     "draw the samples of an exact run anew with this seed (default: the run's)"},
    {"label", 0, "WHICH", CLI_WORD, &set.o.label, "the label: of the seeded draw, or the more probable one",
     .words = KEN_WORDS_LABEL},
    {"threshold", 0, "RULES", CLI_PARSED, &set.rules,
     "categories by thresholds in place of the protocol's, as in HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown; "
     "the first that holds counts",
     .parse = cli_parse_rules, .flags = CLI_ADDS, .setting = "rules"},
    {"temperature", 0, "T", CLI_STRING, &set.temperature, "", .flags = CLI_HIDDEN | CLI_IO},
    {"top-k", 0, "K", CLI_STRING, &set.top_k, "", .flags = CLI_HIDDEN | CLI_IO},
    {"shots", 0, "N", CLI_STRING, &set.shots, "", .flags = CLI_HIDDEN | CLI_IO},
    {0}};

static const cli_option what_options[] = {
    {"rows", 0, NULL, CLI_FLAG, &set.rows, "list the facts with the label they had and the one they have now"},
    {"changed", 0, NULL, CLI_FLAG, &set.changed, "list those whose label is, or may be, another one (implies --rows)"},
    {"category", 0, "C,..", CLI_PARSED, &set.categories, "list those of these categories now (implies --rows)",
     .parse = cli_parse_categories, .flags = CLI_ADDS, .setting = "categories"},
    {"limit", 0, "N", CLI_SIZE, &set.limit, "at most N rows (0: all)"},
    {"curve", 0, NULL, CLI_FLAG, &set.curve,
     "the saturation curve: expected shares for 1 to all prompts and 1 to 64 samples of each"},
    {"against", 0, "RUN", CLI_LIST, &set.against,
     "how far the labels agree with those of another run of the same facts, scored in the same way; may be given "
     "several times",
     .flags = CLI_IO | CLI_PATH},
    {"audit", 0, "N", CLI_SIZE, &set.audit,
     "a sheet (-o FILE.csv) of N rejected answers, drawn by --seed, to check the matcher by hand"},
    {"audited", 0, "FILE", CLI_STRING, &set.audited,
     "read such a sheet back, with the verdicts that were entered: what the matcher misses",
     .flags = CLI_IO | CLI_PATH},
    {"output", 'o', "FILE", CLI_STRING, &set.output,
     "write the facts with their new labels as a run of its own, for ken select, diff and report; with --audit, the "
     "sheet",
     .flags = CLI_IO | CLI_PATH},
    CLI_TABLE_OPTIONS(set.tables),
    {0}};

static void init(void)
{
    char exact[150], others[150];
    cli_list_matchers(exact, sizeof exact, true);
    cli_list_matchers(others, sizeof others, false);
    snprintf(matcher_help, sizeof matcher_help, "when a text counts as an answer: %s, %s (default: the run's)", exact,
             others);
    memset(&set, 0, sizeof set);
    set.o = ken_score_defaults();
    set.o.poll = cli_interrupted;
}

/* What would need the model, refused by name rather than as unknown. */
static int check_fixed(ken_err *err)
{
    const char *name = set.temperature != NULL ? "temperature"
                       : set.top_k != NULL     ? "top-k"
                       : set.shots != NULL     ? "shots"
                                               : NULL;
    if (name == NULL) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE,
                    "--%s cannot be changed afterwards: the probabilities and texts of a run were made with it; "
                    "annotate again with --%s",
                    name, name);
}

static int parse_seed(ken_err *err)
{
    if (set.seed == NULL) return KEN_OK;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(set.seed, &end, 10);
    if (*set.seed < '0' || *set.seed > '9' || *end != '\0' || errno != 0)
        return cli_fail(err, KEN_EUSAGE, "--seed: \"%.40s\" is not a number from 0 to 18446744073709551615", set.seed);
    set.o.seed = v;
    set.o.other_seed = set.audit == 0 && set.audited == NULL; /* there it only draws the sheet */
    return KEN_OK;
}

/* 1 to all prompts (at most MAX_CURVE of them, evenly), and powers of two of samples. */
static int make_curve(ken_scoring *s, ken_curve *c, double **share, ken_err *err)
{
    static int prompts[MAX_CURVE];
    static const int samples[] = {1, 2, 4, 8, 16, 32, 64};
    int all = ken_scoring_all_prompts(s), n = all < MAX_CURVE ? all : MAX_CURVE;
    *c = (ken_curve){
        .prompts = prompts, .samples = samples, .n_prompts = (size_t)n, .n_samples = sizeof samples / sizeof *samples};
    for (int i = 0; i < n; i++) prompts[i] = n < 2 ? 1 : 1 + i * (all - 1) / (n - 1);
    *share = calloc(c->n_prompts * c->n_samples * KEN_UNLABELLED + 1, sizeof **share);
    c->share = *share;
    if (*share == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    return ken_scoring_curve(s, c->prompts, c->n_prompts, c->samples, c->n_samples, *share, err);
}

/* Against each of the other runs, which stay open until their settings were shown: runs (n), as many as there are. */
static int compare_all(ken_scoring *s, ken_compared *x, ken_run **other, ken_err *err)
{
    int rc = KEN_OK;
    for (int i = 0; i < set.against.n && rc == KEN_OK; i++) {
        ken_scoring *scored = NULL;
        rc = ken_run_open(&other[i], set.against.item[i], err);
        if (rc == KEN_OK) rc = ken_score(&scored, other[i], &set.o, err);
        x[i] = (ken_compared){.name = set.against.item[i], .run = other[i]};
        if (rc == KEN_OK) rc = ken_agree(&x[i].agreement, s, scored, err);
        ken_scoring_free(scored);
    }
    return rc;
}

/* The labels, or the curve, or the agreements. */
static int print_scoring(ken_scoring *s, ken_err *err)
{
    double *share = NULL;
    ken_curve curve;
    ken_compared x[CLI_LIST_MAX];
    ken_run *other[CLI_LIST_MAX] = {NULL};
    ken_views *v;
    int rc = set.curve ? make_curve(s, &curve, &share, err) : KEN_OK;
    if (rc == KEN_OK) rc = compare_all(s, x, other, err);
    if (rc == KEN_OK) rc = ken_views_of_scoring(&v, s, set.curve ? &curve : NULL, x, (size_t)set.against.n, err);
    if (rc == KEN_OK) rc = cli_print_tables(v, &set.tables, err);
    for (int i = 0; i < set.against.n; i++) ken_run_free(other[i]);
    free(share);
    return rc;
}

static int write_output(ken_scoring *s, ken_err *err)
{
    size_t n = 0;
    int rc = set.audit > 0 ? ken_scoring_audit(s, set.audit, set.o.seed, set.output, &n, err)
                           : ken_scoring_save(s, set.output, err);
    if (rc == KEN_OK && set.audit > 0)
        cli_note("wrote %s: %zu rejected answers; enter a verdict for each in the last column, and read them with "
                 "--audited",
                 set.output, n);
    else if (rc == KEN_OK) cli_note("wrote %s", set.output);
    return rc;
}

static int read_audited(ken_scoring *s, ken_err *err)
{
    ken_audited x;
    int rc = ken_scoring_audited(s, set.audited, &x, err);
    ken_views *v;
    if (rc == KEN_OK) rc = ken_views_of_audit(&v, s, set.audited, &x, err);
    return rc == KEN_OK ? cli_print_tables(v, &set.tables, err) : rc;
}

/* What does not go together in one call. */
static int check_together(bool rows, ken_err *err)
{
    bool tables = set.curve || set.against.n > 0;
    if (rows && tables)
        return cli_fail(err, KEN_EUSAGE,
                        "rows, --curve and --against are different things to print; ask for one of them");
    if (set.audited != NULL && (rows || tables || set.audit > 0 || set.output != NULL))
        return cli_fail(err, KEN_EUSAGE,
                        "--audited reads a sheet and prints what it says; rows, --curve, --against, --audit and -o are "
                        "for another call");
    if (set.audit > 0 && set.output == NULL)
        return cli_fail(err, KEN_EUSAGE, "--audit: name the sheet with -o FILE.csv");
    if (set.audit == 0 && cli_check_run_name(set.output, err) != KEN_OK) return err->status;
    return cli_check_tables(&set.tables, rows, err);
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n;
    ken_run *r = NULL;
    ken_scoring *s = NULL;
    bool rows = set.rows || set.changed || set.categories != 0;
    set.o.rules = set.rules.rule;
    set.o.n_rules = set.rules.n;
    int rc = check_fixed(err);
    if (rc == KEN_OK) rc = parse_seed(err);
    if (rc == KEN_OK) rc = check_together(rows, err);
    if (rc == KEN_OK) rc = ken_run_open(&r, arg[0], err);
    if (rc == KEN_OK) rc = ken_score(&s, r, &set.o, err);
    if (rc != KEN_OK) goto done;
    term_start();
    if (set.output != NULL) rc = write_output(s, err);
    if (rc == KEN_OK && set.audited != NULL) rc = read_audited(s, err);
    if (rc != KEN_OK || set.audit > 0 || set.audited != NULL) goto done;
    rc = rows ? cli_print_scored_rows(s, set.categories, set.changed, set.limit, err) : print_scoring(s, err);
done:
    ken_scoring_free(s);
    ken_run_free(r);
    return rc;
}

const cli_verb cli_verb_score = {
    .name = "score",
    .args = "RUN",
    .summary = "label again from what a run holds: another matcher, fewer prompts, other samples, thresholds; how far "
               "runs agree",
    .text =
        "Labels the facts of an annotation again without a model and says what changed: under another matcher, with "
        "the first N of its prompts, with more or fewer samples, another seed of the draw, the more probable label, or "
        "thresholds on P_Correct in place of the protocol. The run itself is not changed.\n\n"
        "What can be said depends on what the run holds. Of a run made with --method sample every drawn text is "
        "stored, and any matcher can be applied; fewer samples are taken from those at random (by the seed, without "
        "replacement), more are not there. An exact run holds the probability that an answer is accepted by its own "
        "matcher and by em-raw; for these, with any of its prompts and any number of samples the new labels are exact. "
        "Another matcher accepts texts whose probability was never computed. The stored greedy answers then decide "
        "HighlyKnown and MaybeKnown exactly; whether a fact without a greedy hit is WeaklyKnown or Unknown is known "
        "only where the bounds allow it: from below the probability under the narrower matcher and that of the greedy "
        "answer, from above what the greedy answer and the likeliest first tokens rule out. Where they do not, the "
        "fact counts as the category of least knowledge that is possible (\"at least\"), and the table says how many "
        "these "
        "are. Greedy answers are not stored with --no-texts; then greedy verdicts can be open too.\n\n"
        "Temperature, top-k, shots and exemplars cannot be changed afterwards.\n\n"
        "--threshold takes rules CATEGORY:QUANTITY>=NUMBER, separated by commas, with p_t0 (share of prompts answered "
        "right greedily), p_t (P_Correct of samples) or p_unknown (probability that all samples miss) and one of >= > "
        "<= <. The first rule that holds gives the category; a category alone always holds; where none holds, that of "
        "the protocol stays.\n\n"
        "--curve prints the expected share of each category with fewer prompts and with fewer or more samples, "
        "averaged over all choices of the prompts, in closed form. --against RUN says how far the labels of two "
        "annotations of the same facts agree (Cohen's kappa): with another exemplar seed that is the test of how much "
        "a label depends on the exemplars. Options that change labels apply to both runs.\n\n"
        "--audit writes a sheet of answers that the matcher rejects, one a line with its question and the accepted "
        "answers, for a person to say of each whether it is wrong, a paraphrase, or of higher granularity (less "
        "specific: France for Paris) or lower granularity (more specific). Of a run of --method sample half are greedy "
        "and half are sampled answers; an exact run keeps greedy answers only. A sheet that holds verdicts is never "
        "replaced.\n\n"
        "--audited reads the sheet back. The last column, verdict, holds wrong, paraphrase, higher granularity or "
        "lower granularity, in any case, or the beginning of one (w, p, h, l); empty is not judged yet. Any "
        "spreadsheet may have saved it: with commas, semicolons or tabs, with more columns, in another order. Every "
        "line is compared with the run, and a sheet of another run or an answer that was changed is refused. Printed "
        "are the shares of the verdicts with 95 % Wilson intervals, and what they mean for the run: the share of "
        "rejected greedy answers that are right after all, times the share of greedy answers that are rejected, is "
        "what the matcher misses of P_T0 (of sampled answers: of P_T). As a sheet has one answer of each fact, an "
        "answer counts there as often as answers of its fact are rejected; the interval is Wilson's with the effective "
        "number of answers that these weights leave, times the share that is rejected. Options that change the matcher "
        "must be those with which the sheet was written.",
    .examples =
        "ken score world.ken --matcher em-raw    # how much does the normalisation matter?\n"
        "ken score world.ken --matcher em-alias --aliases names.json --changed\n"
        "ken score world.ken --prompts 5 --samples 4\n"
        "ken score world.ken --threshold "
        "'HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown:p_unknown>=0.5,WeaklyKnown'\n"
        "ken score world.ken --curve --csv > curve.csv\n"
        "ken score seed0.ken --against seed1.ken\n"
        "ken score world.ken --matcher em-raw -o world-raw.ken    # a run that ken select, diff and report read\n"
        "ken score world.ken --audit 100 -o sheet.csv    # a sheet of rejected answers to judge by hand\n"
        "ken score world.ken --audited sheet.csv    # what the verdicts say",
    .init = init,
    .run = run,
    .tables = {how_options, what_options},
    .min_args = 1,
    .max_args = 1,
};
