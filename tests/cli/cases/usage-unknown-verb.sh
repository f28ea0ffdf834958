"$KEN" shwo x; echo $?
"$KEN" frobnicate; echo $?
"$KEN" --limit 3 show
