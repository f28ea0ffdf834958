/* test_canon.c - the canonical spelling: what differs is spelled differently, wherever one thing ends and the next begins. */
#include "base/alloc.h"
#include "base/canon.h"
#include "base/hash.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Texts that a join by a byte would mix up: the joints themselves, and digits that a decimal length could be taken for. */
static const char *const word[] = {NULL, "",     "a", "aa", "\x01", "a\x01", "\001a",
                                   "\n", "a\na", ":", "1",  "1:a",  "\x02",  "\xff\xff"};
enum { WORDS = sizeof word / sizeof *word, MOST = 3, LISTS = 1 + WORDS + WORDS * WORDS + WORDS * WORDS * WORDS };

/* List number k of at most MOST words. */
static int list_of(int k, const char *out[MOST])
{
    int n = 0;
    for (int fewer = 1; k >= fewer; fewer *= WORDS, n++) k -= fewer;
    for (int i = 0; i < n; i++, k /= WORDS) out[i] = word[k % WORDS];
    return n;
}

static int by_bytes(const void *a, const void *b)
{
    const ken_buf *x = a, *y = b;
    int c = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

/* None of these spellings (n) is another one, nor the beginning of another one: then what follows cannot make up for a difference. In the
 * order of the bytes a spelling stands right before those that it begins. */
static void none_begins_another(ken_buf *all, size_t n)
{
    qsort(all, n, sizeof *all, by_bytes);
    for (size_t i = 1; i < n; i++)
        if (all[i - 1].len <= all[i].len && memcmp(all[i - 1].data, all[i].data, all[i - 1].len) == 0)
            fail_msg("%zu bytes are the beginning of %zu others", all[i - 1].len, all[i].len);
    for (size_t i = 0; i < n; i++) ken_buf_free(&all[i]);
}

static void lists_differ(void **state)
{
    (void)state;
    static ken_buf all[LISTS];
    const char *s[MOST] = {0};
    memset(all, 0, sizeof all);
    for (int k = 0; k < LISTS; k++) ken_canon_list(&all[k], s, list_of(k, s));
    none_begins_another(all, LISTS);
}

/* Fields that follow one another: no text reaches over into the next. */
static void texts_differ(void **state)
{
    (void)state;
    static ken_buf all[WORDS * WORDS * WORDS];
    memset(all, 0, sizeof all);
    for (int k = 0; k < WORDS * WORDS * WORDS; k++) {
        ken_canon_text(&all[k], word[k % WORDS]);
        ken_canon_text(&all[k], word[k / WORDS % WORDS]);
        ken_canon_text(&all[k], word[k / WORDS / WORDS]);
    }
    none_begins_another(all, WORDS * WORDS * WORDS);
}

/* Two lists that follow one another: where the first ends is part of the spelling. */
static void neighbours_differ(void **state)
{
    (void)state;
    enum { FEW = 1 + WORDS + WORDS * WORDS };
    static ken_buf all[FEW * FEW];
    const char *s[MOST] = {0};
    memset(all, 0, sizeof all);
    for (int k = 0; k < FEW * FEW; k++) {
        ken_canon_list(&all[k], s, list_of(k % FEW, s));
        ken_canon_list(&all[k], s, list_of(k / FEW, s));
    }
    none_begins_another(all, FEW * FEW);
}

static void numbers(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {8, 7, 6, 5, 4, 3, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    ken_buf b = {0};
    ken_canon_number(&b, 0x0102030405060708u);
    ken_canon_number(&b, UINT64_MAX);
    assert_int_equal(b.len, sizeof bytes);
    assert_memory_equal(b.data, bytes, sizeof bytes);
    ken_buf_free(&b);
}

static uint64_t spelled(double x)
{
    ken_buf b = {0};
    uint64_t v;
    ken_canon_real(&b, x);
    assert_int_equal(b.len, sizeof v);
    memcpy(&v, b.data, sizeof v);
    ken_buf_free(&b);
    return v;
}

static double of_bits(uint64_t v)
{
    double x;
    memcpy(&x, &v, sizeof x);
    return x;
}

static void reals(void **state)
{
    (void)state;
    static const double real[] = {0, 1, -1, 0.1, 0.30000000000000004, 0.3, 0x1p-1074, 1e308, INFINITY, -INFINITY, NAN};
    enum { N = sizeof real / sizeof *real };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++) assert_true(spelled(real[i]) != spelled(real[j]));
    /* A number that is not known has many bits and one meaning. */
    assert_int_equal(spelled(of_bits(0x7ff8000000000001u)), spelled(NAN));
    assert_int_equal(spelled(of_bits(0xfff8000000000000u)), spelled(NAN));
    assert_int_equal(spelled(-NAN), spelled(NAN));
    assert_int_equal(spelled(of_bits(0x3fb999999999999au)), spelled(0.1));
}

static void hashes(void **state)
{
    (void)state;
    char hex[65], again[65];
    ken_buf b = {0};
    assert_int_equal(ken_canon_hash(&b, hex), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"); /* of nothing */
    ken_buf_puts(&b, "abc");
    assert_int_equal(ken_canon_hash(&b, hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2, B.1 */
    assert_int_equal(ken_canon_hash(&b, again), 0);                                               /* the buffer stays */
    assert_string_equal(again, hex);
    ken_canon_text(&b, "");
    assert_int_equal(ken_canon_hash(&b, again), 0);
    assert_string_not_equal(again, hex);
    ken_buf_free(&b);
}

/* What could not be spelled has no hash, rather than that of a part. */
static void no_memory(void **state)
{
    (void)state;
    static const char *const s[] = {"a question",
                                    "that is longer than the first piece of memory that a buffer takes, and", "more"};
    char hex[65];
    for (long k = 1, good = 0; !good; k++) {
        ken_buf b = {0};
        ken_alloc_fail_after(k);
        ken_canon_list(&b, s, 3);
        ken_canon_real(&b, 1);
        int rc = ken_canon_hash(&b, hex);
        ken_alloc_fail_after(0);
        good = rc == 0;
        if (!good) assert_int_equal(rc, -1);
        else assert_true(k > 1);
        if (b.failed) assert_int_equal(ken_canon_hash(&b, hex), -1); /* with memory again, too */
        ken_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_differ), cmocka_unit_test(texts_differ), cmocka_unit_test(neighbours_differ),
        cmocka_unit_test(numbers),      cmocka_unit_test(reals),        cmocka_unit_test(hashes),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
