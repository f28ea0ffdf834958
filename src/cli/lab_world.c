/* lab_world.c - `ken lab world`: a synthetic world, and a transformer pretrained on it from scratch. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "cli/views.h"
#include "cli/words.h"
#include <string.h>

static struct {
    ken_world_options o;
    const char *output;
} set;

static const cli_option facts_options[] = {
    {"subjects", 0, "N", CLI_INT, &set.o.subjects, "subjects, the most popular first", .heading = "Facts"},
    {"relations", 0, "N", CLI_INT, &set.o.relations, "relations, at most 10; each subject has a fact of each"},
    {"answers", 0, "N", CLI_INT, &set.o.answers, "possible answers of each relation"},
    {"wide-answers", 0, "N", CLI_INT, &set.o.wide_answers, "of the first relation (0: as of the others)"},
    {"unique-names", 0, NULL, CLI_FLAG, &set.o.unique_names,
     "no given or family name is shared (default: pairs from two pools, so that names recur)"},
    {"unasked-relations", 0, "N", CLI_INT, &set.o.unasked_relations,
     "the last relations have no questions but in ood.jsonl"},
    {0}};

static const cli_option corpus_options[] = {
    {"sentences", 0, "N", CLI_PARSED, &set.o.sentences, "sentences, each telling one fact; 200k is 200000",
     .parse = cli_parse_count, .show = cli_show_count, .heading = "Corpus"},
    {"alpha", 0, "A", CLI_REAL, &set.o.alpha, "Zipf exponent of how often a subject is spoken of"},
    {"no-floor", 0, NULL, CLI_UNFLAG, &set.o.floor, "facts may be told never (default: each at least once)",
     .setting = "floor"},
    {"paraphrases", 0, "N", CLI_INT, &set.o.paraphrases,
     "ways to tell a fact, of 8; with fewer each fact has its own ones"},
    {"per-document", 0, "N", CLI_INT, &set.o.per_document, "sentences of a document"},
    {"asked", 0, "SHARE", CLI_REAL, &set.o.asked,
     "share of subjects whose questions are in the corpus with their answers (0: the question format is not known)"},
    {"asked-repeats", 0, "N", CLI_INT, &set.o.asked_repeats, "how often each of these"},
    {0}};

static const cli_option network_options[] = {
    {"layers", 0, "N", CLI_INT, &set.o.layers, "layers", .heading = "Network and pretraining"},
    {"width", 0, "N", CLI_INT, &set.o.width, "width"},
    {"heads", 0, "N", CLI_INT, &set.o.heads, "attention heads"},
    {"inner", 0, "N", CLI_INT, &set.o.inner, "width of the feed-forward layers"},
    {"epochs", 0, "N", CLI_INT, &set.o.epochs, "passes over the corpus"},
    {"batch", 0, "N", CLI_SIZE, &set.o.batch, "documents an update"},
    {"lr", 0, "X", CLI_REAL, &set.o.lr, "learning rate at its peak; it falls along a cosine"},
    {"weight-decay", 0, "X", CLI_REAL, &set.o.weight_decay, "weight decay of AdamW"},
    {"seed", 0, "N", CLI_U64, &set.o.seed, "of everything that is drawn"},
    {0}};

static const cli_option what_options[] = {
    {"output", 'o', "DIR", CLI_STRING, &set.output, "the folder to make", .flags = CLI_IO | CLI_PATH,
     .heading = "Output"},
    {"threads", 't', "N", CLI_INT, &set.o.threads, "threads (0: all cores); no bit depends on it", .max = 4096},
    {"isa", 0, "NAME", CLI_STRING, &set.o.isa, "instruction set: auto, generic, avx2, avx512"},
    {"compute", 0, "TYPE", CLI_STRING, &set.o.compute, "matrix products of the pretraining: f32, bf16"},
    {0}};

static void init(void)
{
    memset(&set, 0, sizeof set);
    set.o = ken_world_defaults();
    set.o.poll = cli_interrupted;
}

static int run(int n, char **arg, ken_err *err)
{
    (void)n, (void)arg;
    ken_world_made made;
    ken_views *v = NULL;
    cli_progress p;
    if (set.output == NULL) return cli_fail(err, KEN_EUSAGE, "no folder for the world: name one with -o DIR");
    cli_progress_start(&p);
    if (!cli.quiet) set.o.progress = cli_progress_show;
    set.o.ctx = &p; /* cli_interrupted needs none */
    int rc = ken_world_run(&set.o, set.output, &made, err);
    cli_progress_end(&p);
    if (rc == KEN_ESTOP) return cli_fail(err, rc, "stopped on request; the same command goes on from there");
    if (rc == KEN_OK) rc = ken_views_of_world(&v, &made, &set.o, set.output, err);
    if (rc != KEN_OK) return rc;
    term_start();
    return cli_print_views(v, err);
}

const cli_verb cli_verb_lab_world = {
    .name = "lab world",
    .args = "-o DIR",
    .summary = "a synthetic world whose every exposure is known, and a transformer pretrained on it from scratch",
    .text = "Draws subjects with names, a fact about each for every relation, and sentences that tell the facts, "
            "popular subjects more "
            "often, each fact in up to 8 ways. Pretrains a transformer on them from random weights. All of it is ours: "
            "no paper's "
            "experiment (docs/method/salience.md).\n\n"
            "DIR/model is an ordinary model folder, which transformers loads too. DIR/data is an ordinary data set of "
            "questions, split by subject "
            "into train, dev and test of the same popularity, with the exposures of each fact as its popularity; no "
            "word of a question is "
            "in the corpus but the name. The field \"sentence\" has the beginning of a sentence of the corpus, behind "
            "which, on a line of its own, the "
            "answer stands: what the model knows is asked with --question-field sentence --template '{question}\\n'. "
            "DIR/truth.jsonl has exposures, "
            "paraphrases, and the first and last update that saw each fact; asked.jsonl and ood.jsonl the facts that "
            "--asked and "
            "--unasked-relations set aside; corpus.jsonl the sentences.\n\n"
            "Stopped or killed, the same command goes on and ends in the same bits; on any number of threads.",
    .examples =
        "ken lab world -o world\n"
        "ken annotate -m world/model -d world/data --question-field sentence --template '{question}\\n' -o known.ken\n"
        "ken train -m world/model -d world/data/train.jsonl --dev world/data/dev.jsonl --lr 1e-3 -o tuned\n"
        "ken lab measures world                      # what the truth says of SliCK",
    .init = init,
    .run = run,
    .tables = {facts_options, corpus_options, network_options, what_options, NULL},
    .min_args = 0,
    .max_args = 0,
    .computes = true,
};
