#!/bin/sh
# setup.sh [build|check] [say] - installs the Debian packages that are missing, and says which.
#
# `build` (the default) is what the program needs to be built and run; `check` adds what `make check` needs: compilers with
# sanitizers, linters, valgrind, a browser. With `say` nothing is installed: the command that would is printed, and the exit status is 1 when
# something is missing. Touches nothing but packages. Safe to run again: does nothing when all are there.
set -eu

# python3-pip and ca-certificates: tools/get-model.py.
build="gcc libc6-dev git meson ninja-build pkg-config python3 python3-pip ca-certificates libdnnl-dev
libsqlite3-dev libjansson-dev libutf8proc-dev libssl-dev zlib1g-dev libcmocka-dev librsvg2-bin fonts-liberation"
# libc6-dbg: valgrind cannot replace the loader's string functions without its symbols.
check="libopenblas-dev clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev libomp-14-dev cppcheck valgrind libc6-dbg man-db chromium"

case "${1:-build}" in
build) wanted="$build" ;;
check) wanted="$build $check" ;;
*) echo "usage: tools/setup.sh [build|check] [say]" >&2; exit 2 ;;
esac
case "${2:-}" in
'') only_say= ;;
say) only_say=yes ;;
*) echo "usage: tools/setup.sh [build|check] [say]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no apt here; install the equivalents of these Debian packages:" $wanted >&2
    exit 0
fi

missing=""
for p in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
if [ -z "$missing" ]; then
    [ -n "$only_say" ] || echo "setup: all packages are installed" >&2
    exit 0
fi
command_for() { echo "    $1apt-get update && $1apt-get install -y --no-install-recommends$missing" >&2; }

if [ -n "$only_say" ]; then
    echo "setup: packages are missing; make setup installs them, or you do:" >&2
    command_for "sudo "
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "setup: not root, and there is no sudo; as root, run:" >&2
        command_for ""
        exit 1
    fi
    sudo=sudo
fi
log=$(mktemp)
beat=""
trap '[ -z "$beat" ] || kill "$beat" 2>/dev/null; rm -f "$log"' EXIT
# alive WHAT COMMAND...: runs it, and says every 15 seconds that it still runs.
alive() {
    what=$1
    shift
    (
        s=0
        while sleep "${SETUP_BEAT:-15}" >/dev/null 2>&1; do # or a caller's pipe would stay open for as long
            s=$((s + ${SETUP_BEAT:-15}))
            echo "setup: still $what ($s s)" >&2
        done
    ) &
    beat=$!
    status=0
    "$@" || status=$?
    kill "$beat" 2>/dev/null || true
    wait "$beat" 2>/dev/null || true
    beat=""
    return "$status"
}
install() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends $missing >"$log" 2>&1 </dev/null
}
update() { $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 </dev/null; }
echo "setup: installing$missing" >&2
# The package lists of a fresh machine are empty or old: fetch them only when the first try shows the need.
if ! alive "installing" install; then
    echo "setup: updating the package lists" >&2
    alive "updating the package lists" update || true
    alive "installing" install || { cat "$log" >&2; echo "setup: apt-get failed; see above. The command was:" >&2; command_for "${sudo:+sudo }"; exit 1; }
fi
echo "setup: done" >&2
