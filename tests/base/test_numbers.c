/* test_numbers.c - hashes against published vectors, the string map, the random numbers and what is drawn with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"

/* FIPS 180-4 examples (NIST CAVP): "", "abc", the 448-bit message, a million 'a'. */
static void sha256_gives_the_published_digests(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int times;
        const char *hex;
    } t[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        ken_sha256 *h = ken_sha256_new();
        char hex[65];
        assert_non_null(h);
        for (int k = 0; k < t[i].times; k++) ken_sha256_add(h, t[i].text, strlen(t[i].text));
        ken_sha256_hex(h, hex);
        assert_string_equal(hex, t[i].hex);
    }
    ken_alloc_fail_after(1);
    ken_sha256 *none = ken_sha256_new();
    ken_alloc_fail_after(0);
    assert_null(none);
}

static void hash64_spreads_short_keys(void **state)
{
    (void)state;
    enum { N = 4096 };
    static unsigned char used[2 * N];
    int collisions = 0;
    for (int i = 0; i < N; i++) {
        char key[16];
        int n = snprintf(key, sizeof key, "P%d", i);
        uint64_t h = ken_hash64(key, (size_t)n);
        assert_int_equal(h, ken_hash64(key, (size_t)n));
        collisions += used[h % (2 * N)];
        used[h % (2 * N)] = 1;
    }
    /* Throwing 4,096 balls into 8,192 boxes hits a full one 872.6 times (sd 22); more than six sd off means a bad hash. */
    assert_in_range(collisions, 740, 1005);
}

static void string_map_finds_what_was_put_in(void **state)
{
    (void)state;
    enum { N = 10000 };
    static char keys[N][16];
    ken_strmap *m = ken_strmap_new(0);
    assert_non_null(m);
    for (int i = 0; i < N; i++) {
        snprintf(keys[i], sizeof keys[i], "key %d", i);
        assert_int_equal(ken_strmap_add(m, keys[i], strlen(keys[i]), i), 1);
    }
    assert_int_equal(ken_strmap_add(m, keys[5], strlen(keys[5]), -1), 0); /* there already: unchanged */
    for (int i = 0; i < N; i++) assert_int_equal(ken_strmap_get(m, keys[i], strlen(keys[i]), -1), i);
    assert_int_equal(ken_strmap_get(m, "key", 3, -7), -7);
    assert_int_equal(ken_strmap_add(m, "a\0b", 3, 1), 1); /* NUL is a byte like any other */
    assert_int_equal(ken_strmap_add(m, "a\0c", 3, 2), 1);
    assert_int_equal(ken_strmap_get(m, "a\0b", 3, -1), 1);
    assert_int_equal(ken_strmap_get(m, "a\0c", 3, -1), 2);
    assert_int_equal(ken_strmap_add(m, "", 0, 9), 1);
    assert_int_equal(ken_strmap_get(m, "", 0, -1), 9);
    assert_int_equal(ken_strmap_count(m), N + 3);
    ken_strmap_free(m);
    ken_strmap_free(NULL);
}

static void string_map_survives_exhaustion(void **state)
{
    (void)state;
    for (long at = 1; at <= 2; at++) {
        ken_alloc_fail_after(at);
        ken_strmap *m = ken_strmap_new(4);
        ken_alloc_fail_after(0);
        assert_null(m);
    }
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    ken_strmap *m = ken_strmap_new(4);
    int added = 0;
    ken_alloc_fail_after(1);
    while (added < 26 && ken_strmap_add(m, letters + added, 1, added) == 1) added++;
    ken_alloc_fail_after(0);
    assert_in_range(added, 4, 25); /* it had to grow at some point, and could not */
    for (int i = 0; i < added; i++) assert_int_equal(ken_strmap_get(m, letters + i, 1, -1), i);
    assert_int_equal(ken_strmap_add(m, letters + added, 1, added), 1);
    ken_strmap_free(m);
}

/* Salmon et al., SC 2011: the known-answer vectors that come with Random123 for philox4x32, 10 rounds. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } t[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint32_t out[4];
        ken_philox4x32(t[i].ctr, t[i].key, out);
        assert_memory_equal(out, t[i].out, sizeof out);
    }
}

static void uniform_is_uniform_and_depends_on_everything(void **state)
{
    (void)state;
    enum { N = 100000, BINS = 64 };
    int count[BINS] = {0};
    double sum = 0, lag = 0, before = 0.5;
    for (uint32_t i = 0; i < N; i++) {
        double u = ken_uniform(1, "P36/test/12", 11, i, 0, 0);
        assert_true(u >= 0.0 && u < 1.0);
        count[(int)(u * BINS)]++;
        sum += u;
        lag += (u - 0.5) * (before - 0.5);
        before = u;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int b = 0; b < BINS; b++) chi2 += (count[b] - expected) * (count[b] - expected) / expected;
    /* 63 degrees of freedom: 99.99 % of uniform generators stay below 112. The draw is fixed, so the result is always the same. */
    assert_true(chi2 > 25 && chi2 < 112);
    assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1.0 / 12 / N));
    assert_true(fabs(lag / N) < 4.0 / 12 / sqrt((double)N));
    const double u = ken_uniform(7, "a/b", 3, 1, 2, 3);
    assert_true(u == ken_uniform(7, "a/b", 3, 1, 2, 3));
    const double others[] = {ken_uniform(8, "a/b", 3, 1, 2, 3), ken_uniform(7, "a/c", 3, 1, 2, 3),
                             ken_uniform(7, "a/b", 2, 1, 2, 3), ken_uniform(7, "a/b", 3, 2, 2, 3),
                             ken_uniform(7, "a/b", 3, 1, 3, 3), ken_uniform(7, "a/b", 3, 1, 2, 4)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_true(u != others[i]);
}

static void shuffles_are_fair_permutations(void **state)
{
    (void)state;
    enum { N = 5, ROUNDS = 20000 };
    static int at[N][N]; /* (element, place) */
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        int32_t p[N];
        int seen = 0;
        ken_shuffle(seed, "P36", p, N);
        for (int i = 0; i < N; i++) {
            assert_in_range(p[i], 0, N - 1);
            seen |= 1 << p[i];
            at[p[i]][i]++;
        }
        assert_int_equal(seen, (1 << N) - 1);
    }
    /* Each element is at each place with 1/5: 4,000 times, sd 57. */
    for (int e = 0; e < N; e++)
        for (int i = 0; i < N; i++) assert_in_range(at[e][i], 4000 - 250, 4000 + 250);
    int32_t a[100], b[100], c[100];
    ken_shuffle(3, "P36", a, 100);
    ken_shuffle(3, "P36", b, 100);
    ken_shuffle(3, "P37", c, 100);
    assert_memory_equal(a, b, sizeof a);
    assert_true(memcmp(a, c, sizeof a) != 0);
    int32_t one = 9;
    ken_shuffle(0, "", &one, 1);
    assert_int_equal(one, 0);
    ken_shuffle(0, "", &one, 0);
    assert_int_equal(one, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(hash64_spreads_short_keys),
        cmocka_unit_test(string_map_finds_what_was_put_in),
        cmocka_unit_test(string_map_survives_exhaustion),
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(uniform_is_uniform_and_depends_on_everything),
        cmocka_unit_test(shuffles_are_fair_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
