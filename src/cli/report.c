/* report.c - `ken report`: one self-contained HTML page for one or more runs. */
#include "cli/cli.h"
#include <stdlib.h>

static struct {
    const char *output;
} set;

static const cli_option options[] = {
    {"output", 'o', "FILE.html", CLI_STRING, &set.output, "the page to write", .flags = CLI_IO | CLI_PATH}, {0}};

static void init(void) { set.output = "report.html"; }

static int run(int n, char **arg, ken_err *err)
{
    ken_run **runs = calloc((size_t)n, sizeof *runs);
    if (runs == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    int rc = KEN_OK;
    for (int i = 0; i < n && rc == KEN_OK; i++) rc = ken_run_open(&runs[i], arg[i], err);
    if (rc == KEN_OK) rc = ken_report(runs, (size_t)n, set.output, err);
    if (rc == KEN_OK) cli_note("wrote %s", set.output);
    for (int i = 0; i < n; i++) ken_run_free(runs[i]);
    free(runs);
    return rc;
}

const cli_verb cli_verb_report = {
    .name = "report",
    .args = "RUN ...",
    .summary = "write one self-contained HTML page with plots and a searchable table",
    .text = "Writes one HTML file that needs nothing else: category bars by relation, the distribution of P_Correct, "
            "and a table of all "
            "facts that can be searched and sorted.",
    .examples = "ken report world.ken -o world.html",
    .init = init,
    .run = run,
    .tables = {options},
    .min_args = 1,
    .max_args = -1,
};
