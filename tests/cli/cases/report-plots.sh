"$MAKE_RUN" a.ken && "$MAKE_RUN" b.ken after && "$MAKE_RUN" train.ken train
"$KEN" report a.ken b.ken train.ken --list-plots | sort; ls
"$KEN" report a.ken --csv numbers --plot greedy-0; ls numbers; head -n 2 numbers/greedy-0.csv | tr -d '\r'
"$KEN" report a.ken --pdf paper --png paper --plot p-correct-0; ls paper; head -c 5 paper/p-correct-0.pdf; echo
"$KEN" report a.ken --svg all -o page.html; ls all | wc -l; ls page.html
"$KEN" report a.ken --plot greedy-0; echo $?
"$KEN" report a.ken --pdf x --plot 'no/such'; echo $?; test -e x || echo none
# without the converter: the page, SVG and CSV as ever, and no PDF
mkdir bin; PATH=$PWD/bin "$KEN" report a.ken -o bare.html; echo $?
cmp bare.html page.html && grep -c '<svg' bare.html
PATH=$PWD/bin "$KEN" report a.ken --pdf y; echo $?; test -e y || echo none
PATH=$PWD/bin "$KEN" report a.ken --csv z --svg z --plot greedy-0; echo $?; ls z
