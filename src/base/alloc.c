/* alloc.c - checked heap allocation with an injectable failure; see alloc.h. */
#include "base/alloc.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long n_allocs;
static atomic_long fail_at; /* value of n_allocs from which on allocation fails; 0 = never */

static int refused(void)
{
    long now = atomic_fetch_add(&n_allocs, 1) + 1;
    long at = atomic_load(&fail_at);
    return at != 0 && now >= at;
}

void ken_alloc_fail_after(long n) { atomic_store(&fail_at, n == 0 ? 0 : atomic_load(&n_allocs) + n); }
long ken_alloc_count(void) { return atomic_load(&n_allocs); }

static int product(size_t n, size_t size, size_t *bytes)
{
    if (__builtin_mul_overflow(n, size, bytes) || *bytes > PTRDIFF_MAX) return -1;
    if (*bytes == 0) *bytes = 1;
    return 0;
}

void *ken_alloc(size_t n, size_t size)
{
    size_t bytes;
    return product(n, size, &bytes) != 0 || refused() ? NULL : malloc(bytes);
}

void *ken_calloc(size_t n, size_t size)
{
    size_t bytes;
    return product(n, size, &bytes) != 0 || refused() ? NULL : calloc(1, bytes);
}

void *ken_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    return product(n, size, &bytes) != 0 || refused() ? NULL : realloc(p, bytes);
}

void *ken_alloc_aligned(size_t bytes)
{
    if (bytes > PTRDIFF_MAX - 64 || refused()) return NULL;
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0));
}

char *ken_strndup(const char *s, size_t n)
{
    char *d = n == SIZE_MAX ? NULL : ken_alloc(n + 1, 1);
    if (d == NULL) return NULL;
    memcpy(d, s, n);
    d[n] = '\0';
    return d;
}

char *ken_strdup(const char *s) { return ken_strndup(s, strlen(s)); }
void ken_free(void *p) { free(p); }

int ken_grow(void **p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap) return 0;
    size_t want = *cap < 8 ? 8 : *cap;
    while (want < need) {
        if (want > SIZE_MAX / 2) return -1;
        want *= 2;
    }
    void *q = ken_realloc(*p, want, size);
    if (q == NULL) return -1;
    *p = q;
    *cap = want;
    return 0;
}

size_t ken_available_memory(void)
{
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    if (f != NULL) {
        char line[128];
        while (kib == 0 && fgets(line, sizeof line, f) != NULL)
            if (strncmp(line, "MemAvailable:", 13) == 0) kib = strtoull(line + 13, NULL, 10);
        fclose(f);
    }
    if (kib != 0) return (size_t)kib * 1024;
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size / 2 : (size_t)1 << 30;
}
