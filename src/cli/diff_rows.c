/* diff_rows.c - rows of a comparison one by one; see diff_rows.h. */
#include "cli/diff_rows.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

#define WORSE  (TERM_CATEGORY + KEN_UNKNOWN)
#define BETTER (TERM_CATEGORY + KEN_HIGHLY_KNOWN)

bool cli_diff_has(const ken_diff *d, const ken_diff_row *r, const char *which)
{
    if (strcmp(which, "lost") == 0) return r->move == KEN_MOVE_LOST;
    if (strcmp(which, "gained") == 0) return r->move == KEN_MOVE_GAINED;
    if (strcmp(which, "moved") == 0 && r->choice) return r->move != KEN_MOVE_NONE && r->a.known != r->b.known;
    if (strcmp(which, "moved") == 0)
        return ken_diff_annotated(d) ? r->a.category != r->b.category : r->a.greedy_hits != r->b.greedy_hits;
    return true;
}

void cli_print_compared_head(const ken_diff *d)
{
    fputs(term_on(TERM_BOLD), stdout);
    term_cell("id", 20);
    if (ken_diff_annotated(d)) printf(" %-12s%-12s%6s%6s", "A", "B", "P(A)", "P(B)");
    else printf(" %-6s%-6s", "A", "B");
    printf("  question, answer%s\n", term_off());
}

static const char *skip_spaces(const char *s)
{
    while (*s == ' ') s++;
    return s;
}

static void print_question(const ken_diff_row *r)
{
    const char *s = r->choice ? ken_question_end(r->question) : r->question;
    if (s != r->question) fputs("... ", stdout);
    term_text(s);
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

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

#define SIDE(member) CLI_JSON_FIELD(ken_diff_side, #member, member)

static json_t *side_json(const ken_diff *d, const ken_diff_row *r, const ken_diff_side *s)
{
    cli_json_object x = {json_object(), false};
    if (r->choice) {
        cli_json_put(&x, "right", isnan(s->p_t0) ? json_null() : json_boolean(s->known));
        cli_json_put(&x, "p_t", cli_json_real(s->p_t));
    } else if (ken_diff_annotated(d)) {
        cli_json_put(&x, "category",
                     s->category < KEN_UNLABELLED ? cli_json_string(ken_category_name(s->category)) : json_null());
        cli_json_put(&x, "p_t", cli_json_real(s->p_t));
        cli_json_put(&x, "p_unknown", cli_json_real(s->p_unknown));
    }
    CLI_JSON_PUT(&x, s, SIDE(p_t0), SIDE(greedy_hits), SIDE(prompts), SIDE(says), SIDE(says_prompts), SIDE(says_right));
    return cli_json_finish(&x);
}

#define ROW(member) CLI_JSON_FIELD(ken_diff_row, #member, member)

json_t *cli_json_compared(const ken_diff *d, const ken_diff_row *r)
{
    static const char *const move[] = {[KEN_MOVE_NONE] = "none",
                                       [KEN_MOVE_LOST] = "lost",
                                       [KEN_MOVE_GAINED] = "gained",
                                       [KEN_MOVE_UNLABELLED] = "unlabelled"};
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, r, ROW(id), ROW(relation), ROW(split), ROW(question), ROW(subject), ROW(answer), ROW(popularity));
    cli_json_put(&x, "quartile", r->quartile > 0 ? json_integer(r->quartile) : json_null());
    if (r->choice) cli_json_put(&x, "choice", json_true());
    cli_json_put(&x, "move", json_string(move[r->move]));
    cli_json_put(&x, "near", r->near != KEN_NEAR_UNKNOWN ? json_string(ken_near_name(r->near)) : json_null());
    cli_json_put(&x, "a", side_json(d, r, &r->a));
    cli_json_put(&x, "b", side_json(d, r, &r->b));
    return cli_json_finish(&x);
}
