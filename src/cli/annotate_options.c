/* annotate_options.c - see annotate_options.h. Defaults are the library's own (ken_annotate_defaults), so that help tells the truth. */
#include "cli/annotate_options.h"
#include "cli/cli.h"

cli_annotate_settings cli_annotate;

#define O cli_annotate.o
static char methods[CLI_HELP_SIZE], method_help[CLI_HELP_SIZE], matcher_help[CLI_HELP_SIZE]; /* what the library has */

const cli_option cli_label_options[] = {
    {"shots", 0, "N", CLI_INT, &O.shots, "exemplars in a prompt", .min = 0, .max = 64,
     .heading = "How the model is asked"},
    {"prompts", 0, "N", CLI_INT, &O.prompts, "prompts (exemplar sets) for each question", .min = 1, .max = 1000},
    {"samples", 0, "N", CLI_INT, &O.samples, "samples for each prompt, drawn from the exact probability", .min = 1,
     .max = 10000},
    {"temperature", 0, "T", CLI_REAL, &O.temperature, "sampling temperature", .min = 1e-6, .max = 100},
    {"top-k", 0, "K", CLI_INT, &O.top_k, "sample among the K likeliest tokens", .min = 1, .max = 1 << 20},
    {"matcher", 0, "NAME", CLI_STRING, &O.matcher, matcher_help},
    {"max-new", 0, "N", CLI_INT, &O.max_new, "longest answer, in tokens", .min = 1, .max = 1024},
    {"exemplar-seed", 0, "N", CLI_U64, &O.exemplar_seed, "seed of the exemplar sets"},
    {"seed", 0, "N", CLI_U64, &O.seed, "seed of the draws"},
    {"method", 0, "NAME", CLI_CHOICE, &O.method, method_help, .choices = methods},
    {"mass-budget", 0, "P", CLI_REAL, &O.mass_budget,
     "stop when the probability of the paths not yet followed is below P (0: as fine as the category needs)", .min = 0,
     .max = 1000},
    {"template", 0, "TEXT", CLI_TEXT, &O.prompt_template, "the question's form (default: \"Q: {question}\\nA:\")",
     .setting = "prompt_template"},
    {"chat-template", 0, NULL, CLI_FLAG, &O.chat_template, "ask as a conversation, in the model's chat format"},
    {"stop", 0, "TEXT", CLI_TEXT, &O.stop, "what ends an answer (default: a newline)"},
    {"control", 0, NULL, CLI_FLAG, &O.control, "guess control: how likely is the same answer for other subjects?"},
    {"no-texts", 0, NULL, CLI_UNFLAG, &O.texts, "do not complete and store greedy answers (faster)"},
    {0}};

const cli_option cli_which_options[] = {
    {"exemplars", 0, "DATA", CLI_STRING, &cli_annotate.exemplars,
     "where exemplars come from (default: the dev split where there is one, else for each row other rows)",
     .flags = CLI_IO | CLI_PATH, .heading = "Which rows"},
    {"split", 0, "S,..", CLI_NAMES, &cli_annotate.splits, "only these splits (default: all but the exemplars')",
     .setting = "splits"},
    {"relation", 0, "R,..", CLI_NAMES, &cli_annotate.relations, "only these relations", .setting = "relations"},
    {"per-relation", 0, "N", CLI_SIZE, &O.per_relation,
     "the first N rows of each relation; a larger N extends an annotation"},
    {"sample", 0, "N", CLI_SIZE, &O.sample,
     "N rows drawn at random by --seed, from all relations alike; a larger N extends an annotation"},
    {0}};

const cli_option cli_compute_options[] = {
    {"threads", 't', "N", CLI_INT, &O.threads, "threads (0: all cores); never changes a result", .min = 0, .max = 4096,
     .heading = "Speed and memory"},
    {"compute", 0, "TYPE", CLI_CHOICE, &O.compute, "arithmetic", .choices = "f32"},
    {"isa", 0, "NAME", CLI_CHOICE, &O.isa, "pin the instruction set (default: the best of this CPU)",
     .choices = "generic|avx2|avx512"},
    {"memory", 0, "SIZE", CLI_BYTES, &O.memory, "memory for the key-value cache, as in 2G (0: chosen)"},
    {0}};

void cli_annotate_init(void)
{
    char exact[150], others[150];
    cli_annotate = (cli_annotate_settings){.o = ken_annotate_defaults()};
    cli_list_methods(methods, method_help, sizeof methods);
    cli_list_matchers(exact, sizeof exact, true);
    cli_list_matchers(others, sizeof others, false);
    snprintf(matcher_help, sizeof matcher_help, "when a text counts as an answer: %s; with --method sample also %s",
             exact, others);
}

ken_annotate_options cli_annotate_options(cli_progress *p)
{
    ken_annotate_options o = O;
    o.splits = cli_names(&cli_annotate.splits);
    o.relations = cli_names(&cli_annotate.relations);
    o.poll = cli_interrupted;
    o.progress = cli_progress_show;
    o.ctx = p;
    return o;
}
