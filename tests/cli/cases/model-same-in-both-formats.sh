"$KEN" model "$(dirname "$TINY")" --json >a && "$KEN" model -m "$TINY" --json >b
python3 - <<X
import json
a, b = json.load(open("a")), json.load(open("b"))
for k in ("architecture", "params", "layers", "embd", "heads", "kv_heads", "vocab", "rope_theta", "tied_head", "bos", "eos"):
    print(k, a[k], "same" if a[k] == b[k] else b[k])
X
