"$KEN" _completion bash >c && bash -n c && bash -c '
. ./c
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ken; echo "$*: ${COMPREPLY[*]}"; }
try ken sh
try ken show --cat
try ken data --format j
try ken show --color ""
try ken lab ""
try ken lab theory --joint-e
try ken lab theory --color ""'
