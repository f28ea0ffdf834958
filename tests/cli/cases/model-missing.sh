"$KEN" model none.gguf; echo $?
"$KEN" model; echo $?
KEN_MODEL=none.gguf "$KEN" model; echo $?
KEN_MODEL="$TINY" "$KEN" model | head -n 2
