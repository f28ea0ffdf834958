/* tensors.c - tensors by name, and the checks that every tensor passes whatever file it came from; see tensors.h. */
#include "model/tensors.h"
#include "base/alloc.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 1 << 20, MAX_NAME = 512 };

void ken_tensors_free(ken_tensors *s)
{
    for (size_t i = 0; i < s->n; i++) ken_free((void *)s->t[i].name);
    ken_free(s->t);
    ken_strmap_free(s->by_name);
    *s = (ken_tensors){0};
}

/* Values and bytes of a tensor; every product is checked, so that a hostile shape cannot wrap around to a small size. */
static int measure(const char *name, const ken_dtype_info *type, int n_dims, const uint64_t *ne, uint64_t *bytes,
                   ken_err *err)
{
    if (n_dims < 1 || n_dims > 4)
        return ken_fail(err, KEN_EINPUT, "tensor %s: it has %d dimensions; 1 to 4 are possible", name, n_dims);
    uint64_t values = 1;
    for (int i = 0; i < n_dims; i++) {
        if (ne[i] == 0) return ken_fail(err, KEN_EINPUT, "tensor %s: dimension %d is 0", name, n_dims - 1 - i);
        if (__builtin_mul_overflow(values, ne[i], &values) || values > INT64_MAX / 8)
            return ken_fail(err, KEN_EINPUT, "tensor %s: its shape is too large (dimension %d is %" PRIu64 ")", name,
                            n_dims - 1 - i, ne[i]);
    }
    if (ne[0] % (uint64_t)type->block != 0)
        return ken_fail(err, KEN_EINPUT, "tensor %s: rows of %" PRIu64 " values are not whole blocks of %d (%s)", name,
                        ne[0], type->block, type->name);
    *bytes =
        values / (uint64_t)type->block * (uint64_t)type->block_bytes; /* a value has at most 4 bytes: no overflow */
    return KEN_OK;
}

int ken_tensors_add(ken_tensors *s, const char *name, size_t n, int type, int n_dims, const uint64_t *ne,
                    const unsigned char *area, uint64_t area_size, uint64_t offset, ken_err *err)
{
    if (n == 0 || n > MAX_NAME || memchr(name, '\0', n) != NULL)
        return ken_fail(err, KEN_EINPUT, "tensor %zu has no usable name (1 to %d bytes without NUL)", s->n, MAX_NAME);
    if (s->n >= MAX_TENSORS) return ken_fail(err, KEN_EINPUT, "more than %d tensors", MAX_TENSORS);
    const ken_dtype_info *info = ken_dtype_get(type);
    if (info == NULL)
        return ken_fail(err, KEN_EINPUT,
                        "tensor %.*s: type %d is not supported; use F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 or "
                        "Q2_K to Q6_K",
                        (int)n, name, type);
    char *copy = ken_strndup(name, n);
    if (copy == NULL) return ken_fail_nomem(err, "tensor names");

    uint64_t bytes = 0;
    int rc = measure(copy, info, n_dims, ne, &bytes, err);
    if (rc == KEN_OK && (offset > area_size || bytes > area_size - offset))
        rc = ken_fail(err, KEN_EINPUT,
                      "tensor %s: its %" PRIu64 " bytes at offset %" PRIu64 " end outside the file (%" PRIu64
                      " bytes of data); the file is cut short or damaged",
                      copy, bytes, offset, area_size);
    if (rc != KEN_OK) goto done;

    if (s->by_name == NULL && (s->by_name = ken_strmap_new(256)) == NULL) rc = ken_fail_nomem(err, "tensor names");
    else if (ken_grow((void **)&s->t, &s->cap, s->n + 1, sizeof *s->t) != 0) rc = ken_fail_nomem(err, "tensor list");
    else {
        int added = ken_strmap_add(s->by_name, copy, n, (int32_t)s->n);
        if (added < 0) rc = ken_fail_nomem(err, "tensor names");
        else if (added == 0) rc = ken_fail(err, KEN_EINPUT, "tensor %s occurs twice in the model", copy);
    }
    if (rc != KEN_OK) goto done;

    ken_tensor *t = &s->t[s->n++];
    *t = (ken_tensor){.name = copy, .type = info->type, .n_dims = n_dims, .data = area + offset, .bytes = bytes};
    for (int i = 0; i < 4; i++) t->ne[i] = i < n_dims ? (int64_t)ne[i] : 1;
    copy = NULL;
done:
    ken_free(copy);
    return rc;
}

typedef struct extent {
    uintptr_t begin, end;
    const char *name;
} extent;

static int by_begin(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

int ken_tensors_check_overlap(const ken_tensors *s, size_t first, ken_err *err)
{
    size_t n = s->n - first;
    extent *e = ken_alloc(n, sizeof *e);
    if (e == NULL) return ken_fail_nomem(err, "tensor order");
    for (size_t i = 0; i < n; i++) {
        const ken_tensor *t = &s->t[first + i];
        e[i] = (extent){(uintptr_t)t->data, (uintptr_t)t->data + t->bytes, t->name};
    }
    qsort(e, n, sizeof *e, by_begin);
    int rc = KEN_OK;
    for (size_t i = 1; i < n && rc == KEN_OK; i++)
        if (e[i - 1].end > e[i].begin)
            rc = ken_fail(err, KEN_EINPUT, "tensors %s and %s overlap; the file is damaged", e[i - 1].name, e[i].name);
    ken_free(e);
    return rc;
}

const ken_tensor *ken_tensors_find(const ken_tensors *s, const char *name)
{
    int32_t i = s->by_name == NULL ? -1 : ken_strmap_get(s->by_name, name, strlen(name), -1);
    return i < 0 ? NULL : &s->t[i];
}

const char *ken_shape_text(char buf[96], int n_dims, const int64_t *ne)
{
    size_t at = 0;
    buf[at++] = '[';
    for (int i = n_dims - 1; i >= 0; i--)
        at += (size_t)snprintf(buf + at, 96 - at, "%" PRId64 "%s", ne[i], i > 0 ? ", " : "");
    snprintf(buf + at, 96 - at, "]");
    return buf;
}
