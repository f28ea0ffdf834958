/* test_figures.c - the plots: well-formed, safe against what runs may hold, and true to the numbers; what happens without numbers
 * and without memory. */
#include "figures.h"
#include "base/alloc.h"
#include "base/file.h"
#include "made_choice.h"
#include "made_run.h"
#include "store/tuning.h"
#include "text/unicode.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void all_figures_are_drawn_for_the_page(void **state)
{
    (void)state;
    static const char *const names[] = {"p-correct-0",  "greedy-0", "saturation-0", "samples-0",
                                        "popularity-0", "flip-0",   "unknown-0",    "relations-0"};
    ken_figures *f = figures_of_made(600, false);
    assert_int_equal(ken_figures_count(f), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        assert_string_equal(ken_figures_name(f, i), names[i]);
        char *html = put_figure(f, names[i]);
        assert_non_null(strstr(html, "role=\"img\""));
        assert_non_null(strstr(html, "var(--")); /* the page's colours */
        assert_non_null(strstr(html, "download=\""));
        const char *svg = cut_svg(html), *desc = strstr(svg, "<desc ");
        assert_true(strlen(svg) < 16000);
        assert_non_null(desc);
        desc += strcspn(desc, ">");
        assert_true(strcspn(desc, "<") > 60); /* it says something, with numbers */
        assert_true(strcspn(desc, "0123456789") < strcspn(desc, "<"));
        assert_null(strstr(svg, "rgb("));
        check_xml(svg);
        char *again = put_figure(f, names[i]);
        assert_string_equal(cut_svg(again), svg); /* the same bytes */
        ken_free(again);
        ken_free(html);
    }
    char *nothing = put_figure(f, "no-such-figure");
    assert_string_equal(nothing, "");
    ken_free(nothing);
    ken_figures_free(f);
}

static void the_csv_holds_the_numbers(void **state)
{
    (void)state;
    ken_err err = {0};
    ken_report_summary s;
    ken_run *run = open_made(600, false);
    ken_figures *f = new_figures();
    assert_int_equal(ken_report_summarize(&s, run, &err), KEN_OK);
    assert_int_equal(ken_figures_annotation(f, run, &s, 3, &err), KEN_OK);
    char dir[120], path[160];
    snprintf(dir, sizeof dir, "%s/csv", folder);
    if (ken_figures_write(f, dir, "csv", NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
    snprintf(path, sizeof path, "%s/p-correct-3.csv", dir);
    size_t n;
    char *csv = read_all(path, &n), *at = strchr(csv, '\n');
    assert_non_null(at);
    for (int i = 0; i < KEN_HIST_BINS; i++) {
        double from, to;
        unsigned long all, c[KEN_N_CATEGORIES];
        assert_int_equal(
            sscanf(at + 1, "%lf,%lf,%lu,%lu,%lu,%lu,%lu,%lu", &from, &to, &all, &c[0], &c[1], &c[2], &c[3], &c[4]), 8);
        assert_true(fabs(from - i / 20.0) < 1e-9 && fabs(to - (i + 1) / 20.0) < 1e-9);
        assert_int_equal(all, s.hist[i].n);
        for (int k = 0; k < KEN_N_CATEGORIES; k++) assert_int_equal(c[k], s.hist[i].category[k]);
        at = strchr(at + 1, '\n');
        assert_non_null(at);
    }
    assert_string_equal(at, "\n");
    ken_free(csv);
    uint64_t flips = 0;
    for (int i = 0; i < KEN_HIST_BINS; i++) flips += s.flip[i].n;
    assert_int_equal(flips, s.n_no_greedy);
    ken_report_summary_free(&s);
    ken_figures_free(f);
    ken_run_free(run);
}

static void check_all(const ken_figures *f)
{
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        char *html = put_figure(f, ken_figures_name(f, i));
        const char *svg = cut_svg(html);
        assert_true(strlen(svg) < 40000);
        assert_null(strstr(svg, "rgb("));
        assert_null(strstr(svg, "nan"));
        assert_null(strstr(svg, "inf"));
        check_xml(svg);
        ken_free(html);
    }
}

static void a_training(void **state)
{
    (void)state;
    static const struct {
        int epochs;
        bool sets;
        size_t figures;
    } cases[] = {{12, true, 4}, {12, false, 2}, {1, true, 3}, {0, true, 1}, {0, false, 0}, {1200, true, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ken_err err = {0};
        ken_run *run = open_training(run_path, cases[i].epochs, cases[i].sets, &err);
        if (run == NULL) fail_msg("%s", err.msg);
        ken_figures *f = new_figures();
        if (ken_figures_training(f, run, 7, &err) != KEN_OK) fail_msg("%s", err.msg);
        if (ken_figures_count(f) != cases[i].figures) fail_msg("%zu: %zu figures", i, ken_figures_count(f));
        check_all(f);
        if (i == 0) {
            char *html = put_figure(f, "fit-7");
            assert_non_null(strstr(html, "Half of HighlyKnown is fitted at epoch 2."));
            assert_non_null(strstr(html, "Half of Unknown is fitted at epoch 5."));
            assert_non_null(strstr(html, "Dev is best at epoch 3 with 26.5%, and 21.5% at the end."));
            ken_free(html);
            html = put_figure(f, "categories-7");
            assert_non_null(strstr(html, "WeaklyKnown, best: 27.0%."));
            assert_non_null(
                strstr(html, "download=\"categories-7.csv\" href=\"data:text/csv;charset=utf-8,category,weights,epoch,"
                             "rows,right,share,95%25%20from,95%25%20to%0AHighlyKnown,before,0,100,20,0.2,"));
            ken_free(html);
        }
        for (long n = 1, done = i != 0; !done; n++) {
            ken_figures *g = new_figures();
            assert_true(n < 3000);
            ken_alloc_fail_after(n);
            int rc = ken_figures_training(g, run, 7, &err);
            ken_alloc_fail_after(0);
            done = rc == KEN_OK;
            if (!done) assert_int_equal(rc, KEN_ENOMEM);
            ken_figures_free(g);
        }
        ken_figures_free(f);
        ken_run_free(run);
    }
}

/* The run again, with every third row forgotten and every seventh learned. */
static ken_run *open_after(ken_run *before, const char *path)
{
    static const char *const keys[] = {"data", "data_format", "method", "matcher", "template",
                                       "stop", "temperature", "top_k",  "prompts", "samples"};
    ken_setting settings[12] = {{"model_hash", "00", true}};
    ken_store *s;
    ken_err err = {0};
    size_t n = 1;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        settings[n++] = (ken_setting){keys[i], ken_run_setting(before, keys[i]), true};
    unlink(path);
    if (ken_store_open(&s, path, settings, n, &err) != KEN_OK) fail_msg("%s", err.msg);
    for (size_t i = 0; i < ken_run_count(before); i++) {
        ken_row row = *ken_run_row(before, i, &err);
        if (row.category != KEN_UNLABELLED && i % 3 == 0) {
            row.category = row.category_mode = KEN_UNKNOWN;
            row.greedy_hits = row.sample_hits = 0;
            row.p_t = row.p_t_lo = row.p_t_hi = 0.3 * row.p_t;
            row.p_t0 = 0.0;
        } else if (row.category != KEN_UNLABELLED && i % 7 == 0) {
            row.category = row.category_mode = KEN_HIGHLY_KNOWN;
            row.greedy_hits = row.prompts;
            row.p_t = row.p_t_lo = row.p_t_hi = 1.0;
            row.p_t0 = 1.0;
        }
        if (ken_store_put_row(s, i, &row, &err) != KEN_OK) fail_msg("%s", err.msg);
    }
    ken_run *run = NULL;
    if (ken_store_commit(s, &err) != KEN_OK || ken_store_close(s, &err) != KEN_OK ||
        ken_run_open(&run, path, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return run;
}

static void a_comparison_of_multiple_choice(void **state)
{
    (void)state;
    static const char *const mixed[] = {"transitions-0", "change-p-0", "transitions-choice-0",
                                        "change-relations-choice-0", "change-p-choice-0"};
    char path[2][120], dir[120], csv[160], line[60];
    snprintf(dir, sizeof dir, "%s/csv", folder);
    for (size_t others = 0; others <= 20; others += 20) {
        ken_err err = {0};
        ken_run *run[2] = {NULL, NULL};
        ken_diff *d = NULL;
        size_t n;
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "%s/choice-%d.ken", folder, k);
            if (make_choice_run(path[k], others, 60, 0.5 * k, &err) != KEN_OK) fail_msg("%s", err.msg);
            if (ken_run_open(&run[k], path[k], &err) != KEN_OK) fail_msg("%s", err.msg);
        }
        if (ken_diff_runs(&d, run[0], run[1], NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
        ken_figures *f = new_figures();
        if (ken_figures_diff(f, d, 0, &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_int_equal(ken_figures_count(f), others > 0 ? 5 : 3);
        for (size_t i = 0; i < 5 && others > 0; i++) assert_string_equal(ken_figures_name(f, i), mixed[i]);
        check_all(f);
        const char *name = others > 0 ? "transitions-choice-0" : "transitions-0";
        if (ken_figures_write(f, dir, "csv", name, &err) != KEN_OK) fail_msg("%s", err.msg);
        snprintf(csv, sizeof csv, "%s/%s.csv", dir, name);
        char *text = read_all(csv, &n);
        const ken_diff_group *g = ken_diff_part(d, true);
        snprintf(line, sizeof line, "\nright,wrong,%d,", (int)g->lost);
        assert_true(g->lost > 0 && strstr(text, line) != NULL);
        snprintf(line, sizeof line, "\nwrong,right,%d,", (int)g->gained);
        assert_non_null(strstr(text, line));
        ken_free(text);
        ken_figures_free(f);
        ken_diff_free(d);
        for (int k = 0; k < 2; k++) {
            ken_run_free(run[k]);
            unlink(path[k]);
        }
    }
}

static void a_comparison(void **state)
{
    (void)state;
    char path[120], dir[120];
    snprintf(path, sizeof path, "%s/after.ken", folder);
    snprintf(dir, sizeof dir, "%s/csv", folder);
    for (int hostile_texts = 0; hostile_texts < 2; hostile_texts++) {
        ken_err err = {0};
        ken_run *before = open_made(500, hostile_texts), *after = open_after(before, path);
        ken_diff_options o = ken_diff_defaults();
        ken_diff *d = NULL;
        o.allow_different = true;
        if (ken_diff_runs(&d, before, after, &o, &err) != KEN_OK) fail_msg("%s", err.msg);
        ken_figures *f = new_figures();
        if (ken_figures_diff(f, d, 1, &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_true(ken_figures_count(f) >= 4);
        check_all(f);
        if (ken_figures_write(f, dir, "csv", "transitions-1", &err) != KEN_OK) fail_msg("%s", err.msg);
        char csv[160], line[120];
        size_t n;
        snprintf(csv, sizeof csv, "%s/transitions-1.csv", dir);
        char *text = read_all(csv, &n);
        const ken_diff_group *all = ken_diff_find(d, "all", "");
        assert_true(all->lost > 0 && all->gained > 0);
        for (int i = 0; i < KEN_N_CATEGORIES; i++)
            for (int j = 0; j < KEN_N_CATEGORIES; j++) {
                snprintf(line, sizeof line, "\n%s,%s,%.0f,", ken_category_name(i), ken_category_name(j),
                         (double)all->moved[i][j]);
                assert_non_null(strstr(text, line));
            }
        ken_free(text);
        for (long k = 1, done = hostile_texts; !done; k++) {
            ken_figures *g = new_figures();
            assert_true(k < 3000);
            ken_alloc_fail_after(k);
            int rc = ken_figures_diff(g, d, 7, &err);
            ken_alloc_fail_after(0);
            done = rc == KEN_OK;
            if (!done) assert_int_equal(rc, KEN_ENOMEM);
            ken_figures_free(g);
        }
        ken_figures_free(f);
        ken_diff_free(d);
        ken_run_free(before);
        ken_run_free(after);
    }
    unlink(path);
}

static void a_plane(void **state)
{
    (void)state;
    enum { N = 2000 };
    ken_regression_point *p = ken_calloc(N, sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < N; i++) {
        double t = (double)i / N;
        p[i] = (ken_regression_point){i % 3,
                                      (int64_t)i,
                                      (double)i,
                                      0.5 * sqrt(t),
                                      0.5 * t * t,
                                      40 + 8 * sqrt(t) - 5 * t * t + (double)(i % 5) / 5,
                                      0};
        p[i].predicted = 40 + 16 * p[i].known - 10 * p[i].unknown;
    }
    static const struct {
        size_t n;
        double b0, kn, unk;
        size_t figures;
    } cases[] = {{N, 40, 16, -10, 1},  {1, 40, 16, -10, 1},       {4, 40, 0, 0, 1},
                 {4, 0, 0, 0, 1},      {4, -1e9, 3e9, 2e-9, 1},   {0, 40, 16, -10, 0},
                 {N, NAN, 16, -10, 0}, {N, 40, INFINITY, -10, 0}, {30, 40.5, 1e-12, 1e-12, 1}};
    ken_err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ken_regression r = {.b0 = cases[i].b0,
                            .b_kn = cases[i].kn,
                            .b_unk = cases[i].unk,
                            .r2 = 0.9,
                            .n = cases[i].n,
                            .runs = 3,
                            .points = p};
        if (i == 2) p[1].accuracy = p[2].known = NAN; /* not measured: left out */
        ken_figures *f = new_figures();
        if (ken_figures_regression(f, &r, "test", &err) != KEN_OK) fail_msg("%s", err.msg);
        assert_int_equal(ken_figures_count(f), cases[i].figures);
        check_all(f);
        assert_int_equal(ken_figures_regression(f, &r, "'; quit", &err), KEN_EUSAGE);
        for (long n = 1, done = i != 3; !done; n++) {
            ken_figures *g = new_figures();
            ken_alloc_fail_after(n);
            int rc = ken_figures_regression(g, &r, "test", &err);
            ken_alloc_fail_after(0);
            done = rc == KEN_OK;
            if (!done) assert_int_equal(rc, KEN_ENOMEM);
            ken_figures_free(g);
        }
        ken_figures_free(f);
    }
    ken_free(p);
}

static void words_of_data_stay_words(void **state)
{
    (void)state;
    char dir[120], touched[120], command[200], quoted[200], substituted[200], longest[4000];
    snprintf(dir, sizeof dir, "%s/words", folder);
    snprintf(touched, sizeof touched, "%s/touched", folder);
    snprintf(command, sizeof command, "`touch %s`", touched);
    snprintf(quoted, sizeof quoted, "'; system('touch %s'); '", touched);
    snprintf(substituted, sizeof substituted, "\"\nsystem \"touch %s\"\n", touched);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const words[] = {command,
                                 quoted,
                                 substituted,
                                 "$(touch x) @a $0 D",
                                 "%s%n%d 100%",
                                 "\\n\\t\\140\\",
                                 "\"",
                                 "#comment",
                                 "",
                                 " ",
                                 "\t\t",
                                 "NaN",
                                 "?",
                                 "<script>alert(1)</script>&amp;<!--",
                                 "{/Symbol a}_2^3~a{.8-}",
                                 "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85 \xE2\x80\xAE\x67",
                                 "\xF0\x9F\x98\x80 \xE4\xB8\xAD\xE6\x96\x87",
                                 "\x80\xFF\xC3(\xED\xA0\x80",
                                 "\x01\x1B[31m\x7F",
                                 "EOD",
                                 longest};
    enum { N = sizeof words / sizeof words[0] };
    ken_figures *f = new_figures();
    ken_err err = {0};
    ken_figure *g = ken_figure_add(f, "Words", 400, &err, "words");
    assert_non_null(g);
    ken_figure_column(g, "word", KEN_CELL_TEXT);
    ken_figure_column(g, "number", KEN_CELL_NUMBER);
    for (int i = 0; i < N; i++) {
        ken_draw_words(&g->drawing, 120, 10 + 15 * i, KEN_END, 115, words[i]);
        ken_draw_dot(&g->drawing, KEN_PAINT_INK, 5, 200, 10 + 15 * i);
        ken_figure_text(g, words[i]);
        ken_figure_number(g, i == 3 ? (double)NAN : (double)i);
        ken_buf_puts(&g->caption, words[i]);
        ken_buf_puts(&g->description, words[i]);
    }
    assert_int_equal(ken_figure_done(g, &err), KEN_OK);
    char *html = put_figure(f, "words");
    assert_null(strstr(html, "<script"));
    const char *svg = cut_svg(html);
    int texts = 0; /* no word broke out of its element */
    for (const char *p = svg; (p = strstr(p, "</text>")) != NULL; p++) texts++;
    assert_int_equal(texts, N);
    assert_non_null(strstr(svg, ">NaN</text>"));
    assert_non_null(strstr(svg, ">(none)</text>"));
    assert_non_null(strstr(svg, ">%s%n%d 100%</text>"));
    assert_non_null(strstr(svg, ">&lt;script&gt;alert(")); /* its end is cut */
    assert_non_null(strstr(svg, "xxx\xE2\x80\xA6</text>"));
    assert_true(ken_utf8_is_valid(svg, strlen(svg)));
    check_xml(svg);
    ken_free(html);
    static const char *const formats[] = {"svg", "csv", "png", "pdf"};
    for (int i = 0; i < (convertible() ? 4 : 2); i++)
        if (ken_figures_write(f, dir, formats[i], NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
    char path[160];
    size_t n;
    snprintf(path, sizeof path, "%s/words.csv", dir);
    char *csv = read_all(path, &n);
    assert_non_null(strstr(csv, "\"\"\"\",6\n"));            /* a quote, doubled and quoted */
    assert_non_null(strstr(csv, "\n$(touch x) @a $0 D,\n")); /* NaN is an empty cell */
    ken_free(csv);
    assert_false(ken_is_file(touched));
    ken_figures_free(f);
}

static void no_numbers_no_figure(void **state)
{
    (void)state;
    ken_err err = {0};
    ken_report_summary s = {0};
    ken_run *run = open_made(0, false);
    ken_figures *f = new_figures();
    assert_int_equal(ken_figures_annotation(f, run, &s, 0, &err), KEN_OK); /* all zero */
    assert_int_equal(ken_figures_count(f), 0);
    ken_figures_free(f);
    ken_run_free(run);
    f = figures_of_made(1, false); /* one row: what has one point is drawn or left out, but nothing fails */
    assert_true(ken_figures_count(f) > 0);
    check_all(f);
    ken_figures_free(f);
}

static void out_of_memory(void **state)
{
    (void)state;
    ken_err err = {0};
    ken_report_summary s;
    ken_run *run = open_made(200, true);
    assert_int_equal(ken_report_summarize(&s, run, &err), KEN_OK);
    for (long n = 1, done = 0; !done; n++) {
        ken_figures *f = NULL;
        assert_true(n < 3000);
        ken_alloc_fail_after(n);
        int rc = ken_figures_new(&f, &err);
        if (rc == KEN_OK) rc = ken_figures_annotation(f, run, &s, 0, &err);
        ken_alloc_fail_after(0);
        done = rc == KEN_OK;
        if (!done) assert_int_equal(rc, KEN_ENOMEM);
        ken_figures_free(f);
    }
    ken_figures *f = new_figures();
    assert_int_equal(ken_figures_annotation(f, run, &s, 0, &err), KEN_OK);
    char dir[120];
    snprintf(dir, sizeof dir, "%s/memory", folder);
    for (int png = 0; png < (convertible() ? 2 : 1); png++)
        for (long n = 1, done = 0; !done; n++) {
            assert_true(n < 3000);
            ken_alloc_fail_after(n);
            int rc = ken_figures_write(f, dir, png ? "png" : "svg", "greedy-0", &err);
            ken_alloc_fail_after(0);
            done = rc == KEN_OK;
            if (!done) assert_int_equal(rc, KEN_ENOMEM);
        }
    ken_figures_free(f);
    ken_report_summary_free(&s);
    ken_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_figures_are_drawn_for_the_page),
        cmocka_unit_test(the_csv_holds_the_numbers),
        cmocka_unit_test(a_training),
        cmocka_unit_test(a_comparison),
        cmocka_unit_test(a_comparison_of_multiple_choice),
        cmocka_unit_test(a_plane),
        cmocka_unit_test(words_of_data_stay_words),
        cmocka_unit_test(no_numbers_no_figure),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("report/figures", tests, make_folder, remove_folder);
}
