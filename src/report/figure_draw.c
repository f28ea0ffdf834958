/* figure_draw.c - see figure_draw.h. A colour stands in the SVG that is kept as two bytes, a control character and the paint; no text
 * holds one, since control characters do not come through. */
#include "report/figure_draw.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLOUR = 1, FIRST_PAINT = '0' };

/* ---- paints ---------------------------------------------------------------------------------------------------------- */

/* The page's colours in its light scheme (page.css). */
static const char *const colours[KEN_N_PAINTS] = {
    "#1b2430", "#586473", "#e2e3e0", "#ffffff", "#14507c", "#58a9cc", "#f0bd4a", "#b84e30", "#b4bac1", "#ffffff",
    "#e7edf2", "#d0dce5", "#b9cad8", "#a1b9cb", "#89a8be", "#7296b0", "#5b85a3", "#437396", "#2c628a", "#14507c"};

ken_paint ken_paint_of(int category)
{
    int c = category >= 0 && category < KEN_N_CATEGORIES ? category : KEN_UNLABELLED;
    return (ken_paint)(KEN_PAINT_CATEGORY + c);
}

ken_paint ken_paint_shade(int step)
{
    return (ken_paint)(KEN_PAINT_SHADE + (step < 0 ? 0 : step < KEN_SHADES ? step : KEN_SHADES - 1));
}

const char *ken_paint_colour(ken_paint paint) { return colours[paint]; }

static void put_paint(ken_out *o, int paint, bool page)
{
    static const char *const names[] = {"ink", "muted", "line", "card"};
    if (!page) ken_out_puts(o, colours[paint]);
    else if (paint < KEN_PAINT_CATEGORY) ken_out_printf(o, "var(--%s)", names[paint]);
    else if (paint < KEN_PAINT_SHADE) ken_out_printf(o, "var(--c%d)", paint - KEN_PAINT_CATEGORY);
    else
        ken_out_printf(o, "color-mix(in srgb,var(--c0) %d%%,var(--card))",
                       100 * (paint - KEN_PAINT_SHADE) / (KEN_SHADES - 1));
}

static void put_painted(ken_out *o, const ken_buf *b, bool page)
{
    const char *at = ken_buf_str(b), *end = at + b->len;
    for (const char *p; (p = memchr(at, COLOUR, (size_t)(end - at))) != NULL; at = p + 2) {
        ken_out_add(o, at, (size_t)(p - at));
        put_paint(o, p[1] - FIRST_PAINT, page);
    }
    ken_out_add(o, at, (size_t)(end - at));
}

void ken_drawing_put(ken_out *o, const ken_drawing *d, bool page)
{
    put_painted(o, &d->shapes, page);
    if (d->look[0] != '\0') ken_out_puts(o, "\"/>");
    ken_out_puts(o, "<g fill=\"");
    put_paint(o, KEN_PAINT_MUTED, page);
    ken_out_puts(o, "\">");
    put_painted(o, &d->texts, page);
    ken_out_puts(o, "</g>");
}

bool ken_drawing_failed(const ken_drawing *d) { return d->shapes.failed || d->texts.failed; }

void ken_drawing_free(ken_drawing *d)
{
    ken_buf_free(&d->shapes);
    ken_buf_free(&d->texts);
}

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

/* From the last digit on; what it gives lies in buf. */
static char *fixed(char buf[32], double x, int decimals)
{
    double scale = 1.0;
    for (int i = 0; i < decimals; i++) scale *= 10.0;
    long n = lround(fmin(fmax(x * scale, -1e15), 1e15));
    unsigned long rest = n < 0 ? 0UL - (unsigned long)n : (unsigned long)n;
    char *p = buf + 31;
    *p = '\0';
    for (int i = 0; i < decimals || i == 0 || rest > 0 || *p == '.'; i++) {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
        if (i + 1 == decimals) *--p = '.';
    }
    if (n < 0) *--p = '-';
    return p;
}

const char *ken_fixed(char buf[32], double x, int decimals) { return fixed(buf, x, decimals); }

const char *ken_shortest(char buf[32], double x, int decimals)
{
    char *p = fixed(buf, x, decimals);
    size_t n = strlen(p);
    while (decimals > 0 && n > 1 && p[n - 1] == '0') n--;
    if (p[n - 1] == '.') n--;
    p[n] = '\0';
    return p;
}

static void put_number(ken_buf *b, char before, double x)
{
    char buf[32];
    if (before != '\0') ken_buf_putc(b, before);
    ken_buf_puts(b, ken_shortest(buf, x, 1));
}

static void put_spot(ken_buf *b, char before, double x, double y)
{
    put_number(b, before, x);
    put_number(b, ' ', y);
}

/* ---- shapes ---------------------------------------------------------------------------------------------------------- */

/* Adds to the open path when its style is the same. */
static void look_like(ken_drawing *d, const char *look)
{
    if (strcmp(d->look, look) == 0) return;
    if (d->look[0] != '\0') ken_buf_puts(&d->shapes, "\"/>");
    snprintf(d->look, sizeof d->look, "%s", look);
    ken_buf_printf(&d->shapes, "<path %s d=\"", look);
}

static void stroke(ken_drawing *d, ken_pen pen)
{
    char look[120], width[32];
    snprintf(look, sizeof look, "stroke=\"%c%c\" stroke-width=\"%s\"%s%s%s", COLOUR, FIRST_PAINT + (int)pen.paint,
             ken_shortest(width, pen.width, 1), pen.dash != NULL ? " stroke-dasharray=\"" : "",
             pen.dash != NULL ? pen.dash : "", pen.dash != NULL ? "\"" : "");
    look_like(d, look);
}

static void fill(ken_drawing *d, ken_paint paint, double opacity)
{
    char look[120], number[32];
    if (opacity < 1.0)
        snprintf(look, sizeof look, "fill=\"%c%c\" fill-opacity=\"%s\"", COLOUR, FIRST_PAINT + (int)paint,
                 ken_shortest(number, opacity, 2));
    else snprintf(look, sizeof look, "fill=\"%c%c\"", COLOUR, FIRST_PAINT + (int)paint);
    look_like(d, look);
}

static bool finite4(double a, double b, double c, double e)
{
    return isfinite(a) && isfinite(b) && isfinite(c) && isfinite(e);
}

void ken_draw_line(ken_drawing *d, ken_pen pen, double x1, double y1, double x2, double y2)
{
    if (!finite4(x1, y1, x2, y2)) return;
    stroke(d, pen);
    put_spot(&d->shapes, 'M', x1, y1);
    put_spot(&d->shapes, 'L', x2, y2);
}

void ken_draw_curve(ken_drawing *d, ken_pen pen, const ken_spot *p, size_t n)
{
    bool on = false; /* a gap parts the curve; a spot alone between two of them is none */
    stroke(d, pen);
    for (size_t i = 0; i < n; i++) {
        bool there = isfinite(p[i].x) && isfinite(p[i].y);
        if (there && !on) put_spot(&d->shapes, 'M', p[i].x, p[i].y);
        else if (there) put_spot(&d->shapes, 'L', p[i].x, p[i].y);
        on = there;
    }
}

void ken_draw_area(ken_drawing *d, ken_paint paint, double opacity, const ken_spot *p, size_t n)
{
    bool on = false;
    fill(d, paint, opacity);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(p[i].x) || !isfinite(p[i].y)) continue;
        put_spot(&d->shapes, on ? 'L' : 'M', p[i].x, p[i].y);
        on = true;
    }
    if (on) ken_buf_putc(&d->shapes, 'z');
}

void ken_draw_box(ken_drawing *d, ken_paint paint, double opacity, double x1, double y1, double x2, double y2)
{
    if (!finite4(x1, y1, x2, y2)) return;
    fill(d, paint, opacity);
    put_spot(&d->shapes, 'M', fmin(x1, x2),
             fmin(y1, y2)); /* all turn the same way: where two meet they do not cancel */
    put_number(&d->shapes, 'H', fmax(x1, x2));
    put_number(&d->shapes, 'V', fmax(y1, y2));
    put_number(&d->shapes, 'H', fmin(x1, x2));
    ken_buf_putc(&d->shapes, 'z');
}

/* The third-degree step 3t^2 - 2t^3 is a Bezier curve with its handles at a third and two thirds. */
static void put_step(ken_buf *b, double x1, double y1, double x2, double y2)
{
    put_spot(b, 'C', x1 + (x2 - x1) / 3.0, y1);
    put_spot(b, ' ', x2 - (x2 - x1) / 3.0, y2);
    put_spot(b, ' ', x2, y2);
}

void ken_draw_band(ken_drawing *d, ken_paint paint, double opacity, double x1, double y1, double x2, double y2,
                   double size)
{
    if (!finite4(x1, y1, x2, y2) || !isfinite(size)) return;
    fill(d, paint, opacity);
    put_spot(&d->shapes, 'M', x1, y1);
    put_step(&d->shapes, x1, y1, x2, y2);
    put_number(&d->shapes, 'V', y2 + size);
    put_step(&d->shapes, x2, y2 + size, x1, y1 + size);
    ken_buf_putc(&d->shapes, 'z');
}

/* A line of no length with round ends: all dots of one look are one path. */
void ken_draw_dot(ken_drawing *d, ken_paint paint, double diameter, double x, double y)
{
    char look[120], width[32];
    if (!isfinite(x) || !isfinite(y)) return;
    snprintf(look, sizeof look, "stroke=\"%c%c\" stroke-width=\"%s\" stroke-linecap=\"round\"", COLOUR,
             FIRST_PAINT + (int)paint, ken_shortest(width, diameter, 1));
    look_like(d, look);
    put_spot(&d->shapes, 'M', x, y);
    ken_buf_puts(&d->shapes, "h0");
}

void ken_draw_intervals(ken_drawing *d, const ken_interval *list, size_t n)
{
    static const struct {
        ken_paint paint;
        double width, diameter;
    } coats[] = {{KEN_PAINT_CARD, 3.6, 6.8}, {KEN_PAINT_INK, 1.5, 4.5}};
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++)
            ken_draw_line(d, (ken_pen){coats[k].paint, coats[k].width, NULL}, list[i].x1, list[i].y1, list[i].x2,
                          list[i].y2);
        for (size_t i = 0; i < n; i++) ken_draw_dot(d, coats[k].paint, coats[k].diameter, list[i].x, list[i].y);
    }
}

/* ---- text ------------------------------------------------------------------------------------------------------------ */

static void put_escaped(ken_buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        const char *as = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '"' ? "&quot;" : NULL;
        if (as != NULL) ken_buf_puts(b, as);
        else ken_buf_putc(b, *s);
    }
}

void ken_draw_words(ken_drawing *d, double x, double y, ken_anchor anchor, double room, const char *s)
{
    static const double EDGE = 1.0, HALF_A_CAPITAL = 4.3, before[] = {0.0, 0.5, 1.0};
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    if (!isfinite(x) || !isfinite(y)) return;
    ken_buf words = {0};
    ken_text_fit(&words, s, room);
    double width = ken_text_width(ken_buf_str(&words), words.len), left = before[anchor] * width;
    x = fmax(EDGE + left, fmin(x, KEN_FIGURE_WIDTH - EDGE - width + left));
    ken_buf_puts(&d->texts, "<text x=\"");
    put_number(&d->texts, '\0', x);
    ken_buf_puts(&d->texts, "\" y=\"");
    put_number(&d->texts, '\0', y + HALF_A_CAPITAL);
    ken_buf_printf(&d->texts, "\"%s>", anchors[anchor]);
    put_escaped(&d->texts, ken_buf_str(&words));
    ken_buf_puts(&d->texts, "</text>");
    if (words.failed) d->texts.failed = true;
    ken_buf_free(&words);
}

void ken_draw_text(ken_drawing *d, double x, double y, ken_anchor anchor, const char *s)
{
    ken_draw_words(d, x, y, anchor, KEN_FIGURE_WIDTH - 4.0, s);
}
