/* test_freeze.c - what `train`, `freeze` and `lora` mean, over a made-up list of tensors. */
#include "tune/freeze.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define LAYER(l)                                                                                                       \
    {.gguf = "attn_norm.weight", .layer = l, .part = KEN_PART_ATTENTION, .rows = 1},                                   \
        {.gguf = "attn_q.weight", .layer = l, .part = KEN_PART_ATTENTION, .rows = 1, .cols = 1},                       \
        {.gguf = "ffn_norm.weight", .layer = l, .part = KEN_PART_MLP, .rows = 1},                                      \
    {                                                                                                                  \
        .gguf = "ffn_down.weight", .layer = l, .part = KEN_PART_MLP, .rows = 1, .cols = 1                              \
    }

static ken_param list[] = {{.gguf = "token_embd.weight", .layer = -1, .part = KEN_PART_EMBEDDING, .rows = 1, .cols = 1},
                           LAYER(0),
                           LAYER(1),
                           LAYER(2),
                           {.gguf = "output_norm.weight", .layer = -1, .part = KEN_PART_NORM, .rows = 1},
                           {.gguf = "output.weight", .layer = -1, .part = KEN_PART_HEAD, .rows = 1, .cols = 1}};
enum { N = sizeof list / sizeof *list };

enum {
    EMB = KEN_PARTS_EMBEDDINGS,
    HEAD = KEN_PARTS_HEAD,
    ATT = KEN_PARTS_ATTENTION,
    MLP = KEN_PARTS_MLP,
    NORMS = KEN_PARTS_NORMS
};
#define ALL                                                                                                            \
    {                                                                                                                  \
        0, false, 0, 0                                                                                                 \
    }
#define PARTS(p)                                                                                                       \
    {                                                                                                                  \
        (p), false, 0, 0                                                                                               \
    }
#define LAYERS(a, b)                                                                                                   \
    {                                                                                                                  \
        0, true, (a), (b)                                                                                              \
    }
#define BOTH(p, a, b)                                                                                                  \
    {                                                                                                                  \
        (p), true, (a), (b)                                                                                            \
    }

static void chosen(void **state)
{
    (void)state;
    static const struct {
        ken_parts train, freeze;
        const char *want; /* embedding, (attn norm, attn, ffn norm, ffn) x 3, output norm, head */
    } cases[] = {
        {ALL, ALL, "1 1111 1111 1111 1 1"},
        {PARTS(ATT), ALL, "0 1100 1100 1100 0 0"},
        {PARTS(MLP), ALL, "0 0011 0011 0011 0 0"},
        {PARTS(NORMS), ALL, "0 1010 1010 1010 1 0"},
        {PARTS(EMB | HEAD), ALL, "1 0000 0000 0000 0 1"},
        {LAYERS(1, 2), ALL, "0 0000 1111 1111 0 0"},
        {BOTH(MLP, 1, 1), ALL, "0 0000 0011 0000 0 0"},
        {BOTH(ATT, 1, 1), ALL, "0 0000 1100 0000 0 0"},
        {ALL, PARTS(EMB), "0 1111 1111 1111 1 1"},
        {ALL, PARTS(NORMS), "1 0101 0101 0101 0 1"},
        {ALL, BOTH(EMB | HEAD, 0, 1), "0 0000 0000 1111 1 0"},
        {PARTS(ATT), PARTS(NORMS), "0 0100 0100 0100 0 0"},
        {PARTS(ATT | MLP), BOTH(MLP, 2, 2), "0 1100 1100 0000 0 0"},
    };
    ken_config c = {.n_layer = 3};
    ken_params p = {.config = &c, .list = list, .n_list = N};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool trains[N];
        ken_err err = {0};
        if (ken_freeze_mark(trains, &p, &cases[i].train, &cases[i].freeze, &err) != KEN_OK)
            fail_msg("%zu: %s", i, err.msg);
        const char *w = cases[i].want;
        for (int t = 0; t < N; t++, w++) {
            if (*w == ' ') w++;
            if (trains[t] != (*w == '1')) fail_msg("case %zu, tensor %d (%s)", i, t, list[t].gguf);
        }
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        ken_parts train, freeze;
        const char *says;
        bool tied;
    } bad[] = {
        {LAYERS(2, 1), ALL, "0-2", false},
        {LAYERS(3, 3), ALL, "0-2", false},
        {LAYERS(-1, 1), ALL, "0-2", false},
        {PARTS(ATT), PARTS(ATT), "nothing is left to train; `train` attention `freeze` attention", false},
        {ALL, PARTS(HEAD), "token embedding", true},
        {LAYERS(0, 0), LAYERS(0, 2), "nothing is left", false},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ken_config c = {.n_layer = 3, .tied = bad[i].tied};
        ken_params p = {.config = &c, .list = list, .n_list = N};
        bool trains[N];
        ken_err err = {0};
        assert_int_equal(ken_freeze_mark(trains, &p, &bad[i].train, &bad[i].freeze, &err), KEN_EUSAGE);
        if (strstr(err.msg, bad[i].says) == NULL) fail_msg("%zu: %s", i, err.msg);
    }
}

static void adapters(void **state)
{
    (void)state;
    static const struct {
        ken_lora_options o;
        const char *text;
    } cases[] = {
        {{16, 0, 0, 0}, "r=16,alpha=32,dropout=0,targets=q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"},
        {{8, 8, 0.1, KEN_TARGET_Q | KEN_TARGET_DOWN}, "r=8,alpha=8,dropout=0.1,targets=q_proj,down_proj"},
    };
    ken_lora_spec s;
    ken_err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_buf text = {0};
        if (ken_lora_resolve(&s, &cases[i].o, &err) != KEN_OK) fail_msg("%s", err.msg);
        ken_lora_text(&text, &s);
        assert_string_equal(ken_buf_str(&text), cases[i].text);
        ken_buf_free(&text);
    }
    static const ken_lora_options bad[] = {{-1, 0, 0, 0}, {16, -1, 0, 0},  {16, NAN, 0, 0},
                                           {16, 0, 1, 0}, {16, 0, NAN, 0}, {16, 0, 0, 1u << KEN_N_MODULES}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ken_lora_resolve(&s, &bad[i], &err), KEN_EUSAGE);
        assert_non_null(strstr(err.msg, "`lora`"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chosen), cmocka_unit_test(refused), cmocka_unit_test(adapters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
