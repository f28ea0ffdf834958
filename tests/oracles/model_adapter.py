#!/usr/bin/env python3
"""Adapters as peft writes them, with the logits that peft computes: for tiny-llama-tied (all projections) and tiny-qwen2 (some, of one
layer, rank-stabilised).

    python tests/oracles/model_adapter.py tests/fixtures/model

Adds adapter/ to those models' folders: what save_pretrained leaves (without README.md), and reference.bin: "KENREF1", the number of tokens,
of the vocabulary (int32), the tokens, f32 logits of each. Made with torch 2.15.0, transformers 5.23.0, peft 0.21.2; seed below.
"""
import json, pathlib, shutil, struct, sys
import peft, torch, transformers

SEED = 405906
CASES = {"llama-tied": dict(r=4, lora_alpha=6, lora_dropout=0.05, target_modules="all-linear"),
         "qwen2": dict(r=3, lora_alpha=5, use_rslora=True, target_modules=["q_proj", "v_proj", "down_proj"], layers_to_transform=[1])}

root = pathlib.Path(sys.argv[1])
torch.set_num_threads(1)
for name, settings in CASES.items():
    g = torch.Generator().manual_seed(SEED)
    base = root / f"tiny-{name}"
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
    with torch.no_grad():
        for key, p in sorted(model.named_parameters()):
            if "lora_" in key: p.copy_(0.1 * torch.randn(p.shape, generator=g))
    out = base / "adapter"
    shutil.rmtree(out, ignore_errors=True)
    model.save_pretrained(out)
    (out / "README.md").unlink()
    c = json.loads((out / "adapter_config.json").read_text())
    c["base_model_name_or_path"] = f"tiny-{name}"
    c["target_modules"] = sorted(c["target_modules"])
    (out / "adapter_config.json").write_text(json.dumps(c, indent=2, sort_keys=True) + "\n")
    v = model.config.vocab_size
    ids = torch.randint(0, v, (24,), generator=g).tolist()
    with torch.no_grad(): logits = model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    (out / "reference.bin").write_bytes(b"KENREF1\0" + struct.pack(f"<ii{len(ids)}i", len(ids), v, *ids) + logits.astype("<f4").tobytes())
    for f in out.iterdir(): f.chmod(0o644)
