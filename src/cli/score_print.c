/* score_print.c - the tables of `ken score` for reading in a terminal of 80 columns; see score_print.h. */
#include "cli/score_print.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

enum { NAME = 12, CELL = 12, NUMBER = 8 };

static double percent(double k, double n) { return n > 0 ? 100.0 * k / n : 0.0; }

static void category_name(int k) { term_styled(TERM_CATEGORY + k, ken_category_name(k), NAME); }

static void head(const char *first, bool unlabelled)
{
    term_styled(TERM_BOLD, first, NAME);
    for (int k = 0; k < (unlabelled ? KEN_N_CATEGORIES : KEN_UNLABELLED); k++)
        term_styled(TERM_CATEGORY + k, ken_category_name(k), -CELL);
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("all", -NUMBER);
    printf("%s\n", term_off());
}

/* A count; what is on the diagonal has not moved, nothing is a dot. */
static void cell(uint64_t n, bool diagonal)
{
    char s[32];
    if (n == 0) fputs(term_on(TERM_DIM), stdout);
    else if (diagonal) fputs(term_on(TERM_BOLD), stdout);
    term_cell(n == 0 ? "." : cli_thousands(n, s), -CELL);
    if (n == 0 || diagonal) fputs(term_off(), stdout);
}

static void print_table(const char *title, const uint64_t (*moved)[KEN_N_CATEGORIES], bool unlabelled)
{
    int n = unlabelled ? KEN_N_CATEGORIES : KEN_UNLABELLED;
    char s[32];
    head(title, unlabelled);
    for (int i = 0; i < n; i++) {
        uint64_t all = 0;
        category_name(i);
        for (int j = 0; j < n; j++) {
            cell(moved[i][j], i == j);
            all += moved[i][j];
        }
        term_cell(cli_thousands(all, s), -NUMBER);
        putchar('\n');
    }
}

/* ---- labels again ------------------------------------------------------------------------------------------------------ */

static void print_title(const ken_run *r, const ken_scoring *s, const ken_score_options *o)
{
    const char *prompts = ken_run_setting(r, "prompts"), *samples = ken_run_setting(r, "samples"),
               *method = ken_run_setting(r, "method"), *matcher = ken_run_setting(r, "matcher");
    char n[32], line[300];
    cli_print_subject(ken_run_setting(r, "model_path"), NULL, ken_run_setting(r, "data"));
    printf(": %s facts\n", cli_thousands(ken_scoring_counts(s)->n, n));
    snprintf(line, sizeof line, "in the run  %s, %s prompts, %s samples each (%s)", matcher != NULL ? matcher : "?",
             prompts != NULL ? prompts : "?", samples != NULL ? samples : "?", method != NULL ? method : "?");
    term_text(line);
    printf("\nnow         %s, %d prompts, %d samples each%s", ken_scoring_matcher(s), ken_scoring_prompts(s),
           ken_scoring_samples(s),
           o->label != NULL && strcmp(o->label, "mode") == 0 ? "; the more probable label" : "");
    if (o->other_seed) printf("; seed %llu", (unsigned long long)o->seed);
    putchar('\n');
    if (o->threshold != NULL) {
        fputs("            ", stdout);
        term_text(o->threshold);
        putchar('\n');
    }
    putchar('\n');
}

/* One category before and after: a share with its interval, or the range that the open rows leave. */
static void print_share(const ken_score_counts *c, int k, uint64_t labelled_was, uint64_t labelled)
{
    uint64_t was = 0;
    char s[32], t[64];
    for (int j = 0; j < KEN_N_CATEGORIES; j++) was += c->moved[k][j];
    category_name(k);
    term_cell(cli_thousands(was, s), -NUMBER);
    if (k == KEN_UNLABELLED) {
        printf("        ");
        term_cell(cli_thousands(c->sure[k], s), -NUMBER - 4);
        putchar('\n');
        return;
    }
    printf(" %6.1f%%", percent((double)was, (double)labelled_was));
    term_cell(cli_thousands(c->sure[k], s), -NUMBER - 4);
    double lo, hi, sure = (double)c->sure[k], most = (double)(c->sure[k] + c->may[k]), n = (double)labelled;
    if (c->may[k] > 0) {
        snprintf(t, sizeof t, " to %s", cli_thousands(c->sure[k] + c->may[k], s));
        fputs(t, stdout);
        printf(", %.1f to %.1f%%\n", percent(sure, n), percent(most, n));
        return;
    }
    cli_wilson(c->sure[k], labelled, &lo, &hi);
    printf(" %s%6.1f%%%s  [%4.1f, %4.1f]\n", term_on(TERM_BOLD), percent(sure, n), term_off(), 100 * lo, 100 * hi);
}

static void print_shares(const ken_score_counts *c)
{
    uint64_t was = 0, now = c->exact + c->bounded + c->open;
    for (int i = 0; i < KEN_UNLABELLED; i++)
        for (int j = 0; j < KEN_N_CATEGORIES; j++) was += c->moved[i][j];
    printf("\n%s%-12s%16s%20s%s\n", term_on(TERM_BOLD), "", "in the run", "now", term_off());
    for (int k = 0; k < KEN_N_CATEGORIES; k++)
        if (k < KEN_UNLABELLED || c->sure[k] > 0 || was < c->n) print_share(c, k, was, now);
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

static void print_kappa(double kappa, double lo, double hi)
{
    if (isnan(kappa)) fputs("kappa is not defined", stdout);
    else printf("kappa %.3f [%.3f, %.3f]", kappa, lo, hi);
}

static void print_certainty(const ken_run *r, const ken_scoring *s, const ken_score_counts *c, bool by_rules)
{
    char n[32], m[32];
    uint64_t sure = c->exact + c->bounded, all = sure + c->open;
    const char *texts = ken_run_setting(r, "texts"), *name = ken_scoring_matcher(s);
    int len = (int)strcspn(name, "/");
    bool sampled = strncmp(name, "em-", 3) != 0;
    if (c->open == 0 && c->bounded == 0) {
        printf("All %s are exact: what an annotation with these prompts and settings gives.\n",
               by_rules ? "probabilities" : "labels");
        return;
    }
    printf("%s of %s labels are certain", cli_thousands(sure, n), cli_thousands(all, m));
    if (c->exact == 0) fputs(": the stored answers decide them", stdout);
    else if (c->bounded > 0) printf(": the stored answers decide %s of them", cli_thousands(c->bounded, n));
    printf(".\n");
    if (c->open == 0) return;
    printf("%s%s %s not%s: %s accepts texts whose probability was never computed.\n"
           "They count as the least knowing category that is possible (ken score --changed\n"
           "marks them with +). ken annotate --matcher %.*s%s would tell.\n",
           term_on(TERM_BOLD), cli_thousands(c->open, n), c->open == 1 ? "is" : "are", term_off(), name, len, name,
           sampled ? " --method sample" : "");
    if (texts != NULL && strcmp(texts, "no") == 0)
        printf("The run keeps no greedy answers (--no-texts), so that greedy verdicts are open too.\n");
}

bool cli_print_unlabelled(const ken_run *r, const ken_scoring *s)
{
    const ken_score_counts *c = ken_scoring_counts(s);
    const ken_counts *all = ken_run_total(r);
    if (c->exact + c->bounded + c->open > 0) return false;
    printf("No fact of the run has a label");
    if (all->n > 0 && !isnan(all->mean_p_t))
        printf(": it is multiple choice, which has right and wrong answers\nand a knowledge score, but no categories. "
               "They need no matcher and no samples;\n"
               "ken show prints them, and ken diff compares two such runs");
    puts(".");
    return true;
}

void cli_print_score(const ken_run *r, const ken_scoring *s, const ken_score_options *o)
{
    const ken_score_counts *c = ken_scoring_counts(s);
    bool unlabelled = c->sure[KEN_UNLABELLED] > 0;
    uint64_t labelled = c->exact + c->bounded + c->open;
    char n[32];
    print_title(r, s, o);
    for (int j = 0; j < KEN_N_CATEGORIES; j++) unlabelled |= c->moved[KEN_UNLABELLED][j] > 0;
    print_table("run \\ now", c->moved, unlabelled);
    print_shares(c);
    printf("\n%s label%s changed (%.1f%%)", cli_thousands(c->changed, n), plural(c->changed),
           percent((double)c->changed, (double)c->n));
    if (c->may_change > 0) printf(", %s more may have", cli_thousands(c->may_change, n));
    printf("; %s row%s with other greedy hits.", cli_thousands(c->greedy_changed, n), plural(c->greedy_changed));
    if (c->open == 0) {
        fputs("\nAgreement with the run: ", stdout);
        print_kappa(c->kappa, c->kappa_lo, c->kappa_hi);
        putchar('.');
    }
    putchar('\n');
    print_certainty(r, s, c, o->threshold != NULL);
    fputs(term_on(TERM_DIM), stdout);
    if (ken_scoring_prompts(s) < ken_scoring_all_prompts(s) && !isnan(c->expected[0]) && o->threshold == NULL) {
        printf("Over all choices of %d of the %d prompts:", ken_scoring_prompts(s), ken_scoring_all_prompts(s));
        for (int k = 0; k < KEN_UNLABELLED; k++)
            printf("%s %s %.1f%%", k == 0 ? "\n " : ",", ken_category_name(k),
                   percent(c->expected[k], (double)labelled));
        printf(".\n");
    }
    const char *method = ken_run_setting(r, "method");
    if (o->threshold == NULL && method != NULL && strcmp(method, "exact") == 0)
        printf("Unknown over fresh draws with these prompts: %.1f %s %.1f%s.\n", c->expected_unknown, term_plus_minus(),
               c->sd_unknown, c->open > 0 ? " at most" : "");
    fputs(term_off(), stdout);
}

/* ---- saturation curve -------------------------------------------------------------------------------------------------- */

enum { CURVE_CELL = 6 };

static double at(const cli_curve *c, size_t i, size_t j, int k)
{
    return c->share[(i * c->n_samples + j) * KEN_UNLABELLED + (size_t)k];
}

static bool print_percent(double x, int width)
{
    if (isnan(x)) printf("%*s", width, "-");
    else printf("%*.1f", width, 100 * x);
    return isnan(x);
}

/* Greedy verdicts do not depend on the samples: one column each. Of the other two categories, one block a category. */
static bool print_block(const cli_curve *c, int category)
{
    bool greedy = category == KEN_UNKNOWN, missing = false;
    printf("\n%*s%s%s%s  with so many samples of each prompt\n%sprompts%s", greedy ? 34 : 9, "",
           term_on(TERM_CATEGORY + category), ken_category_name(category), term_off(), term_on(TERM_BOLD), term_off());
    for (int k = 0; k <= KEN_MAYBE_KNOWN && greedy; k++)
        term_styled(TERM_CATEGORY + k, ken_category_name(k), k == 0 ? -13 : -12);
    for (size_t j = 0; j < c->n_samples; j++) printf("%*d", CURVE_CELL, c->samples[j]);
    putchar('\n');
    for (size_t i = 0; i < c->n_prompts; i++) {
        printf("%7d", c->prompts[i]);
        for (int k = 0; k <= KEN_MAYBE_KNOWN && greedy; k++) missing |= print_percent(at(c, i, 0, k), k == 0 ? 13 : 12);
        for (size_t j = 0; j < c->n_samples; j++) missing |= print_percent(at(c, i, j, category), CURVE_CELL);
        putchar('\n');
    }
    return missing;
}

void cli_print_curve(const ken_scoring *s, const cli_curve *c)
{
    const ken_score_counts *n = ken_scoring_counts(s);
    char t[32];
    uint64_t bounded = n->bounded + n->open;
    printf("Expected shares in %%, averaged over all choices of the prompts: %s facts, %s.\n",
           cli_thousands(n->exact + bounded, t), ken_scoring_matcher(s));
    bool missing = print_block(c, KEN_UNKNOWN);
    missing |= print_block(c, KEN_WEAKLY_KNOWN);
    if (missing) printf("\n-: more samples than were drawn; what they would have been cannot be told.\n");
    if (bounded > 0)
        printf("\nOf %s facts only a lower bound of P_Correct is known under this matcher: WeaklyKnown is at\nleast, "
               "Unknown at most what is printed.\n",
               cli_thousands(bounded, t));
}

void cli_print_curve_csv(const cli_curve *c)
{
    printf("prompts,samples");
    for (int k = 0; k < KEN_UNLABELLED; k++) printf(",%s", ken_category_name(k));
    putchar('\n');
    for (size_t i = 0; i < c->n_prompts * c->n_samples; i++) {
        printf("%d,%d", c->prompts[i / c->n_samples], c->samples[i % c->n_samples]);
        for (size_t k = 0; k < KEN_UNLABELLED; k++) {
            double x = c->share[i * KEN_UNLABELLED + k];
            if (isnan(x)) putchar(',');
            else printf(",%.9g", x);
        }
        putchar('\n');
    }
}

/* ---- agreement --------------------------------------------------------------------------------------------------------- */

static void print_part(const char *what, const ken_agreement_part *p)
{
    char n[32], m[32];
    term_cell(what, 28);
    term_cell(cli_thousands(p->same, n), -NUMBER);
    fputs(" of ", stdout);
    term_cell(cli_thousands(p->n, m), NUMBER);
    if (p->n == 0) {
        putchar('\n');
        return;
    }
    printf("%s%5.1f%%%s [%4.1f, %5.1f]  ", term_on(TERM_BOLD), percent((double)p->same, (double)p->n), term_off(),
           100 * p->share_lo, 100 * p->share_hi);
    if (isnan(p->kappa)) printf("not defined\n");
    else printf("%s%.3f%s [%.3f, %.3f]\n", term_on(TERM_BOLD), p->kappa, term_off(), p->kappa_lo, p->kappa_hi);
}

/* What was set otherwise, so that the reader knows what the disagreement is about. */
static void print_differences(const ken_run *a, const ken_run *b)
{
    static const char *const keys[] = {"model",
                                       "model_hash",
                                       "adapter",
                                       "weight_type",
                                       "data",
                                       "method",
                                       "matcher",
                                       "template",
                                       "chat_template",
                                       "stop",
                                       "shots",
                                       "prompts",
                                       "samples",
                                       "temperature",
                                       "top_k",
                                       "exemplar_seed",
                                       "scored_from",
                                       "scored_label",
                                       "scored_threshold",
                                       "seed",
                                       "isa"};
    bool any = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *x = ken_run_setting(a, keys[i]), *y = ken_run_setting(b, keys[i]);
        if (x == NULL || x[0] == '\0') x = "-";
        if (y == NULL || y[0] == '\0') y = "-";
        if (strcmp(x, y) == 0) continue;
        printf("%s  ", any ? "" : "They differ in:\n");
        term_cell(keys[i], 18);
        any = true;
        if (strlen(x) == 64 && strlen(y) == 64) { /* hashes say nothing to a reader */
            putchar('\n');
            continue;
        }
        term_text(x);
        fputs(" | ", stdout);
        term_text(y);
        putchar('\n');
    }
    if (!any) printf("They have the same settings.\n");
}

void cli_print_agreement(const ken_run *a, const ken_run *b, const char *name_b, const ken_agreement *x)
{
    char n[32], m[32];
    uint64_t wide[KEN_N_CATEGORIES][KEN_N_CATEGORIES] = {{0}};
    for (int i = 0; i < KEN_UNLABELLED; i++) memcpy(wide[i], x->moved[i], sizeof x->moved[i]);
    fputs("Against ", stdout);
    term_text(name_b);
    printf(": %s facts with a label in both.\n", cli_thousands(x->all.n, n));
    print_differences(a, b);
    putchar('\n');
    print_table("this \\ that", (const uint64_t(*)[KEN_N_CATEGORIES])wide, false);
    printf("\n%s%-28s%s%s\n", term_on(TERM_BOLD), "the same label", "                      share                 kappa",
           term_off());
    print_part("four categories", &x->all);
    print_part("Known | Unknown", &x->known);
    print_part("HighlyKnown | MaybeKnown", &x->greedy);
    putchar('\n');
    if (!isnan(x->predicted))
        printf("A fresh draw with the same prompts would label %.1f%% alike (p_flip).\n", 100 * x->predicted);
    const char *seed_a = ken_run_setting(a, "exemplar_seed"), *seed_b = ken_run_setting(b, "exemplar_seed");
    bool fresh = seed_a != NULL && seed_b != NULL && strcmp(seed_a, seed_b) != 0;
    if (x->hk > 0 && fresh)
        printf("Of %s HighlyKnown facts %s are HighlyKnown again (%.1f%%); for fresh exemplars the\ngreedy hits alone "
               "let expect %.1f%%.\n",
               cli_thousands(x->hk, n), cli_thousands(x->hk_again, m), percent((double)x->hk_again, (double)x->hk),
               100 * x->hk_again_predicted);
    if (x->open > 0)
        printf("%s labels are not certain under this matcher and count as the least knowing possible.\n",
               cli_thousands(x->open, n));
    if (x->only_a + x->only_b + x->other_question + x->unlabelled > 0)
        printf("Left out: %llu only in this run, %llu only in that one, %llu with another question under the same id, "
               "%llu without a label.\n",
               (unsigned long long)x->only_a, (unsigned long long)x->only_b, (unsigned long long)x->other_question,
               (unsigned long long)x->unlabelled);
}
