"$KEN" eval; echo $?
"$KEN" eval --rows --text a.txt; echo $?
"$KEN" eval -d "$SRC/data/world" --fail-if 'accuracy=3'; echo $?
"$KEN" eval -d "$SRC/data/world" --fail-if 'bleu<3'; echo $?
"$KEN" eval -d "$SRC/data/world" --fail-if 'accuracy<many'; echo $?
"$KEN" eval -d "$SRC/data/world" --fail-if 'lost>2%'; echo $?
"$KEN" eval -d "$SRC/data/world" --fail-if 'perplexity>2'; echo $?
"$KEN" eval -d "$SRC/data/world" --prompt zero-shot --shots 2; echo $?
"$KEN" eval -m "$TINY" -d "$SRC/data/world" --matcher em-squad,bleu; echo $?
"$KEN" eval -m "$TINY" -d "$SRC/data/world" --matcher em-squad,em-squad/1; echo $?
"$KEN" eval -m "$TINY" -d "$SRC/data/world" --relation capitol; echo $?
"$KEN" eval -m "$TINY" -d "$SRC/data/world" --template 'Question?'; echo $?
"$KEN" eval -m "$TINY" -d "$SRC/data/world" -o none/x.ken; echo $?
"$KEN" eval -q -m "$TINY" -d "$SRC/data/world" --limit 3 --fail-if 'accuracy<=100%' >/dev/null; echo $?
ls
