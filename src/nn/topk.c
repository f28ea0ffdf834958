/* topk.c - one pass over the vocabulary with a heap of the best so far. A block of logits none of which beats the worst of the
 * heap is skipped with one comparison of its maximum: after the first few thousand tokens almost every block is. */
#include "nn/topk.h"
#include <float.h>
#include <math.h>

enum { BLOCK = 64 };

/* Heap order: the worst on top. Worse = smaller logit, or the same logit with a higher id. */
static bool worse(float a, int32_t ia, float b, int32_t ib) { return a < b || (a == b && ia > ib); }

static void sift_down(float *v, int32_t *id, int32_t n, int32_t i)
{
    float x = v[i];
    int32_t ix = id[i];
    for (int32_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && worse(v[c + 1], id[c + 1], v[c], id[c])) c++;
        if (!worse(v[c], id[c], x, ix)) break;
        v[i] = v[c];
        id[i] = id[c];
    }
    v[i] = x;
    id[i] = ix;
}

/* Largest of n logits; NaN or infinity makes *bad true. Plain loops that the compiler turns into vector code. */
static float block_max(const float *x, int32_t n, bool *bad)
{
    float lane[16];
    int32_t wrong = 0;
    for (int j = 0; j < 16; j++) lane[j] = -FLT_MAX;
    int32_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) {
            wrong |= !(fabsf(x[i + j]) <= FLT_MAX); /* false for NaN too */
            lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
        }
    for (; i < n; i++) {
        wrong |= !(fabsf(x[i]) <= FLT_MAX);
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    }
    for (int j = 1; j < 16; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    *bad = *bad || wrong;
    return lane[0];
}

int32_t ken_topk(const float *logits, int32_t V, int32_t k, int32_t *id, float *value)
{
    if (k > V) k = V;
    int32_t n = 0;
    bool bad = false;
    for (int32_t at = 0; at < V; at += BLOCK) {
        int32_t end = V - at < BLOCK ? V : at + BLOCK;
        float most = block_max(logits + at, end - at, &bad);
        if (bad) return -1;
        if (n == k && (k == 0 || !(most > value[0])))
            continue; /* ids ascend, so an equal logit never displaces one in the heap */
        for (int32_t i = at; i < end; i++) {
            if (n < k) { /* filling: sift up */
                int32_t c = n++;
                for (int32_t up = (c - 1) / 2; c > 0 && worse(logits[i], i, value[up], id[up]); up = (c - 1) / 2) {
                    value[c] = value[up];
                    id[c] = id[up];
                    c = up;
                }
                value[c] = logits[i];
                id[c] = i;
            } else if (logits[i] > value[0]) {
                value[0] = logits[i];
                id[0] = i;
                sift_down(value, id, n, 0);
            }
        }
    }
    for (int32_t m = n - 1; m > 0; m--) { /* heap sort: the worst goes to the end */
        float x = value[0];
        int32_t ix = id[0];
        value[0] = value[m];
        id[0] = id[m];
        value[m] = x;
        id[m] = ix;
        sift_down(value, id, m, 0);
    }
    return n;
}
