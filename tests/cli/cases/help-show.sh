"$KEN" show --help && "$KEN" help show >a && "$KEN" show -h --nonsense >b && cmp a b
