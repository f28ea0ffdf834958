/* test_sample.c - rows drawn at random: each as likely, relations in proportion, nested, and never beside what limits and exemplars decide. */
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "data/exemplars.h"
#include <stdlib.h>
#include <string.h>

enum { SMALL = 5, LARGE = 95, ALL = SMALL + LARGE };

/* Two relations, the small one first. */
static ken_data *two_relations(void)
{
    ken_buf b = {0};
    for (int i = 0; i < ALL; i++)
        ken_buf_printf(&b,
                       "{\"relation\":\"%s\",\"question\":\"What is %d?\",\"answer\":\"a%d\",\"subject\":\"s%d\"}\n",
                       i < SMALL ? "a" : "b", i, i, i);
    ken_data *d = data_of("made.jsonl", ken_buf_str(&b), NULL);
    ken_buf_free(&b);
    return d;
}

static size_t draw(const ken_data *d, size_t want, uint64_t seed, bool taken[ALL])
{
    ken_err err = {0};
    size_t *rows, n;
    assert_int_equal(ken_data_sample(d, want, seed, &rows, &n, &err), KEN_OK);
    memset(taken, 0, ALL * sizeof *taken);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i] < ALL && (i == 0 || rows[i] > rows[i - 1])); /* data order */
        taken[rows[i]] = true;
    }
    ken_buffer_free(rows);
    return n;
}

static void samples_nest_and_keep_the_mix(void **state)
{
    (void)state;
    ken_data *d = two_relations();
    for (uint64_t seed = 0; seed < 20; seed++) {
        bool small[ALL], large[ALL];
        memset(small, 0, sizeof small);
        for (size_t want = 1; want <= ALL + 1; want++) {
            assert_int_equal(draw(d, want, seed, large), want <= ALL ? want : ALL);
            size_t of_small = 0;
            for (size_t i = 0; i < ALL; i++) {
                assert_true(large[i] || !small[i]);
                if (i < SMALL) of_small += large[i];
            }
            const double share = (double)(want < ALL ? want : ALL) * SMALL / ALL;
            assert_true((double)of_small > share - 1.0001 && (double)of_small < share + 1.0001);
            memcpy(small, large, sizeof small);
        }
    }
    ken_data_free(d);
}

/* Over seeds: 400 of them, 20 rows of 100 each: 80 times a row, with a standard deviation of 8. */
static void each_row_is_as_likely(void **state)
{
    (void)state;
    ken_data *d = two_relations();
    int times[ALL] = {0};
    bool taken[ALL];
    for (uint64_t seed = 0; seed < 400; seed++) {
        draw(d, 20, seed, taken);
        for (size_t i = 0; i < ALL; i++) times[i] += taken[i];
    }
    for (size_t i = 0; i < ALL; i++)
        if (times[i] < 40 || times[i] > 120) fail_msg("row %zu was drawn %d times of 80 expected", i, times[i]);
    ken_data_free(d);
}

static void annotations_and_evaluations_ask_the_sample(void **state)
{
    (void)state;
    ken_data *d = two_relations();
    ken_err err = {0};
    ken_exemplar_options o = {.n_sets = 10, .shots = 4, .sample = 20, .sample_seed = 3};
    ken_exemplar_sets *p;
    const size_t *rows;
    bool taken[ALL];
    draw(d, 20, 3, taken);
    assert_int_equal(ken_exemplar_sets_new(&p, d, &o, &err), KEN_OK);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 20);
    for (size_t i = 0; i < 20; i++) assert_true(taken[rows[i]]);
    ken_exemplar_sets_free(p);

    o.per_relation = 10; /* is taken first: 5 + 10 rows are left */
    assert_int_equal(ken_exemplar_sets_new(&p, d, &o, &err), KEN_OK);
    assert_int_equal(ken_exemplar_sets_rows(p, &rows), 15);
    ken_exemplar_sets_free(p);

    o.limit = 5;
    assert_int_equal(ken_exemplar_sets_new(&p, d, &o, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "`limit`"));
    assert_non_null(strstr(err.msg, "`sample`"));
    ken_data_free(d);
}

static void without_memory_it_fails_cleanly(void **state)
{
    (void)state;
    ken_data *d = two_relations();
    ken_err err = {0};
    size_t *rows = NULL, n;
    int rc = KEN_ENOMEM, failed = 0;
    for (long k = 1; rc == KEN_ENOMEM; k++) {
        ken_alloc_fail_after(k);
        rc = ken_data_sample(d, 7, 0, &rows, &n, &err);
        ken_alloc_fail_after(0);
        failed += rc == KEN_ENOMEM;
    }
    assert_int_equal(rc, KEN_OK);
    assert_true(failed >= 4);
    ken_buffer_free(rows);
    ken_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_nest_and_keep_the_mix),
        cmocka_unit_test(each_row_is_as_likely),
        cmocka_unit_test(annotations_and_evaluations_ask_the_sample),
        cmocka_unit_test(without_memory_it_fails_cleanly),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
