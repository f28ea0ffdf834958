/* data_options.c - see data_options.h. */
#include "cli/data_options.h"
#include "cli/cli.h"
#include <string.h>

cli_data_settings cli_data;

const cli_option cli_data_options[] = {
    {"format", 0, "NAME", CLI_CHOICE, &cli_data.o.format, "format of the data (default: found from the content)",
     .choices = "entityquestions|popqa|mmlu|jsonl|csv|tsv|chat|sharegpt|alpaca|prompt|axolotl|text|squad|triviaqa|nq|"
                "truthfulqa|"
                "lama",
     .heading = "How the data are read"},
    {"protocol", 0, "NAME", CLI_CHOICE, &cli_data.protocol,
     "slick: the filters of the paper (EntityQuestions): one answer, no train row with a test subject, 12 and 7 "
     "relations",
     .choices = "slick"},
    {"question-field", 0, "NAME", CLI_STRING, &cli_data.o.question_field,
     "name of the question's field or column, or a path to it, as in data.question"},
    {"answer-field", 0, "NAME", CLI_STRING, &cli_data.o.answer_field,
     "name of the field with the answer or the list of answers, or a path to it, as in answer.aliases"},
    {"id-field", 0, "NAME", CLI_STRING, &cli_data.o.id_field, "name of the id's field"},
    {"relation-field", 0, "NAME", CLI_STRING, &cli_data.o.relation_field, "name of the relation's field"},
    {"subject-field", 0, "NAME", CLI_STRING, &cli_data.o.subject_field, "name of the subject's field"},
    {"split-field", 0, "NAME", CLI_STRING, &cli_data.o.split_field, "name of the split's field"},
    {"popularity-field", 0, "NAME", CLI_STRING, &cli_data.o.popularity_field, "name of the popularity's field"},
    {"templates", 0, "FILE", CLI_STRING, &cli_data.o.templates,
     "a question for each relation, as {\"P36\": \"What is the capital of [X]?\"}: asked where rows have a subject and "
     "no question, "
     "and what subjects are found by (default for EntityQuestions: beside the data)",
     .flags = CLI_IO | CLI_PATH},
    {"aliases", 0, "FILE", CLI_STRING, &cli_data.o.aliases, "JSON object from an answer to a list of other spellings",
     .flags = CLI_IO | CLI_PATH},
    {"skip-bad", 0, NULL, CLI_FLAG, &cli_data.o.skip_bad, "drop malformed rows and count them, instead of stopping"},
    {0}};

void cli_data_init(void) { cli_data = (cli_data_settings){.o = ken_data_defaults()}; }

void cli_note_cleaned(size_t rows)
{
    char n[32];
    if (rows > 0)
        cli_note(
            "%s row%s had white space or invisible characters around an answer or a name, or invisible ones in it; "
            "these were left out",
            ken_count_text(n, rows), rows == 1 ? "" : "s");
}

static int open_data(ken_data **out, const char *path, const ken_data_options *o, ken_err *err)
{
    int rc = ken_data_open(out, path, o, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; ken_data_note(*out, i) != NULL; i++) {
        char text[1200];
        snprintf(text, sizeof text, "%s", ken_data_note(*out, i));
        cli_name_options(NULL, text, sizeof text);
        cli_note("%s", text);
    }
    cli_note_cleaned(ken_data_get_stats(*out)->cleaned);
    return KEN_OK;
}

int cli_data_open(ken_data **out, const char *path, ken_err *err)
{
    ken_data_options o = cli_data.o;
    o.slick = cli_data.protocol != NULL && strcmp(cli_data.protocol, "slick") == 0;
    return open_data(out, path, &o, err);
}

int cli_data_open_exemplars(ken_data **out, const char *path, ken_err *err)
{
    if (path == NULL) return KEN_OK;
    ken_data_options o = cli_data.o;
    o.format = NULL; /* exemplars may well come in another format than the data */
    o.slick = o.skip_bad = false;
    return open_data(out, path, &o, err);
}

int cli_data_open_fallback(ken_data **out, const char *exemplars, ken_err *err)
{
    const char *path = exemplars == NULL ? cli_world_path() : NULL;
    return path != NULL ? ken_data_open(out, path, NULL, err) : KEN_OK;
}
