"$KEN"
