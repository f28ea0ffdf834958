/* popqa.c - PopQA (Mallen et al. 2023): question, prop, subj, obj, s_pop, possible_answers, as TSV, CSV or JSON lines.
 *
 * Rules of docs/method/knowledge.md#popqa: the relation is prop, popularity is s_pop; the accepted answers are possible_answers, of which obj
 * comes first (possible_answers[0] where obj is null); rows that share a question's text cannot be told apart by a model that
 * sees only the text, so each accepts the answers of all of them and is flagged ambiguous. */
#include "base/alloc.h"
#include "data/dataset.h"
#include "data/fields.h"
#include <string.h>

enum { MAX_UNITED = 1024 }; /* answers of all rows with one question: every row gets its own copy of the list */

typedef struct reading {
    ken_builder *b;
    const ken_source *s;
} reading;

/* Puts obj in front: possible_answers holds it at any place, or not at all. */
static int obj_first(ken_arena *a, const char *obj, size_t n, ken_example *e, ken_err *err)
{
    const char **list = ken_arena_calloc(a, (size_t)e->n_answers + 1, sizeof *list);
    char *copy = list == NULL ? NULL : ken_arena_strndup(a, obj, n);
    if (copy == NULL) return ken_fail_nomem(err, "answers");
    int m = 0;
    list[m++] = copy;
    for (int i = 0; i < e->n_answers; i++)
        if (strcmp(e->answers[i], copy) != 0) list[m++] = e->answers[i];
    e->answers = list;
    e->n_answers = m;
    return KEN_OK;
}

static int read_row(void *ctx, const json_t *row, size_t place, int line, ken_err *err)
{
    reading *r = ctx;
    ken_arena *a = &r->b->d->arena;
    ken_example e = {.file = r->s->path, .line = line, .choice = -1};
    ken_field f = {row, r->s->path, line, "question", NULL};
    const char *s, *obj;
    size_t n, n_obj;
    int rc = ken_field_copy(&f, true, a, &e.question, "rows", err);
    f.name = "possible_answers";
    if (rc == KEN_OK) rc = ken_field_list(&f, true, a, &e.answers, &e.n_answers, err);
    if (rc != KEN_OK) return rc;
    f.name = "obj";
    rc = ken_field_text_or_null(&f, &obj, &n_obj, err);
    if (rc == KEN_OK && obj != NULL) rc = obj_first(a, obj, n_obj, &e, err);
    f.name = "id";
    if (rc == KEN_OK) rc = ken_field_id(&f, a, &e.id, err);
    f.name = "s_pop";
    if (rc == KEN_OK) rc = ken_field_number(&f, &e.popularity, err);
    f.name = "prop";
    if (rc == KEN_OK) rc = ken_field_text(&f, &s, &n, err);
    if (rc != KEN_OK) return rc;
    e.relation = ken_builder_intern(r->b, s, n);
    e.split = r->b->split != NULL ? r->b->split : ken_builder_intern(r->b, "", 0);
    f.name = "subj";
    rc = ken_field_copy(&f, true, a, &e.subject, "rows", err);
    if (rc != KEN_OK) return rc;
    if (e.relation == NULL || e.split == NULL) return ken_fail_nomem(err, "rows");
    return ken_builder_add(r->b, &e, place, err);
}

/* ---- rows with one question -------------------------------------------------------------------------------------------- */

/* The union of the answers of row i and of all rows chained with it, its own first, each once. */
static int merge_answers(ken_data *d, size_t i, size_t head, const int32_t *next, const char *const **list, int *n)
{
    size_t total = 0;
    for (int32_t j = (int32_t)head; j >= 0; j = next[j]) total += (size_t)d->rows[j].n_answers;
    if (total > MAX_UNITED && next[head] >= 0) return KEN_EINPUT;
    const char **all = ken_arena_calloc(&d->arena, total, sizeof *all);
    ken_strmap *seen = ken_strmap_new(total);
    int rc = all == NULL || seen == NULL ? KEN_ENOMEM : KEN_OK;
    *n = 0;
    for (int pass = 0; pass < 2 && rc == KEN_OK; pass++)
        for (int32_t j = pass == 0 ? (int32_t)i : (int32_t)head; j >= 0 && rc == KEN_OK; j = pass == 0 ? -1 : next[j])
            for (int k = 0; k < d->rows[j].n_answers && rc == KEN_OK; k++) {
                const char *g = d->rows[j].answers[k];
                int added = ken_strmap_add(seen, g, strlen(g), 0);
                if (added < 0) rc = KEN_ENOMEM;
                if (added > 0) all[(*n)++] = g;
            }
    ken_strmap_free(seen);
    *list = all;
    return rc;
}

static int unite_questions(ken_data *d, ken_err *err)
{
    ken_strmap *first = ken_strmap_new(d->n);
    int32_t *next = ken_alloc(d->n + 1, sizeof *next), *last = ken_alloc(d->n + 1, sizeof *last);
    struct {
        const char *const *list;
        int n;
        bool shared;
    } *united = ken_calloc(d->n + 1, sizeof *united);
    int rc = first == NULL || next == NULL || last == NULL || united == NULL ? KEN_ENOMEM : KEN_OK;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const char *q = d->rows[i].question;
        next[i] = -1;
        last[i] = (int32_t)i;
        int added = ken_strmap_add(first, q, strlen(q), (int32_t)i);
        if (added < 0) rc = KEN_ENOMEM;
        if (added != 0) continue;
        int32_t head = ken_strmap_get(first, q, strlen(q), 0);
        next[last[head]] = (int32_t)i;
        last[head] = (int32_t)i;
    }
    size_t at = 0;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) { /* all unions first: they read the rows' own answers */
        const char *q = d->rows[i].question;
        size_t head = (size_t)ken_strmap_get(first, q, strlen(q), 0);
        at = i;
        united[i].shared = next[head] >= 0;
        rc = merge_answers(d, i, head, next, &united[i].list, &united[i].n);
    }
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++)
        if (united[i].list != NULL) {
            d->rows[i].answers = united[i].list;
            d->rows[i].n_answers = united[i].n;
            if (united[i].shared) d->rows[i].flags |= KEN_FLAG_AMBIGUOUS;
        }
    ken_strmap_free(first);
    ken_free(next);
    ken_free(last);
    ken_free(united);
    if (rc == KEN_EINPUT)
        return ken_fail(err, rc, "%s:%d: the rows that share this question have more than %d answers together",
                        d->rows[at].file, d->rows[at].line, MAX_UNITED);
    return rc == KEN_OK ? rc : ken_fail_nomem(err, "answers");
}

int ken_read_popqa(ken_builder *b, ken_source *s, char delimiter, ken_err *err)
{
    reading r = {b, s};
    int rc = ken_text_rows(s, delimiter, read_row, &r, err);
    if (rc == KEN_OK) rc = ken_builder_took(b, s, err);
    return rc == KEN_OK ? unite_questions(b->d, err) : rc;
}
