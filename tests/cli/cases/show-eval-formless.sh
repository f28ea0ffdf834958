# Most answers are none: what is the matter, and which option helps.
"$MAKE_RUN" zero.ken eval-zero && "$KEN" show zero.ken && "$KEN" show zero.ken --json
