/* test_export.c - fine-tuning sets as other programs read them: golden files, keys, hostile text, reading back what was written,
 * dataset_info.json, manifests, and that files appear together or not at all. */
#include "tiny.h"
#include "base/alloc.h"
#include "base/file.h"
#include "tune/draft.h"
#include "tune/export.h"
#include "tune/selection.h"
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "Answer the following question.\n"

/* ---- rows, files ---------------------------------------------------------------------------------------------------- */

static const char *const paris[] = {"Paris", "City of Paris"};
static const char *const who[] = {"Émile \"Mimi\" Dubois, baker"};
static const char *const iron[] = {"Fe"};

/* Our own facts: plain, with quotes and a comma, relabelled, without most of what may be known. */
static const ken_selected facts[] = {{.id = "P36/train/3",
                                      .relation = "P36",
                                      .split = "train",
                                      .question = "What is the capital of France?",
                                      .subject = "France",
                                      .answers = paris,
                                      .n_answers = 2,
                                      .target = "Paris",
                                      .category = KEN_HIGHLY_KNOWN,
                                      .p_t0 = 1,
                                      .p_t = 0.9921875,
                                      .p_unknown = 0,
                                      .popularity = 120000,
                                      .weight = 1},
                                     {.id = "P7/train/0",
                                      .relation = "P7",
                                      .split = "train",
                                      .question = "Who bakes \"pain, blanc\"?",
                                      .answers = who,
                                      .n_answers = 1,
                                      .target = "Émile \"Mimi\" Dubois, baker",
                                      .category = KEN_WEAKLY_KNOWN,
                                      .p_t0 = 0,
                                      .p_t = 0.1,
                                      .p_unknown = 1.0 / 3,
                                      .popularity = NAN,
                                      .weight = (double)0.3F},
                                     {.id = "P7/train/9",
                                      .relation = "P7",
                                      .split = "train",
                                      .question = "Which symbol has iron?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "I don't know",
                                      .category = KEN_UNKNOWN,
                                      .p_t0 = 0,
                                      .p_t = 1e-9,
                                      .p_unknown = 1,
                                      .popularity = 7.5,
                                      .weight = 1,
                                      .relabelled = true},
                                     {.id = "x",
                                      .relation = "",
                                      .split = "",
                                      .question = "Which symbol has iron, again?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "Fe",
                                      .category = KEN_UNLABELLED,
                                      .p_t0 = NAN,
                                      .p_t = NAN,
                                      .p_unknown = NAN,
                                      .popularity = NAN,
                                      .weight = 1},
                                     {.id = "y",
                                      .relation = "",
                                      .split = "",
                                      .question = "And again?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "Fe",
                                      .category = KEN_N_CATEGORIES,
                                      .p_t0 = NAN,
                                      .p_t = NAN,
                                      .p_unknown = NAN,
                                      .popularity = NAN,
                                      .weight = 1}};
enum { N_FACTS = sizeof facts / sizeof *facts };

static const ken_selected held_out = {.id = "P36/dev/1",
                                      .relation = "P36",
                                      .split = "dev",
                                      .question = "What is the capital of Spain?",
                                      .answers = paris,
                                      .n_answers = 2,
                                      .target = "Madrid",
                                      .category = KEN_MAYBE_KNOWN,
                                      .p_t0 = 0.5,
                                      .p_t = 0.25,
                                      .p_unknown = 0,
                                      .popularity = NAN,
                                      .weight = 1};

static const char *const formats[] = {"trl",  "messages", "alpaca", "sharegpt", "axolotl",
                                      "text", "mlx",      "csv",    "jsonl"};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* A fresh folder inside the test's; the path is static as in tiny_path. */
static const char *fresh(void)
{
    static int n;
    char name[32];
    snprintf(name, sizeof name, "d%d", n++);
    const char *path = tiny_path(name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

/* folder/name; static, valid until the 32nd next call. */
static const char *at(const char *folder, const char *name)
{
    static char path[32][1024];
    static int next;
    char joined[1024];
    assert_in_range(snprintf(joined, sizeof joined, "%s/%s", folder, name), 1, sizeof joined - 1);
    next = (next + 1) % 32;
    memcpy(path[next], joined, sizeof joined);
    return path[next];
}

/* How many entries a folder has: temporary files would show. */
static int count(const char *folder)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    int n = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

/* The whole file as a string, the caller's. */
static char *contents(const char *path)
{
    ken_map m;
    ken_err err;
    if (ken_map_file(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *s = ken_strndup(m.data != NULL ? (const char *)m.data : "", m.size);
    ken_unmap(&m);
    assert_non_null(s);
    return s;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* The rows' file that a format usually gets. */
static const char *file_of(const char *format)
{
    if (is(format, "mlx")) return "mlx";
    if (is(format, "csv")) return "set.csv";
    return is(format, "alpaca") || is(format, "sharegpt") ? "set.json" : "set.jsonl";
}

static ken_export_options to(const char *format)
{
    ken_export_options o = ken_export_defaults();
    o.format = format;
    if (is(format, "axolotl")) {
        o.bos = "<s>";
        o.eos = "</s>";
    }
    return o;
}

static int export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path, ken_err *err)
{
    ken_export_part part[KEN_N_PARTS] = {{.row = rows, .n = n}};
    if (o->format != NULL && is(o->format, "mlx")) part[KEN_PART_VALID] = (ken_export_part){.row = &held_out, .n = 1};
    return ken_export_parts(part, o, path, err);
}

static void must_export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path)
{
    ken_err err = {0};
    if (export(rows, n, o, path, &err) != KEN_OK) fail_msg("%s: %s", o->format, err.msg);
}

static void refuse(const ken_export_part *part, const ken_export_options *o, const char *path, int status,
                   const char *why)
{
    ken_err err = {0};
    assert_int_equal(ken_export_parts(part, o, path, &err), status);
    if (strstr(err.msg, why) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

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

/* Text that a reader might stumble over, and what it is after a round trip. */
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

/* ---- as a training set ---------------------------------------------------------------------------------------------- */

static tiny model;

static int set_up(void **state)
{
    (void)state;
    model = tiny_new();
    return 0;
}

static int tear_down(void **state)
{
    tiny_free(&model);
    return tiny_remove_folder(state);
}

/* What `ken train -d` makes of each format: the tokens of prompt and target, and what the rows say. */
static void test_train(void **state)
{
    (void)state;
    for (int f = 0; f <= N_FORMATS; f++) { /* the last: sharegpt for base prompts, with begin and end tokens */
        const char *format = f < N_FORMATS ? formats[f] : "sharegpt";
        ken_export_options o = to(format);
        const bool spelled = is(format, "axolotl") || f == N_FORMATS;
        if (spelled) {
            o.bos = o.eos = NULL;
            o.model = model.model;
        }
        const char *path = at(fresh(), file_of(format));
        must_export(facts, N_FACTS, &o, path);
        const bool mlx = is(format, "mlx"), csv = is(format, "csv"), text = mlx || is(format, "text");
        char *file = mlx ? NULL : contents(path);
        if (!mlx)
            assert_true((strstr(file, "\"<bos>"
                                      "Answer") != NULL &&
                         strstr(file, "Paris<eos>\"") != NULL) == spelled);
        ken_free(file);
        ken_train_data from = ken_train_data_defaults();
        from.path = path; /* of a folder the train split */
        ken_tune_set *s = tiny_set(&model, &from);
        const size_t n = csv || is(format, "jsonl") ? 3 : N_FACTS; /* those of the train split */
        assert_int_equal(ken_tune_set_count(s), n);
        for (size_t i = 0; i < n; i++) {
            const ken_tune_row *r = ken_tune_set_row(s, i);
            char expected[512];
            snprintf(expected, sizeof expected, "%s" HEAD "%s\n%s<eos>", "<bos>", facts[i].question, facts[i].target);
            assert_string_equal(tiny_text(&model, r->ids, r->n_ids), expected);
            snprintf(expected, sizeof expected, "%s<eos>", facts[i].target);
            if (!text) assert_string_equal(tiny_text(&model, r->ids + r->n_prompt, r->n_ids - r->n_prompt), expected);
            if (!text) assert_string_equal(r->question, facts[i].question);
            assert_string_equal(r->id, facts[i].id);
            assert_string_equal(r->relation, facts[i].relation);
            assert_int_equal(r->category,
                             csv && facts[i].category > KEN_UNLABELLED ? KEN_N_CATEGORIES : facts[i].category);
            assert_true(r->weight == (float)facts[i].weight);
        }
        ken_tune_set_free(s);
    }
}

/* ---- as a selection ------------------------------------------------------------------------------------------------- */

/* What the rows came from is not written over. */
static void refuse_input(const ken_selection *s, const ken_export_options *o, const char *path)
{
    ken_err err = {0};
    assert_int_equal(ken_export(s, o, path, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "come from there"));
}

static void same_number(double a, double b) { assert_true(isnan(a) ? isnan(b) : a == b); }

/* Of a run, written and selected again from each format: the same rows, as far as the format has a place for what is known of them. */
static void test_select(void **state)
{
    (void)state;
    static const size_t have[2][5] = {{3, 2, 4, 5, 0}, {2, 3, 1, 4, 0}};
    static const char *const phrases[] = {"I don't know", "No idea"};
    ken_train_data from = ken_train_data_defaults();
    ken_selection *a, *b, *v;
    ken_err err = {0};
    from.path = tiny_run("a.ken", have, 2);
    from.limit = 3;
    if (ken_select(&v, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
    from.limit = 0;
    from.idk = phrases;
    from.n_idk = 2;
    from.known_tail = 0.9; /* more than there are: the tail repeats rows, whose ids get a number */
    from.weights = "p";
    if (ken_select(&a, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
    const size_t n = ken_selection_count(a);
    assert_true(ken_selection_stats(a)->tail_repeated > 0);
    for (int f = 0; f < N_FORMATS; f++) {
        const char *path = at(fresh(), file_of(formats[f]));
        ken_export_options o = to(formats[f]);
        if (is(formats[f], "mlx")) o.valid = v;
        if (ken_export(a, &o, path, &err) != KEN_OK) fail_msg("%s: %s", formats[f], err.msg);
        ken_train_data again = ken_train_data_defaults();
        again.path = path;
        if (ken_select(&b, &again, &err) != KEN_OK) fail_msg("%s: %s", formats[f], err.msg);
        assert_int_equal(ken_selection_count(b), n);
        const bool all = is(formats[f], "csv") || is(formats[f], "jsonl");
        for (size_t i = 0; i < n; i++) {
            const ken_selected *x = ken_selection_row(a, i), *y = ken_selection_row(b, i);
            assert_int_equal(strncmp(y->id, x->id, strlen(x->id)), 0);
            if (!x->tail) assert_string_equal(y->id, x->id);
            assert_string_equal(y->relation, x->relation);
            assert_string_equal(y->question, x->question);
            assert_string_equal(y->target, x->target);
            if (!is(formats[f], "csv") || x->category < KEN_UNLABELLED) assert_int_equal(y->category, x->category);
            same_number(y->p_t, x->p_t);
            same_number(y->p_t0, x->p_t0);
            assert_true((float)y->weight == (float)x->weight);
            assert_int_equal(y->tail, x->tail);
            if (!all) continue;
            assert_string_equal(y->split, x->split);
            assert_int_equal(y->n_answers, x->n_answers);
            assert_string_equal(y->answers[1], x->answers[1]);
            same_number(y->p_unknown, x->p_unknown);
            same_number(y->popularity, x->popularity);
        }
        refuse_input(b, &o, path);
        ken_selection_free(b);
    }
    /* The manifest has the selection's own. */
    const char *dir = fresh();
    const ken_export_options o = to("trl");
    assert_int_equal(ken_export(a, &o, at(dir, "set.jsonl"), &err), KEN_OK);
    char *text = contents(at(dir, "set.jsonl.manifest.json"));
    json_t *m = json_loads(text, 0, NULL), *said = ken_selection_manifest(a, &err);
    assert_non_null(said);
    assert_true(json_equal(json_object_get(json_object_get(m, "train"), "selection"), said));
    json_decref(m);
    json_decref(said);
    ken_free(text);
    ken_selection_free(a);
    ken_selection_free(v);
}

/* The column stands last, in every row of a set that has a tail and in no other, and not among strict keys. */
static void test_tail_column(void **state)
{
    (void)state;
    ken_selected rows[] = {facts[0], facts[1]};
    ken_err err = {0};
    for (int tail = 0; tail < 2; tail++)
        for (int strict = 0; strict < 2; strict++)
            for (int f = 0; f < N_FORMATS; f++) {
                rows[1].tail = tail;
                const ken_export_part part[KEN_N_PARTS] = {{rows, 2, NULL}, {&held_out, is(formats[f], "mlx"), NULL}};
                ken_export_options o = to(formats[f]);
                o.strict_keys = strict;
                const char *path = at(fresh(), file_of(formats[f]));
                if (ken_export_parts(part, &o, path, &err) != KEN_OK) fail_msg("%s: %s", formats[f], err.msg);
                const bool mlx = is(formats[f], "mlx"), csv = is(formats[f], "csv"), marked = tail && !strict;
                char *text = contents(mlx ? at(path, "train.jsonl") : path);
                const char *first = strstr(text, csv ? ",false\n" : ",\"known_tail\":false}");
                const char *last = strstr(text, csv ? ",true\n" : ",\"known_tail\":true}");
                assert_int_equal(strstr(text, "known_tail") != NULL, marked);
                assert_true(marked ? first != NULL && last > first : last == NULL);
                ken_free(text);
                if (!mlx) continue;
                text = contents(at(path, "valid.jsonl"));
                assert_null(strstr(text, "known_tail"));
                ken_free(text);
            }
}

/* An MLX folder without ids: its files are splits, and rows are called after them. */
static void test_mlx_folder(void **state)
{
    (void)state;
    ken_export_options o = to("mlx");
    const char *path = at(fresh(), "mlx");
    ken_selection *s;
    ken_err err = {0};
    o.strict_keys = true;
    must_export(facts, 3, &o, path);
    ken_train_data from = ken_train_data_defaults();
    from.path = path;
    if (ken_select(&s, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_selection_count(s), 3);
    assert_string_equal(ken_selection_row(s, 2)->id, "train/2");
    ken_selection_free(s);
    from.prefer_split = "dev";
    if (ken_select(&s, &from, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_selection_count(s), 1);
    assert_string_equal(ken_selection_row(s, 0)->id, "dev/0");
    assert_string_equal(ken_selection_row(s, 0)->target, "Madrid");
    ken_selection_free(s);
    put(at(path, "valid.jsonl"), "{\"text\":1}\n");
    assert_int_equal(ken_select(&s, &from, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "valid.jsonl:1"));
}

/* Texts that could be parted in several ways are not. */
static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *question, *answer;
    } cases[] = {{HEAD "Who?\nShe", "Who?", "She"},      {HEAD "Who?\n", NULL, NULL}, {HEAD "\nShe", NULL, NULL},
                 {HEAD "Who?\nShe\nand he", NULL, NULL}, {"Who?\nShe", NULL, NULL},   {"", NULL, NULL}};
    ken_prompt_style style;
    assert_int_equal(ken_zero_shot_style(&style, NULL, false, NULL, NULL), KEN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *q = NULL, *answer = NULL;
        size_t n = 0;
        assert_int_equal(ken_zero_shot_part(&style, cases[i].text, &q, &n, &answer), cases[i].question != NULL);
        if (cases[i].question == NULL) continue;
        assert_int_equal(n, strlen(cases[i].question));
        assert_memory_equal(q, cases[i].question, n);
        assert_string_equal(answer, cases[i].answer);
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

/* ---- refusals ------------------------------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    const char *dir = fresh();
    put(at(dir, "run"), "SQLite format 3");
    put(at(dir, "model.gguf"), "GGUF1234");
    put(at(dir, "file"), "x");
    assert_int_equal(mkdir(at(dir, "folder"), 0777), 0);
    assert_int_equal(mkdir(at(dir, "old"), 0777), 0);
    put(at(dir, "old/test.jsonl"), "{}\n");
    const int files = count(dir);
    static const struct {
        const char *format, *file, *why;
    } cases[] = {
        {"parquet", "set", "known: trl, messages"},
        {"jsonl", "run", "a run"},
        {"jsonl", "model.gguf", "a model"},
        {"jsonl", "folder", "not a plain file"},
        {"jsonl", "new/", "folder"},
        {"mlx", "file", "mlx is a folder"},
        {"mlx", "old", "would be taken for a part"},
        {"alpaca", "dataset_info.json", "lists data sets"},
        {"alpaca", "a,b.json", "comma"},
        {"sharegpt", "a b.json", "a space"},
        {"sharegpt", "\xFF.json", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ken_export_options o = to(cases[i].format);
        ken_export_part part[KEN_N_PARTS] = {{.row = facts, .n = 1}};
        if (is(cases[i].format, "mlx")) part[1] = part[0];
        refuse(part, &o, at(dir, cases[i].file), KEN_EUSAGE, cases[i].why);
        assert_int_equal(count(dir), files);
    }
    ken_export_part none[KEN_N_PARTS] = {{0}}, one[KEN_N_PARTS] = {{.row = facts, .n = 1}};
    ken_export_options o = to("jsonl");
    refuse(none, &o, at(dir, "new"), KEN_EUSAGE, "no row");
    refuse(one, &o, "", KEN_EUSAGE, "empty");
    o.prompt_template = "no question";
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "{question}");
    o = to("alpaca");
    o.prompt_template = "Q: {question} A:";
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "newline");
    o = to("mlx");
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "valid.jsonl");
    o = to("axolotl");
    o.eos = NULL;
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "--eos");
    o = to("sharegpt");
    o.bos = "<s>";
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "sharegpt rows spell out the end token");
    o = to("trl");
    one[KEN_PART_TEST] = one[KEN_PART_TRAIN];
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "mlx");
    one[KEN_PART_TEST].n = 0;
    ken_selected bad = facts[0];
    bad.question = NULL;
    one[KEN_PART_TRAIN].row = &bad;
    refuse(one, &o, at(dir, "new"), KEN_EINPUT, "no question");
    bad = facts[0];
    bad.target = "";
    refuse(one, &o, at(dir, "new"), KEN_EINPUT, "no target");
    assert_int_equal(count(dir), files);
}

/* ---- whole or not at all -------------------------------------------------------------------------------------------- */

static void test_memory(void **state)
{
    (void)state;
    for (int f = 0; f < N_FORMATS; f++) {
        if (!is(formats[f], "alpaca") && !is(formats[f], "mlx") && !is(formats[f], "axolotl") && !is(formats[f], "csv"))
            continue; /* as these */
        const ken_export_options o = to(formats[f]);
        const char *dir = fresh(), *path = at(dir, file_of(formats[f]));
        int rc = KEN_ENOMEM;
        for (long n = 1; rc != KEN_OK; n++) {
            ken_err err = {0};
            assert_true(n < 2000);
            ken_alloc_fail_after(n);
            rc = export(facts, 2, &o, path, &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) break;
            assert_int_equal(rc, KEN_ENOMEM);
            assert_int_equal(count(dir), 0);
        }
    }
}

/* Reading back, with its manifest, its folder, its texts: every failure is one of memory, and is told. */
static void test_reading_memory(void **state)
{
    (void)state;
    static const char *const read[] = {"axolotl", "mlx", "text", "csv", "alpaca"};
    for (size_t f = 0; f < sizeof read / sizeof *read; f++) {
        const ken_export_options o = to(read[f]);
        const char *path = at(fresh(), file_of(read[f]));
        must_export(facts, 3, &o, path);
        ken_train_data from = ken_train_data_defaults();
        from.path = path;
        int rc = KEN_ENOMEM;
        for (long n = 1; rc != KEN_OK; n++) {
            ken_selection *s;
            ken_err err = {0};
            assert_true(n < 2000);
            ken_alloc_fail_after(n);
            rc = ken_select(&s, &from, &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) ken_selection_free(s);
            else if (rc != KEN_ENOMEM) fail_msg("%s, %ld: %s", read[f], n, err.msg);
        }
    }
}

static void *counted(size_t n) { return ken_alloc(n, 1); }

static void test_jansson_memory(void **state)
{
    (void)state;
    const ken_export_options o = to("sharegpt");
    const char *dir = fresh(), *path = at(dir, "set.json");
    json_set_alloc_funcs(counted, ken_free);
    int rc = KEN_ENOMEM;
    for (long n = 1; rc != KEN_OK; n++) {
        ken_err err = {0};
        assert_true(n < 4000);
        ken_alloc_fail_after(n);
        rc = export(facts, 2, &o, path, &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
        assert_int_equal(count(dir), 0);
    }
    json_set_alloc_funcs(malloc, free);
}

/* A disk that is full after so many bytes of a file: nothing appears, and what was there is as it was. */
static void test_full_disk(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (int f = 0; f < N_FORMATS; f++) {
        const ken_export_options o = to(formats[f]);
        const char *dir = fresh(), *path = at(dir, file_of(formats[f]));
        for (int there = 0; there < 2; there++) {
            if (there == 1) must_export(facts, 1, &o, path);
            char *before = there == 1 && !is(formats[f], "mlx") ? contents(path) : NULL;
            const int files = count(dir);
            ken_err err = {0};
            const struct rlimit small = {100, old.rlim_max};
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
            const int rc = export(facts, N_FACTS, &o, path, &err);
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
            assert_int_equal(rc, KEN_EFAIL);
            assert_non_null(strstr(err.msg, "cannot write"));
            assert_int_equal(count(dir), files);
            if (before == NULL) continue;
            char *after = contents(path);
            assert_string_equal(before, after);
            ken_free(before);
            ken_free(after);
        }
    }
    signal(SIGXFSZ, handler);
}

static void test_read_only(void **state)
{
    (void)state;
    const char *dir = fresh();
    const bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0); /* nobody; the test's folder is root's alone */
    else assert_int_equal(chmod(dir, 0500), 0);
    for (int f = 0; f < N_FORMATS; f++) {
        const ken_export_options o = to(formats[f]);
        ken_err err = {0};
        assert_int_equal(export(facts, 1, &o, at(dir, file_of(formats[f])), &err), KEN_EFAIL);
        assert_non_null(strstr(err.msg, "ermission"));
    }
    if (root) assert_int_equal(seteuid(0), 0);
    else assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(count(dir), 0);
    const ken_export_options o = to("jsonl");
    ken_err err = {0};
    assert_int_equal(export(facts, 1, &o, at(dir, "no/such/set.jsonl"), &err), KEN_EFAIL);
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
        cmocka_unit_test(test_golden),     cmocka_unit_test(test_again),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hostile),    cmocka_unit_test(test_long),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_train),      cmocka_unit_test(test_templates), cmocka_unit_test(test_info),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_memory),    cmocka_unit_test(test_jansson_memory),
        cmocka_unit_test(test_full_disk),  cmocka_unit_test(test_read_only), cmocka_unit_test(test_stdout),
        cmocka_unit_test(test_hashes),     cmocka_unit_test(test_select),    cmocka_unit_test(test_tail_column),
        cmocka_unit_test(test_mlx_folder), cmocka_unit_test(test_texts),     cmocka_unit_test(test_reading_memory),
    };
    return cmocka_run_group_tests_name("tune-export", tests, set_up, tear_down);
}
