/* match.c - the matchers' names, and the two that compare whole word lists: contains and f1 (spec/slick.md 6).
 *
 * The exact-match family, with its test for texts that are not finished, is accept.c. Nothing can be ruled out early for the
 * two here, so they are plain functions of finished texts, and allocate. */
#include "text/match.h"
#include "base/alloc.h"
#include "text/normalize.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------------------------------- */

static const char known[] =
    "known: em-raw, em-squad, em-alias, contains, f1@T with 0 < T <= 1 (as f1@0.5), each also with "
    "its version, as in em-squad/1";

int ken_matcher_parse(ken_matcher *m, const char *name, ken_err *err)
{
    static const struct {
        const char *name;
        ken_matcher_kind kind;
    } plain[] = {
        {"em-raw", KEN_EM_RAW}, {"em-squad", KEN_EM_SQUAD}, {"em-alias", KEN_EM_ALIAS}, {"contains", KEN_CONTAINS}};
    size_t len = strlen(name);
    const char *slash = strrchr(name, '/');
    *m = (ken_matcher){0};
    if (slash != NULL) {
        if (strcmp(slash, "/1") != 0)
            return ken_fail(err, KEN_EUSAGE, "matcher \"%.60s\" has a version that this program does not know; %s",
                            name, known);
        len = (size_t)(slash - name);
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strlen(plain[i].name) != len || memcmp(plain[i].name, name, len) != 0) continue;
        m->kind = plain[i].kind;
        snprintf(m->name, sizeof m->name, "%s/1", plain[i].name);
        return KEN_OK;
    }
    if (len > 3 && len < 24 && memcmp(name, "f1@", 3) == 0 && ((name[3] >= '0' && name[3] <= '9') || name[3] == '.')) {
        char number[24], *end;
        memcpy(number, name + 3, len - 3);
        number[len - 3] = '\0';
        errno = 0;
        m->threshold = strtod(number, &end);
        if (*end == '\0' && errno == 0 && m->threshold > 0.0 && m->threshold <= 1.0) {
            m->kind = KEN_F1;
            snprintf(m->name, sizeof m->name, "f1@%.10g/1", m->threshold);
            return KEN_OK;
        }
        return ken_fail(err, KEN_EUSAGE, "matcher \"%.60s\": the threshold must be a number above 0 and at most 1; %s",
                        name, known);
    }
    return ken_fail(err, KEN_EUSAGE, "unknown matcher \"%.60s\"; %s", name, known);
}

bool ken_matcher_is_exact(const ken_matcher *m)
{
    return m->kind == KEN_EM_RAW || m->kind == KEN_EM_SQUAD || m->kind == KEN_EM_ALIAS;
}

/* ---- golds and their levels ------------------------------------------------------------------------------------------ */

int ken_gold_level(const char *gold, size_t n, char **words, ken_level *level, ken_err *err)
{
    bool valid;
    *words = NULL;
    for (*level = KEN_LEVEL_WORDS; *level <= KEN_LEVEL_ARTICLES; (*level)++) {
        char *w = ken_normalize_words(gold, n, *level == KEN_LEVEL_ARTICLES, &valid);
        if (w == NULL) return ken_fail_nomem(err, "answers");
        if (!valid) {
            ken_free(w);
            return ken_fail(err, KEN_EINPUT, "answer \"%.60s\" is not valid UTF-8; convert the data to UTF-8", gold);
        }
        if (w[0] != '\0') {
            *words = w;
            return KEN_OK;
        }
        ken_free(w);
    }
    n = ken_trim(&gold, n);
    if (n == 0) return ken_fail(err, KEN_EINPUT, "an answer is empty; remove it or the row");
    *words = ken_strndup(gold, n);
    return *words != NULL ? KEN_OK : ken_fail_nomem(err, "answers");
}

/* ---- word lists ------------------------------------------------------------------------------------------------------ */

typedef struct words {
    char *text;        /* N(s), its spaces turned into NULs */
    const char **word; /* (n) */
    size_t n;
} words;

static void free_words(words *w)
{
    ken_free(w->text);
    ken_free((void *)w->word);
    *w = (words){0};
}

/* Takes ownership of text, also on failure. False when out of memory. */
static bool split(words *w, char *text)
{
    *w = (words){.text = text};
    if (text == NULL) return false;
    size_t n = text[0] != '\0';
    for (const char *p = text; *p != '\0'; p++) n += *p == ' ';
    w->word = (const char **)ken_alloc(n, sizeof *w->word);
    if (w->word == NULL) {
        free_words(w);
        return false;
    }
    for (char *p = text; w->n < n; p += strlen(p) + 1) {
        char *space = strchr(p, ' ');
        if (space != NULL) *space = '\0';
        w->word[w->n++] = p;
    }
    return true;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Size of the overlap of two multisets of words. Sorts both. */
static size_t overlap(words *a, words *b)
{
    size_t i = 0, j = 0, same = 0;
    qsort((void *)a->word, a->n, sizeof *a->word, by_bytes);
    qsort((void *)b->word, b->n, sizeof *b->word, by_bytes);
    while (i < a->n && j < b->n) {
        int c = strcmp(a->word[i], b->word[j]);
        same += c == 0;
        i += c <= 0;
        j += c >= 0;
    }
    return same;
}

static bool occurs(const words *in, const words *what)
{
    for (size_t i = 0; what->n > 0 && i + what->n <= in->n; i++) {
        size_t j = 0;
        while (j < what->n && strcmp(in->word[i + j], what->word[j]) == 0) j++;
        if (j == what->n) return true;
    }
    return false;
}

static bool equal_trimmed(const char *y, size_t n, const char *gold)
{
    n = ken_trim(&y, n);
    return n > 0 && n == strlen(gold) && memcmp(y, gold, n) == 0;
}

/* F1 (as_f1) or 1/0 for containment, of y and one gold, on the gold's level; -1 when out of memory. */
double ken_compare_words(const char *y, size_t n, const char *gold, ken_level level, bool as_f1)
{
    bool valid;
    words a = {0}, b = {0};
    double score = -1.0;
    if (level == KEN_LEVEL_RAW) return equal_trimmed(y, n, gold) ? 1.0 : 0.0;
    if (split(&a, ken_normalize_words(y, n, level == KEN_LEVEL_ARTICLES, &valid)) && split(&b, ken_strdup(gold))) {
        if (!valid) score = 0.0;
        else if (!as_f1) score = occurs(&a, &b) ? 1.0 : 0.0;
        else { /* 2PR/(P+R) with P = same/a.n and R = same/b.n, in one rounding */ size_t same = overlap(&a, &b);
            score = same > 0 ? 2.0 * (double)same / (double)(a.n + b.n) : 0.0;
        }
    }
    free_words(&a);
    free_words(&b);
    return score;
}

double ken_f1(const char *y, size_t n, const char *const *golds, int n_golds)
{
    double best = 0.0;
    for (int i = 0; i < n_golds; i++) {
        char *gold;
        ken_level level;
        ken_err err = {0};
        if (ken_gold_level(golds[i], strlen(golds[i]), &gold, &level, &err) != KEN_OK || gold == NULL) {
            if (err.status == KEN_ENOMEM) return -1.0;
            continue; /* empty or no text at all: nothing equals it */
        }
        double f = ken_compare_words(y, n, gold, level, true);
        ken_free(gold);
        if (f < 0.0) return -1.0;
        if (f > best) best = f;
    }
    return best;
}

bool ken_contains_words(const char *text, size_t n, const char *gold)
{
    char *g;
    ken_level level;
    if (ken_gold_level(gold, strlen(gold), &g, &level, NULL) != KEN_OK || g == NULL) return false;
    bool in = ken_compare_words(text, n, g, level, false) > 0.0;
    ken_free(g);
    return in;
}
