/* main.c - finds the verb, parses its options, runs it, and turns the library's status into the exit status: all in one place.
 *
 * stdout carries data only. Messages go to stderr as "ken: ...". */
#include "cli/cli.h"
#include "cli/term.h"
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cli_settings cli = {.color = "auto"};
static const cli_verb *current; /* the verb that runs; NULL before */

const cli_option cli_common_options[] = {
    {"json", 0, NULL, CLI_FLAG, &cli.json, "print JSON instead of text", .flags = 0, .heading = "In every verb"},
    {"quiet", 'q', NULL, CLI_FLAG, &cli.quiet, "no progress, no notes", .flags = 0},
    {"verbose", 'v', NULL, CLI_FLAG, &cli.verbose, "explain more", .flags = 0},
    {"color", 0, "WHEN", CLI_CHOICE, &cli.color,
     "colours: auto (on a terminal, unless NO_COLOR is set), always or never", .choices = "auto|always|never"},
    {"help", 'h', NULL, CLI_FLAG, &cli.help, "print this and exit", .flags = CLI_IO},
    {"version", 0, NULL, CLI_FLAG, &cli.version, "print version, revision, CPU features and libraries, and exit",
     .flags = CLI_IO},
    {0}};

const cli_verb *const cli_verbs[] = {
    &cli_verb_annotate,     &cli_verb_show,     &cli_verb_explain, &cli_verb_score,      &cli_verb_report,
    &cli_verb_select,       &cli_verb_train,    &cli_verb_eval,    &cli_verb_diff,       &cli_verb_data,
    &cli_verb_model,        &cli_verb_tokenize, &cli_verb_lab,     &cli_verb_lab_theory, &cli_verb_lab_world,
    &cli_verb_lab_measures, &cli_verb_lab_model};
const size_t cli_n_verbs = sizeof cli_verbs / sizeof *cli_verbs;

int cli_fail(ken_err *err, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err->status = status;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return status;
}

/* On a terminal lines end between words; in a file a message is one line. */
static void print_message(const char *text)
{
    fputs("ken: ", stderr);
    cli_wrap(stderr, text, 0, 5, isatty(fileno(stderr)) == 1 ? term_width_of(stderr) : INT_MAX);
}

void cli_note(const char *fmt, ...)
{
    if (cli.quiet) return;
    char text[4096]; /* longer ones are cut; it may quote from a stranger's file */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cli_name_options(current, text, sizeof text);
    term_clean(text);
    print_message(text);
}

static const cli_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (strcmp(cli_verbs[i]->name, name) == 0) return cli_verbs[i];
    return NULL;
}

bool cli_is_member(const cli_verb *v) { return strchr(v->name, ' ') != NULL; }

const char *cli_member_name(const cli_verb *v)
{
    const char *space = strchr(v->name, ' ');
    return space != NULL ? space + 1 : v->name;
}

void cli_verb_page(const cli_verb *v, char out[64])
{
    snprintf(out, 64, "ken-%s", v->name);
    for (char *c = out; *c != '\0'; c++)
        if (*c == ' ') *c = '-';
}

static int unknown_verb(const char *name, ken_err *err)
{
    const char *names[32] = {"help"};
    size_t n = 1;
    for (size_t i = 0; i < cli_n_verbs && n < sizeof names / sizeof *names; i++)
        if (!cli_is_member(cli_verbs[i])) names[n++] = cli_verbs[i]->name;
    const char *near = cli_nearest(name, names, n);
    if (near != NULL) return cli_fail(err, KEN_EUSAGE, "unknown verb \"%s\"; did you mean %s?", name, near);
    return cli_fail(err, KEN_EUSAGE, "unknown verb \"%s\"; ken help lists them", name);
}

/* The member of a family that the next word names; *family itself where help is asked for, or where there is no family. NULL: err is filled. */
static const cli_verb *find_member(const cli_verb *family, const char *word, ken_err *err)
{
    char names[200] = "";
    if (family->members == NULL) return family;
    if (word != NULL && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) return family;
    for (int i = 0; family->members[i] != NULL; i++) {
        const char *name = cli_member_name(family->members[i]);
        if (word != NULL && strcmp(word, name) == 0) return family->members[i];
        const size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", at > 0 ? ", " : "", name);
    }
    current = family;
    if (word == NULL || word[0] == '-')
        (void)cli_fail(err, KEN_EUSAGE, "ken %s needs to know what: %s", family->name, names);
    else (void)cli_fail(err, KEN_EUSAGE, "ken %s: unknown \"%.40s\"; known: %s", family->name, word, names);
    return NULL;
}

static int check_count(const cli_verb *v, int n, char **arg, ken_err *err)
{
    if (n < v->min_args) return cli_fail(err, KEN_EUSAGE, "an argument is missing: ken %s %s", v->name, v->args);
    if (v->max_args >= 0 && n > v->max_args)
        return cli_fail(err, KEN_EUSAGE, "unexpected argument \"%s\": ken %s %s", arg[v->max_args], v->name, v->args);
    return KEN_OK;
}

static int run_verb(const cli_verb *v, int argc, char **argv, ken_err *err)
{
    char **arg = calloc((size_t)argc + 1, sizeof *arg);
    if (arg == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    if (v->init != NULL) v->init();
    current = v;
    int n = 0, rc = KEN_OK;
    bool wants_help = false; /* help wins over mistakes elsewhere on the line and in the environment */
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        wants_help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    if (wants_help) {
        cli_print_help(v);
        goto done;
    }
    rc = cli_parse(v, argc, argv, &n, arg, err);
    if (rc != KEN_OK) goto done;
    if (cli.version) {
        puts(ken_build_info());
        goto done;
    }
    if (cli.help) {
        cli_print_help(v);
        goto done;
    }
    rc = check_count(v, n, arg, err);
    if (rc != KEN_OK) goto done;
    cli_catch_signals();
    rc = v->run(n, arg, err);
done:
    free(arg);
    return rc;
}

static int dispatch(int argc, char **argv, ken_err *err)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        cli_print_overview(stderr);
        return cli_fail(err, KEN_EUSAGE, "a verb is missing");
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        puts(ken_build_info());
        return KEN_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        const cli_verb *v = argc > 2 ? find_verb(argv[2]) : NULL;
        if (argc > 2 && v == NULL) return unknown_verb(argv[2], err);
        if (argc > 3 && (v = find_member(v, argv[3], err)) == NULL) return KEN_EUSAGE;
        if (v == NULL) cli_print_overview(stdout);
        else {
            if (v->init != NULL) v->init();
            cli_print_help(v);
        }
        return KEN_OK;
    }
    /* For the build: documents from the option tables. */
    if (strcmp(name, "_man") == 0) return cli_print_man(argc > 2 ? argv[2] : "", err);
    if (strcmp(name, "_completion") == 0) return cli_print_completion(argc > 2 ? argv[2] : "", err);

    const cli_verb *v = find_verb(name);
    if (v == NULL && name[0] == '-') return cli_fail(err, KEN_EUSAGE, "the verb comes first: ken VERB %s", name);
    if (v == NULL) return unknown_verb(name, err);
    const int words = v->members != NULL && argc > 2 ? 3 : 2;
    v = find_member(v, argc > 2 ? argv[2] : NULL, err);
    if (v == NULL) return KEN_EUSAGE;
    if (v->members != NULL) {
        cli_print_help(v);
        return KEN_OK;
    }
    if (v->computes) cli_wait_passively(argv);
    return run_verb(v, argc - words, argv + words, err);
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, ""); /* whether the terminal speaks UTF-8; numbers stay in the C locale */
    ken_err err = {0};
    int rc = dispatch(argc, argv, &err);
    /* Data that did not reach its place (a full disk, a closed pipe) is a failure, also when all else went well. */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == KEN_OK)
        rc = cli_fail(&err, KEN_EFAIL, "cannot write to standard output: %s",
                      errno != 0 ? strerror(errno) : "write error");
    cli_name_options(current, err.msg, sizeof err.msg);
    term_clean(err.msg);
    if (rc != KEN_OK && err.msg[0] != '\0') print_message(err.msg);
    if (rc == KEN_EUSAGE && current != NULL) fprintf(stderr, "Try 'ken %s --help'.\n", current->name);
    return ken_exit_status(rc);
}
