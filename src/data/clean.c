/* clean.c - see clean.h. */
#include "data/clean.h"
#include "text/normalize.h"
#include "text/unicode.h"
#include <string.h>

/* Without width and without meaning in a word. The joiners U+200C and U+200D are letters' business (Persian, emoji) and not among them. */
static bool is_invisible(int32_t cp)
{
    return cp == 0xAD || cp == 0x61C || cp == 0x180E || cp == 0x200B || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x2064) || (cp >= 0x2066 && cp <= 0x2069) ||
           cp == 0xFEFF;
}

static bool is_padding(int32_t cp) { return ken_is_space(cp) || cp == 0x200C || cp == 0x200D || is_invisible(cp); }

size_t ken_trim_invisible(const char **s, size_t n)
{
    size_t from = 0, to = 0;
    bool seen = false;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        int len = ken_utf8_decode(*s + i, n - i, &cp);
        bool padding = len > 0 && is_padding(cp);
        if (len <= 0) len = 1;
        if (!padding && !seen) from = i;
        seen |= !padding;
        i += (size_t)len;
        if (!padding) to = i;
    }
    *s += from;
    return to - from;
}

bool ken_clean_text(ken_arena *a, const char **s, bool *changed)
{
    const char *in = *s;
    size_t all = strlen(in), n = ken_trim_invisible(&in, all), left = 0;
    bool inside = false;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        int len = ken_utf8_decode(in + i, n - i, &cp);
        bool drop = len > 0 && is_invisible(cp);
        if (len <= 0) len = 1;
        i += (size_t)len;
        inside |= drop;
        left += drop ? 0 : (size_t)len;
    }
    if (left == 0 || (n == all && !inside)) return true;
    char *out = ken_arena_strndup(a, in, n);
    if (out == NULL) return false;
    size_t w = 0;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        int len = ken_utf8_decode(in + i, n - i, &cp);
        bool drop = len > 0 && is_invisible(cp);
        if (len <= 0) len = 1;
        if (!drop) memmove(out + w, in + i, (size_t)len);
        w += drop ? 0 : (size_t)len;
        i += (size_t)len;
    }
    out[w] = '\0';
    *s = out;
    *changed = true;
    return true;
}

bool ken_clean_list(ken_arena *a, const char *const **list, int n, bool *changed)
{
    const char **copy = NULL;
    for (int i = 0; i < n; i++) {
        const char *s = (*list)[i];
        bool other = false;
        if (!ken_clean_text(a, &s, &other)) return false;
        if (!other) continue;
        if (copy == NULL) {
            copy = ken_arena_calloc(a, (size_t)n, sizeof *copy);
            if (copy == NULL) return false;
            memcpy(copy, *list, (size_t)n * sizeof *copy);
        }
        copy[i] = s;
    }
    if (copy == NULL) return true;
    *list = copy;
    *changed = true;
    return true;
}
