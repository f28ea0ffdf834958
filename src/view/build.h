/* build.h - how a result is put into views; ken.h says what they are.
 *
 *     ken_views *v = ken_views_new();
 *     ken_views_text(v);                                        a sentence ...
 *     ken_views_say(v, KEN_STYLE_STRONG, "%s", model);          ... of parts
 *     ken_views_table(v, columns, N_COLUMNS, "by relation");
 *     ken_views_row(v, "groups.relation", key);                 cells follow in the order of the columns
 *     ken_put_text(v, KEN_STYLE_PLAIN, name);
 *     ken_put_share(v, hits, n);
 *     return ken_views_finish(out, v, &err);                    one check at the end: calls after a failure do nothing
 *
 * Texts are copied; columns are borrowed for as long as the views live (they are static tables), unless ken_views_columns copies them. */
#ifndef KEN_VIEW_BUILD_H
#define KEN_VIEW_BUILD_H
#include "base/arena.h"
#include "base/error.h"

ken_views *ken_views_new(void);                                    /* NULL is fine for everything below */
int ken_views_finish(ken_views **out, ken_views *v, ken_err *err); /* KEN_ENOMEM: v is freed */
/* For what was worked out in between: v's failure is the views'. */
void ken_views_fail(ken_views *v);
const char *ken_views_keep(ken_views *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* a text that lives with v */

void ken_views_heading(ken_views *v, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ken_views_text(ken_views *v);
void ken_views_say(ken_views *v, ken_style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ken_views_table(ken_views *v, const ken_view_column *column, size_t n, const char *title);
void ken_views_columns(ken_views *v, const ken_view_column *column, size_t n,
                       const char *title); /* the same, columns copied */
void ken_views_values(ken_views *v, const ken_view_column *column, size_t n, const char *path); /* its cells follow */
ken_view *ken_views_last(ken_views *v); /* to set headless, close, where; never NULL */

ken_view_row *ken_views_row(ken_views *v, const char *path, const char *key); /* to set where, total; never NULL */
ken_view_row *ken_views_last_row(ken_views *v);                               /* likewise */
void ken_views_between(ken_views *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What was added since there were `from` views stands in these places at most: KEN_IN_JSON, ... */
void ken_views_only(ken_views *v, size_t from, unsigned where);

const char *ken_views_count_text(ken_views *v, uint64_t n);   /* "1,234", for a sentence; lives with v */
const char *ken_p_text(double p, char buf[32]);               /* of a test: "p = 0.031", "p < 0.001"; buf or static */
const char *ken_views_share_text(ken_views *v, double share); /* "41.2%", likewise; NaN: "-" */

/* A value in JSON alone: under key in the object at path. The key "" of a path "name[]": an element of a list of values. */
void ken_value_text(ken_views *v, const char *path, const char *key, const char *s); /* NULL: null */
void ken_value_truth(ken_views *v, const char *path, const char *key, bool x);
void ken_value_count(ken_views *v, const char *path, const char *key, uint64_t n);
void ken_value_number(ken_views *v, const char *path, const char *key, double x); /* NaN: null */
void ken_value_exact(ken_views *v, const char *key, double x); /* of the whole object; with all its digits */
void ken_value_list(ken_views *v, const char *path);           /* "name[]": there, though empty */

/* A text as a name in the path of a row, whatever it holds; lives with v. */
const char *ken_views_name(ken_views *v, const char *s);

/* The next cell of the row; it may be styled. Never NULL. */
ken_view_cell *ken_put_nothing(ken_views *v);
ken_view_cell *ken_put_text(ken_views *v, ken_style style, const char *s); /* NULL: nothing */
ken_view_cell *ken_put_truth(ken_views *v, bool x);
ken_view_cell *ken_put_count(ken_views *v, uint64_t n);
ken_view_cell *ken_put_number(ken_views *v, double x); /* a real, a share, a change or a p-value; NaN: not known */
ken_view_cell *ken_put_between(ken_views *v, double x, double lo, double hi); /* with its interval */
ken_view_cell *ken_put_share(ken_views *v, uint64_t k,
                             uint64_t n); /* k of n with Wilson's 95 % interval; not known of none */
ken_view_cell *ken_put_part(ken_views *v, uint64_t k, uint64_t of);
ken_view_cell *ken_put_parts(ken_views *v, const uint64_t *part, int n); /* copied */
#endif
