"$KEN" explain -m "$TINY" --question 'What is the capital of France?' --answer Paris --answer Lutetia --relation capital --shots 1 --prompts 2 --top 1
