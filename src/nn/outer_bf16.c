/* outer_bf16.c - the outer product of outer_bf16.h. Compiled for AVX512_BF16 alone.
 *
 * C[i][j] += sum over rows r of A[r][i] B[r][j], two rows at a time: vdpbf16ps adds to lane l of a sum x[2l+1] y[2l+1] + x[2l] y[2l] of bf16
 * pairs. A word here is such a pair, one column of rows 2p and 2p+1; a word of A in all lanes times 16 words of B gives 16 columns of a row of
 * C. A span of rows is converted into words once, in panels that the inner loop reads from front to end: 16 columns of A, 48 of B. 8 columns
 * of A times 48 of B fill 24 registers of sums.
 *
 * An element of C gets, span after span, one sum over the span's pairs of rows, first to last: always in the same order. */
#include "nn/outer_bf16.h"
#include <immintrin.h>
#include <stdbool.h>

enum { V = 16, A_WIDE = V, B_VECTORS = 3, B_WIDE = B_VECTORS * V, AT_ONCE = 8, SPAN = 256, B_MOST = 768 };

#define INLINE static inline __attribute__((always_inline))

static int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }
static int min_int(int a, int b) { return a < b ? a : b; }

size_t ken_outer_bf16_room(int n, int k)
{
    return (size_t)(SPAN / 2) * ((size_t)round_up(n, V) + (size_t)round_up(min_int(k, B_MOST), V));
}

static __mmask16 first_lanes(int n) { return (__mmask16)(n >= V ? 0xffff : (1U << n) - 1); }

/* x (rows, ld), its first `cols` columns, into panels of `wide` columns (the last has what is left, rounded up to V): each is
 * (rows / 2, its columns) words. A missing last row and missing columns are zero. */
static void pair_rows(uint32_t *out, const float *x, size_t ld, int rows, int cols, int wide)
{
    const size_t pairs = ((size_t)rows + 1) / 2;
    const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (size_t r = 0; r < pairs; r++) {
        const bool even = 2 * r + 1 < (size_t)rows; /* the row has a partner */
        const float *low = x + 2 * r * ld, *high = even ? low + ld : low;
        uint32_t *panel = out;
        for (int at = 0; at < cols; at += wide) {
            const int width = round_up(min_int(wide, cols - at), V);
            for (int i = 0; i < width; i += V) {
                const __mmask16 mask = first_lanes(cols - at - i);
                const __m512 l = _mm512_maskz_loadu_ps(mask, low + at + i);
                const __m512 h = _mm512_maskz_loadu_ps(even ? mask : 0, high + at + i);
                const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(h, l); /* l's 16, then h's */
                _mm512_store_si512(panel + r * (size_t)width + i, _mm512_permutexvar_epi16(zip, both));
            }
            panel += pairs * (size_t)width;
        }
    }
}

/* c (m, cols), m <= AT_ONCE, cols <= vectors V: += A^T B for m columns of a panel of A, from the one that a points at, and a panel of B (pairs,
 * vectors V). */
INLINE void multiply(const int vectors, const uint32_t *a, const uint32_t *b, size_t pairs, float *c, size_t ldc, int m,
                     int cols)
{
    __m512 sum[AT_ONCE][B_VECTORS];
    for (int i = 0; i < AT_ONCE; i++)
        for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_setzero_ps();
    for (size_t r = 0; r < pairs; r++, a += A_WIDE, b += vectors * V) {
        __m512bh y[B_VECTORS];
        for (int v = 0; v < vectors; v++) y[v] = (__m512bh)_mm512_load_si512(b + v * V);
        for (int i = 0; i < AT_ONCE; i++) {
            const __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i]);
            for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], x, y[v]);
        }
    }
    for (int i = 0; i < AT_ONCE; i++) { /* all of them, so that the sums stay in registers */
        if (i >= m) break;
        for (int v = 0; v < vectors; v++) {
            float *at = c + (size_t)i * ldc + v * V;
            const __mmask16 mask = first_lanes(cols - v * V);
            _mm512_mask_storeu_ps(at, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, at), sum[i][v]));
        }
    }
}

/* c (n, cols) += A^T B for all of A's panels and one of B's. */
static void panel_of_b(const uint32_t *a, const uint32_t *b, size_t pairs, float *c, size_t ldc, int n, int cols)
{
    for (int i = 0; i < n; i += AT_ONCE, c += AT_ONCE * ldc) {
        const uint32_t *from = a + (size_t)(i / A_WIDE) * pairs * A_WIDE + i % A_WIDE;
        if (cols > 2 * V) multiply(3, from, b, pairs, c, ldc, min_int(n - i, AT_ONCE), cols);
        else if (cols > V) multiply(2, from, b, pairs, c, ldc, min_int(n - i, AT_ONCE), cols);
        else multiply(1, from, b, pairs, c, ldc, min_int(n - i, AT_ONCE), cols);
    }
}

void ken_outer_bf16(const float *a, int lda, const float *b, int ldb, float *c, int n, int k, int rows, uint32_t *room)
{
    for (int r = 0; r < rows; r += SPAN) {
        const int span = min_int(rows - r, SPAN);
        const size_t pairs = ((size_t)span + 1) / 2;
        uint32_t *wa = room, *wb = room + (size_t)round_up(n, V) * pairs;
        pair_rows(wa, a + (size_t)r * (size_t)lda, (size_t)lda, span, n, A_WIDE);
        for (int from = 0; from < k; from += B_MOST) { /* so that both stay in the second cache */
            const int width = min_int(k - from, B_MOST);
            pair_rows(wb, b + (size_t)r * (size_t)ldb + from, (size_t)ldb, span, width, B_WIDE);
            for (int j = 0; j < width; j += B_WIDE)
                panel_of_b(wa, wb + (size_t)j * pairs, pairs, c + from + j, (size_t)k, n, min_int(width - j, B_WIDE));
        }
    }
}
