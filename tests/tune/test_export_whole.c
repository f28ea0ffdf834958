/* test_export_whole.c - exports from a selection to a training: the same rows there and back; what is refused; files appear together or not at
 * all. */
#include "exported.h"
#include "base/alloc.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- as a training set ---------------------------------------------------------------------------------------------- */

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
            o.model = tiny_model.model;
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
        ken_tune_set *s = tiny_set(&tiny_model, &from);
        const size_t n = csv || is(format, "jsonl") ? 3 : N_FACTS; /* those of the train split */
        assert_int_equal(ken_tune_set_count(s), n);
        for (size_t i = 0; i < n; i++) {
            const ken_tune_row *r = ken_tune_set_row(s, i);
            char expected[512];
            snprintf(expected, sizeof expected, "%s" HEAD "%s\n%s<eos>", "<bos>", facts[i].question, facts[i].target);
            assert_string_equal(tiny_text(&tiny_model, r->ids, r->n_ids), expected);
            snprintf(expected, sizeof expected, "%s<eos>", facts[i].target);
            if (!text)
                assert_string_equal(tiny_text(&tiny_model, r->ids + r->n_prompt, r->n_ids - r->n_prompt), expected);
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

/* ---- as a data set ---------------------------------------------------------------------------------------------------- */

/* What `ken annotate -d`, `ken eval -d` and `ken data` make of each format: the questions, and what is to be answered. */
static void test_data(void **state)
{
    (void)state;
    static const char *const templates[] = {NULL, "Question: {question}\n"};
    for (int f = 0; f <= 2 * N_FORMATS; f++) {
        const char *format = f < 2 * N_FORMATS ? formats[f / 2] : "sharegpt";
        ken_export_options o = to(format);
        o.prompt_template = f < 2 * N_FORMATS ? templates[f % 2] : NULL;
        if (is(format, "axolotl") || f == 2 * N_FORMATS) {
            o.bos = o.eos = NULL;
            o.model = tiny_model.model;
        }
        if (f % 2 == 1 && is(format, "mlx")) continue; /* its manifest stands elsewhere, and plain text says nothing */
        const char *path = at(fresh(), file_of(format));
        must_export(facts, N_FACTS, &o, path);
        const bool all = is(format, "csv") || is(format, "jsonl");
        ken_data *d;
        ken_err err = {0};
        if (ken_data_open(&d, path, NULL, &err) != KEN_OK) fail_msg("%s: %s", format, err.msg);
        int found = 0;
        for (size_t i = 0; i < ken_data_count(d); i++)
            for (int k = 0; k < N_FACTS; k++) {
                const ken_example *e = ken_data_get(d, i);
                if (!is(e->id, facts[k].id)) continue;
                found++;
                assert_string_equal(e->question, facts[k].question);
                assert_string_equal(e->relation, facts[k].relation);
                assert_string_equal(e->answers[0], all ? facts[k].answers[0] : facts[k].target);
                assert_int_equal(e->n_answers, all ? facts[k].n_answers : 1);
            }
        assert_int_equal(found, N_FACTS);
        ken_data_free(d);
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
    from.weights = KEN_WEIGHTS_P;
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
        {"mlx", "file", "mlx writes a folder"},
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
    refuse(one, &o, at(dir, "new"), KEN_EUSAGE, "`eos`");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train),      cmocka_unit_test(test_data),           cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_jansson_memory), cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_read_only),  cmocka_unit_test(test_select),         cmocka_unit_test(test_tail_column),
        cmocka_unit_test(test_mlx_folder), cmocka_unit_test(test_texts),          cmocka_unit_test(test_reading_memory),
    };
    return cmocka_run_group_tests_name("tune-export-whole", tests, tiny_set_up, tiny_tear_down);
}
