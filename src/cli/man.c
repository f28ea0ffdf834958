/* man.c - the manual pages ken(1) and ken-VERB(1), written by the hidden verb `ken _man [VERB]` when the project is built.
 *
 * Everything about options comes from their tables, and the flags of a row from the library's. */
#include "cli/cli.h"
#include <ctype.h>
#include <string.h>

/* Text with what roff would take for its own made harmless: backslashes, and dots and quotes at the start of a line. */
static void roff(const char *s)
{
    bool start = true;
    for (; *s != '\0'; s++) {
        if (start && (*s == '.' || *s == '\'')) fputs("\\&", stdout);
        if (*s == '\\') fputs("\\e", stdout);
        else if (*s == '-') fputs("\\-", stdout);
        else fputc(*s, stdout);
        start = *s == '\n';
    }
}

static void paragraphs(const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        char piece[4000];
        snprintf(piece, sizeof piece, "%.*s", (int)n, text);
        fputs(".PP\n", stdout);
        roff(piece);
        fputc('\n', stdout);
        text += n + (end != NULL ? 2 : 0);
    }
}

static void title(const char *name, const char *summary)
{
    char upper[64];
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < sizeof upper; n++) upper[n] = (char)toupper((unsigned char)name[n]);
    upper[n] = '\0';
    printf(".TH %s 1 \"\" \"ken %s\" \"User Commands\"\n.SH NAME\n", upper, KEN_VERSION);
    roff(name);
    fputs(" \\- ", stdout);
    roff(summary);
    fputc('\n', stdout);
}

static void man_option(const cli_option *o, void *ctx)
{
    (void)ctx;
    char deflt[200], env[80], choices[300];
    if (o->heading != NULL) {
        fputs(".SS ", stdout);
        roff(o->heading);
        fputc('\n', stdout);
    }
    fputs(".TP\n", stdout);
    if (o->letter) printf("\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", stdout);
    roff(o->name);
    fputs("\\fR", stdout);
    if (o->arg != NULL) printf(" \\fI%s\\fR", o->arg);
    fputc('\n', stdout);
    roff(o->help);
    roff(cli_choices_help(o, choices, sizeof choices));
    cli_default_text(o, deflt, sizeof deflt);
    if (deflt[0] != '\0') {
        fputs(" (default: ", stdout);
        roff(deflt);
        fputc(')', stdout);
    }
    cli_env_name(o, env, sizeof env);
    if (env[0] != '\0') printf(". Environment: %s", env);
    fputs(".\n", stdout);
}

static void exit_status(void)
{
    fputs(".SH EXIT STATUS\n"
          "0 done; 1 failure of the machine (disk, memory, a run in use by another program); 2 usage; 3 bad input "
          "(data, model or\n"
          "run file); 4 done, but a threshold asked for is not met; 130 interrupted after a clean stop.\n",
          stdout);
}

/* One in a list of verbs. */
static void man_entry(const cli_verb *v)
{
    char page[64];
    cli_verb_page(v, page);
    printf(".TP\n\\fBken %s\\fR ", v->name);
    roff(v->args);
    fputc('\n', stdout);
    roff(v->summary);
    fputs("; see \\fB", stdout);
    roff(page);
    fputs("\\fR(1).\n", stdout);
}

static void man_verb(const cli_verb *v)
{
    char name[64];
    cli_verb_page(v, name);
    title(name, v->summary);
    printf(".SH SYNOPSIS\n\\fBken %s\\fR ", v->name);
    roff(v->args);
    fputs(" [\\fIoptions\\fR]\n.SH DESCRIPTION\n", stdout);
    paragraphs(v->text);
    for (int i = 0; v->members != NULL && v->members[i] != NULL; i++) man_entry(v->members[i]);
    if (v->members == NULL) {
        fputs(".SH OPTIONS\n", stdout);
        cli_each_option(v, man_option, NULL);
    }
    exit_status();
    if (v->examples != NULL) {
        fputs(".SH EXAMPLES\n.nf\n", stdout);
        roff(v->examples);
        fputs("\n.fi\n", stdout);
    }
    fputs(".SH SEE ALSO\n\\fBken\\fR(1), \\fBken\\-run\\fR(5)\n", stdout);
}

static void man_ken(void)
{
    title("ken", "knowing what a language model knows");
    fputs(".SH SYNOPSIS\n\\fBken\\fR \\fIVERB\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n.SH DESCRIPTION\n", stdout);
    paragraphs(
        "ken says how well a language model knows each fact of a question-answer set: HighlyKnown (greedy decoding is "
        "always right), MaybeKnown (sometimes right), WeaklyKnown (right only when sampling) or Unknown (never right). "
        "The method is SliCK (Gekhman et al., EMNLP 2024, arXiv 2405.05904), with the probability of a right answer "
        "computed exactly instead of sampled.\n\n"
        "Options may stand anywhere; -- ends them. stdout carries data only; progress and messages go to stderr.");
    fputs(".SH VERBS\n", stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) man_entry(cli_verbs[i]);
    fputs(".SH FLAGS OF A ROW\n", stdout);
    for (int b = 0; ken_flag_name(b) != NULL; b++) {
        fputs(".TP\n\\fB", stdout);
        roff(ken_flag_name(b));
        fputs("\\fR\n", stdout);
        roff(ken_flag_meaning(b));
        fputs(".\n", stdout);
    }
    exit_status();
    fputs(".SH ENVIRONMENT\n", stdout);
    paragraphs(
        "KEN_MODEL: the model, when -m is not given. KEN_OPTION_NAME: any other setting, as KEN_TOP_K for --top-k; "
        "inputs and outputs are not taken from the environment. NO_COLOR: plain text. XDG_CACHE_HOME: where the "
        "default model is kept (else ~/.cache). OMP_WAIT_POLICY, GOMP_SPINCOUNT: how threads wait for each other; "
        "unless one "
        "of them is set, they do not spin, which is much faster when other programs want the same cores.");
    fputs(".SH SEE ALSO\n\\fBken\\-run\\fR(5): the tables of a run,\n", stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        char page[64];
        cli_verb_page(cli_verbs[i], page);
        fputs(i > 0 ? ",\n\\fB" : "\\fB", stdout);
        roff(page);
        fputs("\\fR(1)", stdout);
    }
    fputc('\n', stdout);
}

int cli_print_man(const char *verb, ken_err *err)
{
    if (*verb == '\0') {
        man_ken();
        return KEN_OK;
    }
    for (size_t i = 0; i < cli_n_verbs; i++) {
        char page[64];
        cli_verb_page(cli_verbs[i], page);
        if (strcmp(page + strlen("ken-"), verb) == 0) {
            if (cli_verbs[i]->init != NULL) cli_verbs[i]->init();
            man_verb(cli_verbs[i]);
            return KEN_OK;
        }
    }
    return cli_fail(err, KEN_EUSAGE, "_man: no verb \"%s\"", verb);
}
