"$KEN" --version && "$KEN" show --version | head -n 1 | cut -c1-4
