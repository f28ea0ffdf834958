/* arena.c - bump allocation in a chain of blocks; see arena.h. */
#include "base/arena.h"
#include "base/alloc.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64 * 1024, HEADER = 32 };

struct ken_arena_block {
    struct ken_arena_block *next;
    size_t cap, used; /* bytes after the header */
};
_Static_assert(sizeof(struct ken_arena_block) <= HEADER, "header must fit");

void *ken_arena_alloc(ken_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 64) return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    struct ken_arena_block *b = a->now;
    while (b != NULL && b->cap - b->used < bytes) { /* blocks after `now` are empty: left by a reset */
        b = b->next;
        if (b != NULL) a->now = b;
    }
    if (b == NULL) {
        size_t cap = bytes > BLOCK - HEADER ? bytes : BLOCK - HEADER;
        b = ken_alloc(1, HEADER + cap);
        if (b == NULL) return NULL;
        *b = (struct ken_arena_block){NULL, cap, 0};
        if (a->now == NULL) a->first = b;
        else a->now->next = b; /* `now` is the last block here */
        a->now = b;
    }
    void *p = (char *)b + HEADER + b->used;
    b->used += bytes;
    return p;
}

void *ken_arena_calloc(ken_arena *a, size_t n, size_t size)
{
    void *p = ken_arena_alloc(a, n, size);
    if (p != NULL) memset(p, 0, n * size);
    return p;
}

char *ken_arena_strndup(ken_arena *a, const char *s, size_t n)
{
    char *d = n == SIZE_MAX ? NULL : ken_arena_alloc(a, n + 1, 1);
    if (d == NULL) return NULL;
    if (n > 0) memcpy(d, s, n);
    d[n] = '\0';
    return d;
}

char *ken_arena_strdup(ken_arena *a, const char *s) { return ken_arena_strndup(a, s, strlen(s)); }

char *ken_arena_printf(ken_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : ken_arena_alloc(a, (size_t)n + 1, 1);
    va_start(ap, fmt);
    if (s != NULL) vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void ken_arena_reset(ken_arena *a)
{
    for (struct ken_arena_block *b = a->first; b != NULL; b = b->next) b->used = 0;
    a->now = a->first;
}

void ken_arena_free(ken_arena *a)
{
    for (struct ken_arena_block *b = a->first, *next; b != NULL; b = next) {
        next = b->next;
        ken_free(b);
    }
    *a = (ken_arena){0};
}
