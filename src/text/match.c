/* match.c - the level on which a gold is compared, and the two matchers that compare whole word lists: contains and f1
 * (docs/method/knowledge.md#matchers).
 *
 * The exact-match family, with its test for texts that are not finished, is em.c. Nothing can be ruled out early for the
 * two here, so they are plain functions of finished texts, and allocate. */
#include "text/match.h"
#include "base/alloc.h"
#include "text/normalize.h"
#include <stdlib.h>
#include <string.h>

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
static double compare_words(const char *y, size_t n, const char *gold, ken_level level, bool as_f1)
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

/* The same for a gold as it is given; 0 where that is empty or no text at all. */
static double compare(const char *y, size_t n, const char *gold, bool as_f1)
{
    char *g;
    ken_level level;
    int rc = ken_gold_level(gold, strlen(gold), &g, &level, NULL);
    if (rc != KEN_OK || g == NULL) return rc == KEN_ENOMEM ? -1.0 : 0.0;
    double score = compare_words(y, n, g, level, as_f1);
    ken_free(g);
    return score;
}

double ken_f1(const char *y, size_t n, const char *const *golds, int n_golds)
{
    double best = 0.0;
    for (int i = 0; i < n_golds; i++) {
        double f = compare(y, n, golds[i], true);
        if (f < 0.0) return -1.0;
        if (f > best) best = f;
    }
    return best;
}

bool ken_contains_words(const char *text, size_t n, const char *gold) { return compare(text, n, gold, false) > 0.0; }

/* ---- sentences ------------------------------------------------------------------------------------------------------- */

bool ken_answers_are_sentences(const char *const *answers, int n)
{
    size_t found = 0;
    for (int i = 0; i < n; i++)
        for (const char *p = answers[i] + strspn(answers[i], " \t\n\r"); *p != '\0'; p += strspn(p, " \t\n\r")) {
            found++;
            p += strcspn(p, " \t\n\r");
        }
    return n > 0 && found >= KEN_SENTENCE_WORDS * (size_t)n;
}

/* ---- contains and f1 ------------------------------------------------------------------------------------------------- */

typedef struct lists {
    ken_accept head;
    struct list_gold {
        char *words;
        ken_level level;
    } * gold; /* (n) */
    size_t n, cap;
} lists;

static int add_gold(ken_accept *head, const char *gold, ken_err *err)
{
    lists *a = (lists *)head;
    if (ken_grow((void **)&a->gold, &a->cap, a->n + 1, sizeof *a->gold) != 0) return ken_fail_nomem(err, "answers");
    int rc = ken_gold_level(gold, strlen(gold), &a->gold[a->n].words, &a->gold[a->n].level, err);
    a->n += rc == KEN_OK;
    return rc;
}

static void clear(ken_accept *head)
{
    lists *a = (lists *)head;
    for (size_t i = 0; i < a->n; i++) ken_free(a->gold[i].words);
    ken_free(a->gold);
}

static bool reaches(const ken_accept *head, const char *y, size_t n, bool as_f1)
{
    const lists *a = (const lists *)head;
    double threshold = as_f1 ? head->matcher.threshold : 1.0;
    for (size_t i = 0; i < a->n; i++)
        if (compare_words(y, n, a->gold[i].words, a->gold[i].level, as_f1) >= threshold) return true;
    return false;
}

static bool contains_matches(const ken_accept *a, const char *y, size_t n) { return reaches(a, y, n, false); }
static bool f1_matches(const ken_accept *a, const char *y, size_t n) { return reaches(a, y, n, true); }

#define LISTS .size = sizeof(lists), .add = add_gold, .clear = clear, .by_words = true
const ken_matcher_kind ken_contains_kind = {"contains", "1", "contains", LISTS, .matches = contains_matches};
const ken_matcher_kind ken_f1_kind = {
    "f1", "1", "f1@T with 0 < T <= 1 (as f1@0.5)", LISTS, .takes_threshold = true, .matches = f1_matches};
const ken_matcher ken_contains = {.kind = &ken_contains_kind, .name = "contains/1"};
