# What was gained from empty answers is not called knowledge without a word.
"$MAKE_RUN" zero.ken eval-zero && "$MAKE_RUN" eval.ken eval && "$KEN" diff zero.ken eval.ken | head -8
"$KEN" diff eval.ken zero.ken | head -8
