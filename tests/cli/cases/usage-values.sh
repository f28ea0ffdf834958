run() { "$KEN" "$@" >/dev/null; echo $?; }
run show --limit
run show x.ken --limit ''
run show x.ken --limit 12x
run show x.ken --limit -3
run show x.ken --limit 99999999999999999999
run show x.ken --limit=1.5
run show x.ken --limit ' 1'
run show x.ken --rows=yes
run show x.ken --color blue
run data x --format jsonlx
run data x --protocol=''
