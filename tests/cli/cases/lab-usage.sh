"$KEN" lab
"$KEN" lab galaxy
"$KEN" lab --help
"$KEN" help lab theory | head -3
"$KEN" lab theory everything
"$KEN" lab theory --subjects 1001
"$KEN" lab theory --subjects 0
"$KEN" lab theory --answers 100000 --relations 1000
"$KEN" lab theory --steps 1000000000000
"$KEN" lab theory --steps 30k,15k
"$KEN" lab theory --alphas nan
"$KEN" lab theory --lr 1e99
"$KEN" lab theory --shared 1
"$KEN" lab theory --arms Middle
"$KEN" lab theory --joint-lr-values 0.1,0.1
"$KEN" lab theory --joint-steps many
"$KEN" lab theory --csv --json
echo a >a-file
"$KEN" lab theory -o a-file
KEN_SEEDS=0 "$KEN" lab theory
