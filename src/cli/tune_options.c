/* tune_options.c - see tune_options.h. */
#include "cli/tune_options.h"
#include "cli/cli.h"
#include "cli/data_options.h"
#include "cli/progress.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

cli_tune_settings cli_tune;

#define O cli_tune.o

const cli_option cli_tune_options[] = {
    {"labels", 0, "RUN", CLI_STRING, &O.labels, "a run that says the category of each row of the data, by id",
     .flags = CLI_IO | CLI_PATH, .heading = "Which rows"},
    {"label", 0, "NAME", CLI_WORD, &O.label, "which category of a run counts: as drawn, or the likeliest",
     .words = KEN_WORDS_LABEL},
    {"category", 0, "NAME,..", CLI_PARSED, &O.categories, "only rows of these categories, as in HighlyKnown,Unknown",
     .parse = cli_parse_categories, .flags = CLI_ADDS, .setting = "categories"},
    {"split", 0, "NAME,..", CLI_NAMES, &cli_tune.splits,
     "only rows of these splits (default: train where there is one, else all)", .setting = "splits"},
    {"relation", 0, "NAME,..", CLI_NAMES, &cli_tune.relations, "only rows of these relations", .setting = "relations"},
    {"p-min", 0, "P", CLI_REAL, &O.p_min, "only rows whose P_Correct is at least P", .min = 0, .max = 1},
    {"p-max", 0, "P", CLI_REAL, &O.p_max, "only rows whose P_Correct is at most P", .min = 0, .max = 1},
    {"p-unknown-min", 0, "P", CLI_REAL, &O.p_unknown_min,
     "only rows that all samples of an annotation would miss with probability P or more", .min = 0, .max = 1},
    {"p-unknown-max", 0, "P", CLI_REAL, &O.p_unknown_max, "the same with P or less", .min = 0, .max = 1},
    {"popularity-min", 0, "N", CLI_REAL, &O.popularity_min, "only rows of popularity N or more (default: any)",
     .min = 0},
    {"popularity-max", 0, "N", CLI_REAL, &O.popularity_max, "only rows of popularity N or less (default: any)",
     .min = 0},
    {"subjects", 0, "A-B", CLI_STRING, &cli_tune.subjects,
     "only rows of this part of the subjects, as in 0-0.8 for training and 0.8-1 for testing: parts have no subject in "
     "common (default: 0-1, all)"},
    {"half", 0, "WHICH", CLI_WORD, &O.half, "only the more or the less popular half of the rows, or as many drawn ones",
     .words = KEN_WORDS_HALF},
    {"half-by", 0, "KEY", CLI_WORD, &O.half_by,
     "rank by popularity, or p: by P_Correct (auto: popularity where rows have one, else p)",
     .words = KEN_WORDS_HALF_BY},
    {"half-within", 0, "WHAT", CLI_CHOICE, &cli_tune.half_within, "rank all rows, or those of each relation alone",
     .choices = "all|relation"},
    {"per-relation", 0, "N", CLI_SIZE, &O.per_relation, "the first N rows of each relation (0: all)", .min = 0},
    {"limit", 0, "N", CLI_SIZE, &O.limit, "the first N rows (0: all)", .min = 0},
    {"sample", 0, NULL, CLI_FLAG, &O.sample, "--per-relation and --limit take rows drawn by --seed, not the first"},
    {"balance", 0, "WHAT", CLI_WORD, &O.balance,
     "as many rows of each category, or of each relation: as many as the rarest has, or --size in all",
     .words = KEN_WORDS_BALANCE, .heading = "A set of known composition"},
    {"variant", 0, "NAME", CLI_PARSED, &O.variant,
     "draw a set of known composition: unknown=X (X % Unknown rows, the same relations for every X), known=X (that "
     "without "
     "its Unknown rows), natural, or the name of a category",
     .parse = cli_parse_variant},
    {"size", 0, "N", CLI_SIZE, &O.set_rows,
     "rows of the variant (0: in each relation as many as its rarest category has), or of the balanced set", .min = 0,
     .setting = "set_rows"},
    {"known-mix", 0, "NAME", CLI_WORD, &O.known_mix,
     "what the Known rows of a variant are (natural: as in their relation)", .words = KEN_WORDS_KNOWN_MIX},
    {"concentrated", 0, NULL, CLI_FLAG, &O.concentrated,
     "the variant's Unknown rows fill whole relations; their number, and that of each relation's rows, stay the same"},
    {"match", 0, "HOW", CLI_WORD, &O.match,
     "control for popularity: pairs, only Known and Unknown rows that pair up in one relation and decile of "
     "popularity; control, such a Known row in place of each Unknown one of the variant",
     .words = KEN_WORDS_MATCH},
    {"idk", 0, "TEXT", CLI_LIST, &cli_tune.idk,
     "train Unknown rows to say TEXT, as in \"I don't know\"; may be given several times: each row draws one",
     .heading = "What rows teach"},
    {"idk-random", 0, NULL, CLI_FLAG, &O.idk_random, "control: as many rows say it, drawn from all of them"},
    {"own-answers", 0, "WHICH", CLI_WORD, &O.own_answers,
     "train Unknown rows, or all, to give the answer that the model gave most often in the run",
     .words = KEN_WORDS_OWN_ANSWERS},
    {"certainty", 0, "BY", CLI_WORD, &O.certainty,
     "behind each answer train \". Are you sure? I am sure.\" or \"... unsure.\": category, sure where the row is "
     "Known; p, where "
     "its P_Correct is at their median or above",
     .words = KEN_WORDS_CERTAINTY},
    {"known-tail", 0, "F", CLI_REAL, &O.known_tail,
     "append F times as many rows, all Known, at the end of each epoch, unshuffled (default: the rows of a file that "
     "say known_tail, as ken select writes them)",
     .min = 0, .max = 1},
    {"known-tail-mixed", 0, NULL, CLI_FLAG, &O.known_tail_mixed, "control: the rows of the tail shuffled in"},
    {"weights", 0, "NAME", CLI_WORD, &O.weights,
     "what a row's loss is multiplied with: p (its P_Correct), file (the field `weight`), none",
     .words = KEN_WORDS_WEIGHTS},
    {"weight-gamma", 0, "G", CLI_REAL, &O.weight_gamma, "--weights p: the power of P_Correct", .min = 0, .max = 100},
    {"weight-min", 0, "W", CLI_REAL, &O.weight_min, "--weights p: the least weight, before they are brought to mean 1",
     .min = 0, .max = 1},
    {"template", 0, "TEXT", CLI_TEXT, &O.prompt_template,
     "the prompt's form (default: \"Answer the following question.\\n{question}\\n\")", .setting = "prompt_template",
     .heading = "How a row is asked"},
    {0}};

const cli_option cli_tune_model_options[] = {
    {"chat-template", 0, NULL, CLI_FLAG, &O.chat_template,
     "prompts are turns of a conversation, in the model's format"},
    {"max-length", 0, "N", CLI_SIZE, &O.max_length, "drop rows of more than N tokens (0: none may exceed the context)",
     .min = 0},
    {"mix", 0, "FILE:WEIGHT", CLI_LIST, &cli_tune.mix,
     "rows of another task for every batch; the main data have weight 1; may be given several times",
     .flags = CLI_IO | CLI_PATH, .heading = "Other tasks"},
    {0}};

void cli_tune_init(void) { cli_tune = (cli_tune_settings){.o = ken_train_data_defaults(), .half_within = "all"}; }

/* "A-B", two numbers from 0 to 1. */
static int parse_part(const char *text, double *min, double *max, ken_err *err)
{
    char *end = NULL;
    *min = strtod(text, &end);
    bool good = end != text && *end == '-';
    if (good) {
        const char *second = end + 1;
        *max = strtod(second, &end);
        good = end != second && *end == '\0' && *second != '-';
    }
    if (good && *min >= 0 && *max <= 1 && *min < *max) return KEN_OK;
    return cli_fail(err, KEN_EUSAGE, "--subjects \"%s\": A-B is expected, a part of 0 to 1, as in 0-0.8", text);
}

/* "FILE:WEIGHT", split at the last colon; a file name may hold others. The name lives until the program ends. */
static int parse_mix(ken_mix *mix, const char *item, ken_err *err)
{
    const char *colon = strrchr(item, ':');
    char *end = NULL;
    errno = 0;
    mix->weight = colon != NULL ? strtod(colon + 1, &end) : 0;
    if (colon == NULL || colon == item || end == colon + 1 || *end != '\0' || errno != 0 || !isfinite(mix->weight) ||
        mix->weight <= 0)
        return cli_fail(err, KEN_EUSAGE, "--mix \"%s\": FILE:WEIGHT is expected, as in chat.jsonl:0.25", item);
    mix->path = strndup(item, (size_t)(colon - item));
    return mix->path != NULL ? KEN_OK : cli_fail(err, KEN_ENOMEM, "out of memory (--mix)");
}

int cli_tune_data(ken_train_data *out, const char *path, ken_err *err)
{
    *out = O;
    out->path = path;
    out->poll = cli_interrupted;
    cli_tune.read = cli_data.o;
    cli_tune.read.slick = cli_data.protocol != NULL && strcmp(cli_data.protocol, "slick") == 0;
    out->read = &cli_tune.read;
    out->splits = cli_names(&cli_tune.splits);
    out->relations = cli_names(&cli_tune.relations);
    for (int i = 0; i < cli_tune.mix.n; i++) {
        int rc = parse_mix(&cli_tune.part[i], cli_tune.mix.item[i], err);
        if (rc != KEN_OK) return rc;
    }
    if (cli_tune.subjects != NULL) {
        int rc = parse_part(cli_tune.subjects, &out->subject_min, &out->subject_max, err);
        if (rc != KEN_OK) return rc;
    }
    out->half_within = strcmp(cli_tune.half_within, "relation") == 0;
    out->idk = cli_tune.idk.item;
    out->n_idk = cli_tune.idk.n;
    out->mix = cli_tune.part;
    out->n_mix = (size_t)cli_tune.mix.n;
    return KEN_OK;
}

/* Without a size a variant takes as little as the rarest category allows, which may be next to nothing. */
static void note_variant(const ken_train_data_stats *d)
{
    char a[32], b[32], most[80] = "";
    if (d->variant_of == 0 || d->variant_rows == d->variant_of || d->variant_rows == d->variant_most) return;
    if (d->variant_most > d->variant_rows)
        snprintf(most, sizeof most, ", %s at most", ken_count_text(b, d->variant_most));
    cli_note("the variant takes %s of %s rows: without --size each relation gives as many as its rarest category has; "
             "ask for more with --size%s",
             ken_count_text(a, d->variant_rows), ken_count_text((char[32]){0}, d->variant_of), most);
}

void cli_tune_notes(const ken_train_data_stats *d)
{
    const struct {
        size_t n;
        const char *what;
    } odd[] = {{d->bad, "bad rows were dropped"},
               {d->too_long, "rows were dropped because they are longer than --max-length"},
               {d->unmatched, "rows are not in the run that --labels names, and count as not annotated"},
               {d->conflicts, "rows have the prompt of an earlier one and another target"},
               {d->newline, "targets hold a newline, where ken eval stops reading an answer"},
               {d->choice, "rows are multiple choice: the question is asked without its options, and the text of the "
                           "right one is the answer"},
               {d->relations_left_out, "relations have no row in the variant"},
               {d->spread, "rows come from relations that lack either Known or Unknown rows"},
               {d->unranked, "rows are in neither half: they lack the number that ranks them"},
               {d->partnerless,
                "Unknown rows found no Known one of their relation and decile of popularity, and were dropped"},
               {d->own, "targets are the model's own answers"},
               {d->own_wrong, "of these are not accepted answers"},
               {d->ownless, "rows were dropped: the run holds no answer of the model's own to them"},
               {d->sure, "targets say that they are sure"},
               {d->unsure, "targets say that they are unsure"},
               {d->tail_repeated, "rows of the known tail are also among the other rows"}};
    char a[32];
    for (const char *s = d->notes, *end; s != NULL && s[0] != '\0'; s = end + (end[0] == '\n')) {
        end = s + strcspn(s, "\n");
        cli_note("%.*s", (int)(end - s), s);
    }
    cli_note_cleaned(d->cleaned);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (odd[i].n > 0) cli_note("%s %s", ken_count_text(a, odd[i].n), odd[i].what);
    note_variant(d);
    if (d->matched_by != NULL && strcmp(d->matched_by, "answer") == 0)
        cli_note("no row has a popularity: rows were matched by how often their answer occurs in the data");
    if (d->ranked_by != NULL)
        cli_note("halves are ranked by %s", strcmp(d->ranked_by, "p") == 0 ? "P_Correct" : d->ranked_by);
}
