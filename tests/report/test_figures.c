/* test_figures.c - the plots: drawn by the real gnuplot where there is one, well-formed, safe against what runs may hold, and true to
 * the numbers; and what happens without gnuplot, without memory and without numbers. */
#include "base/alloc.h"
#include "base/file.h"
#include "made_choice.h"
#include "made_run.h"
#include "report/figure_make.h"
#include "report/html.h"
#include "store/tuning.h"
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
    static const char *const allowed[] = {"svg", "title", "desc", "path", "circle", "text", "rect"};
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

static void draw_all(ken_figures *f)
{
    ken_err err = {0};
    if (ken_figures_draw(f, &err) != KEN_OK) fail_msg("%s", err.msg);
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
    draw_all(f);
    assert_int_equal(ken_figures_count(f), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < ken_figures_count(f); i++) {
        assert_string_equal(ken_figures_name(f, i), names[i]);
        char *html = put(f, names[i]);
        assert_non_null(strstr(html, "role=\"img\""));
        assert_non_null(strstr(html, "var(--")); /* the page's colours */
        assert_non_null(strstr(html, "download=\""));
        assert_null(strstr(html, "Gnuplot"));
        const char *svg = cut_svg(html), *desc = strstr(svg, "<desc ");
        assert_true(strlen(svg) < 16000);
        assert_non_null(desc);
        desc += strcspn(desc, ">");
        assert_true(strcspn(desc, "<") > 60); /* it says something, with numbers */
        assert_true(strcspn(desc, "0123456789") < strcspn(desc, "<"));
        assert_null(strstr(svg, "rgb("));
        check_xml(svg);
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

static void files_for_papers(void **state)
{
    (void)state;
    static const struct {
        const char *format, *magic;
    } cases[] = {{"svg", "<svg xmlns="}, {"png", "\x89PNG"}, {"pdf", "%PDF-"}};
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    for (size_t i = 0; i < 3; i++) {
        char dir[120], path[160];
        size_t n, m;
        snprintf(dir, sizeof dir, "%s/%s", folder, cases[i].format);
        if (ken_figures_write(f, dir, cases[i].format, NULL, &err) != KEN_OK) fail_msg("%s", err.msg);
        snprintf(path, sizeof path, "%s/relations-0.%s", dir, cases[i].format);
        char *first = read_all(path, &n);
        assert_memory_equal(first, cases[i].magic, strlen(cases[i].magic));
        if (i == 0) {
            check_xml(first);
            assert_null(strstr(first, "var("));
        }
        if (i == 2) assert_non_null(memmem(first, n, "/FontFile", 9)); /* embedded */
        assert_int_equal(unlink(path), 0);
        if (ken_figures_write(f, dir, cases[i].format, "relations-0", &err) != KEN_OK) fail_msg("%s", err.msg);
        char *again = read_all(path, &m);
        assert_int_equal(n, m); /* the same bytes */
        assert_memory_equal(first, again, n);
        ken_free(first);
        ken_free(again);
    }
    assert_int_equal(ken_figures_write(f, folder, "gif", NULL, &err), KEN_EUSAGE);
    assert_int_equal(ken_figures_write(f, folder, "svg", "nonsense", &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "p-correct-0"));
    assert_int_equal(ken_figures_write(f, "/proc/none/of/these", "csv", NULL, &err), KEN_EFAIL);
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

static void check_all(ken_figures *f)
{
    draw_all(f);
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
    ken_figure_frame(g, 120, 10, 10, 30);
    ken_figure_column(g, "word", KEN_CELL_TEXT);
    ken_figure_column(g, "number", KEN_CELL_NUMBER);
    ken_buf_printf(&g->script, "set yrange [-1:%d]\nset xrange [0:1]\n", (int)N);
    for (int i = 0; i < N; i++) {
        ken_figure_datum(g, i);
        ken_figure_word(g, words[i]);
        ken_figure_datum(g, 0.5);
        ken_figure_line(g);
        ken_figure_text(g, words[i]);
        ken_figure_number(g, i == 3 ? (double)NAN : (double)i);
        ken_buf_puts(&g->caption, words[i]);
        ken_buf_puts(&g->description, words[i]);
    }
    ken_figure_plot(g, "D using (0):1:2 with labels right");
    ken_figure_plot(g, "D using 3:1 with points pt 7 ps 0.5");
    assert_int_equal(ken_figure_done(g, &err), KEN_OK);
    draw_all(f);
    char *html = put(f, "words");
    assert_null(strstr(html, "<script"));
    const char *svg = cut_svg(html);
    int dots = 0; /* each line of data was one line: no word broke out of its field */
    for (const char *p = svg; (p = strstr(p, "h0")) != NULL; p++) dots++;
    assert_int_equal(dots, N);
    assert_non_null(strstr(svg, ">NaN</text>"));
    assert_non_null(strstr(svg, "%s%n%d 100%</text>"));
    check_xml(svg);
    ken_free(html);
    static const char *const formats[] = {"svg", "png", "pdf", "csv"};
    for (int i = 0; i < 4; i++)
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
    assert_int_equal(ken_figures_draw(f, &err), KEN_OK);
    ken_figures_free(f);
    ken_run_free(run);
    f = figures_of_made(1, false); /* one row: what has one point is drawn or left out, but nothing fails */
    assert_true(ken_figures_count(f) > 0);
    draw_all(f);
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

static void without_gnuplot_the_numbers_stay(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), fake[120], text[160];
    static const char *const none[] = {"", "/nonexistent", ".:relative::"};
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    for (int i = 0; i < 3; i++) {
        setenv("PATH", none[i], 1);
        assert_int_equal(ken_figures_draw(f, &err), KEN_EFAIL);
        assert_non_null(strstr(err.msg, "gnuplot-nox"));
    }
    char *html = put(f, "p-correct-0");
    assert_null(strstr(html, "<svg"));
    assert_non_null(strstr(html, "<details open>"));
    assert_non_null(strstr(html, "<table>"));
    ken_free(html);
    /* one that fails: its words reach the message; one that draws something else: refused; the folder is gone each time */
    static const char *const programs[] = {
        "#!/bin/sh\necho 'line 3: boom' >&2\nexit 7\n", "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\nfor i in 0 1 2 3 4 5 6 7 8; do echo '<svg><script/></svg>' > $i.out; done\n",
        "#!/bin/sh\nkill -9 $$\n"};
    static const char *const expected[] = {"line 3: boom", "did not draw", "not expected", "signal 9"};
    snprintf(fake, sizeof fake, "%s/bin", folder);
    assert_int_equal(mkdir(fake, 0777), 0);
    snprintf(text, sizeof text, "%s/tmp", folder);
    assert_int_equal(mkdir(text, 0777), 0);
    setenv("TMPDIR", text, 1);
    setenv("PATH", fake, 1);
    char program[160];
    snprintf(program, sizeof program, "%s/gnuplot", fake);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ken_write_file(program, programs[i], strlen(programs[i]), &err), KEN_OK);
        assert_int_equal(chmod(program, 0755), 0);
        assert_int_equal(ken_figures_draw(f, &err), KEN_EFAIL);
        if (strstr(err.msg, expected[i]) == NULL) fail_msg("%s", err.msg);
        html = put(f, "p-correct-0");
        assert_null(strstr(html, "<svg"));
        ken_free(html);
        assert_int_equal(entries(text), 0);
    }
    unsetenv("TMPDIR");
    setenv("PATH", path, 1);
    ken_free(path);
    draw_all(f);
    ken_figures_free(f);
}

/* Neither cairo nor gnuplot says that the disk was full; a limit on the size of files does as a full disk. */
static void a_picture_that_is_cut_off_is_none(void **state)
{
    (void)state;
    ken_figures *f = figures_of_made(300, false);
    ken_err err = {0};
    char dir[120];
    struct rlimit was, small;
    snprintf(dir, sizeof dir, "%s/cut", folder);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = was;
    small.rlim_cur = 12000; /* more than the script needs, less than the picture */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = ken_figures_write(f, dir, "png", "relations-0", &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(rc, KEN_EFAIL);
    if (strstr(err.msg, "relations-0 is cut off") == NULL) fail_msg("%s", err.msg);
    assert_int_equal(entries(dir), 0);
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

/* Gone, or dead and only not yet buried by whoever inherited it. */
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

/* A gnuplot that takes a minute, that has started a program, that falls silent early, that leaves its end of the pipe to another. */
static void stopped_on_request_and_never_waited_for_in_vain(void **state)
{
    (void)state;
    char *path = ken_strdup(getenv("PATH")), dir[120], tmp[120], program[160], text[700], pid[160];
    ken_figures *f = figures_of_made(300, true);
    ken_err err = {0};
    snprintf(dir, sizeof dir, "%s/slow", folder);
    snprintf(tmp, sizeof tmp, "%s/slow-tmp", folder);
    snprintf(program, sizeof program, "%s/gnuplot", dir);
    snprintf(pid, sizeof pid, "%s/pid", dir);
    assert_int_equal(mkdir(dir, 0777), 0);
    assert_int_equal(mkdir(tmp, 0777), 0);
    setenv("TMPDIR", tmp, 1);
    setenv("PATH", dir, 1);
    static const struct {
        const char *does, *says;
        int rc;
    } cases[] = {{"sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec 2>&-; sleep 60", "stopped on request", KEN_ESTOP},
                 {"exec 2>&-; sleep 0.1; exit 3", "exit status 3", KEN_EFAIL},
                 {"echo boom >&2; exit 7", "exit status 7): boom", KEN_EFAIL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text,
                 "#!/bin/sh\nmkdir -p .cache/fonts; : > .cache/fonts/x; sleep 61 & echo $! > %s\n%s\n", pid,
                 cases[i].does);
        assert_int_equal(ken_write_file(program, text, strlen(text), &err), KEN_OK);
        assert_int_equal(chmod(program, 0755), 0);
        asked = 0;
        ken_figures_set_poll(f, cases[i].rc == KEN_ESTOP ? after_three : NULL, NULL);
        double began = seconds();
        assert_int_equal(ken_figures_draw(f, &err), cases[i].rc);
        assert_true(seconds() - began < 5); /* a third of a second, on a machine that is not overrun */
        if (strstr(err.msg, cases[i].says) == NULL) fail_msg("%s", err.msg);
        assert_int_equal(entries(tmp), 0);
        for (int k = 0; k < 100 && runs(pid); k++) usleep(10000);
        assert_false(runs(pid));
    }
    unsetenv("TMPDIR");
    setenv("PATH", path, 1);
    ken_free(path);
    asked = 3; /* while files are written */
    ken_figures_set_poll(f, after_three, NULL);
    snprintf(text, sizeof text, "%s/slow-csv", folder);
    assert_int_equal(ken_figures_write(f, text, "csv", NULL, &err), KEN_ESTOP);
    assert_int_equal(entries(text), 0);
    ken_figures_set_poll(f, NULL, NULL);
    draw_all(f);
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
    for (long n = 1, done = 0; !done; n += n < 12 ? 1 : 7) { /* a process each: not every one */
        assert_true(n < 3000);
        ken_alloc_fail_after(n);
        int rc = ken_figures_draw(f, &err);
        ken_alloc_fail_after(0);
        done = rc == KEN_OK;
        if (!done) assert_int_equal(rc, KEN_ENOMEM);
    }
    ken_figures_free(f);
    ken_report_summary_free(&s);
    ken_run_free(run);
}

/* ---- gnuplot's drawing, damaged -------------------------------------------------------------------------------------- */

static void damaged_drawings_are_refused_or_harmless(void **state)
{
    (void)state;
    static const char good[] =
        "<?xml version=\"1.0\"?>\n<svg width=\"10\"\n viewBox=\"0 0 10 10\">\n<title>Gnuplot</title><defs><circle "
        "id='a'/></defs>"
        "<g fill=\"none\" color=\"black\" stroke=\"currentColor\" stroke-width=\"2.00\"><path stroke='rgb(226, 227, "
        "224)' "
        "d='M1.04,2 L3.06,4 M5,6'/><use xlink:href='#gpPt6' transform='translate(5.00,6.00) scale(2.25)' "
        "color='rgb( 20,  80, 124)'/><g transform=\"translate(1,2) rotate(-90.00)\" stroke=\"none\" "
        "fill=\"rgb(88,100,115)\" text-anchor=\"end\"><text><tspan> a &lt;b> &amp; c</tspan></text></g>"
        "<polygon fill = 'rgb(1,2,3)' points = '0,0 1,1 2,0 '/></g></svg>";
    ken_buf b = {0};
    ken_err err = {0};
    if (ken_svg_rewrite(&b, good, sizeof good - 1, true, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_string_equal(
        ken_buf_str(&b),
        "<path stroke=\"var(--line)\" stroke-width=\"2\" d=\"M1 2L3.1 4\"/>"
        "<path stroke=\"var(--c0)\" stroke-width=\"4.5\" stroke-linecap=\"round\" d=\"M5 6h0\"/><path fill=\"#010203\" "
        "d=\"M0 0 1 1 2 0z\"/>"
        "<text x=\"1\" y=\"2\" transform=\"rotate(-90 1 2)\" text-anchor=\"end\">a &lt;b&gt; &amp; c</text>");
    ken_buf_free(&b);
    char copy[sizeof good + 64];
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (int j = 0; j < 6; j++) {
            size_t n = sizeof good - 1;
            memcpy(copy, good, n);
            if (j == 0) n = i; /* cut */
            else copy[i] = "\"<>'&"[j - 1];
            char *exact = ken_strndup(copy, n); /* so that a sanitizer sees a read past the end */
            if (ken_svg_rewrite(&b, exact, n, j % 2 == 0, &err) == KEN_OK && b.len > 0) {
                ken_buf whole = {0};
                ken_buf_printf(&whole, "<svg><rect/><rect/><rect/>%s</svg>", b.data);
                check_xml(whole.data);
                ken_buf_free(&whole);
            }
            ken_buf_free(&b);
            ken_free(exact);
        }
    }
    static const char *const refused[] = {"<script>",
                                          "<image href='x'/>",
                                          "<path d='M0,0 L1;1'/>",
                                          "<g",
                                          "<g><g>",
                                          "</g>",
                                          "<use xlink:href='#gpPt3' transform='translate(1,1) scale(1)'/>",
                                          "<polygon fill='url(#a)' points='0,0 1,1'/>",
                                          "<text><a>",
                                          "<path d=\"M0,0 L1,1"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(ken_svg_rewrite(&b, refused[i], strlen(refused[i]), true, &err), KEN_EFAIL);
        ken_buf_free(&b);
    }
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
    static const char *const below[] = {"csv", "svg",  "png",      "pdf",      "words", "bin",
                                        "tmp", "slow", "slow-tmp", "slow-csv", "cut",   "."};
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
        cmocka_unit_test(files_for_papers),
        cmocka_unit_test(a_training),
        cmocka_unit_test(a_comparison),
        cmocka_unit_test(a_comparison_of_multiple_choice),
        cmocka_unit_test(a_plane),
        cmocka_unit_test(words_of_data_stay_words),
        cmocka_unit_test(no_numbers_no_figure),
        cmocka_unit_test(without_gnuplot_the_numbers_stay),
        cmocka_unit_test(a_picture_that_is_cut_off_is_none),
        cmocka_unit_test(stopped_on_request_and_never_waited_for_in_vain),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(damaged_drawings_are_refused_or_harmless),
    };
    return cmocka_run_group_tests_name("report/figures", tests, make_folder, remove_folder);
}
