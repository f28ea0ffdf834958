/* draw.h - what the laboratory draws: numbers that are a function of (seed, stage, counters) alone, and Zipf's distribution. */
#ifndef KEN_LAB_DRAW_H
#define KEN_LAB_DRAW_H
#include "base/rng.h"

enum {
    KEN_STAGE_ANSWERS,
    KEN_STAGE_PRETRAIN,
    KEN_STAGE_TUNE,
    KEN_STAGE_HALF,
    KEN_STAGE_JOINT,
    KEN_STAGE_GRADIENT,
    KEN_STAGE_WORLD
};

typedef struct ken_stream {
    uint32_t key[2];
} ken_stream;

ken_stream ken_stream_of(uint64_t seed, int stage);
/* Four words, for step t of what a and b name. */
static inline void ken_stream_at(const ken_stream *s, uint64_t t, uint32_t a, uint32_t b, uint32_t out[4])
{
    const uint32_t ctr[4] = {(uint32_t)t, (uint32_t)(t / 0x100000000u), a, b};
    ken_philox4x32(ctr, s->key, out);
}
/* A word as a number below n, n < 2^32: as even as n/2^32 allows. */
static inline uint32_t ken_below(uint32_t word, uint32_t n) { return (uint32_t)((uint64_t)word * n >> 32); }

/* p(i) proportional to (i + 1)^-alpha, i < n, by Walker's aliases: one look at a table, whatever n is. */
typedef struct ken_zipf {
    uint32_t n;
    uint32_t *below; /* (n) keep i where the second word is below this */
    uint32_t *other; /* (n) else take this */
} ken_zipf;
int ken_zipf_make(ken_zipf *z, int n, double alpha); /* 0, or -1 when out of memory */
void ken_zipf_free(ken_zipf *z);
static inline int ken_zipf_draw(const ken_zipf *z, uint32_t first, uint32_t second)
{
    const uint32_t i = ken_below(first, z->n);
    return (int)(second < z->below[i] ? i : z->other[i]);
}

#endif
