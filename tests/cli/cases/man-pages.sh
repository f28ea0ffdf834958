for v in "" $("$KEN" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    "$KEN" _man $v >page.1 || echo "no page $v"
    # groff's warnings are findings
    if command -v man >/dev/null; then LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l page.1 2>&1 >page.txt | head -n 5; fi
    grep -c '^\.SH' page.1
done
