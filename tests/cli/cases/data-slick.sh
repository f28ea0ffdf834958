# needs KEN_TEST_DATA
"$KEN" data "$KEN_TEST_DATA/entityquestions/dataset" --protocol slick --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(d["train"], d["id_test"], d["ood_test"])
for k in sorted(d["relations"]): print(k, d["relations"][k].get("train", "-"), d["relations"][k]["test"])'
