/* test_variant.c - D_X and its relatives: totals of the paper, exact sizes, nesting, what is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "asked.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "tune/variant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HK, MK, WK, UNK };

static ken_variant variant(ken_variant_choice what, int mix, size_t size)
{
    ken_err err = {0};
    if (ken_variant_check(&what, &err) != KEN_OK) fail_msg("%s", err.msg);
    return (ken_variant){.what = what, .mix = mix, .size = size, .seed = 1};
}

static size_t taken(const ken_variant_relation *r) { return r->take[HK] + r->take[MK] + r->take[WK] + r->take[UNK]; }

static size_t plan(const ken_variant *v, ken_variant_relation *r, size_t n)
{
    ken_err err = {0};
    if (ken_variant_plan(v, r, n, NULL, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 4; c++) assert_true(r[i].take[c] <= r[i].have[c]);
        total += taken(&r[i]);
    }
    return total;
}

static void refuse(const ken_variant *v, ken_variant_relation *r, size_t n, const char *part)
{
    ken_err err = {0};
    assert_int_equal(ken_variant_plan(v, r, n, NULL, NULL, &err), KEN_EUSAGE);
    if (strstr(err.msg, part) == NULL) fail_msg("\"%s\" should hold \"%s\"", err.msg, part);
}

static void test_percent(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        int percent;
        size_t want;
    } cases[] = {{10, 50, 5}, {1, 50, 0},  {3, 50, 2},  {5, 50, 2},
                 {7, 50, 4},  {10, 25, 2}, {30, 25, 8}, {50, 25, 12},
                 {6, 10, 1},  {5, 10, 0},  {15, 10, 2}, {1000000007, 1, 10000000},
                 {0, 100, 0}, {9, 0, 0},   {9, 100, 9}, {SIZE_MAX, 100, SIZE_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ken_percent_of(cases[i].n, cases[i].percent), cases[i].want);
}

static void test_apportion(void **state)
{
    (void)state;
    static const struct {
        size_t total, weight[4], want[4];
    } cases[] = {
        {10, {1, 1, 1, 1}, {3, 3, 2, 2}}, {7, {5, 3, 0, 2}, {4, 2, 0, 1}}, /* 3.5, 2.1, 0, 1.4: the .5 is the largest remainder */
        {5, {0, 0, 0, 0}, {0, 0, 0, 0}},  {0, {1, 2, 3, 4}, {0, 0, 0, 0}}, {10, {1, 2, 3, 4}, {1, 2, 3, 4}},
        {9, {1, 2, 3, 4}, {1, 2, 3, 3}}}; /* 0.9, 1.8, 2.7, 3.6 */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t out[4];
        assert_int_equal(ken_apportion(cases[i].total, cases[i].weight, 4, out, NULL), KEN_OK);
        assert_memory_equal(out, cases[i].want, sizeof out);
    }
}

/* docs/method/fine-tuning.md#training-sets: Min_r of the paper's labels, and the Unknown rows of each of its variants. */
static void test_paper(void **state)
{
    (void)state;
    static const size_t min[12] = {553, 236, 364, 369, 1087, 206, 449, 692, 408, 233, 1323, 222};
    static const struct {
        int percent;
        size_t unknown, rest;
    } cases[] = {{0, 0, 6142},     {10, 614, 5528}, {25, 1536, 4606}, {50, 3070, 3072},
                 {75, 4606, 1536}, {90, 5528, 614}, {100, 6142, 0}};
    ken_variant_relation r[12] = {0};
    for (size_t i = 0; i < 12; i++) { /* each category is the rarest somewhere */
        r[i].name = "P";
        for (size_t c = 0; c < 4; c++) r[i].have[c] = min[i] + (c == i % 4 ? 0 : 17 * (c + 1));
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_variant v = variant(VARIANT(UNKNOWN_OF(cases[i].percent)), KEN_MIX_NATURAL, 0);
        assert_int_equal(plan(&v, r, 12), 6142);
        size_t unknown = 0;
        for (size_t k = 0; k < 12; k++) {
            unknown += r[k].take[UNK];
            assert_int_equal(taken(&r[k]), min[k]);
        }
        assert_int_equal(unknown, cases[i].unknown);
        v.concentrated = true; /* as many rows of each relation, as many Unknown ones, in as few relations as can be */
        assert_int_equal(plan(&v, r, 12), 6142);
        size_t mixed = 0;
        unknown = 0;
        for (size_t k = 0; k < 12; k++) {
            unknown += r[k].take[UNK];
            mixed += r[k].take[UNK] > 0 && r[k].take[UNK] < min[k];
            assert_int_equal(taken(&r[k]), min[k]);
        }
        assert_int_equal(unknown, cases[i].unknown);
        assert_true(mixed <= 1);
        v = variant(VARIANT(KNOWN_OF(cases[i].percent)), KEN_MIX_NATURAL, 0);
        assert_int_equal(plan(&v, r, 12), cases[i].rest);
    }
    static const ken_variant_choice whole[] = {NATURAL, ONLY(KEN_HIGHLY_KNOWN), ONLY(KEN_MAYBE_KNOWN),
                                               ONLY(KEN_WEAKLY_KNOWN), ONLY(KEN_UNKNOWN)};
    for (size_t i = 0; i < 5; i++) {
        ken_variant v = variant(whole[i], KEN_MIX_NATURAL, 0);
        assert_int_equal(plan(&v, r, 12), 6142);
        if (i > 0) assert_int_equal(r[3].take[i - 1], min[3]);
    }
}

static void test_known_mix(void **state)
{
    (void)state;
    static const struct {
        int mix;
        size_t have[4], size, want[4];
    } cases[] = {{KEN_MIX_NATURAL, {60, 30, 10, 100}, 20, {6, 3, 1, 10}},
                 {KEN_MIX_NATURAL, {1, 1, 1, 100}, 4, {1, 1, 0, 2}},
                 {KEN_MIX_EQUAL, {60, 30, 10, 100}, 20, {4, 3, 3, 10}},
                 {KEN_MIX_EQUAL, {60, 30, 1, 100}, 20, {5, 4, 1, 10}}, /* what one lacks goes where there is room */
                 {KEN_MIX_HK, {60, 30, 10, 100}, 20, {10, 0, 0, 10}},
                 {KEN_MIX_MK, {60, 30, 10, 100}, 20, {0, 10, 0, 10}},
                 {KEN_MIX_WK, {60, 30, 10, 100}, 20, {0, 0, 10, 10}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_variant_relation r = {.name = "r"};
        memcpy(r.have, cases[i].have, sizeof r.have);
        ken_variant v = variant(VARIANT(UNKNOWN_OF(50)), cases[i].mix, cases[i].size);
        assert_int_equal(plan(&v, &r, 1), cases[i].size);
        assert_memory_equal(r.take, cases[i].want, sizeof r.take);
    }
    ken_variant_relation r = {.name = "r", .have = {60, 30, 10, 100}};
    ken_variant v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_WK, 22);
    refuse(&v, &r, 1,
           "there are 10 Known and 100 Unknown: `set_rows` 20 is the most"); /* 21 would be 10 Unknown and 11 Known */
}

static uint32_t next(uint32_t *s) { return (*s = *s * 1664525U + 1013904223U) >> 8; }

/* Exact totals for random data and sizes, the same mix of relations for every X as long as all of them can give their share. */
static void test_sizes(void **state)
{
    (void)state;
    uint32_t s = 1;
    for (int round = 0; round < 300; round++) {
        enum { N = 6 };
        ken_variant_relation r[N] = {0};
        size_t known = 0, unknown = 0, both = 0;
        for (size_t i = 0; i < N; i++) {
            r[i].name = "r";
            for (int c = 0; c < 4; c++) r[i].have[c] = next(&s) % 4 == 0 ? 0 : next(&s) % 40;
            size_t k = r[i].have[HK] + r[i].have[MK] + r[i].have[WK];
            known += k;
            unknown += r[i].have[UNK];
            both += k < r[i].have[UNK] ? k : r[i].have[UNK];
        }
        size_t mix[N] = {0}, was[N] = {0};
        for (int percent = 0; percent <= 100; percent += 5) {
            size_t size = 1 + next(&s) % (known + unknown + 2);
            ken_variant v = variant(VARIANT(UNKNOWN_OF(percent)), KEN_MIX_NATURAL, size);
            size_t want = ken_percent_of(size, percent);
            if (want > unknown || size - want > known) {
                refuse(&v, r, N, "is the most");
                ken_err err = {0};
                (void)ken_variant_plan(&v, r, N, NULL, NULL, &err);
                v.size = (size_t)strtoull(strstr(err.msg, "`set_rows` ") + 11, NULL, 10);
                if (v.size > 0) assert_int_equal(plan(&v, r, N), v.size);
                v.size++;
                refuse(&v, r, N, "is the most");
            } else {
                assert_int_equal(plan(&v, r, N), size);
                size_t got = 0;
                for (size_t i = 0; i < N; i++) got += r[i].take[UNK];
                assert_int_equal(got, want);
            }
            if (both == 0) continue;
            v.size = both;
            assert_int_equal(plan(&v, r, N), both);
            for (size_t i = 0; i < N; i++) {
                if (percent > 0) assert_int_equal(taken(&r[i]), mix[i]);
                assert_true(r[i].take[UNK] >= was[i]); /* so that variants nest */
                mix[i] = taken(&r[i]);
                was[i] = r[i].take[UNK];
            }
        }
    }
}

static void test_spread(void **state)
{
    (void)state;
    ken_variant_relation r[] = {{.name = "a", .have = {5, 0, 0, 5}},
                                {.name = "b", .have = {20, 0, 0, 0}},
                                {.name = "c", .have = {0, 0, 0, 20}}};
    size_t left_out, spread;
    ken_variant v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_NATURAL, 10);
    assert_int_equal(ken_variant_plan(&v, r, 3, &left_out, &spread, NULL), KEN_OK);
    assert_int_equal(left_out, 2);
    assert_int_equal(spread, 0);
    v.size = 30;
    assert_int_equal(ken_variant_plan(&v, r, 3, &left_out, &spread, NULL), KEN_OK);
    assert_int_equal(left_out, 0);
    assert_int_equal(spread, 20);
    assert_int_equal(taken(&r[0]), 10);
    assert_int_equal(r[1].take[HK], 10);
    assert_int_equal(r[2].take[UNK], 10);
    v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_NATURAL, 0);
    refuse(&v, r, 3, "no relation has rows of all four categories");
    v = variant(VARIANT(ONLY(KEN_HIGHLY_KNOWN)), KEN_MIX_NATURAL, 5);
    assert_int_equal(plan(&v, r, 3), 5);
    v.size = 6;
    refuse(&v, r, 3, "take 6 HighlyKnown rows of relation \"a\", which has 5");
    refuse(&v, r + 1, 2, "no relation has both");
    v = variant(VARIANT(NATURAL), KEN_MIX_NATURAL, 50);
    assert_int_equal(plan(&v, r, 3), 50);
    v.size = 51;
    refuse(&v, r, 3, "51 rows are asked for, 50 have a category");
    v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_NATURAL, 40); /* no relation has both: all is spread */
    assert_int_equal(plan(&v, r + 1, 2), 40);
    refuse(&v, r, 0, "no row has a category");
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        ken_variant_choice v;
        const char *text;
    } good[] = {{UNKNOWN_OF(50), "unknown=50"},
                {KNOWN_OF(0), "known=0"},
                {NATURAL, "natural"},
                {ONLY(KEN_WEAKLY_KNOWN), "WeaklyKnown"},
                {NO_VARIANT, ""}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ken_buf text = {0};
        ken_variant_text(&text, &good[i].v);
        assert_string_equal(ken_buf_str(&text), good[i].text);
        ken_buf_free(&text);
    }
    static const ken_variant_choice bad[] = {
        UNKNOWN_OF(101), KNOWN_OF(-1), ONLY(KEN_UNLABELLED), ONLY(-1), {(ken_variant_kind)9, 0, 0}};
    ken_err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ken_variant_check(&bad[i], &err), KEN_EUSAGE);
}

/* ---- drawing -------------------------------------------------------------------------------------------------------- */

enum { ROWS = 600 };
static ken_variant_row rows[ROWS];

static void make_rows(void)
{
    static const char *const names[] = {"a", "b", "c"};
    uint32_t s = 3;
    for (size_t i = 0; i < ROWS; i++) rows[i] = (ken_variant_row){names[next(&s) % 3], (int)(next(&s) % 6)};
}

static void draw(ken_variant_choice what, uint64_t seed, bool *chosen)
{
    ken_err err = {0};
    ken_variant v = variant(what, KEN_MIX_NATURAL, 120);
    v.seed = seed;
    if (ken_variant_draw(&v, rows, ROWS, chosen, NULL, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
}

static void test_nested(void **state)
{
    (void)state;
    make_rows();
    bool small[ROWS], large[ROWS], known[ROWS], again[ROWS], other[ROWS];
    draw(VARIANT(UNKNOWN_OF(10)), 1, small);
    draw(VARIANT(UNKNOWN_OF(25)), 1, large);
    draw(VARIANT(KNOWN_OF(25)), 1, known);
    draw(VARIANT(UNKNOWN_OF(25)), 1, again);
    draw(VARIANT(UNKNOWN_OF(25)), 2, other);
    size_t n = 0, unknown = 0;
    for (size_t i = 0; i < ROWS; i++) {
        n += large[i];
        unknown += large[i] && rows[i].category == UNK;
        if (large[i]) assert_true(rows[i].category < 4);
        if (small[i] && rows[i].category == UNK) assert_true(large[i]);
        assert_int_equal(known[i], large[i] && rows[i].category != UNK);
        assert_int_equal(again[i], large[i]);
    }
    assert_int_equal(n, 120);
    assert_int_equal(unknown, 30);
    assert_memory_not_equal(other, large, sizeof large);
}

/* Other rows in other relations do not change what a relation gives, as long as it gives as many. */
static void test_pools(void **state)
{
    (void)state;
    bool all[ROWS], none[ROWS];
    make_rows();
    ken_variant v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_NATURAL, 0);
    assert_int_equal(ken_variant_draw(&v, rows, ROWS, all, NULL, NULL, NULL), KEN_OK);
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].relation, "b") != 0) rows[i].category = 5;
    assert_int_equal(ken_variant_draw(&v, rows, ROWS, none, NULL, NULL, NULL), KEN_OK);
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].relation, "b") == 0) assert_int_equal(all[i], none[i]);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    make_rows();
    for (int kind = 0; kind < 2; kind++)
        for (long n = 1;; n++) {
            bool chosen[ROWS];
            ken_err err = {0};
            ken_variant v = variant(VARIANT(UNKNOWN_OF(50)), KEN_MIX_EQUAL, kind == 0 ? 0 : 150);
            ken_alloc_fail_after(n);
            int rc = ken_variant_draw(&v, rows, ROWS, chosen, NULL, NULL, &err);
            ken_alloc_fail_after(0);
            if (rc == KEN_OK) break;
            assert_int_equal(rc, KEN_ENOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_percent), cmocka_unit_test(test_apportion),
                                       cmocka_unit_test(test_paper),   cmocka_unit_test(test_known_mix),
                                       cmocka_unit_test(test_sizes),   cmocka_unit_test(test_spread),
                                       cmocka_unit_test(test_names),   cmocka_unit_test(test_nested),
                                       cmocka_unit_test(test_pools),   cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
