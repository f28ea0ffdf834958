/* isa.c - which instruction set the kernels use. The only place that asks the CPU. */
#include "nn/kernels_back.h"
#include <stdbool.h>
#include <string.h>

static const char *const names[] = {"generic", "avx2", "avx512"};
enum { N_ISA = sizeof names / sizeof *names };

const char *ken_isa_name(ken_isa isa) { return (unsigned)isa < N_ISA ? names[isa] : "?"; }

static bool have(ken_isa isa)
{
    switch (isa) {
    case KEN_ISA_GENERIC: return true;
#if defined(__x86_64__)
    case KEN_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case KEN_ISA_AVX512: /* what oneDNN calls avx512_core */
        return have(KEN_ISA_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    default: return false;
    }
}

ken_isa ken_isa_best(void)
{
    if (have(KEN_ISA_AVX512)) return KEN_ISA_AVX512;
    return have(KEN_ISA_AVX2) ? KEN_ISA_AVX2 : KEN_ISA_GENERIC;
}

bool ken_isa_has_bf16(void)
{
#if defined(__x86_64__)
    return have(KEN_ISA_AVX512) && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

int ken_isa_parse(ken_isa *isa, const char *name, ken_err *err)
{
    if (name == NULL) {
        *isa = ken_isa_best();
        return KEN_OK;
    }
    for (int i = 0; i < N_ISA; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        if (!have((ken_isa)i))
            return ken_fail(err, KEN_EUSAGE, "this CPU has no %s; the best it has is %s", name,
                            ken_isa_name(ken_isa_best()));
        *isa = (ken_isa)i;
        return KEN_OK;
    }
    return ken_fail(err, KEN_EUSAGE, "unknown instruction set \"%s\"; known: generic, avx2, avx512", name);
}

const ken_kernels *ken_kernels_get(ken_isa isa)
{
#if defined(__x86_64__)
    if (isa == KEN_ISA_AVX512) return &ken_kernels_avx512;
    if (isa == KEN_ISA_AVX2) return &ken_kernels_avx2;
#endif
    (void)isa;
    return &ken_kernels_generic;
}

const ken_back_kernels *ken_back_kernels_get(ken_isa isa)
{
#if defined(__x86_64__)
    if (isa == KEN_ISA_AVX512) return &ken_back_kernels_avx512;
    if (isa == KEN_ISA_AVX2) return &ken_back_kernels_avx2;
#endif
    (void)isa;
    return &ken_back_kernels_generic;
}

int ken_compute_parse(ken_compute *c, const char *name, ken_err *err)
{
    *c = name != NULL && strcmp(name, "bf16") == 0 ? KEN_BF16_COMPUTE : KEN_F32_COMPUTE;
    if (name == NULL || strcmp(name, "f32") == 0 || strcmp(name, "bf16") == 0) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "unknown compute type \"%s\"; known: f32, bf16", name);
}
