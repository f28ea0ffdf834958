/* rope.h - the table of rotary angles: cos and sin for each position and frequency, made once and grown when needed. */
#ifndef KEN_NN_ROPE_H
#define KEN_NN_ROPE_H
#include "base/error.h"
#include "model/config.h"

typedef struct ken_rope {
    int half;         /* d_rope / 2 frequencies */
    int n;            /* positions in the table */
    float *inv_freq;  /* (half) radians a position */
    float magnitude;  /* factor on cos and sin (yarn); else 1 */
    float *cos, *sin; /* (n, half) */
} ken_rope;

int ken_rope_init(ken_rope *r, const ken_config *c, ken_err *err); /* KEN_EINPUT when the scaling makes no sense */
int ken_rope_reserve(ken_rope *r, int n, ken_err *err);            /* positions 0..n-1 */
void ken_rope_free(ken_rope *r);
#endif
