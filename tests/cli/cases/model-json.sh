"$KEN" model --json "$TINY" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(json.dumps(d, indent=1))'
