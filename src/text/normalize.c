/* normalize.c - NFKC in segments, lower-casing, white space, and N itself
 * (docs/method/knowledge.md#normalisation); see normalize.h, accept.h.
 *
 * Unicode's tables come from utf8proc; what is ours is the order of things: decompose one code point, collect to the end of
 * the segment, sort the marks, compose. Does not know golds or matchers. */
#include "text/normalize.h"
#include "base/buf.h"
#include "text/accept.h"
#include "text/unicode.h"
#include <string.h>
#include <utf8proc.h>

/* Rows of 16. D = punctuation, deleted: the 32 of string.punctuation. U+001C..U+001F are no White_Space in Unicode (Python's
 * split takes them for it), so they stay. */
#define D KEN_DELETED
const unsigned char ken_ascii_fold[128] = {
    0,   1,   2,   3,   4,   5,   6,   7,   8,   ' ', ' ', ' ', ' ', ' ', 14,  15,  /* */
    16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  /* */
    ' ', D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   D,   /*  !"#$%&'()*+,-./ */
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', D,   D,   D,   D,   D,   D,   /* 0-9 :;<=>? */
    D,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', /* @A-O */
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', D,   D,   D,   D,   D,   /* P-Z [\]^_ */
    D,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', /* `a-o */
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', D,   D,   D,   D,   127, /* p-z {|}~ DEL */
};
#undef D

bool ken_is_space(int32_t cp)
{
    if (cp < 0x80) return cp >= 0 && ken_ascii_fold[cp] == ' ';
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

/* ---- single code points ---------------------------------------------------------------------------------------------- */

bool ken_begins_segment(int32_t cp)
{
    if (cp < 0x300) return true;
    if (cp >= 0x1160 && cp <= 0x11FF)
        return false; /* Hangul vowels and finals, which compose although they are letters */
    if (cp >= 0x16D40 && cp <= 0x16D7F) return false; /* Kirat Rai vowel signs (Unicode 16): the same */
    utf8proc_category_t c = utf8proc_category(cp);
    return c != UTF8PROC_CATEGORY_MN && c != UTF8PROC_CATEGORY_MC && c != UTF8PROC_CATEGORY_ME;
}

int ken_lower(int32_t cp, int32_t out[2])
{
    if (cp == 0x130) { /* SpecialCasing.txt: the one unconditional lower-case mapping to two code points */
        out[0] = 'i', out[1] = 0x307;
        return 2;
    }
    out[0] = utf8proc_tolower(cp);
    return 1;
}

/* Full decomposition of cp into out (KEN_DECOMPOSED_MAX), compatibility or canonical; how many. */
static int decompose(int32_t cp, bool compat, int32_t *out)
{
    int boundclass = 0;
    utf8proc_option_t options =
        (utf8proc_option_t)(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | (compat ? UTF8PROC_COMPAT : 0));
    utf8proc_ssize_t k = utf8proc_decompose_char(cp, out, KEN_DECOMPOSED_MAX, options, &boundclass);
    if (k > 0 && k <= KEN_DECOMPOSED_MAX) return (int)k;
    out[0] = cp; /* not reached with Unicode's stability policy; the character itself is always an answer */
    return 1;
}

int32_t ken_lower_base(int32_t cp)
{
    int32_t low[2], parts[KEN_DECOMPOSED_MAX];
    if (cp >= 0 && cp < 0x80) return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    ken_lower(cp, low);
    decompose(low[0], false, parts);
    return parts[0];
}

/* ---- segments -------------------------------------------------------------------------------------------------------- */

void ken_segments_start(ken_segments *g, const char *text, size_t n)
{
    g->text = text; /* field by field: clearing the buffers would cost more than reading a short text */
    g->n = n;
    g->at = 0;
    g->len = g->n_ahead = g->i_ahead = 0;
    g->last = g->invalid = g->incomplete = false;
}

/* Reads one code point into `ahead`. False at the end of the text. */
static bool refill(ken_segments *g)
{
    if (g->at >= g->n || g->incomplete) return false;
    int32_t cp;
    int len = ken_utf8_decode(g->text + g->at, g->n - g->at, &cp);
    if (len == KEN_UTF8_INCOMPLETE) {
        g->incomplete = true;
        return false;
    }
    if (len == KEN_UTF8_INVALID) {
        g->invalid = true;
        len = ken_utf8_bad(g->text + g->at, g->n - g->at);
        cp = KEN_REPLACEMENT;
    }
    g->at += (size_t)len;
    g->i_ahead = 0;
    if (cp < 0xA0) g->ahead[0] = cp, g->n_ahead = 1;
    else g->n_ahead = decompose(cp, true, g->ahead);
    return true;
}

/* Canonical ordering (Unicode 3.11): marks after a starter sorted by combining class, stable; then composition. */
static void compose(ken_segments *g)
{
    for (int i = 1; i < g->len; i++) {
        int32_t c = g->cp[i];
        int k = utf8proc_get_property(c)->combining_class, j = i;
        if (k == 0) continue;
        while (j > 0 && utf8proc_get_property(g->cp[j - 1])->combining_class > k) g->cp[j] = g->cp[j - 1], j--;
        g->cp[j] = c;
    }
    utf8proc_ssize_t n =
        utf8proc_normalize_utf32(g->cp, g->len, (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    if (n > 0) g->len = (int)n;
}

bool ken_segments_next(ken_segments *g)
{
    g->len = 0;
    for (;;) {
        if (g->i_ahead == g->n_ahead && !refill(g)) {
            g->last = true;
            break;
        }
        int32_t c = g->ahead[g->i_ahead];
        if (g->len == KEN_SEGMENT_MAX || (g->len > 0 && ken_begins_segment(c))) break;
        g->cp[g->len++] = c;
        g->i_ahead++;
    }
    if (g->len > 1) compose(g);
    return g->len > 0;
}

/* ---- N --------------------------------------------------------------------------------------------------------------- */

static bool is_article(const char *w, size_t n)
{
    return (n == 1 && w[0] == 'a') || (n == 2 && memcmp(w, "an", 2) == 0) || (n == 3 && memcmp(w, "the", 3) == 0);
}

/* Ends the word that began at byte `word` of b: an article goes, and so does the space before it. */
static void end_word(ken_buf *b, size_t word, bool keep_articles)
{
    if (b->failed || keep_articles || !is_article(b->data + word, b->len - word)) return;
    b->len = word > 0 ? word - 1 : 0;
    b->data[b->len] = '\0';
}

static void put_cp(ken_buf *b, int32_t cp)
{
    char bytes[4];
    if (cp == 0) cp = KEN_REPLACEMENT; /* the result is a C string, and no gold holds a NUL */
    ken_buf_add(b, bytes, (size_t)ken_utf8_encode(cp, bytes));
}

char *ken_normalize_words(const char *s, size_t n, bool keep_articles, bool *valid)
{
    ken_buf b = {0};
    ken_segments g;
    size_t word = 0;
    bool open = false, tail = false; /* inside a word; the U+FFFD of a cut-off end was put */
    ken_segments_start(&g, s, n);
    for (;;) {
        if (!ken_segments_next(&g)) {
            if (!g.incomplete || tail) break;
            g.cp[0] = KEN_REPLACEMENT, g.len = 1, tail = true;
        }
        for (int i = 0; i < g.len; i++) {
            int32_t low[2];
            int k = ken_lower(g.cp[i], low);
            if (ken_is_space(low[0])) {
                if (open) end_word(&b, word, keep_articles);
                open = false;
                continue;
            }
            if (low[0] < 0x80 && ken_ascii_fold[low[0]] == KEN_DELETED) continue;
            if (!open) {
                if (b.len > 0) ken_buf_putc(&b, ' ');
                word = b.len;
                open = true;
            }
            for (int j = 0; j < k; j++) put_cp(&b, low[j]);
        }
    }
    if (open) end_word(&b, word, keep_articles);
    if (valid != NULL) *valid = !g.invalid && !g.incomplete;
    return ken_buf_take(&b);
}

char *ken_normalize(const char *s, size_t n) { return ken_normalize_words(s, n, false, NULL); }

size_t ken_trim(const char **s, size_t n)
{
    const char *p = *s;
    size_t end = 0, at = 0, begin = n;
    while (at <
           n) { /* forwards in one pass: white space cannot be told from the end of a character when read backwards */
        int32_t cp;
        int len = ken_utf8_decode(p + at, n - at, &cp);
        if (len <= 0) cp = KEN_REPLACEMENT, len = ken_utf8_bad(p + at, n - at);
        if (!ken_is_space(cp)) {
            if (begin == n) begin = at;
            end = at + (size_t)len;
        }
        at += (size_t)len;
    }
    if (begin == n) end = n; /* nothing but white space: an empty rest at the end */
    *s = p + begin;
    return end - begin;
}
