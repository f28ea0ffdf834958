echo hello >m.gguf; "$KEN" model m.gguf; echo $?
: >m.gguf; "$KEN" model m.gguf; echo $?
head -c 5000 "$TINY" >m.gguf; "$KEN" model m.gguf; echo $?
mkdir d; "$KEN" model d; echo $?
