/* figure_text.c - how wide words are before anybody has drawn them, and words cut to the room there is; see figure_draw.h. */
#include "report/figure_draw.h"
#include "report/html.h"
#include "text/unicode.h"
#include <string.h>

/* Of ' ' to '~' in Arial and all fonts that have its widths, in thousandths of the size. */
static const unsigned short ascii[95] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};

/* Elsewhere by rule: a mark on a letter takes no room, a Chinese character or a picture takes its size. */
static double width_of(int32_t cp)
{
    enum { SIZE = 12 };
    static const double WIDER = 1.12; /* DejaVu Sans, which stands in where there is no Arial */
    double em = cp >= ' ' && cp <= '~'         ? ascii[cp - ' '] / 1000.0
                : cp >= 0x300 && cp <= 0x36F   ? 0.0
                : cp == 0x2212 || cp == 0x2013 ? 0.584
                : cp >= 0x1F000                ? 1.3
                : cp >= 0x1100                 ? 1.0
                                               : 0.7;
    return SIZE * WIDER * em;
}

double ken_text_width(const char *s, size_t n)
{
    double width = 0.0;
    while (n > 0) {
        int32_t cp;
        int len = ken_utf8_decode(s, n, &cp);
        if (len <= 0) len = ken_utf8_bad(s, n);
        width += width_of(cp);
        s += len;
        n -= (size_t)len;
    }
    return width;
}

void ken_text_fit(ken_buf *b, const char *s, double room)
{
    enum { LONGEST = 200 };
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t from = b->len, fits = from;
    ken_html_clean(b, s, strlen(s), LONGEST);
    double end = width_of(0x2026), width = 0.0;
    bool letters = false;
    for (size_t at = from; at < b->len;) {
        int32_t cp;
        int len = ken_utf8_decode(b->data + at, b->len - at, &cp);
        if (len <= 0) len = 1;
        if (cp < 0x20) b->data[at] = ' ';
        letters |= cp > ' ';
        width += width_of(cp < 0x20 ? ' ' : cp);
        at += (size_t)len;
        if (width + end <= room) fits = at;
        if (width > room) {
            b->len = fits;
            ken_buf_puts(b, ellipsis);
            return;
        }
    }
    if (!letters) {
        b->len = from;
        ken_buf_puts(b, "(none)");
    }
}
