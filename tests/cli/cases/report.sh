"$MAKE_RUN" r.ken && "$KEN" report r.ken && head -c 15 report.html; echo
"$KEN" report -q r.ken r.ken -o two.html && ls
grep -c '<script src\|<link' two.html
grep -o 'Ngerulmud' report.html | head -n 1
"$KEN" report none.ken -o x.html; echo $?
"$KEN" report r.ken -o none/x.html; echo $?
"$KEN" report; echo $?
ls
