/* identity.c - see identity.h. A field that is added to ken_example belongs into one of these, unless it says only where the row was read. */
#include "data/identity.h"
#include "base/hash.h"
#include "data/rows.h"
#include <string.h>

void ken_canon_asked(ken_buf *b, const ken_example *x)
{
    ken_canon_text(b, x->relation);
    ken_canon_text(b, x->question);
    ken_canon_text(b, x->subject);
    ken_canon_list(b, x->choices, x->n_choices);
}

void ken_canon_right(ken_buf *b, const ken_example *x)
{
    ken_canon_list(b, x->answers, x->n_answers);
    ken_canon_list(b, x->aliases, x->n_aliases);
    ken_canon_number(b, (uint64_t)(int64_t)x->choice);
}

void ken_canon_example(ken_buf *b, const ken_example *x)
{
    ken_canon_asked(b, x);
    ken_canon_right(b, x);
    ken_canon_text(b, x->id);
    ken_canon_text(b, x->split);
    ken_canon_real(b, x->popularity);
    ken_canon_number(b, x->flags);
}

bool ken_names_subject(const char *question, const char *subject)
{
    return subject == NULL || strstr(question, subject) != NULL;
}

bool ken_asks_same(const char *question, const char *subject, const char *other_question, const char *other_subject)
{
    if (strcmp(question, other_question) != 0) return false;
    return ken_names_subject(question, subject) || ken_names_subject(question, other_subject) ||
           strcmp(subject, other_subject) == 0;
}

const char *ken_default_id(ken_arena *a, const char *relation, const char *split, size_t place)
{
    return ken_arena_printf(a, "%s%s%s%s%zu", relation, relation[0] != '\0' ? "/" : "", split,
                            split[0] != '\0' ? "/" : "", place);
}

int ken_check_ids(const void *rows, size_t n, ken_row_place (*at)(const void *rows, size_t i), ken_err *err)
{
    ken_strmap *seen = ken_strmap_new(n);
    int rc = seen == NULL ? ken_fail_nomem(err, "ids") : KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_row_place r = at(rows, i);
        size_t len = strlen(r.id);
        int added = ken_strmap_add(seen, r.id, len, (int32_t)i);
        if (added < 0) rc = ken_fail_nomem(err, "ids");
        if (added != 0) continue;
        char shown[80];
        const ken_row_place first = at(rows, (size_t)ken_strmap_get(seen, r.id, len, 0));
        rc = ken_fail(err, KEN_EINPUT, "%s:%d: id \"%s\" occurs twice (first at %s:%d); ids must differ", r.file,
                      r.line, ken_printable(shown, sizeof shown, r.id, len), first.file, first.line);
    }
    ken_strmap_free(seen);
    return rc;
}

int ken_data_hash(const ken_data *d, char hex[65], ken_err *err)
{
    ken_sha256 *h = ken_sha256_new();
    ken_buf b = {0};
    if (h == NULL) return ken_fail_nomem(err, "hash of the data");
    for (size_t i = 0; i < ken_data_count(d) && !b.failed; i++) {
        ken_buf_clear(&b);
        ken_canon_example(&b, ken_data_get(d, i));
        ken_sha256_add(h, b.data, b.len);
    }
    ken_sha256_hex(h, hex);
    bool failed = b.failed;
    ken_buf_free(&b);
    return failed ? ken_fail_nomem(err, "hash of the data") : KEN_OK;
}
