#!/bin/sh
# setup.sh SRC - what tools/setup.sh and tools/may-install.sh say on machines of every kind: made of stand-ins for dpkg-query, apt-get, id and sudo.
# Installs nothing. Prints TAP.
set -u
src=$1
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$stage" || exit 1
n=0 bad=0
check() { # check NAME COMMAND...: one test case
    n=$((n + 1)) name=$1
    shift
    if "$@" >log 2>&1; then echo "ok $n - $name"; else
        echo "not ok $n - $name"
        sed 's/^/# /' log out 2>/dev/null
        bad=1
    fi
}
tool() { printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1"; }
# machine NAME: a folder of tools, and no others
machine() {
    mkdir -p "$1"
    for t in sh env mktemp rm cat sleep kill dirname; do ln -sf "$(command -v $t)" "$1/$t"; done
}
on() { # on MACHINE ARG...: the script there; its output in out, its status in status
    m=$1
    shift
    status=0
    PATH=$stage/$m "$src/tools/setup.sh" "$@" >out 2>&1 </dev/null || status=$?
}
says() { grep -qF -- "$1" out; }
is() { [ "$status" -eq "$1" ]; }

machine none && tool none/id 'echo 1000'
on none build
check "without apt: the packages are named" says "equivalents of these Debian packages: gcc"

machine user && tool user/id 'echo 1000' && tool user/dpkg-query 'exit 1' && tool user/apt-get 'echo ran >>ran'
on user build
check "neither root nor sudo: the whole command" says "apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev git meson"
check "it is for root" says "as root, run:"
check "that is a failure" is 1
check "nothing was run" test ! -e ran
check "building needs no browser, no clang, no valgrind" sh -c '! grep -qE "chromium|clang|valgrind" out'
on user check say
check "say: the command with sudo" says "sudo apt-get update && sudo apt-get install"
check "checking needs them" says "chromium"
check "something is missing" is 1
on user
check "build is the default" sh -c '! grep -q chromium out'

machine all && tool all/id 'echo 1000' && tool all/dpkg-query 'printf installed' && tool all/apt-get 'echo ran >>ran'
on all check
check "all there: says so" says "all packages are installed"
on all check say
check "all there: nothing to say" test ! -s out
check "that is none" is 0

machine root && tool root/id 'echo 0' && tool root/dpkg-query 'exit 1'
tool root/apt-get 'case "$*" in *install*) [ -e updated ] || exit 100; sleep 3 ;; *update*) : >updated ;; esac'
SETUP_BEAT=1 && export SETUP_BEAT
on root build
check "root: installs after the lists were updated" says "setup: done"
check "and shows that it lives" says "still installing (1 s)"
tool root/apt-get 'echo no space left; exit 100'
on root build
check "apt-get fails: what it said, and the command" sh -c 'grep -q "no space left" out && grep -q "    apt-get update && apt-get install" out'
check "that is a failure too" is 1
on root buidl
check "a wrong word is refused" is 2

machine sudo && tool sudo/id 'echo 1000' && tool sudo/dpkg-query 'exit 1' && tool sudo/apt-get 'exit 0' && tool sudo/sudo 'echo "$@" >>asked; "$@"'
on sudo build
check "a user with sudo: installs by it" grep -q "apt-get .*install" asked

may() { status=0; "$src/tools/may-install.sh" "$@" >out 2>&1 || status=$?; }
may "$stage/own/deep" ""
check "a folder of one's own" is 0
if [ "$(id -u)" -ne 0 ]; then
    may /usr/local ""
    check "make install as a user names sudo and PREFIX" sh -c 'grep -q "sudo make install" out && grep -q "PREFIX=\$HOME" out'
    may /usr/local /somewhere
    check "a stage needs no rights there" is 0
else
    may /proc/ken ""
    check "a place where nobody may write: sudo and PREFIX are named, or root may" sh -c '[ ! -s out ] || grep -q "PREFIX=\$HOME" out'
fi
echo "1..$n"
exit $bad
