/* measures_page.c - the page of what synthetic worlds say of the measures. */
#include "base/file.h"
#include "ken.h"
#include "report/page_frame.h"
#include "report/view_html.h"

static int put_page(ken_out *o, const ken_measures *m, ken_err *err)
{
    char hash[KEN_PAGE_HASH];
    ken_views *v = NULL;
    int rc = ken_page_hash(hash, err);
    if (rc == KEN_OK) rc = ken_views_of_measures(&v, m, err);
    if (rc != KEN_OK) return rc;
    ken_page_begin(o, hash);
    ken_out_puts(o, "What synthetic worlds say of the measures");
    ken_page_bar(o, "content", "To the content");
    ken_page_content(o);
    ken_out_puts(o, "<section class=\"hero\" id=\"top\">\n<h1>What synthetic worlds say of the measures</h1>\n<p "
                    "class=\"lead\">Every exposure is known: do "
                    "P_Correct, SliCK and salience find it?</p>\n</section>\n<section id=\"numbers\">\n");
    ken_html_views(o, v, 2);
    ken_out_puts(o, "</section>\n");
    ken_page_end(o, "by ken lab measures");
    ken_views_free(v);
    return KEN_OK;
}

int ken_measures_write(const ken_measures *m, const char *path, ken_err *err)
{
    const char *there = ken_file_protected(path);
    ken_out *o = NULL;
    if (!ken_has_ending(path, ".html")) return ken_fail(err, KEN_EUSAGE, "%s: a page ends in .html", path);
    if (there != NULL)
        return ken_fail(err, KEN_EUSAGE, "%s: there is %s, which is not replaced; name another page", path, there);
    int rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    rc = put_page(o, m, err);
    const int closed = ken_out_close(o, rc == KEN_OK, err);
    return rc != KEN_OK ? rc : closed;
}
