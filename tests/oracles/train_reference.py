"""What the training oracles and bench/train share: fine-tuning written down a second time, in PyTorch (docs/method/fine-tuning.md#format, #dropout).

Prompt = "Answer the following question.\\n{q}\\n", target = "{a}" and the end token; loss = sum over the target tokens of weight times
cross-entropy. Dropout on the embeddings and on the output of each attention and feed-forward block, before it is added to the
residual. Low-rank layers are our own ten lines (train_gradients.py checks them against the peft package).
"""
import torch
from torch import nn
from torch.nn import functional as F

MODULES = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]


class LowRank(nn.Module):
    """y = W x + scale B A dropout(x), W as it is"""

    def __init__(self, base, rank, alpha, dropout=0.0):
        super().__init__()
        self.base, self.scale, self.dropout = base, alpha / rank, dropout
        kind = dict(dtype=base.weight.dtype)
        self.a = nn.Parameter(torch.empty(rank, base.in_features, **kind))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank, **kind))
        nn.init.kaiming_uniform_(self.a, a=5 ** 0.5)

    def forward(self, x):
        y = F.dropout(x, self.dropout, self.training) if self.dropout else x
        return self.base(x) + F.linear(F.linear(y, self.a), self.b) * self.scale


def add_low_rank(model, rank, alpha, dropout=0.0):
    """freezes the model and puts a LowRank around each projection of each layer; the trained ones in order: layer, module, A, B"""
    for p in model.parameters():
        p.requires_grad_(False)
    out = []
    for layer in model.model.layers:
        for name in MODULES:
            half, proj = name.split(".")
            m = LowRank(getattr(getattr(layer, half), proj), rank, alpha, dropout)
            setattr(getattr(layer, half), proj, m)
            out += [m.a, m.b]
    return out


def add_dropout(model, p):
    """dropout where docs/method/fine-tuning.md#dropout has it, by forward hooks; active while model.train()"""
    def hook(module, _, out):
        if isinstance(out, tuple):
            return (F.dropout(out[0], p, model.training), *out[1:])
        return F.dropout(out, p, model.training)
    for m in [model.model.embed_tokens] + [h for l in model.model.layers for h in (l.self_attn, l.mlp)]:
        m.register_forward_hook(hook)


def question_rows(tokenizer, end, rows):
    """[(question, answer)] -> [(token ids, length of the prompt)]"""
    out = []
    for q, a in rows:
        prompt = tokenizer.encode(f"Answer the following question.\n{q}\n", add_special_tokens=False).ids
        whole = tokenizer.encode(f"Answer the following question.\n{q}\n{a}", add_special_tokens=False).ids
        assert whole[:len(prompt)] == prompt and len(whole) > len(prompt)
        out.append((whole + [end], len(prompt)))
    return out


def padded(examples):
    """[(ids, n_prompt)] -> ids (B, L), targets (B, L) with -100 where nothing is asked; position i is asked for token i + 1.
    Padding stands on the right, where a causal model never looks back on it: no attention mask is needed."""
    n = max(len(ids) for ids, _ in examples)
    x = torch.zeros(len(examples), n, dtype=torch.long)
    y = torch.full((len(examples), n), -100)
    for i, (ids, p) in enumerate(examples):
        x[i, :len(ids)] = torch.tensor(ids)
        y[i, p - 1:len(ids) - 1] = torch.tensor(ids[p:])
    return x, y


def losses(model, examples, head="targets"):
    """cross-entropies of all target tokens, example by example; head "all" computes logits everywhere, as transformers does"""
    x, y = padded(examples)
    if head == "all":
        return F.cross_entropy(model(x, use_cache=False).logits.float().flatten(0, 1), y.flatten(), ignore_index=-100,
                               reduction="none")[y.flatten() != -100]
    h = model.model(x, use_cache=False).last_hidden_state
    return F.cross_entropy(model.lm_head(h[y != -100]).float(), y[y != -100], reduction="none")
