/* help.c - the overview and a verb's help, from the option tables. */
#include "cli/cli.h"
#include <string.h>

enum { LEFT = 30, RIGHT = 100 };

/* Words of text from column `col` on, wrapped before RIGHT, continued at column `indent`. "\n" in the text starts a new line. */
static void wrap(FILE *out, const char *text, int indent, int col)
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
        size_t n = strcspn(text, " \n");
        if (!first && col + 1 + (int)n > RIGHT) {
            fprintf(out, "\n%*s", indent, "");
            col = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)n, text);
        col += (int)n + !first;
        first = false;
        text += n;
        while (*text == ' ') text++;
    }
    fputc('\n', out);
}

static void print_option(const cli_option *o, void *ctx)
{
    FILE *out = ctx;
    char left[80], deflt[200], help[600];
    int n = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                     o->letter ? ", " : "  ", o->name, o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
    cli_default_text(o, deflt, sizeof deflt);
    snprintf(help, sizeof help, "%s%s%s%s", o->help, deflt[0] ? " (default: " : "", deflt, deflt[0] ? ")" : "");
    if (n >= LEFT) fprintf(out, "%s\n%*s", left, LEFT, "");
    else fprintf(out, "%-*s", LEFT, left);
    wrap(out, help, LEFT, LEFT);
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
    wrap(out, v->text, 0, 0);
    fputs("\nOptions:\n", out);
    cli_each_option(v, print_option, out);
    fputs("\nA setting can also come from the environment: KEN_TOP_K for --top-k. Inputs and outputs cannot, KEN_MODEL "
          "excepted.\n",
          out);
    if (v->examples != NULL) print_examples(out, v->examples);
}

void cli_print_overview(FILE *out)
{
    fputs("ken - knowing what a language model knows\n\nUsage: ken VERB [options] [arguments]\n\n", out);
    for (size_t i = 0; i < cli_n_verbs; i++) fprintf(out, "  %-10s %s\n", cli_verbs[i]->name, cli_verbs[i]->summary);
    fputs(
        "\nken VERB --help says more about a verb, ken --version about this build.\n"
        "Exit status: 0 done, 1 failure of the machine, 2 usage, 3 bad input, 4 threshold not met, 130 interrupted.\n",
        out);
}
