"$KEN" show; echo $?
"$KEN" show a b; echo $?
"$KEN" data; echo $?
"$KEN" model a b
