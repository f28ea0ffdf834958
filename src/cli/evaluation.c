/* evaluation.c - an evaluation as text; see evaluation.h. Shares are of all rows asked; "of answered" leaves out abstentions and
 * prompts that did not fit. */
#include "cli/evaluation.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *cli_evaluation_setting(const cli_evaluation *v, const char *key)
{
    return v->e != NULL ? ken_evaluation_setting(v->e, key) : ken_run_setting(v->r, key);
}

const ken_measure *cli_evaluation_all(const cli_evaluation *v)
{
    const ken_measure *m = ken_measure_find(v->m, v->n, "eval", "all", "");
    return m != NULL ? m : ken_measure_find(v->m, v->n, "mmlu", "all", "");
}

/* Categories from known to unknown, "not annotated" behind them. */
static int category_place(const char *key)
{
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (strcmp(key, ken_category_name(c)) == 0) return c;
    return KEN_N_CATEGORIES;
}

static int by_category(const void *a, const void *b)
{
    const ken_measure *const *x = a, *const *y = b;
    return category_place((*x)->key) - category_place((*y)->key);
}

const ken_measure **cli_measure_groups(const ken_measure *m, size_t n, const char *set, const char *grouping,
                                       size_t *n_out)
{
    const ken_measure **out = calloc(n > 0 ? n : 1, sizeof *out);
    *n_out = 0;
    for (size_t i = 0; out != NULL && i < n; i++)
        if (strcmp(m[i].set, set) == 0 && strcmp(m[i].grouping, grouping) == 0) out[(*n_out)++] = &m[i];
    if (out != NULL && strcmp(grouping, "category") == 0) qsort(out, *n_out, sizeof *out, by_category);
    return out;
}

double cli_loss_per_token(const ken_measure *m) { return m->tokens > 0 ? m->loss / (double)m->tokens : NAN; }

double cli_bits_per_byte(const ken_measure *m) { return m->bytes > 0 ? m->loss / (double)m->bytes / log(2.0) : NAN; }

static double share(uint64_t k, uint64_t n) { return n > 0 ? 100.0 * (double)k / (double)n : 0; }

/* ---- the table ------------------------------------------------------------------------------------------------------ */

static void print_name(const char *grouping, const char *key, int width)
{
    int category = strcmp(grouping, "category") == 0 ? category_place(key) : KEN_N_CATEGORIES;
    key = strcmp(grouping, "all") == 0 ? "all" : cli_group_name(grouping, key);
    if (category < KEN_N_CATEGORIES) term_styled(TERM_CATEGORY + category, key, width);
    else term_cell(key, width);
}

enum { NAME = 24 };

static void print_measure(const ken_measure *m, bool choice)
{
    char s[32];
    double lo, hi;
    cli_wilson(m->hits, m->n, &lo, &hi);
    print_name(m->grouping, m->key, NAME);
    term_cell(cli_thousands(m->n, s), -8);
    fputs("  ", stdout);
    term_share_bar(share(m->hits, m->n) / 100, 12, TERM_CATEGORY + KEN_HIGHLY_KNOWN);
    printf("%8s %s%6.1f%%%s [%5.1f, %5.1f]", cli_thousands(m->hits, s), term_on(TERM_BOLD), share(m->hits, m->n),
           term_off(), 100 * lo, 100 * hi);
    if (choice) printf("%9.3f", m->n > 0 ? m->p / (double)m->n : 0);
    else {
        printf("%8.1f%%%10.1f%%%12.1f%%", share(m->hits_raw, m->n), share(m->answered, m->n),
               share(m->hits, m->answered));
        for (int i = 0; i < m->n_more; i++) printf("%13.1f%%", share(m->more[i].hits, m->n));
    }
    putchar('\n');
}

static void print_head(const ken_measure *all, bool choice)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("", NAME);
    printf("%8s  %12s%8s %7s %14s", choice ? "rows" : "facts", "", "right", choice ? "share" : "match", "95%");
    if (choice) printf("%9s", "P(right)");
    else {
        printf("%9s%11s%13s", "em-raw", "answered", "of answered");
        for (int i = 0; i < all->n_more; i++) {
            putchar(' ');
            term_cell(all->more[i].matcher, -13);
        }
    }
    printf("%s\n", term_off());
}

static void print_set(const cli_evaluation *v, const ken_measure *all)
{
    static const char *const groupings[] = {"category", "relation", "split", "popularity"};
    bool choice = strcmp(all->set, "mmlu") == 0;
    print_head(all, choice);
    print_measure(all, choice);
    for (size_t g = 0; g < sizeof groupings / sizeof *groupings; g++) {
        size_t n;
        const ken_measure **m = cli_measure_groups(v->m, v->n, all->set, groupings[g], &n);
        if (m != NULL && n > (strcmp(groupings[g], "split") == 0)) { /* one split says nothing */
            printf("\n%sby %s%s\n", term_on(TERM_DIM), choice && g == 1 ? "subject" : groupings[g], term_off());
            for (size_t i = 0; i < n; i++) print_measure(m[i], choice);
        }
        free(m);
    }
    if (all->answered + all->abstained < all->n)
        printf("\nPrompts that did not fit the model's context, counted as wrong: %llu.\n",
               (unsigned long long)(all->n - all->answered - all->abstained));
    const char *commonest = cli_evaluation_setting(v, "commonest_answer"),
               *count = cli_evaluation_setting(v, "commonest_count");
    if (choice || commonest == NULL || count == NULL) return;
    printf("\n%sThe commonest answer is %s", term_on(TERM_DIM), commonest[0] != '\0' ? "\"" : "");
    term_text(commonest[0] != '\0' ? commonest : "nothing");
    uint64_t k = strtoull(count, NULL, 10);
    printf("%s: %llu of %llu (%.1f%%).%s\n", commonest[0] != '\0' ? "\"" : "", (unsigned long long)k,
           (unsigned long long)all->n, share(k, all->n), term_off());
}

static void print_texts(const cli_evaluation *v)
{
    bool head = false;
    for (size_t i = 0; i < v->n; i++) {
        const ken_measure *m = &v->m[i];
        char s[32];
        if (strncmp(m->set, "text:", 5) != 0) continue;
        if (!head) {
            fputs(term_on(TERM_BOLD), stdout);
            term_cell("text", NAME);
            printf("%12s%12s%12s%12s%s\n", "tokens", "nll/token", "perplexity", "bits/byte", term_off());
        }
        head = true;
        term_cell(m->set + 5, NAME);
        double perplexity = exp(cli_loss_per_token(m));
        printf(perplexity < 1e5 ? "%12s%12.4f%12.3f%12.4f\n" : "%12s%12.4f%12.4g%12.4f\n", cli_thousands(m->tokens, s),
               cli_loss_per_token(m), perplexity, cli_bits_per_byte(m));
    }
}

static void print_changes(const cli_evaluation *v)
{
    printf("\n%sagainst the earlier evaluation%s\n%s", term_on(TERM_DIM), term_off(), term_on(TERM_BOLD));
    term_cell("", NAME);
    printf("%8s%9s%9s%9s%8s%8s%10s%s\n", "facts", "before", "after", "change", "lost", "gained", "p", term_off());
    for (size_t i = 0; i < v->n_changes; i++) {
        const ken_change *c = &v->c[i];
        char s[32];
        print_name(c->grouping, c->key, NAME);
        term_cell(cli_thousands(c->n, s), -8);
        double before = share(c->before, c->n), after = share(c->after, c->n);
        printf("%8.1f%%%8.1f%%%+8.1f %8llu%8llu%10.2g\n", before, after, after - before, (unsigned long long)c->lost,
               (unsigned long long)c->gained, c->p);
    }
    fputs("p: exact McNemar test, two-sided\n", stdout);
}

static void print_title(const cli_evaluation *v, const ken_measure *all)
{
    const char *path = cli_evaluation_setting(v, "model_path"), *adapter = cli_evaluation_setting(v, "adapter_path"),
               *data = cli_evaluation_setting(v, "data"), *prompt = cli_evaluation_setting(v, "prompt"),
               *matcher = cli_evaluation_setting(v, "matcher"), *chat = cli_evaluation_setting(v, "chat_template");
    cli_print_subject(path, adapter, all != NULL ? data : NULL);
    if (all != NULL && data != NULL) {
        char s[200];
        snprintf(s, sizeof s, ", %s%s%s%s", prompt != NULL ? prompt : "",
                 chat != NULL && strcmp(chat, "none") != 0 ? " in the chat format" : "",
                 matcher != NULL ? ", greedy, matcher " : "", matcher != NULL ? matcher : "");
        term_text(s);
    }
    fputs("\n\n", stdout);
}

void cli_print_evaluation(const cli_evaluation *v)
{
    const ken_measure *all = cli_evaluation_all(v);
    print_title(v, all);
    if (all != NULL) print_set(v, all);
    if (all != NULL && v->n > 0 && strncmp(v->m[v->n - 1].set, "text:", 5) == 0) putchar('\n');
    print_texts(v);
    if (v->n_changes > 0) print_changes(v);
}

void cli_print_evaluated(const ken_evaluated *r)
{
    const char *verdict = r->hit ? "right" : r->too_long ? "too long" : r->abstained ? "abstains" : "wrong";
    term_styled(r->hit ? TERM_CATEGORY + KEN_HIGHLY_KNOWN : TERM_CATEGORY + KEN_UNKNOWN, verdict, 9);
    term_cell(r->id, 24);
    putchar(' ');
    term_cell(r->question != NULL ? r->question : "", 40);
    putchar(' ');
    term_text(r->text != NULL ? r->text + strspn(r->text, " ") : "-");
    if (!r->hit && r->answer != NULL) {
        printf("  %s(", term_on(TERM_DIM));
        term_text(r->answer);
        printf(")%s", term_off());
    }
    putchar('\n');
}
