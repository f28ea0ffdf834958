/* csv_quotes.c - see csv_quotes.h. */
#include "data/csv_quotes.h"
#include <string.h>

const char *ken_line_end(const char *p, const char *stop, const char **next)
{
    while (p < stop && *p != '\n' && *p != '\r') p++;
    *next = p + (p < stop) + (stop - p > 1 && p[0] == '\r' && p[1] == '\n');
    return p;
}

typedef enum cell_kind {
    CELL_PLAIN,   /* does not begin with a quote */
    CELL_QUOTED,  /* enclosed */
    CELL_DOUBLED, /* enclosed, with doubled quotes inside: nobody writes these by accident */
    CELL_LONE     /* begins with a quote that encloses nothing, or not all of it */
} cell_kind;

static cell_kind kind_of(const char *s, const char *end)
{
    bool doubled = false;
    if (s == end || *s != '"') return CELL_PLAIN;
    for (s++; s < end; s++) {
        if (*s != '"') continue;
        if (s + 1 == end) return doubled ? CELL_DOUBLED : CELL_QUOTED;
        if (*++s != '"') return CELL_LONE;
        doubled = true;
    }
    return CELL_LONE;
}

bool ken_tsv_quotes_are_text(const char *text, size_t n)
{
    const char *stop = text + n;
    size_t of[CELL_LONE + 1] = {0}, width = 0;
    if (memchr(text, '"', n) == NULL) return false;
    for (const char *p = text, *next; p < stop; p = next) {
        const char *end = ken_line_end(p, stop, &next);
        size_t fields = 1;
        if (p == end) continue;
        for (const char *tab; (tab = memchr(p, '\t', (size_t)(end - p))) != NULL; p = tab + 1, fields++)
            of[kind_of(p, tab)]++;
        of[kind_of(p, end)]++;
        if (width == 0) width = fields;
        if (fields != width) return false;
    }
    return of[CELL_LONE] > 0 && of[CELL_DOUBLED] == 0 && of[CELL_QUOTED] <= of[CELL_LONE];
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A quote written twice inside of a field: whoever wrote this knows how to quote. */
static bool quotes_within(const char *from, const char *to, char delimiter)
{
    for (const char *q = from + 1; q + 2 < to; q++)
        if (q[0] == '"' && q[1] == '"' && q[-1] != delimiter) return true;
    return false;
}

bool ken_csv_is_glued(const char *from, const char *to, char delimiter, size_t n_fields)
{
    size_t lines = 0;
    if (delimiter != '\t' && quotes_within(from, to, delimiter)) return false;
    for (const char *p = from, *next; p < to; p = next, lines++) {
        const char *end = ken_line_end(p, to, &next);
        size_t fields = 1;
        for (const char *q = p; (q = memchr(q, delimiter, (size_t)(end - q))) != NULL; q++, fields++) {
            if (delimiter == '\t' || q + 1 == end) continue;
            if (q[1] == ' ' || (q > p && is_digit(q[-1]) && is_digit(q[1]))) return false;
        }
        if (fields != n_fields) return false;
    }
    return lines > 1 && n_fields > 1;
}
