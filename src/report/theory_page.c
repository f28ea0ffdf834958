/* theory_page.c - the page of the one-layer theory: what its views say, and its plots between them. */
#include "base/alloc.h"
#include "base/file.h"
#include "lab/theory.h"
#include "report/figure.h"
#include "report/page_frame.h"
#include "report/view_html.h"
#include <string.h>

static void put_figures(ken_out *o, const ken_figures *f, const char *kind)
{
    ken_out_puts(o, "<div class=\"plots\">");
    for (size_t i = 0; i < ken_figures_count(f); i++)
        if (strncmp(ken_figures_name(f, i), kind, strlen(kind)) == 0) ken_figure_put(o, f, ken_figures_name(f, i));
    ken_out_puts(o, "</div>\n");
}

static int put_page(ken_out *o, const ken_theory *t, const ken_figures *f, ken_err *err)
{
    char hash[KEN_PAGE_HASH];
    size_t n_joints;
    ken_views *v = NULL;
    int rc = ken_page_hash(hash, err);
    if (rc == KEN_OK) rc = ken_views_of_theory(&v, t, err);
    if (rc != KEN_OK) return rc;
    (void)ken_theory_joints(t, &n_joints);
    ken_page_begin(o, hash);
    ken_out_puts(o, "One-layer theory of factual salience");
    ken_page_bar(o, "content", "To the content");
    ken_page_link(o, "plots", "", "Plots");
    ken_page_link(o, "numbers", "", "Numbers and checks");
    ken_page_content(o);
    ken_out_puts(
        o,
        "<section class=\"hero\" id=\"top\">\n<h1>One-layer theory of factual salience</h1>\n<p class=\"lead\">What "
        "fine-tuning "
        "on little-known facts does in a network small enough to see through.</p>\n</section>\n<section id=\"plots\">\n"
        "<h2>Accuracy over pretraining</h2>\n");
    put_figures(o, f, "theory-accuracy-");
    if (n_joints > 0) {
        ken_out_puts(o, "<h2>Both weights trained together</h2>\n");
        put_figures(o, f, "theory-joint-");
    }
    ken_out_puts(o, "</section>\n<section id=\"numbers\">\n<h2>Numbers and checks</h2>\n");
    ken_html_views(o, v, 3);
    ken_out_puts(o, "</section>\n");
    ken_page_end(o, "by ken lab theory");
    ken_views_free(v);
    return KEN_OK;
}

int ken_theory_probe(const char *path, ken_err *err)
{
    const bool page = ken_has_ending(path, ".html");
    const char *what = ken_file_protected(path);
    if (what == NULL && (page ? ken_is_dir(path) : ken_is_file(path))) what = page ? "a folder" : "a file";
    if (what != NULL)
        return ken_fail(err, KEN_EUSAGE, "%s: there is %s, which is not replaced; name %s", path, what,
                        page ? "another page" : "a folder, or a page that ends in .html");
    return page ? KEN_OK : ken_make_folder(path, err);
}

static int write_page(const ken_theory *t, const ken_figures *f, const char *path, ken_err *err)
{
    ken_out *o = NULL;
    int rc = ken_theory_probe(path, err);
    if (rc == KEN_OK) rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    rc = put_page(o, t, f, err);
    const int closed = ken_out_close(o, rc == KEN_OK, err);
    return rc != KEN_OK ? rc : closed;
}

static int write_folder(const ken_theory *t, const ken_figures *f, const char *dir, ken_err *err)
{
    int rc = ken_theory_probe(dir, err);
    if (rc != KEN_OK) return rc;
    char *page = ken_path_join(dir, "theory.html");
    if (page == NULL) return ken_fail_nomem(err, "page");
    rc = ken_figures_write(f, dir, "svg", NULL, err);
    if (rc == KEN_OK) rc = ken_figures_write(f, dir, "csv", NULL, err);
    if (rc == KEN_OK) rc = write_page(t, f, page, err);
    ken_free(page);
    return rc;
}

int ken_theory_write(ken_theory *t, const char *path, ken_err *err)
{
    ken_figures *f = NULL;
    ken_err own = {0};
    if (err == NULL) err = &own;
    int rc = ken_figures_new(&f, err);
    if (rc != KEN_OK) return rc;
    ken_figures_set_poll(f, t->o.poll, t->o.ctx);
    rc = ken_figures_theory(f, t, err);
    if (rc == KEN_OK) rc = ken_has_ending(path, ".html") ? write_page(t, f, path, err) : write_folder(t, f, path, err);
    ken_figures_free(f);
    return rc;
}
