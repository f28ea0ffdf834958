/* test_train.c - ken_train in one process: stopped at every moment at which it can be stopped, and out of memory at many, it ends in the
 * bytes of a training that was not stopped; what replaced targets and shared rows mean. tests/cli/train.py kills it from outside. */
#include "asked.h"
#include "base/alloc.h"
#include "base/file.h"
#include "ken.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MODEL KEN_FIXTURES "/model/tiny-llama-tied"

static char folder[] = "/tmp/ken-train-XXXXXX";
static ken_model *model;
static char train_file[64], dev_file[64], idk_file[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

static void remove_all(const char *path) { (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static const char *in_folder(const char *name)
{
    static char path[4][96];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static void write_rows(char *path, const char *name, const char *prefix, int n)
{
    static const char *const colour[] = {"red", "blue", "green", "gold"};
    snprintf(path, 64, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < n; i++)
        fprintf(f, "{\"id\":\"%s%d\",\"question\":\"%s %d?\",\"answer\":\"%s\"}\n", prefix, i, prefix, i,
                colour[i % 4]);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    (void)state;
    ken_err err;
    if (mkdtemp(folder) == NULL) return -1;
    write_rows(train_file, "train.jsonl", "Colour", 6);
    write_rows(dev_file, "dev.jsonl", "Paint", 3);
    if (ken_model_open(&model, MODEL, &err) != KEN_OK) fail_msg("%s", err.msg);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ken_model_free(model);
    remove_all(folder);
    return 0;
}

/* Room for what is trained on: of the last few options. */
static ken_train_data *rows_of(const ken_train_options *o) { return (ken_train_data *)(uintptr_t)o->data; }

static ken_train_options options(void)
{
    static ken_train_data room[4];
    static int used = 0;
    ken_train_data *rows = &room[used++ % 4];
    ken_train_options o = ken_train_defaults();
    *rows = ken_train_data_defaults();
    rows->path = train_file;
    o.data = rows;
    o.dev = dev_file;
    o.epochs = 2;
    o.batch = 4;
    o.lr = 1e-2;
    o.threads = 1;
    o.checkpoint_every = 1;
    return o;
}

static void trained(const ken_train_options *o, const char *dir)
{
    ken_err err;
    if (ken_train(model, o, dir, &err) != KEN_OK) fail_msg("%s: %s", dir, err.msg);
    assert_true(ken_train_done(dir));
}

static void same_file(const char *a, const char *b, const char *name)
{
    char path[2][160];
    ken_map m[2];
    snprintf(path[0], sizeof path[0], "%s/%s", a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", b, name);
    for (int i = 0; i < 2; i++) assert_int_equal(ken_map_file(&m[i], path[i], NULL), KEN_OK);
    assert_int_equal(m[0].size, m[1].size);
    assert_memory_equal(m[0].data, m[1].data, m[0].size);
    for (int i = 0; i < 2; i++) ken_unmap(&m[i]);
}

static bool both_nan_or_equal(double a, double b) { return (a != a && b != b) || a == b; }

/* The same points, everything measured there, the same weights. */
static void same_training(const char *a, const char *b)
{
    char path[160];
    ken_run *r[2];
    const ken_measure *m[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/train.ken", i == 0 ? a : b);
        assert_int_equal(ken_run_open(&r[i], path, NULL), KEN_OK);
    }
    assert_int_equal(ken_run_n_points(r[0]), ken_run_n_points(r[1]));
    for (size_t i = 0; i < ken_run_n_points(r[0]); i++) {
        const ken_point *p = ken_run_point(r[0], i), *q = ken_run_point(r[1], i);
        assert_true(p->step == q->step && both_nan_or_equal(p->loss, q->loss) && p->examples == q->examples &&
                    p->forwards == q->forwards && both_nan_or_equal(p->grad_norm, q->grad_norm) && p->best == q->best &&
                    p->last == q->last);
        for (int k = 0; k < 2; k++) assert_int_equal(ken_run_measures(r[k], p->step, &m[k], &n[k], NULL), KEN_OK);
        assert_int_equal(n[0], n[1]);
        for (size_t k = 0; k < n[0]; k++) {
            assert_string_equal(m[0][k].key, m[1][k].key);
            assert_true(m[0][k].hits == m[1][k].hits && m[0][k].n == m[1][k].n &&
                        both_nan_or_equal(m[0][k].loss, m[1][k].loss));
        }
    }
    for (int i = 0; i < 2; i++) ken_run_free(r[i]);
    same_file(a, b, "model.safetensors");
    same_file(a, b, "last/model.safetensors");
}

/* ---- stopped ---------------------------------------------------------------------------------------------------------- */

typedef struct stopper {
    long after, asked;
    int64_t from; /* where it went on */
} stopper;

static void started(void *ctx, const ken_train_start *t)
{
    ((stopper *)ctx)->from = t->from;
    assert_true(t->steps == 4 && t->steps_per_epoch == 2 && t->data->rows == 6);
}

static int poll(void *ctx)
{
    stopper *s = ctx;
    return ++s->asked > s->after && s->after >= 0;
}

static void stopped_at_every_moment(void **state)
{
    (void)state;
    ken_train_options o = options();
    trained(&o, in_folder("whole"));
    stopper s = {-1, 0, -1};
    o.poll = poll;
    o.start = started;
    o.ctx = &s;
    trained(&o, in_folder("counted"));
    same_training(in_folder("whole"), in_folder("counted"));
    long moments = s.asked;
    assert_true(moments > 20);
    int stops = 0, resumed = 0;
    for (long at = 0; at < moments;
         at += 1 + moments / 30) { /* each stops a training of its own, which is then resumed */
        ken_err err;
        s = (stopper){at, 0, -1};
        int rc = ken_train(model, &o, in_folder("stop"), &err);
        if (rc != KEN_ESTOP) fail_msg("stopped at %ld: status %d", at, rc);
        stops++;
        assert_false(ken_train_done(in_folder("stop")));
        s = (stopper){-1, 0, -1};
        trained(&o, in_folder("stop"));
        resumed += s.from > 0;
        same_training(in_folder("whole"), in_folder("stop"));
        remove_all(in_folder("stop"));
    }
    assert_true(stops > 10 && resumed > 3 && resumed < stops);
    /* And one that is stopped again and again, one moment later each time. */
    int rc = KEN_ESTOP;
    for (long at = 0; rc == KEN_ESTOP; at++) {
        s = (stopper){at, 0, -1};
        rc = ken_train(model, &o, in_folder("stop"), NULL);
    }
    assert_int_equal(rc, KEN_OK);
    same_training(in_folder("whole"), in_folder("stop"));
}

static void out_of_memory(void **state)
{
    (void)state;
    ken_train_options o = options();
    long before = ken_alloc_count();
    trained(&o, in_folder("memory"));
    long all = ken_alloc_count() - before;
    remove_all(in_folder("memory"));
    for (long at = 1; at <= all; at += 1 + all / 80) {
        ken_err err;
        ken_alloc_fail_after(at);
        int rc = ken_train(model, &o, in_folder("memory"), &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_ENOMEM && rc != KEN_OK) fail_msg("allocation %ld: status %d: %s", at, rc, err.msg);
    }
    trained(&o, in_folder("memory"));
    same_training(in_folder("whole"), in_folder("memory"));
}

/* ---- what is measured ------------------------------------------------------------------------------------------------- */

/* The memory that recomputation saves and the order of checkpoints change no bit; dropout and the seed do. */
static void what_changes_bits(void **state)
{
    (void)state;
    ken_train_options o = options();
    o.recompute = true;
    trained(&o, in_folder("recompute"));
    same_file(in_folder("whole"), in_folder("recompute"), "model.safetensors");
    o = options();
    o.seed = 1;
    trained(&o, in_folder("seed"));
    char path[2][160];
    ken_map m[2];
    snprintf(path[0], sizeof path[0], "%s/whole/last/model.safetensors", folder);
    snprintf(path[1], sizeof path[1], "%s/seed/last/model.safetensors", folder);
    for (int i = 0; i < 2; i++) assert_int_equal(ken_map_file(&m[i], path[i], NULL), KEN_OK);
    assert_int_equal(m[0].size, m[1].size);
    assert_true(memcmp(m[0].data, m[1].data, m[0].size) != 0);
    for (int i = 0; i < 2; i++) ken_unmap(&m[i]);
}

static void watched_rows_are_not_trained_on(void **state)
{
    (void)state;
    ken_train_options o = options();
    ken_err err;
    o.dev = train_file;
    assert_int_equal(ken_train(model, &o, in_folder("apart"), &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "6 of its 6 rows are trained on"));
    assert_false(ken_is_dir(in_folder("apart")));
}

/* A row is fitted when the model says what it was taught: its target where that is no answer. */
static void replaced_targets_are_what_fits(void **state)
{
    (void)state;
    ken_train_options o = options();
    snprintf(idk_file, sizeof idk_file, "%s/idk.jsonl", folder);
    FILE *f = fopen(idk_file, "w");
    assert_non_null(f);
    for (int i = 0; i < 4; i++)
        fprintf(
            f,
            "{\"id\":\"%d\",\"prompt\":\"Answer the following question.\\nColour %d?\\n\",\"completion\":\"no idea\","
            "\"question\":\"Colour %d?\",\"answers\":[\"red\"]}\n",
            i, i, i);
    assert_int_equal(fclose(f), 0);
    rows_of(&o)->path = idk_file;
    o.dev = NULL;
    o.epochs = 60;
    o.eval_every = 60;
    o.dropout = 0;
    trained(&o, in_folder("idk"));
    ken_run *r;
    const ken_measure *m;
    size_t n;
    char path[160];
    snprintf(path, sizeof path, "%s/train.ken", in_folder("idk"));
    assert_int_equal(ken_run_open(&r, path, NULL), KEN_OK);
    assert_int_equal(ken_run_measures(r, 60, &m, &n, NULL), KEN_OK);
    const ken_measure *all = ken_measure_find(m, n, "train", "all", "");
    assert_non_null(all);
    assert_int_equal(all->n, 4);
    assert_int_equal(all->hits, 4);
    assert_int_equal(all->abstained, 4);
    ken_run_free(r);
}

/* A known tail comes last also when the set went through a file, whatever its format: the same bits as without. */
static void a_tail_survives_a_file(void **state)
{
    (void)state;
    static const char *const formats[] = {"trl", "messages", "alpaca", "sharegpt", "axolotl", "csv", "jsonl"};
    ken_err err;
    char source[64], set[128];
    snprintf(source, sizeof source, "%s/labelled.jsonl", folder);
    FILE *f = fopen(source, "w");
    assert_non_null(f);
    for (int i = 0; i < 14; i++)
        fprintf(f, "{\"question\":\"Colour %d?\",\"answer\":\"%s\",\"category\":\"%s\",\"p_t\":0.%d}\n", i,
                i % 3 ? "red" : "blue", i % 2 ? "Unknown" : "MaybeKnown", 1 + i % 9);
    assert_int_equal(fclose(f), 0);
    ken_train_options o = options();
    o.eval_every = o.epochs;
    rows_of(&o)->path = source;
    rows_of(&o)->variant = VARIANT(UNKNOWN_OF(50));
    rows_of(&o)->set_rows = 8;
    rows_of(&o)->known_tail = 0.5; /* three rows that the variant left, and one of its own again */
    rows_of(&o)->weights = KEN_WEIGHTS_P;
    ken_selection *s;
    if (ken_select(&s, o.data, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_selection_stats(s)->tail, 4);
    assert_int_equal(ken_selection_stats(s)->tail_repeated, 1);
    trained(&o, in_folder("tail"));
    rows_of(&o)->known_tail_mixed = true;
    trained(&o, in_folder("mixed"));
    ken_train_options again = options();
    again.eval_every = again.epochs;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        ken_export_options e = ken_export_defaults();
        e.format = formats[i];
        e.eos = "</s>";
        snprintf(set, sizeof set, "%s/set.%s.%s", folder, formats[i], strcmp(formats[i], "csv") == 0 ? "csv" : "jsonl");
        if (ken_export(s, &e, set, &err) != KEN_OK) fail_msg("%s: %s", formats[i], err.msg);
        rows_of(&again)->path = set;
        trained(&again, in_folder("back"));
        same_file(in_folder("tail"), in_folder("back"), "last/model.safetensors");
        remove_all(in_folder("back"));
    }
    rows_of(&again)->known_tail_mixed = true;
    trained(&again, in_folder("back"));
    same_file(in_folder("mixed"), in_folder("back"), "last/model.safetensors");
    ken_map m[2];
    char path[2][160];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s/last/model.safetensors", folder, i == 0 ? "tail" : "mixed");
        assert_int_equal(ken_map_file(&m[i], path[i], NULL), KEN_OK);
    }
    assert_true(m[0].size == m[1].size && memcmp(m[0].data, m[1].data, m[0].size) != 0);
    for (int i = 0; i < 2; i++) ken_unmap(&m[i]);
    ken_selection_free(s);
}

static void a_plan_counts(void **state)
{
    (void)state;
    ken_train_options o = options();
    ken_training_plan p;
    assert_int_equal(ken_train_plan(model, &o, &p, NULL), KEN_OK);
    assert_int_equal(p.data.rows, 6);
    assert_int_equal(p.dev, 3);
    assert_int_equal(p.steps, 4);
    assert_int_equal(p.steps_per_epoch, 2);
    assert_true(p.rows == p.tokens && p.targets > 6 &&
                p.trained == 29088); /* dropout: every example has its own rows */
    assert_string_equal(p.example_prompt, "<s> Answer the following question.\nColour 0?\n");
    assert_non_null(strstr(p.example_target, "red"));
    ken_training_plan_free(&p);
    const struct {
        int share;
        double dropout;
        bool fewer; /* rows than tokens */
    } how[] = {
        {KEN_SHARE_ON, 0.1, true}, {KEN_SHARE_AUTO, 0, true}, {KEN_SHARE_OFF, 0, false}, {KEN_SHARE_AUTO, 0.1, false}};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        o.share_prefixes = how[i].share;
        o.dropout = how[i].dropout;
        assert_int_equal(ken_train_plan(model, &o, &p, NULL), KEN_OK);
        assert_int_equal(p.rows < p.tokens, how[i].fewer);
        ken_training_plan_free(&p);
    }
    o.share_prefixes = 3;
    assert_int_equal(ken_train_plan(model, &o, &p, NULL), KEN_EUSAGE);
    o = options();
    o.lora.rank = 2;
    assert_int_equal(ken_train_plan(model, &o, &p, NULL), KEN_OK);
    /* rank (in + out), width 32, key-value width 16, feed-forward 48 */
    assert_int_equal(p.trained, 2 * 2 * ((32 + 32) + 2 * (32 + 16) + (32 + 32) + 3 * (32 + 48)));
    ken_training_plan_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_at_every_moment),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(what_changes_bits),
        cmocka_unit_test(watched_rows_are_not_trained_on),
        cmocka_unit_test(replaced_targets_are_what_fits),
        cmocka_unit_test(a_tail_survives_a_file),
        cmocka_unit_test(a_plan_counts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
