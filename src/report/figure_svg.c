/* figure_svg.c - gnuplot's SVG, read and written again: the same picture in a fifth of the bytes, with nothing in it but paths,
 * circles and texts.
 *
 * gnuplot wraps each stroke into groups, repeats fonts on every text, draws points by references into a list of symbols and prints two
 * decimals. Here the groups are gone, neighbours of one look are one path, coordinates have one decimal, points are circles, and
 * colours are the page's variables. What is not known to be harmless is refused, not passed on: whatever gnuplot may be, no script, no
 * reference and no style of its own reaches the page. */
#include "base/alloc.h"
#include "report/figure_make.h"
#include "text/unicode.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 24, MOST_ATTRIBUTES = 24, LOOK = 200 };

typedef struct span {
    const char *s;
    size_t n;
} span;

typedef struct tag {
    span name;
    bool closing, empty;
    int n;
    struct {
        span name, value;
    } a[MOST_ATTRIBUTES];
} tag;

typedef struct group {
    double width; /* of strokes */
    char dash[40], anchor[8], fill[40], colour[40], weight[12], size[12];
    double x, y, turn;
} group;

typedef struct rewriter {
    ken_buf *out, texts; /* texts come last, so that lines between them can be one path */
    bool page;
    const char *at, *end;
    group stack[DEEPEST];
    int depth;
    char look[LOOK]; /* attributes of the path that is open; "" = none */
    ken_err *err;
} rewriter;

static int unexpected(rewriter *r, const char *what, span s)
{
    return ken_fail(r->err, KEN_EFAIL, "gnuplot's drawing has %s that was not expected: %.*s", what,
                    (int)(s.n < 60 ? s.n : 60), s.s);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static bool is(span s, const char *what) { return s.n == strlen(what) && memcmp(s.s, what, s.n) == 0; }

static span attribute(const tag *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (is(t->a[i].name, name)) return t->a[i].value;
    return (span){"", 0};
}

static void skip_space(rewriter *r)
{
    while (r->at < r->end && isspace((unsigned char)*r->at)) r->at++;
}

static span read_name(rewriter *r)
{
    span s = {r->at, 0};
    while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr(":-_", *r->at) != NULL) && *r->at != '\0')
        r->at++, s.n++;
    return s;
}

/* From behind the '<'. */
static int read_tag(rewriter *r, tag *t)
{
    span from = {r->at, (size_t)(r->end - r->at)};
    t->n = 0;
    t->empty = false;
    t->closing = r->at < r->end && *r->at == '/';
    if (t->closing) r->at++;
    t->name = read_name(r);
    for (;;) {
        skip_space(r);
        if (r->at == r->end) return unexpected(r, "an element without an end", from);
        if (*r->at == '/' || *r->at == '>') break;
        span name = read_name(r);
        skip_space(r);
        if (name.n == 0 || t->n == MOST_ATTRIBUTES || r->at == r->end || *r->at != '=')
            return unexpected(r, "an attribute", from);
        r->at++;
        skip_space(r);
        if (r->at == r->end || (*r->at != '"' && *r->at != '\'')) return unexpected(r, "an attribute", from);
        const char *close = memchr(r->at + 1, *r->at, (size_t)(r->end - r->at - 1));
        if (close == NULL) return unexpected(r, "an attribute without an end", from);
        t->a[t->n].name = name;
        t->a[t->n++].value = (span){r->at + 1, (size_t)(close - r->at - 1)};
        r->at = close + 1;
    }
    if (*r->at == '/') t->empty = true, r->at++;
    if (r->at == r->end || *r->at != '>') return unexpected(r, "an element without an end", from);
    r->at++;
    return KEN_OK;
}

/* What stands inside an element that is dropped with all its contents. */
static int skip_contents(rewriter *r, span name)
{
    for (;;) {
        const char *p = memchr(r->at, '<', (size_t)(r->end - r->at));
        if (p == NULL) return unexpected(r, "an element without an end", name);
        r->at = p + 1;
        if ((size_t)(r->end - r->at) > name.n + 1 && *r->at == '/' && memcmp(r->at + 1, name.s, name.n) == 0 &&
            r->at[1 + name.n] == '>') {
            r->at += name.n + 2;
            return KEN_OK;
        }
    }
}

static double number_of(span s, double otherwise)
{
    char buf[40];
    if (s.n == 0 || s.n >= sizeof buf) return otherwise;
    memcpy(buf, s.s, s.n);
    buf[s.n] = '\0';
    char *end;
    double x = strtod(buf, &end);
    return end != buf && isfinite(x) ? x : otherwise;
}

/* ---- colours --------------------------------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, span s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    memcpy(to, s.s, n);
    to[n] = '\0';
}

static bool variable_of(char *out, size_t size, const char *hex)
{
    static const char *const named[][2] = {
        {KEN_INK, "--ink"}, {KEN_MUTED, "--muted"}, {KEN_LINE, "--line"}, {KEN_CARD, "--card"}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(hex, named[i][0]) == 0) return snprintf(out, size, "var(%s)", named[i][1]) > 0;
    for (int c = 0; c < KEN_N_CATEGORIES; c++)
        if (strcmp(hex, ken_figure_colour(c)) == 0) return snprintf(out, size, "var(--c%d)", c) > 0;
    for (int i = 1; i < KEN_SHADES; i++)
        if (strcmp(hex, ken_figure_shade(i)) == 0)
            return snprintf(out, size, "color-mix(in srgb,var(--c0) %d%%,var(--card))", 100 * i / (KEN_SHADES - 1)) > 0;
    return false;
}

/* "rgb( 20,  80, 124)" and the few names that gnuplot uses. `current` stands for currentColor. */
static int colour_of(rewriter *r, char out[80], span s, const char *current)
{
    char buf[40], hex[40];
    int red, green, blue;
    copy(buf, sizeof buf, s);
    if (strcmp(buf, "none") == 0) return snprintf(out, 80, "none") > 0 ? KEN_OK : KEN_EFAIL;
    if (buf[0] == '\0' || strcmp(buf, "currentColor") == 0) copy(buf, sizeof buf, (span){current, strlen(current)});
    if (sscanf(buf, "rgb(%d,%d,%d)", &red, &green, &blue) == 3 && ((red | green | blue) & ~255) == 0)
        snprintf(hex, sizeof hex, "#%02x%02x%02x", (unsigned)red, (unsigned)green, (unsigned)blue);
    else if (strcmp(buf, "black") == 0) snprintf(hex, sizeof hex, KEN_INK);
    else if (strcmp(buf, "white") == 0) snprintf(hex, sizeof hex, KEN_CARD);
    else return unexpected(r, "a colour", s);
    if (!r->page || !variable_of(out, 80, hex)) snprintf(out, 80, "%s", hex);
    return KEN_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static void put_number(ken_buf *b, double x)
{
    char buf[40];
    int n = snprintf(buf, sizeof buf, "%.1f", x);
    if (n > 2 && buf[n - 1] == '0') buf[n - 2] = '\0';
    ken_buf_puts(b, strcmp(buf, "-0") == 0 ? "0" : buf);
}

static void end_path(rewriter *r)
{
    if (r->look[0] != '\0') ken_buf_puts(r->out, "\"/>");
    r->look[0] = '\0';
}

/* Goes on with the open path when it looks the same. */
static void begin_path(rewriter *r, const char *look)
{
    if (strcmp(r->look, look) == 0) return;
    end_path(r);
    snprintf(r->look, sizeof r->look, "%s", look);
    ken_buf_printf(r->out, "<path %s d=\"", look);
}

/* Points "x,y x,y" or a path "Mx,y Lx,y ..."; moves that draw nothing are left out. */
static int put_points(rewriter *r, span s, bool closed)
{
    char buf[32];
    const char *p = s.s, *end = s.s + s.n;
    double x, y, from_x = 0, from_y = 0;
    bool moved = closed, first = true;
    while (p < end) {
        if (*p == 'M' || *p == 'L') moved = *p++ == 'M';
        else if (isspace((unsigned char)*p)) p++;
        else if (*p == 'Z' || *p == 'z') closed = true, p++;
        else {
            for (int k = 0; k < 2; k++) {
                size_t n = 0;
                if (k == 1 && (p == end || *p++ != ',')) return unexpected(r, "a path", s);
                while (p < end && n < sizeof buf - 1 && (isdigit((unsigned char)*p) || *p == '.' || *p == '-'))
                    buf[n++] = *p++;
                buf[n] = '\0';
                if (n == 0) return unexpected(r, "a path", s);
                if (k == 0) x = strtod(buf, NULL);
                else y = strtod(buf, NULL);
            }
            if (moved && !closed) {
                from_x = x, from_y = y, first = true;
                moved = false;
                continue;
            }
            if (!closed && first) {
                ken_buf_putc(r->out, 'M');
                put_number(r->out, from_x);
                ken_buf_putc(r->out, ' ');
                put_number(r->out, from_y);
                ken_buf_putc(r->out, 'L');
            } else if (closed && first) ken_buf_putc(r->out, 'M');
            else ken_buf_putc(r->out, ' ');
            first = false;
            put_number(r->out, x);
            ken_buf_putc(r->out, ' ');
            put_number(r->out, y);
        }
    }
    if (closed) ken_buf_putc(r->out, 'z');
    return KEN_OK;
}

static int put_stroke(rewriter *r, const tag *t)
{
    const group *g = &r->stack[r->depth];
    char colour[80], look[LOOK], dash[64] = "";
    int rc = colour_of(r, colour, attribute(t, "stroke"), g->colour);
    if (rc != KEN_OK || strcmp(colour, "none") == 0) return rc;
    if (memchr(attribute(t, "d").s, 'L', attribute(t, "d").n) == NULL) return KEN_OK; /* a tick of no length */
    span d = attribute(t, "stroke-dasharray"), opacity = attribute(t, "stroke-opacity");
    if (d.n > 0 || g->dash[0] != '\0') {
        char own[40];
        copy(own, sizeof own, d);
        const char *from = d.n > 0 ? own : g->dash;
        if (strspn(from, "0123456789., ") != strlen(from)) return unexpected(r, "dashes", d);
        snprintf(dash, sizeof dash, " stroke-dasharray=\"%s\"", from);
    }
    int n = snprintf(look, sizeof look, "stroke=\"%s\"", colour);
    if (g->width != 1.0 && n > 0 && n < LOOK)
        n += snprintf(look + n, sizeof look - (size_t)n, " stroke-width=\"%.3g\"", g->width);
    if (opacity.n > 0 && n > 0 && n < LOOK)
        n += snprintf(look + n, sizeof look - (size_t)n, " stroke-opacity=\"%.2g\"", number_of(opacity, 1.0));
    if (n > 0 && n < LOOK) snprintf(look + n, sizeof look - (size_t)n, "%s", dash);
    begin_path(r, look);
    return put_points(r, attribute(t, "d"), false);
}

static int put_area(rewriter *r, const tag *t, span points)
{
    char colour[80], look[LOOK];
    span opacity = attribute(t, "fill-opacity");
    int rc = colour_of(r, colour, attribute(t, "fill"), r->stack[r->depth].fill);
    if (rc != KEN_OK || strcmp(colour, "none") == 0) return rc;
    if (opacity.n > 0 && number_of(opacity, 1.0) < 1.0)
        snprintf(look, sizeof look, "fill=\"%s\" fill-opacity=\"%.2g\"", colour, number_of(opacity, 1.0));
    else snprintf(look, sizeof look, "fill=\"%s\"", colour);
    begin_path(r, look);
    return put_points(r, points, true);
}

/* A filled dot, the one symbol that our scripts use (point type 7). */
static int put_use(rewriter *r, const tag *t)
{
    char buf[80], colour[80];
    double x, y, scale;
    span which = attribute(t, "xlink:href");
    if (is(which, "#gpDot")) return KEN_OK;
    if (!is(which, "#gpPt6")) return unexpected(r, "a symbol", which);
    copy(buf, sizeof buf, attribute(t, "transform"));
    if (sscanf(buf, "translate(%lf,%lf) scale(%lf)", &x, &y, &scale) != 3)
        return unexpected(r, "a place", attribute(t, "transform"));
    int rc = colour_of(r, colour, attribute(t, "color"), "black");
    if (rc != KEN_OK) return rc;
    if (r->page) { /* lines of no length with round ends: all dots of one look are one path */
        char look[LOOK];
        snprintf(look, sizeof look, "stroke=\"%s\" stroke-width=\"%.3g\" stroke-linecap=\"round\"", colour,
                 2.0 * scale);
        begin_path(r, look);
        ken_buf_putc(r->out, 'M');
        put_number(r->out, x);
        ken_buf_putc(r->out, ' ');
        put_number(r->out, y);
        ken_buf_puts(r->out, "h0");
        return KEN_OK;
    }
    end_path(r);
    ken_buf_puts(r->out, "<circle cx=\"");
    put_number(r->out, x);
    ken_buf_puts(r->out, "\" cy=\"");
    put_number(r->out, y);
    ken_buf_printf(r->out, "\" r=\"%.3g\" fill=\"%s\"/>", scale, colour);
    return KEN_OK;
}

/* Text between tags, which gnuplot has escaped but for '>'. Entities it may have written stay; everything else is made sure of. */
static void put_characters(ken_buf *b, const char *s, size_t n)
{
    while (n > 0) {
        int32_t cp;
        int len = ken_utf8_decode(s, n, &cp);
        if (len <= 0) cp = KEN_REPLACEMENT, len = ken_utf8_bad(s, n);
        size_t entity = 0;
        if (cp == '&') {
            static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
            for (int i = 0; i < 5 && entity == 0; i++)
                if (n >= strlen(known[i]) && memcmp(s, known[i], strlen(known[i])) == 0) entity = strlen(known[i]);
        }
        if (entity > 0) ken_buf_add(b, s, entity), len = (int)entity;
        else if (cp == '&') ken_buf_puts(b, "&amp;");
        else if (cp == '>') ken_buf_puts(b, "&gt;");
        else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) ken_buf_putc(b, ' ');
        else {
            char bytes[4];
            ken_buf_add(b, bytes, (size_t)ken_utf8_encode(cp, bytes));
        }
        s += len;
        n -= (size_t)len;
    }
}

/* From behind <text ...>; up to and with </text>. Spans inside it are dropped, their text stays. */
static int put_text(rewriter *r)
{
    const group *g = &r->stack[r->depth];
    char colour[80];
    span from = {r->at, (size_t)(r->end - r->at)};
    int rc = colour_of(r, colour, (span){g->fill, strlen(g->fill)}, g->colour);
    if (rc != KEN_OK) return rc;
    ken_buf_puts(&r->texts, "<text x=\"");
    put_number(&r->texts, g->x);
    ken_buf_puts(&r->texts, "\" y=\"");
    put_number(&r->texts, g->y);
    ken_buf_putc(&r->texts, '"');
    if (g->turn != 0.0) {
        ken_buf_printf(&r->texts, " transform=\"rotate(%.3g ", g->turn);
        put_number(&r->texts, g->x);
        ken_buf_putc(&r->texts, ' ');
        put_number(&r->texts, g->y);
        ken_buf_puts(&r->texts, ")\"");
    }
    if (strcmp(g->anchor, "middle") == 0 || strcmp(g->anchor, "end") == 0)
        ken_buf_printf(&r->texts, " text-anchor=\"%s\"", g->anchor);
    double size = number_of((span){g->size, strlen(g->size)}, 12.0);
    bool bold = strcmp(g->weight, "bold") == 0;
    if (!r->page) { /* the page's own style would win against attributes, not against a style */
        ken_buf_printf(&r->texts, " fill=\"%s\"", colour);
        if (size != 12.0) ken_buf_printf(&r->texts, " font-size=\"%.3g\"", size);
        if (bold) ken_buf_puts(&r->texts, " font-weight=\"bold\"");
    } else if (strcmp(colour, "var(--muted)") != 0 || size != 12.0 || bold) {
        ken_buf_printf(&r->texts, " style=\"fill:%s", colour);
        if (size != 12.0) ken_buf_printf(&r->texts, ";font-size:%.3gpx", size);
        ken_buf_puts(&r->texts, bold ? ";font-weight:600\"" : "\"");
    }
    ken_buf_putc(&r->texts, '>');
    for (;;) {
        const char *p = memchr(r->at, '<', (size_t)(r->end - r->at));
        if (p == NULL) return unexpected(r, "a text without an end", from);
        const char *s = r->at;
        while (s < p && *s == ' ') s++;
        put_characters(&r->texts, s, (size_t)(p - s));
        r->at = p + 1;
        tag t;
        if ((rc = read_tag(r, &t)) != KEN_OK) return rc;
        if (t.closing && is(t.name, "text")) break;
        if (!is(t.name, "tspan")) return unexpected(r, "an element in a text", t.name);
    }
    ken_buf_puts(&r->texts, "</text>");
    return KEN_OK;
}

/* ---- groups ---------------------------------------------------------------------------------------------------------- */

static int push(rewriter *r, const tag *t)
{
    if (r->depth + 1 == DEEPEST) return unexpected(r, "groups too deep", t->name);
    group *g = &r->stack[r->depth + 1];
    *g = r->stack[r->depth];
    r->depth++;
    span s = attribute(t, "stroke-width");
    if (s.n > 0) g->width = number_of(s, 1.0);
    if ((s = attribute(t, "stroke-dasharray")).n > 0) copy(g->dash, sizeof g->dash, s);
    if ((s = attribute(t, "text-anchor")).n > 0) copy(g->anchor, sizeof g->anchor, s);
    if ((s = attribute(t, "fill")).n > 0) copy(g->fill, sizeof g->fill, s);
    if ((s = attribute(t, "color")).n > 0) copy(g->colour, sizeof g->colour, s);
    if ((s = attribute(t, "font-weight")).n > 0) copy(g->weight, sizeof g->weight, s);
    if ((s = attribute(t, "font-size")).n > 0) copy(g->size, sizeof g->size, s);
    if ((s = attribute(t, "transform")).n > 0) {
        char buf[100];
        copy(buf, sizeof buf, s);
        g->turn = 0.0;
        int n = sscanf(buf, "translate(%lf,%lf) rotate(%lf)", &g->x, &g->y, &g->turn);
        if (n < 2) return unexpected(r, "a place", s);
    }
    return KEN_OK;
}

static int put_rect(rewriter *r, const tag *t)
{
    char points[160];
    double x = number_of(attribute(t, "x"), 0), y = number_of(attribute(t, "y"), 0),
           w = number_of(attribute(t, "width"), 0), h = number_of(attribute(t, "height"), 0);
    if (is(attribute(t, "fill"), "none")) return KEN_OK;
    int n = snprintf(points, sizeof points, "%.2f,%.2f %.2f,%.2f %.2f,%.2f %.2f,%.2f", x, y, x + w, y, x + w, y + h, x,
                     y + h);
    return n > 0 && n < (int)sizeof points ? put_area(r, t, (span){points, (size_t)n})
                                           : unexpected(r, "a box", t->name);
}

static int element(rewriter *r, const tag *t)
{
    span n = t->name;
    if (t->closing) {
        if (is(n, "g") && r->depth-- == 0) return unexpected(r, "the end of a group", n);
        return KEN_OK;
    }
    if (is(n, "defs") || is(n, "title") || is(n, "desc")) return t->empty ? KEN_OK : skip_contents(r, n);
    if (is(n, "svg")) return KEN_OK;
    if (is(n, "g")) return t->empty ? KEN_OK : push(r, t);
    if (is(n, "path")) return put_stroke(r, t);
    if (is(n, "polygon")) return put_area(r, t, attribute(t, "points"));
    if (is(n, "rect")) return put_rect(r, t);
    if (is(n, "use")) return put_use(r, t);
    if (is(n, "text")) return t->empty ? KEN_OK : put_text(r);
    return unexpected(r, "an element", n);
}

int ken_svg_rewrite(ken_buf *out, const char *svg, size_t n, bool page, ken_err *err)
{
    rewriter *r = ken_calloc(1, sizeof *r);
    tag t;
    int rc = KEN_OK;
    if (r == NULL) return ken_fail_nomem(err, "figures");
    *r = (rewriter){.out = out, .page = page, .at = svg, .end = svg + n, .err = err};
    r->stack[0].width = 1.0;
    snprintf(r->stack[0].fill, sizeof r->stack[0].fill, "none");
    snprintf(r->stack[0].colour, sizeof r->stack[0].colour, "black");
    for (const char *p; rc == KEN_OK && (p = memchr(r->at, '<', (size_t)(r->end - r->at))) != NULL;) {
        r->at = p + 1;
        if (r->at < r->end && (*r->at == '?' || *r->at == '!')) {
            const char *close = memchr(r->at, '>', (size_t)(r->end - r->at));
            if (close == NULL) rc = unexpected(r, "a prologue without an end", (span){p, (size_t)(r->end - p)});
            else r->at = close + 1;
            continue;
        }
        rc = read_tag(r, &t);
        if (rc == KEN_OK) rc = element(r, &t);
    }
    end_path(r);
    ken_buf_add(out, ken_buf_str(&r->texts), r->texts.len);
    if (r->texts.failed) out->failed = true;
    ken_buf_free(&r->texts);
    if (rc == KEN_OK && r->depth != 0) rc = unexpected(r, "a group without an end", (span){"", 0});
    if (rc == KEN_OK && out->failed) rc = ken_fail_nomem(err, "figures");
    ken_free(r);
    return rc;
}
