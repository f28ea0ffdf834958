"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after
for c in 'lost>2%' 'lost>0.02' 'lost>90%' 'lost>2' 'lost>=3' 'gained<3' 'net<0' 'changed>=50%' 'greedy<99%' 'p-correct-change<-50%'; do
    "$KEN" diff a.ken b.ken --common --rows lost --limit 1 --fail-if "$c" >out; echo "$c: $?"
done
"$KEN" diff a.ken b.ken --common --fail-if 'lost>0' | tail -n 1
"$KEN" diff a.ken b.ken --fail-if 'loss>2%'; echo $?
"$KEN" diff a.ken b.ken --fail-if lost; echo $?
