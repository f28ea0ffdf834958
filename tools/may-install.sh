#!/bin/sh
# may-install.sh PREFIX DESTDIR - whether this user may write there (make install); before anything is built, and with what to do instead.
set -eu
[ -z "$2" ] || exit 0
at=$1
while [ ! -e "$at" ]; do at=$(dirname "$at"); done
for part in "$at" "$1/bin" "$1/lib" "$1/share" "$1/include"; do
    [ ! -e "$part" ] || [ -w "$part" ] || {
        echo "install: $(id -un 2>/dev/null || id -u) may not write to $part; as root: sudo make install PREFIX=$1" >&2
        echo "install: for this user alone: make install PREFIX=\$HOME/.local" >&2
        exit 1
    }
done
