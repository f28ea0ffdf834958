/* test_stacked.c - training on top of an adapter: with an adapter of its own on the frozen one, and with the first merged into the weights.
 * What comes out says, read back, what the training said of itself. */
#include "folder.h"
#include "base/file.h"
#include "ken.h"
#include "nn/net.h"
#include "tune/divergence.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MODEL KEN_FIXTURES "/model/tiny-llama-tied"
#define FIRST MODEL "/adapter"

static const char *train_file, *dev_file;

static int set_up(void **state)
{
    (void)state;
    static char path[2][300];
    for (int k = 0; k < 2; k++) {
        char text[4096];
        size_t at = 0;
        for (int i = 0; i < 8; i++)
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   "{\"id\":\"%d%d\",\"question\":\"%s %d?\",\"answer\":\"%s\"}\n", k, i,
                                   k == 0 ? "Colour" : "Paint", i, i % 3 > 0 ? "red" : "blue");
        snprintf(path[k], sizeof path[k], "%s", folder_file(k == 0 ? "train.jsonl" : "dev.jsonl", text));
    }
    train_file = path[0];
    dev_file = path[1];
    return 0;
}

static ken_model *model_with(const char *a, const char *b)
{
    ken_err err;
    ken_model *m;
    if (ken_model_open(&m, MODEL, &err) != KEN_OK) fail_msg("%s", err.msg);
    if (a != NULL && ken_model_attach(m, a, &err) != KEN_OK) fail_msg("%s", err.msg);
    if (b != NULL && ken_model_attach(m, b, &err) != KEN_OK) fail_msg("%s", err.msg);
    return m;
}

static ken_train_options options(ken_train_data *rows)
{
    ken_train_options o = ken_train_defaults();
    *rows = ken_train_data_defaults();
    rows->path = train_file;
    o.data = rows;
    o.dev = dev_file;
    o.epochs = 3;
    o.batch = 4;
    o.lr = 1e-2;
    o.threads = 1;
    return o;
}

static ken_run *trained(ken_model *m, const ken_train_options *o, const char *dir)
{
    ken_err err;
    ken_run *r;
    char path[300];
    if (ken_train(m, o, dir, &err) != KEN_OK) fail_msg("%s", err.msg);
    snprintf(path, sizeof path, "%s/train.ken", dir);
    if (ken_run_open(&r, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    return r;
}

/* KL between two models over the dev rows. */
static double distance(ken_model *base, ken_model *now, const ken_train_data *rows)
{
    ken_err err;
    ken_net *net[2];
    ken_tune_set *dev;
    ken_divergence *d;
    size_t all[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    double kl;
    uint64_t n;
    ken_train_data from = *rows;
    from.path = dev_file;
    const ken_net_options o = {.threads = 1, .isa = ken_isa_best()};
    if (ken_net_new(&net[0], base, &o, &err) != KEN_OK || ken_net_new(&net[1], now, &o, &err) != KEN_OK ||
        ken_tune_set_open(&dev, base, &from, &err) != KEN_OK ||
        ken_divergence_new(&d, dev, all, 8, 0, &err) != KEN_OK ||
        ken_divergence_measure(d, ken_net_forwarder(net[0]), ken_net_forwarder(net[1]), 1, NULL, &kl, &n, &err) !=
            KEN_OK)
        fail_msg("%s", err.msg);
    ken_divergence_free(d);
    ken_tune_set_free(dev);
    for (int i = 0; i < 2; i++) ken_net_free(net[i]);
    return kl;
}

static const ken_point *last_point(const ken_run *r) { return ken_run_point(r, ken_run_n_points(r) - 1); }

static void same_files(const char *a, const char *b)
{
    ken_map m[2];
    assert_int_equal(ken_map_file(&m[0], a, NULL), KEN_OK);
    assert_int_equal(ken_map_file(&m[1], b, NULL), KEN_OK);
    assert_int_equal(m[0].size, m[1].size);
    assert_memory_equal(m[0].data, m[1].data, m[0].size);
    for (int i = 0; i < 2; i++) ken_unmap(&m[i]);
}

static void an_adapter_on_a_frozen_one(void **state)
{
    (void)state;
    ken_train_data rows;
    ken_train_options o = options(&rows);
    o.lora = (ken_lora_options){.rank = 2, .targets = KEN_TARGET_Q | KEN_TARGET_DOWN};
    ken_model *base = model_with(FIRST, NULL);
    char dir[300], last[320];
    snprintf(dir, sizeof dir, "%s", folder_path("stacked"));
    snprintf(last, sizeof last, "%s/last", dir);
    ken_run *r = trained(base, &o, dir);
    assert_true(ken_run_point(r, 0)->kl_base == 0);
    assert_string_equal(ken_run_setting(r, "adapter_path"), FIRST);
    assert_true(last_point(r)->kl_base > 0.01);
    /* Both adapters, read back: what was trained, to the bit. The second one alone is another model. */
    ken_model *both = model_with(FIRST, last), *alone = model_with(last, NULL), *plain = model_with(NULL, NULL);
    assert_true(distance(base, both, &rows) == last_point(r)->kl_base);
    assert_true(fabs(distance(base, alone, &rows) - last_point(r)->kl_base) > 1e-3);
    /* Trained without the first one it is another adapter: the frozen one was there. */
    char other[300];
    snprintf(other, sizeof other, "%s", folder_path("unstacked"));
    ken_run *q = trained(plain, &o, other);
    assert_true(last_point(q)->loss != last_point(r)->loss);
    assert_null(ken_run_setting(q, "adapter_path"));
    /* And the first is as it was: its files bind. */
    ken_err err;
    ken_train_options again = o;
    assert_int_equal(ken_train(plain, &again, dir, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "adapter"));
    ken_run_free(r);
    ken_run_free(q);
    ken_model_free(both);
    ken_model_free(alone);
    ken_model_free(plain);
    ken_model_free(base);
}

/* All weights: they begin as the sum, and a folder is written that has no adapter any more. */
static void weights_with_an_adapter_merged(void **state)
{
    (void)state;
    ken_train_data rows;
    ken_train_options o = options(&rows);
    ken_model *base = model_with(FIRST, NULL);
    char dir[300], last[320];
    snprintf(dir, sizeof dir, "%s", folder_path("merged"));
    snprintf(last, sizeof last, "%s/last", dir);
    ken_run *r = trained(base, &o, dir);
    assert_true(ken_run_point(r, 0)->kl_base == 0); /* the very same bits */
    ken_model *now;
    ken_err err;
    if (ken_model_open(&now, last, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_true(distance(base, now, &rows) == last_point(r)->kl_base);
    /* Nothing learned: the merged weights. */
    o.max_steps = 1;
    o.lr = 1e-30;
    o.warmup_steps = 0;
    char still[300], path[2][340];
    snprintf(still, sizeof still, "%s", folder_path("still"));
    ken_run *q = trained(base, &o, still);
    ken_model *same;
    if (ken_model_open(&same, still, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_true(distance(base, same, &rows) < 1e-9);
    snprintf(path[0], sizeof path[0], "%s/model.safetensors", still);
    snprintf(path[1], sizeof path[1], "%s/last/model.safetensors", still);
    same_files(path[0], path[1]);
    ken_run_free(r);
    ken_run_free(q);
    ken_model_free(same);
    ken_model_free(now);
    ken_model_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_on_a_frozen_one),
        cmocka_unit_test(weights_with_an_adapter_merged),
    };
    return cmocka_run_group_tests(tests, set_up, folder_remove);
}
