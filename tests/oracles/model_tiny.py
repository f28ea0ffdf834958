#!/usr/bin/env python3
"""Tiny random models of every family, in both formats, with reference logits from transformers.

    python tests/oracles/model_tiny.py tests/fixtures/model

writes one folder tiny-NAME a model; README.md there describes the layout. Weights are random (seed below), so the models know
nothing; what they test is that names, shapes, orders of rows, norms, rotary tables, windows and biases are what transformers
makes of the same files. Standard deviations are far larger than a trained model's: attention must be peaked, or mistakes in it
would not show within 1e-4. Prompts whose greedy path has a top-two margin below 1e-2 are replaced.

Made with torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, gguf 0.19.0, numpy 2.4.6.
"""
import collections, json, pathlib, shutil, struct, sys
import gguf, numpy as np, torch, transformers
from tokenizers import AddedToken, Tokenizer, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 20240509
N_GREEDY = 12
TEXT = """The capital of France is Paris, and the capital of Italy is Rome. Who wrote the play? It was written in 1603 by a poet.
She doesn't know where the river begins; they've asked 12 people, and he'll ask 345 more. What's the answer? Q: A: It's 42.
Water boils at 100 degrees. The mountain is 8848 metres high. Where was the painter born? In a small town near the sea.
Der Fluss fließt durch die Stadt. Où est la gare? ¿Dónde está el libro? Москва и Киев. 東京と北京。 Αθήνα. naïve café.
def area(width, height):
    return width * height
The the the and and of of to to in in is is was was for for on on that that with with his her their our your
one two three four five six seven eight nine ten eleven twelve thirteen twenty thirty hundred thousand million
""" * 3
STRINGS = ["", " ", "a", "The capital of France is", "  two  spaces", "tabs\tand\nlines\n\n", "don't DON'T I'll they've", "1234567 3.14",
           "Où est la gare?", "東京と北京。Москва", "emoji \U0001F600\U0001F468\u200d\U0001F469 end", "x<|end|>y", "<s>hello</s>", "trailing   ",
           "\u2581under", "ﬁ ligature, e\u0301 combining"]

LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2_SPLIT = LLAMA3_SPLIT.replace("{1,3}", "")

# ---- tokenizers ---------------------------------------------------------------------------------------------------------


def byte_level(pre, n_vocab=292):
    """A byte-level BPE with the named pre-tokenizer; <|bos|>, <|end|> are control tokens, <note> is not."""
    t = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    regex = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    t.pre_tokenizer = {
        "gpt-2": regex,
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), regex]),
        "llama-bpe": pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"), plain]),
        "qwen2": pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"), plain]),
    }[pre]
    if pre == "qwen2":
        t.normalizer = normalizers.NFC()
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=n_vocab - 3, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    t.train_from_iterator([TEXT], trainer)
    t.add_special_tokens([AddedToken("<|bos|>", special=True, normalized=False), AddedToken("<|end|>", special=True, normalized=False)])
    t.add_tokens([AddedToken("<note>", special=False, normalized=False)])
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    if pre == "llama-bpe":  # as Llama-3: a template puts BOS before the text
        t.post_processor = processors.Sequence([t.post_processor, processors.TemplateProcessing(
            single="<|bos|> $A", special_tokens=[("<|bos|>", t.token_to_id("<|bos|>"))])])
    return t


def sentencepiece_like(n_vocab=420):
    """What a converted Llama-2 tokenizer.json looks like: spaces are U+2581, one is put before the text, bytes fall back."""
    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    raw.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581[^\u2581]*"), "isolated")  # training only: no merge over two words
    count = collections.Counter(TEXT)
    frequent = set(sorted(count, key=lambda c: (-count[c], c))[:70])  # the trainer's own limit breaks ties at random
    lines = ["".join(c for c in line if c in frequent) for line in TEXT.splitlines()]
    raw.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=n_vocab - 259, show_progress=False))
    learnt = sorted(raw.get_vocab().items(), key=lambda kv: kv[1])
    merges = [tuple(m) for m in json.loads(raw.to_str())["model"]["merges"]]
    results = [a + b for a, b in merges]
    chars = [p for p, _ in learnt if p not in set(results)]
    vocab = {p: i for i, p in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + results + chars)}
    # SentencePiece knows scores, not pairs: every way to cut a piece into two pieces is a merge with the piece's rank.
    pairs = [(r[:k], r[k:]) for r in results for k in range(1, len(r)) if r[:k] in vocab and r[k:] in vocab]
    t = Tokenizer(models.BPE(vocab=vocab, merges=pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = raw.normalizer
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in ("<unk>", "<s>", "</s>")])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t, results


# ---- models -------------------------------------------------------------------------------------------------------------

LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 32}
COMMON = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              max_position_embeddings=128, rms_norm_eps=1e-5, attn_implementation="eager")
MODELS = {  # name: (configuration class, its settings, pre-tokenizer, options)
    "llama-tied": ("Llama", dict(tie_word_embeddings=True), "spm", {}),
    "llama-bias": ("Llama", dict(tie_word_embeddings=False, num_key_value_heads=4, attention_bias=True, mlp_bias=True), "smollm", {}),
    "llama3": ("Llama", dict(tie_word_embeddings=False, rope_parameters=LLAMA3_ROPE), "llama-bpe", dict(shards=True, old_config=True)),
    "llama-linear": ("Llama", dict(tie_word_embeddings=True, num_key_value_heads=1,
                                   rope_parameters={"rope_type": "linear", "factor": 2.5, "rope_theta": 10000.0}), "gpt-2", {}),
    "mistral": ("Mistral", dict(tie_word_embeddings=False, sliding_window=8, num_hidden_layers=3, head_dim=8), "gpt-2", dict(old_config=True)),
    "qwen2": ("Qwen2", dict(tie_word_embeddings=True), "qwen2", {}),
    "qwen3": ("Qwen3", dict(tie_word_embeddings=False, head_dim=16), "qwen2", dict(bf16=True)),
}


def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=g)
            if "norm" in name: p.copy_(1.0 + 0.2 * noise)
            elif name.endswith("bias"): p.copy_(0.3 * noise)
            elif "embed" in name: p.copy_(noise)
            else: p.copy_(noise * 1.5 / p.shape[-1] ** 0.5)


def permute(w, n_head):
    """The rows of Wq, Wk as llama's GGUF converter orders them: pair i of a head is rows 2i and 2i + 1."""
    return w.reshape(n_head, 2, w.shape[0] // n_head // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


GGUF_LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
              "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
GGUF_WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def write_gguf(path, name, model, tokenizer, pre, spm_results, bf16):
    c = model.config
    arch = {"LlamaConfig": "llama", "MistralConfig": "llama", "Qwen2Config": "qwen2", "Qwen3Config": "qwen3"}[type(c).__name__]
    d_head = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    w = gguf.GGUFWriter(path, arch)
    w.add_name(f"tiny {name}")
    w.add_block_count(c.num_hidden_layers)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(c.rope_parameters["rope_theta"])
    if arch == "llama":
        w.add_vocab_size(c.vocab_size)
        w.add_rope_dimension_count(d_head)
    if d_head != c.hidden_size // c.num_attention_heads:
        w.add_key_length(d_head)
        w.add_value_length(d_head)
    if c.rope_parameters["rope_type"] == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(c.rope_parameters["factor"])
    if arch == "llama" and getattr(c, "sliding_window", None):
        w.add_sliding_window(c.sliding_window)

    t = json.loads(tokenizer.to_str())
    pieces = {i: p for p, i in t["model"]["vocab"].items()}
    types = {i: gguf.TokenType.NORMAL for i in pieces}
    for a in t["added_tokens"]:
        pieces[a["id"]] = a["content"]
        types[a["id"]] = gguf.TokenType.CONTROL if a["special"] else gguf.TokenType.USER_DEFINED
    for i in range(c.vocab_size):
        if i not in pieces: pieces[i], types[i] = f"[PAD{i}]", gguf.TokenType.UNUSED
    if pre == "spm":
        for i in range(3, 259): types[i] = gguf.TokenType.BYTE
        types[0] = gguf.TokenType.UNKNOWN
        order = {p: float(-i) for i, p in enumerate(spm_results)}
        w.add_tokenizer_model("llama")
        w.add_token_scores([order.get(pieces[i], -1e6) if types[i] == gguf.TokenType.NORMAL else 0.0 for i in range(c.vocab_size)])
        w.add_add_bos_token(True)
        w.add_unk_token_id(0)
    else:
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre(pre)
        w.add_token_merges([" ".join(m) for m in t["model"]["merges"]])
        w.add_add_bos_token(pre == "llama-bpe")
    w.add_token_list([pieces[i].encode() for i in range(c.vocab_size)])
    w.add_token_types([types[i] for i in range(c.vocab_size)])
    w.add_bos_token_id(c.bos_token_id)
    w.add_eos_token_id(c.eos_token_id)

    for key, p in model.state_dict().items():
        if key == "lm_head.weight" and c.tie_word_embeddings: continue
        a = p.numpy()
        if key in GGUF_WHOLE: to = GGUF_WHOLE[key]
        else:
            _, _, layer, rest = key.split(".", 3)
            stem, kind = rest.rsplit(".", 1)
            to = f"blk.{layer}.{GGUF_LAYER[stem]}.{kind}"
            if arch == "llama" and stem == "self_attn.q_proj": a = permute(a, c.num_attention_heads)
            if arch == "llama" and stem == "self_attn.k_proj": a = permute(a, c.num_key_value_heads)
        if bf16 and a.ndim == 2:
            w.add_tensor(to, gguf.quants.quantize(a, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
        else: w.add_tensor(to, np.ascontiguousarray(a))
    if c.rope_parameters["rope_type"] == "llama3":  # the converter stores the scaling as divisors of the frequencies
        r = c.rope_parameters
        freqs = r["rope_theta"] ** (-np.arange(0, d_head, 2) / d_head)
        wave = 2 * np.pi / freqs
        low, high = r["original_max_position_embeddings"] / r["low_freq_factor"], r["original_max_position_embeddings"] / r["high_freq_factor"]
        smooth = (r["original_max_position_embeddings"] / wave - r["low_freq_factor"]) / (r["high_freq_factor"] - r["low_freq_factor"])
        between = 1 / ((1 - smooth) / r["factor"] + smooth)
        w.add_tensor("rope_freqs.weight", np.where(wave < high, 1.0, np.where(wave > low, r["factor"], between)).astype(np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# ---- references ---------------------------------------------------------------------------------------------------------


def greedy(model, ids, n):
    """n greedy tokens behind ids, and the smallest top-two margin on the way. Without cache: every step forwards everything."""
    out, margin = [], float("inf")
    with torch.no_grad():
        for _ in range(n):
            top = torch.topk(model(torch.tensor([ids + out]), use_cache=False).logits[0, -1], 2)
            margin = min(margin, float(top.values[0] - top.values[1]))
            out.append(int(top.indices[0]))
    return out, margin


def write_reference(path, model, seed):
    g = torch.Generator().manual_seed(seed)
    v = model.config.vocab_size
    blob = b"KENREF1\0" + struct.pack("<ii", 3, v)
    margins = []
    for n in (20, 31, 40):
        while True:
            ids = torch.randint(0, v, (n,), generator=g).tolist()
            path_ids, margin = greedy(model, ids, N_GREEDY)
            if margin > 1e-2: break
        margins.append(margin)
        with torch.no_grad(): logits = model(torch.tensor([ids]), use_cache=False).logits[0].float().numpy()
        rows = sorted({0, 1, n // 3, n // 2, n - 2, n - 1} | {7, 8, 9})
        blob += struct.pack(f"<i{n}i", n, *ids) + struct.pack(f"<i{len(rows)}i", len(rows), *rows)
        blob += logits[rows].astype("<f4").tobytes() + struct.pack(f"<i{N_GREEDY}i", N_GREEDY, *path_ids)
    path.write_bytes(blob)
    return min(margins)


def old_style(config):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling instead of rope_parameters, torch_dtype."""
    r = config.pop("rope_parameters")
    config["rope_theta"] = r.pop("rope_theta")
    config["rope_scaling"] = None if r["rope_type"] == "default" else r
    config["torch_dtype"] = config.pop("dtype", "float32")
    return config


def make(out, name, seed):
    kind, settings, pre, opt = MODELS[name]
    folder = out / f"tiny-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results = None
    if pre == "spm": tokenizer, results = sentencepiece_like()
    else: tokenizer = byte_level(pre)
    bos, eos = (1, 2) if pre == "spm" else (tokenizer.token_to_id("<|bos|>"), tokenizer.token_to_id("<|end|>"))
    n_vocab = tokenizer.get_vocab_size() + 4  # rounded up, as Qwen's is: rows that no token has
    config = getattr(transformers, kind + "Config")(**{**COMMON, **settings}, vocab_size=n_vocab, bos_token_id=bos, eos_token_id=eos)
    model = getattr(transformers, kind + "ForCausalLM")(config).float().eval()
    randomise(model, seed)
    if opt.get("bf16"):
        with torch.no_grad():
            for p in model.parameters(): p.copy_(p.bfloat16().float())
    margin = write_reference(folder / "reference.bin", model, seed + 1)
    write_gguf(folder / "model.gguf", name, model, tokenizer, pre, results, opt.get("bf16", False))
    tokens = []
    for s in STRINGS:
        ids = tokenizer.encode(s, add_special_tokens=False).ids
        tokens.append({"text": s, "ids": ids, "with_special": tokenizer.encode(s, add_special_tokens=True).ids})
    (folder / "tokens.json").write_text(json.dumps(tokens, ensure_ascii=True, indent=0))
    if opt.get("bf16"): model = model.bfloat16()
    model.save_pretrained(folder, **(dict(max_shard_size="40KB") if opt.get("shards") else {}))
    c = json.loads((folder / "config.json").read_text())
    if opt.get("old_config"): c = old_style(c)
    for f in folder.iterdir(): f.chmod(0o644)
    (folder / "config.json").write_text(json.dumps(c, indent=1, sort_keys=True) + "\n")
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False) + "\n")
    tc = {"bos_token": tokenizer.id_to_token(bos), "eos_token": {"content": tokenizer.id_to_token(eos)}, "model_max_length": 128}
    if pre == "spm": tc["add_bos_token"] = True
    if name == "qwen2": tc["chat_template"] = "{% for m in messages %}{{ m.content }}{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps(tc, indent=1) + "\n")
    return margin


if __name__ == "__main__":
    torch.set_num_threads(1)
    out_folder = pathlib.Path(sys.argv[1])
    for i, model_name in enumerate(MODELS):
        print(model_name, "smallest top-two margin on the greedy paths:", make(out_folder, model_name, SEED + 100 * i))
