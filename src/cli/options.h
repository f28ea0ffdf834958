/* options.h - one table format for every option of every verb. Parsing, --help, man pages and completions all read it, so that
 * they cannot drift apart.
 *
 *     static struct { int shots; const char *data; } set;
 *     static const cli_option table[] = {
 *         {"data", 'd', "DATA", CLI_STRING, &set.data, "what to annotate", .flags = CLI_IO | CLI_PATH},
 *         {"shots", 0, "N", CLI_INT, &set.shots, "exemplars in a prompt", .min = 0, .max = 64},
 *         {0}};
 *
 * A default is the value that the variable has before parsing; help prints that very value. Every option that is not an input or
 * output (CLI_IO) can also come from the environment, as KEN_SHOTS for --shots; the command line wins. */
#ifndef KEN_CLI_OPTIONS_H
#define KEN_CLI_OPTIONS_H
#include "cli/words.h"
#include <stdio.h>

typedef enum cli_type {
    CLI_FLAG,   /* bool, set to true */
    CLI_UNFLAG, /* bool, set to false (--no-texts) */
    CLI_STRING, /* const char *, borrowed from argv or the environment */
    CLI_TEXT,   /* const char *, with \n, \t, \r and \\ replaced; lives until the program ends */
    CLI_LIST,   /* cli_list; may be given several times */
    CLI_NAMES,  /* cli_list: names separated by commas; may be given several times, they add up */
    CLI_CHOICE, /* const char *, one of the names in `choices` */
    CLI_WORD,   /* int, one of the choices of `words` */
    CLI_PARSED, /* what `parse` makes of it */
    CLI_INT,    /* int */
    CLI_SIZE,   /* size_t; a count */
    CLI_BYTES,  /* size_t; K, M, G or T may follow (powers of 1024) */
    CLI_U64,    /* uint64_t; a seed */
    CLI_REAL    /* double */
} cli_type;

enum {
    CLI_IO = 1,     /* an input or output: never from the environment */
    CLI_PATH = 2,   /* a file name, for completion */
    CLI_HIDDEN = 4, /* not in help */
    CLI_ADDS = 8    /* CLI_PARSED: given again, it adds to what was given before, as CLI_LIST and CLI_NAMES do */
};

enum { CLI_LIST_MAX = 64 };
typedef struct cli_list {
    const char *item[CLI_LIST_MAX]; /* (n) borrowed, as in CLI_STRING */
    int n;
} cli_list;

typedef struct cli_option {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* short form, 0 = none */
    const char *arg;  /* name of the argument in help; NULL for flags */
    cli_type type;
    void *value;         /* variable of the type above; holds the default */
    const char *help;    /* one sentence, no full stop, no default (which is added) */
    double min, max;     /* numbers: both allowed; max 0 = no upper bound */
    const char *choices; /* "exact|sample" */
    ken_words words;     /* CLI_WORD */
    cli_parse_fn *parse; /* CLI_PARSED */
    cli_show_fn *show;   /* CLI_PARSED: its default; NULL = none is shown */
    unsigned flags;
    const char *heading; /* of the options from here to the next heading, in help and manual; NULL = none begins here */
    const char *setting; /* its field in ken.h where that has another name; NULL = as the option, with _ for - */
} cli_option;

enum { CLI_MAX_TABLES = 8 };

/* A verb: its tables and what the manual says about it. Some are families of verbs, each named by two words ("lab theory"). */
typedef struct cli_verb {
    const char *name, *args;               /* args: "-d DATA [-o RUN]" */
    const struct cli_verb *const *members; /* of a family, NULL-terminated; it has no run of its own. NULL = none */
    const char *summary;                   /* one line, lower case, no full stop */
    const char *text;                      /* paragraphs of the manual, separated by an empty line */
    const char *examples;                  /* one command a line: "command    # what it does", or NULL */
    void (*init)(void);                    /* sets the defaults; NULL = none */
    int (*run)(int n, char **arg, ken_err *err); /* the arguments that are not options; returns a library status */
    const cli_option *tables[CLI_MAX_TABLES];    /* NULL-terminated */
    int min_args, max_args;                      /* max -1 = any number */
    bool computes;                               /* with many threads: cli_wait_passively */
} cli_verb;

/* The library's messages name a setting by its field of ken.h and a deed by its function, in backquotes; here they become what a user types: the
 * option that sets it, of this verb or else of any (`mass_budget` becomes --mass-budget), and the command (`ken_run_row` becomes ken show
 * --rows). Other words in backquotes stay. text has room for size bytes and is cut there. v may be NULL. */
void cli_name_options(const cli_verb *v, char *text, size_t size);

/* Options of every verb (help, version, quiet, verbose, colour). */
extern const cli_option cli_common_options[];

/* Reads environment and command line into the variables; *n and arg (at least argc pointers) get what is not an option.
 * KEN_EUSAGE with a message that names the option and, where one is near, what may have been meant. */
int cli_parse(const cli_verb *v, int argc, char **argv, int *n, char **arg, ken_err *err);

/* Calls f for every option of the verb that help shows, the common ones last. */
void cli_each_option(const cli_verb *v, void (*f)(const cli_option *o, void *ctx), void *ctx);
/* The default as text; "" when there is none. out (n bytes). */
void cli_default_text(const cli_option *o, char *out, size_t n);
/* Its choices, "exact|sample", whether they are its own or words of the library; "" when it has none. out (n bytes). */
void cli_choices_text(const cli_option *o, char *out, size_t n);
/* ": a, b or c", the same for help, where the help text does not name all of it itself; else "". out (n bytes); returns out. */
const char *cli_choices_help(const cli_option *o, char *out, size_t n);
/* KEN_TOP_K for top-k; out (n bytes). "" for an option that cannot come from the environment. */
void cli_env_name(const cli_option *o, char *out, size_t n);
/* Of `names` (n) the one nearest to word, or NULL when none is near enough to be what was meant. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);
/* Whether item stands in list ("a,b" with sep ','); the whole item must agree. */
bool cli_in_list(const char *list, char sep, const char *item);
/* As the library takes names; borrowed from l. */
ken_names cli_names(const cli_list *l);
#endif
