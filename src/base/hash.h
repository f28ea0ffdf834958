/* hash.h - SHA-256 (libcrypto) for identities that a run records, and a string-to-int map for everything else. */
#ifndef KEN_BASE_HASH_H
#define KEN_BASE_HASH_H
#include "base/arena.h"
#include <stddef.h>
#include <stdint.h>

/* Incremental SHA-256. Never fails after ken_sha256_new returned non-NULL. */
typedef struct ken_sha256 ken_sha256;
ken_sha256 *ken_sha256_new(void); /* NULL when out of memory */
void ken_sha256_add(ken_sha256 *h, const void *data, size_t n);
void ken_sha256_hex(ken_sha256 *h, char out[65]); /* ends the computation and frees h */

int ken_sha256_of(const void *data, size_t n, char out[65]); /* of these bytes alone; -1 when out of memory */

/* 64-bit hash of bytes for tables in memory (FNV-1a, then a finaliser). Not for identities, not keyed. */
uint64_t ken_hash64(const void *data, size_t n);

/* Map from byte strings (may hold NUL) to int32. Keys are borrowed: they must outlive the map. */
typedef struct ken_strmap ken_strmap;
ken_strmap *ken_strmap_new(size_t expected); /* NULL when out of memory; caller frees with ken_strmap_free */
void ken_strmap_free(ken_strmap *m);
/* Returns 1 when added, 0 when the key was there (value unchanged), -1 when out of memory. */
int ken_strmap_add(ken_strmap *m, const char *key, size_t n, int32_t value);
int32_t ken_strmap_get(const ken_strmap *m, const char *key, size_t n, int32_t missing);
/* Keys numbered from 0 on as they come: the number of this one; -1 when out of memory. */
int32_t ken_strmap_number(ken_strmap *m, const char *key, size_t n);
/* The same, and the map's own copy of the key, in the arena: equal names are equal pointers. NULL when out of memory. */
const char *ken_strmap_intern(ken_strmap *m, ken_arena *a, const char *key, size_t n);
size_t ken_strmap_count(const ken_strmap *m);
#endif
