/* test_figures.c - the plots: well-formed, safe against what runs may hold, and true to the numbers; PNG and PDF by the real rsvg-convert
 * where there is one; and what happens without it, without memory and without numbers. */
#include "base/alloc.h"
#include "base/file.h"
#include "made_choice.h"
#include "made_run.h"
#include "report/assets.h"
#include "report/figure_axis.h"
#include "report/html.h"
#include "store/tuning.h"
#include "text/unicode.h"
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ken-figures-XXXXXX";
static char run_path[80], out_path[80];

/* ---- reading what was made ------------------------------------------------------------------------------------------- */

/* A small reader of XML: each element closed in order, each attribute quoted and given once, known entities only, no control characters.
 * Besides: nothing that runs or loads. */
static void check_xml(const char *xml)
{
    static const char *const allowed[] = {"svg", "title", "desc", "g", "path", "text", "rect"};
    enum { DEEPEST = 16 };
    char open[DEEPEST][16];
    int depth = 0, elements = 0;
    for (const char *p = xml; *p != '\0';) {
        if (*p == '&') {
            static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;"};
            size_t n = 0;
            for (size_t i = 0; i < 6 && n == 0; i++)
                if (strncmp(p, known[i], strlen(known[i])) == 0) n = strlen(known[i]);
            if (n == 0) fail_msg("an entity: %.40s", p);
            p += n;
            continue;
        }
        if (*p != '<') {
            if (*p == '>' || ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')) fail_msg("a character: %.40s", p);
            if (depth == 0) assert_int_equal(*p, '\n');
            p++;
            continue;
        }
        bool closing = p[1] == '/', known = false;
        char name[16];
        size_t k = 0;
        for (p += closing ? 2 : 1; isalnum((unsigned char)*p) && k < sizeof name - 1; p++) name[k++] = *p;
        name[k] = '\0';
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) known |= strcmp(name, allowed[i]) == 0;
        if (!known) fail_msg("an element: %.40s", p - k - 1);
        char seen[16][24];
        int n_seen = 0;
        while (*p == ' ') {
            char attribute[24];
            size_t a = 0;
            for (p++; (isalnum((unsigned char)*p) || *p == '-') && a < sizeof attribute - 1; p++) attribute[a++] = *p;
            attribute[a] = '\0';
            assert_true(a > 0 && p[0] == '=' && p[1] == '"');
            assert_true(strncmp(attribute, "on", 2) != 0 && strstr(attribute, "href") == NULL);
            for (int i = 0; i < n_seen; i++) assert_string_not_equal(seen[i], attribute);
            assert_true(n_seen < 16);
            snprintf(seen[n_seen++], sizeof seen[0], "%s", attribute);
            const char *end = strchr(p + 2, '"');
            assert_non_null(end);
            assert_null(memchr(p + 2, '<', (size_t)(end - p - 2)));
            assert_null(memmem(p + 2, (size_t)(end - p - 2), "url(", 4));
            p = end + 1;
        }
        bool self = *p == '/';
        if (self) p++;
        if (*p++ != '>') fail_msg("<%s is not ended", name);
        elements++;
        if (closing) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (!self) {
            assert_true(depth < DEEPEST);
            snprintf(open[depth++], sizeof open[0], "%s", name);
        }
    }
    assert_int_equal(depth, 0);
    assert_true(elements > 4);
}

/* ---- making ---------------------------------------------------------------------------------------------------------- */

static ken_run *open_made(size_t n, bool hostile_texts)
{
    ken_run *run = NULL;
    ken_err err = {0};
    if (make_run(run_path, n, hostile_texts, &err) != KEN_OK || ken_run_open(&run, run_path, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return run;
}

static ken_figures *new_figures(void)
{
    ken_figures *f;
    assert_int_equal(ken_figures_new(&f, NULL), KEN_OK);
    return f;
}

static ken_figures *figures_of_made(size_t n, bool hostile_texts)
{
    ken_err err = {0};
    ken_report_summary s;
    ken_run *run = open_made(n, hostile_texts);
    ken_figures *f = new_figures();
    if (ken_report_summarize(&s, run, &err) != KEN_OK || ken_figures_annotation(f, run, &s, 0, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    ken_report_summary_free(&s);
    ken_run_free(run);
    return f;
}

static char *put(const ken_figures *f, const char *name)
{
    ken_err err = {0};
    ken_out *o;
    size_t n;
    if (ken_out_open(&o, out_path, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_figure_put(o, f, name);
    if (ken_out_close(o, true, &err) != KEN_OK) fail_msg("%s", err.msg);
    return read_all(out_path, &n);
}

/* The picture alone, cut out of html, which it stays a part of. */
static char *cut_svg(char *html)
{
    char *svg = strstr(html, "<svg "), *end = svg != NULL ? strstr(svg, "</svg>") : NULL;
    if (end == NULL) {
        fail_msg("there is no picture: %.80s", html);
        return html;
    }
    end[6] = '\0';
    return svg;
}

/* ---- annotation ------------------------------------------------------------------------------------------------------ */

static void all_figures_are_drawn_for_the_page(void **state)
{
    (void)state;
    static const char *const names[] = {"p-correct-0",  "greedy-0", "saturation-0", "samples-0",
                                        "popularity-0", "flip-0",   "unknown-0",    "relations-0"};
    ken_figures *f = figures_of_made(600, false);
    assert_int_equal(ken_figures_count(f), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        assert_string_equal(ken_figures_name(f, i), names[i]);
        char *html = put(f, names[i]);
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
        char *again = put(f, names[i]);
        assert_string_equal(cut_svg(again), svg); /* the same bytes */
        ken_free(again);
        ken_free(html);
    }
    char *nothing = put(f, "no-such-figure");
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

static char *write_and_read(ken_figures *f, const char *format, const char *name, size_t *n)
{
    char dir[120], path[200];
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/%s", folder, format);
    snprintf(path, sizeof path, "%s/%s.%s", dir, name, format);
    if (ken_figures_write(f, dir, format, name, &err) != KEN_OK) fail_msg("%s", err.msg);
    return read_all(path, n);
}

static void a_file_is_the_same_picture_in_fixed_colours(void **state)
{
    (void)state;
    static const char *const words[] = {"ink", "muted", "line", "card", "c0", "c1", "c2", "c3", "c4"};
    ken_figures *f = figures_of_made(300, true);
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        size_t n, m;
        char *html = put(f, ken_figures_name(f, i)), *file = write_and_read(f, "svg", ken_figures_name(f, i), &n);
        char *again = write_and_read(f, "svg", ken_figures_name(f, i), &m);
        assert_string_equal(file, again);
        assert_null(strstr(file, "var("));
        assert_non_null(strstr(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9cm\" height=\""));
        check_xml(file);
        const char *page = strstr(cut_svg(html), "</desc>"), *body = strstr(file, "</desc>");
        ken_buf painted = {0};
        for (page += 7; *page != '\0'; page++) { /* the page's variables as its light scheme has them */
            if (strncmp(page, "var(--", 6) != 0) {
                ken_buf_putc(&painted, *page);
                continue;
            }
            size_t w = 0;
            while (w < 9 && (strncmp(page + 6, words[w], strlen(words[w])) != 0 || page[6 + strlen(words[w])] != ')'))
                w++;
            assert_true(w < 9);
            ken_buf_puts(&painted, ken_paint_colour((ken_paint)w));
            page += 6 + strlen(words[w]);
        }
        ken_buf_puts(&painted, "\n");
        assert_non_null(body = strstr(body, "/>")); /* behind the ground */
        assert_string_equal(body + 2, ken_buf_str(&painted));
        ken_buf_free(&painted);
        ken_free(html);
        ken_free(file);
        ken_free(again);
    }
    for (int w = 0; w < 9; w++) { /* and they are the light scheme's */
        char rule[40];
        snprintf(rule, sizeof rule, "--%s: %s;", words[w], ken_paint_colour((ken_paint)w));
        const char *css = memmem(ken_page_css, ken_page_css_size, rule, strlen(rule));
        assert_true(css != NULL && css < (const char *)memmem(ken_page_css, ken_page_css_size, "@media", 6));
    }
    assert_string_equal(ken_paint_colour(ken_paint_shade(0)), ken_paint_colour(KEN_PAINT_CARD));
    assert_string_equal(ken_paint_colour(ken_paint_shade(KEN_SHADES - 1)), ken_paint_colour(ken_paint_of(0)));
    ken_figures_free(f);
}

static void no_such_format_or_figure(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    assert_int_equal(ken_figures_write(f, folder, "gif", NULL, &err), KEN_EUSAGE);
    assert_int_equal(ken_figures_write(f, folder, "svg", "nonsense", &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "p-correct-0"));
    assert_int_equal(ken_figures_write(f, "/proc/none/of/these", "csv", NULL, &err), KEN_EFAIL);
    ken_figures_free(f);
}

/* Is the program there? Else the rest of the test is skipped, with a message. */
static bool convertible(void)
{
    char path[KEN_PATH_LENGTH];
    if (ken_converter_find(path, NULL) == KEN_OK) return true;
    print_message("rsvg-convert is not there: what it makes is not tested (tools/setup.sh installs it)\n");
    return false;
}

static void png_and_pdf(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, true);
    size_t n, m;
    if (!convertible()) {
        ken_figures_free(f);
        skip();
    }
    char *png = write_and_read(f, "png", "relations-0", &n);
    const unsigned char *size = (const unsigned char *)png + 16;
    assert_memory_equal(png, "\x89PNG", 4);
    assert_int_equal(size[2] * 256 + size[3], 1063); /* 9 cm at 300 dots an inch */
    char *again = write_and_read(f, "png", "relations-0", &m);
    assert_int_equal(n, m);
    assert_memory_equal(png, again, n);
    ken_free(png);
    ken_free(again);
    char *pdf = write_and_read(f, "pdf", "relations-0", &n);
    assert_memory_equal(pdf, "%PDF-", 5);
    assert_non_null(memmem(pdf, n, "/FontFile", 9));                /* embedded */
    assert_non_null(memmem(pdf, n, "/MediaBox [ 0 0 255.118", 23)); /* 9 cm */
    const char *date = memmem(pdf, n, "/CreationDate (D:", 17);     /* one for all, where it can be read */
    assert_true(date == NULL || strncmp(date + 17, "20000101", 8) == 0);
    again = write_and_read(f, "pdf", "relations-0", &m);
    assert_int_equal(n, m);
    assert_memory_equal(pdf, again, n);
    ken_free(pdf);
    ken_free(again);
    ken_figures_free(f);
}

/* ---- training -------------------------------------------------------------------------------------------------------- */

/* A training of `epochs`, in which category c is fitted the faster the smaller c is. */
static ken_run *open_training(const char *path, int epochs, bool sets, ken_err *err)
{
    const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true}};
    ken_store *s;
    ken_run *run = NULL;
    unlink(path);
    int rc = ken_store_open(&s, path, settings, 1, err);
    if (rc != KEN_OK) return NULL;
    for (int e = 0; e <= epochs && rc == KEN_OK; e++) {
        ken_point p = {.step = 10 * e,
                       .epoch = e,
                       .lr = 1e-3,
                       .loss = e > 0 ? 8.0 / e : (double)NAN,
                       .kl = (double)NAN,
                       .grad_norm = 1};
        rc = ken_tuning_put_point(s, &p, err);
        for (int c = 0; c < 4 && rc == KEN_OK; c++) {
            ken_measure m = {.set = "train",
                             .grouping = "category",
                             .key = ken_category_name(c),
                             .n = 100,
                             .loss = (double)NAN,
                             .p = (double)NAN};
            m.hits = (uint64_t)fmin(100, e * 40.0 / (c + 1));
            m.answered = 100;
            rc = ken_tuning_put_measure(s, p.step, &m, err);
            for (int k = 0; k < 3 && sets && rc == KEN_OK; k++) {
                static const char *const names[] = {"dev", "test", "ood"};
                m.set = names[k];
                m.hits = 20U + (unsigned)c + (e == 3 ? 5U : 0U);
                rc = ken_tuning_put_measure(s, p.step, &m, err);
            }
        }
        for (int k = 0; k < 3 && sets && rc == KEN_OK; k++) {
            static const char *const names[] = {"dev", "test", "ood"};
            ken_measure m = {.set = names[k],
                             .grouping = "all",
                             .key = "",
                             .n = 400,
                             .hits = e == 3 ? 106 : 86,
                             .answered = 400,
                             .loss = (double)NAN,
                             .p = (double)NAN};
            rc = ken_tuning_put_measure(s, p.step, &m, err);
        }
    }
    if (rc == KEN_OK) rc = ken_tuning_mark(s, epochs >= 3 ? 30 : -1, 10 * epochs, err);
    if (rc == KEN_OK) rc = ken_store_commit(s, err);
    int closed = ken_store_close(s, err);
    if (rc == KEN_OK) rc = closed;
    if (rc == KEN_OK) rc = ken_run_open(&run, path, err);
    return rc == KEN_OK ? run : NULL;
}

static void check_all(const ken_figures *f)
{
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        char *html = put(f, ken_figures_name(f, i));
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
            char *html = put(f, "fit-7");
            assert_non_null(strstr(html, "Half of HighlyKnown is fitted at epoch 2."));
            assert_non_null(strstr(html, "Half of Unknown is fitted at epoch 5."));
            assert_non_null(strstr(html, "Dev is best at epoch 3 with 26.5%, and 21.5% at the end."));
            ken_free(html);
            html = put(f, "categories-7");
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

/* ---- comparison ------------------------------------------------------------------------------------------------------ */

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

/* ---- the plane ------------------------------------------------------------------------------------------------------- */

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

/* ---- hostile words --------------------------------------------------------------------------------------------------- */

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
    char *html = put(f, "words");
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

/* ---- nothing to draw, or nothing to draw with ------------------------------------------------------------------------ */

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

static int entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d) != NULL) n++;
    closedir(d);
    return n - 2;
}

/* A program in the place of the real one, found in a folder of its own, which becomes PATH. */
static void fake_converter(const char *text)
{
    char dir[120], program[160];
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/bin", folder);
    snprintf(program, sizeof program, "%s/rsvg-convert", dir);
    (void)mkdir(dir, 0777);
    assert_int_equal(ken_write_file(program, text, strlen(text), &err), KEN_OK);
    assert_int_equal(chmod(program, 0755), 0);
    setenv("PATH", dir, 1);
}

static void without_the_converter_there_are_svg_and_csv(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120];
    char *here = getcwd(NULL, 0);
    static const char *const none[] = {"", "/nonexistent", ".:bin::", "/etc"};
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    size_t n;
    snprintf(dir, sizeof dir, "%s/bin", folder);
    fake_converter("#!/bin/sh\nexit 0\n"); /* in the current folder, and in bin: not ours to run */
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(symlink(".", "bin"), 0);
    snprintf(dir, sizeof dir, "%s/none", folder);
    for (int i = 0; i < 4; i++) {
        setenv("PATH", none[i], 1);
        for (int pdf = 0; pdf < 2; pdf++) {
            assert_int_equal(ken_figures_write(f, dir, pdf ? "pdf" : "png", NULL, &err), KEN_EFAIL);
            assert_non_null(strstr(err.msg, "librsvg2-bin"));
            assert_int_equal(access(dir, F_OK), -1);
        }
        ken_free(write_and_read(f, "svg", "p-correct-0", &n));
        ken_free(write_and_read(f, "csv", "p-correct-0", &n));
    }
    assert_int_equal(unlink("bin"), 0);
    assert_int_equal(chdir(here), 0);
    free(here);
    setenv("PATH", path, 1);
    ken_free(path);
    ken_figures_free(f);
}

static void what_the_converter_gives_is_looked_at(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120], text[600];
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    size_t n, m;
    static const struct {
        const char *does, *says;
    } cases[] = {{"echo 'line 3: boom' >&2; exit 7", "exit status 7): line 3: boom"},
                 {"exit 0", "cut off"},
                 {"printf '\\211PNG half of it'", "cut off"},
                 {"kill -9 $$", "signal 9"},
                 {"exec cat /dev/zero", "more than"}};
    snprintf(dir, sizeof dir, "%s/looked", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "#!/bin/sh\n%s\n", cases[i].does);
        fake_converter(text);
        for (int pdf = 0; pdf < 2; pdf++) {
            assert_int_equal(ken_figures_write(f, dir, pdf ? "pdf" : "png", "greedy-0", &err), KEN_EFAIL);
            if (strstr(err.msg, cases[i].says) == NULL) fail_msg("%s: %s", cases[i].does, err.msg);
            assert_int_equal(entries(dir), 0);
        }
    }
    /* What goes in is the SVG file, and what comes out is the picture: a stand-in that copies one to the other, with a PDF's end. */
    snprintf(text, sizeof text, "#!/bin/sh\n[ \"$1\" = --format=pdf ] && [ \"$PWD\" = / ] && cat && echo '%%%%EOF'\n");
    fake_converter(text);
    char *pdf = write_and_read(f, "pdf", "greedy-0", &n), *svg = write_and_read(f, "svg", "greedy-0", &m);
    assert_int_equal(n, m + 6);
    assert_memory_equal(pdf, svg, m);
    ken_free(pdf);
    ken_free(svg);
    setenv("PATH", path, 1);
    ken_free(path);
    ken_figures_free(f);
}

/* A limit on the size of files does as a full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, false);
    ken_err err = {0};
    char dir[120];
    struct rlimit was, small;
    snprintf(dir, sizeof dir, "%s/full", folder);
    for (int png = 0; png < 2; png++) {
        if (png && !convertible()) break;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        signal(SIGXFSZ, SIG_IGN);
        small = was;
        small.rlim_cur = png ? 8000 : 1000; /* enough for the SVG that the PNG is made from */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int rc = ken_figures_write(f, dir, png ? "png" : "svg", "relations-0", &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        signal(SIGXFSZ, SIG_DFL);
        assert_int_equal(rc, KEN_EFAIL);
        if (strstr(err.msg, "File too large") == NULL) fail_msg("%s", err.msg);
        assert_int_equal(entries(dir), 0);
    }
    ken_figures_free(f);
}

static int asked;
static int after_three(void *ctx)
{
    (void)ctx;
    return ++asked > 3;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Gone, or a zombie that its new parent has not waited for yet. */
static bool runs(const char *pid_file)
{
    char path[160], line[400] = "";
    size_t n;
    char *pid = read_all(pid_file, &n);
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(pid));
    ken_free(pid);
    FILE *f = fopen(path, "r");
    if (f == NULL) return false;
    bool got = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *state = strrchr(line, ')');
    return got && state != NULL && state[1] == ' ' && state[2] != 'Z';
}

/* A converter that takes a minute, that has started a program, that falls silent early, that leaves its ends of the pipes to another. */
static void stopped_on_request_and_never_waited_for_in_vain(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120], text[700], pid[160];
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/slow", folder);
    snprintf(pid, sizeof pid, "%s/pid", folder);
    static const struct {
        const char *does, *says;
        int rc;
    } cases[] = {{"sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec >&- 2>&-; sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec >&- 2>&-; sleep 0.1; exit 3", "exit status 3", KEN_EFAIL},
                 {"echo boom >&2; exit 7", "exit status 7): boom", KEN_EFAIL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "#!/bin/sh\nsleep 61 & echo $! > %s\n%s\n", pid, cases[i].does);
        fake_converter(text);
        asked = 0;
        ken_figures_set_poll(f, cases[i].rc == KEN_ESTOP ? after_three : NULL, NULL);
        double began = seconds();
        assert_int_equal(ken_figures_write(f, dir, "pdf", NULL, &err), cases[i].rc);
        assert_true(seconds() - began < 5); /* a third of a second, on a machine that is not overrun */
        if (strstr(err.msg, cases[i].says) == NULL) fail_msg("%s", err.msg);
        assert_int_equal(entries(dir), 0);
        for (int k = 0; k < 100 && runs(pid); k++) usleep(10000);
        assert_false(runs(pid));
    }
    unlink(pid);
    setenv("PATH", path, 1);
    ken_free(path);
    asked = 3; /* while files are written */
    ken_figures_set_poll(f, after_three, NULL);
    assert_int_equal(ken_figures_write(f, dir, "csv", NULL, &err), KEN_ESTOP);
    assert_int_equal(ken_figures_write(f, dir, "svg", NULL, &err), KEN_ESTOP);
    assert_int_equal(entries(dir), 0);
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

/* ---- the drawing ----------------------------------------------------------------------------------------------------- */

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
    char *html = put(f, "fit-7");
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
    html = put(f, "p-correct-0");
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
static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(run_path, sizeof run_path, "%s/made.ken", folder);
    snprintf(out_path, sizeof out_path, "%s/out.html", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const below[] = {"csv",    "svg",  "png",  "pdf",    "words", "bin",
                                        "looked", "slow", "full", "memory", "."};
    char path[400];
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, below[i]);
        DIR *d = opendir(path);
        if (d == NULL) continue;
        for (const struct dirent *e; (e = readdir(d)) != NULL;)
            if (e->d_name[0] != '.') (void)unlinkat(dirfd(d), e->d_name, 0);
        closedir(d);
        (void)rmdir(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_figures_are_drawn_for_the_page),
        cmocka_unit_test(the_csv_holds_the_numbers),
        cmocka_unit_test(a_file_is_the_same_picture_in_fixed_colours),
        cmocka_unit_test(no_such_format_or_figure),
        cmocka_unit_test(png_and_pdf),
        cmocka_unit_test(numbers_stand_where_the_axes_say),
        cmocka_unit_test(shapes_are_written_as_they_are),
        cmocka_unit_test(what_is_not_finite_is_left_out),
        cmocka_unit_test(ticks),
        cmocka_unit_test(words_fit_their_room),
        cmocka_unit_test(a_training),
        cmocka_unit_test(a_comparison),
        cmocka_unit_test(a_comparison_of_multiple_choice),
        cmocka_unit_test(a_plane),
        cmocka_unit_test(words_of_data_stay_words),
        cmocka_unit_test(no_numbers_no_figure),
        cmocka_unit_test(without_the_converter_there_are_svg_and_csv),
        cmocka_unit_test(what_the_converter_gives_is_looked_at),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(stopped_on_request_and_never_waited_for_in_vain),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("report/figures", tests, make_folder, remove_folder);
}
