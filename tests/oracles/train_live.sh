#!/bin/sh
# train_live.sh - the training oracles run live (make oracle-train): PyTorch computes gradients, optimizer steps and fifty updates of the
# default model for examples that are drawn anew, and the tests that otherwise read committed fixtures read these.
#
#     tests/oracles/train_live.sh BUILD PYTHON [SEED]
#
# PYTHON has torch, transformers, tokenizers and gguf. SEED: default the day, so that every run sees other examples.
set -eu
cd "$(dirname "$0")/../.."
build=$1
seed=${3:-$(date +%Y%m%d)}
python=$2
"$python" -c 'import torch, transformers, tokenizers, gguf' || {
    echo "oracle-train: torch, transformers, tokenizers and gguf are needed: make oracle-train PYTHON=/path/to/python" >&2
    exit 1
}
model=$(tools/get-model.py | tail -1)
export KEN_MODEL="${KEN_MODEL:-$model}" KEN_TEST_ORACLE="$PWD/$build/oracle-train"
mkdir -p "$KEN_TEST_ORACLE"
echo "examples drawn with seed $seed"
"$python" tests/oracles/train_gradients.py tests/fixtures/model "$KEN_TEST_ORACLE" "$seed"
"$python" tests/oracles/train_optim.py "$KEN_TEST_ORACLE/optim.bin"
"$build/tests/nn/test_nn_gradients"
"$build/tests/nn/test_nn_optim"
"$python" tests/oracles/train_smollm2.py "$KEN_MODEL" data/world "$KEN_TEST_ORACLE/train-smollm2.bin" 50 "$(nproc)" "$seed"
"$build/tests/nn/test_nn_train_smollm2" 0
"$build/tests/nn/test_nn_train_smollm2" 1
