/* test_results.c - the views of results say in JSON what was measured, whatever names it has, and memory may end at any moment. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "view/views.h"
#include <math.h>
#include <string.h>

static ken_err err;

typedef int (*make_fn)(ken_views **out);

/* Its JSON, when the first so many allocations succeed; NULL when memory ended. */
static char *json_of(make_fn make, long allocations)
{
    ken_views *v = NULL;
    char *text = NULL, *other = NULL;
    ken_alloc_fail_after(allocations);
    int rc = make(&v);
    if (rc == KEN_OK) rc = ken_views_json(v, &text, &err);
    if (rc == KEN_OK) rc = ken_views_csv(v, &other, &err);
    ken_alloc_fail_after(0);
    if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
    ken_text_free(other);
    ken_views_free(v);
    if (rc == KEN_OK) return text;
    ken_text_free(text);
    return NULL;
}

static void check(make_fn make, const char *expected)
{
    char *text = json_of(make, 0);
    assert_non_null(text);
    assert_string_equal(text, expected);
    ken_text_free(text);
    for (long k = 1; (text = json_of(make, k)) == NULL;) k++;
    assert_string_equal(text, expected);
    ken_text_free(text);
}

/* ---- a measurement of a training -------------------------------------------------------------------------------------- */

static int make_point(ken_views **out)
{
    static const ken_point p = {.step = 10,
                                .epoch = 0.5,
                                .lr = NAN,
                                .loss = 1.5,
                                .kl = NAN,
                                .grad_norm = 0.25,
                                .seconds = 99,
                                .examples = 80,
                                .tokens = 320,
                                .forwards = 1600,
                                .best = true};
    static const ken_measure m[] = {
        {.set = "dev", .grouping = "all", .key = "", .n = 2, .hits = 2, .hits_raw = 1, .answered = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "all", .key = "", .tokens = 4, .loss = 2, .p = NAN},
        {.set = "mix:a.b[0]\\\xff", .grouping = "relation", .key = "P.1", .tokens = 1, .bytes = 8, .p = NAN}};
    return ken_views_of_point(out, &p, m, 3, 7.5, &err);
}

static void point(void **state)
{
    (void)state;
    check(
        make_point,
        "{\"epoch\":0.5,\"step\":10,\"lr\":null,\"loss\":1.5,\"kl\":null,\"grad_norm\":0.25,\"examples\":80,\"tokens\":"
        "320,\"token_forwards\":1600,\"best\":true,\"last\":false,\"training_seconds\":7.5,\"dev\":{\"examples\":2,"
        "\"hits\":2,\"accuracy\":1.0,\"accuracy_lo\":0.342380228,\"accuracy_hi\":1.0,\"hits_raw\":1,\"abstained\":0,"
        "\"answered\":2,\"accuracy_answered\":1.0},\"mix:a.b[0]\\\\\xEF\xBF\xBD\":{\"tokens\":4,\"nll\":0.5,"
        "\"perplexity\":1.64872127,\"relation\":{\"P.1\":{\"tokens\":1,\"nll\":0.0,\"perplexity\":1.0,\"bytes\":8,"
        "\"bits_per_byte\":0.0}}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(point)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
