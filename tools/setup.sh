#!/bin/sh
# setup.sh [build|check] - installs the Debian packages that are missing, and says which.
#
# `build` is what the program needs to be built and run; `check` (the default) adds what `make check` needs: compilers with
# sanitizers, linters, valgrind. Touches nothing but packages. Safe to run again: does nothing when all are there.
set -eu

# python3-pip and ca-certificates: tools/get-model.py.
build="gcc libc6-dev git meson ninja-build pkg-config python3 python3-pip ca-certificates libdnnl-dev
libsqlite3-dev libjansson-dev libutf8proc-dev libssl-dev zlib1g-dev libcmocka-dev librsvg2-bin fonts-liberation"
# libc6-dbg: valgrind cannot replace the loader's string functions without its symbols.
check="libopenblas-dev clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev libomp-14-dev cppcheck valgrind libc6-dbg man-db chromium"

case "${1:-check}" in
build) wanted="$build" ;;
check) wanted="$build $check" ;;
*) echo "usage: tools/setup.sh [build|check]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no apt here; install the equivalents of:" $wanted >&2
    exit 0
fi

missing=""
for p in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
if [ -z "$missing" ]; then
    echo "setup: all packages are installed" >&2
    exit 0
fi

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "setup: run as root, or install:$missing" >&2; exit 1; }
    sudo=sudo
fi
install() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends $missing >"$log" 2>&1 </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing$missing" >&2
# The package lists of a fresh machine are empty or old: fetch them only when the first try shows the need.
if ! install; then
    echo "setup: updating the package lists" >&2
    $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 </dev/null || true
    install || { cat "$log" >&2; echo "setup: apt-get failed; see above" >&2; exit 1; }
fi
echo "setup: done" >&2
