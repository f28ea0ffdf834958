# Small verbs need little address space and always end (OpenBLAS, when it was loaded, turned for ever here). A sanitizer needs terabytes.
"$MAKE_RUN" a.ken
[ -n "${ASAN_OPTIONS-}" ] || ulimit -v 120000
timeout -s KILL 60 "$KEN" --version >/dev/null; echo $?
timeout -s KILL 60 "$KEN" show a.ken >/dev/null; echo $?
timeout -s KILL 60 "$KEN" diff a.ken a.ken >/dev/null; echo $?
timeout -s KILL 60 "$KEN" score a.ken >/dev/null; echo $?
