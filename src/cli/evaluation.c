/* evaluation.c - a row of an evaluation as a line and as JSON; see evaluation.h. */
#include "cli/evaluation.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

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

#define ROW(member) CLI_JSON_FIELD(ken_evaluated, #member, member)

json_t *cli_json_evaluated(const ken_evaluated *r, const ken_measure *of)
{
    cli_json_object x = {json_object(), false};
    CLI_JSON_PUT(&x, r, ROW(id), ROW(relation), ROW(split), ROW(question), ROW(answer));
    cli_json_put(&x, "category",
                 r->category < KEN_UNLABELLED ? json_string(ken_category_name(r->category)) : json_null());
    CLI_JSON_PUT(&x, r, ROW(text), ROW(finish), ROW(hit), ROW(hit_raw), ROW(abstained));
    if (r->too_long) cli_json_put(&x, "too_long", json_true());
    if (!isnan(r->popularity)) cli_json_put(&x, "popularity", cli_json_real(r->popularity));
    if (!isnan(r->p)) cli_json_put(&x, "p_right", cli_json_real(r->p));
    for (int i = 0; of != NULL && i < of->n_more; i++) {
        json_t *more = json_object_get(x.o, "matchers");
        if (more == NULL) cli_json_put(&x, "matchers", more = json_object());
        if (json_object_set_new(more, of->more[i].matcher, json_boolean(r->more >> i & 1)) != 0) x.failed = true;
    }
    return cli_json_finish(&x);
}
