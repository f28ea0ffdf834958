"$KEN" show --relatoin P36 x.ken; echo $?
"$KEN" show --rel P36 x.ken; echo $?
"$KEN" show --zzzz x.ken; echo $?
"$KEN" show -z x.ken; echo $?
"$KEN" show -qz x.ken
