"$KEN" tokenize -m "$TINY" 'Paris is' ' b' && "$KEN" tokenize -m "$TINY" --ids 'Paris is' && printf 'a\nb\377c' | "$KEN" tokenize -m "$TINY" -i - --json
"$KEN" tokenize -m "$TINY"; "$KEN" tokenize -m "$TINY" --special --ids x; "$KEN" tokenize -m "$TINY" -i none; echo $?
"$KEN" tokenize -m "$TINY" --vocab | head -n 5
