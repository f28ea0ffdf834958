/* report.c - `ken report`: one self-contained HTML page about any mix of runs, and its plots as files for papers. */
#include "cli/cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    const char *output, *title, *plot, *pdf, *png, *svg, *csv;
    int label; /* KEN_LABEL_* */
    cli_list trained;
    bool list_plots;
} set;

static const cli_option options[] = {
    {"output", 'o', "FILE.html", CLI_STRING, &set.output,
     "the page to write (report.html, unless only plots are asked for)", .flags = CLI_IO | CLI_PATH},
    {"title", 0, "TEXT", CLI_STRING, &set.title, "title of the page, instead of what the runs say", .flags = CLI_IO},
    {"label", 0, "KIND", CLI_WORD, &set.label, "which label counts when two runs are compared",
     .words = KEN_WORDS_LABEL},
    {"trained", 0, "SET", CLI_LIST, &set.trained,
     "what was trained on, for the distance of a fact to it: train.ken, a training's folder, rows as ken train reads "
     "them",
     .flags = CLI_IO | CLI_PATH},
    {"pdf", 0, "DIR", CLI_STRING, &set.pdf, "write the plots as PDF files into DIR", .flags = CLI_IO | CLI_PATH},
    {"png", 0, "DIR", CLI_STRING, &set.png, "the same as PNG", .flags = CLI_IO | CLI_PATH},
    {"svg", 0, "DIR", CLI_STRING, &set.svg, "the same as SVG", .flags = CLI_IO | CLI_PATH},
    {"csv", 0, "DIR", CLI_STRING, &set.csv, "the numbers of the plots as CSV", .flags = CLI_IO | CLI_PATH},
    {"plot", 0, "NAME", CLI_STRING, &set.plot, "only this plot", .flags = CLI_IO},
    {"list-plots", 0, NULL, CLI_FLAG, &set.list_plots, "print the names of the plots and write nothing",
     .flags = CLI_IO},
    {0}};

static void init(void) { memset(&set, 0, sizeof set); }

/* A run, or the run in the folder of a training. */
static int open_one(ken_run **out, const char *path, ken_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return cli_open_run(out, path, err);
    size_t n = strlen(path) + sizeof "/train.ken";
    char *inside = malloc(n);
    if (inside == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    snprintf(inside, n, "%s/train.ken", path);
    int rc = stat(inside, &st) == 0
                 ? cli_open_run(out, inside, err)
                 : cli_fail(err, KEN_EINPUT, "%s: a folder without train.ken; give a run, or the folder of a training",
                            path);
    free(inside);
    return rc;
}

/* Notes are added while the report is made, and while its page is written. */
static void say_notes(const ken_report *r, size_t *shown)
{
    for (const char *s; (s = ken_report_note(r, *shown)) != NULL; (*shown)++) cli_note("%s", s);
}

static int write_all(ken_report *r, ken_err *err)
{
    const struct {
        const char *dir, *format;
    } files[] = {{set.pdf, "pdf"}, {set.png, "png"}, {set.svg, "svg"}, {set.csv, "csv"}};
    size_t shown = 0;
    int rc = KEN_OK;
    bool plots = false;
    say_notes(r, &shown);
    for (size_t i = 0; i < ken_report_n_plots(r) && set.list_plots; i++) puts(ken_report_plot_name(r, i));
    if (set.list_plots) return KEN_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && rc == KEN_OK; i++) {
        if (files[i].dir == NULL) continue;
        plots = true;
        rc = ken_report_plots(r, files[i].dir, files[i].format, set.plot, err);
        if (rc == KEN_OK) cli_note("wrote %s into %s", files[i].format, files[i].dir);
    }
    if (rc != KEN_OK || (plots && set.output == NULL)) return rc;
    const char *page = set.output != NULL ? set.output : "report.html";
    rc = ken_report_write(r, page, err);
    say_notes(r, &shown);
    if (rc == KEN_OK) cli_note("wrote %s", page);
    return rc;
}

static int run(int n, char **arg, ken_err *err)
{
    if (set.plot != NULL && set.pdf == NULL && set.png == NULL && set.svg == NULL && set.csv == NULL)
        return cli_fail(err, KEN_EUSAGE,
                        "--plot names one plot for --pdf, --png, --svg or --csv; none of these is given");
    const char *dot = set.output != NULL ? strrchr(set.output, '.') : NULL;
    if (dot != NULL && (strcmp(dot, ".parquet") == 0 || strcmp(dot, ".csv") == 0 || strcmp(dot, ".pdf") == 0 ||
                        strcmp(dot, ".png") == 0))
        return cli_fail(
            err, KEN_EUSAGE,
            "-o %s: the page is HTML; name it FILE.html. --csv DIR, --pdf DIR and --png DIR write the plots "
            "and their numbers; ken show RUN --rows --json prints the facts",
            set.output);
    ken_run **runs = calloc((size_t)n, sizeof *runs);
    if (runs == NULL) return cli_fail(err, KEN_ENOMEM, "out of memory");
    ken_report_options o = ken_report_defaults();
    ken_report *r = NULL;
    int rc = KEN_OK;
    o.title = set.title;
    o.label = set.label;
    o.trained = set.trained.item;
    o.n_trained = set.trained.n;
    o.poll = cli_interrupted;
    for (int i = 0; i < n && rc == KEN_OK; i++) rc = open_one(&runs[i], arg[i], err);
    if (rc == KEN_OK) rc = ken_report_new(&r, runs, (size_t)n, &o, err);
    if (rc == KEN_OK) rc = write_all(r, err);
    ken_report_free(r);
    for (int i = 0; i < n; i++) ken_run_free(runs[i]);
    free(runs);
    return rc;
}

const cli_verb cli_verb_report = {
    .name = "report",
    .args = "RUN|DIR ...",
    .summary = "write one self-contained HTML page with plots and a searchable table",
    .text = "Writes one HTML file that needs nothing else, about annotations, evaluations and trainings (a train.ken, "
            "or the folder of a training) in any mix: categories by relation with intervals, the distribution of "
            "P_Correct, how sure the labels are, and a table of all facts that can be searched, sorted and filtered, "
            "with what the model says under each prompt.\n\n"
            "With two annotations (or two evaluations) of the same facts the first is before and the second after: the "
            "page begins with what was lost and gained. More of them are each compared with the first. Trainings add "
            "their dynamics, the accuracy by category, and the linear model of what fitting Known and Unknown rows "
            "does; they also say how near each fact is to what was trained.\n\n"
            "Each plot is a file too: --pdf, --png, --svg and --csv write all of them into a folder, or the one that "
            "--plot names. PDF and PNG are made by rsvg-convert (package librsvg2-bin); the page, SVG and CSV need "
            "nothing.\n\n"
            "The page stays under 2 MB for 10,000 facts; where the details of the rows do not fit, some are left out, "
            "and the page says which.",
    .examples = "ken report world.ken -o world.html\n"
                "ken report before.ken after.ken trained/ -o change.html    # what fine-tuning changed\n"
                "ken report before.ken after.ken --pdf plots --plot transitions-0    # one plot for a paper",
    .init = init,
    .run = run,
    .tables = {options},
    .min_args = 1,
    .max_args = -1,
};
