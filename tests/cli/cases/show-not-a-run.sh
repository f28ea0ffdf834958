"$KEN" show none.ken; echo $?
echo hello >text.ken; "$KEN" show text.ken; echo $?
: >empty.ken; "$KEN" show empty.ken; echo $?
mkdir folder; "$KEN" show folder; echo $?
