"$KEN" model "$TINY" --tensors --hash
