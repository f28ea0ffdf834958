#!/usr/bin/env python3
"""Logits of the default model from transformers in f32: python tests/oracles/nn_smollm2.py MODEL.gguf tests/fixtures/nn/smollm2.bin

The GGUF file's weights are dequantised with the gguf package and put into transformers' LlamaForCausalLM (rows of Wq and Wk back
from GGUF's order into halves order); the tokenizer is not used: prompts are random token ids, and one long run of small ids. For
each prompt the 40 largest logits of some positions are kept: ids and numbers only, nothing of the model's weights or text.

Layout, little-endian: "KENTOP1\\0", int32 n_prompts; for each prompt int32 n, token[n], n_rows; for each row int32 position,
int32 id[40], f32 logit[40] (largest first), f64 logsumexp over all of V.

Made with torch 2.15.0, transformers 5.23.0, gguf 0.19.0, numpy 2.4.6 from SmolLM2-135M-Instruct.Q4_1.gguf
(SHA-256 b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53).
"""
import pathlib, struct, sys
import gguf, numpy as np, torch, transformers

TOP = 40


def load(path):
    r = gguf.GGUFReader(path)
    f = lambda key: r.fields[key].contents()
    c = transformers.LlamaConfig(
        hidden_size=f("llama.embedding_length"), intermediate_size=f("llama.feed_forward_length"),
        num_hidden_layers=f("llama.block_count"), num_attention_heads=f("llama.attention.head_count"),
        num_key_value_heads=f("llama.attention.head_count_kv"), rms_norm_eps=f("llama.attention.layer_norm_rms_epsilon"),
        max_position_embeddings=f("llama.context_length"), tie_word_embeddings=True, attn_implementation="eager",
        vocab_size=len(f("tokenizer.ggml.tokens")),
        rope_parameters={"rope_type": "default", "rope_theta": f("llama.rope.freq_base")})
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(tuple(reversed(t.shape.tolist())))
               for t in r.tensors}
    names = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj"}
    state = {"model.embed_tokens.weight": tensors["token_embd.weight"], "model.norm.weight": tensors["output_norm.weight"],
             "lm_head.weight": tensors.get("output.weight", tensors["token_embd.weight"])}
    for l in range(c.num_hidden_layers):
        for ours, theirs in names.items():
            w = tensors[f"blk.{l}.{ours}.weight"]
            heads = {"attn_q": c.num_attention_heads, "attn_k": c.num_key_value_heads}.get(ours)
            if heads: w = w.reshape(heads, w.shape[0] // heads // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
            state[f"model.layers.{l}.{theirs}.weight"] = w
    model = transformers.LlamaForCausalLM(c).float().eval()
    missing, unexpected = model.load_state_dict({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in state.items()}, strict=False)
    assert not unexpected and not missing, (missing, unexpected)
    return model


def main(path, out):
    model = load(path)
    g = torch.Generator().manual_seed(20240509)
    prompts = [torch.randint(0, model.config.vocab_size, (n,), generator=g).tolist() for n in (1, 17, 64)]
    prompts.append([(7 * i * i + 300) % 2000 for i in range(200)])
    blob = b"KENTOP1\0" + struct.pack("<i", len(prompts))
    for ids in prompts:
        with torch.no_grad(): logits = model(torch.tensor([ids]), use_cache=False).logits[0].float()
        rows = sorted({0, len(ids) // 2, len(ids) - 1})
        blob += struct.pack(f"<i{len(ids)}ii", len(ids), *ids, len(rows))
        for r in rows:
            top = torch.topk(logits[r], TOP)
            blob += struct.pack(f"<i{TOP}i{TOP}fd", r, *top.indices.tolist(), *top.values.tolist(), float(torch.logsumexp(logits[r].double(), 0)))
    pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(out).write_bytes(blob)


if __name__ == "__main__":
    main(*sys.argv[1:])
