/* pretok.c - the pre-tokenizers as small machines over four character classes (pretok.h).
 *
 * The originals are regular expressions, tried again at each place, the first alternative that matches winning:
 *
 *   gpt2       's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   smollm     \p{N} one by one first; then gpt2 on what lies between, which sees the numbers as its end
 *   llama-bpe  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *   qwen2      the same with \p{N} for \p{N}{1,3}
 *
 * Written out by hand because the alternatives are distinguished by the classes of the first two characters, and because a
 * regular expression library would bring its own idea of time, of stack and of bytes that are no UTF-8. The one hard thing is
 * white space: \s+(?!\S) leaves the last character of a run to the word after it, and \s*[\r\n]+ reaches to the last line
 * break of the run. L, N and \s come from utf8proc (Unicode 15.0 in Debian 12); the references' Onigmo has Unicode 16, so the 5,004
 * code points that came between are added here (tests/oracles/tok_unicode.py lists what still differs). */
#include "text/pretok.h"
#include "text/unicode.h"
#include <utf8proc.h>

typedef enum class { LETTER, NUMBER, SPACE, SYMBOL, END } class; /* END: past the last byte */

/* Code points assigned in Unicode 15.1 and 16.0, which the references know and utf8proc 2.8 does not. */
static const struct {
    int32_t first, last;
    class c;
} NEWER[] = {
    {0x1C89, 0x1C8A, LETTER},   {0xA7CB, 0xA7CD, LETTER},   {0xA7DA, 0xA7DC, LETTER},   {0x105C0, 0x105F3, LETTER},
    {0x10D40, 0x10D49, NUMBER}, {0x10D4A, 0x10D65, LETTER}, {0x10D6F, 0x10D85, LETTER}, {0x10EC2, 0x10EC4, LETTER},
    {0x11380, 0x11389, LETTER}, {0x1138B, 0x1138B, LETTER}, {0x1138E, 0x1138E, LETTER}, {0x11390, 0x113B5, LETTER},
    {0x113B7, 0x113B7, LETTER}, {0x113D1, 0x113D1, LETTER}, {0x113D3, 0x113D3, LETTER}, {0x116D0, 0x116E3, NUMBER},
    {0x11BC0, 0x11BE0, LETTER}, {0x11BF0, 0x11BF9, NUMBER}, {0x13460, 0x143FA, LETTER}, {0x16100, 0x1611D, LETTER},
    {0x16130, 0x16139, NUMBER}, {0x16D40, 0x16D6C, LETTER}, {0x16D70, 0x16D79, NUMBER}, {0x18CFF, 0x18CFF, LETTER},
    {0x1CCF0, 0x1CCF9, NUMBER}, {0x1E5D0, 0x1E5ED, LETTER}, {0x1E5F0, 0x1E5F0, LETTER}, {0x1E5F1, 0x1E5FA, NUMBER},
    {0x2EBF0, 0x2EE5D, LETTER},
};

static class class_of_unassigned(int32_t cp)
{
    for (size_t i = 0; i < sizeof NEWER / sizeof *NEWER; i++)
        if (cp >= NEWER[i].first && cp <= NEWER[i].last) return NEWER[i].c;
    return SYMBOL;
}

static class class_of(int32_t cp)
{
    if (cp < 0x80) {
        if ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z') return LETTER;
        if (cp >= '0' && cp <= '9') return NUMBER;
        return cp == ' ' || (cp >= 9 && cp <= 13) ? SPACE : SYMBOL;
    }
    if (cp == 0x85) return SPACE; /* the one White_Space above ASCII that is no separator */
    switch (utf8proc_category(cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return SPACE;
    case UTF8PROC_CATEGORY_CN: return class_of_unassigned(cp);
    default: return SYMBOL;
    }
}

/* The class of the character at s[i]; *len its bytes. A byte that is no UTF-8 is one character. */
static class peek(const char *s, size_t n, size_t i, size_t *len)
{
    *len = 0;
    if (i >= n) return END;
    int32_t cp;
    int k = ken_utf8_decode(s + i, n - i, &cp);
    *len = k > 0 ? (size_t)k : 1;
    return class_of(cp);
}

/* The end of the run of class c that continues at s[i], at most `max` characters. */
static size_t run(const char *s, size_t n, size_t i, class c, size_t max)
{
    size_t len;
    for (; max && peek(s, n, i, &len) == c; max--) i += len;
    return i;
}

/* Length of the contraction at s ('s 't 're 've 'm 'll 'd), 0 when there is none. Folding case as the references' regular
 * expressions do, 's is also spelled with U+017F, the long s. */
static size_t contraction(const char *s, size_t n, bool fold)
{
    if (n < 2 || s[0] != '\'') return 0;
    char a = s[1], b = n > 2 ? s[2] : '\0';
    if (fold) {
        if (n > 2 && a == '\xC5' && b == '\xBF') return 3;
        if (a >= 'A' && a <= 'Z') a = (char)(a | 0x20);
        if (b >= 'A' && b <= 'Z') b = (char)(b | 0x20);
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    return ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/* \s+(?!\S)|\s+ on the white space at s: all of it at the end of the text, else all but the last character, which is left to
 * what follows, unless it is the only one. `numbers_end`: a number counts as the end of the text. */
static size_t white_space(const char *s, size_t n, bool numbers_end)
{
    size_t i = 0, last = 0, len;
    class c;
    while ((c = peek(s, n, i, &len)) == SPACE) last = i, i += len;
    if (c == END || (c == NUMBER && numbers_end)) return i;
    return last ? last : i;
}

static size_t next_gpt2(const char *s, size_t n, bool single_numbers)
{
    size_t len, len2, k = contraction(s, n, false);
    if (k) return k;
    class c = peek(s, n, 0, &len);
    if (c == NUMBER && single_numbers) return len;
    if (c != SPACE) return run(s, n, len, c, n);
    class c2 = peek(s, n, len, &len2);
    if (s[0] == ' ' && c2 != SPACE && c2 != END && !(c2 == NUMBER && single_numbers))
        return run(s, n, len + len2, c2, n);
    return white_space(s, n, single_numbers);
}

static size_t next_llama3(const char *s, size_t n, size_t max_digits)
{
    size_t len, len2, k = contraction(s, n, true);
    if (k) return k;
    class c = peek(s, n, 0, &len);
    if (c == LETTER) return run(s, n, len, LETTER, n);
    if (c == NUMBER) return run(s, n, 0, NUMBER, max_digits);
    class c2 = peek(s, n, len, &len2);
    if (c2 == LETTER && s[0] != '\r' && s[0] != '\n') return run(s, n, len + len2, LETTER, n);
    if (c == SYMBOL || (s[0] == ' ' && c2 == SYMBOL)) {
        size_t i = run(s, n, len, SYMBOL, n);
        while (i < n && (s[i] == '\r' || s[i] == '\n')) i++;
        return i;
    }
    size_t after_break = 0; /* \s*[\r\n]+ takes the run of white space up to its last line break */
    for (size_t i = 0; peek(s, n, i, &len) == SPACE; i += len)
        if (s[i] == '\r' || s[i] == '\n') after_break = i + 1;
    return after_break ? after_break : white_space(s, n, false);
}

size_t ken_pretok_next(ken_pretok pre, const char *s, size_t n)
{
    switch (pre) {
    case KEN_PRE_UNNAMED:
    case KEN_PRE_GPT2: return next_gpt2(s, n, false);
    case KEN_PRE_SMOLLM: return next_gpt2(s, n, true);
    case KEN_PRE_LLAMA3: return next_llama3(s, n, 3);
    case KEN_PRE_QWEN2: return next_llama3(s, n, 1);
    case KEN_PRE_NONE: break;
    }
    return n;
}

const char *ken_pretok_name(ken_pretok pre)
{
    switch (pre) {
    case KEN_PRE_UNNAMED: return "gpt2, not named by the file";
    case KEN_PRE_GPT2: return "gpt2";
    case KEN_PRE_LLAMA3: return "llama-bpe";
    case KEN_PRE_QWEN2: return "qwen2";
    case KEN_PRE_SMOLLM: return "smollm";
    case KEN_PRE_NONE: break;
    }
    return "none";
}
