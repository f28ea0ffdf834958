"""What `ken train` draws at random, written down a second time: which rows make up which update (src/tune/order.h; data without mixtures
and known tail), and the A that an adapter begins with (src/model/lora.h). Philox4x32-10 (Salmon et al., SC 2011) keyed by seed and name.
The functions take integers, or numpy arrays of them.
"""
import numpy as np

M64 = (1 << 64) - 1


def philox(counter, key):
    """four words for each counter; counter: four of uint64 arrays or integers below 2^32"""
    c, k, low = [np.uint64(x) for x in counter], [np.uint64(x) for x in key], np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ k[0], p1 & low, (p0 >> np.uint64(32)) ^ c[3] ^ k[1], p0 & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return c


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & M64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & M64
    return x ^ (x >> 31)


def hash64(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 & M64
    h = (h ^ (h >> 32)) * 0xD6E8FEB86659FD93 & M64
    return h ^ (h >> 32)


def uniforms(seed, name, a, b=0):
    """in [0, 1) for counters a, b"""
    k = mix(seed) ^ hash64(name)
    r = philox((a, b, 0, 0x6B656E), (k & 0xFFFFFFFF, k >> 32))
    return ((r[0] << np.uint64(32) | r[1]) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def epoch_order(n, seed, epoch):
    u = uniforms(seed, f"order/0/{epoch}", np.arange(n, dtype=np.uint64))
    out = list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(u[i] * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


def adapter_a(seed, layer, module, rank, n_in):
    """(rank, n_in): uniform in +-1/sqrt(n_in); module as in "q_proj"; B begins as zeros"""
    r, k = np.meshgrid(np.arange(rank, dtype=np.uint64), np.arange(n_in, dtype=np.uint64), indexing="ij")
    return ((2 * uniforms(seed, f"lora/{layer}/{module}", r, k) - 1) / np.sqrt(n_in)).astype(np.float32)


def batches(n, batch, seed, steps):
    """row numbers of the first `steps` updates"""
    out, epoch = [], 0
    while len(out) < steps:
        order = epoch_order(n, seed, epoch)
        out += [order[i:i + batch] for i in range(0, n, batch)]
        epoch += 1
    return out[:steps]
