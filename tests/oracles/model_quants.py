#!/usr/bin/env python3
"""Blocks of every weight type with their exact f32 values, from the gguf package.

    python tests/oracles/model_quants.py tests/fixtures/model/quants.bin

Random bytes make random quants and small scales; the f16 scales of the first blocks are replaced by the extreme ones below. Layout,
little-endian: for each type  name[8] (NUL-padded)  n_values (int32)  n_bytes (int32)  bytes[n_bytes]  f32[n_values].
NaN results are stored as one NaN each: which NaN is the processor's choice. Made with gguf 0.19.0, numpy 2.4.6; seed below.
"""
import struct, sys
import gguf, numpy as np

SEED = 405904
T = gguf.GGMLQuantizationType
SCALES = {T.F16: [0], T.BF16: [], T.F32: [], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82],
          T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}  # where a block keeps its f16 scales
EXTREME = np.array([0.0, -0.0, 65504.0, -65504.0, 2.0 ** -24, -(2.0 ** -24), 2.0 ** -14, 1023 * 2.0 ** -24, np.inf, -np.inf, np.nan, 1.0],
                   dtype=np.float16)

rng = np.random.default_rng(SEED)
blob = b""
for t, places in SCALES.items():
    block, n_bytes = gguf.GGML_QUANT_SIZES[t]
    n_blocks = {1: 256, 32: 40, 256: 16}[block]
    raw = rng.integers(0, 256, (n_blocks, n_bytes), dtype=np.uint8)
    for p in places:
        # scales of a plausible size, so that sums d q + m neither vanish nor overflow; then the extremes, shifted by place
        raw[:, p:p + 2] = rng.normal(0, 0.02, n_blocks).astype(np.float16).view(np.uint8).reshape(-1, 2)
        raw[:len(EXTREME), p:p + 2] = np.roll(EXTREME, p).view(np.uint8).reshape(-1, 2)
    with np.errstate(all="ignore"):
        if t == T.F32: values = raw.reshape(-1).view(np.float32)
        elif t == T.F16: values = raw.reshape(-1).view(np.float16).astype(np.float32)
        else: values = gguf.quants.dequantize(raw.reshape(-1), t)
    values = values.astype("<f4").reshape(-1).copy()
    values[np.isnan(values)] = np.nan
    blob += t.name.encode().ljust(8, b"\0") + struct.pack("<ii", values.size, raw.size) + raw.tobytes() + values.tobytes()
open(sys.argv[1], "wb").write(blob)
