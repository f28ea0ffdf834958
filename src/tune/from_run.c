/* from_run.c - drafts from an annotation run, and categories for rows that were read elsewhere; see draft.h. */
#include "data/identity.h"
#include "data/rows.h"
#include "know/verdict.h"
#include "tune/draft.h"
#include <math.h>
#include <string.h>

/* --label: the category as drawn (the published procedure), or the likeliest one. */
static int category_of(const ken_row *r, const ken_train_data *from)
{
    return from->label == KEN_LABEL_MODE ? r->category_mode : r->category;
}

/* The model's own answer, when it is asked for: without the white space around it; *own stays NULL when there is none. In scratch. */
static int find_own(const char **own, bool *right, const ken_row *r, const ken_train_data *from, ken_arena *scratch,
                    ken_err *err)
{
    ken_says says;
    *own = NULL;
    *right = false;
    if (from->own_answers == KEN_OWN_NONE) return KEN_OK;
    ken_arena_reset(scratch);
    int rc = ken_row_says(&says, r, scratch, err);
    if (rc != KEN_OK || says.text == NULL) return rc;
    const char *s = says.text;
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r\n", *s) != NULL) s++, n--;
    while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL) n--;
    if (n == 0) return KEN_OK;
    *right = says.right;
    *own = ken_arena_strndup(scratch, s, n);
    return *own != NULL ? KEN_OK : ken_fail_nomem(err, "answers");
}

static int add(ken_drafts *d, const ken_row *r, const ken_train_data *from, const char *file, size_t place,
               ken_arena *scratch, ken_err *err)
{
    const char *own;
    bool right;
    int rc = find_own(&own, &right, r, from, scratch, err);
    if (rc != KEN_OK) return rc;
    const ken_draft x = {.id = r->id,
                         .own = own,
                         .own_right = right,
                         .relation = r->relation,
                         .split = r->split,
                         .task = "",
                         .question = r->question,
                         .subject = r->subject,
                         .answers = r->answers,
                         .n_answers = r->n_answers,
                         .aliases = r->aliases,
                         .n_aliases = r->n_aliases,
                         .popularity = r->popularity,
                         .category = category_of(r, from),
                         .p = r->p_t,
                         .p_t0 = r->p_t0,
                         .p_unknown = r->p_unknown,
                         .weight = NAN,
                         .choice = (r->flags & KEN_FLAG_CHOICE) != 0,
                         .file = file,
                         .place = place};
    return ken_drafts_add_copy(d, &x, err);
}

int ken_drafts_from_run(ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    ken_run *run;
    const char *file = ken_drafts_name(d, from->path, strlen(from->path));
    if (file == NULL) return ken_fail_nomem(err, "path");
    int rc = ken_run_open(&run, from->path, err);
    if (rc != KEN_OK) return rc;
    ken_run_set_poll(run, from->poll, from->ctx);
    ken_err why = {0};
    ken_arena scratch = {0};
    for (size_t i = 0; i < ken_run_count(run) && rc == KEN_OK; i++) {
        const ken_row *r = ken_run_row(run, i, &why);
        if (r == NULL) rc = ken_fail(err, why.status, "%s", why.msg);
        else if (r->n_answers < 1) rc = ken_fail(err, KEN_EINPUT, "%s: row \"%.80s\" has no answer", file, r->id);
        else rc = add(d, r, from, file, i, &scratch, err);
    }
    ken_arena_free(&scratch);
    ken_run_free(run);
    return rc;
}

int ken_drafts_label(ken_drafts *d, const ken_train_data *from, ken_err *err)
{
    ken_run *run;
    int rc = ken_run_open(&run, from->labels, err);
    if (rc != KEN_OK) return rc;
    ken_strmap *at = ken_strmap_new(d->n);
    size_t matched = 0;
    if (at == NULL) rc = ken_fail_nomem(err, "labels");
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++)
        if (ken_strmap_add(at, d->rows[i].id, strlen(d->rows[i].id), (int32_t)i) < 0)
            rc = ken_fail_nomem(err, "labels");
    ken_run_set_poll(run, from->poll, from->ctx);
    ken_err why = {0};
    ken_arena scratch = {0};
    for (size_t i = 0; i < ken_run_count(run) && rc == KEN_OK; i++) {
        const ken_row *r = ken_run_row(run, i, &why);
        if (r == NULL) {
            rc = ken_fail(err, why.status, "%s", why.msg);
            break;
        }
        int32_t k = ken_strmap_get(at, r->id, strlen(r->id), -1);
        if (k < 0) continue;
        ken_draft *x = &d->rows[k];
        char id[80];
        if (x->question != NULL && !ken_asks_same(x->question, x->subject, r->question, r->subject)) {
            if (from->labels_optional) continue;
            rc = ken_fail(err, KEN_EINPUT,
                          "%s: its row \"%s\" is another question than that of %s; were these the annotated data?",
                          from->labels, ken_printable(id, sizeof id, r->id, strlen(r->id)), x->file);
        }
        x->category = category_of(r, from);
        x->p = r->p_t;
        x->p_t0 = r->p_t0;
        x->p_unknown = r->p_unknown;
        const char *own;
        if (rc == KEN_OK) rc = find_own(&own, &x->own_right, r, from, &scratch, err);
        if (rc == KEN_OK && own != NULL && (x->own = ken_arena_strdup(&d->arena, own)) == NULL)
            rc = ken_fail_nomem(err, "answers");
        matched++;
    }
    ken_arena_free(&scratch);
    if (rc == KEN_OK && matched == 0 && !from->labels_optional)
        rc = ken_fail(err, KEN_EINPUT, "%s: it has none of the rows of %s (joined by id)", from->labels, from->path);
    d->unmatched = d->n - matched;
    ken_strmap_free(at);
    ken_run_free(run);
    return rc;
}
