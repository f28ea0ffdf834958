ADAPTER=$SRC/tests/fixtures/model/tiny-llama-tied/adapter
annotate() { "$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 3 --relation capital --limit 2 -o run.ken "$@"; }
annotate --adapter "$ADAPTER"; echo $?
"$KEN" show run.ken | sed '/^$/,$d' | tr '\n' ' ' | sed "s|$SRC/||"; echo
annotate; echo $?
cp -r "$ADAPTER" other; chmod -R u+w other
sed -i 's/"lora_alpha": 6/"lora_alpha": 7/' other/adapter_config.json
annotate --adapter other; echo $?
annotate --adapter "$ADAPTER"; echo $?
annotate -o plain.ken; annotate -o plain.ken --adapter other; echo $?
"$KEN" explain run.ken capital/train/0 --top 1 2>&1 | grep -c '^ken: warning'
"$KEN" explain run.ken capital/train/0 --top 1 -m "$TINY" 2>&1 | grep -c '^ken: warning: this is not the model of the run'
"$KEN" model --json "$TINY" --adapter "$ADAPTER" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["adapter"][-24:], len(d["adapter_hash"]))'
"$KEN" model "$TINY" --adapter "$ADAPTER" | grep adapter | sed "s|$SRC/||"
"$KEN" model "$TINY" --adapter nowhere; echo $?
"$KEN" model "$SRC/tests/fixtures/model/tiny-qwen3" --adapter "$ADAPTER" 2>&1 | sed "s|$SRC/||"
sed -i 's/"use_dora": false/"use_dora": true/' other/adapter_config.json
"$KEN" model "$TINY" --adapter other; echo $?
