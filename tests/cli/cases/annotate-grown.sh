# Data that grew: facts added, changed and removed are named, by annotate and show; a limit leaves some of the new ones for later; the same data again add nothing.
export KEN_MODEL="$TINY" KEN_SHOTS=1 KEN_PROMPTS=3
facts() {
    for x in "$@"; do
        printf '{"id": "%s", "relation": "capital", "subject": "%s", "question": "What is the capital of %s?", "answers": ["%s"]}\n' "${x%%:*}" "${x%%:*}" "${x%%:*}" "${x##*:}"
    done >facts.jsonl
}
said() { sed -n '/facts.jsonl/p'; }
facts Avaria:Lom Berund:Tessa Corvia:Pell Dorland:Quin Estmark:Ruun Fenwick:Sol Gorland:Tarn Hulme:Ust
"$KEN" annotate -d facts.jsonl --limit 7 2>&1 | said
"$KEN" annotate -d facts.jsonl 2>&1 | said # the eighth was there from the beginning
facts Avaria:Lom Berund:Tessa Corvia:Pell Dorland:Quinn Estmark:Ruun Gorland:Tarn Hulme:Ust Kelland:Xan Lorne:Yst Mirth:Zed Nordal:Abo
echo "--- grown"
"$KEN" annotate -d facts.jsonl --limit 9 2>&1 | said
echo "--- whole"
"$KEN" annotate -d facts.jsonl 2>&1 | said
"$KEN" annotate -q -d facts.jsonl # once more: nothing is said twice
"$KEN" show facts.ken | tr '\n' ' ' | grep -o '[0-9]* facts* [acr][a-z]* [a-z]* facts.jsonl[^.]*\.'
"$KEN" show facts.ken --rows --json | python3 -c 'import json, sys; print(*(json.loads(l)["id"] for l in sys.stdin))'
