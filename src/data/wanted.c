/* wanted.c - --split and --relation: names against what the data has; see exemplars.h. */
#include "base/alloc.h"
#include "base/buf.h"
#include "data/exemplars.h"
#include <string.h>

struct ken_wanted {
    ken_strmap *splits, *relations; /* NULL = all */
    const char *without;            /* a split left out, or NULL */
};

/* Levenshtein distance, cut at 64 bytes: only for suggestions. */
static size_t distance(const char *a, size_t n, const char *b)
{
    enum { MAX = 64 };
    size_t m = strlen(b), row[MAX + 1];
    if (n > MAX || m > MAX) return MAX;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

static int unknown(const ken_data *d, bool split, const char *name, size_t n, ken_err *err)
{
    enum { SHOWN = 40 };
    ken_buf list = {0};
    ken_strmap *seen = ken_strmap_new(64);
    const char *near = NULL;
    size_t near_by = n / 2 < 2 ? n / 2 + 1 : 3; /* only what is closer than this is suggested */
    for (size_t i = 0; seen != NULL && i < d->n_groups; i++) {
        const char *s = split ? d->groups[i].split : d->groups[i].relation;
        if (s[0] == '\0' || ken_strmap_add(seen, s, strlen(s), 0) <= 0) continue;
        if (ken_strmap_count(seen) <= SHOWN) ken_buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", s);
        else if (ken_strmap_count(seen) == SHOWN + 1) ken_buf_puts(&list, ", ...");
        size_t by = distance(name, n, s);
        if (by < near_by) {
            near_by = by;
            near = s;
        }
    }
    char shown[80], have[600], suggested[80];
    (void)ken_printable(shown, sizeof shown, name, n);
    (void)ken_printable(have, sizeof have, ken_buf_str(&list), list.len);
    (void)ken_printable(suggested, sizeof suggested, near != NULL ? near : "", near != NULL ? strlen(near) : 0);
    ken_strmap_free(seen);
    ken_buf_free(&list);
    const char *what = split ? "split" : "relation";
    return ken_fail(err, KEN_EUSAGE, "the data has no %s \"%s\"%s%s%s; it has %s", what, shown,
                    near != NULL ? "; did you mean " : "", suggested, near != NULL ? "?" : "",
                    have[0] != '\0' ? have : "none");
}

static bool in_data(const ken_data *d, bool split, const char *name, size_t n)
{
    for (size_t i = 0; i < d->n_groups; i++) {
        const char *s = split ? d->groups[i].split : d->groups[i].relation;
        if (n > 0 && strlen(s) == n && memcmp(s, name, n) == 0) return true;
    }
    return false;
}

/* Names into a set; the data must have each. */
static int parse(ken_strmap **out, const ken_data *d, bool split, const ken_names *list, ken_err *err)
{
    *out = ken_strmap_new(16);
    if (*out == NULL) return ken_fail_nomem(err, "selection");
    for (int i = 0; i < list->n; i++) {
        const char *s = list->name[i];
        if (!in_data(d, split, s, strlen(s))) return unknown(d, split, s, strlen(s), err);
        if (ken_strmap_add(*out, s, strlen(s), 1) < 0) return ken_fail_nomem(err, "selection");
    }
    return KEN_OK;
}

int ken_wanted_new(ken_wanted **out, const ken_data *d, const ken_names *splits, const ken_names *relations,
                   const char *without, ken_err *err)
{
    ken_wanted *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "selection");
    s->without = without;
    int rc = KEN_OK;
    if (splits->n > 0) rc = parse(&s->splits, d, true, splits, err);
    if (rc == KEN_OK && relations->n > 0) rc = parse(&s->relations, d, false, relations, err);
    if (rc == KEN_OK) *out = s;
    else ken_wanted_free(s);
    return rc;
}

void ken_wanted_free(ken_wanted *s)
{
    if (s == NULL) return;
    ken_strmap_free(s->splits);
    ken_strmap_free(s->relations);
    ken_free(s);
}

bool ken_wanted_has(const ken_wanted *s, const ken_example *e)
{
    bool split = s->splits != NULL ? ken_strmap_get(s->splits, e->split, strlen(e->split), 0) == 1
                                   : s->without == NULL || strcmp(e->split, s->without) != 0;
    return split && (s->relations == NULL || ken_strmap_get(s->relations, e->relation, strlen(e->relation), 0) == 1);
}
