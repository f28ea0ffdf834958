/* alloc.h - the library's only door to the heap, so that a test can make every allocation fail in turn.
 *
 * ken_alloc and ken_realloc check the multiplication n * size. All return NULL on failure and leave reporting to the caller.
 * Free with ken_free. n * size == 0 gives a valid pointer that may be freed. */
#ifndef KEN_BASE_ALLOC_H
#define KEN_BASE_ALLOC_H
#include <stddef.h>

void *ken_alloc(size_t n, size_t size);            /* uninitialised */
void *ken_calloc(size_t n, size_t size);           /* zeroed */
void *ken_realloc(void *p, size_t n, size_t size); /* p stays valid on failure */
void *ken_alloc_aligned(size_t bytes);             /* 64-byte aligned, uninitialised; free with ken_free */
char *ken_strdup(const char *s);
char *ken_strndup(const char *s, size_t n); /* copies exactly n bytes and adds a NUL */
void ken_free(void *p);                     /* NULL is fine */

/* Grows *p (elements of `size` bytes, capacity *cap) to hold at least `need`; doubles. 0 on success, -1 when out of memory. */
int ken_grow(void **p, size_t *cap, size_t need, size_t size);

size_t ken_available_memory(void); /* bytes that the system could give without swapping */

/* For tests only: the n-th allocation from now (1 = the next) and all after it fail; 0 switches this off. */
void ken_alloc_fail_after(long n);
long ken_alloc_count(void); /* allocations since the start of the program */
#endif
