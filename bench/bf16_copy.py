"""A copy of a GGUF file with its matrices in BF16, for peers whose bf16 kernels are faster than their quantised ones.

    python bench/bf16_copy.py MODEL.gguf OUT.gguf          needs the gguf package

Vectors stay f32. The weights are the dequantised ones, rounded to bf16: nearly, but not exactly, the model that was quantised.
"""
import os, sys

import gguf


def main(source, out):
    r = gguf.GGUFReader(source)
    arch = r.fields["general.architecture"].contents()
    part = out + ".part"
    w = gguf.GGUFWriter(part, arch)
    for name, f in r.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = f.types[0]
        w.add_key_value(name, f.contents(), kind, f.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    for t in r.tensors:
        x = gguf.quants.dequantize(t.data, t.tensor_type)
        if len(t.shape) > 1:
            w.add_tensor(t.name, gguf.quants.quantize(x, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            w.add_tensor(t.name, x.astype("float32"))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    os.replace(part, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
