# A made-up cache: models and adapters by their name on the hub. Revisions are hexadecimal.
FIX=$SRC/tests/fixtures/model
REV=0123456789abcdef0123456789abcdef01234567
put() { mkdir -p "$1/models--$2/refs" "$1/models--$2/snapshots/$REV" && printf %s $REV >"$1/models--$2/refs/main"; ln -s "$3"/* "$1/models--$2/snapshots/$REV/"; }
CACHE=$HOME/.cache/huggingface/hub
put "$CACHE" acme--tiny "$FIX/tiny-qwen3"
put hf/hub acme--other "$FIX/tiny-llama-tied"
put hf/hub acme--lora "$FIX/tiny-llama-tied/adapter"
name() { "$KEN" model --json "$@" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["name"], d["architecture"], d["path"].split("/")[-1])'; }
name acme/tiny; name -m acme/tiny; KEN_MODEL=acme/tiny name
HF_HOME=hf name acme/other; HF_HUB_CACHE=hf/hub name acme/other; HF_HOME='~/../'"${HOME##*/}"/hf name acme/other
echo "--- adapters, and runs of them"
export HF_HOME=hf
printf '{"question":"Who wrote Emma?","answer":"Jane Austen"}\n' >q.jsonl
"$KEN" eval -q -m "$TINY" --adapter acme/lora -d q.jsonl --no-texts --json -o e.ken | grep -c '"adapter'; "$KEN" model acme/lora; echo $?
"$KEN" diff acme/other --adapter acme/lora -d "$SRC/data/world" --relation capital --limit 1 --shots 1 --prompts 1 --no-texts -q | head -n 3; ls *.ken
echo "--- what is not there, and what to do"
for id in acme/none none/tiny acme/tiny.gguf ./acme/other acme/../../etc ../other "acme/ot her" acme/o--r .acme/other acme/-o a/b/c acme/; do "$KEN" model "$id"; echo $?; done
"$KEN" annotate q.jsonl -m acme/none; "$KEN" eval -d q.jsonl -m "$TINY" --adapter acme/none; "$KEN" train -d q.jsonl -o t -m acme/none; "$KEN" tokenize -m acme/none x; "$KEN" select q.jsonl --to axolotl -m acme/none -o s.jsonl; "$KEN" diff acme/none acme/none -d q.jsonl
echo "--- a cache that lies"
printf '../../../../etc\n' >hf/hub/models--acme--other/refs/main; "$KEN" model acme/other; echo $?
printf '%0200d' 0 >hf/hub/models--acme--other/refs/main; "$KEN" model acme/other; echo $?
: >hf/hub/models--acme--other/refs/main; "$KEN" model acme/other; echo $?
printf %s $REV >hf/hub/models--acme--other/refs/main; rm hf/hub/models--acme--other/snapshots/*/*.safetensors hf/hub/models--acme--other/snapshots/*/*.gguf; "$KEN" model acme/other; echo $?
echo "--- a folder of GGUF files"
mkdir -p hf/hub/models--acme--gguf/refs hf/hub/models--acme--gguf/snapshots/$REV && echo $REV >hf/hub/models--acme--gguf/refs/main
cp "$TINY" hf/hub/models--acme--gguf/snapshots/$REV/a.gguf; "$KEN" model acme/gguf | head -n 1
cp "$TINY" hf/hub/models--acme--gguf/snapshots/$REV/b.gguf; "$KEN" model acme/gguf 2>&1 | sed 's/[ab]\.gguf$/X.gguf/'
mkdir -p acme/gguf; "$KEN" model acme/gguf; echo $?
