/* test_figure_drawing.c - the drawing: numbers stand where the axes say, shapes and words are written as they are, ticks are round. */
#include "figures.h"
#include "base/alloc.h"
#include "made_run.h"
#include "report/figure_axis.h"
#include "text/unicode.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* The attribute ("x", "y") of the text `words`. */
static double place_of(const char *svg, const char *words, char attribute)
{
    char end[80], name[8];
    snprintf(end, sizeof end, ">%s</text>", words);
    snprintf(name, sizeof name, " %c=\"", attribute);
    const char *p = strstr(svg, end);
    if (p == NULL) fail_msg("there is no text %s", words);
    while (p > svg && *p != '<') p--;
    const char *at = strstr(p, name);
    assert_non_null(at);
    return strtod(at + 4, NULL);
}

/* The corners of the last path of that look, as x and y in turn; of a box "MxyHxVyHxz" its two corners. How many numbers. */
static size_t read_path(const char *svg, const char *look, double *number, size_t most)
{
    char begin[120];
    const char *p = NULL;
    size_t n = 0;
    snprintf(begin, sizeof begin, "<path %s d=\"", look);
    for (const char *at = svg; (at = strstr(at, begin)) != NULL; at++) p = at + strlen(begin);
    if (p == NULL) {
        fail_msg("there is no path %s", look);
        return 0;
    }
    while (*p != '"') {
        char *end;
        bool back = *p == 'H' && strchr(p + 1, 'H') == NULL; /* of the last box */
        p += strspn(p, "MLHV ");
        if (*p == 'z' || strncmp(p, "h0", 2) == 0) {
            p += *p == 'z' ? 1 : 2;
            continue;
        }
        double x = strtod(p, &end);
        if (end == p) fail_msg("no number: %.20s", p);
        if (*end != 'z' && !back && n < most) number[n++] = x; /* the second edge of a band, drawn backwards */
        p = end;
    }
    return n;
}

static void near(double a, double b, const char *what)
{
    if (!(fabs(a - b) < 0.16)) fail_msg("%s: %.2f is not %.2f", what, a, b); /* coordinates have one decimal */
}

/* Read off the picture as one would: by the labels of its ticks. */
static void numbers_stand_where_the_axes_say(void **state)
{
    (void)state;
    enum { EPOCHS = 12, LETTERS = 430 }; /* hundredths of a unit that a text stands below the middle of its letters */
    ken_err err = {0};
    double p[200];
    ken_run *run = open_training(run_path, EPOCHS, true, &err);
    if (run == NULL) fail_msg("%s", err.msg);
    ken_figures *f = new_figures();
    if (ken_figures_training(f, run, 7, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *html = put_figure(f, "fit-7");
    const char *svg = cut_svg(html);
    double x0 = place_of(svg, "0", 'x'), x12 = place_of(svg, "12", 'x');
    double y0 = place_of(svg, "0%", 'y') - LETTERS / 100.0, y100 = place_of(svg, "100%", 'y') - LETTERS / 100.0;
    for (int c = 0; c < 4; c++) {
        char look[60];
        snprintf(look, sizeof look, "stroke=\"var(--c%d)\" stroke-width=\"2\"", c);
        assert_int_equal(read_path(svg, look, p, 200), 2 * (EPOCHS + 1));
        for (int e = 0; e <= EPOCHS; e++) {
            double share = floor(fmin(100, e * 40.0 / (c + 1))) / 100.0;
            near(p[2 * e], x0 + (x12 - x0) * e / EPOCHS, look);
            near(p[2 * e + 1], y0 + (y100 - y0) * share, look);
        }
    }
    assert_int_equal(read_path(svg, "stroke=\"var(--ink)\" stroke-width=\"1.2\" stroke-dasharray=\"2 3\"", p, 200), 4);
    near(p[0], x0 + (x12 - x0) * 3 / EPOCHS, "the best epoch");
    near(p[2], p[0], "the best epoch");
    ken_free(html);
    ken_figures_free(f);
    ken_run_free(run);

    ken_report_summary s;
    run = open_made(600, false);
    f = new_figures();
    assert_int_equal(ken_report_summarize(&s, run, &err), KEN_OK);
    if (ken_figures_annotation(f, run, &s, 0, &err) != KEN_OK) fail_msg("%s", err.msg);
    html = put_figure(f, "p-correct-0");
    svg = cut_svg(html);
    double left = place_of(svg, "0.0", 'x'), right = place_of(svg, "1.0", 'x');
    y0 = place_of(svg, "0", 'y') - LETTERS / 100.0;
    y100 = place_of(svg, "100", 'y') - LETTERS / 100.0;
    size_t n = read_path(svg, "fill=\"var(--c0)\"", p, 200), at = 0; /* the lowest boxes */
    for (int i = 0; i < KEN_HIST_BINS; i++) {
        if (s.hist[i].category[0] == 0) continue;
        assert_true(at + 4 <= n);
        near((p[at] + p[at + 2]) / 2, left + (right - left) * (i + 0.5) / KEN_HIST_BINS, "the middle of a column");
        near(p[at + 1], y0 + (y100 - y0) * (double)s.hist[i].category[0] / 100.0, "the top of a column");
        near(p[at + 3], y0, "the foot of a column");
        at += 4;
    }
    assert_true(at > 0);
    assert_int_equal(at, n);
    assert_true(read_path(svg, "stroke=\"var(--muted)\" stroke-width=\"1\"", p, 200) > 4);
    near(p[1], y0, "the base");
    near(p[3], y0, "the base");
    ken_free(html);
    ken_report_summary_free(&s);
    ken_figures_free(f);
    ken_run_free(run);
}

static char *put_drawing(ken_drawing *d, bool page)
{
    size_t n;
    ken_out *o;
    ken_err err = {0};
    assert_false(ken_drawing_failed(d));
    if (ken_out_open(&o, out_path, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_drawing_put(o, d, page);
    if (ken_out_close(o, true, &err) != KEN_OK) fail_msg("%s", err.msg);
    return read_all(out_path, &n);
}

static void shapes_are_written_as_they_are(void **state)
{
    (void)state;
    ken_drawing d = {0};
    const ken_spot spot[5] = {{1, 2}, {3, 4}, {NAN, 5}, {6, 7}, {8.04, 9.06}};
    const ken_interval interval = {10, 20, 30, 20, 15, 20};
    ken_draw_box(&d, ken_paint_of(KEN_UNKNOWN), 1.0, 30, 40.25, 10, 20);
    ken_draw_box(&d, ken_paint_of(KEN_UNKNOWN), 1.0, 0, 0, -0.01, 1);
    ken_draw_box(&d, ken_paint_shade(3), 0.25, 1, 2, 3, 4);
    ken_draw_line(&d, (ken_pen){KEN_PAINT_LINE, 1.0, NULL}, 1, 2, 3, 4);
    ken_draw_curve(&d, (ken_pen){KEN_PAINT_INK, 1.5, "4 3"}, spot, 5);
    ken_draw_area(&d, KEN_PAINT_CARD, 1.0, spot, 5);
    ken_draw_band(&d, ken_paint_of(77), 0.6, 0, 10, 30, 20, 5);
    ken_draw_dot(&d, KEN_PAINT_MUTED, 5.4, 1, 2);
    ken_draw_dot(&d, KEN_PAINT_MUTED, 5.4, 3, 4);
    ken_draw_intervals(&d, &interval, 1);
    ken_draw_text(&d, 50, 60, KEN_MIDDLE, "a < b & \"c\" > \x01");
    char *page = put_drawing(&d, true), *file = put_drawing(&d, false);
    assert_string_equal(
        page, "<path fill=\"var(--c3)\" d=\"M10 20H30V40.3H10zM0 0H0V1H0z\"/>"
              "<path fill=\"color-mix(in srgb,var(--c0) 30%,var(--card))\" fill-opacity=\"0.25\" d=\"M1 2H3V4H1z\"/>"
              "<path stroke=\"var(--line)\" stroke-width=\"1\" d=\"M1 2L3 4\"/>"
              "<path stroke=\"var(--ink)\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\" d=\"M1 2L3 4M6 7L8 9.1\"/>"
              "<path fill=\"var(--card)\" d=\"M1 2L3 4L6 7L8 9.1z\"/>"
              "<path fill=\"var(--c4)\" fill-opacity=\"0.6\" d=\"M0 10C10 10 20 20 30 20V25C20 25 10 15 0 15z\"/>"
              "<path stroke=\"var(--muted)\" stroke-width=\"5.4\" stroke-linecap=\"round\" d=\"M1 2h0M3 4h0\"/>"
              "<path stroke=\"var(--card)\" stroke-width=\"3.6\" d=\"M10 20L30 20\"/>"
              "<path stroke=\"var(--card)\" stroke-width=\"6.8\" stroke-linecap=\"round\" d=\"M15 20h0\"/>"
              "<path stroke=\"var(--ink)\" stroke-width=\"1.5\" d=\"M10 20L30 20\"/>"
              "<path stroke=\"var(--ink)\" stroke-width=\"4.5\" stroke-linecap=\"round\" d=\"M15 20h0\"/>"
              "<g fill=\"var(--muted)\"><text x=\"50\" y=\"64.3\" text-anchor=\"middle\">a &lt; b &amp; "
              "&quot;c&quot; &gt; \xEF\xBF\xBD</text></g>");
    assert_int_equal(strncmp(file, "<path fill=\"#b84e30\" d=\"M10 20H30", 33), 0);
    assert_non_null(strstr(file, "<path fill=\"#b9cad8\" fill-opacity"));
    assert_non_null(strstr(file, "<g fill=\"#586473\"><text"));
    ken_free(page);
    ken_free(file);
    ken_drawing_free(&d);
}

static void what_is_not_finite_is_left_out(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    ken_drawing d = {0};
    const ken_pen pen = {KEN_PAINT_INK, 1.0, NULL};
    char *page, buf[32];
    for (int i = 0; i < 3; i++) {
        const ken_spot spot[2] = {{bad[i], 1}, {1, bad[i]}};
        const ken_interval interval = {1, 2, bad[i], 4, bad[i], 1};
        ken_draw_line(&d, pen, 1, 2, 3, bad[i]);
        ken_draw_curve(&d, pen, spot, 2);
        ken_draw_area(&d, KEN_PAINT_INK, 1.0, spot, 2);
        ken_draw_box(&d, KEN_PAINT_INK, 1.0, 1, bad[i], 3, 4);
        ken_draw_band(&d, KEN_PAINT_INK, 1.0, 1, 2, 3, 4, bad[i]);
        ken_draw_dot(&d, KEN_PAINT_INK, 3.0, bad[i], 1);
        ken_draw_intervals(&d, &interval, 1);
        ken_draw_text(&d, 1, bad[i], KEN_START, "x");
    }
    page = put_drawing(&d, true);
    assert_null(strstr(page, "M"));
    assert_null(strstr(page, "<text"));
    ken_free(page);
    ken_drawing_free(&d);
    ken_draw_line(&d, pen, 1e300, -1e300, 0, 0); /* finite, and of a length that can be read */
    page = put_drawing(&d, true);
    assert_true(strlen(page) < 120);
    ken_free(page);
    ken_drawing_free(&d);
    assert_string_equal(ken_fixed(buf, 12.346, 2), "12.35");
    assert_string_equal(ken_fixed(buf, -0.04, 1), "0.0");
    assert_string_equal(ken_fixed(buf, -0.06, 1), "-0.1");
    assert_string_equal(ken_fixed(buf, 1234567.0, 0), "1234567");
    assert_string_equal(ken_fixed(buf, 2.006e-3, 5), "0.00201");
    assert_string_equal(ken_shortest(buf, 2.0, 1), "2");
    assert_string_equal(ken_shortest(buf, -20.5, 2), "-20.5");
    assert_string_equal(ken_shortest(buf, 1200.0, 0), "1200");
}

static void check_ticks(const ken_axis *a, const char *expected)
{
    char labels[600] = "";
    for (int i = 0; i < a->n; i++) {
        size_t n = strlen(labels);
        snprintf(labels + n, sizeof labels - n, "%s%s", i > 0 ? " " : "", a->tick[i].label);
        assert_true(a->tick[i].at >= a->lo - 1e-9 * fabs(a->lo) && a->tick[i].at <= a->hi * (1 + 1e-9));
    }
    assert_string_equal(labels, expected);
}

static void ticks(void **state)
{
    (void)state;
    static const struct {
        char kind;
        double lo, hi;
        int parts;
        const char *labels;
    } cases[] = {{'c', 0, 0, 0, "0 1"},
                 {'c', 0, 7, 0, "0 2 4 6 8"},
                 {'c', 0, 1234, 0, "0 500 1,000 1,500"},
                 {'c', 0, 4e9, 0, "0 1,000,000,000 2,000,000,000 3,000,000,000 4,000,000,000"},
                 {'p', 0, 1, 0, "0% 20% 40% 60% 80% 100%"},
                 {'p', 0, 0.023, 0, "0.0% 0.5% 1.0% 1.5% 2.0%"},
                 {'p', -0.5, 1, 0, "50% 0% 50% 100%"},
                 {'s', 0, 12, 8, "0 2 4 6 8 10 12"},
                 {'s', 0, 0.35, 8, "0.00 0.05 0.10 0.15 0.20 0.25 0.30 0.35"},
                 {'s', 0, 0, 8, "0.0 0.2 0.4 0.6 0.8 1.0"},
                 {'s', 0, 1e6, 8, "0 200000 400000 600000 800000 1000000"},
                 {'r', 0, 3.1, 0, "0 1 2 3 4"},
                 {'r', 0, 0.7, 0, "0.0 0.2 0.4 0.6 0.8"},
                 {'d', 0.02, 8, 0, "0.01 0.1 1 10"},
                 {'d', 1e-12, 1e12, 0, "1e-12 1e-7 0.01 1000 1e8"},
                 {'d', 5e-324, 1e308, 0, "1e-324 1e-218 1e-112 1e-6 1e100 1e206"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ken_axis a = {0};
        switch (cases[i].kind) {
        case 'c': ken_axis_counts(&a, (uint64_t)cases[i].hi); break;
        case 'p': ken_axis_percents(&a, cases[i].lo, cases[i].hi); break;
        case 's': ken_axis_steps(&a, cases[i].hi, cases[i].parts); break;
        case 'r': ken_axis_reals(&a, cases[i].hi); break;
        default: ken_axis_decades(&a, cases[i].lo, cases[i].hi);
        }
        check_ticks(&a, cases[i].labels);
        assert_true(a.hi >= cases[i].hi || cases[i].kind == 'p');
    }
    ken_figures *f = new_figures();
    ken_figure *g = ken_figure_add(f, "Ticks", 200, NULL, "ticks");
    ken_plot p = ken_plot_in(g, 40, 16, 10, 40);
    ken_axis_range(&p.x, 0, 10);
    for (int i = 0; i <= 10; i++) ken_axis_tick(&p.x, i, "1234567"); /* of these only some have room */
    ken_plot_grid(&p, KEN_LEVELS);
    ken_plot_edges(&p, KEN_BASE | KEN_TICKS);
    char *page = put_drawing(&g->drawing, true);
    double behind = -1e9, half = ken_text_width("1234567", 7) / 2;
    int n = 0;
    for (const char *t = page; (t = strstr(t, "<text x=\"")) != NULL; t++, n++) {
        double x = strtod(t + 9, NULL);
        assert_true(x - half > behind && x + half <= KEN_FIGURE_WIDTH);
        behind = x + half;
    }
    assert_true(n > 3 && n < 11);
    ken_free(page);
    near(ken_plot_x(&p, 5), (p.left + p.right) / 2, "half");
    near(ken_plot_x(&p, 11), p.right, "beyond the range");
    assert_true(isnan(ken_plot_x(&p, NAN)));
    p.x.logarithmic = true;
    ken_axis_range(&p.x, 1, 100);
    near(ken_plot_x(&p, 10), (p.left + p.right) / 2, "half of two decades");
    near(ken_plot_x(&p, 0), p.left, "no logarithm");
    ken_figures_free(f);
}

static void words_fit_their_room(void **state)
{
    (void)state;
    static const char *const words[] = {"",
                                        "\t\n",
                                        "place\tof\nbirth",
                                        "\xE9\xBB\x92\xE7\x94\xB0\xE9\xBB\x92\xE7\x94\xB0",
                                        "\xF0\x9F\x98\x80\xF0\x9F\x98\x80",
                                        "e\xCC\x81t\xCC\x81",
                                        "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
                                        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (double room = 43.0; room < 400.0; room += 7.0) {
            ken_buf b = {0};
            ken_text_fit(&b, words[i], room);
            const char *s = ken_buf_str(&b), *cut = strstr(s, "\xE2\x80\xA6");
            const char *shown = i < 2 ? "(none)" : i == 2 ? "place of birth" : words[i];
            assert_true(ken_text_width(s, b.len) <= room);
            assert_true(ken_utf8_is_valid(s, b.len));
            assert_true((cut != NULL) == (ken_text_width(shown, strlen(shown)) > room));
            if (cut == NULL && i != 6) assert_string_equal(s, shown);
            ken_buf_free(&b);
        }
    ken_drawing d = {0};
    double p[3];
    ken_draw_text(&d, 383, 10, KEN_START, "at the right edge");
    ken_draw_text(&d, 1, 10, KEN_END, "at the left edge");
    ken_draw_text(&d, 380, 10, KEN_MIDDLE, "near an edge");
    char *page = put_drawing(&d, true);
    p[0] = place_of(page, "at the right edge", 'x') + ken_text_width("at the right edge", 17);
    p[1] = place_of(page, "at the left edge", 'x') - ken_text_width("at the left edge", 16);
    p[2] = place_of(page, "near an edge", 'x') + ken_text_width("near an edge", 12) / 2;
    assert_true(p[0] <= KEN_FIGURE_WIDTH && p[1] >= 0 && p[2] <= KEN_FIGURE_WIDTH);
    ken_free(page);
    ken_drawing_free(&d);

    ken_figures *f = new_figures(); /* a key with more names than a line holds has a second line */
    ken_figure *g = ken_figure_add(f, "Key", 200, NULL, "key");
    ken_key key = {0};
    const uint64_t counts[KEN_N_CATEGORIES] = {1, 1, 1, 1, 1};
    ken_key_categories(&key, counts);
    assert_int_equal(key.n, 5);
    near(ken_key_draw(g, &key), 34, "two lines");
    assert_int_equal(g->height, 217);
    page = put_drawing(&g->drawing, true);
    near(place_of(page, "Unknown", 'y'), place_of(page, "HighlyKnown", 'y'), "the first line");
    near(place_of(page, "unlabelled", 'y'), place_of(page, "HighlyKnown", 'y') + 17, "the second line");
    ken_free(page);
    ken_figures_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_where_the_axes_say),
        cmocka_unit_test(shapes_are_written_as_they_are),
        cmocka_unit_test(what_is_not_finite_is_left_out),
        cmocka_unit_test(ticks),
        cmocka_unit_test(words_fit_their_room),
    };
    return cmocka_run_group_tests_name("report/figure-drawing", tests, make_folder, remove_folder);
}
