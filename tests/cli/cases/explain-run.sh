"$KEN" annotate -q -m "$TINY" -d "$SRC/data/world" --shots 1 --prompts 2 --relation capital --limit 2 -o r.ken
"$KEN" explain r.ken capital/train/1 | sed -n '1,3p'
"$KEN" show r.ken --rows --json >rows
"$KEN" explain r.ken capital/train/1 --json | python3 -c '
import json, sys
x, row = json.load(sys.stdin), [r for r in map(json.loads, open("rows")) if r["id"] == "capital/train/1"][0]
print(all(x[k] == row[k] for k in row), len(x["explained"]))
for p in x["explained"]: print(p["prompt"].count("\n"), abs(sum(a["p"] for a in p["accepted"]) - (p["p_lo"] + p["p_hi"]) / 2) < 1e-3)'
"$KEN" explain r.ken capital/train/7; echo $?
"$KEN" explain r.ken; echo $?
"$KEN" explain --question x; echo $?
"$KEN" explain --question x --answer y --relation nothing -m "$TINY"; echo $?
"$KEN" explain r.ken capital/train/1 -m "$SRC/tests/fixtures/model/tiny-llama-bias/model.gguf" | sed -n 1p
