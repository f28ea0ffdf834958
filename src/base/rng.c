/* rng.c - Philox4x32-10 and what is drawn with it; see rng.h. */
#include "base/rng.h"
#include "base/hash.h"
#include <string.h>

void ken_philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = {ctr[0], ctr[1], ctr[2], ctr[3]}, k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k[0], n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
        c[0] = n0;
        c[1] = (uint32_t)p1;
        c[2] = n2;
        c[3] = (uint32_t)p0;
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

double ken_uniform(uint64_t seed, const char *id, size_t n, uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t k = ken_mix64(seed + 0x9E3779B97F4A7C15u) ^ ken_hash64(id, n);
    uint32_t key[2] = {(uint32_t)k, (uint32_t)(k >> 32)}, ctr[4] = {a, b, c, 0x6b656eu}, r[4];
    ken_philox4x32(ctr, key, r);
    uint64_t bits = ((uint64_t)r[0] << 32 | r[1]) >> 11;
    return (double)bits * 0x1p-53;
}

void ken_shuffle(uint64_t seed, const char *name, int32_t *out, int32_t n)
{
    size_t len = strlen(name);
    for (int32_t i = 0; i < n; i++) out[i] = i;
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)(ken_uniform(seed, name, len, (uint32_t)i, 0, 0) * (double)(i + 1));
        int32_t t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}
