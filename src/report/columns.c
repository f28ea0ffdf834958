/* columns.c - see columns.h. zlib's deflate, level 9; base64 is a few lines of our own. */
#include "report/columns.h"
#include "base/alloc.h"
#include "report/html.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* ---- filling --------------------------------------------------------------------------------------------------------- */

int ken_columns_new(ken_columns *c, const char *name, int width, int level)
{
    if (c->failed || ken_grow((void **)&c->column, &c->cap, c->n + 1, sizeof *c->column) != 0) {
        c->failed = true;
        return 0;
    }
    ken_column *x = &c->column[c->n];
    memset(x, 0, sizeof *x);
    snprintf(x->name, sizeof x->name, "%s", name);
    x->width = width;
    x->level = level;
    return (int)c->n++;
}

void ken_columns_add(ken_columns *c, int column, uint32_t value)
{
    if (c->failed) return;
    ken_column *x = &c->column[column];
    uint32_t most = x->width >= 4 ? UINT32_MAX : (1u << 8 * x->width) - 1;
    if (value > most) value = most;
    const unsigned char bytes[] = {(unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
                                   (unsigned char)(value >> 24)};
    ken_buf_add(&x->raw, bytes, (size_t)x->width);
    x->n++;
    c->failed = x->raw.failed;
}

void ken_columns_text(ken_columns *c, int column, const char *s, size_t n, size_t most)
{
    if (c->failed) return;
    ken_column *x = &c->column[column];
    ken_html_clean(&x->raw, s, n, most);
    ken_buf_putc(&x->raw, '\0');
    x->n = x->raw.len;
    c->failed = x->raw.failed;
}

/* ---- numbers in few bits --------------------------------------------------------------------------------------------- */

/* p in (0, 1) = (1 + m / 2^bits) / 2^(e + 1); e at most `most`, below that the smallest code. */
static uint32_t mantissa(double p, int bits, int most, int *e)
{
    double f = frexp(p, e); /* f in [0.5, 1), p = f 2^e, e <= 0 */
    *e = -*e;
    if (*e > most) {
        *e = most;
        return 0;
    }
    uint32_t m = (uint32_t)lround((2.0 * f - 1.0) * (double)(1 << bits));
    if (m < 1u << bits) return m;
    if (*e == 0) return (1u << bits) - 1; /* the largest below 1: only 1 itself is 1 */
    (*e)--;
    return 0;
}

uint32_t ken_code_p(double p, int bits)
{
    int e;
    if (isnan(p)) return 0xFFFF;
    if (p <= 0.0) return 0;
    if (p >= 1.0) return 0xFFFE;
    uint32_t m = mantissa(p, bits, 30, &e) << (11 - bits);
    return 1 + ((uint32_t)(30 - e) << 11 | m);
}

uint32_t ken_code_p8(double p)
{
    int e;
    if (!(p > 0.0)) return 0;
    if (p >= 1.0) return 255;
    uint32_t m = mantissa(p, 5, 6, &e);
    return 1 + ((uint32_t)(6 - e) << 5 | m);
}

uint32_t ken_code_real(double x)
{
    float f = (float)x;
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return isnan(x) ? 0x7FC00000u : u;
}

uint32_t ken_code_exact(double x, bool upper)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    if (isnan(x)) u = 0x7FF8000000000000u;
    return (uint32_t)(upper ? u >> 32 : u & 0xFFFFFFFFu);
}

/* ---- packing --------------------------------------------------------------------------------------------------------- */

static int pack(ken_column *x, ken_err *err)
{
    size_t n = x->raw.len;
    unsigned char *planes = ken_alloc(n, 1);
    uLong most = compressBound((uLong)n);
    unsigned char *out = ken_alloc(most, 1);
    int rc = planes == NULL || out == NULL ? ken_fail_nomem(err, "rows of the report") : KEN_OK;
    if (rc == KEN_OK) {
        size_t w = (size_t)x->width, at = 0;
        for (size_t b = 0; b < w; b++)
            for (size_t i = b; i < n; i += w) planes[at++] = (unsigned char)x->raw.data[i];
        if (compress2(out, &most, planes, (uLong)n, 9) != Z_OK) rc = ken_fail_nomem(err, "rows of the report");
    }
    if (rc == KEN_OK) {
        ken_buf_free(&x->raw);
        ken_buf_add(&x->packed, out, most);
        if (x->packed.failed) rc = ken_fail_nomem(err, "rows of the report");
    }
    ken_free(planes);
    ken_free(out);
    return rc;
}

int ken_columns_pack(ken_columns *c, ken_err *err)
{
    int rc = c->failed ? ken_fail_nomem(err, "rows of the report") : KEN_OK;
    for (size_t i = 0; i < c->n && rc == KEN_OK; i++)
        if (c->column[i].n > 0) rc = pack(&c->column[i], err);
    return rc;
}

static bool kept(const ken_column *x, int level) { return x->n > 0 && x->level <= level; }

size_t ken_columns_size(const ken_columns *c, int level)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (kept(&c->column[i], level)) n += c->column[i].packed.len + 1 + 36; /* its line in the list */
    return (n + 2) / 3 * 4;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

typedef struct base64 {
    ken_out *o;
    unsigned char in[3];
    char line[1024];
    size_t n, used;
} base64;

static void put_triple(base64 *b)
{
    uint32_t v = (uint32_t)b->in[0] << 16 | (uint32_t)b->in[1] << 8 | b->in[2];
    if (b->used == sizeof b->line) ken_out_add(b->o, b->line, b->used), b->used = 0;
    for (int s = 18; s >= 0; s -= 6) b->line[b->used++] = ken_base64_digits[v >> s & 63];
    b->n = 0;
}

static void put_bytes(base64 *b, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b->in[b->n++] = (unsigned char)bytes[i];
        if (b->n == 3) put_triple(b);
    }
}

void ken_columns_put(ken_out *o, const ken_columns *c, int level)
{
    base64 b = {.o = o};
    size_t at = 0;
    ken_out_puts(o, "<script type=\"application/json\" id=\"columns\">[");
    for (size_t i = 0; i < c->n; i++) {
        const ken_column *x = &c->column[i];
        if (!kept(x, level)) continue;
        ken_out_printf(o, "%s[\"%s\",%d,%zu,%zu,%zu]", at > 0 ? "," : "", x->name, x->width, x->n, at, x->packed.len);
        at += x->packed.len;
    }
    ken_out_puts(o, "]</script>\n<script type=\"application/zlib\" id=\"rows\">");
    for (size_t i = 0; i < c->n; i++)
        if (kept(&c->column[i], level)) put_bytes(&b, c->column[i].packed.data, c->column[i].packed.len);
    size_t rest = b.n; /* 0, 1 or 2 bytes of the last triple */
    if (rest > 0) {
        memset(b.in + rest, 0, 3 - rest);
        put_triple(&b);
    }
    if (rest > 0) memset(b.line + b.used - (3 - rest), '=', 3 - rest);
    ken_out_add(o, b.line, b.used);
    ken_out_puts(o, "</script>\n");
}

void ken_columns_free(ken_columns *c)
{
    for (size_t i = 0; i < c->n; i++) {
        ken_buf_free(&c->column[i].raw);
        ken_buf_free(&c->column[i].packed);
    }
    ken_free(c->column);
    memset(c, 0, sizeof *c);
}
