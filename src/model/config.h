/* config.h - the shape of a network, the same whatever file it came from. */
#ifndef KEN_MODEL_CONFIG_H
#define KEN_MODEL_CONFIG_H
#include <stdbool.h>
#include <stdint.h>

typedef enum ken_rope_scaling { KEN_ROPE_NONE, KEN_ROPE_LINEAR, KEN_ROPE_LLAMA3, KEN_ROPE_YARN } ken_rope_scaling;

typedef struct ken_config {
    char arch[16]; /* "llama", "qwen2", "qwen3" (mistral is llama with a window) */
    int n_layer, n_embd, n_head, n_kv, d_head, n_ff, n_vocab, n_ctx;
    int d_rope; /* rotated dimensions of a head, even, <= d_head */
    float norm_eps;
    double rope_theta;
    ken_rope_scaling rope_scaling;
    double rope_factor, rope_low, rope_high; /* llama3: factor, low_freq_factor, high_freq_factor; linear: factor */
    int rope_orig_ctx;                       /* llama3: original_max_position_embeddings */
    const float *rope_freqs; /* (d_rope/2) divisors from the file (rope_freqs.weight), or NULL; borrowed */
    int window;              /* sliding window: a token sees itself and window-1 before it; 0 = all */
    bool tied;               /* the head is the token embedding */
    bool qkv_bias, o_bias, mlp_bias, qk_norm;
    bool qk_interleaved; /* rows of Wq, Wk are in GGUF llama order (rotated pairs 2i, 2i+1); else halves (i, i + d/2) */
} ken_config;
#endif
