#!/usr/bin/env python3
"""Seeds for the fuzz targets of the model layer: small right files to start from.

    python tests/oracles/model_seeds.py tests/fuzz/seeds tests/fixtures/model

GGUF models of one layer with vocabularies of both kinds, safetensors of every type, and the tokenizer.json files of the tiny models
with most of their vocabulary taken out; adapters of two layers. Made with gguf 0.19.0, numpy 2.4.6.
"""
import json, pathlib, struct, sys
import gguf, numpy as np

seeds, fixtures = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def small_gguf(path, arch, spm):
    w = gguf.GGUFWriter(path, arch)
    w.add_block_count(1); w.add_context_length(64); w.add_embedding_length(32); w.add_feed_forward_length(32)
    w.add_head_count(2); w.add_head_count_kv(1); w.add_layer_norm_rms_eps(1e-5); w.add_rope_freq_base(1e4)
    w.add_tokenizer_model("llama" if spm else "gpt2")
    pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "b", "ab"] if spm else ["a", "b", "c", "ab", "abc", "\u0120", "<|bos|>", "<|im_end|>"]
    w.add_token_list([p.encode() for p in pieces])
    w.add_token_types([2, 3, 3, 6, 1, 1, 1, 1] if spm else [1] * 6 + [3, 3])
    if spm: w.add_token_scores([0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -4.0, -1.0])
    else:
        w.add_tokenizer_pre("llama-bpe" if arch == "llama" else "qwen2")
        w.add_token_merges(["a b", "ab c"]); w.add_bos_token_id(6); w.add_eos_token_id(7)
    f32 = lambda *shape: np.ones(shape, np.float32)
    quant = lambda a, t: (gguf.quants.quantize(a, t), t)
    shapes = {"attn_norm": (32,), "attn_q": (32, 32), "attn_k": (16, 32), "attn_v": (16, 32), "attn_output": (32, 32), "ffn_norm": (32,),
              "ffn_gate": (32, 32), "ffn_up": (32, 32), "ffn_down": (32, 32)}
    w.add_tensor("token_embd.weight", f32(8, 32)); w.add_tensor("output_norm.weight", f32(32))
    for name, shape in shapes.items():
        if len(shape) == 2:
            data, t = quant(f32(*shape), gguf.GGMLQuantizationType.Q4_0)
            w.add_tensor(f"blk.0.{name}.weight", data, raw_dtype=t)
        else: w.add_tensor(f"blk.0.{name}.weight", f32(*shape))
    if arch == "qwen2":
        for name, n in (("attn_q", 32), ("attn_k", 16), ("attn_v", 16)): w.add_tensor(f"blk.0.{name}.bias", f32(n))
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()


def small_safetensors(path, entries, pad=b""):
    header = json.dumps(entries).encode() + pad
    end = max([e["data_offsets"][1] for k, e in entries.items() if k != "__metadata__"], default=0)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(256))[:end])


for target in ("fuzz_gguf", "fuzz_safetensors", "fuzz_tokenizer_json"): (seeds / target).mkdir(parents=True, exist_ok=True)
small_gguf(seeds / "fuzz_gguf/bpe", "llama", False)
small_gguf(seeds / "fuzz_gguf/spm", "llama", True)
small_gguf(seeds / "fuzz_gguf/qwen2", "qwen2", False)
small_safetensors(seeds / "fuzz_safetensors/three", {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]}, "c": {"dtype": "F16", "shape": [1, 1, 2], "data_offsets": [32, 36]}}, b"  ")
small_safetensors(seeds / "fuzz_safetensors/empty", {})
for name in ("llama-tied", "llama-bias", "llama3", "mistral", "qwen2"):
    t = json.loads((fixtures / f"tiny-{name}/tokenizer.json").read_text())
    keep = {p: i for p, i in t["model"]["vocab"].items() if i < 40 or len(p) < 3}
    t["model"]["vocab"] = dict(list(keep.items())[:60])
    t["model"]["merges"] = t["model"]["merges"][:8]
    (seeds / "fuzz_tokenizer_json" / name).write_text(json.dumps(t, ensure_ascii=False))

# ---- adapters: length of the configuration (2 bytes), the configuration, the weights; for a network of 2 layers, 8 wide ----------------


def adapter(name, config, tensors):
    at, header, data = 0, {}, b""
    for key, (dtype, shape) in tensors.items():
        n = int(np.prod(shape)) * (4 if dtype == "F32" else 2)
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + n]}
        at += n
        data += bytes(n - 1) + b"\x3f"
    head = json.dumps(header).encode()
    text = json.dumps(config).encode()
    (seeds / "fuzz_adapter").mkdir(exist_ok=True)
    (seeds / "fuzz_adapter" / name).write_bytes(struct.pack("<H", len(text)) + text + struct.pack("<Q", len(head)) + head + data)


PREFIX = "base_model.model.model.layers."
adapter("q", {"peft_type": "LORA", "r": 2, "lora_alpha": 4}, {PREFIX + "1.self_attn.q_proj.lora_A.weight": ("F32", [2, 8]),
                                                              PREFIX + "1.self_attn.q_proj.lora_B.weight": ("F32", [8, 2])})
adapter("rslora", {"peft_type": "LORA", "r": 1, "lora_alpha": 0.5, "use_rslora": True, "lora_dropout": 0.1, "use_dora": False, "rank_pattern": {}},
        {PREFIX + f"{n}.{m}.lora_{h}.weight": (t, s) for n in (0, 1) for m, i, o, t in (("mlp.gate_proj", 8, 12, "BF16"), ("mlp.down_proj", 12, 8, "F16"))
         for h, s in (("A", [1, i]), ("B", [o, 1]))})
