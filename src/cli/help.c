/* help.c - the overview and a verb's help, from the option tables. */
#include "cli/cli.h"
#include "cli/term.h"
#include <string.h>

enum { LEFT = 30, SUMMARY = 13, RIGHT = 100 };

/* As wide as the terminal, where it is narrower. */
static int right_of(FILE *out)
{
    const int w = term_width_of(out);
    return w < RIGHT ? w : RIGHT;
}

void cli_wrap(FILE *out, const char *text, int indent, int col, int right)
{
    bool first = true;
    while (*text != '\0') {
        if (*text == '\n') {
            fprintf(out, "\n%*s", text[1] == '\n' ? 0 : indent, "");
            col = indent;
            first = true;
            text++;
            continue;
        }
        const size_t spaces = first ? 0 : strspn(text, " "), n = strcspn(text + spaces, " \n");
        if (!first && col + (int)(spaces + n) > right) {
            fprintf(out, "\n%*s%.*s", indent, "", (int)n, text + spaces);
            col = indent + (int)n;
        } else {
            fprintf(out, "%.*s", (int)(spaces + n), text);
            col += (int)(spaces + n);
        }
        first = false;
        text += spaces + n;
    }
    fputc('\n', out);
}

static void print_option(const cli_option *o, void *ctx)
{
    FILE *out = ctx;
    if (o->heading != NULL) fprintf(out, "\n%s:\n", o->heading);
    char left[80], deflt[200], choices[300], help[900];
    int n = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                     o->letter ? ", " : "  ", o->name, o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
    cli_default_text(o, deflt, sizeof deflt);
    snprintf(help, sizeof help, "%s%s%s%s%s", o->help, cli_choices_help(o, choices, sizeof choices),
             deflt[0] ? " (default: " : "", deflt, deflt[0] ? ")" : "");
    if (n >= LEFT) fprintf(out, "%s\n%*s", left, LEFT, "");
    else fprintf(out, "%-*s", LEFT, left);
    cli_wrap(out, help, LEFT, LEFT, right_of(out));
}

static void print_examples(FILE *out, const char *e)
{
    fputs("\nExamples:\n", out);
    while (*e != '\0') {
        size_t n = strcspn(e, "\n");
        fprintf(out, "  %.*s\n", (int)n, e);
        e += n + (e[n] == '\n');
    }
}

void cli_print_help(const cli_verb *v)
{
    FILE *out = stdout;
    fprintf(out, "Usage: ken %s %s [options]\n\n", v->name, v->args);
    cli_wrap(out, v->text, 0, 0, right_of(out));
    if (v->members != NULL) fputc('\n', out);
    for (int i = 0; v->members != NULL && v->members[i] != NULL; i++) {
        fprintf(out, "  %-10s ", cli_member_name(v->members[i]));
        cli_wrap(out, v->members[i]->summary, SUMMARY, SUMMARY, right_of(out));
    }
    if (v->members != NULL) return;
    if (v->tables[0] == NULL || v->tables[0]->heading == NULL) fputs("\nOptions:\n", out);
    cli_each_option(v, print_option, out);
    cli_wrap(
        out,
        "\nA setting can also come from the environment: KEN_TOP_K for --top-k. Inputs and outputs cannot, KEN_MODEL "
        "excepted.",
        0, 0, right_of(out));
    if (v->examples != NULL) print_examples(out, v->examples);
}

void cli_print_overview(FILE *out)
{
    fputs("ken - knowing what a language model knows\n\nUsage: ken VERB [options] [arguments]\n\n", out);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        if (cli_is_member(cli_verbs[i])) continue;
        fprintf(out, "  %-10s ", cli_verbs[i]->name);
        cli_wrap(out, cli_verbs[i]->summary, SUMMARY, SUMMARY, right_of(out));
    }
    cli_wrap(
        out,
        "\nken VERB --help says more about a verb, ken --version about this build.\n"
        "Exit status: 0 done, 1 failure of the machine, 2 usage, 3 bad input, 4 threshold not met, 130 interrupted.",
        0, 0, right_of(out));
}
