/* write_safetensors.c - which tensors are written, their values into any file, and a safetensors file; see write_parts.h.
 *
 * The header is padded with spaces to a multiple of 8 bytes, offsets run from 0 without gaps in the order of the names, so that
 * equal tensors make equal files (format: huggingface/safetensors README). */
#include "base/alloc.h"
#include "model/family.h"
#include "model/write_parts.h"
#include <inttypes.h>
#include <stdio.h>
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

/* The GGUF converter reorders the rows of q and k. */
static bool interleaved(const ken_config *c)
{
    const ken_family *f = ken_family_of(c->arch);
    return f != NULL && f->gguf_interleaved;
}

int ken_out_tensors_params(ken_out_tensors *s, const ken_params *p, bool gguf, ken_dtype type, ken_err *err)
{
    const bool permute = gguf && interleaved(p->config);
    for (int i = 0; i < p->n_list; i++) {
        const ken_param *x = &p->list[i];
        const char *name = gguf ? x->gguf : x->hf;
        ken_out_tensor *t = ken_out_tensors_add(s);
        if (t == NULL) return ken_fail_nomem(err, "tensor list");
        if (x->layer < 0) snprintf(t->name, sizeof t->name, "%s", name);
        else snprintf(t->name, sizeof t->name, "%s.%d.%s", gguf ? "blk" : "model.layers", x->layer, name);
        if (x->cols > 0 || !gguf) t->type = type == KEN_Q8_0 && x->cols % 32 != 0 ? KEN_F16 : type;
        t->rows = x->rows;
        t->cols = x->cols;
        t->data = p->data + x->at;
        t->d_head = permute ? x->d_head : 0;
        t->d_rope = x->d_rope;
    }
    return KEN_OK;
}

int ken_out_tensors_lora(ken_out_tensors *s, const ken_lora *l, const ken_config *c, bool gguf, ken_err *err)
{
    const bool permute = gguf && interleaved(c);
    for (int i = 0; i < l->n_layer * KEN_N_MODULES * 2; i++) {
        const int layer = i / 2 / KEN_N_MODULES, is_b = i % 2;
        const ken_module m = (ken_module)(i / 2 % KEN_N_MODULES);
        const ken_lora_pair *p = &l->pair[i / 2];
        if (p->a == NULL) continue;
        ken_out_tensor *t = ken_out_tensors_add(s);
        if (t == NULL) return ken_fail_nomem(err, "tensor list");
        if (gguf)
            snprintf(t->name, sizeof t->name, "blk.%d.%s.weight.lora_%c", layer, ken_module_gguf(m), is_b ? 'b' : 'a');
        else
            snprintf(t->name, sizeof t->name, "base_model.model.model.layers.%d.%s.lora_%c.weight", layer,
                     ken_module_hf(m), is_b ? 'B' : 'A');
        t->rows = is_b ? p->out : l->rank;
        t->cols = is_b ? l->rank : p->in;
        t->data = is_b ? p->b : p->a;
        t->d_head = is_b && permute && (m == KEN_MOD_Q || m == KEN_MOD_K) ? c->d_head : 0;
        t->d_rope = c->d_rope;
    }
    return KEN_OK;
}

static int64_t values_of(const ken_out_tensor *t) { return t->rows * (t->cols > 0 ? t->cols : 1); }

uint64_t ken_out_tensor_bytes(const ken_out_tensor *t)
{
    const ken_dtype_info *type = ken_dtype_get((int)t->type);
    return (uint64_t)values_of(t) / (uint64_t)type->block * (uint64_t)type->block_bytes;
}

static int write_values(ken_out *o, const ken_out_tensor *t, ken_err *err)
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

int ken_out_tensors_write(const ken_out_tensors *s, const ken_buf *head, uint32_t alignment, const char *path,
                          ken_err *err)
{
    static const char zeros[64];
    ken_out *o = NULL;
    int rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    ken_out_add(o, head->data, head->len);
    for (size_t i = 0; i < s->n && rc == KEN_OK; i++) {
        rc = write_values(o, &s->t[i], err);
        uint64_t n = (alignment - ken_out_tensor_bytes(&s->t[i]) % alignment) % alignment;
        for (; n > 0; n -= n < sizeof zeros ? n : sizeof zeros)
            ken_out_add(o, zeros, n < sizeof zeros ? n : sizeof zeros);
    }
    const int closed = ken_out_close(o, rc == KEN_OK, err);
    if (rc == KEN_OK) rc = closed;
    if (rc == KEN_EINPUT && err != NULL) ken_fail_prefix(err, "%s", path);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ken_out_tensor *)a)->name, ((const ken_out_tensor *)b)->name);
}

/* Its length in eight bytes, and the table of the tensors. */
static void header(ken_buf *b, const ken_out_tensors *s)
{
    uint64_t at = 0;
    ken_buf_add(b, (char[8]){0}, 8);
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
    for (int i = 0; i < 8 && !b->failed; i++) b->data[i] = (char)((uint64_t)(b->len - 8) >> (8 * i));
}

int ken_write_safetensors(ken_out_tensors *s, const char *path, ken_err *err)
{
    ken_buf b = {0};
    if (s->n > 0) qsort(s->t, s->n, sizeof *s->t, by_name);
    header(&b, s);
    int rc = b.failed ? ken_fail_nomem(err, "the header of a file") : ken_out_tensors_write(s, &b, 1, path, err);
    ken_buf_free(&b);
    return rc;
}
