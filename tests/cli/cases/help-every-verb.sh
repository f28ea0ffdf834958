for v in $("$KEN" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    "$KEN" $v --help >help.txt || echo "no help for $v"
    grep -q "^Usage: ken $v " help.txt || echo "no usage line for $v"
    echo "$v"
done
