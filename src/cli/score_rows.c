/* score_rows.c - the facts of `ken score`, one a line, with the label they had and the one they have now; see score_rows.h. */
#include "cli/score_rows.h"
#include "cli/cli.h"
#include "cli/term.h"
#include "cli/views.h"
#include <string.h>

static void print_row(const ken_row *r, const ken_scored *how)
{
    char s[64];
    bool open = (how->possible & (how->possible - 1)) != 0;
    term_cell(r->id, 20);
    putchar(' ');
    term_styled(TERM_CATEGORY + how->was, ken_category_name(how->was), 11);
    fputs(how->was != how->category ? " > " : "   ", stdout);
    fputs(term_on(TERM_CATEGORY + how->category), stdout);
    snprintf(s, sizeof s, "%s%s", ken_category_name(how->category), open ? "+" : "");
    term_cell(s, 12);
    fputs(term_off(), stdout);
    if (how->how == KEN_SCORED_NOT) snprintf(s, sizeof s, "%s", "");
    else if (how->greedy_lo != how->greedy_hi)
        snprintf(s, sizeof s, "%d-%d/%d", how->greedy_lo, how->greedy_hi, r->prompts);
    else snprintf(s, sizeof s, "%d/%d", r->greedy_hits, r->prompts);
    term_cell(s, -7);
    if (how->how == KEN_SCORED_NOT) s[0] = '\0';
    else if (r->p_t_hi - r->p_t_lo > 0.01) snprintf(s, sizeof s, "%.3f-%.3f", r->p_t_lo, r->p_t_hi);
    else snprintf(s, sizeof s, "%.3f", r->p_t);
    term_cell(s, -13);
    fputs("  ", stdout);
    term_text(r->question);
    if (r->n_answers > 0) {
        fputs(" = ", stdout);
        term_text(r->answers[0]);
    }
    putchar('\n');
}

static int print_json(const ken_row *row, const ken_scored *how, ken_err *err)
{
    ken_views *v;
    int rc = ken_views_of_row(&v, row, how, err);
    return rc == KEN_OK ? cli_print_views(v, err) : rc;
}

int cli_print_scored_rows(ken_scoring *s, unsigned categories, bool changed, size_t limit, ken_err *err)
{
    size_t shown = 0;
    if (!cli.json) {
        fputs(term_on(TERM_BOLD), stdout);
        term_cell("id", 20);
        printf(" %-11s   %-12s%7s%13s  question = answer%s\n", "in the run", "now", "greedy", "P", term_off());
    }
    for (size_t i = 0; i < ken_scoring_count(s) && (limit == 0 || shown < limit); i++) {
        const ken_scored *how;
        const ken_row *row = ken_scoring_row(s, i, &how, err);
        if (row == NULL) return err->status;
        bool same = how->possible == 1u << how->was;
        if ((changed && same) || (categories != 0 && (categories >> how->category & 1u) == 0)) continue;
        shown++;
        if (!cli.json) print_row(row, how);
        else if (print_json(row, how, err) != KEN_OK) return err->status;
    }
    return KEN_OK;
}
