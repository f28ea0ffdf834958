/* test_export.c - fine-tuning sets as other programs read them: golden files, keys, hostile text, reading back what was written, templates,
 * dataset_info.json, hashes. */
#include "exported.h"
#include "base/alloc.h"
#include "tune/draft.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- golden files --------------------------------------------------------------------------------------------------- */

static void same_file(const char *path, const char *golden)
{
    char name[512];
    snprintf(name, sizeof name, KEN_FIXTURES "/tune/export/%s", golden);
    char *is_now = contents(path);
    if (getenv("KEN_UPDATE_GOLDEN") != NULL) put(name, is_now); /* then look at the difference */
    char *was = contents(name);
    if (strcmp(is_now, was) != 0) fail_msg("%s differs from %s:\n%s\ninstead of\n%s", path, name, is_now, was);
    ken_free(is_now);
    ken_free(was);
}

static void test_golden(void **state)
{
    (void)state;
    for (int f = 0; f < N_FORMATS; f++) {
        const char *dir = fresh(), *path = at(dir, file_of(formats[f]));
        const ken_export_options o = to(formats[f]);
        char name[64];
        must_export(facts, N_FACTS, &o, path);
        const bool described = is(formats[f], "alpaca") || is(formats[f], "sharegpt");
        if (is(formats[f], "mlx")) {
            same_file(at(path, "train.jsonl"), "mlx.train.jsonl");
            same_file(at(path, "valid.jsonl"), "mlx.valid.jsonl");
            same_file(at(path, "manifest.json"), "mlx.manifest.json");
            assert_int_equal(count(path), 3);
            continue;
        }
        snprintf(name, sizeof name, "%s%s", formats[f], strrchr(path, '.'));
        same_file(path, name);
        snprintf(name, sizeof name, "%s.manifest.json", formats[f]);
        same_file(at(dir, is(formats[f], "csv") ? "set.csv.manifest.json"
                          : described           ? "set.json.manifest.json"
                                                : "set.jsonl.manifest.json"),
                  name);
        snprintf(name, sizeof name, "%s.dataset_info.json", formats[f]);
        if (described) same_file(at(dir, "dataset_info.json"), name);
        assert_int_equal(count(dir), described ? 3 : 2);
    }
}

/* The same rows give the same bytes, over an older file too. */
static void test_again(void **state)
{
    (void)state;
    for (int f = 0; f < N_FORMATS; f++) {
        const char *dir = fresh(), *path = at(dir, file_of(formats[f]));
        const ken_export_options o = to(formats[f]);
        const char *rows = is(formats[f], "mlx") ? at(path, "train.jsonl") : path;
        const char *manifest = is(formats[f], "mlx") ? at(path, "manifest.json") : NULL;
        char beside[8300];
        snprintf(beside, sizeof beside, "%s.manifest.json", path);
        if (manifest == NULL) manifest = beside;
        must_export(facts, N_FACTS, &o, path);
        char *first = contents(rows), *first_manifest = contents(manifest);
        must_export(facts, 1, &o, path);
        must_export(facts, N_FACTS, &o, path);
        char *again = contents(rows), *again_manifest = contents(manifest);
        assert_string_equal(first, again);
        assert_string_equal(first_manifest, again_manifest);
        ken_free(first);
        ken_free(again);
        ken_free(first_manifest);
        ken_free(again_manifest);
    }
}

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

static void check_keys(const json_t *row, const char *expected)
{
    ken_buf keys = {0};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)row, key, v) ken_buf_printf(&keys, "%s ", key);
    assert_string_equal(ken_buf_str(&keys), expected);
    ken_buf_free(&keys);
}

static void test_keys(void **state)
{
    (void)state;
    static const char extra[] = "id relation category p_t0 p_t weight ";
    static const struct {
        const char *format, *strict, *more;
    } expected[] = {
        {"trl", "prompt completion ", extra},
        {"messages", "messages ", extra},
        {"alpaca", "instruction input output ", extra},
        {"sharegpt", "conversations ", extra},
        {"axolotl", "segments ", extra},
        {"text", "text ", extra},
        {"jsonl", "question answers target ",
         "id relation subject split popularity category p_t0 p_t p_unknown weight "},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        for (int strict = 0; strict < 2; strict++) {
            ken_export_options o = to(expected[i].format);
            o.strict_keys = strict == 1;
            const char *path = at(fresh(), "set.jsonl");
            must_export(facts, 2, &o, path);
            char *text = contents(path), all[512];
            char *newline = strchr(text, '\n');
            assert_non_null(newline);
            *newline = '\0';
            json_t *row = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
            assert_non_null(row);
            snprintf(all, sizeof all, "%s%s", expected[i].strict, strict == 1 ? "" : expected[i].more);
            check_keys(row, all);
            json_decref(row);
            ken_free(text);
        }
    ken_export_options o = to("csv");
    o.strict_keys = true;
    const char *path = at(fresh(), "set.csv");
    must_export(facts, 1, &o, path);
    char *text = contents(path);
    assert_string_equal(text, "question,answers,target\n"
                              "What is the capital of France?,\"[\"\"Paris\"\",\"\"City of Paris\"\"]\",Paris\n");
    ken_free(text);
}

/* ---- reading back --------------------------------------------------------------------------------------------------- */

static const char long_text[] = "a very long question: ";

/* Text that other programs might misread, and what it is after a round trip. */
static const struct {
    const char *in, *out;
} hostile[] = {
    {"plain", "plain"},
    {"two\nlines", "two\nlines"},
    {"tab\tand\rreturn\r\nand both", "tab\tand\rreturn\r\nand both"},
    {"bell \a escape \x1b[31m and \x7f", "bell \a escape \x1b[31m and \x7f"},
    {"\"quoted\", 'single', \\back\\slash", "\"quoted\", 'single', \\back\\slash"},
    {"=HYPERLINK(\"http://example.org\")", "=HYPERLINK(\"http://example.org\")"},
    {"</script><b>&amp;", "</script><b>&amp;"},
    {"[1, 2]", "[1, 2]"},
    {"{question} {relation}", "{question} {relation}"},
    {"next\xC2\x85line \xE2\x80\xA8 separator \xE2\x80\xA9", "next\xC2\x85line \xE2\x80\xA8 separator \xE2\x80\xA9"},
    {"broken \xFF\xC3( \xE2\x82 \xED\xA0\x80",
     "broken \xEF\xBF\xBD\xEF\xBF\xBD( \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"<s>begin</s>", "<s>begin</s>"},
    {"Ünïcödé \xF0\x9F\x90\xA7 \xD8\xB9", "Ünïcödé \xF0\x9F\x90\xA7 \xD8\xB9"},
};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

static void check_back(const char *format, const ken_draft *r, const char *question, const char *answer,
                       const char *target)
{
    char prompt[256], text[512];
    snprintf(prompt, sizeof prompt, HEAD "%s\n", question);
    if (is(format, "csv") || is(format, "jsonl")) {
        assert_string_equal(r->question, question);
        assert_int_equal(r->n_answers, 1);
        assert_string_equal(r->answers[0], answer);
        assert_string_equal(r->target, target);
        return;
    }
    assert_int_equal(r->n_turns, 1);
    if (is(format, "text")) {
        snprintf(text, sizeof text, "%s%s", prompt, target);
        assert_string_equal(r->target, text);
    } else {
        snprintf(text, sizeof text, "%s", prompt);
        assert_string_equal(r->turns[0].text, text);
        assert_string_equal(r->target, target);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    for (int f = 0; f < N_FORMATS; f++) {
        if (is(formats[f], "mlx")) continue; /* text in a folder */
        ken_selected rows[N_HOSTILE];
        const char *answers[N_HOSTILE];
        for (int i = 0; i < N_HOSTILE; i++) {
            answers[i] = hostile[i].in;
            rows[i] = facts[0];
            rows[i].id = i == 0 ? "a" : i == 1 ? "a" : NULL; /* twice, and none */
            rows[i].question = hostile[i].in;
            rows[i].answers = &answers[i];
            rows[i].n_answers = 1;
            rows[i].target = hostile[N_HOSTILE - 1 - i].in;
        }
        ken_export_options o = to(formats[f]);
        const char *path = at(fresh(), file_of(formats[f]));
        must_export(rows, N_HOSTILE, &o, path);
        ken_drafts d = {0};
        ken_train_data from = ken_train_data_defaults();
        ken_err err = {0};
        from.path = path;
        if (ken_drafts_read(&d, &from, &err) != KEN_OK) fail_msg("%s: %s", formats[f], err.msg);
        assert_int_equal(d.n, N_HOSTILE);
        for (int i = 0; i < N_HOSTILE; i++) {
            check_back(formats[f], &d.rows[i], hostile[i].out, hostile[i].out, hostile[N_HOSTILE - 1 - i].out);
            assert_int_equal(d.rows[i].category, KEN_HIGHLY_KNOWN);
            assert_true(d.rows[i].p == 0.9921875);
            assert_string_equal(d.rows[i].relation, "P36");
        }
        assert_string_equal(d.rows[0].id, "a");
        assert_string_equal(d.rows[1].id, "a#2");
        ken_drafts_free(&d);
        /* A line a row, whatever the reader takes for a line end. */
        char *text = contents(path);
        size_t lines = 0;
        for (const char *p = text; *p != '\0'; p++) {
            lines += *p == '\n';
            if (is(formats[f], "csv")) continue;
            assert_true((unsigned char)*p >= ' ' || *p == '\n');
            assert_true(strncmp(p, "\xC2\x85", 2) != 0 && strncmp(p, "\xE2\x80\xA8", 3) != 0);
        }
        if (!is(formats[f], "csv")) assert_int_equal(lines, N_HOSTILE + (strstr(path, ".jsonl") == NULL ? 2 : 0));
        ken_free(text);
    }
}

static void test_long(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 18, MANY = 12 };
    char *text = malloc(LENGTH + 1);
    assert_non_null(text);
    for (int i = 0; i < LENGTH; i++) text[i] = long_text[(size_t)i % (sizeof long_text - 1)];
    text[LENGTH - 1] = '?';
    text[LENGTH] = '\0';
    ken_selected row = facts[0];
    row.question = text;
    for (int f = 0; f < N_FORMATS; f++) {
        if (is(formats[f], "mlx")) continue;
        const ken_export_options o = to(formats[f]);
        const char *path = at(fresh(), file_of(formats[f]));
        must_export(&row, 1, &o, path);
        ken_drafts d = {0};
        ken_train_data from = ken_train_data_defaults();
        ken_err err = {0};
        from.path = path;
        if (ken_drafts_read(&d, &from, &err) != KEN_OK) fail_msg("%s: %s", formats[f], err.msg);
        const ken_draft *r = &d.rows[0];
        const char *back = r->question != NULL ? r->question : is(formats[f], "text") ? r->target : r->turns[0].text;
        assert_non_null(strstr(back, text));
        ken_drafts_free(&d);
    }
    memset(text, '\a', LENGTH); /* six bytes each when escaped */
    text[0] = 'x';
    const char *many[MANY];
    for (int i = 0; i < MANY; i++) many[i] = text;
    row.answers = many;
    row.n_answers = MANY;
    const ken_export_options o = to("jsonl");
    const ken_export_part part[KEN_N_PARTS] = {{.row = &row, .n = 1}};
    const char *dir = fresh();
    refuse(part, &o, at(dir, "set.jsonl"), KEN_EINPUT, "can be read back");
    assert_int_equal(count(dir), 0);
    free(text);
}

/* Numbers come back bit for bit, and a real number is never taken for a whole one. */
static void test_numbers(void **state)
{
    (void)state;
    static const double values[] = {0, 1, 0.1, 1.0 / 3, 1e-300, 0x1.fffffffffffffp-1, 5e-324, 0.30000000000000004};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int csv = 0; csv < 2; csv++) {
            ken_selected row = facts[0];
            row.p_t = values[i];
            row.weight = (double)(float)(values[i] * 1000);
            row.popularity = values[i] * 1e15;
            const ken_export_options o = to(csv == 1 ? "csv" : "jsonl");
            const char *path = at(fresh(), csv == 1 ? "set.csv" : "set.jsonl");
            must_export(&row, 1, &o, path);
            ken_drafts d = {0};
            ken_train_data from = ken_train_data_defaults();
            ken_err err = {0};
            from.path = path;
            if (ken_drafts_read(&d, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
            assert_true(d.rows[0].p == values[i]);
            assert_true((float)d.rows[0].weight == (float)row.weight);
            assert_true(d.rows[0].popularity == row.popularity);
            ken_drafts_free(&d);
            if (csv == 1) continue;
            char *text = contents(path);
            json_t *j = json_loads(text, 0, NULL);
            assert_true(json_is_real(json_object_get(j, "p_t")) && json_is_real(json_object_get(j, "weight")));
            json_decref(j);
            ken_free(text);
        }
}

/* ---- templates ------------------------------------------------------------------------------------------------------ */

static void test_templates(void **state)
{
    (void)state;
    static const struct {
        const char *format, *template_text, *row; /* the row's beginning */
    } cases[] = {
        {"trl",
         "Q: {question}\nA: ", "{\"prompt\":\"Q: What is the capital of France?\\nA: \",\"completion\":\"Paris\"}"},
        {"alpaca", "Be brief.\nOn {subject}:\n{question}\n",
         "{\"instruction\":\"Be brief.\\nOn France:\",\"input\":\"What is the capital of "
         "France?\",\"output\":\"Paris\"}"},
        {"alpaca", "Q: {question}\nA:\n",
         "{\"instruction\":\"Q: What is the capital of France?\\nA:\",\"input\":\"\",\"output\":\"Paris\"}"},
        {"alpaca", "{question}\n",
         "{\"instruction\":\"What is the capital of France?\",\"input\":\"\",\"output\":\"Paris\"}"},
        {"text", "{relation}: {question} ", "{\"text\":\"P36: What is the capital of France? Paris\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_export_options o = to(cases[i].format);
        o.prompt_template = cases[i].template_text;
        o.strict_keys = true;
        const char *dir = fresh(), *path = at(dir, "set.jsonl");
        must_export(facts, 1, &o, path);
        char *text = contents(path);
        assert_non_null(strchr(text, '\n'));
        *strchr(text, '\n') = '\0';
        assert_string_equal(text, cases[i].row);
        ken_free(text);
        text = contents(at(dir, "set.jsonl.manifest.json"));
        json_t *m = json_loads(text, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(m, "template")), cases[i].template_text);
        json_decref(m);
        ken_free(text);
        if (is(cases[i].format, "text")) continue;
        ken_drafts d = {0}; /* the prompt, whole again */
        ken_train_data from = ken_train_data_defaults();
        ken_prompt_style style;
        ken_buf prompt = {0};
        ken_err err = {0};
        from.path = path;
        if (ken_drafts_read(&d, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_int_equal(ken_zero_shot_style(&style, o.prompt_template, false, NULL, &err), KEN_OK);
        const ken_example x = {.question = facts[0].question, .relation = "P36", .subject = "France"};
        ken_zero_shot_text(&style, &x, &prompt);
        assert_string_equal(d.rows[0].turns[0].text, ken_buf_str(&prompt));
        ken_buf_free(&prompt);
        ken_drafts_free(&d);
    }
}

/* ---- dataset_info.json ---------------------------------------------------------------------------------------------- */

static void test_info(void **state)
{
    (void)state;
    const char *dir = fresh();
    char info[1024];
    snprintf(info, sizeof info, "%s/dataset_info.json", dir);
    static const char theirs[] =
        "{\"zebra\": {\"file_name\": \"z.json\", \"num_samples\": 12, \"x\": [1, 2.5, null, \"\\u00e9\"]},\n"
        " \"alpha\": {\"hf_hub_url\": \"someone/alpha\"}}";
    put(info, theirs);
    ken_export_options o = to("alpaca");
    must_export(facts, 2, &o, at(dir, "facts.v2.json"));
    o = to("sharegpt");
    o.name = "talk";
    must_export(facts, 2, &o, at(dir, "talk.jsonl"));
    must_export(facts, 1, &o, at(dir, "talk.jsonl")); /* again: the same entry */
    char *text = contents(info);
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *before = json_loads(theirs, 0, NULL);
    check_keys(j, "zebra alpha facts.v2 talk ");
    assert_true(json_equal(json_object_get(j, "zebra"), json_object_get(before, "zebra")));
    assert_true(json_equal(json_object_get(j, "alpha"), json_object_get(before, "alpha")));
    check_keys(json_object_get(j, "facts.v2"), "file_name columns ");
    assert_string_equal(json_string_value(json_object_get(json_object_get(j, "talk"), "file_name")), "talk.jsonl");
    json_decref(j);
    json_decref(before);

    /* Someone else's name, and damaged files: refused, and nothing has changed. */
    const ken_export_part part[KEN_N_PARTS] = {{.row = facts, .n = 2}};
    const int files = count(dir);
    o.name = "zebra";
    refuse(part, &o, at(dir, "talk.jsonl"), KEN_EUSAGE, "another data set");
    static const char *const damaged[] = {
        "", "{", "[]", "{\"a\":1,\"a\":2}", "{\"a\":\"\xFF\"}", "{} x", "{\"zebra\": {\"file_"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        put(info, damaged[i]);
        o.name = NULL;
        refuse(part, &o, at(dir, "new.json"), KEN_EINPUT, "dataset_info.json");
        char *now = contents(info);
        assert_string_equal(now, damaged[i]);
        ken_free(now);
        assert_int_equal(count(dir), files);
    }
    /* Cut at every length: never a crash, and never half a list taken for the whole. */
    for (size_t n = 1; n < strlen(text); n++) {
        char *cut = ken_strndup(text, n);
        put(info, cut);
        ken_err err = {0};
        ken_buf b = {0};
        const int rc = ken_export_info(&b, info, "facts.v2", "facts.v2.json", KEN_TO_ALPACA, &err);
        assert_int_equal(rc, n + 1 == strlen(text) ? KEN_OK : KEN_EINPUT); /* the last byte is a newline */
        ken_buf_free(&b);
        ken_free(cut);
    }
    ken_free(text);
}

/* ---- standard output, hashes ---------------------------------------------------------------------------------------- */

static void test_stdout(void **state)
{
    (void)state;
    const char *dir = fresh(), *caught = at(dir, "out"), *path = at(dir, "set.jsonl");
    for (int f = 0; f < N_FORMATS; f++) {
        if (is(formats[f], "mlx")) continue;
        const ken_export_options o = to(formats[f]);
        ken_err err = {0};
        must_export(facts, N_FACTS, &o, path);
        fflush(stdout);
        const int keep = dup(STDOUT_FILENO);
        FILE *there = fopen(caught, "wb");
        assert_non_null(there);
        assert_true(dup2(fileno(there), STDOUT_FILENO) >= 0);
        const int rc = export(facts, N_FACTS, &o, "-", &err);
        assert_true(dup2(keep, STDOUT_FILENO) >= 0);
        close(keep);
        fclose(there);
        assert_int_equal(rc, KEN_OK);
        char *a = contents(caught), *b = contents(path);
        assert_string_equal(a, b);
        ken_free(a);
        ken_free(b);
    }
}

static void test_hashes(void **state)
{
    (void)state;
    const char *dir = fresh();
    const ken_export_options o = to("mlx");
    ken_export_part part[KEN_N_PARTS] = {
        {.row = facts, .n = 3}, {.row = facts + 3, .n = 1}, {.row = facts + 4, .n = 1}};
    ken_err err = {0};
    const char *path = at(dir, "set/");
    if (ken_export_parts(part, &o, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *text = contents(at(dir, "set/manifest.json"));
    json_t *m = json_loads(text, 0, NULL), *files = json_object_get(m, "files"), *v;
    size_t i;
    assert_int_equal(json_array_size(files), 3);
    json_array_foreach(files, i, v)
    {
        char name[64], hex[65];
        snprintf(name, sizeof name, "set/%s", json_string_value(json_object_get(v, "name")));
        char *rows = contents(at(dir, name));
        ken_sha256 *h = ken_sha256_new();
        ken_sha256_add(h, rows, strlen(rows));
        ken_sha256_hex(h, hex);
        assert_string_equal(json_string_value(json_object_get(v, "sha256")), hex);
        assert_int_equal(json_integer_value(json_object_get(v, "bytes")), strlen(rows));
        ken_free(rows);
    }
    const json_t *train = json_object_get(json_object_get(m, "train"), "categories");
    assert_int_equal(json_integer_value(json_object_get(train, "HighlyKnown")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(m, "train"), "relabelled")), 1);
    json_decref(m);
    ken_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),    cmocka_unit_test(test_again), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hostile),   cmocka_unit_test(test_long),  cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_templates), cmocka_unit_test(test_info),  cmocka_unit_test(test_stdout),
        cmocka_unit_test(test_hashes),
    };
    return cmocka_run_group_tests_name("tune-export", tests, NULL, tiny_remove_folder);
}
