/* softmax.c - which of the kernels this CPU uses; see softmax.h. */
#include "lab/softmax.h"
#include "nn/kernels.h"
#include <stdatomic.h>

static const ken_lab_kernels *choose(void)
{
#if defined(__x86_64__)
    const ken_isa isa = ken_isa_best();
    if (isa == KEN_ISA_AVX512) return &ken_lab_kernels_avx512;
    if (isa == KEN_ISA_AVX2) return &ken_lab_kernels_avx2;
#endif
    return &ken_lab_kernels_generic;
}

static const ken_lab_kernels *kernels(void)
{
    static _Atomic(const ken_lab_kernels *) chosen;
    const ken_lab_kernels *k = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (k == NULL) atomic_store_explicit(&chosen, k = choose(), memory_order_relaxed);
    return k;
}

void ken_lab_softmax(float *p, const float *s, const float *r, float lambda, int k)
{
    kernels()->softmax(p, s, r, lambda, k);
}

float ken_lab_gain(const float *s, const float *r, float lambda, int a, int k)
{
    return kernels()->gain(s, r, lambda, a, k);
}

float ken_lab_value_step(const ken_value_step *x) { return kernels()->value_step(x); }

bool ken_lab_right(const float *s, const float *r, float lambda, int a, int k)
{
    return kernels()->right(s, r, lambda, a, k);
}
