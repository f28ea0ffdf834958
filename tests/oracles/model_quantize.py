#!/usr/bin/env python3
"""Values of every size in the types that ken writes, from numpy and the gguf package.

    python tests/oracles/model_quantize.py tests/fixtures/model/quantize.bin

Layout, little-endian: n (int32), f32[n], then f16[n], bf16[n] and Q8_0 blocks of the same values. All fit every type: what does not is
refused (tests/model/test_quantize.c). Made with gguf 0.19.0, numpy 2.4.6; seed below.
"""
import struct, sys
import gguf, numpy as np

SEED = 405905
T = gguf.GGMLQuantizationType
rng = np.random.default_rng(SEED)
blocks = [rng.normal(0, s, 32) for s in (1e-9, 1e-6, 3e-5, 1e-3, 0.02, 0.02, 0.02, 1, 30, 1000, 20000) for _ in range(4)]
blocks.append(np.zeros(32))
blocks.append(-np.zeros(32))
ties = np.arange(32) + 0.5  # 127 makes the scale 1: ties of Q8_0's rounding, both signs
blocks.append(np.where(np.arange(32) % 2 == 0, ties, -ties).clip(-127, 127))
blocks[-1][31] = 127
half = rng.integers(0, 0x7bff, 64).astype(np.uint16).view(np.float16).astype(np.float64)
blocks += list(((half + np.nextafter(half.astype(np.float16), np.float16(65504)).astype(np.float64)) / 2).reshape(2, 32))  # ties of f16
bf = (rng.integers(0x3000, 0x4700, 64).astype(np.uint32) << 16 | 0x8000).view(np.float32).astype(np.float64)
blocks += list(bf.reshape(2, 32))  # ties of bf16
blocks.append(rng.choice([65504.0, -65519.9, 65519.9, 2.0 ** -24, 2.0 ** -25, 2.0 ** -14, -(2.0 ** -15), 1.0], 32))
x = np.concatenate(blocks).astype("<f4")
q8 = gguf.quants.quantize(x, T.Q8_0)
bf16 = gguf.quants.quantize(x, T.BF16)
open(sys.argv[1], "wb").write(struct.pack("<i", x.size) + x.tobytes() + x.astype("<f2").tobytes() + bf16.tobytes() + q8.tobytes())
