/* accept.c - the table of matchers: their names, and each call passed to the kind that answers it. */
#include "text/accept.h"
#include "base/alloc.h"
#include "text/match.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All there are, in the order in which messages list them; of a name's versions the newest first. */
const ken_matcher_kind *const ken_matcher_kinds[] = {&ken_em_raw_kind,   &ken_em_squad_kind, &ken_em_alias_kind,
                                                     &ken_contains_kind, &ken_f1_kind,       NULL};

/* ---- names ----------------------------------------------------------------------------------------------------------- */

enum { MOST_DIGITS = 20 }; /* of a threshold */

const char *ken_matcher_form(int i, bool *exact)
{
    enum { N = sizeof ken_matcher_kinds / sizeof *ken_matcher_kinds - 1 };
    const bool there = i >= 0 && i < N;
    *exact = there && ken_matcher_kinds[i]->viable != NULL;
    return there ? ken_matcher_kinds[i]->form : NULL;
}

/* Says what is wrong with a name, and which ones there are. */
static int refuse(const char *before, const char *name, const char *after, ken_err *err)
{
    char known[sizeof err->msg] = "";
    size_t n = 0;
    for (const ken_matcher_kind *const *k = ken_matcher_kinds; *k != NULL && n < sizeof known; k++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s, ", (*k)->form);
    return ken_fail(err, KEN_EUSAGE, "%s \"%.60s\"%s; known: %seach also with its version, as in %s", before, name,
                    after, known, ken_em_squad.name);
}

/* Is name (n bytes, without a version) written as this kind is? Whether a threshold is in range is not asked. */
static bool is_written(const ken_matcher_kind *k, const char *name, size_t n)
{
    size_t own = strlen(k->name);
    if (n < own || memcmp(k->name, name, own) != 0) return false;
    if (!k->takes_threshold) return n == own;
    const char *number = name + own + 1;
    return n > own + 1 && n - own - 1 <= MOST_DIGITS && name[own] == '@' &&
           ((*number >= '0' && *number <= '9') || *number == '.');
}

static int take(ken_matcher *m, const ken_matcher_kind *k, const char *name, size_t n, ken_err *err)
{
    m->kind = k;
    snprintf(m->name, sizeof m->name, "%s/%s", k->name, k->version);
    if (!k->takes_threshold) return KEN_OK;
    char *end;
    errno = 0;
    m->threshold = strtod(name + strlen(k->name) + 1, &end);
    if (end != name + n || errno != 0 || !(m->threshold > 0.0 && m->threshold <= 1.0))
        return refuse("matcher", name, ": the threshold must be a number above 0 and at most 1", err);
    snprintf(m->name, sizeof m->name, "%s@%.10g/%s", k->name, m->threshold, k->version);
    return KEN_OK;
}

int ken_matcher_parse(ken_matcher *m, const char *name, ken_err *err)
{
    const char *slash = strrchr(name, '/');
    size_t n = slash != NULL ? (size_t)(slash - name) : strlen(name);
    bool has_version = false;
    *m = (ken_matcher){0};
    for (const ken_matcher_kind *const *k = ken_matcher_kinds; *k != NULL; k++) {
        if (slash != NULL && strcmp(slash + 1, (*k)->version) != 0) continue;
        has_version = true;
        if (is_written(*k, name, n)) return take(m, *k, name, n, err);
    }
    if (has_version) return refuse("unknown matcher", name, "", err);
    return refuse("matcher", name, " has a version that this program does not know", err);
}

bool ken_matcher_is_exact(const ken_matcher *m) { return m->kind->viable != NULL; }

bool ken_matcher_within(const ken_matcher *a, const ken_matcher *b)
{
    if (a->kind->within != NULL) return a->kind->within(a, b);
    return a->kind == b->kind && a->threshold >= b->threshold;
}

/* ---- golds and texts ------------------------------------------------------------------------------------------------- */

int ken_accept_new(ken_accept **out, const ken_matcher *m, const char *const *golds, int n_golds, ken_err *err)
{
    *out = NULL;
    if (n_golds < 1) return ken_fail(err, KEN_EINPUT, "no accepted answer; give at least one");
    ken_accept *a = ken_calloc(1, m->kind->size);
    if (a == NULL) return ken_fail_nomem(err, "answers");
    a->matcher = *m;
    int rc = KEN_OK;
    for (int i = 0; i < n_golds && rc == KEN_OK; i++) rc = m->kind->add(a, golds[i], err);
    if (rc == KEN_OK) *out = a;
    else ken_accept_free(a);
    return rc;
}

void ken_accept_free(ken_accept *a)
{
    if (a == NULL) return;
    a->matcher.kind->clear(a);
    ken_free(a);
}

bool ken_accept_matches(const ken_accept *a, const char *y, size_t n) { return a->matcher.kind->matches(a, y, n); }

bool ken_accept_viable(const ken_accept *a, const char *x, size_t n)
{
    return a->matcher.kind->viable == NULL || a->matcher.kind->viable(a, x, n);
}
