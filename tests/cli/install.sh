#!/bin/sh
# install.sh BUILD SRC - installs into an empty folder and uses what is there: the program, the manual, the completions, and
# examples/know.c built with nothing but the installed header, library and pkg-config file. Prints TAP.
set -u
build=$1 src=$2
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$stage" || exit 1
n=0 bad=0
check() { # check NAME COMMAND...: one test case
    n=$((n + 1)) name=$1
    shift
    if "$@" >log 2>&1; then echo "ok $n - $name"; else
        echo "not ok $n - $name"
        sed 's/^/# /' log
        bad=1
    fi
}

DESTDIR=$stage/root meson install --no-rebuild --quiet -C "$build" >install.log 2>&1 || { sed 's/^/# /' install.log; echo "not ok 1 - install"; exit 1; }
prefix=$(find root -name ken.h | sed 's,/include/ken.h,,')
# The sanitizers want to be loaded first, which a plain client is not built for.
if nm -D "$build/libken.so" | grep -q __asan; then
    echo "1..0 # skip a client of the installed library is not built with sanitizers"
    exit 0
fi

has() { for f in "$@"; do find "$prefix" -path "*/$f" | grep -q . || { echo "$f is missing"; return 1; }; done; }
check "program, header, libraries, pkg-config file" has bin/ken include/ken.h include/ken_tune.h include/ken_study.h include/ken_lab.h include/ken_views.h libken.a libken.so libken.so.0 pkgconfig/libken.pc
check "manual" has man1/ken.1 man1/ken-annotate.1 man1/ken-show.1 man1/ken-explain.1 man1/ken-data.1 man1/ken-model.1 man1/ken-tokenize.1 man5/ken-run.5
check "completions" has bash-completion/completions/ken zsh/site-functions/_ken
check "world facts" has share/ken/world/templates.json

# Absolute paths of the build or of the source in what is installed would break on another machine.
no_paths() { ! grep -rlE "$build|$src" "$prefix/lib" "$prefix/share" --include='*.pc' --include='*.1' --include=ken --include=_ken; }
check "no build paths in text files" no_paths

lib=$(dirname "$(find "$PWD/$prefix" -name libken.so)")
export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage/root LD_LIBRARY_PATH=$lib
only_public() { # every symbol that the shared library shows is declared in ken.h, and the other way round
    nm -D --defined-only "$lib/libken.so" | awk '$2 ~ /[TDBR]/ {print $3}' | sort >shown
    { grep -o 'KEN_API[^;]*' "$prefix"/include/*.h | grep -o 'ken_[a-z0-9_]*(' | tr -d '('
      sed -n 's/^KEN_DEFAULTS(.*, \(ken_[a-z_]*\))$/\1_fill/p' "$prefix"/include/*.h; } | sort -u >declared
    diff declared shown
}
check "the shared library shows KEN_API and nothing else" only_public
c_and_cxx() { # the header stands alone, in both languages
    echo '#include <ken.h>' >h.c && cc -std=c99 -Wall -Wextra -pedantic -Werror -fsyntax-only $(pkg-config --cflags libken) h.c &&
        { ! command -v c++ >/dev/null || c++ -x c++ -Wall -Werror -fsyntax-only $(pkg-config --cflags libken) h.c; }
}
check "ken.h stands alone" c_and_cxx
build_example() { cc -Wall -Wextra -Werror "$src/examples/know.c" $(pkg-config --cflags --libs libken) -o know; }
check "examples/know.c builds through pkg-config" build_example
static_example() { cc "$src/examples/know.c" $(pkg-config --static --cflags libken) "$lib/libken.a" $(pkg-config --static --libs libken | tr ' ' '\n' | grep -v -- -lken) -o know-static; }
check "and with the static library" static_example
tiny=$src/tests/fixtures/model/tiny-llama-tied/model.gguf
run_example() { ./know "$tiny" "$src/data/world" know.ken >out && tail -n 1 out | grep -q '^20 facts' && [ "$(wc -l <out)" -eq 21 ]; }
check "it annotates" run_example
same_static() { ./know-static "$tiny" "$src/data/world" know.ken >out2 && cmp out out2; }
check "the static one reads the same run" same_static
installed_program() { "$prefix/bin/ken" show know.ken && "$prefix/bin/ken" explain -m "$tiny" --question 'Who?' --answer me --relation capital; }
check "the installed program finds its world facts" installed_program
echo "1..$n"
exit $bad
