"$MAKE_RUN" r.ken
export KEN_SPLIT=test
"$KEN" select; echo $?
"$KEN" select r.ken; echo $?
"$KEN" select none.ken --dry-run; echo $?
"$KEN" select r.ken --aliases names.json --dry-run; echo $?
"$KEN" select r.ken -o list.json; echo $?
"$KEN" select r.ken --variant unknown=90 --size 100 --dry-run; echo $?
"$KEN" select r.ken --variant unknown=50 --size 6 --concentrated --dry-run; echo $?
"$KEN" select r.ken --variant HighlyKnown --size 12 --dry-run; echo $?
"$KEN" select r.ken --balance category --size 40 --dry-run; echo $?
"$KEN" select r.ken --category WeaklyKnown --p-min 0.5 --dry-run; echo $?
"$KEN" select r.ken --popularity-min 5000 --dry-run; echo $?
"$KEN" select r.ken --subjects 1-0 --dry-run; echo $?
"$KEN" select r.ken --half-within relation --dry-run; echo $?
"$KEN" select r.ken --match control --dry-run; echo $?
"$KEN" select r.ken --size 3 --dry-run; echo $?
"$KEN" select r.ken --max-length 5 --dry-run; echo $?
"$KEN" select r.ken --to axolotl -o a.jsonl; echo $?
"$KEN" select r.ken --to mlx -o a; echo $?
"$KEN" select r.ken -o r.ken; echo $?
"$MAKE_RUN" c.ken choice
"$KEN" select c.ken --category Known --dry-run; echo $?
ls
