"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && "$MAKE_RUN" e.ken eval && "$MAKE_RUN" f.ken eval-after && "$MAKE_RUN" c.ken choice
mkdir trained && "$MAKE_RUN" trained/train.ken train
"$KEN" report a.ken b.ken trained -o change.html
grep -o '<h1>.*</h1>' change.html; grep -o '<p class="finding">[^.]*' change.html | sed 's/<[^>]*>//g'
"$KEN" report b.ken a.ken b.ken e.ken f.ken c.ken trained -o all.html
grep -c '<section' all.html
"$KEN" report trained --title 'A < B' -o t.html; grep -o '<title>.*</title>' t.html; grep -o '<h1>.*</h1>' t.html
"$KEN" report e.ken -o e.html; "$KEN" report c.ken -o c.html; "$KEN" report -q e.ken f.ken -o ef.html; ls
mkdir empty; "$KEN" report empty; echo $?
echo 'not a run' > text.ken; "$KEN" report text.ken -o x.html; echo $?
cp a.ken newer.ken && printf '\000\000\000\143' | dd of=newer.ken bs=1 seek=60 conv=notrunc 2>/dev/null # user_version 99
"$KEN" report newer.ken -o x.html; echo $?
head -c 5000 a.ken > cut.ken; "$KEN" report cut.ken -o x.html; echo $?
test -e x.html || echo none
"$KEN" report a.ken b.ken --trained none.ken -o never.html; echo $?; test -e never.html || echo none
