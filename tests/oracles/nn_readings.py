#!/usr/bin/env python3
"""Hidden states and attention weights from transformers, in f64: python tests/oracles/nn_readings.py tests/fixtures/model tests/fixtures/nn/readings.bin

Of two of the tiny models that model_tiny.py made: one with a sliding window shorter than the sequence and grouped queries, one with norms
of q and k. The token ids are random (seed below). The hidden state is the one after the last norm, from which the head makes the logits.

Layout, little-endian: "KENREAD1", int32 n_models; for each model int32 length of its name, name, int32 n, token[n], n_embd, n_layer,
n_head; f32 hidden[n][n_embd], f32 attention[n_layer][n_head][n][n] (row: who looks, column: at whom).

Made with torch 2.15.0, transformers 5.24.0, numpy 2.4.6.
"""
import pathlib, struct, sys
import torch, transformers

SEED, LENGTH, MODELS = 20240510, 24, ("mistral", "qwen3")


def one(folder, name, g):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / f"tiny-{name}", dtype=torch.float64, attn_implementation="eager").eval()
    ids = torch.randint(0, model.config.vocab_size, (LENGTH,), generator=g)
    with torch.no_grad():
        out = model(ids[None], use_cache=False, output_hidden_states=True, output_attentions=True)
    hidden, attention = out.hidden_states[-1][0], torch.stack(out.attentions)[:, 0]
    assert torch.allclose(model.lm_head(hidden), out.logits[0], atol=1e-9), "not the state behind the last norm"
    assert torch.allclose(attention.sum(-1), torch.ones(1, dtype=torch.float64), atol=1e-9)
    layers, heads, _, _ = attention.shape
    blob = struct.pack("<i", len(name)) + name.encode() + struct.pack(f"<i{LENGTH}i", LENGTH, *ids.tolist())
    blob += struct.pack("<iii", hidden.shape[1], layers, heads)
    return blob + hidden.numpy().astype("<f4").tobytes() + attention.numpy().astype("<f4").tobytes()


if __name__ == "__main__":
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(SEED)
    models = [one(pathlib.Path(sys.argv[1]), name, generator) for name in MODELS]
    pathlib.Path(sys.argv[2]).write_bytes(b"KENREAD1" + struct.pack("<i", len(models)) + b"".join(models))
