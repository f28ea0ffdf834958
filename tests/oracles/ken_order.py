"""Which rows `ken train` puts into which batch (src/tune/order.h), written down a second time: Philox4x32-10 (Salmon et al., SC 2011)
keyed by seed and name, a Fisher-Yates shuffle an epoch, batches cut from it. For data without mixtures and known tail."""

M64 = (1 << 64) - 1


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
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


def uniform(seed, name, a):
    k = mix(seed) ^ hash64(name)
    r = philox((a, 0, 0, 0x6B656E), (k & 0xFFFFFFFF, k >> 32))
    return ((r[0] << 32 | r[1]) >> 11) * 2.0 ** -53


def epoch_order(n, seed, epoch):
    name, out = f"order/0/{epoch}", list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(uniform(seed, name, i) * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


def batches(n, batch, seed, steps):
    """row numbers of the first `steps` updates"""
    out, epoch = [], 0
    while len(out) < steps:
        order = epoch_order(n, seed, epoch)
        out += [order[i:i + batch] for i in range(0, n, batch)]
        epoch += 1
    return out[:steps]
