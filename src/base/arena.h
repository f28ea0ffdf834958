/* arena.h - memory that is freed all at once: what one row or one wave needs.
 *
 * Pointers stay valid until the arena is reset or freed. Alignment 16. Blocks are kept over a reset, so a loop that resets
 * between rounds allocates nothing once it has seen its largest round. */
#ifndef KEN_BASE_ARENA_H
#define KEN_BASE_ARENA_H
#include <stddef.h>

typedef struct ken_arena {
    struct ken_arena_block *first, *now;
} ken_arena; /* {0} is an empty arena */

void *ken_arena_alloc(ken_arena *a, size_t n, size_t size); /* uninitialised; NULL when out of memory */
void *ken_arena_calloc(ken_arena *a, size_t n, size_t size);
char *ken_arena_strndup(ken_arena *a, const char *s, size_t n); /* adds a NUL */
char *ken_arena_strdup(ken_arena *a, const char *s);
char *ken_arena_printf(ken_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ken_arena_reset(ken_arena *a);
void ken_arena_free(ken_arena *a);
#endif
