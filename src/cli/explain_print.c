/* explain_print.c - see explain_print.h. First the verdict, then what the model believes over all prompts, then prompt by prompt. */
#include "cli/explain_print.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/term.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What would print as 0.0000 says nothing, unless there is nothing better. */
#define VISIBLE 0.00005

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

#define PATH(member)   CLI_JSON_FIELD(ken_path, #member, member)
#define PROMPT(member) CLI_JSON_FIELD(ken_prompt_row, #member, member)

static json_t *paths_json(const ken_path *p, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++) {
        cli_json_object x = {json_object(), false};
        CLI_JSON_PUT(&x, &p[i], PATH(p), PATH(text), PATH(tokens), PATH(accepted));
        json_array_append_new(a, cli_json_finish(&x));
    }
    return a;
}

static int print_json(const ken_explanation *x, ken_err *err)
{
    json_t *o = cli_json_row(&x->row), *list = json_array();
    for (int i = 0; i < x->n_prompts; i++) {
        const ken_explained_prompt *p = &x->prompts[i];
        cli_json_object e = {json_object(), false};
        cli_json_put(&e, "prompt", cli_json_string(p->prompt));
        if (i < x->row.n_prompt_rows)
            CLI_JSON_PUT(&e, &x->row.prompt_rows[i], PROMPT(greedy_hit), PROMPT(text), PROMPT(text_p), PROMPT(margin),
                         PROMPT(p_lo), PROMPT(p_hi));
        cli_json_put(&e, "accepted", paths_json(p->accepted, p->n_accepted));
        cli_json_put(&e, "instead", paths_json(p->instead, p->n_instead));
        json_array_append_new(list, cli_json_finish(&e));
    }
    if (o == NULL || json_object_set_new(o, "explained", list) != 0) {
        json_decref(o);
        o = NULL;
    }
    return cli_json_print(o, err);
}

/* ---- over all prompts ----------------------------------------------------------------------------------------------- */

typedef struct belief {
    const char *text;
    double p; /* mean over the prompts */
    int prompts;
    bool accepted;
} belief;

static int by_mass(const void *pa, const void *pb)
{
    const belief *a = pa, *b = pb;
    return a->p < b->p ? 1 : a->p > b->p ? -1 : strcmp(a->text, b->text);
}

static const char *trimmed(const char *s)
{
    while (*s == ' ') s++;
    return *s != '\0' ? s : "(nothing)";
}

/* Merges what begins each prompt's answers; list has room for all of them. */
static size_t merge_beliefs(const ken_explanation *x, belief *list)
{
    size_t n = 0;
    for (int i = 0; i < x->n_prompts; i++)
        for (int j = 0; j < x->prompts[i].n_instead; j++) {
            const ken_path *p = &x->prompts[i].instead[j];
            size_t k = 0;
            while (k < n && strcmp(list[k].text, trimmed(p->text)) != 0) k++;
            if (k == n) list[n++] = (belief){.text = trimmed(p->text), .accepted = p->accepted};
            list[k].p += p->p / x->n_prompts;
            list[k].prompts++;
        }
    qsort(list, n, sizeof *list, by_mass);
    return n;
}

static void print_beliefs(const ken_explanation *x, int top, ken_err *err)
{
    size_t all = 0;
    for (int i = 0; i < x->n_prompts; i++) all += (size_t)x->prompts[i].n_instead;
    belief *list = calloc(all + 1, sizeof *list);
    if (list == NULL) {
        cli_fail(err, KEN_ENOMEM, "out of memory");
        return;
    }
    size_t n = merge_beliefs(x, list);
    printf("%sWhat it would say%s (probability of that very text, mean over %d prompts)\n", term_on(TERM_BOLD),
           term_off(), x->n_prompts);
    for (size_t i = 0; i < n && i < 2 * (size_t)top && (i == 0 || list[i].p >= VISIBLE); i++) {
        int color = TERM_CATEGORY + (list[i].accepted ? KEN_HIGHLY_KNOWN : KEN_UNLABELLED);
        printf("  %6.2f%%  ", 100 * list[i].p);
        term_share_bar(list[i].p, 24, color);
        printf("  %s%s ", term_on(color), list[i].accepted ? "+" : " ");
        term_text(list[i].text);
        printf("%s\n", term_off());
    }
    free(list);
}

/* ---- prompt by prompt ----------------------------------------------------------------------------------------------- */

static void print_path(const ken_path *p, bool tokens)
{
    int color = TERM_CATEGORY + (p->accepted ? KEN_HIGHLY_KNOWN : KEN_UNLABELLED);
    printf("    %8.4f  %s%s ", p->p, term_on(color), p->accepted ? "+" : " ");
    term_text(tokens ? p->tokens : trimmed(p->text));
    printf("%s\n", term_off());
}

static void print_whole_prompt(const char *s)
{
    char before[32];
    snprintf(before, sizeof before, "    %s| ", term_on(TERM_DIM));
    term_lines(before, s, term_off());
}

static void print_prompt(const ken_explanation *x, int i, int top)
{
    const ken_explained_prompt *p = &x->prompts[i];
    const ken_prompt_row *g = i < x->row.n_prompt_rows ? &x->row.prompt_rows[i] : NULL;
    printf("\n%sPrompt %d%s", term_on(TERM_BOLD), i + 1, term_off());
    if (g != NULL) {
        int color = TERM_CATEGORY + (g->greedy_hit ? KEN_HIGHLY_KNOWN : KEN_UNKNOWN);
        printf("  %s%s%s  P %.4f", term_on(color), g->greedy_hit ? "right" : "wrong", term_off(),
               (g->p_lo + g->p_hi) / 2);
        if (g->p_hi - g->p_lo > 1e-4) printf(" %s %.4f", term_plus_minus(), (g->p_hi - g->p_lo) / 2);
        if (isfinite(g->margin))
            printf("%s  closest call on the greedy path: %.3f logits%s", term_on(TERM_DIM), g->margin, term_off());
    }
    putchar('\n');
    if (cli.verbose) print_whole_prompt(p->prompt);
    printf("  says\n");
    for (int j = 0; j < p->n_instead && j < top && (j == 0 || p->instead[j].p >= VISIBLE); j++)
        print_path(&p->instead[j], false);
    if (p->n_accepted == 0) {
        printf("  no path among the likeliest tokens leads to the answer\n");
        return;
    }
    printf("  paths to the answer\n");
    int shown = 0;
    for (; shown < p->n_accepted && shown < top && (shown == 0 || p->accepted[shown].p >= VISIBLE); shown++)
        print_path(&p->accepted[shown], true);
    if (p->n_accepted > shown)
        printf("    %s... and %d more%s\n", term_on(TERM_DIM), p->n_accepted - shown, term_off());
}

static void print_verdict(const ken_row *r)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_text(r->question);
    printf("%s", term_off());
    if (r->id != NULL && r->id[0] != '\0') {
        printf("  %s", term_on(TERM_DIM));
        term_text(r->id);
        fputs(term_off(), stdout);
    }
    fputs("\n  ", stdout);
    for (int i = 0; i < r->n_answers; i++) {
        if (i > 0) fputs(" | ", stdout);
        term_text(r->answers[i]);
    }
    for (int i = 0; i < r->n_aliases; i++) {
        fputs(i == 0 ? "\n  or " : " | ", stdout);
        term_text(r->aliases[i]);
    }
    printf("\n  %s%s%s: right with %d of %d prompts, P_Correct %.4f", term_on(TERM_CATEGORY + r->category),
           ken_category_name(r->category), term_off(), r->greedy_hits, r->prompts, r->p_t);
    if (r->p_t_hi - r->p_t_lo > 1e-4) printf(" [%.4f, %.4f]", r->p_t_lo, r->p_t_hi);
    printf("; %d of %d samples\n", r->sample_hits, r->samples);
    if (r->greedy_hits == 0 && !isnan(r->p_unknown))
        printf("  %.1f%% that %d fresh samples would all miss\n", 100 * r->p_unknown, r->samples);
    for (int b = 0; ken_flag_name(b) != NULL; b++)
        if (r->flags & (1u << b)) printf("  flag: %s\n", ken_flag_name(b));
    putchar('\n');
}

int cli_print_explanation(const ken_explanation *x, int top, ken_err *err)
{
    if (cli.json) return print_json(x, err);
    err->status = KEN_OK;
    print_verdict(&x->row);
    print_beliefs(x, top, err);
    for (int i = 0; i < x->n_prompts; i++) print_prompt(x, i, top);
    printf("\n%s+ accepted as an answer; | joins tokens; probabilities at the run's temperature among its top-k "
           "tokens%s\n",
           term_on(TERM_DIM), term_off());
    return err->status;
}
