/* comparison.c - two runs compared, for reading in a terminal of 80 columns; see comparison.h.
 *
 * The runs are called A and B throughout, since they need not be a before and an after. What got worse is red, what got better green; the
 * numbers say the same without colour. */
#include "cli/comparison.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORSE  (TERM_CATEGORY + KEN_UNKNOWN)
#define BETTER (TERM_CATEGORY + KEN_HIGHLY_KNOWN)

static const char *arrow(void) { return term_unicode() ? "\u2192" : "->"; }

static const char *skip_spaces(const char *s)
{
    while (*s == ' ') s++;
    return s;
}

/* "< 0.001" or "= 0.12"; out (16 bytes) */
static const char *p_text(double p, char out[16])
{
    if (isnan(p)) return "= ?";
    if (p < 0.001) return "< 0.001";
    snprintf(out, 16, "= %.*f", p < 0.1 ? 3 : 2, p);
    return out;
}

/* ---- which runs ----------------------------------------------------------------------------------------------------- */

static void print_run(const cli_comparison *c, int i)
{
    const ken_run *r = c->run[i];
    printf("%s%c%s  ", term_on(TERM_DIM), 'A' + i, term_off());
    cli_print_subject(ken_run_setting(r, "model_path"), ken_run_setting(r, "adapter_path"), NULL);
    printf("  %s(", term_on(TERM_DIM));
    term_text(c->path[i]);
    printf(")%s\n", term_off());
}

static void print_title(const cli_comparison *c)
{
    size_t a, b, other;
    char s[32];
    const char *data = ken_run_setting(c->run[0], "data");
    bool choice = ken_diff_part(c->d, true) != NULL && ken_diff_part(c->d, false) == NULL;
    print_run(c, 0);
    print_run(c, 1);
    printf("%s %s", cli_thousands(ken_diff_count(c->d), s), choice ? "multiple choice questions" : "facts");
    if (data != NULL && strcmp(ken_run_kind(c->run[0]), "train") != 0) {
        fputs(" of ", stdout);
        term_text(data);
    }
    ken_diff_unmatched(c->d, &a, &b, &other);
    if (a + b + other > 0) {
        printf(" that both have; not compared:");
        const char *between = " ";
        if (a > 0) printf("%s%s only in A", between, cli_thousands(a, s));
        if (a > 0) between = ", ";
        if (b > 0) printf("%s%s only in B", between, cli_thousands(b, s));
        if (b > 0) between = ", ";
        if (other > 0) printf("%s%s with another question", between, cli_thousands(other, s));
    }
    putchar('\n');
    for (size_t i = 0; ken_diff_caution(c->d, i) != NULL; i++) {
        printf("%scaution%s  ", term_on(WORSE), term_off());
        term_text(ken_diff_caution(c->d, i));
        putchar('\n');
    }
    putchar('\n');
}

/* ---- transitions ---------------------------------------------------------------------------------------------------- */

static void print_cell(uint64_t k, int from, int to, int width)
{
    char s[32];
    bool labels = from < KEN_UNLABELLED && to < KEN_UNLABELLED;
    int style = k == 0 ? TERM_DIM : from == to ? TERM_BOLD : !labels ? TERM_PLAIN : to > from ? WORSE : BETTER;
    term_styled(style, cli_thousands(k, s), -width);
}

static void print_sum(uint64_t k, int width)
{
    char s[32];
    term_styled(TERM_DIM, cli_thousands(k, s), -width);
}

/* The categories of both, one bar above the other. */
static void print_bars(const ken_diff_group *g)
{
    for (int side = 0; side < 2; side++) {
        uint64_t part[KEN_UNLABELLED] = {0};
        for (int i = 0; i < KEN_N_CATEGORIES; i++)
            for (int k = 0; k < KEN_UNLABELLED; k++) part[k] += side == 0 ? g->moved[k][i] : g->moved[i][k];
        printf("%s%-12c%s", term_on(TERM_DIM), 'A' + side, term_off());
        term_stacked_bar(part, KEN_UNLABELLED, 60);
        putchar('\n');
    }
    putchar('\n');
}

/* n x n counts; unlabelled rows only where there are any. */
static void print_transitions(const ken_diff_group *g)
{
    uint64_t unlabelled = 0, column[KEN_N_CATEGORIES] = {0};
    for (int i = 0; i < KEN_N_CATEGORIES; i++) unlabelled += g->moved[i][KEN_UNLABELLED] + g->moved[KEN_UNLABELLED][i];
    int n = unlabelled > 0 ? KEN_N_CATEGORIES : KEN_UNLABELLED, width = unlabelled > 0 ? 12 : 13;
    term_cell(term_unicode() ? "A \u2193  B \u2192" : "A v  B >", 12);
    for (int k = 0; k < n; k++) term_styled(TERM_CATEGORY + k, ken_category_name(k), -width);
    printf("%s     all%s\n", term_on(TERM_DIM), term_off());
    for (int i = 0; i < n; i++) {
        uint64_t row = 0;
        term_styled(TERM_CATEGORY + i, ken_category_name(i), 12);
        for (int k = 0; k < n; k++) {
            print_cell(g->moved[i][k], i, k, width);
            row += g->moved[i][k];
            column[k] += g->moved[i][k];
        }
        print_sum(row, 8);
        putchar('\n');
    }
    printf("%s%-12s%s", term_on(TERM_DIM), "all", term_off());
    for (int k = 0; k < n; k++) print_sum(column[k], width);
    print_sum(g->n, 8);
    puts("\n");
}

bool cli_comparison_categories(const ken_diff *d, const ken_diff_group *g)
{
    return ken_diff_annotated(d) && !g->choice;
}

static void print_verdicts(const ken_diff_group *g)
{
    uint64_t unasked = 0;
    for (int i = 0; i < KEN_N_VERDICTS; i++) unasked += g->verdict[i][KEN_NOT_ASKED] + g->verdict[KEN_NOT_ASKED][i];
    int most = unasked > 0 ? KEN_N_VERDICTS : KEN_NOT_ASKED;
    term_cell(term_unicode() ? "A \u2193  B \u2192" : "A v  B >", 12);
    for (int k = 0; k < most; k++) term_cell(ken_verdict_name(k), -12);
    putchar('\n');
    for (int i = 0; i < most; i++) {
        term_cell(ken_verdict_name(i), 12);
        for (int k = 0; k < most; k++) { /* coloured as if unlabelled where a prompt was too long to be asked */
            int from = i < KEN_NOT_ASKED ? i : KEN_UNLABELLED, to = k < KEN_NOT_ASKED ? k : KEN_UNLABELLED;
            print_cell(g->verdict[i][k], from, to, 12);
        }
        putchar('\n');
    }
    putchar('\n');
}

/* ---- what was lost and gained --------------------------------------------------------------------------------------- */

static void print_share(const char *name, int style, uint64_t k, double share, double lo, double hi, uint64_t of,
                        const char *what)
{
    char s[32];
    printf("%s%-8s%s", term_on(k > 0 ? style : TERM_DIM), name, term_off());
    term_cell(cli_thousands(k, s), -7);
    if (of == 0) printf("  of none %s\n", what);
    else
        printf("  %s%5.1f%%%s  [%4.1f, %4.1f]  of %s %s\n", term_on(TERM_BOLD), 100 * share, term_off(), 100 * lo,
               100 * hi, cli_thousands(of, s), what);
}

static void print_mean(const char *name, double a, double b, double change, double lo, double hi)
{
    if (isnan(a)) return;
    printf("%-12s%8.1f%% %s %5.1f%%   %s%+5.1f%s", name, 100 * a, arrow(), 100 * b,
           term_on(change < 0 ? WORSE : BETTER), 100 * change, term_off());
    if (!isnan(lo)) printf("  [%+.1f, %+.1f]", 100 * lo, 100 * hi);
    putchar('\n');
}

/* Two shares with their intervals, and the change with its own. */
static void print_change(const char *name, const double x[9], const char *test, double p_value)
{
    char p[16];
    if (isnan(x[0]) || isnan(x[3])) return;
    printf("%-16s%5.1f%%", name, 100 * x[0]);
    if (!isnan(x[1])) printf(" [%4.1f, %5.1f]", 100 * x[1], 100 * x[2]);
    printf(" %s %5.1f%%", arrow(), 100 * x[3]);
    if (!isnan(x[4])) printf(" [%4.1f, %5.1f]", 100 * x[4], 100 * x[5]);
    printf("  %s%+5.1f%s", term_on(x[6] < 0 ? WORSE : BETTER), 100 * x[6], term_off());
    if (!isnan(x[7])) printf(" [%+.1f, %+.1f]", 100 * x[7], 100 * x[8]);
    printf("\n");
    if (!isnan(p_value))
        printf("                %schange: %s, p %s%s\n", term_on(TERM_DIM), test, p_text(p_value, p), term_off());
}

/* Multiple choice: by questions, by prompts (an evaluation has one of each), and by the probability of the right option. */
static void print_choice_totals(const ken_diff_group *g, bool annotated)
{
    double right[9] = {0}, prompts[9] = {g->p_t0_a,    g->p_t0_a_lo,   g->p_t0_a_hi, g->p_t0_b, g->p_t0_b_lo,
                                         g->p_t0_b_hi, g->p_t0_change, g->p_t0_lo,   g->p_t0_hi};
    const double p[9] = {g->p_t_a, NAN, NAN, g->p_t_b, NAN, NAN, g->p_t_change, g->p_t_lo, g->p_t_hi};
    uint64_t n_a = g->known_a + g->rest_a, n_b = g->known_b + g->rest_b;
    right[0] = n_a > 0 ? (double)g->known_a / (double)n_a : NAN;
    right[3] = n_b > 0 ? (double)g->known_b / (double)n_b : NAN;
    cli_wilson(g->known_a, n_a, &right[1], &right[2]);
    cli_wilson(g->known_b, n_b, &right[4], &right[5]);
    right[6] = g->known_change;
    right[7] = g->known_lo;
    right[8] = g->known_hi;
    print_change("questions right", right, "McNemar's exact test", g->mcnemar);
    if (annotated) print_change("prompts right", prompts, "paired t test", g->p_t0_test);
    print_change("P(right option)", p, "paired t test", g->p_t_test);
    if (!annotated) return;
    printf("\n%sA question is right when more than half of its prompts choose the right option; a tie is wrong.",
           term_on(TERM_DIM));
    if (!isnan(g->guess_p_t0))
        printf("\nBy chance: %.0f%% of the prompts, %.1f%% of the questions.", 100 * g->guess_p_t0,
               100 * g->guess_known);
    printf("%s\n", term_off());
}

static void print_totals(const cli_comparison *c, const ken_diff_group *g)
{
    bool categories = cli_comparison_categories(c->d, g);
    char p[16];
    if (g->known_a + g->rest_a > 0) { /* some have a label */
        print_share("lost", WORSE, g->lost, g->lost_share, g->lost_lo, g->lost_hi, g->known_a,
                    categories ? "that A knows (HighlyKnown, MaybeKnown)" : "that A has right");
        print_share("gained", BETTER, g->gained, g->gained_share, g->gained_lo, g->gained_hi, g->rest_a,
                    categories ? "others" : "that A has wrong");
        if (g->lost + g->gained > 0 && !g->choice)
            printf("        %slost against gained, McNemar's exact test: p %s%s\n", term_on(TERM_DIM),
                   p_text(g->mcnemar, p), term_off());
        putchar('\n');
    }
    if (g->choice) {
        print_choice_totals(g, ken_diff_annotated(c->d));
        return;
    }
    print_mean(categories ? "greedy right" : "right", g->p_t0_a, g->p_t0_b, g->p_t0_change, g->p_t0_lo, g->p_t0_hi);
    print_mean("P_Correct", g->p_t_a, g->p_t_b, g->p_t_change, g->p_t_lo, g->p_t_hi);
    if (!isnan(g->p_t_test))
        printf("            %schange of %s, paired t test: p %s%s\n", term_on(TERM_DIM),
               categories ? "P_Correct" : "right answers", p_text(g->p_t_test, p), term_off());
}

/* ---- groups --------------------------------------------------------------------------------------------------------- */

enum { MOST_RELATIONS = 15 };

/* What stands for a group in one line: P_Correct; of verdicts and multiple choice the share right. */
static bool by_verdicts(const ken_diff_group *g) { return g->choice || isnan(g->p_t_a); }

static double change_of(const ken_diff_group *g) { return by_verdicts(g) ? g->p_t0_change : g->p_t_change; }

static double test_of(const ken_diff_group *g) { return g->choice ? g->p_t0_test : g->p_t_test; }

/* The worst first; then by the number of rows that moved, then as in the data. */
static int worst_first(const void *pa, const void *pb)
{
    const ken_diff_group *a = *(const ken_diff_group *const *)pa, *b = *(const ken_diff_group *const *)pb;
    double x = (double)a->gained - (double)a->lost, y = (double)b->gained - (double)b->lost;
    if (x != y) return x < y ? -1 : 1;
    x = change_of(a);
    y = change_of(b);
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    if (x != y) return x < y ? -1 : 1;
    return a < b ? -1 : a > b;
}

static const char *group_name(const ken_diff_group *g) { return cli_group_name(g->grouping, g->key); }

static void print_group(const ken_diff_group *g, int name)
{
    char s[32];
    bool verdicts = by_verdicts(g);
    double a = verdicts ? g->p_t0_a : g->p_t_a, b = verdicts ? g->p_t0_b : g->p_t_b;
    double lo = verdicts ? g->p_t0_lo : g->p_t_lo, hi = verdicts ? g->p_t0_hi : g->p_t_hi;
    term_cell(group_name(g), name);
    term_cell(cli_thousands(g->n, s), -7);
    term_styled(g->lost > 0 ? WORSE : TERM_DIM, cli_thousands(g->lost, s), -6);
    term_styled(g->gained > 0 ? BETTER : TERM_DIM, cli_thousands(g->gained, s), -7);
    if (isnan(a)) {
        putchar('\n');
        return;
    }
    printf("%7.1f%7.1f%s%+8.1f%s", 100 * a, 100 * b, term_on(change_of(g) < 0 ? WORSE : BETTER), 100 * change_of(g),
           term_off());
    if (!isnan(lo)) {
        snprintf(s, sizeof s, "[%+.1f,%+.1f]", 100 * lo, 100 * hi);
        printf("%16s", s);
    }
    puts(test_of(g) < 0.05 ? " *" : "");
}

static int name_width(const ken_diff_group *const *g, size_t n)
{
    int most = 20, room = term_width() - 58 - 2;
    for (size_t i = 0; i < n; i++)
        if (term_columns(group_name(g[i])) > most) most = term_columns(group_name(g[i]));
    return most > room ? (room < 20 ? 20 : room) : most;
}

static void print_head(const char *title, bool choice, bool categories, int name)
{
    putchar('\n');
    fputs(term_on(TERM_BOLD), stdout);
    term_cell(title, name);
    printf("%7s%6s%7s%7s%7s%8s%16s%s\n", choice ? "asked" : "facts", "lost", "gained", categories ? "P(A)" : "A",
           categories ? "P(B)" : "B", "change", "95%", term_off());
}

static bool has_changed(const ken_diff_group *g) { return g->lost + g->gained > 0 || test_of(g) < 0.05; }

/* The groups of a grouping (m), relations by what became of them; the caller frees. NULL when there is nothing to tell apart. */
static const ken_diff_group **groups_of(const cli_comparison *c, const char *grouping, bool choice, size_t *m)
{
    size_t n;
    const ken_diff_group *all = ken_diff_groups(c->d, &n), **g = calloc(n > 0 ? n : 1, sizeof *g);
    *m = 0;
    for (size_t i = 0; i < n && g != NULL; i++)
        if (all[i].choice == choice && strcmp(all[i].grouping, grouping) == 0) g[(*m)++] = &all[i];
    if (*m < (strcmp(grouping, "near") == 0 ? 1 : 2)) {
        free(g);
        return NULL;
    }
    if (strcmp(grouping, "relation") == 0) qsort(g, *m, sizeof *g, worst_first);
    return g;
}

/* Of many relations those that changed, at most MOST_RELATIONS from both ends of the order, unless -v. Returns how many lines had a p. */
static size_t print_grouping(const cli_comparison *c, const char *grouping, const char *title, bool choice)
{
    size_t m, shown = 0, tested = 0, changed = 0;
    const ken_diff_group **g = groups_of(c, grouping, choice, &m);
    if (g == NULL) return 0;
    bool some = strcmp(grouping, "relation") == 0 && m > MOST_RELATIONS && !cli.verbose;
    int name = name_width(g, m);
    for (size_t i = 0; i < m; i++) changed += has_changed(g[i]);
    if (some && changed == 0)
        printf("\n%s%s%s: none of %zu changed (-v shows them)\n", term_on(TERM_BOLD), title, term_off(), m);
    else print_head(title, choice, ken_diff_annotated(c->d) && !choice, name);
    for (size_t i = 0; i < m && (!some || changed > 0); i++) {
        bool end = i <= MOST_RELATIONS / 2 || i + MOST_RELATIONS / 2 >= m;
        if (some && !(end && has_changed(g[i]))) continue;
        print_group(g[i], name);
        shown++;
        tested += !isnan(test_of(g[i]));
    }
    if (shown > 0 && shown < m) printf("%sand %zu more (-v shows all)%s\n", term_on(TERM_DIM), m - shown, term_off());
    free(g);
    return tested;
}

static void print_groups(const cli_comparison *c, bool choice)
{
    size_t tested = print_grouping(c, "relation", choice ? "by subject" : "by relation", choice);
    tested += print_grouping(c, "popularity", "by popularity", choice);
    tested += print_grouping(c, "near", "trained on", choice);
    tested += print_grouping(c, "split", "by split", choice);
    if (cli.verbose) tested += print_grouping(c, "category", "by category in A", choice);
    if (tested == 0) return;
    printf("\n%s%s a 95%% interval.\n* p < 0.05 in a paired t test of this line alone: one in twenty has it by "
           "chance.%s\n",
           term_on(TERM_DIM),
           choice && ken_diff_annotated(c->d) ? "A, B: prompts answered right in percent, and the change with"
           : ken_diff_annotated(c->d)         ? "P: mean P_Correct in percent, and its change with"
                                              : "A, B: right answers in percent, and the change with",
           term_off());
}

/* ---- facts ---------------------------------------------------------------------------------------------------------- */

static void print_says(const ken_diff_side *s, const char *word)
{
    if (s->says == NULL) {
        printf("%s nothing that was kept", word);
        return;
    }
    printf("%s ", word);
    const char *text = skip_spaces(s->says);
    fputs(term_on(s->says_right ? BETTER : WORSE), stdout);
    if (text[0] == '\0') fputs("nothing", stdout);
    term_text(text);
    fputs(term_off(), stdout);
    if (s->prompts > 1) printf(" (%d of %d)", s->says_prompts, s->prompts);
}

static void print_question(const ken_diff_row *r)
{
    const char *s = r->choice ? ken_question_end(r->question) : r->question;
    if (s != r->question) fputs("... ", stdout);
    term_text(s);
}

static void print_fact(const cli_comparison *c, const ken_diff_row *r)
{
    fputs("  ", stdout);
    print_question(r);
    printf(" %s", term_on(TERM_BOLD));
    term_text(r->answer);
    printf("%s\n    ", term_off());
    print_says(&r->a, r->choice ? "A chooses" : "A says");
    print_says(&r->b, r->choice ? ", B chooses" : ", B says");
    printf("\n    %s", term_on(TERM_DIM));
    term_text(r->id);
    if (r->choice && r->a.prompts > 1)
        printf("  right with %d %s %d of %d, P %.2f %s %.2f", r->a.greedy_hits, arrow(), r->b.greedy_hits, r->b.prompts,
               r->a.p_t, arrow(), r->b.p_t);
    else if (r->choice) printf("  P %.2f %s %.2f", r->a.p_t, arrow(), r->b.p_t);
    else if (ken_diff_annotated(c->d))
        printf("  %s %s %s, P %.2f %s %.2f", ken_category_name(r->a.category), arrow(),
               ken_category_name(r->b.category), r->a.p_t, arrow(), r->b.p_t);
    if (r->near != KEN_NEAR_UNKNOWN)
        printf("  (trained: %s)", r->near == KEN_NEAR_TRAINED ? "itself" : ken_near_name(r->near));
    printf("%s\n", term_off());
}

static void print_facts(const cli_comparison *c, const char *which, uint64_t n, int style, bool choice)
{
    size_t shown = 0;
    char s[32];
    if (n == 0) return;
    printf("\n%s%s%s (%s)\n", term_on(style), which, term_off(), cli_thousands(n, s));
    for (size_t i = 0; i < ken_diff_count(c->d) && shown < c->listed; i++) {
        const ken_diff_row *r = ken_diff_get(c->d, i);
        if (r->choice != choice || !cli_comparison_has(c->d, r, which)) continue;
        print_fact(c, r);
        shown++;
    }
    if (shown < n)
        printf("  %sand %llu more (--rows %s lists all)%s\n", term_on(TERM_DIM), (unsigned long long)(n - shown), which,
               term_off());
}

/* What it means, in one sentence. */
static void print_conclusion(const ken_diff_group *g)
{
    const char *end = "; more than chance explains.";
    if (g->lost + g->gained == 0) printf("\nNo %s was lost or gained.\n", g->choice ? "question" : "fact");
    else if (g->mcnemar >= 0.05) end = ", which chance alone may have done.";
    if (g->lost + g->gained > 0)
        printf("\nB lost %llu and gained %llu of %llu %s%s\n", (unsigned long long)g->lost,
               (unsigned long long)g->gained, (unsigned long long)g->n, g->choice ? "questions" : "facts", end);
}

/* All about rows of one kind. */
static void print_part(const cli_comparison *c, const ken_diff_group *g)
{
    if (!cli_comparison_categories(c->d, g)) print_verdicts(g);
    else if (g->moved[KEN_UNLABELLED][KEN_UNLABELLED] == g->n) puts("No fact has a category in either.\n");
    else {
        print_bars(g);
        print_transitions(g);
    }
    print_totals(c, g);
    print_groups(c, g->choice);
    print_facts(c, "lost", g->lost, WORSE, g->choice);
    print_facts(c, "gained", g->gained, BETTER, g->choice);
    print_conclusion(g);
}

void cli_print_comparison(const cli_comparison *c)
{
    const ken_diff_group *choice = ken_diff_part(c->d, true), *others = ken_diff_part(c->d, false);
    char s[32];
    print_title(c);
    if (others != NULL) print_part(c, others);
    if (others != NULL && choice != NULL)
        printf("\n%sMultiple choice%s: %s questions\n\n", term_on(TERM_BOLD), term_off(), cli_thousands(choice->n, s));
    if (choice != NULL) print_part(c, choice);
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

bool cli_comparison_has(const ken_diff *d, const ken_diff_row *r, const char *which)
{
    if (strcmp(which, "lost") == 0) return r->move == KEN_MOVE_LOST;
    if (strcmp(which, "gained") == 0) return r->move == KEN_MOVE_GAINED;
    if (strcmp(which, "moved") == 0 && r->choice) return r->move != KEN_MOVE_NONE && r->a.known != r->b.known;
    if (strcmp(which, "moved") == 0)
        return ken_diff_annotated(d) ? r->a.category != r->b.category : r->a.greedy_hits != r->b.greedy_hits;
    return true;
}

void cli_print_comparison_head(const ken_diff *d)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("id", 20);
    if (ken_diff_annotated(d)) printf(" %-12s%-12s%6s%6s", "A", "B", "P(A)", "P(B)");
    else printf(" %-6s%-6s", "A", "B");
    printf("  question, answer%s\n", term_off());
}

static void print_category(int category) { term_styled(TERM_CATEGORY + category, ken_category_name(category), 12); }

/* "right 7/10", in 12 columns */
static void print_verdict(const ken_diff_side *s)
{
    char text[40];
    snprintf(text, sizeof text, "%s %d/%d", s->known ? "right" : "wrong", s->greedy_hits, s->prompts);
    term_styled(s->known ? BETTER : WORSE, isnan(s->p_t0) ? "not asked" : text, 12);
}

void cli_print_compared(const ken_diff *d, const ken_diff_row *r)
{
    int w = term_columns(r->id);
    term_cell(r->id, w > 20 ? w : 20); /* never cut: `ken explain RUN ID` wants it whole */
    putchar(' ');
    if (r->choice && ken_diff_annotated(d)) {
        print_verdict(&r->a);
        print_verdict(&r->b);
        printf("%6.2f%6.2f", r->a.p_t, r->b.p_t);
    } else if (ken_diff_annotated(d)) {
        print_category(r->a.category);
        print_category(r->b.category);
        printf("%6.2f%6.2f", r->a.p_t, r->b.p_t);
    } else printf("%-6s%-6s", r->a.greedy_hits > 0 ? "right" : "wrong", r->b.greedy_hits > 0 ? "right" : "wrong");
    fputs("  ", stdout);
    print_question(r);
    printf(" %s", term_on(TERM_BOLD));
    term_text(r->answer);
    printf("%s%s", term_off(), term_on(TERM_DIM));
    if (r->a.says != NULL) {
        fputs("  A: ", stdout);
        term_text(skip_spaces(r->a.says));
    }
    if (r->b.says != NULL) {
        fputs("  B: ", stdout);
        term_text(skip_spaces(r->b.says));
    }
    printf("%s\n", term_off());
}
