/* rng.h - counter-based random numbers: a pure function of (seed, key, counters), so that a draw never depends on order,
 * threads or what was drawn before. Philox4x32-10 (Salmon et al., SC 2011), key from SHA-free 64-bit mixing of seed and row id. */
#ifndef KEN_BASE_RNG_H
#define KEN_BASE_RNG_H
#include <stddef.h>
#include <stdint.h>

/* The Philox4x32-10 block function; known-answer vectors in tests/base. */
void ken_philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

/* splitmix64's finaliser: numbers that differ by one bit give unrelated ones. */
static inline uint64_t ken_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Uniform in [0,1) with 53 random bits. `id`/`n` names the row ("P36/test/12"), a/b/c are counters (prompt, sample, position). */
double ken_uniform(uint64_t seed, const char *id, size_t n, uint32_t a, uint32_t b, uint32_t c);

/* Fisher-Yates with the generator above keyed by (seed, name); permutes 0..n-1 written to out (n). */
void ken_shuffle(uint64_t seed, const char *name, int32_t *out, int32_t n);
#endif
