/* write_safetensors.c - tensors into a safetensors file, and the values of a tensor into any file; see write_parts.h.
 *
 * The header is padded with spaces to a multiple of 8 bytes, offsets run from 0 without gaps in the order of the names, so that
 * equal tensors make equal files (format: huggingface/safetensors README). */
#include "base/alloc.h"
#include "model/write_parts.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

ken_out_tensor *ken_out_tensors_add(ken_out_tensors *s)
{
    if (ken_grow((void **)&s->t, &s->cap, s->n + 1, sizeof *s->t) != 0) return NULL;
    s->t[s->n] = (ken_out_tensor){.type = KEN_F32};
    return &s->t[s->n++];
}

void ken_out_tensors_free(ken_out_tensors *s)
{
    ken_free(s->t);
    *s = (ken_out_tensors){0};
}

static int64_t values_of(const ken_out_tensor *t) { return t->rows * (t->cols > 0 ? t->cols : 1); }

uint64_t ken_out_tensor_bytes(const ken_out_tensor *t)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    return (uint64_t)values_of(t) / (uint64_t)type->block * (uint64_t)type->block_bytes;
}

int ken_out_tensor_write(ken_out *o, const ken_out_tensor *t, ken_err *err)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    /* A vector is one row, unless its values are permuted like rows. */
    const bool whole = t->cols == 0 && t->d_head == 0;
    const int64_t rows = whole ? 1 : t->rows, cols = whole ? t->rows : t->cols > 0 ? t->cols : 1;
    const size_t bytes = (size_t)(cols / type->block) * (size_t)type->block_bytes;
    void *row = ken_alloc(bytes, 1);
    if (row == NULL) return ken_fail_nomem(err, "a row of weights");
    int rc = KEN_OK;
    for (int64_t r = 0; r < rows && rc == KEN_OK; r++) {
        const float *from = t->data + ken_halves_row(r, t->d_head, t->d_rope) * cols;
        const int64_t bad = ken_quantize(t->type, from, row, cols);
        if (bad >= 0)
            rc = ken_fail(err, KEN_EINPUT,
                          "tensor %s: value %" PRId64 " of row %" PRId64 " is %g, which %s cannot hold; %s", t->name,
                          bad, r, (double)from[bad], type->name,
                          t->type == KEN_F32 ? "the training has diverged" : "write F32 or BF16 instead");
        else ken_out_add(o, row, bytes);
    }
    ken_free(row);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ken_out_tensor *)a)->name, ((const ken_out_tensor *)b)->name);
}

static void header(ken_buf *b, const ken_out_tensors *s)
{
    uint64_t at = 0;
    ken_buf_puts(b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < s->n; i++) {
        const ken_out_tensor *t = &s->t[i];
        const uint64_t end = at + ken_out_tensor_bytes(t);
        ken_buf_printf(b, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%" PRId64, t->name, ken_dtype_get((int)t->type)->name,
                       t->rows);
        if (t->cols > 0) ken_buf_printf(b, ",%" PRId64, t->cols);
        ken_buf_printf(b, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at, end);
        at = end;
    }
    ken_buf_putc(b, '}');
    while (b->len % 8 != 0 && !b->failed) ken_buf_putc(b, ' ');
}

int ken_write_safetensors(ken_out_tensors *s, const char *path, ken_err *err)
{
    ken_out *o = NULL;
    ken_buf b = {0};
    if (s->n > 0) qsort(s->t, s->n, sizeof *s->t, by_name);
    header(&b, s);
    int rc = b.failed ? ken_fail_nomem(err, "the header of a file") : ken_out_open(&o, path, err);
    if (rc != KEN_OK) goto done;
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)b.len >> (8 * i));
    ken_out_add(o, length, sizeof length);
    ken_out_add(o, b.data, b.len);
    for (size_t i = 0; i < s->n && rc == KEN_OK; i++) rc = ken_out_tensor_write(o, &s->t[i], err);
    const int closed = ken_out_close(o, rc == KEN_OK, err);
    if (rc == KEN_OK) rc = closed;
    if (rc == KEN_EINPUT && err != NULL) ken_fail_prefix(err, "%s", path);
done:
    ken_buf_free(&b);
    return rc;
}
