/* cli.h - what the program's files share: the common settings, how a verb fails, and the verbs themselves.
 *
 * The program is a client of ken.h alone. A verb is one file: a settings struct, a table of options (options.h), a run function
 * that calls the library and prints. What is printed lives in its own files (rows.c, table.c, ...) where it is long and not a list of views (views.h). */
#ifndef KEN_CLI_CLI_H
#define KEN_CLI_CLI_H
#include "cli/options.h"

typedef struct cli_settings {
    bool quiet, verbose, json, help, version;
    const char *color; /* "auto", "always", "never" */
} cli_settings;
extern cli_settings cli;

/* Fills err and returns status; the program's own ken_fail. */
int cli_fail(ken_err *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line on stderr, unless -q: "ken: " and the text. */
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* All verbs, for dispatch, help and completion. */
extern const cli_verb *const cli_verbs[];
extern const size_t cli_n_verbs;
bool cli_is_member(const cli_verb *v);               /* of a family: "lab theory" */
const char *cli_member_name(const cli_verb *v);      /* "theory" */
void cli_verb_page(const cli_verb *v, char out[64]); /* its manual page: "ken-lab-theory" */

/* help.c, man.c, completion.c: from the tables to text on stdout */
void cli_print_help(const cli_verb *v);
void cli_print_overview(FILE *out);
/* Words of text from column `col` on, in lines that end before `right` and begin at column `indent`. "\n" in the text starts a new line. */
void cli_wrap(FILE *out, const char *text, int indent, int col, int right);
int cli_print_man(const char *verb, ken_err *err);         /* "" = ken(1) itself */
int cli_print_completion(const char *shell, ken_err *err); /* "bash" or "zsh" */

/* names.c: what the library has, for the tables of options. Filled by a verb's init. */
enum { CLI_HELP_SIZE = 400 };
void cli_list_methods(char *out, char *help, size_t size); /* "exact|sample", and "exact: ...; sample: ..." */
/* "em-raw, em-squad, ...": those that the exact method can use, or the others. */
void cli_list_matchers(char *out, size_t size, bool exact);

/* wait.c: threads that wait leave their core to others, unless the user has set OMP_WAIT_POLICY or GOMP_SPINCOUNT. May start the program again. */
void cli_wait_passively(char **argv);
/* signal.c: the first SIGINT or SIGTERM only raises a flag; a second one ends the program at once. */
void cli_catch_signals(void);
int cli_interrupted(void *ctx);                                  /* a ken_poll_fn */
int cli_open_run(ken_run **out, const char *path, ken_err *err); /* ken_run_open; reading it ends when interrupted */

/* paths.c: where things are by default. Results live until the program ends. */
/* `given`, else the default model of the user's cache folder; NULL with KEN_EUSAGE telling how to get one. */
const char *cli_model_path(const char *given, ken_err *err);
/* The project's own facts: beside the program (an installed tree or a build folder); NULL when they are not there. */
const char *cli_world_path(void);
/* The run at a place: DIR/train.ken for the folder of a training, else the place itself. Static. */
const char *cli_run_path(const char *path);
/* KEN_EUSAGE when the name ends like another kind of file than the SQLite file that a run is; path may be NULL. */
int cli_check_run_name(const char *path, ken_err *err);
/* Whether the folder is an adapter of PEFT, and no model. */
bool cli_is_adapter(const char *path);

/* hub.c: models and adapters by their name on the Hugging Face hub. */
/* Whether it has the form ORG/NAME, is none of a file's, and nothing of that path is there. */
bool cli_is_hub_id(const char *name);
/* The place of a model, or of an adapter, that is named by its path or as ORG/NAME: the latter in the user's cache of the hub, as long as
 * the program runs; a path comes back as it is. NULL with KEN_EINPUT, and the command that fetches it, when it is not there. */
const char *cli_hub_path(const char *name, bool adapter, ken_err *err);

extern const cli_verb cli_verb_model, cli_verb_tokenize, cli_verb_data, cli_verb_annotate, cli_verb_show,
    cli_verb_explain, cli_verb_score, cli_verb_report, cli_verb_train, cli_verb_eval, cli_verb_select, cli_verb_diff,
    cli_verb_lab, cli_verb_lab_measures, cli_verb_lab_model, cli_verb_lab_theory, cli_verb_lab_world;
#endif
