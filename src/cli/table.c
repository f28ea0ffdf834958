/* table.c - see table.h. Shares are of the rows that have a category; rows without one are counted apart. */
#include "cli/table.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_wilson(uint64_t k, uint64_t n, double *lo, double *hi)
{
    *lo = 0;
    *hi = 1;
    if (n == 0) return;
    double z = 1.959963984540054, m = (double)n, p = (double)k / m, d = 1 + z * z / m;
    double mid = (p + z * z / (2 * m)) / d, half = z / d * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
    if (k > 0) *lo = mid - half;
    if (k < n) *hi = mid + half;
}

static uint64_t labelled(const ken_counts *c) { return c->n - c->category[KEN_UNLABELLED]; }

static double share(uint64_t k, uint64_t n) { return n > 0 ? 100.0 * (double)k / (double)n : 0; }

/* Sizes that depend on the terminal: names, the stacked bar, and whether counts fit beside the shares. */
typedef struct layout {
    int name, bar, cell;
    bool counts, intervals;
} layout;

static layout choose_layout(const ken_run *r, const size_t *index, size_t n, bool verbose)
{
    layout l = {.name = 8, .counts = true, .intervals = verbose};
    for (size_t i = 0; i < n; i++) {
        int w = term_columns(ken_run_relation(r, index[i])->relation);
        if (w > l.name) l.name = w;
    }
    if (l.name > 22) l.name = 22;
    l.cell = verbose ? 25 : 14;
    int room = term_width() - l.name - 8 - 4 * l.cell - 2;
    if (room < 8 && !verbose) {
        l.counts = false;
        l.cell = 12;
        room = term_width() - l.name - 8 - 4 * l.cell - 2;
    }
    l.bar = room < 8 ? 8 : room > 24 ? 24 : room;
    return l;
}

static void print_share(const layout *l, uint64_t k, uint64_t n)
{
    char s[64], count[32];
    double lo, hi;
    cli_wilson(k, n, &lo, &hi);
    if (l->intervals)
        snprintf(s, sizeof s, "%s %5.1f%% [%4.1f,%5.1f]", cli_thousands(k, count), share(k, n), 100 * lo, 100 * hi);
    else if (l->counts) snprintf(s, sizeof s, "%s %5.1f%%", cli_thousands(k, count), share(k, n));
    else snprintf(s, sizeof s, "%.1f%%", share(k, n));
    if (k == 0) term_styled(TERM_DIM, s, -l->cell);
    else term_cell(s, -l->cell);
}

static void print_relation(const layout *l, const ken_counts *c, const char *name)
{
    char s[32];
    term_cell(name, l->name);
    term_cell(cli_thousands(c->n, s), -8);
    fputs("  ", stdout);
    term_stacked_bar(c->category, KEN_UNLABELLED, l->bar);
    for (int k = 0; k < KEN_UNLABELLED; k++) print_share(l, c->category[k], labelled(c));
    putchar('\n');
}

static void print_head(const layout *l)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("relation", l->name);
    term_cell("facts", -8);
    printf("  %*s%s", l->bar, "", term_off());
    for (int k = 0; k < KEN_UNLABELLED; k++) term_styled(TERM_CATEGORY + k, ken_category_name(k), -l->cell);
    putchar('\n');
}

void cli_print_subject(const char *model, const char *adapter, const char *data)
{
    char name[256];
    ken_model_label(name, sizeof name, model != NULL ? model : "a model");
    fputs(term_on(TERM_BOLD), stdout);
    term_text(name);
    if (adapter != NULL) {
        fputs(" with ", stdout);
        term_text(adapter);
    }
    fputs(term_off(), stdout);
    if (data == NULL) return;
    fputs(" on ", stdout);
    term_text(data);
}

const char *cli_group_name(const char *grouping, const char *key)
{
    static const char *const quarter[] = {"least popular quarter", "second quarter", "third quarter",
                                          "most popular quarter"};
    bool numbered = strcmp(grouping, "popularity") == 0 && key[0] >= '1' && key[0] <= '4' && key[1] == '\0';
    return numbered ? quarter[key[0] - '1'] : key;
}

static void print_title(const ken_run *r, const ken_counts *total)
{
    const char *prompts = ken_run_setting(r, "prompts"), *samples = ken_run_setting(r, "samples"),
               *method = ken_run_setting(r, "method"), *matcher = ken_run_setting(r, "matcher");
    char n[32];
    cli_print_subject(ken_run_setting(r, "model_path"), ken_run_setting(r, "adapter_path"), ken_run_setting(r, "data"));
    printf(": %s facts", cli_thousands(total->n, n));
    if (prompts != NULL && samples != NULL && method != NULL && matcher != NULL) {
        char s[400];
        snprintf(s, sizeof s, "; %s prompts, %s samples each (%s), matcher %s", prompts, samples, method, matcher);
        term_text(s);
    }
    fputs("\n\n", stdout);
}

/* ---- totals --------------------------------------------------------------------------------------------------------- */

static void print_totals(const ken_counts *t)
{
    static const char *const meaning[] = {"right with every prompt, decoding greedily", "right with some prompts",
                                          "right only when sampling", "never right"};
    char s[32];
    putchar('\n');
    for (int k = 0; k < KEN_UNLABELLED; k++) {
        double lo, hi;
        cli_wilson(t->category[k], labelled(t), &lo, &hi);
        printf("%s%-12s%s ", term_on(TERM_CATEGORY + k), ken_category_name(k), term_off());
        term_share_bar(share(t->category[k], labelled(t)) / 100, 30, TERM_CATEGORY + k);
        term_cell(cli_thousands(t->category[k], s), -9);
        printf("  %s%5.1f%%%s  [%4.1f, %4.1f]  %s%s%s\n", term_on(TERM_BOLD), share(t->category[k], labelled(t)),
               term_off(), 100 * lo, 100 * hi, term_on(TERM_DIM), meaning[k], term_off());
    }
    if (t->category[KEN_UNLABELLED] > 0)
        printf("%-12s %30s%9s  no category (ken show --category unlabelled says why)\n",
               ken_category_name(KEN_UNLABELLED), "", cli_thousands(t->category[KEN_UNLABELLED], s));
    printf("\n%s", term_on(TERM_DIM));
    if (labelled(t) > 0) printf("P_Correct %.3f greedy, %.3f sampled.", t->mean_p_t0, t->mean_p_t);
    if (t->category[KEN_UNKNOWN] + t->category[KEN_WEAKLY_KNOWN] > 0)
        printf(" Unknown over fresh annotations: %.1f %s %.1f.", t->expected_unknown, term_plus_minus(), t->sd_unknown);
    printf("%sAlways giving the commonest answer would be right for %.1f%%; %.1f%% of the questions name their "
           "answer.%s\n",
           labelled(t) > 0 ? "\n" : "", 100 * t->majority_share, 100 * t->echo_share, term_off());
}

/* What it means, in one sentence. */
static void print_conclusion(const ken_counts *t)
{
    uint64_t n = labelled(t);
    if (n == 0) return;
    printf("\nThe model can be relied on for %.0f%% of these facts and has another %.0f%% within reach; %.0f%% it does "
           "not know,\n"
           "and fine-tuning on those risks teaching it to make things up.\n",
           share(t->category[KEN_HIGHLY_KNOWN], n),
           share(t->category[KEN_MAYBE_KNOWN] + t->category[KEN_WEAKLY_KNOWN], n), share(t->category[KEN_UNKNOWN], n));
}

/* ---- multiple choice ------------------------------------------------------------------------------------------------ */

/* Chance is 1/4, so there are no categories (docs/method/knowledge.md#multiple-choice): the knowledge score is (P - 1/4) / (3/4). */
static void print_choice(const layout *l, const ken_counts *c, const char *name)
{
    char s[32];
    double score = (c->mean_p_t - 0.25) / 0.75;
    term_cell(name, l->name);
    term_cell(cli_thousands(c->n, s), -8);
    printf("%10.1f%%%10.1f%%%9.3f  ", 100 * c->mean_p_t0, 100 * c->mean_p_t, score);
    term_share_bar(score, 24, TERM_CATEGORY + KEN_HIGHLY_KNOWN);
    putchar('\n');
}

static void print_choices(const ken_run *r, const size_t *index, size_t n, const ken_counts *total, const layout *l)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("subject", l->name);
    printf("%8s%11s%11s%9s%s\n", "rows", "greedy", "P_Correct", "score", term_off());
    for (size_t i = 0; i < n; i++)
        print_choice(l, ken_run_relation(r, index[i]), ken_run_relation(r, index[i])->relation);
    print_choice(l, total, "total");
    puts("\nMultiple choice has no categories: one in four is right by chance. The score is 0 at chance and 1 when "
         "certain.");
}

void cli_print_table(const ken_run *r, const size_t *index, size_t n, const ken_counts *total, bool choice,
                     bool verbose)
{
    layout l = choose_layout(r, index, n, verbose);
    print_title(r, total);
    if (total->n == 0) puts("No rows yet.");
    else if (choice) print_choices(r, index, n, total, &l);
    else {
        print_head(&l);
        for (size_t i = 0; i < n; i++) {
            const ken_counts *c = ken_run_relation(r, index[i]);
            print_relation(&l, c, c->relation[0] != '\0' ? c->relation : "(none)");
        }
        if (n > 1) print_relation(&l, total, "total");
        print_totals(total);
        print_conclusion(total);
    }
    for (size_t i = 0; ken_run_note(r, i) != NULL; i++) {
        fputs(i == 0 ? "\n" : "", stdout);
        term_text(ken_run_note(r, i));
        puts(".");
    }
    if (!ken_run_complete(r)) puts("\nThis run is not complete: the same ken annotate command goes on with it.");
}
