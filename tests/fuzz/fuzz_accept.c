/* fuzz_accept.c - the two promises of text/accept.h for any bytes: what is accepted was viable at every prefix, and em-squad
 * accepts exactly the texts whose N is a gold's.
 *
 * Input: one byte choosing the matcher, golds, each ended by a NUL (at most 3; the last rest is the text). Besides the text,
 * each gold is tried in four normal forms, so that many texts are accepted. */
#include "base/alloc.h"
#include "text/accept.h"
#include "text/normalize.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool true_always)
{
    if (!true_always) abort();
}

static void check(const ken_accept *a, const ken_matcher *m, const char *const *golds, int n_golds, const char *y,
                  size_t n)
{
    bool valid, same = false, by_words = m->kind == ken_em_squad.kind, yes = ken_accept_matches(a, y, n);
    for (size_t i = 0; yes && i <= n; i++) require(ken_accept_viable(a, y, i));
    char *ny = ken_normalize_words(y, n, false, &valid);
    require(ny != NULL);
    for (int i = 0; i < n_golds; i++) {
        char *g = ken_normalize(golds[i], strlen(golds[i]));
        require(g != NULL);
        if (g[0] == '\0') by_words = false; /* a fallback level, where N does not decide */
        same |= strcmp(g, ny) == 0;
        ken_free(g);
    }
    if (by_words && memchr(y, 0, n) == NULL) require(yes == (valid && same));
    ken_free(ny);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"em-squad", "em-raw", "em-alias", "contains", "f1@0.5"};
    static const int forms[] = {0, UTF8PROC_COMPOSE, UTF8PROC_DECOMPOSE, UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
    if (n < 2 || n > 4096) return 0;
    ken_matcher m;
    ken_accept *a;
    require(ken_matcher_parse(&m, names[data[0] % 5], NULL) == KEN_OK);
    const char *golds[3], *at = (const char *)data + 1, *end = (const char *)data + n, *nul;
    int n_golds = 0;
    while (n_golds < 3 && (nul = memchr(at, 0, (size_t)(end - at))) != NULL) {
        golds[n_golds++] = at;
        at = nul + 1;
    }
    if (n_golds == 0 || ken_accept_new(&a, &m, golds, n_golds, NULL) != KEN_OK) return 0;
    check(a, &m, golds, n_golds, at, (size_t)(end - at));
    for (int i = 0; i < n_golds; i++) {
        for (int f = 0; f < 5; f++) {
            utf8proc_uint8_t *form = NULL;
            utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)golds[i], 0, &form,
                                                (utf8proc_option_t)(UTF8PROC_NULLTERM | UTF8PROC_STABLE | forms[f]));
            if (len >= 0) check(a, &m, golds, n_golds, (const char *)form, (size_t)len);
            if (f == 0 && len >= 0) require(ken_accept_matches(a, golds[i], strlen(golds[i])));
            free(form);
        }
    }
    ken_accept_free(a);
    return 0;
}
