"$KEN" help && "$KEN" --help | cmp - /dev/fd/3 3<<X && "$KEN" -h >/dev/null
$("$KEN" help)
X
