/* test_freeze.c - what --train, --freeze and --lora mean, over a made-up list of tensors. */
#include "tune/freeze.h"
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

static void chosen(void **state)
{
    (void)state;
    static const struct {
        const char *train, *freeze, *want; /* embedding, (attn norm, attn, ffn norm, ffn) x 3, output norm, head */
    } cases[] = {
        {NULL, NULL, "1 1111 1111 1111 1 1"},
        {"attention", NULL, "0 1100 1100 1100 0 0"},
        {"mlp", NULL, "0 0011 0011 0011 0 0"},
        {"norms", NULL, "0 1010 1010 1010 1 0"},
        {"embeddings,head", NULL, "1 0000 0000 0000 0 1"},
        {"layers=1-2", NULL, "0 0000 1111 1111 0 0"},
        {"mlp,layers=1", NULL, "0 0000 0011 0000 0 0"},
        {"layers=1,attention", NULL, "0 0000 1100 0000 0 0"},
        {NULL, "embeddings", "0 1111 1111 1111 1 1"},
        {NULL, "norms", "1 0101 0101 0101 0 1"},
        {NULL, "embeddings,head,layers=0-1", "0 0000 0000 1111 1 0"},
        {"attention", "norms", "0 0100 0100 0100 0 0"},
        {"attention,mlp", "layers=2-2,mlp", "0 1100 1100 0000 0 0"},
    };
    ken_config c = {.n_layer = 3};
    ken_params p = {.config = &c, .list = list, .n_list = N};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool trains[N];
        ken_err err = {0};
        if (ken_freeze_parse(trains, &p, cases[i].train, cases[i].freeze, &err) != KEN_OK)
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
        const char *train, *freeze, *says;
        bool tied;
    } bad[] = {
        {"atention", NULL, "\"atention\"", false},
        {"", NULL, "\"\"", false},
        {NULL, "mlp,,head", "\"\"", false},
        {"layers=", NULL, "layers=A-B", false},
        {"layers=1-", NULL, "layers=A-B", false},
        {"layers=-1", NULL, "layers=A-B", false},
        {"layers=2-1", NULL, "0-2", false},
        {"layers=3", NULL, "0-2", false},
        {"layers=99999999999999999999", NULL, "0-2", false},
        {"layers=0,layers=1", NULL, "twice", false},
        {"attention", "attention", "nothing is left", false},
        {NULL, "head", "token embedding", true},
        {"layers=0", "layers=0-2", "nothing is left", false},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ken_config c = {.n_layer = 3, .tied = bad[i].tied};
        ken_params p = {.config = &c, .list = list, .n_list = N};
        bool trains[N];
        ken_err err = {0};
        assert_int_equal(ken_freeze_parse(trains, &p, bad[i].train, bad[i].freeze, &err), KEN_EUSAGE);
        if (strstr(err.msg, bad[i].says) == NULL) fail_msg("%zu: %s", i, err.msg);
    }
}

static void adapters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rank;
        double alpha, dropout;
        unsigned targets;
    } cases[] = {
        {"r=16", 16, 32, 0, 127},
        {"r=8,alpha=8,dropout=0.1", 8, 8, 0.1, 127},
        {"targets=q_proj,v_proj,r=4", 4, 8, 0, 1u << KEN_MOD_Q | 1u << KEN_MOD_V},
        {"r=2,targets=attention,down_proj,alpha=1", 2, 1, 0,
         1u << KEN_MOD_Q | 1u << KEN_MOD_K | 1u << KEN_MOD_V | 1u << KEN_MOD_O | 1u << KEN_MOD_DOWN},
        {"r=2,targets=mlp", 2, 4, 0, 1u << KEN_MOD_GATE | 1u << KEN_MOD_UP | 1u << KEN_MOD_DOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_lora_spec s;
        ken_err err = {0};
        if (ken_lora_parse(&s, cases[i].text, &err) != KEN_OK) fail_msg("%s: %s", cases[i].text, err.msg);
        assert_int_equal(s.rank, cases[i].rank);
        assert_true(s.alpha == (float)cases[i].alpha && s.dropout == (float)cases[i].dropout);
        assert_int_equal(s.targets, cases[i].targets);
    }
    static const char *const bad[] = {"",
                                      "16",
                                      "r=0",
                                      "r=1.5",
                                      "r=16,",
                                      "r=x",
                                      "r=16,alpha=0",
                                      "r=16,dropout=1",
                                      "alpha=32",
                                      "r=16,targets=",
                                      "r=16 ",
                                      "r=16,beta=1",
                                      "r=nan",
                                      "r=16,targets=q_proj,zz_proj",
                                      "r=16,q_proj"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ken_lora_spec s;
        ken_err err = {0};
        if (ken_lora_parse(&s, bad[i], &err) != KEN_EUSAGE) fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(strstr(err.msg, "`lora`"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chosen), cmocka_unit_test(refused), cmocka_unit_test(adapters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
