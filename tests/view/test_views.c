/* test_views.c - what is put into views comes out in every form, whatever the texts hold, and memory may end at any moment. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "view/views.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static ken_err err;

#define RELATION "a,\"b\"\n=1+1 \\ {x}_%&#$^~\xff"

static const ken_view_column columns[] = {
    {.head = "name", .key = "name", .unit = KEN_UNIT_TEXT, .width = 8, .where = KEN_SHOWN | KEN_IN_CSV},
    {.head = "facts", .key = "examples", .unit = KEN_UNIT_COUNT, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "", .unit = KEN_UNIT_BAR, .width = 12, .where = KEN_SHOWN},
    {.head = "right",
     .key = "accuracy",
     .lo_key = "accuracy_lo",
     .hi_key = "accuracy_hi",
     .unit = KEN_UNIT_SHARE,
     .digits = 1,
     .width = 8,
     .where = KEN_EVERYWHERE},
    {.head = "em-raw", .key = "hits_raw", .unit = KEN_UNIT_PART, .digits = 1, .width = 8, .where = KEN_EVERYWHERE},
    {.head = "m", .key = "matchers", .sub = "f1@0.5/1", .unit = KEN_UNIT_PART, .width = 8, .where = KEN_IN_DATA},
    {.head = "change",
     .key = "change",
     .lo_key = "interval",
     .unit = KEN_UNIT_CHANGE,
     .digits = 1,
     .where = KEN_EVERYWHERE},
    {.head = "best", .key = "best", .unit = KEN_UNIT_TRUTH, .where = KEN_IN_DATA}};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static void put_row(ken_views *v, const char *path, const char *key, const char *name, uint64_t k, uint64_t n)
{
    ken_views_row(v, path, key);
    ken_put_text(v, KEN_STYLE_PLAIN, name);
    ken_put_count(v, n);
    ken_put_number(v, 0.5);
    ken_put_share(v, k, n);
    ken_put_part(v, k, n);
    if (n > 1) ken_put_part(v, k, n);
    else ken_put_nothing(v);
    ken_put_between(v, -0.25, -0.5, NAN);
    ken_put_truth(v, k > 0);
}

static ken_views *make(void)
{
    static const ken_view_column note[] = {{.key = "", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON}};
    ken_views *v = ken_views_new();
    ken_views_heading(v, 0, "%s", "heading");
    ken_views_text(v);
    ken_views_say(v, KEN_STYLE_STRONG, "%s", "model");
    ken_views_say(v, KEN_STYLE_PLAIN, " on %s", RELATION);
    ken_views_columns(v, columns, N_COLUMNS, "a_title");
    put_row(v, "", NULL, "all", 1500, 2000);
    ken_views_between(v, "by %s", "relation");
    put_row(v, "groups.relation", RELATION, RELATION, 0, 1);
    put_row(v, "groups.relation", "P17", "P17", 0, 0);
    ken_views_last_row(v)->where = KEN_IN_DATA;
    for (int i = 0; i < 2; i++) {
        ken_views_values(v, note, 1, "notes[]");
        ken_put_text(v, KEN_STYLE_PLAIN, i == 0 ? "first" : "second");
    }
    for (int i = 0; i < 2; i++) {
        ken_views_values(v, columns, N_COLUMNS, "points[]");
        ken_put_nothing(v);
        ken_put_count(v, (uint64_t)i);
    }
    ken_views_values(v, columns, N_COLUMNS, "points[0].more[]");
    ken_put_nothing(v);
    ken_put_count(v, 7);
    ken_views_values(v, columns, N_COLUMNS, "points[0].more[-1]");
    for (int i = 0; i < 7; i++) ken_put_nothing(v);
    ken_put_truth(v, true);
    ken_views_values(v, NULL, 0, "points[1].more[]");
    return v;
}

static char *form(int (*f)(const ken_views *v, char **text, ken_err *err))
{
    ken_views *v;
    char *text;
    assert_ok(ken_views_finish(&v, make(), &err));
    assert_ok(f(v, &text, &err));
    ken_views_free(v);
    return text;
}

static void json(void **state)
{
    (void)state;
    char *text = form(ken_views_json);
    assert_string_equal(
        text, "{\"examples\":2000,\"accuracy\":0.75,\"accuracy_lo\":0.730555611,\"accuracy_hi\":0.768485866,\"hits_"
              "raw\":1500,"
              "\"matchers\":{\"f1@0.5/"
              "1\":1500},\"change\":-0.25,\"interval\":[-0.5,null],\"best\":true,\"groups\":{\"relation\":{"
              "\"a,\\\"b\\\"\\n=1+1 \\\\ {x}_%&#$^~\xEF\xBF\xBD\":{\"examples\":1,\"accuracy\":0.0,\"accuracy_lo\":0.0,"
              "\"accuracy_hi\":0.793450686,\"hits_raw\":0,\"change\":-0.25,\"interval\":[-0.5,null],\"best\":false},"
              "\"P17\":{\"examples\":0,\"accuracy\":null,\"accuracy_lo\":null,\"accuracy_hi\":null,\"hits_raw\":0,"
              "\"change\":-0.25,"
              "\"interval\":[-0.5,null],\"best\":false}}},\"notes\":[\"first\",\"second\"],\"points\":[{\"examples\":0,"
              "\"more\":["
              "{\"examples\":7,\"best\":true}]},{\"examples\":1,\"more\":[]}]}");
    ken_text_free(text);
}

static void csv(void **state)
{
    (void)state;
    char *text = form(ken_views_csv);
    assert_string_equal(
        text, "group,name,examples,accuracy,accuracy_lo,accuracy_hi,hits_raw,matchers.f1@0.5/"
              "1,change,change_lo,change_hi,best\n"
              ",all,2000,0.75,0.730555611,0.768485866,1500,1500,-0.25,-0.5,,true\n"
              "by relation,\"a,\"\"b\"\"\n=1+1 \\ {x}_%&#$^~\xEF\xBF\xBD\",1,0,0,0.793450686,0,,-0.25,-0.5,,false\n"
              "by relation,P17,0,,,,0,,-0.25,-0.5,,false\n");
    ken_text_free(text);
}

static void latex(void **state)
{
    (void)state;
    char *text = form(ken_views_latex);
    assert_string_equal(
        text,
        "% a\\_title\n\\begin{tabular}{lrrrr}\n\\hline\nname & facts & right & em-raw & change \\\\\n\\hline\n"
        "all & 2,000 & 75.0\\% [ 73.1,  76.8] & 75.0\\% & -25.0 \\\\\n"
        "\\multicolumn{5}{l}{\\emph{by relation}} \\\\\n"
        "a,\"b\" =1+1 \\textbackslash{} \\{x\\}\\_\\%\\&\\#\\$\\textasciicircum{}\\textasciitilde{}\xEF\xBF\xBD & 1 & "
        "0.0\\% [  0.0,  79.3] & 0.0\\% & -25.0 \\\\\n"
        "\\hline\n\\end{tabular}\n");
    ken_text_free(text);
}

static const char *shown(ken_unit unit, int digits, ken_view_cell x)
{
    static char buf[64];
    const ken_view_column c = {.unit = unit, .digits = digits};
    x.there = true;
    return ken_view_cell_text(&c, &x, buf);
}

static void numbers(void **state)
{
    (void)state;
    assert_string_equal(shown(KEN_UNIT_COUNT, 0, (ken_view_cell){.count = 1234567}), "1,234,567");
    assert_string_equal(shown(KEN_UNIT_COUNT, 0, (ken_view_cell){.count = UINT64_MAX}), "18,446,744,073,709,551,615");
    assert_string_equal(shown(KEN_UNIT_SHARE, 1, (ken_view_cell){.value = 709.0 / 2000}),
                        "35.4%"); /* as everywhere: 35.45 is a little less in binary */
    assert_string_equal(shown(KEN_UNIT_SHARE, 1, (ken_view_cell){.value = NAN}), "-");
    assert_string_equal(shown(KEN_UNIT_PART, 1, (ken_view_cell){.count = 1, .of = 0}), "-");
    assert_string_equal(shown(KEN_UNIT_CHANGE, 1, (ken_view_cell){.value = 0.031}), "+3.1");
    assert_string_equal(shown(KEN_UNIT_REAL, 3, (ken_view_cell){.value = 12345678.9}), "1.235e+07");
    assert_string_equal(shown(KEN_UNIT_P, 0, (ken_view_cell){.value = 0.000123}), "0.00012");
    assert_string_equal(ken_p_text(0.1234, (char[32]){0}), "p = 0.12");
    assert_string_equal(ken_p_text(0.0312, (char[32]){0}), "p = 0.031");
    assert_string_equal(ken_p_text(0.0009, (char[32]){0}), "p < 0.001");
    assert_string_equal(ken_p_text(NAN, (char[32]){0}), "p = ?");
    assert_string_equal(shown(KEN_UNIT_TRUTH, 0, (ken_view_cell){.count = 1}), "yes");
}

/* Out of memory at each allocation in turn: the failure is reported and nothing leaks (valgrind, ASan). */
static void no_memory(void **state)
{
    (void)state;
    int (*const forms[])(const ken_views *, char **, ken_err *) = {ken_views_csv, ken_views_latex};
    for (size_t f = 0; f < 2; f++) {
        bool good = false;
        for (long k = 1; !good; k++) {
            ken_views *v;
            char *text = NULL;
            ken_alloc_fail_after(k);
            int rc = ken_views_finish(&v, make(), &err);
            if (rc == KEN_OK) rc = forms[f](v, &text, &err);
            ken_alloc_fail_after(0);
            good = rc == KEN_OK;
            if (!good) assert_int_equal(rc, KEN_ENOMEM);
            ken_text_free(text);
            ken_views_free(v);
        }
    }
}

/* A cell too many is a mistake of ours: it must not write past the row. */
static void too_many_cells(void **state)
{
    (void)state;
    ken_views *v = ken_views_new();
    ken_views_table(v, columns, 1, NULL);
    ken_views_row(v, "", NULL);
    for (int i = 0; i < 3; i++) ken_put_count(v, 1);
    assert_int_equal(ken_views_finish(&v, v, &err), KEN_ENOMEM);
    assert_null(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(json),      cmocka_unit_test(csv),
                                       cmocka_unit_test(latex),     cmocka_unit_test(numbers),
                                       cmocka_unit_test(no_memory), cmocka_unit_test(too_many_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
