run() { "$KEN" annotate "$@" -m "$TINY"; echo $?; }
run
run -d
run -d /
run -d . -o r.ken
run -d "$SRC/data/world" -o r.ken --relation nothing
run -d "$SRC/data/world" -o r.ken --split nothing
run -d "$SRC/data/world" -o r.ken --matcher em-wrong
run -d "$SRC/data/world" -o r.ken --matcher contains
run -d "$SRC/data/world" -o r.ken --template 'no placeholder'
run -d "$SRC/data/world" -o r.ken --temperature 0
run -d "$SRC/data/world" -o r.ken --temperature nan
run -d "$SRC/data/world" -o r.ken --isa sse
run -d "$SRC/data/world" -o r.ken --chat-template
run -d "$SRC/data/world" -o r.ken stray
ls
