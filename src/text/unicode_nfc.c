/* unicode_nfc.c - normalization form C for the tokenizers that ask for it (Qwen2), on any bytes.
 *
 * utf8proc knows the decompositions and the compositions. Its own ordering of combining marks is an insertion sort, a quarter of
 * an hour for a hostile megabyte of marks, so ordering is done here with a stable merge sort of each run of marks. */
#include "base/alloc.h"
#include "text/unicode.h"
#include <string.h>
#include <utf8proc.h>

static const utf8proc_option_t OPTIONS = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

static int combining(int32_t cp) { return cp < 0x300 ? 0 : utf8proc_get_property(cp)->combining_class; }

/* Stable sort of marks by combining class; tmp has room for n. */
static void sort_marks(int32_t *cp, size_t n, int32_t *tmp)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            for (size_t i = lo, j = mid, k = lo; k < hi; k++)
                tmp[k] = i < mid && (j >= hi || combining(cp[i]) <= combining(cp[j])) ? cp[i++] : cp[j++];
        }
        memcpy(cp, tmp, n * sizeof *cp);
    }
}

/* Canonical ordering (Unicode 15, 3.11, D109) of n decomposed code points. */
static void order(int32_t *cp, size_t n, int32_t *tmp)
{
    for (size_t i = 0, end; i < n; i = end + 1) {
        for (end = i; end < n && combining(cp[end]) > 0; end++) {
        }
        if (end - i > 1) sort_marks(cp + i, end - i, tmp);
    }
}

bool ken_utf8_is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0xCC) return false; /* U+0300 is CC 80 */
    return true;
}

char *ken_utf8_nfc(const char *s, size_t n, size_t *out_n)
{
    /* Observed over all code points of Unicode 15: at most 4 from one, 1.5 a byte; composed again at most 3 bytes a byte. */
    size_t room = 2 * n + 8, len = 0;
    int32_t *cp = ken_alloc(room, sizeof *cp), *tmp = ken_alloc(room, sizeof *tmp);
    char *out = ken_alloc(3 * n + 4, 1);
    if (!cp || !tmp || !out) {
        ken_free(cp), ken_free(tmp), ken_free(out);
        return NULL;
    }
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        int got, bound = UTF8PROC_BOUNDCLASS_START;
        int32_t c;
        while ((got = ken_utf8_decode(s + i, n - i, &c)) > 0) { /* a valid stretch, decomposed */
            utf8proc_ssize_t m = utf8proc_decompose_char(c, cp + k, (utf8proc_ssize_t)(room - k), OPTIONS, &bound);
            if (m < 0 || (size_t)m > room - k) m = 1, cp[k] = c; /* cannot be: c is valid and there is room */
            k += (size_t)m, i += (size_t)got;
        }
        order(cp, k, tmp);
        utf8proc_ssize_t m = utf8proc_normalize_utf32(cp, (utf8proc_ssize_t)k, OPTIONS);
        for (utf8proc_ssize_t j = 0; j < m; j++) len += (size_t)ken_utf8_encode(cp[j], out + len);
        if (i < n) out[len++] = s[i++];
    }
    ken_free(cp), ken_free(tmp);
    *out_n = len;
    return out;
}
