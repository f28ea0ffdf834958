/* hash.c - SHA-256 and a string map; see hash.h. */
#include "base/hash.h"
#include "base/alloc.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

struct ken_sha256 {
    EVP_MD_CTX *ctx;
};

ken_sha256 *ken_sha256_new(void)
{
    ken_sha256 *h = ken_calloc(1, sizeof *h);
    if (h == NULL) return NULL;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(h->ctx);
        ken_free(h);
        return NULL;
    }
    return h;
}

void ken_sha256_add(ken_sha256 *h, const void *data, size_t n)
{
    if (n > 0) EVP_DigestUpdate(h->ctx, data, n);
}

void ken_sha256_hex(ken_sha256 *h, char out[65])
{
    unsigned char d[EVP_MAX_MD_SIZE] = {0};
    unsigned n = 0;
    EVP_DigestFinal_ex(h->ctx, d, &n);
    for (unsigned i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", d[i]);
    EVP_MD_CTX_free(h->ctx);
    ken_free(h);
}

int ken_sha256_of(const void *data, size_t n, char out[65])
{
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return -1;
    ken_sha256_add(h, data, n);
    ken_sha256_hex(h, out);
    return 0;
}

uint64_t ken_hash64(const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    h ^= h >> 32; /* FNV's high bits are weak for short keys */
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

typedef struct entry {
    const char *key; /* NULL = free */
    size_t n;
    int32_t value;
} entry;

struct ken_strmap {
    entry *slot; /* (mask + 1) open addressing, at most half full */
    size_t mask, count;
};

ken_strmap *ken_strmap_new(size_t expected)
{
    size_t size = 16;
    while (size < expected * 2 && size < ((size_t)1 << 40)) size *= 2;
    ken_strmap *m = ken_calloc(1, sizeof *m);
    if (m == NULL) return NULL;
    m->mask = size - 1;
    m->slot = ken_calloc(size, sizeof *m->slot);
    if (m->slot == NULL) {
        ken_free(m);
        return NULL;
    }
    return m;
}

void ken_strmap_free(ken_strmap *m)
{
    if (m == NULL) return;
    ken_free(m->slot);
    ken_free(m);
}

static entry *find(const ken_strmap *m, const char *key, size_t n)
{
    for (size_t i = ken_hash64(key, n) & m->mask;; i = (i + 1) & m->mask) {
        entry *e = &m->slot[i];
        if (e->key == NULL || (e->n == n && memcmp(e->key, key, n) == 0)) return e;
    }
}

static int double_slots(ken_strmap *m)
{
    ken_strmap bigger = {ken_calloc(2 * (m->mask + 1), sizeof(entry)), 2 * (m->mask + 1) - 1, m->count};
    if (bigger.slot == NULL) return -1;
    for (size_t i = 0; i <= m->mask; i++)
        if (m->slot[i].key != NULL) *find(&bigger, m->slot[i].key, m->slot[i].n) = m->slot[i];
    ken_free(m->slot);
    *m = bigger;
    return 0;
}

int ken_strmap_add(ken_strmap *m, const char *key, size_t n, int32_t value)
{
    if (2 * (m->count + 1) > m->mask + 1 && double_slots(m) != 0) return -1;
    entry *e = find(m, key, n);
    if (e->key != NULL) return 0;
    *e = (entry){key, n, value};
    m->count++;
    return 1;
}

int32_t ken_strmap_get(const ken_strmap *m, const char *key, size_t n, int32_t missing)
{
    const entry *e = find(m, key, n);
    return e->key != NULL ? e->value : missing;
}

int32_t ken_strmap_number(ken_strmap *m, const char *key, size_t n)
{
    const int32_t next = m->count < INT32_MAX ? (int32_t)m->count : -1;
    const int added = next < 0 ? -1 : ken_strmap_add(m, key, n, next);
    return added == 0 ? ken_strmap_get(m, key, n, -1) : added < 0 ? -1 : next;
}

const char *ken_strmap_intern(ken_strmap *m, ken_arena *a, const char *key, size_t n)
{
    const char *own = find(m, key, n)->key;
    if (own != NULL) return own;
    own = ken_arena_strndup(a, key, n);
    return own != NULL && ken_strmap_number(m, own, n) >= 0 ? own : NULL;
}

size_t ken_strmap_count(const ken_strmap *m) { return m->count; }
