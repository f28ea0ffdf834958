/* test_new_model.c - models with random weights: every family opens and forwards, the same seed gives the same bytes, absurd shapes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "ken.h"
#include "model/model.h"
#include "nn/reference.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/ken-new-model-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); /* NOLINT(cert-env33-c): a name that we made */
}

static void hash_of(const char *dir, char hex[65])
{
    ken_map map = {0};
    ken_err err = {0};
    char *path = ken_path_join(dir, "model.safetensors");
    if (ken_map_file(&map, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_sha256_of(map.data, map.size, hex), 0);
    ken_unmap(&map);
    ken_free(path);
}

static void test_families(void **state)
{
    (void)state;
    static const struct {
        const char *family;
        bool tied;
        uint64_t more; /* weights besides those of llama: biases of q, k, v; norms of q and k */
    } cases[] = {
        {"llama", true, 0}, {"llama", false, 0}, {"qwen2", true, 2 * (32 + 2 * 16)}, {"qwen3", false, 2 * 2 * 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[96], again[96], first[65], second[65];
        ken_new_model_options o = ken_new_model_defaults();
        ken_err err = {0};
        ken_model *m;
        snprintf(dir, sizeof dir, "%s/%zu", folder, i);
        snprintf(again, sizeof again, "%s/%zu-again", folder, i);
        o.family = cases[i].family;
        o.tied = cases[i].tied;
        o.width = 32, o.heads = 4, o.kv_heads = 2, o.inner = 48;
        if (ken_new_model(&o, dir, &err) != KEN_OK || ken_new_model(&o, again, &err) != KEN_OK) fail_msg("%s", err.msg);
        hash_of(dir, first);
        hash_of(again, second);
        assert_string_equal(first, second);
        if (ken_model_open(&m, dir, &err) != KEN_OK) fail_msg("%s", err.msg);
        const uint64_t layer = 2 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48, vocabulary = 258 * 32;
        assert_int_equal(ken_model_get_info(m)->n_params,
                         2 * layer + 32 + vocabulary * (cases[i].tied ? 1 : 2) + cases[i].more);
        const int32_t token[] = {256, 'a', 'b'};
        double *logits = ken_alloc(3 * 258, sizeof *logits);
        if (ken_reference_forward(m, token, 3, logits, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
        for (int k = 0; k < 3 * 258; k++) assert_true(isfinite(logits[k]));
        ken_free(logits);
        ken_model_free(m);
        assert_int_equal(ken_new_model(&o, dir, &err), KEN_EINPUT); /* there is one already */
        assert_non_null(strstr(err.msg, "is not empty"));
    }
}

static void test_words(void **state)
{
    (void)state;
    char dir[96], text[96];
    ken_new_model_options o = ken_new_model_defaults();
    ken_err err = {0};
    ken_model *m;
    int32_t *ids;
    size_t n;
    snprintf(dir, sizeof dir, "%s/words", folder);
    snprintf(text, sizeof text, "%s/words.txt", folder);
    assert_int_equal(ken_write_file(text, "Who wrote\tHunger?\nKnut Hamsun.", 30, &err), KEN_OK);
    o.words = text;
    if (ken_new_model(&o, dir, &err) != KEN_OK || ken_model_open(&m, dir, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_tokenize(m, "Who wrote Hunger?\nKnut", 22, false, false, &ids, &n, &err), KEN_OK);
    assert_int_equal(n, 6); /* Who, wrote, Hunger, ?, line end, Knut */
    ken_buffer_free(ids);
    ken_model_free(m);
}

static void test_refused(void **state)
{
    (void)state;
    ken_new_model_options o;
    ken_err err = {0};
#define REFUSE(change, part)                                                                                           \
    do {                                                                                                               \
        o = ken_new_model_defaults();                                                                                  \
        change;                                                                                                        \
        assert_int_equal(ken_new_model(&o, "/nowhere/at/all", &err), KEN_EUSAGE);                                      \
        if (strstr(err.msg, part) == NULL) fail_msg("\"%s\" should hold \"%s\"", err.msg, part);                       \
    } while (0)
    REFUSE(o.family = "gpt9", "`family`");
    REFUSE(o.layers = -1, "`layers`");
    REFUSE(o.width = 1 << 30, "`width`");
    REFUSE(o.width = 30, "`head_size`");
    REFUSE(o.kv_heads = 3, "`kv_heads`");
    REFUSE(o.head_size = 7, "`head_size`");
    REFUSE(o.inner = 1 << 30, "`inner`");
    REFUSE(o.context = 0, "`context`");
    REFUSE(o.rope_theta = (double)NAN, "`rope_theta`");
    REFUSE(o.norm_eps = 0, "`norm_eps`");
#undef REFUSE
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
