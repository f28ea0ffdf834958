/* em.c - em-raw, em-squad and em-alias: the golds of a row compiled into an automaton over text: m(y) and V(x) of
 * docs/method/knowledge.md#matchers and #viable-paths; see accept.h.
 *
 * For em-squad the golds' N-strings form a trie whose edges are code points, words joined by one space. A text is read once:
 * words that are articles leave the place unchanged, other words move along the trie. Golds on the fallback level that keeps
 * articles have a trie of their own, read without the article rule; golds on the last level, which are compared unchanged, are byte strings.
 *
 * The hard thing is the end of an unfinished text. What follows may compose with the last segment (normalize.h), so that
 * "Sao" may still become "São", "=" may become "≠", and 가 may become 각; everything before it is final. Of the last segment
 * one thing survives whatever follows: the first code point of the canonical decomposition of its base, also through
 * lower-casing (ken_lower_base; a test goes through all of Unicode for it). So a segment at the end is compared by that. */
#include "base/alloc.h"
#include "text/match.h"
#include "text/normalize.h"
#include "text/unicode.h"
#include <string.h>

enum { NONE = -1, ROOT = 0 };

typedef struct trie_node {
    int32_t cp, base; /* the edge's code point and its ken_lower_base */
    int32_t child, sibling;
    bool end; /* a gold ends here */
} trie_node;

typedef struct trie {
    trie_node *node; /* (n); node[ROOT] is the root; NULL without golds */
    size_t n, cap;
} trie;

typedef struct automaton {
    ken_accept head;
    trie words, articles; /* golds by level */
    char **raw;           /* (n_raw) trimmed, compared as they are: em-raw, and the last level of the others */
    size_t n_raw, cap_raw;
} automaton;

/* ---- compiling ------------------------------------------------------------------------------------------------------- */

static int32_t child_of(const trie *t, int32_t at, int32_t cp)
{
    int32_t i = t->node[at].child;
    while (i != NONE && t->node[i].cp != cp) i = t->node[i].sibling;
    return i;
}

static int32_t add_node(trie *t, int32_t parent, int32_t cp)
{
    if (t->n >= INT32_MAX || ken_grow((void **)&t->node, &t->cap, t->n + 1, sizeof *t->node) != 0) return NONE;
    int32_t id = (int32_t)t->n++;
    t->node[id] = (trie_node){.cp = cp, .base = ken_lower_base(cp), .child = NONE, .sibling = NONE};
    if (parent != NONE) {
        t->node[id].sibling = t->node[parent].child;
        t->node[parent].child = id;
    }
    return id;
}

static int add_words(trie *t, const char *words, ken_err *err)
{
    if (t->n == 0 && add_node(t, NONE, 0) == NONE) return ken_fail_nomem(err, "answers");
    int32_t at = ROOT, cp;
    for (size_t i = 0, n = strlen(words); i < n;) {
        int len = ken_utf8_decode(words + i, n - i, &cp);
        int32_t next = child_of(t, at, cp);
        if (next == NONE) next = add_node(t, at, cp);
        if (next == NONE) return ken_fail_nomem(err, "answers");
        at = next;
        i += (size_t)(len > 0 ? len : 1);
    }
    t->node[at].end = true;
    return KEN_OK;
}

static int add_raw(automaton *a, char *trimmed, ken_err *err) /* takes ownership, also on failure */
{
    if (ken_grow((void **)&a->raw, &a->cap_raw, a->n_raw + 1, sizeof *a->raw) != 0) {
        ken_free(trimmed);
        return ken_fail_nomem(err, "answers");
    }
    a->raw[a->n_raw++] = trimmed;
    return KEN_OK;
}

static int add_gold(ken_accept *head, const char *gold, ken_err *err)
{
    automaton *a = (automaton *)head;
    char *words;
    ken_level level;
    int rc = ken_gold_level(gold, strlen(gold), &words, &level, err); /* also for em-raw: it checks the text */
    if (rc != KEN_OK) return rc;
    if (!a->head.matcher.kind->by_words && level != KEN_LEVEL_RAW) {
        size_t n = ken_trim(&gold, strlen(gold));
        ken_free(words);
        words = ken_strndup(gold, n);
        if (words == NULL) return ken_fail_nomem(err, "answers");
        return add_raw(a, words, err);
    }
    if (level == KEN_LEVEL_RAW) return add_raw(a, words, err);
    rc = add_words(level == KEN_LEVEL_WORDS ? &a->words : &a->articles, words, err);
    ken_free(words);
    return rc;
}

static void clear(ken_accept *head)
{
    automaton *a = (automaton *)head;
    for (size_t i = 0; i < a->n_raw; i++) ken_free(a->raw[i]);
    ken_free((void *)a->raw);
    ken_free(a->words.node);
    ken_free(a->articles.node);
}

/* ---- golds as they are (em-raw) ------------------------------------------------------------------------------------ */

/* Length of the white space that s begins with; *cut = all of s is that, but for an incomplete character at its end. */
static size_t leading_space(const char *s, size_t n, bool *cut)
{
    size_t at = 0;
    for (;;) {
        int32_t cp;
        int len = ken_utf8_decode(s + at, n - at, &cp);
        *cut = at < n && len == KEN_UTF8_INCOMPLETE;
        if (len <= 0 || !ken_is_space(cp)) return at;
        at += (size_t)len;
    }
}

/* m (whole) or V for the golds in a->raw. */
static bool run_raw(const automaton *a, const char *s, size_t n, bool whole)
{
    if (a->n_raw == 0) return false;
    bool cut;
    size_t skip = leading_space(s, n, &cut);
    if (!whole && (skip == n || cut)) return true; /* nothing but white space so far, perhaps half of one at the end */
    s += skip;
    n -= skip;
    for (size_t i = 0; i < a->n_raw; i++) {
        const char *gold = a->raw[i];
        size_t len = strlen(gold);
        if (n < len) {
            if (!whole && memcmp(gold, s, n) == 0) return true;
            continue;
        }
        if (memcmp(gold, s, len) != 0) continue;
        size_t after = leading_space(s + len, n - len, &cut);
        if (after == n - len || (!whole && cut)) return true;
    }
    return false;
}

/* ---- golds by their words (em-squad) --------------------------------------------------------------------------------- */

/* Where a text is in a trie. */
typedef struct state {
    const trie *t;
    int32_t at;    /* node after the closed words; NONE = no gold begins with them */
    int32_t cur;   /* node inside the open word; NONE = the word is no gold's */
    int article;   /* progress of the open word within a, an, the; NONE = it is none of them */
    bool open;     /* a word is open */
    bool articles; /* articles count as words */
} state;

/* The words a, an, the as an automaton: 0 start, 1 "a", 2 "an", 3 "t", 4 "th", 5 "the". */
static int article_step(int from, int32_t cp)
{
    switch (from) {
    case 0: return cp == 'a' ? 1 : cp == 't' ? 3 : NONE;
    case 1: return cp == 'n' ? 2 : NONE;
    case 3: return cp == 'h' ? 4 : NONE;
    case 4: return cp == 'e' ? 5 : NONE;
    default: return NONE;
    }
}
static bool article_ends(int a) { return a == 1 || a == 2 || a == 5; }

/* The node from which the next character of the open word, or the first one of a new word, continues. */
static int32_t place(const state *st)
{
    if (st->open) return st->cur;
    return st->at == NONE || st->at == ROOT ? st->at : child_of(st->t, st->at, ' ');
}

static void close_word(state *st)
{
    if (!st->open) return;
    st->open = false;
    if (article_ends(st->article)) return; /* as if it had not been there */
    st->at = st->cur;
    /* a word that stops inside a gold's word leads nowhere */
    if (st->at != NONE && !st->t->node[st->at].end && child_of(st->t, st->at, ' ') == NONE) st->at = NONE;
}

/* cp is lower-case, neither white space nor punctuation. */
static void feed(state *st, int32_t cp)
{
    int32_t from = place(st);
    st->article = st->open ? st->article : st->articles ? NONE : 0;
    st->open = true;
    st->cur = from == NONE ? NONE : child_of(st->t, from, cp);
    st->article = article_step(st->article, cp);
}

static void feed_ascii(state *st, unsigned char c)
{
    unsigned char f = ken_ascii_fold[c];
    if (f == ' ') close_word(st);
    else if (f != KEN_DELETED) feed(st, f);
}

static void feed_any(state *st, int32_t cp)
{
    int32_t low[2];
    if (cp < 0x80) {
        feed_ascii(st, (unsigned char)cp);
        return;
    }
    if (ken_is_space(cp)) {
        close_word(st);
        return;
    }
    int k = ken_lower(cp, low);
    for (int i = 0; i < k; i++) feed(st, low[i]);
}

static bool alive(const state *st) { return st->at != NONE && (!st->open || st->cur != NONE || st->article != NONE); }

/* Is there an edge from `from` whose character is built on the base character `base`? */
static bool has_base(const trie *t, int32_t from, int32_t base)
{
    if (from == NONE) return false;
    int32_t i = t->node[from].child;
    while (i != NONE && t->node[i].base != base) i = t->node[i].sibling;
    return i != NONE;
}

/* V where the text ends with segment g, which what follows may still change. st: all before it. */
static bool viable_with_tail(state *st, const ken_segments *g)
{
    int32_t first = g->cp[0], from = place(st);
    if (ken_is_space(first)) { /* white space takes in no marks; with some it is the NFKC of a lone accent */
        close_word(st);
        return g->len == 1 ? alive(st) : place(st) != NONE;
    }
    if (g->len == 1 && first < 0x80) {
        unsigned char f = ken_ascii_fold[first];
        feed_ascii(st, (unsigned char)first);
        return alive(st) || (f != KEN_DELETED && has_base(st->t, from, f)); /* as it is, or with a mark to come */
    }
    if (from == NONE) return false;
    if (!ken_begins_segment(first)) return true; /* marks without a base: their order is open */
    int32_t base = ken_lower_base(first);
    if (base < 0x80 && ken_ascii_fold[base] == KEN_DELETED)
        return true; /* "≠" may fall apart; "." with marks leaves the marks */
    return has_base(st->t, from, base);
}

/* m (whole) or V for the golds in t. */
static bool run_trie(const trie *t, bool articles, const char *s, size_t n, bool whole)
{
    if (t->n == 0) return false;
    state st = {.t = t, .at = ROOT, .cur = NONE, .article = NONE, .articles = articles};
    ken_segments g;
    ken_segments_start(&g, s, n);
    for (;;) {
        if (g.i_ahead == g.n_ahead) { /* an ASCII character before another one is a segment, final, and its own NFKC */
            while (g.at + 1 < n && (unsigned char)s[g.at] < 0x80 && (unsigned char)s[g.at + 1] < 0x80) {
                feed_ascii(&st, (unsigned char)s[g.at++]);
                if (!alive(&st)) return false;
            }
        }
        if (!ken_segments_next(&g)) break;
        if (g.invalid) return false;
        if (g.last && !whole) return viable_with_tail(&st, &g);
        for (int i = 0; i < g.len; i++) feed_any(&st, g.cp[i]);
        if (!alive(&st)) return false;
    }
    if (!whole) return alive(&st);
    close_word(&st);
    return !g.incomplete && st.at != NONE && t->node[st.at].end;
}

/* ---- m and V, and the three kinds ------------------------------------------------------------------------------------ */

static bool run(const ken_accept *head, const char *s, size_t n, bool whole)
{
    const automaton *a = (const automaton *)head;
    return run_trie(&a->words, false, s, n, whole) || run_trie(&a->articles, true, s, n, whole) ||
           run_raw(a, s, n, whole);
}

static bool matches(const ken_accept *a, const char *y, size_t n) { return run(a, y, n, true); }
static bool viable(const ken_accept *a, const char *x, size_t n) { return run(a, x, n, false); }

static bool within_all(const ken_matcher *a, const ken_matcher *b) { return (void)a, (void)b, true; }
/* equal words: contained, and an F1 of 1 */
static bool within_words(const ken_matcher *a, const ken_matcher *b) { return (void)a, b->kind->by_words; }

#define EM .size = sizeof(automaton), .add = add_gold, .clear = clear, .matches = matches, .viable = viable
const ken_matcher_kind ken_em_raw_kind = {"em-raw", "1", "em-raw", EM, .within = within_all};
const ken_matcher_kind ken_em_squad_kind = {"em-squad", "1", "em-squad", EM, .by_words = true, .within = within_words};
const ken_matcher_kind ken_em_alias_kind = {"em-alias", "1", "em-alias", EM, .by_words = true, .uses_aliases = true};

const ken_matcher ken_em_raw = {.kind = &ken_em_raw_kind, .name = "em-raw/1"};
const ken_matcher ken_em_squad = {.kind = &ken_em_squad_kind, .name = "em-squad/1"};
const ken_matcher ken_em_alias = {.kind = &ken_em_alias_kind, .name = "em-alias/1"};
