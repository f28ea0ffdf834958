/* fuzz_adapter.c - any bytes as an adapter: two bytes of length, adapter_config.json, adapter_model.safetensors. What is accepted must be
 * finite and is added to weights. */
#include "base/alloc.h"
#include "model/lora.h"
#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const ken_config c = {
        .arch = "llama", .n_layer = 2, .n_embd = 8, .n_head = 2, .n_kv = 1, .d_head = 4, .n_ff = 12};
    if (n < 2) return 0;
    size_t n_config = (size_t)data[0] | (size_t)data[1] << 8;
    if (n_config > n - 2) n_config = n - 2;
    /* copies of their own size: reading past either end is seen */
    void *config = ken_alloc(n_config, 1), *weights = ken_alloc(n - 2 - n_config, 1);
    if (config == NULL || weights == NULL) abort();
    for (size_t i = 0; i < n_config; i++) ((uint8_t *)config)[i] = data[2 + i];
    for (size_t i = 2 + n_config; i < n; i++) ((uint8_t *)weights)[i - 2 - n_config] = data[i];
    const ken_lora_bytes in = {config, weights, n_config, n - 2 - n_config, "config", "weights"};
    ken_lora *l;
    ken_err err;
    if (ken_lora_from_bytes(&l, &in, &c, &err) == KEN_OK) {
        float w[8 * 12] = {0};
        for (int i = 0; i < 2 * KEN_N_MODULES; i++) {
            const ken_lora_pair *p = &l->pair[i];
            for (int k = 0; p->a != NULL && k < l->rank * p->in; k++)
                if (!isfinite(p->a[k])) abort();
            ken_lora_add(l, i / KEN_N_MODULES, (ken_module)(i % KEN_N_MODULES), w, 1);
        }
        ken_lora_free(l);
    }
    ken_free(config);
    ken_free(weights);
    return 0;
}
