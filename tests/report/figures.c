/* figures.c - see figures.h. */
#include "figures.h"
#include "base/file.h"
#include "made_run.h"
#include "store/tuning.h"
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

char folder[] = "/tmp/ken-figures-XXXXXX";
char run_path[80], out_path[80];

void check_xml(const char *xml)
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

ken_run *open_made(size_t n, bool hostile_texts)
{
    ken_run *run = NULL;
    ken_err err = {0};
    if (make_run(run_path, n, hostile_texts, &err) != KEN_OK || ken_run_open(&run, run_path, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return run;
}

ken_figures *new_figures(void)
{
    ken_figures *f;
    assert_int_equal(ken_figures_new(&f, NULL), KEN_OK);
    return f;
}

ken_figures *figures_of_made(size_t n, bool hostile_texts)
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

char *put_figure(const ken_figures *f, const char *name)
{
    ken_err err = {0};
    ken_out *o;
    size_t n;
    if (ken_out_open(&o, out_path, &err) != KEN_OK) fail_msg("%s", err.msg);
    ken_figure_put(o, f, name);
    if (ken_out_close(o, true, &err) != KEN_OK) fail_msg("%s", err.msg);
    return read_all(out_path, &n);
}

char *cut_svg(char *html)
{
    char *svg = strstr(html, "<svg "), *end = svg != NULL ? strstr(svg, "</svg>") : NULL;
    if (end == NULL) {
        fail_msg("there is no picture: %.80s", html);
        return html;
    }
    end[6] = '\0';
    return svg;
}

bool convertible(void)
{
    char path[KEN_PATH_LENGTH];
    if (ken_converter_find(path, NULL) == KEN_OK) return true;
    print_message("rsvg-convert is not there: what it makes is not tested (tools/setup.sh installs it)\n");
    return false;
}

ken_run *open_training(const char *path, int epochs, bool sets, ken_err *err)
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

int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(run_path, sizeof run_path, "%s/made.ken", folder);
    snprintf(out_path, sizeof out_path, "%s/out.html", folder);
    return 0;
}

int remove_folder(void **state)
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
