/* test_order.c - each row once an epoch, the tail last, mixtures by weight, the same batches whatever was asked before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "tune/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ken_order *order(const ken_order_options *o)
{
    ken_err err = {0};
    ken_order *r = NULL;
    if (ken_order_new(&r, o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return r;
}

/* A whole epoch to out; its length. */
static size_t epoch_of(ken_order *o, int64_t epoch, size_t *out)
{
    size_t n = 0;
    for (size_t b = 0; b < ken_order_batches(o); b++) {
        const size_t *row;
        size_t len = ken_order_batch(o, epoch, b, &row);
        memcpy(out + n, row, len * sizeof *row);
        n += len;
    }
    return n;
}

static void test_each_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 7, 32, 33, 100, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ken_order_part part = {sizes[i], 1};
        ken_order *o = order(&(ken_order_options){.part = &part, .n_parts = 1, .batch = 32, .seed = 5});
        assert_int_equal(ken_order_batches(o), (sizes[i] + 31) / 32);
        size_t first[1000], row[1000];
        for (int64_t e = 0; e < 3; e++) {
            bool seen[1000] = {false};
            assert_int_equal(epoch_of(o, e, row), sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++) {
                assert_true(row[k] < sizes[i] && !seen[row[k]]);
                seen[row[k]] = true;
            }
            if (e == 0) memcpy(first, row, sizeof first);
            else if (sizes[i] >= 32) assert_memory_not_equal(first, row, sizes[i] * sizeof *row);
        }
        const size_t *last;
        assert_int_equal(ken_order_batch(o, 0, ken_order_batches(o) - 1, &last), (sizes[i] - 1) % 32 + 1);
        assert_int_equal(ken_order_batch(o, 0, ken_order_batches(o), &last), 0);
        assert_int_equal(ken_order_batch(o, -1, 0, &last), 0);
        ken_order_free(o);
    }
}

/* Every place equally likely: over many epochs each row stands first about as often. */
static void test_fair(void **state)
{
    (void)state;
    enum { ROWS = 10, EPOCHS = 20000 };
    ken_order_part part = {ROWS, 1};
    ken_order *o = order(&(ken_order_options){.part = &part, .n_parts = 1, .batch = 4, .seed = 1});
    const double mean = (double)EPOCHS / ROWS;
    double count[ROWS] = {0}, chi2 = 0;
    for (int64_t e = 0; e < EPOCHS; e++) {
        const size_t *row;
        (void)ken_order_batch(o, e, 0, &row);
        count[row[0]]++;
    }
    for (int i = 0; i < ROWS; i++) chi2 += pow(count[i] - mean, 2) / mean;
    assert_true(chi2 < 27.9); /* 0.1 % with 9 degrees of freedom */
    ken_order_free(o);
}

static void test_stateless(void **state)
{
    (void)state;
    const ken_order_part part[] = {{50, 1}, {7, 0.3}, {200, 0.5}};
    bool tail[50] = {false};
    for (int i = 40; i < 50; i++) tail[i] = true;
    ken_order_options options = {.part = part, .n_parts = 3, .tail = tail, .batch = 8, .seed = 9};
    ken_order *a = order(&options), *b = order(&options);
    options.seed = 10;
    ken_order *c = order(&options);
    size_t rows[4][200], other[200], n = 0;
    for (int64_t e = 0; e < 4; e++) n = epoch_of(a, e, rows[e]);
    assert_int_equal(n, 40 + 12 + 20 + 10);
    static const int64_t epochs[] = {3, 0, 2, 2, 1};
    for (size_t k = 0; k < 5; k++) { /* any order of asking, from the last batch on */
        for (size_t i = ken_order_batches(b); i-- > 0;) {
            const size_t *row;
            size_t len = ken_order_batch(b, epochs[k], i, &row);
            assert_memory_equal(row, rows[epochs[k]] + 8 * i, len * sizeof *row);
        }
    }
    (void)epoch_of(c, 0, other);
    assert_memory_not_equal(other, rows[0], n * sizeof *other);
    ken_order_free(a);
    ken_order_free(b);
    ken_order_free(c);
}

static void test_tail(void **state)
{
    (void)state;
    bool tail[20] = {false};
    tail[3] = tail[11] = tail[12] = tail[19] = true;
    ken_order_part part = {20, 1};
    ken_order *o = order(&(ken_order_options){.part = &part, .n_parts = 1, .tail = tail, .batch = 6, .seed = 2});
    for (int64_t e = 0; e < 3; e++) {
        size_t row[20], want[] = {3, 11, 12, 19};
        bool seen[20] = {false};
        assert_int_equal(epoch_of(o, e, row), 20);
        for (int i = 0; i < 16; i++) {
            assert_false(tail[row[i]] || seen[row[i]]);
            seen[row[i]] = true;
        }
        assert_memory_equal(row + 16, want, sizeof want);
    }
    ken_order_free(o);
    memset(tail, 1, sizeof tail); /* nothing but a tail */
    o = order(&(ken_order_options){.part = &part, .n_parts = 1, .tail = tail, .batch = 6, .seed = 2});
    size_t row[20];
    assert_int_equal(epoch_of(o, 0, row), 20);
    for (size_t i = 0; i < 20; i++) assert_int_equal(row[i], i);
    ken_order_free(o);
}

/* In every batch, and summed over batches, each part is within one row and a bit of its share. */
static void test_shares(void **state)
{
    (void)state;
    static const struct {
        ken_order_part part[4];
        int n;
        size_t batch;
    } cases[] = {{{{1000, 1}, {300, 0.25}}, 2, 32},
                 {{{1000, 1}, {300, 0.25}, {5, 0.1}, {4000, 3}}, 4, 16},
                 {{{100, 1}, {100, 1}, {100, 1}}, 3, 1},
                 {{{100, 1}, {10, 0.001}}, 2, 7},
                 {{{3, 1}, {10, 50}}, 2, 4},
                 {{{17, 2}, {10, 1}}, 2, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ken_order_part *p = cases[i].part;
        ken_order *o =
            order(&(ken_order_options){.part = p, .n_parts = cases[i].n, .batch = cases[i].batch, .seed = 4});
        double of_epoch[4], total = 0;
        for (int k = 0; k < cases[i].n; k++)
            total += of_epoch[k] = round((double)p[0].rows * p[k].weight / p[0].weight);
        size_t count[4] = {0}, n = 0;
        for (size_t b = 0; b < ken_order_batches(o); b++) {
            const size_t *row;
            size_t len = ken_order_batch(o, 0, b, &row), in[4] = {0};
            bool last = b + 1 == ken_order_batches(o);
            assert_true(last ? len >= 1 && len <= cases[i].batch : len == cases[i].batch);
            for (size_t k = 0; k < len; k++) {
                size_t first = 0;
                int q = 0;
                while (row[k] >= first + p[q].rows) first += p[q++].rows;
                in[q]++;
            }
            n += len;
            for (int q = 0; q < cases[i].n; q++) {
                count[q] += in[q];
                assert_true(fabs((double)in[q] - of_epoch[q] / total * (double)len) < 2);
                assert_true(fabs((double)count[q] - of_epoch[q] / total * (double)n) < 1.5);
            }
        }
        assert_int_equal(n, (size_t)total);
        for (int q = 0; q < cases[i].n; q++) assert_true((double)count[q] == of_epoch[q]);
        ken_order_free(o);
    }
}

/* A part continues where the last epoch ended: each of its rows as often as any other, give or take one. */
static void test_cycles(void **state)
{
    (void)state;
    static const struct {
        size_t main, rows;
        double weight;
    } cases[] = {{10, 7, 0.3}, {10, 3, 2}, {10, 100, 1}, {1, 5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ken_order_part part[] = {{cases[i].main, 1}, {cases[i].rows, cases[i].weight}};
        ken_order *o = order(&(ken_order_options){.part = part, .n_parts = 2, .batch = 4, .seed = 4});
        size_t count[100] = {0}, row[100], least = SIZE_MAX, most = 0;
        for (int64_t e = 0; e < 23; e++) {
            size_t n = epoch_of(o, e, row);
            for (size_t k = 0; k < n; k++)
                if (row[k] >= cases[i].main) count[row[k] - cases[i].main]++;
        }
        for (size_t k = 0; k < cases[i].rows; k++) {
            if (count[k] < least) least = count[k];
            if (count[k] > most) most = count[k];
        }
        assert_true(most - least <= 1);
        ken_order_free(o);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        ken_order_part part[2];
        size_t batch;
        int n, status;
    } cases[] = {{{{0, 1}}, 4, 1, KEN_EUSAGE},
                 {{{5, 0}}, 4, 1, KEN_EUSAGE},
                 {{{5, 1}, {5, NAN}}, 4, 2, KEN_EUSAGE},
                 {{{5, 1}, {5, -1}}, 4, 2, KEN_EUSAGE},
                 {{{5, 1}, {5, 1e300}}, 4, 2, KEN_EUSAGE},
                 {{{5, 1}, {5, INFINITY}}, 4, 2, KEN_EUSAGE},
                 {{{(size_t)1 << 40, 1}}, 4, 1, KEN_EUSAGE},
                 {{{5, 1}}, 0, 1, KEN_ESTATE},
                 {{{5, 1}}, 4, 0, KEN_ESTATE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_err err = {0};
        ken_order *o = NULL;
        ken_order_options options = {.part = cases[i].part, .n_parts = cases[i].n, .batch = cases[i].batch};
        assert_int_equal(ken_order_new(&o, &options, &err), cases[i].status);
        assert_true(o == NULL && err.msg[0] != '\0');
    }
    const ken_order_part part[] = {{5, 1}, {5, 1}};
    ken_order_options options = {.part = part, .n_parts = 2, .batch = 4};
    for (long n = 1;; n++) {
        ken_order *o = NULL;
        ken_err err = {0};
        ken_alloc_fail_after(n);
        int rc = ken_order_new(&o, &options, &err);
        ken_alloc_fail_after(0);
        ken_order_free(o);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_once), cmocka_unit_test(test_fair),
                                       cmocka_unit_test(test_stateless), cmocka_unit_test(test_tail),
                                       cmocka_unit_test(test_shares),    cmocka_unit_test(test_cycles),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
