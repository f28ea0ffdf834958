/* score_audited.c - what a judged sheet says, as text and as JSON; see score_print.h. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/score_print.h"
#include "cli/term.h"
#include <math.h>
#include <string.h>

enum { NAME = 32, NUMBER = 9 };

static const struct {
    const char *name, *title, *answers, *accuracy;
} kinds[KEN_AUDIT_KINDS] = {
    [KEN_AUDIT_GREEDY] = {"greedy", "greedy answers", "greedy answers of the run", "P_T0"},
    [KEN_AUDIT_SAMPLED] = {"sampled", "sampled answers", "sampled answers of the run", "P_T"},
};

/* ---- text -------------------------------------------------------------------------------------------------------------- */

/* A line of a table: a name, a count (NULL = none), a share (NaN = none) with its interval (lo NaN = none). */
static void print_line(const char *name, const uint64_t *n, double share, double lo, double hi, bool bold)
{
    char s[32];
    term_cell(name, NAME);
    term_cell(n != NULL ? cli_thousands(*n, s) : "", -NUMBER);
    if (!isnan(share)) printf("   %s%5.1f%%%s", term_on(bold ? TERM_BOLD : TERM_PLAIN), 100.0 * share, term_off());
    if (!isnan(lo)) printf("  [%4.1f, %4.1f]", 100.0 * lo, 100.0 * hi);
    putchar('\n');
}

static void print_part(const char *title, const ken_audit_part *p)
{
    printf("\n%s", term_on(TERM_BOLD));
    print_line(title, &p->judged, NAN, NAN, NAN, false);
    fputs(term_off(), stdout);
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++) {
        char name[40];
        snprintf(name, sizeof name, "  %s", ken_audit_verdict_name(v));
        print_line(name, &p->verdict[v], (double)p->verdict[v] / (double)p->judged, p->lo[v], p->hi[v], true);
    }
}

static void print_share(const char *name, double plus, const ken_audit_share *s, bool bold)
{
    print_line(name, NULL, plus + s->share, plus + s->lo, plus + s->hi, bold);
}

static void print_missed(const ken_audit_missed *m, int kind)
{
    char name[64], n[32];
    putchar('\n');
    print_line(kinds[kind].answers, &m->answers, NAN, NAN, NAN, false);
    print_line("  the matcher rejects", &m->rejected, 1.0 - m->accuracy, NAN, NAN, false);
    print_share("  of these right after all", 0.0, &m->right, true);
    snprintf(name, sizeof name, "%s by the matcher", kinds[kind].accuracy);
    print_line(name, NULL, m->accuracy, NAN, NAN, false);
    print_share("  that it misses", 0.0, &m->missed, true);
    print_share("  of that, paraphrases", 0.0, &m->missed_paraphrase, false);
    snprintf(name, sizeof name, "%s by these verdicts", kinds[kind].accuracy);
    print_share(name, m->accuracy, &m->missed, true);
    if (m->stored < m->rejected)
        printf("The texts of %s rejected answers are not stored; they are taken to be like the others.\n",
               cli_thousands(m->rejected - m->stored, n));
}

void cli_print_audited(const ken_scoring *s, const char *sheet, const ken_audited *x)
{
    char n[32], m[32], left[32];
    uint64_t open = x->all.answers - x->all.judged;
    bool both = true;
    term_text(sheet);
    printf(": %s answers that %s rejects, %s judged, %s not yet\n", cli_thousands(x->all.answers, n),
           ken_scoring_matcher(s), cli_thousands(x->all.judged, m), cli_thousands(open, left));
    if (x->all.judged == 0) return;
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) both = both && x->kind[k].judged > 0;
    if (both) print_part("judged", &x->all);
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) {
        if (x->kind[k].judged == 0) continue;
        print_part(both ? kinds[k].title : "judged", &x->kind[k]);
        print_missed(&x->missed[k], k);
    }
    printf("\n%sThe verdicts are shares of the answers of the sheet. For the run each counts as\n"
           "often as answers of its fact are rejected.\n",
           term_on(TERM_DIM));
    if (open > 0)
        printf("A sheet is in the order of the data: judged in part, it may speak of its first\nrelations only.\n");
    fputs(term_off(), stdout);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

/* The verdict's name as a key: without a space. */
static const char *key_of(int verdict)
{
    static const char *const keys[KEN_AUDIT_VERDICTS] = {[KEN_AUDIT_WRONG] = "wrong",
                                                         [KEN_AUDIT_PARAPHRASE] = "paraphrase",
                                                         [KEN_AUDIT_HIGHER] = "higher_granularity",
                                                         [KEN_AUDIT_LOWER] = "lower_granularity"};
    return keys[verdict];
}

static void put_part(cli_json_object *x, const ken_audit_part *p)
{
    cli_json_object verdicts = {json_object(), false};
    cli_json_put(x, "answers", cli_json_count(p->answers));
    cli_json_put(x, "judged", cli_json_count(p->judged));
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++) {
        cli_json_object one = {json_object(), false};
        cli_json_put(&one, "n", cli_json_count(p->verdict[v]));
        cli_json_put(&one, "share", cli_json_real(p->judged > 0 ? (double)p->verdict[v] / (double)p->judged : NAN));
        cli_json_put(&one, "share_lo", cli_json_real(p->judged > 0 ? p->lo[v] : NAN));
        cli_json_put(&one, "share_hi", cli_json_real(p->judged > 0 ? p->hi[v] : NAN));
        cli_json_put(&verdicts, key_of(v), cli_json_finish(&one));
    }
    cli_json_put(x, "verdicts", cli_json_finish(&verdicts));
}

static void put_share(cli_json_object *x, const char *name, const ken_audit_share *s)
{
    char lo[64], hi[64];
    snprintf(lo, sizeof lo, "%s_lo", name);
    snprintf(hi, sizeof hi, "%s_hi", name);
    cli_json_put(x, name, cli_json_real(s->share));
    cli_json_put(x, lo, cli_json_real(s->lo));
    cli_json_put(x, hi, cli_json_real(s->hi));
}

#define MISSED(member) CLI_JSON_FIELD(ken_audit_missed, #member, member)

static json_t *kind_json(const ken_audit_part *p, const ken_audit_missed *m)
{
    cli_json_object x = {json_object(), false}, run = {json_object(), false};
    put_part(&x, p);
    CLI_JSON_PUT(&run, m, MISSED(answers), MISSED(rejected), MISSED(stored), MISSED(accuracy));
    cli_json_put(&x, "run", cli_json_finish(&run));
    cli_json_put(&x, "effective", cli_json_real(m->effective));
    put_share(&x, "right", &m->right);
    put_share(&x, "missed", &m->missed);
    put_share(&x, "right_paraphrase", &m->right_paraphrase);
    put_share(&x, "missed_paraphrase", &m->missed_paraphrase);
    return cli_json_finish(&x);
}

int cli_print_audited_json(const ken_scoring *s, const char *sheet, const ken_audited *a, ken_err *err)
{
    cli_json_object x = {json_object(), false};
    cli_json_put(&x, "sheet", cli_json_string(sheet));
    cli_json_put(&x, "matcher", cli_json_string(ken_scoring_matcher(s)));
    put_part(&x, &a->all);
    for (int k = 0; k < KEN_AUDIT_KINDS; k++)
        if (a->kind[k].answers > 0) cli_json_put(&x, kinds[k].name, kind_json(&a->kind[k], &a->missed[k]));
    return cli_json_print(cli_json_finish(&x), err);
}
